/* SPDX-License-Identifier: MIT */
#include "unveil_plan.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define TRUNCATION "truncation"

/* What the policy wants, whatever the kernel can do. */
struct wants {
	bool files;   /* unveil is on */
	bool execute; /* unveil is off, but the outer layer must still bound what execve starts */
	bool reading; /* … and what can be read before the shim takes start-up's rpath away */
	bool net, scopes;
};

static struct wants wants_of(const struct unveil_request *request)
{
	const struct policy *policy = request->policy;
	bool only_outer = !policy->unveil && request->want_outer;

	return (struct wants){
		.files = policy->unveil,
		.execute = only_outer && !(policy->promises & P(EXEC)),
		.reading = only_outer && !(policy->promises & P(RPATH)),
		.net = policy->port_kinds != 0,
		.scopes = !policy->scope_open,
	};
}

static void list_add(char *list, size_t size, const char *item)
{
	size_t used = strlen(list);

	(void)snprintf(list + used, size - used, "%s%s", used ? ", " : "", item);
}

/* List what @wants and an @abi lacks. Returns the ABI that has it all, 0 when nothing is lacking.
 */
static int list_lacking(const struct wants *wants, int abi, char *list, size_t size)
{
	const struct {
		int abi;
		bool wanted;
		const char *what;
	} features[] = {
		{1, wants->files, "paths"},
		{1, wants->execute, "which files may be executed"},
		{1, wants->reading, "what is read while the program starts"},
		/* Renames between directories came with ABI 2; before, the kernel refuses them all.
		 */
		{3, wants->files && abi > 0, TRUNCATION},
		{4, wants->net, "TCP ports"},
		{6, wants->scopes, "scopes (signals, abstract sockets)"},
	};
	int needed = 0;

	list[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		if (!features[i].wanted || abi >= features[i].abi)
			continue;
		list_add(list, size, features[i].what);
		needed = features[i].abi;
	}
	return needed;
}

static const char *why_absent(const struct landlock_caps *caps)
{
	if (caps->probe_errno == ENOSYS)
		return "it is not built in (CONFIG_SECURITY_LANDLOCK, Linux 5.13 or later)";
	if (caps->probe_errno == EOPNOTSUPP)
		return "it is not enabled at boot (add landlock to lsm= on the kernel's command "
		       "line)";
	return "asked for its version, the kernel answers with an unexpected error";
}

/* One sentence without an end: "this kernel's Landlock (ABI 2) cannot enforce truncation: Linux 6.2
 * brings it". */
static void say_lacking(const struct landlock_caps *caps, const char *list, int needed, char *buf,
			size_t size)
{
	if (caps->abi == 0)
		(void)snprintf(buf, size, "this kernel has no Landlock to enforce %s: %s", list,
			       why_absent(caps));
	else
		(void)snprintf(
			buf, size,
			"this kernel's Landlock (ABI %d) cannot enforce %s: Linux %s brings %s",
			caps->abi, list, landlock_abi_kernel(needed),
			strcmp(list, TRUNCATION) == 0 ? "it" : "them");
}

/* With unveil off, what the outer layer bounds all the same. REFER, because the kernel denies it
 * wherever any right on files is handled (unveil.c grants it everywhere). */
static uint64_t outer_rights(const struct wants *wants)
{
	uint64_t rights = 0;

	if (wants->execute)
		rights |= landlock_access_execute() | landlock_access_refer();
	if (wants->reading)
		rights |= landlock_access(PERM_R, P(RPATH)) | landlock_access_refer();
	return rights;
}

int unveil_plan_make(const struct unveil_request *request, struct unveil_plan *ret,
		     struct sbx_err *err)
{
	const struct landlock_caps *caps = request->caps;
	const struct wants wants = wants_of(request);
	char list[160], lacking[400];
	struct unveil_plan plan = {.bounded = wants.files && caps->abi >= 3};
	int needed = list_lacking(&wants, caps->abi, list, sizeof(list));

	if (needed) {
		say_lacking(caps, list, needed, lacking, sizeof(lacking));
		if (!request->policy->best_effort)
			return err_set(err, -EOPNOTSUPP,
				       "%s; %s\"require = best-effort\" runs without", lacking,
				       needed == 6 ? "\"scope = open\" does without scopes, " : "");
		(void)snprintf(plan.lost, sizeof(plan.lost), "%s; running without%s", lacking,
			       wants.files && caps->abi == 1
				       ? " (and without renames between directories)"
				       : "");
	}
	if (wants.files)
		plan.fs_inner = plan.fs_outer = caps->fs;
	else
		plan.fs_outer = caps->fs & outer_rights(&wants);
	if (wants.net)
		plan.net = caps->net & landlock_access_port(request->policy->port_kinds);
	if (wants.scopes)
		plan.scopes = caps->scopes;
	*ret = plan;
	return 0;
}
