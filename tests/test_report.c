/* SPDX-License-Identifier: MIT */
/* Live: each denied call prints a line, by a process beside the program. The probe "denied" is
 * denied something in awkward moments: it must get EPERM all the same, the line must arrive, and
 * nothing may remain. Each row is a shell script, which box() runs the sandbox in. Longer than
 * most: tables of one kind, and few lines that walk them. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <dirent.h>

#include "probe_stage.h"

TestSuite(report, .timeout = 240, .fini = live_cleanup);

#define SIZE(a)	   (sizeof(a) / sizeof((a)[0]))
#define NAME_SIZE  32
#define GONE_TRIES 100 /* of 50 ms: until a process has noticed that nobody is left */
#define FZF	   "/usr/bin/fzf"

/* box executes the launcher: in the background or in parentheses its process is the program's. hold
 * waits for a program that does "hold", whose pid is $p; go lets it go on. */
static const char prologue[] =
	"probe={root}/bin/denied\n"
	"box() { exec {stage}/sbx-preload -v rx:{root}/bin \"$@\"; }\n"
	"hold() { mkfifo in; box \"$@\" <in >out & p=$!; exec 4>in;\n"
	"	until grep -q ready out 2>/dev/null; do sleep 0.05; done; }\n"
	"go() { trap '' PIPE; { echo >&4; } 2>/dev/null; wait $p; s=$?; cat out; exec 4>&-;\n"
	"	rm in out; return $s; }\n"
	"reporter() { for c in $(cat /proc/$p/task/$p/children); do\n"
	"	grep -q '^sbx-report$' /proc/$c/comm && echo $c; done; }\n";

#define ONE  "-p 'stdio rpath' $probe "		  /* a program that needs nobody else */
#define MANY "-p 'stdio rpath proc exec' $probe " /* one that starts others */
#define SOCK "denied socket(AF_INET, SOCK_STREAM): needs promise \"inet\" (-p)\n"

struct report_row {
	const char *name, *script;
	int status, lines;
	const char *says; /* in a line about a denial; NULL: no matter */
	const char *out;  /* all that is printed */
};

/* ---- nobody is left ---- */

static bool read_file(const char *path, char *buf, size_t size, size_t *ret_len)
{
	FILE *f = fopen(path, "re");

	if (!f)
		return false;
	*ret_len = fread(buf, 1, size, f);
	(void)fclose(f);
	return true;
}

/* Processes that report and were started from this stage. A zombie has no command line: it is its
 * parent's affair. */
static int count_reporters(const struct live *live)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int n = 0;

	cr_assert(proc);
	while ((entry = readdir(proc))) {
		char path[300], name[NAME_SIZE] = "", command[4096];
		size_t len;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		if (!read_file(path, name, sizeof(name) - 1, &len) ||
		    strcmp(name, "sbx-report\n") != 0)
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		n += read_file(path, command, sizeof(command), &len) &&
		     memmem(command, len, live->root, strlen(live->root));
	}
	(void)closedir(proc);
	return n;
}

static void expect_nobody_left(const struct live *live, const char *name)
{
	int n = 0;

	for (int i = 0; i < GONE_TRIES; i++) {
		n = count_reporters(live);
		if (n == 0)
			return;
		(void)usleep(50000);
	}
	cr_expect_fail("%s, uid %u: %d reporters are left", name, live->uid, n);
}

static void expect_empty(const struct live *live, const char *name, const char *path)
{
	char *real = live_expand(live, path);
	DIR *dir = opendir(real);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		cr_expect(entry->d_name[0] == '.', "%s, uid %u: %s/%s is left", name, live->uid,
			  path, entry->d_name);
	if (dir)
		(void)closedir(dir);
	free(real);
}

/* ---- running the rows ---- */

static void report_init(struct live *live, uid_t uid)
{
	stage_init(live, uid);
	cr_assert(stage_probe(live, "denied", 0755) && stage_probe(live, "confined-static", 0755),
		  "the probes are not built");
}

