/* SPDX-License-Identifier: MIT */
/* Pure. What --export writes, read again by evaluators of the formats that are written down here,
 * over every number, row and rule, against the filter that the launcher makes of the policy. Where
 * a format cannot say it, the difference that is documented, and no other. */
#include <seccomp.h>
#include <sys/mman.h>

#include "../launcher/import_parts.h"
#include "export_world.h"

/* ---- what is asked of the kernel ---- */

static const struct {
	const char *format;
	const char *promises;
	bool unveil;
	uint64_t want;
	bool bounded;
} requests[] = {
	{"bpf", "stdio", true, P(STDIO), true},
	{"bpf", "stdio", false, P(STDIO), false},
	{"c", "stdio", true, P(STDIO), true},
	{"pfc", "stdio", true, P(STDIO), true},
	{"strace-filter", "stdio", true, P(STDIO), true},
	{"seccompiler-json", "stdio inet", true, P(STDIO) | P(INET), false},
	{"minijail", "stdio", true, P(STDIO), false},
	{"oci-json", "inet", true, P(INET) | P(STDIO) | P(RPATH) | P(EXEC), false},
	{"systemd", "stdio", false, P(STDIO) | P(RPATH) | P(EXEC), false},
};

Test(export, requests)
{
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		struct policy policy;
		struct filter_request got;
		struct sbx_err err = {0};

		policy_init(&policy);
		cr_assert_eq(policy_add_promises(&policy, requests[i].promises,
						 (struct origin){.file = "-p"}, &err),
			     0);
		policy.unveil = requests[i].unveil;
		got = export_filter_request(export_format_find(requests[i].format), &policy);
		cr_expect_eq(got.promises, requests[i].want, "row %zu", i);
		cr_expect_eq(got.bounded, requests[i].bounded, "row %zu", i);
		cr_expect(!got.starting && !got.supervised && !got.over, "row %zu", i);
		policy_done(&policy);
	}
}

Test(export, names)
{
	char names[128];

	export_format_names(", ", names, sizeof(names));
	cr_expect_str_eq(names, "bpf, pfc, c, seccompiler-json, oci-json, systemd, minijail, "
				"strace-filter");
	cr_expect_null(export_format_find("BPF"));
	cr_expect_null(export_format_find(""));
}

/* ---- the program itself ---- */

static uint32_t same(const struct exported *e, const struct seccomp_data *data, uint32_t kernel)
{
	(void)e;
	(void)data;
	return kernel;
}

static uint32_t program_says(void *user, const struct seccomp_data *data)
{
	return interp_run(user, data, NULL);
}

Test(export, bpf)
{
	for (size_t i = 0; i < WORLD_CASES; i++) {
		struct exported e = {.size = 0};
		size_t index, len;

		exported_init(&e, "bpf", i);
		len = e.size / sizeof(struct sock_filter);
		cr_assert_eq(e.size % sizeof(struct sock_filter), 0, "%s", e.name);
		cr_assert(interp_valid((struct sock_filter *)(void *)e.text, len, &index), "%s",
			  e.name);
		compare(&e, program_says, e.text, same);
		exported_done(&e);
	}
}

/* The words of the macros → a code. */
static uint16_t parse_code(char *text)
{
	static const struct {
		const char *word;
		uint16_t value;
	} words[] = {
		{"BPF_LD", BPF_LD},   {"BPF_W", BPF_W},	    {"BPF_ABS", BPF_ABS},
		{"BPF_ALU", BPF_ALU}, {"BPF_AND", BPF_AND}, {"BPF_K", BPF_K},
		{"BPF_JMP", BPF_JMP}, {"BPF_JA", BPF_JA},   {"BPF_JEQ", BPF_JEQ},
		{"BPF_JGE", BPF_JGE}, {"BPF_JGT", BPF_JGT}, {"BPF_JSET", BPF_JSET},
		{"BPF_RET", BPF_RET},
	};
	uint16_t code = 0;
	char *save;

	for (char *word = strtok_r(text, " |", &save); word; word = strtok_r(NULL, " |", &save)) {
		size_t k = 0;

		while (k < ARRAY_SIZE(words) && strcmp(words[k].word, word) != 0)
			k++;
		cr_assert_lt(k, ARRAY_SIZE(words), "%s", word);
		code |= words[k].value;
	}
	return code;
}

