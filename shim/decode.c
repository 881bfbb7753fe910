/* SPDX-License-Identifier: MIT */
#include "decode_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <linux/openat2.h>
#include <linux/sched.h>

#include "master.h"

#define STRING_MAX  200	      /* bytes of a string that are shown */
#define ADDRESS_MAX 128	      /* sizeof(struct sockaddr_storage): the kernel takes no longer one */
#define TMPFILE	    020000000 /* the bit of O_TMPFILE alone: the macro holds O_DIRECTORY, too */

/* Returns how many bytes there are, up to @size. */
static size_t read_memory(const struct decode_state *state, uint64_t addr, void *buf, size_t size)
{
	size_t done = 0;

	while (state->source->read && done < size) {
		ssize_t n = state->source->read(state->source->user, addr + done,
						(char *)buf + done, size - done);

		if (n <= 0 || (size_t)n > size - done)
			break;
		done += (size_t)n;
	}
	return done;
}

/* ---- memory ---- */

static void put_pointer(struct line *line, uint64_t addr)
{
	if (addr)
		line_hex(line, addr);
	else
		line_text(line, "NULL");
}

/* Up to its end or to @size bytes. Returns how many there are; *ret_end: its NUL, or NULL. */
static size_t read_string(const struct decode_state *state, uint64_t addr, char *buf, size_t size,
			  const char **ret_end)
{
	size_t done = 0;

	*ret_end = NULL;
	while (addr && state->source->read && done < size && !*ret_end) {
		ssize_t n = state->source->read(state->source->user, addr + done, buf + done,
						size - done);

		if (n <= 0 || (size_t)n > size - done)
			break;
		*ret_end = memchr(buf + done, '\0', (size_t)n);
		done += (size_t)n;
	}
	return done;
}

/* Not inlined: its buffer would stand on the stack of every other argument, too. */
static __attribute__((noinline)) void put_string(const struct decode_state *state, uint64_t addr)
{
	char text[STRING_MAX + 1];
	const char *end;
	size_t got = read_string(state, addr, text, sizeof(text), &end);

	if (!end && got < sizeof(text)) {
		put_pointer(state->line, addr); /* EFAULT for the kernel, too */
		return;
	}
	line_char(state->line, '"');
	line_escaped(state->line, text, end ? (size_t)(end - text) : STRING_MAX);
	line_text(state->line, end ? "\"" : "\"...");
}

/* Text without a NUL: sethostname(2). */
static __attribute__((noinline)) void put_text(const struct decode_state *state, uint64_t addr,
					       uint32_t size)
{
	char text[STRING_MAX];
	size_t shown = size < sizeof(text) ? size : sizeof(text);

	if (!addr || read_memory(state, addr, text, shown) < shown) {
		put_pointer(state->line, addr);
		return;
	}
	line_char(state->line, '"');
	line_escaped(state->line, text, shown);
	line_text(state->line, shown == size ? "\"" : "\"...");
}

static void put_address(const struct decode_state *state, uint64_t addr, uint32_t size)
{
	unsigned char bytes[ADDRESS_MAX];

	if (!addr)
		return; /* sendto(2) to whom the socket is connected */
	if (size > sizeof(bytes) || size < sizeof(sa_family_t) ||
	    read_memory(state, addr, bytes, size) < size)
		put_pointer(state->line, addr);
	else
		decode_address(state->line, bytes, size);
}

static void put_msghdr(const struct decode_state *state, uint64_t addr)
{
	struct {
		uint64_t name;
		uint32_t size;
	} head; /* how struct msghdr begins */

	if (read_memory(state, addr, &head, sizeof(head)) < sizeof(head))
		put_pointer(state->line, addr);
	else
		put_address(state, head.name, head.size);
}

static void put_flock(const struct decode_state *state, uint64_t addr)
{
	int16_t type; /* the first member */

	if (read_memory(state, addr, &type, sizeof(type)) < sizeof(type))
		put_pointer(state->line, addr);
	else
		decode_put_enum(state, 2, K_LOCK_TYPE, 0, (uint32_t)type);
}

static void put_limit(struct line *line, uint64_t limit)
{
	if (limit == RLIM_INFINITY)
		line_text(line, "RLIM_INFINITY");
	else
		line_unsigned(line, limit);
}

