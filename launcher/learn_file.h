/* SPDX-License-Identifier: MIT */
/* Where what was learned goes: a new policy on standard output, or a file. */
#pragma once

#include <sys/stat.h>

#include "../shim/policy.h"
#include "../shim/unveil.h"

struct learn_facts;

struct learn_file {
	const char *path; /* borrowed; NULL: standard output */
	int dir;	  /* owned */
	mode_t mode;
	struct stat left;   /* as we read or wrote it last */
	char *old;	    /* owned; what the file said at the start; NULL: there was none */
	struct policy base; /* the same, read; owned */
	bool has_base;
};

/* Returns 0; -EINVAL with file:line; or -errno. */
must_check int learn_file_open(struct learn_file *ret, const char *path,
			       const struct policy_env *env, struct sbx_err *err) nonnull(1, 3, 4);
void learn_file_done(struct learn_file *file);

/* As learn_end(). */
void learn_file_write(struct learn_file *file, struct learn_facts *facts,
		      const struct unveil_request *unveil, const char *name, bool again, int status)
	nonnull(1, 2, 3);
