/* SPDX-License-Identifier: MIT */
/* Live: programs that work on files, under the policies that we ship. For each a table of work that
 * must go on as ever, and one of deeds that the bare program does and the sandboxed one is kept
 * from. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live_work.h"

#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define NEEDS_ABI 6 /* the default scopes */

TestSuite(real_files, .timeout = 240, .fini = live_cleanup);

static void need(const char *program)
{
	live_need_landlock(NEEDS_ABI);
	live_need_program(program);
}

/* Text that compresses and that every table can name. */
static void prepare_texts(struct live *live)
{
	char *text = malloc(20000);
	size_t len = 0;

	for (int i = 1; i <= 2000; i++)
		len += (size_t)snprintf(text + len, 20000 - len, "%d\n", i);
	live_write(live, "{work}/numbers.txt", text);
	free(text);
	live_mkdir(live, "{work}/dir");
	live_write(live, "{work}/dir/inner.txt", "hello from inside\n");
}

/* ---- ls, cat ---- */

static const struct live_case ls_does[] = {
	{.name = "ls",
	 .policy = "ls",
	 .argv = {"/usr/bin/ls", "--color=always"},
	 .out = "numbers.txt"},
	{.name = "ls -laR",
	 .policy = "ls",
	 .argv = {"/usr/bin/ls", "-laR", "."},
	 .out = "inner.txt"},
	{.name = "ls -l names the owner",
	 .policy = "ls",
	 .argv = {"/usr/bin/ls", "-ld", "/etc/passwd"},
	 .out = "root root"},
	{.name = "ls elsewhere with a flag",
	 .policy = "ls",
	 .flags = {"-v", "r:{outside}"},
	 .argv = {"/usr/bin/ls", "{outside}"},
	 .out = "secret.txt"},
};
static const struct live_case ls_kept[] = {
	{.name = "ls of a directory elsewhere",
	 .policy = "ls",
	 .argv = {"/usr/bin/ls", "{outside}"},
	 .out = "secret.txt",
	 .says = "Permission denied"},
};

Test(real_files, ls)
{
	need("/usr/bin/ls");
	live_does_all(ls_does, COUNT(ls_does), prepare_texts);
	live_kept_all(ls_kept, COUNT(ls_kept), prepare_texts);
}

static const struct live_case cat_does[] = {
	{.name = "cat",
	 .policy = "cat",
	 .argv = {"/usr/bin/cat", "numbers.txt", "dir/inner.txt"},
	 .out = "2000\nhello from inside\n"},
	{.name = "cat of standard input",
	 .policy = "cat",
	 .argv = {"/usr/bin/cat"},
	 .input = "piped\n",
	 .out = "piped\n"},
};
static const struct live_case cat_kept[] = {
	{.name = "cat of a file elsewhere",
	 .policy = "cat",
	 .argv = {"/usr/bin/cat", "{outside}/secret.txt"},
	 .out = LIVE_SECRET,
	 .says = "Permission denied"},
	{.name = "cat through a link out",
	 .policy = "cat",
	 .argv = {"/usr/bin/cat", "way-out"},
	 .out = LIVE_SECRET,
	 .says = "Permission denied"},
};

static void prepare_link(struct live *live)
{
	static const char *const ln[] = {"/bin/ln", "-s", "{outside}/secret.txt", "way-out", NULL};
	struct live_command command = {.argv = ln};
	struct live_result r = live_run(live, &command);

	cr_assert(r.status == 0, "ln: %s", r.err);
	live_result_done(&r);
}

Test(real_files, cat)
{
	need("/usr/bin/cat");
	live_does_all(cat_does, COUNT(cat_does), prepare_texts);
	live_kept_all(cat_kept, COUNT(cat_kept), prepare_link);
}

/* ---- tar, xz ---- */

