/* SPDX-License-Identifier: MIT */
/* What a program finds when its main() starts: run bare and sandboxed, the two reports must not
 * differ. Built with cc.
 *
 * usage: aftermath FD [ARG…]: the report goes to descriptor FD. EXPECT_PID in the environment: the
 * process id that it should have; it is not printed, since it differs from run to run. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FDS_MAX 1024

static int report_fd;

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vdprintf(report_fd, fmt, ap) < 0)
		_exit(43);
	va_end(ap);
}

/* The kind and the flags of every open descriptor; which file it is, for the standard ones that are
 * no pipes (a pipe's number is new in each run). */
static void report_descriptors(void)
{
	for (int fd = 0; fd < FDS_MAX; fd++) {
		int flags = fcntl(fd, F_GETFD);
		struct stat st;

		if (flags < 0)
			continue;
		if (fstat(fd, &st) < 0) {
			say("fd %d: flags %d, %s\n", fd, flags, strerror(errno));
			continue;
		}
		say("fd %d: flags %d, status %#x, type %#o", fd, flags,
		    (unsigned)fcntl(fd, F_GETFL), st.st_mode & S_IFMT);
		if (S_ISFIFO(st.st_mode))
			say("\n");
		else
			say(", file %#lx:%lu at %ld\n", (unsigned long)st.st_dev,
			    (unsigned long)st.st_ino, (long)lseek(fd, 0, SEEK_CUR));
	}
}

static void report_signals(void)
{
	sigset_t blocked, pending;

	(void)sigprocmask(SIG_BLOCK, NULL, &blocked);
	(void)sigpending(&pending);
	for (int sig = 1; sig < NSIG; sig++) {
		struct sigaction action;

		if (sigismember(&blocked, sig) == 1)
			say("signal %d is blocked\n", sig);
		if (sigismember(&pending, sig) == 1)
			say("signal %d is pending\n", sig);
		/* SIGSYS is the sandbox's own. */
		if (sig == SIGSYS || sigaction(sig, NULL, &action) < 0)
			continue;
		if (action.sa_handler == SIG_IGN)
			say("signal %d is ignored\n", sig);
		else if (action.sa_handler != SIG_DFL)
			say("signal %d has a handler\n", sig);
	}
}

static void report_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	int n = 0;

	if (!tasks) {
		say("threads: %s\n", strerror(errno));
		return;
	}
	while (readdir(tasks))
		n++;
	(void)closedir(tasks);
	say("threads: %d\n", n - 2); /* without "." and ".." */
}

static void report_process(char **argv)
{
	const char *expected = getenv("EXPECT_PID");
	char cwd[4096] = "?", comm[17] = "";
	mode_t mask = umask(0);

	say("umask %03o\n", (unsigned)mask);
	say("cwd %s\n", getcwd(cwd, sizeof(cwd)) ? cwd : strerror(errno));
	if (expected)
		say("pid %s\n", atoi(expected) == getpid() ? "as expected" : "is ANOTHER");
	(void)prctl(PR_GET_NAME, comm);
	say("comm %s\n", comm);
	say("executed as %s\n", (const char *)getauxval(AT_EXECFN));
	say("ids %d %d %d %d\n", (int)getuid(), (int)geteuid(), (int)getgid(), (int)getegid());
	say("session %s, group %s\n", getsid(0) == getpid() ? "own" : "other",
	    getpgrp() == getpid() ? "own" : "other");
	for (int i = 0; argv[i]; i++)
		say("argv[%d] = \"%s\"\n", i, argv[i]);
	for (char **env = environ; *env; env++)
		if (strncmp(*env, "EXPECT_PID=", 11) != 0)
			say("env %s\n", *env);
}

int main(int argc, char **argv)
{
	int initially = errno; /* zero (C11 7.5) */

	if (argc < 2)
		return 44;
	report_fd = atoi(argv[1]);
	say("main\n");
	say("errno %d\n", initially);
	report_descriptors();
	report_signals();
	report_process(argv);
	report_threads();
	say("end\n");
	return 0;
}
