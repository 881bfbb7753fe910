/* SPDX-License-Identifier: MIT */
/* The first line of a script, as execve(2) reads it, and the command line of env(1), which many of
 * them name. Pure. */
#pragma once

#include "../shim/arena.h"
#include "../shim/err.h"

#define SCRIPT_LINE_MAX 256 /* BINPRM_BUF_SIZE since Linux 5.1: as much as the kernel looks at */

struct script_line {
	char interpreter[SCRIPT_LINE_MAX]; /* as written: may be relative to the current directory
					    */
	char arg[SCRIPT_LINE_MAX];	   /* all that follows it, one argument */
	bool has_arg;
};

/* Does a file that starts with these bytes start with "#!"? */
bool script_is(const char *head, size_t len) nonnull(1);

/* Parse the first @len bytes of a script, at most SCRIPT_LINE_MAX, the way the kernel (5.1 or
 * later) does: an argument that is too long is cut, an interpreter that is too long or missing is
 * -ENOEXEC. */
must_check int script_parse(const char *head, size_t len, struct script_line *ret,
			    struct sbx_err *err) nonnull(1, 3, 4);

/* What env would pass to execvp(3). */
struct env_command {
	char **argv; /* NULL-terminated, at least one; arena memory */
	char **envp; /* NULL-terminated; arena memory, its strings borrowed from the arena or the
			old environment */
};

/* Read @argv (env's own, argv[0] is its name) as env of coreutils does: -i, -u, -S, VAR=value, "-"
 * and "--". Returns 0; -ENOMEM; -ENOEXEC for what env would refuse, for options that do more than
 * choose a program and its environment (-C, -v, -0, signals), for assignments to LD_* and
 * GLIBC_TUNABLES, and when no program is named. */
must_check int script_read_env(struct arena *arena, char *const *argv, char *const *envp,
			       struct env_command *ret, struct sbx_err *err) nonnull(1, 2, 3, 4, 5);
