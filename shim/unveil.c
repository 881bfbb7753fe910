/* SPDX-License-Identifier: MIT */
#include "unveil.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "narrower.h"
#include "path.h"
#include "policy_file.h"
#include "protect.h"
#include "unveil_plan.h"

enum layer {
	LAYER_INNER,
	LAYER_OUTER,
	LAYERS,
};

#define INNER (1U << LAYER_INNER)
#define OUTER (1U << LAYER_OUTER)

struct build {
	const struct unveil_request *request;
	const struct policy *policy;
	struct arena arena;	/* owned */
	int rulesets[LAYERS];	/* owned; -1: none */
	uint64_t fs[LAYERS];	/* rights on files that they handle */
	struct protect protect; /* filled when a rule first asks for it */
	bool protect_ready;
	struct narrower_item *lines; /* arena; those whose path exists */
	size_t n_lines;
	struct sbx_err *err;
};

/* A path that was opened once: whatever is asked about it is asked of the descriptor. */
struct node {
	int fd; /* owned */
	struct stat st;
	bool named; /* false: a pipe, a socket and the like, which Landlock never restricts */
	char real[PATH_MAX]; /* when named */
};

/* What a rule is called in messages. */
struct label {
	char letters[5];
	const char *path;    /* as written */
	const char *promise; /* that implies it; NULL: a line of the policy */
	struct origin from;
};

/* O_PATH, since opening a fifo or a device for real would block or do something. Returns 0 or
 * -errno. */
static int node_open(const char *path, struct node *ret)
{
	ret->fd = open(path, O_PATH | O_CLOEXEC);
	ret->named = false;
	ret->real[0] = '\0';
	if (ret->fd < 0)
		return -errno;
	if (fstat(ret->fd, &ret->st) < 0) {
		int code = -errno;

		close_fd(&ret->fd);
		return code;
	}
	return 0;
}

static void node_close(struct node *node)
{
	close_fd(&node->fd);
}

#define cleanup_node cleanup_with(node_close)

/* The real path. Returns 0 or -errno. */
static int node_name(struct node *node)
{
	int r = path_of_fd(node->fd, node->real);

	node->named = r == 0;
	/* /dev/stdout may be a pipe: "pipe:[1234]" is no path, and Landlock needs no rule for it
	 * (landlock(7)). */
	if (r == -ENOENT && !S_ISREG(node->st.st_mode) && !S_ISDIR(node->st.st_mode))
		return 0;
	return r;
}

/* Missing in the sense of "r?". EACCES is not: what the user cannot see is no reason to go on
 * without. */
static bool is_missing(int code)
{
	return code == -ENOENT || code == -ENOTDIR || code == -ELOOP;
}

static int tell_grant(struct build *b, const struct node *node, uint64_t access)
{
	char real[PATH_MAX];
	int r = path_of_fd(node->fd, real);

	if (r == 0)
		r = b->request->granted(b->request->granted_user, &node->st, real, access);
	/* What has no name is not restricted. */
	return r < 0 && r != -ENOENT ? err_set(b->err, r, "no memory for the paths") : 0;
}

/* Grant @access in the layers of the mask @layers, as far as the file's type and the rulesets go.
 * @path: for messages. */
static int grant(struct build *b, const struct node *node, const char *path, uint64_t access,
		 unsigned layers)
{
	if (!S_ISDIR(node->st.st_mode))
		access = landlock_access_file(access);
	if (b->request->granted && (layers & INNER)) {
		int r = tell_grant(b, node, access);

		if (r < 0)
			return r;
	}
	for (int i = 0; i < LAYERS; i++) {
		uint64_t rights = access & b->fs[i];
		int r;

		if (!(layers & (1U << i)) || b->rulesets[i] < 0 || !rights)
			continue;
		r = landlock_add_path(b->rulesets[i], node->fd, rights, b->err);
		/* EBADFD: on a file system of the kernel's own (pipefs, sockfs, memfd), which it
		 * never restricts. */
		if (r < 0 && r != -EBADFD) {
			err_prefix(b->err, "%s", path);
			return r;
		}
	}
	return 0;
}

