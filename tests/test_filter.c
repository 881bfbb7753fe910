/* SPDX-License-Identifier: MIT */
/* Pure. Every policy's filter, run in the interpreter over every system call number and the edges
 * of every argument rule, against an evaluation of the table that shares no code with the one that
 * is tested. */
#include <criterion/criterion.h>
#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include <linux/audit.h>

#include "../shim/filter.h"
#include "../shim/master.h"
#include "interp.h"

#define NUMBERS	    601
#define X32_BIT	    0x40000000
#define SELF	    4242
#define RANDOM_SETS 200

/* One thing to ask a filter, and what the table says about it whatever the policy. */
struct point {
	struct seccomp_data data;
	size_t tag;
	bool foreign; /* kill the process */
};

/* The world of one architecture. */
struct world {
	const char *name;
	uint32_t arch;
	struct master master;
	size_t first_row[NUMBERS]; /* number → its call's first row; TAG_UNKNOWN */
	struct point *points;	   /* owned */
	size_t n_points, cap_points;
};

static void map_numbers(struct world *world)
{
	for (int nr = 0; nr < NUMBERS; nr++) {
		char *name = seccomp_syscall_resolve_num_arch(world->arch, nr);

		for (size_t i = table_rows_count; i-- > 1;) {
			const char *row = table_rows[i].name;
			bool young = table_young_number(row) == nr &&
				     (nr >= 424 || world->arch == SCMP_ARCH_X86_64);

			if (name ? strcmp(name, row) == 0 : young)
				world->first_row[nr] = i;
		}
		free(name);
	}
}

static bool row_matches(const struct row *row, const struct seccomp_data *data)
{
	for (unsigned i = 0; i < row->n_matches; i++) {
		uint64_t want = row->match[i].value == MATCH_SELF ? SELF : row->match[i].value;

		if ((data->args[row->match[i].arg] & row->match[i].mask) != want)
			return false;
	}
	return true;
}

/* Which row speaks for @data? Two are a mistake in the table. */
static size_t find_tag(const struct world *world, const struct seccomp_data *data)
{
	size_t first = (unsigned)data->nr < NUMBERS ? world->first_row[data->nr] : TAG_UNKNOWN;
	size_t found = TAG_UNKNOWN, otherwise = TAG_UNKNOWN;

	for (size_t i = first; first && i < table_rows_count; i++) {
		if (strcmp(table_rows[i].name, table_rows[first].name) != 0)
			break;
		if (table_rows[i].otherwise) {
			otherwise = i;
		} else if (row_matches(&table_rows[i], data)) {
			cr_assert_eq(found, TAG_UNKNOWN, "%s: two rows", table_rows[i].name);
			found = i;
		}
	}
	return found ? found : otherwise;
}

static void add_point(struct world *world, const struct seccomp_data *data)
{
	struct point point = {.data = *data};
	uint32_t nr = (uint32_t)data->nr;

	if (world->n_points == world->cap_points) {
		world->cap_points = world->cap_points ? 2 * world->cap_points : 1024;
		world->points = realloc(world->points, world->cap_points * sizeof(point));
		cr_assert(world->points);
	}
	if (data->arch != world->arch)
		point.foreign = true;
	else if (world->arch == SCMP_ARCH_X86_64 && nr >= X32_BIT && nr != UINT32_MAX)
		point.foreign = true;
	else
		point.tag = find_tag(world, data);
	world->points[world->n_points++] = point;
}

/* Edge values of one argument of a row: what it wants, each bit that it looks at turned over,
 * garbage in what it must not look at, and the extremes. */
static void add_argument_edges(struct world *world, struct seccomp_data data,
			       const struct match *match)
{
	uint64_t want = match->value == MATCH_SELF ? SELF : match->value;
	__u64 *arg = &data.args[match->arg];

	*arg = want;
	add_point(world, &data);
	for (unsigned bit = 0; bit < 64; bit++) {
		*arg = want ^ UINT64_C(1) << bit;
		add_point(world, &data);
	}
	*arg = want | (~match->mask & UINT64_C(0xdeadbeef00000000));
	add_point(world, &data);
	*arg = want | ~match->mask;
	add_point(world, &data);
	*arg = (uint64_t)(int64_t)(int32_t)want; /* sign-extended */
	add_point(world, &data);
	*arg = 0;
	add_point(world, &data);
	*arg = UINT64_MAX;
	add_point(world, &data);
	*arg = MATCH_SELF; /* must not be left in the program */
	add_point(world, &data);
}

