/* SPDX-License-Identifier: MIT */
/* Judge what the supervisor is asked, say what is denied and what would permit it: of system calls
 * always, of paths and what else Landlock refuses with --explain. */
#pragma once

#include "../shim/filter.h"
#include "../shim/unveil.h"
#include "supervise.h"

struct explain_request {
	const struct unveil_request *unveil; /* what the rulesets are made from; extra included */
	bool brief; /* of paths only where the filter leaves it to Landlock; policy.bounded is set
		     */
	struct filter_request policy; /* what the policy permits … */
	struct filter_request start;  /* … and what start-up does beside; bounded and self are
					 filled in later */
	bool denied_only;	      /* whoever asks is denied: this is only about the words */
	bool ever_starting;	/* nobody will say that start-up is over: the shim cannot enter */
	bool quiet;		/* say nothing; the file is written all the same */
	bool summary;		/* at the end, tell what to add */
	const char *file;	/* where to write what to add; NULL: nowhere */
	bool learn;		/* say nothing meanwhile; at the end, make a policy: see learn.h */
	bool audit;		/* count what is used: see audit.h */
	const char *audit_file; /* over several runs; NULL: this one */
	const char *name;	/* the program's */
	const char *learn_file; /* where to merge it into; NULL: standard output */
	struct record *record;	/* of every call, with learn: see record.h; NULL: none */
};

struct explain; /* opaque */

/* Build the model of what the policy permits, unless brief. *ret: explain_free(). @request is
 * copied, what it points to must live on. Opens the directory of the file, so that the program
 * cannot lead us elsewhere. Returns 0 or -errno. */
must_check int explain_new(const struct explain_request *request, struct explain **ret,
			   struct sbx_err *err) nonnull(1, 2, 3);
void explain_free(struct explain *explain);
static inline void explain_free_at(struct explain **explain)
{
	explain_free(*explain);
}

/* The filter that has the questions asked which explain answers, for the calling process, which is
 * going to be the program. */
void explain_filter(const struct explain *explain, struct filter_request *ret) nonnull(1, 2);

/* Supervise the program until it ends. Returns the exit status. */
must_check int explain_run(struct explain *explain, struct supervisor *supervisor,
			   struct sbx_err *err) nonnull(1, 2, 3);

/* The same beside the program (supervise_beside()): say what is denied until nobody is left, or
 * until explain_stop(), since what the request points to is about to go. */
void explain_serve(struct supervisor *supervisor, void *explain) nonnull(1, 2);
void explain_stop(struct explain *explain) nonnull(1);
