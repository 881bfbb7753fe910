/* SPDX-License-Identifier: MIT */
#include "rule_layer.h"

#include <errno.h>
#include <string.h>

#include <linux/audit.h>
#include <linux/seccomp.h>

#include "rule_compile.h"

#ifdef __aarch64__
#define RULE_ARCH AUDIT_ARCH_AARCH64
#else
#define RULE_ARCH AUDIT_ARCH_X86_64
#endif

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

bool rule_spares_start(const struct rule *rule)
{
	return !lets_through(rule) && is_of_start(rule_call_name(rule));
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

/* ---- is it right what libseccomp made? ----
 *
 * The shim uses what libseccomp.so.2 the loader finds, which may be a faulty one; and a rule that
 * is lost is not missed by anybody. So the instructions are carried out for some calls of each
 * rule. (One that means harm runs in this process, and is not to be stopped here.) */

#define FELL UINT32_MAX /* off the end; no rule returns that */

static bool jumps(uint16_t code, uint32_t a, uint32_t k)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ:
		return a == k;
	case BPF_JGE:
		return a >= k;
	case BPF_JGT:
		return a > k;
	default: /* BPF_JSET */
		return a & k;
	}
}

/* The instructions are those that rule_compile() lets pass. */
static uint32_t carry_out(const struct filter *filter, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t i = 0; i < filter->len; i++) {
		const struct sock_filter *insn = &filter->insns[i];

		switch (BPF_CLASS(insn->code)) {
		case BPF_LD:
			memcpy(&a, (const char *)data + insn->k, sizeof(a));
			break;
		case BPF_ALU:
			a &= insn->k;
			break;
		case BPF_JMP:
			if (BPF_OP(insn->code) == BPF_JA)
				i += insn->k;
			else
				i += jumps(insn->code, a, insn->k) ? insn->jt : insn->jf;
			break;
		default: /* BPF_RET */
			return insn->k;
		}
	}
	return FELL;
}

/* A value near the border of the condition, on the side where it holds; @step 1 and 2: beside it.
 */
static uint64_t sample(const struct rule_condition *condition, unsigned step)
{
	static const int8_t inside[RULE_OPS] = {[RULE_NE] = 1, [RULE_LT] = -1, [RULE_GT] = 1};
	uint64_t value = condition->value + (uint64_t)(int64_t)inside[condition->op];

	return step == 0 ? value : step == 1 ? value + 1 : value - 1;
}

struct verify {
	const struct filter *filter;
	const struct rule *rules;
	const uint32_t *returns;
	size_t n;
};

/* Is it decided about the call as rule_find() does, with @above in what the kernel ignores? */
static bool decides(const struct verify *verify, const struct rule *about, const uint64_t args[6],
		    uint64_t above)
{
	struct seccomp_data data = {.nr = about->nr, .arch = RULE_ARCH};
	const struct rule *rule;

	for (unsigned arg = 0; arg < 6; arg++)
		data.args[arg] = args[arg];
	for (unsigned i = 0; i < about->n_conditions; i++)
		if (about->conditions[i].bits == 32)
			data.args[about->conditions[i].arg] ^= above;
	rule = rule_find(verify->rules, verify->n, about->nr, (const uint64_t *)data.args);
	return carry_out(verify->filter, &data) ==
	       (rule ? verify->returns[rule - verify->rules] : FELL);
}

static bool is_right(const struct verify *verify, const struct rule *rule)
{
	uint64_t args[6] = {0};
	bool right;

	for (unsigned i = 0; i < rule->n_conditions; i++)
		args[rule->conditions[i].arg] = sample(&rule->conditions[i], 0);
	right = decides(verify, rule, args, 0) &&
		decides(verify, rule, args, UINT64_C(0xa5a5a5a500000000));
	for (unsigned i = 0; i < 2u * rule->n_conditions && right; i++) {
		const struct rule_condition *condition = &rule->conditions[i / 2];
		uint64_t *arg = &args[condition->arg];
		uint64_t inside = *arg;

		*arg = sample(condition, 1 + i % 2);
		right = decides(verify, rule, args, 0);
		*arg = inside;
	}
	return right;
}

static int verify(const struct verify *verify, struct sbx_err *err)
{
	for (size_t i = 0; i < verify->n; i++)
		if (verify->rules[i].nr >= 0 && !is_right(verify, &verify->rules[i]))
			return err_at(err, -EINVAL, verify->rules[i].from.file,
				      verify->rules[i].from.line,
				      "libseccomp compiles this rule about %s wrongly: a faulty "
				      "library?",
				      rule_call_name(&verify->rules[i]));
	return 0;
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

		if (layer == RULES_START && rule_spares_start(rule))
			continue;
		rules[n] = *rule;
		returns[n++] = return_of(policy, layer, rule);
	}
	r = rule_compile(rules, n, returns, prefix, err);
	if (r == 0)
		r = verify(&(struct verify){prefix, rules, returns, n}, err);
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
