/* SPDX-License-Identifier: MIT */
/* Live: scripts of all kinds, what cannot be executed, and policies that must not be trusted;
 * launcher, shim and probes. */
#include <criterion/criterion.h>

#include "probe_stage.h"

TestSuite(refusals, .fini = live_cleanup);

#define SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- scripts ---- */

#define SH_BODY                                       \
	"echo main\n"                                 \
	"read line < \"$1\" && echo \"LEAK $line\"\n" \
	"echo x > \"$2\" && echo LEAK\n"              \
	"echo end\n"                                  \
	"exec /bin/true\n" /* refused: the shell then ends with 126 */

#define PYTHON_BODY                                                                  \
	"import os, sys, _socket\n"                                                  \
	"print('main')\n"                                                            \
	"def attempt(name, f):\n"                                                    \
	"    try: f()\n"                                                             \
	"    except OSError: return\n"                                               \
	"    print('LEAK', name)\n"                                                  \
	"attempt('read', lambda: os.open(sys.argv[1], os.O_RDONLY))\n"               \
	"attempt('write', lambda: os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT))\n" \
	"attempt('fork', os.fork)\n"                                                 \
	"attempt('socket', _socket.socket)\n"                                        \
	"attempt('exec', lambda: os.execv('/bin/true', ['true']))\n"                 \
	"if len(sys.argv) == 3: print('end', *['unbuffered'] * sys.stdout.write_through)\n"

struct script_row {
	const char *name;
	const char *text;
	const char *interpreter; /* another script, {root}/bin/inner, or NULL */
	const char *needs;	 /* a program that must be installed */
	const char *probe;	 /* one of ours that must be built */
	int status;
	const char *out; /* NULL: the output of the probe "confined" */
};

static const struct script_row script_rows[] = {
	{"sh", "#!/bin/sh\n" SH_BODY, NULL, "/bin/sh", NULL, 126, "main\nend\n"},
	{"env python3", "#!/usr/bin/env python3\n" PYTHON_BODY, NULL, "/usr/bin/python3", NULL, 0,
	 "main\nend\n"},
	{"env -S python3 -u", "#!/usr/bin/env -S python3 -u\n" PYTHON_BODY, NULL,
	 "/usr/bin/python3", NULL, 0, "main\nend unbuffered\n"},
	{"dynamic interpreter", "#!{root}/bin/confined\n", NULL, NULL, "confined", 0, NULL},
	{"static interpreter", "#!{root}/bin/confined-static\n", NULL, NULL, "confined-static", 0,
	 NULL},
	{"env static interpreter", "#!/usr/bin/env {root}/bin/confined-static\n", NULL,
	 "/usr/bin/env", "confined-static", 0, NULL},
	{"musl interpreter", "#!{root}/bin/confined-musl\n", NULL, NULL, "confined-musl", 0, NULL},
	{"chain of two", "#!{root}/bin/inner\n", "#!{root}/bin/confined\n", NULL, "confined", 0,
	 NULL},
	{"chain of two, static", "#!{root}/bin/inner x\n", "#!{root}/bin/confined-static y\n", NULL,
	 "confined-static", 0, NULL},
	{"chain of two through env", "#!/usr/bin/env {root}/bin/inner\n",
	 "#!/usr/bin/env -S -u HOME {root}/bin/confined\n", "/usr/bin/env", "confined", 0, NULL},
};

