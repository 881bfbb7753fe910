/* SPDX-License-Identifier: MIT */
/* Pure. System calls as text, from a watched memory that is made up. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <signal.h>

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <linux/sched.h>

#include "../shim/decode.h"
#include "../shim/decode_table.h"
#include "../shim/master.h"
#include "../shim/table.h"

#define GARBAGE	 UINT64_C(0xdeadbeef00000000) /* above an int: the kernel does not look */
#define ATFD	 ((uint64_t)AT_FDCWD)	      /* sign-extended */
#define ATFD32	 ((uint64_t)(uint32_t)AT_FDCWD)
#define TEXT_MAX 2048

/* ---- the watched memory ---- */

#define PAGE	   4096
#define NOWHERE	   0x666000 /* not mapped */
#define SHADOW	   0x10000
#define ODD	   0x10100
#define LONG	   0x20000		/* a path of PATH_MAX bytes, its NUL included */
#define LIMIT	   0x30000		/* exactly what is shown of a string, and its NUL */
#define OVER	   0x30100		/* one byte more */
#define AT_END	   (0x40000 + PAGE - 8) /* "at end!" and its NUL end the page */
#define OVER_END   (0x50000 + PAGE - 8) /* no NUL before the page ends */
#define RELATIVE   0x10200
#define EMPTY	   0x10300
#define IN	   0x60000
#define IN6	   0x60100
#define IN6_MAPPED 0x60200
#define IN6_ANY	   0x60300
#define IN6_MIDDLE 0x60380
#define UN	   0x60400
#define UN_NAME	   0x60500
#define UN_PADDED  0x60600
#define NL	   0x60700
#define UNSPEC	   0x60800
#define VM	   0x60900
#define HOW	   0x61000
#define HOW_NEW	   0x61100
#define CLONE_ARGS 0x61200
#define MSG	   0x61300
#define MSG_NONE   0x61400
#define FLOCK	   0x61500
#define AT_PAGE	   (0x70000 + PAGE - 8) /* half a struct sockaddr_in */

struct memory {
	unsigned char low[0x2000]; /* from 0x10000 */
	char path[PAGE];
	char limit[PAGE];
	unsigned char end[PAGE], over[PAGE];
	unsigned char data[0x2000]; /* from 0x60000 */
	unsigned char half[PAGE];
	size_t step; /* no read gives more bytes than this; 0: all */
};

static const struct {
	uint64_t addr;
	size_t offset, size;
} areas[] = {
#define AREA(addr, member)                                                                  \
	{                                                                                   \
		addr, offsetof(struct memory, member), sizeof(((struct memory *)0)->member) \
	}
	AREA(0x10000, low),  AREA(0x20000, path), AREA(0x30000, limit), AREA(0x40000, end),
	AREA(0x50000, over), AREA(0x60000, data), AREA(0x70000, half),
};

static ssize_t read_fake(void *user, uint64_t addr, void *buf, size_t size)
{
	struct memory *memory = user;

	for (size_t i = 0; i < ARRAY_SIZE(areas); i++) {
		uint64_t at = addr - areas[i].addr;

		if (at >= areas[i].size)
			continue;
		if (size > areas[i].size - at)
			size = areas[i].size - at;
		if (memory->step && size > memory->step)
			size = memory->step;
		memcpy(buf, (char *)memory + areas[i].offset + at, size);
		return (ssize_t)size;
	}
	return -EFAULT;
}

static void put(struct memory *memory, uint64_t addr, const void *data, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(areas); i++)
		if (addr - areas[i].addr < areas[i].size)
			memcpy((char *)memory + areas[i].offset + (addr - areas[i].addr), data,
			       size);
}

#define PUT(memory, addr, ...)                            \
	do {                                              \
		const __VA_ARGS__;                        \
		put(memory, addr, &value, sizeof(value)); \
	} while (0)

static uint16_t be16(uint16_t value)
{
	return (uint16_t)(value << 8 | value >> 8);
}

