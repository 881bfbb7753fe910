/* SPDX-License-Identifier: MIT */
/* What an export says about itself: from what it was made, and what its format could not carry. */
#include "export_parts.h"

#include <stdarg.h>
#include <string.h>

#ifndef SBX_VERSION
#define SBX_VERSION "unknown"
#endif

#define WIDTH	  96 /* columns of a comment */
#define CALLS_MAX 12 /* that are named; of the others there is only the number */

#ifdef __aarch64__
#define ARCH_NAME "aarch64"
#else
#define ARCH_NAME "x86_64"
#endif

static int add_note(struct export_parts *parts, char *text)
{
	if (!text || arena_grow(parts->arena, (void **)&parts->notes, &parts->cap_notes,
				parts->n_notes, sizeof(parts->notes[0])) < 0)
		return -ENOMEM;
	/* A path may hold anything; a newline would end a comment in most formats. */
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	parts->notes[parts->n_notes++] = text;
	return 0;
}

int export_note(struct export_parts *parts, const char *fmt, ...)
{
	char text[PATH_MAX + 256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* what is longer, a policy cannot say */
	va_end(ap);
	return add_note(parts, arena_strdup(parts->arena, text));
}

int export_note_calls(struct export_parts *parts, const char *first, export_wanted wanted,
		      const char *last)
{
	char names[CALLS_MAX * 32];
	size_t count = 0, used = 0;

	for (size_t i = 0; i < parts->n_calls; i++) {
		if (!wanted(parts, &parts->calls[i]))
			continue;
		if (count < CALLS_MAX)
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
						 used ? ", " : "", parts->calls[i].name);
		count++;
	}
	if (!count)
		return 0;
	if (count > CALLS_MAX)
		return export_note(parts, "%s%s and %zu more%s", first, names, count - CALLS_MAX,
				   last);
	return export_note(parts, "%s%s%s", first, names, last);
}

/* ---- what there is to say ---- */

static int note_rules(struct export_parts *parts)
{
	const struct policy *policy = parts->policy;
	bool told = false;
	int r = 0;

	for (size_t i = 0; i < policy->n_rules && r == 0; i++) {
		char text[RULE_TEXT_MAX];

		(void)rule_format(&policy->rules[i], text, sizeof(text));
		r = export_note(parts, "%s = %s",
				policy->rules[i].action == RULE_ALLOW ? "allow" : "deny", text);
		told |= policy->rules[i].action == RULE_LOG;
	}
	if (r == 0 && told)
		r = export_note(parts, "Not carried: what a rule lets through and reports (-> log) "
				       "is let through, and nobody is told.");
	return r;
}

static int note_origin(struct export_parts *parts)
{
	char words[512];
	int r;

	r = export_note(parts,
			"Made by sbx-preload %s --export=%s for %s, of the policy %s:", SBX_VERSION,
			parts->request->format->name, ARCH_NAME, parts->policy->name);
	promise_format(parts->policy->promises, words, sizeof(words));
	if (r == 0)
		r = export_note(parts, "promises = %s", words);
	if (r == 0)
		r = export_note(parts, "on_violation = %s", export_kills(parts) ? "kill" : "errno");
	return r < 0 ? r : note_rules(parts);
}

static int note_paths(struct export_parts *parts)
{
	const struct policy *policy = parts->policy;
	int r;

	if (!policy->unveil)
		return 0;
	r = export_note(parts,
			"Not carried: paths. Landlock restricts them to those that the "
			"promises imply%s",
			policy->n_unveils ? ", and:" : ".");
	for (size_t i = 0; i < policy->n_unveils && r == 0; i++) {
		char letters[5];

		perm_format(policy->unveils[i].perms, letters);
		r = export_note(parts, "%s%s = %s", letters, policy->unveils[i].optional ? "?" : "",
				policy->unveils[i].path);
	}
	return r;
}

static int note_ports(struct export_parts *parts, enum port_access access, const char *key)
{
	const struct policy *policy = parts->policy;
	char list[POLICY_LINE_MAX] = "";
	size_t used = 0;

	if (!(policy->port_kinds & access))
		return 0;
	for (size_t i = 0; i < policy->n_ports && used < sizeof(list); i++)
		if (policy->ports[i].access == access)
			used += (size_t)snprintf(list + used, sizeof(list) - used, " %u",
						 policy->ports[i].port);
	return export_note(parts, "Not carried: %s =%s", key, list);
}

