/* SPDX-License-Identifier: MIT */
/* Pure: text → policy. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "../shim/policy_file.h"

#define VAR(text)    \
	(char[])     \
	{            \
		text \
	}

static char *const test_envp[] = {VAR("HOME=/home/ann"), NULL};
static const struct policy_env test_env = {.envp = test_envp, .cwd = "/srv", .uid = 1000};

static int parse(struct policy *policy, const char *text, size_t len, struct sbx_err *err)
{
	const struct policy_source source = {.file = "x.ini", .text = text, .len = len};

	*err = (struct sbx_err){0};
	policy_init(policy);
	return policy_parse_text(policy, &source, &test_env, err);
}

/* What is refused, where, and with which words. */
static const struct {
	const char *text;
	unsigned line;
	const char *message;
} refused[] = {
	/* lines */
	{"[sandbox]\npromises\n", 2, "\"=\" is missing after \"promises\""},
	{"[sandbox]\npromises = stdio\n  rpath\n", 3, "(a line cannot be continued)"},
	{"[sandbox]\npromises: stdio\n", 2, "\"=\" must stand between key and value, not \":\""},
	{"[unveil]\nr:x = /a\n", 2, "not \":\""},
	{"[unveil]\nr ;x = /a\n", 2, "\"=\" is missing after \"r\""},
	{"[sandbox]\n = stdio\n", 2, "there is no key before \"=\""},
	{"[sandbox\n", 1, "\"]\" is missing"},
	{"[ ;sandbox]\n", 1, "\"]\" is missing"},
	{"[\n", 1, "\"]\" is missing"},
	{"[sandbox] promises = stdio\n", 1, "nothing but a comment may follow \"]\""},
	{"[sandbox]]\n", 1, "nothing but a comment"},
	{"promises = stdio\n", 1, "\"promises\" stands before the first [section]"},
	{"[sandbox]\n\xef\xbb\xbfunveil = on\n", 2, "unknown key"},
	{"\xef\xbb\xbf\xef\xbb\xbf[sandbox]\n", 1, "\"=\" is missing"},
	{"[sandbox]\npromises = std\x01io\n", 2, "a control byte (0x01)"},
	{"[unveil]\nr = \x01\n", 2, "a control byte (0x01)"},
	{"[sandbox]\rpromises = stdio\n", 1, "a control byte (0x0d)"},
	{"[sandbox]\r\r\n", 1, "a control byte (0x0d)"},
	{"; \x7f", 1, "a control byte (0x7f)"},
	{"\n\n\v", 3, "a control byte (0x0b)"},
	/* sections and keys */
	{"[]\n", 1, "unknown section []"},
	{"[sandbx]\n", 1, "unknown section [sandbx] (did you mean [sandbox]?)"},
	{"[ net ]\n", 1, "unknown section [ net ]"},
	{"[Net]\n", 1, "unknown section [Net] (did you mean [net]?)"},
	{"[xyzzy]\n", 1, "unknown section [xyzzy]"},
	{"[netnetnetnetnetnetnetnetnetnetnetnetnetnetnetnetnet]\n", 1, "unknown section [netnet"},
	{"[sandbox]\npromise = stdio\n", 2,
	 "unknown key \"promise\" in [sandbox] (did you mean \"promises\"?)"},
	{"[sandbox]\nPromises = stdio\n", 2, "did you mean \"promises\"?"},
	{"[sandbox]\nxyzzy = 1\n", 2, "unknown key \"xyzzy\" in [sandbox]"},
	{"[sandbox]\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa = 1\n", 2,
	 "unknown key \"aaaa"},
	{"[net]\npromises = stdio\n", 2, "\"promises\" belongs in [sandbox], not in [net]"},
	{"[unveil]\npromises = stdio\n", 2, "\"promises\" belongs in [sandbox], not in [unveil]"},
	{"[sandbox]\nconnect_tcp = 80\n", 2, "\"connect_tcp\" belongs in [net], not in [sandbox]"},
	{"[sandbox]\nnofile = 80\n", 2, "\"nofile\" belongs in [limits], not in [sandbox]"},
	{"[sandbox]\nrw = /a\n", 2, "\"rw\" belongs in [unveil], not in [sandbox]"},
	{"[net]\nr? = /a\n", 2, "\"r?\" belongs in [unveil], not in [net]"},
	{"[sandbox]\npromises = stdio\n\npromises = rpath\n", 4,
	 "\"promises\" stands here a second time: first in line 2"},
	{"[net]\nbind_tcp =\n[sandbox]\n[net]\nbind_tcp = 1\n", 5, "first in line 2"},
	/* not available yet; still spelled right */
	{"[sandbox]\nexec_promises = stdio\n", 2, "\"exec_promises\" is not available yet"},
	{"[sandbox]\nreport = x\n", 2, "\"x\" is not a value of report: no or yes"},
	{"[limits]\nas = 1\n", 2, "\"as\" is not available yet"},
	{"[limits]\ncore = 1\n", 2, "\"core\" is not available yet"},
	{"[limits]\ncpu = 1\n", 2, "\"cpu\" is not available yet"},
	{"[limits]\ndata = 1\n", 2, "\"data\" is not available yet"},
	{"[limits]\nfsize = 1\n", 2, "\"fsize\" is not available yet"},
	{"[limits]\nmemlock = 1\n", 2, "\"memlock\" is not available yet"},
	{"[limits]\nnofile = 1\n", 2, "\"nofile\" is not available yet"},
	{"[limits]\nnproc = 1\n", 2, "\"nproc\" is not available yet"},
	{"[limits]\nstack = 1\n", 2, "\"stack\" is not available yet"},
	{"[env]\nkeep = A\n", 2, "\"keep\" is not available yet"},
	{"[env]\nunset = A\n", 2, "\"unset\" is not available yet"},
	{"[env]\nset = A=1\n", 2, "\"set\" is not available yet"},
	{"[syscalls]\nallow = x\n", 2, "unknown system call \"x\""},
	{"[syscalls]\ndeny = socket(arg0 == AF_NETLINKS)\n", 2, "(did you mean \"AF_NETLINK\"?)"},
	{"[syscalls]\nallow = socket -> kill\n", 2, "allow"},
	{"[syscalls]\nallow = ptrace\n", 2, "unsafe_syscalls = yes"},
	{"[syscalls]\ndeny = uname\ndeny = getppid\ndeny = uname\n", 4,
	 "the deny rule of x.ini:2 matches"},
	{"[sandbox]\nunsafe_syscalls = maybe\n", 2, "is not a value of unsafe_syscalls"},
	{"[limits]\nnofiles = 1\n", 2,
	 "unknown key \"nofiles\" in [limits] (did you mean \"nofile\"?)"},
	{"[syscalls]\nxyzzy = 1\n", 2, "unknown key \"xyzzy\" in [syscalls]"},
	/* values */
	{"[sandbox]\npromises =\n", 2, "\"promises\" needs a value"},
	{"[sandbox]\npromises = ; stdio\n", 2, "\"promises\" needs a value"},
	{"[sandbox]\nprogram =   \n", 2, "\"program\" needs a value"},
	{"[sandbox]\ninclude =\n", 2, "\"include\" needs a value"},
	{"[sandbox]\nunveil =\n", 2, "\"unveil\" needs a value"},
	{"[sandbox]\npromises = stdio inett\n", 2, "inett"},
	{"[sandbox]\nprogram = curl\n", 2, "\"curl\" is not an absolute path"},
	{"[sandbox]\nprogram = ${FOO}\n", 2, "unknown variable ${FOO}"},
	{"[sandbox]\non_violation = die\n", 2,
	 "\"die\" is not a value of on_violation: errno, kill or log"},
	{"[sandbox]\nunveil = yes\n", 2, "\"yes\" is not a value of unveil: off or on"},
	{"[sandbox]\nrequire = best\n", 2,
	 "\"best\" is not a value of require: full or best-effort"},
	{"[sandbox]\nscope = off\n", 2, "\"off\" is not a value of scope: on or open"},
	{"[sandbox]\nself_modify = on\n", 2, "\"on\" is not a value of self_modify: no or yes"},
	{"[net]\nbind_tcp = 0\n", 2, "\"0\" is no port"},
	{"[net]\nconnect_tcp = 80, 443\n", 2, "\"80,\" is no port"},
	{"[sandbox]\ninclude = a.ini\n", 2, "\"include\" is not possible here"},
	{"[sandbox]\ninclude = ../a.ini\n", 2, "only files of the same directory"},
	{"[sandbox]\ninclude = .a.ini\n", 2, "only files of the same directory"},
	{"[sandbox]\ninclude = /etc/a.ini\n", 2, "only files of the same directory"},
	/* paths */
	{"[unveil]\nr = \n", 2, "the path is missing"},
	{"[unveil]\nr = etc\n", 2, "\"etc\" is not absolute"},
	{"[unveil]\nr = ~\n", 2, "\"~\" is not absolute"},
	{"[unveil]\nr = ${UID}\n", 2, "is not absolute: it stands for \"1000\""},
	{"[unveil]\nr = ${USER}/x\n", 2, "${USER} is not set"},
	{"[unveil]\nr = /a\nr = /etc/*.conf\n", 3, "\"*\" in a path is not a pattern here"},
	{"[unveil]\nrz = /etc\n", 2, "\"rz\" is no set of permissions"},
	{"[unveil]\nrr = /etc\n", 2, "\"r\" stands twice"},
	{"[unveil]\n? = /etc\n", 2, "permissions are missing"},
};

