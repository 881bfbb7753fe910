/* SPDX-License-Identifier: MIT */
/* Pure. Rules in BPF, run in the interpreter, against rule_find(), which shares nothing with the
 * compiler but the struct; and a few against what is written down here. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <linux/audit.h>

#include "../shim/master.h"
#include "../shim/rule_compile.h"
#include "../shim/rule_parts.h"
#include "interp.h"

#ifdef __aarch64__
#define ARCH_HERE  AUDIT_ARCH_AARCH64
#define ARCH_OTHER AUDIT_ARCH_X86_64
#else
#define ARCH_HERE  AUDIT_ARCH_X86_64
#define ARCH_OTHER AUDIT_ARCH_AARCH64
#endif
#define X32_BIT	  0x40000000
#define FELL	  (SECCOMP_RET_ERRNO | 0xfff) /* what stands behind the rules returns */
#define RULES_MAX 12

/* A list of rules with the program that it comes to, ended by one instruction more. */
struct compiled {
	struct rule rules[RULES_MAX];
	uint32_t returns[RULES_MAX];
	size_t n;
	struct filter filter;
	size_t without; /* length without what was appended */
};

static int compile(struct compiled *c, struct sbx_err *err)
{
	static struct filter prefix;
	int r;

	for (size_t i = 0; i < c->n; i++)
		c->returns[i] = SECCOMP_RET_TRAP | (uint32_t)i;
	r = rule_compile(c->rules, c->n, c->returns, &prefix, err);
	if (r < 0)
		return r;
	c->filter.len = 1;
	c->filter.insns[0] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, FELL);
	c->without = prefix.len;
	return rule_prepend(&prefix, &c->filter, err);
}

static void expect_valid(const struct compiled *c, const char *name)
{
	size_t index;

	cr_assert(interp_valid(c->filter.insns, c->filter.len, &index),
		  "%s: the kernel would refuse instruction %zu of %u", name, index, c->filter.len);
}

static uint32_t run(const struct compiled *c, int nr, uint32_t arch, const uint64_t args[6])
{
	struct seccomp_data data = {.nr = nr, .arch = arch, .instruction_pointer = 0x7f0012345678};

	memcpy(data.args, args, sizeof(data.args));
	return interp_run(c->filter.insns, &data, NULL);
}

static uint32_t wanted(const struct compiled *c, int nr, const uint64_t args[6])
{
	const struct rule *rule = rule_find(c->rules, c->n, nr, args);

	return rule ? c->returns[rule - c->rules] : FELL;
}

static void describe(const struct compiled *c, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < c->n && used + RULE_TEXT_MAX < size; i++) {
		used += (size_t)snprintf(buf + used, size - used, "%s%s ", i ? "; " : "",
					 c->rules[i].action == RULE_ALLOW ? "allow" : "deny");
		used += rule_format(&c->rules[i], buf + used, size - used);
	}
}

/* ---- what is written down ---- */

