/* SPDX-License-Identifier: MIT */
/* --list tells what the tables say, all of it; the manual too. Pure. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../launcher/list.h"
#include "../shim/promise.h"
#include "../shim/table.h"

struct text {
	char *data; /* heap */
	size_t len;
};

static struct text list_of(const char *names)
{
	struct text text = {0};
	struct sbx_err err = {0};
	FILE *out = open_memstream(&text.data, &text.len);

	cr_assert_not_null(out);
	cr_assert_eq(list_promise(names, out, &err), 0, "%s: %s", names, err.msg);
	cr_assert_eq(fclose(out), 0);
	return text;
}

/* Is @name on the list @text? Calls stand on indented lines, outside of brackets. */
static bool has_call(const char *text, const char *name)
{
	unsigned depth = 0;

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += !!*line) {
		const char *at = line;

		if (strncmp(line, "  ", 2) != 0)
			continue;
		while (*at && *at != '\n') {
			size_t len = strcspn(at, " ();\n");

			if (!depth && len == strlen(name) && memcmp(at, name, len) == 0)
				return true;
			at += len;
			depth += *at == '(';
			depth -= *at == ')';
			at += *at && *at != '\n';
		}
	}
	return false;
}

static bool row_mentions(const struct row *row, uint64_t promise)
{
	const struct requirement *need = &row->need;

	return requirement_by_promise(need) && ((need->any | need->all | need->bounded) & promise);
}

/* What a promise permits must be on its list, and what it has nothing to do with must not. */
Test(list, promise_names_exactly_its_calls)
{
	for (size_t id = 0; id < PROMISE_COUNT; id++) {
		struct text text = list_of(promise_table[id].name);
		uint64_t promise = UINT64_C(1) << id;

		for (size_t i = 0; i < table_rows_count;) {
			const char *name = table_rows[i].name;
			bool permits = false, mentions = false, listed = has_call(text.data, name);

			for (; i < table_rows_count && strcmp(table_rows[i].name, name) == 0; i++) {
				mentions |= row_mentions(&table_rows[i], promise);
				permits |= requirement_by_promise(&table_rows[i].need) &&
					   table_row_permits(&table_rows[i], promise, true);
			}
			if (!name[0])
				continue;
			cr_expect(listed || !permits,
				  "--list=%s does not name %s, which it permits",
				  promise_table[id].name, name);
			cr_expect_eq(listed, mentions, "--list=%s %s %s", promise_table[id].name,
				     listed ? "names" : "does not name", name);
		}
		free(text.data);
	}
}

Test(list, promise_names_its_paths)
{
	for (size_t i = 0; i < promise_paths_count; i++) {
		const char *name = promise_table[promise_paths[i].promise].name;
		struct text text = list_of(name);

		cr_expect(strstr(text.data, promise_paths[i].path), "--list=%s does not name %s",
			  name, promise_paths[i].path);
		free(text.data);
	}
}

/* A row that wants two promises is on the list of both, each naming the other. */
Test(list, partners_are_named)
{
	size_t rows = 0;

	for (size_t i = 0; i < table_rows_count; i++) {
		const struct row *row = &table_rows[i];
		uint64_t first = row->need.all & -row->need.all, others = row->need.all & ~first;
		char partner[300] = "together with ";
		struct text text;

		/* One that the first promise permits by itself as well says so, and no more. */
		if (!requirement_by_promise(&row->need) || !others || (row->need.any & first))
			continue;
		rows++;
		promise_format(others, partner + strlen(partner), 256);
		text = list_of(promise_table[__builtin_ctzll(first)].name);
		cr_expect(strstr(text.data, partner), "--list=%s: %s wants more, which is not said",
			  promise_table[__builtin_ctzll(first)].name, row->name);
		free(text.data);
	}
	cr_expect_gt(rows, 0, "no row wants two promises: this test tests nothing");
}

