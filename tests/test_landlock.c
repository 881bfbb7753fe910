/* SPDX-License-Identifier: MIT */
/* Live: every Landlock right is denied when it is not granted and granted when it is, by real
 * operations in children that restrict themselves. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <termios.h>

#include "../shim/landlock.h"
#include "../shim/policy.h"
#include "live.h"
#include "confined.h"

TestSuite(landlock, .init = scratch_init, .fini = scratch_done);

/* ---- deeds: one system call that takes one right (and others that are granted throughout) ---- */

static int outcome(int r)
{
	return r < 0 ? errno : 0;
}

static int deed_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	return fd < 0 ? errno : outcome(close(fd));
}

/* No format that the kernel knows: ENOEXEC comes after the permission checks. */
static int deed_execute(void)
{
	char *argv[] = {(char[]){"exe"}, NULL};

	(void)execve("exe", argv, argv + 1);
	return errno;
}

static int deed_write(void)
{
	return deed_open("file", O_WRONLY);
}

static int deed_read(void)
{
	return deed_open("file", O_RDONLY);
}

static int deed_list(void)
{
	return deed_open("dir", O_RDONLY | O_DIRECTORY);
}

static int deed_rmdir(void)
{
	return outcome(rmdir("dir"));
}

static int deed_unlink(void)
{
	return outcome(unlink("file"));
}

/* 0:0 is what overlayfs uses as a whiteout, which needs no privilege since Linux 5.8. */
static int deed_mkchar(void)
{
	return outcome(mknod("new", S_IFCHR | 0600, makedev(0, 0)));
}

static int deed_mkdir(void)
{
	return outcome(mkdir("new", 0700));
}

static int deed_mkreg(void)
{
	return outcome(mknod("new", S_IFREG | 0600, 0));
}

static int deed_mksock(void)
{
	const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "new"};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return outcome(bind(fd, (const struct sockaddr *)&address, sizeof(address)));
}

static int deed_mkfifo(void)
{
	return outcome(mkfifo("new", 0600));
}

/* Without CAP_MKNOD this is EPERM, but only after Landlock has been asked. */
static int deed_mkblock(void)
{
	int code = outcome(mknod("new", S_IFBLK | 0600, makedev(7, 255)));

	return code == EPERM ? 0 : code;
}

static int deed_symlink(void)
{
	return outcome(symlink("file", "new"));
}

static int deed_refer(void)
{
	return outcome(rename("file", "dir/file"));
}

static int deed_truncate(void)
{
	return deed_open("file", O_WRONLY | O_TRUNC);
}

/* The right is looked at when the device is opened. A terminal's ioctl on /dev/null: ENOTTY, once
 * permitted. */
static int deed_ioctl(void)
{
	struct termios t;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int code = fd < 0 ? EBADF : outcome(ioctl(fd, TCGETS, &t));

	return code;
}

static const struct right_case {
	const char *right; /* landlock_access_name() */
	const char *dir;   /* a rule on this directory decides */
	const char *file;  /* … or on this file; NULL: no right for files */
	int (*deed)(void);
	int denied, granted; /* errno */
} cases[] = {
	{"execute", ".", "exe", deed_execute, EACCES, ENOEXEC},
	{"write files", ".", "file", deed_write, EACCES, 0},
	{"read files", ".", "file", deed_read, EACCES, 0},
	{"list directories", ".", NULL, deed_list, EACCES, 0},
	{"remove directories", ".", NULL, deed_rmdir, EACCES, 0},
	{"remove files", ".", NULL, deed_unlink, EACCES, 0},
	{"make character devices", ".", NULL, deed_mkchar, EACCES, 0},
	{"make directories", ".", NULL, deed_mkdir, EACCES, 0},
	{"make files", ".", NULL, deed_mkreg, EACCES, 0},
	{"make sockets", ".", NULL, deed_mksock, EACCES, 0},
	{"make fifos", ".", NULL, deed_mkfifo, EACCES, 0},
	{"make block devices", ".", NULL, deed_mkblock, EACCES, 0},
	{"make symbolic links", ".", NULL, deed_symlink, EACCES, 0},
	{"rename between directories", ".", NULL, deed_refer, EXDEV, 0},
	{"truncate", ".", "file", deed_truncate, EACCES, 0},
	{"ioctl on devices", "/dev", "/dev/null", deed_ioctl, EACCES, ENOTTY},
};

static uint64_t right_named(const char *name)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		const char *known = landlock_access_name(UINT64_C(1) << bit);

		if (known && strcmp(known, name) == 0)
			return UINT64_C(1) << bit;
	}
	cr_assert_fail("no right is called %s", name);
	return 0;
}

