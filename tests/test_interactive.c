/* SPDX-License-Identifier: MIT */
/* Live: --interactive on a terminal, with real programs. What it saves is enough for the same work,
 * without a word. */
#include <criterion/criterion.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

#include "../launcher/guide.h"
#include "probe_stage.h"

TestSuite(interactive, .timeout = 240, .fini = live_cleanup);

#define SAID_MAX  (256 * 1024)
#define EXPECT_MS 30000

/* ---- a person at a terminal ---- */

struct session {
	struct live *live;
	pid_t pid;
	int tty; /* the person's side */
	char said[SAID_MAX];
	size_t len, seen; /* up to where it was looked at */
};

static void start(struct session *s, struct live *live, const char *const *argv,
		  const char *const *more_env)
{
	char *words[16] = {NULL}, *env[12] = {NULL};
	const char *const base[] = {"PATH=" LIVE_PATH, "HOME={home}",
				    "XDG_CONFIG_HOME={home}/config", "TERM=xterm", NULL};
	struct winsize size = {.ws_row = 24, .ws_col = 80};
	size_t n = 0;

	*s = (struct session){.live = live};
	for (size_t i = 0; argv[i]; i++)
		words[i] = live_expand(live, argv[i]);
	/* Of two with the same name the first one counts. */
	for (size_t i = 0; more_env && more_env[i]; i++)
		env[n++] = live_expand(live, more_env[i]);
	for (size_t i = 0; base[i]; i++)
		env[n++] = live_expand(live, base[i]);
	s->pid = forkpty(&s->tty, NULL, NULL, &size);
	cr_assert_geq(s->pid, 0, "%m");
	if (s->pid == 0) {
		if (chdir(live->work) != 0 || setgid(live->uid) != 0 || setuid(live->uid) != 0)
			_exit(99);
		(void)execve(words[0], words, env);
		_exit(98);
	}
	for (size_t i = 0; words[i]; i++)
		free(words[i]);
	for (size_t i = 0; i < n; i++)
		free(env[i]);
}

static bool read_more(struct session *s, int timeout_ms)
{
	struct pollfd fd = {.fd = s->tty, .events = POLLIN};
	ssize_t n;

	if (poll(&fd, 1, timeout_ms) <= 0 || s->len == SAID_MAX - 1)
		return false;
	n = read(s->tty, s->said + s->len, SAID_MAX - 1 - s->len);
	if (n <= 0)
		return false; /* EIO: nobody has the other side open */
	s->len += (size_t)n;
	s->said[s->len] = '\0';
	return true;
}

/* Wait until it says @text, behind what was expected before. */
static void expect(struct session *s, const char *text)
{
	const char *found;

	while (!(found = strstr(s->said + s->seen, text)))
		if (!read_more(s, EXPECT_MS))
			cr_assert_fail("\"%s\" is not said; it is:\n%s", text, s->said + s->seen);
	s->seen = (size_t)(found - s->said) + strlen(text);
}

static void answer(struct session *s, const char *text)
{
	cr_assert_eq(write(s->tty, text, strlen(text)), (ssize_t)strlen(text));
}

