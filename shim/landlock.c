/* SPDX-License-Identifier: MIT */
#include "landlock.h"

#include <errno.h>
#include <sys/syscall.h>

#include "policy.h"

/* linux/landlock.h of Linux 6.15; the table of rights below says which ABI brought each. */
#define LANDLOCK_CREATE_RULESET_VERSION (1U << 0) /* 5.13 */
#define LANDLOCK_CREATE_RULESET_ERRATA	(1U << 1) /* ABI 7, 6.15 */

#define LANDLOCK_RULE_PATH_BENEATH 1 /* ABI 1 */
#define LANDLOCK_RULE_NET_PORT	   2 /* ABI 4, 6.7 */

#define LANDLOCK_ACCESS_FS_EXECUTE     (UINT64_C(1) << 0)
#define LANDLOCK_ACCESS_FS_WRITE_FILE  (UINT64_C(1) << 1)
#define LANDLOCK_ACCESS_FS_READ_FILE   (UINT64_C(1) << 2)
#define LANDLOCK_ACCESS_FS_READ_DIR    (UINT64_C(1) << 3)
#define LANDLOCK_ACCESS_FS_REMOVE_DIR  (UINT64_C(1) << 4)
#define LANDLOCK_ACCESS_FS_REMOVE_FILE (UINT64_C(1) << 5)
#define LANDLOCK_ACCESS_FS_MAKE_CHAR   (UINT64_C(1) << 6)
#define LANDLOCK_ACCESS_FS_MAKE_DIR    (UINT64_C(1) << 7)
#define LANDLOCK_ACCESS_FS_MAKE_REG    (UINT64_C(1) << 8)
#define LANDLOCK_ACCESS_FS_MAKE_SOCK   (UINT64_C(1) << 9)
#define LANDLOCK_ACCESS_FS_MAKE_FIFO   (UINT64_C(1) << 10)
#define LANDLOCK_ACCESS_FS_MAKE_BLOCK  (UINT64_C(1) << 11)
#define LANDLOCK_ACCESS_FS_MAKE_SYM    (UINT64_C(1) << 12)
#define LANDLOCK_ACCESS_FS_REFER       (UINT64_C(1) << 13)
#define LANDLOCK_ACCESS_FS_TRUNCATE    (UINT64_C(1) << 14)
#define LANDLOCK_ACCESS_FS_IOCTL_DEV   (UINT64_C(1) << 15)

#define SAME(name) _Static_assert(LANDLOCK_ACCESS_FS_##name == FS_##name, "the kernel's own bit")
SAME(EXECUTE);
SAME(WRITE_FILE);
SAME(READ_FILE);
SAME(READ_DIR);
SAME(REMOVE_DIR);
SAME(REMOVE_FILE);
SAME(MAKE_CHAR);
SAME(MAKE_DIR);
SAME(MAKE_REG);
SAME(MAKE_SOCK);
SAME(MAKE_FIFO);
SAME(MAKE_BLOCK);
SAME(MAKE_SYM);
SAME(REFER);
SAME(TRUNCATE);
SAME(IOCTL_DEV);

#define LANDLOCK_ACCESS_NET_BIND_TCP	(UINT64_C(1) << 0) /* ABI 4, 6.7 */
#define LANDLOCK_ACCESS_NET_CONNECT_TCP (UINT64_C(1) << 1) /* ABI 4, 6.7 */

#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET (UINT64_C(1) << 0) /* ABI 6, 6.12 */
#define LANDLOCK_SCOPE_SIGNAL		    (UINT64_C(1) << 1) /* ABI 6, 6.12 */

/* Older kernels take the longer struct as long as what they do not know is zero
 * (copy_struct_from_user). */
struct landlock_ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net; /* ABI 4 */
	uint64_t scoped;	     /* ABI 6 */
};

