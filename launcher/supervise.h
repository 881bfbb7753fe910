/* SPDX-License-Identifier: MIT */
/* A launcher that stays: fork, the seccomp notification loop, signals, job control and the exit
 * status. Knows nothing of policies: what a notified call comes to, its user says. */
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <linux/seccomp.h>

#include "../shim/err.h"
#include "../shim/filter.h"

struct supervisor {
	pid_t pid;			 /* the program */
	int listener;			 /* owned by the parent; -1 before it is known */
	sigset_t mask;			 /* to be the child's, as it was ours */
	void (*chld)(int signal);	 /* what SIGCHLD does, likewise */
	struct supervise_shared *shared; /* a page that parent and child both have */
};

/* As fork(2): returns 1 in the parent, 0 in the child, or -errno. Parent and child share their
 * descriptors until the child executes the program: so the parent gets the listener, which a
 * filter that watches sendmsg(2) would not let the child send. The kernel kills the child when the
 * parent ends. Signals that the parent is going to forward are blocked in it from here on. */
must_check int supervise_fork(struct supervisor *ret, struct sbx_err *err) nonnull(1, 2);

/* In the child: install @filter with a listener and tell the parent. no_new_privs must be set.
 * Returns 0; -EBUSY when another supervisor watches already (a process has one listener at most);
 * -EOPNOTSUPP. */
must_check int supervise_install(struct supervisor *supervisor, const struct filter *filter,
				 struct sbx_err *err) nonnull(1, 2, 3);

enum supervise_action {
	SUPERVISE_CONTINUE, /* the kernel goes on with the call and enforces what else is in force
			     */
	SUPERVISE_ANSWER,   /* the call does not happen; it returns error (negative errno) or 0 */
	SUPERVISE_KILL,	    /* the call does not happen and the process ends */
};

struct supervise_verdict {
	enum supervise_action action;
	int error;
};

struct supervise_user {
	/* @listener: to ask whether the call is still there. */
	struct supervise_verdict (*judge)(void *user, const struct seccomp_notif *call,
					  int listener);
	/* The program has ended; and once more when its last descendant has, if there were any. */
	void (*ended)(void *user, bool again);
	void *user;
};

bool supervise_call_valid(int listener, uint64_t id);

/* In the parent: answer until the program has ended. Descendants that outlive it keep a supervisor
 * in the background. Returns the exit status to use: the program's own, or 128 + its signal. */
must_check int supervise_run(struct supervisor *supervisor, const struct supervise_user *user,
			     struct sbx_err *err) nonnull(1, 2, 3);
