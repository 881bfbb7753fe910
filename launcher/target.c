/* SPDX-License-Identifier: MIT */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>

#include "../shim/path.h"

#define LINKS_MAX   40 /* as the kernel's own (path_resolution(7)) */
#define PROC_ROOT   1  /* inode of procfs's root directory */
#define GROUPS_MAX  256
#define DELETED	    " (deleted)"
#define STATUS_SIZE 8192
#define THREADS	    256 /* whose process is remembered … */
#define FRESH_MS    250 /* … and for how long: numbers come round again */

/* /proc/PID/NAME as text. Returns its length, 0 when it cannot be read. */
static size_t read_proc(pid_t pid, const char *name, char *buf, size_t size)
{
	char path[64];
	ssize_t n;
	int fd cleanup_fd = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, buf, size - 1);
	if (n < 0)
		n = 0;
	buf[n] = '\0';
	return (size_t)n;
}

/* The text behind "\nNAME:" of a status file, "" when it is not there. */
static const char *field(const char *status, const char *name)
{
	const char *at = strstr(status, name);

	return at ? at + strlen(name) : "";
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now); /* cannot fail with this clock */
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

int target_init(struct target *ret, pid_t tid)
{
	static struct {
		struct target target;
		int64_t until_ms;
	} known[THREADS];
	const size_t slot = (unsigned)tid % THREADS;
	const int64_t now = now_ms();
	char status[STATUS_SIZE];

	if (known[slot].target.tid == tid && now < known[slot].until_ms) {
		*ret = known[slot].target;
		return 0;
	}
	if (!read_proc(tid, "status", status, sizeof(status)))
		return -ESRCH;
	*ret = (struct target){
		.tid = tid,
		.tgid = (pid_t)strtol(field(status, "\nTgid:"), NULL, 10),
	};
	if (ret->tgid <= 0)
		return -ESRCH;
	known[slot].target = *ret;
	known[slot].until_ms = now + FRESH_MS;
	return 0;
}

pid_t target_parent(pid_t pid)
{
	char status[STATUS_SIZE];

	if (!read_proc(pid, "status", status, sizeof(status)))
		return 0;
	return (pid_t)strtol(field(status, "\nPPid:"), NULL, 10);
}

void target_name(const struct target *target, char ret[16])
{
	char text[32];
	size_t n = read_proc(target->tgid, "comm", text, sizeof(text));

	if (n && text[n - 1] == '\n')
		text[--n] = '\0';
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' || (unsigned char)text[i] >= 0x7f)
			text[i] = '?';
	(void)snprintf(ret, 16, "%.15s", n ? text : "?");
}

ssize_t target_read(void *user, uint64_t addr, void *buf, size_t size)
{
	const struct target *target = user;
	struct iovec local = {.iov_base = buf, .iov_len = size};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)addr, .iov_len = size};
	ssize_t n = process_vm_readv(target->tid, &local, 1, &remote, 1, 0);

	return n < 0 ? -errno : n;
}

int target_read_string(struct target *target, uint64_t addr, char ret[PATH_MAX])
{
	size_t used = 0;

	while (used < PATH_MAX) {
		/* Up to the end of a page: the next one may not be there. */
		size_t want = 4096 - (size_t)((addr + used) & 4095);
		ssize_t n;

		if (want > PATH_MAX - used)
			want = PATH_MAX - used;
		n = target_read(target, addr + used, ret + used, want);
		if (n <= 0)
			return -EFAULT;
		if (memchr(ret + used, '\0', (size_t)n))
			return 0;
		used += (size_t)n;
	}
	return -ENAMETOOLONG;
}

int target_socket_option(const struct target *target, int fd, int option, int otherwise)
{
	int pidfd cleanup_fd = (int)syscall(SYS_pidfd_open, target->tgid, 0);
	int copy cleanup_fd = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	int value = otherwise;
	socklen_t size = sizeof(value);

	if (copy < 0 || getsockopt(copy, SOL_SOCKET, option, &value, &size) < 0)
		return otherwise;
	return value;
}

void spot_done(struct spot *spot)
{
	if (spot)
		close_fd(&spot->fd);
}

