/* SPDX-License-Identifier: MIT */
/* The launcher as the process that a shim alone starts beside its program (shim/report.h). */
#pragma once

#include "../shim/policy.h"

/* @argv: the launcher's. Says what is denied until nobody is left. Returns an exit status. */
int report_attend(char *const *argv, const struct policy_env *env, struct sbx_err *err)
	nonnull(1, 2, 3);
