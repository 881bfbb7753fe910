/* SPDX-License-Identifier: MIT */
/* Patching the master filter.
 *
 * It is made on the machine that builds, by the Makefile's GENERATOR: gen-master.c, linked with
 * table, promise, spell, err and -lseccomp, and run once for each architecture:
 *
 *   gen-master x86_64 master-x86_64.c
 *
 * The result (compiled with -Ishim) is linked wherever this file is. table.c is not: the shim has
 * no use for names and reasons, nor for the relocations that they bring.
 *
 * Filtering costs time twice: the kernel walks the program once for every system call number when
 * it is loaded, and later each call whose verdict is not known from its number alone pays for the
 * instructions that it passes. So what a policy does not need is taken out: jumps that lead to the
 * same verdict either way, tests that tell apart what ends the same, loads that nobody looks at.
 * And the tree that finds the number is made anew, from the spans of numbers that come to the same,
 * which are fewer than there are numbers. All of it in linear time, from the end of the program to
 * its start, since classic BPF jumps forward only. */
#include "filter.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include <linux/seccomp.h>

#include "master.h"

/* linux/seccomp.h of 5.19, which Debian 12's lacks. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/* What calls can come to. As a place to go to, a verdict is VERDICT_BASE + its number; below it are
 * node indexes. */
enum verdict {
	VERDICT_ALLOW,
	VERDICT_NOTIFY, /* permitted, but watched; or denied, where a supervisor decides */
	VERDICT_DENY,
	VERDICT_NOSYS,
	VERDICT_KILL,
	VERDICT_COUNT,
};
#define VERDICT_BASE 0xfff0u
#define NODE_FIRST   3 /* what is before it finds the number: master.h */

_Static_assert(MASTER_NODES_MAX < VERDICT_BASE, "node indexes and verdicts must not meet");

/* Numbers from @start on lead to @go. */
struct span {
	uint32_t start;
	uint16_t go;
};

struct build {
	const struct master *master;
	const struct filter_request *request;
	struct filter *ret;
	uint8_t verdicts[MASTER_REQUIREMENTS_MAX]; /* of each requirement */
	uint16_t go[MASTER_NODES_MAX]; /* where control really arrives when it is sent to a node */
	uint16_t at[MASTER_NODES_MAX]; /* its place in ret->insns; 0: not needed */
	uint16_t verdict_at[VERDICT_COUNT]; /* the nearest RET of that kind; 0: none yet */
	struct span spans[MASTER_STARTS_MAX];
	size_t n_spans;
	unsigned first; /* the lowest used place in ret->insns, which fills from its end */
	bool full;
};

static bool is_verdict(unsigned place)
{
	return place >= VERDICT_BASE;
}

static bool is_jump(const struct master_node *node)
{
	return BPF_CLASS(node->code) == BPF_JMP;
}

static void decide(struct build *build)
{
	const struct filter_request *request = build->request;

	for (size_t i = 0; i < build->master->n_requirements; i++) {
		const struct requirement *need = &build->master->requirements[i];

		if (request->watch_bounded && filter_leaves_to_landlock(request, need))
			build->verdicts[i] = VERDICT_NOTIFY;
		else if (filter_permits(request, need) ||
			 (request->over && !filter_permits(request->over, need)))
			build->verdicts[i] = VERDICT_ALLOW;
		else if (filter_answers_nosys(request, need))
			build->verdicts[i] = VERDICT_NOSYS;
		else
			build->verdicts[i] = request->supervised ? VERDICT_NOTIFY : VERDICT_DENY;
	}
}

