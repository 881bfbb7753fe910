/* SPDX-License-Identifier: MIT */
/* --trace: what is shown of real programs, that the program does not notice, and what is left of
 * the trace when things go wrong. Live. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "live.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SBX	 "{stage}/sbx-preload"
#define PYTHON	 "/usr/bin/python3"

TestSuite(trace, .timeout = 120, .fini = live_cleanup);

static void prepare(struct live *live)
{
	live_need_landlock(1);
	live_init(live, getuid() == 0 ? LIVE_NOBODY : getuid());
	live_write(live, "{work}/file.txt", "inside\n");
}

static struct live_result run(struct live *live, const char *const *argv)
{
	const struct live_command command = {.argv = argv};

	return live_run(live, &command);
}
#define RUN(live, ...) run(live, (const char *const[]){__VA_ARGS__, NULL})

static size_t count_lines(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, part)); p++)
		n++;
	return n;
}

/* ---- what is shown ---- */

static const struct {
	const char *argv[12];
	const char *shows[6]; /* each after a process number and a blank */
	const char *hides;
	int status;
} cases[] = {
	{{SBX, "--trace", "/bin/cat", "file.txt"},
	 {" openat(\"file.txt\", O_RDONLY)                               | rpath\n",
	  " read(3<{work}/file.txt>, ", " write(1<pipe:[", " close(3<{work}/file.txt>)",
	  " exit_group(0)                                              | always\n"},
	 "execve",
	 0},
	{{SBX, "--trace", "/bin/sh", "-c", "/bin/cat file.txt | /usr/bin/wc -l; exit 3"},
	 {" execve(\"/bin/cat\")", " execve(\"/usr/bin/wc\")", " | proc\n", " | exec\n"},
	 NULL,
	 3},
	{{SBX, "--trace", PYTHON, "-c",
	  "import socket\n"
	  "s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\n"
	  "try: s.connect(('::1', 9))\n"
	  "except OSError: pass"},
	 {" socket(AF_INET6, SOCK_DGRAM|SOCK_CLOEXEC)", " | inet|dns\n", "<socket:[",
	  ">, AF_INET6 [::1]:9)", " | unix|inet|…\n"},
	 NULL,
	 0},
	{{SBX, "--trace", PYTHON, "-c",
	  "import ctypes; ctypes.CDLL(None).mount(None, None, None, 0, None)"},
	 {" mount(NULL, NULL, NULL)                                    | never: changes the "
	  "namespace\n"},
	 NULL,
	 0},
	/* what cannot be read, what is long */
	{{SBX, "--trace", PYTHON, "-c",
	  "import ctypes\n"
	  "libc = ctypes.CDLL(None)\n"
	  "libc.access(ctypes.c_void_p(1), 0)\n"
	  "libc.access(b'/' + 4000 * b'x', 0)\n"
	  "libc.access(b'/' + 9000 * b'x', 0)\n"
	  "libc.read(77777, None, 1)\n"
	  "libc.read(-1, None, 1)"},
	 {" access(0x1, F_OK)", "xxxx\"..., F_OK)", " read(77777, 1)", " read(-1, 1)"},
	 NULL,
	 0},
	/* choices */
	{{SBX, "--trace", "--trace-only=openat", "/bin/cat", "file.txt"},
	 {" openat(\"file.txt\", O_RDONLY)"},
	 "read(",
	 0},
	{{SBX, "--trace", "--trace-only={work}", "/bin/cat", "file.txt", "/etc/passwd"},
	 {" openat(\"file.txt\", O_RDONLY)"},
	 "passwd",
	 0},
	{{SBX, "--trace", "--trace-only={work}", "/bin/cat", "/etc/../{work}/./file.txt"},
	 {" openat(\"/etc/../{work}/./file.txt\", O_RDONLY)"},
	 "lib",
	 0},
	{{SBX, "--trace", "--trace-only=proc", "/bin/sh", "-c", "/bin/true; /bin/true"},
	 {" | proc\n"},
	 "execve",
	 0},
	{{SBX, "--trace", "--trace-only=inett", "/bin/true"},
	 {" \"inett\" is neither a promise nor a system call (did you mean \"inet\"?)"},
	 NULL,
	 2},
	{{SBX, "--trace", "-o", "{work}/none/file", "/bin/cat", "file.txt"},
	 {" -o {work}/none/file: No such file or directory"},
	 NULL,
	 2},
};

