/* SPDX-License-Identifier: MIT */
/* Live: --api with real clients. Longer than most, as it holds the place of the socket and every
 * op.
 */
#include "api_client.h"

TestSuite(api, .timeout = 120, .fini = live_cleanup);

/* ---- the place ---- */

Test(api, place_and_its_end)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	struct live live;
	struct stat st;

	live_need_landlock(6);
	stage_init(&live, getuid() == 0 ? LIVE_NOBODY : getuid());
	for (size_t i = 0; i < COUNT(signals); i++) {
		/* The usual one, where nothing is named. */
		struct server s = server_start(&live, "--api");

		cr_expect_eq(lstat(s.socket, &st), 0);
		cr_expect(S_ISSOCK(st.st_mode) && (st.st_mode & 07777) == 0600, "mode %o",
			  st.st_mode);
		cr_expect_eq(st.st_uid, live.uid);
		cr_expect_eq(server_stop(&s, signals[i]), 0, "signal %d", signals[i]);
		cr_expect(access(s.socket, F_OK) != 0, "signal %d: the socket is still there",
			  signals[i]);
	}
	live_done(&live);
}

static void expect_refusal(struct live *live, const char *option, const char *env, const char *says)
{
	const char *const argv[] = {SBX, option, NULL};
	const char *const envp[] = {env, NULL};
	struct live_result result = live_run(
		live,
		&(struct live_command){.argv = argv, .env = env ? envp : NULL, .timeout_s = 10});

	cr_expect_eq(result.status, 2, "%s: %d", option, result.status);
	cr_expect(strstr(result.err, says), "%s says: %s", option, result.err);
	live_result_done(&result);
}

Test(api, place_that_is_taken)
{
	struct live live;
	struct server s = stage(&live);
	struct client c = client_open(&s);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat before, after;
	json_t *json;
	int fd, directory;

	/* A live one stays. */
	expect_refusal(&live, "--api=" SOCKET, NULL, "somebody serves there already");
	json = ask(&c, "{\"op\":\"list\"}");
	cr_expect(is_ok(json));
	json_decref(json);
	client_close(&c);
	server_end(&s);

	/* What is no socket, too. */
	live_write(&live, SOCKET, "precious");
	expect_refusal(&live, "--api=" SOCKET, NULL, "is there, and no socket");
	cr_expect(live_exists(&live, SOCKET));
	cr_expect_eq(unlink(s.socket), 0);
	expect_refusal(&live, "--api", NULL, "XDG_RUNTIME_DIR is not set: name a socket");
	expect_refusal(&live, "--api=/no/such/dir/x", NULL, "No such file or directory");
	expect_refusal(&live, "--api={work}/", NULL, "cannot be the name of a socket");

	/* Another's: root's, which nobody serves. */
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%.107s", s.socket);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	(void)close(fd);
	if (live.uid != getuid()) {
		expect_refusal(&live, "--api=" SOCKET, NULL, "is there, and belongs to uid 0");
		cr_assert_eq(chown(s.socket, live.uid, live.uid), 0);
	}
	/* A stale one of ours makes room. */
	cr_assert_eq(lstat(s.socket, &before), 0);
	s = server_start(&live, NULL);
	cr_assert_eq(lstat(s.socket, &after), 0);
	cr_expect_eq(after.st_mode & 07777, 0600);
	/* While somebody else looks whether a socket there is stale, nobody comes in between. */
	directory = open(live.work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_eq(flock(directory, LOCK_EX), 0);
	expect_refusal(&live, "--api=" SOCKET, NULL, "somebody keeps its directory locked");
	(void)close(directory);
	/* Whose name was taken meanwhile does not take it away. */
	cr_assert_eq(unlink(s.socket), 0);
	live_write(&live, SOCKET, "another's");
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	cr_expect(live_exists(&live, SOCKET));
	live_done(&live);
}

/* Two that start at once: one serves, one is refused, and the place is that of the first. */
Test(api, place_for_one)
{
	struct live live;
	struct server s;

	live_need_landlock(6);
	stage_init(&live, getuid() == 0 ? LIVE_NOBODY : getuid());
	for (int i = 0; i < 5; i++) {
		pid_t others[4];
		int refused = 0, status;
		char option[300];

		s = (struct server){.live = &live};
		(void)snprintf(s.socket, sizeof(s.socket), "%s/api.sock", live.work);
		(void)snprintf(s.log, sizeof(s.log), "%s/api.log", live.root);
		(void)snprintf(option, sizeof(option), "--api=%s", s.socket);
		for (size_t k = 0; k < COUNT(others); k++) {
			others[k] = fork();
			if (others[k] == 0)
				serve(&live, &s, option);
		}
		for (long until = now_ms() + 10000; refused < 3 && now_ms() < until; sleep_ms(5))
			for (size_t k = 0; k < COUNT(others); k++)
				if (others[k] && waitpid(others[k], &status, WNOHANG) > 0) {
					cr_expect_eq(WEXITSTATUS(status), 2);
					others[k] = 0;
					refused++;
				}
		cr_expect_eq(refused, 3, "%d of four were refused", refused);
		for (size_t k = 0; k < COUNT(others); k++) {
			struct client c;
			json_t *json;

			if (!others[k])
				continue;
			s.pid = others[k];
			c = client_open(&s);
			json = ask(&c, "{\"op\":\"list\"}");
			cr_expect(is_ok(json));
			json_decref(json);
			client_close(&c);
			/* Leaves a stale socket for the next four. */
			(void)server_stop(&s, SIGKILL);
		}
	}
	live_done(&live);
}

/* As @uid: what is said to a client that only speaks. In the parent: an exit status. */
static int other_user(const char *path, uid_t uid, const char *expect)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		char text[512] = "";
		int fd;

		if (setgroups(0, NULL) != 0 || setgid(uid) != 0 || setuid(uid) != 0)
			_exit(3);
		fd = connect_to(path);
		if (fd < 0)
			_exit(errno == EACCES ? 13 : 4);
		(void)!send(fd, "{\"op\":\"list\"}\n", 14, MSG_NOSIGNAL);
		for (size_t n = 0; n < sizeof(text) - 1;) {
			ssize_t got = recv(fd, text + n, sizeof(text) - 1 - n, 0);

			if (got <= 0)
				break;
			n += (size_t)got;
		}
		_exit(strstr(text, expect) ? 0 : 5);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

Test(api, other_users)
{
	static const struct {
		uid_t server, client;
		const char *says;
	} rows[] = {
		{0, LIVE_NOBODY, "uid 65534 is not served here"},
		{LIVE_NOBODY, 65533, "uid 65533 is not served here"},
		{LIVE_NOBODY, LIVE_NOBODY, "\"promises\""},
		{LIVE_NOBODY, 0, "\"promises\""},
	};

	live_need_root();
	live_need_landlock(6);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct live live;
		struct server s;

		stage_init(&live, rows[i].server);
		s = server_start(&live, NULL);
		if (rows[i].client != 0 && rows[i].client != rows[i].server)
			cr_expect_eq(other_user(s.socket, rows[i].client, "x"), 13,
				     "row %zu: the mode keeps others out", i);
		/* And whoever comes all the same is asked who he is. */
		cr_assert_eq(chmod(s.socket, 0666), 0);
		cr_expect_eq(other_user(s.socket, rows[i].client, rows[i].says), 0, "row %zu", i);
		server_end(&s);
		live_done(&live);
	}
}

