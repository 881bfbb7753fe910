/* SPDX-License-Identifier: MIT */
/* Which paths Landlock is going to refuse: it says so to nobody, so the model is asked, and the
 * kernel then enforces. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../shim/missing.h"
#include "../shim/narrower.h"
#include "../shim/path.h"
#include "explain_parts.h"

#define ALL_PROMISES (~UINT64_C(0))

/* Paths that are worth a promise of their own rather than a line. Left out are those that would
 * open much: exec and prot_exec (all libraries), ps (all of /proc) but for processes, tmppath but
 * where a promise is wanted anyway. */
#define NAMED_BY_PROMISE \
	(P(STDIO) | P(DNS) | P(GETPW) | P(INET) | P(TTY) | P(VMINFO) | P(AUDIO) | P(VIDEO) | P(DRM))

/* What is wrong with one call's paths, and what would help. */
struct verdict {
	uint64_t promises;	   /* all needed */
	struct requirement either; /* .any: one of these, in the place of lines … */
	uint64_t with_lines;	   /* … which want these */
	uint8_t lacking;	   /* unveiled, but without these letters */
	bool stale;	     /* its line was for a file that was replaced, or was not there yet */
	const char *refused; /* must not be unveiled: why */
	size_t n_lines;
	struct {
		char real[PATH_MAX];
		uint8_t perms;
		bool is_dir;
	} lines[ACCESS_WANTS_MAX];
	struct sbx_err err;
};

uint64_t explain_granted(const struct explain *e, const struct access_want *w)
{
	uint64_t access = reach_granted(&e->granted, w->real, &w->st);

	if (e->starting)
		access |= reach_granted(&e->started, w->real, &w->st);
	if (!(w->rights & e->handled & ~access))
		return access;
	/* Perhaps by another name. */
	access |= reach_granted_by_inode(&e->granted, w->real, &w->st);
	if (e->starting)
		access |= reach_granted_by_inode(&e->started, w->real, &w->st);
	return access;
}

/* What a file may gain by moving to want[1] from want[0]. The kernel wants the old place to have
 * granted it all. */
static uint64_t gained(const struct explain *e, const struct access_wants *wants)
{
	uint64_t more;

	if (!wants->moves || wants->count < 2)
		return 0;
	more = explain_granted(e, &wants->want[1]) & ~explain_granted(e, &wants->want[0]) &
	       e->handled;
	return wants->moves_dir ? more : landlock_access_file(more);
}

static bool is_refused(const struct explain *e, const struct access_wants *wants)
{
	for (size_t i = 0; i < wants->count; i++)
		if (wants->want[i].rights & e->handled & ~explain_granted(e, &wants->want[i]))
			return true;
	return gained(e, wants) != 0;
}

uint8_t explain_letters(uint64_t rights)
{
	static const uint8_t singles[] = {PERM_W, PERM_C, PERM_R};
	uint8_t letters = 0;

	if (rights & landlock_access_execute())
		letters = PERM_R | PERM_X; /* `x` grants reading, too */
	for (size_t i = 0; i < ARRAY_SIZE(singles); i++)
		if (rights & ~landlock_access(letters, ALL_PROMISES) &
		    landlock_access(singles[i], ALL_PROMISES))
			letters |= singles[i];
	return letters;
}

uint64_t explain_promises(uint8_t letters, uint64_t rights)
{
	uint64_t needed = 0;

	/* rx: reading by `x`. */
	if ((letters & PERM_X) && !(rights & ~landlock_access(PERM_X, ALL_PROMISES)))
		letters = PERM_X;
	rights &= landlock_access(letters, ALL_PROMISES);
	for (int id = 0; id < PROMISE_COUNT; id++) {
		uint64_t promise = UINT64_C(1) << id;

		if (rights & ~landlock_access(letters, ALL_PROMISES & ~promise))
			needed |= promise;
	}
	return needed;
}

static bool is_process_dir(const char *real)
{
	return strncmp(real, "/proc/", 6) == 0 && real[6] >= '0' && real[6] <= '9';
}

/* Those of @promises that imply the path @real with these rights. */
static uint64_t implied_by(const struct explain *e, const char *real, uint64_t rights,
			   uint64_t promises)
{
	uint64_t found = 0;

	for (size_t i = 0; i < promise_paths_count; i++) {
		const struct promise_path *path = &promise_paths[i];
		uint64_t promise = UINT64_C(1) << path->promise;
		char text[PATH_MAX], dir[PATH_MAX];
		struct sbx_err err;

		if (!(promises & promise & ~e->policy->promises) ||
		    (rights & ~landlock_access_implied(path->perms, ALL_PROMISES)))
			continue;
		if (policy_expand_buf(path->path, e->request.unveil->env, text, &err) == 0 &&
		    path_real(text, dir) == 0 && path_covers(dir, real))
			found |= promise;
	}
	return found;
}

