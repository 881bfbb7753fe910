/* SPDX-License-Identifier: MIT */
/* --explain: what is said about each kind of denial, what the supervisor does beside, and that what
 * it advises helps. Live. Long, since it is mostly tables of what is said and of repairs. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "live.h"

#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define SBX	  "{stage}/sbx-preload"
#define NEEDS_ABI 6
#define ROUNDS	  6
#define PYTHON	  "/usr/bin/python3"

TestSuite(explain, .timeout = 240, .fini = live_cleanup);

static struct live_result run(struct live *live, const char *const *argv)
{
	const struct live_command command = {.argv = argv};

	return live_run(live, &command);
}

static void prepare(struct live *live)
{
	char *tool;

	live_need_landlock(NEEDS_ABI);
	live_init(live, getuid() == 0 ? LIVE_NOBODY : getuid());
	live_write(live, "{work}/file.txt", "inside\n");
	live_mkdir(live, "{outside}/dir");
	live_write(live, "{outside}/tool", "#!/bin/sh\nexit 0\n");
	tool = live_expand(live, "{outside}/tool");
	cr_assert_eq(chmod(tool, 0755), 0);
	free(tool);
}

/* ---- one line for each kind of denial ---- */

/* Commands start under promises for everything, so that only the path, port or process is in the
 * way. */
#define FREE                                                                                   \
	"-e", "-p", "stdio rpath wpath cpath dpath fattr unix inet proc exec prot_exec", "-v", \
		"rx:/usr", "-v", "rx:/bin", "-v", "rwc:{work}"
/* And these under few. */
#define FEW(...) "-e", "-p", __VA_ARGS__, "-v", "rx:/usr", "-v", "r:{work}"

static const struct {
	const char *argv[24];
	const char *says; /* after "denied " */
} lines[] = {
	/* calls */
	{{FEW("stdio rpath prot_exec"), PYTHON, "-c",
	  "import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM)"},
	 "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC): needs promise \"inet\" (-p)"},
	{{FEW("stdio rpath prot_exec"), PYTHON, "-c",
	  "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)"},
	 "socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE): needs promise \"netlink\" "
	 "(-p)"},
	{{FEW("stdio rpath prot_exec"), PYTHON, "-c",
	  "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)"},
	 "socket(AF_PACKET, SOCK_RAW|SOCK_CLOEXEC): never permitted: a family, type or protocol "
	 "that no promise covers"},
	{{FEW("stdio rpath"), "/bin/sh", "-c", "/bin/true & wait"}, "needs promise \"proc\" (-p)"},
	{{FEW("stdio rpath"), "/bin/sh", "-c", "exec /bin/true"},
	 "execve(\"/bin/true\"): needs promise \"exec\" (-p)"},
	{{FEW("stdio rpath"), PYTHON, "-c", "import os; os.chmod('file.txt', 0o600)"},
	 "chmod(\"file.txt\", 0600): needs promise \"fattr\" (-p)"},
	{{FEW("stdio rpath"), PYTHON, "-c",
	  "import fcntl; fcntl.flock(open('file.txt'), fcntl.LOCK_EX)"},
	 "flock("},
	{{FEW("stdio rpath"), PYTHON, "-c", "import os; os.mkdir('new')"},
	 "mkdir(\"new\", 0777): not unveiled for \"c\"; needs promise \"cpath\" (-p), and in "
	 "[unveil]: c = ${PWD}"},
	{{FEW("stdio rpath"), PYTHON, "-c", "open('file.txt', 'r+')"},
	 "openat(\"file.txt\", O_RDWR|O_CLOEXEC): not unveiled for \"w\"; needs promise \"wpath\" "
	 "(-p), and in [unveil]: rw = ${PWD}/file.txt"},
	{{"-e", "-p", "stdio", "-v", "r:{work}", "/bin/cat", "file.txt"},
	 "openat(\"file.txt\", O_RDONLY): needs promise \"rpath\" (-p)"},
	/* paths that a promise implies */
	{{FEW("stdio rpath"), "/bin/cat", "/etc/passwd"},
	 "openat(\"/etc/passwd\", O_RDONLY): not unveiled; needs promise \"getpw\" (-p), or in "
	 "[unveil]: r = /etc/passwd"},
	{{FEW("stdio rpath"), "/bin/cat", "/etc/hosts"},
	 "openat(\"/etc/hosts\", O_RDONLY): not unveiled; needs promise \"dns\" (-p), or in "
	 "[unveil]: r = /etc/hosts"},
	{{FEW("stdio rpath"), "/bin/cat", "/proc/meminfo"},
	 "openat(\"/proc/meminfo\", O_RDONLY): not unveiled; needs promise \"vminfo\" (-p), or in "
	 "[unveil]: r = /proc/meminfo"},
	{{FEW("stdio rpath"), "/bin/cat", "/proc/1/comm"},
	 "openat(\"/proc/1/comm\", O_RDONLY): not unveiled; needs promise \"ps\" (-p)\n"},
	/* Landlock's rights, one after the other */
	{{FREE, "/bin/cat", "{outside}/secret.txt"},
	 "openat(\"{outside}/secret.txt\", O_RDONLY): not unveiled; add to [unveil]: r = "
	 "{outside}/secret.txt (-v)"},
	{{FREE, "/bin/cat", "../outside/secret.txt"},
	 "openat(\"../outside/secret.txt\", O_RDONLY): not unveiled; add to [unveil]: r = "
	 "{outside}/secret.txt (-v)"},
	{{FREE, PYTHON, "-c", "import os; os.listdir('{outside}')"},
	 "not unveiled; add to [unveil]: r = {outside} (-v)"},
	{{FREE, "/bin/sh", "-c", "echo x >> {outside}/secret.txt"},
	 "not unveiled; add to [unveil]: w = {outside}/secret.txt (-v)"},
	{{FREE, PYTHON, "-c", "import os; os.truncate('{outside}/secret.txt', 0)"},
	 "truncate(\"{outside}/secret.txt\", 0): not unveiled; add to [unveil]: w = "
	 "{outside}/secret.txt (-v)"},
	{{FREE, PYTHON, "-c", "open('{outside}/new', 'w')"},
	 "not unveiled; add to [unveil]: wc = {outside} (-v)"},
	{{FREE, PYTHON, "-c", "import os; os.mkdir('{outside}/new')"},
	 "mkdir(\"{outside}/new\", 0777): not unveiled; add to [unveil]: c = {outside} (-v)"},
	{{FREE, PYTHON, "-c", "import os; os.symlink('x', '{outside}/new')"},
	 "symlink(\"x\", \"{outside}/new\"): not unveiled; add to [unveil]: c = {outside} (-v)"},
	{{FREE, PYTHON, "-c", "import os; os.mkfifo('{outside}/new')"},
	 "not unveiled; add to [unveil]: c = {outside} (-v)"},
	{{FREE, PYTHON, "-c",
	  "import socket; s = socket.socket(socket.AF_UNIX); s.bind('{outside}/new')"},
	 "not unveiled; add to [unveil]: c = {outside} (-v)"},
	{{FREE, PYTHON, "-c", "import os; os.unlink('{outside}/secret.txt')"},
	 "unlink(\"{outside}/secret.txt\"): not unveiled; add to [unveil]: c = {outside} (-v)"},
	{{FREE, PYTHON, "-c", "import os; os.rmdir('{outside}/dir')"},
	 "rmdir(\"{outside}/dir\"): not unveiled; add to [unveil]: c = {outside} (-v)"},
	{{FREE, PYTHON, "-c", "import os; os.rename('{outside}/tool', '{outside}/new')"},
	 "not unveiled; add to [unveil]: c = {outside} (-v)"},
	{{FREE, PYTHON, "-c", "import os; os.rename('file.txt', '{outside}/new')"},
	 "not unveiled; add to [unveil]: c = {outside} (-v)"},
	{{FREE, PYTHON, "-c", "import os; os.link('{outside}/tool', 'new')"}, "add to [unveil]:"},
	{{FREE, PYTHON, "-c", "import os; os.execv('{outside}/tool', ['tool'])"},
	 "not unveiled; add to [unveil]: rx = {outside}/tool (-v)"},
	{{FREE, "-v", "r:{outside}/tool", PYTHON, "-c",
	  "import os; os.execv('{outside}/tool', ['tool'])"},
	 "not unveiled for \"rx\"; add to [unveil]: rx = {outside}/tool, and take out r = "
	 "{outside}/tool (-v) (-v)"},
	{{FREE, "-v", "rx:{outside}/dir", PYTHON, "-c", "import os; os.mkdir('{outside}/new')"},
	 "mkdir(\"{outside}/new\", 0777): not unveiled; add to [unveil]: c = {outside}, and rxc in "
	 "place of rx = {outside}/dir (-v) (-v)"},
	{{FREE, "-p", "tty", "-v", "r:/dev/ptmx", PYTHON, "-c",
	  "import fcntl; fcntl.ioctl(open('/dev/ptmx', 'rb'), 0x80045430, b'1234')"},
	 "ioctl(3, TIOCGPTN): not unveiled for \"w\"; add to [unveil]: w = /dev/ptmx (-v)"},
	/* scopes */
	{{FREE, PYTHON, "-c", "import os; os.kill({server}, 0)"},
	 "the process is outside the sandbox; add to [sandbox]: scope = open (flags)"},
	{{FREE, PYTHON, "-c",
	  "import socket; s = socket.socket(socket.AF_UNIX); "
	  "s.connect('\\0sbx-test-{port}')"},
	 "the abstract socket is outside the sandbox; add to [sandbox]: scope = open (flags)"},
};

