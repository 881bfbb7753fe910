/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define CHUNK_SIZE (64 * 1024UL)
#define ALIGN	   16UL

/* One mapping. Data starts behind the header, which keeps its alignment. */
struct arena_chunk {
	struct arena_chunk *next;
	size_t size; /* of the whole mapping */
	size_t used; /* from the start of the mapping, header included */
	size_t pad;
};

_Static_assert(sizeof(struct arena_chunk) % ALIGN == 0, "chunk data must be aligned");

static struct arena_chunk *chunk_new(size_t want)
{
	size_t size = want + sizeof(struct arena_chunk);
	struct arena_chunk *chunk;

#ifdef __SANITIZE_ADDRESS__
	size = (size + 4095) &
	       ~4095UL; /* small chunks, so that an overrun soon meets an unmapped page */
#else
	size = (size + CHUNK_SIZE - 1) & ~(CHUNK_SIZE - 1);
#endif
	chunk = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (chunk == MAP_FAILED)
		return NULL;
	chunk->size = size;
	chunk->used = sizeof(*chunk);
	return chunk;
}

void arena_done(struct arena *arena)
{
	if (!arena)
		return;
	while (arena->head) {
		struct arena_chunk *chunk = arena->head;

		arena->head = chunk->next;
		(void)munmap(chunk, chunk->size); /* our own mapping, whole: cannot fail */
	}
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk = arena->head;
	void *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + ALIGN - 1) & ~(ALIGN - 1);
	if (!chunk || chunk->size - chunk->used < size) {
		chunk = chunk_new(size);
		if (!chunk)
			return NULL;
		chunk->next = arena->head;
		arena->head = chunk;
	}
	p = (char *)chunk + chunk->used;
	chunk->used += size;
	return p;
}

char *arena_strndup(struct arena *arena, const char *s, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	if (copy)
		memcpy(copy, s, len); /* the arena is zeroed: terminated already */
	return copy;
}

char *arena_strdup(struct arena *arena, const char *s)
{
	return arena_strndup(arena, s, strlen(s));
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	s = arena_alloc(arena, (size_t)n + 1);
	if (!s)
		return NULL;
	va_start(ap, fmt);
	(void)vsnprintf(s, (size_t)n + 1, fmt, ap); /* measured just above */
	va_end(ap);
	return s;
}

int arena_grow(struct arena *arena, void **items, size_t *cap, size_t count, size_t elem)
{
	size_t new_cap = *cap ? *cap * 2 : 16;
	void *bigger;

	if (count < *cap)
		return 0;
	bigger = arena_alloc(arena, new_cap * elem);
	if (!bigger)
		return -ENOMEM;
	if (count)
		memcpy(bigger, *items, count * elem);
	*items = bigger;
	*cap = new_cap;
	return 0;
}