static const struct live_case tar_does[] = {
	{.name = "tar -c",
	 .policy = "tar",
	 .argv = {"/usr/bin/tar", "-cf", "a.tar", "numbers.txt", "dir"},
	 .makes = "{work}/a.tar"},
	{.name = "tar -c knows whose files they are",
	 .policy = "tar",
	 .argv = {"/usr/bin/tar", "-cvvf", "b.tar", "numbers.txt"},
	 .out = " {user}/",
	 .makes = "{work}/b.tar"},
	{.name = "tar -t",
	 .policy = "tar",
	 .argv = {"/usr/bin/tar", "-tvf", "a.tar"},
	 .out = "dir/inner.txt"},
	{.name = "tar -x",
	 .policy = "tar",
	 .argv = {"/usr/bin/tar", "-xf", "a.tar", "-C", "to"},
	 .makes = "{work}/to/dir/inner.txt"},
	{.name = "tar -cJ",
	 .policy = "tar",
	 .argv = {"/usr/bin/tar", "-cJf", "a.tar.xz", "dir"},
	 .makes = "{work}/a.tar.xz"},
	{.name = "tar -xJ",
	 .policy = "tar",
	 .argv = {"/usr/bin/tar", "-xJvf", "a.tar.xz", "-C", "to"},
	 .out = "dir/inner.txt",
	 .makes = "{work}/to/dir/inner.txt"},
	{.name = "tar -cz",
	 .policy = "tar",
	 .argv = {"/usr/bin/tar", "-czf", "a.tgz", "dir"},
	 .makes = "{work}/a.tgz"},
	{.name = "tar -xz",
	 .policy = "tar",
	 .argv = {"/usr/bin/tar", "-xzf", "a.tgz", "-C", "to"},
	 .makes = "{work}/to/dir/inner.txt"},
};
static const struct live_case tar_kept[] = {
	{.name = "tar packs a file from elsewhere",
	 .policy = "tar",
	 .argv = {"/usr/bin/tar", "-cf", "-", "-C", "{outside}", "secret.txt"},
	 .out = LIVE_SECRET,
	 .says = "Permission denied"},
	{.name = "tar unpacks elsewhere",
	 .policy = "tar",
	 .argv = {"/usr/bin/tar", "-xf", "in.tar", "-C", "{outside}"},
	 .makes = "{outside}/numbers.txt",
	 .says = "Permission denied"},
	{.name = "tar runs a command of the command line",
	 .policy = "tar",
	 .argv = {"/usr/bin/tar", "-xf", "in.tar", "--to-command=/usr/bin/id"},
	 .out = "uid={uid}",
	 .says = "Permission denied"},
};

static void prepare_tar(struct live *live)
{
	static const char *const tar[] = {"/usr/bin/tar", "-cf", "in.tar", "numbers.txt", NULL};
	struct live_command command = {.argv = tar};
	struct live_result r;

	prepare_texts(live);
	live_mkdir(live, "{work}/to");
	r = live_run(live, &command);
	cr_assert(r.status == 0, "tar: %s", r.err);
	live_result_done(&r);
}

Test(real_files, tar)
{
	need("/usr/bin/tar");
	live_need_program("/usr/bin/xz");
	live_does_all(tar_does, COUNT(tar_does), prepare_tar);
	live_kept_all(tar_kept, COUNT(tar_kept), prepare_tar);
}

static const struct live_case xz_does[] = {
	{.name = "xz",
	 .policy = "xz",
	 .argv = {"/usr/bin/xz", "-kf", "numbers.txt"},
	 .makes = "{work}/numbers.txt.xz"},
	{.name = "xz -T2",
	 .policy = "xz",
	 .argv = {"/usr/bin/xz", "-T2", "-kf", "numbers.txt"},
	 .makes = "{work}/numbers.txt.xz"},
	{.name = "xz -dc",
	 .policy = "xz",
	 .argv = {"/usr/bin/xz", "-dc", "numbers.txt.xz"},
	 .out = "1999\n2000\n"},
	{.name = "xz --list",
	 .policy = "xz",
	 .argv = {"/usr/bin/xz", "--list", "numbers.txt.xz"},
	 .out = "numbers.txt.xz"},
	{.name = "unxz",
	 .policy = "xz",
	 .argv = {"/usr/bin/unxz", "-kf", "numbers.txt.xz"},
	 .makes = "{work}/numbers.txt"},
};
static const struct live_case xz_kept[] = {
	{.name = "xz of a file elsewhere",
	 .policy = "xz",
	 .argv = {"/usr/bin/xz", "-k", "{outside}/secret.txt"},
	 .makes = "{outside}/secret.txt.xz",
	 .says = "Permission denied"},
};

Test(real_files, xz)
{
	need("/usr/bin/xz");
	live_does_all(xz_does, COUNT(xz_does), prepare_texts);
	live_kept_all(xz_kept, COUNT(xz_kept), prepare_texts);
}

/* ---- sqlite3 ---- */

