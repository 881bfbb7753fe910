/* SPDX-License-Identifier: MIT */
#include "script.h"

#include <errno.h>
#include <string.h>

bool script_is(const char *head, size_t len)
{
	return len >= 2 && head[0] == '#' && head[1] == '!';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Copy [from, to), cut at the first NUL: the kernel treats both parts as C strings. */
static void copy_part(char ret[SCRIPT_LINE_MAX], const char *from, const char *to)
{
	size_t len = strnlen(from, (size_t)(to - from));

	memcpy(ret, from, len);
	ret[len] = '\0';
}

int script_parse(const char *head, size_t len, struct script_line *ret, struct sbx_err *err)
{
	char buf[SCRIPT_LINE_MAX] = {0};
	const char *start = buf + 2, *end, *name, *name_end;

	if (len > sizeof(buf))
		len = sizeof(buf);
	memcpy(buf, head, len);
	end = memchr(buf, '\n', len);
	if (!end) /* cut: the last byte is lost; a file that is shorter is NUL-padded */
		end = buf + sizeof(buf) - 1;
	for (name = start; name < end && is_blank(*name); name++)
		;
	for (name_end = name; name_end < end && !is_blank(*name_end) && *name_end; name_end++)
		;
	if (name_end == name)
		return err_set(err, -ENOEXEC, "its #! line names no interpreter");
	/* A name that runs to the very end of a cut line may itself be cut: never run that. */
	if (name_end == end && *end != '\n' && *end && !is_blank(*end))
		return err_set(err, -ENOEXEC,
			       "the interpreter in its #! line is longer than %d bytes",
			       SCRIPT_LINE_MAX - 3);
	while (end > name_end && is_blank(end[-1]))
		end--;
	copy_part(ret->interpreter, name, name_end);
	ret->has_arg = false;
	ret->arg[0] = '\0';
	for (start = name_end; start < end && is_blank(*start); start++)
		;
	if (start < end && start > name_end) {
		ret->has_arg = true;
		copy_part(ret->arg, start, end);
	}
	return 0;
}

struct words {
	char **items;
	size_t count, cap;
};

/* @words always stays NULL-terminated. */
static int words_add(struct arena *arena, struct words *words, char *word)
{
	if (words->count + 1 >= words->cap) {
		int r = arena_grow(arena, (void **)&words->items, &words->cap, words->cap,
				   sizeof(*words->items));

		if (r < 0)
			return r;
	}
	words->items[words->count++] = word;
	words->items[words->count] = NULL;
	return 0;
}

static int words_add_all(struct arena *arena, struct words *words, char *const *more)
{
	int r = 0;

	for (; !r && *more; more++)
		r = words_add(arena, words, *more);
	return r;
}

/* A string of -S while it is split. */
struct splitter {
	struct arena *arena;
	const char *p;
	char *const *envp;
	struct words *out;
	char *word; /* being built, NULL between words; has room for all that may still come */
	size_t len;
	bool single, twice; /* inside '…', inside "…" */
	struct sbx_err *err;
};

/* What `env NAME` would print; the first one counts, as for getenv(3). */
static const char *find_variable(char *const *envp, const char *name, size_t len)
{
	for (; *envp; envp++)
		if (strncmp(*envp, name, len) == 0 && (*envp)[len] == '=')
			return *envp + len + 1;
	return NULL;
}

/* Append @len bytes; starts a word when none is open, even with nothing to append ('' is a word).
 */
static int split_append(struct splitter *s, const char *bytes, size_t len)
{
	size_t rest = strlen(s->p);
	char *bigger = s->word;

	/* Room for the rest of the string as it stands; only ${…} needs more, and comes here with
	 * it. */
	if (!s->word || len > 1) {
		bigger = arena_alloc(s->arena, s->len + len + rest + 1);
		if (!bigger)
			return err_set(s->err, -ENOMEM, "out of memory");
		if (s->len)
			memcpy(bigger, s->word, s->len);
	}
	if (len)
		memcpy(bigger + s->len, bytes, len);
	s->len += len;
	s->word = bigger;
	return 0;
}

static int split_end_word(struct splitter *s)
{
	if (!s->word)
		return 0;
	s->word[s->len] = '\0';
	if (words_add(s->arena, s->out, s->word) < 0)
		return err_set(s->err, -ENOMEM, "out of memory");
	s->word = NULL;
	s->len = 0;
	return 0;
}

/* ${NAME}, behind the dollar sign: nothing else is expanded, and the value is not split. */
static int split_variable(struct splitter *s)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	const char *name = s->p + 1;
	const char *value;
	size_t len;

	len = s->p[0] == '{' ? strspn(name, letters) : 0;
	if (!len || (*name >= '0' && *name <= '9') || name[len] != '}')
		return err_set(s->err, -ENOEXEC, "env -S: only ${NAME} is expanded, not \"$%s\"",
			       s->p);
	s->p = name + len + 1;
	value = find_variable(s->envp, name, len);
	return value ? split_append(s, value, strlen(value)) : 0;
}

