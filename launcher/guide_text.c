/* SPDX-License-Identifier: MIT */
/* What was chosen, as a policy file. What the file said before stays as it is where it can: lines
 * that are dropped become comments, so that their numbers hold. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../shim/narrower.h"
#include "../shim/path.h"
#include "../shim/policy_file.h"
#include "../shim/unveil.h"
#include "guide_parts.h"
#include "start.h"

/* ---- lines of text ---- */

/* A line, and where it stands. */
struct text_line {
	const char *text;
	size_t len;
	char section[32]; /* that it is in, or begins */
	bool says;	  /* neither empty nor a comment */
};

/* The next line of *@at; *@at moves behind it. False: there is none. */
static bool next_line(const char **at, struct text_line *line)
{
	const char *p = *at;
	size_t blanks;

	if (!*p)
		return false;
	line->text = p;
	line->len = strcspn(p, "\n");
	blanks = strspn(p, " \t\r");
	line->says = blanks < line->len && !strchr(";#", p[blanks]);
	if (line->says && p[blanks] == '[') {
		size_t len = strcspn(p + blanks + 1, "]\n");

		(void)snprintf(line->section, sizeof(line->section), "%.*s",
			       (int)(len < 31 ? len : 31), p + blanks + 1);
	}
	*at = p + line->len + (p[line->len] == '\n');
	return true;
}

static bool has_key(const struct text_line *line, const char *key)
{
	const char *p = line->text + strspn(line->text, " \t");
	size_t len = strlen(key);

	return line->says && strncmp(p, key, len) == 0 && p[len + strspn(p + len, " \t")] == '=';
}

static char *close_text(FILE *out, char **text)
{
	if (fclose(out) == 0)
		return *text;
	free(*text);
	return NULL;
}

char *guide_text_take_out(const char *text, unsigned number)
{
	struct text_line line = {0};
	char *result = NULL;
	size_t size;
	FILE *out = open_memstream(&result, &size);

	if (!out)
		return NULL;
	for (unsigned i = 1; next_line(&text, &line); i++)
		(void)fprintf(out, "%s%.*s\n", i == number ? "; taken out: " : "", (int)line.len,
			      line.text);
	return close_text(out, &result);
}

static bool is_word(const char *p, size_t len, const char *word)
{
	char copy[64];

	if (len == strlen(word) && strncmp(p, word, len) == 0)
		return true;
	if (len >= sizeof(copy) || promise_find(word) < 0)
		return false;
	memcpy(copy, p, len);
	copy[len] = '\0';
	return promise_find(copy) == promise_find(word); /* by its other name */
}

/* The line without the word; a comment behind it stays. */
static bool put_without(const struct text_line *line, const char *word, FILE *out)
{
	const char *end = line->text + line->len;
	const char *p = memchr(line->text, '=', line->len);
	bool found = false;

	p++;
	(void)fprintf(out, "%.*s", (int)(p - line->text), line->text);
	while (p < end) {
		size_t blanks = strspn(p, " \t\r"), len;

		if (p + blanks >= end || (blanks && p[blanks] == ';'))
			break;
		len = strcspn(p + blanks, " \t\r\n");
		if (is_word(p + blanks, len, word))
			found = true;
		else
			(void)fprintf(out, "%.*s", (int)(blanks + len), p);
		p += blanks + len;
	}
	(void)fprintf(out, "%.*s\n", (int)(end - p), p);
	return found;
}

char *guide_text_drop_word(const char *text, const char *section, const char *key, const char *word,
			   bool *ret_found)
{
	struct text_line line = {0};
	char *result = NULL;
	size_t size;
	FILE *out = open_memstream(&result, &size);

	*ret_found = false;
	if (!out)
		return NULL;
	while (next_line(&text, &line)) {
		if (strcmp(line.section, section) == 0 && has_key(&line, key))
			*ret_found |= put_without(&line, word, out);
		else
			(void)fprintf(out, "%.*s\n", (int)line.len, line.text);
	}
	return close_text(out, &result);
}