static size_t parse_c(char *text, struct sock_filter insns[FILTER_MAX])
{
	char *line = strstr(text, "sbx_filter[] = {\n");
	size_t n = 0;

	cr_assert(line);
	for (char *next = strchr(line, '\n') + 1; *next == '\t';) {
		char *open = strchr(next, '('), *comma = strchr(next, ',');
		unsigned k = 0, jt = 0, jf = 0;

		cr_assert(open && comma && n < FILTER_MAX);
		next = strchr(next, '\n') + 1;
		cr_assert_geq(sscanf(comma, ", %xU, %u, %u", &k, &jt, &jf), 1);
		*comma = '\0';
		insns[n++] = (struct sock_filter){
			.code = parse_code(open + 1), .jt = (uint8_t)jt, .jf = (uint8_t)jf, .k = k};
	}
	return n;
}

/* As for bpf; that it compiles and installs is for test_export_live.c. */
Test(export, c)
{
	static struct sock_filter insns[FILTER_MAX];

	for (size_t i = 0; i < WORLD_CASES; i++) {
		struct exported e = {.size = 0};
		bool about_itself;

		exported_init(&e, "c", i);
		about_itself = strstr(e.text, "(unsigned)getpid()");
		cr_assert_eq(parse_c(e.text, insns), e.filter.len, "%s", e.name);
		cr_expect_eq(memcmp(insns, e.filter.insns, e.filter.len * sizeof(insns[0])), 0,
			     "%s", e.name);
		/* Where one of the two is permitted. */
		cr_expect_eq(about_itself,
			     !!(e.request.promises & P(STDIO)) != !!(e.request.promises & P(PROC)),
			     "%s: the process's own number", e.name);
		exported_done(&e);
	}
}

static uint32_t known_only(const struct exported *e, const struct seccomp_data *data,
			   uint32_t kernel)
{
	return world_name(data->nr) ? kernel : e->deny;
}

/* One line of libseccomp's pseudo code: "if ($a1.lo32 & 0x0000000f == 2)", "if ($syscall == 41)".
 */
static bool pfc_condition_holds(const char *line, const struct seccomp_data *data)
{
	unsigned arg, mask = UINT32_MAX, value, half;
	char which[3];

	if (sscanf(line, "if ($arch == %u)", &value) == 1)
		return data->arch == value;
	if (sscanf(line, "if ($syscall == %u)", &value) == 1)
		return (uint32_t)data->nr == value;
	if (sscanf(line, "if ($a%u.%2[hilo]32 & %x == %u)", &arg, which, &mask, &value) != 4) {
		mask = UINT32_MAX;
		cr_assert_eq(sscanf(line, "if ($a%u.%2[hilo]32 == %u)", &arg, which, &value), 3,
			     "%s", line);
	}
	half = which[0] == 'h' ? 32 : 0;
	return ((uint32_t)(data->args[arg] >> half) & mask) == value;
}

static uint32_t pfc_action(const char *line)
{
	unsigned error;

	if (strncmp(line, "action ALLOW;", 13) == 0)
		return SECCOMP_RET_ALLOW;
	if (strncmp(line, "action KILL_PROCESS;", 20) == 0)
		return SECCOMP_RET_KILL_PROCESS;
	cr_assert_eq(sscanf(line, "action ERRNO(%u);", &error), 1, "%s", line);
	return SECCOMP_RET_ERRNO | error;
}

/* The lines about each number, so that not all are read for each call. */
struct pfc {
	const char *text;
	const char *block[WORLD_NUMBERS];
	const char *otherwise;
};

static void find_blocks(const char *text, struct pfc *ret)
{
	*ret = (struct pfc){.text = text};
	for (const char *line = text; (line = strstr(line, "  if ($syscall == ")); line++) {
		int nr = atoi(line + 18);

		cr_assert(nr >= 0 && nr < WORLD_NUMBERS && !ret->block[nr], "%d: twice", nr);
		ret->block[nr] = line;
	}
	ret->otherwise = strstr(text, "# default action\n");
	cr_assert(ret->otherwise);
	ret->otherwise += 17;
}

