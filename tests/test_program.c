/* SPDX-License-Identifier: MIT */
/* Needs no privileges and no kernel feature: files in a scratch directory, looked at and, to
 * compare with the kernel, executed. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../launcher/ldcache.h"
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

/* ---- libraries ---- */

enum lib_kind {
	LIB,
	LIB_TEXT,  /* a secret by a library's name */
	LIB_CUT,   /* ends too early */
	LIB_OTHER, /* for another machine */
	LIB_PIE,   /* a program */
	LIB_DIR,
	LIB_FIFO,
	LIB_LINK, /* to what runpath names */
};

struct lib_file {
	const char *path;
	const char *needed[FAKE_NEEDED];
	const char *runpath, *rpath; /* "@" stands for the scratch directory, everywhere */
	enum lib_kind kind;
};

/* The first file is the program. */
struct lib_row {
	const char *name;
	struct lib_file files[6];
	const char *envp[3];
	const char *found[6]; /* in this order */
	bool musl;
};

#define V3 "lib/glibc-hwcaps/x86-64-v3"

static const struct lib_row lib_rows[] = {
	{"nothing named", {{.path = "bin/p", {"libx.so"}}, {.path = "lib/libx.so"}}, {0}, {0}, 0},
	{"runpath",
	 {{"bin/p", {"libx.so", "libz.so"}, .runpath = "/nowhere:@/lib"},
	  {.path = "lib/libx.so"},
	  {.path = "lib/liby.so"}},
	 {0},
	 {"@/lib/libx.so"},
	 0},
	{"rpath",
	 {{"bin/p", {"libx.so"}, .rpath = "@/lib"}, {.path = "lib/libx.so"}},
	 {0},
	 {"@/lib/libx.so"},
	 0},
	{"runpath silences rpath",
	 {{"bin/p", {"libx.so"}, .rpath = "@/lib", .runpath = "@/other"}, {.path = "lib/libx.so"}},
	 {0},
	 {0},
	 0},
	{"a runpath is not for the libraries of libraries",
	 {{"bin/p", {"libx.so"}, .runpath = "@/lib"},
	  {"lib/libx.so", {"liby.so"}, .runpath = "@/other"},
	  {.path = "other/liby.so"}},
	 {0},
	 {"@/lib/libx.so", "@/other/liby.so"},
	 0},
	{"an rpath is",
	 {{"bin/p", {"libx.so"}, .rpath = "$ORIGIN/../lib"},
	  {"lib/libx.so", {"liby.so"}, .kind = LIB},
	  {.path = "lib/liby.so"}},
	 {0},
	 {"@/lib/libx.so", "@/lib/liby.so"},
	 0},
	{"$ORIGIN of each",
	 {{"bin/p", {"libx.so"}, .runpath = "$ORIGIN/../lib"},
	  {"lib/libx.so", {"liby.so"}, .runpath = "${ORIGIN}/sub"},
	  {.path = "lib/sub/liby.so"},
	  {.path = "bin/liby.so"}},
	 {0},
	 {"@/lib/libx.so", "@/lib/sub/liby.so"},
	 0},
	{"$LIB, $PLATFORM, and what is none",
	 {{"bin/p", {"libx.so", "liby.so", "libz.so"}, .runpath = "@/$LIB:@/$PLATFORM_X:@/a$b"},
	  {.path = "lib/libx.so"},
	  {.path = "lib64/liby.so"},
	  {.path = "a$b/libz.so"}},
	 {0},
	 {"@/lib/libx.so", "@/lib64/liby.so", "@/a$b/libz.so"},
	 0},
	{"LD_LIBRARY_PATH",
	 {{.path = "bin/p", {"libx.so", "liby.so"}},
	  {.path = "lib/libx.so"},
	  {.path = "other/liby.so"}},
	 {"LD_LIBRARY_PATH=@/lib;@/other"},
	 {"@/lib/libx.so", "@/other/liby.so"},
	 0},
	{"empty entry: the current directory",
	 {{.path = "bin/p", {"libx.so"}}, {.path = "libx.so"}},
	 {"LD_LIBRARY_PATH=/nowhere:"},
	 {"@/libx.so"},
	 0},
	{"empty LD_LIBRARY_PATH",
	 {{.path = "bin/p", {"libx.so"}}, {.path = "libx.so"}},
	 {"LD_LIBRARY_PATH="},
	 {0},
	 0},
	{"through a standard library",
	 {{.path = "bin/p", {"libc.so.6"}}, {.path = "other/" FAKE_GLIBC_LOADER}},
	 {"LD_LIBRARY_PATH=@/other"},
	 {"@/other/" FAKE_GLIBC_LOADER},
	 0},
	{"not through a standard library",
	 {{"bin/p", {"libc.so.6"}, .runpath = "@/other"}, {.path = "other/" FAKE_GLIBC_LOADER}},
	 {0},
	 {0},
	 0},
	{"musl: everything counts for all",
	 {{"bin/p", {"libx.so"}, .runpath = "@/lib:@/other"},
	  {"lib/libx.so", {"liby.so"}, .kind = LIB},
	  {.path = "other/liby.so"}},
	 {0},
	 {"@/lib/libx.so", "@/other/liby.so"},
	 true},
	{"in a circle",
	 {{"bin/p", {"libx.so"}, .runpath = "@/lib"},
	  {"lib/libx.so", {"liby.so", "libx.so"}, .runpath = "$ORIGIN/../lib"},
	  {"lib/liby.so", {"libx.so"}, .runpath = "$ORIGIN/../bin/../lib"}},
	 {0},
	 {"@/lib/libx.so", "@/lib/liby.so"},
	 0},
	{"in a circle of paths",
	 {{"bin/p", {"libx.so", "lib/libx.so"}, .runpath = "@/lib"},
	  {"lib/libx.so", {"$ORIGIN/liby.so"}, .kind = LIB},
	  {"lib/liby.so", {"$ORIGIN/../lib/libx.so"}, .kind = LIB}},
	 {0},
	 {"@/lib/libx.so", "@/lib/liby.so"},
	 0},
	{"no library",
	 {{"bin/p", {"a.so", "b.so", "c.so", "d.so", "e.so"}, .runpath = "@/lib"},
	  {"lib/a.so", {0}, .kind = LIB_TEXT},
	  {"lib/b.so", {0}, .kind = LIB_CUT},
	  {"lib/c.so", {0}, .kind = LIB_OTHER},
	  {"lib/d.so", {0}, .kind = LIB_PIE},
	  {"lib/e.so", {0}, .kind = LIB_DIR}},
	 {0},
	 {0},
	 0},
	{"a fifo, which must not be waited for",
	 {{"bin/p", {"a.so"}, .runpath = "@/lib"}, {"lib/a.so", {0}, .kind = LIB_FIFO}},
	 {0},
	 {0},
	 0},
	{"no library first",
	 {{"bin/p", {"libx.so"}, .runpath = "@/lib:@/other"},
	  {"lib/libx.so", {0}, .kind = LIB_OTHER},
	  {.path = "other/libx.so"}},
	 {0},
	 {"@/other/libx.so"},
	 0},
	{"symbolic links",
	 {{"bin/p", {"libx.so", "libs.so"}, .runpath = "@/lib"},
	  {"lib/libx.so", {0}, .runpath = "../other/libx.so.1", .kind = LIB_LINK},
	  {.path = "other/libx.so.1"},
	  {"other/secret", {0}, .kind = LIB_TEXT},
	  {"lib/libs.so", {0}, .runpath = "../other/secret", .kind = LIB_LINK}},
	 {0},
	 {"@/other/libx.so.1"},
	 0},
	{"paths in place of names",
	 {{.path = "bin/p",
	   {"@/lib/libx.so", "other/liby.so", "$ORIGIN/libz.so", "@/secret", "@/"}},
	  {.path = "lib/libx.so"},
	  {.path = "other/liby.so"},
	  {.path = "bin/libz.so"},
	  {"secret", {0}, .kind = LIB_TEXT}},
	 {0},
	 {"@/lib/libx.so", "@/other/liby.so", "@/bin/libz.so"},
	 0},
	{"everything named",
	 {{"bin/p", {"etc/passwd", ".", "..", "/", ""}, .runpath = "/:/etc:/root:/proc/self"}},
	 {0},
	 {0},
	 0},
	{"preloads",
	 {{"bin/p", {0}, .runpath = "@/lib"},
	  {"other/libx.so", {"liby.so"}, .runpath = "$ORIGIN"},
	  {.path = "other/liby.so"},
	  {.path = "lib/libz.so"},
	  {"lib/secret", {0}, .kind = LIB_TEXT}},
	 {"LD_PRELOAD=@/lib/secret @/other/libx.so::libz.so"},
	 {"@/other/libx.so", "@/lib/libz.so", "@/other/liby.so"},
	 0},
	{"audit",
	 {{.path = "bin/p"},
	  {"other/libx.so", {"liby.so"}, .kind = LIB},
	  {.path = "lib/liby.so"},
	  {.path = "lib/libz.so"}},
	 {"LD_AUDIT=@/other/libx.so:libz.so", "LD_LIBRARY_PATH=@/lib"},
	 {"@/other/libx.so", "@/lib/libz.so", "@/lib/liby.so"},
	 0},
#if defined(__x86_64__)
	{"for better processors",
	 {{"bin/p", {"libx.so"}, .runpath = "@/lib"},
	  {.path = "lib/libx.so"},
	  {V3 "/libx.so", {"liby.so"}, .runpath = "$ORIGIN"},
	  {.path = V3 "/liby.so"}},
	 {0},
	 {"@/lib/libx.so", "@/" V3 "/libx.so", "@/" V3 "/liby.so"},
	 0},
#endif
};

