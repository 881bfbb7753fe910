/* SPDX-License-Identifier: MIT */
/* Pure. Rules as text, and what can be said about them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "../shim/decode_table.h"
#include "../shim/master.h"
#include "../shim/rule_parts.h"
#include "../shim/table.h"

static const struct origin here = {.file = "a.ini", .line = 7};

static int parse(const char *text, bool allow, struct rule *ret, struct sbx_err *err)
{
	memset(ret, 0xa5, sizeof(*ret)); /* nothing may be left unset */
	memset(err, 0, sizeof(*err));
	return rule_parse(text, allow, here, ret, err);
}

/* ---- text ---- */

/* What a rule is written back as, which is then read again. */
static const struct {
	const char *text;
	const char *written; /* NULL: the same */
	bool allow;
} good[] = {
	{"read", NULL, true},
	{" \tread\t ", "read", true},
	{"read()", "read", true},
	{"read ( )", "read", true},
	{"socket(arg0 == AF_NETLINK)", NULL, false},
	{"socket (arg0==AF_NETLINK,arg2!=NETLINK_ROUTE)->kill",
	 "socket(arg0 == AF_NETLINK, arg2 != NETLINK_ROUTE) -> kill", false},
	{"socket(arg0 == 16) -> errno EACCES", "socket(arg0 == AF_NETLINK) -> errno EACCES", false},
	{"socket(arg0 == AF_NETLINK, arg2 == 0)",
	 "socket(arg0 == AF_NETLINK, arg2 == NETLINK_ROUTE)", false},
	{"socket(arg0 == AF_INET, arg2 == 262)", "socket(arg0 == AF_INET, arg2 == IPPROTO_MPTCP)",
	 false},
	{"socket(arg1 & 15 == 3)", "socket(arg1 & 0xf == SOCK_RAW)", false},
	{"socket(arg1 == SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)",
	 "socket(arg1 == SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK)", true},
	{"fcntl(arg1 == F_GETFL, arg0 != 3)", NULL, true},
	{"fcntl(arg1 == 1030)", "fcntl(arg1 == F_DUPFD_CLOEXEC)", true},
	{"fcntl(arg1 == F_SETFD, arg2 == 1)", "fcntl(arg1 == F_SETFD, arg2 == FD_CLOEXEC)", true},
	{"fcntl(arg1 == F_SETFD, arg2:32 == 1)", "fcntl(arg1 == F_SETFD, arg2:32 == FD_CLOEXEC)",
	 true},
	{"ioctl(arg1 == TIOCSTI) -> log", NULL, false},
	{"ioctl(arg1 == 0x5413)", "ioctl(arg1 == TIOCGWINSZ)", true},
	{"ioctl(arg1 == DRM_IOCTL_VERSION)", NULL, true},
	{"ioctl(arg1 == 0x12345678)", "ioctl(arg1 == 0x12345678)", true},
	{"ioctl(arg1 & 0xff00 == 0x5400)", NULL, true},
	{"prctl(arg0 == PR_SET_NAME)", NULL, true},
	{"prctl(arg0 == PR_CAP_AMBIENT, arg1 == PR_CAP_AMBIENT_RAISE)", NULL, true},
	{"kill(arg1 == SIGTERM)", NULL, true},
	{"kill(arg0 == -1, arg1 != 0)", "kill(arg0 == -1, arg1 != 0)", false},
	{"kill(arg0 == 0xffffffff)", "kill(arg0 == -1)", false},
	{"kill(arg0:64 == -1)", NULL, false},
	{"kill(arg0:32 == 1)", "kill(arg0 == 1)", false},
	{"openat(arg0 == AT_FDCWD, arg2 & O_ACCMODE == O_RDONLY)", NULL, true},
	{"openat(arg2 & O_ACCMODE|O_CREAT != O_RDWR)", "openat(arg2 & O_ACCMODE|O_CREAT != O_RDWR)",
	 true},
	{"openat(arg2 == O_RDONLY|O_CLOEXEC)", "openat(arg2 == O_CLOEXEC)", true},
	{"openat(arg2 == O_WRONLY|O_CREAT|O_TRUNC)", NULL, true},
	{"clone(arg0 & CLONE_NEWUSER|CLONE_NEWNS == 0)",
	 "clone(arg0 & CLONE_NEWNS|CLONE_NEWUSER == 0)", true},
	{"mmap(arg2 & PROT_EXEC == PROT_EXEC, arg3 & MAP_ANON == MAP_ANON)",
	 "mmap(arg2 & PROT_EXEC == PROT_EXEC, arg3 & MAP_ANONYMOUS == MAP_ANONYMOUS)", false},
	{"mmap(arg1 >= 0x100000000)", NULL, false},
	{"mmap(arg0 == NULL)", "mmap(arg0 == 0)", true},
	{"chmod(arg1 & 06000 == 0)", NULL, true},
	{"chmod(arg1 <= 0755)", NULL, true},
	{"chmod(arg1:32 <= 0755)", "chmod(arg1:32 <= 493)", true},
	{"write(arg2 < 4096, arg2 > 16)", NULL, true},
	{"write(arg2 == 18446744073709551615)", "write(arg2 == -1)", true},
	{"write(arg2 == -9223372036854775808)", "write(arg2 == 0x8000000000000000)", true},
	{"lseek(arg1 == 010)", "lseek(arg1 == 8)", true},
	{"lseek(arg1 == 0)", NULL, true},
	{"lseek(arg1 == 0X1F)", "lseek(arg1 == 31)", true},
	{"keyctl(arg0 == KEYCTL_READ, arg1 == KEY_SPEC_SESSION_KEYRING)",
	 "keyctl(arg0 == KEYCTL_READ, arg1 == -3)", true},
	{"membarrier(arg0 == MEMBARRIER_CMD_QUERY)", NULL, true},
	{"membarrier(arg0 == 8)", "membarrier(arg0 == MEMBARRIER_CMD_PRIVATE_EXPEDITED)", true},
	{"getpmsg(arg5 == 1)", NULL, false},
	{"socket -> errno EWOULDBLOCK", "socket -> errno EAGAIN", false},
	{"socket -> errno ENOTSUP", "socket -> errno EOPNOTSUPP", false},
	{"socket   ->   errno   EPERM  ", "socket -> errno EPERM", false},
	{"exit_group", NULL, true},
	{"exit", NULL, false},
	{"exit_group -> log", NULL, false},
	{"write(arg0 != 0, arg0 != 1, arg0 != 2, arg0 != 3, arg0 != 4, arg0 != 5, arg0 != 6, "
	 "arg0 != 7)",
	 NULL, true},
};

