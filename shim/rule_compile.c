/* SPDX-License-Identifier: MIT */
/* Rules → BPF.
 *
 * libseccomp compiles; but of what it can compile only this is relied on: rules of one call whose
 * conditions are MASKED_EQ. (Before 2.6.1 it merges 64-bit LT and LE wrongly; EQ with 32 bits wants
 * the high word to be zero.) And since it may not come back from a branch that it has taken, two
 * rules that overlap must not share a tree. So a rule comes to several small filters. There is one
 * for each condition that is easier to say the other way round (arg0 != 3: "where arg0 is 3, this
 * rule is over"), and one for all others together, whose ranges are split into masked values that
 * exclude each other (arg0 < 6: 00…00xx, 00…010x).
 *
 * What each of them tests of the arguments is cut out and joined: architecture and number are then
 * looked at once, and every call without rules passes by a handful of instructions.
 *
 * Longer than other files because it is one way from rules to instructions, whose stations all
 * share one state. */
#include "rule_compile.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <linux/audit.h>
#include <linux/seccomp.h>

#include "libseccomp.h"
#include "rule_parts.h"

#ifdef __aarch64__
#define ARCH_HERE AUDIT_ARCH_AARCH64
#else
#define ARCH_HERE AUDIT_ARCH_X86_64
#endif

#define MATCH	    SCMP_ACT_ERRNO(1) /* what the small filters return, to be replaced */
#define PASS	    SCMP_ACT_ALLOW
#define PROGRAM_MAX (64 * 1024) /* instructions of a small filter that we look at */
#define NODES_MAX   (64 * 1024) /* of all together, before what is not needed is dropped */

/* A place to go to: the index of a node, or one of the labels, which stand for a node that is not
 * there yet; or behind the end. Targets come after their jump. */
#define LABEL_BASE 0x40000000u
#define END	   UINT32_MAX

struct node {
	uint32_t k;
	uint32_t yes, no; /* jumps; other than RET: no is what follows */
	uint16_t code;
};

struct build {
	struct arena arena; /* owned: all below */
	struct work *work;
	int memfd;	 /* owned; -1: none yet */
	off_t memfd_end; /* what is in it was read */
	struct libseccomp lib;
	const struct rule *rule; /* the one that is compiled */
	struct node *nodes;
	size_t n_nodes, cap_nodes;
	uint32_t *labels;
	size_t n_labels, cap_labels;
	uint32_t *go; /* where control really arrives when it is sent to a node */
	uint32_t *at; /* its place in ret->insns; 0: not needed */
	struct filter *ret;
	uint32_t end_at; /* the nearest JA that leads behind the end; 0: none yet */
	unsigned first;	 /* the lowest used place in ret->insns, which fills from its end */
	bool full;
	struct sbx_err *err;
};

static int no_memory(struct build *build)
{
	return err_set(build->err, -ENOMEM, "out of memory");
}

/* About the rule itself. */
#define fail(build, code, ...) \
	err_at((build)->err, code, (build)->rule->from.file, (build)->rule->from.line, __VA_ARGS__)

/* ---- libseccomp ---- */

/* What a small filter matches: of each of these arguments one of its values. */
struct part {
	uint8_t args[6];
	struct rule_values values[6]; /* of args[i] */
	size_t n;
};

/* Room that every small filter uses again: on a virtual machine fresh pages cost more than all
 * else.
 */
struct work {
	struct part part;
	struct rule_values range, both;
	struct sock_filter program[PROGRAM_MAX];
	uint32_t places[PROGRAM_MAX];
};

static int seccomp_failed(struct build *build, const char *what, int r)
{
	return fail(build, r == -ENOMEM ? r : -EINVAL, "libseccomp cannot %s the rule about %s: %s",
		    what, rule_call_name(build->rule), strerrordesc_np(-r));
}

/* One combination of values → libseccomp. */
static int add_combination(struct build *build, scmp_filter_ctx ctx, const struct part *part,
			   const size_t which[6])
{
	struct scmp_arg_cmp cmp[6];

	for (size_t i = 0; i < part->n; i++) {
		const struct rule_masked *masked = &part->values[i].v[which[i]];

		cmp[i] = (struct scmp_arg_cmp){
			.arg = part->args[i],
			.op = SCMP_CMP_MASKED_EQ,
			.datum_a = masked->mask,
			.datum_b = masked->value,
		};
	}
	return build->lib.rule_add_exact_array(ctx, MATCH, build->rule->nr, (unsigned)part->n, cmp);
}