/* Does the policy have a line on this very path, with these letters? */
static bool has_line(const struct explain *e, const char *real, uint8_t letters)
{
	for (size_t i = 0; i < e->policy->n_unveils; i++) {
		const struct unveil_line *line = &e->policy->unveils[i];
		char dir[PATH_MAX];

		if (!(letters & ~line->perms) && path_real(line->path, dir) == 0 &&
		    strcmp(dir, real) == 0)
			return true;
	}
	return false;
}

void explain_go_up(char *real)
{
	char *slash = strrchr(real, '/');

	if (slash && slash != real)
		*slash = '\0';
	else
		real[1] = '\0';
}

static void add_line(struct explain *e, struct verdict *v, const struct access_want *w,
		     uint8_t letters)
{
	char spelled[PATH_MAX];
	size_t i = v->n_lines;

	memcpy(v->lines[i].real, w->real, strlen(w->real) + 1);
	v->lines[i].is_dir = S_ISDIR(w->st.st_mode);
	/* A line that is there did not help: the file is another one by now. Its directory stays.
	 */
	if (!v->lines[i].is_dir && has_line(e, w->real, letters)) {
		v->stale = true;
		explain_go_up(v->lines[i].real);
		v->lines[i].is_dir = true;
	}
	while (!advice_spell(e->request.unveil->env, v->lines[i].real, spelled) &&
	       strcmp(v->lines[i].real, "/") != 0) {
		explain_go_up(v->lines[i].real);
		v->lines[i].is_dir = true;
	}
	v->lines[i].perms = advice_letters(e->policy, v->lines[i].real, letters);
	for (size_t j = 0; j < i; j++) {
		if (strcmp(v->lines[j].real, v->lines[i].real) == 0) {
			v->lines[j].perms |= v->lines[i].perms;
			return;
		}
	}
	v->n_lines++;
}

static void examine(struct explain *e, struct verdict *v, const struct access_want *w,
		    uint64_t more)
{
	uint64_t have = explain_granted(e, w), by_line;
	uint64_t rights = (w->rights | more) & e->handled & ~have;
	uint64_t needed, implied, unveiled;

	if (!rights)
		return;
	needed = explain_promises(explain_letters(rights), rights) & ~e->policy->promises;
	by_line = reach_granted(&e->lines, w->real, &w->st);
	unveiled = rights & ~by_line;
	if (!unveiled) {
		v->promises |= needed;
		return;
	}
	if (implied_by(e, w->real, rights, needed)) {
		v->promises |= needed; /* `exec` brings the loader */
		return;
	}
	v->lacking |= have || by_line ? explain_letters(unveiled) : 0;
	implied = implied_by(e, w->real, rights,
			     NAMED_BY_PROMISE | (needed & (P(WPATH) | P(CPATH)) ? P(TMPPATH) : 0) |
				     (is_process_dir(w->real) ? P(PS) : 0));
	if (implied && (!v->either.any || (v->either.any & implied)))
		v->either.any = v->either.any ? v->either.any & implied : implied;
	else
		v->promises |= needed;
	v->with_lines |= needed;
	add_line(e, v, w, explain_letters(unveiled));
}

/* Would a line let the program write what defines sandboxes? Nobody should be told to add it. */
static void check_lines(struct explain *e, struct verdict *v)
{
	struct unveil_request request = *e->request.unveil;
	const struct origin from = {.file = "advice"};
	struct policy policy;
	char letters[5], path[PATH_MAX];
	int r = 0;

	request.policy = &policy;
	for (size_t i = 0; r == 0 && i < v->n_lines && !e->policy->self_modify; i++) {
		policy_init(&policy);
		policy.promises = P(RPATH) | P(WPATH) | P(CPATH);
		memcpy(policy.files, e->policy->files, sizeof(policy.files));
		policy.n_files = e->policy->n_files;
		perm_format(v->lines[i].perms, letters);
		if (advice_spell(request.env, v->lines[i].real, path) &&
		    policy_add_unveil(&policy, letters, path, false, from, request.env, &v->err) ==
			    0)
			r = unveil_check(&request, &v->err);
		policy_done(&policy);
	}
	if (r == -EPERM)
		v->refused = v->err.msg;
}