char *guide_text_append(const char *text, const char *section, const char *lines)
{
	struct text_line line = {0};
	char *result = NULL;
	const char *at = text, *after = NULL;
	int n;

	while (next_line(&at, &line))
		if (line.says && strcmp(line.section, section) == 0)
			after = at;
	if (after)
		n = asprintf(&result, "%.*s%s%s%s", (int)(after - text), text,
			     after > text && after[-1] != '\n' ? "\n" : "", lines, after);
	else
		n = asprintf(&result, "%s%s\n[%s]\n%s", text,
			     *text && text[strlen(text) - 1] != '\n' ? "\n" : "", section, lines);
	return n < 0 ? NULL : result;
}

/* ---- the whole ---- */

/* *text becomes what @edit made of it. */
static bool take_edit(char **text, char *edited)
{
	if (!edited)
		return false;
	free(*text);
	*text = edited;
	return true;
}

static const char *port_key(uint8_t access)
{
	return access == PORT_CONNECT ? "connect_tcp" : "bind_tcp";
}

/* What the base says and was dropped. */
static bool drop_old(const struct guide *g, char **text)
{
	bool ok = true, found;
	char port[16];

	for (int id = 0; ok && id < PROMISE_COUNT; id++)
		if (g->dropped & g->base.policy.promises & UINT64_C(1) << id)
			ok = take_edit(text, guide_text_drop_word(*text, "sandbox", "promises",
								  promise_table[id].name, &found));
	for (size_t i = 0; ok && i < g->n_lines; i++) {
		const struct guide_line *line = &g->lines[i];
		const struct learn_line *learned =
			line->learned < g->plan.n_lines ? &g->plan.lines[line->learned] : NULL;

		if (line->gone && (!line->keep || line->edited))
			ok = take_edit(text, guide_text_take_out(*text, line->gone));
		if (learned && learned->old && learned->line && (!line->keep || line->edited))
			ok = take_edit(text, guide_text_take_out(*text, learned->line));
	}
	for (size_t i = 0; ok && i < g->n_ports; i++) {
		if (g->ports[i].keep || !g->ports[i].line)
			continue;
		(void)snprintf(port, sizeof(port), "%u", g->ports[i].port);
		ok = take_edit(text,
			       guide_text_drop_word(*text, "net", port_key(g->ports[i].access),
						    port, &found));
	}
	for (size_t i = 0; ok && i < g->n_rules; i++)
		if (!g->rules[i].keep && g->rules[i].line)
			ok = take_edit(text, guide_text_take_out(*text, g->rules[i].line));
	return ok;
}

static bool add_rules(const struct guide *g, char **text)
{
	char *lines = NULL;
	size_t size;
	FILE *out = open_memstream(&lines, &size);
	bool unsafe = false, any = false, ok = true;

	if (!out)
		return false;
	for (size_t i = 0; i < g->n_rules; i++) {
		const struct guide_rule *rule = &g->rules[i];

		if (!rule->keep || rule->line)
			continue;
		if (rule->comment[0])
			(void)fprintf(out, "; %s\n", rule->comment);
		(void)fprintf(out, "%s = %s\n", rule->allow ? "allow" : "deny", rule->text);
		unsafe |= rule->unsafe;
		any = true;
	}
	if (fclose(out) != 0)
		ok = false;
	if (ok && unsafe && !g->base.policy.unsafe_syscalls)
		ok = take_edit(text,
			       guide_text_append(*text, "sandbox", "unsafe_syscalls = yes\n"));
	if (ok && any)
		ok = take_edit(text, guide_text_append(*text, "syscalls", lines));
	free(lines);
	return ok;
}

/* A line beneath another must say all that the other says (shim/narrower.h); where it then says no
 * more, it goes, unless it is in the file already. */
