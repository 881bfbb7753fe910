/* SPDX-License-Identifier: MIT */
/* The promises, one by one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guide_parts.h"

#define WANTING_MAX 8

static const char help[] = "\n  k  keep it: these calls stay permitted (Enter, if [k] is shown)\n"
			   "  d  drop it: these calls are refused, and the program has to cope\n"
			   "  a  leave this and all that follow as they are, and go on\n"
			   "  b  back to the one before\n";

static size_t list_promises(const struct guide *g, int ret[PROMISE_COUNT])
{
	size_t n = 0;

	for (int id = 0; id < PROMISE_COUNT; id++)
		if (id != PROMISE_STDIO && (g->plan.promises & UINT64_C(1) << id))
			ret[n++] = id;
	return n;
}

static void tell_implied(struct guide *g, int id)
{
	bool first = true;

	for (size_t i = 0; i < promise_paths_count; i++) {
		char letters[5];

		if (promise_paths[i].promise != id)
			continue;
		if (first)
			guide_say(&g->io, "It also opens, without a line of its own:\n");
		first = false;
		perm_format(promise_paths[i].perms, letters);
		guide_say_line(&g->io, "  %-3s %s", letters, promise_paths[i].path);
	}
}

static void explain(struct guide *g, int id)
{
	size_t n;

	guide_say_line(&g->io, "%s permits: %s", promise_table[id].name, promise_table[id].permits);
	tell_implied(g, id);
	guide_say(&g->io, "Calls of this run that wanted it:\n");
	n = guide_tell_wanting(g, id, WANTING_MAX);
	if (n > WANTING_MAX)
		guide_say(&g->io, "           and %zu kinds more\n", n - WANTING_MAX);
	if (!n)
		guide_say(&g->io, "           none; it is there for the sake of files\n");
	guide_say(&g->io, "%s", help);
}

static void tell_one(struct guide *g, const int *ids, size_t n, size_t i)
{
	uint64_t promise = UINT64_C(1) << ids[i];
	const char *why = g->plan.why[ids[i]].text;

	guide_say(&g->io, "\n");
	guide_say_bold(&g->io, "%zu/%zu  %s", i + 1, n, promise_table[ids[i]].name);
	guide_say_line(&g->io, "     permits: %s", promise_table[ids[i]].permits);
	if (why)
		guide_say_line(&g->io, "     first:   %s", why);
	else if (g->base.policy.promises & promise)
		guide_say_line(&g->io, "     it is in the policy already");
}

/* What of the base is not in its own text, but in what it includes, cannot be taken out of it. */
static bool can_drop(struct guide *g, int id)
{
	bool found = true;
	char *text;

	if (!g->base.text || !(g->base.policy.promises & UINT64_C(1) << id))
		return true;
	text = guide_text_drop_word(g->base.text, "sandbox", "promises", promise_table[id].name,
				    &found);
	free(text);
	if (!found)
		guide_say_line(&g->io, "It comes from a file that %s includes, and stays.",
			       g->base.path);
	return found;
}

/* Ask about one. */
static enum guide_answer ask_one(struct guide *g, int id, bool *ret_all)
{
	static const char *const words[] = {"keep", "drop", "all the rest", NULL};
	uint64_t promise = UINT64_C(1) << id;
	char question[32], letter;
	enum guide_answer r;

	(void)snprintf(question, sizeof(question), "Permit %s?", promise_table[id].name);
	for (;;) {
		r = guide_choose(&g->io, question, words, g->dropped & promise ? 'd' : 'k', NULL,
				 &letter);
		if (r != GUIDE_OK)
			return r;
		if (letter == '?') {
			explain(g, id);
			continue;
		}
		if (letter == 'd' && !can_drop(g, id))
			continue;
		if (letter == 'd')
			g->dropped |= promise;
		else if (letter == 'k')
			g->dropped &= ~promise;
		*ret_all = letter == 'a';
		return GUIDE_OK;
	}
}

enum guide_answer guide_step_promises(struct guide *g, bool from_behind)
{
	int ids[PROMISE_COUNT];
	size_t n = list_promises(g, ids), i = from_behind && n ? n - 1 : 0;
	bool all = false;

	if (!n && from_behind)
		return GUIDE_BACK;
	guide_heading(g, 2, "promises");
	guide_say(&g->io, "stdio is always there: every program needs it.\n");
	if (!n)
		guide_say(&g->io, "It needs no other.\n");
	while (i < n && !all) {
		enum guide_answer r;

		tell_one(g, ids, n, i);
		r = ask_one(g, ids[i], &all);
		if (r == GUIDE_QUIT || (r == GUIDE_BACK && i == 0))
			return r;
		i = r == GUIDE_BACK ? i - 1 : i + 1;
	}
	return GUIDE_OK;
}
