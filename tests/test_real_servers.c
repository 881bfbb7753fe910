/* SPDX-License-Identifier: MIT */
/* Live: servers under the policies that we ship. Their data lies in a scratch directory, which -v
 * adds. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live_work.h"

#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define NEEDS_ABI 6 /* the default scopes */
#define REDIS	  "/usr/bin/redis-server"
#define REDIS_CLI "/usr/bin/redis-cli"
#define NGINX	  "/usr/sbin/nginx"

TestSuite(real_servers, .timeout = 240, .fini = live_cleanup);

static void for_each_user(void (*check)(struct live *))
{
	uid_t users[2];
	size_t n = live_users(users);

	for (size_t u = 0; u < n; u++) {
		struct live live;

		live_init(&live, users[u]);
		check(&live);
		live_done(&live);
	}
}

/* ---- redis ---- */

/* The directory may be changed at run time, as it could before version 7: the way by which open
 * servers were taken over (CONFIG SET dir /root/.ssh; SAVE). */
static const char *const redis[] = {
	REDIS,	     "--port", "{port}",      "--bind",
	"127.0.0.1", "--dir",  "{work}/data", "--enable-protected-configs",
	"yes",	     NULL};
static const char *const redis_flags[] = {"-v", "rwc:{work}/data", NULL};

/* One command by redis-cli, itself in its sandbox. */
static void redis_says(struct live *live, const char *const *words, const char *want)
{
	const char *argv[12] = {REDIS_CLI, "-p", "{port}"};
	const char *boxed[LIVE_SANDBOX_ARGS];
	char policy_path[64];
	struct live_command command = {.argv = boxed};
	struct live_result r;

	for (size_t i = 0; words[i]; i++)
		argv[3 + i] = words[i];
	live_sandbox_argv("redis-cli", NULL, argv, boxed, policy_path);
	r = live_run(live, &command);
	cr_expect(r.status == 0 && strstr(r.out, want) && !strstr(r.err, "sbx-preload:"),
		  "uid %u: %s %s: exit %d\nout: %s\nerr: %s", live->uid, words[0],
		  words[1] ? words[1] : "", r.status, r.out, r.err);
	live_result_done(&r);
}
#define SAYS(live, want, ...) redis_says(live, (const char *const[]){__VA_ARGS__, NULL}, want)

static bool appears(struct live *live, const char *path)
{
	for (int i = 0; i < 100 && !live_exists(live, path); i++)
		(void)usleep(50000);
	return live_exists(live, path);
}

/* Has the child that saves done all that it does? */
static bool has_saved(struct live *live)
{
	static const char *const argv[] = {REDIS_CLI, "-p", "{port}", "INFO", "persistence", NULL};
	bool saved = false;

	for (int i = 0; i < 100 && !saved; i++) {
		struct live_result r = live_run(live, &(struct live_command){.argv = argv});

		saved = strstr(r.out, "rdb_bgsave_in_progress:0");
		live_result_done(&r);
	}
	return saved;
}

static void use_redis(struct live *live)
{
	SAYS(live, "OK", "SET", "key", "kept value");
	SAYS(live, "kept value", "GET", "key");
	SAYS(live, "OK", "SAVE");
	cr_expect(live_exists(live, "{work}/data/dump.rdb"), "uid %u: SAVE left no file",
		  live->uid);
	SAYS(live, "OK", "CONFIG", "SET", "dbfilename", "second.rdb");
	SAYS(live, "started", "BGSAVE");
	cr_expect(appears(live, "{work}/data/second.rdb"), "uid %u: BGSAVE left no file",
		  live->uid);
	cr_expect(has_saved(live), "uid %u: BGSAVE goes on and on", live->uid);
}

static void redis_works(struct live *live)
{
	char *log;

	live_mkdir(live, "{work}/data");
	(void)live_free_port(live);
	if (!live_server_sandboxed(live, "redis-server", redis_flags, redis, live->port))
		return;
	use_redis(live);
	cr_expect_eq(live_server_stop(live), 0, "uid %u: redis-server", live->uid);
	log = live_read(live, "{root}/server-0.log");
	cr_expect(log && !strstr(log, "sbx-preload:") && !strstr(log, "ermission") &&
			  !strstr(log, "not permitted"),
		  "uid %u: redis-server complains: %s", live->uid, log ? log : "");
	free(log);
	/* What was saved is what it starts from. */
	if (!live_server_sandboxed(live, "redis-server", redis_flags, redis, live->port))
		return;
	SAYS(live, "kept value", "GET", "key");
	(void)live_server_stop(live);
}

Test(real_servers, redis)
{
	live_need_landlock(NEEDS_ABI);
	live_need_program(REDIS);
	live_need_program(REDIS_CLI);
	for_each_user(redis_works);
}

