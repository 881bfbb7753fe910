/* SPDX-License-Identifier: MIT */
/* gen-master ARCH OUT.c: runs where the project is built. Has libseccomp compile the table once, as
 * a binary tree, into a program in which every row returns its own tag; then makes of it the arrays
 * that master.h describes.
 *
 * libseccomp knows no catch-all beside the argument rules of a call: whatever no rule matches ends
 * in the default action. Here the number that led there is known, so it becomes the call's
 * `otherwise` row, or TAG_UNKNOWN.
 *
 * libseccomp 2.5.4 takes numbers that it has no name for on its native architecture only. So a
 * filter for aarch64 is built on x86-64 as a native one with aarch64's numbers; the check of the
 * architecture is then put right. */
#include <errno.h>
#include <inttypes.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <linux/audit.h>

#include "master.h"

#define NUMBERS_MAX 1024       /* system call numbers that the table may have */
#define X32_BIT	    0x40000000 /* __X32_SYSCALL_BIT: libseccomp looks for it on x86-64 */
#define UNIFIED	    403 /* from here on numbers are the same on every architecture (Linux 5.1) */
#define NONE	    UINT16_MAX
#define NODE_FIRST  3 /* behind architecture and number: master.h */

static const struct arch {
	const char *name;
	uint32_t token; /* libseccomp's and the kernel's */
	bool x32;
} arches[] = {
	{"x86_64", SCMP_ARCH_X86_64, true},
	{"aarch64", SCMP_ARCH_AARCH64, false},
};

static _Noreturn void die(const char *fmt, ...) printf_like(1, 2);
static _Noreturn void die(const char *fmt, ...)
{
	va_list ap;

	fputs("gen-master: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* ---- the table → libseccomp
 * ---------------------------------------------------------------------- */

static uint16_t otherwise[NUMBERS_MAX]; /* number → tag of its catch-all; NONE: it has none */

/* -1: the architecture has no such call. */
static int call_number(const struct arch *arch, const char *name)
{
	int nr = seccomp_syscall_resolve_name_arch(arch->token, name);

	if (nr < 0)
		nr = table_young_number(name);
	if (nr < UNIFIED && nr >= 0 && !arch->x32 &&
	    seccomp_syscall_resolve_name_arch(arch->token, name) < 0)
		return -1; /* x86-64's own */
	if (nr >= NUMBERS_MAX)
		die("%s: number %d is too large", name, nr);
	return nr < 0 ? -1 : nr;
}

static void add_row(scmp_filter_ctx ctx, const struct arch *arch, size_t tag)
{
	const struct row *row = &table_rows[tag];
	struct scmp_arg_cmp cmp[ROW_MATCHES];
	int nr = call_number(arch, row->name);
	int r;

	if (nr < 0)
		return;
	if (row->otherwise) {
		otherwise[nr] = (uint16_t)tag;
		return;
	}
	for (unsigned i = 0; i < row->n_matches; i++) {
		const struct match *match = &row->match[i];

		/* MASKED_EQ, because EQ with 32 bits still wants the high word to be zero. */
		cmp[i].arg = match->arg;
		cmp[i].op = match->mask == UINT64_MAX ? SCMP_CMP_EQ : SCMP_CMP_MASKED_EQ;
		cmp[i].datum_a = match->mask == UINT64_MAX ? match->value : match->mask;
		cmp[i].datum_b = match->value; /* EQ does not look at it */
	}
	r = seccomp_rule_add_exact_array(ctx, SCMP_ACT_ERRNO(tag), nr, row->n_matches, cmp);
	if (r < 0)
		die("%s(%s): %s", row->name, row->shape ? row->shape : "", strerror(-r));
}

static size_t export_program(scmp_filter_ctx ctx, struct sock_filter program[MASTER_NODES_MAX])
{
	int fd = memfd_create("master", MFD_CLOEXEC);
	ssize_t n;
	int r;

	if (fd < 0)
		die("memfd_create: %s", strerror(errno));
	r = seccomp_export_bpf(ctx, fd);
	if (r < 0)
		die("seccomp_export_bpf: %s", strerror(-r));
	n = pread(fd, program, MASTER_NODES_MAX * sizeof(program[0]), 0);
	if (n <= 0 || (size_t)n % sizeof(program[0]) || lseek(fd, 0, SEEK_END) != n)
		die("cannot read the program that libseccomp wrote");
	(void)close(fd); /* a memfd: nothing to lose */
	return (size_t)n / sizeof(program[0]);
}

static size_t compile(const struct arch *arch, struct sock_filter program[MASTER_NODES_MAX])
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(TAG_UNKNOWN));
	size_t n;

	if (!ctx || seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) < 0 ||
	    seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) < 0)
		die("cannot set libseccomp up");
	memset(otherwise, 0xff, sizeof(otherwise));
	for (size_t tag = 1; tag < table_rows_count; tag++)
		add_row(ctx, arch, tag);
	n = export_program(ctx, program);
	seccomp_release(ctx);
	return n;
}

