/* SPDX-License-Identifier: MIT */
/* Pure, but for the last test, which loads a filter into the kernel. What the promises mean, case
 * by case and by hand, so that a mistake in the table is seen, too: nothing here is taken from it.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/netlink.h>
#include <linux/sched.h>

#include "../shim/filter.h"
#include "../shim/master.h"
#include "interp.h"

#define SELF	  4242
#define OTHER	  4243
#define GARBAGE	  UINT64_C(0xdeadbeef00000000)
#define EXTENDED  UINT64_C(0xffffffff00000000) /* what sign extension leaves above an int */
#define BOUNDED	  1
#define UNBOUNDED 0

enum outcome { OK, DENIED, NO_CALL, KILLED };

static const struct {
	const char *call;
	uint64_t args[6];
	const char *promises;
	int bounded;
	enum outcome outcome;
} cases[] = {
	/* Without a promise a program can end, and that is all. */
	{"exit_group", {0}, "", BOUNDED, OK},
	{"futex", {0}, "", BOUNDED, OK},
	{"read", {0}, "", BOUNDED, DENIED},
	{"write", {0}, "rpath", BOUNDED, DENIED},
	{"read", {0}, "stdio", UNBOUNDED, OK},

	/* open */
	{"openat", {0, 0, O_RDONLY}, "rpath", UNBOUNDED, OK},
	{"openat", {0, 0, O_RDONLY}, "stdio", UNBOUNDED, DENIED},
	{"openat", {0, 0, O_RDONLY}, "stdio", BOUNDED, OK},
	{"openat", {0, 0, O_RDONLY}, "error", BOUNDED, DENIED},
	{"openat", {0, 0, O_RDONLY}, "tmppath", UNBOUNDED, DENIED},
	{"openat", {0, 0, O_RDONLY | O_DIRECTORY | O_CLOEXEC}, "rpath", UNBOUNDED, OK},
	{"openat", {0, 0, GARBAGE | O_RDONLY}, "rpath", UNBOUNDED, OK},
	{"openat", {0, 0, GARBAGE | O_WRONLY}, "rpath", UNBOUNDED, DENIED},
	{"openat", {0, 0, O_WRONLY}, "rpath", UNBOUNDED, DENIED},
	{"openat", {0, 0, O_WRONLY}, "wpath", UNBOUNDED, OK},
	{"openat", {0, 0, O_RDWR}, "rpath", UNBOUNDED, DENIED},
	{"openat", {0, 0, O_RDWR}, "wpath", UNBOUNDED, DENIED},
	{"openat", {0, 0, O_RDWR}, "rpath wpath", UNBOUNDED, OK},
	{"openat", {0, 0, 3}, "rpath", UNBOUNDED, DENIED},
	{"openat", {0, 0, O_RDONLY | O_TRUNC}, "rpath", UNBOUNDED, DENIED},
	{"openat", {0, 0, O_RDONLY | O_TRUNC}, "rpath wpath", UNBOUNDED, OK},
	{"openat", {0, 0, O_RDONLY | O_CREAT}, "rpath", UNBOUNDED, DENIED},
	{"openat", {0, 0, O_RDONLY | O_CREAT}, "rpath cpath", UNBOUNDED, OK},
	{"openat", {0, 0, O_WRONLY | O_CREAT | O_TRUNC}, "wpath", UNBOUNDED, DENIED},
	{"openat", {0, 0, O_WRONLY | O_CREAT | O_TRUNC}, "wpath cpath", UNBOUNDED, OK},
	{"openat", {0, 0, O_RDWR | O_CREAT}, "wpath cpath", UNBOUNDED, DENIED},
	{"openat", {0, 0, O_RDWR | O_CREAT}, "rpath wpath cpath", UNBOUNDED, OK},
	{"openat", {0, 0, O_RDWR | O_TMPFILE}, "rpath wpath", UNBOUNDED, DENIED},
	{"openat", {0, 0, O_RDWR | O_TMPFILE}, "rpath wpath cpath", UNBOUNDED, OK},
	{"openat", {0, 0, O_WRONLY | O_TMPFILE}, "wpath", UNBOUNDED, DENIED},
	{"openat", {0, 0, O_RDWR | O_TMPFILE}, "tmppath", BOUNDED, OK},
	{"open", {0, O_RDONLY}, "rpath", UNBOUNDED, OK},
	{"open", {0, O_WRONLY}, "rpath", UNBOUNDED, DENIED},
	{"creat", {0}, "wpath", UNBOUNDED, DENIED},
	{"creat", {0}, "wpath cpath", UNBOUNDED, OK},
	{"openat2", {0}, "rpath", UNBOUNDED, DENIED},
	{"openat2", {0}, "rpath wpath cpath", UNBOUNDED, OK},
	{"openat2", {0}, "rpath", BOUNDED, OK},

	/* paths */
	{"newfstatat", {0, 0, 0, AT_EMPTY_PATH}, "stdio", UNBOUNDED, OK},
	{"newfstatat", {0, 0, 0, 0}, "stdio", BOUNDED, DENIED},
	{"newfstatat", {0, 0, 0, 0}, "dns", UNBOUNDED, OK},
	{"statx", {0, 0, AT_EMPTY_PATH}, "stdio", UNBOUNDED, OK},
	{"statx", {0}, "stdio", BOUNDED, DENIED},
	{"statx", {0}, "rpath", UNBOUNDED, OK},
	{"faccessat2", {0}, "wpath", UNBOUNDED, OK},
	{"readlinkat", {0}, "stdio", BOUNDED, DENIED},
	{"getdents64", {0}, "stdio", UNBOUNDED, OK},
	{"chdir", {0}, "stdio", BOUNDED, DENIED},
	{"fchdir", {0}, "stdio", UNBOUNDED, OK},
	{"unlinkat", {0}, "wpath", BOUNDED, DENIED},
	{"unlinkat", {0}, "cpath", UNBOUNDED, OK},
	{"unlinkat", {0}, "tmppath", UNBOUNDED, DENIED},
	{"unlinkat", {0}, "tmppath", BOUNDED, OK},
	{"renameat2", {0}, "rpath wpath", BOUNDED, DENIED},
	{"renameat2", {0}, "cpath", UNBOUNDED, OK},
	{"truncate", {0}, "cpath", BOUNDED, DENIED},
	{"ftruncate", {0}, "stdio", UNBOUNDED, OK},
	{"mknodat", {0, 0, S_IFREG | 0644}, "cpath", UNBOUNDED, OK},
	{"mknodat", {0, 0, 0644}, "cpath", UNBOUNDED, OK},
	{"mknodat", {0, 0, S_IFIFO | 0644}, "cpath", BOUNDED, DENIED},
	{"mknodat", {0, 0, S_IFIFO | 0644}, "dpath", UNBOUNDED, OK},
	{"mknodat", {0, 0, S_IFBLK | 0644}, "cpath tmppath", BOUNDED, DENIED},
	{"mknodat", {0, 0, S_IFSOCK | 0644}, "cpath", UNBOUNDED, DENIED},
	{"mknodat", {0, 0, S_IFSOCK | 0644}, "cpath unix", UNBOUNDED, OK},
	{"fchmodat", {0, 0, 0755}, "rpath wpath cpath", BOUNDED, DENIED},
	{"fchmodat", {0, 0, 0755}, "fattr", UNBOUNDED, OK},
	{"fchmodat", {0, 0, 04755}, "fattr", BOUNDED, DENIED},
	{"fchmod", {0, 02755}, "fattr", BOUNDED, DENIED},
	{"fchmodat2", {0, 0, 01777}, "fattr", BOUNDED, DENIED},
	{"chmod", {0, 0700}, "fattr", UNBOUNDED, OK},
	{"utimensat", {0}, "fattr", UNBOUNDED, OK},
	{"setxattr", {0}, "rpath wpath cpath", BOUNDED, DENIED},
	{"fchownat", {0}, "fattr", BOUNDED, DENIED},
	{"fchownat", {0}, "chown", UNBOUNDED, OK},
	{"flock", {0}, "stdio", BOUNDED, DENIED},
	{"fcntl", {0, F_SETLKW}, "stdio", BOUNDED, DENIED},
	{"fcntl", {0, F_SETLKW}, "flock", UNBOUNDED, OK},
	{"fcntl", {0, GARBAGE | F_SETLKW}, "flock", UNBOUNDED, OK},
	{"fcntl", {0, F_SETFL}, "stdio", UNBOUNDED, OK},
	{"fcntl", {0, F_SETOWN, OTHER}, "stdio", BOUNDED, DENIED},
	{"open_by_handle_at", {0}, "rpath", BOUNDED, DENIED},

	/* memory */
	{"mmap", {0, 0, PROT_READ | PROT_WRITE, MAP_ANONYMOUS}, "stdio", UNBOUNDED, OK},
	{"mmap", {0, 0, PROT_READ | PROT_EXEC, MAP_PRIVATE}, "stdio", BOUNDED, DENIED},
	{"mmap", {0, 0, PROT_READ | PROT_EXEC, MAP_PRIVATE}, "exec", UNBOUNDED, OK},
	{"mmap", {0, 0, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS}, "exec", BOUNDED, DENIED},
	{"mmap", {0, 0, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS}, "prot_exec", UNBOUNDED, OK},
	{"mprotect", {0, 0, PROT_READ}, "stdio", UNBOUNDED, OK},
	{"mprotect", {0, 0, PROT_EXEC}, "stdio exec", BOUNDED, DENIED},
	{"pkey_mprotect", {0, 0, PROT_EXEC}, "stdio exec", BOUNDED, DENIED},
	{"mprotect", {0, 0, PROT_EXEC}, "prot_exec", UNBOUNDED, OK},
	{"personality", {0xffffffff}, "stdio", UNBOUNDED, OK},
	{"personality", {0x0400000 /* READ_IMPLIES_EXEC */}, "stdio prot_exec", BOUNDED, DENIED},

	/* signals */
	{"kill", {SELF}, "stdio", UNBOUNDED, OK},
	{"kill", {0}, "stdio", UNBOUNDED, OK},
	{"kill", {OTHER}, "stdio", BOUNDED, DENIED},
	{"kill", {UINT64_MAX}, "stdio", BOUNDED, DENIED},
	{"kill", {OTHER}, "proc", UNBOUNDED, OK},
	{"kill", {GARBAGE | OTHER}, "stdio", BOUNDED, DENIED},
	{"tgkill", {SELF, OTHER}, "stdio", UNBOUNDED, OK},
	{"tgkill", {OTHER, SELF}, "stdio", BOUNDED, DENIED},
	{"tkill", {OTHER}, "stdio", BOUNDED, DENIED},
	{"rt_sigqueueinfo", {OTHER}, "stdio", BOUNDED, DENIED},
	{"rt_tgsigqueueinfo", {OTHER}, "stdio", BOUNDED, DENIED},
	{"pidfd_send_signal", {0}, "stdio", BOUNDED, DENIED},

	/* processes */
	{"clone", {CLONE_VM | CLONE_FS | CLONE_THREAD}, "stdio", UNBOUNDED, OK},
	{"clone", {17 /* SIGCHLD */}, "stdio", BOUNDED, DENIED},
	{"clone", {17}, "proc", UNBOUNDED, OK},
	{"clone", {CLONE_NEWUSER | 17}, "stdio proc exec id", BOUNDED, DENIED},
	{"clone", {CLONE_NEWNET | CLONE_THREAD}, "stdio proc", BOUNDED, DENIED},
	{"clone3", {0}, "stdio proc", BOUNDED, NO_CALL},
	{"fork", {0}, "stdio", BOUNDED, DENIED},
	{"execve", {0}, "stdio proc", BOUNDED, DENIED},
	{"execve", {0}, "exec", UNBOUNDED, OK},
	{"wait4", {0}, "stdio", UNBOUNDED, OK},
	{"setuid", {0}, "proc", BOUNDED, DENIED},
	{"setuid", {0}, "id", UNBOUNDED, OK},
	{"prlimit64", {0, 7, 0, 0x1000}, "stdio", UNBOUNDED, OK},
	{"prlimit64", {0, 7, UINT64_C(1) << 32}, "stdio", BOUNDED, DENIED},
	{"prlimit64", {0, 7, 0x1000}, "id", UNBOUNDED, OK},
	{"ptrace", {0}, "proc", BOUNDED, DENIED},
	{"io_uring_setup", {0}, "stdio inet", BOUNDED, NO_CALL},
	{"prctl", {PR_SET_NAME}, "stdio", UNBOUNDED, OK},
	{"prctl", {PR_SET_SECCOMP}, "stdio", UNBOUNDED, OK},
	{"prctl", {PR_SET_NO_NEW_PRIVS}, "stdio", UNBOUNDED, OK},
	{"prctl", {PR_SET_MM}, "stdio proc id", BOUNDED, DENIED},
	{"prctl", {PR_SET_KEEPCAPS}, "stdio", BOUNDED, DENIED},
	{"prctl", {PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET}, "stdio", UNBOUNDED, OK},
	{"prctl", {PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE}, "stdio", BOUNDED, DENIED},
	{"seccomp", {1, 0}, "stdio", UNBOUNDED, OK},
	{"seccomp", {1, 8 /* NEW_LISTENER */}, "stdio", BOUNDED, NO_CALL},
	{"landlock_restrict_self", {0}, "stdio", UNBOUNDED, OK},
	{"unshare", {CLONE_NEWUSER}, "stdio proc id", BOUNDED, DENIED},

	/* sockets */
	{"socket", {AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0}, "inet", UNBOUNDED, OK},
	{"socket", {AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0}, "stdio unix", BOUNDED, DENIED},
	{"socket", {AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 17}, "dns", UNBOUNDED, OK},
	{"socket", {GARBAGE | AF_INET, GARBAGE | SOCK_STREAM, GARBAGE | 6}, "inet", UNBOUNDED, OK},
	{"socket", {AF_INET, SOCK_STREAM, 262 /* IPPROTO_MPTCP */}, "inet", BOUNDED, DENIED},
	{"socket", {AF_INET, SOCK_STREAM, 132 /* IPPROTO_SCTP */}, "inet", BOUNDED, DENIED},
	{"socket", {AF_INET, SOCK_RAW, 1}, "inet", BOUNDED, DENIED},
	{"socket", {AF_INET, SOCK_DGRAM, 1}, "inet", UNBOUNDED, OK},
	{"socket", {AF_UNIX, SOCK_STREAM, 0}, "unix", UNBOUNDED, OK},
	{"socket", {AF_UNIX, SOCK_STREAM, 0}, "inet", BOUNDED, DENIED},
	{"socket", {AF_UNIX, SOCK_STREAM, 0}, "getpw dns", BOUNDED, DENIED},
	{"socket", {AF_UNIX, SOCK_STREAM, 0}, "unix", UNBOUNDED, OK},
	{"connect", {0}, "getpw", BOUNDED, DENIED},
	{"memfd_create", {0}, "stdio", UNBOUNDED, OK},
	{"socket", {AF_NETLINK, SOCK_RAW, NETLINK_ROUTE}, "inet unix", BOUNDED, DENIED},
	{"socket", {AF_NETLINK, SOCK_RAW, NETLINK_ROUTE}, "netlink", UNBOUNDED, OK},
	{"socket", {AF_NETLINK, SOCK_RAW, NETLINK_AUDIT}, "netlink", BOUNDED, DENIED},
	{"socket", {AF_PACKET, SOCK_RAW, 0}, "inet netlink", BOUNDED, DENIED},
	{"socket", {38 /* AF_ALG */, 5, 0}, "inet unix netlink", BOUNDED, DENIED},
	{"socketpair", {AF_UNIX, SOCK_STREAM, 0}, "stdio", UNBOUNDED, OK},
	{"sendto", {0, 0, 0, 0, 0}, "stdio", UNBOUNDED, OK},
	{"sendto", {0, 0, 0, 0, 0x7f0000001000}, "stdio", BOUNDED, DENIED},
	{"sendto", {0, 0, 0, 0, UINT64_C(1) << 32}, "stdio", BOUNDED, DENIED},
	{"sendto", {0, 0, 0, 0, 0x7f0000001000}, "inet", UNBOUNDED, OK},
	{"sendto", {0, 0, 0, MSG_FASTOPEN, 0x7f0000001000}, "stdio inet", BOUNDED, DENIED},
	{"sendmsg", {0, 0, MSG_FASTOPEN}, "stdio inet", BOUNDED, DENIED},
	{"sendmsg", {0, 0, MSG_NOSIGNAL}, "inet", UNBOUNDED, OK},
	{"sendmsg", {0, 0, 0}, "stdio", BOUNDED, DENIED},
	{"sendmsg", {0, 0, 0}, "sendfd", UNBOUNDED, OK},
	{"recvmsg", {0}, "recvfd", UNBOUNDED, OK},
	{"recvmsg", {0}, "sendfd stdio", BOUNDED, DENIED},
	{"listen", {0}, "dns", BOUNDED, DENIED},
	{"accept4", {0}, "inet", UNBOUNDED, OK},
	{"bind", {0}, "getpw", BOUNDED, DENIED},
	{"setsockopt", {0, SOL_SOCKET, SO_REUSEADDR}, "stdio", UNBOUNDED, OK},
	{"setsockopt", {0, SOL_SOCKET, SO_ATTACH_FILTER}, "stdio inet", BOUNDED, DENIED},
	{"setsockopt", {0, SOL_SOCKET, 50 /* SO_ATTACH_BPF */}, "stdio inet", BOUNDED, DENIED},
	{"setsockopt", {0, 6, 1 /* TCP_NODELAY */}, "inet", UNBOUNDED, OK},
	{"setsockopt", {0, 6, 31 /* TCP_ULP */}, "inet", BOUNDED, DENIED},
	{"setsockopt", {0, 0, 64 /* IPT_SO_SET_REPLACE */}, "inet mcast", BOUNDED, DENIED},
	{"setsockopt", {0, 0, 35 /* IP_ADD_MEMBERSHIP */}, "inet", BOUNDED, DENIED},
	{"setsockopt", {0, 0, 35}, "inet mcast", UNBOUNDED, OK},

	/* ioctl: programs do pass sign-extended numbers */
	{"ioctl", {0, FIONREAD}, "stdio", UNBOUNDED, OK},
	{"ioctl", {0, TCGETS}, "stdio", UNBOUNDED, OK},
	{"ioctl", {0, TCSETS}, "stdio", BOUNDED, DENIED},
	{"ioctl", {0, TCSETS}, "tty", UNBOUNDED, OK},
	{"ioctl", {0, TIOCSTI}, "stdio tty", BOUNDED, DENIED},
	{"ioctl", {0, GARBAGE | TIOCSTI}, "stdio tty", BOUNDED, DENIED},
	{"ioctl", {0, TIOCLINUX}, "stdio tty", BOUNDED, DENIED},
	{"ioctl", {0, TIOCSETD}, "stdio tty", BOUNDED, DENIED},
	{"ioctl", {0, EXTENDED | 0x80045430 /* TIOCGPTN */}, "tty", UNBOUNDED, OK},
	{"ioctl", {0, EXTENDED | 0xc0485619 /* VIDIOC_S_… */}, "video", UNBOUNDED, OK},
	{"ioctl", {0, 0x5606 /* VT_ACTIVATE */}, "video tty", BOUNDED, DENIED},
	{"ioctl", {0, 0x5600 /* VT_OPENQRY */}, "video", BOUNDED, DENIED},
	{"ioctl", {0, 0xc01064b3 /* DRM */}, "drm", UNBOUNDED, OK},
	{"ioctl", {0, 0xc01064b3}, "video audio", BOUNDED, DENIED},
	{"ioctl", {0, 0x4140 /* SNDRV_PCM_IOCTL_PREPARE */}, "audio", UNBOUNDED, OK},
	{"ioctl", {0, 0x8913 /* SIOCGIFFLAGS */}, "inet", UNBOUNDED, OK},
	{"ioctl", {0, 0x8914 /* SIOCSIFFLAGS */}, "inet netlink", BOUNDED, DENIED},

	/* time */
	{"clock_gettime", {0}, "stdio", UNBOUNDED, OK},
	{"clock_settime", {0}, "stdio", BOUNDED, DENIED},
	{"adjtimex", {0}, "settime", UNBOUNDED, OK},

	/* numbers that nobody knows; a violation that kills, and one that does not */
	{"#337", {0}, "stdio", BOUNDED, NO_CALL},
	{"#470", {0}, "stdio", BOUNDED, NO_CALL},
	{"#1000000", {0}, "stdio", BOUNDED, NO_CALL},
	{"#-1", {0}, "", BOUNDED, NO_CALL},
};