static struct live_result run_script(struct live *live, const char *script, bool tty)
{
	char *text;
	struct live_result result;
	const char *argv[] = {"/bin/sh", "-c", NULL, NULL};

	cr_assert(asprintf(&text, "%s%s", prologue, script) > 0);
	argv[2] = text;
	result = live_run(live, &(struct live_command){.argv = argv, .tty = tty, .timeout_s = 30});
	free(text);
	return result;
}

static void run_row(struct live *live, const struct report_row *row)
{
	struct live_result result = run_script(live, row->script, false);
	int lines = live_denials(result.err, NULL, false);

	cr_expect_eq(result.status, row->status, "%s, uid %u: status %d\n%s%s", row->name,
		     live->uid, result.status, result.out, result.err);
	cr_expect_eq(lines, row->lines, "%s, uid %u: %d lines:\n%s", row->name, live->uid, lines,
		     result.err);
	cr_expect(!row->says || strstr(result.err, row->says), "%s, uid %u: says %s", row->name,
		  live->uid, result.err);
	cr_expect_str_eq(result.out, row->out, "%s, uid %u", row->name, live->uid);
	live_result_done(&result);
	expect_nobody_left(live, row->name);
	expect_empty(live, row->name, "{work}");
	expect_empty(live, row->name, "{home}");
}

static void run_rows(const struct report_row *rows, size_t count)
{
	uid_t users[2];

	for (size_t u = 0; u < live_users(users); u++) {
		struct live live;

		report_init(&live, users[u]);
		for (size_t i = 0; i < count; i++)
			run_row(&live, &rows[i]);
		live_done(&live);
	}
}

/* ---- what is said ---- */

/* The whole of it: who, what, why, and the line of the policy. */
Test(report, the_line)
{
	static const char *const argv[] = {"{stage}/sbx-preload", "-P",	  POLICY, "--",
					   "{root}/bin/denied",	  "sock", "ids",  NULL};
	uid_t users[2];

	for (size_t u = 0; u < live_users(users); u++) {
		struct live_result result;
		char expected[256], *text;
		struct live live;
		int pid = 0;

		report_init(&live, users[u]);
		stage_put_text(&live, POLICY,
			       "; a comment\n[sandbox]\npromises = stdio rpath\n[unveil]\n"
			       "r = {work}\n",
			       0644);
		result = live_run(&live, &(struct live_command){.argv = argv});
		cr_expect_eq(sscanf(result.out, "socket 1\nids: pid %d ", &pid), 1, "%s",
			     result.out);
		(void)snprintf(expected, sizeof(expected),
			       "sbx-preload: denied[%d]: denied socket(AF_INET, SOCK_STREAM): "
			       "needs promise \"inet\" (%s:3)\n",
			       pid, POLICY);
		text = live_expand(&live, expected);
		cr_expect_str_eq(result.err, text, "uid %u", users[u]);
		free(text);
		live_result_done(&result);
		live_done(&live);
	}
}

static const struct report_row said_rows[] = {
	{"once for each call", "box " ONE "sock sock sock", 0, 1, SOCK,
	 "socket 1\nsocket 1\nsocket 1\n"},
	{"two calls", "box " ONE "sock unlinks 1 sock", 0, 2, "unlink(\"/no/such/0\")",
	 "socket 1\nsocket 1\n"},
	{"once for each path", "box " ONE "unlinks 3 unlinks 3", 0, 3, "unlink(\"/no/such/2\")",
	 ""},
	{"sixteen paths", "box " ONE "unlinks 16 unlinks 16", 0, 16, "unlink(\"/no/such/15\")", ""},
	{"once for all processes", "box " MANY "fork sock fork sock sock", 0, 1, SOCK,
	 "socket 1\nsocket 1\nsocket 1\n"},
	{"what is not there", "box " ONE "nosys", 0, 0, NULL, "call 38\ncall 38\ncall 38\n"},
	{"quiet", "box -q " ONE "sock nosys", 0, 0, NULL, "socket 1\ncall 38\ncall 38\ncall 38\n"},
};

