/* SPDX-License-Identifier: MIT */
/* Pure. The table by itself: nothing missing, nothing twice, every refusal with its reason, every
 * call with argument rules a decision tree. */
#include <criterion/criterion.h>
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../shim/table.h"

static const struct row *find_row(const char *name)
{
	for (size_t i = 1; i < table_rows_count; i++)
		if (strcmp(table_rows[i].name, name) == 0)
			return &table_rows[i];
	return NULL;
}

/* Every number that libseccomp can name, on both architectures. */
Test(table, has_what_libseccomp_names)
{
	static const uint32_t arches[] = {SCMP_ARCH_X86_64, SCMP_ARCH_AARCH64};
	size_t seen = 0;

	for (size_t i = 0; i < ARRAY_SIZE(arches); i++) {
		for (int nr = 0; nr <= 600; nr++) {
			char *name = seccomp_syscall_resolve_num_arch(arches[i], nr);

			if (!name)
				continue;
			seen++;
			cr_expect(find_row(name), "%s (%d) has no row", name, nr);
			free(name);
		}
	}
	cr_expect_gt(seen, 600, "libseccomp named only %zu calls", seen);
}

/* Names that a header may have beside calls of 64-bit machines. */
static bool is_foreign(const char *name, long nr)
{
	static const char *const foreign[] = {"syscalls", "arch_specific_syscall",
					      "sync_file_range2"};

	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
		if (strcmp(name, foreign[i]) == 0)
			return true;
	return nr >= 403 && nr <= 423; /* *_time64, for 32-bit machines */
}

static void check_header(const char *path, size_t at_least)
{
	FILE *f = fopen(path, "re");
	char line[256], name[64];
	size_t seen = 0;
	long nr;

	if (!f) {
		if (getenv("SBX_MUST_RUN"))
			cr_assert_fail("%s: %s", path, strerror(errno));
		cr_skip_test("%s: %s", path, strerror(errno));
	}
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "#define __NR_%63s %ld", name, &nr) != 2 || is_foreign(name, nr))
			continue;
		seen++;
		cr_expect(find_row(name), "%s: %s (%ld) has no row", path, name, nr);
	}
	(void)fclose(f); /* only read */
	cr_expect_geq(seen, at_least, "%s: only %zu numbers found", path, seen);
}

#ifdef __x86_64__
Test(table, has_what_the_x86_64_header_names)
{
	check_header("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", 350);
}
#endif

Test(table, has_what_the_generic_header_names)
{
	check_header("/usr/include/asm-generic/unistd.h", 270);
}

/* Linux 6.18 on x86-64: 0 to 336 and 424 to 469, without a hole. */
Test(table, has_every_x86_64_number)
{
	bool known[600] = {false};

	for (size_t i = 1; i < table_rows_count; i++) {
		int nr = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, table_rows[i].name);

		if (nr < 0)
			nr = table_young_number(table_rows[i].name);
		cr_assert(nr >= 0 && nr < 600, "%s: number %d", table_rows[i].name, nr);
		known[nr] = true;
	}
	for (int nr = 0; nr < 600; nr++)
		cr_expect_eq(known[nr], nr <= 336 || (nr >= 424 && nr <= 469), "number %d", nr);
}

Test(table, young_numbers)
{
	cr_expect_eq(table_young_number("file_setattr"), 469);
	cr_expect_eq(table_young_number("uretprobe"), 335);
	cr_expect_eq(table_young_number("read"), -1);
	cr_expect_eq(table_young_number(""), -1);
	for (size_t i = 1; i < table_rows_count; i++) {
		int named = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, table_rows[i].name);
		int young = table_young_number(table_rows[i].name);

		/* Where libseccomp has caught up, the two agree. */
		cr_expect(named < 0 || young < 0 || named == young, "%s: %d and %d",
			  table_rows[i].name, named, young);
	}
}

Test(table, tag_0_is_reserved)
{
	cr_expect_str_eq(table_rows[TAG_UNKNOWN].name, "");
	cr_expect_eq(table_rows[TAG_UNKNOWN].need.kind, ROW_NOSYS);
	cr_expect_lt(table_rows_count, 4095, "libseccomp takes no larger errno");
}

static void check_match(const struct row *row, unsigned i)
{
	const struct match *match = &row->match[i];

	cr_expect_lt(match->arg, 6, "%s(%s)", row->name, row->shape);
	cr_expect(i == 0 || match->arg > row->match[i - 1].arg, "%s(%s): arguments in order",
		  row->name, row->shape);
	cr_expect(match->mask != 0 && (match->value & ~match->mask) == 0,
		  "%s(%s): value outside the mask", row->name, row->shape);
	/* Either an int, whose upper half the kernel ignores, or all 64 bits. */
	cr_expect(match->mask <= UINT32_MAX || match->mask == UINT64_MAX, "%s(%s): odd mask",
		  row->name, row->shape);
}

static void check_need(const struct row *row)
{
	const struct requirement *need = &row->need;
	uint64_t all = need->any | need->all | need->bounded;
	const char *shape = row->shape ? row->shape : "";

	if (!requirement_by_promise(need))
		cr_expect_eq(all, 0, "%s(%s): a promise does not matter here", row->name, shape);
	else
		cr_expect(all != 0 && all >> PROMISE_COUNT == 0, "%s(%s): no promise permits it",
			  row->name, shape);
	if (need->kind == ROW_NEVER || need->kind == ROW_NOSYS)
		cr_expect(row->why && row->why[0], "%s(%s): no reason", row->name, shape);
}