Test(rule, good)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		const char *want = good[i].written ? good[i].written : good[i].text;
		char text[RULE_TEXT_MAX];
		struct rule rule, again;
		struct sbx_err err;
		size_t len;

		cr_assert_eq(parse(good[i].text, good[i].allow, &rule, &err), 0, "\"%s\": %s",
			     good[i].text, err.msg);
		cr_expect(rule.from.line == here.line && rule.from.file == here.file, "\"%s\"",
			  good[i].text);
		len = rule_format(&rule, text, sizeof(text));
		cr_expect_str_eq(text, want, "\"%s\": \"%s\", should be \"%s\"", good[i].text, text,
				 want);
		cr_expect_eq(len, strlen(text), "\"%s\"", good[i].text);
		cr_assert_eq(parse(text, good[i].allow, &again, &err), 0, "\"%s\": %s", text,
			     err.msg);
		cr_expect(rule_equal(&rule, &again), "\"%s\" reads back as something else", text);
	}
}

static const struct {
	const char *text;
	bool allow;
	const char *msg;
} bad[] = {
	{"", true, "the name of a system call is missing"},
	{"  ", true, "the name of a system call is missing"},
	{"(arg0 == 1)", true, "the name of a system call must stand where \"(\" is"},
	{"-> kill", false, "the name of a system call must stand where \"-\" is"},
	{"opne", true, "unknown system call \"opne\" (did you mean \"open\"?)"},
	{"xyzzy", true, "unknown system call \"xyzzy\""},
	{"stdio", true, "unknown system call \"stdio\""},
	{"socket socket", true, "\"socket\" is too much behind the rule"},
	{"socket)", true, "\")\" is too much behind the rule"},
	{"socket(arg0 == 1", true, "\")\" is missing at the end"},
	{"socket(", true, "\"\" is no argument: write arg0 to arg5"},
	{"socket(arg0 == 1 arg1 == 2)", true, "\",\" or \")\" must stand where \"arg1\" is"},
	{"socket(arg0 == 1,)", true, "\")\" is no argument: write arg0 to arg5"},
	{"socket(family == 1)", true, "\"family\" is no argument: write arg0 to arg5"},
	{"socket(arg == 1)", true, "\"arg\" is no argument: write arg0 to arg5"},
	{"socket(arg6 == 1)", true, "\"arg6\" is no argument: no call has more than arg0 to arg5"},
	{"socket(arg10 == 1)", true,
	 "\"arg10\" is no argument: no call has more than arg0 to arg5"},
	{"socket(arg3 == 1)", true,
	 "socket has no arg3: its arguments are arg0 to arg2 (int family, int type, int protocol)"},
	{"getpid(arg0 == 1)", true, "getpid has no arguments"},
	{"socket(arg0:16 == 1)", true, "\":16\" is no width: 32 or 64"},
	{"socket(arg0: == 1)", true, "\": \" is no width: 32 or 64"},
	{"socket(arg0:=1)", true, "\":=\" is no width: 32 or 64"},
	{"socket(arg0)", true, "\")\" is no comparison: == != < <= > >= or & MASK =="},
	{"socket(arg0", true, "arg0 is compared with nothing"},
	{"socket(arg0 = 1)", true, "\"=\" compares nothing: write \"==\""},
	{"socket(arg0 =! 1)", true, "\"=\" compares nothing: write \"==\""},
	{"socket(arg0 == )", true,
	 "arg0 of socket: a number or a constant must stand where \")\" is"},
	{"socket(arg0 == ", true, "arg0 of socket: a number or a constant is missing at the end"},
	{"socket(arg0 == 1|)", true,
	 "arg0 of socket: a number or a constant must stand where \")\" is"},
	{"socket(arg0 == AF_NETLINKK)", true,
	 "arg0 of socket: unknown constant \"AF_NETLINKK\" (did you mean \"AF_NETLINK\"?)"},
	{"socket(arg0 == XYZZY)", true, "arg0 of socket: unknown constant \"XYZZY\""},
	{"socket(arg0 == QUERY)", true, "arg0 of socket: unknown constant \"QUERY\""},
	{"socket(arg0 == 08)", true,
	 "arg0 of socket: \"08\" is no number of 64 bits: decimal, 0x hexadecimal or 0 octal"},
	{"socket(arg0 == 1x)", true,
	 "arg0 of socket: \"1x\" is no number of 64 bits: decimal, 0x hexadecimal or 0 octal"},
	{"socket(arg0 == 0x)", true,
	 "arg0 of socket: \"0x\" is no number of 64 bits: decimal, 0x hexadecimal or 0 octal"},
	{"write(arg2 == 18446744073709551616)", true,
	 "arg2 of write: \"18446744073709551616\" is no number of 64 bits: decimal, 0x hexadecimal "
	 "or 0 octal"},
	{"write(arg2 == -9223372036854775809)", true,
	 "arg2 of write: -9223372036854775809 does not fit 64 bits"},
	{"socket(arg0 == 0x100000000)", true, "arg0 of socket: 0x100000000 does not fit 32 bits"},
	{"socket(arg0 == -2147483649)", true, "arg0 of socket: -2147483649 does not fit 32 bits"},
	{"socket(arg0 & 0x100000000 == 0)", true,
	 "arg0 of socket: 0x100000000 does not fit 32 bits"},
	{"chmod(arg1 == 0x10000)", true, "arg1 of chmod: 0x10000 does not fit 16 bits"},
	{"unshare(arg0 == CLONE_INTO_CGROUP)", true,
	 "arg0 of unshare: CLONE_INTO_CGROUP (0x200000000) does not fit 32 bits"},
	{"socket(arg1 & 0 == 0)", true, "the mask of arg1 is 0: nothing is left of it"},
	{"socket(arg1 & 15 < 2)", true, "behind a mask only == and != are possible"},
	{"socket(arg1 & 15 == 16)", true,
	 "the rule can never match: 0x10 has bits that the mask 0xf of arg1 takes away"},
	{"socket(arg1 & 15 != 16)", true,
	 "what is said of arg1 always holds: 0x10 has bits that the mask 0xf takes away"},
	{"socket(arg0 < 0)", true,
	 "the rule can never match: no 32-bit arg0 is less than 0 (comparisons are unsigned)"},
	{"kill(arg0 >= 0)", true,
	 "what is said of arg0 always holds: every 32-bit value is 0 or more (comparisons are "
	 "unsigned)"},
	{"kill(arg0 > -1)", true,
	 "the rule can never match: no 32-bit arg0 is greater than that (comparisons are "
	 "unsigned)"},
	{"kill(arg0 <= 4294967295)", true,
	 "what is said of arg0 always holds: every 32-bit value is as small (comparisons are "
	 "unsigned)"},
	{"write(arg2 <= -1)", true,
	 "what is said of arg2 always holds: every 64-bit value is as small (comparisons are "
	 "unsigned)"},
	{"socket(arg0 == 1, arg0 == 2)", true,
	 "the rule can never match: its conditions on arg0 exclude each other"},
	{"socket(arg1 == 1, arg0 == 3, arg0 < 3)", true,
	 "the rule can never match: its conditions on arg0 exclude each other"},
	{"socket(arg0 > 3, arg0 < 4)", true,
	 "the rule can never match: its conditions on arg0 exclude each other"},
	{"socket(arg0 >= 4, arg0 <= 5, arg0 != 4, arg0 & 1 == 0)", true,
	 "the rule can never match: its conditions on arg0 exclude each other"},
	{"kill(arg0:64 == 0x100000001, arg0 == 2)", true,
	 "the rule can never match: its conditions on arg0 exclude each other"},
	{"write(arg0 != 0, arg0 != 1, arg0 != 2, arg0 != 3, arg0 != 4, arg0 != 5, arg0 != 6, "
	 "arg0 != 7, arg0 != 8)",
	 true, "more than 8 conditions"},
	{"socket -> kill", true, "a rule that allows takes no \"->\""},
	{"socket ->", false, "\"\" is no action: errno NAME, kill or log"},
	{"socket -> trap", false, "\"trap\" is no action: errno NAME, kill or log"},
	{"socket -> EPERM", false, "write \"-> errno EPERM\""},
	{"socket -> errno", false, "the name of an error is missing behind \"errno\""},
	{"socket -> errno EPRM", false, "unknown error \"EPRM\" (did you mean \"EPERM\"?)"},
	{"socket -> errno 13", false, "unknown error \"13\": its name must be one of errno(3)'s"},
	{"socket -> kill kill", false, "\"kill\" is too much behind the rule"},
	{"exit_group", false, "exit_group cannot be denied: no program could end"},
	{"exit_group(arg0 == 3) -> kill", false,
	 "exit_group cannot be denied: no program could end"},
	{"rt_sigreturn -> errno EPERM", false,
	 "rt_sigreturn cannot be denied: no program could come back from a signal"},
};