/* ---- libseccomp's program → nodes
 * ------------------------------------------------------------------ */

/* What is known at an instruction. The number lies in [low, high]. */
struct known {
	uint32_t low, high;
	enum { HOLDS_NOTHING, HOLDS_ZERO, HOLDS_WORD, HOLDS_PART } holds; /* the accumulator */
	uint32_t word; /* HOLDS_WORD: which, as an offset in struct seccomp_data */
};

static bool holds(const struct known *known, size_t word)
{
	return known->holds == HOLDS_WORD && known->word == word;
}

#define NUMBER offsetof(struct seccomp_data, nr)
#define ARCH   offsetof(struct seccomp_data, arch)

/* An instruction of @program as it is reached with some knowledge. */
struct copy {
	unsigned index;
	struct known known;
	struct master_node node; /* next, next_true: indexes of copies */
};

struct specialize {
	const struct arch *arch;
	const struct sock_filter *program;
	size_t len;
	struct copy copies[MASTER_NODES_MAX]; /* whoever is jumped to comes before who jumps */
	size_t n_copies;
};

static unsigned specialize(struct specialize *s, unsigned index, struct known known);

static unsigned add_copy(struct specialize *s, unsigned index, const struct known *known,
			 struct master_node node)
{
	if (s->n_copies == MASTER_NODES_MAX)
		die("more than %d instructions", MASTER_NODES_MAX);
	s->copies[s->n_copies] = (struct copy){.index = index, .known = *known, .node = node};
	return (unsigned)s->n_copies++;
}

static bool known_equal(const struct known *a, const struct known *b)
{
	return a->low == b->low && a->high == b->high && a->holds == b->holds && a->word == b->word;
}

/* Narrow @known by the outcome of a test of the number. False: it cannot come out so. */
static bool narrow(struct known *known, const struct sock_filter *insn, bool outcome)
{
	uint64_t k = insn->k;
	uint64_t low = known->low, high = known->high;

	switch (BPF_OP(insn->code)) {
	case BPF_JGT:
		k++;
		/* fallthrough */
	case BPF_JGE:
		if (outcome && k > low)
			low = k;
		if (!outcome && (k == 0 || k - 1 < high))
			high = k == 0 ? 0 : k - 1;
		if (!outcome && k == 0)
			return false;
		break;
	case BPF_JEQ:
		if (outcome && (k < low || k > high))
			return false;
		if (outcome) {
			low = k;
			high = k;
		} else if (low == high && low == k) {
			return false;
		} else if (k == low) {
			low++;
		} else if (k == high) {
			high--;
		}
		break;
	default:
		die("unexpected test of the number: code 0x%x", insn->code);
	}
	if (low > high)
		return false;
	known->low = (uint32_t)low;
	known->high = (uint32_t)high;
	return true;
}

