/* SPDX-License-Identifier: MIT */
/* The stranger who is denied something in an awkward moment. Built with cc.
 *
 * usage: denied WORD…: each word is a deed, and they are done one after the other. Attempts print
 * what became of them, "socket 1": errno, 0 when it worked. Exit status 0 when every attempt was
 * refused by EPERM, else the last other errno, 42 for none. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif
#define THREADS	     8
#define CHILDREN     300
#define BAD_POINTER  ((void *)8)
#define LATE_US	     1500000
#define HANDLER_SIZE 1536 /* what a handler of ours needs beside the kernel's frame */

static int out_fd = STDOUT_FILENO;
static int result; /* the exit status to be */
static char **words;

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vdprintf(out_fd, fmt, ap); /* closed, perhaps */
	va_end(ap);
}

/* No stdio: there may be next to no stack. */
static int attempted(const char *name, long r)
{
	int code = r < 0 ? errno : 0;
	char line[32];
	size_t n = strlen(name);

	memcpy(line, name, n);
	line[n++] = ' ';
	if (code >= 100)
		line[n++] = (char)('0' + code / 100);
	if (code >= 10)
		line[n++] = (char)('0' + code / 10 % 10);
	line[n++] = (char)('0' + code % 10);
	line[n++] = '\n';
	(void)!write(out_fd, line, n);
	if (code != EPERM)
		result = code ? code : 42;
	return code;
}

static char *next_word(void)
{
	if (!*words)
		_exit(44);
	return *words++;
}

static void do_one(const char *word);

static void do_rest(void)
{
	while (*words)
		do_one(next_word());
}

/* ---- attempts ---- */

static void do_sock(void)
{
	(void)attempted("socket", syscall(SYS_socket, (long)AF_INET, (long)SOCK_STREAM, 0L));
}

static void do_unlinks(void)
{
	int n = atoi(next_word());

	for (int i = 0; i < n; i++) {
		char path[32];

		(void)snprintf(path, sizeof(path), "/no/such/%d", i);
		if (unlink(path) == 0 || errno != EPERM)
			result = errno;
	}
}

/* Each takes a pointer; the answer must be the same as for a good one. */
static void do_pointers(void)
{
	(void)attempted("unlinkat", syscall(SYS_unlinkat, AT_FDCWD, BAD_POINTER, 0));
	(void)attempted("renameat", syscall(SYS_renameat, AT_FDCWD, -1L, AT_FDCWD, -4096L));
	(void)attempted("execve", syscall(SYS_execve, BAD_POINTER, BAD_POINTER, BAD_POINTER));
	(void)attempted("connect", syscall(SYS_connect, -1L, BAD_POINTER, 16L));
	(void)attempted("sendto", syscall(SYS_sendto, -1L, BAD_POINTER, 1L, 0L, BAD_POINTER, 16L));
	(void)attempted("mount",
			syscall(SYS_mount, BAD_POINTER, BAD_POINTER, BAD_POINTER, 0L, BAD_POINTER));
	(void)attempted("setgroups", syscall(SYS_setgroups, 1L, BAD_POINTER));
}

static void do_nosys(void)
{
	const long calls[] = {435 /* clone3 */, 425 /* io_uring_setup */, 100000};
	int before = result;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		(void)attempted("call", syscall(calls[i], 0L, 0L));
	result = before;
}

/* ---- where an attempt is made ---- */

static void do_close2(void)
{
	(void)close(STDERR_FILENO);
}

static void do_null2(void)
{
	(void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
}

static void do_closeall(void)
{
	(void)close_range(0, ~0U, 0);
}

static void do_to(void)
{
	out_fd = atoi(next_word());
}

/* All 64; libc's wrapper would leave out its own two. */
static void do_block(void)
{
	const unsigned long long all = ~0ULL;

	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof(all));
}

static void do_blocksys(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGSYS);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

static void do_ignoresys(void)
{
	(void)signal(SIGSYS, SIG_IGN);
}

static void on_sys(int signal)
{
	(void)signal;
	(void)!write(out_fd, "HANDLER\n", 8);
}

static void do_handlesys(void)
{
	(void)signal(SIGSYS, on_sys);
}

static void on_usr1(int signal)
{
	(void)signal;
	do_one(next_word());
}

/* The next word inside of a handler that has everything blocked and hardly a stack. */
static void do_handler(void)
{
	size_t size = getauxval(AT_MINSIGSTKSZ);
	struct sigaction action = {.sa_handler = on_usr1, .sa_flags = SA_ONSTACK};
	stack_t stack = {.ss_size = (size ? size : 4096) + HANDLER_SIZE};

	stack.ss_sp = malloc(stack.ss_size);
	(void)sigfillset(&action.sa_mask);
	/* The loader finds functions when they are called first, and needs more stack for it. */
	(void)syscall(SYS_gettid);
	errno = EPERM;
	(void)attempted("handler", -1);
	if (sigaltstack(&stack, NULL) < 0 || sigaction(SIGUSR1, &action, NULL) < 0 ||
	    raise(SIGUSR1) != 0)
		_exit(45);
}

static void *in_thread(void *unused)
{
	(void)unused;
	do_one(next_word());
	return NULL;
}

static void do_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, in_thread, NULL) != 0 || pthread_join(thread, NULL) != 0)
		_exit(45);
}

static pthread_barrier_t barrier;

static void *later(void *unused)
{
	(void)unused;
	(void)pthread_barrier_wait(&barrier);
	do_one(next_word());
	return NULL;
}

static void *spin(void *unused)
{
	(void)unused;
	for (;;)
		__asm__ volatile("");
	return NULL;
}

