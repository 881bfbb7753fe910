/* SPDX-License-Identifier: MIT */
/* What does it cost to be watched? Runs two workloads bare, under strace(1) and under the modes
 * that keep a supervisor, in turn, round after round, so that a machine whose speed drifts drifts
 * for all of them. What counts is the time that a mode adds to the bare run, as a share of what
 * `strace -f -o /dev/null` adds.
 *
 * Not pinned, unlike start.c: whoever watches is a second process, and where the kernel puts it is
 * part of what a user waits for. With -1 everything shares one processor, as on a busy machine.
 *
 * usage: watch [-1] [-j FILE] BUILD [ROUNDS]: BUILD holds sbx-preload and libsbx-preload.so; run
 * where conf/ is. FILE gets the same figures as JSON. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS	   7 /* of the slower workload */
#define ROUNDS_MAX 1000
#define WORDS	   12

#define STRACE "/usr/bin/strace"

static char launcher[PATH_MAX], python_policy[PATH_MAX], scratch[PATH_MAX], learned[PATH_MAX + 16];

static const struct workload {
	const char *name, *argv[WORDS];
	int times; /* in each round */
} workloads[] = {
	{"ls -laR /usr/share/doc", {"/bin/ls", "-laR", "/usr/share/doc"}, 1},
	{"python3 -c 'import json, http.client, sqlite3'",
	 {"/usr/bin/python3", "-c", "import json, http.client,sqlite3"},
	 4},
};
#define WORKLOADS (sizeof(workloads) / sizeof(workloads[0]))

