/* SPDX-License-Identifier: MIT */
/* The command as a person meets it: messages, exit statuses, --check, --print-policy, --list,
 * --doctor. Live. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../shim/promise.h"
#include "live.h"

TestSuite(cli, .fini = live_cleanup);

#define SBX "{stage}/sbx-preload"

static struct live_result run(struct live *live, const char *const *argv)
{
	const struct live_command command = {.argv = argv};

	return live_run(live, &command);
}

Test(cli, statuses_and_messages)
{
	static const struct {
		const char *argv[10];
		int status;
		const char *out, *err; /* parts; NULL: nothing at all */
	} rows[] = {
		{{SBX, "--version"}, 0, "sbx-preload ", NULL},
		{{SBX, "--help"}, 0, "Usage: sbx-preload", NULL},
		{{SBX}, 2, NULL, "sbx-preload: no program given"},
		{{SBX, "--exp", "true"}, 2, NULL, "unknown option"},
		{{SBX, "-p", "stdio inett", "true"},
		 2,
		 NULL,
		 "sbx-preload: -p: unknown promise \"inett\" (did you mean \"inet\"?)"},
		{{SBX, "-p", "bpf", "true"}, 2, NULL, "no Linux counterpart"},
		{{SBX, "-v", "q:/etc", "true"}, 2, NULL, "-v: "},
		{{SBX, "-v", "r:/no/such/path", "true"},
		 2,
		 NULL,
		 "sbx-preload: -v: no such path: /no/such/path"},
		{{SBX, "-P", "/no/such.ini", "true"}, 2, NULL, "/no/such.ini"},
		{{SBX, "no-such-program-at-all"},
		 127,
		 NULL,
		 "sbx-preload: no-such-program-at-all: not found in PATH"},
		{{SBX, "/etc/passwd"}, 126, NULL, "sbx-preload: "},
		{{SBX, "/etc"}, 126, NULL, "sbx-preload: "},
		{{SBX, "/no/such/program"}, 127, NULL, "sbx-preload: "},
		{{SBX, "/bin/sh", "-c", "exit 7"}, 7, NULL, NULL},
		{{SBX, "/bin/sh", "-c", "kill -TERM $$"}, 128 + 15, NULL, NULL},
		{{SBX, "-p", "stdio rpath", "-v", "r:/etc/passwd", "/bin/cat", "/etc/passwd"},
		 0,
		 "root:",
		 NULL},
		/* stdio has it, though a program that the shim cannot enter must do without. */
		{{SBX, "-p", "stdio rpath", "-v", "/usr", "/usr/bin/python3", "-c",
		  "import os; print(os.memfd_create('x'))"},
		 0,
		 "3\n",
		 NULL},
		{{SBX, "-k", "-p", "stdio rpath", "/usr/bin/id"},
		 128 + 31,
		 NULL,
		 "]: denied socket(AF_UNIX, "},
		{{SBX, "-kq", "-p", "stdio rpath", "/usr/bin/id"}, 128 + 31, NULL, NULL},
		{{SBX, "--check", "{stage}/conf/curl.ini", "{stage}/conf/ls.ini"},
		 0,
		 "ls.ini: ok\n",
		 NULL},
	};
	struct live live = {0};

	live_need_landlock(6);
	live_init(&live, 0 == getuid() ? LIVE_NOBODY : getuid());
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct live_result result = run(&live, rows[i].argv);

		cr_expect_eq(result.status, rows[i].status, "row %zu (%s %s): status %d, %s", i,
			     rows[i].argv[1] ? rows[i].argv[1] : "",
			     rows[i].argv[2] ? rows[i].argv[2] : "", result.status, result.err);
		if (rows[i].out)
			cr_expect(strstr(result.out, rows[i].out), "row %zu prints: %s", i,
				  result.out);
		else
			cr_expect_str_empty(result.out, "row %zu prints: %s", i, result.out);
		if (rows[i].err)
			cr_expect(strstr(result.err, rows[i].err), "row %zu says: %s", i,
				  result.err);
		else
			cr_expect_str_empty(result.err, "row %zu says: %s", i, result.err);
		live_result_done(&result);
	}
	live_done(&live);
}

/* A terminated line, file:line and the nearest spelling; the good files of the same call are still
 * named. */