static unsigned verdict_of(const struct build *build, const struct master_node *node)
{
	unsigned tag = node->k & SECCOMP_RET_DATA;
	unsigned verdict;

	if ((node->k & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO)
		return VERDICT_BASE + VERDICT_KILL;
	verdict = build->verdicts[build->master->tags[tag]];
	if (verdict == VERDICT_ALLOW && build->request->watched && build->request->watched[tag])
		verdict = VERDICT_NOTIFY;
	return VERDICT_BASE + verdict;
}

/* Where a jump really leads. An equality test is not needed either when its value comes to the same
 * without it: no other value is concerned. */
static unsigned resolve_jump(const struct build *build, unsigned i)
{
	const struct master_node *node = &build->master->nodes[i];
	unsigned yes = build->go[node->next_true];
	unsigned no = build->go[node->next];

	if (yes == no || (node->without && yes == build->go[node->without]))
		return no;
	return i;
}

static void resolve(struct build *build)
{
	for (unsigned i = (unsigned)build->master->n_nodes; i-- > NODE_FIRST;) {
		const struct master_node *node = &build->master->nodes[i];
		unsigned go = i;

		if (BPF_CLASS(node->code) == BPF_RET) {
			go = verdict_of(build, node);
		} else if (is_jump(node)) {
			go = resolve_jump(build, i);
		} else {
			/* A load or some arithmetic. Nobody looks at the result before the end or
			 * the next load. */
			unsigned next = build->go[node->next];

			if (is_verdict(next) ||
			    BPF_CLASS(build->master->nodes[next].code) == BPF_LD)
				go = next;
		}
		build->go[i] = (uint16_t)go;
	}
}

static void need_place(struct build *build, unsigned place)
{
	if (!is_verdict(place))
		build->at[place] = 1;
}

static void find_spans(struct build *build)
{
	const struct master *master = build->master;

	for (size_t i = 0; i < master->n_starts; i++) {
		uint16_t go = build->go[master->places[i]];

		if (!build->n_spans || build->spans[build->n_spans - 1].go != go)
			build->spans[build->n_spans++] = (struct span){master->starts[i], go};
	}
}

/* Mark what can be reached; at[] gets the real place later, from the end. */
static void mark(struct build *build)
{
	const struct master_node *nodes = build->master->nodes;

	memset(build->at, 0, sizeof(build->at));
	for (size_t i = 0; i < build->n_spans; i++)
		need_place(build, build->spans[i].go);
	for (size_t i = NODE_FIRST; i < build->master->n_nodes; i++) {
		if (!build->at[i])
			continue;
		need_place(build, build->go[nodes[i].next]);
		if (is_jump(&nodes[i]))
			need_place(build, build->go[nodes[i].next_true]);
	}
}

static unsigned emit(struct build *build, unsigned code, unsigned jt, unsigned jf, uint32_t k)
{
	if (build->first == 0) {
		build->full = true;
		return 0;
	}
	build->first--;
	build->ret->insns[build->first] = (struct sock_filter){
		.code = (uint16_t)code, .jt = (uint8_t)jt, .jf = (uint8_t)jf, .k = k};
	return build->first;
}

static uint32_t verdict_action(const struct build *build, unsigned verdict)
{
	const struct filter_request *request = build->request;

	switch (verdict) {
	case VERDICT_ALLOW:
		return SECCOMP_RET_ALLOW;
	case VERDICT_NOTIFY:
		return SECCOMP_RET_USER_NOTIF;
	case VERDICT_NOSYS:
		return SECCOMP_RET_ERRNO | ENOSYS;
	case VERDICT_DENY:
		if (request->on_violation != VIOLATION_KILL || (request->promises & P(ERROR)))
			return SECCOMP_RET_ERRNO | EPERM;
		return SECCOMP_RET_KILL_PROCESS;
	default:
		return SECCOMP_RET_KILL_PROCESS;
	}
}

/* An instruction that leads to @place and lies at most @reach instructions behind the one that is
 * emitted next. Where the place itself is too far for a jump of 8 bits there will be a RET, or a
 * JA, on the way. */
static unsigned near(struct build *build, unsigned place, unsigned reach)
{
	uint16_t *at = &build->verdict_at[0];
	unsigned found;

	if (is_verdict(place))
		at += place - VERDICT_BASE;
	else
		/* cppcheck-suppress arrayIndexOutOfBounds ; it tries a verdict here */
		at = &build->at[place];
	found = *at;

	if (found && found - build->first <= reach)
		return found;
	if (is_verdict(place)) {
		found = emit(build, BPF_RET | BPF_K, 0, 0,
			     verdict_action(build, place - VERDICT_BASE));
		*at = (uint16_t)found;
		return found;
	}
	return emit(build, BPF_JMP | BPF_JA, 0, 0, found - build->first);
}

static void emit_jump(struct build *build, const struct master_node *node)
{
	uint32_t k = node->k;
	unsigned yes, no;

	if (node->code == (BPF_JMP | BPF_JEQ | BPF_K) && k == MATCH_SELF)
		k = (uint32_t)build->request->self;
	/* One less than 255: what the other branch may need could come in between. */
	yes = near(build, build->go[node->next_true], 254);
	no = near(build, build->go[node->next], 254);
	(void)emit(build, node->code, yes - build->first, no - build->first, k);
}

/* The tests that find the span of a number among [low, high): returns where it begins, which may be
 * an instruction that is there already. */
static unsigned emit_tree(struct build *build, size_t low, size_t high)
{
	size_t middle = low + (high - low) / 2;
	unsigned yes, no;

	if (high - low == 1)
		return near(build, build->spans[low].go, 254);
	yes = emit_tree(build, middle, high);
	no = emit_tree(build, low, middle);
	/* As far as a jump can reach; what is emitted here comes in between. */
	if (yes - build->first > 254)
		yes = emit(build, BPF_JMP | BPF_JA, 0, 0, yes - build->first);
	return emit(build, BPF_JMP | BPF_JGE | BPF_K, yes - build->first, no - build->first,
		    build->spans[middle].start);
}

/* Another architecture's call is not looked at; then the number decides. */
static void emit_head(struct build *build)
{
	const struct master_node *nodes = build->master->nodes;
	unsigned tree, foreign;

	tree = emit_tree(build, 0, build->n_spans);
	if (tree != build->first)
		(void)emit(build, BPF_JMP | BPF_JA, 0, 0, tree - build->first);
	tree = emit(build, nodes[2].code, 0, 0, nodes[2].k);
	foreign = near(build, VERDICT_BASE + VERDICT_KILL, 253);
	if (tree != build->first)
		(void)emit(build, BPF_JMP | BPF_JA, 0, 0, tree - build->first);
	(void)emit(build, nodes[1].code, 0, foreign - build->first, nodes[1].k);
	(void)emit(build, nodes[0].code, 0, 0, nodes[0].k);
}

static void emit_all(struct build *build)
{
	const struct master_node *nodes = build->master->nodes;

	build->first = FILTER_MAX;
	for (size_t i = build->master->n_nodes; i-- > NODE_FIRST && !build->full;) {
		if (!build->at[i])
			continue;
		if (is_jump(&nodes[i])) {
			emit_jump(build, &nodes[i]);
		} else {
			(void)near(build, build->go[nodes[i].next], 0);
			(void)emit(build, nodes[i].code, 0, 0, nodes[i].k);
		}
		build->at[i] = (uint16_t)build->first;
	}
	emit_head(build);
}

int filter_build_from(const struct master *master, const struct filter_request *request,
		      struct filter *ret, struct sbx_err *err)
{
	struct build build = {.master = master, .request = request, .ret = ret};

	if (request->promises >> PROMISE_COUNT)
		return err_set(err, -EINVAL, "a promise that this build does not know: 0x%llx",
			       (unsigned long long)request->promises);
	decide(&build);
	resolve(&build);
	find_spans(&build);
	mark(&build);
	emit_all(&build);
	if (build.full)
		return err_set(err, -E2BIG, "the filter has more than %d instructions", FILTER_MAX);
	ret->len = (unsigned short)(FILTER_MAX - build.first);
	memmove(ret->insns, ret->insns + build.first, ret->len * sizeof(ret->insns[0]));
	return 0;
}

int filter_build(const struct filter_request *request, struct filter *ret, struct sbx_err *err)
{
	const struct master master = MASTER_HERE;

	return filter_build_from(&master, request, ret, err);
}

/* The word at @offset of a struct seccomp_data with these members. */
static uint32_t load(uint32_t offset, int nr, uint32_t arch, const uint64_t args[6])
{
	const uint32_t first = offsetof(struct seccomp_data, args);
	uint64_t arg;

	if (offset == offsetof(struct seccomp_data, nr))
		return (uint32_t)nr;
	if (offset == offsetof(struct seccomp_data, arch))
		return arch;
	if (offset < first || offset >= sizeof(struct seccomp_data))
		return 0; /* the master does not look at the instruction pointer */
	arg = args[(offset - first) / sizeof(arg)];
	return (uint32_t)((offset - first) % sizeof(arg) ? arg >> 32 : arg); /* little-endian */
}

static bool test(const struct master_node *node, uint32_t a, int self)
{
	switch (BPF_OP(node->code)) {
	case BPF_JEQ:
		return a == (node->k == MATCH_SELF ? (uint32_t)self : node->k);
	case BPF_JGE:
		return a >= node->k;
	default: /* gen-master knows no other test than BPF_JGT */
		return a > node->k;
	}
}

uint16_t filter_find_row_from(const struct master *master, int nr, uint32_t arch,
			      const uint64_t args[6], int self)
{
	const struct master_node *node = master->nodes;
	uint32_t a = 0;

	for (;;) {
		switch (BPF_CLASS(node->code)) {
		case BPF_LD:
			a = load(node->k, nr, arch, args);
			break;
		case BPF_ALU:
			a &= node->k;
			break;
		case BPF_JMP:
			if (!test(node, a, self))
				break;
			node = &master->nodes[node->next_true];
			continue;
		default: /* BPF_RET */
			if ((node->k & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO)
				return TAG_FOREIGN;
			return (uint16_t)(node->k & SECCOMP_RET_DATA);
		}
		node = &master->nodes[node->next];
	}
}

uint16_t filter_find_row(int nr, uint32_t arch, const uint64_t args[6], int self)
{
	const struct master master = MASTER_HERE;

	return filter_find_row_from(&master, nr, arch, args, self);
}

/* The kernel copies the program and does not write to it; its struct just lacks the const. */
static struct sock_fprog program_of(const struct filter *filter)
{
	return (struct sock_fprog){
		.len = filter->len,
		.filter = (struct sock_filter *)(uintptr_t)filter->insns,
	};
}

int filter_install(const struct filter *filter, struct sbx_err *err)
{
	struct sock_fprog prog = program_of(filter);

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0)
		return 0;
	/* seccomp(2): EINVAL also when CONFIG_SECCOMP_FILTER is missing; our programs are valid. */
	if (errno == ENOSYS || errno == EINVAL)
		return err_set(err, -EOPNOTSUPP,
			       "this kernel has no seccomp filters (CONFIG_SECCOMP_FILTER): %m");
	return err_set(err, -errno, "cannot install the seccomp filter: %m");
}

static int listen_failed(struct sbx_err *err)
{
	switch (errno) {
	case EBUSY:
		return err_set(err, -EBUSY,
			       "another supervisor watches this process already, and the kernel "
			       "has room for one: run without --explain");
	case ENOSYS:
	case EPERM:
		return err_set(err, -EOPNOTSUPP,
			       "a sandbox around this process permits no supervisor in it: run "
			       "without --explain");
	case EINVAL:
		return err_set(err, -EOPNOTSUPP,
			       "this kernel cannot tell a supervisor about calls (Linux 5.5)");
	default:
		return err_set(err, -errno, "cannot install the seccomp filter: %m");
	}
}

int filter_install_listener(const struct filter *filter, bool kill, int *ret_listener,
			    struct sbx_err *err)
{
	struct sock_fprog prog = program_of(filter);
	unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	/* Signals wait for the answer instead of having the call made again (5.19); but one that is
	 * to kill must be taken by the thread that waits. */
	unsigned long more = kill ? 0 : SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags | more, &prog);

	if (fd < 0 && errno == EINVAL && more)
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
	if (fd < 0)
		return listen_failed(err);
	*ret_listener = (int)fd;
	return 0;
}

uint64_t filter_fingerprint(void)
{
	return MASTER_HERE.fingerprint;
}