static void lay_out(void)
{
	scratch_clear();
	scratch_dir("dir");
	scratch_file("file", "text\n", 0666);
	scratch_file("exe", "\001no program\n", 0777);
}

/* What a child does: restrict itself to one rule (rule NULL: none), then the deed. */
struct attempt {
	const struct right_case *c;
	uint64_t handled;
	const char *rule;
	uint64_t access;
	bool as_nobody;
};

static void restrict_to(uint64_t fs, uint64_t net, uint64_t scopes, const char *rule,
			uint64_t access)
{
	struct sbx_err err = {0};
	int ruleset = -1, fd;

	if (landlock_ruleset_new(fs, net, scopes, &ruleset, &err) < 0)
		child_broken("ruleset", err.msg);
	if (rule && access) {
		fd = open(rule, O_PATH | O_CLOEXEC);
		if (fd < 0 || landlock_add_path(ruleset, fd, access, &err) < 0)
			child_broken(rule, fd < 0 ? strerror(errno) : err.msg);
		(void)close(fd);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || landlock_restrict(ruleset, &err) < 0)
		child_broken("restrict", err.msg);
	(void)close(ruleset);
}

static int make_attempt(void *arg)
{
	const struct attempt *a = arg;

	if (a->as_nobody)
		child_become_nobody();
	restrict_to(a->handled, 0, 0, a->rule, a->access);
	return a->c->deed();
}

static void expect(const struct attempt *attempt, int want, const char *how)
{
	struct attempt a = *attempt;

	for (int nobody = 0; nobody < 2; nobody++) {
		int got;

		a.as_nobody = nobody;
		lay_out();
		got = in_child(make_attempt, &a);
		cr_expect_eq(got, want, "%s, %s, %s: %s, expected %s", a.c->right, how,
			     nobody ? "as a user" : "as we are", strerror(got), strerror(want));
	}
}

Test(landlock, every_right_has_a_case)
{
	struct landlock_caps caps;

	landlock_caps_of_abi(7, &caps);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		caps.fs &= ~right_named(cases[i].right);
	cr_expect_eq(caps.fs, 0, "no case for the rights %#lx", (unsigned long)caps.fs);
}

/* All other rights are granted, on the directory and then on the file alone: the one that is
 * missing decides. */
Test(landlock, each_right_denied_and_granted)
{
	struct landlock_caps caps;

	live_need_landlock(5);
	landlock_probe(&caps);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct right_case *c = &cases[i];
		uint64_t right = right_named(c->right);
		struct attempt a = {.c = c, .handled = caps.fs, .rule = c->dir};

		a.access = caps.fs & ~right;
		expect(&a, c->denied, "not granted on the directory");
		a.access = caps.fs;
		expect(&a, c->granted, "granted on the directory");
		if (!c->file)
			continue;
		a.rule = c->file;
		a.access = landlock_access_file(caps.fs & ~right);
		expect(&a, c->denied, "not granted on the file");
		a.access = landlock_access_file(caps.fs);
		expect(&a, c->granted, "granted on the file");
	}
}

/* A kernel of each age: what its ABI knows is denied without a rule, what it does not know is not
 * (but for renames between directories, which any ruleset denies). */
Test(landlock, each_abi_denies_what_it_knows)
{
	live_need_landlock(7);
	for (int abi = 1; abi <= 7; abi++) {
		struct landlock_caps caps;
		char how[64];

		landlock_caps_of_abi(abi, &caps);
		(void)snprintf(how, sizeof(how), "ABI %d, no rule", abi);
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			const struct right_case *c = &cases[i];
			struct attempt a = {.c = c, .handled = caps.fs & right_named(c->right)};

			/* Alone in its ruleset, so that no other right can be what denies. */
			if (a.handled)
				expect(&a, c->denied, how);
			else if (c->deed == deed_refer)
				continue;
			else if ((a.handled = caps.fs & ~right_named("write files") &
					      ~right_named("read files")) != 0)
				expect(&a, c->granted, "unknown to the ABI");
		}
	}
}

Test(landlock, file_rules_take_no_directory_rights)
{
	struct landlock_caps caps;
	struct sbx_err err = {0};
	int ruleset = -1, fd;

	live_need_landlock(5);
	landlock_probe(&caps);
	lay_out();
	cr_assert_eq(landlock_ruleset_new(caps.fs, 0, 0, &ruleset, &err), 0, "%s", err.msg);
	cr_expect(fcntl(ruleset, F_GETFD) & FD_CLOEXEC, "close-on-exec");
	(void)chdir(scratch);
	fd = open("file", O_PATH | O_CLOEXEC);
	cr_expect_eq(landlock_add_path(ruleset, fd, caps.fs, &err), -EINVAL);
	cr_expect(strstr(err.msg, "landlock_add_rule"), "%s", err.msg);
	cr_expect_eq(landlock_add_path(ruleset, fd, landlock_access_file(caps.fs), &err), 0);
	(void)close(fd);
	(void)close(ruleset);
	(void)chdir("/");
	cr_expect_eq(landlock_ruleset_new(0, 0, 0, &ruleset, &err), -ENOMSG);
	cr_expect_eq(landlock_ruleset_new(UINT64_C(1) << 63, 0, 0, &ruleset, &err), -EINVAL);
}

