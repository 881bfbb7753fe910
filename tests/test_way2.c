/* SPDX-License-Identifier: MIT */
/* Live: way 2, LD_PRELOAD without the launcher. The same policy must mean the same: what programs
 * print, how they end and what they are refused is compared with way 1. Then how a policy is found
 * by name, and what holds without any. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live.h"

#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define NEEDS_ABI 6 /* the default scopes */
#define PRELOAD	  "LD_PRELOAD={stage}/libsbx-preload.so"

TestSuite(way2, .timeout = 240, .fini = live_cleanup);

static void for_each_user(void (*check)(struct live *))
{
	uid_t users[2];
	size_t n = live_users(users);

	for (size_t u = 0; u < n; u++) {
		struct live live;

		live_init(&live, users[u]);
		check(&live);
		live_done(&live);
	}
}

/* ---- the same policy both ways ---- */

/* out: what tells that the program got as far as it should; says: the refusal. */
static const struct live_case same[] = {
	{.name = "ls",
	 .policy = "ls",
	 .argv = {"/usr/bin/ls", "-l", "{work}", "{outside}"},
	 .out = "a.txt",
	 .says = "Permission denied"},
	{.name = "cat",
	 .policy = "cat",
	 .argv = {"/usr/bin/cat", "a.txt", "{outside}/secret.txt", "a.txt"},
	 .out = "contents\ncontents\n",
	 .says = "Permission denied"},
	{.name = "tar",
	 .policy = "tar",
	 .argv = {"/usr/bin/tar", "-cvf", "a.tar", "a.txt", "{outside}/secret.txt"},
	 .out = "a.txt",
	 .says = "Permission denied"},
	{.name = "tar with a compressor",
	 .policy = "tar",
	 .argv = {"/usr/bin/tar", "-I", "/usr/bin/gzip -9", "-cvf", "a.tar", "a.txt"},
	 .out = "a.txt",
	 .says = ""},
	{.name = "sqlite3",
	 .policy = "sqlite3",
	 .argv = {"/usr/bin/sqlite3", ":memory:"},
	 .input = "select 6 * 7;\n.shell /bin/echo ran\n",
	 .out = "42",
	 .says = "returns"},
	{.name = "openssl",
	 .policy = "openssl",
	 .argv = {"/usr/bin/openssl", "dgst", "-sha256", "a.txt", "{outside}/secret.txt"},
	 .out = "SHA2-256(a.txt)= ",
	 .says = "Permission denied"},
	{.name = "python3",
	 .policy = "python3",
	 .argv = {"/usr/bin/python3", "-c",
		  "import json, os, subprocess\n"
		  "print(json.dumps(sorted(k for k in os.environ if 'SBX' in k or 'LD_' in k)))\n"
		  "print(sorted(os.listdir('/proc/self/fd'))[:3], flush=True)\n"
		  "subprocess.run(['/usr/bin/id'])\n"},
	 .out = "[]\n['0', '1', '2']\n",
	 .says = "PermissionError"},
};

static struct live_result run_way1(struct live *live, const struct live_case *c)
{
	const char *argv[LIVE_SANDBOX_ARGS];
	char policy_path[64];
	const struct live_command command = {.argv = argv, .input = c->input};

	live_sandbox_argv(c->policy, NULL, c->argv, argv, policy_path);
	return live_run(live, &command);
}

static struct live_result run_way2(struct live *live, const struct live_case *c)
{
	char policy[64];
	const char *const env[] = {PRELOAD, policy, NULL};
	const struct live_command command = {.argv = c->argv, .env = env, .input = c->input};

	(void)snprintf(policy, sizeof(policy), "SBX_POLICY={stage}/conf/%s.ini", c->policy);
	return live_run(live, &command);
}

/* openssl prefixes its complaints with the number of its thread, which varies. */
static void mask_thread(char *text)
{
	for (char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL) {
		size_t digits = strspn(line, "0123456789ABCDEF");

		if (digits >= 8 && line[digits] == ':')
			memset(line, 'x', digits);
	}
}

/* Nor is a process the same the other way: "sbx-preload: id[1234]: denied ...". */
static void mask_process(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		*to++ = *from;
		if (*from == '[')
			from += strspn(from + 1, "0123456789");
	}
	*to = '\0';
}