/* A backslash outside '…' (or one that counts there). Sets *@ret_stop for \c. */
static int split_escape(struct splitter *s, bool *ret_stop)
{
	static const char from[] = "\"#$'\\fnrtv";
	static const char to[] = "\"#$'\\\f\n\r\t\v";
	const char c = *s->p;
	const char *known;

	if (!c)
		return err_set(s->err, -ENOEXEC, "env -S: a backslash ends the string");
	s->p++;
	if (c == '_')
		return s->twice ? split_append(s, " ", 1) : split_end_word(s);
	if (c == 'c' && s->twice)
		return err_set(s->err, -ENOEXEC, "env -S: \\c inside double quotes");
	if (c == 'c') {
		*ret_stop = true;
		return 0;
	}
	known = strchr(from, c);
	if (!known)
		return err_set(s->err, -ENOEXEC, "env -S: unknown escape \\%c", c);
	return split_append(s, &to[known - from], 1);
}

static int split_step(struct splitter *s, bool *ret_stop)
{
	const char c = *s->p++;

	if ((c == '\'' && !s->twice) || (c == '"' && !s->single)) {
		bool *inside = c == '"' ? &s->twice : &s->single;

		*inside = !*inside;
		return split_append(s, "", 0);
	}
	if (strchr(" \t\n\v\f\r", c) && !s->single && !s->twice)
		return split_end_word(s);
	if (c == '#' && !s->word) { /* at the start of a word: a comment */
		*ret_stop = true;
		return 0;
	}
	if (c == '\\' && (!s->single || *s->p == '\\' || *s->p == '\''))
		return split_escape(s, ret_stop);
	if (c == '$' && !s->single)
		return split_variable(s);
	return split_append(s, &c, 1);
}

/* Split the string of -S into words: quotes, escapes and ${NAME} as env(1) of coreutils has them.
 */
static int split_string(struct arena *arena, const char *text, char *const *envp, struct words *out,
			struct sbx_err *err)
{
	struct splitter s = {.arena = arena, .p = text, .envp = envp, .out = out, .err = err};
	bool stop = false;
	int r = 0;

	while (!r && !stop && *s.p)
		r = split_step(&s, &stop);
	if (!r && (s.single || s.twice))
		return err_set(err, -ENOEXEC, "env -S: a quote is not closed");
	return r ? r : split_end_word(&s);
}

/* env's command line while it is read. */
struct env_reader {
	struct arena *arena;
	char *const *envp;
	char **args;	    /* what is left; -S puts more in front */
	bool clear;	    /* -i */
	struct words unset; /* -u */
	unsigned splits;
	struct sbx_err *err;
};

#define SPLITS_MAX 16 /* X='-S ${X}' would go on for ever */

static int env_split(struct env_reader *env, const char *text)
{
	struct words words = {0};
	int r;

	if (++env->splits > SPLITS_MAX)
		return err_set(env->err, -ENOEXEC, "env -S: more than %d inside one another",
			       SPLITS_MAX);
	r = split_string(env->arena, text, env->envp, &words, env->err);
	if (r < 0)
		return r;
	if (words_add_all(env->arena, &words, env->args) < 0)
		return err_set(env->err, -ENOMEM, "out of memory");
	if (words.items) /* else the string was empty and nothing follows it */
		env->args = words.items;
	return 0;
}

static int env_unset(struct env_reader *env, char *name)
{
	if (!*name || strchr(name, '='))
		return err_set(env->err, -ENOEXEC, "env -u: \"%s\" is no variable's name", name);
	if (words_add(env->arena, &env->unset, name) < 0)
		return err_set(env->err, -ENOMEM, "out of memory");
	return 0;
}

/* -S or -u with its value: what follows in the same word (@rest), else the next word. */
static int env_option_value(struct env_reader *env, char option, char *rest)
{
	char *value = rest;

	if (!value) {
		value = *env->args;
		if (!value)
			return err_set(env->err, -ENOEXEC, "env -%c: no value", option);
		env->args++;
	}
	return option == 'S' ? env_split(env, value) : env_unset(env, value);
}

