/* SPDX-License-Identifier: MIT */
/* --trace=json prints one object a line, with these keys, always all of them and in this order:
 *
 *   time      seconds since the program started, with six decimals
 *   pid, tid  numbers: the process, and the thread that made the call
 *   name      of the program, as ps(1) has it: at most 15 bytes
 *   call      the system call's name
 *   args      its arguments as the text form shows them
 *   raw       the six arguments as the kernel gets them: strings, "0x…"
 *   promises  {"any": […], "all": […]}: any one of the first permits the call, or all of the second
 *             together; or "always" or "never"
 *   paths     absolute paths that the call names; that of a relative one from where the process, or
 *             the directory in the call, is. Symbolic links are not followed, "." is gone, and ".."
 *             where it can be found out.
 *
 * With -c it is one object for the whole run: {"calls": [{"call": …, "count": …, "promises": …}],
 * "promises": {"stdio": 12, …}}; a second one counts what descendants did that outlived the
 * program. */
#include "trace_parts.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROMISES_AT 64 /* the column of the promises, if the call leaves room */
#define ANY_SHOWN   2  /* promises of which any would do */

/* ---- the way out ---- */

void trace_out_flush(struct trace_out *out)
{
	size_t done = 0;

	while (done < out->used && !out->error) {
		ssize_t n = write(out->fd, out->buf + done, out->used - done);
		struct pollfd fd = {.fd = out->fd, .events = POLLOUT};

		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN)
			(void)poll(&fd, 1, -1); /* somebody made it non-blocking */
		else if (errno != EINTR)
			out->error = errno;
	}
	out->used = 0;
}

/* Room for a line, which line_end() and out_end() then keep. */
static struct line out_begin(struct trace_out *out)
{
	struct line line;

	if (sizeof(out->buf) - out->used < TRACE_LINE_MAX)
		trace_out_flush(out);
	line_init(&line, out->buf + out->used, TRACE_LINE_MAX - 1);
	return line;
}

static void out_end(struct trace_out *out, struct line *line)
{
	out->used += line_end(line);
	out->buf[out->used++] = '\n';
	if (out->used >= TRACE_FLUSH)
		trace_out_flush(out);
}

/* ---- text ---- */

static void put_pad(struct line *line, size_t from, size_t width)
{
	while (line->len < from + width)
		line_char(line, ' ');
}

void trace_put_text(struct trace_out *out, const struct trace_line *call)
{
	struct line line = out_begin(out);

	line_decimal(&line, call->tgid);
	if (call->tid != call->tgid) {
		line_char(&line, '/');
		line_decimal(&line, call->tid);
	}
	line_char(&line, ' ');
	line_text(&line, call->args);
	put_pad(&line, 0, PROMISES_AT);
	line_text(&line, " | ");
	line_text(&line, call->promises);
	out_end(out, &line);
}

static void put_set(struct line *line, uint64_t set, const char *between, unsigned max)
{
	unsigned n = 0;

	for (size_t i = 0; i < PROMISE_COUNT; i++) {
		if (!(set & UINT64_C(1) << i))
			continue;
		if (n)
			line_text(line, between);
		if (n++ == max) {
			line_text(line, "…");
			return;
		}
		line_text(line, promise_table[i].name);
	}
}

char *trace_promises_text(struct arena *arena, const struct row *row)
{
	const struct requirement *need = &row->need;
	uint64_t any = need->any & P(STDIO) ? P(STDIO) : need->any;
	char buf[256];
	struct line line;

	if (need->kind == ROW_ALWAYS)
		return arena_strdup(arena, "always");
	if (!requirement_by_promise(need))
		return arena_printf(arena, "never: %s",
				    row->why ? row->why : "no promise covers it");
	line_init(&line, buf, sizeof(buf));
	if (need->any & P(RPATH) && any != P(STDIO))
		line_text(&line, need->any & ~P(RPATH) ? "rpath|…" : "rpath");
	else
		put_set(&line, any, "|", ANY_SHOWN);
	if (any && need->all)
		line_text(&line, " or ");
	put_set(&line, need->all, " ", PROMISE_COUNT);
	(void)line_end(&line);
	return arena_strdup(arena, buf);
}

/* ---- JSON ---- */