static int find_number(uint32_t arch, const char *call)
{
	int nr;

	if (call[0] == '#')
		return atoi(call + 1);
	nr = seccomp_syscall_resolve_name_arch(arch, call);
	return nr >= 0 ? nr : -2; /* not on this architecture */
}

static uint32_t action_of(enum outcome outcome)
{
	static const uint32_t actions[] = {
		[OK] = SECCOMP_RET_ALLOW,
		[DENIED] = SECCOMP_RET_ERRNO | EPERM,
		[NO_CALL] = SECCOMP_RET_ERRNO | ENOSYS,
		[KILLED] = SECCOMP_RET_KILL_PROCESS,
	};

	return actions[outcome];
}

static uint32_t ask(const struct master *master, uint32_t arch, int nr, const uint64_t args[6],
		    const char *promises, int bounded, enum violation on_violation)
{
	static struct filter filter;
	struct filter_request request = {
		.bounded = bounded, .on_violation = on_violation, .self = SELF};
	struct seccomp_data data = {.nr = nr, .arch = arch};
	struct sbx_err err;

	memcpy(data.args, args, sizeof(data.args));
	cr_assert_eq(promise_parse(promises, &request.promises, &err), 0, "%s", err.msg);
	cr_assert_eq(filter_build_from(master, &request, &filter, &err), 0, "%s", err.msg);
	return interp_run(filter.insns, &data, NULL);
}

