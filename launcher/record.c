/* SPDX-License-Identifier: MIT */
#include "record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../shim/decode.h"
#include "explain_parts.h"

#define TEXT_MAX     160
#define TEXT_BYTES   (16UL << 20)		  /* of all calls in full */
#define RECORD_BYTES (256UL << 20)		  /* more than any program makes us remember */
#define MAGIC	     UINT64_C(0x7362782d72656331) /* "sbx-rec1" */
#define NO_TEXT	     UINT32_MAX

struct record {
	struct arena arena;	 /* owned */
	struct record_row *rows; /* arena; by tag */
	uint8_t *has_strings;	 /* arena; by tag: 0 not asked yet, 1 no, 2 yes */
	size_t bytes;
	int fd; /* borrowed */
	bool executed;
};

int record_new(int fd, struct record **ret, struct sbx_err *err)
{
	struct record *r = calloc(1, sizeof(*r));

	if (r) {
		r->fd = fd;
		r->rows = arena_alloc(&r->arena, table_rows_count * sizeof(*r->rows));
		r->has_strings = arena_alloc(&r->arena, table_rows_count);
	}
	if (!r || !r->rows || !r->has_strings) {
		record_free(r);
		return err_set(err, -ENOMEM, "out of memory");
	}
	*ret = r;
	return 0;
}

void record_free(struct record *r)
{
	if (!r)
		return;
	arena_done(&r->arena);
	free(r);
}

/* ---- while it runs ---- */

bool record_add(struct arena *arena, struct record_row *row, const uint64_t args[6],
		const char *text)
{
	struct record_call *call;

	for (size_t i = 0; i < row->n_calls; i++) {
		if (strcmp(row->calls[i].text, text) == 0) {
			row->calls[i].count++;
			return true;
		}
	}
	if (row->n_calls == RECORD_CALLS_MAX)
		return true;
	if (arena_grow(arena, (void **)&row->calls, &row->cap_calls, row->n_calls,
		       sizeof(*row->calls)) < 0)
		return false;
	call = &row->calls[row->n_calls];
	*call = (struct record_call){.count = 1, .text = arena_strdup(arena, text)};
	memcpy(call->args, args, sizeof(call->args));
	row->n_calls += call->text != NULL;
	return call->text;
}

/* Does what the call says depend on memory? Then the registers do not tell two of them apart. */
static bool has_strings(struct record *r, const struct denial *denial)
{
	uint8_t *known = &r->has_strings[denial->tag], strings[DECODE_STRINGS_MAX];
	struct decode_path paths[DECODE_PATHS_MAX];

	if (!*known)
		*known = decode_find_strings(denial->row->name, strings) ||
					 decode_find_paths(denial->row->name, paths)
				 ? 2
				 : 1;
	return *known == 2;
}

static bool is_same_again(struct record_row *row, const uint64_t args[6])
{
	for (size_t i = 0; i < row->n_calls; i++) {
		if (memcmp(row->calls[i].args, args, sizeof(row->calls[i].args)) == 0) {
			row->calls[i].count++;
			return true;
		}
	}
	return false;
}

void record_see(struct record *r, struct denial *denial, bool first_exec)
{
	const uint64_t *args = (const uint64_t *)denial->notif->data.args;
	const struct decode_source source = {.read = target_read, .user = &denial->target};
	struct record_row *row = &r->rows[denial->tag];
	char text[TEXT_MAX];

	if (first_exec && !r->executed && strncmp(denial->row->name, "execve", 6) == 0) {
		r->executed = true;
		return;
	}
	row->tag = denial->tag;
	row->nr = denial->notif->data.nr;
	row->count++;
	if (!has_strings(r, denial) && is_same_again(row, args))
		return;
	if (row->n_calls == RECORD_CALLS_MAX || r->bytes > TEXT_BYTES)
		return;
	(void)decode_call(row->nr, args, &source, text, sizeof(text));
	if (!supervise_call_valid(denial->listener, denial->notif->id))
		(void)snprintf(text, sizeof(text), "%s()", denial->row->name);
	if (record_add(&r->arena, row, args, text))
		r->bytes += strlen(text);
}

