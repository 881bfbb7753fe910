/* SPDX-License-Identifier: MIT */
/* --learn, --trace and the supervisor of on_violation = log under programs that do odd things, by
 * accident or on purpose: they go on as they would, and what is written has no word of theirs in
 * it that does more than stand there. Long, for its table of programs. Live. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SBX	 "{stage}/sbx-preload"
#define PYTHON	 "/usr/bin/python3"

TestSuite(watch_odd, .timeout = 240, .fini = live_cleanup);

static void prepare(struct live *live, uid_t uid)
{
	live_need_landlock(6);
	live_need_program(PYTHON);
	live_init(live, uid);
	live_write(live, "{work}/file.txt", "inside\n");
}

static struct live_result run(struct live *live, const char *const *argv)
{
	return live_run(live, &(struct live_command){.argv = argv, .timeout_s = 100});
}
#define RUN(live, ...) run(live, (const char *const[]){__VA_ARGS__, NULL})

/* ---- they go on as they would ---- */

static const struct {
	const char *name;
	int status;
	const char *script; /* prints what it finds */
} programs[] = {
	{"ends in the middle of calls", 7,
	 "import os, threading, time\n"
	 "def work():\n"
	 "    while True:\n"
	 "        os.close(os.open('file.txt', os.O_RDONLY)); os.stat('/etc/passwd')\n"
	 "def start(): [threading.Thread(target=work, daemon=True).start() for _ in range(3)]\n"
	 "for i in range(18):\n"
	 "    pid = os.fork()\n"
	 "    if pid == 0:\n"
	 "        start(); time.sleep(0.003 * (i % 5))\n"
	 "        if i % 3 == 0: os._exit(7)\n"
	 "        if i % 3 == 1: os.kill(os.getpid(), 9)\n"
	 "        os.execv('/bin/true', ['true'])\n"
	 "    print(os.waitpid(pid, 0)[1], end=' ')\n"
	 "print(flush=True); start(); time.sleep(0.02); os._exit(7)\n"},
	{"is killed in the middle of calls", 128 + SIGKILL,
	 "import os, threading, time\n"
	 "def work():\n"
	 "    while True: os.close(os.open('file.txt', os.O_RDONLY))\n"
	 "[threading.Thread(target=work, daemon=True).start() for _ in range(3)]\n"
	 "time.sleep(0.05); os.kill(os.getpid(), 9)\n"},
	{"passes bad memory", 0,
	 "import ctypes, mmap, os, socket, struct\n"
	 "libc = ctypes.CDLL(None, use_errno=True)\n"
	 "libc.mmap.restype = ctypes.c_void_p\n"
	 "P = os.sysconf('SC_PAGE_SIZE'); L = ctypes.c_long\n"
	 "page = libc.mmap(None, L(3 * P), 3, 0x22, -1, L(0)); end = page + P\n"
	 "libc.mprotect(L(end), L(P), 0); libc.munmap(L(end + P), L(P))\n"
	 "def put(text): ctypes.memmove(end - len(text), text, len(text)); return end - len(text)\n"
	 "def call(f, *args):\n"
	 "    ctypes.set_errno(0); r = f(*[L(a) for a in args])\n"
	 "    if r >= 0 and 'open' in f.__name__: os.close(r); r = 0\n"
	 "    return ctypes.get_errno() if r < 0 else r\n"
	 "def openat2(p, how, size): return call(lambda *a: libc.syscall(L(437), L(-100), *a), p, "
	 "how, size)\n"
	 "out = []; here = put(b'/etc/hostname')\n"
	 "for p in (0, -1, 1, end, end + P, -P, 1 << 47, here):\n"
	 "    for f in (libc.open, libc.access, libc.unlink, libc.mkdir, libc.chdir, libc.creat, "
	 "libc.truncate): out.append(call(f, p, 0, 0))\n"
	 "    for f in (libc.rename, libc.link, libc.symlink): out.append(call(f, p, p))\n"
	 "    out += [call(libc.openat, 77, p, 0o101, 0o600), call(libc.execve, p, p, p),\n"
	 "            openat2(p, p, 24), call(libc.mount, p, p, p, 0, p),\n"
	 "            call(libc.setxattr, p, p, p, 1, 0), call(libc.prlimit, 0, 7, p, 0),\n"
	 "            call(libc.fcntl, 0, 6, p)]\n"
	 "print(out); out = []\n"
	 "for t in (b'/etc/hostname\\0', b'\\0', b'/x' * 2047 + b'/\\0', b'x\\0'):\n"
	 "    out += [call(libc.open, put(t), 0), call(libc.rename, put(t), end), "
	 "call(libc.rename, end, put(t))]\n"
	 "ctypes.memmove(page, b'/etc/hostname\\0', 14); how = struct.pack('QQQ', 0, 0, 0)\n"
	 "for size in (24, 8, 0, 16, 1 << 40): out += [openat2(page, put(how), size) >= 0, "
	 "openat2(page, end - 8, size) >= 0]\n"
	 "print(out); out = []\n"
	 "kinds = socket.AF_UNIX, socket.AF_INET, socket.AF_INET6\n"
	 "for s in [socket.socket(k, socket.SOCK_DGRAM) for k in kinds]:\n"
	 "    for a in (b'', b'\\1', b'\\1\\0', b'\\1\\0\\0', b'\\1\\0/', b'\\1\\0' + b'/x' * 54,\n"
	 "              b'\\1\\0' + b'\\0' * 108, b'\\2\\0', b'\\2\\0\\0\\0\\x7f\\0\\0\\1',\n"
	 "              b'\\2\\0\\0\\1\\x7f\\0\\0\\1' + b'\\0' * 8, b'\\n\\0\\0\\1' + b'\\0' * 3,\n"
	 "              b'\\n\\0\\0\\1' + b'\\0' * 20, b'\\xff\\xff' + b'a' * 200):\n"
	 "        for size in (len(a), 0, 1, 2, 110, 128, 129, 0x7fffffff, -1):\n"
	 "            out.append(call(libc.connect, s.fileno(), put(a), size))\n"
	 "            out.append(call(libc.bind, 77, put(a), size))\n"
	 "    for p in (0, -1, end, here):\n"
	 "        out += [call(libc.sendmsg, s.fileno(), p, 0), call(libc.sendto, s.fileno(), p, "
	 "5, 0, p, 16)]\n"
	 "print(out)\n"},
	{"uses long paths", 0,
	 "import os\n"
	 "def t(p, flags=os.O_RDONLY):\n"
	 "    try: os.close(os.open(p, flags, 0o600)); return 0\n"
	 "    except OSError as e: return e.errno\n"
	 "print([t(b'/' * (n - 12) + b'etc/hostname') for n in (4094, 4095, 4096, 5000, 9000)])\n"
	 "print([t(b'./' * k + b'x' * n, os.O_CREAT | os.O_RDWR) for k in (0, 1900) for n in (254, "
	 "255, 256, 4096)])\n"
	 "try: os.rename(b'\\x01/' * 2047, b'\\x02/' * 2047)\n"
	 "except OSError as e: print(e.errno)\n"
	 "os.mkdir('deep'); os.chdir('deep')\n"
	 "for i in range(30): os.mkdir('n' * 200); os.chdir('n' * 200)\n"
	 "print(t('a', os.O_CREAT | os.O_RDWR), t('a'), t('../' * 25 + "
	 "'../../../../../file.txt'))\n"
	 "os.rename('a', 'b'); os.unlink('b'); print(os.listdir('.'))\n"
	 /* nftw(3) does without such a tree */
	 "for i in range(30): os.chdir('..'); os.rmdir('n' * 200)\n"
	 "os.chdir('..'); os.rmdir('deep')\n"},
	{"has filters of its own", 0,
	 "import ctypes, os, struct\n"
	 "libc = ctypes.CDLL(None, use_errno=True)\n"
	 "class Prog(ctypes.Structure): _fields_ = [('n', ctypes.c_ushort), ('p', "
	 "ctypes.c_char_p)]\n"
	 "def prog(action, nr):\n"
	 "    ins = (0x20, 0, 0, 0), (0x15, 0, 1, nr), (6, 0, 0, action), (6, 0, 0, 0x7fff0000)\n"
	 "    return ctypes.byref(Prog(4, b''.join(struct.pack('HBBI', *i) for i in ins)))\n"
	 "nr = 104 if os.uname().machine == 'x86_64' else 176\n"
	 "libc.prctl(38, 1, 0, 0, 0)\n"
	 "print(libc.prctl(22, 2, prog(0x50001, nr)), libc.getgid(), ctypes.get_errno())\n"
	 "if os.fork() == 0: os.execv('/bin/cat', ['cat', 'file.txt'])\n"
	 "os.wait()\n"},
	{"has 200 threads", 0,
	 "import os, threading\n"
	 "go = threading.Barrier(200); found = [None] * 200\n"
	 "def work(i):\n"
	 "    go.wait()\n"
	 "    with open('t%d' % i, 'w+') as f: f.write(str(i)); f.seek(0); found[i] = f.read()\n"
	 "t = [threading.Thread(target=work, args=(i,)) for i in range(200)]\n"
	 "[x.start() for x in t]; [x.join() for x in t]\n"
	 "print(found == [str(i) for i in range(200)]); [os.unlink('t%d' % i) for i in "
	 "range(200)]\n"},
	{"has short-lived children", 0,
	 "import os\n"
	 "os.execv('/bin/sh', ['sh', '-c', '''i=0\n"
	 "while [ $i -lt 2000 ]; do i=$((i + 1)); (test -e f$i && exit 1; exec <file.txt) || exit; "
	 "done\n"
	 "while [ $i -lt 2200 ]; do i=$((i + 1)); /bin/true || exit; done; echo $i'''])\n"},
	{"forks and forks", 0,
	 "import os\n"
	 "def go(depth):\n"
	 "    if depth == 0: os.close(os.open('file.txt', 0)); return 0\n"
	 "    kids = []\n"
	 "    for i in range(2):\n"
	 "        pid = os.fork()\n"
	 "        if pid == 0: os._exit(go(depth - 1))\n"
	 "        kids.append(pid)\n"
	 "    return int(any(os.waitpid(k, 0)[1] for k in kids))\n"
	 "print(go(7))\n"},
	{"is somewhere else", 0,
	 "import os\n"
	 "os.makedirs('there/sub'); open('there/sub/f', 'w').write('found')\n"
	 "if os.fork() == 0:\n"
	 "    os.chdir('there/sub'); print(open('f').read(), open('../sub/f').read(), "
	 "open('/proc/self/cwd/f').read(), flush=True)\n"
	 "    d = os.open('..', os.O_PATH); os.rename('f', 'g'); "
	 "print(os.stat('sub/g', dir_fd=d).st_size, flush=True)\n"
	 "    os.unlink('sub/g', dir_fd=d); os.rmdir('sub', dir_fd=d); os.rmdir('../../there')\n"
	 "    try: os.open('f', 0)\n"
	 "    except OSError as e: print(e.errno, flush=True)\n"
	 "    os._exit(0)\n"
	 "os.wait(); print(os.listdir('.'))\n"},
};