/* With one server, bare or sandboxed: does CONFIG SET dir + SAVE put a file elsewhere? */
static bool redis_writes_outside(struct live *live, bool sandboxed)
{
	bool started, wrote;

	(void)live_free_port(live);
	started = sandboxed ? live_server_sandboxed(live, "redis-server", redis_flags, redis,
						    live->port)
			    : live_server_start(live, redis, live->port);
	if (!started)
		return false;
	SAYS(live, "OK", "CONFIG", "SET", "dir", "{outside}");
	SAYS(live, sandboxed ? "ERR" : "OK", "SAVE");
	wrote = live_exists(live, "{outside}/dump.rdb");
	SAYS(live, "OK", "CONFIG", "SET", "dir", "{work}/data");
	(void)live_server_stop(live);
	return wrote;
}

static void redis_is_kept(struct live *live)
{
	char *path;

	live_mkdir(live, "{work}/data");
	cr_expect(redis_writes_outside(live, false), "uid %u: bare: the premise fails", live->uid);
	path = live_expand(live, "{outside}/dump.rdb");
	(void)unlink(path);
	free(path);
	cr_expect(!redis_writes_outside(live, true), "uid %u: not kept from it", live->uid);
}

static const struct live_case redis_cli_does[] = {
	{.name = "redis-cli",
	 .policy = "redis-cli",
	 .argv = {REDIS_CLI, "-p", "{port}", "ECHO", "heard"},
	 .out = "heard"},
	{.name = "redis-cli by name, from standard input",
	 .policy = "redis-cli",
	 .argv = {REDIS_CLI, "-h", "localhost", "-p", "{port}"},
	 .input = "SET a 40\nINCRBY a 2\n",
	 .out = "OK\n42"},
};
static const struct live_case redis_cli_kept[] = {
	{.name = "redis-cli reads a script",
	 .policy = "redis-cli",
	 .argv = {REDIS_CLI, "-p", "{port}", "--eval", "{outside}/script.lua"},
	 .out = LIVE_SECRET,
	 .says = "Permission denied"},
};

static void prepare_redis(struct live *live)
{
	live_mkdir(live, "{work}/data");
	live_write(live, "{outside}/script.lua", "return '" LIVE_SECRET "'\n");
	(void)live_free_port(live);
	cr_assert(live_server_start(live, redis, live->port));
}

Test(real_servers, redis_kept)
{
	live_need_landlock(NEEDS_ABI);
	live_need_program(REDIS);
	live_need_program(REDIS_CLI);
	for_each_user(redis_is_kept);
	live_does_all(redis_cli_does, COUNT(redis_cli_does), prepare_redis);
	live_kept_all(redis_cli_kept, COUNT(redis_cli_kept), prepare_redis);
}

/* ---- nginx ---- */

static const char *const nginx[] = {NGINX, "-p", "{work}/www", "-c", "{work}/www/nginx.conf", NULL};
static const char *const nginx_flags[] = {"-v", "rwc:{work}/www", NULL};

/* /elsewhere/ is what a mistake in a configuration (or in nginx) would give away. */
static const char nginx_conf[] =
	"%s"
	"daemon off; worker_processes 2; pid {work}/www/pid; error_log {work}/www/error.log;\n"
	"events { worker_connections 64; }\n"
	"http { access_log {work}/www/access.log;\n"
	"client_body_temp_path {work}/www/t1; proxy_temp_path {work}/www/t2;\n"
	"fastcgi_temp_path {work}/www/t3; uwsgi_temp_path {work}/www/t4;\n"
	"scgi_temp_path {work}/www/t5;\n"
	"server { listen 127.0.0.1:{port}; root {work}/www/html;\n"
	"location /elsewhere/ { alias {outside}/; } } }\n";

static void prepare_nginx(struct live *live)
{
	char *conf, *text;

	(void)live_free_port(live);
	live_mkdir(live, "{work}/www");
	live_mkdir(live, "{work}/www/html");
	live_write(live, "{work}/www/html/index.html", "served by a worker\n");
	cr_assert(asprintf(&conf, nginx_conf, live->uid == 0 ? "user nobody nogroup;\n" : "") > 0);
	text = live_expand(live, conf);
	live_write(live, "{work}/www/nginx.conf", text);
	free(text);
	free(conf);
}

static bool answers(struct live *live, const char *path, const char *want)
{
	char *answer = live_http_get(live->port, path);
	bool found = answer && strstr(answer, want);

	free(answer);
	return found;
}

/* The number behind "KEY:" in /proc/PID/status; -1 when there is none. */
static long status_field(pid_t pid, const char *key)
{
	char path[64], line[256];
	long value = -1;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':')
			value = strtol(line + strlen(key) + 1, NULL, 10);
	if (f)
		(void)fclose(f);
	return value;
}

