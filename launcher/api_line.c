/* SPDX-License-Identifier: MIT */
#include "api_line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ROOM_MIN  4096
#define ROOM_KEEP (64 * 1024) /* a buffer that is empty and larger than this is given back */

/* Make room for @n bytes behind @end, at the front first. Returns 0 or -ENOMEM. */
static int make_room(char **buf, size_t *start, size_t *end, size_t *cap, size_t n)
{
	size_t want = *cap ? *cap : ROOM_MIN;
	char *grown;

	if (*cap - *end >= n)
		return 0;
	if (*start) {
		memmove(*buf, *buf + *start, *end - *start);
		*end -= *start;
		*start = 0;
	}
	while (want - *end < n)
		want *= 2;
	if (want == *cap)
		return 0;
	grown = realloc(*buf, want);
	if (!grown)
		return -ENOMEM;
	*buf = grown;
	*cap = want;
	return 0;
}

static void give_back(char **buf, size_t *start, size_t *end, size_t *cap)
{
	if (*start < *end)
		return;
	*start = *end = 0;
	if (*cap > ROOM_KEEP) {
		free(*buf);
		*buf = NULL;
		*cap = 0;
	}
}

void api_lines_done(struct api_lines *lines)
{
	free(lines->buf);
	*lines = (struct api_lines){0};
}

int api_lines_add(struct api_lines *lines, const char *bytes, size_t n)
{
	int r;

	/* Not when a line is taken: its bytes stay valid until here. */
	give_back(&lines->buf, &lines->start, &lines->end, &lines->cap);
	r = make_room(&lines->buf, &lines->start, &lines->end, &lines->cap, n);
	if (r == 0 && n) {
		memcpy(lines->buf + lines->end, bytes, n);
		lines->end += n;
	}
	return r;
}

int api_lines_next(struct api_lines *lines, bool eof, const char **ret, size_t *ret_len)
{
	size_t left = api_lines_left(lines), len, used;
	const char *begin = lines->buf + lines->start, *newline = NULL;

	if (left > lines->scanned)
		newline = memchr(begin + lines->scanned, '\n', left - lines->scanned);
	len = newline ? (size_t)(newline - begin) : left;
	if (len > API_LINE_MAX)
		return -EMSGSIZE;
	if (!newline && (!eof || !left)) {
		lines->scanned = left;
		return 0;
	}
	used = len + (newline != NULL);
	lines->start += used;
	lines->taken += used;
	lines->scanned = 0;
	*ret = begin;
	*ret_len = len;
	return 1;
}

void api_queue_done(struct api_queue *queue)
{
	free(queue->buf);
	*queue = (struct api_queue){0};
}

int api_queue_put(struct api_queue *queue, const char *bytes, size_t n)
{
	int r = make_room(&queue->buf, &queue->start, &queue->end, &queue->cap, n);

	if (r == 0 && n) {
		memcpy(queue->buf + queue->end, bytes, n);
		queue->end += n;
	}
	return r;
}

int api_queue_send(struct api_queue *queue, int socket)
{
	while (queue->start < queue->end) {
		ssize_t n = send(socket, queue->buf + queue->start, queue->end - queue->start,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		queue->start += (size_t)n;
	}
	give_back(&queue->buf, &queue->start, &queue->end, &queue->cap);
	return 0;
}

/* ---- bytes as JSON ---- */

static bool is_tail(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)p[i] & 0xc0) != 0x80)
			return false;
	return true;
}

/* The length of the character at @p, 0 when there is none: too short, longer than it need be, a
 * surrogate, above U+10FFFF (RFC 3629). */
static size_t utf8_length(const char *p, size_t left)
{
	unsigned char c = (unsigned char)p[0];
	unsigned char next = left > 1 ? (unsigned char)p[1] : 0;
	size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

	if (n == 0 || n > left || !is_tail(p + 1, n - 1))
		return 0;
	if ((c == 0xe0 && next < 0xa0) || (c == 0xed && next > 0x9f) ||
	    (c == 0xf0 && next < 0x90) || (c == 0xf4 && next > 0x8f))
		return 0;
	return n;
}

static bool is_text(const char *bytes, size_t n)
{
	size_t step;

	for (size_t i = 0; i < n; i += step) {
		step = bytes[i] ? utf8_length(bytes + i, n - i) : 0;
		if (!step)
			return false;
	}
	return true;
}

static json_t *base64(const char *bytes, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = (n + 2) / 3 * 4, used = 0;
	char *text = malloc(len + 1);
	json_t *string;

	if (!text)
		return NULL;
	for (size_t i = 0; i < n; i += 3) {
		unsigned value = 0;

		for (size_t k = 0; k < 3; k++)
			value = value << 8 | (i + k < n ? (unsigned char)bytes[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			text[used++] = i + k > n ? '=' : digits[value >> (18 - 6 * k) & 63];
	}
	string = json_stringn_nocheck(text, used);
	free(text);
	return string;
}

int api_put_bytes(json_t *object, const char *key, const char *bytes, size_t n)
{
	char key_base64[64];

	if (is_text(bytes, n))
		return json_object_set_new(object, key, json_stringn_nocheck(n ? bytes : "", n)) < 0
			       ? -ENOMEM
			       : 0;
	(void)snprintf(key_base64, sizeof(key_base64), "%s_base64", key);
	return json_object_set_new(object, key_base64, base64(bytes, n)) < 0 ? -ENOMEM : 0;
}

json_t *api_text(const char *text, size_t n)
{
	static const char stand_in[] = "\xef\xbf\xbd"; /* U+FFFD */
	char *clean = malloc(n * 3 + 1);
	size_t used = 0, step;
	json_t *string;

	if (!clean)
		return NULL;
	for (size_t i = 0; i < n; i += step ? step : 1) {
		step = text[i] ? utf8_length(text + i, n - i) : 0;
		memcpy(clean + used, step ? text + i : stand_in, step ? step : 3);
		used += step ? step : 3;
	}
	string = json_stringn_nocheck(clean, used);
	free(clean);
	return string;
}
