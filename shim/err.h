/* SPDX-License-Identifier: MIT */
/* Error detail in a buffer that the caller owns: no heap, nothing to free, nothing printed. */
#pragma once

#include <limits.h>
#include <stdarg.h>

#include "util.h"

struct sbx_err {
	int code;	     /* negative errno, 0 when nothing went wrong */
	unsigned line;	     /* 1-based; 0 when the error is not about a line */
	char file[PATH_MAX]; /* "" when the error is not about a policy file; "-v" and the like for
				flags */
	char msg[1024];	     /* no newline, no trailing full stop */
};

/* err_set(err, code, fmt, …) and err_at(err, code, file, line, fmt, …): each sets @err and is worth
 * @code (a negative errno), so that `return err_set(err, -EINVAL, …)` reads well. Macros, so that
 * compiler and analyzer see the value come back. @file may be NULL. A message that does not fit is
 * cut and ends in "...". */
#define err_set(err, code, ...) err_at(err, code, NULL, 0, __VA_ARGS__)
#define err_at(err, code, file, line, ...)                           \
	({                                                           \
		int err_code_ = (code);                              \
		err_record(err, err_code_, file, line, __VA_ARGS__); \
		err_code_;                                           \
	})
void err_record(struct sbx_err *err, int code, const char *file, unsigned line, const char *fmt,
		...) printf_like(5, 6) nonnull(1, 5);

/* Put "text: " in front of the message: context is added outside-in. */
void err_prefix(struct sbx_err *err, const char *fmt, ...) printf_like(2, 3) nonnull(1, 2);

/* "file:line: message", "file: message" or "message" into @buf, always NUL-terminated. Returns its
 * length. */
size_t err_format(const struct sbx_err *err, char *buf, size_t size) nonnull(1, 2);
