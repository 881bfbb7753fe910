/* SPDX-License-Identifier: MIT */
/* The lines of explain.c: each once, in words, to whoever reads standard error. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../shim/decode.h"
#include "explain_parts.h"
#include "hash.h"

#define CALL_MAX  512 /* bytes of a call as text */
#define ALIKE_MAX 16  /* lines that differ in the path alone */
#define PRINT_MS  200 /* for whoever reads what we print */

/* Is this the first time? At most EXPLAIN_LINES_MAX are remembered, in a table twice that size. */
bool explain_is_new(struct explain *e, const char *key)
{
	uint64_t hash = hash_bytes(key, strlen(key)) | 1; /* 0 is an empty slot */
	size_t i = hash & (2 * EXPLAIN_LINES_MAX - 1);

	if (!e->said)
		e->said = arena_alloc(&e->said_arena, 2 * EXPLAIN_LINES_MAX * sizeof(*e->said));
	if (!e->said || e->n_said >= EXPLAIN_LINES_MAX)
		return false;
	for (; e->said[i]; i = (i + 1) & (2 * EXPLAIN_LINES_MAX - 1))
		if (e->said[i] == hash)
			return false;
	e->said[i] = hash;
	e->n_said++;
	return true;
}

bool explain_lets_through(const struct explain *e, const struct denial *denial)
{
	if (denial->rule && denial->rule->action != RULE_DENY)
		return denial->rule->action == RULE_LOG;
	return e->policy->on_violation == VIOLATION_LOG;
}

/* The program waits for our answer, so we must not wait for somebody who does not read, perhaps
 * because it waits for the program. What does not fit is dropped. */
void explain_print(struct explain *e, const char *line)
{
	size_t size = strlen(line);

	while (!e->request.quiet && size) {
		const struct timespec wait = {.tv_nsec = e->stuck ? 0 : PRINT_MS * 1000000L};
		struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
		sigset_t all; /* a signal is no answer */
		/* A pipe that can be written to takes as much without blocking (pipe(7)). */
		size_t part = size < PIPE_BUF ? size : PIPE_BUF;
		ssize_t n;

		(void)sigfillset(&all);
		if (ppoll(&fd, 1, &wait, &all) <= 0) {
			e->stuck = true;
			return;
		}
		e->stuck = false;
		n = write(STDERR_FILENO, line, part);
		if (n <= 0)
			return; /* nobody to tell */
		line += n;
		size -= (size_t)n;
	}
}

/* Lines about one call and one reason differ in the path. Some are told, then that there are more.
 */
static bool is_told_enough(struct explain *e, struct denial *denial, const char *name)
{
	uint8_t *repeats = &e->repeats[denial->tag];
	char line[128];

	if (!denial->alike || *repeats > ALIKE_MAX)
		return denial->alike;
	if ((*repeats)++ < ALIKE_MAX)
		return false;
	(void)snprintf(line, sizeof(line),
		       "sbx-preload: %s[%d]: more calls of %s like these are denied and not told\n",
		       name, denial->target.tgid, denial->row->name);
	explain_print(e, line);
	return true;
}

/* What makes a denial another one: the call, the reason and the path. */
static bool is_new_denial(struct explain *e, struct denial *denial, const char *reason)
{
	char key[2 * PATH_MAX + 256], path[PATH_MAX] = "";
	const struct access_call *call = denial->call;

	if (call && call->path >= 0 &&
	    target_read_string(&denial->target, denial->notif->data.args[call->path], path) < 0)
		path[0] = '\0';
	(void)snprintf(key, sizeof(key), "%u %s %s", denial->tag, path, reason);
	return explain_is_new(e, key);
}

static const char *what_becomes(const struct explain *e, const struct denial *denial)
{
	if (!explain_lets_through(e, denial))
		return "denied";
	return denial->rule && denial->rule->action == RULE_LOG ? "let through" : "would be denied";
}

void explain_say(struct explain *e, struct denial *denial, const char *reason)
{
	char call[CALL_MAX], name[16], line[EXPLAIN_LINE_MAX];
	const struct decode_source source = {.read = target_read, .user = &denial->target};
	int n;

	if (!is_new_denial(e, denial, reason))
		return;
	target_name(&denial->target, name);
	if (is_told_enough(e, denial, name))
		return;
	(void)decode_call(denial->notif->data.nr, (const uint64_t *)denial->notif->data.args,
			  &source, call, sizeof(call));
	if (!supervise_call_valid(denial->listener, denial->notif->id))
		(void)snprintf(call, sizeof(call), "%s()", denial->row->name);
	n = snprintf(line, sizeof(line), "sbx-preload: %s[%d]: %s %s: %s\n", name,
		     denial->target.tgid, what_becomes(e, denial), call, reason);
	if (n >= (int)sizeof(line))
		line[sizeof(line) - 2] = '\n';
	/* The call is escaped; names of policies, and paths in lines to add, are as they are. */
	for (char *c = line; *c && c[1]; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	if (denial->held)
		memcpy(e->held.line, line, sizeof(line));
	else
		explain_print(e, line);
}

/* "(/etc/sbx-preload/curl.ini:4)": where the promises are written. */
static void promise_place(const struct explain *e, char *buf, size_t size)
{
	const struct origin *from = &e->policy->promises_from;

	if (!from->file)
		(void)snprintf(buf, size, "(%s)", e->policy->name ? e->policy->name : "policy");
	else if (from->line)
		(void)snprintf(buf, size, "(%s:%u)", from->file, from->line);
	else
		(void)snprintf(buf, size, "(%s)", from->file);
}

/* 'needs promise "wpath"', 'needs promises "wpath cpath"'. */
void explain_need_text(const struct explain *e, uint64_t promises, char *buf, size_t size)
{
	char words[256], place[PATH_MAX + 16];

	promise_format(promises, words, sizeof(words));
	promise_place(e, place, sizeof(place));
	(void)snprintf(buf, size, "needs promise%s \"%s\" %s", promises & (promises - 1) ? "s" : "",
		       words, place);
}
