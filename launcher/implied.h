/* SPDX-License-Identifier: MIT */
/* What promises grant on paths by themselves, by name. */
#pragma once

#include "../shim/policy.h"

struct implied {
	const char **real; /* arena; by index of promise_paths; NULL: there is no such path */
};

/* Look at the paths of promise_paths, once. Returns 0 or -ENOMEM. */
must_check int implied_init(struct implied *ret, struct arena *arena, const struct policy_env *env)
	nonnull(1, 2, 3);

/* The rights (enum landlock_fs) that @promises imply on @real. */
uint64_t implied_granted(const struct implied *implied, const char *real, uint64_t promises)
	nonnull(1, 2);
