/* SPDX-License-Identifier: MIT */
/* What a policy needs of Landlock, against what this kernel has. Pure. */
#pragma once

#include "unveil.h"

struct unveil_plan {
	uint64_t fs_inner, fs_outer; /* rights on files that each ruleset handles */
	uint64_t net, scopes;	     /* both rulesets */
	bool bounded;		     /* as in struct unveil_rulesets */
	char lost[512];		     /* as in struct unveil_rulesets */
};

/* Returns 0; -EOPNOTSUPP when the kernel lacks something and the policy does not say best-effort.
 */
must_check int unveil_plan_make(const struct unveil_request *request, struct unveil_plan *ret,
				struct sbx_err *err) nonnull(1, 2, 3);
