/* SPDX-License-Identifier: MIT */
#include "doctor_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "../shim/filter.h"
#include "../shim/landlock.h"
#include "../shim/line.h"
#include "../shim/policy_file.h"
#include "trace_parts.h"

#ifndef SBX_LIBSECCOMP_VERSION
#define SBX_LIBSECCOMP_VERSION "of an unknown version"
#endif

#define ABI_WANTED 6 /* what a policy with nothing said about scope or require needs */

#define DETAIL_MAX (4 * PATH_MAX)

static void put_json(struct doctor_report *report, const char *verdict, const char *what,
		     const char *detail)
{
	char text[6 * DETAIL_MAX];
	struct line line;

	line_init(&line, text, sizeof(text));
	line_text(&line,
		  report->lines ? ",\n  {\"verdict\": " : "{\"checks\": [\n  {\"verdict\": ");
	trace_json_string(&line, verdict);
	line_text(&line, ", \"what\": ");
	trace_json_string(&line, what);
	line_text(&line, ", \"detail\": ");
	trace_json_string(&line, detail);
	line_char(&line, '}');
	(void)line_end(&line);
	(void)fputs(text, report->out); /* main asks the stream at the end */
}

void doctor_say(struct doctor_report *report, enum doctor_verdict verdict, const char *what,
		const char *fmt, ...)
{
	static const char *const words[] = {
		[DOCTOR_OK] = "ok", [DOCTOR_NOTE] = "note", [DOCTOR_FAIL] = "FAIL"};
	char detail[DETAIL_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	if (report->json)
		put_json(report, verdict == DOCTOR_FAIL ? "fail" : words[verdict], what, detail);
	else
		(void)fprintf(report->out, "%-4s  %-17s %s\n", words[verdict], what, detail);
	report->failures += verdict == DOCTOR_FAIL;
	report->lines++;
}

/* @err with the file and line that it is about. @text is put in front. */
static void say_err(struct doctor_report *report, enum doctor_verdict verdict, const char *what,
		    const char *text, const struct sbx_err *err)
{
	char detail[sizeof(err->file) + sizeof(err->msg) + 32];

	(void)err_format(err, detail, sizeof(detail));
	doctor_say(report, verdict, what, "%s%s", text, detail);
}

/* The first line of a small file, without its newline. Returns 0 or -errno. */
static int read_line(const char *path, char *buf, size_t size)
{
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

static void examine_kernel(struct doctor_report *report)
{
	struct utsname name;

	if (uname(&name) < 0)
		doctor_say(report, DOCTOR_NOTE, "kernel", "does not tell its release: %s",
			   strerror(errno));
	else
		doctor_say(report, DOCTOR_OK, "kernel", "%s %s, %s", name.sysname, name.release,
			   name.machine);
}

/* What each Landlock ABI brought that a policy can ask for (landlock(7), VERSIONS). */
static const struct feature {
	int abi;
	const char *name;
} features[] = {
	{1, "files"},	     {2, "renames between directories"},
	{3, "truncation"},   {4, "TCP ports"},
	{5, "device ioctl"}, {6, "scopes"},
};

static void list_features(char *buf, size_t size, int abi, bool present)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		if ((features[i].abi <= abi) != present)
			continue;
		used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? ", " : "",
					 features[i].name);
		if (!present && landlock_abi_kernel(features[i].abi))
			used += (size_t)snprintf(buf + used, size - used, " (Linux %s)",
						 landlock_abi_kernel(features[i].abi));
	}
}

/* Bug fixes that the kernel reports since ABI 7 (Documentation/userspace-api/landlock.rst,
 * "Landlock errata"): a bit that is set is a fix that is there. */
static const char *const errata[] = {
	"TCP rules reach only TCP sockets",
	"signal scope spares threads of the same process",
	"rules hold for directories moved out of their mount",
};

static void examine_errata(struct doctor_report *report)
{
	int fixed = landlock_errata();
	char text[256] = "";
	size_t used = 0;

	if (fixed < 0) {
		doctor_say(report, DOCTOR_NOTE, "Landlock errata",
			   "this kernel cannot tell (Linux 6.15 and later can)");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(errata); i++)
		if (!(fixed & 1 << i))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%zu (%s)",
						 used ? ", " : "", i + 1, errata[i]);
	if (used)
		doctor_say(report, DOCTOR_NOTE, "Landlock errata", "not reported as fixed: %s",
			   text);
	else
		doctor_say(report, DOCTOR_OK, "Landlock errata", "1 to %zu are fixed",
			   ARRAY_SIZE(errata));
}

