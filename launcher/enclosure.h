/* SPDX-License-Identifier: MIT */
/* A sandbox that was there before ours, around the launcher: what it refuses is not by our policy.
 */
#pragma once

#include "access.h"

struct enclosure {
	bool paths;  /* it refuses to open some paths */
	bool filter; /* a seccomp filter, which refuses before anybody is asked */
};

void enclosure_look(struct enclosure *ret) nonnull(1);

/* Would opening this be refused by it, though mode bits permit it? Tried, with files and
 * directories alone: nothing is changed by opening those. False where it is not known. */
bool enclosure_refuses(const struct enclosure *enclosure, const struct access_want *want)
	nonnull(1, 2);
