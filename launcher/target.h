/* SPDX-License-Identifier: MIT */
/* The process whose call is looked at, from outside: its memory, and paths as it means them. What
 * is read may change at once: a hint for messages, never the ground of a decision. */
#pragma once

#include <limits.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "../shim/util.h"

struct target {
	pid_t tid;  /* who made the call */
	pid_t tgid; /* its process; target_init() finds it */
};

/* Returns 0, or -ESRCH when it has ended, which may be noticed a moment later. */
must_check int target_init(struct target *ret, pid_t tid) nonnull(1);

/* Another process's number: the parent of @pid; 0 when there is none. */
pid_t target_parent(pid_t pid);

/* The name of its program, at most 15 bytes, control characters replaced. */
void target_name(const struct target *target, char ret[16]) nonnull(1, 2);

/* Read memory. Returns how much could be read, which may be less than @size, or -errno. Fits struct
 * decode_source. */
ssize_t target_read(void *target, uint64_t addr, void *buf, size_t size) nonnull(1, 3);
/* A string of less than PATH_MAX bytes. Returns 0, -EFAULT or -ENAMETOOLONG. */
must_check int target_read_string(struct target *target, uint64_t addr, char ret[PATH_MAX])
	nonnull(1, 3);

/* An option of level SOL_SOCKET that its socket @fd has, SO_DOMAIN and the like; @otherwise where
 * that cannot be found out. */
int target_socket_option(const struct target *target, int fd, int option, int otherwise) nonnull(1);

/* A file that a path leads to. */
struct spot {
	int fd; /* owned; O_PATH; -1 */
	struct stat st;
	char real[PATH_MAX]; /* with links followed */
};
void spot_done(struct spot *spot);
#define cleanup_spot cleanup_with(spot_done)

/* Find what @path leads to, from the directory @dirfd of the target (AT_FDCWD: where it stands).
 * @path "": what is open at @dirfd. Returns 0; -ENXIO for what has no name (pipes, sockets, removed
 * files), which Landlock does not restrict; or the -errno that the target would see. On failure
 * @ret is empty. */
must_check int target_find(const struct target *target, int dirfd, const char *path, bool follow,
			   struct spot *ret) nonnull(1, 3, 5);

/* Find the directory that the last component of @path is in, and that component (in @name, room for
 * NAME_MAX + 1; "" when the path ends in "." or ".." or is "/"). */
must_check int target_find_parent(const struct target *target, int dirfd, const char *path,
				  struct spot *ret, char name[NAME_MAX + 1]) nonnull(1, 3, 4, 5);

/* May the calling process do this to the file, by mode bits and mount flags? @mode as in access(2).
 */
bool spot_may(const struct spot *spot, int mode) nonnull(1);

/* Whoever looks at files as root sees more than the target does. Take on the target's identity for
 * looking at files, if that differs; identity_restore() gives the own one back. */
struct identity {
	bool changed;
};
struct identity identity_take(const struct target *target) nonnull(1);
void identity_restore(const struct identity *identity) nonnull(1);