static int add_combinations(struct build *build, scmp_filter_ctx ctx, const struct part *part)
{
	size_t which[6] = {0};
	size_t count = 1, i;
	int r;

	for (i = 0; i < part->n; i++) {
		count *= part->values[i].n;
		if (part->values[i].full || count > RULE_ALTERNATIVES_MAX)
			return fail(build, -E2BIG,
				    "the conditions of this rule about %s come to more than %d "
				    "combinations of values: split it",
				    rule_call_name(build->rule), RULE_ALTERNATIVES_MAX);
	}
	do {
		r = add_combination(build, ctx, part, which);
		if (r < 0)
			return seccomp_failed(build, "take", r);
		for (i = part->n; i-- > 0;) { /* the last argument turns fastest */
			if (++which[i] < part->values[i].n)
				break;
			which[i] = 0;
		}
	} while (i < part->n);
	return 0;
}

/* Before 2.6 libseccomp writes to a descriptor only: behind what it wrote before. */
static int export_by_memfd(struct build *build, scmp_filter_ctx ctx, size_t *ret_size)
{
	ssize_t n;
	int r;

	if (build->memfd < 0)
		build->memfd = memfd_create("rules", MFD_CLOEXEC);
	if (build->memfd < 0)
		return err_set(build->err, -errno, "cannot create a memfd: %m");
	r = build->lib.export_bpf(ctx, build->memfd);
	if (r < 0)
		return seccomp_failed(build, "compile", r);
	n = pread(build->memfd, build->work->program, sizeof(build->work->program),
		  build->memfd_end);
	if (n < 0)
		return err_set(build->err, -errno, "cannot read what libseccomp compiled: %m");
	build->memfd_end += n;
	*ret_size = (size_t)n;
	return 0;
}

static int export_program(struct build *build, scmp_filter_ctx ctx, size_t *ret_len)
{
	const size_t insn = sizeof(build->work->program[0]);
	size_t size = sizeof(build->work->program);
	int r;

	if (build->lib.export_bpf_mem) {
		r = build->lib.export_bpf_mem(ctx, build->work->program, &size);
		r = r < 0 ? seccomp_failed(build, "compile", r) : 0;
	} else {
		r = export_by_memfd(build, ctx, &size);
	}
	if (r < 0)
		return r;
	if (!size || size >= sizeof(build->work->program) || size % insn)
		return fail(build, -E2BIG, "the rule about %s comes to too many instructions",
			    rule_call_name(build->rule));
	*ret_len = size / insn;
	return 0;
}

/* Into work->program. */
static int compile_part(struct build *build, const struct part *part, size_t *ret_len)
{
	scmp_filter_ctx ctx = build->lib.init(PASS);
	int r;

	if (!ctx)
		return no_memory(build);
	r = build->lib.attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, PASS);
	r = r < 0 ? seccomp_failed(build, "begin", r) : add_combinations(build, ctx, part);
	if (r >= 0)
		r = export_program(build, ctx, ret_len);
	build->lib.release(ctx);
	return r;
}

/* ---- libseccomp's program → nodes ---- */

static int add_node(struct build *build, const struct node *node, uint32_t *ret)
{
	if (build->n_nodes == NODES_MAX)
		return fail(build, -E2BIG, "the system-call rules come to too many instructions");
	if (arena_grow(&build->arena, (void **)&build->nodes, &build->cap_nodes, build->n_nodes,
		       sizeof(*node)) < 0)
		return no_memory(build);
	*ret = (uint32_t)build->n_nodes;
	build->nodes[build->n_nodes++] = *node;
	return 0;
}

static int add_label(struct build *build, uint32_t *ret)
{
	if (arena_grow(&build->arena, (void **)&build->labels, &build->cap_labels, build->n_labels,
		       sizeof(*build->labels)) < 0)
		return no_memory(build);
	*ret = LABEL_BASE + (uint32_t)build->n_labels;
	build->labels[build->n_labels++] = END;
	return 0;
}

static void set_label(struct build *build, uint32_t label, uint32_t target)
{
	build->labels[label - LABEL_BASE] = target;
}

static bool jump_test(uint16_t code, uint32_t a, uint32_t k)
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

static bool is_known_jump(uint16_t code)
{
	return code == (BPF_JMP | BPF_JEQ | BPF_K) || code == (BPF_JMP | BPF_JGE | BPF_K) ||
	       code == (BPF_JMP | BPF_JGT | BPF_K) || code == (BPF_JMP | BPF_JSET | BPF_K);
}