/* The new limits: prlimit(2) without any only asks. */
static void put_rlimit(const struct decode_state *state, uint64_t addr)
{
	struct line *line = state->line;
	uint64_t limits[2];

	if (!addr)
		return;
	if (read_memory(state, addr, limits, sizeof(limits)) < sizeof(limits)) {
		put_pointer(line, addr);
		return;
	}
	line_text(line, "{cur=");
	put_limit(line, limits[0]);
	line_text(line, ", max=");
	put_limit(line, limits[1]);
	line_char(line, '}');
}

static void put_rw_hint(const struct decode_state *state, unsigned i, uint64_t addr)
{
	uint64_t hint;

	if (read_memory(state, addr, &hint, sizeof(hint)) < sizeof(hint))
		put_pointer(state->line, addr);
	else if (hint > UINT32_MAX)
		line_hex(state->line, hint);
	else
		decode_put_enum(state, i, K_RW_HINT, 0, (uint32_t)hint);
}

/* ---- open and clone ---- */

static void put_open_mode(struct line *line, uint64_t flags, uint64_t mode)
{
	if (flags & (O_CREAT | TMPFILE))
		line_octal(line, mode);
}

static void put_open_how(const struct decode_state *state, uint64_t addr)
{
	struct line *line = state->line;
	struct open_how how;

	if (read_memory(state, addr, &how, sizeof(how)) < sizeof(how)) {
		put_pointer(line, addr);
		return;
	}
	decode_put_open_flags(line, how.flags);
	if (how.flags & (O_CREAT | TMPFILE)) {
		line_text(line, ", ");
		put_open_mode(line, how.flags, how.mode);
	}
	if (how.resolve) {
		line_text(line, ", ");
		decode_put_flags(line, K_RESOLVE, how.resolve, 0);
	}
}

static void put_clone_args(const struct decode_state *state, uint64_t addr)
{
	struct clone_args args = {0};
	const size_t needed = offsetof(struct clone_args, stack);

	if (read_memory(state, addr, &args, needed) < needed)
		put_pointer(state->line, addr);
	else
		decode_put_clone_flags(state, args.flags, (uint32_t)args.exit_signal);
}

/* ---- arguments ---- */

/* What is behind a command, by its value; K_END: nothing that it takes. */
static uint8_t find_follower(uint8_t command, uint32_t value)
{
	for (size_t i = 0; i < decode_followers_count; i++)
		if (decode_followers[i].kind == command && decode_followers[i].value == value)
			return decode_followers[i].next;
	return K_END;
}

/* Returns whether @kind is one that points to memory. */
static bool put_pointed(const struct decode_state *state, unsigned i, uint8_t kind)
{
	uint64_t value = state->args[i];
	uint32_t next = i < 5 ? (uint32_t)state->args[i + 1] : 0;

	switch ((enum decode_kind)kind) {
	case K_PATH:
	case K_STRING:
		put_string(state, value);
		return true;
	case K_TEXT:
		put_text(state, value, next);
		return true;
	case K_OPEN_HOW:
		put_open_how(state, value);
		return true;
	case K_CLONE_ARGS:
		put_clone_args(state, value);
		return true;
	case K_ADDRESS:
		put_address(state, value, next);
		return true;
	case K_MSGHDR:
		put_msghdr(state, value);
		return true;
	case K_FLOCK:
		put_flock(state, value);
		return true;
	case K_RLIMIT:
		put_rlimit(state, value);
		return true;
	case K_RW_HINT_AT:
		put_rw_hint(state, i, value);
		return true;
	default:
		return false;
	}
}

/* Not inlined: as above. */
static __attribute__((noinline)) void put_fd(const struct decode_state *state, int fd)
{
	const struct decode_source *source = state->source;
	char name[STRING_MAX];
	size_t len;

	line_decimal(state->line, fd);
	len = source->name_fd && fd >= 0 ? source->name_fd(source->user, fd, name, sizeof(name))
					 : 0;
	if (!len)
		return;
	line_char(state->line, '<');
	line_escaped(state->line, name, len);
	line_char(state->line, '>');
}

