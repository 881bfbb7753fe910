/* SPDX-License-Identifier: MIT */
#include "enclosure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../shim/landlock.h"

/* Directories that everybody may list, and a sandbox that bounds paths hardly ever lets be listed
 * all. */
static const char *const landmarks[] = {"/", "/etc", "/usr", "/proc", "/dev", "/tmp"};

/* EACCES though the mode bits permit it: access(2) is nothing that Landlock looks at. */
static bool is_refused(const char *path, int flags)
{
	int mode = (flags & O_ACCMODE) == O_RDONLY ? R_OK : W_OK;
	int fd cleanup_fd = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd < 0 && errno == EACCES && faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0;
}

void enclosure_look(struct enclosure *ret)
{
	ret->paths = false;
	for (size_t i = 0; i < ARRAY_SIZE(landmarks) && !ret->paths; i++)
		ret->paths = is_refused(landmarks[i], O_RDONLY | O_DIRECTORY);
	/* 2: a filter. Where asking is an error, there is one that refuses it (seccomp(2) kills in
	 * mode 1). */
	ret->filter = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0;
}

bool enclosure_refuses(const struct enclosure *enclosure, const struct access_want *want)
{
	const uint64_t writing =
		landlock_access(PERM_W, ~UINT64_C(0)) & ~landlock_access(PERM_R, ~UINT64_C(0));
	const uint64_t reading = landlock_access(PERM_R, ~UINT64_C(0));
	char path[64];
	int fd cleanup_fd = -1;
	struct stat st;

	if (!enclosure->paths || !(S_ISREG(want->st.st_mode) || S_ISDIR(want->st.st_mode)))
		return false;
	fd = open(want->real, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_ino != want->st.st_ino ||
	    st.st_dev != want->st.st_dev)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return (want->rights & reading && is_refused(path, O_RDONLY)) ||
	       (want->rights & writing && S_ISREG(st.st_mode) && is_refused(path, O_WRONLY));
}