/* Each leaves what it says and nothing else; "log" is a policy that refuses nothing. */
static const char *const modes[][6] = {
	{NULL},
	{SBX, "--learn={home}/learned.ini", NULL},
	{SBX, "--trace", "-o", "{home}/trace", NULL},
	{SBX, "--trace=json", "-o", "{home}/trace", NULL},
	{SBX, "-q", "-P", "{home}/log.ini", NULL},
};

static struct live_result run_mode(struct live *live, size_t mode, const char *script)
{
	const char *argv[12];
	size_t n = 0;

	for (; modes[mode][n]; n++)
		argv[n] = modes[mode][n];
	argv[n++] = PYTHON;
	argv[n++] = script;
	argv[n] = NULL;
	return run(live, argv);
}

/* The words of a trace: every line of JSON can be read, and the last of them is the end. */
static void check_trace(struct live *live, const char *name, bool json)
{
	struct live_result r = RUN(
		live, PYTHON, "-c",
		json ? "import json\nl = [json.loads(x) for x in open('{home}/trace', 'rb')]\n"
		       "print(any(x['call'] == 'openat' for x in l), len({x['pid'] for x in l}))"
		     : "l = open('{home}/trace', 'rb').read()\n"
		       "print(l.isascii() or set(b for b in l if b > 126) <= set('…'.encode()),\n"
		       "      not set(l) & set(range(32)) - {10}, l.endswith(b'\\n'))");

	cr_expect(json ? strncmp(r.out, "True ", 5) == 0 : strcmp(r.out, "True True True\n") == 0,
		  "%s: %s%s", name, r.out, r.err);
	live_result_done(&r);
}

