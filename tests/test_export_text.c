/* SPDX-License-Identifier: MIT */
/* Pure. As test_export.c, for the formats that are lines of text: minijail's policy, a unit of
 * systemd, strace's filter; and what all of them say that they could not carry. */
#include "export_world.h"

/* ---- minijail ---- */

/* arg1 == 0x5401, arg2 & 0x4, arg2 in 0xfffffffffffffffb */
struct atom {
	uint64_t value;
	uint8_t arg;
	char op;   /* '=', '&', 'i' */
	bool last; /* of a conjunction */
};

/* minijail0(5): name: expression [; return ERRNO]. An expression is conjunctions joined by ||. */
struct minijail {
	struct atom atoms[16384];
	size_t n_atoms;
	struct {
		bool there; /* else it kills */
		bool all;   /* "1" */
		size_t first, n;
		int error; /* -1: kills */
	} lines[WORLD_NUMBERS];
};

/* A backslash at the end of a line takes in the next. */
static void join_lines(char *text)
{
	for (char *p; (p = strstr(text, "\\\n"));)
		memcpy(p, "  ", 2);
}

/* Returns what is behind the atom. */
static char *parse_atom(char *text, struct atom *ret)
{
	text += strspn(text, " ");
	cr_assert(strncmp(text, "arg", 3) == 0 && text[3] >= '0' && text[3] <= '5', "%s", text);
	ret->arg = (uint8_t)(text[3] - '0');
	ret->op = text[5];
	text += 4;
	if (strncmp(text, " == ", 4) != 0 && strncmp(text, " in ", 4) != 0)
		cr_assert(strncmp(text, " & ", 3) == 0, "%s", text);
	text = strchr(text + 1, ' ');
	errno = 0;
	ret->value = strtoull(text, &text, 0);
	cr_assert_eq(errno, 0);
	return text + strspn(text, " ");
}

static void parse_expression(char *text, struct minijail *ret, int nr)
{
	ret->lines[nr].first = ret->n_atoms;
	ret->lines[nr].all = strcmp(text, "1") == 0;
	while (*text && !ret->lines[nr].all) {
		struct atom *atom = &ret->atoms[ret->n_atoms++];

		cr_assert_leq(ret->n_atoms, ARRAY_SIZE(ret->atoms));
		text = parse_atom(text, atom);
		atom->last = strncmp(text, "&&", 2) != 0;
		cr_assert(!*text || !atom->last || strncmp(text, "||", 2) == 0, "%s", text);
		text += *text ? 2 : 0;
	}
	ret->lines[nr].n = ret->n_atoms - ret->lines[nr].first;
}

static void parse_minijail(char *text, struct minijail *ret)
{
	char *save;

	memset(ret, 0, sizeof(*ret));
	join_lines(text);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *colon = strchr(line, ':'), *back;
		int nr;

		if (line[0] == '#')
			continue;
		cr_assert(colon && colon[1] == ' ', "%s", line);
		*colon = '\0';
		nr = world_number(line);
		cr_assert(nr >= 0 && !ret->lines[nr].there, "%s: unknown or twice", line);
		ret->lines[nr].there = true;
		ret->lines[nr].error = -1;
		back = strstr(colon + 2, "return ");
		if (back) {
			ret->lines[nr].error = atoi(back + 7);
			cr_assert(ret->lines[nr].error > 0 && ret->lines[nr].error < 4096, "%s",
				  line);
			if (back > colon + 2) {
				cr_assert(back[-1] == ' ' && back[-2] == ';', "%s", line);
				back -= 2;
			}
			*back = '\0';
		}
		parse_expression(colon + 2, ret, nr);
	}
}

static bool atom_holds(const struct atom *atom, const uint64_t args[6])
{
	switch (atom->op) {
	case '=':
		return args[atom->arg] == atom->value;
	case '&':
		return args[atom->arg] & atom->value;
	default: /* in */
		return !(args[atom->arg] & ~atom->value);
	}
}

