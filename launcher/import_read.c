/* SPDX-License-Identifier: MIT */
/* The OCI's linux.seccomp and seccompiler's JSON → struct import_profile. */
#include "import_parts.h"

#include <errno.h>
#include <string.h>

#ifdef __aarch64__
#define OCI_ARCH    "SCMP_ARCH_AARCH64"
#define DOCKER_ARCH "arm64"
#else
#define OCI_ARCH    "SCMP_ARCH_X86_64"
#define DOCKER_ARCH "amd64"
#endif

/* A profile as it is read, and where. */
struct reader {
	struct import_profile *profile;
	struct sbx_err *err;
	char where[128]; /* "syscalls[3].args[0]" */
	int r;		 /* the first error */
};

static bool fail(struct reader *reader, const char *what)
{
	if (reader->r == 0)
		reader->r =
			import_fail(reader->profile, reader->err, "%s: %s", reader->where, what);
	return false;
}

static bool check(struct reader *reader, int r)
{
	if (r < 0 && reader->r == 0)
		reader->r = err_set(reader->err, r, "out of memory");
	return r == 0;
}

static const char *copy_where(struct reader *reader)
{
	char *copy = arena_strdup(reader->profile->arena, reader->where);

	(void)check(reader, copy ? 0 : -ENOMEM);
	return copy;
}

/* Only these keys: one that is not known could mean anything. */
static bool expect_keys(struct reader *reader, json_t *object, const char *const *keys)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return fail(reader, "should be an object");
	json_object_foreach(object, key, value)
	{
		size_t i = 0;

		while (keys[i] && strcmp(keys[i], key) != 0)
			i++;
		if (!keys[i]) {
			char text[96];

			(void)snprintf(text, sizeof(text), "unknown key \"%.64s\"", key);
			return fail(reader, text);
		}
	}
	return true;
}

static const char *get_string(struct reader *reader, const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	char message[64];

	if (text)
		return text;
	(void)snprintf(message, sizeof(message), "\"%s\" should be a string", key);
	(void)fail(reader, message);
	return NULL;
}

static bool get_unsigned(struct reader *reader, const json_t *object, const char *key,
			 uint64_t *ret)
{
	char message[64];

	if (import_unsigned(json_object_get(object, key), ret))
		return true;
	(void)snprintf(message, sizeof(message), "\"%s\" should be a number that is not negative",
		       key);
	return fail(reader, message);
}

static bool get_index(struct reader *reader, const json_t *object, unsigned *ret)
{
	uint64_t index;

	if (!get_unsigned(reader, object, "index", &index))
		return false;
	if (index > 5)
		return fail(reader, "\"index\" should be 0 to 5");
	*ret = (unsigned)index;
	return true;
}

struct op_name {
	char name[20];
	enum rule_op op;
};

static bool find_op(const struct op_name *names, size_t n, const char *name, enum rule_op *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i].name, name) == 0) {
			*ret = names[i].op;
			return true;
		}
	}
	return false;
}

/* ---- seccompiler ---- */

static const struct op_name seccompiler_ops[] = {
	{"eq", RULE_EQ}, {"ne", RULE_NE}, {"lt", RULE_LT},
	{"le", RULE_LE}, {"gt", RULE_GT}, {"ge", RULE_GE},
};

static bool read_seccompiler_condition(struct reader *reader, json_t *object,
				       struct import_condition *ret)
{
	static const char *const keys[] = {"index", "type", "op", "val", "comment", NULL};
	json_t *op = json_object_get(object, "op");
	const char *type;

