/* SPDX-License-Identifier: MIT */
/* What a running program needs, remembered: see learn.h. More than 600 lines, since one call is
 * looked at from every side: its row, its paths, whom it reaches. */
#include "learn.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>

#include "../shim/decode.h"
#include "../shim/line.h"
#include "../shim/path.h"
#include "explain_parts.h"
#include "learn_file.h"
#include "learn_parts.h"
#include "record.h"

#define PENDING_MAX 64 /* threads between socket(2) and connect(2) */
#define DNS_PORT    53

/* What a program can make us remember has an end. More would not fit into a policy anyway. */
#define WHY_BYTES_MAX (32UL << 20) /* of all comments */
#define ROW_NOTES_MAX 4		   /* of one row: mount(2) of this, of that … */
#define NOTES_MAX     256
#define MOVES_MAX     512
#define PORTS_MAX     256

/* libc's question to its cache daemon, unless what follows says otherwise. */
struct pending {
	pid_t tid; /* 0: free */
	struct learn_row row;
};

struct learn {
	struct learn_request request;
	struct learn_facts facts;
	struct learn_file file;
	struct timespec begin;
	bool begun; /* whatever is made from now on is younger than that */
	unsigned seq;
	const struct learn_process *process; /* whose call is being looked at */
	bool executed;			     /* the program itself, where that is watched, too */
	bool strayed;	   /* something was done that may have changed what a path means … */
	bool told_strayed; /* … and did */
	int status;	   /* the program's, once it has ended */
	size_t why_bytes;
	uint8_t *row_notes;	 /* owned; by tag: how many there are */
	char name[NAME_MAX + 1]; /* the program's, for a comment */
	struct pending pending[PENDING_MAX];
};

/* The name of the program's file stands in a comment: nothing in it may end that, or play with the
 * terminal. */
static void set_name(struct learn *l, const char *name)
{
	struct line line;

	line_init(&line, l->name, sizeof(l->name));
	line_escaped(&line, name, strlen(name));
	(void)line_end(&line);
	l->request.name = l->name;
}

int learn_new(const struct learn_request *request, struct learn **ret, struct sbx_err *err)
{
	struct learn *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return err_set(err, -ENOMEM, "out of memory");
	l->request = *request;
	if (request->name)
		set_name(l, request->name);
	(void)clock_gettime(CLOCK_REALTIME, &l->begin);
	l->row_notes = calloc(table_rows_count, sizeof(*l->row_notes));
	r = l->row_notes ? learn_file_open(&l->file, request->file, request->unveil->env, err)
			 : err_set(err, -ENOMEM, "out of memory");
	if (r < 0)
		learn_free(l);
	else
		*ret = l;
	return r;
}

void learn_free(struct learn *l)
{
	if (!l)
		return;
	arena_done(&l->facts.arena);
	learn_file_done(&l->file);
	free(l->row_notes);
	free(l);
}

/* ---- calls as comments ---- */

