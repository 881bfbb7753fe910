/* SPDX-License-Identifier: MIT */
/* seccompiler's JSON and the OCI's. Strings are jansson's; the rest is printed here, for one rule a
 * line, and for numbers of 64 bits without a sign, which jansson has not. */
#include "export_parts.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#ifdef __aarch64__
#define OCI_ARCH "SCMP_ARCH_AARCH64"
#else
#define OCI_ARCH "SCMP_ARCH_X86_64"
#endif

static int put_string(const char *text, FILE *out)
{
	json_t *string = json_string(text);
	int r;

	if (!string) {
		/* Not UTF-8: a path may hold anything. */
		char ascii[PATH_MAX + 256];
		size_t n = 0;

		for (; text[n] && n + 1 < sizeof(ascii); n++)
			ascii[n] = (char)((unsigned char)text[n] > '~' ? '?' : text[n]);
		ascii[n] = '\0';
		string = json_string(ascii);
	}
	if (!string)
		return -ENOMEM;
	r = json_dumpf(string, out, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	json_decref(string);
	return r < 0 && !ferror(out) ? -ENOMEM : 0; /* what the stream says, the caller asks for */
}

/* ---- seccompiler ---- */

static void put_condition(unsigned arg, uint64_t mask, uint64_t value, FILE *out)
{
	const bool dword = mask <= UINT32_MAX;

	(void)fprintf(out, "{\"index\": %u, \"type\": \"%s\", \"op\": ", arg,
		      dword ? "dword" : "qword");
	if (mask == (dword ? UINT32_MAX : UINT64_MAX))
		(void)fputs("\"eq\"", out);
	else
		(void)fprintf(out, "{\"masked_eq\": %" PRIu64 "}", mask);
	(void)fprintf(out, ", \"val\": %" PRIu64 "}", value);
}

/* JSON has no comments, and seccompiler refuses keys that it does not know: but a rule may have
 * one. So the first has what there is to say. */
static int put_rule(const struct export_parts *parts, const struct export_call *call,
		    const struct shape *shape, bool first, FILE *out)
{
	const char *text = "";
	bool any = false;

	(void)fprintf(out, "%s\t\t\t{\"syscall\": \"%s\"", first ? "" : ",\n", call->name);
	for (size_t i = 0; i < parts->n_notes && text && first; i++)
		text = arena_printf(parts->arena, "%s%s%s", text, i ? " | " : "", parts->notes[i]);
	(void)fputs(first ? ", \"comment\": " : "", out);
	if (!text || (first && put_string(text, out) < 0))
		return -ENOMEM;
	for (unsigned i = 0; i < 6; i++) {
		if (!shape->mask[i])
			continue;
		(void)fputs(any ? ", " : ", \"args\": [", out);
		put_condition(i, shape->mask[i], shape->value[i], out);
		any = true;
	}
	(void)fputs(any ? "]}" : "}", out);
	return 0;
}

static bool is_left_out(const struct export_parts *parts, const struct export_call *call)
{
	(void)parts;
	return call->young && (!call->whole || call->action == SECCOMP_RET_ALLOW);
}

static bool has_other_error(const struct export_parts *parts)
{
	for (size_t i = 0; i < parts->policy->n_rules; i++)
		if (parts->policy->rules[i].action == RULE_ERRNO ||
		    parts->policy->rules[i].action == RULE_KILL)
			return true;
	return false;
}

static int note_seccompiler(struct export_parts *parts)
{
	int r;

	if (export_kills(parts))
		r = export_note(parts,
				"Not carried: that clone3, and calls newer than this program's "
				"table, get ENOSYS. They kill here, since what is refused has "
				"one action: with glibc 2.34 or later a program that makes "
				"threads needs on_violation = errno.");
	else
		r = export_note(parts,
				"Other than the policy: all that is refused gets ENOSYS "
				"instead of EPERM. It has one action, and without ENOSYS for "
				"clone3 libc could make no threads.");
	if (r == 0 && has_other_error(parts))
		r = export_note(parts, "Not carried: the errors that rules name, and their kill.");
	if (r == 0)
		r = export_note_calls(parts,
				      "Narrower than the policy: seccompiler has no names for ",
				      is_left_out, ", which are refused.");
	return r;
}

static int put_permitted(const struct export_parts *parts, const struct export_call *call,
			 bool *first, FILE *out)
{
	const struct shape any = {.mask = {0}};
	int r = 0;

	if (call->whole && call->action == SECCOMP_RET_ALLOW) {
		r = put_rule(parts, call, &any, *first, out);
		*first = false;
	}
	for (size_t k = 0; k < call->n_leaves && !call->whole && r == 0; k++) {
		if (call->leaves[k].action != SECCOMP_RET_ALLOW)
			continue;
		r = put_rule(parts, call, &call->leaves[k].shape, *first, out);
		*first = false;
	}
	return r;
}

int export_write_seccompiler(struct export_parts *parts, FILE *out, struct sbx_err *err)
{
	bool first = true;
	int r;

	(void)err; /* no memory is the only thing that can happen, and the caller says that */
	r = note_seccompiler(parts);
	if (r < 0)
		return r;
	(void)fputs("{\n\t\"main\": {\n", out);
	if (export_kills(parts))
		(void)fputs("\t\t\"default_action\": \"kill_process\",\n", out);
	else
		(void)fprintf(out, "\t\t\"default_action\": {\"errno\": %d},\n", ENOSYS);
	(void)fputs("\t\t\"filter_action\": \"allow\",\n\t\t\"filter\": [\n", out);
	for (size_t i = 0; i < parts->n_calls && r == 0; i++)
		if (!is_left_out(parts, &parts->calls[i]))
			r = put_permitted(parts, &parts->calls[i], &first, out);
	(void)fputs("\n\t\t]\n\t}\n}\n", out);
	return r;
}

/* ---- OCI ---- */

static void put_action(const char *key, const char *errno_key, uint32_t action, FILE *out)
{
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		(void)fprintf(out, "\"%s\": \"SCMP_ACT_ALLOW\"", key);
		break;
	case SECCOMP_RET_ERRNO:
		(void)fprintf(out, "\"%s\": \"SCMP_ACT_ERRNO\", \"%s\": %u", key, errno_key,
			      action & SECCOMP_RET_DATA);
		break;
	default:
		(void)fprintf(out, "\"%s\": \"SCMP_ACT_KILL_PROCESS\"", key);
		break;
	}
}

