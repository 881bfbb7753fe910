/* SPDX-License-Identifier: MIT */
/* Live: what --audit says is not used can go: under what is left of the policy the same work is
 * done, and nothing is denied. */
#include <criterion/criterion.h>

#include <limits.h>

#include "../shim/util.h"
#include "probe_stage.h"

TestSuite(audit, .timeout = 120, .fini = live_cleanup);

#define STATE "{home}/state"
#define WIDE  "{stage}/conf/wide.ini"
#define TIGHT "{stage}/conf/tight.ini"

/* Much more than any of the programs needs. */
static const char wide[] = "[sandbox]\n"
			   "promises = stdio rpath wpath cpath fattr flock tty proc exec "
			   "prot_exec getpw id ps vminfo inet dns unix\n"
			   "[unveil]\n"
			   "rwc = {work}\n"
			   "rw = {outside}\n"
			   "rx = /usr/bin\n"
			   "r = /usr/share\n"
			   "r = /usr/lib\n"
			   "r = /etc\n"
			   "r? = {home}/.config\n"
			   "[net]\n"
			   "connect_tcp = {port} 443\n";

struct audit_row {
	const char *name;
	const char *argv[8];
	const char *unused[6]; /* lines of the file of runs */
	const char *used[6];
	bool server;
};

static const struct audit_row rows[] = {
	{"cat",
	 {"/bin/cat", "{work}/a.txt", "/etc/os-release"},
	 {"promise wpath", "promise inet", "promise exec", "unveil w {work}", "unveil r {outside}",
	  "connect_tcp 443"},
	 {"promise rpath", "unveil r {work}"},
	 false},
	{"a shell that writes",
	 {"/bin/sh", "-c", "cat {work}/a.txt >{work}/b.txt; rm {work}/b.txt; echo done"},
	 {"promise inet", "promise getpw", "unveil w {outside}"},
	 {"promise exec", "promise proc", "promise wpath", "promise cpath", "unveil c {work}",
	  "unveil x /usr/bin"},
	 false},
	{"ls -l",
	 {"/bin/ls", "-ln", "{work}"},
	 {"promise unix", "promise wpath", "unveil x /usr/bin"},
	 {"promise rpath", "unveil r {work}"},
	 false},
	{"sqlite3",
	 {"/usr/bin/sqlite3", "{work}/d.db",
	  "create table if not exists t(a); insert into t values(6); select max(a)*7 from t;"},
	 {"promise inet", "promise exec"},
	 {"promise flock", "promise cpath", "unveil w {work}", "unveil c {work}"},
	 false},
	{"python3",
	 {"/usr/bin/python3", "-I", "-c",
	  "import json\nprint(json.dumps(len(open('{work}/a.txt').read())))"},
	 {"promise inet", "promise wpath", "promise exec", "unveil r /usr/lib"},
	 {"promise rpath", "promise prot_exec"},
	 false},
	{"curl",
	 {"/usr/bin/curl", "-sS", "http://127.0.0.1:{port}/a.txt"},
	 {"promise exec", "connect_tcp 443", "unveil r {outside}"},
	 {"promise inet", "connect_tcp {port}"},
	 true},
};

static struct live_result run(struct live *live, const struct audit_row *row, const char *option,
			      const char *policy)
{
	const char *argv[16] = {"{stage}/sbx-preload", option, "-P", policy};
	size_t n = policy ? 4 : 0;

	if (policy && !option) {
		argv[1] = "-P";
		argv[2] = policy;
		n = 3;
	}
	for (size_t i = 0; row->argv[i]; i++)
		argv[n++] = row->argv[i];
	return live_run(live, &(struct live_command){.argv = argv});
}

/* Is WHAT in the file of runs as "@used 1 WHAT"? */
static bool counted(struct live *live, const char *state, int used, const char *what)
{
	char *real = live_expand(live, what), line[512];
	bool found;

	(void)snprintf(line, sizeof(line), "\n%d 1 %s\n", used, real);
	found = strstr(state, line);
	free(real);
	return found;
}

/* Add a letter to the line of @path, which is the last one if it is there. */
static void add_letter(char *unveil, char letter, const char *path)
{
	char end[PATH_MAX + 8];
	size_t used = strlen(unveil), n = (size_t)snprintf(end, sizeof(end), " = %s\n", path);

	if (used >= n && strcmp(unveil + used - n, end) == 0)
		(void)sprintf(unveil + used - n, "%c%s", letter, end);
	else
		(void)sprintf(unveil + used, "%c%s", letter, end);
}