static void fill_addresses(struct memory *memory)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = be16(80)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = be16(443)};
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/x\"y"};
	uint16_t vm[6] = {AF_VSOCK, 0, 1024, 0, 2, 0};
	struct sockaddr_nl nl = {.nl_family = AF_NETLINK, .nl_pid = 42};
	uint8_t *ip = (uint8_t *)&in.sin_addr, *ip6 = (uint8_t *)&in6.sin6_addr;

	memcpy(ip, (const uint8_t[]){127, 0, 0, 1}, 4);
	put(memory, IN, &in, sizeof(in));
	memcpy(memory->half + PAGE - 8, &in, 8);
	put(memory, IN6_ANY, &in6, sizeof(in6));
	ip6[15] = 1;
	put(memory, IN6, &in6, sizeof(in6));
	memcpy(ip6, (const uint8_t[]){0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1}, 16);
	put(memory, IN6_MIDDLE, &in6, sizeof(in6));
	memcpy(ip6, (const uint8_t[]){0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 7}, 16);
	put(memory, IN6_MAPPED, &in6, sizeof(in6));
	put(memory, UN, &un, sizeof(un));
	memset(un.sun_path, 0, sizeof(un.sun_path));
	memcpy(un.sun_path + 1, "app\0\x1b", 5);
	put(memory, UN_NAME, &un, sizeof(un));
	put(memory, UN_PADDED, &un, sizeof(un));
	put(memory, NL, &nl, sizeof(nl));
	put(memory, VM, vm, sizeof(vm));
}

static struct memory *make_memory(void)
{
	struct memory *memory = calloc(1, sizeof(*memory));

	cr_assert(memory);
	put(memory, SHADOW, "/etc/shadow", 12);
	put(memory, ODD, "a\n\t\"b\\\x7f\xc3\xa4", 10);
	put(memory, RELATIVE, "x y", 4);
	memset(memory->path, 'p', PAGE - 1);
	memset(memory->limit, 'l', 200);
	memset(memory->limit + 0x100, 'o', 201);
	memcpy(memory->end + PAGE - 8, "at end!", 8);
	memcpy(memory->over + PAGE - 8, "over end", 8);
	fill_addresses(memory);
	PUT(memory, HOW, struct open_how value = {.flags = O_RDONLY | O_CLOEXEC});
	PUT(memory, HOW_NEW,
	    struct open_how value = {.flags = O_RDWR | O_CREAT | UINT64_C(1) << 40,
				     .mode = 0600,
				     .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS});
	PUT(memory, CLONE_ARGS,
	    struct clone_args value = {.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD});
	PUT(
		memory, MSG, struct {
			uint64_t name;
			uint32_t size;
		} value = {IN, sizeof(struct sockaddr_in)});
	PUT(memory, FLOCK, int16_t value = F_WRLCK);
	return memory;
}

/* ---- golden lines ---- */

#define P10 "pppppppppp"
#define P50 P10 P10 P10 P10 P10
#define L10 "llllllllll"
#define L50 L10 L10 L10 L10 L10
#define O10 "oooooooooo"
#define O50 O10 O10 O10 O10 O10

