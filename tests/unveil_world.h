/* SPDX-License-Identifier: MIT */
/* A policy by hand and the request that goes with it, for the tests of unveil. */
#pragma once

#include "../shim/unveil.h"
#include "confined.h"

#define WORLD_LINES 8

struct world {
	struct policy policy;
	struct unveil_line lines[WORLD_LINES];
	char paths[WORLD_LINES][PATH_MAX];
	struct port_line ports[4];
	struct policy_env env;
	char *envp[4];
	char tmpdir[PATH_MAX], home[PATH_MAX];
	struct landlock_caps caps;
	struct unveil_request request;
};

/* Both layers, scope = open, no extras; ${TMPDIR} is "tmp" in the scratch directory, ${HOME} does
 * not exist. */
static inline void world_init(struct world *w, uint64_t promises)
{
	memset(w, 0, sizeof(*w));
	(void)snprintf(w->tmpdir, sizeof(w->tmpdir), "TMPDIR=%s/tmp", scratch);
	(void)strcpy(w->home, "HOME=/nonexistent");
	w->envp[0] = w->tmpdir;
	w->envp[1] = w->home;
	w->env = (struct policy_env){.envp = w->envp, .cwd = scratch, .uid = geteuid()};
	w->policy.promises = promises;
	w->policy.promises_from = (struct origin){"test.ini", 2};
	w->policy.unveil = true;
	w->policy.scope_open = true;
	w->policy.name = "test.ini";
	w->policy.unveils = w->lines;
	w->policy.ports = w->ports;
	landlock_probe(&w->caps);
	w->request = (struct unveil_request){
		.policy = &w->policy,
		.env = &w->env,
		.caps = &w->caps,
		.want_inner = true,
		.want_outer = true,
	};
}

/* Add "LETTERS = PATH", on lines 11, 12 … of test.ini. A path that does not start with a slash is
 * in the scratch directory. */
static inline void world_line(struct world *w, const char *letters, const char *path)
{
	size_t i = w->policy.n_unveils++;
	struct unveil_line *line = &w->lines[i];

	if (i >= WORLD_LINES)
		cr_assert_fail("more than %d lines", WORLD_LINES);
	if (path[0] == '/')
		(void)snprintf(w->paths[i], PATH_MAX, "%s", path);
	else
		(void)scratch_path(path, w->paths[i]);
	*line = (struct unveil_line){.path = w->paths[i],
				     .optional = strchr(letters, '?') != NULL,
				     .from = {"test.ini", 11 + (unsigned)i}};
	for (const char *c = letters; *c; c++)
		line->perms |= *c == 'r'   ? PERM_R
			       : *c == 'w' ? PERM_W
			       : *c == 'x' ? PERM_X | PERM_R
			       : *c == 'c' ? PERM_C
					   : 0;
}
