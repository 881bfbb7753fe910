/* SPDX-License-Identifier: MIT */
/* Bytes → struct policy, by way of inih. As packaged (Debian's r55) inih splits lines at 199 bytes
 * and parses the tail as a new key, cuts section names at 49, continues indented lines and ignores
 * what follows "]". So it gets its lines from a reader of ours, which sees and checks each first,
 * and a handler that counts on nothing: no line is lost or read in two ways without an error. */
#include "policy_file.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "spell.h"

#define KEY_MAX 49 /* bytes; all that inih keeps of a name */
/* Stands for a value that inih has no room for; the text itself cannot hold it. */
#define LONG_VALUE "\x01"

struct parser {
	struct policy *policy;
	const struct policy_source *source;
	const struct policy_env *env;
	struct sbx_err *err;
	const char *file;	/* source->file in the policy's arena */
	const char *next, *end; /* what was not yet read of the text */
	unsigned line;		/* the one being read, 1-based */
	unsigned *first_lines;	/* of each key that was seen, else 0; indexed as keys[] */
	int result;
	bool is_pending;		 /* a key went into inih and has not come out */
	bool is_long;			 /* as LONG_VALUE */
	char value[POLICY_LINE_MAX + 1]; /* of the pending key, as we read it */
};

enum key_flags {
	KEY_INCLUDED = 1 << 0, /* allowed in an included file */
	KEY_EMPTY = 1 << 1,    /* may have no value */
	KEY_LATER = 1 << 2,    /* part of the format, but nothing does it yet */
	KEY_REPEATED = 1 << 3, /* may stand there more than once */
};

struct key {
	char section[12];
	char name[16];
	uint8_t flags;
	int (*set)(struct parser *parser, const char *value);
};

static const char *const sections[] = {"sandbox", "unveil", "net", "limits", "env", "syscalls"};