	*ret = (struct import_condition){.op = RULE_EQ, .mask = UINT64_MAX};
	if (!expect_keys(reader, object, keys) || !get_index(reader, object, &ret->arg) ||
	    !get_unsigned(reader, object, "val", &ret->value))
		return false;
	type = get_string(reader, object, "type");
	if (!type)
		return false;
	if (strcmp(type, "dword") != 0 && strcmp(type, "qword") != 0)
		return fail(reader, "\"type\" should be dword or qword");
	ret->bits = type[0] == 'd' ? 32 : 64;
	if (json_is_object(op)) {
		if (json_object_size(op) != 1 || !get_unsigned(reader, op, "masked_eq", &ret->mask))
			return fail(reader, "\"op\" should be {\"masked_eq\": MASK}");
		ret->value &= ret->mask;
	} else if (!json_is_string(op) || !find_op(seccompiler_ops, ARRAY_SIZE(seccompiler_ops),
						   json_string_value(op), &ret->op)) {
		return fail(reader, "\"op\" should be eq, ne, lt, le, gt, ge or masked_eq");
	}
	return true;
}

static bool read_seccompiler_rule(struct reader *reader, json_t *object, bool allow)
{
	static const char *const keys[] = {"syscall", "args", "comment", NULL};
	enum import_state state = IMPORT_OPEN;
	struct import_rule rule;
	const char *name, *where;
	json_t *args = json_object_get(object, "args"), *arg;
	size_t base = strlen(reader->where), i;
	int r;

	if (!expect_keys(reader, object, keys))
		return false;
	name = get_string(reader, object, "syscall");
	if (!name)
		return false;
	if (args && !json_array_size(args))
		return fail(reader, "\"args\" should be an array that is not empty");
	where = copy_where(reader);
	if (!where)
		return false;
	if (!import_rule_begin(reader->profile, name, allow, where, &rule, &r))
		return check(reader, r);
	json_array_foreach(args, i, arg)
	{
		struct import_condition condition;
		enum import_state one;

		(void)snprintf(reader->where + base, sizeof(reader->where) - base, ".args[%zu]", i);
		if (!read_seccompiler_condition(reader, arg, &condition))
			return false;
		one = import_rule_add(&rule, &condition);
		state = one == IMPORT_OPEN || state == IMPORT_NEVER ? state : one;
	}
	return check(reader, import_rule_end(reader->profile, &rule, state));
}

/* allow, trap, {"errno": 1}: the word. */
static const char *seccompiler_action(struct reader *reader, json_t *object, const char *key)
{
	json_t *action = json_object_get(object, key), *value;
	const char *word = json_string_value(action);
	static const char *const words[] = {"allow", "errno", "kill_thread", "kill_process",
					    "log",   "trace", "trap"};

	if (json_is_object(action) && json_object_size(action) == 1)
		json_object_foreach(action, word, value) break;
	for (size_t i = 0; word && i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i], word) == 0)
			return words[i];
	(void)fail(reader, "the actions should be allow, {\"errno\": N}, kill_thread, "
			   "kill_process, log, {\"trace\": N} or trap");
	return NULL;
}

static bool lets_through(const char *action)
{
	return strcmp(action, "allow") == 0 || strcmp(action, "log") == 0;
}

/* seccompiler forgets a rule without args when the call has one with args, too. Those of one
 * filter, from @first on. */
static int forget_shadowed(struct import_profile *profile, size_t first)
{
	size_t kept = first;
	int r = 0;

	for (size_t i = first; i < profile->n_rules && r == 0; i++) {
		const struct import_rule *rule = &profile->rules[i];
		bool other = false;

		for (size_t k = first; k < profile->n_rules && !rule->rule.n_conditions; k++)
			other |= profile->rules[k].rule.nr == rule->rule.nr &&
				 profile->rules[k].rule.n_conditions;
		if (other && rule->rule.action == RULE_ALLOW)
			r = import_note(
				profile,
				"%s: without args, %s counts for nothing beside a rule that "
				"has some",
				rule->where, rule_call_name(&rule->rule));
		else
			profile->rules[kept++] = *rule;
	}
	profile->n_rules = kept;
	return r;
}

