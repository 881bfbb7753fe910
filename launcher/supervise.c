/* SPDX-License-Identifier: MIT */
#include "answer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <poll.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define WAIT_US	 1000 /* how often the parent looks whether a child still lives */
#define SOON_US	 50   /* and for a listener that is about to be there */
#define TICK_MS	 10   /* how often it looks for signals while calls come one after the other */
#define IDLE_MS	 20   /* what to the user of a supervisor is a moment */
#define LEAVE_MS 50   /* for descendants that are just ending */

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

	s.word = mmap(NULL, sizeof(*s.word), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (s.word == MAP_FAILED)
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

/* Has the child ended? It stays to be waited for. */
static bool child_gone(const struct supervisor *s)
{
	siginfo_t info = {0};

	return waitid(P_PID, (id_t)s->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid;
}

static void await_listener(struct supervisor *s)
{
	uint32_t value;

	while ((value = atomic_load(s->word)) == 0 || value == ANSWER_SOON) {
		struct timespec wait = {.tv_nsec = (value ? SOON_US : WAIT_US) * 1000L};

		if (child_gone(s) && atomic_load(s->word) == value)
			return;
		(void)syscall(SYS_futex, s->word, FUTEX_WAIT, value, &wait, NULL, 0);
	}
	s->listener = (int)value - 1;
}

static int exit_status(const struct supervise_loop *loop, const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED)
		return info->si_status;
	return 128 + (loop->killed && info->si_status == SIGKILL ? SIGSYS : info->si_status);
}

static void child_changed(struct supervise_loop *loop)
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
		} else if (info.si_code == CLD_TRAPPED) {
			/* It asked its parent to trace it (PTRACE_TRACEME), which nothing refuses
			 * to whom nothing is refused. Nobody looks: let it go on. */
			(void)ptrace(PTRACE_CONT, pid, NULL,
				     info.si_status == SIGTRAP ? 0L : (long)info.si_status);
		} else if (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED ||
			   info.si_code == CLD_DUMPED) {
			loop->status = exit_status(loop, &info);
			loop->ended = true;
			return;
		}
	}
}

static void take_signals(struct supervise_loop *loop)
{
	struct signalfd_siginfo info;

	while (!loop->ended && read(loop->events, &info, sizeof(info)) == sizeof(info)) {
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

/* We cannot wait any more, as when a program with "proc" has set our limit of descriptors: fail
 * closed. */
static void give_up(struct supervise_loop *loop)
{
	siginfo_t info = {0};

	if (loop->ended)
		return;
	(void)kill(loop->s->pid, SIGKILL);
	while (waitid(P_PID, (id_t)loop->s->pid, &info, WEXITED) < 0 && errno == EINTR)
		;
	loop->status = 128 + SIGKILL;
	loop->ended = true;
}

/* Wait for something to do, and do it. Returns false when nobody is left to listen to. */
static bool loop_once(struct supervise_loop *loop, int timeout_ms, bool *ret_idle)
{
	struct pollfd fds[] = {
		{.fd = loop->s->listener, .events = POLLIN},
		{.fd = loop->events, .events = POLLIN},
	};
	int n = poll(fds, ARRAY_SIZE(fds), timeout_ms);

	*ret_idle = n == 0;
	if (n < 0 && errno != EINTR)
		give_up(loop);
	if (n <= 0)
		return n == 0 || errno == EINTR;
	if (fds[1].revents)
		take_signals(loop);
	if (fds[0].revents & POLLIN)
		answer_call(loop);
	else if (fds[0].revents)
		return false;
	return true;
}

/* ---- while calls come one after the other ----
 *
 * poll(2) before each of them would be a third of what we ask the kernel for. So we wait where we
 * take them, in SECCOMP_IOCTL_NOTIF_RECV, which cannot wait for anything else: SIGCHLD interrupts
 * it, and a timer, upon which we look at all the rest. No other time are the two not blocked. */

static struct {
	sigjmp_buf back;
	volatile sig_atomic_t waiting, came;
} interrupt;

/* A signal that comes when we are about to wait must not get lost: it leads out of there. The
 * kernel may have handed over a call by then, which its ID tells. */
static void on_interrupt(int signal)
{
	(void)signal;
	interrupt.came = 1;
	if (interrupt.waiting)
		siglongjmp(interrupt.back, 1);
}

static void interrupting_signals(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGCHLD);
	(void)sigaddset(set, SIGRTMIN);
}

/* Without it there is poll(2). A timer whose signal is blocked rests (timer_create(2)), and so it
 * costs nothing when nothing happens. */
static void prepare_interrupts(struct supervise_loop *loop)
{
	const struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};
	const struct itimerspec often = {.it_interval = tick, .it_value = tick};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
	/* Elsewhere a call goes on. */
	struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
	timer_t timer;

	interrupting_signals(&action.sa_mask);
	loop->direct = sigprocmask(SIG_BLOCK, &action.sa_mask, NULL) == 0 &&
		       sigaction(SIGCHLD, &action, NULL) == 0 &&
		       sigaction(SIGRTMIN, &action, NULL) == 0 &&
		       timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 &&
		       timer_settime(timer, 0, &often, NULL) == 0;
}

