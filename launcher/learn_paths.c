/* SPDX-License-Identifier: MIT */
/* Few lines from many paths, wide only where that gives nothing away. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../shim/narrower.h"
#include "../shim/path.h"
#include "advice.h"
#include "hash.h"
#include "learn_parts.h"

#define SIBLINGS  3 /* of one directory: from here on it is named instead */
#define DEPTH_MIN 3 /* /usr/share/NAME may be named, what is above that never */

/* ---- what must not be opened for the sake of some files ---- */

/* Whose contents are worth stealing; below the home directory unless absolute. */
static const char *const secrets[] = {
	".ssh",
	".gnupg",
	".aws",
	".azure",
	".kube",
	".docker",
	".mozilla",
	".thunderbird",
	".netrc",
	".pgpass",
	".my.cnf",
	".git-credentials",
	".npmrc",
	".pypirc",
	".password-store",
	".bash_history",
	".config/gh",
	".config/gcloud",
	".config/chromium",
	".config/google-chrome",
	".local/share/keyrings",
	"/etc/shadow",
	"/etc/shadow-",
	"/etc/gshadow",
	"/etc/gshadow-",
	"/etc/sudoers",
	"/etc/sudoers.d",
	"/etc/ssl/private",
	"/etc/ssh",
	"/etc/krb5.keytab",
	"/root/.ssh",
	"/root/.gnupg",
	"/root/.aws",
};

static const char *const wide[] = {
	"/usr/lib/x86_64-linux-gnu",
	"/usr/lib/aarch64-linux-gnu",
	"/usr/local/bin",
	"/usr/local/lib",
	"/usr/local/share",
	"/usr/local/sbin",
	"/usr/local/etc",
	"/var/lib/dpkg",
};

/* Of the home directory. */
static const char *const wide_home[] = {
	".config",   ".local",	".local/share", ".local/state", ".local/bin", ".cache", "Documents",
	"Downloads", "Desktop", "Pictures",	"Music",	"Videos",     "bin",	"snap",
};

static bool home_path(const struct policy_env *env, const char *name, char ret[PATH_MAX])
{
	static char home[PATH_MAX], home_text[PATH_MAX]; /* asked for again and again */
	char text[PATH_MAX];
	struct sbx_err err;

	if (name[0] == '/')
		return snprintf(ret, PATH_MAX, "%s", name) < PATH_MAX;
	if (policy_expand_buf("${HOME}", env, text, &err) < 0)
		return false;
	if (strcmp(text, home_text) != 0) {
		home_text[0] = '\0';
		if (path_real(text, home) < 0)
			return false;
		memcpy(home_text, text, strlen(text) + 1);
	}
	return snprintf(ret, PATH_MAX, "%s%s%s", home, name[0] ? "/" : "", name) < PATH_MAX;
}

bool learn_is_secret(const struct policy_env *env, const char *real)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
		if (home_path(env, secrets[i], path) && path_covers(path, real))
			return true;
	return false;
}

bool learn_covers_secret(const struct policy_env *env, const char *real, char ret[PATH_MAX])
{
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
		if (home_path(env, secrets[i], ret) && strcmp(ret, real) != 0 &&
		    path_covers(real, ret) && access(ret, F_OK) == 0)
			return true;
	return false;
}

static unsigned depth_of(const char *path)
{
	unsigned depth = 0;

	for (; *path; path++)
		depth += *path == '/' && path[1];
	return depth;
}

static bool is_wide_home(const struct policy_env *env, const char *dir)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(wide_home); i++)
		if (home_path(env, wide_home[i], path) && strcmp(path, dir) == 0)
			return true;
	return false;
}