/* ---- written down ----
 *
 * Numbers of 64 bits and texts with their length, one after the other: between two processes of one
 * program. Which call was before which is a matter of the processes that made them, which stay
 * here: so each goes with its rank. To know these, all of it is gone through once before. */

struct writer {
	FILE *out;		       /* NULL: go through it */
	const struct learn_why **whys; /* owned */
	size_t n, cap;
	uint64_t *ranks; /* owned; of the whys, in the order in which they are come by */
	bool failed;	 /* no memory */
};

static void put_number(struct writer *w, uint64_t value)
{
	if (w->out)
		(void)fwrite(&value, sizeof(value), 1, w->out);
}

static void put_text(struct writer *w, const char *text)
{
	uint32_t len = text ? (uint32_t)strlen(text) : NO_TEXT;

	if (!w->out)
		return;
	(void)fwrite(&len, sizeof(len), 1, w->out);
	if (text)
		(void)fwrite(text, 1, len + 1, w->out);
}

static void remember_why(struct writer *w, const struct learn_why *why)
{
	if (w->n == w->cap) {
		size_t cap = w->cap ? 2 * w->cap : 1024;
		const struct learn_why **whys = realloc(w->whys, cap * sizeof(const void *));

		w->failed |= !whys;
		if (!whys)
			return;
		w->whys = whys;
		w->cap = cap;
	}
	w->whys[w->n++] = why;
}

static void put_why(struct writer *w, const struct learn_why *why)
{
	if (!w->out) {
		remember_why(w, why);
		return;
	}
	put_text(w, why->text);
	put_number(w, w->ranks[w->n++]);
}

static int by_order(const void *a, const void *b, void *user)
{
	const struct learn_why **whys = user;
	const struct learn_why *x = whys[*(const uint32_t *)a], *y = whys[*(const uint32_t *)b];

	return learn_why_before(y, x) - learn_why_before(x, y);
}

/* All have been gone through. */
static void rank_whys(struct writer *w)
{
	uint32_t *order = calloc(w->n + 1, sizeof(*order));

	w->ranks = calloc(w->n + 1, sizeof(*w->ranks));
	w->failed |= !order || !w->ranks;
	for (size_t i = 0; !w->failed && i < w->n; i++)
		order[i] = (uint32_t)i;
	if (!w->failed)
		qsort_r(order, w->n, sizeof(*order), by_order, w->whys);
	for (size_t i = 0; !w->failed && i < w->n; i++)
		w->ranks[order[i]] = i;
	free(order);
	w->n = 0;
}

static void put_need(struct writer *w, const struct requirement *need)
{
	put_number(w, need->any);
	put_number(w, need->all);
	put_number(w, need->bounded);
	put_number(w, need->kind);
}

static void put_facts(struct writer *w, const struct learn_facts *facts)
{
	put_number(w, facts->n_rows);
	for (size_t i = 0; i < facts->n_rows; i++) {
		const struct learn_row *row = &facts->rows[i];

		put_need(w, &row->need);
		put_number(w, row->prefer);
		put_number(w, row->tag);
		put_number(w, row->names_files);
		put_why(w, &row->why);
	}
	put_number(w, facts->n_paths);
	for (size_t i = 0; i < facts->n_paths; i++) {
		const struct learn_path *path = &facts->paths[i];

		put_text(w, path->real);
		put_number(w, path->rights);
		put_number(w, (uint64_t)path->is_dir | (uint64_t)path->made << 1 |
				      (uint64_t)path->device << 2);
		for (size_t j = 0; j < ARRAY_SIZE(path->why); j++)
			put_why(w, &path->why[j]);
	}
	put_number(w, facts->n_moves);
	for (size_t i = 0; i < facts->n_moves; i++) {
		put_text(w, facts->moves[i].from);
		put_text(w, facts->moves[i].to);
	}
	put_number(w, facts->n_ports);
	for (size_t i = 0; i < facts->n_ports; i++) {
		put_number(w, facts->ports[i].port);
		put_number(w, facts->ports[i].access);
		put_why(w, &facts->ports[i].why);
	}
	put_number(w, facts->n_notes);
	for (size_t i = 0; i < facts->n_notes; i++)
		put_text(w, facts->notes[i].text);
	put_why(w, &facts->scope);
	put_number(w, facts->cut);
}