/* One line of the file of runs as what a policy says of it. */
static void add_used(const char *line, char *promises, char *unveil, char *ports)
{
	char what[PATH_MAX], letter;
	unsigned used;

	if (sscanf(line, "%u 1 promise %63s", &used, what) == 2 && used)
		(void)sprintf(promises + strlen(promises), " %.63s", what);
	else if (sscanf(line, "%u 1 unveil %c %4095[^\n]", &used, &letter, what) == 3 && used)
		add_letter(unveil, letter, what);
	else if (sscanf(line, "%u 1 connect_tcp %63s", &used, what) == 2 && used)
		(void)sprintf(ports + strlen(ports), " %.63s", what);
}

/* The policy of what was used. */
static void write_tight(struct live *live, const char *state)
{
	char promises[4096] = "", unveil[16384] = "", ports[4096] = "", text[32768];
	char *copy = strdup(state), *save = NULL;

	cr_assert(copy && strlen(state) < sizeof(unveil));
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		add_used(line, promises, unveil, ports);
	free(copy);
	(void)snprintf(text, sizeof(text),
		       "[sandbox]\npromises = stdio%s\n[unveil]\n%s[net]\nconnect_tcp =%s\n",
		       promises, unveil, ports);
	stage_put_text(live, TIGHT, text, 0644);
}

static void tighten(struct live *live, const struct audit_row *row)
{
	struct live_result bare = run(live, row, NULL, NULL), audited, tight;
	char *state, *policy;

	audited = run(live, row, "--audit=" STATE, WIDE);
	cr_expect_eq(audited.status, bare.status, "%s: %d %s", row->name, audited.status,
		     audited.err);
	cr_expect_str_eq(audited.out, bare.out, "%s: %s", row->name, audited.err);
	cr_expect(!strstr(audited.err, "denied"), "%s: %s", row->name, audited.err);
	cr_expect(strstr(audited.err, "not used in 1 run ("), "%s: %s", row->name, audited.err);
	state = live_read(live, STATE);
	cr_assert(state, "%s: no file\n%s", row->name, audited.err);
	for (size_t i = 0; i < 6 && row->unused[i]; i++)
		cr_expect(counted(live, state, 0, row->unused[i]), "%s: %s was used?\n%s",
			  row->name, row->unused[i], state);
	for (size_t i = 0; i < 6 && row->used[i]; i++)
		cr_expect(counted(live, state, 1, row->used[i]), "%s: %s was not used?\n%s",
			  row->name, row->used[i], state);
	write_tight(live, state);
	policy = live_read(live, TIGHT);
	tight = run(live, row, "-e", TIGHT);
	cr_expect_eq(tight.status, bare.status, "%s: %d %s%s", row->name, tight.status, tight.err,
		     policy);
	cr_expect_str_eq(tight.out, bare.out, "%s: %s%s", row->name, tight.err, policy);
	cr_expect(!strstr(tight.err, "sbx-preload"), "%s: %s%s", row->name, tight.err, policy);
	free(state);
	free(policy);
	live_result_done(&bare);
	live_result_done(&audited);
	live_result_done(&tight);
}

Test(audit, what_is_not_used_can_go)
{
	static const char *const server[] = {
		"/usr/bin/python3", "-m", "http.server", "{port}", "--bind", "127.0.0.1", NULL};
	uid_t users[2];
	size_t n = live_users(users);

	live_need_landlock(6);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct live live;

		live_need_program(rows[i].argv[0]);
		stage_init(&live, users[i % n]);
		(void)live_free_port(&live);
		live_write(&live, "{work}/a.txt", "some text\n");
		stage_put_text(&live, WIDE, wide, 0644);
		if (!rows[i].server || live_server_start(&live, server, live.port))
			tighten(&live, &rows[i]);
		live_done(&live);
	}
}

struct say_row {
	const char *name, *argv[12];
	int status;
	const char *says[3], *says_not;
};

