/* SPDX-License-Identifier: MIT */
/* Which files a system call touches and which of Landlock's rights it wants there. */
#pragma once

#include "target.h"

#define ACCESS_WANTS_MAX 6

enum access_kind {
	ACCESS_NONE, /* a call that Landlock does not look at */
	ACCESS_OPEN,
	ACCESS_OPENAT2,
	ACCESS_CREAT,
	ACCESS_TRUNCATE,
	ACCESS_MKDIR,
	ACCESS_MKNOD,
	ACCESS_SYMLINK,
	ACCESS_UNLINK,
	ACCESS_RMDIR,
	ACCESS_RENAME,
	ACCESS_LINK,
	ACCESS_EXEC,
	ACCESS_IOCTL,
	ACCESS_CONNECT,
	ACCESS_BIND,
	ACCESS_SIGNAL,
};

/* How to read a call's arguments. */
struct access_call {
	char name[20];
	uint8_t kind;	    /* enum access_kind */
	int8_t dir, path;   /* argument numbers; -1: none */
	int8_t dir2, path2; /* renames and links: where to */
	int8_t extra;	    /* flags or mode, by kind */
};

/* NULL when the call is of no interest here. */
const struct access_call *access_find(const char *name) nonnull(1);

/* Does it name files (rather than addresses or processes)? */
static inline bool access_names_files(const struct access_call *call)
{
	return call->path >= 0 || call->kind == ACCESS_IOCTL;
}

/* Rights wanted on one file, or on what is in one directory. */
struct access_want {
	uint64_t rights; /* enum landlock_fs */
	struct stat st;
	char real[PATH_MAX];
};

struct access_wants {
	size_t count;
	struct access_want want[ACCESS_WANTS_MAX];
	/* A rename or link from one directory (want[0]) into another (want[1]): the file must not
	 * gain rights by it (landlock(7)). */
	bool moves;
	bool moves_dir;
};

/* What the call with these arguments wants. Nothing when it is going to fail anyway: a missing file
 * and the like; with @thorough also by mode bits and such, judged as the calling process's own
 * identity. Memory of the target is read. */
void access_of(struct target *target, const struct access_call *call, const uint64_t args[6],
	       bool thorough, struct access_wants *ret) nonnull(1, 2, 3, 5);
