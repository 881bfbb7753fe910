/* SPDX-License-Identifier: MIT */
/* Live, but for the tests of named and missing promises. What is said of one denial of each row of
 * the table (tests/golden.h tells how to write that anew), and that it is true: the promises that
 * are named permit the call, and no fewer do. Long, since a third is one table of arguments. */
#include <criterion/criterion.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include "../shim/decode.h"
#include "../shim/decode_table.h"
#include "../shim/filter.h"
#include "../shim/missing.h"
#include "golden.h"
#include "interp.h"

TestSuite(golden, .timeout = 120, .fini = live_cleanup);

/* What one process says must fit into the pipe: the reporter does not wait for us for long. */
#define ROWS_A_PROCESS 200
#define ADVISED	       "{stage}/conf/advised.ini"
#define WORDS_SIZE     256
#define SELF	       4242			/* the probe's pid, as far as filter_find_row() */
#define POINTER	       UINT64_C(0x7f0000001000) /* where a probe's text might be */
#define NOBODY_PID     "4194304"		/* PID_MAX_LIMIT: one more than there can be */
#define MISSING	       "@/nonexistent/file"	/* what a path is unless it matters */
#define OTHER	       "@/nonexistent/other"
#define ATTRIBUTE      "@user.name"
/* struct open_how: O_RDWR|O_CREAT, 0600; an empty struct msghdr */
#define OPEN_HOW "%420000000000000080010000000000000000000000000000"
#define ZEROS_28 "00000000000000000000000000000000000000000000000000000000"
#define MSGHDR	 "%" ZEROS_28 ZEROS_28

/* ---- one call for each row ---- */

/* Arguments where those that follow from how the decoder shows them (default_argument()) would do
 * something if the call went through, would say nothing to a reader, or fall under another row. A
 * call that is let through by mistake fails for want of a descriptor, a path, a pid or memory, or
 * does no harm. */
