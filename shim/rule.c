/* SPDX-License-Identifier: MIT */
/* The text of a rule → struct rule. */
#include "rule_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "spell.h"

#define WORD_MAX 60 /* bytes of a word that messages show */

struct parser {
	const char *p; /* what was not yet read */
	struct rule rule;
	struct rule_call call;
	struct sbx_err *err;
};

#define fail(parser, ...)                                                                  \
	err_at((parser)->err, -EINVAL, (parser)->rule.from.file, (parser)->rule.from.line, \
	       __VA_ARGS__)

static const struct {
	char text[3];
	uint8_t op;
} ops[] = {
	/* The longer ones first. */
	{"==", RULE_EQ}, {"!=", RULE_NE}, {"<=", RULE_LE},
	{">=", RULE_GE}, {"<", RULE_LT},  {">", RULE_GT},
};

/* The standard's isalnum(3) asks the locale, which the constructor has not got. */
static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

static size_t word_length(const char *p)
{
	size_t len = 0;

	while (is_word(p[len]))
		len++;
	return len;
}

/* The word at @p for a message; a single character when there is none. */
static void copy_word(const char *p, char word[WORD_MAX + 1])
{
	size_t len = word_length(p);

	if (!len && *p)
		len = 1;
	(void)snprintf(word, WORD_MAX + 1, "%.*s", (int)(len < WORD_MAX ? len : WORD_MAX), p);
}

/* ---- values ---- */

/* Digits of @base; NULL: none, or too many. */
static const char *parse_digits(const char *p, unsigned base, uint64_t *ret)
{
	const char *start = p;
	uint64_t value = 0;

	for (; is_word(*p); p++) {
		char c = *p;
		unsigned digit = is_digit(c)		? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
				 : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
							: base;

		if (digit >= base || value > (UINT64_MAX - digit) / base)
			return NULL;
		value = value * base + digit;
	}
	*ret = value;
	return p == start ? NULL : p;
}

static const char *parse_number(const char *p, unsigned bits, uint64_t *ret, struct sbx_err *err)
{
	const char *start = p, *end;
	bool negative = *p == '-';
	uint64_t value;
	int len;

	if (negative)
		p++;
	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X'))
		end = parse_digits(p + 2, 16, &value);
	else
		end = parse_digits(p, p[0] == '0' ? 8 : 10, &value);
	len = (int)(p - start + (ssize_t)word_length(p));
	if (len > WORD_MAX)
		len = WORD_MAX;
	if (!end) {
		err_record(err, -EINVAL, NULL, 0,
			   "\"%.*s\" is no number of 64 bits: decimal, 0x hexadecimal or 0 octal",
			   len, start);
		return NULL;
	}
	if (value > (negative ? UINT64_C(1) << (bits - 1) : rule_ones(bits))) {
		err_record(err, -EINVAL, NULL, 0, "%.*s does not fit %u bits", len, start, bits);
		return NULL;
	}
	*ret = negative ? -value & rule_ones(bits) : value;
	return end;
}

static const char *parse_constant(const char *p, unsigned bits, uint64_t *ret, struct sbx_err *err)
{
	size_t len = word_length(p);
	char word[WORD_MAX + 1];
	const char *nearest;

	copy_word(p, word);
	if (!rule_constant(p, len, bits, ret)) {
		nearest = rule_constant_nearest(word);
		if (nearest)
			err_record(err, -EINVAL, NULL, 0,
				   "unknown constant \"%s\" (did you mean \"%s\"?)", word, nearest);
		else
			err_record(err, -EINVAL, NULL, 0, "unknown constant \"%s\"", word);
		return NULL;
	}
	if (*ret > rule_ones(bits)) {
		err_record(err, -EINVAL, NULL, 0, "%s (0x%llx) does not fit %u bits", word,
			   (unsigned long long)*ret, bits);
		return NULL;
	}
	return p + len;
}

static void no_value(const char *p, struct sbx_err *err)
{
	char word[WORD_MAX + 1];

	copy_word(p, word);
	if (word[0])
		err_record(err, -EINVAL, NULL, 0,
			   "a number or a constant must stand where \"%s\" is", word);
	else
		err_record(err, -EINVAL, NULL, 0, "a number or a constant is missing at the end");
}

