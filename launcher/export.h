/* SPDX-License-Identifier: MIT */
/* --export: the filter of a policy in the words of other programs. Pure but for libseccomp. */
#pragma once

#include <stdio.h>

#include "../shim/filter.h"
#include "../shim/policy.h"

struct export_parts;

struct export_format {
	const char *name;
	const char *what; /* one line, for the manual and --help */
	int (*write)(struct export_parts *parts, FILE *out, struct sbx_err *err);
	/* Where the filter comes to stand, which decides what it must permit: */
	bool at_kernel; /* what our own kernel gets: Landlock is thought to stand beside it */
	bool at_exec;	/* in force before the program is executed: permits what its start needs */
	bool in_notes;	/* has no room for comments: notes go to request.notes */
};

extern const struct export_format export_formats[];
extern const size_t export_formats_count;

/* NULL: there is none of that name. */
const struct export_format *export_format_find(const char *name) nonnull(1);

/* The names, separated by @separator, into @buf: "bpf, pfc, c"; cut to @size (128 always suffices).
 */
void export_format_names(const char *separator, char *buf, size_t size) nonnull(1, 2);

struct export_request {
	const struct export_format *format;
	const struct policy *policy;
	const struct policy_env *env;
	FILE *notes; /* borrowed: what a format without comments could not carry; NULL: nowhere */
};

/* Write @request to @out. Returns 0; -E2BIG when the rules of [syscalls] come to more than a format
 * or a filter can hold; -ENOMEM; -EIO when @out reports an error. Nothing may have been written, or
 * a part. */
must_check int export_policy(const struct export_request *request, FILE *out, struct sbx_err *err)
	nonnull(1, 2, 3);

/* The promises as the format has them: with what a start needs, bounded by Landlock or not. .self
 * is nobody's number: another process does not know it. */
struct filter_request export_filter_request(const struct export_format *format,
					    const struct policy *policy) nonnull(1, 2);
