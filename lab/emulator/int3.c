// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preloaded into the lab's emulator: mends how it forgets code that changes. Without
 * it a host whose kernel changes its own code now and then stands still for ever.
 *
 * QEMU 7.2 reads the instructions that it translates without the lock of their
 * page, and only then writes down that the page has a translation. If another
 * processor changes them in between, nobody throws the translation away. Linux
 * changes an instruction (a static key, a tracepoint) by way of INT3: who executes
 * that while the change goes on is sent around it, and who does so afterwards finds
 * in memory that there is no INT3 any more, and tries again. With a translation
 * that is out of date it tries again for ever. (QEMU 8.1 locks first.)
 *
 * So whoever is about to raise the exception of INT3 looks whether memory still says
 * so. If not, all translations go, and the instruction is executed anew. The
 * function that translated code calls for it, helper_raise_interrupt(), lies behind
 * raise_interrupt(), which is exported, and calls that.
 */
#define _GNU_SOURCE
#include "code.h"

#include <dlfcn.h>
#include <stdio.h>

#define INT3		0xcc
#define EXCP_INT3	3
#define EIP		128	/* in env: after sixteen registers. The base is 0 in 64-bit code, and no other is looked at */

struct cpu;

static __attribute__((noreturn)) void (*raise_interrupt)(void *env, int number, int is_int, int error, int addend);
static __attribute__((noreturn)) void (*cpu_loop_exit)(struct cpu *cpu);
static uint32_t (*cpu_ldub_code)(void *env, uint64_t address);
static void (*tb_flush)(struct cpu *cpu);
static struct places places;

static __attribute__((noreturn)) void mended(char *env, int number, int addend)
{
	struct cpu *cpu = (struct cpu *)(env - places.env);
	static bool said;
	uint64_t eip;

	memcpy(&eip, env + EIP, sizeof(eip));
	/* As the processor sees it, through the tables of a guest and of its hypervisor. */
	if (number == EXCP_INT3 && addend == 1 && eip >> 63 && cpu_ldub_code(env, eip) != INT3) {
		if (!said)
			fputs("emulator: a translation was out of date, as can be\n", stderr);
		said = true;
		tb_flush(cpu);
		*(int32_t *)(env + places.exception_index) = EXCP_INTERRUPT;
		cpu_loop_exit(cpu);
	}
	raise_interrupt(env, number, 1, 0, addend);
}

/* mov %edx, %r8d; sub $8, %rsp; xor %ecx, %ecx; mov $1, %edx; call raise_interrupt */
static unsigned char *find_helper(unsigned char *raise)
{
	static const unsigned char begin[] = { 0x41, 0x89, 0xd0, 0x48, 0x83, 0xec, 0x08, 0x31, 0xc9, 0xba, 1, 0, 0, 0, 0xe8 };
	unsigned char *code = raise + 16;	/* functions are aligned so */

	if (!raise || memcmp(code, begin, sizeof(begin)) || code + 19 + word(code + 15) != raise)
		return NULL;
	return code;
}

__attribute__((constructor))
static void mend(void)
{
	unsigned char *helper = find_helper(dlsym(RTLD_DEFAULT, "raise_interrupt"));
	unsigned char jump[12] = { 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0 };	/* mov $mended, %rax; jmp *%rax */
	void (*to)(char *, int, int) = mended;

	raise_interrupt = dlsym(RTLD_DEFAULT, "raise_interrupt");
	cpu_loop_exit = dlsym(RTLD_DEFAULT, "cpu_loop_exit");
	cpu_ldub_code = dlsym(RTLD_DEFAULT, "cpu_ldub_code");
	tb_flush = dlsym(RTLD_DEFAULT, "tb_flush");
	memcpy(jump + 2, &to, sizeof(to));
	if (!helper || !raise_interrupt || !cpu_loop_exit || !cpu_ldub_code || !tb_flush ||
	    !find_places(dlsym(RTLD_DEFAULT, "do_pause"), &places) || !rewrite(helper, jump, sizeof(jump)))
		fputs("emulator: this one is not known: a host may stand still when its kernel changes its code\n", stderr);
}
