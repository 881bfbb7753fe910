/* SPDX-License-Identifier: MIT */
/* For the tests of --export and --import: policies, calls to ask them about, and what the kernel's
 * filter says, which shares nothing with the exporter but the table. */
#pragma once

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/audit.h>
#include <linux/seccomp.h>

#include "../launcher/export_parts.h"
#include "../shim/master.h"
#include "../shim/rule_layer.h"
#include "../shim/rule_parts.h"
#include "interp.h"

#ifdef __aarch64__
#define WORLD_ARCH AUDIT_ARCH_AARCH64
#else
#define WORLD_ARCH AUDIT_ARCH_X86_64
#endif
#define WORLD_NUMBERS 600
#define WORLD_RULES   6

static char *const world_envp[] = {(char[]){"HOME=/home/user"}, (char[]){"TMPDIR=/tmp"}, NULL};
static const struct policy_env world_env = {.envp = world_envp, .cwd = "/home/user", .uid = 1000};

struct world_case {
	const char *promises;
	const char *rules[WORLD_RULES]; /* "!" before those that deny */
	enum violation on_violation;
	bool no_unveil;
};

/* Besides these every promise alone. */
static const struct world_case world_cases[] = {
	{.promises = ""},
	{.promises = "stdio"},
	{.promises = "stdio rpath"},
	{.promises = "stdio rpath exec prot_exec"},
	{.promises = "stdio rpath wpath cpath tty inet dns"},
	{.promises = "stdio rpath wpath cpath tty inet dns", .no_unveil = true},
	{.promises = "stdio tmppath fattr proc flock unix", .on_violation = VIOLATION_KILL},
	{.promises = "stdio proc error", .on_violation = VIOLATION_KILL},
	{.promises = "stdio rpath wpath cpath dpath tmppath fattr chown flock unix inet mcast dns "
		     "getpw netlink sendfd recvfd tty proc exec prot_exec id ps vminfo settime "
		     "audio video drm"},
	/* Rules that refuse a part of what is permitted, and permit a part of what is refused. */
	{.promises = "stdio",
	 .rules = {"!ioctl(arg1 == TCGETS)", "ioctl(arg1 == TIOCSTI)", "mount"}},
	{.promises = "stdio",
	 .rules = {"ioctl", "!ioctl(arg1 == TIOCSTI)", "!ioctl(arg1 == TIOCLINUX)"}},
	{.promises = "stdio rpath",
	 .rules = {"!read(arg0 == 3)", "!openat(arg2 & O_DIRECTORY == O_DIRECTORY)"}},
	{.promises = "stdio",
	 .rules = {"!write(arg2 >= 0x100000000)", "!read(arg2 > 4096)",
		   "!lseek(arg1 < 8, arg2 != 1)"}},
	{.promises = "stdio",
	 .rules = {"socket(arg0 == AF_NETLINK, arg2 != 0)",
		   "!socketpair(arg1:64 & 0xff00000001 == 1)"}},
	{.promises = "stdio",
	 .rules = {"!getpid -> errno EACCES", "!getppid -> kill", "!gettid -> log", "ptrace",
		   "clone3"}},
	{.promises = "stdio inet",
	 .rules = {"!socket(arg0 == AF_INET6) -> errno EAFNOSUPPORT", "!prctl(arg0 == PR_SET_NAME)",
		   "prctl(arg1:32 == 5, arg0 != 3)"},
	 .on_violation = VIOLATION_KILL},
	{.promises = "stdio fattr",
	 .rules = {"fchmod(arg1 & 07000 == 02000)", "!fchmod(arg1 <= 0644)"}},
	{.promises = "stdio",
	 .rules = {"!mmap(arg2 & 7 == 3)", "mmap(arg2 & 4 == 4, arg3 & 0x20 == 0)", "!futex"}},
	{.promises = "stdio",
	 .rules = {"cachestat(arg0 == 3)", "!mseal", "!statx(arg2 != 0x1000, arg2 != 0)"}},
};
#define WORLD_CASES (ARRAY_SIZE(world_cases) + PROMISE_COUNT)

static inline void world_describe(size_t i, char *buf, size_t size)
{
	const struct world_case *c = i < ARRAY_SIZE(world_cases) ? &world_cases[i] : NULL;

	(void)snprintf(buf, size, "%s%s%s%s",
		       c ? c->promises : promise_table[i - ARRAY_SIZE(world_cases)].name,
		       c && c->rules[0] ? ", " : "", c && c->rules[0] ? c->rules[0] : "",
		       c && c->on_violation == VIOLATION_KILL ? ", kill" : "");
}