Test(policy_file, refused)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		const char *text = refused[i].text;
		struct policy policy;
		struct sbx_err err;
		int r = parse(&policy, text, strlen(text), &err);

		cr_expect_eq(r, -EINVAL, "%s: %d", text, r);
		cr_expect_eq(err.code, r, "%s", text);
		cr_expect_str_eq(err.file, "x.ini", "%s: file \"%s\"", text, err.file);
		cr_expect_eq(err.line, refused[i].line, "%s: line %u", text, err.line);
		cr_expect(strstr(err.msg, refused[i].message), "%s: \"%s\"", text, err.msg);
		policy_done(&policy);
	}
}

Test(policy_file, a_nul_byte)
{
	static const char text[] = "[unveil]\nr = /a\0b\n";
	struct policy policy;
	struct sbx_err err;

	cr_expect_eq(parse(&policy, text, sizeof(text) - 1, &err), -EINVAL);
	cr_expect_eq(err.line, 2);
	cr_expect_str_eq(err.msg, "a NUL byte");
	policy_done(&policy);
}

/* The same policy however its lines are set out. */
Test(policy_file, accepted)
{
	static const char *const texts[] = {
		"[sandbox]\npromises = stdio inet\n[unveil]\nr = /a b\n[net]\nbind_tcp = 80\n",
		"\xef\xbb\xbf[sandbox]\r\npromises=stdio inet\r\n[unveil]\r\nr=/a "
		"b\r\n[net]\r\nbind_tcp=80",
		("# x\n; y\n\n[net]\nbind_tcp = 80 ; web\n[sandbox] ; z\n"
		 " \tpromises\t=\tstdio  inet\t\n[unveil]#\n  r =  /a b  ;c ;d\n[net]\n[limits]\n"),
		"[net]\nbind_tcp = 80\n[unveil]\nr = /a b\n[sandbox]\npromises = inet stdio",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct policy policy;
		struct sbx_err err;

		cr_assert_eq(parse(&policy, texts[i], strlen(texts[i]), &err), 0,
			     "%zu: line %u: %s", i, err.line, err.msg);
		cr_expect_eq(policy.promises, P(STDIO) | P(INET), "%zu", i);
		cr_assert_eq(policy.n_unveils, 1, "%zu", i);
		cr_expect_str_eq(policy.unveils[0].path, "/a b", "%zu: %s", i,
				 policy.unveils[0].path);
		cr_expect_str_eq(policy.name, "x.ini");
		cr_assert_eq(policy.n_ports, 1, "%zu", i);
		cr_expect_eq(policy.ports[0].port, 80, "%zu", i);
		policy_done(&policy);
	}
}

