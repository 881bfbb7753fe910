/* SPDX-License-Identifier: MIT */
/* FNV-1a, 64 bits, for tables of names. */
#pragma once

#include "../shim/util.h"

static inline uint64_t hash_bytes(const char *bytes, size_t size)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
	return hash;
}