static bool read_seccompiler_filter(struct reader *reader, json_t *filter)
{
	static const char *const keys[] = {"default_action", "filter_action", "mismatch_action",
					   "match_action",   "filter",	      NULL};
	struct import_profile *profile = reader->profile;
	size_t base = strlen(reader->where), first = profile->n_rules, i;
	const char *match, *mismatch;
	json_t *rules, *rule;
	bool kills;

	if (!expect_keys(reader, filter, keys))
		return false;
	match = seccompiler_action(reader, filter,
				   json_object_get(filter, "match_action") ? "match_action"
									   : "filter_action");
	mismatch = seccompiler_action(
		reader, filter,
		json_object_get(filter, "mismatch_action") ? "mismatch_action" : "default_action");
	if (!match || !mismatch)
		return false;
	rules = json_object_get(filter, "filter");
	if (!json_is_array(rules))
		return fail(reader, "\"filter\" should be an array");
	if (lets_through(match) == lets_through(mismatch))
		return fail(reader, "both actions let through, or both refuse");
	kills = strncmp(lets_through(mismatch) ? match : mismatch, "kill", 4) == 0;
	profile->permits |= lets_through(mismatch);
	profile->kills |= kills;
	json_array_foreach(rules, i, rule)
	{
		(void)snprintf(reader->where + base, sizeof(reader->where) - base, ".filter[%zu]",
			       i);
		if (!read_seccompiler_rule(reader, rule, lets_through(match)))
			return false;
	}
	return check(reader, forget_shadowed(profile, first));
}

static bool note_threads(struct reader *reader, json_t *root)
{
	const char *names = "", *key;
	json_t *filter;

	if (json_object_size(root) == 1)
		return true;
	json_object_foreach(root, key, filter)
	{
		names = arena_printf(reader->profile->arena, "%s%s%.64s", names, *names ? ", " : "",
				     key);
		if (!names)
			return check(reader, -ENOMEM);
	}
	if (reader->profile->permits)
		return fail(reader, "filters for several threads that permit by default cannot be "
				    "brought together: leave one in it");
	return check(reader,
		     import_note(reader->profile,
				 "Beyond the profile: a policy is for all threads, so each may "
				 "do what one of them may: %s",
				 names));
}

/* A filter for each kind of thread. */
int import_read_seccompiler(json_t *root, struct import_profile *ret, struct sbx_err *err)
{
	struct reader reader = {.profile = ret, .err = err, .where = "the file"};
	const char *key;
	json_t *filter;

	if (!json_is_object(root) || !json_object_size(root))
		return import_fail(ret, err, "should be an object: name of a thread → filter");
	json_object_foreach(root, key, filter)
	{
		(void)snprintf(reader.where, sizeof(reader.where), "%.64s", key);
		if (!read_seccompiler_filter(&reader, filter))
			return reader.r;
	}
	(void)snprintf(reader.where, sizeof(reader.where), "the file");
	(void)note_threads(&reader, root);
	return reader.r;
}

/* ---- OCI ---- */

static const struct op_name oci_ops[] = {
	{"SCMP_CMP_EQ", RULE_EQ}, {"SCMP_CMP_NE", RULE_NE}, {"SCMP_CMP_LT", RULE_LT},
	{"SCMP_CMP_LE", RULE_LE}, {"SCMP_CMP_GT", RULE_GT}, {"SCMP_CMP_GE", RULE_GE},
};

enum oci_action { OCI_NONE, OCI_ALLOW, OCI_DENY, OCI_KILL };

static enum oci_action oci_action(struct reader *reader, const json_t *object, const char *key)
{
	static const struct {
		char name[28];
		enum oci_action action;
	} actions[] = {
		{"SCMP_ACT_ALLOW", OCI_ALLOW},	     {"SCMP_ACT_LOG", OCI_ALLOW},
		{"SCMP_ACT_ERRNO", OCI_DENY},	     {"SCMP_ACT_TRAP", OCI_DENY},
		{"SCMP_ACT_TRACE", OCI_DENY},	     {"SCMP_ACT_NOTIFY", OCI_DENY},
		{"SCMP_ACT_KILL", OCI_KILL},	     {"SCMP_ACT_KILL_THREAD", OCI_KILL},
		{"SCMP_ACT_KILL_PROCESS", OCI_KILL},
	};
	const char *name = get_string(reader, object, key);
	char message[96];