static const struct live_case sqlite3_does[] = {
	{.name = "sqlite3 creates and sums",
	 .policy = "sqlite3",
	 .argv = {"/usr/bin/sqlite3", "new.db",
		  "create table t(a); insert into t values(40),(2); select sum(a) from t;"},
	 .out = "42",
	 .makes = "{work}/new.db",
	 .copes = "denied fchown("},
	{.name = "sqlite3 reads again",
	 .policy = "sqlite3",
	 .argv = {"/usr/bin/sqlite3", "new.db"},
	 .input = "select count(*) from t;\n.schema\n",
	 .out = "CREATE TABLE t(a)"},
	{.name = "sqlite3 with a write-ahead log",
	 .policy = "sqlite3",
	 .argv = {"/usr/bin/sqlite3", "wal.db"},
	 .input = "pragma journal_mode=wal; create table t(a); insert into t values(7); select a "
		  "from t;\n",
	 .out = "wal\n7",
	 .makes = "{work}/wal.db",
	 .copes = "denied fchown("},
	{.name = "sqlite3 on a terminal",
	 .policy = "sqlite3",
	 .argv = {"/usr/bin/sqlite3", "new.db"},
	 .input = "select sum(a) * 100 from t;\n.quit\n",
	 /* No history: it would be in the home that passwd names. */
	 .env = {"SQLITE_HISTORY={outside}/none/history"},
	 .tty = true,
	 .out = "4200"},
};
static const struct live_case sqlite3_kept[] = {
	{.name = "sqlite3 opens a database elsewhere",
	 .policy = "sqlite3",
	 .argv = {"/usr/bin/sqlite3", "{outside}/x.db", "create table t(a);"},
	 .makes = "{outside}/x.db",
	 .says = "unable to open database"},
	{.name = "sqlite3 .import of a file elsewhere",
	 .policy = "sqlite3",
	 .argv = {"/usr/bin/sqlite3", ":memory:"},
	 .input = "create table t(a);\n.import {outside}/secret.txt t\nselect a from t;\n",
	 .out = LIVE_SECRET,
	 .says = "cannot open"},
	{.name = "sqlite3 .shell",
	 .policy = "sqlite3",
	 .argv = {"/usr/bin/sqlite3", ":memory:"},
	 .input = ".shell /bin/echo ran-a-$((40+2))\n",
	 .out = "ran-a-42",
	 .says = "returns"},
};

Test(real_files, sqlite3)
{
	need("/usr/bin/sqlite3");
	live_does_all(sqlite3_does, COUNT(sqlite3_does), NULL);
	live_kept_all(sqlite3_kept, COUNT(sqlite3_kept), NULL);
}

/* ---- convert ---- */

static const struct live_case convert_does[] = {
	{.name = "convert png to jpeg",
	 .policy = "convert",
	 .argv = {"/usr/bin/convert", "in.png", "-resize", "50%", "out.jpg"},
	 .makes = "{work}/out.jpg"},
};
/* ImageMagick spoils errno before it prints it. */
static const struct live_case convert_kept[] = {
	{.name = "convert reads a picture elsewhere",
	 .policy = "convert",
	 .argv = {"/usr/bin/convert", "{outside}/in.png", "stolen.jpg"},
	 .makes = "{work}/stolen.jpg",
	 .says = "unable to open image"},
	{.name = "convert writes elsewhere",
	 .policy = "convert",
	 .argv = {"/usr/bin/convert", "in.png", "{outside}/out.jpg"},
	 .makes = "{outside}/out.jpg",
	 .says = "unable to open image"},
};

static void prepare_picture(struct live *live)
{
	static const char *const draw[] = {"/usr/bin/convert",	"-size",      "64x64",
					   "gradient:red-blue", "png:in.png", NULL};
	static const char *const copy[] = {"/bin/cp", "in.png", "{outside}/in.png", NULL};
	const char *const *const commands[] = {draw, copy};

	for (size_t i = 0; i < COUNT(commands); i++) {
		struct live_command command = {.argv = commands[i]};
		struct live_result r = live_run(live, &command);

		cr_assert(r.status == 0, "%s: %s", commands[i][0], r.err);
		live_result_done(&r);
	}
}

/* The picture, not just a file of that name: JPEG's first bytes. */
static void check_jpeg(struct live *live)
{
	char *bytes = live_read(live, "{work}/out.jpg");

	cr_expect(bytes && memcmp(bytes, "\xff\xd8\xff", 3) == 0, "out.jpg is no JPEG");
	free(bytes);
}

Test(real_files, convert)
{
	uid_t users[2];
	size_t n;

	need("/usr/bin/convert");
	n = live_users(users);
	for (size_t u = 0; u < n; u++) {
		struct live live;

		live_init(&live, users[u]);
		prepare_picture(&live);
		for (size_t i = 0; i < COUNT(convert_does); i++)
			live_does(&live, &convert_does[i]);
		check_jpeg(&live);
		for (size_t i = 0; i < COUNT(convert_kept); i++)
			live_kept(&live, &convert_kept[i]);
		live_done(&live);
	}
}

