/* SPDX-License-Identifier: MIT */
/* The master filter: what gen-master makes of the table, through libseccomp, when the project is
 * built. It is a classic BPF program with its jumps spelled out as indexes, and every RET naming a
 * row of the table by its tag. No pointers in the arrays: the shim must not need relocations for
 * them. */
#pragma once

#include <linux/filter.h>

#include "table.h"
#include "util.h"

#define MASTER_NODES_MAX	4096 /* BPF_MAXINSNS */
#define MASTER_STARTS_MAX	1024
#define MASTER_REQUIREMENTS_MAX 256 /* so that one byte a tag is enough */

struct master_node {
	uint32_t k;
	uint16_t code;
	uint16_t next_true; /* conditional jumps */
	uint16_t next;	    /* conditional jumps: when false; loads and arithmetic: what follows */
	uint16_t without; /* equality tests: the RET where the value would end without this test; 0:
			     open */
};

/* What one value of one argument is called, taken from a row whose shape is a single word: fcntl's
 * second argument 1030 is "F_DUPFD_CLOEXEC". */
struct master_word {
	uint32_t value;
	uint32_t level; /* what the row wants of the argument before; 0 when it does not ask */
	uint16_t nr;
	uint8_t arg;
	char name[29];
};

/* A RET whose action is SECCOMP_RET_ERRNO has a tag in its low 16 bits; SECCOMP_RET_KILL_PROCESS is
 * meant as it is (foreign ABIs). A comparison with MATCH_SELF is one with the process's own pid.
 * Targets come after their jump. */
struct master {
	const struct master_node *nodes;
	size_t n_nodes;
	const uint8_t *tags; /* tag → index into requirements */
	size_t n_tags;
	const struct requirement *requirements; /* the distinct ones */
	size_t n_requirements;
	/* Where the call's number alone leads: from starts[i] up to the next start, to node
	 * places[i], which is a RET or the first to look at an argument. Nodes 0 to 2 load the
	 * architecture, test it, and load the number. */
	const uint32_t *starts;
	const uint16_t *places;
	size_t n_starts;
	uint64_t fingerprint; /* of all of the above */
	/* For messages: the calls' names, one after the other, each with its NUL. The first is "".
	 */
	const char *names;
	const uint16_t *name_at; /* number → where in names; 0: no call of the table */
	size_t n_name_at;
	const struct master_word *words;
	size_t n_words;
};

/* What gen-master writes for each architecture. */
#pragma GCC visibility push(hidden)
#define MASTER_DECLARE(arch)                                            \
	extern const struct master_node master_##arch##_nodes[];        \
	extern const size_t master_##arch##_n_nodes;                    \
	extern const uint8_t master_##arch##_tags[];                    \
	extern const size_t master_##arch##_n_tags;                     \
	extern const struct requirement master_##arch##_requirements[]; \
	extern const size_t master_##arch##_n_requirements;             \
	extern const uint32_t master_##arch##_starts[];                 \
	extern const uint16_t master_##arch##_places[];                 \
	extern const size_t master_##arch##_n_starts;                   \
	extern const uint64_t master_##arch##_fingerprint;              \
	extern const char master_##arch##_names[];                      \
	extern const uint16_t master_##arch##_name_at[];                \
	extern const size_t master_##arch##_n_name_at;                  \
	extern const struct master_word master_##arch##_words[];        \
	extern const size_t master_##arch##_n_words;
MASTER_DECLARE(x86_64)
MASTER_DECLARE(aarch64)
#pragma GCC visibility pop

/* The arrays of one architecture as a struct, made at run time. */
#define MASTER(arch)                                                       \
	((struct master){.nodes = master_##arch##_nodes,                   \
			 .n_nodes = master_##arch##_n_nodes,               \
			 .tags = master_##arch##_tags,                     \
			 .n_tags = master_##arch##_n_tags,                 \
			 .requirements = master_##arch##_requirements,     \
			 .n_requirements = master_##arch##_n_requirements, \
			 .starts = master_##arch##_starts,                 \
			 .places = master_##arch##_places,                 \
			 .n_starts = master_##arch##_n_starts,             \
			 .fingerprint = master_##arch##_fingerprint,       \
			 .names = master_##arch##_names,                   \
			 .name_at = master_##arch##_name_at,               \
			 .n_name_at = master_##arch##_n_name_at,           \
			 .words = master_##arch##_words,                   \
			 .n_words = master_##arch##_n_words})
#ifdef __aarch64__
#define MASTER_HERE MASTER(aarch64)
#else
#define MASTER_HERE MASTER(x86_64)
#endif
