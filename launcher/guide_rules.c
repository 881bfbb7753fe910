/* SPDX-License-Identifier: MIT */
/* Own rules for single system calls, question by question. */
#include <stdio.h>
#include <string.h>

#include "../shim/rule.h"
#include "guide_parts.h"

#define HITS_MAX 5

/* The questions of one rule, in their order; "b" goes one back. */
enum stage {
	STAGE_CALL,
	STAGE_ARGUMENT,
	STAGE_OPERATOR,
	STAGE_MASK,
	STAGE_VALUE,
	STAGE_MORE,
	STAGE_ACTION,
	STAGE_ERROR,
	STAGE_COMMENT,
	STAGE_CONFIRM,
};

/* A rule in the making. */
struct draft {
	struct guide *g;
	char call[64], conditions[RULE_TEXT_MAX]; /* "arg0 == 1, arg1 != 2" */
	size_t ends[RULE_CONDITIONS_MAX + 1];	  /* of the conditions so far, in that text */
	unsigned n;				  /* conditions */
	unsigned arg;
	char op[4], mask[256], value[GUIDE_ANSWER_MAX], action, error[32];
	char comment[256], text[2 * RULE_TEXT_MAX];
	struct rule rule;
	bool unsafe;
};

typedef enum guide_answer (*stage_fn)(struct draft *d, enum stage *next);

static const char help_call[] =
	"The name of a system call, as openat or socket: what the kernel is asked for.\n"
	"The list of what this run called was shown at the beginning (b, b, ... leads\n"
	"there). Enter: no rule after all.";
static const char help_argument[] =
	"The rule can be for every call of this name, or only for those where an argument\n"
	"has a certain value. Registers only: what a pointer leads to is not looked at.";
static const char help_operator[] =
	"  ==  !=  <  <=  >  >=   compare the whole argument, without a sign\n"
	"  &                      compare only some bits of it: a mask is asked for";
static const char help_value[] =
	"A number (16, 0x10, 020) or the name of a constant (AF_INET, O_CREAT, SIGKILL),\n"
	"several of them joined with |. What is shown in [] was seen in this run.";
static const char help_mask[] =
	"The bits that are looked at, as 0xff or O_CREAT|O_EXCL or 3. The others may be\n"
	"what they like.";
static const char help_more[] = "With two conditions or more all must hold for the rule to apply.";
static const char help_action[] =
	"  d  deny: it fails as the policy says (EPERM, or the end of the program)\n"
	"  e  errno: it fails with an error of your choice\n"
	"  k  kill: the program ends\n"
	"  l  log: it is reported and let through\n"
	"  a  allow: it is permitted even if no promise permits it";
static const char help_error[] = "The name of an error, as EACCES or ENOENT, or its number.";
static const char help_comment[] = "Why this rule is there: the line is kept in the file above it.";
static const char help_confirm[] = "yes adds the rule to the policy; b goes back to change it.";
static const char help_unsafe[] =
	"Such a call leads out of the sandbox. The policy is refused unless it says\n"
	"unsafe_syscalls = yes; with yes that line is added.";
static const char help_start[] =
	"Promises permit whole groups of calls. A rule of your own decides about one,\n"
	"before the promises do: \"socket(arg0 == AF_NETLINK)\".\n"
	"  y  add one; the questions explain themselves    d  drop one\n"
	"  n  go on    b  back";

/* ---- the text ---- */

static void compose(struct draft *d)
{
	int n = snprintf(d->text, sizeof(d->text), "%s", d->call);

	if (d->n)
		n += snprintf(d->text + n, sizeof(d->text) - (size_t)n, "(%s)", d->conditions);
	if (d->action == 'e')
		(void)snprintf(d->text + n, sizeof(d->text) - (size_t)n, " -> errno %s", d->error);
	else if (d->action == 'k' || d->action == 'l')
		(void)snprintf(d->text + n, sizeof(d->text) - (size_t)n, " -> %s",
			       d->action == 'k' ? "kill" : "log");
}

/* Is what there is so far a rule? Else say what is wrong. */
static bool parses(struct draft *d)
{
	struct sbx_err err = {0};

	compose(d);
	if (rule_parse(d->text, d->action == 'a', (struct origin){0}, &d->rule, &err) == 0)
		return true;
	guide_say_line(&d->g->io, "%s.", err.msg);
	return false;
}

