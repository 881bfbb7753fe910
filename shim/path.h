/* SPDX-License-Identifier: MIT */
/* Real paths without realpath(3), which may allocate and is not for the constructor. */
#pragma once

#include <limits.h>

#include "util.h"

/* The absolute path of @path with all symbolic links followed, through /proc/self/fd (proc(5)).
 * Returns 0 or -errno (-ENOENT also for a file that was removed meanwhile); @ret changes only on
 * success. */
must_check int path_real(const char *path, char ret[PATH_MAX]) nonnull(1, 2);

/* The same for what is open at @fd (O_PATH will do). */
must_check int path_of_fd(int fd, char ret[PATH_MAX]) nonnull(2);

/* What follows the last slash; all of @path when there is none. */
const char *path_base(const char *path) nonnull(1);