static void settle_lines(struct learn_plan *plan)
{
	for (size_t i = 0; i < plan->n_lines; i++) {
		struct learn_line *line = &plan->lines[i];

		for (size_t j = 0; j < plan->n_lines && !line->dropped; j++)
			if (i != j && !plan->lines[j].dropped &&
			    path_covers(plan->lines[j].real, line->real))
				line->perms |= plan->lines[j].perms;
	}
	for (size_t i = 0; i < plan->n_lines; i++) {
		struct learn_line *line = &plan->lines[i];

		for (size_t j = 0; j < plan->n_lines && !line->dropped && !line->old; j++) {
			const struct learn_line *above = &plan->lines[j];

			if (i == j || above->dropped || above->perms != line->perms ||
			    !path_covers(above->real, line->real))
				continue;
			line->dropped = strcmp(above->real, line->real) != 0 || above->old || j < i;
		}
	}
}

/* The lines of the plan as they were chosen, in new memory. */
static bool choose_lines(const struct guide *g, struct learn_plan *plan)
{
	plan->lines = arena_alloc(&plan->arena,
				  (g->plan.n_lines + g->n_lines + 1) * sizeof(*plan->lines));
	if (!plan->lines)
		return false;
	plan->n_lines = plan->cap_lines = g->plan.n_lines + g->n_lines;
	for (size_t i = 0; i < g->plan.n_lines; i++) {
		plan->lines[i] = g->plan.lines[i];
		plan->lines[i].dropped |= !plan->lines[i].left_out;
		plan->lines[i].perms =
			plan->lines[i].old ? plan->lines[i].old_perms : plan->lines[i].perms;
	}
	for (size_t i = 0; i < g->n_lines; i++) {
		const struct guide_line *line = &g->lines[i];
		struct learn_line *to = &plan->lines[g->plan.n_lines + i];

		*to = (struct learn_line){.dropped = true};
		if (!line->keep || (line->gone && !line->edited))
			continue;
		if (line->learned < g->plan.n_lines && !line->edited) {
			to = &plan->lines[line->learned];
			to->dropped = false;
			to->perms = line->perms;
			continue;
		}
		*to = (struct learn_line){
			.real = line->real, .perms = line->perms, .is_dir = line->is_dir, .n = 1};
		to->why.text = line->why ? line->why : "by hand";
	}
	settle_lines(plan);
	return true;
}

static bool choose_ports(const struct guide *g, struct learn_plan *plan, struct learn_facts *facts)
{
	facts->ports = arena_alloc(&plan->arena, (facts->n_ports + 1) * sizeof(*facts->ports));
	if (!facts->ports)
		return false;
	facts->n_ports = 0;
	for (size_t i = 0; i < g->run.facts.n_ports; i++) {
		const struct learn_port *port = &g->run.facts.ports[i];
		bool keep = true;

		for (size_t j = 0; j < g->n_ports; j++)
			if (g->ports[j].port == port->port && g->ports[j].access == port->access)
				keep = g->ports[j].keep;
		if (keep)
			facts->ports[facts->n_ports++] = *port;
	}
	return true;
}

static char *skeleton(const struct guide *g)
{
	char *text = NULL, name[256];
	size_t n = 0;

	/* Nothing in a file's name may end the comment. */
	for (const char *p = g->request->program->name; *p && n < sizeof(name) - 1; p++)
		name[n++] = (unsigned char)*p < ' ' || *p == 0x7f ? '?' : *p;
	name[n] = '\0';
	return asprintf(&text,
			"; %s: made by sbx-preload --interactive\n[sandbox]\npromises = stdio\n",
			name) < 0
		       ? NULL
		       : text;
}

