/* SPDX-License-Identifier: MIT */
/* The dialog of --interactive without a program: a run that was made up, answers through a pipe,
 * and what is said. tests/golden/guide.txt holds one dialog as a whole; SBX_GOLDEN_UPDATE=1 writes
 * it anew. More than 600 lines, most of them tables of answers. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../shim/policy_file.h"
#include "guide_world.h"

static char start[PATH_MAX]; /* where the tests run */

static void enter(void)
{
	cr_assert(getcwd(start, sizeof(start)) != NULL);
	enter_scratch();
}

TestSuite(guide, .init = enter, .fini = leave_scratch, .timeout = 60);

/* Each @text in @said, the one behind the other; NULL ends them. */
static void expect_in_order(const char *name, const char *said, const char *const *texts)
{
	const char *p = said;

	for (; *texts; texts++) {
		const char *found = strstr(p, *texts);

		cr_expect(found, "%s: \"%s\" is not there, or too early, in:\n%s", name, *texts,
			  said);
		if (!found)
			return;
		p = found + strlen(*texts);
	}
}

static char *read_text(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = calloc(1, 65536);

	cr_assert(text);
	if (!f) {
		free(text);
		return NULL;
	}
	text[fread(text, 1, 65535, f)] = '\0';
	(void)fclose(f);
	return text;
}

static char *saved(void)
{
	char path[PATH_MAX + 64];

	(void)snprintf(path, sizeof(path), "%s/config/sbx-preload/prog.ini", scratch);
	return read_text(path);
}

/* Answers up to a step: Enter is the default everywhere. */
#define SEEN	     "\n"
#define EACH_PROMISE "a\n"
#define EACH_PATH    "a\n\n"
#define EACH_PORT    "\n"
#define NO_RULE	     "\n"
#define SAVE	     "\n\n"
#define TO_RULES     SEEN EACH_PROMISE EACH_PATH EACH_PORT

/* ---- one dialog as a whole ---- */

/* The scratch directory has another name each time. */
static char *masked(const char *text)
{
	char *result = NULL;
	size_t size;
	FILE *out = open_memstream(&result, &size);

	cr_assert(out);
	while (*text) {
		if (strncmp(text, scratch, strlen(scratch)) == 0) {
			(void)fputs("SCRATCH", out);
			text += strlen(scratch);
		} else {
			(void)fputc(*text++, out);
		}
	}
	cr_assert_eq(fclose(out), 0);
	return result;
}

static void expect_golden(const char *said)
{
	const char *dir = getenv("SBX_GOLDEN");
	char path[PATH_MAX];
	char *now = masked(said), *then;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/guide.txt", dir ? dir : "tests/golden");
	if (getenv("SBX_GOLDEN_UPDATE")) {
		f = fopen(path, "we");
		cr_assert(f && fputs(now, f) >= 0 && fclose(f) == 0, "%s: %m", path);
	}
	then = read_text(path);
	cr_assert(then, "%s: %m", path);
	cr_expect_str_eq(now, then, "not as in %s; it says:\n%s", path, now);
	free(now);
	free(then);
}

/* 80 columns. Answers are not echoed here: what follows a prompt begins a line. */
static void expect_narrow(const char *said)
{
	char *text = masked(said), *rest = text;

	for (char *line; (line = strsep(&rest, "\n"));) {
		for (char *end; (end = strstr(line, "] ")); line = end + 2)
			cr_expect(end + 2 - line <= 80, "too wide: %s", line);
		cr_expect(strlen(line) <= 80, "too wide: %s", line);
	}
	free(text);
}

Test(guide, whole)
{
	char *text;
	struct talk t;

	talk_begin(&t);
	talk_hold(&t, "?\nrpath\nopenat\nopenatt\n\n" /* calls */
		      "?\nmaybe\n\nd\nb\n\n\n"	      /* promises: rpath, wpath, inet */
		      "?\nl\nq\nrw\nw\nn\n\nd\nb\nk\nr:/srv/sbx-more\n\n"
		      "?\nd\nb\n\n"
		      "?\ny\nsocket\n0\n\n\n\n\nno sockets\n\n"
		      "\n"
		      "?\nv\nd\ns\n?\n\n");
	cr_expect_eq(t.how, GUIDE_OK);
	cr_expect_eq(t.status, 0);
	cr_assert_eq(chdir(start), 0);
	expect_golden(t.said);
	cr_assert_eq(chdir(scratch), 0);
	text = saved();
	cr_expect(text && strstr(text, "deny = socket(arg0 == AF_INET)"), "%s", text);
	free(text);
	expect_narrow(t.said);
	talk_done(&t);
}

