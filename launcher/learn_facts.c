/* SPDX-License-Identifier: MIT */
/* What is remembered of paths, and how a call is written so that it is the same the next time. */
#include <stdio.h>
#include <string.h>

#include "../shim/line.h"
#include "hash.h"
#include "learn_parts.h"

#define PATHS_MAX     200000 /* distinct ones that are remembered */
#define MASKED_MAX    65536  /* names that programs make up */
#define PROCESSES_MAX 65536

static size_t hash_text(const char *text)
{
	uint64_t hash = hash_bytes(text, strlen(text));

	return (size_t)(hash ^ hash >> 32);
}

/* ---- paths ---- */

struct learn_path *learn_path_find(const struct learn_facts *facts, const char *real)
{
	size_t i;

	if (!facts->n_slots)
		return NULL;
	for (i = hash_text(real) & (facts->n_slots - 1); facts->slots[i];
	     i = (i + 1) & (facts->n_slots - 1))
		if (strcmp(facts->paths[facts->slots[i] - 1].real, real) == 0)
			return &facts->paths[facts->slots[i] - 1];
	return NULL;
}

static void put_slot(struct learn_facts *facts, size_t index)
{
	size_t i = hash_text(facts->paths[index].real) & (facts->n_slots - 1);

	while (facts->slots[i])
		i = (i + 1) & (facts->n_slots - 1);
	facts->slots[i] = (uint32_t)index + 1;
}

static bool grow_slots(struct learn_facts *facts)
{
	size_t want = facts->n_slots ? 2 * facts->n_slots : 1024;
	uint32_t *slots;

	if (2 * (facts->n_paths + 1) < facts->n_slots)
		return true;
	slots = arena_alloc(&facts->arena, want * sizeof(*slots));
	if (!slots)
		return false;
	facts->slots = slots;
	facts->n_slots = want;
	for (size_t i = 0; i < facts->n_paths; i++)
		put_slot(facts, i);
	return true;
}

struct learn_path *learn_path_at(struct learn_facts *facts, const char *real)
{
	struct learn_path *path = learn_path_find(facts, real);
	char *copy;

	if (path)
		return path;
	copy = facts->n_paths < PATHS_MAX && grow_slots(facts) ? arena_strdup(&facts->arena, real)
							       : NULL;
	if (!copy || arena_grow(&facts->arena, (void **)&facts->paths, &facts->cap_paths,
				facts->n_paths, sizeof(*facts->paths)) < 0) {
		facts->cut = true;
		return NULL;
	}
	facts->paths[facts->n_paths] = (struct learn_path){.real = copy};
	put_slot(facts, facts->n_paths);
	return &facts->paths[facts->n_paths++];
}

/* ---- processes ---- */

static const struct learn_process **process_slot(const struct learn_facts *facts, pid_t tgid)
{
	size_t i = hash_bytes((const char *)&tgid, sizeof(tgid)) & (facts->n_process_slots - 1);

	while (facts->processes[i] && facts->processes[i]->tgid != tgid)
		i = (i + 1) & (facts->n_process_slots - 1);
	return &facts->processes[i];
}

static bool grow_process_slots(struct learn_facts *facts)
{
	const struct learn_process **old = facts->processes;
	size_t n_old = facts->n_process_slots, want = n_old ? 2 * n_old : 64;

	if (2 * (facts->n_processes + 1) < n_old)
		return true;
	facts->processes = arena_alloc(&facts->arena, want * sizeof(const void *));
	if (!facts->processes) {
		facts->processes = old;
		return false;
	}
	facts->n_process_slots = want;
	for (size_t i = 0; i < n_old; i++)
		if (old[i])
			*process_slot(facts, old[i]->tgid) = old[i];
	return true;
}

const struct learn_process *learn_process_at(struct learn_facts *facts, pid_t tgid)
{
	const struct learn_process *parent = NULL, **slot;
	struct learn_process *process;
	pid_t ppid;

	if (facts->n_process_slots && *process_slot(facts, tgid))
		return *process_slot(facts, tgid);
	if (facts->n_processes == PROCESSES_MAX || !grow_process_slots(facts))
		return NULL;
	ppid = target_parent(tgid);
	if (ppid > 0)
		parent = *process_slot(facts, ppid);
	process = arena_alloc(&facts->arena, sizeof(*process));
	if (!process)
		return NULL;
	*process = (struct learn_process){
		.tgid = tgid, .parent = parent, .depth = parent ? parent->depth + 1 : 0};
	slot = process_slot(facts, tgid);
	*slot = process;
	facts->n_processes++;
	return process;
}

/* Is @a before @b, in the order in which one process after the other would run with all that it
 * starts? */
