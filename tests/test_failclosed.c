/* SPDX-License-Identifier: MIT */
/* Live: launcher, shim and probes. Whatever is wrong with the shim, the program or the policy: no
 * stranger's code runs with less than the outer layer. */
#include <criterion/criterion.h>
#include <sys/statvfs.h>

#include "fake_elf.h"
#include "probe_stage.h"

TestSuite(failclosed, .fini = live_cleanup);

#define SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Without a sandbox, every attempt of the probe gets through: else its refusals would prove
 * nothing. */
Test(failclosed, the_stranger_is_one)
{
	static const char expected[] =
		"main\nsecret: done\ncreate: done\nunlink: errno 2\nsocket: done\n"
		"fork: done\nkill: errno 3\nptrace: errno 3\n"
		"exec of nothing: errno 2\n"; /* then it becomes true */
	const char *const argv[] = {"{root}/bin/confined", SECRET, NEW, NULL};
	uid_t users[2];

	for (size_t u = 0; u < live_users(users); u++) {
		struct live live;
		struct live_result result;

		stage_init(&live, users[u]);
		result = live_run(&live, &(struct live_command){.argv = argv});
		cr_expect_str_eq(result.out, expected, "uid %u", users[u]);
		cr_expect(stage_spoiled(&live));
		live_result_done(&result);
		live_done(&live);
	}
}

/* ---- the shim ---- */

enum spoil {
	SPOIL_NOT,
	SPOIL_REMOVE,
	SPOIL_MODE,
	SPOIL_TEXT,
	SPOIL_EMPTY,
	SPOIL_SHORT,
	SPOIL_CLASS,
	SPOIL_MACHINE,
	SPOIL_DIRECTORY
};

struct shim_row {
	const char *name;
	enum spoil how;
	const char *stage; /* where launcher and shim lie */
	const char *says;
};

static const struct shim_row shim_rows[] = {
	{"missing", SPOIL_REMOVE, "{root}/s", "the shim is missing"},
	{"unreadable", SPOIL_MODE, "{root}/s", "{root}/s/libsbx-preload.so"},
	{"no ELF", SPOIL_TEXT, "{root}/s", "{root}/s/libsbx-preload.so"},
	{"empty", SPOIL_EMPTY, "{root}/s", "{root}/s/libsbx-preload.so"},
	{"truncated", SPOIL_SHORT, "{root}/s", "truncated"},
	{"wrong class", SPOIL_CLASS, "{root}/s", "{root}/s/libsbx-preload.so"},
	{"wrong machine", SPOIL_MACHINE, "{root}/s", "{root}/s/libsbx-preload.so"},
	{"a directory", SPOIL_DIRECTORY, "{root}/s", "{root}/s/libsbx-preload.so"},
	{"path with a blank", SPOIL_NOT, "{root}/a b", "blank"},
	{"path with a colon", SPOIL_NOT, "{root}/a:b", "colon"},
};

/* How much of the shared object is ever loaded; section headers and debugging information follow.
 */
static size_t loaded_size(const char *bytes)
{
	const Elf64_Ehdr *head = (const void *)bytes;
	const Elf64_Phdr *segments = (const void *)(bytes + head->e_phoff);
	size_t end = 0;

	for (size_t i = 0; i < head->e_phnum; i++)
		if (segments[i].p_type == PT_LOAD &&
		    segments[i].p_offset + segments[i].p_filesz > end)
			end = segments[i].p_offset + segments[i].p_filesz;
	return end;
}

