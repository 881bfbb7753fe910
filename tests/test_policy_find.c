/* SPDX-License-Identifier: MIT */
/* Policy files on disk: owners, modes, includes, and which one is found. Makes files in a directory
 * of its own under $TMPDIR; needs no kernel feature and no privilege, but sees more as root. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "../shim/policy_file.h"

static char *const test_envp[] = {(char[]){"HOME=/home/ann"}, NULL};

static char top[PATH_MAX]; /* a directory of this test's own, mode 0700 */

static void make_top(void)
{
	const char *tmp = getenv("TMPDIR");
	char template[PATH_MAX];

	(void)snprintf(template, sizeof(template), "%s/sbx-policy-XXXXXX",
		       tmp && *tmp ? tmp : "/tmp");
	cr_assert_not_null(mkdtemp(template));
	cr_assert_not_null(realpath(template, top));
}

static void remove_top(void)
{
	char command[PATH_MAX + 32];

	(void)snprintf(command, sizeof(command), "rm -rf -- '%s'", top);
	cr_expect_eq(system(command), 0);
}

static const char *in_top(const char *name)
{
	static char paths[4][PATH_MAX + 64];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", top, name);
	return path;
}

static void put(const char *name, const char *text, size_t len)
{
	int fd = open(in_top(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0, "%s", name);
	cr_assert_eq(write(fd, text, len), (ssize_t)len);
	cr_assert_eq(close(fd), 0);
	cr_assert_eq(chmod(in_top(name), 0644), 0);
}

static void put_text(const char *name, const char *text)
{
	put(name, text, strlen(text));
}

static struct policy_env disk_env(void)
{
	return (struct policy_env){.envp = test_envp, .cwd = top, .uid = geteuid()};
}

/* Load @name as a user with @uid; returns the result, and gives the message as it is printed. */
static int load_as(const char *name, unsigned uid, struct policy *policy, char *ret_text,
		   size_t size)
{
	struct policy_env env = disk_env();
	struct sbx_err err = {0};
	int r;

	env.uid = uid;
	policy_init(policy);
	r = policy_load(policy, in_top(name), &env, &err);
	(void)err_format(&err, ret_text, size);
	return r;
}

TestSuite(policy_disk, .init = make_top, .fini = remove_top);

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

Test(policy_disk, load_with_includes)
{
	struct policy policy;
	char text[4096];
	int fds = count_fds();

	put_text("main.ini", "[sandbox]\npromises = stdio\ninclude = a.ini b.ini\n");
	put_text("a.ini", "[sandbox]\npromises = inet\n");
	put_text("b.ini", "[unveil]\nr = /etc/ssl\n");
	cr_assert_eq(load_as("main.ini", geteuid(), &policy, text, sizeof(text)), 0, "%s", text);
	cr_expect_eq(policy.promises, P(STDIO) | P(INET));
	cr_assert_eq(policy.n_files, 3);
	cr_expect_str_eq(policy.files[0], in_top("main.ini"));
	cr_expect_str_eq(policy.files[1], in_top("a.ini"));
	cr_expect_str_eq(policy.files[2], in_top("b.ini"));
	cr_expect_str_eq(policy.name, in_top("main.ini"));
	cr_expect_str_eq(policy.unveils[0].from.file, in_top("b.ini"));
	cr_expect_eq(count_fds(), fds, "a descriptor stays open");
	policy_done(&policy);
}

Test(policy_disk, load_through_a_symbolic_link)
{
	struct policy policy;
	char text[4096];

	cr_assert_eq(mkdir(in_top("real"), 0755), 0);
	put_text("real/main.ini", "[sandbox]\ninclude = a.ini\n");
	put_text("real/a.ini", "[sandbox]\npromises = inet\n");
	cr_assert_eq(symlink("real/main.ini", in_top("link.ini")), 0);
	cr_assert_eq(load_as("link.ini", geteuid(), &policy, text, sizeof(text)), 0, "%s", text);
	cr_expect_eq(policy.promises, P(INET), "the include lies beside the real file");
	cr_expect_str_eq(policy.files[0], in_top("real/main.ini"));
	policy_done(&policy);
	cr_assert_eq(chmod(in_top("real"), 0777), 0);
	cr_expect_eq(load_as("link.ini", geteuid(), &policy, text, sizeof(text)), -EPERM, "%s",
		     text);
	policy_done(&policy);
}

Test(policy_disk, who_may_write)
{
	static const struct {
		const char *what;
		mode_t file, dir, above;
		const char *message; /* NULL: fine */
	} rows[] = {
		{"as it should be", 0644, 0755, 0755, NULL},
		{"private", 0600, 0700, 0700, NULL},
		{"file, group", 0664, 0755, 0755,
		 "/a/b/x.ini: not safe: its group may write to this file (chmod go-w "},
		{"file, others", 0646, 0755, 0755,
		 "/a/b/x.ini: not safe: others may write to this file (chmod go-w "},
		{"dir, group", 0644, 0775, 0755,
		 "/a/b: not safe: its group may write to this directory (chmod go-w "},
		{"dir, others", 0644, 0757, 0755,
		 "/a/b: not safe: others may write to this directory"},
		{"dir, sticky does not help", 0644, 01777, 0755,
		 "/a/b: not safe: others may write to this directory (put the policy into one of "
		 "its own)"},
		{"above, group", 0644, 0755, 0775,
		 "/a: not safe: its group may write to this directory"},
		{"above, others", 0644, 0755, 0777,
		 "/a: not safe: others may write to this directory"},
		{"above, sticky", 0644, 0755, 01777, NULL},
	};

	cr_assert_eq(mkdir(in_top("a"), 0755), 0);
	cr_assert_eq(mkdir(in_top("a/b"), 0755), 0);
	put_text("a/b/x.ini", "[sandbox]\npromises = stdio\n");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy policy;
		struct sbx_err err = {0};
		char text[8192];
		int r;

		cr_assert_eq(chmod(in_top("a/b/x.ini"), rows[i].file), 0);
		cr_assert_eq(chmod(in_top("a/b"), rows[i].dir), 0);
		cr_assert_eq(chmod(in_top("a"), rows[i].above), 0);
		r = load_as("a/b/x.ini", geteuid(), &policy, text, sizeof(text));
		cr_expect_eq(r, rows[i].message ? -EPERM : 0, "%s: %s", rows[i].what, text);
		cr_expect(!rows[i].message || strstr(text, rows[i].message), "%s: %s", rows[i].what,
			  text);
		cr_expect_eq(policy.n_files, !r, "%s: nothing is read of an unsafe file",
			     rows[i].what);
		policy_done(&policy);
		cr_expect_eq(policy_check_trust(in_top("a/b/x.ini"), geteuid(), &err), r,
			     "%s: check", rows[i].what);
	}
}

