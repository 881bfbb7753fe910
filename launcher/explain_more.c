/* SPDX-License-Identifier: MIT */
/* What Landlock is going to refuse: it says so to nobody, so the model is asked, and the kernel
 * then enforces. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "../shim/missing.h"
#include "../shim/narrower.h"
#include "../shim/path.h"
#include "explain_parts.h"

#define ALL_PROMISES (~UINT64_C(0))
#define PID_LIMIT    (1 << 22) /* PID_MAX_LIMIT of 64-bit kernels */
#define NAMES_MAX    256       /* abstract sockets and devices that are remembered */

/* Paths that are worth a promise of their own rather than a line. Left out are those that would
 * open much: exec and prot_exec (all libraries), ps (all of /proc) but for processes, tmppath but
 * where a promise is wanted anyway. */
#define NAMED_BY_PROMISE \
	(P(STDIO) | P(DNS) | P(GETPW) | P(INET) | P(TTY) | P(VMINFO) | P(AUDIO) | P(VIDEO) | P(DRM))

/* What is wrong with one call's paths, and what would help. */
struct verdict {
	uint64_t promises;	   /* all needed */
	struct requirement either; /* .any: one of these, in the place of lines */
	uint8_t lacking;	   /* unveiled, but without these letters */
	bool stale;	     /* its line was for a file that was replaced, or was not there yet */
	const char *refused; /* must not be unveiled: why */
	size_t n_lines;
	struct {
		char real[PATH_MAX];
		uint8_t perms;
		bool is_dir;
	} lines[ACCESS_WANTS_MAX];
	struct sbx_err err;
};

static uint64_t granted(const struct explain *e, const struct access_want *w)
{
	uint64_t access = reach_granted(&e->granted, w->real, &w->st);

	if (e->starting)
		access |= reach_granted(&e->started, w->real, &w->st);
	if (!(w->rights & e->handled & ~access))
		return access;
	/* Perhaps by another name. */
	access |= reach_granted_by_inode(&e->granted, w->real, &w->st);
	if (e->starting)
		access |= reach_granted_by_inode(&e->started, w->real, &w->st);
	return access;
}

/* What a file may gain by moving to want[1] from want[0]. The kernel wants the old place to have
 * granted it all. */
static uint64_t gained(const struct explain *e, const struct access_wants *wants)
{
	uint64_t more;

	if (!wants->moves || wants->count < 2)
		return 0;
	more = granted(e, &wants->want[1]) & ~granted(e, &wants->want[0]) & e->handled;
	return wants->moves_dir ? more : landlock_access_file(more);
}

static bool is_refused(const struct explain *e, const struct access_wants *wants)
{
	for (size_t i = 0; i < wants->count; i++)
		if (wants->want[i].rights & e->handled & ~granted(e, &wants->want[i]))
			return true;
	return gained(e, wants) != 0;
}

/* The letters that grant these rights. */
static uint8_t letters_for(uint64_t rights)
{
	static const uint8_t singles[] = {PERM_W, PERM_C, PERM_R};
	uint8_t letters = 0;

	if (rights & landlock_access_execute())
		letters = PERM_R | PERM_X; /* `x` grants reading, too */
	for (size_t i = 0; i < ARRAY_SIZE(singles); i++)
		if (rights & ~landlock_access(letters, ALL_PROMISES) &
		    landlock_access(singles[i], ALL_PROMISES))
			letters |= singles[i];
	return letters;
}

/* The promises without which the letters do not grant these rights. */
static uint64_t promises_for(uint8_t letters, uint64_t rights)
{
	uint64_t needed = 0;

	/* rx: reading by `x`. */
	if ((letters & PERM_X) && !(rights & ~landlock_access(PERM_X, ALL_PROMISES)))
		letters = PERM_X;
	rights &= landlock_access(letters, ALL_PROMISES);
	for (int id = 0; id < PROMISE_COUNT; id++) {
		uint64_t promise = UINT64_C(1) << id;

		if (rights & ~landlock_access(letters, ALL_PROMISES & ~promise))
			needed |= promise;
	}
	return needed;
}

