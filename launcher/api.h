/* SPDX-License-Identifier: MIT */
/* --api: sandboxes over a Unix socket. To a person (nc -U SOCKET) it is the guided mode; to a
 * program a protocol of lines, one JSON object each. See sbx-preload(1), SOCKET MODE. */
#pragma once

#include "../shim/err.h"

struct api_request {
	const char *socket; /* NULL: sbx-preload.sock in XDG_RUNTIME_DIR */
	/* PROGRAM ARG… of the command line, for the guided mode; empty: it asks. */
	char *const *program;
	char *const *envp;
	bool quiet; /* do not say where it listens */
};

/* Serve until SIGTERM, SIGINT or SIGHUP; the socket is gone then. Returns 0; -EINVAL when there is
 * no place for the socket; -EADDRINUSE when somebody serves there already, or something else lies
 * there; or -errno. */
must_check int api_run(const struct api_request *request, struct sbx_err *err) nonnull(1, 2);
