/* SPDX-License-Identifier: MIT */
/* A system call as a person would write it. No allocation, no state of libc, little stack; what was
 * found in the tables is remembered, so one thread at a time. The watched memory is reached through
 * the caller's function alone. What is read there is a hint: the process may change it at any time.
 */
#pragma once

#include "line.h"
#include "util.h"

/* Copy up to @size bytes from the watched process's memory at @addr. Returns how many (less at the
 * end of what is mapped), or -EFAULT. */
typedef ssize_t (*decode_read_fn)(void *user, uint64_t addr, void *buf, size_t size);

struct decode_source {
	decode_read_fn read; /* NULL: no memory can be read */
	void *user;
	/* What is open as @fd, as text of less than @size bytes into @buf, shown behind the number:
	 * "3</etc/passwd>". Returns its length; 0: nothing is shown. NULL: for no descriptor. */
	size_t (*name_fd)(void *user, int fd, char *buf, size_t size);
};

/* "openat("/etc/shadow", O_RDONLY|O_CLOEXEC)" into @buf: cut, with "..." at its end, to @size,
 * always NUL-terminated. @nr is a number of the architecture that this is built for. Returns the
 * length. Never fails: what cannot be read is shown as its address, what has no name as a number,
 * a call that the table does not know as "syscall_600()". Left out is what tells a person nothing:
 * AT_FDCWD, buffers, empty sets of flags. */
size_t decode_call(int nr, const uint64_t args[6], const struct decode_source *source, char *buf,
		   size_t size) nonnull(2, 3, 4);

/* "AF_INET 127.0.0.1:80", "AF_INET6 [::1]:80", "AF_UNIX "/run/x"", "AF_UNIX @abstract",
 * "AF_NETLINK pid 42": what the @size bytes of a struct sockaddr say. */
void decode_address(struct line *line, const void *address, size_t size) nonnull(1, 2);

/* Where a call's arguments name files. */
struct decode_path {
	int8_t path;  /* argument number */
	int8_t dir;   /* of the directory that it starts from; -1: none */
	bool address; /* a struct sockaddr instead, which is a file's if it is AF_UNIX; its length
			 is the next argument */
};
#define DECODE_PATHS_MAX 2

/* Those of the call @name. Returns how many. */
size_t decode_find_paths(const char *name, struct decode_path ret[DECODE_PATHS_MAX]) nonnull(1, 2);

/* Which arguments of the call @name are strings. Returns how many of them there are in @ret. */
#define DECODE_STRINGS_MAX 3
size_t decode_find_strings(const char *name, uint8_t ret[DECODE_STRINGS_MAX]) nonnull(1, 2);

/* The name of call @nr of this architecture; NULL when the table does not know it. */
const char *decode_call_name(int nr);
