/* SPDX-License-Identifier: MIT */
/* Conditions of other programs in the words of [syscalls]. */
#include "import_parts.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "../shim/rule_parts.h"

int import_note(struct import_profile *profile, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (arena_grow(profile->arena, (void **)&profile->notes, &profile->cap_notes,
		       profile->n_notes, sizeof(profile->notes[0])) < 0)
		return -ENOMEM;
	profile->notes[profile->n_notes] = arena_strdup(profile->arena, text);
	return profile->notes[profile->n_notes++] ? 0 : -ENOMEM;
}

/* Profiles name the calls of all architectures. */
static int add_stranger(struct import_profile *profile, const char *name)
{
	const char *old = profile->strangers ? profile->strangers : "";
	size_t len = strlen(name);
	const char *at = strstr(old, name);

	while (at && ((at > old && at[-1] != ' ') || (at[len] && at[len] != ',')))
		at = strstr(at + 1, name);
	if (at && len)
		return 0;
	profile->strangers = arena_printf(profile->arena, "%s%s%.64s", old, *old ? ", " : "", name);
	return profile->strangers ? 0 : -ENOMEM;
}

bool import_rule_begin(struct import_profile *profile, const char *name, bool allow,
		       const char *where, struct import_rule *ret, int *ret_r)
{
	struct rule_call call;

	*ret_r = 0;
	if (!rule_call_find(name, strlen(name), &call) || rule_call_number(&call) == RULE_NR_NONE) {
		*ret_r = add_stranger(profile, name);
		return false;
	}
	*ret = (struct import_rule){
		.rule = {.call = call.index,
			 .nr = (int16_t)rule_call_number(&call),
			 .action = allow ? RULE_ALLOW : RULE_DENY,
			 .from = {.file = profile->name}},
		.where = where,
	};
	return true;
}

/* What a condition comes to in @bits when its value needs more: of such a value only the sign above
 * can be meant. */
static enum import_state narrow_value(struct rule_condition *condition, unsigned bits)
{
	uint64_t all = rule_ones(bits), above = condition->value & ~all;
	bool sign = (above | all) == UINT64_MAX && condition->value >> (bits - 1) & 1;

	switch ((enum rule_op)condition->op) {
	case RULE_EQ:
		/* Bits above that the mask does not look at count for nothing. */
		if (condition->mask == UINT64_MAX && sign)
			above = 0;
		condition->value &= all;
		condition->mask &= all;
		return above ? IMPORT_NEVER : IMPORT_OPEN;
	case RULE_NE:
		condition->mask = above && !sign ? 0 : all;
		condition->value &= all;
		return IMPORT_OPEN;
	case RULE_LT:
	case RULE_LE:
		condition->mask = above ? 0 : all;
		return IMPORT_OPEN;
	default: /* RULE_GT, RULE_GE */
		condition->mask = all;
		return above ? IMPORT_NEVER : IMPORT_OPEN;
	}
}

/* Does it hold always (then it is none), or never? */
static enum import_state trivial(const struct rule_condition *condition, bool *ret_always)
{
	uint64_t all = rule_ones(condition->bits), value = condition->value;
	enum rule_op op = (enum rule_op)condition->op;

	*ret_always = (op == RULE_EQ && !condition->mask && !value) ||
		      (op == RULE_LE && value == all) || (op == RULE_GE && value == 0) ||
		      (op != RULE_EQ && !condition->mask);
	if (*ret_always)
		return IMPORT_OPEN;
	if ((op == RULE_EQ && (value & ~condition->mask)) || (op == RULE_LT && value == 0) ||
	    (op == RULE_GT && value == all))
		return IMPORT_NEVER;
	return IMPORT_OPEN;
}

enum import_state import_rule_add(struct import_rule *rule, const struct import_condition *from)
{
	struct rule_condition condition = {.mask = from->mask,
					   .value = from->value,
					   .arg = (uint8_t)from->arg,
					   .op = (uint8_t)from->op};
	struct rule_call call = {0};
	enum import_state state;
	unsigned bits;
	bool always;

	if (!rule_call_at(rule->rule.call, &call))
		return IMPORT_UNKNOWN;
	bits = rule_call_bits(&call, from->arg);
	if (!bits)
		return IMPORT_UNKNOWN; /* an argument that the call does not have */
	if (from->bits == 32) {
		/* Only the lower half is compared: what the value has above is cut off. */
		condition.value &= UINT32_MAX;
		bits = bits > 32 ? 32 : bits;
	}
	condition.bits = (uint8_t)bits;
	state = narrow_value(&condition, bits);
	if (state == IMPORT_OPEN)
		state = trivial(&condition, &always);
	if (state != IMPORT_OPEN || always)
		return state;
	if (condition.op != RULE_EQ)
		condition.mask = rule_ones(bits);
	if (rule->rule.n_conditions == RULE_CONDITIONS_MAX)
		return IMPORT_UNKNOWN;
	rule->rule.conditions[rule->rule.n_conditions++] = condition;
	return IMPORT_OPEN;
}

int import_rule_end(struct import_profile *profile, struct import_rule *rule,
		    enum import_state state)
{
	const char *name = rule_call_name(&rule->rule);
	bool allow = rule->rule.action == RULE_ALLOW;
	int r;

	if (state == IMPORT_NEVER)
		return import_note(profile, "%s: left out: it never holds (%s)", rule->where, name);
	if (state == IMPORT_UNKNOWN) {
		r = import_note(profile, "%s: %s: %s has no such argument, or too many conditions",
				rule->where, allow ? "left out" : "denied altogether", name);
		if (r < 0 || allow)
			return r;
		rule->rule.n_conditions = 0;
	}
	if (arena_grow(profile->arena, (void **)&profile->rules, &profile->cap_rules,
		       profile->n_rules, sizeof(profile->rules[0])) < 0)
		return -ENOMEM;
	profile->rules[profile->n_rules++] = *rule;
	return 0;
}
