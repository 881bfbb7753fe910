/* SPDX-License-Identifier: MIT */
/* Writing a file of the user's while a program runs that may want to lead us elsewhere: its
 * directory is opened before the program starts, and a new file takes the old one's place, so that
 * a link which was put there meanwhile is not followed. */
#pragma once

#include <sys/types.h>

#include "../shim/err.h"

/* Open the directory that @path is in, where we must be able to write. @option: for messages,
 * "--learn". Returns 0 with *ret_dir, the caller's to close; or -errno. */
must_check int replace_open(const char *option, const char *path, int *ret_dir, struct sbx_err *err)
	nonnull(1, 2, 3, 4);

/* Let @text take the place of what the directory has under the last component of @path. Returns 0
 * or -errno. */
must_check int replace_write(int dir, const char *path, const char *text, mode_t mode)
	nonnull(2, 3);
