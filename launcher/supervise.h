/* SPDX-License-Identifier: MIT */
/* Answering seccomp's notifications, in one of two shapes. Around the program: a launcher that
 * stays, with fork, signals, job control and the exit status. Beside it: a process of its own,
 * while the launcher becomes the program. Knows nothing of policies: what a notified call comes to,
 * its user says. */
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <linux/seccomp.h>

#include "../shim/beside.h"
#include "../shim/err.h"
#include "../shim/filter.h"

struct supervisor {
	pid_t pid;		  /* the program */
	int listener;		  /* owned by the parent; -1 before it is known */
	sigset_t mask;		  /* to be the child's, as it was ours */
	void (*chld)(int signal); /* what SIGCHLD does, likewise */
	_Atomic uint32_t *word;	  /* where who installs the filter tells who answers */
	struct beside *beside;	  /* NULL: around the program */
	int pidfd;		  /* of the program, where not around it; 0: not open yet */
};

/* As fork(2): returns 1 in the parent, 0 in the child, or -errno. Parent and child share their
 * descriptors until the child executes the program: so the parent gets the listener, which a
 * filter that watches sendmsg(2) would not let the child send. The kernel kills the child when the
 * parent ends. Signals that the parent is going to forward are blocked in it from here on. */
must_check int supervise_fork(struct supervisor *ret, struct sbx_err *err) nonnull(1, 2);

/* In the program to be: install @filter with a listener and tell who answers. no_new_privs must be
 * set. @kill: there will be SUPERVISE_KILL. Returns 0; -EBUSY when another supervisor watches
 * already (a process has one listener at most); -EOPNOTSUPP. */
must_check int supervise_install(struct supervisor *supervisor, const struct filter *filter,
				 bool kill, struct sbx_err *err) nonnull(1, 2, 4);

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
	/* The call that judge() has looked at is answered. @there: until now it waited, so that
	 * what was read of its process since was its own. Not after SUPERVISE_KILL. NULL: never
	 * mind. */
	void (*answered)(void *user, bool there);
	/* The program has ended, with this exit status (0 where it is not known); and once more
	 * when its last descendant has, if there were any. */
	void (*ended)(void *user, bool again, int status);
	/* For supervise_run(): nobody has asked for a moment. NULL: never mind. */
	void (*idle)(void *user);
	void *user;
	bool kills; /* there will be SUPERVISE_KILL */
};

bool supervise_call_valid(int listener, uint64_t id);

/* Start a process that answers for the caller, who is going to be the program and keeps its process
 * ID, parent and terminal. It runs @serve, which calls supervise_serve(), on a stack of its own in
 * the memory of the caller, which becomes its alone at execve(2). So until then the caller must not
 * take back what it needs. wait(2) of the program does not see it. Returns 0 or -errno; then
 * supervise_install() and supervise_await(), or supervise_dismiss(). */
must_check int supervise_beside(struct supervisor *ret,
				void (*serve)(struct supervisor *supervisor, void *user),
				void *user, struct sbx_err *err) nonnull(1, 2, 4);

/* Wait until it has the listener to itself. Returns -ESRCH when it has ended, in which case nobody
 * would ever answer. */
must_check int supervise_await(struct supervisor *supervisor, struct sbx_err *err) nonnull(1, 2);

/* It is not needed after all. */
void supervise_dismiss(struct supervisor *supervisor) nonnull(1);

/* Answer until nobody is left who could ask. */
void supervise_serve(struct supervisor *supervisor, const struct supervise_user *user)
	nonnull(1, 2);

/* In the parent: answer until the program has ended. Descendants that outlive it keep a supervisor
 * in the background. Returns the exit status to use: the program's own, or 128 + its signal. */
must_check int supervise_run(struct supervisor *supervisor, const struct supervise_user *user,
			     struct sbx_err *err) nonnull(1, 2, 3);