static void add_call(struct world *world, int nr)
{
	struct seccomp_data data = {.nr = nr, .arch = world->arch};
	size_t first = world->first_row[nr];

	add_point(world, &data);
	memset(data.args, 0xff, sizeof(data.args));
	add_point(world, &data);
	for (size_t i = first; first && i < table_rows_count; i++) {
		const struct row *row = &table_rows[i];

		if (strcmp(row->name, table_rows[first].name) != 0)
			break;
		for (unsigned j = 0; j < row->n_matches; j++) {
			/* The others as the row wants them, so that this one decides. */
			memset(data.args, i % 2 ? 0xff : 0, sizeof(data.args));
			for (unsigned k = 0; k < row->n_matches; k++)
				data.args[row->match[k].arg] = row->match[k].value == MATCH_SELF
								       ? SELF
								       : row->match[k].value;
			add_argument_edges(world, data, &row->match[j]);
		}
	}
}

static void world_init(struct world *world)
{
	static const uint32_t others[] = {AUDIT_ARCH_I386, AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64,
					  AUDIT_ARCH_ARM, 0};
	static const uint32_t odd[] = {UINT32_MAX, 0x3fffffff, 0x40000000, 0x7fffffff,
				       0x80000000, 0xfffffffe, 4096,	   65536};
	struct seccomp_data data = {.arch = world->arch};

	map_numbers(world);
	for (int nr = 0; nr < NUMBERS; nr++) {
		add_call(world, nr);
		data = (struct seccomp_data){.nr = nr | X32_BIT, .arch = world->arch};
		add_point(world, &data);
		for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
			data = (struct seccomp_data){.nr = nr, .arch = others[i]};
			if (others[i] != world->arch)
				add_point(world, &data);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		data = (struct seccomp_data){.nr = (int)odd[i], .arch = world->arch};
		add_point(world, &data);
	}
}

static uint32_t expected_action(const struct point *point, const struct filter_request *request)
{
	const struct requirement *need = &table_rows[point->tag].need;
	uint64_t held = request->promises;

	if (point->foreign)
		return SECCOMP_RET_KILL_PROCESS;
	if (need->kind == ROW_NOSYS)
		return SECCOMP_RET_ERRNO | ENOSYS;
	if (need->kind == ROW_ALWAYS)
		return SECCOMP_RET_ALLOW;
	if (requirement_by_promise(need)) {
		if ((held & need->any) != 0)
			return SECCOMP_RET_ALLOW;
		if (need->all != 0 && (~held & need->all) == 0)
			return SECCOMP_RET_ALLOW;
		if (request->bounded && (held & need->bounded) != 0)
			return SECCOMP_RET_ALLOW;
	}
	if (request->on_violation == VIOLATION_KILL && !(held & P(ERROR)))
		return SECCOMP_RET_KILL_PROCESS;
	return SECCOMP_RET_ERRNO | EPERM;
}

static void check_filter(const struct world *world, const struct filter_request *request)
{
	static struct filter filter;
	struct sbx_err err;
	size_t bad, mismatches = 0;

	cr_assert_eq(filter_build_from(&world->master, request, &filter, &err), 0, "%s", err.msg);
	cr_assert(interp_valid(filter.insns, filter.len, &bad), "%s: instruction %zu is not valid",
		  world->name, bad);
	for (size_t i = 0; i < world->n_points; i++) {
		const struct point *point = &world->points[i];
		uint32_t want = expected_action(point, request);
		uint32_t got = interp_run(filter.insns, &point->data, NULL);

		if (got == want)
			continue;
		if (mismatches++ < 5)
			cr_expect(got == want,
				  "%s: promises %llx, %s, %s: %s %d(%llx, %llx, %llx, %llx, %llx): "
				  "%x, not %x",
				  world->name, (unsigned long long)request->promises,
				  request->bounded ? "bounded" : "unbounded",
				  request->on_violation == VIOLATION_KILL ? "kill" : "errno",
				  table_rows[point->tag].name, point->data.nr,
				  (unsigned long long)point->data.args[0],
				  (unsigned long long)point->data.args[1],
				  (unsigned long long)point->data.args[2],
				  (unsigned long long)point->data.args[3],
				  (unsigned long long)point->data.args[4], got, want);
	}
	cr_expect_eq(mismatches, 0, "%s: promises %llx: %zu mismatches", world->name,
		     (unsigned long long)request->promises, mismatches);
}

