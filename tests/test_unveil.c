/* SPDX-License-Identifier: MIT */
/* Live: policies become rulesets, and children that enter them find open what was unveiled and
 * nothing else. */
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <termios.h>

#include "live.h"
#include "unveil_world.h"

TestSuite(unveil, .init = scratch_init, .fini = scratch_done);

#define RW	 (P(RPATH) | P(WPATH))
#define RWC	 (RW | P(CPATH))
#define OUTSIDE	 "out/file"
#define BIN_TRUE "/usr/bin/true"
#ifdef __aarch64__
#define LOADER "/lib/ld-linux-aarch64.so.1"
#else
#define LOADER "/lib64/ld-linux-x86-64.so.2"
#endif

/* ---- deeds ---- */

typedef int (*deed_fn)(const char *path, const char *other);

static int outcome(int r)
{
	return r < 0 ? errno : 0;
}

static int open_close(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0666);

	return fd < 0 ? errno : outcome(close(fd));
}

static int does_read(const char *path, const char *other)
{
	(void)other;
	return open_close(path, O_RDONLY);
}

static int does_list(const char *path, const char *other)
{
	(void)other;
	return open_close(path, O_RDONLY | O_DIRECTORY);
}

static int does_append(const char *path, const char *other)
{
	(void)other;
	return open_close(path, O_WRONLY | O_APPEND);
}

/* What a shell's `>` does. */
static int does_overwrite(const char *path, const char *other)
{
	(void)other;
	return open_close(path, O_WRONLY | O_CREAT | O_TRUNC);
}

static int does_truncate(const char *path, const char *other)
{
	(void)other;
	return outcome(truncate(path, 0));
}

static int does_create(const char *path, const char *other)
{
	(void)other;
	return outcome(mknod(path, S_IFREG | 0666, 0));
}

static int does_mkdir(const char *path, const char *other)
{
	(void)other;
	return outcome(mkdir(path, 0777));
}

static int does_unlink(const char *path, const char *other)
{
	(void)other;
	return outcome(unlink(path));
}

static int does_rmdir(const char *path, const char *other)
{
	(void)other;
	return outcome(rmdir(path));
}

static int does_symlink(const char *path, const char *other)
{
	(void)other;
	return outcome(symlink("target", path));
}

static int does_mkfifo(const char *path, const char *other)
{
	(void)other;
	return outcome(mkfifo(path, 0666));
}

static int does_mksock(const char *path, const char *other)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)other;
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return outcome(bind(fd, (struct sockaddr *)&address, sizeof(address)));
}

static int does_rename(const char *path, const char *other)
{
	return outcome(rename(path, other));
}

static int does_link(const char *path, const char *other)
{
	return outcome(link(path, other));
}

/* As editors and `sed -i` save: a new file beside the old one, then rename. */
static int does_save(const char *path, const char *other)
{
	int code = open_close(other, O_WRONLY | O_CREAT | O_EXCL);

	return code ? code : outcome(rename(other, path));
}

/* A real program runs to its end, with its loader and libraries. */
static int does_run(const char *path, const char *other)
{
	char *argv[] = {(char[]){"true"}, NULL};

	(void)other;
	(void)execve(path, argv, argv + 1);
	return errno;
}

static int asks_terminal(const char *path, const char *other)
{
	struct termios t;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	(void)other;
	return fd < 0 ? EBADF : outcome(ioctl(fd, TCGETS, &t));
}

static void lay_out(void)
{
	scratch_clear();
	scratch_dir("a");
	scratch_dir("a/empty");
	scratch_dir("b");
	scratch_dir("out");
	scratch_dir("tmp");
	scratch_file("a/file", "a\n", 0666);
	scratch_file("b/file", "b\n", 0666);
	scratch_file(OUTSIDE, "secret\n", 0666);
	scratch_link("../" OUTSIDE, "a/to-outside");
	scratch_link("file", "a/to-inside");
	scratch_link("out", "to-out");
}

/* ---- children ---- */

struct attempt {
	struct world *world;
	bool inner, outer, nobody;
	deed_fn deed;
	const char *path, *other;
};

static void enter(int *ruleset)
{
	struct sbx_err err = {0};

	if (*ruleset >= 0 && landlock_restrict(*ruleset, &err) < 0)
		child_broken("restrict", err.msg);
	close_fd(ruleset);
}

