/* SPDX-License-Identifier: MIT */
/* Needs no privileges and no kernel feature: #! lines and env's command line, compared with what
 * the kernel and the real env make of them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../launcher/script.h"
#include "scratch.h"

/* ---- the #! line ---- */

struct line_row {
	const char *name;
	const char *text;
	int result;
	const char *interpreter, *arg; /* arg NULL: none */
};

#define BLANKS_50 "                                                  "

static const struct line_row line_rows[] = {
	{"plain", "#!/bin/echo\n", 0, "/bin/echo", NULL},
	{"argument", "#!/bin/echo -e\n", 0, "/bin/echo", "-e"},
	{"one argument, blanks within", "#!/bin/echo  a  b c \t\n", 0, "/bin/echo", "a  b c"},
	{"blanks in front", "#! \t/bin/echo\n", 0, "/bin/echo", NULL},
	{"blanks behind", "#!/bin/echo \t \n", 0, "/bin/echo", NULL},
	{"tabs", "#!/bin/echo\ta\tb\n", 0, "/bin/echo", "a\tb"},
	{"no newline", "#!/bin/echo a", 0, "/bin/echo", "a"},
	{"no newline, blanks stay", "#!/bin/echo a  ", 0, "/bin/echo", "a  "},
	{"carriage return belongs to the argument", "#!/bin/echo a\r\n", 0, "/bin/echo", "a\r"},
	{"second line does not count", "#!/bin/echo\n#!/bin/cat x\n", 0, "/bin/echo", NULL},
	{"relative", "#!bin/x\n", 0, "bin/x", NULL},
	{"nothing", "#!\n", -ENOEXEC, NULL, NULL},
	{"blanks only", "#!  \t \n", -ENOEXEC, NULL, NULL},
	{"blanks only, no newline",
	 "#!" BLANKS_50 BLANKS_50 BLANKS_50 BLANKS_50 BLANKS_50 BLANKS_50, -ENOEXEC, NULL, NULL},
	{"empty rest", "#!", -ENOEXEC, NULL, NULL},
	{"the longest interpreter", "#!" LENGTH_253 "\n", 0, LENGTH_253, NULL},
	{"the longest, cut behind a blank", "#!" LENGTH_253 " x\n", 0, LENGTH_253, NULL},
	{"too long an interpreter", "#!" LENGTH_253 "x\n", -ENOEXEC, NULL, NULL},
	{"argument that is cut", "#!/bin/echo " LENGTH_253 "\n", 0, "/bin/echo", NULL},
};

Test(script, parses_lines)
{
	for (size_t i = 0; i < ARRAY_SIZE(line_rows); i++) {
		const struct line_row *row = &line_rows[i];
		struct script_line line;
		struct sbx_err err = {0};
		int r;

		cr_expect(script_is(row->text, strlen(row->text)), "%s", row->name);
		r = script_parse(row->text, strlen(row->text), &line, &err);
		cr_expect_eq(r, row->result, "%s: %d, %s", row->name, r, err.msg);
		if (r < 0)
			continue;
		cr_expect_str_eq(line.interpreter, row->interpreter, "%s", row->name);
		if (strcmp(row->name, "argument that is cut") == 0) {
			/* Of 255 bytes, "#!/bin/echo " takes twelve. */
			cr_expect_eq(strlen(line.arg), 243, "%s", row->name);
			continue;
		}
		cr_expect_eq(line.has_arg, row->arg != NULL, "%s", row->name);
		if (row->arg)
			cr_expect_str_eq(line.arg, row->arg, "%s", row->name);
	}
	cr_expect(!script_is("#", 1) && !script_is("", 0) && !script_is("\177ELF", 4));
}

Test(script, nul_ends_both_parts)
{
	static const char in_name[] = "#!/bin/echo\0x -e\n", in_arg[] = "#!/bin/echo -e\0x\n";
	struct script_line line;
	struct sbx_err err;

	cr_expect_eq(script_parse(in_name, sizeof(in_name) - 1, &line, &err), 0);
	cr_expect(strcmp(line.interpreter, "/bin/echo") == 0 && !line.has_arg);
	cr_expect_eq(script_parse(in_arg, sizeof(in_arg) - 1, &line, &err), 0);
	cr_expect(line.has_arg && strcmp(line.arg, "-e") == 0);
}

