/* SPDX-License-Identifier: MIT */
/* Entering the sandbox: the one place where restrictions become real. */
#pragma once

#include "filter.h"
#include "landlock.h"

/* no_new_privs, then @ruleset (-1: none), then @filter, for the calling thread and all that comes
 * from it. Closes
 * *@ruleset on success. Returns 0 or -errno; after an error the caller must not let the program
 * run. */
must_check int sandbox_enter(int *ruleset, const struct filter *filter, struct sbx_err *err)
	nonnull(1, 2, 3);

/* The same without the filter. */
must_check int sandbox_restrict(int *ruleset, struct sbx_err *err) nonnull(1, 2);

/* An operation that no kernel has for seccomp(2) and no policy permits, so that a filter hands it
 * to the supervisor and to nobody else. "sbx" */
#define SANDBOX_STARTED 0x736278

/* Where a supervisor answers in the place of a filter: the same without one, then tell it that
 * start-up is over. Its answer is the proof that it is there: without it -ESRCH. */
must_check int sandbox_enter_supervised(int *ruleset, struct sbx_err *err) nonnull(1, 2);