/* clang-format off */
static const struct sample {
	const char *call, *shape; /* NULL: the row that looks at no arguments */
	const char *args[6];
} samples[] = {
	/* would wait for ever, or take from the probe what it needs */
	{"poll", NULL, {"0", "0", "0"}},
	{"ppoll", NULL, {"0", "1"}},
	{"close_range", NULL, {"9", "8"}},
	{"kill", "to its group", {"0", "18"}},
	{"kill", "to itself", {"self", "18"}},
	{"kill", "to others", {NOBODY_PID, "15"}},
	{"tkill", "to itself", {"self", "18"}},
	{"tkill", "to others", {NOBODY_PID, "15"}},
	{"tgkill", "to itself", {"self", "-1", "18"}},
	{"tgkill", "to others", {NOBODY_PID, NOBODY_PID, "15"}},
	{"rt_sigqueueinfo", "to itself", {"self", "18"}},
	{"rt_sigqueueinfo", "to others", {NOBODY_PID, "15"}},
	{"rt_tgsigqueueinfo", "to itself", {"self", "-1", "18"}},
	{"rt_tgsigqueueinfo", "to others", {NOBODY_PID, NOBODY_PID, "15"}},
	{"arch_prctl", "ARCH_SET_GS", {"0x1001", "-1"}},
	{"arch_prctl", "ARCH_SET_FS, ARCH_GET_FS", {"0x1002", "-1"}},
	{"arch_prctl", NULL, {"0x1012", "-1"}},
	{"seccomp", "SECCOMP_SET_MODE_STRICT", {"0", "1"}}, /* takes no flags: EINVAL */
	{"seccomp", "SECCOMP_SET_MODE_FILTER", {"1", "1"}},
	{"seccomp", NULL, {"99", "0"}},
	{"clone", "CLONE_THREAD", {"0x10000"}}, /* and not CLONE_SIGHAND: EINVAL */
	{"clone", "a process", {"0x811"}}, /* SIGCHLD, CLONE_SIGHAND without CLONE_VM: EINVAL */
	{"clone", NULL, {"0x10000211"}}, /* CLONE_NEWUSER and CLONE_FS: EINVAL */
	{"ptrace", NULL, {"16", NOBODY_PID}},
	/* would change the system when the tests run as root */
	{"reboot", NULL, {"0", "0", "0x1234567"}},
	{"kexec_load", NULL, {"0", "99", "0", "-1"}},
	{"ioperm", NULL, {"-1", "8", "1"}},
	{"sethostname", NULL, {"0", "-1"}},
	{"setdomainname", NULL, {"0", "-1"}},
	{"quotactl", NULL, {"-1", MISSING, "-1"}},
	{"shmget", NULL, {"4711", "8", "0"}},
	{"semget", NULL, {"4711", "1", "0"}},
	{"msgget", NULL, {"4711", "0"}},
	{"unshare", NULL, {"0x10000000"}},
	{"setns", NULL, {"77", "0x10000000"}},
	/* says more */
	{"symlink", NULL, {"@target", MISSING}},
	{"symlinkat", NULL, {"@target", "-100", MISSING}},
	{"link", NULL, {MISSING, OTHER}},
	{"linkat", NULL, {"-100", MISSING, "-100", OTHER, "0x400"}},
	{"rename", NULL, {MISSING, OTHER}},
	{"renameat", NULL, {"-100", MISSING, "-100", OTHER}},
	{"renameat2", NULL, {"-100", MISSING, "-100", OTHER, "1"}},
	{"unlinkat", NULL, {"-100", MISSING, "0x200"}},
	{"chown", NULL, {MISSING, "1000", "1000"}},
	{"lchown", NULL, {MISSING, "1000", "1000"}},
	{"fchownat", NULL, {"-100", MISSING, "1000", "1000", "0"}},
	{"chmod", NULL, {MISSING, "04755"}},
	{"fchmod", NULL, {"77", "04755"}},
	{"fchmodat", NULL, {"-100", MISSING, "04755"}},
	{"fchmodat2", NULL, {"-100", MISSING, "04755", "0x100"}},
	{"getxattr", NULL, {MISSING, ATTRIBUTE}},
	{"lgetxattr", NULL, {MISSING, ATTRIBUTE}},
	{"fgetxattr", NULL, {"77", ATTRIBUTE}},
	{"getxattrat", NULL, {"-100", MISSING, "0x100", ATTRIBUTE}},
	{"setxattr", NULL, {MISSING, ATTRIBUTE, "0", "8", "1"}},
	{"lsetxattr", NULL, {MISSING, ATTRIBUTE, "0", "8", "1"}},
	{"fsetxattr", NULL, {"77", ATTRIBUTE, "0", "8", "1"}},
	{"setxattrat", NULL, {"-100", MISSING, "0x100", ATTRIBUTE}},
	{"removexattr", NULL, {MISSING, ATTRIBUTE}},
	{"lremovexattr", NULL, {MISSING, ATTRIBUTE}},
	{"fremovexattr", NULL, {"77", ATTRIBUTE}},
	{"removexattrat", NULL, {"-100", MISSING, "0x100", ATTRIBUTE}},
	{"open", "O_WRONLY|O_TMPFILE", {MISSING, "0x410001", "0600"}},
	{"open", "O_RDWR|O_TMPFILE", {MISSING, "0x410002", "0600"}},
	{"openat", "O_WRONLY|O_TMPFILE", {"-100", MISSING, "0x410001", "0600"}},
	{"openat", "O_RDWR|O_TMPFILE", {"-100", MISSING, "0x410002", "0600"}},
	{"openat2", NULL, {"-100", MISSING, OPEN_HOW, "24"}},
	{"newfstatat", "AT_EMPTY_PATH", {"77", "@", "0", "0x1000"}},
	{"statx", "AT_EMPTY_PATH", {"77", "@", "0x1000"}},
	{"mknod", "S_IFIFO, S_IFCHR, S_IFBLK", {MISSING, "0x1180"}},
	{"mknodat", "S_IFIFO, S_IFCHR, S_IFBLK", {"-100", MISSING, "0x1180"}},
	{"memfd_create", NULL, {"@name", "1"}},
	{"fcntl", "F_SETFL", {"77", "4", "0x800"}},
	{"fcntl", NULL, {"77", "1029"}},
	{"mmap", "no PROT_EXEC", {"0", "4096", "3", "0x22", "-1"}},
	{"mmap", "PROT_EXEC, a file", {"0", "4096", "5", "2", "77"}},
	{"mmap", "PROT_EXEC, anonymous", {"0", "4096", "7", "0x22", "-1"}},
	{"mprotect", "PROT_EXEC", {"1", "4096", "5"}},
	{"pkey_mprotect", "PROT_EXEC", {"1", "4096", "5", "1"}},
	{"personality", NULL, {"0x0040000"}}, /* ADDR_NO_RANDOMIZE */
	{"prlimit64", "no new limit", {"0", "7", "0"}},
	{"prlimit64", "a new limit", {"0", "7", "1"}},
	{"prctl", "PR_SET_NAME", {"15", "@golden"}},
	{"prctl", "PR_CAP_AMBIENT_IS_SET", {"47", "1", "10"}},
	{"prctl", "PR_CAP_AMBIENT_RAISE", {"47", "2", "99"}},
	{"prctl", "PR_CAP_AMBIENT_LOWER", {"47", "3", "99"}},
	{"prctl", "PR_CAP_AMBIENT_CLEAR_ALL", {"47", "4", "0"}},
	{"prctl", NULL, {"35", "1", "0"}},
	{"listen", NULL, {"77", "5"}},
	{"socket", NULL, {"17", "3", "0"}},
	{"socketpair", NULL, {"2", "1", "0"}},
	{"sendto", "MSG_FASTOPEN", {"77", "0", "8", "0x20000000", LOOPBACK_80, "16"}},
	{"sendto", "no address", {"77", "0", "8", "0x4000", "0", "0"}},
	{"sendto", "an address", {"77", "0", "8", "0", LOOPBACK_80, "16"}},
	{"sendmsg", "MSG_FASTOPEN", {"77", MSGHDR, "0x20000000"}},
	{"sendmsg", "no MSG_FASTOPEN", {"77", MSGHDR, "0x4000"}},
	{"sendmmsg", "MSG_FASTOPEN", {"77", MSGHDR, "1", "0x20000000"}},
	{"sendmmsg", "no MSG_FASTOPEN", {"77", MSGHDR, "1", "0x4000"}},
	{"setsockopt", "IP_TOS … IP_FREEBIND", {"77", "0", "1"}},
	{"setsockopt", "TCP_NODELAY … TCP_MD5SIG", {"77", "6", "1"}},
	{"setsockopt", "SOL_NETLINK", {"77", "270", "1"}},
	{"setsockopt", NULL, {"77", "1", "26"}},
	{"getsockopt", "SOL_SOCKET", {"77", "1", "3"}},
	{"getsockopt", "IPPROTO_IP, below 64", {"77", "0", "1"}},
	{"getsockopt", "IPPROTO_TCP", {"77", "6", "11"}},
	{"getsockopt", "IPPROTO_UDP", {"77", "17", "103"}},
	{"getsockopt", "IPPROTO_IPV6, below 64", {"77", "41", "26"}},
	{"getsockopt", "SOL_NETLINK", {"77", "270", "1"}},
	{"getsockopt", NULL, {"77", "263", "6"}},
	{"ioctl", "type 'A'", {"77", "0x81204101"}}, /* SNDRV_PCM_IOCTL_INFO */
	{"ioctl", "type 'U'", {"77", "0x81785501"}}, /* SNDRV_CTL_IOCTL_CARD_INFO */
	{"ioctl", "type 'V', writing", {"77", "0x40045612"}}, /* VIDIOC_STREAMON */
	{"ioctl", "type 'V', reading", {"77", "0x80685600"}}, /* VIDIOC_QUERYCAP */
	{"ioctl", "type 'V', both", {"77", "0xc0d05604"}}, /* VIDIOC_G_FMT */
	{"ioctl", "type '|'", {"77", "0xc1007c00"}}, /* MEDIA_IOC_DEVICE_INFO */
	{"ioctl", "type 'd'", {"77", "0xc0406400"}}, /* DRM_IOCTL_VERSION */
	{"ioctl", "type '>'", {"77", "0xc0303e01"}}, /* FASTRPC, CXL and the like */
	{"ioctl", NULL, {"77", "0x541d"}}, /* TIOCCONS */
	{"mount", NULL, {"@none", MISSING, "@tmpfs", "6"}},
	{"fsopen", NULL, {"@tmpfs"}},
	{"fsconfig", NULL, {"77", "1", "@source"}},
	{"add_key", NULL, {"@user", "@name", "0", "8", "-3"}},
	{"request_key", NULL, {"@user", "@name", "0", "-3"}},
	{"init_module", NULL, {"0", "8", "@debug=1"}},
	{"finit_module", NULL, {"77", "@debug=1"}},
	{"delete_module", NULL, {"@nonexistent", "0x800"}},
	{"mq_open", NULL, {"@/nonexistent", "0"}},
};
/* clang-format on */

