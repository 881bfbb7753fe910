/* SPDX-License-Identifier: MIT */
/* What the files of the decoder share. */
#pragma once

#include "decode.h"
#include "decode_table.h"

struct decode_state {
	struct line *line;
	const struct decode_source *source;
	const uint64_t *args;
	int nr;
};

/* The name of a constant of the set @kind; NULL when it has none. */
const char *decode_find_constant(uint8_t kind, uint32_t value);

/* Argument @i, or what it points to: one constant of the set @kind, or its number. @level: as in
 * struct master_word. */
void decode_put_enum(const struct decode_state *state, unsigned i, uint8_t kind, uint32_t level,
		     uint32_t value) nonnull(1);

/* Constants that are or'ed, behind @before of them that are there already. */
void decode_put_flags(struct line *line, uint8_t kind, uint64_t value, unsigned before) nonnull(1);

void decode_put_open_flags(struct line *line, uint64_t flags) nonnull(1);
void decode_put_clone_flags(const struct decode_state *state, uint64_t flags, uint32_t signal)
	nonnull(1);

/* Argument @i, of a kind that is neither a plain number nor a set nor in memory. */
void decode_put_value(const struct decode_state *state, unsigned i, uint8_t kind) nonnull(1);