Test(rule, bad)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct rule rule, before;
		struct sbx_err err;

		memset(&before, 0xa5, sizeof(before));
		cr_assert_eq(parse(bad[i].text, bad[i].allow, &rule, &err), -EINVAL, "\"%s\"",
			     bad[i].text);
		cr_expect_str_eq(err.msg, bad[i].msg, "\"%s\": \"%s\", should be \"%s\"",
				 bad[i].text, err.msg, bad[i].msg);
		cr_expect(err.line == here.line && strcmp(err.file, here.file) == 0 &&
				  err.code == -EINVAL,
			  "\"%s\": %s:%u", bad[i].text, err.file, err.line);
		cr_expect(memcmp(&rule, &before, sizeof(rule)) == 0, "\"%s\" changes the output",
			  bad[i].text);
	}
}

/* Every start of a rule is refused or read, never more than is there (ASan sees the rest). */
Test(rule, cut)
{
	static const char whole[] = "openat(arg0:64 != -100, arg2 & O_ACCMODE|3 == 0x0|O_RDWR) -> "
				    "errno EACCES";

	for (size_t len = 0; len <= strlen(whole); len++) {
		char *copy = strndup(whole, len);
		struct rule rule;
		struct sbx_err err;
		int r = parse(copy, false, &rule, &err);

		cr_expect(r == 0 || (r == -EINVAL && err.msg[0]), "\"%s\": %d", copy, r);
		free(copy);
	}
}