static const struct {
	const char *call;
	uint64_t args[6];
	const char *want;
} cases[] = {
	/* The design's own examples. */
	{"openat", {ATFD, SHADOW, O_RDONLY}, "openat(\"/etc/shadow\", O_RDONLY)"},
	{"socket",
	 {AF_NETLINK, SOCK_RAW, NETLINK_ROUTE},
	 "socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)"},

	/* Strings. */
	{"openat", {ATFD, 0, O_RDONLY}, "openat(NULL, O_RDONLY)"},
	{"openat", {ATFD, NOWHERE, O_RDONLY}, "openat(0x666000, O_RDONLY)"},
	{"openat", {ATFD, ~0ULL, O_RDONLY}, "openat(0xffffffffffffffff, O_RDONLY)"},
	{"openat", {ATFD, EMPTY, O_RDONLY}, "openat(\"\", O_RDONLY)"},
	{"openat", {ATFD, ODD}, "openat(\"a\\x0a\\x09\\x22b\\x5c\\x7f\\xc3\\xa4\", O_RDONLY)"},
	{"openat", {ATFD, AT_END}, "openat(\"at end!\", O_RDONLY)"},
	{"openat", {ATFD, OVER_END}, "openat(0x50ff8, O_RDONLY)"},
	{"chdir", {LONG}, "chdir(\"" P50 P50 P50 P50 "\"...)"},
	{"chdir", {LIMIT}, "chdir(\"" L50 L50 L50 L50 "\")"},
	{"chdir", {OVER}, "chdir(\"" O50 O50 O50 O50 "\"...)"},

	/* Descriptors and directories. */
	{"openat", {ATFD32, SHADOW}, "openat(\"/etc/shadow\", O_RDONLY)"},
	{"openat", {GARBAGE | ATFD32, SHADOW}, "openat(\"/etc/shadow\", O_RDONLY)"},
	{"openat", {7, RELATIVE}, "openat(7, \"x y\", O_RDONLY)"},
	{"openat", {GARBAGE | 7, RELATIVE}, "openat(7, \"x y\", O_RDONLY)"},
	{"openat", {~0ULL, RELATIVE}, "openat(-1, \"x y\", O_RDONLY)"},
	{"renameat2",
	 {3, RELATIVE, ATFD, SHADOW, 1},
	 "renameat2(3, \"x y\", \"/etc/shadow\", RENAME_NOREPLACE)"},
	{"linkat",
	 {ATFD, SHADOW, 4, RELATIVE, AT_SYMLINK_FOLLOW},
	 "linkat(\"/etc/shadow\", 4, \"x y\", AT_SYMLINK_FOLLOW)"},
	{"unlinkat", {ATFD, SHADOW, 0}, "unlinkat(\"/etc/shadow\")"},
	{"unlinkat", {ATFD, SHADOW, AT_REMOVEDIR}, "unlinkat(\"/etc/shadow\", AT_REMOVEDIR)"},
	{"newfstatat", {5, EMPTY, NOWHERE, AT_EMPTY_PATH}, "newfstatat(5, \"\", AT_EMPTY_PATH)"},
	{"faccessat2",
	 {ATFD, SHADOW, R_OK | X_OK, AT_EACCESS},
	 "faccessat2(\"/etc/shadow\", R_OK|X_OK, AT_EACCESS)"},
	{"access", {SHADOW, F_OK}, "access(\"/etc/shadow\", F_OK)"},
	{"execve", {SHADOW, NOWHERE, NOWHERE}, "execve(\"/etc/shadow\")"},

	/* open flags and modes */
	{"openat",
	 {ATFD, RELATIVE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644},
	 "openat(\"x y\", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0644)"},
	{"openat",
	 {ATFD, RELATIVE, GARBAGE | O_RDWR | O_CREAT, GARBAGE | 0},
	 "openat(\"x y\", O_RDWR|O_CREAT, 0)"},
	{"openat",
	 {ATFD, RELATIVE, O_RDWR | O_TMPFILE, 0600},
	 "openat(\"x y\", O_RDWR|O_TMPFILE, 0600)"},
	{"openat", {ATFD, RELATIVE, O_DIRECTORY, 0600}, "openat(\"x y\", O_RDONLY|O_DIRECTORY)"},
	{"openat", {ATFD, RELATIVE, O_WRONLY | O_SYNC}, "openat(\"x y\", O_WRONLY|O_SYNC)"},
	{"openat", {ATFD, RELATIVE, O_WRONLY | O_DSYNC}, "openat(\"x y\", O_WRONLY|O_DSYNC)"},
	{"openat", {ATFD, RELATIVE, 3}, "openat(\"x y\", O_ACCMODE)"},
	{"openat", {ATFD, RELATIVE, 0x40000000 | O_RDONLY}, "openat(\"x y\", O_RDONLY|0x40000000)"},
	{"openat2", {ATFD, SHADOW, HOW, 24}, "openat2(\"/etc/shadow\", O_RDONLY|O_CLOEXEC)"},
	{"openat2",
	 {ATFD, RELATIVE, HOW_NEW, 24},
	 "openat2(\"x y\", O_RDWR|O_CREAT|0x10000000000, 0600, "
	 "RESOLVE_NO_SYMLINKS|RESOLVE_BENEATH)"},
	{"openat2", {ATFD, RELATIVE, NOWHERE, 24}, "openat2(\"x y\", 0x666000)"},
	{"mkdirat", {ATFD, RELATIVE, 0755}, "mkdirat(\"x y\", 0755)"},
	{"fchmodat", {ATFD, RELATIVE, GARBAGE | 04755}, "fchmodat(\"x y\", 04755)"},
	{"fchownat",
	 {ATFD, RELATIVE, (uint32_t)-1, 100, AT_SYMLINK_NOFOLLOW},
	 "fchownat(\"x y\", -1, 100, AT_SYMLINK_NOFOLLOW)"},
	{"mknodat", {ATFD, RELATIVE, S_IFIFO | 0644}, "mknodat(\"x y\", S_IFIFO|0644)"},
	{"mknodat",
	 {ATFD, RELATIVE, S_IFCHR | 0600, 0x103},
	 "mknodat(\"x y\", S_IFCHR|0600, 0x103)"},
	{"mknodat", {ATFD, RELATIVE, 0644}, "mknodat(\"x y\", 0644)"},
	{"setxattr",
	 {RELATIVE, SHADOW, NOWHERE, 4, 1},
	 "setxattr(\"x y\", \"/etc/shadow\", 4, XATTR_CREATE)"},

	/* sockets */
	{"socket",
	 {AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0},
	 "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC)"},
	{"socket", {AF_INET6, SOCK_RAW, 58}, "socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6)"},
	{"socket",
	 {GARBAGE | AF_INET, GARBAGE | SOCK_DGRAM, GARBAGE | IPPROTO_UDP},
	 "socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP)"},
	{"socket",
	 {AF_NETLINK, SOCK_RAW, NETLINK_AUDIT},
	 "socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT)"},
	{"socket", {AF_PACKET, SOCK_RAW, 0x300}, "socket(AF_PACKET, SOCK_RAW, 768)"},
	{"socket",
	 {AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK},
	 "socket(AF_UNIX, SOCK_SEQPACKET|SOCK_NONBLOCK)"},
	{"socket", {99, 0xf, 0}, "socket(99, 15)"},
	{"socket", {AF_INET, SOCK_STREAM, 262}, "socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP)"},
	{"connect", {3, IN, 16}, "connect(3, AF_INET 127.0.0.1:80)"},
	{"connect", {3, IN, 8}, "connect(3, AF_INET)"},
	{"connect", {3, IN, 1}, "connect(3, 0x60000)"},
	{"connect", {3, IN, GARBAGE | 16}, "connect(3, AF_INET 127.0.0.1:80)"},
	{"connect", {3, IN, (uint32_t)-1}, "connect(3, 0x60000)"},
	{"connect", {3, IN, 129}, "connect(3, 0x60000)"},
	{"connect", {3, AT_PAGE, 16}, "connect(3, 0x70ff8)"},
	{"connect", {3, AT_PAGE, 8}, "connect(3, AF_INET)"},
	{"connect", {3, NOWHERE, 16}, "connect(3, 0x666000)"},
	{"connect", {3, 0, 16}, "connect(3)"},
	{"bind", {3, IN6, 28}, "bind(3, AF_INET6 [::1]:443)"},
	{"bind", {3, IN6, 24}, "bind(3, AF_INET6 [::1]:443)"},
	{"bind", {3, IN6_ANY, 28}, "bind(3, AF_INET6 [::]:443)"},
	{"bind", {3, IN6_MIDDLE, 28}, "bind(3, AF_INET6 [2001:db8:0:1::1]:443)"},
	{"bind", {3, IN6_MAPPED, 28}, "bind(3, AF_INET6 [::ffff:10.0.0.7]:443)"},
	{"connect", {3, UN, sizeof(struct sockaddr_un)}, "connect(3, AF_UNIX \"/run/x\\x22y\")"},
	{"connect", {3, UN, 6}, "connect(3, AF_UNIX \"/run\")"},
	{"connect", {3, UN, 2}, "connect(3, AF_UNIX)"},
	{"connect", {3, UN_NAME, 6}, "connect(3, AF_UNIX @app)"},
	{"connect", {3, UN_NAME, 8}, "connect(3, AF_UNIX @app\\x00\\x1b)"},
	{"connect",
	 {3, UN_PADDED, sizeof(struct sockaddr_un)},
	 "connect(3, AF_UNIX @app\\x00\\x1b\\x00...)"},
	{"connect", {3, NL, 12}, "connect(3, AF_NETLINK pid 42)"},
	{"connect", {3, VM, 16}, "connect(3, AF_VSOCK 2:1024)"},
	{"connect", {3, UNSPEC, 16}, "connect(3, AF_UNSPEC)"},
	{"sendto",
	 {3, NOWHERE, 5, MSG_NOSIGNAL, IN, 16},
	 "sendto(3, 5, MSG_NOSIGNAL, AF_INET 127.0.0.1:80)"},
	{"sendto", {3, NOWHERE, 5, 0, 0, 0}, "sendto(3, 5)"},
	{"sendmsg", {3, MSG, MSG_DONTWAIT}, "sendmsg(3, AF_INET 127.0.0.1:80, MSG_DONTWAIT)"},
	{"sendmsg", {3, MSG_NONE, 0}, "sendmsg(3)"},
	{"sendmsg", {3, NOWHERE, 0}, "sendmsg(3, 0x666000)"},
	{"setsockopt", {3, SOL_SOCKET, SO_REUSEADDR}, "setsockopt(3, SOL_SOCKET, SO_REUSEADDR)"},
	{"setsockopt", {3, SOL_SOCKET, SO_MARK}, "setsockopt(3, SOL_SOCKET, SO_MARK)"},
	{"setsockopt", {3, 0, 1}, "setsockopt(3, IPPROTO_IP, IP_TOS)"},
	{"setsockopt", {3, 0, 270}, "setsockopt(3, IPPROTO_IP, 270)"},
	{"setsockopt", {3, 41, 27}, "setsockopt(3, IPPROTO_IPV6, IPV6_JOIN_ANYCAST)"},
	{"setsockopt", {3, 6, 31}, "setsockopt(3, IPPROTO_TCP, TCP_ULP)"},
	{"getsockopt", {3, 6, 18}, "getsockopt(3, IPPROTO_TCP, TCP_USER_TIMEOUT)"},
	{"getsockopt", {3, 77, 5}, "getsockopt(3, 77, 5)"},
	{"accept4", {3, NOWHERE, NOWHERE, SOCK_CLOEXEC}, "accept4(3, SOCK_CLOEXEC)"},
	{"shutdown", {3, SHUT_WR}, "shutdown(3, SHUT_WR)"},

	/* commands and what is behind them */
	{"ioctl", {0, TIOCSTI, NOWHERE}, "ioctl(0, TIOCSTI)"},
	{"ioctl", {0, GARBAGE | TIOCSTI, NOWHERE}, "ioctl(0, TIOCSTI)"},
	{"ioctl", {5, TIOCSTI, NOWHERE}, "ioctl(5, TIOCSTI)"},
	{"ioctl", {5, 0xc0106407, NOWHERE}, "ioctl(5, 0xc0106407)"},
	{"ioctl", {5, 0, NOWHERE}, "ioctl(5, 0)"},
	{"ioctl", {5, 0x8946}, "ioctl(5, SIOCETHTOOL)"},
	{"fcntl", {3, F_SETFL, O_NONBLOCK | O_APPEND}, "fcntl(3, F_SETFL, O_APPEND|O_NONBLOCK)"},
	{"fcntl", {3, F_GETFL, NOWHERE}, "fcntl(3, F_GETFL)"},
	{"fcntl", {3, F_DUPFD_CLOEXEC, 10}, "fcntl(3, F_DUPFD_CLOEXEC, 10)"},
	{"fcntl", {3, F_SETLKW, FLOCK}, "fcntl(3, F_SETLKW, F_WRLCK)"},
	{"fcntl", {3, F_SETLKW, NOWHERE}, "fcntl(3, F_SETLKW, 0x666000)"},
	{"fcntl", {3, F_ADD_SEALS, 9}, "fcntl(3, F_ADD_SEALS, F_SEAL_SEAL|F_SEAL_WRITE)"},
	{"fcntl", {3, 4242}, "fcntl(3, 4242)"},
	{"prctl", {PR_SET_NAME, RELATIVE}, "prctl(PR_SET_NAME, \"x y\")"},
	{"prctl", {PR_SET_PDEATHSIG, SIGTERM}, "prctl(PR_SET_PDEATHSIG, SIGTERM)"},
	{"prctl", {PR_SET_PTRACER, ~0ULL}, "prctl(PR_SET_PTRACER, -1)"},
	{"prctl", {PR_CAP_AMBIENT, 2, 3}, "prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE)"},
	{"prctl", {PR_CAP_AMBIENT, 7}, "prctl(PR_CAP_AMBIENT, 7)"},
	{"prctl", {PR_CAPBSET_DROP, 21}, "prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN)"},
	{"prctl", {PR_GET_SECCOMP, 5}, "prctl(PR_GET_SECCOMP)"},
	{"seccomp", {1, 1}, "seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC)"},
#ifdef __x86_64__
	{"arch_prctl", {0x1002, NOWHERE}, "arch_prctl(ARCH_SET_FS)"},
	{"arch_prctl", {0x5001}, "arch_prctl(ARCH_SHSTK_ENABLE)"},
#endif

	/* memory, processes, time */
	{"mmap",
	 {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, ~0ULL, 0},
	 "mmap(4096, PROT_READ|PROT_EXEC, MAP_PRIVATE|MAP_ANONYMOUS)"},
	{"mmap",
	 {0x1000, 1, PROT_NONE, MAP_SHARED_VALIDATE, 3, 0},
	 "mmap(0x1000, 1, PROT_NONE, MAP_SHARED_VALIDATE, 3)"},
	{"mprotect", {0x1000, 4096, PROT_EXEC}, "mprotect(0x1000, 4096, PROT_EXEC)"},
	{"mprotect", {0x1000, 4096, 0}, "mprotect(0x1000, 4096, PROT_NONE)"},
	{"clone", {CLONE_VM | CLONE_VFORK | SIGCHLD}, "clone(CLONE_VM|CLONE_VFORK|SIGCHLD)"},
	{"clone", {SIGCHLD}, "clone(SIGCHLD)"},
	{"clone", {CLONE_NEWUSER}, "clone(CLONE_NEWUSER)"},
	{"clone3", {CLONE_ARGS, 88}, "clone3(CLONE_VM|CLONE_VFORK|SIGCHLD)"},
	{"clone3", {NOWHERE, 88}, "clone3(0x666000)"},
	{"unshare", {CLONE_NEWUSER | CLONE_NEWNS}, "unshare(CLONE_NEWNS|CLONE_NEWUSER)"},
	{"kill", {GARBAGE | 1, SIGKILL}, "kill(1, SIGKILL)"},
	{"kill", {(uint64_t)-1, 0}, "kill(-1, 0)"},
	{"kill", {1, 40}, "kill(1, 40)"},
	{"prlimit64", {0, RLIMIT_NOFILE, NOWHERE, 0}, "prlimit64(0, RLIMIT_NOFILE)"},
	{"setrlimit", {RLIMIT_CORE, NOWHERE}, "setrlimit(RLIMIT_CORE)"},
	{"clock_settime", {0, NOWHERE}, "clock_settime(CLOCK_REALTIME)"},
	{"lseek", {3, (uint64_t)-5, SEEK_END}, "lseek(3, -5, SEEK_END)"},
	{"ptrace", {16, 77}, "ptrace(PTRACE_ATTACH, 77)"},
	{"mount",
	 {RELATIVE, SHADOW, 0, 1 | 4096, 0},
	 "mount(\"x y\", \"/etc/shadow\", NULL, MS_RDONLY|MS_BIND)"},
	{"personality", {0x40000}, "personality(0x40000)"},
	{"write", {1, NOWHERE, 12}, "write(1, 12)"},
	{"getpid", {1, 2, 3}, "getpid()"},
	{"futex", {0x1000, 0, 5}, "futex(0x1000, FUTEX_WAIT, 5)"},
};

