/* SPDX-License-Identifier: MIT */
/* What a program did, for whoever asks about it afterwards: how often it made each kind of call,
 * some of them in full, and the facts that a policy is learned from. One process watches and
 * records (explain.h with learn), another reads what it left in a memfd. */
#pragma once

#include "learn_parts.h"

#define RECORD_CALLS_MAX 64 /* distinct calls of one row that are kept in full */

/* A call as it was made. */
struct record_call {
	uint64_t args[6]; /* of the first that looked like this */
	uint64_t count;
	const char *text; /* arena; "openat("/etc/passwd", O_RDONLY)"; escaped */
};

/* All calls that fall under one row of the table. */
struct record_row {
	uint16_t tag;
	int nr;			   /* of the call, on this architecture */
	uint64_t count;		   /* more than those of @calls when they were more than are kept */
	struct record_call *calls; /* arena */
	size_t n_calls, cap_calls;
};

/* ---- who watches ---- */

struct record; /* opaque */
struct denial;
struct explain;

/* @fd: a memfd of the caller's, for record_end(). *ret: record_free(). Returns 0 or -ENOMEM. */
must_check int record_new(int fd, struct record **ret, struct sbx_err *err) nonnull(2, 3);
void record_free(struct record *record);

/* A call that somebody waits for the answer to. @first_exec: the start of the program is watched,
 * too (explain_request.ever_starting), whose execve(2) is not the program's. */
void record_see(struct record *record, struct denial *denial, bool first_exec) nonnull(1, 2);

/* The program has ended: write all of it down, with what was learned. */
void record_end(struct record *record, const struct learn_facts *facts) nonnull(1, 2);

/* ---- who reads ---- */

struct record_run {
	struct arena arena;	  /* owned */
	struct learn_facts facts; /* owned */
	struct record_row *rows;  /* arena; those that were seen, by tag */
	size_t n_rows;
};

/* Read what record_end() wrote. Returns 0; -ENODATA when there is nothing or only a part of it;
 * -ENOMEM. */
must_check int record_read(int fd, struct record_run *ret, struct sbx_err *err) nonnull(2, 3);
void record_run_done(struct record_run *run);

/* Remember one more of these calls; @text is copied. For the tests, too. False: no memory. */
bool record_add(struct arena *arena, struct record_row *row, const uint64_t args[6],
		const char *text) nonnull(1, 2, 3, 4);
