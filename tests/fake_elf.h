/* SPDX-License-Identifier: MIT */
/* Small ELF files made by hand, so that tests need no other compiler, machine or libc. They load
 * nowhere. */
#pragma once

#include <elf.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#define FAKE_MACHINE	   EM_X86_64
#define FAKE_OTHER_MACHINE EM_AARCH64
#define FAKE_GLIBC_LOADER  "ld-linux-x86-64.so.2"
#else
#define FAKE_MACHINE	   EM_AARCH64
#define FAKE_OTHER_MACHINE EM_X86_64
#define FAKE_GLIBC_LOADER  "ld-linux-aarch64.so.1"
#endif

#define FAKE_ADDRESS 0x400000u /* where offset 0 would be loaded */
#define FAKE_STRINGS 256u
#define FAKE_NEEDED  6u /* DT_NEEDED entries that there is room for */

struct fake_elf {
	Elf64_Ehdr head;
	Elf64_Phdr segments[3]; /* PT_LOAD, PT_INTERP, PT_DYNAMIC; PT_NULL for one that is not
				   wanted */
	Elf64_Dyn dynamic[5 + FAKE_NEEDED];
	char interp[FAKE_STRINGS];
	char strings[(2 + FAKE_NEEDED) * FAKE_STRINGS];
};

/* Into zeroed memory of FAKE_STRINGS bytes (or one less, behind the empty string). */
static inline void fake_string(char *to, const char *from)
{
	for (size_t i = 0; from[i] && i < FAKE_STRINGS - 2; i++)
		to[i] = from[i];
}

/* A 64-bit program of this machine. NULL: it has no such thing. */
static inline struct fake_elf fake_elf(const char *interp, const char *rpath, const char *runpath)
{
	struct fake_elf elf = {
		.head =
			{
				.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
					    EV_CURRENT},
				.e_type = ET_DYN,
				.e_machine = FAKE_MACHINE,
				.e_version = EV_CURRENT,
				.e_phoff = offsetof(struct fake_elf, segments),
				.e_ehsize = sizeof(Elf64_Ehdr),
				.e_phentsize = sizeof(Elf64_Phdr),
				.e_phnum = 3,
			},
		.segments = {{
			.p_type = PT_LOAD,
			.p_vaddr = FAKE_ADDRESS,
			.p_filesz = sizeof(struct fake_elf),
			.p_memsz = sizeof(struct fake_elf),
		}},
	};
	size_t n = 0;

	if (interp) {
		fake_string(elf.interp, interp);
		elf.segments[1].p_type = PT_INTERP;
		elf.segments[1].p_offset = offsetof(struct fake_elf, interp);
		elf.segments[1].p_filesz = strlen(interp) + 1;
	}
	if (!rpath && !runpath)
		return elf;
	elf.segments[2].p_type = PT_DYNAMIC;
	elf.segments[2].p_offset = offsetof(struct fake_elf, dynamic);
	elf.segments[2].p_filesz = sizeof(elf.dynamic);
	elf.dynamic[n++] =
		(Elf64_Dyn){.d_tag = DT_STRTAB,
			    .d_un.d_ptr = FAKE_ADDRESS + offsetof(struct fake_elf, strings)};
	elf.dynamic[n++] = (Elf64_Dyn){.d_tag = DT_STRSZ, .d_un.d_val = sizeof(elf.strings)};
	if (rpath) {
		elf.dynamic[n++] = (Elf64_Dyn){.d_tag = DT_RPATH, .d_un.d_val = 1};
		fake_string(elf.strings + 1, rpath);
	}
	if (runpath) {
		elf.dynamic[n++] = (Elf64_Dyn){.d_tag = DT_RUNPATH, .d_un.d_val = FAKE_STRINGS};
		fake_string(elf.strings + FAKE_STRINGS, runpath);
	}
	return elf;
}

/* One more dynamic entry; there must be a dynamic section. */
static inline void fake_elf_entry(struct fake_elf *elf, int64_t tag, uint64_t value)
{
	size_t n = 0;

	while (elf->dynamic[n].d_tag != DT_NULL)
		n++;
	elf->dynamic[n] = (Elf64_Dyn){.d_tag = tag, .d_un.d_val = value};
}

/* The @nth library that it needs. */
static inline void fake_elf_need(struct fake_elf *elf, unsigned nth, const char *name)
{
	unsigned at = (2 + nth) * FAKE_STRINGS;

	fake_string(elf->strings + at, name);
	fake_elf_entry(elf, DT_NEEDED, at);
}

/* What an i386 (or, with EM_X86_64, an x32) program starts with. */
static inline Elf32_Ehdr fake_elf32(uint16_t machine)
{
	return (Elf32_Ehdr){
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = machine,
		.e_version = EV_CURRENT,
	};
}