static int finish(struct session *s)
{
	int status;

	while (read_more(s, EXPECT_MS))
		;
	if (waitpid(s->pid, &status, WNOHANG) == 0) {
		struct timespec wait = {.tv_nsec = 300000000};

		(void)nanosleep(&wait, NULL);
		if (waitpid(s->pid, &status, WNOHANG) == 0) {
			(void)kill(s->pid, SIGKILL);
			(void)waitpid(s->pid, &status, 0);
			cr_assert_fail("it does not end; it said:\n%s", s->said);
		}
	}
	(void)close(s->tty);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* From where it has run to the question at which it can be saved. */
static void accept_all(struct session *s)
{
	expect(s, "[go on] ");
	answer(s, "\n");
	expect(s, "promises ==");
	for (;;) {
		static const char *const prompts[] = {"? [k] ", "[none] ", "Permit it? y", "[n] "};
		const char *p = NULL;

		while (!p) {
			for (size_t i = 0; !p && i < ARRAY_SIZE(prompts); i++)
				p = strstr(s->said + s->seen, prompts[i]);
			if (!p && !read_more(s, EXPECT_MS))
				cr_assert_fail("no prompt in:\n%s", s->said + s->seen);
		}
		s->seen = (size_t)(p - s->said) + 1;
		if (strncmp(p, "? [k]", 5) == 0) {
			answer(s, "a\n");
		} else {
			answer(s, "\n");
			if (strncmp(p, "[n]", 3) == 0)
				break;
		}
	}
	expect(s, "d denials, q quit, b back, ? [s] ");
}

#define INTERACTIVE "{stage}/sbx-preload", "--interactive"

/* ---- real programs ---- */

static const struct {
	const char *name, *program;
	const char *argv[6];
	const char *prepare, *out; /* what it prints */
	const char *has;	   /* in the policy */
} works[] = {
	{"cat", "/bin/cat", {"/bin/cat", "a.txt"}, NULL, "the input", "a.txt"},
	{"sh",
	 "/bin/sh",
	 {"/bin/sh", "-c", "cat a.txt | tr a-z A-Z >out.txt; cat out.txt"},
	 "rm -f out.txt",
	 "THE INPUT",
	 "exec"},
	{"python3",
	 "/usr/bin/python3",
	 {"/usr/bin/python3", "-c",
	  "import json; t = open('a.txt').read(); open('o.json', 'w').write(json.dumps(t)); "
	  "print(t.upper())"},
	 "rm -f o.json",
	 "THE INPUT",
	 "cpath"},
	{"ldconfig", "/sbin/ldconfig", {"/sbin/ldconfig", "-p"}, NULL, "libs found", "ld.so.cache"},
};

static void prepare(struct live *live, const char *script)
{
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};
	struct live_result result;

	live_write(live, "{work}/a.txt", "the input\n");
	if (!script)
		return;
	result = live_run(live, &(struct live_command){.argv = argv});
	cr_assert_eq(result.status, 0);
	live_result_done(&result);
}

/* Under what was saved, found by the program's name, it works as before. */
static void expect_works(struct live *live, size_t i)
{
	const char *argv[10] = {"{stage}/sbx-preload"};
	const char *const env[] = {"XDG_CONFIG_HOME={home}/config", NULL};
	struct live_result result;

	memcpy(argv + 1, works[i].argv, sizeof(works[i].argv));
	prepare(live, works[i].prepare);
	result = live_run(live, &(struct live_command){.argv = argv, .env = env});
	cr_expect_eq(result.status, 0, "%s: %d: %s", works[i].name, result.status, result.err);
	cr_expect(strstr(result.out, works[i].out), "%s: %s", works[i].name, result.out);
	cr_expect_eq(live_denials(result.err, NULL, false), 0, "%s: %s", works[i].name, result.err);
	live_result_done(&result);
}

static void expect_checks(struct live *live, const char *path)
{
	const char *const argv[] = {"{stage}/sbx-preload", "--check", path, NULL};
	struct live_result result = live_run(live, &(struct live_command){.argv = argv});

	cr_expect_eq(result.status, 0, "%s", result.err);
	live_result_done(&result);
}

static void work_and_save(struct live *live, size_t i, struct session *s)
{
	const char *argv[10] = {INTERACTIVE};
	char path[128], *text;

	memcpy(argv + 2, works[i].argv, sizeof(works[i].argv));
	prepare(live, works[i].prepare);
	start(s, live, argv, NULL);
	expect(s, "Run it now?");
	answer(s, "\n");
	expect(s, works[i].out);
	expect(s, "ended with exit status 0.");
	accept_all(s);
	cr_expect(strstr(s->said, "It would have refused nothing of this run."), "%s:\n%s",
		  works[i].name, s->said);
	answer(s, "s\n");
	expect(s, "Save it as ");
	answer(s, "\n");
	expect(s, "From now on it is used by: sbx-preload ");
	cr_expect_eq(finish(s), 0);
	(void)snprintf(path, sizeof(path), "{home}/config/sbx-preload/%s.ini", works[i].name);
	text = live_read(live, path);
	cr_expect(text && strstr(text, works[i].has), "%s: %s in %s", works[i].name, works[i].has,
		  text ? text : "(nothing)");
	free(text);
	expect_checks(live, path);
}