static bool line_permits(const struct minijail *minijail, int nr, const uint64_t args[6])
{
	const struct atom *atom = &minijail->atoms[minijail->lines[nr].first];
	bool holds = true;

	for (size_t i = 0; i < minijail->lines[nr].n; i++, atom++) {
		holds = holds && atom_holds(atom, args);
		if (atom->last && holds)
			return true;
		holds = holds || atom->last;
	}
	return minijail->lines[nr].all;
}

static uint32_t minijail_says(void *user, const struct seccomp_data *data)
{
	const struct minijail *minijail = user;

	if (line_permits(minijail, data->nr, world_args(data).v))
		return SECCOMP_RET_ALLOW;
	if (!minijail->lines[data->nr].there || minijail->lines[data->nr].error < 0)
		return SECCOMP_RET_KILL_PROCESS;
	return SECCOMP_RET_ERRNO | (uint32_t)minijail->lines[data->nr].error;
}

/* Upper halves as a program leaves them: nothing there, or the sign. */
static bool is_clean(const struct seccomp_data *data)
{
	for (unsigned i = 0; i < 6; i++)
		if (data->args[i] > UINT32_MAX &&
		    (int64_t)data->args[i] != (int64_t)(int32_t)data->args[i])
			return false;
	return true;
}

/* A call of which a part is permitted has one error for the rest: the policy's. So a rule that
 * kills, or names an error, for some arguments only is not carried. */
static uint32_t minijail_expected(const struct exported *e, const struct seccomp_data *data,
				  uint32_t kernel)
{
	if (!world_name(data->nr) || world_is_young(data->nr))
		return SECCOMP_RET_KILL_PROCESS;
	if (!world_permits(kernel) && strcmp(world_name(data->nr), "socket") == 0)
		return e->deny;
	if (!world_permits(kernel) && strcmp(world_name(data->nr), "seccomp") == 0)
		return e->deny; /* a listener: ENOSYS */
	return kernel;
}

Test(export_text, minijail)
{
	for (size_t i = 0; i < WORLD_CASES; i++) {
		struct exported e = {.size = 0};
		static struct minijail minijail;
		size_t kept = 0;

		exported_init(&e, "minijail", i);
		parse_minijail(e.text, &minijail);
		/* What is permitted here, the policy permits. */
		for (size_t k = 0; k < e.points.n; k++) {
			char point[256];

			if (is_clean(&e.points.v[k])) {
				e.points.v[kept++] = e.points.v[k];
				continue;
			}
			describe_point(&e.points.v[k], point, sizeof(point));
			cr_expect(!world_permits(minijail_says(&minijail, &e.points.v[k])) ||
					  world_permits(kernel_says(&e, &e.points.v[k])),
				  "%s: wider: %s", e.name, point);
		}
		e.points.n = kept;
		compare(&e, minijail_says, &minijail, minijail_expected);
		exported_done(&e);
	}
}

/* ---- systemd ---- */

/* All values of one key, with blanks around each word. */
static void unit_values(const char *text, const char *key, char *ret, size_t size)
{
	size_t used = 1;

	(void)snprintf(ret, size, " ");
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, strlen(key)) != 0 || line[strlen(key)] != '=')
			continue;
		line += strlen(key) + 1;
		used += (size_t)snprintf(ret + used, size - used, "%.*s ", (int)strcspn(line, "\n"),
					 line);
		cr_assert_lt(used, size);
	}
}

static bool has_word(const char *words, const char *word)
{
	char spaced[80];

	(void)snprintf(spaced, sizeof(spaced), " %.70s ", word);
	return strstr(words, spaced);
}

/* Permitted altogether though only a part is. Others are refused altogether. */
static const char *const wide[] = {
	"arch_prctl",	 "chmod",      "clone",	     "fchmod",	   "fchmodat",
	"fchmodat2",	 "fcntl",      "getsockopt", "ioctl",	   "mmap",
	"mprotect",	 "newfstatat", "open",	     "openat",	   "personality",
	"pkey_mprotect", "prctl",      "prlimit64",  "sendmmsg",   "sendmsg",
	"sendto",	 "setsockopt", "socket",     "socketpair", "statx",
};

