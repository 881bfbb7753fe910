/* SPDX-License-Identifier: MIT */
/* What decode.c knows of calls and constants: arrays without pointers, so that the shim needs no
 * relocations for them. */
#pragma once

#include "util.h"

/* How an argument is shown. Those up to KIND_ENUMS are each a case of their own; the others are the
 * sets of constants that its value is looked up in. An int's upper half is never looked at, as the
 * kernel does not. */
enum decode_kind {
	K_END,	/* no more arguments */
	K_SKIP, /* says nothing to a person: buffers, lengths of what is shown already */
	K_FD,
	K_FD_OR_NONE, /* left out when it is -1 */
	K_DIRFD,      /* left out when it is AT_FDCWD */
	K_INT,
	K_LONG,
	K_UINT,
	K_LAST_FD, /* unsigned, and ~0U for the last there can be */
	K_SIZE,
	K_HEX,	/* 32 bits; left out when 0 */
	K_ADDR, /* left out when NULL */
	K_PATH,
	K_STRING, /* any other */
	K_TEXT,	  /* its length is the next argument */
	K_MODE,
	K_FILE_MODE, /* mknod(2): the file's type and its permission bits */
	K_OPEN_FLAGS,
	K_OPEN_MODE, /* open(2): shown when the argument before it creates */
	K_OPEN_HOW,  /* struct open_how * */
	K_CLONE_FLAGS,
	K_CLONE_ARGS,  /* struct clone_args * */
	K_SOCKET_TYPE, /* these four: a constant, and flags */
	K_SCHED_POLICY,
	K_MPOL_MODE,
	K_FUTEX_OP,
	K_MAP_FLAGS, /* these three hold a page size, too */
	K_MEMFD_FLAGS,
	K_SHMGET_FLAGS, /* and permission bits */
	K_IPCGET_FLAGS,
	K_IOPRIO, /* ioprio_set(2): class and level */
	K_QUOTA,  /* quotactl(2): command and type */
	K_IOCTL,
	K_PROTOCOL,   /* of the family in the first argument */
	K_ADDRESS,    /* struct sockaddr *, its length in the next argument */
	K_MSGHDR,     /* struct msghdr *: whom it is for */
	K_FLOCK,      /* struct flock *: which lock */
	K_RLIMIT,     /* struct rlimit64 *; left out when NULL */
	K_RW_HINT_AT, /* uint64_t * */
	K_OPTION,     /* of the socket level in the argument before */
	K_FOLLOW,     /* decode_followers tells by the argument before */

	KIND_ENUMS,
	K_FAMILY = KIND_ENUMS,
	K_SOCK_TYPE,
	K_IPPROTO,
	K_NETLINK_PROTOCOL,
	K_LEVEL,
	K_SO,
	K_IP,
	K_IPV6,
	K_TCP,
	K_UDP,
	K_NETLINK_OPTION,
	K_PACKET_OPTION,
	K_IP_GET, /* what getsockopt(2) calls otherwise than setsockopt(2) */
	K_IPV6_GET,
	K_RAW,
	K_ICMPV6,
	K_TLS,
	K_MPTCP,
	K_ALG,
	K_XDP,
	K_ETHERTYPE,
	K_FCNTL,
	K_RW_HINT,
	K_LOCK_TYPE,
	K_ACCESS_MODE,
	K_FILE_TYPE,
	K_PRCTL,
	K_PRCTL_MM,
	K_PRCTL_AMBIENT,
	K_VMA,
	K_SPECULATION,
	K_SCHED_CORE,
	K_DISPATCH,
	K_MCE_KILL,
	K_TSC,
	K_ARCH_PRCTL,
	K_CAPABILITY,
	K_SECCOMP,
	K_SECCOMP_MODE,
	K_SIGNAL,
	K_SIGNAL_HOW,
	K_WHENCE,
	K_RESOURCE,
	K_CLOCK,
	K_ITIMER,
	K_PRIO,
	K_RUSAGE,
	K_ID_TYPE,
	K_SCHED,
	K_IOPRIO_WHO,
	K_IOPRIO_CLASS,
	K_SHUT,
	K_EPOLL,
	K_MADVISE,
	K_FADVISE,
	K_MPOL,
	K_MEMBARRIER, /* without MEMBARRIER_CMD_ */
	K_PTRACE,
	K_KCMP,
	K_KEY,
	K_KEYCTL,
	K_BPF,
	K_FSCONFIG,
	K_SYSLOG,
	K_QUOTA_COMMAND,
	K_QUOTA_TYPE,
	K_LSM_ATTRIBUTE,
	K_REBOOT,
	K_LANDLOCK_RULE,
	K_FUTEX,
	K_IPC_KEY,
	K_SHMCTL,
	K_SEMCTL,
	K_MSGCTL,

