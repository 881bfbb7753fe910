/* SPDX-License-Identifier: MIT */
/* What goes over a connection of --api: lines that come in, answers that go out, and how bytes of
 * unknown origin become JSON. All of it bounded. Pure but for api_queue_send(). */
#pragma once

#include <jansson.h>

#include "../shim/util.h"

#define API_LINE_MAX (1 << 20) /* bytes of a request, without its newline */

/* Bytes that came in and are not yet used. */
struct api_lines {
	char *buf; /* owned */
	size_t start, end, cap;
	size_t scanned; /* bytes after start in which there is no newline */
	uint64_t taken; /* bytes of the stream up to start */
};

void api_lines_done(struct api_lines *lines);
/* Returns 0 or -ENOMEM. */
must_check int api_lines_add(struct api_lines *lines, const char *bytes, size_t n) nonnull(1, 2);
/* The next line, without its newline; valid until bytes are added. @eof: what is left without a
 * newline is a line, too. Returns 1; 0 when there is none; -EMSGSIZE when it is too long. */
must_check int api_lines_next(struct api_lines *lines, bool eof, const char **ret, size_t *ret_len)
	nonnull(1, 3, 4);

static inline size_t api_lines_left(const struct api_lines *lines)
{
	return lines->end - lines->start;
}

/* Bytes that are to go out. */
struct api_queue {
	char *buf; /* owned */
	size_t start, end, cap;
};

void api_queue_done(struct api_queue *queue);
must_check int api_queue_put(struct api_queue *queue, const char *bytes, size_t n) nonnull(1, 2);
/* As much as the socket takes without waiting. Returns 0, also when some is left; -errno when the
 * other side is gone. */
must_check int api_queue_send(struct api_queue *queue, int socket) nonnull(1);

static inline size_t api_queue_left(const struct api_queue *queue)
{
	return queue->end - queue->start;
}

/* @object[@key] = the bytes, when they are text (UTF-8 without NUL); else @object[@key_base64] =
 * their base64. Returns 0 or -ENOMEM. */
must_check int api_put_bytes(json_t *object, const char *key, const char *bytes, size_t n)
	nonnull(1, 2);
/* A string of text that should be UTF-8; where it is not, U+FFFD. NULL: out of memory. */
must_check json_t *api_text(const char *text, size_t n);
