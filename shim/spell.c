/* SPDX-License-Identifier: MIT */
#include "spell.h"

#include <string.h>

#define WORD_MAX     63 /* longer than any word of ours */
#define DISTANCE_MAX 3

/* tolower(3) asks the locale, which the constructor has not got. */
static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Edits that turn @a into @b: insert, remove, replace, swap two neighbours (optimal string
 * alignment). Case is free. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_len; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned *oldest = before;

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned replace = lower(a[i - 1]) != lower(b[j - 1]);

			row[j] = min(last[j - 1] + replace, min(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
			    lower(a[i - 2]) == lower(b[j - 1]))
				row[j] = min(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = oldest;
	}
	return last[b_len];
}

const char *spell_nearest(const char *word, const char *const *words, size_t count)
{
	size_t len = strlen(word);
	const char *nearest = NULL;
	unsigned best = DISTANCE_MAX + 1;

	if (!len || len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t other = strlen(words[i]);
		size_t longer = other > len ? other : len;
		unsigned d;

		if (other > WORD_MAX)
			continue;
		d = distance(word, len, words[i], other);
		if (d < best && d <= longer / 3) {
			best = d;
			nearest = words[i];
		}
	}
	return nearest;
}