static unsigned specialize_test(struct specialize *s, unsigned index, struct known known)
{
	const struct sock_filter *insn = &s->program[index];
	struct master_node node = {.code = insn->code, .k = insn->k};
	struct known when_true = known, when_false = known;

	if (holds(&known, NUMBER)) {
		/* The check for x32 has no place on another architecture. */
		if (!s->arch->x32 && insn->code == (BPF_JMP | BPF_JGE | BPF_K) &&
		    insn->k == X32_BIT)
			return specialize(s, index + 1 + insn->jf, known);
		if (!narrow(&when_true, insn, true))
			return specialize(s, index + 1 + insn->jf, known);
		if (!narrow(&when_false, insn, false))
			return specialize(s, index + 1 + insn->jt, known);
	} else if (known.holds == HOLDS_ZERO) {
		/* The upper half of an int, which libseccomp masks and compares all the same. */
		if (insn->code != (BPF_JMP | BPF_JEQ | BPF_K))
			die("unexpected test of zero: code 0x%x", insn->code);
		return specialize(s, index + 1 + (insn->k == 0 ? insn->jt : insn->jf), known);
	} else if (holds(&known, ARCH)) {
		if (BPF_OP(insn->code) != BPF_JEQ)
			die("unexpected test of the architecture: code 0x%x", insn->code);
		node.k = s->arch->token;
	}
	node.next = (uint16_t)specialize(s, index + 1 + insn->jf, when_false);
	node.next_true = (uint16_t)specialize(s, index + 1 + insn->jt, when_true);
	return add_copy(s, index, &known, node);
}

static unsigned specialize_return(struct specialize *s, unsigned index, const struct known *known)
{
	struct master_node node = {.code = BPF_RET | BPF_K, .k = s->program[index].k};

	if (node.k == (SECCOMP_RET_ERRNO | TAG_UNKNOWN) && known->low == known->high &&
	    known->low < NUMBERS_MAX && otherwise[known->low] != NONE)
		node.k |= otherwise[known->low];
	for (size_t i = 0; i < s->n_copies; i++)
		if (s->copies[i].node.code == node.code && s->copies[i].node.k == node.k)
			return (unsigned)i;
	return add_copy(s, index, known, node);
}

static unsigned specialize_load(struct specialize *s, unsigned index, struct known known)
{
	const struct sock_filter *insn = &s->program[index];
	struct master_node node = {.code = insn->code, .k = insn->k};
	struct known after = known;

	if (insn->code == (BPF_LD | BPF_W | BPF_ABS)) {
		after.holds = HOLDS_WORD;
		after.word = insn->k;
	} else if (insn->code == (BPF_ALU | BPF_AND | BPF_K)) {
		after.holds = insn->k ? HOLDS_PART : HOLDS_ZERO;
		after.word = 0;
	} else {
		die("unexpected instruction: code 0x%x", insn->code);
	}
	node.next = (uint16_t)specialize(s, index + 1, after);
	/* Overwritten before anyone looks. */
	if (BPF_CLASS(s->copies[node.next].node.code) == BPF_LD)
		return node.next;
	return add_copy(s, index, &known, node);
}

/* The copy of instruction @index for what is @known there, with all that it leads to. */
static unsigned specialize(struct specialize *s, unsigned index, struct known known)
{
	if (index >= s->len)
		die("a jump beyond the end");
	/* A load does not care what was there before. */
	if (BPF_CLASS(s->program[index].code) == BPF_LD)
		known = (struct known){.low = known.low, .high = known.high};
	for (size_t i = 0; i < s->n_copies; i++)
		if (s->copies[i].index == index && known_equal(&s->copies[i].known, &known))
			return (unsigned)i;
	switch (BPF_CLASS(s->program[index].code)) {
	case BPF_RET:
		return specialize_return(s, index, &known);
	case BPF_JMP:
		if (BPF_OP(s->program[index].code) == BPF_JA)
			return specialize(s, index + 1 + s->program[index].k, known);
		return specialize_test(s, index, known);
	default:
		return specialize_load(s, index, known);
	}
}

static bool test(const struct master_node *node, uint32_t a)
{
	switch (BPF_OP(node->code)) {
	case BPF_JEQ:
		return a == node->k;
	case BPF_JGE:
		return a >= node->k;
	case BPF_JGT:
		return a > node->k;
	default:
		die("unexpected test: code 0x%x", node->code);
	}
}

