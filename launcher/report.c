/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <errno.h>
#include <stdio.h>

#include "../shim/landlock.h"
#include "../shim/policy_file.h"
#include "../shim/report.h"
#include "explain.h"
#include "start.h"

/* What the shim says of itself. */
struct card {
	int program, on_violation, bounded;
	unsigned long long promises, build;
};

static bool read_card(const char *text, struct card *ret)
{
	return text &&
	       sscanf(text, ATTEND_FORMAT, &ret->program, &ret->promises, &ret->on_violation,
		      &ret->bounded, &ret->build) == 5 &&
	       ret->build == filter_fingerprint();
}

/* The policy once more, for its words: what is enforced, and answered, is what the shim read. */
static void load_words(struct policy *policy, const char *file, const struct card *card,
		       const struct policy_env *env)
{
	struct sbx_err err;
	int r;

	policy_init(policy);
	r = file[0] ? policy_load(policy, file, env, &err) : policy_set_default(policy, env, &err);
	if (r < 0)
		policy->name = "the policy";
	policy->promises = card->promises;
	policy->on_violation = (enum violation)card->on_violation;
}

int report_attend(char *const *argv, const struct policy_env *env, struct sbx_err *err)
{
	struct card card;
	struct policy policy;
	struct landlock_caps caps;
	struct explain *explain;
	char shim[PATH_MAX];
	struct sbx_err ignored;
	struct unveil_request unveil = {.policy = &policy, .env = env, .caps = &caps};
	struct explain_request request = {
		.unveil = &unveil, .brief = true, .denied_only = true, .ever_starting = true};
	struct supervisor supervisor = {0};
	int r;

	if (!read_card(argv[2], &card) || !argv[3])
		return err_set(err, -EINVAL, "%s is for the shim of this build alone", argv[1]);
	load_words(&policy, argv[3], &card, env);
	landlock_probe(&caps);
	if (start_find_shim(shim, &ignored) == 0)
		unveil.shim_path = shim;
	unveil.readable = (const char *const *)argv + 4;
	request.policy = (struct filter_request){.promises = card.promises,
						 .on_violation = policy.on_violation,
						 .bounded = card.bounded};
	request.start = request.policy;
	r = explain_new(&request, &explain, err);
	if (r < 0)
		return r;
	supervisor.pid = card.program;
	supervisor.listener = ATTEND_LISTENER;
	supervisor.pidfd = ATTEND_PROGRAM;
	explain_serve(&supervisor, explain);
	explain_free(explain);
	policy_done(&policy);
	return 0;
}