static void run_script_row(const struct script_row *row, uid_t uid)
{
	struct live_result result;
	struct live live;

	stage_init(&live, uid);
	stage_put_text(&live, "{root}/bin/script", row->text, 0755);
	if (row->interpreter)
		stage_put_text(&live, "{root}/bin/inner", row->interpreter, 0755);
	/* What the interpreters read of their own; nothing of it is what the scripts try. */
	stage_put_text(&live, POLICY,
		       "[sandbox]\npromises = stdio rpath\n[unveil]\nr = {work}\nr = /usr\nr? = "
		       "/lib\nr = /etc\n",
		       0644);
	if (row->probe && !stage_probe(&live, row->probe, 0755)) {
		live_done(&live);
		stage_skip(row->probe);
	}
	result = stage_launch(&live, "{stage}/sbx-preload", POLICY, "{root}/bin/script");
	if (!row->out) {
		stage_expect_confined(&live, row->name, &result);
	} else {
		cr_expect_str_eq(result.out, row->out, "%s, uid %u:\n%s%s", row->name, uid,
				 result.out, result.err);
		cr_expect_eq(result.status, row->status, "%s, uid %u: %d", row->name, uid,
			     result.status);
		cr_expect(!stage_spoiled(&live), "%s, uid %u", row->name, uid);
	}
	live_result_done(&result);
	live_done(&live);
}

Test(refusals, scripts)
{
	uid_t users[2];

	for (size_t i = 0; i < SIZE(script_rows); i++) {
		if (script_rows[i].needs)
			live_need_program(script_rows[i].needs);
		for (size_t u = 0; u < live_users(users); u++)
			run_script_row(&script_rows[i], users[u]);
	}
}

struct refused_row {
	const char *name, *text;
	mode_t mode;
	int status;
	const char *says;
};

static const struct refused_row refused_rows[] = {
	{"no #! line", "echo main\n", 0755, 126,
	 "{root}/bin/script has no #! line and is no ELF program; run it with its interpreter"},
	{"empty", "", 0755, 126, "has no #! line"},
	{"no interpreter", "#!\necho main\n", 0755, 126, "names no interpreter"},
	{"missing interpreter", "#!/no/such/sh\necho main\n", 0755, 126, "/no/such/sh"},
	{"env of nothing", "#!/usr/bin/env no-such-program\n", 0755, 126, "no-such-program"},
	{"env -C", "#!/usr/bin/env -S -C / sh\necho main\n", 0755, 126, "cannot be looked through"},
	{"not executable", "#!/bin/sh\necho main\n", 0644, 126, "Permission denied"},
	{"itself", "#!{root}/bin/script\n", 0755, 126, "too many interpreters"},
};

Test(refusals, what_cannot_be_executed)
{
	uid_t users[2];

	for (size_t u = 0; u < live_users(users); u++) {
		struct live_result result;
		struct live live;

		stage_init(&live, users[u]);
		for (size_t i = 0; i < SIZE(refused_rows); i++) {
			const struct refused_row *row = &refused_rows[i];

			stage_put_text(&live, "{root}/bin/script", row->text, row->mode);
			result = stage_launch(&live, "{stage}/sbx-preload", POLICY,
					      "{root}/bin/script");
			stage_expect_refused(&live, row->name, &result, row->status, row->says);
			live_result_done(&result);
		}
		result = stage_launch(&live, "{stage}/sbx-preload", POLICY, "{root}/bin/none");
		stage_expect_refused(&live, "missing", &result, 127, "{root}/bin/none");
		live_result_done(&result);
		result = stage_launch(&live, "{stage}/sbx-preload", POLICY, "no-such-program");
		stage_expect_refused(&live, "not in PATH", &result, 127,
				     "no-such-program: not found in PATH");
		live_result_done(&result);
		live_done(&live);
	}
}

/* ---- policies ---- */

struct policy_row {
	const char *name, *text;
	size_t padding; /* so many bytes of comment behind */
	mode_t mode, dir_mode;
	bool foreign; /* neither root's nor the user's */
	const char *says;
};

#define GOOD "[sandbox]\npromises = stdio rpath\n"

