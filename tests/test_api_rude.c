/* SPDX-License-Identifier: MIT */
/* Live: whoever is slow, silent or rude to --api harms nobody else. */
#include "api_client.h"

TestSuite(api_rude, .timeout = 120, .fini = live_cleanup);

static void be_garbage(struct client *c)
{
	static const char bytes[] = "{\x80\xff\n\n\0\0{{{{]]\n{\"op\":\n\n";

	for (int i = 0; i < 2000; i++)
		if (send(c->fd, bytes, sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
}

/* The gibibyte, or as much of it as is taken. */
static void be_endless(struct client *c)
{
	static char chunk[65536];
	long until = now_ms() + 5000;
	size_t sent = 0;

	memset(chunk, 'x', sizeof(chunk));
	chunk[0] = '{';
	while (sent < (size_t)1 << 30 && now_ms() < until) {
		ssize_t n = send(c->fd, chunk, sizeof(chunk), MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			sleep_ms(1);
		else if (n < 0)
			break;
		else
			sent += (size_t)n;
	}
	cr_expect_lt(sent, (size_t)8 << 20, "%zu bytes without a newline were taken", sent);
}

static void be_deaf(struct client *c)
{
	long until = now_ms() + 1000;

	while (now_ms() < until)
		if (send(c->fd, "{\"op\":\"list\"}\n", 14, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			sleep_ms(5);
}

static void be_half_closed(struct client *c)
{
	say(c, "{\"op\":\"run\",\"argv\":[\"sleep\",\"60\"],\"wait\":true}\n{\"op\":");
	(void)shutdown(c->fd, SHUT_WR);
}

static void be_silent(struct client *c)
{
	(void)c;
}

static void be_unfinished(struct client *c)
{
	say(c, "{\"op\":\"list\"");
}

static void be_flood_of_descriptors(struct client *c)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int) * 253)];
	} control = {0};
	struct iovec part = {.iov_base = (char *)(uintptr_t) "{", .iov_len = 1};
	struct msghdr msg = {.msg_iov = &part,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	int *fds;

	control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int) * 253),
					  .cmsg_level = SOL_SOCKET,
					  .cmsg_type = SCM_RIGHTS};
	fds = (int *)(void *)CMSG_DATA(&control.header);
	for (int i = 0; i < 253; i++)
		fds[i] = 1;
	for (int i = 0; i < 200; i++)
		if (sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN)
			break;
}

/* Endless output that nobody asks for. */
static void be_noisy(struct client *c)
{
	say(c, "{\"op\":\"run\",\"argv\":[\"yes\"],\"quiet\":true}\n");
}