/* A small filter, and what becomes of its instructions. */
struct import {
	const struct sock_filter *program;
	size_t len;
	uint32_t match, pass; /* where its two answers lead */
	uint32_t *places;     /* of each instruction: its node; END: not reached */
};

/* Follow the program for a call of this architecture and @nr up to where it looks at arguments, or
 * answers. Returns the index; the length: it is not what we know of libseccomp. */
static size_t find_body(const struct import *import, int nr)
{
	uint32_t a = 0;

	for (size_t i = 0; i < import->len; i++) {
		const struct sock_filter *insn = &import->program[i];

		if (insn->code == (BPF_LD | BPF_W | BPF_ABS) &&
		    insn->k == offsetof(struct seccomp_data, nr))
			a = (uint32_t)nr;
		else if (insn->code == (BPF_LD | BPF_W | BPF_ABS) &&
			 insn->k == offsetof(struct seccomp_data, arch))
			a = ARCH_HERE;
		else if (is_known_jump(insn->code))
			i += jump_test(insn->code, a, insn->k) ? insn->jt : insn->jf;
		else if (insn->code == (BPF_JMP | BPF_JA))
			i += insn->k;
		else
			return i;
	}
	return import->len;
}

/* Is it an instruction that looks at arguments, or that answers? Its jumps must stay inside. */
static bool is_understood(const struct import *import, size_t i)
{
	const struct sock_filter *insn = &import->program[i];
	size_t rest = import->len - i - 1;

	switch (insn->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		return insn->k >= offsetof(struct seccomp_data, args) &&
		       insn->k < sizeof(struct seccomp_data) && insn->k % sizeof(uint32_t) == 0 &&
		       rest;
	case BPF_ALU | BPF_AND | BPF_K:
		return rest;
	case BPF_JMP | BPF_JA:
		return insn->k < rest;
	case BPF_RET | BPF_K:
		return insn->k == MATCH || insn->k == PASS;
	default:
		return is_known_jump(insn->code) && insn->jt < rest && insn->jf < rest;
	}
}

static uint32_t place_of(const struct import *import, size_t i)
{
	while (import->program[i].code == (BPF_JMP | BPF_JA))
		i += 1 + import->program[i].k;
	if (import->program[i].code == (BPF_RET | BPF_K))
		return import->program[i].k == MATCH ? import->match : import->pass;
	return import->places[i];
}

static void reach(const struct import *import, size_t i)
{
	import->places[i] = 0;
}

/* Mark what can be reached from @start: 0 in places. Returns false when it is not understood. */
static bool mark_reached(const struct import *import, size_t start)
{
	reach(import, start);
	for (size_t i = start; i < import->len; i++) {
		const struct sock_filter *insn = &import->program[i];

		if (import->places[i] == END)
			continue;
		if (!is_understood(import, i))
			return false;
		if (is_known_jump(insn->code)) {
			reach(import, i + 1 + insn->jt);
			reach(import, i + 1 + insn->jf);
		} else if (insn->code == (BPF_JMP | BPF_JA)) {
			reach(import, i + 1 + insn->k);
		} else if (BPF_CLASS(insn->code) != BPF_RET) {
			reach(import, i + 1);
		}
	}
	return true;
}

static int import_nodes(struct build *build, const struct import *import, size_t start)
{
	int r = 0;

	for (size_t i = start; i < import->len && r >= 0; i++) {
		const struct sock_filter *insn = &import->program[i];
		const struct node node = {.code = insn->code, .k = insn->k};

		if (import->places[i] != END && BPF_CLASS(insn->code) != BPF_RET &&
		    insn->code != (BPF_JMP | BPF_JA))
			r = add_node(build, &node, &import->places[i]);
	}
	for (size_t i = start; i < import->len && r >= 0; i++) {
		const struct sock_filter *insn = &import->program[i];
		struct node *node;

		if (import->places[i] == END || BPF_CLASS(insn->code) == BPF_RET ||
		    insn->code == (BPF_JMP | BPF_JA))
			continue;
		node = &build->nodes[import->places[i]];
		node->no = place_of(import, i + 1 + (is_known_jump(insn->code) ? insn->jf : 0));
		node->yes =
			is_known_jump(insn->code) ? place_of(import, i + 1 + insn->jt) : node->no;
	}
	return r;
}

