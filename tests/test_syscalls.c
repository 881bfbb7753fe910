/* SPDX-License-Identifier: MIT */
/* Live: rules of [syscalls] and --allow and --deny, in every way to start a program. */
#include <criterion/criterion.h>
#include <signal.h>

#include "../shim/table.h"
#include "probe_stage.h"

TestSuite(syscalls, .timeout = 240, .fini = live_cleanup);

/* How the program comes to be confined: the rule must hold in each. */
static const struct way {
	const char *name;
	const char *before[4]; /* of the launcher */
	bool preload;	       /* or LD_PRELOAD alone */
	bool reports;
} ways[] = {
	{"told beside the program", {NULL}, false, true},
	{"quiet", {"-q"}, false, false},
	{"--explain", {"-e"}, false, true},
	{"LD_PRELOAD alone", {NULL}, true, true},
	{"LD_PRELOAD alone, report = no", {"report = no\n"}, true, false},
};

struct rule_row {
	const char *name;
	const char *sandbox;  /* more of [sandbox] */
	const char *syscalls; /* lines of [syscalls] */
	const char *script;   /* of python3, with os and socket */
	int status;
	const char *out;
	const char *says; /* who reports; NULL: nothing */
};

#define SOCKET "socket.socket(socket.AF_INET, socket.SOCK_DGRAM); print('made')"
#define TRY(what)                                  \
	"try:\n  " what "\nexcept OSError as e:\n" \
	"  print(errno.errorcode[e.errno])\n"

static const struct rule_row rows[] = {
	{"deny: an error", "", "deny = socket\n", TRY(SOCKET), 0, "EPERM\n",
	 "denied socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC): by the rule \"deny = socket\" "
	 "({stage}/conf/r.ini:"},
	{"deny: this error", "", "deny = socket(arg0 == AF_INET) -> errno EACCES\n", TRY(SOCKET), 0,
	 "EACCES\n", "by the rule \"deny = socket(arg0 == AF_INET) -> errno EACCES\""},
	{"deny: another family", "", "deny = socket(arg0 == AF_NETLINK)\n", TRY(SOCKET), 0,
	 "made\n", NULL},
	{"deny: by a mask", "", "deny = socket(arg1 & 0xf == SOCK_DGRAM)\n", TRY(SOCKET), 0,
	 "EPERM\n", "by the rule"},
	{"deny: kill", "", "deny = socket(arg0 == AF_INET) -> kill\n", TRY(SOCKET), 128 + SIGSYS,
	 "", "denied socket("},
	{"deny: let through", "", "deny = socket -> log\n", TRY(SOCKET), 0, "made\n",
	 "let through socket("},
	{"on_violation = kill", "on_violation = kill\n", "deny = socket\n", TRY(SOCKET),
	 128 + SIGSYS, "", "denied socket("},
	{"deny: the first one that matches", "",
	 "deny = socket(arg0 == AF_INET) -> errno EACCES\ndeny = socket\n", TRY(SOCKET), 0,
	 "EACCES\n", "EACCES"},
	{"allow: what no promise is there for", "", "allow = getpriority\n",
	 "print(os.getpriority(os.PRIO_PROCESS, 0))\n", 0, "0\n", NULL},
	{"allow: with these arguments", "", "allow = setpriority(arg0 == 0, arg2 == 3)\n",
	 "os.setpriority(os.PRIO_PROCESS, 0, 3)\n" TRY("os.setpriority(os.PRIO_PROCESS, 0, 4)"), 0,
	 "EPERM\n", "denied setpriority(PRIO_PROCESS, 0, 4): needs promise \"proc\""},
	{"deny goes before allow", "",
	 "allow = setpriority(arg0 == 0)\ndeny = setpriority(arg2 == 4) -> errno EIO\n",
	 "os.setpriority(os.PRIO_PROCESS, 0, 3)\n" TRY("os.setpriority(os.PRIO_PROCESS, 0, 4)"), 0,
	 "EIO\n", "by the rule \"deny = setpriority(arg2 == 4) -> errno EIO\""},
	{"a path that is allowed is still bounded", "", "allow = mkdir\n",
	 TRY("os.mkdir('{outside}/new')"), 0, "EACCES\n", NULL},
	{"a start that could not be without it", "",
	 "deny = prctl\ndeny = mprotect -> errno ENOSYS\n", "print('on')\n", 0, "on\n", NULL},
};

