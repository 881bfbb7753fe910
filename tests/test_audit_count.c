/* SPDX-License-Identifier: MIT */
/* The file in which --audit counts runs. Pure, but for a scratch directory. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../launcher/audit_parts.h"

TestSuite(audit_count);

#define HEAD "; sbx-preload --audit: in how many runs it was used, of how many, and what it is\n"

static char dir[256], file[272];

static void begin(void)
{
	const char *tmp = getenv("SBX_TEST_TMP");

	(void)snprintf(dir, sizeof(dir), "%s/sbx-audit-XXXXXX", tmp && *tmp ? tmp : "/var/tmp");
	cr_assert(mkdtemp(dir));
	(void)snprintf(file, sizeof(file), "%s/state", dir);
}

static void end(void)
{
	(void)unlink(file);
	cr_expect_eq(rmdir(dir), 0, "something was left behind: %s", strerror(errno));
}

static void put(const char *text)
{
	FILE *out = fopen(file, "w");

	cr_assert(out && fputs(text, out) >= 0 && fclose(out) == 0);
}

static char *get(void)
{
	static char text[8192];
	FILE *in = fopen(file, "r");
	size_t n = in ? fread(text, 1, sizeof(text) - 1, in) : 0;

	text[n] = '\0';
	if (in)
		(void)fclose(in);
	return text;
}

/* A policy of two promises, two lines and a port, of which the first of each is used. */
struct world {
	struct policy policy;
	struct unveil_line lines[2];
	struct port_line ports[1];
	uint8_t letters[2];
	bool port;
	struct audit_used used;
};

static void make(struct world *w)
{
	*w = (struct world){
		.lines = {{.perms = PERM_R | PERM_W, .written = "${HOME}/a b"},
			  {.perms = PERM_R, .written = "/etc"}},
		.ports = {{.port = 443, .access = PORT_CONNECT}},
		.letters = {PERM_R, 0},
	};
	policy_init(&w->policy);
	w->policy.promises = P(STDIO) | P(RPATH) | P(INET);
	w->policy.unveils = w->lines;
	w->policy.n_unveils = 2;
	w->policy.ports = w->ports;
	w->policy.n_ports = 1;
	w->policy.scope_open = true;
	w->used = (struct audit_used){
		.promises = P(STDIO) | P(RPATH), .letters = w->letters, .ports = &w->port};
}

static void count(const struct world *w, bool twice)
{
	struct audit_count counted;
	struct sbx_err err = {0};

	cr_assert_eq(audit_count_open(&counted, file, &err), 0, "%s", err.msg);
	audit_count_run(&counted, &w->policy, &w->used);
	if (twice)
		audit_count_run(&counted, &w->policy, &w->used);
	audit_count_done(&counted);
}

Test(audit_count, adds_up, .init = begin, .fini = end)
{
	struct world w;

	make(&w);
	count(&w, false);
	cr_expect_str_eq(get(), HEAD "1 1 promise rpath\n0 1 promise inet\n"
				     "1 1 unveil r ${HOME}/a b\n0 1 unveil w ${HOME}/a b\n"
				     "0 1 unveil r /etc\n0 1 connect_tcp 443\n0 1 scope open\n");
	w.used.promises |= P(INET);
	w.port = w.used.scope = true;
	count(&w, false);
	cr_expect_str_eq(get(), HEAD "2 2 promise rpath\n1 2 promise inet\n"
				     "2 2 unveil r ${HOME}/a b\n0 2 unveil w ${HOME}/a b\n"
				     "0 2 unveil r /etc\n1 2 connect_tcp 443\n1 2 scope open\n");
}

/* What is new in the policy has had fewer runs; what is gone from it is forgotten. */
Test(audit_count, follows_the_policy, .init = begin, .fini = end)
{
	struct world w;

	make(&w);
	count(&w, false);
	w.policy.promises = P(STDIO) | P(RPATH) | P(DNS);
	w.lines[1].written = "/etc/ssl";
	w.policy.scope_open = false;
	count(&w, false);
	cr_expect_str_eq(get(), HEAD "2 2 promise rpath\n0 1 promise dns\n"
				     "2 2 unveil r ${HOME}/a b\n0 2 unveil w ${HOME}/a b\n"
				     "0 1 unveil r /etc/ssl\n0 2 connect_tcp 443\n");
}

/* The program has ended, and later its descendants have: one run. */
Test(audit_count, once_a_run, .init = begin, .fini = end)
{
	struct world w;
	struct audit_count counted;
	struct sbx_err err = {0};

	make(&w);
	count(&w, true);
	cr_expect(strstr(get(), "\n1 1 unveil r ${HOME}/a b\n0 1 unveil w"), "%s", get());
	cr_assert_eq(audit_count_open(&counted, file, &err), 0, "%s", err.msg);
	audit_count_run(&counted, &w.policy, &w.used);
	w.letters[0] = PERM_W;
	audit_count_run(&counted, &w.policy, &w.used);
	audit_count_done(&counted);
	cr_expect(strstr(get(), "\n2 2 unveil r ${HOME}/a b\n1 2 unveil w"), "%s", get());
}

Test(audit_count, refuses_other_files, .init = begin, .fini = end)
{
	static const struct {
		const char *text;
		const char *says; /* NULL: it is taken */
		unsigned line;
	} rows[] = {
		{"", NULL, 0},
		{HEAD, NULL, 0},
		{HEAD "1 2 promise rpath\n", NULL, 0},
		{"[sandbox]\npromises = stdio\n", "no file of --audit", 1},
		{HEAD "1 2 promise rpath\nrpath\n", "USED RUNS WHAT", 3},
		{HEAD "3 2 promise rpath\n", "USED RUNS WHAT", 2},
		{HEAD "1 99999999999 promise rpath\n", "USED RUNS WHAT", 2},
		{HEAD "1 4294967298 promise rpath\n", "USED RUNS WHAT", 2},
		{HEAD "4294967297 4294967298 promise rpath\n", "USED RUNS WHAT", 2},
		{HEAD "1 2 \n", "USED RUNS WHAT", 2},
		{HEAD "-1 2 promise rpath\n", "USED RUNS WHAT", 2},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct audit_count counted;
		struct sbx_err err = {0};
		int r;

		put(rows[i].text);
		r = audit_count_open(&counted, file, &err);
		audit_count_done(&counted);
		cr_expect_eq(r, rows[i].says ? -EINVAL : 0, "row %zu: %d %s", i, r, err.msg);
		if (!rows[i].says)
			continue;
		cr_expect(strstr(err.msg, rows[i].says), "row %zu: %s", i, err.msg);
		cr_expect_eq(err.line, rows[i].line, "row %zu: line %u", i, err.line);
	}
}

Test(audit_count, follows_no_link, .init = begin, .fini = end)
{
	char other[280];
	struct audit_count counted;
	struct sbx_err err = {0};
	struct world w;
	struct stat st;

	make(&w);
	cr_assert_eq(audit_count_open(&counted, file, &err), 0, "%s", err.msg);
	(void)snprintf(other, sizeof(other), "%s/other", dir);
	cr_assert_eq(symlink(other, file), 0);
	audit_count_run(&counted, &w.policy, &w.used);
	audit_count_done(&counted);
	cr_expect(lstat(other, &st) < 0 && errno == ENOENT, "it was led elsewhere");
}