/* ---- the ops ---- */

Test(api, ops)
{
	static const struct {
		const char *request;
		bool ok;
		const char *key, *value; /* a text, and what is in it; "message" is the error's */
		const char *file;	 /* of the error */
		int line;
	} rows[] = {
		{"{\"op\":\"check\",\"policy\":\"[sandbox]\\npromises = stdio\\n\"}", true, NULL,
		 NULL, NULL, 0},
		{"{\"op\":\"check\",\"policy\":\"[sandbox]\\n\\npromises = stdio inett\\n\"}",
		 false, "message", "unknown promise \"inett\" (did you mean \"inet\"?)", "policy",
		 3},
		{"{\"op\":\"check\",\"policy\":\"[sandbox]\\ninclude = x.ini\\n\"}", false,
		 "message", "\"include\" is not possible here", "policy", 2},
		{"{\"op\":\"check\",\"file\":\"{stage}/conf/ls.ini\"}", true, NULL, NULL, NULL, 0},
		{"{\"op\":\"check\",\"file\":\"{work}/bad.ini\"}", false, "message",
		 "unknown key \"promisses\"", "{work}/bad.ini", 2},
		{"{\"op\":\"check\",\"file\":\"/no/such.ini\"}", false, "message", "No such file",
		 NULL, 0},
		{"{\"op\":\"print-policy\",\"promises\":\"stdio rpath\",\"unveil\":[\"r:/etc\"]}",
		 true, "policy", "\nr = /etc\n", NULL, 0},
		{"{\"op\":\"print-policy\",\"file\":\"{stage}/conf/ls.ini\",\"argv\":[\"ls\"]}",
		 true, "policy", "promises = stdio rpath", NULL, 0},
		{"{\"op\":\"print-policy\",\"policy\":\"[sandbox]\\npromises = stdio dns\\n\"}",
		 true, "policy", "promises = stdio dns", NULL, 0},
		{"{\"op\":\"print-policy\",\"unveil\":[\"r:a\"],\"cwd\":\"/usr\"}", true, "policy",
		 "/a\n", NULL, 0},
		{"{\"op\":\"print-policy\",\"promises\":\"bpf\"}", false, "message",
		 "no Linux counterpart", NULL, 0},
		{"{\"op\":\"print-policy\",\"argv\":[\"no-such-program\"]}", false, "message",
		 "no-such-program: not found in PATH", NULL, 0},
		{"{\"op\":\"list\",\"promise\":\"flock\"}", true, "text", "System calls:", NULL, 0},
		{"{\"op\":\"list\",\"promise\":\"flok\"}", false, "message",
		 "(did you mean \"flock\"?)", NULL, 0},
		{"{\"op\":\"run\",\"argv\":[\"no-such-program\"]}", false, "message",
		 "no-such-program: not found in PATH", NULL, 0},
		{"{\"op\":\"run\",\"argv\":[\"ls\"],\"promises\":\"stdio inett\"}", false,
		 "message", "unknown promise", NULL, 0},
		{"{\"op\":\"run\",\"argv\":[\"ls\"],\"policy\":\"[sandbox]\\nx = y\\n\"}", false,
		 "message", "\"x\" belongs in [unveil]", "policy", 2},
		{"{\"op\":\"run\",\"argv\":[\"ls\"],\"cwd\":\"/no/such\"}", false, "message",
		 "cannot enter /no/such", NULL, 0},
		{"{\"op\":\"wait\",\"job\":99}", false, "message", "no job 99 of yours", NULL, 0},
		{"{\"op\":\"kill\",\"job\":99}", false, "message", "no job 99 of yours", NULL, 0},
		{"what?", false, "message", "not JSON", NULL, 0},
	};
	struct live live;
	struct server s = stage(&live);
	struct client c = client_open(&s);

	live_write(&live, "{work}/bad.ini", "[sandbox]\npromisses = stdio\n");
	say(&c, "{\"op\":\"list\",\"id\":\"first\"}\n");
	json_decref(answer(&c, ANSWER_MS));
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *request = live_expand(&live, rows[i].request);
		char *file = live_expand(&live, rows[i].file ? rows[i].file : "");
		json_t *json = ask(&c, request), *error = json_object_get(json, "error");
		const char *key = rows[i].key;

		cr_expect_eq(is_ok(json), rows[i].ok, "%s: %s", request, message_of(json));
		cr_expect(json_is_null(json_object_get(json, "id")), "%s", request);
		if (key)
			cr_expect(strstr(text_of(rows[i].ok ? json : error, key), rows[i].value),
				  "%s: %s", request, text_of(rows[i].ok ? json : error, key));
		if (rows[i].file)
			cr_expect_str_eq(text_of(error, "file"), file, "%s", request);
		cr_expect_eq(json_integer_value(json_object_get(error, "line")), rows[i].line, "%s",
			     request);
		json_decref(json);
		free(request);
		free(file);
	}
	client_close(&c);
	server_end(&s);
	live_done(&live);
}

