/* SPDX-License-Identifier: MIT */
/* The file of --audit: a line for each thing that a policy permits, "USED RUNS WHAT". What has gone
 * from the policy goes from the file, what is new in it begins with no runs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "../shim/path.h"
#include "audit_parts.h"
#include "replace.h"

#define HEAD	 "; sbx-preload --audit: in how many runs it was used, of how many, and what it is\n"
#define FILE_MAX (16 * 1024 * 1024) /* more than the largest policy makes */
#define RUNS_MAX 1000000000
#define LOCK_MS	 500

struct list {
	struct audit_item *items;
	size_t n, cap, next; /* where the next one is likely to be found */
};

/* ---- reading ---- */

static int parse_line(struct arena *arena, char *line, struct list *list)
{
	struct audit_item item = {0};
	unsigned long used, runs;
	char *end;

	used = strtoul(line, &end, 10);
	if (end == line || *end != ' ')
		return -EINVAL;
	line = end + 1;
	runs = strtoul(line, &end, 10);
	if (end == line || *end != ' ' || !end[1] || used > runs || runs > RUNS_MAX)
		return -EINVAL;
	item.used = (unsigned)used;
	item.runs = (unsigned)runs;
	item.key = arena_strdup(arena, end + 1);
	if (!item.key ||
	    arena_grow(arena, (void **)&list->items, &list->cap, list->n, sizeof(item)) < 0)
		return -ENOMEM;
	list->items[list->n++] = item;
	return 0;
}

static int parse(struct arena *arena, const char *file, char *text, struct list *list,
		 struct sbx_err *err)
{
	unsigned number = 0;
	int r;

	if (!*text)
		return 0; /* as mktemp(1) makes it */
	if (memcmp(text, HEAD, strnlen(text, strlen(HEAD))) != 0)
		return err_at(err, -EINVAL, file, 1, "this is no file of --audit");
	for (char *line = text; *line;) {
		char *next = strchrnul(line, '\n');

		number++;
		if (*next)
			*next++ = '\0';
		r = *line == ';' ? 0 : parse_line(arena, line, list);
		if (r < 0)
			return err_at(err, r, file, number,
				      r == -ENOMEM ? "out of memory"
						   : "no \"USED RUNS WHAT\" of --audit");
		line = next;
	}
	return 0;
}

