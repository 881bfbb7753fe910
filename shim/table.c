/* SPDX-License-Identifier: MIT */
/* The rows. Longer than other files because it is one list: every system call that Linux 6.18 has
 * on x86-64 and aarch64 and that libseccomp 2.5.4 has a name for. Grouped by what a call is about,
 * not by number. Alternates stand together, so that permitting one never forgets another. Where a
 * row is not what its group suggests, a comment says why. Constants come from the kernel's headers
 * where Debian 12 has them; younger ones are spelled out below. */
#include "table.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <linux/dma-buf.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/netlink.h>
#include <linux/prctl.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <sound/asound.h>

/* One argument of a row. IS looks at the low 32 bits, as the kernel does for an int. */
/* clang-format off */
#define IS(n, v)      {.arg = (n), .mask = UINT32_MAX, .value = (uint32_t)(v)}
#define IS64(n, v)    {.arg = (n), .mask = UINT64_MAX, .value = (v)}
#define BITS(n, m, v) {.arg = (n), .mask = (uint32_t)(m), .value = (uint32_t)(v)}
#define MATCHES(...)                                                                               \
	.n_matches = sizeof((struct match[]){__VA_ARGS__}) / sizeof(struct match),                 \
	.match = {__VA_ARGS__}

/* A whole call. */
#define ANY(call, promises)       {.name = #call, .need = {.any = (promises)}}
#define S(call)                   {.name = #call, .need = {.any = P(STDIO)}}
#define BOUNDED(call, set, reach) {.name = #call, .need = {.all = (set), .bounded = (reach)}}
#define ALWAYS(call)              {.name = #call, .need = {.kind = ROW_ALWAYS}}
#define ALWAYS_FOR(call, reason)  {.name = #call, .need = {.kind = ROW_ALWAYS}, .why = (reason)}
#define NEVER(call, reason)       {.name = #call, .need = {.kind = ROW_NEVER}, .why = (reason)}
#define NOSYS(call, reason)       {.name = #call, .need = {.kind = ROW_NOSYS}, .why = (reason)}

