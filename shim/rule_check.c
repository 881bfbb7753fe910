/* SPDX-License-Identifier: MIT */
/* Whether conditions can hold together, whether one rule hides another, and what a rule opens. */
#include "rule_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/audit.h>
#include <linux/seccomp.h>

#include "master.h"

/* ---- can conditions hold together? ---- */

/* The value is chosen bit by bit, the highest first. Of a condition nothing needs to be known but
 * whether the bits so far are those of its own value ("tied") or have decided it already. So the
 * state is one bit for each condition, and the set of states that can be reached is small. */
#define STATES (1u << RULE_SATISFY_MAX)

/* The next state of the condition when @bit of the value is @is: tied, loose, or dead. */
enum tie { LOOSE, TIED, DEAD };

static enum tie tie_step(const struct rule_condition *condition, unsigned bit, bool is)
{
	bool want = condition->value >> bit & 1;

	if (!(condition->mask >> bit & 1) || is == want)
		return TIED;
	switch ((enum rule_op)condition->op) {
	case RULE_EQ:
		return DEAD;
	case RULE_NE:
		return LOOSE;
	case RULE_LT:
	case RULE_LE:
		return is ? DEAD : LOOSE;
	default: /* RULE_GT, RULE_GE */
		return is ? LOOSE : DEAD;
	}
}

/* Returns the state behind @state; STATES when the value is out. */
static unsigned state_step(const struct rule_condition *const *conditions, size_t n, unsigned state,
			   unsigned bit, bool is)
{
	for (size_t i = 0; i < n; i++) {
		if (!(state >> i & 1))
			continue;
		switch (tie_step(conditions[i], bit, is)) {
		case DEAD:
			return STATES;
		case LOOSE:
			state &= ~(1u << i);
			break;
		case TIED:
			break;
		}
	}
	return state;
}

/* Does the value hold that is tied to the conditions of @state to its last bit? */
static bool state_holds(const struct rule_condition *const *conditions, size_t n, unsigned state)
{
	for (size_t i = 0; i < n; i++) {
		enum rule_op op = conditions[i]->op;

		if ((state >> i & 1) && (op == RULE_NE || op == RULE_LT || op == RULE_GT))
			return false;
	}
	return true;
}

/* A set of states: which are in it, and a list of them. */
struct states {
	uint64_t bits[STATES / 64];
	uint16_t list[STATES];
	unsigned n;
};

static void states_add(struct states *states, unsigned state)
{
	uint64_t *word = &states->bits[state / 64];
	uint64_t one = UINT64_C(1) << state % 64;

	if (*word & one)
		return;
	*word |= one;
	states->list[states->n++] = (uint16_t)state;
}

static void states_clear(struct states *states)
{
	while (states->n > 0)
		states->bits[states->list[--states->n] / 64] = 0;
}

bool rule_satisfiable(const struct rule_condition *const *conditions, size_t n)
{
	struct states sets[2];
	struct states *now = &sets[0], *then = &sets[1];
	unsigned start = (1u << n) - 1;
	uint64_t masks = 0;

	for (size_t i = 0; i < n; i++) {
		masks |= conditions[i]->mask;
		if (!(conditions[i]->value & ~conditions[i]->mask))
			continue;
		if (conditions[i]->op != RULE_NE)
			return false;
		start &= ~(1u << i);
	}
	for (unsigned i = 0; i < 2; i++) {
		memset(sets[i].bits, 0, (start / 64 + 1) * sizeof(sets[i].bits[0]));
		sets[i].n = 0;
	}
	states_add(now, start);
	for (unsigned bit = 64; bit-- > 0;) {
		struct states *swap = now;

		if (!(masks >> bit & 1))
			continue;
		states_clear(then);
		for (unsigned i = 0; i < 2 * now->n; i++) {
			unsigned next = state_step(conditions, n, now->list[i / 2], bit, i % 2);

			if (next != STATES)
				states_add(then, next);
		}
		now = then;
		then = swap;
	}
	for (unsigned i = 0; i < now->n; i++)
		if (state_holds(conditions, n, now->list[i]))
			return true;
	return false;
}

struct rule_condition rule_condition_negate(const struct rule_condition *condition)
{
	static const uint8_t opposite[RULE_OPS] = {
		[RULE_EQ] = RULE_NE, [RULE_NE] = RULE_EQ, [RULE_LT] = RULE_GE,
		[RULE_LE] = RULE_GT, [RULE_GT] = RULE_LE, [RULE_GE] = RULE_LT,
	};
	struct rule_condition negated = *condition;

	negated.op = opposite[condition->op];
	return negated;
}

/* The conditions of @rule on @arg into @ret. Returns how many. */
static size_t conditions_on(const struct rule *rule, unsigned arg,
			    const struct rule_condition *ret[RULE_CONDITIONS_MAX])
{
	size_t n = 0;

	for (unsigned i = 0; i < rule->n_conditions; i++)
		if (rule->conditions[i].arg == arg)
			ret[n++] = &rule->conditions[i];
	return n;
}

