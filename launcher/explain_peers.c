/* SPDX-License-Identifier: MIT */
/* What Landlock is going to refuse beside paths: ports, abstract sockets, signals. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "explain_parts.h"

#define PID_LIMIT (1 << 22) /* PID_MAX_LIMIT of 64-bit kernels */

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

	if (e->audit && denial->permitted)
		audit_see_port(e->audit, access, port,
			       (e->handled_ports & access) && is_tcp(denial));
	if (!(e->handled_ports & access))
		return;
	for (size_t i = 0; i < e->policy->n_ports; i++)
		if (e->policy->ports[i].port == port && e->policy->ports[i].access == access)
			return;
	if (!is_tcp(denial))
		return;
	if (e->learn) {
		learn_see_port(e, denial, access, port);
		return;
	}
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
	char *copy = e->n_abstract < EXPLAIN_NAMES_MAX ? arena_strdup(&e->names_arena, name) : NULL;

	if (copy && arena_grow(&e->names_arena, (void **)&e->abstract, &e->cap_abstract,
			       e->n_abstract, sizeof(*e->abstract)) == 0)
		e->abstract[e->n_abstract++] = copy;
}

static void tell_scope(struct explain *e, struct denial *denial, const char *reason)
{
	if (e->learn) {
		learn_see_scope(e, denial);
		return;
	}
	if (e->audit && e->policy->scope_open) {
		audit_see_scope(e->audit);
		return;
	}
	advice_add_scope(&e->advice);
	explain_say(e, denial, reason);
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
	tell_scope(e, denial, reason);
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
	tell_scope(e, denial, reason);
}
