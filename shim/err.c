/* SPDX-License-Identifier: MIT */
#include "err.h"

#include <stdio.h>
#include <string.h>

static printf_like(3, 0) void format_cut(char *buf, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(buf, size, fmt, ap);

	if (n < 0)
		buf[0] = '\0';
	else if ((size_t)n >= size)
		memcpy(buf + size - 4, "...", 4);
}

void err_record(struct sbx_err *err, int code, const char *file, unsigned line, const char *fmt,
		...)
{
	va_list ap;

	err->code = code;
	err->line = line;
	err->file[0] = '\0';
	if (file)
		(void)snprintf(err->file, sizeof(err->file), "%s",
			       file); /* a cut name still helps */
	va_start(ap, fmt);
	format_cut(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
}

void err_prefix(struct sbx_err *err, const char *fmt, ...)
{
	char old[sizeof(err->msg)];
	size_t used;
	va_list ap;

	memcpy(old, err->msg, sizeof(old));
	va_start(ap, fmt);
	format_cut(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	used = strlen(err->msg);
	(void)snprintf(err->msg + used, sizeof(err->msg) - used, ": %.*s", (int)sizeof(old), old);
}

size_t err_format(const struct sbx_err *err, char *buf, size_t size)
{
	int n;

	if (!err->file[0])
		n = snprintf(buf, size, "%s", err->msg);
	else if (!err->line)
		n = snprintf(buf, size, "%s: %s", err->file, err->msg);
	else
		n = snprintf(buf, size, "%s:%u: %s", err->file, err->line, err->msg);
	if (n < 0) {
		buf[0] = '\0';
		return 0;
	}
	return (size_t)n < size ? (size_t)n : size - 1;
}
