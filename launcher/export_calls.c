/* SPDX-License-Identifier: MIT */
/* What each call comes to under a policy: its rules, then the table. */
#include "export_parts.h"

#include <string.h>

#include "../shim/rule_layer.h"
#include "../shim/rule_parts.h"

#define YOUNG 440 /* process_madvise (Linux 5.10) */

static bool is_same_call(const struct row *a, const struct row *b)
{
	return strcmp(a->name, b->name) == 0;
}

static int number_of(const char *name)
{
	struct rule_call call;

	return rule_call_find(name, strlen(name), &call) ? rule_call_number(&call) : RULE_NR_NONE;
}

static uint32_t action_of_row(const struct export_parts *parts, const struct row *row)
{
	if (filter_permits(&parts->filter, &row->need))
		return SECCOMP_RET_ALLOW;
	if (filter_answers_nosys(&parts->filter, &row->need))
		return SECCOMP_RET_ERRNO | ENOSYS;
	return parts->deny;
}

/* Those that deny first, as rule_find() has it. */
static int add_rules(struct clauses *clauses, const struct policy *policy, int nr,
		     struct sbx_err *err)
{
	for (unsigned allow = 0; allow <= 1; allow++) {
		for (size_t i = 0; i < policy->n_rules; i++) {
			const struct rule *rule = &policy->rules[i];
			int r;

			if (rule->nr != nr || (rule->action == RULE_ALLOW) != allow)
				continue;
			r = clauses_add_rule(clauses, rule, rule_return(policy, rule));
			if (r < 0)
				return err_at(err, r, rule->from.file, rule->from.line,
					      r == -ENOMEM ? "out of memory"
							   : "the conditions of this rule come to "
							     "too many values to be exported");
		}
	}
	return 0;
}

/* All rows of the call that begin with @row; *ret_n: how many. */
static int add_rows(struct clauses *clauses, const struct export_parts *parts,
		    const struct row *row, size_t *ret_n)
{
	const struct row *end = table_rows + table_rows_count;
	const struct row *first = row;
	struct shape shape;
	int r = 0;

	for (; row < end && is_same_call(row, first) && r == 0; row++)
		if (shape_of_row(row, &shape))
			r = clauses_add(clauses, &shape, action_of_row(parts, row));
	*ret_n = (size_t)(row - first);
	return r;
}

static int find_leaves(struct export_parts *parts, struct export_call *call,
		       const struct clauses *clauses)
{
	struct clauses leaves = {.arena = parts->arena};
	int r;

	r = clauses_split(clauses, parts->deny, &leaves);
	if (r < 0)
		return r;
	call->leaves = leaves.v;
	call->n_leaves = leaves.n;
	call->whole = leaves.n == 0 || (leaves.n == 1 && shape_is_any(&leaves.v[0].shape));
	call->action = leaves.n ? leaves.v[0].action : parts->deny;
	for (size_t i = 0; i < leaves.n; i++)
		for (unsigned arg = 0; arg < 6; arg++)
			if (leaves.v[i].shape.mask[arg])
				call->args |= (uint8_t)(1u << arg);
	return 0;
}

unsigned export_deepen(const struct export_call *call, const struct shape *shape,
		       struct shape ret[2])
{
	unsigned deepest = 0;

	for (unsigned arg = 0; arg < 6; arg++)
		if (call->args & 1u << arg)
			deepest = arg;
	ret[0] = *shape;
	if (shape->mask[deepest] || call->whole)
		return 1;
	ret[0].mask[deepest] = 1;
	ret[1] = ret[0];
	ret[1].value[deepest] = 1;
	return 2;
}

static int find_call(struct export_parts *parts, const struct row *row, size_t *ret_rows,
		     struct sbx_err *err)
{
	struct export_call *call = &parts->calls[parts->n_calls];
	struct clauses clauses = {.arena = parts->arena};
	int r;

	*call = (struct export_call){.name = row->name, .nr = number_of(row->name)};
	call->young = call->nr > YOUNG || table_young_number(row->name) >= 0;
	r = call->nr >= 0 ? add_rules(&clauses, parts->policy, call->nr, err) : 0;
	if (r < 0)
		return r;
	r = add_rows(&clauses, parts, row, ret_rows);
	if (r == 0 && call->nr >= 0)
		r = find_leaves(parts, call, &clauses);
	if (r == -E2BIG)
		return err_set(err, r, "the rules about %s come to too many values to be exported",
			       row->name);
	if (r < 0)
		return err_set(err, r, "out of memory");
	parts->n_calls += call->nr >= 0;
	return 0;
}

int export_find_calls(struct export_parts *parts, struct sbx_err *err)
{
	size_t rows = 0;
	int r = 0;

	parts->calls = arena_alloc(parts->arena, table_rows_count * sizeof(parts->calls[0]));
	if (!parts->calls)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = TAG_UNKNOWN + 1; i < table_rows_count && r == 0; i += rows)
		r = find_call(parts, &table_rows[i], &rows, err);
	return r;
}
