/* SPDX-License-Identifier: MIT */
/* libseccomp, reached so that nobody pays for it who has no rules. There are two ways, chosen when
 * linking: the shim loads it with dlopen(3) (libseccomp_load.c), and the launcher, which is static
 * and has no loader, holds it (launcher/libseccomp_linked.c). */
#pragma once

#include <seccomp.h>

#include "err.h"
#include "util.h"

struct libseccomp {
	void *handle; /* of dlopen(3); NULL: linked */
	__typeof__(seccomp_init) *init;
	__typeof__(seccomp_release) *release;
	__typeof__(seccomp_attr_set) *attr_set;
	__typeof__(seccomp_rule_add_exact_array) *rule_add_exact_array;
	__typeof__(seccomp_export_bpf) *export_bpf;
	/* NULL before 2.6.0. As seccomp_export_bpf_mem(3): *len is the room, then what is needed.
	 */
	int (*export_bpf_mem)(const scmp_filter_ctx ctx, void *buf, size_t *len);
};

/* Returns 0, or -EOPNOTSUPP naming the package. */
must_check int libseccomp_open(struct libseccomp *ret, struct sbx_err *err) nonnull(1, 2);
void libseccomp_close(struct libseccomp *lib) nonnull(1);
