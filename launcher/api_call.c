/* SPDX-License-Identifier: MIT */
#include "api_call.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../shim/spell.h"

enum value { ID, STRING, STRINGS, MAP, TRUTH, COUNT, SECONDS, SIGNAL };

#define ON(op) (1U << (op))

static const char *const op_names[API_OPS] = {
	[API_CHECK] = "check", [API_PRINT_POLICY] = "print-policy",
	[API_LEARN] = "learn", [API_RUN] = "run",
	[API_WAIT] = "wait",   [API_KILL] = "kill",
	[API_LIST] = "list",   [API_DOCTOR] = "doctor",
};

/* What a request may say, and which. */
#define FLAGS (ON(API_PRINT_POLICY) | ON(API_RUN))
#define START (FLAGS | ON(API_LEARN))

static const struct key {
	const char *name;
	enum value value;
	unsigned ops;
	const char *flag; /* what it is to the launcher, where it is simply that */
} keys[] = {
	{"id", ID, ~0U, NULL},
	{"op", STRING, ~0U, NULL},
	{"policy", STRING, FLAGS | ON(API_CHECK), NULL},
	{"file", STRING, FLAGS | ON(API_CHECK), NULL},
	{"promises", STRING, FLAGS, "-p"},
	{"unveil", STRINGS, FLAGS, "-v"},
	{"no_unveil", TRUTH, FLAGS, "-V"},
	{"allow", STRINGS, FLAGS, "--allow"},
	{"deny", STRINGS, FLAGS, "--deny"},
	{"kill", TRUTH, FLAGS, "-k"},
	{"quiet", TRUTH, FLAGS, "-q"},
	{"explain", TRUTH, FLAGS, "-e"},
	{"argv", STRINGS, START, NULL},
	{"env", MAP, START, NULL},
	{"cwd", STRING, START, NULL},
	{"timeout", SECONDS, ON(API_LEARN) | ON(API_RUN) | ON(API_WAIT), NULL},
	{"detach", TRUTH, ON(API_RUN), NULL},
	{"wait", TRUTH, ON(API_RUN), NULL},
	{"job", COUNT, ON(API_WAIT) | ON(API_KILL), NULL},
	{"signal", SIGNAL, ON(API_KILL), NULL},
	{"group", TRUTH, ON(API_KILL), NULL},
	{"promise", STRING, ON(API_LIST), NULL},
};

static const struct key *find_key(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

/* "SIGTERM", "TERM" or its number; 0 when there is none. */
static int signal_of(const json_t *value)
{
	const char *name = json_string_value(value);

	if (json_is_integer(value)) {
		json_int_t number = json_integer_value(value);

		return number > 0 && number <= SIGRTMAX ? (int)number : 0;
	}
	if (!name)
		return 0;
	if (strncmp(name, "SIG", 3) == 0)
		name += 3;
	for (int i = 1; i < NSIG; i++)
		if (sigabbrev_np(i) && strcmp(sigabbrev_np(i), name) == 0)
			return i;
	return 0;
}

static bool all_strings(const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!json_is_string(json_array_get(list, i)))
			return false;
	return true;
}

/* A variable's name is not empty and has no "=" in it. */
static bool is_environment(const json_t *map)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)map, name,
			    value) if (!*name || strchr(name, '=') ||
				       !json_is_string(value)) return false;
	return true;
}

static const char *expected(enum value kind, const json_t *value)
{
	switch (kind) {
	case ID:
		return json_is_string(value) || json_is_number(value) ? NULL
								      : "a number or a string";
	case STRING:
		return json_is_string(value) ? NULL : "a string";
	case STRINGS:
		if (json_array_size(value) > API_WORDS_MAX)
			return "a shorter list";
		return json_is_array(value) && all_strings(value) ? NULL : "a list of strings";
	case MAP:
		if (json_object_size(value) > API_WORDS_MAX)
			return "fewer variables";
		return json_is_object(value) && is_environment(value)
			       ? NULL
			       : "an object of names and strings";
	case TRUTH:
		return json_is_boolean(value) ? NULL : "true or false";
	case COUNT:
		return json_is_integer(value) && json_integer_value(value) > 0
			       ? NULL
			       : "a number, as run answered it";
	case SECONDS:
		return json_is_number(value) && json_number_value(value) >= 0 &&
				       json_number_value(value) <= API_TIMEOUT_MAX_S
			       ? NULL
			       : "seconds";
	case SIGNAL:
		return signal_of(value) ? NULL : "the name or the number of a signal";
	}
	return NULL;
}

