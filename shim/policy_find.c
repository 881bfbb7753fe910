/* SPDX-License-Identifier: MIT */
/* The part of policy_file.h that touches the system: who may write a policy, reading it, and which
 * one is used. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "path.h"
#include "policy_file.h"

/* One file or directory. is_above: not the policy's own directory but one over it, where others may
 * write as long as they cannot rename what is not theirs: the sticky bit (inode(7)). */
static int check_one(const char *path, const struct stat *st, bool is_above, unsigned uid,
		     struct sbx_err *err)
{
	const char *what = S_ISDIR(st->st_mode) ? "directory" : "file";

	if (st->st_uid != 0 && st->st_uid != uid)
		return err_at(
			err, -EPERM, path, 0,
			"not safe: uid %u owns this %s, neither root nor uid %u (chown %u %s)",
			st->st_uid, what, uid, uid, path);
	if (!(st->st_mode & (S_IWGRP | S_IWOTH)) || (is_above && (st->st_mode & S_ISVTX)))
		return 0;
	/* /tmp and its like: everybody's by purpose, and nobody should be told to close them. */
	if (st->st_mode & S_ISVTX)
		return err_at(err, -EPERM, path, 0,
			      "not safe: others may write to this directory (put the policy into "
			      "one of its own)");
	return err_at(err, -EPERM, path, 0, "not safe: %s may write to this %s (chmod go-w %s)",
		      st->st_mode & S_IWOTH ? "others" : "its group", what, path);
}

/* @dir (a real path) and each directory above it. */
static int check_directories(const char *dir, unsigned uid, struct sbx_err *err)
{
	char path[PATH_MAX];
	bool is_above = false;
	struct stat st;
	char *slash;
	int r;

	(void)snprintf(path, sizeof(path), "%s", dir); /* a real path fits */
	for (;;) {
		if (lstat(path, &st) < 0)
			return err_at(err, -errno, path, 0, "cannot be checked: %s",
				      strerrordesc_np(errno));
		if (!S_ISDIR(st.st_mode))
			return err_at(err, -EPERM, path, 0, "changed while it was checked");
		r = check_one(path, &st, is_above, uid, err);
		if (r < 0 || !path[1])
			return r;
		slash = strrchr(path, '/');
		slash[slash == path] = '\0'; /* keeps the root's slash */
		is_above = true;
	}
}

/* What is open at @fd, its directory and those above. *ret_st, ret_real: what it is and where it
 * really lies. */
static int check_open(int fd, const char *path, unsigned uid, struct stat *ret_st,
		      char ret_real[PATH_MAX], struct sbx_err *err)
{
	char dir[PATH_MAX];
	struct stat there;
	char *slash;
	int r;

	if (fstat(fd, ret_st) < 0)
		return err_at(err, -errno, path, 0, "%s", strerrordesc_np(errno));
	if (!S_ISREG(ret_st->st_mode) && !S_ISDIR(ret_st->st_mode))
		return err_at(err, -EINVAL, path, 0, "not a regular file");
	r = path_of_fd(fd, ret_real);
	if (r < 0)
		return err_at(err, r, path, 0, "cannot find its real path in /proc/self/fd: %s",
			      strerrordesc_np(-r));
	if (lstat(ret_real, &there) < 0 || there.st_dev != ret_st->st_dev ||
	    there.st_ino != ret_st->st_ino)
		return err_at(err, -EPERM, path, 0, "changed while it was checked");
	if (S_ISDIR(ret_st->st_mode))
		return check_directories(ret_real, uid, err);
	r = check_one(ret_real, ret_st, false, uid, err);
	if (r < 0)
		return r;
	(void)snprintf(dir, sizeof(dir), "%s", ret_real); /* same size */
	slash = strrchr(dir, '/');
	slash[slash == dir] = '\0';
	return check_directories(dir, uid, err);
}

int policy_check_trust(const char *path, unsigned uid, struct sbx_err *err)
{
	int fd cleanup_fd = open(path, O_PATH | O_CLOEXEC);
	char real[PATH_MAX];
	struct stat st;

	if (fd < 0)
		return err_at(err, -errno, path, 0, "%s", strerrordesc_np(errno));
	return check_open(fd, path, uid, &st, real, err);
}

