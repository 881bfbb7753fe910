/* SPDX-License-Identifier: MIT */
/* unveil: a policy's paths and ports → Landlock rulesets. */
#pragma once

#include <sys/stat.h>

#include "landlock.h"
#include "policy.h"

/* What start-up needs beside the policy (the outer layer only; see sandbox.h). */
struct unveil_extra {
	const char *path; /* a missing one is no error */
	uint8_t perms;	  /* PERM_R, PERM_X: granted as they are, whatever is promised */
};

struct unveil_request {
	const struct policy *policy;
	const struct policy_env *env;
	const struct landlock_caps *caps;
	const char *shim_path;		  /* absolute; protected from the program. NULL: none */
	const char *const *readable;	  /* NULL-terminated: always readable in both layers (the
					     program, its scripts) */
	const struct unveil_extra *extra; /* for the outer ruleset */
	size_t n_extra;
	bool want_inner, want_outer;
	/* Told of each grant in both layers: @real, all that @access may be for a file of its type.
	 * 0 or -errno. For a model of the rulesets; NULL: nobody. */
	int (*granted)(void *user, const struct stat *st, const char *real, uint64_t access);
	void *granted_user;
};

/* The rulesets, each -1 when it was not wanted or when nothing is to be restricted (unveil off, no
 * [net], scope open, or best effort on a kernel without Landlock). */
struct unveil_rulesets {
	int inner, outer; /* owned, close-on-exec; take_fd() or unveil_rulesets_done() */
	bool bounded;	/* Landlock bounds files, truncation included: for filter_request.bounded */
	char lost[512]; /* best effort: what this kernel cannot enforce, one line for the user; ""
			   when nothing */
};

/* Open every path once, check it, and add it to the rulesets that are wanted.
 * Errors: -ENOENT a path that is missing and not optional; -EINVAL a line that is narrower than one
 * above it (both are named); -EPERM the policy would let the program write the policy directories,
 * the policy's files or the shim, without self_modify; -EOPNOTSUPP the kernel lacks what the policy
 * needs (names feature and kernel; not with best_effort). *err has the file:line of the policy. On
 * failure @ret holds no descriptors. */
must_check int unveil_build(const struct unveil_request *request, struct unveil_rulesets *ret,
			    struct sbx_err *err) nonnull(1, 2, 3);
void unveil_rulesets_done(struct unveil_rulesets *rulesets);

/* The checks of unveil_build() that need no kernel feature (missing paths, narrower lines,
 * self-modification): --check. */
must_check int unveil_check(const struct unveil_request *request, struct sbx_err *err)
	nonnull(1, 2);