/* "@" stands for the launcher, "%" for a policy file, "&" for --learn=FILE, a new one each time. */
enum { BARE, STRACED, MODES = 7 };
static const struct mode {
	const char *name;
	const char *argv[WORKLOADS][WORDS]; /* one workload's only: NULL, then as the one before */
} modes[MODES] = {
	[BARE] = {"bare", {{NULL}}},
	[STRACED] = {"strace -f -o /dev/null", {{STRACE, "-f", "-o", "/dev/null"}}},
	{"strace -f --seccomp-bpf -e trace=all",
	 {{STRACE, "-f", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=all"}}},
	{"--trace -o /dev/null", {{"@", "--trace", "-o", "/dev/null"}}},
	{"--trace=json -o /dev/null", {{"@", "--trace=json", "-o", "/dev/null"}}},
	{"--learn=FILE", {{"@", "&"}}},
	{"--explain",
	 {{"@", "-e", "-p", "stdio rpath getpw tty", "-v", "r:/usr/share/doc"},
	  {"@", "-e", "-P", "%"}}},
};

static struct figures {
	double us[4 * ROUNDS_MAX];
	size_t count;
} figures[WORKLOADS][MODES];

static _Noreturn void die(const char *what)
{
	(void)fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail with this clock */
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static char *word(const char *text)
{
	if (strcmp(text, "@") == 0)
		return launcher;
	if (strcmp(text, "%") == 0)
		return python_policy;
	return strcmp(text, "&") == 0 ? learned : (char *)(size_t)text;
}

static const char *const *words_of(const struct mode *mode, size_t workload)
{
	while (workload && !mode->argv[workload][0])
		workload--;
	return mode->argv[workload];
}

/* One run, output thrown away; microseconds from before the fork until it is reaped. */
static double run(size_t workload, const struct mode *mode,
		  const posix_spawn_file_actions_t *actions)
{
	static char path[] = "PATH=/usr/bin:/bin", home[] = "HOME=/nonexistent",
		    lang[] = "LC_ALL=C";
	char *env[] = {path, home, lang, NULL}, *argv[2 * WORDS + 1] = {NULL};
	const char *const *words = words_of(mode, workload);
	size_t n = 0;
	double start;
	pid_t pid;
	int status;

	for (size_t i = 0; i < WORDS && words[i]; i++)
		argv[n++] = word(words[i]);
	for (size_t i = 0; i < WORDS && workloads[workload].argv[i]; i++)
		argv[n++] = word(workloads[workload].argv[i]);
	(void)unlink(strchr(learned, '/')); /* mostly there is none */
	start = now_us();
	errno = posix_spawn(&pid, argv[0], actions, NULL, argv, env);
	if (errno)
		die(argv[0]);
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		(void)fprintf(stderr, "bench: %s, %s: status 0x%x\n", workloads[workload].name,
			      mode->name, status);
		exit(1);
	}
	return now_us() - start;
}

/* ---- figures ---- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double minimum(const struct figures *f)
{
	return f->us[0];
}

static double median(const struct figures *f)
{
	return f->us[f->count / 2];
}

static double p90(const struct figures *f)
{
	return f->us[f->count * 9 / 10];
}

/* What @mode adds, of what strace adds; -1 without strace. */
static double share(const struct figures *of, size_t mode, double (*pick)(const struct figures *))
{
	if (!of[STRACED].count)
		return -1;
	return (pick(&of[mode]) - pick(&of[BARE])) / (pick(&of[STRACED]) - pick(&of[BARE]));
}

static void report(void)
{
	for (size_t w = 0; w < WORKLOADS; w++) {
		const struct figures *of = figures[w];

		(void)printf("%-46s %4s %9s %9s %9s %6s  %s\n", workloads[w].name, "runs", "min ms",
			     "median", "p90", "ratio", "added, of strace -f: median, min");
		for (size_t m = 0; m < MODES; m++) {
			if (!of[m].count) {
				(void)printf("  %-44s not there\n", modes[m].name);
				continue;
			}
			(void)printf("  %-44s %4zu %9.1f %9.1f %9.1f %6.2f", modes[m].name,
				     of[m].count, minimum(&of[m]) / 1e3, median(&of[m]) / 1e3,
				     p90(&of[m]) / 1e3, median(&of[m]) / median(&of[BARE]));
			if (m != BARE && of[STRACED].count)
				(void)printf("  %6.2f %6.2f", share(of, m, median),
					     share(of, m, minimum));
			(void)printf("\n");
		}
	}
}

static void write_json(const char *path, bool pinned)
{
	FILE *out = fopen(path, "we");
	const char *between = "";

	if (!out)
		die(path);
	(void)fprintf(out,
		      "{\"bench\": \"watch\", \"pinned\": %s, \"unit\": \"us\", \"results\": [",
		      pinned ? "true" : "false");
	for (size_t w = 0; w < WORKLOADS; w++) {
		for (size_t m = 0; m < MODES; m++) {
			const struct figures *f = &figures[w][m];

			if (!f->count)
				continue;
			(void)fprintf(
				out,
				"%s\n  {\"workload\": \"%s\", \"mode\": \"%s\", \"runs\": %zu, "
				"\"min\": %.0f, \"median\": %.0f, \"p90\": %.0f, \"ratio\": %.3f",
				between, workloads[w].name, modes[m].name, f->count, minimum(f),
				median(f), p90(f), median(f) / median(&figures[w][BARE]));
			if (figures[w][STRACED].count)
				(void)fprintf(out, ", \"added_of_strace\": %.3f",
					      share(figures[w], m, median));
			(void)fprintf(out, "}");
			between = ",";
		}
	}
	(void)fprintf(out, "\n]}\n");
	if (fclose(out) != 0)
		die(path);
}

/* ---- beginning and end ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_scratch(void)
{
	(void)nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A directory of our own, which becomes the current one: policies are not learned where others may
 * write, nor is it good to stand where policies are. */
static void make_scratch(void)
{
	(void)snprintf(scratch, sizeof(scratch), "/var/tmp/sbx-bench.XXXXXX");
	if (!mkdtemp(scratch))
		die(scratch);
	(void)atexit(remove_scratch);
	if (chdir(scratch) < 0)
		die(scratch);
	(void)snprintf(learned, sizeof(learned), "--learn=%s/l.ini", scratch);
}

static void find_files(const char *build)
{
	char real[PATH_MAX];

	if (!realpath(build, real))
		die(build);
	(void)snprintf(launcher, sizeof(launcher), "%.4000s/sbx-preload", real);
	if (!realpath("conf/python3.ini", python_policy))
		die("conf/python3.ini");
}

static void pin(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		die("cannot pin");
}

static void run_round(bool counts, const posix_spawn_file_actions_t *actions)
{
	for (size_t w = 0; w < WORKLOADS; w++)
		for (int i = 0; i < (counts ? workloads[w].times : 1); i++)
			for (size_t m = 0; m < MODES; m++) {
				const char *const *words = words_of(&modes[m], w);
				struct figures *f = &figures[w][m];
				double us;

				if (words[0] && access(word(words[0]), X_OK) < 0)
					continue;
				us = run(w, &modes[m], actions);
				if (counts)
					f->us[f->count++] = us;
			}
}

int main(int argc, char **argv)
{
	posix_spawn_file_actions_t actions;
	const char *json = NULL;
	char json_path[2 * PATH_MAX], cwd[PATH_MAX];
	bool pinned = false;
	long rounds;
	int option;

	while ((option = getopt(argc, argv, "1j:")) != -1) {
		pinned |= option == '1';
		if (option == 'j')
			json = optarg;
		if (option == '?')
			argc = 0;
	}
	rounds = argc > optind + 1 ? atol(argv[optind + 1]) : ROUNDS;
	if (argc <= optind || rounds < 1 || rounds > ROUNDS_MAX) {
		(void)fprintf(stderr, "usage: watch [-1] [-j FILE] BUILD [ROUNDS]\n");
		return 2;
	}
	find_files(argv[optind]);
	if (json) { /* we are going to stand elsewhere */
		if (!getcwd(cwd, sizeof(cwd)))
			die("getcwd");
		(void)snprintf(json_path, sizeof(json_path), "%s%s%s", json[0] == '/' ? "" : cwd,
			       json[0] == '/' ? "" : "/", json);
	}
	if (pinned)
		pin();
	if (posix_spawn_file_actions_init(&actions) ||
	    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) ||
	    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0))
		die("posix_spawn");
	make_scratch();
	run_round(false, &actions); /* to warm up */
	for (long round = 0; round < rounds; round++)
		run_round(true, &actions);
	for (size_t w = 0; w < WORKLOADS; w++)
		for (size_t m = 0; m < MODES; m++)
			qsort(figures[w][m].us, figures[w][m].count, sizeof(double), compare);
	(void)printf("watched, %s\n", pinned ? "all on one processor" : "not pinned");
	report();
	if (json)
		write_json(json_path, pinned);
	return 0;
}
