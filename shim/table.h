/* SPDX-License-Identifier: MIT */
/* The system-call table: one row for each call, or for each shape of its arguments where it
 * matters, with what permits it. The one truth behind the master filter, denial messages, --list,
 * learning and the tests. */
#pragma once

#include "promise.h"
#include "util.h"

/* Compare (argument & mask) == value. An `int` argument has a mask of at most 32 bits: the kernel
 * ignores the rest (CVE-2019-10063), so the filter must too. */
struct match {
	uint8_t arg; /* 0…5 */
	uint64_t mask;
	uint64_t value; /* MATCH_SELF: the process's own pid, put in when the policy is applied */
};

#define MATCH_SELF \
	UINT64_C(0x5e1f5e1f) /* above PID_MAX_LIMIT (2^22), so no real argument of these calls */
#define ROW_MATCHES 3

enum row_kind {
	ROW_NEEDS_PROMISE, /* permitted by promises, see struct requirement */
	/* The same, but ENOSYS while execve is permitted for starting only (filter.h): what it
	 * makes could be executed, and Landlock bounds no file without a path. */
	ROW_NOT_STARTING,
	ROW_ALWAYS, /* permitted whatever is promised */
	ROW_NEVER,  /* refused whatever is promised; why says the reason */
	ROW_NOSYS,  /* ENOSYS whatever is promised, so that libc falls back; why says the reason */
};

/* What permits a call. The three sets are alternatives; 0 is no way in. */
struct requirement {
	uint64_t any;	  /* any one of these promises */
	uint64_t all;	  /* all of these together */
	uint64_t bounded; /* any one of these, while Landlock bounds the path */
	uint64_t kind;	  /* enum row_kind; as wide as the rest, so that no byte is padding */
};

struct row {
	char name[28];
	bool otherwise;	   /* matches what the call's other rows do not */
	uint8_t n_matches; /* all must hold; 0 with !otherwise: every call of that name */
	struct match match[ROW_MATCHES]; /* each argument at most once, in ascending order */
	struct requirement need;
	const char *shape; /* the arguments in words, "AF_INET, SOCK_STREAM"; NULL when there are
			      none */
	const char *why;   /* the reason of a refusal, or of a row that surprises; else NULL */
};

/* A row's index in table_rows is its tag in the master filter; row 0, TAG_UNKNOWN, stands for the
 * numbers that are in no row. Rows of one call are adjacent, disjoint and form a decision tree:
 * where two rows look at the same arguments up to some argument with the same outcome, they either
 * agree on the next or exclude each other there. (libseccomp does not come back from a branch that
 * it has taken.) A call with matches has exactly one `otherwise` row, its last. */
#define TAG_UNKNOWN 0
extern const struct row table_rows[];
extern const size_t table_rows_count;

/* The numbers of calls that are younger than the libseccomp we build with. From 424 on they are the
 * same on every architecture; the few below are x86-64's own. -1 when @name is not among them. */
int table_young_number(const char *name) nonnull(1);

/* Do promises decide? (Else the same holds for every policy.) */
static inline bool requirement_by_promise(const struct requirement *need)
{
	return need->kind == ROW_NEEDS_PROMISE || need->kind == ROW_NOT_STARTING;
}

/* Does @promises meet @need? @bounded: Landlock is in force and handles truncation (ABI 3 or
 * later). */
static inline bool requirement_met(const struct requirement *need, uint64_t promises, bool bounded)
{
	if (!requirement_by_promise(need))
		return need->kind == ROW_ALWAYS;
	return (need->any & promises) || (need->all && (need->all & promises) == need->all) ||
	       (bounded && (need->bounded & promises));
}

static inline bool table_row_permits(const struct row *row, uint64_t promises, bool bounded)
{
	return requirement_met(&row->need, promises, bounded);
}
