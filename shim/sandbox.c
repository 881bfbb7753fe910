/* SPDX-License-Identifier: MIT */
#include "sandbox.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/seccomp.h>

/* Both mechanisms bind the calling thread and what it starts from then on; a thread that is there
 * already would stay free. ld.so lets only one object be the first to initialize, so another one
 * with -z initfirst may have started some before us. proc(5): task/ has one link for each thread
 * beside its two own. */
static int check_single_thread(struct sbx_err *err)
{
	struct stat st;

	if (stat("/proc/self/task", &st) < 0)
		return err_set(err, -errno, "cannot count threads in /proc/self/task: %m");
	if (st.st_nlink != 3)
		return err_set(
			err, -EBUSY,
			"another thread runs already, started by a library before the sandbox");
	return 0;
}

int sandbox_restrict(int *ruleset, struct sbx_err *err)
{
	int r = check_single_thread(err);

	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(err, -errno, "cannot set no_new_privs: %m");
	if (*ruleset >= 0) {
		r = landlock_restrict(*ruleset, err);
		if (r < 0)
			return r;
		/* Before the filter, and checked: a descriptor that stays open is a promise broken
		 * (and a ruleset descriptor could be added to, though no longer to this domain). */
		if (close(*ruleset) < 0)
			return err_set(err, -errno, "cannot close the ruleset: %m");
		*ruleset = -1;
	}
	return 0;
}

int sandbox_enter(int *ruleset, const struct filter *filter, struct sbx_err *err)
{
	int r = sandbox_restrict(ruleset, err);

	return r < 0 ? r : filter_install(filter, err);
}

int sandbox_enter_supervised(int *ruleset, struct sbx_err *err)
{
	int r = sandbox_restrict(ruleset, err);

	if (r < 0)
		return r;
	/* Where the filter would be installed: only a supervisor lets this succeed. */
	if (syscall(SYS_seccomp, SANDBOX_STARTED, 0, NULL) == 0)
		return 0;
	return err_set(err, -ESRCH, "the supervisor is gone: %m");
}
