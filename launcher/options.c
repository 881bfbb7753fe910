/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "../shim/spell.h"

const char options_help[] =
	"Usage: sbx-preload [OPTION]... [--] PROGRAM [ARG]...\n"
	"Run PROGRAM so that it can do only what its policy permits.\n"
	"\n"
	"Policy: -P FILE, else -p and -v, else /etc/sbx-preload/PROGRAM.ini, else\n"
	"~/.config/sbx-preload/PROGRAM.ini, else: stdio rpath tty, and r for the current "
	"directory.\n"
	"  -P, --policy FILE        take this policy file; the following four then add to it\n"
	"  -p, --promises \"WORDS\"   permit these kinds of system calls (see --list)\n"
	"  -v, --unveil PERM:PATH   show PATH; PERM of r read, w write, x execute, c create and "
	"remove;\n"
	"                           PATH alone is r:PATH; may be repeated\n"
	"      --deny, --allow RULE a rule for one system call: \"socket(arg0 == AF_NETLINK)\"\n"
	"  -V, --no-unveil          leave paths to the promises alone\n"
	"  -k, --kill               kill the program where it would get an error\n"
	"  -q, --quiet              print nothing but errors that stop us\n"
	"  -e, --explain[=FILE]     say what is denied, of paths too, and what to add, also in "
	"FILE\n"
	"      --audit[=FILE]       say what of the policy was not used, over all runs in FILE\n"
	"Unconfined, to find out what a program needs:\n"
	"  -i, --interactive        show what it does, and make a policy of it in a dialog\n"
	"      --learn[=FILE]       print a policy of what it did; or merge it into FILE\n"
	"      --trace[=json]       print its system calls; --trace-only=inet,openat,/etc: some\n"
	"  -o, --output FILE        into this file; -c, --count: no calls, but how many\n"
	"Instead:\n"
	"      --api[=SOCKET]       serve people (the dialog) and programs on a Unix socket\n"
	"      --print-policy, --check FILE...      the policy as a file; what is wrong with "
	"files\n"
	"      --export=FORMAT, --import=FORMAT     its filter for other tools; their profile as a "
	"policy\n"
	"      --list[=PROMISE], --doctor [--json]  the promises; does sandboxing work here, why "
	"not\n"
	"  -h, --help, --version    print this, or the version\n"
	"Exit status: the program's own; 125 could not sandbox (nothing ran); 126 cannot be "
	"executed;\n"
	"127 not found; 2 wrong use or policy. More: man sbx-preload, man sbx-preload.ini. "
	"Example:\n"
	"  sbx-preload -p 'stdio rpath' -v r:/etc/hostname cat /etc/hostname\n";

enum {
	OPT_PRINT_POLICY = 256,
	OPT_CHECK,
	OPT_DOCTOR,
	OPT_LIST,
	OPT_VERSION,
	OPT_ALLOW,
	OPT_DENY,
	OPT_LEARN,
	OPT_AUDIT,
	OPT_TRACE,
	OPT_TRACE_ONLY,
	OPT_API,
	OPT_EXPORT,
	OPT_IMPORT,
	OPT_JSON,
};

static const struct option long_options[] = {
	{"promises", required_argument, NULL, 'p'},
	{"unveil", required_argument, NULL, 'v'},
	{"allow", required_argument, NULL, OPT_ALLOW},
	{"deny", required_argument, NULL, OPT_DENY},
	{"no-unveil", no_argument, NULL, 'V'},
	{"policy", required_argument, NULL, 'P'},
	{"kill", no_argument, NULL, 'k'},
	{"quiet", no_argument, NULL, 'q'},
	{"explain", optional_argument, NULL, 'e'},
	{"print-policy", no_argument, NULL, OPT_PRINT_POLICY},
	{"check", no_argument, NULL, OPT_CHECK},
	{"doctor", no_argument, NULL, OPT_DOCTOR},
	{"list", optional_argument, NULL, OPT_LIST},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPT_VERSION},
	{"learn", optional_argument, NULL, OPT_LEARN},
	{"audit", optional_argument, NULL, OPT_AUDIT},
	{"trace", optional_argument, NULL, OPT_TRACE},
	{"trace-only", required_argument, NULL, OPT_TRACE_ONLY},
	{"output", required_argument, NULL, 'o'},
	{"count", no_argument, NULL, 'c'},
	{"interactive", no_argument, NULL, 'i'},
	{"api", optional_argument, NULL, OPT_API},
	{"export", required_argument, NULL, OPT_EXPORT},
	{"import", required_argument, NULL, OPT_IMPORT},
	{"json", no_argument, NULL, OPT_JSON},
	{NULL, 0, NULL, 0},
};