	KIND_FLAGS,	     /* or'ed; left out when 0, unless that has a name */
	K_OPEN = KIND_FLAGS, /* without the access mode */
	K_AT,
	K_AT_UNLINK,
	K_AT_ACCESS,
	K_AT_HANDLE,
	K_ACCESS,
	K_RESOLVE,
	K_FD_FLAGS,
	K_SET_FD,
	K_EPOLL_CREATE,
	K_EVENTFD,
	K_SIGNALFD,
	K_TIMERFD,
	K_TIMERFD_SET,
	K_INOTIFY_INIT,
	K_PIDFD,
	K_PIDFD_SIGNAL,
	K_USERFAULTFD,
	K_DNOTIFY,
	K_FANOTIFY_INIT,
	K_FANOTIFY_MARK,
	K_FANOTIFY_MASK,
	K_SOCK,
	K_MSG,
	K_PROT,
	K_MAP,
	K_MREMAP,
	K_MSYNC,
	K_MLOCKALL,
	K_MLOCK,
	K_MPOL_FLAGS,
	K_MPOL_GET,
	K_MPOL_MOVE,
	K_PKEY,
	K_SHADOW_STACK,
	K_RWF,
	K_PERSONALITY,
	K_SCHED_FLAGS,
	K_FUTEX_FLAGS,
	K_SECUREBITS,
	K_MDWE,
	K_LANDLOCK_CREATE,
	K_LANDLOCK_RESTRICT,
	K_CLONE,
	K_CLONE_HIGH, /* bits 32 and up */
	K_WAIT,
	K_SECCOMP_FLAGS,
	K_RENAME,
	K_XATTR,
	K_LOCK,
	K_SEAL,
	K_MEMFD,
	K_RANDOM,
	K_SPLICE,
	K_FALLOCATE,
	K_INOTIFY,
	K_CLOSE_RANGE,
	K_MOUNT,
	K_UMOUNT,
	K_OPEN_TREE,
	K_MOVE_MOUNT,
	K_FSOPEN,
	K_FSMOUNT,
	K_MOUNT_ATTR,
	K_FSPICK,
	K_SWAP,
	K_KEXEC,
	K_KEXEC_FILE,
	K_MODULE,
	K_PERF,
	K_TIMER,
	K_SHMGET,
	K_IPCGET,
	K_SHMAT,
	K_MSG_OP,
	K_SYNC_RANGE,
	KIND_COUNT
};

#pragma GCC visibility push(hidden)

/* How the arguments of one call are shown. */
struct decode_signature {
	char name[24];
	uint8_t kinds[6]; /* enum decode_kind */
};
extern const struct decode_signature decode_signatures[];
extern const size_t decode_signatures_count;

/* In a set of flags, a constant with more bits comes before those whose bits it holds. What the
 * table of system calls names in a row of its own (gen-master's words) is not here again. */
struct decode_constant {
	uint32_t value;
	uint8_t kind; /* the set: enum decode_kind */
	char name[43];
};
extern const struct decode_constant decode_constants[];
extern const size_t decode_constants_count;

struct decode_ioctl {
	uint32_t value;
	char name[44];
};
extern const struct decode_ioctl decode_ioctls[];
extern const size_t decode_ioctls_count;

/* What the argument behind a command is: prctl(PR_SET_NAME, string). Its own kind may be followed
 * in turn: prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability). */
struct decode_follower {
	uint32_t value;
	uint8_t kind; /* K_FCNTL, K_PRCTL … */
	uint8_t next; /* enum decode_kind */
};
extern const struct decode_follower decode_followers[];
extern const size_t decode_followers_count;

#pragma GCC visibility pop