Test(report, what_is_said)
{
	run_rows(said_rows, SIZE(said_rows));
}

Test(report, the_seventeenth_path)
{
	uid_t users[2];

	for (size_t u = 0; u < live_users(users); u++) {
		struct live_result result;
		struct live live;
		char *more;

		report_init(&live, users[u]);
		result = run_script(&live, "box " ONE "unlinks 40 unlinks 40", false);
		cr_expect_eq(result.status, 0, "%s", result.err);
		more = strstr(result.err, ": more calls of unlink like these are denied and not "
					  "told\n");
		cr_expect(more && !strstr(strchr(more, '\n'), "sbx-preload"), "uid %u: %s",
			  users[u], result.err);
		cr_expect(strstr(result.err, "/no/such/15\"") && !strstr(result.err, "/no/such/16"),
			  "uid %u: %s", users[u], result.err);
		live_result_done(&result);
		live_done(&live);
	}
}

/* ---- where it arrives ---- */

static const struct report_row stderr_rows[] = {
	{"it closed it", "box " ONE "close2 sock", 0, 1, SOCK, "socket 1\n"},
	{"it put something else there", "box " ONE "null2 sock", 0, 1, SOCK, "socket 1\n"},
	{"it closed everything", "box " ONE "closeall sock", 0, 1, SOCK, ""},
	{"it was closed before", "box " ONE "sock 2>&-", 0, 0, NULL, "socket 1\n"},
	{"all were closed before", "box " ONE "to 7 sock 7>&1 <&- >&- 2>&-", 0, 0, NULL,
	 "socket 1\n"},
	{"a file",
	 "(box " ONE "close2 sock sock) 2>file; s=$?; sleep 0.1; cat file >&2; rm file; exit $s", 0,
	 1, SOCK, "socket 1\nsocket 1\n"},
	{"nobody reads the pipe any more",
	 "exec 3>&1; { sleep 0.3; (box " ONE "sock unlinks 3 sock); echo $? >&3; } 2>&1 >&3 | true",
	 0, 0, NULL, "socket 1\nsocket 1\n0\n"},
	/* Whoever holds its other end waits for the program to end, so it must not wait. */
	{"nobody reads, and the pipe is full",
	 "exec 3>&1; { dd if=/dev/zero bs=4096 count=16 status=none >&2;\n"
	 "(box " ONE "sock unlinks 20 sock); echo $? >done; } 2>&1 >&3 |\n"
	 "{ until [ -s done ]; do sleep 0.05; done; cat done; rm done; }",
	 0, 0, NULL, "socket 1\nsocket 1\n0\n"},
};

Test(report, where_it_arrives)
{
	run_rows(stderr_rows, SIZE(stderr_rows));
}

/* ---- awkward moments ---- */