/* Where would the value that an equality test looks for end if the test were left out? The index of
 * a RET; 0 when that depends on something else, too. */
static unsigned find_without(const struct master_node *nodes, unsigned index,
			     const struct known *known)
{
	uint32_t a = nodes[index].k;
	unsigned i = nodes[index].next;

	for (;;) {
		const struct master_node *node = &nodes[i];

		switch (BPF_CLASS(node->code)) {
		case BPF_RET:
			return i;
		case BPF_LD:
			if (!holds(known, node->k))
				return 0;
			a = nodes[index].k;
			i = node->next;
			break;
		case BPF_ALU:
			a &= node->k;
			i = node->next;
			break;
		default:
			i = test(node, a) ? node->next_true : node->next;
			break;
		}
	}
}

static size_t make_nodes(const struct arch *arch, struct master_node nodes[MASTER_NODES_MAX])
{
	static struct sock_filter program[MASTER_NODES_MAX];
	static struct specialize s;
	struct known nothing = {.low = 0, .high = UINT32_MAX};
	unsigned last;

	s = (struct specialize){.arch = arch, .program = program};
	s.len = compile(arch, program);
	last = specialize(&s, 0, nothing);
	if (last + 1 != s.n_copies)
		die("the first instruction is not the last copy");
	/* Turn it round: jumps lead forward. */
	for (size_t i = 0; i < s.n_copies; i++) {
		struct master_node *node = &nodes[last - i];

		*node = s.copies[i].node;
		if (BPF_CLASS(node->code) == BPF_RET)
			continue;
		node->next = (uint16_t)(last - node->next);
		if (BPF_CLASS(node->code) == BPF_JMP)
			node->next_true = (uint16_t)(last - node->next_true);
	}
	for (size_t i = 0; i < s.n_copies; i++) {
		const struct known *known = &s.copies[last - i].known;

		if (nodes[i].code == (BPF_JMP | BPF_JEQ | BPF_K))
			nodes[i].without = (uint16_t)find_without(nodes, (unsigned)i, known);
	}
	return s.n_copies;
}

/* ---- where numbers lead ---- */

struct span {
	uint32_t start;
	uint16_t place;
};

static bool loads_number(const struct master_node *node)
{
	return node->code == (BPF_LD | BPF_W | BPF_ABS) &&
	       node->k == offsetof(struct seccomp_data, nr);
}

/* The first node that looks at more than the number, or ends. */
static unsigned follow(const struct master_node *nodes, uint32_t nr)
{
	unsigned i = NODE_FIRST;

	for (;;) {
		if (loads_number(&nodes[i]))
			i = nodes[i].next; /* libseccomp does so behind its look for x32 */
		else if (BPF_CLASS(nodes[i].code) == BPF_JMP)
			i = test(&nodes[i], nr) ? nodes[i].next_true : nodes[i].next;
		else
			return i;
	}
}

