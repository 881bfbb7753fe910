/* SPDX-License-Identifier: MIT */
#include "elf.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OUR_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OUR_MACHINE EM_AARCH64
#else
#error "only x86-64 and aarch64"
#endif
#define OUR_DATA ELFDATA2LSB /* both are little endian here */

/* fs/binfmt_elf.c, load_elf_phdrs(): the kernel refuses larger tables. */
#define PHDR_MAX    (64 * 1024 / sizeof(Elf64_Phdr))
#define DYNAMIC_MAX 4096 /* entries that we look at */
#define NEAR_BLOCK  512	 /* longer than all names but some lists of directories */

/* An ELF file while it is read. Everything in it is a stranger's word. */
struct elf_file {
	int fd;
	uint64_t size;
	Elf64_Ehdr head;
	Elf64_Phdr segments[PHDR_MAX];
	size_t start_len;	   /* bytes of start[] that are there */
	unsigned char start[2048]; /* as a rule all headers and the loader's name: one read instead
				      of four */
	/* The strings of a file lie close together: two blocks of them at a time. */
	uint64_t near_at;
	size_t near_len;
	unsigned char near[2 * NEAR_BLOCK];
};

/* Exactly @len bytes at @offset. Returns 0, -ENOEXEC when the file ends before, or another -errno.
 */
