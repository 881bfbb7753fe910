/* SPDX-License-Identifier: MIT */
/* Pure: which pairs of [unveil] lines are refused, and that thousands of lines stay cheap. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../shim/narrower.h"

#define R   PERM_R
#define RW  (PERM_R | PERM_W)
#define RX  (PERM_R | PERM_X)
#define ALL (PERM_R | PERM_W | PERM_X | PERM_C)

struct pair {
	uint8_t perms;
	const char *path;
};

static const struct row {
	const char *name;
	struct pair lines[4]; /* on lines 1, 2 … of p.ini */
	const char *want;     /* the whole message with its place; NULL: accepted */
} rows[] = {
	{"one line", {{R, "/a"}}, NULL},
	{"apart", {{R, "/a"}, {RW, "/b"}}, NULL},
	{"wider beneath", {{R, "/a"}, {RW, "/a/b"}}, NULL},
	{"equal beneath", {{RW, "/a"}, {RW, "/a/b"}}, NULL},
	{"the same twice", {{RW, "/a"}, {RW, "/a"}}, NULL},
	{"adding up", {{RW, "/a"}, {RX, "/a"}}, NULL},
	{"a name that begins alike", {{ALL, "/a"}, {R, "/ab"}, {R, "/a-b"}, {R, "/a.b"}}, NULL},
	{"narrower beneath",
	 {{RW | PERM_C, "/srv"}, {R, "/srv/pub"}},
	 "p.ini:2: r = /srv/pub is narrower than rwc = /srv (p.ini:1) and would do nothing: "
	 "Landlock adds rights up"},
	{"narrower beneath, in the other order",
	 {{R, "/srv/pub"}, {RW, "/srv"}},
	 "p.ini:1: r = /srv/pub is narrower than rw = /srv (p.ini:2) and would do nothing: "
	 "Landlock adds rights up"},
	{"other letters beneath",
	 {{RW, "/a"}, {RX, "/a/bin"}},
	 "p.ini:2: rx = /a/bin is narrower than rw = /a (p.ini:1), but Landlock adds rights up: "
	 "it would be rwx; write so, or narrow the other line"},
	{"the same path",
	 {{R, "/a"}, {RW, "/a"}},
	 "p.ini:1: r = /a is narrower than rw = /a (p.ini:2) and would do nothing: "
	 "Landlock adds rights up"},
	{"past a name that begins alike",
	 {{RW, "/a"}, {RW, "/a-b"}, {R, "/a/b"}},
	 "p.ini:3: r = /a/b is narrower than rw = /a (p.ini:1) and would do nothing: "
	 "Landlock adds rights up"},
	{"far beneath",
	 {{R, "/"}, {RW, "/a"}, {RW, "/b"}, {R, "/a/b/c/d"}},
	 "p.ini:4: r = /a/b/c/d is narrower than rw = /a (p.ini:2) and would do nothing: "
	 "Landlock adds rights up"},
	{"beneath the root",
	 {{RX, "/"}, {R, "/a"}},
	 "p.ini:2: r = /a is narrower than rx = / (p.ini:1) and would do nothing: "
	 "Landlock adds rights up"},
	{"beneath two that add up",
	 {{RW, "/a"}, {RX, "/a"}, {RW, "/a/b"}},
	 "p.ini:3: rw = /a/b is narrower than rx = /a (p.ini:2), but Landlock adds rights up: "
	 "it would be rwx; write so, or narrow the other line"},
	{"all beneath two that add up", {{RW, "/a"}, {RX, "/a"}, {RW | PERM_X, "/a/b"}}, NULL},
	{"back up and down again", {{RW, "/a/b"}, {R, "/a"}, {RW, "/a/c"}, {R, "/a/d"}}, NULL},
};

Test(narrower, pairs)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct unveil_line lines[4];
		struct narrower_item items[4];
		struct arena arena = {0};
		struct sbx_err err = {0};
		char got[1500] = "";
		size_t n = 0;
		int r;

		for (; n < 4 && rows[i].lines[n].path; n++) {
			const struct pair *pair = &rows[i].lines[n];

			lines[n] = (struct unveil_line){.path = pair->path,
							.perms = pair->perms,
							.from = {"p.ini", (unsigned)n + 1}};
			items[n] = (struct narrower_item){pair->path, &lines[n]};
		}
		r = narrower_check(items, n, &arena, &err);
		(void)err_format(&err, got, sizeof(got));
		cr_expect_eq(r, rows[i].want ? -EINVAL : 0, "%s: %d %s", rows[i].name, r, got);
		cr_expect_str_eq(got, rows[i].want ? rows[i].want : "", "%s", rows[i].name);
		arena_done(&arena);
	}
}

/* The flag's place has no line; a link is named as it was written. */
Test(narrower, flags_and_links)
{
	struct unveil_line lines[] = {
		{.path = "/srv", .perms = RW, .from = {"-v", 0}},
		{.path = "/link", .perms = R, .from = {"p.ini", 9}},
	};
	struct narrower_item items[] = {{"/srv", &lines[0]}, {"/srv/real", &lines[1]}};
	struct arena arena = {0};
	struct sbx_err err = {0};

	cr_expect_eq(narrower_check(items, 2, &arena, &err), -EINVAL);
	cr_expect_str_eq(err.msg, "r = /link is narrower than rw = /srv (-v) and would do nothing: "
				  "Landlock adds rights up");
	cr_expect_eq(err.line, 9);
	arena_done(&arena);
}

Test(narrower, covers)
{
	cr_expect(path_covers("/", "/a"));
	cr_expect(path_covers("/", "/"));
	cr_expect(path_covers("/a", "/a"));
	cr_expect(path_covers("/a", "/a/b"));
	cr_expect_not(path_covers("/a", "/ab"));
	cr_expect_not(path_covers("/a/b", "/a"));
}

#define MANY 100000

/* Comparing each with each would take minutes. */
Test(narrower, many_lines)
{
	static struct unveil_line lines[MANY];
	static struct narrower_item items[MANY];
	static char paths[MANY][48];
	struct arena arena = {0};
	struct sbx_err err = {0};
	clock_t start;
	double seconds;

	for (size_t i = 0; i < MANY; i++) {
		/* In an order that is no order (40,503 and 100,000 have no common factor). */
		size_t k = i * 40503 % MANY;

		(void)snprintf(paths[i], sizeof(paths[i]), "/usr/share/d%zu/e%zu/f%zu", k % 100,
			       k / 100 % 100, k);
		lines[i] = (struct unveil_line){.path = paths[i], .perms = R};
		items[i] = (struct narrower_item){paths[i], &lines[i]};
	}
	start = clock();
	cr_expect_eq(narrower_check(items, MANY, &arena, &err), 0, "%s", err.msg);
	seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
	cr_expect(seconds < 5, "%g s", seconds);
	for (size_t i = 1; i < MANY; i++)
		cr_assert(strcmp(items[i - 1].real, items[i].real) <= 0, "not sorted at %zu", i);
	arena_done(&arena);
}