/* ---- every prompt: the default, "?", b, a wrong answer, the end of input ---- */

struct prompt_row {
	const char *name;
	const char *before; /* answers that lead there */
	const char *prompt; /* how it asks */
	const char *help;   /* what "?" says, in part */
	const char *wrong;  /* an answer that is none; NULL: each is one */
	const char *wanted; /* what is then said */
	const char *next;   /* what is asked after Enter */
	const char *back;   /* and after "b" */
};

#define RULE TO_RULES "y\n"

static const struct prompt_row prompts[] = {
	{"calls", "", "Enter to go on [go on]", "under the promise that is going", "openatt",
	 "did you mean \"openat\"?", "Permit rpath?", "This is the beginning"},
	{"promise", SEEN, "Permit rpath?", "k  keep it", "rpath",
	 "Please answer with one of k, d, a, b, ?", "Permit wpath?", "what it did"},
	{"second promise", SEEN "\n", "Permit wpath?", "open for writing", "x",
	 "Please answer with one of", "Permit inet?", "Permit rpath?"},
	{"path", SEEN EACH_PROMISE, "k keep, d drop, l letters", "A line lets the program", "keeep",
	 "Please answer with one of", "2/2  w", "Permit inet?"},
	{"letters", SEEN EACH_PROMISE "l\n", "Letters of rwxc: [r]", "r read  w write", "rq",
	 "Letters of r, w, x and c", "k keep, d drop", "k keep, d drop"},
	{"path to", SEEN EACH_PROMISE "p\n", "Path: [" DIR "/in.txt]", "An absolute path", "/a*b",
	 "is not a pattern here", "k keep, d drop", "k keep, d drop"},
	{"one more", SEEN EACH_PROMISE "a\n", "One more line", "did not use this time", "rz:/etc",
	 "letter", "Permit it?", "2/2  w"},
	{"port", SEEN EACH_PROMISE EACH_PATH, "Permit it?", "connect_tcp", "443",
	 "Please answer with one of k, d, a", "rules of your own", "One more line"},
	{"add a rule", TO_RULES, "Add a rule?", "A rule of your own decides", "maybe",
	 "Please answer with one of y, n, d", "6 of 6", "connect to TCP port 443"},
	{"call", RULE, "Which system call? [none]", "The name of a system call", "sockt",
	 "did you mean \"socket\"?", "Add a rule?", "Add a rule?"},
	{"argument", RULE "socket\n", "Only if an argument", "Registers only", "3",
	 "A number from 0 to 2", "Then:", "Which system call?"},
	{"operator", RULE "socket\n0\n", "== != < <= > >= & [==]", "without a sign", "=>",
	 "One of == != <", "Which value?", "Only if an argument"},
	{"value", RULE "socket\n0\n\n", "Which value? [AF_INET]", "the name of a constant",
	 "AF_INTE", "did you mean \"AF_INET\"?", "Another condition?", "== != <"},
	{"mask", RULE "openat\n2\n&\n", "Which bits? [1]", "The bits that are looked at", "O_CRAT",
	 "did you mean", "These bits are", "== != <"},
	{"bits", RULE "openat\n2\n&\n3\n", "These bits are [3]", "the name of a constant", "4",
	 "mask", "Another condition?", "Which bits?"},
	{"another", RULE "socket\n0\n\n\n", "Another condition?", "all must hold", "perhaps",
	 "Please answer with one of y, n", "Then:", "Only if an argument"},
	{"action", RULE "socket\n\n", "Then: d deny, e errno", "kill: the program ends", "shoot",
	 "Please answer with one of d, e, k, l, a", "A comment?", "Only if an argument"},
	{"error", RULE "socket\n\ne\n", "Which error? [EACCES]", "The name of an error", "EACESS",
	 "did you mean \"EACCES\"?", "A comment?", "Then:"},
	{"comment", RULE "socket\n\n\n", "A comment? [none]", "the line is kept", NULL, NULL,
	 "Add this rule?", "Then:"},
	{"confirm", RULE "socket\n\n\n\n", "Add this rule?", "adds the rule", "of course",
	 "Please answer with one of y, n", "1. deny = socket", "A comment?"},
	{"unsafe", RULE "ptrace\n\na\n\n", "It needs unsafe_syscalls = yes",
	 "leads out of the sandbox", "hm", "Please answer with one of y, n", "A comment?",
	 "A comment?"},
	{"which rule", RULE "socket\n\n\n\n\nd\n", "Which one? [none]", "The number in front", "7",
	 "The number of a rule", "Add a rule?", "Add a rule?"},
	{"review", TO_RULES NO_RULE, "s save, w write and run", "s  save it", "now",
	 "Please answer with one of s, w, r", "Save it as", "rules of your own"},
	{"save as", TO_RULES NO_RULE "\n", "Save it as [", "is found without -P", "/nowhere/at/all",
	 "cannot write there", "Saved:", "s save, w write"},
};

