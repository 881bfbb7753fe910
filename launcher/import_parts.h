/* SPDX-License-Identifier: MIT */
/* What the files of --import share. */
#pragma once

#include <jansson.h>

#include "../shim/arena.h"
#include "../shim/rule.h"
#include "export_shapes.h"
#include "import.h"

/* One entry of a profile for one call of this architecture. */
struct import_rule {
	struct rule rule;  /* .action: RULE_ALLOW or RULE_DENY */
	const char *where; /* its place in the file, "syscalls[3]" */
};

/* A profile, whatever its format: rules that deny are looked at first, then those that allow; what
 * none matches comes to the default. */
struct import_profile {
	struct arena *arena; /* borrowed: all memory */
	const char *name;    /* the file */
	bool permits;	     /* by default */
	bool kills;	     /* what it refuses */
	struct import_rule *rules;
	size_t n_rules, cap_rules;
	const char **notes; /* what could not be carried */
	size_t n_notes, cap_notes;
	const char *strangers; /* names that are no calls here, ", " between them */
};

/* ---- JSON ---- */

/* As json_loadb(), but for whole numbers that only an unsigned 64-bit number holds, which jansson
 * refuses: they become strings that begin with '#'. *ret: caller gives back with json_decref(). */
must_check int import_parse(const char *name, const char *text, size_t len, json_t **ret,
			    struct sbx_err *err) nonnull(1, 2, 4, 5);

/* The number in @value, also one of those. False: none, or negative. */
bool import_unsigned(const json_t *value, uint64_t *ret) nonnull(2);

must_check int import_read_oci(json_t *root, struct import_profile *ret, struct sbx_err *err);
must_check int import_read_seccompiler(json_t *root, struct import_profile *ret,
				       struct sbx_err *err);

/* ---- building a profile ---- */

must_check int import_note(struct import_profile *profile, const char *fmt, ...) printf_like(2, 3);

/* "FILE: PLACE: message" */
#define import_fail(profile, err, ...) err_at(err, -EINVAL, (profile)->name, 0, __VA_ARGS__)

/* Begin a rule about @call. False: this architecture has no such call; *ret_r is 0 or -ENOMEM. */
bool import_rule_begin(struct import_profile *profile, const char *call, bool allow,
		       const char *where, struct import_rule *ret, int *ret_r);

/* One condition more, in the width in which the kernel looks at the argument: bits above are
 * ignored, as the kernel ignores them. */
struct import_condition {
	unsigned arg;
	enum rule_op op;
	unsigned bits; /* 32 or 64, as the profile has it */
	uint64_t mask; /* with RULE_EQ; else all */
	uint64_t value;
};

enum import_state {
	IMPORT_OPEN,	/* may match */
	IMPORT_NEVER,	/* can never match */
	IMPORT_UNKNOWN, /* cannot be said in a rule */
};
enum import_state import_rule_add(struct import_rule *rule,
				  const struct import_condition *condition) nonnull(1, 2);

/* Into the profile, unless it can never match; one that cannot be said denies all of the call, or
 * is left out when it allows. Returns 0 or -ENOMEM. */
must_check int import_rule_end(struct import_profile *profile, struct import_rule *rule,
			       enum import_state state) nonnull(1, 2);

/* ---- the policy ---- */

must_check int import_write_policy(struct import_profile *profile, FILE *out, struct sbx_err *err)
	nonnull(1, 2, 3);
