/* SPDX-License-Identifier: MIT */
/* The search finds more than the loader would open, never less: a name is looked up in every
 * directory that was named so far (DT_RPATH, LD_LIBRARY_PATH, DT_RUNPATH, in whatever order the
 * loader has them), and every file that is found counts, not only the first. That does for glibc
 * and musl, for processors with subdirectories of their own, and gives nothing away: whoever chose
 * the directories could have chosen the files.
 *
 * What lies in a standard directory is readable anyhow. It is looked at only when libraries that
 * *it* needs may lie elsewhere, i.e. when a directory was named that also counts for the libraries
 * of libraries. So for the programs of a distribution no library is opened at all. */
#include "libraries.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../shim/path.h"
#include "ldcache.h"

#if defined(__x86_64__)
#define MULTIARCH	"x86_64-linux-gnu"
#define MULTIARCH_MUSL	"x86_64-linux-musl"
#define PLATFORM_VALUES "x86_64", "haswell", "xeon_phi" /* the latter two before glibc 2.37 */
#elif defined(__aarch64__)
#define MULTIARCH	"aarch64-linux-gnu"
#define MULTIARCH_MUSL	"aarch64-linux-musl"
#define PLATFORM_VALUES "aarch64"
#endif

#define NAMES_MAX 2048
#define WORK_MAX  65536 /* files and directories tried, names looked up */

const char *const libraries_standard[LIBRARIES_STANDARD] = {
	"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib",
};

/* Where loaders look in the end, in about their order. */
static const char *const system_dirs[] = {
	"/lib/" MULTIARCH,
	"/usr/lib/" MULTIARCH,
	"/lib64",
	"/usr/lib64",
	"/lib",
	"/usr/lib",
	"/usr/local/lib",
	"/lib/" MULTIARCH_MUSL,
	"/usr/lib/" MULTIARCH_MUSL,
};

/* What $LIB and $PLATFORM may stand for, which each distribution and processor decides. */
static const char *const lib_values[] = {"lib64", ("lib/" MULTIARCH), "lib"};
static const char *const platform_values[] = {PLATFORM_VALUES};
#define VARIANTS (ARRAY_SIZE(lib_values) * ARRAY_SIZE(platform_values))

/* Beneath a directory that is searched, for some processors; the last ones before glibc 2.37. */
static const char *const processor_dirs[] = {
#if defined(__x86_64__)
	"glibc-hwcaps/x86-64-v4",
	"glibc-hwcaps/x86-64-v3",
	"glibc-hwcaps/x86-64-v2",
	"haswell/x86_64",
	"haswell",
	"tls/haswell/x86_64",
	"tls/haswell",
	"tls/x86_64",
	"x86_64",
#else
	"atomics",
	"tls/aarch64",
	"aarch64",
#endif
	"tls",
};

struct object {
	int fd; /* owned, O_PATH; -1 once it was looked at */
	dev_t dev;
	ino_t ino;
	const char *path, *dir; /* its real path; where it was found: its $ORIGIN */
	bool is_standard;
};

struct name {
	const char *text;
	size_t dirs_done;    /* directories that it was looked up in */
	bool system_done[2]; /* the same for the system's, without and with spreads */
};

struct finder {
	const struct libraries_request *request;
	struct arena *arena; /* borrowed */
	struct sbx_err *err; /* borrowed */
	struct libraries found;
	const char **dirs; /* real paths, those that exist */
	size_t n_dirs, cap_dirs;
	struct name *names;
	size_t n_names, cap_names;
	struct object *objects; /* found, in the order in which they are to be looked at */
	size_t n_objects, cap_objects;
	struct ldcache cache;
	bool cache_ready;
	bool spreads; /* some directory outside the standard ones counts for libraries of libraries
		       */
	unsigned work;
};

static int no_memory(struct finder *f)
{
	return err_set(f->err, -ENOMEM, "out of memory");
}

static int count_work(struct finder *f)
{
	if (f->work++ < WORK_MAX)
		return 0;
	return err_set(f->err, -E2BIG, "its libraries: too many names and directories");
}