/* Compile @part; where it matches go to @match, else to @pass. *ret_entry: where it begins. */
static int add_part(struct build *build, const struct part *part, uint32_t match, uint32_t pass,
		    uint32_t *ret_entry)
{
	struct import import = {
		.program = build->work->program,
		.places = build->work->places,
		.match = match,
		.pass = pass,
	};
	size_t start;
	int r;

	r = compile_part(build, part, &import.len);
	if (r < 0)
		return r;
	memset(import.places, 0xff, import.len * sizeof(*import.places)); /* END */
	start = find_body(&import, build->rule->nr);
	if (start == import.len || !mark_reached(&import, start))
		return fail(build, -EINVAL,
			    "libseccomp compiles the rule about %s in a way that is not understood",
			    rule_call_name(build->rule));
	r = import_nodes(build, &import, start);
	if (r >= 0)
		*ret_entry = place_of(&import, start);
	return r;
}

/* ---- rules → nodes ---- */

/* A part of its own for one condition, said the other way round: where that holds, the rule is
 * over.
 * @entry: a label for where it begins; *ret_next: the label behind it. */
static int add_negated(struct build *build, const struct rule_condition *condition,
		       uint32_t rule_end, uint32_t entry, uint32_t *ret_next)
{
	struct rule_condition other = rule_condition_negate(condition);
	struct part *part = &build->work->part;
	uint32_t place;
	int r;

	part->args[0] = other.arg;
	part->n = 1;
	rule_values_clear(&part->values[0]);
	rule_values_add(&part->values[0], &other);
	r = add_label(build, ret_next);
	if (r >= 0)
		r = add_part(build, part, rule_end, *ret_next, &place);
	if (r >= 0)
		set_label(build, entry, place);
	return r;
}

/* All other conditions, each argument once. */
static void fill_part(struct work *work, const struct rule *rule)
{
	struct part *part = &work->part;

	part->n = 0;
	for (uint8_t arg = 0; arg < 6; arg++) {
		struct rule_values *values = &part->values[part->n];
		bool any = false;

		rule_values_all(values);
		for (unsigned i = 0; i < rule->n_conditions; i++) {
			const struct rule_condition *condition = &rule->conditions[i];

			if (condition->arg != arg || rule_condition_is_negated(condition))
				continue;
			rule_values_clear(&work->range);
			rule_values_add(&work->range, condition);
			rule_values_intersect(values, &work->range, &work->both);
			any = true;
		}
		if (any)
			part->args[part->n++] = arg;
	}
}

/* One rule, from @entry on; *ret_next: the label behind it. */
static int add_rule(struct build *build, const struct rule *rule, uint32_t returns, uint32_t entry,
		    uint32_t *ret_next)
{
	const struct node answer = {.code = BPF_RET | BPF_K, .k = returns};
	uint32_t match, place;
	int r;

	build->rule = rule;
	r = add_label(build, ret_next);
	if (r >= 0)
		r = add_label(build, &match);
	for (unsigned i = 0; i < rule->n_conditions && r >= 0; i++)
		if (rule_condition_is_negated(&rule->conditions[i]))
			r = add_negated(build, &rule->conditions[i], *ret_next, entry, &entry);
	if (r < 0)
		return r;
	fill_part(build->work, rule);
	r = add_part(build, &build->work->part, match, *ret_next, &place);
	if (r < 0)
		return r;
	set_label(build, entry, place);
	r = add_node(build, &answer, &place);
	if (r >= 0)
		set_label(build, match, place);
	return r;
}

/* All rules about call @nr, those that deny first. */
static int add_rules_of(struct build *build, const struct rule *rules, size_t n,
			const uint32_t *returns, int nr, uint32_t entry)
{
	int r = 0;

	for (size_t i = 0; i < 2 * n && r >= 0; i++) {
		const struct rule *rule = &rules[i % n];

		if (rule->nr == nr && (rule->action == RULE_ALLOW) == (i >= n))
			r = add_rule(build, rule, returns[i % n], entry, &entry);
	}
	return r;
}

static bool is_first_of_call(const struct rule *rules, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (rules[j].nr == rules[i].nr)
			return false;
	return rules[i].nr >= 0;
}

