/* SPDX-License-Identifier: MIT */
#include "sandbox.h"

#include <errno.h>
#include <sys/prctl.h>

int sandbox_enter(int *ruleset, const struct filter *filter, struct sbx_err *err)
{
	int r;

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
	return filter_install(filter, err);
}