static int refuse_self_modify(struct build *b, const struct label *label, const char *victim)
{
	const char *rest = "which defines sandboxes; \"self_modify = yes\" in [sandbox] permits it";

	if (label->promise)
		return err_at(b->err, -EPERM, label->from.file, label->from.line,
			      "promise \"%s\" (%s = %s) would let the program write %s, %s",
			      label->promise, label->letters, label->path, victim, rest);
	return err_at(b->err, -EPERM, label->from.file, label->from.line,
		      "%s = %s would let the program write %s, %s", label->letters, label->path,
		      victim, rest);
}

/* devpts holds terminals only: no file can be made there, nothing mounted beneath. `tty` unveils
 * it, which is worth sparing the walk to the protected files. */
static bool is_devpts(const struct node *node)
{
	struct statfs fs;

	return fstatfs(node->fd, &fs) == 0 && fs.f_type == DEVPTS_SUPER_MAGIC;
}

/* Refuse a rule by which the program could change what confines it. The kernel's abilities do not
 * count. */
static int check_self_modify(struct build *b, struct node *node, uint64_t access,
			     const struct label *label)
{
	const uint64_t any = ~UINT64_C(0);
	bool is_dir = S_ISDIR(node->st.st_mode);
	bool creates = is_dir && (access & landlock_access(PERM_C, any));
	const char *victim;
	int r;

	if (b->policy->self_modify || !(is_dir || S_ISREG(node->st.st_mode)))
		return 0;
	if (!creates && !(access & landlock_access(PERM_W, any)))
		return 0;
	if (is_dir && is_devpts(node))
		return 0;
	if (!node->named) {
		r = node_name(node);
		if (r < 0)
			return err_at(b->err, r, label->from.file, label->from.line,
				      "cannot tell the real path of %s: %s", label->path,
				      strerrordesc_np(-r));
	}
	if (!b->protect_ready) {
		r = protect_init(&b->protect, &b->arena, b->policy, b->request->env,
				 b->request->shim_path, b->err);
		if (r < 0)
			return r;
		b->protect_ready = true;
	}
	victim = protect_find(&b->protect, &node->st, node->real, creates);
	return victim ? refuse_self_modify(b, label, victim) : 0;
}

/* ---- [unveil] lines ---- */

static int refuse_line(struct build *b, const struct unveil_line *line, const char *letters,
		       int code)
{
	const char *file = line->from.file;
	unsigned at = line->from.line;

	switch (code) {
	case -ENOENT:
		return err_at(b->err, code, file, at,
			      "no such path: %s (write \"%s?\" if it may be missing)", line->path,
			      letters);
	case -ENOTDIR:
		return err_at(b->err, code, file, at,
			      "no such path: %s: what should be a directory on the way is none "
			      "(write \"%s?\" if it may be missing)",
			      line->path, letters);
	default:
		return err_at(b->err, code, file, at, "cannot look at %s: %s", line->path,
			      strerrordesc_np(-code));
	}
}

static int add_line(struct build *b, const struct unveil_line *line)
{
	uint64_t access = landlock_access(line->perms, b->policy->promises);
	struct label label = {.path = line->path, .from = line->from};
	struct node node cleanup_node;
	int r = node_open(line->path, &node);

	perm_format(line->perms, label.letters);
	if (is_missing(r) && line->optional)
		return 0;
	if (r == 0)
		r = node_name(&node);
	if (r < 0)
		return refuse_line(b, line, label.letters, r);
	if (!node.named)
		return 0;
	r = check_self_modify(b, &node, access, &label);
	if (r == 0)
		r = grant(b, &node, line->path, access, INNER | OUTER);
	if (r < 0)
		return r;
	b->lines[b->n_lines].line = line;
	b->lines[b->n_lines].real = arena_strdup(&b->arena, node.real);
	if (!b->lines[b->n_lines].real)
		return err_set(b->err, -ENOMEM, "no memory for the paths of [unveil]");
	b->n_lines++;
	return 0;
}