/* "\x01" as an answer, and one that is too long, are wrong everywhere. */
static void expect_rude_refused(const struct prompt_row *row)
{
	static char answers[3 * GUIDE_ANSWER_MAX];
	struct talk t;
	size_t n;

	n = (size_t)snprintf(answers, sizeof(answers), "%s\x01\n", row->before);
	memset(answers + n, 'x', GUIDE_ANSWER_MAX + 100);
	answers[n + GUIDE_ANSWER_MAX + 100] = '\n';
	talk_begin(&t);
	talk_hold(&t, answers);
	expect_in_order(row->name, t.said,
			(const char *const[]){row->prompt, "without control characters",
					      row->prompt, "One short line, please", row->prompt,
					      "Nothing was written.", NULL});
	talk_done(&t);
}

static void expect_answers(const struct prompt_row *row, const char *answer,
			   const char *const *texts)
{
	char answers[512], name[128], *text;
	struct talk t;

	(void)snprintf(answers, sizeof(answers), "%s%s", row->before, answer);
	(void)snprintf(name, sizeof(name), "%s, answered with %s", row->name, answer);
	talk_begin(&t);
	talk_hold(&t, answers);
	expect_in_order(name, t.said, texts);
	expect_narrow(t.said);
	text = saved();
	if (!strstr(t.said, "Saved:")) {
		cr_expect_eq(t.how, GUIDE_QUIT, "%s", name);
		cr_expect_eq(t.status, 1, "%s", name);
		cr_expect(strstr(t.said, "\nNothing was written.\n"), "%s: %s", name, t.said);
		cr_expect_null(text, "%s: written all the same", name);
	}
	free(text);
	talk_done(&t);
	(void)unlink("config/sbx-preload/prog.ini");
}

static void expect_prompt(const struct prompt_row *row)
{
	char wrong[64];

	expect_answers(row, "", (const char *const[]){row->prompt, NULL});
	/* What has no newline is no answer. */
	expect_answers(row, "k", (const char *const[]){row->prompt, NULL});
	expect_answers(row, "?\n",
		       (const char *const[]){row->prompt, row->help, row->prompt, NULL});
	expect_answers(row, "\n", (const char *const[]){row->prompt, row->next, NULL});
	expect_answers(row, " b \r\n", (const char *const[]){row->prompt, row->back, NULL});
	if (row->wrong) {
		(void)snprintf(wrong, sizeof(wrong), "%s\n", row->wrong);
		expect_answers(row, wrong,
			       (const char *const[]){row->prompt, row->wanted, row->prompt, NULL});
	}
	expect_rude_refused(row);
}

Test(guide, prompts)
{
	for (size_t i = 0; i < ARRAY_SIZE(prompts); i++)
		expect_prompt(&prompts[i]);
}

/* ---- what comes of the answers ---- */

