/* SPDX-License-Identifier: MIT */
/* --import: a seccomp profile of another program → the part of a policy file that permits the same
 * calls. What is not surely within the profile stays refused. */
#pragma once

#include <stdio.h>

#include "../shim/err.h"

#define IMPORT_FILE_MAX (4u << 20) /* bytes */

struct import_profile;
struct json_t; /* jansson's */

struct import_format {
	char name[20];
	const char *what; /* one line, for the manual and --help */
	int (*read)(struct json_t *root, struct import_profile *ret, struct sbx_err *err);
};

extern const struct import_format import_formats[];
extern const size_t import_formats_count;

/* NULL: there is none of that name. */
const struct import_format *import_format_find(const char *name) nonnull(1);

/* The names, separated by @separator, into @buf; cut to @size (64 always suffices). */
void import_format_names(const char *separator, char *buf, size_t size) nonnull(1, 2);

/* Write the fragment for the profile in @text to @out. @name: the file, for messages and comments.
 * Returns 0; -EINVAL for what is no JSON (with line and column) or no such profile (with the place
 * in it); -E2BIG; -ENOMEM; -EIO. */
must_check int import_text(const struct import_format *format, const char *name, const char *text,
			   size_t len, FILE *out, struct sbx_err *err) nonnull(1, 2, 3, 5, 6);

/* The same of the file @path. Also -errno of open(2) and read(2). */
must_check int import_file(const struct import_format *format, const char *path, FILE *out,
			   struct sbx_err *err) nonnull(1, 2, 3, 4);
