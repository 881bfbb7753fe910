/* SPDX-License-Identifier: MIT */
/* Longer than most: one small tool for all live tests, in four parts (stage, run, servers, cases).
 */
#include "live.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444
#endif
#define LANDLOCK_VERSION_FLAG 1u
#define SANDBOX_SAYS	      "sbx-preload: "

/* What live_cleanup() finds when a failed assertion kept a test from live_done(). One struct live
 * at a time. */
static struct {
	char root[sizeof(((struct live *)0)->root)];
	pid_t servers[LIVE_SERVERS];
} left;

/* ---- what the machine has ---- */

static void skip_or_fail(const char *reason)
{
	const char *must = getenv("SBX_MUST_RUN");

	if (must && strcmp(must, "1") == 0)
		cr_assert_fail("must run, but: %s", reason);
	cr_skip_test("%s", reason);
}

void live_need_program(const char *path)
{
	char reason[256];

	if (access(path, X_OK) == 0)
		return;
	(void)snprintf(reason, sizeof(reason), "%s is not installed", path);
	skip_or_fail(reason);
}

void live_need_landlock(int abi)
{
	long have = syscall(__NR_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_VERSION_FLAG);
	unsigned action = SECCOMP_RET_ERRNO;
	char reason[128];

	(void)snprintf(reason, sizeof(reason), "needs Landlock ABI %d, the kernel has %ld", abi,
		       have < 0 ? 0 : have);
	if (have < abi)
		skip_or_fail(reason);
	if (syscall(__NR_seccomp, SECCOMP_GET_ACTION_AVAIL, 0u, &action) != 0)
		skip_or_fail("the kernel has no seccomp filters");
}

void live_need_root(void)
{
	if (geteuid() != 0)
		skip_or_fail("needs root");
}

size_t live_users(uid_t ret[2])
{
	ret[0] = geteuid();
	if (ret[0] != 0)
		return 1;
	ret[1] = LIVE_NOBODY;
	return 2;
}

/* ---- stage ---- */