/* The length of the UTF-8 sequence (RFC 3629) that @p begins with; 0 when it begins with none. */
static size_t utf8_length(const unsigned char *p)
{
	static const struct {
		unsigned char first, last, low, high; /* of the first byte, and of the second */
		size_t length;
	} kinds[] = {
		{0x01, 0x7f, 0, 0, 1},	     {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (*p < kinds[i].first || *p > kinds[i].last)
			continue;
		if (kinds[i].length > 1 && (p[1] < kinds[i].low || p[1] > kinds[i].high))
			return 0;
		for (size_t j = 2; j < kinds[i].length; j++)
			if (p[j] < 0x80 || p[j] > 0xbf)
				return 0; /* the end of the text, too */
		return kinds[i].length;
	}
	return 0;
}

static void put_json_char(struct line *line, unsigned char c)
{
	line_text(line, "\\u00");
	line_char(line, "0123456789abcdef"[c >> 4]);
	line_char(line, "0123456789abcdef"[c & 15]);
}

void trace_json_string(struct line *line, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	line_char(line, '"');
	while (*p) {
		size_t n = utf8_length(p);

		if (n == 0) {
			line_text(line, "\\ufffd");
			n = 1;
		} else if (*p < ' ' || *p == 0x7f) {
			put_json_char(line, *p);
		} else if (*p == 0xc2 && p[1] < 0xa0) {
			put_json_char(line, p[1]); /* C1: commands to a terminal, too (ECMA-48) */
		} else {
			if (*p == '"' || *p == '\\')
				line_char(line, '\\');
			for (size_t i = 0; i < n; i++)
				line_char(line, (char)p[i]);
		}
		p += n;
	}
	line_char(line, '"');
}

static void put_json_set(struct line *line, uint64_t set)
{
	line_char(line, '[');
	if (set) {
		line_char(line, '"');
		put_set(line, set, "\", \"", PROMISE_COUNT);
		line_char(line, '"');
	}
	line_char(line, ']');
}

char *trace_promises_json(struct arena *arena, const struct row *row)
{
	char buf[1024];
	struct line line;

	if (!requirement_by_promise(&row->need))
		return arena_strdup(arena,
				    row->need.kind == ROW_ALWAYS ? "\"always\"" : "\"never\"");
	line_init(&line, buf, sizeof(buf));
	line_text(&line, "{\"any\": ");
	put_json_set(&line, row->need.any);
	line_text(&line, ", \"all\": ");
	put_json_set(&line, row->need.all);
	line_char(&line, '}');
	(void)line_end(&line);
	return arena_strdup(arena, buf);
}

static void put_time(struct line *line, int64_t us)
{
	int64_t part = us % 1000000;

	line_decimal(line, us / 1000000);
	line_char(line, '.');
	for (int64_t digit = 100000; digit > 0; digit /= 10)
		line_char(line, (char)('0' + part / digit % 10));
}

/* What is between the parentheses of "NAME(…)". */
static void put_json_args(struct line *line, const char *text)
{
	char args[TRACE_ARGS_MAX];
	const char *open = strchr(text, '(');
	size_t len;

	(void)snprintf(args, sizeof(args), "%s", open ? open + 1 : "");
	len = strlen(args);
	if (len && args[len - 1] == ')')
		args[len - 1] = '\0';
	trace_json_string(line, args);
}

static void put_json_arrays(struct line *line, const struct trace_line *call)
{
	line_text(line, ", \"raw\": [");
	for (unsigned i = 0; i < 6; i++) {
		line_text(line, i ? ", \"" : "\"");
		line_hex(line, call->raw[i]);
		line_char(line, '"');
	}
	line_text(line, "], \"promises\": ");
	line_text(line, call->promises);
	line_text(line, ", \"paths\": [");
	for (size_t i = 0; i < call->n_paths; i++) {
		if (i)
			line_text(line, ", ");
		trace_json_string(line, call->paths[i]);
	}
	line_text(line, "]}");
}

void trace_put_json(struct trace_out *out, const struct trace_line *call)
{
	struct line line = out_begin(out);

	line_text(&line, "{\"time\": ");
	put_time(&line, call->time_us);
	line_text(&line, ", \"pid\": ");
	line_decimal(&line, call->tgid);
	line_text(&line, ", \"tid\": ");
	line_decimal(&line, call->tid);
	line_text(&line, ", \"name\": ");
	trace_json_string(&line, call->name);
	line_text(&line, ", \"call\": \"");
	line_text(&line, call->row->name);
	line_text(&line, "\", \"args\": ");
	put_json_args(&line, call->args);
	put_json_arrays(&line, call);
	out_end(out, &line);
}

/* ---- the summary ---- */

/* Rows of one call that differ in no word, or with @name NULL everything with the same words. */
struct tally {
	const char *name, *promises;
	uint64_t count;
};

static int compare(const void *a, const void *b)
{
	const struct tally *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	if (x->name && strcmp(x->name, y->name) != 0)
		return strcmp(x->name, y->name);
	return strcmp(x->promises, y->promises);
}

static size_t tally_up(struct tally *tallies, const uint64_t *counts, bool by_name,
		       struct arena *arena, bool json)
{
	size_t n = 0;

	for (size_t tag = 1; tag < table_rows_count; tag++) {
		const struct row *row = &table_rows[tag];
		const char *name = by_name ? row->name : NULL, *text;
		size_t i = 0;

		if (!counts[tag])
			continue;
		text = json && by_name ? trace_promises_json(arena, row)
				       : trace_promises_text(arena, row);
		if (!text)
			continue;
		if (!by_name && strncmp(text, "never", 5) == 0)
			text = "never"; /* for whatever reason */
		while (i < n && ((name && strcmp(tallies[i].name, name) != 0) ||
				 strcmp(tallies[i].promises, text) != 0))
			i++;
		if (i == n)
			tallies[n++] = (struct tally){.name = name, .promises = text};
		tallies[i].count += counts[tag];
	}
	qsort(tallies, n, sizeof(*tallies), compare);
	return n;
}

static void put_row(struct trace_out *out, uint64_t count, const char *name, const char *promises)
{
	struct line line = out_begin(out);
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);

	put_pad(&line, 0, len < 9 ? (size_t)(9 - len) : 0);
	line_text(&line, digits);
	line_text(&line, "  ");
	if (name) {
		line_text(&line, name);
		put_pad(&line, 11, 24);
		line_char(&line, ' ');
	}
	line_text(&line, promises);
	out_end(out, &line);
}