Test(api, list_doctor_and_print)
{
	struct live live;
	struct server s = stage(&live);
	struct client c = client_open(&s);
	json_t *json = ask(&c, "{\"id\":\"a\",\"op\":\"list\"}");
	json_t *list = json_object_get(json, "promises");
	const char *const print[] = {SBX, "--print-policy", "-p", "stdio inet", "-v", "/etc", NULL};
	struct live_result printed;
	unsigned found = 0;

	cr_expect_gt(json_array_size(list), 20);
	cr_expect_str_eq(text_of(json, "id"), "a");
	cr_expect_str_eq(text_of(json_array_get(list, 0), "name"), "stdio");
	cr_expect(strlen(text_of(json_array_get(list, 0), "permits")) > 10);
	json_decref(json);

	json = ask(&c, "{\"id\":2,\"op\":\"list\",\"promise\":\"chown\"}");
	list = json_object_get(json, "calls");
	cr_expect_eq(number_of(json, "id"), 2);
	cr_expect_gt(json_array_size(list), 2);
	for (size_t i = 0; i < json_array_size(list); i++)
		found += strcmp(json_string_value(json_array_get(list, i)), "fchownat") == 0;
	cr_expect_eq(found, 1, "fchownat is there, once: %u", found);
	json_decref(json);

	json = ask(&c, "{\"op\":\"doctor\"}");
	cr_expect(json_is_true(json_object_get(json, "works")));
	list = json_object_get(json, "checks");
	cr_expect_gt(json_array_size(list), 5);
	cr_expect(strlen(text_of(json_array_get(list, 0), "verdict")) >= 2);
	json_decref(json);

	/* The same text as the command prints. */
	printed = live_run(&live, &(struct live_command){.argv = print});
	json = ask(&c,
		   "{\"op\":\"print-policy\",\"promises\":\"stdio inet\",\"unveil\":[\"/etc\"]}");
	cr_expect_str_eq(text_of(json, "policy"), printed.out);
	live_result_done(&printed);
	json_decref(json);
	client_close(&c);
	server_end(&s);
	live_done(&live);
}

