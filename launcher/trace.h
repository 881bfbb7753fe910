/* SPDX-License-Identifier: MIT */
/* --trace: the system calls that a program and all that it starts make, as they make them. It runs
 * unconfined but watched (seccomp_unotify(2)): entries are seen, results are not. */
#pragma once

#include "../shim/filter.h"
#include "supervise.h"

enum trace_format { TRACE_NONE, TRACE_TEXT, TRACE_JSON };

struct trace_request {
	enum trace_format format;
	const char *output; /* -o FILE; NULL: standard error */
	const char *only;   /* --trace-only=LIST: promises, names of calls, prefixes of paths ("/");
			       any   of them; NULL: everything */
	bool count;	    /* -c: no lines, but a summary at the end */
	bool ever_starting; /* nobody will say that start-up is over: the shim cannot enter */
};

struct trace; /* opaque */

/* Opens the file, reads the list. *ret: trace_free(). Returns 0; -EINVAL for a word of the list
 * that is none of the three, with the nearest spelling; or -errno of the file. */
must_check int trace_new(const struct trace_request *request, struct trace **ret,
			 struct sbx_err *err) nonnull(1, 2, 3);
void trace_free(struct trace *trace);

/* The filter that has every call asked about, for the calling process, which is going to be the
 * program. */
void trace_filter(const struct trace *trace, struct filter_request *ret) nonnull(1, 2);

/* Supervise the program until it ends. Returns its exit status. */
must_check int trace_run(struct trace *trace, struct supervisor *supervisor, struct sbx_err *err)
	nonnull(1, 2, 3);