static void write_policy(struct live *live, const struct rule_row *row, const struct way *way)
{
	char text[4096];

	(void)snprintf(text, sizeof(text),
		       "[sandbox]\npromises = stdio rpath inet prot_exec\n%s%s[unveil]\nr = /usr\n"
		       "r = /etc\n[syscalls]\n%s",
		       row->sandbox, way->preload && way->before[0] ? way->before[0] : "",
		       row->syscalls);
	stage_put_text(live, "{stage}/conf/r.ini", text, 0644);
}

static struct live_result run(struct live *live, const struct rule_row *row, const struct way *way)
{
	static const char *const env[] = {"SBX_POLICY={stage}/conf/r.ini", "LD_PRELOAD=" SHIM,
					  NULL};
	const char *argv[16] = {0};
	char script[2048];
	size_t n = 0;

	(void)snprintf(script, sizeof(script), "import errno, os, socket\n%s", row->script);
	if (!way->preload) {
		argv[n++] = "{stage}/sbx-preload";
		for (size_t i = 0; i < ARRAY_SIZE(way->before) && way->before[i]; i++)
			argv[n++] = way->before[i];
		argv[n++] = "-P";
		argv[n++] = "{stage}/conf/r.ini";
	}
	argv[n++] = "/usr/bin/python3";
	argv[n++] = "-I";
	argv[n++] = "-S";
	argv[n++] = "-c";
	argv[n++] = script;
	return live_run(live,
			&(struct live_command){.argv = argv, .env = way->preload ? env : NULL});
}

Test(syscalls, rules_hold_in_every_way)
{
	struct live live;

	live_need_landlock(6);
	live_need_program("/usr/bin/python3");
	stage_init(&live, geteuid());
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(ways); j++) {
			const struct rule_row *row = &rows[i];
			struct live_result result;
			char *says = row->says ? live_expand(&live, row->says) : NULL;

			write_policy(&live, row, &ways[j]);
			result = run(&live, row, &ways[j]);
			cr_expect_eq(result.status, row->status, "%s, %s: %d %s", row->name,
				     ways[j].name, result.status, result.err);
			cr_expect_str_eq(result.out, row->out, "%s, %s: %s %s", row->name,
					 ways[j].name, result.out, result.err);
			if (says && ways[j].reports)
				cr_expect(strstr(result.err, says), "%s, %s: %s", row->name,
					  ways[j].name, result.err);
			else if (!ways[j].reports)
				cr_expect(!strstr(result.err, "sbx-preload"), "%s, %s: %s",
					  row->name, ways[j].name, result.err);
			free(says);
			live_result_done(&result);
		}
	}
	live_done(&live);
}

/* Whatever is denied to the program, its start does without or has: it is the program that fails,
 * if anything does, and never the sandbox. */
Test(syscalls, no_rule_keeps_the_start_from_its_end)
{
	static const char *const quiet[] = {"-q", "-qe", NULL};
	struct live live;
	unsigned ran = 0;

	live_need_landlock(6);
	stage_init(&live, geteuid());
	for (size_t i = 1; i < table_rows_count; i++) {
		const char *argv[] = {"{stage}/sbx-preload", quiet[i % 2], "--deny",
				      table_rows[i].name,    "/bin/true",  NULL};
		struct live_result result;

		if (strcmp(table_rows[i].name, table_rows[i - 1].name) == 0)
			continue;
		result = live_run(&live, &(struct live_command){.argv = argv});
		/* Without these no program could end. */
		if (strcmp(table_rows[i].name, "exit_group") == 0 ||
		    strcmp(table_rows[i].name, "rt_sigreturn") == 0)
			cr_expect_eq(result.status, 2, "%s: %d", table_rows[i].name, result.status);
		else
			cr_expect(!strstr(result.err, "sbx-preload"), "%s: %d %s",
				  table_rows[i].name, result.status, result.err);
		ran++;
		live_result_done(&result);
	}
	cr_expect_gt(ran, 300, "%u", ran);
	live_done(&live);
}