static void compare(struct live *live, const struct live_case *c)
{
	struct live_result one = run_way1(live, c), two = run_way2(live, c);

	mask_thread(one.err);
	mask_thread(two.err);
	mask_process(one.err);
	mask_process(two.err);
	cr_expect(strstr(one.out, c->out) && strstr(one.err, c->says) &&
			  !strstr(one.out, LIVE_SECRET) && one.status < 96,
		  "%s, uid %u, way 1: exit %d\nout: %s\nerr: %s", c->name, live->uid, one.status,
		  one.out, one.err);
	cr_expect_eq(one.status, two.status, "%s, uid %u: exit %d by way 1, %d by way 2: %s",
		     c->name, live->uid, one.status, two.status, two.err);
	cr_expect_str_eq(one.out, two.out, "%s, uid %u: output", c->name, live->uid);
	cr_expect_str_eq(one.err, two.err, "%s, uid %u: complaints", c->name, live->uid);
	live_result_done(&one);
	live_result_done(&two);
}

static void both_ways(struct live *live)
{
	live_write(live, "{work}/a.txt", "contents\n");
	for (size_t i = 0; i < COUNT(same); i++)
		if (access(same[i].argv[0], X_OK) == 0)
			compare(live, &same[i]);
}

Test(way2, same_as_way1)
{
	live_need_landlock(NEEDS_ABI);
	live_need_program("/usr/bin/sqlite3");
	live_need_program("/usr/bin/openssl");
	live_need_program("/usr/bin/python3");
	for_each_user(both_ways);
}

/* ---- who reports ---- */

/* What becomes of the launcher that is to be the one. */
struct reporter_row {
	const char *name;
	const char *script; /* with sh, in the stage */
	const char *policy;
	bool says;
};

static const struct reporter_row reporter_rows[] = {
	{"there", "true", "", true},
	{"not wanted", "true", "report = no\n", false},
	{"not there", "mv {stage}/sbx-preload {stage}/away", "", false},
	{"not executable", "chmod 644 {stage}/sbx-preload", "", false},
	{"no program",
	 "echo nonsense >{stage}/no; chmod 755 {stage}/no; mv {stage}/no {stage}/sbx-preload", "",
	 false},
	{"ends at once", "cp /bin/true {stage}/no; mv {stage}/no {stage}/sbx-preload", "", false},
};

static void run_script(struct live *live, const char *script)
{
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};
	struct live_result result;
	struct live as_owner = *live;

	as_owner.uid = geteuid(); /* the stage's */
	result = live_run(&as_owner, &(struct live_command){.argv = argv});
	cr_assert_eq(result.status, 0, "%s: %s", script, result.err);
	live_result_done(&result);
}

/* The program sees the same whether anybody reports or not. */
static void check_reporter(struct live *live, const struct reporter_row *row)
{
	static const char code[] =
		"import os, socket\n"
		"try: socket.socket()\n"
		"except OSError as e: print(e.errno)\n"
		"try: os.waitpid(-1, 0)\n"
		"except OSError as e: print(e.errno)\n"
		"print(len(os.listdir('/proc/self/fd')), os.environ.get('LD_PRELOAD'))\n"
		"os.open('/dev/null', os.O_RDWR)\n";
	const char *const argv[] = {"/usr/bin/python3", "-c", code, NULL};
	const char *const env[] = {PRELOAD, "SBX_POLICY={stage}/conf/report.ini", NULL};
	bool ends = strcmp(row->name, "ends at once") == 0;
	char policy[256];
	struct live_result result;

	(void)snprintf(policy, sizeof(policy), "[sandbox]\npromises = stdio rpath prot_exec\n%s",
		       row->policy);
	live_write(live, "{stage}/conf/report.ini", policy);
	run_script(live, row->script);
	result = live_run(live, &(struct live_command){.argv = argv, .env = env});
	/* Who was asked and has gone leaves ENOSYS: refused all the same. */
	cr_expect_str_eq(result.out, ends ? "38\n10\n4 None\n" : "1\n10\n4 None\n",
			 "%s, uid %u: %s", row->name, live->uid, result.err);
	cr_expect_eq(strstr(result.err,
			    "denied socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC): needs promise "
			    "\"inet\" (") != NULL,
		     row->says, "%s, uid %u: %s", row->name, live->uid, result.err);
	cr_expect_eq(result.status, 0, "%s, uid %u", row->name, live->uid);
	live_result_done(&result);
}

Test(way2, nobody_to_report)
{
	uid_t users[2];
	size_t n = live_users(users);

	live_need_landlock(NEEDS_ABI);
	live_need_program("/usr/bin/python3");
	for (size_t u = 0; u < n; u++) {
		for (size_t i = 0; i < COUNT(reporter_rows); i++) {
			struct live live;

			live_init(&live, users[u]);
			check_reporter(&live, &reporter_rows[i]);
			live_done(&live);
		}
	}
}

/* ---- the policy that the program's name finds; the built-in default ---- */

