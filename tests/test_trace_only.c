/* SPDX-License-Identifier: MIT */
/* --trace's choice among calls, its words and its JSON. Pure. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../launcher/trace_parts.h"

/* ---- --trace-only ---- */

static size_t find_row(const char *name, const char *shape)
{
	for (size_t tag = 1; tag < table_rows_count; tag++)
		if (strcmp(table_rows[tag].name, name) == 0 &&
		    (!shape ||
		     (table_rows[tag].shape && strcmp(table_rows[tag].shape, shape) == 0)))
			return tag;
	cr_assert_fail("no row %s(%s)", name, shape ? shape : "");
	return 0;
}

static const struct {
	const char *list, *name, *shape;
	enum trace_match match;
} matches[] = {
	{NULL, "read", NULL, TRACE_SHOWN},
	{NULL, "mount", NULL, TRACE_SHOWN},
	{"inet", "socket", "AF_INET, SOCK_STREAM", TRACE_SHOWN},
	{"inet", "socket", "AF_UNIX", TRACE_HIDDEN},
	{"inet", "connect", NULL, TRACE_SHOWN},
	{"inet", "read", NULL, TRACE_HIDDEN},
	{"inet", "stat", NULL, TRACE_HIDDEN}, /* who may connect may look, too */
	{"inet", "openat", "O_RDONLY", TRACE_HIDDEN},
	{"route", "socket", "AF_NETLINK, NETLINK_ROUTE", TRACE_SHOWN}, /* OpenBSD's word */
	{"rpath", "stat", NULL, TRACE_SHOWN},
	{"rpath", "openat", "O_RDONLY", TRACE_SHOWN},
	{"wpath", "openat", "O_RDONLY", TRACE_HIDDEN},
	{"wpath", "openat", "O_RDWR", TRACE_SHOWN},
	{"wpath", "futex", NULL, TRACE_HIDDEN},
	{"stdio", "mount", NULL, TRACE_HIDDEN},
	{"openat", "openat", "O_RDWR", TRACE_SHOWN},
	{"openat", "open", "O_RDWR", TRACE_HIDDEN},
	{"inet,openat", "openat", "O_RDWR", TRACE_SHOWN},
	{"inet,openat", "socket", "AF_INET, SOCK_STREAM", TRACE_SHOWN},
	{" inet , openat,", "openat", "O_RDWR", TRACE_SHOWN},
	{"flock", "flock", NULL, TRACE_SHOWN}, /* both a promise and a call */
	{"flock", "fcntl", "F_SETLK", TRACE_SHOWN},
	{"mount", "mount", NULL, TRACE_SHOWN},
	{"/etc", "stat", NULL, TRACE_BY_PATH},
	{"/etc", "execve", NULL, TRACE_BY_PATH},
	{"/etc", "connect", NULL, TRACE_BY_PATH}, /* AF_UNIX */
	{"/etc", "read", NULL, TRACE_HIDDEN},
	{"/etc", "memfd_create", NULL, TRACE_HIDDEN}, /* a name, no path */
	{"/etc,openat", "openat", "O_RDWR", TRACE_SHOWN},
	{"openat,/etc", "openat", "O_RDWR", TRACE_SHOWN},
};

Test(trace_only, matches)
{
	for (size_t i = 0; i < ARRAY_SIZE(matches); i++) {
		struct arena arena = {0};
		struct trace_only only;
		struct sbx_err err = {0};
		int r = trace_only_parse(matches[i].list, &arena, &only, &err);

		cr_assert_eq(r, 0, "%s: %s", matches[i].list, err.msg);
		cr_expect_eq(only.rows[find_row(matches[i].name, matches[i].shape)],
			     matches[i].match, "%s: %s(%s)", matches[i].list, matches[i].name,
			     matches[i].shape ? matches[i].shape : "");
		arena_done(&arena);
	}
}

static const struct {
	const char *list, *says;
} refusals[] = {
	{"inett", "\"inett\" is neither a promise nor a system call (did you mean \"inet\"?)"},
	{"inet,opanat", "\"opanat\" is neither a promise nor a system call (did you mean "
			"\"openat\"?)"},
	{"etc/passwd", "a path begins with \"/\""},
	{"", "the list is empty"},
	{", ,", "the list is empty"},
};

Test(trace_only, refusals)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct arena arena = {0};
		struct trace_only only;
		struct sbx_err err = {0};

		cr_expect_eq(trace_only_parse(refusals[i].list, &arena, &only, &err), -EINVAL,
			     "\"%s\"", refusals[i].list);
		cr_expect(strstr(err.msg, refusals[i].says), "\"%s\": %s", refusals[i].list,
			  err.msg);
		arena_done(&arena);
	}
}

static const struct {
	const char *list, *path;
	bool beneath;
} prefixes[] = {
	{"/etc", "/etc", true}, {"/etc", "/etc/passwd", true}, {"/etc", "/etcetera", false},
	{"/etc", "/", false},	{"/etc//", "/etc/x", true},    {"/", "/etc", true},
	{"/", "/", true},	{"/a,/b", "/b/c", true},       {"/a,/b", "/c", false},
	{"read", "/a", false},
};

