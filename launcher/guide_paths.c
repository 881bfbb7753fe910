/* SPDX-License-Identifier: MIT */
/* The lines of [unveil], one by one. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../shim/narrower.h"
#include "../shim/path.h"
#include "explain_parts.h"
#include "guide_parts.h"

#define NARROW_MAX 64 /* lines that one is made into */

static const char help[] =
	"\nA line lets the program see a path and, if it is a directory, all beneath it.\n"
	"  r read  w write  x execute  c create, remove and rename in it\n"
	"  k  keep the line (Enter, if [k] is shown)\n"
	"  d  drop it: what is there is refused\n"
	"  l  other letters           p  another path\n"
	"  w  wider: the directory above it\n"
	"  n  narrower: back to what was used, or to the files that were used in it\n"
	"  a  leave this line and all that follow as they are, and go on\n"
	"  b  back to the one before\n";

static const char help_letters[] =
	"r read  w write, truncate  x execute (and read)  c create, remove, rename.\n"
	"w wants the promise wpath, c wants cpath, x wants exec: without they do nothing.";
static const char help_path[] =
	"An absolute path; ~/ and ${HOME} ${USER} ${PWD} ${TMPDIR} ${UID} and the\n"
	"${XDG_...} directories may stand in it. No * or ?: a directory stands for all\n"
	"that is beneath it.";
static const char help_more[] =
	"Something the program did not use this time, but will: letters, a colon and a\n"
	"path, as in r:/etc/ssl or rwc:~/data. Enter goes on.";

/* The plan's line; NULL: it is by hand. */
static const struct learn_line *learned_of(const struct guide *g, const struct guide_line *line)
{
	return line->learned < g->plan.n_lines ? &g->plan.lines[line->learned] : NULL;
}

static const char *spelled(const struct guide *g, const char *real, char buf[PATH_MAX])
{
	return learn_spell(g->request->env, real, buf) ? buf : real;
}

/* Letters that the kept promises make good for nothing. */
static uint8_t idle_letters(const struct guide *g, uint8_t perms)
{
	uint64_t promises = g->plan.promises & ~g->dropped;
	uint8_t idle = 0;

	for (unsigned bit = 0; bit < 4; bit++)
		if ((perms & 1U << bit) && !landlock_access((uint8_t)(1U << bit), promises))
			idle |= (uint8_t)(1U << bit);
	return idle;
}

static void warn(struct guide *g, const struct guide_line *line)
{
	const struct policy_env *env = g->request->env;
	uint8_t idle = idle_letters(g, line->perms);
	char secret[PATH_MAX], text[PATH_MAX], letters[5];
	struct stat st;

	if (learn_is_secret(env, line->real))
		guide_say_line(&g->io, "     warning: secrets are kept here");
	else if (line->is_dir && learn_covers_secret(env, line->real, secret))
		guide_say_line(&g->io, "     warning: this opens %s and more",
			       spelled(g, secret, text));
	else if (line->is_dir && learn_is_protected(env, line->real))
		guide_say_line(&g->io, "     warning: this opens all of %s",
			       spelled(g, line->real, text));
	if (idle) {
		perm_format(idle, letters);
		guide_say_line(&g->io, "     %s does nothing: the promise for it was dropped",
			       letters);
	}
	if (line->gone && !line->edited)
		return;
	if (lstat(line->real, &st) < 0 && strncmp(line->real, "/proc/self", 10) != 0)
		guide_say_line(&g->io, "     not there now: the line will say %s", "\"?\"");
}

static void tell_one(struct guide *g, size_t i)
{
	const struct guide_line *line = &g->lines[i];
	const struct learn_line *learned = learned_of(g, line);
	char letters[5], text[PATH_MAX];

	perm_format(line->perms, letters);
	guide_say(&g->io, "\n");
	guide_say_bold(&g->io, "%zu/%zu  %s = %s%s", i + 1, g->n_lines, letters,
		       spelled(g, line->real, text), line->is_dir && line->real[1] ? "/" : "");
	if (line->gone && !line->edited)
		guide_say_line(&g->io,
			       "     it is in the policy, and stops it: the path is missing");
	else if (line->learned == SIZE_MAX && !line->why)
		guide_say_line(&g->io, "     by hand");
	else if (line->why)
		guide_say_line(&g->io, "     first: %s", line->why);
	else if (learned && learned->old)
		guide_say_line(&g->io, "     it is in the policy already");
	if (learned && learned->n > 1 && !line->edited)
		guide_say_line(&g->io, "     it stands for %u files in there", learned->n);
	if (learned && learned->old && line->perms != learned->old_perms) {
		perm_format(learned->old_perms, letters);
		guide_say_line(&g->io, "     in the policy it says %s so far", letters);
	}
	warn(g, line);
}

/* ---- editing ---- */