static int make_attempt(void *arg)
{
	const struct attempt *a = arg;
	struct unveil_rulesets rulesets;
	struct sbx_err err = {0};

	if (unveil_build(&a->world->request, &rulesets, &err) < 0)
		child_broken("unveil_build", err.msg);
	if (a->nobody)
		child_become_nobody();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		child_broken("no_new_privs", strerror(errno));
	if (a->outer)
		enter(&rulesets.outer);
	if (a->inner)
		enter(&rulesets.inner);
	unveil_rulesets_done(&rulesets);
	return a->deed(a->path, a->other);
}

/* The same answer from the inner layer alone, the outer alone, and both as they stand at run time;
 * as root and as a user. */
static void expect(struct world *w, const char *name, deed_fn deed, const char *path,
		   const char *other, int want)
{
	static const struct {
		const char *name;
		bool inner, outer, nobody;
	} ways[] = {
		{"inner layer", true, false, false},
		{"outer layer", false, true, false},
		{"both layers", true, true, false},
		{"both layers, as a user", true, true, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct attempt a = {w,	  ways[i].inner, ways[i].outer, ways[i].nobody,
				    deed, path,		 other};
		int got;

		lay_out();
		got = in_child(make_attempt, &a);
		cr_expect_eq(got, want, "%s, %s: %s, expected %s", name, ways[i].name,
			     strerror(got), strerror(want));
	}
}

struct row {
	const char *name;
	uint64_t promises;
	const char *lines[3][2]; /* letters, path */
	deed_fn deed;
	const char *paths[2]; /* what the deed is done to */
	int want;
};

static void walk(const struct row *rows, size_t count)
{
	live_need_landlock(3);
	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];
		struct world w;

		world_init(&w, row->promises);
		for (size_t j = 0; j < ARRAY_SIZE(row->lines) && row->lines[j][0]; j++)
			world_line(&w, row->lines[j][0], row->lines[j][1]);
		expect(&w, row->name, row->deed, row->paths[0], row->paths[1], row->want);
	}
}

Test(unveil, letters)
{
	static const struct row rows[] = {
		{"r reads", RWC, {{"r", "a"}}, does_read, {"a/file"}, 0},
		{"r lists", RWC, {{"r", "a"}}, does_list, {"a"}, 0},
		{"r does not write", RWC, {{"r", "a"}}, does_append, {"a/file"}, EACCES},
		{"r does not truncate", RWC, {{"r", "a"}}, does_truncate, {"a/file"}, EACCES},
		{"r does not create", RWC, {{"r", "a"}}, does_create, {"a/new"}, EACCES},
		{"r does not remove", RWC, {{"r", "a"}}, does_unlink, {"a/file"}, EACCES},
		{"r does not run", RWC | P(EXEC), {{"r", "/"}}, does_run, {BIN_TRUE}, EACCES},
		{"r is not for others", RWC, {{"r", "a"}}, does_read, {OUTSIDE}, EACCES},
		{"nothing is unveiled", RWC, {{0}}, does_read, {"a/file"}, EACCES},
		{"w writes", RW, {{"w", "a"}}, does_append, {"a/file"}, 0},
		{"w truncates", RW, {{"w", "a"}}, does_truncate, {"a/file"}, 0},
		{"w overwrites", RW, {{"w", "a"}}, does_overwrite, {"a/file"}, 0},
		{"w does not read", RW, {{"w", "a"}}, does_read, {"a/file"}, EACCES},
		{"w does not create", RWC, {{"w", "a"}}, does_overwrite, {"a/new"}, EACCES},
		{"c creates", RWC, {{"c", "a"}}, does_create, {"a/new"}, 0},
		{"c makes directories", RWC, {{"c", "a"}}, does_mkdir, {"a/new"}, 0},
		{"c makes links", RWC, {{"c", "a"}}, does_symlink, {"a/new"}, 0},
		{"c removes files", RWC, {{"c", "a"}}, does_unlink, {"a/file"}, 0},
		{"c removes directories", RWC, {{"c", "a"}}, does_rmdir, {"a/empty"}, 0},
		{"c does not write", RWC, {{"c", "a"}}, does_append, {"a/file"}, EACCES},
		{"c does not truncate", RWC, {{"rc", "a"}}, does_overwrite, {"a/file"}, EACCES},
		{"c does not read", RWC, {{"c", "a"}}, does_read, {"a/file"}, EACCES},
		{"c is not for others", RWC, {{"c", "a"}}, does_unlink, {OUTSIDE}, EACCES},
		{"x runs", RWC | P(EXEC), {{"x", "/usr/bin"}}, does_run, {BIN_TRUE}, 0},
		{"x, one file", RWC | P(EXEC), {{"x", BIN_TRUE}}, does_run, {BIN_TRUE}, 0},
		{"x, another file",
		 RWC | P(EXEC),
		 {{"x", "/usr/bin/false"}},
		 does_run,
		 {BIN_TRUE},
		 EACCES},
		{"x without rpath", P(EXEC), {{"x", BIN_TRUE}}, does_run, {BIN_TRUE}, 0},
	};

	walk(rows, ARRAY_SIZE(rows));
}

