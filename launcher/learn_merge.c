/* SPDX-License-Identifier: MIT */
/* What was learned, put into the text of a policy file: lines are added or say more, none is lost.
 * Pure but for the question which files are still there. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../shim/path.h"
#include "../shim/unveil.h"
#include "learn_parts.h"

#define EPHEMERAL 32768 /* net.ipv4.ip_local_port_range begins here, as a rule */

enum section {
	SECTION_NONE,
	SECTION_SANDBOX,
	SECTION_UNVEIL,
	SECTION_NET,
	SECTION_OTHER,
	SECTIONS
};

static const char *const section_names[] = {
	[SECTION_SANDBOX] = "sandbox",
	[SECTION_UNVEIL] = "unveil",
	[SECTION_NET] = "net",
};

enum key { KEY_PROMISES, KEY_SCOPE, KEY_CONNECT, KEY_BIND, KEYS };

static const struct {
	const char *name;
	enum section section;
} key_names[] = {
	[KEY_PROMISES] = {"promises", SECTION_SANDBOX},
	[KEY_SCOPE] = {"scope", SECTION_SANDBOX},
	[KEY_CONNECT] = {"connect_tcp", SECTION_NET},
	[KEY_BIND] = {"bind_tcp", SECTION_NET},
};

/* One line of the old text, and what becomes of it. */
struct old_line {
	const char *text;
	size_t len;
	char *instead; /* owned; NULL: it stays */
	char *before;  /* owned: lines in front of it */
	char *after;   /* owned */
};

struct merge {
	const struct learn_plan *plan;
	struct old_line *lines; /* owned; [0] stands before the first */
	size_t n;
	size_t last[SECTIONS]; /* the last line of a section that says something; 0: no such one */
	size_t keys[KEYS];     /* where a key is; 0: nowhere */
	bool failed;	       /* no memory */
};

/* ---- reading ---- */

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

/* Where the comment begins, or the blanks before it, or the end. */
static const char *value_end(const char *p, const char *end)
{
	const char *stop = end;

	for (const char *q = p; q + 1 < end; q++) {
		if ((q[0] == ' ' || q[0] == '\t') && q[1] == ';') {
			stop = q;
			break;
		}
	}
	while (stop > p && (stop[-1] == ' ' || stop[-1] == '\t' || stop[-1] == '\r'))
		stop--;
	return stop;
}

static enum section section_of(const char *p, size_t len)
{
	for (int i = SECTION_SANDBOX; i <= SECTION_NET; i++) {
		size_t size = strlen(section_names[i]);

		if (len > size && strncmp(p, section_names[i], size) == 0 && p[size] == ']')
			return (enum section)i;
	}
	return SECTION_OTHER;
}

static void note_key(struct merge *m, size_t at, enum section section, const char *p,
		     const char *end)
{
	const char *equals = memchr(p, '=', (size_t)(end - p));
	const char *name_end = equals;

	while (name_end && name_end > p && (name_end[-1] == ' ' || name_end[-1] == '\t'))
		name_end--;
	for (int i = 0; name_end && i < KEYS; i++)
		if (key_names[i].section == section &&
		    strlen(key_names[i].name) == (size_t)(name_end - p) &&
		    strncmp(key_names[i].name, p, (size_t)(name_end - p)) == 0)
			m->keys[i] = at;
}

static void scan(struct merge *m)
{
	enum section section = SECTION_NONE;

	for (size_t i = 1; i <= m->n; i++) {
		const char *end = m->lines[i].text + m->lines[i].len;
		const char *p = skip_blanks(m->lines[i].text, end);

		if (p == end || *p == ';' || *p == '#' || *p == '\r')
			continue;
		if (*p == '[')
			section = section_of(p + 1, (size_t)(end - p) - 1);
		else
			note_key(m, i, section, p, end);
		m->last[section] = i;
	}
}

static bool split(struct merge *m, const char *old)
{
	size_t count = 1, i = 0;

	for (const char *p = old; *p; p++)
		count += *p == '\n';
	m->lines = calloc(count + 2, sizeof(*m->lines));
	if (!m->lines)
		return false;
	while (*old) {
		size_t len = strcspn(old, "\n");

		i++;
		m->lines[i] = (struct old_line){.text = old, .len = len};
		old += len + (old[len] == '\n');
	}
	m->n = i;
	return true;
}

