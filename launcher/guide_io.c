/* SPDX-License-Identifier: MIT */
#include "guide_io.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "../shim/policy.h"

#define SAY_MAX	    (16 * 1024)
#define ESCAPED_MAX (4 * SAY_MAX)
#define BOLD	    "\033[1m"
#define DIM	    "\033[2m"
#define PLAIN	    "\033[0m"

void guide_io_init(struct guide_io *io, int in, int out, char *const *envp)
{
	const char *term = env_get(envp, "TERM");

	*io = (struct guide_io){.in = in, .out = out, .interrupt = -1};
	io->styled = isatty(out) && term && strcmp(term, "dumb") != 0 && !env_get(envp, "NO_COLOR");
}

/* ---- out ---- */

static void put(struct guide_io *io, const char *text, size_t size)
{
	while (size && !io->over) {
		struct pollfd out = {.fd = io->out, .events = POLLOUT};
		ssize_t n = write(io->out, text, size);

		if (n < 0 && (errno == EINTR || (errno == EAGAIN && poll(&out, 1, -1) > 0)))
			continue;
		if (n <= 0) {
			io->over = true;
			return;
		}
		text += n;
		size -= (size_t)n;
	}
}

/* Returns the length of what is in @ret, at least 5 bytes of which are there for each of @text. */
static size_t escape(const char *text, bool newlines, char *ret)
{
	size_t n = 0;

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c >= ' ' && c < 0x7f) || (newlines && c == '\n'))
			ret[n++] = (char)c;
		else
			n += (size_t)sprintf(ret + n, "\\x%02x", c);
	}
	ret[n] = '\0';
	return n;
}

static void put_styled(struct guide_io *io, const char *style, const char *text, size_t size)
{
	if (io->styled && style)
		put(io, style, strlen(style));
	put(io, text, size);
	if (io->styled && style)
		put(io, PLAIN, strlen(PLAIN));
}

static void printf_like(4, 0)
	say(struct guide_io *io, const char *style, bool one_line, const char *fmt, va_list ap)
{
	char text[SAY_MAX], safe[ESCAPED_MAX + 1];
	size_t n;

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	n = escape(text, !one_line, safe);
	if (one_line && n > GUIDE_COLUMNS) {
		memcpy(safe + GUIDE_COLUMNS - 3, "...", 4);
		n = GUIDE_COLUMNS;
	}
	put_styled(io, style, safe, n);
	if (one_line)
		put(io, "\n", 1);
}

void guide_say(struct guide_io *io, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(io, NULL, false, fmt, ap);
	va_end(ap);
}

void guide_say_line(struct guide_io *io, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(io, NULL, true, fmt, ap);
	va_end(ap);
}

void guide_say_bold(struct guide_io *io, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(io, BOLD, true, fmt, ap);
	va_end(ap);
}

void guide_say_dim(struct guide_io *io, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(io, DIM, true, fmt, ap);
	va_end(ap);
}

/* ---- in ---- */

static void pass_over(struct guide_io *io, size_t n)
{
	io->used -= n;
	memmove(io->buf, io->buf + n, io->used);
}

/* More input into the buffer. False: there is none, or ^C was pressed. */
static bool fill(struct guide_io *io)
{
	struct pollfd fds[] = {
		{.fd = io->in, .events = POLLIN},
		{.fd = io->interrupt, .events = POLLIN},
	};
	ssize_t n;

	for (;;) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0) {
			if (errno == EINTR)
				continue;
			return false;
		}
		if (fds[1].revents)
			return false;
		n = read(io->in, io->buf + io->used, sizeof(io->buf) - io->used);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return false;
		io->used += (size_t)n;
		return true;
	}
}

/* One line without blanks around it. What is left without a newline at the end of input is no
 * answer. Returns false at the end; *ret_bad: it cannot be an answer, as it is too long or has
 * control characters in it. */
