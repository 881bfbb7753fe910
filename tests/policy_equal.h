/* SPDX-License-Identifier: MIT */
/* Do two policies say the same? Where their lines came from does not count. */
#pragma once

#include <string.h>

#include "../shim/rule.h"

static inline bool policy_has_port(const struct policy *policy, const struct port_line *port)
{
	for (size_t i = 0; i < policy->n_ports; i++)
		if (policy->ports[i].port == port->port && policy->ports[i].access == port->access)
			return true;
	return false;
}

/* The first thing that differs, NULL when nothing does. */
static inline const char *policy_difference(const struct policy *a, const struct policy *b)
{
	if (a->promises != b->promises)
		return "promises";
	if (a->on_violation != b->on_violation)
		return "on_violation";
	if (a->unveil != b->unveil || a->best_effort != b->best_effort ||
	    a->scope_open != b->scope_open || a->self_modify != b->self_modify ||
	    a->unsafe_syscalls != b->unsafe_syscalls)
		return "a switch";
	if (!a->program != !b->program || (a->program && strcmp(a->program, b->program) != 0))
		return "program";
	if (a->n_unveils != b->n_unveils)
		return "number of unveil lines";
	for (size_t i = 0; i < a->n_unveils; i++)
		if (strcmp(a->unveils[i].path, b->unveils[i].path) != 0 ||
		    a->unveils[i].perms != b->unveils[i].perms ||
		    a->unveils[i].optional != b->unveils[i].optional)
			return a->unveils[i].path;
	if (a->port_kinds != b->port_kinds || a->n_ports != b->n_ports)
		return "number of ports";
	for (size_t i = 0; i < a->n_ports; i++)
		if (!policy_has_port(b, &a->ports[i]))
			return "a port";
	if (a->n_rules != b->n_rules)
		return "number of rules";
	for (size_t i = 0; i < a->n_rules; i++)
		if (!rule_equal(&a->rules[i], &b->rules[i]))
			return "a rule";
	return NULL;
}
