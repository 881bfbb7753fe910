/* SPDX-License-Identifier: MIT */
/* Live tests: scratch directories, a staged copy of what was built, running commands bare and
 * sandboxed as root and as an ordinary user, servers on loopback. Whatever a struct live started or
 * made is gone after live_done(). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define LIVE_NOBODY	  65534u
#define LIVE_SERVERS	  4
#define LIVE_ARGS	  16
#define LIVE_TIMEOUT_S	  60
#define LIVE_SANDBOX_ARGS 32
#define LIVE_PATH	  "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct live_server {
	pid_t pid; /* leader of its own session; 0: none */
	char log[256];
};

/* The stage of one test. root/ belongs to whoever runs the tests and holds
 *   stage/    sbx-preload, libsbx-preload.so and conf/, modes that policies are trusted with
 *   work/     owned by @uid: the current directory of every command, ${PWD} of the policies
 *   home/     owned by @uid: $HOME
 *   outside/  owned by @uid, unveiled by no shipped policy: what a sandboxed program must not
 * reach; holds secret.txt */
struct live {
	uid_t uid;     /* whom commands run as; the group has the same number */
	unsigned port; /* for {port} in arguments; live_free_port() sets it */
	char root[128], stage[160], work[160], home[160], outside[160];
	struct live_server servers[LIVE_SERVERS];
};

#define LIVE_SECRET "the-secret-outside" /* what outside/secret.txt holds */

/* Abort the test when the stage cannot be built (no build, no space). SBX_BUILD names the build
 * directory ("build"), SBX_CONF the shipped policies ("conf"), SBX_TEST_TMP where scratch
 * directories go
 * ("/var/tmp"). */
void live_init(struct live *live, uid_t uid);
/* Stop every server, remove every file. Harmless on a zeroed struct. */
void live_done(struct live *live);
/* For a suite's .fini: the same for what a failed assertion left behind. One struct live at a time
 * is remembered. */
void live_cleanup(void);

/* The users that live tests run as: root and nobody when the tests run as root, else only who runs
 * them. Returns how many. */
size_t live_users(uid_t ret[2]);

/* Skip the test with a reason; with SBX_MUST_RUN=1 that is a failure. */
void live_need_program(const char *path);
void live_need_landlock(int abi); /* and seccomp filters */
void live_need_root(void);

struct live_result {
	int status;	 /* exit status, 128 + signal, or -1 after the time-out */
	char *out, *err; /* heap, NUL-terminated; live_result_done() */
	size_t out_len, err_len;
};
void live_result_done(struct live_result *result);

/* The lines about denials in what was printed. A line of the sandbox that is none, as when it could
 * not start, or one without @part (NULL: whatever) makes it -1. @foreign: other lines may be there,
 * too, the program's; else they make it -1 as well. */
int live_denials(const char *printed, const char *part, bool foreign);

struct live_command {
	/* NULL-terminated; {work} {home} {outside} {stage} {root}, {port}, {uid} and {server} (the
	 * first one's pid) are replaced. */
	const char *const *argv;
	const char *const *env; /* NULL or NULL-terminated "NAME=value", added to a clean
				   environment; also replaced */
	const char *input;	/* standard input; NULL: /dev/null; also replaced */
	const char *cwd;	/* NULL: work/ */
	bool tty;		/* all three on a terminal; everything then arrives in out */
	int timeout_s;		/* 0: LIVE_TIMEOUT_S */
};
struct live_result live_run(struct live *live, const struct live_command *command);

/* One line in a table of what programs do and what they are kept from. */
struct live_case {
	const char *name;	     /* for messages */
	const char *policy;	     /* conf/NAME.ini */
	const char *flags[5];	     /* more flags of sbx-preload, "-v", "rwc:{work}/data" */
	const char *argv[LIVE_ARGS]; /* absolute path first; placeholders as in live_command */
	const char *input;
	const char *env[3]; /* as in live_command */
	bool tty;	    /* run on a terminal */
	const char *out;    /* the deed: this is on standard output … */
	const char *makes; /* … and this file holds something (placeholders); removed beforehand */
	const char *says;  /* live_kept only: the program's own complaint, on either output */
	/* live_does only: what the sandbox denies and says so, but the program copes with. Every
	 * such line must have this text in it; NULL: none may be there. */
	const char *copes;
	bool varies; /* what it prints changes with the clock or the process */
};
/* Run @c bare and then under its policy: both must exit 0 and do the deed, and the sandbox must say
 * nothing but what the case names. */
void live_does(struct live *live, const struct live_case *c);
/* Run @c bare: it exits 0 and does the deed. Then under its policy: it does not do the deed, and
 * says why. The exit status is the program's own affair (cat fails, sqlite3 goes on) but never that
 * of a sandbox that could not start. */
void live_kept(struct live *live, const struct live_case *c);
/* Either for a whole table, as every user, each on a fresh stage. @prepare (may be NULL) sets the
 * stage. */
void live_does_all(const struct live_case *cases, size_t count, void (*prepare)(struct live *));
void live_kept_all(const struct live_case *cases, size_t count, void (*prepare)(struct live *));

/* The parts of these, for other ways to run a case: behind @with (words before the program's, NULL
 * at the end; NULL: bare), with what it makes removed beforehand; and whether the deed was done. */
struct live_result live_case_run(struct live *live, const struct live_case *c,
				 const char *const *with);
bool live_case_done(struct live *live, const struct live_case *c, const struct live_result *result);

/* Fill @ret with "sbx-preload -P conf/POLICY.ini FLAGS -- ARGV", for live_run(); pointers are
 * borrowed. */
void live_sandbox_argv(const char *policy, const char *const *flags, const char *const *argv,
		       const char *ret[LIVE_SANDBOX_ARGS], char policy_path[64]);

/* A loopback TCP port that nobody uses, also put into live->port. */
unsigned live_free_port(struct live *live);
/* Start @argv in work/ (placeholders are replaced) and wait until 127.0.0.1:@port accepts; its
 * output goes to a log. False (and a failed expectation that shows the log) when it ends before or
 * 20 s pass. */
bool live_server_start(struct live *live, const char *const *argv, unsigned port);
/* The same under a shipped policy. */
bool live_server_sandboxed(struct live *live, const char *policy, const char *const *flags,
			   const char *const *argv, unsigned port);
/* SIGTERM, wait, SIGKILL for what is left of its session after 10 s. Returns its status as in
 * live_result. */
int live_server_stop(struct live *live);
/* Can anybody connect to 127.0.0.1:@port? */
bool live_port_open(unsigned port);

/* Status line, headers and body of http://127.0.0.1:PORT/PATH; heap. NULL when nobody answers. */
char *live_http_get(unsigned port, const char *path);

/* Replace placeholders. Heap; caller frees. */
char *live_expand(const struct live *live, const char *text);
/* Write @text to the file (placeholders in the path), owned by the stage's user. */
void live_write(struct live *live, const char *path, const char *text);
void live_mkdir(struct live *live, const char *path);
/* The file's contents, heap, NUL-terminated; NULL when it cannot be read. */
char *live_read(struct live *live, const char *path);
bool live_exists(struct live *live, const char *path);