static void drop_condition(struct draft *d)
{
	if (d->n)
		d->n--;
	d->conditions[d->ends[d->n]] = '\0';
}

/* ---- what the run says ---- */

/* The value that argument @arg of the call had most often; false: it was not called. As text, by
 * name where it has one. */
static bool usual_value(struct draft *d, char ret[256])
{
	const struct guide *g = d->g;
	const struct record_call *most = NULL;
	char text[RULE_TEXT_MAX], *equals, *close;
	struct sbx_err err;
	struct rule rule;

	for (size_t i = 0; i < g->run.n_rows; i++) {
		const struct record_row *row = &g->run.rows[i];

		if (strcmp(table_rows[row->tag].name, d->call) != 0)
			continue;
		for (size_t j = 0; j < row->n_calls; j++)
			if (!most || row->calls[j].count > most->count)
				most = &row->calls[j];
	}
	if (!most)
		return false;
	(void)snprintf(text, sizeof(text), "%s(arg%u == 0x%llx)", d->call, d->arg,
		       (unsigned long long)most->args[d->arg]);
	if (rule_parse(text, false, (struct origin){0}, &rule, &err) < 0) {
		(void)snprintf(text, sizeof(text), "%s(arg%u == 0x%x)", d->call, d->arg,
			       (unsigned)most->args[d->arg]);
		if (rule_parse(text, false, (struct origin){0}, &rule, &err) < 0)
			return false;
	}
	(void)rule_format(&rule, text, sizeof(text));
	equals = strstr(text, "== ");
	close = equals ? strrchr(equals, ')') : NULL;
	if (!close)
		return false;
	(void)snprintf(ret, 256, "%.*s", (int)(close - equals - 3), equals + 3);
	return true;
}

static void tell_signature(struct draft *d)
{
	int n = rule_argument_count(d->call);
	char name[80];

	if (n <= 0)
		guide_say(&d->g->io, "%s has no arguments.\n", d->call);
	else
		guide_say(&d->g->io, "%s has these arguments:\n", d->call);
	for (int i = 0; i < n; i++)
		if (rule_argument(d->call, (unsigned)i, name, sizeof(name)))
			guide_say_line(&d->g->io, "  %d  %s", i, name);
}

/* ---- the questions ---- */

static enum guide_answer ask_call(struct draft *d, enum stage *next)
{
	char answer[GUIDE_ANSWER_MAX];
	enum guide_answer r;

	d->n = 0;
	d->conditions[0] = '\0';
	for (;;) {
		r = guide_ask(&d->g->io, "Which system call?", "none", help_call, answer);
		if (r != GUIDE_OK)
			return r;
		if (strcmp(answer, "none") == 0)
			return GUIDE_BACK;
		(void)snprintf(d->call, sizeof(d->call), "%.63s", answer);
		if (rule_argument_count(d->call) >= 0 && !strchr(d->call, '(')) {
			tell_signature(d);
			*next = rule_argument_count(d->call) ? STAGE_ARGUMENT : STAGE_ACTION;
			return GUIDE_OK;
		}
		d->action = 'd';
		if (parses(d)) /* which names the nearest */
			guide_say(&d->g->io, "The name of a system call alone is wanted.\n");
	}
}

static enum guide_answer ask_argument(struct draft *d, enum stage *next)
{
	int count = rule_argument_count(d->call);
	char answer[GUIDE_ANSWER_MAX], question[80];

	(void)snprintf(question, sizeof(question), "Only if an argument (0 to %d) has some value?",
		       count - 1);
	for (;;) {
		enum guide_answer r = guide_ask(&d->g->io, question, "none", help_argument, answer);

		if (r != GUIDE_OK)
			return r;
		if (strcmp(answer, "none") == 0) {
			*next = STAGE_ACTION;
			return GUIDE_OK;
		}
		if (answer[0] >= '0' && answer[0] < '0' + count && !answer[1]) {
			d->arg = (unsigned)(answer[0] - '0');
			*next = STAGE_OPERATOR;
			return GUIDE_OK;
		}
		guide_say(&d->g->io, "A number from 0 to %d is wanted, or none.\n", count - 1);
	}
}