static void put_argument(const struct decode_state *state, unsigned i, uint8_t kind)
{
	struct line *line = state->line;
	uint64_t value = state->args[i];
	int32_t low = (int32_t)value;

	if (kind >= KIND_FLAGS && low == -1) {
		line_hex(line, UINT32_MAX); /* no set, but "all" or "just tell me" */
		return;
	}
	if (kind >= KIND_FLAGS) {
		decode_put_flags(line, kind, (uint32_t)low, 0);
		return;
	}
	if (kind >= KIND_ENUMS) {
		decode_put_enum(state, i, kind,
				kind == K_PRCTL_AMBIENT ? (uint32_t)state->args[i - 1] : 0,
				(uint32_t)low);
		return;
	}
	switch ((enum decode_kind)kind) {
	case K_FD_OR_NONE:
		if (low == -1)
			break;
		/* fallthrough */
	case K_FD:
		put_fd(state, low);
		break;
	case K_DIRFD:
		if (low != AT_FDCWD)
			put_fd(state, low);
		break;
	case K_INT:
		line_decimal(line, low);
		break;
	case K_LONG:
		line_decimal(line, (int64_t)value);
		break;
	case K_UINT:
		line_unsigned(line, (uint32_t)low);
		break;
	case K_LAST_FD:
		if (low == -1)
			line_text(line, "~0U");
		else
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
	case K_MODE:
		line_octal(line, (uint32_t)low);
		break;
	case K_OPEN_MODE:
		put_open_mode(line, i > 0 ? state->args[i - 1] : 0, (uint32_t)low);
		break;
	default:
		if (!put_pointed(state, i, kind))
			decode_put_value(state, i, kind);
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

/* Who decodes every call of a program should not search for the same one again and again. */
static const struct decode_signature *find_signature_of(int nr, const char *name)
{
	static const struct decode_signature *found[512];

	if (nr < 0 || (size_t)nr >= ARRAY_SIZE(found))
		return find_signature(name);
	if (!found[nr])
		found[nr] = find_signature(name);
	return found[nr];
}

size_t decode_find_paths(const char *name, struct decode_path ret[DECODE_PATHS_MAX])
{
	const struct decode_signature *signature = find_signature(name);
	size_t n = 0;

	for (int8_t i = 0; signature && i < 6 && n < DECODE_PATHS_MAX; i++) {
		uint8_t kind = signature->kinds[i];

		if (kind == K_PATH)
			ret[n++] = (struct decode_path){
				.path = i,
				.dir = i > 0 && signature->kinds[i - 1] == K_DIRFD ? i - 1 : -1,
			};
		else if (kind == K_ADDRESS)
			ret[n++] = (struct decode_path){.path = i, .dir = -1, .address = true};
	}
	return n;
}

size_t decode_find_strings(const char *name, uint8_t ret[DECODE_STRINGS_MAX])
{
	const struct decode_signature *signature = find_signature(name);
	size_t n = 0;

	for (uint8_t i = 0; signature && i < 6 && n < DECODE_STRINGS_MAX; i++)
		if (signature->kinds[i] == K_PATH || signature->kinds[i] == K_STRING)
			ret[n++] = i;
	return n;
}

const char *decode_call_name(int nr)
{
	const struct master master = MASTER_HERE;

	if (nr < 0 || (size_t)nr >= master.n_name_at || master.name_at[nr] == 0)
		return NULL;
	return master.names + master.name_at[nr];
}

static void put_arguments(const struct decode_state *state, const uint8_t kinds[6])
{
	uint8_t kind = K_END;
	bool first = true;

	for (unsigned i = 0; i < 6 && kinds[i] != K_END; i++) {
		size_t before = state->line->len;
		size_t start;

		if (!first)
			line_text(state->line, ", ");
		start = state->line->len;
		kind = kinds[i] == K_FOLLOW ? find_follower(kind, (uint32_t)state->args[i - 1])
					    : kinds[i];
		put_argument(state, i, kind);
		/* A command whose flags are none takes them away: fcntl(3, F_SETFD, 0). */
		if (state->line->len == start && kinds[i] == K_FOLLOW && kind >= KIND_FLAGS)
			line_char(state->line, '0');
		if (state->line->len == start)
			state->line->len = before; /* there was nothing to say */
		else
			first = false;
	}
}

size_t decode_call(int nr, const uint64_t args[6], const struct decode_source *source, char *buf,
		   size_t size)
{
	const char *name = decode_call_name(nr);
	const struct decode_signature *signature = find_signature_of(nr, name);
	struct line line;
	struct decode_state state = {.line = &line, .source = source, .args = args, .nr = nr};

	line_init(&line, buf, size);
	if (name) {
		line_text(&line, name);
	} else {
		line_text(&line, "syscall_");
		line_decimal(&line, nr);
	}
	line_char(&line, '(');
	if (signature)
		put_arguments(&state, signature->kinds);
	line_char(&line, ')');
	return line_end(&line);
}