/* Root can give files away; another user pretends to be someone else, to whom all this is a
 * stranger's. */
static unsigned make_foreign(const char *name)
{
	if (geteuid() != 0)
		return geteuid() + 1;
	cr_assert_eq(chown(in_top(name), 12345, 12345), 0);
	return 0;
}

Test(policy_disk, whose_file)
{
	struct policy policy;
	char text[8192];
	unsigned uid;

	put_text("x.ini", "[sandbox]\npromises = stdio\n");
	uid = make_foreign("x.ini");
	cr_expect_eq(load_as("x.ini", uid, &policy, text, sizeof(text)), -EPERM);
	cr_expect(strstr(text, "x.ini: not safe: uid ") &&
			  strstr(text, " owns this file, neither root nor"),
		  "%s", text);
	policy_done(&policy);
}

Test(policy_disk, whose_directory)
{
	struct sbx_err err = {0};
	unsigned uid;

	cr_assert_eq(mkdir(in_top("d"), 0755), 0);
	uid = make_foreign("d");
	cr_expect_eq(policy_check_trust(in_top("d"), uid, &err), -EPERM);
	cr_expect_str_eq(err.file, in_top("d"));
	cr_expect(strstr(err.msg, " owns this directory, neither root nor"), "%s", err.msg);
}

/* Only root can make a safe file in a directory of another's; without root there is nothing to see
 * here. */
