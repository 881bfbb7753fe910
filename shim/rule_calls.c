/* SPDX-License-Identifier: MIT */
/* What arguments each call has, in the order of table.c: for rules. (decode_calls.c says which of
 * them a person is shown.) Each has the width in which the kernel looks at it: its declaration in
 * include/linux/syscalls.h of Linux 6.18, but for an unsigned long whose upper half is cut off or
 * must be zero, like the flags of clone(2) and mmap(2): to compare that half, too, would let a rule
 * be evaded by setting a bit in it. Of a mode_t the kernel takes 16 bits (umode_t). What the last
 * argument of fcntl(2), ioctl(2), semctl(2) and those of prctl(2) and keyctl(2) are depends on the
 * command: they count as a long. */
#include "rule_parts.h"

#include <stdio.h>
#include <string.h>

#include "master.h"
#include "spell.h"

/* Name and arguments of one call after the other, without pointers. Types are int, unsigned and
 * what is one of the two (32 bits), mode_t (16), long, size_t and off_t (64); a "*" is a pointer to
 * anything; "..." stands for six arguments of which nothing is known. */
#define CALL(name, args) #name "\0" args "\0"

/* Filled lines: clang-format would have one a line. */
/* clang-format off */
static const char calls[] =
	CALL(exit, "int status") CALL(exit_group, "int status") CALL(rt_sigreturn, "")
	CALL(restart_syscall, "") CALL(rseq, "*rseq, unsigned size, int flags, unsigned sig")
	CALL(set_robust_list, "*head, size_t size")
	CALL(futex, "*word, int op, unsigned val, *timeout, *word2, unsigned val3")
	CALL(futex_waitv, "*waiters, unsigned count, unsigned flags, *timeout, clockid_t clock")
	CALL(futex_wake, "*word, long mask, int count, unsigned flags")
	CALL(futex_wait, "*word, long val, long mask, unsigned flags, *timeout, clockid_t clock")
	CALL(futex_requeue, "*waiters, unsigned flags, int wake, int requeue") CALL(uretprobe, "")
	CALL(uprobe, "")

	CALL(read, "int fd, *buf, size_t count") CALL(readv, "int fd, *iov, long iovcnt")
	CALL(pread64, "int fd, *buf, size_t count, off_t offset")
	CALL(preadv, "int fd, *iov, long iovcnt, long offset_low, long offset_high")
	CALL(preadv2, "int fd, *iov, long iovcnt, long offset_low, long offset_high, int flags")
	CALL(write, "int fd, *buf, size_t count") CALL(writev, "int fd, *iov, long iovcnt")
	CALL(pwrite64, "int fd, *buf, size_t count, off_t offset")
	CALL(pwritev, "int fd, *iov, long iovcnt, long offset_low, long offset_high")
	CALL(pwritev2, "int fd, *iov, long iovcnt, long offset_low, long offset_high, int flags")
	CALL(close, "int fd") CALL(close_range, "unsigned first, unsigned last, unsigned flags")
	CALL(lseek, "int fd, off_t offset, int whence") CALL(dup, "int fd")
	CALL(dup2, "int fd, int newfd") CALL(dup3, "int fd, int newfd, int flags") CALL(pipe, "*fds")
	CALL(pipe2, "*fds, int flags") CALL(poll, "*fds, unsigned count, int timeout")
	CALL(ppoll, "*fds, unsigned count, *timeout, *sigmask, size_t size")
	CALL(select, "int nfds, *read, *write, *except, *timeout")
	CALL(pselect6, "int nfds, *read, *write, *except, *timeout, *sigmask")
	CALL(epoll_create, "int size") CALL(epoll_create1, "int flags")
	CALL(epoll_ctl, "int epfd, int op, int fd, *event")
	CALL(epoll_wait, "int epfd, *events, int count, int timeout")
	CALL(epoll_pwait, "int epfd, *events, int count, int timeout, *sigmask, size_t size")
	CALL(epoll_pwait2, "int epfd, *events, int count, *timeout, *sigmask, size_t size")
	CALL(eventfd, "unsigned count") CALL(eventfd2, "unsigned count, int flags")
	CALL(signalfd, "int fd, *mask, size_t size")
	CALL(signalfd4, "int fd, *mask, size_t size, int flags")
	CALL(timerfd_create, "clockid_t clock, int flags")
	CALL(timerfd_settime, "int fd, int flags, *new, *old")
	CALL(timerfd_gettime, "int fd, *current")
	CALL(sendfile, "int out, int in, *offset, size_t count")
	CALL(splice, "int in, *in_offset, int out, *out_offset, size_t size, unsigned flags")
	CALL(tee, "int in, int out, size_t size, unsigned flags")
	CALL(vmsplice, "int fd, *iov, long count, unsigned flags")
	CALL(copy_file_range, "int in, *in_offset, int out, *out_offset, size_t size, unsigned flags")
	CALL(io_setup, "unsigned count, *context") CALL(io_destroy, "long context")
	CALL(io_submit, "long context, long count, *iocbs")
	CALL(io_cancel, "long context, *iocb, *result")
	CALL(io_getevents, "long context, long min, long count, *events, *timeout")
	CALL(io_pgetevents, "long context, long min, long count, *events, *timeout, *sigmask")
	CALL(fsync, "int fd") CALL(fdatasync, "int fd") CALL(sync, "") CALL(syncfs, "int fd")
	CALL(sync_file_range, "int fd, off_t offset, off_t size, unsigned flags")
	CALL(ftruncate, "int fd, off_t size")
	CALL(fallocate, "int fd, int mode, off_t offset, off_t size")
	CALL(readahead, "int fd, off_t offset, size_t count")
	CALL(fadvise64, "int fd, off_t offset, size_t size, int advice")
	CALL(cachestat, "int fd, *range, *stat, unsigned flags") CALL(fstat, "int fd, *stat")
	CALL(fstatfs, "int fd, *stat") CALL(getdents, "int fd, *buf, unsigned size")
	CALL(getdents64, "int fd, *buf, unsigned size") CALL(fchdir, "int fd")
	CALL(getcwd, "*buf, size_t size") CALL(umask, "int mask")
	CALL(mq_timedsend, "int mqd, *message, size_t size, unsigned priority, *timeout")
	CALL(mq_timedreceive, "int mqd, *message, size_t size, *priority, *timeout")
	CALL(mq_notify, "int mqd, *event") CALL(mq_getsetattr, "int mqd, *new, *old")
	CALL(memfd_create, "*name, unsigned flags") CALL(memfd_secret, "unsigned flags")
	CALL(io_uring_setup, "unsigned entries, *params")
	CALL(io_uring_enter, "unsigned fd, unsigned to_submit, unsigned min_complete, unsigned flags, *arg, size_t size")
	CALL(io_uring_register, "unsigned fd, unsigned op, *arg, unsigned count")
	CALL(flock, "int fd, int op") CALL(fcntl, "int fd, int cmd, long arg")

	CALL(open, "*path, int flags, mode_t mode")
	CALL(openat, "int dirfd, *path, int flags, mode_t mode")
	CALL(openat2, "int dirfd, *path, *how, size_t size") CALL(creat, "*path, mode_t mode")
	CALL(stat, "*path, *stat") CALL(lstat, "*path, *stat")
	CALL(newfstatat, "int dirfd, *path, *stat, int flags")
	CALL(statx, "int dirfd, *path, unsigned flags, unsigned mask, *statx")
	CALL(access, "*path, int mode") CALL(faccessat, "int dirfd, *path, int mode")
	CALL(faccessat2, "int dirfd, *path, int mode, int flags")
	CALL(readlink, "*path, *buf, int size") CALL(readlinkat, "int dirfd, *path, *buf, int size")
	CALL(statfs, "*path, *stat") CALL(chdir, "*path")
	CALL(name_to_handle_at, "int dirfd, *path, *handle, *mount_id, int flags")
	CALL(statmount, "*request, *buf, size_t size, unsigned flags")
	CALL(listmount, "*request, *ids, size_t count, unsigned flags") CALL(inotify_init, "")
	CALL(inotify_init1, "int flags") CALL(inotify_add_watch, "int fd, *path, unsigned mask")
	CALL(inotify_rm_watch, "int fd, int wd") CALL(getxattr, "*path, *name, *value, size_t size")
	CALL(lgetxattr, "*path, *name, *value, size_t size")
	CALL(fgetxattr, "int fd, *name, *value, size_t size")
	CALL(getxattrat, "int dirfd, *path, unsigned at_flags, *name, *args, size_t size")
	CALL(listxattr, "*path, *list, size_t size") CALL(llistxattr, "*path, *list, size_t size")
	CALL(flistxattr, "int fd, *list, size_t size")
	CALL(listxattrat, "int dirfd, *path, unsigned at_flags, *list, size_t size")
	CALL(file_getattr, "int dirfd, *path, *attr, size_t size, unsigned at_flags")

	CALL(truncate, "*path, off_t size") CALL(mkdir, "*path, mode_t mode")
	CALL(mkdirat, "int dirfd, *path, mode_t mode") CALL(rmdir, "*path") CALL(unlink, "*path")
	CALL(unlinkat, "int dirfd, *path, int flags") CALL(rename, "*old, *new")
	CALL(renameat, "int olddirfd, *old, int newdirfd, *new")
	CALL(renameat2, "int olddirfd, *old, int newdirfd, *new, unsigned flags")
	CALL(link, "*old, *new") CALL(linkat, "int olddirfd, *old, int newdirfd, *new, int flags")
	CALL(symlink, "*target, *path") CALL(symlinkat, "*target, int dirfd, *path")
	CALL(mknod, "*path, mode_t mode, unsigned dev")
	CALL(mknodat, "int dirfd, *path, mode_t mode, unsigned dev")
	CALL(chmod, "*path, mode_t mode") CALL(fchmod, "int fd, mode_t mode")
	CALL(fchmodat, "int dirfd, *path, mode_t mode")
	CALL(fchmodat2, "int dirfd, *path, mode_t mode, unsigned flags") CALL(utime, "*path, *times")
	CALL(utimes, "*path, *times") CALL(futimesat, "int dirfd, *path, *times")
	CALL(utimensat, "int dirfd, *path, *times, int flags")
	CALL(setxattr, "*path, *name, *value, size_t size, int flags")
	CALL(lsetxattr, "*path, *name, *value, size_t size, int flags")
	CALL(fsetxattr, "int fd, *name, *value, size_t size, int flags")
	CALL(setxattrat, "int dirfd, *path, unsigned at_flags, *name, *args, size_t size")
	CALL(removexattr, "*path, *name") CALL(lremovexattr, "*path, *name")
	CALL(fremovexattr, "int fd, *name")
	CALL(removexattrat, "int dirfd, *path, unsigned at_flags, *name")
	CALL(file_setattr, "int dirfd, *path, *attr, size_t size, unsigned at_flags")
	CALL(chown, "*path, uid_t user, gid_t group") CALL(lchown, "*path, uid_t user, gid_t group")
	CALL(fchown, "int fd, uid_t user, gid_t group")
	CALL(fchownat, "int dirfd, *path, uid_t user, gid_t group, int flags")

	CALL(brk, "*end") CALL(munmap, "*addr, size_t size")
	CALL(mremap, "*addr, size_t old_size, size_t new_size, unsigned flags, *new_addr")
	CALL(msync, "*addr, size_t size, int flags") CALL(mincore, "*addr, size_t size, *vec")
	CALL(madvise, "*addr, size_t size, int advice")
	CALL(mseal, "*addr, size_t size, unsigned flags") CALL(mlock, "*addr, size_t size")
	CALL(mlock2, "*addr, size_t size, int flags") CALL(munlock, "*addr, size_t size")
	CALL(mlockall, "int flags") CALL(munlockall, "")
	CALL(pkey_alloc, "unsigned flags, unsigned rights") CALL(pkey_free, "int pkey")
	CALL(map_shadow_stack, "*addr, size_t size, unsigned flags")
	CALL(membarrier, "int cmd, unsigned flags, int cpu")
	CALL(mbind, "*addr, size_t size, int mode, *nodes, long maxnode, unsigned flags")
	CALL(set_mempolicy, "int mode, *nodes, long maxnode")
	CALL(get_mempolicy, "*mode, *nodes, long maxnode, *addr, unsigned flags")
	CALL(set_mempolicy_home_node, "*addr, size_t size, long node, unsigned flags")
	CALL(mmap, "*addr, size_t size, int prot, int flags, int fd, off_t offset")
	CALL(mprotect, "*addr, size_t size, int prot")
	CALL(pkey_mprotect, "*addr, size_t size, int prot, int pkey")
	CALL(move_pages, "pid_t pid, long count, *pages, *nodes, *status, int flags")
	CALL(migrate_pages, "pid_t pid, long maxnode, *old, *new")
	CALL(remap_file_pages, "*addr, size_t size, int prot, size_t pgoff, int flags")

	CALL(clock_gettime, "clockid_t clock, *time")
	CALL(clock_getres, "clockid_t clock, *resolution")
	CALL(clock_nanosleep, "clockid_t clock, int flags, *request, *rest")
	CALL(nanosleep, "*request, *rest") CALL(gettimeofday, "*time, *zone") CALL(time, "*time")
	CALL(times, "*buf") CALL(getitimer, "int which, *current")
	CALL(setitimer, "int which, *new, *old") CALL(alarm, "unsigned seconds")
	CALL(timer_create, "clockid_t clock, *event, *timer")
	CALL(timer_settime, "int timer, int flags, *new, *old")
	CALL(timer_gettime, "int timer, *current") CALL(timer_getoverrun, "int timer")
	CALL(timer_delete, "int timer") CALL(clock_settime, "clockid_t clock, *time")
	CALL(settimeofday, "*time, *zone") CALL(adjtimex, "*buf")
	CALL(clock_adjtime, "clockid_t clock, *buf")

	CALL(rt_sigaction, "int signal, *new, *old, size_t size")
	CALL(rt_sigprocmask, "int how, *new, *old, size_t size")
	CALL(rt_sigpending, "*set, size_t size")
	CALL(rt_sigtimedwait, "*set, *info, *timeout, size_t size")
	CALL(rt_sigsuspend, "*set, size_t size") CALL(sigaltstack, "*new, *old") CALL(pause, "")
	CALL(kill, "pid_t pid, int signal") CALL(tkill, "pid_t tid, int signal")
	CALL(tgkill, "pid_t tgid, pid_t tid, int signal")
	CALL(rt_sigqueueinfo, "pid_t pid, int signal, *info")
	CALL(rt_tgsigqueueinfo, "pid_t tgid, pid_t tid, int signal, *info")
	CALL(pidfd_send_signal, "int pidfd, int signal, *info, unsigned flags")
	CALL(pidfd_open, "pid_t pid, unsigned flags")

	CALL(getpid, "") CALL(getppid, "") CALL(gettid, "") CALL(getpgid, "pid_t pid")
	CALL(getpgrp, "") CALL(getsid, "pid_t pid") CALL(set_tid_address, "*tid") CALL(getuid, "")
	CALL(geteuid, "") CALL(getresuid, "*real, *effective, *saved") CALL(getgid, "")
	CALL(getegid, "") CALL(getresgid, "*real, *effective, *saved")
	CALL(getgroups, "int count, *groups") CALL(capget, "*header, *data")
	CALL(getpriority, "int which, int who") CALL(ioprio_get, "int which, int who")
	CALL(getrlimit, "unsigned resource, *limit") CALL(getrusage, "int who, *usage")
	CALL(getcpu, "*cpu, *node, *unused") CALL(sysinfo, "*info") CALL(uname, "*buf")
	CALL(getrandom, "*buf, size_t size, unsigned flags") CALL(sched_yield, "")
	CALL(sched_getaffinity, "pid_t pid, unsigned size, *mask")
	CALL(sched_getparam, "pid_t pid, *param") CALL(sched_getscheduler, "pid_t pid")
	CALL(sched_getattr, "pid_t pid, *attr, unsigned size, unsigned flags")
	CALL(sched_get_priority_max, "int policy") CALL(sched_get_priority_min, "int policy")
	CALL(sched_rr_get_interval, "pid_t pid, *interval")
	CALL(lsm_get_self_attr, "unsigned attr, *context, *size, unsigned flags")
	CALL(lsm_list_modules, "*ids, *size, unsigned flags") CALL(personality, "unsigned persona")
	CALL(get_robust_list, "pid_t pid, *head, *size")
	CALL(prlimit64, "pid_t pid, unsigned resource, *new, *old")
	CALL(setrlimit, "unsigned resource, *limit") CALL(arch_prctl, "int code, long arg")
	CALL(prctl, "int option, long arg2, long arg3, long arg4, long arg5")
	CALL(seccomp, "unsigned op, unsigned flags, *args")
	CALL(landlock_create_ruleset, "*attr, size_t size, unsigned flags")
	CALL(landlock_add_rule, "int ruleset, int type, *attr, unsigned flags")
	CALL(landlock_restrict_self, "int ruleset, unsigned flags")