const char *rule_parse_value(const char *text, unsigned bits, uint64_t *ret, struct sbx_err *err)
{
	const char *p = text;
	uint64_t value = 0, term;

	for (;;) {
		p = skip_blanks(p);
		if (is_digit(*p) || (*p == '-' && is_digit(p[1]))) {
			p = parse_number(p, bits, &term, err);
		} else if (is_word(*p)) {
			p = parse_constant(p, bits, &term, err);
		} else {
			no_value(p, err);
			p = NULL;
		}
		if (!p)
			return NULL;
		value |= term;
		p = skip_blanks(p);
		if (*p != '|') {
			*ret = value;
			return p;
		}
		p++;
	}
}

static int parse_value(struct parser *parser, const struct rule_condition *condition, uint64_t *ret)
{
	struct sbx_err err = {0};
	const char *end = rule_parse_value(parser->p, condition->bits, ret, &err);

	if (!end)
		return fail(parser, "arg%u of %s: %s", condition->arg, parser->call.name, err.msg);
	parser->p = end;
	return 0;
}

/* ---- conditions ---- */

static int no_argument(struct parser *parser, unsigned arg)
{
	unsigned count = rule_call_count(&parser->call);

	if (!count)
		return fail(parser, "%s has no arguments", parser->call.name);
	return fail(parser, "%s has no arg%u: its arguments are arg0 to arg%u (%s)",
		    parser->call.name, arg, count - 1, parser->call.arguments);
}

/* "arg1", "arg1:64" */
static int parse_argument(struct parser *parser, struct rule_condition *condition)
{
	const char *p = parser->p;
	char word[WORD_MAX + 1];

	copy_word(p, word);
	if (strncmp(p, "arg", 3) != 0 || !is_digit(p[3]))
		return fail(parser, "\"%s\" is no argument: write arg0 to arg5", word);
	if (p[3] > '5' || is_word(p[4]))
		return fail(parser, "\"%s\" is no argument: no call has more than arg0 to arg5",
			    word);
	condition->arg = (uint8_t)(p[3] - '0');
	condition->bits = (uint8_t)rule_call_bits(&parser->call, condition->arg);
	if (!condition->bits)
		return no_argument(parser, condition->arg);
	p = skip_blanks(p + 4);
	if (*p == ':') {
		p++;
		copy_word(p, word);
		if (strcmp(word, "32") != 0 && strcmp(word, "64") != 0)
			return fail(parser, "\":%s\" is no width: 32 or 64", word);
		condition->bits = word[0] == '3' ? 32 : 64;
		p = skip_blanks(p + 2);
	}
	parser->p = p;
	return 0;
}

static int parse_op(struct parser *parser, struct rule_condition *condition)
{
	char word[WORD_MAX + 1];

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		size_t len = strlen(ops[i].text);

		if (strncmp(parser->p, ops[i].text, len) == 0) {
			condition->op = ops[i].op;
			parser->p += len;
			return 0;
		}
	}
	copy_word(parser->p, word);
	if (word[0] == '=')
		return fail(parser, "\"=\" compares nothing: write \"==\"");
	if (!word[0])
		return fail(parser, "arg%u is compared with nothing", condition->arg);
	return fail(parser, "\"%s\" is no comparison: == != < <= > >= or & MASK ==", word);
}

/* A mask, and what may be said with one. */
static int parse_mask(struct parser *parser, struct rule_condition *condition)
{
	int r;

	parser->p++;
	r = parse_value(parser, condition, &condition->mask);
	if (r < 0)
		return r;
	if (!condition->mask)
		return fail(parser, "the mask of arg%u is 0: nothing is left of it",
			    condition->arg);
	r = parse_op(parser, condition);
	if (r < 0)
		return r;
	if (condition->op != RULE_EQ && condition->op != RULE_NE)
		return fail(parser, "behind a mask only == and != are possible");
	return 0;
}