/* Somebody outside: a process to signal and an abstract socket. */
static int outsider(struct live *live)
{
	static const char *const server[] = {PYTHON,	  "-m",	    "http.server", "--bind",
					     "127.0.0.1", "{port}", NULL};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	unsigned port = live_free_port(live);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int len = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "sbx-test-%u", port);

	cr_assert(bind(fd, (struct sockaddr *)&address,
		       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) ==
			  0 &&
		  listen(fd, 1) == 0);
	cr_assert(live_server_start(live, server, port));
	return fd;
}

Test(explain, lines)
{
	struct live live = {0};
	int fd;

	live_need_program(PYTHON);
	prepare(&live);
	fd = outsider(&live);
	for (size_t i = 0; i < COUNT(lines); i++) {
		const char *argv[28] = {SBX};
		struct live_result result;
		char *says, *text;

		memcpy(argv + 1, lines[i].argv, sizeof(lines[i].argv));
		result = run(&live, argv);
		says = live_expand(&live, lines[i].says);
		text = strstr(result.err, "]: denied ");
		cr_expect(strncmp(result.err, "sbx-preload: ", 13) == 0 && text &&
				  strstr(text, says),
			  "row %zu wants: %s\nsays: %s", i, says, result.err);
		cr_expect_neq(result.status, 125, "row %zu: %s", i, result.err);
		free(says);
		live_result_done(&result);
	}
	(void)close(fd);
	live_done(&live);
}

