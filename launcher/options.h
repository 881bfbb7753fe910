/* SPDX-License-Identifier: MIT */
/* The command line → struct options. */
#pragma once

#include "../shim/err.h"
#include "trace.h"

enum mode {
	MODE_RUN,
	MODE_PRINT_POLICY,
	MODE_CHECK,
	MODE_DOCTOR,
	MODE_INTERACTIVE,
	MODE_API,
	MODE_EXPORT,
	MODE_IMPORT,
	MODE_LIST,
	MODE_HELP,
	MODE_VERSION,
};

#define OPTIONS_FLAGS_MAX \
	20000 /* -p and -v given; far above any use, below what ARG_MAX lets through */

/* One -p, -v, --allow or --deny, in the order in which they were given. */
struct policy_flag {
	char option; /* 'p', 'v', or OPTION_ALLOW, OPTION_DENY */
	const char *value;
};

#define OPTION_ALLOW '+'
#define OPTION_DENY  '-'

struct options {
	enum mode mode;
	const char *policy_file;   /* -P */
	struct policy_flag *flags; /* owned */
	size_t n_flags;
	bool no_unveil;		    /* -V */
	bool kill;		    /* -k */
	bool quiet;		    /* -q */
	bool explain;		    /* -e */
	const char *explain_file;   /* --explain=FILE; NULL: none */
	bool learn;		    /* --learn */
	const char *learn_file;	    /* --learn=FILE; NULL: none */
	bool audit;		    /* --audit */
	const char *audit_file;	    /* --audit=FILE; NULL: none */
	struct trace_request trace; /* --trace and what goes with it */
	bool json;		    /* --json: of --doctor */
	const char *socket;	    /* --api=SOCKET; NULL: the usual one */
	const char *format;	    /* of --export, --import */
	const char *list_promise;   /* --list=PROMISE; NULL: all */
	char **rest; /* PROGRAM ARG…, or the files of --check; NULL-terminated, borrowed from argv
		      */
};

/* Parse @argv. Options end at the first word that is none. Returns 0; -EINVAL for wrong use, with
 * the nearest spelling; -EOPNOTSUPP for an option that is known but not available yet; -ENOMEM. */
must_check int options_parse(int argc, char **argv, struct options *ret, struct sbx_err *err)
	nonnull(2, 3, 4);
void options_done(struct options *options);

/* What --help prints; one screen. */
extern const char options_help[];