/* A condition that says nothing was not meant so. */
static int check_condition(struct parser *parser, const struct rule_condition *condition)
{
	const struct rule_condition *one = condition;
	struct rule_condition negated = rule_condition_negate(condition);
	const struct rule_condition *other = &negated;
	const bool outside = condition->value & ~condition->mask;

	if (outside && condition->op == RULE_EQ)
		return fail(parser,
			    "the rule can never match: 0x%llx has bits that the mask 0x%llx of "
			    "arg%u takes away",
			    (unsigned long long)condition->value,
			    (unsigned long long)condition->mask, condition->arg);
	if (outside)
		return fail(parser,
			    "what is said of arg%u always holds: 0x%llx has bits that the mask "
			    "0x%llx takes away",
			    condition->arg, (unsigned long long)condition->value,
			    (unsigned long long)condition->mask);
	if (!rule_satisfiable(&one, 1))
		return fail(parser,
			    "the rule can never match: no %u-bit arg%u is %s (comparisons are "
			    "unsigned)",
			    condition->bits, condition->arg,
			    condition->value ? "greater than that" : "less than 0");
	if (!rule_satisfiable(&other, 1))
		return fail(parser,
			    "what is said of arg%u always holds: every %u-bit value is %s "
			    "(comparisons are unsigned)",
			    condition->arg, condition->bits,
			    condition->value ? "as small" : "0 or more");
	return 0;
}

static int parse_condition(struct parser *parser)
{
	struct rule_condition condition = {0};
	int r;

	if (parser->rule.n_conditions == RULE_CONDITIONS_MAX)
		return fail(parser, "more than %d conditions", RULE_CONDITIONS_MAX);
	parser->p = skip_blanks(parser->p);
	r = parse_argument(parser, &condition);
	if (r < 0)
		return r;
	condition.mask = rule_ones(condition.bits);
	r = *parser->p == '&' ? parse_mask(parser, &condition) : parse_op(parser, &condition);
	if (r < 0)
		return r;
	r = parse_value(parser, &condition, &condition.value);
	if (r < 0)
		return r;
	r = check_condition(parser, &condition);
	if (r < 0)
		return r;
	parser->rule.conditions[parser->rule.n_conditions++] = condition;
	return 0;
}

static int check_together(struct parser *parser)
{
	for (unsigned arg = 0; arg < 6; arg++) {
		const struct rule_condition *about[RULE_CONDITIONS_MAX];
		size_t n = 0;

		for (unsigned i = 0; i < parser->rule.n_conditions; i++)
			if (parser->rule.conditions[i].arg == arg)
				about[n++] = &parser->rule.conditions[i];
		if (!rule_satisfiable(about, n))
			return fail(parser,
				    "the rule can never match: its conditions on arg%u exclude "
				    "each other",
				    arg);
	}
	return 0;
}

/* "(COND, COND…)" */
static int parse_conditions(struct parser *parser)
{
	char word[WORD_MAX + 1];
	int r;

	parser->p = skip_blanks(parser->p + 1);
	if (*parser->p == ')') { /* every call, as without the parentheses */
		parser->p++;
		return 0;
	}
	for (;;) {
		r = parse_condition(parser);
		if (r < 0)
			return r;
		if (*parser->p == ')')
			break;
		if (*parser->p != ',') {
			copy_word(parser->p, word);
			return word[0] ? fail(parser, "\",\" or \")\" must stand where \"%s\" is",
					      word)
				       : fail(parser, "\")\" is missing at the end");
		}
		parser->p++;
	}
	parser->p++;
	return check_together(parser);
}

/* ---- the rest ---- */

static int parse_errno(struct parser *parser)
{
	size_t len;
	char word[WORD_MAX + 1];
	const char *nearest;
	int error;

	parser->p = skip_blanks(parser->p);
	len = word_length(parser->p);
	copy_word(parser->p, word);
	if (!len)
		return fail(parser, "the name of an error is missing behind \"errno\"");
	error = rule_errno_number(word);
	if (error) {
		parser->rule.action = RULE_ERRNO;
		parser->rule.error = (uint16_t)error;
		parser->p += len;
		return 0;
	}
	nearest = rule_errno_nearest(word);
	if (nearest)
		return fail(parser, "unknown error \"%s\" (did you mean \"%s\"?)", word, nearest);
	return fail(parser, "unknown error \"%s\": its name must be one of errno(3)'s", word);
}

