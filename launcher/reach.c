/* SPDX-License-Identifier: MIT */
#include "reach.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "hash.h"

#define SLOTS_MIN     64
#define MEMOS	      32
#define MEMO_MS	      20
#define MEMO_PATH_MAX 256

struct reach_rule {
	const char *path; /* arena */
	size_t len;	  /* 0 for "/" */
	dev_t dev;
	ino_t ino;
	uint64_t access;
};

/* Of any of them: what was found before holds no more. */
static unsigned changes;

void reach_done(struct reach *reach)
{
	if (!reach)
		return;
	changes++;
	arena_done(&reach->arena);
	*reach = (struct reach){.n_rules = 0};
}

/* The slot of the rule on the first @len bytes of @path, or the empty one where it would be. */
static uint32_t *slot_of(const struct reach *reach, const char *path, size_t len)
{
	size_t i = hash_bytes(path, len) & (reach->n_slots - 1);

	for (;; i = (i + 1) & (reach->n_slots - 1)) {
		const struct reach_rule *rule;

		if (!reach->slots[i])
			return &reach->slots[i];
		rule = &reach->rules[reach->slots[i] - 1];
		if (rule->len == len && memcmp(rule->path, path, len) == 0)
			return &reach->slots[i];
	}
}

/* At most half full, a power of two. */
static int grow_slots(struct reach *reach)
{
	size_t count = reach->n_slots ? reach->n_slots * 2 : SLOTS_MIN;
	uint32_t *slots;

	if (reach->n_rules * 2 < reach->n_slots)
		return 0;
	slots = arena_alloc(&reach->arena, count * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	reach->slots = slots;
	reach->n_slots = count;
	for (size_t i = 0; i < reach->n_rules; i++)
		*slot_of(reach, reach->rules[i].path, reach->rules[i].len) = (uint32_t)i + 1;
	return 0;
}

/* "/" has length 0, so that it is the beginning of every path like the others. */
static size_t path_len(const char *path)
{
	size_t len = strlen(path);

	return len == 1 && path[0] == '/' ? 0 : len;
}

int reach_add(struct reach *reach, const char *real, const struct stat *st, uint64_t access)
{
	size_t len = path_len(real);
	struct reach_rule *rule;
	uint32_t *slot;
	char *path;
	int r = grow_slots(reach);

	changes++;
	if (r < 0)
		return r;
	slot = slot_of(reach, real, len);
	if (*slot) {
		reach->rules[*slot - 1].access |= access;
		return 0;
	}
	r = arena_grow(&reach->arena, (void **)&reach->rules, &reach->cap_rules, reach->n_rules,
		       sizeof(*reach->rules));
	path = r < 0 ? NULL : arena_strndup(&reach->arena, real, len);
	if (!path)
		return -ENOMEM;
	rule = &reach->rules[reach->n_rules++];
	*rule = (struct reach_rule){
		.path = path,
		.len = len,
		.dev = st->st_dev,
		.ino = st->st_ino,
		.access = access,
	};
	*slot = (uint32_t)reach->n_rules;
	return 0;
}

/* One level up: the length of the path without its last component. */
static size_t parent_len(const char *path, size_t len)
{
	while (len && path[len - 1] != '/')
		len--;
	return len ? len - 1 : 0;
}

uint64_t reach_granted(const struct reach *reach, const char *real, const struct stat *st)
{
	size_t whole = path_len(real), len = whole;
	uint64_t access = 0;

	if (!reach->n_slots)
		return 0;
	for (;; len = parent_len(real, len)) {
		uint32_t slot = *slot_of(reach, real, len);
		const struct reach_rule *rule = slot ? &reach->rules[slot - 1] : NULL;

		if (rule &&
		    (len < whole || (st && rule->ino == st->st_ino && rule->dev == st->st_dev)))
			access |= rule->access;
		if (!len)
			return access;
	}
}

static uint64_t granted_on(const struct reach *reach, const struct stat *st)
{
	uint64_t access = 0;

	for (size_t i = 0; i < reach->n_rules; i++)
		if (reach->rules[i].ino == st->st_ino && reach->rules[i].dev == st->st_dev)
			access |= reach->rules[i].access;
	return access;
}

/* What was found of a directory, for a moment in which a program opens files that are near each
 * other. */
struct memo {
	const struct reach *reach;
	unsigned changes;
	int64_t until_ms;
	size_t len;
	uint64_t access;
	char path[MEMO_PATH_MAX];
};

/* @path: of a directory, @len bytes and a NUL; "" for "/". */
static uint64_t granted_on_dir(const struct reach *reach, const char *path, size_t len,
			       int64_t now_ms)
{
	static struct memo memos[MEMOS];
	struct memo *memo = &memos[hash_bytes(path, len) % MEMOS];
	uint64_t access = 0;
	struct stat dir;

	if (memo->reach == reach && memo->changes == changes && now_ms < memo->until_ms &&
	    memo->len == len && memcmp(memo->path, path, len) == 0)
		return memo->access;
	if (lstat(len ? path : "/", &dir) == 0)
		access = granted_on(reach, &dir);
	if (len > sizeof(memo->path))
		return access;
	*memo = (struct memo){.reach = reach,
			      .changes = changes,
			      .until_ms = now_ms + MEMO_MS,
			      .len = len,
			      .access = access};
	memcpy(memo->path, path, len);
	return access;
}

uint64_t reach_granted_by_inode(const struct reach *reach, const char *real, const struct stat *st)
{
	char path[PATH_MAX];
	size_t len = path_len(real);
	uint64_t access = st ? granted_on(reach, st) : 0;
	struct timespec now;
	int64_t now_ms;

	if (len >= sizeof(path))
		return access;
	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now); /* cannot fail with this clock */
	memcpy(path, real, len + 1);
	now_ms = now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
	while (len) {
		len = parent_len(path, len);
		path[len] = '\0';
		access |= granted_on_dir(reach, path, len, now_ms);
	}
	return access;
}