static bool is_wide(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(wide); i++)
		if (strcmp(wide[i], name) == 0)
			return true;
	return false;
}

struct tally {
	unsigned permitted, refused;
	uint32_t action; /* of the last one that is refused */
};

static void count(const struct exported *e, struct tally tallies[WORLD_NUMBERS])
{
	memset(tallies, 0, WORLD_NUMBERS * sizeof(tallies[0]));
	for (size_t i = 0; i < e->points.n; i++) {
		struct tally *tally = &tallies[e->points.v[i].nr];
		uint32_t action = kernel_says(e, &e->points.v[i]);

		if (world_permits(action)) {
			tally->permitted++;
		} else {
			tally->refused++;
			tally->action = action;
		}
	}
}

static void expect_call(const struct exported *e, const char *calls, const char *name,
			const struct tally *tally)
{
	bool listed = has_word(calls, name);
	bool want = !tally->refused || (tally->permitted && is_wide(name));
	char word[64];

	cr_expect_eq(listed, want, "%s: %s", e->name, name);
	if (tally->permitted)
		return;
	(void)snprintf(word, sizeof(word), "~%s:ENOSYS", name);
	cr_expect_eq(has_word(calls, word), tally->action == (SECCOMP_RET_ERRNO | ENOSYS), "%s: %s",
		     e->name, name);
	(void)snprintf(word, sizeof(word), "~%s:EACCES", name);
	cr_expect_eq(has_word(calls, word), tally->action == (SECCOMP_RET_ERRNO | EACCES), "%s: %s",
		     e->name, name);
	(void)snprintf(word, sizeof(word), "~%s:kill", name);
	cr_expect_eq(has_word(calls, word),
		     tally->action == SECCOMP_RET_KILL_PROCESS && tally->action != e->deny,
		     "%s: %s", e->name, name);
}

Test(export_text, systemd)
{
	static struct tally tallies[WORLD_NUMBERS];

	for (size_t i = 0; i < WORLD_CASES; i++) {
		struct exported e = {.size = 0};
		char calls[16384], value[256];

		exported_init(&e, "systemd", i);
		count(&e, tallies);
		unit_values(e.text, "SystemCallFilter", calls, sizeof(calls));
		for (int nr = 0; nr < WORLD_NUMBERS; nr++)
			if (world_name(nr))
				expect_call(&e, calls, world_name(nr), &tallies[nr]);
		unit_values(e.text, "NoNewPrivileges", value, sizeof(value));
		cr_expect_str_eq(value, " yes ", "%s", e.name);
		unit_values(e.text, "SystemCallErrorNumber", value, sizeof(value));
		cr_expect_str_eq(value, e.deny == SECCOMP_RET_KILL_PROCESS ? " " : " EPERM ", "%s",
				 e.name);
		unit_values(e.text, "MemoryDenyWriteExecute", value, sizeof(value));
		cr_expect_str_eq(value, e.policy.promises & P(PROT_EXEC) ? " " : " yes ", "%s",
				 e.name);
		exported_done(&e);
	}
}

