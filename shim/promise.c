/* SPDX-License-Identifier: MIT */
#include "promise.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "spell.h"

#define BLANKS	 " \t"
#define SHOW_MAX 40 /* bytes of a wrong word that a message repeats */

const struct promise promise_table[PROMISE_COUNT] = {
#define X(id, name, permits) [PROMISE_##id] = {name, permits},
	PROMISES(X)
#undef X
};

#define R   PERM_R
#define RW  (PERM_R | PERM_W)
#define RX  (PERM_R | PERM_X)
#define RWC (PERM_R | PERM_W | PERM_C)

/* What glibc and common libraries open by themselves, where Debian, Fedora, Arch and Alpine keep
 * it. Symbolic links are followed by whoever uses the list, so a link's target is named only where
 * a directory of them is. */
const struct promise_path promise_paths[] = {
	{PROMISE_STDIO, RW, "/dev/null"},
	{PROMISE_STDIO, R, "/dev/zero"},
	{PROMISE_STDIO, R, "/dev/full"},
	{PROMISE_STDIO, R, "/dev/urandom"},
	{PROMISE_STDIO, R, "/dev/random"},
	{PROMISE_STDIO, R, "/etc/localtime"},
	{PROMISE_STDIO, R, "/usr/share/zoneinfo"},
	{PROMISE_STDIO, R, "/usr/lib/locale"},
	{PROMISE_STDIO, R, "/usr/share/locale"},
	{PROMISE_STDIO, R,
	 "/etc/locale.alias"}, /* where Debian has /usr/share/locale/locale.alias link to */
	{PROMISE_STDIO, R, "/usr/lib/x86_64-linux-gnu/gconv"},
	{PROMISE_STDIO, R, "/usr/lib/aarch64-linux-gnu/gconv"},
	{PROMISE_STDIO, R, "/usr/lib64/gconv"},
	{PROMISE_STDIO, R, "/usr/lib/gconv"},
	{PROMISE_STDIO, R, "/proc/self"},
	{PROMISE_STDIO, R,
	 "/proc/filesystems"}, /* libselinux looks in it, so most of coreutils do */

	{PROMISE_TMPPATH, RWC, "/tmp"},
	{PROMISE_TMPPATH, RWC, "${TMPDIR}"},

	{PROMISE_INET, R, "/etc/ssl/certs"},
	{PROMISE_INET, R, "/etc/ssl/cert.pem"},
	{PROMISE_INET, R, "/usr/share/ca-certificates"},
	{PROMISE_INET, R, "/usr/local/share/ca-certificates"},
	{PROMISE_INET, R, "/etc/ca-certificates"},
	{PROMISE_INET, R, "/etc/pki/tls/certs"},
	{PROMISE_INET, R, "/etc/pki/ca-trust/extracted"},
	{PROMISE_INET, R, "/etc/ssl/openssl.cnf"},
	{PROMISE_INET, R, "/etc/pki/tls/openssl.cnf"},
	{PROMISE_INET, R, "/etc/crypto-policies/back-ends"},

	{PROMISE_DNS, R, "/etc/resolv.conf"},
	{PROMISE_DNS, R, "/etc/hosts"},
	{PROMISE_DNS, R, "/etc/nsswitch.conf"},
	{PROMISE_DNS, R, "/etc/host.conf"},
	{PROMISE_DNS, R, "/etc/gai.conf"},
	{PROMISE_DNS, R, "/etc/services"},
	{PROMISE_DNS, R, "/etc/protocols"},
	{PROMISE_DNS, R, "/run/systemd/resolve"},
	{PROMISE_DNS, R, "/run/resolvconf"},
	{PROMISE_DNS, R, "/run/nscd"},

	{PROMISE_GETPW, R, "/etc/passwd"},
	{PROMISE_GETPW, R, "/etc/group"},
	{PROMISE_GETPW, R, "/etc/netgroup"},
	{PROMISE_GETPW, R, "/etc/nsswitch.conf"},
	{PROMISE_GETPW, R, "/run/nscd"},
	{PROMISE_GETPW, R, "/run/systemd/userdb"},

	{PROMISE_TTY, RW, "/dev/tty"},
	/* Its own terminals, not /dev/pts: there the user's other terminals, and what is typed into
	 * them, lie open. Only as far as they are terminals (unveil.c). */
	{PROMISE_TTY, RW, "/dev/stdin"},
	{PROMISE_TTY, RW, "/dev/stdout"},
	{PROMISE_TTY, RW, "/dev/stderr"},
	{PROMISE_TTY, R, "/etc/terminfo"},
	{PROMISE_TTY, R, "/lib/terminfo"},
	{PROMISE_TTY, R, "/usr/lib/terminfo"},
	{PROMISE_TTY, R, "/usr/share/terminfo"},

	/* execve of a dynamic program executes its loader, too. A library is only mapped, for which
	 * Landlock wants no EXECUTE: with it, every helper program below /usr/lib could be run. */
	{PROMISE_EXEC, RX, "/lib64/ld-linux-x86-64.so.2"},
	{PROMISE_EXEC, RX, "/lib/ld-linux-aarch64.so.1"},
	{PROMISE_EXEC, RX, "/lib/ld-musl-x86_64.so.1"},
	{PROMISE_EXEC, RX, "/lib/ld-musl-aarch64.so.1"},
	{PROMISE_EXEC, R, "/lib"},
	{PROMISE_EXEC, R, "/lib64"},
	{PROMISE_EXEC, R, "/usr/lib"},
	{PROMISE_EXEC, R, "/usr/lib64"},
	{PROMISE_EXEC, R, "/usr/local/lib"},
	{PROMISE_EXEC, R, "/etc/ld.so.cache"},
	{PROMISE_EXEC, R, "/etc/ld.so.preload"},
	{PROMISE_PROT_EXEC, R, "/lib"},
	{PROMISE_PROT_EXEC, R, "/lib64"},
	{PROMISE_PROT_EXEC, R, "/usr/lib"},
	{PROMISE_PROT_EXEC, R, "/usr/lib64"},
	{PROMISE_PROT_EXEC, R, "/usr/local/lib"},
	{PROMISE_PROT_EXEC, R, "/etc/ld.so.cache"},

	{PROMISE_PS, R, "/proc"},
	{PROMISE_VMINFO, R, "/proc/stat"},
	{PROMISE_VMINFO, R, "/proc/meminfo"},
	{PROMISE_VMINFO, R, "/proc/cpuinfo"},
	{PROMISE_VMINFO, R, "/proc/loadavg"},
	{PROMISE_VMINFO, R, "/proc/vmstat"},
	{PROMISE_VMINFO, R, "/proc/uptime"},
	{PROMISE_VMINFO, R, "/proc/swaps"},
	{PROMISE_VMINFO, R, "/proc/diskstats"},
	{PROMISE_VMINFO, R, "/proc/zoneinfo"},
	{PROMISE_VMINFO, R, "/proc/pressure"},
	{PROMISE_VMINFO, R, "/sys/devices/system/cpu"},
	{PROMISE_VMINFO, R, "/sys/devices/system/node"},

	{PROMISE_AUDIO, RW, "/dev/snd"},
	{PROMISE_VIDEO, RW, "/dev/video0"},
	{PROMISE_VIDEO, RW, "/dev/video1"},
	{PROMISE_VIDEO, RW, "/dev/video2"},
	{PROMISE_VIDEO, RW, "/dev/video3"},
	{PROMISE_VIDEO, RW, "/dev/video4"},
	{PROMISE_VIDEO, RW, "/dev/video5"},
	{PROMISE_VIDEO, RW, "/dev/video6"},
	{PROMISE_VIDEO, RW, "/dev/video7"},
	{PROMISE_VIDEO, RW, "/dev/video8"},
	{PROMISE_VIDEO, RW, "/dev/video9"},
	{PROMISE_DRM, RW, "/dev/dri"},
};
const size_t promise_paths_count = ARRAY_SIZE(promise_paths);

