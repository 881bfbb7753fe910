/* SPDX-License-Identifier: MIT */
/* Pure. What --import makes of profiles: read by the policy parser, run as a filter, and compared
 * with the profile that it was made of. */
#include "../launcher/import_parts.h"
#include "export_world.h"

#include "../shim/policy_file.h"
#include "scratch.h"

TestSuite(import, .init = enter_scratch, .fini = leave_scratch);

/* The fragment; the caller frees it. NULL: *err says why. */
static char *import(const char *format, const char *text, struct sbx_err *err)
{
	char *policy = NULL;
	size_t size;
	FILE *out = open_memstream(&policy, &size);
	int r;

	cr_assert(out);
	r = import_text(import_format_find(format), "profile.json", text, strlen(text), out, err);
	(void)fclose(out);
	cr_assert_eq(r, err->code, "%d", r);
	if (r == 0)
		return policy;
	free(policy);
	return NULL;
}

/* A fragment is a policy file. The caller gives it back with policy_done(). */
static void load(const char *text, struct policy *policy, const char *name)
{
	char path[PATH_MAX + 16];
	struct sbx_err err = {0};

	(void)snprintf(path, sizeof(path), "%s/import.ini", scratch);
	write_file(path, text, strlen(text), 0600);
	policy_init(policy);
	cr_assert_eq(policy_load(policy, path, &world_env, &err), 0, "%s: line %u: %s\n%s", name,
		     err.line, err.msg, text);
}

static uint32_t decides(const struct policy *policy, const struct seccomp_data *data)
{
	static struct filter filter;
	static const struct policy *built;
	struct filter_request request = {.promises = policy->promises, .self = EXPORT_SELF};

	/* One after the other, many points each. */
	if (built != policy || !data)
		world_filter(&request, policy, &filter);
	built = policy;
	return data ? interp_run(filter.insns, data, NULL) : 0;
}

/* ---- there and back ---- */

/* Rules that need unsafe_syscalls are not carried over. */
static bool stays_comment(const struct policy *policy, const struct seccomp_data *data)
{
	for (size_t i = 0; i < policy->n_rules; i++)
		if (rule_needs_unsafe(&policy->rules[i]) &&
		    rule_matches(&policy->rules[i], data->nr, world_args(data).v))
			return true;
	return false;
}

/* A rule that looks at the upper half of an int: what only that half tells apart is refused. */
static bool looks_above(const struct policy *policy, int nr)
{
	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct rule *rule = &policy->rules[i];
		struct rule_call call = {0};

		for (unsigned k = 0; k < rule->n_conditions && rule->nr == nr; k++)
			if (rule_call_at(rule->call, &call) &&
			    rule->conditions[k].bits >
				    rule_call_bits(&call, rule->conditions[k].arg))
				return true;
	}
	return false;
}

static void round_trip(const char *format, size_t i)
{
	struct exported e = {.size = 0};
	struct policy back;
	struct sbx_err err = {0};
	char *text, point[256];
	unsigned wrong = 0;

	exported_init(&e, format, i);
	text = import(format, e.text, &err);
	cr_assert(text, "%s: %s", e.name, err.msg);
	load(text, &back, e.name);
	(void)decides(&back, NULL);
	for (size_t k = 0; k < e.points.n && wrong < 5; k++) {
		const struct seccomp_data *data = &e.points.v[k];
		bool want = world_permits(kernel_says(&e, data));

		if (strcmp(format, "seccompiler-json") == 0 && world_is_young(data->nr))
			want = false;
		if (world_permits(decides(&back, data)) == want)
			continue;
		if (want && (looks_above(&e.policy, data->nr) || stays_comment(&e.policy, data)))
			continue;
		describe_point(data, point, sizeof(point));
		cr_expect(false, "%s, %s: %s is %spermitted", format, e.name, point,
			  want ? "not " : "");
		wrong++;
	}
	cr_expect_eq(back.on_violation == VIOLATION_KILL, e.deny == SECCOMP_RET_KILL_PROCESS, "%s",
		     e.name);
	free(text);
	policy_done(&back);
	exported_done(&e);
}

