/* SPDX-License-Identifier: MIT */
/* From a connection to the guided mode (guide.h): which program is asked here. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "api_parts.h"
#include "guide.h"
#include "program.h"

#ifndef SBX_VERSION
#define SBX_VERSION "unknown"
#endif
#define ANSWER_MAX 4000 /* bytes, as in the rest of the dialog */
#define WORDS_MAX  512
#define SOCKET	   3 /* its number in the dialog's process */
#define QUESTION   "Which program, with its arguments?"

static const char help[] =
	"  The program to make a policy for, as you would type it: ls -l /etc\n"
	"  Words with blanks in them go into quotes. It runs unconfined, and watched; what it\n"
	"  prints appears where sbx-preload --api was started, and it reads /dev/null.\n"
	"  ^D ends the connection.\n";

/* ---- words ---- */

/* Takes the character that @in stands at, or the next one after a backslash. */
static void copy(const char **in, char **out)
{
	*(*out)++ = *(*in)++;
}

/* One word, from *@in to *@out. False: a quote without its end. */
static bool take_word(const char **in, char **out)
{
	char quote = 0;

	while (**in && (quote || (**in != ' ' && **in != '\t'))) {
		if (quote && **in == quote) {
			quote = 0;
			(*in)++;
		} else if (!quote && (**in == '\'' || **in == '"')) {
			quote = *(*in)++;
		} else {
			if (**in == '\\' && quote != '\'' && (*in)[1])
				(*in)++;
			copy(in, out);
		}
	}
	*(*out)++ = '\0';
	return !quote;
}

int api_dialog_split(const char *line, char *buf, char **words, size_t max)
{
	size_t n = 0;

	for (;;) {
		line += strspn(line, " \t\r");
		if (!*line)
			return (int)n;
		if (n == max)
			return -E2BIG;
		words[n++] = buf;
		if (!take_word(&line, &buf))
			return -EINVAL;
	}
}

/* ---- the question ---- */

/* The program that was named where the server was started, as a default. */
static size_t put_default(const struct api_request *request, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (char *const *word = request->program; word && *word && n < size; word++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? " " : " [", *word);
	if (n && n + 1 < size)
		n += (size_t)snprintf(buf + n, size - n, "]");
	return n < size ? n : size - 1;
}

static void put_question(const struct api_request *request, char *buf, size_t size)
{
	char chosen[256];

	(void)put_default(request, chosen, sizeof(chosen));
	(void)snprintf(buf, size, QUESTION "%s ", chosen);
}

void api_dialog_greeting(const struct api_request *request, char *buf, size_t size)
{
	char question[512];

	put_question(request, question, sizeof(question));
	(void)snprintf(buf, size,
		       "sbx-preload %s: guided mode (? explains; programs send JSON, one request a "
		       "line)\n%s",
		       SBX_VERSION, question);
}

static void say(const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t n = send(SOCKET, text, left, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(1); /* nobody is there any more */
		text += n;
		left -= (size_t)n;
	}
}

/* A line without its newline; byte by byte, since what follows is for others to read. False: there
 * is none, or it is no text. */
static bool read_line(char buf[ANSWER_MAX])
{
	size_t n = 0;
	bool text = true;
	char c;

	for (;;) {
		ssize_t got = read(SOCKET, &c, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			_exit(1); /* it was broken off */
		if (c == '\n')
			break;
		text &= (unsigned char)c >= ' ' || c == '\t' || c == '\r';
		if (n == ANSWER_MAX - 1)
			text = false;
		else
			buf[n++] = c;
	}
	buf[n] = '\0';
	return text;
}

static void say_error(const struct sbx_err *err)
{
	char text[sizeof(err->file) + sizeof(err->msg) + 64];

	(void)snprintf(text, sizeof(text), "  %s\n", err->msg);
	for (char *p = text; p[1]; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	say(text);
}

/* Returns whether @line names a program that there is. */
static bool choose(const struct api_request *request, const char *line, struct program *ret)
{
	static char buf[ANSWER_MAX], *words[WORDS_MAX + 1];
	char *const *argv = words;
	struct sbx_err err = {0};
	int n = api_dialog_split(line, buf, words, WORDS_MAX);

	if (n < 0) {
		say(n == -E2BIG ? "  That is too many words.\n" : "  A quote has no end.\n");
		return false;
	}
	words[n] = NULL;
	if (n == 0 && request->program && request->program[0])
		argv = request->program;
	else if (n == 0)
		return false;
	if (program_resolve(argv, request->envp, ret, &err) == 0)
		return true;
	say_error(&err);
	return false;
}

static void ask(const struct api_request *request, struct program *ret)
{
	char line[ANSWER_MAX], question[512];

	put_question(request, question, sizeof(question));
	for (;;) {
		bool text = read_line(line);

		line[strcspn(line, "\r")] = '\0';
		if (!text)
			say("  That cannot be a command: it is too long, or no text.\n");
		else if (strcmp(line, "?") == 0)
			say(help);
		else if (choose(request, line, ret))
			return;
		say(question);
	}
}

void api_dialog(const struct api_request *request, int socket, bool greeted)
{
	char greeting[1024];
	struct program program = {0};
	char cwd[PATH_MAX] = "";
	const struct policy_env env = {.envp = request->envp, .cwd = cwd, .uid = geteuid()};
	struct guide_request guide = {
		.program = &program, .env = &env, .in = SOCKET, .out = SOCKET, .takes_stdin = true};
	struct sbx_err err = {0};
	int status;

	/* The other connections are not ours. */
	if (socket != SOCKET && dup3(socket, SOCKET, O_CLOEXEC) < 0)
		_exit(1);
	(void)syscall(SYS_close_range, SOCKET + 1, ~0U, 0);
	if (fcntl(SOCKET, F_SETFL, 0) < 0 || !getcwd(cwd, sizeof(cwd)))
		_exit(1);
	api_dialog_greeting(request, greeting, sizeof(greeting));
	if (!greeted)
		say(greeting);
	ask(request, &program);
	status = guide_run(&guide, &err);
	if (err.code)
		say_error(&err);
	_exit(status);
}

/* ---- its process ---- */

void api_dialogs_reap(struct api *api)
{
	for (size_t i = 0; i < API_DIALOGS_MAX; i++)
		if (api->dialogs[i].pid && waitpid(api->dialogs[i].pid, NULL, WNOHANG) != 0)
			api->dialogs[i].pid = 0;
}

static struct api_dialog_entry *find_entry(struct api *api, pid_t client)
{
	struct api_dialog_entry *ret = NULL;
	unsigned of_one = 0;

	for (size_t i = 0; i < API_DIALOGS_MAX; i++) {
		struct api_dialog_entry *entry = &api->dialogs[i];

		if (!entry->pid)
			ret = entry;
		else
			of_one += entry->client == client;
	}
	return of_one < API_DIALOGS_OF_ONE ? ret : NULL;
}

void api_dialog_start(struct api *api, struct api_client *client)
{
	static const char busy[] = "busy: too many dialogs\n";
	struct api_dialog_entry *entry = find_entry(api, client->pid);
	pid_t parent = getpid(), pid = entry ? fork() : -1;

	client->state = API_GONE;
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			_exit(1);
		(void)sigprocmask(SIG_SETMASK, &api->mask, NULL);
		api_dialog(api->request, client->fd, client->greeted);
	}
	if (pid < 0) {
		(void)send(client->fd, busy, strlen(busy), MSG_DONTWAIT | MSG_NOSIGNAL);
		return;
	}
	*entry = (struct api_dialog_entry){.pid = pid, .client = client->pid};
}
