/* SPDX-License-Identifier: MIT */
/* The manual and README.md against the code: they render, every option stands in both --help and
 * the manual, and the policies that they show are policies. Pure: reads the sources, found by
 * SBX_SOURCE (the current directory). */
#include <criterion/criterion.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../launcher/options.h"
#include "../shim/policy_file.h"

static const char page_1[] = "launcher/sbx-preload.1.in";
static const char page_5[] = "launcher/sbx-preload.ini.5.in";
static const char readme[] = "README.md";

static void source_path(const char *name, char ret[PATH_MAX])
{
	const char *top = getenv("SBX_SOURCE");

	(void)snprintf(ret, PATH_MAX, "%s/%s", top ? top : ".", name);
}

/* The whole file; heap. */
static char *read_source(const char *name)
{
	char path[PATH_MAX];
	char *text = NULL;
	size_t size = 0;
	FILE *file;

	source_path(name, path);
	file = fopen(path, "re");
	cr_assert_not_null(file, "%s: %m", path);
	cr_assert_gt(getdelim(&text, &size, '\0', file), 0, "%s: %m", path);
	(void)fclose(file);
	return text;
}

/* roff's way of writing what the reader shall see as a minus, or an apostrophe. In place. */
static void unescape(char *text)
{
	char *out = text;

	while (*text) {
		if (strncmp(text, "\\-", 2) == 0) {
			*out++ = '-';
			text += 2;
		} else if (strncmp(text, "\\[ti]", 5) == 0) {
			*out++ = '~';
			text += 5;
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

/* Is there @word, with nothing before or behind it that would make it another option? */
static bool has_option(const char *text, const char *word, size_t len)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "%.*s", (int)len, word);
	for (const char *at = text; (at = strstr(at, name)) != NULL; at++)
		if ((at == text || at[-1] != '-') && !isalpha((unsigned char)at[len]) &&
		    at[len] != '-')
			return true;
	return false;
}

/* Every "--word" of @from that stands where a line describes options must be in @to. Returns how
 * many there were. */
static unsigned expect_options(const char *from, const char *to, const char *where)
{
	unsigned count = 0;

	for (const char *at = from; (at = strstr(at, "--")) != NULL;) {
		size_t len = 2 + strspn(at + 2, "abcdefghijklmnopqrstuvwxyz-");

		if (len > 3) {
			count++;
			cr_expect(has_option(to, at, len), "%.*s is not in %s", (int)len, at,
				  where);
		}
		at += len;
	}
	return count;
}

Test(man, options_are_those_of_help)
{
	char *page = read_source(page_1);
	char *options, *end;

	unescape(page);
	options = strstr(page, ".SH OPTIONS");
	cr_assert_not_null(options);
	end = strstr(options, ".SH EXIT STATUS");
	cr_assert_not_null(end);
	*end = '\0';
	cr_expect_gt(expect_options(options_help, options, page_1), 8);
	cr_expect_gt(expect_options(options, options_help, "--help"), 8);
	free(page);
}

Test(man, pages_render_without_a_warning)
{
	static const char *const pages[] = {page_1, page_5};

	if (system("command -v groff > /dev/null") != 0) {
		if (getenv("SBX_MUST_RUN"))
			cr_assert_fail("groff is not installed");
		cr_skip_test("groff is not installed");
	}
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		char path[PATH_MAX], command[PATH_MAX + 64], said[512] = "";
		FILE *groff;

		source_path(pages[i], path);
		(void)snprintf(command, sizeof(command), "groff -man -ww -Tutf8 -z '%s' 2>&1",
			       path);
		groff = popen(command, "re");
		cr_assert_not_null(groff);
		said[fread(said, 1, sizeof(said) - 1, groff)] = '\0';
		cr_expect_eq(pclose(groff), 0, "%s", pages[i]);
		cr_expect_str_empty(said, "%s: %s", pages[i], said);
	}
}

static int include_nothing(struct policy *policy, const char *name, struct origin from, void *user,
			   struct sbx_err *err)
{
	(void)policy;
	(void)name;
	(void)from;
	(void)err;
	++*(unsigned *)user;
	return 0;
}

static void expect_policy(const char *where, const char *text, size_t len)
{
	char *envp[] = {(char *)(uintptr_t) "HOME=/home/user", NULL};
	const struct policy_env env = {.envp = envp, .cwd = "/home/user/work", .uid = 1000};
	unsigned includes = 0;
	const struct policy_source source = {
		.file = where,
		.text = text,
		.len = len,
		.include = include_nothing,
		.user = &includes,
	};
	struct sbx_err err = {0};
	struct policy policy;

	policy_init(&policy);
	cr_expect_eq(policy_parse_text(&policy, &source, &env, &err), 0,
		     "%s, the example that begins with \"%.*s\": line %u: %s", where,
		     (int)strcspn(text, "\n"), text, err.line, err.msg);
	policy_done(&policy);
}

/* The examples between @begin and @end that hold a policy. */
static void expect_policies(const char *name, const char *begin, const char *end, unsigned wanted)
{
	char *text = read_source(name);
	unsigned count = 0;

	unescape(text);
	for (char *at = text; (at = strstr(at, begin)) != NULL;) {
		char *stop;

		at += strlen(begin);
		stop = strstr(at, end);
		cr_assert_not_null(stop, "%s: an example has no end", name);
		*stop = '\0';
		if (strstr(at, "[sandbox]")) {
			expect_policy(name, at, strlen(at));
			count++;
		}
		at = stop + 1;
	}
	cr_expect_eq(count, wanted, "%s: %u policies", name, count);
	free(text);
}

Test(man, example_policies_are_policies)
{
	expect_policies(page_5, ".EX\n", ".EE\n", 3);
	expect_policies(readme, "```ini\n", "```\n", 1);
}
