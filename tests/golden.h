/* SPDX-License-Identifier: MIT */
/* Golden files: what is said of denials, one entry each, compared with tests/golden/NAME.
 * SBX_GOLDEN_UPDATE=1 writes them anew: read what has changed as a user would. SBX_GOLDEN names
 * another directory. And the probe "denials", whose stderr the entries come from. */
#pragma once

#include <stdarg.h>

#include "probe_stage.h"

#define SBX	    "{stage}/sbx-preload"
#define PROBE	    "{root}/bin/denials"
#define LINE_START  "sbx-preload: denials["
#define LOOPBACK_80 "%020000507f0000010000000000000000" /* struct sockaddr_in, for the probe */
#define ENTRIES_MAX 1024
#define TEXT_SIZE   4096

struct entry {
	char key[160];
	char *text; /* heap, no newline at its end; NULL: not to be had on this machine */
};

struct golden {
	struct entry entries[ENTRIES_MAX];
	size_t count;
};

static struct golden now, then; /* what is said, and the file; one test a process */

static inline char *format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static inline char *format(const char *fmt, ...)
{
	char *text;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		cr_assert_fail("out of memory");
	va_end(args);
	return text;
}

static inline void add_entry(struct golden *golden, const char *key, char *text)
{
	struct entry *entry = &golden->entries[golden->count++];

	cr_assert_lt(golden->count, ENTRIES_MAX);
	cr_assert_lt(strlen(key), sizeof(entry->key), "too long: %s", key);
	memcpy(entry->key, key, strlen(key) + 1);
	entry->text = text;
}

static inline const char *find_entry(const struct golden *golden, const char *key)
{
	for (size_t i = 0; i < golden->count; i++)
		if (strcmp(golden->entries[i].key, key) == 0)
			return golden->entries[i].text;
	return NULL;
}

/* "KEY | TEXT"; lines that begin with a blank go on with the text; '#' is a comment. */
static inline void read_golden(const char *path, struct golden *ret)
{
	FILE *f = fopen(path, "re");
	char line[TEXT_SIZE];

	while (f && fgets(line, sizeof(line), f)) {
		char *bar = strstr(line, " | ");
		struct entry *last = ret->count ? &ret->entries[ret->count - 1] : NULL;

		line[strcspn(line, "\n")] = '\0';
		if (line[0] == ' ' && last) {
			char *text = format("%s\n%s", last->text, line);

			free(last->text);
			last->text = text;
		} else if (line[0] != '#' && line[0]) {
			cr_assert(bar, "%s: not \"KEY | TEXT\": %s", path, line);
			*bar = '\0';
			add_entry(ret, line, format("%s", bar + 3));
		}
	}
	if (f)
		(void)fclose(f); /* only read */
}

static inline void write_golden(const char *path, const char *title)
{
	FILE *f = fopen(path, "we");

	cr_assert(f, "%s: %s", path, strerror(errno));
	(void)fprintf(f, "# %s\n# Written by SBX_GOLDEN_UPDATE=1 make check-live.\n", title);
	for (size_t i = 0; i < now.count; i++) {
		const char *text = now.entries[i].text;

		if (!text)
			text = find_entry(&then, now.entries[i].key); /* as it was */
		if (text)
			(void)fprintf(f, "%s | %s\n", now.entries[i].key, text);
	}
	cr_assert_eq(fclose(f), 0, "%s: %s", path, strerror(errno));
}

static inline void golden_path(const char *name, char ret[256])
{
	const char *dir = getenv("SBX_GOLDEN");

	(void)snprintf(ret, 256, "%s/%s", dir ? dir : "tests/golden", name);
}

/* Are the entries of `now` those of the file? */
static inline void check_golden(const char *name, const char *title)
{
	const char *update = getenv("SBX_GOLDEN_UPDATE");
	char path[256];

	golden_path(name, path);
	read_golden(path, &then);
	if (update && strcmp(update, "1") == 0) {
		write_golden(path, title);
		return;
	}
	for (size_t i = 0; i < now.count; i++) {
		const struct entry *entry = &now.entries[i];
		const char *old = find_entry(&then, entry->key);

		if (entry->text && !old)
			cr_expect_fail("%s lacks:\n+ %s | %s", path, entry->key, entry->text);
		else if (entry->text && strcmp(entry->text, old) != 0)
			cr_expect_fail("%s: %s\n- %s\n+ %s", path, entry->key, old, entry->text);
	}
	for (size_t i = 0; i < then.count; i++) {
		const char *key = then.entries[i].key;
		bool known = false;

		for (size_t j = 0; j < now.count && !known; j++)
			known = strcmp(now.entries[j].key, key) == 0;
		cr_expect(known, "%s has, but nothing says:\n- %s | %s", path, key,
			  then.entries[i].text);
	}
}

static inline char *replace_all(char *text, const char *from, const char *to)
{
	char *at = strstr(text, from);

	while (at) {
		char *next = format("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));

		at = strstr(next + (at - text) + strlen(to), from);
		free(text);
		text = next;
	}
	return text;
}

/* ---- the probe ---- */

static inline void skip_elsewhere(void)
{
#ifndef __x86_64__
	stage_skip("the calls are spelled out for x86-64");
#endif
}

static inline void stage_denials(struct live *live, uid_t uid)
{
	live_need_landlock(6);
	live_init(live, uid);
	stage_mkdir(live, "{root}/bin", 0755);
	cr_assert(stage_probe(live, "denials", 0755), "the probe \"denials\" is not built");
}

/* The next line of what was said, from "denied" on; NULL at the end. *ret_pid: who it is about. */
static inline char *next_line(char **text, long *ret_pid)
{
	char *line = *text, *end;

	if (!*line)
		return NULL;
	end = strchrnul(line, '\n');
	*text = *end ? end + 1 : end;
	*end = '\0';
	*ret_pid = 0;
	if (strncmp(line, LINE_START, strlen(LINE_START)) == 0) {
		*ret_pid = strtol(line + strlen(LINE_START), &line, 10);
		line += strncmp(line, "]: ", 3) == 0 ? 3 : 0;
	}
	return format("%s", line);
}