/* All calls that come to @action whatever their arguments. */
static bool put_whole(const struct export_parts *parts, uint32_t action, bool first, FILE *out)
{
	size_t n = 0;

	for (size_t i = 0; i < parts->n_calls; i++) {
		if (!export_call_is(&parts->calls[i], action))
			continue;
		if (!n)
			(void)fprintf(out, "%s\t\t{\"names\": [", first ? "" : ",\n");
		(void)fputs(n % 6 ? ", " : n ? ",\n\t\t\t" : "\n\t\t\t", out);
		(void)fprintf(out, "\"%s\"", parts->calls[i].name);
		n++;
	}
	if (!n)
		return first;
	(void)fputs("\n\t\t], ", out);
	put_action("action", "errnoRet", action, out);
	(void)fputs("}", out);
	return false;
}

static void put_leaf(const struct export_call *call, uint32_t action, const struct shape *shape,
		     FILE *out)
{
	bool any = false;

	(void)fprintf(out, ",\n\t\t{\"names\": [\"%s\"], ", call->name);
	put_action("action", "errnoRet", action, out);
	(void)fputs(", \"args\": [", out);
	for (unsigned i = 0; i < 6; i++) {
		uint64_t mask = shape->mask[i], value = shape->value[i];

		if (!mask)
			continue;
		(void)fprintf(out, "%s{\"index\": %u, ", any ? ", " : "", i);
		if (mask == UINT64_MAX)
			(void)fprintf(out, "\"value\": %" PRIu64 ", \"op\": \"SCMP_CMP_EQ\"}",
				      value);
		else
			(void)fprintf(out,
				      "\"value\": %" PRIu64 ", \"valueTwo\": %" PRIu64
				      ", \"op\": \"SCMP_CMP_MASKED_EQ\"}",
				      mask, value);
		any = true;
	}
	(void)fputs("]}", out);
}

static void put_leaves(const struct export_call *call, FILE *out)
{
	for (size_t i = 0; i < call->n_leaves && !call->whole; i++) {
		struct shape shapes[2];
		unsigned n = export_deepen(call, &call->leaves[i].shape, shapes);

		for (unsigned k = 0; k < n; k++)
			put_leaf(call, call->leaves[i].action, &shapes[k], out);
	}
}

static bool is_first_of_action(const struct export_parts *parts, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (export_call_is(&parts->calls[k], parts->calls[i].action))
			return false;
	return parts->calls[i].whole && parts->calls[i].action != parts->deny;
}

static int note_oci(struct export_parts *parts)
{
	if (export_kills(parts))
		return export_note(parts,
				   "Not carried: that calls newer than this program's table get "
				   "ENOSYS. They kill here.");
	return export_note(parts,
			   "Other than the policy: calls newer than this program's table get "
			   "EPERM instead of ENOSYS, unless the runtime knows better, as runc "
			   "does.");
}

/* An array under a key of its own: the specification has readers pass by what they do not know. */
static int put_comment_array(const struct export_parts *parts, FILE *out)
{
	int r = 0;

	(void)fputs("\t\"comment\": [\n", out);
	for (size_t i = 0; i < parts->n_notes && r == 0; i++) {
		(void)fputs("\t\t", out);
		r = put_string(parts->notes[i], out);
		(void)fputs(i + 1 < parts->n_notes ? ",\n" : "\n\t],\n", out);
	}
	return r;
}

int export_write_oci(struct export_parts *parts, FILE *out, struct sbx_err *err)
{
	bool first = true;
	int r;

	(void)err; /* as above */
	r = note_oci(parts);
	if (r < 0)
		return r;
	(void)fputs("{\n", out);
	r = put_comment_array(parts, out);
	(void)fputs("\t", out);
	put_action("defaultAction", "defaultErrnoRet", parts->deny, out);
	(void)fputs(",\n\t\"architectures\": [\"" OCI_ARCH "\"],\n\t\"syscalls\": [\n", out);
	for (size_t i = 0; i < parts->n_calls; i++)
		if (is_first_of_action(parts, i))
			first = put_whole(parts, parts->calls[i].action, first, out);
	for (size_t i = 0; i < parts->n_calls; i++)
		put_leaves(&parts->calls[i], out);
	(void)fputs("\n\t]\n}\n", out);
	return r;
}
