/* SPDX-License-Identifier: MIT */
/* Live: odd places for a process that reports. The program must run, or end, as it would without
 * one, and nobody may be left waiting or spinning. Each row is a shell script. */
#include <criterion/criterion.h>
#include <signal.h>

#include "probe_stage.h"

TestSuite(report_odd, .timeout = 240, .fini = live_cleanup);

#define PYTHON	  "/usr/bin/python3"
#define BOX	  "{stage}/sbx-preload -v rx:/usr "
#define W2	  "SBX_POLICY={stage}/conf/odd.ini LD_PRELOAD={stage}/libsbx-preload.so "
#define TIMEOUT_S 15

struct odd_row {
	const char *name, *script;
	bool root; /* only root can */
	int status;
	const char *out;  /* all that is printed */
	const char *says; /* NULL: nothing at all */
};

/* Tries what is denied and says how it ended. */
#define TRY "import os, socket\ntry: socket.socket()\nexcept OSError as e: print(e.errno)\n"

static const struct odd_row rows[] = {
	/* With "proc", limits of the user's other processes can be set. */
	{"its limit of descriptors is set to none, beside",
	 BOX
	 "-p 'stdio rpath proc ps prot_exec' " PYTHON " -c '" TRY "import resource\n"
	 "for p in os.listdir(\"/proc\"):\n"
	 "  if p.isdigit():\n"
	 "    try: s = open(f\"/proc/{p}/status\").read()\n"
	 "    except OSError: continue\n"
	 "    if \"sbx-report\" in s and f\"PPid:\\t{os.getpid()}\\n\" in s:\n"
	 "      resource.prlimit(int(p), resource.RLIMIT_NOFILE, (0, 0)); print(\"set\")\n" TRY TRY
	 "' && echo ended",
	 false, 0, "1\nset\n1\n38\nended\n", "needs promise \"inet\""},
	{"its limit of descriptors is set to none, around",
	 BOX "-e -p 'stdio rpath proc ps prot_exec' " PYTHON " -c '" TRY "import resource\n"
	     "resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (0, 0))\n"
	     "os.write(1, b\"set\\n\")\n"
	     "try: socket.socket()\nexcept OSError: pass\n"
	     "import time; time.sleep(60)'",
	 false, 128 + SIGKILL, "set\n", /* Python had not written its buffer */
	 "needs promise \"inet\""},
	{"children go to another PID namespace",
	 "unshare -p " BOX "-p 'stdio rpath' " PYTHON " -c '" TRY "'", true, 0, "1\n", NULL},
	{"children go to another PID namespace, kill",
	 "unshare -p " BOX "-k -p 'stdio rpath' " PYTHON " -c '" TRY "'", true, 128 + SIGSYS, "",
	 "Bad system call"},
	{"children go to another PID namespace, --explain",
	 "unshare -p " BOX "-e -p 'stdio rpath' " PYTHON " -c '" TRY "'", true, 125, "",
	 "cannot supervise: /proc is not that of this PID namespace"},
	{"children go to another PID namespace, way 2", "unshare -p env " W2 PYTHON " -c '" TRY "'",
	 true, 0, "1\n", NULL},
	{"/proc is that of another PID namespace, kill",
	 "unshare -pf sh -c \"" BOX "-k -p 'stdio rpath' " PYTHON
	 " -c 'import socket; socket.socket()'; exit \\$?\"",
	 true, 128 + SIGSYS, "", "Bad system call"}, /* the shell's words */
	{"first process of a PID namespace",
	 "unshare -pf --mount-proc " BOX "-p 'stdio rpath' " PYTHON " -c '" TRY "'", true, 0, "1\n",
	 "needs promise \"inet\""},
	{"a /dev without devices",
	 "unshare -m sh -c \"mount -t tmpfs none /dev && " BOX
	 "-p 'stdio rpath' /bin/echo a && " BOX "-p 'stdio' /bin/cat /etc/hostname\"",
	 true, 1, "a\n", "needs promise \"rpath\""},
	{"a /dev without devices, way 2",
	 "unshare -m sh -c \"mount -t tmpfs none /dev && env " W2 PYTHON
	 " -c 'import socket; socket.socket()' || exit 3\"",
	 true, 3, "", "needs promise \"inet\""},
	{"hardly any descriptors", "ulimit -n 6; " BOX "-p 'stdio rpath' /bin/echo a", false, 0,
	 "a\n", NULL},
	{"a reader of what the program leaves, way 2",
	 "(" W2
	 "sh -c 'sleep 60 >/dev/null 2>&1 </dev/null & echo $!' 2>&1 | { read p; cat; kill $p; })",
	 false, 0, "", NULL},
	/* Neither of these may hold the program up. */
	{"a terminal that nobody reads",
	 PYTHON " -c 'import os, pty, sys\n"
		"pid, fd = pty.fork()\n"
		"if pid == 0:\n"
		"  os.dup2(os.open(\"/dev/null\", 1), 1)\n"
		"  os.execv(sys.argv[1], sys.argv[1:])\n"
		"print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' " BOX
		"-p 'stdio rpath' /bin/sh -c 'd=/usr; for i in 1 2 3 4 5 6 7; do "
		"d=$d/./././././././././././././././././././././././.; done; for f in $d/*; do "
		"true >$f/x; done; exit 5'",
	 false, 0, "5\n", NULL},
};

static void check_row(struct live *live, const struct odd_row *row)
{
	const char *const argv[] = {"/bin/sh", "-c", row->script, NULL};
	struct live_result result;

	if (row->root && geteuid() != 0)
		return;
	result = live_run(live, &(struct live_command){.argv = argv, .timeout_s = TIMEOUT_S});
	cr_expect_eq(result.status, row->status, "%s: %d\n%s%s", row->name, result.status,
		     result.out, result.err);
	cr_expect_str_eq(result.out, row->out, "%s: %s", row->name, result.err);
	if (row->says)
		cr_expect(strstr(result.err, row->says), "%s: %s", row->name, result.err);
	else
		cr_expect_str_empty(result.err, "%s: %s", row->name, result.err);
	live_result_done(&result);
}

Test(report_odd, places)
{
	struct live live;

	live_need_landlock(6);
	live_need_program(PYTHON);
	live_init(&live, geteuid());
	live_write(&live, "{stage}/conf/odd.ini",
		   "[sandbox]\npromises = stdio rpath proc exec\n[unveil]\nrx = /usr\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&live, &rows[i]);
	live_done(&live);
}