static int find_number(const char *name)
{
	for (int nr = 0; nr < 1024; nr++) {
		const char *have = decode_call_name(nr);

		if (have && strcmp(have, name) == 0)
			return nr;
	}
	return -1;
}

static void check_cases(size_t step)
{
	struct memory *memory = make_memory();
	struct decode_source source = {.read = read_fake, .user = memory};
	size_t run = 0;

	memory->step = step;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char line[TEXT_MAX];
		int nr = find_number(cases[i].call);
		size_t len;

		if (nr < 0)
			continue; /* another architecture's */
		run++;
		len = decode_call(nr, cases[i].args, &source, line, sizeof(line));
		cr_expect_str_eq(line, cases[i].want, "%s, case %zu: %s", cases[i].call, i, line);
		cr_expect_eq(len, strlen(line), "%s, case %zu: %zu", cases[i].call, i, len);
	}
	cr_expect_gt(run, 100, "only %zu cases have a number here", run);
	free(memory);
}

Test(decode, golden)
{
	check_cases(0);
}

/* A source may give less than was asked for. */
Test(decode, golden_by_small_reads)
{
	check_cases(3);
}

Test(decode, without_memory)
{
	struct decode_source source = {0};
	uint64_t args[6] = {ATFD, SHADOW, O_RDONLY};
	char line[TEXT_MAX];

	decode_call(find_number("openat"), args, &source, line, sizeof(line));
	cr_expect_str_eq(line, "openat(0x10000, O_RDONLY)", "%s", line);
}

