/* SPDX-License-Identifier: MIT */
#include "api.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>

#include "api_parts.h"

#define FDS_MAX (2 + API_CLIENTS_MAX + 3 * API_TASKS_MAX)
#define REAP_MS 1000 /* processes without a signal at their end, while there are any */

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What ends us, unless whoever started us has it ignored (nohup(1)); and SIGCHLD, which only wakes.
 */
static int open_signals(struct api *api, struct sbx_err *err)
{
	static const int ends[] = {SIGTERM, SIGINT, SIGHUP};
	struct sigaction action;
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (sigaction(ends[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			(void)sigaddset(&set, ends[i]);
	(void)sigaddset(&set, SIGCHLD);
	(void)signal(SIGCHLD, SIG_DFL); /* ignored, children would end without a word (wait(2)) */
	if (sigprocmask(SIG_BLOCK, &set, &api->mask) < 0)
		return err_set(err, -errno, "cannot block signals: %m");
	api->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (api->signals < 0)
		return err_set(err, -errno, "cannot wait for signals: %m");
	return 0;
}

/* Returns whether one of them is to end us. */
static bool take_signals(const struct api *api)
{
	struct signalfd_siginfo info;
	bool end = false;

	while (read(api->signals, &info, sizeof(info)) == sizeof(info))
		end |= info.ssi_signo != SIGCHLD;
	return end;
}

/* ---- what to wait for ---- */

static void look_at(struct pollfd *fd, int number, short events)
{
	*fd = (struct pollfd){.fd = number, .events = events};
}

/* The same order as in turn(). A negative number is passed over. */
static size_t collect(const struct api *api, struct pollfd fds[FDS_MAX])
{
	size_t n = 0;

	look_at(&fds[n++], api->signals, POLLIN);
	look_at(&fds[n++], api->now_ms < api->accept_ms ? -1 : api->listener, POLLIN);
	for (size_t i = 0; i < API_CLIENTS_MAX; i++) {
		const struct api_client *client = api->clients[i];

		look_at(&fds[n++], client ? client->fd : -1,
			client ? api_client_events(client) : 0);
	}
	for (size_t i = 0; i < API_TASKS_MAX; i++) {
		const struct api_task *task = api->tasks[i];

		look_at(&fds[n++], task ? task->process.out.fd : -1, POLLIN);
		look_at(&fds[n++], task ? task->process.err.fd : -1, POLLIN);
		look_at(&fds[n++], task ? task->process.pidfd : -1, POLLIN);
	}
	return n;
}

static int timeout_ms(const struct api *api)
{
	int64_t at = api->now_ms < api->accept_ms ? api->accept_ms : INT64_MAX, left;

	if (api->again)
		return 0;
	if (api_closers_left() && api->now_ms + REAP_MS < at)
		at = api->now_ms + REAP_MS;
	for (size_t i = 0; i < API_CLIENTS_MAX; i++) {
		int64_t deadline =
			api->clients[i] ? api_client_deadline(api->clients[i]) : INT64_MAX;

		at = deadline < at ? deadline : at;
	}
	for (size_t i = 0; i < API_TASKS_MAX; i++) {
		int64_t deadline = api->tasks[i] ? api_task_deadline(api->tasks[i]) : INT64_MAX;

		at = deadline < at ? deadline : at;
	}
	if (at == INT64_MAX)
		return -1;
	left = at - api->now_ms;
	return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* ---- the loop ---- */

static void go_on(struct api *api)
{
	for (size_t i = 0; i < API_TASKS_MAX; i++)
		if (api->tasks[i])
			api_task_go_on(api, &api->tasks[i]);
	for (size_t i = 0; i < API_CLIENTS_MAX; i++) {
		struct api_client *client = api->clients[i];

		if (client && client->state != API_GONE)
			api_client_go_on(api, client);
		if (client && client->state == API_GONE) {
			api->clients[i] = NULL;
			api_client_free(api, client);
		}
	}
	api_dialogs_reap(api);
	api_reap_closers();
}

/* Returns whether to go on. */
static bool turn(struct api *api)
{
	static struct pollfd fds[FDS_MAX];
	size_t n = collect(api, fds), at = 2;

	if (poll(fds, n, timeout_ms(api)) < 0 && errno != EINTR && errno != EAGAIN)
		return false;
	api->now_ms = now_ms();
	api->again = false;
	if (fds[0].revents && take_signals(api))
		return false;
	for (size_t i = 0; i < API_CLIENTS_MAX; i++, at++)
		if (api->clients[i] && fds[at].revents)
			api_client_ready(api, api->clients[i], fds[at].revents);
	for (size_t i = 0; i < API_TASKS_MAX; i++, at += 3)
		if (api->tasks[i])
			api_task_ready(api, api->tasks[i], fds + at);
	/* Last: it fills places whose descriptors were not looked at. */
	if (fds[1].revents)
		api_accept(api);
	go_on(api);
	return true;
}

static void end(struct api *api)
{
	api_tasks_end(api);
	for (size_t i = 0; i < API_DIALOGS_MAX; i++)
		if (api->dialogs[i].pid)
			(void)kill(api->dialogs[i].pid, SIGTERM);
	for (size_t i = 0; i < API_CLIENTS_MAX; i++)
		if (api->clients[i])
			api_client_free(api, api->clients[i]);
	close_fd(&api->signals);
	(void)sigprocmask(SIG_SETMASK, &api->mask, NULL);
}

int api_run(const struct api_request *request, struct sbx_err *err)
{
	static struct api api; /* one a process */
	struct api_socket place;
	int r;

	api = (struct api){.request = request, .now_ms = now_ms()};
	r = open_signals(&api, err); /* from here on the socket will be removed */
	if (r < 0)
		return r;
	r = api_socket_open(request, &place, err);
	if (r == 0) {
		api.listener = place.fd;
		if (!request->quiet)
			(void)fprintf(stderr, "sbx-preload: serving at %s\n", place.path);
		while (turn(&api))
			;
		api_socket_close(&place);
	}
	end(&api);
	return r;
}