static void spoil_shim(struct live *live, enum spoil how, const char *shim)
{
	Elf32_Ehdr small = fake_elf32(EM_386);
	struct fake_elf elf = fake_elf(NULL, NULL, NULL);
	char *real = live_expand(live, shim);
	size_t len;
	char *bytes = stage_get(live, SHIM, &len);

	elf.head.e_machine = FAKE_OTHER_MACHINE;
	(void)unlink(real);
	switch (how) {
	case SPOIL_REMOVE:
		break;
	case SPOIL_NOT:
		stage_put(live, shim, bytes, len, 0644);
		break;
	case SPOIL_MODE:
		stage_put(live, shim, bytes, len, 0);
		break;
	case SPOIL_TEXT:
		stage_put(live, shim, "not a shared object at all\n", 27, 0644);
		break;
	case SPOIL_EMPTY:
		stage_put(live, shim, "", 0, 0644);
		break;
	case SPOIL_SHORT:
		stage_put(live, shim, bytes, loaded_size(bytes) - 1, 0644);
		break;
	case SPOIL_CLASS:
		stage_put(live, shim, &small, sizeof(small), 0644);
		break;
	case SPOIL_MACHINE:
		stage_put(live, shim, &elf, sizeof(elf), 0644);
		break;
	case SPOIL_DIRECTORY:
		stage_mkdir(live, shim, 0755);
		break;
	}
	free(bytes);
	free(real);
}

static void run_shim_row(const struct shim_row *row, uid_t uid)
{
	char launcher[64], shim[64];
	struct live_result result;
	struct live live;

	if (row->how == SPOIL_MODE && uid == 0)
		return; /* nothing is unreadable to root */
	(void)snprintf(launcher, sizeof(launcher), "%s/sbx-preload", row->stage);
	(void)snprintf(shim, sizeof(shim), "%s/libsbx-preload.so", row->stage);
	stage_init(&live, uid);
	stage_mkdir(&live, row->stage, 0755);
	stage_copy(&live, "{stage}/sbx-preload", launcher, 0755);
	spoil_shim(&live, row->how, shim);
	result = stage_launch(&live, launcher, POLICY, "{root}/bin/confined");
	stage_expect_refused(&live, row->name, &result, 125, row->says);
	live_result_done(&result);
	live_done(&live);
}

Test(failclosed, broken_shim)
{
	uid_t users[2];

	for (size_t u = 0; u < live_users(users); u++)
		for (size_t i = 0; i < SIZE(shim_rows); i++)
			run_shim_row(&shim_rows[i], users[u]);
}

static bool damaged_shim_is_refused(struct live *live, const char *name, const char *bytes,
				    size_t len)
{
	const char *const argv[] = {"{stage}/sbx-preload", "-P",   POLICY, "--",
				    "{root}/bin/confined", SECRET, NEW,	   NULL};
	struct live_result result;
	bool ran;

	stage_put(live, SHIM, bytes, len, 0644);
	result = live_run(live, &(struct live_command){.argv = argv, .timeout_s = 5});
	ran = stage_ran(&result);
	/* Damaged code may crash or turn in circles, before main() or at the end; never may the
	 * stranger get through. */
	cr_expect(!strstr(result.out, "UNCONFINED") && !stage_spoiled(live), "%s: %s", name,
		  result.out);
	cr_expect(!ran || strstr(result.out, "\nconfined\n"), "%s: %s", name, result.out);
	cr_expect(ran || result.status != 0, "%s", name);
	live_result_done(&result);
	return !ran;
}

/* Cut anywhere: refused. Any page of it blank: refused, it crashes, or the program is confined all
 * the same. */
Test(failclosed, shim_damaged_anywhere)
{
	struct live live;
	size_t len, loaded;
	char *bytes;

	stage_init(&live, geteuid());
	bytes = stage_get(&live, SHIM, &len);
	loaded = loaded_size(bytes);
	for (size_t i = 0; i < 16; i++)
		cr_expect(damaged_shim_is_refused(&live, "cut", bytes, loaded * i / 16),
			  "cut at %zu/16", i);
	for (size_t at = 0; at < loaded; at += 4096) {
		size_t blank = loaded - at < 4096 ? loaded - at : 4096;
		char saved[4096];

		memcpy(saved, bytes + at, blank);
		memset(bytes + at, 0, blank);
		(void)damaged_shim_is_refused(&live, "blank page", bytes, len);
		memcpy(bytes + at, saved, blank);
	}
	cr_expect(!damaged_shim_is_refused(&live, "sound", bytes, len));
	free(bytes);
	live_done(&live);
}