Test(api, run)
{
	static const struct {
		const char *name, *request;
		int status;
		const char *signal, *out, *err; /* NULL: not there; err: a part */
	} rows[] = {
		{"outputs and status", "{\"op\":\"run\"," SH("echo one; echo two >&2; exit 7") "}",
		 7, NULL, "one\n", "two\n"},
		{"a signal", "{\"op\":\"run\"," SH("kill -USR1 $$") "}", 128 + SIGUSR1, "SIGUSR1",
		 "", ""},
		{"standard input is at its end", "{\"op\":\"run\",\"argv\":[\"cat\"]}", 0, NULL, "",
		 ""},
		{"its environment is the server's", "{\"op\":\"run\"," SH("echo $SHOWN-$HOME") "}",
		 0, NULL, "1-{home}\n", ""},
		{"or what is given, and nothing else",
		 "{\"op\":\"run\"," SH("echo $SHOWN-$MINE") ",\"env\":{\"MINE\":\"a b\",\"PATH\":"
							    "\"/usr/bin:/bin\"}}",
		 0, NULL, "-a b\n", ""},
		{"its directory", "{\"op\":\"run\"," SH("pwd") ",\"cwd\":\"/usr/share\"}", 0, NULL,
		 "/usr/share\n", ""},
		{"a policy as text",
		 "{\"op\":\"run\",\"argv\":[\"cat\",\"{outside}/secret.txt\"],\"policy\":"
		 "\"[sandbox]\\npromises = stdio\\n\"}",
		 1, NULL, "", "(policy:2)"},
		{"a policy with flags",
		 "{\"op\":\"run\",\"argv\":[\"cat\",\"{outside}/secret.txt\"],\"policy\":"
		 "\"[sandbox]\\npromises = stdio\\n\",\"promises\":\"rpath\",\"unveil\":"
		 "[\"{outside}\"]}",
		 0, NULL, LIVE_SECRET "\n", ""},
		{"a policy as a file",
		 "{\"op\":\"run\",\"argv\":[\"{root}/bin/confined\",\"{outside}/secret.txt\","
		 "\"{outside}/new\"],\"file\":\"{stage}/conf/probe.ini\"}",
		 0, NULL, NULL, "conf/probe.ini:2)"},
		{"a rule",
		 "{\"op\":\"run\",\"argv\":[\"cat\",\"/etc/hostname\"],\"promises\":"
		 "\"stdio rpath\",\"unveil\":[\"/etc\"],\"deny\":[\"read -> errno EIO\"]}",
		 1, NULL, "", "Input/output error"},
		{"quiet",
		 "{\"op\":\"run\",\"argv\":[\"cat\",\"{outside}/secret.txt\"],\"quiet\":true}", 1,
		 NULL, "", "cat: "},
		{"explained",
		 "{\"op\":\"run\",\"argv\":[\"cat\",\"{outside}/secret.txt\"],\"explain\":true}", 1,
		 NULL, "", "r = {outside}/secret.txt"},
		{"killed", "{\"op\":\"run\",\"argv\":[\"id\"],\"kill\":true,\"quiet\":true}",
		 128 + SIGSYS, "SIGSYS", "", ""},
		{"what the start refuses",
		 "{\"op\":\"run\",\"argv\":[\"cat\"],\"promises\":"
		 "\"stdio\",\"unveil\":[\"/no/such\"]}",
		 2, NULL, "", "no such path: /no/such"},
	};
	struct live live;
	struct server s = stage(&live);
	struct client c = client_open(&s);

	for (size_t i = 0; i < COUNT(rows); i++) {
		char *request = live_expand(&live, rows[i].request);
		char *out = live_expand(&live, rows[i].out ? rows[i].out : "");
		char *err = live_expand(&live, rows[i].err);
		json_t *end = run(&c, request);

		cr_expect_eq(number_of(end, "status"), rows[i].status, "%s: %lld, %s", rows[i].name,
			     (long long)number_of(end, "status"), text_of(end, "err"));
		cr_expect_str_eq(text_of(end, "signal"), rows[i].signal ? rows[i].signal : "", "%s",
				 rows[i].name);
		if (rows[i].out)
			cr_expect_str_eq(text_of(end, "out"), out, "%s", rows[i].name);
		else
			cr_expect(strstr(text_of(end, "out"), "\nconfined\n"), "%s: %s",
				  rows[i].name, text_of(end, "out"));
		if (*err)
			cr_expect(strstr(text_of(end, "err"), err), "%s: %s", rows[i].name,
				  text_of(end, "err"));
		else
			cr_expect_str_empty(text_of(end, "err"), "%s: %s", rows[i].name,
					    text_of(end, "err"));
		json_decref(end);
		free(request);
		free(out);
		free(err);
	}
	client_close(&c);
	server_end(&s);
	live_done(&live);
}

/* Bytes that are no text, more of them than are kept, and an output that stays open. */
Test(api, run_outputs)
{
	struct live live;
	struct server s = stage(&live);
	struct client c = client_open(&s);
	json_t *end = run(&c, "{\"op\":\"run\"," SH("printf '\\\\377\\\\000'") "}");
	long begin;

	cr_expect_str_eq(text_of(end, "out_base64"), "/wA=");
	cr_expect_null(json_object_get(end, "out"));
	cr_expect_null(json_object_get(end, "out_truncated"));
	json_decref(end);

	end = run(&c, "{\"op\":\"run\"," SH(
			      "head -c 10000000 /dev/zero | tr '\\\\000' x; echo e >&2") "}");
	cr_expect_eq(number_of(end, "status"), 0, "%s", text_of(end, "err"));
	cr_expect_eq(strlen(text_of(end, "out")), 256 * 1024);
	cr_expect(json_is_true(json_object_get(end, "out_truncated")));
	cr_expect_str_eq(text_of(end, "err"), "e\n");
	cr_expect_null(json_object_get(end, "err_truncated"));
	json_decref(end);

	begin = now_ms();
	end = run(&c, "{\"op\":\"run\"," SH("sleep 30 & echo on") "}");
	cr_expect_str_eq(text_of(end, "out"), "on\n");
	cr_expect(json_is_true(json_object_get(end, "output_open")));
	cr_expect_lt(now_ms() - begin, 5000);
	json_decref(end);
	client_close(&c);
	server_end(&s);
	live_done(&live);
}

/* Send @text with descriptors. */
static void say_with(const struct client *c, const char *text, const int *fds, unsigned n)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int) * 253)];
	} control = {0};
	struct iovec part = {.iov_base = (char *)(uintptr_t)text, .iov_len = strlen(text)};
	struct msghdr msg = {.msg_iov = &part,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = CMSG_SPACE(sizeof(int) * n)};

	control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int) * n),
					  .cmsg_level = SOL_SOCKET,
					  .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * n);
	cr_assert_eq(sendmsg(c->fd, &msg, MSG_NOSIGNAL), (ssize_t)strlen(text), "%s",
		     strerror(errno));
}

/* What is in @fd; its other end is closed. */
static void expect_bytes(int fd, const char *expected, const char *name)
{
	char text[256] = "";
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	size_t n = 0;

	while (n < sizeof(text) - 1 && poll(&ready, 1, 5000) > 0) {
		ssize_t got = read(fd, text + n, sizeof(text) - 1 - n);

		if (got <= 0)
			break;
		n += (size_t)got;
	}
	text[n] = '\0';
	cr_expect_str_eq(text, expected, "%s: %s", name, text);
}