static const char *replaced(const char *text, char ret[FAKE_STRINGS])
{
	size_t used = 0;

	if (!text)
		return NULL;
	for (; *text; text++)
		used += (size_t)(*text == '@'
					 ? snprintf(ret + used, FAKE_STRINGS - used, "%s", scratch)
					 : snprintf(ret + used, FAKE_STRINGS - used, "%c", *text));
	cr_assert(used < FAKE_STRINGS);
	ret[used] = '\0';
	return ret;
}

static void make_lib_file(const struct lib_file *file, const char *interp)
{
	char runpath[FAKE_STRINGS], rpath[FAKE_STRINGS], name[FAKE_STRINGS];
	const char *r = replaced(file->rpath, rpath);
	struct fake_elf elf = fake_elf(interp, r ? r : "", replaced(file->runpath, runpath));
	size_t len = sizeof(elf);

	for (unsigned i = 0; i < FAKE_NEEDED && file->needed[i]; i++)
		fake_elf_need(&elf, i, replaced(file->needed[i], name));
	switch (file->kind) {
	case LIB_DIR:
		cr_assert(mkdir(file->path, 0755) == 0);
		return;
	case LIB_FIFO:
		cr_assert(mkfifo(file->path, 0644) == 0);
		return;
	case LIB_LINK:
		cr_assert(symlink(file->runpath, file->path) == 0);
		return;
	case LIB_TEXT:
		write_file(file->path, "root:secret\n", 12, 0644);
		return;
	case LIB_CUT:
		len--;
		break;
	case LIB_OTHER:
		elf.head.e_machine = FAKE_OTHER_MACHINE;
		break;
	case LIB_PIE:
		fake_elf_entry(&elf, DT_FLAGS_1, DF_1_PIE);
		break;
	case LIB:
		break;
	}
	write_file(file->path, &elf, len, interp ? 0755 : 0644);
}

