/* SPDX-License-Identifier: MIT */
#include "list.h"

#include <errno.h>
#include <string.h>

#include "../shim/policy.h"
#include "../shim/promise.h"
#include "../shim/table.h"

#define WIDTH 78 /* columns, for words that are wrapped */

static int out_status(FILE *out)
{
	return ferror(out) ? -EIO : 0;
}

/* Words one after the other, indented, in as many lines as they need. Zeroed but for @out: nothing
 * printed yet. */
struct wrap {
	FILE *out; /* borrowed */
	size_t column;
};

static void wrap_word(struct wrap *wrap, const char *word, size_t len)
{
	if (wrap->column && wrap->column + 1 + len > WIDTH) {
		(void)fputc('\n', wrap->out); /* the callers ask ferror() once, at the end */
		wrap->column = 0;
	}
	wrap->column +=
		(size_t)fprintf(wrap->out, "%s%.*s", wrap->column ? " " : "  ", (int)len, word);
}

static void wrap_words(struct wrap *wrap, const char *words)
{
	while (*words) {
		size_t len = strcspn(words, " ");

		wrap_word(wrap, words, len);
		words += len + !!words[len];
	}
}

/* @c right behind the last word. */
static void wrap_glue(struct wrap *wrap, char c)
{
	(void)fputc(c, wrap->out);
	wrap->column++;
}

static void wrap_end(struct wrap *wrap)
{
	if (wrap->column)
		(void)fputc('\n', wrap->out);
	wrap->column = 0;
}

/* Rows of one call are adjacent: is @row the first of them? */
static bool first_of_call(const struct row *row)
{
	return row == table_rows || strcmp(row[-1].name, row->name) != 0;
}

static void list_always(FILE *out)
{
	struct wrap wrap = {.out = out};

	fputs("\nAlways permitted:\n", out);
	for (size_t i = 0; i < table_rows_count; i++)
		if (table_rows[i].need.kind == ROW_ALWAYS && first_of_call(&table_rows[i]))
			wrap_words(&wrap, table_rows[i].name);
	wrap_end(&wrap);
}

int list_promises(FILE *out)
{
	for (size_t i = 0; i < PROMISE_COUNT; i++)
		fprintf(out, "%-10s %s\n", promise_table[i].name, promise_table[i].permits);
	list_always(out);
	fputs("\nMore about one: --list=PROMISE\n", out);
	return out_status(out);
}

static const char *row_shape(const struct row *row)
{
	return row->shape ? row->shape : row->otherwise ? "anything else" : NULL;
}

/* How a row depends on one promise. */
struct dependence {
	bool alone;	  /* the promise is enough */
	bool bounded;	  /* it is enough while Landlock bounds the path */
	uint64_t partner; /* it is enough together with these; 0: no such way */
};

static struct dependence row_dependence(const struct row *row, uint64_t promise)
{
	const struct requirement *need = &row->need;

	if (!requirement_by_promise(need))
		return (struct dependence){.alone = false};
	if ((need->any & promise) || need->all == promise)
		return (struct dependence){.alone = true};
	return (struct dependence){
		.bounded = need->bounded & promise,
		.partner = need->all & promise ? need->all & ~promise : 0,
	};
}

static bool depends(const struct dependence *d)
{
	return d->alone || d->bounded || d->partner;
}

static bool same_dependence(const struct dependence *a, const struct dependence *b)
{
	return a->alone == b->alone && a->bounded == b->bounded && a->partner == b->partner;
}

static void list_heading(const struct dependence *d, FILE *out)
{
	char words[256];

	fputs("\nSystem calls", out);
	if (d->partner) {
		promise_format(d->partner, words, sizeof(words));
		fprintf(out, " together with %s", words);
	}
	if (d->bounded)
		fprintf(out, "%s where Landlock bounds the path", d->partner ? ", or" : "");
	fputs(":\n", out);
}

/* One call as far as it depends on @promise in the way of @d: "name(shape; shape)" on lines of its
 * own. @at: the first of its rows that does. */
static void list_shapes(size_t at, uint64_t promise, const struct dependence *d, struct wrap *wrap)
{
	const char *name = table_rows[at].name;
	char words[320];

	(void)snprintf(words, sizeof(words), "%s(%s", name, row_shape(&table_rows[at]));
	wrap_words(wrap, words);
	while (++at < table_rows_count && !first_of_call(&table_rows[at])) {
		struct dependence other = row_dependence(&table_rows[at], promise);

		if (!depends(&other) || !same_dependence(&other, d))
			continue;
		wrap_glue(wrap, ';');
		wrap_words(wrap, row_shape(&table_rows[at]));
	}
	wrap_glue(wrap, ')');
	wrap_end(wrap);
}