static bool on_proc(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* ---- step by step, where the kernel would take us for the target ---- */

struct walk {
	const struct target *target;
	int at; /* owned */
	unsigned links;
	char rest[2 * PATH_MAX];
};

static int walk_jump(struct walk *walk, const char *to)
{
	int fd = open(to, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close_fd(&walk->at);
	walk->at = fd;
	return 0;
}

static int walk_push(struct walk *walk, const char *target)
{
	size_t len = strlen(target), rest = strlen(walk->rest);

	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	if (len + 1 + rest >= sizeof(walk->rest))
		return -ENAMETOOLONG;
	memmove(walk->rest + len + 1, walk->rest, rest + 1);
	memcpy(walk->rest, target, len);
	walk->rest[len] = '/';
	return target[0] == '/' ? walk_jump(walk, "/") : 0;
}

/* The symbolic link @fd, called @name in walk->at. */
static int walk_link(struct walk *walk, int fd, const char *name)
{
	char target[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (on_proc(fd)) {
		if (fstat(walk->at, &st) < 0)
			return -errno;
		if (st.st_ino != PROC_ROOT) {
			/* Not a path but the very file (proc(5)): let the kernel go there. */
			int to = openat(walk->at, name, O_PATH | O_CLOEXEC);

			if (to < 0)
				return -errno;
			close_fd(&walk->at);
			walk->at = to;
			return 0;
		}
		if (strcmp(name, "self") == 0 || strcmp(name, "thread-self") == 0) {
			if (name[0] == 's')
				(void)snprintf(target, sizeof(target), "%d", walk->target->tgid);
			else
				(void)snprintf(target, sizeof(target), "%d/task/%d",
					       walk->target->tgid, walk->target->tid);
			return walk_push(walk, target);
		}
	}
	n = readlinkat(fd, "", target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	return walk_push(walk, target);
}

/* One component further. Returns 1 when there is none left. */
static int walk_step(struct walk *walk, bool follow)
{
	char name[NAME_MAX + 1];
	const char *start = walk->rest + strspn(walk->rest, "/");
	size_t len = strcspn(start, "/");
	struct stat st;
	int fd cleanup_fd = -1;
	bool last;

	if (len == 0)
		return 1;
	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, start, len);
	name[len] = '\0';
	last = start[len] == '\0';
	memmove(walk->rest, start + len, strlen(start + len) + 1);
	fd = openat(walk->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode) && (follow || !last))
		return walk_link(walk, fd, name);
	close_fd(&walk->at);
	walk->at = take_fd(&fd);
	return 0;
}

/* @base: where a relative path starts; owned from here on. */
static int walk_path(const struct target *target, int base, const char *path, bool follow)
{
	struct walk walk = {.target = target, .at = base};
	int r = 0;

	(void)snprintf(walk.rest, sizeof(walk.rest), "%s", path); /* PATH_MAX at most */
	if (path[0] == '/')
		r = walk_jump(&walk, "/");
	while (r == 0)
		r = walk_step(&walk, follow);
	if (r == 1)
		return walk.at;
	close_fd(&walk.at);
	return r;
}

/* ---- in one step ---- */

static int open_base(const struct target *target, int dirfd)
{
	char path[64];
	int fd;

	if (dirfd == AT_FDCWD)
		(void)snprintf(path, sizeof(path), "/proc/%d/cwd", target->tid);
	else
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", target->tid, dirfd);
	fd = open(path, O_PATH | O_CLOEXEC);
	return fd < 0 ? (errno == ENOENT ? -EBADF : -errno) : fd;
}

/* Is this path of procfs our own? Then the target meant its own. */
static bool is_own_proc(const char *real)
{
	char own[32];
	int len;

	if (strncmp(real, "/proc/", 6) != 0)
		return false;
	len = snprintf(own, sizeof(own), "/proc/%d", getpid());
	return strncmp(real, own, (size_t)len) == 0 && (real[len] == '/' || !real[len]);
}

static bool names_self(const char *path)
{
	return strstr(path, "self") || strstr(path, "/dev/");
}

/* @r: of path_of_fd() */
static int spot_name(struct spot *spot, int r)
{
	size_t len;

	if (r == -ENOENT)
		return -ENXIO;
	if (r < 0)
		return r;
	if (fstat(spot->fd, &spot->st) < 0)
		return -errno;
	len = strlen(spot->real);
	if (!spot->st.st_nlink && len > strlen(DELETED) &&
	    strcmp(spot->real + len - strlen(DELETED), DELETED) == 0)
		return -ENXIO;
	return 0;
}

/* *ret_named: of path_of_fd(), with @real. */
static int find_fd(const struct target *target, int dirfd, const char *path, bool follow,
		   char real[PATH_MAX], int *ret_named)
{
	/* Magic links are walked by hand: they would be ours. */
	const struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW),
		.resolve = RESOLVE_NO_MAGICLINKS,
	};
	int base cleanup_fd = -1;
	int fd;

	if (path[0] != '/') {
		base = open_base(target, dirfd);
		if (base < 0)
			return base;
		if (!path[0]) {
			*ret_named = path_of_fd(base, real);
			return take_fd(&base);
		}
	}
	fd = (int)syscall(SYS_openat2, base < 0 ? AT_FDCWD : base, path, &how, sizeof(how));
	if (fd < 0 && errno != ELOOP && errno != ENOSYS && !names_self(path))
		return -errno;
	if (fd >= 0) {
		*ret_named = path_of_fd(fd, real);
		if (*ret_named < 0 || !is_own_proc(real))
			return fd;
	}
	close_fd(&fd);
	fd = walk_path(target, take_fd(&base), path, follow);
	if (fd >= 0)
		*ret_named = path_of_fd(fd, real);
	return fd;
}

