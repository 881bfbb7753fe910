/* SPDX-License-Identifier: MIT */
/* --audit: what of a policy does a program not use? It runs confined, under the supervisor of
 * explain.h, which is told of permitted calls as well; at the end the promises, [unveil] letters,
 * ports and the scope that could go are named. Over several runs with a file that counts. */
#pragma once

#include "../shim/policy.h"
#include "../shim/unveil.h"

struct explain;
struct denial;
struct row;
struct audit; /* opaque */

struct audit_request {
	const struct unveil_request *unveil; /* of the run; borrowed */
	const char *file; /* where runs are counted; NULL: this run stands alone */
	bool quiet;	  /* count, and say nothing */
};

/* Reads the file, if there is one, and opens its directory, so that the program cannot lead us
 * elsewhere. *ret: audit_free(). Returns 0; -EINVAL with file:line for a file that is none of ours;
 * or -errno. */
must_check int audit_new(const struct audit_request *request, struct audit **ret,
			 struct sbx_err *err) nonnull(1, 2, 3);
void audit_free(struct audit *audit);

/* Does it have to be told of calls of this row? */
bool audit_wants(const struct row *row, bool bounded) nonnull(1);

/* A call that the policy permits, the start of the program aside. */
void audit_see(struct explain *e, struct denial *denial) nonnull(1, 2);
/* It went to a port of the Internet; @tcp: which [net] must name. Or to something outside, which
 * scope = open permits. */
void audit_see_port(struct audit *audit, enum port_access access, uint16_t port, bool tcp)
	nonnull(1);
void audit_see_scope(struct audit *audit) nonnull(1);

/* The program has ended; @again: now all its descendants have, too. Counts, and says what was not
 * used. */
void audit_end(struct audit *audit, bool again) nonnull(1);
