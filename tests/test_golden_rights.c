/* SPDX-License-Identifier: MIT */
/* Live. What --explain says of one denial of each of Landlock's rights, and that the kernel denies
 * it indeed (tests/golden.h tells how to write that anew). */
#include <criterion/criterion.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../shim/landlock.h"
#include "golden.h"

TestSuite(golden_rights, .timeout = 120, .fini = live_cleanup);

#define EVERYTHING                                                                             \
	"-p", "stdio rpath wpath cpath dpath unix inet tty proc exec", "-v", "rwc:{work}/all", \
		"-v", "c:{work}/create"
#define PORTS "-P", "{stage}/conf/ports.ini"

static char connect_abstract[256], signal_outsider[64];

/* clang-format off */
static const struct right_case {
	uint64_t fs;	  /* a right on files, or … */
	const char *name; /* … what else Landlock refuses, and the ABI that brought it */
	int abi;
	const char *flags[10];
	const char *calls[3]; /* for the probe; the last one is refused … */
	int error;	      /* … with this */
	bool root;	      /* takes CAP_MKNOD */
} rights[] = {
	{FS_EXECUTE, NULL, 1, {EVERYTHING, "-v", "r:{outside}"},
	 {"59:@{outside}/tool:0:0"}, EACCES, false},
	{FS_WRITE_FILE, NULL, 1, {EVERYTHING, "-v", "r:{outside}"},
	 {"257:-100:@{outside}/secret.txt:1"}, EACCES, false},
	{FS_READ_FILE, NULL, 1, {EVERYTHING}, {"257:-100:@{outside}/secret.txt:0"}, EACCES, false},
	{FS_READ_DIR, NULL, 1, {EVERYTHING}, {"257:-100:@{outside}/dir:0x10000"}, EACCES, false},
	{FS_REMOVE_DIR, NULL, 1, {EVERYTHING}, {"84:@{outside}/dir"}, EACCES, false},
	{FS_REMOVE_FILE, NULL, 1, {EVERYTHING}, {"87:@{outside}/secret.txt"}, EACCES, false},
	/* Device 0:0 is overlayfs's whiteout, which everybody may make (5.8). */
	{FS_MAKE_CHAR, NULL, 1, {EVERYTHING}, {"133:@{outside}/new:0020600:0"}, EACCES, false},
	{FS_MAKE_DIR, NULL, 1, {EVERYTHING}, {"83:@{outside}/new:0700"}, EACCES, false},
	{FS_MAKE_REG, NULL, 1, {EVERYTHING}, {"133:@{outside}/new:0100600:0"}, EACCES, false},
	{FS_MAKE_SOCK, NULL, 1, {EVERYTHING}, {"133:@{outside}/new:0140600:0"}, EACCES, false},
	{FS_MAKE_FIFO, NULL, 1, {EVERYTHING}, {"133:@{outside}/new:0010600:0"}, EACCES, false},
	{FS_MAKE_BLOCK, NULL, 1, {EVERYTHING}, {"133:@{outside}/new:0060600:0x700"}, EACCES, true},
	{FS_MAKE_SYM, NULL, 1, {EVERYTHING}, {"88:@target:@{outside}/new"}, EACCES, false},
	/* REFER is on both sides; but the file would gain reading and writing by it. */
	{FS_REFER, NULL, 2, {EVERYTHING},
	 {"82:@{work}/create/file:@{work}/all/file"}, EXDEV, false},
	{FS_TRUNCATE, NULL, 3, {EVERYTHING, "-v", "r:{outside}"},
	 {"76:@{outside}/secret.txt:0"}, EACCES, false},
	/* TIOCGPTN. Not on a device that stdio implies: those have the right. */
	{FS_IOCTL_DEV, NULL, 5, {EVERYTHING, "-v", "r:/dev/ptmx"},
	 {"257:-100:@/dev/ptmx:0x100", "16:$:0x80045430:@1234"}, EACCES, false},
	{0, "bind_tcp", 4, {PORTS},
	 {"41:2:1:0", "49:$:%02001f917f0000010000000000000000:16"}, EACCES, false},
	{0, "connect_tcp", 4, {PORTS}, {"41:2:1:0", "42:$:" LOOPBACK_80 ":16"}, EACCES, false},
	{0, "scope: abstract unix", 6, {EVERYTHING}, {"41:1:1:0", connect_abstract}, EPERM, false},
	{0, "scope: signal", 6, {EVERYTHING}, {signal_outsider}, EPERM, false},
};
/* clang-format on */
#define RIGHTS (sizeof(rights) / sizeof(rights[0]))

