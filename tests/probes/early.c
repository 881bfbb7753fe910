/* SPDX-License-Identifier: MIT */
/* A library that wants to be first as well, and starts a thread before anybody else runs. ld.so
 * lets the last such object win. Built with cc -shared -fPIC -Wl,-z,initfirst into early.so. */
#include <pthread.h>
#include <unistd.h>

static void *linger(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return NULL;
}

static __attribute__((constructor)) void early_start(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, linger, NULL) != 0)
		_exit(43);
}
