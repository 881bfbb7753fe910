/* SPDX-License-Identifier: MIT */
/* Pure: what flags and values become, and that a printed policy reads back as it was. Long for its
 * tables of rows, and because both halves need the same environments. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../shim/policy_file.h"
#include "policy_equal.h"

/* Environments: a string literal is const, an environment is not. */
#define VAR(text)    \
	(char[])     \
	{            \
		text \
	}

static char *const plain_envp[] = {VAR("HOME=/home/ann"),
				   VAR("USER=ann"),
				   VAR("PWD=/not/this"),
				   VAR("XDG_RUNTIME_DIR=/run/user/1000"),
				   VAR("XDG_CACHE_HOME=/var/cache/ann"),
				   VAR("XDG_DATA_HOME=relative"),
				   VAR("EMPTY="),
				   NULL};
static const struct policy_env plain_env = {.envp = plain_envp, .cwd = "/srv/work", .uid = 1000};

static char *const odd_envp[] = {VAR("HOME=/"), VAR("USER=a;b ;c"), VAR("TMPDIR=/tmp/${UID}"),
				 NULL};
static const struct policy_env odd_env = {
	.envp = odd_envp, .cwd = "/srv/[slug] ;x/${HOME} ", .uid = 0};

static char *const bad_envp[] = {VAR("HOME=home"), VAR("TMPDIR=tmp"), VAR("USER=a\nb"), NULL};
static const struct policy_env bad_env = {.envp = bad_envp, .cwd = "/", .uid = 4294967294U};

static char *const no_envp[] = {VAR("HOME="), NULL};
static const struct policy_env no_env = {.envp = no_envp, .cwd = "/", .uid = 0};

static char *const twice_envp[] = {VAR("AB=1"), VAR("A=2"), VAR("A=3"), VAR("B="), VAR("C"), NULL};

/* want: the result, or after '!' a part of the message. */
static const struct {
	const struct policy_env *env;
	const char *text;
	const char *want;
} expand_rows[] = {
	{&plain_env, "/etc/ssl", "/etc/ssl"},
	{&plain_env, "${HOME}", "/home/ann"},
	{&plain_env, "${HOME}/.curlrc", "/home/ann/.curlrc"},
	{&plain_env, "~/.curlrc", "/home/ann/.curlrc"},
	{&plain_env, "/a/~/b", "/a/~/b"},
	{&plain_env, "~ann/x", "~ann/x"},
	{&plain_env, "~", "~"},
	{&plain_env, "/run/${USER}/${UID}", "/run/ann/1000"},
	{&plain_env, "${PWD}", "/srv/work"},
	{&plain_env, "${TMPDIR}", "/tmp"},
	{&plain_env, "${XDG_CONFIG_HOME}/x", "/home/ann/.config/x"},
	{&plain_env, "${XDG_CACHE_HOME}", "/var/cache/ann"},
	{&plain_env, "${XDG_DATA_HOME}", "/home/ann/.local/share"}, /* relative counts as unset */
	{&plain_env, "${XDG_RUNTIME_DIR}/bus", "/run/user/1000/bus"},
	{&plain_env, "/a$b/$/$HOME/$", "/a$b/$/$HOME/$"},
	{&plain_env, "/$${UID}}", "/$1000}"},
	{&plain_env, "", ""},
	{&plain_env, "${FOO}",
	 "!unknown variable ${FOO}; there are ${HOME} ${USER} ${PWD} ${TMPDIR} ${XDG_CONFIG_HOME} "
	 "${XDG_CACHE_HOME} ${XDG_DATA_HOME} ${XDG_RUNTIME_DIR} ${UID}"},
	{&plain_env, "${EMPTY}", "!unknown variable ${EMPTY}"},
	{&plain_env, "${}", "!unknown variable ${}"},
	{&plain_env, "${home}", "!unknown variable ${home}"},
	{&plain_env, "${HOME}/${", "!lacks its \"}\""},
	{&plain_env, "${HOME", "!lacks its \"}\""},
	{&odd_env, "${TMPDIR}/x", "/tmp/${UID}/x"}, /* once only */
	{&odd_env, "${HOME}", "/"},
	{&odd_env, "${HOME}/x", "/x"},
	{&odd_env, "~/x", "/x"},
	{&odd_env, "${XDG_RUNTIME_DIR}", "!${XDG_RUNTIME_DIR} is not set"},
	{&bad_env, "${HOME}", "!${HOME} is \"home\", which is not an absolute path"},
	{&bad_env, "~/x", "!${HOME} is \"home\""},
	{&bad_env, "${XDG_CONFIG_HOME}", "!${HOME} is \"home\""},
	{&bad_env, "${TMPDIR}", "!${TMPDIR} is \"tmp\""},
	{&bad_env, "${UID}", "4294967294"},
	{&no_env, "${HOME}", "!${HOME} is not set"},
	{&no_env, "${USER}", "!${USER} is not set"},
	{&no_env, "${XDG_CONFIG_HOME}", "!${HOME} is not set"},
	{&no_env, "${PWD}", "/"},
};

