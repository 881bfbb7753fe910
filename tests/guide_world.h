/* SPDX-License-Identifier: MIT */
/* A run of a program that was made up, and a dialog about it: answers through a pipe. */
#pragma once

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "../launcher/guide_parts.h"
#include "scratch.h"

#define DIR "/srv/sbx-none" /* nothing is there */

static char *envp[4];
static char home[PATH_MAX + 8], config[PATH_MAX + 24];
static struct policy_env env = {.envp = envp, .cwd = DIR, .uid = 0};
static char program_name[] = "prog";
static struct program program = {
	.name = program_name, .real_name = program_name, .path = "/usr/bin/prog"};
static struct guide_request request = {.program = &program, .env = &env};

/* ---- a run ---- */

static inline uint16_t tag_of(const char *name, uint64_t any)
{
	for (size_t i = 1; i < table_rows_count; i++)
		if (strcmp(table_rows[i].name, name) == 0 &&
		    (!any || table_rows[i].need.any == any || table_rows[i].need.all == any))
			return (uint16_t)i;
	cr_assert_fail("no row of %s", name);
	return 0;
}

static inline struct record_row *add_row(struct guide *g, const char *name, uint64_t any, int nr)
{
	static struct record_row rows[16];
	struct record_row *row = &rows[g->run.n_rows++];

	cr_assert_leq(g->run.n_rows, 16);
	g->run.rows = rows;
	*row = (struct record_row){.tag = tag_of(name, any), .nr = nr};
	return row;
}

static inline void add_call(struct guide *g, struct record_row *row, uint64_t arg0, uint64_t arg2,
			    const char *text, unsigned times)
{
	const uint64_t args[6] = {arg0, 0, arg2};

	for (unsigned i = 0; i < times; i++)
		cr_assert(record_add(&g->run.arena, row, args, text));
	row->count += times;
}

static unsigned seq;

static inline struct learn_why why(struct guide *g, const char *text)
{
	return (struct learn_why){.text = arena_strdup(&g->run.arena, text), .seq = ++seq};
}

static inline void learn_row(struct guide *g, const struct record_row *row, uint64_t prefer,
			     const char *text)
{
	struct learn_facts *facts = &g->run.facts;

	cr_assert_eq(arena_grow(&facts->arena, (void **)&facts->rows, &facts->cap_rows,
				facts->n_rows, sizeof(*facts->rows)),
		     0);
	facts->rows[facts->n_rows++] = (struct learn_row){.need = table_rows[row->tag].need,
							  .tag = row->tag,
							  .prefer = prefer,
							  .names_files = !prefer,
							  .why = why(g, text)};
}

static inline void touch(struct guide *g, const char *real, uint64_t rights, bool is_dir,
			 const char *text)
{
	struct learn_path *path = learn_path_at(&g->run.facts, real);

	cr_assert(path);
	path->rights |= rights;
	path->is_dir |= is_dir;
	for (size_t i = 0; i < ARRAY_SIZE(path->why); i++)
		path->why[i] = why(g, text);
}

static inline void add_port(struct guide *g, uint16_t port, const char *text)
{
	struct learn_facts *facts = &g->run.facts;

	cr_assert_eq(arena_grow(&facts->arena, (void **)&facts->ports, &facts->cap_ports,
				facts->n_ports, sizeof(*facts->ports)),
		     0);
	facts->ports[facts->n_ports++] =
		(struct learn_port){.port = port, .access = PORT_CONNECT, .why = why(g, text)};
}

/* It read one file, wrote another, and connected somewhere. */
static inline void make_run(struct guide *g)
{
	struct record_row *row;

	row = add_row(g, "write", 0, SYS_write);
	add_call(g, row, 1, 5, "write(1, 5)", 3);
	add_call(g, row, 2, 9, "write(2, 9)", 1);
	row = add_row(g, "openat", P(RPATH), SYS_openat);
	add_call(g, row, 0, 0, "openat(\"" DIR "/in.txt\", O_RDONLY)", 2);
	learn_row(g, row, 0, "openat(\"" DIR "/in.txt\", O_RDONLY)");
	row = add_row(g, "openat", P(WPATH), SYS_openat);
	add_call(g, row, 0, 1, "openat(\"" DIR "/out/a\", O_WRONLY)", 1);
	learn_row(g, row, 0, "openat(\"" DIR "/out/a\", O_WRONLY)");
	row = add_row(g, "socket", P(INET) | P(DNS), SYS_socket);
	add_call(g, row, 2, 0, "socket(AF_INET, SOCK_STREAM)", 1);
	learn_row(g, row, P(INET), "socket(AF_INET, SOCK_STREAM)");
	row = add_row(g, "exit_group", 0, SYS_exit_group);
	add_call(g, row, 0, 0, "exit_group(0)", 1);
	touch(g, DIR "/in.txt", FS_READ_FILE, false, "openat(\"" DIR "/in.txt\", O_RDONLY)");
	touch(g, DIR "/out/a", FS_WRITE_FILE, false, "openat(\"" DIR "/out/a\", O_WRONLY)");
	add_port(g, 443, "connect(3, AF_INET 192.0.2.1:443)");
}

/* ---- a dialog ---- */

struct talk {
	struct guide guide;
	int status;
	enum guide_answer how;
	char *said; /* heap */
};

static inline void talk_begin(struct talk *t)
{
	*t = (struct talk){0};
	(void)snprintf(home, sizeof(home), "HOME=%s", scratch);
	(void)snprintf(config, sizeof(config), "XDG_CONFIG_HOME=%s/config", scratch);
	envp[0] = home;
	envp[1] = config;
	env.uid = getuid();
	t->guide.request = &request;
	t->guide.program_status = -1;
	policy_init(&t->guide.base.policy);
	seq = 0;
	make_run(&t->guide);
}

static inline int pipe_with(const char *answers)
{
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	cr_assert_eq(write(fds[1], answers, strlen(answers)), (ssize_t)strlen(answers));
	(void)close(fds[1]);
	return fds[0];
}

/* All of it, from the first step to the end of the answers. */
static inline void talk_hold(struct talk *t, const char *answers)
{
	int in = pipe_with(answers);
	FILE *out = tmpfile();
	struct sbx_err err = {0};
	long size;

	cr_assert(out);
	cr_assert_eq(guide_prepare(&t->guide, &err), 0, "%s", err.msg);
	guide_io_init(&t->guide.io, in, fileno(out), envp);
	t->how = guide_walk(&t->guide);
	t->status = guide_end(&t->guide);
	size = lseek(fileno(out), 0, SEEK_END);
	t->said = calloc(1, (size_t)size + 1);
	cr_assert(size >= 0 && pread(fileno(out), t->said, (size_t)size, 0) == size);
	(void)fclose(out);
	(void)close(in);
}

static inline void talk_done(struct talk *t)
{
	/* The rows are not of its arena. */
	guide_done(&t->guide);
	free(t->said);
}