Test(import, round_trip_oci)
{
	for (size_t i = 0; i < WORLD_CASES; i++)
		round_trip("oci-json", i);
}

Test(import, round_trip_seccompiler)
{
	for (size_t i = 0; i < WORLD_CASES; i++)
		round_trip("seccompiler-json", i);
}

/* The promises themselves come back, where they make a difference without paths. */
static const char *const same_promises[] = {
	"stdio rpath exec",
	"stdio rpath inet exec",
	"stdio rpath dns exec",
	"stdio rpath wpath cpath fattr proc exec",
	"stdio rpath unix tty exec prot_exec",
	"stdio rpath chown flock exec id settime",
};

Test(import, same_promises)
{
	for (size_t i = 0; i < ARRAY_SIZE(same_promises); i++) {
		struct policy policy, back;
		struct sbx_err err = {0};
		struct origin from = {.file = "-p"};
		char *exported, *text, words[256];
		size_t size;

		policy_init(&policy);
		policy.name = "flags";
		cr_assert_eq(policy_add_promises(&policy, same_promises[i], from, &err), 0);
		exported = world_export("oci-json", &policy, &size, NULL);
		text = import("oci-json", exported, &err);
		cr_assert(text, "%s", err.msg);
		load(text, &back, same_promises[i]);
		promise_format(back.promises, words, sizeof(words));
		cr_expect_str_eq(words, same_promises[i]);
		cr_expect_eq(back.n_rules, 0, "%s: %zu rules\n%s", same_promises[i], back.n_rules,
			     text);
		free(text);
		free(exported);
		policy_done(&back);
		policy_done(&policy);
	}
}

/* ---- profiles ---- */

#define OCI(entries)	   "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [" entries "]}"
#define ENTRY(names, more) "{\"names\": [" names "], \"action\": \"SCMP_ACT_ALLOW\"" more "}"
#define DENY(names, more)  "{\"names\": [" names "], \"action\": \"SCMP_ACT_ERRNO\"" more "}"
#define ARG(index, op, value) \
	", \"args\": [{\"index\": " index ", \"op\": \"SCMP_CMP_" op "\", \"value\": " value "}]"
#define FIRE(rules)                                                                           \
	"{\"vmm\": {\"default_action\": \"trap\", \"filter_action\": \"allow\", \"filter\": " \
	"[" rules "]}}"
#define FIRE_ARG(index, type, op, val)                                                            \
	"\"args\": [{\"index\": " index ", \"type\": \"" type "\", \"op\": " op ", \"val\": " val \
	"}]"
#define IOCTL_64 "18446744071562351664" /* 0x80045430, sign-extended */

