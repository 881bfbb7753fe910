/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "../shim/spell.h"

static const char *const words[] = {"program", "include",   "promises",	   "exec_promises",
				    "unveil",  "require",   "scope",	   "inet",
				    "id",      "rpath",	    "wpath",	   "stdio",
				    "exec",    "prot_exec", "connect_tcp", "self_modify"};

static const struct {
	const char *word;
	const char *nearest; /* NULL: none */
} rows[] = {
	{"promise", "promises"},   /* one missing */
	{"promisess", "promises"}, /* one too many */
	{"pronises", "promises"},  /* another */
	{"rpomises", "promises"},  /* two swapped count one */
	{"PROMISES", "promises"},  /* case is free */
	{"inett", "inet"},
	{"stido", "stdio"},
	{"rpaht", "rpath"},
	{"exce", "exec"},
	{"promises", "promises"},      /* itself */
	{"prormizes", "promises"},     /* two of nine */
	{"conect-tpc", "connect_tcp"}, /* three of eleven */
	{"conekt-tpc", NULL},	       /* four */
	{"prxxxses", NULL},	       /* three of eight is more than a third */
	{"ix", NULL},		       /* one of two is more than a third */
	{"xyzzy", NULL},
	{"", NULL},
	{"a_word_longer_than_any_that_could_be_meant_by_whoever_wrote_the_word_promises", NULL},
};

Test(spell, nearest)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *got = spell_nearest(rows[i].word, words, ARRAY_SIZE(words));

		cr_expect(got == rows[i].nearest ||
				  (got && rows[i].nearest && strcmp(got, rows[i].nearest) == 0),
			  "\"%s\": \"%s\", should be \"%s\"", rows[i].word, got ? got : "none",
			  rows[i].nearest ? rows[i].nearest : "none");
	}
}

Test(spell, no_words)
{
	cr_expect_null(spell_nearest("promises", words, 0));
}

Test(spell, the_first_of_two_that_are_as_near)
{
	cr_expect_str_eq(spell_nearest("xpath", words, ARRAY_SIZE(words)), "rpath");
}

/* The longest word that is looked at fills the rows of the distance table to their last cell. */
Test(spell, long_words)
{
	char word[65], other[65];
	const char *list[] = {other};

	memset(word, 'a', sizeof(word));
	memset(other, 'a', sizeof(other));
	word[63] = other[63] = '\0';
	other[10] = 'b';
	cr_expect_eq(spell_nearest(word, list, 1), other, "63 letters");
	word[63] = 'a';
	word[64] = '\0';
	cr_expect_null(spell_nearest(word, list, 1), "64 letters are too many");
	word[63] = '\0';
	other[63] = 'a';
	other[64] = '\0';
	cr_expect_null(spell_nearest(word, list, 1), "in the list, too");
}