static void check_cases(const struct master *master, uint32_t arch)
{
	size_t asked = 0;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int nr = find_number(arch, cases[i].call);
		uint32_t want = action_of(cases[i].outcome);
		uint32_t got;

		if (nr == -2)
			continue;
		asked++;
		got = ask(master, arch, nr, cases[i].args, cases[i].promises, cases[i].bounded,
			  VIOLATION_ERRNO);
		cr_expect_eq(
			got, want, "case %zu: %s(%llx, %llx, %llx, %llx) with \"%s\": %x, not %x",
			i, cases[i].call, (unsigned long long)cases[i].args[0],
			(unsigned long long)cases[i].args[1], (unsigned long long)cases[i].args[2],
			(unsigned long long)cases[i].args[3], cases[i].promises, got, want);
		/* Killing replaces the denial and nothing else. */
		want = cases[i].outcome == DENIED ? SECCOMP_RET_KILL_PROCESS : want;
		got = ask(master, arch, nr, cases[i].args, cases[i].promises, cases[i].bounded,
			  VIOLATION_KILL);
		if (!strstr(cases[i].promises, "error"))
			cr_expect_eq(got, want, "case %zu: %s with \"%s\", killing: %x, not %x", i,
				     cases[i].call, cases[i].promises, got, want);
	}
	cr_assert_gt(asked, ARRAY_SIZE(cases) - 20);
}

