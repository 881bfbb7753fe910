/* SPDX-License-Identifier: MIT */
/* What unveil refuses before any ruleset is made: no Landlock needed, no privileges. */
#include "../shim/policy_file.h"
#include "../shim/unveil_plan.h"
#include "unveil_world.h"

TestSuite(unveil_check, .init = scratch_init, .fini = scratch_done);

#define RWC (P(RPATH) | P(WPATH) | P(CPATH))

/* ---- what the kernel lacks ---- */

#define BEST  "\"require = best-effort\" runs without"
#define SCOPE "\"scope = open\" does without scopes, "

static const struct plan_row {
	const char *name;
	int abi;
	int probe_errno; /* when abi is 0 */
	bool unveil, scoped, net, exec;
	const char *want; /* the refusal; NULL: accepted */
	const char *lost; /* best effort */
} plans[] = {
	{"ABI 7 has it all", 7, 0, true, true, true, false, NULL, NULL},
	{"ABI 6 has it all", 6, 0, true, true, true, false, NULL, NULL},
	{"ABI 5, scopes", 5, 0, true, true, true, false,
	 "this kernel's Landlock (ABI 5) cannot enforce scopes (signals, abstract sockets): "
	 "Linux 6.12 brings them; " SCOPE BEST,
	 "this kernel's Landlock (ABI 5) cannot enforce scopes (signals, abstract sockets): "
	 "Linux 6.12 brings them; running without"},
	{"ABI 5, no scopes", 5, 0, true, false, true, false, NULL, NULL},
	{"ABI 4, ports", 4, 0, true, false, true, false, NULL, NULL},
	{"ABI 3, ports", 3, 0, true, false, true, false,
	 "this kernel's Landlock (ABI 3) cannot enforce TCP ports: Linux 6.7 brings them; " BEST,
	 "this kernel's Landlock (ABI 3) cannot enforce TCP ports: Linux 6.7 brings them; "
	 "running without"},
	{"ABI 3, files", 3, 0, true, false, false, false, NULL, NULL},
	{"ABI 2, files", 2, 0, true, false, false, false,
	 "this kernel's Landlock (ABI 2) cannot enforce truncation: Linux 6.2 brings it; " BEST,
	 "this kernel's Landlock (ABI 2) cannot enforce truncation: Linux 6.2 brings it; "
	 "running without"},
	{"ABI 2, all", 2, 0, true, true, true, false,
	 "this kernel's Landlock (ABI 2) cannot enforce truncation, TCP ports, "
	 "scopes (signals, abstract sockets): Linux 6.12 brings them; " SCOPE BEST,
	 "this kernel's Landlock (ABI 2) cannot enforce truncation, TCP ports, "
	 "scopes (signals, abstract sockets): Linux 6.12 brings them; running without"},
	{"ABI 1, files", 1, 0, true, false, false, false,
	 "this kernel's Landlock (ABI 1) cannot enforce truncation: Linux 6.2 brings it; " BEST,
	 "this kernel's Landlock (ABI 1) cannot enforce truncation: Linux 6.2 brings it; "
	 "running without (and without renames between directories)"},
	{"ABI 1, execution", 1, 0, false, false, false, false, NULL, NULL},
	{"not built, files", 0, ENOSYS, true, false, false, false,
	 "this kernel has no Landlock to enforce paths: it is not built in "
	 "(CONFIG_SECURITY_LANDLOCK, Linux 5.13 or later); " BEST,
	 "this kernel has no Landlock to enforce paths: it is not built in "
	 "(CONFIG_SECURITY_LANDLOCK, Linux 5.13 or later); running without"},
	{"not enabled, all", 0, EOPNOTSUPP, true, true, true, false,
	 "this kernel has no Landlock to enforce paths, TCP ports, scopes (signals, abstract "
	 "sockets): it is not enabled at boot (add landlock to lsm= on the kernel's command "
	 "line); " SCOPE BEST,
	 "this kernel has no Landlock to enforce paths, TCP ports, scopes (signals, abstract "
	 "sockets): it is not enabled at boot (add landlock to lsm= on the kernel's command line); "
	 "running without"},
	{"not built, execution", 0, ENOSYS, false, false, false, false,
	 "this kernel has no Landlock to enforce which files may be executed: it is not built in "
	 "(CONFIG_SECURITY_LANDLOCK, Linux 5.13 or later); " BEST,
	 "this kernel has no Landlock to enforce which files may be executed: it is not built in "
	 "(CONFIG_SECURITY_LANDLOCK, Linux 5.13 or later); running without"},
	{"not built, nothing needed", 0, ENOSYS, false, false, false, true, NULL, NULL},
};

