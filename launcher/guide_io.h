/* SPDX-License-Identifier: MIT */
/* One side of a dialog: lines out, questions and their answers. Knows nothing of policies. */
#pragma once

#include "../shim/util.h"

#define GUIDE_COLUMNS	 79
#define GUIDE_ANSWER_MAX 4000 /* bytes */

struct guide_io {
	int in, out;   /* borrowed */
	int interrupt; /* borrowed; can be read when ^C was pressed; -1: never */
	bool styled;   /* bold and dim, on a terminal that knows them */
	bool over;     /* no more answers, or nobody reads: nothing more is asked */
	size_t used;   /* bytes of @buf that were read already */
	char buf[GUIDE_ANSWER_MAX];
};

void guide_io_init(struct guide_io *io, int in, int out, char *const *envp) nonnull(1, 4);

/* Whatever is said goes through here: control characters but the newline, and what is not ASCII,
 * are shown as \xNN. */
void guide_say(struct guide_io *io, const char *fmt, ...) printf_like(2, 3) nonnull(1, 2);
/* One line of text that others have a hand in: its newlines are shown, too, and what goes beyond
 * the line's width is cut to "...". */
void guide_say_line(struct guide_io *io, const char *fmt, ...) printf_like(2, 3) nonnull(1, 2);
/* The same in bold or dim, where there is such a thing. */
void guide_say_bold(struct guide_io *io, const char *fmt, ...) printf_like(2, 3) nonnull(1, 2);
void guide_say_dim(struct guide_io *io, const char *fmt, ...) printf_like(2, 3) nonnull(1, 2);

enum guide_answer {
	GUIDE_OK,
	GUIDE_BACK, /* "b" */
	GUIDE_QUIT, /* the end of input, or ^C */
};

/* Ask until there is an answer; "?" is answered with @help, or with NULL returned like others, for
 * the caller to explain. An empty one is @fallback. */
enum guide_answer guide_ask(struct guide_io *io, const char *question, const char *fallback,
			    const char *help, char ret[GUIDE_ANSWER_MAX]) nonnull(1, 2, 3, 5);

/* Ask for one of @words (NULL behind the last), by its first letter or as a whole: they differ in
 * the first letter, and "b back" and "?" come with them. @question may be "". *ret: that letter. */
enum guide_answer guide_choose(struct guide_io *io, const char *question, const char *const *words,
			       char fallback, const char *help, char *ret) nonnull(1, 2, 3, 6);

/* Yes or no. */
enum guide_answer guide_confirm(struct guide_io *io, const char *question, bool fallback,
				const char *help, bool *ret) nonnull(1, 2, 4, 5);
