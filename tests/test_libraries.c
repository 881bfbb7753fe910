/* SPDX-License-Identifier: MIT */
/* Live: libraries that a program's loader opens before the shim. Hostile programs name directories
 * to read secrets there; honest ones must find what they need. Everything is built by the compiler
 * at hand, bare first, so that each row is known to do what it says. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live.h"

TestSuite(libraries, .fini = live_cleanup);

#define SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define SBX	"{stage}/sbx-preload"
#define SECRET	"../outside/secret.txt" /* from work/ */
#define GCC	"/usr/bin/gcc"
#define MUSL	"/usr/bin/musl-gcc"

/* System calls without libc, which an IFUNC resolver cannot use. */
#if defined(__x86_64__)
#define RAW_CALL                                                                     \
	"static long call(long n, long a, long b, long c, long d) {\n"               \
	"	register long r10 __asm__(\"r10\") = d; long r;\n"                         \
	"	__asm__ volatile(\"syscall\" : \"=a\"(r) : \"a\"(n), \"D\"(a), \"S\"(b), " \
	"\"d\"(c), "                                                                 \
	"\"r\"(r10) : \"rcx\", \"r11\", \"memory\");\n"                              \
	"	return r;\n}\n"
#else
#define RAW_CALL                                                                       \
	"static long call(long n, long a, long b, long c, long d) {\n"                 \
	"	register long x8 __asm__(\"x8\") = n, x0 __asm__(\"x0\") = a,\n"             \
	"		x1 __asm__(\"x1\") = b, x2 __asm__(\"x2\") = c, x3 __asm__(\"x3\") = d;\n"  \
	"	__asm__ volatile(\"svc 0\" : \"+r\"(x0) : \"r\"(x8), \"r\"(x1), \"r\"(x2), " \
	"\"r\"(x3) : \"memory\");\n"                                                   \
	"	return x0;\n}\n"
#endif

#define STEAL                                                                                   \
	"#include <fcntl.h>\n#include <sys/syscall.h>\n" RAW_CALL "static void steal(void) {\n" \
	"	char buf[100];\n"                                                                     \
	"	long fd = call(SYS_openat, AT_FDCWD, (long)\"" SECRET "\", O_RDONLY, 0);\n"     \
	"	long n = call(SYS_read, fd, (long)buf, sizeof(buf), 0);\n"                            \
	"	if (n > 0) call(SYS_write, 1, (long)buf, n, 0);\n}\n"                                 \
	"static void say(void) { call(SYS_write, 1, (long)\"main\\n\", 5, 0); }\n"

static const struct {
	const char *name, *text;
} sources[] = {
	{"{work}/steal.c", STEAL "int main(void) { steal(); say(); return 0; }\n"},
	{"{work}/ifunc.c", STEAL "static void nothing(void) {}\n"
				 "static void *resolve(void) { steal(); return nothing; }\n"
				 "void go(void) __attribute__((ifunc(\"resolve\")));\n"
				 "int main(void) { go(); say(); return 0; }\n"},
	{"{work}/early.c",
	 STEAL "__attribute__((constructor)) static void early(void) { steal(); }\n"
	       "void early_call(void) { say(); }\n"},
	{"{work}/main-early.c",
	 "void early_call(void);\nint main(void) { early_call(); return 0; }\n"},
	{"{work}/a.c", "int b(void);\nint a(void) { return b() + 40; }\n"},
	{"{work}/b.c", "int b(void) { return 2; }\n"},
	{"{work}/main.c", "#include <stdio.h>\nint a(void);\n"
			  "int main(void) { printf(\"%d\\n\", a()); return 0; }\n"},
	{"{work}/plain.c", "#include <stdio.h>\nint main(void) { puts(\"42\"); return 0; }\n"},
	{"{work}/loaded.c",
	 "#define _GNU_SOURCE\n#include <link.h>\n#include <stdio.h>\n#include <string.h>\n"
	 "static int each(struct dl_phdr_info *info, size_t size, void *data) {\n"
	 "	const char *at = strstr(info->dlpi_name, \"/work\" \"/lib/\");\n"
	 "	(void)size; (void)data;\n"
	 "	if (at) puts(at + 10);\n"
	 "	return 0;\n}\n"
	 "int main(void) { dl_iterate_phdr(each, NULL); return 0; }\n"},
	{"{work}/preload.c",
	 "#include <unistd.h>\nint b(void);\n"
	 "__attribute__((constructor)) static void hello(void) {\n"
	 "	if (write(1, b() == 2 ? \"two\\n\" : \"no\\n\", 4) < 0) _exit(9);\n}\n"},
	{"{work}/audit.c", "#include <link.h>\n#include <unistd.h>\nint b(void);\n"
			   "unsigned la_version(unsigned v) {\n"
			   "	(void)!write(1, b() == 2 ? \"two\\n\" : \"no\\n\", 4);\n"
			   "	return v;\n}\n"},
};