static int read_file(const struct audit_count *count, struct arena *arena, struct list *list,
		     struct sbx_err *err)
{
	int fd cleanup_fd = openat(count->dir, path_base(count->file),
				   O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	char *text;
	ssize_t n = 0;
	off_t used = 0;
	int r;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_at(err, -errno, count->file, 0, "cannot be read: %m");
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		return err_at(err, -EINVAL, count->file, 0, "this is no file of --audit");
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return err_set(err, -ENOMEM, "out of memory");
	while (used < st.st_size && (n = read(fd, text + used, (size_t)(st.st_size - used))) > 0)
		used += n;
	text[used] = '\0';
	r = n < 0 ? err_at(err, -errno, count->file, 0, "cannot be read: %m")
		  : parse(arena, count->file, text, list, err);
	free(text);
	return r;
}

int audit_count_open(struct audit_count *ret, const char *file, struct sbx_err *err)
{
	struct arena arena = {0};
	struct list list = {0};
	int r;

	*ret = (struct audit_count){.file = file, .dir = -1};
	if (!file)
		return 0;
	r = replace_open("--audit", file, &ret->dir, err);
	if (r == 0)
		r = read_file(ret, &arena, &list, err);
	arena_done(&arena);
	return r;
}

void audit_count_done(struct audit_count *count)
{
	close_fd(&count->dir);
	arena_done(&count->arena);
}

/* ---- this run ---- */

static struct audit_item *find(struct list *list, const char *key)
{
	for (size_t i = 0; i < list->n; i++) {
		size_t at = (list->next + i) % list->n;

		if (strcmp(list->items[at].key, key) == 0) {
			list->next = at + 1;
			return &list->items[at];
		}
	}
	return NULL;
}

static char *key_of_letter(struct arena *arena, const struct unveil_line *line, unsigned bit)
{
	char letter[5];

	perm_format((uint8_t)(1U << bit), letter);
	return arena_printf(arena, "unveil %s %s", letter, line->written);
}

static const char *key_of_access(uint8_t access)
{
	return access == PORT_BIND ? "bind_tcp" : "connect_tcp";
}

/* Add an item of the policy: @key, arena memory. */
static int add_item(struct audit_count *count, struct list *now, char *key, bool used)
{
	if (!key || arena_grow(&count->arena, (void **)&now->items, &now->cap, now->n,
			       sizeof(*now->items)) < 0)
		return -ENOMEM;
	now->items[now->n++] = (struct audit_item){.key = key, .now = used};
	return 0;
}

/* Everything that could be taken out of the policy, in the order in which it is told. */
static int list_items(struct audit_count *count, const struct policy *policy,
		      const struct audit_used *used, struct list *now)
{
	struct arena *arena = &count->arena;
	int r = 0;

	for (int id = 0; r == 0 && id < PROMISE_COUNT; id++) {
		uint64_t promise = UINT64_C(1) << id;

		if (policy->promises & promise & ~AUDIT_NEVER_TOLD)
			r = add_item(count, now,
				     arena_printf(arena, "promise %s", promise_table[id].name),
				     used->promises & promise);
	}
	for (size_t i = 0; r == 0 && policy->unveil && i < policy->n_unveils; i++)
		for (unsigned bit = 0; r == 0 && bit < 4; bit++)
			if (policy->unveils[i].perms & 1U << bit)
				r = add_item(count, now,
					     key_of_letter(arena, &policy->unveils[i], bit),
					     used->letters[i] & 1U << bit);
	for (size_t i = 0; r == 0 && i < policy->n_ports; i++)
		r = add_item(count, now,
			     arena_printf(arena, "%s %u", key_of_access(policy->ports[i].access),
					  policy->ports[i].port),
			     used->ports[i]);
	if (r == 0 && policy->scope_open)
		r = add_item(count, now, arena_strdup(arena, "scope open"), used->scope);
	return r;
}

/* The runs before this one. @old: what is in the file; @earlier: what this run has put there
 * already, since its program ended before its descendants did. */
static void add_up(struct list *now, struct list *old, const struct audit_count *earlier)
{
	for (size_t i = 0; i < now->n; i++) {
		struct audit_item *item = &now->items[i];
		const struct audit_item *before = find(old, item->key);
		bool counted = earlier->counted && i < earlier->n_items;

		item->runs = before ? before->runs : 0;
		item->used = before ? before->used : 0;
		if (counted && !before) { /* no file, or somebody removed it */
			item->runs = earlier->items[i].runs;
			item->used = earlier->items[i].used;
		}
		item->runs += !counted && item->runs < RUNS_MAX;
		item->used +=
			item->now && !(counted && earlier->items[i].now) && item->used < item->runs;
		item->now |= counted && earlier->items[i].now;
	}
}

static void write_file(const struct audit_count *count, const struct list *now)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int r = -ENOMEM;

	if (out) {
		(void)fputs(HEAD, out);
		for (size_t i = 0; i < now->n; i++)
			(void)fprintf(out, "%u %u %s\n", now->items[i].used, now->items[i].runs,
				      now->items[i].key);
		if (fclose(out) == 0)
			r = replace_write(count->dir, count->file, text, 0644);
	}
	free(text);
	if (r < 0)
		(void)dprintf(STDERR_FILENO, "sbx-preload: cannot write %s: %s\n", count->file,
			      strerror(-r));
}

/* Of runs at the same time none is lost. The program may lock the directory, too: then so be it. */
static int lock_dir(const struct audit_count *count)
{
	const struct timespec wait = {.tv_nsec = 10 * 1000000L};
	int fd = openat(count->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int ms = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && ms < LOCK_MS; ms += 10)
		(void)nanosleep(&wait, NULL);
	return fd;
}