static char *join(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static char *join(const char *fmt, ...)
{
	char *text;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		cr_assert_fail("out of memory");
	va_end(args);
	return text;
}

char *live_expand(const struct live *live, const char *text)
{
	char port[16], uid[16], server[16];
	const struct passwd *user = getpwuid(live->uid);
	const struct {
		const char *name, *value;
	} places[] = {
		{"{work}", live->work},
		{"{home}", live->home},
		{"{outside}", live->outside},
		{"{stage}", live->stage},
		{"{root}", live->root},
		{"{port}", port},
		{"{uid}", uid},
		{"{server}", server},
		{"{user}", user ? user->pw_name : uid},
	};
	char *out = NULL;
	size_t len = 0;
	FILE *stream;

	(void)snprintf(port, sizeof(port), "%u", live->port);
	(void)snprintf(uid, sizeof(uid), "%u", live->uid);
	(void)snprintf(server, sizeof(server), "%d", live->servers[0].pid);
	stream = open_memstream(&out, &len);
	if (!stream)
		cr_assert_fail("out of memory");
	while (*text) {
		size_t i;

		for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
			if (strncmp(text, places[i].name, strlen(places[i].name)) == 0)
				break;
		if (i < sizeof(places) / sizeof(places[0])) {
			(void)fputs(places[i].value, stream);
			text += strlen(places[i].name);
		} else {
			(void)fputc(*text++, stream);
		}
	}
	if (fclose(stream) != 0)
		cr_assert_fail("out of memory");
	return out;
}

static void give_to_user(const struct live *live, const char *path)
{
	if (geteuid() == 0 && lchown(path, live->uid, live->uid) != 0)
		cr_assert_fail("chown %s: %s", path, strerror(errno));
}

void live_mkdir(struct live *live, const char *path)
{
	char *real = live_expand(live, path);

	if (mkdir(real, 0755) != 0)
		cr_assert_fail("mkdir %s: %s", real, strerror(errno));
	give_to_user(live, real);
	free(real);
}

void live_write(struct live *live, const char *path, const char *text)
{
	char *real = live_expand(live, path);
	FILE *f = fopen(real, "we");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		cr_assert_fail("write %s: %s", real, strerror(errno));
	give_to_user(live, real);
	free(real);
}

static char *read_all(const char *path, size_t *ret_len)
{
	char *text = NULL;
	size_t len = 0;
	FILE *in = fopen(path, "re");
	FILE *out;
	int c;

	if (!in)
		return NULL;
	out = open_memstream(&text, &len);
	if (!out)
		cr_assert_fail("out of memory");
	while ((c = getc(in)) != EOF)
		(void)fputc(c, out);
	(void)fclose(in);
	if (fclose(out) != 0)
		cr_assert_fail("out of memory");
	if (ret_len)
		*ret_len = len;
	return text;
}

char *live_read(struct live *live, const char *path)
{
	char *real = live_expand(live, path);
	char *text = read_all(real, NULL);

	free(real);
	return text;
}

bool live_exists(struct live *live, const char *path)
{
	char *real = live_expand(live, path);
	struct stat st;
	bool exists = lstat(real, &st) == 0;

	free(real);
	return exists;
}

static void copy_file(const char *from, const char *to, mode_t mode)
{
	size_t len;
	char *bytes = read_all(from, &len);
	FILE *out;

	if (!bytes)
		cr_assert_fail("cannot read %s: %s (is the project built?)", from, strerror(errno));
	out = fopen(to, "we");
	if (!out || fwrite(bytes, 1, len, out) != len || fclose(out) != 0 || chmod(to, mode) != 0)
		cr_assert_fail("cannot write %s: %s", to, strerror(errno));
	free(bytes);
}

static void stage_policies(const struct live *live)
{
	const char *conf = getenv("SBX_CONF");
	const char *from = conf ? conf : "conf";
	DIR *dir = opendir(from);
	struct dirent *entry;

	if (!dir)
		cr_assert_fail("cannot read %s: %s", from, strerror(errno));
	while ((entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);
		char *in, *out;

		if (len < 5 || strcmp(entry->d_name + len - 4, ".ini") != 0)
			continue;
		in = join("%s/%s", from, entry->d_name);
		out = join("%s/conf/%s", live->stage, entry->d_name);
		copy_file(in, out, 0644);
		free(in);
		free(out);
	}
	(void)closedir(dir);
}

static void stage_files(struct live *live)
{
	const char *build = getenv("SBX_BUILD");
	static const struct {
		const char *name;
		mode_t mode;
	} files[] = {{"sbx-preload", 0755}, {"libsbx-preload.so", 0644}};
	char *conf = join("%s/conf", live->stage);
	size_t i;

	if (mkdir(live->stage, 0755) != 0 || mkdir(conf, 0755) != 0)
		cr_assert_fail("mkdir %s: %s", conf, strerror(errno));
	free(conf);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *in = join("%s/%s", build ? build : "build", files[i].name);
		char *out = join("%s/%s", live->stage, files[i].name);

		copy_file(in, out, files[i].mode);
		free(in);
		free(out);
	}
	stage_policies(live);
}