int target_find(const struct target *target, int dirfd, const char *path, bool follow,
		struct spot *ret)
{
	int named = 0, r;

	ret->fd = find_fd(target, dirfd, path, follow, ret->real, &named);
	r = ret->fd < 0 ? ret->fd : spot_name(ret, named);
	if (r < 0)
		close_fd(&ret->fd);
	return r;
}

int target_find_parent(const struct target *target, int dirfd, const char *path, struct spot *ret,
		       char name[NAME_MAX + 1])
{
	char dir[PATH_MAX];
	size_t len = strlen(path), start;

	ret->fd = -1;
	if (!len)
		return -ENOENT;
	if (len >= sizeof(dir))
		return -ENAMETOOLONG;
	while (len > 1 && path[len - 1] == '/')
		len--;
	start = len;
	while (start && path[start - 1] != '/')
		start--;
	if (len - start > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, path + start, len - start);
	name[len - start] = '\0';
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		name[0] = '\0';
	if (!start)
		return target_find(target, dirfd, ".", true, ret);
	memcpy(dir, path, start);
	dir[start] = '\0';
	return target_find(target, dirfd, dir, true, ret);
}

bool spot_may(const struct spot *spot, int mode)
{
	/* 5.8; an older kernel is given the benefit of the doubt. */
	return syscall(SYS_faccessat2, spot->fd, "", mode, AT_EACCESS | AT_EMPTY_PATH) == 0 ||
	       errno == ENOSYS || errno == EINVAL;
}

/* ---- identity ---- */

static struct {
	bool known;
	int n_groups;
	gid_t groups[NGROUPS_MAX];
} own;

/* "Uid:\treal\teffective\tsaved\tfs" */
static unsigned long fourth(const char *text)
{
	unsigned long value = 0;
	char *end;

	for (int i = 0; i < 4; i++) {
		value = strtoul(text, &end, 10);
		text = end;
	}
	return value;
}

struct identity identity_take(const struct target *target)
{
	struct identity identity = {.changed = false};
	char status[STATUS_SIZE];
	gid_t groups[GROUPS_MAX];
	size_t n = 0;
	const char *p;
	char *end;
	uid_t uid;

	/* Who is not root runs as the same user for good: no_new_privs. */
	if (geteuid() != 0 || !read_proc(target->tid, "status", status, sizeof(status)))
		return identity;
	uid = (uid_t)fourth(field(status, "\nUid:"));
	if (uid == 0)
		return identity;
	if (!own.known)
		own.n_groups = getgroups(NGROUPS_MAX, own.groups);
	own.known = true;
	for (p = field(status, "\nGroups:"); n < GROUPS_MAX; p = end) {
		while (*p == ' ' || *p == '\t')
			p++;
		if (*p < '0' || *p > '9')
			break;
		groups[n++] = (gid_t)strtoul(p, &end, 10);
	}
	/* Whatever fails leaves us seeing more, so that a message may be one too many. */
	(void)!setgroups(n, groups);
	(void)setfsgid((gid_t)fourth(field(status, "\nGid:")));
	(void)setfsuid(uid);
	identity.changed = true;
	return identity;
}

void identity_restore(const struct identity *identity)
{
	if (!identity->changed)
		return;
	(void)setfsuid(geteuid());
	(void)setfsgid(getegid());
	if (own.n_groups >= 0)
		(void)!setgroups((size_t)own.n_groups, own.groups);
}