static const struct {
	const char *rules[4]; /* "!" before those that deny */
	int nr;
	uint64_t args[6];
	int found; /* index; -1: falls through */
} points[] = {
	{{"read"}, SYS_read, {0}, 0},
	{{"read"}, SYS_write, {0}, -1},
	{{"read", "!read(arg0 == 3)"}, SYS_read, {3}, 1},
	{{"read", "!read(arg0 == 3)"}, SYS_read, {4}, 0},
	{{"!read(arg0 == 3)"}, SYS_read, {UINT64_C(0xdead00000003)}, 0},
	{{"!read(arg0:64 == 3)"}, SYS_read, {UINT64_C(0xdead00000003)}, -1},
	{{"!read(arg0 != 3)"}, SYS_read, {UINT64_C(0xdead00000003)}, -1},
	{{"!read(arg0 != 3)"}, SYS_read, {UINT64_C(0x300000000)}, 0},
	{{"!write(arg2 != 0x100000003)"}, SYS_write, {0, 0, UINT64_C(0x100000003)}, -1},
	{{"!write(arg2 != 0x100000003)"}, SYS_write, {0, 0, 3}, 0},
	{{"!write(arg2 != 0x100000003)"}, SYS_write, {0, 0, UINT64_C(0x100000000)}, 0},
	/* The comparisons that libseccomp before 2.6.1 gets wrong. */
	{{"!write(arg2 < 0x100000000)"}, SYS_write, {0, 0, UINT32_MAX}, 0},
	{{"!write(arg2 < 0x100000000)"}, SYS_write, {0, 0, UINT64_C(0x100000000)}, -1},
	{{"!write(arg2 <= 0x1ffffffff)"}, SYS_write, {0, 0, UINT64_C(0x1ffffffff)}, 0},
	{{"!write(arg2 <= 0x1ffffffff)"}, SYS_write, {0, 0, UINT64_C(0x200000000)}, -1},
	{{"!write(arg2 >= 0x100000000)"}, SYS_write, {0, 0, UINT32_MAX}, -1},
	{{"!write(arg2 > 0xffffffff)"}, SYS_write, {0, 0, UINT64_C(0x100000000)}, 0},
	{{"!kill(arg0 > 5)"}, SYS_kill, {(uint64_t)-1}, 0},
	{{"!fchmod(arg1 == 04777)"}, SYS_fchmod, {3, 0x70009ff}, 0},
	{{"!fchmod(arg1 > 0777)"}, SYS_fchmod, {3, 0x701ff}, -1},
	{{"!mmap(arg2 & 6 == 6)"}, SYS_mmap, {0, 0, 7}, 0},
	{{"!mmap(arg2 & 6 != 6)"}, SYS_mmap, {0, 0, UINT64_C(0x600000006)}, -1},
	/* Rules that overlap: libseccomp alone would not come back from the first. */
	{{"!read(arg0 == 1, arg2 == 5)", "!read(arg2 == 6)"}, SYS_read, {1, 0, 6}, 1},
	{{"!read(arg0 == 1, arg2 == 5)", "!read(arg0 == 1)"}, SYS_read, {1, 0, 6}, 1},
	{{"!read(arg0 == 1, arg2 == 5)", "read(arg0 & 1 == 1)"}, SYS_read, {1, 0, 5}, 0},
	{{"!read(arg0 == 1, arg2 == 5)", "read(arg0 & 1 == 1)"}, SYS_read, {1, 0, 4}, 1},
	{{"!read(arg0 != 1, arg0 != 2, arg2 != 7)"}, SYS_read, {3, 0, 8}, 0},
	{{"!read(arg0 != 1, arg0 != 2, arg2 != 7)"}, SYS_read, {2, 0, 8}, -1},
	{{"!read(arg0 != 1, arg0 != 2, arg2 != 7)"}, SYS_read, {3, 0, 7}, -1},
	/* Younger than libseccomp. */
	{{"!file_setattr(arg4 == 1)"}, 469, {0, 0, 0, 0, 1}, 0},
	{{"!file_setattr(arg4 == 1)"}, 469, {0, 0, 0, 0, 2}, -1},
};

Test(rule_compile, points)
{
	static struct compiled c;

	for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
		struct sbx_err err = {0};
		struct origin from = {.file = "r.ini", .line = 1};
		uint32_t got, want;

		for (c.n = 0; c.n < 4 && points[i].rules[c.n]; c.n++) {
			const char *text = points[i].rules[c.n];
			bool deny = text[0] == '!';

			cr_assert_eq(rule_parse(text + deny, !deny, from, &c.rules[c.n], &err), 0,
				     "%s: %s", text, err.msg);
		}
		cr_assert_eq(compile(&c, &err), 0, "row %zu: %s", i, err.msg);
		expect_valid(&c, points[i].rules[0]);
		got = run(&c, points[i].nr, ARCH_HERE, points[i].args);
		want = points[i].found < 0 ? FELL : SECCOMP_RET_TRAP | (uint32_t)points[i].found;
		cr_expect_eq(got, want, "row %zu: 0x%x, should be 0x%x", i, got, want);
		cr_expect_eq(wanted(&c, points[i].nr, points[i].args), want, "row %zu in C", i);
		/* Whatever the rules say, they say it of this architecture's calls only. */
		cr_expect_eq(run(&c, points[i].nr, ARCH_OTHER, points[i].args), FELL, "row %zu", i);
		cr_expect_eq(run(&c, points[i].nr, AUDIT_ARCH_I386, points[i].args), FELL,
			     "row %zu", i);
		cr_expect_eq(run(&c, points[i].nr | X32_BIT, ARCH_HERE, points[i].args), FELL,
			     "row %zu", i);
	}
}