/* ---- writing ---- */

static void append(struct merge *m, char **to, const char *text)
{
	char *joined;

	if (!text || asprintf(&joined, "%s%s", *to ? *to : "", text) < 0) {
		m->failed |= text != NULL;
		return;
	}
	free(*to);
	*to = joined;
}

/* At the end of a section, which is made if need be. */
static void append_to_section(struct merge *m, enum section section, const char *text)
{
	char header[32];

	if (m->last[section]) {
		append(m, &m->lines[m->last[section]].after, text);
		return;
	}
	(void)snprintf(header, sizeof(header), "\n[%s]\n", section_names[section]);
	/* Behind all that is there: [sandbox], [unveil], [net] come in this order. */
	append(m, &m->lines[m->n + 1].before, header);
	append(m, &m->lines[m->n + 1].before, text);
}

/* More words at the end of a key's value. */
static void extend_value(struct merge *m, size_t at, const char *words)
{
	struct old_line *line = &m->lines[at];
	const char *end = line->text + line->len, *stop = value_end(line->text, end);
	char *text;

	if (asprintf(&text, "%.*s%s%.*s", (int)(stop - line->text), line->text, words,
		     (int)(end - stop), stop) < 0) {
		m->failed = true;
		return;
	}
	free(line->instead);
	line->instead = text;
}

static void put_promises(struct merge *m)
{
	const struct learn_plan *plan = m->plan;
	uint64_t have = plan->base ? plan->base->promises : P(STDIO);
	uint64_t new = plan->promises & ~have;
	char words[512], value[544], *comments = NULL;
	size_t size;
	FILE *out;

	if (!new)
		return;
	out = open_memstream(&comments, &size);
	if (!out) {
		m->failed = true;
		return;
	}
	for (int id = 0; id < PROMISE_COUNT; id++)
		if (new &UINT64_C(1) << id)
			(void)fprintf(out, "; %s: %s\n", promise_table[id].name,
				      plan->why[id].text ? plan->why[id].text : "");
	m->failed |= fclose(out) != 0;
	promise_format(new, words, sizeof(words));
	(void)snprintf(value, sizeof(value), " %s", words);
	if (m->keys[KEY_PROMISES]) {
		append(m, &m->lines[m->keys[KEY_PROMISES]].before, comments);
		extend_value(m, m->keys[KEY_PROMISES], value);
	} else {
		append_to_section(m, SECTION_SANDBOX, comments);
		(void)snprintf(value, sizeof(value), "promises = %s\n", words);
		append_to_section(m, SECTION_SANDBOX, value);
	}
	free(comments);
}

static void put_scope(struct merge *m)
{
	const struct learn_facts *facts = m->plan->facts;
	char text[LEARN_CALL_MAX + 64];

	if (!facts->scope.text || (m->plan->base && m->plan->base->scope_open))
		return;
	(void)snprintf(text, sizeof(text), "; outside the sandbox: %s\n%s\n", facts->scope.text,
		       m->keys[KEY_SCOPE] ? "; it needs scope = open" : "scope = open");
	append_to_section(m, SECTION_SANDBOX, text);
}

static void put_notes(struct merge *m, const char *old)
{
	const struct learn_facts *facts = m->plan->facts;

	for (size_t i = 0; i < facts->n_notes; i++) {
		char text[2 * LEARN_CALL_MAX + 128];

		(void)snprintf(text, sizeof(text), "; never permitted: %s\n", facts->notes[i].text);
		if (!strstr(old, text))
			append_to_section(m, SECTION_SANDBOX, text);
	}
	if (facts->cut)
		append_to_section(m, SECTION_SANDBOX,
				  "; warning: it did more than was remembered\n");
}

/* ---- [unveil] ---- */

/* A line that would let the program write what defines its sandbox makes the whole policy one that
 * is refused. */
static bool is_refused(const struct learn_plan *plan, const char *letters, const char *path,
		       struct sbx_err *err)
{
	const struct origin from = {.file = "--learn"};
	struct unveil_request request = {.env = plan->env};
	struct policy policy;
	bool refused;

	policy_init(&policy);
	policy.promises = plan->promises;
	policy.self_modify = plan->base && plan->base->self_modify;
	request.policy = &policy;
	refused = policy_add_unveil(&policy, letters, path, false, from, plan->env, err) == 0 &&
		  unveil_check(&request, err) == -EPERM;
	policy_done(&policy);
	return refused;
}

