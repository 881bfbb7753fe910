/* SPDX-License-Identifier: MIT */
#include "beside.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The lowest byte is the signal that the parent gets when the child ends: none, and so wait(2)
 * without __WALL or __WCLONE neither returns it nor waits for it. Files are shared so that it has
 * the listener, which a filter that watches sendmsg(2) would not let us send. */
#define CLONE_HOW (CLONE_VM | CLONE_FILES | CLONE_CHILD_CLEARTID)

#define CLONE_HOW_PARENT (CLONE_VM | CLONE_FILES | CLONE_VFORK)
#define PARENT_STACK	 8192

#define WAIT_MS 100 /* until we look again, though woken we should be */

/* futex(2) FUTEX_WAIT without errno, which the two share. Whatever ends it, the caller looks at the
 * word. */
static void wait_while(_Atomic uint32_t *word, uint32_t value)
{
	static const struct timespec wait = {.tv_nsec = WAIT_MS * 1000000L};
#if defined(__x86_64__)
	register const void *timeout __asm__("r10") = &wait;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "0"((long)SYS_futex), "D"(word), "S"((long)FUTEX_WAIT), "d"((long)value),
			   "r"(timeout)
			 : "rcx", "r11", "memory");
#elif defined(__aarch64__)
	register long nr __asm__("x8") = SYS_futex;
	register long r __asm__("x0") = (long)word;
	register long op __asm__("x1") = FUTEX_WAIT;
	register long expected __asm__("x2") = (long)value;
	register const void *timeout __asm__("x3") = &wait;

	__asm__ volatile("svc 0"
			 : "+r"(r)
			 : "r"(nr), "r"(op), "r"(expected), "r"(timeout)
			 : "memory");
#else
#error "no futex here yet"
#endif
	(void)r;
}

static void set_and_wake(_Atomic uint32_t *word, uint32_t value)
{
	atomic_store(word, value);
	(void)syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Ended, though perhaps not collected: whoever is to do that may wait for the end of a pipe that we
 * hold. (kill(2) still reaches such a process, and a signal at a parent's death does not arrive out
 * of a Landlock scope.) */
static bool has_ended(pid_t pid)
{
	struct pollfd fd = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
	bool ended;

	if (fd.fd < 0)
		return kill(pid, 0) < 0;
	ended = poll(&fd, 1, 0) == 1;
	(void)close(fd.fd); /* close-on-exec, should the program execute something now */
	return ended;
}

static int begin(void *user)
{
	struct beside *beside = user;
	uint32_t value;

	/* Nothing of this touches errno while there is a program. */
	while (!(value = atomic_load(&beside->listener))) {
		wait_while(&beside->listener, 0);
		if (!atomic_load(&beside->listener) && has_ended(beside->program))
			_exit(0);
	}
	/* The program has its own table of descriptors from here on. */
	if (value == BESIDE_NOBODY || unshare(CLONE_FILES) < 0)
		_exit(0);
	beside->begin(beside, (int)value - 1, beside->user);
	_exit(0);
}

/* As sigprocmask(3), all of them: libc leaves out the two that it needs for itself. */
static int set_mask(const uint64_t *mask, uint64_t *ret_old)
{
	return syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, ret_old, sizeof(*mask)) < 0 ? -errno
											  : 0;
}

static pid_t start(struct beside *beside)
{
	return clone(begin, beside->stack_end, CLONE_HOW, beside, NULL, NULL, &beside->state);
}

/* A parent that ends at once. */
static int start_orphan(void *user)
{
	struct beside *beside = user;

	beside->pid = start(beside);
	_exit(0);
}

/* The caller waits until the parent has ended; nobody else sees it, either. The parent's stack is
 * at the lower end. */
static pid_t adopt_out(struct beside *beside, char *stack)
{
	pid_t pid = clone(start_orphan, stack, CLONE_HOW_PARENT, beside);
	siginfo_t info;

	if (pid < 0 || waitid(P_PID, (id_t)pid, &info, WEXITED | __WALL) < 0)
		return -1;
	return beside->pid;
}

static bool is_link(const char *path, const char *target)
{
	char text[64];
	ssize_t n = readlink(path, text, sizeof(text) - 1);

	return n >= 0 && strlen(target) == (size_t)n && memcmp(text, target, (size_t)n) == 0;
}

bool beside_sees_processes(void)
{
	char pid[16], namespace[64];
	ssize_t n;

	(void)snprintf(pid, sizeof(pid), "%d", getpid());
	n = readlink("/proc/self/ns/pid", namespace, sizeof(namespace) - 1);
	if (n < 0)
		return false;
	namespace[n] = '\0';
	return is_link("/proc/self", pid) && is_link("/proc/self/ns/pid_for_children", namespace);
}

int beside_start(struct beside *beside, enum beside_kind kind, void *stack, size_t size,
		 void (*serve)(struct beside *beside, int listener, void *user), void *user,
		 struct sbx_err *err)
{
	const uint64_t all = ~UINT64_C(0);
	uint64_t mask;
	int r;

	atomic_store(&beside->state, BESIDE_BEGUN);
	atomic_store(&beside->listener, 0);
	beside->program = getpid();
	beside->begin = serve;
	beside->user = user;
	r = set_mask(&all, &mask);
	if (r < 0)
		return err_set(err, r, "cannot block signals: %s", strerrordesc_np(-r));
	beside->stack_end = (char *)stack + size;
	beside->pid = kind == BESIDE_CHILD ? start(beside)
					   : adopt_out(beside, (char *)stack + PARENT_STACK);
	r = beside->pid < 0 ? -errno : 0;
	(void)set_mask(&mask, NULL);
	if (r < 0)
		return err_set(err, r, "cannot start a process: %s", strerrordesc_np(-r));
	/* Yama may let a process read the memory of its descendants alone; so it needs a
	 * permission, which only the program itself gives then. Asked first, since a sandbox around
	 * us might kill for it. */
	if (access("/proc/sys/kernel/yama", F_OK) == 0)
		(void)prctl(PR_SET_PTRACER, (unsigned long)beside->pid, 0, 0, 0);
	return 0;
}

void beside_set_listener(struct beside *beside, int listener)
{
	set_and_wake(&beside->listener, (uint32_t)listener + 1);
}

void beside_dismiss(struct beside *beside)
{
	set_and_wake(&beside->listener, BESIDE_NOBODY);
}

void beside_set_ready(struct beside *beside)
{
	set_and_wake(&beside->state, BESIDE_READY);
}

enum beside_state beside_await(struct beside *beside)
{
	while (atomic_load(&beside->state) == BESIDE_BEGUN)
		wait_while(&beside->state, BESIDE_BEGUN);
	return atomic_load(&beside->state);
}