struct argument {
	char text[128]; /* for the probe */
	uint64_t value;
};

static void set_argument(struct argument *ret, const char *text)
{
	(void)snprintf(ret->text, sizeof(ret->text), "%s", text);
	if (text[0] == '@' || text[0] == '%')
		ret->value = POINTER;
	else if (strcmp(text, "self") == 0)
		ret->value = SELF;
	else
		ret->value = strtoull(text, NULL, 0);
}

static void set_value(struct argument *ret, uint64_t value)
{
	(void)snprintf(ret->text, sizeof(ret->text), "0x%llx", (unsigned long long)value);
	ret->value = value;
}

static uint32_t first_constant(uint8_t kind)
{
	for (size_t i = 0; i < decode_constants_count; i++)
		if (decode_constants[i].kind == kind)
			return decode_constants[i].value;
	return 0;
}

/* A value that the kernel refuses, or that does nothing, for an argument of this kind. */
static void default_argument(uint8_t kind, struct argument *ret)
{
	switch (kind) {
	case K_FD:
	case K_FD_OR_NONE:
		set_argument(ret, "77");
		break;
	case K_DIRFD:
		set_argument(ret, "-100");
		break;
	case K_INT:
		set_argument(ret, "-1");
		break;
	case K_SIZE:
		set_argument(ret, "8");
		break;
	case K_ADDR:
		set_argument(ret, "1");
		break;
	case K_PATH:
	case K_STRING:
		set_argument(ret, MISSING);
		break;
	case K_MODE:
	case K_OPEN_MODE:
	case K_FILE_MODE:
		set_argument(ret, "0600");
		break;
	case K_OPEN_HOW:
		set_argument(ret, OPEN_HOW);
		break;
	case K_SOCKET_TYPE:
		set_argument(ret, "1");
		break;
	case K_ADDRESS:
		set_argument(ret, LOOPBACK_80);
		break;
	case K_FLOCK:
		set_argument(ret, "%01000000");
		break;
	default:
		set_value(ret, kind >= KIND_ENUMS ? first_constant(kind) : 0);
		break;
	}
}