static bool is_process_dir(const char *real)
{
	return strncmp(real, "/proc/", 6) == 0 && real[6] >= '0' && real[6] <= '9';
}

/* Those of @promises that imply the path @real with these rights. */
static uint64_t implied_by(const struct explain *e, const char *real, uint64_t rights,
			   uint64_t promises)
{
	uint64_t found = 0;

	for (size_t i = 0; i < promise_paths_count; i++) {
		const struct promise_path *path = &promise_paths[i];
		uint64_t promise = UINT64_C(1) << path->promise;
		char text[PATH_MAX], dir[PATH_MAX];
		struct sbx_err err;

		if (!(promises & promise & ~e->policy->promises) ||
		    (rights & ~landlock_access_implied(path->perms, ALL_PROMISES)))
			continue;
		if (policy_expand_buf(path->path, e->request.unveil->env, text, &err) == 0 &&
		    path_real(text, dir) == 0 && path_covers(dir, real))
			found |= promise;
	}
	return found;
}

/* Does the policy have a line on this very path, with these letters? */
static bool has_line(const struct explain *e, const char *real, uint8_t letters)
{
	for (size_t i = 0; i < e->policy->n_unveils; i++) {
		const struct unveil_line *line = &e->policy->unveils[i];
		char dir[PATH_MAX];

		if (!(letters & ~line->perms) && path_real(line->path, dir) == 0 &&
		    strcmp(dir, real) == 0)
			return true;
	}
	return false;
}

static void go_up(char *real)
{
	char *slash = strrchr(real, '/');

	if (slash && slash != real)
		*slash = '\0';
	else
		real[1] = '\0';
}

static void add_line(struct explain *e, struct verdict *v, const struct access_want *w,
		     uint8_t letters)
{
	char spelled[PATH_MAX];
	size_t i = v->n_lines;

	memcpy(v->lines[i].real, w->real, strlen(w->real) + 1);
	v->lines[i].is_dir = S_ISDIR(w->st.st_mode);
	/* A line that is there did not help: the file is another one by now. Its directory stays.
	 */
	if (!v->lines[i].is_dir && has_line(e, w->real, letters)) {
		v->stale = true;
		go_up(v->lines[i].real);
		v->lines[i].is_dir = true;
	}
	while (!advice_spell(e->request.unveil->env, v->lines[i].real, spelled) &&
	       strcmp(v->lines[i].real, "/") != 0) {
		go_up(v->lines[i].real);
		v->lines[i].is_dir = true;
	}
	v->lines[i].perms = advice_letters(e->policy, v->lines[i].real, letters);
	for (size_t j = 0; j < i; j++) {
		if (strcmp(v->lines[j].real, v->lines[i].real) == 0) {
			v->lines[j].perms |= v->lines[i].perms;
			return;
		}
	}
	v->n_lines++;
}

static void examine(struct explain *e, struct verdict *v, const struct access_want *w,
		    uint64_t more)
{
	uint64_t have = granted(e, w), by_line;
	uint64_t rights = (w->rights | more) & e->handled & ~have;
	uint64_t needed, implied, unveiled;

	if (!rights)
		return;
	needed = promises_for(letters_for(rights), rights) & ~e->policy->promises;
	by_line = reach_granted(&e->lines, w->real, &w->st);
	unveiled = rights & ~by_line;
	if (!unveiled) {
		v->promises |= needed;
		return;
	}
	if (implied_by(e, w->real, rights, needed)) {
		v->promises |= needed; /* `exec` brings the loader */
		return;
	}
	v->lacking |= have || by_line ? letters_for(unveiled) : 0;
	implied = implied_by(e, w->real, rights,
			     NAMED_BY_PROMISE | (needed & (P(WPATH) | P(CPATH)) ? P(TMPPATH) : 0) |
				     (is_process_dir(w->real) ? P(PS) : 0));
	if (implied && (!v->either.any || (v->either.any & implied)))
		v->either.any = v->either.any ? v->either.any & implied : implied;
	else
		v->promises |= needed;
	add_line(e, v, w, letters_for(unveiled));
}

