/* SPDX-License-Identifier: MIT */
#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../shim/handoff.h"
#include "../shim/path.h"
#include "../shim/rule_layer.h"
#include "../shim/sandbox.h"
#include "../shim/unveil.h"
#include "elf.h"
#include "explain.h"
#include "supervise.h"

#ifndef SBX_LIBDIR
#define SBX_LIBDIR "/usr/local/lib/sbx-preload"
#endif

/* What a loader reads beside libraries (ld.so(8), musl's ld). */
static const char *const loader_files[] = {"/etc/ld.so.cache", "/etc/ld.so.preload"};
static const char *const foreign_loader_files[] = {
	"/etc/ld-musl-x86_64.path",
	"/etc/ld-musl-aarch64.path",
};

int start_find_shim(char ret[PATH_MAX], struct sbx_err *err)
{
	char self[PATH_MAX], path[PATH_MAX + sizeof(SHIM_NAME)];
	int r;

	r = path_real("/proc/self/exe", self);
	if (r < 0)
		return err_set(err, r, "cannot read /proc/self/exe: %s", strerror(-r));
	(void)snprintf(path, sizeof(path), "%.*s" SHIM_NAME, (int)(path_base(self) - self), self);
	r = path_real(path, ret);
	if (r == -ENOENT)
		r = path_real(SBX_LIBDIR "/" SHIM_NAME, ret);
	if (r == -ENOENT)
		return err_set(err, r,
			       "the shim is missing: neither %s nor " SBX_LIBDIR "/" SHIM_NAME,
			       path);
	if (r < 0)
		return err_set(err, r, "cannot look at the shim %s: %s", path, strerror(-r));
	return 0;
}

int start_check_shim(const char *path, struct sbx_err *err)
{
	struct elf_info elf;
	int fd cleanup_fd = -1;
	int r;

	if (strpbrk(path, " :"))
		return err_set(
			err, -EINVAL,
			"the shim cannot be preloaded from a path with a blank or a colon: %s",
			path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "cannot read the shim %s: %m", path);
	r = elf_read(fd, &elf, err);
	if (r < 0) {
		err_prefix(err, "the shim %s", path);
		return r;
	}
	if (!elf.same_class || !elf.same_machine || !elf.is_shared)
		return err_set(err, -ENOEXEC, "the shim %s is not a shared object for this machine",
			       path);
	if (!elf.complete)
		return err_set(err, -ENOEXEC, "the shim %s is truncated", path);
	return 0;
}

/* What start-up needs beside the policy. */
struct extras {
	struct arena arena; /* owned: the array and its strings */
	struct unveil_extra *items;
	size_t count, cap;
};

static int add_extra(struct extras *extras, const char *path, uint8_t perms)
{
	int r = arena_grow(&extras->arena, (void **)&extras->items, &extras->cap, extras->count,
			   sizeof(extras->items[0]));

	if (r < 0)
		return r;
	extras->items[extras->count++] = (struct unveil_extra){.path = path, .perms = perms};
	return 0;
}

static int add_extras(struct extras *extras, const char *const *paths, size_t count, uint8_t perms)
{
	int r = 0;

	for (size_t i = 0; !r && i < count; i++)
		r = add_extra(extras, paths[i], perms);
	return r;
}

/* Libraries, the standard directories as a whole and elsewhere file by file: those were chosen by
 * the program, and are granted through the descriptors by which they were found to be libraries.
 * Data only: mapping one wants the right to read it, not Landlock's EXECUTE. */
static int add_libraries(struct extras *extras, const struct libraries *libraries)
{
	int r = add_extras(extras, libraries_standard, LIBRARIES_STANDARD, PERM_R);

	for (size_t i = 0; !r && i < libraries->count; i++) {
		char *path =
			arena_printf(&extras->arena, "/proc/self/fd/%d", libraries->items[i].fd);

		r = path ? add_extra(extras, path, PERM_R) : -ENOMEM;
	}
	return r;
}

static int collect_extras(struct extras *extras, const struct program *program, const char *shim,
			  struct sbx_err *err)
{
	int r;

	r = add_extras(extras, program->files, program->n_files, PERM_R | PERM_X);
	if (!r && program->loader)
		r = add_extra(extras, program->loader, PERM_R | PERM_X);
	if (!r && program->kind != PROGRAM_STATIC)
		r = add_libraries(extras, &program->libraries);
	if (!r && program->kind != PROGRAM_STATIC)
		r = add_extras(extras, loader_files, ARRAY_SIZE(loader_files), PERM_R);
	if (!r && program->kind == PROGRAM_FOREIGN)
		r = add_extras(extras, foreign_loader_files, ARRAY_SIZE(foreign_loader_files),
			       PERM_R);
	if (!r && shim)
		r = add_extra(extras, shim, PERM_R);
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}

