/* SPDX-License-Identifier: MIT */
/* Live: a sandbox that is not ours around ours. What it refuses must not be blamed on our policy.
 */
#include <criterion/criterion.h>

#include "probe_stage.h"

#define PYTHON "/usr/bin/python3"

TestSuite(enclosure, .fini = live_cleanup);

/* Confine ourselves as some other tool would, then execute what is left of the arguments. By
 * landlock(7): reading only beneath some directories, not outside/. */
static const char landlock[] =
	"import ctypes, os, struct, sys\n"
	"call = ctypes.CDLL(None, use_errno=True).syscall\n"
	"READ = 1 << 2 | 1 << 3\n"
	"attr = struct.pack('Q', READ)\n"
	"ruleset = call(444, attr, len(attr), 0)\n"
	"for path in ('/usr', '/lib', '/etc', '/proc', '/dev', '{stage}', '{work}'):\n"
	"  fd = os.open(path, os.O_PATH)\n"
	"  rule = struct.pack('=Qi', READ, fd)\n"
	"  assert call(445, ruleset, 1, rule, 0) == 0\n"
	"call(157, 38, 1, 0, 0, 0)\n"
	"assert call(446, ruleset, 0) == 0\n"
	"os.execv(sys.argv[1], sys.argv[1:])\n";

/* By seccomp(2): sethostname(2) fails, all else is permitted. */
static const char seccomp[] =
	"import ctypes, os, struct, sys\n"
	"libc = ctypes.CDLL(None, use_errno=True)\n"
	"code = b''.join(struct.pack('HBBI', *i) for i in ((0x20, 0, 0, 0), (0x15, 0, 1, 170),\n"
	"  (6, 0, 0, 0x50001), (6, 0, 0, 0x7fff0000)))\n"
	"buf = ctypes.create_string_buffer(code)\n"
	"prog = struct.pack('HxxxxxxP', 4, ctypes.addressof(buf))\n"
	"assert libc.prctl(38, 1, 0, 0, 0) == 0\n"
	"assert libc.syscall(317, 1, 0, prog) == 0, ctypes.get_errno()\n"
	"os.execv(sys.argv[1], sys.argv[1:])\n";

struct enclosure_row {
	const char *name, *around;
	const char *argv[10]; /* of the launcher */
	int status;
	const char *says, *says_not; /* NULL: no matter */
};

static const struct enclosure_row rows[] = {
	{"both permit",
	 landlock,
	 {"-e", "-p", "stdio rpath", "-v", "{work}", "/bin/ls", "{work}"},
	 0,
	 NULL,
	 "sbx-preload"},
	{"the one around refuses",
	 landlock,
	 {"-e", "-p", "stdio rpath", "-v", "{outside}", "/bin/cat", "{outside}/secret.txt"},
	 1,
	 "denied openat(\"{outside}/secret.txt\", O_RDONLY): not by this policy: a sandbox around "
	 "this one does not permit it\n",
	 "add to [unveil]"},
	{"both refuse: ours is told",
	 landlock,
	 {"-e", "-p", "stdio rpath", "/bin/cat", "{outside}/secret.txt"},
	 1,
	 "add to [unveil]: r = {outside}/secret.txt (-v)\n",
	 "not by this policy"},
	{"refused by mode bits: by neither",
	 landlock,
	 {"-e", "-p", "stdio rpath", "-v", "{work}", "/bin/cat", "{work}/no-such-file"},
	 1,
	 NULL,
	 "sbx-preload"},
	{"a filter around, and success",
	 seccomp,
	 {"-e", "-p", "stdio rpath", "/bin/true"},
	 0,
	 NULL,
	 "sbx-preload"},
	{"a filter around, and failure",
	 seccomp,
	 {"-e", "-p", "stdio rpath", "/bin/false"},
	 1,
	 "a seccomp filter around this sandbox may have refused it something, too: not by this "
	 "policy\n",
	 "denied"},
	{"a filter around, without --explain",
	 seccomp,
	 {"-p", "stdio rpath", "/bin/false"},
	 1,
	 NULL,
	 "sbx-preload"},
};

static void check_row(struct live *live, const struct enclosure_row *row)
{
	const char *argv[20] = {PYTHON, "-c", row->around, "{stage}/sbx-preload"};
	struct live_result result;
	char *text;

	for (size_t i = 0; row->argv[i]; i++)
		argv[4 + i] = row->argv[i];
	result = live_run(live, &(struct live_command){.argv = argv});
	cr_expect_eq(result.status, row->status, "%s, uid %u: %d\n%s", row->name, live->uid,
		     result.status, result.err);
	if (row->says) {
		text = live_expand(live, row->says);
		cr_expect(strstr(result.err, text), "%s, uid %u says: %s", row->name, live->uid,
			  result.err);
		free(text);
	}
	if (row->says_not)
		cr_expect(!strstr(result.err, row->says_not), "%s, uid %u says: %s", row->name,
			  live->uid, result.err);
	live_result_done(&result);
}

Test(enclosure, whose_refusal)
{
	uid_t users[2];
	size_t n = live_users(users);

	live_need_landlock(6);
	live_need_program(PYTHON);
#ifndef __x86_64__
	stage_skip("the numbers of system calls are x86-64's");
#endif
	for (size_t u = 0; u < n; u++) {
		struct live live;

		live_init(&live, users[u]);
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			check_row(&live, &rows[i]);
		live_done(&live);
	}
}