Test(api, descriptors)
{
	static const char cat[] = "{\"op\":\"run\",\"wait\":true," SH("cat; echo e >&2") "}\n";
	struct live live;
	struct server s = stage(&live);
	struct client c = client_open(&s);
	int in[2], out[2], err[2];
	unsigned fds;
	json_t *json;

	json_decref(ask(&c, "{\"op\":\"list\"}"));
	fds = count_fds(s.pid);
	cr_assert(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 &&
		  pipe2(err, O_CLOEXEC) == 0);
	cr_assert_eq(write(in[1], "hello\n", 6), 6);
	(void)close(in[1]);
	/* What comes with other lines before is not mixed up. */
	say(&c, "{\"op\":\"list\",\"id\":1}\n");
	say_with(&c, cat, (int[]){in[0], out[1], err[1]}, 3);
	(void)close(out[1]);
	(void)close(err[1]);
	json_decref(answer(&c, ANSWER_MS));
	json = answer(&c, ANSWER_MS);
	cr_assert(json && is_ok(json), "%s", message_of(json));
	cr_expect_eq(number_of(json, "status"), 0);
	cr_expect(!json_object_get(json, "out") && !json_object_get(json, "err"));
	json_decref(json);
	expect_bytes(out[0], "hello\n", "standard output");
	expect_bytes(err[0], "e\n", "standard error");
	(void)close(out[0]);
	(void)close(err[0]);

	/* Standard input alone: the outputs are captured. In two pieces, the descriptor with the
	 * first. */
	cr_assert_eq(lseek(in[0], 0, SEEK_SET), -1);
	(void)close(in[0]);
	in[0] = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	say_with(&c, "{\"op\":\"run\",\"wait\":true,\"argv\":[\"head\",", in, 1);
	sleep_ms(50);
	say(&c, "\"-c5\"]}\n");
	json = answer(&c, ANSWER_MS);
	cr_assert(json && is_ok(json), "%s", message_of(json));
	cr_expect_str_eq(text_of(json, "out"), "root:");
	json_decref(json);

	/* For another op, and too many. */
	say_with(&c, "{\"op\":\"list\",\"id\":5}\n", in, 1);
	json = answer(&c, ANSWER_MS);
	cr_expect(!is_ok(json) && strstr(message_of(json), "for \"run\" alone"), "%s",
		  message_of(json));
	json_decref(json);
	say_with(&c, cat, (int[]){in[0], in[0], in[0], in[0]}, 4);
	json = answer(&c, ANSWER_MS);
	cr_expect(!is_ok(json) && strstr(message_of(json), "more descriptors"), "%s",
		  message_of(json));
	json_decref(json);
	(void)close(in[0]);
	for (long until = now_ms() + 2000; count_fds(s.pid) != fds && now_ms() < until;)
		sleep_ms(10);
	cr_expect_eq(count_fds(s.pid), fds, "descriptors are left: %u, not %u", count_fds(s.pid),
		     fds);
	client_close(&c);
	server_end(&s);
	live_done(&live);
}

Test(api, learn)
{
	struct live live;
	struct server s = stage(&live);
	struct client c = client_open(&s);
	json_t *json, *request, *end;
	char *text;
	long begin;

	json = ask(&c, "{\"id\":\"l\",\"op\":\"learn\",\"argv\":[\"cat\",\"/etc/hostname\"]}");
	cr_assert(is_ok(json), "%s", message_of(json));
	cr_expect_eq(number_of(json, "status"), 0);
	cr_expect(strstr(text_of(json, "policy"), "r = /etc/hostname"), "%s",
		  text_of(json, "policy"));
	cr_expect(strlen(text_of(json, "out")) > 0);
	/* It is a policy, and one for the same work. */
	request = json_pack("{s:s, s:[s,s], s:O, s:b}", "op", "run", "argv", "cat", "/etc/hostname",
			    "policy", json_object_get(json, "policy"), "wait", 1);
	text = json_dumps(request, JSON_COMPACT);
	end = ask(&c, text);
	cr_expect_eq(number_of(end, "status"), 0, "%s", text_of(end, "err"));
	cr_expect_str_eq(text_of(end, "out"), text_of(json, "out"));
	free(text);
	json_decref(request);
	json_decref(end);
	json_decref(json);

	begin = now_ms();
	json = ask(&c, "{\"op\":\"learn\",\"argv\":[\"sh\",\"-c\",\"cat /etc/hostname; sleep 60\"],"
		       "\"timeout\":0.5}");
	cr_expect_lt(now_ms() - begin, 5000);
	cr_expect(is_ok(json) && json_is_true(json_object_get(json, "timed_out")), "%s",
		  message_of(json));
	cr_expect(strstr(text_of(json, "policy"), "/etc/hostname"), "%s", text_of(json, "policy"));
	json_decref(json);

	json = ask(&c, "{\"op\":\"learn\",\"argv\":[\"no-such-program\"]}");
	cr_expect(!is_ok(json) && strstr(message_of(json), "not found in PATH"), "%s",
		  message_of(json));
	json_decref(json);
	client_close(&c);
	server_end(&s);
	/* Nothing is left where it was learned: XDG_RUNTIME_DIR is home/. */
	{
		const char *const argv[] = {"/bin/ls", "-A", "{home}", NULL};
		struct live_result left = live_run(&live, &(struct live_command){.argv = argv});

		cr_expect_str_empty(left.out, "%s", left.out);
		live_result_done(&left);
	}
	live_done(&live);
}

/* ---- many at a time ---- */

