/* SPDX-License-Identifier: MIT */
/* Pure: elf_read() over files made in memory. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../launcher/elf.h"
#include "fake_elf.h"

static int file_of(const void *bytes, size_t len)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	cr_assert(fd >= 0 && write(fd, bytes, len) == (ssize_t)len, "memfd: %m");
	return fd;
}

static int read_bytes(const void *bytes, size_t len, struct elf_info *info, struct sbx_err *err)
{
	int fd = file_of(bytes, len);
	int r = elf_read(fd, info, err);

	(void)close(fd);
	return r;
}

Test(elf, reads_what_is_there)
{
	static const struct {
		const char *name, *interp, *rpath, *runpath;
		uint16_t type;
	} rows[] = {
		{"dynamic", "/lib64/ld-linux-x86-64.so.2", NULL, NULL, ET_DYN},
		{"static", NULL, NULL, NULL, ET_EXEC},
		{"static-pie", NULL, NULL, NULL, ET_DYN},
		{"rpath", "/lib/ld.so", "/opt/a:$ORIGIN/b", NULL, ET_DYN},
		{"runpath", "/lib/ld.so", NULL, "/opt/c", ET_EXEC},
		{"both", "/lib/ld.so", "/opt/d", "/opt/e", ET_DYN},
		{"shared object", NULL, NULL, "/opt/f", ET_DYN},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fake_elf elf = fake_elf(rows[i].interp, rows[i].rpath, rows[i].runpath);
		struct elf_info info;
		struct sbx_err err = {0};

		elf.head.e_type = rows[i].type;
		memset(&info, 0xff, sizeof(info)); /* every field must be set */
		cr_expect_eq(read_bytes(&elf, sizeof(elf), &info, &err), 0, "%s: %s", rows[i].name,
			     err.msg);
		cr_expect(info.same_class && info.same_machine && info.complete, "%s",
			  rows[i].name);
		cr_expect_eq(info.is_shared, rows[i].type == ET_DYN, "%s", rows[i].name);
		cr_expect_str_eq(info.interp, rows[i].interp ? rows[i].interp : "", "%s",
				 rows[i].name);
		cr_expect_str_eq(info.rpath, rows[i].rpath ? rows[i].rpath : "", "%s",
				 rows[i].name);
		cr_expect_str_eq(info.runpath, rows[i].runpath ? rows[i].runpath : "", "%s",
				 rows[i].name);
	}
}

Test(elf, tells_other_machines)
{
	struct fake_elf elf = fake_elf("/lib/ld.so", NULL, NULL);
	Elf32_Ehdr small = fake_elf32(EM_386);
	struct elf_info info;
	struct sbx_err err;

	cr_expect_eq(read_bytes(&small, sizeof(small), &info, &err), 0, "i386: %s", err.msg);
	cr_expect(!info.same_class && !info.same_machine, "i386");
	small = fake_elf32(FAKE_MACHINE);
	cr_expect_eq(read_bytes(&small, sizeof(small), &info, &err), 0, "x32: %s", err.msg);
	cr_expect(!info.same_class && info.same_machine, "x32");
	elf.head.e_machine = FAKE_OTHER_MACHINE;
	cr_expect_eq(read_bytes(&elf, sizeof(elf), &info, &err), 0, "other machine: %s", err.msg);
	cr_expect(info.same_class && !info.same_machine, "other machine");
	elf.head.e_ident[EI_DATA] = ELFDATA2MSB;
	elf.head.e_machine = __builtin_bswap16(FAKE_MACHINE);
	cr_expect_eq(read_bytes(&elf, sizeof(elf), &info, &err), 0, "big endian: %s", err.msg);
	cr_expect(!info.same_class && info.same_machine, "big endian");
}

/* One field of a good file spoiled at a time. */
#define FIELD(member) offsetof(struct fake_elf, member), sizeof(((struct fake_elf *)0)->member)

struct spoiled {
	const char *name;
	size_t offset, size;
	uint64_t value;
	int result;
	const char *rpath; /* what is found when that is no error */
};

