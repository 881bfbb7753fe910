/* SPDX-License-Identifier: MIT */
/* Answering beside the program: see shim/beside.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "answer.h"

#define STACK_SIZE (1 << 20) /* paths as text are large, and there are several at a time */
#define GUARD_SIZE (1 << 16) /* below it; the largest page size */

/* What the new process starts with. */
struct supervise_start {
	struct beside beside;
	struct supervisor s;
	void (*serve)(struct supervisor *supervisor, void *user);
	void *user;
};

static void close_between(int after, int before)
{
	if (before > after + 1)
		(void)syscall(SYS_close_range, after + 1, before - 1, 0); /* 5.9 */
}

/* Keep these two and standard error, drop all else: somebody may wait for the end of a pipe. */
static void leave_descriptors(int one, int other)
{
	int low = one < other ? one : other, high = one < other ? other : one;
	int null;

	close_between(STDERR_FILENO, low);
	close_between(low < STDERR_FILENO ? STDERR_FILENO : low, high);
	(void)syscall(SYS_close_range, high + 1, ~0U, 0);
	/* Standard numbers stay taken: messages go to number 2. */
	null = answer_stand_in();
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		_exit(0); /* the kernel then answers ENOSYS */
	if (null > STDERR_FILENO)
		(void)close(null);
}

/* A terminal that is written to, but not read at its other end, would make us wait, and the program
 * with us. An open file of our own does not. */
static void unblock_stderr(void)
{
	int fd = isatty(STDERR_FILENO)
			 ? open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
			 : -1;

	if (fd >= 0 && fd != STDERR_FILENO) {
		(void)dup2(fd, STDERR_FILENO);
		(void)close(fd);
	}
}

static void begin(struct beside *beside, int listener, void *user)
{
	struct supervise_start *start = user;

	(void)beside;
	start->s.listener = listener;
	start->serve(&start->s, start->user);
}

static void *map_stack(void)
{
	char *stack = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

	if (stack == MAP_FAILED)
		return NULL;
	(void)mprotect(stack, GUARD_SIZE, PROT_NONE); /* a crash instead of worse */
	return stack + GUARD_SIZE;
}

int supervise_beside(struct supervisor *ret,
		     void (*serve)(struct supervisor *supervisor, void *user), void *user,
		     struct sbx_err *err)
{
	static struct supervise_start start; /* one a process */
	char *stack = map_stack();

	if (!stack)
		return err_set(err, -ENOMEM, "out of memory");
	start = (struct supervise_start){
		.s = {.listener = -1,
		      .beside = &start.beside,
		      .word = &start.beside.listener,
		      .pid = getpid()},
		.serve = serve,
		.user = user,
	};
	*ret = start.s;
	return beside_start(&start.beside, BESIDE_CHILD, stack, STACK_SIZE, begin, &start, err);
}

int supervise_await(struct supervisor *supervisor, struct sbx_err *err)
{
	enum beside_state state = beside_await(supervisor->beside);

	/* The only one that is left is the other process's. Where close(2) is denied, execve(2)
	 * does it. */
	(void)close((int)atomic_load(supervisor->word) - 1);
	if (state == BESIDE_GONE)
		return err_set(err, -ESRCH, "the process that reports denials has ended");
	return 0;
}

void supervise_dismiss(struct supervisor *supervisor)
{
	beside_dismiss(supervisor->beside);
	/* It uses our memory and descriptors until then. */
	while (atomic_load(&supervisor->beside->state) != BESIDE_GONE)
		(void)sched_yield();
}

void supervise_serve(struct supervisor *s, const struct supervise_user *user)
{
	struct supervise_loop loop = {.s = s, .user = user};
	struct pollfd fds[2] = {{.events = POLLIN}, {.events = POLLIN}};
	bool keep_stderr = answer_may_keep_stderr();
	struct sbx_err err;

	(void)prctl(PR_SET_NAME, "sbx-report");
	(void)setsid();
	(void)!chdir("/"); /* only so as not to hold a mount */
	if (!s->pidfd)
		s->pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	leave_descriptors(s->listener, s->pidfd);
	unblock_stderr();
	if (answer_init(&loop, &err) < 0)
		_exit(0); /* nobody answers then: the kernel does, with ENOSYS */
	loop.events = s->pidfd;
	answer_on_same_processor(s->listener);
	/* From here on the launcher executes the program. Should that fail, it prints and exits,
	 * while we wait for a call that does not come. */
	if (s->beside)
		beside_set_ready(s->beside);
	while (s->listener >= 0 && !(fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))) {
		fds[0].fd = s->listener;
		fds[1].fd = loop.events; /* -1 is passed over */
		/* EINVAL: a program with "proc" may have set our limit of descriptors. */
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents & POLLIN)
			answer_call(&loop);
		if (fds[1].revents) {
			/* Its descendants may go on. */
			loop.ended = true;
			close_fd(&loop.events);
			answer_drop_descriptors(keep_stderr);
		}
	}
	user->ended(user->user, loop.ended, 0);
	answer_done(&loop);
}
