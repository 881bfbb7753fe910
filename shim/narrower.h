/* SPDX-License-Identifier: MIT */
/* The search for [unveil] lines that would silently do nothing, because Landlock adds up what
 * OpenBSD's unveil(2) would let the more specific line decide. Pure. */
#pragma once

#include "policy.h"

struct narrower_item {
	const char *real; /* the line's path with links followed */
	const struct unveil_line *line;
};

/* Sorts @items. n log n comparisons of paths, memory from @arena. Returns 0; -EINVAL with the
 * offending line's place and the other one in the message; -ENOMEM. */
must_check int narrower_check(struct narrower_item *items, size_t count, struct arena *arena,
			      struct sbx_err *err) nonnull(3, 4);

/* Is @path, real, @dir or beneath it? */
bool path_covers(const char *dir, const char *path) nonnull(1, 2);