Test(decode, numbers_without_a_call)
{
	static const struct {
		int nr;
		const char *want;
	} rows[] = {{600, "syscall_600()"},
		    {-1, "syscall_-1()"},
		    {INT32_MIN, "syscall_-2147483648()"},
		    {INT32_MAX, "syscall_2147483647()"}};
	struct decode_source source = {0};
	uint64_t args[6] = {1, 2, 3, 4, 5, 6};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char line[64];

		decode_call(rows[i].nr, args, &source, line, sizeof(line));
		cr_expect_str_eq(line, rows[i].want, "%d: %s", rows[i].nr, line);
	}
}

/* ---- every row, whatever the arguments ---- */

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* Any bytes, any length; always the same at one address, so that two looks agree. */
static ssize_t read_random(void *user, uint64_t addr, void *buf, size_t size)
{
	uint64_t state = addr & ~UINT64_C(0xfff);
	uint64_t kind = next_random(&state) % 4;
	size_t left = 0x1000 - (size_t)(addr & 0xfff);

	(void)user;
	if (kind == 0)
		return -EFAULT;
	if (kind == 1 && size > left)
		size = left;
	for (size_t i = 0; i < size; i++) {
		uint64_t byte = addr + i;

		((unsigned char *)buf)[i] = (unsigned char)(next_random(&byte) >> 7);
	}
	return (ssize_t)size;
}

