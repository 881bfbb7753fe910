/* SPDX-License-Identifier: MIT */
/* Live: which lines --learn writes, and what becomes of a file that is there already. */
#include <signal.h>

#include "probe_stage.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SH(code)                      \
	{                             \
		"/bin/sh", "-c", code \
	}
#define PY(code)                               \
	{                                      \
		"/usr/bin/python3", "-c", code \
	}

TestSuite(learn_lines, .timeout = 120, .fini = live_cleanup);

static const char learned[] = "{root}/learned/one.ini";

struct line_row {
	const char *name;
	const char *prepare; /* a shell script; NULL: none */
	const char *argv[4];
	const char *says[4]; /* all of these are in the policy (placeholders) … */
	const char *says_not[3];
	int status;
};

static const struct line_row rows[] = {
	{.name = "one secret",
	 .prepare = "mkdir ~/.ssh; echo k >~/.ssh/id",
	 .argv = SH("cat ~/.ssh/id"),
	 .says = {"; warning: secrets are kept here: leave this out unless the program is to have "
		  "them\nr = ${HOME}/.ssh/id ; "},
	 .says_not = {"${HOME}/.ssh ", "= ${HOME} "}},
	{.name = "many secrets stay single files",
	 .prepare = "mkdir ~/.ssh; for i in 1 2 3 4 5; do echo k >~/.ssh/id$i; done",
	 .argv = SH("cd ~/.ssh; cat id1 id2 id3 id4 id5"),
	 .says = {"\nr = ${HOME}/.ssh/id1 ; ", "\nr = ${HOME}/.ssh/id5 ; "},
	 .says_not = {"= ${HOME} "}},
	{.name = "the same below the directory",
	 .prepare = "mkdir ~/.aws ~/.aws/x; for i in 1 2 3 4; do echo k >~/.aws/x/$i; done",
	 .argv = SH("cd ~/.aws/x; cat 1 2 3 4"),
	 .says = {"\nr = ${HOME}/.aws/x/1 ; ", "\nr = ${HOME}/.aws/x/4 ; "},
	 .says_not = {"${HOME}/.aws ", "${HOME}/.aws/x "}},
	{.name = "secrets are listed: no letter is for that alone",
	 .prepare = "mkdir ~/.ssh; echo k >~/.ssh/id",
	 .argv = SH("ls ~/.ssh"),
	 .says = {"; warning: secrets are kept here: leave this out unless the program is to have "
		  "them\nr = ${HOME}/.ssh ; "}},
	{.name = "files of the home directory",
	 .prepare = "for i in 1 2 3 4 5; do echo k >~/f$i; done",
	 .argv = SH("cat ~/f1 ~/f2 ~/f3 ~/f4 ~/f5"),
	 .says = {"\nr = ${HOME}/f1 ; ", "\nr = ${HOME}/f5 ; "},
	 .says_not = {"= ${HOME} "}},
	{.name = "files of ~/.config",
	 .prepare = "mkdir ~/.config; for i in 1 2 3 4 5; do echo k >~/.config/f$i; done",
	 .argv = SH("cat ~/.config/f1 ~/.config/f2 ~/.config/f3 ~/.config/f4"),
	 .says = {"\nr = ${HOME}/.config/f1 ; ", "\nr = ${HOME}/.config/f4 ; "},
	 .says_not = {"${HOME}/.config ", "= ${HOME} "}},
	{.name = "files of /etc",
	 .argv = SH("cat /etc/os-release /etc/issue /etc/issue.net /etc/debian_version "
		    "/etc/host.conf >/dev/null"),
	 .says = {"\nr = /etc/issue ; ", "\nr = /etc/debian_version ; "},
	 .says_not = {"= /etc "}},
	{.name = "siblings become their directory",
	 .prepare = "mkdir data; for i in 1 2 3; do echo k >data/$i; done",
	 .argv = SH("cat data/1 data/2 data/3"),
	 .says = {"\nr = ${PWD}/data ; cat: openat(\"data/1\", O_RDONLY) (and others in there)\n"},
	 .says_not = {"${PWD}/data/", "= ${PWD} "}},
	{.name = "two siblings do not",
	 .prepare = "mkdir data; for i in 1 2 3; do echo k >data/$i; done",
	 .argv = SH("cat data/1 data/2"),
	 .says = {"\nr = ${PWD}/data/1 ; ", "\nr = ${PWD}/data/2 ; "},
	 .says_not = {"${PWD}/data "}},
	{.name = "a temporary name, and the directory it is in",
	 .prepare = "mkdir data",
	 .argv = SH("f=$(mktemp data/own.XXXXXX); echo x >$f; rm $f"),
	 .says = {"\nrwc = ${PWD}/data ; ", "\"data/*\""},
	 .says_not = {"own."}},
	{.name = "a file that is saved by way of another",
	 .prepare = "mkdir data; echo old >data/kept",
	 .argv = PY("import os; open('data/new.%d' % os.getpid(), 'w').close()\n"
		    "os.rename('data/new.%d' % os.getpid(), 'data/kept')"),
	 .says = {"\nwc = ${PWD}/data ; "},
	 .says_not = {"data/new"}},
	{.name = "a port to connect to",
	 .argv = PY("import socket; socket.socket().connect_ex(('127.0.0.1', 9))"),
	 .says = {"\n; 9: connect(", "\nconnect_tcp = 9\n", "\nbind_tcp =\n"}},
	{.name = "a port to listen on",
	 .argv = PY("import socket; socket.socket().bind(('127.0.0.1', {port}))"),
	 .says = {"\n; {port}: bind(", "\nbind_tcp = {port}\n", "\nconnect_tcp =\n"}},
	{.name = "any free port",
	 .argv = PY("import socket; socket.socket().bind(('127.0.0.1', 0))"),
	 .says = {"\n; any free port, so that no list will do: bind("},
	 .says_not = {"\nbind_tcp"}},
	{.name = "what no policy permits",
	 .argv = PY("import ctypes; ctypes.CDLL(None).personality(0x40000)"),
	 .says = {"\n; never permitted: personality("},
	 .says_not = {"; the program failed"}},
	{.name = "it failed",
	 .argv = SH("cat /etc/issue; exit 3"),
	 .says = {"; the program failed (exit status 3): it may need more than this\n",
		  "\nr = /etc/issue ; "},
	 .status = 3},
	{.name = "it was killed",
	 .argv = SH("cat /etc/issue; kill -KILL $$"),
	 .says = {"; the program failed (signal 9 ended it): it may need more than this\n",
		  "\nr = /etc/issue ; "},
	 .status = 128 + SIGKILL},
};

