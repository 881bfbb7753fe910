/* SPDX-License-Identifier: MIT */
/* Pure. The words of policies, and the paths that come with them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "../shim/promise.h"

Test(promise, parse)
{
	static const struct {
		const char *words;
		uint64_t set;
	} rows[] = {
		{"", 0},
		{" \t ", 0},
		{"stdio", P(STDIO)},
		{"stdio rpath inet", P(STDIO) | P(RPATH) | P(INET)},
		{"\tinet   stdio ", P(STDIO) | P(INET)},
		{"stdio stdio", P(STDIO)},
		{"netlink", P(NETLINK)},
		{"route", P(NETLINK)},
		{"prot_exec exec", P(PROT_EXEC) | P(EXEC)},
		{"unveil thread error", P(UNVEIL) | P(THREAD) | P(ERROR)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sbx_err err = {0};
		uint64_t set = UINT64_MAX;

		cr_expect_eq(promise_parse(rows[i].words, &set, &err), 0, "\"%s\": %s",
			     rows[i].words, err.msg);
		cr_expect_eq(set, rows[i].set, "\"%s\"", rows[i].words);
	}
}

Test(promise, parse_refuses)
{
	static const struct {
		const char *words;
		const char *message;
	} rows[] = {
		{"stdio inett", "unknown promise \"inett\" (did you mean \"inet\"?)"},
		{"sdtio", "unknown promise \"sdtio\" (did you mean \"stdio\"?)"},
		{"routee", "unknown promise \"routee\" (did you mean \"route\"?)"},
		{"xyzzy", "unknown promise \"xyzzy\""},
		{"STDIO", "unknown promise \"STDIO\" (did you mean \"stdio\"?)"},
		{"stdio,rpath", "unknown promise \"stdio,rpath\""},
		{"stdi", "unknown promise \"stdi\" (did you mean \"stdio\"?)"},
		{"disklabel", "promise \"disklabel\" has no Linux counterpart"},
		{"rpath pf", "promise \"pf\" has no Linux counterpart"},
		{"tape", "promise \"tape\" has no Linux counterpart"},
		{"vmm", "promise \"vmm\" has no Linux counterpart"},
		{"wroute", "promise \"wroute\" has no Linux counterpart"},
		{"bpf", "promise \"bpf\" has no Linux counterpart"},
		{"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee",
		 "unknown promise \"aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd...\""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sbx_err err = {0};
		uint64_t set = 77;

		cr_expect_eq(promise_parse(rows[i].words, &set, &err), -EINVAL, "\"%s\"",
			     rows[i].words);
		cr_expect_str_eq(err.msg, rows[i].message, "\"%s\": %s", rows[i].words, err.msg);
		cr_expect_eq(err.code, -EINVAL, "\"%s\"", rows[i].words);
		cr_expect_eq(set, 77, "\"%s\": the output changed", rows[i].words);
	}
}

Test(promise, format)
{
	const uint64_t every = (UINT64_C(1) << PROMISE_COUNT) - 1;
	char buf[256];
	struct sbx_err err;
	uint64_t set;

	promise_format(0, buf, sizeof(buf));
	cr_expect_str_eq(buf, "");
	promise_format(P(INET) | P(STDIO) | P(RPATH), buf, sizeof(buf));
	cr_expect_str_eq(buf, "stdio rpath inet");
	promise_format(every, buf, sizeof(buf));
	cr_expect_eq(promise_parse(buf, &set, &err), 0, "%s", buf);
	cr_expect_eq(set, every, "256 bytes suffice: %s", buf);
	memset(buf, 'x', sizeof(buf));
	promise_format(P(STDIO) | P(RPATH), buf, 8);
	cr_expect_str_eq(buf, "stdio r");
	cr_expect_eq(buf[8], 'x');
	promise_format(every, buf, 1);
	cr_expect_str_eq(buf, "");
}

Test(promise, find)
{
	for (int id = 0; id < PROMISE_COUNT; id++)
		cr_expect_eq(promise_find(promise_table[id].name), id, "%s",
			     promise_table[id].name);
	cr_expect_eq(promise_find("route"), PROMISE_NETLINK);
	cr_expect_eq(promise_find("bpf"), -1);
	cr_expect_eq(promise_find("stdio rpath"), -1);
	cr_expect_eq(promise_find(""), -1);
}

Test(promise, table_is_whole)
{
	for (size_t id = 0; id < PROMISE_COUNT; id++) {
		const struct promise *promise = &promise_table[id];

		cr_expect(promise->name[0] && !promise->name[sizeof(promise->name) - 1], "%zu", id);
		cr_expect(promise->permits[0] && !promise->permits[sizeof(promise->permits) - 1],
			  "%s", promise->name);
		for (size_t other = 0; other < id; other++)
			cr_expect_str_neq(promise->name, promise_table[other].name);
	}
}

/* DESIGN's table: who implies what. */
Test(promise, paths)
{
	static const struct {
		int promise;
		const char *path;
		uint8_t perms;
	} rows[] = {
		{PROMISE_STDIO, "/dev/null", PERM_R | PERM_W},
		{PROMISE_STDIO, "/dev/zero", PERM_R},
		{PROMISE_STDIO, "/dev/full", PERM_R},
		{PROMISE_STDIO, "/dev/urandom", PERM_R},
		{PROMISE_STDIO, "/dev/random", PERM_R},
		{PROMISE_STDIO, "/etc/localtime", PERM_R},
		{PROMISE_STDIO, "/usr/share/zoneinfo", PERM_R},
		{PROMISE_STDIO, "/usr/lib/locale", PERM_R},
		{PROMISE_STDIO, "/usr/share/locale", PERM_R},
		{PROMISE_STDIO, "/proc/self", PERM_R},
		{PROMISE_TMPPATH, "/tmp", PERM_R | PERM_W | PERM_C},
		{PROMISE_TMPPATH, "${TMPDIR}", PERM_R | PERM_W | PERM_C},
		{PROMISE_INET, "/etc/ssl/certs", PERM_R},
		{PROMISE_INET, "/etc/ssl/openssl.cnf", PERM_R},
		{PROMISE_DNS, "/etc/resolv.conf", PERM_R},
		{PROMISE_DNS, "/etc/hosts", PERM_R},
		{PROMISE_DNS, "/run/systemd/resolve", PERM_R},
		{PROMISE_GETPW, "/etc/passwd", PERM_R},
		{PROMISE_GETPW, "/etc/group", PERM_R},
		{PROMISE_TTY, "/dev/tty", PERM_R | PERM_W},
		{PROMISE_TTY, "/dev/stdin", PERM_R | PERM_W},
		{PROMISE_EXEC, "/usr/lib", PERM_R},
		{PROMISE_EXEC, "/lib64/ld-linux-x86-64.so.2", PERM_R | PERM_X},
		{PROMISE_PROT_EXEC, "/usr/lib", PERM_R},
		{PROMISE_PS, "/proc", PERM_R},
		{PROMISE_VMINFO, "/proc/meminfo", PERM_R},
		{PROMISE_AUDIO, "/dev/snd", PERM_R | PERM_W},
		{PROMISE_VIDEO, "/dev/video0", PERM_R | PERM_W},
		{PROMISE_DRM, "/dev/dri", PERM_R | PERM_W},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t found = 0;

		for (size_t j = 0; j < promise_paths_count; j++)
			found += promise_paths[j].promise == rows[i].promise &&
				 promise_paths[j].perms == rows[i].perms &&
				 strcmp(promise_paths[j].path, rows[i].path) == 0;
		cr_expect_eq(found, 1, "%s %s", promise_table[rows[i].promise].name, rows[i].path);
	}
}