Test(api, requests_at_once)
{
	enum { LISTS = 50 };
	struct live live;
	struct server s = stage(&live);
	struct client c = client_open(&s), d = client_open(&s);
	bool seen[LISTS] = {false};
	long begin = now_ms(), lists;
	json_t *json;

	/* A slow one, waited for, beside fifty quick ones of the same client, and some of another.
	 */
	json = ask(&c, "{\"op\":\"run\"," SH("sleep 2; echo slow") "}");
	cr_assert_eq(number_of(json, "job"), 1);
	json_decref(json);
	say(&c, "{\"id\":\"slow\",\"op\":\"wait\",\"job\":1}\n");
	begin = now_ms();
	for (int i = 0; i < LISTS; i++) {
		char line[64];

		(void)snprintf(line, sizeof(line), "{\"id\":%d,\"op\":\"list\"}\n", i);
		say(&c, line);
	}
	for (int i = 0; i < LISTS; i++) {
		json_int_t id;

		json = answer(&c, ANSWER_MS);
		cr_assert_not_null(json, "answer %d", i);
		id = number_of(json, "id");
		cr_assert(id >= 0 && id < LISTS && !seen[id], "id %lld", (long long)id);
		seen[id] = true;
		json_decref(json);
	}
	lists = now_ms() - begin;
	cr_expect_lt(lists, 1500, "fifty lists took %ld ms", lists);
	json_decref(ask(&d, "{\"op\":\"check\",\"policy\":\"[sandbox]\\npromises = stdio\\n\"}"));
	json = answer(&c, ANSWER_MS);
	cr_assert_not_null(json);
	cr_expect_str_eq(text_of(json, "id"), "slow");
	cr_expect_str_eq(text_of(json, "out"), "slow\n");
	json_decref(json);

	/* More works than run at a time: each is answered. */
	memset(seen, 0, sizeof(seen));
	for (int i = 0; i < 20; i++) {
		char line[128];

		(void)snprintf(line, sizeof(line),
			       "{\"id\":%d,\"op\":\"print-policy\",\"promises\":\"stdio\"}\n", i);
		say(&c, line);
	}
	for (int i = 0; i < 20; i++) {
		json_int_t id;

		json = answer(&c, ANSWER_MS);
		cr_assert(json && is_ok(json), "%d: %s", i, message_of(json));
		id = number_of(json, "id");
		cr_assert(id >= 0 && id < 20 && !seen[id], "id %lld", (long long)id);
		seen[id] = true;
		json_decref(json);
	}
	client_close(&c);
	client_close(&d);
	server_end(&s);
	live_done(&live);
}

/* More than are permitted at a time are refused, and none of the others is harmed. */
Test(api, jobs_are_bounded)
{
	enum { JOBS = 40, MOST = 32 };
	struct live live;
	struct server s = stage(&live);
	struct client c = client_open(&s);
	pid_t pids[JOBS];
	unsigned begun = 0, busy = 0;

	for (int i = 0; i < JOBS; i++)
		say(&c, "{\"op\":\"run\",\"argv\":[\"sleep\",\"60\"],\"quiet\":true}\n");
	for (int i = 0; i < JOBS; i++) {
		json_t *json = answer(&c, 20000);

		cr_assert_not_null(json, "answer %d", i);
		if (is_ok(json))
			pids[begun++] = (pid_t)number_of(json, "pid");
		else
			busy += strstr(message_of(json), "busy") != NULL;
		json_decref(json);
	}
	cr_expect(begun == MOST && busy == JOBS - MOST, "%u began, %u were told busy", begun, busy);
	server_end(&s);
	for (unsigned i = 0; i < begun; i++)
		cr_expect(ends_within(pids[i], 2000), "job %u goes on without its server", i);
	client_close(&c);
	live_done(&live);
}

/* ---- ends ---- */

Test(api, kill_and_time)
{
	struct live live;
	struct server s = stage(&live);
	struct client c = client_open(&s), other = client_open(&s);
	json_t *json;
	long begin;
	pid_t pid;

	json = ask(&c, "{\"op\":\"run\",\"argv\":[\"sleep\",\"60\"]}");
	pid = (pid_t)number_of(json, "pid");
	json_decref(json);
	begin = now_ms();
	json = ask(&c, "{\"op\":\"wait\",\"job\":1,\"timeout\":0.3}");
	cr_expect(is_ok(json) && json_is_true(json_object_get(json, "running")));
	cr_expect(now_ms() - begin >= 290 && now_ms() - begin < 3000, "%ld ms", now_ms() - begin);
	json_decref(json);
	/* Another's job is none of theirs. */
	json = ask(&other, "{\"op\":\"kill\",\"job\":1}");
	cr_expect(!is_ok(json) && !has_ended(pid));
	json_decref(json);
	json = ask(&c, "{\"op\":\"kill\",\"job\":1,\"signal\":\"INT\"}");
	cr_expect(is_ok(json), "%s", message_of(json));
	json_decref(json);
	cr_expect(ends_within(pid, 2000));
	sleep_ms(100);
	json = ask(&c, "{\"op\":\"kill\",\"job\":1}");
	cr_expect(!is_ok(json) && strstr(message_of(json), "it has ended"), "%s", message_of(json));
	json_decref(json);
	json = ask(&c, "{\"op\":\"wait\",\"job\":1}");
	cr_expect_str_eq(text_of(json, "signal"), "SIGINT");
	cr_expect_eq(number_of(json, "status"), 128 + SIGINT);
	json_decref(json);
	json = ask(&c, "{\"op\":\"wait\",\"job\":1}");
	cr_expect(!is_ok(json), "waited for twice");
	json_decref(json);

	/* A group: the shell would wait for its child. */
	json = ask(&c, "{\"op\":\"run\"," SH("trap : TERM; sleep 60; echo over") "}");
	json_decref(json);
	sleep_ms(300);
	json = ask(&c, "{\"op\":\"kill\",\"job\":2,\"group\":true,\"signal\":15}");
	cr_expect(is_ok(json), "%s", message_of(json));
	json_decref(json);
	json = ask(&c, "{\"op\":\"wait\",\"job\":2}");
	cr_expect_str_eq(text_of(json, "out"), "over\n");
	json_decref(json);

	/* Who does not hear SIGTERM hears SIGKILL. */
	begin = now_ms();
	json = ask(&c, "{\"op\":\"run\",\"wait\":true,\"timeout\":0.2," SH(
			       "trap '' TERM; while :; do sleep 0.1; done") "}");
	cr_expect_str_eq(text_of(json, "signal"), "SIGKILL");
	cr_expect(json_is_true(json_object_get(json, "timed_out")));
	cr_expect(now_ms() - begin < 8000, "%ld ms", now_ms() - begin);
	json_decref(json);
	client_close(&c);
	client_close(&other);
	server_end(&s);
	live_done(&live);
}