static void expect_libraries(const struct lib_row *row, const struct libraries *libraries)
{
	const char *paths[FAKE_NEEDED + 1] = {NULL};

	for (size_t i = 0; i < libraries->count && i < FAKE_NEEDED; i++) {
		struct stat by_path, by_fd;

		paths[i] = libraries->items[i].path;
		cr_expect(stat(paths[i], &by_path) == 0 &&
				  fstat(libraries->items[i].fd, &by_fd) == 0 &&
				  by_path.st_ino == by_fd.st_ino,
			  "%s: %s", row->name, paths[i]);
	}
	expect_words(row->name, "library", row->found, paths);
}

static unsigned count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	cr_assert(dir);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

static void check_lib_row(const struct lib_row *row)
{
	char *argv[] = {(char[]){"bin/p"}, NULL};
	char values[2][FAKE_STRINGS];
	char *envp[3] = {NULL};
	struct program program = {0};
	struct sbx_err err = {0};
	unsigned descriptors = count_descriptors();
	int r;

	make_programs();
	cr_assert(mkdir("lib/sub", 0755) == 0 && mkdir("lib64", 0755) == 0 &&
		  mkdir("a$b", 0755) == 0 && mkdir("lib/glibc-hwcaps", 0755) == 0 &&
		  mkdir(V3, 0755) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(row->files) && row->files[i].path; i++)
		make_lib_file(&row->files[i], i		  ? NULL
					      : row->musl ? "lib/ld-musl-x86_64.so.1"
							  : GLIBC);
	for (size_t i = 0; i < 2 && row->envp[i]; i++)
		envp[i] = (char *)(uintptr_t)replaced(row->envp[i], values[i]);
	r = program_resolve(argv, envp, &program, &err);
	cr_expect_eq(r, 0, "%s: %s", row->name, err.msg);
	if (r == 0)
		expect_libraries(row, &program.libraries);
	program_done(&program);
	cr_expect_eq(count_descriptors(), descriptors, "%s: a descriptor is left", row->name);
	leave_scratch();
}

