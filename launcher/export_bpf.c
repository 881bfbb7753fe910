/* SPDX-License-Identifier: MIT */
/* The program itself: raw, as C, and as libseccomp's pseudo code. */
#include "export_parts.h"

#include <string.h>
#include <sys/mman.h>

#include "../shim/libseccomp.h"

#ifdef __aarch64__
#define ARCH_MACRO "__aarch64__"
#else
#define ARCH_MACRO "__x86_64__"
#endif

/* Numbers that no process has (PID_MAX_LIMIT is 2^22): where the programs for them differ, the
 * process's own belongs. */
#define SELF_A EXPORT_SELF
#define SELF_B (EXPORT_SELF + 1)

static struct filter *new_filter(struct export_parts *parts)
{
	return arena_alloc(parts->arena, sizeof(struct filter));
}

int export_write_bpf(struct export_parts *parts, FILE *out, struct sbx_err *err)
{
	struct filter *filter = new_filter(parts);
	int r;

	if (!filter)
		return -ENOMEM;
	r = export_build(parts, EXPORT_SELF, filter, err);
	if (r < 0)
		return r;
	(void)fwrite(filter->insns, sizeof(filter->insns[0]), filter->len, out);
	return 0;
}

/* ---- C ---- */

static const struct {
	uint16_t code;
	char text[32];
} codes[] = {
	{BPF_LD | BPF_W | BPF_ABS, "BPF_LD | BPF_W | BPF_ABS"},
	{BPF_ALU | BPF_AND | BPF_K, "BPF_ALU | BPF_AND | BPF_K"},
	{BPF_JMP | BPF_JA, "BPF_JMP | BPF_JA"},
	{BPF_JMP | BPF_JEQ | BPF_K, "BPF_JMP | BPF_JEQ | BPF_K"},
	{BPF_JMP | BPF_JGE | BPF_K, "BPF_JMP | BPF_JGE | BPF_K"},
	{BPF_JMP | BPF_JGT | BPF_K, "BPF_JMP | BPF_JGT | BPF_K"},
	{BPF_JMP | BPF_JSET | BPF_K, "BPF_JMP | BPF_JSET | BPF_K"},
	{BPF_RET | BPF_K, "BPF_RET | BPF_K"},
};

static void put_code(uint16_t code, FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (codes[i].code == code) {
			(void)fputs(codes[i].text, out);
			return;
		}
	}
	(void)fprintf(out, "0x%x", code);
}

static void put_insns(const struct filter *filter, FILE *out)
{
	for (unsigned i = 0; i < filter->len; i++) {
		const struct sock_filter *insn = &filter->insns[i];

		(void)fputs(BPF_CLASS(insn->code) == BPF_JMP ? "\tBPF_JUMP(" : "\tBPF_STMT(", out);
		put_code(insn->code, out);
		(void)fprintf(out, ", 0x%xU", insn->k);
		if (BPF_CLASS(insn->code) == BPF_JMP)
			(void)fprintf(out, ", %u, %u", insn->jt, insn->jf);
		(void)fputs("),\n", out);
	}
}

/* Where the program asks for the process's own number. */
static size_t put_selves(const struct filter *a, const struct filter *b, FILE *out)
{
	size_t n = 0;

	for (unsigned i = 0; i < a->len; i++) {
		if (a->insns[i].k == b->insns[i].k)
			continue;
		if (!n)
			(void)fputs("\n/* The instructions that compare with the process's own "
				    "number. */\nstatic const unsigned short sbx_self[] = {",
				    out);
		(void)fprintf(out, n % 12 ? " %u," : "\n\t%u,", i);
		n++;
	}
	if (n)
		(void)fputs("\n};\n", out);
	return n;
}

static const char c_head[] = "\n"
			     "#include <stddef.h>\n"
			     "#include <string.h>\n"
			     "#include <sys/prctl.h>\n"
			     "#include <sys/syscall.h>\n"
			     "#include <unistd.h>\n"
			     "\n"
			     "#include <linux/filter.h>\n"
			     "#include <linux/seccomp.h>\n"
			     "\n"
			     "#if !defined(" ARCH_MACRO ") || defined(__ILP32__)\n"
			     "#error \"this filter is for " ARCH_MACRO " only\"\n"
			     "#endif\n"
			     "\n"
			     "static const struct sock_filter sbx_filter[] = {\n";

static const char c_install[] =
	"\n"
	"/* Puts the filter in force for the calling thread and all that comes from it, for good;\n"
	" * sets no_new_privs. A child of fork(2) keeps its parent's number in the filter.\n"
	" * Returns 0, or -1 with errno set: then do not go on. */\n"
	"int sbx_install_filter(void);\n"
	"int sbx_install_filter(void)\n"
	"{\n"
	"\tstruct sock_filter insns[sizeof(sbx_filter) / sizeof(sbx_filter[0])];\n"
	"\tstruct sock_fprog program = {sizeof(insns) / sizeof(insns[0]), insns};\n";