static const struct report_row moment_rows[] = {
	{"bad pointers", "box " ONE "pointers", 0, 7, "mount(0x8, 0x8, 0x8): never permitted",
	 "unlinkat 1\nrenameat 1\nexecve 1\nconnect 1\nsendto 1\nmount 1\nsetgroups 1\n"},
	{"all signals blocked", "box " ONE "block sock", 0, 1, SOCK, "socket 1\n"},
	{"in a handler, on hardly a stack", "box " ONE "handler sock", 0, 1, SOCK,
	 "handler 1\nsocket 1\n"},
	{"SIGSYS handled", "box " ONE "handlesys sock", 0, 1, SOCK, "socket 1\n"},
	{"SIGSYS ignored", "box " ONE "ignoresys sock", 0, 1, SOCK, "socket 1\n"},
	{"a thread", "box " ONE "thread sock", 0, 1, SOCK, "socket 1\n"},
	{"eight threads at the same time", "box " ONE "threads", 0, 1, SOCK, ""},
	{"a vfork child", "box " MANY "vfork", 0, 1, SOCK, ""},
	{"a child", "box " MANY "fork sock", 0, 1, SOCK, "socket 1\n"},
	{"a child's child in a thread", "box " MANY "fork fork thread sock", 0, 1, SOCK,
	 "socket 1\n"},
	{"after exec without environment", "box " MANY "fork exec $probe sock", 0, 1, SOCK,
	 "socket 1\n"},
	{"three hundred children", "box " MANY "children", 0, 1, SOCK, ""},
	{"unreadable to others", "box " ONE "undumpable sock unlinks 1", 0, 2, SOCK, "socket 1\n"},
	{"Control-C", "box " MANY "interrupt sock", 0, 1, SOCK, "socket 1\n"},
	{"stopped and continued",
	 "hold " ONE "hold sock; kill -STOP $p; sleep 0.2; grep -q '^State:.T' /proc/$p/status ||\n"
	 "echo runs; kill -CONT $p; go",
	 0, 1, SOCK, "ready\nsocket 1\n"},
	{"the reporter stopped and continued",
	 "hold " ONE "hold sock; r=$(reporter); kill -STOP $r; echo >&4; sleep 0.3; cat out;\n"
	 "kill -CONT $r; go",
	 0, 1, SOCK, "ready\nready\nsocket 1\n"},
};

Test(report, awkward_moments)
{
	run_rows(moment_rows, SIZE(moment_rows));
}

/* The probe is not one of ours there: its own attempts are refused, too. */
Test(report, a_static_child)
{
	uid_t users[2];

	for (size_t u = 0; u < live_users(users); u++) {
		struct live_result result;
		struct live live;

		report_init(&live, users[u]);
		result = run_script(&live,
				    "box " MANY
				    "exec {root}/bin/confined-static {outside}/secret.txt "
				    "{outside}/new",
				    false);
		cr_expect(strstr(result.out, "main\nsecret refused\n") &&
				  strstr(result.out, "\nsocket refused\n"),
			  "uid %u: %s", users[u], result.out);
		cr_expect(strstr(result.err, "sbx-preload: confined-static[") &&
				  strstr(result.err,
					 "denied socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC)"),
			  "uid %u: %s", users[u], result.err);
		cr_expect(live_denials(result.err, NULL, false) > 0 && !stage_spoiled(&live), "%s",
			  result.err);
		live_result_done(&result);
		expect_nobody_left(&live, "static");
		live_done(&live);
	}
}

/* Go has handlers for all signals and starts processes without libc. */
Test(report, a_go_program)
{
	static const char script[] = "export FZF_DEFAULT_COMMAND='echo needle'; exec ";
	uid_t users[2];

	live_need_program(FZF);
	for (size_t u = 0; u < live_users(users); u++) {
		struct live_result result;
		struct live live;
		char text[256];

		report_init(&live, users[u]);
		(void)snprintf(text, sizeof(text), "%s " FZF " --filter=needle", script);
		result = run_script(&live, text, true);
		cr_expect_str_eq(result.out, "needle\r\n", "uid %u, bare", users[u]);
		live_result_done(&result);
		(void)snprintf(text, sizeof(text),
			       "%s {stage}/sbx-preload -p 'stdio rpath tty' " FZF
			       " --filter=needle",
			       script);
		result = run_script(&live, text, true);
		cr_expect(result.status == 1 && !strstr(result.out, "needle"), "uid %u: %d %s",
			  users[u], result.status, result.out);
		cr_expect_eq(live_denials(result.out, "needs promise \"proc\" (-p)", false), 1,
			     "uid %u: %s", users[u], result.out);
		live_result_done(&result);
		expect_nobody_left(&live, "go");
		live_done(&live);
	}
}