#ifdef __aarch64__
	CALL(clone, "unsigned flags, *stack, *parent_tid, long tls, *child_tid")
#else
	CALL(clone, "unsigned flags, *stack, *parent_tid, *child_tid, long tls")
#endif
	CALL(clone3, "*args, size_t size") CALL(fork, "") CALL(vfork, "")
	CALL(wait4, "pid_t pid, *status, int options, *usage")
	CALL(waitid, "int which, pid_t pid, *info, int options, *usage")
	CALL(execve, "*path, *argv, *envp")
	CALL(execveat, "int dirfd, *path, *argv, *envp, int flags")
	CALL(setpgid, "pid_t pid, pid_t pgid") CALL(setsid, "")
	CALL(setpriority, "int which, int who, int nice")
	CALL(ioprio_set, "int which, int who, int priority")
	CALL(sched_setparam, "pid_t pid, *param")
	CALL(sched_setscheduler, "pid_t pid, int policy, *param")
	CALL(sched_setattr, "pid_t pid, *attr, unsigned flags")
	CALL(sched_setaffinity, "pid_t pid, unsigned size, *mask") CALL(setuid, "uid_t user")
	CALL(setgid, "gid_t group") CALL(setreuid, "uid_t real, uid_t effective")
	CALL(setregid, "gid_t real, gid_t effective")
	CALL(setresuid, "uid_t real, uid_t effective, uid_t saved")
	CALL(setresgid, "gid_t real, gid_t effective, gid_t saved") CALL(setfsuid, "uid_t user")
	CALL(setfsgid, "gid_t group") CALL(setgroups, "int count, *groups")
	CALL(capset, "*header, *data")

	CALL(socket, "int family, int type, int protocol")
	CALL(socketpair, "int family, int type, int protocol, *fds")
	CALL(connect, "int fd, *addr, int size") CALL(bind, "int fd, *addr, int size")
	CALL(listen, "int fd, int backlog") CALL(accept, "int fd, *addr, *size")
	CALL(accept4, "int fd, *addr, *size, int flags") CALL(getsockname, "int fd, *addr, *size")
	CALL(getpeername, "int fd, *addr, *size") CALL(shutdown, "int fd, int how")
	CALL(recvfrom, "int fd, *buf, size_t count, unsigned flags, *addr, *size")
	CALL(recvmsg, "int fd, *message, unsigned flags")
	CALL(recvmmsg, "int fd, *messages, unsigned count, unsigned flags, *timeout")
	CALL(sendto, "int fd, *buf, size_t count, unsigned flags, *addr, int size")
	CALL(sendmsg, "int fd, *message, unsigned flags")
	CALL(sendmmsg, "int fd, *messages, unsigned count, unsigned flags")
	CALL(setsockopt, "int fd, int level, int option, *value, int size")
	CALL(getsockopt, "int fd, int level, int option, *value, *size")
	CALL(ioctl, "int fd, unsigned cmd, long arg")

	CALL(mount, "*source, *target, *type, unsigned flags, *data")
	CALL(umount2, "*target, int flags") CALL(pivot_root, "*new, *old") CALL(chroot, "*path")
	CALL(unshare, "unsigned flags") CALL(setns, "int fd, int type")
	CALL(open_tree, "int dirfd, *path, unsigned flags")
	CALL(open_tree_attr, "int dirfd, *path, unsigned flags, *attr, size_t size")
	CALL(move_mount, "int fromfd, *from, int tofd, *to, unsigned flags")
	CALL(mount_setattr, "int dirfd, *path, unsigned flags, *attr, size_t size")
	CALL(fsopen, "*type, unsigned flags")
	CALL(fsconfig, "int fd, unsigned cmd, *key, *value, int aux")
	CALL(fsmount, "int fd, unsigned flags, unsigned attr")
	CALL(fspick, "int dirfd, *path, unsigned flags") CALL(sethostname, "*name, int size")
	CALL(setdomainname, "*name, int size") CALL(swapon, "*path, int flags")
	CALL(swapoff, "*path") CALL(reboot, "int magic, int magic2, unsigned cmd, *arg")
	CALL(kexec_load, "*entry, long count, *segments, unsigned flags")
	CALL(kexec_file_load, "int kernel, int initrd, size_t size, *cmdline, unsigned flags")
	CALL(acct, "*path") CALL(quotactl, "unsigned cmd, *special, uid_t id, *addr")
	CALL(quotactl_fd, "int fd, unsigned cmd, uid_t id, *addr")
	CALL(syslog, "int type, *buf, int size") CALL(iopl, "unsigned level")
	CALL(ioperm, "long from, long count, int on") CALL(vhangup, "")
	CALL(init_module, "*image, size_t size, *params")
	CALL(finit_module, "int fd, *params, int flags") CALL(delete_module, "*name, unsigned flags")
	CALL(bpf, "int cmd, *attr, unsigned size")
	CALL(perf_event_open, "*attr, pid_t pid, int cpu, int group_fd, unsigned flags")
	CALL(userfaultfd, "int flags") CALL(ptrace, "long request, pid_t pid, *addr, long data")
	CALL(process_vm_readv, "pid_t pid, *local, long local_count, *remote, long remote_count, long flags")
	CALL(process_vm_writev, "pid_t pid, *local, long local_count, *remote, long remote_count, long flags")
	CALL(process_madvise, "int pidfd, *iov, size_t count, int advice, unsigned flags")
	CALL(process_mrelease, "int pidfd, unsigned flags")
	CALL(pidfd_getfd, "int pidfd, int fd, unsigned flags")
	CALL(kcmp, "pid_t pid1, pid_t pid2, int type, long index1, long index2")
	CALL(add_key, "*type, *description, *payload, size_t size, int keyring")
	CALL(request_key, "*type, *description, *info, int keyring")
	CALL(keyctl, "int op, long arg2, long arg3, long arg4, long arg5")
	CALL(lsm_set_self_attr, "unsigned attr, *context, unsigned size, unsigned flags")
	CALL(open_by_handle_at, "int mountfd, *handle, int flags")
	CALL(fanotify_init, "unsigned flags, unsigned event_flags")
	CALL(fanotify_mark, "int fd, unsigned flags, long mask, int dirfd, *path")
	CALL(shmget, "key_t key, size_t size, int flags") CALL(shmat, "int id, *addr, int flags")
	CALL(shmctl, "int id, int cmd, *buf") CALL(shmdt, "*addr")
	CALL(semget, "key_t key, int count, int flags") CALL(semop, "int id, *ops, unsigned count")
	CALL(semtimedop, "int id, *ops, unsigned count, *timeout")
	CALL(semctl, "int id, int number, int cmd, long arg") CALL(msgget, "key_t key, int flags")
	CALL(msgsnd, "int id, *message, size_t size, int flags")
	CALL(msgrcv, "int id, *message, size_t size, long type, int flags")
	CALL(msgctl, "int id, int cmd, *buf") CALL(mq_open, "*name, int flags, mode_t mode, *attr")
	CALL(mq_unlink, "*name") CALL(modify_ldt, "int func, *buf, size_t size")
	CALL(set_thread_area, "*info") CALL(get_thread_area, "*info")

	CALL(uselib, "*path") CALL(_sysctl, "*args") CALL(create_module, "*name, size_t size")
	CALL(get_kernel_syms, "*table")
	CALL(query_module, "*name, int which, *buf, size_t size, *result")
	CALL(nfsservctl, "int cmd, *arg, *result") CALL(getpmsg, "...") CALL(putpmsg, "...")
	CALL(afs_syscall, "...") CALL(tuxcall, "...") CALL(security, "...") CALL(vserver, "...")
	CALL(lookup_dcookie, "long cookie, *buf, size_t size")
	CALL(epoll_ctl_old, "int epfd, int op, int fd, *event")
	CALL(epoll_wait_old, "int epfd, *events, int count") CALL(ustat, "unsigned dev, *buf")
	CALL(sysfs, "int option, long arg1, long arg2");