Test(rule, numbers)
{
	struct rule rule;
	struct sbx_err err;

	cr_assert_eq(parse("getpid", true, &rule, &err), 0);
	cr_expect_eq(rule.nr, SYS_getpid);
	cr_assert_eq(parse("file_setattr", true, &rule, &err), 0); /* younger than libseccomp */
	cr_expect_eq(rule.nr, 469);
#ifdef __aarch64__
	cr_assert_eq(parse("open", true, &rule, &err), 0);
	cr_expect_eq(rule.nr, RULE_NR_NONE);
#endif
}

/* ---- the list of calls ---- */

Test(rule, calls_are_those_of_the_table)
{
	struct rule_call call;
	unsigned count = 0;

	for (size_t tag = 1; tag < table_rows_count; tag++) {
		const char *name = table_rows[tag].name;

		if (tag > 1 && strcmp(table_rows[tag - 1].name, name) == 0)
			continue;
		count++;
		cr_expect(rule_call_find(name, strlen(name), &call), "%s is missing", name);
	}
	cr_expect(!rule_call_at(count, &call), "a call that the table has not: %s", call.name);
	for (unsigned i = 0; rule_call_at(i, &call); i++) {
		struct rule_call found;

		cr_expect(rule_call_find(call.name, strlen(call.name), &found) && found.index == i,
			  "%s stands twice", call.name);
	}
}

/* What a kind of the decoder's says of the width; 0: nothing. */
static unsigned kind_bits(uint8_t kind)
{
	switch ((enum decode_kind)kind) {
	case K_END:
	case K_SKIP:
	case K_FOLLOW:
		return 0;
	case K_LONG:
	case K_SIZE:
	case K_ADDR:
	case K_PATH:
	case K_STRING:
	case K_TEXT:
	case K_OPEN_HOW:
	case K_CLONE_ARGS:
	case K_ADDRESS:
	case K_MSGHDR:
	case K_RLIMIT:
	case K_PTRACE: /* a long */
	case K_FANOTIFY_MASK:
		return 64;
	case K_FILE_MODE:
	case K_OPEN_MODE:
		return 16;
	default:
		return 32;
	}
}

