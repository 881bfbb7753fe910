/* SPDX-License-Identifier: MIT */
/* Finding what will really run: PATH, the #! chain (env looked through), and the kind of ELF file
 * at its end. */
#pragma once

#include <limits.h>

#include "../shim/arena.h"
#include "../shim/err.h"
#include "libraries.h"

#define PROGRAM_FILES_MAX 8 /* scripts and interpreters; the kernel follows four #! lines */

enum program_kind {
	PROGRAM_GLIBC,	/* dynamically linked with glibc's loader, our class and machine: the shim
			   can enter */
	PROGRAM_STATIC, /* no interpreter: static or static-pie */
	PROGRAM_FOREIGN, /* another loader (musl …), or file capabilities: LD_PRELOAD may be ignored
			  */
};

struct program {
	struct arena arena; /* owned: all strings below */
	const char *path;   /* what to execve(), as found (absolute or as given with a slash) */
	char **argv;	    /* NULL-terminated, what to pass it */
	char **envp;	    /* NULL-terminated: the environment, as `env` in a #! line changed it */
	const char *name;   /* base name of what the person asked for: finds the policy */
	const char *real_name; /* base name of its real path */
	const char *real_path; /* the real path of what the person asked for (script or binary) */
	/* Every file that the kernel opens to execute it: scripts, interpreters, the binary. Real
	 * paths. */
	const char *files[PROGRAM_FILES_MAX + 1]; /* NULL-terminated */
	size_t n_files;
	enum program_kind kind; /* of the last binary */
	const char *loader;	/* PT_INTERP of the last binary, as written; NULL when static */
	/* Libraries outside the standard directories that its loader will open; none when static.
	 */
	struct libraries libraries;
};

/* Resolve @argv[0] through PATH of @envp, then #! lines, then the ELF header. Executes nothing.
 * Returns 0; -ENOENT not found (exit 127); -EACCES, -ENOEXEC, -ELOOP, -EISDIR … found but cannot be
 * executed (exit 126): no #! line and no ELF, 32-bit or foreign machine, missing interpreter, an
 * `env` option that we cannot look through; -E2BIG, -EMFILE … what libraries_find() says. */
must_check int program_resolve(char *const *argv, char *const *envp, struct program *ret,
			       struct sbx_err *err) nonnull(1, 2, 3, 4);
void program_done(struct program *program);
