/* SPDX-License-Identifier: MIT */
/* Rules as text. For the launcher: the shim shows none. */
#include "rule_parts.h"

#include <stdio.h>
#include <string.h>

#include <fcntl.h>
#include <sys/socket.h>

#include "decode_table.h"
#include "line.h"
#include "master.h"

#define VALUE_MAX 100 /* bytes of a value in names; beyond, a number says it better */

static const char *const ops[RULE_OPS] = {
	[RULE_EQ] = "==", [RULE_NE] = "!=", [RULE_LT] = "<",
	[RULE_LE] = "<=", [RULE_GT] = ">",  [RULE_GE] = ">=",
};

/* Arguments that are more than one set: the constant in some bits, flags in the others. */
static const struct {
	uint16_t mask; /* where the constant is */
	uint8_t kind;
	uint8_t constant; /* K_END: flags only */
	uint8_t flags;	  /* K_END: a constant only */
} mixed[] = {
	{O_ACCMODE, K_OPEN_FLAGS, K_ACCESS_MODE, K_OPEN},
	{0, K_CLONE_FLAGS, K_END, K_CLONE},
	{0xf, K_SOCKET_TYPE, K_SOCK_TYPE, K_SOCK},
	{0xff, K_SCHED_POLICY, K_SCHED, K_SCHED_FLAGS},
	{0xff, K_MPOL_MODE, K_MPOL, K_MPOL_FLAGS},
	{0xff, K_FUTEX_OP, K_FUTEX, K_FUTEX_FLAGS},
	{0, K_MAP_FLAGS, K_END, K_MAP},
	{0, K_MEMFD_FLAGS, K_END, K_MEMFD},
	{0, K_SHMGET_FLAGS, K_END, K_SHMGET},
	{0, K_IPCGET_FLAGS, K_END, K_IPCGET},
	{0xf000, K_FILE_MODE, K_FILE_TYPE, K_END},
};

static uint8_t signature_kind(const char *call, unsigned arg)
{
	for (size_t i = 0; i < decode_signatures_count; i++)
		if (strcmp(decode_signatures[i].name, call) == 0)
			return decode_signatures[i].kinds[arg];
	return K_END;
}

static const struct rule_condition *find_equal(const struct rule *rule, unsigned arg)
{
	for (unsigned i = 0; i < rule->n_conditions; i++)
		if (rule->conditions[i].arg == arg && rule->conditions[i].op == RULE_EQ)
			return &rule->conditions[i];
	return NULL;
}

/* What the argument of a condition is; K_END: nothing that has names. */
static uint8_t kind_of(const struct rule *rule, const struct rule_condition *condition)
{
	uint8_t kind = signature_kind(rule_call_name(rule), condition->arg);
	const struct rule_condition *before =
		condition->arg ? find_equal(rule, condition->arg - 1u) : NULL;
	const struct rule_condition *family = find_equal(rule, 0);

	if (kind == K_FOLLOW && before) {
		uint8_t command = signature_kind(rule_call_name(rule), condition->arg - 1u);

		for (size_t i = 0; i < decode_followers_count; i++)
			if (decode_followers[i].kind == command &&
			    decode_followers[i].value == (uint32_t)before->value)
				return decode_followers[i].next;
	}
	if (kind == K_PROTOCOL && family && family->value == AF_NETLINK)
		return K_NETLINK_PROTOCOL;
	if (kind == K_PROTOCOL && family && (family->value == AF_INET || family->value == AF_INET6))
		return K_IPPROTO;
	return kind;
}

static const char *find_word(const struct rule *rule, unsigned arg, uint32_t value)
{
	const struct rule_condition *before = arg ? find_equal(rule, arg - 1) : NULL;
	const struct master master = MASTER_HERE;

	for (size_t i = 0; i < master.n_words; i++) {
		const struct master_word *word = &master.words[i];

		if (word->nr == rule->nr && word->arg == arg && word->value == value &&
		    (!word->level || (before && word->level == (uint32_t)before->value)))
			return word->name;
	}
	return NULL;
}

static const char *find_constant(uint8_t kind, uint32_t value)
{
	for (size_t i = 0; i < decode_constants_count; i++)
		if (decode_constants[i].kind == kind && decode_constants[i].value == value)
			return decode_constants[i].name;
	return NULL;
}

static const char *find_ioctl(uint32_t value)
{
	for (size_t i = 0; i < decode_ioctls_count; i++)
		if (decode_ioctls[i].value == value)
			return decode_ioctls[i].name;
	return NULL;
}