struct refusal_row {
	const char *name, *argv[8];
	int status;
	const char *says;
};

static const struct refusal_row refusals[] = {
	{"no such call",
	 {"--deny", "sockett", "/bin/true"},
	 2,
	 "unknown system call \"sockett\" (did you mean \"socket\"?)"},
	{"no such argument", {"--deny", "getppid(arg0 == 1)", "/bin/true"}, 2, "--deny: "},
	{"a way out", {"--allow", "ptrace", "/bin/true"}, 2, "unsafe_syscalls = yes"},
	{"io_uring", {"--allow", "io_uring_setup", "/bin/true"}, 2, "unsafe_syscalls = yes"},
	{"hidden",
	 {"--deny", "socket", "--deny", "socket(arg0 == AF_INET)", "/bin/true"},
	 2,
	 "--deny"},
	{"never true", {"--deny", "socket(arg0 < 0)", "/bin/true"}, 2, "--deny: "},
	{"a warning", {"--allow", "sethostname", "/bin/true"}, 0, "--allow: warning: "},
	{"learned without a policy",
	 {"--learn", "--deny", "socket", "/bin/true"},
	 2,
	 "--learn runs the program unconfined"},
};

Test(syscalls, refused)
{
	struct live live;

	live_need_landlock(6);
	stage_init(&live, geteuid());
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		const char *argv[10] = {"{stage}/sbx-preload"};
		struct live_result result;

		for (size_t j = 0; refusals[i].argv[j]; j++)
			argv[j + 1] = refusals[i].argv[j];
		result = live_run(&live, &(struct live_command){.argv = argv});
		cr_expect_eq(result.status, refusals[i].status, "%s: %d %s", refusals[i].name,
			     result.status, result.err);
		cr_expect(strstr(result.err, refusals[i].says), "%s: %s", refusals[i].name,
			  result.err);
		live_result_done(&result);
	}
	live_done(&live);
}

/* What the shim cannot enter has one layer, in force when the launcher executes it. */
Test(syscalls, in_a_static_program)
{
	static const struct {
		const char *rule;
		int status;
		const char *says;
	} cases[] = {
		{"uname", 0, NULL},
		{"write -> errno EIO", 0, "denied write("},
		{"execve", 125, "a rule denies execve"},
	};
	struct live live;

	live_need_landlock(6);
	live_need_program("/sbin/ldconfig");
	stage_init(&live, geteuid());
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *argv[] = {"{stage}/sbx-preload",
				      "--deny",
				      cases[i].rule,
				      "-p",
				      "stdio rpath",
				      "-v",
				      "r:/etc",
				      "/sbin/ldconfig",
				      "-p",
				      NULL};
		struct live_result result = live_run(&live, &(struct live_command){.argv = argv});

		cr_expect_eq(result.status, cases[i].status, "%s: %d %s", cases[i].rule,
			     result.status, result.err);
		if (cases[i].says)
			cr_expect(strstr(result.err, cases[i].says), "%s: %s", cases[i].rule,
				  result.err);
		else
			cr_expect_str_empty(result.err, "%s: %s", cases[i].rule, result.err);
		live_result_done(&result);
	}
	live_done(&live);
}