Test(policy, expand)
{
	for (size_t i = 0; i < ARRAY_SIZE(expand_rows); i++) {
		const char *want = expand_rows[i].want, *got = "untouched";
		struct arena arena = {0};
		struct sbx_err err = {0};
		int r = policy_expand(&arena, expand_rows[i].text, expand_rows[i].env, &got, &err);

		if (want[0] == '!') {
			cr_expect_eq(r, -EINVAL, "%s: %d", expand_rows[i].text, r);
			cr_expect_str_eq(got, "untouched");
			cr_expect(strstr(err.msg, want + 1), "%s: message \"%s\"",
				  expand_rows[i].text, err.msg);
		} else {
			cr_expect_eq(r, 0, "%s: %s", expand_rows[i].text, err.msg);
			cr_expect_str_eq(got, want, "%s: \"%s\"", expand_rows[i].text, got);
		}
		arena_done(&arena);
	}
}

Test(policy, expand_to_the_longest_path)
{
	char home[PATH_MAX + 8] = "HOME=/", text[PATH_MAX + 8] = "/";
	char *const envp[] = {home, NULL};
	const struct policy_env env = {.envp = envp, .cwd = "/", .uid = 0};
	char ret[PATH_MAX];
	struct sbx_err err;

	memset(text + 1, 'a', PATH_MAX - 2);
	cr_expect_eq(policy_expand_buf(text, &env, ret, &err), 0, "4095 bytes");
	cr_expect_eq(strlen(ret), PATH_MAX - 1);
	text[PATH_MAX - 1] = 'a';
	cr_expect_eq(policy_expand_buf(text, &env, ret, &err), -ENAMETOOLONG, "4096 bytes");
	memset(home + 6, 'a', PATH_MAX - 3);
	cr_expect_eq(policy_expand_buf("${HOME}/x", &env, ret, &err), -ENAMETOOLONG, "a variable");
	home[5 + PATH_MAX - 3] = '\0';
	cr_expect_eq(policy_expand_buf("${HOME}/x", &env, ret, &err), 0, "%s", err.msg);
	cr_expect_eq(strlen(ret), PATH_MAX - 1);
}

Test(policy, env_get)
{
	cr_expect_str_eq(env_get(twice_envp, "A"), "2");
	cr_expect_str_eq(env_get(twice_envp, "AB"), "1");
	cr_expect_null(env_get(twice_envp, "B"), "empty");
	cr_expect_null(env_get(twice_envp, "C"), "no =");
	cr_expect_null(env_get(twice_envp, "D"));
	cr_expect_null(env_get(NULL, "A"));
}

Test(policy, perm_format)
{
	char buf[5];

	perm_format(PERM_R | PERM_W | PERM_X | PERM_C, buf);
	cr_expect_str_eq(buf, "rwxc");
	perm_format(PERM_C | PERM_R, buf);
	cr_expect_str_eq(buf, "rc");
	perm_format(0, buf);
	cr_expect_str_eq(buf, "");
}