struct landlock_path_beneath_attr {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

struct landlock_net_port_attr {
	uint64_t allowed_access;
	uint64_t port; /* host order */
};

static const struct fs_right {
	uint64_t right;
	uint8_t abi;
	bool on_file; /* a rule on a file that is no directory may grant it; else EINVAL */
	char name[28];
} fs_rights[] = {
	{LANDLOCK_ACCESS_FS_EXECUTE, 1, true, "execute"},
	{LANDLOCK_ACCESS_FS_WRITE_FILE, 1, true, "write files"},
	{LANDLOCK_ACCESS_FS_READ_FILE, 1, true, "read files"},
	{LANDLOCK_ACCESS_FS_READ_DIR, 1, false, "list directories"},
	{LANDLOCK_ACCESS_FS_REMOVE_DIR, 1, false, "remove directories"},
	{LANDLOCK_ACCESS_FS_REMOVE_FILE, 1, false, "remove files"},
	{LANDLOCK_ACCESS_FS_MAKE_CHAR, 1, false, "make character devices"},
	{LANDLOCK_ACCESS_FS_MAKE_DIR, 1, false, "make directories"},
	{LANDLOCK_ACCESS_FS_MAKE_REG, 1, false, "make files"},
	{LANDLOCK_ACCESS_FS_MAKE_SOCK, 1, false, "make sockets"},
	{LANDLOCK_ACCESS_FS_MAKE_FIFO, 1, false, "make fifos"},
	{LANDLOCK_ACCESS_FS_MAKE_BLOCK, 1, false, "make block devices"},
	{LANDLOCK_ACCESS_FS_MAKE_SYM, 1, false, "make symbolic links"},
	{LANDLOCK_ACCESS_FS_REFER, 2, false, "rename between directories"},
	{LANDLOCK_ACCESS_FS_TRUNCATE, 3, true, "truncate"},
	{LANDLOCK_ACCESS_FS_IOCTL_DEV, 5, true, "ioctl on devices"},
};

/* Which rights a letter grants, and the promises that it takes. */
static const struct letter {
	uint8_t perm;
	uint64_t needs;
	uint64_t rights;
} letters[] = {
	{PERM_R, P(RPATH), LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR},
	/* Without TRUNCATE, `>` fails on a file that may be written. */
	{PERM_W, P(WPATH),
	 LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE |
		 LANDLOCK_ACCESS_FS_IOCTL_DEV},
	/* execve opens the file for reading: EXECUTE alone runs nothing. */
	{PERM_X, P(EXEC), LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE},
	{PERM_C, P(CPATH),
	 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SYM |
		 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
		 LANDLOCK_ACCESS_FS_REFER},
	{PERM_C, P(CPATH) | P(UNIX), LANDLOCK_ACCESS_FS_MAKE_SOCK},
	{PERM_C, P(CPATH) | P(DPATH),
	 LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_CHAR |
		 LANDLOCK_ACCESS_FS_MAKE_BLOCK},
};

void landlock_caps_of_abi(int abi, struct landlock_caps *ret)
{
	*ret = (struct landlock_caps){.abi = abi};
	for (size_t i = 0; i < ARRAY_SIZE(fs_rights); i++)
		if (abi >= fs_rights[i].abi)
			ret->fs |= fs_rights[i].right;
	if (abi >= 4)
		ret->net = LANDLOCK_ACCESS_NET_BIND_TCP | LANDLOCK_ACCESS_NET_CONNECT_TCP;
	if (abi >= 6)
		ret->scopes = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL;
}

void landlock_probe(struct landlock_caps *ret)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	int probe_errno = abi < 0 ? errno : 0;

#ifdef SBX_LANDLOCK_ABI_MAX /* for tests: a build that takes this kernel for an older one */
	if (abi > SBX_LANDLOCK_ABI_MAX)
		abi = SBX_LANDLOCK_ABI_MAX;
	if (abi == 0)
		probe_errno = EOPNOTSUPP;
#endif
	landlock_caps_of_abi(abi > 0 ? (int)abi : 0, ret);
	ret->probe_errno = probe_errno;
}

int landlock_errata(void)
{
	long errata = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_ERRATA);

	return errata < 0 ? -errno : (int)errata;
}

