/* SPDX-License-Identifier: MIT */
/* As much of ELF as tells who loads a file and from where. Reads untrusted bytes: every offset is
 * checked. */
#pragma once

#include <limits.h>

#include "../shim/err.h"

struct elf_info {
	bool same_class;	/* 64-bit, our byte order */
	bool same_machine;	/* EM_X86_64 or EM_AARCH64, as we are */
	bool is_shared;		/* ET_DYN */
	char interp[PATH_MAX];	/* "" when there is no PT_INTERP */
	char rpath[PATH_MAX];	/* DT_RPATH, "" when none */
	char runpath[PATH_MAX]; /* DT_RUNPATH */
	bool complete;		/* every loadable segment lies within the file: not truncated */
};

/* Read the headers of the ELF file open at @fd. Returns 0; -ENOEXEC when it is no ELF file or its
 * headers lie outside it; -EIO and the like. same_class false: the other fields but same_machine
 * are not filled in. */
must_check int elf_read(int fd, struct elf_info *ret, struct sbx_err *err) nonnull(2, 3);
