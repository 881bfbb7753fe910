/* SPDX-License-Identifier: MIT */
/* What the program did: its calls by promise, and some of them in full when asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../shim/spell.h"
#include "guide_parts.h"

#define SAMPLES_FEW 3 /* of each kind of call, where all kinds of a promise are shown */

static const char help[] =
	"Each promise permits a kind of system calls. These are the calls that the\n"
	"program made, under the promise that is going to be proposed for them.\n"
	"\"always\" needs no promise; \"never\" is refused whatever is promised.\n"
	"  Enter   go on to the promises\n"
	"  rpath   show the calls under this promise, with their arguments\n"
	"  openat  show the calls of this name\n"
	"  b       back";

const char *guide_group_name(int group)
{
	if (group == GUIDE_GROUP_ALWAYS)
		return "always";
	if (group == GUIDE_GROUP_NEVER)
		return "never";
	return promise_table[group].name;
}

static int lowest(uint64_t set)
{
	return __builtin_ctzll(set);
}

int guide_group_of(const struct guide *g, const struct record_row *row)
{
	const struct requirement *need = &table_rows[row->tag].need;
	uint64_t promises = g->plan.promises;

	if (need->kind == ROW_ALWAYS)
		return GUIDE_GROUP_ALWAYS;
	if (!requirement_by_promise(need))
		return GUIDE_GROUP_NEVER;
	if (need->any & P(STDIO))
		return PROMISE_STDIO;
	for (size_t i = 0; i < g->run.facts.n_rows; i++) {
		const struct learn_row *learned = &g->run.facts.rows[i];

		if (learned->tag == row->tag && (learned->prefer & need->any & promises))
			return lowest(learned->prefer & need->any & promises);
	}
	if (need->any & promises)
		return lowest(need->any & promises);
	/* "wpath cpath": what says most comes last. */
	if (need->all && (need->all & promises) == need->all)
		return 63 - __builtin_clzll(need->all);
	if (need->bounded & promises)
		return lowest(need->bounded & promises);
	return need->any   ? lowest(need->any)
	       : need->all ? 63 - __builtin_clzll(need->all)
			   : GUIDE_GROUP_NEVER;
}

/* Has a row of the same call, in the same group, come before? */
static bool is_repeated(const struct guide *g, size_t index)
{
	int group = guide_group_of(g, &g->run.rows[index]);

	for (size_t i = 0; i < index; i++)
		if (guide_group_of(g, &g->run.rows[i]) == group &&
		    strcmp(table_rows[g->run.rows[i].tag].name,
			   table_rows[g->run.rows[index].tag].name) == 0)
			return true;
	return false;
}

/* "  rpath      12  openat readlink newfstatat". */
static void tell_group(struct guide *g, int group)
{
	char names[GUIDE_COLUMNS + 1] = "";
	unsigned long long count = 0;
	size_t used = 0, left = 0;
	const size_t room = GUIDE_COLUMNS - 24 - 12;

	for (size_t i = 0; i < g->run.n_rows; i++) {
		const char *name = table_rows[g->run.rows[i].tag].name;

		if (guide_group_of(g, &g->run.rows[i]) != group)
			continue;
		count += g->run.rows[i].count;
		if (is_repeated(g, i))
			continue;
		if (left || used + strlen(name) + 1 > room)
			left++;
		else
			used += (size_t)snprintf(names + used, sizeof(names) - used, " %s", name);
	}
	if (!count)
		return;
	if (left)
		(void)snprintf(names + used, sizeof(names) - used, " and %zu more", left);
	guide_say_line(&g->io, "  %-10s %9llu %s", guide_group_name(group), count, names);
}

static void tell_all(struct guide *g)
{
	guide_say_dim(&g->io, "  %-10s %9s  %s", "promise", "calls", "which");
	for (int group = 0; group < GUIDE_GROUPS; group++)
		tell_group(g, group);
}

static void tell_row(struct guide *g, const struct record_row *row, size_t max)
{
	uint64_t told = 0;

	for (size_t i = 0; i < row->n_calls && i < max; i++) {
		told += row->calls[i].count;
		guide_say_line(&g->io, "%9llu  %s", (unsigned long long)row->calls[i].count,
			       row->calls[i].text);
	}
	if (told < row->count)
		guide_say_dim(&g->io, "%9llu  more calls of %s",
			      (unsigned long long)(row->count - told), table_rows[row->tag].name);
}

/* Returns whether there were any. */
static bool tell_calls(struct guide *g, int group, const char *name)
{
	bool any = false;

	for (size_t i = 0; i < g->run.n_rows; i++) {
		const struct record_row *row = &g->run.rows[i];
		const struct row *table = &table_rows[row->tag];

		if (name ? strcmp(table->name, name) != 0 : guide_group_of(g, row) != group)
			continue;
		any = true;
		tell_row(g, row, name ? RECORD_CALLS_MAX : SAMPLES_FEW);
		if (group == GUIDE_GROUP_NEVER && table->why)
			guide_say_dim(&g->io, "           %s: %s", table->name, table->why);
	}
	return any;
}

static const char *nearest(const struct guide *g, const char *word)
{
	const char **names = calloc(g->run.n_rows + GUIDE_GROUPS, sizeof(*names));
	const char *near;
	size_t n = 0;

	if (!names)
		return NULL;
	for (int group = 0; group < GUIDE_GROUPS; group++)
		names[n++] = guide_group_name(group);
	for (size_t i = 0; i < g->run.n_rows; i++)
		names[n++] = table_rows[g->run.rows[i].tag].name;
	near = spell_nearest(word, names, n);
	free(names);
	return near;
}

static void answer(struct guide *g, const char *word)
{
	const char *near;

	for (int group = 0; group < GUIDE_GROUPS; group++) {
		if (strcmp(word, guide_group_name(group)) != 0)
			continue;
		if (!tell_calls(g, group, NULL))
			guide_say(&g->io, "No call of this run is under \"%s\".\n", word);
		return;
	}
	if (tell_calls(g, -1, word))
		return;
	near = nearest(g, word);
	guide_say_line(&g->io, "\"%s\" is neither a promise nor a call of this run%s%s%s", word,
		       near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : ".");
}

/* Shown under it, or refused without it. */
static bool wants(const struct guide *g, const struct record_row *row, int promise)
{
	const struct requirement *need = &table_rows[row->tag].need;
	uint64_t set = UINT64_C(1) << promise, without = g->plan.promises & ~set;

	if (!requirement_by_promise(need))
		return false;
	return guide_group_of(g, row) == promise ||
	       (!requirement_met(need, without, g->plan.bounded) &&
		requirement_met(need, without | set, g->plan.bounded));
}

size_t guide_tell_wanting(struct guide *g, int promise, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < g->run.n_rows; i++)
		if (wants(g, &g->run.rows[i], promise) && n++ < max)
			tell_row(g, &g->run.rows[i], 1);
	return n;
}

enum guide_answer guide_step_calls(struct guide *g, bool from_behind)
{
	char word[GUIDE_ANSWER_MAX];
	enum guide_answer r;

	(void)from_behind;
	guide_heading(g, 1, "what it did");
	tell_all(g);
	for (;;) {
		r = guide_ask(&g->io, "\nA promise or a call to look at, ? help, Enter to go on",
			      "go on", help, word);
		if (r != GUIDE_OK || strcmp(word, "go on") == 0)
			return r;
		answer(g, word);
	}
}