static const struct say_row say_rows[] = {
	{"a line, and a letter of a line",
	 {"--audit", "-p", "stdio rpath wpath", "-v", "rw:{work}", "-v", "r:{outside}", "/bin/cat",
	  "{work}/a.txt"},
	 0,
	 {"promise \"wpath\": not used in this run (-p)",
	  "rw = {work}: \"w\" not used in this run (-v)",
	  "r = {outside}: not used in this run (-v)"},
	 "denied"},
	{"all is used",
	 {"--audit", "-p", "stdio rpath", "-v", "r:{work}", "/bin/cat", "{work}/a.txt"},
	 0,
	 {"all that the policy permits was used (flags)"},
	 "not used"},
	{"what is denied is not used",
	 {"--audit", "-p", "stdio rpath wpath", "-v", "rw:{work}", "/bin/cat",
	  "{outside}/secret.txt"},
	 1,
	 {"denied openat(", "rw = {work}: not used in this run (-v)",
	  "promise \"wpath\": not used"},
	 NULL},
	{"quiet, and no file: nothing to say",
	 {"-q", "--audit", "-p", "stdio rpath wpath", "/bin/true"},
	 0,
	 {NULL},
	 "sbx-preload"},
	{"the default policy",
	 {"--audit", "/bin/true"},
	 0,
	 {"r = ${PWD}: not used in this run (built-in default)"},
	 "denied"},
	{"where the shim cannot enter",
	 {"--audit", "-p", "stdio rpath wpath", "-v", "r:/etc", "/sbin/ldconfig", "-p"},
	 0,
	 {"promise \"wpath\": not used"},
	 "denied"},
	{"what a rule allows needs no promise",
	 {"--audit", "-V", "-p", "stdio rpath inet", "--allow", "setpriority", "/usr/bin/python3",
	  "-I", "-S", "-c", "import os; os.setpriority(0, 0, 5)"},
	 0,
	 {"promise \"inet\": not used in this run (-p)"},
	 "denied"},
	{"a file that is none",
	 {"--audit={work}/a.txt", "/bin/true"},
	 2,
	 {"{work}/a.txt:1: this is no file of --audit"},
	 "not used"},
	{"a directory that is not there",
	 {"--audit={work}/none/state", "/bin/true"},
	 2,
	 {"--audit={work}/none/state: cannot write there: No such file or directory"},
	 "not used"},
	{"unveil off",
	 {"--audit", "-V", "-p", "stdio rpath", "/bin/cat", "{work}/a.txt"},
	 0,
	 {"all that the policy permits was used"},
	 "denied"},
};

Test(audit, says)
{
	struct live live;

	live_need_landlock(6);
	stage_init(&live, geteuid());
	live_write(&live, "{work}/a.txt", "some text\n");
	for (size_t i = 0; i < ARRAY_SIZE(say_rows); i++) {
		const struct say_row *row = &say_rows[i];
		const char *argv[14] = {"{stage}/sbx-preload"};
		struct live_result result;

		for (size_t j = 0; row->argv[j]; j++)
			argv[j + 1] = row->argv[j];
		result = live_run(&live, &(struct live_command){.argv = argv});
		cr_expect_eq(result.status, row->status, "%s: %d %s", row->name, result.status,
			     result.err);
		for (size_t j = 0; j < ARRAY_SIZE(row->says) && row->says[j]; j++) {
			char *says = live_expand(&live, row->says[j]);

			cr_expect(strstr(result.err, says), "%s: not \"%s\" but %s", row->name,
				  says, result.err);
			free(says);
		}
		cr_expect(!row->says_not || !strstr(result.err, row->says_not), "%s: %s", row->name,
			  result.err);
		live_result_done(&result);
	}
	live_done(&live);
}

/* A daemon's own work is done when the program that was started has long ended. */
Test(audit, counts_what_descendants_use_later)
{
	static const char *const argv[] = {
		"{stage}/sbx-preload",
		"--audit=" STATE,
		"-p",
		"stdio rpath wpath cpath proc exec",
		"-v",
		"rwc:{work}",
		"-v",
		"rx:/usr/bin",
		"/bin/sh",
		"-c",
		"setsid sh -c ': >{work}/up; sleep 0.4; read -r x <{work}/a.txt' & "
		"while [ ! -e {work}/up ]; do sleep 0.02; done",
		NULL};
	struct live live;
	struct live_result result;
	char *state = NULL;

	live_need_landlock(6);
	stage_init(&live, geteuid());
	live_write(&live, "{work}/a.txt", "some text\n");
	result = live_run(&live, &(struct live_command){.argv = argv});
	cr_expect_eq(result.status, 0, "%d %s", result.status, result.err);
	for (int tries = 0; tries < 100; tries++) {
		free(state);
		state = live_read(&live, STATE);
		if (state && counted(&live, state, 1, "unveil r {work}"))
			break;
		(void)usleep(50 * 1000);
	}
	cr_expect(state && counted(&live, state, 1, "unveil r {work}"), "%s", state);
	free(state);
	live_result_done(&result);
	live_done(&live);
}