bool learn_is_protected(const struct policy_env *env, const char *dir)
{
	char home[PATH_MAX], secret[PATH_MAX], here[PATH_MAX];
	bool has_home = home_path(env, "", home);

	if (learn_is_secret(env, dir) || learn_covers_secret(env, dir, secret))
		return true;
	if (has_home && path_covers(dir, home))
		return true;
	/* What is above the directory where it works, and that one itself where it is the user's
	 * own: then the user chose it. */
	if (path_real(env->cwd, here) == 0) {
		if (strcmp(here, dir) == 0)
			return depth_of(dir) < 2;
		if (path_covers(dir, here))
			return true;
	}
	if (has_home && strcmp(home, "/") != 0 && path_covers(home, dir))
		return is_wide_home(env, dir) ||
		       (dir[strlen(home) + 1] == '.' && depth_of(dir) == depth_of(home) + 1 &&
			strcmp(path_base(dir), ".cache") == 0);
	for (size_t i = 0; i < ARRAY_SIZE(wide); i++)
		if (strcmp(wide[i], dir) == 0)
			return true;
	return depth_of(dir) < DEPTH_MIN;
}

/* ---- lines ---- */

static void put_slot(struct learn_plan *plan, size_t index)
{
	const char *real = plan->lines[index].real;
	size_t i = hash_bytes(real, strlen(real)) & (plan->n_slots - 1);

	while (plan->slots[i])
		i = (i + 1) & (plan->n_slots - 1);
	plan->slots[i] = (uint32_t)index + 1;
}

/* Room for one line more. False: no memory. */
static bool fill_slots(struct learn_plan *plan)
{
	size_t want = 1024;

	if (2 * (plan->n_lines + 1) < plan->n_slots)
		return true;
	while (want <= 2 * (plan->n_lines + 1))
		want *= 2;
	plan->slots = arena_alloc(&plan->arena, want * sizeof(*plan->slots));
	plan->n_slots = plan->slots ? want : 0;
	for (size_t i = 0; plan->slots && i < plan->n_lines; i++)
		put_slot(plan, i);
	return plan->slots;
}

static struct learn_line *find_line(struct learn_plan *plan, const char *real)
{
	size_t i;

	if (!fill_slots(plan))
		return NULL;
	for (i = hash_bytes(real, strlen(real)) & (plan->n_slots - 1); plan->slots[i];
	     i = (i + 1) & (plan->n_slots - 1)) {
		struct learn_line *line = &plan->lines[plan->slots[i] - 1];

		if (strcmp(line->real, real) == 0 && !line->dropped)
			return line;
	}
	return NULL;
}

static struct learn_line *new_line(struct learn_plan *plan, const char *real)
{
	char *copy = arena_strdup(&plan->arena, real);

	if (!copy || !fill_slots(plan) ||
	    arena_grow(&plan->arena, (void **)&plan->lines, &plan->cap_lines, plan->n_lines,
		       sizeof(*plan->lines)) < 0)
		return NULL;
	plan->lines[plan->n_lines] = (struct learn_line){.real = copy, .n = 1};
	put_slot(plan, plan->n_lines);
	return &plan->lines[plan->n_lines++];
}

void learn_add_line(struct learn_plan *plan, const char *real, uint8_t perms, bool is_dir,
		    const struct learn_why *why)
{
	struct learn_line *line = find_line(plan, real);

	if (!line)
		line = new_line(plan, real);
	if (!line)
		return;
	line->perms |= perms;
	line->is_dir |= is_dir;
	if (why->text && learn_why_before(why, &line->why))
		line->why = *why;
}

void learn_add_old_line(struct learn_plan *plan, const char *real, uint8_t perms, unsigned where)
{
	struct learn_line *line = new_line(plan, real);

	if (!line)
		return;
	line->perms = line->old_perms = perms;
	line->is_dir = line->old = true;
	line->line = where;
}

static int by_path(const void *a, const void *b)
{
	const struct learn_line *x = a, *y = b;
	int r = strcmp(x->real, y->real);

	if (r)
		return r;
	return x->old != y->old ? (x->old ? -1 : 1) : (x->line > y->line) - (x->line < y->line);
}

