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
#define LIMITS	   0x61600
#define HINT	   0x61700
#define HINT_ODD   0x61708
#define CLONE_HIGH 0x61800
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
	PUT(memory, LIMITS, struct rlimit value = {1024, RLIM_INFINITY});
	PUT(memory, HINT, uint64_t value = 5);
	PUT(memory, HINT_ODD, uint64_t value = UINT64_C(1) << 32);
	PUT(memory, CLONE_HIGH,
	    struct clone_args value = {.flags = CLONE_VM | UINT64_C(0x700000000)});
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
	{"socket", {AF_PACKET, SOCK_RAW, 0x300}, "socket(AF_PACKET, SOCK_RAW, ETH_P_ALL)"},
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
	{"ioctl", {5, 0, NOWHERE}, "ioctl(5, 0x0)"},
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
	{"prctl",
	 {PR_CAP_AMBIENT, 2, 3},
	 "prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_FOWNER)"},
	{"prctl", {PR_CAP_AMBIENT, 3, 99}, "prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, 99)"},
	{"prctl", {PR_CAP_AMBIENT, 4, 0}, "prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)"},
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
	{"kill", {1, 40}, "kill(1, SIGRTMIN+6)"},
	{"prlimit64", {0, RLIMIT_NOFILE, NOWHERE, 0}, "prlimit64(0, RLIMIT_NOFILE, 0x666000)"},
	{"setrlimit", {RLIMIT_CORE, NOWHERE}, "setrlimit(RLIMIT_CORE, 0x666000)"},
	{"clock_settime", {0, NOWHERE}, "clock_settime(CLOCK_REALTIME)"},
	{"lseek", {3, (uint64_t)-5, SEEK_END}, "lseek(3, -5, SEEK_END)"},
	{"ptrace", {16, 77}, "ptrace(PTRACE_ATTACH, 77)"},
	{"mount",
	 {RELATIVE, SHADOW, 0, 1 | 4096, 0},
	 "mount(\"x y\", \"/etc/shadow\", NULL, MS_RDONLY|MS_BIND)"},
	{"personality", {0x40000}, "personality(ADDR_NO_RANDOMIZE)"},
	{"write", {1, NOWHERE, 12}, "write(1, 12)"},
	{"getpid", {1, 2, 3}, "getpid()"},
	{"futex", {0x1000, 0, 5}, "futex(0x1000, FUTEX_WAIT, 5)"},

	/* limits: asking says less than setting */
	{"prlimit64",
	 {0, RLIMIT_NOFILE, LIMITS, 0},
	 "prlimit64(0, RLIMIT_NOFILE, {cur=1024, max=RLIM_INFINITY})"},
	{"prlimit64", {0, RLIMIT_NOFILE, 0, LIMITS}, "prlimit64(0, RLIMIT_NOFILE)"},
	{"setrlimit",
	 {RLIMIT_CORE, LIMITS},
	 "setrlimit(RLIMIT_CORE, {cur=1024, max=RLIM_INFINITY})"},

	/* ioctl: names, and what has none as its macro or in hex */
	{"ioctl", {5, 0x54a0}, "ioctl(5, SNDRV_TIMER_IOCTL_START)"},
	{"ioctl", {5, 0x54a1}, "ioctl(5, SNDRV_TIMER_IOCTL_STOP)"},
	{"ioctl", {5, 0x54a2}, "ioctl(5, SNDRV_TIMER_IOCTL_CONTINUE)"},
	{"ioctl", {5, 0x54a3}, "ioctl(5, SNDRV_TIMER_IOCTL_PAUSE)"},
	{"ioctl", {5, 0x80045430}, "ioctl(5, TIOCGPTN)"},
	{"ioctl", {5, 0x81204101}, "ioctl(5, SNDRV_PCM_IOCTL_INFO)"},
	{"ioctl", {5, 0x81785501}, "ioctl(5, SNDRV_CTL_IOCTL_CARD_INFO)"},
	{"ioctl", {5, 0x80685600}, "ioctl(5, VIDIOC_QUERYCAP)"},
	{"ioctl", {5, 0xc0406400}, "ioctl(5, DRM_IOCTL_VERSION)"},
	{"ioctl", {5, 0xc06864b8}, "ioctl(5, DRM_IOCTL_MODE_ADDFB2)"},
	{"ioctl", {5, 0xc1007c00}, "ioctl(5, MEDIA_IOC_DEVICE_INFO)"},
	{"ioctl", {5, 0x40049409}, "ioctl(5, FICLONE)"},
	{"ioctl", {5, 0x80086601}, "ioctl(5, FS_IOC_GETFLAGS)"},
	{"ioctl", {5, 0x125f}, "ioctl(5, BLKRRPART)"},
	{"ioctl", {5, 0x4c00}, "ioctl(5, LOOP_SET_FD)"},
	{"ioctl", {5, 0x400454ca}, "ioctl(5, TUNSETIFF)"},
	{"ioctl", {5, 0x8914}, "ioctl(5, SIOCSIFFLAGS)"},
	{"ioctl", {5, 0x2285}, "ioctl(5, SG_IO)"},
	{"ioctl", {5, 0x40044590}, "ioctl(5, EVIOCGRAB)"},
	{"ioctl", {5, 0xc0105500}, "ioctl(5, _IOWR('U', 0x0, 16))"},
	{"ioctl", {5, 0xc0185500}, "ioctl(5, USBDEVFS_CONTROL)"},
	{"ioctl", {5, 0x2400}, "ioctl(5, PERF_EVENT_IOC_ENABLE)"},
	{"ioctl", {5, 0xc0606610}, "ioctl(5, PAGEMAP_SCAN)"},
	{"ioctl", {5, 0x54ff}, "ioctl(5, _IO('T', 0xff))"},
	{"ioctl", {5, 0x400456fe}, "ioctl(5, _IOW('V', 0xfe, 4))"},
	{"ioctl", {5, 0x9fff56fe}, "ioctl(5, _IOR('V', 0xfe, 8191))"},
	{"ioctl", {5, 0xc0303e01}, "ioctl(5, _IOWR('>', 0x1, 48))"},
	{"ioctl", {5, 0x000456fe}, "ioctl(5, 0x456fe)"}, /* no macro makes this */
	{"ioctl", {5, 0x89ff}, "ioctl(5, 0x89ff)"},
	{"ioctl", {5, 0x27ff}, "ioctl(5, 0x27ff)"},
	{"ioctl", {5, 77}, "ioctl(5, 0x4d)"},

	/* flags by the names of their own calls */
	{"eventfd2", {0, 02004001}, "eventfd2(0, EFD_CLOEXEC|EFD_NONBLOCK|EFD_SEMAPHORE)"},
	{"epoll_create1", {02000000}, "epoll_create1(EPOLL_CLOEXEC)"},
	{"inotify_init1", {02004000}, "inotify_init1(IN_CLOEXEC|IN_NONBLOCK)"},
	{"signalfd4", {~0ULL, 0, 8, 02000000}, "signalfd4(SFD_CLOEXEC)"},
	{"timerfd_create",
	 {1, 02004000},
	 "timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC|TFD_NONBLOCK)"},
	{"timerfd_settime",
	 {3, 3},
	 "timerfd_settime(3, TFD_TIMER_ABSTIME|TFD_TIMER_CANCEL_ON_SET)"},
	{"pidfd_open", {7, 04200}, "pidfd_open(7, PIDFD_NONBLOCK|PIDFD_THREAD)"},
	{"pidfd_send_signal",
	 {3, 9, 0, 4},
	 "pidfd_send_signal(3, SIGKILL, PIDFD_SIGNAL_PROCESS_GROUP)"},
	{"pipe2", {NOWHERE, 02000200}, "pipe2(O_CLOEXEC|O_NOTIFICATION_PIPE)"},
	{"userfaultfd", {02004001}, "userfaultfd(O_CLOEXEC|O_NONBLOCK|UFFD_USER_MODE_ONLY)"},
	{"mlock2", {0x1000, 8, 1}, "mlock2(0x1000, 8, MLOCK_ONFAULT)"},
	{"preadv2", {3, 0, 1, 0, 0, 8 | 0x80}, "preadv2(3, 1, 0, RWF_NOWAIT|RWF_DONTCACHE)"},
	{"pkey_alloc", {0, 3}, "pkey_alloc(PKEY_DISABLE_ACCESS|PKEY_DISABLE_WRITE)"},
	{"map_shadow_stack", {0, 4096, 1}, "map_shadow_stack(4096, SHADOW_STACK_SET_TOKEN)"},
	{"landlock_create_ruleset",
	 {0, 0, 1},
	 "landlock_create_ruleset(0, LANDLOCK_CREATE_RULESET_VERSION)"},
	{"landlock_restrict_self",
	 {3, 2},
	 "landlock_restrict_self(3, LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON)"},
	{"seccomp",
	 {1, 040},
	 "seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)"},
	{"open_tree",
	 {ATFD, RELATIVE, 02100001},
	 "open_tree(\"x y\", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_RECURSIVE)"},
	{"move_mount",
	 {3, EMPTY, ATFD, SHADOW, 4},
	 "move_mount(3, \"\", \"/etc/shadow\", MOVE_MOUNT_F_EMPTY_PATH)"},
	{"fsopen", {RELATIVE, 1}, "fsopen(\"x y\", FSOPEN_CLOEXEC)"},
	{"fsmount", {3, 1, 9}, "fsmount(3, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY|MOUNT_ATTR_NOEXEC)"},
	{"fspick", {ATFD, RELATIVE, 3}, "fspick(\"x y\", FSPICK_CLOEXEC|FSPICK_SYMLINK_NOFOLLOW)"},
	{"fsconfig", {3, 8}, "fsconfig(3, FSCONFIG_CMD_CREATE_EXCL, NULL)"},
	{"swapon", {RELATIVE, 0x18005}, "swapon(\"x y\", SWAP_FLAG_PREFER|SWAP_FLAG_DISCARD|0x5)"},
	{"fanotify_init",
	 {3, O_RDONLY | O_CLOEXEC},
	 "fanotify_init(FAN_CLOEXEC|FAN_NONBLOCK, O_RDONLY|O_CLOEXEC)"},
	{"fanotify_init", {0, O_RDONLY}, "fanotify_init(FAN_CLASS_NOTIF, O_RDONLY)"},
	{"fanotify_mark",
	 {3, 0x11, 0x40000018, ATFD, SHADOW},
	 "fanotify_mark(3, FAN_MARK_ADD|FAN_MARK_MOUNT, FAN_CLOSE|FAN_ONDIR, \"/etc/shadow\")"},
	{"name_to_handle_at",
	 {ATFD, RELATIVE, 0, 0, 0x201},
	 "name_to_handle_at(\"x y\", AT_HANDLE_FID|AT_HANDLE_MNT_ID_UNIQUE)"},
	{"execveat", {3, EMPTY, 0, 0, 0x11000}, "execveat(3, \"\", AT_EMPTY_PATH|AT_EXECVE_CHECK)"},
	{"finit_module",
	 {3, EMPTY, 5},
	 "finit_module(3, \"\", MODULE_INIT_IGNORE_MODVERSIONS|MODULE_INIT_COMPRESSED_FILE)"},
	{"init_module", {NOWHERE, 4711, RELATIVE}, "init_module(4711, \"x y\")"},
	{"kexec_load", {0, 2, 0, 1}, "kexec_load(2, KEXEC_ON_CRASH)"},
	{"kexec_file_load",
	 {3, ~0ULL, 4, RELATIVE, 4},
	 "kexec_file_load(3, \"x y\", KEXEC_FILE_NO_INITRAMFS)"},
	{"perf_event_open",
	 {0, 0, ~0ULL, ~0ULL, 8},
	 "perf_event_open(0, -1, PERF_FLAG_FD_CLOEXEC)"},
	{"clone3",
	 {CLONE_HIGH, 88},
	 "clone3(CLONE_CLEAR_SIGHAND|CLONE_INTO_CGROUP|CLONE_VM|0x400000000)"},
	{"mmap",
	 {0, 1, 3, 0x54040022, ~0ULL},
	 "mmap(1, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_HUGETLB|MAP_HUGE_2MB)"},
	{"mmap",
	 {0, 1, 3, 0x78040022, ~0ULL},
	 "mmap(1, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_HUGETLB|MAP_HUGE_1GB)"},
	{"mmap", {0, 1, 0, 0x54000008, ~0ULL}, "mmap(1, PROT_NONE, MAP_DROPPABLE|0x54000000)"},
	{"memfd_create",
	 {RELATIVE, 0x40000004},
	 "memfd_create(\"x y\", MFD_HUGETLB|MFD_HUGE_64KB)"},
	{"memfd_create", {RELATIVE, 3}, "memfd_create(\"x y\", MFD_CLOEXEC|MFD_ALLOW_SEALING)"},

	/* descriptors that are unsigned */
	{"close_range", {3, 0xffffffff, 4}, "close_range(3, ~0U, CLOSE_RANGE_CLOEXEC)"},
	{"close_range", {3, 9, 0}, "close_range(3, 9)"},

	/* fcntl and prctl: what stands behind the command, also when it is nothing */
	{"fcntl", {3, F_SETFD, 1}, "fcntl(3, F_SETFD, FD_CLOEXEC)"},
	{"fcntl", {3, F_SETFD, 0}, "fcntl(3, F_SETFD, 0)"},
	{"fcntl", {3, F_SETFL, 0}, "fcntl(3, F_SETFL, 0)"},
	{"fcntl", {3, F_GETFD, 0}, "fcntl(3, F_GETFD)"},
	{"fcntl", {3, F_SETSIG, 34}, "fcntl(3, F_SETSIG, SIGRTMIN)"},
	{"fcntl",
	 {3, F_NOTIFY, 0x80000006},
	 "fcntl(3, F_NOTIFY, DN_MODIFY|DN_CREATE|DN_MULTISHOT)"},
	{"fcntl", {3, 1036, HINT}, "fcntl(3, F_SET_RW_HINT, RWH_WRITE_LIFE_EXTREME)"},
	{"fcntl", {3, 1036, HINT_ODD}, "fcntl(3, F_SET_RW_HINT, 0x100000000)"},
	{"fcntl", {3, 1038, 0}, "fcntl(3, F_SET_FILE_RW_HINT, NULL)"},
	{"prctl", {PR_SET_SECCOMP, 1}, "prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)"},
	{"prctl",
	 {PR_SET_SECUREBITS, 3},
	 "prctl(PR_SET_SECUREBITS, SECBIT_NOROOT|SECBIT_NOROOT_LOCKED)"},
	{"prctl", {PR_SET_SECUREBITS, 0}, "prctl(PR_SET_SECUREBITS, 0)"},
	{"prctl", {PR_SET_MM, 6, 0x1000}, "prctl(PR_SET_MM, PR_SET_MM_START_BRK, 0x1000)"},
	{"prctl", {PR_SET_MM, 13, 4}, "prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, 4)"},
	{"prctl", {0x53564d41, 0, 0x1000}, "prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, 0x1000)"},
	{"prctl", {53, 1}, "prctl(PR_SET_SPECULATION_CTRL, PR_SPEC_INDIRECT_BRANCH)"},
	{"prctl", {62, 1}, "prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE)"},
	{"prctl", {59, 1}, "prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON)"},
	{"prctl", {PR_MCE_KILL, 1}, "prctl(PR_MCE_KILL, PR_MCE_KILL_SET)"},
	{"prctl", {PR_SET_TSC, 2}, "prctl(PR_SET_TSC, PR_TSC_SIGSEGV)"},
	{"prctl", {65, 1}, "prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN)"},

	/* enums */
	{"ioprio_set", {1, 0, 2 << 13 | 4}, "ioprio_set(IOPRIO_WHO_PROCESS, 0, IOPRIO_CLASS_BE 4)"},
	{"ioprio_set", {2, 0, 9 << 13}, "ioprio_set(IOPRIO_WHO_PGRP, 0, 9 0)"},
	{"ioprio_get", {3, 1000}, "ioprio_get(IOPRIO_WHO_USER, 1000)"},
	{"membarrier", {0}, "membarrier(MEMBARRIER_CMD_QUERY)"},
	{"membarrier", {64}, "membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE)"},
	{"membarrier", {4096}, "membarrier(4096)"},
	{"kcmp", {1, 2, 0}, "kcmp(1, 2, KCMP_FILE)"},
	{"syslog", {3, NOWHERE, 8}, "syslog(SYSLOG_ACTION_READ_ALL, 8)"},
	{"quotactl",
	 {0x800002 << 8 | 1, SHADOW, 2},
	 "quotactl(QCMD(Q_QUOTAON, GRPQUOTA), \"/etc/shadow\", 2)"},
	{"quotactl_fd", {3, 0x580102, 0}, "quotactl_fd(3, QCMD(Q_XQUOTAON, PRJQUOTA), 0)"},
	{"quotactl", {~0ULL, 0, 0}, "quotactl(QCMD(0xffffff, 255), NULL, 0)"},
	{"bpf", {21}, "bpf(BPF_MAP_LOOKUP_AND_DELETE_ELEM)"},
	{"bpf", {36}, "bpf(BPF_TOKEN_CREATE)"},
	{"add_key",
	 {RELATIVE, RELATIVE, 0, 8, (uint64_t)-3},
	 "add_key(\"x y\", \"x y\", 8, KEY_SPEC_SESSION_KEYRING)"},
	{"request_key",
	 {RELATIVE, RELATIVE, 0, (uint32_t)-4},
	 "request_key(\"x y\", \"x y\", KEY_SPEC_USER_KEYRING)"},
	{"keyctl", {0, (uint64_t)-2}, "keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING)"},
	{"keyctl", {1, RELATIVE}, "keyctl(KEYCTL_JOIN_SESSION_KEYRING, \"x y\")"},
	{"keyctl", {27}, "keyctl(KEYCTL_PKEY_SIGN)"},
	{"personality", {0xffffffff}, "personality(0xffffffff)"},
	{"personality", {0}, "personality(PER_LINUX)"},
	{"personality", {0x400008}, "personality(PER_LINUX32|READ_IMPLIES_EXEC)"},
	{"sched_setscheduler",
	 {0, 0x40000001},
	 "sched_setscheduler(0, SCHED_FIFO|SCHED_RESET_ON_FORK)"},
	{"sched_setscheduler", {0, 7}, "sched_setscheduler(0, SCHED_EXT)"},
	{"sched_get_priority_max", {2}, "sched_get_priority_max(SCHED_RR)"},
	{"mbind",
	 {0x1000, 8, 0x8002, 0, 0, 2},
	 "mbind(0x1000, 8, MPOL_BIND|MPOL_F_STATIC_NODES, MPOL_MF_MOVE)"},
	{"set_mempolicy", {6}, "set_mempolicy(MPOL_WEIGHTED_INTERLEAVE)"},
	{"get_mempolicy", {0, 0, 0, 0x1000, 3}, "get_mempolicy(0x1000, MPOL_F_NODE|MPOL_F_ADDR)"},
	{"move_pages", {0, 1, 0, 0, 0, 4}, "move_pages(0, 1, MPOL_MF_MOVE_ALL)"},
	{"futex",
	 {0x1000, 0x189, 5},
	 "futex(0x1000, FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME, 5)"},
	{"futex", {0x1000, 13, 5}, "futex(0x1000, FUTEX_LOCK_PI2, 5)"},
	{"shmget", {0, 4096, 01000 | 0600}, "shmget(IPC_PRIVATE, 4096, IPC_CREAT|0600)"},
	{"shmget",
	 {0x1234567, 1, 0x54000000 | 07600},
	 "shmget(0x1234567, 1, IPC_CREAT|IPC_EXCL|SHM_HUGETLB|SHM_HUGE_2MB|0600)"},
	{"shmget", {7, 1, 0}, "shmget(7, 1, 0)"},
	{"semget", {7, 1, 0644}, "semget(7, 1, 0644)"},
	{"msgget", {7, 03000}, "msgget(7, IPC_CREAT|IPC_EXCL)"},
	{"shmat", {3, 0, 010000}, "shmat(3, SHM_RDONLY)"},
	{"shmctl", {3, 0}, "shmctl(3, IPC_RMID)"},
	{"shmctl", {3, 11}, "shmctl(3, SHM_LOCK)"},
	{"semctl", {3, 0, 16, 5}, "semctl(3, 0, SETVAL, 5)"},
	{"semctl", {3, 0, 12, 5}, "semctl(3, 0, GETVAL)"},
	{"msgctl", {3, 11}, "msgctl(3, MSG_STAT)"},
	{"msgsnd", {3, NOWHERE, 8, 04000}, "msgsnd(3, 8, IPC_NOWAIT)"},
	{"msgrcv", {3, NOWHERE, 8, 0, 010000}, "msgrcv(3, 8, 0, MSG_NOERROR)"},
	{"kill", {1, 33}, "kill(1, 33)"}, /* libc's own */
	{"kill", {1, 64}, "kill(1, SIGRTMIN+30)"},
	{"kill", {1, 65}, "kill(1, 65)"},
	{"ptrace", {0x4212, 7}, "ptrace(PTRACE_SET_SYSCALL_INFO, 7)"},
	{"lsm_get_self_attr", {100}, "lsm_get_self_attr(LSM_ATTR_CURRENT)"},

	/* more of sockets */
	{"socket", {AF_PACKET, SOCK_DGRAM, 0x8}, "socket(AF_PACKET, SOCK_DGRAM, ETH_P_IP)"},
	{"socket", {AF_PACKET, SOCK_RAW, 0xdd86}, "socket(AF_PACKET, SOCK_RAW, ETH_P_IPV6)"},
	{"socket", {AF_PACKET, SOCK_RAW, 0xb588}, "socket(AF_PACKET, SOCK_RAW, 0x88b5)"},
	{"socket", {AF_PACKET, SOCK_RAW, 0}, "socket(AF_PACKET, SOCK_RAW)"},
	{"socket", {AF_PACKET, SOCK_RAW, 0x10300}, "socket(AF_PACKET, SOCK_RAW, 0x10300)"},
	{"setsockopt", {3, 282, 1}, "setsockopt(3, SOL_TLS, TLS_TX)"},
	{"setsockopt", {3, 255, 1}, "setsockopt(3, SOL_RAW, ICMP_FILTER)"},
	{"setsockopt", {3, 58, 1}, "setsockopt(3, IPPROTO_ICMPV6, ICMPV6_FILTER)"},
	{"setsockopt", {3, 270, 6}, "setsockopt(3, SOL_NETLINK, NETLINK_RX_RING)"},
	{"setsockopt", {3, 263, 20}, "setsockopt(3, SOL_PACKET, PACKET_QDISC_BYPASS)"},
	{"setsockopt", {3, 279, 1}, "setsockopt(3, SOL_ALG, ALG_SET_KEY)"},
	{"getsockopt", {3, 284, 1}, "getsockopt(3, SOL_MPTCP, MPTCP_INFO)"},
	{"setsockopt", {3, 136, 10}, "setsockopt(3, IPPROTO_UDPLITE, UDPLITE_SEND_CSCOV)"},
	{"setsockopt", {3, 283, 4}, "setsockopt(3, SOL_XDP, XDP_UMEM_REG)"},
	{"setsockopt", {3, 1, 83}, "setsockopt(3, SOL_SOCKET, SO_PASSRIGHTS)"},
	{"setsockopt", {3, 6, 38}, "setsockopt(3, IPPROTO_TCP, TCP_AO_ADD_KEY)"},
	{"getsockopt", {3, 0, 80}, "getsockopt(3, IPPROTO_IP, SO_ORIGINAL_DST)"},
	{"setsockopt", {3, 0, 64}, "setsockopt(3, IPPROTO_IP, IPT_SO_SET_REPLACE)"},
	{"getsockopt", {3, 0, 64}, "getsockopt(3, IPPROTO_IP, IPT_SO_GET_INFO)"},
	{"getsockopt", {3, 0, 1}, "getsockopt(3, IPPROTO_IP, IP_TOS)"},
	{"setsockopt", {3, 41, 64}, "setsockopt(3, IPPROTO_IPV6, IP6T_SO_SET_REPLACE)"},
	{"getsockopt", {3, 41, 64}, "getsockopt(3, IPPROTO_IPV6, IP6T_SO_GET_INFO)"},

	/* text whose length is known */
	{"sethostname", {SHADOW, 4}, "sethostname(\"/etc\")"},
	{"sethostname", {LIMIT, 200}, "sethostname(\"" L50 L50 L50 L50 "\")"},
	{"sethostname", {LONG, 201}, "sethostname(\"" P50 P50 P50 P50 "\"...)"},
	{"sethostname", {NOWHERE, 4}, "sethostname(0x666000)"},
	{"sethostname", {OVER_END, 9}, "sethostname(0x50ff8)"},
	{"setdomainname", {SHADOW, 0}, "setdomainname(\"\")"},
	{"setdomainname", {0, 4}, "setdomainname(NULL)"},
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
		if (kind == K_FCNTL || kind == K_PRCTL || kind == K_ARCH_PRCTL)
			cr_expect(!has_word(constant->name), "%s is in the table of calls, too",
				  constant->name);
		for (size_t j = i + 1; j < decode_constants_count; j++)
			check_constant(constant, &decode_constants[j]);
	}
}

Test(decode, ioctls)
{
	for (size_t i = 0; i < decode_ioctls_count; i++) {
		const struct decode_ioctl *command = &decode_ioctls[i];

		cr_assert_lt(strnlen(command->name, sizeof(command->name)), sizeof(command->name));
		cr_expect(!has_word(command->name), "%s is in the table of calls, too",
			  command->name);
		for (size_t j = i + 1; j < decode_ioctls_count; j++) {
			cr_expect_neq(command->value, decode_ioctls[j].value, "%s and %s",
				      command->name, decode_ioctls[j].name);
			cr_expect_str_neq(command->name, decode_ioctls[j].name);
		}
	}
}
