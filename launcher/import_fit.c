/* SPDX-License-Identifier: MIT */
/* Every call's rows beside what the profile permits of the call. Paths are left aside: what a
 * promise permits only where Landlock restricts the path does not count as permitted. */
#include "import_fit.h"

#include <errno.h>
#include <string.h>

#include "../shim/rule_parts.h"

/* Stand-ins for actions. */
#define REFUSED	  0u
#define PERMITTED 1u

static bool is_same_call(const struct row *a, const struct row *b)
{
	return strcmp(a->name, b->name) == 0;
}

/* ---- what a call's rows say ---- */

/* The shapes of all rows; which row is the action, counted from 1. */
static int add_rows(struct fit_call *call, struct arena *arena, const struct row *first)
{
	struct clauses rows = {.arena = arena}, split = {.arena = arena};
	struct shape shape;
	int r = 0;

	for (size_t i = 0; i < call->n_rows && r == 0; i++) {
		call->rows[i] = (struct fit_row){
			.row = &first[i], .shapes = {.arena = arena}, .excess = {.arena = arena}};
		call->rows[i].itself = !shape_of_row(&first[i], &shape);
		if (!call->rows[i].itself)
			r = clauses_add(&rows, &shape, (uint32_t)i + 1);
	}
	if (r == 0)
		r = clauses_split(&rows, 0, &split);
	for (size_t i = 0; i < split.n && r == 0; i++)
		r = clauses_add(&call->rows[split.v[i].action - 1].shapes, &split.v[i].shape, 0);
	return r;
}

/* What is left of @from without all of @what; at most @max, then -E2BIG. */
static int subtract_all(const struct shape *from, const struct clauses *what, size_t max,
			struct clauses *ret)
{
	struct arena arena = {0};
	struct clauses now = {.arena = &arena}, next;
	struct shape both;
	bool any = false;
	int r = 0;

	for (size_t i = 0; i < what->n; i++) {
		if (shape_covers(&what->v[i].shape, from))
			return 0;
		any |= shape_meet(&what->v[i].shape, from, &both);
	}
	if (!any)
		return clauses_add(ret, from, 0);
	r = clauses_add(&now, from, 0);
	for (size_t i = 0; i < what->n && r == 0; i++) {
		next = (struct clauses){.arena = &arena};
		for (size_t k = 0; k < now.n && r == 0; k++)
			r = shape_subtract(&now.v[k].shape, &what->v[i].shape, 0, &next);
		now = next;
		if (now.n > max)
			r = -E2BIG;
	}
	for (size_t k = 0; k < now.n && r == 0; k++)
		r = clauses_add(ret, &now.v[k].shape, 0);
	arena_done(&arena);
	return r;
}

static bool meets(const struct clauses *a, const struct clauses *b)
{
	struct shape both;

	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < b->n; k++)
			if (shape_meet(&a->v[i].shape, &b->v[k].shape, &both))
				return true;
	return false;
}

/* ---- what the profile says of a call ---- */

struct verdict {
	struct clauses permitted; /* shapes that exclude each other */
	size_t n_allow, n_deny;	  /* rules about the call */
};

static int find_verdict(const struct import_profile *profile, int nr, struct verdict *ret)
{
	struct clauses clauses = {.arena = profile->arena};
	int r = 0;

	*ret = (struct verdict){.permitted = {.arena = profile->arena}};
	for (unsigned allow = 0; allow <= 1; allow++) {
		for (size_t i = 0; i < profile->n_rules && r == 0; i++) {
			const struct rule *rule = &profile->rules[i].rule;

			if (rule->nr != nr || (rule->action == RULE_ALLOW) != allow)
				continue;
			r = clauses_add_rule(&clauses, rule, allow ? PERMITTED : REFUSED);
			ret->n_allow += allow;
			ret->n_deny += !allow;
		}
	}
	if (r == 0 && profile->permits)
		r = clauses_add(&clauses, &(struct shape){.mask = {0}}, PERMITTED);
	return r < 0 ? r : clauses_split(&clauses, REFUSED, &ret->permitted);
}

static int add_entry(struct fit_call *call, struct arena *arena, const struct fit_entry *entry)
{
	struct fit_entry *new = &call->entries[call->n_entries];

	*new = *entry;
	new->unsafe = rule_needs_unsafe(&new->rule);
	new->rows = arena_alloc(arena, call->n_rows);
	if (!new->rows)
		return -ENOMEM;
	for (size_t i = 0; i < call->n_rows; i++)
		new->rows[i] = meets(&new->shapes, &call->rows[i].shapes);
	call->n_entries++;
	return 0;
}

static int add_rule_entries(struct fit_call *call, const struct import_profile *profile, int nr)
{
	int r = 0;

	for (size_t i = 0; i < profile->n_rules && r == 0; i++) {
		struct fit_entry entry = {.rule = profile->rules[i].rule,
					  .where = profile->rules[i].where,
					  .shapes = {.arena = profile->arena}};

		if (entry.rule.nr != nr || entry.rule.action != RULE_ALLOW)
			continue;
		r = clauses_add_rule(&entry.shapes, &entry.rule, 0);
		if (r == 0 && entry.shapes.n)
			r = add_entry(call, profile->arena, &entry);
	}
	return r;
}

