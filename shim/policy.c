/* SPDX-License-Identifier: MIT */
#include "policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINE_ROOM 3984 /* what "program = " and the like leave of a line */

_Static_assert(LINE_ROOM + 16 == POLICY_LINE_MAX, "a path and its key must fit a line");

static const char perm_letters[] = "rwxc"; /* in the order of enum perm's bits */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Complete what a function that knows no line has said. */
static int located(struct sbx_err *err, struct origin from)
{
	err->line = from.line;
	(void)snprintf(err->file, sizeof(err->file), "%s", from.file ? from.file : "");
	return err->code;
}

static int no_memory(struct sbx_err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

void policy_init(struct policy *policy)
{
	*policy = (struct policy){.unveil = true, .report = true, .name = "flags"};
}

void policy_done(struct policy *policy)
{
	if (policy)
		arena_done(&policy->arena);
}

const char *env_get(char *const *envp, const char *name)
{
	size_t len = strlen(name);

	for (; envp && *envp; envp++)
		if (strncmp(*envp, name, len) == 0 && (*envp)[len] == '=')
			return (*envp)[len + 1] ? *envp + len + 1 : NULL;
	return NULL;
}

/* What ${…} may name. home: below ${HOME} when unset. */
struct variable {
	char name[16];
	char home[16];
	char fallback[8];
	bool is_path, is_xdg;
};

static const struct variable variables[] = {
	{"HOME", "", "", true, false},
	{"USER", "", "", false, false},
	{"PWD", "", "", true, false},
	{"TMPDIR", "", "/tmp", true, false},
	{"XDG_CONFIG_HOME", "/.config", "", true, true},
	{"XDG_CACHE_HOME", "/.cache", "", true, true},
	{"XDG_DATA_HOME", "/.local/share", "", true, true},
	{"XDG_RUNTIME_DIR", "", "", true, true},
	{"UID", "", "", false, false},
};

struct expansion {
	const struct policy_env *env;
	char *buf; /* PATH_MAX bytes */
	size_t used;
	struct sbx_err *err;
};

static int append(struct expansion *to, const char *text, size_t len)
{
	if (len >= PATH_MAX - to->used)
		return err_set(to->err, -ENAMETOOLONG, "longer than a path can be (%d bytes)",
			       PATH_MAX - 1);
	memcpy(to->buf + to->used, text, len);
	to->used += len;
	to->buf[to->used] = '\0';
	return 0;
}

static int append_variable(struct expansion *to, const struct variable *var)
{
	const char *value = env_get(to->env->envp, var->name);
	char uid[16];
	int r;

	if (strcmp(var->name, "PWD") == 0)
		value = to->env->cwd; /* the variable is only what a shell believed */
	if (strcmp(var->name, "UID") == 0) {
		(void)snprintf(uid, sizeof(uid), "%u", to->env->uid); /* always fits */
		value = uid;
	}
	if (var->is_xdg && value && value[0] != '/')
		value = NULL;
	if (!value && var->fallback[0])
		value = var->fallback;
	if (!value && var->home[0]) {
		r = append_variable(to, &variables[0]);
		return r < 0 ? r : append(to, var->home, strlen(var->home));
	}
	if (!value)
		return err_set(to->err, -EINVAL, "${%s} is not set", var->name);
	if (var->is_path && value[0] != '/')
		return err_set(to->err, -EINVAL, "${%s} is \"%s\", which is not an absolute path",
			       var->name, value);
	return append(to, value, strlen(value));
}

static int unknown_variable(const char *name, size_t len, struct sbx_err *err)
{
	char list[ARRAY_SIZE(variables) * (sizeof(variables[0].name) + 4)];
	size_t used = 0;

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, " ${%s}",
					 variables[i].name); /* sized above */
	return err_set(err, -EINVAL, "unknown variable ${%.*s}; there are%s", (int)len, name, list);
}

/* @text is just behind "${". Returns what it took of it, or -errno. */
static int expand_one(struct expansion *to, const char *text)
{
	const char *end = strchr(text, '}');
	size_t len;
	int r;

	if (!end)
		return err_set(to->err, -EINVAL, "\"${%s\" lacks its \"}\"", text);
	len = (size_t)(end - text);
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		const struct variable *var = &variables[i];

		if (len != strlen(var->name) || memcmp(var->name, text, len) != 0)
			continue;
		r = append_variable(to, var);
		if (r < 0)
			return r;
		/* HOME=/ and the like: no double slash. */
		if (end[1] == '/' && var->is_path && to->buf[to->used - 1] == '/')
			to->buf[--to->used] = '\0';
		return (int)len + 1;
	}
	return unknown_variable(text, len < 64 ? len : 64, to->err);
}