/* Run @command with the shell in work/, as the stage's user. */
static void shell(struct live *live, const char *command)
{
	const char *const argv[] = {"/bin/sh", "-ec", command, NULL};
	const char *const env[] = {"TMPDIR={home}", NULL};
	struct live_result result =
		live_run(live, &(struct live_command){.argv = argv, .env = env});

	cr_assert_eq(result.status, 0, "%s: %d\n%s%s", command, result.status, result.out,
		     result.err);
	live_result_done(&result);
}

static void begin(struct live *live, uid_t uid)
{
	live_need_landlock(6);
	live_need_program(GCC);
	live_init(live, uid);
	for (size_t i = 0; i < SIZE(sources); i++)
		live_write(live, sources[i].name, sources[i].text);
}

struct row {
	const char *name;
	const char *build;   /* shell; makes work/bin/prog */
	const char *env[3];  /* of the program, and so of the sandbox's start */
	const char *out;     /* what it prints, bare and, when honest, sandboxed */
	bool musl;	     /* needs its compiler */
	const char *ends_in; /* hostile: what is left of @out when it is kept from the rest */
	bool refused;	     /* … or it does not start at all */
};

static struct live_result run(struct live *live, const struct row *row, bool sandboxed)
{
	static const char *const argv[] = {SBX, "-p", "stdio", "--", "{work}/bin/prog", NULL};

	return live_run(
		live, &(struct live_command){.argv = sandboxed ? argv : argv + 4, .env = row->env});
}

static void check_row(const struct row *row, uid_t uid)
{
	struct live live = {0};
	struct live_result bare, kept;

	if (row->musl && access(MUSL, X_OK) != 0)
		live_need_program(MUSL);
	begin(&live, uid);
	shell(&live, "mkdir bin lib");
	shell(&live, row->build);
	bare = run(&live, row, false);
	cr_expect(bare.status == 0 && strcmp(bare.out, row->out) == 0, "%s, uid %u, bare: %d\n%s%s",
		  row->name, uid, bare.status, bare.out, bare.err);
	kept = run(&live, row, true);
	cr_expect_null(strstr(kept.out, LIVE_SECRET), "%s, uid %u: %s", row->name, uid, kept.out);
	if (row->refused)
		cr_expect_neq(kept.status, 0, "%s, uid %u", row->name, uid);
	else
		cr_expect_eq(kept.status, 0, "%s, uid %u: %d %s", row->name, uid, kept.status,
			     kept.err);
	cr_expect_str_eq(kept.out, row->ends_in ? row->ends_in : row->out, "%s, uid %u: %s",
			 row->name, uid, kept.err);
	live_result_done(&bare);
	live_result_done(&kept);
	live_done(&live);
}

static void check_rows(const struct row *rows, size_t count)
{
	uid_t users[2];
	size_t n = live_users(users);

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < n; k++)
			check_row(&rows[i], users[k]);
}

#define STOLEN LIVE_SECRET "\nmain\n"