Test(trace_only, prefixes)
{
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		struct arena arena = {0};
		struct trace_only only;
		struct sbx_err err;

		cr_assert_eq(trace_only_parse(prefixes[i].list, &arena, &only, &err), 0);
		cr_expect_eq(trace_only_path(&only, prefixes[i].path), prefixes[i].beneath,
			     "%s: %s", prefixes[i].list, prefixes[i].path);
		arena_done(&arena);
	}
}

/* ---- promises in words ---- */

static const struct {
	const char *name, *shape, *text, *json;
} words[] = {
	{"read", NULL, "stdio", "{\"any\": [\"stdio\"], \"all\": []}"},
	{"exit", NULL, "always", "\"always\""},
	{"mount", NULL, "never: changes the namespace", "\"never\""},
	{"openat", "O_RDONLY", "rpath", "{\"any\": [], \"all\": [\"rpath\"]}"},
	{"openat", "O_RDWR", "rpath wpath", "{\"any\": [], \"all\": [\"rpath\", \"wpath\"]}"},
	{"chdir", NULL, "rpath", "{\"any\": [\"rpath\"], \"all\": []}"},
	{"stat", NULL, "rpath|…", NULL},
	{"listen", NULL, "unix|inet", "{\"any\": [\"unix\", \"inet\"], \"all\": []}"},
	{"connect", NULL, "unix|inet|…",
	 "{\"any\": [\"unix\", \"inet\", \"mcast\", \"dns\", \"netlink\"], \"all\": []}"},
};

Test(trace_print, promises)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const struct row *row = &table_rows[find_row(words[i].name, words[i].shape)];
		struct arena arena = {0};

		cr_expect_str_eq(trace_promises_text(&arena, row), words[i].text);
		if (words[i].json)
			cr_expect_str_eq(trace_promises_json(&arena, row), words[i].json);
		arena_done(&arena);
	}
}

/* Each row has words, and none of them is cut. */
Test(trace_print, promises_of_every_row)
{
	struct arena arena = {0};

	for (size_t tag = 1; tag < table_rows_count; tag++) {
		const char *text = trace_promises_text(&arena, &table_rows[tag]);
		const char *json = trace_promises_json(&arena, &table_rows[tag]);

		cr_expect(text[0] && !strstr(text, "..."), "%s: %s", table_rows[tag].name, text);
		cr_expect(json[0] && !strstr(json, "..."), "%s: %s", table_rows[tag].name, json);
	}
	arena_done(&arena);
}

/* ---- JSON ---- */

static const struct {
	const char *text, *json;
} strings[] = {
	{"", "\"\""},
	{"plain", "\"plain\""},
	{"a\"b\\c", "\"a\\\"b\\\\c\""},
	{"\x01\n\t\x1f\x7f", "\"\\u0001\\u000a\\u0009\\u001f\\u007f\""},
	{"é€😀", "\"é€😀\""},
	{"\xff\xfe", "\"\\ufffd\\ufffd\""},
	{"\xc3", "\"\\ufffd\""},	    /* cut short */
	{"\xc0\x80", "\"\\ufffd\\ufffd\""}, /* longer than it need be */
	{"\xe0\x80\x80", "\"\\ufffd\\ufffd\\ufffd\""},
	{"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},		  /* a surrogate */
	{"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""}, /* above U+10FFFF */
	{"\xf0\x9f\x98", "\"\\ufffd\\ufffd\\ufffd\""},
	{"\xe2\x82x", "\"\\ufffd\\ufffdx\""},
};

Test(trace_print, json_strings)
{
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		char buf[128];
		struct line line;

		line_init(&line, buf, sizeof(buf));
		trace_json_string(&line, strings[i].text);
		(void)line_end(&line);
		cr_expect_str_eq(buf, strings[i].json);
	}
}

/* The longest line there can be fits. */
Test(trace_print, json_line_of_the_largest_size)
{
	static struct trace_out out;
	static char args[TRACE_ARGS_MAX], path[2 * PATH_MAX];
	const char *const paths[] = {path, path};
	const uint64_t raw[6] = {~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0),
				 ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0)};
	struct arena arena = {0};
	off_t size;
	char end[3];
	const struct row *row = &table_rows[find_row("stat", NULL)];
	const struct trace_line call = {
		.time_us = INT64_MAX,
		.tgid = INT32_MAX,
		.tid = INT32_MAX,
		.name = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		.row = row,
		.promises = trace_promises_json(&arena, row),
		.args = args,
		.raw = raw,
		.paths = paths,
		.n_paths = 2};

	memset(args, '\\', sizeof(args) - 1);
	args[0] = '(';
	memset(path, 0xff, sizeof(path) - 1);
	out.fd = memfd_create("trace", MFD_CLOEXEC);
	cr_assert_geq(out.fd, 0);
	trace_put_json(&out, &call);
	trace_out_flush(&out);
	size = lseek(out.fd, 0, SEEK_END);
	cr_expect(size > 3 && size <= TRACE_LINE_MAX && pread(out.fd, end, 3, size - 3) == 3 &&
			  memcmp(end, "]}\n", 3) == 0,
		  "%lld of %d: %.3s", (long long)size, TRACE_LINE_MAX, end);
	(void)close(out.fd);
	arena_done(&arena);
}
