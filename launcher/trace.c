/* SPDX-License-Identifier: MIT */
/* One call of the program after the other, as lines. Some 650 lines, since what was seen of a
 * thread, a descriptor and a string is kept beside the call that asks for it. */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>

#include "../shim/sandbox.h"
#include "trace_parts.h"

#define THREADS	 512	/* that are remembered at a time */
#define FILES	 256	/* descriptors, likewise */
#define FRESH_US 250000 /* and for how long: numbers come round again, names change */
#define PIECE	 256	/* of a string that is read before anybody asks for it */
#define PAGE	 4096	/* the smallest there is: what follows may not be mapped */

struct thread {
	pid_t tid, tgid;
	int64_t until_us;
	char name[16]; /* of the program; with JSON */
};

/* What is open, as it was called when it was looked at. */
struct open_file {
	pid_t tgid;
	int fd;
	int64_t until_us;
	size_t len;
	char name[200];
};

/* What is known of one row. */
struct about {
	const char *promises; /* arena; as it is shown; NULL: not asked for yet */
	bool known;	      /* the rest is filled in */
	uint8_t n_paths, n_strings;
	struct decode_path paths[DECODE_PATHS_MAX];
	uint8_t strings[DECODE_STRINGS_MAX];
};

/* How a string of the program's begins. */
struct piece {
	uint64_t addr;
	size_t len;
	char text[PIECE];
};

/* A string of the program's that was read as a whole, since its path is wanted. */
struct text {
	uint64_t addr;
	size_t len; /* with its NUL */
	char text[PATH_MAX];
};

struct trace {
	struct trace_request request;
	struct arena arena;
	struct trace_only only;
	struct about *about;  /* arena; by tag */
	bool *watched;	      /* arena; by tag */
	uint64_t *counts;     /* arena; by tag; with -c */
	bool starting, ended; /* the program … */
	bool wants_paths;     /* for the lines, not only to choose among calls */
	pid_t program;
	int64_t start_us;
	int file;	      /* owned; -1: standard error */
	struct target target; /* of the call that is looked at, with its … */
	struct piece pieces[DECODE_STRINGS_MAX];
	size_t n_pieces;
	struct text texts[DECODE_PATHS_MAX];
	size_t n_texts;
	char paths[DECODE_PATHS_MAX][2 * PATH_MAX]; /* … absolute, and … */
	const char *path_list[DECODE_PATHS_MAX];
	size_t n_paths;
	char args[TRACE_ARGS_MAX]; /* … as text */
	int64_t now_us;
	/* Shown when it is answered: then we know whether what was read was its own. */
	const struct seccomp_notif *shown; /* NULL: nothing */
	const struct thread *thread;
	uint16_t tag;
	struct thread threads[THREADS];
	struct open_file files[FILES];
	struct trace_out out;
};

static int64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

/* ---- beginning ---- */

static int open_output(struct trace *t, struct sbx_err *err)
{
	const char *path = t->request.output;

	t->out.fd = STDERR_FILENO;
	if (!path)
		return 0;
	t->file =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (t->file < 0)
		return err_set(err, -errno, "-o %s: %m", path);
	t->out.fd = t->file;
	return 0;
}

int trace_new(const struct trace_request *request, struct trace **ret, struct sbx_err *err)
{
	struct trace *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return err_set(err, -ENOMEM, "out of memory");
	t->request = *request;
	t->starting = true;
	t->wants_paths = request->format == TRACE_JSON && !request->count;
	t->file = -1;
	t->start_us = now_us();
	t->about = arena_alloc(&t->arena, table_rows_count * sizeof(*t->about));
	t->counts = arena_alloc(&t->arena, table_rows_count * sizeof(*t->counts));
	t->watched = arena_alloc(&t->arena, table_rows_count * sizeof(*t->watched));
	r = t->about && t->counts && t->watched ? 0 : err_set(err, -ENOMEM, "out of memory");
	if (r == 0)
		r = trace_only_parse(request->only, &t->arena, &t->only, err);
	if (r == 0)
		r = open_output(t, err);
	if (r == 0)
		*ret = t;
	else
		trace_free(t);
	return r;
}

void trace_free(struct trace *t)
{
	if (!t)
		return;
	close_fd(&t->file);
	arena_done(&t->arena);
	free(t);
}

