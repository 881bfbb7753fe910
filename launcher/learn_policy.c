/* SPDX-License-Identifier: MIT */
/* The smallest set of promises under which nothing that was seen is refused, and the paths that
 * promises do not imply. By the table and the rules of the filter that enforces. */
#include <stdlib.h>
#include <string.h>

#include "../shim/missing.h"
#include "../shim/narrower.h"
#include "../shim/path.h"
#include "explain_parts.h"
#include "learn_parts.h"

#define PASSES 3 /* promises imply paths, paths want promises; it settles in two */

/* Promises that stand for files which say what they are about. */
#define NAMES_FILES (P(GETPW) | P(TTY) | P(VMINFO) | P(AUDIO) | P(VIDEO) | P(DRM))

void learn_plan_done(struct learn_plan *plan)
{
	arena_done(&plan->arena);
}

static void add_old_lines(struct learn_plan *plan)
{
	const struct policy *base = plan->base;

	for (size_t i = 0; base && i < base->n_unveils; i++) {
		const struct unveil_line *line = &base->unveils[i];
		bool own = base->n_files && strcmp(line->from.file, base->name) == 0;
		char real[PATH_MAX];

		if (path_real(line->path, real) == 0)
			learn_add_old_line(plan, real, line->perms, own ? line->from.line : 0);
	}
}

/* What the lines that are there already grant, given the promises. */
static uint64_t by_old_lines(const struct learn_plan *plan, const char *real)
{
	uint64_t access = 0;

	for (size_t i = 0; i < plan->n_lines; i++)
		if (plan->lines[i].old && path_covers(plan->lines[i].real, real))
			access |= landlock_access(plan->lines[i].old_perms, ~UINT64_C(0));
	return access;
}

static bool is_temporary(const struct learn_plan *plan, const char *real)
{
	char text[PATH_MAX], dir[PATH_MAX];
	struct sbx_err err;

	if (strcmp(real, "/tmp") == 0)
		return true;
	return policy_expand_buf("${TMPDIR}", plan->env, text, &err) == 0 &&
	       path_real(text, dir) == 0 && strcmp(dir, real) == 0;
}

/* The promises that may be given for the sake of a path. Not those that would bring more than
 * files, unless something else spoke for them. */
static uint64_t candidates(const struct learn_plan *plan, const struct learn_path *path)
{
	const uint64_t changing = ~(uint64_t)(FS_READ_FILE | FS_READ_DIR | FS_EXECUTE);
	uint64_t set = NAMES_FILES;

	if (plan->promises & (P(INET) | P(DNS)))
		set |= P(DNS);
	if (plan->promises & P(INET))
		set |= P(INET);
	if (strcmp(path->real, "/proc") == 0)
		set |= P(PS);
	if ((path->rights & changing) && is_temporary(plan, path->real))
		set |= P(TMPPATH);
	return set;
}

/* /etc/nsswitch.conf belongs to both: who may use the network means dns. */
static uint64_t pick(uint64_t set, uint64_t promises)
{
	if (set & promises)
		return 0;
	if (!(set & (set - 1)))
		return set;
	if ((set & P(DNS)) && (promises & P(INET)))
		return P(DNS);
	return set & -set;
}

static void decide_path(struct learn_plan *plan, struct learn_path *path)
{
	uint64_t rights, named = 0, set = candidates(plan, path);
	uint8_t letters;

	path->needed = 0;
	path->by_line = false;
	rights = path->rights & ~implied_granted(&plan->implied, path->real, plan->promises);
	if (!rights)
		return;
	if (!(rights & ~by_old_lines(plan, path->real))) {
		path->by_line = true;
		path->needed = explain_promises(explain_letters(rights), rights);
		plan->promises |= path->needed;
		return;
	}
	for (int id = 0; id < PROMISE_COUNT; id++) {
		uint64_t promise = UINT64_C(1) << id;

		if ((set & promise) && !(path->rights & ~implied_granted(&plan->implied, path->real,
									 plan->promises | promise)))
			named |= promise;
	}
	if (named) {
		plan->promises |= pick(named, plan->promises);
		return;
	}
	letters = explain_letters(rights);
	path->by_line = true;
	path->needed = explain_promises(letters, rights);
	plan->promises |= path->needed;
}

/* What would do where several promises would: what the call suggests, else reading. */
static uint64_t preferred(const struct learn_plan *plan, const struct learn_row *row)
{
	if (row->need.bounded & plan->promises & P(TMPPATH))
		return P(TMPPATH);
	return row->prefer ? row->prefer : row->need.all ? row->need.all : P(RPATH);
}

enum stage { STAGE_SINGLE, STAGE_RESOLVER, STAGE_OTHERS, STAGE_FILES };

/* What has no alternative comes first, so that the rest may be satisfied by it; what asks about
 * files last. */
static enum stage stage_of(const struct learn_plan *plan, const struct learn_row *row)
{
	uint64_t ways = row->need.any | (plan->bounded ? row->need.bounded : 0);

	if (__builtin_popcountll(ways) + (row->need.all != 0) == 1)
		return STAGE_SINGLE;
	if (row->names_files || (ways & P(RPATH)))
		return STAGE_FILES;
	return row->prefer & P(DNS) ? STAGE_RESOLVER : STAGE_OTHERS;
}