/* The first line on @real, which is @len bytes long; lines are sorted. */
static size_t first_line(const struct learn_plan *plan, const char *real, size_t len)
{
	size_t low = 0, high = plan->n_lines;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const char *other = plan->lines[mid].real;
		int r = strncmp(other, real, len);

		if (r < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The line @i is told of those on the path @real, @len bytes long, which covers its own. */
static void settle_below(struct learn_plan *plan, size_t i, const char *real, size_t len, bool same)
{
	struct learn_line *line = &plan->lines[i];

	for (size_t j = first_line(plan, real, len); j < plan->n_lines && !line->dropped; j++) {
		const struct learn_line *above = &plan->lines[j];

		if (strncmp(above->real, real, len) != 0 || above->real[len])
			break;
		if (above->dropped || j == i)
			continue;
		/* Of two on the same path, the new one gives its letters to the old. */
		if (same && line->old && above->old && above->perms == above->old_perms)
			continue;
		line->perms |= above->perms;
		if (!line->old && line->perms == above->perms && (!same || above->old))
			line->dropped = true;
	}
}

/* A line beneath another must say all that the other says (shim/narrower.h); one that then says no
 * more is dropped, unless it is in the file already. There may be very many. */
static void settle(struct learn_plan *plan)
{
	if (plan->n_lines)
		qsort(plan->lines, plan->n_lines, sizeof(*plan->lines), by_path);
	plan->n_slots = 0;
	for (size_t i = 0; i < plan->n_lines; i++) {
		const char *real = plan->lines[i].real;

		settle_below(plan, i, "/", 1, !real[1]);
		for (size_t len = 1; real[1] && real[len - 1]; len++)
			if (!real[len] || real[len] == '/')
				settle_below(plan, i, real, len, !real[len]);
	}
}

/* How many lines there are just beneath @dir that say @perms. */
static unsigned count_siblings(const struct learn_plan *plan, size_t from, const char *dir,
			       uint8_t perms)
{
	size_t len = strlen(dir);
	unsigned n = 0;

	for (size_t i = from; i < plan->n_lines; i++) {
		const struct learn_line *line = &plan->lines[i];

		if (strncmp(line->real, dir, len) != 0)
			break;
		if (!line->dropped && !line->old && line->real[len] == '/' &&
		    !strchr(line->real + len + 1, '/') && line->perms == perms)
			n += 1;
	}
	return n;
}

/* libfoo.so.1.2.3 has another name after the next upgrade. */
static bool is_library(const struct learn_line *line)
{
	const char *so = strstr(path_base(line->real), ".so");

	return !line->is_dir && line->perms == PERM_R && so && (so[3] == '\0' || so[3] == '.');
}

static bool parent_of(const char *real, char ret[PATH_MAX])
{
	size_t len = (size_t)(path_base(real) - real);

	if (len < 2)
		return false;
	memcpy(ret, real, len - 1);
	ret[len - 1] = '\0';
	return true;
}

/* The files just beneath the directory @whole, from the line @i on, which say the same: one line
 * stands for all of them. False: no memory. */
static bool gather_one(struct learn_plan *plan, size_t i, size_t count, const char *dir)
{
	struct learn_line *whole;
	const uint8_t perms = plan->lines[i].perms;
	unsigned n = count_siblings(plan, i, dir, perms);
	size_t len = strlen(dir);

	learn_add_line(plan, dir, perms, true, &plan->lines[i].why);
	whole = find_line(plan, dir);
	if (!whole)
		return false;
	whole->n = whole->n > n ? whole->n : n;
	for (size_t j = i; j < count && strncmp(plan->lines[j].real, dir, len) == 0; j++) {
		struct learn_line *line = &plan->lines[j];

		if (line->dropped || line->old || line->perms != perms || line->real[len] != '/' ||
		    strchr(line->real + len + 1, '/'))
			continue;
		whole->libraries |= is_library(line);
		if (line->why.text && learn_why_before(&line->why, &whole->why))
			whole->why = line->why;
		line->dropped = true;
	}
	return true;
}

/* Name directories in place of what is in them. Returns whether there was one. */
static bool gather(struct learn_plan *plan)
{
	char dir[PATH_MAX], asked[PATH_MAX] = "";
	size_t count = plan->n_lines;
	bool changed = false, protected = true;

	for (size_t i = 0; i < count; i++) {
		const struct learn_line *line = &plan->lines[i];

		if (line->dropped || line->old || !parent_of(line->real, dir))
			continue;
		if (!is_library(line) && count_siblings(plan, i, dir, line->perms) < SIBLINGS)
			continue;
		if (strcmp(dir, asked) != 0)
		protected = learn_is_protected(plan->env, dir);
		memcpy(asked, dir, strlen(dir) + 1);
		if (protected)
			continue;
		if (!gather_one(plan, i, count, dir))
			return changed;
		changed = true;
	}
	return changed;
}

/* What no policy can say is in a directory that it can. */
static void go_up_to_sayable(struct learn_plan *plan)
{
	size_t count = plan->n_lines;

	for (size_t i = 0; i < count; i++) {
		struct learn_line line = plan->lines[i];
		char real[PATH_MAX], text[PATH_MAX];

		if (line.old || learn_spell(plan->env, line.real, text))
			continue;
		memcpy(real, line.real, strlen(line.real) + 1);
		while (strcmp(real, "/") != 0 && !learn_spell(plan->env, real, text)) {
			char dir[PATH_MAX] = "/";

			(void)parent_of(real, dir);
			memcpy(real, dir, strlen(dir) + 1);
		}
		/* A file with such a name, which anybody may have made, is no reason to open much.
		 */
		if (learn_is_protected(plan->env, real)) {
			plan->lines[i].left_out = true;
			continue;
		}
		plan->lines[i].dropped = true;
		learn_add_line(plan, real, line.perms, true, &line.why);
	}
}

/* The letters that the lines say of @real, and the nearest line. */
static uint8_t letters_at(const struct learn_plan *plan, const char *real)
{
	uint8_t letters = 0;

	for (size_t i = 0; i < plan->n_lines; i++)
		if (!plan->lines[i].dropped && path_covers(plan->lines[i].real, real))
			letters |= plan->lines[i].perms;
	return letters;
}

/* A file that moves must not gain rights (landlock(7)): where it comes from grants what is granted
 * where it goes. Returns whether something was added. */
static bool let_move(struct learn_plan *plan)
{
	bool changed = false;

	for (size_t i = 0; i < plan->facts->n_moves; i++) {
		const struct learn_move *move = &plan->facts->moves[i];
		uint8_t lacking = letters_at(plan, move->to) & ~letters_at(plan, move->from);
		const struct learn_why none = {0};

		if (!lacking)
			continue;
		learn_add_line(plan, move->from, lacking | letters_at(plan, move->from), true,
			       &none);
		changed = true;
	}
	return changed;
}

void learn_arrange(struct learn_plan *plan)
{
	go_up_to_sayable(plan);
	settle(plan);
	while (gather(plan))
		settle(plan);
	for (size_t i = 0; i <= plan->facts->n_moves && let_move(plan); i++)
		settle(plan);
}

bool learn_spell(const struct policy_env *env, const char *real, char ret[PATH_MAX])
{
	const char *value = env_get(env->envp, "TMPDIR");
	char dir[PATH_MAX], shorter[PATH_MAX];
	struct sbx_err err;

	if (!advice_spell(env, real, ret))
		return false;
	/* Where it is set, and says more than the others. */
	if (!value || strcmp(value, "/tmp") == 0 || strncmp(ret, "${", 2) == 0 ||
	    policy_expand_buf("${TMPDIR}", env, dir, &err) < 0 || !path_covers(dir, real) ||
	    strlen(dir) < 2)
		return true;
	(void)snprintf(shorter, sizeof(shorter), "%s", ret);
	if (snprintf(ret, PATH_MAX, "${TMPDIR}%s", real + strlen(dir)) >= PATH_MAX)
		(void)snprintf(ret, PATH_MAX, "%s", shorter);
	return true;
}
