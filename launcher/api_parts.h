/* SPDX-License-Identifier: MIT */
/* Between api.c, which is the loop; api_client.c, connections and what they say; api_task.c, the
 * processes that requests start; api_answer.c, what they come to as JSON; api_socket.c, the place
 * in the file system; and api_dialog.c, the way to the guided mode. One process serves all, and
 * nothing in it waits. */
#pragma once

#include <jansson.h>
#include <poll.h>

#include "api.h"
#include "api_call.h"
#include "api_line.h"
#include "api_process.h"

#define API_CLIENTS_MAX	    128
#define API_TASKS_MAX	    128
#define API_PER_PROCESS_MAX 32 /* of either, for one process at the other end */
#define API_WORKS_MAX	    4  /* tasks that answer by themselves, for one client; others wait */
#define API_WAITERS_MAX	    64 /* requests of one client that wait for a job */
#define API_DIALOGS_MAX	    16
#define API_DIALOGS_OF_ONE  4 /* for one process at the other end */
#define API_STDIO_MAX	    3
#define API_CAME_MAX	    8		 /* descriptors that came and are not used yet */
#define API_QUEUE_MARK	    (256 * 1024) /* answers left to read: no more is asked of us */
#define API_GREET_MS	    200	  /* a program speaks first, a person waits to be spoken to */
#define API_WORK_MS	    10000 /* for what should take milliseconds */
#define API_KILL_MS	    2000  /* between SIGTERM and SIGKILL */
#define API_TURNS	    8	  /* lines of one client before others have theirs */
#define API_LEARNED	    "learned.ini" /* in a directory of its own */

struct api_dialog_entry {
	pid_t pid; /* 0: none */
	pid_t client;
};

struct api {
	const struct api_request *request;
	sigset_t mask; /* to be that of what we start */
	int listener, signals;
	struct api_client *clients[API_CLIENTS_MAX];
	struct api_task *tasks[API_TASKS_MAX];
	struct api_dialog_entry dialogs[API_DIALOGS_MAX];
	int64_t now_ms;
	int64_t accept_ms; /* not before: we ran out of descriptors */
	int64_t next_job;
	bool again; /* there is more to do than poll(2) would tell */
};

/* ---- api_socket.c ---- */

struct api_socket {
	int fd;	       /* listening; owned */
	int directory; /* that it lies in; owned */
	char name[NAME_MAX + 1];
	char path[PATH_MAX]; /* as it is shown */
	dev_t dev;
	ino_t ino;
};

must_check int api_socket_open(const struct api_request *request, struct api_socket *ret,
			       struct sbx_err *err) nonnull(1, 2, 3);
/* Also removes it, if it is still ours. */
void api_socket_close(struct api_socket *socket) nonnull(1);

/* ---- api_client.c ---- */

enum api_state {
	API_UNDECIDED, /* nothing said yet that would tell a program from a person */
	API_LINES,
	API_CLOSING, /* what is queued goes out, nothing comes in */
	API_GONE,
};

struct api_client {
	int fd;	   /* owned */
	pid_t pid; /* at the other end, when it connected */
	enum api_state state;
	bool greeted;
	bool eof;	  /* it says no more */
	bool deaf;	  /* it reads no more */
	int64_t since_ms; /* connected, or in API_CLOSING begun to close */
	struct api_lines lines;
	struct api_queue queue;
	struct api_call held; /* a request that has to wait for others of this client */
	bool holds;
	bool more; /* there may be another whole line */
	struct api_came {
		int fd;	     /* owned */
		uint64_t at; /* it belongs to the line that this byte of the stream ends in */
	} came[API_CAME_MAX];
	unsigned n_came;
	uint64_t received;  /* bytes */
	unsigned n_waiting; /* answers that it waits for */
};

void api_accept(struct api *api) nonnull(1);
/* What poll(2) should look at. */
short api_client_events(const struct api_client *client) nonnull(1);
void api_client_ready(struct api *api, struct api_client *client, short revents) nonnull(1, 2);
/* Requests that are there, greetings, answers: once each turn of the loop. */
void api_client_go_on(struct api *api, struct api_client *client) nonnull(1, 2);
/* When it wants to go on without poll(2) saying so; INT64_MAX: never. */
int64_t api_client_deadline(const struct api_client *client) nonnull(1);
void api_client_free(struct api *api, struct api_client *client) nonnull(1, 2);
/* @answer: taken over. NULL: out of memory. */
void api_client_answer(struct api_client *client, json_t *answer) nonnull(1);
static inline bool api_client_listens(const struct api_client *client)
{
	return api_queue_left(&client->queue) < API_QUEUE_MARK;
}

