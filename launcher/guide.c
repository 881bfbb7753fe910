/* SPDX-License-Identifier: MIT */
#include "guide.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>

#include "../shim/policy_file.h"
#include "guide_parts.h"
#include "start.h"

/* What else there is to the calling process, and is put back: see guide_run(). */
struct surroundings {
	const struct guide_request *request;
	sigset_t mask;
	struct sigaction pipe;
	bool has_modes;
	struct termios modes;
	int interrupt; /* owned */
};

static void watched_signals(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGQUIT);
}

static void surroundings_begin(struct surroundings *s, const struct guide_request *request)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t set;

	*s = (struct surroundings){.request = request, .interrupt = -1};
	(void)sigaction(SIGPIPE, &ignore, &s->pipe);
	watched_signals(&set);
	(void)sigprocmask(SIG_SETMASK, NULL, &s->mask);
	if (!request->terminal)
		return;
	/* While the program runs ^C is its own affair. */
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	s->interrupt = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	s->has_modes = tcgetattr(request->in, &s->modes) == 0;
}

static void forget_signals(const struct surroundings *s)
{
	struct signalfd_siginfo info;

	while (s->interrupt >= 0 && read(s->interrupt, &info, sizeof(info)) > 0)
		;
}

static void surroundings_end(struct surroundings *s)
{
	forget_signals(s);
	close_fd(&s->interrupt);
	(void)sigprocmask(SIG_SETMASK, &s->mask, NULL);
	(void)sigaction(SIGPIPE, &s->pipe, NULL);
}

/* In the process that is going to be the program's parent. */
static void surroundings_leave(const struct surroundings *s)
{
	const struct guide_request *request = s->request;
	int null;

	(void)sigprocmask(SIG_SETMASK, &s->mask, NULL);
	(void)sigaction(SIGPIPE, &s->pipe, NULL);
	if (request->takes_stdin) {
		null = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (null >= 0)
			(void)dup2(null, STDIN_FILENO);
	}
	/* What outlives the program must not hold the other end of the dialog. */
	if (request->in > STDERR_FILENO)
		(void)close(request->in);
	if (request->out > STDERR_FILENO && request->out != request->in)
		(void)close(request->out);
}

/* The program has ended, and may have left the terminal in disorder: its own modes, or another
 * group of processes in the foreground. */
static void surroundings_tidy(const struct surroundings *s)
{
	sigset_t ttou, old;

	forget_signals(s);
	if (!s->has_modes)
		return;
	(void)sigemptyset(&ttou);
	(void)sigaddset(&ttou, SIGTTOU);
	(void)sigprocmask(SIG_BLOCK, &ttou, &old);
	(void)tcsetpgrp(s->request->in, getpgrp());
	(void)tcsetattr(s->request->in, TCSADRAIN, &s->modes);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
}

/* ---- running the program ---- */

/* The dialog and where it takes place. */
struct session {
	struct guide guide; /* first: a step has a guide, and gets at its session */
	struct surroundings around;
};

static struct surroundings *around(struct guide *g)
{
	return &((struct session *)g)->around;
}