static const struct spoiled spoiled[] = {
	{"no magic", FIELD(head.e_ident[1]), 'e', -ENOEXEC, NULL},
	{"relocatable", FIELD(head.e_type), ET_REL, -ENOEXEC, NULL},
	{"core", FIELD(head.e_type), ET_CORE, -ENOEXEC, NULL},
	{"segments of odd size", FIELD(head.e_phentsize), 55, -ENOEXEC, NULL},
	{"no segments", FIELD(head.e_phnum), 0, -ENOEXEC, NULL},
	{"too many segments", FIELD(head.e_phnum), 0xffff, -ENOEXEC, NULL},
	{"segments outside", FIELD(head.e_phoff), sizeof(struct fake_elf) - 8, -ENOEXEC, NULL},
	{"segments far outside", FIELD(head.e_phoff), UINT64_MAX - 8, -ENOEXEC, NULL},
	{"loader outside", FIELD(segments[1].p_offset), 1 << 30, -ENOEXEC, NULL},
	{"loader wraps around", FIELD(segments[1].p_offset), UINT64_MAX, -ENOEXEC, NULL},
	{"loader too short", FIELD(segments[1].p_filesz), 1, -ENOEXEC, NULL},
	{"loader too long", FIELD(segments[1].p_filesz), PATH_MAX + 1, -ENOEXEC, NULL},
	{"loader without end", FIELD(segments[1].p_filesz), 5, -ENOEXEC, NULL},
	{"loader without name", FIELD(interp[0]), 0, -ENOEXEC, NULL},
	{"dynamic section outside", FIELD(segments[2].p_offset), 1 << 30, -ENOEXEC, NULL},
	{"dynamic section wraps around", FIELD(segments[2].p_offset), UINT64_MAX - 15, -ENOEXEC,
	 NULL},
	{"string table nowhere", FIELD(dynamic[0].d_un.d_ptr), 0x10, 0, ""},
	{"string table wraps around", FIELD(dynamic[0].d_un.d_ptr), UINT64_MAX, 0, ""},
	{"string table empty", FIELD(dynamic[1].d_un.d_val), 0, 0, ""},
	{"string cut by its table", FIELD(dynamic[1].d_un.d_val), 3, 0, ""},
	{"string outside", FIELD(dynamic[2].d_un.d_val), 1 << 20, 0, ""},
	{"list ends before", FIELD(dynamic[1].d_tag), DT_NULL, 0, ""},
	{"nothing spoiled", FIELD(head.e_version), EV_CURRENT, 0, "/opt/a"},
};

Test(elf, bounds)
{
	for (size_t i = 0; i < ARRAY_SIZE(spoiled); i++) {
		const struct spoiled *row = &spoiled[i];
		struct fake_elf elf = fake_elf("/lib/ld.so", "/opt/a", NULL);
		struct elf_info info;
		struct sbx_err err = {0};
		int r;

		memcpy((char *)&elf + row->offset, &row->value, row->size); /* little endian */
		memset(&info, 0x5a, sizeof(info));
		r = read_bytes(&elf, sizeof(elf), &info, &err);
		cr_expect_eq(r, row->result, "%s: %d, %s", row->name, r, err.msg);
		if (row->result < 0)
			cr_expect(err.msg[0] && ((unsigned char *)&info)[0] == 0x5a,
				  "%s: no message, or the output was touched", row->name);
		else
			cr_expect_str_eq(info.rpath, row->rpath, "%s", row->name);
	}
}

Test(elf, notices_truncation)
{
	struct fake_elf elf = fake_elf("/lib/ld.so", NULL, NULL);
	struct elf_info info;
	struct sbx_err err;

	cr_expect_eq(read_bytes(&elf, sizeof(elf) - 1, &info, &err), 0);
	cr_expect(!info.complete, "one byte short");
	elf.segments[0].p_offset = UINT64_MAX; /* must not wrap around into something small */
	cr_expect_eq(read_bytes(&elf, sizeof(elf), &info, &err), 0);
	cr_expect(!info.complete, "segment far outside");
}