/* All terminals of the user, and helper programs that lie beside libraries, are nobody's by promise
 * alone. */
Test(promise, paths_are_not_too_wide)
{
	for (size_t i = 0; i < promise_paths_count; i++) {
		const struct promise_path *path = &promise_paths[i];
		const char *base = strrchr(path->path, '/') + 1;

		cr_expect_neq(strcmp(path->path, "/dev/pts"), 0);
		if (path->perms & PERM_X)
			cr_expect(strncmp(base, "ld-", 3) == 0, "%s is no loader", path->path);
	}
}

/* These imply nothing; what a promise implies must never be writable but for devices and temporary
 * directories. */
Test(promise, paths_are_harmless)
{
	const uint64_t none = P(RPATH) | P(WPATH) | P(CPATH) | P(DPATH) | P(FATTR) | P(CHOWN) |
			      P(FLOCK) | P(UNIX) | P(MCAST) | P(NETLINK) | P(SENDFD) | P(RECVFD) |
			      P(PROC) | P(ID) | P(SETTIME) | P(ERROR) | P(UNVEIL) | P(THREAD);

	for (size_t i = 0; i < promise_paths_count; i++) {
		const struct promise_path *path = &promise_paths[i];

		cr_assert_lt(path->promise, PROMISE_COUNT);
		cr_expect(!(none >> path->promise & 1), "%s: %s", promise_table[path->promise].name,
			  path->path);
		cr_expect(path->path[0] == '/' || strcmp(path->path, "${TMPDIR}") == 0, "%s",
			  path->path);
		cr_expect(!path->path[sizeof(path->path) - 1], "%s", path->path);
		cr_expect(path->perms & PERM_R, "%s", path->path);
		cr_expect(!(path->perms & PERM_W) || strncmp(path->path, "/dev/", 5) == 0 ||
				  path->promise == PROMISE_TMPPATH,
			  "%s is writable", path->path);
		cr_expect(!(path->perms & PERM_C) || path->promise == PROMISE_TMPPATH,
			  "%s: things can be made there", path->path);
	}
}