/* What cannot be opened is left out, unless that is for want of descriptors. */
static int open_tacit(struct finder *f, const char *path, int flags, int *ret_fd)
{
	int r = count_work(f);

	if (r < 0)
		return r;
	*ret_fd = open(path, flags | O_CLOEXEC);
	if (*ret_fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		return err_set(f->err, -errno, "its libraries: %s: %m", path);
	return 0;
}

static bool is_standard(const char *real)
{
	for (size_t i = 0; i < LIBRARIES_STANDARD; i++) {
		size_t len = strlen(libraries_standard[i]);

		if (strncmp(real, libraries_standard[i], len) == 0 &&
		    (real[len] == '/' || !real[len]))
			return true;
	}
	return false;
}

/* ---- directories ---- */

static int add_real_dir(struct finder *f, const char *real)
{
	for (size_t i = 0; i < f->n_dirs; i++)
		if (strcmp(f->dirs[i], real) == 0)
			return 0;
	if (arena_grow(f->arena, (void **)&f->dirs, &f->cap_dirs, f->n_dirs, sizeof(*f->dirs)) < 0)
		return no_memory(f);
	f->dirs[f->n_dirs] = arena_strdup(f->arena, real);
	return f->dirs[f->n_dirs++] ? 0 : no_memory(f);
}

/* The real path of a directory. Returns 1; 0 when there is none; -errno. */
static int find_dir(struct finder *f, const char *path, char real[PATH_MAX])
{
	int fd cleanup_fd = -1;
	int r = open_tacit(f, path, O_PATH | O_DIRECTORY, &fd);

	if (r < 0 || fd < 0)
		return r;
	return path_of_fd(fd, real) == 0;
}

static int add_processor_dirs(struct finder *f, const char *dir)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(processor_dirs); i++) {
		char path[2 * PATH_MAX], real[PATH_MAX];

		(void)snprintf(path, sizeof(path), "%s/%s", dir, processor_dirs[i]);
		r = find_dir(f, path, real);
		if (r > 0)
			r = add_real_dir(f, real);
	}
	return r < 0 ? r : 0;
}

static int add_dir(struct finder *f, const char *path, bool spreads)
{
	char real[PATH_MAX];
	int r = find_dir(f, path, real);

	if (r <= 0)
		return r;
	if (is_standard(real)) /* of interest only on the way to others */
		return f->spreads ? add_real_dir(f, real) : 0;
	f->spreads |= spreads;
	r = add_real_dir(f, real);
	return r < 0 ? r : add_processor_dirs(f, real);
}

/* ---- objects ---- */

static bool is_known(const struct finder *f, const struct stat *st)
{
	for (size_t i = 0; i < f->n_objects; i++)
		if (f->objects[i].ino == st->st_ino && f->objects[i].dev == st->st_dev)
			return true;
	return false;
}

static int push_object(struct finder *f, struct object object)
{
	if (f->n_objects == LIBRARIES_MAX)
		return err_set(f->err, -E2BIG, "it needs more than %d libraries", LIBRARIES_MAX);
	if (arena_grow(f->arena, (void **)&f->objects, &f->cap_objects, f->n_objects,
		       sizeof(*f->objects)) < 0)
		return no_memory(f);
	object.path = arena_strdup(f->arena, object.path);
	object.dir = arena_strdup(f->arena, object.dir);
	if (!object.path || !object.dir)
		return no_memory(f);
	f->objects[f->n_objects++] = object;
	return 0;
}

/* A file that the loader might take. O_PATH first: to open a device or a fifo may do something.
 * Returns 1 when there is a regular file, 0 when not, -errno. */
static int add_file(struct finder *f, const char *dir, const char *path)
{
	int fd cleanup_fd = -1;
	char real[PATH_MAX];
	struct object object;
	struct stat st;
	int r = open_tacit(f, path, O_PATH, &fd);

	if (r < 0 || fd < 0)
		return r;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || path_of_fd(fd, real) < 0)
		return 0;
	object = (struct object){
		.fd = fd,
		.dev = st.st_dev,
		.ino = st.st_ino,
		.path = real,
		.dir = dir,
		.is_standard = is_standard(real),
	};
	if (is_known(f, &st) || (object.is_standard && !f->spreads))
		return 1;
	r = push_object(f, object);
	if (r < 0)
		return r;
	(void)take_fd(&fd);
	return 1;
}