/* ---- a terminal of our own ---- */

struct terminal {
	const char *slave;
	uint64_t access, handled;
};

static int ask_terminal(void *arg)
{
	const struct terminal *t = arg;
	struct termios tio;
	int fd;

	restrict_to(t->handled, 0, 0, t->slave, t->access);
	fd = open(t->slave, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? EBADF : outcome(ioctl(fd, TCGETS, &tio));
}

Test(landlock, terminal_ioctl)
{
	struct landlock_caps caps;
	struct terminal t;
	int master;

	live_need_landlock(5);
	landlock_probe(&caps);
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	cr_assert(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0,
		  "no pseudo-terminal: %s", strerror(errno));
	t = (struct terminal){.slave = ptsname(master), .handled = caps.fs};
	t.access = landlock_access_file(caps.fs) & ~landlock_access_ioctl_dev();
	cr_expect_eq(in_child(ask_terminal, &t), EACCES, "not granted");
	t.access = landlock_access_file(caps.fs);
	cr_expect_eq(in_child(ask_terminal, &t), 0, "granted");
	(void)close(master);
}

/* ---- TCP ports, loopback only ---- */

static int loopback(uint16_t port, int (*call)(int, const struct sockaddr *, socklen_t),
		    int *ret_fd)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int one = 1;

	*ret_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(*ret_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return outcome(call(*ret_fd, (const struct sockaddr *)&address, sizeof(address)));
}

/* A listener on a port that the kernel chooses. */
static int listener(uint16_t *ret_port)
{
	struct sockaddr_in address;
	socklen_t len = sizeof(address);
	int fd;

	if (loopback(0, bind, &fd) != 0 || listen(fd, 8) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		cr_assert_fail("no loopback port: %s", strerror(errno));
	*ret_port = ntohs(address.sin_port);
	return fd;
}

struct port_attempt {
	uint64_t handled;
	uint16_t rule_port;
	uint8_t rule; /* enum port_access; 0: no rule */
	uint16_t port;
	bool connects;
};

static int try_port(void *arg)
{
	const struct port_attempt *a = arg;
	struct sbx_err err = {0};
	int ruleset = -1, fd;

	if (landlock_ruleset_new(0, a->handled, 0, &ruleset, &err) < 0 ||
	    (a->rule && landlock_add_port(ruleset, a->rule_port, a->rule, &err) < 0) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || landlock_restrict(ruleset, &err) < 0)
		child_broken("ports", err.msg);
	return loopback(a->port, a->connects ? connect : bind, &fd);
}

Test(landlock, tcp_ports)
{
	const uint64_t both = landlock_access_port(PORT_BIND | PORT_CONNECT);
	const uint64_t only_bind = landlock_access_port(PORT_BIND);
	const uint64_t only_connect = landlock_access_port(PORT_CONNECT);
	uint16_t one, two;
	int fd_one, fd_two;

	live_need_landlock(4);
	fd_one = listener(&one);
	fd_two = listener(&two);
	const struct {
		const char *name;
		struct port_attempt a;
		int want;
	} rows[] = {
		{"connect, no rule", {both, 0, 0, one, true}, EACCES},
		{"connect, granted", {both, one, PORT_CONNECT, one, true}, 0},
		{"connect, another port", {both, two, PORT_CONNECT, one, true}, EACCES},
		{"connect, bind alone granted", {both, one, PORT_BIND, one, true}, EACCES},
		{"connect, bind alone handled", {only_bind, 0, 0, one, true}, 0},
		{"bind, no rule", {both, 0, 0, 0, false}, EACCES},
		{"bind, granted", {both, 0, PORT_BIND, 0, false}, 0},
		{"bind, another port", {both, one, PORT_BIND, 0, false}, EACCES},
		{"bind, connect alone granted", {both, 0, PORT_CONNECT, 0, false}, EACCES},
		{"bind, connect alone handled", {only_connect, 0, 0, 0, false}, 0},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct port_attempt a = rows[i].a;
		int got = in_child(try_port, &a);

		cr_expect_eq(got, rows[i].want, "%s: %s", rows[i].name, strerror(got));
	}
	(void)close(fd_one);
	(void)close(fd_two);
}

/* ---- scopes ---- */

static const char abstract_name[] = "sbx-preload-test";

static int abstract(int (*call)(int, const struct sockaddr *, socklen_t), pid_t salt, int *ret_fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	/* The first byte is NUL: a name in no file system (unix(7)). */
	int n = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "%s-%d", abstract_name,
			 (int)salt);

	*ret_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return outcome(call(*ret_fd, (const struct sockaddr *)&address,
			    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)));
}

