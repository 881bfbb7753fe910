/* SPDX-License-Identifier: MIT */
/* Without the launcher: start one beside the program that tells what is denied. The shim itself
 * cannot: it would have to hold a descriptor and a signal handler in the program, and a SIGSYS that
 * is blocked, as many threads do with all signals, kills (seccomp(2)). */
#pragma once

#include "beside.h"
#include "filter.h"
#include "policy.h"

/* An agreement between shim and launcher of one build, for nobody else: the launcher's first word,
 * ATTEND_FORMAT, the policy's file ("" for none), the files of the program. Two descriptors are
 * open: the listener, and a pidfd of the program; and standard error. */
#define ATTEND_WORD	"--attend"
#define ATTEND_FORMAT	"%d:%llx:%d:%d:%llx" /* pid, promises, on_violation, bounded, build */
#define ATTEND_LISTENER 3
#define ATTEND_PROGRAM	4

struct report_request {
	const struct policy *policy;
	const char *shim;	  /* real path: the launcher lies beside it, or is installed */
	const char *const *files; /* of the program; ends with NULL */
	char *const *envp;
	bool bounded;
};

struct report {
	const struct report_request *request;
	struct beside beside;
	void *stack;	     /* owned */
	_Atomic bool failed; /* he could not become the launcher */
	char **envp;	     /* owned by arena */
	struct arena arena;
	char launcher[PATH_MAX];
};

/* Is somebody to report, and there? Then start him; he waits for report_enter(). Restrictions of
 * the caller that follow do not reach him. */
bool report_start(struct report *report, const struct report_request *request) must_check
	nonnull(1, 2);

/* Install @filter, which asks him, or @plain, which refuses by itself, where that is not possible.
 * Returns 0 or -errno. */
must_check int report_enter(struct report *report, const struct filter *filter,
			    const struct filter *plain, struct sbx_err *err) nonnull(1, 2, 3, 4);