/* The launcher's layer and, over it, the shim's difference are together the policy. The kernel
 * takes the stricter action of two (seccomp(2)). */
static void check_layers(const struct world *world, uint64_t promises, bool bounded)
{
	static struct filter outer, inner;
	const struct filter_request outside = {.promises = promises | P(STDIO) | P(EXEC) | P(RPATH),
					       .bounded = bounded,
					       .self = SELF};
	const struct filter_request inside = {
		.promises = promises, .bounded = bounded, .self = SELF, .over = &outside};
	struct sbx_err err;
	size_t mismatches = 0;

	cr_assert_eq(filter_build_from(&world->master, &outside, &outer, &err), 0, "%s", err.msg);
	cr_assert_eq(filter_build_from(&world->master, &inside, &inner, &err), 0, "%s", err.msg);
	for (size_t i = 0; i < world->n_points; i++) {
		const struct point *point = &world->points[i];
		uint32_t want = expected_action(point, &inside);
		uint32_t got = interp_run(outer.insns, &point->data, NULL);

		if (got == SECCOMP_RET_ALLOW)
			got = interp_run(inner.insns, &point->data, NULL);
		if (got != want && mismatches++ < 5)
			cr_expect_eq(got, want, "%s: promises %llx, two layers: %s %d: %x, not %x",
				     world->name, (unsigned long long)promises,
				     table_rows[point->tag].name, point->data.nr, got, want);
	}
	cr_expect_eq(mismatches, 0, "%s: promises %llx: %zu mismatches of two layers", world->name,
		     (unsigned long long)promises, mismatches);
}

static void check_set(const struct world *world, uint64_t promises)
{
	struct filter_request request = {.promises = promises, .self = SELF};

	for (unsigned i = 0; i < 4; i++) {
		request.bounded = i & 1;
		request.on_violation = i & 2 ? VIOLATION_KILL : VIOLATION_ERRNO;
		check_filter(world, &request);
	}
	check_layers(world, promises, true);
	check_layers(world, promises, false);
}

/* splitmix64: the same sets on every run and machine. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* The walk over the master that names the row of one call. */
static void check_rows(const struct world *world)
{
	size_t mismatches = 0;

	for (size_t i = 0; i < world->n_points; i++) {
		const struct point *point = &world->points[i];
		size_t want = point->foreign ? TAG_FOREIGN : point->tag;
		uint64_t args[6];
		uint16_t got;

		memcpy(args, point->data.args, sizeof(args));
		got = filter_find_row_from(&world->master, point->data.nr, point->data.arch, args,
					   SELF);
		if (got != want && mismatches++ < 5)
			cr_expect_eq(got, want, "%s: %d of %x: row %u, not %zu", world->name,
				     point->data.nr, point->data.arch, got, want);
	}
	cr_expect_eq(mismatches, 0, "%s: %zu calls under a wrong row", world->name, mismatches);
}

static void check_world(struct world *world)
{
	const uint64_t every = (UINT64_C(1) << PROMISE_COUNT) - 1;
	uint64_t state = 1;

	world_init(world);
	cr_assert_gt(world->n_points, 20000, "%s: %zu points", world->name, world->n_points);
	check_rows(world);
	check_set(world, 0);
	check_set(world, every);
	for (unsigned id = 0; id < PROMISE_COUNT; id++)
		check_set(world, UINT64_C(1) << id);
	for (unsigned i = 0; i < RANDOM_SETS; i++) {
		/* Sparse sets, dense ones, and those in between. */
		uint64_t set = next_random(&state);

		if (i % 3 == 1)
			set &= next_random(&state);
		else if (i % 3 == 2)
			set |= next_random(&state);
		check_set(world, set & every);
	}
	free(world->points);
}

#ifdef __x86_64__
Test(filter, simulates_x86_64)
{
	struct world world = {.name = "x86_64", .arch = SCMP_ARCH_X86_64, .master = MASTER(x86_64)};

	check_world(&world);
}
#endif

Test(filter, simulates_aarch64)
{
	struct world world = {
		.name = "aarch64", .arch = SCMP_ARCH_AARCH64, .master = MASTER(aarch64)};

	check_world(&world);
}