static const struct {
	const char *name, *answers;
	const char *has[5], *has_not[3];
} outcomes[] = {
	{"defaults",
	 TO_RULES NO_RULE SAVE,
	 {"; prog: made by sbx-preload --interactive\n", "promises = stdio rpath wpath inet\n",
	  "r? = " DIR "/in.txt ; openat(\"" DIR "/in.txt\", O_RDONLY)\n", "w? = " DIR "/out/a ; ",
	  "connect_tcp = 443\n"},
	 {"[syscalls]"}},
	{"a promise is dropped",
	 SEEN "\n\nd\n" EACH_PATH NO_RULE "\n\n\n",
	 {"promises = stdio rpath wpath\n"},
	 {"inet", "443"}},
	{"dropped, and kept again",
	 SEEN "\n\nd\nb\nk\n" EACH_PATH EACH_PORT NO_RULE SAVE,
	 {"promises = stdio rpath wpath inet\n"},
	 {NULL}},
	{"a line is dropped",
	 SEEN EACH_PROMISE "d\n\n\n" EACH_PORT NO_RULE SAVE,
	 {"w? = " DIR "/out/a"},
	 {"in.txt ; "}},
	{"letters",
	 SEEN EACH_PROMISE "l\nrw\n\n\n\n" EACH_PORT NO_RULE SAVE,
	 {"rw? = " DIR "/in.txt ; openat("},
	 {NULL}},
	{"a wider line swallows what it covers",
	 SEEN EACH_PROMISE "\nw\nl\nrw\nw\n\n\n" EACH_PORT NO_RULE SAVE,
	 {"rw? = " DIR " ; "},
	 {"in.txt ;", DIR "/out/a ;"}},
	{"what is beneath a wider one says as much",
	 SEEN EACH_PROMISE "w\n\n\n\n" EACH_PORT NO_RULE SAVE,
	 {"r? = " DIR " ; ", "rw? = " DIR "/out/a ; "},
	 {NULL}},
	{"another path",
	 SEEN EACH_PROMISE "p\n${HOME}/in\n\n\n\n" EACH_PORT NO_RULE SAVE,
	 {"r? = ${HOME}/in ; openat("},
	 {"/in.txt ; "}},
	{"one more line",
	 SEEN EACH_PROMISE "a\nrwc:/srv/sbx-more/\n/srv/sbx-other\n\n" EACH_PORT NO_RULE SAVE,
	 {"rwc? = /srv/sbx-more ; by hand\n", "r? = /srv/sbx-other ; by hand\n"},
	 {NULL}},
	{"a port is dropped",
	 SEEN EACH_PROMISE EACH_PATH "d\n" NO_RULE SAVE,
	 {"connect_tcp =\n"},
	 {"443"}},
	{"a rule",
	 RULE "socket\n0\n!=\nAF_UNIX\ny\n1\n\nSOCK_RAW\n\ne\nEPERM\nnothing raw\n\n" NO_RULE SAVE,
	 {"\n[syscalls]\n; nothing raw\ndeny = socket(arg0 != AF_UNIX, arg1 == SOCK_RAW) -> errno "
	  "EPERM\n"},
	 {NULL}},
	{"a rule with a mask, that kills",
	 RULE "openat\n2\n&\nO_ACCMODE\nO_RDWR\n\nk\n\n\n" NO_RULE SAVE,
	 {"deny = openat(arg2 & O_ACCMODE == O_RDWR) -> kill\n"},
	 {NULL}},
	{"back in a rule",
	 RULE "socket\n0\n\n\nb\nb\nopenat\n\nb\n2\n<\n8\n\nl\n\n\n" NO_RULE SAVE,
	 {"deny = openat(arg2 < "},
	 {"socket(arg"}},
	{"an unsafe rule",
	 RULE "ptrace\n\na\n\ny\n\n" NO_RULE SAVE,
	 {"unsafe_syscalls = yes\n", "allow = ptrace\n"},
	 {NULL}},
	{"no unsafe rule",
	 RULE "ptrace\n\na\n\nn\nb\nb\nb\nb\n" NO_RULE SAVE,
	 {"promises"},
	 {"ptrace", "unsafe"}},
	{"two rules, one dropped",
	 RULE "socket\n\n\n\n\ny\nopenat\n\n\n\n\nd\n1\n" NO_RULE SAVE,
	 {"deny = openat\n"},
	 {"deny = socket"}},
	{"hidden by another",
	 RULE "socket\n\n\n\n\ny\nsocket\n0\n\n\n\n\n\nb\nb\nb\nb\nb\n" NO_RULE SAVE,
	 {"deny = socket\n"},
	 {"arg0"}},
	{"all the way back, and on",
	 TO_RULES NO_RULE "b\nb\nb\nb\nb\nb\nb\nb\nb\nb\nb\n" TO_RULES NO_RULE SAVE,
	 {"promises = stdio rpath wpath inet\n", "connect_tcp = 443\n"},
	 {NULL}},
};

