/* SPDX-License-Identifier: MIT */
/* A scratch directory as the current one, and files in it. */
#pragma once

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* An absolute path of 253 bytes, the longest that fits into a #! line. */
#define LENGTH_253                                                                                 \
	"/2345678901234567890123456789012345678901234567890123456789012345678901234567890"         \
	"1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678" \
	"9"                                                                                        \
	"012345678901234567890123456789012345678901234567890123456789012345678901234567890123"

static char scratch[PATH_MAX];

static inline void enter_scratch(void)
{
	const char *dir = getenv("SBX_TEST_TMP");

	if (!dir || !*dir)
		dir = getenv("TMPDIR");
	(void)snprintf(scratch, sizeof(scratch), "%s/sbx-program-XXXXXX",
		       dir && *dir ? dir : "/var/tmp");
	cr_assert(mkdtemp(scratch) && chdir(scratch) == 0, "%s: %m", scratch);
	/* Real paths are compared: the directory's own must not be another. */
	cr_assert(getcwd(scratch, sizeof(scratch)) != NULL);
	(void)umask(022);
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void leave_scratch(void)
{
	cr_expect(chdir("/") == 0 && nftw(scratch, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0,
		  "%s: %m", scratch);
}

static inline void write_file(const char *path, const void *bytes, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

	cr_assert(fd >= 0 && write(fd, bytes, len) == (ssize_t)len && fchmod(fd, mode) == 0,
		  "%s: %m", path);
	(void)close(fd);
}

static inline void write_script(const char *path, const char *text)
{
	write_file(path, text, strlen(text), 0755);
}

/* What @argv prints, with the environment @envp; "" when it fails. */
static inline void output_of(const char *path, char *const *argv, char *const *envp, char *ret,
			     size_t size)
{
	size_t used = 0;
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	cr_assert(pipe(fds) == 0);
	pid = fork();
	if (pid == 0) {
		(void)dup2(fds[1], STDOUT_FILENO);
		(void)close(fds[0]);
		(void)close(STDERR_FILENO); /* complaints are expected */
		(void)execve(path, argv, envp);
		_exit(127);
	}
	(void)close(fds[1]);
	while (used < size - 1 && (n = read(fds[0], ret + used, size - 1 - used)) > 0)
		used += (size_t)n;
	(void)close(fds[0]);
	cr_assert(waitpid(pid, &status, 0) == pid);
	ret[WIFEXITED(status) && WEXITSTATUS(status) == 0 ? used : 0] = '\0';
}