Test(report, a_program_that_changes_its_user)
{
	static const struct report_row row = {
		"another user",
		"box -p 'stdio rpath id' $probe setuid sock unlinks 1 ids",
		0,
		2,
		"denied unlink(\"/no/such/0\"): needs promise \"cpath\" (-p)\n",
		NULL};
	struct live_result result;
	struct live live;

	live_need_root();
	report_init(&live, 0);
	result = run_script(&live, row.script, false);
	cr_expect(result.status == 0 && strncmp(result.out, "socket 1\nids: ", 14) == 0, "%d %s%s",
		  result.status, result.out, result.err);
	cr_expect_eq(live_denials(result.err, NULL, false), row.lines, "%s", result.err);
	cr_expect(strstr(result.err, row.says), "%s", result.err);
	live_result_done(&result);
	expect_nobody_left(&live, row.name);
	live_done(&live);
}

/* ---- -k ---- */

static const struct report_row kill_rows[] = {
	{"killed", "box -k " ONE "sock exit 0", 128 + 31, 1, SOCK, ""},
	{"killed in a thread", "box -k " ONE "thread sock exit 0", 128 + 31, 1, SOCK, ""},
	{"killed in a child", "box -k " MANY "fork sock", 128 + 31, 1, SOCK, ""},
	/* It is the thread that made the call that counts. Whether the others had their turn in
	 * between is chance. */
	{"killed while another thread blocks SIGSYS",
	 "for i in 1 2 3 4 5 6 7 8 9 10; do (box -k " ONE "other sock) 2>&3; echo $?; done "
	 "3>&2 2>/dev/null | uniq",
	 0, 10, SOCK, "159\n"},
	{"killed among threads", "box -k " ONE "threads exit 0", 128 + 31, 1, SOCK, ""},
	{"killed with its streams closed", "box -k " ONE "closeall sock", 128 + 31, 1, SOCK, ""},
	{"killed with SIGSYS blocked", "box -k " ONE "blocksys sock exit 0", 128 + 9, 1, SOCK, ""},
	{"killed with all signals blocked", "box -k " ONE "block sock exit 0", 128 + 9, 1, SOCK,
	 ""},
	{"killed with SIGSYS ignored", "box -k " ONE "ignoresys sock exit 0", 128 + 9, 1, SOCK, ""},
	{"killed with SIGSYS handled", "box -k " ONE "handlesys sock exit 0", 128 + 9, 1, SOCK, ""},
	{"killed in a handler", "box -k " ONE "handler sock exit 0", 128 + 9, 1, SOCK,
	 "handler 1\n"},
	{"killed without a word", "box -kq " ONE "sock exit 0", 128 + 31, 0, NULL, ""},
	{"what is not there kills nobody", "box -k " ONE "nosys", 0, 0, NULL,
	 "call 38\ncall 38\ncall 38\n"},
	{"the promise error", "box -k -p 'stdio rpath error' $probe sock", 0, 1, SOCK,
	 "socket 1\n"},
};

Test(report, killing)
{
	run_rows(kill_rows, SIZE(kill_rows));
}

/* ---- how it ends ---- */