/* clang-format on */

static const struct {
	char type[9];
	uint8_t bits;
} types[] = {
	{"mode_t", 16},
	{"long", 64},
	{"size_t", 64},
	{"off_t", 64},
};

#define CALLS_MAX 512 /* more than there are */

/* The call behind @call; an empty name is the end. */
static bool step(struct rule_call *call)
{
	if (!call->name) {
		call->name = calls;
	} else {
		call->name = call->arguments + strlen(call->arguments) + 1;
		call->index++;
	}
	call->arguments = call->name + strlen(call->name) + 1;
	return call->name[0] != '\0';
}

bool rule_call_find(const char *name, size_t len, struct rule_call *ret)
{
	struct rule_call call = {0};

	while (step(&call)) {
		if (strncmp(call.name, name, len) == 0 && !call.name[len]) {
			*ret = call;
			return true;
		}
	}
	return false;
}

bool rule_call_at(unsigned index, struct rule_call *ret)
{
	struct rule_call call = {0};

	while (step(&call)) {
		if (call.index == index) {
			*ret = call;
			return true;
		}
	}
	return false;
}

const char *rule_call_name(const struct rule *rule)
{
	struct rule_call call;

	return rule_call_at(rule->call, &call) ? call.name : "";
}

static bool is_unknown(const struct rule_call *call)
{
	return strcmp(call->arguments, "...") == 0;
}