static const struct row hostile[] = {
	{"musl, DT_RUNPATH is the root",
	 MUSL " steal.c -o bin/prog -Wl,-rpath,/",
	 {NULL},
	 STOLEN,
	 true,
	 "main\n",
	 false},
	{"musl, DT_RUNPATH is the secret's directory",
	 MUSL " steal.c -o bin/prog -Wl,-rpath,$PWD/../outside",
	 {NULL},
	 STOLEN,
	 true,
	 "main\n",
	 false},
	{"musl, DT_RPATH",
	 MUSL " steal.c -o bin/prog -Wl,--disable-new-dtags,-rpath,/",
	 {NULL},
	 STOLEN,
	 true,
	 "main\n",
	 false},
	{"musl, LD_LIBRARY_PATH",
	 MUSL " steal.c -o bin/prog",
	 {"LD_LIBRARY_PATH={outside}:/"},
	 STOLEN,
	 true,
	 "main\n",
	 false},
	{"IFUNC resolver, DT_RUNPATH is the root",
	 GCC " -O1 ifunc.c -o bin/prog -Wl,-rpath,/",
	 {NULL},
	 STOLEN,
	 false,
	 "main\n",
	 false},
	{"IFUNC resolver, DT_RPATH",
	 GCC " -O1 ifunc.c -o bin/prog -Wl,--disable-new-dtags,-rpath,$PWD/../outside",
	 {NULL},
	 STOLEN,
	 false,
	 "main\n",
	 false},
	{"IFUNC resolver, LD_LIBRARY_PATH with an empty entry",
	 GCC " -O1 ifunc.c -o bin/prog",
	 {"LD_LIBRARY_PATH={outside}::/nowhere"},
	 STOLEN,
	 false,
	 "main\n",
	 false},
	/* The loader takes the first file, its constructor, and the directory of both. */
	{"library that comes before the shim",
	 GCC " -O1 -shared -fPIC early.c -o lib/libearly.so -Wl,-z,initfirst;" GCC
	     " main-early.c -o bin/prog lib/libearly.so -Wl,-rpath,'$ORIGIN/../lib:/'",
	 {NULL},
	 STOLEN,
	 false,
	 "main\n",
	 false},
	/* musl only warns of what it cannot preload. */
	{"the secret by the name of a library",
	 MUSL " steal.c -o bin/prog; ln -s ../../outside/secret.txt lib/secret.so",
	 {"LD_PRELOAD={work}/lib/secret.so:{outside}/secret.txt"},
	 STOLEN,
	 true,
	 "main\n",
	 false},
};

Test(libraries, hostile_programs)
{
	check_rows(hostile, SIZE(hostile));
}

/* liba.so needs libb.so, both in lib/; @a: more for the linking of the former, @prog: of the
 * program. */
#define BUILD(cc, a, prog)                                         \
	cc " -shared -fPIC b.c -o lib/libb.so;" cc                 \
	   " -shared -fPIC a.c -o lib/liba.so -Llib -lb " a ";" cc \
	   " main.c -o bin/prog -Llib -la -Wl,-rpath-link,lib " prog

#define ORIGIN_LIB "-Wl,-rpath,'$ORIGIN/../lib'"

