/* SPDX-License-Identifier: MIT */
/* A process that --api starts: the launcher once more, with what it and the program print captured
 * where that is wanted. Never waits. */
#pragma once

#include <signal.h>
#include <sys/types.h>

#include "../shim/err.h"

#define API_CAPTURE_MAX (256 * 1024) /* bytes of each output that are kept; the rest is dropped */
#define API_LINGER_MS	250	     /* after its end, for outputs that descendants hold open */

struct api_capture {
	int fd;	   /* owned; -1: at its end, or not captured */
	char *buf; /* owned */
	size_t len, cap;
	bool captured, cut;
};

struct api_process {
	pid_t pid; /* leader of its session; not reaped before api_process_done(), so that neither
		    * its number nor its group's can become another's. 0: none */
	int pidfd; /* owned; readable when it has ended; -1 then */
	struct api_capture out, err;
	bool ended;
	siginfo_t end;	  /* of waitid(2) */
	int64_t until_ms; /* when outputs are not waited for any longer */
};

struct api_start {
	char *const *words; /* of the launcher's command line */
	char *const *envp;
	const char *cwd;  /* NULL: ours */
	const int *stdio; /* three descriptors, -1: /dev/null or captured; NULL: all so */
	const sigset_t *mask;
	bool stays; /* it does not end with us */
};

/* Returns 0 or -errno: there is no process then. */
must_check int api_process_start(const struct api_start *start, struct api_process *ret,
				 struct sbx_err *err) nonnull(1, 2, 3);

/* There is something in @capture's descriptor. */
void api_capture_read(struct api_capture *capture) nonnull(1);
/* pidfd is readable. */
void api_process_see_end(struct api_process *process, int64_t now_ms) nonnull(1);
/* It has ended, and so have its outputs, or were waited for long enough. */
bool api_process_is_over(const struct api_process *process, int64_t now_ms) nonnull(1);

/* Returns 0 or -errno: it may have ended. @group: to its process group, whoever is left of it. */
int api_process_signal(const struct api_process *process, int signal, bool group) nonnull(1);

/* Only where it has ended. @kill_rest: end what is left of its group. */
void api_process_done(struct api_process *process, bool kill_rest) nonnull(1);

/* Close descriptors that others sent, in a process of its own: closing what they are can take
 * forever (SO_LINGER in socket(7), FUSE). Each is -1 afterwards. */
void api_close_foreign(int *fds, size_t n) nonnull(1);
/* From time to time: those processes have ended, perhaps. */
void api_reap_closers(void);
bool api_closers_left(void);
