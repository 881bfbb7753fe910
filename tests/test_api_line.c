/* SPDX-License-Identifier: MIT */
/* What --api makes of bytes: lines, requests, words, text. Pure. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../launcher/api_parts.h"

/* ---- lines ---- */

/* Whatever pieces they come in. */
Test(api_line, lines_in_pieces)
{
	static const char text[] = "{\"a\":1}\n\n  \r\nlast";
	static const char *const lines[] = {"{\"a\":1}", "", "  \r", "last"};

	for (size_t piece = 1; piece <= strlen(text); piece++) {
		struct api_lines in = {0};
		size_t n = 0, len;
		const char *line;

		for (size_t at = 0; at < strlen(text); at += piece) {
			size_t left = strlen(text) - at;

			cr_assert_eq(api_lines_add(&in, text + at, left < piece ? left : piece), 0);
			while (api_lines_next(&in, false, &line, &len) == 1) {
				cr_expect(
					len == strlen(lines[n]) && memcmp(line, lines[n], len) == 0,
					"pieces of %zu, line %zu: %.*s", piece, n, (int)len, line);
				n++;
			}
		}
		cr_expect_eq(n, 3, "pieces of %zu: %zu lines before the end", piece, n);
		cr_expect_eq(api_lines_next(&in, true, &line, &len), 1);
		cr_expect(len == 4 && memcmp(line, "last", 4) == 0);
		cr_expect_eq(in.taken, strlen(text));
		cr_expect_eq(api_lines_next(&in, true, &line, &len), 0);
		cr_expect_eq(api_lines_left(&in), 0);
		api_lines_done(&in);
	}
}

/* The longest line is one, and one byte more is none, whether its newline has come or not. */
Test(api_line, bound_of_a_line)
{
	char *big = malloc(API_LINE_MAX + 2);
	struct api_lines in = {0};
	const char *line;
	size_t len;

	cr_assert_not_null(big);
	memset(big, 'x', API_LINE_MAX + 1);
	cr_assert_eq(api_lines_add(&in, big, API_LINE_MAX), 0);
	cr_expect_eq(api_lines_next(&in, false, &line, &len), 0);
	cr_assert_eq(api_lines_add(&in, "\n", 1), 0);
	cr_expect_eq(api_lines_next(&in, false, &line, &len), 1);
	cr_expect_eq(len, API_LINE_MAX);
	/* A large buffer is given back. */
	cr_assert_eq(api_lines_add(&in, "", 0), 0);
	cr_expect_leq(in.cap, 64 * 1024);

	cr_assert_eq(api_lines_add(&in, big, API_LINE_MAX + 1), 0);
	cr_expect_eq(api_lines_next(&in, false, &line, &len), -EMSGSIZE);
	api_lines_done(&in);
	big[API_LINE_MAX + 1] = '\n';
	cr_assert_eq(api_lines_add(&in, big, API_LINE_MAX + 2), 0);
	cr_expect_eq(api_lines_next(&in, false, &line, &len), -EMSGSIZE);
	api_lines_done(&in);
	free(big);
}