static const struct report_row end_rows[] = {
	{"exit status", "box " ONE "sock exit 7", 7, 1, SOCK, "socket 1\n"},
	{"death by a signal", "box " ONE "sock die 15", 128 + 15, 1, SOCK, "socket 1\n"},
	{"it is killed", "hold " ONE "hold sock; kill -KILL $p; go 2>&-", 128 + 9, 0, NULL,
	 "ready\n"},
	/* Permitted calls go on; nothing hangs. */
	{"the reporter is killed",
	 "hold " ONE "hold sock ids exit 5; kill -KILL $(reporter);\n"
	 "go >res; s=$?; sed 's/^ids: .*/went on/' res; rm res; exit $s",
	 5, 0, NULL, "ready\nsocket 38\nwent on\n"},
	{"the reporter is killed, and so is not to be waited for",
	 "hold " ONE "hold look exit 5; kill -KILL $(reporter);\n"
	 "go >res; s=$?; grep wait res; rm res; exit $s",
	 5, 0, NULL, "wait: -1 10\nwaitid: -1 10\n"},
	/* The reader of a pipe waits neither for the descendant, which does not hold it, nor for
	 * the reporter, which has work left; and the descendant is answered. */
	{"a descendant that outlives it",
	 "x=$(box " MANY "to 5 daemon sock 2>&1 5>late); test -s late && echo late already;\n"
	 "until [ -s late ]; do sleep 0.05; done; echo \"$x\"; cat late; rm late",
	 0, 0, NULL, "\nsocket 1\n"},
	{"its line reaches a file",
	 "(box " MANY "to 5 daemon sock 2>file 5>late); until [ -s late ]; do sleep 0.05; done;\n"
	 "cat file >&2; rm late file",
	 0, 1, SOCK, ""},
	/* It holds the pipe itself: its reader waits for it, and for nobody else. */
	{"a descendant that holds the pipe",
	 "box -v rx:/usr/bin -p 'stdio rpath proc exec' /bin/sh -c '(sleep 0.5; '$probe' sock; "
	 "echo end) & echo x' 2>&1 | cat",
	 0, 0, NULL, "x\nsocket 1\nend\n"},
};

Test(report, how_it_ends)
{
	run_rows(end_rows, SIZE(end_rows));
}

/* ---- what the program can see ---- */

static const struct report_row beside_rows[] = {
	{"one process beside it", "hold " ONE "hold exit 3; reporter | wc -l; go", 3, 0, NULL,
	 "1\nready\n"},
	{"none when quiet", "hold -q " ONE "hold exit 3; reporter | wc -l; go", 3, 0, NULL,
	 "0\nready\n"},
};

Test(report, a_process_beside)
{
	run_rows(beside_rows, SIZE(beside_rows));
}

/* No descriptor, thread, child or variable: as without a sandbox. */
Test(report, nothing_to_see)
{
	uid_t users[2];

	for (size_t u = 0; u < live_users(users); u++) {
		struct live_result bare, boxed;
		struct live live;

		report_init(&live, users[u]);
		bare = run_script(&live, "exec $probe look unlinks 1 look exit 0", false);
		boxed = run_script(&live, "box " ONE "look unlinks 1 look exit 0", false);
		cr_expect(strstr(bare.out, "/proc/self/fd: 4\n/proc/self/task: 1\n") &&
				  strstr(bare.out, "\nwait: -1 10\nwaitid: -1 10\n"),
			  "uid %u, bare: %s", users[u], bare.out);
		cr_expect_str_eq(boxed.out, bare.out, "uid %u", users[u]);
		cr_expect_eq(live_denials(boxed.err, NULL, false), 1, "%s", boxed.err);
		live_result_done(&bare);
		live_result_done(&boxed);
		live_done(&live);
	}
}

static void expect_same_process(struct live *live, const char *script, bool tty)
{
	struct live_result result = run_script(live, script, tty);
	const char *again = strchr(result.out, '\n');
	size_t len = again ? (size_t)(again + 1 - result.out) : 0;

	cr_expect(len && strncmp(result.out, "ids: pid ", 9) == 0 &&
			  strstr(result.out, " blocked 200000800 ignored 10200") &&
			  strlen(result.out) == 2 * len &&
			  memcmp(result.out, result.out + len, len) == 0,
		  "%s%s, uid %u:\n%s%s", script, tty ? " on a terminal" : "", live->uid, result.out,
		  result.err);
	cr_expect(!tty || !strstr(result.out, "foreground -1"), "no terminal: %s", result.out);
	live_result_done(&result);
}

/* Process ID, parent, group, session, terminal and signals: before the launcher was executed, and
 * in the program. */