Test(rule, arguments_agree_with_the_decoder)
{
	for (size_t i = 0; i < decode_signatures_count; i++) {
		const struct decode_signature *signature = &decode_signatures[i];
		struct rule_call call;

		cr_assert(rule_call_find(signature->name, strlen(signature->name), &call), "%s",
			  signature->name);
		for (unsigned arg = 0; arg < 6; arg++) {
			unsigned bits = rule_call_bits(&call, arg);
			unsigned want = kind_bits(signature->kinds[arg]);

			if (signature->kinds[arg] == K_END)
				break;
			if (strcmp(call.name, "ioperm") == 0)
				want = 0; /* ports, of which the lower half says enough */
			if (signature->kinds[arg] == K_MODE && strcmp(call.name, "umask") != 0)
				want = 16;
			cr_expect(bits, "%s has no arg%u", call.name, arg);
			cr_expect(!want || bits == want, "%s, arg%u: %u bits, should be %u",
				  call.name, arg, bits, want);
		}
	}
}

/* What the table's rows look at is as wide as the rules have it. */
Test(rule, arguments_agree_with_the_table)
{
	for (size_t tag = 1; tag < table_rows_count; tag++) {
		const struct row *row = &table_rows[tag];
		struct rule_call call;

		cr_assert(rule_call_find(row->name, strlen(row->name), &call), "%s", row->name);
		for (unsigned i = 0; i < row->n_matches; i++)
			cr_expect(row->match[i].mask <=
					  rule_ones(rule_call_bits(&call, row->match[i].arg)),
				  "%s, arg%u: wider than %u bits", row->name, row->match[i].arg,
				  rule_call_bits(&call, row->match[i].arg));
	}
}

static const struct {
	const char *call;
	unsigned arg;
	const char *text; /* "": none */
} arguments[] = {
	{"openat", 0, "int dirfd"},
	{"openat", 1, "*path"},
	{"openat", 3, "mode_t mode"},
	{"openat", 4, ""},
	{"getpid", 0, ""},
	{"getpmsg", 5, "long arg5"},
	{"getpmsg", 6, ""},
	{"write", 2, "size_t count"},
	{"opne", 0, ""},
};

Test(rule, argument)
{
	for (size_t i = 0; i < ARRAY_SIZE(arguments); i++) {
		char text[40] = "";

		cr_expect_eq(rule_argument(arguments[i].call, arguments[i].arg, text, sizeof(text)),
			     strlen(arguments[i].text), "%s %u", arguments[i].call,
			     arguments[i].arg);
		cr_expect_str_eq(text, arguments[i].text);
	}
	cr_expect_eq(rule_argument_count("openat"), 4);
	cr_expect_eq(rule_argument_count("getpid"), 0);
	cr_expect_eq(rule_argument_count("opne"), -1);
}

/* ---- constants ---- */

static void expect_value(const char *name, uint32_t value)
{
	uint64_t got = 0;

	cr_expect(rule_constant(name, strlen(name), 32, &got), "%s is unknown", name);
	cr_expect_eq((uint32_t)got, value, "%s: 0x%llx, should be 0x%x", name,
		     (unsigned long long)got, value);
}

/* A name means one thing, wherever it stands: rules do not say of which set it is. */
Test(rule, constants_mean_one_thing)
{
	const struct master master = MASTER_HERE;

	for (size_t i = 0; i < decode_constants_count; i++)
		if (decode_constants[i].kind != K_MEMBARRIER &&
		    decode_constants[i].kind != K_CLONE_HIGH)
			expect_value(decode_constants[i].name, decode_constants[i].value);
	for (size_t i = 0; i < decode_ioctls_count; i++)
		expect_value(decode_ioctls[i].name, decode_ioctls[i].value);
	for (size_t i = 0; i < master.n_words; i++)
		expect_value(master.words[i].name, master.words[i].value);
}

static const struct {
	const char *name;
	unsigned bits;
	uint64_t value;
} constants[] = {
	{"AT_FDCWD", 32, 0xffffff9c},
	{"AT_FDCWD", 64, (uint64_t)-100},
	{"KEY_SPEC_SESSION_KEYRING", 64, (uint64_t)-3},
	{"RUSAGE_CHILDREN", 32, 0xffffffff},
	{"CLONE_IO", 64, 0x80000000},
	{"CLONE_CLEAR_SIGHAND", 64, 0x100000000},
	{"MEMBARRIER_CMD_GLOBAL", 32, 1},
	{"TIOCSTI", 32, 0x5412},
	{"NULL", 64, 0},
	{"SIGCLD", 32, 17},
	{"F_GETFL", 32, 3},
	{"F_SETFL", 32, 4},
	{"PROT_EXEC", 32, 4},
	{"IPPROTO_TCP", 32, 6},
};