static int add_lines(struct build *b)
{
	size_t count = b->policy->n_unveils;

	b->lines = arena_alloc(&b->arena, count * sizeof(*b->lines));
	if (!b->lines)
		return err_set(b->err, -ENOMEM, "no memory for %zu [unveil] lines", count);
	for (size_t i = 0; i < count; i++) {
		int r = add_line(b, &b->policy->unveils[i]);

		if (r < 0)
			return r;
	}
	return narrower_check(b->lines, b->n_lines, &b->arena, b->err);
}

/* ---- paths that the promises imply, and that start-up needs ---- */

/* Open what may be missing. Returns 1 when it is there, 0 when it is to be left out, or -errno.
 * What the user may not see is left out, too: it grants less, and nobody wrote it down. */
static int open_tacit(struct build *b, const char *path, struct node *node)
{
	int r = node_open(path, node);

	if (r == 0)
		return 1;
	if (is_missing(r) || r == -EACCES)
		return 0;
	return err_set(b->err, r, "cannot look at %s: %s", path, strerrordesc_np(-r));
}

/* Terminals by their major number (Documentation/admin-guide/devices.txt): virtual and serial ones,
 * /dev/tty and the console, pseudo-terminals, and the serial and hypervisor consoles that logins
 * run on. */
static bool is_terminal(const struct stat *st)
{
	unsigned number = major(st->st_rdev);

	return S_ISCHR(st->st_mode) &&
	       (number == 4 || number == 5 || (number >= 136 && number <= 143) || number == 204 ||
		number == 229);
}

static int add_implied(struct build *b, const struct promise_path *implied)
{
	uint64_t access = landlock_access_implied(implied->perms, b->policy->promises);
	struct label label = {
		.path = implied->path,
		.promise = promise_table[implied->promise].name,
		.from = b->policy->promises_from,
	};
	struct node node cleanup_node = {.fd = -1};
	int r;

	if (strchr(implied->path, '$')) {
		r = policy_expand(&b->arena, implied->path, b->request->env, &label.path, b->err);
		if (r < 0) {
			err_prefix(b->err, "promise \"%s\"", label.promise);
			return r;
		}
	}
	r = open_tacit(b, label.path, &node);
	if (r <= 0)
		return r;
	/* /dev/stdin is whatever was handed in: a file there is no terminal to write to. */
	if (implied->promise == PROMISE_TTY && (implied->perms & PERM_W) && !is_terminal(&node.st))
		return 0;
	/* isatty(3) asks any descriptor: /dev/null must answer ENOTTY, not EACCES. */
	if (S_ISCHR(node.st.st_mode))
		access |= landlock_access_ioctl_dev();
	perm_format(implied->perms, label.letters);
	r = check_self_modify(b, &node, access, &label);
	return r < 0 ? r : grant(b, &node, label.path, access, INNER | OUTER);
}

static int add_readable(struct build *b, const char *path)
{
	struct node node cleanup_node = {.fd = -1};
	int r = open_tacit(b, path, &node);

	/* A program is no directory, and a directory would open all that is beneath it. */
	if (r <= 0 || S_ISDIR(node.st.st_mode))
		return r < 0 ? r : 0;
	return grant(b, &node, path, landlock_access_read_file(), INNER | OUTER);
}

static int add_outer(struct build *b, const char *path, uint64_t access)
{
	struct node node cleanup_node = {.fd = -1};
	int r = open_tacit(b, path, &node);

	return r <= 0 ? r : grant(b, &node, path, access, OUTER);
}

/* What start-up needs, in the outer layer alone, Where unveil is off that handles execution, and
 * renames only because the kernel makes it: those are granted everywhere. */
static int add_extra(struct build *b)
{
	const struct unveil_request *request = b->request;
	int r = 0;

	if (b->rulesets[LAYER_OUTER] < 0 || !b->fs[LAYER_OUTER])
		return 0;
	if (!b->policy->unveil)
		r = add_outer(b, "/", landlock_access_refer());
	for (size_t i = 0; r == 0 && i < request->n_extra; i++)
		r = add_outer(b, request->extra[i].path,
			      landlock_access(request->extra[i].perms, ~UINT64_C(0)));
	return r;
}