/* ---- does one rule hide another? ---- */

/* Does @first match whatever @second does? */
static bool covers(const struct rule *first, const struct rule *second)
{
	if (first->nr != second->nr || first->nr < 0)
		return false;
	for (unsigned i = 0; i < first->n_conditions; i++) {
		struct rule_condition outside = rule_condition_negate(&first->conditions[i]);
		const struct rule_condition *together[RULE_CONDITIONS_MAX + 1];
		size_t n = conditions_on(second, outside.arg, together);

		together[n++] = &outside;
		if (rule_satisfiable(together, n))
			return false;
	}
	return true;
}

static bool is_before(const struct rule *rules, size_t i, size_t j)
{
	bool allow_i = rules[i].action == RULE_ALLOW, allow_j = rules[j].action == RULE_ALLOW;

	return allow_i == allow_j ? i < j : !allow_i;
}

static int hidden(const struct rule *rule, const struct rule *by, struct sbx_err *err)
{
	const char *kind = by->action == RULE_ALLOW ? "allow" : "deny";
	char place[256];

	if (by->from.line)
		(void)snprintf(place, sizeof(place), "%s:%u", by->from.file, by->from.line);
	else /* a cut name still helps */
		(void)snprintf(place, sizeof(place), "%s", by->from.file ? by->from.file : "");
	return err_at(err, -EINVAL, rule->from.file, rule->from.line,
		      "this rule about %s never decides: the %s rule of %s matches whatever it "
		      "does, and is looked at first",
		      rule_call_name(rule), kind, place);
}

int rules_check_hidden(const struct rule *rules, size_t n, struct sbx_err *err)
{
	for (size_t j = 0; j < n; j++)
		for (size_t i = 0; i < n; i++)
			if (i != j && is_before(rules, i, j) && covers(&rules[i], &rules[j]))
				return hidden(&rules[j], &rules[i], err);
	return 0;
}

/* ---- what a rule opens ---- */

/* Ways out of any sandbox: namespaces, other processes, io_uring. The rest of the table's "never"
 * rows change the machine or the session, which a person may want; these make promises and unveils
 * mean nothing. */
static const char unsafe[][20] = {
	"clone",
	"clone3",
	"unshare",
	"setns",
	"mount",
	"umount2",
	"pivot_root",
	"chroot",
	"open_tree",
	"open_tree_attr",
	"move_mount",
	"mount_setattr",
	"fsopen",
	"fsconfig",
	"fsmount",
	"fspick",
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"process_madvise",
	"process_mrelease",
	"pidfd_getfd",
	"kcmp",
	"move_pages",
	"migrate_pages",
	"io_uring_setup",
	"io_uring_enter",
	"io_uring_register",
};

#define PATH_MAX_UNEQUAL 4 /* how many values that it is not are remembered of an argument */

_Static_assert(RULE_CONDITIONS_MAX + PATH_MAX_UNEQUAL + 2 <= RULE_SATISFY_MAX,
	       "what is known of an argument must fit rule_satisfiable()");

/* What the way through the master says of one argument. */
struct known {
	struct rule_condition equal; /* all masks of one value; mask 0: nothing */
	struct rule_condition unequal[PATH_MAX_UNEQUAL];
	unsigned n_unequal;
};

/* A way through the master, for all calls that the rule matches. */
struct walk {
	const struct master *master;
	const struct rule *rule;
	unsigned *opens;
};

struct place {
	unsigned index; /* of a node */
	uint32_t word;	/* what is in the accumulator: an offset in struct seccomp_data */
	uint32_t mask;
	struct known known[6];
};

static uint32_t arch_here(void)
{
#ifdef __aarch64__
	return AUDIT_ARCH_AARCH64;
#else
	return AUDIT_ARCH_X86_64;
#endif
}

/* Can the argument be like that, with all that is known of it? */
static bool possible(const struct walk *walk, const struct place *place,
		     const struct rule_condition *more)
{
	const struct rule_condition *all[RULE_SATISFY_MAX];
	const struct known *known = &place->known[more->arg];
	size_t n = conditions_on(walk->rule, more->arg, all);

	all[n++] = more;
	if (known->equal.mask)
		all[n++] = &known->equal;
	for (unsigned i = 0; i < known->n_unequal; i++)
		all[n++] = &known->unequal[i];
	return rule_satisfiable(all, n);
}

static void learn(struct place *place, const struct rule_condition *fact)
{
	struct known *known = &place->known[fact->arg];

	if (fact->op == RULE_EQ) {
		known->equal.mask |= fact->mask;
		known->equal.value |= fact->value;
		known->equal.bits = 64;
		known->equal.arg = fact->arg;
	} else if (known->n_unequal < PATH_MAX_UNEQUAL) {
		known->unequal[known->n_unequal++] = *fact;
	}
}