static int add_in_dir(struct finder *f, const char *dir, const char *name)
{
	char path[2 * PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return add_file(f, dir, path);
}

static int add_path(struct finder *f, const char *path)
{
	char dir[PATH_MAX], real[PATH_MAX];
	size_t len = (size_t)(path_base(path) - path);
	int r;

	if (len >= sizeof(dir))
		return 0;
	memcpy(dir, path, len);
	dir[len] = '\0';
	r = find_dir(f, dir, real);
	return r <= 0 ? r : add_file(f, real, path);
}

/* ---- names ---- */

/* The last places to look in. Without spreads, only what the administrator's ld.so.conf adds to the
 * standard directories matters. */
static int look_up_system(struct finder *f, const char *text)
{
	const char *path;
	int found = 0;

	if (!f->cache_ready)
		ldcache_open("/etc/ld.so.cache", &f->cache);
	f->cache_ready = true;
	for (size_t i = 0; (path = ldcache_find(&f->cache, text, i)); i++) {
		int r = f->spreads || !is_standard(path) ? add_path(f, path) : 1;

		if (r < 0)
			return r;
		found |= r;
	}
	for (size_t i = 0; f->spreads && !found && i < ARRAY_SIZE(system_dirs); i++)
		found = add_in_dir(f, system_dirs[i], text);
	return found < 0 ? found : 0;
}

static int look_up(struct finder *f, struct name *name)
{
	for (; name->dirs_done < f->n_dirs; name->dirs_done++) {
		int r = add_in_dir(f, f->dirs[name->dirs_done], name->text);

		if (r < 0)
			return r;
	}
	if (name->system_done[f->spreads])
		return 0;
	name->system_done[f->spreads] = true;
	return look_up_system(f, name->text);
}

/* Look @text up where it was not looked up yet: directories may have been named since. */
static int add_name(struct finder *f, const char *text)
{
	int r = count_work(f);

	if (r < 0 || !*text || strlen(text) > NAME_MAX)
		return r;
	for (size_t i = 0; i < f->n_names; i++)
		if (strcmp(f->names[i].text, text) == 0)
			return look_up(f, &f->names[i]);
	if (f->n_names == NAMES_MAX)
		return err_set(f->err, -E2BIG, "its libraries: more than %d names", NAMES_MAX);
	if (arena_grow(f->arena, (void **)&f->names, &f->cap_names, f->n_names, sizeof(*f->names)) <
	    0)
		return no_memory(f);
	f->names[f->n_names] = (struct name){.text = arena_strdup(f->arena, text)};
	if (!f->names[f->n_names].text)
		return no_memory(f);
	return look_up(f, &f->names[f->n_names++]);
}

/* ---- lists, and what they may contain ---- */

static bool is_name_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* The length of the token @name ("ORIGIN") at @p, behind a dollar sign and perhaps in braces; 0
 * when it is another. */
static size_t token_at(const char *p, const char *end, const char *name)
{
	size_t len = strlen(name), braces = p < end && *p == '{';

	p += braces;
	if ((size_t)(end - p) < len + braces || strncmp(p, name, len) != 0)
		return 0;
	if (braces)
		return p[len] == '}' ? len + 2 : 0;
	return p + len < end && is_name_char(p[len]) ? 0 : len;
}

/* Copy [@p, @end) with its tokens replaced, $LIB and $PLATFORM by their values in @variant. False:
 * it is too long. *@ret_varies: another variant would give something else. */
static bool expand(const char *p, const char *end, const char *origin, size_t variant,
		   char ret[PATH_MAX], bool *ret_varies)
{
	const struct {
		const char *name, *value;
	} tokens[] = {
		{"ORIGIN", origin},
		{"LIB", lib_values[variant % ARRAY_SIZE(lib_values)]},
		{"PLATFORM", platform_values[variant / ARRAY_SIZE(lib_values)]},
	};
	size_t used = 0;

	*ret_varies = false;
	while (p < end) {
		const char *value = p++;
		size_t len = 1;

		for (size_t i = 0; *value == '$' && i < ARRAY_SIZE(tokens); i++) {
			size_t skip = token_at(p, end, tokens[i].name);

			if (!skip)
				continue;
			p += skip;
			value = tokens[i].value;
			len = strlen(value);
			*ret_varies |= i > 0;
			break;
		}
		if (len >= PATH_MAX - used)
			return false;
		memcpy(ret + used, value, len);
		used += len;
	}
	ret[used] = '\0';
	return true;
}

enum entry {
	ENTRY_DIR,	   /* a directory for the libraries of one object */
	ENTRY_DIR_SPREADS, /* … and of all that it needs */
	ENTRY_LIBRARY,	   /* a name or, with a slash, a path */
};

/* One entry of a list; @origin: the directory of the object that has it. */
static int add_entry(struct finder *f, enum entry kind, const char *p, const char *end,
		     const char *origin)
{
	bool varies = true;
	int r = 0;

	for (size_t variant = 0; r >= 0 && varies && variant < VARIANTS; variant++) {
		char path[PATH_MAX];

		if (!expand(p, end, origin, variant, path, &varies))
			continue;
		if (kind != ENTRY_LIBRARY) /* an empty entry is the current directory */
			r = add_dir(f, *path ? path : ".", kind == ENTRY_DIR_SPREADS);
		else
			r = strchr(path, '/') ? add_path(f, path) : add_name(f, path);
	}
	return r < 0 ? r : 0;
}

static int add_list(struct finder *f, enum entry kind, const char *list, const char *separators,
		    const char *origin)
{
	for (;; list++) {
		size_t len = strcspn(list, separators);
		int r = add_entry(f, kind, list, list + len, origin);

		if (r < 0)
			return r;
		list += len;
		if (!*list)
			return 0;
	}
}

/* What @elf, found in @origin, names. DT_RUNPATH silences DT_RPATH, and with glibc does not count
 * for the libraries of its libraries (ld.so(8)). */
static int follow(struct finder *f, const struct elf_info *elf, const char *const *needed,
		  const char *origin)
{
	int r = 0;

	if (elf->runpath[0])
		r = add_list(f, f->request->is_glibc ? ENTRY_DIR : ENTRY_DIR_SPREADS, elf->runpath,
			     ":", origin);
	else if (elf->rpath[0])
		r = add_list(f, ENTRY_DIR_SPREADS, elf->rpath, ":", origin);
	for (; r >= 0 && *needed; needed++)
		r = strpbrk(*needed, "/$") ? add_list(f, ENTRY_LIBRARY, *needed, "", origin)
					   : add_name(f, *needed);
	return r;
}

/* ---- the search ---- */

static int keep(struct finder *f, struct object *object)
{
	if (arena_grow(f->arena, (void **)&f->found.items, &f->found.cap, f->found.count,
		       sizeof(*f->found.items)) < 0)
		return no_memory(f);
	f->found.items[f->found.count++] =
		(struct library){.path = object->path, .fd = take_fd(&object->fd)};
	return 0;
}

static bool is_library(const struct elf_info *elf)
{
	return elf->same_class && elf->same_machine && elf->is_library && elf->complete;
}

/* Read an object's ELF headers. Returns 1; 0 when it is no library for this machine, which the
 * loader leaves out, too; -errno. */
static int read_object(struct finder *f, const struct object *object, struct elf_info *ret_elf,
		       const char ***ret_needed)
{
	char path[sizeof("/proc/self/fd/") + 12];
	int fd cleanup_fd = -1;
	int r;

	/* This very file, now for reading. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", object->fd);
	r = open_tacit(f, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, &fd);
	if (r < 0 || fd < 0)
		return r < 0 ? r : 0;
	r = elf_read_needed(fd, f->arena, ret_elf, ret_needed, f->err);
	if (r == -ENOMEM || r == -E2BIG) {
		err_prefix(f->err, "%s", object->path);
		return r;
	}
	return r == 0 && is_library(ret_elf);
}

static int visit(struct finder *f, struct object *object)
{
	const char **needed;
	struct elf_info elf;
	int r = read_object(f, object, &elf, &needed);

	if (r > 0 && !object->is_standard && keep(f, object) < 0)
		r = -ENOMEM;
	close_fd(&object->fd);
	return r <= 0 ? r : follow(f, &elf, needed, object->dir);
}

/* Every setting of a variable counts: loaders differ in which of two they take. */
static int add_variables(struct finder *f, bool dirs, const char *origin)
{
	static const struct {
		const char *name, *separators;
		enum entry kind;
	} variables[] = {
		{"LD_LIBRARY_PATH=", ":;", ENTRY_DIR_SPREADS},
		{"LD_PRELOAD=", " :", ENTRY_LIBRARY},
		{"LD_AUDIT=", ":", ENTRY_LIBRARY},
	};
	int r = 0;

	for (char *const *entry = f->request->envp; *entry; entry++) {
		for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(variables); i++) {
			size_t len = strlen(variables[i].name);

			if (dirs == (variables[i].kind == ENTRY_LIBRARY) ||
			    strncmp(*entry, variables[i].name, len) != 0 || !(*entry)[len])
				continue;
			r = add_list(f, variables[i].kind, *entry + len, variables[i].separators,
				     origin);
		}
	}
	return r;
}

static int search(struct finder *f)
{
	const struct libraries_request *request = f->request;
	size_t len = (size_t)(path_base(request->binary) - request->binary);
	const char *origin;
	int r;

	/* Without the slash, but for the root's. */
	origin = arena_strndup(f->arena, request->binary, len > 1 ? len - 1 : len);
	if (!origin)
		return no_memory(f);
	r = add_variables(f, true, origin);
	if (r >= 0)
		r = follow(f, request->elf, request->needed, origin);
	if (r >= 0)
		r = add_variables(f, false, origin);
	/* Breadth first, as loaders do; the array may move meanwhile. */
	for (size_t i = 0; r >= 0 && i < f->n_objects; i++) {
		struct object object = f->objects[i];

		f->objects[i].fd = -1;
		r = visit(f, &object);
	}
	return r;
}

int libraries_find(const struct libraries_request *request, struct arena *arena,
		   struct libraries *ret, struct sbx_err *err)
{
	struct finder f = {.request = request, .arena = arena, .err = err};
	int r = search(&f);

	for (size_t i = 0; i < f.n_objects; i++)
		close_fd(&f.objects[i].fd);
	ldcache_done(&f.cache);
	if (r < 0) {
		libraries_done(&f.found);
		return r;
	}
	*ret = f.found;
	return 0;
}

void libraries_done(struct libraries *libraries)
{
	if (!libraries)
		return;
	for (size_t i = 0; i < libraries->count; i++)
		close_fd(&libraries->items[i].fd);
	*libraries = (struct libraries){0}; /* the rest is the arena's */
}