static enum guide_answer ask_operator(struct draft *d, enum stage *next)
{
	static const char *const operators[] = {"==", "!=", "<", "<=", ">", ">=", "&"};
	char answer[GUIDE_ANSWER_MAX], name[80], question[128];

	if (!rule_argument(d->call, d->arg, name, sizeof(name)))
		name[0] = '\0';
	(void)snprintf(question, sizeof(question), "%s  == != < <= > >= &", name);
	for (;;) {
		enum guide_answer r = guide_ask(&d->g->io, question, "==", help_operator, answer);

		if (r != GUIDE_OK)
			return r;
		for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
			if (strcmp(answer, operators[i]) != 0)
				continue;
			(void)snprintf(d->op, sizeof(d->op), "%s", operators[i]);
			d->mask[0] = '\0';
			*next = d->op[0] == '&' ? STAGE_MASK : STAGE_VALUE;
			return GUIDE_OK;
		}
		guide_say(&d->g->io, "One of == != < <= > >= & is wanted.\n");
	}
}

/* Add "argN OP VALUE" if that makes a rule. */
static bool add_condition(struct draft *d, const char *value)
{
	size_t used = d->ends[d->n] = strlen(d->conditions), n;
	char action = d->action;

	if (d->mask[0])
		n = (size_t)snprintf(d->conditions + used, sizeof(d->conditions) - used,
				     "%sarg%u & %s == %s", used ? ", " : "", d->arg, d->mask,
				     value);
	else
		n = (size_t)snprintf(d->conditions + used, sizeof(d->conditions) - used,
				     "%sarg%u %s %s", used ? ", " : "", d->arg, d->op, value);
	d->n++;
	d->action = 'd';
	if (n < sizeof(d->conditions) - used && parses(d)) {
		d->action = action;
		return true;
	}
	d->action = action;
	drop_condition(d);
	return false;
}

static enum guide_answer ask_mask(struct draft *d, enum stage *next)
{
	char answer[GUIDE_ANSWER_MAX];

	for (;;) {
		enum guide_answer r;

		d->mask[0] = '\0';
		r = guide_ask(&d->g->io, "Which bits?", "1", help_mask, answer);
		if (r != GUIDE_OK)
			return r;
		(void)snprintf(d->mask, sizeof(d->mask), "%.255s", answer);
		*next = STAGE_VALUE;
		/* Tried with what any mask goes with. */
		if (add_condition(d, d->mask)) {
			drop_condition(d);
			return GUIDE_OK;
		}
	}
}

static enum guide_answer ask_value(struct draft *d, enum stage *next)
{
	char answer[GUIDE_ANSWER_MAX], usual[256];

	if (d->mask[0])
		(void)snprintf(usual, sizeof(usual), "%s", d->mask);
	else if (!usual_value(d, usual))
		(void)snprintf(usual, sizeof(usual), "0");
	for (;;) {
		enum guide_answer r =
			guide_ask(&d->g->io, d->mask[0] ? "These bits are" : "Which value?", usual,
				  help_value, answer);

		if (r != GUIDE_OK)
			return r;
		if (add_condition(d, answer)) {
			*next = d->n < RULE_CONDITIONS_MAX ? STAGE_MORE : STAGE_ACTION;
			return GUIDE_OK;
		}
	}
}

static enum guide_answer ask_more(struct draft *d, enum stage *next)
{
	bool more = false;
	enum guide_answer r =
		guide_confirm(&d->g->io, "Another condition?", false, help_more, &more);

	*next = more ? STAGE_ARGUMENT : STAGE_ACTION;
	return r;
}

static enum guide_answer ask_action(struct draft *d, enum stage *next)
{
	static const char *const words[] = {"deny", "errno", "kill", "log", "allow", NULL};
	enum guide_answer r = guide_choose(&d->g->io, "Then:", words, 'd', help_action, &d->action);

	*next = d->action == 'e' ? STAGE_ERROR : STAGE_COMMENT;
	return r;
}

static enum guide_answer ask_error(struct draft *d, enum stage *next)
{
	char answer[GUIDE_ANSWER_MAX];

