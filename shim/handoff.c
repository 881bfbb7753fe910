/* SPDX-License-Identifier: MIT */
#include "handoff.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

struct handoff_header {
	char magic[8];
	uint64_t fingerprint; /* filter_fingerprint() of the build that wrote it */
	uint32_t len;	      /* instructions that follow */
	uint32_t has_ruleset;
};

static const char magic[8] = {'s', 'b', 'x', '-', 'h', 'o', 'f', '1'};

static int write_all(int fd, const void *data, size_t size)
{
	const char *p = data;

	while (size) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			p += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

static int read_at(int fd, void *data, size_t size, off_t offset)
{
	char *p = data;

	while (size) {
		ssize_t n = pread(fd, p, size, offset);

		if (n == 0)
			return -EINVAL;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			p += n;
			offset += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

int handoff_send(const struct filter *filter, int ruleset, char value[HANDOFF_VALUE_MAX],
		 int *ret_memfd, struct sbx_err *err)
{
	struct handoff_header header = {
		.fingerprint = filter_fingerprint(),
		.len = filter->len,
		.has_ruleset = ruleset >= 0,
	};
	int fd cleanup_fd = -1;
	int r;

	memcpy(header.magic, magic, sizeof(magic));
	/* No MFD_CLOEXEC: it is meant to cross execve, and the shim closes it. */
	fd = memfd_create("sbx-preload", MFD_ALLOW_SEALING);
	if (fd < 0)
		return err_set(err, -errno, "cannot create a memfd: %m");
	r = write_all(fd, &header, sizeof(header));
	if (!r)
		r = write_all(fd, filter->insns, filter->len * sizeof(filter->insns[0]));
	if (!r && fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		r = -errno;
	if (r)
		return err_set(err, r, "cannot hand the filter over: %s", strerrordesc_np(-r));
	if (ruleset >= 0 && fcntl(ruleset, F_SETFD, 0) < 0)
		return err_set(err, -errno, "cannot hand the ruleset over: %m");
	(void)snprintf(value, HANDOFF_VALUE_MAX, "%d:%d", fd, ruleset); /* two ints always fit */
	*ret_memfd = take_fd(&fd);
	return 0;
}

/* A descriptor number, or -1. Digits only: strtol would take blanks and signs, and depends on the
 * locale. */
static int parse_fd(const char **text, char end)
{
	const char *p = *text;
	int value = 0;

	if (p[0] == '-' && p[1] == '1' && p[2] == end) {
		*text = p + 3;
		return -1;
	}
	if (*p < '0' || *p > '9')
		return -2;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (value > 1000000)
			return -2;
		value = value * 10 + (*p - '0');
	}
	if (*p != end)
		return -2;
	*text = p + 1;
	return value;
}

int handoff_receive(const char *value, struct filter *ret_filter, int *ret_ruleset,
		    struct sbx_err *err)
{
	struct handoff_header header;
	struct stat st;
	const char *p = value;
	int fd, ruleset, seals, r;

	fd = parse_fd(&p, ':');
	ruleset = fd >= 0 ? parse_fd(&p, '\0') : -2;
	if (fd < 0 || ruleset < -1)
		return err_set(err, -EINVAL, HANDOFF_VARIABLE " is malformed");
	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) < 0)
		return err_set(err, -EINVAL, HANDOFF_VARIABLE " names no sealed memfd");
	r = read_at(fd, &header, sizeof(header), 0);
	if (r || memcmp(header.magic, magic, sizeof(magic)) != 0)
		return err_set(err, -EINVAL, HANDOFF_VARIABLE " names a file that is not ours");
	if (header.fingerprint != filter_fingerprint())
		return err_set(err, -EINVAL, "launcher and shim are of different builds");
	if (header.len > FILTER_MAX || header.has_ruleset != (ruleset >= 0) ||
	    st.st_size != (off_t)(sizeof(header) + header.len * sizeof(ret_filter->insns[0])))
		return err_set(err, -EINVAL, "the filter that was handed over is torn");
	r = read_at(fd, ret_filter->insns, header.len * sizeof(ret_filter->insns[0]),
		    sizeof(header));
	if (r)
		return err_set(err, r, "cannot read the filter: %s", strerrordesc_np(-r));
	ret_filter->len = (unsigned short)header.len;
	if (close(fd) < 0)
		return err_set(err, -errno, "cannot close the memfd: %m");
	*ret_ruleset = ruleset;
	return 0;
}