Test(rule, constants)
{
	uint64_t value;

	for (size_t i = 0; i < ARRAY_SIZE(constants); i++)
		cr_expect(rule_constant(constants[i].name, strlen(constants[i].name),
					constants[i].bits, &value) &&
				  value == constants[i].value,
			  "%s: 0x%llx", constants[i].name, (unsigned long long)value);
	cr_expect(!rule_constant("AF_INET", 6, 32, &value), "half a name");
	cr_expect(!rule_constant("MEMBARRIER_CMD_", 15, 32, &value), "a prefix alone");
}

Test(rule, errors)
{
	for (int error = 1; error <= 133; error++) {
		const char *name = rule_errno_name(error);

		/* 41 and 58 are no errors (asm-generic/errno.h). */
		cr_expect_eq(!name, error == 41 || error == 58, "%d", error);
		cr_expect(!name || rule_errno_number(name) == error, "%s", name);
	}
	cr_expect_null(rule_errno_name(0));
	cr_expect_null(rule_errno_name(134));
	cr_expect_eq(rule_errno_number("EFOO"), 0);
}

/* ---- what rules come to ---- */

/* Conditions on 16 bits, against all values that there are. */
Test(rule, satisfiable_is_exact)
{
	uint64_t seed = 1;
	unsigned holds = 0;

	for (unsigned round = 0; round < 400; round++) {
		struct rule_condition conditions[4];
		const struct rule_condition *pointers[4];
		size_t n = 1 + round % 4;
		bool want = false;

		for (size_t i = 0; i < n; i++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
			conditions[i] = (struct rule_condition){
				.mask = 0xffff,
				.value = seed >> 60 & 1 ? seed >> 40 & 7 : seed >> 40 & 0xffff,
				.op = (uint8_t)((seed >> 56 & 0xf) % RULE_OPS),
				.bits = 16,
			};
			if (conditions[i].op <= RULE_NE && (seed >> 61 & 1)) {
				conditions[i].mask = seed >> 20 & 0xf;
				conditions[i].value &= conditions[i].mask;
			}
			pointers[i] = &conditions[i];
		}
		for (uint64_t value = 0; value <= 0xffff && !want; value++) {
			want = true;
			for (size_t i = 0; i < n; i++)
				want &= rule_condition_holds(&conditions[i], value);
		}
		holds += want;
		cr_expect_eq(rule_satisfiable(pointers, n), want, "round %u", round);
	}
	cr_expect(holds > 50 && holds < 350, "%u of 400 tell little", holds);
}

/* Lists, a rule a line, "!" before those that deny; and which rule another hides. */
static const struct {
	const char *rules[4];
	const char *msg; /* NULL: none is hidden */
} lists[] = {
	{{"read", "write"}, NULL},
	{{"read", "read"}, "read never decides: the allow rule of r.ini:1"},
	{{"read(arg0 == 1)", "read"}, NULL},
	{{"read", "write", "read(arg0 == 1)"}, "read never decides: the allow rule of r.ini:1"},
	{{"read(arg0 == 1)", "read(arg0 == 2)"}, NULL},
	{{"read(arg0 < 10)", "read(arg0 == 9)"}, "read never decides: the allow rule of r.ini:1"},
	{{"read(arg0 < 10)", "read(arg0 == 10)"}, NULL},
	{{"read(arg0 < 10)", "read(arg0 < 10, arg2 > 5)"},
	 "read never decides: the allow rule of r.ini:1"},
	{{"read(arg0 < 10, arg2 > 5)", "read(arg0 < 10)"}, NULL},
	{{"read(arg0 != 3)", "read(arg0 > 3)"}, "read never decides: the allow rule of r.ini:1"},
	{{"read(arg0 & 1 == 0)", "read(arg0 & 3 == 2)"},
	 "read never decides: the allow rule of r.ini:1"},
	{{"read(arg0 & 3 == 2)", "read(arg0 & 1 == 0)"}, NULL},
	{{"read(arg0:64 == 1)", "read(arg0 == 1)"}, NULL},
	{{"read(arg0 == 1)", "read(arg0:64 == 1)"},
	 "read never decides: the allow rule of r.ini:1"},
	/* What is denied is looked at first, wherever it stands. */
	{{"!read", "read(arg0 == 1)"}, "read never decides: the deny rule of r.ini:1"},
	{{"read(arg0 == 1)", "!read"}, "read never decides: the deny rule of r.ini:2"},
	{{"read", "!read(arg0 == 1)"}, NULL},
	{{"read", "!read(arg0 == 1) -> kill", "!read(arg0 == 1) -> errno EPERM"},
	 "read never decides: the deny rule of r.ini:2"},
};

