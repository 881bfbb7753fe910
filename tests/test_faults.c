/* SPDX-License-Identifier: MIT */
/* Live, with strace: each system call of the launcher, the loader and the shim fails in turn; and
 * kernels with less Landlock than this one, as far as the launcher can see. */
#include <criterion/criterion.h>

#include "probe_stage.h"

#define SIZE(a)	   (sizeof(a) / sizeof((a)[0]))
#define POINTS_MAX 400
#define NAME_SIZE  40
#define STRACE	   "/usr/bin/strace"
#define LOG	   "{home}/strace.log"

/* The @nth call of @name since strace began. */
struct point {
	char name[NAME_SIZE];
	unsigned nth;
};

static const char *const launcher_command[] = {"{stage}/sbx-preload", "-P",   POLICY, "--",
					       "{root}/bin/confined", SECRET, NEW,    NULL};
static const char *const preload_command[] = {
	"-E", "LD_PRELOAD=" SHIM, "-E", "SBX_POLICY=" POLICY, "{root}/bin/confined", SECRET, NEW,
	NULL};
static const char *const static_command[] = {"{stage}/sbx-preload",	   "-P",   POLICY, "--",
					     "{root}/bin/confined-static", SECRET, NEW,	   NULL};

/* Run @command (options of strace may lead it) under strace; @inject may be NULL. */
static struct live_result trace(struct live *live, const char *inject, const char *const *command)
{
	const char *argv[24] = {STRACE, "-f", "-qq", "-o", LOG};
	size_t n = 5;

	if (inject) {
		argv[n++] = "-e";
		argv[n++] = inject;
	}
	while (*command)
		argv[n++] = *command++;
	return live_run(live, &(struct live_command){.argv = argv, .timeout_s = 20});
}

