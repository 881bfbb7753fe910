/* SPDX-License-Identifier: MIT */
#include "access.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../shim/landlock.h"
#include "elf.h"
#include "script.h"

#define TMPFILE	    020000000 /* the bit alone: O_TMPFILE holds O_DIRECTORY, too */
#define LINKS_MAX   8	      /* dangling links that are followed to create what they name */
#define SCRIPTS_MAX 5	      /* #! lines that the kernel follows, and the loader of the last */

static const struct access_call calls[] = {
	{"open", ACCESS_OPEN, -1, 0, -1, -1, 1},
	{"openat", ACCESS_OPEN, 0, 1, -1, -1, 2},
	{"openat2", ACCESS_OPENAT2, 0, 1, -1, -1, 2},
	{"creat", ACCESS_CREAT, -1, 0, -1, -1, -1},
	{"truncate", ACCESS_TRUNCATE, -1, 0, -1, -1, -1},
	{"mkdir", ACCESS_MKDIR, -1, 0, -1, -1, -1},
	{"mkdirat", ACCESS_MKDIR, 0, 1, -1, -1, -1},
	{"mknod", ACCESS_MKNOD, -1, 0, -1, -1, 1},
	{"mknodat", ACCESS_MKNOD, 0, 1, -1, -1, 2},
	{"symlink", ACCESS_SYMLINK, -1, 1, -1, -1, -1},
	{"symlinkat", ACCESS_SYMLINK, 1, 2, -1, -1, -1},
	{"unlink", ACCESS_UNLINK, -1, 0, -1, -1, -1},
	{"unlinkat", ACCESS_UNLINK, 0, 1, -1, -1, 2},
	{"rmdir", ACCESS_RMDIR, -1, 0, -1, -1, -1},
	{"rename", ACCESS_RENAME, -1, 0, -1, 1, -1},
	{"renameat", ACCESS_RENAME, 0, 1, 2, 3, -1},
	{"renameat2", ACCESS_RENAME, 0, 1, 2, 3, 4},
	{"link", ACCESS_LINK, -1, 0, -1, 1, -1},
	{"linkat", ACCESS_LINK, 0, 1, 2, 3, 4},
	{"execve", ACCESS_EXEC, -1, 0, -1, -1, -1},
	{"execveat", ACCESS_EXEC, 0, 1, -1, -1, 4},
	{"ioctl", ACCESS_IOCTL, 0, -1, -1, -1, -1},
	{"connect", ACCESS_CONNECT, -1, -1, -1, -1, 2},
	{"bind", ACCESS_BIND, -1, -1, -1, -1, 2},
	{"kill", ACCESS_SIGNAL, -1, -1, -1, -1, -1},
	{"tkill", ACCESS_SIGNAL, -1, -1, -1, -1, -1},
	{"tgkill", ACCESS_SIGNAL, -1, -1, -1, -1, -1},
	{"rt_sigqueueinfo", ACCESS_SIGNAL, -1, -1, -1, -1, -1},
	{"rt_tgsigqueueinfo", ACCESS_SIGNAL, -1, -1, -1, -1, -1},
	{"pidfd_send_signal", ACCESS_SIGNAL, 0, -1, -1, -1, -1},
};

const struct access_call *access_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].name[0] == name[0] && strcmp(calls[i].name, name) == 0)
			return &calls[i];
	return NULL;
}

/* One call that is being looked at. */
struct look {
	struct target *target;
	const struct access_call *call;
	const uint64_t *args;
	bool thorough;
	struct access_wants *ret;
	char path[PATH_MAX]; /* the first, as the program wrote it */
	char path2[PATH_MAX];
};

static int dir_of(const struct look *look, int8_t arg)
{
	return arg < 0 ? AT_FDCWD : (int)look->args[arg];
}

static uint32_t extra_of(const struct look *look)
{
	return look->call->extra < 0 ? 0 : (uint32_t)look->args[look->call->extra];
}