static int unknown_option(const char *word, struct sbx_err *err)
{
	const char *names[ARRAY_SIZE(long_options)];
	char name[64];
	const char *near;
	size_t n = 0, len;

	if (strncmp(word, "--", 2) != 0)
		return err_set(err, -EINVAL, "unknown option \"%s\"", word);
	for (; long_options[n].name; n++)
		names[n] = long_options[n].name;
	len = strcspn(word + 2, "=");
	if (len >= sizeof(name))
		len = sizeof(name) - 1;
	memcpy(name, word + 2, len);
	name[len] = '\0';
	near = spell_nearest(name, names, n);
	if (!near)
		return err_set(err, -EINVAL, "unknown option \"--%s\"", name);
	return err_set(err, -EINVAL, "unknown option \"--%s\" (did you mean \"--%s\"?)", name,
		       near);
}

static int add_flag(struct options *options, char option, const char *value, struct sbx_err *err)
{
	if (options->n_flags == OPTIONS_FLAGS_MAX)
		return err_set(err, -E2BIG, "more than %d flags -p, -v, --allow and --deny",
			       OPTIONS_FLAGS_MAX);
	options->flags[options->n_flags++] = (struct policy_flag){option, value};
	return 0;
}

static int set_mode(struct options *options, enum mode mode, struct sbx_err *err)
{
	if (options->mode != MODE_RUN && options->mode != mode)
		return err_set(err, -EINVAL,
			       "two options that each do something else than run a program");
	options->mode = mode;
	return 0;
}

static int set_trace(struct options *options, const char *format, struct sbx_err *err)
{
	if (format && strcmp(format, "json") != 0)
		return err_set(err, -EINVAL, "--trace=%s: there is json, and text without a word",
			       format);
	options->trace.format = format ? TRACE_JSON : TRACE_TEXT;
	return 0;
}

static int take_option(struct options *options, int c, char **argv, struct sbx_err *err)
{
	char letter[3] = {'-', 0, 0};

	switch (c) {
	case 'p':
	case 'v':
		return add_flag(options, (char)c, optarg, err);
	case OPT_ALLOW:
		return add_flag(options, OPTION_ALLOW, optarg, err);
	case OPT_DENY:
		return add_flag(options, OPTION_DENY, optarg, err);
	case 'V':
		options->no_unveil = true;
		return 0;
	case 'P':
		if (options->policy_file)
			return err_set(err, -EINVAL,
				       "-P is given twice; a policy file can include others");
		options->policy_file = optarg;
		return 0;
	case 'k':
		options->kill = true;
		return 0;
	case 'q':
		options->quiet = true;
		return 0;
	case 'e':
		options->explain = true;
		if (optarg)
			options->explain_file = optarg;
		return 0;
	case 'c':
		options->trace.count = true;
		return 0;
	case 'o':
		options->trace.output = optarg;
		return 0;
	case OPT_LEARN:
		options->learn = true;
		options->learn_file = optarg;
		return 0;
	case OPT_AUDIT:
		options->audit = true;
		options->audit_file = optarg;
		return 0;
	case OPT_TRACE:
		return set_trace(options, optarg, err);
	case OPT_TRACE_ONLY:
		options->trace.only = optarg;
		return 0;
	case OPT_PRINT_POLICY:
		return set_mode(options, MODE_PRINT_POLICY, err);
	case OPT_CHECK:
		return set_mode(options, MODE_CHECK, err);
	case OPT_DOCTOR:
		return set_mode(options, MODE_DOCTOR, err);
	case OPT_LIST:
		options->list_promise = optarg;
		return set_mode(options, MODE_LIST, err);
	case 'h':
		return set_mode(options, MODE_HELP, err);
	case OPT_VERSION:
		return set_mode(options, MODE_VERSION, err);
	case 'i':
		return set_mode(options, MODE_INTERACTIVE, err);
	case OPT_API:
		options->socket = optarg;
		return set_mode(options, MODE_API, err);
	case OPT_EXPORT:
		options->format = optarg;
		return set_mode(options, MODE_EXPORT, err);
	case OPT_IMPORT:
		options->format = optarg;
		return set_mode(options, MODE_IMPORT, err);
	case OPT_JSON:
		options->json = true;
		return 0;
	case ':':
		letter[1] = (char)optopt;
		return err_set(err, -EINVAL, "option \"%s\" wants a value",
			       optopt && optopt < 256 && argv[optind - 1][1] != '-'
				       ? letter
				       : argv[optind - 1]);
	default:
		letter[1] = (char)optopt;
		/* getopt names a bad letter; a bad long option is the word before optind. */
		return unknown_option(optopt && optopt < 256 ? letter : argv[optind - 1], err);
	}
}