/* One program, in every mode. */
static void goes_on(size_t i)
{
	struct live live;
	struct live_result bare = {0};

	prepare(&live, geteuid() ? geteuid() : LIVE_NOBODY);
	live_write(&live, "{work}/odd.py", programs[i].script);
	live_write(&live, "{home}/log.ini", "[sandbox]\npromises = stdio\non_violation = log\n");
	for (size_t mode = 0; mode < COUNT(modes); mode++) {
		struct live_result r = run_mode(&live, mode, "odd.py");

		cr_expect_eq(r.status, programs[i].status, "%s, %s: %d\n%s", programs[i].name,
			     modes[mode][1], r.status, r.err);
		if (mode == 0) {
			cr_expect(r.out_len > 0 || r.status > 128, "%s: %s", programs[i].name,
				  r.err);
			bare = r;
			continue;
		}
		cr_expect_str_eq(r.out, bare.out, "%s, %s: %s", programs[i].name, modes[mode][1],
				 r.err);
		live_result_done(&r);
		if (mode == 2 || mode == 3)
			check_trace(&live, programs[i].name, mode == 3);
	}
	live_result_done(&bare);
	live_done(&live);
}

Test(watch_odd, programs)
{
	for (size_t i = 0; i < COUNT(programs); i += 2)
		goes_on(i);
}

