/* SPDX-License-Identifier: MIT */
#include "advice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../shim/missing.h"
#include "../shim/narrower.h"
#include "../shim/path.h"

#define MANY_FILES 16 /* of one directory: from here on the directory is named instead */

struct advice_line {
	const char *real; /* arena */
	uint8_t perms;
	bool is_dir;
	bool dropped; /* another line covers it */
};

void advice_init(struct advice *ret, const struct policy *policy, const struct policy_env *env)
{
	*ret = (struct advice){.policy = policy, .env = env};
}

void advice_done(struct advice *advice)
{
	if (advice)
		arena_done(&advice->arena);
}

void advice_add_promises(struct advice *advice, uint64_t promises)
{
	advice->promises |= promises;
}

void advice_add_need(struct advice *advice, const struct requirement *need, uint64_t prefer)
{
	for (size_t i = 0; i < advice->n_needs; i++)
		if (memcmp(&advice->needs[i], need, sizeof(*need)) == 0 &&
		    advice->prefers[i] == prefer)
			return;
	if (arena_grow(&advice->arena, (void **)&advice->needs, &advice->cap_needs, advice->n_needs,
		       sizeof(*advice->needs)) < 0 ||
	    arena_grow(&advice->arena, (void **)&advice->prefers, &advice->cap_prefers,
		       advice->n_needs, sizeof(*advice->prefers)) < 0)
		return;
	advice->needs[advice->n_needs] = *need;
	advice->prefers[advice->n_needs++] = prefer;
}

static void add_line(struct advice *advice, const char *real, uint8_t perms, bool is_dir)
{
	char *copy;

	for (size_t i = 0; i < advice->n_lines; i++) {
		if (strcmp(advice->lines[i].real, real) == 0) {
			advice->lines[i].perms |= perms;
			return;
		}
	}
	copy = arena_strdup(&advice->arena, real);
	if (!copy || arena_grow(&advice->arena, (void **)&advice->lines, &advice->cap_lines,
				advice->n_lines, sizeof(*advice->lines)) < 0)
		return;
	advice->lines[advice->n_lines++] =
		(struct advice_line){.real = copy, .perms = perms, .is_dir = is_dir};
}

void advice_add_path(struct advice *advice, const char *real, uint8_t perms, bool is_dir)
{
	add_line(advice, real, perms, is_dir);
}

void advice_add_port(struct advice *advice, uint16_t port, enum port_access access)
{
	for (size_t i = 0; i < advice->n_ports; i++)
		if (advice->ports[i].port == port && advice->ports[i].access == access)
			return;
	if (arena_grow(&advice->arena, (void **)&advice->ports, &advice->cap_ports, advice->n_ports,
		       sizeof(*advice->ports)) < 0)
		return;
	advice->ports[advice->n_ports++] =
		(struct port_line){.port = port, .access = (uint8_t)access};
}

void advice_add_scope(struct advice *advice)
{
	advice->scope = true;
}

bool advice_is_empty(const struct advice *advice)
{
	return !advice->promises && !advice->n_needs && !advice->n_lines && !advice->n_ports &&
	       !advice->scope;
}

/* ---- spelling ---- */

/* Does a policy file that says @text mean @real? */
static bool means(const struct policy_env *env, const char *text, const char *real)
{
	const struct origin from = {.file = "advice"};
	struct policy policy;
	struct sbx_err err;
	bool same;

	policy_init(&policy);
	same = policy_add_unveil(&policy, "r", text, false, from, env, &err) == 0 &&
	       policy.n_unveils == 1 && strcmp(policy.unveils[0].path, real) == 0;
	policy_done(&policy);
	return same;
}

/* Bytes that a terminal may take for commands: C1 controls, in UTF-8 (ECMA-48, 5.3) or alone. A
 * policy file could say them; but our lines are shown. */
static bool has_c1(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p >= 0xc2 && *p < 0xf8) { /* a character's first byte, and what follows it */
			if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
				return true;
			for (int more = *p < 0xe0   ? 1
					: *p < 0xf0 ? 2
						    : 3;
			     more && (p[1] & 0xc0) == 0x80; more--)
				p++;
		} else if (*p >= 0x80 && *p < 0xa0) {
			return true;
		}
	}
	return false;
}

