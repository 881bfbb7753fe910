/* SPDX-License-Identifier: MIT */
/* A server of --api for live tests, what can be seen of it from outside, and a client of its line
 * protocol. */
#pragma once

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "probe_stage.h"

#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define SBX	  "{stage}/sbx-preload"
#define SOCKET	  "{work}/api.sock"
#define ANSWER_MS 10000
#define PROMPT_MS 1000 /* within which a client is served beside rude ones */

static inline long now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline void sleep_ms(long ms)
{
	(void)poll(NULL, 0, (int)ms);
}

/* ---- the server ---- */

struct server {
	struct live *live;
	pid_t pid;
	char socket[256], log[256];
};

static inline _Noreturn void serve(const struct live *live, const struct server *s,
				   const char *option)
{
	char path[256], env_home[256], env_run[256];
	char *const env[] = {(char *)"PATH=" LIVE_PATH, env_home, env_run, (char *)"SHOWN=1", NULL};
	char *const argv[] = {path, (char *)(uintptr_t)option, NULL};
	int null = open("/dev/null", O_RDONLY);
	int log = open(s->log, O_WRONLY | O_CREAT | O_APPEND, 0644);

	(void)snprintf(path, sizeof(path), "%s/sbx-preload", live->stage);
	(void)snprintf(env_home, sizeof(env_home), "HOME=%s", live->home);
	(void)snprintf(env_run, sizeof(env_run), "XDG_RUNTIME_DIR=%s", live->home);
	(void)dup2(null, 0);
	(void)dup2(log, 1);
	(void)dup2(log, 2);
	(void)close_range(3, ~0u, 0);
	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL); /* fails for two of them */
	if (chdir(live->work) != 0 ||
	    (geteuid() == 0 && live->uid != 0 &&
	     (setgroups(0, NULL) != 0 || setgid(live->uid) != 0 || setuid(live->uid) != 0)))
		_exit(97);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)umask(0); /* the mode of the socket is the server's affair */
	(void)execve(path, argv, env);
	_exit(96);
}

static inline int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%.107s", path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		int error = errno;

		(void)close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

/* @option: NULL for --api=SOCKET. Waits until it serves. */
static inline struct server server_start(struct live *live, const char *option)
{
	struct server s = {.live = live};
	char *path = live_expand(live, SOCKET), words[300];
	long until = now_ms() + 20000;
	int fd = -1;

	(void)snprintf(s.socket, sizeof(s.socket), "%s", path);
	(void)snprintf(s.log, sizeof(s.log), "%s/api.log", live->root);
	free(path);
	(void)snprintf(words, sizeof(words), "--api=%s", s.socket);
	if (option)
		(void)snprintf(s.socket, sizeof(s.socket), "%s/sbx-preload.sock", live->home);
	s.pid = fork();
	cr_assert_geq(s.pid, 0);
	if (s.pid == 0)
		serve(live, &s, option ? option : words);
	while (fd < 0 && now_ms() < until) {
		cr_assert_eq(waitpid(s.pid, NULL, WNOHANG), 0, "the server has ended");
		fd = connect_to(s.socket);
		if (fd < 0)
			sleep_ms(10);
	}
	cr_assert_geq(fd, 0, "%s: %s", s.socket, strerror(errno));
	(void)close(fd);
	return s;
}

/* Returns its exit status, 128 + signal. */
static inline int server_stop(struct server *s, int signal)
{
	int status = -1;

	(void)kill(s->pid, signal);
	for (int i = 0; i < 500; i++) {
		if (waitpid(s->pid, &status, WNOHANG) == s->pid)
			return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		sleep_ms(10);
	}
	(void)kill(s->pid, SIGKILL);
	(void)waitpid(s->pid, NULL, 0);
	return -1;
}

/* A server that did what it should has said where it is, and nothing else. */
static inline void server_end(struct server *s)
{
	char *log;

	cr_expect_eq(server_stop(s, SIGTERM), 0);
	cr_expect(access(s->socket, F_OK) != 0, "the socket is still there");
	log = live_read(s->live, s->log);
	cr_expect(log && strstr(log, "sbx-preload: serving at ") == log &&
			  strchr(log, '\n') == log + strlen(log) - 1,
		  "%s", log ? log : "no log");
	free(log);
}

static inline unsigned count_fds(pid_t pid)
{
	char path[64];
	unsigned n = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	cr_assert_not_null(dir, "%s: %m", path);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

/* Of /proc/PID/stat, the @field-th after the name. */
static inline unsigned long stat_field(pid_t pid, int field)
{
	char path[64], text[1024] = "";
	const char *at;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	(void)!fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f);
	at = strrchr(text, ')');
	for (int i = 0; at && i <= field; i++)
		at = strchr(at + 1, ' ');
	return at ? strtoul(at, NULL, 10) : 0;
}