/* The architecture and the number, which lead to each call's rules; then those. */
static int add_rules(struct build *build, const struct rule *rules, size_t n,
		     const uint32_t *returns)
{
	const struct node head[] = {
		{.code = BPF_LD | BPF_W | BPF_ABS,
		 .k = offsetof(struct seccomp_data, arch),
		 .no = 1},
		{.code = BPF_JMP | BPF_JEQ | BPF_K, .k = ARCH_HERE, .yes = 2, .no = END},
		{.code = BPF_LD | BPF_W | BPF_ABS, .k = offsetof(struct seccomp_data, nr), .no = 3},
	};
	size_t calls = 0, first_label = build->n_labels;
	uint32_t place = 0, label;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		calls += is_first_of_call(rules, i);
	for (size_t i = 0; i < ARRAY_SIZE(head) && calls && r >= 0; i++)
		r = add_node(build, &head[i], &place);
	for (size_t i = 0; i < n && r >= 0; i++) {
		struct node test = {.code = BPF_JMP | BPF_JEQ | BPF_K, .k = (uint32_t)rules[i].nr};

		if (!is_first_of_call(rules, i))
			continue;
		r = add_label(build, &test.yes);
		test.no = --calls ? (uint32_t)build->n_nodes + 1 : END;
		if (r >= 0)
			r = add_node(build, &test, &place);
	}
	label = LABEL_BASE + (uint32_t)first_label;
	for (size_t i = 0; i < n && r >= 0; i++)
		if (is_first_of_call(rules, i))
			r = add_rules_of(build, rules, n, returns, rules[i].nr, label++);
	return r;
}

/* ---- nodes → instructions ---- */

static const struct node *node_at(const struct build *build, uint32_t place)
{
	return &build->nodes[place];
}

/* Where a jump to @target really leads. */
static uint32_t arrive(const struct build *build, uint32_t target)
{
	while (target != END && target >= LABEL_BASE)
		target = build->labels[target - LABEL_BASE];
	return target == END ? END : build->go[target];
}

/* From @place on, with 0 in the accumulator: libseccomp masks and compares the upper half of what
 * has 32 bits, too. */
static uint32_t arrive_with_zero(const struct build *build, uint32_t place)
{
	while (place != END) {
		const struct node *node = node_at(build, place);

		if (BPF_CLASS(node->code) == BPF_JMP)
			place = arrive(build,
				       jump_test(node->code, 0, node->k) ? node->yes : node->no);
		else if (BPF_CLASS(node->code) == BPF_ALU)
			place = arrive(build, node->no);
		else
			break;
	}
	return place;
}

/* Nobody looks at the accumulator from there on. */
static bool is_fresh(const struct build *build, uint32_t place)
{
	return place == END || BPF_CLASS(node_at(build, place)->code) == BPF_LD ||
	       BPF_CLASS(node_at(build, place)->code) == BPF_RET;
}

/* Is @node a mask that changes nothing, for it takes nothing away or less than what follows does?
 */
static bool is_masked_again(const struct build *build, const struct node *node, uint32_t place)
{
	const struct node *next = node_at(build, place);

	return BPF_CLASS(node->code) == BPF_ALU &&
	       (node->k == UINT32_MAX ||
		(BPF_CLASS(next->code) == BPF_ALU && !(next->k & ~node->k)));
}

static void resolve(struct build *build)
{
	for (uint32_t i = (uint32_t)build->n_nodes; i-- > 0;) {
		const struct node *node = node_at(build, i);
		uint32_t go = i, next;

		if (BPF_CLASS(node->code) == BPF_RET) {
			build->go[i] = go;
			continue;
		}
		next = arrive(build, node->no);
		if (BPF_CLASS(node->code) == BPF_JMP)
			go = arrive(build, node->yes) == next ? next : i;
		else if (is_fresh(build, next) || is_masked_again(build, node, next))
			go = next;
		else if (BPF_CLASS(node->code) == BPF_ALU && node->k == 0)
			go = arrive_with_zero(build, next);
		build->go[i] = go;
	}
}

static void need(struct build *build, uint32_t place)
{
	if (place != END)
		build->at[place] = 1;
}

/* Mark what can be reached; at[] gets the real place later, from the end. */
static void mark(struct build *build)
{
	need(build, build->go[0]);
	for (uint32_t i = 0; i < build->n_nodes; i++) {
		const struct node *node = node_at(build, i);

		if (!build->at[i] || BPF_CLASS(node->code) == BPF_RET)
			continue;
		need(build, arrive(build, node->no));
		if (BPF_CLASS(node->code) == BPF_JMP)
			need(build, arrive(build, node->yes));
	}
}

