/* SPDX-License-Identifier: MIT */
/* Live: what a sandbox costs, in counts that no busy machine changes: instructions of the filter,
 * its longest path, and the system calls that the launcher and the shim make for a start. Times are
 * for bench/. A count that grows is a regression, or a decision: see what SBX_GOLDEN_UPDATE=1
 * changes. */
#include "golden.h"

#include "../shim/filter.h"

TestSuite(cost, .timeout = 60, .fini = live_cleanup);

#define STRACE "/usr/bin/strace"

/* Instructions on the longest way through; jumps lead forward. */
static unsigned longest_path(const struct filter *filter)
{
	static unsigned longest[FILTER_MAX + 1];

	for (unsigned i = filter->len; i-- > 0;) {
		const struct sock_filter *insn = &filter->insns[i];
		unsigned yes, no;

		switch (BPF_CLASS(insn->code)) {
		case BPF_RET:
			longest[i] = 1;
			continue;
		case BPF_JMP:
			yes = i + 1 + (BPF_OP(insn->code) == BPF_JA ? insn->k : insn->jt);
			no = i + 1 + (BPF_OP(insn->code) == BPF_JA ? insn->k : insn->jf);
			break;
		default:
			yes = no = i + 1;
			break;
		}
		longest[i] = 1 + (longest[yes] > longest[no] ? longest[yes] : longest[no]);
	}
	return longest[0];
}

Test(cost, filters)
{
	static const char *const sets[] = {
		"stdio",
		"stdio rpath",
		"stdio rpath tty",
		"stdio rpath wpath cpath tty inet dns",
		"stdio rpath wpath cpath fattr flock unix inet dns getpw proc exec id",
	};

	skip_elsewhere();
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		struct filter_request request = {.bounded = true, .self = 1};
		static struct filter filter;
		struct sbx_err err;
		char key[160];

		cr_assert_eq(promise_parse(sets[i], &request.promises, &err), 0);
		cr_assert_eq(filter_build(&request, &filter, &err), 0);
		(void)snprintf(key, sizeof(key), "filter: %s", sets[i]);
		add_entry(&now, key,
			  format("%u instructions, at most %u for a call", filter.len,
				 longest_path(&filter)));
	}
	check_golden("cost-filters.txt", "What a filter costs.");
}

/* The calls in @log until @program is executed; NULL: all. Not those that look at a path and open
 * or grant it: what is there differs from machine to machine. */
static unsigned count_calls(const char *log, const char *program)
{
	static const char *const of_paths[] = {"openat(", "newfstatat(", "landlock_add_rule(",
					       "close("};
	unsigned count = 0;

	for (const char *line = log; *line;) {
		const char *call = line + strspn(line, "0123456789 ");
		bool is_path = false;

		for (size_t i = 0; i < ARRAY_SIZE(of_paths); i++)
			is_path |= strncmp(call, of_paths[i], strlen(of_paths[i])) == 0;
		if (program && strncmp(call, "execve(\"", 8) == 0 &&
		    strncmp(call + 8, program, strlen(program)) == 0)
			break;
		/* Else a signal, or an end. */
		count += *call >= 'a' && *call <= 'z' && !is_path;
		line = strchrnul(line, '\n');
		line += *line != '\0';
	}
	return count;
}

static char *traced(struct live *live, const char *const *env, const char *const *argv)
{
	const char *words[20] = {STRACE, "-f", "-o", "{work}/log", NULL};
	struct live_result result;
	size_t n = 4;

	for (size_t i = 0; argv[i]; i++)
		words[n++] = argv[i];
	result = live_run(live, &(struct live_command){.argv = words, .env = env});
	cr_assert_eq(result.status, 0, "%d %s", result.status, result.err);
	live_result_done(&result);
	return live_read(live, "{work}/log");
}

/* The launcher's own, and with it the process beside. */
Test(cost, calls_of_a_start)
{
	static const struct {
		const char *key;
		const char *argv[8];
	} rows[] = {
		{"launcher, -q: calls beside those for paths",
		 {"{stage}/sbx-preload", "-q", "-p", "stdio rpath", "/bin/true"}},
		{"launcher, a policy file: calls beside those for paths",
		 {"{stage}/sbx-preload", "-q", "-P", "{stage}/conf/twenty.ini", "/bin/true"}},
	};
	static const char twenty[] = "[sandbox]\npromises = stdio rpath wpath cpath tty\n[unveil]\n"
				     "r = /usr/share\nr = /etc\nrwc = {work}\n[net]\n"
				     "connect_tcp = 80 443\n";
	static const char *const preload[] = {"SBX_POLICY={stage}/conf/quiet.ini",
					      "LD_PRELOAD=" SHIM, NULL};
	static const char *const bare[] = {"/bin/true", NULL};
	struct live live;
	unsigned without;
	char *log;

	skip_elsewhere();
	live_need_landlock(6);
	live_need_program(STRACE);
	stage_init(&live, geteuid());
	stage_put_text(&live, "{stage}/conf/twenty.ini", twenty, 0644);
	stage_put_text(&live, "{stage}/conf/quiet.ini",
		       "[sandbox]\npromises = stdio rpath\nreport = no\n", 0644);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		log = traced(&live, NULL, rows[i].argv);
		add_entry(&now, rows[i].key, format("%u", count_calls(log, "/bin/true")));
		free(log);
	}
	log = traced(&live, NULL, bare);
	without = count_calls(log, NULL);
	free(log);
	log = traced(
		&live, NULL,
		(const char *const[]){"/usr/bin/env", preload[0], preload[1], "/bin/true", NULL});
	add_entry(&now, "LD_PRELOAD alone, report = no: calls beside those for paths",
		  format("%u", count_calls(strstr(log, "execve(\"/bin/true"), NULL) - without));
	free(log);
	live_done(&live);
	check_golden("cost-starts.txt", "System calls that a start takes more than a bare one.");
}