static void want(struct look *look, const struct spot *spot, uint64_t rights)
{
	struct access_want *w;

	if (!rights || look->ret->count == ACCESS_WANTS_MAX)
		return;
	w = &look->ret->want[look->ret->count++];
	w->rights = rights;
	w->st = spot->st;
	memcpy(w->real, spot->real, strlen(spot->real) + 1);
}

/* By mode bits and mount flags; without thoroughness, everything may be. */
static bool may(const struct look *look, const struct spot *spot, int mode)
{
	return !look->thorough || spot_may(spot, mode);
}

/* ---- opening ---- */

static uint64_t open_rights(const struct stat *st, uint64_t flags)
{
	uint64_t rights = 0;

	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		rights = S_ISDIR(st->st_mode) ? FS_READ_DIR : FS_READ_FILE;
		break;
	case O_WRONLY:
		rights = FS_WRITE_FILE;
		break;
	case O_RDWR:
		rights = FS_READ_FILE | FS_WRITE_FILE;
		break;
	default: /* 3: neither reading nor writing, for ioctl alone */
		return 0;
	}
	if ((flags & O_TRUNC) && S_ISREG(st->st_mode))
		rights |= FS_TRUNCATE;
	return rights;
}

static int open_mode(uint64_t rights)
{
	return (rights & (FS_READ_FILE | FS_READ_DIR) ? R_OK : 0) |
	       (rights & (FS_WRITE_FILE | FS_TRUNCATE) ? W_OK : 0);
}

static void open_existing(struct look *look, const struct spot *spot, uint64_t flags)
{
	bool is_dir = S_ISDIR(spot->st.st_mode);
	uint64_t rights;

	if (S_ISLNK(spot->st.st_mode) || S_ISSOCK(spot->st.st_mode))
		return; /* ELOOP, ENXIO */
	if ((flags & O_CREAT) && (is_dir || (flags & O_EXCL)))
		return; /* EISDIR, EEXIST */
	if ((flags & O_DIRECTORY) && !is_dir && !(flags & TMPFILE))
		return; /* ENOTDIR */
	if (is_dir && ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC)))
		return; /* EISDIR */
	rights = open_rights(&spot->st, flags);
	if (may(look, spot, open_mode(rights)))
		want(look, spot, rights);
}

/* A file without a name in a directory: its rights are the directory's. */
static void open_tmpfile(struct look *look, const struct spot *dir, uint64_t flags)
{
	const struct stat file = {.st_mode = S_IFREG};

	if (S_ISDIR(dir->st.st_mode) && may(look, dir, W_OK | X_OK))
		want(look, dir, open_rights(&file, flags & ~(uint64_t)O_TRUNC));
}

/* The file that a dangling link names is created where the link points. */
static bool follow_dangling(const struct spot *dir, const char *name, char path[PATH_MAX])
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir->fd, name, target, sizeof(target) - 1);
	int len;

	if (n <= 0)
		return false;
	target[n] = '\0';
	len = target[0] == '/' ? snprintf(path, PATH_MAX, "%s", target)
			       : snprintf(path, PATH_MAX, "%s/%s", dir->real, target);
	return len > 0 && len < PATH_MAX;
}

static void open_new(struct look *look, uint64_t flags)
{
	const struct stat file = {.st_mode = S_IFREG};
	char path[PATH_MAX], name[NAME_MAX + 1];

	memcpy(path, look->path, strlen(look->path) + 1);
	for (int i = 0; i < LINKS_MAX; i++) {
		struct spot dir cleanup_spot = {.fd = -1};

		if (target_find_parent(look->target, dir_of(look, look->call->dir), path, &dir,
				       name) < 0 ||
		    !name[0])
			return;
		if (!(flags & (O_EXCL | O_NOFOLLOW)) && follow_dangling(&dir, name, path))
			continue;
		if (may(look, &dir, W_OK | X_OK))
			want(look, &dir,
			     FS_MAKE_REG | open_rights(&file, flags & ~(uint64_t)O_TRUNC));
		return;
	}
}