static struct live_result run(struct live *live, const char *const *words, const char *const *argv)
{
	const char *all[24];
	size_t n = 0;

	while (*words)
		all[n++] = *words++;
	while (*argv)
		all[n++] = *argv++;
	all[n] = NULL;
	return live_run(live, &(struct live_command){.argv = all, .timeout_s = 20});
}

static void shell(struct live *live, const char *script)
{
	const char *const argv[] = {"/bin/sh", "-ec", script, NULL};
	struct live_result result = live_run(live, &(struct live_command){.argv = argv});

	cr_assert_eq(result.status, 0, "%s: %s", script, result.err);
	live_result_done(&result);
}

static void begin(struct live *live, uid_t uid)
{
	live_need_landlock(6);
	live_init(live, uid);
	live_mkdir(live, "{root}/learned");
	(void)live_free_port(live);
}

static void expect(struct live *live, const char *name, const char *policy, const char *const *says,
		   size_t n_says, bool wanted)
{
	for (size_t i = 0; i < n_says && says[i]; i++) {
		char *text = live_expand(live, says[i]);

		cr_expect(!strstr(policy, text) != wanted, "%s, uid %u: %s \"%s\"\n%s", name,
			  live->uid, wanted ? "lacks" : "has", text, policy);
		free(text);
	}
}

static const char *const learn[] = {"{stage}/sbx-preload", "--learn={root}/learned/one.ini", NULL};

static const char *const under[] = {"{stage}/sbx-preload", "-P", "{root}/learned/one.ini", "--",
				    NULL};

static void check_row(const struct line_row *row, uid_t uid)
{
	struct live live;
	struct live_result result;
	char *policy;

	begin(&live, uid);
	if (row->prepare)
		shell(&live, row->prepare);
	result = run(&live, learn, row->argv);
	policy = live_read(&live, learned);
	cr_expect_eq(result.status, row->status, "%s, uid %u: %d %s", row->name, uid, result.status,
		     result.err);
	cr_assert(policy, "%s, uid %u: no policy: %s", row->name, uid, result.err);
	expect(&live, row->name, policy, row->says, COUNT(row->says), true);
	expect(&live, row->name, policy, row->says_not, COUNT(row->says_not), false);
	free(policy);
	live_result_done(&result);
	live_done(&live);
}

