/* SPDX-License-Identifier: MIT */
/* --print-policy. Not part of the shim: stdio streams have no place in a stranger's process. */
#include <string.h>

#include "rule.h"

/* Bytes of a name in a comment: a comment is a line, too, and has POLICY_LINE_MAX. */
#define COMMENT_MAX 1000

/* A file's name may hold anything; a newline would end the comment. */
static void print_comment_text(const char *text, FILE *out)
{
	for (size_t i = 0; text[i]; i++) {
		if (i == COMMENT_MAX) {
			(void)fputs("...", out);
			return;
		}
		(void)fputc((unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i], out);
	}
}

static void print_origin(const struct origin *from, FILE *out)
{
	if (!from->file)
		return;
	(void)fputs("; ", out);
	print_comment_text(from->file, out);
	if (from->line)
		(void)fprintf(out, ":%u", from->line);
	(void)fputc('\n', out);
}

/* Would a file that says @path give @path back? policy_add_unveil() has checked that line->written
 * would. */
static bool is_literal(const char *path)
{
	size_t len = strlen(path);

	return !strpbrk(path, "*?[") && !strstr(path, "${") && !strstr(path, " ;") &&
	       !strstr(path, "\t;") && path[len - 1] != ' ' && path[len - 1] != '\t' &&
	       len <= POLICY_LINE_MAX - 16;
}

static void print_sandbox(const struct policy *policy, FILE *out)
{
	static const char *const violations[] = {
		[VIOLATION_ERRNO] = "errno",
		[VIOLATION_KILL] = "kill",
		[VIOLATION_LOG] = "log",
	};
	char promises[512];

	(void)fputs("[sandbox]\n", out);
	if (policy->program) {
		print_origin(&policy->program_from, out);
		(void)fprintf(out, "program = %s\n", policy->program);
	}
	print_origin(&policy->promises_from, out);
	promise_format(policy->promises, promises, sizeof(promises));
	if (policy->promises)
		(void)fprintf(out, "promises = %s\n", promises);
	else
		(void)fputs("; nothing is promised\n", out);
	(void)fprintf(out, "on_violation = %s\n", violations[policy->on_violation]);
	(void)fprintf(out, "unveil = %s\n", policy->unveil ? "on" : "off");
	(void)fprintf(out, "require = %s\n", policy->best_effort ? "best-effort" : "full");
	(void)fprintf(out, "report = %s\n", policy->report ? "yes" : "no");
	(void)fprintf(out, "scope = %s\n", policy->scope_open ? "open" : "on");
	(void)fprintf(out, "self_modify = %s\n", policy->self_modify ? "yes" : "no");
	if (policy->unsafe_syscalls)
		(void)fputs("unsafe_syscalls = yes\n", out);
}

static void print_rules(const struct policy *policy, FILE *out)
{
	if (policy->n_rules)
		(void)fputs("\n[syscalls]\n", out);
	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct rule *rule = &policy->rules[i];
		char text[RULE_TEXT_MAX];

		print_origin(&rule->from, out);
		(void)rule_format(rule, text, sizeof(text));
		(void)fprintf(out, "%s = %s\n", rule->action == RULE_ALLOW ? "allow" : "deny",
			      text);
	}
}

static void print_unveils(const struct policy *policy, FILE *out)
{
	if (policy->n_unveils)
		(void)fputs("\n[unveil]\n", out);
	for (size_t i = 0; i < policy->n_unveils; i++) {
		const struct unveil_line *line = &policy->unveils[i];
		char letters[5];

		print_origin(&line->from, out);
		perm_format(line->perms, letters);
		(void)fprintf(out, "%s%s = %s\n", letters, line->optional ? "?" : "",
			      line->written && !is_literal(line->path) ? line->written
								       : line->path);
	}
}

static void print_ports(const struct policy *policy, enum port_access access, const char *key,
			FILE *out)
{
	const struct origin *last = NULL;

	for (size_t i = 0; i < policy->n_ports; i++) {
		const struct port_line *line = &policy->ports[i];

		if (line->access != access)
			continue;
		if (!last || last->line != line->from.line || last->file != line->from.file)
			print_origin(&line->from, out);
		last = &line->from;
	}
	(void)fprintf(out, "%s =", key);
	for (size_t i = 0; i < policy->n_ports; i++)
		if (policy->ports[i].access == access)
			(void)fprintf(out, " %u", policy->ports[i].port);
	(void)fputc('\n', out);
}

static void print_implied(const struct policy *policy, const struct policy_env *env, FILE *out)
{
	if (!policy->unveil)
		return;
	(void)fputs("\n; paths that the promises imply\n", out);
	for (size_t i = 0; i < promise_paths_count; i++) {
		const struct promise_path *implied = &promise_paths[i];
		char letters[5], path[PATH_MAX];
		struct sbx_err err;

		if (!(policy->promises & UINT64_C(1) << implied->promise))
			continue;
		perm_format(implied->perms, letters);
		(void)fprintf(out, "; %s: %s = ", promise_table[implied->promise].name, letters);
		/* An unset variable: its name says more than nothing. */
		if (policy_expand_buf(implied->path, env, path, &err) < 0)
			print_comment_text(implied->path, out);
		else
			print_comment_text(path, out);
		(void)fputc('\n', out);
	}
}

void policy_print(const struct policy *policy, const struct policy_env *env, FILE *out)
{
	(void)fputs("; sbx-preload policy: ", out);
	print_comment_text(policy->name, out);
	(void)fputc('\n', out);
	print_sandbox(policy, out);
	print_unveils(policy, out);
	if (policy->port_kinds)
		(void)fputs("\n[net]\n", out);
	if (policy->port_kinds & PORT_CONNECT)
		print_ports(policy, PORT_CONNECT, "connect_tcp", out);
	if (policy->port_kinds & PORT_BIND)
		print_ports(policy, PORT_BIND, "bind_tcp", out);
	print_rules(policy, out);
	print_implied(policy, env, out);
}
