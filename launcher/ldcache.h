/* SPDX-License-Identifier: MIT */
/* /etc/ld.so.cache, which says where ldconfig(8) found which library. In the format that glibc
 * writes since 2.32 (and reads since 2.2); any other counts as empty. */
#pragma once

#include "../shim/util.h"

struct ldcache {
	const char *bytes; /* owned when mapped */
	size_t size;
	const struct ldcache_entry *entries; /* within bytes */
	size_t count;
	bool mapped;
};

/* Map the cache at @path. A file that is missing or makes no sense gives an empty cache: the loader
 * will do without it, too. */
void ldcache_open(const char *path, struct ldcache *ret) nonnull(1, 2);

/* The same for @size bytes, borrowed and aligned to 8, which may hold anything. */
void ldcache_parse(const void *bytes, size_t size, struct ldcache *ret) nonnull(1, 3);
void ldcache_done(struct ldcache *cache);

/* The @nth path (from 0) that is there for the library @name on this machine; NULL when there are
 * no more. Several are for several processors. */
const char *ldcache_find(const struct ldcache *cache, const char *name, size_t nth) nonnull(1, 2);