static void put_rows(struct writer *w, const struct record *r)
{
	size_t n = 0;

	for (size_t tag = 0; tag < table_rows_count; tag++)
		n += r->rows[tag].count != 0;
	put_number(w, n);
	for (size_t tag = 0; tag < table_rows_count; tag++) {
		const struct record_row *row = &r->rows[tag];

		if (!row->count)
			continue;
		put_number(w, tag);
		put_number(w, (uint64_t)row->nr);
		put_number(w, row->count);
		put_number(w, row->n_calls);
		for (size_t i = 0; i < row->n_calls; i++) {
			for (size_t j = 0; j < ARRAY_SIZE(row->calls[i].args); j++)
				put_number(w, row->calls[i].args[j]);
			put_number(w, row->calls[i].count);
			put_text(w, row->calls[i].text);
		}
	}
}

void record_end(struct record *r, const struct learn_facts *facts)
{
	int fd = dup(r->fd);
	struct writer w = {0};

	put_facts(&w, facts);
	rank_whys(&w);
	w.out = fd >= 0 && !w.failed ? fdopen(fd, "w") : NULL;
	if (w.out) {
		put_number(&w, MAGIC);
		put_rows(&w, r);
		put_facts(&w, facts);
		put_number(&w, MAGIC);
		(void)fclose(w.out); /* who reads misses the end */
	} else {
		close_fd(&fd); /* likewise */
	}
	free(w.whys);
	free(w.ranks);
}

/* ---- read back ---- */

struct cursor {
	const char *p, *end;
	bool failed; /* it ends too early */
};

static void get_bytes(struct cursor *c, void *ret, size_t size)
{
	if (c->failed || (size_t)(c->end - c->p) < size) {
		c->failed = true;
		memset(ret, 0, size);
		return;
	}
	memcpy(ret, c->p, size);
	c->p += size;
}

static uint64_t get_number(struct cursor *c)
{
	uint64_t value;

	get_bytes(c, &value, sizeof(value));
	return value;
}

/* Points into what was read. */
static const char *get_text(struct cursor *c)
{
	const char *text;
	uint32_t len;

	get_bytes(c, &len, sizeof(len));
	if (c->failed || len == NO_TEXT)
		return NULL;
	text = c->p;
	if ((size_t)(c->end - c->p) <= len || text[len]) {
		c->failed = true;
		return NULL;
	}
	c->p += (size_t)len + 1;
	return text;
}

static struct learn_why get_why(struct cursor *c)
{
	struct learn_why why = {.text = get_text(c)};

	why.seq = (unsigned)get_number(c); /* its rank among all */
	return why;
}

/* Room for as many as are said to follow, each of at least @least bytes. */
static void *get_array(struct cursor *c, struct arena *arena, size_t *ret_n, size_t elem,
		       size_t least)
{
	uint64_t n = get_number(c);
	void *items;

	if (n > (size_t)(c->end - c->p) / least)
		c->failed = true;
	if (c->failed)
		n = 0;
	items = arena_alloc(arena, (size_t)(n + 1) * elem);
	c->failed |= !items;
	*ret_n = items ? (size_t)n : 0;
	return items;
}

static void get_paths(struct cursor *c, struct learn_facts *facts)
{
	uint64_t n = get_number(c);

	for (uint64_t i = 0; i < n && !c->failed; i++) {
		const char *real = get_text(c);
		struct learn_path *path = real ? learn_path_at(facts, real) : NULL;
		uint64_t flags;

		if (!path) {
			c->failed = true;
			return;
		}
		path->rights = get_number(c);
		flags = get_number(c);
		path->is_dir = flags & 1;
		path->made = flags & 2;
		path->device = flags & 4;
		for (size_t j = 0; j < ARRAY_SIZE(path->why); j++)
			path->why[j] = get_why(c);
	}
}

