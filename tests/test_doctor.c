/* SPDX-License-Identifier: MIT */
/* --doctor: each thing that can be wrong is said, and decides the exit status. Needs no privileges:
 * the trial is ours. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../launcher/doctor.h"

struct outcome {
	char *text; /* heap */
	size_t len;
	int status;
};

static int trial_good(void *user, char *why, size_t size)
{
	(void)why;
	(void)size;
	++*(int *)user;
	return 0;
}

static int trial_bad(void *user, char *why, size_t size)
{
	++*(int *)user;
	(void)snprintf(why, size, "the program lay down");
	return -EPROTO;
}

/* A home directory of our own, so that the machine's policies play no part. */
static void make_home(char home[64], char envp_entry[96])
{
	(void)snprintf(home, 64, "/tmp/sbx-doctor.XXXXXX");
	cr_assert_not_null(mkdtemp(home));
	(void)snprintf(envp_entry, 96, "XDG_CONFIG_HOME=%s", home);
}

static void write_policy(const char *home, const char *name, const char *text, mode_t mode)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/sbx-preload", home);
	cr_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
	(void)snprintf(path, sizeof(path), "%s/sbx-preload/%s", home, name);
	file = fopen(path, "w");
	cr_assert_not_null(file);
	cr_assert(fputs(text, file) >= 0);
	cr_assert_eq(fclose(file), 0);
	cr_assert_eq(chmod(path, mode), 0);
}

static struct outcome examine(struct doctor_context *context, const char *envp_entry)
{
	char *envp[] = {(char *)(uintptr_t)envp_entry, NULL};
	const struct policy_env env = {.envp = envp, .cwd = "/", .uid = geteuid()};
	struct outcome outcome = {0};
	FILE *out = open_memstream(&outcome.text, &outcome.len);

	cr_assert_not_null(out);
	context->env = &env;
	outcome.status = doctor_run(context, out);
	cr_assert_eq(fclose(out), 0);
	return outcome;
}

static void remove_home(const char *home)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", home);
	cr_assert_eq(system(command), 0);
}

/* The line of @text that begins with @verdict and speaks of @what; NULL when there is none. */
static const char *find_line(const char *text, const char *verdict, const char *what)
{
	for (const char *line = text; line && *line; line = strchr(line, '\n'), line += !!line) {
		size_t len = strcspn(line, "\n");
		const char *found = memmem(line, len, what, strlen(what));

		if (found && strncmp(line, verdict, strlen(verdict)) == 0)
			return line;
	}
	return NULL;
}

static const struct sbx_err no_shim = {.code = -ENOENT,
				       .msg = "the shim is missing: neither here nor there"};
static const struct sbx_err torn_shim = {.code = -ENOEXEC, .msg = "the shim /x.so is truncated"};

static const struct {
	const char *name;
	const char *shim_path;
	bool shim_usable;
	const struct sbx_err *shim_err;
	bool trial_fails;
	const char *verdict, *what;
} machines[] = {
	{"shim found", "/bin/true", true, NULL, false, "ok  ", "/bin/true"},
	{"shim missing", NULL, false, &no_shim, false, "FAIL", "neither here nor there"},
	{"shim missing, no reason", NULL, false, NULL, false, "FAIL", "not found"},
	{"shim torn", "/x.so", false, &torn_shim, false, "FAIL", "truncated"},
	{"trial good", "/bin/true", true, NULL, false, "ok  ", "trial"},
	{"trial bad", "/bin/true", true, NULL, true, "FAIL", "the program lay down"},
};

Test(doctor, shim_and_trial_decide)
{
	char home[64], envp_entry[96];

	make_home(home, envp_entry);
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		int trials = 0;
		struct doctor_context context = {
			.shim_path = machines[i].shim_path,
			.shim_usable = machines[i].shim_usable,
			.shim_err = machines[i].shim_err,
			.trial = machines[i].trial_fails ? trial_bad : trial_good,
			.trial_user = &trials,
		};
		struct outcome outcome = examine(&context, envp_entry);

		cr_expect_not_null(find_line(outcome.text, machines[i].verdict, machines[i].what),
				   "%s: no line \"%s … %s\" in:\n%s", machines[i].name,
				   machines[i].verdict, machines[i].what, outcome.text);
		cr_expect_eq(trials, 1, "%s: %d trials", machines[i].name, trials);
		cr_expect_eq(outcome.status, strstr(outcome.text, "FAIL ") ? SBX_EXIT_SANDBOX : 0,
			     "%s: exit %d for:\n%s", machines[i].name, outcome.status,
			     outcome.text);
		free(outcome.text);
	}
	remove_home(home);
}

static const struct {
	const char *name;
	const char *text;
	mode_t mode;
	mode_t dir_mode;
	const char *verdict, *what;
} directories[] = {
	{"good policy", "[sandbox]\npromises = stdio\n", 0644, 0755, "ok  ", "1 policy, safe"},
	{"misspelt promise", "[sandbox]\npromises = stdio rpaht\n", 0644, 0755, "FAIL",
	 "a.ini:2: "},
	{"group may write the policy", "[sandbox]\npromises = stdio\n", 0664, 0755, "FAIL",
	 "a.ini"},
	{"others may write the directory", "[sandbox]\npromises = stdio\n", 0644, 0757, "FAIL",
	 "not safe"},
};

Test(doctor, policies_are_read)
{
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
		char home[64], envp_entry[96], dir[96];
		int trials = 0;
		struct doctor_context context = {
			.shim_path = "/bin/true",
			.shim_usable = true,
			.trial = trial_good,
			.trial_user = &trials,
		};
		struct outcome outcome;

		make_home(home, envp_entry);
		write_policy(home, "a.ini", directories[i].text, directories[i].mode);
		write_policy(home, "a.ini~", "no policy", 0644);
		(void)snprintf(dir, sizeof(dir), "%s/sbx-preload", home);
		cr_assert_eq(chmod(dir, directories[i].dir_mode), 0);
		outcome = examine(&context, envp_entry);
		cr_expect_not_null(
			find_line(outcome.text, directories[i].verdict, directories[i].what),
			"%s: no line \"%s … %s\" in:\n%s", directories[i].name,
			directories[i].verdict, directories[i].what, outcome.text);
		if (directories[i].verdict[0] == 'F')
			cr_expect_eq(outcome.status, SBX_EXIT_SANDBOX, "%s: exit %d",
				     directories[i].name, outcome.status);
		free(outcome.text);
		remove_home(home);
	}
}

/* What is asked of the kernel is said whatever the answer. */
Test(doctor, every_fact_has_a_line)
{
	static const char *const facts[] = {"kernel",	       "Landlock",     "security modules",
					    "seccomp actions", "no_new_privs", "BPF JIT",
					    "libseccomp",      "shim",	       "trial",
					    "policy directory"};
	char home[64], envp_entry[96];
	int trials = 0;
	struct doctor_context context = {
		.shim_path = "/bin/true",
		.shim_usable = true,
		.trial = trial_good,
		.trial_user = &trials,
	};
	struct outcome outcome;

	make_home(home, envp_entry);
	outcome = examine(&context, envp_entry);
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
		bool found = false;

		for (const char *line = outcome.text; line && *line;
		     line = strchr(line, '\n'), line += !!line)
			found = found || (strnlen(line, 6) == 6 &&
					  strncmp(line + 6, facts[i], strlen(facts[i])) == 0);
		cr_expect(found, "nothing about \"%s\" in:\n%s", facts[i], outcome.text);
	}
	free(outcome.text);
	remove_home(home);
}