Test(interactive, real_programs)
{
	static struct session session;
	uid_t users[2];

	for (size_t u = 0; u < live_users(users); u++) {
		for (size_t i = 0; i < ARRAY_SIZE(works); i++) {
			struct live live = {0};

			live_need_program(works[i].program);
			live_need_landlock(6);
			live_init(&live, users[u]);
			work_and_save(&live, i, &session);
			expect_works(&live, i);
			live_done(&live);
		}
	}
}

/* The directory for it is the user's alone. */
Test(interactive, directory)
{
	static struct session session;
	struct live live = {0};
	struct stat st;
	char *path;

	live_need_landlock(6);
	live_init(&live, getuid());
	work_and_save(&live, 0, &session);
	path = live_expand(&live, "{home}/config/sbx-preload");
	cr_expect(stat(path, &st) == 0 && (st.st_mode & 0777) == 0700, "%o", st.st_mode);
	free(path);
	live_done(&live);
}

static const char *const cat[] = {INTERACTIVE, "/bin/cat", "a.txt", NULL};

static void begin_cat(struct session *s, struct live *live, const char *const *env)
{
	live_need_landlock(6);
	*live = (struct live){0};
	live_init(live, getuid());
	prepare(live, NULL);
	start(s, live, cat, env);
	expect(s, "Run it now?");
}

/* Save, run, and end as the program does. */
Test(interactive, both)
{
	static struct session session;
	struct live live;

	begin_cat(&session, &live, NULL);
	answer(&session, "\n");
	accept_all(&session);
	answer(&session, "w\n");
	expect(&session, "Save it as ");
	answer(&session, "{relative\n"); /* any name will do */
	expect(&session, "Saved: ");
	expect(&session, "-P ");
	expect(&session, "the input");
	expect(&session, "Under the policy it ended with exit status 0.");
	cr_expect_eq(finish(&session), 0);
	cr_expect(live_exists(&live, "{work}/{relative"));
	live_done(&live);
}

/* What was dropped is denied, and said so before and then. */
Test(interactive, denied)
{
	static struct session session;
	struct live live;

	begin_cat(&session, &live, NULL);
	answer(&session, "\n");
	expect(&session, "[go on] ");
	answer(&session, "\n");
	expect(&session, "Permit rpath?");
	answer(&session, "d\n");
	expect(&session, "[k] ");
	answer(&session, "a\n");
	expect(&session, "[none] ");
	answer(&session, "\n");
	expect(&session, "[n] ");
	answer(&session, "\n");
	expect(&session, "Of this run it would have refused:");
	expect(&session, "openat(\"a.txt\", O_RDONLY)");
	expect(&session, "needs promise \"rpath\"");
	expect(&session, "[s] ");
	answer(&session, "r\n");
	expect(&session, "denied openat(\"a.txt\"");
	expect(&session, "Under the policy it ended with exit status 1.");
	expect(&session, "[s] ");
	answer(&session, "q\n");
	expect(&session, "Nothing was written.");
	cr_expect_eq(finish(&session), 1);
	cr_expect(!live_exists(&live, "{home}/config/sbx-preload"));
	live_done(&live);
}

/* ---- ^D and ^C ---- */

static void expect_quits(const char *key)
{
	static const char *const at[] = {"Run it now?", "[go on] ",    "Permit rpath?",
					 "[none] ",	"Add a rule?", "[s] "};

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		static struct session session;
		struct live live;

		begin_cat(&session, &live, NULL);
		for (size_t j = 0; j < i; j++) {
			answer(&session, j == 2 ? "a\na\n" : "\n");
			expect(&session, at[j + 1]);
		}
		/* Not what was said before the prompt was there. */
		while (!strstr(session.said + session.seen - 1, "] ") && read_more(&session, 1000))
			;
		answer(&session, key);
		expect(&session, "Nothing was written.");
		cr_expect_eq(finish(&session), 1, "at %s", at[i]);
		cr_expect(!live_exists(&live, "{home}/config/sbx-preload"), "at %s", at[i]);
		live_done(&live);
	}
}