static bool test(const struct master_node *node, uint32_t a)
{
	switch (BPF_OP(node->code)) {
	case BPF_JEQ:
		return a == node->k;
	case BPF_JGE:
		return a >= node->k;
	default: /* gen-master knows no other test than BPF_JGT */
		return a > node->k;
	}
}

static void walk_end(const struct walk *walk, const struct master_node *node)
{
	const struct master *master = walk->master;
	uint64_t kind;

	if ((node->k & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO)
		return; /* another architecture's */
	kind = master->requirements[master->tags[node->k & SECCOMP_RET_DATA]].kind;
	if (kind == ROW_NEVER)
		*walk->opens |= RULE_OPENS_NEVER;
	else if (kind == ROW_NOSYS)
		*walk->opens |= RULE_OPENS_NOSYS;
}

static void walk_from(const struct walk *walk, struct place place);

/* Both ways from a test of an argument: the one where it holds at once, the other is what @place
 * becomes. Returns false when there is no other. */
static bool walk_argument(const struct walk *walk, const struct master_node *node,
			  struct place *place)
{
	const uint32_t first = offsetof(struct seccomp_data, args);
	const unsigned shift = (place->word - first) % 8 ? 32 : 0; /* little-endian */
	/* Who it is itself is not known here; and gen-master tests arguments for equality only. */
	const bool unknown = BPF_OP(node->code) != BPF_JEQ || node->k == MATCH_SELF;
	struct rule_condition fact = {
		.mask = (uint64_t)place->mask << shift,
		.value = (uint64_t)node->k << shift,
		.arg = (uint8_t)((place->word - first) / 8),
		.op = RULE_EQ,
		.bits = 64,
	};
	struct place holds = *place;

	if (unknown || possible(walk, place, &fact)) {
		if (!unknown)
			learn(&holds, &fact);
		holds.index = node->next_true;
		walk_from(walk, holds);
	}
	fact.op = RULE_NE;
	if (!unknown && !possible(walk, place, &fact))
		return false;
	if (!unknown)
		learn(place, &fact);
	place->index = node->next;
	return true;
}

static void walk_from(const struct walk *walk, struct place place)
{
	for (;;) {
		const struct master_node *node = &walk->master->nodes[place.index];

		switch (BPF_CLASS(node->code)) {
		case BPF_RET:
			walk_end(walk, node);
			return;
		case BPF_LD:
			place.word = node->k;
			place.mask = UINT32_MAX;
			place.index = node->next;
			break;
		case BPF_ALU:
			place.mask &= node->k;
			place.index = node->next;
			break;
		default:
			if (place.word == offsetof(struct seccomp_data, nr))
				place.index = test(node, (uint32_t)walk->rule->nr) ? node->next_true
										   : node->next;
			else if (place.word == offsetof(struct seccomp_data, arch))
				place.index =
					test(node, arch_here()) ? node->next_true : node->next;
			else if (!walk_argument(walk, node, &place))
				return;
			break;
		}
	}
}

unsigned rule_opens(const struct rule *rule)
{
	const struct master master = MASTER_HERE;
	unsigned opens = 0;
	const struct walk walk = {.master = &master, .rule = rule, .opens = &opens};
	const struct place start = {0};
	const char *name = rule_call_name(rule);

	if (rule->nr < 0 || (rule->action != RULE_ALLOW && rule->action != RULE_LOG))
		return 0;
	walk_from(&walk, start);
	if (opens & RULE_OPENS_NOSYS)
		opens |= RULE_OPENS_UNSAFE;
	for (size_t i = 0; opens && i < ARRAY_SIZE(unsafe); i++)
		if (strcmp(unsafe[i], name) == 0)
			opens |= RULE_OPENS_UNSAFE;
	return opens;
}

bool rule_needs_unsafe(const struct rule *rule)
{
	return rule_opens(rule) & RULE_OPENS_UNSAFE;
}

size_t rule_warning(const struct rule *rule, char *buf, size_t size)
{
	unsigned opens = rule_opens(rule);
	int n;

	if (!opens)
		return 0;
	if (opens & RULE_OPENS_UNSAFE)
		n = snprintf(buf, size,
			     "warning: this rule lets %s through, with which a program can leave "
			     "its sandbox",
			     rule_call_name(rule));
	else
		n = snprintf(buf, size,
			     "warning: this rule lets %s through, which no promise permits",
			     rule_call_name(rule));
	return n > 0 ? (size_t)n : 0;
}

int rules_check_unsafe(const struct rule *rules, size_t n, bool is_unsafe, struct sbx_err *err)
{
	for (size_t i = 0; i < n && !is_unsafe; i++)
		if (rule_needs_unsafe(&rules[i]))
			return err_at(err, -EINVAL, rules[i].from.file, rules[i].from.line,
				      "with %s a program can leave its sandbox: allowed only where "
				      "[sandbox] says unsafe_syscalls = yes",
				      rule_call_name(&rules[i]));
	return 0;
}