/* The outer layer's promises: the policy's and what the loader needs. With the shim, the inner
 * layer takes these away again before main(). A static program needs execve alone, which
 * filter_request.starting permits. */
static uint64_t outer_promises(const struct program *program, uint64_t promises)
{
	/* Open, read and map libraries, as code, too; which, Landlock bounds. */
	if (program->kind != PROGRAM_STATIC)
		promises |= P(STDIO) | P(EXEC);
	if (program->kind == PROGRAM_GLIBC)
		promises |= P(RPATH); /* ld.so stats the directories of LD_LIBRARY_PATH */
	return promises;
}

/* The environment for the program: without SBX_ variables and our own preload, then, with @handoff,
 * the shim in front of all other preloads and the hand-over. */
static char **make_environment(struct arena *arena, char *const *envp, const char *shim,
			       const char *handoff)
{
	const char *preloads = NULL;
	size_t count = 0, n = 0;
	char **env;

	while (envp[count])
		count++;
	env = arena_alloc(arena, (count + 3) * sizeof(env[0]));
	if (!env)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (strncmp(envp[i], "SBX_", 4) == 0)
			continue;
		if (shim && strncmp(envp[i], "LD_PRELOAD=", 11) == 0) {
			preloads = envp[i] + 11;
			continue;
		}
		env[n++] = envp[i];
	}
	if (!shim)
		return env;
	env[n] = preloads && *preloads ? arena_printf(arena, "LD_PRELOAD=%s:%s", shim, preloads)
				       : arena_printf(arena, "LD_PRELOAD=%s", shim);
	env[n + 1] = arena_printf(arena, HANDOFF_VARIABLE "=%s", handoff);
	return env[n] && env[n + 1] ? env : NULL;
}

static int exec_failed(const struct program *program, struct sbx_err *err)
{
	int code = errno;

	(void)err_set(err, -code, "%s: %s", program->path, strerror(code));
	return code == ENOENT ? SBX_EXIT_NOTFOUND : SBX_EXIT_NOEXEC;
}

/* @inner: NULL when the shim cannot enter, and the outer layer is all there is. */
static int prepare_filters(const struct start_request *request, bool bounded, struct filter *inner,
			   struct filter *outer, struct sbx_err *err)
{
	const struct policy *policy = request->policy;
	const bool kill = policy->on_violation == VIOLATION_KILL && !(policy->promises & P(ERROR));
	struct filter_request outside = {
		.promises = outer_promises(request->program, policy->promises),
		.bounded = bounded,
		.on_violation = policy->on_violation,
		.self = getpid(), /* execve keeps it */
	};
	struct filter_request inside = outside;
	int r;

	if (inner) {
		/* A loader that is refused something copes or stops; killing is for the policy
		 * proper. */
		outside.on_violation = VIOLATION_ERRNO;
		inside.promises = policy->promises;
		/* To kill, the inner layer must itself refuse all; else the difference will do. */
		inside.over = kill ? NULL : &outside;
		r = filter_build(&inside, inner, err);
		if (r == 0)
			r = rules_prepend(policy, RULES_ALONE, inner, err);
		if (r < 0)
			return r;
	} else {
		outside.starting = !(policy->promises & P(EXEC));
	}
	r = filter_build(&outside, outer, err);
	return r < 0 ? r : rules_prepend(policy, inner ? RULES_START : RULES_ALONE, outer, err);
}

/* Is it the policy that is wrong, or could it not be applied? */
static int unveil_status(int r)
{
	switch (r) {
	case -EOPNOTSUPP:
	case -ENOMEM:
	case -EMFILE:
	case -ENFILE:
		return SBX_EXIT_SANDBOX;
	default:
		return SBX_EXIT_USAGE;
	}
}

/* ---- the supervisor ---- */

static struct explain_request explain_request(const struct start_request *request,
					      const struct unveil_request *unveil)
{
	const struct policy *policy = request->policy;
	const bool shimmed = request->program->kind == PROGRAM_GLIBC;

	return (struct explain_request){
		.unveil = unveil,
		.policy = {.promises = policy->promises, .on_violation = policy->on_violation},
		.start = {.promises = outer_promises(request->program, policy->promises),
			  .on_violation = shimmed ? VIOLATION_ERRNO : policy->on_violation,
			  .starting = !shimmed && !(policy->promises & P(EXEC))},
		.ever_starting = !shimmed,
		.quiet = request->quiet,
		.summary = request->explain,
		.file = request->explain_file,
		.learn = request->learn,
		.audit = request->audit,
		.audit_file = request->audit_file,
		.name = request->program->name,
		.learn_file = request->learn_file,
		.record = request->record,
	};
}

