/* SPDX-License-Identifier: MIT */
/* As much of ELF as tells who loads a file and from where. Reads untrusted bytes: every offset is
 * checked. */
#pragma once

#include <limits.h>

#include "../shim/arena.h"
#include "../shim/err.h"

/* DT_NEEDED entries of one file, and bytes of their names: many times what real programs have. */
#define ELF_NEEDED_MAX	 512
#define ELF_NEEDED_BYTES (32 * 1024)

struct elf_info {
	bool same_class;	/* 64-bit, our byte order */
	bool same_machine;	/* EM_X86_64 or EM_AARCH64, as we are */
	bool is_shared;		/* ET_DYN */
	bool is_library;	/* ET_DYN with a dynamic section, and no program (DF_1_PIE) */
	char interp[PATH_MAX];	/* "" when there is no PT_INTERP */
	char rpath[PATH_MAX];	/* DT_RPATH, "" when none */
	char runpath[PATH_MAX]; /* DT_RUNPATH */
	bool complete;		/* every loadable segment lies within the file: not truncated */
};

/* Read the headers of the ELF file open at @fd. Returns 0; -ENOEXEC when it is no ELF file or its
 * headers lie outside it; -EIO and the like. same_class false: the other fields but same_machine
 * are not filled in. */
must_check int elf_read(int fd, struct elf_info *ret, struct sbx_err *err) nonnull(2, 3);

/* The same, and the names of the libraries that it needs (DT_NEEDED) as they stand there:
 * *@ret_needed is NULL-terminated, arena memory. Also -ENOMEM; -E2BIG: more than the above. */
must_check int elf_read_needed(int fd, struct arena *arena, struct elf_info *ret,
			       const char ***ret_needed, struct sbx_err *err) nonnull(2, 3, 4, 5);