#ifdef __x86_64__
Test(filter_cases, x86_64)
{
	const struct master master = MASTER(x86_64);

	check_cases(&master, SCMP_ARCH_X86_64);
}

Test(filter_cases, foreign_abis)
{
	static const uint64_t none[6];
	const struct master master = MASTER(x86_64);

	cr_expect_eq(ask(&master, 0x40000003 /* AUDIT_ARCH_I386 */, 3, none, "stdio", BOUNDED,
			 VIOLATION_ERRNO),
		     SECCOMP_RET_KILL_PROCESS, "i386");
	cr_expect_eq(ask(&master, SCMP_ARCH_X86_64, 0x40000000 | SYS_write, none, "stdio error",
			 BOUNDED, VIOLATION_ERRNO),
		     SECCOMP_RET_KILL_PROCESS, "x32");
}
#endif

Test(filter_cases, aarch64)
{
	const struct master master = MASTER(aarch64);

	check_cases(&master, SCMP_ARCH_AARCH64);
}

Test(filter_cases, error_promise_disarms_kill)
{
	static const uint64_t stream[6] = {AF_INET, SOCK_STREAM};
	const struct master master = MASTER_HERE;
	uint32_t arch = seccomp_arch_native();
	int nr = find_number(arch, "socket");

	cr_expect_eq(ask(&master, arch, nr, stream, "stdio", BOUNDED, VIOLATION_KILL),
		     SECCOMP_RET_KILL_PROCESS);
	cr_expect_eq(ask(&master, arch, nr, stream, "stdio error", BOUNDED, VIOLATION_KILL),
		     SECCOMP_RET_ERRNO | EPERM);
}

