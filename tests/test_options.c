/* SPDX-License-Identifier: MIT */
/* The command line. Pure. */
#include <criterion/criterion.h>
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "../launcher/options.h"

#define WORDS_MAX 8

/* argv for one case, argv[0] put in. */
static int parse(const char *const *words, char *argv[WORDS_MAX + 2], struct options *options,
		 struct sbx_err *err)
{
	int argc = 0;

	argv[argc++] = (char *)"sbx-preload";
	for (int i = 0; i < WORDS_MAX && words[i]; i++)
		argv[argc++] = (char *)words[i];
	argv[argc] = NULL;
	optind = 0; /* getopt(3): start anew */
	memset(options, 0, sizeof(*options));
	return options_parse(argc, argv, options, err);
}

Test(options, errors)
{
	static const struct {
		const char *words[WORDS_MAX];
		int code;
		const char *says;
	} rows[] = {
		{{NULL}, -EINVAL, "no program given"},
		{{"--"}, -EINVAL, "no program given"},
		{{"-p"}, -EINVAL, "option \"-p\" wants a value"},
		{{"--policy"}, -EINVAL, "option \"--policy\" wants a value"},
		{{"-P", "a", "-P", "b", "true"}, -EINVAL, "-P is given twice"},
		{{"-z", "true"}, -EINVAL, "unknown option \"-z\""},
		{{"--promisses=stdio", "true"}, -EINVAL, "(did you mean \"--promises\"?)"},
		{{"--xyzzyplugh", "true"}, -EINVAL, "unknown option \"--xyzzyplugh\""},
		{{"--learn", "-p", "stdio", "true"},
		 -EINVAL,
		 "--learn runs the program unconfined"},
		{{"--trace", "-k", "true"}, -EINVAL, "--trace runs the program unconfined"},
		{{"--trace", "--learn", "true"}, -EINVAL, "--learn and --trace are two runs"},
		{{"--trace=xml", "true"}, -EINVAL, "--trace=xml: there is json"},
		{{"-c", "true"}, -EINVAL, "-o, -c and --trace-only go with --trace"},
		{{"--learn", "--doctor"}, -EINVAL, "--learn runs a program, and nothing else"},
		{{"--learn"}, -EINVAL, "no program given"},
		{{"--interactive"}, -EINVAL, "--interactive wants a program"},
		{{"--interactive", "-k", "true"}, -EINVAL, "--interactive asks for the policy"},
		{{"--interactive", "--learn", "true"}, -EINVAL, "--learn runs a program"},
		{{"--api", "-p", "stdio"}, -EINVAL, "--api asks for the policy"},
		{{"--api", "-P", "x.ini"}, -EINVAL, "--api takes no policy"},
		{{"--export"}, -EINVAL, "option \"--export\" wants a value"},
		{{"--import=oci-json"}, -EINVAL, "--import=FORMAT wants one file"},
		{{"--json", "true"}, -EINVAL, "--json goes with --doctor"},
		{{"--check"}, -EINVAL, "--check wants policy files"},
		{{"--doctor", "now"}, -EINVAL, "unexpected argument \"now\""},
		{{"--list", "--doctor"}, -EINVAL, "two options"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *argv[WORDS_MAX + 2];
		struct options options;
		struct sbx_err err = {0};
		int r = parse(rows[i].words, argv, &options, &err);

		cr_expect_eq(r, rows[i].code, "row %zu: %d (%s)", i, r, err.msg);
		cr_expect(strstr(err.msg, rows[i].says), "row %zu says: %s", i, err.msg);
	}
}

Test(options, stop_at_the_program)
{
	static const char *const words[WORDS_MAX] = {"-p", "stdio", "-v", "r:/etc",
						     "ls", "-k",    "-l"};
	char *argv[WORDS_MAX + 2];
	struct options options;
	struct sbx_err err = {0};

	cr_assert_eq(parse(words, argv, &options, &err), 0, "%s", err.msg);
	cr_expect_eq(options.mode, MODE_RUN);
	cr_expect(!options.kill, "-k is the program's own");
	cr_assert_eq(options.n_flags, 2);
	cr_expect_eq(options.flags[0].option, 'p');
	cr_expect_str_eq(options.flags[0].value, "stdio");
	cr_expect_eq(options.flags[1].option, 'v');
	cr_expect_str_eq(options.flags[1].value, "r:/etc");
	cr_expect_str_eq(options.rest[0], "ls");
	cr_expect_str_eq(options.rest[2], "-l");
	cr_expect_null(options.rest[3]);
	options_done(&options);
}

Test(options, each_is_taken)
{
	static const char *const words[WORDS_MAX] = {"-kqV",	    "-P", "x.ini",
						     "--unveil=/a", "--", "-odd"};
	char *argv[WORDS_MAX + 2];
	struct options options;
	struct sbx_err err = {0};

	cr_assert_eq(parse(words, argv, &options, &err), 0, "%s", err.msg);
	cr_expect(options.kill && options.quiet && options.no_unveil);
	cr_expect_str_eq(options.policy_file, "x.ini");
	cr_expect_eq(options.n_flags, 1);
	cr_expect_str_eq(options.rest[0], "-odd", "behind -- anything is a program");
	options_done(&options);
}

Test(options, list_takes_an_optional_promise)
{
	static const char *const words[WORDS_MAX] = {"--list=inet"};
	char *argv[WORDS_MAX + 2];
	struct options options;
	struct sbx_err err = {0};

	cr_assert_eq(parse(words, argv, &options, &err), 0, "%s", err.msg);
	cr_expect_eq(options.mode, MODE_LIST);
	cr_expect_str_eq(options.list_promise, "inet");
	options_done(&options);
}

Test(options, help_fits_one_screen)
{
	int lines = 0;
	size_t width = 0;

	for (const char *p = options_help; *p; p += strcspn(p, "\n") + 1) {
		size_t len = strcspn(p, "\n");

		lines++;
		width = len > width ? len : width;
	}
	cr_expect_leq(lines, 32, "%d lines", lines);
	cr_expect_leq(width, 100, "%zu columns", width);
}