static uint64_t random_argument(uint64_t *state)
{
	uint64_t value = next_random(state);

	switch (next_random(state) % 6) {
	case 0:
		return value;
	case 1:
		return value & 0xffff;
	case 2:
		return value % 64;
	case 3:
		return 0;
	case 4:
		return ~UINT64_C(0);
	default:
		return UINT64_C(1) << value % 64;
	}
}

/* @line is @whole, or as much of it as fits before the dots. */
static bool is_cut_of(const char *line, size_t size, const char *whole)
{
	size_t last = size - 1, dots = last < 3 ? last : 3;

	if (strlen(whole) < size)
		return strcmp(line, whole) == 0;
	return strlen(line) == last && strncmp(line, whole, last - dots) == 0 &&
	       strspn(line + last - dots, ".") == dots;
}

static void check_random(int nr, const uint64_t args[6], size_t size)
{
	struct decode_source source = {.read = read_random};
	char whole[TEXT_MAX];
	char *line = malloc(size); /* of just that size, for the sanitizer */
	size_t len;

	cr_assert(line);
	decode_call(nr, args, &source, whole, sizeof(whole));
	memset(line, 'x', size);
	len = decode_call(nr, args, &source, line, size);
	cr_assert_lt(len, size, "%d", nr);
	cr_assert_eq(len, strlen(line), "%d", nr);
	cr_expect(is_cut_of(line, size, whole), "%zu bytes: %s of %s", size, line, whole);
	for (size_t i = 0; i < len; i++)
		cr_assert(line[i] >= ' ' && line[i] < 0x7f, "%d: byte %02x", nr,
			  (unsigned char)line[i]);
	free(line);
}