/* ---- at random ---- */

static uint64_t next_random(uint64_t *seed)
{
	uint64_t x = *seed; /* xorshift64* (Vigna 2016) */

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*seed = x;
	return x * UINT64_C(0x2545f4914f6cdd1d);
}

static const char *const random_calls[] = {"write", "socket", "mmap", "futex", "fchmod", "kill"};

static uint64_t random_value(uint64_t *seed, unsigned bits)
{
	static const uint64_t edges[] = {0,
					 1,
					 2,
					 3,
					 0x7fffffff,
					 0x80000000,
					 0xffffffff,
					 UINT64_C(0x100000000),
					 UINT64_C(0x100000001),
					 UINT64_C(0x7fffffffffffffff),
					 UINT64_C(0x8000000000000000),
					 UINT64_MAX};
	uint64_t r = next_random(seed);
	uint64_t value = next_random(seed) >> (r >> 8 & 63);

	if (r % 2)
		value = edges[(r >> 16) % ARRAY_SIZE(edges)] + (r >> 32) % 3 - 1;
	return value & rule_ones(bits);
}

/* Text, so that the parser refuses what cannot be. */
static bool random_rule(uint64_t *seed, struct rule *ret)
{
	static const char *const ops[] = {"==", "!=", "<", "<=", ">", ">="};
	static const char *const actions[] = {"", " -> errno EACCES", " -> kill", " -> log"};
	const char *name = random_calls[next_random(seed) % ARRAY_SIZE(random_calls)];
	unsigned n_conditions = next_random(seed) % 4;
	bool allow = next_random(seed) % 2;
	struct origin from = {.file = "r.ini", .line = 1};
	struct rule_call call;
	struct sbx_err err;
	char text[512];
	int len;

	cr_assert(rule_call_find(name, strlen(name), &call));
	len = snprintf(text, sizeof(text), "%s(", name);
	for (unsigned i = 0; i < n_conditions; i++) {
		unsigned arg = (unsigned)(next_random(seed) % rule_call_count(&call));
		unsigned bits = rule_call_bits(&call, arg);
		const char *width = "";

		if (next_random(seed) % 8 == 0) {
			bits = next_random(seed) % 2 ? 32 : 64;
			width = bits == 32 ? ":32" : ":64";
		}
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%sarg%u%s ", i ? ", " : "",
				arg, width);
		if (next_random(seed) % 3 == 0) {
			uint64_t mask = random_value(seed, bits) | (next_random(seed) & 7);
			uint64_t value = random_value(seed, bits) & mask;

			len += snprintf(text + len, sizeof(text) - (size_t)len, "& %#llx %s %#llx",
					(unsigned long long)mask, ops[next_random(seed) % 2],
					(unsigned long long)value);
		} else {
			len += snprintf(text + len, sizeof(text) - (size_t)len, "%s %llu",
					ops[next_random(seed) % 6],
					(unsigned long long)random_value(seed, bits));
		}
	}
	(void)snprintf(text + len, sizeof(text) - (size_t)len, ")%s",
		       allow ? "" : actions[next_random(seed) % ARRAY_SIZE(actions)]);
	return rule_parse(text, allow, from, ret, &err) == 0;
}

