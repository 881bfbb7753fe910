/* SPDX-License-Identifier: MIT */
#include "policy_select.h"

#include <errno.h>
#include <string.h>

#include "path.h"
#include "policy_file.h"

static int load(struct policy *policy, const struct policy_subject *subject,
		const struct policy_env *env, struct sbx_err *err)
{
	char path[PATH_MAX];
	int r;

	if (subject->named)
		return policy_load(policy, subject->named, env, err);
	r = policy_find(subject->name, subject->real_name, env, path, err);
	if (r == -ENOENT)
		return policy_set_default(policy, env, err);
	if (r < 0)
		return r;
	return policy_load(policy, path, env, err);
}

static int check_program(const struct policy *policy, const char *real_path, struct sbx_err *err)
{
	const struct origin *from = &policy->program_from;
	char wanted[PATH_MAX];
	int r;

	if (!policy->program)
		return 0;
	r = path_real(policy->program, wanted);
	if (r < 0)
		return err_at(err, r, from->file, from->line, "%s: %s", policy->program,
			      strerrordesc_np(-r));
	if (strcmp(wanted, real_path) != 0)
		return err_at(err, -EPERM, from->file, from->line,
			      "this policy is for %s, not for %s", policy->program, real_path);
	return 0;
}

int policy_select(struct policy *policy, const struct policy_subject *subject,
		  const struct policy_env *env, struct sbx_err *err)
{
	int r = load(policy, subject, env, err);

	return r < 0 ? r : check_program(policy, subject->real_path, err);
}