/* A policy file's line is named, ports are told, and the summary can be pasted. */
Test(explain, file_ports_and_summary)
{
	static const char *const argv[] = {
		SBX,
		"-e",
		"-P",
		"{home}/p.ini",
		PYTHON,
		"-c",
		"import socket\n"
		"for p in (1, 2, 2):\n"
		" try: socket.create_connection(('127.0.0.1', p))\n"
		" except OSError: pass\n"
		"try: socket.socket(socket.AF_INET).bind(('127.0.0.1', 7))\n"
		"except OSError: pass\n"
		"try: socket.socket(socket.AF_NETLINK)\n"
		"except OSError: pass\n",
		NULL};
	static const char *const says[] = {
		"connect(3, AF_INET 127.0.0.1:2): port not permitted; add to [net]: connect_tcp = "
		"2 "
		"({home}/p.ini)\n",
		": port not permitted; add to [net]: bind_tcp = 7 ({home}/p.ini)\n",
		"needs promise \"netlink\" ({home}/p.ini:2)\n",
		"sbx-preload: to permit this, write into {home}/p.ini:\n[sandbox]\n"
		"promises = stdio rpath inet netlink prot_exec\n[net]\nconnect_tcp = 1 2\n"
		"bind_tcp = 9 7\n",
	};
	struct live live = {0};
	struct live_result result;

	live_need_program(PYTHON);
	prepare(&live);
	live_write(&live, "{home}/p.ini",
		   "[sandbox]\npromises = stdio rpath inet prot_exec\n[unveil]\nrx = /usr\nr = "
		   "${PWD}\n"
		   "[net]\nconnect_tcp = 1\nbind_tcp = 9\n");
	result = run(&live, argv);
	cr_expect_eq(result.status, 0, "%s", result.err);
	for (size_t i = 0; i < COUNT(says); i++) {
		char *text = live_expand(&live, says[i]);

		cr_expect(strstr(result.err, text), "wants: %s\nsays: %s", text, result.err);
		free(text);
	}
	cr_expect_null(strstr(result.err, "127.0.0.1:1)"), "%s", result.err);
	live_result_done(&result);
	live_done(&live);
}

/* What fails for another reason, and what is permitted, is not talked about. */
Test(explain, silence)
{
	static const char *const rows[][24] = {
		{FREE, "/bin/cat", "file.txt"},
		{FREE, "/bin/cat", "{outside}/no-such-file"},
		{FREE, "/bin/cat", "/etc/shadow"}, /* mode bits, for who is not root */
		{FREE, PYTHON, "-c",
		 "import os, shutil; open('new', 'w').write('x'); os.mkdir('d'); "
		 "os.rename('new', 'd/new'); shutil.rmtree('d')"},
		{FREE, PYTHON, "-c",
		 "import os, socket\n"
		 "a = socket.socket(socket.AF_UNIX); a.bind('\\0sbx-own-{port}'); a.listen()\n"
		 "socket.socket(socket.AF_UNIX).connect('\\0sbx-own-{port}')\n"
		 "pid = os.fork()\n"
		 "if not pid: os.execv('/bin/sleep', ['sleep', '9'])\n"
		 "os.kill(pid, 9); os.wait()\n"
		 "open('/dev/null', 'w'); open('/proc/self/maps'); os.open('/dev/fd/1', 1)\n"
		 "try: os.rmdir('/var')\nexcept OSError: pass\n"},
		{"-e", "-P", "{stage}/conf/cat.ini", "/bin/cat", "file.txt"},
		{"-e", "-P", "{stage}/conf/python3.ini", PYTHON, "-c",
		 "import json; open('new.txt', 'w').write(json.dumps([1]))"},
		{"-e", "-P", "{stage}/conf/xz.ini", "/usr/bin/xz", "-kf", "file.txt"},
	};
	struct live live = {0};

	live_need_program(PYTHON);
	prepare(&live);
	(void)live_free_port(&live);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *argv[28] = {SBX};
		struct live_result result;

		if (i == 2 && live.uid == 0)
			continue;
		memcpy(argv + 1, rows[i], sizeof(rows[i]));
		result = run(&live, argv);
		cr_expect_null(strstr(result.err, "sbx-preload"), "row %zu says: %s", i,
			       result.err);
		live_result_done(&result);
	}
	live_done(&live);
}

Test(explain, once)
{
	static const char *const argv[] = {SBX,
					   FREE,
					   PYTHON,
					   "-c",
					   "import threading\n"
					   "def f():\n"
					   " for i in range(20):\n"
					   "  try: open('{outside}/secret.txt')\n"
					   "  except OSError: pass\n"
					   "  open('file.txt').read()\n"
					   "t = [threading.Thread(target=f) for i in range(50)]\n"
					   "[x.start() for x in t]; [x.join() for x in t]\n"
					   "print('done')",
					   NULL};
	struct live live = {0};
	struct live_result result;
	char *first;

	live_need_program(PYTHON);
	prepare(&live);
	result = run(&live, argv);
	cr_expect_str_eq(result.out, "done\n", "%s", result.err);
	first = strstr(result.err, "denied openat(\"");
	cr_assert(first, "%s", result.err);
	first = strchr(first, '\n');
	cr_expect_null(strstr(first, "secret.txt\", O_RDONLY"), "%s", result.err);
	live_result_done(&result);
	live_done(&live);
}

/* on_violation = log: said, and let through, without -e. The shim alone cannot do that. */
Test(explain, log)
{
	static const char *const argv[] = {
		SBX,
		"-P",
		"{home}/p.ini",
		PYTHON,
		"-c",
		"import os; print(open('{outside}/secret.txt').read())\n"
		"os.waitpid(os.fork() or os._exit(0), 0); os.mkdir('{work}/made')",
		NULL};
	static const char *const says[] = {
		(": would be denied openat(\"{outside}/secret.txt\", O_RDONLY|O_CLOEXEC): not "
		 "unveiled; add to [unveil]: r = {outside}/secret.txt ({home}/p.ini)\n"),
		": needs promise \"proc\" ({home}/p.ini:2)\n",
		": would be denied mkdir(\"{work}/made\", 0777): ",
	};
	static const char *const way2[] = {"/bin/true", NULL};
	static const char *const way2_env[] = {"LD_PRELOAD={stage}/libsbx-preload.so",
					       "SBX_POLICY={home}/p.ini", NULL};
	const struct live_command alone = {.argv = way2, .env = way2_env};
	struct live live = {0};
	struct live_result result;

	live_need_program(PYTHON);
	prepare(&live);
	live_write(&live, "{home}/p.ini",
		   "[sandbox]\npromises = stdio rpath prot_exec\non_violation = log\n[unveil]\n"
		   "rx = /usr\n");
	result = run(&live, argv);
	cr_expect_eq(result.status, 0, "%s", result.err);
	cr_expect(strstr(result.out, LIVE_SECRET), "%s", result.out);
	cr_expect(live_exists(&live, "{work}/made"));
	for (size_t i = 0; i < COUNT(says); i++) {
		char *text = live_expand(&live, says[i]);

		cr_expect(strstr(result.err, text), "wants: %s\nsays: %s", text, result.err);
		free(text);
	}
	cr_expect_null(strstr(result.err, "to permit this"), "%s", result.err);
	live_result_done(&result);
	result = live_run(&live, &alone);
	cr_expect_eq(result.status, 125);
	cr_expect(strstr(result.err, "\"on_violation = log\" needs the launcher"), "%s",
		  result.err);
	live_result_done(&result);
	live_done(&live);
}