Test(watch_odd, more_programs)
{
	for (size_t i = 1; i < COUNT(programs); i += 2)
		goes_on(i);
}

/* Who asks for a listener of its own is told that there is no such thing, as by an old kernel. */
Test(watch_odd, wants_a_listener)
{
	struct live live;

	prepare(&live, geteuid() ? geteuid() : LIVE_NOBODY);
	live_write(&live, "{work}/odd.py",
		   "import ctypes, struct\n"
		   "libc = ctypes.CDLL(None, use_errno=True); libc.prctl(38, 1, 0, 0, 0)\n"
		   "class Prog(ctypes.Structure): _fields_ = [('n', ctypes.c_ushort), ('p', "
		   "ctypes.c_char_p)]\n"
		   "p = Prog(1, struct.pack('HBBI', 6, 0, 0, 0x7fff0000))\n"
		   "nr = 317 if __import__('os').uname().machine == 'x86_64' else 277\n"
		   "print(libc.syscall(nr, 1, 8, ctypes.byref(p)), ctypes.get_errno())\n");
	for (size_t mode = 1; mode < 4; mode++) {
		struct live_result r = run_mode(&live, mode, "odd.py");

		cr_expect_str_eq(r.out, "-1 38\n", "%s: %s%s", modes[mode][1], r.out, r.err);
		live_result_done(&r);
	}
	live_done(&live);
}

/* ---- names ---- */

/* Nothing but printable characters and newlines: no C1 controls either, in UTF-8 or alone. */
static bool is_harmless(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	for (; *p; p++) {
		if ((*p < ' ' && *p != '\n') || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0))
			return false;
		/* a first byte, then those that follow it */
		if (*p >= 0xc2 && (p[1] & 0xc0) == 0x80)
			while ((p[1] & 0xc0) == 0x80)
				p++;
		else if (*p >= 0x80 && *p < 0xa0)
			return false;
	}
	return true;
}

/* How often is @line there, as the beginning of a line? */
static size_t count_lines(const char *text, const char *line)
{
	size_t n = strncmp(text, line, strlen(line)) == 0;

	for (const char *p = text; (p = strchr(p, '\n')); p++)
		n += strncmp(p + 1, line, strlen(line)) == 0;
	return n;
}

#define ODD_NAMES                                                                         \
	"import os\n"                                                                     \
	"odd = [b'x\\n[sandbox]\\npromises = exec', b'x\\n[unveil]\\nr = ${HOME}', "      \
	"b'\\x1b]0;a\\x07', b'\\xc2\\x9b31m', b'\\x9b31m', b'end ', b'a ;b', b'a\\t;b', " \
	"b'cr\\r', b'[x]', b'del\\x7f']\n"                                                \
	"fine = [b'a;b', b'q\"uo', b'bs\\\\n', b'a=b', b'#h', b'~', b'-', "               \
	"b'\\xff\\xfe', '\\u00e9'.encode(), b' first', b';', b'a: b']\n"                  \
	"def read(n):\n"                                                                  \
	"    try: return open(b'{home}/' + n).read()\n"                                   \
	"    except OSError as e: return e.errno\n"

