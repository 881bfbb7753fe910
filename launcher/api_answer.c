/* SPDX-License-Identifier: MIT */
/* What requests come to, as JSON. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "../shim/table.h"
#include "api_parts.h"
#include "list.h"

#define SAYS "sbx-preload: "

/* Takes @value over. */
static void put(json_t **answer, const char *key, json_t *value)
{
	if (*answer && json_object_set_new(*answer, key, value) == 0)
		return;
	if (!*answer)
		json_decref(value);
	json_decref(*answer);
	*answer = NULL;
}

static void put_bytes(json_t **answer, const char *key, const char *bytes, size_t n)
{
	if (!*answer || api_put_bytes(*answer, key, bytes, n) == 0)
		return;
	json_decref(*answer);
	*answer = NULL;
}

static json_t *begin(json_t *id, bool ok)
{
	json_t *answer = json_object();

	put(&answer, "id", json_incref(id));
	put(&answer, "ok", json_boolean(ok));
	return answer;
}

json_t *api_answer_ok(json_t *id)
{
	return begin(id, true);
}

static json_t *error_object(const char *message, size_t n, const char *file, unsigned long line)
{
	json_t *error = json_object();

	put(&error, "message", api_text(message, n));
	if (file && *file)
		put(&error, "file", api_text(file, strlen(file)));
	if (line)
		put(&error, "line", json_integer((json_int_t)line));
	return error;
}

json_t *api_answer_error(json_t *id, const struct sbx_err *err)
{
	json_t *answer = begin(id, false);

	put(&answer, "error", error_object(err->msg, strlen(err->msg), err->file, err->line));
	return answer;
}

/* ---- the launcher's words ---- */

/* The line after *@at that begins as the launcher's do; without that beginning. */
static bool next_saying(const char **at, const char *end, const char **ret, size_t *ret_len)
{
	while (*at < end) {
		const char *line = *at, *newline = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((newline ? newline : end) - line);

		*at = newline ? newline + 1 : end;
		if (len > strlen(SAYS) && memcmp(line, SAYS, strlen(SAYS)) == 0) {
			*ret = line + strlen(SAYS);
			*ret_len = len - strlen(SAYS);
			return true;
		}
	}
	return false;
}

/* "FILE:LINE: message", as err_format() writes it. Returns the length of the file's name, 0 when
 * there is none. */
static size_t file_of(const char *text, size_t len, unsigned long *ret_line, size_t *ret_message)
{
	for (size_t i = 1; i + 3 < len; i++) {
		size_t digits = 0;

		if (text[i] == ' ' && text[i - 1] == ':')
			return 0; /* a message has begun */
		if (text[i] != ':')
			continue;
		while (i + 1 + digits < len && text[i + 1 + digits] >= '0' &&
		       text[i + 1 + digits] <= '9')
			digits++;
		if (digits == 0 || digits > 9 || i + 2 + digits >= len ||
		    text[i + 1 + digits] != ':' || text[i + 2 + digits] != ' ')
			continue;
		*ret_line = strtoul(text + i + 1, NULL, 10);
		*ret_message = i + 3 + digits;
		return i;
	}
	return 0;
}

static json_t *error_of_saying(const char *text, size_t len)
{
	unsigned long line = 0;
	size_t message = 0, n = file_of(text, len, &line, &message);
	char file[PATH_MAX];

	(void)snprintf(file, sizeof(file), "%.*s", (int)(n < PATH_MAX ? n : 0), text);
	return error_object(text + message, len - message, file, line);
}

static int exit_status(const siginfo_t *end)
{
	return end->si_code == CLD_EXITED ? end->si_status : 128 + end->si_status;
}

json_t *api_answer_failure(json_t *id, const struct api_process *process)
{
	const char *at = process->err.buf, *end = at + process->err.len;
	static const char silent[] = "it ended without a word";
	const char *text = silent, *found;
	size_t len = strlen(silent), found_len;
	json_t *answer = begin(id, false);

	/* Warnings come before. */
	while (at && next_saying(&at, end, &found, &found_len)) {
		text = found;
		len = found_len;
	}
	put(&answer, "error", error_of_saying(text, len));
	put(&answer, "status", json_integer(exit_status(&process->end)));
	return answer;
}

/* What the launcher says though all is well. */
static void put_warnings(json_t **answer, const struct api_process *process)
{
	const char *at = process->err.buf, *end = at + process->err.len, *text;
	json_t *list = json_array();
	size_t len;

	while (list && at && next_saying(&at, end, &text, &len)) {
		if (json_array_append_new(list, error_of_saying(text, len)) < 0) {
			json_decref(list);
			list = NULL;
		}
	}
	put(answer, "warnings", list);
}

/* ---- list ---- */

