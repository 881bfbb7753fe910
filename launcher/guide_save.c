/* SPDX-License-Identifier: MIT */
/* The last step: the policy as a whole, what it would have refused, and what to do with it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../shim/path.h"
#include "../shim/policy_file.h"
#include "guide_parts.h"
#include "replace.h"

#define LINES_MAX   40 /* of the policy, unless all of it is asked for */
#define DENIALS_MAX 10

static const char help[] =
	"  s  save it; where to is asked next\n"
	"  w  save it, and run the program under it\n"
	"  r  run the program under it now, save nothing yet\n"
	"  v  view all of the policy       d  view all that it would have refused\n"
	"  b  back, to change something    q  quit, with nothing written";
static const char help_path[] =
	"A file in an existing directory. One called PROGRAM.ini in the directory that is\n"
	"proposed is found without -P whenever the program is started by sbx-preload.";
static const char help_replace[] = "yes: the file that is there is lost. no: another name.";

/* What is being looked at. */
struct review {
	struct guide *g;
	char *text; /* owned */
	struct policy policy;
	struct guide_denials denials;
	bool good; /* it passes --check */
};

/* ---- telling ---- */

static void tell_text(struct guide *g, const char *text, size_t max)
{
	size_t n = 0;

	for (const char *p = text; *p; n++) {
		size_t len = strcspn(p, "\n");

		if (n < max && p[0] == ';')
			guide_say_dim(&g->io, "  %.*s", (int)len, p);
		else if (n < max)
			guide_say_line(&g->io, "  %.*s", (int)len, p);
		p += len + (p[len] == '\n');
	}
	if (n > max)
		guide_say(&g->io, "  ... %zu lines more; v shows all\n", n - max);
}

static void tell_denials(struct review *v, size_t max)
{
	struct guide *g = v->g;

	if (!v->denials.n) {
		guide_say(&g->io, "It would have refused nothing of this run.\n");
		return;
	}
	guide_say(&g->io, "Of this run it would have refused:\n");
	guide_denials_tell(g, &v->denials, max);
}

static bool look(struct review *v, struct guide *g)
{
	struct sbx_err err = {0};
	char problem[2048];

	*v = (struct review){.g = g, .text = guide_compose(g)};
	policy_init(&v->policy);
	if (!v->text)
		return false;
	v->good = guide_check_policy(g, v->text, &v->policy, &err) == 0;
	guide_denials_find(g, &v->policy, &v->denials);
	tell_text(g, v->text, LINES_MAX);
	guide_say(&g->io, "\n");
	if (v->good) {
		tell_denials(v, DENIALS_MAX);
	} else {
		(void)err_format(&err, problem, sizeof(problem));
		guide_say_bold(&g->io, "It will not do as it is:");
		guide_say(&g->io, "  %s\n  Go back (b) and change that.\n", problem);
	}
	return true;
}

static void done(struct review *v)
{
	free(v->text);
	policy_done(&v->policy);
	guide_denials_done(&v->denials);
}

/* ---- saving ---- */

/* Where it is found by itself. */
static bool default_path(const struct guide *g, char ret[PATH_MAX])
{
	char dir[PATH_MAX];

	return policy_user_dir(g->request->env, dir) == 0 &&
	       snprintf(ret, PATH_MAX, "%s/%s.ini", dir, g->request->program->name) < PATH_MAX;
}

/* Where it is proposed to go: into the file it came from, if that can be written. */
static void propose_path(const struct guide *g, char ret[PATH_MAX])
{
	if (g->base.path && access(g->base.path, W_OK) == 0)
		(void)snprintf(ret, PATH_MAX, "%s", g->base.path);
	else if (!default_path(g, ret))
		(void)snprintf(ret, PATH_MAX, "%s/%.200s.ini", g->request->env->cwd,
			       g->request->program->name);
}

/* The user's policy directory is made if it is not there. */
static void make_user_dir(const struct guide *g, const char *path)
{
	char dir[PATH_MAX];
	size_t len;

	if (policy_user_dir(g->request->env, dir) < 0)
		return;
	len = strlen(dir);
	if (strncmp(path, dir, len) != 0 || path[len] != '/' || strchr(path + len + 1, '/'))
		return;
	for (char *p = dir + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		(void)mkdir(dir, 0700);
		*p = '/';
	}
	(void)mkdir(dir, 0700); /* what is wrong, opening it will say */
}

/* Is the file there as it was when we started from it? */
static bool is_own_base(const struct guide *g, const char *path, const struct stat *now)
{
	return g->base.path && strcmp(g->base.path, path) == 0 &&
	       now->st_ino == g->base.st.st_ino && now->st_dev == g->base.st.st_dev &&
	       now->st_size == g->base.st.st_size &&
	       now->st_mtim.tv_sec == g->base.st.st_mtim.tv_sec &&
	       now->st_mtim.tv_nsec == g->base.st.st_mtim.tv_nsec;
}

/* Returns GUIDE_BACK when it is not to be replaced. */
static enum guide_answer ask_replace(struct guide *g, const char *path, mode_t *ret_mode)
{
	enum guide_answer r;
	struct stat st;
	bool yes;

