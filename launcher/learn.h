/* SPDX-License-Identifier: MIT */
/* --learn: a policy made from what a program does. It runs unconfined, under the supervisor of
 * explain.h with a policy that permits next to nothing; what that does not permit is remembered
 * here, and at the end the smallest policy of our words that covers it is written. */
#pragma once

#include "../shim/policy.h"
#include "../shim/unveil.h"

struct explain;
struct denial;
struct record;
struct learn; /* opaque */

struct learn_request {
	const struct unveil_request *unveil; /* of the run; borrowed */
	const char *name; /* the program's: the policy is proposed for NAME.ini. NULL: PROGRAM */
	const char *file; /* merge into this file; NULL: print */
	struct record *record; /* give it what was learned, and write nothing; NULL: write */
};

/* Reads the file, if there is one, and opens its directory, so that the program cannot lead us
 * elsewhere. *ret: learn_free(). Returns 0; -EINVAL with file:line for a file that is no policy; or
 * -errno. */
must_check int learn_new(const struct learn_request *request, struct learn **ret,
			 struct sbx_err *err) nonnull(1, 2, 3);
void learn_free(struct learn *learn);

/* A call that is watched: what does it need? */
void learn_see(struct explain *e, struct denial *denial) nonnull(1, 2);
/* It concerns a TCP port; or what is outside the sandbox (scope = open). */
void learn_see_port(struct explain *e, struct denial *denial, enum port_access access,
		    uint16_t port) nonnull(1, 2);
void learn_see_scope(struct explain *e, struct denial *denial) nonnull(1, 2);

/* The program has ended, with this exit status; @again: now all its descendants have, too. Writes
 * the policy. */
void learn_end(struct learn *learn, bool again, int status) nonnull(1);
