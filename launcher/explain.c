/* SPDX-License-Identifier: MIT */
#include "explain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "../shim/missing.h"
#include "../shim/path.h"
#include "../shim/rule_layer.h"
#include "../shim/sandbox.h"
#include "access.h"
#include "advice.h"
#include "explain_parts.h"
#include "reach.h"
#include "record.h"
#include "replace.h"

/* ---- the model ---- */

static int add_grant(void *user, const struct stat *st, const char *real, uint64_t access)
{
	return reach_add(user, real, st, access);
}

/* /proc/self is ours here, but the program's in its own rulesets. Without memory a message may be
 * one too many; the sandbox is as it is. */
static void add_own_proc(struct explain *e)
{
	char own[32], its[32];
	struct stat st;
	uint64_t access;

	(void)snprintf(own, sizeof(own), "/proc/%d", getpid());
	(void)snprintf(its, sizeof(its), "/proc/%d", e->program);
	if (stat(own, &st) < 0)
		return;
	access = reach_granted(&e->granted, own, &st);
	if (access && stat(its, &st) == 0)
		(void)!reach_add(&e->granted, its, &st, access);
}

static int add_path(struct reach *reach, const char *path, uint64_t access)
{
	char real[PATH_MAX];
	struct stat st;
	int fd cleanup_fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0 || path_of_fd(fd, real) < 0 || fstat(fd, &st) < 0)
		return 0; /* missing, or nothing that Landlock looks at */
	if (!S_ISDIR(st.st_mode))
		access = landlock_access_file(access);
	return reach_add(reach, real, &st, access);
}

static int build_model(struct explain *e, struct sbx_err *err)
{
	struct unveil_request unveil = *e->request.unveil;
	struct unveil_rulesets rulesets;
	int r;

	unveil.want_inner = unveil.want_outer = false;
	unveil.granted = add_grant;
	unveil.granted_user = &e->granted;
	r = unveil_build(&unveil, &rulesets, err);
	if (r < 0)
		return r;
	if (!e->request.brief) /* which answers by what is in force */
		e->request.policy.bounded = rulesets.bounded;
	for (size_t i = 0; r == 0 && i < unveil.n_extra; i++)
		r = add_path(&e->started, unveil.extra[i].path,
			     landlock_access(unveil.extra[i].perms, ~UINT64_C(0)));
	for (size_t i = 0; r == 0 && i < e->policy->n_unveils; i++)
		r = add_path(&e->lines, e->policy->unveils[i].path,
			     landlock_access(e->policy->unveils[i].perms, ~UINT64_C(0)));
	e->modelled = true;
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}

bool explain_model(struct explain *e)
{
	struct sbx_err err;

	if (!e->modelled && !e->unmodelled) {
		/* A path may be gone by now. */
		e->unmodelled = build_model(e, &err) < 0;
		if (!e->unmodelled)
			add_own_proc(e);
	}
	return e->modelled && !e->unmodelled;
}

/* What the rulesets deny where they do not grant. */
static void find_handled(struct explain *e)
{
	const struct landlock_caps *caps = e->request.unveil->caps;
	struct landlock_caps all;

	if (e->request.learn) { /* for any kernel */
		landlock_caps_of_abi(INT_MAX, &all);
		caps = &all;
	}
	if (e->policy->unveil)
		e->handled = caps->fs;
	else if (e->request.ever_starting && !(e->policy->promises & P(EXEC)))
		e->handled = caps->fs & landlock_access_execute();
	e->handled_ports = caps->net ? e->policy->port_kinds : 0;
	/* Is scope = open used? */
	e->scoped = caps->scopes && (!e->policy->scope_open || e->request.audit);
}

/* Which permitted calls can still be refused by what the filter does not see? */
static bool is_watched(const struct explain *e, const struct row *row)
{
	const struct access_call *call = access_find(row->name);

	/* Denied by the filter of the start, though the policy permits it. */
	if (row->need.kind == ROW_NOT_STARTING && e->request.start.starting)
		return true;
	if (!call)
		return false;
	switch (call->kind) {
	case ACCESS_CONNECT:
	case ACCESS_BIND:
		return e->handled || e->handled_ports || e->scoped;
	case ACCESS_IOCTL:
		/* Who asks whether this is a terminal, as libc does all the time, copes. */
		return (e->handled & FS_IOCTL_DEV) && !(row->need.any & P(STDIO));
	case ACCESS_SIGNAL:
		return e->scoped && !(row->need.any & P(STDIO));
	default:
		return e->handled != 0;
	}
}