static int by_start(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Where the outcome may change: at what a test compares with, and behind it. */
static size_t find_spans(const struct arch *arch, const struct master_node *nodes, size_t n,
			 struct span spans[MASTER_STARTS_MAX])
{
	static struct span all[2 * MASTER_NODES_MAX + 1];
	static bool reached[MASTER_NODES_MAX] = {[NODE_FIRST] = true};
	size_t count = 1, kept = 0;

	if (nodes[0].code != (BPF_LD | BPF_W | BPF_ABS) ||
	    nodes[0].k != offsetof(struct seccomp_data, arch) ||
	    nodes[1].code != (BPF_JMP | BPF_JEQ | BPF_K) || nodes[1].next_true != 2 ||
	    nodes[1].k != arch->token || !loads_number(&nodes[2]) || nodes[2].next != NODE_FIRST)
		die("the filter does not begin with architecture and number");
	for (size_t i = NODE_FIRST; i < n; i++) {
		if (reached[i] && loads_number(&nodes[i]))
			reached[nodes[i].next] = true;
		if (!reached[i] || BPF_CLASS(nodes[i].code) != BPF_JMP)
			continue;
		reached[nodes[i].next] = reached[nodes[i].next_true] = true;
		all[count++].start = nodes[i].k;
		if (nodes[i].k != UINT32_MAX)
			all[count++].start = nodes[i].k + 1;
	}
	qsort(all, count, sizeof(all[0]), by_start);
	for (size_t i = 0; i < count; i++) {
		uint16_t place = (uint16_t)follow(nodes, all[i].start);

		if (kept && spans[kept - 1].place == place)
			continue;
		if (kept == MASTER_STARTS_MAX)
			die("more than %d spans of numbers", MASTER_STARTS_MAX);
		spans[kept++] = (struct span){all[i].start, place};
	}
	return kept;
}

/* ---- output
 * ------------------------------------------------------------------------------------------ */

static struct requirement requirements[MASTER_REQUIREMENTS_MAX];
static size_t n_requirements;

static size_t requirement_index(const struct requirement *need)
{
	for (size_t i = 0; i < n_requirements; i++)
		if (memcmp(&requirements[i], need, sizeof(*need)) == 0)
			return i;
	if (n_requirements == MASTER_REQUIREMENTS_MAX)
		die("more than %d distinct requirements", MASTER_REQUIREMENTS_MAX);
	requirements[n_requirements] = *need;
	return n_requirements++;
}

/* FNV-1a */
static void hash(uint64_t *h, const void *data, size_t size)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < size; i++)
		*h = (*h ^ p[i]) * UINT64_C(0x100000001b3);
}

static void write_tags(FILE *out, const char *arch, uint64_t *h)
{
	fprintf(out, "\nconst uint8_t master_%s_tags[] = {", arch);
	for (size_t tag = 0; tag < table_rows_count; tag++) {
		uint8_t index = (uint8_t)requirement_index(&table_rows[tag].need);

		fprintf(out, "%s%u,", tag % 16 ? " " : "\n\t", index);
		hash(h, &index, sizeof(index));
	}
	fprintf(out, "\n};\nconst size_t master_%s_n_tags = %zu;\n", arch, table_rows_count);
}

static void write_requirements(FILE *out, const char *arch, uint64_t *h)
{
	fprintf(out, "\nconst struct requirement master_%s_requirements[] = {\n", arch);
	for (size_t i = 0; i < n_requirements; i++)
		fprintf(out, "\t{0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64 ", %" PRIu64 "},\n",
			requirements[i].any, requirements[i].all, requirements[i].bounded,
			requirements[i].kind);
	fprintf(out, "};\nconst size_t master_%s_n_requirements = %zu;\n", arch, n_requirements);
	hash(h, requirements, n_requirements * sizeof(requirements[0]));
}

static void write_nodes(FILE *out, const char *arch, const struct master_node *nodes, size_t n,
			uint64_t *h)
{
	fprintf(out, "\nconst struct master_node master_%s_nodes[] = {\n", arch);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "\t{0x%08x, 0x%02x, %u, %u, %u},\n", nodes[i].k, nodes[i].code,
			nodes[i].next_true, nodes[i].next, nodes[i].without);
	fprintf(out, "};\nconst size_t master_%s_n_nodes = %zu;\n", arch, n);
	hash(h, nodes, n * sizeof(nodes[0]));
}

static void write_spans(FILE *out, const char *arch, const struct span *spans, size_t n,
			uint64_t *h)
{
	fprintf(out, "\nconst uint32_t master_%s_starts[] = {", arch);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s0x%x,", i % 8 ? " " : "\n\t", spans[i].start);
	fprintf(out, "\n};\nconst uint16_t master_%s_places[] = {", arch);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%u,", i % 12 ? " " : "\n\t", spans[i].place);
	fprintf(out, "\n};\nconst size_t master_%s_n_starts = %zu;\n", arch, n);
	for (size_t i = 0; i < n; i++) {
		hash(h, &spans[i].start, sizeof(spans[i].start));
		hash(h, &spans[i].place, sizeof(spans[i].place));
	}
}