/* want: "letters path" as they come out, or after '!' a part of the message. */
static const struct {
	const char *arg;
	const char *want;
} flag_rows[] = {
	{"/etc/ssl", "r /etc/ssl"},
	{"r:/etc/ssl", "r /etc/ssl"},
	{"cxwr:/a", "rwxc /a"},
	{"x:/a", "rx /a"}, /* x comes with r */
	{"r?:/a", "r? /a"},
	{"c?:${HOME}/a", "c? /home/ann/a"},
	{"rw:~/a b", "rw /home/ann/a b"},
	{"rw:sub/dir", "rw /srv/work/sub/dir"},
	{"sub", "r /srv/work/sub"},
	{"../x", "r /srv/work/../x"},
	{".", "r /srv/work/."},
	{"r:/a:b", "r /a:b"},
	{"/a:b", "r /a:b"},
	{"q:/a", "r /srv/work/q:/a"}, /* no letters: a path, which will be found missing */
	{"r:/a;b#c=d%s\"'\\", "r /a;b#c=d%s\"'\\"},
	{"r:/a...", "r /a..."},
	{"r:/\xc3\xa4/\xff", "r /\xc3\xa4/\xff"},
	{"r:$x", "r /srv/work/$x"},
	{"r:/a\tb", "r /a\tb"},
	{"", "!path is missing"},
	{"r:", "!path is missing"},
	{"rr:/a", "!\"r\" stands twice"},
	{"rwxcrwxc:/a", "!\"r\" stands twice"},
	{"r:/a*", "!\"*\" in a path is not a pattern here"},
	{"r:/a?b", "!\"?\" in a path is not a pattern here"},
	{"r:/[ab]", "!\"[\" in a path is not a pattern here"},
	{"r:/a\nb", "!control byte"},
	{"r:/a\x7f", "!control byte"},
	{"r:/a ;b", "!a blank before \";\""},
	{"r:/a\t;b", "!a blank before \";\""},
	{"r:/a ", "!a blank at its end"},
	{"r:${FOO}/a", "!unknown variable ${FOO}"},
	{"r:${USER}/a", "!is not absolute: it stands for \"ann/a\""},
};

Test(policy, unveil_flag)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_rows); i++) {
		const char *arg = flag_rows[i].arg, *want = flag_rows[i].want;
		struct policy policy;
		struct sbx_err err = {0};
		char got[256], letters[5];
		int r;

		policy_init(&policy);
		r = policy_add_unveil_flag(&policy, arg, &plain_env, &err);
		if (want[0] == '!') {
			cr_expect_eq(r, -EINVAL, "%s: %d", arg, r);
			cr_expect(strstr(err.msg, want + 1), "%s: message \"%s\"", arg, err.msg);
			cr_expect_str_eq(err.file, "-v");
			cr_expect_eq(policy.n_unveils, 0, "%s", arg);
			policy_done(&policy);
			continue;
		}
		cr_assert_eq(r, 0, "%s: %s", arg, err.msg);
		cr_assert_eq(policy.n_unveils, 1);
		perm_format(policy.unveils[0].perms, letters);
		(void)snprintf(got, sizeof(got), "%s%s %s", letters,
			       policy.unveils[0].optional ? "?" : "", policy.unveils[0].path);
		cr_expect_str_eq(got, want, "%s: \"%s\"", arg, got);
		cr_expect_str_eq(policy.unveils[0].from.file, "-v");
		cr_expect_eq(policy.unveils[0].from.line, 0);
		policy_done(&policy);
	}
}

