/* SPDX-License-Identifier: MIT */
/* The stranger: says that its main() runs, tries what a policy of "stdio rpath" must refuse, and
 * tells what became of each attempt. Where it can, an attempt has no effect even when it is allowed
 * (a process that cannot be, a file that is not there).
 *
 * Built in many ways, since the shim cannot enter all of them:
 *   confined              cc
 *   confined-static       cc -static
 *   confined-static-pie   cc -static-pie
 *   confined-musl         musl-gcc
 *   confined-musl-static  musl-gcc -static
 *
 * usage: confined … SECRET NEW: a file that must not be read, one that must not come into being.
 * They are the last two arguments, so that it can also be the interpreter of a script. Exit status
 * 0 when all was refused, else 42. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_SUCH_PID 0x7ffffff0

static int allowed;

static void say(const char *text)
{
	if (write(STDOUT_FILENO, text, strlen(text)) < 0)
		_exit(43);
}

static void say_number(int n)
{
	char digits[12], *p = digits + sizeof(digits) - 1;

	*p = '\0';
	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	say(p);
}

/* One line, "NAME refused" or "NAME: what happened"; a refusal is not worth its number, kernels and
 * layers differ. */
static int report(const char *name, long result)
{
	int code = result < 0 ? errno : 0;

	say(name);
	if (code == EPERM || code == EACCES || code == ENOSYS) {
		say(" refused\n");
		return 0;
	}
	if (code) {
		say(": errno ");
		say_number(code);
		say("\n");
	} else {
		say(": done\n");
	}
	return 1;
}

static void try(const char *name, long result)
{
	allowed += report(name, result);
}

static long try_fork(void)
{
	long pid = syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		(void)waitpid((pid_t)pid, NULL, 0);
	return pid;
}

int main(int argc, char **argv, char **envp)
{
	char *const true_argv[] = {(char *)"true", NULL};

	say("main\n");
	if (argc < 3)
		return 44;
	try("secret", open(argv[argc - 2], O_RDONLY | O_CLOEXEC));
	try("create", open(argv[argc - 1], O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	try("unlink", unlink("/no/such/file"));
	try("socket", socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	try("fork", try_fork());
	try("kill", kill(NO_SUCH_PID, 0));
	try("ptrace", syscall(SYS_ptrace, (long)PTRACE_CONT, (long)NO_SUCH_PID, 0L, 0L));
	/* The start-up layer must leave this open for its own execve; the shim closes it. No count,
	 * just the fact. */
	(void)report("exec of nothing", execve("/no/such/file", true_argv, envp));
	try("exec", execve("/bin/true", true_argv, envp));
	say(allowed ? "UNCONFINED\n" : "confined\n");
	return allowed ? 42 : 0;
}
