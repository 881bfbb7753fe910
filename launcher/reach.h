/* SPDX-License-Identifier: MIT */
/* A model of a Landlock ruleset: what would it grant on this path? Landlock asks the file, then
 * each directory above it, and adds up what the rules on them grant (landlock(7)). */
#pragma once

#include <sys/stat.h>

#include "../shim/arena.h"
#include "../shim/err.h"

struct reach {
	struct arena arena; /* owned */
	struct reach_rule *rules;
	size_t n_rules, cap_rules;
	uint32_t *slots; /* arena; hash of the path → rule + 1 */
	size_t n_slots;
};

/* A zeroed struct is a ruleset that grants nothing. */
void reach_done(struct reach *reach);

/* Grant @access on the file with the real path @real and all beneath it. @st: which inode that is.
 * The path is copied. Returns 0 or -ENOMEM. */
must_check int reach_add(struct reach *reach, const char *real, const struct stat *st,
			 uint64_t access) nonnull(1, 2, 3);

/* What the rules grant on @real (absolute, no links, no "." or ".."). @st: the file there, NULL
 * when there is none. Names only: pure. A rule on this very path counts only if it is the same
 * inode, since a file that was replaced lost its rule. */
uint64_t reach_granted(const struct reach *reach, const char *real, const struct stat *st)
	nonnull(1, 2);

/* The same by inode, as the kernel does it, which also sees rules through other mounts of the same
 * directory. Looks each directory on the way up. Slower; for what the names do not grant. */
uint64_t reach_granted_by_inode(const struct reach *reach, const char *real, const struct stat *st)
	nonnull(1, 2);