Test(decode, every_row_with_any_arguments)
{
	uint64_t state = 7;
	size_t seen = 0;

	for (size_t tag = 1; tag < table_rows_count; tag++) {
		const struct row *row = &table_rows[tag];
		int nr = find_number(row->name);

		for (size_t round = 0; nr >= 0 && round < 60; round++) {
			uint64_t args[6];

			for (unsigned i = 0; i < 6; i++)
				args[i] = random_argument(&state);
			/* Half of them as the row wants them, garbage above. */
			for (unsigned i = 0; round % 2 && i < row->n_matches; i++)
				args[row->match[i].arg] =
					row->match[i].value | (args[5] & ~row->match[i].mask);
			check_random(nr, args, 1 + (seen++ % 300));
		}
	}
	cr_expect_gt(seen, 10000, "only %zu", seen);
}

Test(decode, no_room_at_all)
{
	struct decode_source source = {0};
	uint64_t args[6] = {0};
	char line[1] = {'x'};

	cr_expect_eq(decode_call(0, args, &source, line, 0), 0);
	cr_expect_eq(line[0], 'x', "written beyond a buffer of no bytes");
}

/* ---- the tables ---- */

static void check_names(const char *arch_name, uint32_t arch, const struct master *master)
{
	size_t seen = 0;

	for (int nr = 0; nr < 600; nr++) {
		char *want = seccomp_syscall_resolve_num_arch(arch, nr);
		const char *got = "";

		if ((size_t)nr < master->n_name_at)
			got = master->names + master->name_at[nr];
		if (want) {
			seen++;
			cr_expect_str_eq(got, want, "%s: %d", arch_name, nr);
		} else if (got[0]) {
			cr_expect_eq(table_young_number(got), nr, "%s: %d is no %s", arch_name, nr,
				     got);
		}
		free(want);
	}
	cr_expect_gt(seen, 300, "%s: libseccomp named only %zu", arch_name, seen);
}