/* What the base includes cannot be changed here. */
static bool can_change(struct guide *g, const struct guide_line *line)
{
	const struct learn_line *learned = learned_of(g, line);

	if (!learned || !learned->old || learned->line)
		return true;
	guide_say_line(&g->io, "It comes from a file that %s includes, and stays as it is.",
		       g->base.path);
	return false;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool set_path(struct guide *g, struct guide_line *line, const char *path, bool is_dir)
{
	const struct learn_line *learned = learned_of(g, line);
	char *copy = arena_strdup(&g->arena, path);

	if (!copy)
		return false;
	line->real = copy;
	line->edited = !learned || strcmp(learned->real, path) != 0;
	line->is_dir = line->edited ? is_dir : learned->is_dir;
	return true;
}

/* Is it a path that a policy can say, with these letters? Absolute, without variables, into @ret.
 */
static bool parse_path(struct guide *g, const char *letters, const char *text, char ret[PATH_MAX],
		       uint8_t *ret_perms)
{
	struct policy policy;
	struct sbx_err err = {0};
	size_t len;
	int r;

	policy_init(&policy);
	r = policy_add_unveil(&policy, letters, text, false, (struct origin){0}, g->request->env,
			      &err);
	if (r == 0) {
		(void)snprintf(ret, PATH_MAX, "%s", policy.unveils[0].path);
		*ret_perms = policy.unveils[0].perms;
		len = strlen(ret);
		while (len > 1 && ret[len - 1] == '/')
			ret[--len] = '\0';
	}
	policy_done(&policy);
	if (r < 0)
		guide_say_line(&g->io, "%s.", err.msg);
	return r == 0;
}

static enum guide_answer edit_letters(struct guide *g, struct guide_line *line)
{
	char letters[5], answer[GUIDE_ANSWER_MAX], path[PATH_MAX];

	perm_format(line->perms, letters);
	for (;;) {
		enum guide_answer r =
			guide_ask(&g->io, "Letters of rwxc:", letters, help_letters, answer);

		if (r != GUIDE_OK)
			return r;
		if (strspn(answer, "rwxc") == strlen(answer) &&
		    parse_path(g, answer, "/", path, &line->perms)) {
			line->edited |= line->gone != 0;
			return GUIDE_OK;
		}
		guide_say(&g->io, "Letters of r, w, x and c are wanted, each once at most.\n");
	}
}

static enum guide_answer edit_path(struct guide *g, struct guide_line *line)
{
	char letters[5], answer[GUIDE_ANSWER_MAX], text[PATH_MAX], path[PATH_MAX];
	uint8_t perms;

	perm_format(line->perms, letters);
	for (;;) {
		enum guide_answer r =
			guide_ask(&g->io, "Path:", spelled(g, line->real, text), help_path, answer);

		if (r != GUIDE_OK)
			return r;
		if (parse_path(g, letters, answer, path, &perms) &&
		    set_path(g, line, path, is_directory(path)))
			return GUIDE_OK;
	}
}

static void widen(struct guide *g, struct guide_line *line)
{
	char path[PATH_MAX];

	if (!line->real[1]) {
		guide_say(&g->io, "There is nothing above \"/\".\n");
		return;
	}
	(void)snprintf(path, sizeof(path), "%s", line->real);
	explain_go_up(path);
	(void)set_path(g, line, path, true);
}

/* Files beneath @dir that the line was for: the path of each as far as its first component in
 * there. */
static size_t find_children(struct guide *g, const char *dir, struct guide_line *ret)
{
	size_t n = 0, len = strcmp(dir, "/") == 0 ? 0 : strlen(dir);

	for (size_t i = 0; i < g->run.facts.n_paths; i++) {
		const struct learn_path *path = &g->run.facts.paths[i];
		size_t end, j;

		if (!path->by_line || !path_covers(dir, path->real) || !path->real[len])
			continue;
		end = len + 1 + strcspn(path->real + len + 1, "/");
		for (j = 0; j < n; j++)
			if (strncmp(ret[j].real, path->real, end) == 0 && !ret[j].real[end])
				break;
		if (j == n) {
			if (n == NARROW_MAX)
				return 0;
			ret[n++] = (struct guide_line){.keep = true,
						       .edited = true,
						       .learned = SIZE_MAX,
						       .is_dir = path->is_dir || path->real[end]};
			ret[j].real = path->real[end] ? NULL : path->real;
			if (!ret[j].real)
				ret[j].real = arena_strndup(&g->arena, path->real, end);
			if (!ret[j].real)
				return 0;
		}
		ret[j].perms |= explain_letters(path->rights);
		for (size_t k = 0; k < ARRAY_SIZE(path->why) && !ret[j].why; k++)
			ret[j].why = path->why[k].text;
	}
	return n;
}

/* In the place of line @at come others. */
static bool replace_line(struct guide *g, size_t at, const struct guide_line *with, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (g->n_lines == GUIDE_LINES_MAX ||
		    arena_grow(&g->arena, (void **)&g->lines, &g->cap_lines, g->n_lines,
			       sizeof(*g->lines)) < 0)
			return false;
		g->n_lines++;
	}
	memmove(&g->lines[at + 1 + n], &g->lines[at + 1],
		(g->n_lines - n - at - 1) * sizeof(*g->lines));
	memcpy(&g->lines[at + 1], with, n * sizeof(*with));
	g->lines[at].keep = false;
	return true;
}