static printf_like(2, 3) int fail(struct parser *parser, const char *fmt, ...)
{
	char text[sizeof(parser->err->msg)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut when too long */
	va_end(ap);
	parser->result =
		err_at(parser->err, -EINVAL, parser->source->file, parser->line, "%s", text);
	return parser->result;
}

static struct origin here(const struct parser *parser)
{
	return (struct origin){.file = parser->file, .line = parser->line};
}

static int set_program(struct parser *parser, const char *value)
{
	return policy_set_program(parser->policy, value, here(parser), parser->env, parser->err);
}

static int set_promises(struct parser *parser, const char *value)
{
	return policy_add_promises(parser->policy, value, here(parser), parser->err);
}

static int include_one(struct parser *parser, const char *name)
{
	const struct policy_source *source = parser->source;

	if (strchr(name, '/') || name[0] == '.')
		return fail(parser,
			    "cannot include \"%s\": only files of the same directory, whose names "
			    "do not begin "
			    "with \".\"",
			    name);
	if (!source->include)
		return fail(parser, "\"include\" is not possible here");
	return source->include(parser->policy, name, here(parser), source->user, parser->err);
}

static int set_include(struct parser *parser, const char *value)
{
	const char *p = value;
	int r = 0;

	while (*p && r >= 0) {
		size_t len = strcspn(p, " \t");
		const char *name = arena_strndup(&parser->policy->arena, p, len);

		r = name ? include_one(parser, name) : fail(parser, "out of memory");
		p += len;
		p += strspn(p, " \t");
	}
	return r;
}

static int set_violation(struct parser *parser, const char *value)
{
	if (strcmp(value, "errno") == 0)
		parser->policy->on_violation = VIOLATION_ERRNO;
	else if (strcmp(value, "kill") == 0)
		parser->policy->on_violation = VIOLATION_KILL;
	else if (strcmp(value, "log") == 0)
		parser->policy->on_violation = VIOLATION_LOG;
	else
		return fail(parser, "\"%s\" is not a value of on_violation: errno, kill or log",
			    value);
	return 0;
}

static int set_switch(struct parser *parser, const char *key, const char *value, const char *off,
		      const char *on, bool *ret)
{
	if (strcmp(value, off) != 0 && strcmp(value, on) != 0)
		return fail(parser, "\"%s\" is not a value of %s: %s or %s", value, key, off, on);
	*ret = strcmp(value, on) == 0;
	return 0;
}

static int set_unveil(struct parser *parser, const char *value)
{
	return set_switch(parser, "unveil", value, "off", "on", &parser->policy->unveil);
}

static int set_require(struct parser *parser, const char *value)
{
	return set_switch(parser, "require", value, "full", "best-effort",
			  &parser->policy->best_effort);
}

static int set_scope(struct parser *parser, const char *value)
{
	return set_switch(parser, "scope", value, "on", "open", &parser->policy->scope_open);
}

static int set_report(struct parser *parser, const char *value)
{
	return set_switch(parser, "report", value, "no", "yes", &parser->policy->report);
}

static int set_self_modify(struct parser *parser, const char *value)
{
	return set_switch(parser, "self_modify", value, "no", "yes", &parser->policy->self_modify);
}

static int set_unsafe(struct parser *parser, const char *value)
{
	return set_switch(parser, "unsafe_syscalls", value, "no", "yes",
			  &parser->policy->unsafe_syscalls);
}

static int set_allow(struct parser *parser, const char *value)
{
	return policy_add_rule(parser->policy, true, value, here(parser), parser->err);
}

static int set_deny(struct parser *parser, const char *value)
{
	return policy_add_rule(parser->policy, false, value, here(parser), parser->err);
}

static int set_connect(struct parser *parser, const char *value)
{
	return policy_add_ports(parser->policy, PORT_CONNECT, value, here(parser), parser->err);
}

static int set_bind(struct parser *parser, const char *value)
{
	return policy_add_ports(parser->policy, PORT_BIND, value, here(parser), parser->err);
}

/* All keys but the letters of [unveil]. */
static const struct key keys[] = {
	{"sandbox", "program", 0, set_program},
	{"sandbox", "include", 0, set_include},
	{"sandbox", "promises", KEY_INCLUDED, set_promises},
	{"sandbox", "exec_promises", KEY_LATER, NULL},
	{"sandbox", "on_violation", 0, set_violation},
	{"sandbox", "unveil", 0, set_unveil},
	{"sandbox", "require", 0, set_require},
	{"sandbox", "report", 0, set_report},
	{"sandbox", "scope", 0, set_scope},
	{"sandbox", "self_modify", 0, set_self_modify},
	{"sandbox", "unsafe_syscalls", 0, set_unsafe},
	{"net", "connect_tcp", KEY_INCLUDED | KEY_EMPTY, set_connect},
	{"net", "bind_tcp", KEY_INCLUDED | KEY_EMPTY, set_bind},
	{"limits", "as", KEY_LATER, NULL},
	{"limits", "core", KEY_LATER, NULL},
	{"limits", "cpu", KEY_LATER, NULL},
	{"limits", "data", KEY_LATER, NULL},
	{"limits", "fsize", KEY_LATER, NULL},
	{"limits", "memlock", KEY_LATER, NULL},
	{"limits", "nofile", KEY_LATER, NULL},
	{"limits", "nproc", KEY_LATER, NULL},
	{"limits", "stack", KEY_LATER, NULL},
	{"env", "keep", KEY_LATER, NULL},
	{"env", "unset", KEY_LATER, NULL},
	{"env", "set", KEY_LATER, NULL},
	{"syscalls", "allow", KEY_INCLUDED | KEY_REPEATED, set_allow},
	{"syscalls", "deny", KEY_INCLUDED | KEY_REPEATED, set_deny},
};

/* The key called @name in @section (NULL: in any); NULL when there is none. */
static const struct key *key_find(const char *section, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if ((!section || strcmp(keys[i].section, section) == 0) &&
		    strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

static bool is_letters(const char *name)
{
	return name[0] && !name[strspn(name, "rwxc?")];
}

static int unknown_key(struct parser *parser, const char *section, const char *name)
{
	const char *words[ARRAY_SIZE(keys)];
	const struct key *elsewhere = key_find(NULL, name);
	const char *nearest;
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcmp(keys[i].section, section) == 0)
			words[count++] = keys[i].name;
	nearest = spell_nearest(name, words, count);
	if (elsewhere)
		return fail(parser, "\"%s\" belongs in [%s], not in [%s]", name, elsewhere->section,
			    section);
	if (nearest)
		return fail(parser, "unknown key \"%s\" in [%s] (did you mean \"%s\"?)", name,
			    section, nearest);
	if (is_letters(name))
		return fail(parser, "\"%s\" belongs in [unveil], not in [%s]", name, section);
	return fail(parser, "unknown key \"%s\" in [%s]", name, section);
}

static int take_unveil(struct parser *parser, const char *letters, const char *path)
{
	if (!is_letters(letters) && key_find(NULL, letters))
		return unknown_key(parser, "unveil", letters);
	return policy_add_unveil(parser->policy, letters, path, false, here(parser), parser->env,
				 parser->err);
}

static int take_key(struct parser *parser, const char *section, const char *name, const char *value)
{
	const struct key *key;
	unsigned *first;

	if (!section[0])
		return fail(parser, "\"%s\" stands before the first [section]", name);
	if (strcmp(section, "unveil") == 0)
		return take_unveil(parser, name, value);
	key = key_find(section, name);
	if (!key)
		return unknown_key(parser, section, name);
	if (key->flags & KEY_LATER)
		return fail(parser, "\"%s\" is not available yet", name);
	if (parser->source->included && !(key->flags & KEY_INCLUDED))
		return fail(parser, "\"%s\" is not allowed in an included file", name);
	first = &parser->first_lines[key - keys];
	if (*first && !(key->flags & KEY_REPEATED))
		return fail(parser, "\"%s\" stands here a second time: first in line %u", name,
			    *first);
	*first = parser->line;
	if (!value[0] && !(key->flags & KEY_EMPTY))
		return fail(parser, "\"%s\" needs a value", name);
	return key->set(parser, value);
}

/* inih's handler: nonzero is success. After a failure our reader ends the stream, so this is not
 * called again. */
static int on_key(void *user, const char *section, const char *name, const char *value)
{
	struct parser *parser = user;
	int r;

	/* Both have read the line: a library that was built with other options must not change what
	 * it says. */
	if (!parser->is_pending || strcmp(value, parser->is_long ? LONG_VALUE : parser->value) != 0)
		return fail(parser, "the INI library reads this line as \"%s\"", value) >= 0;
	parser->is_pending = false;
	r = take_key(parser, section, name, parser->value);
	if (r < 0)
		parser->result = r;
	return r >= 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The first of @chars, or the ";" that begins a comment (it has a blank before it), or @end: inih's
 * rule. */
static const char *find_or_comment(const char *p, const char *end, const char *chars)
{
	for (bool after_blank = false; p < end; p++) {
		if (strchr(chars, *p) || (after_blank && *p == ';'))
			break;
		after_blank = is_blank(*p);
	}
	return p;
}

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p++;
	return p;
}

static const char *trim_end(const char *p, const char *end)
{
	while (end > p && is_blank(end[-1]))
		end--;
	return end;
}

static int unknown_section(struct parser *parser, const char *name)
{
	const char *nearest = spell_nearest(name, sections, ARRAY_SIZE(sections));

	if (nearest)
		return fail(parser, "unknown section [%s] (did you mean [%s]?)", name, nearest);
	return fail(parser, "unknown section [%s]", name);
}

/* "[name]" → inih, without what may follow it. inih tells nobody about a section without keys. */
static int feed_header(struct parser *parser, const char *p, const char *end, char *buf,
		       size_t size)
{
	const char *close = find_or_comment(p + 1, end, "]");
	const char *rest;
	char name[KEY_MAX + 1];
	int len = (int)(close - p - 1);

	if (close == end || *close != ']')
		return fail(parser, "\"]\" is missing after the name of a section");
	rest = skip_blanks(close + 1, end);
	if (rest != end && *rest != ';' && *rest != '#')
		return fail(parser, "nothing but a comment may follow \"]\"");
	if (len > KEY_MAX)
		return fail(parser, "unknown section [%.*s...]", KEY_MAX, p + 1);
	(void)snprintf(name, sizeof(name), "%.*s", len, p + 1); /* fits */
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (strcmp(sections[i], name) == 0)
			return snprintf(buf, size, "[%s]", name);
	return unknown_section(parser, name);
}

/* "key = value" → inih. */
static int feed_key(struct parser *parser, const char *p, const char *end, bool indented, char *buf,
		    size_t size)
{
	const char *sep = find_or_comment(p, end, "=:");
	int key_len = (int)(trim_end(p, sep) - p);
	size_t len = (size_t)(end - p);
	const char *value, *value_end;

	if (sep < end && *sep == ':')
		return fail(parser, "\"=\" must stand between key and value, not \":\"");
	if (sep == end || *sep != '=')
		return fail(parser, "\"=\" is missing after \"%.*s\"%s",
			    key_len < KEY_MAX ? key_len : KEY_MAX, p,
			    indented ? " (a line cannot be continued)" : "");
	if (!key_len)
		return fail(parser, "there is no key before \"=\"");
	if (key_len > KEY_MAX)
		return fail(parser, "unknown key \"%.*s...\"", KEY_MAX, p);
	value_end = find_or_comment(sep + 1, end, "");
	value = skip_blanks(sep + 1, value_end);
	value_end = trim_end(value, value_end);
	memcpy(parser->value, value, (size_t)(value_end - value));
	parser->value[value_end - value] = '\0';
	parser->is_pending = true;
	parser->is_long = len >= size;
	if (parser->is_long)
		return snprintf(buf, size, "%.*s = " LONG_VALUE, key_len, p);
	memcpy(buf, p, len);
	buf[len] = '\0';
	return 0;
}

/* inih's reader, like fgets(3): each call gives one line without its newline, "" for one that says
 * nothing. */
static char *read_line(char *buf, int size, void *user)
{
	struct parser *parser = user;
	const char *p = parser->next, *end, *start;
	int r = 0;

	if (parser->result < 0 || parser->is_pending || p == parser->end)
		return NULL;
	parser->line++;
	end = memchr(p, '\n', (size_t)(parser->end - p));
	parser->next = end ? end + 1 : parser->end;
	if (!end)
		end = parser->end;
	else if (end > p && end[-1] == '\r')
		end--;
	start = skip_blanks(p, end);
	buf[0] = '\0';
	if (size < KEY_MAX + 8) /* not so in any build that we know of */
		r = fail(parser, "the INI library has room for %d bytes only", size);
	else if (start < end && *start == '[')
		r = feed_header(parser, start, end, buf, (size_t)size);
	else if (start < end && *start != ';' && *start != '#')
		r = feed_key(parser, start, end, start > p, buf, (size_t)size);
	return r < 0 ? NULL : buf;
}

static int check_line(struct parser *parser, const char *p, const char *end, bool has_newline)
{
	if (has_newline && end > p && end[-1] == '\r')
		end--;
	if (end - p > POLICY_LINE_MAX)
		return fail(parser, "%zu bytes in this line; at most %d are allowed",
			    (size_t)(end - p), POLICY_LINE_MAX);
	for (; p < end; p++) {
		unsigned char c = (unsigned char)*p;

		if (!c)
			return fail(parser, "a NUL byte");
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return fail(parser, "a control byte (0x%02x)", c);
	}
	return 0;
}

/* Before anything is made of the text. Also steps over a byte order mark. */
static int check_text(struct parser *parser)
{
	static const char bom[] = {'\xef', '\xbb', '\xbf'};
	const char *p = parser->next;
	int r = 0;

	if ((size_t)(parser->end - p) >= sizeof(bom) && memcmp(p, bom, sizeof(bom)) == 0)
		p = parser->next += sizeof(bom);
	while (p < parser->end && r >= 0) {
		const char *newline = memchr(p, '\n', (size_t)(parser->end - p));
		const char *end = newline ? newline : parser->end;

		parser->line++;
		r = check_line(parser, p, end, newline);
		p = newline ? newline + 1 : end;
	}
	parser->line = 0;
	return r;
}

int policy_parse_text(struct policy *policy, const struct policy_source *source,
		      const struct policy_env *env, struct sbx_err *err)
{
	unsigned first_lines[ARRAY_SIZE(keys)] = {0};
	struct parser parser = {
		.policy = policy,
		.source = source,
		.env = env,
		.err = err,
		.file = arena_strdup(&policy->arena, source->file),
		.next = source->text,
		.end = source->len ? source->text + source->len : source->text,
		.first_lines = first_lines,
	};
	int bad_line;

	if (!parser.file)
		return err_at(err, -ENOMEM, source->file, 0, "out of memory");
	if (!source->included)
		policy->name = parser.file;
	if (!source->len || check_text(&parser) < 0)
		return parser.result;
	bad_line = ini_parse_stream(read_line, &parser, on_key, &parser);
	if (parser.result < 0)
		return parser.result;
	if (bad_line || parser.is_pending || parser.next != parser.end)
		return fail(&parser, "the INI library cannot read this line");
	/* Only now is it known what else the policy says. */
	return source->included ? 0 : policy_check_rules(policy, err);
}