static int find_watched(struct explain *e, struct sbx_err *err)
{
	e->watched = calloc(table_rows_count, sizeof(*e->watched));
	if (!e->watched)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < table_rows_count; i++)
		e->watched[i] = e->request.record || is_watched(e, &table_rows[i]) ||
				(e->request.audit &&
				 audit_wants(&table_rows[i], e->request.policy.bounded));
	return 0;
}

static int start_learning(struct explain *e, struct sbx_err *err)
{
	const struct learn_request request = {
		.unveil = e->request.unveil,
		.name = e->request.name,
		.file = e->request.learn_file,
		.record = e->request.record,
	};

	return learn_new(&request, &e->learn, err);
}

static int start_audit(struct explain *e, struct sbx_err *err)
{
	const struct audit_request request = {
		.unveil = e->request.unveil,
		.file = e->request.audit_file,
		.quiet = e->request.quiet,
	};

	return audit_new(&request, &e->audit, err);
}

int explain_new(const struct explain_request *request, struct explain **ret, struct sbx_err *err)
{
	struct explain *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return err_set(err, -ENOMEM, "out of memory");
	e->request = *request;
	e->policy = request->unveil->policy;
	e->starting = true;
	e->file_dir = -1;
	advice_init(&e->advice, e->policy, request->unveil->env);
	find_handled(e);
	e->repeats = calloc(table_rows_count, sizeof(*e->repeats));
	r = e->repeats ? 0 : err_set(err, -ENOMEM, "out of memory");
	if (r == 0 && e->request.file)
		r = replace_open("--explain", e->request.file, &e->file_dir, err);
	if (r == 0 && !e->request.brief)
		r = build_model(e, err);
	e->request.start.bounded = e->advice.bounded = e->request.policy.bounded;
	if (r == 0 && !e->request.brief)
		r = find_watched(e, err);
	if (r == 0 && !e->request.brief)
		enclosure_look(&e->enclosure);
	if (r == 0 && e->request.learn)
		r = start_learning(e, err);
	if (r == 0 && e->request.audit)
		r = start_audit(e, err);
	if (r == 0)
		*ret = e;
	else
		explain_free(e);
	return r;
}

void explain_free(struct explain *e)
{
	if (!e)
		return;
	advice_done(&e->advice);
	learn_free(e->learn);
	audit_free(e->audit);
	reach_done(&e->granted);
	reach_done(&e->started);
	reach_done(&e->lines);
	arena_done(&e->said_arena);
	arena_done(&e->names_arena);
	close_fd(&e->file_dir);
	free(e->seen);
	free(e->watched);
	free(e->repeats);
	free(e);
}

void explain_filter(const struct explain *e, struct filter_request *ret)
{
	/* Where the shim cannot enter, what start-up may do stays permitted. Otherwise the
	 * difference is asked about, and permitted until start-up is over. */
	*ret = e->request.brief && e->request.ever_starting ? e->request.start : e->request.policy;
	ret->self = getpid();
	ret->supervised = true;
	ret->watched = e->watched;
	ret->watch_bounded =
		e->request.brief && e->policy->unveil && e->policy->on_violation != VIOLATION_KILL;
}

/* ---- libc asks its cache daemon, copes, and looks into the files ---- */

bool explain_is_nscd_socket(const struct seccomp_notif *notif)
{
	return notif->data.nr == SYS_socket && (uint32_t)notif->data.args[0] == AF_UNIX &&
	       (uint32_t)notif->data.args[1] == (SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK) &&
	       !(uint32_t)notif->data.args[2];
}

