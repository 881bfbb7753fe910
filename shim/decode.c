/* SPDX-License-Identifier: MIT */
#include "decode.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/openat2.h>
#include <linux/prctl.h>
#include <linux/sched.h>

#include "decode_table.h"
#include "master.h"

#define STRING_MAX  200	       /* bytes of a string that are shown */
#define ADDRESS_MAX 128	       /* sizeof(struct sockaddr_storage): the kernel takes no longer one */
#define TMPFILE	    020000000  /* the bit of O_TMPFILE alone: the macro holds O_DIRECTORY, too */
#define SOCK_TYPE   0xfu       /* net.h: SOCK_TYPE_MASK; the rest of the type are flags */
#define NUMBER_MAX  UINT16_MAX /* what has no name and is larger looks like bits: in hex */

struct call {
	struct line *line;
	const struct decode_source *source;
	const uint64_t *args;
	int nr;
};

/* Returns how many bytes there are, up to @size. */
static size_t read_memory(const struct call *call, uint64_t addr, void *buf, size_t size)
{
	size_t done = 0;

	while (call->source->read && done < size) {
		ssize_t n = call->source->read(call->source->user, addr + done, (char *)buf + done,
					       size - done);

		if (n <= 0 || (size_t)n > size - done)
			break;
		done += (size_t)n;
	}
	return done;
}

/* ---- constants ---- */

/* A name from the table of system calls: see struct master_word. */
static const char *find_word(int nr, unsigned arg, uint32_t level, uint32_t value)
{
	const struct master master = MASTER_HERE;

	for (size_t i = 0; i < master.n_words; i++) {
		const struct master_word *word = &master.words[i];

		if (word->value == value && word->nr == nr && word->arg == arg &&
		    word->level == level)
			return word->name;
	}
	return NULL;
}

static const char *find_constant(uint8_t kind, uint32_t value)
{
	for (size_t i = 0; i < decode_constants_count; i++)
		if (decode_constants[i].value == value && decode_constants[i].kind == kind)
			return decode_constants[i].name;
	return NULL;
}

static void put_number(struct line *line, uint32_t value)
{
	if ((int32_t)value < 0 && (int32_t)value >= -NUMBER_MAX)
		line_decimal(line, (int32_t)value);
	else if (value <= NUMBER_MAX)
		line_unsigned(line, value);
	else
		line_hex(line, value);
}

/* Argument @i, one constant of a set. @level: as in struct master_word. */
static void put_enum(const struct call *call, unsigned i, uint8_t kind, uint32_t level,
		     uint32_t value)
{
	const char *name = find_word(call->nr, i, level, value);

	if (!name)
		name = find_constant(kind, value);
	if (name)
		line_text(call->line, name);
	else
		put_number(call->line, value);
}

/* Constants that are or'ed, behind @before of them that are there already. */
static void put_flags(struct line *line, uint8_t kind, uint64_t value, unsigned before)
{
	for (size_t i = 0; i < decode_constants_count; i++) {
		const struct decode_constant *constant = &decode_constants[i];

		if (constant->kind != kind)
			continue;
		if (constant->value ? (value & constant->value) != constant->value
				    : (value || before))
			continue;
		if (before++)
			line_char(line, '|');
		line_text(line, constant->name);
		value &= ~(uint64_t)constant->value;
	}
	if (!value)
		return;
	if (before)
		line_char(line, '|');
	line_hex(line, value);
}

/* ---- memory ---- */

static void put_pointer(struct line *line, uint64_t addr)
{
	if (addr)
		line_hex(line, addr);
	else
		line_text(line, "NULL");
}

/* Not inlined: its buffer would stand on the stack of every other argument, too. */
static __attribute__((noinline)) void put_string(const struct call *call, uint64_t addr)
{
	char text[STRING_MAX + 1];
	size_t got = addr ? read_memory(call, addr, text, sizeof(text)) : 0;
	const char *end = memchr(text, '\0', got);

	if (!end && got < sizeof(text)) {
		put_pointer(call->line, addr); /* EFAULT for the kernel, too */
		return;
	}
	line_char(call->line, '"');
	line_escaped(call->line, text, end ? (size_t)(end - text) : STRING_MAX);
	line_text(call->line, end ? "\"" : "\"...");
}

static void put_address(const struct call *call, uint64_t addr, uint32_t size)
{
	unsigned char bytes[ADDRESS_MAX];

	if (!addr)
		return; /* sendto(2) to whom the socket is connected */
	if (size > sizeof(bytes) || size < sizeof(sa_family_t) ||
	    read_memory(call, addr, bytes, size) < size)
		put_pointer(call->line, addr);
	else
		decode_address(call->line, bytes, size);
}