void live_init(struct live *live, uid_t uid)
{
	const char *tmp = getenv("SBX_TEST_TMP");

	memset(live, 0, sizeof(*live));
	live->uid = uid;
	(void)umask(022);
	if (snprintf(live->root, sizeof(live->root), "%s/sbx-live-XXXXXX",
		     tmp ? tmp : "/var/tmp") >= (int)sizeof(live->root))
		cr_assert_fail("SBX_TEST_TMP is too long");
	if (!mkdtemp(live->root) || chmod(live->root, 0755) != 0)
		cr_assert_fail("cannot make %s: %s", live->root, strerror(errno));
	memcpy(left.root, live->root, sizeof(left.root));
	(void)snprintf(live->stage, sizeof(live->stage), "%s/stage", live->root);
	(void)snprintf(live->work, sizeof(live->work), "%s/work", live->root);
	(void)snprintf(live->home, sizeof(live->home), "%s/home", live->root);
	(void)snprintf(live->outside, sizeof(live->outside), "%s/outside", live->root);
	stage_files(live);
	live_mkdir(live, "{work}");
	live_mkdir(live, "{home}");
	live_mkdir(live, "{outside}");
	live_write(live, "{outside}/secret.txt", LIVE_SECRET "\n");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void live_done(struct live *live)
{
	while (live->servers[0].pid)
		(void)live_server_stop(live);
	if (live->root[0] && nftw(live->root, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
		cr_expect_fail("cannot remove %s: %s", live->root, strerror(errno));
	memset(live, 0, sizeof(*live));
	memset(&left, 0, sizeof(left));
}

void live_cleanup(void)
{
	for (size_t i = 0; i < LIVE_SERVERS; i++)
		if (left.servers[i])
			(void)kill(-left.servers[i], SIGKILL);
	if (left.root[0])
		(void)nftw(left.root, remove_one, 16,
			   FTW_DEPTH | FTW_PHYS); /* the test failed anyway */
	memset(&left, 0, sizeof(left));
}

/* ---- run ---- */

/* The strings for execve: NULL-terminated, heap. */
static char **expand_all(const struct live *live, const char *const *list, size_t extra)
{
	size_t n = 0;
	char **ret;

	while (list && list[n])
		n++;
	ret = calloc(n + extra + 1, sizeof(*ret));
	if (!ret)
		cr_assert_fail("out of memory");
	for (size_t i = 0; i < n; i++)
		ret[i] = live_expand(live, list[i]);
	return ret;
}

static char **make_env(const struct live *live, const char *const *more, bool tty)
{
	char **env = expand_all(live, more, 6);
	size_t n = 0;

	while (env[n])
		n++;
	env[n++] = join("PATH=%s", LIVE_PATH);
	env[n++] = join("HOME=%s", live->home);
	env[n++] = join("USER=%s", live->uid == 0 ? "root" : "nobody");
	env[n++] = join("LANG=C.UTF-8");
	env[n++] = join("TERM=%s", tty ? "xterm" : "dumb");
	env[n++] = join("TZ=UTC");
	return env;
}

static void free_all(char **list)
{
	for (char **p = list; *p; p++)
		free(*p);
	free(list);
}

enum child { CHILD_COMMAND, CHILD_TERMINAL, CHILD_SERVER };

/* In the child: never returns. A server must not outlive a test that crashed. */
static _Noreturn void become(const struct live *live, char **argv, char **env, const char *cwd,
			     const int fds[3], enum child kind)
{
	/* A session of its own: no terminal, and everything that the command leaves behind can be
	 * ended. */
	(void)setsid();
	for (int i = 0; i < 3; i++)
		if (dup2(fds[i], i) < 0)
			_exit(99);
	if (kind == CHILD_TERMINAL)
		(void)ioctl(0, TIOCSCTTY, 0);
	(void)close_range(3, ~0u, 0);
	for (int sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL); /* fails for SIGKILL, SIGSTOP and libc's own */
	if (chdir(cwd) != 0)
		_exit(98);
	if (geteuid() == 0 && live->uid != 0 &&
	    (setgroups(0, NULL) != 0 || setgid(live->uid) != 0 || setuid(live->uid) != 0))
		_exit(97);
	if (kind == CHILD_SERVER)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)execve(argv[0], argv, env);
	(void)dprintf(2, "live: cannot execute %s: %s\n", argv[0], strerror(errno));
	_exit(96);
}

static double now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int decode_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void make_pipe(int ret[2])
{
	if (pipe2(ret, O_CLOEXEC) != 0)
		cr_assert_fail("pipe: %s", strerror(errno));
}

/* Standard input: a pipe that holds all of @input already (at most what fits: 64 KiB), or
 * /dev/null. */
static int input_fd(const char *input)
{
	int ends[2];
	size_t len;

	if (!input)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	len = strlen(input);
	make_pipe(ends);
	if (len > 65536 || write(ends[1], input, len) != (ssize_t)len)
		cr_assert_fail("standard input is too long for a pipe");
	(void)close(ends[1]);
	return ends[0];
}

/* A pseudo-terminal in place of a pipe: ret[0] what we read, ret[1] its other end. Returns that end
 * once more, as standard input. */
static int make_terminal(int ret[2])
{
	const struct winsize size = {.ws_row = 50, .ws_col = 100};

	ret[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (ret[0] < 0 || grantpt(ret[0]) != 0 || unlockpt(ret[0]) != 0)
		cr_assert_fail("no pseudo-terminal: %s", strerror(errno));
	ret[1] = open(ptsname(ret[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
	(void)ioctl(ret[1], TIOCSWINSZ, &size);
	return fcntl(ret[1], F_DUPFD_CLOEXEC, 3);
}

/* Read what is there. False at the end of file. */
static bool drain(int fd, FILE *into)
{
	char buf[8192];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		(void)fwrite(buf, 1, (size_t)n, into);
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Collect both outputs until the process has ended and nobody holds the pipes any more, or
 * @deadline. */
static int collect(pid_t pid, int out_fd, int err_fd, FILE *out, FILE *err, double deadline)
{
	struct pollfd fds[2] = {{.fd = out_fd, .events = POLLIN}, {.fd = err_fd, .events = POLLIN}};
	FILE *const into[2] = {out, err};
	int status = -1;
	bool ended = false;

	while (!ended || fds[0].fd >= 0 || fds[1].fd >= 0) {
		(void)poll(fds, 2, 20);
		for (int i = 0; i < 2; i++)
			if (fds[i].fd >= 0 && !drain(fds[i].fd, into[i]))
				fds[i].fd = -1;
		if (!ended && waitpid(pid, &status, WNOHANG) == pid) {
			ended = true;
			status = decode_status(status);
			/* What it left in its session would keep the pipes open for ever. */
			(void)kill(-pid, SIGKILL);
		}
		if (now_s() > deadline) {
			(void)kill(-pid, SIGKILL);
			if (!ended)
				(void)waitpid(pid, NULL, 0);
			return ended ? status : -1;
		}
	}
	return status;
}

struct live_result live_run(struct live *live, const struct live_command *command)
{
	struct live_result result = {.status = -1};
	char **argv = expand_all(live, command->argv, 0);
	char **env = make_env(live, command->env, command->tty);
	char *cwd = live_expand(live, command->cwd ? command->cwd : "{work}");
	int out_pipe[2], err_pipe[2];
	char *input = command->input ? live_expand(live, command->input) : NULL;
	int in = command->tty ? -1 : input_fd(input);
	int timeout_s = command->timeout_s ? command->timeout_s : LIVE_TIMEOUT_S;
	FILE *out = open_memstream(&result.out, &result.out_len);
	FILE *err = open_memstream(&result.err, &result.err_len);
	pid_t pid;

	if (command->tty)
		in = make_terminal(out_pipe);
	else
		make_pipe(out_pipe);
	make_pipe(err_pipe);
	if (in < 0 || !out || !err)
		cr_assert_fail("cannot set up standard descriptors");
	pid = fork();
	if (pid < 0)
		cr_assert_fail("fork: %s", strerror(errno));
	if (pid == 0)
		become(live, argv, env, cwd,
		       (int[3]){in, out_pipe[1], command->tty ? out_pipe[1] : err_pipe[1]},
		       command->tty ? CHILD_TERMINAL : CHILD_COMMAND);
	(void)close(in);
	(void)close(out_pipe[1]);
	(void)close(err_pipe[1]);
	(void)fcntl(out_pipe[0], F_SETFL, O_NONBLOCK);
	(void)fcntl(err_pipe[0], F_SETFL, O_NONBLOCK);
	if (command->tty && input && write(out_pipe[0], input, strlen(input)) < 0)
		cr_assert_fail("terminal: %s", strerror(errno));
	result.status = collect(pid, out_pipe[0], err_pipe[0], out, err, now_s() + timeout_s);
	(void)close(out_pipe[0]);
	(void)close(err_pipe[0]);
	if (fclose(out) != 0 || fclose(err) != 0)
		cr_assert_fail("out of memory");
	free_all(argv);
	free_all(env);
	free(cwd);
	free(input);
	return result;
}

void live_result_done(struct live_result *result)
{
	free(result->out);
	free(result->err);
	memset(result, 0, sizeof(*result));
}

/* "sbx-preload: NAME[PID]: denied CALL(…): REASON" */
static bool is_denial(const char *line)
{
	const char *name = line + strlen(SANDBOX_SAYS), *end = strchr(line, '\n');
	const char *pid = strstr(name, "["), *call = strstr(name, "]: denied ");

	return end && pid && call && pid < call && call < end &&
	       pid + 1 + strspn(pid + 1, "0123456789") == call;
}

int live_denials(const char *printed, const char *part, bool foreign)
{
	int n = 0;

	for (const char *line = printed, *end; *line; line = end) {
		end = strchrnul(line, '\n');
		end += *end != '\0';
		if (!memmem(line, (size_t)(end - line), SANDBOX_SAYS, strlen(SANDBOX_SAYS))) {
			if (!foreign)
				return -1;
			continue;
		}
		if (strncmp(line, SANDBOX_SAYS, strlen(SANDBOX_SAYS)) != 0 || !is_denial(line) ||
		    (part && !memmem(line, (size_t)(end - line), part, strlen(part))))
			return -1;
		n++;
	}
	return n;
}

void live_sandbox_argv(const char *policy, const char *const *flags, const char *const *argv,
		       const char *ret[LIVE_SANDBOX_ARGS], char policy_path[64])
{
	size_t n = 0;

	(void)snprintf(policy_path, 64, "{stage}/conf/%s.ini", policy);
	ret[n++] = "{stage}/sbx-preload";
	ret[n++] = "-P";
	ret[n++] = policy_path;
	while (flags && *flags)
		ret[n++] = *flags++;
	ret[n++] = "--";
	while (*argv && n < LIVE_SANDBOX_ARGS - 1)
		ret[n++] = *argv++;
	ret[n] = NULL;
}

/* ---- servers ---- */

static int connect_loopback(unsigned port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

bool live_port_open(unsigned port)
{
	int fd = connect_loopback(port);

	if (fd < 0)
		return false;
	(void)close(fd);
	return true;
}

unsigned live_free_port(struct live *live)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		cr_assert_fail("no loopback port: %s", strerror(errno));
	(void)close(fd);
	live->port = ntohs(address.sin_port);
	return live->port;
}

static pid_t server_fork(struct live *live, const char *const *argv, const char *log)
{
	char **args = expand_all(live, argv, 0);
	char **env = make_env(live, NULL, false);
	int in = input_fd(NULL);
	int out = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	pid_t pid;

	if (in < 0 || out < 0)
		cr_assert_fail("%s: %s", log, strerror(errno));
	pid = fork();
	if (pid < 0)
		cr_assert_fail("fork: %s", strerror(errno));
	if (pid == 0)
		become(live, args, env, live->work, (int[3]){in, out, out}, CHILD_SERVER);
	(void)close(in);
	(void)close(out);
	free_all(args);
	free_all(env);
	return pid;
}

bool live_server_start(struct live *live, const char *const *argv, unsigned port)
{
	struct live_server *server = live->servers;
	double deadline = now_s() + 20;
	const char *problem = NULL;
	int status;
	char *log;

	while (server->pid)
		if (++server == live->servers + LIVE_SERVERS - 1)
			cr_assert_fail("more than %d servers", LIVE_SERVERS - 1);
	(void)snprintf(server->log, sizeof(server->log), "%s/server-%td.log", live->root,
		       server - live->servers);
	server->pid = server_fork(live, argv, server->log);
	left.servers[server - live->servers] = server->pid;
	while (!problem && !live_port_open(port)) {
		if (waitpid(server->pid, &status, WNOHANG) == server->pid) {
			(void)kill(-server->pid, SIGKILL);
			server->pid = 0;
			left.servers[server - live->servers] = 0;
			problem = "ended";
		} else if (now_s() > deadline) {
			problem = "does not listen";
		} else {
			(void)usleep(20000);
		}
	}
	if (!problem)
		return true;
	log = read_all(server->log, NULL);
	cr_expect_fail("server %s (%s) %s (status %d): %s", argv[0], argv[2] ? argv[2] : "",
		       problem, server->pid ? -1 : decode_status(status), log ? log : "");
	free(log);
	return false;
}

int live_server_stop(struct live *live)
{
	struct live_server *server = live->servers;
	double deadline = now_s() + 10;
	int status = -1;

	if (!server->pid)
		return -1;
	while (server[1].pid)
		server++;
	(void)kill(server->pid, SIGTERM);
	while (waitpid(server->pid, &status, WNOHANG) == 0) {
		if (now_s() > deadline)
			(void)kill(-server->pid, SIGKILL);
		(void)usleep(10000);
	}
	(void)kill(-server->pid, SIGKILL); /* workers that outlived it */
	server->pid = 0;
	left.servers[server - live->servers] = 0;
	return decode_status(status);
}

bool live_server_sandboxed(struct live *live, const char *policy, const char *const *flags,
			   const char *const *argv, unsigned port)
{
	const char *boxed[LIVE_SANDBOX_ARGS];
	char policy_path[64];

	live_sandbox_argv(policy, flags, argv, boxed, policy_path);
	return live_server_start(live, boxed, port);
}

char *live_http_get(unsigned port, const char *path)
{
	int fd = connect_loopback(port);
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	if (fd < 0)
		return NULL;
	out = open_memstream(&text, &len);
	if (!out)
		cr_assert_fail("out of memory");
	(void)dprintf(fd, "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", path);
	while (drain(fd, out))
		;
	(void)close(fd);
	if (fclose(out) != 0)
		cr_assert_fail("out of memory");
	return text;
}

/* ---- cases ---- */

bool live_case_done(struct live *live, const struct live_case *c, const struct live_result *r)
{
	if (c->out) {
		char *want = live_expand(live, c->out);
		bool found = memmem(r->out, r->out_len, want, strlen(want)) != NULL;

		free(want);
		if (!found)
			return false;
	}
	if (c->makes) {
		char *path = live_expand(live, c->makes);
		struct stat st;
		bool made = lstat(path, &st) == 0 && (!S_ISREG(st.st_mode) || st.st_size > 0);

		free(path);
		return made;
	}
	return true;
}

struct live_result live_case_run(struct live *live, const struct live_case *c,
				 const char *const *with)
{
	const char *argv[LIVE_SANDBOX_ARGS];
	struct live_command command = {
		.argv = argv, .input = c->input, .env = c->env, .tty = c->tty};
	size_t n = 0;

	if (c->makes) {
		char *path = live_expand(live, c->makes);

		(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS); /* usually not there */
		free(path);
	}
	while (with && *with)
		argv[n++] = *with++;
	for (size_t i = 0; c->argv[i] && n < LIVE_SANDBOX_ARGS - 1; i++)
		argv[n++] = c->argv[i];
	argv[n] = NULL;
	return live_run(live, &command);
}

static struct live_result run_boxed(struct live *live, const struct live_case *c)
{
	static const char *const nothing[] = {NULL};
	const char *with[LIVE_SANDBOX_ARGS];
	char policy_path[64];

	live_sandbox_argv(c->policy, c->flags, nothing, with, policy_path);
	return live_case_run(live, c, with);
}

static bool bare_does(struct live *live, const struct live_case *c)
{
	struct live_result bare = live_case_run(live, c, NULL);
	bool done = bare.status == 0 && live_case_done(live, c, &bare);

	cr_expect(done, "%s, uid %u, bare: the test's own premise fails: exit %d\nout: %s\nerr: %s",
		  c->name, live->uid, bare.status, bare.out, bare.err);
	live_result_done(&bare);
	return done;
}

void live_does(struct live *live, const struct live_case *c)
{
	struct live_result boxed;
	int denials;

	if (!bare_does(live, c))
		return;
	boxed = run_boxed(live, c);
	cr_expect(boxed.status == 0 && live_case_done(live, c, &boxed),
		  "%s, uid %u, sandboxed: exit %d\nout: %s\nerr: %s", c->name, live->uid,
		  boxed.status, boxed.out, boxed.err);
	denials = live_denials(c->tty ? boxed.out : boxed.err, c->copes, true);
	cr_expect(c->copes ? denials >= 0 : denials == 0, "%s, uid %u: the sandbox complains: %s%s",
		  c->name, live->uid, boxed.err, c->tty ? boxed.out : "");
	live_result_done(&boxed);
}

/* Not the launcher's own statuses, no signal, no time-out. 128 is how git says "fatal". */
static bool ran_to_its_end(int status)
{
	return status >= 0 && status <= 128 && (status < 125 || status == 128) && status != 96;
}

void live_kept(struct live *live, const struct live_case *c)
{
	struct live_result boxed;

	if (!c->out && !c->makes)
		cr_assert_fail("%s: a deed must be named", c->name);
	if (!bare_does(live, c))
		return;
	boxed = run_boxed(live, c);
	cr_expect(ran_to_its_end(boxed.status),
		  "%s, uid %u: never ran or was killed: exit %d\nout: %s\nerr: %s", c->name,
		  live->uid, boxed.status, boxed.out, boxed.err);
	cr_expect(!live_case_done(live, c, &boxed),
		  "%s, uid %u: not kept from it\nout: %s\nerr: %s", c->name, live->uid, boxed.out,
		  boxed.err);
	cr_expect(strstr(boxed.err, c->says) || strstr(boxed.out, c->says),
		  "%s, uid %u: does not say \"%s\"\nout: %s\nerr: %s", c->name, live->uid, c->says,
		  boxed.out, boxed.err);
	live_result_done(&boxed);
}

static void walk(const struct live_case *cases, size_t count, void (*prepare)(struct live *),
		 void (*check)(struct live *, const struct live_case *))
{
	uid_t users[2];
	size_t n = live_users(users);

	for (size_t u = 0; u < n; u++) {
		struct live live;

		live_init(&live, users[u]);
		if (prepare)
			prepare(&live);
		for (size_t i = 0; i < count; i++)
			check(&live, &cases[i]);
		live_done(&live);
	}
}

void live_does_all(const struct live_case *cases, size_t count, void (*prepare)(struct live *))
{
	walk(cases, count, prepare, live_does);
}

void live_kept_all(const struct live_case *cases, size_t count, void (*prepare)(struct live *))
{
	walk(cases, count, prepare, live_kept);
}
