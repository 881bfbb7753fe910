/* SPDX-License-Identifier: MIT */
/* libFuzzer target: bytes → policy_parse_text(). What is accepted must print and read back as an
 * equal policy. With -DFUZZ_MAIN: a program that runs it once over each file it is given, for
 * compilers without libFuzzer. */
#include <stdio.h>
#include <stdlib.h>

#include "../shim/policy_file.h"
#include "policy_equal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char home[] = "HOME=/home/[x] ;y/${UID}", user[] = "USER=a b", tmpdir[] = "TMPDIR=/";
static char *const envp[] = {home, user, tmpdir, NULL};
static const struct policy_env env = {.envp = envp, .cwd = "/srv/work ", .uid = 1000};

/* The text includes itself, once. */
static int include_itself(struct policy *policy, const char *name, struct origin from, void *fuzz,
			  struct sbx_err *err)
{
	const struct policy_source *source = fuzz;
	struct policy_source included = {
		.file = name, .text = source->text, .len = source->len, .included = true};

	(void)from;
	return policy_parse_text(policy, &included, &env, err);
}

static _Noreturn void die(const char *what, const char *text)
{
	(void)fprintf(stderr, "%s\n%s\n", what, text);
	abort();
}

static void read_back(const struct policy *policy)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct policy_source source = {.file = "printed"};
	struct policy again;
	struct sbx_err err = {0};

	if (!out)
		die("open_memstream", "");
	policy_print(policy, &env, out);
	if (fclose(out) != 0)
		die("fclose", "");
	source.text = text;
	source.len = len;
	policy_init(&again);
	if (policy_parse_text(&again, &source, &env, &err) < 0)
		die(err.msg, text);
	if (policy_difference(policy, &again))
		die(policy_difference(policy, &again), text);
	policy_done(&again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_source source = {
		.file = "fuzz.ini",
		.text = (const char *)data,
		.len = size,
		.include = include_itself,
		.user = &source,
	};
	struct policy policy;
	struct sbx_err err = {0};

	policy_init(&policy);
	if (policy_parse_text(&policy, &source, &env, &err) == 0)
		read_back(&policy);
	else if (err.code >= 0 || !err.file[0] || !err.msg[0])
		die("refused without file or reason", err.msg);
	policy_done(&policy);
	return 0;
}

#ifdef FUZZ_MAIN
int main(int argc, char **argv)
{
	static uint8_t data[1 << 20];

	for (int i = 1; i < argc; i++) {
		FILE *in = fopen(argv[i], "rb");
		size_t size = in ? fread(data, 1, sizeof(data), in) : 0;

		if (!in || fclose(in) != 0) {
			perror(argv[i]);
			return 1;
		}
		(void)LLVMFuzzerTestOneInput(data, size); /* always 0 */
	}
	return 0;
}
#endif