Test(learn_lines, of_files_and_ports)
{
	uid_t users[2];
	size_t n = live_users(users);

	live_need_program("/usr/bin/python3");
	for (size_t i = 0; i < COUNT(rows); i++)
		check_row(&rows[i], users[i % n]);
}

/* ^C goes to the whole group of the terminal, kill(1) to the launcher alone. What was seen until
 * then is written. */
Test(learn_lines, interrupted)
{
	static const char *const signals[] = {"INT", "TERM", "HUP"};
	static const char *const waits[] = {"/bin/sh", "-c", "cat /etc/issue; exec sleep 30", NULL};

	for (size_t i = 0; i < COUNT(signals); i++) {
		const char *const words[] = {"/usr/bin/timeout",
					     "-s",
					     signals[i],
					     "0.7",
					     "{stage}/sbx-preload",
					     "--learn={root}/learned/one.ini",
					     NULL};
		struct live live;
		struct live_result result;
		char *policy;

		begin(&live, geteuid());
		result = run(&live, words, waits);
		policy = live_read(&live, learned);
		cr_expect_eq(result.status, 124, "%s: %d %s", signals[i], result.status,
			     result.err);
		cr_expect(policy && strstr(policy, "\nr = /etc/issue ; ") &&
				  strstr(policy, " ended it): it may need more than this\n"),
			  "%s: %s", signals[i], policy ? policy : "no policy");
		free(policy);
		live_result_done(&result);
		live_done(&live);
	}
}

static const char old_policy[] = "; my own words\n"
				 "[sandbox]\n"
				 "  ; why it may read\n"
				 "promises = stdio rpath\t; as it must\n"
				 "on_violation = kill\n"
				 "\n"
				 "[unveil] ; the paths\n"
				 "; the first of two\n"
				 "r  =  ${PWD}/a.txt ; kept as it stands\n"
				 "r? = /not/there\n"
				 "[net]\n"
				 "connect_tcp = 80 ; enough\n";
/* Of which nothing but this may be lost. */
static const char *const kept[] = {
	"; my own words\n[sandbox]\n  ; why it may read\n",
	"\npromises = stdio rpath wpath proc exec\t; as it must\non_violation = kill\n\n[unveil]",
	"[unveil] ; the paths\n; the first of two\n",
	"\nrw  =  ${PWD}/a.txt ; kept as it stands\nr? = /not/there\n",
	"\nr = ${PWD}/b.txt ; cat: openat(\"b.txt\", O_RDONLY)\n",
	"\n[net]\nconnect_tcp = 80 ; enough\n",
};
static const char *const told[] = {
	"-promises = stdio rpath\t; as it must\n+promises = stdio rpath wpath proc exec\t; ",
	"-r  =  ${PWD}/a.txt ; kept as it stands\n+rw  =  ${PWD}/a.txt ; kept as it stands\n",
	"+r = ${PWD}/b.txt ; cat: openat(\"b.txt\", O_RDONLY)\n",
};

Test(learn_lines, merged)
{
	static const char *const argv[] = {"/bin/sh", "-c", "cat b.txt >>a.txt", NULL};
	struct live live;
	struct live_result result;
	char *once, *twice;

	begin(&live, geteuid());
	shell(&live, "echo a >a.txt; echo b >b.txt");
	live_write(&live, learned, old_policy);
	result = run(&live, learn, argv);
	cr_expect_eq(result.status, 0, "%d %s", result.status, result.err);
	once = live_read(&live, learned);
	expect(&live, "the file", once, kept, COUNT(kept), true);
	expect(&live, "the difference", result.err, told, COUNT(told), true);
	live_result_done(&result);
	result = run(&live, learn, argv);
	twice = live_read(&live, learned);
	cr_expect_str_eq(once, twice);
	cr_expect(strstr(result.err, "one.ini: nothing to add\n"), "%s", result.err);
	live_result_done(&result);
	result = run(&live, under, argv);
	cr_expect(result.status == 0 && !result.err[0], "%d %s", result.status, result.err);
	live_result_done(&result);
	free(once);
	free(twice);
	live_done(&live);
}