static int note_landlock(struct export_parts *parts)
{
	int r;

	r = note_paths(parts);
	if (r == 0)
		r = note_ports(parts, PORT_CONNECT, "connect_tcp");
	if (r == 0 && parts->request->format->write != export_write_systemd)
		r = note_ports(parts, PORT_BIND, "bind_tcp");
	if (r == 0 && !parts->policy->scope_open)
		r = export_note(parts, "Not carried: signals and abstract sockets do not leave the "
				       "sandbox (scope).");
	return r;
}

/* Is the call, or a shape of it, permitted only because Landlock restricts the path? */
static bool is_bounded(const struct export_parts *parts, const struct export_call *call)
{
	struct filter_request bounded = parts->filter, not = parts->filter;

	bounded.bounded = true;
	not .bounded = false;
	for (size_t i = 0; i < table_rows_count; i++)
		if (strcmp(table_rows[i].name, call->name) == 0 &&
		    filter_permits(&bounded, &table_rows[i].need) &&
		    !filter_permits(&not, &table_rows[i].need))
			return true;
	return false;
}

static bool is_about_itself(const struct export_parts *parts, const struct export_call *call)
{
	bool itself = false;

	for (size_t i = 0; i < table_rows_count; i++) {
		const struct row *row = &table_rows[i];

		if (strcmp(row->name, call->name) != 0)
			continue;
		if (row->n_matches && row->match[0].value == MATCH_SELF)
			itself = filter_permits(&parts->filter, &row->need);
		if (row->otherwise && filter_permits(&parts->filter, &row->need))
			return false;
	}
	return itself;
}

static int note_start(struct export_parts *parts)
{
	uint64_t more = parts->filter.promises & ~parts->policy->promises;
	char words[512];

	promise_format(more, words, sizeof(words));
	if (more)
		return export_note(parts,
				   "Wider than the policy: what a program's start needs stays "
				   "permitted, as if it promised %s: this is in force before the "
				   "program is executed.",
				   words);
	if (!(parts->filter.promises & P(EXEC)))
		return export_note(parts, "It refuses execve: put it in force inside the program, "
					  "or promise exec.");
	return 0;
}

int export_add_notes(struct export_parts *parts)
{
	const struct export_format *format = parts->request->format;
	int r;

	r = note_origin(parts);
	if (r == 0)
		r = note_landlock(parts);
	if (r == 0 && parts->policy->unveil && format->at_kernel)
		r = export_note_calls(
			parts,
			"Only right beside Landlock: it permits for the sake of paths "
			"that Landlock restricts ",
			is_bounded, ", with flags that need further promises elsewhere.");
	if (r == 0 && parts->policy->unveil && !format->at_kernel)
		r = export_note_calls(
			parts,
			"Narrower than the policy, since nothing here restricts paths: "
			"only with rpath, wpath and cpath as the flags need them: ",
			is_bounded, ".");
	/* C asks for the number when it runs. */
	if (r == 0 && format->write != export_write_c)
		r = export_note_calls(parts,
				      "Narrower than the policy: signals to the process itself are "
				      "refused, whose number is not known here (",
				      is_about_itself, "); the promise proc permits them.");
	return r < 0 ? r : note_start(parts);
}

/* ---- as comments ---- */

static void put_word(const char *word, size_t len, FILE *out)
{
	for (size_t i = 0; i < len; i++) {
		bool ends = i + 1 < len && ((word[i] == '*' && word[i + 1] == '/') ||
					    (word[i] == '/' && word[i + 1] == '*'));

		/* A backslash at the end of a line would take in the next. */
		(void)fputc(word[i] == '\\' ? '?' : word[i], out);
		if (ends)
			(void)fputc('?', out);
	}
}

static void put_note(const char *note, const char *prefix, FILE *out)
{
	size_t column = strlen(prefix);

	(void)fputs(prefix, out);
	for (bool first = true; *note; first = false) {
		size_t len = strcspn(note, " ");

		if (!first && column + 1 + len > WIDTH) {
			(void)fprintf(out, "\n%s  ", prefix);
			column = strlen(prefix) + 2;
		} else if (!first) {
			(void)fputc(' ', out);
			column++;
		}
		put_word(note, len, out);
		column += len;
		note += len + !!note[len];
	}
	(void)fputc('\n', out);
}

void export_put_notes(const struct export_parts *parts, const char *prefix, FILE *out)
{
	for (size_t i = 0; i < parts->n_notes; i++)
		put_note(parts->notes[i], prefix, out);
}