/* Everything is permitted, and what may be shown is asked about. So is what no promise covers, for
 * it cannot be permitted. */
void trace_filter(const struct trace *t, struct filter_request *ret)
{
	for (size_t tag = 0; tag < table_rows_count; tag++)
		/* After execve(2) the program has another name. */
		t->watched[tag] = t->only.rows[tag] != TRACE_HIDDEN ||
				  strncmp(table_rows[tag].name, "execve", 6) == 0;
	*ret = (struct filter_request){
		.promises = (UINT64_C(1) << PROMISE_COUNT) - 1,
		.bounded = true,
		.self = getpid(),
		.supervised = true,
		.watched = t->watched,
	};
}

/* ---- who it was ---- */

/* Reading /proc for every call would cost more than the call. */
static const struct thread *find_thread(struct trace *t, pid_t tid, int64_t now)
{
	struct thread *thread = &t->threads[(unsigned)tid % THREADS];
	struct target target;

	if (thread->tid == tid && now < thread->until_us)
		return thread;
	/* It has ended: who waits for the answer is dying. */
	if (target_init(&target, tid) < 0)
		target = (struct target){.tid = tid, .tgid = tid};
	*thread = (struct thread){.tid = tid, .tgid = target.tgid, .until_us = now + FRESH_US};
	if (t->request.format == TRACE_JSON)
		target_name(&target, thread->name);
	return thread;
}

/* Another program from now on, in the place of all its threads. */
static void forget_process(struct trace *t, pid_t tid)
{
	pid_t tgid = t->threads[(unsigned)tid % THREADS].tgid;

	for (size_t i = 0; i < THREADS; i++)
		if (t->threads[i].tgid == tgid || t->threads[i].tid == tid)
			t->threads[i].until_us = 0;
}

/* ---- what it says ---- */

/* All strings of a call at once: asking the kernel costs more than what it then does. A piece that
 * cannot be read has no length, like those behind it. */
static void read_pieces(struct trace *t, const struct about *about, const uint64_t *args)
{
	struct iovec local[DECODE_STRINGS_MAX] = {0}, remote[DECODE_STRINGS_MAX];
	ssize_t got;

	t->n_pieces = 0;
	for (unsigned i = 0; i < about->n_strings; i++) {
		uint64_t addr = args[about->strings[i]];
		size_t size = PAGE - (size_t)(addr % PAGE);
		size_t n = t->n_pieces;

		if (!addr)
			continue;
		if (size > PIECE)
			size = PIECE;
		t->pieces[n].addr = addr;
		local[n] = (struct iovec){.iov_base = t->pieces[n].text, .iov_len = size};
		remote[n] = (struct iovec){.iov_base = (void *)(uintptr_t)addr, .iov_len = size};
		t->n_pieces++;
	}
	got = t->n_pieces
		      ? process_vm_readv(t->target.tid, local, t->n_pieces, remote, t->n_pieces, 0)
		      : 0;
	for (size_t i = 0; i < t->n_pieces; i++) {
		size_t len = got < 0 ? 0 : (size_t)got;

		if (len > local[i].iov_len)
			len = local[i].iov_len;
		t->pieces[i].len = len;
		got -= (ssize_t)len;
	}
}

/* The part of @buf that is among @len bytes of @addr, which are @text; 0: none. */
static size_t copy_part(uint64_t addr, size_t len, const char *text, uint64_t from, void *buf,
			size_t size)
{
	size_t at = (size_t)(from - addr);

	if (from < addr || at >= len)
		return 0;
	if (size > len - at)
		size = len - at;
	memcpy(buf, text + at, size);
	return size;
}

/* What was read is not read again. */
static ssize_t read_target(void *user, uint64_t addr, void *buf, size_t size)
{
	struct trace *t = user;

	for (size_t i = 0; i < t->n_texts; i++) {
		const struct text *text = &t->texts[i];
		size_t n = copy_part(text->addr, text->len, text->text, addr, buf, size);

		if (n)
			return (ssize_t)n;
	}
	for (size_t i = 0; i < t->n_pieces; i++) {
		const struct piece *piece = &t->pieces[i];
		size_t n = copy_part(piece->addr, piece->len, piece->text, addr, buf, size);

		if (n)
			return (ssize_t)n;
	}
	return target_read(&t->target, addr, buf, size);
}