/* As many waits as fit, for what never ends. */
static void be_waiting(struct client *c)
{
	say(c, "{\"op\":\"run\",\"argv\":[\"sleep\",\"60\"],\"quiet\":true}\n");
	sleep_ms(300);
	for (int i = 0; i < 5000; i++) {
		char line[64];

		(void)snprintf(line, sizeof(line), "{\"op\":\"wait\",\"job\":%d}\n", i % 10);
		if (send(c->fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
	}
}

static const struct rude {
	const char *name;
	void (*be)(struct client *c);
	unsigned count;
	bool busy; /* what it started takes time of the processor */
} rude[] = {
	{"silent", be_silent, 20, false},
	{"unfinished", be_unfinished, 5, false},
	{"garbage", be_garbage, 3, false},
	{"endless line", be_endless, 2, false},
	{"never reading", be_deaf, 3, false},
	{"half-closed", be_half_closed, 5, false},
	{"a flood of descriptors", be_flood_of_descriptors, 3, false},
	{"500 connections", be_silent, 500, false},
	{"waiting", be_waiting, 2, false},
	{"noisy", be_noisy, 3, true},
};

/* In a process of its own: how it is seen by the server, and so that its end is one. Says when it
 * has done what it does. */
static pid_t start_rude(const struct server *s, const struct rude *r)
{
	struct client *clients;
	int ready[2];
	pid_t pid;
	char c;

	cr_assert_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		clients = calloc(r->count, sizeof(*clients));
		for (unsigned i = 0; clients && i < r->count; i++)
			clients[i].fd = connect_to(s->socket);
		for (unsigned i = 0; clients && i < r->count; i++)
			if (clients[i].fd >= 0 && r->be != be_silent)
				r->be(&clients[i]);
		(void)!write(ready[1], "x", 1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	cr_expect_eq(read(ready[0], &c, 1), 1, "%s", r->name);
	(void)close(ready[0]);
	return pid;
}

static void expect_prompt(const struct server *s, struct client *old, const char *name)
{
	struct client fresh = client_open(s);
	struct client *const clients[] = {old, &fresh};

	for (size_t i = 0; i < COUNT(clients); i++) {
		long begin = now_ms(), took;
		json_t *json;

		say(clients[i], "{\"id\":\"me\",\"op\":\"list\"}\n");
		json = answer(clients[i], ANSWER_MS);
		took = now_ms() - begin;
		cr_expect(json && is_ok(json) && strcmp(text_of(json, "id"), "me") == 0,
			  "%s: client %zu has no answer", name, i);
		cr_expect_lt(took, PROMPT_MS, "%s: client %zu waited %ld ms", name, i, took);
		json_decref(json);
	}
	client_close(&fresh);
}

Test(api_rude, harm_nobody)
{
	struct live live;
	struct server s = stage(&live);
	struct client c = client_open(&s);
	unsigned fds;

	json_decref(ask(&c, "{\"op\":\"list\"}"));
	fds = count_fds(s.pid);
	for (size_t i = 0; i < COUNT(rude); i++) {
		pid_t pid = start_rude(&s, &rude[i]);
		long before, spent;

		expect_prompt(&s, &c, rude[i].name);
		/* Nothing happens: nothing is done. */
		before = cpu_ms(s.pid);
		sleep_ms(600);
		spent = cpu_ms(s.pid) - before;
		cr_expect(rude[i].busy || spent < 120, "%s: %ld ms of 600 spent on nothing",
			  rude[i].name, spent);
		cr_expect_lt(memory_kib(s.pid), 48 * 1024, "%s: %ld KiB", rude[i].name,
			     memory_kib(s.pid));
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		for (long until = now_ms() + 3000; count_fds(s.pid) != fds && now_ms() < until;)
			sleep_ms(10);
		cr_expect_eq(count_fds(s.pid), fds, "%s: %u descriptors, not %u", rude[i].name,
			     count_fds(s.pid), fds);
		expect_prompt(&s, &c, rude[i].name);
	}
	client_close(&c);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	live_done(&live);
}

/* What is said to who is too much, and that a line that is too long ends the connection. */
Test(api_rude, are_told)
{
	enum { MANY = 40, MOST = 32 };
	struct live live;
	struct server s = stage(&live);
	struct client many[MANY], c;
	static char line[(1 << 20) + 2];
	unsigned busy = 0;
	json_t *json;

	for (int i = 0; i < MANY; i++)
		many[i] = client_open(&s);
	sleep_ms(300); /* all of them are there before the first goes */
	for (int i = 0; i < MANY; i++) {
		json = answer(&many[i], i < MOST ? 0 : 1000);
		busy += json && strstr(message_of(json), "busy");
		json_decref(json);
		client_close(&many[i]);
	}
	cr_expect_eq(busy, MANY - MOST, "%u were told", busy);

	for (long until = now_ms() + 2000; count_fds(s.pid) > 12 && now_ms() < until;)
		sleep_ms(10);
	c = client_open(&s);
	memset(line, ' ', sizeof(line));
	line[0] = '{';
	line[sizeof(line) - 1] = '\0';
	say(&c, line);
	json = answer(&c, ANSWER_MS);
	cr_expect(strstr(message_of(json), "a line of more than 1048576 bytes"), "%s",
		  message_of(json));
	json_decref(json);
	cr_expect(!hear(&c, now_ms() + 2000));
	client_close(&c);
	server_end(&s);
	live_done(&live);
}

/* A slow client gets all of its answers, however large: of jobs, and of requests in one go. */
Test(api_rude, slow_reader)
{
	enum { RUNS = 24, LISTS = 3000 };
	static const char list[] = "{\"op\":\"list\"}\n";
	static char lists[LISTS * sizeof(list)];
	struct live live;
	struct server s = stage(&live);
	struct client c = client_open(&s);
	json_t *json;

	for (int i = 0; i < RUNS; i++)
		say(&c, "{\"op\":\"run\",\"wait\":true," SH(
				"head -c 250000 /dev/zero | tr '\\\\000' x") "}\n");
	sleep_ms(4000);
	for (int i = 0; i < RUNS; i++) {
		json = answer(&c, ANSWER_MS);
		cr_assert(json && is_ok(json), "answer %d: %s", i, message_of(json));
		cr_expect_eq(strlen(text_of(json, "out")), 250000, "answer %d", i);
		json_decref(json);
		sleep_ms(20);
	}
	/* At once: who neither reads nor is read from would wait for ever. */
	for (int i = 0; i < LISTS; i++)
		memcpy(lists + strlen(list) * (size_t)i, list, sizeof(list));
	say(&c, lists);
	sleep_ms(1000);
	for (int i = 0; i < LISTS; i++) {
		json = answer(&c, ANSWER_MS);
		cr_assert(json && is_ok(json), "list %d: %s", i, message_of(json));
		json_decref(json);
	}
	client_close(&c);
	server_end(&s);
	live_done(&live);
}