/* Would a line let the program write what defines sandboxes? Nobody should be told to add it. */
static void check_lines(struct explain *e, struct verdict *v)
{
	struct unveil_request request = *e->request.unveil;
	const struct origin from = {.file = "advice"};
	struct policy policy;
	char letters[5], path[PATH_MAX];
	int r = 0;

	request.policy = &policy;
	for (size_t i = 0; r == 0 && i < v->n_lines && !e->policy->self_modify; i++) {
		policy_init(&policy);
		policy.promises = P(RPATH) | P(WPATH) | P(CPATH);
		memcpy(policy.files, e->policy->files, sizeof(policy.files));
		policy.n_files = e->policy->n_files;
		perm_format(v->lines[i].perms, letters);
		if (advice_spell(request.env, v->lines[i].real, path) &&
		    policy_add_unveil(&policy, letters, path, false, from, request.env, &v->err) ==
			    0)
			r = unveil_check(&request, &v->err);
		policy_done(&policy);
	}
	if (r == -EPERM)
		v->refused = v->err.msg;
}

static void list_lines(const struct explain *e, const struct verdict *v, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < v->n_lines && used < size; i++) {
		char letters[5], path[PATH_MAX];

		if (!advice_spell(e->request.unveil->env, v->lines[i].real, path))
			(void)snprintf(path, sizeof(path), "(a name that no policy file can say)");
		perm_format(v->lines[i].perms, letters);
		(void)snprintf(buf + used, size - used, "%s%s = %s", i ? ", " : "", letters, path);
		used += strlen(buf + used);
	}
}

/* What must become of the policy's own lines then, in the same words. */
static void list_displaced(const struct explain *e, const struct verdict *v, char *buf, size_t size)
{
	size_t used = strlen(buf);

	for (size_t i = 0; i < v->n_lines; i++) {
		for (size_t j = 0; j < e->policy->n_unveils && used < size; j++) {
			uint8_t all = e->policy->unveils[j].perms | v->lines[i].perms;
			char letters[5], dir[PATH_MAX], text[ADVICE_LINE_MAX];

			if (!advice_displaces(e->policy, j, v->lines[i].real, v->lines[i].perms,
					      dir, text))
				continue;
			perm_format(all, letters);
			if (all == v->lines[i].perms)
				(void)snprintf(buf + used, size - used, ", and take out %s", text);
			else
				(void)snprintf(buf + used, size - used, ", and %s in place of %s",
					       letters, text);
			used += strlen(buf + used);
		}
	}
}

static void remember(struct explain *e, const struct verdict *v)
{
	advice_add_promises(&e->advice, v->promises);
	if (v->either.any) {
		advice_add_need(&e->advice, &v->either, 0);
		return;
	}
	for (size_t i = 0; i < v->n_lines; i++)
		advice_add_path(&e->advice, v->lines[i].real, v->lines[i].perms,
				v->lines[i].is_dir);
}

static void state(const struct verdict *v, char *buf, size_t size)
{
	char letters[5];

	perm_format(v->lacking, letters);
	if (v->stale)
		(void)snprintf(buf, size, "the file is another one than at the start");
	else if (v->lacking)
		(void)snprintf(buf, size, "not unveiled for \"%s\"", letters);
	else
		(void)snprintf(buf, size, "not unveiled");
}