/* A string that runs to the very end of the file, and one that is longer than any path. */
Test(elf, long_strings)
{
	static struct {
		struct fake_elf elf;
		char more[PATH_MAX + 16];
	} file;
	struct elf_info info;
	struct sbx_err err = {0};

	file.elf = fake_elf("/lib/ld.so", NULL, "/opt");
	file.elf.segments[0].p_filesz = sizeof(file);
	file.elf.dynamic[0].d_un.d_ptr = FAKE_ADDRESS + sizeof(file.elf);
	file.elf.dynamic[1].d_un.d_val = sizeof(file.more);
	file.elf.dynamic[2].d_un.d_val = 0;
	memset(file.more, 'x', sizeof(file.more));
	cr_expect_eq(read_bytes(&file, sizeof(file), &info, &err), -ENAMETOOLONG, "%s", err.msg);
	file.more[PATH_MAX - 1] = '\0';
	cr_expect_eq(read_bytes(&file, sizeof(file), &info, &err), 0, "%s", err.msg);
	cr_expect_eq(strlen(info.runpath), PATH_MAX - 1);
	file.elf.dynamic[2].d_un.d_val = PATH_MAX; /* no NUL before the end of the file */
	cr_expect_eq(read_bytes(&file, sizeof(file), &info, &err), 0, "%s", err.msg);
	cr_expect_str_eq(info.runpath, "");
}

/* ---- DT_NEEDED ---- */

static int read_needed(const void *bytes, size_t len, struct arena *arena, struct elf_info *info,
		       const char ***needed, struct sbx_err *err)
{
	int fd = file_of(bytes, len);
	int r = elf_read_needed(fd, arena, info, needed, err);

	(void)close(fd);
	return r;
}

Test(elf, needed_libraries)
{
	struct fake_elf elf = fake_elf(NULL, "", NULL);
	struct arena arena = {0};
	struct sbx_err err = {0};
	struct elf_info info;
	const char **needed;

	cr_assert_eq(read_needed(&elf, sizeof(elf), &arena, &info, &needed, &err), 0, "%s",
		     err.msg);
	cr_expect(!needed[0] && info.is_library);
	fake_elf_need(&elf, 0, "liba.so.1");
	fake_elf_need(&elf, 1, "/opt/$LIB/libb.so");
	fake_elf_entry(&elf, DT_NEEDED, 1 << 30); /* outside: left out */
	fake_elf_need(&elf, 2, "liba.so.1");
	cr_assert_eq(read_needed(&elf, sizeof(elf), &arena, &info, &needed, &err), 0, "%s",
		     err.msg);
	cr_expect_str_eq(needed[0], "liba.so.1");
	cr_expect_str_eq(needed[1], "/opt/$LIB/libb.so");
	cr_expect_str_eq(needed[2], "liba.so.1");
	cr_expect_null(needed[3]);
	fake_elf_entry(&elf, DT_FLAGS_1, DF_1_NOW | DF_1_PIE);
	cr_assert_eq(read_needed(&elf, sizeof(elf), &arena, &info, &needed, &err), 0);
	cr_expect(!info.is_library, "a program");
	elf = fake_elf(NULL, NULL, NULL);
	cr_assert_eq(read_needed(&elf, sizeof(elf), &arena, &info, &needed, &err), 0);
	cr_expect(!info.is_library && !needed[0], "no dynamic section");
	elf = fake_elf(NULL, "", NULL);
	elf.head.e_type = ET_EXEC;
	cr_assert_eq(read_needed(&elf, sizeof(elf), &arena, &info, &needed, &err), 0);
	cr_expect(!info.is_library, "not shared");
	arena_done(&arena);
}

