/* SPDX-License-Identifier: MIT */
/* Live: what is learned from all the work of a program, as root and as an ordinary user, beside the
 * policy that we ship for it. Neither may say more than the other but for what the two tables
 * below explain; and what they explain must be so. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../shim/landlock.h"
#include "../shim/narrower.h"
#include "../shim/path.h"
#include "../shim/policy_file.h"
#include "live_work.h"

#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))
#define MERGED	   WORK_FILES_DIR "/merged.ini"
#define WORKS_MAX  8
#define POLICY_MAX 32

TestSuite(learn_shipped, .timeout = 240, .fini = live_cleanup);

struct difference {
	const char *policy;
	const char *what; /* a promise; or a line, its path without what the stage adds */
	const char *why;
};

/* Learned, but not shipped: the program does without, and the shipped policy is the tighter for it.
 */
static const struct difference learned_only[] = {
	{"sqlite3", "chown", "as root it gives journals to the owner of the database"},
	{"sqlite3", "getpw",
	 "the home directory that passwd names, for .sqliterc; ${HOME} will do"},
	{"python3", "chown", "sqlite's, as above"},
	{"convert", "vminfo", "processors are counted, for its threads; it goes on without"},
	{"git", "vminfo", "processors are counted, for gc; it goes on without"},
	{"nginx", "vminfo", "processors are counted; it goes on without"},
	{"man", "wpath", "less saves what was searched for; not here"},
	{"man", "cpath", "the same"},
	{"man", "fattr", "the same"},
	{"curl", "getpw", "a home directory of another name that may hold .curlrc"},
	{"openssl", "netlink", "which addresses there are; dns has this as well"},
	{"redis-server", "ps", "the child that saves tells its memory, by its own /proc"},
	{"redis-cli", "/proc/sys/vm/overcommit_memory", "jemalloc's; its default will do"},
	{"redis-cli", "/sys/kernel/mm/transparent_hugepage/enabled", "the same"},
	{"nginx", "/proc/sys/kernel/ngroups_max", "initgroups; libc has a default"},
};

/* Shipped, but not learned: work that is not in the tables. */
static const struct difference shipped_only[] = {
	{"curl", "dns", "curl itself knows localhost, and no other name is sure to be known"},
	{"curl", "tty", "passwords"},
	{"wget", "flock", "~/.wget-hsts, for https"},
	{"wget", "tty", "passwords"},
	{"node", "tty", "its prompt"},
	{"nginx", "dns", "upstreams by name"},
	{"redis-cli", "wpath", "~/.rediscli_history"},
	{"redis-cli", "tty", "its prompt drops what was typed before it was there"},
};

/* One or the other, or neither: it is up to the machine. */
static const struct difference either_way[] = {
	{"git", "/etc/host.conf", "clone looks for this host's full name, to no use"},
	{"git", "/etc/hosts", "the same"},
	{"git", "/etc/resolv.conf", "the same"},
	{"nginx", "prot_exec", "initgroups loads libnss_systemd for groups that passwd has not"},
	{"man", "flock", "where there is an index (mandb), which a minimal system has not"},
};

/* What others include. */
static const char *const pieces[] = {"compress", "pager", "python-libs", "tls"};

/* ---- explanations ---- */

static bool used_learned[COUNT(learned_only)], used_shipped[COUNT(shipped_only)];

static bool is_explained(const struct difference *table, size_t count, bool *used,
			 const char *policy, const char *what)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(table[i].policy, policy) != 0 || strcmp(table[i].what, what) != 0)
			continue;
		used[i] = true;
		return true;
	}
	for (size_t i = 0; i < COUNT(either_way); i++)
		if (strcmp(either_way[i].policy, policy) == 0 &&
		    strcmp(either_way[i].what, what) == 0)
			return true;
	return false;
}

static void expect_used(const struct difference *table, size_t count, const bool *used,
			const char *policy)
{
	for (size_t i = 0; i < count; i++)
		cr_expect(used[i] || strcmp(table[i].policy, policy) != 0,
			  "%s: \"%s\" is explained, but there is no such difference", policy,
			  table[i].what);
}

/* ---- two policies side by side ---- */

struct world {
	struct live live;
	char home[200], user[32];
	char *envp[3];
	struct policy_env env;
};

static void world_env(struct world *w)
{
	(void)snprintf(w->home, sizeof(w->home), "HOME=%s", w->live.home);
	(void)snprintf(w->user, sizeof(w->user), "USER=%s", w->live.uid ? "nobody" : "root");
	w->envp[0] = w->home;
	w->envp[1] = w->user;
	w->envp[2] = NULL;
	/* Ours: the staged policies are trusted by who staged them. */
	w->env = (struct policy_env){.envp = w->envp, .cwd = w->live.work, .uid = geteuid()};
}