/* @of_call: what the call itself needs, whatever its paths are. */
static void tell(struct explain *e, struct denial *denial, struct verdict *v, uint64_t of_call)
{
	static char lines[2 * PATH_MAX], reason[4 * PATH_MAX]; /* one call at a time */
	char need[PATH_MAX + 512], how[64];

	state(v, how, sizeof(how));
	list_lines(e, v, lines, sizeof(lines));
	list_displaced(e, v, lines, sizeof(lines));
	if (v->n_lines)
		check_lines(e, v);
	if (v->refused) {
		(void)snprintf(reason, sizeof(reason), "%s; and must not be: %s", how, v->refused);
		explain_say(e, denial, reason);
		return;
	}
	if (v->either.any) {
		/* /etc/nsswitch.conf belongs to both: who may use the network means dns. */
		uint64_t prefer = e->policy->promises & P(INET) ? P(DNS) : P(GETPW);
		uint64_t pick = missing_promises(&v->either, e->policy->promises | v->promises,
						 false, e->advice.promises | prefer);

		/* It may be all that the call itself needs. */
		if (requirement_met(&denial->row->need, e->policy->promises | pick,
				    e->request.policy.bounded))
			v->promises &= ~of_call;
		v->promises |= pick;
		/* The number of a process is another one the next time. */
		explain_need_text(e, v->promises, need, sizeof(need));
		(void)snprintf(reason, sizeof(reason), "%s; %s%s%s", how, need,
			       v->either.any & P(PS) ? "" : ", or in [unveil]: ",
			       v->either.any & P(PS) ? "" : lines);
		v->promises &= ~v->either.any;
	} else if (v->promises && v->n_lines) {
		explain_need_text(e, v->promises, need, sizeof(need));
		(void)snprintf(reason, sizeof(reason), "%s; %s, and in [unveil]: %s", how, need,
			       lines);
	} else if (v->promises) {
		explain_need_text(e, v->promises, reason, sizeof(reason));
	} else {
		(void)snprintf(reason, sizeof(reason), "%s; add to [unveil]: %s (%s)", how, lines,
			       e->policy->name);
	}
	remember(e, v);
	explain_say(e, denial, reason);
}

/* Denials are often repeated, and what follows takes its time. */
static bool was_told(struct explain *e, const struct denial *denial,
		     const struct access_wants *wants)
{
	static char key[(PATH_MAX + 32) * ACCESS_WANTS_MAX];
	size_t used = (size_t)snprintf(key, sizeof(key), "%u", denial->tag);

	for (size_t i = 0; i < wants->count; i++)
		used += (size_t)snprintf(key + used, sizeof(key) - used, " %llx %s",
					 (unsigned long long)wants->want[i].rights,
					 wants->want[i].real);
	return !explain_is_new(e, key);
}

/* A device that is opened where it is not unveiled for ioctl(2) can be read, but not controlled;
 * the one that was open before can. */
static void note_device(struct explain *e, const struct access_want *w)
{
	char *name;

	if (!(S_ISCHR(w->st.st_mode) || S_ISBLK(w->st.st_mode)) || !(e->handled & FS_IOCTL_DEV) ||
	    (granted(e, w) & FS_IOCTL_DEV) || e->n_devices == NAMES_MAX)
		return;
	for (size_t i = 0; i < e->n_devices; i++)
		if (strcmp(e->devices[i], w->real) == 0)
			return;
	name = arena_strdup(&e->names_arena, w->real);
	if (name && arena_grow(&e->names_arena, (void **)&e->devices, &e->cap_devices, e->n_devices,
			       sizeof(*e->devices)) == 0)
		e->devices[e->n_devices++] = name;
}

static bool is_noted(const struct explain *e, const struct access_want *w)
{
	for (size_t i = 0; i < e->n_devices; i++)
		if (strcmp(e->devices[i], w->real) == 0)
			return true;
	return false;
}

bool explain_paths(struct explain *e, struct denial *denial, uint64_t promises)
{
	static struct access_wants wants; /* large, and one call at a time */
	static struct verdict v;
	const uint64_t *args = (const uint64_t *)denial->notif->data.args;
	struct identity identity;

	if (!e->handled)
		return false;
	access_of(&denial->target, denial->call, args, false, &wants);
	if (denial->call->kind == ACCESS_IOCTL && !(wants.count && is_noted(e, &wants.want[0])))
		return false;
	if (denial->call->kind == ACCESS_OPEN && wants.count)
		note_device(e, &wants.want[0]);
	if (!is_refused(e, &wants))
		return false;
	identity = identity_take(&denial->target);
	access_of(&denial->target, denial->call, args, true, &wants);
	identity_restore(&identity);
	if (!is_refused(e, &wants) || !supervise_call_valid(denial->listener, denial->notif->id))
		return false;
	if (was_told(e, denial, &wants))
		return true;
	memset(&v, 0, sizeof(v));
	v.promises = promises;
	for (size_t i = 0; i < wants.count; i++)
		examine(e, &v, &wants.want[i], i ? 0 : gained(e, &wants));
	if (!v.n_lines && !v.promises)
		return false;
	tell(e, denial, &v, promises);
	return true;
}