/* A sound shared object in the shim's place, but not ours: it loads and does nothing, and the outer
 * layer holds. */
Test(failclosed, shim_that_does_nothing)
{
	struct live_result result;
	struct live live;

	stage_init(&live, geteuid());
	cr_assert(stage_probe(&live, "dummy.so", 0644));
	stage_copy(&live, "{root}/bin/dummy.so", SHIM, 0644);
	result = stage_launch(&live, "{stage}/sbx-preload", POLICY, "{root}/bin/confined");
	cr_expect(strstr(result.out, "dummy preload\n"), "%s%s", result.out, result.err);
	stage_expect_confined(&live, "dummy shim", &result);
	live_result_done(&result);
	live_done(&live);
}

/* ---- kinds of programs ---- */

/* The launcher says what the filter refuses, whatever kind of program it is, and nothing else. Each
 * is tried once; execve stays with Landlock where the shim cannot enter. */
static void expect_told(const char *name, const struct live_result *result)
{
	static const char *const calls[] = {
		"unlink(\"/no/such/file\"): needs promise \"cpath\"",
		"socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC): needs promise \"inet\"",
		"clone(SIGCHLD): needs promise \"proc\"",
		"kill(2147483632, 0): needs promise \"proc\"",
		"ptrace(PTRACE_CONT, 2147483632): never permitted",
	};
	const int open_and_execs = 3;
	int n = live_denials(result->err, NULL, false);

	cr_expect(n >= (int)SIZE(calls) && n <= (int)SIZE(calls) + open_and_execs, "%s: %d in\n%s",
		  name, n, result->err);
	for (size_t i = 0; i < SIZE(calls); i++)
		cr_expect(strstr(result->err, calls[i]), "%s: no %s in\n%s", name, calls[i],
			  result->err);
}

static void run_probe(const char *name, uid_t uid)
{
	struct live_result result;
	char program[64];
	struct live live;

	(void)snprintf(program, sizeof(program), "{root}/bin/%s", name);
	stage_init(&live, uid);
	if (!stage_probe(&live, name, 0755)) {
		live_done(&live);
		stage_skip(name);
	}
	result = stage_launch(&live, "{stage}/sbx-preload", POLICY, program);
	stage_expect_confined(&live, name, &result);
	/* Where the shim was, not even an execve that names nothing is let through. */
	if (strcmp(name, "confined") == 0)
		cr_expect(strstr(result.out, "exec of nothing refused\n"), "%s", result.out);
	expect_told(name, &result);
	live_result_done(&result);
	live_done(&live);
}

static void run_probe_as_all(const char *name)
{
	uid_t users[2];

	for (size_t u = 0; u < live_users(users); u++)
		run_probe(name, users[u]);
}

Test(failclosed, dynamic_program)
{
	run_probe_as_all("confined");
}

Test(failclosed, static_program)
{
	run_probe_as_all("confined-static");
}

Test(failclosed, static_pie_program)
{
	run_probe_as_all("confined-static-pie");
}

Test(failclosed, musl_program)
{
	run_probe_as_all("confined-musl");
}

Test(failclosed, static_musl_program)
{
	run_probe_as_all("confined-musl-static");
}

/* The launcher must see it: the kernel may or may not run i386 programs. */
Test(failclosed, i386_program)
{
	uid_t users[2];

#ifndef __x86_64__
	cr_skip_test("i386 programs are a matter of x86-64");
#endif
	for (size_t u = 0; u < live_users(users); u++) {
		struct live_result result;
		struct live live;

		stage_init(&live, users[u]);
		if (!stage_probe(&live, "confined-m32", 0755)) {
			live_done(&live);
			stage_skip("confined-m32 is not built");
		}
		result = stage_launch(&live, "{stage}/sbx-preload", POLICY,
				      "{root}/bin/confined-m32");
		stage_expect_refused(
			&live, "i386", &result, 126,
			"32-bit program: this sandbox confines only 64-bit system calls");
		live_result_done(&result);
		live_done(&live);
	}
}