static void examine_landlock(struct doctor_report *report)
{
	struct landlock_caps caps;
	char text[512];

	landlock_probe(&caps);
	if (caps.abi == 0) {
		if (caps.probe_errno == EOPNOTSUPP)
			doctor_say(
				report, DOCTOR_FAIL, "Landlock",
				"is built in but off: add landlock to lsm= on the kernel's command "
				"line");
		else
			doctor_say(report, DOCTOR_FAIL, "Landlock", "is not in this kernel (%s)",
				   strerror(caps.probe_errno));
		return;
	}
	list_features(text, sizeof(text), caps.abi, true);
	doctor_say(report, DOCTOR_OK, "Landlock", "ABI %d: %s", caps.abi, text);
	if (caps.abi < ABI_WANTED) {
		list_features(text, sizeof(text), caps.abi, false);
		doctor_say(report, DOCTOR_NOTE, "Landlock lacks", "%s", text);
		doctor_say(report, DOCTOR_NOTE, "", "policies need %s",
			   caps.abi >= 3 ? "scope = open"
					 : "require = best-effort, which says what it gives up");
	}
	examine_errata(report);
}

static void examine_lsms(struct doctor_report *report)
{
	char text[256];
	int r = read_line("/sys/kernel/security/lsm", text, sizeof(text));

	if (r < 0)
		doctor_say(report, DOCTOR_NOTE, "security modules",
			   "not readable: /sys/kernel/security/lsm: %s", strerror(-r));
	else
		doctor_say(report, DOCTOR_OK, "security modules", "%s", text);
}

static const struct action {
	unsigned value;
	bool needed;
	const char *name;
} actions[] = {
	{SECCOMP_RET_ALLOW, true, "allow"},
	{SECCOMP_RET_ERRNO, true, "errno"},
	{SECCOMP_RET_KILL_PROCESS, true, "kill_process"},
	{SECCOMP_RET_TRAP, false, "trap"},
	{SECCOMP_RET_USER_NOTIF, false, "user_notif"},
	{SECCOMP_RET_LOG, false, "log"},
};

static void examine_seccomp(struct doctor_report *report)
{
	char have[128] = "", lacks[128] = "";
	size_t n_have = 0, n_lacks = 0;
	bool works = true;

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		unsigned value = actions[i].value;

		/* seccomp(2), SECCOMP_GET_ACTION_AVAIL, Linux 4.14 */
		if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &value) == 0) {
			n_have += (size_t)snprintf(have + n_have, sizeof(have) - n_have, " %s",
						   actions[i].name);
			continue;
		}
		works = works && !actions[i].needed;
		n_lacks += (size_t)snprintf(lacks + n_lacks, sizeof(lacks) - n_lacks, " %s",
					    actions[i].name);
	}
	doctor_say(report, works ? DOCTOR_OK : DOCTOR_FAIL, "seccomp actions", "%s%s%s",
		   n_have ? have + 1 : "none", n_lacks ? "; lacks" : "", lacks);
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == SECCOMP_MODE_FILTER)
		doctor_say(report, DOCTOR_NOTE, "seccomp",
			   "a filter is in force here already: what it refuses stays refused");
}

/* In a child: the bit cannot be cleared again. */
static void examine_no_new_privs(struct doctor_report *report)
{
	int status = -1;
	pid_t pid;

	(void)fflush(NULL); /* or the child would own a copy of what waits to be written */
	pid = fork();
	if (pid == 0)
		_exit(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? errno : 0);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		doctor_say(report, DOCTOR_FAIL, "no_new_privs", "cannot try: %s", strerror(errno));
	else if (!WIFEXITED(status) || WEXITSTATUS(status))
		doctor_say(report, DOCTOR_FAIL, "no_new_privs", "cannot be set: %s",
			   WIFEXITED(status) ? strerror(WEXITSTATUS(status)) : "killed");
	else
		doctor_say(report, DOCTOR_OK, "no_new_privs", "can be set");
}

static void examine_jit(struct doctor_report *report)
{
	char text[16];
	int r = read_line("/proc/sys/net/core/bpf_jit_enable", text, sizeof(text));

	if (r == -ENOENT)
		doctor_say(report, DOCTOR_NOTE, "BPF JIT",
			   "not in this kernel: filters are interpreted, which is slower");
	else if (r < 0)
		doctor_say(report, DOCTOR_NOTE, "BPF JIT",
			   "not readable: net.core.bpf_jit_enable: %s", strerror(-r));
	else if (strcmp(text, "0") == 0)
		doctor_say(report, DOCTOR_NOTE, "BPF JIT",
			   "off: filters are interpreted, which is slower (net.core.bpf_jit_enable "
			   "= 0)");
	else
		doctor_say(report, DOCTOR_OK, "BPF JIT", "on (net.core.bpf_jit_enable = %s)", text);
}

