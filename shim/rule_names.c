/* SPDX-License-Identifier: MIT */
/* Constants and errors by name. The names are those that the decoder shows (decode_table.h) and
 * those of the table's rows, which gen-master makes words of (master.h). */
#include "rule_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "decode_table.h"
#include "master.h"
#include "spell.h"

#define WORDS_MAX 4096
#define ERRNO_MAX 133 /* EHWPOISON, the last */

/* What the tables have under another name only, or not at all. */
static const struct {
	char name[16];
	int32_t value;
} others[] = {
	{"NULL", 0},
	{"AT_FDCWD", AT_FDCWD},
	{"AF_LOCAL", AF_LOCAL},
	{"AF_ROUTE", AF_ROUTE},
	{"AF_FILE", AF_FILE},
	{"MAP_ANON", MAP_ANONYMOUS},
	{"MAP_FILE", 0},
	{"O_NDELAY", O_NDELAY},
	{"O_RSYNC", O_RSYNC},
	{"O_FSYNC", O_SYNC},
	{"SIGIOT", 6},
	{"SIGCLD", 17},
	{"SIGPOLL", 29},
};

static const struct {
	char name[12];
	uint8_t error;
} other_errors[] = {
	{"EWOULDBLOCK", EAGAIN},
	{"ENOTSUP", EOPNOTSUPP},
	{"EOPNOTSUPP", EOPNOTSUPP},
	{"EDEADLOCK", EDEADLK},
};

#define MEMBARRIER "MEMBARRIER_CMD_" /* which decode_constants leaves away */

/* Ours, which ends at its NUL, and the @len bytes of theirs. */
static bool is_name(const char *ours, const char *name, size_t len)
{
	return strncmp(ours, name, len) == 0 && !ours[len];
}

static uint64_t value_of(const struct decode_constant *constant, unsigned bits)
{
	/* These are negative numbers; the others are bits, or small. */
	if (constant->kind == K_KEY || constant->kind == K_RUSAGE)
		return (uint64_t)(int32_t)constant->value & rule_ones(bits);
	if (constant->kind == K_CLONE_HIGH)
		return (uint64_t)constant->value << 32;
	return constant->value;
}

bool rule_constant(const char *name, size_t len, unsigned bits, uint64_t *ret)
{
	const size_t prefix = strlen(MEMBARRIER);
	const struct master master = MASTER_HERE;
	bool barrier = len > prefix && strncmp(name, MEMBARRIER, prefix) == 0;

	for (size_t i = 0; i < decode_constants_count; i++) {
		const struct decode_constant *constant = &decode_constants[i];
		size_t skip = constant->kind == K_MEMBARRIER ? prefix : 0;

		if ((skip && !barrier) || !is_name(constant->name, name + skip, len - skip))
			continue;
		*ret = value_of(constant, bits);
		return true;
	}
	for (size_t i = 0; i < decode_ioctls_count; i++) {
		if (is_name(decode_ioctls[i].name, name, len)) {
			*ret = decode_ioctls[i].value;
			return true;
		}
	}
	for (size_t i = 0; i < master.n_words; i++) {
		if (is_name(master.words[i].name, name, len)) {
			*ret = master.words[i].value;
			return true;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (is_name(others[i].name, name, len)) {
			*ret = (uint64_t)others[i].value & rule_ones(bits);
			return true;
		}
	}
	return false;
}

const char *rule_constant_nearest(const char *name)
{
	const struct master master = MASTER_HERE;
	const char *words[WORDS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < decode_constants_count && count < WORDS_MAX; i++)
		if (decode_constants[i].kind != K_MEMBARRIER)
			words[count++] = decode_constants[i].name;
	for (size_t i = 0; i < decode_ioctls_count && count < WORDS_MAX; i++)
		words[count++] = decode_ioctls[i].name;
	for (size_t i = 0; i < master.n_words && count < WORDS_MAX; i++)
		words[count++] = master.words[i].name;
	for (size_t i = 0; i < ARRAY_SIZE(others) && count < WORDS_MAX; i++)
		words[count++] = others[i].name;
	return spell_nearest(name, words, count);
}

int rule_errno_number(const char *name)
{
	for (int error = 1; error <= ERRNO_MAX; error++) {
		const char *known = strerrorname_np(error);

		if (known && strcmp(known, name) == 0)
			return error;
	}
	for (size_t i = 0; i < ARRAY_SIZE(other_errors); i++)
		if (strcmp(other_errors[i].name, name) == 0)
			return other_errors[i].error;
	return 0;
}

const char *rule_errno_name(int error)
{
	return error > 0 && error <= ERRNO_MAX ? strerrorname_np(error) : NULL;
}

const char *rule_errno_nearest(const char *name)
{
	const char *words[ERRNO_MAX + ARRAY_SIZE(other_errors)];
	size_t count = 0;

	for (int error = 1; error <= ERRNO_MAX; error++)
		if (strerrorname_np(error))
			words[count++] = strerrorname_np(error);
	for (size_t i = 0; i < ARRAY_SIZE(other_errors); i++)
		words[count++] = other_errors[i].name;
	return spell_nearest(name, words, count);
}
