/* SPDX-License-Identifier: MIT */
/* Live: what --learn writes is enough for the same work, and the same twice. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "probe_stage.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

TestSuite(learn, .timeout = 240, .fini = live_cleanup);

struct learn_row {
	const char *name;
	const char *program; /* must be there */
	const char *argv[12];
	const char *prepare; /* a shell script, before each run; NULL: none */
	const char *says;    /* in the policy */
	const char *says_not;
};

static const char build[] =
	"printf 'all: prog\\nprog: one.o two.o\\n\\tcc -o $@ one.o two.o\\n' >Makefile\n"
	"printf '%%.o: %%.c\\n\\tcc -O1 -c -o $@ $<\\n' >>Makefile\n"
	"printf 'int two(void);int main(void){return two()-2;}' >one.c\n"
	"printf 'int two(void){return 2;}' >two.c\n"
	"rm -f prog *.o\n";

/* Threads, a child, a file: what libc does for them is in the program itself. */
static const char build_static[] =
	"[ -x own ] || cc -static -o own -x c - <<'E'\n"
	"#include <pthread.h>\n#include <stdio.h>\n#include <sys/wait.h>\n#include <unistd.h>\n"
	"static void *work(void *n) { ++*(int *)n; return NULL; }\n"
	"int main(void) { int n = 0; char line[80]; pthread_t t; FILE *f = fopen(\"a.txt\", "
	"\"r\");\n"
	"if (fork() == 0) _exit(access(\"/etc/passwd\", R_OK));\n"
	"pthread_create(&t, NULL, work, &n); pthread_join(t, NULL); wait(NULL);\n"
	"fgets(line, 80, f); f = fopen(\"made\", \"w\"); fprintf(f, \"%d\", n); printf(\"%d %s\", "
	"n, line);\n"
	"return fclose(f); }\nE\n"
	"rm -f made\n";

static const char shell_script[] =
	"cat >script.sh <<'E'\n#!/bin/sh\nset -e\nt=$(mktemp)\ntrap 'rm -f \"$t\"' EXIT\n"
	"for i in 1 2 3; do echo $i; done >\"$t\"\nsort -r \"$t\" | sed s/^/line/\n"
	"cp \"$t\" kept\nE\nchmod +x script.sh; rm -f kept\n";

static const char perl_script[] =
	"cat >script.pl <<'E'\nuse strict; use POSIX; use File::Temp; use Data::Dumper;\n"
	"my $t = File::Temp->new(DIR => '.'); print $t 'x' x 10; close $t;\n"
	"print Dumper([-s $t->filename, POSIX::floor(2.5), scalar `echo child`]);\n"
	"opendir(my $d, '.'); print join(' ', grep { /^a[.]/ } readdir $d), qq(\\n);\nE\n";

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
	  /* All at the same time: how many there are decides what malloc asks for. */
	  "b = threading.Barrier(64)\n"
	  "t = [threading.Thread(target=lambda: (b.wait(), open('a.txt').read()))\n"
	  "     for _ in range(64)]\n"
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
	{"a static program of our own",
	 "/usr/bin/cc",
	 {"{work}/own"},
	 build_static,
	 "proc",
	 "exec"},
	{"a shell script", "/usr/bin/sed", {"{work}/script.sh"}, shell_script, "tmppath", "inet"},
	{"a build",
	 "/usr/bin/make",
	 {"/usr/bin/make", "-j2"},
	 build,
	 "rx = /usr/bin/x86_64-linux-gnu-ld",
	 "inet"},
	{"a Perl script",
	 "/usr/bin/perl",
	 {"/usr/bin/perl", "script.pl"},
	 perl_script,
	 "rx = /usr/bin/echo",
	 "inet"},
	{"a name is looked up",
	 "/usr/bin/getent",
	 {"/usr/bin/getent", "hosts", "localhost"},
	 NULL,
	 "dns",
	 "wpath"},
	{"a user is looked up",
	 "/usr/bin/getent",
	 {"/usr/bin/getent", "passwd", "root"},
	 NULL,
	 "getpw",
	 "rpath"},
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
	/* Where threads meet in malloc(3), which is chance, it asks for the number of processors.
	 */
	static const char *const env[] = {"MALLOC_ARENA_MAX=1", NULL};
	const char *argv[18] = {"{stage}/sbx-preload", option, file};
	size_t n = file ? 3 : option ? 2 : 0;

	for (size_t i = 0; row->argv[i]; i++)
		argv[n++] = row->argv[i];
	prepare(live, row);
	return live_run(live, &(struct live_command){.argv = argv, .env = env});
}

static void expect_same_output(const struct live *live, const struct learn_row *row,
			       const char *how, const struct live_result *bare,
			       const struct live_result *result, const char *policy)
{
	cr_expect(result->status == 0 && strcmp(bare->out, result->out) == 0,
		  "%s, uid %u, %s: exit %d\n%s%s\nbare: %s\n%s", row->name, live->uid, how,
		  result->status, result->out, result->err, bare->out, policy ? policy : "");
	cr_expect(!strstr(result->err, "sbx-preload") && !strstr(result->out, "sbx-preload"),
		  "%s, uid %u, %s: %s%s\n%s", row->name, live->uid, how, result->out, result->err,
		  policy ? policy : "");
}

static void round_trip(struct live *live, const struct learn_row *row)
{
	struct live_result bare, learned, again, boxed;
	char *policy, *second;

	bare = run(live, row, NULL, NULL);
	expect_same_output(live, row, "bare", &bare, &bare, NULL);
	learned = run(live, row, "--learn={home}/one.ini", NULL);
	again = run(live, row, "--learn={home}/two.ini", NULL);
	policy = live_read(live, "{home}/one.ini");
	second = live_read(live, "{home}/two.ini");
	cr_assert(policy && second, "%s: no policy\n%s", row->name, learned.err);
	expect_same_output(live, row, "watched", &bare, &learned, NULL);
	cr_expect_str_eq(policy, second, "%s, uid %u: not the same twice", row->name, live->uid);
	cr_expect(strstr(policy, row->says), "%s, uid %u: %s", row->name, live->uid, policy);
	cr_expect(!row->says_not || !strstr(policy, row->says_not), "%s, uid %u: %s", row->name,
		  live->uid, policy);
	boxed = run(live, row, "-P", "{home}/one.ini");
	expect_same_output(live, row, "under what was learned", &bare, &boxed, policy);
	free(policy);
	free(second);
	live_result_done(&bare);
	live_result_done(&learned);
	live_result_done(&again);
	live_result_done(&boxed);
}

ParameterizedTestParameters(learn, round_trips)
{
	static size_t indices[COUNT(rows)];

	for (size_t i = 0; i < COUNT(rows); i++)
		indices[i] = i;
	return cr_make_param_array(size_t, indices, COUNT(rows));
}

ParameterizedTest(size_t *index, learn, round_trips)
{
	const struct learn_row *row = &rows[*index];
	uid_t users[2];
	size_t n = live_users(users);

	live_need_landlock(6);
	live_need_program(row->program);
	for (size_t u = 0; u < n; u++) {
		struct live live;

		stage_init(&live, users[u]);
		live_write(&live, "{work}/a.txt", "some text\n");
		round_trip(&live, row);
		live_done(&live);
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
