/* SPDX-License-Identifier: MIT */
#include "api_process.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2) /* 5.11 */
#endif

/* ---- start ---- */

/* In the child. Whatever goes wrong is told as the launcher would. */
static _Noreturn void give_up(const char *what, const char *name)
{
	int status = errno == ENOENT ? SBX_EXIT_NOTFOUND : SBX_EXIT_NOEXEC;

	(void)dprintf(STDERR_FILENO, "sbx-preload: %s%s: %s\n", what, name, strerror(errno));
	_exit(status);
}

static _Noreturn void become(const struct api_start *start, const int fds[3], pid_t parent)
{
	(void)setsid();
	if (!start->stays) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(SBX_EXIT_SANDBOX); /* it was too late for that */
	}
	for (int i = 0; i < 3; i++)
		if (dup2(fds[i], i) < 0)
			_exit(SBX_EXIT_SANDBOX);
	for (int signal_number = 1; signal_number < NSIG; signal_number++)
		(void)signal(signal_number, SIG_DFL); /* fails for SIGKILL, SIGSTOP */
	(void)sigprocmask(SIG_SETMASK, start->mask, NULL);
	/* Ours are so already; those that we were started with are not for strangers' requests. */
	(void)syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
	if (start->cwd && chdir(start->cwd) < 0)
		give_up("cannot enter ", start->cwd);
	(void)execve("/proc/self/exe", start->words, start->envp);
	give_up("cannot start the launcher", "");
}

/* *ret_theirs: for the child, and to be closed. */
static int open_output(struct api_capture *capture, int given, int *ret_theirs)
{
	int ends[2];

	if (given >= 0)
		return 0;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	capture->fd = ends[0];
	capture->captured = true;
	*ret_theirs = ends[1];
	/* Programs do not expect that of theirs. */
	return fcntl(ends[1], F_SETFL, 0) < 0 ? -errno : 0;
}

static void capture_done(struct api_capture *capture)
{
	close_fd(&capture->fd);
	free(capture->buf);
	*capture = (struct api_capture){.fd = -1};
}

int api_process_start(const struct api_start *start, struct api_process *ret, struct sbx_err *err)
{
	static const int none[3] = {-1, -1, -1};
	const int *given = start->stdio ? start->stdio : none;
	struct api_process p = {.pidfd = -1, .out.fd = -1, .err.fd = -1};
	int null cleanup_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int out cleanup_fd = -1, error cleanup_fd = -1;
	pid_t parent = getpid();
	int r = null < 0 ? -errno : 0;

	if (r == 0)
		r = open_output(&p.out, given[1], &out);
	if (r == 0)
		r = open_output(&p.err, given[2], &error);
	if (r == 0)
		p.pid = fork();
	if (p.pid < 0)
		r = -errno;
	if (r < 0)
		goto fail;
	if (p.pid == 0)
		become(start,
		       (int[3]){given[0] >= 0 ? given[0] : null, given[1] >= 0 ? given[1] : out,
				given[2] >= 0 ? given[2] : error},
		       parent);
	p.pidfd = (int)syscall(SYS_pidfd_open, p.pid, 0); /* 5.3; close-on-exec */
	if (p.pidfd < 0) {
		r = -errno;
		(void)kill(p.pid, SIGKILL);
		(void)waitpid(p.pid, NULL, 0);
		goto fail;
	}
	*ret = p;
	return 0;
fail:
	capture_done(&p.out);
	capture_done(&p.err);
	return err_set(err, r, "cannot start a process: %s", strerrordesc_np(-r));
}

/* ---- what it prints ---- */

static bool make_room(struct api_capture *capture)
{
	size_t want = capture->cap ? capture->cap * 2 : 4096;
	char *grown;

	if (capture->len < capture->cap)
		return true;
	if (want > API_CAPTURE_MAX)
		want = API_CAPTURE_MAX;
	grown = want > capture->cap ? realloc(capture->buf, want) : NULL;
	if (!grown)
		return false;
	capture->buf = grown;
	capture->cap = want;
	return true;
}

/* Beyond the bound the program goes on all the same: what it prints is read and dropped, without
 * being copied. */
static ssize_t drop(int fd)
{
	int null cleanup_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	char buf[16 * 1024];

	if (null >= 0)
		return splice(fd, NULL, null, NULL, 1 << 20, SPLICE_F_NONBLOCK);
	return read(fd, buf, sizeof(buf));
}

void api_capture_read(struct api_capture *capture)
{
	ssize_t n;

	if (make_room(capture)) {
		n = read(capture->fd, capture->buf + capture->len, capture->cap - capture->len);
		if (n > 0)
			capture->len += (size_t)n;
	} else {
		n = drop(capture->fd);
		capture->cut |= n > 0;
	}
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_fd(&capture->fd);
}

/* ---- its end ---- */

void api_process_see_end(struct api_process *process, int64_t now_ms)
{
	siginfo_t info = {0};

	if (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	    !info.si_pid)
		return;
	process->ended = true;
	process->end = info;
	process->until_ms = now_ms + API_LINGER_MS;
	close_fd(&process->pidfd);
}

bool api_process_is_over(const struct api_process *process, int64_t now_ms)
{
	return process->ended &&
	       ((process->out.fd < 0 && process->err.fd < 0) || now_ms >= process->until_ms);
}

int api_process_signal(const struct api_process *process, int signal, bool group)
{
	if (group)
		return kill(-process->pid, signal) < 0 ? -errno : 0;
	if (process->ended)
		return -ESRCH;
	return syscall(SYS_pidfd_send_signal, process->pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

void api_process_done(struct api_process *process, bool kill_rest)
{
	if (process->pid) {
		if (kill_rest)
			(void)kill(-process->pid, SIGKILL); /* mostly there is nobody */
		(void)waitid(P_PID, (id_t)process->pid, &(siginfo_t){0}, WEXITED | WNOHANG);
	}
	close_fd(&process->pidfd);
	capture_done(&process->out);
	capture_done(&process->err);
	process->pid = 0;
}

/* ---- descriptors of others ---- */

static unsigned n_closers;

void api_close_foreign(int *fds, size_t n)
{
	bool any = false;
	long pid;

	for (size_t i = 0; i < n; i++)
		any |= fds[i] >= 0;
	if (!any)
		return;
	/* The table of descriptors is shared, so that they are closed here, too. Without a signal
	 * at its end it is in nobody's way (clone(2)). The arguments that differ in order between
	 * architectures are all zero. */
	pid = syscall(SYS_clone, CLONE_FILES, 0, 0, 0, 0);
	n_closers += pid > 0;
	for (size_t i = 0; i < n; i++) {
		if (pid <= 0 && fds[i] >= 0)
			(void)close(fds[i]);
		fds[i] = -1;
	}
	if (pid == 0)
		_exit(0);
}

void api_reap_closers(void)
{
	while (n_closers && waitpid(-1, NULL, __WCLONE | WNOHANG) > 0)
		n_closers--;
}

bool api_closers_left(void)
{
	return n_closers > 0;
}
