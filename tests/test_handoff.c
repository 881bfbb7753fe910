/* SPDX-License-Identifier: MIT */
/* Launcher → shim: what is sent arrives, and nothing else is taken for it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "../shim/handoff.h"

static struct filter sent, received;

static int send_some(int ruleset, char value[HANDOFF_VALUE_MAX])
{
	struct sbx_err err = {0};
	int fd = -1, r;

	sent.len = 7;
	for (unsigned i = 0; i < sent.len; i++)
		sent.insns[i] = (struct sock_filter){.code = (uint16_t)i, .k = i * 1000003};
	r = handoff_send(&sent, ruleset, value, &fd, &err);
	cr_assert_eq(r, 0, "%s", err.msg);
	return fd;
}

Test(handoff, arrives)
{
	char value[HANDOFF_VALUE_MAX];
	struct sbx_err err = {0};
	int ruleset = open("/dev/null", O_RDONLY | O_CLOEXEC), got = -7;
	int fd = send_some(ruleset, value);

	cr_expect_eq(fcntl(fd, F_GETFD), 0, "the memfd survives execve");
	cr_expect_eq(fcntl(ruleset, F_GETFD), 0, "the ruleset survives execve");
	cr_assert_eq(handoff_receive(value, &received, &got, &err), 0, "%s", err.msg);
	cr_expect_eq(got, ruleset);
	cr_expect_eq(received.len, sent.len);
	cr_expect_eq(memcmp(received.insns, sent.insns, sent.len * sizeof(sent.insns[0])), 0);
	cr_expect_eq(fcntl(fd, F_GETFD), -1, "the memfd is closed");
	close(ruleset);
}

Test(handoff, without_a_ruleset)
{
	char value[HANDOFF_VALUE_MAX];
	struct sbx_err err = {0};
	int got = -7;

	(void)send_some(-1, value);
	cr_assert_eq(handoff_receive(value, &received, &got, &err), 0, "%s", err.msg);
	cr_expect_eq(got, -1);
}

Test(handoff, malformed_values)
{
	static const char *const rows[] = {
		"",
		":",
		"3",
		"3:",
		":3",
		"-1:3",
		"3:-2",
		"3:-12",
		" 3:4",
		"+3:4",
		"3:4 ",
		"0x3:4",
		"3:4:5",
		"3:abc",
		"99999999999999999999:3",
		"3:99999999999999999999",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sbx_err err = {0};
		int got;

		cr_expect_eq(handoff_receive(rows[i], &received, &got, &err), -EINVAL, "\"%s\"",
			     rows[i]);
		cr_expect(strstr(err.msg, HANDOFF_VARIABLE " is malformed"), "\"%s\": %s", rows[i],
			  err.msg);
	}
}

Test(handoff, foreign_files)
{
	char value[HANDOFF_VALUE_MAX];
	struct sbx_err err = {0};
	int null = open("/dev/null", O_RDONLY), got;
	int memfd = memfd_create("x", MFD_ALLOW_SEALING);
	char junk[4096] = "junk";

	(void)snprintf(value, sizeof(value), "%d:-1", null);
	cr_expect_eq(handoff_receive(value, &received, &got, &err), -EINVAL);
	cr_expect(strstr(err.msg, "no sealed memfd"), "%s", err.msg);

	cr_assert_eq(write(memfd, junk, sizeof(junk)), (ssize_t)sizeof(junk));
	(void)snprintf(value, sizeof(value), "%d:-1", memfd);
	cr_expect_eq(handoff_receive(value, &received, &got, &err), -EINVAL, "not sealed");
	cr_expect(strstr(err.msg, "no sealed memfd"), "%s", err.msg);
	cr_assert_eq(
		fcntl(memfd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE),
		0);
	cr_expect_eq(handoff_receive(value, &received, &got, &err), -EINVAL, "sealed junk");
	cr_expect(strstr(err.msg, "not ours"), "%s", err.msg);

	cr_expect_eq(handoff_receive("250:-1", &received, &got, &err), -EINVAL, "not open");
	close(null);
	close(memfd);
}

/* A copy of a good hand-over with one thing spoilt. */
static int receive_spoilt(size_t at, uint8_t flip, off_t cut, struct sbx_err *err)
{
	char value[HANDOFF_VALUE_MAX];
	uint8_t buf[4096];
	int fd = send_some(-1, value), copy = memfd_create("x", MFD_ALLOW_SEALING), got, r;
	ssize_t n = pread(fd, buf, sizeof(buf), 0);

	cr_assert_gt(n, 32);
	buf[at] ^= flip;
	cr_assert_eq(write(copy, buf, (size_t)(n - cut)), n - cut);
	cr_assert_eq(
		fcntl(copy, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE),
		0);
	(void)snprintf(value, sizeof(value), "%d:-1", copy);
	r = handoff_receive(value, &received, &got, err);
	close(fd);
	close(copy);
	return r;
}

Test(handoff, spoilt)
{
	static const struct {
		const char *name, *says;
		size_t at;
		uint8_t flip;
		off_t cut;
	} rows[] = {
		{"magic", "not ours", 0, 1, 0},
		{"fingerprint of another build", "different builds", 8, 1, 0},
		{"length", "torn", 16, 1, 0},
		{"length over the limit", "torn", 18, 1, 0},
		{"a ruleset that is not there", "torn", 20, 1, 0},
		{"cut short", "torn", 0, 0, 8},
		{"header cut", "not ours", 0, 0, 70},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sbx_err err = {0};
		int r = receive_spoilt(rows[i].at, rows[i].flip, rows[i].cut, &err);

		cr_expect_eq(r, -EINVAL, "%s: %d", rows[i].name, r);
		cr_expect(strstr(err.msg, rows[i].says), "%s: %s", rows[i].name, err.msg);
	}
}
