/* SPDX-License-Identifier: MIT */
/* A scratch directory for one test, and children that may restrict themselves for good. */
#pragma once

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRATCH_NOBODY 65534

/* Criterion runs each test in a process of its own: one directory each. Every user may write there.
 */
static char scratch[160];

static inline void scratch_init(void)
{
	const char *tmp = getenv("SBX_TEST_TMP");
	char dir[PATH_MAX], real[PATH_MAX];

	if (!tmp || !*tmp)
		tmp = getenv("TMPDIR");
	if (!tmp || !*tmp)
		tmp = "/var/tmp";
	(void)snprintf(dir, sizeof(dir), "%s/sbx-XXXXXX", tmp);
	if (!mkdtemp(dir) || !realpath(dir, real) || strlen(real) >= sizeof(scratch))
		cr_assert_fail("no scratch directory in %s: %s", tmp, strerror(errno));
	(void)strcpy(scratch, real);
	(void)umask(0);
	if (chmod(scratch, 0777) != 0)
		cr_assert_fail("chmod %s: %s", scratch, strerror(errno));
}

static inline int scratch_remove_one(const char *path, const struct stat *st, int kind,
				     struct FTW *at)
{
	(void)st;
	(void)kind;
	return at->level > 0 ? remove(path) : 0;
}

/* Back to an empty directory. */
static inline void scratch_clear(void)
{
	(void)nftw(scratch, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void scratch_done(void)
{
	scratch_clear();
	(void)rmdir(scratch);
}

static inline const char *scratch_path(const char *name, char buf[PATH_MAX])
{
	(void)snprintf(buf, PATH_MAX, "%s%s%s", scratch, *name ? "/" : "", name);
	return buf;
}

static inline void scratch_dir(const char *name)
{
	char path[PATH_MAX];

	if (mkdir(scratch_path(name, path), 0777) != 0)
		cr_assert_fail("mkdir %s: %s", path, strerror(errno));
}

static inline void scratch_file(const char *name, const char *text, mode_t mode)
{
	char path[PATH_MAX];
	int fd = open(scratch_path(name, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd) != 0)
		cr_assert_fail("cannot write %s: %s", path, strerror(errno));
}

static inline void scratch_link(const char *target, const char *name)
{
	char path[PATH_MAX];

	if (symlink(target, scratch_path(name, path)) != 0)
		cr_assert_fail("symlink %s: %s", path, strerror(errno));
}

/* A child's exit status when it could not even start what it is asked to do. */
#define CHILD_BROKEN 250

static inline _Noreturn void child_broken(const char *what, const char *why)
{
	(void)dprintf(2, "child: %s: %s\n", what, why);
	_exit(CHILD_BROKEN);
}

/* Run @deed in a child whose current directory is the scratch directory; what it returns (an errno,
 * 0 for success) is returned. A child that was killed: 1000 + signal. */
static inline int in_child(int (*deed)(void *), void *arg)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		cr_assert_fail("fork: %s", strerror(errno));
	if (pid == 0) {
		if (chdir(scratch) != 0)
			child_broken("chdir", strerror(errno));
		_exit(deed(arg));
	}
	if (waitpid(pid, &status, 0) != pid)
		cr_assert_fail("waitpid: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* In a child of root: go on as an ordinary user. */
static inline void child_become_nobody(void)
{
	if (geteuid() == 0 &&
	    (setgroups(0, NULL) != 0 || setgid(SCRATCH_NOBODY) != 0 || setuid(SCRATCH_NOBODY) != 0))
		child_broken("setuid", strerror(errno));
}

/* How many descriptors this process has open. */
static inline int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}
