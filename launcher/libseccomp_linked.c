/* SPDX-License-Identifier: MIT */
/* The launcher is static: a dlopen(3) in it would work only with the very libc that it was linked
 * with. What is in the file and not used costs nothing. */
#include "../shim/libseccomp.h"

int libseccomp_open(struct libseccomp *ret, struct sbx_err *err)
{
	(void)err; /* it is there */
	*ret = (struct libseccomp)
	{
		.init = seccomp_init, .release = seccomp_release, .attr_set = seccomp_attr_set,
		.rule_add_exact_array = seccomp_rule_add_exact_array,
		.export_bpf = seccomp_export_bpf,
#if SCMP_VER_MAJOR > 2 || (SCMP_VER_MAJOR == 2 && SCMP_VER_MINOR >= 6)
		.export_bpf_mem = seccomp_export_bpf_mem,
#endif
	};
	return 0;
}

void libseccomp_close(struct libseccomp *lib)
{
	(void)lib; /* it stays */
}
