/* SPDX-License-Identifier: MIT */
/* The shim's only entry: runs before every other constructor (linked -z initfirst) and before
 * main(), applies the policy, takes its traces out of the environment. On any error the process
 * ends here: main() must not run. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

#include "handoff.h"
#include "path.h"
#include "policy_select.h"
#include "report.h"
#include "rule_layer.h"
#include "sandbox.h"
#include "unveil.h"

/* Another libc (musl) calls constructors without arguments: @envp would be garbage. */
extern const char *gnu_get_libc_version(void) __attribute__((weak));

static void say(const char *text)
{
	char line[sizeof(((struct sbx_err *)0)->file) + sizeof(((struct sbx_err *)0)->msg) + 64];
	int n = snprintf(line, sizeof(line), "sbx-preload: %s\n", text);

	if (n > 0)
		/* Nobody to tell when standard error is closed; the exit status still does. */
		(void)!write(STDERR_FILENO, line,
			     (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

static _Noreturn void die(const struct sbx_err *err)
{
	char text[sizeof(err->file) + sizeof(err->msg) + 32];

	(void)err_format(err, text, sizeof(text));
	say(text);
	_exit(SBX_EXIT_SANDBOX);
}

static bool variable_is(const char *entry, const char *name)
{
	size_t len = strlen(name);

	return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

/* The name that ld.so loaded this object by; NULL when it does not say. */
static const char *own_name(void)
{
	Dl_info info;

	return dladdr((void *)(uintptr_t)own_name, &info) ? info.dli_fname : NULL;
}

/* Is the preload @word (@len bytes) this object, by its usual name or by the one that it was loaded
 * by? */
static bool preload_is_self(const char *word, size_t len, const char *self)
{
	const char *slash = memrchr(word, '/', len);
	const char *base = slash ? slash + 1 : word;
	size_t base_len = len - (size_t)(base - word);

	if (base_len == strlen(SHIM_NAME) && memcmp(base, SHIM_NAME, base_len) == 0)
		return true;
	return self && strlen(self) == len && memcmp(word, self, len) == 0;
}

/* Take our own entry out of the list of preloads, in place; ld.so has read it already. Blanks and
 * colons separate. Returns whether anything is left. */
static bool preload_remove_self(char *list)
{
	const char *self = own_name();
	char *out = list;
	const char *p = list;

	while (*p) {
		size_t skip = strspn(p, " :");
		const char *word = p + skip;
		size_t len = strcspn(word, " :");

		p = word + len;
		if (!len || preload_is_self(word, len, self))
			continue;
		if (out != list)
			*out++ = ':';
		memmove(out, word, len);
		out += len;
	}
	*out = '\0';
	return out != list;
}

/* Remove, never blank: an empty LD_PRELOAD has broken programs (minijail 66bcc8c). libc takes over
 * this very array. */
static void environment_clean(char **envp)
{
	char **out = envp;

	for (; *envp; envp++) {
		if (strncmp(*envp, "SBX_", 4) == 0)
			continue;
		if (variable_is(*envp, "LD_PRELOAD") &&
		    !preload_remove_self(*envp + strlen("LD_PRELOAD=")))
			continue;
		*out++ = *envp;
	}
	*out = NULL;
}

/* Way 1: the launcher did the thinking. */
static int apply_handoff(const char *value, struct sbx_err *err)
{
	struct filter filter;
	int ruleset = -1;
	int r;

	r = handoff_receive(value, &filter, &ruleset, err);
	if (r < 0)
		return r;
	return filter.len ? sandbox_enter(&ruleset, &filter, err)
			  : sandbox_enter_supervised(&ruleset, err);
}

/* Where the program and this object lie. Script: what the kernel was asked to execute, "#!" file or
 * program. */
struct places {
	char exe[PATH_MAX];
	char script[PATH_MAX];
	char shim[PATH_MAX];
	const char *execfn; /* as given to execve(2) */
};

static int places_find(struct places *ret, struct sbx_err *err)
{
	unsigned long execfn = getauxval(AT_EXECFN);
	const char *self = own_name();
	int r;

	r = path_real("/proc/self/exe", ret->exe);
	if (r < 0)
		return err_set(err, r, "cannot read /proc/self/exe: %s", strerrordesc_np(-r));
	ret->execfn = execfn ? (const char *)execfn : ret->exe;
	/* fexecve(3) leaves a name that may be gone by now; the program itself is then all there
	 * is. */
	if (path_real(ret->execfn, ret->script) < 0)
		memcpy(ret->script, ret->exe, sizeof(ret->exe));
	if (!self)
		return err_set(err, -ENOENT, "cannot find out where " SHIM_NAME " lies");
	r = path_real(self, ret->shim);
	if (r < 0)
		return err_set(err, r, "%s: %s", self, strerrordesc_np(-r));
	return 0;
}

static int find_policy(struct policy *policy, const struct places *places,
		       const struct policy_env *env, struct sbx_err *err)
{
	const struct policy_subject subject = {
		.named = env_get(env->envp, "SBX_POLICY"),
		.name = path_base(places->execfn),
		.real_name = path_base(places->script),
		.real_path = places->script,
	};
	int r = policy_select(policy, &subject, env, err);

	if (r == 0 && policy->on_violation == VIOLATION_LOG)
		r = err_set(err, -EOPNOTSUPP,
			    "%s: \"on_violation = log\" needs the launcher, which then stays to "
			    "report",
			    policy->name);
	return r;
}

/* The filter, and somebody who says what it denies, if that is wanted. */
static int enter(struct unveil_rulesets *rulesets, const struct report_request *reported,
		 struct sbx_err *err)
{
	struct filter_request request = {
		.promises = reported->policy->promises,
		.bounded = reported->bounded,
		.on_violation = reported->policy->on_violation,
		.self = getpid(),
	};
	struct filter plain, asking;
	struct report report;
	int r;

	r = filter_build(&request, &plain, err);
	if (r == 0)
		r = rules_prepend(reported->policy, RULES_ALONE, &plain, err);
	request.supervised = true;
	if (r == 0)
		r = filter_build(&request, &asking, err);
	if (r == 0)
		r = rules_prepend(reported->policy, RULES_ASKED, &asking, err);
	if (r < 0)
		return r;
	if (!report_start(&report, reported))
		return sandbox_enter(&rulesets->inner, &plain, err);
	r = sandbox_restrict(&rulesets->inner, err);
	return r < 0 ? r : report_enter(&report, &asking, &plain, err);
}

/* Way 2: nobody prepared anything; find the policy of this program and apply it, alone. */
static int apply_policy(struct policy *policy, const struct policy_env *env, struct sbx_err *err)
{
	struct places places;
	struct landlock_caps caps;
	struct unveil_rulesets rulesets;
	const char *readable[] = {places.exe, places.script, NULL};
	const struct unveil_request unveil = {
		.policy = policy,
		.env = env,
		.caps = &caps,
		.shim_path = places.shim,
		.readable = readable,
		.want_inner = true,
	};
	struct report_request reported = {
		.policy = policy, .shim = places.shim, .files = readable, .envp = env->envp};
	int r;

	r = places_find(&places, err);
	if (r == 0)
		r = find_policy(policy, &places, env, err);
	if (r < 0)
		return r;
	landlock_probe(&caps);
	r = unveil_build(&unveil, &rulesets, err);
	if (r < 0)
		return r;
	if (rulesets.lost[0])
		say(rulesets.lost);
	reported.bounded = rulesets.bounded;
	return enter(&rulesets, &reported, err);
}

static int apply_policy_alone(char *const *envp, struct sbx_err *err)
{
	char cwd[PATH_MAX];
	const struct policy_env env = {.envp = envp, .cwd = cwd, .uid = geteuid()};
	struct policy policy;
	int r;

	if (!getcwd(cwd, sizeof(cwd)))
		return err_set(err, -errno, "cannot read the current directory: %m");
	policy_init(&policy);
	r = apply_policy(&policy, &env, err);
	policy_done(&policy);
	return r;
}

static __attribute__((constructor)) void shim_start(int argc, char **argv, char **envp)
{
	struct sbx_err err = {0};
	const char *handoff;
	int r;

	(void)argc;
	(void)argv;
	if (!gnu_get_libc_version) {
		(void)err_set(&err, -ENOSYS, "this libc is not glibc: use the launcher");
		die(&err);
	}
	handoff = env_get(envp, HANDOFF_VARIABLE);
	r = handoff ? apply_handoff(handoff, &err) : apply_policy_alone(envp, &err);
	if (r < 0)
		die(&err);
	environment_clean(envp);
	errno = 0; /* as main() may expect it (C11 7.5) */
}