/* What a launcher leaves to a program that it confines before execve: that call, nothing else of
 * exec. */
Test(filter_cases, starting_permits_execve_alone)
{
	static const struct {
		const char *call;
		uint64_t args[6];
		uint32_t want;
	} rows[] = {
		{"execve", {0}, SECCOMP_RET_ALLOW},
		{"execveat", {0}, SECCOMP_RET_ALLOW},
		{"newfstatat", {0}, SECCOMP_RET_ERRNO | EPERM},
		{"mmap", {0, 0, PROT_EXEC, MAP_PRIVATE}, SECCOMP_RET_ERRNO | EPERM},
		{"vfork", {0}, SECCOMP_RET_ERRNO | EPERM},
		{"socket", {AF_INET, SOCK_STREAM}, SECCOMP_RET_ERRNO | EPERM},
		{"ptrace", {0}, SECCOMP_RET_ERRNO | EPERM},
		/* It could be executed, and no path bounds it. */
		{"memfd_create", {0}, SECCOMP_RET_ERRNO | ENOSYS},
	};
	static struct filter filter;
	struct filter_request request = {.promises = P(STDIO), .self = SELF, .starting = true};
	struct sbx_err err;

	cr_assert_eq(filter_build(&request, &filter, &err), 0, "%s", err.msg);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct seccomp_data data = {.nr = find_number(seccomp_arch_native(), rows[i].call),
					    .arch = seccomp_arch_native()};

		memcpy(data.args, rows[i].args, sizeof(data.args));
		if (data.nr != -2)
			cr_expect_eq(interp_run(filter.insns, &data, NULL), rows[i].want, "%s",
				     rows[i].call);
	}
}