static const struct {
	const char *promises, *rule;
	const char *key, *value;
} lines[] = {
	{"stdio", NULL, "RestrictAddressFamilies", " none "},
	{"stdio unix", NULL, "RestrictAddressFamilies", " AF_UNIX "},
	{"stdio inet", NULL, "RestrictAddressFamilies", " AF_INET AF_INET6 "},
	{"stdio dns", NULL, "RestrictAddressFamilies", " AF_INET AF_INET6 AF_NETLINK "},
	{"stdio", "allow socket(arg0 == AF_BLUETOOTH)", "RestrictAddressFamilies",
	 " AF_BLUETOOTH "},
	{"stdio", "allow socket(arg0 != AF_UNIX)", "RestrictAddressFamilies", " "},
	{"stdio", "allow socket", "RestrictAddressFamilies", " "},
	{"stdio inet", "deny socket(arg0 == AF_INET6)", "RestrictAddressFamilies", " AF_INET "},
	{"stdio proc", NULL, "RestrictNamespaces", " yes "},
	{"stdio proc", "allow unshare", "RestrictNamespaces", " "},
	{"stdio proc", "allow clone(arg0 & 0x10000000 == 0x10000000)", "RestrictNamespaces", " "},
	{"stdio", "allow clone(arg0 & 0x100 == 0x100)", "RestrictNamespaces", " "},
	{"stdio fattr", NULL, "RestrictSUIDSGID", " yes "},
	{"stdio fattr", "allow fchmodat", "RestrictSUIDSGID", " "},
	{"stdio", NULL, "LockPersonality", " yes "},
	{"stdio", "allow personality", "LockPersonality", " "},
	{"stdio", "allow mprotect(arg2 == 5)", "MemoryDenyWriteExecute", " "},
	{"stdio", NULL, "SystemCallArchitectures", " native "},
	{"stdio inet", NULL, "SocketBindAllow", " tcp:80 tcp:8080 "},
	{"stdio inet", NULL, "SocketBindDeny", " tcp "},
};

Test(export_text, systemd_lines)
{
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct origin from = {.file = "test.ini", .line = 1};
		struct policy policy;
		struct sbx_err err = {0};
		char value[256], *text;
		size_t size;

		policy_init(&policy);
		policy.name = "test.ini";
		policy.unsafe_syscalls = true;
		cr_assert_eq(policy_add_promises(&policy, lines[i].promises, from, &err), 0);
		cr_assert_eq(policy_add_ports(&policy, PORT_BIND, "80 8080", from, &err), 0);
		if (lines[i].rule)
			cr_assert_eq(policy_add_rule(&policy, lines[i].rule[0] == 'a',
						     strchr(lines[i].rule, ' ') + 1, from, &err),
				     0, "%s", err.msg);
		text = world_export("systemd", &policy, &size, NULL);
		unit_values(text, lines[i].key, value, sizeof(value));
		cr_expect_str_eq(value, lines[i].value, "row %zu, %s: %s", i, lines[i].key, value);
		free(text);
		policy_done(&policy);
	}
}

/* ---- strace ---- */

Test(export_text, strace)
{
	static struct tally tallies[WORLD_NUMBERS];

	for (size_t i = 0; i < WORLD_CASES; i++) {
		struct exported e = {.size = 0};
		char word[64];

		exported_init(&e, "strace-filter", i);
		count(&e, tallies);
		cr_assert_eq(strncmp(e.text, "-e trace=", 9), 0, "%s", e.name);
		cr_assert_eq(strchr(e.text, '\n'), e.text + e.size - 1, "%s: one line", e.name);
		e.text[8] = ',';
		e.text[e.size - 1] = ',';
		for (int nr = 0; nr < WORLD_NUMBERS; nr++) {
			if (!world_name(nr))
				continue;
			(void)snprintf(word, sizeof(word), ",?%s,", world_name(nr));
			cr_expect_eq(!!strstr(e.text, word), !!tallies[nr].refused, "%s: %s",
				     e.name, world_name(nr));
		}
		exported_done(&e);
	}
}

/* ---- what could not be carried ---- */

static const struct {
	const char *format;
	const char *said; /* NULL: up to here all formats */
} notes[] = {
	{NULL, "stdio tmppath"},
	{NULL, "rw = /srv/data"},
	{NULL, "connect_tcp = 443"},
	{NULL, "scope"},
	{NULL, "deny = getpid -> errno EACCES"},
	{"bpf", "Only right beside Landlock"},
	{"bpf", "kill, tkill, tgkill"},
	{"bpf", "refuses execve"},
	{"c", "Only right beside Landlock"},
	{"pfc", "newer than this program's table"},
	{"seccompiler-json", "Narrower than the policy, since nothing here restricts paths"},
	{"seccompiler-json", "openat, openat2, creat, truncate, mkdir"},
	{"seccompiler-json", "the errors that rules name"},
	{"seccompiler-json", "has no names for futex_waitv"},
	{"oci-json", "Narrower than the policy, since nothing here restricts paths"},
	{"oci-json", "as if it promised rpath exec"},
	{"systemd", "as if it promised rpath exec"},
	{"systemd", "Wider than the policy: SystemCallFilter= cannot look at arguments"},
	{"systemd", "refused altogether is "},
	{"minijail", "Calls that have no line kill"},
	{"minijail", "== looks at 64 bits"},
	{"strace-filter", "The calls that this policy refuses"},
};