static void expect_checks(const char *name, const struct guide *g, const char *text)
{
	struct sbx_err err = {0};
	struct policy policy;
	int r = guide_check_policy(g, text, &policy, &err);

	cr_expect_eq(r, 0, "%s: %s\n%s", name, err.msg, text);
	policy_done(&policy);
}

Test(guide, outcomes)
{
	for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++) {
		const char *name = outcomes[i].name;
		struct talk t;
		char *text;

		talk_begin(&t);
		talk_hold(&t, outcomes[i].answers);
		cr_expect_eq(t.how, GUIDE_OK, "%s:\n%s", name, t.said);
		text = saved();
		cr_expect(text, "%s: nothing saved:\n%s", name, t.said);
		for (size_t j = 0; text && j < ARRAY_SIZE(outcomes[i].has); j++)
			if (outcomes[i].has[j])
				cr_expect(strstr(text, outcomes[i].has[j]), "%s: no %s in:\n%s",
					  name, outcomes[i].has[j], text);
		for (size_t j = 0; text && j < ARRAY_SIZE(outcomes[i].has_not); j++)
			if (outcomes[i].has_not[j])
				cr_expect(!strstr(text, outcomes[i].has_not[j]), "%s: %s in:\n%s",
					  name, outcomes[i].has_not[j], text);
		if (text)
			expect_checks(name, &t.guide, text);
		free(text);
		talk_done(&t);
		(void)unlink("config/sbx-preload/prog.ini");
	}
}

/* ---- a policy to start from ---- */

static const char base_text[] = "; mine\n"
				"[sandbox]\n"
				"; these two\n"
				"promises = stdio rpath tty ; and why\n"
				"[unveil]\n"
				"; the input\n"
				"r? = " DIR "/in.txt\n"
				"[net]\n"
				"connect_tcp = 80 443\n"
				"[syscalls]\n"
				"deny = socket(arg0 == AF_NETLINK)\n";

static const struct {
	const char *name, *answers;
	const char *has[5], *has_not[2];
} base_outcomes[] = {
	{"all is kept, and more added",
	 SEEN EACH_PROMISE EACH_PATH "a\n" NO_RULE SAVE,
	 {"; mine\n", "promises = stdio rpath tty wpath inet ; and why\n",
	  "; the input\nr? = " DIR "/in.txt\n", "connect_tcp = 80 443\n",
	  "deny = socket(arg0 == AF_NETLINK)\n"},
	 {NULL}},
	{"an old promise is dropped",
	 SEEN "\n\n\nd\n" EACH_PATH "a\n" NO_RULE SAVE,
	 {"promises = stdio rpath wpath inet ; and why\n"},
	 {" tty"}},
	{"an old port is dropped",
	 SEEN EACH_PROMISE EACH_PATH "d\n\n" NO_RULE SAVE,
	 {"connect_tcp = 443\n"},
	 {" 80"}},
	{"an old rule is dropped",
	 SEEN EACH_PROMISE EACH_PATH "a\nd\n1\n" NO_RULE SAVE,
	 {"; taken out: deny = socket(arg0 == AF_NETLINK)\n"},
	 {"\ndeny"}},
	{"a new rule goes beside the old one",
	 SEEN EACH_PROMISE EACH_PATH "a\ny\nwrite\n\n\n\n\n" NO_RULE SAVE,
	 {"deny = socket(arg0 == AF_NETLINK)\ndeny = write\n"},
	 {NULL}},
};