Test(unveil, promises_bound_letters)
{
	static const struct row rows[] = {
		{"r without rpath", P(WPATH), {{"rw", "a"}}, does_read, {"a/file"}, EACCES},
		{"r without rpath, list", P(WPATH), {{"rw", "a"}}, does_list, {"a"}, EACCES},
		{"w without wpath", P(RPATH), {{"rw", "a"}}, does_append, {"a/file"}, EACCES},
		{"w without wpath, truncate",
		 P(RPATH) | P(CPATH),
		 {{"rwc", "a"}},
		 does_truncate,
		 {"a/file"},
		 EACCES},
		{"c without cpath", RW, {{"rwc", "a"}}, does_create, {"a/new"}, EACCES},
		{"c without cpath, unlink", RW, {{"rwc", "a"}}, does_unlink, {"a/file"}, EACCES},
		{"x without exec", RWC, {{"x", "/usr"}}, does_run, {BIN_TRUE}, EACCES},
		{"fifo without dpath", RWC, {{"rwc", "a"}}, does_mkfifo, {"a/new"}, EACCES},
		{"fifo with dpath", RWC | P(DPATH), {{"rwc", "a"}}, does_mkfifo, {"a/new"}, 0},
		{"fifo with dpath, no cpath",
		 RW | P(DPATH),
		 {{"rwc", "a"}},
		 does_mkfifo,
		 {"a/new"},
		 EACCES},
		{"socket without unix", RWC, {{"rwc", "a"}}, does_mksock, {"a/new"}, EACCES},
		{"socket with unix", RWC | P(UNIX), {{"rwc", "a"}}, does_mksock, {"a/new"}, 0},
		{"socket with dpath",
		 RWC | P(DPATH),
		 {{"rwc", "a"}},
		 does_mksock,
		 {"a/new"},
		 EACCES},
	};

	walk(rows, ARRAY_SIZE(rows));
}

Test(unveil, files_and_links)
{
	static const struct row rows[] = {
		{"a file", RWC, {{"rw", "a/file"}}, does_append, {"a/file"}, 0},
		{"a file is not its directory", RWC, {{"rw", "a/file"}}, does_list, {"a"}, EACCES},
		{"a file is not its neighbour",
		 RWC,
		 {{"rw", "a/file"}},
		 does_read,
		 {"b/file"},
		 EACCES},
		{"a file's line overwrites",
		 RWC,
		 {{"rw", "a/file"}},
		 does_overwrite,
		 {"a/file"},
		 0},
		{"c on a file grants nothing",
		 RWC,
		 {{"rwc", "a/file"}},
		 does_unlink,
		 {"a/file"},
		 EACCES},
		{"a link inside", RWC, {{"r", "a"}}, does_read, {"a/to-inside"}, 0},
		{"a link to the outside", RWC, {{"rwc", "a"}}, does_read, {"a/to-outside"}, EACCES},
		{"a link to the outside, write",
		 RWC,
		 {{"rwc", "a"}},
		 does_append,
		 {"a/to-outside"},
		 EACCES},
		{"a line that names a link", RWC, {{"r", "a/to-outside"}}, does_read, {OUTSIDE}, 0},
		{"a line that names a link to a directory",
		 RWC,
		 {{"r", "to-out"}},
		 does_read,
		 {OUTSIDE},
		 0},
		{"may be missing and is",
		 RWC,
		 {{"r?", "none"}, {"r", "a"}},
		 does_read,
		 {"a/file"},
		 0},
		{"may be missing and is not", RWC, {{"r?", "a"}}, does_read, {"a/file"}, 0},
		{"dot dot", RWC, {{"r", "a"}}, does_read, {"a/../out/file"}, EACCES},
	};

	walk(rows, ARRAY_SIZE(rows));
}

