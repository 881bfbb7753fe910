/* SPDX-License-Identifier: MIT */
/* What a policy would refuse of a run that was recorded: by the rules and the table that enforce,
 * and what promises and lines grant on paths, as explain.h models it. */
#include <stdio.h>
#include <string.h>

#include "../shim/missing.h"
#include "../shim/narrower.h"
#include "../shim/path.h"
#include "../shim/rule.h"
#include "explain_parts.h"
#include "guide_parts.h"
#include "implied.h"

#define ALL_PROMISES (~UINT64_C(0))
#define KEPT_MAX     2000 /* of denials: nobody reads more */

void guide_denials_done(struct guide_denials *denials)
{
	arena_done(&denials->arena);
}

static void add(struct guide_denials *d, uint64_t count, const char *call, const char *reason)
{
	struct guide_denial new = {.count = count};

	for (size_t i = 0; i < d->n; i++) {
		if (strcmp(d->items[i].call, call) == 0 &&
		    strcmp(d->items[i].reason, reason) == 0) {
			d->items[i].count += count;
			return;
		}
	}
	if (d->n == KEPT_MAX) {
		d->more++;
		return;
	}
	new.call = arena_strdup(&d->arena, call);
	new.reason = arena_strdup(&d->arena, reason);
	if (new.call &&new.reason &&
	    arena_grow(&d->arena, (void **)&d->items, &d->cap, d->n, sizeof(*d->items)) == 0)
		d->items[d->n++] = new;
}

static void add_missing(struct guide_denials *d, uint64_t count, const char *call,
			uint64_t promises)
{
	char words[256], reason[320];

	promise_format(promises, words, sizeof(words));
	(void)snprintf(reason, sizeof(reason), "needs promise%s \"%s\"",
		       promises & (promises - 1) ? "s" : "", words);
	add(d, count, call, reason);
}

/* ---- calls ---- */

/* What was learned about a row; NULL: nothing, so that it went without, as libc does that asks for
 * its cache daemon. */
static const struct learn_row *learned_of(const struct guide *g, uint16_t tag)
{
	const struct requirement *need = &table_rows[tag].need;

	for (size_t i = 0; i < g->run.facts.n_rows; i++) {
		const struct learn_row *row = &g->run.facts.rows[i];

		if (row->tag == tag && memcmp(&row->need, need, sizeof(*need)) == 0)
			return row;
	}
	return NULL;
}

/* Returns whether the rules decide about it. */
static bool add_by_rule(struct guide_denials *d, const struct rule *rules, size_t n,
			const struct record_row *row, const struct record_call *call)
{
	const struct rule *rule = rule_find(rules, n, row->nr, call->args);
	char text[RULE_TEXT_MAX], reason[RULE_TEXT_MAX + 64];

	if (!rule)
		return false;
	if (rule->action == RULE_ALLOW || rule->action == RULE_LOG)
		return true;
	(void)rule_format(rule, text, sizeof(text));
	(void)snprintf(reason, sizeof(reason), "by the rule \"deny = %s\"", text);
	add(d, call->count, call->text, reason);
	return true;
}

static void add_row(const struct guide *g, const struct policy *policy,
		    const struct record_row *row, struct guide_denials *d)
{
	const struct row *table = &table_rows[row->tag];
	const struct learn_row *learned = learned_of(g, row->tag);
	bool by_promise = requirement_by_promise(&table->need);
	bool refused = !requirement_met(&table->need, policy->promises, policy->unveil);
	uint64_t count = row->count;
	const char *first = NULL;

	if (by_promise && !learned && !requirement_met(&table->need, P(STDIO), true))
		refused = false;
	if (table->need.kind == ROW_NOSYS)
		refused = false; /* libc falls back */
	for (size_t i = 0; i < row->n_calls; i++) {
		if (add_by_rule(d, policy->rules, policy->n_rules, row, &row->calls[i]))
			count -= row->calls[i].count;
		else if (!first)
			first = row->calls[i].text;
	}
	if (!refused || !count)
		return;
	if (!first)
		first = table->name;
	if (by_promise)
		add_missing(d, count, first,
			    missing_promises(&table->need, policy->promises, policy->unveil,
					     learned ? learned->prefer : 0));
	else
		add(d, count, first, "never permitted");
}

/* What the arguments of a call asked for beyond its row. */
static void add_learned(const struct guide *g, const struct policy *policy, struct guide_denials *d)
{
	for (size_t i = 0; i < g->run.facts.n_rows; i++) {
		const struct learn_row *row = &g->run.facts.rows[i];

		if (row->tag < table_rows_count &&
		    memcmp(&row->need, &table_rows[row->tag].need, sizeof(row->need)) == 0)
			continue;
		if (!requirement_met(&row->need, policy->promises, policy->unveil))
			add_missing(d, 0, row->why.text ? row->why.text : "",
				    missing_promises(&row->need, policy->promises, policy->unveil,
						     row->prefer));
	}
}

/* ---- paths ---- */

struct grants {
	const struct policy *policy;
	struct implied implied;
	const char **lines; /* arena; real paths, or as they are written; by line */
};

static bool grants_init(struct grants *grants, const struct guide *g, const struct policy *policy,
			struct arena *arena)
{
	*grants = (struct grants){.policy = policy};
	grants->lines = arena_alloc(arena, (policy->n_unveils + 1) * sizeof(*grants->lines));
	if (!grants->lines || implied_init(&grants->implied, arena, g->request->env) < 0)
		return false;
	for (size_t i = 0; i < policy->n_unveils; i++) {
		const char *path = policy->unveils[i].path;
		char real[PATH_MAX];

		/* That of this process is another one. */
		if (strncmp(path, "/proc/self", 10) != 0 && path_real(path, real) == 0)
			path = arena_strdup(arena, real);
		grants->lines[i] = path;
		if (!path)
			return false;
	}
	return true;
}

