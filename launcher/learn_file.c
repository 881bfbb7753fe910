/* SPDX-License-Identifier: MIT */
#include "learn_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "../shim/path.h"
#include "../shim/policy_file.h"
#include "learn_parts.h"

static int open_dir(struct learn_file *file, struct sbx_err *err)
{
	const char *base = path_base(file->path);
	char dir[PATH_MAX];

	if (!*base || strlen(file->path) >= sizeof(dir))
		return err_set(err, -EINVAL, "--learn=%s: not a file", file->path);
	(void)snprintf(dir, sizeof(dir), "%.*s", (int)(base - file->path), file->path);
	file->dir = open(dir[0] ? dir : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (file->dir < 0 || faccessat(file->dir, ".", W_OK | X_OK, AT_EACCESS) < 0)
		return err_set(err, -errno, "--learn=%s: cannot write there: %m", file->path);
	return 0;
}

static int read_text(struct learn_file *file, int fd, struct sbx_err *err)
{
	size_t used = 0;
	ssize_t n;

	file->old = malloc(POLICY_FILE_MAX + 2);
	if (!file->old)
		return err_set(err, -ENOMEM, "out of memory");
	while ((n = read(fd, file->old + used, POLICY_FILE_MAX + 1 - used)) > 0)
		used += (size_t)n;
	file->old[used] = '\0';
	if (n < 0)
		return err_at(err, -errno, file->path, 0, "cannot be read: %m");
	return 0;
}

static int read_old(struct learn_file *file, const struct policy_env *env, struct sbx_err *err)
{
	int fd cleanup_fd = openat(file->dir, path_base(file->path), O_RDONLY | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0
				       : err_at(err, -errno, file->path, 0, "cannot be read: %m");
	policy_init(&file->base);
	file->has_base = true;
	r = policy_load(&file->base, file->path, env, err);
	if (r == 0 && fstat(fd, &st) == 0)
		file->mode = st.st_mode & 0777;
	return r < 0 ? r : read_text(file, fd, err);
}

int learn_file_open(struct learn_file *ret, const char *path, const struct policy_env *env,
		    struct sbx_err *err)
{
	int r;

	*ret = (struct learn_file){.path = path, .dir = -1, .mode = 0644};
	if (!path)
		return 0;
	r = open_dir(ret, err);
	return r < 0 ? r : read_old(ret, env, err);
}

void learn_file_done(struct learn_file *file)
{
	close_fd(&file->dir);
	if (file->has_base)
		policy_done(&file->base);
	free(file->old);
	file->old = NULL;
	file->has_base = false;
}

/* ---- the end ---- */

/* Standard output may be a pipe that is full, and set not to block. */
static void write_all(int fd, const char *text)
{
	size_t size = strlen(text);

	while (size) {
		struct pollfd out = {.fd = fd, .events = POLLOUT};
		ssize_t n = write(fd, text, size);

		if (n < 0 && errno == EAGAIN && poll(&out, 1, -1) > 0)
			continue;
		if (n <= 0)
			return; /* nobody reads it */
		text += n;
		size -= (size_t)n;
	}
}

/* A new file takes the old one's place, so that a link that the program may have put there is not
 * followed. */
static int replace(const struct learn_file *file, const char *text)
{
	size_t size = strlen(text);
	char temp[64];
	uint64_t random = 0;
	int fd cleanup_fd = -1;
	int code;

	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	(void)snprintf(temp, sizeof(temp), ".sbx-learn-%016llx", (unsigned long long)random);
	fd = openat(file->dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, text, size) == (ssize_t)size && fchmod(fd, file->mode) == 0 &&
	    renameat(file->dir, temp, file->dir, path_base(file->path)) == 0)
		return 0;
	code = errno ? -errno : -ENOSPC;
	(void)unlinkat(file->dir, temp, 0);
	return code;
}

static void describe_failure(int status, char *buf, size_t size)
{
	if (status > 128 && status <= 128 + 64)
		(void)snprintf(buf, size, "signal %d ended it", status - 128);
	else
		(void)snprintf(buf, size, "exit status %d", status);
}

/* What a new file begins with. */
static char *skeleton(const char *name, bool proposed)
{
	char *text = NULL;
	int n;

	if (!name)
		name = "PROGRAM";
	n = proposed ? asprintf(&text,
				"; for ${XDG_CONFIG_HOME}/sbx-preload/%s.ini, or " SBX_SYSCONFDIR
				"/sbx-preload/%s.ini\n"
				"; learned from one run by sbx-preload --learn: read it before you "
				"use it\n[sandbox]\npromises = stdio\n",
				name, name)
		     : asprintf(&text,
				"; %s: learned by sbx-preload --learn: read it before you use it\n"
				"[sandbox]\npromises = stdio\n",
				name);
	return n < 0 ? NULL : text;
}

/* Is it a policy? It should be; but what is there must not be replaced by what cannot be read. */
static int check(const struct learn_file *file, const char *text,
		 const struct unveil_request *unveil, struct sbx_err *err)
{
	struct unveil_request request = *unveil;
	struct policy policy;
	int r;

	if (file->has_base && file->base.n_files > 1)
		return strlen(text) > POLICY_FILE_MAX ? -EFBIG : 0; /* it includes others */
	if (strlen(text) > POLICY_FILE_MAX)
		return err_set(err, -EFBIG, "more than %d bytes", POLICY_FILE_MAX);
	policy_init(&policy);
	r = policy_parse_text(&policy,
			      &(struct policy_source){.file = file->path ? file->path : "learned",
						      .text = text,
						      .len = strlen(text)},
			      unveil->env, err);
	request.policy = &policy;
	if (r == 0)
		r = unveil_check(&request, err);
	policy_done(&policy);
	return r;
}

static void say(const char *what, const char *detail)
{
	(void)dprintf(STDERR_FILENO, "sbx-preload: %s%s\n", what, detail);
}

static void put_file(const struct learn_file *file, const char *text, const char *added, bool again)
{
	int r;

	if (!added[0] && file->old) {
		if (!again)
			say(file->path, ": nothing to add");
		return;
	}
	r = replace(file, text);
	if (r < 0)
		(void)dprintf(STDERR_FILENO, "sbx-preload: cannot write %s: %s\n", file->path,
			      strerror(-r));
	else if (!again && file->old)
		(void)dprintf(STDERR_FILENO, "sbx-preload: %s:\n%s", file->path, added);
}

void learn_file_write(struct learn_file *file, struct learn_facts *facts,
		      const struct unveil_request *unveil, const char *name, bool again, int status)
{
	struct learn_plan plan = {
		.facts = facts,
		.base = file->has_base ? &file->base : NULL,
		.env = unveil->env,
		.bounded = true,
	};
	char *begin = file->old ? NULL : skeleton(name, !file->path);
	char *text = NULL, *added = NULL, failed[64], problem[2048];
	struct sbx_err err = {0};

	if (again && !file->path)
		return; /* it was printed, and cannot be taken back */
	describe_failure(status, failed, sizeof(failed));
	learn_decide(&plan, facts);
	if (file->old || begin)
		text = learn_merge(&plan, file->old ? file->old : begin, status ? failed : NULL,
				   &added);
	if (!text) {
		say("out of memory: nothing was learned", "");
	} else {
		if (check(file, text, unveil, &err) < 0) {
			(void)err_format(&err, problem, sizeof(problem));
			say("this policy will not do as it is: ", problem);
		}
		if (file->path && !(err.code && file->old))
			put_file(file, text, added, again);
		else
			write_all(STDOUT_FILENO, text);
	}
	free(text);
	free(added);
	free(begin);
	learn_plan_done(&plan);
}
