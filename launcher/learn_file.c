/* SPDX-License-Identifier: MIT */
#include "learn_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../shim/path.h"
#include "../shim/policy_file.h"
#include "learn_parts.h"
#include "replace.h"

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
	/* What would make us wait, as a fifo, policy_load() refuses. */
	int fd cleanup_fd = openat(file->dir, path_base(file->path),
				   O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0
				       : err_at(err, -errno, file->path, 0, "cannot be read: %m");
	policy_init(&file->base);
	file->has_base = true;
	r = policy_load(&file->base, file->path, env, err);
	if (r == 0 && fstat(fd, &file->left) == 0)
		file->mode = file->left.st_mode & 0777;
	return r < 0 ? r : read_text(file, fd, err);
}

int learn_file_open(struct learn_file *ret, const char *path, const struct policy_env *env,
		    struct sbx_err *err)
{
	int r;

	*ret = (struct learn_file){.path = path, .dir = -1, .mode = 0644};
	if (!path)
		return 0;
	r = replace_open("--learn", path, &ret->dir, err);
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

/* Standard output may be a pipe that is full, and set not to block. Returns 0 or -errno. */
static int write_all(int fd, const char *text)
{
	size_t size = strlen(text);

	while (size) {
		struct pollfd out = {.fd = fd, .events = POLLOUT};
		ssize_t n = write(fd, text, size);

		if (n < 0 && errno == EAGAIN && poll(&out, 1, -1) > 0)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		text += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Is the file as we read or wrote it? Who changed it meanwhile, as in an editor, should not lose
 * that; and what the program itself wrote there is not to be merged. */
static bool is_as_left(const struct learn_file *file)
{
	struct stat now;

	if (fstatat(file->dir, path_base(file->path), &now, 0) < 0)
		return true; /* it was not there, or is no more */
	return now.st_ino == file->left.st_ino && now.st_dev == file->left.st_dev &&
	       now.st_size == file->left.st_size &&
	       now.st_mtim.tv_sec == file->left.st_mtim.tv_sec &&
	       now.st_mtim.tv_nsec == file->left.st_mtim.tv_nsec;
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

static void print_policy(const char *text)
{
	int r = write_all(STDOUT_FILENO, text);

	if (r < 0)
		say("cannot write the policy: ", strerror(-r));
}

static void put_file(struct learn_file *file, const char *text, const char *added, bool again)
{
	int r = 0;

	if (!added[0] && file->old) {
		if (!again)
			say(file->path, ": nothing to add");
		return;
	}
	if (!is_as_left(file))
		r = -EBUSY;
	else
		r = replace_write(file->dir, file->path, text, file->mode);
	if (r == 0)
		(void)fstatat(file->dir, path_base(file->path), &file->left, 0);
	if (r == -EBUSY)
		say(file->path, " was changed meanwhile, and is left as it is");
	else if (r < 0)
		(void)dprintf(STDERR_FILENO, "sbx-preload: cannot write %s: %s\n", file->path,
			      strerror(-r));
	else if (!again && file->old)
		(void)dprintf(STDERR_FILENO, "sbx-preload: %s:\n%s", file->path, added);
	/* So that the run was not for nothing. */
	if (r < 0 && !again)
		print_policy(text);
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
	int r;

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
		r = check(file, text, unveil, &err);
		if (r < 0) {
			(void)err_format(&err, problem, sizeof(problem));
			say("this policy will not do as it is: ", problem);
		}
		/* An old line's path that is gone by now is no worse with new lines. */
		if (file->path && (r >= 0 || r == -ENOENT || !file->old))
			put_file(file, text, added, again);
		else
			print_policy(text);
	}
	free(text);
	free(added);
	free(begin);
	learn_plan_done(&plan);
}