static void list_lines(const struct explain *e, const struct verdict *v, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < v->n_lines && used < size; i++) {
		char letters[5], path[PATH_MAX];

		if (!advice_spell(e->request.unveil->env, v->lines[i].real, path))
			(void)snprintf(path, sizeof(path), "(a name that no policy file can say)");
		perm_format(v->lines[i].perms, letters);
		(void)snprintf(buf + used, size - used, "%s%s = %s", i ? ", " : "", letters, path);
		used += strlen(buf + used);
	}
}

/* What must become of the policy's own lines then, in the same words. */
static void list_displaced(const struct explain *e, const struct verdict *v, char *buf, size_t size)
{
	size_t used = strlen(buf);

	for (size_t i = 0; i < v->n_lines; i++) {
		for (size_t j = 0; j < e->policy->n_unveils && used < size; j++) {
			uint8_t all = e->policy->unveils[j].perms | v->lines[i].perms;
			char letters[5], dir[PATH_MAX], text[ADVICE_LINE_MAX];

			if (!advice_displaces(e->policy, j, v->lines[i].real, v->lines[i].perms,
					      dir, text))
				continue;
			perm_format(all, letters);
			if (all == v->lines[i].perms)
				(void)snprintf(buf + used, size - used, ", and take out %s", text);
			else
				(void)snprintf(buf + used, size - used, ", and %s in place of %s",
					       letters, text);
			used += strlen(buf + used);
		}
	}
}

static void remember(struct explain *e, const struct verdict *v)
{
	advice_add_promises(&e->advice, v->promises);
	if (v->either.any) {
		advice_add_need(&e->advice, &v->either, 0);
		return;
	}
	for (size_t i = 0; i < v->n_lines; i++)
		advice_add_path(&e->advice, v->lines[i].real, v->lines[i].perms,
				v->lines[i].is_dir);
}

static void state(const struct verdict *v, char *buf, size_t size)
{
	char letters[5];

	perm_format(v->lacking, letters);
	if (v->stale)
		(void)snprintf(buf, size, "the file is another one than at the start");
	else if (v->lacking)
		(void)snprintf(buf, size, "not unveiled for \"%s\"", letters);
	else
		(void)snprintf(buf, size, "not unveiled");
}

/* /etc/nsswitch.conf belongs to both: who may use the network means dns. */
static uint64_t pick_either(const struct explain *e, const struct verdict *v)
{
	uint64_t prefer = e->policy->promises & P(INET) ? P(DNS) : P(GETPW);

	return missing_promises(&v->either, e->policy->promises | v->promises, false,
				e->advice.promises | prefer);
}

/* 'needs promise "dns" (-p), or "rpath" and in [unveil]: r = /etc/hosts' */
static void tell_either(const struct explain *e, const struct verdict *v, uint64_t pick,
			const char *lines, char *buf, size_t size)
{
	uint64_t with_lines = v->with_lines & ~v->promises;
	char words[256];
	size_t used;

	/* The number of a process is another one the next time: no line would help. */
	if (v->either.any & P(PS)) {
		explain_need_text(e, v->promises | pick, buf, size);
		return;
	}
	explain_need_text(e, v->promises ? v->promises : pick, buf, size);
	used = strlen(buf);
	promise_format(pick, words, sizeof(words));
	if (v->promises)
		used += (size_t)snprintf(buf + used, size - used, ", and \"%s\"", words);
	promise_format(with_lines, words, sizeof(words));
	(void)snprintf(buf + used, size - used, ", or %s%s%sin [unveil]: %s",
		       with_lines ? "\"" : "", with_lines ? words : "", with_lines ? "\" and " : "",
		       lines);
}

/* @of_call: what the call itself needs, whatever its paths are. */
static void tell(struct explain *e, struct denial *denial, struct verdict *v, uint64_t of_call)
{
	/* One call at a time. */
	static char lines[2 * PATH_MAX], need[3 * PATH_MAX], reason[6 * PATH_MAX];
	char how[64];

	state(v, how, sizeof(how));
	list_lines(e, v, lines, sizeof(lines));
	list_displaced(e, v, lines, sizeof(lines));
	if (v->n_lines)
		check_lines(e, v);
	if (v->refused) {
		(void)snprintf(reason, sizeof(reason), "%s; and must not be: %s", how, v->refused);
		explain_say(e, denial, reason);
		return;
	}
	if (v->either.any) {
		uint64_t pick = pick_either(e, v);

		if (requirement_met(&denial->row->need, e->policy->promises | v->promises | pick,
				    e->request.policy.bounded))
			of_call = 0; /* it may be all that the call itself needs */
		v->promises |= of_call;
		tell_either(e, v, pick, lines, need, sizeof(need));
		(void)snprintf(reason, sizeof(reason), "%s; %s", how, need);
	} else if ((v->promises |= of_call) && v->n_lines) {
		explain_need_text(e, v->promises, need, sizeof(need));
		(void)snprintf(reason, sizeof(reason), "%s; %s, and in [unveil]: %s", how, need,
			       lines);
	} else if (v->promises) {
		explain_need_text(e, v->promises, reason, sizeof(reason));
	} else {
		(void)snprintf(reason, sizeof(reason), "%s; add to [unveil]: %s (%s)", how, lines,
			       strcmp(e->policy->name, "flags") == 0 ? "-v" : e->policy->name);
	}
	remember(e, v);
	explain_say(e, denial, reason);
}