Test(table, rows_are_well_formed)
{
	for (size_t i = 1; i < table_rows_count; i++) {
		const struct row *row = &table_rows[i];

		cr_expect(row->name[0] && !row->name[sizeof(row->name) - 1], "row %zu: name", i);
		cr_expect_leq(row->n_matches, ROW_MATCHES, "%s", row->name);
		cr_expect(!row->otherwise || !row->n_matches, "%s: otherwise with matches",
			  row->name);
		cr_expect(!row->n_matches || row->shape, "%s: arguments without words", row->name);
		for (unsigned j = 0; j < row->n_matches; j++)
			check_match(row, j);
		check_need(row);
	}
}

/* One past the last row of the call that begins at @first. */
static size_t call_end(size_t first)
{
	size_t end = first + 1;

	while (end < table_rows_count && strcmp(table_rows[end].name, table_rows[first].name) == 0)
		end++;
	return end;
}

/* Do two rows exclude each other before they look at different arguments? Then libseccomp's tree
 * never takes a branch in which the other row's arguments could still hold. */
static bool excludes(const struct row *a, const struct row *b)
{
	for (unsigned i = 0; i < a->n_matches && i < b->n_matches; i++) {
		const struct match *x = &a->match[i], *y = &b->match[i];
		uint64_t both = x->mask & y->mask;

		if (x->arg != y->arg)
			return false;
		if ((x->value & both) != (y->value & both))
			return true;
		if (x->mask != y->mask)
			return false;
	}
	return false;
}

static void check_call(size_t first, size_t end)
{
	const char *name = table_rows[first].name;

	if (end == first + 1) {
		cr_expect(!table_rows[first].n_matches && !table_rows[first].otherwise,
			  "%s: one row, and a condition", name);
		return;
	}
	for (size_t i = first; i < end; i++) {
		cr_expect_eq(table_rows[i].otherwise, i == end - 1,
			     "%s: exactly the last row is `otherwise`", name);
		cr_expect(table_rows[i].otherwise || table_rows[i].n_matches,
			  "%s: a row for everything beside others", name);
		for (size_t j = first; j < i && !table_rows[i].otherwise; j++) {
			cr_expect(excludes(&table_rows[i], &table_rows[j]), "%s: \"%s\" and \"%s\"",
				  name, table_rows[j].shape, table_rows[i].shape);
			cr_expect_str_neq(table_rows[i].shape, table_rows[j].shape, "%s", name);
		}
	}
}

Test(table, calls_are_decision_trees)
{
	for (size_t first = 1; first < table_rows_count; first = call_end(first)) {
		cr_expect_eq(find_row(table_rows[first].name), &table_rows[first],
			     "%s: its rows are not adjacent", table_rows[first].name);
		check_call(first, call_end(first));
	}
}

/* DESIGN's list, by hand: a row that slipped into another group would be seen here. */
Test(table, never_whatever_is_promised)
{
	static const char *const never[] = {
		"mount",
		"umount2",
		"pivot_root",
		"chroot",
		"unshare",
		"setns",
		"open_tree",
		"move_mount",
		"fsopen",
		"fsconfig",
		"fsmount",
		"fspick",
		"mount_setattr",
		"bpf",
		"perf_event_open",
		"userfaultfd",
		"ptrace",
		"pidfd_getfd",
		"process_vm_readv",
		"process_vm_writev",
		"kcmp",
		"keyctl",
		"add_key",
		"request_key",
		"init_module",
		"finit_module",
		"delete_module",
		"kexec_load",
		"kexec_file_load",
		"reboot",
		"swapon",
		"swapoff",
		"acct",
		"iopl",
		"ioperm",
		"open_by_handle_at",
		"syslog",
		"quotactl",
		"quotactl_fd",
		"fanotify_init",
		"fanotify_mark",
		"open_tree_attr",
	};
	static const char *const nosys[] = {"clone3", "io_uring_setup", "io_uring_enter",
					    "io_uring_register"};
	static const char *const always[] = {
		"exit", "exit_group",	   "rt_sigreturn", "restart_syscall",
		"rseq", "set_robust_list", "futex"};

	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		cr_expect_eq(find_row(never[i])->need.kind, ROW_NEVER, "%s", never[i]);
	for (size_t i = 0; i < ARRAY_SIZE(nosys); i++)
		cr_expect_eq(find_row(nosys[i])->need.kind, ROW_NOSYS, "%s", nosys[i]);
	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		cr_expect_eq(find_row(always[i])->need.kind, ROW_ALWAYS, "%s", always[i]);
}

Test(table, requirement_met)
{
	static const struct {
		const char *name;
		struct requirement need;
		uint64_t promises;
		bool bounded, met;
	} rows[] = {
		{"any: one of two", {.any = P(INET) | P(DNS)}, P(DNS), false, true},
		{"any: none", {.any = P(INET) | P(DNS)}, P(STDIO), true, false},
		{"all: both", {.all = P(RPATH) | P(WPATH)}, P(RPATH) | P(WPATH), false, true},
		{"all: one of two", {.all = P(RPATH) | P(WPATH)}, P(WPATH), true, false},
		{"all: empty is no way in", {.any = P(INET)}, 0, true, false},
		{"bounded: with Landlock", {.bounded = P(TMPPATH)}, P(TMPPATH), true, true},
		{"bounded: without", {.bounded = P(TMPPATH)}, P(TMPPATH), false, false},
		{"always", {.kind = ROW_ALWAYS}, 0, false, true},
		{"never", {.kind = ROW_NEVER}, UINT64_MAX, true, false},
		{"nosys", {.kind = ROW_NOSYS}, UINT64_MAX, true, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		cr_expect_eq(requirement_met(&rows[i].need, rows[i].promises, rows[i].bounded),
			     rows[i].met, "%s", rows[i].name);
}
