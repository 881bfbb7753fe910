/* SPDX-License-Identifier: MIT */
/* The socket's place: who may be there already, who may come, and leaving it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "../shim/path.h"
#include "../shim/policy.h"
#include "api_parts.h"

#define SOCKET_NAME "sbx-preload.sock"
#define BACKLOG	    128
#define LOCK_TRIES  40
#define LOCK_MS	    50

static int choose_path(const struct api_request *request, char ret[PATH_MAX], struct sbx_err *err)
{
	const char *directory = env_get(request->envp, "XDG_RUNTIME_DIR");
	int n;

	if (request->socket)
		n = snprintf(ret, PATH_MAX, "%s", request->socket);
	else if (directory && directory[0] == '/')
		n = snprintf(ret, PATH_MAX, "%s/" SOCKET_NAME, directory);
	else
		return err_set(err, -EINVAL,
			       "XDG_RUNTIME_DIR is not set: name a socket, --api=SOCKET");
	if (n <= 0 || n >= PATH_MAX || strlen(path_base(ret)) > NAME_MAX || !*path_base(ret))
		return err_set(err, -EINVAL, "\"%.64s\" cannot be the name of a socket", ret);
	return 0;
}

/* By way of its directory: so the name may be longer than sun_path is (unix(7)), and the place is
 * the same when we end, wherever the directory was moved to. */
static struct sockaddr_un address_of(const struct api_socket *s)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%.80s",
		       s->directory, s->name);
	return address;
}

static int open_directory(struct api_socket *s, struct sbx_err *err)
{
	const char *name = path_base(s->path);
	char directory[PATH_MAX];

	(void)snprintf(directory, sizeof(directory), "%.*s", (int)(name - s->path), s->path);
	s->directory = open(directory[0] ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->directory < 0)
		return err_set(err, -errno, "%s: %s", s->path, strerrordesc_np(errno));
	(void)snprintf(s->name, sizeof(s->name), "%s", name);
	if (strlen(name) > 80)
		return err_set(err, -ENAMETOOLONG, "%s: the name is too long for a socket",
			       s->path);
	return 0;
}

/* Two that start at the same time would each take the other's for a stale one. */
static int lock_directory(const struct api_socket *s, struct sbx_err *err)
{
	const struct timespec wait = {.tv_nsec = LOCK_MS * 1000000L};

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(s->directory, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_set(err, -errno, "%s: cannot lock its directory: %m", s->path);
		(void)nanosleep(&wait, NULL);
	}
	return err_set(err, -EAGAIN, "%s: somebody keeps its directory locked", s->path);
}

/* Somebody is there already. Remove what is stale, and ours. */
static int make_way(const struct api_socket *s, struct sbx_err *err)
{
	const struct sockaddr_un address = address_of(s);
	int fd cleanup_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd < 0)
		return err_set(err, -errno, "cannot create a socket: %m");
	if (fstatat(s->directory, s->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_set(err, -errno, "%s: %m", s->path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, -EADDRINUSE, "%s: is there, and no socket", s->path);
	if (st.st_uid != geteuid())
		return err_set(err, -EADDRINUSE, "%s: is there, and belongs to uid %u", s->path,
			       st.st_uid);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ||
	    errno != ECONNREFUSED)
		return err_set(err, -EADDRINUSE, "%s: somebody serves there already", s->path);
	if (unlinkat(s->directory, s->name, 0) < 0 && errno != ENOENT)
		return err_set(err, -errno, "%s: cannot remove what is stale: %m", s->path);
	return 0;
}

static int bind_here(struct api_socket *s)
{
	const struct sockaddr_un address = address_of(s);
	mode_t before = umask(0177); /* nobody else's from the first moment */
	int r = bind(s->fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;

	(void)umask(before);
	return r;
}

static int take_place(struct api_socket *s, struct sbx_err *err)
{
	struct stat st;
	int r = bind_here(s);

	if (r == -EADDRINUSE) {
		r = make_way(s, err);
		if (r < 0)
			return r;
		r = bind_here(s);
	}
	if (r < 0)
		return err_set(err, r, "%s: cannot make the socket: %s", s->path,
			       strerrordesc_np(-r));
	if (fstatat(s->directory, s->name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    listen(s->fd, BACKLOG) < 0)
		return err_set(err, -errno, "%s: %m", s->path);
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return 0;
}

int api_socket_open(const struct api_request *request, struct api_socket *ret, struct sbx_err *err)
{
	struct api_socket s = {.fd = -1, .directory = -1};
	int r = choose_path(request, s.path, err);

	if (r == 0)
		r = open_directory(&s, err);
	if (r == 0)
		s.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (r == 0 && s.fd < 0)
		r = err_set(err, -errno, "cannot create a socket: %m");
	if (r == 0)
		r = lock_directory(&s, err);
	if (r == 0) {
		r = take_place(&s, err);
		(void)flock(s.directory, LOCK_UN); /* at the latest when it is closed */
	}
	if (r < 0) {
		close_fd(&s.fd);
		close_fd(&s.directory);
		return r;
	}
	*ret = s;
	return 0;
}

void api_socket_close(struct api_socket *s)
{
	struct stat st;

	/* Another server may have found it removed and made its own. */
	if (fstatat(s->directory, s->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == s->dev &&
	    st.st_ino == s->ino)
		(void)unlinkat(s->directory, s->name, 0);
	close_fd(&s->fd);
	close_fd(&s->directory);
}
