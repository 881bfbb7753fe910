/* SPDX-License-Identifier: MIT */
/* The rules of a policy in front of its filters. */
#pragma once

#include "filter.h"
#include "rule.h"

/* Which filter? */
enum rule_layer {
	RULES_ALONE,   /* the kernel decides, and nobody is told */
	RULES_START,   /* the same, in force before the program is executed: what its start needs is
			  not denied; the layer within does that */
	RULES_ASKED,   /* a supervisor answers what is denied */
	RULES_BESIDE,  /* … and knows what the start needs: it is told of its end by seccomp(2) */
	RULES_WATCHED, /* … and is told of what is allowed */
};

/* Put before @filter what the rules of @policy decide; without rules that is nothing. As
 * rule_compile(). */
must_check int rules_prepend(const struct policy *policy, enum rule_layer layer,
			     struct filter *filter, struct sbx_err *err) nonnull(1, 3, 4);

/* What the filter of RULES_ALONE returns where @rule decides: SECCOMP_RET_…, whole. */
uint32_t rule_return(const struct policy *policy, const struct rule *rule) nonnull(1, 2);

/* Must what is denied by @rule wait until the start is over, since nothing would start without such
 * a call? All others hold before: a library of the program may run code of its own, or end the
 * process, before the shim is asked. */
bool rule_spares_start(const struct rule *rule) nonnull(1);

/* Is there a rule by which this call may be denied? */
bool rules_may_deny(const struct policy *policy, const char *call) nonnull(1, 2);

/* Does the policy kill, by on_violation or by a rule? */
bool rules_may_kill(const struct policy *policy) nonnull(1);
