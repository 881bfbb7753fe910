/* SPDX-License-Identifier: MIT */
/* Between learn.c, which watches; learn_facts.c, which remembers; learn_policy.c, which decides
 * what covers it all; learn_paths.c, which makes few lines of many files; and learn_merge.c, which
 * writes it down. All but the first know nothing of the running program. */
#pragma once

#include <sys/types.h>

#include "../shim/landlock.h"
#include "../shim/table.h"
#include "implied.h"
#include "learn.h"
#include "target.h"

#define LEARN_CALL_MAX 160 /* bytes of a call in a comment */

/* A process, and who started it. */
struct learn_process {
	pid_t tgid;
	const struct learn_process *parent; /* NULL: the program itself; or nobody knows */
	unsigned depth;
};

/* A call as a comment. Of several that need the same the first one counts: by process, as they
 * descend from each other, and by time only then. What runs at the same time comes in another order
 * the next time, but each process starts its own in the same. */
struct learn_why {
	const char *text;		     /* arena; NULL: none yet */
	const struct learn_process *process; /* arena; NULL: unknown */
	pid_t tid;
	unsigned seq;
};
bool learn_why_before(const struct learn_why *a, const struct learn_why *b) nonnull(1, 2);

/* A system call that promises decide about. */
struct learn_row {
	struct requirement need;
	uint64_t prefer;
	uint16_t tag;
	bool names_files;
	struct learn_why why;
};

/* A file or directory, and the rights that were wanted on it. */
struct learn_path {
	const char *real; /* arena */
	uint64_t rights;  /* enum landlock_fs */
	bool is_dir;
	bool made;   /* by the program: what is wanted on it, its directory must grant */
	bool device; /* opened by the program, so that ioctl(2) wants a right, too */
	struct learn_why why[4]; /* by bit of enum perm */
	/* Filled in by learn_decide(). */
	uint64_t needed; /* promises without which its line grants nothing */
	bool by_line;	 /* rather than by what promises imply */
};

/* A rename or link from one directory into another: the file must not gain rights by it. */
struct learn_move {
	const char *from, *to; /* arena */
};

struct learn_port {
	uint16_t port; /* 0: any free one */
	uint8_t access;
	struct learn_why why;
};

/* Something that no line can say. */
struct learn_note {
	const char *text; /* arena */
};

struct learn_facts {
	struct arena arena; /* owned */
	struct learn_row *rows;
	size_t n_rows, cap_rows;
	struct learn_path *paths;
	size_t n_paths, cap_paths;
	uint32_t *slots; /* arena; hash of the path → index + 1 */
	size_t n_slots;
	struct learn_move *moves;
	size_t n_moves, cap_moves;
	struct learn_port *ports;
	size_t n_ports, cap_ports;
	struct learn_note *notes;
	size_t n_notes, cap_notes;
	struct learn_why scope;
	const struct learn_process **processes; /* arena; hash of the number */
	size_t n_processes, n_process_slots;
	const char **masked; /* arena; hashed: names that another run would not have */
	size_t n_masked;
	bool cut; /* there was no room or no memory for all */
};

/* The entry of @real, made if need be; NULL without memory. Valid until the next is made. */
struct learn_path *learn_path_at(struct learn_facts *facts, const char *real) nonnull(1, 2);
/* The same, NULL when there is none. */
struct learn_path *learn_path_find(const struct learn_facts *facts, const char *real) nonnull(1, 2);

/* The process whose call it is: to be asked as soon as it makes one, while its parent can be found
 * out. NULL when there is no memory or there are too many. */
const struct learn_process *learn_process_at(struct learn_facts *facts, pid_t tgid) nonnull(1);

/* A name that another run would not have. */
void learn_mask(struct learn_facts *facts, const char *name) nonnull(1, 2);
/* The text of a call as it will be the next time, too: such names, numbers of processes and
 * addresses are left out. */
void learn_make_steady(const struct learn_facts *facts, const struct target *target,
		       const char *call, char ret[LEARN_CALL_MAX]) nonnull(1, 2, 3, 4);

/* A line of [unveil] to write. */
struct learn_line {
	const char *real; /* arena of the plan */
	uint8_t perms;
	bool is_dir, dropped;
	bool left_out; /* for the sake of a file that no line can name it would open much */
	bool old;      /* it is in the file already; so far with old_perms */
	uint8_t old_perms;
	unsigned line; /* where, in the file itself; 0: in another */
	unsigned n;    /* how many files it stands for */
	bool libraries;
	struct learn_why why;
};

struct learn_plan {
	struct arena arena; /* owned */
	const struct learn_facts *facts;
	const struct policy *base; /* what there is already; NULL: nothing */
	const struct policy_env *env;
	bool bounded;
	struct implied implied; /* in the arena */
	uint64_t promises;	/* all together */
	struct learn_why why[PROMISE_COUNT];
	struct learn_line *lines;
	size_t n_lines, cap_lines;
	uint32_t *slots; /* arena; hash of the path → index + 1 */
	size_t n_slots;	 /* 0: the lines have moved */
};

void learn_plan_done(struct learn_plan *plan);
/* Which promises, and which paths need a line? Fills @plan, whose facts, base, env and bounded are
 * set. */
void learn_decide(struct learn_plan *plan, struct learn_facts *facts) nonnull(1, 2);

/* Few lines from many paths: see learn_paths.c. */
void learn_arrange(struct learn_plan *plan) nonnull(1);
void learn_add_line(struct learn_plan *plan, const char *real, uint8_t perms, bool is_dir,
		    const struct learn_why *why) nonnull(1, 2);
void learn_add_old_line(struct learn_plan *plan, const char *real, uint8_t perms, unsigned line)
	nonnull(1, 2);
/* Must nobody be given this directory for the sake of some files in it? */
bool learn_is_protected(const struct policy_env *env, const char *dir) nonnull(1, 2);
/* What of the user's secrets is at, above or beneath @real (an absolute path into @ret)? With
 * @beneath only what exists. */
bool learn_is_secret(const struct policy_env *env, const char *real) nonnull(1, 2);
bool learn_covers_secret(const struct policy_env *env, const char *real, char ret[PATH_MAX])
	nonnull(1, 2, 3);

/* ${HOME} and the like put back; false when no policy can say it. */
bool learn_spell(const struct policy_env *env, const char *real, char ret[PATH_MAX])
	nonnull(1, 2, 3);

/* Put the plan into the policy file @old (all of it is kept). *ret_added: the lines that are new,
 * each with a "+", one after the other; "" when there are none. Both heap; NULL without memory.
 * @failed: how the program failed, or NULL. */
char *learn_merge(const struct learn_plan *plan, const char *old, const char *failed,
		  char **ret_added) nonnull(1, 2, 4);