static int add_paths(struct build *b)
{
	int r = add_lines(b);

	for (size_t i = 0; r == 0 && i < promise_paths_count; i++)
		if (b->policy->promises & (UINT64_C(1) << promise_paths[i].promise))
			r = add_implied(b, &promise_paths[i]);
	for (const char *const *path = b->request->readable; r == 0 && path && *path; path++)
		r = add_readable(b, *path);
	return r;
}

/* unveil = off leaves paths to the promises alone, which for writing means everywhere. */
static int check_unveil_off(struct build *b)
{
	const struct policy *policy = b->policy;
	const char *promise = policy->promises & P(WPATH)   ? "wpath"
			      : policy->promises & P(CPATH) ? "cpath"
							    : NULL;

	if (policy->self_modify || !promise)
		return 0;
	return err_at(b->err, -EPERM, policy->promises_from.file, policy->promises_from.line,
		      "\"unveil = off\" with \"%s\" would let the program write %s, which defines "
		      "sandboxes; \"self_modify = yes\" in [sandbox] permits it",
		      promise, POLICY_SYSTEM_DIR);
}

static int add_ports(struct build *b)
{
	for (size_t i = 0; i < b->policy->n_ports; i++) {
		const struct port_line *line = &b->policy->ports[i];

		for (int layer = 0; layer < LAYERS; layer++) {
			uint8_t access = line->access & b->policy->port_kinds;
			int r;

			if (b->rulesets[layer] < 0 || !access)
				continue;
			r = landlock_add_port(b->rulesets[layer], line->port, access, b->err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int new_rulesets(struct build *b, const struct unveil_plan *plan)
{
	const bool wanted[LAYERS] = {b->request->want_inner, b->request->want_outer};

	b->fs[LAYER_INNER] = plan->fs_inner;
	b->fs[LAYER_OUTER] = plan->fs_outer;
	for (int i = 0; i < LAYERS; i++) {
		int r;

		/* An empty ruleset is no ruleset: ENOMSG. */
		if (!wanted[i] || !(b->fs[i] | plan->net | plan->scopes))
			continue;
		r = landlock_ruleset_new(b->fs[i], plan->net, plan->scopes, &b->rulesets[i],
					 b->err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_rules(struct build *b, const struct unveil_plan *plan)
{
	int r = b->policy->unveil ? add_paths(b) : check_unveil_off(b);

	if (r == 0)
		r = add_extra(b);
	if (r == 0 && plan->net)
		r = add_ports(b);
	return r;
}

static void build_done(struct build *b)
{
	for (int i = 0; i < LAYERS; i++)
		close_fd(&b->rulesets[i]);
	arena_done(&b->arena);
}

#define cleanup_build cleanup_with(build_done)

int unveil_build(const struct unveil_request *request, struct unveil_rulesets *ret,
		 struct sbx_err *err)
{
	struct build b cleanup_build = {
		.request = request,
		.policy = request->policy,
		.rulesets = {-1, -1},
		.err = err,
	};
	struct unveil_plan plan;
	int r;

	*ret = (struct unveil_rulesets){.inner = -1, .outer = -1};
	r = unveil_plan_make(request, &plan, err);
	if (r == 0)
		r = new_rulesets(&b, &plan);
	if (r == 0)
		r = add_rules(&b, &plan);
	if (r < 0)
		return r;
	ret->inner = take_fd(&b.rulesets[LAYER_INNER]);
	ret->outer = take_fd(&b.rulesets[LAYER_OUTER]);
	ret->bounded = plan.bounded;
	memcpy(ret->lost, plan.lost, sizeof(ret->lost));
	return 0;
}

void unveil_rulesets_done(struct unveil_rulesets *rulesets)
{
	if (!rulesets)
		return;
	close_fd(&rulesets->inner);
	close_fd(&rulesets->outer);
}

int unveil_check(const struct unveil_request *request, struct sbx_err *err)
{
	/* Without rulesets, grant() grants nothing and what remains are the checks. */
	struct build b cleanup_build = {
		.request = request,
		.policy = request->policy,
		.rulesets = {-1, -1},
		.err = err,
	};

	return request->policy->unveil ? add_paths(&b) : check_unveil_off(&b);
}