static void expect_confined(struct live *live, pid_t pid, const char *who)
{
	cr_expect_eq(status_field(pid, "Seccomp"), 2, "uid %u: %s has no filter", live->uid, who);
	cr_expect_eq(status_field(pid, "NoNewPrivs"), 1, "uid %u: %s", live->uid, who);
}

/* Who says what is denied: a child, but not one of nginx's. */
static bool is_reporter(pid_t pid)
{
	char path[64], name[32] = "";
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	f = fopen(path, "re");
	if (f) {
		(void)!fgets(name, sizeof(name), f);
		(void)fclose(f);
	}
	return strcmp(name, "sbx-report\n") == 0;
}

/* A worker begins as the user of the master, and may not have come far. */
static bool becomes_user(pid_t pid, uid_t uid)
{
	for (int tries = 0; tries < 250; tries++) {
		if (status_field(pid, "Uid") == (long)uid)
			return true;
		(void)usleep(20 * 1000);
	}
	return false;
}

static void check_processes(struct live *live)
{
	pid_t master = live->servers[0].pid;
	char path[80];
	int workers = 0, reporters = 0, pid;
	FILE *f;

	expect_confined(live, master, "the master");
	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", master, master);
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &pid) == 1) {
		if (is_reporter(pid)) {
			reporters++;
			continue;
		}
		workers++;
		expect_confined(live, pid, "a worker");
		cr_expect(becomes_user(pid, live->uid == 0 ? LIVE_NOBODY : live->uid),
			  "worker's user");
	}
	if (f)
		(void)fclose(f);
	cr_expect_eq(workers, 2, "uid %u: %d workers", live->uid, workers);
	cr_expect_eq(reporters, 1, "uid %u: %d reporters", live->uid, reporters);
}

static void use_nginx(struct live *live)
{
	for (int i = 0; i < 10; i++)
		cr_expect(answers(live, "/", "served by a worker"), "uid %u", live->uid);
}

static void nginx_works(struct live *live)
{
	char *log;

	prepare_nginx(live);
	if (!live_server_sandboxed(live, "nginx", nginx_flags, nginx, live->port))
		return;
	use_nginx(live);
	check_processes(live);
	cr_expect_eq(live_server_stop(live), 0, "uid %u: nginx", live->uid);
	log = live_read(live, "{work}/www/error.log");
	cr_expect(log && !strstr(log, "[emerg]") && !strstr(log, "[alert]") &&
			  !strstr(log, "[crit]"),
		  "uid %u: nginx complains: %s", live->uid, log ? log : "no log");
	free(log);
	log = live_read(live, "{work}/www/access.log");
	cr_expect(log && strstr(log, "GET / HTTP/1.0"), "uid %u: no access log", live->uid);
	free(log);
}

Test(real_servers, nginx)
{
	live_need_landlock(NEEDS_ABI);
	live_need_program(NGINX);
	for_each_user(nginx_works);
}

static void nginx_is_kept(struct live *live)
{
	char *log;

	prepare_nginx(live);
	if (!live_server_start(live, nginx, live->port))
		return;
	cr_expect(answers(live, "/elsewhere/secret.txt", LIVE_SECRET),
		  "uid %u: bare: the premise fails", live->uid);
	(void)live_server_stop(live);
	if (!live_server_sandboxed(live, "nginx", nginx_flags, nginx, live->port))
		return;
	cr_expect(answers(live, "/elsewhere/secret.txt", "403 Forbidden"),
		  "uid %u: not kept from it", live->uid);
	(void)live_server_stop(live);
	log = live_read(live, "{work}/www/error.log");
	cr_expect(log && strstr(log, "secret.txt\" failed (13: Permission denied)"), "uid %u: %s",
		  live->uid, log ? log : "no log");
	free(log);
}

Test(real_servers, nginx_kept)
{
	live_need_landlock(NEEDS_ABI);
	live_need_program(NGINX);
	for_each_user(nginx_is_kept);
}

/* ---- for who learns from it ---- */

static void prepare_redis_data(struct live *live)
{
	live_mkdir(live, "{work}/data");
	(void)live_free_port(live);
}

const struct live_work real_servers_work[] = {
	{.name = "redis-server",
	 .policy = "redis-server",
	 .programs = {REDIS, REDIS_CLI},
	 .prepare = prepare_redis_data,
	 .argv = redis,
	 .flags = redis_flags,
	 .use = use_redis},
	{.name = "redis-cli",
	 .policy = "redis-cli",
	 .programs = {REDIS, REDIS_CLI},
	 .prepare = prepare_redis,
	 .cases = redis_cli_does,
	 .count = COUNT(redis_cli_does)},
	{.name = "nginx",
	 .policy = "nginx",
	 .programs = {NGINX},
	 .prepare = prepare_nginx,
	 .argv = nginx,
	 .flags = nginx_flags,
	 .use = use_nginx},
};
const size_t real_servers_works = COUNT(real_servers_work);