/* The same lines, executed: this kernel must pass echo what we think it does. */
Test(script, kernel_agrees, .init = enter_scratch, .fini = leave_scratch)
{
	for (size_t i = 0; i < ARRAY_SIZE(line_rows); i++) {
		const struct line_row *row = &line_rows[i];
		char *argv[] = {(char[]){"x"}, NULL};
		char expected[1024], seen[1024];
		struct script_line line;
		struct sbx_err err;

		if (row->result < 0 || strcmp(row->interpreter, "/bin/echo") != 0 ||
		    (row->arg && row->arg[0] == '-'))
			continue;
		cr_assert_eq(script_parse(row->text, strlen(row->text), &line, &err), 0);
		write_script("./s", row->text);
		output_of("./s", argv, (char *[]){NULL}, seen, sizeof(seen));
		(void)snprintf(expected, sizeof(expected), "%s%s./s\n", line.arg,
			       line.has_arg ? " " : "");
		cr_expect_str_eq(seen, expected, "%s", row->name);
	}
}

/* ---- env ---- */

#define WORDS_MAX 8

struct env_row {
	const char *name;
	const char *args[WORDS_MAX]; /* env's, without its own name */
	int result;
	const char *says;		/* in the message, when it fails */
	const char *command[WORDS_MAX]; /* what is executed */
	const char *envp;		/* what it gets, each variable followed by ";" */
	bool ours_only; /* the real env differs, or would need a terminal to compare */
};

static char *const base_envp[] = {(char[]){"A=1"}, (char[]){"B=two words"}, (char[]){"X=-S ${X}"},
				  (char[]){"PATH=/usr/bin:/bin"}, NULL};
#define BASE   "A=1;B=two words;X=-S ${X};PATH=/usr/bin:/bin;"
#define OPAQUE "cannot be looked through"