static const struct row honest[] = {
	{"$ORIGIN/../lib, and what is needed there",
	 BUILD(GCC, "-Wl,-rpath,'$ORIGIN'", ORIGIN_LIB),
	 {NULL},
	 "42\n",
	 false,
	 NULL,
	 false},
	{"DT_RPATH for both",
	 BUILD(GCC, "", "-Wl,--disable-new-dtags " ORIGIN_LIB),
	 {NULL},
	 "42\n",
	 false,
	 NULL,
	 false},
	{"musl", BUILD(MUSL, "", ORIGIN_LIB), {NULL}, "42\n", true, NULL, false},
	{"musl, LD_LIBRARY_PATH",
	 BUILD(MUSL, "", ""),
	 {"LD_LIBRARY_PATH={work}/lib"},
	 "42\n",
	 true,
	 NULL,
	 false},
	{"LD_LIBRARY_PATH",
	 BUILD(GCC, "", ""),
	 {"LD_LIBRARY_PATH=/nowhere:{work}/lib"},
	 "42\n",
	 false,
	 NULL,
	 false},
	{"LD_LIBRARY_PATH, empty entry",
	 BUILD(GCC, "", "") ";mv lib/*.so .",
	 {"LD_LIBRARY_PATH=:/nowhere"},
	 "42\n",
	 false,
	 NULL,
	 false},
	{"paths for names",
	 GCC " -shared -fPIC b.c -o lib/libb.so;" GCC
	     " -shared -fPIC a.c -o lib/liba.so $PWD/lib/libb.so;" GCC
	     " main.c -o bin/prog lib/liba.so",
	 {NULL},
	 "42\n",
	 false,
	 NULL,
	 false},
	{"a library for another machine stands first",
	 BUILD(GCC, "", "") ";mkdir first;printf '\\177ELF\\1\\1\\1' >first/liba.so;"
			    "head -c 4096 /dev/zero >>first/liba.so",
	 {"LD_LIBRARY_PATH={work}/first:{work}/lib"},
	 "42\n",
	 false,
	 NULL,
	 false},
	{"what a standard library needs, elsewhere",
	 "cp $(" GCC " -print-file-name=libgcc_s.so.1) lib/;" GCC
	 " loaded.c -o bin/prog -Wl,--no-as-needed $(" GCC " -print-file-name=libstdc++.so.6)",
	 {"LD_LIBRARY_PATH={work}/lib"},
	 "libgcc_s.so.1\n",
	 false,
	 NULL,
	 false},
#if defined(__x86_64__)
	/* glibc looks into the first since 2.33, into the second until 2.36. */
	{"subdirectories for processors",
	 BUILD(GCC, "", ORIGIN_LIB) ";mkdir -p lib/glibc-hwcaps/x86-64-v2 lib/tls;"
				    "ln lib/liba.so lib/tls/;ln lib/libb.so lib/tls/;"
				    "mv lib/*.so lib/glibc-hwcaps/x86-64-v2/",
	 {"LD_LIBRARY_PATH={work}/lib"},
	 "42\n",
	 false,
	 NULL,
	 false},
#endif
	{"preload with a library of its own",
	 GCC " -shared -fPIC b.c -o lib/libb.so;" GCC
	     " -shared -fPIC preload.c -o lib/libp.so -Llib -lb -Wl,-rpath,'$ORIGIN';" GCC
	     " plain.c -o bin/prog",
	 {"LD_PRELOAD={work}/lib/libp.so"},
	 "two\n42\n",
	 false,
	 NULL,
	 false},
	{"preload by its name",
	 GCC " -shared -fPIC b.c -o lib/libb.so;" GCC
	     " -shared -fPIC preload.c -o lib/libp.so -Llib -lb;" GCC " plain.c -o bin/prog",
	 {"LD_PRELOAD=libp.so", "LD_LIBRARY_PATH={work}/lib"},
	 "two\n42\n",
	 false,
	 NULL,
	 false},
	{"audit",
	 GCC " -shared -fPIC b.c -o lib/libb.so;" GCC
	     " -shared -fPIC audit.c -o lib/libaudit.so -Llib -lb -Wl,-rpath,'$ORIGIN';" GCC
	     " plain.c -o bin/prog",
	 {"LD_AUDIT={work}/lib/libaudit.so"},
	 "two\n42\n",
	 false,
	 NULL,
	 false},
};

Test(libraries, honest_programs)
{
	check_rows(honest, SIZE(honest));
}

/* Whoever can write where a library is found may put a link to a secret in its place while a
 * sandbox starts: the file that was looked at is what counts. */
Test(libraries, replaced_meanwhile)
{
	static const char *const argv[] = {
		"/bin/sh", "-c",
		"mkdir bin lib && " GCC
		" -shared -fPIC b.c -o lib/b.so && cp lib/b.so good.so && " GCC
		" -O1 ifunc.c -o bin/prog || exit 9\n"
		"ln -s ../../outside/secret.txt bad.so\n"
		"(while :; do cp -P bad.so t1; mv -f t1 lib/b.so; cp good.so t2; mv -f t2 "
		"lib/b.so; done) "
		"2>/dev/null & flip=$!\n"
		"i=0; while [ $i -lt 60 ]; do LD_PRELOAD=$PWD/lib/b.so " SBX
		" -p stdio -- bin/prog 2>/dev/null; i=$((i+1)); done\n"
		"kill $flip",
		NULL};
	static const char *const env[] = {"TMPDIR={home}", NULL};
	struct live live = {0};
	struct live_result result;
	size_t ran = 0;

	begin(&live, geteuid());
	result = live_run(&live, &(struct live_command){.argv = argv, .env = env});
	cr_expect_eq(result.status, 0, "%d: %s", result.status, result.err);
	cr_expect_null(strstr(result.out, LIVE_SECRET));
	for (const char *p = result.out; (p = strstr(p, "main\n")); p++)
		ran++;
	cr_expect_eq(ran, 60, "%zu of 60 ran: %s", ran, result.err);
	live_result_done(&result);
	live_done(&live);
}
