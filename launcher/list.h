/* SPDX-License-Identifier: MIT */
/* --list: what the promises permit, told from the tables alone: nothing here retypes them. Pure. */
#pragma once

#include <stdio.h>

#include "../shim/err.h"

/* Every promise with what it permits, one line each, and the calls that need none.
 * Returns 0, or -EIO when @out reports an error. */
must_check int list_promises(FILE *out) nonnull(1);

/* What one promise permits, or each of a blank-separated list: the paths it implies, the system
 * calls and the shapes of their arguments. What the promise permits only together with others, or
 * only while Landlock bounds the path, is marked so. Returns 0; -EINVAL for a word that is no
 * promise, with the nearest spelling; -EIO. */
must_check int list_promise(const char *names, FILE *out, struct sbx_err *err) nonnull(1, 2, 3);

/* The promises and the paths they imply as man(7) paragraphs, for the manual. Returns 0 or -EIO. */
must_check int list_man(FILE *out) nonnull(1);
