/* SPDX-License-Identifier: MIT */
/* --interactive: run a program watched, show what it did, and make a policy of it in a dialog: line
 * by line, so that a terminal, a pipe and a socket will all do. */
#pragma once

#include "../shim/policy.h"
#include "program.h"

struct guide_request {
	const struct program *program;
	const struct policy_env *env;
	const char *policy_file; /* start from it (-P); NULL: from the one found by name, if any */
	int in, out;		 /* of the dialog; borrowed; the same one for a socket */
	/* ^C ends the dialog, and the terminal is put in order after the program has run. */
	bool terminal;
	/* The dialog has our standard input: the program gets /dev/null there. */
	bool takes_stdin;
};

/* The dialog, from its first question to its end. The program has the caller's standard
 * descriptors. Blocks signals and ignores SIGPIPE meanwhile, and starts processes that it waits
 * for: who serves others beside does this in a process of its own, whose other descriptors are
 * close-on-exec. Returns the exit status: 0 when it came to an end, 1 when it was broken off with
 * nothing written, the program's when it was run last, or with err->code why there was none (125,
 * 126, 127, 2). */
must_check int guide_run(const struct guide_request *request, struct sbx_err *err) nonnull(1, 2);

/* The same with in, out and what follows them filled in: standard input and output where they are a
 * terminal, else /dev/tty, so that the program can have a pipe; without any terminal standard input
 * and output all the same. */
must_check int guide_run_on_terminal(const struct guide_request *request, struct sbx_err *err)
	nonnull(1, 2);