Test(trace, lines)
{
	struct live live = {0};

	prepare(&live);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct live_result r = run(&live, cases[i].argv);

		cr_expect_eq(r.status, cases[i].status, "%zu: %d: %s", i, r.status, r.err);
		for (size_t j = 0; j < COUNT(cases[i].shows) && cases[i].shows[j]; j++) {
			char *text = live_expand(&live, cases[i].shows[j]);

			/* Columns depend on how long the process number is. */
			char *blanks = strstr(text, "   ");
			bool found;

			if (blanks)
				*blanks = '\0';
			found = strstr(r.err, text) != NULL;
			if (blanks)
				found = found &&
					strstr(r.err, blanks + 1 + strspn(blanks + 1, " "));
			cr_expect(found, "%zu: no \"%s\" in %.600s", i, cases[i].shows[j],
				  r.err + (r.err_len > 600 ? r.err_len - 600 : 0));
			free(text);
		}
		cr_expect(!cases[i].hides || !strstr(r.err, cases[i].hides),
			  "%zu: \"%s\" in %.300s", i, cases[i].hides, r.err);
		live_result_done(&r);
	}
	live_done(&live);
}

/* Starts where enforcement would: for a static program with its execve. */
Test(trace, static_program)
{
	const char *probes = getenv("SBX_PROBES");
	struct live live = {0};
	struct live_result r;
	char probe[4096], first[4200];

	cr_assert(probes, "SBX_PROBES is not set");
	prepare(&live);
	(void)snprintf(probe, sizeof(probe), "%s/confined-static", probes);
	(void)snprintf(first, sizeof(first), " execve(\"%s\")", probe);
	r = RUN(&live, SBX, "--trace", probe);
	cr_expect(strstr(r.err, first) && strchr(r.err, '\n') > strstr(r.err, first),
		  "does not begin with %s: %.300s", first, r.err);
	cr_expect(strstr(r.err, " exit_group("), "%.300s", r.err);
	live_result_done(&r);
	live_done(&live);
}

/* ---- nothing is lost ---- */

/* One line for each of 200 × 20 calls, each by its thread. */
Test(trace, threads)
{
	struct live live = {0};
	struct live_result r;

	prepare(&live);
	r = RUN(&live, SBX, "--trace", "--trace-only=getppid", "-o", "out", PYTHON, "-c",
		"import threading, os\n"
		"go = threading.Barrier(200)\n"
		"def work():\n"
		"    go.wait()\n"
		"    for i in range(20): os.getppid()\n"
		"t = [threading.Thread(target=work) for i in range(200)]\n"
		"[x.start() for x in t]\n"
		"[x.join() for x in t]\n");
	cr_expect_eq(r.status, 0, "%s", r.err);
	live_result_done(&r);
	r = RUN(&live, PYTHON, "-c",
		"l = open('out').read().splitlines()\n"
		"ids = {x.split()[0] for x in l}\n"
		"print(len(l), len(ids), len({i.split('/')[0] for i in ids}))\n");
	cr_expect_str_eq(r.out, "4000 200 1\n");
	live_result_done(&r);
	live_done(&live);
}

Test(trace, short_lived_children)
{
	struct live live = {0};
	struct live_result r;

	prepare(&live);
	r = RUN(&live, SBX, "--trace", "-o", "out", PYTHON, "-c",
		"import os\n"
		"for i in range(2000):\n"
		"    pid = os.fork()\n"
		"    if pid == 0: os.kill(os.getpid(), 9) if i % 2 else os._exit(0)\n"
		"    os.waitpid(pid, 0)\n");
	cr_expect_eq(r.status, 0, "%s", r.err);
	live_result_done(&r);
	r = RUN(&live, PYTHON, "-c",
		"l = [x.split()[:2] for x in open('out')]\n"
		"print(sum(x[1].startswith('wait4(') for x in l),\n"
		"      len({x[0] for x in l if x[1].startswith('exit_group(0)')}),\n"
		"      len({x[0] for x in l if x[1].startswith('kill(')}))\n");
	cr_expect_str_eq(r.out, "2000 1001 1000\n"); /* and the parent's own exit_group() */
	live_result_done(&r);
	live_done(&live);
}

