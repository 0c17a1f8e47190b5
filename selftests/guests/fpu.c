// SPDX-License-Identifier: GPL-2.0-only
/*
 * Vector and x87 registers keep every bit, whatever the host does meanwhile:
 * each round loads patterns of its own, spends time in one of several ways,
 * and compares. Beside it the host runs ivm_fpu_stress.ko. rounds=N (10^6).
 */
#include "guest.h"

#define REGS 16
#define VEC 0x41

static u8 in[REGS][32] __aligned(64), out[REGS][32] __aligned(64);
static u8 x87_in[8][16], x87_out[8][16];
static bool avx;
static u32 timer_count;

/* The assembler repeats a line for each register. */
#define EACH ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
#define LOAD_Y EACH "vmovdqu \\n*32(%0), %%ymm\\n\n.endr"
#define LOAD_X EACH "movups \\n*32(%0), %%xmm\\n\n.endr"
#define SAVE_Y EACH "vmovdqu %%ymm\\n, \\n*32(%1)\n.endr"
#define SAVE_X EACH "movups %%xmm\\n, \\n*32(%1)\n.endr"

/* What happens between load and save; no vector register is named in any of it. */
enum { NOTHING, COMPUTE, EXIT_CPUID, EXIT_PORT, EXIT_MSR, HALT, WAYS };

static void spend(u32 way, u64 n)
{
	switch (way) {
	case COMPUTE:
		for (volatile u64 i = 0; i < n; i++)
			;
		break;
	case EXIT_CPUID:
		cpuid(0x80000000, 0);
		break;
	case EXIT_PORT:
		outb(UART_PORT + 7, n);
		break;
	case EXIT_MSR:
		rdmsr(MSR_APIC_BASE);
		break;
	case HALT:
		apic_write(APIC_TIMER_INIT, timer_count);
		sti_hlt_cli();
		break;
	}
}

static void fill(u64 round)
{
	u64 x = round * 0x9e3779b97f4a7c15 + 1, *p = (u64 *)in;

	for (u32 i = 0; i < sizeof(in) / 8; i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		p[i] = x;
	}
}

/* One round; returns the number of bytes that differ. Load, spend and save are one path without calls into FPU code. */
static u64 vector_round(u32 way, u64 n)
{
	u64 bad = 0, *a = (u64 *)in, *b = (u64 *)out;

	if (avx)
		asm volatile(LOAD_Y :: "r"(in) : "memory");
	else
		asm volatile(LOAD_X :: "r"(in) : "memory");
	spend(way, n);
	if (avx)
		asm volatile(SAVE_Y :: "r"(in), "r"(out) : "memory");
	else
		asm volatile(SAVE_X :: "r"(in), "r"(out) : "memory");
	for (u32 i = 0; i < sizeof(in) / 8; i++)
		if ((avx || !(i & 2)) && a[i] != b[i])
			bad++;
	return bad;
}

static u64 x87_round(u64 round, u32 way)
{
	u32 mxcsr = 0x1f80 | (round & 3) << 13, mxcsr_after;
	u16 cw = 0x037f | (round & 3) << 10, cw_after;
	u64 bad = 0;

	for (u32 i = 0; i < 8; i++) {
		/* an extended real, integer bit set, of a usual exponent */
		*(u64 *)x87_in[i] = 0x8000000000000000 | (round * 0x9e3779b97f4a7c15 + i);
		*(u16 *)(x87_in[i] + 8) = 0x3fff + i;
	}
	asm volatile("fninit; fldcw %0; ldmxcsr %1" :: "m"(cw), "m"(mxcsr));
	for (u32 i = 0; i < 8; i++)
		asm volatile("fldt (%0)" :: "r"(x87_in[i]) : "memory");
	spend(way, round & 255);
	for (u32 i = 8; i-- > 0;)
		asm volatile("fstpt (%0)" :: "r"(x87_out[i]) : "memory");
	asm volatile("fnstcw %0; stmxcsr %1" : "=m"(cw_after), "=m"(mxcsr_after));
	bad += cw_after != cw;
	bad += mxcsr_after != mxcsr;
	for (u32 i = 0; i < 8; i++)
		bad += memcmp(x87_in[i], x87_out[i], 10) != 0;
	asm volatile("ldmxcsr %0" :: "m"((u32){ 0x1f80 }));
	return bad;
}

static void tick(struct frame *f) { apic_eoi(); }

static void prepare(void)
{
	struct cpuid one = cpuid(1, 0);

	set_irq(VEC, tick);
	apic_write(APIC_TIMER_DIV, 0xb);
	apic_write(APIC_LVT_TIMER, VEC);
	timer_count = 20000;
	if (one.ecx & 1 << 26 && one.ecx & 1 << 28) {
		write_cr4(read_cr4() | 1 << 18);
		asm volatile("xsetbv" :: "c"(0), "a"(7), "d"(0));
		avx = true;
	}
}

static void registers_keep_their_bits(void)
{
	u64 rounds = option_num("rounds", 1000000), bad = 0, bad_round = 0;

	note("%lu rounds with %s", rounds, avx ? "AVX" : "SSE");
	for (u64 r = 0; r < rounds; r++) {
		/* Most rounds only compute: the host interrupts when it likes. */
		u32 way = r % 64 ? (r % 16 ? COMPUTE : EXIT_CPUID + r / 16 % 3) : HALT;
		u64 b;

		if (r % 8 == 0)
			fill(r);
		b = vector_round(way, r & 127);
		if (r % 32 == 7)
			b += x87_round(r, way == COMPUTE ? EXIT_PORT : way);
		if (b && !bad)
			bad_round = r;
		bad += b;
		if (r % 1024 == 0)
			progress(r, rounds);
	}
	if (bad)
		note("first in round %lu", bad_round);
	check_eq(bad, 0);
}

/* After a reset nothing of another VM, or of the host, is in the registers (P8). */
static void registers_are_fresh(void)
{
	u64 *p = (u64 *)out;

	if (!on_ivm()) {
		skip("firmware was here");
		return;
	}
	asm volatile(SAVE_X :: "r"(in), "r"(out) : "memory");
	for (u32 i = 0; i < sizeof(out) / 8; i++)
		if (!(i & 2))
			check_eq(p[i], 0);
	if (!avx)
		return;
	asm volatile(SAVE_Y :: "r"(in), "r"(out) : "memory");
	for (u32 i = 0; i < sizeof(out) / 8; i++)
		check_eq(p[i], 0);
}

/* The three of XCR0: what the guest sets it gets back, and the host's value is not the guest's. */
static void xcr0_sticks(void)
{
	u32 lo, hi;

	if (!avx) {
		skip("no AVX");
		return;
	}
	for (u32 v = 1; v <= 7; v++) {
		if (v & 4 && !(v & 2))
			continue;
		if (!(v & 1))
			continue;
		asm volatile("xsetbv" :: "c"(0), "a"(v), "d"(0));
		cpuid(0, 0);
		asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
		check_eq(lo, v);
		check_eq(hi, 0);
		/* CPUID's save size follows it. */
		check_eq(cpuid(0xd, 0).ebx, v & 4 ? 832 : 576);
	}
	asm volatile("xsetbv" :: "c"(0), "a"(7), "d"(0));
}

static const struct guest_case cases[] = {
	{ "registers_are_fresh", registers_are_fresh },
	{ "xcr0_sticks", xcr0_sticks },
	{ "registers_keep_their_bits", registers_keep_their_bits },
};

u32 guest_main(void)
{
	prepare();
	return RUN_CASES(NULL, cases);
}