/* ---- man ---- */

/* Our own page: minimal systems are installed without any. */
static void prepare_page(struct live *live)
{
	live_write(live, "{work}/page.1",
		   ".TH PAGE 1\n.SH NAME\npage \\- written for \\fIthis\\fP test\n"
		   ".SH DESCRIPTION\n.TS\nl l.\na\tb\n.TE\nZehn f\\[:u]nfte.\n");
	live_write(live, "{outside}/secret.1", ".TH S 1\n.SH NAME\n" LIVE_SECRET "\n");
}

static const struct live_case man_does[] = {
	{.name = "man of a file",
	 .policy = "man",
	 .argv = {"/usr/bin/man", "./page.1"},
	 .out = "written for"},
	{.name = "man of a file into a pager",
	 .policy = "man",
	 .argv = {"/usr/bin/man", "-P", "/usr/bin/less -F", "./page.1"},
	 .tty = true,
	 .out = "written for",
	 .copes = "/.lesshsQ\", O_WRONLY|O_CREAT|O_TRUNC, 0666): not unveiled"},
};
static const struct live_case man_installed[] = {
	{.name = "man of an installed page",
	 .policy = "man",
	 .argv = {"/usr/bin/man", "man"},
	 .out = "MAN(1)"},
};
static const struct live_case man_kept[] = {
	{.name = "man of a page elsewhere",
	 .policy = "man",
	 .argv = {"/usr/bin/man", "{outside}/secret.1"},
	 .out = LIVE_SECRET,
	 .says = "Permission denied"},
	{.name = "man with a pager of one's own",
	 .policy = "man",
	 .argv = {"/usr/bin/man", "-P", "/usr/bin/env id", "./page.1"},
	 .tty = true,
	 .out = "uid={uid}",
	 .says = "ermission denied"},
};

Test(real_files, man)
{
	struct live live = {0};

	need("/usr/bin/man");
	live_does_all(man_does, COUNT(man_does), prepare_page);
	live_kept_all(man_kept, COUNT(man_kept), prepare_page);
	if (live_exists(&live, "/usr/share/man/man1/man.1.gz"))
		live_does_all(man_installed, COUNT(man_installed), NULL);
}

/* ---- git ---- */

#define GIT    "/usr/bin/git"
#define AUTHOR "-c", "user.name=N", "-c", "user.email=n@example.org"
static const struct live_case git_does[] = {
	{.name = "git init",
	 .policy = "git",
	 .argv = {GIT, "-c", "init.defaultBranch=trunk", "init"},
	 .out = "nitialized",
	 .makes = "{work}/.git"},
	{.name = "git add",
	 .policy = "git",
	 .argv = {GIT, "add", "-v", "file.txt"},
	 .makes = "{work}/.git/index"},
	{.name = "git commit",
	 .policy = "git",
	 .argv = {GIT, AUTHOR, "commit", "-m", "first words"},
	 .env = {"GIT_AUTHOR_DATE=@1700000000 +0000", "GIT_COMMITTER_DATE=@1700000000 +0000"},
	 .out = "1 file changed",
	 .makes = "{work}/.git/refs/heads/trunk"},
	{.name = "git log",
	 .policy = "git",
	 .argv = {GIT, "log", "--format=%an: %s"},
	 .out = "N: first words"},
	{.name = "git log through a pager",
	 .policy = "git",
	 .argv = {GIT, "-c", "core.pager=less -F", "log"},
	 .tty = true,
	 .out = "first words"},
	{.name = "git clone of a path",
	 .policy = "git",
	 .argv = {GIT, "clone", ".", "copy"},
	 .makes = "{work}/copy",
	 .copes = "denied socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC|SOCK_NONBLOCK)"},
	{.name = "git clone through upload-pack",
	 .policy = "git",
	 .argv = {GIT, "clone", "file://{work}", "copy2"},
	 .makes = "{work}/copy2",
	 .copes = "denied socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC|SOCK_NONBLOCK)"},
	{.name = "git log of the clone",
	 .policy = "git",
	 .argv = {GIT, "-C", "copy2", "log"},
	 .out = "first words"},
	{.name = "git gc",
	 .policy = "git",
	 .argv = {GIT, "gc"},
	 .makes = "{work}/.git/objects/info/packs"},
};
static const struct live_case git_kept[] = {
	{.name = "git reads a file elsewhere",
	 .policy = "git",
	 .argv = {GIT, "config", "-f", "{outside}/config", "a.b"},
	 .out = LIVE_SECRET,
	 .says = "Permission denied"},
	{.name = "git runs what its configuration says",
	 .policy = "git",
	 .argv = {GIT, "-c", "alias.x=!/usr/bin/id", "x"},
	 .out = "uid={uid}",
	 .says = "ermission denied"},
	{.name = "git clones to elsewhere",
	 .policy = "git",
	 .argv = {GIT, "init", "{outside}/repo"},
	 .makes = "{outside}/repo",
	 .says = "Permission denied"},
};

