/* SPDX-License-Identifier: MIT */
/* What both shapes of a supervisor share (supervise.h): one notified call at a time. */
#pragma once

#include <stdint.h>

#include "supervise.h"

/* Around the program: in supervisor.word, just before the listener is there. */
#define ANSWER_SOON UINT32_MAX

struct supervise_loop {
	struct supervisor *s;
	const struct supervise_user *user;
	struct seccomp_notif *call;	  /* owned; as large as this kernel wants it */
	struct seccomp_notif_resp *reply; /* owned */
	size_t call_size, reply_size;
	int events; /* owned; what else there is to wait for; -1 */
	int status; /* of the program */
	bool ended, killed;
	bool direct, directly; /* see supervise.c: it can, and does, take calls without poll(2) */
};

must_check int answer_init(struct supervise_loop *loop, struct sbx_err *err) nonnull(1, 2);
void answer_done(struct supervise_loop *loop) nonnull(1);

/* Take the next call from the listener and answer it. */
void answer_call(struct supervise_loop *loop) nonnull(1);
/* The same with a call that was taken, in loop->call. */
void answer_taken(struct supervise_loop *loop) nonnull(1);

/* Only faster: the caller runs us on its own processor while it waits (6.6). */
void answer_on_same_processor(int listener);

/* Does it matter to nobody that we keep standard error when the program has ended? A file, or the
 * terminal that was ours: ask before setsid(2). Whoever reads a pipe or the other end of a terminal
 * waits for its last writer. */
bool answer_may_keep_stderr(void);

/* Standard input and output go, and standard error unless it is kept. */
void answer_drop_descriptors(bool keep_stderr);

/* Something to be in the place of a closed descriptor. */
int answer_stand_in(void);