/* As many as may be, one more, and names that overlap one another and are long together. */
Test(elf, too_many_needed)
{
	static struct {
		struct fake_elf elf;
		Elf64_Dyn dynamic[ELF_NEEDED_MAX + 4];
		char strings[FAKE_STRINGS];
	} file;
	const size_t first = 2;
	struct arena arena = {0};
	struct sbx_err err = {0};
	struct elf_info info;
	const char **needed;
	size_t n = 0;

	file.elf = fake_elf(NULL, "", NULL);
	file.elf.segments[0].p_filesz = sizeof(file);
	file.elf.segments[2].p_offset = sizeof(file.elf);
	file.elf.segments[2].p_filesz = sizeof(file.dynamic);
	file.dynamic[0] = (Elf64_Dyn){DT_STRTAB, {FAKE_ADDRESS + offsetof(typeof(file), strings)}};
	file.dynamic[1] = (Elf64_Dyn){DT_STRSZ, {sizeof(file.strings)}};
	for (size_t i = 0; i < ELF_NEEDED_MAX; i++)
		file.dynamic[first + i] = (Elf64_Dyn){DT_NEEDED, {sizeof(file.strings) - 32}};
	memset(file.strings, 'x', sizeof(file.strings) - 1);
	cr_expect_eq(read_needed(&file, sizeof(file), &arena, &info, &needed, &err), 0, "%s",
		     err.msg);
	while (needed[n])
		n++;
	cr_expect_eq(n, ELF_NEEDED_MAX);
	file.dynamic[first + ELF_NEEDED_MAX] = (Elf64_Dyn){DT_NEEDED, {1}};
	cr_expect_eq(read_needed(&file, sizeof(file), &arena, &info, &needed, &err), -E2BIG);
	cr_expect_str_eq(err.msg, "it needs more than 512 libraries");
	/* Who does not ask for the names need not care. */
	cr_expect_eq(read_bytes(&file, sizeof(file), &info, &err), 0, "%s", err.msg);
	file.dynamic[first + ELF_NEEDED_MAX] = (Elf64_Dyn){DT_NULL, {0}};
	for (size_t i = 0; i < ELF_NEEDED_MAX; i++)
		file.dynamic[first + i].d_un.d_val = i % 8;
	cr_expect_eq(read_needed(&file, sizeof(file), &arena, &info, &needed, &err), -E2BIG);
	cr_expect(strstr(err.msg, "more than 32768 bytes"), "%s", err.msg);
	arena_done(&arena);
}

Test(elf, odd_files)
{
	struct elf_info info;
	struct sbx_err err;
	int pipe_fds[2];

	cr_expect_eq(read_bytes("", 0, &info, &err), -ENOEXEC, "empty");
	cr_expect_eq(read_bytes("\177ELF", 4, &info, &err), -ENOEXEC, "magic only");
	cr_assert(pipe(pipe_fds) == 0);
	cr_expect_eq(elf_read(pipe_fds[0], &info, &err), -ENOEXEC, "pipe");
	cr_expect_eq(elf_read(-1, &info, &err), -EBADF, "no descriptor");
}

/* Garbage in every place: whatever it says, no read outside (ASan looks), and strings that end. */
Test(elf, survives_garbage)
{
	uint32_t random = 1;

	for (unsigned round = 0; round < 20000; round++) {
		struct fake_elf elf = fake_elf("/lib/ld.so", "/opt/a", "/opt/b");
		size_t len = sizeof(elf);
		struct arena arena = {0};
		struct elf_info info;
		struct sbx_err err;
		const char **needed;

		fake_elf_need(&elf, 0, "liba.so");
		fake_elf_need(&elf, 1, "libb.so");
		for (unsigned k = 0; k < 3; k++) {
			random = random * 1664525 + 1013904223; /* Numerical Recipes' generator */
			((unsigned char *)&elf)[(random >> 8) % offsetof(struct fake_elf, interp)] =
				(unsigned char)(random >> 24);
		}
		if (round % 4 == 0)
			len = (random >> 4) % sizeof(elf);
		if (read_needed(&elf, len, &arena, &info, &needed, &err) == 0 && info.same_class) {
			cr_assert(memchr(info.interp, 0, sizeof(info.interp)) &&
				  memchr(info.rpath, 0, sizeof(info.rpath)) &&
				  memchr(info.runpath, 0, sizeof(info.runpath)));
			for (; *needed; needed++)
				cr_assert(strlen(*needed) < PATH_MAX);
		}
		arena_done(&arena);
	}
}