/* As one line: comments are wrapped, and JSON has its own. */
static void unwrap(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from == '\n') {
			while (from[1] && strchr(" #*", from[1]))
				from++;
			if (strncmp(from + 1, "sbx-preload:", 12) == 0)
				from += 12 + strspn(from + 13, " ");
			*to++ = ' ';
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
}

static void expect_notes(const struct export_format *format, const struct policy *policy)
{
	char *said = NULL, *text;
	size_t size, said_size;
	FILE *stream = open_memstream(&said, &said_size);

	cr_assert(stream);
	text = world_export(format->name, policy, &size, stream);
	(void)fclose(stream);
	cr_expect_eq(!!said_size, format->in_notes, "%s", format->name);
	unwrap(format->in_notes ? said : text);
	for (size_t i = 0; i < ARRAY_SIZE(notes); i++)
		if (!notes[i].format || strcmp(notes[i].format, format->name) == 0)
			cr_expect(strstr(format->in_notes ? said : text, notes[i].said),
				  "%s does not say: %s", format->name, notes[i].said);
	free(text);
	free(said);
}

Test(export_text, notes)
{
	struct origin from = {.file = "test.ini", .line = 1};
	struct policy policy;
	struct sbx_err err = {0};

	policy_init(&policy);
	policy.name = "test.ini";
	cr_assert_eq(policy_add_promises(&policy, "stdio tmppath", from, &err), 0);
	cr_assert_eq(policy_add_ports(&policy, PORT_CONNECT, "443", from, &err), 0);
	cr_assert_eq(policy_add_unveil_flag(&policy, "rw:/srv/data", &world_env, &err), 0);
	cr_assert_eq(policy_add_rule(&policy, false, "getpid -> errno EACCES", from, &err), 0);
	for (size_t i = 0; i < export_formats_count; i++)
		expect_notes(&export_formats[i], &policy);
	policy_done(&policy);
}

/* A path or a name must not end a comment, nor begin one, nor break the JSON. */
static const char *const odd_paths[] = {"/srv/*/x",   "/srv/a*/",      "/srv/x/*y",    "/srv/\\",
					"/srv/\"q\"", "/srv/\xff\xfe", "/srv/\xc3\xa9"};

Test(export_text, odd_paths)
{
	struct unveil_line unveils[ARRAY_SIZE(odd_paths)];
	struct policy policy;

	policy_init(&policy);
	policy.name = "odd*/\nname.ini";
	for (size_t i = 0; i < ARRAY_SIZE(odd_paths); i++)
		unveils[i] = (struct unveil_line){.path = odd_paths[i], .perms = PERM_R};
	policy.unveils = unveils;
	policy.n_unveils = ARRAY_SIZE(odd_paths);
	for (size_t i = 0; i < export_formats_count; i++) {
		size_t size;
		char *text = world_export(export_formats[i].name, &policy, &size, NULL), *end;

		if (strcmp(export_formats[i].name, "c") == 0) {
			end = strstr(text, "*/");
			cr_assert(end && strncmp(end, "*/\n#include", 11) == 0);
			cr_expect_null(memmem(text + 2, (size_t)(end - text) - 2, "/*", 2));
			cr_expect_null(strstr(text, "\\\n"));
		}
		cr_expect_null(memmem(text, size, "odd*/\n", 6), "%s", export_formats[i].name);
		free(text);
	}
	policy_done(&policy);
}
