/* SPDX-License-Identifier: MIT */
#include "protect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "narrower.h"
#include "path.h"
#include "policy_file.h"

#define LINKS_MAX 40 /* as the kernel's own (path_resolution(7)) */

/* Files are known by inode, so that bind mounts and hard links hide nothing. */
struct protect_node {
	dev_t dev;
	ino_t ino;
	const char *leads_to; /* the protected path, as written */
	bool by_link; /* a symbolic link led away from here: writing beneath it does no harm,
			 renaming does */
};

/* One walk: the directory that it stands in and what it has still to go. */
struct walk {
	struct protect *protect;
	struct arena *arena;
	const char *goal;
	int at;		   /* owned */
	size_t first_node; /* the nodes of this walk start here */
	unsigned links;
	char rest[PATH_MAX];
};

static int node_add(struct walk *walk, const struct stat *st)
{
	struct protect *p = walk->protect;
	int r;

	for (size_t i = 0; i < p->n_nodes; i++)
		if (p->nodes[i].ino == st->st_ino && p->nodes[i].dev == st->st_dev &&
		    !p->nodes[i].by_link && i < walk->first_node)
			return 0;
	r = arena_grow(walk->arena, (void **)&p->nodes, &p->cap_nodes, p->n_nodes,
		       sizeof(*p->nodes));
	if (r < 0)
		return r;
	p->nodes[p->n_nodes++] = (struct protect_node){
		.dev = st->st_dev,
		.ino = st->st_ino,
		.leads_to = walk->goal,
	};
	return 0;
}

/* Move to what is open at @fd (owned from here on). */
static int walk_to(struct walk *walk, int fd, const struct stat *st)
{
	close_fd(&walk->at);
	walk->at = fd;
	return node_add(walk, st);
}

static int walk_to_root(struct walk *walk)
{
	int fd cleanup_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return walk_to(walk, take_fd(&fd), &st);
}

/* Put the target of the symbolic link @fd in front of what is still to go. */
static int walk_link(struct walk *walk, int fd)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(fd, "", target, sizeof(target));
	size_t rest_len = strlen(walk->rest);

	if (n < 0)
		return -errno;
	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	if ((size_t)n + 1 + rest_len >= sizeof(walk->rest))
		return -ENAMETOOLONG;
	memmove(walk->rest + n + 1, walk->rest, rest_len + 1);
	memcpy(walk->rest, target, (size_t)n);
	walk->rest[n] = '/';
	if (target[0] != '/')
		return 0;
	for (size_t i = walk->first_node; i < walk->protect->n_nodes; i++)
		walk->protect->nodes[i].by_link = true;
	walk->first_node = walk->protect->n_nodes;
	return walk_to_root(walk);
}

/* One component further. Returns 1 when there is none left, 0, or -errno. */
static int walk_step(struct walk *walk)
{
	char name[PATH_MAX];
	const char *start = walk->rest + strspn(walk->rest, "/");
	size_t len = strcspn(start, "/");
	struct stat st;
	int fd cleanup_fd = -1;

	if (len == 0)
		return 1;
	memcpy(name, start, len);
	name[len] = '\0';
	memmove(walk->rest, start + len, strlen(start + len) + 1);
	fd = openat(walk->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return S_ISLNK(st.st_mode) ? walk_link(walk, fd) : walk_to(walk, take_fd(&fd), &st);
}

/* Add everything on the way to @path. *ret_fd: what it ends at, -1 when it does not exist; caller
 * closes. */
static int walk_path(struct protect *protect, struct arena *arena, const char *path, int *ret_fd)
{
	struct walk walk = {
		.protect = protect,
		.arena = arena,
		.goal = path,
		.at = -1,
		.first_node = protect->n_nodes,
	};
	size_t len = strlen(path);
	int r;

	*ret_fd = -1;
	if (len >= sizeof(walk.rest))
		return -ENAMETOOLONG;
	memcpy(walk.rest, path, len + 1);
	r = walk_to_root(&walk);
	while (r == 0)
		r = walk_step(&walk);
	if (r == 1)
		*ret_fd = take_fd(&walk.at);
	close_fd(&walk.at);
	/* Where the caller cannot go, a program that has no more rights than it cannot either. */
	if (r == -ENOENT || r == -ENOTDIR || r == -EACCES || r == -ELOOP)
		return 0;
	return r < 0 ? r : 0;
}

static int add_file(struct protect *protect, struct arena *arena, const char *path)
{
	int end cleanup_fd = -1;

	return walk_path(protect, arena, path, &end);
}

static int add_dir(struct protect *protect, struct arena *arena, const char *path)
{
	char real[PATH_MAX];
	int end cleanup_fd = -1;
	int r = walk_path(protect, arena, path, &end);

	if (r < 0 || end < 0)
		return r;
	r = path_of_fd(end, real);
	if (r < 0)
		return r;
	protect->named[protect->n_dirs] = path;
	protect->real[protect->n_dirs] = arena_strdup(arena, real);
	return protect->real[protect->n_dirs++] ? 0 : -ENOMEM;
}

int protect_init(struct protect *ret, struct arena *arena, const struct policy *policy,
		 const struct policy_env *env, const char *shim_path, struct sbx_err *err)
{
	const char *at = POLICY_SYSTEM_DIR;
	char user_dir[PATH_MAX];
	int r;

	*ret = (struct protect){.n_nodes = 0};
	r = add_dir(ret, arena, at);
	if (r == 0 && policy_user_dir(env, user_dir) == 0) {
		at = arena_strdup(arena, user_dir);
		r = at ? add_dir(ret, arena, at) : -ENOMEM;
	}
	for (size_t i = 0; r == 0 && i < policy->n_files; i++) {
		at = policy->files[i];
		r = add_file(ret, arena, at);
	}
	if (r == 0 && shim_path) {
		at = shim_path;
		r = add_file(ret, arena, at);
	}
	if (r < 0) {
		errno = -r;
		return err_set(err, r, "cannot protect %s from the program: %m", at ? at : "");
	}
	return 0;
}

const char *protect_find(const struct protect *protect, const struct stat *st, const char *real,
			 bool creates)
{
	for (size_t i = 0; i < protect->n_nodes; i++) {
		const struct protect_node *node = &protect->nodes[i];

		if (node->ino == st->st_ino && node->dev == st->st_dev &&
		    (creates || !node->by_link))
			return node->leads_to;
	}
	for (size_t i = 0; i < protect->n_dirs; i++)
		if (path_covers(protect->real[i], real))
			return protect->named[i];
	return NULL;
}