/* A socket takes what it has room for; the rest stays, in order. */
Test(api_line, queue_through_a_socket)
{
	struct api_queue out = {0};
	size_t sent = 0, got = 0;
	unsigned char buf[5000];
	ssize_t n;
	int ends[2], r = 0;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	while (sent < 2000000) {
		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = (unsigned char)((sent + i) % 251);
		cr_assert_eq(api_queue_put(&out, (char *)buf, sizeof(buf)), 0);
		sent += sizeof(buf);
	}
	cr_expect_eq(api_queue_send(&out, ends[0]), 0);
	cr_expect_gt(api_queue_left(&out), 0, "a socket's buffer is not that large");
	while (got < sent && r == 0 && (n = recv(ends[1], buf, sizeof(buf), 0)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			cr_assert_eq(buf[i], (got + (size_t)i) % 251, "byte %zu", got + (size_t)i);
		got += (size_t)n;
		r = api_queue_send(&out, ends[0]);
	}
	cr_expect_eq(got, sent);
	cr_expect_eq(api_queue_left(&out), 0);
	(void)close(ends[1]);
	cr_assert_eq(api_queue_put(&out, "x", 1), 0);
	cr_expect_eq(api_queue_send(&out, ends[0]), -EPIPE, "nobody is there, and no signal");
	(void)close(ends[0]);
	api_queue_done(&out);
}

/* ---- bytes as JSON ---- */

#define BYTES(text) text, sizeof(text) - 1

Test(api_line, text_or_base64)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *text;   /* NULL: none */
		const char *base64; /* NULL: none */
		const char *shown;  /* by api_text() */
	} rows[] = {
		{BYTES(""), "", NULL, ""},
		{BYTES("plain\n\x1b[1m"), "plain\n\x1b[1m", NULL, "plain\n\x1b[1m"},
		{BYTES("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
		 "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", NULL,
		 "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
		{BYTES("\0"), NULL, "AA==", "\xef\xbf\xbd"},
		{BYTES("a\0b"), NULL, "YQBi",
		 "a\xef\xbf\xbd"
		 "b"},
		{BYTES("\xff\xfe"), NULL, "//4=", "\xef\xbf\xbd\xef\xbf\xbd"},
		{BYTES("\xc3"), NULL, "ww==", "\xef\xbf\xbd"},
		{BYTES("\xc0\x80"), NULL, "wIA=", "\xef\xbf\xbd\xef\xbf\xbd"}, /* too long */
		{BYTES("\xe0\x80\x80"), NULL, "4ICA", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{BYTES("\xed\xa0\x80"), NULL, "7aCA", /* a surrogate */
		 "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{BYTES("\xf4\x90\x80\x80"), NULL, "9JCAgA==", /* above U+10FFFF */
		 "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{BYTES("\xe2\x82"), NULL, "4oI=", "\xef\xbf\xbd\xef\xbf\xbd"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *object = json_object();
		json_t *shown = api_text(rows[i].bytes, rows[i].n);
		const char *text, *base64;
		char *dumped;

		cr_assert_eq(api_put_bytes(object, "out", rows[i].bytes, rows[i].n), 0);
		text = json_string_value(json_object_get(object, "out"));
		base64 = json_string_value(json_object_get(object, "out_base64"));
		cr_expect(!text == !rows[i].text && (!text || strcmp(text, rows[i].text) == 0),
			  "row %zu: %s", i, text ? text : "no text");
		cr_expect(!base64 == !rows[i].base64 &&
				  (!base64 || strcmp(base64, rows[i].base64) == 0),
			  "row %zu: %s", i, base64 ? base64 : "no base64");
		cr_expect_str_eq(json_string_value(shown), rows[i].shown, "row %zu", i);
		/* A line, whatever it was made of. */
		dumped = json_dumps(object, JSON_COMPACT);
		cr_expect(dumped && !strchr(dumped, '\n'), "row %zu", i);
		free(dumped);
		json_decref(object);
		json_decref(shown);
	}
}

/* ---- requests ---- */

static int parse(const char *line, struct api_call *call, struct sbx_err *err)
{
	*err = (struct sbx_err){0};
	return api_call_parse(line, strlen(line), call, err);
}

Test(api_line, wrong_requests)
{
	static const struct {
		const char *line, *says;
		const char *id; /* that the answer has; NULL: none */
	} rows[] = {
		{"garbage", "not JSON", NULL},
		{"{\"id\": 1, \"op\": \"list\"", "not JSON", NULL},
		{"{\"op\": \"list\"} {}", "not JSON", NULL},
		{"{\"op\": \"list\", \"op\": \"doctor\"}", "duplicate object key", NULL},
		{"{\"op\": \"\\u0000\"}", "not JSON", NULL},
		{"{\"op\": \"\xff\"}", "not JSON", NULL},
		{"[1]", "not a JSON object", NULL},
		{"{\"id\": \"x\"}", "there is no \"op\"", "x"},
		{"{\"id\": \"x\", \"op\": 3}", "there is no \"op\"", "x"},
		{"{\"id\": \"x\", \"op\": \"lst\"}", "unknown op \"lst\" (did you mean \"list\"?)",
		 "x"},
		{"{\"id\": {}, \"op\": \"list\"}", "\"id\" wants a number or a string", NULL},
		{"{\"id\": \"x\", \"op\": \"list\", \"promse\": \"a\"}",
		 "\"list\" takes no \"promse\" (did you mean \"promise\"?)", "x"},
		{"{\"op\": \"list\", \"argv\": [\"a\"]}", "\"list\" takes no \"argv\"", NULL},
		{"{\"op\": \"run\"}", "\"argv\" names no program", NULL},
		{"{\"op\": \"run\", \"argv\": []}", "\"argv\" names no program", NULL},
		{"{\"op\": \"run\", \"argv\": \"ls\"}", "\"argv\" wants a list of strings", NULL},
		{"{\"op\": \"run\", \"argv\": [\"ls\", 1]}", "\"argv\" wants a list of strings",
		 NULL},
		{"{\"op\": \"run\", \"argv\": [\"ls\"], \"env\": {\"A=B\": \"c\"}}",
		 "\"env\" wants an object of names and strings", NULL},
		{"{\"op\": \"run\", \"argv\": [\"ls\"], \"env\": {\"\": \"c\"}}",
		 "\"env\" wants an object of names and strings", NULL},
		{"{\"op\": \"run\", \"argv\": [\"ls\"], \"env\": {\"A\": 1}}",
		 "\"env\" wants an object of names and strings", NULL},
		{"{\"op\": \"run\", \"argv\": [\"ls\"], \"quiet\": 1}",
		 "\"quiet\" wants true or false", NULL},
		{"{\"op\": \"run\", \"argv\": [\"ls\"], \"timeout\": -1}",
		 "\"timeout\" wants seconds", NULL},
		{"{\"op\": \"run\", \"argv\": [\"ls\"], \"timeout\": 1e300}",
		 "\"timeout\" wants seconds", NULL},
		{"{\"op\": \"run\", \"argv\": [\"ls\"], \"policy\": \"\", \"file\": \"\"}",
		 "not both", NULL},
		{"{\"op\": \"learn\", \"argv\": [\"ls\"], \"promises\": \"stdio\"}",
		 "\"learn\" takes no \"promises\"", NULL},
		{"{\"op\": \"check\"}", "\"check\" wants \"policy\" or \"file\"", NULL},
		{"{\"op\": \"wait\"}", "which \"job\"?", NULL},
		{"{\"op\": \"wait\", \"job\": 0}", "\"job\" wants a number", NULL},
		{"{\"op\": \"kill\", \"job\": 1, \"signal\": \"SIGNONE\"}",
		 "\"signal\" wants the name or the number of a signal", NULL},
		{"{\"op\": \"kill\", \"job\": 1, \"signal\": 0}", "\"signal\" wants", NULL},
		{"{\"op\": \"kill\", \"job\": 1, \"signal\": 4294967305}", "\"signal\" wants",
		 NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct api_call call;
		struct sbx_err err;
		const char *id;

		cr_expect_eq(parse(rows[i].line, &call, &err), -EINVAL, "row %zu", i);
		cr_expect(strstr(err.msg, rows[i].says), "row %zu says: %s", i, err.msg);
		id = json_string_value(api_call_id(&call));
		cr_expect(!id == !rows[i].id && (!id || strcmp(id, rows[i].id) == 0), "row %zu: %s",
			  i, id ? id : "no id");
		api_call_done(&call);
	}
}

/* Deeper than any stack should follow, and wider than a command line. */
Test(api_line, large_requests)
{
	enum { DEPTH = 400000 };
	char *text = malloc(DEPTH + 64);
	struct api_call call;
	struct sbx_err err;
	size_t n;

	cr_assert_not_null(text);
	n = (size_t)sprintf(text, "{\"op\":\"list\",\"id\":");
	memset(text + n, '[', DEPTH);
	text[n + DEPTH] = '\0';
	cr_expect_eq(parse(text, &call, &err), -EINVAL);
	api_call_done(&call);

	n = (size_t)sprintf(text, "{\"op\":\"run\",\"argv\":[\"\"");
	for (size_t i = 0; i < API_WORDS_MAX; i++)
		n += (size_t)sprintf(text + n, ",\"\"");
	(void)sprintf(text + n, "]}");
	cr_expect_eq(parse(text, &call, &err), -EINVAL);
	cr_expect(strstr(err.msg, "\"argv\" wants a shorter list"), "%s", err.msg);
	api_call_done(&call);
	free(text);
}

/* The command line that a request is. */
Test(api_line, words)
{
#define RUN "\"op\": \"run\", \"argv\": [\"ls\", \"-k\", \"\"]"
	static const struct {
		const char *line;
		enum api_way way;
		const char *words[16];
	} rows[] = {
		{"{" RUN "}", API_WAY_RUN, {"--", "ls", "-k", ""}},
		{"{" RUN ", \"promises\": \"stdio rpath\", \"unveil\": [\"r:/a b\", \"-x\"],"
		 " \"no_unveil\": true, \"quiet\": false, \"kill\": true}",
		 API_WAY_RUN,
		 {"-p", "stdio rpath", "-v", "r:/a b", "-v", "-x", "-V", "-k", "--", "ls", "-k",
		  ""}},
		{"{" RUN ", \"allow\": [\"read\"], \"deny\": [\"write\", \"open\"],"
		 " \"explain\": true, \"quiet\": true}",
		 API_WAY_RUN,
		 {"--allow", "read", "--deny", "write", "--deny", "open", "-q", "-e", "--", "ls",
		  "-k", ""}},
		{"{" RUN ", \"policy\": \"[sandbox]\"}",
		 API_WAY_RUN,
		 {"-P", "/text", "--", "ls", "-k", ""}},
		{"{" RUN ", \"file\": \"a.ini\"}",
		 API_WAY_PRINT,
		 {"--print-policy", "-P", "a.ini", "--", "ls", "-k", ""}},
		{"{\"op\": \"print-policy\"}",
		 API_WAY_PRINT,
		 {"--print-policy", "-P", "/text", "--"}},
		{"{\"op\": \"check\", \"file\": \"-a.ini\"}",
		 API_WAY_CHECK,
		 {"--check", "--", "-a.ini"}},
		{"{\"op\": \"check\", \"policy\": \"\"}",
		 API_WAY_CHECK,
		 {"--check", "--", "/text"}},
		{"{\"op\": \"learn\", \"argv\": [\"ls\"]}",
		 API_WAY_LEARN,
		 {"--learn=/text", "--", "ls"}},
		{"{\"op\": \"doctor\"}", API_WAY_DOCTOR, {"--doctor", "--json"}},
	};
#undef RUN

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char option[API_OPTION_MAX];
		const bool text = strstr(rows[i].line, "policy\"") || rows[i].way == API_WAY_LEARN;
		struct api_call call;
		struct sbx_err err;
		char **words;
		size_t n = 0;

		cr_assert_eq(parse(rows[i].line, &call, &err), 0, "row %zu: %s", i, err.msg);
		words = api_call_words(&call, rows[i].way, text ? "/text" : NULL, option);
		cr_assert(words && words[0]);
		cr_expect_str_eq(words[0], "sbx-preload");
		for (; words[n + 1] && rows[i].words[n]; n++)
			cr_expect_str_eq(words[n + 1], rows[i].words[n], "row %zu, word %zu: %s", i,
					 n, words[n + 1]);
		cr_expect(!words[n + 1] && !rows[i].words[n], "row %zu: %zu words", i, n);
		free(words);
		api_call_done(&call);
	}
}

Test(api_line, values)
{
	static const char line[] = "{\"op\": \"kill\", \"id\": 1.5, \"job\": 7, \"signal\": "
				   "\"USR1\", \"group\": true}";
	static const char env[] = "{\"op\": \"run\", \"argv\": [\"a\"], \"timeout\": 0.25, "
				  "\"detach\": true, \"env\": {\"A\": \"\", \"B\": \"x=y\"}}";
	struct api_call call;
	struct sbx_err err;
	char **list;

	cr_assert_eq(parse(line, &call, &err), 0, "%s", err.msg);
	cr_expect(call.op == API_KILL && call.job == 7 && call.signal == SIGUSR1 && call.group);
	cr_expect_eq(json_real_value(api_call_id(&call)), 1.5);
	cr_expect_eq(call.timeout_ms, -1);
	api_call_done(&call);

	cr_assert_eq(parse(env, &call, &err), 0, "%s", err.msg);
	cr_expect(call.timeout_ms == 250 && call.detach && !call.wait && call.signal == SIGTERM);
	cr_expect(json_is_null(api_call_id(&call)));
	list = api_call_environment(&call);
	cr_assert_not_null(list);
	cr_expect(list[0] && list[1] && !list[2]);
	cr_expect_str_eq(list[0], "A=");
	cr_expect_str_eq(list[1], "B=x=y");
	free(list);
	api_call_done(&call);
}

/* ---- what failed, from what was printed ---- */

Test(api_line, failures)
{
	static const struct {
		const char *printed, *message, *file;
		int line;
	} rows[] = {
		{"sbx-preload: /etc/a.ini:12: no such word\n", "no such word", "/etc/a.ini", 12},
		{"sbx-preload: ls: not found in PATH\n", "ls: not found in PATH", NULL, 0},
		{"sbx-preload: -p: unknown promise \"a:3: b\"\n", "-p: unknown promise \"a:3: b\"",
		 NULL, 0},
		{"sbx-preload: policy:1: first\nother\nsbx-preload: policy:3: last", "last",
		 "policy", 3},
		{"other\n", "it ended without a word", NULL, 0},
		{"", "it ended without a word", NULL, 0},
		{"sbx-preload: a:99999999999: b\n", "a:99999999999: b", NULL, 0},
		{"sbx-preload: a b:7: c\n", "c", "a b", 7},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *printed = strdup(rows[i].printed);
		struct api_process process = {.err = {.buf = printed, .len = strlen(printed)},
					      .end = {.si_code = CLD_EXITED, .si_status = 2}};
		json_t *answer = api_answer_failure(json_null(), &process), *error;
		const char *file;

		error = json_object_get(answer, "error");
		file = json_string_value(json_object_get(error, "file"));
		cr_expect(json_is_false(json_object_get(answer, "ok")));
		cr_expect_str_eq(json_string_value(json_object_get(error, "message")),
				 rows[i].message, "row %zu", i);
		cr_expect(!file == !rows[i].file && (!file || strcmp(file, rows[i].file) == 0),
			  "row %zu: %s", i, file ? file : "no file");
		cr_expect_eq(json_integer_value(json_object_get(error, "line")), rows[i].line,
			     "row %zu", i);
		cr_expect_eq(json_integer_value(json_object_get(answer, "status")), 2);
		json_decref(answer);
		free(printed);
	}
}

/* ---- a person's line ---- */

Test(api_line, split)
{
	static const struct {
		const char *line;
		int count;
		const char *words[5];
	} rows[] = {
		{"", 0, {NULL}},
		{" \t ", 0, {NULL}},
		{"ls", 1, {"ls"}},
		{"  ls   -l\t/etc ", 3, {"ls", "-l", "/etc"}},
		{"a 'b c' \"d e\"", 3, {"a", "b c", "d e"}},
		{"a'b 'c\" d\"", 1, {"ab c d"}},
		{"a\\ b \\'c", 2, {"a b", "'c"}},
		{"'a\\b' \"a\\\"b\"", 2, {"a\\b", "a\"b"}},
		{"'' \"\"", 2, {"", ""}},
		{"a $HOME *", 3, {"a", "$HOME", "*"}},
		{"a\\", 1, {"a\\"}},
		{"'a", -EINVAL, {NULL}},
		{"a \"b", -EINVAL, {NULL}},
		{"a b c d e f", -E2BIG, {NULL}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char buf[64], *words[5];
		int n = api_dialog_split(rows[i].line, buf, words, ARRAY_SIZE(words));

		cr_assert_eq(n, rows[i].count, "row %zu: %d", i, n);
		for (int k = 0; k < n; k++)
			cr_expect_str_eq(words[k], rows[i].words[k], "row %zu, word %d", i, k);
	}
}
