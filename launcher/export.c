/* SPDX-License-Identifier: MIT */
#include "export.h"

#include <string.h>

#include "../shim/rule_layer.h"
#include "export_parts.h"

const struct export_format export_formats[] = {
	{.name = "bpf",
	 .what = "the program for seccomp(2), one struct sock_filter after the other",
	 .write = export_write_bpf,
	 .at_kernel = true,
	 .in_notes = true},
	{.name = "pfc",
	 .what = "the pseudo code of libseccomp, to be read",
	 .write = export_write_pfc,
	 .at_kernel = true},
	{.name = "c",
	 .what = "C: the program, and a function that installs it",
	 .write = export_write_c,
	 .at_kernel = true},
	{.name = "seccompiler-json",
	 .what = "JSON for seccompiler (rust-vmm, Firecracker)",
	 .write = export_write_seccompiler},
	{.name = "oci-json",
	 .what = "linux.seccomp of the OCI runtime specification (runc, crun, Docker, Podman)",
	 .write = export_write_oci,
	 .at_exec = true},
	{.name = "systemd",
	 .what = "lines for a unit's [Service]",
	 .write = export_write_systemd,
	 .at_exec = true},
	{.name = "minijail", .what = "a .policy for minijail0", .write = export_write_minijail},
	{.name = "strace-filter",
	 .what = "an -e trace= for strace: the calls that may be refused",
	 .write = export_write_strace,
	 .at_kernel = true,
	 .in_notes = true},
};
const size_t export_formats_count = ARRAY_SIZE(export_formats);

const struct export_format *export_format_find(const char *name)
{
	for (size_t i = 0; i < export_formats_count; i++)
		if (strcmp(export_formats[i].name, name) == 0)
			return &export_formats[i];
	return NULL;
}

void export_format_names(const char *separator, char *buf, size_t size)
{
	size_t used = 0;

	if (size)
		buf[0] = '\0';
	for (size_t i = 0; i < export_formats_count && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? separator : "",
					 export_formats[i].name);
}

struct filter_request export_filter_request(const struct export_format *format,
					    const struct policy *policy)
{
	struct filter_request request = {
		.promises = policy->promises,
		.bounded = format->at_kernel && policy->unveil,
		.on_violation = policy->on_violation,
		.self = EXPORT_SELF,
	};

	/* As start.c has it for its outer layer. */
	if (format->at_exec)
		request.promises |= P(STDIO) | P(EXEC) | P(RPATH);
	return request;
}

int export_build(const struct export_parts *parts, int self, struct filter *ret,
		 struct sbx_err *err)
{
	struct filter_request request = parts->filter;
	int r;

	request.self = self;
	r = filter_build(&request, ret, err);
	return r < 0 ? r : rules_prepend(parts->policy, RULES_ALONE, ret, err);
}

static int write_format(struct export_parts *parts, FILE *out, struct sbx_err *err)
{
	const struct export_request *request = parts->request;
	int r;

	r = export_find_calls(parts, err);
	if (r < 0)
		return r;
	r = export_add_notes(parts);
	if (r == 0)
		r = request->format->write(parts, out, err);
	if (r == -ENOMEM)
		return err_set(err, r, "out of memory");
	if (r == 0 && request->format->in_notes && request->notes)
		export_put_notes(parts, "sbx-preload: ", request->notes);
	if (r == 0 && (fflush(out) != 0 || ferror(out)))
		return err_set(err, -EIO, "cannot write what is exported");
	return r;
}

int export_policy(const struct export_request *request, FILE *out, struct sbx_err *err)
{
	const struct policy *policy = request->policy;
	bool kill = policy->on_violation == VIOLATION_KILL && !(policy->promises & P(ERROR));
	struct arena arena = {0};
	struct export_parts parts = {
		.request = request,
		.policy = policy,
		.filter = export_filter_request(request->format, policy),
		.deny = kill ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | EPERM,
		.arena = &arena,
	};
	int r;

	r = write_format(&parts, out, err);
	arena_done(&arena);
	return r;
}