Test(filter_cases, unknown_promise)
{
	static struct filter filter;
	struct filter_request request = {.promises = UINT64_C(1) << PROMISE_COUNT};
	struct sbx_err err;

	cr_expect_eq(filter_build(&request, &filter, &err), -EINVAL);
	cr_expect_neq(err.msg[0], '\0');
}

/* Calls whose verdict must be known from the number alone, or the kernel cannot keep them in its
 * bitmap (5.11): with Landlock in force an open is decided there, whatever its flags. */
Test(filter_cases, common_calls_need_no_argument)
{
	static const char *const calls[] = {"openat", "newfstatat", "read",  "write",
					    "close",  "lseek",	    "statx", "brk"};
	static struct filter filter;
	struct filter_request request = {
		.promises = P(STDIO) | P(RPATH), .bounded = true, .self = SELF};
	struct sbx_err err;

	cr_assert_eq(filter_build(&request, &filter, &err), 0, "%s", err.msg);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct seccomp_data data = {.nr = find_number(seccomp_arch_native(), calls[i]),
					    .arch = seccomp_arch_native()};
		unsigned zeros, ones, steps;

		cr_expect_eq(interp_run(filter.insns, &data, &zeros), SECCOMP_RET_ALLOW, "%s",
			     calls[i]);
		memset(data.args, 0xff, sizeof(data.args));
		cr_expect_eq(interp_run(filter.insns, &data, &ones), SECCOMP_RET_ALLOW, "%s",
			     calls[i]);
		cr_expect_eq(zeros, ones, "%s: looks at arguments", calls[i]);
		/* Two loads, the architecture, x32, and a path through a tree of some hundred
		 * calls. */
		steps = zeros;
		cr_expect_leq(steps, 30, "%s: %u steps", calls[i], steps);
	}
}