/* ---- programs that bring privileges ---- */

static bool scratch_is_nosuid(const struct live *live)
{
	struct statvfs fs;

	return statvfs(live->root, &fs) == 0 && (fs.f_flag & ST_NOSUID);
}

static void run_privileged(struct live *live, const char *name, bool with_shim)
{
	struct live_result result;

	result = stage_launch(live, "{stage}/sbx-preload", POLICY, "{root}/bin/confined");
	stage_expect_confined(live, name, &result);
	if (with_shim)
		cr_expect(strstr(result.out, "exec of nothing refused\n"),
			  "%s: the shim did not attach:\n%s", name, result.out);
	live_result_done(&result);
}

/* ld.so ignores LD_PRELOAD for such a program, unless no_new_privs was set before. */
Test(failclosed, setuid_program)
{
	const char *const bare[] = {"{root}/bin/confined", SECRET, NEW, NULL};
	const char *const env[] = {"LD_PRELOAD={root}/bin/dummy.so", NULL};
	struct live_result result;
	struct live live;

	live_need_root();
	stage_init(&live, LIVE_NOBODY);
	if (scratch_is_nosuid(&live)) {
		live_done(&live);
		stage_skip("the scratch directory is mounted nosuid");
	}
	cr_assert(stage_probe(&live, "confined", 04755) && stage_probe(&live, "dummy.so", 0644));
	result = live_run(&live, &(struct live_command){.argv = bare, .env = env});
	cr_expect(stage_ran(&result) && !strstr(result.out, "dummy preload"),
		  "it is not setuid: LD_PRELOAD was honoured\n%s", result.out);
	live_result_done(&result);
	stage_remove_new(&live);
	run_privileged(&live, "setuid", true);
	live_done(&live);
}

static void give_capabilities(struct live *live, const char *file)
{
	const char *const argv[] = {"/usr/sbin/setcap", "cap_net_raw,cap_dac_override+ep", file,
				    NULL};
	uid_t uid = live->uid;
	struct live_result result;

	live->uid = 0; /* setcap is root's */
	result = live_run(live, &(struct live_command){.argv = argv});
	live->uid = uid;
	cr_assert_eq(result.status, 0, "setcap: %s", result.err);
	live_result_done(&result);
}

/* ld.so ignores LD_PRELOAD here whatever we do: so the launcher must not count on the shim, nor
 * leave what it prepared for it to the program. */
Test(failclosed, program_with_capabilities)
{
	const char *const bare[] = {"{root}/bin/confined", SECRET, NEW, NULL};
	const char *const after[] = {"{stage}/sbx-preload",  "-P", POLICY, "--",
				     "{root}/bin/aftermath", "1",  NULL};
	const char *const env[] = {"LD_PRELOAD={root}/bin/dummy.so", NULL};
	struct live_result result;
	struct live live;

	live_need_root();
	live_need_program("/usr/sbin/setcap");
	stage_init(&live, LIVE_NOBODY);
	if (scratch_is_nosuid(&live)) {
		live_done(&live);
		stage_skip("the scratch directory is mounted nosuid");
	}
	cr_assert(stage_probe(&live, "dummy.so", 0644) && stage_probe(&live, "aftermath", 0755));
	give_capabilities(&live, "{root}/bin/confined");
	give_capabilities(&live, "{root}/bin/aftermath");
	result = live_run(&live, &(struct live_command){.argv = bare, .env = env});
	cr_expect(stage_ran(&result) && !strstr(result.out, "dummy preload"),
		  "it has no capabilities: LD_PRELOAD was honoured\n%s", result.out);
	live_result_done(&result);
	stage_remove_new(&live);
	run_privileged(&live, "capabilities", false);
	result = live_run(&live, &(struct live_command){.argv = after});
	cr_expect(stage_ran(&result) && !strstr(result.out, "SBX_") &&
			  !strstr(result.out, "LD_PRELOAD") && !strstr(result.out, "\nfd 3: "),
		  "%s%s", result.out, result.err);
	live_result_done(&result);
	live_done(&live);
}
