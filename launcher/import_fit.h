/* SPDX-License-Identifier: MIT */
/* How a profile and the promises fit: what a promise permits beyond it, and what of it no promise
 * permits. */
#pragma once

#include "import_parts.h"

#define FIT_EXCESS_MAX 64 /* rules that deny, for what one row permits beyond the profile */

/* A row of the table. */
struct fit_row {
	const struct row *row;
	struct clauses shapes; /* where it speaks */
	struct clauses excess; /* … and the profile refuses */
	bool touched;	       /* the profile permits a part of it */
	bool too_many;	       /* excess has more than FIT_EXCESS_MAX, and is cut */
	bool itself;	       /* about the process itself: no other program can know it */
};

/* Something that the profile permits of a call: one of its rules, or a shape. */
struct fit_entry {
	struct rule rule;
	const char *where;
	bool unsafe; /* it needs unsafe_syscalls, and so is only told of */
	struct clauses shapes;
	bool *rows; /* by index: a part of it lies there */
};

struct fit_call {
	const char *name;
	struct fit_row *rows;
	size_t n_rows;
	struct fit_entry *entries;
	size_t n_entries;
	bool permits_all; /* one entry, without conditions */
	bool by_rules;	  /* the entries are the profile's own rules, and it refuses all else */
};

struct fit {
	struct import_profile *profile;
	struct fit_call *calls;
	size_t n_calls;
};

/* How to refuse what the promises permit of a call beyond the profile. */
enum fit_denial {
	FIT_NONE,      /* nothing to refuse */
	FIT_WHOLE,     /* the call */
	FIT_NEGATE,    /* each condition of the one entry, the other way round */
	FIT_ALL_OTHER, /* … of all entries, which have one each, together */
	FIT_SHAPES,    /* shape by shape */
	FIT_GIVE_UP,   /* the call, although the profile permits a part */
};

struct fit_plan {
	enum fit_denial denial;
	size_t n_denials, n_allows; /* rules */
};

must_check int fit_find(struct fit *fit, struct sbx_err *err) nonnull(1, 2);

static inline bool fit_permits(const struct fit_row *row, uint64_t promises)
{
	return table_row_permits(row->row, promises, false);
}

/* How many rows does the entry permit, or a part of them, that the promises do not? */
size_t fit_needs(const struct fit_call *call, const struct fit_entry *entry, uint64_t promises)
	nonnull(1, 2);
struct fit_plan fit_plan(const struct fit_call *call, uint64_t promises) nonnull(1);

/* The promises for which fewest rules are needed. */
uint64_t fit_choose(const struct fit *fit) nonnull(1);

/* A rule for one shape. False: the call does not have such an argument. */
bool fit_rule_of_shape(const struct fit_call *call, const struct shape *shape, bool allow,
		       struct rule *ret) nonnull(1, 2, 4);
