/* SPDX-License-Identifier: MIT */
/* What a supervisor knows without asking the kernel: the model of a ruleset, the smallest addition
 * of promises, advice. Pure. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../launcher/access.h"
#include "../launcher/advice.h"
#include "../launcher/reach.h"
#include "../shim/missing.h"

static struct stat inode(unsigned number)
{
	return (struct stat){.st_dev = 1, .st_ino = number};
}

static void add(struct reach *reach, const char *path, unsigned number, uint64_t access)
{
	struct stat st = inode(number);

	cr_assert_eq(reach_add(reach, path, &st, access), 0);
}

Test(reach, adds_up_what_lies_above)
{
	static const struct {
		const char *path;
		unsigned number; /* 0: no such file */
		uint64_t access;
	} rows[] = {
		{"/", 1, 1},
		{"/etc", 2, 1},
		{"/etc/hosts", 3, 1},
		{"/home/u/data", 10, 1 | 2},
		{"/home/u/data/deep/er/file", 11, 1 | 2},
		{"/home/u/data/deep/er/new", 0, 1 | 2},
		{"/home/u/database", 12, 1},
		{"/home/u/data/x", 13, 1 | 2 | 4},
		{"/home/u/data/x", 14, 1 | 2}, /* replaced: another inode */
		{"/home/u/data/x", 0, 1 | 2},  /* removed */
		{"/home/u/data/x/y", 15, 1 | 2 | 4},
		{"/home/u", 16, 1},
		{"/srv", 17, 1 | 8 | 16}, /* two rules on one path */
	};
	struct reach reach = {.n_rules = 0};

	add(&reach, "/", 1, 1);
	add(&reach, "/home/u/data", 10, 2);
	add(&reach, "/home/u/data/x", 13, 4);
	add(&reach, "/srv", 17, 8);
	add(&reach, "/srv", 17, 16);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct stat st = inode(rows[i].number);
		uint64_t access = reach_granted(&reach, rows[i].path, rows[i].number ? &st : NULL);

		cr_expect_eq(access, rows[i].access, "%s (inode %u): %llx", rows[i].path,
			     rows[i].number, (unsigned long long)access);
	}
	reach_done(&reach);
}

Test(reach, nothing_is_granted_without_rules)
{
	struct reach reach = {.n_rules = 0};
	struct stat st = inode(1);

	cr_expect_eq(reach_granted(&reach, "/", &st), 0);
	cr_expect_eq(reach_granted_by_inode(&reach, "/etc/hosts", &st), 0);
	reach_done(&reach);
}

Test(reach, ten_thousand_rules)
{
	struct reach reach = {.n_rules = 0};
	struct stat st = inode(7);
	char path[64];

	for (unsigned i = 0; i < 10000; i++) {
		(void)snprintf(path, sizeof(path), "/data/%u/dir", i);
		add(&reach, path, 100 + i, 1);
	}
	cr_expect_eq(reach_granted(&reach, "/data/9999/dir/file", &st), 1);
	cr_expect_eq(reach_granted(&reach, "/data/0/dir/file", &st), 1);
	cr_expect_eq(reach_granted(&reach, "/data/10000/dir/file", &st), 0);
	reach_done(&reach);
}

/* The same answer by another name of the directory: a rule on its inode. */
Test(reach, by_inode)
{
	struct reach reach = {.n_rules = 0};
	struct stat st;

	cr_assert_eq(stat("/etc", &st), 0);
	cr_assert_eq(reach_add(&reach, "/another/name", &st, 4), 0);
	cr_expect_eq(reach_granted(&reach, "/etc/passwd", NULL), 0);
	cr_expect_eq(reach_granted_by_inode(&reach, "/etc/passwd", NULL), 4);
	cr_expect_eq(reach_granted_by_inode(&reach, "/usr/bin", NULL), 0);
	reach_done(&reach);
}