Test(api, client_vanishes)
{
	struct live live;
	struct server s = stage(&live);
	struct client c = client_open(&s), d;
	char *text = NULL, wait[64];
	pid_t pid, stays, child_pid = 0;
	json_t *json;

	json = ask(&c,
		   "{\"op\":\"run\",\"argv\":[\"sh\",\"-c\",\"sleep 60 & echo $! >child; wait\"],"
		   "\"promises\":\"stdio rpath wpath cpath proc exec\","
		   "\"unveil\":[\"rx:/usr\",\"rx:/bin\",\"rwc:.\"]}");
	cr_assert(is_ok(json), "%s", message_of(json));
	pid = (pid_t)number_of(json, "pid");
	json_decref(json);
	json = ask(&c, "{\"op\":\"run\",\"argv\":[\"sleep\",\"60\"],\"detach\":true}");
	cr_assert(is_ok(json), "%s", message_of(json));
	stays = (pid_t)number_of(json, "pid");
	(void)snprintf(wait, sizeof(wait), "{\"op\":\"kill\",\"job\":%lld}",
		       (long long)number_of(json, "job"));
	json_decref(json);
	for (long until = now_ms() + 5000; child_pid <= 0 && now_ms() < until; sleep_ms(20)) {
		free(text);
		text = live_read(&live, "{work}/child");
		child_pid = text ? atoi(text) : 0;
	}
	cr_assert_gt(child_pid, 0);
	cr_expect(!has_ended(pid) && !has_ended(child_pid));
	client_close(&c);
	cr_expect(ends_within(pid, 2000), "the job goes on");
	cr_expect(ends_within(child_pid, 2000), "its child goes on");
	cr_expect(!has_ended(stays), "what was detached does not");

	/* Anybody's now. */
	d = client_open(&s);
	json = ask(&d, wait);
	cr_expect(is_ok(json), "%s", message_of(json));
	json_decref(json);
	memcpy(wait, "{\"op\":\"wait\"", 12);
	json = ask(&d, wait);
	cr_expect_str_eq(text_of(json, "signal"), "SIGTERM", "%s", message_of(json));
	json_decref(json);

	/* One that stays when the server goes. */
	json = ask(&d,
		   "{\"op\":\"run\",\"argv\":[\"sleep\",\"60\"],\"detach\":true,\"quiet\":true}");
	stays = (pid_t)number_of(json, "pid");
	json_decref(json);
	server_end(&s);
	sleep_ms(100);
	cr_expect(!has_ended(stays));
	(void)kill(stays, SIGKILL);
	client_close(&d);
	free(text);
	live_done(&live);
}

/* Whatever ends the server ends its jobs. */
Test(api, server_is_killed)
{
	struct live live;
	struct server s = stage(&live);
	struct client c = client_open(&s);
	json_t *json = ask(&c, "{\"op\":\"run\",\"argv\":[\"sleep\",\"60\"]}");
	pid_t pid = (pid_t)number_of(json, "pid");

	cr_assert_gt(pid, 1);
	json_decref(json);
	cr_expect_eq(server_stop(&s, SIGKILL), 128 + SIGKILL);
	cr_expect(ends_within(pid, 2000), "the job goes on");
	client_close(&c);
	live_done(&live);
}

/* Requests first, then nothing more: answers come, and then the end. */
Test(api, half_closed)
{
	struct live live;
	struct server s = stage(&live);
	struct client c = client_open(&s);
	json_t *json;

	say(&c, "{\"id\":1,\"op\":\"run\",\"wait\":true," SH(
			"sleep 1; echo late") "}\n"
					      "{\"id\":2,\"op\":\"list\",\"promise\":\"dns\"}");
	cr_assert_eq(shutdown(c.fd, SHUT_WR), 0);
	json = answer(&c, ANSWER_MS);
	cr_expect_eq(number_of(json, "id"), 2);
	json_decref(json);
	json = answer(&c, ANSWER_MS);
	cr_expect_eq(number_of(json, "id"), 1);
	cr_expect_str_eq(text_of(json, "out"), "late\n");
	json_decref(json);
	cr_expect(!hear(&c, now_ms() + 2000) && recv(c.fd, &(char){0}, 1, MSG_DONTWAIT) == 0,
		  "the server closes");
	client_close(&c);
	server_end(&s);
	live_done(&live);
}

/* ---- people ---- */

/* Wait until @text was said. */
static bool hears(struct client *c, const char *text)
{
	long until = now_ms() + ANSWER_MS;

	while (!c->len || !strstr(c->buf, text))
		if (!hear(c, until))
			return false;
	/* What was said up to there is done with. */
	c->len = 0;
	c->buf[0] = '\0';
	return true;
}