/* The home directory is nobody's whole: files one by one. */
Test(watch_odd, names_of_files)
{
	struct live live;
	struct live_result r;
	char *policy;

	prepare(&live, geteuid() ? geteuid() : LIVE_NOBODY);
	live_write(&live, "{home}/private", "private\n");
	policy = live_expand(&live, ODD_NAMES
			     "for n in odd + fine: open(b'{home}/' + n, 'w').write('x')\n");
	live_write(&live, "{work}/make.py", policy);
	free(policy);
	policy = live_expand(&live, ODD_NAMES "for n in odd + fine: read(n)\n"
					      "print([read(n) for n in fine], read(b'private'))\n");
	live_write(&live, "{work}/odd.py", policy);
	free(policy);
	r = RUN(&live, PYTHON, "make.py");
	cr_assert_eq(r.status, 0, "%s", r.err);
	live_result_done(&r);

	r = RUN(&live, SBX, "--learn", PYTHON, "odd.py");
	cr_expect(r.status == 0 && is_harmless(r.out) && is_harmless(r.err), "%d: %s%s", r.status,
		  r.out, r.err);
	live_result_done(&r);
	/* The one that is read in the learned run is not in the second. */
	live_write(&live, "{work}/odd2.py",
		   "exec(open('odd.py').read().replace(', "
		   "read(b\\'private\\')', ''))\n");
	r = RUN(&live, SBX, "--learn=learned.ini", PYTHON, "odd2.py");
	cr_expect(r.status == 0 && is_harmless(r.out) && is_harmless(r.err), "%d: %s", r.status,
		  r.err);
	live_result_done(&r);
	policy = live_read(&live, "{work}/learned.ini");
	cr_assert(policy);
	cr_expect(is_harmless(policy), "%s", policy);
	cr_expect_eq(count_lines(policy, "[sandbox]"), 1, "%s", policy);
	cr_expect_eq(count_lines(policy, "[unveil]"), 1, "%s", policy);
	cr_expect_eq(count_lines(policy, "promises = "), 1, "%s", policy);
	cr_expect_eq(count_lines(policy, "promises = exec"), 0, "%s", policy);
	cr_expect(!strstr(policy, "r = ${HOME}\n") && !strstr(policy, "r = ${HOME} "), "%s",
		  policy);
	cr_expect_eq(count_lines(policy, "; left out, since no line can name the file"), 11, "%s",
		     policy);
	/* It does what it says: those that a line can name, and no other. */
	r = RUN(&live, SBX, "-q", "-P", "learned.ini", PYTHON, "odd.py");
	cr_expect_str_eq(r.out, "['x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x'] 13\n",
			 "%s%s%s", r.out, r.err, policy);
	live_result_done(&r);
	free(policy);

	r = RUN(&live, SBX, "--trace", "--trace-only={home}", PYTHON, "odd.py");
	cr_expect(r.status == 0 && r.err_len > 0 && is_harmless(r.err), "%s", r.err);
	live_result_done(&r);
	r = RUN(&live, SBX, "--trace=json", "--trace-only={home}", PYTHON, "odd.py");
	cr_expect(r.status == 0 && strstr(r.err, "\\u009b31m") && is_harmless(r.err), "%s", r.err);
	live_result_done(&r);
	r = RUN(&live, SBX, "--explain", "-p", "stdio rpath", "-v", "/usr", "-v", "{work}", PYTHON,
		"odd.py");
	cr_expect(r.status == 0 && strstr(r.err, "\\x1b]0;a\\x07") && is_harmless(r.err), "%s",
		  r.err);
	live_result_done(&r);
	live_done(&live);
}

/* The program's file is named by who sends it, and its name stands in what is written. */
Test(watch_odd, names_of_programs)
{
	static const char *const names[] = {
		"p\n[unveil]\nr = ${HOME}\n;", "p\x1b]0;a\a", "p\xc2\x9b", "p ;x", "-p", "p\xff"};
	struct live live;

	prepare(&live, geteuid() ? geteuid() : LIVE_NOBODY);
	for (size_t i = 0; i < COUNT(names); i++) {
		char program[64];
		struct live_result r;
		char *policy;

		(void)snprintf(program, sizeof(program), "{work}/%s", names[i]);
		r = RUN(&live, "/bin/cp", "/bin/cat", program);
		cr_assert_eq(r.status, 0, "%s", r.err);
		live_result_done(&r);
		r = RUN(&live, SBX, "--learn", program, "file.txt");
		cr_expect(r.status == 0 && is_harmless(r.out) && !strstr(r.out, "\nr = ${HOME}"),
			  "%zu: %d %s", i, r.status, r.out);
		live_result_done(&r);
		r = RUN(&live, SBX, "--learn=learned.ini", program, "file.txt");
		policy = live_read(&live, "{work}/learned.ini");
		cr_expect(r.status == 0 && policy && is_harmless(policy) &&
				  count_lines(policy, "r = ") == 1 && is_harmless(r.err),
			  "%zu: %s%s", i, policy, r.err);
		free(policy);
		live_result_done(&r);
		r = RUN(&live, SBX, "--check", "learned.ini");
		cr_expect_eq(r.status, 0, "%zu: %s", i, r.err);
		live_result_done(&r);
		r = RUN(&live, "/bin/rm", "learned.ini", program);
		live_result_done(&r);
	}
	live_done(&live);
}

/* ---- what it can make us remember has an end ---- */

Test(watch_odd, floods)
{
	struct live live;
	struct live_result r;
	char *policy;

	prepare(&live, geteuid() ? geteuid() : LIVE_NOBODY);
	live_write(&live, "{work}/odd.py",
		   "import ctypes, os, socket\n"
		   "libc = ctypes.CDLL(None)\n"
		   "for i in range(3000): libc.mount(b'/x%d' % i, b'/y', None, 0, None)\n"
		   "for i in range(600):\n"
		   "    s = socket.socket(); s.setblocking(False)\n"
		   "    try: s.connect(('127.0.0.1', 10000 + i))\n"
		   "    except OSError: pass\n"
		   "    s.close()\n"
		   "for i in range(40): os.mkdir('d%d' % i)\n"
		   "open('d0/f', 'w').close(); at = 0\n"
		   "for i in range(40):\n"
		   "    for j in range(40):\n"
		   "        os.rename('d%d/f' % at, 'd%d/f' % j); os.rename('d%d/f' % j, 'd%d/f' % "
		   "i); "
		   "at = i\n");
	r = RUN(&live, SBX, "--learn={home}/learned.ini", PYTHON, "odd.py");
	cr_expect_eq(r.status, 0, "%s", r.err);
	cr_expect_str_eq(r.err, "", "%s", r.err);
	live_result_done(&r);
	policy = live_read(&live, "{home}/learned.ini");
	cr_assert(policy);
	cr_expect_eq(count_lines(policy, "; never permitted: mount("), 4, "%s", policy);
	cr_expect_eq(count_lines(policy, "; warning: it did more than was remembered"), 1, "%s",
		     policy);
	free(policy);
	r = RUN(&live, SBX, "--check", "{home}/learned.ini");
	cr_expect_eq(r.status, 0, "%s", r.err);
	live_result_done(&r);
	live_done(&live);
}