/* ---- the supervisor ---- */

Test(explain, statuses)
{
	static const struct {
		const char *argv[12];
		int status;
		const char *says; /* NULL: nothing at all */
	} rows[] = {
		{{"-e", "/bin/sh", "-c", "exit 7"}, 7, NULL},
		{{"-e", "/bin/sh", "-c", "kill -TERM $$"}, 128 + 15, NULL},
		{{"-e", "/bin/sh", "-c", "kill -KILL $$"}, 128 + 9, NULL},
		{{"-ek", "-p", "stdio rpath", "/bin/sh", "-c", "/bin/true & wait"},
		 128 + 31,
		 "needs promise \"proc\" (-p)\n"},
		{{"-ek", "-p", "stdio rpath prot_exec", "-v", "rx:/usr", PYTHON, "-c",
		  "import os, signal; signal.signal(signal.SIGSYS, signal.SIG_IGN); os.fork()"},
		 128 + 31,
		 "needs promise \"proc\" (-p)\n"},
		{{"-e", "--", "no-such-program-at-all"}, 127, "not found in PATH"},
		{{"-e", "/etc/passwd"}, 126, "sbx-preload: "},
		{{"-e", "-v", "r:/no/such", "/bin/true"}, 2, "no such path"},
		{{"--explain={work}/no/dir", "/bin/true"}, 2, "cannot write there"},
		{{"-eq", "-p", "stdio", "/bin/cat", "file.txt"}, 1, "Permission denied\n"},
	};
	struct live live = {0};

	live_need_program(PYTHON);
	prepare(&live);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *argv[16] = {SBX};
		struct live_result result;

		memcpy(argv + 1, rows[i].argv, sizeof(rows[i].argv));
		result = run(&live, argv);
		cr_expect_eq(result.status, rows[i].status, "row %zu: status %d, %s", i,
			     result.status, result.err);
		if (rows[i].says)
			cr_expect(strstr(result.err, rows[i].says), "row %zu says: %s", i,
				  result.err);
		else
			cr_expect_str_empty(result.err, "row %zu", i);
		live_result_done(&result);
	}
	live_done(&live);
}

/* With -q nothing of ours but errors that stop us. */
Test(explain, quiet)
{
	static const char *const argv[] = {SBX,	       "-q",	"--explain={work}/found.ini",
					   "-p",       "stdio", "/bin/cat",
					   "file.txt", NULL};
	struct live live = {0};
	struct live_result result;
	char *text;

	prepare(&live);
	result = run(&live, argv);
	cr_expect_null(strstr(result.err, "sbx-preload"), "%s", result.err);
	text = live_read(&live, "{work}/found.ini");
	cr_assert(text);
	cr_expect(strstr(text, "promises = rpath\n"), "%s", text);
	cr_expect(strstr(text, "r = ${PWD}/file.txt\n"), "%s", text);
	free(text);
	live_result_done(&result);
	live_done(&live);
}

/* The shim cannot enter these; the supervisor sees them all the same. */
Test(explain, static_programs)
{
	const char *probes = getenv("SBX_PROBES");
	static const char *const kinds[] = {"confined-static", "confined-static-pie",
					    "confined-musl", "confined"};
	struct live live = {0};

	prepare(&live);
	for (size_t i = 0; i < COUNT(kinds); i++) {
		char probe[512];
		const char *argv[] = {SBX,	    "-e",	"-p",  "stdio rpath",
				      "-v",	    "r:{work}", probe, "{outside}/secret.txt",
				      "{work}/new", NULL};
		struct live_result result;
		char *says = live_expand(&live, "not unveiled; add to [unveil]: r = "
						"{outside}/secret.txt (-v)\n");

		(void)snprintf(probe, sizeof(probe), "%s/%s", probes ? probes : "build/probes",
			       kinds[i]);
		if (access(probe, X_OK) != 0) {
			free(says);
			continue;
		}
		result = run(&live, argv);
		cr_expect_eq(result.status, 0, "%s: %d %s", kinds[i], result.status, result.out);
		cr_expect(strstr(result.err, says), "%s says: %s", kinds[i], result.err);
		cr_expect(strstr(result.err, "needs promise"), "%s says: %s", kinds[i], result.err);
		free(says);
		live_result_done(&result);
	}
	live_done(&live);
}

static void wait_ms(long ms)
{
	const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	(void)nanosleep(&time, NULL);
}