static bool read_line(struct guide_io *io, char ret[GUIDE_ANSWER_MAX], bool *ret_bad)
{
	char *newline;
	size_t len, start = 0;

	*ret_bad = false;
	while (!(newline = memchr(io->buf, '\n', io->used))) {
		if (io->used == sizeof(io->buf)) {
			*ret_bad = true;
			io->used = 0;
		}
		if (!fill(io))
			return false;
	}
	len = (size_t)(newline - io->buf);
	memcpy(ret, io->buf, len);
	pass_over(io, len + 1);
	if (*ret_bad)
		len = 0;
	while (len && (ret[len - 1] == ' ' || ret[len - 1] == '\t' || ret[len - 1] == '\r'))
		len--;
	while (start < len && (ret[start] == ' ' || ret[start] == '\t'))
		start++;
	memmove(ret, ret + start, len - start);
	ret[len - start] = '\0';
	for (size_t i = 0; i < len - start; i++)
		*ret_bad |= (unsigned char)ret[i] < ' ' || ret[i] == 0x7f;
	return true;
}

/* Put the prompt where the answer is going to stand; on a terminal in bold. */
static void put_prompt(struct guide_io *io, const char *prompt)
{
	char safe[ESCAPED_MAX + 2];
	size_t n = escape(prompt, true, safe);

	safe[n++] = ' ';
	put_styled(io, BOLD, safe, n);
}

/* Ask once. True: it was answered, whatever that may mean. False: it is over. */
static bool ask_once(struct guide_io *io, const char *prompt, char ret[GUIDE_ANSWER_MAX],
		     bool *ret_bad)
{
	put_prompt(io, prompt);
	if (!io->over && read_line(io, ret, ret_bad))
		return true;
	put(io, "\n", 1);
	io->over = true;
	return false;
}

enum guide_answer guide_ask(struct guide_io *io, const char *question, const char *fallback,
			    const char *help, char ret[GUIDE_ANSWER_MAX])
{
	char prompt[SAY_MAX];
	bool bad;

	(void)snprintf(prompt, sizeof(prompt), "%s [%.4000s]", question, fallback);
	while (ask_once(io, prompt, ret, &bad)) {
		if (bad) {
			guide_say(io, "One short line, please, without control characters.\n");
			continue;
		}
		if (help && strcmp(ret, "?") == 0) {
			guide_say(io, "%s\n", help);
			continue;
		}
		if (strcmp(ret, "b") == 0 || strcmp(ret, "back") == 0)
			return GUIDE_BACK;
		if (!ret[0])
			(void)snprintf(ret, GUIDE_ANSWER_MAX, "%s", fallback);
		return GUIDE_OK;
	}
	return GUIDE_QUIT;
}

static const char *find_word(const char *const *words, const char *answer)
{
	for (; *words; words++)
		if (strcasecmp(answer, *words) == 0 || (answer[0] == (*words)[0] && !answer[1]))
			return *words;
	return NULL;
}

enum guide_answer guide_choose(struct guide_io *io, const char *question, const char *const *words,
			       char fallback, const char *help, char *ret)
{
	char prompt[512], wanted[256], answer[GUIDE_ANSWER_MAX], letter[2] = {fallback};
	size_t n, m = 0;

	n = (size_t)snprintf(prompt, sizeof(prompt), "%s%s", question, question[0] ? " " : "");
	for (size_t i = 0; words[i]; i++) {
		n += (size_t)snprintf(prompt + n, sizeof(prompt) - n, "%c %s, ", words[i][0],
				      words[i]);
		m += (size_t)snprintf(wanted + m, sizeof(wanted) - m, "%c, ", words[i][0]);
	}
	(void)snprintf(prompt + n, sizeof(prompt) - n, "b back, ?");
	for (;;) {
		enum guide_answer r = guide_ask(io, prompt, letter, help, answer);
		const char *word;

		if (r != GUIDE_OK)
			return r;
		word = strcmp(answer, "?") == 0 ? answer : find_word(words, answer);
		if (word) {
			*ret = word[0];
			return GUIDE_OK;
		}
		guide_say(io, "Please answer with one of %sb, ? (Enter: %c).\n", wanted, fallback);
	}
}

enum guide_answer guide_confirm(struct guide_io *io, const char *question, bool fallback,
				const char *help, bool *ret)
{
	static const char *const words[] = {"yes", "no", NULL};
	enum guide_answer r;
	char letter;

	r = guide_choose(io, question, words, fallback ? 'y' : 'n', help, &letter);
	if (r == GUIDE_OK)
		*ret = letter == 'y';
	return r;
}
