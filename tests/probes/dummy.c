/* SPDX-License-Identifier: MIT */
/* Somebody else's preload: says that it was loaded. Built with cc -shared -fPIC into dummy.so. */
#include <unistd.h>

static __attribute__((constructor)) void dummy_start(void)
{
	static const char text[] = "dummy preload\n";

	if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0)
		_exit(43);
}