struct scope_attempt {
	uint64_t scopes; /* 0: restricted in something else */
	bool signals;
	bool inside; /* to a process of the same sandbox */
	pid_t outsider;
};

static int inside_signal(void)
{
	pid_t pid = fork();
	int code;

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	code = outcome(kill(pid, SIGKILL));
	(void)waitpid(pid, NULL, 0);
	return code;
}

static int try_scope(void *arg)
{
	const struct scope_attempt *a = arg;
	int server, client;

	restrict_to(a->scopes ? 0 : landlock_access_execute(), 0, a->scopes, NULL, 0);
	if (a->signals)
		return a->inside ? inside_signal() : outcome(kill(a->outsider, 0));
	if (!a->inside)
		return abstract(connect, a->outsider, &client);
	if (abstract(bind, getpid(), &server) != 0 || listen(server, 1) != 0)
		return EBADF;
	return abstract(connect, getpid(), &client);
}

Test(landlock, scopes)
{
	struct landlock_caps caps;
	int server;

	live_need_landlock(6);
	landlock_probe(&caps);
	cr_assert(abstract(bind, getpid(), &server) == 0 && listen(server, 8) == 0, "%s",
		  strerror(errno));
	const struct {
		const char *name;
		struct scope_attempt a;
		int want;
	} rows[] = {
		{"signal, outwards, scoped", {caps.scopes, true, false, getpid()}, EPERM},
		{"signal, outwards, open", {0, true, false, getpid()}, 0},
		{"signal, inside, scoped", {caps.scopes, true, true, 0}, 0},
		{"abstract socket, outwards, scoped", {caps.scopes, false, false, getpid()}, EPERM},
		{"abstract socket, outwards, open", {0, false, false, getpid()}, 0},
		{"abstract socket, inside, scoped", {caps.scopes, false, true, 0}, 0},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scope_attempt a = rows[i].a;
		int got = in_child(try_scope, &a);

		cr_expect_eq(got, rows[i].want, "%s: %s", rows[i].name, strerror(got));
	}
	(void)close(server);
}

/* ---- layers ---- */

/* 16 are fine, the next is refused, and what is in force stays in force. */
static int stack_layers(void *arg)
{
	struct sbx_err err = {0};
	int ruleset = -1, r;

	(void)arg;
	for (int i = 0; i < 16; i++)
		restrict_to(landlock_access_execute(), 0, 0, NULL, 0);
	if (landlock_ruleset_new(landlock_access_execute(), 0, 0, &ruleset, &err) < 0)
		child_broken("ruleset", err.msg);
	r = landlock_restrict(ruleset, &err);
	if (!strstr(err.msg, "16 layers"))
		child_broken("message", err.msg);
	return r == -E2BIG && deed_execute() == EACCES ? 0 : 1;
}

Test(landlock, the_seventeenth_layer_is_refused)
{
	live_need_landlock(2);
	lay_out();
	cr_expect_eq(in_child(stack_layers, NULL), 0);
}

static int restrict_without_nnp(void *arg)
{
	struct sbx_err err = {0};
	int ruleset = -1, r;

	(void)arg;
	child_become_nobody();
	if (landlock_ruleset_new(landlock_access_execute(), 0, 0, &ruleset, &err) < 0)
		child_broken("ruleset", err.msg);
	r = landlock_restrict(ruleset, &err);
	if (!strstr(err.msg, "no_new_privs"))
		child_broken("message", err.msg);
	return -r;
}

Test(landlock, users_need_no_new_privs)
{
	live_need_landlock(1);
	/* It cannot be taken back: a child of ours would have it, too. */
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
		if (getenv("SBX_MUST_RUN"))
			cr_assert_fail("the tests themselves run with no_new_privs");
		cr_skip_test("the tests themselves run with no_new_privs");
	}
	cr_expect_eq(in_child(restrict_without_nnp, NULL), EPERM);
}

Test(landlock, probe)
{
	struct landlock_caps caps, known;
	int errata;

	live_need_landlock(1);
	landlock_probe(&caps);
	cr_expect(caps.abi >= 1 && caps.probe_errno == 0);
	landlock_caps_of_abi(caps.abi, &known);
	cr_expect_eq(caps.fs, known.fs);
	errata = landlock_errata();
	if (caps.abi >= 7)
		cr_expect(errata >= 0, "%s", strerror(-errata));
}