/* --print-policy says it so that a file of it does the same. */
Test(syscalls, print_closes_the_circle)
{
	static const char *const argv[] = {
		"{stage}/sbx-preload",
		"--deny",
		"socket( arg0==AF_INET , arg1&0xf != SOCK_RAW)->errno EACCES",
		"--allow",
		"setpriority(arg2 <= 5)",
		"--print-policy",
		"/bin/true",
		NULL};
	struct live live;
	struct live_result first, second;
	const char *again[] = {"{stage}/sbx-preload", "-P",	   "{stage}/conf/p.ini",
			       "--print-policy",      "/bin/true", NULL};

	live_need_landlock(6);
	stage_init(&live, geteuid());
	first = live_run(&live, &(struct live_command){.argv = argv});
	cr_expect_eq(first.status, 0, "%s", first.err);
	cr_expect(
		strstr(first.out,
		       "deny = socket(arg0 == AF_INET, arg1 & 0xf != SOCK_RAW) -> errno EACCES\n"),
		"%s", first.out);
	stage_put_text(&live, "{stage}/conf/p.ini", first.out, 0644);
	second = live_run(&live, &(struct live_command){.argv = again});
	cr_expect_eq(second.status, 0, "%s", second.err);
	cr_expect(
		strstr(second.out,
		       "deny = socket(arg0 == AF_INET, arg1 & 0xf != SOCK_RAW) -> errno EACCES\n"),
		"%s", second.out);
	cr_expect(strstr(second.out, "allow = setpriority(arg2 <= 5)\n"), "%s", second.out);
	live_result_done(&first);
	live_result_done(&second);
	live_done(&live);
}

/* ---- before the shim is asked, and behind its back ---- */

#define GCC "/usr/bin/gcc"

static void shell(struct live *live, const char *command)
{
	const char *const argv[] = {"/bin/sh", "-ec", command, NULL};
	const char *const env[] = {"TMPDIR={home}", NULL};
	struct live_result result =
		live_run(live, &(struct live_command){.argv = argv, .env = env});

	cr_assert_eq(result.status, 0, "%s: %d\n%s%s", command, result.status, result.out,
		     result.err);
	live_result_done(&result);
}

/* ld.so lets the last library with -z initfirst go first. It may do its work there, or provide the
 * very functions that the shim calls, so that the start is never over. */
#define TRY_SOCKET                                                                               \
	"#define _GNU_SOURCE\n#include <errno.h>\n#include <sys/socket.h>\n"                     \
	"#include <stdio.h>\n#include <sys/syscall.h>\n#include <unistd.h>\nvoid early(void);\n" \
	"static void try(const char *when) {\n"                                                  \
	"	int fd = socket(AF_INET, SOCK_DGRAM, 0);\n"                                            \
	"	dprintf(1, \"%s: %s\\n\", when, fd < 0 && errno == EACCES ? \"denied\" : "             \
	"\"made\");\n}\n"

static const char early_library[] =
	TRY_SOCKET "__attribute__((constructor)) static void begin(void) { try(\"early\"); }\n"
		   "void early(void) { try(\"main\"); }\n";
static const char early_program[] = "void early(void);\nint main(void) { early(); return 0; }\n";

Test(syscalls, code_before_the_shim)
{
	static const char *const options[] = {"--", "-q", "-e", "--audit", "-k"};
	struct live live;

	live_need_landlock(6);
	live_need_program(GCC);
	stage_init(&live, geteuid());
	live_write(&live, "{work}/early.c", early_library);
	live_write(&live, "{work}/prog.c", early_program);
	shell(&live, GCC " -shared -fPIC early.c -o libearly.so -Wl,-z,initfirst;" GCC
			 " prog.c -o prog ./libearly.so");
	stage_put_text(&live, "{stage}/conf/r.ini",
		       "[sandbox]\npromises = stdio rpath inet\n[unveil]\nrx = {work}\n"
		       "[syscalls]\ndeny = socket -> errno EACCES\n",
		       0644);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const char *argv[] = {"{stage}/sbx-preload", "-P", "{stage}/conf/r.ini", options[i],
				      "{work}/prog",	     NULL};
		struct live_result result = live_run(&live, &(struct live_command){.argv = argv});

		cr_expect_eq(result.status, 0, "%s: %d %s", options[i], result.status, result.err);
		cr_expect_str_eq(result.out, "early: denied\nmain: denied\n", "%s: %s%s",
				 options[i], result.out, result.err);
		live_result_done(&result);
	}
	live_done(&live);
}