/* For the include callback. */
struct load {
	const struct policy_env *env;
	char real[PATH_MAX]; /* of the including file */
};

static int load_file(struct policy *policy, const char *path, bool included,
		     const struct policy_env *env, struct sbx_err *err);

static int include(struct policy *policy, const char *name, struct origin from, void *user,
		   struct sbx_err *err)
{
	const struct load *load = user;
	int dir_len = (int)(path_base(load->real) - load->real);
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%.*s%s", dir_len, load->real, name);
	int r;

	if (n < 0 || (size_t)n >= sizeof(path))
		return err_at(err, -ENAMETOOLONG, from.file, from.line,
			      "the name of an included file is too long");
	r = load_file(policy, path, true, load->env, err);
	/* For these the including line is to blame; and -ENOENT means that the policy itself is
	 * missing. */
	if (r == -ENOENT)
		return err_at(err, -EINVAL, from.file, from.line, "cannot include \"%s\": no %s",
			      name, path);
	if (r == -EEXIST || r == -E2BIG)
		return err_at(err, -EINVAL, from.file, from.line, "cannot include \"%s\": %s", name,
			      r == -EEXIST ? "it was read already" : "too many files");
	return r;
}

/* -EEXIST: it is there already; -E2BIG: no room. */
static int remember_file(struct policy *policy, const char *real, struct sbx_err *err)
{
	for (size_t i = 0; i < policy->n_files; i++)
		if (strcmp(policy->files[i], real) == 0)
			return err_at(err, -EEXIST, real, 0, "read already");
	if (policy->n_files == POLICY_FILES_MAX)
		return err_at(err, -E2BIG, real, 0, "one policy file too many: at most %d",
			      POLICY_FILES_MAX);
	policy->files[policy->n_files] = arena_strdup(&policy->arena, real);
	if (!policy->files[policy->n_files])
		return err_at(err, -ENOMEM, real, 0, "out of memory");
	policy->n_files++;
	return 0;
}

/* At most @size bytes; returns how many there were, or -errno. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t n = read(fd, buf + used, size - used);

		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			used += (size_t)n;
	}
	return (ssize_t)used;
}

static int parse_open(struct policy *policy, int fd, const char *path, bool included,
		      struct load *load, struct sbx_err *err)
{
	struct arena arena cleanup_with(arena_done) = {0};
	char *text = arena_alloc(&arena, POLICY_FILE_MAX + 1);
	ssize_t len;

	if (!text)
		return err_at(err, -ENOMEM, path, 0, "out of memory");
	len = read_all(fd, text, POLICY_FILE_MAX + 1);
	if (len < 0)
		return err_at(err, (int)len, path, 0, "%s", strerrordesc_np((int)-len));
	if (len > POLICY_FILE_MAX)
		return err_at(err, -EFBIG, path, 0, "more than %d bytes", POLICY_FILE_MAX);
	return policy_parse_text(policy,
				 &(struct policy_source){
					 .file = path,
					 .text = text,
					 .len = (size_t)len,
					 .included = included,
					 .include = included || !load->real[0] ? NULL : include,
					 .user = load,
				 },
				 load->env, err);
}

/* A memfd that nobody can change any more lies in no directory that others could write to: who made
 * it decides, and that is its owner. */
static bool is_sealed(int fd, unsigned uid)
{
	const int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
	struct stat st;
	int has = fcntl(fd, F_GET_SEALS); /* EINVAL for whatever else (memfd_create(2)) */

	return has >= 0 && (has & seals) == seals && fstat(fd, &st) == 0 &&
	       (st.st_uid == 0 || st.st_uid == uid);
}