Test(policy, unveil_letters)
{
	static const struct {
		const char *letters;
		const char *message;
	} rows[] = {
		{"", "permissions are missing"}, {"?", "permissions are missing"},
		{"q", "\"q\" is no set"},	 {"r?w", "\"r?w\" is no set"},
		{"r??", "\"r??\" is no set"},	 {"R", "\"R\" is no set"},
		{"rwr", "\"r\" stands twice"},	 {"promises", "\"promises\" is no set"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy policy;
		struct sbx_err err = {0};
		int r;

		policy_init(&policy);
		r = policy_add_unveil(&policy, rows[i].letters, "/a", false,
				      (struct origin){"x.ini", 7}, &plain_env, &err);
		cr_expect_eq(r, -EINVAL, "\"%s\"", rows[i].letters);
		cr_expect(strstr(err.msg, rows[i].message), "\"%s\": \"%s\"", rows[i].letters,
			  err.msg);
		cr_expect_str_eq(err.file, "x.ini");
		cr_expect_eq(err.line, 7);
		policy_done(&policy);
	}
}

Test(policy, unveil_path_too_long)
{
	char arg[PATH_MAX] = "/";
	struct policy policy;
	struct sbx_err err = {0};

	policy_init(&policy);
	memset(arg + 1, 'a', 3983);
	cr_expect_eq(policy_add_unveil_flag(&policy, arg, &plain_env, &err), 0, "%s", err.msg);
	arg[3984] = 'a';
	cr_expect_eq(policy_add_unveil_flag(&policy, arg, &plain_env, &err), -EINVAL);
	cr_expect(strstr(err.msg, "more than 3984 bytes"), "%s", err.msg);
	policy_done(&policy);
}

Test(policy, unveil_control_byte_from_a_variable)
{
	struct policy policy;
	struct sbx_err err = {0};

	policy_init(&policy);
	cr_expect_eq(policy_add_unveil_flag(&policy, "/x/${USER}", &bad_env, &err), -EINVAL);
	cr_expect(strstr(err.msg, "control byte"), "%s", err.msg);
	policy_done(&policy);
}

Test(policy, init_and_default)
{
	struct policy policy;
	struct sbx_err err = {0};

	policy_init(&policy);
	cr_expect_eq(policy.promises, 0);
	cr_expect(policy.unveil && policy.report && !policy.best_effort && !policy.scope_open &&
		  !policy.self_modify);
	cr_expect_eq(policy.on_violation, VIOLATION_ERRNO);
	cr_assert_eq(policy_set_default(&policy, &plain_env, &err), 0, "%s", err.msg);
	cr_expect_eq(policy.promises, P(STDIO) | P(RPATH) | P(TTY));
	cr_assert_eq(policy.n_unveils, 1);
	cr_expect_str_eq(policy.unveils[0].path, "/srv/work");
	cr_expect_eq(policy.unveils[0].perms, PERM_R);
	cr_expect_str_eq(policy.name, "built-in default");
	policy_done(&policy);
	policy_done(NULL);
}

Test(policy, promises_add_up_and_say_where_they_are_wrong)
{
	struct policy policy;
	struct sbx_err err = {0};

	policy_init(&policy);
	cr_expect_eq(policy_add_promises(&policy, "stdio", (struct origin){"a", 1}, &err), 0);
	cr_expect_eq(policy_add_promises(&policy, "inet dns", (struct origin){"b", 2}, &err), 0);
	cr_expect_eq(policy.promises, P(STDIO) | P(INET) | P(DNS));
	cr_expect_str_eq(policy.promises_from.file, "b");
	cr_expect_eq(policy_add_promises(&policy, "rpath inett", (struct origin){"c", 3}, &err),
		     -EINVAL);
	cr_expect_eq(policy.promises, P(STDIO) | P(INET) | P(DNS), "nothing of a wrong list");
	cr_expect_str_eq(err.file, "c");
	cr_expect_eq(err.line, 3);
	cr_expect(strstr(err.msg, "inett"), "%s", err.msg);
	policy_done(&policy);
}

Test(policy, ports)
{
	static const struct {
		const char *list;
		int ports; /* -1: error */
	} rows[] = {
		{"", 0},	{"  ", 0},	  {"80", 1},	      {" 80\t443 ", 2},
		{"1 65535", 2}, {"80 80 080", 1}, {"0", -1},	      {"65536", -1},
		{"-1", -1},	{"+1", -1},	  {"80,443", -1},     {"http", -1},
		{"80-90", -1},	{"0x50", -1},	  {"4294967376", -1}, {"99999999999999999999", -1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy policy;
		struct sbx_err err = {0};
		int r;

		policy_init(&policy);
		r = policy_add_ports(&policy, PORT_BIND, rows[i].list, (struct origin){"f", 4},
				     &err);
		if (rows[i].ports < 0) {
			cr_expect_eq(r, -EINVAL, "\"%s\"", rows[i].list);
			cr_expect(strstr(err.msg, "is no port: 1 to 65535"), "%s", err.msg);
			cr_expect_eq(err.line, 4);
		} else {
			cr_expect_eq(r, 0, "\"%s\": %s", rows[i].list, err.msg);
			cr_expect_eq(policy.n_ports, (size_t)rows[i].ports, "\"%s\"", rows[i].list);
			cr_expect_eq(policy.port_kinds, PORT_BIND, "\"%s\"", rows[i].list);
		}
		policy_done(&policy);
	}
}

Test(policy, ports_are_capped)
{
	struct policy policy;
	struct sbx_err err = {0};
	char text[16];

	policy_init(&policy);
	for (int i = 0; i < POLICY_PORTS_MAX; i++) {
		(void)snprintf(text, sizeof(text), "%d", 60000 + i);
		cr_assert_eq(
			policy_add_ports(&policy, PORT_CONNECT, text, (struct origin){0}, &err), 0);
	}
	cr_expect_eq(policy_add_ports(&policy, PORT_CONNECT, "1", (struct origin){0}, &err),
		     -EINVAL);
	cr_expect_eq(policy_add_ports(&policy, PORT_CONNECT, "60000", (struct origin){0}, &err), 0);
	cr_expect_eq(policy_add_ports(&policy, PORT_BIND, "1", (struct origin){0}, &err), 0);
	policy_done(&policy);
}

/* The text of policy_print(); caller frees. */
static char *print(const struct policy *policy, const struct policy_env *env)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_not_null(out);
	policy_print(policy, env, out);
	cr_assert_eq(fclose(out), 0);
	return text;
}

static void expect_reads_back(const struct policy *policy, const struct policy_env *env,
			      const char *name)
{
	char *text = print(policy, env);
	const struct policy_source source = {.file = "printed", .text = text, .len = strlen(text)};
	struct policy again;
	struct sbx_err err = {0};
	const char *difference;
	int r;

	policy_init(&again);
	r = policy_parse_text(&again, &source, env, &err);
	cr_expect_eq(r, 0, "%s: line %u: %s\n%s", name, err.line, err.msg, text);
	difference = policy_difference(policy, &again);
	cr_expect(r < 0 || !difference, "%s: %s differs\n%s", name, difference, text);
	policy_done(&again);
	free(text);
}

Test(policy_print, looks_as_it_should)
{
	static const char want[] = "; sbx-preload policy: /etc/sbx-preload/curl.ini\n"
				   "[sandbox]\n"
				   "; /etc/sbx-preload/curl.ini:3\n"
				   "promises = rpath inet\n"
				   "on_violation = errno\n"
				   "unveil = on\n"
				   "require = full\n"
				   "report = yes\n"
				   "scope = on\n"
				   "self_modify = no\n"
				   "\n"
				   "[unveil]\n"
				   "; /etc/sbx-preload/curl.ini:9\n"
				   "rx? = /home/ann/bin\n"
				   "; -v\n"
				   "rw = /srv/work/out\n"
				   "\n"
				   "[net]\n"
				   "; /etc/sbx-preload/curl.ini:12\n"
				   "connect_tcp = 80 443\n"
				   "bind_tcp =\n"
				   "\n"
				   "; paths that the promises imply\n";
	const char *file = "/etc/sbx-preload/curl.ini";
	struct policy policy;
	struct sbx_err err = {0};
	char *text;

	policy_init(&policy);
	policy.name = file;
	cr_assert_eq(policy_add_promises(&policy, "inet rpath", (struct origin){file, 3}, &err), 0);
	cr_assert_eq(policy_add_unveil(&policy, "x?", "~/bin", false, (struct origin){file, 9},
				       &plain_env, &err),
		     0);
	cr_assert_eq(policy_add_unveil_flag(&policy, "rw:out", &plain_env, &err), 0);
	cr_assert_eq(
		policy_add_ports(&policy, PORT_CONNECT, "80 443", (struct origin){file, 12}, &err),
		0);
	cr_assert_eq(policy_add_ports(&policy, PORT_BIND, "", (struct origin){file, 13}, &err), 0);
	text = print(&policy, &plain_env);
	/* inet implies files, which the promise table names: not retyped here. */
	cr_expect(strncmp(text, want, strlen(want)) == 0, "%s", text);
	free(text);
	policy_done(&policy);
}

Test(policy_print, names_implied_paths)
{
	struct policy policy;
	struct sbx_err err = {0};
	char *text;

	policy_init(&policy);
	cr_assert_eq(policy_add_promises(&policy, "stdio tmppath", (struct origin){"f", 1}, &err),
		     0);
	text = print(&policy, &plain_env);
	cr_expect(strstr(text, "\n; stdio: rw = /dev/null\n"), "%s", text);
	cr_expect(strstr(text, "\n; tmppath: rwc = /tmp\n"), "%s", text);
	free(text);
	policy.unveil = false;
	text = print(&policy, &plain_env);
	cr_expect_null(strstr(text, "/dev/null"), "unveil = off: no path counts");
	free(text);
	policy_done(&policy);
}

Test(policy_print, odd_names_stay_comments)
{
	char name[6000];
	struct policy policy;

	policy_init(&policy);
	policy.name = "x\n[sandbox]\npromises = exec\n";
	expect_reads_back(&policy, &plain_env, "newlines");
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	policy.name = name;
	expect_reads_back(&policy, &plain_env, "long");
	policy_done(&policy);
}

Test(policy_print, what_only_a_variable_can_say)
{
	static const char *const args[] = {"r:${PWD}", "w:sub/dir", "r:${TMPDIR}/x", "r:/x/${USER}",
					   "r:~/x"};
	static const char *const dirs[] = {"/srv/[slug] ;x/${HOME} ",
					   "/srv/[slug]",
					   "/a*b",
					   "/a?b",
					   "/a/${HOME}",
					   "/a ;b",
					   "/a\t;b",
					   "/a ",
					   "/a\t"};

	for (size_t d = 0; d < ARRAY_SIZE(dirs); d++) {
		struct policy_env env = odd_env;
		struct policy policy;
		struct sbx_err err = {0};
		char path[64];

		env.cwd = dirs[d];
		policy_init(&policy);
		for (size_t i = 0; i < ARRAY_SIZE(args); i++)
			cr_assert_eq(policy_add_unveil_flag(&policy, args[i], &env, &err), 0,
				     "%s: %s", args[i], err.msg);
		cr_expect_str_eq(policy.unveils[0].path, dirs[d]);
		(void)snprintf(path, sizeof(path), "%s/sub/dir", dirs[d]);
		cr_expect_str_eq(policy.unveils[1].path, path);
		expect_reads_back(&policy, &env, dirs[d]);
		policy_done(&policy);
	}
}

Test(policy_print, widest_lines)
{
	char path[3985] = "/", text[16];
	struct policy policy;
	struct sbx_err err = {0};

	policy_init(&policy);
	memset(path + 1, 'a', sizeof(path) - 2);
	cr_assert_eq(policy_add_unveil(&policy, "rwxc?", path, false, (struct origin){0},
				       &plain_env, &err),
		     0);
	cr_assert_eq(policy_set_program(&policy, path, (struct origin){0}, &plain_env, &err), 0);
	for (int i = 0; i < POLICY_PORTS_MAX; i++) {
		(void)snprintf(text, sizeof(text), "%d", 60000 + i);
		cr_assert_eq(
			policy_add_ports(&policy, PORT_CONNECT, text, (struct origin){0}, &err), 0);
	}
	policy.promises = (UINT64_C(1) << PROMISE_COUNT) - 1;
	expect_reads_back(&policy, &plain_env, "widest");
	policy_done(&policy);
}

Test(policy, program)
{
	static const struct {
		const char *path;
		const char *message; /* NULL: fine */
	} rows[] = {
		{"/usr/bin/curl", NULL},
		{"/usr/bin/[", NULL},
		{"~/bin/x", NULL},
		{"curl", "not an absolute path"},
		{"${FOO}/x", "unknown variable"},
		{"/a ;b", "a blank before"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy policy;
		struct sbx_err err = {0};
		int r;

		policy_init(&policy);
		r = policy_set_program(&policy, rows[i].path, (struct origin){"f", 2}, &plain_env,
				       &err);
		if (rows[i].message) {
			cr_expect_eq(r, -EINVAL, "%s", rows[i].path);
			cr_expect(strstr(err.msg, rows[i].message), "%s: %s", rows[i].path,
				  err.msg);
			cr_expect_null(policy.program);
		} else {
			cr_expect_eq(r, 0, "%s: %s", rows[i].path, err.msg);
			expect_reads_back(&policy, &plain_env, rows[i].path);
		}
		policy_done(&policy);
	}
}

/* A small generator of our own (xorshift32): the same cases on every machine. */
static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void random_arg(uint32_t *seed, char *arg, size_t size)
{
	static const char *const pieces[] = {
		"/",	    "a",      " ",  "#", "=",  ":",	  ";",	      ".", "..",
		"$",	    "%n",     "\"", "'", "\\", "${HOME}", "-",	      "~", "\t",
		"\xc3\xa4", "${UID}", "]",  "{", "}",  ",",	  "[unveil]", "?"};
	static const char *const perms[] = {"", "r:", "rw:", "x:", "xc?:", "cwr:", "r?:"};
	unsigned count = 1 + next_random(seed) % 12;

	(void)snprintf(arg, size, "%s%s", perms[next_random(seed) % ARRAY_SIZE(perms)],
		       next_random(seed) % 2 ? "/" : "");
	while (count--)
		strncat(arg, pieces[next_random(seed) % ARRAY_SIZE(pieces)],
			size - strlen(arg) - 1);
}

static void random_policy(uint32_t *seed, struct policy *policy, const struct policy_env *env,
			  unsigned *accepted)
{
	struct sbx_err err;
	char text[256];

	policy->promises = ((uint64_t)next_random(seed) << 16 ^ next_random(seed)) &
			   ((UINT64_C(1) << PROMISE_COUNT) - 1);
	policy->on_violation = next_random(seed) % 2 ? VIOLATION_KILL : VIOLATION_ERRNO;
	policy->unveil = next_random(seed) % 2;
	policy->best_effort = next_random(seed) % 2;
	policy->report = next_random(seed) % 2;
	policy->scope_open = next_random(seed) % 2;
	policy->self_modify = next_random(seed) % 2;
	for (unsigned i = next_random(seed) % 8; i; i--) {
		random_arg(seed, text, sizeof(text));
		if (policy_add_unveil_flag(policy, text, env, &err) == 0)
			(*accepted)++;
		else
			cr_expect(err.msg[0], "refused without a word: %s", text);
	}
	for (unsigned i = next_random(seed) % 4; i; i--) {
		(void)snprintf(text, sizeof(text), "%u %u", 1 + next_random(seed) % 99,
			       1 + next_random(seed) % 65535);
		cr_assert_eq(policy_add_ports(policy,
					      next_random(seed) % 2 ? PORT_BIND : PORT_CONNECT,
					      text, (struct origin){"f", i}, &err),
			     0);
	}
}

Test(policy_print, reads_back_whatever_was_accepted)
{
	uint32_t seed = 20250101;
	unsigned accepted = 0;

	for (int i = 0; i < 2000; i++) {
		const struct policy_env *env = i % 2 ? &odd_env : &plain_env;
		struct policy policy;
		char name[32];

		(void)snprintf(name, sizeof(name), "policy %d", i);
		policy_init(&policy);
		random_policy(&seed, &policy, env, &accepted);
		expect_reads_back(&policy, env, name);
		policy_done(&policy);
	}
	cr_expect_gt(accepted, 1000, "only %u paths were accepted: the test shows little",
		     accepted);
}
