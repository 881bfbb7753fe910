/* SPDX-License-Identifier: MIT */
/* landlock(7): the only file that names LANDLOCK_*. Debian 12's headers stop at ABI 2, so the
 * constants are our own, each with the ABI and the kernel that brought it. */
#pragma once

#include "err.h"
#include "promise.h"
#include "util.h"

/* What this kernel can do. abi 0: no Landlock (not built, or not enabled at boot: errno tells, see
 * probe). */
struct landlock_caps {
	int abi;
	uint64_t fs;	 /* access rights on files that it knows */
	uint64_t net;	 /* access rights on TCP ports */
	uint64_t scopes; /* abstract sockets, signals */
	int probe_errno; /* when abi is 0: ENOSYS, EOPNOTSUPP */
};
void landlock_probe(struct landlock_caps *ret) nonnull(1);
/* Single rights on files, for who looks at single calls: the kernel's own bits. */
enum landlock_fs {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_CHAR = 1 << 6,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_MAKE_SOCK = 1 << 9,
	FS_MAKE_FIFO = 1 << 10,
	FS_MAKE_BLOCK = 1 << 11,
	FS_MAKE_SYM = 1 << 12,
	FS_REFER = 1 << 13,
	FS_TRUNCATE = 1 << 14,
	FS_IOCTL_DEV = 1 << 15,
};
/* What a kernel with @abi can do, of what we know; pure. */
void landlock_caps_of_abi(int abi, struct landlock_caps *ret) nonnull(2);

/* The errata bits of ABI 7's query, or -errno where the kernel has no such query. For --doctor. */
int landlock_errata(void);

/* An empty ruleset that handles @fs, @net and @scopes (caller masks them with the caps).
 * *ret_fd: caller closes; close-on-exec. Returns 0 or -errno; all three empty is -ENOMSG. */
must_check int landlock_ruleset_new(uint64_t fs, uint64_t net, uint64_t scopes, int *ret_fd,
				    struct sbx_err *err) nonnull(4, 5);
/* Grant @access (already within what the ruleset handles and what the file's type can have) beneath
 * @path_fd. */
must_check int landlock_add_path(int ruleset, int path_fd, uint64_t access, struct sbx_err *err);
/* Grant @access (PORT_BIND, PORT_CONNECT of policy.h) on a TCP port, host order. */
must_check int landlock_add_port(int ruleset, uint16_t port, uint8_t access, struct sbx_err *err);
/* Restrict the calling thread for good. no_new_privs must be set. -E2BIG: 16 layers are in force
 * already. */
must_check int landlock_restrict(int ruleset, struct sbx_err *err);

/* The access rights that letters grant under a set of promises: `w` only with wpath, `c` only with
 * cpath, `x` only with exec, `r` only with rpath; MAKE_SOCK with c and unix; MAKE_FIFO, MAKE_CHAR,
 * MAKE_BLOCK with c and dpath. */
uint64_t landlock_access(uint8_t perms, uint64_t promises);
/* The same for paths that a promise implies: `r`, `w` and `c` need no other promise. EXECUTE still
 * needs exec: the outer layer leaves execve open for start-up, and prot_exec's library directories
 * must not become runnable by it. */
uint64_t landlock_access_implied(uint8_t perms, uint64_t promises);
/* Only what a file that is no directory can have. */
uint64_t landlock_access_file(uint64_t access);
/* EXECUTE alone, for a ruleset that bounds nothing else. */
uint64_t landlock_access_execute(void);
/* REFER alone. Every ruleset that handles any right on files denies it where it is not granted
 * (landlock(7)), so one that handles EXECUTE alone must grant this beneath / to leave renames as
 * they are. */
uint64_t landlock_access_refer(void);
/* READ_FILE alone. */
uint64_t landlock_access_read_file(void);
/* IOCTL_DEV alone. */
uint64_t landlock_access_ioctl_dev(void);
/* The rights on TCP ports for PORT_BIND and PORT_CONNECT of policy.h. */
uint64_t landlock_access_port(uint8_t access);
/* "read files", "truncate" …: the name of one right, for messages and tests; NULL for an unknown
 * bit. */
const char *landlock_access_name(uint64_t right);
/* The first kernel version with @abi, "6.12"; NULL when unknown. */
const char *landlock_abi_kernel(int abi);