int landlock_ruleset_new(uint64_t fs, uint64_t net, uint64_t scopes, int *ret_fd,
			 struct sbx_err *err)
{
	const struct landlock_ruleset_attr attr = {
		.handled_access_fs = fs,
		.handled_access_net = net,
		.scoped = scopes,
	};
	/* The descriptor is close-on-exec from birth (landlock_create_ruleset(2)). */
	long fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (fd < 0)
		return err_set(err, -errno, "landlock_create_ruleset: %m");
	*ret_fd = (int)fd;
	return 0;
}

int landlock_add_path(int ruleset, int path_fd, uint64_t access, struct sbx_err *err)
{
	const struct landlock_path_beneath_attr attr = {
		.allowed_access = access,
		.parent_fd = path_fd,
	};

	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &attr, 0) < 0)
		return err_set(err, -errno, "landlock_add_rule: %m");
	return 0;
}

int landlock_add_port(int ruleset, uint16_t port, uint8_t access, struct sbx_err *err)
{
	const struct landlock_net_port_attr attr = {
		.allowed_access = landlock_access_port(access),
		.port = port,
	};

	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_NET_PORT, &attr, 0) < 0)
		return err_set(err, -errno, "landlock_add_rule: %m");
	return 0;
}

int landlock_restrict(int ruleset, struct sbx_err *err)
{
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) == 0)
		return 0;
	if (errno == E2BIG)
		return err_set(err, -E2BIG,
			       "16 layers of Landlock are in force already, the kernel's limit: "
			       "sandboxes are nested too deeply");
	if (errno == EPERM)
		return err_set(err, -EPERM, "landlock_restrict_self: no_new_privs is not set");
	return err_set(err, -errno, "landlock_restrict_self: %m");
}

uint64_t landlock_access(uint8_t perms, uint64_t promises)
{
	uint64_t access = 0;

	for (size_t i = 0; i < ARRAY_SIZE(letters); i++)
		if ((perms & letters[i].perm) && !(letters[i].needs & ~promises))
			access |= letters[i].rights;
	return access;
}

uint64_t landlock_access_implied(uint8_t perms, uint64_t promises)
{
	return landlock_access(perms, promises | P(RPATH) | P(WPATH) | P(CPATH));
}

uint64_t landlock_access_file(uint64_t access)
{
	uint64_t on_file = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fs_rights); i++)
		if (fs_rights[i].on_file)
			on_file |= fs_rights[i].right;
	return access & on_file;
}

uint64_t landlock_access_execute(void)
{
	return LANDLOCK_ACCESS_FS_EXECUTE;
}

uint64_t landlock_access_refer(void)
{
	return LANDLOCK_ACCESS_FS_REFER;
}

uint64_t landlock_access_read_file(void)
{
	return LANDLOCK_ACCESS_FS_READ_FILE;
}

uint64_t landlock_access_ioctl_dev(void)
{
	return LANDLOCK_ACCESS_FS_IOCTL_DEV;
}

uint64_t landlock_access_port(uint8_t access)
{
	uint64_t rights = 0;

	if (access & PORT_BIND)
		rights |= LANDLOCK_ACCESS_NET_BIND_TCP;
	if (access & PORT_CONNECT)
		rights |= LANDLOCK_ACCESS_NET_CONNECT_TCP;
	return rights;
}

const char *landlock_access_name(uint64_t right)
{
	for (size_t i = 0; i < ARRAY_SIZE(fs_rights); i++)
		if (fs_rights[i].right == right)
			return fs_rights[i].name;
	return NULL;
}

const char *landlock_abi_kernel(int abi)
{
	static const char kernels[][5] = {"5.13", "5.19", "6.2", "6.7", "6.10", "6.12",
					  "6.15", "7.0",  "7.1", "7.2", "7.3"};

	if (abi < 1 || (size_t)abi > ARRAY_SIZE(kernels))
		return NULL;
	return kernels[abi - 1];
}
