/* SPDX-License-Identifier: MIT */
/* Which arguments of a call lead to what, as masked values: what all formats of --export and
 * --import can be brought to. Pure. */
#pragma once

#include "../shim/arena.h"
#include "../shim/err.h"
#include "../shim/rule.h"
#include "../shim/table.h"

#define SHAPES_MAX	  65536 /* of one call */
#define SHAPES_OF_ONE_MAX 4096	/* that the conditions of one rule come to */

/* (args[i] & mask[i]) == value[i], for all of them; value lies within mask. A zeroed one holds
 * always. */
struct shape {
	uint64_t mask[6], value[6];
};

/* What @shape comes to: SECCOMP_RET_…, whole. */
struct clause {
	struct shape shape;
	uint32_t action;
};

/* In order: the first whose shape holds decides. */
struct clauses {
	struct arena *arena; /* borrowed: the memory of @v */
	struct clause *v;
	size_t n, cap;
};

bool shape_holds(const struct shape *shape, const uint64_t args[6]) nonnull(1, 2);
bool shape_is_any(const struct shape *shape) nonnull(1);
/* Does @outer hold wherever @inner does? */
bool shape_covers(const struct shape *outer, const struct shape *inner) nonnull(1, 2);
/* Where both hold; false: nowhere. */
bool shape_meet(const struct shape *a, const struct shape *b, struct shape *ret) nonnull(1, 2, 3);
/* The matches of a row; one with MATCH_SELF, of which nobody knows the value: false. */
bool shape_of_row(const struct row *row, struct shape *ret) nonnull(1, 2);

must_check int clauses_add(struct clauses *clauses, const struct shape *shape, uint32_t action)
	nonnull(1, 2);

/* The conditions of a rule as shapes that exclude each other. Returns 0, -ENOMEM, or -E2BIG when
 * they are more than SHAPES_OF_ONE_MAX. */
must_check int clauses_add_rule(struct clauses *clauses, const struct rule *rule, uint32_t action)
	nonnull(1, 2);

/* The same decision without an order: shapes that exclude each other, each with an action other
 * than
 * @except, which is what all else comes to. They form a tree that looks at the upper half of the
 * first argument, then the lower, then the next argument: where two agree up to some half, they
 * agree on it or exclude each other there. (libseccomp does not come back from a branch that it has
 * taken.) Returns 0, -ENOMEM or -E2BIG. */
must_check int clauses_split(const struct clauses *clauses, uint32_t except, struct clauses *ret)
	nonnull(1, 3);

/* What is left of @from without @what: appended to @ret, shapes that exclude each other. */
must_check int shape_subtract(const struct shape *from, const struct shape *what, uint32_t action,
			      struct clauses *ret) nonnull(1, 2, 4);