/* More than any buffer or pipe holds, to somebody who does not read at once. */
Test(trace, slow_reader)
{
	struct live live = {0};
	struct live_result r;

	prepare(&live);
	r = RUN(&live, "/bin/sh", "-c",
		"{stage}/sbx-preload --trace --trace-only=getppid " PYTHON
		" -c 'import os\nfor i in range(20000): os.getppid()' 2>&1 | (sleep 1; wc -l)");
	cr_expect_str_eq(r.out, "20000\n", "%s %s", r.out, r.err);
	live_result_done(&r);
	live_done(&live);
}

/* A descendant that outlives the program: each line once. */
Test(trace, descendant_in_the_background)
{
	struct live live = {0};
	struct live_result r;
	char *text = NULL;

	prepare(&live);
	/* In a session of its own: live_run() ends what is left of the program's. */
	r = RUN(&live, SBX, "--trace", "-o", "out", "/bin/sh", "-c",
		"/usr/bin/setsid /bin/sh -c 'sleep 0.5; cat file.txt; sleep 0.1' < /dev/null > "
		"/dev/null 2>&1 & sleep 0.2; exit 0");
	cr_expect_eq(r.status, 0, "%.300s", r.err);
	live_result_done(&r);
	for (int i = 0; i < 100; i++) {
		free(text);
		text = live_read(&live, "{work}/out");
		if (text && count_lines(text, " openat(\"file.txt\""))
			break;
		(void)usleep(50000);
	}
	cr_expect_eq(count_lines(text, " openat(\"file.txt\""), 1, "%.300s", text);
	cr_expect_eq(count_lines(text, " setsid("), 1, "%.300s", text);
	cr_expect(count_lines(text, " execve(\"/usr/bin/sleep\")") >= 2, "%.300s", text);
	free(text);
	live_done(&live);
}

/* ---- when things go wrong ---- */

static const struct {
	const char *script, *out, *err;
	int status;
} troubles[] = {
	/* the program's end by a signal is ours, and the trace is complete */
	{"{stage}/sbx-preload --trace -o out /bin/sh -c 'kill -KILL $$'; echo $?; grep -c ' "
	 "kill(.*SIGKILL' "
	 "out",
	 "137\n1\n", NULL, 0},
	{"{stage}/sbx-preload --trace -o out /bin/sh -c 'kill -INT $$'; echo $?; grep -c ' "
	 "kill(.*SIGINT' "
	 "out",
	 "130\n1\n", NULL, 0},
	/* a full disk, nobody who reads, a limit on files */
	{"{stage}/sbx-preload --trace -o /dev/full /bin/cat file.txt", "inside\n",
	 "sbx-preload: cannot write /dev/full: No space left on device; the trace is not "
	 "complete\n",
	 0},
	{"{stage}/sbx-preload --trace /bin/cat file.txt 2>&1 >got | true; cat got", "inside\n",
	 NULL, 0},
	{"ulimit -f 1; {stage}/sbx-preload --trace -o out " PYTHON
	 " -c 'import os\nfor i in range(4000): os.getppid()\nprint(1)'",
	 "1\n", "cannot write out: File too large; the trace is not complete\n", 0},
	/* who has no standard error has no trace, but its program */
	{"{stage}/sbx-preload --trace /bin/cat file.txt 2>&-", "inside\n", NULL, 0},
	/* only the user may read what the program does */
	{"umask 0; {stage}/sbx-preload --trace -o out /bin/true; stat -c %a out", "600\n", NULL, 0},
	/* programs that use seccomp themselves */
	{"{stage}/sbx-preload --trace -o out {stage}/sbx-preload -q -p 'stdio rpath prot_exec' -v "
	 "r:{work} /bin/cat file.txt; grep -c 'seccomp(SECCOMP_SET_MODE_FILTER' out",
	 "inside\n2\n", NULL, 0},
	/* every row of the summary counts what there was */
	{"{stage}/sbx-preload --trace -c -o out " PYTHON
	 " -c 'import os\nfor i in range(1234): os.getppid()'; grep getppid out",
	 "     1234  getppid                  stdio\n", NULL, 0},
	{"{stage}/sbx-preload --trace=json -c -o out " PYTHON
	 " -c 'import os\nfor i in range(1234): os.getppid()'; " PYTHON
	 " -c 'import json; d = json.load(open(\"out\"))\n"
	 "print([c for c in d[\"calls\"] if c[\"call\"] == \"getppid\"], "
	 "sum(c[\"count\"] for c in d[\"calls\"]) == sum(d[\"promises\"].values()))'",
	 "[{'call': 'getppid', 'count': 1234, 'promises': {'any': ['stdio'], 'all': []}}] True\n",
	 NULL, 0},
	/* the file is not the program's */
	{"{stage}/sbx-preload --trace -o out /bin/ls /proc/self/fd | wc -l", "4\n", NULL, 0},
};