static void set_directly(struct supervise_loop *loop, bool directly)
{
	sigset_t set;

	interrupting_signals(&set);
	interrupt.came = 0;
	(void)sigprocmask(directly ? SIG_UNBLOCK : SIG_BLOCK, &set, NULL);
	loop->directly = directly;
}

/* Returns whether there is a call; if not, there is perhaps something else. */
static bool take_directly(const struct supervise_loop *loop)
{
	memset(loop->call, 0, loop->call_size);
	if (sigsetjmp(interrupt.back, 0) == 0) {
		interrupt.waiting = 1;
		if (!interrupt.came)
			(void)ioctl(loop->s->listener, SECCOMP_IOCTL_NOTIF_RECV, loop->call);
	}
	interrupt.waiting = 0;
	return loop->call->id != 0;
}

/* As loop_once(). */
static bool loop_directly(struct supervise_loop *loop, int timeout_ms, bool *ret_idle)
{
	*ret_idle = false;
	if (loop->directly && take_directly(loop)) {
		answer_taken(loop);
		return true;
	}
	if (loop->directly) {
		set_directly(loop, false);
		child_changed(loop); /* whose signal is taken already */
		if (loop->ended)
			return true;
	}
	if (!loop_once(loop, timeout_ms, ret_idle))
		return false;
	if (loop->direct && !*ret_idle && !loop->ended && loop->s->listener >= 0)
		set_directly(loop, true);
	return true;
}

static long now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* @ready: to be closed once we are out of reach of who ends the program's process group. */
static _Noreturn void watch_rest(struct supervise_loop *loop, int ready[2])
{
	bool idle, keep_stderr = answer_may_keep_stderr();

	(void)setsid();
	close_fd(&ready[0]);
	close_fd(&ready[1]);
	/* Whoever ends us ends nobody else: the kernel then answers ENOSYS. */
	(void)sigprocmask(SIG_SETMASK, &loop->s->mask, NULL);
	(void)!chdir("/"); /* only so as not to hold a mount */
	answer_drop_descriptors(keep_stderr);
	while (loop_once(loop, -1, &idle))
		;
	loop->user->ended(loop->user->user, true, 0);
	_exit(0);
}

/* The program has ended. What is left of its descendants goes on as it would without us, in the
 * background: a child of ours answers them. */
static void leave_rest(struct supervise_loop *loop)
{
	int fds[2] = {-1, -1};
	bool idle = false, ready;
	char byte;
	long start = now_ms();

	while (!idle && now_ms() - start < LEAVE_MS)
		if (!loop_once(loop, LEAVE_MS, &idle))
			return;
	/* Without a watcher the kernel answers ENOSYS to them: they fail closed. */
	ready = pipe2(fds, O_CLOEXEC) == 0;
	if (fork() == 0)
		watch_rest(loop, fds);
	/* A terminal that closes, or who started us, may end all of our group as soon as we have
	 * ended: not before the watcher has left it. */
	close_fd(&fds[1]);
	while (ready && read(fds[0], &byte, 1) < 0 && errno == EINTR)
		;
	close_fd(&fds[0]);
}

static int watch_signals(struct supervise_loop *loop, struct sbx_err *err)
{
	sigset_t set;

	signals_to_watch(&set);
	loop->events = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return loop->events < 0 ? err_set(err, -errno, "cannot wait for signals: %m") : 0;
}

int supervise_run(struct supervisor *s, const struct supervise_user *user, struct sbx_err *err)
{
	struct supervise_loop loop = {.s = s, .user = user};
	bool idle = false;
	int r;

	await_listener(s);
	r = answer_init(&loop, err);
	if (r == 0)
		r = watch_signals(&loop, err);
	prepare_interrupts(&loop);
	if (r < 0) {
		answer_done(&loop);
		(void)kill(s->pid, SIGKILL);
		return SBX_EXIT_SANDBOX;
	}
	answer_on_same_processor(s->listener);
	child_changed(&loop);
	while (!loop.ended) {
		/* Nobody left to listen to, but the program not yet waited for. */
		if (!loop_directly(&loop, user->idle && !idle ? IDLE_MS : -1, &idle))
			close_fd(&s->listener);
		if (idle && user->idle)
			user->idle(user->user);
	}
	/* Its number may be another's from now on: nothing is passed on any more. */
	close_fd(&loop.events);
	user->ended(user->user, false, loop.status);
	if (s->listener >= 0)
		leave_rest(&loop);
	answer_done(&loop);
	return loop.status;
}
