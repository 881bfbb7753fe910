/* SPDX-License-Identifier: MIT */
#include "ldcache.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file's layout (sysdeps/generic/dl-cache.h of glibc, an ABI between its versions). Offsets
 * count from the start of the file. */
#define MAGIC "glibc-ld.so.cache1.1"

/* The machine in an entry's flags (sysdeps/generic/ldconfig.h). */
#define FLAG_MACHINE 0xff00
#if defined(__x86_64__)
#define OUR_FLAG 0x0300 /* FLAG_X8664_LIB64 */
#elif defined(__aarch64__)
#define OUR_FLAG 0x0a00 /* FLAG_AARCH64_LIB64 */
#endif

struct ldcache_head {
	char magic[sizeof(MAGIC) - 1];
	uint32_t count;
	uint32_t strings_len;
	uint32_t unused[5];
};

struct ldcache_entry {
	uint32_t flags;
	uint32_t name, path; /* offsets of strings */
	uint32_t os_version;
	uint64_t hwcap;
};

_Static_assert(sizeof(struct ldcache_head) == 48, "the file's head");
_Static_assert(sizeof(struct ldcache_entry) == 24, "the file's entries");

void ldcache_parse(const void *bytes, size_t size, struct ldcache *ret)
{
	const struct ldcache_head *head = bytes;

	*ret = (struct ldcache){.bytes = bytes, .size = size};
	if (size < sizeof(*head) || memcmp(head->magic, MAGIC, sizeof(head->magic)) != 0 ||
	    head->count > (size - sizeof(*head)) / sizeof(struct ldcache_entry))
		return;
	ret->entries = (const void *)(ret->bytes + sizeof(*head));
	ret->count = head->count;
}

void ldcache_open(const char *path, struct ldcache *ret)
{
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	void *bytes;

	*ret = (struct ldcache){0};
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0)
		return;
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return;
	ldcache_parse(bytes, (size_t)st.st_size, ret);
	ret->mapped = true;
}

void ldcache_done(struct ldcache *cache)
{
	if (!cache)
		return;
	if (cache->mapped)
		(void)munmap((void *)(uintptr_t)cache->bytes,
			     cache->size); /* our own mapping, whole: cannot fail */
	*cache = (struct ldcache){0};
}

/* The string at @offset; NULL when it lies outside or does not end. */
static const char *string_at(const struct ldcache *cache, uint32_t offset)
{
	if (offset >= cache->size || !memchr(cache->bytes + offset, '\0', cache->size - offset))
		return NULL;
	return cache->bytes + offset;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static unsigned read_number(const char **p)
{
	unsigned n = 0;

	for (; is_digit(**p); (*p)++)
		n = n * 10 + (unsigned)(**p - '0');
	return n;
}

/* The order of the entries, which descends: by bytes, but numbers by their value, and behind all
 * other characters. */
static int compare(const char *a, const char *b)
{
	while (*a) {
		if (is_digit(*a) && is_digit(*b)) {
			unsigned left = read_number(&a), right = read_number(&b);

			if (left != right)
				return left > right ? 1 : -1;
		} else if (is_digit(*a) != is_digit(*b)) {
			return is_digit(*a) ? 1 : -1;
		} else if (*a != *b) {
			return *a - *b;
		} else {
			a++;
			b++;
		}
	}
	return *a - *b;
}

/* The first entry that does not come before @name. */
static size_t find_first(const struct ldcache *cache, const char *name)
{
	size_t low = 0, high = cache->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *here = string_at(cache, cache->entries[middle].name);

		if (here && compare(here, name) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const char *ldcache_find(const struct ldcache *cache, const char *name, size_t nth)
{
	for (size_t i = find_first(cache, name); i < cache->count; i++) {
		const struct ldcache_entry *entry = &cache->entries[i];
		const char *here = string_at(cache, entry->name);

		if (!here || compare(here, name) != 0)
			return NULL;
		/* "lib01.so" and "lib1.so" compare equal. */
		if ((entry->flags & FLAG_MACHINE) == OUR_FLAG && strcmp(here, name) == 0 &&
		    nth-- == 0)
			return string_at(cache, entry->path);
	}
	return NULL;
}