static json_t *promises(void)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < PROMISE_COUNT; i++) {
		json_t *one = json_pack("{s:s, s:s}", "name", promise_table[i].name, "permits",
					promise_table[i].permits);

		if (json_array_append_new(list, one) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* The names of the calls of which a promise of @set permits something. */
static json_t *calls(uint64_t set)
{
	json_t *list = json_array();
	const char *before = "";

	for (size_t i = 0; list && i < table_rows_count; i++) {
		const struct row *row = &table_rows[i];
		const struct requirement *need = &row->need;

		if (!requirement_by_promise(need) || strcmp(before, row->name) == 0 ||
		    !((need->any | need->all | need->bounded) & set))
			continue;
		before = row->name;
		if (json_array_append_new(list, json_string(row->name)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *api_answer_list(json_t *id, const char *promise, struct sbx_err *err)
{
	json_t *answer = NULL;
	char *text = NULL;
	size_t len = 0;
	uint64_t set;
	FILE *out;
	int r;

	if (!promise) {
		answer = begin(id, true);
		put(&answer, "promises", promises());
		return answer;
	}
	out = open_memstream(&text, &len);
	if (!out)
		return NULL;
	r = list_promise(promise, out, err);
	if (fclose(out) == 0 && r == 0 && promise_parse(promise, &set, err) == 0) {
		answer = begin(id, true);
		put_bytes(&answer, "text", text, len);
		put(&answer, "calls", calls(set));
	} else if (r < 0) {
		answer = api_answer_error(id, err);
	}
	free(text);
	return answer;
}

/* ---- processes ---- */

static void put_capture(json_t **answer, const char *key, const struct api_capture *capture)
{
	char key_cut[32];

	if (!capture->captured)
		return;
	put_bytes(answer, key, capture->buf, capture->len);
	if (capture->cut) {
		(void)snprintf(key_cut, sizeof(key_cut), "%s_truncated", key);
		put(answer, key_cut, json_true());
	}
}

static void put_end(json_t **answer, const struct api_task *task)
{
	const struct api_process *process = &task->process;
	char name[32];

	put(answer, "status", json_integer(exit_status(&process->end)));
	if (process->end.si_code != CLD_EXITED) {
		const char *abbreviation = sigabbrev_np(process->end.si_status);

		(void)snprintf(name, sizeof(name), abbreviation ? "SIG%s" : "%s%d",
			       abbreviation ? abbreviation : "", process->end.si_status);
		put(answer, "signal", json_string(name));
	}
	if (task->timed_out)
		put(answer, "timed_out", json_true());
	put_capture(answer, "out", &process->out);
	put_capture(answer, "err", &process->err);
	/* A descendant holds them open, and may go on writing. */
	if (process->out.fd >= 0 || process->err.fd >= 0)
		put(answer, "output_open", json_true());
}

json_t *api_answer_job(json_t *id, const struct api_task *task)
{
	json_t *answer = begin(id, true);

	put(&answer, "job", json_integer(task->job));
	if (task->process.ended)
		put_end(&answer, task);
	else
		put(&answer, "running", json_true());
	return answer;
}

/* The launcher's own JSON, with its "ok" by another name: ours says that there is an answer. */
static json_t *examined(json_t *id, const struct api_process *process)
{
	json_t *report =
		json_loadb(process->out.buf ? process->out.buf : "", process->out.len, 0, NULL);
	json_t *answer;

	if (!report)
		return api_answer_failure(id, process);
	answer = begin(id, true);
	put(&answer, "works", json_incref(json_object_get(report, "ok")));
	put(&answer, "checks", json_incref(json_object_get(report, "checks")));
	json_decref(report);
	return answer;
}

/* What a run has taught; there is none when it did not begin. */
static bool read_learned(const struct api_task *task, char **ret, size_t *ret_len)
{
	char path[sizeof(task->directory) + 16];
	int fd cleanup_fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/" API_LEARNED, task->directory);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	*ret = fd >= 0 ? malloc(API_CAPTURE_MAX) : NULL;
	if (!*ret)
		return false;
	n = read(fd, *ret, API_CAPTURE_MAX);
	if (n < 0) {
		free(*ret);
		return false;
	}
	*ret_len = (size_t)n;
	return true;
}

static json_t *learned(const struct api_task *task, json_t *id)
{
	json_t *answer;
	char *text;
	size_t len;

	if (!read_learned(task, &text, &len))
		return api_answer_failure(id, &task->process);
	answer = begin(id, true);
	put_bytes(&answer, "policy", text, len);
	put_end(&answer, task);
	free(text);
	return answer;
}

/* A request that started a process which has ended. */
json_t *api_answer_task(const struct api_task *task)
{
	const struct api_process *process = &task->process;
	json_t *id = api_call_id(&task->call);
	const bool well = process->end.si_code == CLD_EXITED && process->end.si_status == 0;
	struct sbx_err err = {0};
	json_t *answer;

	if (task->timed_out && task->call.op != API_LEARN) {
		(void)err_set(&err, -ETIMEDOUT, "took longer than %d s", API_WORK_MS / 1000);
		return api_answer_error(id, &err);
	}
	switch (task->call.op) {
	case API_DOCTOR:
		return examined(id, process);
	case API_LEARN:
		return learned(task, id);
	default:
		if (!well)
			return api_answer_failure(id, process);
		answer = begin(id, true);
		if (task->call.op == API_PRINT_POLICY)
			put_bytes(&answer, "policy", process->out.buf, process->out.len);
		put_warnings(&answer, process);
		return answer;
	}
}