static void get_facts(struct cursor *c, struct learn_facts *facts)
{
	struct arena *arena = &facts->arena;

	facts->rows = get_array(c, arena, &facts->n_rows, sizeof(*facts->rows), 64);
	for (size_t i = 0; i < facts->n_rows; i++) {
		struct learn_row *row = &facts->rows[i];

		row->need.any = get_number(c);
		row->need.all = get_number(c);
		row->need.bounded = get_number(c);
		row->need.kind = get_number(c);
		row->prefer = get_number(c);
		row->tag = (uint16_t)get_number(c);
		row->names_files = get_number(c);
		row->why = get_why(c);
	}
	get_paths(c, facts);
	facts->moves = get_array(c, arena, &facts->n_moves, sizeof(*facts->moves), 8);
	for (size_t i = 0; i < facts->n_moves; i++) {
		facts->moves[i].from = get_text(c);
		facts->moves[i].to = get_text(c);
		c->failed |= !facts->moves[i].from || !facts->moves[i].to;
	}
	facts->ports = get_array(c, arena, &facts->n_ports, sizeof(*facts->ports), 28);
	for (size_t i = 0; i < facts->n_ports; i++) {
		facts->ports[i].port = (uint16_t)get_number(c);
		facts->ports[i].access = (uint8_t)get_number(c);
		facts->ports[i].why = get_why(c);
	}
	facts->notes = get_array(c, arena, &facts->n_notes, sizeof(*facts->notes), 4);
	for (size_t i = 0; i < facts->n_notes; i++) {
		facts->notes[i].text = get_text(c);
		c->failed |= !facts->notes[i].text;
	}
	facts->scope = get_why(c);
	facts->cut |= get_number(c) != 0;
}

static void get_rows(struct cursor *c, struct record_run *run)
{
	run->rows = get_array(c, &run->arena, &run->n_rows, sizeof(*run->rows), 32);
	for (size_t i = 0; i < run->n_rows; i++) {
		struct record_row *row = &run->rows[i];

		row->tag = (uint16_t)get_number(c);
		row->nr = (int)get_number(c);
		row->count = get_number(c);
		row->calls = get_array(c, &run->arena, &row->n_calls, sizeof(*row->calls), 56);
		row->cap_calls = row->n_calls;
		for (size_t j = 0; j < row->n_calls; j++) {
			get_bytes(c, row->calls[j].args, sizeof(row->calls[j].args));
			row->calls[j].count = get_number(c);
			row->calls[j].text = get_text(c);
			c->failed |= !row->calls[j].text;
		}
		c->failed |= row->tag >= table_rows_count;
	}
}

static char *read_all(int fd, struct arena *arena, size_t *ret_size)
{
	struct stat st;
	size_t used = 0, size;
	char *bytes;

	if (fstat(fd, &st) < 0 || st.st_size <= 0 || (uint64_t)st.st_size > RECORD_BYTES)
		return NULL;
	size = (size_t)st.st_size;
	bytes = arena_alloc(arena, size);
	while (bytes && used < size) {
		ssize_t n = pread(fd, bytes + used, size - used, (off_t)used);

		if (n <= 0)
			return NULL;
		used += (size_t)n;
	}
	*ret_size = size;
	return bytes;
}

int record_read(int fd, struct record_run *ret, struct sbx_err *err)
{
	struct record_run run = {0};
	struct cursor c = {0};
	size_t size;
	const char *bytes = read_all(fd, &run.arena, &size);

	if (bytes)
		c = (struct cursor){.p = bytes, .end = bytes + size};
	c.failed = !bytes || get_number(&c) != MAGIC;
	if (!c.failed) {
		get_rows(&c, &run);
		get_facts(&c, &run.facts);
		c.failed |= get_number(&c) != MAGIC;
	}
	if (c.failed) {
		record_run_done(&run);
		return err_set(err, -ENODATA, "nothing was recorded");
	}
	*ret = run;
	return 0;
}

void record_run_done(struct record_run *run)
{
	arena_done(&run->facts.arena);
	arena_done(&run->arena);
}
