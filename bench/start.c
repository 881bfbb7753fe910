/* SPDX-License-Identifier: MIT */
/* What does a sandboxed start cost? Runs each command in turn, round after round, pinned to one
 * processor, and prints medians as ratios to the bare program, so that a machine whose speed drifts
 * drifts for all of them.
 *
 * usage: start BUILD [ROUNDS]: BUILD holds sbx-preload and libsbx-preload.so, conf/ policies. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS	   400
#define ROUNDS_MAX 10000
#define WORDS	   12

#define GIT	   "/usr/bin/git"
#define STRACE	   "/usr/bin/strace"
#define REPO_FILES 300

static char launcher[PATH_MAX], preload[PATH_MAX + 16], scratch[PATH_MAX], policy[PATH_MAX + 16],
	quiet_policy[PATH_MAX + 16], git_policy[PATH_MAX];

/* "@" stands for the launcher, "%" for the policy file, "&" for git's. */
static const struct bench {
	const char *name;
	const char *argv[WORDS];
	int preloaded; /* way 2; 2: with report = no */
	int base;      /* index of the bare command */
	int every;     /* run only in each n-th round: slow ones */
} benches[] = {
	{"true, bare", {"/bin/true"}, 0, 0, 1},
	{"true, -p 'stdio rpath'", {"@", "-p", "stdio rpath", "/bin/true"}, 0, 0, 1},
	{"true, -q -p 'stdio rpath'", {"@", "-q", "-p", "stdio rpath", "/bin/true"}, 0, 0, 1},
	{"true, a policy file of 20 lines", {"@", "-P", "%", "/bin/true"}, 0, 0, 1},
	{"true, LD_PRELOAD alone, same file", {"/bin/true"}, 1, 0, 1},
	{"true, LD_PRELOAD, report = no", {"/bin/true"}, 2, 0, 1},
	{"true, --explain", {"@", "-e", "-P", "%", "/bin/true"}, 0, 0, 2},
	{"ls -lR /usr/share/doc, bare", {"/bin/ls", "-lR", "/usr/share/doc"}, 0, 7, 20},
	{"ls -lR, policy file", {"@", "-P", "%", "/bin/ls", "-lR", "/usr/share/doc"}, 0, 7, 20},
	{"ls -lR, --explain", {"@", "-e", "-P", "%", "/bin/ls", "-lR", "/usr/share/doc"}, 0, 7, 20},
	{"ls -lR, strace -f -o /dev/null",
	 {STRACE, "-f", "-o", "/dev/null", "/bin/ls", "-lR", "/usr/share/doc"},
	 0,
	 7,
	 40},
	{"git status, bare", {GIT, "status"}, 0, 11, 10},
	{"git status, policy file", {"@", "-P", "&", GIT, "status"}, 0, 11, 10},
	{"git status, --explain", {"@", "-e", "-P", "&", GIT, "status"}, 0, 11, 10},
	{"git status, strace -f -o /dev/null",
	 {STRACE, "-f", "-o", "/dev/null", GIT, "status"},
	 0,
	 11,
	 10},
};
#define BENCHES (sizeof(benches) / sizeof(benches[0]))

static double samples[BENCHES][ROUNDS_MAX];
static size_t counts[BENCHES];

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
	if (strcmp(text, "&") == 0)
		return git_policy;
	return strcmp(text, "%") == 0 ? policy : (char *)(size_t)text;
}

/* One run, output thrown away; microseconds from before the fork until it is reaped. */
static double run(const struct bench *bench, const posix_spawn_file_actions_t *actions)
{
	static char path[] = "PATH=/usr/bin:/bin", home[] = "HOME=/nonexistent",
		    lang[] = "LC_ALL=C";
	char variable[PATH_MAX + 32];
	char *env[] = {path, home, lang, bench->preloaded ? preload : NULL, variable, NULL};
	char *argv[WORDS + 1] = {NULL};
	double start;
	pid_t pid;
	int status;

	(void)snprintf(variable, sizeof(variable), "SBX_POLICY=%s",
		       bench->preloaded == 2 ? quiet_policy : policy);
	for (size_t i = 0; i < WORDS && bench->argv[i]; i++)
		argv[i] = word(bench->argv[i]);
	start = now_us();
	errno = posix_spawn(&pid, argv[0], actions, NULL, argv, env);
	if (errno)
		die(argv[0]);
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		(void)fprintf(stderr, "bench: \"%s\" failed: status 0x%x\n", bench->name, status);
		exit(1);
	}
	return now_us() - start;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(size_t i)
{
	return samples[i][counts[i] / 2];
}

