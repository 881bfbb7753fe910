/* SPDX-License-Identifier: MIT */
/* A request of --api's line protocol: a line of JSON → struct api_call, and the launcher's command
 * line that does what it asks for. Pure. */
#pragma once

#include <jansson.h>

#include "../shim/err.h"

enum api_op {
	API_CHECK,
	API_PRINT_POLICY,
	API_LEARN,
	API_RUN,
	API_WAIT,
	API_KILL,
	API_LIST,
	API_DOCTOR,
	API_OPS
};

#define API_WORDS_MAX	  20000 /* in one list of a request */
#define API_TIMEOUT_MAX_S 1e6

struct api_call {
	enum api_op op;
	json_t *id;	     /* owned; NULL: none was given */
	json_t *body;	     /* owned: what all else is borrowed from */
	const char *policy;  /* text; NULL: none */
	const char *file;    /* NULL: none */
	const char *cwd;     /* NULL: the server's */
	const char *promise; /* list; NULL: all */
	const json_t *argv;  /* strings; NULL: none */
	const json_t *env;   /* object of strings; NULL: the server's */
	int64_t timeout_ms;  /* -1: none */
	int64_t job;
	int signal;
	bool group;  /* the signal is for the job's process group */
	bool wait;   /* the answer to run is that to wait */
	bool detach; /* the job outlives its client */
};

/* Parse one line. On failure, too, @ret holds the id where it could be read: api_call_done() in
 * either case. Returns 0; -EINVAL with what is wrong, and the nearest spelling; -ENOMEM. */
must_check int api_call_parse(const char *line, size_t len, struct api_call *ret,
			      struct sbx_err *err) nonnull(1, 3, 4);
void api_call_done(struct api_call *call);

/* The id as it is to be answered; borrowed. */
json_t *api_call_id(const struct api_call *call) nonnull(1);

enum api_way { API_WAY_CHECK, API_WAY_PRINT, API_WAY_LEARN, API_WAY_RUN, API_WAY_DOCTOR };

/* The words that the launcher is started with, the first one included. @policy_file: where the text
 * of the policy, or for API_WAY_LEARN what is learned, is found. The array is heap,
 * NULL-terminated, the caller frees it; the words are borrowed from @call, @policy_file and @option
 * (of API_OPTION_MAX bytes). NULL: out of memory. */
#define API_OPTION_MAX 4200
char **api_call_words(const struct api_call *call, enum api_way way, const char *policy_file,
		      char option[API_OPTION_MAX]) nonnull(1);

/* The environment that the request names, one block of memory that the caller frees; NULL: out of
 * memory. Only where there is one. */
char **api_call_environment(const struct api_call *call) nonnull(1);