	*ret_mode = 0644;
	if (stat(path, &st) < 0)
		return GUIDE_OK;
	*ret_mode = st.st_mode & 0755;
	if (is_own_base(g, path, &st))
		return GUIDE_OK;
	guide_say_line(&g->io, "%s is there already%s.", path,
		       g->base.path && strcmp(g->base.path, path) == 0
			       ? ", and was changed meanwhile"
			       : "");
	r = guide_confirm(&g->io, "Replace it?", false, help_replace, &yes);
	return r == GUIDE_OK && !yes ? GUIDE_BACK : r;
}

static int write_policy(struct guide *g, const char *path, const char *text, mode_t mode,
			struct sbx_err *err)
{
	struct policy policy;
	int dir cleanup_fd = -1;
	struct stat st;
	int r;

	make_user_dir(g, path);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%s: not a file", path);
	r = replace_open("save", path, &dir, err);
	if (r < 0)
		return r;
	r = replace_write(dir, path, text, mode);
	if (r < 0)
		return err_set(err, r, "cannot write %s: %s", path, strerror(-r));
	/* As it is going to be read: others may be able to write the directory. */
	policy_init(&policy);
	r = policy_load(&policy, path, g->request->env, err);
	policy_done(&policy);
	if (r < 0)
		err_prefix(err, "saved, but it will not be accepted there");
	return r;
}

static void tell_saved(struct guide *g, const char *path)
{
	const struct program *program = g->request->program;
	char found[PATH_MAX];
	struct sbx_err err;

	guide_say_line(&g->io, "Saved: %s", path);
	if (policy_find(program->name, program->real_name, g->request->env, found, &err) == 0 &&
	    strcmp(found, path) == 0)
		guide_say_line(&g->io, "From now on it is used by: sbx-preload %s", program->name);
	else
		guide_say_line(&g->io, "To use it: sbx-preload -P %s %s", path, program->name);
}

static bool absolute(const struct guide *g, const char *answer, char ret[PATH_MAX])
{
	struct sbx_err err;
	char text[PATH_MAX];

	if (policy_expand_buf(answer, g->request->env, text, &err) < 0)
		(void)snprintf(text, sizeof(text), "%s", answer);
	if (text[0] == '/')
		return snprintf(ret, PATH_MAX, "%s", text) < PATH_MAX;
	return snprintf(ret, PATH_MAX, "%s/%s", g->request->env->cwd, text) < PATH_MAX;
}

static enum guide_answer save(struct review *v)
{
	struct guide *g = v->g;
	char proposed[PATH_MAX], answer[GUIDE_ANSWER_MAX], path[PATH_MAX], problem[2048];
	struct sbx_err err = {0};

	propose_path(g, proposed);
	for (;;) {
		enum guide_answer r = guide_ask(&g->io, "Save it as", proposed, help_path, answer);
		mode_t mode;

		if (r != GUIDE_OK)
			return r;
		if (!absolute(g, answer, path) || !*path_base(path)) {
			guide_say(&g->io, "The name of a file is wanted.\n");
			continue;
		}
		r = ask_replace(g, path, &mode);
		if (r == GUIDE_QUIT)
			return r;
		if (r == GUIDE_BACK)
			continue;
		if (write_policy(g, path, v->text, mode, &err) == 0) {
			tell_saved(g, path);
			g->done = true;
			return GUIDE_OK;
		}
		(void)err_format(&err, problem, sizeof(problem));
		guide_say(&g->io, "%s.\n", problem);
	}
}

/* ---- running ---- */

static void run(struct review *v)
{
	struct guide *g = v->g;
	struct sbx_err err = {0};
	char problem[2048];

	guide_say(&g->io, "\n");
	if (guide_run_confined(g, &v->policy, &g->program_status, &err) == 0) {
		guide_say(&g->io, "\nUnder the policy it ended with exit status %d.\n",
			  g->program_status);
		return;
	}
	(void)err_format(&err, problem, sizeof(problem));
	guide_say(&g->io, "\nIt could not be run: %s.\n", problem);
}

static enum guide_answer act(struct review *v, char letter)
{
	enum guide_answer r;

	switch (letter) {
	case 'v':
		tell_text(v->g, v->text, SIZE_MAX);
		return GUIDE_OK;
	case 'd':
		tell_denials(v, SIZE_MAX);
		return GUIDE_OK;
	case 'q':
		return GUIDE_QUIT;
	default:
		break;
	}
	if (!v->good) {
		guide_say(&v->g->io, "Not as it is: go back (b) and change it.\n");
		return GUIDE_OK;
	}
	if (letter == 'r') {
		run(v);
		return GUIDE_OK;
	}
	r = save(v);
	if (r == GUIDE_OK && letter == 'w')
		run(v);
	return r == GUIDE_BACK ? GUIDE_OK : r;
}

enum guide_answer guide_step_review(struct guide *g, bool from_behind)
{
	static const char *const words[] = {"save",    "write and run", "run", "view",
					    "denials", "quit",		NULL};
	enum guide_answer r = GUIDE_OK;
	struct review review;
	char letter;

	(void)from_behind;
	guide_heading(g, 6, "the policy");
	if (!look(&review, g)) {
		guide_say(&g->io, "There is no memory for it.\n");
		r = GUIDE_QUIT;
	}
	while (r == GUIDE_OK && !g->done) {
		guide_say(&g->io, "\n");
		r = guide_choose(&g->io, "", words, 's', help, &letter);
		if (r == GUIDE_OK)
			r = act(&review, letter);
	}
	done(&review);
	return r;
}
