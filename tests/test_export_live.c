/* SPDX-License-Identifier: MIT */
/* Live: what --export writes, in the hands of those that it is for. A consumer that tests/setup.sh
 * does not install is skipped where it is not there. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "live.h"

TestSuite(export_live, .fini = live_cleanup);

#define SBX "{stage}/sbx-preload"

/* @script in work/, by a shell, not sandboxed. */
static struct live_result run_script(struct live *live, const char *script)
{
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};
	const struct live_command command = {.argv = argv};

	return live_run(live, &command);
}

static void expect_script(struct live *live, const char *name, const char *script, int status,
			  const char *out, const char *err)
{
	struct live_result result = run_script(live, script);

	cr_expect_eq(result.status, status, "%s: status %d\n%s%s", name, result.status, result.out,
		     result.err);
	cr_expect(!out || strcmp(result.out, out) == 0, "%s: printed \"%s\"", name, result.out);
	cr_expect(!err || strstr(result.err, err), "%s: complained \"%s\"", name, result.err);
	live_result_done(&result);
}

/* ---- bwrap --seccomp ---- */

#define BWRAP(flags, command)                                  \
	SBX " " flags " --export=bpf > f.bpf 2> /dev/null && " \
	    "bwrap --dev-bind / / --seccomp 3 -- " command " 3< f.bpf"

static const struct {
	const char *name;
	const char *script;
	int status;
	const char *out, *err;
} confined[] = {
	{"reads", BWRAP("-V -p 'stdio rpath exec'", "cat text"), 0, "hello\n", NULL},
	{"does not write", BWRAP("-V -p 'stdio rpath exec'", "cp text copy"), 1, "",
	 "Operation not permitted"},
	{"writes", BWRAP("-V -p 'stdio rpath wpath cpath exec'", "cp text copy"), 0, "", NULL},
	{"does not fork",
	 BWRAP("-V -p 'stdio rpath exec'", "sh -c 'echo shell; cat text; echo on'"), 2, "shell\n",
	 "annot fork"},
	{"forks", BWRAP("-V -p 'stdio rpath exec proc'", "sh -c 'cat text; echo on'"), 0,
	 "hello\non\n", NULL},
	{"no sockets",
	 BWRAP("-V -p 'stdio rpath exec prot_exec'",
	       "python3 -Sc 'import socket; socket.socket()'"),
	 1, "", "PermissionError"},
	{"sockets",
	 BWRAP("-V -p 'stdio rpath exec prot_exec inet'",
	       "python3 -Sc 'import socket; socket.socket(); print(1)'"),
	 0, "1\n", NULL},
	{"a rule", BWRAP("-V -p 'stdio rpath exec' --deny 'uname -> errno ENODEV'", "uname"), 1, "",
	 "No such device"},
	/* Without exec there is nothing to be seen. */
	{"execs nothing", BWRAP("-V -p 'stdio rpath'", "cat text"), 1, "",
	 "Operation not permitted"},
};

Test(export_live, bwrap)
{
	struct live live;

	live_need_program("/usr/bin/bwrap");
	live_need_landlock(0);
	live_init(&live, geteuid());
	live_write(&live, "{work}/text", "hello\n");
	for (size_t i = 0; i < sizeof(confined) / sizeof(confined[0]); i++)
		expect_script(&live, confined[i].name, confined[i].script, confined[i].status,
			      confined[i].out, confined[i].err);
	live_done(&live);
}

/* ---- C ---- */

/* Puts the filter in force, then tries: exit status 0 when each call comes out as it should. */
static const char main_c[] =
	"#include <errno.h>\n"
	"#include <pthread.h>\n"
	"#include <signal.h>\n"
	"#include <stdio.h>\n"
	"#include <sys/socket.h>\n"
	"#include <sys/syscall.h>\n"
	"#include <unistd.h>\n"
	"int sbx_install_filter(void);\n"
	"static void *thread(void *arg) { return arg; }\n"
	"#define WANT(n, what) do { errno = 0; if (!(what)) { fprintf(stderr, \"%d %d\\n\", n, "
	"errno); return n; } } while (0)\n"
	"int main(void)\n"
	"{\n"
	"\tpthread_t t;\n"
	"\tint parent = getppid();\n"
	"\tWANT(1, sbx_install_filter() == 0);\n"
	"\tWANT(2, kill(getpid(), 0) == 0);\n"
	"\tWANT(3, kill(parent, 0) == -1 && errno == EPERM);\n"
	"\tWANT(4, socket(AF_INET, SOCK_STREAM, 0) == -1 && errno == EPERM);\n"
	"\tWANT(5, syscall(SYS_clone3, NULL, 0) == -1 && errno == ENOSYS);\n"
	"\tWANT(6, syscall(599) == -1 && errno == ENOSYS);\n"
	"\tWANT(7, syscall(SYS_getuid) == -1 && errno == EDOM);\n"
	"\tWANT(8, fork() == -1 && errno == EPERM);\n"
	"\tWANT(9, pthread_create(&t, NULL, thread, NULL) == 0 && pthread_join(t, NULL) == 0);\n"
	"\treturn 0;\n"
	"}\n";

static const char *const compilers[] = {
	"cc -Wall -Wextra -Werror -o a.out main.c f.c -lpthread",
	"cc -std=gnu89 -O0 -Wall -Werror -o a.out main.c f.c -lpthread",
	"cc -std=c99 -D_GNU_SOURCE -O2 -Wall -Werror -o a.out main.c f.c -lpthread",
	"clang -Wall -Wextra -Werror -o a.out main.c f.c -lpthread",
};