Test(program, finds_libraries)
{
	for (size_t i = 0; i < ARRAY_SIZE(lib_rows); i++)
		check_lib_row(&lib_rows[i]);
}

/* A chain of libraries, each of which needs the next: @n of them. */
static int resolve_chain(unsigned n, size_t *ret_count, struct sbx_err *err)
{
	struct program program = {0};
	char path[64], next[64];
	int r;

	for (unsigned i = 0; i <= n; i++) {
		struct fake_elf elf = fake_elf(i ? NULL : GLIBC, NULL, "$ORIGIN");

		(void)snprintf(path, sizeof(path), "other/l%u", i);
		(void)snprintf(next, sizeof(next), "l%u", i + 1);
		fake_elf_need(&elf, 0, next);
		write_file(path, &elf, sizeof(elf), 0755);
	}
	r = resolve_in("other/l0", "", &program, err);
	if (r < 0)
		return r;
	*ret_count = program.libraries.count;
	program_done(&program);
	return 0;
}

Test(program, as_many_libraries_as_may_be, .init = make_programs, .fini = leave_scratch)
{
	struct rlimit files = {LIBRARIES_MAX + 64, LIBRARIES_MAX + 64};
	struct sbx_err err = {0};
	size_t count = 0;

	cr_expect_eq(resolve_chain(LIBRARIES_MAX, &count, &err), 0, "%s", err.msg);
	cr_expect_eq(count, LIBRARIES_MAX);
	cr_assert(setrlimit(RLIMIT_NOFILE, &files) == 0); /* would not do if they were lost */
	cr_expect_eq(resolve_chain(LIBRARIES_MAX + 1, &count, &err), -E2BIG);
	cr_expect(strstr(err.msg, "other/l0: it needs more than 512 libraries"), "%s", err.msg);
	cr_expect_eq(resolve_chain(LIBRARIES_MAX + 1, &count, &err), -E2BIG);
	files.rlim_cur = 32;
	cr_assert(setrlimit(RLIMIT_NOFILE, &files) == 0);
	cr_expect_eq(resolve_chain(LIBRARIES_MAX, &count, &err), -EMFILE, "%s", err.msg);
}

/* Lists that are long, and that each library makes longer, end in an error, soon. */
Test(program, lists_without_end, .init = make_programs, .fini = leave_scratch)
{
	char path[64], next[64], runpath[FAKE_STRINGS];
	struct program program = {0};
	struct sbx_err err = {0};

	for (unsigned i = 0; i < LIBRARIES_MAX; i++) {
		struct fake_elf elf;
		size_t used = 0;

		while (used < sizeof(runpath) - 12)
			used += (size_t)snprintf(runpath + used, sizeof(runpath) - used, "/:");
		elf = fake_elf(i ? NULL : GLIBC, NULL, runpath);
		(void)snprintf(path, sizeof(path), "other/l%u", i);
		(void)snprintf(next, sizeof(next), "$ORIGIN/l%u", i + 1);
		fake_elf_need(&elf, 0, next);
		write_file(path, &elf, sizeof(elf), 0755);
	}
	cr_expect_eq(resolve_in("other/l0", "", &program, &err), -E2BIG);
	cr_expect(strstr(err.msg, "too many names and directories"), "%s", err.msg);
}

/* ---- the loader's cache ---- */

struct fake_cache {
	struct {
		char magic[20];
		uint32_t count, strings_len, unused[5];
	} head;
	struct {
		uint32_t flags, name, path, os_version;
		uint64_t hwcap;
	} entries[6];
	char strings[256];
};

#if defined(__x86_64__)
#define CACHE_OURS   0x0303u
#define CACHE_OTHERS 0x0003u
#else
#define CACHE_OURS   0x0a03u
#define CACHE_OTHERS 0x0003u
#endif