/* The next word in a thread, while the first one blocks SIGSYS, and others take the processors. */
static void do_other(void)
{
	pthread_t thread;

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread, NULL, spin, NULL) != 0)
			_exit(45);
	(void)pthread_barrier_init(&barrier, NULL, 2);
	if (pthread_create(&thread, NULL, later, NULL) != 0)
		_exit(45);
	do_blocksys();
	(void)pthread_barrier_wait(&barrier);
	(void)pthread_join(thread, NULL);
}

static void *at_once(void *ret)
{
	int *wrong = ret;

	(void)pthread_barrier_wait(&barrier);
	for (int i = 0; i < 100; i++)
		*wrong += socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM;
	return NULL;
}

static void do_threads(void)
{
	pthread_t threads[THREADS];
	int wrong[THREADS] = {0};

	(void)pthread_barrier_init(&barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, at_once, &wrong[i]) != 0)
			_exit(45);
	for (int i = 0; i < THREADS; i++) {
		(void)pthread_join(threads[i], NULL);
		if (wrong[i])
			result = 46;
	}
}

static void be_child_of(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		_exit(45);
	if (WIFSIGNALED(status))
		_exit(128 + WTERMSIG(status));
	if (WEXITSTATUS(status))
		_exit(WEXITSTATUS(status));
}

static void do_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM ? 46 : 0);
	be_child_of(pid);
}

/* The rest of the words are the child's. */
static void do_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		return;
	be_child_of(pid);
	_exit(0);
}

static void do_children(void)
{
	for (int i = 0; i < CHILDREN; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM ? 46 : 0);
		be_child_of(pid);
	}
}

/* The rest is a command, which gets no environment. */
static void do_exec(void)
{
	static char *const none[] = {NULL};

	(void)execve(words[0], words, none);
	say("exec: %s\n", strerror(errno));
	_exit(45);
}

/* The rest happens in a descendant that outlives us, holding no standard descriptor. */
static void do_daemon(void)
{
	int null;

	if (fork() != 0)
		_exit(0);
	null = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < 3; fd++)
		(void)dup2(null, fd);
	(void)usleep(LATE_US);
}

/* Until somebody who has seen "ready" sends a line. */
static void do_hold(void)
{
	char c;

	say("ready\n");
	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
		;
}

/* As a terminal does when somebody types Control-C. */
static void do_interrupt(void)
{
	(void)signal(SIGINT, SIG_IGN);
	(void)kill(0, SIGINT);
}

static void do_undumpable(void)
{
	(void)prctl(PR_SET_DUMPABLE, 0);
}

static void do_setuid(void)
{
	if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)
		_exit(45);
}

static void do_exit(void)
{
	_exit(atoi(next_word()));
}

static void do_die(void)
{
	(void)raise(atoi(next_word()));
}

/* ---- what there is to see ---- */

static void list(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int n = 0;

	while (d && (entry = readdir(d)))
		n += entry->d_name[0] != '.';
	say("%s: %d\n", dir, n);
	if (d)
		(void)closedir(d);
}

static void do_look(void)
{
	siginfo_t info;

	list("/proc/self/fd");
	list("/proc/self/task");
	for (char **env = environ; *env; env++)
		say("env %s\n", *env);
	say("wait: %d", (int)wait(NULL));
	say(" %d\n", errno);
	say("waitid: %d", waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WCONTINUED | WNOHANG));
	say(" %d\n", errno);
}

static void do_setup(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR2);
	(void)sigaddset(&set, SIGRTMIN);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGUSR1, SIG_IGN);
	(void)signal(SIGCHLD, SIG_IGN);
}

/* On one line, to be compared. */
static void do_ids(void)
{
	struct sigaction action;
	unsigned long long blocked = 0, ignored = 0;

	(void)syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &blocked, sizeof(blocked));
	for (int sig = 1; sig < NSIG; sig++)
		if (sigaction(sig, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			ignored |= 1ULL << (sig - 1);
	say("ids: pid %d parent %d group %d session %d foreground %d blocked %llx ignored %llx\n",
	    (int)getpid(), (int)getppid(), (int)getpgrp(), (int)getsid(0), (int)tcgetpgrp(0),
	    blocked, ignored);
}

/* ---- main ---- */

static const struct {
	const char *word;
	void (*deed)(void);
} deeds[] = {
	{"sock", do_sock},
	{"unlinks", do_unlinks},
	{"pointers", do_pointers},
	{"nosys", do_nosys},
	{"close2", do_close2},
	{"null2", do_null2},
	{"closeall", do_closeall},
	{"to", do_to},
	{"block", do_block},
	{"blocksys", do_blocksys},
	{"ignoresys", do_ignoresys},
	{"handlesys", do_handlesys},
	{"handler", do_handler},
	{"thread", do_thread},
	{"other", do_other},
	{"threads", do_threads},
	{"vfork", do_vfork},
	{"fork", do_fork},
	{"children", do_children},
	{"exec", do_exec},
	{"daemon", do_daemon},
	{"hold", do_hold},
	{"interrupt", do_interrupt},
	{"undumpable", do_undumpable},
	{"setuid", do_setuid},
	{"exit", do_exit},
	{"die", do_die},
	{"look", do_look},
	{"setup", do_setup},
	{"ids", do_ids},
};

static void do_one(const char *word)
{
	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
		if (strcmp(deeds[i].word, word) == 0) {
			deeds[i].deed();
			return;
		}
	_exit(44);
}

int main(int argc, char **argv)
{
	(void)argc;
	words = argv + 1;
	do_rest();
	return result;
}