static int unknown_key(const char *name, enum api_op op, struct sbx_err *err)
{
	const char *names[ARRAY_SIZE(keys)];
	const char *near;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].ops & ON(op))
			names[n++] = keys[i].name;
	near = spell_nearest(name, names, n);
	if (near)
		return err_set(err, -EINVAL, "\"%s\" takes no \"%.64s\" (did you mean \"%s\"?)",
			       op_names[op], name, near);
	return err_set(err, -EINVAL, "\"%s\" takes no \"%.64s\"", op_names[op], name);
}

static int check_keys(const struct api_call *call, struct sbx_err *err)
{
	const char *name, *what;
	json_t *value;

	json_object_foreach(call->body, name, value)
	{
		const struct key *key = find_key(name);

		if (!key || !(key->ops & ON(call->op)))
			return unknown_key(name, call->op, err);
		what = expected(key->value, value);
		if (what)
			return err_set(err, -EINVAL, "\"%s\" wants %s", name, what);
	}
	return 0;
}

static int find_op(struct api_call *call, struct sbx_err *err)
{
	const char *name = json_string_value(json_object_get(call->body, "op"));
	const char *near;

	if (!name)
		return err_set(err, -EINVAL, "there is no \"op\"");
	for (int i = 0; i < API_OPS; i++) {
		if (strcmp(op_names[i], name) == 0) {
			call->op = (enum api_op)i;
			return 0;
		}
	}
	near = spell_nearest(name, op_names, API_OPS);
	if (near)
		return err_set(err, -EINVAL, "unknown op \"%.64s\" (did you mean \"%s\"?)", name,
			       near);
	return err_set(err, -EINVAL, "unknown op \"%.64s\"", name);
}

/* What belongs together, and what does not. */
static int check_sense(const struct api_call *call, struct sbx_err *err)
{
	if (call->policy && call->file)
		return err_set(err, -EINVAL,
			       "\"policy\" is a text and \"file\" names one: not both");
	if (call->op == API_CHECK && !call->policy && !call->file)
		return err_set(err, -EINVAL, "\"check\" wants \"policy\" or \"file\"");
	if ((call->op == API_RUN || call->op == API_LEARN) && json_array_size(call->argv) == 0)
		return err_set(err, -EINVAL, "\"argv\" names no program");
	if ((call->op == API_WAIT || call->op == API_KILL) && !call->job)
		return err_set(err, -EINVAL, "which \"job\"?");
	return 0;
}

static void take_values(struct api_call *call)
{
	const json_t *body = call->body;
	const json_t *timeout = json_object_get(body, "timeout");
	const json_t *signal = json_object_get(body, "signal");

	call->policy = json_string_value(json_object_get(body, "policy"));
	call->file = json_string_value(json_object_get(body, "file"));
	call->cwd = json_string_value(json_object_get(body, "cwd"));
	call->promise = json_string_value(json_object_get(body, "promise"));
	call->argv = json_object_get(body, "argv");
	call->env = json_object_get(body, "env");
	call->job = json_integer_value(json_object_get(body, "job"));
	call->timeout_ms = timeout ? (int64_t)(json_number_value(timeout) * 1000 + 0.999) : -1;
	call->signal = signal ? signal_of(signal) : SIGTERM;
	call->group = json_is_true(json_object_get(body, "group"));
	call->wait = json_is_true(json_object_get(body, "wait"));
	call->detach = json_is_true(json_object_get(body, "detach"));
}

