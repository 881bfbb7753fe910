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
		if (r < 0)
			return r;
	} else {
		outside.starting = !(policy->promises & P(EXEC));
	}
	return filter_build(&outside, outer, err);
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

/* Become two: 0 in the child, which goes on to be the program; 1 in the parent, for which all is
 * over then: *ret_status. */
static int start_supervised(const struct start_request *request,
			    const struct unveil_request *unveil, struct supervisor *supervisor,
			    struct explain **ret, int *ret_status, struct sbx_err *err)
{
	const struct policy *policy = request->policy;
	struct explain_request explain = {
		.unveil = unveil,
		.policy = {.promises = policy->promises, .on_violation = policy->on_violation},
		.start = {.promises = outer_promises(request->program, policy->promises),
			  .on_violation = request->program->kind == PROGRAM_GLIBC
						  ? VIOLATION_ERRNO
						  : policy->on_violation,
			  .starting = request->program->kind != PROGRAM_GLIBC &&
				      !(policy->promises & P(EXEC))},
		.ever_starting = request->program->kind != PROGRAM_GLIBC,
		.quiet = request->quiet,
		.summary = request->explain,
		.file = request->explain_file,
	};
	int r = explain_new(&explain, ret, err);

	if (r < 0)
		return r;
	r = supervise_fork(supervisor, err);
	if (r > 0)
		*ret_status = explain_run(*ret, supervisor, err);
	return r;
}

/* The child's last steps before it executes the program. */
static int enter_supervised(const struct start_request *request, bool bounded,
			    struct unveil_rulesets *rulesets, struct supervisor *supervisor,
			    const struct explain *explain, struct filter *filter,
			    struct sbx_err *err)
{
	const struct filter_request policy = {
		.promises = request->policy->promises,
		.bounded = bounded,
		.self = getpid(),
		.supervised = true,
		.watched = explain_watched(explain),
	};
	int r = filter_build(&policy, filter, err);

	if (r == 0)
		r = sandbox_restrict(&rulesets->outer, err);
	if (r == 0)
		r = supervise_install(supervisor, filter, err);
	return r;
}

static int start_prepared(const struct start_request *request, struct extras *extras,
			  const char *shim, struct sbx_err *err)
{
	const struct program *program = request->program;
	struct landlock_caps caps;
	struct unveil_rulesets rulesets cleanup_with(unveil_rulesets_done) = {.inner = -1,
									      .outer = -1};
	const bool shimmed = program->kind == PROGRAM_GLIBC;
	const bool log = request->policy->on_violation == VIOLATION_LOG;
	const bool supervised = request->explain || log;
	const struct unveil_request unveil = {
		.policy = request->policy,
		.env = request->env,
		.caps = &caps,
		.shim_path = shim,
		.readable = program->files,
		.extra = extras->items,
		.n_extra = extras->count,
		.want_inner = shimmed && !log,
		.want_outer = !log,
	};
	static struct filter inner, outer; /* 64 KiB that need not be zeroed by hand */
	struct supervisor supervisor;
	struct explain *explain cleanup_with(explain_free_at) = NULL;
	int status = SBX_EXIT_SANDBOX;
	char handoff[HANDOFF_VALUE_MAX];
	int memfd cleanup_fd = -1;
	char **env;
	int r;

	landlock_probe(&caps);
	if (supervised) {
		r = start_supervised(request, &unveil, &supervisor, &explain, &status, err);
		if (r)
			return r < 0 ? unveil_status(r) : status;
	}
	r = unveil_build(&unveil, &rulesets, err);
	if (r < 0)
		return unveil_status(r);
	if (rulesets.lost[0] && !request->quiet)
		(void)fprintf(stderr, "sbx-preload: %s\n", rulesets.lost);
	if (supervised)
		inner.len = 0; /* a supervisor answers in its place */
	else
		r = prepare_filters(request, rulesets.bounded, shimmed ? &inner : NULL, &outer,
				    err);
	if (!r && shimmed)
		r = handoff_send(&inner, rulesets.inner, handoff, &memfd, err);
	if (r < 0)
		return SBX_EXIT_SANDBOX;
	env = make_environment(&extras->arena, program->envp, shimmed ? shim : NULL, handoff);
	if (!env) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return SBX_EXIT_SANDBOX;
	}
	r = supervised ? enter_supervised(request, rulesets.bounded, &rulesets, &supervisor,
					  explain, &outer, err)
		       : sandbox_enter(&rulesets.outer, &outer, err);
	if (r < 0)
		return SBX_EXIT_SANDBOX;
	(void)execve(program->path, program->argv, env);
	return exec_failed(program, err);
}

int start_program(const struct start_request *request, struct sbx_err *err)
{
	bool needs_shim = request->program->kind == PROGRAM_GLIBC;
	struct extras extras = {0};
	char path[PATH_MAX];
	const char *shim = path;
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
	r = collect_extras(&extras, request->program, shim, err);
	if (!r)
		status = start_prepared(request, &extras, shim, err);
	arena_done(&extras.arena);
	return status;
}
