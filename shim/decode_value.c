/* SPDX-License-Identifier: MIT */
/* Arguments that say everything by themselves: constants, flags, and numbers with parts. */
#include "decode_parts.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/sched.h>

#include "master.h"

#define NUMBER_MAX   UINT16_MAX /* what has no name and is larger looks like bits: in hex */
#define SOCK_TYPE    0xfu	/* net.h: SOCK_TYPE_MASK; the rest of the type are flags */
#define HUGE_SHIFT   26		/* MAP_HUGE_SHIFT, MFD_HUGE_SHIFT, SHM_HUGE_SHIFT */
#define HUGE_MASK    0x3fu
#define MFD_HUGETLB_ 4u
#define CLONE_HIGH   UINT64_C(3) /* what K_CLONE_HIGH has names for */
/* libc keeps the kernel's first two real-time signals to itself (nptl(7)). */
#define FIRST_REAL_TIME 34
#define LAST_SIGNAL	64

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

/* Where the constants of a set begin and end among all of them. */
struct range {
	uint16_t first, end;
};

static struct range find_range(uint8_t kind)
{
	static struct range ranges[KIND_COUNT];

	if (!ranges[kind].end) {
		struct range range = {0, 1}; /* none: looks at the first in vain */

		for (size_t i = decode_constants_count; i-- > 0;) {
			if (decode_constants[i].kind != kind)
				continue;
			if (range.end == 1)
				range.end = (uint16_t)(i + 1);
			range.first = (uint16_t)i;
		}
		ranges[kind] = range;
	}
	return ranges[kind];
}