/* The caller gives it back with policy_done(). */
static inline void world_policy(size_t i, struct policy *policy)
{
	static const struct world_case none;
	const struct world_case *c = i < ARRAY_SIZE(world_cases) ? &world_cases[i] : &none;
	const char *promises = i < ARRAY_SIZE(world_cases)
				       ? c->promises
				       : promise_table[i - ARRAY_SIZE(world_cases)].name;
	struct origin from = {.file = "test.ini", .line = 1};
	struct sbx_err err = {0};

	policy_init(policy);
	policy->name = "test.ini";
	policy->unsafe_syscalls = true;
	cr_assert_eq(policy_add_promises(policy, promises, from, &err), 0, "%s", err.msg);
	for (size_t k = 0; k < WORLD_RULES && c->rules[k]; k++) {
		bool deny = c->rules[k][0] == '!';

		from.line = (unsigned)k + 2;
		cr_assert_eq(policy_add_rule(policy, !deny, c->rules[k] + deny, from, &err), 0,
			     "%s: %s", c->rules[k], err.msg);
	}
	cr_assert_eq(policy_check_rules(policy, &err), 0, "%s", err.msg);
	policy->on_violation = c->on_violation;
	policy->unveil = !c->no_unveil;
}

/* What is written, as text; the caller frees it. */
static inline char *world_export(const char *format, const struct policy *policy, size_t *ret_size,
				 FILE *notes)
{
	const struct export_request request = {
		.format = export_format_find(format),
		.policy = policy,
		.env = &world_env,
		.notes = notes,
	};
	struct sbx_err err = {0};
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_size);
	int r;

	cr_assert(request.format && out, "%s", format);
	r = export_policy(&request, out, &err);
	(void)fclose(out);
	cr_assert_eq(r, 0, "%s: %s", format, err.msg);
	return text;
}

/* What the kernel would answer, by the filter that the launcher makes. */
static inline void world_filter(const struct filter_request *request, const struct policy *policy,
				struct filter *ret)
{
	struct sbx_err err = {0};
	size_t index;

	cr_assert_eq(filter_build(request, ret, &err), 0, "%s", err.msg);
	cr_assert_eq(rules_prepend(policy, RULES_ALONE, ret, &err), 0, "%s", err.msg);
	cr_assert(interp_valid(ret->insns, ret->len, &index));
}

/* ---- calls ---- */

struct world_points {
	struct seccomp_data *v; /* owned */
	size_t n, cap;
};

static inline void world_add(struct world_points *points, const struct seccomp_data *data)
{
	for (unsigned i = 0; i < 6; i++)
		if ((uint32_t)data->args[i] == EXPORT_SELF)
			return; /* stands for the process itself */
	if (points->n == points->cap) {
		points->cap = points->cap ? 2 * points->cap : 4096;
		points->v = realloc(points->v, points->cap * sizeof(*data));
		cr_assert(points->v);
	}
	points->v[points->n++] = *data;
}

/* Around one value: itself, with single bits turned over, with garbage and with its sign above.
 * Where a mask tells bits apart, each of them. */
static inline void world_add_around(struct world_points *points, struct seccomp_data data,
				    unsigned arg, uint64_t mask, uint64_t value)
{
	const uint64_t exact_bits = UINT64_C(0x1c1010107);
	const uint64_t bits = (uint32_t)mask == UINT32_MAX ? exact_bits : mask | exact_bits;
	const uint64_t others[] = {value,
				   value + 1,
				   value - 1,
				   value | UINT64_C(0xdeadbeef00000000),
				   (uint64_t)(int64_t)(int32_t)value,
				   0,
				   UINT32_MAX,
				   UINT64_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		data.args[arg] = others[i];
		world_add(points, &data);
	}
	for (unsigned bit = 0; bit < 64; bit++) {
		data.args[arg] = value ^ UINT64_C(1) << bit;
		if (bits >> bit & 1)
			world_add(points, &data);
	}
}

static inline void world_add_rows(struct world_points *points, int nr, const char *name)
{
	for (size_t i = 0; i < table_rows_count; i++) {
		const struct row *row = &table_rows[i];
		struct seccomp_data data = {.nr = nr, .arch = WORLD_ARCH};

		if (strcmp(row->name, name) != 0)
			continue;
		world_add(points, &data);
		memset(data.args, i % 2 ? 0xff : 0, sizeof(data.args));
		for (unsigned k = 0; k < row->n_matches; k++)
			data.args[row->match[k].arg] = row->match[k].value;
		for (unsigned k = 0; k < row->n_matches; k++)
			world_add_around(points, data, row->match[k].arg, row->match[k].mask,
					 row->match[k].value);
	}
}