/* What is further in than a condition that does not hold is passed by. */
static uint32_t pfc_says(void *user, const struct seccomp_data *data)
{
	const struct pfc *pfc = user;
	const char *line = pfc->block[data->nr];
	size_t skip = SIZE_MAX, outermost = line ? strspn(line, " ") : 0;

	for (bool first = true; line; first = false, line = strchr(line, '\n') + 1) {
		size_t indent = strspn(line, " ");

		if (!first && indent <= outermost)
			break;
		if (indent > skip || line[indent] == '#')
			continue;
		skip = SIZE_MAX;
		if (strncmp(line + indent, "if ", 3) != 0)
			return pfc_action(line + indent);
		if (!pfc_condition_holds(line + indent, data))
			skip = indent;
	}
	return pfc_action(pfc->otherwise + strspn(pfc->otherwise, " "));
}

Test(export, pfc)
{
	for (size_t i = 0; i < WORLD_CASES; i++) {
		struct exported e = {.size = 0};
		struct pfc pfc;

		exported_init(&e, "pfc", i);
		find_blocks(e.text, &pfc);
		compare(&e, pfc_says, &pfc, known_only);
		exported_done(&e);
	}
}

/* ---- JSON ---- */

struct json_world {
	json_t *root;
	json_t *by_number[WORLD_NUMBERS]; /* arrays of borrowed objects */
};

static json_t *parse_json(const struct exported *e)
{
	struct sbx_err err = {0};
	json_t *root;

	cr_assert_eq(import_parse("", e->text, e->size, &root, &err), 0, "%s: %u: %s", e->name,
		     err.line, err.msg);
	return root;
}

static void file_under(struct json_world *world, const char *name, json_t *rule)
{
	int nr = world_number(name);

	cr_assert_geq(nr, 0, "%s", name);
	if (!world->by_number[nr])
		world->by_number[nr] = json_array();
	cr_assert_eq(json_array_append(world->by_number[nr], rule), 0);
}

static void json_world_done(struct json_world *world)
{
	for (size_t i = 0; i < WORLD_NUMBERS; i++)
		json_decref(world->by_number[i]);
	json_decref(world->root);
}

static uint64_t get_unsigned(const json_t *object, const char *key)
{
	uint64_t value = 0;

	cr_assert(import_unsigned(json_object_get(object, key), &value), "%s", key);
	return value;
}

static const char *get_string(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	cr_assert(value, "%s", key);
	return value;
}

/* Only these keys, and the first @n_required of them must be there. */
static void expect_keys(json_t *object, const char *const *keys, size_t n_required)
{
	const char *key;
	json_t *value;

	cr_assert(json_is_object(object));
	json_object_foreach(object, key, value)
	{
		size_t i = 0;

		while (keys[i] && strcmp(keys[i], key) != 0)
			i++;
		cr_assert(keys[i], "unexpected key %s", key);
	}
	for (size_t i = 0; i < n_required; i++)
		cr_assert(json_object_get(object, keys[i]), "no %s", keys[i]);
}

/* seccompiler refuses other keys, an empty args, and a name that it does not know. */
static const char *const seccompiler_filter[] = {"default_action", "filter_action", "filter", NULL};
static const char *const seccompiler_rule[] = {"syscall", "comment", "args", NULL};
static const char *const seccompiler_condition[] = {"index", "type", "op", "val", NULL};

static bool seccompiler_condition_holds(json_t *condition, const uint64_t args[6])
{
	json_t *op = json_object_get(condition, "op");
	uint64_t index = get_unsigned(condition, "index"), val = get_unsigned(condition, "val");
	const char *type = get_string(condition, "type");
	uint64_t mask = UINT64_MAX, arg;

	expect_keys(condition, seccompiler_condition, 4);
	cr_assert_lt(index, 6);
	cr_assert(strcmp(type, "dword") == 0 || strcmp(type, "qword") == 0, "%s", type);
	if (json_is_object(op)) {
		cr_assert_eq(json_object_size(op), 1);
		mask = get_unsigned(op, "masked_eq");
	} else {
		cr_assert_str_eq(json_string_value(op), "eq");
	}
	arg = args[index] & mask;
	if (strcmp(type, "dword") == 0)
		return (uint32_t)arg == (uint32_t)val;
	return arg == (val & mask);
}

