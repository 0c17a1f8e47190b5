// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process that keeps patterns in its vector registers while it sleeps: on its
 * CPU a guest runs meanwhile, and the kernel may think that the registers are
 * still this process's. fpu_user CPU; SIGTERM: prints "uses N errors N", ends.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#define REGS 16
#define REG_BYTES 32

static uint8_t in[REGS][REG_BYTES], out[REGS][REG_BYTES];
static volatile sig_atomic_t told_to_end;

static void on_term(int sig)
{
	told_to_end = 1;
}

static void fill(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15;
	uint64_t word;

	for (size_t i = 0; i < sizeof(in); i += sizeof(word)) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		word = x;
		memcpy((uint8_t *)in + i, &word, sizeof(word));
	}
}

/* The assembler repeats a line for each register. No compiled code runs between load and save. */
#define EACH ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
#define HOLD(load, save) ({									\
	asm volatile(EACH load ".endr\n"							\
		     "syscall\n"								\
		     EACH save ".endr"								\
		     : "+a"(nr)									\
		     : "D"(&nap), "S"(0L), "r"(in), "r"(out)					\
		     : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",	\
		       "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",	\
		       "xmm14", "xmm15");							\
	})

int main(int argc, char **argv)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	bool avx = __builtin_cpu_supports("avx");
	unsigned long uses = 0, errors = 0;
	cpu_set_t cpu;

	if (argc != 2)
		return 2;
	CPU_ZERO(&cpu);
	CPU_SET(atoi(argv[1]), &cpu);
	if (sched_setaffinity(0, sizeof(cpu), &cpu))
		return 1;
	signal(SIGTERM, on_term);
	while (!told_to_end) {
		long nr = SYS_nanosleep;

		fill();
		if (avx)
			HOLD("vmovdqu \\n*32(%3), %%ymm\\n\n", "vmovdqu %%ymm\\n, \\n*32(%4)\n");
		else
			HOLD("movups \\n*32(%3), %%xmm\\n\n", "movups %%xmm\\n, \\n*32(%4)\n");
		for (int i = 0; i < REGS; i++)
			errors += memcmp(in[i], out[i], avx ? REG_BYTES : REG_BYTES / 2) != 0;
		uses++;
	}
	printf("uses %lu errors %lu\n", uses, errors);
	return 0;
}
