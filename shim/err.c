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

/* A message may repeat what a hostile file says; it must not drive the terminal or forge a line. C0
 * and DEL, and C1 in UTF-8 (0xc2 0x80 … 0xc2 0x9f). */
static void disarm(char *text)
{
	unsigned char last = 0;

	for (unsigned char *p = (unsigned char *)text; *p; p++) {
		bool c1 = last == 0xc2 && *p >= 0x80 && *p < 0xa0;

		last = *p;
		if (*p < 0x20 || *p == 0x7f || c1)
			*p = '?';
	}
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
	disarm(buf);
	return (size_t)n < size ? (size_t)n : size - 1;
}