Test(missing, smallest_addition)
{
	static const struct {
		const char *name;
		struct requirement need;
		uint64_t promises, prefer, missing;
		bool bounded;
	} rows[] = {
		{"one", {.any = P(PROC)}, P(STDIO), 0, P(PROC), true},
		{"met", {.any = P(PROC)}, P(PROC), 0, 0, true},
		{"never", {.kind = ROW_NEVER}, P(STDIO), 0, 0, true},
		{"a fixed order", {.any = P(EXEC) | P(PROT_EXEC)}, P(STDIO), 0, P(PROT_EXEC), true},
		{"inet before dns", {.any = P(DNS) | P(INET)}, 0, 0, P(INET), true},
		{"what the call suggests", {.any = P(DNS) | P(INET)}, 0, P(DNS), P(DNS), true},
		{"a suggestion that does not help", {.any = P(DNS)}, 0, P(TTY), P(DNS), true},
		{"all of a set", {.all = P(RPATH) | P(WPATH)}, 0, 0, P(RPATH) | P(WPATH), true},
		{"the rest of a set", {.all = P(RPATH) | P(WPATH)}, P(RPATH), 0, P(WPATH), true},
		{"one rather than two",
		 {.all = P(WPATH) | P(CPATH), .bounded = P(TMPPATH)},
		 0,
		 0,
		 P(TMPPATH),
		 true},
		{"unless Landlock does not bound it",
		 {.all = P(WPATH) | P(CPATH), .bounded = P(TMPPATH)},
		 0,
		 0,
		 P(WPATH) | P(CPATH),
		 false},
		{"the rest of a set among others",
		 {.all = P(WPATH) | P(CPATH), .bounded = P(TMPPATH)},
		 P(WPATH),
		 0,
		 P(CPATH),
		 true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t missing = missing_promises(&rows[i].need, rows[i].promises,
						    rows[i].bounded, rows[i].prefer);
		char words[256];

		promise_format(missing, words, sizeof(words));
		cr_expect_eq(missing, rows[i].missing, "%s: \"%s\"", rows[i].name, words);
	}
}

/* Whatever is added to nothing permits each call of the table that promises can permit. */
Test(missing, every_row_is_met_by_it)
{
	for (size_t i = 1; i < table_rows_count; i++) {
		const struct row *row = &table_rows[i];

		for (int bounded = 0; bounded < 2; bounded++) {
			uint64_t missing = missing_promises(&row->need, 0, bounded, 0);

			if (requirement_by_promise(&row->need))
				cr_expect(requirement_met(&row->need, missing, bounded),
					  "row %zu, %s", i, row->name);
			else
				cr_expect_eq(missing, 0, "row %zu, %s", i, row->name);
		}
	}
}

/* Each name that is looked for is in the table: a spelling mistake would watch nothing. */
Test(access, calls_are_in_the_table)
{
	static const char *const names[] = {
		"open",	     "openat",		 "openat2",  "creat",	"truncate",
		"mkdir",     "mkdirat",		 "mknod",    "mknodat", "symlink",
		"unlink",    "unlinkat",	 "rmdir",    "rename",	"link",
		"linkat",    "symlinkat",	 "renameat", "execve",	"execveat",
		"renameat2", "connect",		 "bind",     "kill",	"tkill",
		"tgkill",    "pidfd_send_signal"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		bool found = false;

		cr_expect_not_null(access_find(names[i]), "%s", names[i]);
		for (size_t j = 0; j < table_rows_count; j++)
			found |= strcmp(table_rows[j].name, names[i]) == 0;
		cr_expect(found, "%s", names[i]);
	}
	cr_expect_null(access_find("read"));
}

static char *const envp[] = {(char *)"HOME=/usr", NULL};
static const struct policy_env env = {.envp = envp, .cwd = "/usr/lib", .uid = 1000};

Test(advice, spelling)
{
	static const struct {
		const char *real, *spelled; /* NULL: cannot be said */
	} rows[] = {
		{"/usr/share/x", "${HOME}/share/x"},
		{"/usr", "${HOME}"},
		{"/usr/lib/a b", "${PWD}/a b"},
		{"/usrlocal", "/usrlocal"},
		{"/", "/"},
		{"/a*b", NULL},
		{"/a\nb", NULL},
		{"/a ;b", NULL},
		{"/a ", NULL},
		{"/\xc3\x9c\xe2\x80\x93", "/\xc3\x9c\xe2\x80\x93"}, /* U+00DC, U+2013 */
		{"/a\xc2\x9b"
		 "31m",
		 NULL}, /* a terminal's CSI, in UTF-8 … */
		{"/a\x9b"
		 "31m",
		 NULL},			      /* … and alone */
		{"/a\xe9\x9b", "/a\xe9\x9b"}, /* cut off, but part of a character */
		{"/a\xe9", "/a\xe9"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char path[PATH_MAX];
		bool can = advice_spell(&env, rows[i].real, path);

		cr_expect_eq(can, rows[i].spelled != NULL, "%s", rows[i].real);
		if (can && rows[i].spelled)
			cr_expect_str_eq(path, rows[i].spelled);
	}
}

static char *text_of(struct advice *advice, bool whole)
{
	char *text = advice_text(advice, whole);

	cr_assert_not_null(text);
	return text;
}

Test(advice, whole_and_piece)
{
	const struct requirement either = {.any = P(DNS) | P(NETLINK)};
	struct policy policy;
	struct advice advice;
	struct sbx_err err;
	const struct origin from = {.file = "test"};
	char *text;

	policy_init(&policy);
	cr_assert_eq(policy_add_promises(&policy, "stdio rpath", from, &err), 0);
	cr_assert_eq(policy_add_ports(&policy, PORT_CONNECT, "80 443", from, &err), 0);
	cr_assert_eq(policy_add_unveil(&policy, "r", "/usr/lib", false, from, &env, &err), 0);
	advice_init(&advice, &policy, &env);
	cr_expect(advice_is_empty(&advice));
	advice_add_need(&advice, &either, 0);
	advice_add_promises(&advice, P(DNS));
	advice_add_path(&advice, "/etc/shadow", PERM_R, false);
	advice_add_path(&advice, "/usr/lib/os-release", PERM_W, false);
	advice_add_path(&advice, "/var/lib", PERM_R | PERM_W, true);
	advice_add_path(&advice, "/var/lib/dpkg/status", PERM_R, false);
	advice_add_path(&advice, "/no/such/file", PERM_R, false);
	advice_add_port(&advice, 8443, PORT_CONNECT);
	advice_add_scope(&advice);
	cr_expect(!advice_is_empty(&advice));

	text = text_of(&advice, true);
	cr_expect_str_eq(text, "[sandbox]\npromises = stdio rpath dns\nscope = open\n"
			       "[unveil]\nr = /etc/shadow\nr? = /no/such/file\n"
			       "rw = ${PWD}/os-release\nrw = /var/lib\n"
			       "[net]\nconnect_tcp = 80 443 8443\n");
	free(text);
	text = text_of(&advice, false);
	cr_expect(strstr(text, "promises = dns\n"), "%s", text);
	cr_expect(strstr(text, "connect_tcp = 8443\n"), "%s", text);
	cr_expect(strstr(text, "; scope = open"), "%s", text);
	free(text);
	advice_done(&advice);
	policy_done(&policy);
}

/* Lines of the policy that --check would refuse beside the new ones are named, and so is what must
 * stand in their place. */
Test(advice, displaced_lines)
{
	static const struct {
		const char *perms, *path; /* in the policy */
		const char *advice; /* expected for PERM_W on /usr/lib, PERM_R | PERM_X on /etc */
	} rows[] = {
		{"r", "/etc", "; take out r = /etc (test:3)\nrx = /etc\nw = ${PWD}\n"},
		{"w", "/etc", "rx = /etc\nw = ${PWD}\n"},
		{"r?", "/etc/passwd",
		 "; take out r? = /etc/passwd (test:3)\nrx = /etc\nw = ${PWD}\n"},
		{"rx", "/etc/passwd", "rx = /etc\nw = ${PWD}\n"},
		{"rc", "/etc/passwd",
		 "; take out rc = /etc/passwd (test:3)\nrx = /etc\nrxc = /etc/passwd\nw = "
		 "${PWD}\n"},
		{"r", "${HOME}/lib/os-release",
		 "; take out r = ${HOME}/lib/os-release (test:3)\nrx = /etc\nw = ${PWD}\n"
		 "rw = ${PWD}/os-release\n"},
		{"r", "/usr", "rx = /etc\nrw = ${PWD}\n"},
		{"r", "/usr/bin", "rx = /etc\nw = ${PWD}\n"},
	};
	const struct origin from = {.file = "test", .line = 3};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy policy;
		struct advice advice;
		struct sbx_err err;
		char *text;

		policy_init(&policy);
		cr_assert_eq(policy_add_unveil(&policy, rows[i].perms, rows[i].path, false, from,
					       &env, &err),
			     0);
		advice_init(&advice, &policy, &env);
		advice_add_path(&advice, "/usr/lib", PERM_W, true);
		advice_add_path(&advice, "/etc", PERM_R | PERM_X, true);
		for (int again = 0; again < 2; again++) {
			text = text_of(&advice, again);
			cr_expect(strncmp(text, "[unveil]\n", 9) == 0 &&
					  strcmp(text + 9, rows[i].advice) == 0,
				  "row %zu: %s", i, text);
			free(text);
		}
		advice_done(&advice);
		policy_done(&policy);
	}
}

Test(advice, many_files_become_their_directory)
{
	struct policy policy;
	struct advice advice;
	char path[64], *text;

	policy_init(&policy);
	advice_init(&advice, &policy, &env);
	for (int i = 0; i < 40; i++) {
		(void)snprintf(path, sizeof(path), "/opt/app/data/%d", i);
		advice_add_path(&advice, path, PERM_R, false);
		(void)snprintf(path, sizeof(path), "/etc/%d", i);
		advice_add_path(&advice, path, PERM_R, false);
	}
	text = text_of(&advice, false);
	cr_expect(strstr(text, "= /opt/app/data\n"), "%s", text);
	cr_expect_null(strstr(text, "= /opt/app/data/7\n"), "%s", text);
	cr_expect(strstr(text, "= /etc/7\n"), "%s", text);
	free(text);
	advice_done(&advice);
	policy_done(&policy);
}
