/* SPDX-License-Identifier: MIT */
/* Where the launcher starts, before libc does. A launcher that reports for a shim (shim/report.h)
 * mostly has nothing to say for as long as the program runs: so it first waits for something to do,
 * having touched next to none of its memory, and most often ends here. Setting up a static libc
 * costs more than all of that. No libc: neither thread-local storage nor the stack protector is
 * there. */
#include <linux/errno.h>
#include <linux/poll.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "../shim/report.h"

#if defined(__x86_64__)
/* rdx is a function for atexit(3), which _start wants to see (System V ABI for AMD64, 3.4.1). */
__asm__(".pushsection .text.sbx_entry, \"ax\", @progbits\n"
	".globl sbx_entry\n"
	".type sbx_entry, @function\n"
	"sbx_entry:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	push %rdx\n"
	"	sub $8, %rsp\n"
	"	call entry_wait\n"
	"	add $8, %rsp\n"
	"	pop %rdx\n"
	"	jmp _start\n"
	".popsection\n");
#elif defined(__aarch64__)
__asm__(".pushsection .text.sbx_entry, \"ax\", %progbits\n"
	".globl sbx_entry\n"
	".type sbx_entry, %function\n"
	"sbx_entry:\n"
	"	mov x29, #0\n"
	"	mov x19, x0\n"
	"	mov x0, sp\n"
	"	bl entry_wait\n"
	"	mov x0, x19\n"
	"	b _start\n"
	".popsection\n");
#else
#error "no entry here yet"
#endif

static long call(long nr, long a, long b, long c, long d, long e)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return r;
#else
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
			 : "memory");
	return x0;
#endif
}

static bool is_word(const char *text, const char *word)
{
	while (*word && *text == *word) {
		text++;
		word++;
	}
	return *text == *word;
}

void entry_wait(const long *stack);

/* @stack: argc, then argv. */
__attribute__((used, no_stack_protector)) void entry_wait(const long *stack)
{
	const char *const *argv = (const char *const *)(stack + 1);
	struct pollfd fds[] = {
		{.fd = ATTEND_LISTENER, .events = POLLIN},
		{.fd = ATTEND_PROGRAM, .events = POLLIN},
	};

	if (stack[0] < 2 || !is_word(argv[1], ATTEND_WORD))
		return;
	while (call(SYS_ppoll, (long)fds, 2, 0, 0, 0) == -EINTR)
		; /* SIGCONT after SIGSTOP */
	/* A call to answer; or the program has ended, and left somebody: see to the descriptors. */
	if (fds[0].revents & POLLIN || !fds[0].revents)
		return;
	(void)call(SYS_exit_group, 0, 0, 0, 0, 0);
}