Test(policy_disk, whose_directory_around_a_file)
{
	struct policy policy;
	char text[8192];

	cr_assert_eq(mkdir(in_top("d"), 0755), 0);
	put_text("d/x.ini", "[sandbox]\npromises = stdio\n");
	if (geteuid() == 0) {
		(void)make_foreign("d");
		cr_expect_eq(load_as("d/x.ini", 0, &policy, text, sizeof(text)), -EPERM);
		cr_expect(strstr(text, "/d: not safe: uid 12345 owns this directory"), "%s", text);
		policy_done(&policy);
		cr_expect_eq(load_as("d/x.ini", 12345, &policy, text, sizeof(text)), 0,
			     "the owner may: %s", text);
		policy_done(&policy);
	}
}

Test(policy_disk, includes_are_checked_like_the_file)
{
	static const struct {
		const char *main;
		const char *message;
	} rows[] = {
		{"include = open.ini", "open.ini: not safe: its group may write"},
		{"include = none.ini", "main.ini:2: cannot include \"none.ini\": no "},
		{"include = dir.ini", "dir.ini: a directory, not a policy file"},
		{"include = main.ini",
		 "main.ini:2: cannot include \"main.ini\": it was read already"},
		{"include = a.ini a.ini",
		 "main.ini:2: cannot include \"a.ini\": it was read already"},
		{"include = nested.ini",
		 "nested.ini:2: \"include\" is not allowed in an included file"},
		{"include = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
		 "main.ini:2: cannot include \"16\": too many files"},
	};

	put_text("a.ini", "");
	put_text("open.ini", "");
	put_text("nested.ini", "[sandbox]\ninclude = a.ini\n");
	cr_assert_eq(chmod(in_top("open.ini"), 0664), 0);
	cr_assert_eq(mkdir(in_top("dir.ini"), 0755), 0);
	for (int i = 1; i <= 16; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "%d", i);
		put_text(name, "");
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy policy;
		char text[8192];
		int r;

		(void)snprintf(text, sizeof(text), "[sandbox]\n%s\n", rows[i].main);
		put_text("main.ini", text);
		r = load_as("main.ini", geteuid(), &policy, text, sizeof(text));
		cr_expect(r == -EINVAL || r == -EPERM, "%s: %d", rows[i].main, r);
		cr_expect(strstr(text, rows[i].message), "%s: %s", rows[i].main, text);
		policy_done(&policy);
	}
}

Test(policy_disk, what_is_no_policy_file)
{
	struct policy policy;
	char text[8192];
	int fds = count_fds();

	cr_expect_eq(load_as("none.ini", geteuid(), &policy, text, sizeof(text)), -ENOENT);
	cr_expect(strstr(text, "none.ini: No such file or directory"), "%s", text);
	policy_done(&policy);
	cr_assert_eq(mkfifo(in_top("fifo.ini"), 0600), 0);
	(void)alarm(20); /* opening it must not wait for a writer */
	cr_expect_eq(load_as("fifo.ini", geteuid(), &policy, text, sizeof(text)), -EINVAL);
	(void)alarm(0);
	cr_expect(strstr(text, "fifo.ini: not a regular file"), "%s", text);
	policy_done(&policy);
	cr_assert_eq(mkdir(in_top("dir.ini"), 0700), 0);
	cr_expect_eq(load_as("dir.ini", geteuid(), &policy, text, sizeof(text)), -EINVAL);
	policy_done(&policy);
	cr_assert_eq(symlink("loop.ini", in_top("loop.ini")), 0);
	cr_expect_eq(load_as("loop.ini", geteuid(), &policy, text, sizeof(text)), -ELOOP);
	policy_done(&policy);
	cr_assert_eq(symlink("/dev/null", in_top("null.ini")), 0);
	cr_expect_eq(load_as("null.ini", geteuid(), &policy, text, sizeof(text)), -EINVAL);
	policy_done(&policy);
	cr_expect_eq(count_fds(), fds, "a descriptor stays open");
}

/* Root is let in everywhere: be somebody else for a while. */
static unsigned become_ordinary(void)
{
	if (geteuid() != 0)
		return geteuid();
	cr_assert_eq(chown(top, 12345, 12345), 0);
	cr_assert_eq(seteuid(12345), 0);
	return 12345;
}

static void become_root_again(void)
{
	if (getuid() == 0)
		cr_assert_eq(seteuid(0), 0);
}