static void report(void)
{
	for (size_t i = 0; i < BENCHES; i++)
		qsort(samples[i], counts[i], sizeof(samples[i][0]), compare);
	(void)printf("%-36s %6s %10s %10s %10s %7s\n", "", "runs", "min us", "median us", "p90 us",
		     "ratio");
	for (size_t i = 0; i < BENCHES; i++) {
		if (!counts[i]) {
			(void)printf("%-36s not there\n", benches[i].name);
			continue;
		}
		(void)printf("%-36s %6zu %10.0f %10.0f %10.0f %7.2f\n", benches[i].name, counts[i],
			     samples[i][0], median(i), samples[i][counts[i] * 9 / 10],
			     median(i) / median((size_t)benches[i].base));
	}
}

static void write_file(const char *path, const char *text, const char *more)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || dprintf(fd, "%s%s", text, more) < 0 || close(fd) < 0)
		die(path);
}

static void write_policies(void)
{
	static const char text[] =
		"[unveil]\nr = /usr/share/doc\n"
		"r? = /etc/ls.conf\nr? = /etc/a\nr? = /etc/b\nr? = /etc/c\nr? = /etc/d\n"
		"r = /etc/hostname\nr = /etc/os-release\nr = /usr/share/zoneinfo\n"
		"r = /usr/share/common-licenses\nr? = /var/cache/man\nr? = /var/lib/dpkg\n"
		"r = /usr/include\nr = /usr/share/misc\nr = /usr/share/perl5\n"
		"[sandbox]\npromises = stdio rpath tty\n";

	(void)snprintf(policy, sizeof(policy), "%s/true.ini", scratch);
	write_file(policy, text, "");
	(void)snprintf(quiet_policy, sizeof(quiet_policy), "%s/quiet.ini", scratch);
	write_file(quiet_policy, text, "report = no\n");
}

static void must_run(const char *const *argv)
{
	static char path[] = "PATH=/usr/bin:/bin", home[] = "HOME=/nonexistent";
	char *env[] = {path, home, NULL};
	int status;
	pid_t pid;

	errno = posix_spawn(&pid, argv[0], NULL, NULL, (char *const *)(size_t)argv, env);
	if (errno || waitpid(pid, &status, 0) < 0 || status != 0)
		die(argv[0]);
}

/* A work tree, which becomes the current directory. */
static void make_repository(void)
{
	static const char *const init[] = {GIT, "init", "-q", NULL}, *const add[] = {GIT, "add",
										     ".", NULL};
	char path[PATH_MAX + 64];

	(void)snprintf(path, sizeof(path), "%s/repo", scratch);
	if (mkdir(path, 0700) < 0 || chdir(path) < 0)
		die(path);
	if (access(GIT, X_OK) < 0)
		return;
	must_run(init);
	for (int i = 0; i < REPO_FILES; i++) {
		(void)snprintf(path, sizeof(path), "dir%d", i % 20);
		(void)mkdir(path, 0700); /* there already, mostly */
		(void)snprintf(path, sizeof(path), "dir%d/file%d", i % 20, i);
		write_file(path, path, "");
	}
	must_run(add);
}

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

/* A directory of our own: policies are refused where others may write. */
static void make_scratch(void)
{
	(void)snprintf(scratch, sizeof(scratch), "/var/tmp/sbx-bench.XXXXXX");
	if (!mkdtemp(scratch))
		die(scratch);
	(void)atexit(remove_scratch);
	write_policies();
	make_repository();
}

int main(int argc, char **argv)
{
	posix_spawn_file_actions_t actions;
	long rounds = argc > 2 ? atol(argv[2]) : ROUNDS;
	char build[PATH_MAX];
	cpu_set_t one;

	if (argc < 2 || rounds < 1 || rounds > ROUNDS_MAX) {
		(void)fprintf(stderr, "usage: start BUILD [ROUNDS]\n");
		return 2;
	}
	if (!realpath(argv[1], build))
		die(argv[1]);
	(void)snprintf(launcher, sizeof(launcher), "%.4000s/sbx-preload", build);
	(void)snprintf(preload, sizeof(preload), "LD_PRELOAD=%.4000s/libsbx-preload.so", build);
	if (!realpath("conf/git.ini", git_policy))
		die("conf/git.ini");
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		(void)fprintf(stderr, "bench: not pinned: %s\n", strerror(errno));
	if (posix_spawn_file_actions_init(&actions) ||
	    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) ||
	    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0))
		die("posix_spawn");
	make_scratch();
	for (long round = -2; round < rounds; round++) /* two rounds to warm up */
		for (size_t i = 0; i < BENCHES; i++) {
			double us;

			if ((round > 0 && round % benches[i].every) ||
			    access(word(benches[i].argv[0]), X_OK) < 0)
				continue;
			us = run(&benches[i], &actions);
			if (round >= 0)
				samples[i][counts[i]++] = us;
		}
	report();
	return 0;
}