Test(interactive, end_of_input)
{
	expect_quits("\x04");
}

Test(interactive, interrupt)
{
	expect_quits("\x03");
}

/* While the program runs ^C is its own: the dialog goes on. */
Test(interactive, interrupts_the_program)
{
	const char *const argv[] = {
		INTERACTIVE, "/bin/sh", "-c",
		"trap 'echo caught; exit 3' INT; echo here; while :; do sleep 0.1; done", NULL};
	static struct session session;
	struct live live = {0};

	live_need_landlock(6);
	live_init(&live, getuid());
	start(&session, &live, argv, NULL);
	expect(&session, "Run it now?");
	answer(&session, "\n");
	expect(&session, "here");
	answer(&session, "\x03");
	expect(&session, "caught");
	expect(&session, "sh ended with exit status 3.");
	expect(&session, "[go on] ");
	answer(&session, "\x04");
	expect(&session, "Nothing was written.");
	cr_expect_eq(finish(&session), 1);
	live_done(&live);
}

/* A program that leaves the terminal raw, and its own processes in the foreground. */
Test(interactive, tidies_the_terminal)
{
	const char *const argv[] = {INTERACTIVE, "/bin/sh", "-c", "stty raw -echo; echo raw", NULL};
	static struct session session;
	struct termios modes;
	struct live live = {0};

	live_need_program("/bin/stty");
	live_need_landlock(6);
	live_init(&live, getuid());
	start(&session, &live, argv, NULL);
	expect(&session, "Run it now?");
	answer(&session, "\n");
	expect(&session, "[go on] ");
	cr_expect(tcgetattr(session.tty, &modes) == 0 && (modes.c_lflag & ECHO) &&
		  (modes.c_lflag & ICANON));
	answer(&session, "\x04");
	cr_expect_eq(finish(&session), 1);
	live_done(&live);
}

/* The program reads the terminal that the dialog is on, before that goes on. */
Test(interactive, program_reads_terminal)
{
	const char *const argv[] = {INTERACTIVE, "/bin/cat", NULL};
	static struct session session;
	struct live live = {0};

	live_need_landlock(6);
	live_init(&live, getuid());
	start(&session, &live, argv, NULL);
	expect(&session, "Run it now?");
	answer(&session, "\n");
	answer(&session, "for cat\n");
	expect(&session, "for cat"); /* the terminal's echo */
	expect(&session, "for cat");
	answer(&session, "\x04");
	expect(&session, "cat ended with exit status 0.");
	expect(&session, "[go on] ");
	answer(&session, "\x04");
	cr_expect_eq(finish(&session), 1);
	live_done(&live);
}

/* ---- looks ---- */

static const struct {
	const char *name;
	const char *env[2];
	bool styled;
} looks[] = {
	{"a terminal", {NULL}, true},
	{"a dumb one", {"TERM=dumb"}, false},
	{"no colour wanted", {"NO_COLOR=1"}, false},
	{"no TERM", {"TERM="}, false},
};

/* Bold and dim, and nothing else; no cursor is moved. */
Test(interactive, styles)
{
	for (size_t i = 0; i < ARRAY_SIZE(looks); i++) {
		const char *const env[] = {looks[i].env[0], NULL};
		static struct session session;
		struct live live;
		char *text;

		begin_cat(&session, &live, env);
		answer(&session, "\n");
		accept_all(&session);
		answer(&session, "q\n");
		cr_expect_eq(finish(&session), 1);
		text = session.said;
		cr_expect_eq(strchr(text, '\033') != NULL, looks[i].styled, "%s", looks[i].name);
		for (; (text = strchr(text, '\033')); text++)
			cr_expect(strncmp(text, "\033[1m", 4) == 0 ||
				  strncmp(text, "\033[2m", 4) == 0 ||
				  strncmp(text, "\033[0m", 4) == 0);
		live_done(&live);
	}
}

