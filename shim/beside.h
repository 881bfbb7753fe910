/* SPDX-License-Identifier: MIT */
/* A process beside the one that is going to be the program, to answer for it what its filter leaves
 * open (seccomp_unotify(2)). The program must not notice: it keeps process ID, parent, terminal and
 * exit status, and has one child more than it started, which wait(2) does not show it.
 *
 * Both share memory and descriptors until one of them executes something: fork(2) would cost more
 * than all the rest of a start. */
#pragma once

#include <stdatomic.h>
#include <sys/types.h>

#include "err.h"
#include "util.h"

/* Who executes something becomes an ordinary child, which wait(2) does show (execve(2) resets the
 * signal that a parent gets). BESIDE_ORPHAN: be nobody's child, but that of the nearest process
 * that collects orphans. */
enum beside_kind { BESIDE_CHILD, BESIDE_ORPHAN };

/* GONE is what the kernel makes of it when the new process ends or executes something. */
enum beside_state { BESIDE_GONE, BESIDE_BEGUN, BESIDE_READY };

#define BESIDE_NOBODY UINT32_MAX

struct beside {
	_Atomic uint32_t state;	   /* enum beside_state */
	_Atomic uint32_t listener; /* 0 until there is one, then its number + 1; BESIDE_NOBODY */
	pid_t program, pid;	   /* who starts, and the new process */
	char *stack_end;
	void (*begin)(struct beside *beside, int listener, void *user);
	void *user;
};

/* Does /proc show the processes of our PID namespace, and will a child be in it, too? Else numbers
 * of processes mean others there. */
bool beside_sees_processes(void);

/* Start the new process, on @stack of @size bytes. It waits until the caller has a listener, has
 * its own table of descriptors then, and calls @begin. All signals are blocked in it; until then it
 * ends with the caller. Returns 0 or -errno. */
must_check int beside_start(struct beside *beside, enum beside_kind kind, void *stack, size_t size,
			    void (*begin)(struct beside *beside, int listener, void *user),
			    void *user, struct sbx_err *err) nonnull(1, 3, 5, 7);

/* The caller has the listener; or there is going to be none, and the new process ends. */
void beside_set_listener(struct beside *beside, int listener) nonnull(1);
void beside_dismiss(struct beside *beside) nonnull(1);

/* In the new process: all is prepared. */
void beside_set_ready(struct beside *beside) nonnull(1);

/* Wait until the new process says so, or executes something, or ends. The listener is still the
 * caller's to close, who could answer itself with it. Returns the state. */
enum beside_state beside_await(struct beside *beside) nonnull(1);
