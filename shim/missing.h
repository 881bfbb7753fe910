/* SPDX-License-Identifier: MIT */
/* Which promises would permit a call that was denied? Exactly the smallest addition, not a list of
 * candidates. Pure. */
#pragma once

#include "table.h"

/* The smallest set of promises that @promises lacks to meet @need; 0 when @need is met or nothing
 * can. @prefer: among additions of one promise, take one of these first (what the path or the
 * address family of the call suggests). Else a fixed order decides, from promises that permit
 * little to those that permit much. */
uint64_t missing_promises(const struct requirement *need, uint64_t promises, bool bounded,
			  uint64_t prefer) nonnull(1);