static const uint8_t *kinds_of(const char *name)
{
	for (size_t i = 0; i < decode_signatures_count; i++)
		if (strcmp(decode_signatures[i].name, name) == 0)
			return decode_signatures[i].kinds;
	cr_assert_fail("%s: the decoder does not know it", name);
	return NULL;
}

static const struct sample *find_sample(const struct row *row)
{
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		if (strcmp(samples[i].call, row->name) == 0 &&
		    (samples[i].shape ? row->shape && strcmp(samples[i].shape, row->shape) == 0
				      : !row->n_matches))
			return &samples[i];
	return NULL;
}

static void match_argument(const struct match *match, struct argument *ret)
{
	if (match->value == MATCH_SELF)
		set_argument(ret, "self");
	else if ((ret->value & match->mask) != match->value)
		set_value(ret, (uint32_t)(ret->value & ~match->mask) | match->value);
}

/* The argument behind a command, by that command. */
static uint8_t follower_of(uint8_t command, uint64_t value)
{
	for (size_t i = 0; i < decode_followers_count; i++)
		if (decode_followers[i].kind == command &&
		    decode_followers[i].value == (uint32_t)value)
			return decode_followers[i].next;
	return K_END;
}

static uint16_t tag_of(int nr, const struct argument args[6])
{
	uint64_t values[6];

	for (int i = 0; i < 6; i++)
		values[i] = args[i].value;
	return filter_find_row(nr, AUDIT_ARCH_X86_64, values, SELF);
}