/* Denials are often repeated, and what follows takes its time. */
static bool was_told(struct explain *e, const struct denial *denial,
		     const struct access_wants *wants)
{
	static char key[(PATH_MAX + 32) * ACCESS_WANTS_MAX];
	size_t used = (size_t)snprintf(key, sizeof(key), "%u", denial->tag);

	for (size_t i = 0; i < wants->count; i++)
		used += (size_t)snprintf(key + used, sizeof(key) - used, " %llx %s",
					 (unsigned long long)wants->want[i].rights,
					 wants->want[i].real);
	return !explain_is_new(e, key);
}

/* A device that is opened where it is not unveiled for ioctl(2) can be read, but not controlled;
 * the one that was open before can. */
static void note_device(struct explain *e, const struct access_want *w)
{
	char *name;

	if (!(S_ISCHR(w->st.st_mode) || S_ISBLK(w->st.st_mode)) || !(e->handled & FS_IOCTL_DEV) ||
	    (explain_granted(e, w) & FS_IOCTL_DEV) || e->n_devices == EXPLAIN_NAMES_MAX)
		return;
	for (size_t i = 0; i < e->n_devices; i++)
		if (strcmp(e->devices[i], w->real) == 0)
			return;
	name = arena_strdup(&e->names_arena, w->real);
	if (name && arena_grow(&e->names_arena, (void **)&e->devices, &e->cap_devices, e->n_devices,
			       sizeof(*e->devices)) == 0)
		e->devices[e->n_devices++] = name;
}

static bool is_noted(const struct explain *e, const struct access_want *w)
{
	for (size_t i = 0; i < e->n_devices; i++)
		if (strcmp(e->devices[i], w->real) == 0)
			return true;
	return false;
}

/* What this policy permits another sandbox around it may refuse; of opening we can tell, being in
 * it ourselves. */
static bool may_be_enclosed(const struct explain *e, const struct denial *denial)
{
	return e->enclosure.paths && denial->permitted && denial->call->kind == ACCESS_OPEN;
}

static bool is_enclosed(const struct explain *e, const struct access_wants *wants)
{
	for (size_t i = 0; i < wants->count; i++)
		if (enclosure_refuses(&e->enclosure, &wants->want[i]))
			return true;
	return false;
}

bool explain_paths(struct explain *e, struct denial *denial, uint64_t promises)
{
	static struct access_wants wants; /* large, and one call at a time */
	static struct verdict v;
	const uint64_t *args = (const uint64_t *)denial->notif->data.args;
	struct identity identity;
	bool enclosed;

	if (!e->handled || !explain_model(e))
		return false;
	access_of(&denial->target, denial->call, args, false, &wants);
	if (denial->call->kind == ACCESS_IOCTL && !(wants.count && is_noted(e, &wants.want[0])))
		return false;
	if (denial->call->kind == ACCESS_OPEN && wants.count)
		note_device(e, &wants.want[0]);
	if (!is_refused(e, &wants) && !may_be_enclosed(e, denial))
		return false;
	identity = identity_take(&denial->target);
	access_of(&denial->target, denial->call, args, true, &wants);
	enclosed = !is_refused(e, &wants) && may_be_enclosed(e, denial) && is_enclosed(e, &wants);
	identity_restore(&identity);
	if (enclosed) {
		explain_say(e, denial,
			    "not by this policy: a sandbox around this one does not permit it");
		return true;
	}
	if (!is_refused(e, &wants) || !supervise_call_valid(denial->listener, denial->notif->id))
		return false;
	if (was_told(e, denial, &wants))
		return true;
	memset(&v, 0, sizeof(v));
	for (size_t i = 0; i < wants.count; i++)
		examine(e, &v, &wants.want[i], i ? 0 : gained(e, &wants));
	/* What the paths need may do for the call, too. */
	if (requirement_met(&denial->row->need, e->policy->promises | v.promises,
			    e->request.policy.bounded))
		promises = 0;
	if (!v.n_lines && !v.promises && !promises)
		return false;
	tell(e, denial, &v, promises);
	return true;
}
