/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "path.h"
#include "rule_layer.h"

#ifndef SBX_BINDIR
#define SBX_BINDIR "/usr/local/bin"
#endif

#define LAUNCHER_NAME "sbx-preload"
#define STACK_SIZE    (64 * 1024)
#define FILES_MAX     4

/* The launcher: beside the shim, or where it is installed. */
static bool find_launcher(const char *shim, char ret[PATH_MAX])
{
	size_t dir = (size_t)(path_base(shim) - shim);

	if (dir + sizeof(LAUNCHER_NAME) <= PATH_MAX) {
		memcpy(ret, shim, dir);
		memcpy(ret + dir, LAUNCHER_NAME, sizeof(LAUNCHER_NAME));
		if (access(ret, X_OK) == 0)
			return true;
	}
	memcpy(ret, SBX_BINDIR "/" LAUNCHER_NAME, sizeof(SBX_BINDIR "/" LAUNCHER_NAME));
	return access(ret, X_OK) == 0;
}

/* Our variables have done their work, and the loader's are meant for the program. */
static bool is_passed_on(const char *entry)
{
	return strncmp(entry, "SBX_", 4) != 0 && strncmp(entry, "LD_", 3) != 0;
}

static char **copy_environment(struct arena *arena, char *const *envp)
{
	size_t count = 0, n = 0;
	char **copy;

	while (envp[count])
		count++;
	copy = arena_alloc(arena, (count + 1) * sizeof(copy[0]));
	for (size_t i = 0; copy && i < count; i++)
		if (is_passed_on(envp[i]))
			copy[n++] = envp[i];
	return copy; /* zeroed */
}

/* Two, at the numbers that were agreed on, and standard error. Of all else somebody may wait for
 * the end. */
static bool keep_descriptors(int listener, pid_t program)
{
	/* Out of the way of both numbers. */
	int first = fcntl(listener, F_DUPFD_CLOEXEC, ATTEND_PROGRAM + 1);
	int pidfd = (int)syscall(SYS_pidfd_open, program, 0);
	int second = fcntl(pidfd, F_DUPFD_CLOEXEC, ATTEND_PROGRAM + 1);

	(void)close(STDIN_FILENO); /* closed before, perhaps */
	(void)close(STDOUT_FILENO);
	return dup2(first, ATTEND_LISTENER) >= 0 && dup2(second, ATTEND_PROGRAM) >= 0 &&
	       syscall(SYS_close_range, ATTEND_PROGRAM + 1, ~0U, 0) == 0;
}

/* In the new process, in the memory of the program to be, which waits for us. */
static void become_launcher(struct beside *beside, int listener, void *user)
{
	struct report *report = user;
	const struct report_request *request = report->request;
	const struct policy *policy = request->policy;
	char what[128];
	const char *argv[4 + FILES_MAX] = {LAUNCHER_NAME, ATTEND_WORD, what,
					   policy->n_files ? policy->files[0] : ""};

	for (size_t i = 0; i + 1 < FILES_MAX && request->files[i]; i++)
		argv[4 + i] = request->files[i];
	(void)snprintf(what, sizeof(what), ATTEND_FORMAT, beside->program,
		       (unsigned long long)policy->promises, (int)policy->on_violation,
		       (int)request->bounded, (unsigned long long)filter_fingerprint());
	if (keep_descriptors(listener, beside->program))
		(void)execve(report->launcher, (char *const *)(uintptr_t)argv, report->envp);
	report->failed = true;
}

static bool collects_orphans(void)
{
	int value = 0;

	return getpid() == 1 || (prctl(PR_GET_CHILD_SUBREAPER, &value) == 0 && value);
}

bool report_start(struct report *report, const struct report_request *request)
{
	const struct policy *policy = request->policy;
	struct sbx_err ignored;

	report->request = request;
	report->failed = false;
	/* We could not close the listener without stdio or against a rule, and keeping it would be
	 * to answer ourselves. Who collects orphans would get this one, too. */
	if (!policy->report || !(policy->promises & P(STDIO)) || rules_may_deny(policy, "close") ||
	    collects_orphans() || !beside_sees_processes() ||
	    !find_launcher(request->shim, report->launcher))
		return false;
	report->arena = (struct arena){0};
	report->envp = copy_environment(&report->arena, request->envp);
	report->stack =
		mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (report->envp && report->stack != MAP_FAILED &&
	    beside_start(&report->beside, BESIDE_ORPHAN, report->stack, STACK_SIZE, become_launcher,
			 report, &ignored) == 0)
		return true;
	/* No process or memory to be had: the sandbox is the same. */
	if (report->stack != MAP_FAILED)
		(void)munmap(report->stack, STACK_SIZE);
	arena_done(&report->arena);
	return false;
}

int report_enter(struct report *report, const struct filter *filter, const struct filter *plain,
		 struct sbx_err *err)
{
	bool kill = rules_may_kill(report->request->policy);
	int listener, r;

	r = filter_install_listener(filter, kill, &listener, err);
	if (r == 0) {
		beside_set_listener(&report->beside, listener);
		(void)beside_await(&report->beside);
		if (close(listener) < 0)
			return err_set(err, -errno, "cannot close the listener: %m");
		/* Where he could not be executed, the plain filter refuses before he is asked
		 * (seccomp(2): ERRNO comes before USER_NOTIF). */
		if (report->failed)
			r = filter_install(plain, err);
	} else if (r == -EBUSY || r == -EOPNOTSUPP) {
		beside_dismiss(&report->beside);
		while (atomic_load(&report->beside.state) != BESIDE_GONE)
			(void)sched_yield(); /* he uses our memory until then */
		r = filter_install(plain, err);
	}
	(void)munmap(report->stack, STACK_SIZE);
	arena_done(&report->arena);
	return r;
}
