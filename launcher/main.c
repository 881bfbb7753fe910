/* SPDX-License-Identifier: MIT */
/* The command. Modules neither print errors nor exit; here it is done, once. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../shim/landlock.h"
#include "../shim/path.h"
#include "../shim/policy_file.h"
#include "../shim/policy_select.h"
#include "../shim/report.h"
#include "../shim/rule.h"
#include "../shim/unveil.h"
#include "api.h"
#include "doctor.h"
#include "export.h"
#include "guide.h"
#include "import.h"
#include "list.h"
#include "options.h"
#include "program.h"
#include "report.h"
#include "start.h"

#ifndef SBX_VERSION
#define SBX_VERSION "unknown"
#endif

static int fail(const struct sbx_err *err, int status)
{
	char text[sizeof(err->file) + sizeof(err->msg) + 32];

	(void)err_format(err, text, sizeof(text));
	(void)fprintf(stderr, "sbx-preload: %s\n",
		      text); /* the exit status tells even when stderr is closed */
	return status;
}

/* A closed standard descriptor must stay closed for the program, yet must not become the number of
 * a descriptor of ours meanwhile. O_CLOEXEC takes the stand-in away again at execve. */
static int guard_standard_descriptors(struct sbx_err *err)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		if (open("/dev/null", O_PATH | O_CLOEXEC) != fd && eventfd(0, EFD_CLOEXEC) != fd)
			return err_set(err, -errno, "cannot keep descriptor %d closed: %m", fd);
	}
	return 0;
}

static bool has_flag(const struct options *options, char option)
{
	for (size_t i = 0; i < options->n_flags; i++)
		if (options->flags[i].option == option)
			return true;
	return false;
}

static int add_rule_flag(struct policy *policy, const struct policy_flag *flag, struct sbx_err *err)
{
	bool allow = flag->option == OPTION_ALLOW;

	return policy_add_rule(policy, allow, flag->value,
			       (struct origin){.file = allow ? "--allow" : "--deny"}, err);
}

/* What a rule opens that nothing else does is worth a word each time. */
static void warn_of_rules(const struct policy *policy, bool quiet)
{
	char text[256];

	for (size_t i = 0; !quiet && i < policy->n_rules; i++) {
		const struct origin *from = &policy->rules[i].from;

		if (!rule_warning(&policy->rules[i], text, sizeof(text)))
			continue;
		if (from->line)
			(void)fprintf(stderr, "sbx-preload: %s:%u: %s\n", from->file, from->line,
				      text);
		else
			(void)fprintf(stderr, "sbx-preload: %s: %s\n", from->file, text);
	}
}

/* Flags alone are a policy; without -p, the promises are those of the built-in default. */
static int add_flags(struct policy *policy, const struct options *options, bool alone,
		     const struct policy_env *env, struct sbx_err *err)
{
	const struct origin from = {.file = "-p"};
	int r = 0;

	if (alone) {
		policy->name = "flags";
		if (!has_flag(options, 'p'))
			r = policy_add_promises(policy, POLICY_DEFAULT_PROMISES, from, err);
	}
	for (size_t i = 0; !r && i < options->n_flags; i++) {
		const struct policy_flag *flag = &options->flags[i];

		if (flag->option == 'p')
			r = policy_add_promises(policy, flag->value, from, err);
		else if (flag->option == OPTION_ALLOW || flag->option == OPTION_DENY)
			r = add_rule_flag(policy, flag, err);
		else
			r = policy_add_unveil_flag(policy, flag->value, env, err);
	}
	if (options->no_unveil)
		policy->unveil = false;
	if (options->kill)
		policy->on_violation = VIOLATION_KILL;
	return r < 0 ? r : policy_check_rules(policy, err);
}

/* @program: NULL when none is named (--print-policy without PROGRAM): then only -P, flags or the
 * default can be meant. */
static int choose_policy(struct policy *policy, const struct options *options,
			 const struct program *program, const struct policy_env *env,
			 struct sbx_err *err)
{
	struct policy_subject subject = {.named = options->policy_file};
	bool alone;
	int r = 0;

	policy_init(policy);
	if (!subject.named)
		subject.named = env_get(env->envp, "SBX_POLICY");
	alone = !subject.named && options->n_flags;
	if (program) {
		subject.name = program->name;
		subject.real_name = program->real_name;
		subject.real_path = program->real_path;
	}
	if (!alone && (program || subject.named))
		r = program ? policy_select(policy, &subject, env, err)
			    : policy_load(policy, subject.named, env, err);
	else if (!alone)
		r = policy_set_default(policy, env, err);
	if (!r)
		r = add_flags(policy, options, alone, env, err);
	return r;
}

/* What every program needs, as the start of what is learned; nothing is refused. */
static int unconfined_policy(struct policy *policy, struct sbx_err *err)
{
	policy_init(policy);
	policy->name = "learned";
	policy->on_violation = VIOLATION_LOG;
	policy->port_kinds = PORT_CONNECT | PORT_BIND;
	policy->best_effort = true;
	return policy_add_promises(policy, "stdio", (struct origin){.file = "--learn"}, err);
}

