/* SPDX-License-Identifier: MIT */
/* Build-time tool, not part of the launcher: prints what the Makefile puts into the manual for
 * @PROMISES@, so that the promises stand there as the table has them. Runs where we build, not
 * where the product will run. */
#include <stdlib.h>

#include "list.h"

int main(void)
{
	return list_man(stdout) < 0 || fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
