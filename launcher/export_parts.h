/* SPDX-License-Identifier: MIT */
/* What the files of --export share. */
#pragma once

#include <errno.h>

#include <linux/seccomp.h>

#include "export.h"
#include "export_shapes.h"

#define EXPORT_SELF MATCH_SELF /* no process's number: see table.h */

/* One call of this architecture. */
struct export_call {
	const char *name;
	int nr;
	/* Newer than most tables of names: libseccomp 2.5.4, kernel 5.10. */
	bool young;
	bool whole;	 /* the same whatever the arguments: action */
	uint32_t action; /* SECCOMP_RET_…, whole */
	/* Not whole: shapes that exclude each other and do not come to export_parts.deny, which is
	 * what all others come to; as clauses_split() has them. */
	const struct clause *leaves;
	size_t n_leaves;
	uint8_t args; /* bits of the arguments that some leaf looks at */
};

struct export_parts {
	const struct export_request *request;
	const struct policy *policy;
	struct filter_request filter; /* export_filter_request() */
	uint32_t deny;		      /* what a refused call comes to */
	struct export_call *calls;    /* in the order of the table */
	size_t n_calls;
	struct arena *arena; /* borrowed */
	/* What there is to say, a line each, without what only the format itself knows. */
	const char **notes;
	size_t n_notes, cap_notes;
};

/* All calls of this architecture, into parts->calls. Returns 0, -ENOMEM, or -E2BIG naming the rule.
 */
must_check int export_find_calls(struct export_parts *parts, struct sbx_err *err) nonnull(1, 2);

/* One more thing to say. Returns 0 or -ENOMEM. */
must_check int export_note(struct export_parts *parts, const char *fmt, ...) printf_like(2, 3);

/* What is to be said whatever the format. */
must_check int export_add_notes(struct export_parts *parts) nonnull(1);

/* "FIRST read, write and 3 more LAST" as a note, with the calls that @wanted says yes to; none when
 * there are none. */
typedef bool (*export_wanted)(const struct export_parts *parts, const struct export_call *call);
must_check int export_note_calls(struct export_parts *parts, const char *first,
				 export_wanted wanted, const char *last) nonnull(1, 2, 3, 4);

/* All notes, wrapped, each line behind @prefix. What could end a comment is replaced. */
void export_put_notes(const struct export_parts *parts, const char *prefix, FILE *out)
	nonnull(1, 2, 3);

static inline bool export_call_is(const struct export_call *call, uint32_t action)
{
	return call->whole && call->action == action;
}

static inline bool export_is_errno(uint32_t action, int error)
{
	return action == (SECCOMP_RET_ERRNO | (uint32_t)error);
}

/* Is what the policy refuses killed? */
static inline bool export_kills(const struct export_parts *parts)
{
	return parts->deny == SECCOMP_RET_KILL_PROCESS;
}

/* The BPF of the filter, rules included; .self as in parts->filter. */
must_check int export_build(const struct export_parts *parts, int self, struct filter *ret,
			    struct sbx_err *err) nonnull(1, 3, 4);

int export_write_bpf(struct export_parts *parts, FILE *out, struct sbx_err *err);
int export_write_c(struct export_parts *parts, FILE *out, struct sbx_err *err);
int export_write_pfc(struct export_parts *parts, FILE *out, struct sbx_err *err);
int export_write_seccompiler(struct export_parts *parts, FILE *out, struct sbx_err *err);
int export_write_oci(struct export_parts *parts, FILE *out, struct sbx_err *err);
int export_write_systemd(struct export_parts *parts, FILE *out, struct sbx_err *err);
int export_write_minijail(struct export_parts *parts, FILE *out, struct sbx_err *err);
int export_write_strace(struct export_parts *parts, FILE *out, struct sbx_err *err);

/* @shape for libseccomp 2.5.4, which has a fault: what one call compares behind a branch that goes
 * deeper, and another behind a flat one, it compiles once, without the load that the first needs.
 * (Seen: socket's arg0 == AF_UNIX beside prctl's arg0 == 1 lets socket(AF_INET, SOCK_STREAM, 1)
 * through.) So all leaves of a call must be equally deep: one that is not becomes two, which tell
 * apart a bit that does not matter. Returns how many. */
unsigned export_deepen(const struct export_call *call, const struct shape *shape,
		       struct shape ret[2]) nonnull(1, 2, 3);

/* The same filter in libseccomp's hands, to be shown, not to be compiled (see above): *ret_ctx is
 * an scmp_filter_ctx, which the caller gives back with seccomp_release(). A call that the table
 * does not know comes to parts->deny. */
must_check int export_seccomp_new(const struct export_parts *parts, void **ret_ctx,
				  struct sbx_err *err) nonnull(1, 2, 3);
