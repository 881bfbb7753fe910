/* SPDX-License-Identifier: MIT */
/* The fragment of a policy file. */
#include <errno.h>
#include <string.h>

#include "../shim/rule_parts.h"
#include "import_fit.h"

#define WIDTH 96 /* columns of a comment */

struct writer {
	struct import_profile *profile;
	struct fit fit;
	uint64_t promises;
	FILE *out;  /* borrowed */
	bool began; /* [syscalls] */
};

/* Wrapped; what a file says about itself may hold anything. */
static void put_comment(const char *text, FILE *out)
{
	size_t column = 2;

	(void)fputs("; ", out);
	for (bool first = true; *text; first = false) {
		size_t len = strcspn(text, " ");

		if (!first && column + 1 + len > WIDTH) {
			(void)fputs("\n;   ", out);
			column = 4;
		} else if (!first) {
			(void)fputc(' ', out);
			column++;
		}
		for (size_t i = 0; i < len && i < 1000; i++)
			(void)fputc((unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i],
				    out);
		column += len;
		text += len + !!text[len];
	}
	(void)fputc('\n', out);
}

#define put_commentf(writer, ...)                                                          \
	do {                                                                               \
		char *text_ = arena_printf((writer)->profile->arena, __VA_ARGS__);         \
		put_comment(text_ ? text_ : "out of memory for a comment", (writer)->out); \
	} while (0)

/* ---- [sandbox] ---- */

/* Signals to the process itself, which no profile can tell from others. */
static const char *name_itself(const struct writer *writer)
{
	const char *names = "";

	for (size_t i = 0; i < writer->fit.n_calls && names; i++) {
		const struct fit_call *call = &writer->fit.calls[i];

		for (size_t k = 0; k < call->n_rows && !call->permits_all && names; k++)
			if (call->rows[k].itself && fit_permits(&call->rows[k], writer->promises))
				names = arena_printf(writer->profile->arena, "%s%s%s", names,
						     *names ? ", " : "", call->name);
	}
	return names;
}

static void put_promises(struct writer *writer)
{
	char words[512];

	for (unsigned id = 0; id < PROMISE_COUNT; id++)
		if (writer->promises & UINT64_C(1) << id)
			put_commentf(writer, "%s: %s", promise_table[id].name,
				     promise_table[id].permits);
	promise_format(writer->promises, words, sizeof(words));
	if (writer->promises)
		(void)fprintf(writer->out, "promises = %s\n", words);
	else
		put_comment("No promise lies within the profile; what follows is all there is.",
			    writer->out);
}

static void put_sandbox(struct writer *writer)
{
	const char *itself = name_itself(writer);

	(void)fputs("[sandbox]\n", writer->out);
	put_promises(writer);
	if (itself && *itself)
		put_commentf(
			writer,
			"Beyond the profile: signals to the process itself stay permitted (%s).",
			itself);
	(void)fprintf(writer->out, "on_violation = %s\n",
		      writer->profile->kills ? "kill" : "errno");
	put_comment("The profile does not restrict paths. Better without this line and with "
		    "[unveil].",
		    writer->out);
	(void)fputs("unveil = off\n", writer->out);
	if (writer->promises & (P(WPATH) | P(CPATH)))
		put_comment("A program that may write everywhere could change its own policy, so "
			    "either say [unveil] instead, or self_modify = yes.",
			    writer->out);
}

/* ---- [syscalls] ---- */

static void begin_rules(struct writer *writer)
{
	if (!writer->began)
		(void)fputs("\n[syscalls]\n", writer->out);
	writer->began = true;
}

/* As text that reads back to the same. */
static bool format_rule(const struct rule *rule, char text[RULE_TEXT_MAX], struct sbx_err *err)
{
	struct origin from = {.file = "import"};
	struct rule again;

	(void)rule_format(rule, text, RULE_TEXT_MAX);
	return rule_parse(text, rule->action == RULE_ALLOW, from, &again, err) == 0 &&
	       rule_equal(rule, &again);
}

static void put_allow(struct writer *writer, const struct fit_entry *entry)
{
	char text[RULE_TEXT_MAX], warning[256];
	struct sbx_err err = {0};

	begin_rules(writer);
	put_comment(entry->where, writer->out);
	if (!format_rule(&entry->rule, text, &err)) {
		put_commentf(writer, "Left out: allow = %s (%s)", text, err.msg);
		return;
	}
	if (entry->unsafe) {
		put_comment("Left out, since it leads out of every sandbox; it needs [sandbox] "
			    "unsafe_syscalls = yes:",
			    writer->out);
		put_commentf(writer, "allow = %s", text);
		return;
	}
	if (rule_warning(&entry->rule, warning, sizeof(warning)))
		put_comment(warning, writer->out);
	(void)fprintf(writer->out, "allow = %s\n", text);
}

static void put_deny(struct writer *writer, const struct fit_call *call, const struct rule *rule)
{
	char text[RULE_TEXT_MAX];
	struct sbx_err err = {0};

	if (format_rule(rule, text, &err))
		(void)fprintf(writer->out, "deny = %s\n", text);
	else
		put_commentf(writer, "Stays permitted: %s (%s)", call->name, err.msg);
}