static const char c_copy[] = "\n\tmemcpy(insns, sbx_filter, sizeof(insns));\n";

static const char c_selves[] = "\tfor (i = 0; i < sizeof(sbx_self) / sizeof(sbx_self[0]); i++)\n"
			       "\t\tinsns[sbx_self[i]].k = (unsigned)getpid();\n";

static const char c_tail[] =
	"\tif (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)\n"
	"\t\treturn -1;\n"
	"\treturn (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);\n"
	"}\n";

int export_write_c(struct export_parts *parts, FILE *out, struct sbx_err *err)
{
	struct filter *a = new_filter(parts), *b = new_filter(parts);
	size_t selves;
	int r;

	if (!a || !b)
		return -ENOMEM;
	r = export_build(parts, SELF_A, a, err);
	if (r == 0)
		r = export_build(parts, SELF_B, b, err);
	if (r < 0)
		return r;
	(void)fputs("/*\n", out);
	export_put_notes(parts, " * ", out);
	(void)fputs(" */", out);
	(void)fputs(c_head, out);
	put_insns(a, out);
	(void)fputs("};\n", out);
	selves = put_selves(a, b, out);
	(void)fputs(c_install, out);
	(void)fputs(selves ? "\tsize_t i;\n" : "", out);
	(void)fputs(c_copy, out);
	(void)fputs(selves ? c_selves : "", out);
	(void)fputs(c_tail, out);
	return 0;
}

/* ---- libseccomp ---- */

static int add_leaf(scmp_filter_ctx ctx, const struct export_call *call, uint32_t action,
		    const struct shape *shape)
{
	struct scmp_arg_cmp cmp[6];
	unsigned n = 0;

	for (unsigned i = 0; i < 6; i++) {
		if (!shape->mask[i])
			continue;
		/* MASKED_EQ, since EQ with 32 bits would want the upper half to be zero. */
		cmp[n].arg = i;
		cmp[n].op = shape->mask[i] == UINT64_MAX ? SCMP_CMP_EQ : SCMP_CMP_MASKED_EQ;
		cmp[n].datum_a = shape->mask[i] == UINT64_MAX ? shape->value[i] : shape->mask[i];
		cmp[n].datum_b = shape->value[i]; /* EQ does not look at it */
		n++;
	}
	return seccomp_rule_add_exact_array(ctx, action, call->nr, n, cmp);
}

static int add_call(scmp_filter_ctx ctx, const struct export_parts *parts,
		    const struct export_call *call)
{
	const struct shape any = {.mask = {0}};
	int r = 0;

	if (call->whole)
		return call->action == parts->deny ? 0 : add_leaf(ctx, call, call->action, &any);
	for (size_t i = 0; i < call->n_leaves && r == 0; i++)
		r = add_leaf(ctx, call, call->leaves[i].action, &call->leaves[i].shape);
	return r;
}

int export_seccomp_new(const struct export_parts *parts, void **ret_ctx, struct sbx_err *err)
{
	scmp_filter_ctx ctx = seccomp_init(parts->deny);
	int r;

	if (!ctx)
		return -ENOMEM;
	r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	for (size_t i = 0; i < parts->n_calls && r == 0; i++)
		r = add_call(ctx, parts, &parts->calls[i]);
	if (r < 0) {
		seccomp_release(ctx);
		return err_set(err, r, "libseccomp cannot take the filter: %s",
			       strerrordesc_np(-r));
	}
	*ret_ctx = ctx;
	return 0;
}

/* libseccomp writes to a descriptor; ours is a stream, which may be in memory. */
static int copy_pfc(scmp_filter_ctx ctx, FILE *out, struct sbx_err *err)
{
	int fd cleanup_fd = memfd_create("pfc", MFD_CLOEXEC);
	char buf[4096];
	ssize_t n;
	int r;

	if (fd < 0)
		return err_set(err, -errno, "cannot create a memfd: %m");
	r = seccomp_export_pfc(ctx, fd);
	if (r < 0)
		return err_set(err, r, "libseccomp cannot write the filter: %s",
			       strerrordesc_np(-r));
	if (lseek(fd, 0, SEEK_SET) != 0)
		return err_set(err, -errno, "cannot read what libseccomp wrote: %m");
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		(void)fwrite(buf, 1, (size_t)n, out);
	return n < 0 ? err_set(err, -errno, "cannot read what libseccomp wrote: %m") : 0;
}

int export_write_pfc(struct export_parts *parts, FILE *out, struct sbx_err *err)
{
	scmp_filter_ctx ctx = NULL;
	int r;

	r = export_note(parts,
			"Other than the kernel's: a call newer than this program's table gets "
			"%s here, ENOSYS there.",
			export_kills(parts) ? "killed" : "EPERM");
	if (r == 0)
		r = export_seccomp_new(parts, &ctx, err);
	if (r < 0)
		return r;
	export_put_notes(parts, "# ", out);
	r = copy_pfc(ctx, out, err);
	seccomp_release(ctx);
	return r;
}
