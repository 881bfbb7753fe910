/* SPDX-License-Identifier: MIT */
/* The library files outside the standard directories that the loader of a program will map before
 * its main(): ld.so(8)'s search, done ahead. The program chooses the names and directories and is
 * not trusted, so that nothing but a file that is a shared object may come out of it: never a
 * directory, never a file of another kind. */
#pragma once

#include "../shim/arena.h"
#include "../shim/err.h"
#include "elf.h"

/* Directories that every loader may read as a whole: what is in there is the distribution's. */
#define LIBRARIES_STANDARD 5
extern const char *const libraries_standard[LIBRARIES_STANDARD];

/* More objects than any program loads, the standard ones included. */
#define LIBRARIES_MAX 512

struct library {
	const char *path; /* real path, arena memory: for messages */
	int fd;		  /* owned, O_PATH, close-on-exec: the file that was looked at, whatever
			     the path means later */
};

struct libraries {
	struct library *items; /* arena memory */
	size_t count, cap;
};

struct libraries_request {
	const char *binary;	    /* its real path */
	const struct elf_info *elf; /* elf_read_needed() of it */
	const char *const *needed;
	char *const *envp; /* LD_LIBRARY_PATH, LD_PRELOAD and LD_AUDIT count */
	bool is_glibc;	   /* false: musl's or another loader, where DT_RUNPATH goes for the
			      libraries of libraries, too */
};

/* Find them. A library that is missing is no error: the loader will say so.
 * Returns 0; -ENOMEM; -EMFILE, -ENFILE; -E2BIG: more than LIBRARIES_MAX objects, or names and
 * directories without end. */
must_check int libraries_find(const struct libraries_request *request, struct arena *arena,
			      struct libraries *ret, struct sbx_err *err) nonnull(1, 2, 3, 4);
void libraries_done(struct libraries *libraries);