/* A point that has to do with the rules: near a value that one of them names. */
static void random_point(uint64_t *seed, const struct compiled *c, int *ret_nr, uint64_t args[6])
{
	const struct rule *rule = &c->rules[next_random(seed) % c->n];

	*ret_nr = rule->nr;
	for (unsigned i = 0; i < 6; i++)
		args[i] = random_value(seed, 64);
	for (unsigned i = 0; i < rule->n_conditions; i++) {
		const struct rule_condition *condition = &rule->conditions[i];
		uint64_t r = next_random(seed);
		uint64_t near = condition->value + r % 3 - 1;

		if (r >> 8 & 1)
			near = condition->value;
		if (r >> 9 & 1) /* the bits that nobody asks about */
			near = (near & condition->mask) | (next_random(seed) & ~condition->mask);
		if (r >> 10 & 3)
			args[condition->arg] = near;
		if ((r >> 12 & 7) == 0)
			args[condition->arg] ^= UINT64_C(1) << (r >> 16 & 63);
	}
}

Test(rule_compile, random, .timeout = 120)
{
	static struct compiled c;
	static char text[RULES_MAX * RULE_TEXT_MAX];
	uint64_t seed = UINT64_C(0x5eed5eed5eed5eed);
	size_t matched = 0, fell = 0, longest = 0;

	for (unsigned round = 0; round < 1500; round++) {
		struct sbx_err err = {0};
		size_t n = 1 + next_random(&seed) % (RULES_MAX / 2);
		int r;

		for (c.n = 0; c.n < n;)
			c.n += random_rule(&seed, &c.rules[c.n]);
		r = compile(&c, &err);
		describe(&c, text, sizeof(text));
		if (r == -E2BIG)
			continue;
		cr_assert_eq(r, 0, "round %u: %s: %s", round, err.msg, text);
		expect_valid(&c, text);
		if (c.without > longest)
			longest = c.without;
		for (unsigned i = 0; i < 300; i++) {
			uint64_t args[6];
			uint32_t got, want;
			int nr;

			random_point(&seed, &c, &nr, args);
			got = run(&c, nr, ARCH_HERE, args);
			want = wanted(&c, nr, args);
			cr_assert_eq(got, want,
				     "round %u: 0x%x, should be 0x%x: %s; (%#llx, %#llx, %#llx, "
				     "%#llx, %#llx, %#llx)",
				     round, got, want, text, (unsigned long long)args[0],
				     (unsigned long long)args[1], (unsigned long long)args[2],
				     (unsigned long long)args[3], (unsigned long long)args[4],
				     (unsigned long long)args[5]);
			matched += want != FELL;
			fell += want == FELL;
		}
		cr_assert_eq(run(&c, SYS_getpid, ARCH_HERE, (uint64_t[6]){0}), FELL);
	}
	cr_expect(matched > 100000 && fell > 50000, "%zu matched, %zu fell through", matched, fell);
	cr_log_info("%zu matched, %zu fell through, longest %zu\n", matched, fell, longest);
}

/* What is written is what is read: for the rules of all kinds. */
Test(rule_compile, random_text)
{
	uint64_t seed = 42;

	for (unsigned i = 0; i < 3000; i++) {
		struct rule rule, again;
		struct sbx_err err = {0};
		char text[RULE_TEXT_MAX];

		if (!random_rule(&seed, &rule))
			continue;
		(void)rule_format(&rule, text, sizeof(text));
		cr_assert_eq(rule_parse(text, rule.action == RULE_ALLOW, rule.from, &again, &err),
			     0, "%s: %s", text, err.msg);
		cr_assert(rule_equal(&rule, &again), "%s", text);
	}
}

/* ---- size ---- */

static const struct {
	const char *text;
	size_t most; /* instructions */
} sizes[] = {
	{"read", 5},
	{"read(arg0 == 3)", 8},
	{"read(arg0 != 3)", 8},
	{"read(arg2 == 3)", 10},
	{"read(arg2 != 3)", 10},
	{"read(arg2 <= 4095)", 11},
	{"read(arg2 > 4095)", 11},
	{"socket(arg0 != AF_UNIX, arg0 != AF_INET, arg0 != AF_INET6)", 14},
	{"write(arg2 > 1234567890123)", 160},
};

Test(rule_compile, size)
{
	static struct compiled c;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct sbx_err err = {0};
		struct origin from = {.file = "r.ini", .line = 1};

		c.n = 1;
		cr_assert_eq(rule_parse(sizes[i].text, false, from, &c.rules[0], &err), 0);
		cr_assert_eq(compile(&c, &err), 0, "%s: %s", sizes[i].text, err.msg);
		cr_expect(c.without <= sizes[i].most, "%s: %zu instructions, at most %zu wanted",
			  sizes[i].text, c.without, sizes[i].most);
	}
}

