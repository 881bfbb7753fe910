/* SPDX-License-Identifier: MIT */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../shim/path.h"
#include "../shim/util.h"
#include "elf.h"
#include "script.h"

#if defined(__x86_64__)
#define GLIBC_LOADER "ld-linux-x86-64.so.2"
#elif defined(__aarch64__)
#define GLIBC_LOADER "ld-linux-aarch64.so.1"
#endif

/* Where programs are looked for when PATH is unset: the first part of what login(1) of Debian sets.
 */
#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

/* fs/exec.c, exec_binprm(): five "#!" files may follow one another before the program itself. */
#define CHAIN_MAX 5

/* Everything that one resolution works on. @argv and @path are those of the next execve(2);
 * @kernel_argv is what the kernel makes of them while it follows #! lines. */
struct resolver {
	struct program *program;
	struct sbx_err *err;
	char **kernel_argv;
	const char *file; /* the file to look at next, as written */
	unsigned chain;	  /* "#!" files since the last execve(2) */
};

static int no_memory(struct sbx_err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

/* Unlike env_get(), an empty value counts: execvp(3) then looks in the current directory. */
static const char *variable(char *const *envp, const char *name)
{
	size_t len = strlen(name);

	for (; *envp; envp++)
		if (strncmp(*envp, name, len) == 0 && (*envp)[len] == '=')
			return *envp + len + 1;
	return NULL;
}

/* Could execve(2) run @path, as far as its type and mode tell? Returns 0 or -errno. */
static int check_executable(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	/* Effective ids, as execve has it; sees noexec mounts, and root too needs one x bit
	 * (access(2)). */
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
		return -errno;
	return 0;
}

/* Look for @name in @dirs, the value of PATH, the way execvp(3) does: what cannot be executed is
 * passed over but remembered. */
static int search_path(struct arena *arena, const char *name, const char *dirs, const char **ret,
		       struct sbx_err *err)
{
	bool denied = false;

	for (const char *dir = dirs;; dir++) {
		size_t len = strcspn(dir, ":");
		/* An empty entry is the current directory. */
		char *path = len ? arena_printf(arena, "%.*s/%s", (int)len, dir, name)
				 : arena_printf(arena, "./%s", name);
		int r;

		if (!path)
			return no_memory(err);
		r = check_executable(path);
		if (!r) {
			*ret = path;
			return 0;
		}
		if (r == -EACCES || r == -EISDIR)
			denied = true;
		dir += len;
		if (!*dir)
			break;
	}
	if (denied)
		return err_set(err, -EACCES, "%s: found in PATH, but it cannot be executed", name);
	return err_set(err, -ENOENT, "%s: not found in PATH", name);
}

static int find_program(struct arena *arena, const char *name, char *const *envp, const char **ret,
			struct sbx_err *err)
{
	const char *dirs;

	if (!*name)
		return err_set(err, -ENOENT, "the program's name is empty");
	if (strchr(name, '/')) {
		*ret = arena_strdup(arena, name);
		return *ret ? 0 : no_memory(err);
	}
	if (strlen(name) > NAME_MAX)
		return err_set(err, -ENOENT, "the program's name is longer than %d bytes",
			       NAME_MAX);
	dirs = variable(envp, "PATH");
	return search_path(arena, name, dirs ? dirs : DEFAULT_PATH, ret, err);
}

/* Note @fd's real path in files[]. */
static int add_file(struct resolver *resolver, int fd)
{
	struct program *program = resolver->program;
	char real[PATH_MAX];
	int r;

	if (program->n_files == PROGRAM_FILES_MAX)
		return err_set(resolver->err, -ELOOP, "%s: too many interpreters in a row",
			       resolver->file);
	r = path_of_fd(fd, real);
	if (r < 0)
		return err_set(resolver->err, r == -ENOENT ? -ENOEXEC : r,
			       "%s: cannot find out its real path: %s", resolver->file,
			       strerror(-r));
	program->files[program->n_files] = arena_strdup(&program->arena, real);
	if (!program->files[program->n_files])
		return no_memory(resolver->err);
	program->n_files++;
	return 0;
}

/* Open the file that the kernel would look at next. What the person named may be missing (exit
 * 127); an interpreter that is missing makes a script that cannot be executed (126). */
static int open_file(struct resolver *resolver, int *ret_fd)
{
	const char *file = resolver->file;
	struct sbx_err *err = resolver->err;
	bool named = !resolver->program->n_files;
	int r = check_executable(file);
	int fd;

	if (r == -ENOTDIR && named)
		r = -ENOENT; /* "./file/x": there is no such program either */
	if (r == -ENOENT && !named)
		return err_set(err, -ENOEXEC, "%s: its interpreter %s does not exist",
			       resolver->program->files[resolver->program->n_files - 1], file);
	if (r < 0)
		return err_set(err, r, "%s: %s", file, strerror(-r));
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		r = -errno;
		return err_set(err, r == -ENOENT ? -ENOEXEC : r,
			       "%s: cannot be read, so what it is cannot be told: %s", file,
			       strerror(-r));
	}
	*ret_fd = fd;
	return 0;
}