Test(api, dialog)
{
	struct live live;
	struct server s = stage(&live);
	struct client c = client_open(&s), program;
	long begin = now_ms();
	char *log;
	json_t *json;

	/* Who says nothing is spoken to, but not at once. */
	cr_expect(hears(&c, "Which program, with its arguments? "));
	cr_expect(now_ms() - begin >= 190, "after %ld ms", now_ms() - begin);
	say(&c, "?\n");
	cr_expect(hears(&c, "as you would type it"));
	say(&c, "no-such-program\n");
	cr_expect(hears(&c, "no-such-program: not found in PATH"));
	say(&c, "echo 'it ran'\n");
	cr_expect(hears(&c, "[y]"), "asks before it runs");
	say(&c, "\n");
	cr_expect(hears(&c, "ended with exit status 0"), "%s", c.buf ? c.buf : "");

	/* Programs are served beside, also one that was slow. */
	program = client_open(&s);
	cr_expect(hears(&program, "Which program"));
	say(&program, "{\"id\":9,\"op\":\"list\"}\n");
	json = answer(&program, ANSWER_MS);
	cr_assert_not_null(json);
	cr_expect_eq(number_of(json, "id"), 9);
	json_decref(json);
	client_close(&program);
	client_close(&c);
	sleep_ms(200);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	/* Its output is the server's. */
	log = live_read(&live, s.log);
	cr_expect(log && strstr(log, "\nit ran\n"), "%s", log ? log : "no log");
	free(log);
	live_done(&live);
}

Test(api, dialog_with_nc)
{
	static const char *const argv[] = {
		"/bin/sh", "-c",
		"{ sleep 0.5; echo 'no-such-program'; sleep 0.3; echo true; sleep 1; } |"
		" nc -N -U api.sock",
		NULL};
	struct live live;
	struct server s;
	struct live_result result;

	live_need_program("/usr/bin/nc");
	s = stage(&live);
	result = live_run(&live, &(struct live_command){.argv = argv, .timeout_s = 20});
	cr_expect_eq(result.status, 0, "%s", result.err);
	cr_expect(strstr(result.out, "Which program, with its arguments? "), "%s", result.out);
	cr_expect(strstr(result.out, "no-such-program: not found in PATH"), "%s", result.out);
	cr_expect(strstr(result.out, "true is going to run unconfined"), "%s", result.out);
	live_result_done(&result);
	cr_expect_eq(server_stop(&s, SIGTERM), 0);
	live_done(&live);
}

/* ---- the manual's examples ---- */

/* The example after the comment @name of the manual, as a reader sees it; heap. */
static char *example(const char *name)
{
	static const struct {
		const char *roff, *text;
	} escapes[] = {{"\\-", "-"}, {"\\e", "\\"}, {"\\(aq", "'"}, {"\\[aq]", "'"}, {"\\&", ""}};
	const char *build = getenv("SBX_BUILD");
	char path[512], heading[64], *page = NULL, *text, *out;
	const char *at, *end;
	size_t size = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/sbx-preload.1", build ? build : "build");
	f = fopen(path, "re");
	cr_assert_not_null(f, "%s: %m", path);
	cr_assert_gt(getdelim(&page, &size, '\0', f), 0);
	(void)fclose(f);
	(void)snprintf(heading, sizeof(heading), ".\\\" example: %s\n", name);
	at = strstr(page, heading);
	cr_assert_not_null(at, "%s has no example \"%s\"", path, name);
	at = strstr(at, ".EX\n") + 4;
	end = strstr(at, "\n.EE");
	cr_assert_not_null(end);
	text = out = malloc((size_t)(end - at) + 2);
	while (at < end) {
		size_t i = 0;

		while (i < COUNT(escapes) &&
		       strncmp(at, escapes[i].roff, strlen(escapes[i].roff)) != 0)
			i++;
		if (i == COUNT(escapes)) {
			*out++ = *at++;
			continue;
		}
		out = stpcpy(out, escapes[i].text);
		at += strlen(escapes[i].roff);
	}
	(void)strcpy(out, "\n");
	free(page);
	return text;
}

Test(api, examples_of_the_manual)
{
	static const struct {
		const char *name, *interpreter, *out[3];
	} rows[] = {
		{"shell", "/bin/sh", {"\"calls\":[\"flock\"", "\"job\":1,\"status\":1", NULL}},
		{"python",
		 "/usr/bin/python3",
		 {"exit status 1\n", "confined\n", "cat: /etc/passwd: Permission denied"}},
	};
	struct live live;
	struct server s = stage(&live);

	live_need_program("/usr/bin/nc");
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *const argv[] = {rows[i].interpreter, "{work}/example", NULL};
		const char *const env[] = {"SOCKET=" SOCKET, NULL};
		char *text = example(rows[i].name);
		struct live_result result;

		live_need_program(rows[i].interpreter);
		/* Braces are its own: not through live_write(). */
		stage_put(&live, "{work}/example", text, strlen(text), 0644);
		result = live_run(&live, &(struct live_command){.argv = argv, .env = env});
		cr_expect_eq(result.status, 0, "%s: %s", rows[i].name, result.err);
		for (size_t k = 0; k < COUNT(rows[i].out); k++)
			cr_expect(!rows[i].out[k] || strstr(result.out, rows[i].out[k]), "%s: %s",
				  rows[i].name, result.out);
		live_result_done(&result);
		free(text);
	}
	server_end(&s);
	live_done(&live);
}