/* The calls that depend on @promise in the way of @d: first those that do so whatever their
 * arguments. */
static void list_group(uint64_t promise, const struct dependence *d, FILE *out)
{
	struct wrap wrap = {.out = out};
	const char *shown = "";

	list_heading(d, out);
	for (unsigned pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < table_rows_count; i++) {
			const struct row *row = &table_rows[i];
			struct dependence this = row_dependence(row, promise);

			if (!depends(&this) || !same_dependence(&this, d) ||
			    strcmp(row->name, shown) == 0 ||
			    (row_shape(row) != NULL) != (pass == 1))
				continue;
			if (pass == 1)
				list_shapes(i, promise, d, &wrap);
			else
				wrap_words(&wrap, row->name);
			shown = row->name;
		}
		wrap_end(&wrap);
	}
}

/* One group for each way of depending on @promise; what it permits by itself comes first. */
static void list_calls(uint64_t promise, FILE *out)
{
	struct dependence seen[PROMISE_COUNT] = {{.alone = true}};
	size_t n_seen = 1;
	bool any = false;

	for (size_t i = 0; i < table_rows_count; i++) {
		struct dependence d = row_dependence(&table_rows[i], promise);
		size_t k = 0;

		while (k < n_seen && !same_dependence(&seen[k], &d))
			k++;
		if (depends(&d) && k == n_seen && n_seen < ARRAY_SIZE(seen))
			seen[n_seen++] = d;
		if (d.alone && !any)
			list_group(promise, &d, out);
		any |= d.alone;
	}
	for (size_t k = 1; k < n_seen; k++)
		list_group(promise, &seen[k], out);
	if (!any && n_seen == 1)
		fputs("\nIt permits no further system call.\n", out);
}

static void list_paths(size_t id, FILE *out)
{
	bool any = false;
	char letters[5];

	for (size_t i = 0; i < promise_paths_count; i++) {
		if (promise_paths[i].promise != id)
			continue;
		if (!any)
			fputs("\nPaths that come with it, where they exist:\n", out);
		any = true;
		perm_format(promise_paths[i].perms, letters);
		fprintf(out, "  %-4s %s\n", letters, promise_paths[i].path);
	}
}

static void list_one(size_t id, FILE *out)
{
	fprintf(out, "%s: %s\n", promise_table[id].name, promise_table[id].permits);
	list_paths(id, out);
	list_calls(UINT64_C(1) << id, out);
}

int list_promise(const char *names, FILE *out, struct sbx_err *err)
{
	bool again = false;
	uint64_t set;
	int r;

	r = promise_parse(names, &set, err);
	if (r < 0)
		return r;
	if (!set)
		return err_set(err, -EINVAL, "--list= names no promise");
	for (size_t id = 0; id < PROMISE_COUNT; id++) {
		if (!(set & UINT64_C(1) << id))
			continue;
		if (again)
			fputc('\n', out);
		again = true;
		list_one(id, out);
	}
	r = out_status(out);
	return r < 0 ? err_set(err, r, "cannot write the list") : 0;
}

/* @text as roff shows it literally: a minus that can be copied, no escape, no request. */
static void man_text(const char *text, FILE *out)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", out);
	for (; *text; text++) {
		if (*text == '-')
			fputs("\\-", out);
		else if (*text == '\\')
			fputs("\\e", out);
		else
			fputc(*text, out);
	}
}

static void man_paths(size_t id, FILE *out)
{
	const struct promise_path *before = NULL;
	char letters[5];

	for (size_t i = 0; i < promise_paths_count; i++) {
		const struct promise_path *path = &promise_paths[i];

		if (path->promise != id)
			continue;
		if (!before || before->perms != path->perms) {
			perm_format(path->perms, letters);
			fprintf(out, "%s\n\\fB%s\\fR\n", before ? ";" : ".br\nImplies", letters);
		} else {
			fputs(",\n", out);
		}
		man_text(path->path, out);
		before = path;
	}
	if (before)
		fputs(".\n", out);
}

int list_man(FILE *out)
{
	for (size_t id = 0; id < PROMISE_COUNT; id++) {
		fputs(".TP\n.B ", out);
		man_text(promise_table[id].name, out);
		fputc('\n', out);
		man_text(promise_table[id].permits, out);
		fputs(".\n", out);
		man_paths(id, out);
	}
	return out_status(out);
}
