/* SPDX-License-Identifier: MIT */
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

/* linux/seccomp.h of 5.19 and 6.6: Debian 12's headers have the first alone. */
#define FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#define NOTIF_SET_FLAGS		SECCOMP_IOW(4, __u64)
#define NOTIF_SYNC_WAKE_UP	(1UL << 0)

#define WAIT_MS	 20 /* how often the parent looks whether a child without a listener still lives */
#define LEAVE_MS 50 /* for descendants that are just ending */

/* Zero until the child has its listener, then the descriptor's number + 1. */
struct supervise_shared {
	_Atomic uint32_t listener;
};

/* The terminal sends these to the whole foreground group; what others send to us alone is passed
 * on. */
static const int forwarded[] = {SIGTERM, SIGINT,   SIGHUP,  SIGQUIT, SIGUSR1,
				SIGUSR2, SIGWINCH, SIGCONT, SIGTSTP};

static void signals_to_watch(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++)
		(void)sigaddset(set, forwarded[i]);
}

/* Blocked beside them: SIGPIPE would end us, and the program with us, when nobody reads our
 * messages; SIGTTOU and SIGTTIN would stop us when the program has taken the terminal over. */
static int block_signals(sigset_t *ret_old)
{
	sigset_t set;

	signals_to_watch(&set);
	(void)sigaddset(&set, SIGPIPE);
	(void)sigaddset(&set, SIGTTOU);
	(void)sigaddset(&set, SIGTTIN);
	return sigprocmask(SIG_BLOCK, &set, ret_old) < 0 ? -errno : 0;
}

static void child_begin(struct supervisor *s, pid_t parent)
{
	/* Survives execve: with no_new_privs no program gains privileges, which would clear it
	 * (prctl(2)). */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(SBX_EXIT_SANDBOX); /* it was too late for that */
	/* An ignored signal stays ignored over execve(2). */
	(void)signal(SIGCHLD, s->chld);
	(void)sigprocmask(SIG_SETMASK, &s->mask, NULL);
}

