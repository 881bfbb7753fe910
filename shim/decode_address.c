/* SPDX-License-Identifier: MIT */
/* Socket addresses as text. The bytes are the program's: nothing in them is taken for granted. */
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>

#include "decode.h"
#include "decode_table.h"

static void put_port(struct line *line, uint16_t port)
{
	line_char(line, ':');
	line_unsigned(line,
		      (uint16_t)(port << 8 | port >> 8)); /* network order; we are little-endian */
}

static void put_ipv4(struct line *line, const uint8_t bytes[4])
{
	for (unsigned i = 0; i < 4; i++) {
		if (i > 0)
			line_char(line, '.');
		line_unsigned(line, bytes[i]);
	}
}

static unsigned group(const uint8_t bytes[16], unsigned i)
{
	return (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
}

/* The first of the longest runs of two or more zero groups; 8 when there is none (RFC 5952). */
static unsigned find_zeros(const uint8_t bytes[16], unsigned *ret_length)
{
	unsigned best = 8;

	*ret_length = 1;
	for (unsigned i = 0; i < 8; i++) {
		unsigned n = 0;

		while (i + n < 8 && group(bytes, i + n) == 0)
			n++;
		if (n > *ret_length) {
			best = i;
			*ret_length = n;
		}
	}
	return best;
}

static void put_group(struct line *line, unsigned value)
{
	bool started = false;

	for (int shift = 12; shift >= 0; shift -= 4) {
		unsigned digit = value >> shift & 15;

		started |= digit != 0 || shift == 0;
		if (started)
			line_char(line, "0123456789abcdef"[digit]);
	}
}

static void put_ipv6(struct line *line, const uint8_t bytes[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	unsigned length, zeros = find_zeros(bytes, &length);

	if (memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		line_text(line, "::ffff:");
		put_ipv4(line, bytes + sizeof(mapped));
		return;
	}
	for (unsigned i = 0; i < 8;) {
		if (i == zeros) {
			line_text(line, "::");
			i += length;
			continue;
		}
		if (i > 0 && i != zeros + length)
			line_char(line, ':');
		put_group(line, group(bytes, i));
		i++;
	}
}

static void put_in(struct line *line, const void *address)
{
	struct sockaddr_in in;

	memcpy(&in, address, sizeof(in));
	line_char(line, ' ');
	put_ipv4(line, (const uint8_t *)&in.sin_addr);
	put_port(line, in.sin_port);
}

static void put_in6(struct line *line, const void *address)
{
	struct sockaddr_in6 in6 = {0};

	memcpy(&in6, address, offsetof(struct sockaddr_in6, sin6_scope_id));
	line_text(line, " [");
	put_ipv6(line, (const uint8_t *)&in6.sin6_addr);
	line_char(line, ']');
	put_port(line, in6.sin6_port);
}

/* unix(7): a path up to its NUL or the end, or behind a NUL an abstract name of all the bytes. */
static void put_un(struct line *line, const char *name, size_t size)
{
	bool cut = false;

	if (size == 0)
		return; /* bind(2) finds a name by itself */
	if (name[0] != '\0') {
		const char *end = memchr(name, '\0', size);

		line_text(line, " \"");
		line_escaped(line, name, end ? (size_t)(end - name) : size);
		line_char(line, '"');
		return;
	}
	line_text(line, " @");
	name++;
	size--;
	/* Many programs pass the whole struct: a hundred NULs would tell nobody anything. */
	while (size > 1 && name[size - 1] == '\0' && name[size - 2] == '\0') {
		size--;
		cut = true;
	}
	line_escaped(line, name, size);
	if (cut)
		line_text(line, "...");
}

static void put_nl(struct line *line, const void *address)
{
	struct sockaddr_nl nl;

	memcpy(&nl, address, sizeof(nl));
	line_text(line, " pid ");
	line_unsigned(line, nl.nl_pid);
	if (nl.nl_groups) {
		line_text(line, " groups ");
		line_hex(line, nl.nl_groups);
	}
}

static void put_vm(struct line *line, const void *address)
{
	struct sockaddr_vm vm;

	memcpy(&vm, address, sizeof(vm));
	line_char(line, ' ');
	line_decimal(line, (int32_t)vm.svm_cid); /* VMADDR_CID_ANY is -1 */
	line_char(line, ':');
	line_unsigned(line, vm.svm_port);
}

static void put_family(struct line *line, uint16_t family)
{
	for (size_t i = 0; i < decode_constants_count; i++) {
		if (decode_constants[i].kind == K_FAMILY && decode_constants[i].value == family) {
			line_text(line, decode_constants[i].name);
			return;
		}
	}
	line_text(line, "AF_");
	line_unsigned(line, family);
}

void decode_address(struct line *line, const void *address, size_t size)
{
	const size_t name = offsetof(struct sockaddr_un, sun_path);
	uint16_t family;

	if (size < sizeof(family))
		return;
	memcpy(&family, address, sizeof(family));
	put_family(line, family);
	if (family == AF_UNIX)
		put_un(line, (const char *)address + name, size - name);
	else if (family == AF_INET && size >= sizeof(struct sockaddr_in))
		put_in(line, address);
	else if (family == AF_INET6 && size >= offsetof(struct sockaddr_in6, sin6_scope_id))
		put_in6(line, address);
	else if (family == AF_NETLINK && size >= sizeof(struct sockaddr_nl))
		put_nl(line, address);
	else if (family == AF_VSOCK && size >= sizeof(struct sockaddr_vm))
		put_vm(line, address);
}
