/* SPDX-License-Identifier: MIT */
/* Needs no privileges and no kernel feature: files in a scratch directory, looked at and, to
 * compare with the kernel, executed. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../launcher/program.h"
#include "fake_elf.h"
#include "scratch.h"

#define GLIBC "lib/" FAKE_GLIBC_LOADER

static void write_elf(const char *path, const char *interp, const char *rpath, const char *runpath)
{
	struct fake_elf elf = fake_elf(interp, rpath, runpath);

	write_file(path, &elf, sizeof(elf), 0755);
}

/* ---- finding programs ---- */

static char *make_variable(const char *name, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static char *make_variable(const char *name, const char *fmt, ...)
{
	char *text = NULL, *value = NULL;
	va_list ap;

	va_start(ap, fmt);
	cr_assert(vasprintf(&value, fmt, ap) >= 0);
	va_end(ap);
	cr_assert(asprintf(&text, "%s=%s", name, value) >= 0);
	free(value);
	return text;
}

/* Resolve "@name arg" with @path as PATH; NULL: unset. "@" in it stands for the scratch directory.
 */
static int resolve_in(const char *name, const char *path, struct program *program,
		      struct sbx_err *err)
{
	char *argv[] = {(char *)(uintptr_t)name, (char[]){"arg"}, NULL};
	char *envp[] = {(char[]){"A=1"}, NULL, NULL};
	char value[3 * PATH_MAX];
	size_t used = 0;
	int r;

	for (; path && *path; path++) {
		if (*path == '@')
			used += (size_t)snprintf(value + used, sizeof(value) - used, "%s", scratch);
		else
			value[used++] = *path;
	}
	value[used] = '\0';
	if (path)
		envp[1] = make_variable("PATH", "%s", value);
	memset(program, 0xff, sizeof(*program));
	r = program_resolve(argv, envp, program, err);
	free(envp[1]);
	return r;
}

/* "@/x" → the scratch directory's x. */
static const char *in_scratch(const char *path)
{
	static char full[2 * PATH_MAX];

	if (path[0] != '@')
		return path;
	(void)snprintf(full, sizeof(full), "%s%s", scratch, path + 1);
	return full;
}

static void make_programs(void)
{
	enter_scratch();
	cr_assert(mkdir("lib", 0755) == 0 && mkdir("bin", 0755) == 0 && mkdir("other", 0755) == 0 &&
		  mkdir("other/adir", 0755) == 0);
	write_elf(GLIBC, NULL, NULL, NULL);
	write_elf("lib/ld-musl-x86_64.so.1", NULL, NULL, NULL);
	write_elf("bin/prog", GLIBC, NULL, NULL);
	write_elf("bin/adir", GLIBC, NULL, NULL);
	write_elf("bin/static", NULL, NULL, NULL);
	write_elf("bin/musl", "lib/ld-musl-x86_64.so.1", NULL, NULL);
	write_elf("other/prog", GLIBC, NULL, NULL);
	write_elf("here", GLIBC, NULL, NULL);
	write_file("other/locked", "#!bin/prog\n", 11, 0644);
	write_script("env", "#!bin/prog\n"); /* somebody's own */
	cr_assert(symlink("prog", "bin/link") == 0);
}

Test(program, searches_path, .init = make_programs, .fini = leave_scratch)
{
	static const struct {
		const char *name, *path;
		int result;
		const char *found; /* what is executed, or a part of the message */
	} rows[] = {
		{"prog", "@/bin:@/other", 0, "@/bin/prog"},
		{"prog", "@/other:@/bin", 0, "@/other/prog"},
		{"prog", "/nowhere:@/bin/prog:@/other", 0, "@/other/prog"},
		{"adir", "@/other:@/bin", 0, "@/bin/adir"},
		{"adir", "@/other", -EACCES, "adir: found in PATH, but it cannot be executed"},
		{"locked", "@/bin:@/other:/nowhere", -EACCES, "locked: found in PATH"},
		{"here", "@/bin:", 0, "./here"},
		{"here", ":@/bin", 0, "./here"},
		{"here", "@/bin::@/other", 0, "./here"},
		{"here", "", 0, "./here"},
		{"prog", "bin", 0, "bin/prog"},
		{"here", "@/bin", -ENOENT, "here: not found in PATH"},
		{"no-such-program-anywhere", NULL, -ENOENT, "not found in PATH"},
		{"here", NULL, -ENOENT, "here: not found in PATH"},
		{"env", NULL, 0, "/usr/bin/env"},
		{"", "@/bin", -ENOENT, "empty"},
		{LENGTH_253 "xyz", "@/bin", -ENOENT, "No such file"},
		{"bin/prog", "/nowhere", 0, "bin/prog"},
		{"./bin/link", NULL, 0, "./bin/link"},
		{"bin/none", "@/bin", -ENOENT, "bin/none: No such file"},
		{"bin/prog/x", "@/bin", -ENOENT, "bin/prog/x: No such file"},
		{"other/locked", "@/bin", -EACCES, "other/locked: Permission denied"},
		{"./bin", "@/bin", -EISDIR, "./bin: Is a directory"},
		{"/dev/null", "@/bin", -EACCES, "/dev/null: Permission denied"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct program program;
		struct sbx_err err = {0};
		int r = resolve_in(rows[i].name, rows[i].path, &program, &err);

		cr_expect_eq(r, rows[i].result, "row %zu, %s: %d, %s", i, rows[i].name, r, err.msg);
		if (r < 0) {
			cr_expect(strstr(err.msg, rows[i].found), "row %zu: %s", i, err.msg);
			continue;
		}
		cr_expect_str_eq(program.path, in_scratch(rows[i].found), "row %zu", i);
		cr_expect_str_eq(program.argv[0], rows[i].name, "row %zu", i);
		cr_expect_str_eq(program.argv[1], "arg", "row %zu", i);
		cr_expect(!program.argv[2], "row %zu", i);
		program_done(&program);
	}
}

Test(program, a_name_that_no_file_can_have, .init = make_programs, .fini = leave_scratch)
{
	char name[NAME_MAX + 2];
	struct program program;
	struct sbx_err err;

	memset(name, 'x', sizeof(name));
	name[NAME_MAX + 1] = '\0';
	cr_expect_eq(resolve_in(name, "@/bin", &program, &err), -ENOENT);
}

Test(program, names_and_kinds, .init = make_programs, .fini = leave_scratch)
{
	static const struct {
		const char *file, *name, *real_name;
		enum program_kind kind;
		const char *loader;
	} rows[] = {
		{"./bin/prog", "prog", "prog", PROGRAM_GLIBC, GLIBC},
		{"./bin/link", "link", "prog", PROGRAM_GLIBC, GLIBC},
		{"./bin/static", "static", "static", PROGRAM_STATIC, NULL},
		{"./bin/musl", "musl", "musl", PROGRAM_FOREIGN, "lib/ld-musl-x86_64.so.1"},
		/* A loader run as a command is a static-pie program like others. */
		{"./" GLIBC, FAKE_GLIBC_LOADER, FAKE_GLIBC_LOADER, PROGRAM_STATIC, NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct program program;
		struct sbx_err err = {0};

		cr_assert_eq(resolve_in(rows[i].file, "", &program, &err), 0, "%s: %s",
			     rows[i].file, err.msg);
		cr_expect_str_eq(program.name, rows[i].name);
		cr_expect_str_eq(program.real_name, rows[i].real_name);
		cr_expect(strncmp(program.real_path, scratch, strlen(scratch)) == 0);
		cr_expect_eq(program.kind, rows[i].kind, "%s: kind %d", rows[i].file, program.kind);
		cr_expect((!rows[i].loader && !program.loader) ||
				  (rows[i].loader && program.loader &&
				   strcmp(rows[i].loader, program.loader) == 0),
			  "%s: loader %s", rows[i].file, program.loader);
		cr_expect(program.n_files == 1 && program.files[0] && !program.files[1]);
		cr_expect_str_eq(program.envp[0], "A=1");
		program_done(&program);
	}
}

/* ---- scripts ---- */

struct chain_row {
	const char *name;
	const char *scripts[3]; /* contents of s1, s2, s3; s1 is run as "./s1 arg" */
	int result;
	const char *says;
	const char *path;
	const char *argv[8];
	const char *files[5];
	enum program_kind kind;
};

#define KERNEL_DOES           \
	"./s1",               \
	{                     \
		"./s1", "arg" \
	}

static const struct chain_row chain_rows[] = {
	{"interpreter",
	 {"#!bin/prog\n"},
	 0,
	 NULL,
	 KERNEL_DOES,
	 {"@/s1", "@/bin/prog"},
	 PROGRAM_GLIBC},
	{"interpreter behind a link",
	 {"#!bin/link -x\n"},
	 0,
	 NULL,
	 KERNEL_DOES,
	 {"@/s1", "@/bin/prog"},
	 PROGRAM_GLIBC},
	{"static interpreter",
	 {"#!bin/static\n"},
	 0,
	 NULL,
	 KERNEL_DOES,
	 {"@/s1", "@/bin/static"},
	 PROGRAM_STATIC},
	{"foreign interpreter",
	 {"#!bin/musl\n"},
	 0,
	 NULL,
	 KERNEL_DOES,
	 {"@/s1", "@/bin/musl"},
	 PROGRAM_FOREIGN},
	{"chain",
	 {"#!./s2\n", "#!./s3 x\n", "#!bin/prog y\n"},
	 0,
	 NULL,
	 KERNEL_DOES,
	 {"@/s1", "@/s2", "@/s3", "@/bin/prog"},
	 PROGRAM_GLIBC},
	{"env",
	 {"#!/usr/bin/env prog\n"},
	 0,
	 NULL,
	 "@/bin/prog",
	 {"prog", "./s1", "arg"},
	 {"@/s1", "@/bin/prog"},
	 PROGRAM_GLIBC},
	{"env that is a script",
	 {"#!./env prog\n"},
	 0,
	 NULL,
	 KERNEL_DOES,
	 {"@/s1", "@/env", "@/bin/prog"},
	 PROGRAM_GLIBC},
	{"env elsewhere",
	 {"#!/no/such/env prog\n"},
	 -ENOEXEC,
	 "@/s1: its interpreter /no/such/env does not exist",
	 NULL,
	 {NULL},
	 {NULL},
	 0},
	{"env -S",
	 {"#!/usr/bin/env -S prog -u 'a b'\n"},
	 0,
	 NULL,
	 "@/bin/prog",
	 {"prog", "-u", "a b", "./s1", "arg"},
	 {"@/s1", "@/bin/prog"},
	 PROGRAM_GLIBC},
	{"env static",
	 {"#!/usr/bin/env static\n"},
	 0,
	 NULL,
	 "@/bin/static",
	 {"static", "./s1", "arg"},
	 {"@/s1", "@/bin/static"},
	 PROGRAM_STATIC},
	{"env, its own PATH",
	 {"#!/usr/bin/env -S PATH=other prog\n"},
	 0,
	 NULL,
	 "other/prog",
	 {"prog", "./s1", "arg"},
	 {"@/s1", "@/other/prog"},
	 PROGRAM_GLIBC},
	{"env finds a script",
	 {"#!/usr/bin/env -S ./s2 x\n", "#!bin/prog y\n"},
	 0,
	 NULL,
	 "./s2",
	 {"./s2", "x", "./s1", "arg"},
	 {"@/s1", "@/s2", "@/bin/prog"},
	 PROGRAM_GLIBC},
	{"env behind a script",
	 {"#!./s2 x\n", "#!/usr/bin/env prog\n"},
	 0,
	 NULL,
	 "@/bin/prog",
	 {"prog", "./s2", "x", "./s1", "arg"},
	 {"@/s1", "@/s2", "@/bin/prog"},
	 PROGRAM_GLIBC},
	{"env twice",
	 {"#!/usr/bin/env ./s2\n", "#!/usr/bin/env -S prog z\n"},
	 0,
	 NULL,
	 "@/bin/prog",
	 {"prog", "z", "./s2", "./s1", "arg"},
	 {"@/s1", "@/s2", "@/bin/prog"},
	 PROGRAM_GLIBC},
	{"env of nothing: itself for ever",
	 {"#!/usr/bin/env\n"},
	 -ELOOP,
	 "too many",
	 NULL,
	 {NULL},
	 {NULL},
	 0},
	{"itself", {"#!./s1\n"}, -ELOOP, "too many", NULL, {NULL}, {NULL}, 0},
	{"env -C",
	 {"#!/usr/bin/env -S -C / prog\n"},
	 -ENOEXEC,
	 "@/s1: its #! line: env option \"-C\"",
	 NULL,
	 {NULL},
	 {NULL},
	 0},
	{"env of what is not there",
	 {"#!/usr/bin/env nothing-like-it\n"},
	 -ENOEXEC,
	 "its #! line: nothing-like-it: not found in PATH",
	 NULL,
	 {NULL},
	 {NULL},
	 0},
	{"env of a file that is not there",
	 {"#!/usr/bin/env ./none\n"},
	 -ENOEXEC,
	 "its interpreter ./none does not exist",
	 NULL,
	 {NULL},
	 {NULL},
	 0},
	{"missing interpreter",
	 {"#!/no/such/interpreter\n"},
	 -ENOEXEC,
	 "its interpreter /no/such/interpreter does not exist",
	 NULL,
	 {NULL},
	 {NULL},
	 0},
	{"interpreter that is a directory",
	 {"#!./bin\n"},
	 -EISDIR,
	 "./bin: Is a directory",
	 NULL,
	 {NULL},
	 {NULL},
	 0},
	{"interpreter without x",
	 {"#!other/locked\n"},
	 -EACCES,
	 "other/locked: Permission denied",
	 NULL,
	 {NULL},
	 {NULL},
	 0},
	{"no interpreter",
	 {"#!\n"},
	 -ENOEXEC,
	 "./s1: its #! line names no interpreter",
	 NULL,
	 {NULL},
	 {NULL},
	 0},
	{"no #! line",
	 {"echo hello\n"},
	 -ENOEXEC,
	 "./s1 has no #! line and is no ELF program; run it with its interpreter, e.g. sbx-preload "
	 "sh ./s1",
	 NULL,
	 {NULL},
	 {NULL},
	 0},
	{"empty", {""}, -ENOEXEC, "has no #! line", NULL, {NULL}, {NULL}, 0},
	{"interpreter without #! line",
	 {"#!./s2\n", "echo\n"},
	 -ENOEXEC,
	 "./s2 has no #! line",
	 NULL,
	 {NULL},
	 {NULL},
	 0},
};

static void expect_words(const char *row, const char *what, const char *const *expected,
			 const char *const *seen)
{
	size_t n = 0;

	for (; expected[n] && seen[n]; n++)
		cr_expect_str_eq(seen[n], in_scratch(expected[n]), "%s: %s[%zu]", row, what, n);
	cr_expect(!expected[n] && !seen[n], "%s: %s has %s than %zu", row, what,
		  seen[n] ? "more" : "fewer", n);
}

Test(program, follows_scripts, .init = make_programs, .fini = leave_scratch)
{
	for (size_t i = 0; i < ARRAY_SIZE(chain_rows); i++) {
		const struct chain_row *row = &chain_rows[i];
		struct program program;
		struct sbx_err err = {0};
		int r;

		for (size_t k = 0; k < ARRAY_SIZE(row->scripts) && row->scripts[k]; k++)
			write_script((const char *[]){"s1", "s2", "s3"}[k], row->scripts[k]);
		r = resolve_in("./s1", "@/bin", &program, &err);
		cr_expect_eq(r, row->result, "%s: %d, %s", row->name, r, err.msg);
		if (r < 0) {
			cr_expect(row->says && strstr(err.msg, in_scratch(row->says)), "%s: %s",
				  row->name, err.msg);
			continue;
		}
		if (row->result < 0) {
			program_done(&program);
			continue;
		}
		cr_expect_str_eq(program.path, in_scratch(row->path), "%s", row->name);
		expect_words(row->name, "argv", row->argv, (const char *const *)program.argv);
		expect_words(row->name, "files", row->files, program.files);
		cr_expect_eq(program.kind, row->kind, "%s: kind %d", row->name, program.kind);
		cr_expect_str_eq(program.name, "s1", "%s", row->name);
		cr_expect_str_eq(program.real_path, in_scratch("@/s1"), "%s", row->name);
		program_done(&program);
	}
}

Test(program, env_changes_the_environment, .init = make_programs, .fini = leave_scratch)
{
	struct program program;
	struct sbx_err err = {0};

	write_script("s1", "#!/usr/bin/env -S -i B=2 PATH=bin prog\n");
	cr_assert_eq(resolve_in("./s1", "/nowhere", &program, &err), 0, "%s", err.msg);
	cr_expect(strcmp(program.envp[0], "B=2") == 0 && strcmp(program.envp[1], "PATH=bin") == 0 &&
		  !program.envp[2]);
	cr_expect_str_eq(program.path, "bin/prog");
	program_done(&program);
}

/* Five scripts in a row are what this kernel follows; the sixth is too much for it, and so for us.
 */
Test(program, as_many_scripts_as_the_kernel, .init = make_programs, .fini = leave_scratch)
{
	char *argv[] = {(char[]){"x"}, NULL};
	char name[16], text[32], seen[256];
	struct program program;
	struct sbx_err err;

	write_script("./c0", "#!/bin/echo\n");
	for (int i = 1; i < 6; i++) {
		(void)snprintf(name, sizeof(name), "./c%d", i);
		(void)snprintf(text, sizeof(text), "#!./c%d\n", i - 1);
		write_script(name, text);
	}
	output_of("./c4", argv, (char *[]){NULL}, seen, sizeof(seen));
	cr_expect_str_eq(seen, "./c0 ./c1 ./c2 ./c3 ./c4\n");
	cr_expect_eq(resolve_in("./c4", "", &program, &err), 0, "%s", err.msg);
	program_done(&program);
	output_of("./c5", argv, (char *[]){NULL}, seen, sizeof(seen));
	cr_expect_str_eq(seen, "", "the kernel follows six");
	cr_expect_eq(resolve_in("./c5", "", &program, &err), -ELOOP);
}

/* ---- binaries that cannot be run ---- */

Test(program, refuses_other_binaries, .init = make_programs, .fini = leave_scratch)
{
	Elf32_Ehdr small = fake_elf32(EM_386);
	struct fake_elf elf = fake_elf(GLIBC, NULL, NULL);
	struct program program;
	struct sbx_err err;

	write_file("i386", &small, sizeof(small), 0755);
	cr_expect_eq(resolve_in("./i386", "", &program, &err), -ENOEXEC);
	cr_expect_str_eq(err.msg,
			 "./i386: 32-bit program: this sandbox confines only 64-bit system calls");
	small = fake_elf32(FAKE_MACHINE);
	write_file("x32", &small, sizeof(small), 0755);
	cr_expect_eq(resolve_in("./x32", "", &program, &err), -ENOEXEC);
	cr_expect(strstr(err.msg, "32-bit program"), "%s", err.msg);
	write_script("s1", "#!./i386\n");
	cr_expect_eq(resolve_in("./s1", "", &program, &err), -ENOEXEC);
	cr_expect(strstr(err.msg, "./i386: 32-bit program"), "%s", err.msg);
	elf.head.e_machine = FAKE_OTHER_MACHINE;
	write_file("foreign", &elf, sizeof(elf), 0755);
	cr_expect_eq(resolve_in("./foreign", "", &program, &err), -ENOEXEC);
	cr_expect(strstr(err.msg, "another machine"), "%s", err.msg);
	elf.head.e_machine = FAKE_MACHINE;
	elf.head.e_type = ET_REL;
	write_file("object", &elf, sizeof(elf), 0755);
	cr_expect_eq(resolve_in("./object", "", &program, &err), -ENOEXEC);
	cr_expect(strstr(err.msg, "./object: an ELF file, but no program"), "%s", err.msg);
	write_elf("orphan", "/no/such/ld.so", NULL, NULL);
	cr_expect_eq(resolve_in("./orphan", "", &program, &err), -ENOEXEC);
	cr_expect(strstr(err.msg, "./orphan: its loader /no/such/ld.so: No such file"), "%s",
		  err.msg);
}

/* ---- library directories ---- */

Test(program, library_directories, .init = make_programs, .fini = leave_scratch)
{
	static const struct {
		const char *rpath, *runpath, *variable;
		const char *dirs[6];
	} rows[] = {
		{NULL, NULL, NULL, {NULL}},
		{"/a:/b", NULL, NULL, {"/a", "/b"}},
		{"/a", "/c", NULL, {"/c"}},
		{NULL, "$ORIGIN/../lib:${ORIGIN}", NULL, {"@/bin/../lib", "@/bin"}},
		{NULL, "/x/$LIB:/y", NULL, {"/y"}},
		{NULL, NULL, "/l;/m:", {"/l", "/m", "."}},
		{NULL, NULL, "", {NULL}},
		{NULL, "/c::/d", "/l", {"/c", ".", "/d", "/l"}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *argv[] = {(char[]){"bin/p"}, NULL};
		char *envp[] = {NULL, NULL};
		struct program program;
		struct sbx_err err = {0};
		char name[16];

		if (rows[i].variable)
			envp[0] = make_variable("LD_LIBRARY_PATH", "%s", rows[i].variable);
		write_elf("bin/p", GLIBC, rows[i].rpath, rows[i].runpath);
		cr_assert_eq(program_resolve(argv, envp, &program, &err), 0, "row %zu: %s", i,
			     err.msg);
		(void)snprintf(name, sizeof(name), "row %zu", i);
		expect_words(name, "library_dirs", rows[i].dirs, program.library_dirs);
		program_done(&program);
		free(envp[0]);
	}
}

Test(program, many_library_directories, .init = make_programs, .fini = leave_scratch)
{
	struct program program;
	struct sbx_err err;

	write_elf("bin/p", GLIBC, "/1:/2:/3:/4:/5:/6:/7:/8:/9:/10:/11:/12:/13:/14:/15:/16:/17",
		  NULL);
	cr_assert_eq(resolve_in("bin/p", "", &program, &err), 0);
	cr_expect_str_eq(program.library_dirs[16], "/17");
	cr_expect(!program.library_dirs[17]);
	program_done(&program);
}

Test(program, real_programs)
{
	static const char *const names[] = {"true", "env", "sh"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct program program;
		struct sbx_err err = {0};

		cr_assert_eq(resolve_in(names[i], "/usr/bin:/bin", &program, &err), 0, "%s",
			     err.msg);
		cr_expect_eq(program.kind, PROGRAM_GLIBC, "%s", names[i]);
		program_done(&program);
	}
}

Test(program, nothing_named)
{
	char *argv[] = {NULL};
	struct program program = {0};
	struct sbx_err err;

	cr_expect_eq(program_resolve(argv, argv, &program, &err), -ENOENT);
	program_done(&program);
	program_done(NULL);
}