Test(policy_file, every_key)
{
	static const char text[] = "[sandbox]\n"
				   "program = ${HOME}/bin/x\n"
				   "promises = stdio\n"
				   "on_violation = kill\n"
				   "unveil = off\n"
				   "require = best-effort\n"
				   "scope = open\n"
				   "self_modify = yes\n"
				   "report = no\n"
				   "[unveil]\n"
				   "xr? = ~/bin\n"
				   "[net]\n"
				   "connect_tcp = 80 443 80\n"
				   "bind_tcp =\n";
	struct policy policy;
	struct sbx_err err;

	cr_assert_eq(parse(&policy, text, sizeof(text) - 1, &err), 0, "line %u: %s", err.line,
		     err.msg);
	cr_expect_str_eq(policy.program, "/home/ann/bin/x");
	cr_expect_eq(policy.program_from.line, 2);
	cr_expect_eq(policy.promises, P(STDIO));
	cr_expect_eq(policy.promises_from.line, 3);
	cr_expect_eq(policy.on_violation, VIOLATION_KILL);
	cr_expect(!policy.unveil && policy.best_effort && policy.scope_open && policy.self_modify &&
		  !policy.report);
	cr_assert_eq(policy.n_unveils, 1);
	cr_expect_str_eq(policy.unveils[0].path, "/home/ann/bin");
	cr_expect_eq(policy.unveils[0].perms, PERM_R | PERM_X);
	cr_expect(policy.unveils[0].optional);
	cr_expect_eq(policy.unveils[0].from.line, 11);
	cr_expect_str_eq(policy.unveils[0].from.file, "x.ini");
	cr_expect_eq(policy.n_ports, 2);
	cr_expect_eq(policy.port_kinds, PORT_CONNECT | PORT_BIND);
	policy_done(&policy);
}