static int program_status(int r)
{
	switch (r) {
	case -ENOENT:
		return SBX_EXIT_NOTFOUND;
	case -ENOMEM:
	case -EMFILE:
	case -ENFILE:
		return SBX_EXIT_SANDBOX;
	default:
		return SBX_EXIT_NOEXEC;
	}
}

static int policy_status(int r)
{
	return r == -ENOMEM ? SBX_EXIT_SANDBOX : SBX_EXIT_USAGE;
}

static int run(const struct options *options, const struct policy_env *env)
{
	struct sbx_err err = {0};
	struct program program = {0};
	struct policy policy;
	const struct start_request request = {
		.program = &program,
		.policy = &policy,
		.env = env,
		.quiet = options->quiet,
		.explain = options->explain,
		.explain_file = options->explain_file,
		.learn = options->learn,
		.learn_file = options->learn_file,
		.audit = options->audit,
		.audit_file = options->audit_file,
		.trace = options->trace.format == TRACE_NONE ? NULL : &options->trace,
	};
	int status, r;

	r = program_resolve(options->rest, env->envp, &program, &err);
	if (r < 0)
		return fail(&err, program_status(r));
	if (options->learn || request.trace)
		r = unconfined_policy(&policy, &err);
	else
		r = choose_policy(&policy, options, &program, env, &err);
	if (r < 0)
		return fail(&err, policy_status(r));
	warn_of_rules(&policy, options->quiet);
	status = start_program(&request, &err);
	return err.code ? fail(&err, status) : status;
}

/* What --print-policy and --export are about. */
static int show_policy(const struct options *options, const struct policy *policy,
		       const struct policy_env *env, struct sbx_err *err)
{
	struct export_request request = {
		.policy = policy, .env = env, .notes = options->quiet ? NULL : stderr};
	char names[128];

	if (options->mode == MODE_PRINT_POLICY) {
		policy_print(policy, env, stdout);
		return 0;
	}
	request.format = export_format_find(options->format);
	if (request.format)
		return export_policy(&request, stdout, err);
	export_format_names(", ", names, sizeof(names));
	return err_set(err, -EINVAL, "--export=%s: there is %s", options->format, names);
}

static int print_policy(const struct options *options, const struct policy_env *env)
{
	struct sbx_err err = {0};
	struct program program = {0};
	struct policy policy;
	int r = 0;

	if (options->rest[0]) {
		r = program_resolve(options->rest, env->envp, &program, &err);
		if (r < 0)
			return fail(&err, program_status(r));
	}
	r = choose_policy(&policy, options, options->rest[0] ? &program : NULL, env, &err);
	if (!r)
		warn_of_rules(&policy, options->quiet);
	if (!r)
		r = show_policy(options, &policy, env, &err);
	policy_done(&policy);
	program_done(&program);
	return r < 0 ? fail(&err, policy_status(r)) : 0;
}

static int interactive(const struct options *options, const struct policy_env *env)
{
	struct sbx_err err = {0};
	struct program program = {0};
	struct guide_request request = {
		.program = &program, .env = env, .policy_file = options->policy_file};
	int status, r = program_resolve(options->rest, env->envp, &program, &err);

	if (r < 0)
		return fail(&err, program_status(r));
	status = guide_run_on_terminal(&request, &err);
	program_done(&program);
	return err.code ? fail(&err, status) : status;
}

static int serve(const struct options *options, const struct policy_env *env)
{
	struct sbx_err err = {0};
	const struct api_request request = {.socket = options->socket,
					    .program = options->rest,
					    .envp = env->envp,
					    .quiet = options->quiet};

	return api_run(&request, &err) < 0 ? fail(&err, SBX_EXIT_USAGE) : 0;
}

static int import_profile(const struct options *options)
{
	const struct import_format *format = import_format_find(options->format);
	struct sbx_err err = {0};
	const char *path = options->rest[0];
	char names[64];

	if (!format) {
		import_format_names(", ", names, sizeof(names));
		(void)err_set(&err, -EINVAL, "--import=%s: there is %s", options->format, names);
		return fail(&err, SBX_EXIT_USAGE);
	}
	if (strcmp(path, "-") == 0)
		path = "/dev/stdin";
	return import_file(format, path, stdout, &err) < 0 ? fail(&err, SBX_EXIT_USAGE) : 0;
}

static int check_file(const char *path, bool quiet, const struct policy_env *env,
		      struct sbx_err *err)
{
	char shim[PATH_MAX];
	struct landlock_caps caps;
	struct policy policy;
	struct unveil_request request = {.policy = &policy, .env = env, .caps = &caps};
	struct sbx_err no_shim;
	int r;

	policy_init(&policy);
	landlock_probe(&caps);
	if (!start_find_shim(shim, &no_shim))
		request.shim_path = shim;
	r = policy_load(&policy, path, env, err);
	if (!r)
		r = unveil_check(&request, err);
	if (!r)
		warn_of_rules(&policy, quiet);
	policy_done(&policy);
	return r;
}

