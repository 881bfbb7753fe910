/* SPDX-License-Identifier: MIT */
/* Plays the stranger who makes system calls that no policy permits: each argument is one call,
 * "NR:ARG:ARG...", made as it stands and with nothing in between, so that no promise is needed but
 * for what the loader does. An ARG is a number as in C (0x1f, 037, -31), "@TEXT" for the address of
 * that text, "%HEX" for the address of those bytes, "$" for what the call before returned, or
 * "self" for the process's own pid. With -r first, what each call returned is printed, which takes
 * stdio. The arguments are to be such that a call which is let through fails or does no harm. */
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Inlined, and not syscall(3): vfork's child would overwrite where its parent returns to. */
static inline __attribute__((always_inline)) long call(long nr, const long args[6])
{
#ifdef __x86_64__
	register long a3 __asm__("r10") = args[3];
	register long a4 __asm__("r8") = args[4];
	register long a5 __asm__("r9") = args[5];
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(args[0]), "S"(args[1]), "d"(args[2]), "r"(a3), "r"(a4),
			   "r"(a5)
			 : "rcx", "r11", "memory");
	return result;
#else
	return syscall(nr, args[0], args[1], args[2], args[3], args[4], args[5]);
#endif
}

static _Noreturn void leave(long status)
{
	for (;;)
		(void)call(SYS_exit_group, (const long[6]){status});
}

/* Without getpid(2), which is stdio: a lock of this kind says who holds it (futex(2)), and futexes
 * are always permitted. */
static long own_pid(void)
{
	static int word;

	(void)call(SYS_futex, (const long[6]){(long)&word, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG});
	return word & FUTEX_TID_MASK;
}

static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 99;
}

static long number(const char *text)
{
	unsigned base = 10;
	unsigned long value = 0;
	int negative = *text == '-';

	text += negative;
	if (text[0] == '0' && text[1] == 'x') {
		base = 16;
		text += 2;
	} else if (text[0] == '0') {
		base = 8;
	}
	if (!*text)
		leave(2);
	for (; *text; text++) {
		if (digit(*text) >= base)
			leave(2);
		value = value * base + digit(*text);
	}
	return (long)(negative ? -value : value);
}

/* In their own place. */
static long bytes(char *hex)
{
	size_t n = strlen(hex);

	for (size_t i = 0; i + 1 < n; i += 2)
		hex[i / 2] = (char)(digit(hex[i]) << 4 | digit(hex[i + 1]));
	return (long)hex;
}

static long argument(char *text, long last)
{
	switch (text[0]) {
	case '@':
		return (long)(text + 1);
	case '%':
		return bytes(text + 1);
	case '$':
		return last;
	case 's':
		return own_pid();
	default:
		return number(text);
	}
}

static long make(char *text, long last)
{
	long nr, result, args[6] = {0};
	char *next = strchr(text, ':');

	if (next)
		*next++ = '\0';
	nr = number(text);
	for (int i = 0; next && i < 6; i++) {
		text = next;
		next = strchr(text, ':');
		if (next)
			*next++ = '\0';
		args[i] = argument(text, last);
	}
	result = call(nr, args);
#ifdef SYS_fork
	if ((nr == SYS_fork || nr == SYS_vfork) && result == 0)
		leave(0);
#endif
	if (nr == SYS_clone && result == 0)
		leave(0);
	return result;
}

static void print(long value)
{
	char text[24];
	size_t at = sizeof(text);
	unsigned long rest = value < 0 ? -(unsigned long)value : (unsigned long)value;

	text[--at] = '\n';
	do {
		text[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (value < 0)
		text[--at] = '-';
	(void)call(SYS_write, (const long[6]){1, (long)(text + at), (long)(sizeof(text) - at)});
}

int main(int argc, char **argv)
{
	int reports = argc > 1 && strcmp(argv[1], "-r") == 0;
	long last = 0;

	for (int i = 1 + reports; i < argc; i++) {
		last = make(argv[i], last);
		if (reports)
			print(last);
	}
	leave(0);
}