static void warn(const struct learn_plan *plan, const struct learn_line *line, const char *path,
		 FILE *out)
{
	char secret[PATH_MAX], spelled[PATH_MAX];

	if (learn_is_secret(plan->env, line->real))
		(void)fputs(
			"; warning: secrets are kept here: leave this out unless the program is "
			"to have them\n",
			out);
	else if (line->is_dir && learn_covers_secret(plan->env, line->real, secret))
		(void)fprintf(out, "; warning: this opens %s and more\n",
			      learn_spell(plan->env, secret, spelled) ? spelled : secret);
	else if (line->is_dir && learn_is_protected(plan->env, line->real))
		(void)fprintf(out, "; warning: this opens all of %s\n", path);
}

static void put_line(const struct learn_plan *plan, const struct learn_line *line, FILE *out)
{
	char letters[6], path[PATH_MAX];
	struct sbx_err err;
	struct stat st;

	if (line->left_out) {
		(void)fprintf(out,
			      "; left out, since no line can name the file and its directory "
			      "holds more: %s\n",
			      line->why.text ? line->why.text : "");
		return;
	}
	if (!learn_spell(plan->env, line->real, path))
		return; /* not even "/": never */
	perm_format(line->perms, letters);
	/* What is gone by now was there at the start. */
	if (lstat(line->real, &st) < 0 && strncmp(line->real, "/proc/self/", 11) != 0)
		memcpy(letters + strlen(letters), "?", 2);
	warn(plan, line, path, out);
	if (is_refused(plan, letters, path, &err))
		(void)fprintf(out, "; left out: %s\n; ", err.msg);
	(void)fprintf(out, "%s = %s ; %s", letters, path, line->why.text ? line->why.text : "");
	if (line->libraries)
		(void)fputs(" (libraries: their names change with their versions)", out);
	else if (line->n > 1)
		(void)fprintf(out, " (and others in there)");
	(void)fputc('\n', out);
}

static void put_lines(struct merge *m)
{
	const struct learn_plan *plan = m->plan;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out) {
		m->failed = true;
		return;
	}
	for (size_t i = 0; i < plan->n_lines; i++)
		if (!plan->lines[i].dropped && !plan->lines[i].old)
			put_line(plan, &plan->lines[i], out);
	m->failed |= fclose(out) != 0;
	if (size)
		append_to_section(m, SECTION_UNVEIL, text);
	free(text);
}

/* Old lines that must say more. */
static void widen_lines(struct merge *m)
{
	const struct learn_plan *plan = m->plan;

	for (size_t i = 0; i < plan->n_lines; i++) {
		const struct learn_line *line = &plan->lines[i];
		struct old_line *old = &m->lines[line->line];
		const char *end, *p, *equals;
		char letters[5], *text;

		if (!line->old || line->perms == line->old_perms || !line->line)
			continue;
		end = old->text + old->len;
		p = skip_blanks(old->text, end);
		equals = p;
		while (equals < end && strchr("rwxc", *equals))
			equals++;
		perm_format(line->perms, letters);
		if (asprintf(&text, "%.*s%s%.*s", (int)(p - old->text), old->text, letters,
			     (int)(end - equals), equals) < 0) {
			m->failed = true;
			return;
		}
		free(old->instead);
		old->instead = text;
		if (line->why.text) {
			char comment[LEARN_CALL_MAX + 64];

			(void)snprintf(comment, sizeof(comment), "; %s: %s\n", letters,
				       line->why.text);
			append(m, &old->before, comment);
		}
	}
}

/* ---- [net] ---- */

static bool has_port(const struct policy *base, uint16_t port, uint8_t access)
{
	for (size_t i = 0; base && i < base->n_ports; i++)
		if (base->ports[i].port == port && base->ports[i].access == access)
			return true;
	return false;
}