static struct open_file *file_slot(struct trace *t, pid_t tgid, int fd)
{
	return &t->files[((unsigned)tgid * 31 + (unsigned)fd) % FILES];
}

/* What is open changes by calls that we see, if we see all. */
static size_t name_fd(void *user, int fd, char *buf, size_t size)
{
	struct trace *t = user;
	struct open_file *file = file_slot(t, t->target.tgid, fd);
	char path[64];
	ssize_t n;

	if (t->request.only || file->tgid != t->target.tgid || file->fd != fd ||
	    t->now_us >= file->until_us) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", t->target.tid, fd);
		n = readlink(path, file->name, sizeof(file->name));
		if (n == sizeof(file->name))
			memcpy(file->name + n - 3, "...", 3);
		file->tgid = t->target.tgid;
		file->fd = fd;
		file->until_us = n < 0 ? 0 : t->now_us + FRESH_US;
		file->len = n < 0 ? 0 : (size_t)n;
	}
	if (size > file->len)
		size = file->len;
	memcpy(buf, file->name, size);
	return size;
}

/* After this call some other file may be open there. */
static void forget_files(struct trace *t, const struct seccomp_notif *call, pid_t tgid)
{
	const uint64_t *args = (const uint64_t *)call->data.args;

	switch (call->data.nr) {
	case SYS_close:
		file_slot(t, tgid, (int)args[0])->until_us = 0;
		break;
	case SYS_dup3:
#ifdef SYS_dup2
	case SYS_dup2:
#endif
		file_slot(t, tgid, (int)args[1])->until_us = 0;
		break;
	case SYS_close_range:
	case SYS_execve:
	case SYS_execveat:
		for (size_t i = 0; i < FILES; i++)
			if (t->files[i].tgid == tgid)
				t->files[i].until_us = 0;
		break;
	default:
		break;
	}
}

/* Where a relative path starts. Returns false when that is no path. */
static bool find_base(const struct trace *t, int dirfd, char ret[PATH_MAX])
{
	char path[64];
	ssize_t n;

	if (dirfd == AT_FDCWD)
		(void)snprintf(path, sizeof(path), "/proc/%d/cwd", t->target.tid);
	else
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", t->target.tid, dirfd);
	n = readlink(path, ret, PATH_MAX - 1);
	ret[n > 0 ? n : 0] = '\0';
	return ret[0] == '/';
}

/* Take out "." and what is empty. Returns whether there is a "..". */
static bool tidy(char *path)
{
	const char *p = path;
	char *out = path;
	bool up = false;

	while (*p) {
		size_t skip = strspn(p, "/"), len = strcspn(p + skip, "/");

		p += skip;
		if (len && !(len == 1 && p[0] == '.')) {
			up |= len == 2 && p[0] == '.' && p[1] == '.';
			*out++ = '/';
			memmove(out, p, len);
			out += len;
		}
		p += len;
	}
	if (out == path)
		*out++ = '/';
	*out = '\0';
	return up;
}

/* ".." leads from where a symbolic link went: only the file system knows. */
static void resolve_up(const struct trace *t, int dirfd, const char *text, char ret[2 * PATH_MAX])
{
	struct spot spot cleanup_spot = {.fd = -1};
	char name[NAME_MAX + 1];

	if (target_find_parent(&t->target, dirfd, text, &spot, name) == 0 && name[0])
		(void)snprintf(ret, 2 * PATH_MAX, "%s/%s", spot.real[1] ? spot.real : "", name);
	else if (target_find(&t->target, dirfd, text, true, &spot) == 0)
		(void)snprintf(ret, 2 * PATH_MAX, "%s", spot.real);
}

static void add_path(struct trace *t, int dirfd, const char *text)
{
	char *path = t->paths[t->n_paths], base[PATH_MAX];

	if (text[0] == '/')
		(void)snprintf(path, 2 * PATH_MAX, "%s", text);
	else if (find_base(t, dirfd, base))
		(void)snprintf(path, 2 * PATH_MAX, "%s/%s", base, text);
	else
		return;
	if (tidy(path))
		resolve_up(t, dirfd, text, path);
	t->path_list[t->n_paths++] = path;
}

