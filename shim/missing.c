/* SPDX-License-Identifier: MIT */
#include "missing.h"

/* Where several would do. Paths by the access that they are named after; a socket that is open by
 * what passes over it, then by family; a program's own code (prot_exec) before other programs
 * (exec). */
static const uint8_t order[] = {
	PROMISE_STDIO,	PROMISE_RPATH, PROMISE_WPATH, PROMISE_CPATH,	 PROMISE_TMPPATH,
	PROMISE_DPATH,	PROMISE_FATTR, PROMISE_CHOWN, PROMISE_FLOCK,	 PROMISE_RECVFD,
	PROMISE_SENDFD, PROMISE_UNIX,  PROMISE_INET,  PROMISE_NETLINK,	 PROMISE_MCAST,
	PROMISE_DNS,	PROMISE_GETPW, PROMISE_TTY,   PROMISE_PROT_EXEC, PROMISE_PROC,
	PROMISE_EXEC,	PROMISE_ID,    PROMISE_PS,    PROMISE_VMINFO,	 PROMISE_SETTIME,
	PROMISE_AUDIO,	PROMISE_VIDEO, PROMISE_DRM,
};

static uint64_t first_of(uint64_t set)
{
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (set & (UINT64_C(1) << order[i]))
			return UINT64_C(1) << order[i];
	return 0;
}

uint64_t missing_promises(const struct requirement *need, uint64_t promises, bool bounded,
			  uint64_t prefer)
{
	uint64_t all = need->all & ~promises;
	uint64_t single = need->any | (bounded ? need->bounded : 0);

	if (!requirement_by_promise(need) || requirement_met(need, promises, bounded))
		return 0;
	if (__builtin_popcountll(all) == 1)
		single |= all;
	if (!single)
		return all;
	return first_of(single & prefer ? single & prefer : single);
}
