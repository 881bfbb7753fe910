/* SPDX-License-Identifier: MIT */
/* An i386 program, whose system calls have other numbers: prints "main" and ends.
 * Built with cc -m32 -nostdlib -static, so that no 32-bit libc is needed; x86-64 only. */

#define I386_EXIT  1
#define I386_WRITE 4

static int call(int number, int a, const void *b, int c)
{
	int result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(a), "c"(b), "d"(c)
			 : "memory");
	return result;
}

void _start(void);
void _start(void)
{
	(void)call(I386_WRITE, 1, "main\n", 5);
	(void)call(I386_EXIT, 0, 0, 0);
	__builtin_unreachable();
}
