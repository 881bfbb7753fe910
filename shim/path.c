/* SPDX-License-Identifier: MIT */
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

int path_of_fd(int fd, char ret[PATH_MAX])
{
	char link[32], buf[PATH_MAX];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd); /* always fits */
	n = readlink(link, buf, sizeof(buf));
	if (n < 0)
		return -errno;
	if (n == sizeof(buf))
		return -ENAMETOOLONG;
	buf[n] = '\0';
	/* "pipe:[1]", "/memfd:x (deleted)", "(unreachable)/x": nothing that can be named. */
	if (buf[0] != '/')
		return -ENOENT;
	memcpy(ret, buf, (size_t)n + 1);
	return 0;
}

int path_real(const char *path, char ret[PATH_MAX])
{
	int fd cleanup_fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return path_of_fd(fd, ret);
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