/* "-> errno EACCES" */
static int parse_action(struct parser *parser)
{
	char word[WORD_MAX + 1];

	if (parser->rule.action == RULE_ALLOW)
		return fail(parser, "a rule that allows takes no \"->\"");
	parser->p = skip_blanks(parser->p + 2);
	copy_word(parser->p, word);
	parser->p += strlen(word);
	if (strcmp(word, "errno") == 0)
		return parse_errno(parser);
	if (strcmp(word, "kill") == 0)
		parser->rule.action = RULE_KILL;
	else if (strcmp(word, "log") == 0)
		parser->rule.action = RULE_LOG;
	else if (rule_errno_number(word))
		return fail(parser, "write \"-> errno %s\"", word);
	else
		return fail(parser, "\"%s\" is no action: errno NAME, kill or log", word);
	return 0;
}

static int parse_name(struct parser *parser)
{
	size_t len = word_length(parser->p);
	char word[WORD_MAX + 1];
	const char *nearest;

	copy_word(parser->p, word);
	if (!len && *parser->p)
		return fail(parser, "the name of a system call must stand where \"%s\" is", word);
	if (!len)
		return fail(parser, "the name of a system call is missing");
	if (!rule_call_find(parser->p, len, &parser->call)) {
		nearest = rule_call_nearest(word);
		if (nearest)
			return fail(parser, "unknown system call \"%s\" (did you mean \"%s\"?)",
				    word, nearest);
		return fail(parser, "unknown system call \"%s\"", word);
	}
	parser->rule.call = parser->call.index;
	parser->rule.nr = (int16_t)rule_call_number(&parser->call);
	parser->p = skip_blanks(parser->p + len);
	return 0;
}

/* Without these no program could end, or come back from a signal. */
static int check_vital(struct parser *parser)
{
	static const char *const vital[] = {"exit_group", "rt_sigreturn"};

	if (parser->rule.action == RULE_ALLOW || parser->rule.action == RULE_LOG)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(vital); i++)
		if (strcmp(parser->call.name, vital[i]) == 0)
			return fail(parser, "%s cannot be denied: %s", vital[i],
				    i == 0 ? "no program could end"
					   : "no program could come back from a signal");
	return 0;
}

int rule_parse(const char *text, bool allow, struct origin from, struct rule *ret,
	       struct sbx_err *err)
{
	struct parser parser = {
		.p = skip_blanks(text),
		.rule = {.action = allow ? RULE_ALLOW : RULE_DENY, .from = from},
		.err = err,
	};
	int r;

	r = parse_name(&parser);
	if (r >= 0 && *parser.p == '(')
		r = parse_conditions(&parser);
	if (r < 0)
		return r;
	parser.p = skip_blanks(parser.p);
	if (strncmp(parser.p, "->", 2) == 0)
		r = parse_action(&parser);
	if (r < 0)
		return r;
	parser.p = skip_blanks(parser.p);
	if (*parser.p)
		return fail(&parser, "\"%.*s\" is too much behind the rule", WORD_MAX, parser.p);
	r = check_vital(&parser);
	if (r < 0)
		return r;
	*ret = parser.rule;
	return 0;
}

static bool condition_equal(const struct rule_condition *a, const struct rule_condition *b)
{
	return a->mask == b->mask && a->value == b->value && a->arg == b->arg && a->op == b->op &&
	       a->bits == b->bits;
}

bool rule_equal(const struct rule *a, const struct rule *b)
{
	if (a->call != b->call || a->nr != b->nr || a->error != b->error ||
	    a->action != b->action || a->n_conditions != b->n_conditions)
		return false;
	for (unsigned i = 0; i < a->n_conditions; i++)
		if (!condition_equal(&a->conditions[i], &b->conditions[i]))
			return false;
	return true;
}
