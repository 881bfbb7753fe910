/* SPDX-License-Identifier: MIT */
#include "answer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

/* linux/seccomp.h of 6.6. */
#define NOTIF_SET_FLAGS	   SECCOMP_IOW(4, __u64)
#define NOTIF_SYNC_WAKE_UP (1UL << 0)

#define STATUS_SIZE 4096
#define DYING_MS    100 /* to die of SIGSYS, unless a core is written */
#define SEND_TRIES  16

/* ---- the listener ---- */

static void set_word(struct supervisor *s, uint32_t value)
{
	atomic_store(s->word, value);
	(void)syscall(SYS_futex, s->word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

int supervise_install(struct supervisor *s, const struct filter *filter, bool kill,
		      struct sbx_err *err)
{
	int listener, r;

	if (!s->beside)
		set_word(s, ANSWER_SOON);
	r = filter_install_listener(filter, kill, &listener, err);
	if (r < 0)
		return r;
	/* No call but futex(2), which every filter permits: nobody listens yet. Should even that
	 * one be asked about, who is going to answer looks by itself. */
	set_word(s, (uint32_t)listener + 1);
	return 0;
}

bool supervise_call_valid(int listener, uint64_t id)
{
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

void answer_on_same_processor(int listener)
{
	uint64_t flags = NOTIF_SYNC_WAKE_UP;

	(void)ioctl(listener, NOTIF_SET_FLAGS, flags);
}

int answer_init(struct supervise_loop *loop, struct sbx_err *err)
{
	struct seccomp_notif_sizes sizes = {0};

	loop->events = -1;
	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return err_set(err, -errno, "cannot ask for the size of notifications: %m");
	loop->call_size = sizes.seccomp_notif > sizeof(*loop->call) ? sizes.seccomp_notif
								    : sizeof(*loop->call);
	loop->reply_size = sizes.seccomp_notif_resp > sizeof(*loop->reply)
				   ? sizes.seccomp_notif_resp
				   : sizeof(*loop->reply);
	loop->call = calloc(1, loop->call_size);
	loop->reply = calloc(1, loop->reply_size);
	return loop->call && loop->reply ? 0 : err_set(err, -ENOMEM, "out of memory");
}

void answer_done(struct supervise_loop *loop)
{
	free(loop->call);
	free(loop->reply);
	close_fd(&loop->events);
}

/* ---- killing ---- */

/* The text of /proc/PID/status; "" when there is none. */
static void read_status(pid_t pid, char text[STATUS_SIZE])
{
	char path[64];
	ssize_t n;
	int fd cleanup_fd = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, STATUS_SIZE - 1);
	text[n > 0 ? n : 0] = '\0';
}

/* The number behind "\nNAME:" (names of processes have no newline in there), else @otherwise. */
static unsigned long long field(const char *status, const char *name, int base,
				unsigned long long otherwise)
{
	const char *at = strstr(status, name);

	return at ? strtoull(at + strlen(name), NULL, base) : otherwise;
}

/* Would SIGSYS end the thread, rather than be blocked, ignored or handled? */
static bool dies_of_sigsys(const char *status)
{
	static const char *const sets[] = {"\nSigBlk:", "\nSigIgn:", "\nSigCgt:"};

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		if (field(status, sets[i], 16, ~0ULL) & 1ULL << (SIGSYS - 1))
			return false;
	return true;
}

/* Who is going to be killed, held before its call is looked at: a signal may take the call back
 * meanwhile, but was made it was. */
struct victim {
	pid_t pid, tid;
	int pidfd;
};

static struct victim hold_caller(const struct supervise_loop *loop)
{
	char status[STATUS_SIZE];
	struct victim victim = {.tid = (pid_t)loop->call->pid, .pidfd = -1};

	if (!loop->user->kills || victim.tid <= 0)
		return victim;
	read_status(victim.tid, status);
	victim.pid = (pid_t)field(status, "\nTgid:", 10, 0);
	if (victim.pid <= 0)
		return victim;
	victim.pidfd = (int)syscall(SYS_pidfd_open, victim.pid, 0);
	/* Asked once the process is held, so that nobody else has got its number. */
	if (victim.pidfd >= 0 && !supervise_call_valid(loop->s->listener, loop->call->id))
		close_fd(&victim.pidfd);
	return victim;
}

/* SECCOMP_RET_KILL_PROCESS ends a process by a SIGSYS that nothing stops. From outside only SIGKILL
 * is sure; so that it is where SIGSYS would be stopped, or is after all since another thread begins
 * to ignore it while we look. The call is not answered: it ends by the signal, and the thread
 * executes nothing more. */
static void kill_caller(struct supervise_loop *loop, const struct victim *victim)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	struct pollfd fd = {.fd = victim->pidfd, .events = POLLIN};
	char status[STATUS_SIZE];
	sigset_t all;

	if (victim->pidfd < 0) {
		/* It has ended, or there was no descriptor to be had. */
		if (victim->pid > 0 && supervise_call_valid(loop->s->listener, loop->call->id))
			(void)kill(victim->pid, SIGKILL);
		return;
	}
	(void)sigfillset(&all);
	read_status(victim->tid, status);
	if (dies_of_sigsys(status) && syscall(SYS_tgkill, victim->pid, victim->tid, SIGSYS) == 0) {
		for (int ms = 0; ms < DYING_MS && dies_of_sigsys(status); ms++) {
			if (ppoll(&fd, 1, &moment, &all) != 0)
				return;
			read_status(victim->tid, status);
			ms -= field(status, "\nCoreDumping:", 10, 0) != 0;
		}
	}
	loop->killed |= victim->pid == loop->s->pid;
	(void)syscall(SYS_pidfd_send_signal, victim->pidfd, SIGKILL, NULL, 0);
}

/* ---- one call ---- */

static void tell_answered(const struct supervise_loop *loop, bool there)
{
	if (loop->user->answered)
		loop->user->answered(loop->user->user, there);
}

void answer_taken(struct supervise_loop *loop)
{
	struct victim victim = hold_caller(loop);
	struct supervise_verdict verdict;
	int r;

	verdict = loop->user->judge(loop->user->user, loop->call, loop->s->listener);
	if (verdict.action == SUPERVISE_KILL)
		kill_caller(loop, &victim);
	close_fd(&victim.pidfd);
	if (verdict.action == SUPERVISE_KILL)
		return;
	memset(loop->reply, 0, loop->reply_size);
	loop->reply->id = loop->call->id;
	if (verdict.action == SUPERVISE_CONTINUE)
		loop->reply->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else
		loop->reply->error = verdict.error;
	for (int tries = 0; tries < SEND_TRIES; tries++) {
		r = ioctl(loop->s->listener, SECCOMP_IOCTL_NOTIF_SEND, loop->reply);
		/* ENOENT: it ended, or a signal took it back. */
		if (r == 0 || errno == ENOENT) {
			tell_answered(loop, r == 0);
			return;
		}
	}
	/* Never: without an answer it would wait for ever. Without a listener the kernel answers
	 * ENOSYS. */
	tell_answered(loop, false);
	close_fd(&loop->s->listener);
}

void answer_call(struct supervise_loop *loop)
{
	int r;

	if (!loop->call || !loop->reply)
		return; /* never: answer_init() made them */
	memset(loop->call, 0, loop->call_size);
	/* ENOENT: it ended, or a signal took it back, before we looked. */
	do
		r = ioctl(loop->s->listener, SECCOMP_IOCTL_NOTIF_RECV, loop->call);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		answer_taken(loop);
}

/* ---- when the program has ended ---- */

int answer_stand_in(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	return fd >= 0 ? fd : eventfd(0, EFD_CLOEXEC); /* a root without devices */
}

bool answer_may_keep_stderr(void)
{
	struct stat st;

	if (fstat(STDERR_FILENO, &st) < 0)
		return false;
	if (isatty(STDERR_FILENO))
		return tcgetsid(STDERR_FILENO) == getsid(0);
	return S_ISCHR(st.st_mode) || S_ISREG(st.st_mode);
}

/* What we open must not take a standard number: messages would go there. */
void answer_drop_descriptors(bool keep_stderr)
{
	int null cleanup_fd = answer_stand_in();

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fd == STDERR_FILENO && keep_stderr)
			continue;
		if (null < 0 || dup2(null, fd) < 0)
			_exit(0); /* nobody watches then: the kernel answers ENOSYS */
	}
	if (null <= STDERR_FILENO)
		(void)take_fd(&null); /* it is one of them, and stays */
}
