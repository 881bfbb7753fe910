/* SPDX-License-Identifier: MIT */
/* Rules → BPF, through libseccomp (libseccomp.h), to stand before another program. */
#pragma once

#include "filter.h"
#include "rule.h"

/* Turn @rules into instructions that return @returns[i] (SECCOMP_RET_…, whole) where rule i
 * decides, as rule_find() has it, and go on behind their end for all other calls and for those of
 * another architecture. So they are no program yet: see rule_prepend(). *ret is empty when there
 * are no rules, and libseccomp is not touched then. Needs descriptors and memory: before any
 * sandbox. Returns 0; -E2BIG when it takes more than FILTER_MAX instructions or
 * RULE_ALTERNATIVES_MAX; -EOPNOTSUPP without a libseccomp; -EINVAL when libseccomp made something
 * that we do not understand; -ENOMEM. On failure *ret is unspecified. */
must_check int rule_compile(const struct rule *rules, size_t n, const uint32_t *returns,
			    struct filter *ret, struct sbx_err *err) nonnull(4, 5);

/* Put the instructions of rule_compile() before a program. Returns 0 or -E2BIG, then @filter is as
 * it was. */
must_check int rule_prepend(const struct filter *rules, struct filter *filter, struct sbx_err *err)
	nonnull(1, 2, 3);