int supervise_fork(struct supervisor *ret, struct sbx_err *err)
{
	struct supervisor s = {.listener = -1};
	pid_t parent = getpid();
	int r;

	s.shared = mmap(NULL, sizeof(*s.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (s.shared == MAP_FAILED)
		return err_set(err, -errno, "cannot map a page for the supervisor: %m");
	r = block_signals(&s.mask);
	if (r < 0)
		return err_set(err, r, "cannot block signals: %s", strerror(-r));
	/* Whoever started us may ignore it: children would then end without a word (wait(2)). */
	s.chld = signal(SIGCHLD, SIG_DFL);
	(void)fflush(NULL);
	/* fork(3) cannot share descriptors. The arguments that differ in order between
	 * architectures (clone(2)) are all zero. */
	s.pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (s.pid < 0)
		return err_set(err, -errno, "cannot fork: %m");
	if (s.pid == 0)
		child_begin(&s, parent);
	*ret = s;
	return s.pid > 0;
}

static int listen_failed(struct sbx_err *err)
{
	switch (errno) {
	case EBUSY:
		return err_set(err, -EBUSY,
			       "another supervisor watches this process already, and the kernel "
			       "has room for one: run without --explain");
	case ENOSYS:
	case EPERM:
		return err_set(err, -EOPNOTSUPP,
			       "a sandbox around this process permits no supervisor in it: run "
			       "without --explain");
	case EINVAL:
		return err_set(err, -EOPNOTSUPP,
			       "this kernel cannot tell a supervisor about calls (Linux 5.5)");
	default:
		return err_set(err, -errno, "cannot install the seccomp filter: %m");
	}
}

int supervise_install(struct supervisor *s, const struct filter *filter, struct sbx_err *err)
{
	/* The kernel copies the program; its struct just lacks the const. */
	struct sock_fprog prog = {
		.len = filter->len,
		.filter = (struct sock_filter *)(uintptr_t)filter->insns,
	};
	unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	/* Signals wait for our answer instead of having the call made again (5.19). */
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags | FLAG_WAIT_KILLABLE_RECV,
			  &prog);

	if (fd < 0 && errno == EINVAL)
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
	if (fd < 0)
		return listen_failed(err);
	/* No call but futex(2), which every filter permits: the parent does not listen yet. */
	atomic_store(&s->shared->listener, (uint32_t)fd + 1);
	(void)syscall(SYS_futex, &s->shared->listener, FUTEX_WAKE, 1, NULL, NULL, 0);
	return 0;
}

/* Has the child ended? It stays to be waited for. */
static bool child_gone(const struct supervisor *s)
{
	siginfo_t info = {0};

	return waitid(P_PID, (id_t)s->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid;
}

static void await_listener(struct supervisor *s)
{
	const struct timespec wait = {.tv_nsec = WAIT_MS * 1000000L};
	uint32_t value;

	while (!atomic_load(&s->shared->listener) && !child_gone(s))
		(void)syscall(SYS_futex, &s->shared->listener, FUTEX_WAIT, 0, &wait, NULL, 0);
	value = atomic_load(&s->shared->listener);
	if (value)
		s->listener = (int)value - 1;
}

bool supervise_call_valid(int listener, uint64_t id)
{
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

/* What the loop works with. */
struct loop {
	struct supervisor *s;
	const struct supervise_user *user;
	struct seccomp_notif *call;	  /* owned; as large as this kernel wants it */
	struct seccomp_notif_resp *reply; /* owned */
	size_t call_size, reply_size;
	int signals; /* owned */
	int status;  /* of the program */
	bool ended, killed;
};

static int loop_init(struct loop *loop, struct sbx_err *err)
{
	struct seccomp_notif_sizes sizes = {0};
	uint64_t flags = NOTIF_SYNC_WAKE_UP;
	sigset_t set;

	loop->signals = -1;
	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return err_set(err, -errno, "cannot ask for the size of notifications: %m");
	loop->call_size = sizes.seccomp_notif > sizeof(*loop->call) ? sizes.seccomp_notif
								    : sizeof(*loop->call);
	loop->reply_size = sizes.seccomp_notif_resp > sizeof(*loop->reply)
				   ? sizes.seccomp_notif_resp
				   : sizeof(*loop->reply);
	loop->call = calloc(1, loop->call_size);
	loop->reply = calloc(1, loop->reply_size);
	if (!loop->call || !loop->reply)
		return err_set(err, -ENOMEM, "out of memory");
	signals_to_watch(&set);
	loop->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (loop->signals < 0)
		return err_set(err, -errno, "cannot wait for signals: %m");
	/* Only faster: the caller runs us on its own processor while it waits (6.6). */
	(void)ioctl(loop->s->listener, NOTIF_SET_FLAGS, flags);
	return 0;
}

static void loop_done(struct loop *loop)
{
	free(loop->call);
	free(loop->reply);
	close_fd(&loop->signals);
}

/* The process that the thread @tid belongs to, as a descriptor; -1 when there is none. */
static int process_of(pid_t tid, pid_t *ret)
{
	char path[64], text[512];
	const char *at;
	ssize_t n;
	int fd cleanup_fd = -1;

	*ret = tid;
	(void)snprintf(path, sizeof(path), "/proc/%d/status", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	at = strstr(text, "\nTgid:"); /* among the first lines; names have no newline in there */
	if (at)
		*ret = (pid_t)strtol(at + strlen("\nTgid:"), NULL, 10);
	return (int)syscall(SYS_pidfd_open, *ret, 0);
}

/* Where the kernel's SECCOMP_RET_KILL_PROCESS sends a SIGSYS that nothing stops, only SIGKILL is
 * sure from outside: another thread, or a process that shares the handlers, may begin to ignore
 * SIGSYS while we look. */
static void kill_process(struct loop *loop, const struct seccomp_notif *call)
{
	pid_t pid;
	int pidfd cleanup_fd = process_of((pid_t)call->pid, &pid);

	/* Asked once the process is held, so that nobody else has got its number (5.3 has pidfds).
	 */
	if (!supervise_call_valid(loop->s->listener, call->id))
		return;
	loop->killed |= pid == loop->s->pid;
	if (pidfd < 0 || syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0)
		(void)kill(pid, SIGKILL);
}

static void answer_call(struct loop *loop)
{
	struct supervise_verdict verdict;
	int r;

	if (!loop->call || !loop->reply)
		return; /* never: loop_init() made them */
	memset(loop->call, 0, loop->call_size);
	/* ENOENT: it ended, or a signal took it back, before we looked. */
	do
		r = ioctl(loop->s->listener, SECCOMP_IOCTL_NOTIF_RECV, loop->call);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return;
	verdict = loop->user->judge(loop->user->user, loop->call, loop->s->listener);
	memset(loop->reply, 0, loop->reply_size);
	loop->reply->id = loop->call->id;
	switch (verdict.action) {
	case SUPERVISE_CONTINUE:
		loop->reply->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		break;
	case SUPERVISE_KILL:
		/* The signal is there before the call returns, so nothing more is executed. */
		kill_process(loop, loop->call);
		loop->reply->error = -EPERM;
		break;
	case SUPERVISE_ANSWER:
		loop->reply->error = verdict.error;
		break;
	}
	do
		r = ioctl(loop->s->listener, SECCOMP_IOCTL_NOTIF_SEND, loop->reply);
	while (r < 0 && errno == EINTR);
	/* ENOENT: as above. */
}

static int exit_status(const struct loop *loop, const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED)
		return info->si_status;
	return 128 + (loop->killed && info->si_status == SIGKILL ? SIGSYS : info->si_status);
}

static void child_changed(struct loop *loop)
{
	pid_t pid = loop->s->pid;

	for (;;) {
		siginfo_t info = {0};

		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WSTOPPED | WNOHANG) < 0 ||
		    !info.si_pid)
			return;
		if (info.si_code == CLD_STOPPED) {
			/* The shell watches us: stop as the program did, and go on together. */
			(void)raise(SIGSTOP);
			(void)kill(pid, SIGCONT);
		} else if (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED ||
			   info.si_code == CLD_DUMPED) {
			loop->status = exit_status(loop, &info);
			loop->ended = true;
			return;
		}
	}
}

static void take_signals(struct loop *loop)
{
	struct signalfd_siginfo info;

	while (!loop->ended && read(loop->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD) {
			child_changed(loop);
			continue;
		}
		/* SI_KERNEL: from the terminal, to the whole group. From the program itself: to
		 * its group, it has its own already. */
		if (info.ssi_code <= 0 && (pid_t)info.ssi_pid != loop->s->pid)
			(void)kill(loop->s->pid, (int)info.ssi_signo);
	}
}

/* Wait for something to do, and do it. Returns false when nobody is left to listen to. */
static bool loop_once(struct loop *loop, int timeout_ms, bool *ret_idle)
{
	struct pollfd fds[] = {
		{.fd = loop->s->listener, .events = POLLIN},
		{.fd = loop->signals, .events = POLLIN},
	};
	int n = poll(fds, ARRAY_SIZE(fds), timeout_ms);

	*ret_idle = n == 0;
	if (n <= 0)
		return true;
	if (fds[1].revents)
		take_signals(loop);
	if (fds[0].revents & POLLIN)
		answer_call(loop);
	else if (fds[0].revents)
		return false;
	return true;
}

static long now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Whoever reads a pipe waits for its last writer, which must not be us. Nor may what we open take a
 * standard number: messages would go there. */
static void drop_standard_descriptors(void)
{
	int null cleanup_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct stat st;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fd == STDERR_FILENO && fstat(fd, &st) == 0 &&
		    (S_ISCHR(st.st_mode) || S_ISREG(st.st_mode)))
			continue;
		if (null < 0 || dup2(null, fd) < 0)
			_exit(0); /* nobody watches then: see below */
	}
	if (null <= STDERR_FILENO)
		(void)take_fd(&null); /* it is one of them, and stays */
}

