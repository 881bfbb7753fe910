/* SPDX-License-Identifier: MIT */
/* What of a policy could go, given what was seen. Pure. */
#include <criterion/criterion.h>

#include "../launcher/audit_parts.h"
#include "../shim/policy.h"

TestSuite(audit_decide);

struct world {
	struct audit_facts facts;
	struct policy policy;
	struct audit_used used;
	uint8_t letters[4];
};

static void begin(struct world *w, uint64_t promises, const uint8_t *perms, size_t n_lines)
{
	static struct unveil_line lines[4];

	*w = (struct world){0};
	policy_init(&w->policy);
	w->policy.promises = promises | P(STDIO);
	for (size_t i = 0; i < n_lines; i++)
		lines[i].perms = perms[i];
	w->policy.unveils = lines;
	w->policy.n_unveils = n_lines;
	w->used.letters = w->letters;
}

static void end(struct world *w)
{
	w->policy.unveils = NULL;
	w->policy.n_unveils = 0;
	policy_done(&w->policy);
	arena_done(&w->facts.arena);
}

/* A file that one line covers, and that a promise implies with these letters. */
static void touch(struct world *w, size_t line, uint64_t rights, int promise, uint8_t implied)
{
	struct audit_access access = {
		.rights = rights &
			  (landlock_access(w->policy.unveils[line].perms, w->policy.promises) |
			   landlock_access_implied(implied, w->policy.promises)),
		.line = AUDIT_ANY_LINE,
		.perms = w->policy.unveils[line].perms};

	if (promise >= 0)
		access.implied[promise] = implied;
	audit_add_access(&w->facts, &access);
	access.line = line;
	audit_add_access(&w->facts, &access);
}

