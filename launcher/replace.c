/* SPDX-License-Identifier: MIT */
#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "../shim/path.h"

int replace_open(const char *option, const char *path, int *ret_dir, struct sbx_err *err)
{
	const char *base = path_base(path);
	char dir[PATH_MAX];

	if (!*base || strlen(path) >= sizeof(dir))
		return err_set(err, -EINVAL, "%s=%s: not a file", option, path);
	(void)snprintf(dir, sizeof(dir), "%.*s", (int)(base - path), path);
	*ret_dir = open(dir[0] ? dir : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret_dir >= 0 && faccessat(*ret_dir, ".", W_OK | X_OK, AT_EACCESS) == 0)
		return 0;
	(void)err_set(err, -errno, "%s=%s: cannot write there: %m", option, path);
	close_fd(ret_dir);
	return err->code;
}

static int write_all(int fd, const char *text)
{
	size_t size = strlen(text);

	while (size) {
		ssize_t n = write(fd, text, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		text += n;
		size -= (size_t)n;
	}
	return 0;
}

int replace_write(int dir, const char *path, const char *text, mode_t mode)
{
	void (*xfsz)(int signal);
	uint64_t random = 0;
	int fd cleanup_fd = -1;
	char temp[64];
	int r;

	/* Nor can the program be there first under a name that it does not know. Without randomness
	 * it could hinder us, no more. */
	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	(void)snprintf(temp, sizeof(temp), ".sbx-preload-%016llx", (unsigned long long)random);
	fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	/* Too long a file is an error like others, and no reason to end. */
	xfsz = signal(SIGXFSZ, SIG_IGN);
	r = write_all(fd, text);
	(void)signal(SIGXFSZ, xfsz);
	if (r == 0 && (fchmod(fd, mode) < 0 || renameat(dir, temp, dir, path_base(path)) < 0))
		r = -errno;
	if (r < 0)
		(void)unlinkat(dir, temp, 0);
	return r;
}