static const struct {
	const char *format;
	const char *text;
	const char *says; /* a line of the fragment, or a part of one */
	const char *call;
	uint64_t args[6];
	bool permitted;
} profiles[] = {
	{"oci-json", OCI(ENTRY("\"read\"", "")), "allow = read", "read", {5}, true},
	{"oci-json", OCI(ENTRY("\"read\"", "")), "deny = futex\n", "futex", {0}, false},
	{"oci-json", OCI(ENTRY("\"read\"", "")), "No promise lies within", "write", {0}, false},
	/* exit_group cannot be refused. */
	{"oci-json", OCI(""), "Stays permitted: exit_group", "exit_group", {0}, true},
	{"oci-json",
	 OCI(ENTRY("\"read\"", ARG("0", "EQ", "3"))),
	 "read(arg0 == 3)",
	 "read",
	 {3},
	 true},
	{"oci-json", OCI(ENTRY("\"read\"", ARG("0", "EQ", "3"))), NULL, "read", {4}, false},
	{"oci-json",
	 OCI(ENTRY("\"read\"", ARG("0", "NE", "3"))),
	 "read(arg0 != 3)",
	 "read",
	 {3},
	 false},
	{"oci-json",
	 OCI(ENTRY("\"read\"", ARG("2", "LE", "4096"))),
	 NULL,
	 "read",
	 {0, 0, 4097},
	 false},
	{"oci-json",
	 OCI(ENTRY("\"read\"", ARG("2", "LE", "4096"))),
	 NULL,
	 "read",
	 {0, 0, 4096},
	 true},
	/* The largest there is, always below it, never above it. */
	{"oci-json",
	 OCI(ENTRY("\"read\"", ARG("2", "LE", "18446744073709551615"))),
	 "allow = read\n",
	 "read",
	 {0, 0, UINT64_MAX},
	 true},
	{"oci-json",
	 OCI(ENTRY("\"read\"", ARG("2", "GT", "18446744073709551615"))),
	 "it never holds",
	 "read",
	 {0, 0, UINT64_MAX},
	 false},
	{"oci-json",
	 OCI(ENTRY("\"read\"", ARG("2", "EQ", "18446744073709551615"))),
	 NULL,
	 "read",
	 {0, 0, UINT64_MAX},
	 true},
	/* An int has 32 bits, whatever the profile compares. */
	{"oci-json",
	 OCI(ENTRY("\"ioctl\"", ARG("1", "EQ", IOCTL_64))),
	 NULL,
	 "ioctl",
	 {0, 0x80045430},
	 true},
	{"oci-json",
	 OCI(ENTRY("\"ioctl\"", ARG("1", "EQ", "4294967296"))),
	 "it never holds",
	 "ioctl",
	 {0},
	 false},
	{"oci-json",
	 OCI(ENTRY("\"fcntl\"", ARG("1", "LT", "4294967296"))),
	 "allow = fcntl\n",
	 "fcntl",
	 {0, 9},
	 true},
	/* MASKED_EQ without a second value means 0. */
	{"oci-json", OCI(ENTRY("\"read\"", ARG("0", "MASKED_EQ", "1"))), NULL, "read", {2}, true},
	{"oci-json", OCI(ENTRY("\"read\"", ARG("0", "MASKED_EQ", "1"))), NULL, "read", {3}, false},
	/* An argument that comes twice: either. */
	{"oci-json",
	 OCI(ENTRY("\"read\"",
		   ", \"args\": [{\"index\": 0, \"op\": \"SCMP_CMP_EQ\", \"value\": 1}, "
		   "{\"index\": 0, \"op\": \"SCMP_CMP_EQ\", \"value\": 2}]")),
	 NULL,
	 "read",
	 {2},
	 true},
	{"oci-json",
	 OCI(ENTRY("\"read\"", ARG("5", "EQ", "1"))),
	 "no such argument",
	 "read",
	 {0},
	 false},
	/* What denies goes first, whatever the order. */
	{"oci-json",
	 OCI(ENTRY("\"read\"", "") "," DENY("\"read\"", ARG("0", "EQ", "3"))),
	 NULL,
	 "read",
	 {3},
	 false},
	{"oci-json",
	 OCI(ENTRY("\"read\"", "") "," DENY("\"read\"", ARG("0", "EQ", "3"))),
	 NULL,
	 "read",
	 {4},
	 true},
	{"oci-json",
	 OCI(ENTRY("\"read\"", "") "," DENY("\"read\"", ARG("5", "EQ", "3"))),
	 "denied altogether",
	 "read",
	 {4},
	 false},
	/* Docker's conditions. */
	{"oci-json",
	 OCI(ENTRY("\"mount\"", ", \"includes\": {\"caps\": [\"CAP_SYS_ADMIN\"]}")),
	 "CAP_SYS_ADMIN",
	 "mount",
	 {0},
	 false},
	{"oci-json",
	 OCI(ENTRY("\"read\"", ", \"excludes\": {\"caps\": [\"CAP_SYS_ADMIN\"]}")),
	 NULL,
	 "read",
	 {0},
	 true},
	{"oci-json",
	 OCI(ENTRY("\"read\"", ", \"includes\": {\"arches\": [\"s390x\"]}")),
	 NULL,
	 "read",
	 {0},
	 false},
	{"oci-json",
	 OCI(ENTRY("\"read\"", ", \"includes\": {\"minKernel\": \"4.8\"}")),
	 NULL,
	 "read",
	 {0},
	 true},
	/* What leads out of every sandbox stays a comment; what is never permitted else, a warning.
	 */
	{"oci-json", OCI(ENTRY("\"ptrace\"", "")), "; allow = ptrace", "ptrace", {0}, false},
	{"oci-json", OCI(ENTRY("\"clone3\"", "")), "; allow = clone3", "clone3", {0}, false},
	{"oci-json", OCI(ENTRY("\"acct\"", "")), "lets acct through", "acct", {0}, true},
	{"oci-json",
	 OCI(ENTRY("\"frobnicate\", \"frob\", \"read\"", "")),
	 "unknown: frobnicate, frob",
	 "read",
	 {0},
	 true},
	/* By default permitted: no more than promises permit. */
	{"oci-json",
	 "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [" DENY("\"getpid\"", "") "]}",
	 "deny = getpid",
	 "getpid",
	 {0},
	 false},
	{"oci-json",
	 "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [" DENY("\"getpid\"", "") "]}",
	 "Narrower than the profile",
	 "getppid",
	 {0},
	 true},
	{"oci-json", "{\"defaultAction\": \"SCMP_ACT_ALLOW\"}", NULL, "acct", {0}, false},
	{"oci-json", "{\"defaultAction\": \"SCMP_ACT_LOG\"}", "settime", "settimeofday", {0}, true},
	{"oci-json",
	 "{\"defaultAction\": \"SCMP_ACT_KILL\"}",
	 "on_violation = kill",
	 "read",
	 {0},
	 false},
	{"oci-json",
	 "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 38}",
	 "defaultErrnoRet = 38",
	 "read",
	 {0},
	 false},
	/* As a part of a config.json. */
	{"oci-json",
	 "{\"ociVersion\": \"1.0\", \"linux\": {\"seccomp\": " OCI(ENTRY("\"read\"", "")) "}}",
	 NULL,
	 "read",
	 {0},
	 true},
	{"seccompiler-json",
	 FIRE("{\"syscall\": \"read\", \"comment\": \"x\"}"),
	 "allow = read\n",
	 "read",
	 {0},
	 true},
	/* Only the lower half. */
	{"seccompiler-json",
	 FIRE("{\"syscall\": \"write\"," FIRE_ARG("2", "dword", "\"eq\"", "8") "}"),
	 "write(arg2:32 == 8)",
	 "write",
	 {0, 0, UINT64_C(0x100000008)},
	 true},
	{"seccompiler-json",
	 FIRE("{\"syscall\": \"write\"," FIRE_ARG("2", "qword", "\"eq\"", "8") "}"),
	 NULL,
	 "write",
	 {0, 0, UINT64_C(0x100000008)},
	 false},
	{"seccompiler-json",
	 FIRE("{\"syscall\": \"write\"," FIRE_ARG("0", "dword", "{\"masked_eq\": 6}", "7") "}"),
	 NULL,
	 "write",
	 {6},
	 true},
	/* seccompiler forgets the first. */
	{"seccompiler-json",
	 FIRE("{\"syscall\": \"write\"}, {\"syscall\": \"write\"," FIRE_ARG("0", "dword", "\"eq\"",
									    "1") "}"),
	 "counts for nothing",
	 "write",
	 {2},
	 false},
	{"seccompiler-json",
	 "{\"a\": {\"mismatch_action\": \"kill_process\", \"match_action\": \"allow\", \"filter\": "
	 "[{\"syscall\": "
	 "\"read\"}]}, \"b\": {\"mismatch_action\": {\"errno\": 1}, \"match_action\": \"log\", "
	 "\"filter\": "
	 "[{\"syscall\": \"write\"}]}}",
	 "one of them may: a, b",
	 "write",
	 {2},
	 true},
	{"seccompiler-json",
	 "{\"a\": {\"mismatch_action\": \"allow\", \"match_action\": \"kill_process\", \"filter\": "
	 "[{\"syscall\": \"getpid\"}]}}",
	 "deny = getpid\n",
	 "getpid",
	 {0},
	 false},
};

