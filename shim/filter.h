/* SPDX-License-Identifier: MIT */
/* The master filter, patched into the filter of one policy, and its installation. */
#pragma once

#include <linux/filter.h>

#include "err.h"
#include "policy.h"
#include "util.h"

#define FILTER_MAX 4096 /* instructions, BPF_MAXINSNS */

struct filter {
	unsigned short len; /* instructions */
	struct sock_filter insns[FILTER_MAX];
};

struct filter_request {
	uint64_t promises;
	bool bounded;		     /* Landlock bounds the paths: see table_row_permits() */
	enum violation on_violation; /* KILL is ignored when the promises hold `error` */
	int self;		     /* pid, for rows that permit a call on the process itself */
	bool starting;		     /* also what `exec` alone permits: execve, no more of it */
};

/* Turn the promises into a program for seccomp(2) by patching the master filter; compiles nothing,
 * allocates nothing. Returns 0; -EINVAL for a bit that is no promise. On failure @ret is
 * unspecified and *err says why. */
must_check int filter_build(const struct filter_request *request, struct filter *ret,
			    struct sbx_err *err) nonnull(1, 2, 3);

/* The same from a master of one's choice (the tests: another architecture's). */
struct master;
must_check int filter_build_from(const struct master *master, const struct filter_request *request,
				 struct filter *ret, struct sbx_err *err) nonnull(1, 2, 3, 4);

/* seccomp(2) SECCOMP_SET_MODE_FILTER for the calling thread; no_new_privs must be set.
 * Returns 0, -EOPNOTSUPP when the kernel has no seccomp filters, or another -errno. */
must_check int filter_install(const struct filter *filter, struct sbx_err *err) nonnull(1, 2);

/* Identifies table and master of this build: launcher and shim must agree. */
uint64_t filter_fingerprint(void);
