/* SPDX-License-Identifier: MIT */
/* Connections: who may come, what they are, their lines and the answers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "api_parts.h"

#define CHUNK	     (64 * 1024)
#define ACCEPTS	     16		       /* in one turn */
#define REST_MS	     100	       /* before we look for a descriptor again */
#define CLOSING_MS   2000	       /* to read a last word */
#define QUEUE_MAX    (4 * 1024 * 1024) /* never reached while no more is asked of us */
#define BUSY_CLIENTS "busy: too many connections"

/* ---- coming and going ---- */

/* A last word to whom we do not serve. */
static void refuse(int fd, const char *why)
{
	char line[256];
	int n = snprintf(line, sizeof(line),
			 "{\"id\":null,\"ok\":false,\"error\":{\"message\":\"%s\"}}\n", why);

	(void)send(fd, line, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL); /* it need not listen */
}

/* The socket's mode keeps others out, and so does this, whoever changes it. */
static bool is_welcome(int fd, struct ucred *ret)
{
	socklen_t size = sizeof(*ret);
	char why[64];

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret, &size) < 0)
		return false;
	if (ret->uid == geteuid() || ret->uid == 0)
		return true;
	(void)snprintf(why, sizeof(why), "uid %u is not served here", ret->uid);
	refuse(fd, why);
	return false;
}

static void leave(struct api_client *client, enum api_state state, int64_t now_ms)
{
	client->state = state;
	client->since_ms = now_ms;
}

/* Who says nothing makes room for who perhaps will. */
static struct api_client **find_place(struct api *api)
{
	struct api_client **silent = NULL;

	for (size_t i = 0; i < API_CLIENTS_MAX; i++) {
		struct api_client *client = api->clients[i];

		if (!client)
			return &api->clients[i];
		if (client->state == API_UNDECIDED &&
		    (!silent || client->since_ms < (*silent)->since_ms))
			silent = &api->clients[i];
	}
	if (silent) {
		refuse((*silent)->fd, BUSY_CLIENTS);
		api_client_free(api, *silent);
		*silent = NULL;
	}
	return silent;
}

static void welcome(struct api *api, int fd, pid_t pid)
{
	struct api_client **place, *client;
	unsigned of_process = 0;

	for (size_t i = 0; i < API_CLIENTS_MAX; i++)
		of_process += api->clients[i] && api->clients[i]->pid == pid;
	place = of_process < API_PER_PROCESS_MAX ? find_place(api) : NULL;
	client = place ? calloc(1, sizeof(*client)) : NULL;
	if (!client) {
		refuse(fd, BUSY_CLIENTS);
		(void)close(fd);
		return;
	}
	client->fd = fd;
	client->pid = pid;
	client->since_ms = api->now_ms;
	*place = client;
}

void api_accept(struct api *api)
{
	struct ucred peer;

	for (int i = 0; i < ACCEPTS; i++) {
		int fd = accept4(api->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			/* Those who came wait meanwhile. */
			if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
				api->accept_ms = api->now_ms + REST_MS;
			return;
		}
		if (is_welcome(fd, &peer))
			welcome(api, fd, peer.pid);
		else
			(void)close(fd);
	}
}

void api_client_free(struct api *api, struct api_client *client)
{
	int fds[API_CAME_MAX];

	api_tasks_drop(api, client);
	for (unsigned i = 0; i < client->n_came; i++)
		fds[i] = client->came[i].fd;
	api_close_foreign(fds, client->n_came);
	if (client->holds)
		api_call_done(&client->held);
	api_lines_done(&client->lines);
	api_queue_done(&client->queue);
	close_fd(&client->fd);
	free(client);
}

/* ---- answers ---- */

void api_client_answer(struct api_client *client, json_t *answer)
{
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;

	json_decref(answer);
	if (client->deaf || client->state != API_LINES) {
		free(text);
		return;
	}
	if (!text || api_queue_left(&client->queue) > QUEUE_MAX ||
	    api_queue_put(&client->queue, text, strlen(text)) < 0 ||
	    api_queue_put(&client->queue, "\n", 1) < 0)
		client->state = API_GONE; /* out of memory: it must not wait for ever */
	free(text);
}

static void answer_error(struct api_client *client, const struct api_call *call,
			 const struct sbx_err *err)
{
	api_client_answer(client, api_answer_error(api_call_id(call), err));
}

/* ---- requests ---- */

/* The descriptors that came with the line that was taken last, as standard input, output and error.
 */
