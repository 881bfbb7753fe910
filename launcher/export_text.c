/* SPDX-License-Identifier: MIT */
/* minijail's .policy (minijail0(5)) and strace's filter. */
#include "export_parts.h"

#include <inttypes.h>
#include <string.h>

/* ---- minijail ---- */

/* Comparisons that are joined by &&. */
struct conjunction {
	const struct export_call *call;
	FILE *out; /* borrowed */
	bool any;
};

static void put_atom(struct conjunction *c, unsigned arg, const char *op, uint64_t value)
{
	(void)fprintf(c->out, "%sarg%u %s 0x%" PRIx64, c->any ? " && " : "", arg, op, value);
	c->any = true;
}

/* `==` looks at 64 bits. Of an int that a program has, the upper half is zero, or the sign once
 * more: @upper is the one of the two that is meant. What else could stand there, and the kernel
 * would ignore, is refused. */
static void put_value(struct conjunction *c, unsigned arg, uint64_t mask, uint64_t value,
		      uint64_t upper)
{
	uint64_t zeros = mask & ~value;

	if (mask == UINT64_MAX || mask == UINT32_MAX) {
		put_atom(c, arg, "==", value | upper);
		return;
	}
	for (unsigned bit = 0; bit < 64; bit++)
		if (value & UINT64_C(1) << bit)
			put_atom(c, arg, "&", UINT64_C(1) << bit); /* set */
	if (zeros)
		put_atom(c, arg, "in", ~zeros); /* none of these is set */
}

static bool has_two_uppers(uint64_t mask, uint64_t value)
{
	return mask == UINT32_MAX && value >> 31;
}

/* One leaf, which is more than one conjunction where an int has two uppers. */
static void put_leaf(const struct export_call *call, const struct shape *shape, bool *any,
		     FILE *out)
{
	unsigned twos = 0;

	for (unsigned i = 0; i < 6; i++)
		twos += has_two_uppers(shape->mask[i], shape->value[i]);
	for (unsigned which = 0; which < 1u << twos; which++) {
		struct conjunction c = {.call = call, .out = out};
		unsigned two = 0;

		(void)fputs(*any ? " || \\\n    " : "", out);
		*any = true;
		for (unsigned i = 0; i < 6; i++) {
			uint64_t upper = 0;

			if (has_two_uppers(shape->mask[i], shape->value[i]))
				upper = which >> two++ & 1 ? ~(uint64_t)UINT32_MAX : 0;
			if (shape->mask[i])
				put_value(&c, i, shape->mask[i], shape->value[i], upper);
		}
	}
}

static void put_refusal(uint32_t action, FILE *out)
{
	(void)fprintf(out, "return %u", action & SECCOMP_RET_DATA);
}

static void put_policy_line(const struct export_parts *parts, const struct export_call *call,
			    FILE *out)
{
	bool any = false;

	if (call->whole && call->action == SECCOMP_RET_KILL_PROCESS)
		return; /* as all that has no line */
	if (call->whole && call->action != SECCOMP_RET_ALLOW && call->young)
		return; /* a name that minijail does not know would be an error */
	(void)fprintf(out, "%s: ", call->name);
	if (call->whole && call->action == SECCOMP_RET_ALLOW) {
		(void)fputs("1\n", out);
		return;
	}
	for (size_t i = 0; i < call->n_leaves && !call->whole; i++)
		if (call->leaves[i].action == SECCOMP_RET_ALLOW)
			put_leaf(call, &call->leaves[i].shape, &any, out);
	if (call->whole)
		put_refusal(call->action, out);
	else if (!export_kills(parts)) {
		(void)fputs(any ? "; " : "", out);
		put_refusal(parts->deny, out);
	}
	(void)fputc('\n', out);
}

static bool is_left_out(const struct export_parts *parts, const struct export_call *call)
{
	(void)parts;
	return call->young && (!call->whole || call->action == SECCOMP_RET_ALLOW);
}

static bool compares_ints(const struct export_parts *parts, const struct export_call *call)
{
	(void)parts;
	for (size_t i = 0; i < call->n_leaves && !call->whole; i++)
		for (unsigned k = 0; k < 6; k++)
			if (call->leaves[i].action == SECCOMP_RET_ALLOW &&
			    call->leaves[i].shape.mask[k] == UINT32_MAX)
				return true;
	return false;
}

static int note_minijail(struct export_parts *parts)
{
	int r;

	r = export_note_calls(
		parts,
		"Narrower than the policy: == looks at 64 bits; where the kernel looks "
		"at 32 only, values with anything but zeros or the sign above are "
		"refused (",
		compares_ints, ").");
	if (r == 0)
		r = export_note_calls(parts,
				      "Left out, since not every minijail knows their names: ",
				      is_left_out, "; they kill.");
	if (r == 0)
		r = export_note(parts, "Calls that have no line kill, also those newer than this "
				       "program's table, which the policy answers with ENOSYS.");
	return r;
}

int export_write_minijail(struct export_parts *parts, FILE *out, struct sbx_err *err)
{
	int r;

	(void)err; /* no memory is the only thing that can happen, and the caller says that */
	r = note_minijail(parts);
	if (r < 0)
		return r;
	export_put_notes(parts, "# ", out);
	for (size_t i = 0; i < parts->n_calls; i++)
		if (!is_left_out(parts, &parts->calls[i]))
			put_policy_line(parts, &parts->calls[i], out);
	return 0;
}

/* ---- strace ---- */

int export_write_strace(struct export_parts *parts, FILE *out, struct sbx_err *err)
{
	bool any = false;
	int r;

	(void)err; /* as above */
	r = export_note(parts, "The calls that this policy refuses, always or with some arguments. "
			       "A path that Landlock refuses shows among them only by chance.");
	if (r < 0)
		return r;
	(void)fputs("-e trace=", out);
	for (size_t i = 0; i < parts->n_calls; i++) {
		const struct export_call *call = &parts->calls[i];

		if (export_call_is(call, SECCOMP_RET_ALLOW))
			continue;
		/* With a ? it is no error that strace does not know the name. */
		(void)fprintf(out, "%s?%s", any ? "," : "", call->name);
		any = true;
	}
	(void)fputs(any ? "\n" : "none\n", out);
	return 0;
}
