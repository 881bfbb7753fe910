/* SPDX-License-Identifier: MIT */
/* From a policy and a program to execve: the outer sandbox, the hand-over to the shim, the
 * environment. */
#pragma once

#include "../shim/policy.h"
#include "program.h"
#include "trace.h"

/* Find libsbx-preload.so: beside the launcher, else where it is installed. Real path into @ret.
 * Returns 0; -ENOENT. */
must_check int start_find_shim(char ret[PATH_MAX], struct sbx_err *err) nonnull(1, 2);

/* Is @path a shim that this machine's loader would take: readable, complete, of our class and
 * machine, and nameable in LD_PRELOAD (no blank, no colon)? ld.so would only warn and run the
 * program without. */
must_check int start_check_shim(const char *path, struct sbx_err *err) nonnull(1, 2);

struct start_request {
	const struct program *program;
	const struct policy *policy;
	const struct policy_env *env;
	bool quiet;		  /* do not print what best effort gives up */
	bool explain;		  /* stay as supervisor and say what was denied */
	const char *explain_file; /* write what to add into this file; NULL: none */
	bool learn; /* run unconfined, and write what a policy would have to permit: see learn.h.
		     * The policy is then what is needed without saying: stdio, log, no ports */
	const char *learn_file;
	struct record *record;	/* of every call, with learn, in the place of a policy */
	bool audit;		/* stay as supervisor and say what of the policy was not used */
	const char *audit_file; /* count runs in this file; NULL: this run alone */
	const struct trace_request *trace; /* run unconfined, and show calls; NULL: do not */
};

/* Enter the outer sandbox and execute the program. Returns only on failure, with the exit status to
 * use. The calling process is then confined as far as it got: it must exit. With explain or
 * on_violation = log it returns also when the program has ended: with its exit status, and
 * err->code 0. */
must_check int start_program(const struct start_request *request, struct sbx_err *err)
	nonnull(1, 2);