/* ---- api_task.c ---- */

struct api_waiter {
	struct api_client *client; /* borrowed */
	json_t *id;		   /* owned */
	int64_t until_ms;	   /* -1: no matter how long */
};

struct api_task {
	struct api_client *client; /* who asked; NULL: gone */
	pid_t client_pid;
	struct api_call call; /* owned; of a job that runs only op and detach are left */
	int64_t job;	      /* 0: none yet */
	bool answered;	      /* the request itself */
	struct api_process process;
	int policy;		  /* memfd with the request's text; owned */
	char policy_file[64];	  /* its name for the launcher */
	char directory[128];	  /* what is learned goes there; "": none */
	int stdio[API_STDIO_MAX]; /* owned; for the job */
	int64_t until_ms; /* then it is told to end, and then made to; -1: no matter how long */
	bool told, timed_out;
	struct api_waiter waiters[API_WAITERS_MAX];
	unsigned n_waiters;
};

/* Start what @call asks for, which is taken over on success. @stdio: three descriptors, taken over
 * in any case. Returns 0; 1 when it has to wait until others of this client's are over; -errno. */
must_check int api_task_start(struct api *api, struct api_client *client, struct api_call *call,
			      int *stdio, struct sbx_err *err) nonnull(1, 2, 3, 4, 5);
void api_task_ready(struct api *api, struct api_task *task, const struct pollfd fds[3])
	nonnull(1, 2, 3);
/* Time-outs, ends and answers: once each turn of the loop. Frees it when all is over. */
void api_task_go_on(struct api *api, struct api_task **task) nonnull(1, 2);
int64_t api_task_deadline(const struct api_task *task) nonnull(1);
/* wait and kill. Returns 0, with the answer given or to come; -errno. */
must_check int api_task_wait(struct api *api, struct api_client *client,
			     const struct api_call *call, struct sbx_err *err) nonnull(1, 2, 3, 4);
must_check int api_task_kill(struct api *api, struct api_client *client,
			     const struct api_call *call, struct sbx_err *err) nonnull(1, 2, 3, 4);
/* Its client is gone. */
void api_tasks_drop(struct api *api, const struct api_client *client) nonnull(1, 2);
/* We end: kill what does not stay, and leave nothing behind. */
void api_tasks_end(struct api *api) nonnull(1);

/* ---- api_answer.c ---- all of them new; NULL: out of memory ---- */

json_t *api_answer_ok(json_t *id) nonnull(1);
json_t *api_answer_error(json_t *id, const struct sbx_err *err) nonnull(1, 2);
/* Of what a launcher that could not do it has printed. */
json_t *api_answer_failure(json_t *id, const struct api_process *process) nonnull(1, 2);
json_t *api_answer_list(json_t *id, const char *promise, struct sbx_err *err) nonnull(1, 3);
/* A task that answers its request, at its end. */
json_t *api_answer_task(const struct api_task *task) nonnull(1);
/* A job: that it runs, or how it ended and what it printed. */
json_t *api_answer_job(json_t *id, const struct api_task *task) nonnull(1, 2);

/* ---- api_dialog.c ---- */

/* What is shown to whom we take for a person; the line that follows is for api_dialog(). */
void api_dialog_greeting(const struct api_request *request, char *buf, size_t size) nonnull(1, 2);
/* Leave the connection to a process of its own, and forget it. */
void api_dialog_start(struct api *api, struct api_client *client) nonnull(1, 2);
void api_dialogs_reap(struct api *api) nonnull(1);
/* The guided mode over @socket, in that process. @greeted: the greeting is out. */
_Noreturn void api_dialog(const struct api_request *request, int socket, bool greeted) nonnull(1);
/* A line as a shell would split it, without all that is more than quotes: '', "", \. Returns the
 * number of words, in @words and @buf (as long as @line); -EINVAL for a quote without its end;
 * -E2BIG. */
must_check int api_dialog_split(const char *line, char *buf, char **words, size_t max)
	nonnull(1, 2, 3);