Test(cli, check_says_what_is_wrong)
{
	static const char *const argv[] = {SBX, "--check", "{work}/bad.ini", "{stage}/conf/ls.ini",
					   NULL};
	struct live live = {0};
	struct live_result result;
	char *path;

	live_need_landlock(6);
	live_init(&live, getuid());
	live_write(&live, "{work}/bad.ini", "[sandbox]\npromises = stdio\n\n[unveil]\nrq = /etc\n");
	result = run(&live, argv);
	path = live_expand(&live, "{work}/bad.ini:5: ");
	cr_expect_eq(result.status, 2);
	cr_expect(strstr(result.err, path), "%s", result.err);
	cr_expect(strstr(result.out, "ls.ini: ok"), "%s", result.out);
	live_result_done(&result);
	free(path);

	live_write(&live, "{work}/bad.ini", "[sandbox]\npromisses = stdio\n");
	result = run(&live, argv);
	cr_expect_eq(result.status, 2);
	cr_expect(strstr(result.err, "bad.ini:2: unknown key \"promisses\" in [sandbox] (did you "
				     "mean \"promises\"?)"),
		  "%s", result.err);
	live_result_done(&result);
	live_done(&live);
}

/* What --print-policy prints is a policy that prints as itself. */
Test(cli, print_policy_reads_back)
{
	static const char *const first[] = {SBX,
					    "--print-policy",
					    "-P",
					    "{stage}/conf/curl.ini",
					    "-p",
					    "flock",
					    "-v",
					    "rwc:{work}/a b",
					    "/usr/bin/curl",
					    NULL};
	static const char *const second[] = {SBX, "--print-policy", "-P", "{root}/printed.ini",
					     NULL};
	static const char *const checked[] = {SBX, "--check", "{root}/printed.ini", NULL};
	struct live live = {0};
	struct live_result one, two;

	live_need_landlock(6);
	live_init(&live, getuid());
	live_mkdir(&live, "{work}/a b");
	one = run(&live, first);
	cr_assert_eq(one.status, 0, "%s", one.err);
	cr_expect(strstr(one.out, "flock"), "%s", one.out);
	cr_expect(strstr(one.out, "/a b\n"), "%s", one.out);
	cr_expect(strstr(one.out, "/etc/resolv.conf"), "what dns implies is shown: %s", one.out);
	live_write(&live, "{root}/printed.ini", one.out);
	two = run(&live, second);
	cr_expect_eq(two.status, 0, "%s", two.err);
	/* Only the comments that name the source may differ. */
	for (const char *p = one.out; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		char line[4200];
		size_t len = strcspn(p, "\n");

		if (len == 0 || *p == ';' || len >= sizeof(line))
			continue;
		(void)snprintf(line, sizeof(line), "%.*s\n", (int)len, p);
		cr_expect(strstr(two.out, line), "the second print lacks: %s", line);
	}
	live_result_done(&two);
	two = run(&live, checked);
	cr_expect_eq(two.status, 0, "%s", two.err);
	live_result_done(&one);
	live_result_done(&two);
	live_done(&live);
}

Test(cli, list_names_every_promise)
{
	static const char *const all[] = {SBX, "--list", NULL};
	struct live live = {0};
	struct live_result result;

	live_init(&live, getuid());
	result = run(&live, all);
	cr_expect_eq(result.status, 0);
	for (int i = 0; i < PROMISE_COUNT; i++) {
		char option[32];
		const char *const one[] = {SBX, option, NULL};
		struct live_result detail;

		cr_expect(strstr(result.out, promise_table[i].name), "%s", promise_table[i].name);
		(void)snprintf(option, sizeof(option), "--list=%.20s", promise_table[i].name);
		detail = run(&live, one);
		cr_expect_eq(detail.status, 0, "%s: %s", option, detail.err);
		cr_expect(strstr(detail.out, promise_table[i].permits), "%s: %s", option,
			  detail.out);
		live_result_done(&detail);
	}
	live_result_done(&result);
	live_done(&live);
}

Test(cli, doctor_finds_this_machine_well)
{
	static const char *const argv[] = {SBX, "--doctor", NULL};
	static const char *const spoilt[] = {"/bin/rm", "{stage}/libsbx-preload.so", NULL};
	struct live live = {0};
	struct live_result result;

	live_need_landlock(6);
	live_init(&live, getuid());
	result = run(&live, argv);
	cr_expect_eq(result.status, 0, "%s%s", result.out, result.err);
	cr_expect(strstr(result.out, "Landlock"), "%s", result.out);
	cr_expect_null(strstr(result.out, "FAIL"), "%s", result.out);
	live_result_done(&result);

	result = run(&live, spoilt);
	cr_assert_eq(result.status, 0, "%s", result.err);
	live_result_done(&result);
	result = run(&live, argv);
	cr_expect_eq(result.status, 125, "without a shim: %s", result.out);
	cr_expect(strstr(result.out, "FAIL"), "%s", result.out);
	live_result_done(&result);
	live_done(&live);
}