Test(report, the_same_process)
{
#define IDS                                                                                       \
	"$probe setup ids exec {stage}/sbx-preload -v rx:{root}/bin -p 'stdio rpath tty' $probe " \
	"ids"
	static const char *const scripts[] = {
		"exec " IDS,  /* leads its session and group */
		IDS "; true", /* a child of who does */
		"setsid -w " IDS,
	};
	uid_t users[2];

	for (size_t u = 0; u < live_users(users); u++) {
		struct live live;

		report_init(&live, users[u]);
		for (size_t i = 0; i < SIZE(scripts); i++) {
			expect_same_process(&live, scripts[i], false);
			/* A new session has no terminal. */
			if (i < 2)
				expect_same_process(&live, scripts[i], true);
		}
		expect_nobody_left(&live, "the same process");
		live_done(&live);
	}
}

/* ---- a sandbox in a sandbox ---- */

struct nested_row {
	const char *name, *outer, *inner, *quiet; /* promises; of the outer one: "-q" or "" */
	const char *out;
	const char *says; /* NULL: nothing of the probe's */
	const char *file; /* whose line it is */
};

static const struct nested_row nested_rows[] = {
	{"both deny", "stdio rpath proc exec", "stdio rpath", "", "socket 1\n", NULL, NULL},
	{"both deny, the outer one quietly", "stdio rpath proc exec", "stdio rpath", "-q",
	 "socket 1\n", NULL, NULL},
	{"the outer one denies", "stdio rpath proc exec", "stdio rpath inet", "", "socket 1\n",
	 "denied socket(", "outer.ini:2"},
	{"the outer one denies quietly", "stdio rpath proc exec", "stdio rpath inet", "-q",
	 "socket 1\n", NULL, NULL},
	{"the inner one denies", "stdio rpath proc exec inet", "stdio rpath", "", "socket 1\n",
	 NULL, NULL},
	/* No supervisor is permitted there. */
	{"the inner one denies, the outer one is quiet", "stdio rpath proc exec inet",
	 "stdio rpath", "-q", "socket 1\n", NULL, NULL},
};

static void run_nested(struct live *live, const struct nested_row *row)
{
	char text[512];
	struct live_result result;
	const char *line;

	(void)snprintf(text, sizeof(text),
		       "[sandbox]\npromises = %s\n[unveil]\nrx = {root}\nr = /usr\n", row->outer);
	stage_put_text(live, "{stage}/conf/outer.ini", text, 0644);
	(void)snprintf(text, sizeof(text), "[sandbox]\npromises = %s\n[unveil]\nr = {work}\n",
		       row->inner);
	stage_put_text(live, "{stage}/conf/inner.ini", text, 0644);
	(void)snprintf(text, sizeof(text),
		       "exec {stage}/sbx-preload %s -P {stage}/conf/outer.ini {stage}/sbx-preload "
		       "-P {stage}/conf/inner.ini $probe sock",
		       row->quiet);
	result = run_script(live, text, false);
	cr_expect_eq(result.status, 0, "%s, uid %u: %d %s", row->name, live->uid, result.status,
		     result.err);
	cr_expect_str_eq(result.out, row->out, "%s, uid %u", row->name, live->uid);
	/* The outer one may have something to say of the inner launcher. */
	cr_expect(live_denials(result.err, NULL, false) >= 0, "%s: %s", row->name, result.err);
	line = strstr(result.err, ": denied[");
	cr_expect_eq(!!line, !!row->says, "%s, uid %u: %s", row->name, live->uid, result.err);
	if (line && row->says)
		cr_expect(strstr(line, row->says) && strstr(line, row->file), "%s, uid %u: %s",
			  row->name, live->uid, line);
	/* It has no listener of its own, so nothing is its doing. */
	cr_expect(!strstr(result.err, "inner.ini"), "%s, uid %u: blamed: %s", row->name, live->uid,
		  result.err);
	live_result_done(&result);
	expect_nobody_left(live, row->name);
}

Test(report, nested)
{
	uid_t users[2];

	for (size_t u = 0; u < live_users(users); u++) {
		struct live live;

		report_init(&live, users[u]);
		for (size_t i = 0; i < SIZE(nested_rows); i++)
			run_nested(&live, &nested_rows[i]);
		live_done(&live);
	}
}