/* What the loader finds by the name of libseccomp when nobody but the shim is there. */
static const struct {
	const char *name, *text; /* of C; NULL: what is no library */
	const char *says;
} libraries[] = {
	{"no library", NULL, "system-call rules need libseccomp.so.2"},
	{"another library", "int other;\n", "is no libseccomp"},
	/* It lets everything pass, as if there were no rules. */
	{"a faulty library",
	 "#include <unistd.h>\nstatic struct { unsigned short code; char jt, jf; unsigned k; }\n"
	 "	ret = {6, 0, 0, 0x7fff0000};\n"
	 "void *seccomp_init(void) { return &ret; }\nvoid seccomp_release(void) {}\n"
	 "int seccomp_attr_set(void) { return 0; }\n"
	 "int seccomp_rule_add_exact_array(void) { return 0; }\n"
	 "int seccomp_export_bpf(void *c, int fd) {\n"
	 "	(void)c; return write(fd, &ret, sizeof(ret)) == sizeof(ret) ? 0 : -5;\n}\n",
	 "libseccomp compiles this rule about socket wrongly"},
};

Test(syscalls, no_libseccomp_fails_closed)
{
	static const char *const argv[] = {"/bin/echo", "ran", NULL};
	static const char *const env[] = {"SBX_POLICY={stage}/conf/r.ini", "LD_PRELOAD=" SHIM,
					  "LD_LIBRARY_PATH={work}", NULL};
	struct live live;

	live_need_landlock(6);
	live_need_program(GCC);
	stage_init(&live, geteuid());
	stage_put_text(&live, "{stage}/conf/r.ini",
		       "[sandbox]\npromises = stdio rpath inet\n[unveil]\nr = /usr\n"
		       "[syscalls]\ndeny = socket(arg0 == AF_INET)\n",
		       0644);
	for (size_t i = 0; i < ARRAY_SIZE(libraries); i++) {
		struct live_result result;

		live_write(&live, "{work}/fake.c", libraries[i].text ? libraries[i].text : "");
		shell(&live, libraries[i].text ? GCC
				     " -w -shared -fPIC -Wl,-soname,libseccomp.so.2 fake.c "
				     "-o libseccomp.so.2"
					       : "echo nothing > libseccomp.so.2");
		result = live_run(&live, &(struct live_command){.argv = argv, .env = env});
		cr_expect_eq(result.status, 125, "%s: %d", libraries[i].name, result.status);
		cr_expect_str_empty(result.out, "%s: %s", libraries[i].name, result.out);
		cr_expect(strstr(result.err, libraries[i].says), "%s: %s", libraries[i].name,
			  result.err);
		live_result_done(&result);
	}
	live_done(&live);
}

/* Who reports is handed the listener, which must be closed then: nobody reports this one. */
Test(syscalls, close_denied_under_the_shim_alone)
{
	static const char *const argv[] = {"/bin/true", NULL};
	static const char *const env[] = {"SBX_POLICY={stage}/conf/r.ini", "LD_PRELOAD=" SHIM,
					  NULL};
	struct live live;
	struct live_result result;

	live_need_landlock(6);
	stage_init(&live, geteuid());
	stage_put_text(&live, "{stage}/conf/r.ini",
		       "[sandbox]\npromises = stdio rpath\n[unveil]\nr = /usr\n"
		       "[syscalls]\ndeny = close(arg0 > 2)\n",
		       0644);
	result = live_run(&live, &(struct live_command){.argv = argv, .env = env});
	cr_expect_eq(result.status, 0, "%d %s", result.status, result.err);
	cr_expect_str_empty(result.err, "%s", result.err);
	live_result_done(&result);
	live_done(&live);
}
