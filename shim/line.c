/* SPDX-License-Identifier: MIT */
#include "line.h"

#include <string.h>

void line_init(struct line *line, char *buf, size_t size)
{
	*line = (struct line){.buf = buf, .size = size};
}

void line_char(struct line *line, char c)
{
	if (line->len < line->size)
		line->buf[line->len] = c;
	line->len++;
}

void line_text(struct line *line, const char *text)
{
	while (*text)
		line_char(line, *text++);
}

static void put_digits(struct line *line, uint64_t value, unsigned base)
{
	char digits[22]; /* 64 bits in octal */
	unsigned n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (n > 0)
		line_char(line, digits[--n]);
}

void line_unsigned(struct line *line, uint64_t value)
{
	put_digits(line, value, 10);
}

void line_decimal(struct line *line, int64_t value)
{
	if (value < 0)
		line_char(line, '-');
	put_digits(line, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10);
}

void line_hex(struct line *line, uint64_t value)
{
	line_text(line, "0x");
	put_digits(line, value, 16);
}

void line_octal(struct line *line, uint64_t value)
{
	if (value)
		line_char(line, '0');
	put_digits(line, value, 8);
}

void line_escaped(struct line *line, const void *bytes, size_t size)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < size; i++) {
		if (p[i] >= ' ' && p[i] < 0x7f && p[i] != '"' && p[i] != '\\') {
			line_char(line, (char)p[i]);
			continue;
		}
		line_text(line, "\\x");
		line_char(line, "0123456789abcdef"[p[i] >> 4]);
		line_char(line, "0123456789abcdef"[p[i] & 15]);
	}
}

size_t line_end(struct line *line)
{
	size_t last = line->size ? line->size - 1 : 0;

	if (line->size == 0)
		return 0;
	if (line->len <= last) {
		line->buf[line->len] = '\0';
		return line->len;
	}
	for (size_t i = last; i > 0 && last - i < 3; i--)
		line->buf[i - 1] = '.';
	line->buf[last] = '\0';
	return last;
}