	for (;;) {
		enum guide_answer r =
			guide_ask(&d->g->io, "Which error?", "EACCES", help_error, answer);

		if (r != GUIDE_OK)
			return r;
		(void)snprintf(d->error, sizeof(d->error), "%.31s", answer);
		*next = STAGE_COMMENT;
		if (parses(d))
			return GUIDE_OK;
	}
}

static enum guide_answer ask_comment(struct draft *d, enum stage *next)
{
	char answer[GUIDE_ANSWER_MAX];
	enum guide_answer r = guide_ask(&d->g->io, "A comment?", "none", help_comment, answer);

	*next = STAGE_CONFIRM;
	if (r == GUIDE_OK)
		(void)snprintf(d->comment, sizeof(d->comment), "%.255s",
			       strcmp(answer, "none") == 0 ? "" : answer);
	return r;
}

/* With the rules that there are: may it stand beside them? */
static bool fits(struct draft *d)
{
	const struct guide *g = d->g;
	static struct rule rules[GUIDE_RULES_MAX + 1];
	struct sbx_err err = {0};
	size_t n = 0;

	for (size_t i = 0; i < g->n_rules; i++)
		if (g->rules[i].keep &&
		    rule_parse(g->rules[i].text, g->rules[i].allow,
			       (struct origin){.file = "rule", .line = (unsigned)i + 1}, &rules[n],
			       &err) == 0)
			n++;
	rules[n] = d->rule;
	rules[n].from = (struct origin){.file = "this rule"};
	if (rules_check_hidden(rules, n + 1, &err) == 0)
		return true;
	guide_say_line(&d->g->io, "%s.", err.msg);
	return false;
}

static void tell_hits(struct draft *d)
{
	struct guide_denials hits;

	guide_denials_by_rules(d->g, &d->rule, 1, &hits);
	if (hits.n)
		guide_say(&d->g->io, "Of the recorded run it would refuse:\n");
	else if (d->rule.action != RULE_ALLOW && d->rule.action != RULE_LOG)
		guide_say(&d->g->io, "It would refuse nothing of the recorded run.\n");
	guide_denials_tell(d->g, &hits, HITS_MAX);
	guide_denials_done(&hits);
}

static void remember(struct draft *d)
{
	struct guide *g = d->g;
	char text[RULE_TEXT_MAX];
	struct guide_rule rule = {.allow = d->action == 'a', .keep = true, .unsafe = d->unsafe};

	(void)rule_format(&d->rule, text, sizeof(text));
	rule.text = arena_strdup(&g->arena, text);
	rule.comment = arena_strdup(&g->arena, d->comment);
	if (rule.text && rule.comment)
		g->rules[g->n_rules++] = rule;
}

static enum guide_answer ask_confirm(struct draft *d, enum stage *next)
{
	char text[RULE_TEXT_MAX], warning[512];
	enum guide_answer r;
	bool yes = true;

	*next = STAGE_CALL;
	if (!parses(d) || !fits(d)) /* an allow that hides, a deny that nothing survives */
		return GUIDE_BACK;
	(void)rule_format(&d->rule, text, sizeof(text));
	guide_say(&d->g->io, "\n");
	guide_say_bold(&d->g->io, "  %s = %s", d->action == 'a' ? "allow" : "deny", text);
	if (rule_warning(&d->rule, warning, sizeof(warning)))
		guide_say_line(&d->g->io, "  warning: %s", warning);
	tell_hits(d);
	d->unsafe = rule_needs_unsafe(&d->rule);
	if (d->unsafe && !d->g->base.policy.unsafe_syscalls) {
		r = guide_confirm(&d->g->io, "It needs unsafe_syscalls = yes. Write that, too?",
				  false, help_unsafe, &yes);
		if (r != GUIDE_OK || !yes)
			return r == GUIDE_OK ? GUIDE_BACK : r;
	}
	r = guide_confirm(&d->g->io, "Add this rule?", true, help_confirm, &yes);
	if (r == GUIDE_OK && yes)
		remember(d);
	return r;
}

