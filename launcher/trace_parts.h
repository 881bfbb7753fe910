/* SPDX-License-Identifier: MIT */
/* Between trace.c, which looks at calls; trace_only.c, which chooses among them; and trace_print.c,
 * which writes them down. */
#pragma once

#include "../shim/arena.h"
#include "../shim/decode.h"
#include "../shim/table.h"
#include "target.h"
#include "trace.h"

/* ---- which calls ---- */

enum trace_match {
	TRACE_HIDDEN,
	TRACE_BY_PATH, /* if a path that it names is beneath one of the prefixes */
	TRACE_SHOWN,
};

struct trace_only {
	uint8_t *rows;	       /* arena; by tag: enum trace_match */
	const char **prefixes; /* arena; absolute, without a slash at the end: "" is the root */
	size_t n_prefixes;
};

/* What promises a call is counted under. Where stdio or rpath will do, the others that would do as
 * well (whoever opens files or connects by path may also look first) say nothing about the call. */
uint64_t trace_promises(const struct requirement *need) nonnull(1);

/* @list: as in struct trace_request; NULL: everything is shown. Returns 0; -EINVAL for a word that
 * is none of the three, or a list without any; -ENOMEM. Pure. */
must_check int trace_only_parse(const char *list, struct arena *arena, struct trace_only *ret,
				struct sbx_err *err) nonnull(2, 3, 4);

/* Is @path at or beneath one of the prefixes? */
bool trace_only_path(const struct trace_only *only, const char *path) nonnull(1, 2);

/* ---- writing down ---- */

#define TRACE_BUFFER   (256 * 1024)
#define TRACE_FLUSH    (32 * 1024)  /* no more of the buffer is touched, as a rule */
#define TRACE_LINE_MAX (128 * 1024) /* JSON: two paths of six bytes for one, and the rest */
#define TRACE_ARGS_MAX 8192

struct trace_out {
	int fd;	   /* borrowed */
	int error; /* the first one; nothing is written from then on */
	size_t used;
	char buf[TRACE_BUFFER];
};

void trace_out_flush(struct trace_out *out) nonnull(1);

/* One call, as it is shown. */
struct trace_line {
	int64_t time_us; /* since the program started */
	pid_t tgid, tid;
	const char *name; /* of the program */
	const struct row *row;
	const char *promises; /* trace_promises_text(), or with JSON trace_promises_json() */
	const char *args;     /* "NAME(…)" */
	const uint64_t *raw;  /* six */
	const char *const *paths;
	size_t n_paths;
};

void trace_put_text(struct trace_out *out, const struct trace_line *call) nonnull(1, 2);
void trace_put_json(struct trace_out *out, const struct trace_line *call) nonnull(1, 2);

/* "rpath wpath", "unix|inet|…", "always", "never: changes the namespace". NULL without memory. */
char *trace_promises_text(struct arena *arena, const struct row *row) nonnull(1, 2);
/* {"any": […], "all": […]}, "always" or "never". */
char *trace_promises_json(struct arena *arena, const struct row *row) nonnull(1, 2);

/* A JSON string, quotes included: valid UTF-8 whatever the bytes of @text; what was none becomes
 * U+FFFD. */
void trace_json_string(struct line *line, const char *text) nonnull(1, 2);

/* The summary of -c. @counts: by tag. */
void trace_put_counts(struct trace_out *out, const uint64_t *counts, bool json) nonnull(1, 2);