static int env_refuse(struct env_reader *env, const char *option)
{
	return err_set(env->err, -ENOEXEC,
		       "env option \"%s\" cannot be looked through; run the program itself",
		       option);
}

static int env_long_option(struct env_reader *env, char *option)
{
	static const struct {
		const char *name;
		char letter;
	} known[] = {{"ignore-environment", 'i'}, {"unset", 'u'}, {"split-string", 'S'}};
	char *name = option + 2;
	size_t len = strcspn(name, "=");

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strlen(known[i].name) != len || strncmp(known[i].name, name, len) != 0)
			continue;
		if (known[i].letter != 'i')
			return env_option_value(env, known[i].letter,
						name[len] ? name + len + 1 : NULL);
		if (name[len])
			break;
		env->clear = true;
		return 0;
	}
	return env_refuse(env, option);
}

/* "-i", "-iS…", "-uNAME": letters in one word, the last one may take what is left of it. */
static int env_short_options(struct env_reader *env, char *option)
{
	for (char *p = option + 1; *p; p++) {
		if (*p == 'S' || *p == 'u')
			return env_option_value(env, *p, p[1] ? p + 1 : NULL);
		if (*p != 'i')
			return env_refuse(env, option);
		env->clear = true;
	}
	return 0;
}

static int env_options(struct env_reader *env)
{
	int r = 0;

	while (!r && *env->args) {
		char *arg = *env->args;

		if (arg[0] != '-' || !arg[1])
			break;
		env->args++;
		if (strcmp(arg, "--") == 0)
			break;
		r = arg[1] == '-' ? env_long_option(env, arg) : env_short_options(env, arg);
	}
	if (!r && *env->args && strcmp(*env->args, "-") == 0) { /* an old spelling of -i */
		env->clear = true;
		env->args++;
	}
	return r;
}

static bool is_variable(const char *entry, const char *name, size_t len)
{
	return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

static bool is_unset(const struct env_reader *env, const char *entry)
{
	for (size_t i = 0; i < env->unset.count; i++)
		if (is_variable(entry, env->unset.items[i], strlen(env->unset.items[i])))
			return true;
	return false;
}

/* VAR=value: in the place of the old one, or at the end, as putenv(3) does. */
static int set_variable(struct arena *arena, struct words *envp, char *entry)
{
	size_t len = strcspn(entry, "=");

	for (size_t i = 0; i < envp->count; i++) {
		if (!is_variable(envp->items[i], entry, len))
			continue;
		envp->items[i] = entry;
		return 0;
	}
	return words_add(arena, envp, entry);
}

/* Variables that make a loader run other code than the program's, before the shim or in its place:
 * ld.so(8), and musl's alike. Whoever starts the sandbox may set them; a script may not. */
static bool is_loader_variable(const char *entry)
{
	return strncmp(entry, "LD_", 3) == 0 || is_variable(entry, "GLIBC_TUNABLES", 14);
}

static int env_check_assignments(const struct env_reader *env)
{
	for (char *const *arg = env->args; *arg && strchr(*arg, '='); arg++)
		if (is_loader_variable(*arg))
			return err_set(env->err, -ENOEXEC,
				       "env would set %.*s, by which a script chooses what its "
				       "loader runs; set it outside",
				       (int)strcspn(*arg, "="), *arg);
	return 0;
}

static int env_environment(struct env_reader *env, struct words *ret)
{
	char **none = arena_alloc(env->arena, sizeof(*none));
	int r = none ? 0 : -ENOMEM;

	ret->items = none; /* an empty environment is a list, too */
	for (char *const *entry = env->envp; !r && !env->clear && *entry; entry++)
		if (!is_unset(env, *entry))
			r = words_add(env->arena, ret, *entry);
	for (; !r && *env->args && strchr(*env->args, '='); env->args++)
		r = set_variable(env->arena, ret, *env->args);
	return r;
}

int script_read_env(struct arena *arena, char *const *argv, char *const *envp,
		    struct env_command *ret, struct sbx_err *err)
{
	struct env_reader env = {.arena = arena, .envp = envp, .err = err};
	struct words args = {0}, environment = {0};
	int r;

	if (words_add_all(arena, &args, argv) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	if (!args.count)
		return err_set(err, -ENOEXEC, "env names no program");
	env.args = args.items + 1;
	r = env_options(&env);
	if (!r)
		r = env_check_assignments(&env);
	if (r < 0)
		return r;
	if (env_environment(&env, &environment) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	if (!*env.args)
		return err_set(err, -ENOEXEC, "env names no program");
	ret->argv = env.args;
	ret->envp = environment.items;
	return 0;
}