/* Calls whose arguments are addresses, sizes or processes say more by their shape. */
static bool is_best_by_shape(const char *name)
{
	static const char *const names[] = {
		"mmap",
		"mprotect",
		"pkey_mprotect",
		"kill",
		"tkill",
		"tgkill",
		"setpgid",
		"pidfd_open",
		"rt_sigqueueinfo",
		"prlimit64",
		"setpriority",
		"ioprio_set",
		"sched_setattr",
		"sched_setscheduler",
		"clone",
		"sched_setparam",
		"sched_setaffinity",
		"rt_tgsigqueueinfo",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static struct learn_why why_of(struct explain *e, struct denial *denial)
{
	struct learn *l = e->learn;
	const struct decode_source source = {.read = target_read, .user = &denial->target};
	struct learn_why why = {.process = l->process, .tid = denial->target.tid, .seq = l->seq++};
	char call[1024], steady[LEARN_CALL_MAX], name[16] = "";

	if (l->why_bytes > WHY_BYTES_MAX) {
		why.text = denial->row->name;
		return why;
	}
	if (is_best_by_shape(denial->row->name))
		(void)snprintf(call, sizeof(call), "%s(%s)", denial->row->name,
			       denial->row->shape ? denial->row->shape : "");
	else
		(void)decode_call(denial->notif->data.nr,
				  (const uint64_t *)denial->notif->data.args, &source, call,
				  sizeof(call));
	if (!supervise_call_valid(denial->listener, denial->notif->id))
		(void)snprintf(call, sizeof(call), "%s()", denial->row->name);
	learn_make_steady(&l->facts, &denial->target, call, steady);
	if (denial->target.tgid != e->program)
		target_name(&denial->target, name);
	why.text = arena_printf(&l->facts.arena, "%s%s%s", name, name[0] ? ": " : "", steady);
	l->why_bytes += why.text ? strlen(why.text) + 1 : 0;
	return why;
}

/* Is this one earlier than what is remembered? */
static bool is_earlier(const struct learn *l, const struct denial *denial,
		       const struct learn_why *why)
{
	const struct learn_why now = {
		.text = "", .process = l->process, .tid = denial->target.tid, .seq = l->seq};

	return learn_why_before(&now, why);
}

/* ---- calls ---- */

static void add_row(struct learn *l, const struct learn_row *row)
{
	struct learn_facts *facts = &l->facts;

	if (arena_grow(&facts->arena, (void **)&facts->rows, &facts->cap_rows, facts->n_rows,
		       sizeof(*facts->rows)) < 0)
		facts->cut = true;
	else
		facts->rows[facts->n_rows++] = *row;
}

static struct learn_row *find_row(const struct learn *l, const struct learn_row *like)
{
	for (size_t i = 0; i < l->facts.n_rows; i++) {
		struct learn_row *row = &l->facts.rows[i];

		if (row->tag == like->tag && row->prefer == like->prefer &&
		    memcmp(&row->need, &like->need, sizeof(row->need)) == 0)
			return row;
	}
	return NULL;
}

static void merge_row(struct learn *l, const struct learn_row *row)
{
	struct learn_row *old = find_row(l, row);

	if (!old)
		add_row(l, row);
	else if (learn_why_before(&row->why, &old->why))
		old->why = row->why;
}

static void see_row(struct explain *e, struct denial *denial, struct learn_row *row)
{
	struct learn_row *old = find_row(e->learn, row);

	if (old && !is_earlier(e->learn, denial, &old->why))
		return;
	row->why = why_of(e, denial);
	if (old)
		old->why = row->why;
	else
		add_row(e->learn, row);
}

static struct learn_row row_of(struct explain *e, struct denial *denial)
{
	return (struct learn_row){
		.need = denial->row->need,
		.tag = denial->tag,
		.prefer = explain_preferred(e, denial),
		.names_files = denial->call && access_names_files(denial->call) &&
			       denial->call->kind != ACCESS_EXEC,
	};
}

/* A promise that the call's arguments ask for, beyond what its row says. */
static void see_promise(struct explain *e, struct denial *denial, uint64_t promise)
{
	struct learn_row row = {.need = {.any = promise}, .tag = denial->tag};

	see_row(e, denial, &row);
}

static void settle_pending(struct learn *l, pid_t tid, bool is_nscd)
{
	for (size_t i = 0; i < PENDING_MAX; i++) {
		if (!l->pending[i].tid || (tid && l->pending[i].tid != tid))
			continue;
		if (!is_nscd)
			merge_row(l, &l->pending[i].row);
		l->pending[i].tid = 0;
	}
}

static void add_pending(struct explain *e, struct denial *denial)
{
	struct learn *l = e->learn;
	struct learn_row row = row_of(e, denial);

	settle_pending(l, denial->target.tid, false);
	row.why = why_of(e, denial);
	for (size_t i = 0; i < PENDING_MAX; i++) {
		if (!l->pending[i].tid) {
			l->pending[i] = (struct pending){.tid = denial->target.tid, .row = row};
			return;
		}
	}
	merge_row(l, &row);
}

/* The services that libc asks first, and does without. */
static bool is_nscd_connect(struct denial *denial)
{
	static const char *const services[] = {"/var/run/nscd/", "/run/nscd/",
					       "/run/systemd/userdb/"};
	struct sockaddr_un address = {.sun_family = AF_UNSPEC};
	size_t size = (uint32_t)denial->notif->data.args[2];

	if (size > sizeof(address))
		size = sizeof(address);
	if (target_read(&denial->target, denial->notif->data.args[1], &address, size) !=
		    (ssize_t)size ||
	    address.sun_family != AF_UNIX)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(services); i++)
		if (strncmp(address.sun_path, services[i], strlen(services[i])) == 0)
			return true;
	return false;
}

/* ---- paths ---- */

static bool is_after(const struct learn *l, int64_t sec, uint32_t nsec)
{
	return sec > l->begin.tv_sec ||
	       (sec == l->begin.tv_sec && nsec > (uint32_t)l->begin.tv_nsec);
}

/* File systems take the time of the last tick (or, since 6.13, what another file was given since):
 * the program must not make anything before the next one. Usually that is over long since. */
static void await_tick(struct learn *l)
{
	const struct timespec wait = {.tv_nsec = 200000};
	struct timespec now;

	while (!l->begun) {
		l->begun = clock_gettime(CLOCK_REALTIME_COARSE, &now) < 0 ||
			   is_after(l, now.tv_sec, (uint32_t)now.tv_nsec) ||
			   nanosleep(&wait, NULL) < 0;
	}
}

/* Did it come to be while the program ran? */
static bool is_younger(const struct learn *l, const char *real)
{
	struct statx st;

	if (statx(AT_FDCWD, real, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &st) < 0 ||
	    !(st.stx_mask & STATX_BTIME))
		return false;
	return is_after(l, st.stx_btime.tv_sec, st.stx_btime.tv_nsec);
}

static bool is_kernels(const char *real)
{
	return strncmp(real, "/proc/", 6) == 0 || strncmp(real, "/dev/", 5) == 0 ||
	       strncmp(real, "/sys/", 5) == 0;
}

/* Where a line must be so that it is there the next time: what the program made is not. Processes
 * and terminals have numbers. False: no line can say it. */
static bool find_place(struct explain *e, char real[PATH_MAX], uint64_t rights, bool *is_dir)
{
	struct learn *l = e->learn;

	if (strncmp(real, "/proc/", 6) == 0 && real[6] >= '0' && real[6] <= '9') {
		char rest[PATH_MAX];
		size_t digits = strspn(real + 6, "0123456789");

		memcpy(rest, real + 6 + digits, strlen(real + 6 + digits) + 1);
		if (strtol(real + 6, NULL, 10) == e->program) {
			(void)snprintf(real, PATH_MAX, "/proc/self%.4000s", rest);
			return true;
		}
		(void)snprintf(real, PATH_MAX, "/proc");
		*is_dir = true;
		return !(rights & ~(uint64_t)(FS_READ_FILE | FS_READ_DIR));
	}
	if (strncmp(real, "/dev/pts/", 9) == 0) {
		for (int fd = 0; fd < 3; fd++) {
			char own[PATH_MAX];

			if (path_of_fd(fd, own) == 0 && strcmp(own, real) == 0)
				return true;
		}
		(void)snprintf(real, PATH_MAX, "/dev/pts");
		*is_dir = true;
		return true;
	}
	if (strncmp(real, "/sys/fs/cgroup/", 15) == 0 && !(rights & ~(uint64_t)FS_READ_FILE)) {
		real[14] = '\0'; /* where it is in there changes with every container */
		*is_dir = true;
	}
	while (strcmp(real, "/") != 0) {
		struct learn_path *path = learn_path_find(&l->facts, real);

		if (!path && !is_kernels(real) && is_younger(l, real)) {
			path = learn_path_at(&l->facts, real);
			if (path)
				path->made = true;
		}
		if (!path || !path->made)
			break;
		explain_go_up(real);
		*is_dir = true;
	}
	return true;
}

static void note_made(struct learn *l, const char *dir, const char *written, bool random)
{
	char real[PATH_MAX], name[NAME_MAX + 1], trimmed[PATH_MAX];
	struct learn_path *path;
	size_t len = strlen(written);
	int n;

	memcpy(trimmed, written, len + 1);
	while (len > 1 && trimmed[len - 1] == '/')
		trimmed[--len] = '\0';
	n = snprintf(real, sizeof(real), "%s/%s", strcmp(dir, "/") == 0 ? "" : dir,
		     path_base(trimmed));
	if (n >= (int)sizeof(real) || strlen(path_base(trimmed)) >= sizeof(name))
		return;
	(void)snprintf(name, sizeof(name), "%s", path_base(trimmed));
	path = learn_path_at(&l->facts, real);
	if (path)
		path->made = true;
	if (random)
		learn_mask(&l->facts, name);
}

/* What has a name afterwards that it had not before. The name of what is to be the only one is
 * often made up (mkstemp(3), mkdtemp(3)). */
static void note_creation(struct explain *e, struct denial *denial,
			  const struct access_wants *wants)
{
	const uint64_t making = FS_MAKE_CHAR | FS_MAKE_DIR | FS_MAKE_REG | FS_MAKE_SOCK |
				FS_MAKE_FIFO | FS_MAKE_BLOCK | FS_MAKE_SYM;
	const uint64_t *args = (const uint64_t *)denial->notif->data.args;
	const struct access_call *call = denial->call;
	const struct access_want *to = &wants->want[wants->count - 1];
	int8_t arg = call->path2 >= 0 ? call->path2 : call->path;
	char written[PATH_MAX];
	bool random = false;

	if (!(to->rights & making))
		return;
	if (call->kind == ACCESS_BIND) {
		struct sockaddr_un un = {.sun_family = AF_UNSPEC};
		size_t size = (uint32_t)args[2] < sizeof(un) ? (uint32_t)args[2] : sizeof(un);

		if (target_read(&denial->target, args[1], &un, size) != (ssize_t)size)
			return;
		(void)snprintf(written, sizeof(written), "%.*s", (int)sizeof(un.sun_path),
			       un.sun_path);
	} else if (arg < 0 || target_read_string(&denial->target, args[arg], written) < 0) {
		return;
	}
	if (call->kind == ACCESS_OPEN)
		random = args[call->extra] & O_EXCL;
	else if (call->kind == ACCESS_MKDIR)
		random = (args[call->path + 1] & 07777) == 0700;
	note_made(e->learn, to->real, written, random);
}

static void remember_rights(struct explain *e, struct denial *denial, const char *real,
			    uint64_t rights, bool is_dir, struct learn_why *why)
{
	struct learn_path *path = learn_path_at(&e->learn->facts, real);
	uint8_t letters = explain_letters(rights);

	if (!path)
		return;
	path->rights |= rights;
	path->is_dir |= is_dir;
	for (size_t i = 0; i < ARRAY_SIZE(path->why); i++) {
		if (!(letters & 1U << i) || !is_earlier(e->learn, denial, &path->why[i]))
			continue;
		if (!why->text) {
			*why = why_of(e, denial);
			path = learn_path_at(&e->learn->facts, real);
			if (!path)
				return;
		}
		path->why[i] = *why;
	}
}

/* Is there anything about these paths that is not remembered yet? */
static bool is_news(struct explain *e, struct denial *denial, struct access_wants *wants)
{
	for (size_t i = 0; i < wants->count; i++) {
		const struct access_want *w = &wants->want[i];
		uint64_t rights = w->rights & ~explain_granted(e, w);
		uint8_t letters = explain_letters(rights);
		const struct learn_path *path;
		char real[PATH_MAX];
		bool is_dir;

		memcpy(real, w->real, strlen(w->real) + 1);
		if (!find_place(e, real, rights, &is_dir))
			return true;
		path = learn_path_find(&e->learn->facts, real);
		if (path ? (rights & ~path->rights) != 0
			 : rights || S_ISCHR(w->st.st_mode) || S_ISBLK(w->st.st_mode))
			return true;
		if (!path)
			continue;
		for (size_t j = 0; j < ARRAY_SIZE(path->why); j++)
			if ((letters & 1U << j) && is_earlier(e->learn, denial, &path->why[j]))
				return true;
	}
	return wants->moves;
}

static void remember_move(struct learn *l, const char *from, const char *to)
{
	struct learn_facts *facts = &l->facts;
	struct learn_move move = {0};

	for (size_t i = 0; i < facts->n_moves; i++)
		if (strcmp(facts->moves[i].from, from) == 0 && strcmp(facts->moves[i].to, to) == 0)
			return;
	if (facts->n_moves == MOVES_MAX) {
		facts->cut = true;
		return;
	}
	move.from = arena_strdup(&facts->arena, from);
	move.to = arena_strdup(&facts->arena, to);
	if (!move.from || !move.to ||
	    arena_grow(&facts->arena, (void **)&facts->moves, &facts->cap_moves, facts->n_moves,
		       sizeof(*facts->moves)) < 0)
		facts->cut = true;
	else
		facts->moves[facts->n_moves++] = move;
}

static void remember_note(struct explain *e, struct denial *denial, const char *reason)
{
	struct learn_facts *facts = &e->learn->facts;
	struct learn_note note = {0};
	struct learn_why why;

	if (e->learn->row_notes[denial->tag] == ROW_NOTES_MAX || facts->n_notes == NOTES_MAX)
		return;
	why = why_of(e, denial);
	if (why.text)
		note.text = arena_printf(&facts->arena, "%s: %s", why.text, reason);
	for (size_t i = 0; note.text && i < facts->n_notes; i++)
		if (strcmp(facts->notes[i].text, note.text) == 0)
			return;
	if (note.text && arena_grow(&facts->arena, (void **)&facts->notes, &facts->cap_notes,
				    facts->n_notes, sizeof(*facts->notes)) == 0) {
		facts->notes[facts->n_notes++] = note;
		e->learn->row_notes[denial->tag]++;
	}
}

static void remember_wants(struct explain *e, struct denial *denial, struct access_wants *wants)
{
	struct learn_why why = {0};

	note_creation(e, denial, wants);
	for (size_t i = 0; i < wants->count; i++) {
		struct access_want *w = &wants->want[i];
		bool is_dir = S_ISDIR(w->st.st_mode);
		uint64_t granted = explain_granted(e, w);
		struct learn_path *path;

		if (e->request.ever_starting && !(e->learn->executed && (w->rights & FS_EXECUTE)))
			granted |= reach_granted(&e->started, w->real, &w->st);
		if (denial->call->kind == ACCESS_OPEN &&
		    (S_ISCHR(w->st.st_mode) || S_ISBLK(w->st.st_mode))) {
			path = learn_path_at(&e->learn->facts, w->real);
			if (path)
				path->device = true;
		}
		if (!find_place(e, w->real, w->rights, &is_dir)) {
			remember_note(e, denial, "no line can name the files of another process");
			continue;
		}
		if (w->rights & ~granted)
			remember_rights(e, denial, w->real, w->rights & ~granted, is_dir, &why);
	}
	if (wants->moves && wants->count >= 2)
		remember_move(e->learn, wants->want[0].real, wants->want[1].real);
}

static void see_paths(struct explain *e, struct denial *denial)
{
	static struct access_wants wants; /* large, and one call at a time */
	const uint64_t *args = (const uint64_t *)denial->notif->data.args;
	struct identity identity;

	access_of(&denial->target, denial->call, args, false, &wants);
	if (denial->call->kind == ACCESS_IOCTL && wants.count) {
		const struct learn_path *path =
			learn_path_find(&e->learn->facts, wants.want[0].real);

		/* One that was open before can be controlled all the same. */
		if (!path || !path->device)
			return;
	}
	if (!wants.count || !is_news(e, denial, &wants))
		return;
	identity = identity_take(&denial->target);
	access_of(&denial->target, denial->call, args, true, &wants);
	identity_restore(&identity);
	if (wants.count && supervise_call_valid(denial->listener, denial->notif->id))
		remember_wants(e, denial, &wants);
}

/* ---- peers ---- */

void learn_see_port(struct explain *e, struct denial *denial, enum port_access access,
		    uint16_t port)
{
	struct learn_facts *facts = &e->learn->facts;
	struct learn_port new = {.port = port, .access = (uint8_t)access};

	if (port != DNS_PORT || access != PORT_CONNECT)
		see_promise(e, denial, P(INET));
	for (size_t i = 0; i < facts->n_ports; i++) {
		struct learn_port *old = &facts->ports[i];

		if (old->port != port || old->access != access)
			continue;
		if (is_earlier(e->learn, denial, &old->why))
			old->why = why_of(e, denial);
		return;
	}
	if (facts->n_ports == PORTS_MAX) {
		facts->cut = true;
		return;
	}
	new.why = why_of(e, denial);
	if (arena_grow(&facts->arena, (void **)&facts->ports, &facts->cap_ports, facts->n_ports,
		       sizeof(*facts->ports)) < 0)
		facts->cut = true;
	else
		facts->ports[facts->n_ports++] = new;
}

void learn_see_scope(struct explain *e, struct denial *denial)
{
	struct learn_why *why = &e->learn->facts.scope;

	if (is_earlier(e->learn, denial, why))
		*why = why_of(e, denial);
}

/* ---- one call ---- */

/* Where the shim cannot enter, the start is watched, too. What it needs, start_program() grants. */
static bool belongs_to_start(struct explain *e, const struct denial *denial)
{
	bool executes = denial->call && denial->call->kind == ACCESS_EXEC;

	if (!e->request.ever_starting)
		return e->starting;
	if (executes && !e->learn->executed) {
		e->learn->executed = true;
		return true;
	}
	return false;
}

static bool is_free(const struct explain *e, const struct denial *denial)
{
	const struct filter_request *start = &e->request.start;
	const struct requirement *need = &denial->row->need;

	if (requirement_met(need, P(STDIO), e->request.policy.bounded))
		return true;
	return e->request.ever_starting && !(denial->call && denial->call->kind == ACCESS_EXEC) &&
	       requirement_met(need, start->promises, e->request.policy.bounded);
}

static void see_call(struct explain *e, struct denial *denial)
{
	struct learn_row row;

	if (requirement_by_promise(&denial->row->need)) {
		if (is_free(e, denial))
			return;
		row = row_of(e, denial);
		see_row(e, denial, &row);
	} else if (denial->row->need.kind == ROW_NEVER) {
		e->learn->strayed = true; /* chroot(2), unshare(2), … */
		remember_note(e, denial, denial->row->why ? denial->row->why : "");
	}
}

/* Another root directory or mount namespace than ours: paths mean something else there. Asked only
 * when somebody may have gone there, which the program itself cannot have been in from the start.
 */
static bool is_elsewhere(const struct denial *denial)
{
	char path[64], theirs[64], ours[64];
	struct stat root, its;
	ssize_t n, m;

	(void)snprintf(path, sizeof(path), "/proc/%d/root/", denial->target.tid);
	if (stat("/", &root) == 0 && stat(path, &its) == 0 &&
	    (root.st_ino != its.st_ino || root.st_dev != its.st_dev))
		return true;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/mnt", denial->target.tid);
	n = readlink(path, theirs, sizeof(theirs));
	m = readlink("/proc/self/ns/mnt", ours, sizeof(ours));
	return n > 0 && m > 0 && (n != m || memcmp(theirs, ours, (size_t)n) != 0);
}

static bool names_paths_elsewhere(struct explain *e, struct denial *denial)
{
	struct learn *l = e->learn;

	if (!l->strayed || !denial->call || !access_names_files(denial->call) ||
	    !is_elsewhere(denial))
		return false;
	if (!l->told_strayed)
		remember_note(e, denial,
			      "what is done in another root directory or mount namespace is left "
			      "out");
	l->told_strayed = true;
	return true;
}

void learn_see(struct explain *e, struct denial *denial)
{
	struct learn *l = e->learn;

	await_tick(l);
	l->process = learn_process_at(&l->facts, denial->target.tgid);
	if (belongs_to_start(e, denial))
		return;
	if (explain_is_nscd_socket(denial->notif)) {
		add_pending(e, denial);
		return;
	}
	if (denial->call && denial->call->kind == ACCESS_CONNECT) {
		bool is_nscd = is_nscd_connect(denial);

		settle_pending(l, denial->target.tid, is_nscd);
		if (is_nscd)
			return;
	}
	see_call(e, denial);
	if (!denial->call || names_paths_elsewhere(e, denial))
		return;
	switch (denial->call->kind) {
	case ACCESS_SIGNAL:
		explain_signal(e, denial);
		break;
	case ACCESS_BIND:
		see_paths(e, denial);
		explain_address(e, denial);
		break;
	case ACCESS_CONNECT:
		explain_address(e, denial);
		break;
	default:
		see_paths(e, denial);
		break;
	}
}

void learn_end(struct learn *l, bool again, int status)
{
	/* Too long a file is an error like others. Not earlier: it is inherited. */
	(void)signal(SIGXFSZ, SIG_IGN);
	if (!again)
		l->status = status;
	settle_pending(l, 0, false);
	if (l->request.record) {
		if (!again)
			record_end(l->request.record, &l->facts);
		return;
	}
	learn_file_write(&l->file, &l->facts, l->request.unveil, l->request.name, again, l->status);
}