/* What libc opens next when it has come from there: a data base, or what leads to it. */
static bool is_nss_file(struct denial *denial)
{
	static const char *const files[] = {
		"/etc/nsswitch.conf", "/etc/passwd",	  "/etc/group",	      "/etc/netgroup",
		"/etc/host.conf",     "/etc/gai.conf",	  "/etc/hosts",	      "/etc/services",
		"/etc/protocols",     "/etc/resolv.conf", "/etc/ld.so.cache",
	};
	char path[PATH_MAX];

	/* getaddrinfo(3) asks for the machine's own addresses. */
	if (denial->notif->data.nr == SYS_socket &&
	    (uint32_t)denial->notif->data.args[0] == AF_NETLINK)
		return true;
	if (!denial->call || denial->call->path < 0 ||
	    target_read_string(&denial->target, denial->notif->data.args[denial->call->path],
			       path) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (strcmp(path, files[i]) == 0)
			return true;
	return strstr(path, "/libnss_") != NULL;
}

/* The line that was held back: now it is known whether to say it. */
static void release_held(struct explain *e)
{
	if (!e->held.tid)
		return;
	e->held.tid = 0;
	advice_add_need(&e->advice, e->held.need, 0);
	explain_print(e, e->held.line);
}

static void settle_held(struct explain *e, struct denial *denial)
{
	if (!e->held.tid || e->held.tid != denial->target.tid ||
	    explain_is_nscd_socket(denial->notif))
		return;
	if (is_nss_file(denial))
		e->held.tid = 0;
	else
		release_held(e);
}

/* ---- denied by the filter ---- */

static const struct filter_request *filter_now(const struct explain *e)
{
	return e->starting ? &e->request.start : &e->request.policy;
}

static bool must_kill(const struct explain *e)
{
	const struct filter_request *filter = filter_now(e);

	return filter->on_violation == VIOLATION_KILL && !(filter->promises & P(ERROR));
}

static uint64_t promise_of_family(int family)
{
	switch (family) {
	case AF_UNIX:
		return P(UNIX);
	case AF_NETLINK:
		return P(NETLINK);
	case AF_INET:
	case AF_INET6:
		return P(INET);
	default:
		return 0;
	}
}

/* The address that a call names, or else the socket itself, tells which family it is about. */
static int family_of(struct denial *denial)
{
	const uint64_t *args = (const uint64_t *)denial->notif->data.args;
	uint64_t address = 0;
	sa_family_t family = AF_UNSPEC;

	if (denial->call &&
	    (denial->call->kind == ACCESS_CONNECT || denial->call->kind == ACCESS_BIND))
		address = args[1];
	else if (denial->notif->data.nr == SYS_sendto)
		address = args[4];
	if (address && target_read(&denial->target, address, &family, sizeof(family)) ==
			       (ssize_t)sizeof(family))
		return family;
	return target_socket_option(&denial->target, (int)args[0], SO_DOMAIN, AF_UNSPEC);
}

/* What the arguments suggest where several promises would do. */
uint64_t explain_preferred(const struct explain *e, struct denial *denial)
{
	const uint64_t *args = (const uint64_t *)denial->notif->data.args;
	const struct requirement *need = &denial->row->need;
	uint64_t prefer;

	/* So glibc's resolver opens its sockets (res_send.c). */
	if (denial->notif->data.nr == SYS_socket &&
	    (uint32_t)args[1] == (SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK))
		return P(DNS);
	if (!(need->any & P(UNIX)) || !(need->any & ~P(UNIX)))
		return 0;
	/* Who may look at paths: no socket is concerned. */
	prefer = need->any & P(RPATH) ? 0 : promise_of_family(family_of(denial));
	if (!prefer && denial->notif->data.nr == SYS_getsockopt)
		prefer = (uint32_t)args[1] == SOL_NETLINK  ? P(NETLINK)
			 : (uint32_t)args[1] != SOL_SOCKET ? P(INET)
							   : 0;
	/* Its sockets are of the Internet. */
	return !prefer && (e->policy->promises & P(DNS)) ? P(INET) : prefer;
}

/* Exactly what would permit it. Where a call on a file wants several promises unless its path is
 * bounded, those: a path that is bounded has been told of. */
static uint64_t missing_for(const struct explain *e, struct denial *denial, uint64_t prefer)
{
	const struct requirement *need = &denial->row->need;

	if (need->all && denial->call && access_names_files(denial->call))
		return need->all & ~e->policy->promises;
	return missing_promises(need, e->policy->promises, e->request.policy.bounded, prefer);
}

static void explain_refused(struct explain *e, struct denial *denial)
{
	const struct requirement *need = &denial->row->need;
	char reason[2 * PATH_MAX];
	uint64_t prefer, missing;
	bool told;

	if (denial->rule) {
		char rule[RULE_TEXT_MAX];
		const struct origin *from = &denial->rule->from;

		(void)rule_format(denial->rule, rule, sizeof(rule));
		(void)snprintf(reason, sizeof(reason), "by the rule \"deny = %s\" (%s:%u)", rule,
			       from->file, from->line);
		if (!from->line)
			(void)snprintf(reason, sizeof(reason), "by the rule \"%s\" (%s)", rule,
				       from->file);
		explain_say(e, denial, reason);
		return;
	}
	if (!requirement_by_promise(need)) {
		(void)snprintf(reason, sizeof(reason), "never permitted: %s",
			       denial->row->why ? denial->row->why : "no promise covers it");
		explain_say(e, denial, reason);
		return;
	}
	prefer = explain_preferred(e, denial);
	missing = missing_for(e, denial, prefer);
	if (denial->call && access_names_files(denial->call) && explain_paths(e, denial, missing))
		return;
	explain_need_text(e, missing, reason, sizeof(reason));
	if (explain_is_nscd_socket(denial->notif) && !must_kill(e)) {
		/* What would tell whether libc copes is not watched. It nearly always is libc. */
		if (e->request.brief)
			return;
		told = e->held.tid || e->held.need;
		denial->held = true;
		e->held.need = need;
		if (!told)
			explain_say(e, denial, reason);
		e->held.tid = e->held.line[0] ? denial->target.tid : 0;
		return;
	}
	if (need->all && !(missing & ~need->all))
		advice_add_promises(&e->advice, missing);
	else
		advice_add_need(&e->advice, need, prefer);
	denial->alike = true;
	explain_say(e, denial, reason);
}

/* ---- the supervisor's questions ---- */

/* See sandbox_enter_supervised(). */
static bool is_start_over(const struct seccomp_notif *notif)
{
	return notif->data.nr == SYS_seccomp && (uint32_t)notif->data.args[0] == SANDBOX_STARTED;
}

static struct supervise_verdict refuse(const struct explain *e, const struct denial *denial)
{
	if (explain_lets_through(e, denial))
		return (struct supervise_verdict){SUPERVISE_CONTINUE, 0};
	if (denial->rule && denial->rule->action == RULE_ERRNO)
		return (struct supervise_verdict){SUPERVISE_ANSWER, -denial->rule->error};
	if (denial->rule && denial->rule->action == RULE_KILL)
		return (struct supervise_verdict){SUPERVISE_KILL, 0};
	if (must_kill(e))
		return (struct supervise_verdict){SUPERVISE_KILL, 0};
	return (struct supervise_verdict){SUPERVISE_ANSWER, -EPERM};
}

/* The policy's own rule about a call. What the start needs it does not deny, as RULES_START. */
static const struct rule *rule_of(const struct explain *e, const struct seccomp_notif *notif)
{
	const struct policy *policy = e->policy;
	const struct rule *rule = rule_find(policy->rules, policy->n_rules, notif->data.nr,
					    (const uint64_t *)notif->data.args);

	if (rule && e->starting && !e->request.ever_starting && rule_spares_start(rule))
		return NULL;
	/* Then the file has changed since the shim read it. */
	if (rule && rule->action == RULE_ALLOW && e->request.denied_only)
		return NULL;
	return rule;
}

/* Of what only the record is told nothing is learned. */
static bool is_learned_from(const struct explain *e, const struct denial *denial)
{
	return !e->request.record || !denial->permitted || is_watched(e, denial->row);
}

/* @silent: it is answered with ENOSYS, and no promise would change that. */
static void look_at(struct explain *e, struct denial *denial, bool silent)
{
	if (e->request.record && (!e->starting || e->request.ever_starting))
		record_see(e->request.record, denial, e->request.ever_starting);
	if (silent)
		return;
	if (e->learn) {
		if (is_learned_from(e, denial))
			learn_see(e, denial);
		return;
	}
	/* Of what only an audit is told it does not follow what libc is up to. */
	if (!e->audit || !denial->permitted || is_watched(e, denial->row))
		settle_held(e, denial);
	if (!denial->permitted) {
		explain_refused(e, denial);
		return;
	}
	if (e->audit)
		audit_see(e, denial);
	if (!denial->call)
		return;
	switch (denial->call->kind) {
	case ACCESS_CONNECT:
	case ACCESS_BIND:
		if (!explain_paths(e, denial, 0))
			explain_address(e, denial);
		break;
	case ACCESS_SIGNAL:
		explain_signal(e, denial);
		break;
	default:
		(void)explain_paths(e, denial, 0);
		break;
	}
}

/* Decided by the registers alone, as a filter would: what is in memory is for the message. */
static struct supervise_verdict judge(void *user, const struct seccomp_notif *notif, int listener)
{
	struct explain *e = user;
	const uint64_t *args = (const uint64_t *)notif->data.args;
	uint16_t tag = filter_find_row(notif->data.nr, notif->data.arch, args, e->program);
	struct denial denial = {.notif = notif, .listener = listener, .tag = tag};
	bool answers_nosys;

	if (tag == TAG_FOREIGN || tag == TAG_UNKNOWN || tag >= table_rows_count)
		return (struct supervise_verdict){SUPERVISE_ANSWER, -ENOSYS};
	denial.row = &table_rows[tag];
	denial.call = access_find(denial.row->name);
	if (e->starting && !e->request.ever_starting && is_start_over(notif)) {
		e->starting = false;
		return (struct supervise_verdict){SUPERVISE_ANSWER, 0};
	}
	denial.rule = rule_of(e, notif);
	answers_nosys =
		!denial.rule && (filter_answers_nosys(filter_now(e), &denial.row->need) ||
				 filter_answers_nosys(&e->request.start, &denial.row->need));
	/* Without a supervisor the filter of the start stays in force beside the policy's. */
	denial.permitted = denial.rule
				   ? denial.rule->action == RULE_ALLOW
				   : filter_permits(filter_now(e), &denial.row->need) &&
					     filter_permits(&e->request.start, &denial.row->need);
	denial.permitted &= !e->request.denied_only;
	if ((!denial.permitted && answers_nosys && !e->request.record) || e->over ||
	    (denial.permitted && e->request.brief && e->starting && !e->request.ever_starting) ||
	    target_init(&denial.target, (pid_t)notif->pid) < 0)
		; /* silent, or nobody to tell of */
	else
		look_at(e, &denial, !denial.permitted && answers_nosys);
	if (!e->request.brief)
		explain_seen(e, denial.target.tgid);
	if (denial.permitted)
		return (struct supervise_verdict){SUPERVISE_CONTINUE, 0};
	if (answers_nosys)
		return (struct supervise_verdict){SUPERVISE_ANSWER, -ENOSYS};
	return refuse(e, &denial);
}

/* ---- the end ---- */

static void write_file(struct explain *e)
{
	char *lines = advice_text(&e->advice, false), *text = NULL;
	int r = -ENOMEM;

	if (lines &&
	    asprintf(&text, "; What was denied under %s, by sbx-preload --explain\n%s",
		     e->policy->n_files ? e->policy->files[0] : e->policy->name, lines) >= 0) {
		r = replace_write(e->file_dir, e->request.file, text, 0644);
		free(text);
	}
	free(lines);
	if (r < 0)
		(void)dprintf(STDERR_FILENO, "sbx-preload: cannot write %s: %s\n", e->request.file,
			      strerror(-r));
}

static void ended(void *user, bool again, int status)
{
	struct explain *e = user;
	char *text;

	if (e->learn) {
		learn_end(e->learn, again, status);
		return;
	}
	release_held(e);
	if (e->audit)
		audit_end(e->audit, again);
	if (status && e->request.summary && e->enclosure.filter)
		explain_print(e, "sbx-preload: the program failed, and a seccomp filter around "
				 "this sandbox may have refused it something, too: not by this "
				 "policy\n");
	if (advice_is_empty(&e->advice) || (again && e->n_said == e->n_told))
		return;
	e->n_told = e->n_said;
	if (e->request.file)
		write_file(e);
	if (e->request.quiet || again || !e->request.summary)
		return;
	if (e->n_said == EXPLAIN_LINES_MAX)
		explain_print(e,
			      "sbx-preload: this many denials were told; others may be missing\n");
	text = advice_text(&e->advice, true);
	if (text)
		(void)dprintf(STDERR_FILENO, "sbx-preload: to permit this, %s%s:\n%s",
			      e->policy->n_files ? "write into " : "in a policy file",
			      e->policy->n_files ? e->policy->files[0] : "", text);
	free(text);
}

int explain_run(struct explain *e, struct supervisor *supervisor, struct sbx_err *err)
{
	const struct supervise_user user = {
		.judge = judge, .ended = ended, .user = e, .kills = rules_may_kill(e->policy)};

	e->program = supervisor->pid;
	add_own_proc(e);
	return supervise_run(supervisor, &user, err);
}

void explain_serve(struct supervisor *supervisor, void *explain)
{
	struct explain *e = explain;
	const struct supervise_user user = {
		.judge = judge, .ended = ended, .user = e, .kills = rules_may_kill(e->policy)};

	e->program = supervisor->pid;
	supervise_serve(supervisor, &user);
}

void explain_stop(struct explain *e)
{
	e->over = true;
}
