/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "../shim/beside.h"
#include "../shim/filter.h"
#include "doctor_parts.h"
#include "ldcache.h"
#include "libraries.h"

/* A child that gets a listener, as a program that is reported on does, and then shows us its
 * memory. */
struct trial {
	int listener; /* 0 or -errno of the child */
	int memory;   /* 0 or -errno of reading it */
};

static const char sample[] = "sample";

static _Noreturn void be_watched(int answer, int wait)
{
	const struct filter filter = {.len = 1,
				      .insns = {{.code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW}}};
	struct sbx_err err;
	int listener, r = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
	char c;

	if (r == 0)
		r = filter_install_listener(&filter, false, &listener, &err);
	(void)!write(answer, &r, sizeof(r));
	(void)!read(wait, &c, 1);
	_exit(0);
}

static int read_memory(pid_t pid)
{
	char copy[sizeof(sample)];
	struct iovec here = {copy, sizeof(copy)},
		     there = {(void *)(uintptr_t)sample, sizeof(sample)};

	if (process_vm_readv(pid, &here, 1, &there, 1, 0) != (ssize_t)sizeof(copy))
		return errno ? -errno : -EIO;
	return memcmp(copy, sample, sizeof(copy)) == 0 ? 0 : -EIO;
}

static void try_watching(struct trial *ret)
{
	int answer[2], wait[2];
	pid_t pid;

	*ret = (struct trial){-EAGAIN, -EAGAIN};
	if (pipe2(answer, O_CLOEXEC) < 0)
		return;
	if (pipe2(wait, O_CLOEXEC) < 0) {
		(void)close(answer[0]);
		(void)close(answer[1]);
		return;
	}
	pid = fork();
	if (pid == 0) {
		(void)close(answer[0]);
		(void)close(wait[1]);
		be_watched(answer[1], wait[0]);
	}
	(void)close(answer[1]);
	(void)close(wait[0]);
	if (pid > 0 && read(answer[0], &ret->listener, sizeof(ret->listener)) ==
			       (ssize_t)sizeof(ret->listener))
		ret->memory = read_memory(pid);
	(void)close(wait[1]);
	(void)close(answer[0]);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
}

static void examine_watching(struct doctor_report *report)
{
	const char *what = "supervisor";
	struct trial trial;

	if (!beside_sees_processes()) {
		doctor_say(
			report, DOCTOR_NOTE, what,
			"/proc is not that of this PID namespace: what is denied is not told, and "
			"--explain, --audit, --learn and --trace do not work");
		return;
	}
	(void)fflush(NULL); /* or the child would own a copy of what waits to be written */
	try_watching(&trial);
	if (trial.listener == -EBUSY)
		doctor_say(
			report, DOCTOR_NOTE, what,
			"there is one around this already, and the kernel has room for one: what "
			"is denied is not told here");
	else if (trial.listener < 0)
		doctor_say(report, DOCTOR_NOTE, what, "cannot be had here: %s",
			   strerror(-trial.listener));
	else if (trial.memory < 0)
		doctor_say(report, DOCTOR_NOTE, what,
			   "works, but what strings say is not shown: reading a child's memory: %s",
			   strerror(-trial.memory));
	else
		doctor_say(report, DOCTOR_OK, what, "works: --explain, --audit, --learn, --trace");
}

/* The shim loads it where a policy has rules of its own. */
static void examine_libseccomp(struct doctor_report *report)
{
	const char *found;
	struct ldcache cache;
	char path[PATH_MAX] = "";

	ldcache_open("/etc/ld.so.cache", &cache);
	found = ldcache_find(&cache, "libseccomp.so.2", 0);
	for (size_t i = 0; !found && i < LIBRARIES_STANDARD; i++) {
		(void)snprintf(path, sizeof(path), "%s/libseccomp.so.2", libraries_standard[i]);
		if (access(path, R_OK) == 0)
			found = path;
	}
	if (found)
		doctor_say(report, DOCTOR_OK, "own rules", "with LD_PRELOAD alone by %s", found);
	else
		doctor_say(report, DOCTOR_NOTE, "own rules",
			   "not with LD_PRELOAD alone: no libseccomp.so.2 (libseccomp2)");
	ldcache_done(&cache);
}

static void examine_terminal(struct doctor_report *report)
{
	int fd cleanup_fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		doctor_say(report, DOCTOR_OK, "terminal", "for --interactive");
	else
		doctor_say(report, DOCTOR_NOTE, "terminal",
			   "none: --interactive reads its standard input");
}

static void examine_socket(struct doctor_report *report, const struct policy_env *env)
{
	const char *dir = env_get(env->envp, "XDG_RUNTIME_DIR");

	if (!dir)
		doctor_say(report, DOCTOR_NOTE, "socket",
			   "XDG_RUNTIME_DIR is not set: --api wants a name");
	else if (access(dir, W_OK | X_OK) < 0)
		doctor_say(report, DOCTOR_NOTE, "socket", "--api wants a name: %s: %s", dir,
			   strerror(errno));
	else
		doctor_say(report, DOCTOR_OK, "socket", "--api serves %s/sbx-preload.sock", dir);
}

void doctor_examine_modes(struct doctor_report *report, const struct policy_env *env)
{
	examine_watching(report);
	examine_libseccomp(report);
	examine_terminal(report);
	examine_socket(report, env);
}