/* Start "sleep 30" under a supervisor; its pid in *ret_program. */
static pid_t start_sleeper(struct live *live, pid_t *ret_program)
{
	char *sbx = live_expand(live, SBX);
	char path[64], text[64] = "";
	pid_t pid = fork();

	if (pid == 0) {
		(void)execl(sbx, sbx, "-e", "-p", "stdio rpath", "-v", "rx:/usr", "/bin/sleep",
			    "30", (char *)NULL);
		_exit(99);
	}
	free(sbx);
	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	*ret_program = 0;
	for (int i = 0; i < 100; i++) {
		int fd;
		ssize_t n;

		wait_ms(50);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
		if (fd >= 0)
			(void)close(fd);
		if (n > 0) {
			*ret_program = (pid_t)strtol(text, NULL, 10);
			(void)snprintf(path, sizeof(path), "/proc/%d/comm", *ret_program);
			fd = open(path, O_RDONLY | O_CLOEXEC);
			n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
			if (fd >= 0)
				(void)close(fd);
			if (n > 0 && strncmp(text, "sleep\n", 6) == 0)
				return pid;
			(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
		}
	}
	cr_assert_fail("the program did not start");
	return -1;
}

static char state_of(pid_t pid)
{
	char path[64], text[256], *at;
	int fd;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	at = strrchr(text, ')');
	return at ? at[2] : '-';
}

static bool comes_to(pid_t pid, const char *states)
{
	for (int i = 0; i < 60; i++) {
		if (strchr(states, state_of(pid)))
			return true;
		wait_ms(50);
	}
	return false;
}

Test(explain, signals_are_passed_on)
{
	struct live live = {0};
	pid_t pid, program;
	int status;

	prepare(&live);
	pid = start_sleeper(&live, &program);
	cr_assert_eq(kill(pid, SIGTERM), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGTERM, "%x", status);
	cr_expect(comes_to(program, "-ZX"));
	live_done(&live);
}

/* Fail closed: who kills the supervisor does not free the program. */
Test(explain, the_supervisor_dies_and_the_program_with_it)
{
	struct live live = {0};
	pid_t pid, program;
	int status;

	prepare(&live);
	pid = start_sleeper(&live, &program);
	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(comes_to(program, "-ZX"));
	live_done(&live);
}

Test(explain, stops_and_goes_on_with_the_program)
{
	struct live live = {0};
	pid_t pid, program;
	int status;

	prepare(&live);
	pid = start_sleeper(&live, &program);
	cr_assert_eq(kill(program, SIGSTOP), 0);
	cr_assert_eq(waitpid(pid, &status, WUNTRACED), pid);
	cr_expect(WIFSTOPPED(status));
	cr_assert_eq(kill(pid, SIGCONT), 0);
	cr_expect(comes_to(program, "SR"));
	cr_assert_eq(kill(program, SIGKILL), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGKILL, "%x", status);
	live_done(&live);
}

/* Ignored, SIGCHLD would leave the supervisor waiting for ever. */
Test(explain, started_by_who_ignores_children)
{
	static const char code[] =
		"import os, signal\n"
		"signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
		"os.execv('{stage}/sbx-preload', ['sbx-preload', '-e', '-p', "
		"'stdio rpath prot_exec', '-v', 'rx:/usr', '" PYTHON "', '-c', "
		"'import signal; print(signal.getsignal(17) == signal.SIG_IGN); exit(6)'])";
	static const char *const argv[] = {PYTHON, "-c", code, NULL};
	const struct live_command command = {.argv = argv, .timeout_s = 20};
	struct live live = {0};
	struct live_result result;

	live_need_program(PYTHON);
	prepare(&live);
	result = live_run(&live, &command);
	cr_expect_eq(result.status, 6, "%d %s", result.status, result.err);
	cr_expect(strstr(result.out, "True"), "the program inherits it: %s", result.out);
	live_result_done(&result);
	live_done(&live);
}

/* on_violation = kill: another thread that keeps changing what SIGSYS does saves nobody. */
Test(explain, nobody_escapes_being_killed)
{
	static const char code[] = "import os, signal, ctypes, threading, socket, time\n"
				   "libc = ctypes.PyDLL(None)\n"
				   "libc = ctypes.CDLL(None)\n"
				   "def f():\n"
				   "  while True:\n"
				   "    libc.signal(31, 1); libc.signal(31, 0)\n"
				   "threading.Thread(target=f, daemon=True).start()\n"
				   "time.sleep(0.05)\n"
				   "r = libc.socket(2, 1, 0)\n"
				   "os.write(1, b'survived'); os._exit(0)\n";
	static const char *const argv[] = {SBX,	 "-ek",	    "-p",   "stdio rpath prot_exec",
					   "-v", "rx:/usr", PYTHON, "-c",
					   code, NULL};
	struct live live = {0};

	live_need_program(PYTHON);
	prepare(&live);
	for (int i = 0; i < 12; i++) {
		struct live_result result = run(&live, argv);

		cr_expect_eq(result.status, 128 + SIGSYS, "run %d: %d %s%s", i, result.status,
			     result.out, result.err);
		live_result_done(&result);
	}
	live_done(&live);
}

/* What a plain start answers for good is answered so under a supervisor, too. */
Test(explain, as_without_a_supervisor)
{
	static const char *const codes[] = {
		"import os\ntry: print(os.memfd_create('x') > 2)\nexcept OSError as e: "
		"print(e.errno)",
		"import ctypes; l = ctypes.CDLL(None, use_errno=True); l.syscall(317, 1, 0, None); "
		"print(ctypes.get_errno())",
	};
	struct live live = {0};

	live_need_program(PYTHON);
	prepare(&live);
	for (size_t i = 0; i < COUNT(codes); i++) {
		struct live_result result[2];

		for (int supervised = 0; supervised < 2; supervised++) {
			const char *argv[] = {SBX,	supervised ? "-eq" : "-q",
					      "-p",	"stdio rpath prot_exec",
					      "-v",	"rx:/usr",
					      PYTHON,	"-c",
					      codes[i], NULL};

			result[supervised] = run(&live, argv);
		}
		cr_expect(*result[0].out, "row %zu: %s", i, result[0].err);
		cr_expect_str_eq(result[0].out, result[1].out, "row %zu", i);
		live_result_done(&result[0]);
		live_result_done(&result[1]);
	}
	live_done(&live);
}

/* Whatever a program does often must not fill the supervisor's memory: its end is the program's. */
Test(explain, memory_does_not_grow)
{
	static const char code[] =
		"import os, socket\n"
		"def size():\n"
		"  for line in open('/proc/%d/status' % os.getppid()):\n"
		"    if line.startswith('VmRSS'): return int(line.split()[1])\n"
		"def make(n):\n"
		"  for i in range(n):\n"
		"    s = socket.socket(socket.AF_UNIX); s.bind('\\0%090d' % i); s.close()\n"
		"make(1000); a = size(); make(30000); print('grew', size() - a)\n";
	static const char *const argv[] = {SBX,	 "-e",	    "-p",   "stdio rpath unix ps prot_exec",
					   "-v", "rx:/usr", PYTHON, "-c",
					   code, NULL};
	struct live live = {0};
	struct live_result result;
	int grew = -1;

	live_need_program(PYTHON);
	prepare(&live);
	result = run(&live, argv);
	cr_expect(sscanf(result.out, "grew %d", &grew) == 1 && grew < 1024, "%s%s", result.out,
		  result.err);
	live_result_done(&result);
	live_done(&live);
}

/* The program writes where the file is to be: it can neither lead it elsewhere nor be first. */
Test(explain, the_file_is_not_led_away)
{
	static const char *const argv[] = {
		SBX,
		"--explain={work}/found.ini",
		"-p",
		"stdio rpath wpath cpath prot_exec",
		"-v",
		"rx:/usr",
		"-v",
		"rwc:{work}",
		PYTHON,
		"-c",
		"import os; os.symlink('{outside}/victim', 'found.ini')\n"
		"os.symlink('{outside}/victim', '.sbx-explain-%d' % os.getppid())\n"
		"try: open('{outside}/secret.txt')\nexcept OSError: pass\n",
		NULL};
	struct live live = {0};
	struct live_result result;
	char *text;

	live_need_program(PYTHON);
	prepare(&live);
	result = run(&live, argv);
	cr_expect_eq(result.status, 0, "%s", result.err);
	cr_expect(!live_exists(&live, "{outside}/victim"));
	text = live_read(&live, "{work}/found.ini");
	cr_expect(text && strstr(text, "/secret.txt\n"), "%s%s", text ? text : "no file\n",
		  result.err);
	free(text);
	live_result_done(&result);
	live_done(&live);
}

/* A child that outlives the program is not cut off, and the shell does not wait for it. */
Test(explain, what_outlives_the_program_goes_on)
{
	static const char script[] = "cd {work}; (exec > /dev/null 2>&1; sleep 1; "
				     "cat {outside}/secret.txt > leak; cat file.txt > later) & "
				     "exit 5";
	struct live live = {0};
	char *sbx, *sh, *unveil, *text;
	pid_t pid;
	int status;

	prepare(&live);
	sbx = live_expand(&live, SBX);
	sh = live_expand(&live, script);
	unveil = live_expand(&live, "rwc:{work}");
	pid = fork();
	if (pid == 0) {
		(void)execl(sbx, sbx, "-e", "-p", "stdio rpath wpath cpath proc exec", "-v",
			    "rx:/usr", "-v", "rx:/bin", "-v", unveil, "/bin/sh", "-c", sh,
			    (char *)NULL);
		_exit(99);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 5, "%x", status);
	cr_expect(!live_exists(&live, "{work}/later"), "it was waited for");
	for (int i = 0; i < 60 && !live_exists(&live, "{work}/later"); i++)
		wait_ms(50);
	wait_ms(200);
	text = live_read(&live, "{work}/later");
	cr_expect(text && strcmp(text, "inside\n") == 0, "%s", text ? text : "nothing");
	free(text);
	text = live_read(&live, "{work}/leak");
	cr_expect(text && !*text, "%s", text ? text : "nothing");
	free(text);
	free(sbx);
	free(sh);
	free(unveil);
	live_done(&live);
}

/* ---- what is advised helps ---- */

struct repair {
	const char *name;
	const char *program;  /* absolute */
	const char *policy;   /* conf/NAME.ini */
	const char *cut;      /* from its text … */
	const char *put;      /* … to this */
	const char *argv[12]; /* behind the program */
	const char *out;      /* on standard output when it works */
	const char *makes;    /* a file that then is there; NULL: none */
	const char *stop;     /* a server: the signal that stops it; NULL: it ends by itself */
};

#define TABLE "create table t (x); insert into t values ('ok'); select x from t;"

static const struct repair repairs[] = {
	{.name = "cat without its directory",
	 .program = "/bin/cat",
	 .policy = "cat",
	 .cut = "r = ${PWD}",
	 .put = "",
	 .argv = {"file.txt"},
	 .out = "inside"},
	{.name = "cat without rpath",
	 .program = "/bin/cat",
	 .policy = "cat",
	 .cut = "stdio rpath",
	 .put = "stdio",
	 .argv = {"file.txt"},
	 .out = "inside"},
	{.name = "cat with a line for less than it reads",
	 .program = "/bin/cat",
	 .policy = "cat",
	 .cut = "r = ${PWD}",
	 .put = "w = ${PWD}/file.txt",
	 .argv = {"file.txt"},
	 .out = "inside"},
	{.name = "ls without its directory",
	 .program = "/usr/bin/ls",
	 .policy = "ls",
	 .cut = "r = ${PWD}",
	 .put = "",
	 .argv = {"."},
	 .out = "file.txt"},
	{.name = "python3 without cpath",
	 .program = PYTHON,
	 .policy = "python3",
	 .cut = "cpath ",
	 .put = "",
	 .argv = {"-c", "import os, json; open('new', 'w').write('x'); os.rename('new', 'made'); "
			"print('ok')"},
	 .out = "ok",
	 .makes = "{work}/made"},
	{.name = "python3 without its libraries",
	 .program = PYTHON,
	 .policy = "python3",
	 .cut = "include = python-libs.ini",
	 .put = "",
	 .argv = {"-c", "import json; print(json.dumps('ok'))"},
	 .out = "ok"},
	{.name = "curl without dns and inet",
	 .program = "/usr/bin/curl",
	 .policy = "curl",
	 .cut = " inet dns",
	 .put = "",
	 .argv = {"-sS", "http://localhost:{port}/file.txt"},
	 .out = "inside"},
	{.name = "wget without dns and inet",
	 .program = "/usr/bin/wget",
	 .policy = "wget",
	 .cut = " inet dns",
	 .put = "",
	 .argv = {"-q", "-O", "-", "http://localhost:{port}/file.txt"},
	 .out = "inside"},
	{.name = "sqlite3 without flock",
	 .program = "/usr/bin/sqlite3",
	 .policy = "sqlite3",
	 .cut = "flock ",
	 .put = "",
	 .argv = {"new.db", TABLE},
	 .out = "ok",
	 .makes = "{work}/new.db"},
	{.name = "sqlite3 without its directory",
	 .program = "/usr/bin/sqlite3",
	 .policy = "sqlite3",
	 .cut = "rwc = ${PWD}",
	 .put = "",
	 .argv = {"new.db", TABLE},
	 .out = "ok",
	 .makes = "{work}/new.db"},
	/* The line that there is would be refused beside the one to add. */
	{.name = "sqlite3 with a directory that it only reads",
	 .program = "/usr/bin/sqlite3",
	 .policy = "sqlite3",
	 .cut = "rwc = ${PWD}",
	 .put = "r = ${PWD}\nr = ${PWD}/file.txt",
	 .argv = {"new.db", TABLE},
	 .out = "ok",
	 .makes = "{work}/new.db"},
	{.name = "git without cpath",
	 .program = "/usr/bin/git",
	 .policy = "git",
	 .cut = "cpath ",
	 .put = "",
	 .argv = {"init", "repo"},
	 .out = "Initialized",
	 .makes = "{work}/repo/.git/HEAD"},
	{.name = "tar without its programs",
	 .program = "/usr/bin/tar",
	 .policy = "tar",
	 .cut = "include = compress.ini",
	 .put = "",
	 .argv = {"-cJf", "a.tar.xz", "file.txt"},
	 .out = "",
	 .makes = "{work}/a.tar.xz"},
	{.name = "tar without proc and exec",
	 .program = "/usr/bin/tar",
	 .policy = "tar",
	 .cut = "getpw proc exec",
	 .put = "getpw",
	 .argv = {"-cJf", "a.tar.xz", "file.txt"},
	 .out = "",
	 .makes = "{work}/a.tar.xz"},
	{.name = "node without prot_exec",
	 .program = "/usr/bin/node",
	 .policy = "node",
	 .cut = "dns prot_exec",
	 .put = "dns",
	 .argv = {"-p", "6 * 7"},
	 .out = "42"},
	{.name = "openssl without its directory",
	 .program = "/usr/bin/openssl",
	 .policy = "openssl",
	 .cut = "rwc = ${PWD}",
	 .put = "",
	 .argv = {"dgst", "-sha256", "file.txt"},
	 .out = "SHA"},
	{.name = "xz without cpath",
	 .program = "/usr/bin/xz",
	 .policy = "xz",
	 .cut = "cpath ",
	 .put = "",
	 .argv = {"-kf", "file.txt"},
	 .out = "",
	 .makes = "{work}/file.txt.xz"},
	{.name = "convert without prot_exec",
	 .program = "/usr/bin/convert",
	 .policy = "convert",
	 .cut = " prot_exec",
	 .put = "",
	 .argv = {"-size", "8x8", "xc:red", "png:out.png"},
	 .out = "",
	 .makes = "{work}/out.png"},
	{.name = "man without groff",
	 .program = "/usr/bin/man",
	 .policy = "man",
	 .cut = "rx? = /usr/bin/groff\n",
	 .put = "",
	 .argv = {"./page.1"},
	 .out = "written for"},
	{.name = "redis-server without proc, its data elsewhere",
	 .program = "/usr/bin/redis-server",
	 .policy = "redis-server",
	 .cut = " proc",
	 .put = "",
	 .argv = {"--port", "{port}", "--bind", "127.0.0.1", "--dir", "{work}", "--appendonly",
		  "yes", "--save", ""},
	 .out = "Ready to accept connections",
	 .makes = "{work}/appendonlydir",
	 .stop = "TERM"},
	{.name = "nginx without inet, its directory elsewhere",
	 .program = "/usr/sbin/nginx",
	 .policy = "nginx",
	 .cut = " inet",
	 .put = "",
	 .argv = {"-p", "{work}", "-c", "{work}/nginx.conf"},
	 .out = "",
	 .makes = "{work}/access.log",
	 .stop = "QUIT"},
};

static const char nginx_conf[] =
	"daemon off; pid {work}/pid; error_log {work}/error.log;\n"
	"events { worker_connections 64; }\n"
	"http { access_log {work}/access.log;\n"
	"client_body_temp_path {work}/t1; proxy_temp_path {work}/t2;\n"
	"fastcgi_temp_path {work}/t3; uwsgi_temp_path {work}/t4; scgi_temp_path {work}/t5;\n"
	"server { listen 127.0.0.1:{port}; root {work}; } }\n";

/* The shipped policy, less what is cut from it. */
static void write_policy(struct live *live, const struct repair *repair)
{
	char path[64], *text, *cut, *out;

	(void)snprintf(path, sizeof(path), "{stage}/conf/%s.ini", repair->policy);
	text = live_read(live, path);
	cr_assert(text, "%s", path);
	cut = strstr(text, repair->cut);
	cr_assert(cut, "%s: \"%s\" is not in %s", repair->name, repair->cut, path);
	cr_assert(asprintf(&out, "%.*s%s%s", (int)(cut - text), text, repair->put,
			   cut + strlen(repair->cut)) > 0);
	live_write(live, "{home}/policies/policy.ini", out);
	free(text);
	free(out);
}

/* Blank a line, so that the others keep their numbers. */
static void take_out(struct live *live, const char *file, unsigned line)
{
	char *text = live_read(live, file), *p = text;

	cr_assert(text, "%s", file);
	for (unsigned i = 1; i < line && p; i++) {
		p = strchr(p, '\n');
		p = p ? p + 1 : NULL;
	}
	cr_assert(p, "%s has no line %u", file, line);
	memset(p, ' ', strcspn(p, "\n"));
	live_write(live, file, text);
	free(text);
}

/* "; take out r = PATH (FILE:LINE)" */
static void take_out_all(struct live *live, const char *piece)
{
	for (const char *p = piece; (p = strstr(p, "\n; take out ")); p++) {
		const char *end = strchr(p + 1, '\n');
		char *line = strndup(p, (size_t)(end - p)), *file = strrchr(line, '(');
		char *number = strrchr(line, ':');

		cr_assert(file && number && number > file, "%s", line);
		*number = '\0';
		take_out(live, file + 1, (unsigned)strtoul(number + 1, NULL, 10));
		free(line);
	}
}

/* Let the policy include @name, and take out what that displaces. */
static void merge(struct live *live, const char *name, const char *piece)
{
	static const char policy[] = "{home}/policies/policy.ini";
	const char *word = "include =", *more = "";
	char *text, *at, *out;

	take_out_all(live, piece);
	text = live_read(live, policy);
	at = strstr(text, word);
	if (!at) {
		word = "[sandbox]\n";
		more = "include =";
		at = strstr(text, word);
	}
	cr_assert(at);
	at += strlen(word);
	cr_assert(asprintf(&out, "%.*s%s %s%s%s", (int)(at - text), text, more, name,
			   *more ? "\n" : "", at) > 0);
	live_write(live, policy, out);
	free(text);
	free(out);
}

static void copy_conf(struct live *live, const char *name)
{
	char from[64], to[64], *text;

	(void)snprintf(from, sizeof(from), "{stage}/conf/%s", name);
	(void)snprintf(to, sizeof(to), "{home}/policies/%s", name);
	text = live_read(live, from);
	cr_assert(text, "%s", from);
	live_write(live, to, text);
	free(text);
}

static bool works(struct live *live, const struct repair *repair, const struct live_result *result)
{
	return result->status == 0 && strstr(result->out, repair->out) &&
	       (!repair->makes || live_exists(live, repair->makes)) &&
	       !strstr(result->err, "sbx-preload");
}

static void prepare_repair(struct live *live, const struct repair *repair)
{
	static const char *const server[] = {PYTHON,	  "-m",	    "http.server", "--bind",
					     "127.0.0.1", "{port}", NULL};
	static const char *const shared[] = {"tls.ini", "pager.ini", "python-libs.ini",
					     "compress.ini"};
	unsigned port;
	char *text;

	prepare(live);
	port = live_free_port(live);
	if (strcmp(repair->cut, " inet dns") == 0)
		cr_assert(live_server_start(live, server, port));
	live_mkdir(live, "{home}/policies");
	for (size_t i = 0; i < COUNT(shared); i++)
		copy_conf(live, shared[i]);
	live_write(live, "{work}/page.1", ".TH PAGE 1\n.SH NAME\npage \\- written for a test\n");
	text = live_expand(live, nginx_conf);
	live_write(live, "{work}/nginx.conf", text);
	free(text);
	write_policy(live, repair);
}

/* Run it once more, with the supervisor's file @explain. */
static struct live_result run_repair(struct live *live, const struct repair *repair,
				     const char *explain)
{
	const char *argv[28], **p = argv;

	if (repair->stop) {
		*p++ = "/usr/bin/timeout";
		*p++ = "-k5";
		*p++ = "--preserve-status";
		*p++ = "-s";
		*p++ = repair->stop;
		*p++ = "2";
	}
	*p++ = SBX;
	*p++ = explain;
	*p++ = "-P";
	*p++ = "{home}/policies/policy.ini";
	*p++ = repair->program;
	memcpy(p, repair->argv, sizeof(repair->argv));
	p[COUNT(repair->argv)] = NULL;
	return run(live, argv);
}

static void do_repair(const struct repair *repair)
{
	struct live live = {0};
	int round;

	prepare_repair(&live, repair);
	for (round = 0; round <= ROUNDS; round++) {
		char name[32], piece[64], explain[80], *text;
		const char *check[] = {SBX, "--check", "{home}/policies/policy.ini", NULL};
		struct live_result result;
		bool done;

		(void)snprintf(name, sizeof(name), "piece%d.ini", round);
		(void)snprintf(piece, sizeof(piece), "{home}/policies/%s", name);
		(void)snprintf(explain, sizeof(explain), "--explain=%s", piece);
		result = run_repair(&live, repair, explain);
		done = works(&live, repair, &result);
		text = live_read(&live, piece);
		if (done || !text) {
			cr_expect(done, "%s, round %d: %d\n%s%s", repair->name, round,
				  result.status, result.out, result.err);
			cr_expect(round > 0, "%s: nothing needed repair", repair->name);
			live_result_done(&result);
			free(text);
			break;
		}
		live_result_done(&result);
		merge(&live, name, text);
		free(text);
		result = run(&live, check);
		cr_expect_eq(result.status, 0, "%s: %s", repair->name, result.err);
		live_result_done(&result);
	}
	cr_expect_leq(round, ROUNDS, "%s: not in %d rounds", repair->name, ROUNDS);
	live_done(&live);
}

Test(explain, advice_helps)
{
	live_need_program(PYTHON);
	for (size_t i = 0; i < COUNT(repairs); i++)
		live_need_program(repairs[i].program);
	for (size_t i = 0; i < COUNT(repairs); i++)
		do_repair(&repairs[i]);
}
