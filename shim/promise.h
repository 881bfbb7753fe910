/* SPDX-License-Identifier: MIT */
/* The promise table: names, what they permit in one line, and the paths each implies. One list; the
 * filter, --list, the policy parser, the man page and the tests derive from it. Names and meaning
 * follow OpenBSD's pledge(2). */
#pragma once

#include "err.h"
#include "util.h"

/* X(IDENTIFIER, "name", "what it permits, one line for --list") */
#define PROMISES(X)                                                                      \
	X(STDIO, "stdio", "descriptor I/O, memory, time, threads, signals to itself")    \
	X(RPATH, "rpath", "open for reading, stat, readlink, getdents, chdir")           \
	X(WPATH, "wpath", "open for writing, truncate")                                  \
	X(CPATH, "cpath", "create, mkdir, rename, link, unlink, symlink")                \
	X(DPATH, "dpath", "mkfifo, mknod")                                               \
	X(TMPPATH, "tmppath", "create, read, write and remove under /tmp and ${TMPDIR}") \
	X(FATTR, "fattr", "chmod (no suid, sgid, sticky), utimes, user.* attributes")    \
	X(CHOWN, "chown", "chown family")                                                \
	X(FLOCK, "flock", "flock, fcntl locks")                                          \
	X(UNIX, "unix", "unix-domain sockets")                                           \
	X(INET, "inet", "IPv4 and IPv6 sockets")                                         \
	X(MCAST, "mcast", "multicast socket options")                                    \
	X(DNS, "dns", "what the resolver of libc does")                                  \
	X(GETPW, "getpw", "passwd, group and netgroup look-ups")                         \
	X(NETLINK, "netlink", "routing sockets (NETLINK_ROUTE)")                         \
	X(SENDFD, "sendfd", "sendmsg on what is open, hence SCM_RIGHTS")                 \
	X(RECVFD, "recvfd", "recvmsg on what is open, hence SCM_RIGHTS")                 \
	X(TTY, "tty", "terminal ioctls, /dev/tty")                                       \
	X(PROC, "proc", "fork, kill, setsid, priorities, scheduling")                    \
	X(EXEC, "exec", "execve of what unveil permits")                                 \
	X(PROT_EXEC, "prot_exec", "executable memory: JIT, dlopen")                      \
	X(ID, "id", "setuid family, setgroups, capset, rlimits")                         \
	X(PS, "ps", "other processes in /proc")                                          \
	X(VMINFO, "vminfo", "memory, processor and load figures in /proc and /sys")      \
	X(SETTIME, "settime", "set the clock")                                           \
	X(AUDIO, "audio", "sound devices")                                               \
	X(VIDEO, "video", "video capture devices")                                       \
	X(DRM, "drm", "graphics devices")                                                \
	X(ERROR, "error", "violations return an error even when the policy says kill")   \
	X(UNVEIL, "unveil", "nothing more (a program may always tighten itself)")        \
	X(THREAD, "thread", "nothing more (threads are in stdio)")

enum promise_id {
#define X(id, name, permits) PROMISE_##id,
	PROMISES(X)
#undef X
		PROMISE_COUNT
};

/* The set that holds one promise: P(STDIO) | P(RPATH). */
#define P(id) (UINT64_C(1) << PROMISE_##id)

/* Path permissions, the letters of [unveil] (DESIGN section 5). */
enum perm {
	PERM_R = 1 << 0, /* read files and directories */
	PERM_W = 1 << 1, /* write, truncate, ioctl on devices */
	PERM_X = 1 << 2, /* execute (and read, which the kernel wants with it) */
	PERM_C = 1 << 3, /* create, remove, rename, link */
};

struct promise {
	char name[12];
	char permits[72];
};

/* Indexed by enum promise_id. */
extern const struct promise promise_table[PROMISE_COUNT];

/* A path that a promise implies; a missing one is no error. ${TMPDIR} may stand in it. */
struct promise_path {
	uint8_t promise; /* enum promise_id */
	uint8_t perms;	 /* enum perm, or'ed */
	char path[56];
};

extern const struct promise_path promise_paths[];
extern const size_t promise_paths_count;

/* Turn a blank-separated list ("stdio rpath inet") into a set. "route" is OpenBSD's word for
 * netlink. Returns 0; -EINVAL for an unknown word, with the nearest spelling, or for one that has
 * no Linux counterpart (disklabel pf tape vmm wroute bpf). @err gets no file or line; *ret_set
 * changes only on success. */
must_check int promise_parse(const char *words, uint64_t *ret_set, struct sbx_err *err)
	nonnull(1, 2, 3);

/* The set as words in table order, blank-separated, NUL-terminated; cut to @size (256 always
 * suffices). */
void promise_format(uint64_t set, char *buf, size_t size) nonnull(2);

/* The promise called @name (or its alias); -1 when there is none. */
int promise_find(const char *name) nonnull(1);
