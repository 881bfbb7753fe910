/* SPDX-License-Identifier: MIT */
/* A policy that is no file: a memfd that nobody changes any more. Pure. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../shim/policy_file.h"

#define ALL (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

Test(policy_sealed, load)
{
	static const struct {
		const char *name, *text;
		int seals, code;
		const char *called,
			*says; /* where it goes wrong: by which file, with which words */
	} rows[] = {
		{"policy", "[sandbox]\npromises = stdio\n", ALL, 0, "policy", NULL},
		{"policy", "[sandbox]\npromises = stdio\n", ALL | F_SEAL_SEAL, 0, "policy", NULL},
		{"a b (deleted)", "[sandbox]\npromises = stdio\n", ALL, 0, "a b (deleted)", NULL},
		{"policy", "[sandbox]\nx = y\n", ALL, -EINVAL, "policy", "\"x\""},
		{"policy", "[sandbox]\ninclude = tls.ini\n", ALL, -EINVAL, "policy",
		 "\"include\" is not possible here"},
		/* Who made it could still change it. */
		{"policy", "[sandbox]\npromises = stdio\n", 0, -EPERM, NULL, "changed"},
		{"policy", "[sandbox]\npromises = stdio\n", F_SEAL_SHRINK | F_SEAL_GROW, -EPERM,
		 NULL, "changed"},
		{"policy", "[sandbox]\npromises = stdio\n", F_SEAL_WRITE | F_SEAL_SHRINK, -EPERM,
		 NULL, "changed"},
	};
	static char *const envp[] = {NULL};
	const struct policy_env env = {.envp = envp, .cwd = "/", .uid = geteuid()};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int fd = memfd_create(rows[i].name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
		ssize_t len = (ssize_t)strlen(rows[i].text);
		struct sbx_err err = {0};
		struct policy policy;
		char path[64];
		int r;

		cr_assert(fd >= 0 && write(fd, rows[i].text, (size_t)len) == len);
		cr_assert(!rows[i].seals || fcntl(fd, F_ADD_SEALS, rows[i].seals) == 0);
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
		policy_init(&policy);
		r = policy_load(&policy, path, &env, &err);
		cr_expect_eq(r, rows[i].code, "row %zu: %d, %s", i, r, err.msg);
		if (r == 0) {
			cr_expect_str_eq(policy.name, rows[i].called, "row %zu", i);
			cr_expect_eq(policy.promises, P(STDIO), "row %zu", i);
			cr_expect_eq(policy.n_files, 0, "row %zu: there is no file to protect", i);
		} else {
			cr_expect(strstr(err.msg, rows[i].says), "row %zu: %s", i, err.msg);
			if (rows[i].called)
				cr_expect_str_eq(err.file, rows[i].called, "row %zu", i);
		}
		policy_done(&policy);
		(void)close(fd);
	}
}