static int add_shape_entries(struct fit_call *call, const struct import_profile *profile,
			     const struct clauses *permitted)
{
	const char *where = profile->permits ? "permitted by default" : "with its exceptions";
	int r = 0;

	for (size_t i = 0; i < permitted->n && r == 0; i++) {
		struct fit_entry entry = {.where = where, .shapes = {.arena = profile->arena}};

		if (!fit_rule_of_shape(call, &permitted->v[i].shape, true, &entry.rule))
			continue;
		r = clauses_add(&entry.shapes, &permitted->v[i].shape, 0);
		if (r == 0)
			r = add_entry(call, profile->arena, &entry);
	}
	return r;
}

static const char *whole_where(const struct import_profile *profile, int nr)
{
	for (size_t i = 0; i < profile->n_rules; i++)
		if (profile->rules[i].rule.nr == nr && !profile->rules[i].rule.n_conditions)
			return profile->rules[i].where;
	return profile->permits ? "permitted by default" : "by several entries";
}

static int add_entries(struct fit_call *call, const struct import_profile *profile, int nr,
		       const struct verdict *verdict)
{
	size_t room =
		verdict->permitted.n > verdict->n_allow ? verdict->permitted.n : verdict->n_allow;
	struct fit_entry whole = {.where = whole_where(profile, nr),
				  .shapes = {.arena = profile->arena}};
	int r;

	call->entries = arena_alloc(profile->arena, (room + 1) * sizeof(call->entries[0]));
	if (!call->entries)
		return -ENOMEM;
	call->permits_all =
		verdict->permitted.n == 1 && shape_is_any(&verdict->permitted.v[0].shape);
	call->by_rules = !verdict->n_deny && !profile->permits;
	if (!call->permits_all)
		return call->by_rules ? add_rule_entries(call, profile, nr)
				      : add_shape_entries(call, profile, &verdict->permitted);
	(void)fit_rule_of_shape(call, &verdict->permitted.v[0].shape, true, &whole.rule);
	r = clauses_add(&whole.shapes, &verdict->permitted.v[0].shape, 0);
	return r < 0 ? r : add_entry(call, profile->arena, &whole);
}

/* ---- both ---- */

static int compare_row(struct fit_row *row, const struct import_profile *profile,
		       const struct clauses *permitted)
{
	bool ours = requirement_by_promise(&row->row->need) || row->row->need.kind == ROW_ALWAYS;
	int r = 0;

	row->touched = meets(&row->shapes, permitted);
	/* What is permitted only because nobody thought of it is no reason to open what no promise
	 * does. */
	if (profile->permits && !ours)
		row->touched = false;
	for (size_t i = 0; i < row->shapes.n && ours && r == 0; i++) {
		r = subtract_all(&row->shapes.v[i].shape, permitted, SHAPES_OF_ONE_MAX,
				 &row->excess);
		if (r == -E2BIG || row->excess.n > FIT_EXCESS_MAX) {
			row->too_many = true;
			return 0;
		}
	}
	return r;
}

static int fit_call(struct fit_call *call, const struct import_profile *profile, int nr,
		    const struct row *first)
{
	struct verdict verdict;
	int r;

	call->rows = arena_alloc(profile->arena, call->n_rows * sizeof(call->rows[0]));
	if (!call->rows)
		return -ENOMEM;
	r = add_rows(call, profile->arena, first);
	if (r == 0)
		r = find_verdict(profile, nr, &verdict);
	if (r == 0)
		r = add_entries(call, profile, nr, &verdict);
	for (size_t i = 0; i < call->n_rows && r == 0; i++)
		r = compare_row(&call->rows[i], profile, &verdict.permitted);
	return r;
}

int fit_find(struct fit *fit, struct sbx_err *err)
{
	const struct row *end = table_rows + table_rows_count, *next;
	int r = 0;

	fit->calls = arena_alloc(fit->profile->arena, table_rows_count * sizeof(fit->calls[0]));
	if (!fit->calls)
		return err_set(err, -ENOMEM, "out of memory");
	for (const struct row *row = table_rows + 1; row < end && r == 0; row = next) {
		struct fit_call *call = &fit->calls[fit->n_calls];
		struct rule_call named = {0};
		int nr;

		for (next = row; next < end && is_same_call(next, row); next++)
			continue;
		if (!rule_call_find(row->name, strlen(row->name), &named))
			continue;
		nr = rule_call_number(&named);
		if (nr < 0)
			continue;
		*call = (struct fit_call){.name = row->name, .n_rows = (size_t)(next - row)};
		r = fit_call(call, fit->profile, nr, row);
		if (r == -E2BIG)
			return err_at(err, r, fit->profile->name, 0,
				      "its rules about %s come to too many values", row->name);
		fit->n_calls++;
	}
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}

