/* SPDX-License-Identifier: MIT */
/* Between guide.c, which leads through the dialog; guide_calls.c, guide_promises.c, guide_paths.c,
 * guide_ports.c, guide_rules.c and guide_save.c, which each hold a step of it; guide_text.c, which
 * makes a policy file of what was chosen; and guide_deny.c, which says what that would refuse. */
#pragma once

#include <sys/stat.h>

#include "guide.h"
#include "guide_io.h"
#include "../shim/rule.h"
#include "record.h"

#define GUIDE_RULES_MAX 64
#define GUIDE_LINES_MAX 20000 /* of [unveil], chosen or not */

/* The policy that was there before. */
struct guide_base {
	const char *path;     /* arena of the guide; NULL: none */
	char *text;	      /* owned */
	struct policy policy; /* owned */
	struct stat st;
};

/* A line of [unveil] as it is chosen. */
struct guide_line {
	const char *real; /* arena */
	const char *why;  /* the call that first needed it; NULL: none did */
	size_t learned;	  /* in plan.lines; SIZE_MAX: by hand */
	unsigned gone; /* of the base, whose path is missing: the number of its line; 0: not that */
	uint8_t perms;
	bool keep, is_dir;
	bool edited; /* another path than was learned */
};

#define GUIDE_INCLUDED UINT_MAX /* in a file that the base includes, which stays as it is */

struct guide_port {
	uint16_t port;
	uint8_t access; /* enum port_access */
	bool keep;
	unsigned line; /* of the base's text, if it is there already, or GUIDE_INCLUDED; 0: new */
	const char *why;
};

struct guide_rule {
	bool allow, keep;
	bool unsafe;	     /* it needs unsafe_syscalls = yes */
	unsigned line;	     /* as above */
	const char *text;    /* arena; as rule_parse() takes it */
	const char *comment; /* arena; "" */
};

struct guide {
	const struct guide_request *request;
	struct guide_io io;
	struct arena arena; /* owned */
	struct guide_base base;
	struct record_run run;	  /* owned */
	int status;		  /* of the program */
	struct learn_plan plan;	  /* owned */
	uint64_t dropped;	  /* of plan.promises */
	struct guide_line *lines; /* arena */
	size_t n_lines, cap_lines;
	struct guide_port *ports; /* arena */
	size_t n_ports, cap_ports;
	bool scope; /* scope = open, where that was needed */
	struct guide_rule rules[GUIDE_RULES_MAX];
	size_t n_rules;
	int program_status; /* of the last run under the policy; -1: none */
	bool done;	    /* saved, or ended as was asked for */
};

/* What follows a step: the next one, the one before, or the end. */
typedef enum guide_answer (*guide_step)(struct guide *g, bool from_behind);
enum guide_answer guide_step_calls(struct guide *g, bool from_behind) nonnull(1);
enum guide_answer guide_step_promises(struct guide *g, bool from_behind) nonnull(1);
enum guide_answer guide_step_paths(struct guide *g, bool from_behind) nonnull(1);
enum guide_answer guide_step_ports(struct guide *g, bool from_behind) nonnull(1);
enum guide_answer guide_step_rules(struct guide *g, bool from_behind) nonnull(1);
enum guide_answer guide_step_review(struct guide *g, bool from_behind) nonnull(1);

/* The heading of a step. */
void guide_heading(struct guide *g, unsigned number, const char *title) nonnull(1, 3);
#define GUIDE_STEPS 6

/* Of what was recorded and of the base: what is to be chosen from. Everything is kept at first.
 * Returns 0 or -ENOMEM. */
must_check int guide_prepare(struct guide *g, struct sbx_err *err) nonnull(1, 2);
void guide_done(struct guide *g);

/* All steps, forwards and backwards; the exit status to end with, and a word of it. */
enum guide_answer guide_walk(struct guide *g) nonnull(1);
int guide_end(struct guide *g) nonnull(1);

/* Run the program watched, in a process of its own, into g->run; or confined by @policy. Returns 0
 * with the program's status; or the exit status to end with, and err->code. */
must_check int guide_run_watched(struct guide *g, struct sbx_err *err) nonnull(1, 2);
must_check int guide_run_confined(struct guide *g, const struct policy *policy, int *ret_status,
				  struct sbx_err *err) nonnull(1, 2, 3, 4);

/* ---- calls by promise ---- */

#define GUIDE_GROUP_ALWAYS PROMISE_COUNT
#define GUIDE_GROUP_NEVER  (PROMISE_COUNT + 1)
#define GUIDE_GROUPS	   (PROMISE_COUNT + 2)

/* The promise that a row's calls are shown under, given those that are proposed. */
int guide_group_of(const struct guide *g, const struct record_row *row) nonnull(1, 2);
const char *guide_group_name(int group);

/* The calls of the run that wanted this promise, one line each, at most @max. Returns how many
 * kinds there are. */
size_t guide_tell_wanting(struct guide *g, int promise, size_t max) nonnull(1);

/* ---- text ---- */

/* Line number @line becomes a comment. Heap; NULL without memory. */
char *guide_text_take_out(const char *text, unsigned line) must_check nonnull(1);
/* @word goes from the values of @key in [@section]. *ret_found: it was there. */
char *guide_text_drop_word(const char *text, const char *section, const char *key, const char *word,
			   bool *ret_found) must_check nonnull(1, 2, 3, 4, 5);
/* @lines go to the end of [@section], which is made if need be. */
char *guide_text_append(const char *text, const char *section, const char *lines) must_check
	nonnull(1, 2, 3);

/* The policy file as it was chosen. Heap; NULL without memory. */
char *guide_compose(const struct guide *g) must_check nonnull(1);
/* Read it, and what it includes: *ret is to be done with in any case. Then also the checks of
 * --check. */
must_check int guide_read_policy(const struct guide *g, const char *text, struct policy *ret,
				 struct sbx_err *err) nonnull(1, 2, 3, 4);
must_check int guide_check_policy(const struct guide *g, const char *text, struct policy *ret,
				  struct sbx_err *err) nonnull(1, 2, 3, 4);

/* The base's file in its place, if there is one to start from. */
must_check int guide_base_load(struct guide *g, const char *path, struct sbx_err *err)
	nonnull(1, 2, 3);

/* ---- what would be denied ---- */

struct guide_denial {
	uint64_t count;	    /* calls; 0: not counted */
	const char *call;   /* arena */
	const char *reason; /* arena */
};

struct guide_denials {
	struct arena arena; /* owned */
	struct guide_denial *items;
	size_t n, cap;
	size_t more; /* that were too many to keep apart */
};

/* What @policy would refuse of the recorded run. Without memory less. */
void guide_denials_find(const struct guide *g, const struct policy *policy,
			struct guide_denials *ret) nonnull(1, 2, 3);
/* Only what these rules would. */
void guide_denials_by_rules(const struct guide *g, const struct rule *rules, size_t n,
			    struct guide_denials *ret) nonnull(1, 4);
void guide_denials_done(struct guide_denials *denials);
void guide_denials_tell(struct guide *g, const struct guide_denials *denials, size_t max)
	nonnull(1, 2);
