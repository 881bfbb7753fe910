/* SPDX-License-Identifier: MIT */
/* What to add to a policy so that what was denied is permitted: collected while the program runs,
 * told at its end in the syntax of policy files. */
#pragma once

#include <limits.h>
#include <sys/stat.h>

#include "../shim/policy.h"
#include "../shim/table.h"

#define ADVICE_LINE_MAX 1024

struct advice {
	const struct policy *policy;  /* borrowed */
	const struct policy_env *env; /* borrowed */
	bool bounded;		      /* as in struct filter_request; may be set later */
	struct arena arena;	      /* owned */
	uint64_t promises;	      /* for sure */
	struct requirement *needs;    /* calls that want a promise, one or another */
	uint64_t *prefers;
	size_t n_needs, cap_needs, cap_prefers;
	struct advice_line *lines;
	size_t n_lines, cap_lines;
	struct port_line *ports;
	size_t n_ports, cap_ports;
	bool scope;
};

void advice_init(struct advice *ret, const struct policy *policy, const struct policy_env *env)
	nonnull(1, 2, 3);
void advice_done(struct advice *advice);

/* Each remembers one thing that is missing; what is there already is kept once. Without memory they
 * remember nothing: advice is no reason to stop. */
void advice_add_promises(struct advice *advice, uint64_t promises) nonnull(1);
void advice_add_need(struct advice *advice, const struct requirement *need, uint64_t prefer)
	nonnull(1, 2);
void advice_add_path(struct advice *advice, const char *real, uint8_t perms, bool is_dir)
	nonnull(1, 2);
void advice_add_port(struct advice *advice, uint16_t port, enum port_access access) nonnull(1);
void advice_add_scope(struct advice *advice) nonnull(1);
bool advice_is_empty(const struct advice *advice) nonnull(1);

/* The value of an [unveil] line for @real, with ${HOME} and the like where they fit. False when no
 * policy file can say this path. */
bool advice_spell(const struct policy_env *env, const char *real, char ret[PATH_MAX])
	nonnull(1, 2, 3);

/* The letters that an [unveil] line for @real must have to permit @perms: a line beneath another
 * has that one's letters, too. */
uint8_t advice_letters(const struct policy *policy, const char *real, uint8_t perms) nonnull(1, 2);

/* The policy's line number @i would be refused beside a new line with @perms for @real, since it
 * says less about the same files (shim/narrower.h). Then its real path is in @dir, its text with
 * file and line in @text. */
bool advice_displaces(const struct policy *policy, size_t i, const char *real, uint8_t perms,
		      char dir[PATH_MAX], char text[ADVICE_LINE_MAX]) nonnull(1, 3, 5, 6);

/* The sections to add. A comment "; take out LETTERS = PATH (FILE:LINE)" stands for each line of
 * the policy that must go then. @whole: keys that the policy has already, too, with all that they
 * must say: to be pasted over them; else only what is new, for a file that is included. Heap; NULL
 * without memory. */
char *advice_text(struct advice *advice, bool whole) must_check nonnull(1);