Test(filter_cases, fingerprint_differs_by_architecture)
{
#ifdef __x86_64__
	cr_expect_neq(master_x86_64_fingerprint, master_aarch64_fingerprint);
#endif
	cr_expect_eq(filter_fingerprint(), MASTER_HERE.fingerprint);
	cr_expect_neq(filter_fingerprint(), 0);
}

/* What the confined child found; 0 when all was as it should be. */
enum finding {
	FINE,
	NO_PRIVS,
	NOT_BUILT,
	NOT_INSTALLED,
	NO_FILTERS,
	ASKING,
	SOCKET,
	CLONE3,
	UNKNOWN
};

static enum finding child_findings(void)
{
	static struct filter filter;
	struct filter_request request = {.promises = P(STDIO), .self = getpid()};
	struct sbx_err err;
	int r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return NO_PRIVS;
	if (filter_build(&request, &filter, &err) < 0)
		return NOT_BUILT;
	r = filter_install(&filter, &err);
	if (r < 0)
		return r == -EOPNOTSUPP ? NO_FILTERS : NOT_INSTALLED;
	if (syscall(SYS_getppid) <= 0)
		return ASKING;
	if (syscall(SYS_socket, AF_INET, SOCK_STREAM, 0) != -1 || errno != EPERM)
		return SOCKET;
	if (syscall(SYS_clone3, NULL, 0) != -1 || errno != ENOSYS)
		return CLONE3;
	if (syscall(5000) != -1 || errno != ENOSYS)
		return UNKNOWN;
	return FINE;
}

/* Live: the kernel takes the program and reads it as we do. */
Test(filter_cases, kernel_takes_it)
{
	int status;
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0)
		_exit((int)child_findings());
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "status %x", status);
	if (WEXITSTATUS(status) == NO_FILTERS) {
		if (getenv("SBX_MUST_RUN"))
			cr_assert_fail("this kernel has no seccomp filters");
		cr_skip_test("this kernel has no seccomp filters");
	}
	cr_expect_eq(WEXITSTATUS(status), FINE, "finding %d", WEXITSTATUS(status));
}