static ssize_t read_head(int fd, char head[SCRIPT_LINE_MAX])
{
	size_t used = 0;

	while (used < SCRIPT_LINE_MAX) {
		ssize_t n = pread(fd, head + used, SCRIPT_LINE_MAX - used, (off_t)used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

static size_t count_words(char *const *words)
{
	size_t n = 0;

	while (words[n])
		n++;
	return n;
}

/* What the kernel makes of the arguments at a "#!" line: interpreter, its argument, the script, the
 * old ones but the first (fs/binfmt_script.c). */
static int follow_line(struct resolver *resolver, const struct script_line *line)
{
	struct arena *arena = &resolver->program->arena;
	char *const *rest = resolver->kernel_argv + (resolver->kernel_argv[0] ? 1 : 0);
	size_t n = count_words(rest), i = 0;
	char **argv = arena_alloc(arena, (n + 4) * sizeof(*argv));
	char *interpreter = arena_strdup(arena, line->interpreter);
	char *arg = arena_strdup(arena, line->arg);
	char *script = arena_strdup(arena, resolver->file);

	if (!argv || !interpreter || !arg || !script)
		return no_memory(resolver->err);
	argv[i++] = interpreter;
	if (line->has_arg)
		argv[i++] = arg;
	argv[i++] = script;
	memcpy(argv + i, rest, n * sizeof(*argv)); /* the arena is zeroed: NULL-terminated */
	resolver->kernel_argv = argv;
	resolver->file = interpreter;
	return 0;
}

/* The interpreter is env, which would execute something else: do that in its stead, so that the
 * sandbox is entered once, by the program that matters. */
static int follow_env(struct resolver *resolver)
{
	struct program *program = resolver->program;
	const char *script = program->files[program->n_files - 1];
	struct env_command command;
	const char *path = NULL;
	int r;

	r = script_read_env(&program->arena, resolver->kernel_argv, program->envp, &command,
			    resolver->err);
	if (!r) {
		r = find_program(&program->arena, command.argv[0], command.envp, &path,
				 resolver->err);
		/* The script was found; it is its interpreter that is not. */
		if (r == -ENOENT)
			resolver->err->code = r = -ENOEXEC;
	}
	if (r) {
		err_prefix(resolver->err, "%s: its #! line", script);
		return r;
	}
	program->path = path;
	program->argv = command.argv;
	program->envp = command.envp;
	resolver->kernel_argv = command.argv;
	resolver->file = path;
	resolver->chain = 0;
	return 0;
}

static int follow_script(struct resolver *resolver, const char *head, size_t len)
{
	struct script_line line;
	int r;

	r = script_parse(head, len, &line, resolver->err);
	if (r < 0) {
		err_prefix(resolver->err, "%s", resolver->file);
		return r;
	}
	if (++resolver->chain > CHAIN_MAX)
		return err_set(resolver->err, -ELOOP, "%s: too many interpreters in a row",
			       resolver->file);
	return follow_line(resolver, &line);
}

/* File capabilities make the loader ignore LD_PRELOAD (AT_SECURE, capabilities(7)) even when
 * no_new_privs keeps the program from gaining them; setuid does not. Root's programs are exempt. A
 * file system without them says so by an error. */
static bool has_capabilities(int fd)
{
	return getuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0;
}

static int set_loader(struct resolver *resolver, const struct elf_info *elf, int fd)
{
	struct program *program = resolver->program;
	bool is_glibc;
	int r;

	if (!elf->interp[0]) {
		program->kind = PROGRAM_STATIC;
		return 0;
	}
	r = check_executable(elf->interp);
	if (r < 0)
		return err_set(resolver->err, -ENOEXEC, "%s: its loader %s: %s", resolver->file,
			       elf->interp, strerror(-r));
	program->loader = arena_strdup(&program->arena, elf->interp);
	if (!program->loader)
		return no_memory(resolver->err);
	is_glibc = strcmp(path_base(elf->interp), GLIBC_LOADER) == 0;
	program->kind = is_glibc && !has_capabilities(fd) ? PROGRAM_GLIBC : PROGRAM_FOREIGN;
	return 0;
}

static int find_libraries(struct resolver *resolver, const struct elf_info *elf,
			  const char *const *needed)
{
	struct program *program = resolver->program;
	const struct libraries_request request = {
		.binary = program->files[program->n_files - 1],
		.elf = elf,
		.needed = needed,
		.envp = program->envp,
		.is_glibc = program->kind == PROGRAM_GLIBC,
	};
	int r;

	if (program->kind == PROGRAM_STATIC)
		return 0;
	r = libraries_find(&request, &program->arena, &program->libraries, resolver->err);
	if (r < 0)
		err_prefix(resolver->err, "%s", resolver->file);
	return r;
}

/* The end of the chain: a binary. */
static int inspect_binary(struct resolver *resolver, int fd)
{
	struct sbx_err *err = resolver->err;
	const char **needed;
	struct elf_info elf;
	int r;

	r = elf_read_needed(fd, &resolver->program->arena, &elf, &needed, err);
	if (r < 0) {
		err_prefix(err, "%s", resolver->file);
		return r;
	}
	if (!elf.same_class)
		return err_set(err, -ENOEXEC,
			       "%s: 32-bit program: this sandbox confines only 64-bit system calls",
			       resolver->file);
	if (!elf.same_machine)
		return err_set(err, -ENOEXEC,
			       "%s: program for another machine: this sandbox confines only the "
			       "system calls of this one",
			       resolver->file);
	r = set_loader(resolver, &elf, fd);
	return r < 0 ? r : find_libraries(resolver, &elf, needed);
}

/* Look at one file of the chain. Returns 1 when it was the last, 0 when resolver->file names the
 * next, -errno. */
static int resolve_step(struct resolver *resolver)
{
	char head[SCRIPT_LINE_MAX];
	int fd cleanup_fd = -1;
	ssize_t len;
	bool is_elf;
	int r;

	r = open_file(resolver, &fd);
	if (r < 0)
		return r;
	len = read_head(fd, head);
	if (len < 0)
		return err_set(resolver->err, (int)len, "%s: %s", resolver->file,
			       strerror((int)-len));
	is_elf = len >= 4 && memcmp(head, "\177ELF", 4) == 0;
	/* Only behind a "#!": who asks for env itself gets env. */
	if (is_elf && resolver->chain && strcmp(path_base(resolver->file), "env") == 0)
		return follow_env(resolver);
	r = add_file(resolver, fd);
	if (r < 0)
		return r;
	if (script_is(head, (size_t)len))
		return follow_script(resolver, head, (size_t)len);
	if (!is_elf)
		return err_set(resolver->err, -ENOEXEC,
			       "%s has no #! line and is no ELF program; run it with its "
			       "interpreter, e.g. sbx-preload sh %s",
			       resolver->file, resolver->file);
	r = inspect_binary(resolver, fd);
	return r < 0 ? r : 1;
}

static int resolve(struct resolver *resolver)
{
	struct program *program = resolver->program;
	int r;

	if (!program->argv[0])
		return err_set(resolver->err, -ENOENT, "no program is named");
	r = find_program(&program->arena, program->argv[0], program->envp, &program->path,
			 resolver->err);
	if (r < 0)
		return r;
	program->name = arena_strdup(&program->arena, path_base(program->argv[0]));
	if (!program->name)
		return no_memory(resolver->err);
	resolver->file = program->path;
	resolver->kernel_argv = program->argv;
	do
		r = resolve_step(resolver);
	while (!r);
	if (r < 0)
		return r;
	/* Policies belong to what the person asked for, whatever it takes to run it. */
	program->real_path = program->files[0];
	program->real_name = path_base(program->real_path);
	return 0;
}

/* The caller's lists, copied, so that all of @ret lives as long as its arena. */
static char **copy_words(struct arena *arena, char *const *words)
{
	size_t n = count_words(words);
	char **copy = arena_alloc(arena, (n + 1) * sizeof(*copy));

	for (size_t i = 0; copy && i < n; i++) {
		copy[i] = arena_strdup(arena, words[i]);
		if (!copy[i])
			return NULL;
	}
	return copy;
}

int program_resolve(char *const *argv, char *const *envp, struct program *ret, struct sbx_err *err)
{
	struct program program = {0};
	struct resolver resolver = {.program = &program, .err = err};
	int r;

	program.argv = copy_words(&program.arena, argv);
	program.envp = copy_words(&program.arena, envp);
	r = program.argv && program.envp ? resolve(&resolver) : no_memory(err);
	if (r < 0) {
		program_done(&program);
		return r;
	}
	*ret = program;
	return 0;
}

void program_done(struct program *program)
{
	if (!program)
		return;
	libraries_done(&program->libraries);
	arena_done(&program->arena);
	*program = (struct program){0};
}