/* Who says what is denied? */
enum watch {
	WATCH_NOBODY, /* the filters refuse by themselves, without a word */
	WATCH_BESIDE, /* a process beside the program */
	WATCH_AROUND, /* the launcher, which stays */
};

/* A start, step by step. */
struct launch {
	const struct start_request *request;
	struct extras *extras;
	const char *shim;
	bool shimmed; /* the shim can enter the program */
	struct landlock_caps caps;
	struct unveil_request unveil;
	struct unveil_rulesets rulesets;
	enum watch watch;
	struct supervisor supervisor;
	struct explain *explain; /* owned */
	struct trace *trace;	 /* owned */
	char handoff[HANDOFF_VALUE_MAX];
	int memfd;  /* owned */
	char **env; /* of the program; in extras->arena */
	struct filter inner, outer;
};

static enum watch choose_watch(const struct start_request *request)
{
	const struct policy *policy = request->policy;

	if (request->explain || request->trace || request->audit ||
	    policy->on_violation == VIOLATION_LOG)
		return WATCH_AROUND;
	if (request->quiet || !policy->report || !beside_sees_processes())
		return WATCH_NOBODY;
	/* Nothing but a filter kills the first process of a PID namespace from inside. */
	if (rules_may_kill(policy) && getpid() == 1)
		return WATCH_NOBODY;
	return WATCH_BESIDE;
}

static void launch_init(struct launch *l, const struct start_request *request,
			struct extras *extras, const char *shim)
{
	const bool unconfined = request->trace || request->policy->on_violation == VIOLATION_LOG;

	l->request = request;
	l->extras = extras;
	l->shim = shim;
	l->shimmed = request->program->kind == PROGRAM_GLIBC;
	l->watch = choose_watch(request);
	l->memfd = -1;
	l->unveil = (struct unveil_request){
		.policy = request->policy,
		.env = request->env,
		.caps = &l->caps,
		.shim_path = shim,
		.readable = request->program->files,
		.extra = extras->items,
		.n_extra = extras->count,
		.want_inner = l->shimmed && !unconfined,
		.want_outer = !unconfined,
	};
	l->rulesets.inner = l->rulesets.outer = -1;
	landlock_probe(&l->caps);
}

static void launch_done(struct launch *l)
{
	unveil_rulesets_done(&l->rulesets);
	close_fd(&l->memfd);
	trace_free(l->trace);
	/* Beside the program somebody uses it still: it ends with the process. */
	if (l->watch == WATCH_BESIDE && l->explain)
		explain_stop(l->explain);
	else
		explain_free(l->explain);
}

/* Become two: 0 in the child, which goes on to be the program; 1 in the parent, for which all is
 * over then: *ret_status. */
static int watch_around(struct launch *l, int *ret_status, struct sbx_err *err)
{
	struct explain_request explain = explain_request(l->request, &l->unveil);
	struct trace_request trace;
	int r;

	if (!beside_sees_processes())
		return err_set(err, -EOPNOTSUPP,
			       "cannot supervise: /proc is not that of this PID namespace, or "
			       "children are to be in another one");
	if (l->request->trace) {
		trace = *l->request->trace;
		trace.ever_starting = !l->shimmed;
		r = trace_new(&trace, &l->trace, err);
	} else {
		r = explain_new(&explain, &l->explain, err);
	}
	if (r < 0)
		return r;
	r = supervise_fork(&l->supervisor, err);
	if (r > 0)
		*ret_status = l->trace ? trace_run(l->trace, &l->supervisor, err)
				       : explain_run(l->explain, &l->supervisor, err);
	return r;
}

/* Whoever cannot report does without: the sandbox is the same. */
static void watch_beside(struct launch *l)
{
	struct explain_request explain = explain_request(l->request, &l->unveil);
	struct sbx_err err;
	int r;

	explain.brief = true;
	explain.policy.bounded = l->rulesets.bounded;
	r = explain_new(&explain, &l->explain, &err);
	if (r == 0)
		r = supervise_beside(&l->supervisor, explain_serve, l->explain, &err);
	if (r < 0) {
		explain_free(l->explain);
		l->explain = NULL;
		l->watch = WATCH_NOBODY;
	}
}

