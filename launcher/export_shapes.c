/* SPDX-License-Identifier: MIT */
#include "export_shapes.h"

#include <errno.h>
#include <string.h>

#define HALVES 12 /* of six arguments, in the order in which libseccomp looks at them */

/* ---- single shapes ---- */

bool shape_holds(const struct shape *shape, const uint64_t args[6])
{
	for (unsigned i = 0; i < 6; i++)
		if ((args[i] & shape->mask[i]) != shape->value[i])
			return false;
	return true;
}

bool shape_is_any(const struct shape *shape)
{
	for (unsigned i = 0; i < 6; i++)
		if (shape->mask[i])
			return false;
	return true;
}

bool shape_covers(const struct shape *outer, const struct shape *inner)
{
	for (unsigned i = 0; i < 6; i++)
		if ((outer->mask[i] & ~inner->mask[i]) ||
		    ((outer->value[i] ^ inner->value[i]) & outer->mask[i]))
			return false;
	return true;
}

bool shape_meet(const struct shape *a, const struct shape *b, struct shape *ret)
{
	struct shape both;

	for (unsigned i = 0; i < 6; i++) {
		if ((a->value[i] ^ b->value[i]) & a->mask[i] & b->mask[i])
			return false;
		both.mask[i] = a->mask[i] | b->mask[i];
		both.value[i] = a->value[i] | b->value[i];
	}
	*ret = both;
	return true;
}

bool shape_of_row(const struct row *row, struct shape *ret)
{
	*ret = (struct shape){.mask = {0}};
	for (unsigned i = 0; i < row->n_matches; i++) {
		if (row->match[i].value == MATCH_SELF)
			return false;
		ret->mask[row->match[i].arg] = row->match[i].mask;
		ret->value[row->match[i].arg] = row->match[i].value;
	}
	return true;
}

int clauses_add(struct clauses *clauses, const struct shape *shape, uint32_t action)
{
	if (clauses->n == SHAPES_MAX)
		return -E2BIG;
	if (arena_grow(clauses->arena, (void **)&clauses->v, &clauses->cap, clauses->n,
		       sizeof(clauses->v[0])) < 0)
		return -ENOMEM;
	clauses->v[clauses->n++] = (struct clause){.shape = *shape, .action = action};
	return 0;
}

int shape_subtract(const struct shape *from, const struct shape *what, uint32_t action,
		   struct clauses *ret)
{
	struct shape rest = *from, meet;
	int r = 0;

	if (!shape_meet(from, what, &meet))
		return clauses_add(ret, from, action);
	/* At each bit that only @what looks at: those that agree with it so far, and differ there.
	 */
	for (unsigned i = 0; i < 6; i++) {
		uint64_t more = what->mask[i] & ~from->mask[i];

		for (unsigned bit = 64; bit-- > 0 && r == 0;) {
			uint64_t one = UINT64_C(1) << bit;

			if (!(more & one))
				continue;
			rest.mask[i] |= one;
			rest.value[i] |= ~what->value[i] & one;
			r = clauses_add(ret, &rest, action);
			rest.value[i] ^= one;
		}
	}
	return r;
}

/* ---- conditions ---- */