static int read_exactly(const struct elf_file *file, uint64_t offset, void *buf, size_t len)
{
	char *p = buf;

	if (offset > file->size || len > file->size - offset)
		return -ENOEXEC;
	if (offset < file->start_len && len <= file->start_len - offset) {
		memcpy(buf, file->start + offset, len);
		return 0;
	}
	while (len) {
		ssize_t n = pread(file->fd, p, len, (off_t)offset);

		if (n == 0)
			return -ENOEXEC; /* it shrank meanwhile */
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* The same for strings, at most a block long. */
static int read_near(struct elf_file *file, uint64_t offset, void *buf, size_t len)
{
	uint64_t at = offset - offset % NEAR_BLOCK;
	size_t n = sizeof(file->near);
	int r;

	if (offset > file->size || len > file->size - offset)
		return -ENOEXEC;
	if (offset < file->near_at || offset - file->near_at > file->near_len ||
	    len > file->near_len - (offset - file->near_at)) {
		if (n > file->size - at)
			n = (size_t)(file->size - at);
		file->near_len = 0;
		r = read_exactly(file, at, file->near, n);
		if (r)
			return r;
		file->near_at = at;
		file->near_len = n;
	}
	memcpy(buf, file->near + (offset - file->near_at), len);
	return 0;
}

static bool is_magic(const unsigned char ident[EI_NIDENT])
{
	return memcmp(ident, ELFMAG, SELFMAG) == 0;
}

/* The file header, as far as it tells class and machine: these fields lie at the same place in both
 * classes. */
static int read_head(struct elf_file *file, struct elf_info *info, struct sbx_err *err)
{
	Elf32_Ehdr small; /* shorter than the 64-bit one, and the same up to e_version */
	int r = read_exactly(file, 0, &small, sizeof(small));

	if (r == -ENOEXEC || (!r && !is_magic(small.e_ident)))
		return err_set(err, -ENOEXEC, "no ELF file");
	if (r)
		return err_set(err, r, "cannot read its ELF header: %s", strerror(-r));
	if (small.e_ident[EI_DATA] != OUR_DATA)
		small.e_machine = __builtin_bswap16(small.e_machine);
	info->same_machine = small.e_machine == OUR_MACHINE;
	info->same_class =
		small.e_ident[EI_CLASS] == ELFCLASS64 && small.e_ident[EI_DATA] == OUR_DATA;
	if (!info->same_class)
		return 0;
	r = read_exactly(file, 0, &file->head, sizeof(file->head));
	if (r)
		return err_set(err, r, "cannot read its ELF header: %s", strerror(-r));
	if (file->head.e_type != ET_EXEC && file->head.e_type != ET_DYN)
		return err_set(err, -ENOEXEC, "an ELF file, but no program");
	info->is_shared = file->head.e_type == ET_DYN;
	return 0;
}

static int read_segments(struct elf_file *file, struct sbx_err *err)
{
	const Elf64_Ehdr *head = &file->head;
	size_t bytes = head->e_phnum * sizeof(Elf64_Phdr);
	int r;

	if (head->e_phentsize != sizeof(Elf64_Phdr) || !head->e_phnum || head->e_phnum > PHDR_MAX)
		return err_set(err, -ENOEXEC, "its ELF program headers make no sense");
	r = read_exactly(file, head->e_phoff, file->segments, bytes);
	if (r)
		return err_set(err, r, "its ELF program headers cannot be read: %s", strerror(-r));
	return 0;
}

/* The first segment of @type, NULL when there is none: the kernel also takes the first PT_INTERP.
 */
static const Elf64_Phdr *segment_find(const struct elf_file *file, uint32_t type)
{
	for (size_t i = 0; i < file->head.e_phnum; i++)
		if (file->segments[i].p_type == type)
			return &file->segments[i];
	return NULL;
}

static bool segments_complete(const struct elf_file *file)
{
	for (size_t i = 0; i < file->head.e_phnum; i++) {
		const Elf64_Phdr *segment = &file->segments[i];

		if (segment->p_type != PT_LOAD)
			continue;
		if (segment->p_offset > file->size ||
		    segment->p_filesz > file->size - segment->p_offset)
			return false;
	}
	return true;
}

static int read_interp(const struct elf_file *file, struct elf_info *info, struct sbx_err *err)
{
	const Elf64_Phdr *segment = segment_find(file, PT_INTERP);
	int r;

	if (!segment)
		return 0;
	/* The kernel's own bounds (load_elf_binary()): two bytes to PATH_MAX, the last of them NUL.
	 */
	if (segment->p_filesz < 2 || segment->p_filesz > sizeof(info->interp))
		return err_set(err, -ENOEXEC, "the name of its loader has an impossible length");
	r = read_exactly(file, segment->p_offset, info->interp, segment->p_filesz);
	if (r)
		return err_set(err, r, "the name of its loader cannot be read: %s", strerror(-r));
	if (info->interp[segment->p_filesz - 1] || !info->interp[0])
		return err_set(err, -ENOEXEC, "the name of its loader makes no sense");
	return 0;
}

/* Where the byte at @address of the running program lies in the file, and how many follow it there.
 */
static bool address_to_offset(const struct elf_file *file, uint64_t address, uint64_t *ret_offset,
			      uint64_t *ret_left)
{
	for (size_t i = 0; i < file->head.e_phnum; i++) {
		const Elf64_Phdr *segment = &file->segments[i];
		uint64_t into = address - segment->p_vaddr;

		if (segment->p_type != PT_LOAD || address < segment->p_vaddr ||
		    into >= segment->p_filesz)
			continue;
		if (__builtin_add_overflow(segment->p_offset, into, ret_offset))
			return false;
		*ret_left = segment->p_filesz - into;
		return true;
	}
	return false;
}

struct dynamic {
	uint64_t strtab, strsz;	 /* address and size of the string table */
	uint64_t rpath, runpath; /* offsets into it */
	bool has_rpath, has_runpath;
	uint64_t flags;	  /* DT_FLAGS_1 */
	uint64_t *needed; /* room for ELF_NEEDED_MAX; borrowed */
	size_t n_needed;  /* goes on counting when there are more */
};

static void note_entry(const Elf64_Dyn *entry, struct dynamic *ret)
{
	switch (entry->d_tag) {
	case DT_STRTAB:
		ret->strtab = entry->d_un.d_ptr;
		break;
	case DT_STRSZ:
		ret->strsz = entry->d_un.d_val;
		break;
	case DT_RPATH:
		ret->rpath = entry->d_un.d_val;
		ret->has_rpath = true;
		break;
	case DT_RUNPATH:
		ret->runpath = entry->d_un.d_val;
		ret->has_runpath = true;
		break;
	case DT_FLAGS_1:
		ret->flags = entry->d_un.d_val;
		break;
	case DT_NEEDED:
		if (ret->n_needed < ELF_NEEDED_MAX)
			ret->needed[ret->n_needed] = entry->d_un.d_val;
		ret->n_needed++;
		break;
	}
}

static int read_dynamic(const struct elf_file *file, const Elf64_Phdr *segment, struct dynamic *ret)
{
	uint64_t count = segment->p_filesz / sizeof(Elf64_Dyn);
	uint64_t offset = segment->p_offset;
	Elf64_Dyn entries[64]; /* real files have some thirty */

	if (offset > file->size)
		return -ENOEXEC; /* nor may the sum below wrap around */
	if (count > DYNAMIC_MAX)
		count = DYNAMIC_MAX;
	while (count) {
		size_t n = count < ARRAY_SIZE(entries) ? (size_t)count : ARRAY_SIZE(entries);
		int r = read_exactly(file, offset, entries, n * sizeof(entries[0]));

		if (r)
			return r;
		for (size_t i = 0; i < n; i++) {
			if (entries[i].d_tag == DT_NULL)
				return 0;
			note_entry(&entries[i], ret);
		}
		count -= n;
		offset += n * sizeof(entries[0]);
	}
	return 0;
}

/* The string at @at in the string table. One that lies outside or has no end counts as none: the
 * loader would not find it either, and nothing that keeps the program in depends on it. */
static int read_string(struct elf_file *file, const struct dynamic *dynamic, uint64_t at,
		       char ret[PATH_MAX])
{
	uint64_t offset, left;
	size_t len;
	int r;

	ret[0] = '\0';
	if (at >= dynamic->strsz || !address_to_offset(file, dynamic->strtab + at, &offset, &left))
		return 0;
	if (left > dynamic->strsz - at)
		left = dynamic->strsz - at;
	if (offset > file->size)
		return 0;
	if (left > file->size - offset)
		left = file->size - offset;
	len = left < PATH_MAX ? (size_t)left : PATH_MAX;
	r = read_near(file, offset, ret, len < NEAR_BLOCK ? len : NEAR_BLOCK);
	if (!r && len > NEAR_BLOCK && !memchr(ret, '\0', NEAR_BLOCK))
		r = read_exactly(file, offset, ret, len);
	else if (len > NEAR_BLOCK)
		len = NEAR_BLOCK;
	if (r || !memchr(ret, '\0', len))
		ret[0] = '\0';
	if (r == -ENOEXEC)
		return 0;
	return !r && len == PATH_MAX && !ret[0] ? -ENAMETOOLONG : r;
}

/* Where names of libraries go, when they are wanted. */
struct needed {
	struct arena *arena; /* borrowed */
	const char **names;  /* NULL-terminated */
};

static int read_needed(struct elf_file *file, const struct dynamic *dynamic, struct needed *needed,
		       struct sbx_err *err)
{
	char name[PATH_MAX];
	size_t n = 0, bytes = 0;

	if (dynamic->n_needed > ELF_NEEDED_MAX)
		return err_set(err, -E2BIG, "it needs more than %d libraries", ELF_NEEDED_MAX);
	needed->names =
		arena_alloc(needed->arena, (dynamic->n_needed + 1) * sizeof(*needed->names));
	if (!needed->names)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < dynamic->n_needed; i++) {
		int r = read_string(file, dynamic, dynamic->needed[i], name);

		if (r && r != -ENAMETOOLONG) /* no file has such a name: the loader will stop */
			return err_set(err, r,
				       "its libraries' names (DT_NEEDED) cannot be read: %s",
				       strerror(-r));
		if (r || !name[0])
			continue;
		bytes += strlen(name) + 1;
		if (bytes > ELF_NEEDED_BYTES)
			return err_set(err, -E2BIG,
				       "the names of its libraries take more than %d bytes",
				       ELF_NEEDED_BYTES);
		needed->names[n] = arena_strdup(needed->arena, name);
		if (!needed->names[n++])
			return err_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

static int read_libraries(struct elf_file *file, struct elf_info *info, struct needed *needed,
			  struct sbx_err *err)
{
	const Elf64_Phdr *segment = segment_find(file, PT_DYNAMIC);
	uint64_t names[ELF_NEEDED_MAX];
	struct dynamic dynamic = {.needed = names};
	int r = 0;

	if (segment)
		r = read_dynamic(file, segment, &dynamic);
	if (!r && dynamic.has_rpath)
		r = read_string(file, &dynamic, dynamic.rpath, info->rpath);
	if (!r && dynamic.has_runpath)
		r = read_string(file, &dynamic, dynamic.runpath, info->runpath);
	if (r)
		return err_set(err, r, "its library paths (DT_RUNPATH) cannot be read: %s",
			       strerror(-r));
	info->is_library = info->is_shared && segment && !(dynamic.flags & DF_1_PIE);
	return needed ? read_needed(file, &dynamic, needed, err) : 0;
}

static int read_file(struct elf_file *file, struct elf_info *info, struct needed *needed,
		     struct sbx_err *err)
{
	int r = read_head(file, info, err);

	if (r < 0 || !info->same_class)
		return r;
	r = read_segments(file, err);
	if (!r)
		r = read_interp(file, info, err);
	if (!r)
		r = read_libraries(file, info, needed, err);
	if (!r)
		info->complete = segments_complete(file);
	return r;
}

static int read_start(struct elf_file *file)
{
	size_t len = file->size < sizeof(file->start) ? (size_t)file->size : sizeof(file->start);
	int r = read_exactly(file, 0, file->start, len);

	if (!r)
		file->start_len = len;
	return r;
}

static int read_all(int fd, struct needed *needed, struct elf_info *ret, struct sbx_err *err)
{
	struct elf_file file; /* 60 KiB: not worth zeroing */
	struct elf_info info = {0};
	struct stat st;
	int r;

	file.fd = fd;
	file.start_len = 0;
	file.near_at = 0;
	file.near_len = 0;
	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "cannot look at it: %m");
	if (!S_ISREG(st.st_mode))
		return err_set(err, -ENOEXEC, "no regular file");
	file.size = (uint64_t)st.st_size;
	r = read_start(&file);
	if (r < 0)
		return err_set(err, r, "cannot read it: %s", strerror(-r));
	r = read_file(&file, &info, needed, err);
	if (r < 0)
		return r;
	*ret = info;
	return 0;
}

int elf_read(int fd, struct elf_info *ret, struct sbx_err *err)
{
	return read_all(fd, NULL, ret, err);
}

int elf_read_needed(int fd, struct arena *arena, struct elf_info *ret, const char ***ret_needed,
		    struct sbx_err *err)
{
	static const char *none[] = {NULL};
	struct needed needed = {.arena = arena, .names = none};
	int r = read_all(fd, &needed, ret, err);

	if (r < 0)
		return r;
	*ret_needed = needed.names;
	return 0;
}