Test(unveil, renames)
{
	static const struct row rows[] = {
		{"within c", RWC, {{"c", "a"}}, does_rename, {"a/file", "a/new"}, 0},
		{"across two c",
		 RWC,
		 {{"rwc", "a"}, {"rwc", "b"}},
		 does_rename,
		 {"a/file", "b/moved"},
		 0},
		{"across two c, replacing",
		 RWC,
		 {{"rwc", "a"}, {"rwc", "b"}},
		 does_rename,
		 {"a/file", "b/file"},
		 0},
		{"across two c, a directory",
		 RWC,
		 {{"rwc", "a"}, {"rwc", "b"}},
		 does_rename,
		 {"a/empty", "b/empty"},
		 0},
		{"hard link across two c",
		 RWC,
		 {{"rwc", "a"}, {"rwc", "b"}},
		 does_link,
		 {"a/file", "b/linked"},
		 0},
		{"from c to r",
		 RWC,
		 {{"rwc", "a"}, {"r", "out"}},
		 does_rename,
		 {"a/file", "out/new"},
		 EACCES},
		{"from r to c",
		 RWC,
		 {{"rwc", "a"}, {"r", "out"}},
		 does_rename,
		 {OUTSIDE, "a/new"},
		 EACCES},
		{"from c to nowhere",
		 RWC,
		 {{"rwc", "a"}},
		 does_rename,
		 {"a/file", "out/new"},
		 EACCES},
		{"link from nowhere", RWC, {{"rwc", "a"}}, does_link, {OUTSIDE, "a/new"}, EXDEV},
		{"gaining rights",
		 RWC,
		 {{"rc", "a"}, {"rwc", "b"}},
		 does_rename,
		 {"a/file", "b/moved"},
		 EXDEV},
		{"losing rights",
		 RWC,
		 {{"rwc", "a"}, {"rc", "b"}},
		 does_rename,
		 {"a/file", "b/moved"},
		 0},
		{"saving by rename", RWC, {{"rwc", "a"}}, does_save, {"a/file", "a/file.new"}, 0},
		{"saving by rename, a file's line",
		 RWC,
		 {{"rwc", "a/file"}},
		 does_save,
		 {"a/file", "a/file.new"},
		 EACCES},
	};

	walk(rows, ARRAY_SIZE(rows));
}

Test(unveil, implied_paths)
{
	static const struct row rows[] = {
		{"stdio: /dev/null", P(STDIO), {{0}}, does_append, {"/dev/null"}, 0},
		{"stdio: /dev/null is no terminal",
		 P(STDIO),
		 {{0}},
		 asks_terminal,
		 {"/dev/null"},
		 ENOTTY},
		{"stdio: nor is /dev/zero", P(STDIO), {{0}}, asks_terminal, {"/dev/zero"}, ENOTTY},
		{"stdio: not the disk", P(STDIO), {{0}}, does_read, {"/etc/passwd"}, EACCES},
		{"no promise, no /dev/null", P(RPATH), {{0}}, does_read, {"/dev/null"}, EACCES},
		{"stdio: the process itself", P(STDIO), {{0}}, does_read, {"/proc/self/status"}, 0},
		{"stdio: no other process", P(STDIO), {{0}}, does_read, {"/proc/1/status"}, EACCES},
		{"tmppath: creates in ${TMPDIR}",
		 P(TMPPATH),
		 {{0}},
		 does_overwrite,
		 {"tmp/new"},
		 0},
		{"tmppath: /tmp", P(TMPPATH), {{0}}, does_list, {"/tmp"}, 0},
		{"tmppath: nowhere else", P(TMPPATH), {{0}}, does_append, {"/etc/passwd"}, EACCES},
		{"tmppath: no socket", P(TMPPATH), {{0}}, does_mksock, {"tmp/new"}, EACCES},
		{"tmppath: socket with unix",
		 P(TMPPATH) | P(UNIX),
		 {{0}},
		 does_mksock,
		 {"tmp/new"},
		 0},
		{"prot_exec: libraries", P(PROT_EXEC), {{0}}, does_list, {"/usr/lib"}, 0},
		{"prot_exec: does not run",
		 P(PROT_EXEC) | P(RPATH),
		 {{"r", "/"}},
		 does_run,
		 {LOADER},
		 EACCES},
	};

	walk(rows, ARRAY_SIZE(rows));
}