static const struct env_row env_rows[] = {
	{"program", {"printf", "x"}, 0, NULL, {"printf", "x"}, BASE, false},
	{"double dash", {"--", "printf"}, 0, NULL, {"printf"}, BASE, false},
	{"-i", {"-i", "printf"}, 0, NULL, {"printf"}, "", false},
	{"-", {"-", "printf"}, 0, NULL, {"printf"}, "", false},
	{"long -i", {"--ignore-environment", "printf"}, 0, NULL, {"printf"}, "", false},
	{"-u",
	 {"-u", "A", "printf"},
	 0,
	 NULL,
	 {"printf"},
	 "B=two words;X=-S ${X};PATH=/usr/bin:/bin;",
	 false},
	{"-uNAME",
	 {"-uA", "-uX", "-uB", "printf"},
	 0,
	 NULL,
	 {"printf"},
	 "PATH=/usr/bin:/bin;",
	 false},
	{"--unset=NAME",
	 {"--unset=A", "--unset", "X", "printf"},
	 0,
	 NULL,
	 {"printf"},
	 "B=two words;PATH=/usr/bin:/bin;",
	 false},
	{"-u of nothing", {"-u", "NONE", "printf"}, 0, NULL, {"printf"}, BASE, false},
	{"assignments",
	 {"A=9", "C=3", "printf", "D=4"},
	 0,
	 NULL,
	 {"printf", "D=4"},
	 "A=9;B=two words;X=-S ${X};PATH=/usr/bin:/bin;C=3;",
	 false},
	{"-i and assignment", {"-i", "C=3", "C=4", "printf"}, 0, NULL, {"printf"}, "C=4;", false},
	{"options end at the program", {"printf", "-i"}, 0, NULL, {"printf", "-i"}, BASE, false},
	{"-S", {"-S", "printf a  b"}, 0, NULL, {"printf", "a", "b"}, BASE, false},
	{"-S glued", {"-Sprintf a", "b c"}, 0, NULL, {"printf", "a", "b c"}, BASE, false},
	{"-S as the kernel passes it",
	 {"-S printf a", "b"},
	 0,
	 NULL,
	 {"printf", "a", "b"},
	 BASE,
	 false},
	{"--split-string",
	 {"--split-string=printf a", "b"},
	 0,
	 NULL,
	 {"printf", "a", "b"},
	 BASE,
	 false},
	{"--split-string, next word",
	 {"--split-string", "printf a"},
	 0,
	 NULL,
	 {"printf", "a"},
	 BASE,
	 false},
	{"-iS", {"-iSprintf a"}, 0, NULL, {"printf", "a"}, "", false},
	{"options inside -S", {"-S-i -u A C=3 printf a"}, 0, NULL, {"printf", "a"}, "C=3;", false},
	{"-S inside -S", {"-S-S'printf a' b"}, 0, NULL, {"printf", "a", "b"}, BASE, false},
	{"nothing in -S", {"-S", "", "printf"}, 0, NULL, {"printf"}, BASE, false},
	{"single quotes",
	 {"-Sprintf 'a b' 'c\"d'"},
	 0,
	 NULL,
	 {"printf", "a b", "c\"d"},
	 BASE,
	 false},
	{"double quotes",
	 {"-Sprintf \"a b\" \"c'd\""},
	 0,
	 NULL,
	 {"printf", "a b", "c'd"},
	 BASE,
	 false},
	{"empty word", {"-Sprintf '' \"\" x"}, 0, NULL, {"printf", "", "", "x"}, BASE, false},
	{"quotes within a word", {"-Sprintf a'b c'd"}, 0, NULL, {"printf", "ab cd"}, BASE, false},
	{"escapes",
	 {"-Sprintf a\\tb\\nc\\\\ \\\"\\'\\#\\$"},
	 0,
	 NULL,
	 {"printf", "a\tb\nc\\", "\"'#$"},
	 BASE,
	 false},
	{"\\_ splits",
	 {"-Sprintf a\\_b \"c\\_d\""},
	 0,
	 NULL,
	 {"printf", "a", "b", "c d"},
	 BASE,
	 false},
	{"\\c ends", {"-Sprintf a\\c b", "c"}, 0, NULL, {"printf", "a", "c"}, BASE, false},
	{"backslash in single quotes",
	 {"-Sprintf 'a\\tb\\'c\\\\d'"},
	 0,
	 NULL,
	 {"printf", "a\\tb'c\\d"},
	 BASE,
	 false},
	{"comment", {"-Sprintf a#b #c d", "e"}, 0, NULL, {"printf", "a#b", "e"}, BASE, false},
	{"variable",
	 {"-Sprintf ${A} x${B}y \"${B}\""},
	 0,
	 NULL,
	 {"printf", "1", "xtwo wordsy", "two words"},
	 BASE,
	 false},
	{"variable in single quotes",
	 {"-Sprintf '${A}'"},
	 0,
	 NULL,
	 {"printf", "${A}"},
	 BASE,
	 false},
	{"unset variable",
	 {"-Sprintf ${NONE} x${NONE} y"},
	 0,
	 NULL,
	 {"printf", "x", "y"},
	 BASE,
	 false},
	{"variable as it was before -i", {"-iSprintf ${A}"}, 0, NULL, {"printf", "1"}, "", false},
	{"nothing named", {"-i"}, -ENOEXEC, "names no program", {NULL}, NULL, true},
	{"nothing at all", {NULL}, -ENOEXEC, "names no program", {NULL}, NULL, true},
	{"assignments only", {"A=1"}, -ENOEXEC, "names no program", {NULL}, NULL, true},
	{"-C", {"-C", "/", "printf"}, -ENOEXEC, OPAQUE, {NULL}, NULL, true},
	{"--chdir", {"--chdir=/", "printf"}, -ENOEXEC, OPAQUE, {NULL}, NULL, true},
	{"-v", {"-v", "printf"}, -ENOEXEC, OPAQUE, {NULL}, NULL, true},
	{"-0", {"-0", "printf"}, -ENOEXEC, OPAQUE, {NULL}, NULL, false},
	{"--block-signal", {"--block-signal=INT", "printf"}, -ENOEXEC, OPAQUE, {NULL}, NULL, true},
	{"abbreviation", {"--uns=A", "printf"}, -ENOEXEC, OPAQUE, {NULL}, NULL, true},
	{"value for --ignore-environment",
	 {"--ignore-environment=x", "printf"},
	 -ENOEXEC,
	 OPAQUE,
	 {NULL},
	 NULL,
	 false},
	{"the kernel's single argument", {"-i printf"}, -ENOEXEC, OPAQUE, {NULL}, NULL, false},
	{"loader's variable",
	 {"LD_PRELOAD=./x.so", "printf"},
	 -ENOEXEC,
	 "LD_PRELOAD",
	 {NULL},
	 NULL,
	 true},
	{"loader's variable behind others",
	 {"A=2", "LD_LIBRARY_PATH=", "printf"},
	 -ENOEXEC,
	 "env would set LD_LIBRARY_PATH, by which",
	 {NULL},
	 NULL,
	 true},
	{"loader's variable in -S",
	 {"-S-i LD_AUDIT=x printf"},
	 -ENOEXEC,
	 "LD_AUDIT",
	 {NULL},
	 NULL,
	 true},
	{"libc's tunables",
	 {"GLIBC_TUNABLES=x=y", "printf"},
	 -ENOEXEC,
	 "GLIBC_TUNABLES",
	 {NULL},
	 NULL,
	 true},
	{"like the loader's variables",
	 {"LDX=1", "GLIBC_TUNABLE=2", "printf", "LD_PRELOAD=x"},
	 0,
	 NULL,
	 {"printf", "LD_PRELOAD=x"},
	 BASE "LDX=1;GLIBC_TUNABLE=2;",
	 false},
	{"-u without name", {"-u"}, -ENOEXEC, "no value", {NULL}, NULL, false},
	{"-u of an odd name",
	 {"-u", "A=1", "printf"},
	 -ENOEXEC,
	 "no variable",
	 {NULL},
	 NULL,
	 false},
	{"open quote", {"-Sprintf 'a"}, -ENOEXEC, "quote", {NULL}, NULL, false},
	{"lonely backslash", {"-Sprintf a\\"}, -ENOEXEC, "backslash", {NULL}, NULL, false},
	{"unknown escape", {"-Sprintf \\x"}, -ENOEXEC, "escape", {NULL}, NULL, false},
	{"\\c in quotes", {"-Sprintf \"a\\c\""}, -ENOEXEC, "double quotes", {NULL}, NULL, false},
	{"variable without braces", {"-Sprintf $A"}, -ENOEXEC, "${NAME}", {NULL}, NULL, false},
	{"variable of an odd name", {"-Sprintf ${1}"}, -ENOEXEC, "${NAME}", {NULL}, NULL, false},
	{"variable without end", {"-Sprintf ${A"}, -ENOEXEC, "${NAME}", {NULL}, NULL, false},
	{"-S without end", {"-S${X}"}, -ENOEXEC, "inside one another", {NULL}, NULL, true},
};

