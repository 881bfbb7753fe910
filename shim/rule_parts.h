/* SPDX-License-Identifier: MIT */
/* What the files about rules share. */
#pragma once

#include "rule.h"

/* A call, and its arguments as rule_calls.c has them. */
struct rule_call {
	const char *name;
	const char *arguments;
	uint16_t index; /* struct rule.call */
};

/* False: there is none of that name, or number. */
bool rule_call_find(const char *name, size_t len, struct rule_call *ret) nonnull(1, 3);
bool rule_call_at(unsigned index, struct rule_call *ret) nonnull(2);

/* How many bits of argument @arg the kernel looks at: 16, 32 or 64; 0: the call has none such. */
unsigned rule_call_bits(const struct rule_call *call, unsigned arg) nonnull(1);
unsigned rule_call_count(const struct rule_call *call) nonnull(1);

/* Its number on this architecture; RULE_NR_NONE. */
int rule_call_number(const struct rule_call *call) nonnull(1);

/* The call whose name is spelled most like @name; NULL. The same of constants and of errors. */
const char *rule_call_nearest(const char *name) nonnull(1);
const char *rule_constant_nearest(const char *name) nonnull(1);
const char *rule_errno_nearest(const char *name) nonnull(1);

/* Numbers and constants, or'ed: the text of a value, as long as it is one. Returns where it ends;
 * NULL when it is none or does not fit @bits: *err has a message without file. */
const char *rule_parse_value(const char *text, unsigned bits, uint64_t *ret, struct sbx_err *err)
	nonnull(1, 3, 4);

static inline uint64_t rule_ones(unsigned bits)
{
	return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

bool rule_condition_holds(const struct rule_condition *condition, uint64_t argument) nonnull(1);

/* The one that holds exactly when @condition does not. */
struct rule_condition rule_condition_negate(const struct rule_condition *condition) nonnull(1);

/* Is there a value for which all @n conditions hold, which are about one argument? Exact. At most
 * RULE_SATISFY_MAX. */
#define RULE_SATISFY_MAX 14
bool rule_satisfiable(const struct rule_condition *const *conditions, size_t n) nonnull(1);

/* Values of an argument, as (argument & mask) == value; they exclude each other. */
struct rule_masked {
	uint64_t mask, value;
};
struct rule_values {
	struct rule_masked v[RULE_ALTERNATIVES_MAX];
	size_t n;
	bool full; /* there are more, which found no room */
};
void rule_values_clear(struct rule_values *values) nonnull(1); /* none */
void rule_values_all(struct rule_values *values) nonnull(1);   /* every value */

/* Add those for which the condition holds, which is not RULE_NE. rule_parse() has seen to it that
 * there are some, and others. */
void rule_values_add(struct rule_values *values, const struct rule_condition *condition)
	nonnull(1, 2);

/* Leave in @values what is in @other, too. @scratch: room for it. */
void rule_values_intersect(struct rule_values *values, const struct rule_values *other,
			   struct rule_values *scratch) nonnull(1, 2, 3);

/* Is the condition said in fewer values the other way round? */
bool rule_condition_is_negated(const struct rule_condition *condition) nonnull(1);
