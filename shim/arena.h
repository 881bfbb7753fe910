/* SPDX-License-Identifier: MIT */
/* Memory that is given back all at once. In the target process it comes from mmap, so that not even
 * malloc's first arena is left behind (STYLE: "no allocation left behind"). */
#pragma once

#include "util.h"

struct arena {
	struct arena_chunk *head; /* owned; newest first */
};

/* A zeroed struct is an empty arena. */
void arena_done(struct arena *arena);

/* @size bytes, zeroed, aligned for any type; NULL when there is no memory. */
void *arena_alloc(struct arena *arena, size_t size) must_check nonnull(1);
char *arena_strndup(struct arena *arena, const char *s, size_t len) must_check nonnull(1, 2);
char *arena_strdup(struct arena *arena, const char *s) must_check nonnull(1, 2);
char *arena_printf(struct arena *arena, const char *fmt, ...) must_check printf_like(2, 3);

/* Make room for one more element of @elem bytes in the array *@items (arena memory, *@cap slots,
 * @count used). Returns 0 or -ENOMEM; the old array is not freed, it goes with the arena. */
int arena_grow(struct arena *arena, void **items, size_t *cap, size_t count,
	       size_t elem) must_check;