/* Programs of our own names, so that no policy installed on this machine is found for them. */
static void copy_programs(struct live *live)
{
	static const char *const copy_cat[] = {"/bin/cp", "/usr/bin/cat", "sbxcat", NULL};
	static const char *const copy_cp[] = {"/bin/cp", "/usr/bin/cp", "sbxcp", NULL};
	static const char *const link_cat[] = {"/bin/ln", "-s", "sbxcat", "sbxlink", NULL};
	static const char *const link_two[] = {"/bin/ln", "-s", "sbxcat", "sbxother", NULL};
	const char *const *const commands[] = {copy_cat, copy_cp, link_cat, link_two};

	for (size_t i = 0; i < COUNT(commands); i++) {
		struct live_command command = {.argv = commands[i]};
		struct live_result r = live_run(live, &command);

		cr_assert(r.status == 0, "%s: %s", commands[i][0], r.err);
		live_result_done(&r);
	}
	live_write(live, "{work}/a.txt", "contents\n");
}

struct found {
	const char *name;
	const char *argv[4];
	const char *out;   /* on standard output, or NULL: it is refused */
	const char *makes; /* must not appear */
};

static void check_found(struct live *live, const struct found *f, const char *config)
{
	const char *way1[6] = {"{stage}/sbx-preload"};
	const char *const env1[] = {config, NULL}, *const env2[] = {config, PRELOAD, NULL};
	const struct live_command commands[] = {{.argv = way1, .env = env1},
						{.argv = f->argv, .env = env2}};

	for (size_t i = 0; f->argv[i]; i++)
		way1[1 + i] = f->argv[i];
	for (size_t way = 0; way < 2; way++) {
		struct live_result r = live_run(live, &commands[way]);
		bool right = f->out ? r.status == 0 && strstr(r.out, f->out) && !*r.err
				    : r.status == 1 && (strstr(r.err, "Permission denied") ||
							strstr(r.err, "not permitted"));

		cr_expect(right, "%s, uid %u, way %zu: exit %d\nout: %s\nerr: %s", f->name,
			  live->uid, way + 1, r.status, r.out, r.err);
		cr_expect(!f->makes || !live_exists(live, f->makes), "%s, way %zu: made %s",
			  f->name, way + 1, f->makes);
		live_result_done(&r);
	}
}

/* The policies say the reverse of the default: outside yes, work no. */
static const struct found by_name[] = {
	{"base name", {"{work}/sbxcat", "{outside}/secret.txt"}, LIVE_SECRET, NULL},
	{"base name, refused", {"{work}/sbxcat", "{work}/a.txt"}, NULL, NULL},
	{"name of a link before that of its target",
	 {"{work}/sbxlink", "{work}/a.txt"},
	 "contents",
	 NULL},
	{"name of a link, refused", {"{work}/sbxlink", "{outside}/secret.txt"}, NULL, NULL},
	{"real name, when the link's has no policy",
	 {"{work}/sbxother", "{outside}/secret.txt"},
	 LIVE_SECRET,
	 NULL},
};

static void finds_by_name(struct live *live)
{
	char *text =
		live_expand(live, "[sandbox]\npromises = stdio rpath\n[unveil]\nr = {outside}\n");

	copy_programs(live);
	live_mkdir(live, "{home}/cfg");
	live_mkdir(live, "{home}/cfg/sbx-preload");
	live_write(live, "{home}/cfg/sbx-preload/sbxcat.ini", text);
	live_write(live, "{home}/cfg/sbx-preload/sbxlink.ini",
		   "[sandbox]\npromises = stdio rpath\n[unveil]\nr = ${PWD}\n");
	free(text);
	for (size_t i = 0; i < COUNT(by_name); i++)
		check_found(live, &by_name[i], "XDG_CONFIG_HOME={home}/cfg");
}

Test(way2, policy_by_name)
{
	live_need_landlock(NEEDS_ABI);
	for_each_user(finds_by_name);
}

static const struct found by_default[] = {
	{"default: reads here", {"{work}/sbxcat", "a.txt"}, "contents", NULL},
	{"default: reads nothing elsewhere", {"{work}/sbxcat", "{outside}/secret.txt"}, NULL, NULL},
	{"default: writes nothing", {"{work}/sbxcp", "a.txt", "b.txt"}, NULL, "{work}/b.txt"},
};

static void applies_default(struct live *live)
{
	copy_programs(live);
	for (size_t i = 0; i < COUNT(by_default); i++)
		check_found(live, &by_default[i], "XDG_CONFIG_HOME={home}/none");
}

Test(way2, built_in_default)
{
	live_need_landlock(NEEDS_ABI);
	for_each_user(applies_default);
}