/* Where argument @arg begins; NULL: there is none. */
static const char *find_argument(const struct rule_call *call, unsigned arg, size_t *ret_len)
{
	const char *p = call->arguments;

	if (!p[0] || arg > 5)
		return NULL;
	for (; arg > 0; arg--) {
		p = strchr(p, ',');
		if (!p)
			return NULL;
		p += 2; /* ", " */
	}
	*ret_len = strcspn(p, ",");
	return p;
}

unsigned rule_call_bits(const struct rule_call *call, unsigned arg)
{
	size_t len;
	const char *p = find_argument(call, arg, &len);

	if (is_unknown(call))
		return arg < 6 ? 64 : 0;
	if (!p)
		return 0;
	if (p[0] == '*')
		return 64;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		size_t type_len = strlen(types[i].type);

		if (strncmp(p, types[i].type, type_len) == 0 && p[type_len] == ' ')
			return types[i].bits;
	}
	return 32;
}

unsigned rule_call_count(const struct rule_call *call)
{
	unsigned count = 0;

	while (rule_call_bits(call, count))
		count++;
	return count;
}

int rule_call_number(const struct rule_call *call)
{
	const struct master master = MASTER_HERE;

	for (size_t nr = 0; nr < master.n_name_at; nr++)
		if (master.name_at[nr] &&
		    strcmp(master.names + master.name_at[nr], call->name) == 0)
			return (int)nr;
	return RULE_NR_NONE;
}

const char *rule_call_nearest(const char *name)
{
	const char *words[CALLS_MAX];
	struct rule_call call = {0};
	size_t count = 0;

	while (step(&call) && count < ARRAY_SIZE(words))
		words[count++] = call.name;
	return spell_nearest(name, words, count);
}

size_t rule_argument(const char *name, unsigned arg, char *buf, size_t size)
{
	struct rule_call call;
	const char *p;
	size_t len;
	int n;

	if (!rule_call_find(name, strlen(name), &call))
		return 0;
	if (is_unknown(&call) && arg < 6)
		n = snprintf(buf, size, "long arg%u", arg);
	else if ((p = find_argument(&call, arg, &len)))
		n = snprintf(buf, size, "%.*s", (int)len, p);
	else
		return 0;
	return n > 0 ? (size_t)n : 0;
}

int rule_argument_count(const char *name)
{
	struct rule_call call;

	return rule_call_find(name, strlen(name), &call) ? (int)rule_call_count(&call) : -1;
}