static void decide_rows(struct learn_plan *plan, const struct learn_facts *facts, enum stage from,
			enum stage to)
{
	for (int stage = (int)from; stage <= (int)to; stage++) {
		for (size_t i = 0; i < facts->n_rows; i++) {
			const struct learn_row *row = &facts->rows[i];

			if ((int)stage_of(plan, row) == stage)
				plan->promises |=
					missing_promises(&row->need, plan->promises, plan->bounded,
							 preferred(plan, row));
		}
	}
}

static bool path_lacks(const struct learn_plan *plan, const struct learn_path *path,
		       uint64_t promise)
{
	if (path->by_line)
		return path->needed & promise;
	return path->rights &
	       ~implied_granted(&plan->implied, path->real, plan->promises & ~promise);
}

/* The letters that a promise is about. */
static uint8_t letters_of(uint64_t promise)
{
	uint8_t letters = 0;

	for (unsigned bit = 0; bit < 4; bit++)
		if (landlock_access((uint8_t)(1U << bit), ~UINT64_C(0)) &
		    ~landlock_access((uint8_t)(1U << bit), ~promise))
			letters |= (uint8_t)(1U << bit);
	return letters ? letters : PERM_R | PERM_W | PERM_X | PERM_C;
}

/* The first call that would be refused without @promise. False: none would be. */
static bool find_why(struct learn_plan *plan, const struct learn_facts *facts, int id)
{
	uint64_t promise = UINT64_C(1) << id;
	struct learn_why *why = &plan->why[id];
	uint8_t letters = letters_of(promise);
	const struct learn_path *other_process;
	bool found = false;

	for (size_t i = 0; i < facts->n_rows; i++) {
		const struct learn_row *row = &facts->rows[i];

		if (requirement_met(&row->need, plan->promises & ~promise, plan->bounded))
			continue;
		found = true;
		if (learn_why_before(&row->why, why))
			*why = row->why;
	}
	/* What a path wants says most about these; of others, the files that they imply least. */
	if (found && !(promise & (P(RPATH) | P(WPATH) | P(CPATH))))
		return true;
	other_process = promise == P(PS) ? learn_path_find(facts, "/proc") : NULL;
	if (other_process && !path_lacks(plan, other_process, promise))
		other_process = NULL;
	for (size_t i = 0; i < facts->n_paths; i++) {
		const struct learn_path *path = &facts->paths[i];

		/* It was given for other processes; that it has more of /proc came with it. */
		if (!path_lacks(plan, path, promise) || (other_process && path != other_process))
			continue;
		found = true;
		for (size_t j = 0; j < ARRAY_SIZE(path->why); j++)
			if ((letters & 1U << j) && path->why[j].text &&
			    learn_why_before(&path->why[j], why))
				*why = path->why[j];
	}
	return found;
}

static void prune(struct learn_plan *plan, const struct learn_facts *facts, uint64_t keep)
{
	for (int id = PROMISE_COUNT - 1; id >= 0; id--) {
		uint64_t promise = UINT64_C(1) << id;

		if ((plan->promises & promise & ~keep) && !find_why(plan, facts, id))
			plan->promises &= ~promise;
	}
	/* Once more: what stood for others is gone. */
	memset(plan->why, 0, sizeof(plan->why));
	for (int id = 0; id < PROMISE_COUNT; id++)
		if (plan->promises & ~keep & UINT64_C(1) << id)
			(void)find_why(plan, facts, id);
}

static void add_lines(struct learn_plan *plan, const struct learn_facts *facts)
{
	static const uint8_t strongest[] = {3, 1, 2, 0}; /* c w x r, as bits of enum perm */

	for (size_t i = 0; i < facts->n_paths; i++) {
		const struct learn_path *path = &facts->paths[i];
		const struct learn_why *why = &path->why[0];
		uint64_t rights;

		if (!path->by_line)
			continue;
		rights =
			path->rights & ~implied_granted(&plan->implied, path->real, plan->promises);
		if (!(rights & ~by_old_lines(plan, path->real)))
			continue;
		for (size_t j = 0; j < ARRAY_SIZE(strongest); j++) {
			if (path->why[strongest[j]].text) {
				why = &path->why[strongest[j]];
				break;
			}
		}
		learn_add_line(plan, path->real, explain_letters(rights), path->is_dir, why);
	}
}

static int by_port(const void *a, const void *b)
{
	const struct learn_port *x = a, *y = b;

	return (int)x->port - (int)y->port;
}

void learn_decide(struct learn_plan *plan, struct learn_facts *facts)
{
	uint64_t keep = P(STDIO) | (plan->base ? plan->base->promises : 0);

	if (facts->n_ports)
		qsort(facts->ports, facts->n_ports, sizeof(*facts->ports), by_port);
	plan->facts = facts;
	plan->promises = keep;
	if (implied_init(&plan->implied, &plan->arena, plan->env) < 0)
		return;
	add_old_lines(plan);
	decide_rows(plan, facts, STAGE_SINGLE, STAGE_OTHERS);
	for (int pass = 0; pass < PASSES; pass++) {
		for (size_t i = 0; i < facts->n_paths; i++)
			decide_path(plan, &facts->paths[i]);
		decide_rows(plan, facts, STAGE_SINGLE, STAGE_FILES);
	}
	prune(plan, facts, keep);
	add_lines(plan, facts);
	learn_arrange(plan);
}
