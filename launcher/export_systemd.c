/* SPDX-License-Identifier: MIT */
/* A unit's lines: systemd.exec(5). SystemCallFilter= knows calls only by name. So a call of which a
 * part is permitted is refused, except for those without which hardly any program runs; for some of
 * these there is another line that looks at the arguments. */
#include "export_parts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <linux/sched.h>

#include "../shim/decode_table.h"

#define WIDTH 90 /* columns of a list */

/* Permitted as a whole when a part is. No array of pointers. */
static const char wide[][16] = {
	"arch_prctl",	 "chmod",      "clone",	     "fchmod",	   "fchmodat",
	"fchmodat2",	 "fcntl",      "getsockopt", "ioctl",	   "mmap",
	"mprotect",	 "newfstatat", "open",	     "openat",	   "personality",
	"pkey_mprotect", "prctl",      "prlimit64",  "sendmmsg",   "sendmsg",
	"sendto",	 "setsockopt", "socket",     "socketpair", "statx",
};

static bool is_wide(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(wide); i++)
		if (strcmp(wide[i], name) == 0)
			return true;
	return false;
}

static bool has_allowed_leaf(const struct export_call *call)
{
	for (size_t i = 0; i < call->n_leaves; i++)
		if (call->leaves[i].action == SECCOMP_RET_ALLOW)
			return true;
	return false;
}

static bool is_widened(const struct export_parts *parts, const struct export_call *call)
{
	(void)parts;
	return !call->whole && has_allowed_leaf(call) && is_wide(call->name);
}

static bool is_narrowed(const struct export_parts *parts, const struct export_call *call)
{
	(void)parts;
	return !call->whole && has_allowed_leaf(call) && !is_wide(call->name);
}

static bool is_permitted(const struct export_parts *parts, const struct export_call *call)
{
	return export_call_is(call, SECCOMP_RET_ALLOW) || is_widened(parts, call);
}

static const struct export_call *find_call(const struct export_parts *parts, const char *name)
{
	for (size_t i = 0; i < parts->n_calls; i++)
		if (strcmp(parts->calls[i].name, name) == 0)
			return &parts->calls[i];
	return NULL;
}

static bool refuses(const struct export_parts *parts, const char *name)
{
	const struct export_call *call = find_call(parts, name);

	return !call || !is_permitted(parts, call);
}

/* No shape with a bit of @bits in argument @arg is permitted. */
static bool refuses_bits(const struct export_parts *parts, const char *name, unsigned arg,
			 uint64_t bits)
{
	const struct export_call *call = find_call(parts, name);

	if (!call || (call->whole && call->action != SECCOMP_RET_ALLOW))
		return true;
	for (size_t i = 0; i < call->n_leaves; i++) {
		const struct shape *shape = &call->leaves[i].shape;

		if (call->leaves[i].action == SECCOMP_RET_ALLOW &&
		    ((shape->mask[arg] & bits) != bits || (shape->value[arg] & bits)))
			return false;
	}
	return !call->whole;
}

/* ---- lists ---- */

struct list {
	const char *key;
	FILE *out; /* borrowed */
	size_t column;
};

static void put_item(struct list *list, const char *item, const char *suffix)
{
	size_t len = strlen(item) + strlen(suffix);

	if (list->column && list->column + 1 + len > WIDTH) {
		(void)fputc('\n', list->out);
		list->column = 0;
	}
	if (!list->column)
		list->column = (size_t)fprintf(list->out, "%s=%s%s", list->key, item, suffix);
	else
		list->column += (size_t)fprintf(list->out, " %s%s", item, suffix);
}

static void end_list(struct list *list)
{
	if (list->column)
		(void)fputc('\n', list->out);
	list->column = 0;
}

