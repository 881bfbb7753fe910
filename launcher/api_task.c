/* SPDX-License-Identifier: MIT */
/* Processes that requests start. A task is one of three: a work, which answers its request when its
 * process has ended (check, print-policy, learn, doctor); a job (run), which is answered at once
 * and waited for; or one that is to be a job, as long as its policy is looked at. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../shim/policy.h"
#include "api_parts.h"

#define NEVER (-1)

/* ---- what a process needs beside its words ---- */

/* A text that nobody changes any more, and that has no place in the file system: the launcher takes
 * it as a policy (policy_file.h). Its name is what messages call it. */
static int make_policy(struct api_task *task)
{
	const char *text = task->call.policy;
	size_t left = strlen(text);

	task->policy = memfd_create("policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	while (task->policy >= 0 && left) {
		ssize_t n = write(task->policy, text, left);

		if (n < 0 && errno != EINTR)
			return -errno;
		text += n > 0 ? n : 0;
		left -= n > 0 ? (size_t)n : 0;
	}
	if (task->policy < 0 || fcntl(task->policy, F_ADD_SEALS,
				      F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return -errno;
	/* By way of our own table: a descriptor that the launcher inherits would be the program's,
	 * too. */
	(void)snprintf(task->policy_file, sizeof(task->policy_file), "/proc/%d/fd/%d", getpid(),
		       task->policy);
	return 0;
}

static int make_directory(struct api *api, struct api_task *task)
{
	const char *const places[] = {env_get(api->request->envp, "XDG_RUNTIME_DIR"),
				      env_get(api->request->envp, "TMPDIR"), "/tmp"};
	int r = -ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (!places[i] || places[i][0] != '/')
			continue;
		if (snprintf(task->directory, sizeof(task->directory), "%s/sbx-preload-XXXXXX",
			     places[i]) >= (int)sizeof(task->directory))
			r = -ENAMETOOLONG;
		else if (mkdtemp(task->directory))
			return 0;
		else
			r = -errno;
	}
	task->directory[0] = '\0';
	return r;
}

static void remove_directory(struct api_task *task)
{
	const struct dirent *entry;
	DIR *dir = task->directory[0] ? opendir(task->directory) : NULL;

	if (!dir)
		return;
	/* A launcher that was killed leaves a file that is not finished. */
	while ((entry = readdir(dir)) != NULL)
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	(void)closedir(dir);
	(void)rmdir(task->directory);
	task->directory[0] = '\0';
}

static void drop_stdio(struct api_task *task)
{
	api_close_foreign(task->stdio, API_STDIO_MAX);
}

/* The request is no longer needed but for its id: it may be large. */
static void drop_body(struct api_call *call)
{
	const struct api_call kept = {.op = call->op, .id = call->id, .detach = call->detach};

	json_decref(call->body);
	*call = kept;
}

static void task_free(struct api_task *task)
{
	if (task->client && !task->answered)
		task->client->n_waiting--;
	for (unsigned i = 0; i < task->n_waiters; i++) {
		task->waiters[i].client->n_waiting--;
		json_decref(task->waiters[i].id);
	}
	/* What a job leaves in the background goes on, if it was waited for. */
	api_process_done(&task->process, !task->client && !task->call.detach);
	remove_directory(task);
	close_fd(&task->policy);
	drop_stdio(task);
	api_call_done(&task->call);
	free(task);
}

/* ---- start ---- */

static int start(struct api *api, struct api_task *task, enum api_way way, struct sbx_err *err)
{
	char learned[sizeof(task->directory) + sizeof(API_LEARNED) + 1];
	char option[API_OPTION_MAX];
	char **words, **envp = NULL;
	struct api_start begin = {.envp = api->request->envp,
				  .cwd = task->call.cwd,
				  .mask = &api->mask,
				  .stdio = way == API_WAY_RUN ? task->stdio : NULL,
				  .stays = way == API_WAY_RUN && task->call.detach};
	int r = 0;

	(void)snprintf(learned, sizeof(learned), "%s/" API_LEARNED, task->directory);
	words = api_call_words(&task->call, way,
			       way == API_WAY_LEARN ? learned
			       : task->call.policy  ? task->policy_file
						    : NULL,
			       option);
	if (task->call.env)
		begin.envp = envp = api_call_environment(&task->call);
	begin.words = words;
	if (!words || !begin.envp)
		r = err_set(err, -ENOMEM, "out of memory");
	else
		r = api_process_start(&begin, &task->process, err);
	free(words);
	free(envp);
	return r;
}

static enum api_way first_way(enum api_op op)
{
	switch (op) {
	case API_CHECK:
		return API_WAY_CHECK;
	case API_LEARN:
		return API_WAY_LEARN;
	case API_DOCTOR:
		return API_WAY_DOCTOR;
	default:
		return API_WAY_PRINT; /* for a run: so its policy is looked at before it is begun */
	}
}

static int prepare(struct api *api, struct api_task *task, struct sbx_err *err)
{
	int r = 0;

	if (task->call.policy)
		r = make_policy(task);
	if (r < 0)
		return err_set(err, r, "cannot keep the policy: %s", strerrordesc_np(-r));
	if (task->call.op == API_LEARN)
		r = make_directory(api, task);
	if (r < 0)
		return err_set(err, r, "cannot make a directory for what is learned: %s",
			       strerrordesc_np(-r));
	return start(api, task, first_way(task->call.op), err);
}

/* A place in the table. When there is none, a job that nobody is going to wait for makes room. */
static struct api_task **find_slot(struct api *api)
{
	struct api_task **oldest = NULL;

	for (size_t i = 0; i < API_TASKS_MAX; i++) {
		struct api_task *task = api->tasks[i];

		if (!task)
			return &api->tasks[i];
		if (!task->client && task->call.detach && task->process.ended &&
		    (!oldest || (*oldest)->job > task->job))
			oldest = &api->tasks[i];
	}
	if (oldest) {
		task_free(*oldest);
		*oldest = NULL;
	}
	return oldest;
}

static bool is_work(enum api_op op)
{
	return op == API_CHECK || op == API_PRINT_POLICY || op == API_DOCTOR;
}

/* Returns 1 for what will soon be possible. */
static int check_limits(struct api *api, const struct api_client *client, enum api_op op,
			struct sbx_err *err)
{
	unsigned of_process = 0, works = 0;

	for (size_t i = 0; i < API_TASKS_MAX; i++) {
		const struct api_task *task = api->tasks[i];

		of_process += task && task->client_pid == client->pid;
		works += task && task->client == client && is_work(task->call.op);
	}
	if (is_work(op) && (works >= API_WORKS_MAX || (works && of_process >= API_PER_PROCESS_MAX)))
		return 1;
	if (of_process >= API_PER_PROCESS_MAX)
		return err_set(err, -EAGAIN, "busy: %d processes of yours at a time",
			       API_PER_PROCESS_MAX);
	return 0;
}

int api_task_start(struct api *api, struct api_client *client, struct api_call *call, int *stdio,
		   struct sbx_err *err)
{
	struct api_task **slot, *task;
	int r = check_limits(api, client, call->op, err);

	if (r)
		return r;
	slot = find_slot(api);
	if (!slot)
		return err_set(err, -EAGAIN, "busy: %d processes at a time", API_TASKS_MAX);
	task = calloc(1, sizeof(*task));
	if (!task)
		return err_set(err, -ENOMEM, "out of memory");
	task->policy = task->process.pidfd = task->process.out.fd = task->process.err.fd = -1;
	for (int i = 0; i < API_STDIO_MAX; i++) {
		task->stdio[i] = stdio[i];
		stdio[i] = -1;
	}
	task->call = *call;
	task->client_pid = client->pid;
	task->answered = true; /* the caller answers a failure */
	r = prepare(api, task, err);
	if (r < 0) {
		task->call = (struct api_call){0};
		task_free(task);
		return r;
	}
	*call = (struct api_call){0};
	task->client = client;
	task->answered = false;
	client->n_waiting++;
	task->until_ms = api->now_ms + API_WORK_MS;
	if (task->call.op == API_LEARN)
		task->until_ms =
			task->call.timeout_ms < 0 ? NEVER : api->now_ms + task->call.timeout_ms;
	*slot = task;
	return 0;
}

/* ---- what becomes of it ---- */

static void answer(struct api_task *task, json_t *text)
{
	task->answered = true;
	if (!task->client) {
		json_decref(text);
		return;
	}
	task->client->n_waiting--;
	api_client_answer(task->client, text);
}

static void answer_begun(struct api_task *task)
{
	json_t *text = api_answer_ok(api_call_id(&task->call));

	if (text && (json_object_set_new(text, "job", json_integer(task->job)) < 0 ||
		     json_object_set_new(text, "pid", json_integer(task->process.pid)) < 0)) {
		json_decref(text);
		text = NULL;
	}
	answer(task, text);
}

/* As if its client had gone on with wait. */
static void answer_later(struct api_task *task)
{
	task->waiters[task->n_waiters++] =
		(struct api_waiter){.client = task->client,
				    .id = json_incref(api_call_id(&task->call)),
				    .until_ms = NEVER};
	task->answered = true;
}

/* The policy is one, the program is there: now it may begin. */
static void begin_job(struct api *api, struct api_task *task)
{
	struct sbx_err err = {0};

	api_process_done(&task->process, false);
	if (start(api, task, API_WAY_RUN, &err) < 0) {
		task->process.ended = true;
		answer(task, api_answer_error(api_call_id(&task->call), &err));
		return;
	}
	drop_stdio(task);
	task->job = ++api->next_job;
	task->until_ms = task->call.timeout_ms < 0 ? NEVER : api->now_ms + task->call.timeout_ms;
	if (task->call.wait && task->client)
		answer_later(task);
	else
		answer_begun(task);
	drop_body(&task->call);
}

static bool ended_well(const struct api_process *process)
{
	return process->end.si_code == CLD_EXITED && process->end.si_status == 0;
}

static void finish_first(struct api *api, struct api_task *task)
{
	/* Nobody wants to know, unless it is to go on alone. */
	if (!task->client && !task->call.detach)
		return;
	if (task->call.op == API_RUN && ended_well(&task->process))
		begin_job(api, task);
	else if (!task->client)
		task->answered = true;
	else if (task->call.op == API_RUN && !task->timed_out)
		answer(task, api_answer_failure(api_call_id(&task->call), &task->process));
	else
		answer(task, api_answer_task(task));
}

/* @end: it has ended. Returns whether somebody was told so. */
static bool answer_waiters(struct api *api, struct api_task *task, bool end)
{
	unsigned kept = 0;
	bool told = false;

	for (unsigned i = 0; i < task->n_waiters; i++) {
		struct api_waiter waiter = task->waiters[i];
		bool late = waiter.until_ms >= 0 && waiter.until_ms <= api->now_ms;

		if (!(end || late) || !api_client_listens(waiter.client)) {
			task->waiters[kept++] = waiter;
			continue;
		}
		told |= end;
		waiter.client->n_waiting--;
		api_client_answer(waiter.client, api_answer_job(waiter.id, task));
		json_decref(waiter.id);
	}
	task->n_waiters = kept;
	return told;
}

static void check_time(struct api *api, struct api_task *task)
{
	const bool first = task->call.op != API_LEARN && !task->job;

	if (task->until_ms < 0 || api->now_ms < task->until_ms || task->process.ended)
		return;
	task->timed_out = true;
	/* It may have ended just now. */
	(void)api_process_signal(&task->process, task->told || first ? SIGKILL : SIGTERM, true);
	task->until_ms = api->now_ms + API_KILL_MS;
	task->told = true;
}

static bool is_done(const struct api *api, const struct api_task *task, bool told)
{
	if (!task->client && !task->call.detach)
		return task->process.ended;
	if (!task->job)
		return task->answered && task->process.ended;
	return told && task->n_waiters == 0 && api_process_is_over(&task->process, api->now_ms);
}

void api_task_go_on(struct api *api, struct api_task **slot)
{
	struct api_task *task = *slot;
	bool told = false;

	check_time(api, task);
	if (!task->answered && api_process_is_over(&task->process, api->now_ms) &&
	    (!task->client || api_client_listens(task->client)))
		finish_first(api, task);
	if (task->job)
		told = answer_waiters(api, task, api_process_is_over(&task->process, api->now_ms));
	if (is_done(api, task, told)) {
		task_free(task);
		*slot = NULL;
	}
}

void api_task_ready(struct api *api, struct api_task *task, const struct pollfd fds[3])
{
	struct api_process *process = &task->process;

	if (fds[0].revents && process->out.fd >= 0)
		api_capture_read(&process->out);
	if (fds[1].revents && process->err.fd >= 0)
		api_capture_read(&process->err);
	if (!fds[2].revents || process->pidfd < 0)
		return;
	api_process_see_end(process, api->now_ms);
	if (process->ended && task->timed_out)
		(void)api_process_signal(process, SIGKILL, true); /* whoever is left */
}

static int64_t earlier(int64_t a, int64_t b)
{
	return b >= 0 && b < a ? b : a;
}

int64_t api_task_deadline(const struct api_task *task)
{
	int64_t at = INT64_MAX;

	if (!task->process.ended)
		at = earlier(at, task->until_ms);
	else if (task->process.out.fd >= 0 || task->process.err.fd >= 0)
		at = earlier(at, task->process.until_ms);
	for (unsigned i = 0; i < task->n_waiters; i++)
		if (api_client_listens(task->waiters[i].client))
			at = earlier(at, task->waiters[i].until_ms);
	return at;
}

/* ---- wait and kill ---- */

/* A client has its own jobs, and those that were left to themselves. */
static struct api_task *find_job(struct api *api, const struct api_client *client, int64_t job,
				 struct sbx_err *err)
{
	for (size_t i = 0; i < API_TASKS_MAX; i++) {
		struct api_task *task = api->tasks[i];

		if (task && task->job == job && (task->client == client || !task->client))
			return task;
	}
	(void)err_set(err, -ESRCH, "no job %lld of yours, or it was waited for already",
		      (long long)job);
	return NULL;
}

int api_task_wait(struct api *api, struct api_client *client, const struct api_call *call,
		  struct sbx_err *err)
{
	struct api_task *task = find_job(api, client, call->job, err);

	if (!task)
		return -ESRCH;
	if (client->n_waiting >= API_WAITERS_MAX || task->n_waiters == API_WAITERS_MAX)
		return err_set(err, -EAGAIN, "busy: %d requests are waiting", API_WAITERS_MAX);
	task->waiters[task->n_waiters++] = (struct api_waiter){
		.client = client,
		.id = json_incref(api_call_id(call)),
		.until_ms = call->timeout_ms < 0 ? NEVER : api->now_ms + call->timeout_ms,
	};
	client->n_waiting++;
	api->again = true;
	return 0;
}

int api_task_kill(struct api *api, struct api_client *client, const struct api_call *call,
		  struct sbx_err *err)
{
	struct api_task *task = find_job(api, client, call->job, err);
	int r;

	if (!task)
		return -ESRCH;
	r = api_process_signal(&task->process, call->signal, call->group);
	if (r < 0)
		return err_set(err, r, "job %lld: %s", (long long)call->job,
			       r == -ESRCH ? "it has ended" : strerrordesc_np(-r));
	api_client_answer(client, api_answer_ok(api_call_id(call)));
	return 0;
}

/* ---- the end ---- */

static void drop_waiters(struct api_task *task, const struct api_client *client)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < task->n_waiters; i++) {
		if (task->waiters[i].client == client)
			json_decref(task->waiters[i].id);
		else
			task->waiters[kept++] = task->waiters[i];
	}
	task->n_waiters = kept;
}

void api_tasks_drop(struct api *api, const struct api_client *client)
{
	for (size_t i = 0; i < API_TASKS_MAX; i++) {
		struct api_task *task = api->tasks[i];

		if (!task)
			continue;
		drop_waiters(task, client);
		if (task->client != client)
			continue;
		task->client = NULL;
		if (!task->call.detach)
			(void)api_process_signal(&task->process, SIGKILL, true);
	}
	api->again = true;
}

void api_tasks_end(struct api *api)
{
	for (size_t i = 0; i < API_TASKS_MAX; i++) {
		struct api_task *task = api->tasks[i];

		if (!task)
			continue;
		/* Without the policy's looking at there is no job to stay. */
		if (!task->job)
			task->call.detach = false;
		task->client = NULL;
		if (!task->call.detach) {
			(void)api_process_signal(&task->process, SIGKILL, true);
			(void)waitid(P_PID, (id_t)task->process.pid, &(siginfo_t){0},
				     WEXITED | WNOWAIT);
		}
		task_free(task);
		api->tasks[i] = NULL;
	}
}