/* What no other row of the call matches: the arguments that they look at, one after the other, take
 * the values that they name, and a few others. */
static bool search_otherwise(int nr, uint16_t tag, struct argument args[6], unsigned from)
{
	static const uint64_t odd[] = {0, 1, 2, 3, 99, 0x7f, 0x7fff0000};
	const struct argument before = from < 6 ? args[from] : args[5];
	bool looked_at = false;

	if (from == 6)
		return tag_of(nr, args) == tag;
	for (size_t i = tag - 1;
	     !table_rows[i].otherwise && strcmp(table_rows[i].name, table_rows[tag].name) == 0;
	     i--) {
		for (unsigned j = 0; j < table_rows[i].n_matches; j++) {
			const struct match *match = &table_rows[i].match[j];

			if (match->arg != from || match->value == MATCH_SELF)
				continue;
			looked_at = true;
			set_value(&args[from], match->value);
			if (search_otherwise(nr, tag, args, from + 1))
				return true;
		}
	}
	for (size_t i = 0; looked_at && i < sizeof(odd) / sizeof(odd[0]); i++) {
		set_value(&args[from], odd[i]);
		if (search_otherwise(nr, tag, args, from + 1))
			return true;
	}
	args[from] = before;
	return search_otherwise(nr, tag, args, from + 1);
}

static int number_of(const char *name)
{
	for (int nr = 0; nr < 1024; nr++) {
		const char *other = decode_call_name(nr);

		if (other && strcmp(other, name) == 0)
			return nr;
	}
	cr_assert_fail("%s: no number", name);
	return -1;
}

/* Arguments with which the call falls under the row @tag. */
static int make_call(uint16_t tag, struct argument args[6])
{
	const struct row *row = &table_rows[tag];
	const struct sample *sample = find_sample(row);
	const uint8_t *kinds = kinds_of(row->name);
	int nr = number_of(row->name);

	memset(args, 0, 6 * sizeof(*args));
	for (unsigned i = 0; i < 6; i++) {
		uint8_t kind = kinds[i];

		if (i > 0 && kind == K_FOLLOW)
			kind = follower_of(kinds[i - 1], args[i - 1].value);
		if (i > 0 && kinds[i - 1] == K_ADDRESS)
			set_argument(&args[i], "16");
		else
			default_argument(kind, &args[i]);
		if (sample)
			set_argument(&args[i], sample->args[i] ? sample->args[i] : "0");
		for (unsigned j = 0; j < row->n_matches; j++)
			if (row->match[j].arg == i)
				match_argument(&row->match[j], &args[i]);
	}
	if (row->otherwise && tag_of(nr, args) != tag)
		(void)search_otherwise(nr, tag, args, 0);
	cr_assert_eq(tag_of(nr, args), tag, "%s(%s): no arguments found", row->name,
		     row->shape ? row->shape : "");
	return nr;
}

static char *call_text(int nr, const struct argument args[6])
{
	return format("%d:%s:%s:%s:%s:%s:%s", nr, args[0].text, args[1].text, args[2].text,
		      args[3].text, args[4].text, args[5].text);
}

static void row_key(const struct row *row, char *buf, size_t size)
{
	if (row->shape)
		(void)snprintf(buf, size, "%s(%s)", row->name, row->shape);
	else if (row->otherwise)
		(void)snprintf(buf, size, "%s(otherwise)", row->name);
	else
		(void)snprintf(buf, size, "%s", row->name);
}