static void load_shipped(struct world *w, const char *name, struct policy *ret)
{
	struct sbx_err err;
	char path[256], text[512];

	(void)snprintf(path, sizeof(path), "%s/conf/%s.ini", w->live.stage, name);
	policy_init(ret);
	if (policy_load(ret, path, &w->env, &err) < 0) {
		(void)err_format(&err, text, sizeof(text));
		cr_assert_fail("%s", text);
	}
	for (size_t i = 0; live_work_at(i); i++) {
		const struct live_work *work = live_work_at(i);

		for (size_t c = 0; strcmp(work->policy, name) == 0 && c <= work->count; c++) {
			const char *const *flags =
				c < work->count ? work->cases[c].flags : work->flags;

			for (; flags && *flags; flags += 2) {
				char *arg = live_expand(&w->live, flags[1]);

				cr_assert(strcmp(flags[0], "-v") == 0 &&
						  policy_add_unveil_flag(ret, arg, &w->env, &err) ==
							  0,
					  "%s: %s %s", name, flags[0], arg);
				free(arg);
			}
		}
	}
}

static void parse_learned(struct world *w, const char *text, struct policy *ret)
{
	const struct policy_source source = {.file = "learned", .text = text, .len = strlen(text)};
	struct sbx_err err;
	char message[512];

	policy_init(ret);
	if (policy_parse_text(ret, &source, &w->env, &err) < 0) {
		(void)err_format(&err, message, sizeof(message));
		cr_assert_fail("%s\n%s", message, text);
	}
}

/* The real path; of what is gone by now, the place where it was. */
static void find_real(const char *path, char ret[PATH_MAX])
{
	char dir[PATH_MAX], real[PATH_MAX];
	size_t len = strlen(path);

	(void)snprintf(dir, sizeof(dir), "%s", path);
	while (path_real(dir, real) < 0) {
		while (len > 1 && dir[len - 1] != '/')
			len--;
		dir[len > 1 ? --len : 1] = '\0';
	}
	(void)snprintf(ret, PATH_MAX, "%.2000s%.2000s", real, path + (len > 1 ? len : 0));
}

static uint64_t granted(struct world *w, const struct policy *policy, const char *real)
{
	uint64_t access = 0;
	struct sbx_err err;
	char dir[PATH_MAX], text[PATH_MAX];

	for (size_t i = 0; i < policy->n_unveils; i++) {
		find_real(policy->unveils[i].path, dir);
		if (path_covers(dir, real))
			access |= landlock_access(policy->unveils[i].perms, policy->promises);
	}
	for (size_t i = 0; i < promise_paths_count; i++) {
		const struct promise_path *path = &promise_paths[i];

		if (!(policy->promises & UINT64_C(1) << path->promise) ||
		    policy_expand_buf(path->path, &w->env, text, &err) < 0)
			continue;
		find_real(text, dir);
		if (path_covers(dir, real))
			access |= landlock_access_implied(path->perms, policy->promises);
	}
	return access;
}

static void compare_lines(struct world *w, const char *name, const struct policy *learned,
			  const struct policy *shipped, const char *text)
{
	/* What a missing promise forbids is told as such. */
	uint64_t promises = learned->promises & shipped->promises;

	for (size_t i = 0; i < learned->n_unveils; i++) {
		const struct unveil_line *line = &learned->unveils[i];
		uint64_t access = landlock_access(line->perms, promises);
		char real[PATH_MAX], letters[5];
		struct stat st;

		find_real(line->path, real);
		if (stat(real, &st) == 0 && !S_ISDIR(st.st_mode))
			access = landlock_access_file(access);
		perm_format(line->perms, letters);
		cr_expect(!(access & ~granted(w, shipped, real)) ||
				  is_explained(learned_only, COUNT(learned_only), used_learned,
					       name, line->written),
			  "%s, uid %u: learned, but not shipped: %s = %s\n%s", name, w->live.uid,
			  letters, line->written, text);
	}
}

static void compare_promises(struct world *w, const char *name, const struct policy *learned,
			     const struct policy *shipped, const char *text)
{
	for (int id = 0; id < PROMISE_COUNT; id++) {
		uint64_t promise = UINT64_C(1) << id;

		cr_expect(!(learned->promises & ~shipped->promises & promise) ||
				  is_explained(learned_only, COUNT(learned_only), used_learned,
					       name, promise_table[id].name),
			  "%s, uid %u: learned, but not shipped: promise \"%s\"\n%s", name,
			  w->live.uid, promise_table[id].name, text);
	}
}

static void expect_needed(const char *name, uint64_t unneeded)
{
	for (int id = 0; id < PROMISE_COUNT; id++)
		cr_expect(!(unneeded & UINT64_C(1) << id) ||
				  is_explained(shipped_only, COUNT(shipped_only), used_shipped,
					       name, promise_table[id].name),
			  "%s: shipped, but not learned: promise \"%s\"", name,
			  promise_table[id].name);
}