/* A file's name in a struct sockaddr. */
static void add_address(struct trace *t, uint64_t addr, uint64_t size)
{
	struct sockaddr_un un = {.sun_family = AF_UNSPEC};
	char name[sizeof(un.sun_path) + 1];

	if (!addr || size <= offsetof(struct sockaddr_un, sun_path))
		return;
	if (size > sizeof(un))
		size = sizeof(un);
	if (target_read(&t->target, addr, &un, size) != (ssize_t)size || un.sun_family != AF_UNIX ||
	    !un.sun_path[0])
		return;
	(void)snprintf(name, sizeof(name), "%.*s", (int)sizeof(un.sun_path), un.sun_path);
	add_path(t, AT_FDCWD, name);
}

static bool read_path(struct trace *t, uint64_t addr, char ret[PATH_MAX])
{
	for (size_t i = 0; i < t->n_pieces; i++) {
		const struct piece *piece = &t->pieces[i];

		if (piece->addr == addr && memchr(piece->text, '\0', piece->len)) {
			memcpy(ret, piece->text, piece->len);
			return true;
		}
	}
	return target_read_string(&t->target, addr, ret) == 0;
}

static void find_paths(struct trace *t, const struct about *about, const uint64_t *args)
{
	for (unsigned i = 0; i < about->n_paths; i++) {
		const struct decode_path *where = &about->paths[i];
		struct text *text = &t->texts[t->n_texts];

		if (where->address) {
			add_address(t, args[where->path],
				    where->path < 5 ? (uint32_t)args[where->path + 1] : 0);
			continue;
		}
		if (!args[where->path] || !read_path(t, args[where->path], text->text))
			continue;
		text->addr = args[where->path];
		text->len = strlen(text->text) + 1;
		t->n_texts++;
		add_path(t, where->dir < 0 ? AT_FDCWD : (int)args[where->dir], text->text);
	}
}

/* ---- one call ---- */

static struct about *about_row(struct trace *t, uint16_t tag)
{
	const struct row *row = &table_rows[tag];
	struct about *about = &t->about[tag];

	if (about->known)
		return about;
	about->n_paths = (uint8_t)decode_find_paths(row->name, about->paths);
	about->n_strings = (uint8_t)decode_find_strings(row->name, about->strings);
	about->promises = t->request.format == TRACE_JSON ? trace_promises_json(&t->arena, row)
							  : trace_promises_text(&t->arena, row);
	if (!about->promises)
		about->promises = t->request.format == TRACE_JSON ? "null" : "?"; /* no memory */
	about->known = true;
	return about;
}

static bool is_shown(const struct trace *t, uint16_t tag)
{
	if (t->only.rows[tag] != TRACE_BY_PATH)
		return true;
	for (size_t i = 0; i < t->n_paths; i++)
		if (trace_only_path(&t->only, t->paths[i]))
			return true;
	return false;
}

static void decode(struct trace *t, const struct seccomp_notif *call, bool gone)
{
	const struct decode_source source = {
		.read = gone ? NULL : read_target,
		.name_fd = gone ? NULL : name_fd,
		.user = t,
	};

	(void)decode_call(call->data.nr, (const uint64_t *)call->data.args, &source, t->args,
			  sizeof(t->args));
}

/* So that a line stands before what the call itself writes there. */
static bool comes_before_output(const struct trace *t, const struct seccomp_notif *call)
{
	return t->out.fd == STDERR_FILENO &&
	       (call->data.nr == SYS_write || call->data.nr == SYS_writev);
}

static void show(struct trace *t)
{
	const struct seccomp_notif *call = t->shown;
	const struct thread *thread = t->thread;
	struct trace_line line = {
		.time_us = t->now_us - t->start_us,
		.tgid = thread->tgid,
		.tid = thread->tid,
		.name = thread->name,
		.row = &table_rows[t->tag],
		.promises = about_row(t, t->tag)->promises,
		.args = t->args,
		.raw = (const uint64_t *)call->data.args,
		.paths = t->path_list,
		.n_paths = t->n_paths,
	};

	if (t->request.format == TRACE_JSON)
		trace_put_json(&t->out, &line);
	else
		trace_put_text(&t->out, &line);
	/* Once the program has ended we may become another process at any time. */
	if (t->ended || comes_before_output(t, call))
		trace_out_flush(&t->out);
	forget_files(t, call, thread->tgid);
	t->shown = NULL;
}

/* The number of who made the call may be another's by now, and what was read, too. */
static void doubt(struct trace *t)
{
	t->n_paths = 0;
	decode(t, t->shown, true);
	file_slot(t, t->thread->tgid, (int)t->shown->data.args[0])->until_us = 0;
}

