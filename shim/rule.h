/* SPDX-License-Identifier: MIT */
/* Own system-call rules: "socket(arg0 == AF_NETLINK) -> errno EACCES" → struct rule, what can be
 * said about rules (whether they can match, hide each other, open what is dangerous), and the same
 * decision in C that rule_compile.h makes of them in BPF. Pure, no allocation, no libc state.
 *
 * A list of rules means: those of deny are looked at first, then those of allow, each in the order
 * of the lines; the first that matches decides; a call that none matches is left to the promises.
 *
 * All comparisons are unsigned. An argument is compared in the width in which the kernel looks at
 * it (rule_calls.c): 32 bits of an int, 16 of a file mode, else 64; what lies above is ignored, as
 * the kernel ignores it (CVE-2019-10063). */
#pragma once

#include "policy.h"

#define RULE_CONDITIONS_MAX   8
#define RULE_ALTERNATIVES_MAX 1024 /* combinations of masked values that one rule comes to */
#define RULE_TEXT_MAX	      2048 /* what rule_format() needs at most, NUL included */
#define RULE_NR_NONE	      (-1) /* a call that another architecture has: matches nothing here */

enum rule_op { RULE_EQ, RULE_NE, RULE_LT, RULE_LE, RULE_GT, RULE_GE, RULE_OPS };

/* (argument & mask) OP value, in the low @bits bits. */
struct rule_condition {
	uint64_t mask;	/* all of @bits unless written with &; then @op is RULE_EQ or RULE_NE */
	uint64_t value; /* within @mask when it is written with & */
	uint8_t arg;	/* 0…5 */
	uint8_t op;	/* enum rule_op */
	uint8_t bits;	/* 16, 32 or 64 */
};

enum rule_action {
	RULE_ALLOW,
	RULE_DENY,  /* as the policy's on_violation says */
	RULE_ERRNO, /* deny: with rule.error */
	RULE_KILL,  /* deny: kill the process */
	RULE_LOG,   /* deny: reported by a supervisor, and let through */
};

/* Self-contained but for @from. */
struct rule {
	struct rule_condition conditions[RULE_CONDITIONS_MAX]; /* all must hold */
	uint16_t call;					       /* which one: rule_call_name() */
	int16_t nr;					       /* its number here; RULE_NR_NONE */
	uint16_t error;					       /* RULE_ERRNO: 1…4095; else 0 */
	uint8_t action;					       /* enum rule_action */
	uint8_t n_conditions;
	struct origin from;
};

/* ---- text ---- */

/* One line of [syscalls], without its key:
 *
 *   NAME | NAME(COND, COND…)        [-> errno NAME | -> kill | -> log]    (actions: deny only)
 *   COND: argN[:32|:64] OP VALUE | argN[:32|:64] & VALUE == VALUE | … != VALUE
 *   OP: == != < <= > >=    VALUE: numbers and names of constants, or'ed with |
 *
 * Returns 0; -EINVAL for an unknown name (with the nearest spelling), an argument that the call
 * does not have, a value that does not fit, conditions that can never hold or that hold always, and
 * a deny without which no program could end (exit_group, rt_sigreturn). *err has from's file and
 * line. *ret changes only on success. */
must_check int rule_parse(const char *text, bool allow, struct origin from, struct rule *ret,
			  struct sbx_err *err) nonnull(1, 4, 5);

/* Text that parses back to an equal rule, without the key, always NUL-terminated; returns its
 * length. Constants by name where the argument's type tells which. For the launcher. */
size_t rule_format(const struct rule *rule, char *buf, size_t size) nonnull(1, 2);

/* The same but for where they come from? */
bool rule_equal(const struct rule *a, const struct rule *b) nonnull(1, 2);

const char *rule_call_name(const struct rule *rule) nonnull(1);

/* ---- what decides ---- */

/* Does the rule match this call? Its action is not looked at. */
bool rule_matches(const struct rule *rule, int nr, const uint64_t args[6]) nonnull(1, 3);

/* The rule that decides about a call of this architecture; NULL: none, the promises do. */
const struct rule *rule_find(const struct rule *rules, size_t n, int nr, const uint64_t args[6])
	nonnull(4);

/* ---- checks ---- */

/* Is there a rule that can never decide, because one that is looked at before it matches whatever
 * it matches? Then -EINVAL, and *err names both. Pairs only: a rule that several others hide
 * together is not found. */
must_check int rules_check_hidden(const struct rule *rules, size_t n, struct sbx_err *err)
	nonnull(3);

/* What a rule lets through that no promise does. It is the master filter that is asked, so that the
 * table stays the one truth; a row that the conditions exclude does not count. Where they are not
 * simple enough to tell, more is said than is so, never less. A rule that denies lets nothing
 * through, one with RULE_LOG does. */
enum rule_opens {
	RULE_OPENS_NEVER = 1 << 0,  /* ROW_NEVER: worth a warning */
	RULE_OPENS_NOSYS = 1 << 1,  /* ROW_NOSYS: clone3, io_uring, a seccomp listener */
	RULE_OPENS_UNSAFE = 1 << 2, /* a way out of every sandbox: io_uring, other processes,
				       namespaces, and whatever is ROW_NOSYS */
};
unsigned rule_opens(const struct rule *rule) nonnull(1);

/* The warning about what @rule opens, one line without its file:line, into @buf; 0 when there is
 * nothing to say, else its length. */
size_t rule_warning(const struct rule *rule, char *buf, size_t size) nonnull(1, 2);

/* Does @rule need `unsafe_syscalls = yes`? */
bool rule_needs_unsafe(const struct rule *rule) nonnull(1);

/* Each rule: -EINVAL, naming it, when it needs unsafe_syscalls and @unsafe is false. */
must_check int rules_check_unsafe(const struct rule *rules, size_t n, bool unsafe,
				  struct sbx_err *err) nonnull(4);

/* ---- names, for prompts and messages ---- */

/* Argument @arg of a call as its signature has it, "int flags", "*buf" (any pointer), "size_t
 * count", into @buf; 0 when the call has no such argument, else its length. */
size_t rule_argument(const char *call, unsigned arg, char *buf, size_t size) nonnull(1, 3);

/* How many the call has; -1: there is no call of that name. */
int rule_argument_count(const char *call) nonnull(1);

/* The value of a constant: "AF_INET". @bits: negative ones (AT_FDCWD) come in that width. */
bool rule_constant(const char *name, size_t len, unsigned bits, uint64_t *ret) nonnull(1, 4);

/* "EACCES" ↔ 13. 0 and NULL: there is none. */
int rule_errno_number(const char *name) nonnull(1);
const char *rule_errno_name(int error);
