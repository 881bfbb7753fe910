/* SPDX-License-Identifier: MIT */
/* Between audit.c, which watches; audit_decide.c, which finds what could go, and is pure; and
 * audit_count.c, which keeps count and tells. */
#pragma once

#include "../shim/landlock.h"
#include "../shim/table.h"
#include "audit.h"
#include "implied.h"

/* Promises that permit nothing which could be taken away, or without which nothing runs. */
#define AUDIT_NEVER_TOLD (P(STDIO) | P(ERROR) | P(UNVEIL) | P(THREAD))

/* A kind of call that was made, and the promise that its arguments suggest. */
struct audit_need {
	struct requirement need;
	uint64_t prefer;
};

/* Rights that were used on files which promises imply with these letters, by promise. Few are
 * distinct, however many files there are. */
struct audit_access {
	uint64_t rights; /* enum landlock_fs */
	size_t line;   /* one of the policy's lines that covers the file, or AUDIT_ANY_LINE: all */
	uint8_t perms; /* of that line; of all lines that cover it */
	uint8_t implied[PROMISE_COUNT];
};
#define AUDIT_ANY_LINE SIZE_MAX

struct audit_facts {
	struct arena arena; /* owned */
	struct audit_need *needs;
	size_t n_needs, cap_needs;
	struct audit_access *accesses;
	size_t n_accesses, cap_accesses;
	bool *ports; /* arena; by the policy's ports */
	bool scope;
	bool cut; /* there was no memory for all: nothing can be said */
};

/* What of a policy was used. */
struct audit_used {
	uint64_t promises;
	uint8_t *letters;  /* by the policy's [unveil] lines */
	const bool *ports; /* by its ports */
	bool scope;
};

void audit_add_need(struct audit_facts *facts, const struct requirement *need, uint64_t prefer)
	nonnull(1, 2);
void audit_add_access(struct audit_facts *facts, const struct audit_access *access) nonnull(1, 2);

/* The smallest part of @policy under which nothing that was seen would be refused. @ret->letters
 * has room for each line. */
void audit_decide(const struct audit_facts *facts, const struct policy *policy, bool bounded,
		  struct audit_used *ret) nonnull(1, 2, 4);

/* ---- keeping count ---- */

/* One thing that a policy permits and that could be taken out of it, and the runs since it is in
 * there. */
struct audit_item {
	const char *key; /* arena; "promise inet", "unveil w /var/cache/x", "connect_tcp 443" */
	unsigned runs, used;
	bool now; /* used in this run */
};

struct audit_count {
	struct arena arena; /* owned */
	const char *file;   /* borrowed; NULL: none */
	int dir;	    /* owned */
	bool counted;	    /* this run is in it already */
	struct audit_item *items;
	size_t n_items, cap_items;
};

/* As audit_new(). */
must_check int audit_count_open(struct audit_count *ret, const char *file, struct sbx_err *err)
	nonnull(1, 3);
void audit_count_done(struct audit_count *count) nonnull(1);

/* Add this run and write the file. */
void audit_count_run(struct audit_count *count, const struct policy *policy,
		     const struct audit_used *used) nonnull(1, 2, 3);

/* Say what was never used, on standard error. */
void audit_count_tell(const struct audit_count *count, const struct policy *policy) nonnull(1, 2);