/* What comes before a question that was gone back from. */
static enum stage stage_before(struct draft *d, enum stage stage)
{
	switch (stage) {
	case STAGE_ARGUMENT:
		return d->n ? STAGE_MORE : STAGE_CALL;
	case STAGE_OPERATOR:
		return STAGE_ARGUMENT;
	case STAGE_MASK:
		return STAGE_OPERATOR;
	case STAGE_VALUE:
		return d->mask[0] ? STAGE_MASK : STAGE_OPERATOR;
	case STAGE_MORE:
		drop_condition(d);
		return STAGE_ARGUMENT;
	case STAGE_ACTION:
		return rule_argument_count(d->call) <= 0 ? STAGE_CALL
		       : d->n				 ? STAGE_MORE
							 : STAGE_ARGUMENT;
	case STAGE_COMMENT:
		return d->action == 'e' ? STAGE_ERROR : STAGE_ACTION;
	case STAGE_CONFIRM:
		return STAGE_COMMENT;
	default:
		return STAGE_ACTION;
	}
}

/* GUIDE_QUIT, or GUIDE_OK whether there is a new rule or not. */
static enum guide_answer make_rule(struct guide *g)
{
	static const stage_fn stages[] = {
		[STAGE_CALL] = ask_call,	 [STAGE_ARGUMENT] = ask_argument,
		[STAGE_OPERATOR] = ask_operator, [STAGE_MASK] = ask_mask,
		[STAGE_VALUE] = ask_value,	 [STAGE_MORE] = ask_more,
		[STAGE_ACTION] = ask_action,	 [STAGE_ERROR] = ask_error,
		[STAGE_COMMENT] = ask_comment,	 [STAGE_CONFIRM] = ask_confirm,
	};
	struct draft draft = {.g = g, .action = 'd'};
	enum stage stage = STAGE_CALL;

	for (;;) {
		enum stage next = stage;
		enum guide_answer r = stages[stage](&draft, &next);

		if (r == GUIDE_QUIT)
			return r;
		if (r == GUIDE_BACK && stage == STAGE_CALL)
			return GUIDE_OK;
		if (r == GUIDE_OK && stage == STAGE_CONFIRM)
			return GUIDE_OK;
		stage = r == GUIDE_BACK ? stage_before(&draft, stage) : next;
	}
}

/* ---- all of them ---- */

static size_t tell_rules(struct guide *g)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n_rules; i++) {
		const struct guide_rule *rule = &g->rules[i];

		if (!rule->keep)
			continue;
		n++;
		guide_say_line(&g->io, "  %zu. %s = %s%s%s", i + 1, rule->allow ? "allow" : "deny",
			       rule->text, rule->comment[0] ? "  ; " : "", rule->comment);
	}
	if (!n)
		guide_say(&g->io, "There are none.\n");
	return n;
}

static enum guide_answer drop_rule(struct guide *g)
{
	char answer[GUIDE_ANSWER_MAX];

	for (;;) {
		unsigned number = 0;
		char rest;
		enum guide_answer r = guide_ask(&g->io, "Which one?", "none",
						"The number in front of the rule.", answer);

		if (r != GUIDE_OK)
			return r == GUIDE_BACK ? GUIDE_OK : r;
		if (strcmp(answer, "none") == 0)
			return GUIDE_OK;
		if (sscanf(answer, "%3u%c", &number, &rest) == 1 && number &&
		    number <= g->n_rules && g->rules[number - 1].keep) {
			g->rules[number - 1].keep = false;
			return GUIDE_OK;
		}
		guide_say(&g->io, "The number of a rule is wanted.\n");
	}
}

enum guide_answer guide_step_rules(struct guide *g, bool from_behind)
{
	static const char *const words[] = {"yes", "no", "drop one", NULL};

	(void)from_behind;
	for (;;) {
		enum guide_answer r;
		char letter;

		guide_heading(g, 5, "rules of your own");
		(void)tell_rules(g);
		r = guide_choose(&g->io, "Add a rule?", words, 'n', help_start, &letter);
		if (r != GUIDE_OK || letter == 'n')
			return r;
		if (letter == 'd')
			r = drop_rule(g);
		else if (g->n_rules == GUIDE_RULES_MAX)
			guide_say(&g->io, "There are %d rules: no more here.\n", GUIDE_RULES_MAX);
		else
			r = make_rule(g);
		if (r == GUIDE_QUIT)
			return r;
	}
}