static void put_heading(struct trace_out *out, const char *text)
{
	struct line line = out_begin(out);

	line_text(&line, text);
	out_end(out, &line);
}

static void put_json_counts(struct trace_out *out, const struct tally *calls, size_t n_calls,
			    const struct tally *sets, size_t n_sets)
{
	struct line line = out_begin(out);

	/* Piece by piece: the whole does not fit into the room of one line. */
	line_text(&line, "{\"calls\": [");
	for (size_t i = 0; i < n_calls; i++) {
		line_text(&line, i ? ", {\"call\": \"" : "{\"call\": \"");
		line_text(&line, calls[i].name);
		line_text(&line, "\", \"count\": ");
		line_unsigned(&line, calls[i].count);
		line_text(&line, ", \"promises\": ");
		line_text(&line, calls[i].promises);
		line_char(&line, '}');
		out->used += line_end(&line);
		line = out_begin(out);
	}
	line_text(&line, "], \"promises\": {");
	for (size_t i = 0; i < n_sets; i++) {
		if (i)
			line_text(&line, ", ");
		trace_json_string(&line, sets[i].promises);
		line_text(&line, ": ");
		line_unsigned(&line, sets[i].count);
	}
	line_text(&line, "}}");
	out_end(out, &line);
}

void trace_put_counts(struct trace_out *out, const uint64_t *counts, bool json)
{
	struct arena arena = {0};
	struct tally *calls = arena_alloc(&arena, table_rows_count * sizeof(*calls));
	struct tally *sets = arena_alloc(&arena, table_rows_count * sizeof(*sets));
	size_t n_calls, n_sets;
	uint64_t all = 0;

	if (!calls || !sets) {
		arena_done(&arena);
		out->error = ENOMEM;
		return;
	}
	n_calls = tally_up(calls, counts, true, &arena, json);
	n_sets = tally_up(sets, counts, false, &arena, json);
	if (json) {
		put_json_counts(out, calls, n_calls, sets, n_sets);
		arena_done(&arena);
		return;
	}
	put_heading(out, "    calls  system call              promises");
	for (size_t i = 0; i < n_calls; i++) {
		put_row(out, calls[i].count, calls[i].name, calls[i].promises);
		all += calls[i].count;
	}
	put_row(out, all, "in all", "");
	put_heading(out, "");
	put_heading(out, "    calls  promises");
	for (size_t i = 0; i < n_sets; i++)
		put_row(out, sets[i].count, NULL, sets[i].promises);
	arena_done(&arena);
}
