/* SPDX-License-Identifier: MIT */
/* One line of text in a buffer that the caller owns. Async-signal-safe: touches no state of libc
 * and allocates nothing, so that a signal handler in a stranger's process can use it. */
#pragma once

#include "util.h"

struct line {
	char *buf;   /* borrowed */
	size_t size; /* of buf */
	size_t len;  /* of the text as it would be in a buffer without end; may be set back */
};

void line_init(struct line *line, char *buf, size_t size) nonnull(1);

void line_char(struct line *line, char c) nonnull(1);
void line_text(struct line *line, const char *text) nonnull(1, 2);
void line_decimal(struct line *line, int64_t value) nonnull(1);
void line_unsigned(struct line *line, uint64_t value) nonnull(1);
void line_hex(struct line *line, uint64_t value) nonnull(1);   /* 0x1f */
void line_octal(struct line *line, uint64_t value) nonnull(1); /* 0644 */

/* Bytes that nobody has vouched for: control characters, quotes, backslashes and whatever is not
 * ASCII come as \xNN, so that they cannot play with a terminal or pass for more than one line. */
void line_escaped(struct line *line, const void *bytes, size_t size) nonnull(1);

/* Terminate the text, which ends in "..." when it was cut. Returns the length of what is there. */
size_t line_end(struct line *line) nonnull(1);
