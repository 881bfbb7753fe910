/* SPDX-License-Identifier: MIT */
/* JSON → values, with the numbers that jansson cannot hold. */
#include "import_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS 19 /* a number that does not fit an int64_t has at least that many */

static size_t number_length(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] >= '0' && text[n] <= '9')
		n++;
	if (n < DIGITS || n > 20 || text[0] == '0')
		return 0;
	/* Part of a fraction, or of one with an exponent? */
	if (n < len && strchr(".eE", text[n]) && text[n])
		return 0;
	return n;
}

static bool is_large(const char *text, size_t len)
{
	char digits[24];

	memcpy(digits, text, len);
	digits[len] = '\0';
	errno = 0;
	return strtoull(digits, NULL, 10) > INT64_MAX && errno == 0;
}

/* What jansson gets: large numbers between quotes ("#…"), all else as it is. @ret may be NULL: only
 * count.
 * *ret_at: where byte @upto of the new text stands in the old one. */
static size_t rewrite(const char *text, size_t len, char *ret, size_t upto, size_t *ret_at)
{
	bool in_string = false;
	size_t to = 0;

	for (size_t i = 0; i < len;) {
		bool after = i && (strchr("-+.eE", text[i - 1]) ||
				   (text[i - 1] >= '0' && text[i - 1] <= '9'));
		size_t n = in_string || after ? 0 : number_length(text + i, len - i);
		size_t step = 1;

		if (to <= upto)
			*ret_at = i;
		if (n && is_large(text + i, n)) {
			if (ret) {
				ret[to] = '"';
				ret[to + 1] = '#';
				memcpy(ret + to + 2, text + i, n);
				ret[to + 2 + n] = '"';
			}
			to += n + 3;
			i += n;
			continue;
		}
		if (in_string && text[i] == '\\' && i + 1 < len)
			step = 2;
		else if (text[i] == '"')
			in_string = !in_string;
		if (ret)
			memcpy(ret + to, text + i, step);
		to += step;
		i += step;
	}
	return to;
}

static int parse_failed(const char *name, const char *text, size_t len, const json_error_t *error,
			struct sbx_err *err)
{
	size_t at = 0, line = 1, column = 1;

	if (error->line < 0)
		return err_set(err, -ENOMEM, "out of memory");
	(void)rewrite(text, len, NULL, error->position > 0 ? (size_t)error->position - 1 : 0, &at);
	for (size_t i = 0; i < at && i < len; i++) {
		column++;
		if (text[i] == '\n') {
			line++;
			column = 1;
		}
	}
	return err_at(err, -EINVAL, name, (unsigned)line, "column %zu: %s", column, error->text);
}

int import_parse(const char *name, const char *text, size_t len, json_t **ret, struct sbx_err *err)
{
	size_t at = 0, size = rewrite(text, len, NULL, 0, &at);
	char *rewritten = malloc(size + 1);
	json_error_t error;
	int r = 0;

	if (!rewritten)
		return err_set(err, -ENOMEM, "out of memory");
	(void)rewrite(text, len, rewritten, 0, &at);
	*ret = json_loadb(rewritten, size, JSON_REJECT_DUPLICATES, &error);
	if (!*ret)
		r = parse_failed(name, text, len, &error, err);
	free(rewritten);
	return r;
}

bool import_unsigned(const json_t *value, uint64_t *ret)
{
	const char *text = json_string_value(value);

	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		*ret = (uint64_t)json_integer_value(value);
		return true;
	}
	if (!text || text[0] != '#')
		return false;
	*ret = strtoull(text + 1, NULL, 10); /* import_parse() has seen to it that it fits */
	return true;
}