Test(import, profiles)
{
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
		struct policy policy;
		struct sbx_err err = {0};
		struct seccomp_data data = {.nr = world_number(profiles[i].call),
					    .arch = WORLD_ARCH};
		char *text = import(profiles[i].format, profiles[i].text, &err);

		cr_assert(text, "row %zu: %s", i, err.msg);
		cr_expect(!profiles[i].says || strstr(text, profiles[i].says), "row %zu: %s\n%s", i,
			  profiles[i].says, text);
		load(text, &policy, profiles[i].text);
		memcpy(data.args, profiles[i].args, sizeof(data.args));
		(void)decides(&policy, NULL);
		cr_expect_eq(world_permits(decides(&policy, &data)), profiles[i].permitted,
			     "row %zu: %s\n%s", i, profiles[i].call, text);
		free(text);
		policy_done(&policy);
	}
}

/* What a program may do under a profile that names single values, it may do under the policy, and
 * nothing else: an entry's every value, and its neighbours. */
Test(import, values)
{
	static const char text[] = OCI(ENTRY(
		"\"read\", \"write\", \"exit_group\", \"rt_sigreturn\", \"exit\"",
		"") "," ENTRY("\"fcntl\"",
			      ARG("1", "EQ",
				  "2")) "," ENTRY("\"fcntl\"",
						  ARG("1", "EQ",
						      "4")) "," ENTRY("\"lseek\"",
								      ", \"args\": [{\"index\": 0, "
								      "\"op\": \"SCMP_CMP_EQ\", "
								      "\"value\": 7}, {\"index\": "
								      "2, \"op\": \"SCMP_CMP_NE\", "
								      "\"value\": 2}]"));
	struct policy policy;
	struct sbx_err err = {0};
	char *fragment = import("oci-json", text, &err);

	cr_assert(fragment, "%s", err.msg);
	load(fragment, &policy, "values");
	(void)decides(&policy, NULL);
	for (uint64_t a = 0; a < 16; a++) {
		for (uint64_t b = 0; b < 16; b++) {
			struct seccomp_data data = {.arch = WORLD_ARCH, .args = {a, b, b}};

			data.nr = world_number("fcntl");
			cr_expect_eq(world_permits(decides(&policy, &data)), b == 2 || b == 4,
				     "fcntl(%d, %d)\n%s", (int)a, (int)b, fragment);
			data.nr = world_number("lseek");
			cr_expect_eq(world_permits(decides(&policy, &data)), a == 7 && b != 2,
				     "lseek(%d, , %d)\n%s", (int)a, (int)b, fragment);
		}
	}
	free(fragment);
	policy_done(&policy);
}