static uint32_t emit(struct build *build, unsigned code, unsigned jt, unsigned jf, uint32_t k)
{
	if (build->first == 0) {
		build->full = true;
		return 0;
	}
	build->first--;
	build->ret->insns[build->first] = (struct sock_filter){
		.code = (uint16_t)code, .jt = (uint8_t)jt, .jf = (uint8_t)jf, .k = k};
	return build->first;
}

/* An instruction that leads to @place and lies at most @reach behind the one that is emitted next:
 * the place itself, or a JA on the way, or another RET of the same. */
static uint32_t near(struct build *build, uint32_t place, unsigned far_reach)
{
	uint32_t found = place == END ? FILTER_MAX : build->at[place];

	if (found - build->first <= far_reach)
		return found;
	if (place == END && build->end_at && build->end_at - build->first <= far_reach)
		return build->end_at;
	if (place != END && BPF_CLASS(node_at(build, place)->code) == BPF_RET) {
		build->at[place] = emit(build, BPF_RET | BPF_K, 0, 0, node_at(build, place)->k);
		return build->at[place];
	}
	found = emit(build, BPF_JMP | BPF_JA, 0, 0, found - build->first);
	if (place == END)
		build->end_at = found;
	return found;
}

static void emit_node(struct build *build, const struct node *node)
{
	uint32_t yes, no;

	if (BPF_CLASS(node->code) == BPF_RET) {
		(void)emit(build, node->code, 0, 0, node->k);
	} else if (BPF_CLASS(node->code) == BPF_JMP) {
		/* One less than 255: what the other branch may need could come in between. */
		yes = near(build, arrive(build, node->yes), 254);
		no = near(build, arrive(build, node->no), 254);
		(void)emit(build, node->code, yes - build->first, no - build->first, node->k);
	} else {
		(void)near(build, arrive(build, node->no), 0);
		(void)emit(build, node->code, 0, 0, node->k);
	}
}

static int emit_all(struct build *build)
{
	struct filter *ret = build->ret;

	build->go = arena_alloc(&build->arena, build->n_nodes * sizeof(*build->go));
	build->at = arena_alloc(&build->arena, build->n_nodes * sizeof(*build->at));
	if (!build->go || !build->at)
		return no_memory(build);
	resolve(build);
	mark(build);
	build->first = FILTER_MAX;
	for (uint32_t i = (uint32_t)build->n_nodes; i-- > 0 && !build->full;) {
		if (!build->at[i])
			continue;
		emit_node(build, node_at(build, i));
		build->at[i] = build->first;
	}
	if (build->full)
		return err_set(build->err, -E2BIG,
			       "the system-call rules come to more than %d instructions",
			       FILTER_MAX);
	ret->len = (unsigned short)(FILTER_MAX - build->first);
	memmove(ret->insns, ret->insns + build->first, ret->len * sizeof(ret->insns[0]));
	return 0;
}

static int compile(struct build *build, const struct rule *rules, size_t n, const uint32_t *returns)
{
	int r;

	build->work = arena_alloc(&build->arena, sizeof(*build->work));
	if (!build->work)
		return no_memory(build);
	r = libseccomp_open(&build->lib, build->err);
	if (r < 0)
		return r;
	r = add_rules(build, rules, n, returns);
	close_fd(&build->memfd);
	libseccomp_close(&build->lib);
	return r < 0 ? r : emit_all(build);
}

int rule_compile(const struct rule *rules, size_t n, const uint32_t *returns, struct filter *ret,
		 struct sbx_err *err)
{
	struct build build = {.memfd = -1, .ret = ret, .err = err};
	bool any = false;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		any |= rules[i].nr >= 0;
	ret->len = 0;
	if (any)
		r = compile(&build, rules, n, returns);
	arena_done(&build.arena);
	return r;
}

int rule_prepend(const struct filter *rules, struct filter *filter, struct sbx_err *err)
{
	if (rules->len + filter->len > FILTER_MAX)
		return err_set(err, -E2BIG,
			       "the filter and the system-call rules come to more than %d "
			       "instructions: %u and %u",
			       FILTER_MAX, filter->len, rules->len);
	memmove(filter->insns + rules->len, filter->insns, filter->len * sizeof(filter->insns[0]));
	memcpy(filter->insns, rules->insns, rules->len * sizeof(filter->insns[0]));
	filter->len = (unsigned short)(filter->len + rules->len);
	return 0;
}