static void add_run(struct audit_count *count, const struct policy *policy,
		    const struct audit_used *used)
{
	struct list now = {0}, old = {0};
	struct sbx_err err = {0};

	if (count->file && read_file(count, &count->arena, &old, &err) < 0) {
		char text[sizeof(err.file) + sizeof(err.msg) + 32];

		(void)err_format(&err, text, sizeof(text));
		(void)dprintf(STDERR_FILENO, "sbx-preload: cannot count this run: %s\n", text);
		return;
	}
	if (list_items(count, policy, used, &now) < 0) {
		(void)dprintf(STDERR_FILENO, "sbx-preload: out of memory: nothing was audited\n");
		return;
	}
	add_up(&now, &old, count);
	if (count->file)
		write_file(count, &now);
	count->items = now.items;
	count->n_items = now.n;
	count->counted = true;
}

void audit_count_run(struct audit_count *count, const struct policy *policy,
		     const struct audit_used *used)
{
	int lock = count->file ? lock_dir(count) : -1;

	add_run(count, policy, used);
	close_fd(&lock);
}

/* ---- telling ---- */

/* "not used in 12 runs (FILE:4)" */
static void say(const struct audit_count *count, const char *what, unsigned runs,
		const struct origin *from)
{
	char in[32] = "in this run", where[32] = "";

	if (count->file)
		(void)snprintf(in, sizeof(in), "in %u run%s", runs, runs == 1 ? "" : "s");
	if (from->line)
		(void)snprintf(where, sizeof(where), ":%u", from->line);
	(void)dprintf(STDERR_FILENO, "sbx-preload: %s not used %s (%s%s)\n", what, in, from->file,
		      where);
}

static bool tell_promises(const struct audit_count *count, const struct policy *policy, size_t *at)
{
	bool told = false;

	for (int id = 0; id < PROMISE_COUNT; id++) {
		const struct audit_item *item = &count->items[*at];
		char what[64];

		if (!(policy->promises & UINT64_C(1) << id & ~AUDIT_NEVER_TOLD))
			continue;
		++*at;
		if (item->used)
			continue;
		(void)snprintf(what, sizeof(what), "promise \"%.12s\":", promise_table[id].name);
		say(count, what, item->runs, &policy->promises_from);
		told = true;
	}
	return told;
}

/* "rw = /var/cache/x:", or of some letters: "rw = /var/cache/x: \"w\"" */
static bool tell_line(const struct audit_count *count, const struct unveil_line *line, size_t *at)
{
	unsigned runs = 0;
	uint8_t unused = 0;
	char letters[5], missing[5], *what;

	for (unsigned bit = 0; bit < 4; bit++) {
		const struct audit_item *item = &count->items[*at];

		if (!(line->perms & 1U << bit))
			continue;
		++*at;
		if (item->used)
			continue;
		unused |= (uint8_t)(1U << bit);
		runs = item->runs;
	}
	if (!unused)
		return false;
	perm_format(line->perms, letters);
	perm_format(unused, missing);
	if (asprintf(&what, "%s%s = %s:%s%s%s", letters, line->optional ? "?" : "", line->written,
		     unused == line->perms ? "" : " \"", unused == line->perms ? "" : missing,
		     unused == line->perms ? "" : "\"") < 0)
		return true;
	say(count, what, runs, &line->from);
	free(what);
	return true;
}

void audit_count_tell(const struct audit_count *count, const struct policy *policy)
{
	size_t at = 0;
	bool told;
	char what[64];

	if (!count->counted)
		return; /* and why was said */
	told = tell_promises(count, policy, &at);
	for (size_t i = 0; policy->unveil && i < policy->n_unveils; i++)
		told |= tell_line(count, &policy->unveils[i], &at);
	for (size_t i = 0; i < policy->n_ports; i++) {
		const struct audit_item *item = &count->items[at++];

		if (item->used)
			continue;
		(void)snprintf(what, sizeof(what),
			       "%s = %u:", key_of_access(policy->ports[i].access),
			       policy->ports[i].port);
		say(count, what, item->runs, &policy->ports[i].from);
		told = true;
	}
	if (policy->scope_open && !count->items[at].used) {
		const struct origin from = {.file = policy->name};

		say(count, "scope = open:", count->items[at].runs, &from);
		told = true;
	}
	if (!told)
		(void)dprintf(STDERR_FILENO,
			      "sbx-preload: all that the policy permits was used "
			      "(%s)\n",
			      policy->name);
}