Test(guide, base)
{
	char path[PATH_MAX + 16];

	(void)snprintf(path, sizeof(path), "%s/prog.ini", scratch);
	for (size_t i = 0; i < ARRAY_SIZE(base_outcomes); i++) {
		const char *name = base_outcomes[i].name;
		struct sbx_err err = {0};
		struct talk t;
		char *text;

		write_file(path, base_text, strlen(base_text), 0644);
		talk_begin(&t);
		cr_assert_eq(guide_base_load(&t.guide, path, &err), 0, "%s", err.msg);
		talk_hold(&t, base_outcomes[i].answers);
		cr_expect_eq(t.how, GUIDE_OK, "%s:\n%s", name, t.said);
		text = read_text(path);
		for (size_t j = 0; j < ARRAY_SIZE(base_outcomes[i].has); j++)
			if (base_outcomes[i].has[j])
				cr_expect(strstr(text, base_outcomes[i].has[j]),
					  "%s: no %s in:\n%s", name, base_outcomes[i].has[j], text);
		for (size_t j = 0; j < ARRAY_SIZE(base_outcomes[i].has_not); j++)
			if (base_outcomes[i].has_not[j])
				cr_expect(!strstr(text, base_outcomes[i].has_not[j]),
					  "%s: %s in:\n%s", name, base_outcomes[i].has_not[j],
					  text);
		expect_checks(name, &t.guide, text);
		free(text);
		talk_done(&t);
	}
}

/* A line whose path is gone stops the policy. */
Test(guide, gone)
{
	static const char old[] = "[sandbox]\npromises = stdio\n[unveil]\nr = " DIR "/gone\n";
	static const struct {
		const char *answers, *has;
	} rows[] = {
		{SEEN EACH_PROMISE EACH_PATH EACH_PORT NO_RULE
		 "s\nw\nr\nb\nb\nb\nb\nd\n\n" EACH_PORT NO_RULE "s\n\n",
		 "; taken out: r = " DIR "/gone\n"},
		{SEEN EACH_PROMISE "\n\nl\nrw\n\n\n" EACH_PORT NO_RULE "s\n\n",
		 "\nrw? = " DIR "/gone ; "},
	};
	char path[PATH_MAX + 16];

	(void)snprintf(path, sizeof(path), "%s/prog.ini", scratch);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sbx_err err = {0};
		struct talk t;
		char *text;

		write_file(path, old, strlen(old), 0644);
		talk_begin(&t);
		cr_assert_eq(guide_base_load(&t.guide, path, &err), 0, "%s", err.msg);
		talk_hold(&t, rows[i].answers);
		if (i == 0)
			expect_in_order("gone", t.said,
					(const char *const[]){
						"6 of 6",
						"It will not do as it is:", "Not as it is: go back",
						"Not as it is: go back", "Not as it is: go back",
						"the path is missing", "6 of 6", NULL});
		cr_expect_eq(t.how, GUIDE_OK, "%zu: %s", i, t.said);
		text = read_text(path);
		cr_expect(strstr(text, rows[i].has), "%zu: %s", i, text);
		free(text);
		talk_done(&t);
	}
}

/* A directory that stands for the files in it, and these instead. */
Test(guide, narrower)
{
	struct talk t;
	char *text;

	talk_begin(&t);
	touch(&t.guide, DIR "/lib/a", FS_READ_FILE, false, "open a");
	touch(&t.guide, DIR "/lib/b", FS_READ_FILE, false, "open b");
	touch(&t.guide, DIR "/lib/deep/c", FS_READ_FILE | FS_WRITE_FILE, false, "open c");
	touch(&t.guide, DIR "/lib/d", FS_READ_FILE, false, "open d");
	talk_hold(&t, SEEN EACH_PROMISE "\nw\nw\nn\nn\nn\nk\nd\na\n\n" EACH_PORT NO_RULE SAVE);
	expect_in_order("narrower", t.said,
			(const char *const[]){"= " DIR "/lib", "it stands for 3 files",
					      "= " DIR "/\n", "= /srv", "= " DIR "/\n",
					      "= " DIR "/lib",
					      "Dropped in favour of the 4 lines that follow",
					      "r = " DIR "/lib/a", NULL});
	text = saved();
	cr_expect(text && strstr(text, "r? = " DIR "/lib/a ; open a\n") &&
			  !strstr(text, "/lib/b") && !strstr(text, "/lib ;") &&
			  strstr(text, "r? = " DIR "/lib/d ; open d\n"),
		  "%s\n%s", text, t.said);
	free(text);
	talk_done(&t);
}

