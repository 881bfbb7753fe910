/* SPDX-License-Identifier: MIT */
#include "rule_layer.h"

#include <errno.h>
#include <string.h>

#include <linux/seccomp.h>

#include "rule_compile.h"

/* What happens from execve(2) to the end of our constructor: the loader's calls, libc's and ours.
 * They cannot be denied before that. No array of pointers, which would bring relocations. */
static bool is_of_start(const char *call)
{
	static const char names[][24] = {
		"access",
		"arch_prctl",
		"brk",
		"close",
		"execve",
		"execveat",
		"exit",
		"exit_group",
		"faccessat",
		"faccessat2",
		"fcntl",
		"fstat",
		"futex",
		"getcwd",
		"getdents64",
		"geteuid",
		"getpid",
		"getrandom",
		"landlock_add_rule",
		"landlock_create_ruleset",
		"landlock_restrict_self",
		"lseek",
		"lstat",
		"madvise",
		"mmap",
		"mprotect",
		"mremap",
		"munmap",
		"newfstatat",
		"open",
		"openat",
		"openat2",
		"prctl",
		"pread64",
		"prlimit64",
		"read",
		"readlink",
		"readlinkat",
		"recvmsg",
		"rseq",
		"rt_sigprocmask",
		"seccomp",
		"set_robust_list",
		"set_tid_address",
		"stat",
		"statx",
		"uname",
		"write",
		"writev",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], call) == 0)
			return true;
	return false;
}

static bool lets_through(const struct rule *rule)
{
	return rule->action == RULE_ALLOW || rule->action == RULE_LOG;
}

static uint32_t return_alone(const struct policy *policy, enum rule_layer layer,
			     const struct rule *rule)
{
	switch (rule->action) {
	case RULE_ERRNO:
		return SECCOMP_RET_ERRNO | rule->error;
	case RULE_KILL:
		return SECCOMP_RET_KILL_PROCESS;
	case RULE_DENY:
		if (layer == RULES_ALONE && policy->on_violation == VIOLATION_KILL &&
		    !(policy->promises & P(ERROR)))
			return SECCOMP_RET_KILL_PROCESS;
		return SECCOMP_RET_ERRNO | EPERM;
	default: /* RULE_LOG, too: there is nobody to tell */
		return SECCOMP_RET_ALLOW;
	}
}

uint32_t rule_return(const struct policy *policy, const struct rule *rule)
{
	return return_alone(policy, RULES_ALONE, rule);
}

static uint32_t return_of(const struct policy *policy, enum rule_layer layer,
			  const struct rule *rule)
{
	if (layer == RULES_ALONE || layer == RULES_START)
		return return_alone(policy, layer, rule);
	if (rule->action != RULE_ALLOW || layer == RULES_WATCHED ||
	    (layer == RULES_BESIDE && strcmp(rule_call_name(rule), "seccomp") == 0))
		return SECCOMP_RET_USER_NOTIF;
	return SECCOMP_RET_ALLOW;
}

int rules_prepend(const struct policy *policy, enum rule_layer layer, struct filter *filter,
		  struct sbx_err *err)
{
	struct arena arena = {0};
	struct filter *prefix;
	struct rule *rules;
	uint32_t *returns;
	size_t n = 0;
	int r;

	if (!policy->n_rules)
		return 0;
	prefix = arena_alloc(&arena, sizeof(*prefix));
	rules = arena_alloc(&arena, policy->n_rules * sizeof(*rules));
	returns = arena_alloc(&arena, policy->n_rules * sizeof(*returns));
	if (!prefix || !rules || !returns) {
		arena_done(&arena);
		return err_set(err, -ENOMEM, "out of memory");
	}
	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct rule *rule = &policy->rules[i];

		if (layer == RULES_START && !lets_through(rule) &&
		    is_of_start(rule_call_name(rule)))
			continue;
		rules[n] = *rule;
		returns[n++] = return_of(policy, layer, rule);
	}
	r = rule_compile(rules, n, returns, prefix, err);
	if (r == 0)
		r = rule_prepend(prefix, filter, err);
	arena_done(&arena);
	return r;
}

bool rules_may_deny(const struct policy *policy, const char *call)
{
	for (size_t i = 0; i < policy->n_rules; i++)
		if (!lets_through(&policy->rules[i]) &&
		    strcmp(rule_call_name(&policy->rules[i]), call) == 0)
			return true;
	return false;
}

bool rules_may_kill(const struct policy *policy)
{
	if (policy->on_violation == VIOLATION_KILL)
		return true;
	for (size_t i = 0; i < policy->n_rules; i++)
		if (policy->rules[i].action == RULE_KILL)
			return true;
	return false;
}