static int check(const struct options *options, const struct policy_env *env)
{
	int status = 0;

	for (char **file = options->rest; *file; file++) {
		struct sbx_err err = {0};

		if (check_file(*file, options->quiet, env, &err) < 0)
			status = fail(&err, SBX_EXIT_USAGE);
		else if (!options->quiet)
			(void)printf("%s: ok\n", *file);
	}
	return status;
}

static int list(const struct options *options)
{
	struct sbx_err err = {0};

	if (!options->list_promise)
		return list_promises(stdout) < 0 ? 1 : 0;
	return list_promise(options->list_promise, stdout, &err) < 0 ? fail(&err, SBX_EXIT_USAGE)
								     : 0;
}

/* --doctor's proof: sandbox a real program and see it end well. */
static int doctor_trial(void *user, char *why, size_t size)
{
	const struct policy_env *env = user;
	static char name[] = "true";
	char *const argv[] = {name, NULL};
	struct program program = {0};
	struct policy policy;
	const struct start_request request = {.program = &program, .policy = &policy, .env = env};
	struct sbx_err err = {0};
	int status, r;
	pid_t pid;

	r = program_resolve(argv, env->envp, &program, &err);
	policy_init(&policy);
	if (!r)
		r = policy_set_default(&policy, env, &err);
	if (r < 0) {
		(void)err_format(&err, why, size);
		return r;
	}
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		status = start_program(&request, &err);
		_exit(fail(&err, status));
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		r = -errno;
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		r = -EPROTO;
	if (r < 0)
		(void)snprintf(why, size, "\"%s\" did not run to its end in the default sandbox",
			       program.path);
	policy_done(&policy);
	program_done(&program);
	return r;
}

static int doctor(const struct options *options, const struct policy_env *env)
{
	char shim[PATH_MAX] = "";
	struct sbx_err err = {0};
	struct doctor_context context = {
		.env = env,
		.shim_path = shim,
		.trial = doctor_trial,
		.trial_user = (void *)(uintptr_t)env,
	};

	context.json = options->json;
	if (start_find_shim(shim, &err) < 0)
		context.shim_path = NULL;
	else
		context.shim_usable = start_check_shim(shim, &err) == 0;
	context.shim_err = context.shim_usable ? NULL : &err;
	return doctor_run(&context, stdout);
}

static int dispatch(const struct options *options, const struct policy_env *env)
{
	switch (options->mode) {
	case MODE_RUN:
		return run(options, env);
	case MODE_PRINT_POLICY:
	case MODE_EXPORT:
		return print_policy(options, env);
	case MODE_IMPORT:
		return import_profile(options);
	case MODE_INTERACTIVE:
		return interactive(options, env);
	case MODE_API:
		return serve(options, env);
	case MODE_CHECK:
		return check(options, env);
	case MODE_DOCTOR:
		return doctor(options, env);
	case MODE_LIST:
		return list(options);
	case MODE_HELP:
		return fputs(options_help, stdout) < 0;
	case MODE_VERSION:
		return printf("sbx-preload %s\n", SBX_VERSION) < 0;
	}
	return SBX_EXIT_USAGE;
}

/* Not a person's option, and so not among them. */
static int attend(char *const *argv, const struct policy_env *env, char cwd[PATH_MAX])
{
	struct sbx_err err = {0};

	if (!getcwd(cwd, PATH_MAX))
		cwd[0] = '\0'; /* the program has none either: its policy was read all the same */
	return report_attend(argv, env, &err) < 0 ? fail(&err, SBX_EXIT_USAGE) : 0;
}

int main(int argc, char **argv, char **envp)
{
	struct sbx_err err = {0};
	struct options options;
	char cwd[PATH_MAX] = "";
	const struct policy_env env = {.envp = envp, .cwd = cwd, .uid = geteuid()};
	int status, r;

	r = guard_standard_descriptors(&err);
	if (r < 0)
		return fail(&err, SBX_EXIT_SANDBOX);
	if (argc < 1) {
		(void)err_set(&err, -EINVAL, "called without a name");
		return fail(&err, SBX_EXIT_USAGE);
	}
	if (argc > 1 && strcmp(argv[1], ATTEND_WORD) == 0)
		return attend(argv, &env, cwd);
	r = options_parse(argc, argv, &options, &err);
	if (r < 0)
		return fail(&err, r == -ENOMEM ? SBX_EXIT_SANDBOX : SBX_EXIT_USAGE);
	if (!getcwd(cwd, sizeof(cwd))) {
		(void)err_set(&err, -errno, "cannot read the current directory: %m");
		return fail(&err, SBX_EXIT_SANDBOX);
	}
	status = dispatch(&options, &env);
	options_done(&options);
	if (status == 0 && fflush(stdout) != 0) {
		(void)err_set(&err, -errno, "cannot write: %m");
		return fail(&err, 1);
	}
	return status;
}