/* ---- a policy to start from ---- */

Test(interactive, starts_from_a_policy)
{
	const char *const argv[] = {INTERACTIVE, "-P", "{home}/cat.ini", "/bin/cat", "a.txt", NULL};
	static struct session session;
	struct live live = {0};
	char *text;

	live_need_landlock(6);
	live_init(&live, getuid());
	prepare(&live, NULL);
	live_write(&live, "{home}/cat.ini",
		   "; mine\n[sandbox]\npromises = stdio tty ; why\n[unveil]\nr? = /srv/sbx-none\n");
	start(&session, &live, argv, NULL);
	expect(&session, "There is a policy: ");
	expect(&session, "Start from it?");
	answer(&session, "?\n");
	expect(&session, "it stays as it is");
	answer(&session, "\n");
	expect(&session, "Run it now?");
	answer(&session, "b\n");
	expect(&session, "Start from it?");
	answer(&session, "y\n");
	expect(&session, "Run it now?");
	answer(&session, "y\n");
	expect(&session, "[go on] ");
	answer(&session, "\n");
	expect(&session, "Permit rpath?");
	answer(&session, "\n");
	expect(&session, "it is in the policy already");
	expect(&session, "Permit tty?");
	answer(&session, "d\n");
	expect(&session, "[k] ");
	answer(&session, "a\n");
	expect(&session, "[none] ");
	answer(&session, "\n");
	expect(&session, "[n] ");
	answer(&session, "\n");
	expect(&session, "[s] ");
	answer(&session, "\n");
	expect(&session, "Save it as ");
	answer(&session, "\n");
	expect(&session, "Saved: ");
	cr_expect_eq(finish(&session), 0);
	text = live_read(&live, "{home}/cat.ini");
	cr_expect(text && strstr(text, "; mine\n") &&
			  strstr(text, "promises = stdio rpath ; why\n") &&
			  strstr(text, "r? = /srv/sbx-none\n") && strstr(text, "a.txt ; openat"),
		  "%s", text);
	free(text);
	expect_checks(&live, "{home}/cat.ini");
	live_done(&live);
}

/* ---- what cannot be run ---- */

Test(interactive, cannot_run)
{
	static const struct {
		const char *program;
		int status;
		const char *says;
	} rows[] = {
		{"/nowhere", 127, "/nowhere"},
		{"{work}/a.txt", 126, "a.txt"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *const argv[] = {INTERACTIVE, rows[i].program, NULL};
		static struct session session;
		struct live live = {0};

		live_need_landlock(6);
		live_init(&live, getuid());
		prepare(&live, NULL);
		start(&session, &live, argv, NULL);
		cr_expect_eq(finish(&session), rows[i].status, "%s", session.said);
		cr_expect(strstr(session.said, rows[i].says), "%s", session.said);
		live_done(&live);
	}
}

/* ---- without a terminal ---- */

/* Answers from a pipe, or one socket for both directions; the program does not get them. */
Test(interactive, no_terminal)
{
	static const char answers[] = "\n\na\na\n\n\ns\n\n";
	const char *const argv[] = {"/usr/bin/setsid",
				    "-w",
				    "{stage}/sbx-preload",
				    "--interactive",
				    "/bin/cat",
				    "a.txt",
				    "-",
				    NULL};
	const char *const env[] = {"XDG_CONFIG_HOME={home}/config", NULL};
	struct live_result result;
	struct live live = {0};

	live_need_program("/usr/bin/setsid");
	live_need_landlock(6);
	live_init(&live, getuid());
	prepare(&live, NULL);
	result =
		live_run(&live, &(struct live_command){.argv = argv, .env = env, .input = answers});
	cr_expect_eq(result.status, 0, "%d: %s%s", result.status, result.out, result.err);
	cr_expect(strstr(result.out, "Saved: "), "%s", result.out);
	cr_expect(!strchr(result.out, '\033'));
	cr_expect(live_exists(&live, "{home}/config/sbx-preload/cat.ini"));
	live_result_done(&result);
	live_done(&live);
}