/* In a process of its own. @errors: a memfd for what went wrong, in it or in the program to be. */
static _Noreturn void run_program(const struct start_request *request, int errors)
{
	struct sbx_err err = {0};
	int status = start_program(request, &err);

	if (err.code)
		(void)!pwrite(errors, &err, sizeof(err), 0);
	_exit(status);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return SBX_EXIT_SANDBOX;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Returns 0 with the program's status, or the exit status for *err. */
static int run_and_wait(struct guide *g, const struct start_request *request, int *ret_status,
			struct sbx_err *err)
{
	int errors cleanup_fd = memfd_create("sbx-errors", MFD_CLOEXEC);
	struct sbx_err failure = {0};
	pid_t pid;

	if (errors < 0)
		return err_set(err, -errno, "cannot make a memfd: %m"), SBX_EXIT_SANDBOX;
	(void)fflush(NULL);
	pid = fork();
	if (pid < 0)
		return err_set(err, -errno, "cannot fork: %m"), SBX_EXIT_SANDBOX;
	if (pid == 0) {
		surroundings_leave(around(g));
		run_program(request, errors);
	}
	*ret_status = wait_for(pid);
	surroundings_tidy(around(g));
	if (pread(errors, &failure, sizeof(failure), 0) != (ssize_t)sizeof(failure) ||
	    !failure.code)
		return 0;
	failure.file[sizeof(failure.file) - 1] = failure.msg[sizeof(failure.msg) - 1] = '\0';
	*err = failure;
	return *ret_status;
}

/* What every program needs, as the start of what is learned; nothing is refused. */
static int unconfined_policy(struct policy *policy, struct sbx_err *err)
{
	policy_init(policy);
	policy->name = "learned";
	policy->on_violation = VIOLATION_LOG;
	policy->port_kinds = PORT_CONNECT | PORT_BIND;
	policy->best_effort = true;
	return policy_add_promises(policy, "stdio", (struct origin){.file = "--interactive"}, err);
}

int guide_run_watched(struct guide *g, struct sbx_err *err)
{
	int fd cleanup_fd = memfd_create("sbx-record", MFD_CLOEXEC);
	struct policy policy;
	struct start_request request = {.program = g->request->program,
					.policy = &policy,
					.env = g->request->env,
					.learn = true};
	struct record *record = NULL;
	int status = SBX_EXIT_SANDBOX;

	if (fd < 0)
		return err_set(err, -errno, "cannot make a memfd: %m"), SBX_EXIT_SANDBOX;
	if (unconfined_policy(&policy, err) == 0 && record_new(fd, &record, err) == 0) {
		request.record = record;
		status = run_and_wait(g, &request, &g->status, err);
	}
	record_free(record);
	policy_done(&policy);
	if (status)
		return status;
	record_run_done(&g->run);
	g->run = (struct record_run){0};
	return record_read(fd, &g->run, err) < 0 ? SBX_EXIT_SANDBOX : 0;
}

int guide_run_confined(struct guide *g, const struct policy *policy, int *ret_status,
		       struct sbx_err *err)
{
	const struct start_request request = {
		.program = g->request->program, .policy = policy, .env = g->request->env};

	return run_and_wait(g, &request, ret_status, err);
}

/* ---- what there is to choose from ---- */

void guide_heading(struct guide *g, unsigned number, const char *title)
{
	guide_say(&g->io, "\n");
	guide_say_bold(&g->io, "== %u of %d: %s ==", number, GUIDE_STEPS, title);
}

static bool add_line(struct guide *g, size_t i)
{
	const struct learn_line *line = &g->plan.lines[i];

	if (g->n_lines == GUIDE_LINES_MAX ||
	    arena_grow(&g->arena, (void **)&g->lines, &g->cap_lines, g->n_lines,
		       sizeof(*g->lines)) < 0)
		return false;
	g->lines[g->n_lines++] = (struct guide_line){
		.real = line->real,
		.perms = line->perms,
		.keep = true,
		.is_dir = line->is_dir,
		.learned = i,
		.why = line->why.text,
	};
	return true;
}

static bool add_port(struct guide *g, struct guide_port port)
{
	if (arena_grow(&g->arena, (void **)&g->ports, &g->cap_ports, g->n_ports,
		       sizeof(*g->ports)) < 0)
		return false;
	port.keep = true;
	g->ports[g->n_ports++] = port;
	return true;
}

static bool has_port(const struct guide *g, uint16_t port, uint8_t access)
{
	for (size_t i = 0; i < g->n_ports; i++)
		if (g->ports[i].port == port && g->ports[i].access == access)
			return true;
	return false;
}

/* Does the base leave these to the promises? Then so it stays. */
static bool is_unrestricted(const struct policy *base, uint8_t access)
{
	return (base->promises & (P(INET) | P(DNS))) && !(base->port_kinds & access);
}

static bool add_ports(struct guide *g)
{
	const struct policy *base = &g->base.policy;

	for (size_t i = 0; i < base->n_ports; i++) {
		const struct port_line *port = &base->ports[i];
		bool own = strcmp(port->from.file, base->name) == 0;

		if (!has_port(g, port->port, port->access) &&
		    !add_port(g,
			      (struct guide_port){.port = port->port,
						  .access = port->access,
						  .line = own ? port->from.line : GUIDE_INCLUDED}))
			return false;
	}
	for (size_t i = 0; i < g->run.facts.n_ports; i++) {
		const struct learn_port *port = &g->run.facts.ports[i];

		if (!port->port || has_port(g, port->port, port->access) ||
		    is_unrestricted(base, port->access))
			continue;
		if (!add_port(g, (struct guide_port){.port = port->port,
						     .access = port->access,
						     .why = port->why.text}))
			return false;
	}
	return true;
}

static bool add_rules(struct guide *g)
{
	const struct policy *base = &g->base.policy;

	for (size_t i = 0; i < base->n_rules && i < GUIDE_RULES_MAX; i++) {
		struct guide_rule *rule = &g->rules[g->n_rules];
		char text[RULE_TEXT_MAX];

		(void)rule_format(&base->rules[i], text, sizeof(text));
		*rule = (struct guide_rule){.allow = base->rules[i].action == RULE_ALLOW,
					    .keep = true,
					    .line = base->rules[i].from.line,
					    .comment = ""};
		rule->text = arena_strdup(&g->arena, text);
		if (!rule->text)
			return false;
		g->n_rules++;
	}
	return true;
}

/* What the base wants to be there, and is not: so it would be refused. */
static bool add_gone_lines(struct guide *g)
{
	const struct policy *base = &g->base.policy;

	for (size_t i = 0; i < base->n_unveils; i++) {
		const struct unveil_line *line = &base->unveils[i];
		struct stat st;

		if (line->optional || stat(line->path, &st) == 0 ||
		    strcmp(line->from.file, base->name) != 0)
			continue;
		if (arena_grow(&g->arena, (void **)&g->lines, &g->cap_lines, g->n_lines,
			       sizeof(*g->lines)) < 0)
			return false;
		g->lines[g->n_lines++] = (struct guide_line){.real = line->path,
							     .perms = line->perms,
							     .keep = true,
							     .learned = SIZE_MAX,
							     .gone = line->from.line};
	}
	return true;
}

int guide_prepare(struct guide *g, struct sbx_err *err)
{
	bool ok = true;

	g->plan = (struct learn_plan){.facts = &g->run.facts,
				      .base = g->base.text ? &g->base.policy : NULL,
				      .env = g->request->env,
				      .bounded = true};
	learn_decide(&g->plan, &g->run.facts);
	for (size_t i = 0; ok && i < g->plan.n_lines; i++)
		if (!g->plan.lines[i].dropped && !g->plan.lines[i].left_out)
			ok = add_line(g, i);
	ok = ok && add_gone_lines(g) && add_ports(g) && add_rules(g);
	g->scope = true;
	return ok ? 0
		  : err_set(err, -ENOMEM, "out of memory, or more lines than can be asked about");
}

void guide_done(struct guide *g)
{
	learn_plan_done(&g->plan);
	record_run_done(&g->run);
	policy_done(&g->base.policy);
	free(g->base.text);
	arena_done(&g->arena);
}

/* ---- the dialog ---- */

static const char help_base[] =
	"yes: it stays as it is, comments and all; what this run needs beyond it is added,\n"
	"and each of its lines can be dropped. no: a new policy from this run alone.";
static const char help_run[] =
	"It runs as if you had started it without sbx-preload: nothing is refused, what it\n"
	"does is done. Each system call is looked at, which takes time. Use what you want\n"
	"it to be able to do later, then end it as usual.";

/* Which policy is there? "": none. */
static int find_base(const struct guide *g, char ret[PATH_MAX], struct sbx_err *err)
{
	const struct guide_request *request = g->request;
	int r;

	ret[0] = '\0';
	if (request->policy_file) {
		(void)snprintf(ret, PATH_MAX, "%s", request->policy_file);
		return 0;
	}
	r = policy_find(request->program->name, request->program->real_name, request->env, ret,
			err);
	return r == -ENOENT ? 0 : r;
}

static void forget_base(struct guide *g)
{
	policy_done(&g->base.policy);
	policy_init(&g->base.policy);
	free(g->base.text);
	g->base.text = NULL;
	g->base.path = NULL;
}

/* Start from what there is? One that was named must do; one that was found need not. */
static enum guide_answer ask_base(struct guide *g, const char *path, struct sbx_err *err)
{
	char problem[2048];
	enum guide_answer r;
	bool yes;

	forget_base(g);
	guide_say_line(&g->io, "There is a policy: %s", path);
	r = guide_confirm(&g->io, "Start from it?", true, help_base, &yes);
	if (r != GUIDE_OK || !yes)
		return r;
	if (guide_base_load(g, path, err) == 0)
		return GUIDE_OK;
	forget_base(g);
	if (g->request->policy_file)
		return GUIDE_QUIT;
	(void)err_format(err, problem, sizeof(problem));
	*err = (struct sbx_err){0};
	guide_say(&g->io, "It cannot be used: %s.\nA new one, then.\n", problem);
	return GUIDE_OK;
}

/* Before it runs. */
static enum guide_answer ask_run(struct guide *g, const char *base, struct sbx_err *err)
{
	const char *name = g->request->program->name;
	bool yes = false;

	for (;;) {
		enum guide_answer r = base[0] ? ask_base(g, base, err) : GUIDE_OK;

		if (r == GUIDE_BACK) {
			guide_say(&g->io, "This is the first question.\n");
			continue;
		}
		if (r == GUIDE_QUIT)
			return r;
		guide_say_line(&g->io, "%s is going to run unconfined, but watched.", name);
		r = guide_confirm(&g->io, "Run it now?", true, help_run, &yes);
		if (r == GUIDE_BACK) {
			if (!base[0])
				guide_say(&g->io, "This is the first question.\n");
			continue;
		}
		return r == GUIDE_OK && !yes ? GUIDE_QUIT : r;
	}
}

static void tell_end(struct guide *g)
{
	unsigned long long count = 0;

	for (size_t i = 0; i < g->run.n_rows; i++)
		count += g->run.rows[i].count;
	guide_say(&g->io, "\n");
	if (g->status > 128 && g->status <= 128 + 64)
		guide_say_line(&g->io, "%s was ended by signal %d (%s).", g->request->program->name,
			       g->status - 128, strsignal(g->status - 128));
	else
		guide_say_line(&g->io, "%s ended with exit status %d.", g->request->program->name,
			       g->status);
	guide_say(&g->io, "It made %llu system calls.\n", count);
	if (g->run.facts.cut)
		guide_say(&g->io, "It did more than could be remembered.\n");
}

enum guide_answer guide_walk(struct guide *g)
{
	static const guide_step steps[GUIDE_STEPS] = {guide_step_calls, guide_step_promises,
						      guide_step_paths, guide_step_ports,
						      guide_step_rules, guide_step_review};
	size_t i = 0;
	bool from_behind = false;

	while (i < GUIDE_STEPS) {
		enum guide_answer r = steps[i](g, from_behind);

		if (r == GUIDE_QUIT)
			return r;
		if (r == GUIDE_BACK && i == 0)
			guide_say(&g->io, "This is the beginning: it has run already.\n");
		from_behind = r == GUIDE_BACK;
		if (from_behind)
			i -= i > 0;
		else
			i++;
	}
	return GUIDE_OK;
}

int guide_end(struct guide *g)
{
	if (g->done)
		return g->program_status < 0 ? 0 : g->program_status;
	g->io.over = false; /* whoever has stopped answering may still read */
	guide_say(&g->io, "Nothing was written.\n");
	return 1;
}

static int hold(struct guide *g, struct sbx_err *err)
{
	char base[PATH_MAX];
	int r;

	r = find_base(g, base, err);
	if (r < 0)
		return SBX_EXIT_USAGE;
	if (ask_run(g, base, err) != GUIDE_OK)
		return err->code ? SBX_EXIT_USAGE : guide_end(g);
	r = guide_run_watched(g, err);
	if (r)
		return r;
	if (!g->run.n_rows && g->status == SBX_EXIT_SANDBOX) {
		(void)err_set(err, -ECHILD, "it could not be started watched");
		return SBX_EXIT_SANDBOX; /* the shim has said why */
	}
	if (guide_prepare(g, err) < 0)
		return SBX_EXIT_SANDBOX;
	tell_end(g);
	(void)guide_walk(g);
	return guide_end(g);
}

int guide_run(const struct guide_request *request, struct sbx_err *err)
{
	struct session *session = calloc(1, sizeof(*session));
	struct guide *g;
	int status;

	if (!session)
		return err_set(err, -ENOMEM, "out of memory"), SBX_EXIT_SANDBOX;
	g = &session->guide;
	g->request = request;
	g->program_status = -1;
	policy_init(&g->base.policy);
	guide_io_init(&g->io, request->in, request->out, request->env->envp);
	surroundings_begin(&session->around, request);
	g->io.interrupt = session->around.interrupt;
	status = hold(g, err);
	surroundings_end(&session->around);
	guide_done(g);
	free(session);
	return status;
}

int guide_run_on_terminal(const struct guide_request *request, struct sbx_err *err)
{
	struct guide_request on = *request;
	int tty cleanup_fd = -1;

	on.in = STDIN_FILENO;
	on.out = STDOUT_FILENO;
	on.terminal = true;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
		on.terminal = tty >= 0;
		on.takes_stdin = tty < 0;
		if (tty >= 0)
			on.in = on.out = tty;
	}
	return guide_run(&on, err);
}