/* ---- another root, another user ---- */

Test(watch_odd, another_root)
{
	struct live live;
	struct live_result r;

	live_need_root();
	prepare(&live, 0);
	live_mkdir(&live, "{work}/jail");
	live_mkdir(&live, "{work}/jail/etc");
	live_write(&live, "{work}/jail/etc/hostname", "x\n");
	r = RUN(&live, SBX, "--learn", PYTHON, "-c",
		"import os\n"
		"if os.fork() == 0:\n"
		"    os.chroot('jail'); os.chdir('/'); open('/etc/hostname', 'r+').close(); "
		"open('/new', 'w').close()\n"
		"    os._exit(0)\n"
		"os.wait(); open('file.txt').close()\n");
	cr_expect_eq(r.status, 0, "%s", r.err);
	cr_expect(strstr(r.out, "r = ${PWD}/file.txt ;"), "%s", r.out);
	cr_expect(!strstr(r.out, " = /etc/hostname") && !strstr(r.out, " = / "), "%s", r.out);
	cr_expect(strstr(r.out, "what is done in another root directory or mount namespace is left "
				"out\n"),
		  "%s", r.out);
	live_result_done(&r);
	live_done(&live);
}

Test(watch_odd, another_user)
{
	struct live live;
	struct live_result r;

	live_need_root();
	prepare(&live, 0);
	r = RUN(&live, SBX, "--learn", PYTHON, "-c",
		"import os\n"
		"if os.fork() == 0:\n"
		"    os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
		"    for p in ('/etc/shadow', '/etc/hostname', 'new'):\n"
		"        try: os.close(os.open(p, os.O_RDWR | os.O_CREAT if p == 'new' else "
		"os.O_RDONLY))\n"
		"        except OSError as e: print(p, e.errno, flush=True)\n"
		"    os._exit(0)\n"
		"os.wait(); open('file.txt').close()\n");
	cr_expect_eq(r.status, 0, "%s", r.err);
	cr_expect(strncmp(r.out, "/etc/shadow 13\nnew 13\n", 22) == 0, "%s", r.out);
	cr_expect(!strstr(r.out, " = /etc/shadow") && !strstr(r.out, "wc"), "%s", r.out);
	cr_expect(strstr(r.out, "r = /etc/hostname ; python3: openat("), "%s", r.out);
	live_result_done(&r);
	live_done(&live);
}

/* ---- the end ---- */

/* What was seen so far is written; the status is the program's. */
#define END(mode, action, status, more)                                                          \
	"import os, signal, subprocess, time\n"                                                  \
	"p = subprocess.Popen(['{stage}/sbx-preload', " mode ", '/bin/sh', '-c',\n"              \
	"    'cat file.txt; echo $$ >pid; exec sleep 60'], start_new_session=True)\n"            \
	"def sleeps():\n"                                                                        \
	"    try: return open('/proc/%d/comm' % int(open('pid').read())).read() == 'sleep\\n'\n" \
	"    except (OSError, ValueError): return False\n"                                       \
	"while not sleeps(): time.sleep(0.05)\n" action "\n"                                     \
	"print(p.wait() == " status ")\n" more