	for (size_t i = 0; name && i < ARRAY_SIZE(actions); i++)
		if (strcmp(actions[i].name, name) == 0)
			return actions[i].action;
	if (name) {
		(void)snprintf(message, sizeof(message), "unknown action \"%.64s\"", name);
		(void)fail(reader, message);
	}
	return OCI_NONE;
}

static bool read_oci_arg(struct reader *reader, json_t *object, struct import_condition *ret)
{
	const char *op;

	*ret = (struct import_condition){.op = RULE_EQ, .mask = UINT64_MAX, .bits = 64};
	if (!json_is_object(object))
		return fail(reader, "should be an object");
	if (!get_index(reader, object, &ret->arg) ||
	    !get_unsigned(reader, object, "value", &ret->value))
		return false;
	op = get_string(reader, object, "op");
	if (!op)
		return false;
	if (strcmp(op, "SCMP_CMP_MASKED_EQ") == 0) {
		ret->mask = ret->value;
		ret->value = 0;
		return !json_object_get(object, "valueTwo") ||
		       get_unsigned(reader, object, "valueTwo", &ret->value);
	}
	if (!find_op(oci_ops, ARRAY_SIZE(oci_ops), op, &ret->op))
		return fail(reader, "unknown \"op\": it should be SCMP_CMP_EQ, …_NE, …_LT, …_LE, "
				    "…_GT, …_GE or …_MASKED_EQ");
	return true;
}

static bool has_twice(json_t *args)
{
	unsigned seen = 0;
	json_t *arg;
	size_t i;

	json_array_foreach(args, i, arg)
	{
		uint64_t index = 0;

		(void)import_unsigned(json_object_get(arg, "index"), &index);
		if (index < 6 && (seen & 1u << index))
			return true;
		seen |= index < 6 ? 1u << index : 0;
	}
	return false;
}

/* One call of an entry. runc takes an argument that comes twice for alternatives: each condition of
 * such an entry is a rule. */
static bool read_oci_call(struct reader *reader, const char *name, json_t *args, bool allow,
			  const char *where)
{
	const size_t base = strlen(reader->where);
	const bool apart = has_twice(args);
	enum import_state state = IMPORT_OPEN, one;
	struct import_rule rule;
	json_t *arg;
	size_t i;
	int r;

	if (!import_rule_begin(reader->profile, name, allow, where, &rule, &r))
		return check(reader, r);
	json_array_foreach(args, i, arg)
	{
		struct import_condition condition;

		(void)snprintf(reader->where + base, sizeof(reader->where) - base, ".args[%zu]", i);
		if (!read_oci_arg(reader, arg, &condition))
			return false;
		if (apart && i &&
		    !import_rule_begin(reader->profile, name, allow, where, &rule, &r))
			return check(reader, r);
		one = import_rule_add(&rule, &condition);
		state = one == IMPORT_OPEN || state == IMPORT_NEVER ? state : one;
		if (apart && !check(reader, import_rule_end(reader->profile, &rule, one)))
			return false;
	}
	reader->where[base] = '\0';
	return apart || check(reader, import_rule_end(reader->profile, &rule, state));
}

static bool lists(const json_t *object, const char *key, const char *wanted)
{
	json_t *value;
	size_t i;

	json_array_foreach(
		json_object_get(object, key), i,
		value) if (json_is_string(value) &&
			   (!wanted || strcmp(json_string_value(value), wanted) == 0)) return true;
	return false;
}

/* Docker's and Podman's profiles say when an entry counts. Whether a container has a capability,
 * nobody knows here: it has none. *ret_why: the one that it lacks; NULL: another architecture. */
