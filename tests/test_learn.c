/* SPDX-License-Identifier: MIT */
/* Live: what --learn writes is enough for the same work, and the same twice. */
#include <criterion/criterion.h>

#include "probe_stage.h"

TestSuite(learn, .timeout = 240, .fini = live_cleanup);

struct learn_row {
	const char *name;
	const char *program; /* must be there */
	const char *argv[12];
	const char *prepare; /* a shell script, before each run; NULL: none */
	const char *says;    /* in the policy */
	const char *says_not;
};

static const struct learn_row rows[] = {
	{"cat",
	 "/bin/cat",
	 {"/bin/cat", "a.txt", "/etc/os-release"},
	 NULL,
	 "promises = stdio rpath\n",
	 "wpath"},
	{"ls",
	 "/bin/ls",
	 {"/bin/ls", "-l", "/usr/share/doc/bash"},
	 NULL,
	 "/usr/share/doc/bash",
	 "wpath"},
	{"sh pipeline",
	 "/bin/sh",
	 {"/bin/sh", "-c", "cat a.txt | tr a-z A-Z; ls | wc -l"},
	 NULL,
	 "rx = /usr/bin/tr",
	 NULL},
	{"sort",
	 "/usr/bin/sort",
	 {"/usr/bin/sort", "-S", "1K", "-T", "{work}", "big"},
	 "seq 20000 >big",
	 "wpath cpath",
	 "inet"},
	{"tar and gzip",
	 "/bin/tar",
	 {"/bin/tar", "-czf", "t.tgz", "a.txt"},
	 "rm -f t.tgz",
	 "exec",
	 "inet"},
	{"find and xargs",
	 "/usr/bin/find",
	 {"/bin/sh", "-c", "find . -name '*.txt' | xargs wc -c"},
	 NULL,
	 "exec",
	 NULL},
	{"awk", "/usr/bin/awk", {"/usr/bin/awk", "{print NF}", "a.txt"}, NULL, "rpath", "wpath"},
	{"perl",
	 "/usr/bin/perl",
	 {"/usr/bin/perl", "-ne", "print uc", "a.txt"},
	 NULL,
	 "rpath",
	 "wpath"},
	{"sqlite3",
	 "/usr/bin/sqlite3",
	 {"/usr/bin/sqlite3", "d.db",
	  "create table t(a); insert into t values(6); select a*7 from t;"},
	 "rm -f d.db",
	 "flock",
	 "inet"},
	{"python3 with threads",
	 "/usr/bin/python3",
	 {"/usr/bin/python3", "-c",
	  "import json, threading\n"
	  "t = [threading.Thread(target=lambda: open('a.txt').read()) for _ in range(8)]\n"
	  "[x.start() for x in t]; [x.join() for x in t]\n"
	  "open('out.json', 'w').write(json.dumps(len(t)))\nprint(open('out.json').read())"},
	 "rm -f out.json",
	 "wpath cpath",
	 "inet"},
	{"git",
	 "/usr/bin/git",
	 {"/usr/bin/git", "status", "--short"},
	 "git init -q . ; git add a.txt",
	 "cpath",
	 "inet"},
	{"a static program",
	 "/sbin/ldconfig",
	 {"/sbin/ldconfig", "-p"},
	 NULL,
	 "r = /etc/ld.so.cache",
	 "wpath"},
};

static void prepare(struct live *live, const struct learn_row *row)
{
	const char *const argv[] = {"/bin/sh", "-c", row->prepare, NULL};
	struct live_result result;

	if (!row->prepare)
		return;
	result = live_run(live, &(struct live_command){.argv = argv});
	cr_assert_eq(result.status, 0, "%s: %s", row->name, result.err);
	live_result_done(&result);
}

static struct live_result run(struct live *live, const struct learn_row *row, const char *option,
			      const char *file)
{
	const char *argv[18] = {"{stage}/sbx-preload", option, file};
	size_t n = file ? 3 : option ? 2 : 0;

	for (size_t i = 0; row->argv[i]; i++)
		argv[n++] = row->argv[i];
	prepare(live, row);
	return live_run(live, &(struct live_command){.argv = argv});
}

static void round_trip(struct live *live, const struct learn_row *row)
{
	struct live_result bare, learned, again, boxed;
	char *policy, *second;

	if (access(row->program, X_OK) != 0)
		return;
	bare = run(live, row, NULL, NULL);
	learned = run(live, row, "--learn={home}/one.ini", NULL);
	again = run(live, row, "--learn={home}/two.ini", NULL);
	policy = live_read(live, "{home}/one.ini");
	second = live_read(live, "{home}/two.ini");
	cr_assert(policy && second, "%s: no policy\n%s", row->name, learned.err);
	cr_expect_str_eq(bare.out, learned.out, "%s, uid %u: unconfined, but watched", row->name,
			 live->uid);
	cr_expect_str_eq(policy, second, "%s, uid %u: not the same twice", row->name, live->uid);
	cr_expect(strstr(policy, row->says), "%s, uid %u: %s", row->name, live->uid, policy);
	cr_expect(!row->says_not || !strstr(policy, row->says_not), "%s, uid %u: %s", row->name,
		  live->uid, policy);
	boxed = run(live, row, "-P", "{home}/one.ini");
	cr_expect_eq(boxed.status, bare.status, "%s, uid %u: %d\n%s%s", row->name, live->uid,
		     boxed.status, boxed.err, policy);
	cr_expect_str_eq(boxed.out, bare.out, "%s, uid %u: %s%s", row->name, live->uid, boxed.err,
			 policy);
	cr_expect(!strstr(boxed.err, "sbx-preload"), "%s, uid %u: %s%s", row->name, live->uid,
		  boxed.err, policy);
	free(policy);
	free(second);
	live_result_done(&bare);
	live_result_done(&learned);
	live_result_done(&again);
	live_result_done(&boxed);
}

Test(learn, round_trips)
{
	uid_t users[2];
	size_t n = live_users(users);

	live_need_landlock(6);
	for (size_t u = 0; u < n; u++) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			struct live live;

			stage_init(&live, users[u]);
			live_write(&live, "{work}/a.txt", "some text\n");
			round_trip(&live, &rows[i]);
			live_done(&live);
		}
	}
}

/* No policy permits ptrace(2), but here nothing is refused. A signal stops who is traced, and the
 * tracer, its parent, is the launcher. */
Test(learn, asks_to_be_traced)
{
	static const char *const argv[] = {
		"{stage}/sbx-preload",
		"--learn={home}/traced.ini",
		"/usr/bin/python3",
		"-c",
		"import ctypes, os, signal\n"
		"signal.signal(signal.SIGUSR1, lambda *_: print('caught', flush=True))\n"
		"print(ctypes.CDLL(None).ptrace(0, 0, 0, 0), flush=True)\n"
		"os.kill(os.getpid(), signal.SIGUSR1)\n"
		"os.execv('/bin/echo', ['echo', 'on'])\n",
		NULL};
	struct live live;
	struct live_result result;
	char *policy;

	live_need_landlock(6);
	live_need_program("/usr/bin/python3");
	stage_init(&live, geteuid());
	result = live_run(&live, &(struct live_command){.argv = argv, .timeout_s = 15});
	cr_expect_eq(result.status, 0, "%d %s", result.status, result.err);
	cr_expect_str_eq(result.out, "0\ncaught\non\n", "%s", result.out);
	policy = live_read(&live, "{home}/traced.ini");
	cr_expect(policy && strstr(policy, "; never permitted: ptrace(PTRACE_TRACEME"), "%s",
		  policy);
	free(policy);
	live_result_done(&result);
	live_done(&live);
}