static void look_open(struct look *look, uint64_t flags)
{
	struct spot spot cleanup_spot = {.fd = -1};
	bool follow = !(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
	int r;

	if (flags & O_PATH)
		return;
	r = target_find(look->target, dir_of(look, look->call->dir), look->path, follow, &spot);
	if (r == 0 && (flags & TMPFILE))
		open_tmpfile(look, &spot, flags);
	else if (r == 0)
		open_existing(look, &spot, flags);
	else if (r == -ENOENT && (flags & O_CREAT))
		open_new(look, flags);
}

static void look_openat2(struct look *look)
{
	struct open_how how = {.flags = O_PATH};

	if (target_read(look->target, look->args[look->call->extra], &how, sizeof(how)) ==
	    (ssize_t)sizeof(how))
		look_open(look, how.flags);
}

static void look_truncate(struct look *look)
{
	struct spot spot cleanup_spot = {.fd = -1};

	if (target_find(look->target, AT_FDCWD, look->path, true, &spot) == 0 &&
	    S_ISREG(spot.st.st_mode) && may(look, &spot, W_OK))
		want(look, &spot, FS_TRUNCATE);
}

/* ---- creating, removing, renaming: judged by the directory ---- */

static uint64_t make_right(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return FS_MAKE_DIR;
	case S_IFLNK:
		return FS_MAKE_SYM;
	case S_IFSOCK:
		return FS_MAKE_SOCK;
	case S_IFIFO:
		return FS_MAKE_FIFO;
	case S_IFCHR:
		return FS_MAKE_CHAR;
	case S_IFBLK:
		return FS_MAKE_BLOCK;
	default: /* S_IFREG, and 0 of mknod(2) */
		return FS_MAKE_REG;
	}
}

static uint64_t remove_right(mode_t mode)
{
	return S_ISDIR(mode) ? FS_REMOVE_DIR : FS_REMOVE_FILE;
}

/* A name in a directory: a path's last component. */
struct entry {
	struct spot dir;
	char name[NAME_MAX + 1];
	bool exists;
	struct stat st; /* of what has the name, links not followed */
};

static void entry_done(struct entry *entry)
{
	spot_done(&entry->dir);
}
#define cleanup_entry cleanup_with(entry_done)

/* Returns false when there is no such directory or it may not be changed. */
static bool find_entry(const struct look *look, int8_t dir_arg, const char *path, struct entry *ret)
{
	if (target_find_parent(look->target, dir_of(look, dir_arg), path, &ret->dir, ret->name) <
		    0 ||
	    !ret->name[0])
		return false;
	ret->exists = fstatat(ret->dir.fd, ret->name, &ret->st, AT_SYMLINK_NOFOLLOW) == 0;
	return may(look, &ret->dir, W_OK | X_OK);
}

static void look_make(struct look *look, mode_t mode, dev_t device)
{
	struct entry entry cleanup_entry = {.dir.fd = -1};

	/* EPERM, but for whiteouts, which anybody may make (mknod(2) with S_IFCHR and device 0). */
	if (look->thorough && (S_ISBLK(mode) || (S_ISCHR(mode) && device)) && geteuid() != 0)
		return;
	if (find_entry(look, look->call->dir, look->path, &entry) && !entry.exists)
		want(look, &entry.dir, make_right(mode));
}