Test(policy_file, the_other_value_of_each_switch)
{
	static const char text[] = "[sandbox]\non_violation = errno\nunveil = on\nrequire = full\n"
				   "scope = on\nself_modify = no\nreport = yes\n";
	struct policy policy;
	struct sbx_err err;

	cr_assert_eq(parse(&policy, text, sizeof(text) - 1, &err), 0, "%s", err.msg);
	cr_expect_eq(policy.on_violation, VIOLATION_ERRNO);
	cr_expect(policy.unveil && !policy.best_effort && !policy.scope_open &&
		  !policy.self_modify && policy.report);
	policy_done(&policy);
}

Test(policy_file, nothing_in_it)
{
	struct policy policy;
	struct sbx_err err;

	cr_expect_eq(parse(&policy, NULL, 0, &err), 0);
	cr_expect_eq(policy.promises, 0);
	policy_done(&policy);
	cr_expect_eq(parse(&policy, "\xef\xbb\xbf", 3, &err), 0, "%s", err.msg);
	policy_done(&policy);
}

/* inih's switches, as a distribution may set them; <ini.h> itself is policy_file.c's alone. */
extern bool ini_allow_inline_comments;
extern int ini_max_line;

#define SECTION "[unveil]\n"

/* One unveil line of @length bytes in all: "@before" path "@after". */
static void check_line_length(size_t length, const char *before, const char *after)
{
	size_t fixed = strlen(before) + strlen(after);
	char text[POLICY_LINE_MAX + 64];
	const char *path = text + strlen(SECTION) + strlen(before);
	size_t path_len = length - fixed;
	struct policy policy;
	struct sbx_err err;
	int r;

	if (fixed >= length)
		return;
	(void)snprintf(text, sizeof(text), SECTION "%s/%*s%s", before, (int)path_len - 1, "",
		       after);
	memset(text + strlen(SECTION) + strlen(before) + 1, 'p', path_len - 1);
	cr_assert_eq(strlen(text), strlen(SECTION) + length);
	r = parse(&policy, text, strlen(text), &err);
	if (path_len > 3984) {
		cr_expect_eq(r, -EINVAL, "%zu bytes", length);
		cr_expect(strstr(err.msg, "more than 3984 bytes"), "%s", err.msg);
	} else {
		cr_expect_eq(r, 0, "%zu bytes: %s", length, err.msg);
		cr_assert_eq(policy.n_unveils, 1, "%zu bytes", length);
		cr_expect_eq(strlen(policy.unveils[0].path), path_len, "%zu bytes", length);
		cr_expect_eq(memcmp(policy.unveils[0].path, path, path_len), 0, "%zu bytes",
			     length);
	}
	policy_done(&policy);
}

/* inih's buffer (200 bytes as packaged) is ours to fill but for its last byte, and our lines end at
 * 4,000: the value must be the same on both sides of either. */
Test(policy_file, line_lengths)
{
	static const size_t lengths[] = {10,  62,  63,	64,   65,   66,	  197,	198,
					 199, 200, 201, 202,  206,  207,  208,	209,
					 398, 399, 400, 1000, 3988, 3989, 3999, 4000};
	static const int buffers[] = {200, 64, 208, 5000};
	static const struct {
		const char *before, *after;
	} shapes[] = {{"r=", ""}, {"r =", ""}, {"\tr\t= ", ""}, {"r = ", "  ;=:x"}, {"r=", "\t "}};

	for (size_t b = 0; b < ARRAY_SIZE(buffers); b++) {
		ini_max_line = buffers[b];
		for (size_t l = 0; l < ARRAY_SIZE(lengths); l++)
			for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
				check_line_length(lengths[l], shapes[i].before, shapes[i].after);
	}
}

