/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "rule.h"

int policy_add_rule(struct policy *policy, bool allow, const char *text, struct origin from,
		    struct sbx_err *err)
{
	struct rule rule;
	int r = rule_parse(text, allow, from, &rule, err);

	if (r < 0)
		return r;
	if (arena_grow(&policy->arena, (void **)&policy->rules, &policy->cap_rules, policy->n_rules,
		       sizeof(rule)) < 0)
		return err_at(err, -ENOMEM, from.file, from.line, "out of memory");
	policy->rules[policy->n_rules++] = rule;
	return 0;
}

int policy_check_rules(const struct policy *policy, struct sbx_err *err)
{
	int r = rules_check_hidden(policy->rules, policy->n_rules, err);

	return r < 0 ? r
		     : rules_check_unsafe(policy->rules, policy->n_rules, policy->unsafe_syscalls,
					  err);
}