static bool is_empty(const struct entry *entry)
{
	int fd = openat(entry->dir.fd, entry->name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t n = 0;

	if (!dir) {
		close_fd(&fd);
		return true;
	}
	while (n < 3 && readdir(dir))
		n++;
	(void)closedir(dir);
	return n < 3; /* "." and ".." */
}

static void look_remove(struct look *look, bool is_dir)
{
	struct entry entry cleanup_entry = {.dir.fd = -1};

	if (!find_entry(look, look->call->dir, look->path, &entry) || !entry.exists ||
	    S_ISDIR(entry.st.st_mode) != is_dir)
		return;
	if (look->thorough && is_dir && !is_empty(&entry))
		return; /* ENOTEMPTY */
	want(look, &entry.dir, remove_right(entry.st.st_mode));
}

static void want_moves(struct look *look, const struct entry *from, const struct entry *to,
		       uint64_t from_rights, uint64_t to_rights)
{
	bool same = from->dir.st.st_ino == to->dir.st.st_ino &&
		    from->dir.st.st_dev == to->dir.st.st_dev;

	if (same) {
		want(look, &to->dir, from_rights | to_rights);
		return;
	}
	want(look, &from->dir, from_rights | FS_REFER);
	want(look, &to->dir, to_rights | FS_REFER);
	look->ret->moves = true;
	look->ret->moves_dir = S_ISDIR(from->st.st_mode);
}

static void look_rename(struct look *look)
{
	struct entry from cleanup_entry = {.dir.fd = -1};
	struct entry to cleanup_entry = {.dir.fd = -1};
	uint32_t flags = extra_of(look);
	uint64_t from_rights, to_rights;

	if (!find_entry(look, look->call->dir, look->path, &from) || !from.exists ||
	    !find_entry(look, look->call->dir2, look->path2, &to) ||
	    from.dir.st.st_dev != to.dir.st.st_dev)
		return;
	if (to.exists ? (flags & RENAME_NOREPLACE) != 0 : (flags & RENAME_EXCHANGE) != 0)
		return; /* EEXIST, ENOENT */
	if (to.exists && !(flags & RENAME_EXCHANGE) &&
	    S_ISDIR(to.st.st_mode) != S_ISDIR(from.st.st_mode))
		return; /* EISDIR, ENOTDIR */
	from_rights = remove_right(from.st.st_mode);
	to_rights = make_right(from.st.st_mode);
	if (to.exists)
		to_rights |= remove_right(to.st.st_mode);
	if (flags & RENAME_EXCHANGE)
		from_rights |= make_right(to.st.st_mode);
	want_moves(look, &from, &to, from_rights, to_rights);
}

static void look_link(struct look *look)
{
	struct entry from cleanup_entry = {.dir.fd = -1};
	struct entry to cleanup_entry = {.dir.fd = -1};

	/* AT_EMPTY_PATH and links through /proc/self/fd have no directory to judge by. */
	if (target_find_parent(look->target, dir_of(look, look->call->dir), look->path, &from.dir,
			       from.name) < 0 ||
	    fstatat(from.dir.fd, from.name, &from.st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    S_ISDIR(from.st.st_mode) || !find_entry(look, look->call->dir2, look->path2, &to) ||
	    to.exists || from.dir.st.st_dev != to.dir.st.st_dev)
		return;
	want_moves(look, &from, &to, 0, make_right(from.st.st_mode));
}

/* ---- executing ---- */

/* Open for reading what is known by O_PATH. */
static int reopen(const struct spot *spot)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", spot->fd);
	return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

/* What the kernel opens beside @spot to execute it, "" when nothing. */
static void find_interpreter(const struct spot *spot, char ret[PATH_MAX])
{
	char head[SCRIPT_LINE_MAX];
	struct script_line line;
	struct elf_info elf;
	struct sbx_err err;
	int fd cleanup_fd = reopen(spot);
	ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);

	ret[0] = '\0';
	if (n <= 0)
		return;
	if (script_is(head, (size_t)n)) {
		if (script_parse(head, (size_t)n, &line, &err) == 0)
			(void)snprintf(ret, PATH_MAX, "%s", line.interpreter);
		return;
	}
	if (elf_read(fd, &elf, &err) == 0 && elf.same_class && elf.same_machine)
		(void)snprintf(ret, PATH_MAX, "%s", elf.interp);
}

static void look_exec(struct look *look)
{
	uint32_t flags = extra_of(look);
	char path[PATH_MAX];
	int dir = dir_of(look, look->call->dir);

	if (!look->path[0] && !(flags & AT_EMPTY_PATH))
		return;
	memcpy(path, look->path, strlen(look->path) + 1);
	for (int i = 0; i < SCRIPTS_MAX; i++) {
		struct spot spot cleanup_spot = {.fd = -1};

		if (target_find(look->target, dir, path, i || !(flags & AT_SYMLINK_NOFOLLOW),
				&spot) < 0 ||
		    !S_ISREG(spot.st.st_mode) || !may(look, &spot, X_OK))
			break;
		want(look, &spot, FS_EXECUTE | FS_READ_FILE);
		find_interpreter(&spot, path);
		if (!path[0])
			return;
		dir = AT_FDCWD;
	}
	/* Something on the way cannot be executed at all. */
	look->ret->count = 0;
}

static void look_ioctl(struct look *look)
{
	struct spot spot cleanup_spot = {.fd = -1};

	if (target_find(look->target, dir_of(look, look->call->dir), "", true, &spot) == 0 &&
	    (S_ISCHR(spot.st.st_mode) || S_ISBLK(spot.st.st_mode)))
		want(look, &spot, FS_IOCTL_DEV);
}

/* A unix socket with a path is a file that is made. */
static void look_bind(struct look *look)
{
	struct sockaddr_un address = {.sun_family = AF_UNSPEC};
	size_t size = extra_of(look);

	if (size > sizeof(address))
		size = sizeof(address);
	if (target_read(look->target, look->args[1], &address, size) != (ssize_t)size ||
	    address.sun_family != AF_UNIX || !address.sun_path[0])
		return;
	(void)snprintf(look->path, sizeof(look->path), "%.*s", (int)sizeof(address.sun_path),
		       address.sun_path);
	look_make(look, S_IFSOCK, 0);
}

void access_of(struct target *target, const struct access_call *call, const uint64_t args[6],
	       bool thorough, struct access_wants *ret)
{
	struct look look = {
		.target = target, .call = call, .args = args, .thorough = thorough, .ret = ret};

	ret->count = 0;
	ret->moves = ret->moves_dir = false;
	if (call->kind == ACCESS_BIND)
		look_bind(&look);
	if (call->kind == ACCESS_IOCTL)
		look_ioctl(&look);
	if (call->path < 0 || target_read_string(target, args[call->path], look.path) < 0 ||
	    (call->path2 >= 0 && target_read_string(target, args[call->path2], look.path2) < 0))
		return;
	if (!look.path[0] && call->kind != ACCESS_EXEC)
		return; /* ENOENT; with AT_EMPTY_PATH nothing that has a directory */
	switch (call->kind) {
	case ACCESS_OPEN:
		look_open(&look, extra_of(&look));
		break;
	case ACCESS_OPENAT2:
		look_openat2(&look);
		break;
	case ACCESS_CREAT:
		look_open(&look, O_WRONLY | O_CREAT | O_TRUNC);
		break;
	case ACCESS_TRUNCATE:
		look_truncate(&look);
		break;
	case ACCESS_MKDIR:
		look_make(&look, S_IFDIR, 0);
		break;
	case ACCESS_MKNOD:
		look_make(&look, extra_of(&look), args[call->extra + 1]);
		break;
	case ACCESS_SYMLINK:
		look_make(&look, S_IFLNK, 0);
		break;
	case ACCESS_UNLINK:
		look_remove(&look, extra_of(&look) & AT_REMOVEDIR);
		break;
	case ACCESS_RMDIR:
		look_remove(&look, true);
		break;
	case ACCESS_RENAME:
		look_rename(&look);
		break;
	case ACCESS_LINK:
		look_link(&look);
		break;
	case ACCESS_EXEC:
		look_exec(&look);
		break;
	default:
		break;
	}
}