static bool process_before(const struct learn_process *a, const struct learn_process *b)
{
	unsigned depth_a = a ? a->depth : 0, depth_b = b ? b->depth : 0;

	while (a && a->depth > depth_b)
		a = a->parent;
	while (b && b->depth > depth_a)
		b = b->parent;
	if (a == b)
		return depth_a < depth_b;
	while (a && b && a->parent != b->parent) {
		a = a->parent;
		b = b->parent;
	}
	return a && b ? a->tgid < b->tgid : !a;
}

bool learn_why_before(const struct learn_why *a, const struct learn_why *b)
{
	if (!b->text || !a->text)
		return !b->text;
	if (a->process != b->process)
		return process_before(a->process, b->process);
	return a->tid < b->tid || (a->tid == b->tid && a->seq < b->seq);
}

/* ---- names that another run would not have ---- */

static const char **masked_slot(const struct learn_facts *facts, const char *name)
{
	size_t i = hash_text(name) & (2 * MASKED_MAX - 1);

	while (facts->masked[i] && strcmp(facts->masked[i], name) != 0)
		i = (i + 1) & (2 * MASKED_MAX - 1);
	return &facts->masked[i];
}

void learn_mask(struct learn_facts *facts, const char *name)
{
	const char **slot;

	if (!facts->masked)
		facts->masked = arena_alloc(&facts->arena, 2 * MASKED_MAX * sizeof(*facts->masked));
	if (!facts->masked || facts->n_masked == MASKED_MAX || !name[0])
		return;
	slot = masked_slot(facts, name);
	if (*slot)
		return;
	*slot = arena_strdup(&facts->arena, name);
	facts->n_masked += *slot != NULL;
}

static bool is_masked(const struct learn_facts *facts, const char *name, size_t len)
{
	char copy[NAME_MAX + 1];

	if (!facts->masked || !len || len >= sizeof(copy))
		return false;
	memcpy(copy, name, len);
	copy[len] = '\0';
	return *masked_slot(facts, copy) != NULL;
}

/* Does the name hold the number of the process, as it is or with zeros in front? */
static bool holds_number(const char *name, size_t len, pid_t pid)
{
	char digits[16];
	size_t n = (size_t)snprintf(digits, sizeof(digits), "%d", (int)pid);

	for (size_t i = 0, run; i < len; i += run ? run : 1) {
		size_t zeros;

		run = strspn(name + i, "0123456789");
		zeros = strspn(name + i, "0");
		if (run >= 3 && i + run <= len && run == zeros + n &&
		    strncmp(name + i + zeros, digits, n) == 0)
			return true;
	}
	return false;
}

static bool is_number(const char *name, size_t len)
{
	return len && strspn(name, "0123456789") >= len;
}

/* A number that is an argument, and that of the process. */
static bool is_own_number(const struct target *target, char before, const char *p, size_t digits)
{
	return strchr(" (", before) && strchr(",)", p[digits]) &&
	       (holds_number(p, digits, target->tgid) || holds_number(p, digits, target->tid));
}

/* What stands at @p outside of quotes, behind @before. Returns how much of it was dealt with. */
static size_t put_unquoted(struct line *line, const struct target *target, char before,
			   const char *p)
{
	size_t hex = strncmp(p, "0x", 2) == 0 ? 2 + strspn(p + 2, "0123456789abcdef") : 0;
	size_t digits = strspn(p, "0123456789"), len = hex ? hex : digits ? digits : 1;

	if (hex > 10)
		line_text(line, "ADDRESS");
	else if (digits && !hex && is_own_number(target, before, p, digits))
		line_text(line, "PID");
	else
		for (size_t i = 0; i < len; i++)
			line_char(line, p[i]);
	return len;
}

void learn_make_steady(const struct learn_facts *facts, const struct target *target,
		       const char *call, char ret[LEARN_CALL_MAX])
{
	struct line line;
	bool quoted = false;

	line_init(&line, ret, LEARN_CALL_MAX);
	for (const char *p = call; *p;) {
		size_t len;

		if (*p == '"' || (quoted && *p == '/')) {
			if (*p == '"')
				quoted = !quoted;
			line_char(&line, *p++);
			continue;
		}
		if (!quoted) {
			p += put_unquoted(&line, target, p > call ? p[-1] : ' ', p);
			continue;
		}
		len = strcspn(p, "/\"");
		if (!is_masked(facts, p, len) && is_number(p, len) && p - call > 6 &&
		    strncmp(p - 6, "/proc/", 6) == 0)
			line_text(&line, "PID");
		else if (is_masked(facts, p, len) || holds_number(p, len, target->tgid) ||
			 holds_number(p, len, target->tid))
			line_text(&line, "*");
		else
			for (size_t i = 0; i < len; i++)
				line_char(&line, p[i]);
		p += len;
	}
	(void)line_end(&line);
}