/* As long as a line may be, in each kind of line; one byte more is refused, in comments, too. */
Test(policy_file, line_max)
{
	static const struct {
		const char *start;
		bool fill_with_blanks; /* then a comment sign */
	} rows[] = {{"; ", false}, {"r = /a", true},	{"[net]", true},
		    {"", true},	   {"r = /a ;", false}, {"#", false}};

	for (size_t i = 0; i < ARRAY_SIZE(rows) * 4; i++) {
		size_t length = POLICY_LINE_MAX - 1 + i % 4;
		const char *start = rows[i / 4].start;
		const char *end = i % 2 ? "\r\n" : "\n";
		char text[POLICY_LINE_MAX + 64];
		size_t used = (size_t)snprintf(text, sizeof(text), "[unveil]\n%s", start);
		size_t total = length + strlen("[unveil]\n");
		struct policy policy;
		struct sbx_err err;
		int r;

		memset(text + used, rows[i / 4].fill_with_blanks ? ' ' : 'x', total - used);
		(void)snprintf(text + total, sizeof(text) - total, "%s", end);
		r = parse(&policy, text, strlen(text), &err);
		if (length > POLICY_LINE_MAX) {
			cr_expect_eq(r, -EINVAL, "\"%s\", %zu bytes", start, length);
			cr_expect_eq(err.line, 2);
			cr_expect(strstr(err.msg, "at most 4000"), "%s", err.msg);
		} else {
			cr_expect_eq(r, 0, "\"%s\", %zu bytes: %s", start, length, err.msg);
			cr_expect_eq(policy.n_unveils, start[0] == 'r', "\"%s\"", start);
		}
		policy_done(&policy);
	}
}