static void put_kind(struct merge *m, enum key key, enum port_access access)
{
	const struct learn_plan *plan = m->plan;
	const struct learn_facts *facts = plan->facts;
	const struct policy *base = plan->base;
	char words[POLICY_PORTS_MAX * 6 + 64] = "", text[POLICY_PORTS_MAX * 6 + 128];
	char *comments = NULL;
	bool any_port = false;
	size_t used = 0, size;
	FILE *out;

	/* What has no key is not restricted: nothing is to be added, nor to be taken. */
	if (base && !(base->port_kinds & access) && (base->promises & (P(INET) | P(DNS))))
		return;
	out = open_memstream(&comments, &size);
	if (!out) {
		m->failed = true;
		return;
	}
	for (size_t i = 0; i < facts->n_ports; i++) {
		const struct learn_port *port = &facts->ports[i];

		if (port->access != access || has_port(base, port->port, (uint8_t)access))
			continue;
		if (!port->port) {
			any_port = true;
			(void)fprintf(out, "; any free port, so that no list will do: %s\n",
				      port->why.text);
			continue;
		}
		(void)fprintf(out, "; %u: %s%s\n", port->port, port->why.text,
			      port->port >= EPHEMERAL ? " (another number the next time?)" : "");
		if (used < sizeof(words) - 8)
			used += (size_t)snprintf(words + used, sizeof(words) - used, " %u",
						 port->port);
	}
	m->failed |= fclose(out) != 0;
	if (base && (base->port_kinds & access)) {
		if (used && m->keys[key]) {
			append(m, &m->lines[m->keys[key]].before, comments);
			extend_value(m, m->keys[key], words);
		}
	} else {
		append_to_section(m, SECTION_NET, comments);
		(void)snprintf(text, sizeof(text), "%s =%s\n", key_names[key].name, words);
		if (!any_port)
			append_to_section(m, SECTION_NET, text);
	}
	free(comments);
}

static void put_ports(struct merge *m)
{
	if (!(m->plan->promises & (P(INET) | P(DNS))))
		return;
	if (!m->last[SECTION_NET] &&
	    !(m->plan->base && (m->plan->base->promises & (P(INET) | P(DNS))))) {
		append(m, &m->lines[m->n + 1].before, "\n[net]\n");
		/* What follows comes behind it. */
		m->last[SECTION_NET] = m->n + 1;
	}
	put_kind(m, KEY_CONNECT, PORT_CONNECT);
	put_kind(m, KEY_BIND, PORT_BIND);
}

/* ---- the whole ---- */

static void print_added(const char *lines, char sign, FILE *out)
{
	while (lines && *lines) {
		size_t len = strcspn(lines, "\n");

		if (len)
			(void)fprintf(out, "%c%.*s\n", sign, (int)len, lines);
		lines += len + (lines[len] == '\n');
	}
}

static char *compose(struct merge *m, bool added)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i <= m->n + 1; i++) {
		const struct old_line *line = &m->lines[i];

		if (added) {
			print_added(line->before, '+', out);
			if (line->instead)
				(void)fprintf(out, "-%.*s\n+%s\n", (int)line->len, line->text,
					      line->instead);
			print_added(line->after, '+', out);
			continue;
		}
		(void)fputs(line->before ? line->before : "", out);
		if (line->instead)
			(void)fprintf(out, "%s\n", line->instead);
		else if (line->text)
			(void)fprintf(out, "%.*s\n", (int)line->len, line->text);
		(void)fputs(line->after ? line->after : "", out);
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static void merge_done(struct merge *m)
{
	for (size_t i = 0; m->lines && i <= m->n + 1; i++) {
		free(m->lines[i].instead);
		free(m->lines[i].before);
		free(m->lines[i].after);
	}
	free(m->lines);
}

char *learn_merge(const struct learn_plan *plan, const char *old, const char *failed,
		  char **ret_added)
{
	struct merge m = {.plan = plan};
	char comment[128], *text = NULL;

	*ret_added = NULL;
	if (!split(&m, old))
		return NULL;
	scan(&m);
	put_promises(&m);
	put_scope(&m);
	put_notes(&m, old);
	put_lines(&m);
	widen_lines(&m);
	put_ports(&m);
	*ret_added = compose(&m, true);
	if (failed && *ret_added && (*ret_added)[0]) {
		(void)snprintf(comment, sizeof(comment),
			       "; the program failed (%s): it may need more than this\n", failed);
		if (!strstr(old, comment))
			append(&m, &m.lines[1].before, comment);
	}
	if (*ret_added && !m.failed)
		text = compose(&m, false);
	merge_done(&m);
	return text;
}
