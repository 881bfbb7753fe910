/* SPDX-License-Identifier: MIT */
/* The master filter, patched into the filter of one policy, and its installation. */
#pragma once

#include <linux/filter.h>

#include "err.h"
#include "policy.h"
#include "table.h"
#include "util.h"

#define FILTER_MAX 4096 /* instructions, BPF_MAXINSNS */

struct filter {
	unsigned short len; /* instructions */
	struct sock_filter insns[FILTER_MAX];
};

struct filter_request {
	uint64_t promises;
	bool bounded;		     /* Landlock bounds the paths: see table_row_permits() */
	enum violation on_violation; /* KILL is ignored when the promises hold `error` */
	int self;		     /* pid, for rows that permit a call on the process itself */
	bool starting; /* not promised `exec`, but about to start: permits execve, and in turn
			  no memfd_create, since a memfd can be executed */
	/* A layer that is in force already: only what it permits is refused by this one, which
	 * makes for a short program, and loading costs by length. NULL: none. */
	const struct filter_request *over;
	bool supervised;     /* what is denied is left to a supervisor: SECCOMP_RET_USER_NOTIF */
	const bool *watched; /* by tag: what it is told of though it is permitted; NULL: nothing */
	/* It is also told of what is permitted for the sake of paths that Landlock bounds: on
	 * others Landlock refuses it, for want of a promise. */
	bool watch_bounded;
};

/* Does a filter of these permit what has the need @need? */
static inline bool filter_permits(const struct filter_request *request,
				  const struct requirement *need)
{
	if (request->starting && need->kind == ROW_NOT_STARTING)
		return false;
	return requirement_met(need, request->promises, request->bounded) ||
	       (request->starting && need->kind == ROW_NEEDS_PROMISE && need->any == P(EXEC));
}

/* What it does not permit: is the answer ENOSYS, so that libc falls back, rather than a denial? */
static inline bool filter_answers_nosys(const struct filter_request *request,
					const struct requirement *need)
{
	return need->kind == ROW_NOSYS || (request->starting && need->kind == ROW_NOT_STARTING);
}

/* Is it Landlock that decides about what has the need @need? */
static inline bool filter_leaves_to_landlock(const struct filter_request *request,
					     const struct requirement *need)
{
	return request->bounded && need->bounded && filter_permits(request, need) &&
	       !requirement_met(need, request->promises, false);
}

/* Turn the promises into a program for seccomp(2) by patching the master filter; compiles nothing,
 * allocates nothing. Returns 0; -EINVAL for a bit that is no promise. On failure @ret is
 * unspecified and *err says why. */
must_check int filter_build(const struct filter_request *request, struct filter *ret,
			    struct sbx_err *err) nonnull(1, 2, 3);

/* The same from a master of one's choice (the tests: another architecture's). */
struct master;
must_check int filter_build_from(const struct master *master, const struct filter_request *request,
				 struct filter *ret, struct sbx_err *err) nonnull(1, 2, 3, 4);

/* The row of the table that a call falls under, as its tag (table.h): TAG_UNKNOWN for a number that
 * no row has, TAG_FOREIGN for another architecture's or x32's call. @arch: AUDIT_ARCH_…; @self: the
 * calling process, for rows about it. Pure. */
#define TAG_FOREIGN UINT16_MAX
uint16_t filter_find_row(int nr, uint32_t arch, const uint64_t args[6], int self) nonnull(3);
uint16_t filter_find_row_from(const struct master *master, int nr, uint32_t arch,
			      const uint64_t args[6], int self) nonnull(1, 4);

/* seccomp(2) SECCOMP_SET_MODE_FILTER for the calling thread; no_new_privs must be set.
 * Returns 0, -EOPNOTSUPP when the kernel has no seccomp filters, or another -errno. */
must_check int filter_install(const struct filter *filter, struct sbx_err *err) nonnull(1, 2);

/* The same with a listener for what is notified (seccomp_unotify(2)), close-on-exec, which is the
 * caller's to hand over and to close: whoever has it decides. @kill: whoever answers may have to
 * kill by a signal. Returns 0; -EBUSY when there is a listener already, of which a process has one
 * at most; -EOPNOTSUPP. */
must_check int filter_install_listener(const struct filter *filter, bool kill, int *ret_listener,
				       struct sbx_err *err) nonnull(1, 3, 4);

/* Identifies table and master of this build: launcher and shim must agree. */
uint64_t filter_fingerprint(void);
