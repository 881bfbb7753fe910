/* SPDX-License-Identifier: MIT */
/* What the launcher gives the shim across execve: the finished filter in a sealed memfd and the
 * inner Landlock ruleset as a descriptor, both named by one environment variable. So the shim
 * parses nothing and opens nothing, and what is applied is what the launcher checked. */
#pragma once

#include "filter.h"

/* The shim: what the launcher puts into LD_PRELOAD, and what takes itself out again. */
#define SHIM_NAME "libsbx-preload.so"

#define HANDOFF_VARIABLE                                                                           \
	"SBX_HANDOFF" /* "MEMFD:RULESET"; RULESET is -1 when the policy restricts no path, port or \
			 scope */
#define HANDOFF_VALUE_MAX 32
/* A filter without instructions: there is a supervisor that answers in its place; see
 * sandbox_enter_supervised(). */

/* Write @filter into a new memfd, let it and @ruleset (-1: none) survive execve, and format the
 * variable's value. *ret_memfd: caller closes if execve fails. Returns 0 or -errno. */
must_check int handoff_send(const struct filter *filter, int ruleset, char value[HANDOFF_VALUE_MAX],
			    int *ret_memfd, struct sbx_err *err) nonnull(1, 3, 4, 5);

/* The other side: check @value and what it names. Anything odd is -EINVAL: another build, a torn or
 * foreign file, numbers that are no descriptors. The memfd is closed on success; *ret_ruleset:
 * caller closes, -1 when there is none. */
must_check int handoff_receive(const char *value, struct filter *ret_filter, int *ret_ruleset,
			       struct sbx_err *err) nonnull(1, 2, 3, 4);