/* Why the call is permitted: the promises that do it. */
static void put_why_denied(struct writer *writer, const struct fit_call *call)
{
	uint64_t by = 0;
	char words[512];

	for (size_t i = 0; i < call->n_rows; i++) {
		const struct requirement *need = &call->rows[i].row->need;

		if (!fit_permits(&call->rows[i], writer->promises))
			continue;
		by |= need->any & writer->promises;
		if (need->all && (need->all & writer->promises) == need->all)
			by |= need->all;
	}
	promise_format(by, words, sizeof(words));
	begin_rules(writer);
	put_commentf(writer, "Beyond the profile: %s permits %s%s", by ? words : "every policy",
		     call->name, call->n_entries ? ", of which the profile permits a part" : "");
}

static void put_other(struct writer *writer, const struct fit_call *call, struct rule *rule)
{
	for (size_t i = 0; i < call->n_entries; i++)
		rule->conditions[rule->n_conditions++] =
			rule_condition_negate(&call->entries[i].rule.conditions[0]);
	put_deny(writer, call, rule);
}

static void put_negated(struct writer *writer, const struct fit_call *call, struct rule *rule)
{
	const struct rule *entry = &call->entries[0].rule;

	rule->n_conditions = 1;
	for (unsigned i = 0; i < entry->n_conditions; i++) {
		rule->conditions[0] = rule_condition_negate(&entry->conditions[i]);
		put_deny(writer, call, rule);
	}
}

static void put_shapes(struct writer *writer, const struct fit_call *call)
{
	struct rule rule;

	for (size_t i = 0; i < call->n_rows; i++) {
		const struct fit_row *row = &call->rows[i];

		for (size_t k = 0; k < row->excess.n && fit_permits(row, writer->promises); k++)
			if (fit_rule_of_shape(call, &row->excess.v[k].shape, false, &rule))
				put_deny(writer, call, &rule);
	}
}

static void put_denials(struct writer *writer, const struct fit_call *call,
			const struct fit_plan *plan)
{
	const struct shape any = {.mask = {0}};
	struct rule rule;

	if (plan->denial == FIT_NONE || !fit_rule_of_shape(call, &any, false, &rule))
		return;
	put_why_denied(writer, call);
	switch (plan->denial) {
	case FIT_NEGATE:
		put_negated(writer, call, &rule);
		break;
	case FIT_ALL_OTHER:
		put_other(writer, call, &rule);
		break;
	case FIT_SHAPES:
		put_shapes(writer, call);
		break;
	case FIT_GIVE_UP:
		put_comment("Narrower than the profile: too many values to tell them apart.",
			    writer->out);
		put_deny(writer, call, &rule);
		break;
	default: /* FIT_WHOLE */
		put_deny(writer, call, &rule);
		break;
	}
}

static bool is_in(const struct clauses *inner, const struct clauses *outer)
{
	for (size_t i = 0; i < inner->n; i++) {
		bool found = false;

		for (size_t k = 0; k < outer->n && !found; k++)
			found = shape_covers(&outer->v[k].shape, &inner->v[i].shape);
		if (!found)
			return false;
	}
	return true;
}

/* Profiles say some things twice; a rule that another hides is an error. */
static bool is_said(const struct fit_call *call, size_t i)
{
	for (size_t k = 0; k < call->n_entries; k++)
		if (k != i && is_in(&call->entries[i].shapes, &call->entries[k].shapes) &&
		    (k < i || !is_in(&call->entries[k].shapes, &call->entries[i].shapes)))
			return true;
	return false;
}

static void put_call(struct writer *writer, const struct fit_call *call)
{
	struct fit_plan plan = fit_plan(call, writer->promises);

	put_denials(writer, call, &plan);
	for (size_t i = 0; i < call->n_entries && plan.denial != FIT_GIVE_UP; i++)
		if (fit_needs(call, &call->entries[i], writer->promises) && !is_said(call, i))
			put_allow(writer, &call->entries[i]);
}

/* ---- all of it ---- */

static void put_head(struct writer *writer)
{
	struct import_profile *profile = writer->profile;

	put_commentf(writer, "A part of a policy, made by sbx-preload --import of %s",
		     profile->name);
	if (profile->permits)
		put_comment(
			"Narrower than the profile, which permits what it does not name: what no "
			"promise permits stays refused.",
			writer->out);
	for (size_t i = 0; i < profile->n_notes; i++)
		put_comment(profile->notes[i], writer->out);
	if (profile->strangers)
		put_commentf(writer, "Not of this architecture, or unknown: %s",
			     profile->strangers);
}

int import_write_policy(struct import_profile *profile, FILE *out, struct sbx_err *err)
{
	struct writer writer = {.profile = profile, .fit = {.profile = profile}, .out = out};
	int r;

	r = fit_find(&writer.fit, err);
	if (r < 0)
		return r;
	writer.promises = fit_choose(&writer.fit);
	put_head(&writer);
	put_sandbox(&writer);
	for (size_t i = 0; i < writer.fit.n_calls; i++)
		put_call(&writer, &writer.fit.calls[i]);
	return 0;
}