bool advice_spell(const struct policy_env *env, const char *real, char ret[PATH_MAX])
{
	static const char *const variables[] = {"${HOME}", "${PWD}", "${XDG_RUNTIME_DIR}"};
	const char *best = NULL;
	size_t best_len = 1; /* of "/", which stands for nothing in particular */

	if (has_c1(real))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		char value[PATH_MAX], dir[PATH_MAX];
		struct sbx_err err;

		if (policy_expand_buf(variables[i], env, value, &err) < 0 ||
		    path_real(value, dir) < 0)
			continue;
		/* Only where the variable's own words lead there, not a link. */
		if (strcmp(value, dir) != 0 || strlen(dir) <= best_len || !path_covers(dir, real))
			continue;
		best = variables[i];
		best_len = strlen(dir);
	}
	if (best) {
		int n = snprintf(ret, PATH_MAX, "%s%s", best, real + best_len);

		if (n > 0 && n < PATH_MAX && means(env, ret, real))
			return true;
	}
	(void)snprintf(ret, PATH_MAX, "%s", real);
	return means(env, ret, real);
}

/* The real path of a policy's line. */
static bool line_real(const struct unveil_line *line, char ret[PATH_MAX])
{
	return path_real(line->path, ret) == 0;
}

uint8_t advice_letters(const struct policy *policy, const char *real, uint8_t perms)
{
	uint8_t letters = perms;

	for (size_t i = 0; i < policy->n_unveils; i++) {
		char dir[PATH_MAX];

		/* Two lines on one path add up, and neither may be part of the other. */
		if (line_real(&policy->unveils[i], dir) && path_covers(dir, real) &&
		    strcmp(dir, real) != 0)
			letters |= policy->unveils[i].perms;
	}
	return letters;
}

bool advice_displaces(const struct policy *policy, size_t i, const char *real, uint8_t perms,
		      char dir[PATH_MAX], char text[ADVICE_LINE_MAX])
{
	const struct unveil_line *line = &policy->unveils[i];
	char letters[5], place[32] = "";
	int n;

	if (!line_real(line, dir) || !path_covers(real, dir))
		return false;
	if (strcmp(dir, real) == 0 ? line->perms == perms || (line->perms & ~perms)
				   : !(perms & ~line->perms))
		return false;
	perm_format(line->perms, letters);
	if (line->from.line)
		(void)snprintf(place, sizeof(place), ":%u", line->from.line);
	n = snprintf(text, ADVICE_LINE_MAX, "%s%s = %s (%s%s)", letters, line->optional ? "?" : "",
		     line->written, line->from.file, place);
	if (n >= ADVICE_LINE_MAX)
		(void)snprintf(text, ADVICE_LINE_MAX, "a long line (%.900s%s)", line->from.file,
			       place);
	return true;
}

/* ---- the whole ---- */

static int by_path(const void *a, const void *b)
{
	const struct advice_line *x = a, *y = b;

	return strcmp(x->real, y->real);
}

/* Directories that nobody should open for the sake of some files in them. */
static bool is_too_wide(const struct advice *advice, const char *dir)
{
	static const char *const wide[] = {"/",	   "/etc", "/home", "/root", "/usr", "/var",
					   "/tmp", "/dev", "/proc", "/sys",  "/run", "/opt"};
	const char *home = env_get(advice->env->envp, "HOME");

	for (size_t i = 0; i < ARRAY_SIZE(wide); i++)
		if (strcmp(dir, wide[i]) == 0)
			return true;
	return home && path_covers(dir, home);
}

/* Many files of one directory: name the directory. The lines are sorted. */
static void gather(struct advice *advice)
{
	size_t count = advice->n_lines;

	for (size_t i = 0; i < count;) {
		const struct advice_line *first = &advice->lines[i];
		size_t len = (size_t)(path_base(first->real) - first->real);
		char dir[PATH_MAX];
		size_t n = 0;

		for (size_t j = i;
		     j < count && strncmp(advice->lines[j].real, first->real, len) == 0; j++)
			n += !advice->lines[j].is_dir && advice->lines[j].perms == first->perms &&
			     !strchr(advice->lines[j].real + len, '/');
		if (n >= MANY_FILES && len > 1 && len < sizeof(dir)) {
			memcpy(dir, first->real, len - 1);
			dir[len - 1] = '\0';
			if (!is_too_wide(advice, dir)) {
				add_line(advice, dir, first->perms, true);
				i += n; /* what is beneath it is dropped later */
				continue;
			}
		}
		i++;
	}
}

/* Lines that others cover with the same letters go; the others get what covers them, too. */
static void settle(struct advice *advice)
{
	qsort(advice->lines, advice->n_lines, sizeof(*advice->lines), by_path);
	for (size_t i = 0; i < advice->n_lines; i++) {
		struct advice_line *line = &advice->lines[i];

		line->dropped = false;
		line->perms = advice_letters(advice->policy, line->real, line->perms);
		/* What covers it is in front of it and has its own letters already. */
		for (size_t j = 0; j < i; j++) {
			const struct advice_line *above = &advice->lines[j];

			if (above->dropped || !path_covers(above->real, line->real))
				continue;
			line->perms |= above->perms;
			line->dropped |= line->perms == above->perms;
		}
	}
}