size_t fit_needs(const struct fit_call *call, const struct fit_entry *entry, uint64_t promises)
{
	size_t count = 0;

	for (size_t i = 0; i < call->n_rows; i++)
		count += entry->rows[i] && call->rows[i].touched &&
			 !fit_permits(&call->rows[i], promises);
	return count;
}

static bool is_touched(const struct fit_call *call)
{
	for (size_t i = 0; i < call->n_rows; i++)
		if (call->rows[i].touched)
			return true;
	return false;
}

static bool all_have_one_condition(const struct fit_call *call)
{
	for (size_t i = 0; i < call->n_entries; i++)
		if (call->entries[i].rule.n_conditions != 1)
			return false;
	return call->n_entries <= RULE_CONDITIONS_MAX;
}

static void plan_denials(const struct fit_call *call, uint64_t promises, struct fit_plan *plan)
{
	size_t shapes = 0;
	bool too_many = false, any = false;

	for (size_t i = 0; i < call->n_rows; i++) {
		const struct fit_row *row = &call->rows[i];

		if (!fit_permits(row, promises))
			continue;
		shapes += row->excess.n;
		too_many |= row->too_many;
		any |= row->excess.n || row->too_many;
	}
	if (!any)
		return;
	plan->denial = FIT_SHAPES;
	plan->n_denials = shapes;
	if (too_many) {
		plan->denial = FIT_GIVE_UP;
		plan->n_denials = 1000; /* better without the promise */
	}
	if (!is_touched(call)) {
		plan->denial = FIT_WHOLE;
		plan->n_denials = 1;
	} else if (call->by_rules && all_have_one_condition(call)) {
		plan->denial = FIT_ALL_OTHER;
		plan->n_denials = 1;
	} else if (call->by_rules && call->n_entries == 1 &&
		   call->entries[0].rule.n_conditions < plan->n_denials) {
		plan->denial = FIT_NEGATE;
		plan->n_denials = call->entries[0].rule.n_conditions;
	}
}

struct fit_plan fit_plan(const struct fit_call *call, uint64_t promises)
{
	struct fit_plan plan = {.denial = FIT_NONE};

	plan_denials(call, promises, &plan);
	for (size_t i = 0; i < call->n_entries && plan.denial != FIT_GIVE_UP; i++) {
		size_t missing = fit_needs(call, &call->entries[i], promises);

		/* What no rule may permit, promises should. */
		plan.n_allows += call->entries[i].unsafe ? missing : !!missing;
	}
	return plan;
}

static size_t cost(const struct fit *fit, uint64_t promises)
{
	size_t sum = 0;

	for (size_t i = 0; i < fit->n_calls; i++) {
		struct fit_plan plan = fit_plan(&fit->calls[i], promises);

		sum += plan.n_denials + plan.n_allows;
	}
	return sum;
}

/* One promise after the other, each time the one that saves most; then without those that have
 * become idle. */
uint64_t fit_choose(const struct fit *fit)
{
	uint64_t promises = 0;
	size_t least = cost(fit, 0), before;

	do {
		uint64_t best = promises;

		before = least;
		for (unsigned id = 0; id < PROMISE_COUNT; id++) {
			size_t now = cost(fit, promises | UINT64_C(1) << id);

			if (now < least) {
				least = now;
				best = promises | UINT64_C(1) << id;
			}
		}
		promises = best;
	} while (least < before);
	for (unsigned id = 0; id < PROMISE_COUNT; id++)
		if (promises & UINT64_C(1) << id &&
		    cost(fit, promises & ~(UINT64_C(1) << id)) <= least)
			promises &= ~(UINT64_C(1) << id);
	return promises;
}

bool fit_rule_of_shape(const struct fit_call *call, const struct shape *shape, bool allow,
		       struct rule *ret)
{
	struct rule_call named = {0};

	if (!rule_call_find(call->name, strlen(call->name), &named))
		return false;
	*ret = (struct rule){.call = named.index,
			     .nr = (int16_t)rule_call_number(&named),
			     .action = allow ? RULE_ALLOW : RULE_DENY};
	for (unsigned i = 0; i < 6; i++) {
		unsigned bits = rule_call_bits(&named, i);

		if (!shape->mask[i])
			continue;
		if (!bits)
			return false;
		if (bits < 32 && shape->mask[i] > rule_ones(bits))
			bits = 32;
		if (shape->mask[i] > rule_ones(bits))
			bits = 64;
		if (shape->mask[i] == UINT32_MAX)
			bits = 32;
		ret->conditions[ret->n_conditions++] =
			(struct rule_condition){.mask = shape->mask[i],
						.value = shape->value[i],
						.arg = (uint8_t)i,
						.op = RULE_EQ,
						.bits = (uint8_t)bits};
	}
	return true;
}
