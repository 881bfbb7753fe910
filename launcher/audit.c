/* SPDX-License-Identifier: MIT */
#include "audit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../shim/narrower.h"
#include "../shim/path.h"
#include "audit_parts.h"
#include "explain_parts.h"
#include "learn_parts.h"

#define DNS_PORT 53

struct audit {
	struct audit_request request;
	const struct policy *policy;
	struct audit_facts facts;
	struct audit_count count;
	struct implied implied;
	const char **lines;	  /* arena; real paths of the policy's lines; NULL: it is missing */
	struct learn_facts paths; /* those that were looked at */
	bool bounded;
	bool executed; /* the program itself, where its start is watched, too */
};

static int look_at_lines(struct audit *a, struct sbx_err *err)
{
	const struct policy *policy = a->policy;
	struct arena *arena = &a->facts.arena;

	a->lines = arena_alloc(arena, (policy->n_unveils + 1) * sizeof(*a->lines));
	a->facts.ports = arena_alloc(arena, policy->n_ports + 1);
	if (!a->lines || !a->facts.ports ||
	    implied_init(&a->implied, arena, a->request.unveil->env) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < policy->n_unveils; i++) {
		char real[PATH_MAX];

		if (path_real(policy->unveils[i].path, real) < 0)
			continue;
		a->lines[i] = arena_strdup(arena, real);
		if (!a->lines[i])
			return err_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

int audit_new(const struct audit_request *request, struct audit **ret, struct sbx_err *err)
{
	struct audit *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return err_set(err, -ENOMEM, "out of memory");
	a->request = *request;
	a->policy = request->unveil->policy;
	a->count.dir = -1;
	r = look_at_lines(a, err);
	if (r == 0)
		r = audit_count_open(&a->count, request->file, err);
	if (r < 0)
		audit_free(a);
	else
		*ret = a;
	return r;
}

void audit_free(struct audit *a)
{
	if (!a)
		return;
	audit_count_done(&a->count);
	arena_done(&a->paths.arena);
	arena_done(&a->facts.arena);
	free(a);
}

bool audit_wants(const struct row *row, bool bounded)
{
	return requirement_by_promise(&row->need) &&
	       !requirement_met(&row->need, P(STDIO), bounded);
}

/* ---- paths ---- */

/* Granted whatever the policy says: the program and its scripts. */
static bool is_always_readable(const struct audit *a, const char *real)
{
	const char *const *path = a->request.unveil->readable;

	for (; path && *path; path++) {
		char own[PATH_MAX];

		if (path_real(*path, own) == 0 && strcmp(own, real) == 0)
			return true;
	}
	return false;
}

/* Which of the policy's grants was this by? */
static void add_access(struct audit *a, const char *real, uint64_t rights)
{
	struct audit_access access = {.line = AUDIT_ANY_LINE};
	const struct policy *policy = a->policy;
	uint64_t granted;

	for (size_t i = 0; i < promise_paths_count; i++)
		if (a->implied.real[i] && path_covers(a->implied.real[i], real))
			access.implied[promise_paths[i].promise] |= promise_paths[i].perms;
	for (size_t i = 0; i < policy->n_unveils; i++)
		if (a->lines[i] && path_covers(a->lines[i], real))
			access.perms |= policy->unveils[i].perms;
	granted = landlock_access(access.perms, policy->promises) |
		  implied_granted(&a->implied, real, policy->promises);
	access.rights = rights & granted;
	if (!access.rights)
		return; /* by another name of it, or not by the policy */
	audit_add_access(&a->facts, &access);
	for (size_t i = 0; i < policy->n_unveils; i++) {
		if (!a->lines[i] || !path_covers(a->lines[i], real))
			continue;
		access.line = i;
		access.perms = policy->unveils[i].perms;
		audit_add_access(&a->facts, &access);
	}
}

static bool is_news(const struct audit *a, const struct access_wants *wants)
{
	for (size_t i = 0; i < wants->count; i++) {
		const struct learn_path *path = learn_path_find(&a->paths, wants->want[i].real);

		if (!path || (wants->want[i].rights & ~path->rights))
			return true;
	}
	return false;
}

/* Controlling a device wants a right only where the program itself opened it. */
static bool is_device_of_others(const struct audit *a, const struct denial *denial,
				const struct access_wants *wants)
{
	const struct learn_path *path;

	if (denial->call->kind != ACCESS_IOCTL)
		return false;
	path = wants->count ? learn_path_find(&a->paths, wants->want[0].real) : NULL;
	return !path || !path->device;
}

static void remember(struct audit *a, const struct denial *denial, const struct access_want *want)
{
	struct learn_path *path = learn_path_at(&a->paths, want->real);

	if (!path) {
		a->facts.cut = true;
		return;
	}
	path->device |= denial->call->kind == ACCESS_OPEN &&
			(S_ISCHR(want->st.st_mode) || S_ISBLK(want->st.st_mode));
	if (!(want->rights & ~path->rights))
		return;
	path->rights |= want->rights;
	if (!is_always_readable(a, want->real))
		add_access(a, want->real, want->rights);
}

static void see_paths(struct explain *e, struct denial *denial)
{
	static struct access_wants wants; /* large, and one call at a time */
	const uint64_t *args = (const uint64_t *)denial->notif->data.args;
	struct audit *a = e->audit;
	struct identity identity;

	access_of(&denial->target, denial->call, args, false, &wants);
	if (is_device_of_others(a, denial, &wants) || !is_news(a, &wants))
		return;
	identity = identity_take(&denial->target);
	access_of(&denial->target, denial->call, args, true, &wants);
	identity_restore(&identity);
	if (!supervise_call_valid(denial->listener, denial->notif->id))
		return;
	/* What is refused is not used, by none of its paths. */
	for (size_t i = 0; i < wants.count; i++)
		if (wants.want[i].rights & e->handled & ~explain_granted(e, &wants.want[i]))
			return;
	for (size_t i = 0; i < wants.count; i++)
		remember(a, denial, &wants.want[i]);
}

/* ---- one call ---- */

/* Where the shim cannot enter, the start is watched, too. */
static bool belongs_to_start(struct explain *e, const struct denial *denial)
{
	if (!e->request.ever_starting)
		return e->starting;
	if (denial->call && denial->call->kind == ACCESS_EXEC && !e->audit->executed) {
		e->audit->executed = true;
		return true;
	}
	return false;
}

void audit_see(struct explain *e, struct denial *denial)
{
	struct audit *a = e->audit;

	if (belongs_to_start(e, denial))
		return;
	a->bounded = e->request.policy.bounded;
	/* What a rule allows needs no promise, and perhaps has none. */
	if (!denial->rule && audit_wants(denial->row, a->bounded))
		audit_add_need(&a->facts, &denial->row->need, explain_preferred(e, denial));
	if (!denial->call)
		return;
	switch (denial->call->kind) {
	case ACCESS_SIGNAL:
	case ACCESS_CONNECT:
		break; /* explain_signal() and explain_address() tell us */
	default:
		if (a->policy->unveil)
			see_paths(e, denial);
		break;
	}
}

void audit_see_port(struct audit *a, enum port_access access, uint16_t port, bool tcp)
{
	const struct policy *policy = a->policy;
	const struct requirement inet = {.any = P(INET)};

	/* For "dns" alone it would be the resolver's. */
	if ((policy->promises & P(INET)) && (port != DNS_PORT || access == PORT_BIND))
		audit_add_need(&a->facts, &inet, P(INET));
	for (size_t i = 0; tcp && i < policy->n_ports; i++)
		if (policy->ports[i].port == port && policy->ports[i].access == access)
			a->facts.ports[i] = true;
}

void audit_see_scope(struct audit *a)
{
	a->facts.scope = true;
}

void audit_end(struct audit *a, bool again)
{
	struct audit_used used = {0};

	used.letters = arena_alloc(&a->facts.arena, a->policy->n_unveils + 1);
	if (!used.letters || a->facts.cut) {
		(void)dprintf(STDERR_FILENO, "sbx-preload: out of memory: nothing was audited\n");
		return;
	}
	audit_decide(&a->facts, a->policy, a->bounded, &used);
	audit_count_run(&a->count, a->policy, &used);
	if (!again && !a->request.quiet)
		audit_count_tell(&a->count, a->policy);
}