/* The names by number, for messages: no part of the fingerprint. */
static void write_names(FILE *out, const struct arch *arch)
{
	static uint16_t at[NUMBERS_MAX];
	const char *last = "";
	size_t end = 1, count = 0;

	fprintf(out, "\nconst char master_%s_names[] = \"\\0\"", arch->name);
	for (size_t tag = 1; tag < table_rows_count; tag++) {
		const char *name = table_rows[tag].name;
		int nr = call_number(arch, name);

		if (nr < 0 || strcmp(name, last) == 0)
			continue;
		last = name;
		fprintf(out, "\n\t\"%s\\0\"", name);
		at[nr] = (uint16_t)end;
		end += strlen(name) + 1;
		if ((size_t)nr >= count)
			count = (size_t)nr + 1;
	}
	if (end > UINT16_MAX)
		die("the names need %zu bytes", end);
	fprintf(out, ";\n\nconst uint16_t master_%s_name_at[] = {", arch->name);
	for (size_t nr = 0; nr < count; nr++)
		fprintf(out, "%s%u,", nr % 12 ? " " : "\n\t", at[nr]);
	fprintf(out, "\n};\nconst size_t master_%s_n_name_at = %zu;\n", arch->name, count);
}

static bool is_word(const char *shape)
{
	return shape && shape[0] >= 'A' && shape[0] <= 'Z' &&
	       shape[strspn(shape, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == '\0';
}

/* The rows that name one value of one argument. */
static void write_words(FILE *out, const struct arch *arch)
{
	size_t count = 0;

	fprintf(out, "\nconst struct master_word master_%s_words[] = {\n", arch->name);
	for (size_t tag = 1; tag < table_rows_count; tag++) {
		const struct row *row = &table_rows[tag];
		const struct match *last = &row->match[row->n_matches ? row->n_matches - 1 : 0];
		int nr = call_number(arch, row->name);

		if (nr < 0 || !is_word(row->shape) || row->n_matches == 0 || row->n_matches > 2 ||
		    (uint32_t)last->mask != UINT32_MAX)
			continue;
		if (strlen(row->shape) >= sizeof(((struct master_word *)0)->name))
			die("%s: too long a word", row->shape);
		fprintf(out, "\t{0x%08x, 0x%x, %d, %u, \"%s\"},\n", (uint32_t)last->value,
			row->n_matches == 2 ? (uint32_t)row->match[0].value : 0, nr, last->arg,
			row->shape);
		count++;
	}
	fprintf(out, "};\nconst size_t master_%s_n_words = %zu;\n", arch->name, count);
}

int main(int argc, char **argv)
{
	static struct master_node nodes[MASTER_NODES_MAX];
	static struct span spans[MASTER_STARTS_MAX];
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	const struct arch *arch = NULL;
	size_t n, n_spans;
	FILE *out;

	for (size_t i = 0; argc == 3 && i < ARRAY_SIZE(arches); i++)
		if (strcmp(arches[i].name, argv[1]) == 0)
			arch = &arches[i];
	if (!arch)
		die("usage: gen-master x86_64|aarch64 OUT.c");
	n = make_nodes(arch, nodes);
	n_spans = find_spans(arch, nodes, n, spans);
	out = fopen(argv[2], "w");
	if (!out)
		die("%s: %s", argv[2], strerror(errno));
	fprintf(out,
		"/* Made by gen-master from table.c: do not edit. */\n#include \"master.h\"\n");
	write_nodes(out, arch->name, nodes, n, &h);
	write_tags(out, arch->name, &h);
	write_requirements(out, arch->name, &h);
	write_spans(out, arch->name, spans, n_spans, &h);
	write_names(out, arch);
	write_words(out, arch);
	fprintf(out, "\nconst uint64_t master_%s_fingerprint = 0x%016" PRIx64 ";\n", arch->name, h);
	if (ferror(out) | fclose(out)) {
		(void)remove(argv[2]); /* half a file must not look made */
		die("%s: cannot write", argv[2]);
	}
	return 0;
}