static int take_stdio(struct api_client *client, int stdio[API_STDIO_MAX], struct sbx_err *err)
{
	unsigned n = 0, kept = 0;
	int r = 0;

	for (unsigned i = 0; i < client->n_came; i++) {
		struct api_came came = client->came[i];

		if (came.at > client->lines.taken) {
			client->came[kept++] = came;
		} else if (n < API_STDIO_MAX) {
			stdio[n++] = came.fd;
		} else {
			api_close_foreign(&came.fd, 1);
			r = -EINVAL;
		}
	}
	client->n_came = kept;
	return r < 0 ? err_set(err, r, "more descriptors than standard input, output and error")
		     : 0;
}

/* Returns 1 when it has to wait. */
static int dispatch(struct api *api, struct api_client *client, struct api_call *call,
		    int stdio[API_STDIO_MAX], struct sbx_err *err)
{
	if (call->op != API_RUN && stdio[0] >= 0)
		return err_set(err, -EINVAL, "descriptors are for \"run\" alone");
	switch (call->op) {
	case API_LIST:
		api_client_answer(client, api_answer_list(api_call_id(call), call->promise, err));
		return 0;
	case API_WAIT:
		return api_task_wait(api, client, call, err);
	case API_KILL:
		return api_task_kill(api, client, call, err);
	default:
		return api_task_start(api, client, call, stdio, err);
	}
}

static bool is_blank(const char *text, size_t len)
{
	while (len && strchr(" \t\r", text[len - 1]) && text[len - 1])
		len--;
	return len == 0;
}

static void take_line(struct api *api, struct api_client *client, const char *line, size_t len)
{
	int stdio[API_STDIO_MAX] = {-1, -1, -1};
	struct api_call call = {0};
	struct sbx_err err = {0};
	int r = take_stdio(client, stdio, &err);

	if (r == 0 && is_blank(line, len))
		goto out;
	if (r == 0)
		r = api_call_parse(line, len, &call, &err);
	if (r == 0)
		r = dispatch(api, client, &call, stdio, &err);
	if (r < 0)
		answer_error(client, &call, &err);
	if (r == 1) {
		client->held = call;
		client->holds = true;
		call = (struct api_call){0};
	}
out:
	api_call_done(&call);
	api_close_foreign(stdio, API_STDIO_MAX);
}

/* What has to wait comes without descriptors: it is no run. */
static void take_held(struct api *api, struct api_client *client)
{
	int stdio[API_STDIO_MAX] = {-1, -1, -1};
	struct sbx_err err = {0};
	int r = client->deaf ? -EPIPE : api_task_start(api, client, &client->held, stdio, &err);

	if (r == 1)
		return;
	if (r < 0)
		answer_error(client, &client->held, &err);
	api_call_done(&client->held);
	client->holds = false;
}

static void take_lines(struct api *api, struct api_client *client)
{
	struct sbx_err err = {0};
	const char *line;
	size_t len;
	int r = 1;

	for (int i = 0; i < API_TURNS && r > 0; i++) {
		if (client->holds)
			take_held(api, client);
		if (client->holds || !api_client_listens(client) || client->state != API_LINES)
			return;
		r = api_lines_next(&client->lines, client->eof, &line, &len);
		if (r > 0)
			take_line(api, client, line, len);
	}
	client->more = r > 0;
	api->again |= client->more;
	if (r == 0)
		r = api_lines_add(&client->lines, "", 0); /* a large buffer is given back */
	if (r >= 0)
		return;
	(void)err_set(&err, r, "a line of more than %d bytes", API_LINE_MAX);
	answer_error(client, &(struct api_call){0}, &err);
	leave(client, API_CLOSING, api->now_ms);
}

/* ---- bytes ---- */

/* Remember the descriptors in @msg. False: more than anybody needs. */
static bool keep_descriptors(struct api_client *client, struct msghdr *msg)
{
	bool few = !(msg->msg_flags & MSG_CTRUNC);

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int fds[API_CAME_MAX];

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
		    n > ARRAY_SIZE(fds))
			continue;
		memcpy(fds, CMSG_DATA(c), n * sizeof(int));
		for (size_t i = 0; i < n && client->n_came < API_CAME_MAX; i++) {
			client->came[client->n_came++] =
				(struct api_came){.fd = fds[i], .at = client->received};
			fds[i] = -1;
		}
		for (size_t i = 0; i < n; i++)
			few &= fds[i] < 0;
		api_close_foreign(fds, n);
	}
	return few;
}