/* ---- the table's rows ---- */

/* What a policy without promises says of a row. */
struct run {
	const char *file, *title;
	const char *flags[4];
	bool bounded; /* Landlock is in force */
};

static const struct run denials = {
	"denials.txt",
	"What is said of each row of the table under a policy without promises.",
	{"-p", ""},
	true};
/* Under the other one, one promise whose paths Landlock bounds is enough to open a file, so the
 * sets that must stand together are never named. Here they are. */
static const struct run unbounded = {
	"unbounded.txt",
	"The same without Landlock, of what some promises permit while Landlock bounds the path.",
	{"-V", "-p", ""},
	false};

/* Every row is denied that is not permitted always, so one policy reaches them all. */
static bool is_in_run(const struct run *run, const struct row *row)
{
	return row->need.kind != ROW_ALWAYS && (run->bounded || row->need.bounded);
}

static bool is_about_self(const struct row *row)
{
	for (unsigned i = 0; i < row->n_matches; i++)
		if (row->match[i].value == MATCH_SELF)
			return true;
	return false;
}

/* Rows [first, end), in one process: each is denied once and says so in one line, or in none. */
static void deny_rows(struct live *live, const struct run *run, size_t first, size_t end)
{
	const char *argv[8 + ROWS_A_PROCESS] = {SBX};
	size_t n = 1, begin;
	struct live_result result;
	struct argument args[6];
	char key[160], *text;

	for (size_t i = 0; i < 4 && run->flags[i]; i++)
		argv[n++] = run->flags[i];
	argv[n++] = PROBE;
	begin = n;
	for (size_t tag = first; tag < end; tag++) {
		if (is_in_run(run, &table_rows[tag])) {
			int nr = make_call((uint16_t)tag, args);

			argv[n++] = call_text(nr, args);
		}
	}
	result = live_run(live, &(struct live_command){.argv = argv});
	cr_expect_eq(result.status, 0, "rows from %s: status %d", table_rows[first].name,
		     result.status);
	text = result.err;
	for (size_t tag = first; tag < end; tag++) {
		const struct row *row = &table_rows[tag];
		char start[64], self[32], *line;
		long pid;

		if (!is_in_run(run, row))
			continue;
		row_key(row, key, sizeof(key));
		if (row->need.kind == ROW_NOSYS) {
			add_entry(&now, key, format("(silent)"));
			continue;
		}
		line = next_line(&text, &pid);
		(void)snprintf(start, sizeof(start), "denied %s(", row->name);
		cr_assert(line && strncmp(line, start, strlen(start)) == 0,
			  "%s is denied, but what is said: %s", key, line ? line : "nothing");
		(void)snprintf(self, sizeof(self), "%s(%ld,", row->name, pid);
		(void)snprintf(start, sizeof(start), "%s({pid},", row->name);
		add_entry(&now, key, is_about_self(row) ? replace_all(line, self, start) : line);
	}
	cr_expect_eq(*text, '\0', "said beside: %s", text);
	while (n > begin)
		free((char *)argv[--n]);
	live_result_done(&result);
}

static void check_run(const struct run *run)
{
	struct live live = {0};

	skip_elsewhere();
	stage_denials(&live, getuid() == 0 ? LIVE_NOBODY : getuid());
	for (size_t first = 1; first < table_rows_count; first += ROWS_A_PROCESS) {
		size_t end = first + ROWS_A_PROCESS;

		deny_rows(&live, run, first, end < table_rows_count ? end : table_rows_count);
	}
	live_done(&live);
	check_golden(run->file, run->title);
}

Test(golden, denials)
{
	check_run(&denials);
}

Test(golden, unbounded)
{
	check_run(&unbounded);
}

/* ---- what is advised permits, and nothing less does ---- */