/* Watched runs are not confined: a policy beside them would be a misunderstanding. */
static int check_watched(const struct options *options, struct sbx_err *err)
{
	const struct trace_request *trace = &options->trace;
	const char *what = options->learn ? "--learn" : "--trace";

	if (trace->format == TRACE_NONE && (trace->output || trace->only || trace->count))
		return err_set(err, -EINVAL, "-o, -c and --trace-only go with --trace");
	if (trace->format == TRACE_NONE && !options->learn)
		return 0;
	if (trace->format != TRACE_NONE && options->learn)
		return err_set(err, -EINVAL, "--learn and --trace are two runs");
	if (options->policy_file || options->n_flags || options->no_unveil || options->kill ||
	    options->explain || options->audit)
		return err_set(err, -EINVAL,
			       "%s runs the program unconfined: no -p, -v, -V, -P, -k, -e, "
			       "--allow, --deny or --audit with it",
			       what);
	if (options->mode != MODE_RUN)
		return err_set(err, -EINVAL, "%s runs a program, and nothing else", what);
	return 0;
}

/* The dialog runs the program unconfined first; what it starts from is a file. */
static int check_mode(const struct options *options, struct sbx_err *err)
{
	bool alone = options->mode == MODE_INTERACTIVE || options->mode == MODE_API;

	if (options->json && options->mode != MODE_DOCTOR)
		return err_set(err, -EINVAL, "--json goes with --doctor (and --trace=json)");
	if (alone && (options->n_flags || options->no_unveil || options->kill || options->explain ||
		      options->audit))
		return err_set(err, -EINVAL,
			       "%s asks for the policy: no -p, -v, -V, -k, -e, --allow, --deny or "
			       "--audit with it",
			       options->mode == MODE_API ? "--api" : "--interactive");
	if (options->mode == MODE_API && options->policy_file)
		return err_set(err, -EINVAL, "--api takes no policy: each client has its own");
	return 0;
}

static int check_rest(const struct options *options, struct sbx_err *err)
{
	switch (options->mode) {
	case MODE_RUN:
		if (!options->rest[0])
			return err_set(err, -EINVAL, "no program given (see --help)");
		return 0;
	case MODE_INTERACTIVE:
		if (!options->rest[0])
			return err_set(err, -EINVAL, "--interactive wants a program");
		return 0;
	case MODE_IMPORT:
		if (!options->rest[0] || options->rest[1])
			return err_set(err, -EINVAL,
				       "--import=FORMAT wants one file (- for standard input)");
		return 0;
	case MODE_API:
	case MODE_EXPORT:
		return 0;
	case MODE_CHECK:
		if (!options->rest[0])
			return err_set(err, -EINVAL, "--check wants policy files");
		return 0;
	case MODE_PRINT_POLICY:
	case MODE_HELP:
	case MODE_VERSION:
		return 0;
	default:
		if (options->rest[0])
			return err_set(err, -EINVAL, "unexpected argument \"%s\"",
				       options->rest[0]);
		return 0;
	}
}

int options_parse(int argc, char **argv, struct options *ret, struct sbx_err *err)
{
	struct options options = {0};
	int c, r = 0;

	options.flags =
		calloc((size_t)argc,
		       sizeof(options.flags[0])); /* each flag takes an argument word at least */
	if (!options.flags)
		return err_set(err, -ENOMEM, "out of memory");
	/* '+': stop at PROGRAM, whose options are its own. ':': tell a missing value from an
	 * unknown option. */
	while (!r && (c = getopt_long(argc, argv, "+:p:v:VP:kqeico:h", long_options, NULL)) != -1)
		r = take_option(&options, c, argv, err);
	if (!r) {
		options.rest = argv + optind;
		r = check_watched(&options, err);
	}
	if (!r)
		r = check_mode(&options, err);
	if (!r) {
		r = check_rest(&options, err);
	}
	if (r < 0) {
		free(options.flags);
		return r;
	}
	*ret = options;
	return 0;
}

void options_done(struct options *options)
{
	if (options)
		free(options->flags);
}