static size_t parse_list(const char *const *texts, size_t max, struct rule *rules)
{
	struct sbx_err err = {0};
	size_t n = 0;

	for (; n < max && texts[n]; n++) {
		struct origin from = {.file = "r.ini", .line = (unsigned)n + 1};
		bool deny = texts[n][0] == '!';

		cr_assert_eq(rule_parse(texts[n] + deny, !deny, from, &rules[n], &err), 0,
			     "\"%s\": %s", texts[n], err.msg);
	}
	return n;
}

Test(rule, hidden)
{
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct rule rules[4];
		struct sbx_err err = {0};
		size_t n = parse_list(lists[i].rules, 4, rules);
		int r = rules_check_hidden(rules, n, &err);

		cr_expect_eq(r, lists[i].msg ? -EINVAL : 0, "list %zu: %s", i, err.msg);
		cr_expect(!lists[i].msg || strstr(err.msg, lists[i].msg), "list %zu: %s", i,
			  err.msg);
	}
}

static const struct {
	const char *rules[4];
	int nr;
	uint64_t args[6];
	int found; /* index; -1: none */
} finds[] = {
	{{"read", "!read(arg0 == 3)"}, SYS_read, {3}, 1},
	{{"read", "!read(arg0 == 3)"}, SYS_read, {4}, 0},
	{{"read", "!read(arg0 == 3)"}, SYS_write, {4}, -1},
	{{"read", "!read(arg0 == 3)"}, SYS_read, {UINT64_C(0xdead00000003)}, 1},
	{{"!read(arg0:64 == 3)"}, SYS_read, {UINT64_C(0xdead00000003)}, -1},
	{{"!write(arg2 > 5)"}, SYS_write, {0, 0, UINT64_C(0x100000000)}, 0},
	{{"!write(arg2 > 5)"}, SYS_write, {0, 0, 5}, -1},
	{{"!fchmod(arg1 == 04777)"}, SYS_fchmod, {3, 0x70009ff}, 0},
	{{"!kill(arg0 > 5)"}, SYS_kill, {(uint64_t)-1}, 0}, /* unsigned */
	{{"!mmap(arg2 & 6 == 6)"}, SYS_mmap, {0, 0, 7}, 0},
	{{"!mmap(arg2 & 6 == 6)"}, SYS_mmap, {0, 0, 5}, -1},
	{{"!mmap(arg2 & 6 != 6)"}, SYS_mmap, {0, 0, 5}, 0},
	{{"write(arg0 >= 2, arg0 <= 4)"}, SYS_write, {4}, 0},
	{{"write(arg0 >= 2, arg0 <= 4)"}, SYS_write, {1}, -1},
	{{"write(arg0 >= 2, arg0 <= 4)"}, SYS_write, {5}, -1},
};

Test(rule, find)
{
	for (size_t i = 0; i < ARRAY_SIZE(finds); i++) {
		struct rule rules[4];
		size_t n = parse_list(finds[i].rules, 4, rules);
		const struct rule *rule = rule_find(rules, n, finds[i].nr, finds[i].args);

		cr_expect_eq(rule ? rule - rules : -1, finds[i].found, "row %zu", i);
	}
	cr_expect_null(rule_find(NULL, 0, SYS_read, finds[0].args));
}

/* ---- what rules open ---- */

#define NEVER  RULE_OPENS_NEVER
#define NOSYS  RULE_OPENS_NOSYS
#define UNSAFE RULE_OPENS_UNSAFE