static bool seccompiler_rule_holds(json_t *rule, const uint64_t args[6])
{
	json_t *conditions = json_object_get(rule, "args"), *condition;
	size_t i;

	expect_keys(rule, seccompiler_rule, 1);
	if (!conditions)
		return true;
	cr_assert_gt(json_array_size(conditions), 0);
	json_array_foreach(conditions, i, condition) if (!seccompiler_condition_holds(
								 condition, args)) return false;
	return true;
}

static uint32_t seccompiler_says(void *user, const struct seccomp_data *data)
{
	struct json_world *world = user;
	json_t *rule;
	size_t i;

	json_array_foreach(
		world->by_number[data->nr], i,
		rule) if (seccompiler_rule_holds(rule,
						 world_args(data).v)) return SECCOMP_RET_ALLOW;
	return SECCOMP_RET_ERRNO;
}

/* One action for all that is refused, and no young names. */
static uint32_t seccompiler_expected(const struct exported *e, const struct seccomp_data *data,
				     uint32_t kernel)
{
	(void)e;
	return world_permits(kernel) && !world_is_young(data->nr) ? SECCOMP_RET_ALLOW
								  : SECCOMP_RET_ERRNO;
}

Test(export, seccompiler)
{
	for (size_t i = 0; i < WORLD_CASES; i++) {
		struct exported e = {.size = 0};
		struct json_world world = {.root = NULL};
		json_t *filter, *rule, *action;
		size_t k;

		exported_init(&e, "seccompiler-json", i);
		world.root = parse_json(&e);
		cr_assert_eq(json_object_size(world.root), 1);
		filter = json_object_get(world.root, "main");
		expect_keys(filter, seccompiler_filter, 3);
		cr_expect_str_eq(get_string(filter, "filter_action"), "allow");
		action = json_object_get(filter, "default_action");
		if (e.deny == SECCOMP_RET_KILL_PROCESS)
			cr_expect_str_eq(json_string_value(action), "kill_process", "%s", e.name);
		else
			cr_expect_eq(get_unsigned(action, "errno"), ENOSYS, "%s", e.name);
		json_array_foreach(json_object_get(filter, "filter"), k, rule)
			file_under(&world, get_string(rule, "syscall"), rule);
		cr_expect(strstr(get_string(json_array_get(json_object_get(filter, "filter"), 0),
					    "comment"),
				 e.deny == SECCOMP_RET_KILL_PROCESS ? "clone3" : "ENOSYS"),
			  "%s", e.name);
		compare(&e, seccompiler_says, &world, seccompiler_expected);
		json_world_done(&world);
		exported_done(&e);
	}
}

/* runtime-spec's schema: config-linux.json and defs-linux.json. Other keys are passed by. */
static const char *const oci_seccomp[] = {"defaultAction",   "architectures", "syscalls",
					  "defaultErrnoRet", "comment",	      NULL};
static const char *const oci_syscall[] = {"names", "action", "errnoRet", "args", NULL};
static const char *const oci_arg[] = {"index", "value", "op", "valueTwo", NULL};

static uint32_t oci_action(json_t *object, const char *key, const char *error_key)
{
	const char *action = get_string(object, key);

	if (strcmp(action, "SCMP_ACT_ALLOW") == 0)
		return SECCOMP_RET_ALLOW;
	if (strcmp(action, "SCMP_ACT_KILL_PROCESS") == 0)
		return SECCOMP_RET_KILL_PROCESS;
	cr_assert_str_eq(action, "SCMP_ACT_ERRNO");
	return SECCOMP_RET_ERRNO | (uint32_t)get_unsigned(object, error_key);
}

