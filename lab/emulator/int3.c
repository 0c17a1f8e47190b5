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
#define EXCP_INTERRUPT	0x10000
#define EIP		128	/* in env: after sixteen registers. The base is 0 in 64-bit code, and no other is looked at */

struct cpu;

static __attribute__((noreturn)) void (*raise_interrupt)(void *env, int number, int is_int, int error, int addend);
static __attribute__((noreturn)) void (*cpu_loop_exit)(struct cpu *cpu);
static int (*cpu_memory_rw_debug)(struct cpu *cpu, uint64_t address, void *buffer, size_t length, bool write);
static void (*tb_flush)(struct cpu *cpu);
static int32_t env_offset, index_place;	/* of env in the processor; of exception_index, as seen from env */

static __attribute__((noreturn)) void mended(char *env, int number, int addend)
{
	struct cpu *cpu = (struct cpu *)(env - env_offset);
	static bool said;
	uint64_t eip;
	unsigned char byte;

	memcpy(&eip, env + EIP, sizeof(eip));
	if (number == EXCP_INT3 && addend == 1 && eip >> 63 && !cpu_memory_rw_debug(cpu, eip, &byte, 1, false) && byte != INT3) {
		if (!said)
			fputs("emulator: a translation was out of date, as can be\n", stderr);
		said = true;
		tb_flush(cpu);
		*(int32_t *)(env + index_place) = EXCP_INTERRUPT;
		cpu_loop_exit(cpu);
	}
	raise_interrupt(env, number, 1, 0, addend);
}

/* do_pause(env) is: sub $ENV, %rdi; movl $EXCP_INTERRUPT, INDEX(%rdi); call. */
static bool find_places(const unsigned char *code)
{
	static const unsigned char sub[] = { 0x48, 0x81, 0xef }, mov[] = { 0xc7, 0x87 };

	for (int i = 0; code && i < 16; i++, code++)
		if (!memcmp(code, sub, sizeof(sub)) && !memcmp(code + 7, mov, sizeof(mov)) && word(code + 13) == EXCP_INTERRUPT) {
			env_offset = word(code + 3);
			index_place = word(code + 9) - env_offset;
			return true;
		}
	return false;
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
	cpu_memory_rw_debug = dlsym(RTLD_DEFAULT, "cpu_memory_rw_debug");
	tb_flush = dlsym(RTLD_DEFAULT, "tb_flush");
	memcpy(jump + 2, &to, sizeof(to));
	if (!helper || !raise_interrupt || !cpu_loop_exit || !cpu_memory_rw_debug || !tb_flush ||
	    !find_places(dlsym(RTLD_DEFAULT, "do_pause")) || !rewrite(helper, jump, sizeof(jump)))
		fputs("emulator: this one is not known: a host may stand still when its kernel changes its code\n", stderr);
}