static uint64_t ones(unsigned bits)
{
	return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

static int add_masked(struct clauses *list, unsigned arg, uint64_t mask, uint64_t value)
{
	struct shape shape = {.mask = {0}};

	shape.mask[arg] = mask;
	shape.value[arg] = value;
	return clauses_add(list, &shape, 0);
}

/* At each bit of @limit within @mask that is @set: the values that agree above it and have the
 * other there. All of them: what is below @limit (set), or above it (!set). */
static int add_beside(struct clauses *list, const struct rule_condition *condition, uint64_t limit,
		      bool set)
{
	int r = 0;

	for (unsigned bit = condition->bits; bit-- > 0 && r == 0;) {
		uint64_t one = UINT64_C(1) << bit;
		uint64_t mask = condition->mask & ~(one - 1);

		if ((mask & one) && !!(limit & one) == set)
			r = add_masked(list, condition->arg, mask, (limit & mask) ^ one);
	}
	return r;
}

/* The values for which the condition holds, which exclude each other. */
static int add_condition(struct clauses *list, const struct rule_condition *condition)
{
	uint64_t value = condition->value, all = ones(condition->bits);
	bool equal =
		condition->op == RULE_EQ || condition->op == RULE_LE || condition->op == RULE_GE;
	bool below =
		condition->op == RULE_NE || condition->op == RULE_LT || condition->op == RULE_LE;
	bool above =
		condition->op == RULE_NE || condition->op == RULE_GT || condition->op == RULE_GE;
	int r = 0;

	/* Everything, in one. */
	if ((condition->op == RULE_LE && value == all) || (condition->op == RULE_GE && !value))
		return add_masked(list, condition->arg, 0, 0);
	/* `<= 7` is `< 8`, which comes to fewer. */
	if (condition->op == RULE_LE || condition->op == RULE_GE) {
		value += condition->op == RULE_LE ? 1 : UINT64_MAX;
		equal = false;
	}
	if (equal)
		r = add_masked(list, condition->arg, condition->mask, value);
	if (below && r == 0)
		r = add_beside(list, condition, value, true);
	if (above && r == 0)
		r = add_beside(list, condition, value, false);
	return r;
}

/* What is in both lists. */
static int multiply(const struct clauses *a, const struct clauses *b, struct clauses *ret)
{
	struct shape both;
	int r = 0;

	for (size_t i = 0; i < a->n; i++)
		for (size_t j = 0; j < b->n && r == 0; j++)
			if (shape_meet(&a->v[i].shape, &b->v[j].shape, &both))
				r = ret->n == SHAPES_OF_ONE_MAX ? -E2BIG
								: clauses_add(ret, &both, 0);
	return r;
}

int clauses_add_rule(struct clauses *clauses, const struct rule *rule, uint32_t action)
{
	const struct shape any = {.mask = {0}};
	struct arena arena = {0};
	struct clauses product = {.arena = &arena};
	int r;

	if (!rule->n_conditions)
		return clauses_add(clauses, &any, action);
	r = clauses_add(&product, &any, 0);
	for (unsigned i = 0; i < rule->n_conditions && r == 0; i++) {
		struct clauses values = {.arena = &arena}, next = {.arena = &arena};

		r = add_condition(&values, &rule->conditions[i]);
		if (r == 0)
			r = multiply(&product, &values, &next);
		product = next;
	}
	for (size_t i = 0; i < product.n && r == 0; i++)
		r = clauses_add(clauses, &product.v[i].shape, action);
	arena_done(&arena);
	return r;
}

/* ---- a decision tree ---- */

struct half {
	uint32_t mask, value;
	size_t first; /* the first clause that it lies in; n: none */
};

/* What a call of split_at() works with, kept for the next one at the same depth. */
struct depth {
	const struct clause **list; /* of split.n */
	struct half *halves;
	size_t n, cap;
};

struct split {
	struct arena arena; /* owned */
	struct depth depths[HALVES + 1];
	size_t n; /* clauses */
	uint32_t except;
	struct clauses *ret;
};

static struct half half_of(const struct shape *shape, unsigned at)
{
	unsigned shift = at % 2 ? 0 : 32; /* the upper one first */

	return (struct half){.mask = (uint32_t)(shape->mask[at / 2] >> shift),
			     .value = (uint32_t)(shape->value[at / 2] >> shift)};
}

static bool is_open(const struct shape *shape, unsigned at)
{
	for (; at < HALVES; at++)
		if (half_of(shape, at).mask)
			return false;
	return true;
}

static bool half_covers(const struct half *outer, const struct half *inner)
{
	return !(outer->mask & ~inner->mask) && !((outer->value ^ inner->value) & outer->mask);
}

static int add_half(struct split *split, struct depth *depth, struct half half)
{
	if (depth->n == SHAPES_MAX)
		return -E2BIG;
	if (arena_grow(&split->arena, (void **)&depth->halves, &depth->cap, depth->n,
		       sizeof(half)) < 0)
		return -ENOMEM;
	depth->halves[depth->n++] = half;
	return 0;
}

/* Divide the halves so that each lies in @by or outside it. */
static int divide(struct split *split, struct depth *depth, struct half by)
{
	int r = 0;

	for (size_t i = 0, n = depth->n; i < n && r == 0; i++) {
		struct half half = depth->halves[i];

		if ((half.value ^ by.value) & half.mask & by.mask)
			continue;
		for (unsigned bit = 32; bit-- > 0 && r == 0;) {
			uint32_t one = UINT32_C(1) << bit;

			if (!(by.mask & ~half.mask & one))
				continue;
			half.mask |= one;
			half.value |= ~by.value & one;
			r = add_half(split, depth, half);
			half.value ^= one;
		}
		depth->halves[i] = half;
	}
	return r;
}

/* The halves that the clauses tell apart. */
static int find_halves(struct split *split, struct depth *depth, const struct clause *const *list,
		       size_t n, unsigned at)
{
	int r;

	depth->n = 0;
	r = add_half(split, depth, (struct half){.mask = 0});
	for (size_t i = 0; i < n && r == 0; i++)
		r = divide(split, depth, half_of(&list[i]->shape, at));
	for (size_t k = 0; k < depth->n; k++) {
		struct half *half = &depth->halves[k];

		for (half->first = 0; half->first < n; half->first++) {
			struct half outer = half_of(&list[half->first]->shape, at);

			if (half_covers(&outer, half))
				break;
		}
	}
	return r;
}

static void narrow(struct shape *shape, unsigned at, const struct half *half)
{
	unsigned shift = at % 2 ? 0 : 32;

	shape->mask[at / 2] |= (uint64_t)half->mask << shift;
	shape->value[at / 2] |= (uint64_t)half->value << shift;
}

/* How many of the clauses can decide: up to the first that asks for nothing more. *ret_action: what
 * they come to, when that is always the same; then true. */
static bool is_decided(const struct split *split, const struct clause *const *list, size_t *n,
		       unsigned at, uint32_t *ret_action)
{
	size_t i = 0;

	while (i < *n && !is_open(&list[i]->shape, at))
		i++;
	*ret_action = i < *n ? list[i]->action : split->except;
	if (i < *n)
		*n = i + 1;
	for (i = 0; i < *n; i++)
		if (list[i]->action != *ret_action)
			return false;
	return true;
}

static int split_at(struct split *split, const struct clause *const *list, size_t n, unsigned at,
		    const struct shape *so_far);

/* Those among the clauses that @half lies in, and what they come to. */
static int split_half(struct split *split, const struct clause *const *list, size_t n, unsigned at,
		      const struct shape *so_far, const struct half *half)
{
	const struct clause **sub = split->depths[at].list;
	struct shape shape = *so_far;
	size_t n_sub = 0;

	for (size_t i = half->first; i < n; i++) {
		struct half outer = half_of(&list[i]->shape, at);

		if (half_covers(&outer, half))
			sub[n_sub++] = list[i];
	}
	narrow(&shape, at, half);
	return split_at(split, sub, n_sub, at + 1, &shape);
}

static int split_at(struct split *split, const struct clause *const *list, size_t n, unsigned at,
		    const struct shape *so_far)
{
	struct depth *depth = &split->depths[at];
	uint32_t action;
	int r;

	if (is_decided(split, list, &n, at, &action))
		return action == split->except ? 0 : clauses_add(split->ret, so_far, action);
	r = find_halves(split, depth, list, n, at);
	/* In the order of the clauses, which is that of the table. */
	for (size_t i = 0; i < n && r == 0; i++)
		for (size_t k = 0; k < depth->n && r == 0; k++)
			if (depth->halves[k].first == i)
				r = split_half(split, list, n, at, so_far, &depth->halves[k]);
	return r;
}

int clauses_split(const struct clauses *clauses, uint32_t except, struct clauses *ret)
{
	struct split split = {.n = clauses->n, .except = except, .ret = ret};
	const struct shape any = {.mask = {0}};
	uint32_t first = clauses->n ? clauses->v[0].action : except;
	int r = 0;

	/* Most calls are alike whatever their arguments. */
	if (!clauses->n || shape_is_any(&clauses->v[0].shape))
		return first == except ? 0 : clauses_add(ret, &any, first);
	for (unsigned i = 0; i < HALVES + 1 && r == 0; i++) {
		split.depths[i].list =
			arena_alloc(&split.arena, (clauses->n + 1) * sizeof(struct clause *));
		if (!split.depths[i].list)
			r = -ENOMEM;
	}
	for (size_t i = 0; i < clauses->n && r == 0; i++)
		split.depths[HALVES].list[i] = &clauses->v[i];
	if (r == 0)
		r = split_at(&split, split.depths[HALVES].list, clauses->n, 0, &any);
	arena_done(&split.arena);
	return r;
}