/* A jump of more than 255 instructions, to rules far behind and to what is appended. */
Test(rule_compile, far_jumps)
{
	enum { COUNT = 200 };
	static struct rule rules[COUNT];
	static uint32_t returns[COUNT];
	static struct filter prefix, filter;
	struct sbx_err err = {0};
	size_t index;

	for (unsigned i = 0; i < COUNT; i++) {
		struct origin from = {.file = "r.ini", .line = i + 1};
		char text[100];

		(void)snprintf(text, sizeof(text), "%s(arg0 == %u)", i % 2 ? "read" : "write", i);
		cr_assert_eq(rule_parse(text, i % 3, from, &rules[i], &err), 0, "%s", err.msg);
		returns[i] = SECCOMP_RET_TRAP | i;
	}
	cr_assert_eq(rule_compile(rules, COUNT, returns, &prefix, &err), 0, "%s", err.msg);
	cr_expect_gt(prefix.len, 510);
	filter.len = 1;
	filter.insns[0] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, FELL);
	cr_assert_eq(rule_prepend(&prefix, &filter, &err), 0);
	cr_assert(interp_valid(filter.insns, filter.len, &index), "instruction %zu", index);
	for (unsigned i = 0; i < COUNT + 3; i++) {
		for (unsigned write = 0; write <= 1; write++) {
			struct seccomp_data data = {
				.nr = write ? SYS_write : SYS_read, .arch = ARCH_HERE, .args = {i}};
			uint32_t want = i < COUNT && i % 2 != write ? SECCOMP_RET_TRAP | i : FELL;

			cr_expect_eq(interp_run(filter.insns, &data, NULL), want, "%u", i);
		}
	}
}

Test(rule_compile, too_much)
{
	enum { COUNT = 2000 };
	static struct rule rules[COUNT];
	static uint32_t returns[COUNT];
	static struct filter prefix, filter;
	struct sbx_err err = {0};
	struct origin from = {.file = "r.ini", .line = 1};

	for (unsigned i = 0; i < COUNT; i++) {
		char text[100];

		(void)snprintf(text, sizeof(text), "read(arg0 == %u)", i);
		cr_assert_eq(rule_parse(text, true, from, &rules[i], &err), 0);
	}
	cr_expect_eq(rule_compile(rules, COUNT, returns, &prefix, &err), -E2BIG);
	cr_expect(strstr(err.msg, "more than 4096 instructions"), "%s", err.msg);

	cr_assert_eq(rule_compile(rules, 1, returns, &prefix, &err), 0);
	filter.len = (unsigned short)(FILTER_MAX - prefix.len + 1);
	cr_expect_eq(rule_prepend(&prefix, &filter, &err), -E2BIG);
	filter.len--;
	cr_expect_eq(rule_prepend(&prefix, &filter, &err), 0);
	cr_expect_eq(filter.len, FILTER_MAX);

	/* Ranges of several arguments multiply. */
	cr_assert_eq(rule_parse("mmap(arg0 < 0x555555555555, arg1 < 0x555555555555, arg5 < 0x5555)",
				true, from, &rules[0], &err),
		     0, "%s", err.msg);
	cr_expect_eq(rule_compile(rules, 1, returns, &prefix, &err), -E2BIG);
	cr_expect(strstr(err.msg, "1024") && err.line == 1, "%s", err.msg);
}

Test(rule_compile, nothing)
{
	static struct filter prefix = {.len = 7};
	struct sbx_err err = {0};
	struct rule elsewhere = {.nr = RULE_NR_NONE};
	uint32_t returns[1] = {0};

	cr_expect_eq(rule_compile(NULL, 0, NULL, &prefix, &err), 0);
	cr_expect_eq(prefix.len, 0);
	prefix.len = 7;
	cr_expect_eq(rule_compile(&elsewhere, 1, returns, &prefix, &err), 0);
	cr_expect_eq(prefix.len, 0);
}
