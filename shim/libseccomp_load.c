/* SPDX-License-Identifier: MIT */
/* For the shim: a library is loaded into the program and taken out again before its main(). What
 * stays is what malloc(3) got for it. */
#include "libseccomp.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#define LIBRARY "libseccomp.so.2"

/* dlsym(3) has no function pointers; POSIX says that this is how. */
static bool find(struct libseccomp *lib, const char *name, void *ret_function)
{
	void *symbol = dlsym(lib->handle, name);

	memcpy(ret_function, &symbol, sizeof(symbol));
	return symbol;
}

int libseccomp_open(struct libseccomp *ret, struct sbx_err *err)
{
	struct libseccomp lib = {.handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL)};

	if (!lib.handle)
		return err_set(err, -EOPNOTSUPP,
			       "system-call rules need " LIBRARY " (Debian: libseccomp2): %s",
			       dlerror());
	if (!find(&lib, "seccomp_init", &lib.init) ||
	    !find(&lib, "seccomp_release", &lib.release) ||
	    !find(&lib, "seccomp_attr_set", &lib.attr_set) ||
	    !find(&lib, "seccomp_rule_add_exact_array", &lib.rule_add_exact_array) ||
	    !find(&lib, "seccomp_export_bpf", &lib.export_bpf)) {
		(void)dlclose(lib.handle); /* nothing more can be said */
		return err_set(err, -EOPNOTSUPP, "what is called " LIBRARY " is no libseccomp");
	}
	(void)find(&lib, "seccomp_export_bpf_mem", &lib.export_bpf_mem); /* since 2.6.0 */
	*ret = lib;
	return 0;
}

void libseccomp_close(struct libseccomp *lib)
{
	if (lib->handle)
		(void)dlclose(lib->handle); /* if it stays, it does no harm */
	lib->handle = NULL;
}