int policy_expand_buf(const char *text, const struct policy_env *env, char ret[PATH_MAX],
		      struct sbx_err *err)
{
	char buf[PATH_MAX] = "";
	struct expansion to = {.env = env, .buf = buf, .err = err};
	const char *p = text;
	int r = 0;

	if (p[0] == '~' && p[1] == '/') {
		r = expand_one(&to, "HOME}/");
		p++;
	}
	while (r >= 0 && *p) {
		const char *dollar = strstr(p, "${");
		size_t plain = dollar ? (size_t)(dollar - p) : strlen(p);

		r = append(&to, p, plain);
		p += plain;
		if (r < 0 || !dollar)
			break;
		r = expand_one(&to, p + 2);
		if (r >= 0)
			p += 2 + r;
	}
	if (r < 0)
		return r;
	memcpy(ret, buf, to.used + 1);
	return 0;
}

int policy_expand(struct arena *arena, const char *text, const struct policy_env *env,
		  const char **ret, struct sbx_err *err)
{
	char buf[PATH_MAX];
	char *copy;
	int r = policy_expand_buf(text, env, buf, err);

	if (r < 0)
		return r;
	copy = arena_strdup(arena, buf);
	if (!copy)
		return no_memory(err);
	*ret = copy;
	return 0;
}

static bool has_control(const char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
			return true;
	return false;
}

/* Why no line of a policy file could give @text as its value; NULL when one can. */
static const char *unwritable(const char *text)
{
	size_t len = strlen(text);

	if (has_control(text))
		return "a control byte";
	if (strstr(text, " ;") || strstr(text, "\t;"))
		return "a blank before \";\" (it would begin a comment)";
	if (len && (is_blank(text[0]) || is_blank(text[len - 1])))
		return "a blank at its end";
	return len > LINE_ROOM ? "more than 3984 bytes" : NULL;
}

static int check_writable(const char *text, struct sbx_err *err)
{
	const char *what = unwritable(text);

	return what ? err_set(err, -EINVAL, "a path with %s cannot be used", what) : 0;
}

static int parse_perms(const char *letters, struct unveil_line *line, struct sbx_err *err)
{
	const char *p = letters;

	for (; *p && !(*p == '?' && !p[1]); p++) {
		const char *letter = strchr(perm_letters, *p);
		uint8_t bit;

		if (!letter)
			return err_set(err, -EINVAL,
				       "\"%.64s\" is no set of permissions: letters are r, w, x "
				       "and c, then "
				       "perhaps \"?\"",
				       letters);
		bit = (uint8_t)(1U << (letter - perm_letters));
		if (line->perms & bit)
			return err_set(err, -EINVAL, "\"%c\" stands twice in \"%.64s\"", *p,
				       letters);
		line->perms |= bit;
	}
	if (!line->perms)
		return err_set(err, -EINVAL, "permissions are missing: letters are r, w, x and c");
	line->optional = *p == '?';
	if (line->perms & PERM_X)
		line->perms |= PERM_R; /* Landlock wants READ_FILE to execute a file */
	return 0;
}

/* Check @text as it was given and fill in line->written. */
static int parse_path(struct policy *policy, const char *text, bool cwd_relative,
		      struct unveil_line *line, struct sbx_err *err)
{
	const char *glob = strpbrk(text, "*?[");
	bool absolute =
		text[0] == '/' || strncmp(text, "${", 2) == 0 || strncmp(text, "~/", 2) == 0;

	if (!text[0])
		return err_set(err, -EINVAL, "the path is missing");
	if (glob)
		return err_set(err, -EINVAL,
			       "\"%c\" in a path is not a pattern here: name the directory "
			       "that holds the files",
			       *glob);
	if (!absolute && !cwd_relative)
		return err_set(err, -EINVAL,
			       "\"%s\" is not absolute: begin with \"/\", \"~/\" or a variable",
			       text);
	line->written = absolute ? arena_strdup(&policy->arena, text)
				 : arena_printf(&policy->arena, "${PWD}/%s", text);
	return line->written ? check_writable(line->written, err) : no_memory(err);
}

static int expand_path(struct policy *policy, const struct policy_env *env,
		       struct unveil_line *line, struct sbx_err *err)
{
	int r = policy_expand(&policy->arena, line->written, env, &line->path, err);

	if (r < 0)
		return r;
	if (line->path[0] != '/')
		return err_set(err, -EINVAL, "\"%s\" is not absolute: it stands for \"%s\"",
			       line->written, line->path);
	if (has_control(line->path))
		return err_set(err, -EINVAL, "\"%s\" stands for a path with a control byte",
			       line->written);
	return 0;
}

int policy_add_unveil(struct policy *policy, const char *letters, const char *path,
		      bool cwd_relative, struct origin from, const struct policy_env *env,
		      struct sbx_err *err)
{
	struct unveil_line line = {.from = from};
	void *items = policy->unveils;
	int r;

