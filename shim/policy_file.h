/* SPDX-License-Identifier: MIT */
/* Policy files: bytes → struct policy (the only user of <ini.h>), the checks on who may write them,
 * and which one is used for a program. */
#pragma once

#include "policy.h"

#ifndef SBX_SYSCONFDIR
#define SBX_SYSCONFDIR "/etc"
#endif
#define POLICY_SYSTEM_DIR SBX_SYSCONFDIR "/sbx-preload"

/* Parse @text (@len bytes, need not be NUL-terminated) as a policy file called @file and add it to
 * @policy. Pure but for include=, which is answered by @include (NULL: an include is an error): it
 * reads the named file and calls back into policy_parse_text with included = true. Returns 0;
 * -EINVAL with file:line for anything that is not exactly right. */
typedef int (*policy_include_fn)(struct policy *policy, const char *name, struct origin from,
				 void *user, struct sbx_err *err);
struct policy_source {
	const char *file; /* as shown in messages */
	const char *text;
	size_t len;
	bool included; /* only promises, [unveil] and [net] are allowed in an included file */
	policy_include_fn include;
	void *user;
};
must_check int policy_parse_text(struct policy *policy, const struct policy_source *source,
				 const struct policy_env *env, struct sbx_err *err)
	nonnull(1, 2, 3, 4);

/* Read the policy file at @path and what it includes (same directory, one level) into @policy.
 * Refuses: over POLICY_FILE_MAX; not a regular file; a file or its directory that group or others
 * may write, or that neither root nor env->uid owns; a directory above that others may write,
 * unless it is sticky. Returns 0, -ENOENT when there is no such file (err set too), -EACCES, -EPERM
 * (untrusted), -EFBIG, -EINVAL. */
must_check int policy_load(struct policy *policy, const char *path, const struct policy_env *env,
			   struct sbx_err *err) nonnull(1, 2, 3, 4);

/* Find the policy file for a program: POLICY_SYSTEM_DIR/NAME.ini, then
 * ${XDG_CONFIG_HOME}/sbx-preload/NAME.ini, each for @name (base name as run) and then @real_name
 * (base name after following symbolic links; may be NULL). *ret_path: buffer of PATH_MAX. Returns
 * 0, -ENOENT when there is none (err untouched), or an error: a candidate that exists but cannot be
 * looked at is an error, never skipped. */
must_check int policy_find(const char *name, const char *real_name, const struct policy_env *env,
			   char ret_path[PATH_MAX], struct sbx_err *err) nonnull(1, 3, 4, 5);

/* The same with another directory in the place of POLICY_SYSTEM_DIR. */
must_check int policy_find_in(const char *system_dir, const char *name, const char *real_name,
			      const struct policy_env *env, char ret_path[PATH_MAX],
			      struct sbx_err *err) nonnull(1, 2, 4, 5, 6);

/* The per-user policy directory, ${XDG_CONFIG_HOME}/sbx-preload, into @buf (PATH_MAX). Returns 0 or
 * -ENOENT when neither XDG_CONFIG_HOME nor HOME is set. */
must_check int policy_user_dir(const struct policy_env *env, char buf[PATH_MAX]) nonnull(1, 2);
/* The checks of policy_load() on who owns and may write it alone, on a policy file or a policy
 * directory that exists: for --doctor. */
must_check int policy_check_trust(const char *path, unsigned uid, struct sbx_err *err)
	nonnull(1, 3);
