/* SPDX-License-Identifier: MIT */
/* --doctor: does sandboxing work on this machine, and if not, why not? Changes nothing. */
#pragma once

#include <stdio.h>

#include "../shim/err.h"
#include "../shim/policy.h"

struct doctor_context {
	const struct policy_env *env;	/* borrowed */
	const char *shim_path;		/* where the launcher found the shim; NULL: nowhere */
	bool shim_usable;		/* it can be preloaded */
	const struct sbx_err *shim_err; /* why it was not found or is not usable; may be NULL */
	bool json;			/* one object instead of lines */
	/* Run a real program through the launcher's own start and wait for it. Returns 0 when it
	 * ended well, else -errno with one line in @why. It may print on stderr what the launcher
	 * would have printed. */
	int (*trial)(void *user, char *why, size_t size);
	void *trial_user;
};

/* Examine the machine; one line per fact on @out: "ok", "FAIL" or "note", what, detail. As JSON:
 * {"checks": [{"verdict": "ok", "what": …, "detail": …}, …], "ok": true}.
 * Returns the exit status: 0 when no line says FAIL, else SBX_EXIT_SANDBOX. */
must_check int doctor_run(const struct doctor_context *context, FILE *out) nonnull(1, 2);