static const struct {
	const char *text;
	bool allow;
	unsigned opens;
} opening[] = {
	{"read", true, 0},
	{"socket(arg0 == AF_UNIX)", true, 0},
	{"socket(arg0 == AF_NETLINK, arg2 == NETLINK_ROUTE)", true, 0},
	{"socket(arg0 == AF_NETLINK)", true, NEVER},
	{"socket", true, NEVER},
	{"bpf", true, NEVER},
	{"bpf", false, 0},
	{"bpf -> kill", false, 0},
	{"bpf -> log", false, NEVER},
	{"mount", true, NEVER | UNSAFE},
	{"mount(arg3 & MS_BIND == MS_BIND)", true, NEVER | UNSAFE},
	{"ptrace", true, NEVER | UNSAFE},
	{"ptrace -> log", false, NEVER | UNSAFE},
	{"io_uring_setup", true, NOSYS | UNSAFE},
	{"clone3", true, NOSYS | UNSAFE},
	{"clone", true, NEVER | UNSAFE},
	{"clone(arg0 & 0x7e020000 == 0)", true, 0},
	{"clone(arg0 & CLONE_NEWUSER == CLONE_NEWUSER)", true, NEVER | UNSAFE},
	{"ioctl(arg1 == TIOCGWINSZ)", true, 0},
	{"ioctl(arg1 == TIOCSTI)", true, NEVER},
	{"ioctl", true, NEVER},
	{"ioctl(arg1 == 0x12345678)", true, NEVER},
	{"prctl(arg0 == PR_SET_NAME)", true, 0},
	{"prctl(arg0 == PR_SET_MM)", true, NEVER},
	{"prctl(arg0 == PR_CAP_AMBIENT, arg1 == PR_CAP_AMBIENT_RAISE)", true, 0},
	{"prctl(arg0 == PR_CAP_AMBIENT)", true, NEVER},
	{"chmod(arg1 & 07000 == 0)", true, 0},
	{"chmod(arg1 <= 0777)", true, 0},
	{"chmod(arg1 <= 01000)", true, NEVER},
	{"seccomp(arg0 == SECCOMP_SET_MODE_FILTER, arg1 & SECCOMP_FILTER_FLAG_NEW_LISTENER == 0)",
	 true, 0},
	{"seccomp(arg0 == SECCOMP_SET_MODE_FILTER)", true, NOSYS | UNSAFE},
	{"move_pages(arg0 == 0)", true, 0},
	{"move_pages", true, NEVER | UNSAFE},
	{"kill", true, 0},
};

Test(rule, opens)
{
	for (size_t i = 0; i < ARRAY_SIZE(opening); i++) {
		char text[200] = "";
		struct rule rule;
		struct sbx_err err;
		unsigned opens;

		cr_assert_eq(parse(opening[i].text, opening[i].allow, &rule, &err), 0, "\"%s\": %s",
			     opening[i].text, err.msg);
		opens = rule_opens(&rule);
		cr_expect_eq(opens, opening[i].opens, "\"%s\": %u, should be %u", opening[i].text,
			     opens, opening[i].opens);
		cr_expect_eq(rule_needs_unsafe(&rule), !!(opens & UNSAFE), "\"%s\"",
			     opening[i].text);
		cr_expect_eq(rule_warning(&rule, text, sizeof(text)) > 0, opens != 0, "\"%s\"",
			     opening[i].text);
		cr_expect(!opens || strstr(text, rule_call_name(&rule)), "\"%s\": %s",
			  opening[i].text, text);
		cr_expect_eq(rules_check_unsafe(&rule, 1, false, &err),
			     opens & UNSAFE ? -EINVAL : 0, "\"%s\"", opening[i].text);
		cr_expect_eq(rules_check_unsafe(&rule, 1, true, &err), 0, "\"%s\"",
			     opening[i].text);
	}
}

/* Which reasons of the table's mean that a program can leave its sandbox. */
static bool is_way_out(const struct row *row)
{
	static const char *const reasons[] = {
		"changes the namespace", "reaches into another process", "walks around seccomp"};

	for (size_t i = 0; row->why && i < ARRAY_SIZE(reasons); i++)
		if (strcmp(row->why, reasons[i]) == 0)
			return true;
	return row->need.kind == ROW_NOSYS;
}

/* Every call as a whole, against all rows of its name; every row by its own conditions. */
Test(rule, opens_what_the_table_says)
{
	for (size_t tag = 1; tag < table_rows_count; tag++) {
		const struct row *row = &table_rows[tag];
		unsigned whole = 0, own = 0;
		struct rule rule;
		struct sbx_err err;

		cr_assert_eq(parse(row->name, true, &rule, &err), 0);
		if (rule.nr < 0)
			continue;
		for (size_t i = 1; i < table_rows_count; i++) {
			const struct row *other = &table_rows[i];
			unsigned opens = (other->need.kind == ROW_NEVER ? NEVER : 0) |
					 (other->need.kind == ROW_NOSYS ? NOSYS : 0);

			if (strcmp(other->name, row->name) != 0)
				continue;
			if (opens && is_way_out(other))
				opens |= UNSAFE;
			whole |= opens;
			own |= i == tag ? opens : 0;
		}
		cr_expect_eq(rule_opens(&rule), whole, "%s: %u, should be %u", row->name,
			     rule_opens(&rule), whole);
		if (row->otherwise || row->match[0].value == MATCH_SELF)
			continue;
		for (unsigned i = 0; i < row->n_matches; i++)
			rule.conditions[i] = (struct rule_condition){
				.mask = row->match[i].mask,
				.value = row->match[i].value,
				.arg = row->match[i].arg,
				.op = RULE_EQ,
				.bits = 64,
			};
		rule.n_conditions = row->n_matches;
		cr_expect_eq(rule_opens(&rule), own, "%s(%s): %u, should be %u", row->name,
			     row->shape ? row->shape : "", rule_opens(&rule), own);
	}
}
