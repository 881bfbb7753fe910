/* SPDX-License-Identifier: MIT */
/* TCP ports, one by one, and what is outside the sandbox. */
#include <stdio.h>
#include <string.h>

#include "guide_parts.h"

static const char help[] =
	"Only the TCP ports that are listed in [net] may be used: connect_tcp for those it\n"
	"connects to, bind_tcp for those it listens on.\n"
	"  k  keep it (Enter, if [k] is shown)    d  drop it\n"
	"  a  leave this and all that follow as they are, and go on\n"
	"  b  back to the one before";
static const char help_scope[] =
	"By default neither signals nor abstract sockets lead out of the sandbox. This run\n"
	"used one that did. yes writes scope = open, which permits all of them.";

static void tell_one(struct guide *g, size_t i)
{
	const struct guide_port *port = &g->ports[i];

	guide_say(&g->io, "\n");
	guide_say_bold(&g->io, "%zu/%zu  %s TCP port %u", i + 1, g->n_ports,
		       port->access == PORT_CONNECT ? "connect to" : "listen on", port->port);
	if (port->why)
		guide_say_line(&g->io, "     first: %s", port->why);
	else if (port->line)
		guide_say_line(&g->io, "     it is in the policy already");
}

static enum guide_answer ask_one(struct guide *g, size_t i, bool *ret_all)
{
	static const char *const words[] = {"keep", "drop", "all the rest", NULL};
	struct guide_port *port = &g->ports[i];
	enum guide_answer r;
	char letter;

	tell_one(g, i);
	r = guide_choose(&g->io, "Permit it?", words, port->keep ? 'k' : 'd', help, &letter);
	if (r != GUIDE_OK)
		return r;
	*ret_all = letter == 'a';
	if (letter == 'd' && port->line == GUIDE_INCLUDED) {
		guide_say_line(&g->io, "It comes from a file that %s includes, and stays.",
			       g->base.path);
		letter = 'k';
	}
	if (letter != 'a')
		port->keep = letter == 'k';
	return GUIDE_OK;
}

static enum guide_answer ask_scope(struct guide *g)
{
	guide_say(&g->io, "\n");
	guide_say_line(&g->io, "It reached outside the sandbox: %s", g->run.facts.scope.text);
	return guide_confirm(&g->io, "Permit it?", g->scope, help_scope, &g->scope);
}

enum guide_answer guide_step_ports(struct guide *g, bool from_behind)
{
	bool asks_scope = g->run.facts.scope.text && !g->base.policy.scope_open, all = false;
	/* Without these no port can be used, listed or not. */
	bool useful = g->plan.promises & ~g->dropped & (P(INET) | P(DNS));
	size_t n_ports = useful ? g->n_ports : 0, n = n_ports + asks_scope;
	size_t i = from_behind && n ? n - 1 : 0;

	if (!n)
		return from_behind ? GUIDE_BACK : GUIDE_OK; /* most programs have none */
	guide_heading(g, 4, "ports and peers");
	while (i < n) {
		enum guide_answer r;

		if (all && i < n_ports)
			r = GUIDE_OK;
		else
			r = i < n_ports ? ask_one(g, i, &all) : ask_scope(g);
		if (r == GUIDE_QUIT || (r == GUIDE_BACK && i == 0))
			return r;
		i = r == GUIDE_BACK ? i - 1 : i + 1;
	}
	return GUIDE_OK;
}