/* What start-up adds: the outer layer alone runs the program, both read it. */
Test(unveil, extra_and_readable)
{
	const char *const readable[] = {"/usr/bin/true", "/nonexistent", "/etc", NULL};
	const struct unveil_extra extra[] = {
		{"/usr/bin/true", PERM_R | PERM_X},
		{"/usr/lib", PERM_R | PERM_X},
		{LOADER, PERM_R | PERM_X},
		{"/nonexistent", PERM_R},
	};
	static const struct {
		const char *name;
		bool inner, outer;
		deed_fn deed;
		const char *path;
		int want;
	} rows[] = {
		{"the program runs in the outer layer", false, true, does_run, "/usr/bin/true", 0},
		{"another does not", false, true, does_run, "/usr/bin/false", EACCES},
		{"nor the program in the inner", true, false, does_run, "/usr/bin/true", EACCES},
		{"it can be read there", true, false, does_read, "/usr/bin/true", 0},
		{"its libraries cannot", true, false, does_list, "/usr/lib", EACCES},
		{"a directory is not made readable", true, true, does_list, "/etc", EACCES},
		{"nor what is in it", true, true, does_read, "/etc/passwd", EACCES},
	};

	live_need_landlock(3);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w;
		struct attempt a = {&w,		  rows[i].inner, rows[i].outer, true,
				    rows[i].deed, rows[i].path,	 NULL};
		int got;

		world_init(&w, 0);
		w.request.readable = readable;
		w.request.extra = extra;
		w.request.n_extra = ARRAY_SIZE(extra);
		got = in_child(make_attempt, &a);
		cr_expect_eq(got, rows[i].want, "%s: %s", rows[i].name, strerror(got));
	}
}

/* Paths are left to the promises; the outer layer still says what may be executed, and must not
 * spoil renames. */
Test(unveil, off)
{
	static const struct unveil_extra extra[] = {
		{"/usr/bin/true", PERM_R | PERM_X},
		{"/usr/lib", PERM_R | PERM_X},
		{LOADER, PERM_R | PERM_X},
	};
	static const struct {
		const char *name;
		uint64_t promises;
		deed_fn deed;
		const char *path, *other;
		int want;
	} rows[] = {
		{"reads", RWC, does_read, "/etc/passwd", NULL, 0},
		{"writes", RWC, does_overwrite, OUTSIDE, NULL, 0},
		{"renames across directories", RWC, does_rename, "a/file", "b/moved", 0},
		{"runs what start-up needs", RWC, does_run, "/usr/bin/true", NULL, 0},
		{"runs nothing else", RWC, does_run, "/usr/bin/false", NULL, EACCES},
		{"runs all with exec", RWC | P(EXEC), does_run, "/usr/bin/env", NULL, 0},
	};

	live_need_landlock(3);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w;
		struct attempt a = {&w,		  false,	true,	      true,
				    rows[i].deed, rows[i].path, rows[i].other};
		int got;

		world_init(&w, rows[i].promises);
		w.policy.unveil = false;
		w.policy.self_modify = true;
		w.request.extra = extra;
		w.request.n_extra = ARRAY_SIZE(extra);
		lay_out();
		got = in_child(make_attempt, &a);
		cr_expect_eq(got, rows[i].want, "%s: %s", rows[i].name, strerror(got));
	}
}