/* The system calls of a log, up to the first thing that the probe's main() does. */
static size_t read_points(struct live *live, struct point points[POINTS_MAX])
{
	char *log = live_read(live, LOG), *save = NULL;
	bool ended = false;
	size_t n = 0;

	cr_assert(log, "strace wrote no log");
	for (char *line = strtok_r(log, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *name = line + strspn(line, "0123456789 ");
		size_t len = strcspn(name, "(");

		if (strncmp(name, "write(1, \"main", 14) == 0) {
			ended = true;
			break;
		}
		if (name[len] != '(' || len >= NAME_SIZE || name[0] == '-' || name[0] == '+')
			continue;
		cr_assert(n < POINTS_MAX);
		points[n] = (struct point){.nth = 1};
		memcpy(points[n].name, name, len);
		for (size_t i = 0; i < n; i++)
			points[n].nth += strcmp(points[i].name, points[n].name) == 0;
		n++;
	}
	free(log);
	cr_assert(ended, "the log does not show main()");
	return n;
}

/* How a process may end whose main() did not run: our exit codes, the loader's own, or by a signal.
 */
static bool is_failure(int status)
{
	return status == 1 || status == 2 || (status >= 125 && status < 128 + 64);
}

struct tally {
	size_t refused, unharmed, without_shim;
};

static void judge(struct live *live, const char *inject, bool launcher, const char *clean,
		  const struct live_result *result, struct tally *tally)
{
	/* The loader's words when a preload does not load; it runs the program all the same. */
	bool without_shim = strstr(result->err, "cannot be preloaded") != NULL;

	if (!stage_ran(result)) {
		cr_expect(is_failure(result->status), "%s: status %d\n%s", inject, result->status,
			  result->err);
		tally->refused++;
	} else if (!without_shim) {
		cr_expect_str_eq(result->out, clean, "%s", inject);
		tally->unharmed++;
	} else {
		/* Way 2 promises nothing until the shim is loaded. */
		if (launcher)
			stage_expect_confined(live, inject, result);
		tally->without_shim++;
	}
	if (launcher || !without_shim)
		cr_expect(!stage_spoiled(live), "%s: it wrote outside", inject);
	stage_remove_new(live);
}

static void fail_each_call(const char *const *command, bool launcher, struct tally *tally)
{
	static const char *const errors[] = {"EIO", "EPERM", "ENOSYS"};
	static struct point points[POINTS_MAX];
	struct live_result clean;
	struct live live;
	size_t n;

	live_need_program(STRACE);
	stage_init(&live, geteuid());
	(void)stage_probe(&live, "confined-static", 0755);
	clean = trace(&live, NULL, command);
	stage_expect_confined(&live, "clean run", &clean);
	n = read_points(&live, points);
	/* The first execve is strace's own. */
	for (size_t i = 1; i < n; i++) {
		for (size_t e = 0; e < SIZE(errors); e++) {
			struct live_result result;
			char inject[128], *log;

			(void)snprintf(inject, sizeof(inject), "inject=%s:error=%s:when=%u",
				       points[i].name, errors[e], points[i].nth);
			result = trace(&live, inject, command);
			log = live_read(&live, LOG);
			/* Else the run tested nothing. exit_group is no error to anybody. */
			cr_expect(log && strstr(log, "(INJECTED)"), "%s: not injected\n%s%s",
				  inject, result.out, result.err);
			judge(&live, inject, launcher, clean.out, &result, tally);
			free(log);
			live_result_done(&result);
		}
	}
	live_result_done(&clean);
	live_done(&live);
}

Test(faults, launcher_and_shim, .timeout = 300)
{
	struct tally tally = {0};

	fail_each_call(launcher_command, true, &tally);
	cr_log_info("way 1: %zu refused, %zu unharmed, %zu without shim", tally.refused,
		    tally.unharmed, tally.without_shim);
	/* Numbers that only a broken test would miss: most calls matter, and the loader's own
	 * failures show. */
	cr_expect(tally.refused > 60 && tally.without_shim > 0, "%zu refused, %zu without the shim",
		  tally.refused, tally.without_shim);
}

Test(faults, static_program, .timeout = 300)
{
	const char *dir = getenv("SBX_PROBES");
	struct tally tally = {0};
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/confined-static", dir ? dir : "build/probes");
	live_need_program(path);
	fail_each_call(static_command, true, &tally);
	cr_expect(tally.refused > 20 && tally.without_shim == 0, "%zu refused", tally.refused);
}

Test(faults, shim_alone, .timeout = 300)
{
	struct tally tally = {0};

	fail_each_call(preload_command, false, &tally);
	cr_log_info("way 2: %zu refused, %zu unharmed, %zu without shim", tally.refused,
		    tally.unharmed, tally.without_shim);
	cr_expect(tally.refused > 40, "%zu refused", tally.refused);
}

/* ---- less Landlock ---- */

struct older_row {
	const char *name, *inject,
		*policy;  /* the policy's [sandbox] section and the rest, behind "promises =" */
	const char *says; /* when it is refused */
};

#define NO_LANDLOCK_ENOSYS     "inject=landlock_create_ruleset:error=ENOSYS"
#define NO_LANDLOCK_EOPNOTSUPP "inject=landlock_create_ruleset:error=EOPNOTSUPP"
#define ABI(n)		       "inject=landlock_create_ruleset:retval=" n ":when=1"
#define OPEN_SCOPE	       "scope = open\n"
#define PATHS		       "[unveil]\nr = {work}\n"

static const struct older_row older_rows[] = {
	{"no Landlock", NO_LANDLOCK_ENOSYS, OPEN_SCOPE PATHS, "Landlock"},
	{"Landlock off", NO_LANDLOCK_EOPNOTSUPP, OPEN_SCOPE PATHS, "Landlock"},
	{"ABI 1", ABI("1"), OPEN_SCOPE PATHS, "5.19"},
	{"ABI 2", ABI("2"), OPEN_SCOPE PATHS, "6.2"},
	{"ABI 3 and ports", ABI("3"), OPEN_SCOPE PATHS "[net]\nconnect_tcp = 80\n", "6.7"},
	{"ABI 5 and scopes", ABI("5"), PATHS, "6.12"},
};

static struct live_result run_older(struct live *live, const struct older_row *row,
				    bool best_effort)
{
	struct live_result result;
	char text[512];

	(void)snprintf(text, sizeof(text), "[sandbox]\npromises = stdio rpath\n%s%s",
		       best_effort ? "require = best-effort\n" : "", row->policy);
	stage_put_text(live, POLICY, text, 0644);
	result = trace(live, row->inject, launcher_command);
	return result;
}

Test(faults, older_kernels)
{
	struct live live;

	live_need_program(STRACE);
	stage_init(&live, geteuid());
	for (size_t i = 0; i < SIZE(older_rows); i++) {
		const struct older_row *row = &older_rows[i];
		struct live_result result = run_older(&live, row, false);

		stage_expect_refused(&live, row->name, &result, 125, row->says);
		live_result_done(&result);
		/* The same by choice: the program runs, and one line says what is lost. */
		result = run_older(&live, row, true);
		cr_expect(stage_ran(&result) && strstr(result.out, "socket refused\n"), "%s:\n%s%s",
			  row->name, result.out, result.err);
		cr_expect(strncmp(result.err, "sbx-preload: ", 13) == 0 &&
				  strchr(result.err, '\n') == strrchr(result.err, '\n'),
			  "%s: not one line: %s", row->name, result.err);
		live_result_done(&result);
		stage_remove_new(&live);
	}
	live_done(&live);
}

/* Best effort on a kernel that has everything says nothing. */
Test(faults, best_effort_that_loses_nothing)
{
	static const struct older_row row = {"this kernel", NULL, PATHS, NULL};
	struct live_result result;
	struct live live;

	live_need_program(STRACE);
	stage_init(&live, geteuid());
	result = run_older(&live, &row, true);
	stage_expect_confined(&live, row.name, &result);
	cr_expect_str_eq(result.err, "");
	live_result_done(&result);
	live_done(&live);
}
