/* SPDX-License-Identifier: MIT */
/* A live stage (live.h) with the probes in {root}/bin and a policy that the probes' attempts break
 * in {stage}/conf/probe.ini. SBX_PROBES names the directory that the probes were built into. */
#pragma once

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live.h"

#define SECRET "{outside}/secret.txt" /* what "confined" must not read */
#define NEW    "{outside}/new"	      /* … and must not make */
#define POLICY "{stage}/conf/probe.ini"
#define SHIM   "{stage}/libsbx-preload.so"

static inline void stage_skip(const char *reason)
{
	const char *must = getenv("SBX_MUST_RUN");

	if (must && strcmp(must, "1") == 0)
		cr_assert_fail("must run, but: %s", reason);
	cr_skip_test("%s", reason);
}

/* Write @len bytes to @path (placeholders allowed), as whoever runs the tests, with exactly @mode.
 */
static inline void stage_put(const struct live *live, const char *path, const void *bytes,
			     size_t len, mode_t mode)
{
	char *real = live_expand(live, path);
	int fd;

	(void)unlink(real); /* a new file: old modes and capabilities are gone */
	fd = open(real, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len || fchmod(fd, mode) != 0)
		cr_assert_fail("cannot write %s: %s", real, strerror(errno));
	(void)close(fd);
	free(real);
}

/* The same for text, in which placeholders are replaced. */
static inline void stage_put_text(const struct live *live, const char *path, const char *text,
				  mode_t mode)
{
	char *real = live_expand(live, text);

	stage_put(live, path, real, strlen(real), mode);
	free(real);
}

/* The bytes of a file; heap. */
static inline char *stage_get(const struct live *live, const char *path, size_t *ret_len)
{
	char *real = live_expand(live, path);
	int fd = open(real, O_RDONLY | O_CLOEXEC);
	char *bytes = NULL;
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0)
		bytes = malloc((size_t)st.st_size + 1);
	if (!bytes || read(fd, bytes, (size_t)st.st_size) != st.st_size)
		cr_assert_fail("cannot read %s: %s (is it built?)", real, strerror(errno));
	(void)close(fd);
	free(real);
	*ret_len = (size_t)st.st_size;
	return bytes;
}

static inline void stage_copy(const struct live *live, const char *from, const char *to,
			      mode_t mode)
{
	size_t len;
	char *bytes = stage_get(live, from, &len);

	stage_put(live, to, bytes, len, mode);
	free(bytes);
}

static inline void stage_mkdir(const struct live *live, const char *path, mode_t mode)
{
	char *real = live_expand(live, path);

	if (mkdir(real, 0700) != 0 || chmod(real, mode) != 0)
		cr_assert_fail("cannot make %s: %s", real, strerror(errno));
	free(real);
}

/* Is there a probe called @name? Some are built only where a compiler for them is. */
static inline bool stage_probe(const struct live *live, const char *name, mode_t mode)
{
	const char *dir = getenv("SBX_PROBES");
	char from[256], to[128];

	(void)snprintf(from, sizeof(from), "%s/%s", dir ? dir : "build/probes", name);
	(void)snprintf(to, sizeof(to), "{root}/bin/%s", name);
	if (access(from, R_OK) != 0)
		return false;
	stage_copy(live, from, to, mode);
	return true;
}

static inline void stage_init(struct live *live, uid_t uid)
{
	live_need_landlock(6);
	live_init(live, uid);
	stage_mkdir(live, "{root}/bin", 0755);
	cr_assert(stage_probe(live, "confined", 0755), "the probe \"confined\" is not built");
	stage_put_text(live, POLICY, "[sandbox]\npromises = stdio rpath\n[unveil]\nr = {work}\n",
		       0644);
}

static inline bool stage_ran(const struct live_result *result)
{
	return strstr(result->out, "main\n") != NULL;
}

/* Did the probe's attempts leave a mark? */
static inline bool stage_spoiled(struct live *live)
{
	return live_exists(live, NEW);
}

static inline void stage_remove_new(const struct live *live)
{
	char *real = live_expand(live, NEW);

	(void)unlink(real); /* it need not be there */
	free(real);
}

/* Nothing of the program ran; the sandbox ended with @status and told why, with @says in it. */
static inline void stage_expect_refused(struct live *live, const char *name,
					const struct live_result *result, int status,
					const char *says)
{
	char *text = live_expand(live, says);

	cr_expect(!stage_ran(result), "%s, uid %u: main ran:\n%s%s", name, live->uid, result->out,
		  result->err);
	cr_expect_eq(result->status, status, "%s, uid %u: status %d\n%s", name, live->uid,
		     result->status, result->err);
	cr_expect(strncmp(result->err, "sbx-preload: ", 13) == 0 && strstr(result->err, text),
		  "%s, uid %u: \"%s\" is not in:\n%s", name, live->uid, text, result->err);
	cr_expect(!stage_spoiled(live), "%s, uid %u: it wrote outside", name, live->uid);
	free(text);
}

/* The probe "confined" ran and every attempt was refused. */
static inline void stage_expect_confined(struct live *live, const char *name,
					 const struct live_result *result)
{
	cr_expect(result->status == 0 && stage_ran(result) && strstr(result->out, "\nconfined\n"),
		  "%s, uid %u: status %d\n%s%s", name, live->uid, result->status, result->out,
		  result->err);
	cr_expect(!stage_spoiled(live), "%s, uid %u: it wrote outside", name, live->uid);
}

/* @launcher -P POLICY -- @program SECRET NEW */
static inline struct live_result stage_launch(struct live *live, const char *launcher,
					      const char *policy, const char *program)
{
	const char *const argv[] = {launcher, "-P", policy, "--", program, SECRET, NEW, NULL};

	return live_run(live, &(struct live_command){.argv = argv});
}

/* LD_PRELOAD=SHIM SBX_POLICY=@policy @program SECRET NEW */
static inline struct live_result stage_preload(struct live *live, const char *policy,
					       const char *program)
{
	const char *const argv[] = {program, SECRET, NEW, NULL};
	char variable[256];
	const char *const env[] = {"LD_PRELOAD=" SHIM, variable, NULL};

	(void)snprintf(variable, sizeof(variable), "SBX_POLICY=%s", policy);
	return live_run(live, &(struct live_command){.argv = argv, .env = env});
}