/* ---- learning ---- */

static const char *const learn[] = {"{stage}/sbx-preload", "--learn=" MERGED, NULL};

static void learn_work(struct live *live, const struct live_work *work)
{
	if (work->argv)
		live_serve(live, work, learn);
	for (size_t i = 0; i < work->count; i++) {
		struct live_result r = live_case_run(live, &work->cases[i], learn);

		cr_expect(r.status == 0 && live_case_done(live, &work->cases[i], &r),
			  "%s, uid %u: exit %d\n%s%s", work->cases[i].name, live->uid, r.status,
			  r.out, r.err);
		cr_expect(!strstr(r.err, "cannot write"), "%s, uid %u: %s", work->cases[i].name,
			  live->uid, r.err);
		live_result_done(&r);
	}
}

/* Learn all the work for @name, each on a stage of its own, and compare. Returns the promises that
 * are shipped but not learned. */
static uint64_t learn_all(const char *name, uid_t uid)
{
	struct policy learned, shipped;
	uint64_t unneeded = ~UINT64_C(0);
	char *text = NULL;

	for (size_t i = 0; live_work_at(i); i++) {
		const struct live_work *work = live_work_at(i);
		struct world w;

		if (strcmp(work->policy, name) != 0 || !live_work_begin(&w.live, work, uid))
			continue;
		world_env(&w);
		if (text)
			live_write(&w.live, MERGED, text);
		free(text);
		learn_work(&w.live, work);
		text = live_read(&w.live, MERGED);
		cr_assert(text, "%s: no policy", work->name);
		load_shipped(&w, name, &shipped);
		parse_learned(&w, text, &learned);
		compare_promises(&w, name, &learned, &shipped, text);
		compare_lines(&w, name, &learned, &shipped, text);
		unneeded = shipped.promises & ~learned.promises;
		policy_done(&shipped);
		policy_done(&learned);
		live_done(&w.live);
	}
	free(text);
	return unneeded;
}

/* The first work of each policy. */
static size_t list_policies(size_t ret[POLICY_MAX])
{
	size_t n = 0;

	for (size_t i = 0; live_work_at(i); i++) {
		size_t j = 0;

		while (j < n && strcmp(live_work_at(ret[j])->policy, live_work_at(i)->policy) != 0)
			j++;
		if (j == n && n < POLICY_MAX)
			ret[n++] = i;
	}
	return n;
}

ParameterizedTestParameters(learn_shipped, says_the_same)
{
	static size_t indices[POLICY_MAX];
	size_t n = list_policies(indices);

	return cr_make_param_array(size_t, indices, n);
}

ParameterizedTest(size_t *index, learn_shipped, says_the_same)
{
	const char *name = live_work_at(*index)->policy;
	uint64_t unneeded = ~UINT64_C(0);
	uid_t users[2];
	size_t n;

	live_need_root(); /* some promises are for what only root can do */
	n = live_users(users);
	for (size_t u = 0; u < n; u++)
		unneeded &= learn_all(name, users[u]);
	expect_needed(name, unneeded);
	expect_used(learned_only, COUNT(learned_only), used_learned, name);
	expect_used(shipped_only, COUNT(shipped_only), used_shipped, name);
}

/* Every policy that we ship is one of these, a piece of one, or has no test; and nothing is
 * explained of others. */
static bool is_listed(const char *name, bool or_piece)
{
	for (size_t i = 0; live_work_at(i); i++)
		if (strcmp(live_work_at(i)->policy, name) == 0)
			return true;
	for (size_t i = 0; or_piece && i < COUNT(pieces); i++)
		if (strcmp(pieces[i], name) == 0)
			return true;
	return false;
}

Test(learn_shipped, all_are_compared)
{
	const char *conf = getenv("SBX_CONF");
	DIR *dir = opendir(conf ? conf : "conf");
	struct dirent *entry;

	cr_assert(dir);
	while ((entry = readdir(dir))) {
		char *end = strstr(entry->d_name, ".ini");

		if (!end)
			continue;
		*end = '\0';
		cr_expect(is_listed(entry->d_name, true), "%s.ini is not learned from anything",
			  entry->d_name);
	}
	(void)closedir(dir);
	for (size_t i = 0; i < COUNT(learned_only); i++)
		cr_expect(is_listed(learned_only[i].policy, false), "%s", learned_only[i].policy);
	for (size_t i = 0; i < COUNT(either_way); i++)
		cr_expect(is_listed(either_way[i].policy, false), "%s", either_way[i].policy);
	for (size_t i = 0; i < COUNT(shipped_only); i++)
		cr_expect(is_listed(shipped_only[i].policy, false), "%s", shipped_only[i].policy);
}
