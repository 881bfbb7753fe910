/* SPDX-License-Identifier: MIT */
/* The work that the shipped policies are for, as tables that more than one test goes through, and
 * how it is learned from (--learn). */
#pragma once

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"

#define WORK_FILES_DIR "{root}/learned" /* no program's business */

struct live_work {
	const char *name;		    /* for messages */
	const char *policy;		    /* conf/NAME.ini, of all that follows */
	const char *programs[3];	    /* must be there */
	const char *only_where;		    /* this file is, too; else there is nothing to do */
	void (*prepare)(struct live *live); /* sets the stage; may be NULL */
	const struct live_case *cases;
	size_t count;
	/* In place of cases: a server, how it is used, and how it ends. */
	const char *const *argv;
	const char *const *flags; /* what the shipped policy needs in addition */
	void (*use)(struct live *live);
	int ends; /* by SIGTERM, with this status */
};

extern const struct live_work real_files_work[], real_net_work[], real_langs_work[],
	real_servers_work[];
extern const size_t real_files_works, real_net_works, real_langs_works, real_servers_works;

/* All tables as one; NULL behind the last. */
static inline const struct live_work *live_work_at(size_t i)
{
	const struct {
		const struct live_work *work;
		size_t count;
	} tables[] = {
		{real_files_work, real_files_works},
		{real_net_work, real_net_works},
		{real_langs_work, real_langs_works},
		{real_servers_work, real_servers_works},
	};

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		if (i < tables[t].count)
			return &tables[t].work[i];
		i -= tables[t].count;
	}
	return NULL;
}

/* The stage, if this is to be done here at all. */
static inline bool live_work_begin(struct live *live, const struct live_work *work, uid_t uid)
{
	live_need_landlock(6); /* the default scopes */
	for (size_t i = 0; i < sizeof(work->programs) / sizeof(work->programs[0]); i++)
		if (work->programs[i])
			live_need_program(work->programs[i]);
	if (work->only_where && !live_exists(&(struct live){0}, work->only_where))
		return false;
	live_init(live, uid);
	live_mkdir(live, WORK_FILES_DIR);
	if (work->prepare)
		work->prepare(live);
	return true;
}

/* A server as above, behind @with: started, used, and ended. */
static inline void live_serve(struct live *live, const struct live_work *work,
			      const char *const *with)
{
	const char *argv[LIVE_SANDBOX_ARGS];
	size_t n = 0;
	int status;

	for (size_t i = 0; with[i]; i++)
		argv[n++] = with[i];
	for (size_t i = 0; work->argv[i] && n < LIVE_SANDBOX_ARGS - 1; i++)
		argv[n++] = work->argv[i];
	argv[n] = NULL;
	if (!live_server_start(live, argv, live->port))
		return;
	work->use(live);
	status = live_server_stop(live);
	cr_expect_eq(status, work->ends, "%s, uid %u, behind %s: ended with %d", work->name,
		     live->uid, *with ? with[1] : "nothing", status);
}