static const struct {
	const char *name, *script, *out;
	const char *policy; /* in learned.ini */
} ends[] = {
	{"^C, learn", END("'--learn=learned.ini'", "os.killpg(p.pid, signal.SIGINT)", "130", ""),
	 "inside\nTrue\n",
	 "; the program failed (signal 2 ended it): it may need more than this\n"},
	{"SIGTERM, learn", END("'--learn=learned.ini'", "p.terminate()", "143", ""),
	 "inside\nTrue\n", "; the program failed (signal 15 ended it): it may need more"},
	{"SIGTERM, trace",
	 END("'--trace', '-o', 'out'", "p.terminate()", "143",
	     "print(' openat(\"file.txt\"' in open('out').read())\n"),
	 "inside\nTrue\nTrue\n", NULL},
	/* The kernel ends the program with the launcher. */
	{"SIGKILL, learn",
	 END("'--learn=learned.ini'", "p.kill()", "-9",
	     "pid = int(open('pid').read())\n"
	     "for i in range(100):\n"
	     "    time.sleep(0.05)\n"
	     "    try: s = open('/proc/%d/stat' % pid).read().split()[2]\n"
	     "    except OSError: s = 'gone'\n"
	     "    if s in ('Z', 'gone'): break\n"
	     "print(s in ('Z', 'gone'))\n"),
	 "inside\nTrue\nTrue\n", NULL},
	/* Stopped by the program, it goes on with it. */
	{"the launcher is stopped",
	 "import os, subprocess, signal, time\n"
	 "p = subprocess.Popen(['{stage}/sbx-preload', '--learn=learned.ini', '/bin/sh', '-c',\n"
	 "    'kill -STOP $PPID; cat file.txt'])\n"
	 "while open('/proc/%d/stat' % p.pid).read().split()[2] != 'T': time.sleep(0.02)\n"
	 "time.sleep(0.2); p.send_signal(signal.SIGCONT); print(p.wait())\n",
	 "inside\n0\n", "file.txt ; cat: openat(\"file.txt\""},
	/* Or else, if it has seen to that, what is watched fails. */
	{"the launcher is killed",
	 "import ctypes, os, subprocess\n"
	 "code = '''import ctypes, os\nctypes.CDLL(None).prctl(1, 0)\nout = os.dup(1)\n"
	 "os.kill(os.getppid(), 9)\n"
	 "while os.getppid() == %d: pass\n"
	 "try: os.open(\"file.txt\", os.O_RDONLY); os.write(out, b\"read\")\n"
	 "except OSError as e: os.write(out, str(e.errno).encode())'''\n"
	 "r, w = os.pipe()\n"
	 "p = subprocess.Popen(['/bin/sh', '-c', 'exec {stage}/sbx-preload "
	 "--learn=learned.ini " PYTHON
	 " -c \"$CODE\"'], stdout=w, env=dict(os.environ, CODE=code.replace('== %d', '!= 1')))\n"
	 "os.close(w); print(p.wait(), os.read(r, 99), flush=True)\n",
	 "-9 b'38'\n", NULL},
	/* Descendants that live on: the policy is written again, the failure is not forgotten … */
	{"a daemon",
	 "import os, subprocess, time\n"
	 "print(subprocess.call(['{stage}/sbx-preload', '--learn=learned.ini', '/bin/sh', '-c',\n"
	 "    '/usr/bin/setsid /bin/sh -c \"while ! test -e go; do sleep 0.1; done; cat file.txt\" "
	 "</dev/null >/dev/null 2>&1 & sleep 0.3; exit 3']))\n"
	 "first = open('learned.ini').read(); open('go', 'w').close()\n"
	 "for i in range(100):\n"
	 "    time.sleep(0.05); second = open('learned.ini').read()\n"
	 "    if second != first: break\n"
	 "print('/file.txt' in first, '/file.txt ; cat: openat(\"file.txt\"' in second)\n",
	 "3\nFalse True\n", "; the program failed (exit status 3): it may need more than this\n"},
	/* … and what somebody else wrote there meanwhile is left alone. */
	{"a daemon, and an editor",
	 "import os, subprocess, time\n"
	 "print(subprocess.call(['{stage}/sbx-preload', '--learn=learned.ini', '/bin/sh', '-c',\n"
	 "    '/usr/bin/setsid /bin/sh -c \"while ! test -e go; do sleep 0.1; done; cat file.txt; "
	 "echo >gone\" </dev/null >/dev/null 2>&1 & sleep 0.3']))\n"
	 "open('learned.ini', 'a').write('; mine\\n'); open('go', 'w').close()\n"
	 "while not os.path.exists('gone'): time.sleep(0.05)\n"
	 "time.sleep(0.5); print('/file.txt' in open('learned.ini').read())\n",
	 "0\nFalse\n", "; mine\n"},
};

Test(watch_odd, ends)
{
	for (size_t i = 0; i < COUNT(ends); i++) {
		struct live live;
		struct live_result r;
		char *script, *policy;

		prepare(&live, geteuid() ? geteuid() : LIVE_NOBODY);
		script = live_expand(&live, ends[i].script);
		r = RUN(&live, PYTHON, "-c", script);
		cr_expect(r.status == 0 && strcmp(r.out, ends[i].out) == 0, "%s: %d %s%s",
			  ends[i].name, r.status, r.out, r.err);
		policy = live_read(&live, "{work}/learned.ini");
		cr_expect(!ends[i].policy || (policy && strstr(policy, ends[i].policy)), "%s: %s",
			  ends[i].name, policy);
		free(policy);
		free(script);
		live_result_done(&r);
		live_done(&live);
	}
}