static _Noreturn void watch_rest(struct loop *loop)
{
	bool idle;

	/* Whoever ends us ends nobody else: the kernel then answers ENOSYS. */
	(void)sigprocmask(SIG_SETMASK, &loop->s->mask, NULL);
	(void)setsid();
	(void)!chdir("/"); /* only so as not to hold a mount */
	drop_standard_descriptors();
	while (loop_once(loop, -1, &idle))
		;
	loop->user->ended(loop->user->user, true);
	_exit(0);
}

/* The program has ended. What is left of its descendants goes on as it would without us, in the
 * background: a child of ours answers them. */
static void leave_rest(struct loop *loop)
{
	bool idle = false;
	long start = now_ms();

	while (!idle && now_ms() - start < LEAVE_MS)
		if (!loop_once(loop, LEAVE_MS, &idle))
			return;
	/* Without a watcher the kernel answers ENOSYS to them: they fail closed. */
	if (fork() == 0)
		watch_rest(loop);
}

int supervise_run(struct supervisor *s, const struct supervise_user *user, struct sbx_err *err)
{
	struct loop loop = {.s = s, .user = user, .signals = -1};
	bool idle;
	int r;

	await_listener(s);
	r = loop_init(&loop, err);
	if (r < 0) {
		loop_done(&loop);
		(void)kill(s->pid, SIGKILL);
		return SBX_EXIT_SANDBOX;
	}
	child_changed(&loop);
	while (!loop.ended)
		/* Nobody left to listen to, but the program not yet waited for. */
		if (!loop_once(&loop, -1, &idle))
			close_fd(&s->listener);
	/* Its number may be another's from now on: nothing is passed on any more. */
	close_fd(&loop.signals);
	user->ended(user->user, false);
	if (s->listener >= 0)
		leave_rest(&loop);
	loop_done(&loop);
	return loop.status;
}