const char *decode_find_constant(uint8_t kind, uint32_t value)
{
	const struct range range = find_range(kind);

	for (size_t i = range.first; i < range.end; i++)
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

/* "SIGRTMIN+3", as kill(1) has it. */
static void put_real_time(struct line *line, uint32_t signal)
{
	line_text(line, "SIGRTMIN");
	if (signal == FIRST_REAL_TIME)
		return;
	line_char(line, '+');
	line_unsigned(line, signal - FIRST_REAL_TIME);
}

void decode_put_enum(const struct decode_state *state, unsigned i, uint8_t kind, uint32_t level,
		     uint32_t value)
{
	const char *name = find_word(state->nr, i, level, value);

	if (!name)
		name = decode_find_constant(kind, value);
	if (name && kind == K_MEMBARRIER)
		line_text(state->line, "MEMBARRIER_CMD_");
	if (name)
		line_text(state->line, name);
	else if (kind == K_SIGNAL && value >= FIRST_REAL_TIME && value <= LAST_SIGNAL)
		put_real_time(state->line, value);
	else
		put_number(state->line, value);
}

void decode_put_flags(struct line *line, uint8_t kind, uint64_t value, unsigned before)
{
	const struct range range = find_range(kind);

	for (size_t i = range.first; i < range.end; i++) {
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

/* ---- flags with something else among them ---- */

void decode_put_open_flags(struct line *line, uint64_t flags)
{
	line_text(line, decode_find_constant(K_ACCESS_MODE, (uint32_t)flags & O_ACCMODE));
	decode_put_flags(line, K_OPEN, flags & ~(uint64_t)O_ACCMODE, 1);
}

void decode_put_clone_flags(const struct decode_state *state, uint64_t flags, uint32_t signal)
{
	uint64_t high = flags >> 32 & CLONE_HIGH;
	size_t before = state->line->len;

	decode_put_flags(state->line, K_CLONE_HIGH, high, 0);
	decode_put_flags(state->line, K_CLONE, flags & ~(high << 32), high != 0);
	if (!signal)
		return;
	if (state->line->len > before)
		line_char(state->line, '|');
	decode_put_enum(state, 0, K_SIGNAL, 0, signal);
}

/* A constant in the bits @mask, flags in the others. */
static void put_mixed(const struct decode_state *state, unsigned i, uint8_t constants,
		      uint8_t flags, uint32_t mask)
{
	uint32_t value = (uint32_t)state->args[i];

	decode_put_enum(state, i, constants, 0, value & mask);
	decode_put_flags(state->line, flags, value & ~mask, 1);
}

static void put_file_mode(struct line *line, uint32_t mode)
{
	const char *type = decode_find_constant(K_FILE_TYPE, mode & S_IFMT);

	if (type) {
		line_text(line, type);
		line_char(line, '|');
		mode &= ~(uint32_t)S_IFMT;
	}
	line_octal(line, mode);
}

/* Flags, and with @huge among them the binary logarithm of a page size in the bits above:
 * "MAP_HUGE_2MB", as the kernel's headers have it. */
static void put_huge_flags(struct line *line, uint8_t kind, const char *prefix, uint32_t huge,
			   uint32_t value)
{
	uint32_t power = value & huge ? value >> HUGE_SHIFT & HUGE_MASK : 0;

	decode_put_flags(line, kind, value & ~(power << HUGE_SHIFT), 0);
	if (!power)
		return;
	line_char(line, '|');
	line_text(line, prefix);
	line_text(line, "_HUGE_");
	line_unsigned(line, UINT64_C(1) << power % 10);
	if (power >= 10)
		line_char(line, "KMGTPE"[power / 10 - 1]);
	line_char(line, 'B');
}

/* shmget(2), semget(2), msgget(2): flags over permission bits. */
static void put_ipc_get(struct line *line, uint8_t kind, uint32_t value)
{
	uint32_t mode = value & 0777;
	size_t before = line->len;

	if (kind == K_SHMGET_FLAGS)
		put_huge_flags(line, K_SHMGET, "SHM", SHM_HUGETLB, value & ~UINT32_C(0777));
	else
		decode_put_flags(line, K_IPCGET, value & ~UINT32_C(0777), 0);
	if (!mode && line->len > before)
		return;
	if (line->len > before)
		line_char(line, '|');
	line_octal(line, mode);
}

/* ---- numbers with parts ---- */

/* "IOPRIO_CLASS_BE 4": ioprio_set(2). */
static void put_ioprio(const struct decode_state *state, unsigned i, uint32_t value)
{
	uint32_t level = value & 0x1fff;

	decode_put_enum(state, i, K_IOPRIO_CLASS, 0, value >> 13);
	line_char(state->line, ' ');
	line_unsigned(state->line, level);
}

/* "QCMD(Q_QUOTAON, USRQUOTA)": quotactl(2). */
static void put_quota(const struct decode_state *state, unsigned i, uint32_t value)
{
	const char *command = decode_find_constant(K_QUOTA_COMMAND, value >> 8);

	line_text(state->line, "QCMD(");
	if (command)
		line_text(state->line, command);
	else
		line_hex(state->line, value >> 8);
	line_text(state->line, ", ");
	decode_put_enum(state, i, K_QUOTA_TYPE, 0, value & 0xff);
	line_char(state->line, ')');
}

static const char *find_ioctl(uint32_t command)
{
	for (size_t i = 0; i < decode_ioctls_count; i++)
		if (decode_ioctls[i].value == command)
			return decode_ioctls[i].name;
	return NULL;
}

/* The command, or how a header would make it: "_IOWR('V', 0x12, 4)" (ioctl(2), asm-generic/ioctl.h,
 * which both architectures have). */
static void put_ioctl(const struct decode_state *state, unsigned i, uint32_t command)
{
	static const char macros[4][6] = {"_IO", "_IOW", "_IOR", "_IOWR"};
	const char *name = find_word(state->nr, i, 0, command);
	struct line *line = state->line;
	uint32_t direction = command >> 30, size = command >> 16 & 0x3fff;
	char type = (char)(command >> 8);

	if (!name)
		name = find_ioctl(command);
	if (name) {
		line_text(line, name);
		return;
	}
	if (type <= ' ' || type > '~' || type == '\'' || type == '"' || type == '\\' ||
	    (!direction && size)) {
		line_hex(line, command);
		return;
	}
	line_text(line, macros[direction]);
	line_text(line, "('");
	line_char(line, type);
	line_text(line, "', ");
	line_hex(line, command & 0xff);
	if (direction) {
		line_text(line, ", ");
		line_unsigned(line, size);
	}
	line_char(line, ')');
}

/* ---- sockets ---- */

static void put_protocol(const struct decode_state *state, unsigned i, uint32_t protocol)
{
	uint32_t family = (uint32_t)state->args[0];
	uint8_t kind = K_END;

	if (family == AF_NETLINK)
		kind = K_NETLINK_PROTOCOL;
	else if (family == AF_INET || family == AF_INET6)
		kind = K_IPPROTO;
	if (family == AF_PACKET && protocol <= UINT16_MAX) {
		/* packet(7): in network order; both architectures are little-endian. */
		protocol = (uint16_t)(protocol << 8 | protocol >> 8);
		kind = K_ETHERTYPE;
	}
	/* 0 is the type's own protocol, where it is not NETLINK_ROUTE. */
	if (!protocol && kind != K_NETLINK_PROTOCOL)
		return;
	if (kind == K_ETHERTYPE && !decode_find_constant(kind, protocol))
		line_hex(state->line, protocol);
	else
		decode_put_enum(state, i, kind, 0, protocol);
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
		{58, K_ICMPV6},
		{136, K_UDP}, /* IPPROTO_UDPLITE */
		{SOL_RAW, K_RAW},
		{SOL_PACKET, K_PACKET_OPTION},
		{SOL_NETLINK, K_NETLINK_OPTION},
		{SOL_ALG, K_ALG},
		{SOL_TLS, K_TLS},
		{SOL_XDP, K_XDP},
		{284, K_MPTCP},
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].level == level)
			return kinds[i].kind;
	return K_END;
}

static void put_option(const struct decode_state *state, unsigned i, uint32_t level,
		       uint32_t option)
{
	uint8_t kind = option_kind(level);
	const char *name = NULL;

	/* The firewall's options mean one thing when set and another when asked for. */
	if (state->nr == SYS_getsockopt && kind == K_IP)
		name = decode_find_constant(K_IP_GET, option);
	else if (state->nr == SYS_getsockopt && kind == K_IPV6)
		name = decode_find_constant(K_IPV6_GET, option);
	/* The table names the options where they are set. */
	if (!name)
		name = find_word(SYS_setsockopt, i, level, option);
	if (!name)
		name = decode_find_constant(kind, option);
	if (name)
		line_text(state->line, name);
	else
		put_number(state->line, option);
}

/* ---- all of them ---- */

void decode_put_value(const struct decode_state *state, unsigned i, uint8_t kind)
{
	struct line *line = state->line;
	uint32_t low = (uint32_t)state->args[i];

	switch ((enum decode_kind)kind) {
	case K_FILE_MODE:
		put_file_mode(line, low);
		break;
	case K_OPEN_FLAGS:
		decode_put_open_flags(line, low);
		break;
	case K_CLONE_FLAGS:
		decode_put_clone_flags(state, low & ~(uint32_t)CSIGNAL, low & CSIGNAL);
		break;
	case K_SOCKET_TYPE:
		put_mixed(state, i, K_SOCK_TYPE, K_SOCK, SOCK_TYPE);
		break;
	case K_SCHED_POLICY:
		put_mixed(state, i, K_SCHED, K_SCHED_FLAGS, ~UINT32_C(0x40000000));
		break;
	case K_MPOL_MODE:
		put_mixed(state, i, K_MPOL, K_MPOL_FLAGS, ~UINT32_C(0xe000));
		break;
	case K_FUTEX_OP:
		put_mixed(state, i, K_FUTEX, K_FUTEX_FLAGS, ~UINT32_C(0x100));
		break;
	case K_MAP_FLAGS:
		put_huge_flags(line, K_MAP, "MAP", MAP_HUGETLB, low);
		break;
	case K_MEMFD_FLAGS:
		put_huge_flags(line, K_MEMFD, "MFD", MFD_HUGETLB_, low);
		break;
	case K_SHMGET_FLAGS:
	case K_IPCGET_FLAGS:
		put_ipc_get(line, kind, low);
		break;
	case K_IOPRIO:
		put_ioprio(state, i, low);
		break;
	case K_QUOTA:
		put_quota(state, i, low);
		break;
	case K_IOCTL:
		put_ioctl(state, i, low);
		break;
	case K_PROTOCOL:
		put_protocol(state, i, low);
		break;
	case K_OPTION:
		put_option(state, i, i > 0 ? (uint32_t)state->args[i - 1] : 0, low);
		break;
	default:
		break;
	}
}