static void prepare_file(struct live *live)
{
	live_write(live, "{work}/file.txt", "contents\n");
}

static void prepare_config(struct live *live)
{
	live_write(live, "{outside}/config", "[a]\nb = " LIVE_SECRET "\n");
}

Test(real_files, git)
{
	need(GIT);
	live_does_all(git_does, COUNT(git_does), prepare_file);
	live_kept_all(git_kept, COUNT(git_kept), prepare_config);
}

/* ---- openssl without a network ---- */

static const struct live_case openssl_does[] = {
	{.name = "openssl dgst",
	 .policy = "openssl",
	 .argv = {"/usr/bin/openssl", "dgst", "-sha256", "dir/inner.txt"},
	 .out = "SHA2-256("},
	{.name = "openssl enc",
	 .policy = "openssl",
	 .argv = {"/usr/bin/openssl", "enc", "-aes-256-cbc", "-pbkdf2", "-k", "x", "-in",
		  "numbers.txt", "-out", "numbers.enc"},
	 .makes = "{work}/numbers.enc"},
	{.name = "openssl req",
	 .policy = "openssl",
	 .argv = {"/usr/bin/openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
		  "key.pem", "-out", "cert.pem", "-subj", "/CN=localhost"},
	 .makes = "{work}/cert.pem"},
	{.name = "openssl asks for a passphrase",
	 .policy = "openssl",
	 .argv = {"/usr/bin/openssl", "pkey", "-aes256", "-in", "key.pem", "-out", "locked.pem"},
	 .input = "passphrase\npassphrase\n",
	 .tty = true,
	 .makes = "{work}/locked.pem"},
};
static const struct live_case openssl_kept[] = {
	{.name = "openssl reads elsewhere",
	 .policy = "openssl",
	 .argv = {"/usr/bin/openssl", "base64", "-d", "-A", "-in", "{outside}/secret.b64"},
	 .out = LIVE_SECRET,
	 .says = "Permission denied"},
};

static void prepare_base64(struct live *live)
{
	live_write(live, "{outside}/secret.b64", "dGhlLXNlY3JldC1vdXRzaWRlCg==\n");
}

Test(real_files, openssl)
{
	need("/usr/bin/openssl");
	live_does_all(openssl_does, COUNT(openssl_does), prepare_texts);
	live_kept_all(openssl_kept, COUNT(openssl_kept), prepare_base64);
}

/* ---- for who learns from it ---- */

#define WORK(what, program, prepares)                                                       \
	{                                                                                   \
		.name = #what, .policy = #what, .programs = {program}, .prepare = prepares, \
		.cases = what##_does, .count = COUNT(what##_does)                           \
	}
const struct live_work real_files_work[] = {
	WORK(ls, "/usr/bin/ls", prepare_texts),
	WORK(cat, "/usr/bin/cat", prepare_texts),
	{.name = "tar",
	 .policy = "tar",
	 .programs = {"/usr/bin/tar", "/usr/bin/xz"},
	 .prepare = prepare_tar,
	 .cases = tar_does,
	 .count = COUNT(tar_does)},
	WORK(xz, "/usr/bin/xz", prepare_texts),
	WORK(sqlite3, "/usr/bin/sqlite3", NULL),
	WORK(convert, "/usr/bin/convert", prepare_picture),
	WORK(man, "/usr/bin/man", prepare_page),
	{.name = "man of an installed page",
	 .policy = "man",
	 .programs = {"/usr/bin/man"},
	 .only_where = "/usr/share/man/man1/man.1.gz",
	 .cases = man_installed,
	 .count = COUNT(man_installed)},
	WORK(git, GIT, prepare_file),
	WORK(openssl, "/usr/bin/openssl", prepare_texts),
};
const size_t real_files_works = COUNT(real_files_work);
