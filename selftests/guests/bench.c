// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one exit costs, in TSC ticks per iteration, by the guest's own TSC; on
 * a host that counts instructions these are instructions. what=cpuid|pio|self_ipi|tlbwalk,
 * n=ITERATIONS (5000), rounds=N (5). Prints "figure WHAT MINIMUM MEDIAN".
 */
#include "guest.h"

#define VEC 0x41
#define ROUNDS_MAX 15

static volatile u64 taken;

/* The shortest handler there is: count, EOI, return. */
asm(".text; .balign 16; ipi_entry:\n"
	"push %rax; push %rcx; push %rdx\n"
	"incq taken(%rip)\n"
	"mov $0x80b, %ecx; xor %eax, %eax; xor %edx, %edx; wrmsr\n"
	"pop %rdx; pop %rcx; pop %rax; iretq\n");
void ipi_entry(void);

static void run_cpuid(u64 n)
{
	asm volatile("1: mov $0x40000000, %%eax; xor %%ecx, %%ecx; cpuid; dec %0; jnz 1b"
		     : "+r"(n) :: "rax", "rbx", "rcx", "rdx", "memory", "cc");
}

/* The scratch register: a write that has no effect but to be one. */
static void run_pio(u64 n)
{
	while (n--)
		outb(UART_PORT + 7, n);
}

static void run_self_ipi(u64 n)
{
	u64 until = taken;

	sti();
	while (n--) {
		until++;
		wrmsr(0x83f, VEC);
		while (taken != until)
			;
	}
	cli();
}

/*
 * 256 MiB of memory from 32 MiB on, at random: each access is to another page,
 * and a TLB has not nearly so many.
 */
#define WALK_FROM	(32UL << 20)
#define WALK_PAGES	(256UL << 20 >> 12)

static bool walk_begin(void)
{
	if (ram_top() < WALK_FROM + (WALK_PAGES << 12))
		return false;
	for (u64 p = 0; p < WALK_PAGES; p++)
		*(volatile u64 *)(WALK_FROM + (p << 12)) = p;	/* a hypervisor may bring it now */
	return true;
}

static void run_tlbwalk(u64 n)
{
	u64 x = 1, sum = 0;

	while (n--) {
		x = x * 6364136223846793005 + 1442695040888963407;
		sum += *(volatile u64 *)(WALK_FROM + ((x >> 40) % WALK_PAGES << 12));
	}
	asm volatile("" :: "r"(sum));
}

u32 guest_main(void)
{
	u64 n = option_num("n", 5000), rounds = option_num("rounds", 5), t[ROUNDS_MAX];
	char what[16] = "cpuid";
	const char *o = option("what");
	void (*run)(u64 n);

	if (o && strlen(o) < sizeof(what))
		memcpy(what, o, strlen(o) + 1);
	if (streq(what, "cpuid")) {
		run = run_cpuid;
	} else if (streq(what, "pio")) {
		run = run_pio;
	} else if (streq(what, "tlbwalk") && walk_begin()) {
		run = run_tlbwalk;
		n *= 20;
	} else if (streq(what, "self_ipi") && apic_x2apic()) {
		set_gate(VEC, ipi_entry);
		run = run_self_ipi;
	} else {
		print("cannot run %s here\n", what);
		return VERDICT_FAIL;
	}
	if (!n || !rounds || rounds > ROUNDS_MAX)
		return VERDICT_FAIL;
	run(100);
	for (u64 r = 0; r < rounds; r++) {
		u64 start = rdtsc();

		run(n);
		t[r] = rdtsc() - start;
		for (u64 i = r; i && t[i] < t[i - 1]; i--) {
			u64 x = t[i];

			t[i] = t[i - 1];
			t[i - 1] = x;
		}
	}
	/* of what takes a few instructions, thousands of times */
	n = run == run_tlbwalk ? n / 1000 : n;
	print("figure %s %lu %lu\n", what, t[0] / n, t[rounds / 2] / n);
	return VERDICT_PASS;
}