static const struct policy_row policy_rows[] = {
	{"malformed line", GOOD "what is this\n", 0, 0644, 0755, false, "p.ini:3"},
	{"unknown section", GOOD "[unveiled]\n", 0, 0644, 0755, false, "p.ini:3"},
	{"unknown key", GOOD "promisses = inet\n", 0, 0644, 0755, false, "p.ini:3"},
	{"unknown promise", "[sandbox]\npromises = stdio inett\n", 0, 0644, 0755, false, "p.ini:2"},
	{"missing path", GOOD "[unveil]\nr = /no/such/path\n", 0, 0644, 0755, false, "p.ini:4"},
	{"too large", GOOD, 65536, 0644, 0755, false, "p.ini"},
	{"line too long", GOOD, 4001, 0644, 0755, false, "p.ini:3"},
	{"unreadable", GOOD, 0, 0, 0755, false, "p.ini"},
	{"group-writable", GOOD, 0, 0664, 0755, false, "p.ini"},
	{"others may write", GOOD, 0, 0646, 0755, false, "p.ini"},
	{"not owned", GOOD, 0, 0644, 0755, true, "p.ini"},
	{"group-writable directory", GOOD, 0, 0644, 0775, false, "{root}/p"},
	{"writable directory", GOOD, 0, 0644, 0757, false, "{root}/p"},
	{"sticky writable directory", GOOD, 0, 0644, 01777, false, "{root}/p"},
	{"not there", NULL, 0, 0644, 0755, false, "p.ini"},
};

static void put_policy(struct live *live, const struct policy_row *row)
{
	const char *text = row->text;
	size_t len = strlen(text) + row->padding;
	char *padded = malloc(len + 1);
	char *real = live_expand(live, "{root}/p/p.ini");

	cr_assert(padded);
	memset(padded, ';', len);
	memcpy(padded, text, strlen(text));
	/* Comments of bearable length, unless it is the line that is too long. */
	for (size_t i = strlen(text) + 79; row->padding > 5000 && i < len; i += 80)
		padded[i] = '\n';
	stage_put(live, "{root}/p/p.ini", padded, len, row->mode);
	if (row->foreign)
		cr_assert_eq(chown(real, 12345, 12345), 0);
	free(real);
	free(padded);
}

static void run_policy_row(const struct policy_row *row, uid_t uid)
{
	struct live_result result;
	struct live live;

	/* Nothing is unreadable to root; only root can give a file away. */
	if ((row->mode == 0 && uid == 0) || (row->foreign && geteuid() != 0))
		return;
	stage_init(&live, uid);
	stage_mkdir(&live, "{root}/p", row->dir_mode);
	if (row->text)
		put_policy(&live, row);
	result =
		stage_launch(&live, "{stage}/sbx-preload", "{root}/p/p.ini", "{root}/bin/confined");
	stage_expect_refused(&live, row->name, &result, 2, row->says);
	live_result_done(&result);
	result = stage_preload(&live, "{root}/p/p.ini", "{root}/bin/confined");
	stage_expect_refused(&live, row->name, &result, 125, row->says);
	live_result_done(&result);
	live_done(&live);
}

Test(refusals, bad_policies)
{
	uid_t users[2];

	for (size_t u = 0; u < live_users(users); u++)
		for (size_t i = 0; i < SIZE(policy_rows); i++)
			run_policy_row(&policy_rows[i], users[u]);
}

/* The same file, sound: so it was the row's fault each time. */
Test(refusals, good_policy_both_ways)
{
	uid_t users[2];

	for (size_t u = 0; u < live_users(users); u++) {
		static const struct policy_row good = {"good", GOOD, 0, 0644, 0755, false, NULL};
		struct live_result result;
		struct live live;

		stage_init(&live, users[u]);
		stage_mkdir(&live, "{root}/p", 0755);
		put_policy(&live, &good);
		result = stage_launch(&live, "{stage}/sbx-preload", "{root}/p/p.ini",
				      "{root}/bin/confined");
		stage_expect_confined(&live, "way 1", &result);
		live_result_done(&result);
		result = stage_preload(&live, "{root}/p/p.ini", "{root}/bin/confined");
		stage_expect_confined(&live, "way 2", &result);
		cr_expect(strstr(result.out, "exec of nothing refused\n"), "way 2: %s", result.out);
		live_result_done(&result);
		live_done(&live);
	}
}