Test(policy_disk, unreadable)
{
	struct policy policy;
	char text[8192];
	unsigned uid;
	int r;

	put_text("x.ini", "");
	cr_assert_eq(chmod(in_top("x.ini"), 0), 0);
	uid = become_ordinary();
	r = load_as("x.ini", uid, &policy, text, sizeof(text));
	become_root_again();
	cr_expect_eq(r, -EACCES);
	cr_expect(strstr(text, "x.ini: Permission denied"), "%s", text);
	policy_done(&policy);
}

Test(policy_disk, size_of_a_file)
{
	static char big[POLICY_FILE_MAX + 1];
	struct policy policy;
	char text[8192];

	memset(big, '\n', sizeof(big));
	put("x.ini", big, POLICY_FILE_MAX);
	cr_expect_eq(load_as("x.ini", geteuid(), &policy, text, sizeof(text)), 0, "%s", text);
	policy_done(&policy);
	put("x.ini", big, POLICY_FILE_MAX + 1);
	cr_expect_eq(load_as("x.ini", geteuid(), &policy, text, sizeof(text)), -EFBIG);
	cr_expect(strstr(text, "x.ini: more than 65536 bytes"), "%s", text);
	policy_done(&policy);
}

Test(policy_disk, trust_of_a_directory)
{
	struct sbx_err err = {0};

	cr_assert_eq(mkdir(in_top("d"), 0755), 0);
	cr_expect_eq(policy_check_trust(in_top("d"), geteuid(), &err), 0, "%s", err.msg);
	cr_assert_eq(chmod(in_top("d"), 01777), 0);
	cr_expect_eq(policy_check_trust(in_top("d"), geteuid(), &err), -EPERM);
	cr_expect_str_eq(err.file, in_top("d"));
	cr_expect_eq(policy_check_trust(in_top("none"), geteuid(), &err), -ENOENT);
	cr_expect_eq(policy_check_trust("/", 0, &err), 0, "%s", err.msg);
}

/* The search. */
static char home_var[PATH_MAX + 16], xdg_var[PATH_MAX + 32];

static void make_search_dirs(void)
{
	make_top();
	cr_assert_eq(mkdir(in_top("sys"), 0755), 0);
	cr_assert_eq(mkdir(in_top("home"), 0755), 0);
	cr_assert_eq(mkdir(in_top("home/.config"), 0755), 0);
	cr_assert_eq(mkdir(in_top("home/.config/sbx-preload"), 0755), 0);
	(void)snprintf(home_var, sizeof(home_var), "HOME=%s", in_top("home"));
	(void)snprintf(xdg_var, sizeof(xdg_var), "XDG_CONFIG_HOME=%s", in_top("xdg"));
}

TestSuite(policy_find, .init = make_search_dirs, .fini = remove_top);

static int find(const char *name, const char *real_name, char *const *envp, char ret[PATH_MAX],
		struct sbx_err *err)
{
	struct policy_env env = disk_env();

	env.envp = envp;
	*err = (struct sbx_err){0};
	return policy_find_in(in_top("sys"), name, real_name, &env, ret, err);
}

Test(policy_find, order)
{
	static const char *const files[] = {"sys/vi.ini", "sys/vim.ini",
					    "home/.config/sbx-preload/vi.ini",
					    "home/.config/sbx-preload/vim.ini"};
	char *const envp[] = {home_var, NULL};
	struct sbx_err err;
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		put_text(files[i], "");
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		cr_expect_eq(find("vi", "vim", envp, path, &err), 0, "%s", err.msg);
		cr_expect_str_eq(path, in_top(files[i]), "%zu: %s", i, path);
		cr_assert_eq(unlink(in_top(files[i])), 0);
	}
	cr_expect_eq(find("vi", "vim", envp, path, &err), -ENOENT);
	cr_expect_eq(err.code, 0, "the error is untouched");
	put_text("sys/vim.ini", "");
	cr_expect_eq(find("vi", NULL, envp, path, &err), -ENOENT, "no second name");
}

