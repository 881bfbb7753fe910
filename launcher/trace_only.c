/* SPDX-License-Identifier: MIT */
#include "trace_parts.h"

#include <errno.h>
#include <string.h>

#include "../shim/spell.h"

uint64_t trace_promises(const struct requirement *need)
{
	if (!requirement_by_promise(need))
		return 0;
	if (need->any & P(STDIO))
		return P(STDIO);
	if (need->any & P(RPATH))
		return P(RPATH);
	return need->any | need->all;
}

static void show_promise(struct trace_only *only, int promise)
{
	for (size_t tag = 1; tag < table_rows_count; tag++)
		if (trace_promises(&table_rows[tag].need) & UINT64_C(1) << promise)
			only->rows[tag] = TRACE_SHOWN;
}

static bool show_call(struct trace_only *only, const char *name)
{
	bool found = false;

	for (size_t tag = 1; tag < table_rows_count; tag++) {
		if (strcmp(table_rows[tag].name, name) != 0)
			continue;
		only->rows[tag] = TRACE_SHOWN;
		found = true;
	}
	return found;
}

static int add_prefix(struct trace_only *only, struct arena *arena, const char *word, size_t *cap)
{
	size_t len = strlen(word);
	int r = arena_grow(arena, (void **)&only->prefixes, cap, only->n_prefixes,
			   sizeof(only->prefixes[0]));
	char *prefix;

	while (len && word[len - 1] == '/')
		len--;
	prefix = r < 0 ? NULL : arena_strndup(arena, word, len);
	if (!prefix)
		return -ENOMEM;
	only->prefixes[only->n_prefixes++] = prefix;
	for (size_t tag = 1; tag < table_rows_count; tag++) {
		struct decode_path paths[DECODE_PATHS_MAX];

		if (only->rows[tag] == TRACE_HIDDEN &&
		    decode_find_paths(table_rows[tag].name, paths))
			only->rows[tag] = TRACE_BY_PATH;
	}
	return 0;
}

static int unknown_word(const char *word, struct arena *arena, struct sbx_err *err)
{
	const char **words =
		arena_alloc(arena, (PROMISE_COUNT + table_rows_count) * sizeof(words[0]));
	const char *near;
	size_t n = 0;

	if (!words)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < PROMISE_COUNT; i++)
		words[n++] = promise_table[i].name;
	for (size_t tag = 1; tag < table_rows_count; tag++)
		words[n++] = table_rows[tag].name;
	near = spell_nearest(word, words, n);
	if (near)
		return err_set(err, -EINVAL,
			       "--trace-only: \"%s\" is neither a promise nor a system call (did "
			       "you mean \"%s\"?)",
			       word, near);
	return err_set(err, -EINVAL,
		       "--trace-only: \"%s\" is neither a promise nor a system call, and a path "
		       "begins with \"/\"",
		       word);
}

static int add_word(struct trace_only *only, struct arena *arena, const char *word, size_t *cap,
		    struct sbx_err *err)
{
	int promise = promise_find(word);
	bool found;

	if (word[0] == '/')
		return add_prefix(only, arena, word, cap) < 0
			       ? err_set(err, -ENOMEM, "out of memory")
			       : 0;
	if (promise >= 0)
		show_promise(only, promise);
	/* flock is both. */
	found = show_call(only, word);
	return found || promise >= 0 ? 0 : unknown_word(word, arena, err);
}

int trace_only_parse(const char *list, struct arena *arena, struct trace_only *ret,
		     struct sbx_err *err)
{
	struct trace_only only = {.rows = arena_alloc(arena, table_rows_count)};
	size_t cap = 0, n = 0;

	if (!only.rows)
		return err_set(err, -ENOMEM, "out of memory");
	if (!list)
		memset(only.rows, TRACE_SHOWN, table_rows_count);
	for (const char *p = list; p && *p;) {
		size_t len = strcspn(p, ", ");
		char *word = arena_strndup(arena, p, len);
		int r = 0;

		if (!word)
			return err_set(err, -ENOMEM, "out of memory");
		if (len)
			r = add_word(&only, arena, word, &cap, err);
		if (r < 0)
			return r;
		n += len != 0;
		p += len + (p[len] != '\0');
	}
	if (list && !n)
		return err_set(err, -EINVAL, "--trace-only: the list is empty");
	*ret = only;
	return 0;
}

bool trace_only_path(const struct trace_only *only, const char *path)
{
	for (size_t i = 0; i < only->n_prefixes; i++) {
		size_t len = strlen(only->prefixes[i]);

		if (strncmp(path, only->prefixes[i], len) == 0 && (!path[len] || path[len] == '/'))
			return true;
	}
	return false;
}