static void plan_world(struct world *w, const struct plan_row *row)
{
	world_init(w, RWC | (row->exec ? P(EXEC) : 0));
	landlock_caps_of_abi(row->abi, &w->caps);
	w->caps.probe_errno = row->probe_errno;
	w->policy.unveil = row->unveil;
	w->policy.scope_open = !row->scoped;
	w->policy.port_kinds = row->net ? PORT_CONNECT : 0;
}

Test(unveil_check, kernels)
{
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
		const struct plan_row *row = &plans[i];
		struct unveil_plan plan;
		struct sbx_err err = {0};
		struct world w;
		int r;

		plan_world(&w, row);
		r = unveil_plan_make(&w.request, &plan, &err);
		cr_expect_eq(r, row->want ? -EOPNOTSUPP : 0, "%s: %d", row->name, r);
		cr_expect_str_eq(err.msg, row->want ? row->want : "", "%s", row->name);

		w.policy.best_effort = true;
		r = unveil_plan_make(&w.request, &plan, &err);
		cr_assert_eq(r, 0, "%s, best effort: %s", row->name, err.msg);
		cr_expect_str_eq(plan.lost, row->lost ? row->lost : "", "%s", row->name);
		/* Never more than the kernel knows, never without what it knows. */
		cr_expect_eq(plan.fs_inner, row->unveil ? w.caps.fs : 0, "%s", row->name);
		cr_expect_eq(plan.scopes, row->scoped ? w.caps.scopes : 0, "%s", row->name);
		cr_expect_eq(plan.net,
			     row->net ? w.caps.net & landlock_access_port(PORT_CONNECT) : 0, "%s",
			     row->name);
		cr_expect_eq(plan.bounded, row->unveil && row->abi >= 3, "%s", row->name);
	}
}

/* Without Landlock and under best effort there is nothing to enter, and the paths are still
 * checked. */
Test(unveil_check, best_effort_without_landlock)
{
	struct unveil_rulesets got = {.inner = 77, .outer = 77, .bounded = true};
	struct sbx_err err = {0};
	struct world w;

	world_init(&w, RWC);
	landlock_caps_of_abi(0, &w.caps);
	w.caps.probe_errno = ENOSYS;
	cr_expect_eq(unveil_build(&w.request, &got, &err), -EOPNOTSUPP);
	cr_expect(got.inner == -1 && got.outer == -1);
	w.policy.best_effort = true;
	cr_expect_eq(unveil_build(&w.request, &got, &err), 0, "%s", err.msg);
	cr_expect(got.inner == -1 && got.outer == -1 && !got.bounded);
	cr_expect(strstr(got.lost, "no Landlock"), "%s", got.lost);
	world_line(&w, "r", "missing");
	cr_expect_eq(unveil_build(&w.request, &got, &err), -ENOENT);
}

/* ---- paths ---- */

static void lay_out(void)
{
	scratch_dir("dir");
	scratch_dir("dir/sub");
	scratch_file("dir/file", "", 0666);
	scratch_link("dir", "link");
	scratch_link("loop", "loop");
	scratch_link("nowhere", "dangling");
}

/* @text with each @ replaced by the scratch directory. */
static void put_scratch(const char *text, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (; *text && used + 1 < size; text++)
		used += (size_t)snprintf(buf + used, size - used, "%.*s",
					 *text == '@' ? PATH_MAX : 1,
					 *text == '@' ? scratch : text);
}

