/* SPDX-License-Identifier: MIT */
/* The files that define sandboxes: the policy directories, the policy's own files, the shim. A
 * program that could write them, or replace a directory or a symbolic link on the way to them,
 * could free its next run. */
#pragma once

#include <sys/stat.h>

#include "policy.h"

struct protect {
	struct protect_node *nodes; /* arena; what lies on the way, ends included */
	size_t n_nodes, cap_nodes;
	const char *named[2]; /* the policy directories that exist, as written … */
	const char *real[2];  /* … and with links followed; arena */
	size_t n_dirs;
};

/* Walk to each protected file. What is missing is no error: its deepest directory that exists
 * stands for it. Everything comes from @arena, which must live as long as @ret. Returns 0 or
 * -errno. */
must_check int protect_init(struct protect *ret, struct arena *arena, const struct policy *policy,
			    const struct policy_env *env, const char *shim_path,
			    struct sbx_err *err) nonnull(1, 2, 3, 4, 6);

/* What a rule on the file with @st and the real path @real would let a program write: a path for
 * messages, or NULL.
 * @creates: the rule lets it create, remove and rename, too, so that links on the way count. */
const char *protect_find(const struct protect *protect, const struct stat *st, const char *real,
			 bool creates) nonnull(1, 2, 3);