static void env_argv(const struct env_row *row, char *argv[WORDS_MAX + 2])
{
	size_t n = 0;

	argv[n++] = (char[]){"env"};
	for (size_t i = 0; row->args[i]; i++)
		argv[n++] = (char *)(uintptr_t)row->args[i];
	argv[n] = NULL;
}

static void join(char *const *words, const char *end, char *ret, size_t size)
{
	size_t used = 0;

	ret[0] = '\0';
	for (; *words; words++)
		used += (size_t)snprintf(ret + used, size - used, "%s%s", *words, end);
}

Test(script, reads_env)
{
	for (size_t i = 0; i < ARRAY_SIZE(env_rows); i++) {
		const struct env_row *row = &env_rows[i];
		struct arena arena = {0};
		struct env_command command = {0};
		struct sbx_err err = {0};
		char env_word[] = "env", text[512];
		char *argv[WORDS_MAX + 2];
		int r;

		env_argv(row, argv);
		argv[0] = env_word;
		r = script_read_env(&arena, argv, base_envp, &command, &err);
		cr_expect_eq(r, row->result, "%s: %d, %s", row->name, r, err.msg);
		if (r < 0) {
			cr_expect(row->says && strstr(err.msg, row->says), "%s: \"%s\"", row->name,
				  err.msg);
		} else if (row->result == 0) {
			size_t n = 0;

			for (; row->command[n] && command.argv[n]; n++)
				cr_expect_str_eq(command.argv[n], row->command[n], "%s, word %zu",
						 row->name, n);
			cr_expect(!row->command[n] && !command.argv[n], "%s: %zu words", row->name,
				  n);
			join(command.envp, ";", text, sizeof(text));
			cr_expect_str_eq(text, row->envp, "%s", row->name);
		}
		arena_done(&arena);
	}
}

/* The real env, asked to run a script that prints what it got: the rows above describe what it
 * does, not what we wish. */
Test(script, real_env_agrees, .init = enter_scratch, .fini = leave_scratch)
{
	static const char show[] =
		"#!/bin/sh\nfor w in printf \"$@\"; do printf '%s\\n' \"$w|\"; done\n";
	char path[PATH_MAX + 16];

	write_script("printf", show);
	(void)snprintf(path, sizeof(path), "PATH=%s:/bin", scratch);
	for (size_t i = 0; i < ARRAY_SIZE(env_rows); i++) {
		const struct env_row *row = &env_rows[i];
		char *envp[] = {base_envp[0], base_envp[1], base_envp[2], path, NULL};
		char expected[512], seen[512], env_word[] = "env";
		char *argv[WORDS_MAX + 2];

		/* Without PATH env would find another printf. */
		if (row->ours_only || (row->envp && !strstr(row->envp, "PATH")))
			continue;
		env_argv(row, argv);
		argv[0] = env_word;
		join((char *const *)(uintptr_t)row->command, "|\n", expected, sizeof(expected));
		output_of("/usr/bin/env", argv, envp, seen, sizeof(seen));
		cr_expect_str_eq(seen, expected, "%s", row->name);
	}
}