/* ---- what is refused ---- */

static const struct {
	const char *format;
	const char *text;
	unsigned line;
	const char *says;
} bad[] = {
	{"oci-json", "", 1, "column 1: "},
	{"oci-json", "{", 1, "column 1: "},
	{"oci-json", "{\"defaultAction\":\n  ?}", 2, "column 3: invalid token"},
	{"oci-json", "{\"a\": 18446744073709551615,\n \"b\": 18446744073709551615, \"c\": ?}", 2,
	 "column 34: invalid token"},
	{"oci-json", "{\"a\": 18446744073709551616}", 1, "too big integer"},
	{"oci-json", "{\"a\": -9223372036854775809}", 1, "too big negative integer"},
	{"oci-json", "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultAction\": \"SCMP_ACT_LOG\"}",
	 1, "duplicate"},
	{"oci-json", "[]", 0, "should be an object"},
	{"oci-json", "{}", 0, "\"defaultAction\" should be a string"},
	{"oci-json", "{\"defaultAction\": \"SCMP_ACT_FOO\"}", 0, "unknown action \"SCMP_ACT_FOO\""},
	{"oci-json",
	 "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"architectures\": [\"SCMP_ARCH_S390X\"]}", 0,
	 "architectures"},
	{"oci-json", "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": {}}", 0,
	 "should be an array"},
	{"oci-json", OCI("3"), 0, "syscalls[0]: should be an object"},
	{"oci-json", OCI("{\"action\": \"SCMP_ACT_ALLOW\"}"), 0, "syscalls[0]: \"names\""},
	{"oci-json", OCI(ENTRY("3", "")), 0, "syscalls[0]: \"names\""},
	{"oci-json", OCI(ENTRY("\"read\"", ", \"args\": 3")), 0, "\"args\" should be an array"},
	{"oci-json", OCI(ENTRY("\"read\"", ", \"args\": [3]")), 0,
	 "syscalls[0].args[0]: should be an object"},
	{"oci-json", OCI(ENTRY("\"read\"", ARG("6", "EQ", "3"))), 0, "\"index\" should be 0 to 5"},
	{"oci-json", OCI(ENTRY("\"read\"", ARG("0", "EQ", "-3"))), 0,
	 "\"value\" should be a number"},
	{"oci-json", OCI(ENTRY("\"read\"", ARG("0", "EQ", "1.5"))), 0,
	 "\"value\" should be a number"},
	{"oci-json", OCI(ENTRY("\"read\"", ARG("0", "XX", "3"))), 0, "unknown \"op\""},
	{"seccompiler-json", "{}", 0, "should be an object"},
	{"seccompiler-json", "{\"a\": 3}", 0, "a: should be an object"},
	{"seccompiler-json", FIRE("{}"), 0, "vmm.filter[0]: \"syscall\" should be a string"},
	{"seccompiler-json", FIRE("{\"syscall\": \"read\", \"arg\": []}"), 0,
	 "unknown key \"arg\""},
	{"seccompiler-json", FIRE("{\"syscall\": \"read\", \"args\": []}"), 0, "not empty"},
	{"seccompiler-json",
	 FIRE("{\"syscall\": \"read\"," FIRE_ARG("0", "word", "\"eq\"", "1") "}"), 0,
	 "vmm.filter[0].args[0]: \"type\" should be dword or qword"},
	{"seccompiler-json",
	 FIRE("{\"syscall\": \"read\"," FIRE_ARG("0", "dword", "\"xx\"", "1") "}"), 0, "\"op\""},
	{"seccompiler-json",
	 FIRE("{\"syscall\": \"read\"," FIRE_ARG("0", "dword", "{\"ne\": 1}", "1") "}"), 0,
	 "masked_eq"},
	{"seccompiler-json",
	 "{\"a\": {\"default_action\": \"allow\", \"filter_action\": \"log\", \"filter\": []}}", 0,
	 "both actions"},
	{"seccompiler-json",
	 "{\"a\": {\"default_action\": \"jump\", \"filter_action\": \"log\", \"filter\": []}}", 0,
	 "the actions should be"},
};