Test(export_live, c)
{
	struct live live;
	char script[256];

	live_need_program("/usr/bin/cc");
	live_need_landlock(0);
	live_init(&live, geteuid());
	live_write(&live, "{work}/main.c", main_c);
	expect_script(&live, "export",
		      SBX " -p stdio --deny 'getuid -> errno EDOM' -v 'r:/etc' --export=c > f.c", 0,
		      "", NULL);
	for (size_t i = 0; i < sizeof(compilers) / sizeof(compilers[0]); i++) {
		(void)snprintf(script, sizeof(script), "%s && ./a.out", compilers[i]);
		expect_script(&live, compilers[i], script, 0, "", NULL);
	}
	live_done(&live);
}

/* Every policy compiles, and what is compiled is what --export=bpf writes. */
static const char *const same_flags[] = {
	"-p ''",
	"-p stdio",
	"-p 'stdio proc'",
	"-V -p 'stdio rpath'",
	"-k -p 'stdio inet dns'",
	"-p stdio --deny 'read(arg0 == 3)' --allow 'acct(arg0 == 0)'",
};

Test(export_live, c_is_bpf)
{
	struct live live;
	char script[1024];

	live_need_program("/usr/bin/cc");
	live_init(&live, geteuid());
	live_write(&live, "{work}/dump.c",
		   "#include \"f.c\"\n"
		   "int main(void)\n"
		   "{\n"
		   "\treturn write(1, sbx_filter, sizeof(sbx_filter)) != sizeof(sbx_filter);\n"
		   "}\n");
	for (size_t i = 0; i < sizeof(same_flags) / sizeof(same_flags[0]); i++) {
		(void)snprintf(script, sizeof(script),
			       SBX " %s --export=c > f.c 2> /dev/null && " SBX
				   " %s --export=bpf > f.bpf 2> /dev/null && "
				   "cc -Wall -Werror -o dump dump.c && ./dump | cmp - f.bpf",
			       same_flags[i], same_flags[i]);
		expect_script(&live, same_flags[i], script, 0, "", NULL);
	}
	live_done(&live);
}

/* ---- strace, systemd ---- */

Test(export_live, strace)
{
	struct live live;

	live_need_program("/usr/bin/strace");
	live_init(&live, geteuid());
	/* An address is bound nowhere: only refused calls are shown. */
	expect_script(&live, "strace",
		      "strace -f -o log $(" SBX " -p 'stdio rpath exec' --export=strace-filter "
		      "2> /dev/null) mkdir made && grep -c '^[0-9]* *mkdir(\"made\"' log && "
		      "! grep -E ' (read|close|brk)\\(' log",
		      0, "1\n", NULL);
	live_done(&live);
}

static const char *const unit_flags[] = {
	"-p ''",
	"-p 'stdio rpath inet dns' -v r:/etc",
	"-k -p 'stdio rpath wpath cpath fattr proc exec unix tty'",
	"-p 'stdio prot_exec' --allow unshare --deny 'getpid -> errno EACCES' --deny 'getppid -> "
	"kill' "
	"--allow socket",
};

/* Nothing but a word about names that are younger than it. Its status says nothing about lines that
 * it passes by. */
Test(export_live, systemd)
{
	struct live live;
	char script[1024];

	live_need_program("/usr/bin/systemd-analyze");
	live_init(&live, geteuid());
	live_write(
		&live, "{work}/policy.ini",
		"[sandbox]\npromises = stdio inet\nunsafe_syscalls = yes\n[net]\nbind_tcp = 80\n");
	for (size_t i = 0; i < sizeof(unit_flags) / sizeof(unit_flags[0]); i++) {
		(void)snprintf(script, sizeof(script),
			       "{ echo '[Unit]'; echo Description=x; " SBX
			       " -q -P {work}/policy.ini %s --export=systemd; "
			       "echo ExecStart=/bin/true; } > x.service && "
			       "systemd-analyze verify --man=no ./x.service 2>&1 | "
			       "grep -v 'Failed to parse system call, ignoring: [a-z_0-9]*$'; "
			       "grep -c SocketBindAllow=tcp:80 x.service",
			       unit_flags[i]);
		expect_script(&live, unit_flags[i], script, 0, "1\n", NULL);
	}
	live_done(&live);
}

/* ---- there and back ---- */

Test(export_live, round_trip)
{
	struct live live;

	live_need_program("/bin/cat");
	live_need_landlock(4);
	live_init(&live, geteuid());
	live_write(&live, "{work}/text", "hello\n");
	expect_script(&live, "import",
		      SBX " -p 'stdio rpath' --deny 'uname -> errno ENODEV' --export=oci-json > "
			  "p.json && " SBX
			  " --import=oci-json p.json > p.ini && chmod 600 p.ini && " SBX
			  " -P p.ini cat text && ! " SBX " -q -P p.ini uname",
		      0, "hello\n", "uname");
	expect_script(&live, "pipe",
		      SBX " -p 'stdio rpath' --export=seccompiler-json | " SBX
			  " --import=seccompiler-json - | grep ^promises",
		      0, "promises = stdio rpath\n", NULL);
	expect_script(&live, "bad", "echo '{' | " SBX " --import=oci-json -", 2, "",
		      "/dev/stdin:1: column 2: ");
	expect_script(&live, "unknown", SBX " -p stdio --export=toml", 2, "", "bpf, pfc, c, ");
	live_done(&live);
}