char *guide_compose(const struct guide *g)
{
	struct learn_facts facts = g->run.facts;
	struct learn_plan plan = g->plan;
	char *old, *text = NULL, *added = NULL, failed[64];

	plan.arena = (struct arena){0};
	plan.facts = &facts;
	plan.n_slots = 0;
	plan.promises &= ~g->dropped;
	if (!g->scope)
		facts.scope.text = NULL;
	if (g->status > 128)
		(void)snprintf(failed, sizeof(failed), "signal %d ended it", g->status - 128);
	else
		(void)snprintf(failed, sizeof(failed), "exit status %d", g->status);
	old = g->base.text ? strdup(g->base.text) : skeleton(g);
	if (old && choose_lines(g, &plan) && choose_ports(g, &plan, &facts) && drop_old(g, &old))
		text = learn_merge(&plan, old, g->status ? failed : NULL, &added);
	if (text && !add_rules(g, &text)) {
		free(text);
		text = NULL;
	}
	free(old);
	free(added);
	arena_done(&plan.arena);
	return text;
}

/* ---- read back ---- */

struct includer {
	const struct guide *g;
};

/* As policy_load() has it, which has looked at this file before. */
static int include(struct policy *policy, const char *name, struct origin from, void *user,
		   struct sbx_err *err)
{
	const struct guide *g = ((struct includer *)user)->g;
	const char *base = g->base.path ? g->base.path : "";
	char path[PATH_MAX], text[POLICY_FILE_MAX + 1];
	struct policy_source source = {.text = text, .included = true};
	int fd cleanup_fd = -1;
	ssize_t n;

	if (snprintf(path, sizeof(path), "%.*s%s", (int)(path_base(base) - base), base, name) >=
	    (int)sizeof(path))
		return err_at(err, -ENAMETOOLONG, from.file, from.line, "too long a name");
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	if (n < 0 || n == (ssize_t)sizeof(text))
		return err_at(err, -EINVAL, from.file, from.line, "%s cannot be read", path);
	source.file = arena_strdup(&policy->arena, path);
	source.len = (size_t)n;
	if (!source.file)
		return err_set(err, -ENOMEM, "out of memory");
	return policy_parse_text(policy, &source, g->request->env, err);
}

int guide_read_policy(const struct guide *g, const char *text, struct policy *ret,
		      struct sbx_err *err)
{
	struct includer user = {g};
	const struct policy_source source = {
		.file = g->base.path ? g->base.path : "policy",
		.text = text,
		.len = strlen(text),
		.include = include,
		.user = &user,
	};

	policy_init(ret);
	ret->name = source.file;
	if (source.len > POLICY_FILE_MAX)
		return err_set(err, -EFBIG, "a policy of more than %d bytes", POLICY_FILE_MAX);
	return policy_parse_text(ret, &source, g->request->env, err);
}

int guide_check_policy(const struct guide *g, const char *text, struct policy *ret,
		       struct sbx_err *err)
{
	struct landlock_caps caps;
	struct unveil_request request = {.policy = ret, .env = g->request->env, .caps = &caps};
	char shim[PATH_MAX];
	struct sbx_err no_shim;
	int r = guide_read_policy(g, text, ret, err);

	if (r < 0)
		return r;
	landlock_probe(&caps);
	if (start_find_shim(shim, &no_shim) == 0)
		request.shim_path = shim;
	return unveil_check(&request, err);
}

int guide_base_load(struct guide *g, const char *path, struct sbx_err *err)
{
	int fd cleanup_fd = -1;
	ssize_t n;
	int r;

	policy_done(&g->base.policy);
	policy_init(&g->base.policy);
	r = policy_load(&g->base.policy, path, g->request->env, err);
	if (r < 0)
		return r;
	free(g->base.text);
	g->base.text = calloc(1, POLICY_FILE_MAX + 2);
	g->base.path = arena_strdup(&g->arena, path);
	if (!g->base.text || !g->base.path)
		return err_set(err, -ENOMEM, "out of memory");
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, g->base.text, POLICY_FILE_MAX);
	if (n < 0 || fstat(fd, &g->base.st) < 0)
		return err_at(err, -errno, path, 0, "cannot be read: %m");
	return 0;
}