/* ":ENOSYS" for what gets another error than the others. */
static const char *error_suffix(const struct export_parts *parts, uint32_t action)
{
	const char *name;

	if (action == parts->deny)
		return "";
	if ((action & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO)
		return ":kill";
	name = rule_errno_name((int)(action & SECCOMP_RET_DATA));
	return name ? arena_printf(parts->arena, ":%s", name) : ":EPERM";
}

/* What gets an error of its own: an entry that is taken out of a list of what is permitted may name
 * one. */
static int put_errors(const struct export_parts *parts, FILE *out)
{
	struct list list = {.key = "SystemCallFilter", .out = out};

	for (size_t i = 0; i < parts->n_calls; i++) {
		const struct export_call *call = &parts->calls[i];
		const char *suffix, *name = call->name;

		if (!call->whole || call->action == SECCOMP_RET_ALLOW ||
		    call->action == parts->deny)
			continue;
		suffix = error_suffix(parts, call->action);
		if (suffix)
			name = arena_printf(parts->arena, "~%s", name);
		if (!suffix || !name)
			return -ENOMEM;
		put_item(&list, name, suffix);
		end_list(&list);
	}
	return 0;
}

static void put_names(const struct export_parts *parts, bool young, FILE *out)
{
	struct list list = {.key = "SystemCallFilter", .out = out};

	for (size_t i = 0; i < parts->n_calls; i++)
		if (is_permitted(parts, &parts->calls[i]) && parts->calls[i].young == young)
			put_item(&list, parts->calls[i].name, "");
	end_list(&list);
}

static int put_calls(const struct export_parts *parts, FILE *out)
{
	put_names(parts, false, out);
	(void)fputs("# Names that an older systemd passes by with a word:\n", out);
	put_names(parts, true, out);
	return put_errors(parts, out);
}

/* The families of which socket(2) permits some type. */
static void put_families(const struct export_parts *parts, FILE *out)
{
	struct list list = {.key = "RestrictAddressFamilies", .out = out};
	const struct export_call *call = find_call(parts, "socket");
	uint64_t seen = 0;

	if (call && export_call_is(call, SECCOMP_RET_ALLOW))
		return; /* a rule permits all */
	for (size_t i = 0; call && i < call->n_leaves && !call->whole; i++) {
		const struct shape *shape = &call->leaves[i].shape;

		if (call->leaves[i].action != SECCOMP_RET_ALLOW)
			continue;
		if ((uint32_t)shape->mask[0] != UINT32_MAX || shape->value[0] >= AF_MAX)
			return; /* a rule permits more than can be listed */
		seen |= UINT64_C(1) << shape->value[0];
	}
	for (size_t i = 0; i < decode_constants_count; i++) {
		const struct decode_constant *constant = &decode_constants[i];

		if (constant->kind != K_FAMILY || constant->value >= 64 ||
		    !(seen & UINT64_C(1) << constant->value))
			continue;
		put_item(&list, constant->name, "");
		seen &= ~(UINT64_C(1) << constant->value);
	}
	if (!list.column)
		put_item(&list, "none", "");
	end_list(&list);
}

static void put_ports(const struct policy *policy, FILE *out)
{
	if (!(policy->port_kinds & PORT_BIND))
		return;
	for (size_t i = 0; i < policy->n_ports; i++)
		if (policy->ports[i].access == PORT_BIND)
			(void)fprintf(out, "SocketBindAllow=tcp:%u\n", policy->ports[i].port);
	(void)fputs("SocketBindDeny=tcp\n", out);
}

/* ---- what looks at arguments ---- */

/* clone(2) cannot make a new time namespace. */
#define CLONE_NEW_ANY                                                                  \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	 CLONE_NEWPID | CLONE_NEWNET)

static void put_switches(const struct export_parts *parts, FILE *out)
{
	(void)fputs("NoNewPrivileges=yes\nSystemCallArchitectures=native\n", out);
	if (!export_kills(parts))
		(void)fputs("SystemCallErrorNumber=EPERM\n", out);
	if (refuses(parts, "unshare") && refuses(parts, "setns") &&
	    refuses_bits(parts, "clone", 0, CLONE_NEW_ANY))
		(void)fputs("RestrictNamespaces=yes\n", out);
	if (refuses_bits(parts, "mprotect", 2, PROT_EXEC))
		(void)fputs("MemoryDenyWriteExecute=yes\n", out);
	if (refuses_bits(parts, "chmod", 1, S_ISUID | S_ISGID) &&
	    refuses_bits(parts, "fchmod", 1, S_ISUID | S_ISGID) &&
	    refuses_bits(parts, "fchmodat", 2, S_ISUID | S_ISGID))
		(void)fputs("RestrictSUIDSGID=yes\n", out);
	if (!export_call_is(find_call(parts, "personality"), SECCOMP_RET_ALLOW))
		(void)fputs("LockPersonality=yes\n", out);
}

static int note_systemd(struct export_parts *parts)
{
	int r;

	r = export_note_calls(parts,
			      "Wider than the policy: SystemCallFilter= cannot look at arguments, "
			      "and hardly any program runs without ",
			      is_widened,
			      ", of which the policy permits a part. For some of it there are the "
			      "lines after it: socket families, namespaces, executable memory, "
			      "set-user-ID bits.");
	if (r == 0)
		r = export_note_calls(parts,
				      "Narrower than the policy, for the same reason: refused "
				      "altogether is ",
				      is_narrowed, ", of which the policy permits a part.");
	if (r == 0 && refuses_bits(parts, "mprotect", 2, PROT_EXEC))
		r = export_note(parts,
				"MemoryDenyWriteExecute= is not the same as no prot_exec: new "
				"memory that is executable but not writable stays possible.");
	if (r == 0 && refuses_bits(parts, "openat", 2, O_ACCMODE | O_CREAT))
		r = export_note(parts,
				"The policy opens nothing for writing: ReadOnlyPaths=/ is near "
				"to that.");
	if (r == 0 && (parts->policy->port_kinds & PORT_BIND))
		r = export_note(parts,
				"SocketBindDeny= stands for bind_tcp, where systemd was built "
				"with it.");
	if (r == 0)
		r = export_note(parts, "systemd itself adds @default (execve, exit, clocks and "
				       "sleeping, …), and refuses calls newer than this program's "
				       "table by the error below instead of ENOSYS.");
	return r;
}

int export_write_systemd(struct export_parts *parts, FILE *out, struct sbx_err *err)
{
	int r;

	(void)err; /* no memory is the only thing that can happen, and the caller says that */
	r = note_systemd(parts);
	if (r < 0)
		return r;
	export_put_notes(parts, "# ", out);
	(void)fputs("[Service]\n", out);
	put_switches(parts, out);
	put_families(parts, out);
	put_ports(parts->policy, out);
	return put_calls(parts, out);
}
