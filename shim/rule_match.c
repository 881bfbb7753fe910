/* SPDX-License-Identifier: MIT */
/* What conditions mean: in C, as the filter carries them out, and as the masked values that it can
 * compare. */
#include "rule_parts.h"

#include <string.h>

bool rule_condition_holds(const struct rule_condition *condition, uint64_t argument)
{
	uint64_t value = argument & condition->mask;

	switch ((enum rule_op)condition->op) {
	case RULE_EQ:
		return value == condition->value;
	case RULE_NE:
		return value != condition->value;
	case RULE_LT:
		return value < condition->value;
	case RULE_LE:
		return value <= condition->value;
	case RULE_GT:
		return value > condition->value;
	case RULE_GE:
		return value >= condition->value;
	default:
		return false;
	}
}

bool rule_matches(const struct rule *rule, int nr, const uint64_t args[6])
{
	if (rule->nr != nr || nr < 0)
		return false;
	for (unsigned i = 0; i < rule->n_conditions; i++)
		if (!rule_condition_holds(&rule->conditions[i], args[rule->conditions[i].arg]))
			return false;
	return true;
}

const struct rule *rule_find(const struct rule *rules, size_t n, int nr, const uint64_t args[6])
{
	for (int allow = 0; allow <= 1; allow++)
		for (size_t i = 0; i < n; i++)
			if ((rules[i].action == RULE_ALLOW) == allow &&
			    rule_matches(&rules[i], nr, args))
				return &rules[i];
	return NULL;
}

/* ---- as masked values ---- */

void rule_values_clear(struct rule_values *values)
{
	values->n = 0; /* and not what is in there: pages that nobody touches cost nothing */
	values->full = false;
}

static void add_value(struct rule_values *values, uint64_t mask, uint64_t value)
{
	if (values->n == RULE_ALTERNATIVES_MAX) {
		values->full = true;
		return;
	}
	values->v[values->n++] = (struct rule_masked){.mask = mask, .value = value};
}

void rule_values_all(struct rule_values *values)
{
	rule_values_clear(values);
	add_value(values, 0, 0);
}

/* What is below @limit: at each of its bits that is set, the values that agree above it and have a
 * 0 there. With !@below what is above it, in the same way. */
static void add_range(struct rule_values *values, uint64_t limit, unsigned bits, bool below)
{
	for (unsigned bit = bits; bit-- > 0;) {
		uint64_t one = UINT64_C(1) << bit;
		uint64_t mask = rule_ones(bits) & ~(one - 1);

		if (!!(limit & one) == below)
			add_value(values, mask, (limit & mask) ^ one);
	}
}

void rule_values_add(struct rule_values *values, const struct rule_condition *condition)
{
	uint64_t value = condition->value;

	switch ((enum rule_op)condition->op) {
	case RULE_EQ:
		add_value(values, condition->mask, value);
		break;
	case RULE_LT:
		add_range(values, value, condition->bits, true);
		break;
	case RULE_LE:
		add_range(values, value + 1, condition->bits, true);
		break;
	case RULE_GT:
		add_range(values, value, condition->bits, false);
		break;
	case RULE_GE:
		add_range(values, value - 1, condition->bits, false);
		break;
	default: /* RULE_NE is always said the other way round */
		break;
	}
}

/* How many they are. */
static unsigned count_values(const struct rule_condition *condition)
{
	uint64_t value = condition->value;

	switch ((enum rule_op)condition->op) {
	case RULE_LT:
		return (unsigned)__builtin_popcountll(value);
	case RULE_LE:
		return (unsigned)__builtin_popcountll(value + 1);
	case RULE_GT:
		return condition->bits - (unsigned)__builtin_popcountll(value);
	case RULE_GE:
		return condition->bits - (unsigned)__builtin_popcountll(value - 1);
	default:
		return 1;
	}
}

bool rule_condition_is_negated(const struct rule_condition *condition)
{
	struct rule_condition other = rule_condition_negate(condition);

	if (condition->op == RULE_EQ || condition->op == RULE_NE)
		return condition->op == RULE_NE;
	return count_values(&other) < count_values(condition);
}

void rule_values_intersect(struct rule_values *values, const struct rule_values *other,
			   struct rule_values *both)
{
	rule_values_clear(both);
	for (size_t i = 0; i < values->n; i++) {
		for (size_t j = 0; j < other->n; j++) {
			const struct rule_masked *a = &values->v[i], *b = &other->v[j];

			if (!((a->value ^ b->value) & a->mask & b->mask))
				add_value(both, a->mask | b->mask, a->value | b->value);
		}
	}
	values->full |= both->full;
	values->n = both->n;
	memcpy(values->v, both->v, both->n * sizeof(both->v[0]));
}
