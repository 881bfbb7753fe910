/* SPDX-License-Identifier: MIT */
/* Which policy a program gets when no flags say so: the same in launcher and shim. */
#pragma once

#include "policy.h"

/* The program as the search sees it; all borrowed. */
struct policy_subject {
	const char *named;     /* -P FILE or SBX_POLICY; NULL: search by name */
	const char *name;      /* base name as run */
	const char *real_name; /* base name of its real path */
	const char *real_path; /* of the program, or of the script */
};

/* Fill the empty @policy: the named file, else the one found by name, else the built-in default;
 * then check that its `program =`, if any, is @subject's. Returns 0 or the errors of policy_load()
 * and policy_find(); -EPERM when the policy is for another program. */
must_check int policy_select(struct policy *policy, const struct policy_subject *subject,
			     const struct policy_env *env, struct sbx_err *err) nonnull(1, 2, 3, 4);