/* Which rulesets there are, and whether they bound files. */
Test(unveil, rulesets)
{
	static const struct {
		const char *name;
		uint64_t promises;
		bool unveil, scoped, net, want_inner, want_outer;
		bool inner, outer, bounded;
	} rows[] = {
		{"files", P(STDIO), true, false, false, true, true, true, true, true},
		{"files, inner", P(STDIO), true, false, false, true, false, true, false, true},
		{"files, outer", P(STDIO), true, false, false, false, true, false, true, true},
		{"nothing but execution", P(STDIO), false, false, false, true, true, false, true,
		 false},
		{"what start-up reads", P(EXEC), false, false, false, true, true, false, true,
		 false},
		{"nothing at all", P(EXEC) | P(RPATH), false, false, false, true, true, false,
		 false, false},
		{"scopes", P(EXEC), false, true, false, true, true, true, true, false},
		{"ports", P(EXEC), false, false, true, true, true, true, true, false},
	};
	int before = count_fds();

	live_need_landlock(6);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct unveil_rulesets got;
		struct sbx_err err = {0};
		struct world w;

		world_init(&w, rows[i].promises);
		w.policy.unveil = rows[i].unveil;
		w.policy.scope_open = !rows[i].scoped;
		w.policy.port_kinds = rows[i].net ? PORT_CONNECT : 0;
		w.request.want_inner = rows[i].want_inner;
		w.request.want_outer = rows[i].want_outer;
		cr_assert_eq(unveil_build(&w.request, &got, &err), 0, "%s: %s", rows[i].name,
			     err.msg);
		cr_expect_eq(got.inner >= 0, rows[i].inner, "%s: inner", rows[i].name);
		cr_expect_eq(got.outer >= 0, rows[i].outer, "%s: outer", rows[i].name);
		cr_expect_eq(got.bounded, rows[i].bounded, "%s: bounded", rows[i].name);
		cr_expect_eq(got.lost[0], '\0', "%s: lost %s", rows[i].name, got.lost);
		if (got.inner >= 0)
			cr_expect(fcntl(got.inner, F_GETFD) & FD_CLOEXEC, "%s", rows[i].name);
		unveil_rulesets_done(&got);
	}
	cr_expect_eq(count_fds(), before, "descriptors leak");
}

/* An older kernel under require = best-effort: what it knows is enforced, what it lacks is said. */
Test(unveil, older_kernels_best_effort)
{
	live_need_landlock(3);
	for (int abi = 1; abi <= 2; abi++) {
		struct unveil_rulesets got;
		struct sbx_err err = {0};
		struct world w;

		world_init(&w, RWC);
		landlock_caps_of_abi(abi, &w.caps);
		w.policy.best_effort = true;
		world_line(&w, "r", scratch);
		cr_assert_eq(unveil_build(&w.request, &got, &err), 0, "%s", err.msg);
		cr_expect(strstr(got.lost, "truncation"), "ABI %d: %s", abi, got.lost);
		cr_expect_not(got.bounded, "ABI %d", abi);
		unveil_rulesets_done(&got);
		expect(&w, "reads", does_read, "a/file", NULL, 0);
		expect(&w, "does not write", does_append, "a/file", NULL, EACCES);
		expect(&w, "truncates, alas", does_truncate, "a/file", NULL, 0);
		expect(&w, "no renames across", does_rename, "a/file", "b/new", EACCES);
	}
}

/* ---- ports and scopes ---- */

static int loopback(uint16_t port, int (*call)(int, const struct sockaddr *, socklen_t),
		    int *ret_fd)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	*ret_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return outcome(call(*ret_fd, (const struct sockaddr *)&address, sizeof(address)));
}