static const struct path_row {
	const char *name;
	const char *lines[2][2];
	int want;
	unsigned line;	     /* of the error */
	const char *message; /* @: the scratch directory */
} path_rows[] = {
	{"there", {{"r", "dir"}}, 0, 0, ""},
	{"missing",
	 {{"r", "none"}},
	 -ENOENT,
	 11,
	 "no such path: @/none (write \"r?\" if it may be missing)"},
	{"missing, letters",
	 {{"r", "dir"}, {"cw", "none"}},
	 -ENOENT,
	 12,
	 "no such path: @/none (write \"wc?\" if it may be missing)"},
	{"may be missing", {{"r?", "none"}}, 0, 0, ""},
	{"beneath a file",
	 {{"r", "dir/file/x"}},
	 -ENOTDIR,
	 11,
	 "no such path: @/dir/file/x: what should be a directory on the way is none "
	 "(write \"r?\" if it may be missing)"},
	{"beneath a file, may be missing", {{"r?", "dir/file/x"}}, 0, 0, ""},
	{"dangling",
	 {{"r", "dangling"}},
	 -ENOENT,
	 11,
	 "no such path: @/dangling (write \"r?\" if it may be missing)"},
	{"dangling, may be missing", {{"r?", "dangling"}}, 0, 0, ""},
	{"a loop",
	 {{"r", "loop"}},
	 -ELOOP,
	 11,
	 "cannot look at @/loop: Too many levels of symbolic links"},
	{"narrower",
	 {{"rw", "dir"}, {"r", "dir/sub"}},
	 -EINVAL,
	 12,
	 "r = @/dir/sub is narrower than rw = @/dir (test.ini:11) and would do nothing: Landlock "
	 "adds rights up"},
	{"narrower by a link",
	 {{"rw", "dir"}, {"r", "link/sub"}},
	 -EINVAL,
	 12,
	 "r = @/link/sub is narrower than rw = @/dir (test.ini:11) and would do nothing: Landlock "
	 "adds rights up"},
	{"narrower, but missing", {{"rw", "dir"}, {"r?", "dir/none"}}, 0, 0, ""},
	{"wider", {{"r", "dir"}, {"rw", "dir/sub"}}, 0, 0, ""},
};

Test(unveil_check, paths)
{
	int before = count_fds();

	lay_out();
	for (size_t i = 0; i < ARRAY_SIZE(path_rows); i++) {
		const struct path_row *row = &path_rows[i];
		struct sbx_err err = {0};
		char want[sizeof(err.msg)];
		struct world w;
		int r;

		world_init(&w, RWC);
		for (size_t j = 0; j < 2 && row->lines[j][0]; j++)
			world_line(&w, row->lines[j][0], row->lines[j][1]);
		r = unveil_check(&w.request, &err);
		cr_expect_eq(r, row->want, "%s: %d %s", row->name, r, err.msg);
		cr_expect_eq(err.line, row->line, "%s: line %u", row->name, err.line);
		put_scratch(row->message, want, sizeof(want));
		cr_expect_str_eq(err.msg, want, "%s", row->name);
	}
	cr_expect_eq(count_fds(), before, "descriptors leak");
}

static int check_as_nobody(void *arg)
{
	struct world *w = arg;
	struct sbx_err err = {0};

	child_become_nobody();
	return -unveil_check(&w->request, &err);
}

/* "r?" is for what is not there, not for what one must not see. */
Test(unveil_check, unreachable_is_not_missing)
{
	char path[PATH_MAX];
	struct world w;

	scratch_dir("closed");
	scratch_file("closed/file", "", 0666);
	world_init(&w, RWC);
	world_line(&w, "r?", "closed/file");
	cr_assert_eq(chmod(scratch_path("closed", path), 0), 0);
	cr_expect_eq(in_child(check_as_nobody, &w), EACCES);
	(void)chmod(path, 0700);
}

/* A pipe has no path and needs no rule. */
Test(unveil_check, pipes)
{
	struct sbx_err err = {0};
	char path[32];
	struct world w;
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[1]);
	world_init(&w, RWC);
	world_line(&w, "w", path);
	cr_expect_eq(unveil_check(&w.request, &err), 0, "%s", err.msg);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

/* ---- self-modification ---- */

static void lay_out_policies(void)
{
	char path[PATH_MAX], other[PATH_MAX];

	scratch_dir("home");
	scratch_dir("home/.config");
	scratch_dir("home/.config/sbx-preload");
	scratch_file("home/.config/sbx-preload/app.ini", "", 0644);
	scratch_dir("linked");
	scratch_dir("elsewhere");
	scratch_dir("elsewhere/cfg");
	scratch_dir("elsewhere/cfg/sbx-preload");
	scratch_link("../elsewhere/cfg", "linked/relative");
	(void)snprintf(other, sizeof(other), "%s/elsewhere/cfg", scratch);
	scratch_link(other, "linked/absolute");
	scratch_dir("bare");
	scratch_dir("policies");
	scratch_file("policies/app.ini", "", 0644);
	scratch_file("policies/data", "", 0644);
	scratch_dir("lib");
	scratch_file("lib/shim.so", "", 0644);
	(void)scratch_path("policies/app.ini", path);
	cr_assert_eq(link(path, scratch_path("hard", other)), 0);
}

