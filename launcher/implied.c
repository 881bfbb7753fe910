/* SPDX-License-Identifier: MIT */
#include "implied.h"

#include <errno.h>

#include "../shim/landlock.h"
#include "../shim/narrower.h"
#include "../shim/path.h"

int implied_init(struct implied *ret, struct arena *arena, const struct policy_env *env)
{
	ret->real = arena_alloc(arena, promise_paths_count * sizeof(*ret->real));
	if (!ret->real)
		return -ENOMEM;
	for (size_t i = 0; i < promise_paths_count; i++) {
		char text[PATH_MAX], dir[PATH_MAX];
		struct sbx_err err;

		if (policy_expand_buf(promise_paths[i].path, env, text, &err) < 0 ||
		    path_real(text, dir) < 0)
			continue;
		ret->real[i] = arena_strdup(arena, dir);
		if (!ret->real[i])
			return -ENOMEM;
	}
	return 0;
}

uint64_t implied_granted(const struct implied *implied, const char *real, uint64_t promises)
{
	uint64_t access = 0;

	for (size_t i = 0; i < promise_paths_count; i++) {
		const struct promise_path *path = &promise_paths[i];

		if ((promises & UINT64_C(1) << path->promise) && implied->real[i] &&
		    path_covers(implied->real[i], real))
			access |= landlock_access_implied(path->perms, promises);
	}
	return access;
}