static void receive(struct api *api, struct api_client *client)
{
	static char chunk[CHUNK];
	union {
		struct cmsghdr header;
		/* One more than is wanted, to see that there are more; the kernel closes the rest
		 * (MSG_CTRUNC in recv(2)). */
		char space[CMSG_SPACE(sizeof(int) * (API_STDIO_MAX + 1))];
	} control;
	struct iovec part = {.iov_base = chunk, .iov_len = sizeof(chunk)};
	struct msghdr msg = {.msg_iov = &part,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	struct sbx_err err = {0};
	ssize_t n = recvmsg(client->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	client->more = true;
	if (n <= 0) {
		client->eof = true;
		return;
	}
	client->received += (uint64_t)n;
	if (!keep_descriptors(client, &msg)) {
		(void)err_set(&err, -EINVAL, "too many descriptors");
		answer_error(client, &(struct api_call){0}, &err);
		leave(client, API_CLOSING, api->now_ms);
	} else if (api_lines_add(&client->lines, chunk, (size_t)n) < 0) {
		client->state = API_GONE;
	}
}

/* The first byte tells. A person's is left where it is: the dialog's process reads it. */
static void decide(struct api *api, struct api_client *client)
{
	char start[256];
	ssize_t n = recv(client->fd, start, sizeof(start), MSG_PEEK | MSG_DONTWAIT), blanks = 0;
	bool line = false;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client->state = API_GONE;
		return;
	}
	while (blanks < n && strchr(" \t\r\n", start[blanks]) && start[blanks])
		line |= start[blanks++] == '\n';
	/* An empty line is an answer, once there was a question. */
	if (client->greeted && line && blanks == n) {
		api_dialog_start(api, client);
		return;
	}
	if (blanks && recv(client->fd, start, (size_t)blanks, MSG_DONTWAIT) != blanks) {
		client->state = API_GONE;
		return;
	}
	if (blanks == n)
		return;
	if (start[blanks] != '{') {
		api_dialog_start(api, client);
		return;
	}
	leave(client, API_LINES, api->now_ms);
	/* It was slow, and has a question to pass over that does not end its line. */
	if (client->greeted && api_queue_put(&client->queue, "\n", 1) < 0)
		client->state = API_GONE;
}

static void greet(struct api *api, struct api_client *client)
{
	char text[1024];

	client->greeted = true;
	api_dialog_greeting(api->request, text, sizeof(text));
	if (api_queue_put(&client->queue, text, strlen(text)) < 0)
		client->state = API_GONE;
}

/* ---- for the loop ---- */

short api_client_events(const struct api_client *client)
{
	short events = 0;

	if (client->state == API_UNDECIDED)
		events |= POLLIN;
	/* One chunk at a time, so that it is known what its descriptors belong to. */
	if (client->state == API_LINES && !client->eof && !client->holds && !client->more &&
	    api_client_listens(client))
		events |= POLLIN;
	if (api_queue_left(&client->queue))
		events |= POLLOUT;
	return events;
}

void api_client_ready(struct api *api, struct api_client *client, short revents)
{
	if (revents & (POLLHUP | POLLERR)) {
		client->deaf = true;
		api_queue_done(&client->queue);
	}
	if (client->state == API_UNDECIDED && (revents & (POLLIN | POLLHUP | POLLERR)))
		decide(api, client);
	else if (client->state == API_LINES && !client->more && !client->eof && !client->holds &&
		 (revents & (POLLIN | POLLHUP | POLLERR)))
		receive(api, client);
}

/* Who listens again may have answers coming, and requests waiting. */
static void send_queue(struct api *api, struct api_client *client)
{
	bool listened = api_client_listens(client);

	if (!api_queue_left(&client->queue))
		return;
	if (api_queue_send(&client->queue, client->fd) < 0) {
		client->deaf = true;
		api_queue_done(&client->queue);
	}
	api->again |= !listened && api_client_listens(client);
}

void api_client_go_on(struct api *api, struct api_client *client)
{
	if (client->state == API_UNDECIDED && !client->greeted &&
	    api->now_ms >= client->since_ms + API_GREET_MS)
		greet(api, client);
	if (client->state == API_LINES && (client->more || client->holds))
		take_lines(api, client);
	send_queue(api, client);
	if (client->state == API_LINES && client->eof && !client->more && !client->holds &&
	    (client->deaf || (!client->n_waiting && !api_queue_left(&client->queue))))
		client->state = API_GONE;
	if (client->state == API_CLOSING &&
	    (!api_queue_left(&client->queue) || api->now_ms >= client->since_ms + CLOSING_MS))
		client->state = API_GONE;
}

int64_t api_client_deadline(const struct api_client *client)
{
	if (client->state == API_UNDECIDED && !client->greeted)
		return client->since_ms + API_GREET_MS;
	if (client->state == API_CLOSING)
		return client->since_ms + CLOSING_MS;
	return INT64_MAX;
}