Test(audit_decide, promises)
{
	static const struct {
		const char *name;
		uint64_t promises;
		struct audit_need needs[3];
		uint64_t used;
	} rows[] = {
		{"nothing was done", P(RPATH) | P(INET), {{{0}, 0}}, 0},
		{"one of two", P(RPATH) | P(INET), {{{.any = P(INET)}, 0}}, P(INET)},
		{"whichever of several",
		 P(INET) | P(DNS),
		 {{{.any = P(INET) | P(DNS)}, 0}},
		 P(INET)},
		{"what the call suggests",
		 P(UNIX) | P(INET) | P(DNS),
		 {{{.any = P(UNIX) | P(INET) | P(DNS)}, P(DNS)}},
		 P(DNS)},
		{"all of a set",
		 P(RPATH) | P(WPATH) | P(CPATH),
		 {{{.all = P(RPATH) | P(WPATH)}, 0}},
		 P(RPATH) | P(WPATH)},
		{"one that is there anyway",
		 P(RPATH) | P(FATTR),
		 {{{.any = P(RPATH) | P(FATTR)}, 0}, {{.any = P(FATTR)}, 0}},
		 P(FATTR)},
		{"where Landlock bounds the path",
		 P(RPATH) | P(WPATH) | P(TMPPATH),
		 {{{.all = P(RPATH) | P(WPATH), .bounded = P(TMPPATH)}, 0},
		  {{.any = P(TMPPATH)}, 0}},
		 P(TMPPATH)},
		{"never told of",
		 P(ERROR) | P(UNVEIL) | P(THREAD),
		 {{{0}, 0}},
		 P(ERROR) | P(UNVEIL) | P(THREAD)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w;

		begin(&w, rows[i].promises, NULL, 0);
		for (size_t j = 0; j < ARRAY_SIZE(rows[i].needs); j++)
			if (rows[i].needs[j].need.any || rows[i].needs[j].need.all)
				audit_add_need(&w.facts, &rows[i].needs[j].need,
					       rows[i].needs[j].prefer);
		audit_decide(&w.facts, &w.policy, true, &w.used);
		cr_expect_eq(w.used.promises, rows[i].used | P(STDIO), "%s: %llx", rows[i].name,
			     (unsigned long long)w.used.promises);
		end(&w);
	}
}

Test(audit_decide, letters)
{
	static const struct {
		const char *name;
		uint64_t promises;
		uint8_t perms;
		uint64_t rights;
		int promise; /* implies it, too; -1: none */
		uint8_t implied;
		bool needed; /* for a call, too */
		uint8_t letters;
		uint64_t used;
	} rows[] = {
		{"read only", P(RPATH) | P(WPATH), PERM_R | PERM_W, FS_READ_FILE, -1, 0, false,
		 PERM_R, P(RPATH)},
		{"written", P(RPATH) | P(WPATH), PERM_R | PERM_W, FS_WRITE_FILE, -1, 0, false,
		 PERM_W, P(WPATH)},
		{"both", P(RPATH) | P(WPATH), PERM_R | PERM_W, FS_READ_FILE | FS_WRITE_FILE, -1, 0,
		 false, PERM_R | PERM_W, P(RPATH) | P(WPATH)},
		{"the letter grants nothing without its promise", P(WPATH), PERM_R | PERM_W,
		 FS_READ_FILE | FS_WRITE_FILE, -1, 0, false, PERM_W, P(WPATH)},
		{"removed", P(CPATH), PERM_R | PERM_C, FS_REMOVE_FILE, -1, 0, false, PERM_C,
		 P(CPATH)},
		{"x comes with r", P(EXEC), PERM_R | PERM_X, FS_EXECUTE, -1, 0, false,
		 PERM_R | PERM_X, P(EXEC)},
		{"rx, read", P(RPATH) | P(EXEC), PERM_R | PERM_X, FS_READ_FILE, -1, 0, false,
		 PERM_R, P(RPATH)},
		{"a promise that is there anyway implies it", P(GETPW) | P(RPATH), PERM_R,
		 FS_READ_FILE, PROMISE_GETPW, PERM_R, true, 0, P(GETPW)},
		{"only a promise implies it", P(GETPW), 0, FS_READ_FILE, PROMISE_GETPW, PERM_R,
		 false, 0, P(GETPW)},
		{"the line does, so that the promise can go", P(GETPW) | P(RPATH), PERM_R,
		 FS_READ_FILE, PROMISE_GETPW, PERM_R, false, PERM_R, P(RPATH)},
		{"the promise implies less", P(GETPW) | P(RPATH) | P(WPATH), PERM_R | PERM_W,
		 FS_READ_FILE | FS_WRITE_FILE, PROMISE_GETPW, PERM_R, true, PERM_W,
		 P(GETPW) | P(WPATH)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w;

		begin(&w, rows[i].promises, &rows[i].perms, 1);
		touch(&w, 0, rows[i].rights, rows[i].promise, rows[i].implied);
		if (rows[i].needed)
			audit_add_need(&w.facts,
				       &(struct requirement){.any = UINT64_C(1) << rows[i].promise},
				       0);
		audit_decide(&w.facts, &w.policy, true, &w.used);
		cr_expect_eq(w.used.letters[0], rows[i].letters, "%s: letters %x", rows[i].name,
			     w.used.letters[0]);
		cr_expect_eq(w.used.promises, rows[i].used | P(STDIO), "%s: %llx", rows[i].name,
			     (unsigned long long)w.used.promises);
		end(&w);
	}
}

/* However many files: what differs is kept. */
Test(audit_decide, keeps_one_of_a_kind)
{
	static const uint8_t perms[] = {PERM_R | PERM_W};
	struct world w;

	begin(&w, P(RPATH) | P(WPATH), perms, 1);
	for (int i = 0; i < 1000; i++)
		touch(&w, 0, i % 2 ? FS_READ_FILE : FS_READ_DIR, -1, 0);
	cr_expect_eq(w.facts.n_accesses, 2, "%zu", w.facts.n_accesses);
	end(&w);
}