int api_call_parse(const char *line, size_t len, struct api_call *ret, struct sbx_err *err)
{
	json_error_t error;
	const json_t *id;
	int r;

	*ret = (struct api_call){0};
	ret->body = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (!ret->body && json_error_code(&error) == json_error_out_of_memory)
		return err_set(err, -ENOMEM, "out of memory");
	if (!ret->body)
		return err_set(err, -EINVAL, "not JSON: %s (byte %d)", error.text, error.position);
	if (!json_is_object(ret->body))
		return err_set(err, -EINVAL, "not a JSON object");
	id = json_object_get(ret->body, "id");
	if (json_is_string(id) || json_is_number(id))
		ret->id = json_incref((json_t *)(uintptr_t)id);
	r = find_op(ret, err);
	if (r == 0)
		r = check_keys(ret, err);
	if (r < 0)
		return r;
	take_values(ret);
	return check_sense(ret, err);
}

void api_call_done(struct api_call *call)
{
	json_decref(call->id);
	json_decref(call->body);
	*call = (struct api_call){0};
}

json_t *api_call_id(const struct api_call *call)
{
	return call->id ? call->id : json_null();
}

/* ---- as a command line ---- */

struct words {
	char **list;
	size_t n;
};

static void add(struct words *words, const char *word)
{
	words->list[words->n++] = (char *)(uintptr_t)word; /* execve(2) does not write there */
}

static void add_flags(struct words *words, const struct api_call *call)
{
	for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
		const json_t *value = json_object_get(call->body, keys[k].name);

		if (!keys[k].flag || !value)
			continue;
		if (json_is_true(value))
			add(words, keys[k].flag);
		if (json_is_string(value)) {
			add(words, keys[k].flag);
			add(words, json_string_value(value));
		}
		for (size_t i = 0; i < json_array_size(value); i++) {
			add(words, keys[k].flag);
			add(words, json_string_value(json_array_get(value, i)));
		}
	}
}

/* Room for all words, at most. */
static size_t count_words(const struct api_call *call)
{
	size_t n = 8 + json_array_size(call->argv);

	for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
		if (keys[k].flag)
			n += 2 + 2 * json_array_size(json_object_get(call->body, keys[k].name));
	return n;
}

char **api_call_words(const struct api_call *call, enum api_way way, const char *policy_file,
		      char option[API_OPTION_MAX])
{
	struct words words = {.list = calloc(count_words(call), sizeof(char *))};
	const char *file = call->file ? call->file : policy_file;

	if (!words.list)
		return NULL;
	add(&words, "sbx-preload");
	switch (way) {
	case API_WAY_DOCTOR:
		add(&words, "--doctor");
		add(&words, "--json");
		return words.list;
	case API_WAY_CHECK:
		add(&words, "--check");
		add(&words, "--");
		add(&words, file);
		return words.list;
	case API_WAY_LEARN:
		(void)snprintf(option, API_OPTION_MAX, "--learn=%s", policy_file);
		add(&words, option);
		break;
	case API_WAY_PRINT:
		add(&words, "--print-policy");
		/* fall through */
	case API_WAY_RUN:
		add_flags(&words, call);
		if (file) {
			add(&words, "-P");
			add(&words, file);
		}
		break;
	}
	add(&words, "--");
	for (size_t i = 0; i < json_array_size(call->argv); i++)
		add(&words, json_string_value(json_array_get(call->argv, i)));
	return words.list;
}

char **api_call_environment(const struct api_call *call)
{
	json_t *map = (json_t *)(uintptr_t)call->env;
	size_t count = json_object_size(map), bytes = (count + 1) * sizeof(char *), n = 0;
	const char *name;
	json_t *value;
	char **list, *at;

	json_object_foreach(map, name, value) bytes += strlen(name) + json_string_length(value) + 2;
	list = malloc(bytes);
	if (!list)
		return NULL;
	at = (char *)(list + count + 1);
	json_object_foreach(map, name, value)
	{
		list[n++] = at;
		at += sprintf(at, "%s=%s", name, json_string_value(value)) + 1;
	}
	list[n] = NULL;
	return list;
}