Test(decode, names_of_calls)
{
	const struct master aarch64 = MASTER(aarch64);

	check_names("aarch64", SCMP_ARCH_AARCH64, &aarch64);
#ifdef __x86_64__
	const struct master x86_64 = MASTER(x86_64);

	check_names("x86_64", SCMP_ARCH_X86_64, &x86_64);
#endif
}

/* What the table of calls has a word for comes out as that word. */
Test(decode, words_of_the_table)
{
	const struct master master = MASTER_HERE;
	struct decode_source source = {0};

	cr_expect_gt(master.n_words, 150, "only %zu words", master.n_words);
	for (size_t i = 0; i < master.n_words; i++) {
		const struct master_word *word = &master.words[i];
		uint64_t args[6] = {77, 77, 77, 77, 77, 77};
		char line[TEXT_MAX];

		cr_assert_lt(strnlen(word->name, sizeof(word->name)), sizeof(word->name));
		args[word->arg] = GARBAGE | word->value;
		if (word->level || word->arg == 2)
			args[word->arg - 1] = word->level;
		decode_call(word->nr, args, &source, line, sizeof(line));
		cr_expect(strstr(line, word->name), "no %s in %s", word->name, line);
	}
}

Test(decode, every_call_has_a_signature)
{
	for (size_t tag = 1; tag < table_rows_count; tag++) {
		size_t found = 0;

		for (size_t i = 0; i < decode_signatures_count; i++)
			found += strcmp(decode_signatures[i].name, table_rows[tag].name) == 0;
		cr_expect_eq(found, 1, "%s: %zu signatures", table_rows[tag].name, found);
	}
	for (size_t i = 0; i < decode_signatures_count; i++) {
		const struct decode_signature *signature = &decode_signatures[i];
		size_t found = 0;

		for (size_t tag = 1; tag < table_rows_count; tag++)
			found += strcmp(signature->name, table_rows[tag].name) == 0;
		cr_expect_gt(found, 0, "%s is not in the table", signature->name);
		for (unsigned arg = 0; arg < 6; arg++)
			cr_expect_lt(signature->kinds[arg], KIND_COUNT, "%s", signature->name);
	}
}

static bool has_word(const char *name)
{
	const struct master master = MASTER_HERE;

	for (size_t i = 0; i < master.n_words; i++)
		if (strcmp(master.words[i].name, name) == 0)
			return true;
	return false;
}

static void check_constant(const struct decode_constant *a, const struct decode_constant *b)
{
	bool flags = a->kind >= KIND_FLAGS;

	if (a->kind != b->kind)
		return;
	cr_expect_neq(a->value, b->value, "%s and %s", a->name, b->name);
	cr_expect_str_neq(a->name, b->name, "%s twice", a->name);
	cr_expect(!flags || a->value == 0 || (a->value & b->value) != a->value,
		  "%s hides %s, which comes later", a->name, b->name);
}

Test(decode, constants)
{
	for (size_t i = 0; i < decode_constants_count; i++) {
		const struct decode_constant *constant = &decode_constants[i];
		uint8_t kind = constant->kind;

		cr_assert_lt(strnlen(constant->name, sizeof(constant->name)),
			     sizeof(constant->name));
		cr_expect(kind >= KIND_ENUMS && kind < KIND_COUNT, "%s", constant->name);
		if (kind == K_IOCTL || kind == K_FCNTL || kind == K_PRCTL || kind == K_ARCH_PRCTL)
			cr_expect(!has_word(constant->name), "%s is in the table of calls, too",
				  constant->name);
		for (size_t j = i + 1; j < decode_constants_count; j++)
			check_constant(constant, &decode_constants[j]);
	}
}