static uint64_t by_lines(const struct grants *grants, const char *real, uint64_t promises)
{
	uint64_t access = 0;

	for (size_t i = 0; i < grants->policy->n_unveils; i++)
		if (path_covers(grants->lines[i], real))
			access |= landlock_access(grants->policy->unveils[i].perms, promises);
	return access;
}

static uint64_t granted(const struct grants *grants, const char *real)
{
	return by_lines(grants, real, grants->policy->promises) |
	       implied_granted(&grants->implied, real, grants->policy->promises);
}

/* The call that first wanted one of the letters. */
static const char *why_of(const struct learn_path *path, uint8_t letters)
{
	const struct learn_why *why = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(path->why); i++)
		if ((letters & 1U << i) && path->why[i].text &&
		    (!why || learn_why_before(&path->why[i], why)))
			why = &path->why[i];
	return why ? why->text : path->real;
}

static void add_path(const struct guide *g, const struct grants *grants,
		     const struct learn_path *path, struct guide_denials *d)
{
	uint64_t lacking = path->rights & ~granted(grants, path->real);
	char reason[PATH_MAX + 64], text[PATH_MAX], name[5];
	uint8_t letters = explain_letters(lacking);

	if (!lacking)
		return;
	if (!(lacking & ~by_lines(grants, path->real, ALL_PROMISES))) {
		add_missing(d, 0, why_of(path, letters),
			    explain_promises(letters, lacking) & ~grants->policy->promises);
		return;
	}
	perm_format(letters, name);
	(void)snprintf(reason, sizeof(reason), "not unveiled: %s = %s", name,
		       learn_spell(g->request->env, path->real, text) ? text : path->real);
	add(d, 0, why_of(path, letters), reason);
}

/* A file that moves must not gain rights. */
static void add_move(const struct grants *grants, const struct learn_move *move,
		     struct guide_denials *d)
{
	uint64_t gained = granted(grants, move->to) & ~granted(grants, move->from);
	char call[2 * PATH_MAX];

	if (!landlock_access_file(gained))
		return;
	(void)snprintf(call, sizeof(call), "a file moves to %s", move->to);
	add(d, 0, call, "where it comes from has fewer letters");
}

static void add_paths(const struct guide *g, const struct policy *policy, struct guide_denials *d)
{
	struct grants grants;

	if (!policy->unveil || !grants_init(&grants, g, policy, &d->arena))
		return;
	for (size_t i = 0; i < g->run.facts.n_paths; i++)
		add_path(g, &grants, &g->run.facts.paths[i], d);
	for (size_t i = 0; i < g->run.facts.n_moves; i++)
		add_move(&grants, &g->run.facts.moves[i], d);
}

/* ---- peers ---- */

static bool lists_port(const struct policy *policy, const struct learn_port *port)
{
	for (size_t i = 0; i < policy->n_ports; i++)
		if (policy->ports[i].port == port->port && policy->ports[i].access == port->access)
			return true;
	return false;
}

static void add_peers(const struct guide *g, const struct policy *policy, struct guide_denials *d)
{
	const struct learn_facts *facts = &g->run.facts;

	for (size_t i = 0; i < facts->n_ports; i++) {
		const struct learn_port *port = &facts->ports[i];
		char reason[64];

		if (!(policy->port_kinds & port->access) || lists_port(policy, port))
			continue;
		(void)snprintf(reason, sizeof(reason), "port %u is not in %s", port->port,
			       port->access == PORT_CONNECT ? "connect_tcp" : "bind_tcp");
		add(d, 0, port->why.text ? port->why.text : "", reason);
	}
	if (facts->scope.text && !policy->scope_open)
		add(d, 0, facts->scope.text, "outside the sandbox: needs scope = open");
}

/* ---- all of it ---- */

void guide_denials_find(const struct guide *g, const struct policy *policy,
			struct guide_denials *ret)
{
	*ret = (struct guide_denials){0};
	for (size_t i = 0; i < g->run.n_rows; i++)
		add_row(g, policy, &g->run.rows[i], ret);
	add_learned(g, policy, ret);
	add_paths(g, policy, ret);
	add_peers(g, policy, ret);
}

void guide_denials_by_rules(const struct guide *g, const struct rule *rules, size_t n,
			    struct guide_denials *ret)
{
	*ret = (struct guide_denials){0};
	for (size_t i = 0; i < g->run.n_rows; i++)
		for (size_t j = 0; j < g->run.rows[i].n_calls; j++)
			(void)add_by_rule(ret, rules, n, &g->run.rows[i], &g->run.rows[i].calls[j]);
}

void guide_denials_tell(struct guide *g, const struct guide_denials *denials, size_t max)
{
	for (size_t i = 0; i < denials->n && i < max; i++) {
		const struct guide_denial *denial = &denials->items[i];

		if (denial->count > 1)
			guide_say_line(&g->io, "  %s  (%llu times)", denial->call,
				       (unsigned long long)denial->count);
		else
			guide_say_line(&g->io, "  %s", denial->call);
		/* Once for all that have the same. */
		if (i + 1 == denials->n || i + 1 == max ||
		    strcmp(denial->reason, denials->items[i + 1].reason) != 0)
			guide_say_line(&g->io, "      %s", denial->reason);
	}
	if (denials->n > max || denials->more)
		guide_say(&g->io, "  ... and %zu more\n",
			  denials->more + (denials->n > max ? denials->n - max : 0));
}
