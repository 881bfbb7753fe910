/* SPDX-License-Identifier: MIT */
/* "did you mean": the nearest of a list of words. */
#pragma once

#include "util.h"

/* The word of @words[0 … count) with the smallest edit distance to @word (swaps of neighbours count
 * one), or NULL when none is near enough to be what the person meant (more than a third of the
 * letters, or more than three, are off). */
const char *spell_nearest(const char *word, const char *const *words, size_t count) nonnull(1, 2);