/* ---- ports and abstract sockets ---- */

/* Landlock's ports are TCP's alone. A copy of the socket tells; where none can be had, TCP it is.
 */
static bool is_tcp(const struct denial *denial)
{
	int pidfd cleanup_fd = (int)syscall(SYS_pidfd_open, denial->target.tgid, 0);
	int type = 0, protocol = 0;
	socklen_t size = sizeof(int);
	int fd cleanup_fd = -1;

	if (pidfd >= 0)
		fd = (int)syscall(SYS_pidfd_getfd, pidfd, (int)denial->notif->data.args[0], 0);
	if (fd < 0)
		return errno != EBADF;
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) < 0)
		return false; /* no socket at all */
	return type == SOCK_STREAM && protocol == IPPROTO_TCP;
}

static void explain_port(struct explain *e, struct denial *denial, uint16_t port)
{
	bool binds = denial->call->kind == ACCESS_BIND;
	enum port_access access = binds ? PORT_BIND : PORT_CONNECT;
	char reason[PATH_MAX + 128];

	if (!(e->handled_ports & access))
		return;
	for (size_t i = 0; i < e->policy->n_ports; i++)
		if (e->policy->ports[i].port == port && e->policy->ports[i].access == access)
			return;
	if (!is_tcp(denial))
		return;
	if (!port) {
		/* "Any free port": no line can say it. */
		(void)snprintf(reason, sizeof(reason),
			       "port 0 (any free port) is not permitted; only without bind_tcp in "
			       "[net] it is (%s)",
			       e->policy->name);
	} else {
		(void)snprintf(reason, sizeof(reason),
			       "port not permitted; add to [net]: %s = %u (%s)",
			       binds ? "bind_tcp" : "connect_tcp", port, e->policy->name);
		advice_add_port(&e->advice, port, access);
	}
	explain_say(e, denial, reason);
}

/* As /proc/net/unix shows it: "@name", zero bytes as '@'. */
static void abstract_name(const struct sockaddr_un *address, size_t size,
			  char ret[sizeof(address->sun_path) + 1])
{
	size_t len = size - offsetof(struct sockaddr_un, sun_path);

	for (size_t i = 0; i < len; i++)
		ret[i] = !address->sun_path[i] || address->sun_path[i] == '\n'
				 ? '@'
				 : address->sun_path[i];
	ret[len] = '\0';
}

static bool socket_exists(const char *name)
{
	char *line = NULL;
	size_t size = 0;
	bool found = false;
	FILE *in = fopen("/proc/net/unix", "re");

	while (in && !found && getline(&line, &size, in) > 0) {
		char *at = strstr(line, " @");

		line[strcspn(line, "\n")] = '\0';
		found = at && strcmp(at + 1, name) == 0;
	}
	free(line);
	if (in)
		(void)fclose(in); /* only read */
	return found;
}

static void note_abstract(struct explain *e, const char *name)
{
	char *copy = e->n_abstract < NAMES_MAX ? arena_strdup(&e->names_arena, name) : NULL;

	if (copy && arena_grow(&e->names_arena, (void **)&e->abstract, &e->cap_abstract,
			       e->n_abstract, sizeof(*e->abstract)) == 0)
		e->abstract[e->n_abstract++] = copy;
}