static void answered(void *user, bool there)
{
	struct trace *t = user;

	if (!t->shown)
		return;
	if (!there)
		doubt(t);
	show(t);
}

static void look_at(struct trace *t, const struct seccomp_notif *call, uint16_t tag, int listener)
{
	const uint8_t match = t->only.rows[tag];
	const struct about *about = about_row(t, tag);
	const struct thread *thread;

	if (t->request.count && match == TRACE_SHOWN) {
		t->counts[tag]++;
		return;
	}
	t->now_us = now_us();
	thread = find_thread(t, (pid_t)call->pid, t->now_us);
	t->target = (struct target){.tid = thread->tid, .tgid = thread->tgid};
	t->n_paths = t->n_texts = 0;
	read_pieces(t, about, (const uint64_t *)call->data.args);
	if (t->wants_paths || match == TRACE_BY_PATH)
		find_paths(t, about, (const uint64_t *)call->data.args);
	if (!is_shown(t, tag))
		return;
	if (t->request.count) {
		t->counts[tag]++;
		return;
	}
	decode(t, call, false);
	t->shown = call;
	t->thread = thread;
	t->tag = tag;
	if (comes_before_output(t, call))
		answered(t, supervise_call_valid(listener, call->id));
}

/* Where enforcement would start: where the shim says so, see sandbox_enter_supervised(), or else
 * when the program is executed. */
static bool is_start_over(const struct trace *t, const struct seccomp_notif *call)
{
	if (t->request.ever_starting)
		return call->data.nr == SYS_execve;
	return call->data.nr == SYS_seccomp && (uint32_t)call->data.args[0] == SANDBOX_STARTED;
}

static struct supervise_verdict judge(void *user, const struct seccomp_notif *call, int listener)
{
	struct trace *t = user;
	uint16_t tag = filter_find_row(call->data.nr, call->data.arch,
				       (const uint64_t *)call->data.args, t->program);

	if (tag == TAG_FOREIGN || tag == TAG_UNKNOWN || tag >= table_rows_count)
		return (struct supervise_verdict){SUPERVISE_ANSWER, -ENOSYS}; /* never asked */
	if (t->starting) {
		if (!is_start_over(t, call))
			return (struct supervise_verdict){SUPERVISE_CONTINUE, 0};
		t->starting = false;
		t->start_us = now_us();
		if (call->data.nr == SYS_seccomp)
			return (struct supervise_verdict){SUPERVISE_ANSWER, 0};
	}
	if (t->only.rows[tag] != TRACE_HIDDEN && !t->out.error)
		look_at(t, call, tag, listener);
	if (call->data.nr == SYS_execve || call->data.nr == SYS_execveat)
		forget_process(t, (pid_t)call->pid);
	return (struct supervise_verdict){SUPERVISE_CONTINUE, 0};
}

/* ---- the end ---- */

static void idle(void *user)
{
	struct trace *t = user;

	trace_out_flush(&t->out);
}

static bool has_counts(const struct trace *t)
{
	for (size_t tag = 0; tag < table_rows_count; tag++)
		if (t->counts[tag])
			return true;
	return false;
}

static void ended(void *user, bool again, int status)
{
	struct trace *t = user;
	bool told = again && t->out.error;

	(void)status;
	t->ended = true;
	if (t->request.count && !t->out.error && (!again || has_counts(t))) {
		trace_put_counts(&t->out, t->counts, t->request.format == TRACE_JSON);
		memset(t->counts, 0, table_rows_count * sizeof(*t->counts));
	}
	trace_out_flush(&t->out);
	if (t->out.error && !told)
		(void)dprintf(STDERR_FILENO,
			      "sbx-preload: cannot write %s: %s; the trace is not complete\n",
			      t->request.output ? t->request.output : "the trace",
			      strerror(t->out.error));
}

int trace_run(struct trace *t, struct supervisor *supervisor, struct sbx_err *err)
{
	const struct supervise_user user = {
		.judge = judge, .answered = answered, .idle = idle, .ended = ended, .user = t};

	t->program = supervisor->pid;
	/* Too long a file is an error like others, and no reason to end the program with us. */
	(void)signal(SIGXFSZ, SIG_IGN);
	return supervise_run(supervisor, &user, err);
}