Test(policy_find, the_users_directory)
{
	static char relative[] = "XDG_CONFIG_HOME=xdg", null[] = "HOME=/dev/null";
	char *const with_xdg[] = {home_var, xdg_var, NULL};
	char *const with_relative[] = {home_var, relative, NULL};
	char *const with_null[] = {null, NULL};
	char *const with_nothing[] = {NULL};
	struct policy_env env = disk_env();
	struct sbx_err err;
	char path[PATH_MAX];

	put_text("home/.config/sbx-preload/vi.ini", "");
	cr_expect_eq(find("vi", NULL, with_xdg, path, &err), -ENOENT, "XDG_CONFIG_HOME, not HOME");
	cr_expect_eq(find("vi", NULL, with_relative, path, &err), 0, "a relative one is ignored");
	cr_expect_eq(find("vi", NULL, with_null, path, &err), -ENOENT, "%s", err.msg);
	cr_expect_eq(find("vi", NULL, with_nothing, path, &err), -ENOENT, "%s", err.msg);
	env.envp = with_xdg;
	cr_expect_eq(policy_user_dir(&env, path), 0);
	cr_expect_str_eq(path, in_top("xdg/sbx-preload"));
	env.envp = with_nothing;
	cr_expect_eq(policy_user_dir(&env, path), -ENOENT);
}

Test(policy_find, what_is_there_but_not_to_be_read_is_an_error_or_found)
{
	char *const envp[] = {home_var, NULL};
	struct sbx_err err;
	char path[PATH_MAX];

	cr_assert_eq(symlink("/nonexistent", in_top("sys/vi.ini")), 0);
	cr_expect_eq(find("vi", NULL, envp, path, &err), 0, "a dangling link is not skipped");
	cr_assert_eq(rename(in_top("sys"), in_top("was")), 0);
	cr_assert_eq(symlink("sys", in_top("sys")), 0);
	cr_expect_eq(find("vi", NULL, envp, path, &err), -ELOOP);
	cr_expect(strstr(err.msg, "cannot tell whether there is such a policy"), "%s", err.msg);
	cr_expect_str_eq(err.file, in_top("sys/vi.ini"));
}

Test(policy_find, a_directory_that_may_not_be_searched)
{
	char *const envp[] = {home_var, NULL};
	struct sbx_err err;
	char path[PATH_MAX];

	int r;

	cr_assert_eq(chmod(in_top("sys"), 0), 0);
	(void)become_ordinary();
	r = find("vi", NULL, envp, path, &err);
	become_root_again();
	cr_expect_eq(r, -EACCES);
	cr_expect(strstr(err.msg, "cannot tell whether"), "%s", err.msg);
	cr_assert_eq(chmod(in_top("sys"), 0755), 0);
}

Test(policy_find, names)
{
	static const char *const bad[] = {"", ".", "..", "a/b", "/", "../x"};
	char *const envp[] = {home_var, NULL};
	char path[PATH_MAX], name[NAME_MAX + 1];
	struct sbx_err err;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cr_expect_eq(find(bad[i], NULL, envp, path, &err), -EINVAL, "\"%s\"", bad[i]);
		cr_expect(err.msg[0], "\"%s\"", bad[i]);
		cr_expect_eq(find("vi", bad[i], envp, path, &err), -EINVAL, "second: \"%s\"",
			     bad[i]);
	}
	memset(name, 'n', NAME_MAX);
	name[NAME_MAX] = '\0';
	cr_expect_eq(find(name, NULL, envp, path, &err), -ENOENT, "no file can be called so: %s",
		     err.msg);
	name[NAME_MAX - 4] = '\0';
	(void)snprintf(path, sizeof(path), "sys/%s.ini", name);
	put_text(path, "");
	cr_expect_eq(find(name, NULL, envp, path, &err), 0, "the longest name: %s", err.msg);
}

Test(policy_find, the_system_directory_is_the_default)
{
	char *const envp[] = {home_var, NULL};
	struct policy_env env = disk_env();
	struct sbx_err err = {0};
	char path[PATH_MAX];

	env.envp = envp;
	put_text("home/.config/sbx-preload/sbx-no-such-program.ini", "");
	cr_expect_eq(policy_find("sbx-no-such-program", NULL, &env, path, &err), 0, "%s", err.msg);
	cr_expect_str_eq(path, in_top("home/.config/sbx-preload/sbx-no-such-program.ini"));
}