/* Without a file the policy is proposed: one that the name finds stays as it is. */
Test(learn_lines, proposed)
{
	static const char *const words[] = {"{stage}/sbx-preload", "--learn", NULL};
	static const char *const argv[] = {"/bin/cat", "/etc/issue", NULL};
	struct live live;
	struct live_result result;
	char *after;

	begin(&live, geteuid());
	shell(&live,
	      "mkdir -p ~/.config/sbx-preload; echo '; mine' >~/.config/sbx-preload/cat.ini");
	result = run(&live, words, argv);
	after = live_read(&live, "{home}/.config/sbx-preload/cat.ini");
	cr_expect_eq(result.status, 0, "%d %s", result.status, result.err);
	cr_expect(strstr(result.out, "\npromises = stdio rpath\n") &&
			  strstr(result.out, "/sbx-preload/cat.ini") &&
			  strstr(result.out, "\nr = /etc/issue ; "),
		  "%s", result.out);
	cr_expect_str_eq(after, "; mine\n");
	free(after);
	live_result_done(&result);
	live_done(&live);
}

/* ---- a program that goes on in the background ---- */

#define REDIS	  "/usr/bin/redis-server"
#define REDIS_CLI "/usr/bin/redis-cli"
static const char *const daemon_argv[] = {REDIS,	 "--daemonize", "yes",	      "--port",
					  "{port}",	 "--bind",	"127.0.0.1",  "--dir",
					  "{work}/data", "--logfile",	"{work}/log", NULL};

static void ask(struct live *live, const char *word, const char *want)
{
	const char *const argv[] = {REDIS_CLI, "-p", "{port}", word, NULL};
	struct live_result result = live_run(live, &(struct live_command){.argv = argv});

	cr_expect(result.status == 0 && strstr(result.out, want), "uid %u: %s: %s%s", live->uid,
		  word, result.out, result.err);
	live_result_done(&result);
}

static bool comes_to(struct live *live, bool open)
{
	for (int i = 0; i < 250 && live_port_open(live->port) != open; i++)
		(void)usleep(20000);
	return live_port_open(live->port) == open;
}

/* The first process has ended; the second is asked to save, and to end. */
static void use_daemon(struct live *live, const char *const *words)
{
	/* What is left of its process group when a command has ended is killed: the daemon must be
	 * out of it. */
	static const char *const linger[] = {
		"/bin/sh", "-c", "\"$@\"; status=$?; sleep 0.3; exit $status", "sh", NULL};
	const char *behind[16];
	struct live_result result;
	size_t n = 0;

	for (size_t i = 0; linger[i]; i++)
		behind[n++] = linger[i];
	for (size_t i = 0; words[i]; i++)
		behind[n++] = words[i];
	behind[n] = NULL;
	result = run(live, behind, daemon_argv);
	cr_expect_eq(result.status, 0, "uid %u: %d %s", live->uid, result.status, result.err);
	cr_expect(!strstr(result.err, ": denied "), "uid %u: %s", live->uid, result.err);
	live_result_done(&result);
	cr_assert(comes_to(live, true), "uid %u: the daemon does not listen", live->uid);
	ask(live, "SAVE", "OK");
	ask(live, "SHUTDOWN", "");
	cr_expect(comes_to(live, false), "uid %u: the daemon goes on", live->uid);
}

/* Is it in the policy, if not at once, then when the daemon has ended? */
static bool gets_learned(struct live *live, const char *what)
{
	bool found = false;

	for (int i = 0; i < 250 && !found; i++) {
		char *policy = live_read(live, learned);

		found = policy && strstr(policy, what);
		free(policy);
		(void)usleep(20000);
	}
	return found;
}

Test(learn_lines, daemon)
{
	uid_t users[2];
	size_t n = live_users(users);

	live_need_program(REDIS);
	for (size_t u = 0; u < n; u++) {
		struct live live;
		char *log;

		begin(&live, users[u]);
		live_mkdir(&live, "{work}/data");
		use_daemon(&live, learn);
		cr_expect(gets_learned(&live, "${PWD}/data ; "), "uid %u: what it saved is missing",
			  live.uid);
		use_daemon(&live, under);
		cr_expect(live_exists(&live, "{work}/data/dump.rdb"));
		log = live_read(&live, "{work}/log");
		cr_expect(log && !strstr(log, "ermission") && !strstr(log, "not permitted"), "%s",
			  log);
		free(log);
		live_done(&live);
	}
}