Test(trace, troubles)
{
	struct live live = {0};

	prepare(&live);
	for (size_t i = 0; i < COUNT(troubles); i++) {
		char *script = live_expand(&live, troubles[i].script);
		struct live_result r = RUN(&live, "/bin/sh", "-c", script);

		cr_expect_eq(r.status, troubles[i].status, "%s: %d: %s", script, r.status, r.err);
		cr_expect_str_eq(r.out, troubles[i].out, "%s: %s%s", script, r.out, r.err);
		cr_expect(!troubles[i].err || strstr(r.err, troubles[i].err), "%s: %s", script,
			  r.err);
		live_result_done(&r);
		free(script);
	}
	live_done(&live);
}

/* What is seen so far is there while the program waits, and after ^C. */
Test(trace, interrupted)
{
	struct live live = {0};
	struct live_result r;

	prepare(&live);
	r = RUN(&live, PYTHON, "-c",
		"import subprocess, time, os, signal\n"
		"p = subprocess.Popen(['{stage}/sbx-preload', '--trace', '-o', 'out', "
		"'/bin/sleep', "
		"'60'], start_new_session=True)\n"
		"for i in range(100):\n"
		"    time.sleep(0.05)\n"
		"    n = open('out').read().count('nanosleep')\n"
		"    if n: break\n"
		"print(n); os.killpg(p.pid, signal.SIGINT); print(p.wait())");
	cr_expect_str_eq(r.out, "1\n130\n", "%s%.300s", r.out, r.err);
	live_result_done(&r);
	live_done(&live);
}

/* ---- JSON ---- */

/* Names of every kind of bytes; a reader that believes nothing. */
Test(trace, json)
{
	struct live live = {0};
	struct live_result r;

	prepare(&live);
	live_write(&live, "{work}/hostile.py",
		   "import os, socket\n"
		   "names = [bytes([c]) for c in range(1, 256) if c != 47] + [\n"
		   "    'é€😀'.encode(), b'\\xff' * 255, b'\"' * 255, b'a\\\\' * 100,\n"
		   "    b'\\xed\\xa0\\x80', b'\\xf4\\x90\\x80\\x80', b'\\xf0\\x9f', b'| never']\n"
		   "os.mkdir('d')\n"
		   "for n in names:\n"
		   "    if n == b'.': continue\n"
		   "    os.close(os.open(b'd/' + n, os.O_CREAT | os.O_RDWR))\n"
		   "os.rename('d', b'e\\xff\\n'); os.chdir(b'e\\xff\\n')\n"
		   "open('../file.txt').close(); os.listdir('.')\n"
		   "with open('/proc/self/comm', 'wb') as f: f.write(b'\\xff\"\\n')\n"
		   "socket.socket(socket.AF_UNIX).bind('s\\n\\u00e9')\n"
		   "try: os.stat(b'/' + b'\\x01/' * 2000)\n"
		   "except OSError: pass\n");
	live_write(&live, "{work}/check.py",
		   "import json, os\n"
		   "keys = ['time', 'pid', 'tid', 'name', 'call', 'args', 'raw', 'promises', "
		   "'paths']\n"
		   "work = os.getcwd(); seen = set(); last = 0\n"
		   "for line in open('out', 'rb'):\n"
		   "    d = json.loads(line.decode('utf-8'))\n"
		   "    assert list(d) == keys, d\n"
		   "    assert d['time'] >= last and len(d['raw']) == 6, d\n"
		   "    last = d['time']; [int(x, 16) for x in d['raw']]\n"
		   "    assert d['promises'] in ('always', 'never') or list(d['promises']) == "
		   "['any', 'all'], d\n"
		   "    for p in d['paths']: assert p[0] == '/' and '/./' not in p, d\n"
		   "    seen |= {(d['call'], p) for p in d['paths']}\n"
		   "for want in [('openat', work + '/d/\"'), ('openat', work + '/d/é€😀'),\n"
		   "             ('openat', work + '/d/' + 255 * '\\ufffd'), ('openat', work + "
		   "'/file.txt'),\n"
		   "             ('rename', work + '/e\\ufffd\\n'), ('bind', work + "
		   "'/e\\ufffd\\n/s\\né'),\n"
		   "             ('stat', '/' + '\\x01/' * 1999 + '\\x01')]:\n"
		   "    assert want in seen or (want[0] == 'stat' and ('newfstatat', want[1]) in "
		   "seen), want\n"
		   "print('good')\n");
	r = RUN(&live, SBX, "--trace=json", "-o", "out", PYTHON, "hostile.py");
	cr_expect_eq(r.status, 0, "%s", r.err);
	live_result_done(&r);
	r = RUN(&live, PYTHON, "check.py");
	cr_expect_str_eq(r.out, "good\n", "%s", r.err);
	live_result_done(&r);
	live_done(&live);
}