/* One socket for both directions, whose other end may go at any time. */
Test(guide, socket)
{
	static const char answers[] = TO_RULES NO_RULE SAVE;
	const size_t steps[] = {0, 2, 5, sizeof(answers) - 1};

	(void)signal(SIGPIPE, SIG_IGN); /* as guide_run() does */
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		char said[65536] = "";
		struct sbx_err err = {0};
		struct talk t;
		int ends[2];

		talk_begin(&t);
		cr_assert_eq(guide_prepare(&t.guide, &err), 0);
		cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		cr_assert_eq(write(ends[0], answers, steps[i]), (ssize_t)steps[i]);
		(void)shutdown(ends[0], SHUT_WR);
		if (i == 1)
			(void)close(ends[0]);
		guide_io_init(&t.guide.io, ends[1], ends[1], envp);
		t.how = guide_walk(&t.guide);
		t.status = guide_end(&t.guide);
		cr_expect_eq(t.how, i == 3 ? GUIDE_OK : GUIDE_QUIT, "%zu", i);
		(void)close(ends[1]);
		if (i != 1) {
			cr_expect_gt(read(ends[0], said, sizeof(said) - 1), 0);
			cr_expect(strstr(said, i == 3 ? "Saved: " : "Nothing was written."), "%s",
				  said);
			(void)close(ends[0]);
		}
		talk_done(&t);
		(void)unlink("config/sbx-preload/prog.ini");
	}
}

Test(guide, does_not_overwrite)
{
	static const char other[] = "[sandbox]\npromises = stdio\n";
	struct talk t;
	char *text;

	cr_assert_eq(mkdir("config", 0700), 0);
	cr_assert_eq(mkdir("config/sbx-preload", 0700), 0);
	write_file("config/sbx-preload/prog.ini", other, strlen(other), 0600);
	talk_begin(&t);
	talk_hold(&t, TO_RULES NO_RULE "s\n\n\n");
	expect_in_order("replace", t.said,
			(const char *const[]){"is there already.", "Replace it?", "[n]",
					      "Save it as", "Nothing was written.", NULL});
	text = saved();
	cr_expect_str_eq(text, other);
	free(text);
	talk_done(&t);
	talk_begin(&t);
	talk_hold(&t, TO_RULES NO_RULE "s\n\ny\n");
	text = saved();
	cr_expect(text && strstr(text, "wpath"), "%s", t.said);
	free(text);
	talk_done(&t);
}

/* ---- text of strangers ---- */

Test(guide, escapes)
{
	struct talk t;
	struct record_row *row;

	talk_begin(&t);
	row = add_row(&t.guide, "openat", P(RPATH), SYS_openat);
	add_call(&t.guide, row, 7, 0,
		 "\x1b[2J\x9b"
		 "31m",
		 1);
	touch(&t.guide, DIR "/\x1b]0;evil\x07\nSaved: x", FS_READ_FILE, false, "\x1b[1mwhy\n\n");
	talk_hold(&t, "openat\n" SEEN EACH_PROMISE "\n\n\n\n");
	for (const char *p = t.said; *p; p++)
		cr_expect(*p == '\n' || (*p >= ' ' && *p < 0x7f), "a byte %#x in:\n%s",
			  (unsigned char)*p, t.said);
	cr_expect(strstr(t.said, "\\x1b[2J\\x9b31m"), "%s", t.said);
	cr_expect(strstr(t.said, "\nSaved:") == NULL, "%s", t.said);
	talk_done(&t);
}