static const struct modify_row {
	const char *name;
	const char *config; /* XDG_CONFIG_HOME; NULL: HOME's */
	uint64_t promises;
	const char *letters, *path;
	const char *victim; /* what the message says could be written; NULL: permitted */
} modify_rows[] = {
	{"elsewhere", NULL, RWC, "rwc", "elsewhere", NULL},
	{"system directory", NULL, RWC, "w", SBX_SYSCONFDIR, POLICY_SYSTEM_DIR},
	{"system directory, c", NULL, RWC, "c", SBX_SYSCONFDIR, POLICY_SYSTEM_DIR},
	{"system directory, root", NULL, RWC, "rwc", "/", POLICY_SYSTEM_DIR},
	{"system directory, reading", NULL, RWC, "rx", SBX_SYSCONFDIR, NULL},
	{"w without wpath", NULL, P(RPATH) | P(CPATH), "rw", SBX_SYSCONFDIR, NULL},
	{"c without cpath", NULL, P(RPATH) | P(WPATH), "rc", SBX_SYSCONFDIR, NULL},
	{"c with cpath alone", NULL, P(CPATH), "c", SBX_SYSCONFDIR, POLICY_SYSTEM_DIR},
	{"user directory", NULL, RWC, "w", "home/.config/sbx-preload",
	 "@/home/.config/sbx-preload"},
	{"user directory, above", NULL, RWC, "rwc", "home", "@/home/.config/sbx-preload"},
	{"user directory, a file in it", NULL, RWC, "w", "home/.config/sbx-preload/app.ini",
	 "@/home/.config/sbx-preload"},
	{"user directory by XDG_CONFIG_HOME", "elsewhere/cfg", RWC, "w", "elsewhere",
	 "@/elsewhere/cfg/sbx-preload"},
	{"then not by HOME", "elsewhere/cfg", RWC, "rwc", "home", NULL},
	{"not yet there", "bare/none", RWC, "c", "bare", "@/bare/none/sbx-preload"},
	{"a relative link, target", "linked/relative", RWC, "w", "elsewhere/cfg",
	 "@/linked/relative/sbx-preload"},
	{"a relative link, replaced", "linked/relative", RWC, "c", "linked",
	 "@/linked/relative/sbx-preload"},
	{"an absolute link, target", "linked/absolute", RWC, "w", "elsewhere/cfg",
	 "@/linked/absolute/sbx-preload"},
	{"an absolute link, replaced", "linked/absolute", RWC, "c", "linked",
	 "@/linked/absolute/sbx-preload"},
	{"an absolute link, written beside", "linked/absolute", RWC, "w", "linked", NULL},
	{"the policy", NULL, RWC, "w", "policies/app.ini", "@/policies/app.ini"},
	{"the policy, c on a file", NULL, RWC, "c", "policies/app.ini", NULL},
	{"the policy's directory", NULL, RWC, "c", "policies", "@/policies/app.ini"},
	{"a file beside the policy", NULL, RWC, "rw", "policies/data", NULL},
	{"the policy by a hard link", NULL, RWC, "w", "hard", "@/policies/app.ini"},
	{"the shim", NULL, RWC, "w", "lib/shim.so", "@/lib/shim.so"},
	{"the shim's directory", NULL, RWC, "c", "lib", "@/lib/shim.so"},
	{"a device", NULL, RWC, "rw", "/dev/null", NULL},
};