/* ---- the program does not notice ---- */

static const char *const scripts[] = {
	"git init -q r && cd r && git config user.email a@b && git config user.name a && "
	"cp ../file.txt . && git add . && git commit -qm x && git status -s && git log --oneline | "
	"wc -l",
	"ls / | sort | head -3 | tr a-z A-Z",
	"find /etc/apt -type d 2>/dev/null | while read d; do basename $d; done | sort -u",
	PYTHON " -c 'import subprocess, threading\n"
	       "o = []\n"
	       "t = [threading.Thread(target=lambda: o.append(subprocess.check_output([\"echo\", "
	       "\"x\"]))) for i in range(8)]\n"
	       "[x.start() for x in t]; [x.join() for x in t]; print(o)'",
	"perl -e 'print join(\",\", sort { $a <=> $b } map { $_ * 7 % 5 } 1..9), \"\\n\"'",
};

Test(trace, same_as_bare)
{
	struct live live = {0};

	prepare(&live);
	for (size_t i = 0; i < COUNT(scripts); i++) {
		struct live_result bare = RUN(&live, "/bin/sh", "-c", scripts[i]);
		struct live_result r;

		r = RUN(&live, "/bin/rm", "-rf", "r");
		live_result_done(&r);
		r = RUN(&live, SBX, "--trace", "-o", "out", "/bin/sh", "-c", scripts[i]);
		cr_expect(bare.status == 0 && bare.out_len > 0, "%s: %s", scripts[i], bare.err);
		cr_expect_eq(r.status, 0, "%s: %s", scripts[i], r.err);
		cr_expect_str_eq(r.out, bare.out, "%s: %s", scripts[i], r.out);
		cr_expect_str_eq(r.err, bare.err, "%s: %s", scripts[i], r.err);
		live_result_done(&r);
		live_result_done(&bare);
	}
	live_done(&live);
}

Test(trace, curl)
{
	struct live live = {0};
	struct live_result r;
	char port[8], url[64], connect[64];

	live_need_program("/usr/bin/curl");
	prepare(&live);
	(void)snprintf(port, sizeof(port), "%u", live_free_port(&live));
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%s/file.txt", port);
	(void)snprintf(connect, sizeof(connect), ">, AF_INET 127.0.0.1:%s)", port);
	cr_assert(live_server_start(&live,
				    (const char *const[]){PYTHON, "-m", "http.server", "--bind",
							  "127.0.0.1", port, NULL},
				    live.port));
	r = RUN(&live, SBX, "--trace", "--trace-only=inet", "/usr/bin/curl", "-s", url);
	cr_expect_eq(r.status, 0, "%s", r.err);
	cr_expect_str_eq(r.out, "inside\n");
	cr_expect(strstr(r.err, " socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)") ||
			  strstr(r.err, " socket(AF_INET, SOCK_STREAM"),
		  "%.300s", r.err);
	cr_expect(strstr(r.err, connect), "no %s: %.900s", connect, r.err);
	cr_expect(!strstr(r.err, "openat("), "%.300s", r.err);
	live_result_done(&r);
	live_done(&live);
}