static bool filter_allows(const struct run *run, uint64_t promises, int nr,
			  const struct argument args[6])
{
	const struct filter_request request = {
		.promises = promises, .bounded = run->bounded, .self = SELF};
	struct seccomp_data data = {.nr = nr, .arch = AUDIT_ARCH_X86_64};
	static struct filter filter;
	struct sbx_err err;

	for (int i = 0; i < 6; i++)
		data.args[i] = args[i].value;
	cr_assert_eq(filter_build(&request, &filter, &err), 0, "%s", err.msg);
	return interp_run(filter.insns, &data, NULL) == SECCOMP_RET_ALLOW;
}

/* The promises that a golden line names; 0 when it names none. */
static uint64_t named_promises(const char *text)
{
	const char *at = strstr(text, ": needs promise"), *end;
	char words[256];
	uint64_t set = 0;
	struct sbx_err err;

	if (!at)
		return 0;
	at = strchr(at, '"') + 1;
	end = strchr(at, '"');
	(void)snprintf(words, sizeof(words), "%.*s", (int)(end - at), at);
	cr_assert_eq(promise_parse(words, &set, &err), 0, "%s: %s", text, err.msg);
	return set;
}

static void read_run(const struct run *run)
{
	char path[256];

	golden_path(run->file, path);
	read_golden(path, &then);
}

/* A golden file's promises, put to the filter itself. */
static void check_named(const struct run *run)
{
	char key[160];

	skip_elsewhere();
	read_run(run);
	for (size_t tag = 1; tag < table_rows_count; tag++) {
		const struct row *row = &table_rows[tag];
		struct argument args[6];
		const char *text;
		uint64_t set;
		int nr;

		if (!is_in_run(run, row))
			continue;
		row_key(row, key, sizeof(key));
		text = find_entry(&then, key);
		cr_assert(text, "%s: not in %s", key, run->file);
		set = named_promises(text);
		cr_expect_eq(set != 0, requirement_by_promise(&row->need), "%s: %s", key, text);
		if (!set)
			continue;
		nr = make_call((uint16_t)tag, args);
		cr_expect(filter_allows(run, set, nr, args), "%s is denied still: %s", key, text);
		/* Taking one away is enough: what permits a set permits a larger one. A promise
		 * that permits the call for the sake of its own paths is none for this file, which
		 * is not among them. */
		for (uint64_t rest = set; rest; rest &= rest - 1)
			cr_expect(!filter_allows(row->need.all ? &unbounded : run,
						 set & ~(rest & -rest), nr, args),
				  "%s is permitted by less: %s", key, text);
	}
}

Test(golden, named_promises_permit)
{
	check_named(&denials);
}

Test(golden, named_promises_permit_unbounded)
{
	check_named(&unbounded);
}

/* pause(2) never returns, and sync(2) takes what others have written to the disk. */
static bool may_go_through(const struct row *row)
{
	return strcmp(row->name, "pause") != 0 && strcmp(row->name, "sync") != 0;
}

/* The rows from @first on that are advised the promises @words, under just these: nothing is denied
 * any more. They are taken off the list. */
static size_t follow_advice(struct live *live, const struct run *run, const char *words,
			    char advised[][WORDS_SIZE], size_t first)
{
	const char *argv[8 + ROWS_A_PROCESS] = {SBX};
	char policy[WORDS_SIZE + 128];
	size_t n = 1, begin;
	struct argument args[6];
	struct live_result result;

	/* Without Landlock, writing anywhere takes the policy's word for it. */
	(void)snprintf(policy, sizeof(policy),
		       "[sandbox]\npromises = %s\nunveil = off\nself_modify = yes\n", words);
	stage_put_text(live, ADVISED, policy, 0644);
	argv[n++] = run->bounded ? "-p" : "-P";
	argv[n++] = run->bounded ? words : ADVISED;
	argv[n++] = PROBE;
	begin = n;
	for (size_t tag = first; tag < table_rows_count && n < begin + ROWS_A_PROCESS; tag++) {
		if (strcmp(advised[tag], words) != 0)
			continue;
		advised[tag][0] = '\0';
		argv[n] = call_text(make_call((uint16_t)tag, args), args);
		n++;
	}
	result = live_run(live, &(struct live_command){.argv = argv});
	cr_expect(result.status == 0 && !result.err[0], "under \"%s\": status %d\n%s", words,
		  result.status, result.err);
	live_result_done(&result);
	for (size_t i = begin; i < n; i++)
		free((char *)argv[i]);
	return n - begin;
}