/* ---- where it is written ---- */

static const struct {
	const char *script, *out, *err;
	int status;
} places[] = {
	{SBX " --learn /bin/true >/dev/full", "",
	 "sbx-preload: cannot write the policy: No space left on device\n", 0},
	{SBX " --learn /bin/true >&-", "", "sbx-preload: cannot write the policy: ", 0},
	/* what would be lost is printed */
	{"mkdir d; " SBX " --learn=d/x.ini /bin/sh -c 'rmdir d; exit 5'",
	 "promises = stdio cpath proc exec\n",
	 "sbx-preload: cannot write d/x.ini: No such file or directory\n", 5},
	{"(ulimit -f 0; " SBX " --learn=x.ini /bin/true 2>&1); ls", "promises = stdio\n", NULL, 0},
	{SBX " --learn=x.ini /bin/sh -c 'echo mine >x.ini'; cat x.ini", "mine\n",
	 "sbx-preload: x.ini was changed meanwhile, and is left as it is\n", 0},
	{"i=0; while [ $i -lt 40 ]; do i=$((i + 1)); mkdir {home}/$i; echo >{home}/$i/x; done; "
	 "ulimit -f 1; " SBX " --explain=x.ini -p 'stdio rpath' /bin/cat {home}/*/x",
	 "", "sbx-preload: cannot write x.ini: File too large\n", 1},
	/* not followed, wherever the program leads */
	{SBX " --learn=x.ini /bin/sh -c 'ln -s {home}/x x.ini'; cat {home}/x", "",
	 "{home}/x: No such file", 1},
	/* a link of the user's is read, and then no link any more */
	{"printf '[sandbox]\\npromises = stdio tty\\n' >to.ini; ln -s to.ini x.ini; " SBX
	 " --learn=x.ini /bin/cat file.txt; grep promises x.ini to.ini; test -L x.ini",
	 "inside\nx.ini:promises = stdio tty rpath\nto.ini:promises = stdio tty\n", NULL, 1},
	{"mkfifo x.ini; " SBX " --learn=x.ini /bin/echo ran", "",
	 "sbx-preload: x.ini: not a regular file\n", 2},
	{SBX " --learn=/proc/none/x.ini /bin/echo ran", "", "cannot write there", 2},
	{SBX " --learn=/dev/null /bin/echo ran", "", "/dev/null", 2},
	{SBX " --learn=. /bin/echo ran", "", "a directory, not a policy file", 2},
	/* a fifo that nobody reads: as for whoever writes to one */
	{"mkfifo out; timeout -s INT 1 " SBX " --trace -o out /bin/echo ran; echo $?", "124\n",
	 NULL, 0},
	{"printf '#!{work}/two -x\\n' >one; printf '#!/bin/sh\\ncat file.txt' >two; chmod +x one "
	 "two; " SBX " --learn=x.ini ./one && " SBX " -P x.ini ./one",
	 "inside\ninside\n", NULL, 0},
	/* watched by somebody else, too */
	{"test -x /usr/bin/strace || exec cat file.txt; strace -f -o st " SBX
	 " --learn=x.ini /bin/cat file.txt && grep -q '/file.txt ;' x.ini",
	 "inside\n", NULL, 0},
	{"test -x /usr/bin/strace || exec cat file.txt; " SBX
	 " --learn=x.ini /usr/bin/strace -f -o st /bin/cat file.txt && grep -q 'openat.*file.txt' "
	 "st "
	 "&& grep -q '/file.txt ;' x.ini",
	 "inside\n", NULL, 0},
	{"test -x /usr/bin/strace || exec cat file.txt; " SBX
	 " --trace -o out /usr/bin/strace -f -o st /bin/cat file.txt && grep -q 'openat.*file.txt' "
	 "st "
	 "&& grep -q ' openat(\"file.txt\"' out",
	 "inside\n", NULL, 0},
};

Test(watch_odd, places)
{
	for (size_t i = 0; i < COUNT(places); i++) {
		struct live live;
		struct live_result r;
		char *script, *err;

		prepare(&live, geteuid() ? geteuid() : LIVE_NOBODY);
		script = live_expand(&live, places[i].script);
		err = live_expand(&live, places[i].err ? places[i].err : "");
		r = RUN(&live, "/bin/sh", "-c", script);
		cr_expect_eq(r.status, places[i].status, "%s: %d %s", script, r.status, r.err);
		cr_expect(places[i].out[0] ? strstr(r.out, places[i].out) != NULL : !r.out_len,
			  "%s: %s%s", script, r.out, r.err);
		cr_expect(strstr(r.err, err), "%s: %s", script, r.err);
		live_result_done(&r);
		free(script);
		free(err);
		live_done(&live);
	}
}