/* Somebody outside: a process, which live_done() ends, and an abstract socket. */
static int make_outsider(struct live *live, char name[48])
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), used;
	size_t len = (size_t)snprintf(name, 48, "sbx-golden-%d", getpid());
	pid_t pid;

	memcpy(address.sun_path + 1, name, len);
	len += offsetof(struct sockaddr_un, sun_path) + 1;
	cr_assert(bind(fd, (struct sockaddr *)&address, (socklen_t)len) == 0 && listen(fd, 1) == 0);
	used = snprintf(connect_abstract, sizeof(connect_abstract), "42:$:%%");
	for (size_t i = 0; i < len; i++)
		used += snprintf(connect_abstract + used, sizeof(connect_abstract) - (size_t)used,
				 "%02x", ((unsigned char *)&address)[i]);
	(void)snprintf(connect_abstract + used, sizeof(connect_abstract) - (size_t)used, ":%zu",
		       len);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)setsid();
		for (;;)
			(void)pause();
	}
	live->servers[0].pid = pid;
	(void)snprintf(signal_outsider, sizeof(signal_outsider), "62:%d:15", pid);
	return fd;
}

static void stage_rights(struct live *live)
{
	const char *probes = getenv("SBX_PROBES");
	char from[256];

	stage_denials(live, geteuid());
	live_mkdir(live, "{outside}/dir");
	(void)snprintf(from, sizeof(from), "%s/denials", probes ? probes : "build/probes");
	stage_copy(live, from, "{outside}/tool", 0755);
	live_mkdir(live, "{work}/all");
	live_mkdir(live, "{work}/create");
	live_write(live, "{work}/create/file", "a file\n");
	stage_put_text(live, "{stage}/conf/ports.ini",
		       "[sandbox]\npromises = stdio inet\n[net]\nconnect_tcp = 443\n"
		       "bind_tcp = 8080\n",
		       0644);
}

/* The line, and the summary behind it, indented. */
static char *said_of_right(const struct live *live, const char *name, char *text)
{
	char *said = format("%s", ""), *line;
	long pid;

	for (bool more = false; (line = next_line(&text, &pid)); more = true) {
		char *longer = format("%s%s%s", said, more ? "\n    " : "", line);

		free(said);
		free(line);
		said = longer;
	}
	said = replace_all(said, live->work, "{work}"); /* beneath the root: first */
	said = replace_all(said, live->root, "{root}");
	return replace_all(said, name, "{abstract}");
}

static bool deny_right(struct live *live, const struct right_case *c, const char *key,
		       const char *name)
{
	const char *argv[32] = {SBX, "-e"};
	size_t n = 2;
	struct live_result result;
	char last[16], pid[32], *said;

	for (size_t i = 0; i < 10 && c->flags[i]; i++)
		argv[n++] = c->flags[i];
	argv[n++] = PROBE;
	argv[n++] = "-r";
	for (size_t i = 0; i < 3 && c->calls[i]; i++)
		argv[n++] = c->calls[i];
	result = live_run(live, &(struct live_command){.argv = argv});
	(void)snprintf(last, sizeof(last), "-%d\n", c->error);
	cr_expect(result.status == 0 && result.out_len >= strlen(last) &&
			  strcmp(result.out + result.out_len - strlen(last), last) == 0,
		  "%s: status %d, not refused with %s: %s%s", key, result.status,
		  strerror(c->error), result.out, result.err);
	said = said_of_right(live, name, result.err);
	(void)snprintf(pid, sizeof(pid), "kill(%d,", live->servers[0].pid);
	add_entry(&now, key, replace_all(said, pid, "kill({server},"));
	live_result_done(&result);
	return true;
}

Test(golden_rights, lines)
{
	struct live live = {0};
	struct landlock_caps caps;
	uint64_t known = 0;
	char name[48];
	int fd;

	skip_elsewhere();
	stage_rights(&live);
	landlock_probe(&caps);
	fd = make_outsider(&live, name);
	for (size_t i = 0; i < RIGHTS; i++) {
		const struct right_case *c = &rights[i];
		const char *key = c->fs ? landlock_access_name(c->fs) : c->name;

		known |= c->fs;
		if ((c->fs && !(c->fs & caps.fs)) || c->abi > caps.abi ||
		    (c->root && geteuid() != 0))
			add_entry(&now, key, NULL);
		else
			deny_right(&live, c, key, name);
	}
	cr_expect_eq(caps.fs & ~known, 0, "rights on files without a case: %llx",
		     (unsigned long long)(caps.fs & ~known));
	(void)close(fd);
	live_done(&live);
	check_golden("rights.txt", "What --explain says of each of Landlock's rights.");
}