static void put_msghdr(const struct call *call, uint64_t addr)
{
	struct {
		uint64_t name;
		uint32_t size;
	} head; /* how struct msghdr begins */

	if (read_memory(call, addr, &head, sizeof(head)) < sizeof(head))
		put_pointer(call->line, addr);
	else
		put_address(call, head.name, head.size);
}

static void put_flock(const struct call *call, uint64_t addr)
{
	int16_t type; /* the first member */

	if (read_memory(call, addr, &type, sizeof(type)) < sizeof(type))
		put_pointer(call->line, addr);
	else
		put_enum(call, 2, K_LOCK_TYPE, 0, (uint32_t)type);
}

/* ---- open and clone ---- */

static void put_open_flags(struct line *line, uint64_t flags)
{
	line_text(line, find_constant(K_ACCESS_MODE, (uint32_t)flags & O_ACCMODE));
	put_flags(line, K_OPEN, flags & ~(uint64_t)O_ACCMODE, 1);
}

static void put_open_mode(struct line *line, uint64_t flags, uint64_t mode)
{
	if (flags & (O_CREAT | TMPFILE))
		line_octal(line, mode);
}

static void put_open_how(const struct call *call, uint64_t addr)
{
	struct line *line = call->line;
	struct open_how how;

	if (read_memory(call, addr, &how, sizeof(how)) < sizeof(how)) {
		put_pointer(line, addr);
		return;
	}
	put_open_flags(line, how.flags);
	if (how.flags & (O_CREAT | TMPFILE)) {
		line_text(line, ", ");
		put_open_mode(line, how.flags, how.mode);
	}
	if (how.resolve) {
		line_text(line, ", ");
		put_flags(line, K_RESOLVE, how.resolve, 0);
	}
}

static void put_clone_flags(const struct call *call, uint64_t flags, uint32_t signal)
{
	size_t before = call->line->len;

	put_flags(call->line, K_CLONE, flags, 0);
	if (!signal)
		return;
	if (call->line->len > before)
		line_char(call->line, '|');
	put_enum(call, 0, K_SIGNAL, 0, signal);
}

static void put_clone_args(const struct call *call, uint64_t addr)
{
	struct clone_args args = {0};
	const size_t needed = offsetof(struct clone_args, stack);

	if (read_memory(call, addr, &args, needed) < needed)
		put_pointer(call->line, addr);
	else
		put_clone_flags(call, args.flags, (uint32_t)args.exit_signal);
}

static void put_file_mode(struct line *line, uint32_t mode)
{
	const char *type = find_constant(K_FILE_TYPE, mode & S_IFMT);

	if (type) {
		line_text(line, type);
		line_char(line, '|');
		mode &= ~(uint32_t)S_IFMT;
	}
	line_octal(line, mode);
}

/* ---- sockets ---- */

static void put_socket_type(const struct call *call, unsigned i, uint32_t type)
{
	put_enum(call, i, K_SOCK_TYPE, 0, type & SOCK_TYPE);
	put_flags(call->line, K_SOCK, type & ~SOCK_TYPE, (type & SOCK_TYPE) != 0);
}

static void put_protocol(const struct call *call, unsigned i, uint32_t protocol)
{
	uint32_t family = (uint32_t)call->args[0];
	uint8_t kind = K_END;

	if (family == AF_NETLINK)
		kind = K_NETLINK_PROTOCOL;
	else if (family == AF_INET || family == AF_INET6)
		kind = K_IPPROTO;
	/* 0 is the type's own protocol, where it is not NETLINK_ROUTE. */
	if (protocol || kind == K_NETLINK_PROTOCOL)
		put_enum(call, i, kind, 0, protocol);
}

static uint8_t option_kind(uint32_t level)
{
	/* Levels are those of getsockopt(2), socket(7) and the protocols' own pages. */
	static const struct {
		uint16_t level;
		uint8_t kind;
	} kinds[] = {
		{SOL_SOCKET, K_SO},
		{0, K_IP},
		{6, K_TCP},
		{17, K_UDP},
		{41, K_IPV6},
		{SOL_NETLINK, K_NETLINK_OPTION},
		{263, K_PACKET_OPTION},
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].level == level)
			return kinds[i].kind;
	return K_END;
}

static void put_option(const struct call *call, unsigned i, uint32_t level, uint32_t option)
{
	/* The table names the options where they are set. */
	const char *name = find_word(SYS_setsockopt, i, level, option);

	if (!name)
		name = find_constant(option_kind(level), option);
	if (name)
		line_text(call->line, name);
	else
		put_number(call->line, option);
}

/* ---- arguments ---- */

static void put_argument(const struct call *call, unsigned i, uint8_t kind);

/* What is behind a command, by its value. */
static void put_follower(const struct call *call, unsigned i, uint8_t command)
{
	for (size_t j = 0; j < decode_followers_count; j++) {
		const struct decode_follower *follower = &decode_followers[j];

		if (follower->kind == command && follower->value == (uint32_t)call->args[i - 1]) {
			put_argument(call, i, follower->next);
			return;
		}
	}
}

