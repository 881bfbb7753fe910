/* SPDX-License-Identifier: MIT */
/* Live: the program after the shim. The probe "aftermath" reports what it finds when its main()
 * starts; bare, under the launcher and under LD_PRELOAD the reports must be the same. */
#include <criterion/criterion.h>

#include "probe_stage.h"

TestSuite(after, .fini = live_cleanup);

#define SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct after_row {
	const char *name;
	const char *setting; /* shell; "$@" is the command */
	const char *program; /* NULL: {root}/bin/aftermath */
	const char *fd;	     /* where the report goes */
	const char *preload; /* LD_PRELOAD of somebody else */
	const char *seen;    /* must be in the report, so that the row tests what it says; "" for
				nothing */
};

static const struct after_row after_rows[] = {
	{"plain", "exec \"$@\"", NULL, "1", NULL, "\npid as expected\n"},
	{"found in PATH", "PATH={root}/bin:$PATH; exec \"$@\"", "aftermath", "1", NULL,
	 "\nargv[0] = \"aftermath\"\n"},
	{"umask", "umask 027; exec \"$@\"", NULL, "1", NULL, "\numask 027\n"},
	{"directory", "cd {outside}; exec \"$@\"", NULL, "1", NULL, "\ncwd {outside}\n"},
	{"ignored signals", "trap '' USR1 PIPE; exec \"$@\"", NULL, "1", NULL,
	 "\nsignal 10 is ignored\n"},
	{"blocked signal", "exec env --block-signal=USR2 --block-signal=34 \"$@\"", NULL, "1", NULL,
	 "\nsignal 12 is blocked\n"},
	{"stdin closed", "exec \"$@\" <&-", NULL, "1", NULL, ""},
	{"stderr closed", "exec \"$@\" 2>&-", NULL, "1", NULL, ""},
	{"stdin and stderr closed", "exec \"$@\" <&- 2>&-", NULL, "1", NULL, ""},
	{"all three closed", "exec \"$@\" 9>&1 <&- >&- 2>&-", NULL, "9", NULL, "\nfd 9: "},
	{"more descriptors", "exec \"$@\" 3</etc/passwd 5</ 9>&1", NULL, "1", NULL, "\nfd 5: "},
	{"standard input is a file", "exec \"$@\" </etc/passwd", NULL, "1", NULL,
	 "\nfd 0: flags 0, status 0x8000, type 0100000, "},
	{"no environment", "exec env -i \"$@\"", NULL, "1", NULL, ""},
	{"odd environment", "exec env 'A=two words' B= 'NOEQUALS=x=y' SBXFOO=1 \"$@\"", NULL, "1",
	 NULL, "\nenv SBXFOO=1\n"},
	{"a preload", "exec \"$@\"", NULL, "1", "{root}/bin/dummy.so",
	 "\nenv LD_PRELOAD={root}/bin/dummy.so\n"},
	{"two preloads", "exec \"$@\"", NULL, "1", "{root}/bin/dummy.so:{root}/bin/dummy2.so",
	 "\nenv LD_PRELOAD={root}/bin/dummy.so:{root}/bin/dummy2.so\n"},
	{"arguments", "exec \"$@\" '' 'a b' -x", NULL, "1", NULL, "\nargv[2] = \"\"\n"},
};

enum way { BARE, LAUNCHER, PRELOAD_FIRST, PRELOAD_LAST, WAYS };
static const char *const way_names[WAYS] = {"bare", "launcher", "LD_PRELOAD",
					    "LD_PRELOAD behind another"};

static struct live_result run_row(struct live *live, const struct after_row *row, enum way way)
{
	char setting[512], preload[256];
	const char *argv[24] = {"/bin/sh", "-c", setting, "sh"};
	struct live_result result;
	size_t n = 4;

	(void)snprintf(setting, sizeof(setting), "export EXPECT_PID=$$; %s", row->setting);
	(void)snprintf(
		preload, sizeof(preload), "LD_PRELOAD=%s%s%s%s%s", way == PRELOAD_FIRST ? SHIM : "",
		way == PRELOAD_FIRST && row->preload ? ":" : "", row->preload ? row->preload : "",
		way == PRELOAD_LAST && row->preload ? " " : "", way == PRELOAD_LAST ? SHIM : "");
	if (way >= PRELOAD_FIRST || row->preload) {
		argv[n++] = "/usr/bin/env";
		argv[n++] = preload;
	}
	if (way >= PRELOAD_FIRST)
		argv[n++] = "SBX_POLICY=" POLICY;
	if (way == LAUNCHER) {
		argv[n++] = "{stage}/sbx-preload";
		argv[n++] = "-P";
		argv[n++] = POLICY;
		argv[n++] = "--";
	}
	argv[n++] = row->program ? row->program : "{root}/bin/aftermath";
	argv[n++] = row->fd;
	result = live_run(live, &(struct live_command){.argv = argv});
	cr_expect_eq(result.status, 0, "%s, %s, uid %u: %d\n%s%s", row->name, way_names[way],
		     live->uid, result.status, result.out, result.err);
	cr_expect(stage_ran(&result) && strstr(result.out, "\nend\n"), "%s, %s: %s", row->name,
		  way_names[way], result.out);
	cr_expect_str_eq(result.err, "", "%s, %s", row->name, way_names[way]);
	return result;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The report's lines in order: an environment has none that anybody may rely on. */
static char *sorted(const char *text)
{
	char *copy = strdup(text), *ret = calloc(1, strlen(text) + 2), *save = NULL;
	char *lines[512];
	size_t n = 0;

	cr_assert(copy && ret);
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "env _=", 6) == 0) /* some shells say here what they execute */
			continue;
		cr_assert(n < SIZE(lines));
		lines[n++] = line;
	}
	qsort(lines, n, sizeof(lines[0]), compare_lines);
	for (size_t i = 0; i < n; i++) {
		strcat(ret, lines[i]);
		strcat(ret, "\n");
	}
	free(copy);
	return ret;
}

static void run_rows_as(uid_t uid)
{
	struct live live;

	stage_init(&live, uid);
	cr_assert(stage_probe(&live, "aftermath", 0755) && stage_probe(&live, "dummy.so", 0644));
	stage_copy(&live, "{root}/bin/dummy.so", "{root}/bin/dummy2.so", 0644);
	for (size_t i = 0; i < SIZE(after_rows); i++) {
		const struct after_row *row = &after_rows[i];
		struct live_result bare = run_row(&live, row, BARE);
		char *expected = sorted(bare.out), *seen = live_expand(&live, row->seen);

		cr_expect(strstr(bare.out, seen), "%s: \"%s\" is not in:\n%s", row->name, seen,
			  bare.out);
		cr_expect(!row->preload || strstr(bare.out, "dummy preload\n"), "%s", row->name);
		for (enum way way = LAUNCHER; way < WAYS; way++) {
			struct live_result result = run_row(&live, row, way);
			char *report = sorted(result.out);

			cr_expect_str_eq(report, expected, "%s, %s, uid %u", row->name,
					 way_names[way], uid);
			free(report);
			live_result_done(&result);
		}
		free(expected);
		free(seen);
		live_result_done(&bare);
	}
	live_done(&live);
}

Test(after, the_program_notices_nothing)
{
	uid_t users[2];

	for (size_t u = 0; u < live_users(users); u++)
		run_rows_as(users[u]);
}