static bool counts(const json_t *entry, const char **ret_why)
{
	const json_t *includes = json_object_get(entry, "includes");
	const json_t *excludes = json_object_get(entry, "excludes");

	*ret_why = NULL;
	if (lists(includes, "arches", NULL) && !lists(includes, "arches", DOCKER_ARCH))
		return false;
	if (lists(excludes, "arches", DOCKER_ARCH))
		return false;
	*ret_why = json_string_value(json_array_get(json_object_get(includes, "caps"), 0));
	return !*ret_why;
}

static bool read_oci_names(struct reader *reader, json_t *entry, json_t *names, bool allow)
{
	const char *where = copy_where(reader);
	json_t *args = json_object_get(entry, "args"), *name;
	size_t i;

	if (!where)
		return false;
	if (args && !json_is_array(args) && !json_is_null(args))
		return fail(reader, "\"args\" should be an array");
	json_array_foreach(names, i, name)
	{
		if (!json_is_string(name))
			return fail(reader, "\"names\" should be strings");
		if (!read_oci_call(reader, json_string_value(name), args, allow, where))
			return false;
	}
	return true;
}

static bool read_oci_entry(struct reader *reader, json_t *entry)
{
	enum oci_action action;
	json_t *names;
	const char *why;

	if (!json_is_object(entry))
		return fail(reader, "should be an object");
	action = oci_action(reader, entry, "action");
	if (action == OCI_NONE)
		return false;
	names = json_object_get(entry, "names");
	if (!json_array_size(names))
		return fail(reader, "\"names\" should be an array that is not empty");
	if (!counts(entry, &why) && action == OCI_ALLOW)
		return !why || check(reader, import_note(reader->profile,
							 "%s: left out: it counts only with %.32s",
							 reader->where, why));
	if (!counts(entry, &why) && !why)
		return true;
	/* One that denies only with a capability denies. */
	return read_oci_names(reader, entry, names, action == OCI_ALLOW);
}

static bool read_oci_profile(struct reader *reader, json_t *seccomp)
{
	json_t *architectures = json_object_get(seccomp, "architectures"), *entry;
	json_t *entries = json_object_get(seccomp, "syscalls");
	enum oci_action action;
	uint64_t number = EPERM;
	size_t i;

	action = oci_action(reader, seccomp, "defaultAction");
	if (action == OCI_NONE)
		return false;
	reader->profile->permits = action == OCI_ALLOW;
	reader->profile->kills = action == OCI_KILL;
	if (json_array_size(architectures) && !lists(seccomp, "architectures", OCI_ARCH))
		return fail(reader, "\"architectures\" lacks " OCI_ARCH ": all calls would kill");
	if (json_object_get(seccomp, "defaultErrnoRet") &&
	    !get_unsigned(reader, seccomp, "defaultErrnoRet", &number))
		return false;
	if (action == OCI_DENY && number != EPERM &&
	    !check(reader, import_note(reader->profile, "defaultErrnoRet = %u: EPERM instead",
				       (unsigned)number)))
		return false;
	if (entries && !json_is_array(entries) && !json_is_null(entries))
		return fail(reader, "\"syscalls\" should be an array");
	json_array_foreach(entries, i, entry)
	{
		(void)snprintf(reader->where, sizeof(reader->where), "syscalls[%zu]", i);
		if (!read_oci_entry(reader, entry))
			return false;
	}
	return true;
}

/* linux.seccomp itself, or a whole config.json. */
int import_read_oci(json_t *root, struct import_profile *ret, struct sbx_err *err)
{
	struct reader reader = {.profile = ret, .err = err, .where = "the file"};
	json_t *seccomp = json_object_get(json_object_get(root, "linux"), "seccomp");

	if (!json_is_object(root))
		return import_fail(ret, err, "should be an object");
	(void)read_oci_profile(&reader, seccomp ? seccomp : root);
	return reader.r;
}