/* One shape of a call's arguments. */
#define WHEN(call, words, promises, ...)                                                           \
	{.name = #call, .shape = (words), .need = {.any = (promises)}, MATCHES(__VA_ARGS__)}
#define WHEN_ALL(call, words, set, reach, ...)                                                     \
	{.name = #call, .shape = (words), .need = {.all = (set), .bounded = (reach)},              \
	 MATCHES(__VA_ARGS__)}
#define WHEN_REFUSED(call, words, how, reason, ...)                                                \
	{.name = #call, .shape = (words), .need = {.kind = (how)}, .why = (reason),                \
	 MATCHES(__VA_ARGS__)}
#define OTHERWISE(call, words, promises)                                                           \
	{.name = #call, .otherwise = true, .shape = (words), .need = {.any = (promises)}}
#define OTHERWISE_ALL(call, words, set, reach)                                                     \
	{.name = #call, .otherwise = true, .shape = (words),                                       \
	 .need = {.all = (set), .bounded = (reach)}}
#define OTHERWISE_NEVER(call, reason)                                                              \
	{.name = #call, .otherwise = true, .need = {.kind = ROW_NEVER}, .why = (reason)}
/* clang-format on */

/* Who may open: every promise that implies paths, or that lets an unveil line grant something.
 * Landlock decides by path and right; without it, the access mode decides by rpath, wpath and cpath
 * alone. */
#define OPENERS                                                                                 \
	(P(STDIO) | P(RPATH) | P(WPATH) | P(CPATH) | P(TMPPATH) | P(DNS) | P(GETPW) | P(INET) | \
	 P(TTY) | P(PS) | P(VMINFO) | P(EXEC) | P(PROT_EXEC) | P(AUDIO) | P(VIDEO) | P(DRM))

/* Who may ask about a path (stat and the like). Landlock does not see these calls, so the path
 * cannot be bounded; but whoever opens by path also looks first, and answers that are refused break
 * libraries. Not stdio alone. */
#define ASKERS ((OPENERS & ~P(STDIO)) | P(UNIX) | P(FATTR) | P(CHOWN))

/* Who may use a socket that is open. */
#define SOCKETS (P(UNIX) | P(INET) | P(DNS) | P(NETLINK) | P(MCAST))
#define IP	(P(INET) | P(DNS))

/* Reasons that serve more than one row. */
#define WHY_NAMESPACE "changes the namespace"
#define WHY_SYSTEM    "changes the whole system"
#define WHY_HARDWARE  "reaches the hardware"
#define WHY_OTHERS    "reaches into another process"
#define WHY_KERNEL    "gives the kernel code or lets it be watched"
#define WHY_OBSOLETE  "obsolete"
#define WHY_KEYS      "the kernel's keys belong to the whole session"
#define WHY_SYSV      "names objects of every process of the user, and no path bounds it"
#define WHY_SUID      "set-user-ID, set-group-ID and sticky bits"
#define WHY_IO_URING  "walks around seccomp"
#define WHY_SEGMENTS  "segment descriptors, which only 16- and 32-bit code needs"

/* open(2) flags, the same on both architectures. Only the bit of O_TMPFILE itself is looked at: the
 * macro holds O_DIRECTORY, too. O_CREAT and O_TMPFILE create; access mode 3 (ioctl only) counts as
 * reading and writing. The kernel refuses O_TMPFILE with O_RDONLY: those are left to the last row.
 */
#define TMPFILE 020000000
#define MAKING	(O_ACCMODE | O_CREAT | TMPFILE)
#define OPEN_ROW(call, words, set, n, mask, value) \
	WHEN_ALL(call, words, set, OPENERS, BITS(n, mask, value))
#define OPEN_ROWS(call, n)                                                                      \
	OPEN_ROW(call, "O_RDONLY", P(RPATH), n, MAKING | O_TRUNC, O_RDONLY),                    \
		OPEN_ROW(call, "O_RDONLY|O_TRUNC", P(RPATH) | P(WPATH), n, MAKING | O_TRUNC,    \
			 O_TRUNC),                                                              \
		OPEN_ROW(call, "O_WRONLY", P(WPATH), n, MAKING, O_WRONLY),                      \
		OPEN_ROW(call, "O_RDWR", P(RPATH) | P(WPATH), n, MAKING, O_RDWR),               \
		OPEN_ROW(call, "O_ACCMODE", P(RPATH) | P(WPATH), n, MAKING, O_ACCMODE),         \
		OPEN_ROW(call, "O_RDONLY|O_CREAT", P(RPATH) | P(CPATH), n,                      \
			 O_ACCMODE | O_CREAT | O_TRUNC, O_CREAT),                               \
		OPEN_ROW(call, "O_RDONLY|O_CREAT|O_TRUNC", P(RPATH) | P(WPATH) | P(CPATH), n,   \
			 O_ACCMODE | O_CREAT | O_TRUNC, O_CREAT | O_TRUNC),                     \
		OPEN_ROW(call, "O_WRONLY|O_CREAT", P(WPATH) | P(CPATH), n, O_ACCMODE | O_CREAT, \
			 O_WRONLY | O_CREAT),                                                   \
		OPEN_ROW(call, "O_RDWR|O_CREAT", P(RPATH) | P(WPATH) | P(CPATH), n,             \
			 O_ACCMODE | O_CREAT, O_RDWR | O_CREAT),                                \
		OPEN_ROW(call, "O_ACCMODE|O_CREAT", P(RPATH) | P(WPATH) | P(CPATH), n,          \
			 O_ACCMODE | O_CREAT, O_ACCMODE | O_CREAT),                             \
		OPEN_ROW(call, "O_WRONLY|O_TMPFILE", P(WPATH) | P(CPATH), n, MAKING,            \
			 O_WRONLY | TMPFILE),                                                   \
		OTHERWISE_ALL(call, "O_RDWR|O_TMPFILE", P(RPATH) | P(WPATH) | P(CPATH), OPENERS)

/* mknod(2): the type is in the mode. */
#define MKNOD_ROWS(call, n)                                                                   \
	WHEN_ALL(call, "S_IFREG", P(CPATH), P(TMPPATH), BITS(n, S_IFMT, S_IFREG)),            \
		WHEN_ALL(call, "type 0", P(CPATH), P(TMPPATH), BITS(n, S_IFMT, 0)),           \
		WHEN_ALL(call, "S_IFSOCK", P(CPATH) | P(UNIX), 0, BITS(n, S_IFMT, S_IFSOCK)), \
		OTHERWISE(call, "S_IFIFO, S_IFCHR, S_IFBLK", P(DPATH))

#define CHMOD_ROWS(call, n) \
	WHEN(call, "permission bits", P(FATTR), BITS(n, 07000, 0)), OTHERWISE_NEVER(call, WHY_SUID)

/* A call whose first argument is a process. */
#define SELF_ROWS(call) \
	WHEN(call, "to itself", P(STDIO), IS(0, MATCH_SELF)), OTHERWISE(call, "to others", P(PROC))

#define CLONE_NEW_ANY                                                                  \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	 CLONE_NEWPID | CLONE_NEWNET)

#define OPTION(words, promises, value)	WHEN(prctl, words, promises, IS(0, value))
#define COMMAND(words, promises, value) WHEN(fcntl, words, promises, IS(1, value))
#define CONTROL(command, promises)	WHEN(ioctl, #command, promises, IS(1, command))
#define CONTROL_NEVER(command, reason) \
	WHEN_REFUSED(ioctl, #command, ROW_NEVER, reason, IS(1, command))
#define SOCKOPT(words, promises, level, mask, name) \
	WHEN(setsockopt, words, promises, IS(1, level), BITS(2, mask, name))
#define GETSOCKOPT(words, promises, level, mask, name) \
	WHEN(getsockopt, words, promises, IS(1, level), BITS(2, mask, name))
#define SOCKET(words, promises, family, type, protocol) \
	WHEN(socket, words, promises, IS(0, family), BITS(1, 0xf, type), IS(2, protocol))

/* asm/termbits.h cannot stand beside glibc's headers. struct termios2 has 44 bytes on both
 * architectures. */
#define TCGETS2_  0x802c542aU
#define TCSETS2_  0x402c542bU
#define TCSETSW2_ 0x402c542cU
#define TCSETSF2_ 0x402c542dU

/* One a line, clang-format would have the short ones. */
/* clang-format off */
const struct row table_rows[] = {
	[TAG_UNKNOWN] = {.name = "", .need = {.kind = ROW_NOSYS},
			 .why = "newer than the table: libc falls back"},

	/* Without these no program can even end. */
	ALWAYS(exit), ALWAYS(exit_group), ALWAYS(rt_sigreturn), ALWAYS(restart_syscall),
	ALWAYS(rseq), ALWAYS(set_robust_list), ALWAYS(futex), ALWAYS(futex_waitv),
	ALWAYS(futex_wake), ALWAYS(futex_wait), ALWAYS(futex_requeue),
	ALWAYS_FOR(uretprobe, "the kernel's own trampoline of a probe"),
	ALWAYS_FOR(uprobe, "the kernel's own trampoline of a probe"),

	/* Input and output on what is open. */
	S(read), S(readv), S(pread64), S(preadv), S(preadv2), S(write), S(writev), S(pwrite64),
	S(pwritev), S(pwritev2), S(close), S(close_range), S(lseek), S(dup), S(dup2), S(dup3),
	S(pipe), S(pipe2), S(poll), S(ppoll), S(select), S(pselect6), S(epoll_create),
	S(epoll_create1), S(epoll_ctl), S(epoll_wait), S(epoll_pwait), S(epoll_pwait2), S(eventfd),
	S(eventfd2), S(signalfd), S(signalfd4), S(timerfd_create), S(timerfd_settime),
	S(timerfd_gettime), S(sendfile), S(splice), S(tee), S(vmsplice), S(copy_file_range),
	S(io_setup), S(io_destroy), S(io_submit), S(io_cancel), S(io_getevents), S(io_pgetevents),
	S(fsync), S(fdatasync), S(sync), S(syncfs), S(sync_file_range), S(ftruncate), S(fallocate),
	S(readahead), S(fadvise64), S(cachestat), S(fstat), S(fstatfs), S(getdents), S(getdents64),
	S(fchdir), S(getcwd), S(umask),
	/* Message queues by descriptor; opening one by name is further down. */
	S(mq_timedsend), S(mq_timedreceive), S(mq_notify), S(mq_getsetattr),
	/* Memory as a file. Executing it needs exec, mapping it as code exec or prot_exec. */
	{.name = "memfd_create", .need = {.any = P(STDIO), .kind = ROW_NOT_STARTING}},
	S(memfd_secret),

	NOSYS(io_uring_setup, WHY_IO_URING),
	NOSYS(io_uring_enter, WHY_IO_URING),
	NOSYS(io_uring_register, WHY_IO_URING),

	ANY(flock, P(FLOCK)),
	WHEN(fcntl, "F_DUPFD, F_GETFD, F_SETFD, F_GETFL", P(STDIO), BITS(1, ~3U, F_DUPFD)),
	COMMAND("F_SETFL", P(STDIO), F_SETFL),
	COMMAND("F_DUPFD_CLOEXEC", P(STDIO), 1030),
	WHEN(fcntl, "F_GETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS, F_GET_RW_HINT", P(STDIO),
	     BITS(1, ~3U, 1032)),
	COMMAND("F_SETPIPE_SZ", P(STDIO), 1031),
	COMMAND("F_SET_RW_HINT", P(STDIO), 1036),
	COMMAND("F_GET_FILE_RW_HINT", P(STDIO), 1037),
	COMMAND("F_SET_FILE_RW_HINT", P(STDIO), 1038),
	COMMAND("F_GETOWN", P(STDIO), 9),
	COMMAND("F_SETSIG", P(STDIO), 10),
	COMMAND("F_GETSIG", P(STDIO), 11),
	COMMAND("F_GETOWN_EX", P(STDIO), 16),
	COMMAND("F_GETLEASE", P(STDIO), 1025),
	COMMAND("F_DUPFD_QUERY", P(STDIO), 1027), /* 6.10 */
	COMMAND("F_CREATED_QUERY", P(STDIO), 1028), /* 6.12 */
	COMMAND("F_GETLK", P(FLOCK), F_GETLK),
	COMMAND("F_SETLK", P(FLOCK), F_SETLK),
	COMMAND("F_SETLKW", P(FLOCK), F_SETLKW),
	COMMAND("F_OFD_GETLK", P(FLOCK), 36),
	COMMAND("F_OFD_SETLK", P(FLOCK), 37),
	COMMAND("F_OFD_SETLKW", P(FLOCK), 38),
	COMMAND("F_SETLEASE", P(FLOCK), 1024), /* holds up whoever opens the file, as a lock does */
	COMMAND("F_NOTIFY", P(RPATH), 1026), /* what inotify does */
	COMMAND("F_SETOWN", P(PROC), 8), /* has signals sent to any process */
	COMMAND("F_SETOWN_EX", P(PROC), 15),
	OTHERWISE_NEVER(fcntl, "a command that no promise covers"),

	/* Paths. openat2's flags sit behind a pointer: all three, or Landlock. */
	OPEN_ROWS(open, 1),
	OPEN_ROWS(openat, 2),
	BOUNDED(openat2, P(RPATH) | P(WPATH) | P(CPATH), OPENERS),
	BOUNDED(creat, P(WPATH) | P(CPATH), OPENERS),

	ANY(stat, ASKERS), ANY(lstat, ASKERS),
	/* With AT_EMPTY_PATH this is libc's fstat(3). Whether the path is empty cannot be seen. */
	WHEN(newfstatat, "AT_EMPTY_PATH", P(STDIO) | ASKERS, BITS(3, AT_EMPTY_PATH, AT_EMPTY_PATH)),
	OTHERWISE(newfstatat, "a path", ASKERS),
	WHEN(statx, "AT_EMPTY_PATH", P(STDIO) | ASKERS, BITS(2, AT_EMPTY_PATH, AT_EMPTY_PATH)),
	OTHERWISE(statx, "a path", ASKERS),
	ANY(access, ASKERS), ANY(faccessat, ASKERS), ANY(faccessat2, ASKERS), ANY(readlink, ASKERS),
	ANY(readlinkat, ASKERS), ANY(statfs, ASKERS), ANY(chdir, P(RPATH)),
	ANY(name_to_handle_at, P(RPATH)), ANY(statmount, P(RPATH)), ANY(listmount, P(RPATH)),
	ANY(inotify_init, P(RPATH)), ANY(inotify_init1, P(RPATH)), ANY(inotify_add_watch, P(RPATH)),
	ANY(inotify_rm_watch, P(RPATH)), ANY(getxattr, P(RPATH)), ANY(lgetxattr, P(RPATH)),
	ANY(fgetxattr, P(RPATH)), ANY(getxattrat, P(RPATH)), ANY(listxattr, P(RPATH)),
	ANY(llistxattr, P(RPATH)), ANY(flistxattr, P(RPATH)), ANY(listxattrat, P(RPATH)),
	ANY(file_getattr, P(RPATH)),

	BOUNDED(truncate, P(WPATH), P(TMPPATH)), BOUNDED(mkdir, P(CPATH), P(TMPPATH)),
	BOUNDED(mkdirat, P(CPATH), P(TMPPATH)), BOUNDED(rmdir, P(CPATH), P(TMPPATH)),
	BOUNDED(unlink, P(CPATH), P(TMPPATH)), BOUNDED(unlinkat, P(CPATH), P(TMPPATH)),
	BOUNDED(rename, P(CPATH), P(TMPPATH)), BOUNDED(renameat, P(CPATH), P(TMPPATH)),
	BOUNDED(renameat2, P(CPATH), P(TMPPATH)), BOUNDED(link, P(CPATH), P(TMPPATH)),
	BOUNDED(linkat, P(CPATH), P(TMPPATH)), BOUNDED(symlink, P(CPATH), P(TMPPATH)),
	BOUNDED(symlinkat, P(CPATH), P(TMPPATH)),
	MKNOD_ROWS(mknod, 1),
	MKNOD_ROWS(mknodat, 2),

	CHMOD_ROWS(chmod, 1),
	CHMOD_ROWS(fchmod, 1),
	CHMOD_ROWS(fchmodat, 2),
	CHMOD_ROWS(fchmodat2, 2),
	ANY(utime, P(FATTR)), ANY(utimes, P(FATTR)), ANY(futimesat, P(FATTR)),
	ANY(utimensat, P(FATTR)),
	/* Which attribute cannot be seen; security.* and trusted.* want capabilities of their own
	 * (xattr(7)). */
	ANY(setxattr, P(FATTR)), ANY(lsetxattr, P(FATTR)), ANY(fsetxattr, P(FATTR)),
	ANY(setxattrat, P(FATTR)), ANY(removexattr, P(FATTR)), ANY(lremovexattr, P(FATTR)),
	ANY(fremovexattr, P(FATTR)), ANY(removexattrat, P(FATTR)), ANY(file_setattr, P(FATTR)),
	ANY(chown, P(CHOWN)), ANY(lchown, P(CHOWN)), ANY(fchown, P(CHOWN)), ANY(fchownat, P(CHOWN)),

	/* Memory. */
	S(brk), S(munmap), S(mremap), S(msync), S(mincore), S(madvise), S(mseal), S(mlock),
	S(mlock2), S(munlock), S(mlockall), S(munlockall), S(pkey_alloc), S(pkey_free),
	S(map_shadow_stack), S(membarrier), S(mbind), S(set_mempolicy), S(get_mempolicy),
	S(set_mempolicy_home_node),
	WHEN(mmap, "no PROT_EXEC", P(STDIO), BITS(2, PROT_EXEC, 0)),
	/* What a loader does with a library. */
	WHEN(mmap, "PROT_EXEC, a file", P(EXEC) | P(PROT_EXEC), BITS(2, PROT_EXEC, PROT_EXEC),
	     BITS(3, MAP_ANONYMOUS, 0)),
	OTHERWISE(mmap, "PROT_EXEC, anonymous", P(PROT_EXEC)),
	WHEN(mprotect, "no PROT_EXEC", P(STDIO), BITS(2, PROT_EXEC, 0)),
	OTHERWISE(mprotect, "PROT_EXEC", P(PROT_EXEC)),
	WHEN(pkey_mprotect, "no PROT_EXEC", P(STDIO), BITS(2, PROT_EXEC, 0)),
	OTHERWISE(pkey_mprotect, "PROT_EXEC", P(PROT_EXEC)),
	WHEN(move_pages, "its own", P(STDIO), IS(0, 0)),
	OTHERWISE_NEVER(move_pages, WHY_OTHERS),
	WHEN(migrate_pages, "its own", P(STDIO), IS(0, 0)),
	OTHERWISE_NEVER(migrate_pages, WHY_OTHERS),
	NEVER(remap_file_pages, WHY_OBSOLETE),

	/* Time. Reading adjtimex cannot be told from setting: what it does is behind a pointer. */
	S(clock_gettime), S(clock_getres), S(clock_nanosleep), S(nanosleep), S(gettimeofday),
	S(time), S(times), S(getitimer), S(setitimer), S(alarm), S(timer_create), S(timer_settime),
	S(timer_gettime), S(timer_getoverrun), S(timer_delete), ANY(clock_settime, P(SETTIME)),
	ANY(settimeofday, P(SETTIME)), ANY(adjtimex, P(SETTIME)), ANY(clock_adjtime, P(SETTIME)),

	/* Signals. A pid of 0 is the caller's own group. */
	S(rt_sigaction), S(rt_sigprocmask), S(rt_sigpending), S(rt_sigtimedwait), S(rt_sigsuspend),
	S(sigaltstack), S(pause),
	WHEN(kill, "to its group", P(STDIO), IS(0, 0)),
	SELF_ROWS(kill),
	SELF_ROWS(tkill),
	SELF_ROWS(tgkill),
	SELF_ROWS(rt_sigqueueinfo),
	SELF_ROWS(rt_tgsigqueueinfo),
	ANY(pidfd_send_signal, P(PROC)), ANY(pidfd_open, P(PROC)),

	/* Questions about itself and the machine. */
	S(getpid), S(getppid), S(gettid), S(getpgid), S(getpgrp), S(getsid), S(set_tid_address),
	S(getuid), S(geteuid), S(getresuid), S(getgid), S(getegid), S(getresgid), S(getgroups),
	S(capget), S(getpriority), S(ioprio_get), S(getrlimit), S(getrusage), S(getcpu), S(sysinfo),
	S(uname), S(getrandom), S(sched_yield), S(sched_getaffinity), S(sched_getparam),
	S(sched_getscheduler), S(sched_getattr), S(sched_get_priority_max),
	S(sched_get_priority_min), S(sched_rr_get_interval), S(lsm_get_self_attr),
	S(lsm_list_modules),
	WHEN(personality, "the query", P(STDIO), IS(0, 0xffffffff)),
	OTHERWISE_NEVER(personality, "changes how programs are loaded, with fewer protections"),
	NEVER(get_robust_list, "tells addresses of another process"),
	WHEN(prlimit64, "no new limit", P(STDIO), IS64(2, 0)),
	OTHERWISE(prlimit64, "a new limit", P(PROC) | P(ID)),
	ANY(setrlimit, P(PROC) | P(ID)),

	WHEN(arch_prctl, "ARCH_SET_GS", P(STDIO), IS(0, 0x1001)),
	WHEN(arch_prctl, "ARCH_SET_FS, ARCH_GET_FS", P(STDIO), BITS(0, ~1U, 0x1002)),
	WHEN(arch_prctl, "ARCH_GET_GS", P(STDIO), IS(0, 0x1004)),
	WHEN(arch_prctl, "ARCH_GET_CPUID", P(STDIO), IS(0, 0x1011)),
	WHEN(arch_prctl, "ARCH_GET_XCOMP_SUPP", P(STDIO), IS(0, 0x1021)),
	WHEN(arch_prctl, "ARCH_GET_XCOMP_PERM, ARCH_REQ_XCOMP_PERM", P(STDIO),
	     BITS(0, ~1U, 0x1022)),
	WHEN(arch_prctl, "ARCH_CET_STATUS", P(STDIO), IS(0, 0x3001)), /* glibc before 2.39 asks */
	WHEN(arch_prctl, "ARCH_SHSTK_ENABLE", P(STDIO), IS(0, 0x5001)),
	WHEN(arch_prctl, "ARCH_SHSTK_DISABLE, ARCH_SHSTK_LOCK", P(STDIO), BITS(0, ~1U, 0x5002)),
	WHEN(arch_prctl, "ARCH_SHSTK_STATUS", P(STDIO), IS(0, 0x5005)),
	OTHERWISE_NEVER(arch_prctl, "a code that no promise covers"),

	/* What a process sets about itself, and may ask; what tightens it stays allowed. */
	OPTION("PR_SET_NAME", P(STDIO), PR_SET_NAME),
	OPTION("PR_GET_NAME", P(STDIO), PR_GET_NAME),
	OPTION("PR_SET_VMA", P(STDIO), 0x53564d41),
	OPTION("PR_SET_PDEATHSIG", P(STDIO), PR_SET_PDEATHSIG),
	OPTION("PR_GET_PDEATHSIG", P(STDIO), PR_GET_PDEATHSIG),
	OPTION("PR_GET_DUMPABLE", P(STDIO), PR_GET_DUMPABLE),
	OPTION("PR_SET_DUMPABLE", P(STDIO), PR_SET_DUMPABLE),
	OPTION("PR_GET_KEEPCAPS", P(STDIO), PR_GET_KEEPCAPS),
	OPTION("PR_GET_SECCOMP", P(STDIO), PR_GET_SECCOMP),
	OPTION("PR_SET_SECCOMP", P(STDIO), PR_SET_SECCOMP),
	OPTION("PR_SET_NO_NEW_PRIVS", P(STDIO), PR_SET_NO_NEW_PRIVS),
	OPTION("PR_GET_NO_NEW_PRIVS", P(STDIO), PR_GET_NO_NEW_PRIVS),
	OPTION("PR_CAPBSET_READ", P(STDIO), PR_CAPBSET_READ),
	OPTION("PR_GET_SECUREBITS", P(STDIO), PR_GET_SECUREBITS),
	OPTION("PR_GET_TSC", P(STDIO), PR_GET_TSC),
	OPTION("PR_SET_TIMERSLACK", P(STDIO), PR_SET_TIMERSLACK),
	OPTION("PR_GET_TIMERSLACK", P(STDIO), PR_GET_TIMERSLACK),
	OPTION("PR_MCE_KILL_GET", P(STDIO), PR_MCE_KILL_GET),
	OPTION("PR_GET_CHILD_SUBREAPER", P(STDIO), PR_GET_CHILD_SUBREAPER),
	OPTION("PR_GET_TID_ADDRESS", P(STDIO), PR_GET_TID_ADDRESS),
	OPTION("PR_SET_THP_DISABLE", P(STDIO), PR_SET_THP_DISABLE),
	OPTION("PR_GET_THP_DISABLE", P(STDIO), PR_GET_THP_DISABLE),
	OPTION("PR_SVE_SET_VL", P(STDIO), 50),
	OPTION("PR_SVE_GET_VL", P(STDIO), 51),
	OPTION("PR_GET_SPECULATION_CTRL", P(STDIO), 52),
	OPTION("PR_SET_SPECULATION_CTRL", P(STDIO), 53),
	OPTION("PR_PAC_RESET_KEYS", P(STDIO), 54),
	OPTION("PR_SET_TAGGED_ADDR_CTRL", P(STDIO), 55),
	OPTION("PR_GET_TAGGED_ADDR_CTRL", P(STDIO), 56),
	OPTION("PR_PAC_GET_ENABLED_KEYS", P(STDIO), 61),
	OPTION("PR_SME_SET_VL", P(STDIO), 63),
	OPTION("PR_SME_GET_VL", P(STDIO), 64),
	OPTION("PR_SET_MDWE", P(STDIO), 65),
	OPTION("PR_GET_MDWE", P(STDIO), 66),
	OPTION("PR_SET_MEMORY_MERGE", P(STDIO), 67),
	OPTION("PR_GET_MEMORY_MERGE", P(STDIO), 68),
	OPTION("PR_GET_SHADOW_STACK_STATUS", P(STDIO), 74),
	OPTION("PR_SET_SHADOW_STACK_STATUS", P(STDIO), 75),
	OPTION("PR_LOCK_SHADOW_STACK_STATUS", P(STDIO), 76),
	OPTION("PR_FUTEX_HASH", P(STDIO), 78), /* 6.16 */
	OPTION("PR_GET_AUXV", P(STDIO), 0x41555856),
	OPTION("PR_SET_CHILD_SUBREAPER", P(PROC), PR_SET_CHILD_SUBREAPER),
	OPTION("PR_SET_KEEPCAPS", P(ID), PR_SET_KEEPCAPS),
	OPTION("PR_CAPBSET_DROP", P(ID), PR_CAPBSET_DROP),
	OPTION("PR_SET_SECUREBITS", P(ID), PR_SET_SECUREBITS),
	WHEN(prctl, "PR_CAP_AMBIENT_IS_SET", P(STDIO), IS(0, PR_CAP_AMBIENT), IS64(1, 1)),
	WHEN(prctl, "PR_CAP_AMBIENT_RAISE", P(ID), IS(0, PR_CAP_AMBIENT), IS64(1, 2)),
	WHEN(prctl, "PR_CAP_AMBIENT_LOWER", P(ID), IS(0, PR_CAP_AMBIENT), IS64(1, 3)),
	WHEN(prctl, "PR_CAP_AMBIENT_CLEAR_ALL", P(ID), IS(0, PR_CAP_AMBIENT), IS64(1, 4)),
	OTHERWISE_NEVER(prctl, "an option that no promise covers"),

	WHEN(seccomp, "SECCOMP_SET_MODE_STRICT", P(STDIO), IS(0, 0)),
	WHEN(seccomp, "SECCOMP_SET_MODE_FILTER", P(STDIO), IS(0, 1),
	     BITS(1, SECCOMP_FILTER_FLAG_NEW_LISTENER, 0)),
	/* libseccomp tries this one out when it starts: answer, do not kill. */
	WHEN_REFUSED(seccomp, "SECCOMP_SET_MODE_FILTER, NEW_LISTENER", ROW_NOSYS,
		     "a listener answers calls in the kernel's place", IS(0, 1),
		     BITS(1, SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_FILTER_FLAG_NEW_LISTENER)),
	WHEN(seccomp, "SECCOMP_GET_ACTION_AVAIL", P(STDIO), IS(0, 2)),
	WHEN(seccomp, "SECCOMP_GET_NOTIF_SIZES", P(STDIO), IS(0, 3)),
	OTHERWISE_NEVER(seccomp, "an operation that no promise covers"),
	S(landlock_create_ruleset), S(landlock_add_rule), S(landlock_restrict_self),

	/* Processes. Threads are stdio. */
	WHEN(clone, "CLONE_THREAD", P(STDIO), BITS(0, CLONE_NEW_ANY | CLONE_THREAD, CLONE_THREAD)),
	WHEN(clone, "a process", P(PROC), BITS(0, CLONE_NEW_ANY | CLONE_THREAD, 0)),
	OTHERWISE_NEVER(clone, WHY_NAMESPACE),
	NOSYS(clone3, "its flags sit behind a pointer: libc falls back to clone"),
	ANY(fork, P(PROC)), ANY(vfork, P(PROC)), S(wait4), S(waitid), ANY(execve, P(EXEC)),
	ANY(execveat, P(EXEC)), ANY(setpgid, P(PROC)), ANY(setsid, P(PROC)),
	ANY(setpriority, P(PROC)), ANY(ioprio_set, P(PROC)), ANY(sched_setparam, P(PROC)),
	ANY(sched_setscheduler, P(PROC)), ANY(sched_setattr, P(PROC)),
	ANY(sched_setaffinity, P(PROC)), ANY(setuid, P(ID)), ANY(setgid, P(ID)),
	ANY(setreuid, P(ID)), ANY(setregid, P(ID)), ANY(setresuid, P(ID)), ANY(setresgid, P(ID)),
	ANY(setfsuid, P(ID)), ANY(setfsgid, P(ID)), ANY(setgroups, P(ID)), ANY(capset, P(ID)),

	/* Sockets. For unix the type does not matter: the kernel knows no other kind there. No
	 * MPTCP, which walks around Landlock's ports; no raw ones; of netlink one protocol. */
	/* Not for dns and getpw, whose nscd it would serve: neither the filter nor Landlock before ABI 9 sees which path
	 * is connected to, so it would be the way to every service of the user. libc falls back to reading files. */
	WHEN(socket, "AF_UNIX", P(UNIX), IS(0, AF_UNIX)),
	SOCKET("AF_INET, SOCK_STREAM", IP, AF_INET, SOCK_STREAM, 0),
	SOCKET("AF_INET, SOCK_STREAM, IPPROTO_TCP", IP, AF_INET, SOCK_STREAM, IPPROTO_TCP),
	SOCKET("AF_INET, SOCK_DGRAM", IP, AF_INET, SOCK_DGRAM, 0),
	SOCKET("AF_INET, SOCK_DGRAM, IPPROTO_UDP", IP, AF_INET, SOCK_DGRAM, IPPROTO_UDP),
	SOCKET("AF_INET, SOCK_DGRAM, IPPROTO_ICMP", P(INET), AF_INET, SOCK_DGRAM, IPPROTO_ICMP),
	SOCKET("AF_INET6, SOCK_STREAM", IP, AF_INET6, SOCK_STREAM, 0),
	SOCKET("AF_INET6, SOCK_STREAM, IPPROTO_TCP", IP, AF_INET6, SOCK_STREAM, IPPROTO_TCP),
	SOCKET("AF_INET6, SOCK_DGRAM", IP, AF_INET6, SOCK_DGRAM, 0),
	SOCKET("AF_INET6, SOCK_DGRAM, IPPROTO_UDP", IP, AF_INET6, SOCK_DGRAM, IPPROTO_UDP),
	SOCKET("AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6", P(INET), AF_INET6, SOCK_DGRAM,
	       IPPROTO_ICMPV6),
	WHEN(socket, "AF_NETLINK, NETLINK_ROUTE", P(NETLINK) | P(DNS), IS(0, AF_NETLINK),
	     IS(2, NETLINK_ROUTE)),
	OTHERWISE_NEVER(socket, "a family, type or protocol that no promise covers"),
	WHEN(socketpair, "AF_UNIX", P(STDIO), IS(0, AF_UNIX)),
	OTHERWISE_NEVER(socketpair, "a family that no promise covers"),
	ANY(connect, SOCKETS), ANY(bind, SOCKETS), ANY(listen, P(UNIX) | P(INET)),
	ANY(accept, P(UNIX) | P(INET)), ANY(accept4, P(UNIX) | P(INET)),
	/* They ask about, or end, what is open already (OpenBSD: stdio). */
	S(getsockname), S(getpeername), S(shutdown), S(recvfrom), ANY(recvmsg, SOCKETS | P(RECVFD)),
	ANY(recvmmsg, SOCKETS | P(RECVFD)),
	WHEN_REFUSED(sendto, "MSG_FASTOPEN", ROW_NEVER, "connects around Landlock's ports",
		     BITS(3, MSG_FASTOPEN, MSG_FASTOPEN)),
	WHEN(sendto, "no address", P(STDIO), BITS(3, MSG_FASTOPEN, 0), IS64(4, 0)),
	OTHERWISE(sendto, "an address", SOCKETS),
	WHEN_REFUSED(sendmsg, "MSG_FASTOPEN", ROW_NEVER, "connects around Landlock's ports",
		     BITS(2, MSG_FASTOPEN, MSG_FASTOPEN)),
	OTHERWISE(sendmsg, "no MSG_FASTOPEN", SOCKETS | P(SENDFD)),
	WHEN_REFUSED(sendmmsg, "MSG_FASTOPEN", ROW_NEVER, "connects around Landlock's ports",
		     BITS(3, MSG_FASTOPEN, MSG_FASTOPEN)),
	OTHERWISE(sendmmsg, "no MSG_FASTOPEN", SOCKETS | P(SENDFD)),

	/* Options that tune a socket. Left out: filters and BPF (SO_ATTACH_*), SO_MARK, transparent
	 * proxying, TCP_ULP (may turn TCP into something that Landlock does not bound), TCP_REPAIR,
	 * and the firewall's tables (64 and up of IPPROTO_IP and IPPROTO_IPV6). */
	SOCKOPT("SO_REUSEADDR, SO_TYPE", P(STDIO), SOL_SOCKET, ~1U, SO_REUSEADDR),
	SOCKOPT("SO_ERROR … SO_SNDBUF", P(STDIO), SOL_SOCKET, ~3U, SO_ERROR),
	SOCKOPT("SO_RCVBUF … SO_REUSEPORT", P(STDIO), SOL_SOCKET, ~7U, SO_RCVBUF),
	SOCKOPT("SO_PASSCRED … SO_SNDLOWAT", P(STDIO), SOL_SOCKET, ~3U, SO_PASSCRED),
	SOCKOPT("SO_RCVTIMEO, SO_SNDTIMEO", P(STDIO), SOL_SOCKET, ~1U, 20),
	SOCKOPT("SO_TIMESTAMP", P(STDIO), SOL_SOCKET, ~0U, 29),
	SOCKOPT("SO_TIMESTAMPNS", P(STDIO), SOL_SOCKET, ~0U, 35),
	SOCKOPT("SO_TIMESTAMPING", P(STDIO), SOL_SOCKET, ~0U, 37),
	SOCKOPT("SO_RXQ_OVFL", P(STDIO), SOL_SOCKET, ~0U, SO_RXQ_OVFL),
	SOCKOPT("SO_MAX_PACING_RATE", P(STDIO), SOL_SOCKET, ~0U, SO_MAX_PACING_RATE),
	SOCKOPT("SO_INCOMING_CPU", P(STDIO), SOL_SOCKET, ~0U, SO_INCOMING_CPU),
	SOCKOPT("SO_ZEROCOPY", P(STDIO), SOL_SOCKET, ~0U, SO_ZEROCOPY),
	SOCKOPT("SO_BUF_LOCK", P(STDIO), SOL_SOCKET, ~0U, 72),
	SOCKOPT("SO_PASSPIDFD", P(STDIO), SOL_SOCKET, ~0U, 76),
	SOCKOPT("SO_BINDTODEVICE", P(INET), SOL_SOCKET, ~0U, SO_BINDTODEVICE),
	SOCKOPT("IP_TOS … IP_FREEBIND", IP, IPPROTO_IP, ~15U, 0),
	SOCKOPT("IP_MINTTL", IP, IPPROTO_IP, ~0U, IP_MINTTL),
	SOCKOPT("IP_BIND_ADDRESS_NO_PORT", IP, IPPROTO_IP, ~0U, IP_BIND_ADDRESS_NO_PORT),
	SOCKOPT("IP_UNICAST_IF", IP, IPPROTO_IP, ~0U, IP_UNICAST_IF),
	SOCKOPT("IP_LOCAL_PORT_RANGE", IP, IPPROTO_IP, ~0U, 51),
	SOCKOPT("IP_MULTICAST_IF … MCAST_LEAVE_SOURCE_GROUP", P(MCAST), IPPROTO_IP, ~15U,
		IP_MULTICAST_IF),
	SOCKOPT("MCAST_MSFILTER, IP_MULTICAST_ALL", P(MCAST), IPPROTO_IP, ~1U, MCAST_MSFILTER),
	SOCKOPT("TCP_NODELAY … TCP_MD5SIG", IP, IPPROTO_TCP, ~15U, 0),
	SOCKOPT("TCP_THIN_LINEAR_TIMEOUTS, TCP_THIN_DUPACK", IP, IPPROTO_TCP, ~1U,
		TCP_THIN_LINEAR_TIMEOUTS),
	SOCKOPT("TCP_USER_TIMEOUT", IP, IPPROTO_TCP, ~0U, TCP_USER_TIMEOUT),
	SOCKOPT("TCP_FASTOPEN", IP, IPPROTO_TCP, ~0U, TCP_FASTOPEN),
	SOCKOPT("TCP_NOTSENT_LOWAT", IP, IPPROTO_TCP, ~0U, TCP_NOTSENT_LOWAT),
	SOCKOPT("TCP_FASTOPEN_CONNECT", IP, IPPROTO_TCP, ~0U, TCP_FASTOPEN_CONNECT),
	SOCKOPT("TCP_INQ", IP, IPPROTO_TCP, ~0U, TCP_INQ),
	SOCKOPT("UDP_CORK", IP, IPPROTO_UDP, ~0U, UDP_CORK),
	SOCKOPT("UDP_SEGMENT", IP, IPPROTO_UDP, ~0U, UDP_SEGMENT),
	SOCKOPT("UDP_GRO", IP, IPPROTO_UDP, ~0U, UDP_GRO),
	SOCKOPT("IPV6_UNICAST_HOPS", IP, IPPROTO_IPV6, ~0U, IPV6_UNICAST_HOPS),
	SOCKOPT("IPV6_MTU_DISCOVER", IP, IPPROTO_IPV6, ~0U, IPV6_MTU_DISCOVER),
	SOCKOPT("IPV6_MTU", IP, IPPROTO_IPV6, ~0U, IPV6_MTU),
	SOCKOPT("IPV6_RECVERR", IP, IPPROTO_IPV6, ~0U, IPV6_RECVERR),
	SOCKOPT("IPV6_V6ONLY", IP, IPPROTO_IPV6, ~0U, IPV6_V6ONLY),
	SOCKOPT("IPV6_RECVPKTINFO", IP, IPPROTO_IPV6, ~0U, IPV6_RECVPKTINFO),
	SOCKOPT("IPV6_PKTINFO, IPV6_RECVHOPLIMIT", IP, IPPROTO_IPV6, ~1U, IPV6_PKTINFO),
	SOCKOPT("IPV6_DONTFRAG", IP, IPPROTO_IPV6, ~0U, IPV6_DONTFRAG),
	SOCKOPT("IPV6_RECVTCLASS, IPV6_TCLASS", IP, IPPROTO_IPV6, ~1U, IPV6_RECVTCLASS),
	SOCKOPT("IPV6_AUTOFLOWLABEL", IP, IPPROTO_IPV6, ~0U, IPV6_AUTOFLOWLABEL),
	SOCKOPT("IPV6_ADDR_PREFERENCES, IPV6_MINHOPCOUNT", IP, IPPROTO_IPV6, ~1U,
		IPV6_ADDR_PREFERENCES),
	SOCKOPT("IPV6_UNICAST_IF", IP, IPPROTO_IPV6, ~0U, IPV6_UNICAST_IF),
	SOCKOPT("IPV6_FREEBIND", IP, IPPROTO_IPV6, ~0U, IPV6_FREEBIND),
	SOCKOPT("IPV6_MULTICAST_IF", P(MCAST), IPPROTO_IPV6, ~0U, IPV6_MULTICAST_IF),
	SOCKOPT("IPV6_MULTICAST_HOPS, IPV6_MULTICAST_LOOP", P(MCAST), IPPROTO_IPV6, ~1U,
		IPV6_MULTICAST_HOPS),
	SOCKOPT("IPV6_ADD_MEMBERSHIP, IPV6_DROP_MEMBERSHIP", P(MCAST), IPPROTO_IPV6, ~1U,
		IPV6_ADD_MEMBERSHIP),
	SOCKOPT("IPV6_MULTICAST_ALL", P(MCAST), IPPROTO_IPV6, ~0U, IPV6_MULTICAST_ALL),
	SOCKOPT("MCAST_JOIN_GROUP, MCAST_BLOCK_SOURCE", P(MCAST), IPPROTO_IPV6, ~1U,
		MCAST_JOIN_GROUP),
	SOCKOPT("MCAST_UNBLOCK_SOURCE … MCAST_LEAVE_SOURCE_GROUP", P(MCAST), IPPROTO_IPV6, ~3U,
		MCAST_UNBLOCK_SOURCE),
	SOCKOPT("MCAST_MSFILTER", P(MCAST), IPPROTO_IPV6, ~0U, MCAST_MSFILTER),
	WHEN(setsockopt, "SOL_NETLINK", P(NETLINK) | P(DNS), IS(1, SOL_NETLINK)),
	OTHERWISE_NEVER(setsockopt, "an option that no promise covers"),
	WHEN(getsockopt, "SOL_SOCKET", P(STDIO), IS(1, SOL_SOCKET)),
	GETSOCKOPT("IPPROTO_IP, below 64", SOCKETS, IPPROTO_IP, ~63U, 0),
	WHEN(getsockopt, "IPPROTO_TCP", SOCKETS, IS(1, IPPROTO_TCP)),
	WHEN(getsockopt, "IPPROTO_UDP", SOCKETS, IS(1, IPPROTO_UDP)),
	GETSOCKOPT("IPPROTO_IPV6, below 64", SOCKETS, IPPROTO_IPV6, ~63U, 0),
	GETSOCKOPT("IPV6_RECVTCLASS, IPV6_TCLASS", SOCKETS, IPPROTO_IPV6, ~1U, IPV6_RECVTCLASS),
	GETSOCKOPT("IPV6_AUTOFLOWLABEL", SOCKETS, IPPROTO_IPV6, ~0U, IPV6_AUTOFLOWLABEL),
	GETSOCKOPT("IPV6_ADDR_PREFERENCES … IPV6_FREEBIND", SOCKETS, IPPROTO_IPV6, ~7U,
		   IPV6_ADDR_PREFERENCES),
	WHEN(getsockopt, "SOL_NETLINK", SOCKETS, IS(1, SOL_NETLINK)),
	OTHERWISE_NEVER(getsockopt, "a level that no promise covers"),

	/* Device control. Commands that only ask are stdio. */
	CONTROL(FIONREAD, P(STDIO)),
	CONTROL(FIONBIO, P(STDIO)),
	CONTROL(FIOCLEX, P(STDIO)),
	CONTROL(FIONCLEX, P(STDIO)),
	CONTROL(FIOASYNC, P(STDIO)), /* what F_SETFL can do as well */
	CONTROL(FIOQSIZE, P(STDIO)),
	CONTROL(TCGETS, P(STDIO)),
	WHEN(ioctl, "TCGETS2", P(STDIO), IS(1, TCGETS2_)),
	CONTROL(TCGETA, P(STDIO)),
	CONTROL(TIOCGWINSZ, P(STDIO)),
	CONTROL(TIOCGPGRP, P(STDIO)),
	CONTROL(TIOCGSID, P(STDIO)),
	CONTROL(TIOCOUTQ, P(STDIO)),
	CONTROL(FIGETBSZ, P(STDIO)),
	CONTROL(RNDGETENTCNT, P(STDIO)),

	CONTROL_NEVER(TIOCSTI, "types into the terminal on the user's behalf"),
	CONTROL_NEVER(TIOCLINUX, "pastes into the console on the user's behalf"),
	CONTROL_NEVER(TIOCSETD, "loads a line discipline into the kernel"),
	CONTROL(TCSETS, P(TTY)),
	CONTROL(TCSETSW, P(TTY)),
	CONTROL(TCSETSF, P(TTY)),
	CONTROL(TCSETA, P(TTY)),
	CONTROL(TCSETAW, P(TTY)),
	CONTROL(TCSETAF, P(TTY)),
	WHEN(ioctl, "TCSETS2", P(TTY), IS(1, TCSETS2_)),
	WHEN(ioctl, "TCSETSW2", P(TTY), IS(1, TCSETSW2_)),
	WHEN(ioctl, "TCSETSF2", P(TTY), IS(1, TCSETSF2_)),
	CONTROL(TCSBRK, P(TTY)),
	CONTROL(TCSBRKP, P(TTY)),
	CONTROL(TIOCSBRK, P(TTY)),
	CONTROL(TIOCCBRK, P(TTY)),
	CONTROL(TCXONC, P(TTY)),
	CONTROL(TCFLSH, P(TTY)),
	CONTROL(TIOCEXCL, P(TTY)),
	CONTROL(TIOCNXCL, P(TTY)),
	CONTROL(TIOCGEXCL, P(TTY)),
	CONTROL(TIOCSCTTY, P(TTY)),
	CONTROL(TIOCNOTTY, P(TTY)),
	CONTROL(TIOCSPGRP, P(TTY)),
	CONTROL(TIOCSWINSZ, P(TTY)),
	CONTROL(TIOCMGET, P(TTY)),
	CONTROL(TIOCMBIS, P(TTY)),
	CONTROL(TIOCMBIC, P(TTY)),
	CONTROL(TIOCMSET, P(TTY)),
	CONTROL(TIOCGETD, P(TTY)),
	CONTROL(TIOCPKT, P(TTY)),
	CONTROL(TIOCGPKT, P(TTY)),
	CONTROL(TIOCGPTN, P(TTY)),
	CONTROL(TIOCSPTLCK, P(TTY)),
	CONTROL(TIOCGPTLCK, P(TTY)),
	CONTROL(TIOCGPTPEER, P(TTY)),

	CONTROL(SIOCATMARK, SOCKETS),
	CONTROL(SIOCGSTAMP_OLD, SOCKETS),
	CONTROL(SIOCOUTQNSD, SOCKETS),
	CONTROL(SIOCGPGRP, SOCKETS),
	CONTROL(SIOCSPGRP, P(PROC)), /* as F_SETOWN */
	CONTROL(FIOSETOWN, P(PROC)),
	CONTROL(SIOCGIFNAME, P(INET) | P(NETLINK) | P(DNS)),
	CONTROL(SIOCGIFCONF, P(INET) | P(NETLINK) | P(DNS)),
	CONTROL(SIOCGIFFLAGS, P(INET) | P(NETLINK) | P(DNS)),
	CONTROL(SIOCGIFADDR, P(INET) | P(NETLINK) | P(DNS)),
	CONTROL(SIOCGIFDSTADDR, P(INET) | P(NETLINK) | P(DNS)),
	CONTROL(SIOCGIFBRDADDR, P(INET) | P(NETLINK) | P(DNS)),
	CONTROL(SIOCGIFNETMASK, P(INET) | P(NETLINK) | P(DNS)),
	CONTROL(SIOCGIFMETRIC, P(INET) | P(NETLINK) | P(DNS)),
	CONTROL(SIOCGIFMTU, P(INET) | P(NETLINK) | P(DNS)),
	CONTROL(SIOCGIFHWADDR, P(INET) | P(NETLINK) | P(DNS)),
	CONTROL(SIOCGIFINDEX, P(INET) | P(NETLINK) | P(DNS)),
	CONTROL(SIOCGIFTXQLEN, P(INET) | P(NETLINK) | P(DNS)),

	CONTROL(FICLONE, P(WPATH) | P(CPATH) | P(TMPPATH)),
	CONTROL(FICLONERANGE, P(WPATH) | P(CPATH) | P(TMPPATH)),
	CONTROL(FIDEDUPERANGE, P(WPATH) | P(CPATH) | P(TMPPATH)),
	CONTROL(FS_IOC_GETFLAGS, P(RPATH)),
	CONTROL(FS_IOC_GETVERSION, P(RPATH)),
	CONTROL(FS_IOC_FIEMAP, P(RPATH)),
	CONTROL(FS_IOC_FSGETXATTR, P(RPATH)),
	CONTROL(BLKGETSIZE64, P(RPATH)),
	CONTROL(BLKSSZGET, P(RPATH)),
	CONTROL(FS_IOC_SETFLAGS, P(FATTR)), /* OpenBSD: chflags is fattr */
	CONTROL(FS_IOC_FSSETXATTR, P(FATTR)),

	/* Whole families by their type byte. usbfs shares 'U' with ALSA's control devices; which
	 * devices can be opened is Landlock's part. The console's VT_* commands share 'V' with
	 * video4linux but have no direction bits. */
	WHEN(ioctl, "type 'A'", P(AUDIO), BITS(1, 0xff00, 'A' << 8)),
	WHEN(ioctl, "type 'U'", P(AUDIO), BITS(1, 0xff00, 'U' << 8)),
	CONTROL(SNDRV_TIMER_IOCTL_PVERSION, P(AUDIO)),
	CONTROL(SNDRV_TIMER_IOCTL_TREAD_OLD, P(AUDIO)),
	CONTROL(SNDRV_TIMER_IOCTL_TREAD64, P(AUDIO)),
	CONTROL(SNDRV_TIMER_IOCTL_SELECT, P(AUDIO)),
	CONTROL(SNDRV_TIMER_IOCTL_INFO, P(AUDIO)),
	CONTROL(SNDRV_TIMER_IOCTL_PARAMS, P(AUDIO)),
	CONTROL(SNDRV_TIMER_IOCTL_STATUS, P(AUDIO)),
	WHEN(ioctl, "SNDRV_TIMER_IOCTL_START … PAUSE", P(AUDIO),
	     BITS(1, ~3U, SNDRV_TIMER_IOCTL_START)),
	WHEN(ioctl, "type 'V', writing", P(VIDEO), BITS(1, 0xc000ff00U, 0x40005600U)),
	WHEN(ioctl, "type 'V', reading", P(VIDEO), BITS(1, 0xc000ff00U, 0x80005600U)),
	WHEN(ioctl, "type 'V', both", P(VIDEO), BITS(1, 0xc000ff00U, 0xc0005600U)),
	WHEN(ioctl, "type '|'", P(VIDEO), BITS(1, 0xff00, '|' << 8)),
	WHEN(ioctl, "type 'd'", P(DRM), BITS(1, 0xff00, 'd' << 8)),
	WHEN(ioctl, "type '>'", P(DRM), BITS(1, 0xff00, '>' << 8)),
	CONTROL(DMA_BUF_IOCTL_SYNC, P(VIDEO) | P(DRM)),
	OTHERWISE_NEVER(ioctl, "a command that no promise covers"),

	/* Never, whatever is promised. */
	NEVER(mount, WHY_NAMESPACE), NEVER(umount2, WHY_NAMESPACE),
	NEVER(pivot_root, WHY_NAMESPACE), NEVER(chroot, WHY_NAMESPACE),
	NEVER(unshare, WHY_NAMESPACE), NEVER(setns, WHY_NAMESPACE), NEVER(open_tree, WHY_NAMESPACE),
	NEVER(open_tree_attr, WHY_NAMESPACE), NEVER(move_mount, WHY_NAMESPACE),
	NEVER(mount_setattr, WHY_NAMESPACE), NEVER(fsopen, WHY_NAMESPACE),
	NEVER(fsconfig, WHY_NAMESPACE), NEVER(fsmount, WHY_NAMESPACE), NEVER(fspick, WHY_NAMESPACE),
	NEVER(sethostname, WHY_SYSTEM), NEVER(setdomainname, WHY_SYSTEM),
	NEVER(swapon, WHY_SYSTEM), NEVER(swapoff, WHY_SYSTEM), NEVER(reboot, WHY_SYSTEM),
	NEVER(kexec_load, WHY_SYSTEM), NEVER(kexec_file_load, WHY_SYSTEM), NEVER(acct, WHY_SYSTEM),
	NEVER(quotactl, WHY_SYSTEM), NEVER(quotactl_fd, WHY_SYSTEM),
	NEVER(syslog, "the kernel's log tells about everyone"),
	NEVER(iopl, WHY_HARDWARE), NEVER(ioperm, WHY_HARDWARE), NEVER(vhangup, WHY_SYSTEM),
	NEVER(init_module, WHY_KERNEL), NEVER(finit_module, WHY_KERNEL),
	NEVER(delete_module, WHY_KERNEL), NEVER(bpf, WHY_KERNEL),
	NEVER(perf_event_open, WHY_KERNEL),
	NEVER(userfaultfd, "lets a page fault of the kernel wait for the program"),
	NEVER(ptrace, WHY_OTHERS), NEVER(process_vm_readv, WHY_OTHERS),
	NEVER(process_vm_writev, WHY_OTHERS), NEVER(process_madvise, WHY_OTHERS),
	NEVER(process_mrelease, WHY_OTHERS), NEVER(pidfd_getfd, WHY_OTHERS),
	NEVER(kcmp, WHY_OTHERS), NEVER(add_key, WHY_KEYS), NEVER(request_key, WHY_KEYS),
	NEVER(keyctl, WHY_KEYS), NEVER(lsm_set_self_attr, "changes the security label"),
	NEVER(open_by_handle_at, "opens files that no path leads to"),
	NEVER(fanotify_init, "watches and holds up other programs"),
	NEVER(fanotify_mark, "watches and holds up other programs"),
	/* OpenBSD's pledge permits no System V IPC either. Letting go of a segment is harmless. */
	NEVER(shmget, WHY_SYSV), NEVER(shmat, WHY_SYSV), NEVER(shmctl, WHY_SYSV), S(shmdt),
	NEVER(semget, WHY_SYSV), NEVER(semop, WHY_SYSV), NEVER(semtimedop, WHY_SYSV),
	NEVER(semctl, WHY_SYSV), NEVER(msgget, WHY_SYSV), NEVER(msgsnd, WHY_SYSV),
	NEVER(msgrcv, WHY_SYSV), NEVER(msgctl, WHY_SYSV), NEVER(mq_open, WHY_SYSV),
	NEVER(mq_unlink, WHY_SYSV), NEVER(modify_ldt, WHY_SEGMENTS),
	NEVER(set_thread_area, WHY_SEGMENTS), NEVER(get_thread_area, WHY_SEGMENTS),

	/* Nobody has them any more. */
	NEVER(uselib, WHY_OBSOLETE), NEVER(_sysctl, WHY_OBSOLETE),
	NEVER(create_module, WHY_OBSOLETE), NEVER(get_kernel_syms, WHY_OBSOLETE),
	NEVER(query_module, WHY_OBSOLETE), NEVER(nfsservctl, WHY_OBSOLETE),
	NEVER(getpmsg, WHY_OBSOLETE), NEVER(putpmsg, WHY_OBSOLETE),
	NEVER(afs_syscall, WHY_OBSOLETE), NEVER(tuxcall, WHY_OBSOLETE),
	NEVER(security, WHY_OBSOLETE), NEVER(vserver, WHY_OBSOLETE),
	NEVER(lookup_dcookie, WHY_OBSOLETE), NEVER(epoll_ctl_old, WHY_OBSOLETE),
	NEVER(epoll_wait_old, WHY_OBSOLETE), NEVER(ustat, WHY_OBSOLETE), NEVER(sysfs, WHY_OBSOLETE),
};
/* clang-format on */
const size_t table_rows_count = ARRAY_SIZE(table_rows);

static const struct {
	char name[28];
	int number;
} young[] = {
	{"uretprobe", 335},	    {"uprobe", 336},	       {"set_mempolicy_home_node", 450},
	{"cachestat", 451},	    {"fchmodat2", 452},	       {"map_shadow_stack", 453},
	{"futex_wake", 454},	    {"futex_wait", 455},       {"futex_requeue", 456},
	{"statmount", 457},	    {"listmount", 458},	       {"lsm_get_self_attr", 459},
	{"lsm_set_self_attr", 460}, {"lsm_list_modules", 461}, {"mseal", 462},
	{"setxattrat", 463},	    {"getxattrat", 464},       {"listxattrat", 465},
	{"removexattrat", 466},	    {"open_tree_attr", 467},   {"file_getattr", 468},
	{"file_setattr", 469},
};

int table_young_number(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(young); i++)
		if (strcmp(young[i].name, name) == 0)
			return young[i].number;
	return -1;
}