Test(import, bad)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct sbx_err err = {0};
		char *text = import(bad[i].format, bad[i].text, &err);

		cr_assert_null(text, "row %zu: it was taken", i);
		cr_expect_eq(err.code, -EINVAL, "row %zu", i);
		cr_expect_eq(err.line, bad[i].line, "row %zu: line %u: %s", i, err.line, err.msg);
		cr_expect_str_eq(err.file, "profile.json", "row %zu", i);
		cr_expect(strstr(err.msg, bad[i].says), "row %zu: %s", i, err.msg);
	}
}

Test(import, names)
{
	char names[64];

	import_format_names(", ", names, sizeof(names));
	cr_expect_str_eq(names, "oci-json, seccompiler-json");
	cr_expect_null(import_format_find("bpf"));
}

Test(import, files)
{
	const struct import_format *format = import_format_find("oci-json");
	static const char profile[] = "{\"defaultAction\": \"SCMP_ACT_KILL\"}";
	struct sbx_err err = {0};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	cr_assert(out);
	cr_expect_eq(import_file(format, "nothing.json", out, &err), -ENOENT);
	cr_expect_str_eq(err.file, "nothing.json");
	cr_expect_eq(import_file(format, "/", out, &err), -EISDIR);
	write_file("large.json", "", 0, 0600);
	cr_assert_eq(truncate("large.json", IMPORT_FILE_MAX + 1), 0);
	cr_expect_eq(import_file(format, "large.json", out, &err), -E2BIG, "%s", err.msg);
	write_file("profile.json", profile, strlen(profile), 0600);
	cr_expect_eq(import_file(format, "profile.json", out, &err), 0, "%s", err.msg);
	(void)fclose(out);
	cr_expect(strstr(text, "--import of profile.json\n"));
	free(text);
}