	r = parse_perms(letters, &line, err);
	if (!r)
		r = parse_path(policy, path, cwd_relative, &line, err);
	if (!r)
		r = expand_path(policy, env, &line, err);
	if (r < 0)
		return located(err, from);
	r = arena_grow(&policy->arena, &items, &policy->cap_unveils, policy->n_unveils,
		       sizeof(line));
	if (r < 0)
		return no_memory(err);
	policy->unveils = items;
	policy->unveils[policy->n_unveils++] = line;
	return 0;
}

int policy_add_unveil_flag(struct policy *policy, const char *arg, const struct policy_env *env,
			   struct sbx_err *err)
{
	static const struct origin from = {"-v", 0};
	size_t len = strspn(arg, perm_letters);
	const char *letters = "r", *path = arg;

	if (len && arg[len] == '?')
		len++;
	if (len && arg[len] == ':') {
		path = arg + len + 1;
		letters = arena_strndup(&policy->arena, arg, len);
		if (!letters)
			return no_memory(err);
	}
	return policy_add_unveil(policy, letters, path, true, from, env, err);
}

int policy_add_promises(struct policy *policy, const char *words, struct origin from,
			struct sbx_err *err)
{
	uint64_t set;
	int r = promise_parse(words, &set, err);

	if (r < 0)
		return located(err, from);
	policy->promises |= set;
	policy->promises_from = from;
	return 0;
}

int policy_set_default(struct policy *policy, const struct policy_env *env, struct sbx_err *err)
{
	static const struct origin from = {"built-in default", 0};
	int r = policy_add_promises(policy, POLICY_DEFAULT_PROMISES, from, err);

	if (!r)
		r = policy_add_unveil(policy, "r", "${PWD}", false, from, env, err);
	if (!r)
		policy->name = from.file;
	return r;
}

int policy_set_program(struct policy *policy, const char *path, struct origin from,
		       const struct policy_env *env, struct sbx_err *err)
{
	const char *program;
	int r = policy_expand(&policy->arena, path, env, &program, err);

	if (!r && program[0] != '/')
		r = err_set(err, -EINVAL, "\"%s\" is not an absolute path", program);
	if (!r)
		r = check_writable(program, err);
	if (!r && strstr(program, "${"))
		r = err_set(err, -EINVAL, "a path with \"${\" cannot be used");
	if (r < 0)
		return located(err, from);
	policy->program = program;
	policy->program_from = from;
	return 0;
}

static int add_port(struct policy *policy, const struct port_line *line, struct sbx_err *err)
{
	void *items = policy->ports;
	size_t same_kind = 0;
	int r;

	for (size_t i = 0; i < policy->n_ports; i++) {
		if (policy->ports[i].access != line->access)
			continue;
		if (policy->ports[i].port == line->port)
			return 0;
		same_kind++;
	}
	if (same_kind == POLICY_PORTS_MAX)
		return err_set(err, -EINVAL, "more than %d ports of one kind", POLICY_PORTS_MAX);
	r = arena_grow(&policy->arena, &items, &policy->cap_ports, policy->n_ports, sizeof(*line));
	if (r < 0)
		return no_memory(err);
	policy->ports = items;
	policy->ports[policy->n_ports++] = *line;
	return 0;
}

/* Decimal digits only: strtoul(3) would take signs and blanks. 0 when it is no port. */
static uint16_t parse_port(const char *word, size_t len)
{
	unsigned value = 0;

	for (size_t i = 0; i < len; i++) {
		if (word[i] < '0' || word[i] > '9')
			return 0;
		value = value * 10 + (unsigned)(word[i] - '0');
		if (value > UINT16_MAX)
			return 0;
	}
	return (uint16_t)value;
}

int policy_add_ports(struct policy *policy, enum port_access access, const char *list,
		     struct origin from, struct sbx_err *err)
{
	struct port_line line = {.access = (uint8_t)access, .from = from};
	const char *p = list + strspn(list, " \t");
	int r;

	for (; *p; p += strspn(p, " \t")) {
		size_t len = strcspn(p, " \t");

		line.port = parse_port(p, len);
		r = line.port ? add_port(policy, &line, err)
			      : err_set(err, -EINVAL, "\"%.*s\" is no port: 1 to 65535",
					len < 64 ? (int)len : 64, p);
		if (r < 0)
			return located(err, from);
		p += len;
	}
	policy->port_kinds |= (uint8_t)access;
	return 0;
}

void perm_format(uint8_t perms, char buf[5])
{
	for (size_t i = 0; perm_letters[i]; i++)
		if (perms & (1U << i))
			*buf++ = perm_letters[i];
	*buf = '\0';
}