Test(policy_file, long_lines_of_other_kinds)
{
	static const struct {
		const char *start;
		const char *message; /* NULL: fine */
	} rows[] = {
		{"[sandbox]\npromises = stdio", NULL},
		{"[sandbox]\npromise = stdio", "did you mean \"promises\""},
		{"[sandbox]\npromises", "\"=\" is missing"},
		{"[sandbox]\npromises : ", "not \":\""},
		{"[net]\nbind_tcp =", NULL},
		{"[net]\nbind_tcp = 80", NULL},
		{"[sandbox]\nunveil = off", NULL},
		{"[net]", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[1024];
		struct policy policy;
		struct sbx_err err;
		int r;

		(void)snprintf(text, sizeof(text), "%s%500s;%200s", rows[i].start, "", "r = /x");
		r = parse(&policy, text, strlen(text), &err);
		cr_expect_eq(r, rows[i].message ? -EINVAL : 0, "%s: %s", rows[i].start, err.msg);
		cr_expect(!rows[i].message || strstr(err.msg, rows[i].message), "%s: %s",
			  rows[i].start, err.msg);
		cr_expect_eq(policy.n_unveils, 0, "%s: the tail became a key", rows[i].start);
		policy_done(&policy);
	}
}

/* Every key line comes out once, in order, with its own number and path, whatever stands around it.
 */
Test(policy_file, no_line_is_lost)
{
	enum { LINES = 3000 };
	static char text[LINES * 300];
	char path[400];
	size_t used = 0;
	unsigned expected_line[LINES], n = 0;
	struct policy policy;
	struct sbx_err err;

	for (unsigned i = 0; i < LINES; i++) {
		const char *line_end = i % 5 ? "\n" : "\r\n";

		switch (i % 7) {
		case 0:
			used += (size_t)snprintf(text + used, sizeof(text) - used, "[unveil]%s",
						 line_end);
			break;
		case 3:
			used += (size_t)snprintf(text + used, sizeof(text) - used, "  %s%s",
						 i % 2 ? "; r = /no" : "", line_end);
			break;
		default: /* between 20 and 260 bytes, so that some do not fit inih's buffer */
			used += (size_t)snprintf(text + used, sizeof(text) - used,
						 "%sr = /dir/%u/%0*u%s", i % 4 ? "" : " ", i,
						 (int)(i % 240) + 1, i, line_end);
			expected_line[n++] = i + 1;
		}
	}
	cr_assert_lt(used, sizeof(text) - 1);
	cr_assert_eq(parse(&policy, text, used, &err), 0, "line %u: %s", err.line, err.msg);
	cr_assert_eq(policy.n_unveils, n, "%zu of %u", policy.n_unveils, n);
	for (unsigned i = 0; i < n; i++) {
		unsigned number = expected_line[i] - 1;

		(void)snprintf(path, sizeof(path), "/dir/%u/%0*u", number, (int)(number % 240) + 1,
			       number);
		cr_expect_eq(policy.unveils[i].from.line, expected_line[i], "%s", path);
		cr_expect_str_eq(policy.unveils[i].path, path);
	}
	policy_done(&policy);
}

Test(policy_file, an_ini_library_that_reads_otherwise)
{
	static const char text[] = "[unveil]\nr = /a ; b\n";
	struct policy policy;
	struct sbx_err err;

	ini_allow_inline_comments = false;
	cr_expect_eq(parse(&policy, text, sizeof(text) - 1, &err), -EINVAL);
	cr_expect_eq(err.line, 2);
	cr_expect_str_eq(err.msg, "the INI library reads this line as \"/a ; b\"");
	policy_done(&policy);
	ini_allow_inline_comments = true;
	ini_max_line = 20;
	cr_expect_eq(parse(&policy, text, sizeof(text) - 1, &err), -EINVAL);
	cr_expect_str_eq(err.msg, "the INI library has room for 20 bytes only");
	policy_done(&policy);
	ini_max_line = 60; /* smaller than ours, larger than a name */
	cr_expect_eq(parse(&policy, text, sizeof(text) - 1, &err), 0, "%s", err.msg);
	policy_done(&policy);
}

/* include =, answered from memory. */
static int include_text(struct policy *policy, const char *name, struct origin from, void *user,
			struct sbx_err *err)
{
	const char *text = user;
	const struct policy_source source = {
		.file = name, .text = text, .len = strlen(text), .included = true};

	cr_expect_str_eq(from.file, "main.ini");
	cr_expect_eq(from.line, 3);
	return policy_parse_text(policy, &source, &test_env, err);
}

static int parse_including(struct policy *policy, const char *included, struct sbx_err *err)
{
	static const char text[] =
		"[sandbox]\npromises = stdio\ninclude = a.ini\tb.ini ;c\n[unveil]\nr = /z\n";
	char copy[256];
	const struct policy_source source = {
		.file = "main.ini",
		.text = text,
		.len = sizeof(text) - 1,
		.include = include_text,
		.user = copy,
	};

	(void)snprintf(copy, sizeof(copy), "%s", included);
	*err = (struct sbx_err){0};
	policy_init(policy);
	return policy_parse_text(policy, &source, &test_env, err);
}

Test(policy_file, include_adds)
{
	struct policy policy;
	struct sbx_err err;

	cr_assert_eq(parse_including(&policy,
				     "[sandbox]\npromises = inet\n[unveil]\nr = /i\n[net]\n"
				     "connect_tcp = 443\n",
				     &err),
		     0, "%s:%u: %s", err.file, err.line, err.msg);
	cr_expect_eq(policy.promises, P(STDIO) | P(INET));
	cr_assert_eq(policy.n_unveils, 3, "a.ini, b.ini and the file itself");
	cr_expect_str_eq(policy.unveils[0].path, "/i");
	cr_expect_str_eq(policy.unveils[0].from.file, "a.ini");
	cr_expect_eq(policy.unveils[0].from.line, 4);
	cr_expect_str_eq(policy.unveils[1].from.file, "b.ini");
	cr_expect_str_eq(policy.unveils[2].from.file, "main.ini");
	cr_expect_eq(policy.unveils[2].from.line, 5);
	cr_expect_eq(policy.n_ports, 1);
	cr_expect_str_eq(policy.name, "main.ini");
	policy_done(&policy);
}

Test(policy_file, include_may_hold_little)
{
	static const char *const keys[] = {
		"program = /a",	  "include = c.ini", "on_violation = kill", "unveil = off",
		"require = full", "scope = open",    "self_modify = yes",   "report = no"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		char text[64];
		struct policy policy;
		struct sbx_err err;

		(void)snprintf(text, sizeof(text), "[sandbox]\n%s\n", keys[i]);
		cr_expect_eq(parse_including(&policy, text, &err), -EINVAL, "%s", keys[i]);
		cr_expect_str_eq(err.file, "a.ini", "%s", keys[i]);
		cr_expect_eq(err.line, 2, "%s", keys[i]);
		cr_expect(strstr(err.msg, "is not allowed in an included file"), "%s: %s", keys[i],
			  err.msg);
		policy_done(&policy);
	}
}