Test(list, bounded_rows_are_marked)
{
	size_t rows = 0;

	for (size_t i = 0; i < table_rows_count; i++) {
		uint64_t bounded = table_rows[i].need.bounded;
		struct text text;

		/* Only where the promise does not do without Landlock as well. */
		if (!bounded || table_row_permits(&table_rows[i], bounded & -bounded, false))
			continue;
		rows++;
		text = list_of(promise_table[__builtin_ctzll(bounded)].name);
		cr_expect(strstr(text.data, "where Landlock bounds the path"),
			  "--list=%s: %s is bounded", promise_table[__builtin_ctzll(bounded)].name,
			  table_rows[i].name);
		free(text.data);
	}
	cr_expect_gt(rows, 0, "no row is bounded: this test tests nothing");
}

static const struct {
	const char *names;
	const char *message;
} wrong[] = {
	{"inett", "inet"},    {"stdio rpaht", "rpath"}, {"", "no promise"},
	{"  ", "no promise"}, {"pf", "Linux"},
};

Test(list, wrong_words_are_errors)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct sbx_err err = {0};
		char buf[1] = "";
		FILE *out = fmemopen(buf, sizeof(buf), "w");

		cr_assert_not_null(out);
		cr_expect_eq(list_promise(wrong[i].names, out, &err), -EINVAL, "\"%s\"",
			     wrong[i].names);
		cr_expect(strstr(err.msg, wrong[i].message), "\"%s\": %s", wrong[i].names, err.msg);
		cr_expect_eq(ftell(out), 0, "\"%s\": something was listed", wrong[i].names);
		(void)fclose(out);
	}
}

Test(list, several_words_are_several_lists)
{
	struct text both = list_of("rpath inet");

	cr_expect(strstr(both.data, "rpath: ") == both.data, "%s", both.data);
	cr_expect(strstr(both.data, "\n\ninet: "), "%s", both.data);
	free(both.data);
}

Test(list, every_promise_has_a_line)
{
	struct text text = {0};
	FILE *out = open_memstream(&text.data, &text.len);

	cr_assert_not_null(out);
	cr_assert_eq(list_promises(out), 0);
	cr_assert_eq(fclose(out), 0);
	for (size_t i = 0; i < PROMISE_COUNT; i++) {
		char line[128];

		(void)snprintf(line, sizeof(line), "%-10.12s %.72s\n", promise_table[i].name,
			       promise_table[i].permits);
		cr_expect(strstr(text.data, line), "no line for %s", promise_table[i].name);
	}
	cr_expect(strstr(text.data, "exit_group"), "what is always permitted is missing");
	free(text.data);
}

Test(list, a_full_disk_is_an_error)
{
	FILE *out = fopen("/dev/full", "w");
	struct sbx_err err = {0};

	cr_assert_not_null(out);
	(void)setvbuf(out, NULL, _IONBF, 0);
	cr_expect_eq(list_promises(out), -EIO);
	cr_expect_eq(list_promise("stdio", out, &err), -EIO);
	cr_expect_eq(list_man(out), -EIO);
	(void)fclose(out);
}

/* One heading each, paths with a minus that can be copied, and no line that roff would take for a
 * request. */
Test(list, man_has_every_promise_and_path)
{
	struct text text = {0};
	FILE *out = open_memstream(&text.data, &text.len);

	cr_assert_not_null(out);
	cr_assert_eq(list_man(out), 0);
	cr_assert_eq(fclose(out), 0);
	for (size_t i = 0; i < PROMISE_COUNT; i++) {
		char heading[64];

		(void)snprintf(heading, sizeof(heading), ".TP\n.B %.12s\n", promise_table[i].name);
		cr_expect(strstr(text.data, heading), "no heading for %s", promise_table[i].name);
	}
	for (size_t i = 0; i < promise_paths_count; i++) {
		char path[2 * sizeof(promise_paths[i].path)];
		size_t n = 0;

		for (const char *p = promise_paths[i].path; *p; p++) {
			if (*p == '-')
				path[n++] = '\\';
			path[n++] = *p;
		}
		path[n] = '\0';
		cr_expect(strstr(text.data, path), "no %s", path);
	}
	for (const char *line = text.data; *line; line = strchr(line, '\n') + 1)
		cr_expect(*line != '.' || strncmp(line, ".TP\n", 4) == 0 ||
				  strncmp(line, ".B ", 3) == 0 || strncmp(line, ".br\n", 4) == 0,
			  "a request of its own: %.20s", line);
	free(text.data);
}