Test(unveil_check, self_modification)
{
	char policy_path[PATH_MAX], shim_path[PATH_MAX];

	lay_out_policies();
	(void)scratch_path("policies/app.ini", policy_path);
	(void)scratch_path("lib/shim.so", shim_path);
	for (size_t i = 0; i < ARRAY_SIZE(modify_rows); i++) {
		const struct modify_row *row = &modify_rows[i];
		char config[PATH_MAX], victim[PATH_MAX], want[PATH_MAX + 64] = "";
		char letters[8];
		struct sbx_err err = {0};
		struct world w;
		int r;

		world_init(&w, row->promises);
		(void)snprintf(w.home, sizeof(w.home), "HOME=%s/home", scratch);
		(void)snprintf(config, sizeof(config), "XDG_CONFIG_HOME=%s/%s", scratch,
			       row->config ? row->config : "");
		if (row->config)
			w.envp[2] = config;
		w.policy.files[0] = policy_path;
		w.policy.n_files = 1;
		w.request.shim_path = shim_path;
		(void)snprintf(letters, sizeof(letters), "%s?", row->letters);
		world_line(&w, letters, row->path);
		r = unveil_check(&w.request, &err);
		cr_expect_eq(r, row->victim ? -EPERM : 0, "%s: %d %s", row->name, r, err.msg);
		if (row->victim) {
			put_scratch(row->victim, victim, sizeof(victim));
			(void)snprintf(want, sizeof(want), "would let the program write %s, ",
				       victim);
		}
		cr_expect(strstr(err.msg, want), "%s: %s\nnot: %s", row->name, err.msg, want);
		cr_expect(!row->victim || strstr(err.msg, "self_modify = yes"), "%s: %s", row->name,
			  err.msg);
		w.policy.self_modify = true;
		cr_expect_eq(unveil_check(&w.request, &err), 0, "%s, self_modify: %s", row->name,
			     err.msg);
	}
}

/* A promise's own paths count, too: ${TMPDIR} around the policy. */
Test(unveil_check, self_modification_by_promise)
{
	struct sbx_err err = {0};
	char policy_path[PATH_MAX];
	struct world w;

	scratch_dir("tmp");
	scratch_file("tmp/app.ini", "", 0644);
	world_init(&w, P(TMPPATH));
	cr_expect_eq(unveil_check(&w.request, &err), 0, "%s", err.msg);
	w.policy.files[0] = scratch_path("tmp/app.ini", policy_path);
	w.policy.n_files = 1;
	cr_expect_eq(unveil_check(&w.request, &err), -EPERM);
	cr_expect(strstr(err.msg, "promise \"tmppath\" (rwc = "), "%s", err.msg);
	cr_expect(strstr(err.msg, "would let the program write "), "%s", err.msg);
	cr_expect_eq(err.line, 2);
	(void)strcpy(w.tmpdir, "TMPDIR=/");
	w.policy.n_files = 0;
	cr_expect_eq(unveil_check(&w.request, &err), -EPERM, "TMPDIR=/");
	(void)strcpy(w.tmpdir, "TMPDIR=.");
	cr_expect_eq(unveil_check(&w.request, &err), -EINVAL, "a relative TMPDIR");
	cr_expect(strstr(err.msg, "promise \"tmppath\""), "%s", err.msg);
}

Test(unveil_check, unveil_off)
{
	static const struct {
		uint64_t promises;
		int want;
	} off[] = {
		{P(RPATH), 0},
		{P(STDIO) | P(TMPPATH), 0},
		{P(WPATH), -EPERM},
		{P(CPATH), -EPERM},
	};

	for (size_t i = 0; i < ARRAY_SIZE(off); i++) {
		struct sbx_err err = {0};
		struct world w;

		world_init(&w, off[i].promises);
		w.policy.unveil = false;
		cr_expect_eq(unveil_check(&w.request, &err), off[i].want, "row %zu: %s", i,
			     err.msg);
		cr_expect(!off[i].want || strstr(err.msg, "unveil = off"), "%s", err.msg);
		w.policy.self_modify = true;
		cr_expect_eq(unveil_check(&w.request, &err), 0, "row %zu: %s", i, err.msg);
	}
}

/* ---- the words of landlock.h ---- */

Test(unveil_check, kernel_names)
{
	static const struct {
		int abi;
		const char *kernel;
	} known[] = {{1, "5.13"}, {2, "5.19"}, {3, "6.2"}, {4, "6.7"}, {5, "6.10"},
		     {6, "6.12"}, {7, "6.15"}, {0, NULL},  {-1, NULL}, {99, NULL}};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const char *got = landlock_abi_kernel(known[i].abi);

		cr_expect(got == known[i].kernel || strcmp(got, known[i].kernel) == 0, "ABI %d: %s",
			  known[i].abi, got ? got : "(none)");
	}
	cr_expect_null(landlock_access_name(0));
	cr_expect_null(landlock_access_name(UINT64_C(1) << 63));
	cr_expect_str_eq(landlock_access_name(landlock_access_refer()),
			 "rename between directories");
}