static void check_advice(const struct run *run)
{
	static char advised[ENTRIES_MAX][WORDS_SIZE];
	struct live live = {0};
	char key[160], words[WORDS_SIZE];
	size_t rows = 0, followed = 0;

	skip_elsewhere();
	read_run(run);
	for (size_t tag = 1; tag < table_rows_count; tag++) {
		const char *text;

		row_key(&table_rows[tag], key, sizeof(key));
		text = find_entry(&then, key);
		if (!text || !named_promises(text) || !may_go_through(&table_rows[tag]))
			continue;
		promise_format(named_promises(text), advised[tag], WORDS_SIZE);
		rows++;
	}
	stage_denials(&live, getuid() == 0 ? LIVE_NOBODY : getuid());
	for (size_t tag = 1; tag < table_rows_count; tag++) {
		memcpy(words, advised[tag], sizeof(words));
		if (words[0])
			followed += follow_advice(&live, run, words, advised, tag);
	}
	cr_expect_eq(followed, rows);
	live_done(&live);
}

/* The same, live: the calls go through, and fail or do nothing by themselves. */
Test(golden, advice_ends_the_denial)
{
	check_advice(&denials);
}

Test(golden, advice_ends_the_denial_unbounded)
{
	check_advice(&unbounded);
}

#define ALL_PROMISES ((UINT64_C(1) << PROMISE_COUNT) - 1)

/* Does any addition of fewer promises than @count meet @need? Sets of up to three are tried. */
static bool met_by_fewer(const struct requirement *need, uint64_t base, bool bounded, int count)
{
	if (count >= 2)
		for (int i = 0; i < PROMISE_COUNT; i++)
			if (requirement_met(need, base | UINT64_C(1) << i, bounded))
				return true;
	for (int i = 0; count >= 3 && i < PROMISE_COUNT; i++)
		for (int j = 0; j < i; j++)
			if (requirement_met(need, base | UINT64_C(1) << i | UINT64_C(1) << j,
					    bounded))
				return true;
	return false;
}

static void check_missing(const struct row *row, uint64_t base, bool bounded)
{
	uint64_t missing = missing_promises(&row->need, base, bounded, 0);
	int count = __builtin_popcountll(missing);
	const char *shape = row->shape ? row->shape : "";

	if (requirement_met(&row->need, base, bounded) || !requirement_by_promise(&row->need)) {
		cr_expect_eq(missing, 0, "%s(%s): nothing is missing", row->name, shape);
		return;
	}
	/* Without Landlock some have no way in but the one through it. */
	if (!requirement_met(&row->need, ALL_PROMISES, bounded)) {
		cr_expect_eq(missing, 0, "%s(%s): nothing can permit it", row->name, shape);
		return;
	}
	cr_expect(count >= 1 && count <= 3 && !(missing & base), "%s(%s): %d promises", row->name,
		  shape, count);
	cr_expect(requirement_met(&row->need, base | missing, bounded),
		  "%s(%s): %llx does not permit it", row->name, shape, (unsigned long long)missing);
	cr_expect(!met_by_fewer(&row->need, base, bounded, count), "%s(%s): less than %llx does",
		  row->name, shape, (unsigned long long)missing);
}

/* From every pair of promises that is there already. */
Test(golden, missing_is_smallest)
{
	for (size_t tag = 1; tag < table_rows_count; tag++) {
		for (int i = 0; i < PROMISE_COUNT; i++) {
			for (int j = 0; j <= i; j++) {
				uint64_t base = UINT64_C(1) << i | UINT64_C(1) << j;

				check_missing(&table_rows[tag], base, true);
				check_missing(&table_rows[tag], base, false);
			}
		}
		check_missing(&table_rows[tag], 0, true);
		check_missing(&table_rows[tag], 0, false);
	}
}
