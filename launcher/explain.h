/* SPDX-License-Identifier: MIT */
/* --explain: judge what the supervisor is asked, say what is denied and what would permit it. */
#pragma once

#include "../shim/filter.h"
#include "../shim/unveil.h"
#include "supervise.h"

struct explain_request {
	const struct unveil_request *unveil; /* what the rulesets are made from; extra included */
	struct filter_request policy;	     /* what the policy permits … */
	struct filter_request start; /* … and what start-up does beside; bounded and self are
					filled in later */
	bool ever_starting; /* nobody will say that start-up is over: the shim cannot enter */
	bool quiet;	    /* say nothing; the file is written all the same */
	bool summary;	    /* at the end, tell what to add */
	const char *file;   /* where to write what to add; NULL: nowhere */
};

struct explain; /* opaque */

/* Build the model of what the policy permits. *ret: explain_free(). @request is copied, what it
 * points to must live on. Opens the directory of the file, so that the program cannot lead us
 * elsewhere. Returns 0 or -errno. */
must_check int explain_new(const struct explain_request *request, struct explain **ret,
			   struct sbx_err *err) nonnull(1, 2, 3);
void explain_free(struct explain *explain);
static inline void explain_free_at(struct explain **explain)
{
	explain_free(*explain);
}

/* By tag: the calls that the supervisor wants to hear of though they are permitted, for
 * filter_request.watched. */
const bool *explain_watched(const struct explain *explain) nonnull(1);

/* Supervise the program until it ends. Returns the exit status. */
must_check int explain_run(struct explain *explain, struct supervisor *supervisor,
			   struct sbx_err *err) nonnull(1, 2, 3);
