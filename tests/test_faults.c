/* SPDX-License-Identifier: MIT */
/* Live, with strace: each system call of the launcher, the loader and the shim fails in turn; and
 * kernels with less Landlock than this one, as far as the launcher can see. */
#include <criterion/criterion.h>
#include <ctype.h>

#include "probe_stage.h"

TestSuite(faults, .fini = live_cleanup);

#define SIZE(a)	   (sizeof(a) / sizeof((a)[0]))
#define POINTS_MAX 400
#define NAME_SIZE  40
#define STRACE	   "/usr/bin/strace"
#define LOG	   "{home}/strace.log"

/* The @nth call of @name that one process makes: strace counts for each. */
struct point {
	char name[NAME_SIZE];
	unsigned nth;
	long pid;
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
	size_t n = 0, skipped = 0;
	long main_pid = strtol(log ? log : "", NULL, 10);

	cr_assert(log, "strace wrote no log");
	for (char *line = strtok_r(log, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *name = line + strspn(line, "0123456789 ");
		size_t len = strcspn(name, "(");
		long pid = strtol(line, NULL, 10);

		if (strncmp(name, "write(1, \"main", 14) == 0) {
			ended = true;
			break;
		}
		if (name[len] != '(' || len >= NAME_SIZE || !isalpha((unsigned char)name[0]))
			continue;
		/* The first ones of a process that reports would be the probe's own first ones,
		 * too. Of execve see way2::nobody_to_report; kill only looks whether to go on. */
		if (skipped && pid != main_pid &&
		    (strncmp(name, "execve(", 7) == 0 || strncmp(name, "kill(", 5) == 0))
			continue;
		/* The first execve is strace's own, and does not count for it. */
		if (!n && !skipped++)
			continue;
		cr_assert(n < POINTS_MAX);
		points[n] = (struct point){.nth = 1, .pid = pid};
		memcpy(points[n].name, name, len);
		for (size_t i = 0; i < n; i++)
			points[n].nth +=
				points[i].pid == pid && strcmp(points[i].name, points[n].name) == 0;
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

static void fail_call(struct live *live, const char *const *command, bool launcher,
		      const char *clean, const struct point *point, const char *error,
		      struct tally *tally)
{
	struct live_result result;
	char *inject, *log;

	cr_assert(asprintf(&inject, "inject=%s:error=%s:when=%u", point->name, error, point->nth) >
		  0);
	result = trace(live, inject, command);
	log = live_read(live, LOG);
	/* Else the run tested nothing. */
	cr_expect(log && strstr(log, "(INJECTED)"), "%s: not injected\n%s%s", inject, result.out,
		  result.err);
	judge(live, inject, launcher, clean, &result, tally);
	free(log);
	free(inject);
	live_result_done(&result);
}

enum { EIO_TEST, EPERM_TEST, ENOSYS_TEST, ERRORS };
static const char *const errors[ERRORS] = {"EIO", "EPERM", "ENOSYS"};

/* Every call when nothing may be left out, else every third, another third for each error: a run
 * takes a tenth of a second, and there are two hundred calls. */
static void fail_each_call(const char *const *command, bool launcher, size_t error)
{
	static struct point points[POINTS_MAX];
	bool thorough = getenv("SBX_MUST_RUN") != NULL;
	struct tally tally = {0};
	struct live_result clean;
	struct live live;
	size_t n;

	live_need_program(STRACE);
	stage_init(&live, geteuid());
	cr_assert(stage_probe(&live, "confined-static", 0755), "the probe is not built");
	clean = trace(&live, NULL, command);
	stage_expect_confined(&live, "clean run", &clean);
	n = read_points(&live, points);
	for (size_t i = 0; i < n; i++)
		if (thorough || error == i % ERRORS)
			fail_call(&live, command, launcher, clean.out, &points[i], errors[error],
				  &tally);
	live_result_done(&clean);
	live_done(&live);
	cr_log_info("%zu calls: %zu refused, %zu unharmed, %zu without the shim", n, tally.refused,
		    tally.unharmed, tally.without_shim);
	/* Most calls matter. Were it otherwise, we would be looking at the wrong ones. */
	cr_expect(tally.refused > tally.unharmed, "%zu refused, %zu unharmed", tally.refused,
		  tally.unharmed);
}

#define FAULT_TESTS(name, command, launcher)                    \
	Test(faults, name##_eio)                                \
	{                                                       \
		fail_each_call(command, launcher, EIO_TEST);    \
	}                                                       \
	Test(faults, name##_eperm)                              \
	{                                                       \
		fail_each_call(command, launcher, EPERM_TEST);  \
	}                                                       \
	Test(faults, name##_enosys)                             \
	{                                                       \
		fail_each_call(command, launcher, ENOSYS_TEST); \
	}

FAULT_TESTS(launcher_and_shim, launcher_command, true)
FAULT_TESTS(shim_alone, preload_command, false)

FAULT_TESTS(static_program, static_command, true)

/* Whoever reads the launcher's output to its end before waiting, as "$(...)" does, must not wait
 * for a process that the launcher has left behind, of which it is itself the zombie. Here it fails
 * while it is in its sandbox already, but nobody has the listener. */
Test(faults, reader_who_waits_later)
{
	static const char *const argv[] = {"/bin/sh",
					   "-c",
					   "x=$(exec \"$@\" 2>&1); s=$?; echo \"$x\" >&2; exit $s",
					   "sh",
					   STRACE,
					   "-D",
					   "-f",
					   "-qq",
					   "-o",
					   LOG,
					   "-e",
					   "inject=seccomp:error=EIO:when=1",
					   "{stage}/sbx-preload",
					   "-P",
					   POLICY,
					   "--",
					   "{root}/bin/confined",
					   SECRET,
					   NEW,
					   NULL};
	struct live_result result;
	struct live live;
	char *log;

	live_need_program(STRACE);
	stage_init(&live, geteuid());
	result = live_run(&live, &(struct live_command){.argv = argv, .timeout_s = 10});
	log = live_read(&live, LOG);
	cr_expect(log && strstr(log, "landlock_restrict_self(") && strstr(log, "NEW_LISTENER") &&
			  strstr(log, "(INJECTED)"),
		  "it tests something else: %s", log ? log : "no log");
	stage_expect_refused(&live, "late reader", &result, 125,
			     "cannot install the seccomp filter");
	free(log);
	live_result_done(&result);
	live_done(&live);
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
	{"ABI 1", ABI("1"), OPEN_SCOPE PATHS, "6.2"},
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
		const char *rest;

		stage_expect_refused(&live, row->name, &result, 125, row->says);
		live_result_done(&result);
		/* The same by choice: the program runs, and one line says what is lost, before
		 * those about denials. */
		result = run_older(&live, row, true);
		cr_expect(stage_ran(&result) && strstr(result.out, "socket refused\n"), "%s:\n%s%s",
			  row->name, result.out, result.err);
		rest = strchr(result.err, '\n');
		cr_expect(strncmp(result.err, "sbx-preload: ", 13) == 0 && rest &&
				  live_denials(result.err, NULL, true) < 0 &&
				  live_denials(rest + 1, NULL, false) > 0,
			  "%s: not one line, then denials: %s", row->name, result.err);
		live_result_done(&result);
		stage_remove_new(&live);
	}
	live_done(&live);
}

/* Best effort on a kernel that has everything says nothing of it. */
Test(faults, best_effort_that_loses_nothing)
{
	static const struct older_row row = {"this kernel", NULL, PATHS, NULL};
	struct live_result result;
	struct live live;

	live_need_program(STRACE);
	stage_init(&live, geteuid());
	result = run_older(&live, &row, true);
	stage_expect_confined(&live, row.name, &result);
	cr_expect(live_denials(result.err, NULL, false) > 0, "%s", result.err);
	live_result_done(&result);
	live_done(&live);
}
