/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "audit_parts.h"
#include "explain_parts.h"

void audit_add_need(struct audit_facts *facts, const struct requirement *need, uint64_t prefer)
{
	for (size_t i = 0; i < facts->n_needs; i++)
		if (facts->needs[i].prefer == prefer &&
		    memcmp(&facts->needs[i].need, need, sizeof(*need)) == 0)
			return;
	if (arena_grow(&facts->arena, (void **)&facts->needs, &facts->cap_needs, facts->n_needs,
		       sizeof(*facts->needs)) < 0)
		facts->cut = true;
	else
		facts->needs[facts->n_needs++] = (struct audit_need){*need, prefer};
}

void audit_add_access(struct audit_facts *facts, const struct audit_access *access)
{
	for (size_t i = 0; i < facts->n_accesses; i++) {
		struct audit_access *old = &facts->accesses[i];

		if (old->line != access->line || old->perms != access->perms ||
		    memcmp(old->implied, access->implied, sizeof(old->implied)) != 0)
			continue;
		old->rights |= access->rights;
		return;
	}
	if (arena_grow(&facts->arena, (void **)&facts->accesses, &facts->cap_accesses,
		       facts->n_accesses, sizeof(*facts->accesses)) < 0)
		facts->cut = true;
	else
		facts->accesses[facts->n_accesses++] = *access;
}

static uint64_t implied(const struct audit_access *access, uint64_t promises)
{
	uint64_t rights = 0;

	for (int id = 0; id < PROMISE_COUNT; id++)
		if (promises & UINT64_C(1) << id)
			rights |= landlock_access_implied(access->implied[id], promises);
	return rights;
}

/* Would nothing be refused under @promises? */
static bool is_enough(const struct audit_facts *facts, uint64_t promises, bool bounded)
{
	for (size_t i = 0; i < facts->n_needs; i++)
		if (!requirement_met(&facts->needs[i].need, promises, bounded))
			return false;
	for (size_t i = 0; i < facts->n_accesses; i++) {
		const struct audit_access *access = &facts->accesses[i];

		if (access->line == AUDIT_ANY_LINE &&
		    (access->rights &
		     ~(implied(access, promises) | landlock_access(access->perms, promises))))
			return false;
	}
	return true;
}

/* What the arguments of calls speak for; taken out last, where others would do as well. */
static uint64_t preferred(const struct audit_facts *facts)
{
	uint64_t promises = 0;

	for (size_t i = 0; i < facts->n_needs; i++)
		promises |= facts->needs[i].prefer;
	return promises;
}

static uint64_t decide_promises(const struct audit_facts *facts, uint64_t promises, bool bounded)
{
	const uint64_t late = preferred(facts);
	/* exec goes first, since it brings most: who loads code may have prot_exec as well. */
	const uint64_t rounds[] = {P(EXEC), ~late, late};

	for (size_t i = 0; i < ARRAY_SIZE(rounds); i++) {
		for (int id = PROMISE_COUNT - 1; id >= 0; id--) {
			uint64_t promise = UINT64_C(1) << id;

			if ((promises & promise & rounds[i] & ~AUDIT_NEVER_TOLD) &&
			    is_enough(facts, promises & ~promise, bounded))
				promises &= ~promise;
		}
	}
	return promises;
}

void audit_decide(const struct audit_facts *facts, const struct policy *policy, bool bounded,
		  struct audit_used *ret)
{
	ret->promises = decide_promises(facts, policy->promises, bounded);
	ret->ports = facts->ports;
	ret->scope = facts->scope;
	for (size_t i = 0; i < policy->n_unveils; i++)
		ret->letters[i] = 0;
	for (size_t i = 0; i < facts->n_accesses; i++) {
		const struct audit_access *access = &facts->accesses[i];

		if (access->line == AUDIT_ANY_LINE)
			continue;
		/* What promises imply needs no line. */
		ret->letters[access->line] |=
			access->perms &
			explain_letters(access->rights & ~implied(access, ret->promises) &
					landlock_access(access->perms, policy->promises));
	}
	/* `x` comes with `r` (policy.h): they go together. */
	for (size_t i = 0; i < policy->n_unveils; i++)
		if (ret->letters[i] & PERM_X)
			ret->letters[i] |= PERM_R;
}