/* The policy's lines beneath a new one must say what it says, beside their own. */
static void make_room(struct advice *advice)
{
	const struct policy *policy = advice->policy;
	size_t count = advice->n_lines;

	for (size_t i = 0; i < policy->n_unveils; i++) {
		char dir[PATH_MAX], text[ADVICE_LINE_MAX];
		uint8_t new = 0;

		for (size_t j = 0; j < count; j++)
			if (!advice->lines[j].dropped &&
			    advice_displaces(policy, i, advice->lines[j].real,
					     advice->lines[j].perms, dir, text))
				new |= advice->lines[j].perms;
		if (new && (policy->unveils[i].perms & ~new) && line_real(&policy->unveils[i], dir))
			add_line(advice, dir, policy->unveils[i].perms | new, true);
	}
}

static void arrange(struct advice *advice)
{
	if (!advice->n_lines)
		return;
	qsort(advice->lines, advice->n_lines, sizeof(*advice->lines), by_path);
	gather(advice);
	settle(advice);
	make_room(advice);
	settle(advice);
}

/* All promises to add. First what has no alternative, so that the rest may be satisfied by it. */
static uint64_t promises_to_add(const struct advice *advice)
{
	uint64_t have = advice->policy->promises | advice->promises;

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < advice->n_needs; i++) {
			const struct requirement *need = &advice->needs[i];
			uint64_t ways = need->any | (advice->bounded ? need->bounded : 0);

			if (pass == 0 && __builtin_popcountll(ways) + (need->all != 0) > 1)
				continue;
			have |= missing_promises(need, have, advice->bounded, advice->prefers[i]);
		}
	}
	return have & ~advice->policy->promises;
}

static void print_displaced(const struct advice *advice, FILE *out)
{
	for (size_t i = 0; i < advice->policy->n_unveils; i++) {
		for (size_t j = 0; j < advice->n_lines; j++) {
			const struct advice_line *line = &advice->lines[j];
			char dir[PATH_MAX], text[ADVICE_LINE_MAX];

			if (line->dropped || !advice_displaces(advice->policy, i, line->real,
							       line->perms, dir, text))
				continue;
			(void)fprintf(out, "; take out %s\n", text);
			break;
		}
	}
}

static void print_unveil(const struct advice *advice, FILE *out)
{
	bool begun = false;

	for (size_t i = 0; i < advice->n_lines; i++) {
		const struct advice_line *line = &advice->lines[i];
		char letters[5], path[PATH_MAX];
		struct stat st;

		if (line->dropped)
			continue;
		if (!begun) {
			(void)fputs("[unveil]\n", out);
			print_displaced(advice, out);
		}
		begun = true;
		perm_format(line->perms, letters);
		if (!advice_spell(advice->env, line->real, path))
			continue;
		/* What is gone by now may be missing next time, too. */
		(void)fprintf(out, "%s%s = %s\n", letters, lstat(line->real, &st) < 0 ? "?" : "",
			      path);
	}
}

static void print_ports(const struct advice *advice, enum port_access access, const char *key,
			bool whole, bool *begun, FILE *out)
{
	bool first = true;

	for (size_t i = 0; i < advice->n_ports; i++) {
		if (advice->ports[i].access != access)
			continue;
		if (first) {
			(void)fprintf(out, "%s%s =", *begun ? "" : "[net]\n", key);
			for (size_t j = 0; whole && j < advice->policy->n_ports; j++)
				if (advice->policy->ports[j].access == access)
					(void)fprintf(out, " %u", advice->policy->ports[j].port);
		}
		first = false;
		*begun = true;
		(void)fprintf(out, " %u", advice->ports[i].port);
	}
	if (!first)
		(void)fputc('\n', out);
}

char *advice_text(struct advice *advice, bool whole)
{
	uint64_t promises = promises_to_add(advice);
	char words[512], *text = NULL;
	bool net = false;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	arrange(advice);
	if (promises || (advice->scope && whole))
		(void)fputs("[sandbox]\n", out);
	if (promises) {
		promise_format(promises | (whole ? advice->policy->promises : 0), words,
			       sizeof(words));
		(void)fprintf(out, "promises = %s\n", words);
	}
	/* An included file cannot say it. */
	if (advice->scope)
		(void)fprintf(out, "%sscope = open%s\n", whole ? "" : "; ",
			      whole ? "" : " belongs into [sandbox] of the policy itself");
	print_unveil(advice, out);
	print_ports(advice, PORT_CONNECT, "connect_tcp", whole, &net, out);
	print_ports(advice, PORT_BIND, "bind_tcp", whole, &net, out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