/* Arrays of characters, not pointers: nothing to relocate in the shim. */
static const struct {
	char name[12];
	uint8_t promise;
} aliases[] = {
	{"route", PROMISE_NETLINK}, /* OpenBSD's word */
};

/* OpenBSD's words for what Linux does not have. */
static const char not_here[][12] = {"disklabel", "pf", "tape", "vmm", "wroute", "bpf"};

static bool word_is(const char *word, size_t len, const char *name)
{
	return strlen(name) == len && memcmp(word, name, len) == 0;
}

static int find_word(const char *word, size_t len)
{
	for (int id = 0; id < PROMISE_COUNT; id++)
		if (word_is(word, len, promise_table[id].name))
			return id;
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (word_is(word, len, aliases[i].name))
			return aliases[i].promise;
	return -1;
}

int promise_find(const char *name)
{
	return find_word(name, strlen(name));
}

static int refuse_word(const char *word, size_t len, struct sbx_err *err)
{
	const char *names[PROMISE_COUNT + ARRAY_SIZE(aliases)];
	char shown[SHOW_MAX + 1];
	const char *nearest;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(not_here); i++)
		if (word_is(word, len, not_here[i]))
			return err_set(err, -EINVAL, "promise \"%s\" has no Linux counterpart",
				       not_here[i]);
	for (size_t i = 0; i < PROMISE_COUNT; i++)
		names[n++] = promise_table[i].name;
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		names[n++] = aliases[i].name;
	if (len > SHOW_MAX)
		return err_set(err, -EINVAL, "unknown promise \"%.*s...\"", SHOW_MAX, word);
	memcpy(shown, word, len);
	shown[len] = '\0';
	nearest = spell_nearest(shown, names, n);
	if (nearest)
		return err_set(err, -EINVAL, "unknown promise \"%s\" (did you mean \"%s\"?)", shown,
			       nearest);
	return err_set(err, -EINVAL, "unknown promise \"%s\"", shown);
}

int promise_parse(const char *words, uint64_t *ret_set, struct sbx_err *err)
{
	uint64_t set = 0;

	for (const char *word = words + strspn(words, BLANKS); *word;) {
		size_t len = strcspn(word, BLANKS);
		int id = find_word(word, len);

		if (id < 0)
			return refuse_word(word, len, err);
		set |= UINT64_C(1) << id;
		word += len;
		word += strspn(word, BLANKS);
	}
	*ret_set = set;
	return 0;
}

void promise_format(uint64_t set, char *buf, size_t size)
{
	size_t used = 0;

	if (!size)
		return;
	buf[0] = '\0';
	for (size_t id = 0; id < PROMISE_COUNT; id++) {
		if (!(set & UINT64_C(1) << id))
			continue;
		/* Never longer than the buffer: snprintf cuts, and what is cut ends the list. */
		(void)snprintf(buf + used, size - used, "%s%s", used ? " " : "",
			       promise_table[id].name);
		used += strlen(buf + used);
	}
}
