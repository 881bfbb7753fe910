/* SPDX-License-Identifier: MIT */
/* Ways out that were found once, tried again. Live. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live.h"

TestSuite(hostile, .fini = live_cleanup);

#define SBX "{stage}/sbx-preload"

static struct live_result run(struct live *live, const char *const *argv, const char *const *env,
			      bool tty)
{
	const struct live_command command = {.argv = argv, .env = env, .tty = tty};

	return live_run(live, &command);
}

/* The promise tty gives the program's own terminal, not what is typed into the user's others. */
Test(hostile, other_terminals)
{
	static const char *const own[] = {
		SBX, "-p", "stdio rpath wpath tty", "/bin/sh", "-c", ": >/dev/stdin", NULL};
	char name[64];
	int pty = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	const char *const bare[] = {"/bin/dd", "iflag=nonblock", "count=0", name, NULL};
	const char *const other[] = {SBX,	"-p",	   "stdio rpath wpath tty",
				     "--",	"/bin/dd", "iflag=nonblock",
				     "count=0", name,	   NULL};
	struct live live = {0};
	struct live_result result;

	live_need_landlock(6);
	live_init(&live, getuid());
	cr_assert(pty >= 0 && grantpt(pty) == 0 && unlockpt(pty) == 0, "%m");
	(void)snprintf(name, sizeof(name), "if=%.48s", ptsname(pty));
	result = run(&live, bare, NULL, true);
	cr_expect_eq(result.status, 0, "bare: %s", result.out);
	live_result_done(&result);
	result = run(&live, other, NULL, true);
	cr_expect_eq(result.status, 1, "another terminal: %s", result.out);
	cr_expect(strstr(result.out, "Permission denied"), "%s", result.out);
	live_result_done(&result);
	result = run(&live, own, NULL, true);
	cr_expect_eq(result.status, 0, "its own: %s", result.out);
	live_result_done(&result);
	close(pty);
	live_done(&live);
}

/* /dev/stdin may be a file: then tty must not give the right to write to it. */
Test(hostile, a_file_is_no_terminal)
{
	static const char *const argv[] = {"/bin/sh", "-c",
					   "exec 0<secret.txt; exec " SBX
					   " -p 'stdio rpath wpath tty' /bin/sh -c ': >/dev/stdin'",
					   NULL};
	struct live live = {0};
	struct live_result result;
	char *text;

	live_need_landlock(6);
	live_init(&live, getuid());
	live_write(&live, "{work}/secret.txt", "keep me\n");
	result = run(&live, argv, NULL, false);
	cr_expect_eq(result.status, 2, "%s", result.err);
	cr_expect(strstr(result.err, "Permission denied"), "%s", result.err);
	live_result_done(&result);
	text = live_read(&live, "{work}/secret.txt");
	cr_expect_str_eq(text, "keep me\n");
	free(text);
	live_done(&live);
}

/* A thread that another library started before the shim's turn would stay free. */
Test(hostile, threads_before_the_sandbox)
{
	const char *probes = getenv("SBX_PROBES");
	char preload[512], both[1024];
	const char *const way1[] = {SBX, "/bin/echo", "main", NULL};
	const char *const way2[] = {"/bin/echo", "main", NULL};
	const char *const env1[] = {preload, NULL};
	const char *const env2[] = {both, NULL};
	struct live live = {0};
	struct live_result result;
	char *stage;

	live_need_landlock(6);
	cr_assert(probes, "SBX_PROBES is not set");
	live_init(&live, getuid());
	stage = live_expand(&live, "{stage}");
	(void)snprintf(preload, sizeof(preload), "LD_PRELOAD=%s/early.so", probes);
	(void)snprintf(both, sizeof(both), "LD_PRELOAD=%s/libsbx-preload.so:%s/early.so", stage,
		       probes);
	result = run(&live, way2, env1, false);
	cr_expect_str_eq(result.out, "main\n", "bare: %s", result.err);
	live_result_done(&result);
	for (int way = 1; way <= 2; way++) {
		result = way == 1 ? run(&live, way1, env1, false) : run(&live, way2, env2, false);
		cr_expect_eq(result.status, 125, "way %d: %d %s", way, result.status, result.err);
		cr_expect_str_empty(result.out, "way %d: main ran", way);
		cr_expect(strstr(result.err, "another thread"), "way %d: %s", way, result.err);
		live_result_done(&result);
	}
	free(stage);
	live_done(&live);
}

/* Under another name the shim still takes itself out of LD_PRELOAD, or children would be confined
 * twice. */
Test(hostile, shim_by_another_name)
{
	static const char *const link[] = {"/bin/ln", "-s", "{stage}/libsbx-preload.so",
					   "{root}/other.so", NULL};
	static const char *const argv[] = {"/usr/bin/env", NULL};
	static const char *const env[] = {"LD_PRELOAD={root}/other.so", NULL};
	struct live live = {0};
	struct live_result result;

	live_need_landlock(6);
	live_init(&live, getuid());
	result = run(&live, link, NULL, false);
	cr_assert_eq(result.status, 0, "%s", result.err);
	live_result_done(&result);
	result = run(&live, argv, env, false);
	cr_expect_eq(result.status, 0, "%s", result.err);
	cr_expect_null(strstr(result.out, "LD_PRELOAD"), "%s", result.out);
	cr_expect(strstr(result.out, "PATH="), "%s", result.out);
	live_result_done(&result);
	live_done(&live);
}

/* Not the policy's fault, so not its exit status. */
Test(hostile, out_of_descriptors)
{
	static const char *const argv[] = {"/bin/sh", "-c",
					   "ulimit -n 5; exec " SBX " /bin/echo main", NULL};
	struct live live = {0};
	struct live_result result;

	live_need_landlock(6);
	live_init(&live, getuid());
	result = run(&live, argv, NULL, false);
	cr_expect_eq(result.status, 125, "%d: %s", result.status, result.err);
	cr_expect_str_empty(result.out);
	live_result_done(&result);
	live_done(&live);
}
