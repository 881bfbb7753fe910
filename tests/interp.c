/* SPDX-License-Identifier: MIT */
#include "interp.h"

#include <string.h>

static bool insn_valid(const struct sock_filter *insn, size_t rest)
{
	switch (insn->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		return insn->k % 4 == 0 && insn->k < sizeof(struct seccomp_data) && rest > 0;
	case BPF_ALU | BPF_AND | BPF_K:
		return rest > 0;
	case BPF_JMP | BPF_JA:
		return insn->k < rest;
	case BPF_JMP | BPF_JEQ | BPF_K:
	case BPF_JMP | BPF_JGE | BPF_K:
	case BPF_JMP | BPF_JGT | BPF_K:
	case BPF_JMP | BPF_JSET | BPF_K:
		return insn->jt < rest && insn->jf < rest;
	case BPF_RET | BPF_K:
		return true;
	default:
		return false;
	}
}

bool interp_valid(const struct sock_filter *insns, size_t len, size_t *ret_index)
{
	for (size_t i = 0; i < len; i++) {
		if (!insn_valid(&insns[i], len - i - 1)) {
			*ret_index = i;
			return false;
		}
	}
	*ret_index = 0;
	return len > 0 && len <= BPF_MAXINSNS;
}

static uint32_t load_word(const struct seccomp_data *data, uint32_t offset)
{
	uint32_t word;

	memcpy(&word, (const char *)data + offset, sizeof(word));
	return word;
}

uint32_t interp_run(const struct sock_filter *insns, const struct seccomp_data *data,
		    unsigned *ret_steps)
{
	const struct sock_filter *insn = insns;
	unsigned steps = 1;
	uint32_t a = 0;

	for (;; insn++, steps++) {
		switch (insn->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			a = load_word(data, insn->k);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= insn->k;
			break;
		case BPF_JMP | BPF_JA:
			insn += insn->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			insn += a == insn->k ? insn->jt : insn->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			insn += a >= insn->k ? insn->jt : insn->jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			insn += a > insn->k ? insn->jt : insn->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			insn += a & insn->k ? insn->jt : insn->jf;
			break;
		default: /* BPF_RET | BPF_K: the program is valid */
			if (ret_steps)
				*ret_steps = steps;
			return insn->k;
		}
	}
}