static void explain_abstract(struct explain *e, struct denial *denial,
			     const struct sockaddr_un *address, size_t size)
{
	char name[sizeof(address->sun_path) + 1], reason[PATH_MAX + 128];

	if (!e->scoped)
		return;
	abstract_name(address, size, name);
	for (size_t i = 0; i < e->n_abstract; i++)
		if (strcmp(e->abstract[i], name) == 0)
			return;
	if (denial->call->kind == ACCESS_BIND) {
		note_abstract(e, name);
		return;
	}
	if (!socket_exists(name))
		return; /* ECONNREFUSED */
	(void)snprintf(reason, sizeof(reason),
		       "the abstract socket is outside the sandbox; add to [sandbox]: scope = open "
		       "(%s)",
		       e->policy->name);
	advice_add_scope(&e->advice);
	explain_say(e, denial, reason);
}

void explain_address(struct explain *e, struct denial *denial)
{
	union {
		sa_family_t family;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} address = {.family = AF_UNSPEC};
	size_t size = (uint32_t)denial->notif->data.args[2];

	if (size > sizeof(address))
		size = sizeof(address);
	if (target_read(&denial->target, denial->notif->data.args[1], &address, size) !=
	    (ssize_t)size)
		return;
	if (address.family == AF_INET && size >= sizeof(address.in))
		explain_port(e, denial, ntohs(address.in.sin_port));
	/* Without the scope: 24 bytes (RFC 2133), which the kernel takes as well. */
	else if (address.family == AF_INET6 && size >= offsetof(struct sockaddr_in6, sin6_scope_id))
		explain_port(e, denial, ntohs(address.in6.sin6_port));
	else if (address.family == AF_UNIX && size > offsetof(struct sockaddr_un, sun_path) &&
		 !address.un.sun_path[0])
		explain_abstract(e, denial, &address.un, size);
}

/* ---- signals ---- */

void explain_seen(struct explain *e, pid_t pid)
{
	if (!e->scoped || pid <= 0 || pid >= PID_LIMIT)
		return;
	if (!e->seen)
		e->seen = calloc(PID_LIMIT / 8, 1);
	if (e->seen)
		e->seen[pid / 8] |= (uint8_t)(1 << pid % 8);
}

/* Descendants are; so is who made a call that we heard of, whoever its parent is by now. */
static bool is_inside(const struct explain *e, pid_t pid)
{
	for (int depth = 0; pid > 1 && depth < 64; depth++) {
		if (pid == e->program ||
		    (pid < PID_LIMIT && e->seen && e->seen[pid / 8] & 1 << pid % 8))
			return true;
		pid = target_parent(pid);
	}
	return false;
}

static pid_t signalled(const struct denial *denial)
{
	char path[64], text[512];
	const char *at;
	FILE *in;
	size_t n;

	if (denial->call->dir < 0)
		return (pid_t)denial->notif->data.args[0];
	/* A pidfd. */
	(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", denial->target.tid,
		       (int)denial->notif->data.args[0]);
	in = fopen(path, "re");
	if (!in)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, in);
	text[n] = '\0';
	(void)fclose(in); /* only read */
	at = strstr(text, "\nPid:");
	return at ? (pid_t)strtol(at + strlen("\nPid:"), NULL, 10) : 0;
}

void explain_signal(struct explain *e, struct denial *denial)
{
	char own[32], other[32], reason[PATH_MAX + 128];
	struct stat from, to;
	pid_t pid = signalled(denial);

	/* Groups: whoever can be reached is, the others are left out without an error. */
	if (!e->scoped || pid <= 0 || is_inside(e, pid))
		return;
	(void)snprintf(own, sizeof(own), "/proc/%d", denial->target.tgid);
	(void)snprintf(other, sizeof(other), "/proc/%d", pid);
	if (stat(own, &from) < 0 || stat(other, &to) < 0)
		return; /* ESRCH */
	if (from.st_uid != 0 && from.st_uid != to.st_uid)
		return; /* EPERM anyhow */
	(void)snprintf(reason, sizeof(reason),
		       "the process is outside the sandbox; add to [sandbox]: scope = open (%s)",
		       e->policy->name);
	advice_add_scope(&e->advice);
	explain_say(e, denial, reason);
}