/* Returns false when bits are left that have no name. */
static bool put_flags(struct line *line, uint8_t kind, uint64_t value, bool before)
{
	for (size_t i = 0; i < decode_constants_count; i++) {
		const struct decode_constant *constant = &decode_constants[i];

		if (constant->kind != kind || !constant->value ||
		    (value & constant->value) != constant->value)
			continue;
		if (before)
			line_char(line, '|');
		line_text(line, constant->name);
		before = true;
		value &= ~(uint64_t)constant->value;
	}
	return !value;
}

static bool put_mixed(struct line *line, size_t i, uint64_t value)
{
	uint64_t part = value & mixed[i].mask;
	const char *name = find_constant(mixed[i].constant, (uint32_t)part);

	if (!name && part)
		return false;
	/* 0 is a constant, too, but not of a mask that only looks at flags. */
	if (name && (part || !(value & ~part)))
		line_text(line, name);
	else
		name = NULL;
	return put_flags(line, mixed[i].flags, value & ~part, name);
}

/* Returns false when there is no name for all of it. */
static bool put_names(const struct rule *rule, const struct rule_condition *condition,
		      uint64_t value, struct line *line)
{
	uint8_t kind = kind_of(rule, condition);
	const char *name = NULL;

	if (value > UINT32_MAX)
		return false;
	if (kind != K_END && kind < KIND_FLAGS)
		name = find_word(rule, condition->arg, (uint32_t)value);
	if (!name && kind == K_DIRFD && (int32_t)value == AT_FDCWD)
		name = "AT_FDCWD";
	if (!name && kind == K_IOCTL)
		name = find_ioctl((uint32_t)value);
	if (!name && kind >= KIND_ENUMS)
		name = find_constant(kind, (uint32_t)value);
	if (name && kind == K_MEMBARRIER)
		line_text(line, "MEMBARRIER_CMD_");
	if (name) {
		line_text(line, name);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(mixed); i++)
		if (mixed[i].kind == kind)
			return put_mixed(line, i, value);
	return kind >= KIND_FLAGS && value && put_flags(line, kind, value, false);
}

static void put_number(struct line *line, const struct rule_condition *condition, uint64_t value)
{
	const unsigned bits = condition->bits;
	int64_t negative = bits == 32 ? (int32_t)value : (int64_t)value;
	bool quantity = condition->mask == rule_ones(bits); /* or bits of one */

	if (bits == 16)
		line_octal(line, value);
	else if (quantity && negative < 0 && negative >= -4096)
		line_decimal(line, negative);
	else if (value <= (quantity ? UINT16_MAX : 9))
		line_unsigned(line, value);
	else
		line_hex(line, value);
}

static void put_value(const struct rule *rule, const struct rule_condition *condition,
		      uint64_t value, struct line *line)
{
	char text[VALUE_MAX];
	struct line named;
	struct sbx_err err;
	uint64_t again;
	const char *end;

	line_init(&named, text, sizeof(text));
	if (condition->op <= RULE_NE && put_names(rule, condition, value, &named) && named.len &&
	    named.len < sizeof(text)) {
		/* Only names that say the same when they are read. */
		(void)line_end(&named);
		end = rule_parse_value(text, condition->bits, &again, &err);
		if (end && !*end && again == value) {
			line_text(line, text);
			return;
		}
	}
	put_number(line, condition, value);
}

static void put_condition(const struct rule *rule, const struct rule_condition *condition,
			  struct line *line)
{
	struct rule_call call = {0};

	line_text(line, "arg");
	line_unsigned(line, condition->arg);
	if (rule_call_at(rule->call, &call) &&
	    rule_call_bits(&call, condition->arg) != condition->bits) {
		line_char(line, ':');
		line_unsigned(line, condition->bits);
	}
	if (condition->mask != rule_ones(condition->bits)) {
		line_text(line, " & ");
		put_value(rule, condition, condition->mask, line);
	}
	line_char(line, ' ');
	line_text(line, ops[condition->op]);
	line_char(line, ' ');
	put_value(rule, condition, condition->value, line);
}

size_t rule_format(const struct rule *rule, char *buf, size_t size)
{
	struct line line;

	line_init(&line, buf, size);
	line_text(&line, rule_call_name(rule));
	for (unsigned i = 0; i < rule->n_conditions; i++) {
		line_text(&line, i ? ", " : "(");
		put_condition(rule, &rule->conditions[i], &line);
	}
	if (rule->n_conditions)
		line_char(&line, ')');
	if (rule->action == RULE_KILL)
		line_text(&line, " -> kill");
	if (rule->action == RULE_LOG)
		line_text(&line, " -> log");
	if (rule->action == RULE_ERRNO) {
		line_text(&line, " -> errno ");
		line_text(&line, rule_errno_name(rule->error));
	}
	return line_end(&line);
}