static inline void world_add_rule(struct world_points *points, const struct rule *rule)
{
	struct seccomp_data data = {.nr = rule->nr, .arch = WORLD_ARCH};

	if (rule->nr < 0)
		return;
	for (unsigned fill = 0; fill < 2; fill++) {
		memset(data.args, fill ? 0xff : 0, sizeof(data.args));
		world_add(points, &data);
		for (unsigned k = 0; k < rule->n_conditions; k++)
			data.args[rule->conditions[k].arg] = rule->conditions[k].value;
		for (unsigned k = 0; k < rule->n_conditions; k++)
			world_add_around(points, data, rule->conditions[k].arg,
					 rule->conditions[k].mask, rule->conditions[k].value);
	}
}

/* Every number, every row and every rule of @policy (may be NULL). The caller frees .v. */
static inline struct world_points world_points(const struct policy *policy)
{
	struct world_points points = {.n = 0};
	const struct master master = MASTER_HERE;

	for (int nr = 0; nr < WORLD_NUMBERS; nr++) {
		struct seccomp_data data = {.nr = nr, .arch = WORLD_ARCH};

		world_add(&points, &data);
		memset(data.args, 0xff, sizeof(data.args));
		world_add(&points, &data);
		if ((size_t)nr < master.n_name_at && master.name_at[nr])
			world_add_rows(&points, nr, master.names + master.name_at[nr]);
	}
	for (size_t i = 0; policy && i < policy->n_rules; i++)
		world_add_rule(&points, &policy->rules[i]);
	return points;
}

struct world_args {
	uint64_t v[6];
};

static inline struct world_args world_args(const struct seccomp_data *data)
{
	struct world_args args;

	memcpy(args.v, data->args, sizeof(args.v));
	return args;
}

/* NULL: the table has none of that number. */
static inline const char *world_name(int nr)
{
	const struct master master = MASTER_HERE;

	if ((size_t)nr >= master.n_name_at || !master.name_at[nr])
		return NULL;
	return master.names + master.name_at[nr];
}

static inline int world_number(const char *name)
{
	for (int nr = 0; nr < WORLD_NUMBERS; nr++)
		if (world_name(nr) && strcmp(world_name(nr), name) == 0)
			return nr;
	return -1;
}

/* Newer than Linux 5.10, whose names every consumer has. */
static inline bool world_is_young(int nr)
{
	return nr > 440 || (world_name(nr) && table_young_number(world_name(nr)) >= 0);
}

static inline bool world_permits(uint32_t action)
{
	return action == SECCOMP_RET_ALLOW;
}

/* ---- what was written ---- */

/* An exported policy with what to compare it with. */
struct exported {
	struct policy policy;
	struct filter_request request;
	struct filter filter;
	struct world_points points;
	char name[256];
	char *text;
	size_t size;
	uint32_t deny;
};

static inline void exported_init(struct exported *e, const char *format, size_t i)
{
	world_describe(i, e->name, sizeof(e->name));
	world_policy(i, &e->policy);
	e->request = export_filter_request(export_format_find(format), &e->policy);
	world_filter(&e->request, &e->policy, &e->filter);
	e->points = world_points(&e->policy);
	e->text = world_export(format, &e->policy, &e->size, NULL);
	e->deny = e->policy.on_violation == VIOLATION_KILL && !(e->policy.promises & P(ERROR))
			  ? SECCOMP_RET_KILL_PROCESS
			  : SECCOMP_RET_ERRNO | EPERM;
}

static inline void exported_done(struct exported *e)
{
	free(e->text);
	free(e->points.v);
	policy_done(&e->policy);
}

static inline uint32_t kernel_says(const struct exported *e, const struct seccomp_data *data)
{
	return interp_run(e->filter.insns, data, NULL);
}

static inline void describe_point(const struct seccomp_data *data, char *buf, size_t size)
{
	const char *name = world_name(data->nr);

	(void)snprintf(buf, size, "%s %d(%#llx, %#llx, %#llx, %#llx, %#llx, %#llx)",
		       name ? name : "", data->nr, data->args[0], data->args[1], data->args[2],
		       data->args[3], data->args[4], data->args[5]);
}

/* Every point, with what @says answers. @expected: what it should, knowing what the kernel does. */
static inline void compare(struct exported *e,
			   uint32_t (*says)(void *user, const struct seccomp_data *data),
			   void *user,
			   uint32_t (*expected)(const struct exported *e,
						const struct seccomp_data *data, uint32_t kernel))
{
	unsigned wrong = 0;
	char point[256];

	for (size_t i = 0; i < e->points.n && wrong < 5; i++) {
		const struct seccomp_data *data = &e->points.v[i];
		uint32_t want = expected(e, data, kernel_says(e, data));
		uint32_t got = says(user, data);

		if (got == want)
			continue;
		describe_point(data, point, sizeof(point));
		cr_expect(false, "%s: %s comes to 0x%x, should be 0x%x", e->name, point, got, want);
		wrong++;
	}
}