/* It is called by the name that it was made with, and includes nothing. */
static int load_sealed(struct policy *policy, int fd, const char *path,
		       const struct policy_env *env, struct sbx_err *err)
{
	static const char prefix[] = "/memfd:", suffix[] = " (deleted)";
	char real[PATH_MAX];
	size_t len = path_of_fd(fd, real) == 0 ? strlen(real) : 0;

	if (len > sizeof(prefix) + sizeof(suffix) - 2 &&
	    memcmp(real, prefix, sizeof(prefix) - 1) == 0) {
		real[len - (sizeof(suffix) - 1)] = '\0';
		path = arena_strdup(&policy->arena, real + sizeof(prefix) - 1);
		if (!path)
			return err_set(err, -ENOMEM, "out of memory");
	}
	return parse_open(policy, fd, path, false, &(struct load){.env = env}, err);
}

static int load_file(struct policy *policy, const char *path, bool included,
		     const struct policy_env *env, struct sbx_err *err)
{
	/* O_NONBLOCK: a FIFO must not make us wait for a writer. A symbolic link is fine: what it
	 * leads to is checked. */
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct load load = {.env = env};
	struct stat st;
	int r;

	if (fd < 0)
		return err_at(err, -errno, path, 0, "%s", strerrordesc_np(errno));
	if (!included && is_sealed(fd, env->uid))
		return load_sealed(policy, fd, path, env, err);
	r = check_open(fd, path, env->uid, &st, load.real, err);
	if (r < 0)
		return r;
	if (S_ISDIR(st.st_mode))
		return err_at(err, -EINVAL, path, 0, "a directory, not a policy file");
	r = remember_file(policy, load.real, err);
	if (r < 0)
		return r;
	return parse_open(policy, fd, path, included, &load, err);
}

int policy_load(struct policy *policy, const char *path, const struct policy_env *env,
		struct sbx_err *err)
{
	return load_file(policy, path, false, env, err);
}

int policy_user_dir(const struct policy_env *env, char buf[PATH_MAX])
{
	struct sbx_err err; /* why there is no such directory does not matter */

	return policy_expand_buf("${XDG_CONFIG_HOME}/sbx-preload", env, buf, &err) < 0 ? -ENOENT
										       : 0;
}

static bool is_file_name(const char *name)
{
	return name[0] && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* @dir/@name.ini. -ENOENT, with @err untouched, when it is not there. */
static int find_one(const char *dir, const char *name, char ret_path[PATH_MAX], struct sbx_err *err)
{
	char path[PATH_MAX];
	struct stat st;
	int n = snprintf(path, sizeof(path), "%s/%s.ini", dir, name);

	/* No such file can be made, so there is none. */
	if (n < 0 || (size_t)n >= sizeof(path) || strlen(name) + strlen(".ini") > NAME_MAX)
		return -ENOENT;
	/* A dangling link is there, too: reading it will fail, which is right. */
	if (lstat(path, &st) == 0) {
		memcpy(ret_path, path, (size_t)n + 1);
		return 0;
	}
	if (errno == ENOENT || errno == ENOTDIR) /* HOME=/dev/null is a habit */
		return -ENOENT;
	return err_at(err, -errno, path, 0, "cannot tell whether there is such a policy: %s",
		      strerrordesc_np(errno));
}

int policy_find_in(const char *system_dir, const char *name, const char *real_name,
		   const struct policy_env *env, char ret_path[PATH_MAX], struct sbx_err *err)
{
	const char *names[] = {name, real_name};
	const char *dirs[] = {system_dir, NULL};
	char user_dir[PATH_MAX];
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i] && !is_file_name(names[i]))
			return err_set(err, -EINVAL, "\"%s\" is not the name of a program",
				       names[i]);
	if (policy_user_dir(env, user_dir) == 0)
		dirs[1] = user_dir;
	for (size_t d = 0; d < ARRAY_SIZE(dirs) && dirs[d]; d++) {
		for (size_t i = 0; i < ARRAY_SIZE(names) && names[i]; i++) {
			r = find_one(dirs[d], names[i], ret_path, err);
			if (r != -ENOENT)
				return r;
		}
	}
	return -ENOENT;
}

int policy_find(const char *name, const char *real_name, const struct policy_env *env,
		char ret_path[PATH_MAX], struct sbx_err *err)
{
	return policy_find_in(POLICY_SYSTEM_DIR, name, real_name, env, ret_path, err);
}
