/* SPDX-License-Identifier: MIT */
/* Error detail in a buffer that the caller owns: no heap, nothing to free, nothing printed. */
#pragma once

#include <limits.h>
#include <stdarg.h>

#include "util.h"

struct sbx_err {
	int code;      /* negative errno, 0 when nothing went wrong */
	unsigned line; /* 1-based; 0 when the error is not about a line */
	char file[PATH_MAX]; /* "" when the error is not about a policy file; "-v" and the like for flags */
	char msg[1024];      /* no newline, no trailing full stop */
};

/* Each sets @err and returns @code (negative errno), so that `return err_set(err, -EINVAL, …)` reads well.
 * A message that does not fit is cut and ends in "...". */
int err_set(struct sbx_err *err, int code, const char *fmt, ...) printf_like(3, 4) nonnull(1, 3);
int err_at(struct sbx_err *err, int code, const char *file, unsigned line, const char *fmt, ...)
	printf_like(5, 6) nonnull(1, 5);

/* Put "text: " in front of the message: context is added outside-in. */
void err_prefix(struct sbx_err *err, const char *fmt, ...) printf_like(2, 3) nonnull(1, 2);

/* "file:line: message", "file: message" or "message" into @buf, always NUL-terminated. Returns its length. */
size_t err_format(const struct sbx_err *err, char *buf, size_t size) nonnull(1, 2);