static bool oci_holds(json_t *syscall, const uint64_t args[6])
{
	unsigned seen = 0;
	json_t *arg;
	size_t i;

	json_array_foreach(json_object_get(syscall, "args"), i, arg)
	{
		uint64_t index = get_unsigned(arg, "index"), value = get_unsigned(arg, "value");
		const char *op = get_string(arg, "op");

		expect_keys(arg, oci_arg, 3);
		cr_assert_lt(index, 6);
		/* runc reads an argument that comes twice as two rules. */
		cr_assert(!(seen & 1u << index));
		seen |= 1u << index;
		if (strcmp(op, "SCMP_CMP_EQ") == 0) {
			if (args[index] != value)
				return false;
			continue;
		}
		cr_assert_str_eq(op, "SCMP_CMP_MASKED_EQ");
		if ((args[index] & value) != get_unsigned(arg, "valueTwo"))
			return false;
	}
	return true;
}

/* Exactly one may hold, so that no order matters. */
static uint32_t oci_says(void *user, const struct seccomp_data *data)
{
	struct json_world *world = user;
	uint32_t found = oci_action(world->root, "defaultAction", "defaultErrnoRet");
	unsigned count = 0;
	json_t *syscall;
	size_t i;

	json_array_foreach(world->by_number[data->nr], i, syscall)
	{
		if (!oci_holds(syscall, world_args(data).v))
			continue;
		found = oci_action(syscall, "action", "errnoRet");
		count++;
	}
	cr_assert_leq(count, 1, "%s: two entries hold", world_name(data->nr));
	return found;
}

/* As a runtime loads it: entry by entry into libseccomp. */
static size_t compile_oci(struct json_world *world, struct sock_filter insns[FILTER_MAX])
{
	scmp_filter_ctx ctx =
		seccomp_init(oci_action(world->root, "defaultAction", "defaultErrnoRet"));
	int fd = memfd_create("bpf", MFD_CLOEXEC);
	json_t *syscall, *arg;
	ssize_t size;
	size_t i, k;

	for (int nr = 0; nr < WORLD_NUMBERS; nr++) {
		json_array_foreach(world->by_number[nr], i, syscall)
		{
			struct scmp_arg_cmp cmp[6];
			unsigned n = 0;

			json_array_foreach(json_object_get(syscall, "args"), k, arg)
			{
				cmp[n].arg = (unsigned)get_unsigned(arg, "index");
				cmp[n].op = json_object_get(arg, "valueTwo") ? SCMP_CMP_MASKED_EQ
									     : SCMP_CMP_EQ;
				cmp[n].datum_a = get_unsigned(arg, "value");
				cmp[n].datum_b = cmp[n].op == SCMP_CMP_EQ
							 ? 0
							 : get_unsigned(arg, "valueTwo");
				n++;
			}
			cr_assert_eq(
				seccomp_rule_add_exact_array(
					ctx, oci_action(syscall, "action", "errnoRet"), nr, n, cmp),
				0, "%s", world_name(nr));
		}
	}
	cr_assert_eq(seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), 0);
	cr_assert_eq(seccomp_export_bpf(ctx, fd), 0);
	size = pread(fd, insns, FILTER_MAX * sizeof(insns[0]), 0);
	cr_assert(size > 0 && lseek(fd, 0, SEEK_END) == size);
	(void)close(fd);
	seccomp_release(ctx);
	return (size_t)size / sizeof(insns[0]);
}

Test(export, oci)
{
	static struct sock_filter insns[FILTER_MAX];

	for (size_t i = 0; i < WORLD_CASES; i++) {
		struct exported e = {.size = 0};
		struct json_world world = {.root = NULL};
		json_t *syscall, *name;
		size_t k, m, index;

		exported_init(&e, "oci-json", i);
		world.root = parse_json(&e);
		expect_keys(world.root, oci_seccomp, 3);
		cr_assert_eq(json_array_size(json_object_get(world.root, "architectures")), 1);
		json_array_foreach(json_object_get(world.root, "syscalls"), k, syscall)
		{
			expect_keys(syscall, oci_syscall, 2);
			json_array_foreach(json_object_get(syscall, "names"), m, name)
				file_under(&world, json_string_value(name), syscall);
		}
		compare(&e, oci_says, &world, known_only);
		cr_assert(interp_valid(insns, compile_oci(&world, insns), &index), "%s", e.name);
		compare(&e, program_says, insns, known_only);
		json_world_done(&world);
		exported_done(&e);
	}
}