static void narrow(struct guide *g, size_t at)
{
	struct guide_line *line = &g->lines[at];
	const struct learn_line *learned = learned_of(g, line);
	struct guide_line children[NARROW_MAX];
	char path[PATH_MAX];
	size_t n, len = strcmp(line->real, "/") == 0 ? 0 : strlen(line->real);

	/* Back towards what was used. */
	if (learned && line->edited && path_covers(line->real, learned->real)) {
		size_t end = len + 1 + strcspn(learned->real + len + 1, "/");

		(void)snprintf(path, sizeof(path), "%.*s", (int)end, learned->real);
		(void)set_path(g, line, path, true);
		return;
	}
	n = line->is_dir ? find_children(g, line->real, children) : 0;
	if (!n) {
		guide_say(&g->io, line->is_dir ? "Nothing that was used is beneath it, or too "
						 "much: try p, another path.\n"
					       : "It is a file: there is nothing narrower.\n");
		return;
	}
	if (!replace_line(g, at, children, n))
		return;
	guide_say(&g->io, "Dropped in favour of the %zu line%s that follow%s.\n", n,
		  n > 1 ? "s" : "", n > 1 ? "" : "s");
}

/* ---- asking ---- */

/* Ask about line @i until there is a decision: GUIDE_OK goes on to the next. */
static enum guide_answer ask_one(struct guide *g, size_t i, bool *ret_all)
{
	static const char *const words[] = {"keep",  "drop",	 "letters", "path",
					    "wider", "narrower", "all",	    NULL};
	enum guide_answer r = GUIDE_OK;
	char letter;

	for (;;) {
		struct guide_line *line = &g->lines[i];

		if (r == GUIDE_QUIT)
			return r;
		r = guide_choose(&g->io, "", words, line->keep ? 'k' : 'd', help, &letter);
		if (r != GUIDE_OK)
			return r;
		if (strchr("dlpwn", letter) && !can_change(g, line))
			continue;
		switch (letter) {
		case 'k':
		case 'd':
			line->keep = letter == 'k';
			return GUIDE_OK;
		case 'a':
			*ret_all = true;
			return GUIDE_OK;
		case 'l':
			r = edit_letters(g, line);
			break;
		case 'p':
			r = edit_path(g, line);
			break;
		case 'w':
			widen(g, line);
			break;
		default:
			narrow(g, i);
			if (!g->lines[i].keep)
				return GUIDE_OK;
			break;
		}
		if (r == GUIDE_OK)
			tell_one(g, i);
	}
}

static bool add_by_hand(struct guide *g, const char *answer)
{
	struct guide_line line = {.keep = true, .edited = true, .learned = SIZE_MAX};
	const char *colon = strchr(answer, ':');
	char letters[8] = "r", path[PATH_MAX];

	if (colon && answer[0] != '/' && (size_t)(colon - answer) < sizeof(letters))
		(void)snprintf(letters, sizeof(letters), "%.*s", (int)(colon - answer), answer);
	else
		colon = NULL;
	if (!parse_path(g, letters, colon ? colon + 1 : answer, path, &line.perms) ||
	    !set_path(g, &line, path, is_directory(path)) ||
	    arena_grow(&g->arena, (void **)&g->lines, &g->cap_lines, g->n_lines,
		       sizeof(*g->lines)) < 0)
		return false;
	g->lines[g->n_lines++] = line;
	return true;
}

static enum guide_answer ask_more(struct guide *g)
{
	char answer[GUIDE_ANSWER_MAX];

	for (;;) {
		enum guide_answer r = guide_ask(&g->io, "\nOne more line, as r:/etc/ssl?", "none",
						help_more, answer);

		if (r != GUIDE_OK || strcmp(answer, "none") == 0)
			return r;
		if (add_by_hand(g, answer))
			tell_one(g, g->n_lines - 1);
	}
}

enum guide_answer guide_step_paths(struct guide *g, bool from_behind)
{
	size_t i = from_behind ? g->n_lines : 0;
	bool all = false;

	guide_heading(g, 3, "paths");
	if (g->base.text && !g->base.policy.unveil)
		guide_say(&g->io, "The policy says unveil = off: lines do nothing there.\n");
	if (!g->n_lines)
		guide_say(&g->io, "It needs no lines: its promises open what it used.\n");
	for (;;) {
		enum guide_answer r;

		if (i < g->n_lines && !all) {
			tell_one(g, i);
			r = ask_one(g, i, &all);
		} else {
			i = g->n_lines;
			r = ask_more(g);
			if (r == GUIDE_OK)
				return r;
			all = false;
		}
		if (r == GUIDE_QUIT || (r == GUIDE_BACK && i == 0))
			return r;
		i = r == GUIDE_BACK ? i - 1 : i + 1;
	}
}