/* The filters, and what the shim is handed. Once a filter is in force there might be no memory to
 * be had. */
static int prepare(struct launch *l, struct sbx_err *err)
{
	struct filter_request watched;
	int r;

	if (l->watch == WATCH_NOBODY) {
		r = prepare_filters(l->request, l->rulesets.bounded, l->shimmed ? &l->inner : NULL,
				    &l->outer, err);
	} else {
		l->inner.len = 0; /* who watches answers in its place */
		if (l->trace)
			trace_filter(l->trace, &watched);
		else
			explain_filter(l->explain, &watched);
		r = filter_build(&watched, &l->outer, err);
		if (r == 0)
			r = rules_prepend(l->request->policy,
					  l->watch == WATCH_AROUND ? RULES_WATCHED : RULES_BESIDE,
					  &l->outer, err);
	}
	close_fd(&l->memfd);
	if (r == 0 && l->shimmed)
		r = handoff_send(&l->inner, l->rulesets.inner, l->handoff, &l->memfd, err);
	if (r < 0)
		return r;
	l->env = make_environment(&l->extras->arena, l->request->program->envp,
				  l->shimmed ? l->shim : NULL, l->handoff);
	return l->env ? 0 : err_set(err, -ENOMEM, "out of memory");
}

/* The last steps before the program is executed. */
static int enter(struct launch *l, struct sbx_err *err)
{
	int r = sandbox_restrict(&l->rulesets.outer, err);

	if (r == 0 && l->watch != WATCH_NOBODY)
		r = supervise_install(&l->supervisor, &l->outer, rules_may_kill(l->request->policy),
				      err);
	/* Another supervisor is there, as around a sandbox in a sandbox, or not permitted, or the
	 * kernel has none. */
	if ((r == -EBUSY || r == -EOPNOTSUPP) && l->watch == WATCH_BESIDE) {
		supervise_dismiss(&l->supervisor);
		l->watch = WATCH_NOBODY;
		l->explain = NULL;
		*err = (struct sbx_err){0};
		r = prepare(l, err);
	}
	if (r == 0 && l->watch == WATCH_NOBODY)
		r = filter_install(&l->outer, err);
	if (r == 0 && l->watch == WATCH_BESIDE)
		r = supervise_await(&l->supervisor, err);
	return r;
}

/* Returns the exit status; err->code 0 when it is the program's. */
static int launch(struct launch *l, struct sbx_err *err)
{
	const struct program *program = l->request->program;
	int status, r;

	if (l->watch == WATCH_AROUND) {
		r = watch_around(l, &status, err);
		if (r)
			return r < 0 ? unveil_status(r) : status;
	}
	/* To whom we only watch nothing is refused. */
	if (!l->request->trace && !l->request->learn) {
		r = unveil_build(&l->unveil, &l->rulesets, err);
		if (r < 0)
			return unveil_status(r);
	}
	if (l->rulesets.lost[0] && !l->request->quiet)
		(void)fprintf(stderr, "sbx-preload: %s\n", l->rulesets.lost);
	if (l->watch == WATCH_BESIDE)
		watch_beside(l);
	r = prepare(l, err);
	if (r == 0)
		r = enter(l, err);
	if (r < 0)
		return SBX_EXIT_SANDBOX;
	(void)execve(program->path, program->argv, l->env);
	return exec_failed(program, err);
}

int start_program(const struct start_request *request, struct sbx_err *err)
{
	bool needs_shim = request->program->kind == PROGRAM_GLIBC;
	struct extras extras = {0};
	char path[PATH_MAX];
	const char *shim = path;
	static struct launch l; /* 64 KiB of filters that need not be zeroed by hand */
	int status = SBX_EXIT_SANDBOX;
	int r;

	r = start_find_shim(path, err);
	if (!r && needs_shim)
		r = start_check_shim(path, err);
	if (r < 0) {
		if (needs_shim)
			return SBX_EXIT_SANDBOX;
		shim = NULL; /* nothing there to use, nor to protect from the program */
	}
	/* The launcher executes the program in its only layer. */
	if (!needs_shim && rules_may_deny(request->policy, "execve"))
		return err_set(err, -EOPNOTSUPP,
			       "%s: a rule denies execve, which cannot be kept from a program that "
			       "the shim cannot enter",
			       request->policy->name),
		       SBX_EXIT_SANDBOX;
	r = collect_extras(&extras, request->program, shim, err);
	if (!r) {
		launch_init(&l, request, &extras, shim);
		status = launch(&l, err);
		launch_done(&l);
	}
	arena_done(&extras.arena);
	return status;
}