static struct fake_cache fake_cache(void)
{
	static const struct {
		uint32_t flags;
		const char *name, *path;
	} entries[] = {
		{CACHE_OURS, "libz.so.1", "/z"},     {CACHE_OURS, "liba.so.10", "/a10"},
		{CACHE_OTHERS, "liba.so.9", "/a32"}, {CACHE_OURS, "liba.so.9", "/a9"},
		{CACHE_OURS, "liba.so.9", "/a9b"},   {CACHE_OURS, "liba.so", "/a"},
	};
	struct fake_cache cache = {.head = {.magic = "glibc-ld.so.cache1.1", .count = 6}};
	uint32_t at = 0;

	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		cache.entries[i].flags = entries[i].flags;
		cache.entries[i].name = (uint32_t)offsetof(struct fake_cache, strings) + at;
		at += (uint32_t)sprintf(cache.strings + at, "%s", entries[i].name) + 1;
		cache.entries[i].path = (uint32_t)offsetof(struct fake_cache, strings) + at;
		at += (uint32_t)sprintf(cache.strings + at, "%s", entries[i].path) + 1;
	}
	return cache;
}

Test(program, reads_the_loaders_cache)
{
	static const struct {
		const char *name;
		size_t nth;
		const char *path;
	} rows[] = {
		{"libz.so.1", 0, "/z"},	 {"libz.so.1", 1, NULL},   {"liba.so.10", 0, "/a10"},
		{"liba.so.9", 0, "/a9"}, {"liba.so.9", 1, "/a9b"}, {"liba.so.9", 2, NULL},
		{"liba.so.09", 0, NULL}, {"liba.so", 0, "/a"},	   {"liba.so.11", 0, NULL},
		{"liba", 0, NULL},	 {"zzz", 0, NULL},	   {"", 0, NULL},
	};
	struct fake_cache file = fake_cache();
	struct ldcache cache;

	ldcache_parse(&file, sizeof(file), &cache);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *path = ldcache_find(&cache, rows[i].name, rows[i].nth);

		cr_expect(rows[i].path ? path && strcmp(path, rows[i].path) == 0 : !path,
			  "%s, %zu: %s", rows[i].name, rows[i].nth, path ? path : "none");
	}
	file.head.magic[0] = 'x';
	ldcache_parse(&file, sizeof(file), &cache);
	cr_expect_null(ldcache_find(&cache, "libz.so.1", 0), "another format");
	ldcache_open("/nowhere/cache", &cache);
	cr_expect_null(ldcache_find(&cache, "libz.so.1", 0), "no file");
	ldcache_done(&cache);
}

/* Every entry of this machine's cache is found again. */
Test(program, finds_all_of_the_real_cache)
{
	struct ldcache cache;
	size_t found = 0;
	char line[512];
	FILE *list = popen("/sbin/ldconfig -p", "re");

	ldcache_open("/etc/ld.so.cache", &cache);
	cr_assert(list);
	while (fgets(line, sizeof(line), list)) {
		char name[256], path[256];
		const char *there;
		size_t i = 0;

#if defined(__x86_64__)
		if (!strstr(line, "x86-64"))
#else
		if (!strstr(line, "AArch64"))
#endif
			continue;
		cr_assert_eq(sscanf(line, " %255s %*[^>]> %255s", name, path), 2, "%s", line);
		while ((there = ldcache_find(&cache, name, i)) && strcmp(there, path) != 0)
			i++;
		cr_expect(there, "%s => %s", name, path);
		found++;
	}
	(void)pclose(list);
	cr_expect(found > 0);
	ldcache_done(&cache);
}

/* Garbage, cut at every length, at the end of its memory: ASan looks. */
Test(program, survives_a_garbled_cache)
{
	uint32_t random = 1;

	for (unsigned round = 0; round < 20000; round++) {
		struct fake_cache file = fake_cache();
		size_t len = round % 3 ? sizeof(file) : random % sizeof(file);
		struct ldcache cache;
		char *copy;

		for (unsigned k = 0; k < 4; k++) {
			random = random * 1664525 + 1013904223; /* Numerical Recipes' generator */
			((unsigned char *)&file)[20 + (random >> 8) % (sizeof(file) - 20)] =
				(unsigned char)(random >> 24);
		}
		copy = malloc(len + 1);
		cr_assert(copy);
		memcpy(copy, &file, len);
		copy = realloc(copy, len ? len : 1);
		cr_assert(copy);
		ldcache_parse(copy, len, &cache);
		for (size_t nth = 0; nth < 3; nth++) {
			const char *path = ldcache_find(&cache, "liba.so.9", nth);

			cr_assert(!path || strlen(path) < sizeof(file));
		}
		free(copy);
	}
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
