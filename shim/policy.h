/* SPDX-License-Identifier: MIT */
/* A policy in memory: what a file or the flags say, before any path is looked at. Pure: touches no
 * system state. */
#pragma once

#include <stdio.h>

#include "arena.h"
#include "err.h"
#include "promise.h"
#include "util.h"

#define POLICY_FILE_MAX	 (64 * 1024) /* bytes; larger files are refused */
#define POLICY_LINE_MAX	 4000	     /* bytes without the newline */
#define POLICY_FILES_MAX 16	     /* the file itself and what it includes */
#define POLICY_PORTS_MAX 600	     /* of one kind: they fit one line when they are written back */

/* Where a line came from. file: "-p", "-v", "built-in default" or a path. line: 0 when there is
 * none. */
struct origin {
	const char *file; /* borrowed from the policy's arena or static */
	unsigned line;
};

struct unveil_line {
	const char *path; /* absolute, variables expanded; borrowed from the arena */
	uint8_t perms;	  /* enum perm; PERM_X always comes with PERM_R */
	bool optional;	  /* "r?": a missing path is no error */
	struct origin from;
	const char *written; /* what a file must say to get @path: with its variables, a relative
				flag after ${PWD}/ */
};

enum port_access {
	PORT_BIND = 1 << 0,
	PORT_CONNECT = 1 << 1,
};

struct port_line {
	uint16_t port;	/* host order */
	uint8_t access; /* one of enum port_access */
	struct origin from;
};

enum violation {
	VIOLATION_ERRNO,
	VIOLATION_KILL,
	VIOLATION_LOG, /* reported by a supervisor, and let through */
};

struct rule;

struct policy {
	struct arena arena; /* owned: every string and array below */
	uint64_t promises;
	struct origin promises_from; /* the last line that added promises */
	enum violation on_violation;
	bool unveil;	  /* false: unveil = off */
	bool best_effort; /* require = best-effort */
	bool report;	  /* report = yes: say what is denied */
	bool scope_open;  /* scope = open */
	bool self_modify;
	bool unsafe_syscalls; /* [syscalls] may allow what leads out of every sandbox */
	const char *program;  /* absolute path, or NULL */
	struct origin program_from;
	const char *name; /* for messages: the file's path, "flags" or "built-in default" */
	const char *files[POLICY_FILES_MAX]; /* absolute paths of every file that was read */
	size_t n_files;
	struct unveil_line *unveils;
	size_t n_unveils, cap_unveils;
	struct port_line *ports;
	size_t n_ports, cap_ports;
	uint8_t port_kinds; /* enum port_access: the kinds that [net] names; others are left to the
			       promises */
	struct rule *rules; /* [syscalls], allow and deny in the order of lines: rule.h */
	size_t n_rules, cap_rules;
};

/* The environment that policies are read in: what ${…} expands to. All borrowed. */
struct policy_env {
	char *const *envp; /* NULL-terminated; getenv() does not work in the constructor */
	const char *cwd;   /* absolute; what ${PWD} means, whatever the variable says */
	unsigned uid;
};

/* An empty policy that permits nothing: no promises, unveil on, errno. */
void policy_init(struct policy *policy) nonnull(1);
void policy_done(struct policy *policy);

/* The built-in default: these promises, and r = ${PWD}. They also go with -v where no -p is given.
 */
#define POLICY_DEFAULT_PROMISES "stdio rpath tty"
must_check int policy_set_default(struct policy *policy, const struct policy_env *env,
				  struct sbx_err *err) nonnull(1, 2, 3);

/* -p WORDS, or the value of `promises =`: adds to what is there. */
must_check int policy_add_promises(struct policy *policy, const char *words, struct origin from,
				   struct sbx_err *err) nonnull(1, 2, 4);

/* One [unveil] line: letters "r?", "rwc"; @path may hold variables and a leading ~/. When
 * @cwd_relative, a relative path is taken from env->cwd, else it is an error. Globs (* ? [) are
 * refused by name (not in what a variable stands for), and so is what no policy file could say:
 * control bytes, a blank before `;`, a blank at the end. */
must_check int policy_add_unveil(struct policy *policy, const char *letters, const char *path,
				 bool cwd_relative, struct origin from,
				 const struct policy_env *env, struct sbx_err *err)
	nonnull(1, 2, 3, 6, 7);

/* -v ARG: "PERM:PATH" or a bare PATH (= r). */
must_check int policy_add_unveil_flag(struct policy *policy, const char *arg,
				      const struct policy_env *env, struct sbx_err *err)
	nonnull(1, 2, 3, 4);

/* Ports of one kind, a blank-separated list: adds to what is there. An empty list names the kind,
 * so that it permits none. A port that is there already is harmless. */
must_check int policy_add_ports(struct policy *policy, enum port_access access, const char *list,
				struct origin from, struct sbx_err *err) nonnull(1, 3, 5);

/* One line of [syscalls]: see rule.h. */
must_check int policy_add_rule(struct policy *policy, bool allow, const char *text,
			       struct origin from, struct sbx_err *err) nonnull(1, 3, 5);

/* The rules together, once all are there: -EINVAL when one can never decide, or needs
 * unsafe_syscalls. */
must_check int policy_check_rules(const struct policy *policy, struct sbx_err *err) nonnull(1, 2);

/* `program =`: an absolute path, after variables. */
must_check int policy_set_program(struct policy *policy, const char *path, struct origin from,
				  const struct policy_env *env, struct sbx_err *err)
	nonnull(1, 2, 4, 5);

/* "rwxc" in that order, the letters that are set; at most 5 bytes with the NUL. */
void perm_format(uint8_t perms, char buf[5]) nonnull(2);

/* A complete policy file that reads back to an equal policy in the same environment: the body of
 * --print-policy. Implied paths follow as comments that name their promise. For the launcher: the
 * shim has no FILE. */
void policy_print(const struct policy *policy, const struct policy_env *env, FILE *out)
	nonnull(1, 2, 3);

/* Expand ${HOME} ${USER} ${PWD} ${TMPDIR} ${XDG_…} ${UID} and a leading ~/ in @text into arena
 * memory, once: what a variable's value says is not expanded again. XDG_CONFIG_HOME,
 * XDG_CACHE_HOME, XDG_DATA_HOME and TMPDIR have the defaults of their standards when unset; another
 * unset or unknown one is -EINVAL, and so is HOME or TMPDIR that is not absolute. (An XDG directory
 * that is not absolute counts as unset: so says the XDG Base Directory Specification.) A result
 * that does not fit PATH_MAX is -ENAMETOOLONG. */
must_check int policy_expand_buf(const char *text, const struct policy_env *env, char ret[PATH_MAX],
				 struct sbx_err *err) nonnull(1, 2, 3, 4);
must_check int policy_expand(struct arena *arena, const char *text, const struct policy_env *env,
			     const char **ret, struct sbx_err *err) nonnull(1, 2, 3, 4, 5);

/* The value of @name in @envp, NULL when unset or empty. */
const char *env_get(char *const *envp, const char *name) nonnull(2);
