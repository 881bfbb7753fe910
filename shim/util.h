/* SPDX-License-Identifier: MIT */
/* What every file uses: attributes that let the compiler check contracts, and the cleanup helpers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#define must_check	   __attribute__((warn_unused_result))
#define printf_like(f, a)  __attribute__((format(printf, f, a)))
#define nonnull(...)	   __attribute__((nonnull(__VA_ARGS__)))
#define ARRAY_SIZE(a)	   (sizeof(a) / sizeof((a)[0]))
#define cleanup_with(func) __attribute__((cleanup(func)))

/* Exit codes of the launcher and, for 125, of the shim (sbx-preload(1), EXIT STATUS). */
#define SBX_EXIT_USAGE	  2   /* usage or policy error */
#define SBX_EXIT_SANDBOX  125 /* could not sandbox; nothing ran */
#define SBX_EXIT_NOEXEC	  126 /* found but cannot be executed */
#define SBX_EXIT_NOTFOUND 127 /* not found */

static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* nothing was written through it: no error to lose */
	*fd = -1;
}

/* int fd cleanup_fd = open(…): closed when it leaves scope, unless take_fd() took it. */
#define cleanup_fd cleanup_with(close_fd)

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}
