/* SPDX-License-Identifier: MIT */
#include "import.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "import_parts.h"

const struct import_format import_formats[] = {
	{"oci-json",
	 "linux.seccomp of the OCI runtime specification, by itself or in a config.json; a profile "
	 "of Docker or Podman",
	 import_read_oci},
	{"seccompiler-json", "JSON for seccompiler (rust-vmm, Firecracker), with one filter",
	 import_read_seccompiler},
};
const size_t import_formats_count = ARRAY_SIZE(import_formats);

const struct import_format *import_format_find(const char *name)
{
	for (size_t i = 0; i < import_formats_count; i++)
		if (strcmp(import_formats[i].name, name) == 0)
			return &import_formats[i];
	return NULL;
}

void import_format_names(const char *separator, char *buf, size_t size)
{
	size_t used = 0;

	if (size)
		buf[0] = '\0';
	for (size_t i = 0; i < import_formats_count && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? separator : "",
					 import_formats[i].name);
}

int import_text(const struct import_format *format, const char *name, const char *text, size_t len,
		FILE *out, struct sbx_err *err)
{
	struct arena arena = {0};
	struct import_profile profile = {.arena = &arena, .name = name};
	json_t *root;
	int r;

	r = import_parse(name, text, len, &root, err);
	if (r < 0)
		return r;
	r = format->read(root, &profile, err);
	if (r == 0)
		r = import_write_policy(&profile, out, err);
	if (r == 0 && (fflush(out) != 0 || ferror(out)))
		r = err_set(err, -EIO, "cannot write the policy");
	json_decref(root);
	arena_done(&arena);
	return r;
}

/* The whole of it, and a byte more when it is too large. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t used = 0;
	ssize_t n = 1;

	while (n > 0 && used < size) {
		n = read(fd, buf + used, size - used);
		if (n < 0 && errno == EINTR) {
			n = 1;
			continue;
		}
		used += n > 0 ? (size_t)n : 0;
	}
	return n < 0 ? -errno : (ssize_t)used;
}

int import_file(const struct import_format *format, const char *path, FILE *out,
		struct sbx_err *err)
{
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct arena arena = {0};
	ssize_t len;
	char *text;
	int r;

	if (fd < 0)
		return err_at(err, -errno, path, 0, "%s", strerror(errno));
	text = arena_alloc(&arena, IMPORT_FILE_MAX + 1);
	if (!text)
		return err_set(err, -ENOMEM, "out of memory");
	len = read_all(fd, text, IMPORT_FILE_MAX + 1);
	if (len < 0)
		r = err_at(err, (int)len, path, 0, "%s", strerror((int)-len));
	else if (len > (ssize_t)IMPORT_FILE_MAX)
		r = err_at(err, -E2BIG, path, 0, "larger than %u bytes", IMPORT_FILE_MAX);
	else
		r = import_text(format, path, text, (size_t)len, out, err);
	arena_done(&arena);
	return r;
}