static void examine_build(struct doctor_report *report)
{
	doctor_say(report, DOCTOR_OK, "libseccomp",
		   "%s built the master filter, fingerprint %016llx", SBX_LIBSECCOMP_VERSION,
		   (unsigned long long)filter_fingerprint());
}

static void examine_shim(struct doctor_report *report, const struct doctor_context *context)
{
	struct sbx_err err = {0};
	const char *why = context->shim_err ? context->shim_err->msg : "";

	if (!context->shim_path) {
		doctor_say(report, DOCTOR_FAIL, "shim", "%s", *why ? why : "not found");
		return;
	}
	if (!context->shim_usable) {
		doctor_say(report, DOCTOR_FAIL, "shim", "%s", *why ? why : "cannot be preloaded");
		return;
	}
	doctor_say(report, DOCTOR_OK, "shim", "%s", context->shim_path);
	if (policy_check_trust(context->shim_path, context->env->uid, &err) < 0)
		say_err(report, DOCTOR_NOTE, "shim", "others may change it: ", &err);
}

static void examine_trial(struct doctor_report *report, const struct doctor_context *context)
{
	char why[1024] = "";

	if (context->trial(context->trial_user, why, sizeof(why)) < 0)
		doctor_say(report, DOCTOR_FAIL, "trial", "%s", why);
	else
		doctor_say(report, DOCTOR_OK, "trial",
			   "a program ran to its end in the default sandbox");
}

static bool is_policy(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && name[0] != '.' && strcmp(name + len - 4, ".ini") == 0;
}

static bool parses(struct doctor_report *report, const char *path, const struct policy_env *env)
{
	struct sbx_err err = {0};
	struct policy policy;
	int r;

	policy_init(&policy);
	r = policy_load(&policy, path, env, &err);
	policy_done(&policy);
	if (r < 0)
		say_err(report, DOCTOR_FAIL, "policy", "", &err);
	return r == 0;
}

/* Every policy in @directory: a bad one is a program that will not start. */
static void examine_policies(struct doctor_report *report, DIR *dir, const char *directory,
			     const struct policy_env *env)
{
	unsigned good = 0, bad = 0;
	const struct dirent *entry;
	char path[PATH_MAX];

	while ((entry = readdir(dir)) != NULL) {
		if (!is_policy(entry->d_name))
			continue;
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name) >=
			    sizeof(path) ||
		    !parses(report, path, env))
			bad++;
		else
			good++;
	}
	doctor_say(report, bad ? DOCTOR_NOTE : DOCTOR_OK, "policy directory", "%s: %u %s%s",
		   directory, good + bad, good + bad == 1 ? "policy" : "policies",
		   bad ? "" : ", safe");
}

static void examine_directory(struct doctor_report *report, const char *directory,
			      const struct policy_env *env)
{
	struct sbx_err err = {0};
	DIR *dir = opendir(directory);

	if (!dir && errno == ENOENT) {
		doctor_say(report, DOCTOR_NOTE, "policy directory", "%s: not there", directory);
		return;
	}
	if (!dir) {
		doctor_say(report, DOCTOR_FAIL, "policy directory", "%s: %s", directory,
			   strerror(errno));
		return;
	}
	if (policy_check_trust(directory, env->uid, &err) < 0)
		say_err(report, DOCTOR_FAIL, "policy directory", "", &err);
	else
		examine_policies(report, dir, directory, env);
	(void)closedir(dir); /* was only read */
}

int doctor_run(const struct doctor_context *context, FILE *out)
{
	struct doctor_report report = {.out = out, .json = context->json};
	char directory[PATH_MAX];

	examine_kernel(&report);
	examine_landlock(&report);
	examine_lsms(&report);
	examine_seccomp(&report);
	examine_no_new_privs(&report);
	examine_jit(&report);
	examine_build(&report);
	examine_shim(&report, context);
	examine_trial(&report, context);
	examine_directory(&report, POLICY_SYSTEM_DIR, context->env);
	if (policy_user_dir(context->env, directory) < 0)
		doctor_say(&report, DOCTOR_NOTE, "policy directory",
			   "none of your own: neither XDG_CONFIG_HOME nor HOME is set");
	else
		examine_directory(&report, directory, context->env);
	doctor_examine_modes(&report, context->env);
	if (report.json)
		(void)fprintf(out, "\n], \"ok\": %s}\n", report.failures ? "false" : "true");
	else if (report.failures)
		fprintf(out,
			"\nSandboxing does not work here as it should: see the %s that %s FAIL.\n",
			report.failures == 1 ? "line" : "lines",
			report.failures == 1 ? "says" : "say");
	return report.failures ? SBX_EXIT_SANDBOX : 0;
}