static int listener(uint16_t *ret_port)
{
	struct sockaddr_in address;
	socklen_t len = sizeof(address);
	int fd;

	if (loopback(0, bind, &fd) != 0 || listen(fd, 64) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		cr_assert_fail("no loopback port: %s", strerror(errno));
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static int does_connect(const char *port, const char *other)
{
	int fd;

	(void)other;
	return loopback((uint16_t)atoi(port), connect, &fd);
}

static int does_bind(const char *port, const char *other)
{
	int fd;

	(void)other;
	return loopback((uint16_t)atoi(port), bind, &fd);
}

Test(unveil, ports)
{
	char one_text[8], two_text[8];
	uint16_t one, two;
	int fd_one, fd_two;
	struct world w;

	live_need_landlock(4);
	fd_one = listener(&one);
	fd_two = listener(&two);
	(void)snprintf(one_text, sizeof(one_text), "%u", one);
	(void)snprintf(two_text, sizeof(two_text), "%u", two);

	world_init(&w, P(INET));
	expect(&w, "no [net]: connect", does_connect, one_text, NULL, 0);
	expect(&w, "no [net]: bind", does_bind, "0", NULL, 0);

	w.policy.port_kinds = PORT_CONNECT;
	w.ports[0] = (struct port_line){.port = one, .access = PORT_CONNECT};
	w.policy.n_ports = 1;
	expect(&w, "connect_tcp names it", does_connect, one_text, NULL, 0);
	expect(&w, "connect_tcp does not name it", does_connect, two_text, NULL, EACCES);
	expect(&w, "connect_tcp alone leaves bind", does_bind, "0", NULL, 0);

	w.policy.port_kinds = PORT_CONNECT | PORT_BIND;
	expect(&w, "bind_tcp without ports", does_bind, "0", NULL, EACCES);
	w.ports[1] = (struct port_line){.port = 0, .access = PORT_BIND};
	w.policy.n_ports = 2;
	expect(&w, "bind_tcp names it", does_bind, "0", NULL, 0);
	w.policy.unveil = false;
	w.policy.self_modify = true;
	expect(&w, "unveil off does not matter", does_connect, two_text, NULL, EACCES);
	(void)close(fd_one);
	(void)close(fd_two);
}

static int does_signal(const char *pid, const char *other)
{
	(void)other;
	return outcome(kill(atoi(pid), 0));
}

Test(unveil, scopes)
{
	char self[16];
	struct world w;
	struct attempt a = {&w, true, true, false, does_signal, self, NULL};

	live_need_landlock(6);
	(void)snprintf(self, sizeof(self), "%d", (int)getpid());
	world_init(&w, P(STDIO) | P(PROC));
	cr_expect_eq(in_child(make_attempt, &a), 0, "scope = open");
	w.policy.scope_open = false;
	cr_expect_eq(in_child(make_attempt, &a), EPERM, "scoped");
	a.outer = false;
	cr_expect_eq(in_child(make_attempt, &a), EPERM, "scoped by the inner layer alone");
	a.inner = false;
	a.outer = true;
	cr_expect_eq(in_child(make_attempt, &a), EPERM, "scoped by the outer layer alone");
}

/* ---- fail closed ---- */

struct fault {
	unsigned call; /* its number */
	struct world *world;
	const char *message;
};

static void break_call(unsigned call, unsigned code)
{
	struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | code),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = ARRAY_SIZE(insns), .filter = insns};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		child_broken("seccomp", strerror(errno));
}

/* 0 when the build fails with the broken call's own error and leaves nothing open. */
static int build_with_fault(void *arg)
{
	const struct fault *fault = arg;
	struct unveil_rulesets rulesets = {.inner = 77, .outer = 77};
	struct sbx_err err = {0};
	int before = count_fds(), r;

	break_call(fault->call, EIO);
	r = unveil_build(&fault->world->request, &rulesets, &err);
	if (r != -EIO)
		return r == 0 ? 1 : 2;
	if (count_fds() != before || rulesets.inner != -1 || rulesets.outer != -1)
		return 3;
	return strstr(err.msg, fault->message) ? 0 : 4;
}

Test(unveil, a_failing_call_fails_the_build)
{
	struct world w;
	struct fault faults[] = {
		{SYS_landlock_create_ruleset, &w, "landlock_create_ruleset"},
		{SYS_landlock_add_rule, &w, "landlock_add_rule"},
		{SYS_openat, &w, "Input/output error"},
		{SYS_newfstatat, &w, "Input/output error"},
#ifdef SYS_readlink
		{SYS_readlink, &w, "Input/output error"},
#endif
	};

	live_need_landlock(3);
	lay_out();
	world_init(&w, RWC);
	world_line(&w, "r", "a");
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		cr_expect_eq(in_child(build_with_fault, &faults[i]), 0, "call %u", faults[i].call);
}

static int restrict_with_fault(void *arg)
{
	struct unveil_rulesets rulesets;
	struct sbx_err err = {0};
	struct world *w = arg;

	if (unveil_build(&w->request, &rulesets, &err) < 0)
		child_broken("unveil_build", err.msg);
	break_call(SYS_landlock_restrict_self, EIO);
	return -landlock_restrict(rulesets.inner, &err);
}

Test(unveil, a_failing_restrict_is_reported)
{
	struct world w;

	live_need_landlock(3);
	world_init(&w, RWC);
	cr_expect_eq(in_child(restrict_with_fault, &w), EIO);
}

static int probe_with_fault(void *arg)
{
	const unsigned *code = arg;
	struct landlock_caps caps;

	break_call(SYS_landlock_create_ruleset, *code);
	landlock_probe(&caps);
	return caps.abi == 0 && caps.fs == 0 && caps.net == 0 && caps.scopes == 0 ? caps.probe_errno
										  : 1;
}

Test(unveil, a_kernel_without_landlock_is_seen)
{
	unsigned codes[] = {ENOSYS, EOPNOTSUPP};

	live_need_landlock(1);
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		cr_expect_eq(in_child(probe_with_fault, &codes[i]), (int)codes[i]);
}