static void put_special(const struct call *call, unsigned i, uint8_t kind)
{
	uint64_t value = call->args[i];
	uint32_t low = (uint32_t)value;
	/* No kind that looks back is a call's first. */
	uint64_t before = i > 0 ? call->args[i - 1] : 0;

	switch ((enum decode_kind)kind) {
	case K_MODE:
		line_octal(call->line, low);
		break;
	case K_FILE_MODE:
		put_file_mode(call->line, low);
		break;
	case K_OPEN_FLAGS:
		put_open_flags(call->line, low);
		break;
	case K_OPEN_MODE:
		put_open_mode(call->line, before, low);
		break;
	case K_OPEN_HOW:
		put_open_how(call, value);
		break;
	case K_CLONE_FLAGS:
		put_clone_flags(call, low & ~(uint32_t)CSIGNAL, low & CSIGNAL);
		break;
	case K_CLONE_ARGS:
		put_clone_args(call, value);
		break;
	case K_SOCKET_TYPE:
		put_socket_type(call, i, low);
		break;
	case K_PROTOCOL:
		put_protocol(call, i, low);
		break;
	case K_ADDRESS:
		put_address(call, value, i < 5 ? (uint32_t)call->args[i + 1] : 0);
		break;
	case K_MSGHDR:
		put_msghdr(call, value);
		break;
	case K_FLOCK:
		put_flock(call, value);
		break;
	case K_OPTION:
		put_option(call, i, (uint32_t)before, low);
		break;
	default:
		break;
	}
}

static void put_argument(const struct call *call, unsigned i, uint8_t kind)
{
	struct line *line = call->line;
	uint64_t value = call->args[i];
	int32_t low = (int32_t)value;

	if (kind >= KIND_FLAGS) {
		put_flags(line, kind, (uint32_t)low, 0);
		return;
	}
	if (kind >= KIND_ENUMS) {
		put_enum(call, i, kind, kind == K_PRCTL_AMBIENT ? (uint32_t)call->args[i - 1] : 0,
			 (uint32_t)low);
		return;
	}
	switch ((enum decode_kind)kind) {
	case K_FD_OR_NONE:
		if (low == -1)
			break;
		/* fallthrough */
	case K_FD:
	case K_INT:
		line_decimal(line, low);
		break;
	case K_DIRFD:
		if (low != AT_FDCWD)
			line_decimal(line, low);
		break;
	case K_LONG:
		line_decimal(line, (int64_t)value);
		break;
	case K_UINT:
		line_unsigned(line, (uint32_t)low);
		break;
	case K_SIZE:
		line_unsigned(line, value);
		break;
	case K_HEX:
		if (low)
			line_hex(line, (uint32_t)low);
		break;
	case K_ADDR:
		if (value)
			line_hex(line, value);
		break;
	case K_PATH:
		put_string(call, value);
		break;
	default:
		put_special(call, i, kind);
		break;
	}
}

static const struct decode_signature *find_signature(const char *name)
{
	for (size_t i = 0; name && i < decode_signatures_count; i++)
		if (strcmp(decode_signatures[i].name, name) == 0)
			return &decode_signatures[i];
	return NULL;
}

const char *decode_call_name(int nr)
{
	const struct master master = MASTER_HERE;

	if (nr < 0 || (size_t)nr >= master.n_name_at || master.name_at[nr] == 0)
		return NULL;
	return master.names + master.name_at[nr];
}

static void put_arguments(const struct call *call, const uint8_t kinds[6])
{
	bool first = true;

	for (unsigned i = 0; i < 6 && kinds[i] != K_END; i++) {
		size_t before = call->line->len;
		size_t start;

		if (!first)
			line_text(call->line, ", ");
		start = call->line->len;
		if (kinds[i] == K_FOLLOW)
			put_follower(call, i, kinds[i - 1]);
		else
			put_argument(call, i, kinds[i]);
		if (call->line->len == start)
			call->line->len = before; /* there was nothing to say */
		else
			first = false;
	}
}

size_t decode_call(int nr, const uint64_t args[6], const struct decode_source *source, char *buf,
		   size_t size)
{
	const char *name = decode_call_name(nr);
	const struct decode_signature *signature = find_signature(name);
	struct line line;
	struct call call = {.line = &line, .source = source, .args = args, .nr = nr};

	line_init(&line, buf, size);
	if (name) {
		line_text(&line, name);
	} else {
		line_text(&line, "syscall_");
		line_decimal(&line, nr);
	}
	line_char(&line, '(');
	if (signature)
		put_arguments(&call, signature->kinds);
	line_char(&line, ')');
	return line_end(&line);
}