static inline long cpu_ms(pid_t pid)
{
	/* utime and stime, proc(5) */
	return (long)(stat_field(pid, 11) + stat_field(pid, 12)) * 1000 / sysconf(_SC_CLK_TCK);
}

static inline long memory_kib(pid_t pid)
{
	return (long)stat_field(pid, 21) * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Is there no such process any more, or only what is left of one? */
static inline bool has_ended(pid_t pid)
{
	char path[64], text[512] = "";
	const char *at;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return true;
	(void)!fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f);
	at = strrchr(text, ')');
	return !at || at[2] == 'Z' || at[2] == 'X';
}

static inline bool ends_within(pid_t pid, long ms)
{
	long until = now_ms() + ms;

	while (!has_ended(pid) && now_ms() < until)
		sleep_ms(10);
	return has_ended(pid);
}

/* ---- a client ---- */

struct client {
	int fd;
	char *buf;
	size_t len;
};

static inline struct client client_open(const struct server *s)
{
	struct client c = {.fd = connect_to(s->socket)};

	cr_assert_geq(c.fd, 0, "%s: %s", s->socket, strerror(errno));
	return c;
}

static inline void client_close(struct client *c)
{
	(void)close(c->fd);
	free(c->buf);
	*c = (struct client){.fd = -1};
}

static inline void say(const struct client *c, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t n = send(c->fd, text, left, MSG_NOSIGNAL);

		cr_assert_gt(n, 0, "send: %s", strerror(errno));
		text += n;
		left -= (size_t)n;
	}
}

/* More of what it says. False: nothing came until @until, or its end did. */
static inline bool hear(struct client *c, long until)
{
	struct pollfd fd = {.fd = c->fd, .events = POLLIN};
	long left = until - now_ms();
	char chunk[65536];
	ssize_t n;

	if (poll(&fd, 1, left > 0 ? (int)left : 0) <= 0)
		return false;
	n = recv(c->fd, chunk, sizeof(chunk), 0);
	if (n <= 0)
		return false;
	c->buf = realloc(c->buf, c->len + (size_t)n + 1);
	cr_assert_not_null(c->buf);
	memcpy(c->buf + c->len, chunk, (size_t)n);
	c->len += (size_t)n;
	c->buf[c->len] = '\0';
	return true;
}

/* The next line that is JSON; NULL when none comes. */
static inline json_t *answer(struct client *c, long ms)
{
	long until = now_ms() + ms;
	char *newline;
	json_t *json;
	size_t n;

	for (;;) {
		newline = c->len ? memchr(c->buf, '\n', c->len) : NULL;
		if (!newline) {
			if (!hear(c, until))
				return NULL;
			continue;
		}
		n = (size_t)(newline - c->buf) + 1;
		json = json_loadb(c->buf, n, 0, NULL);
		c->len -= n;
		memmove(c->buf, c->buf + n, c->len);
		if (json)
			return json;
	}
}

static inline json_t *ask(struct client *c, const char *request)
{
	json_t *json;

	say(c, request);
	say(c, "\n");
	json = answer(c, ANSWER_MS);
	cr_assert_not_null(json, "no answer to: %s", request);
	return json;
}

static inline const char *text_of(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

static inline json_int_t number_of(const json_t *json, const char *key)
{
	const json_t *value = json_object_get(json, key);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

static inline bool is_ok(const json_t *json)
{
	return json_is_true(json_object_get(json, "ok"));
}

static inline const char *message_of(const json_t *json)
{
	return text_of(json_object_get(json, "error"), "message");
}

/* Run it and wait. */
static inline json_t *run(struct client *c, const char *request)
{
	json_t *begun = ask(c, request), *end;
	char wait[64];

	cr_assert(is_ok(begun), "%s: %s", request, message_of(begun));
	cr_expect_gt(number_of(begun, "pid"), 1);
	(void)snprintf(wait, sizeof(wait), "{\"op\":\"wait\",\"job\":%lld}",
		       (long long)number_of(begun, "job"));
	end = ask(c, wait);
	cr_expect_eq(number_of(begun, "job"), number_of(end, "job"));
	json_decref(begun);
	return end;
}

static inline struct server stage(struct live *live)
{
	live_need_landlock(6);
	stage_init(live, getuid() == 0 ? LIVE_NOBODY : getuid());
	return server_start(live, NULL);
}

/* A shell script that may use the usual programs. */
#define SH(script)                                                                             \
	"\"argv\":[\"sh\",\"-c\",\"" script "\"],"                                             \
	"\"promises\":\"stdio rpath proc exec\",\"unveil\":[\"rx:/usr\",\"rx:/bin\",\"r:/etc/" \
	"hostname\"]"
