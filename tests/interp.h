/* SPDX-License-Identifier: MIT */
/* A small interpreter for seccomp programs: what the kernel would answer, without the kernel. */
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "../shim/util.h"

/* Would the kernel take @insns? The rules of bpf_check_classic() and seccomp_check_filter(), for
 * the instructions that interp_run() knows: jumps lead forward and stay inside, the last
 * instruction returns, loads are whole words of struct seccomp_data. On false *ret_index is the
 * offending instruction. */
bool interp_valid(const struct sock_filter *insns, size_t len, size_t *ret_index) nonnull(1, 3);

/* The action that a valid program returns for @data. *ret_steps (may be NULL): how many
 * instructions that took. */
uint32_t interp_run(const struct sock_filter *insns, const struct seccomp_data *data,
		    unsigned *ret_steps) nonnull(1, 2);
