// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory: zero when first seen (P10), all of it there and each page its
 * own (P11), and nothing beyond it: any access outside is exactly one #GP(0) (P9).
 */
#include "guest.h"

#define PAGE 4096UL
#define LARGE (2UL << 20)

/* Where RAM and devices are not. Filled by outside_init(). */
static u64 outside[12];
static u32 nr_outside;

static bool is_used(u64 page)
{
	for (u32 i = 0; i < nr_used; i++)
		if (page < used[i].base + used[i].size && page + PAGE > used[i].base)
			return true;
	return false;
}

static bool byte_is_used(u64 at)
{
	for (u32 i = 0; i < nr_used; i++)
		if (at >= used[i].base && at < used[i].base + used[i].size)
			return true;
	return false;
}

static void map_high(void)
{
	for (u32 i = 0; i < nr_ram; i++)
		for (u64 a = ram[i].base & ~(LARGE - 1); a < ram[i].base + ram[i].size; a += LARGE)
			if (a >= 1UL << 32)
				check(map_2m(a, a, MAP_WRITE));
	write_cr3(read_cr3());
}

static u64 not_zero(u64 base, u64 size)
{
	u64 n = 0;

	for (u64 a = base; a < base + size; a += 8) {
		u64 v = *(volatile u64 *)a;

		if (!v)
			continue;
		for (u32 b = 0; b < 8; b++)
			if (v >> (b * 8) & 0xff && !byte_is_used(a + b)) {
				if (!n++)
					note("first byte that is not zero: %lx", a + b);
			}
	}
	return n;
}

/* First of all cases: nothing but the image has been written so far. */
static void zero_at_start(void)
{
	u64 done = 0;

	if (!on_ivm()) {
		skip("firmware was here");
		return;
	}
	map_high();
	for (u32 i = 0; i < nr_ram; i++)
		for (u64 a = 0; a < ram[i].size; a += LARGE) {
			u64 n = ram[i].size - a < LARGE ? ram[i].size - a : LARGE;

			if (!check_eq(not_zero(ram[i].base + a, n), 0))
				return;
			progress(done += n, ram_total());
		}
	check_eq(not_zero(0xa0000, 0x60000), 0);	/* the legacy window */
}

static void size_as_configured(void)
{
	u64 want = option_num("memory", 0), sum = ram_total();

	note("%lu KiB of RAM up to %lx", sum >> 10, ram_top());
	if (!want || !on_ivm()) {
		skip("no memory= (MiB) on the command line, or not on IVM");
		return;
	}
	/* The legacy window and what the loader keeps for itself are not offered. */
	check(sum <= want << 20);
	check(sum >= (want << 20) - (1UL << 20));
	if (want << 20 <= 0xc0000000)
		check_eq(ram_top(), want << 20);
	else
		check_eq(ram_top(), (1UL << 32) + (want << 20) - 0xc0000000);
}

/* Each page gets its own number; if two were one, one of them would show the other's. */
static void each_page_is_its_own(void)
{
	u64 pages = 0, bad = 0;

	map_high();
	for (u32 round = 0; round < 2; round++) {
		u64 n = 0;

		for (u32 i = 0; i < nr_ram; i++)
			for (u64 a = (ram[i].base + PAGE - 1) & ~(PAGE - 1); a + PAGE <= ram[i].base + ram[i].size; a += PAGE) {
				volatile u64 *p = (u64 *)a;

				if (is_used(a) || a < 0x1000 || (a & ~0xfffUL) == 0x8000)
					continue;
				n++;
				if (!round) {
					p[0] = a ^ 0x5aa5f00d00000000;
					p[511] = ~a;
				} else {
					bad += p[0] != (a ^ 0x5aa5f00d00000000) || p[511] != ~a;
				}
			}
		pages = n;
	}
	note("%lu pages", pages);
	check_eq(bad, 0);
	check(pages * PAGE > ram_total() / 2);
}

/* ---- outside ---- */

static volatile u32 gp_faults;

static bool count_gp(struct frame *f)
{
	if (f->vector == VEC_GP)
		gp_faults++;
	return false;
}

static u64 alias(u64 pa)
{
	u64 va = 0x600000000000;

	map_4k(va, pa & ~0xfffUL, MAP_WRITE);
	map_4k(va + PAGE, (pa & ~0xfffUL) + PAGE, MAP_WRITE);
	write_cr3(read_cr3());
	return va + (pa & 0xfff);
}

static void outside_init(void)
{
	u32 bits = cpuid(0x80000008, 0).eax & 0xff;
	u64 top = ram_top();

	nr_outside = 0;
	outside[nr_outside++] = top < 0xc0000000 || top > 1UL << 32 ? top : 0xc0000000;	/* top + 1 */
	outside[nr_outside++] = outside[0] + 0x1237;
	outside[nr_outside++] = 0xbffffff0 >= top ? 0xbffffff0 : 0xd0000000;
	outside[nr_outside++] = 0xd0000000;		/* the hole below 4 GiB */
	outside[nr_outside++] = 0xfec01000;		/* behind the IOAPIC */
	outside[nr_outside++] = 0xfed00000;		/* no HPET */
	outside[nr_outside++] = 0xfee01000;		/* behind the LAPIC */
	outside[nr_outside++] = 0xfffffff0;		/* no firmware */
	outside[nr_outside++] = (top < 1UL << 32 ? 1UL << 32 : top) + (1UL << 30);
	outside[nr_outside++] = 1UL << (bits - 1);
	outside[nr_outside++] = (1UL << bits) - PAGE;
}

static void do_read(void *arg) { (void)*(volatile u8 *)arg; }
static void do_read8(void *arg) { (void)*(volatile u64 *)arg; }
static void do_write(void *arg) { *(volatile u8 *)arg = 0x5a; }
static void do_write_imm(void *arg) { asm volatile("movq $-1, (%0)" :: "r"(arg) : "memory"); }
static void do_locked(void *arg) { asm volatile("lock; incq (%0)" :: "r"(arg) : "memory", "cc"); }
static void do_exchange(void *arg) { u64 v = 1; asm volatile("xchg %0, (%1)" : "+r"(v) : "r"(arg) : "memory"); }
static void do_stos(void *arg) { asm volatile("stosq" : "+D"(arg) : "a"(0) : "memory"); }
static void do_rep_stos(void *arg) { asm volatile("rep stosb" : "+D"(arg) : "a"(0x22), "c"(128) : "memory"); }
static void do_vector(void *arg) { asm volatile("movups (%0), %%xmm0" :: "r"(arg) : "memory"); }
static void do_fetch(void *arg) { asm volatile("call *%0" :: "r"(arg) : "memory"); }
static void do_push(void *arg) { asm volatile("push (%0); pop %%rax" :: "r"(arg) : "rax", "memory"); }
static void do_lgdt(void *arg) { asm volatile("lgdt (%0)" :: "r"(arg) : "memory"); }
static void do_prefetch(void *arg) { asm volatile("prefetcht0 (%0); clflush (%1)" :: "r"(arg), "r"(&gp_faults) : "memory"); }

static void everywhere(void (*fn)(void *), bool fetch)
{
	struct fault f;

	if (!on_ivm()) {
		skip("elsewhere the bus answers ones");
		return;
	}
	outside_init();
	set_trap(count_gp);
	for (u32 i = 0; i < nr_outside; i++) {
		u64 va = alias(outside[i]);

		gp_faults = 0;
		guarded(fn, (void *)va, &f);
		if (!check_eq(f.vector, VEC_GP) | !check_eq(f.error, 0) | !check_eq(gp_faults, 1))
			note("at %lx", outside[i]);
		if (fetch)
			check_eq(f.rip, va);
		else
			check(f.rip > (u64)image_start && f.rip < (u64)image_end);
	}
	set_trap(NULL);
}

static void reads(void) { everywhere(do_read, false); everywhere(do_read8, false); everywhere(do_vector, false); }
static void writes(void) { everywhere(do_write, false); everywhere(do_write_imm, false); everywhere(do_stos, false); }
static void atomics(void) { everywhere(do_locked, false); everywhere(do_exchange, false); }
static void stack_and_tables(void) { everywhere(do_push, false); everywhere(do_lgdt, false); }
static void fetches(void) { everywhere(do_fetch, true); }

static void prefetches_are_harmless(void)
{
	outside_init();
	for (u32 i = 0; i < nr_outside; i++)
		check_eq(guarded(do_prefetch, (void *)alias(outside[i]), NULL), NO_FAULT);
}

static void page_walks(void)
{
	u64 va = 0x580000000000;

	if (!on_ivm()) {
		skip("elsewhere the bus answers ones");
		return;
	}
	outside_init();
	set_trap(count_gp);
	for (u32 i = 0; i < nr_outside; i++)
		for (u32 level = 4; level >= 2; level--) {
			struct fault f;
			u64 *e = map_entry(va, level, true), was = *e;

			*e = (outside[i] & ~0xfffUL) | 3;
			write_cr3(read_cr3());
			gp_faults = 0;
			guarded(do_read, (void *)va, &f);
			if (!check_eq(f.vector, VEC_GP) | !check_eq(f.error, 0) | !check_eq(gp_faults, 1))
				note("table of level %u at %lx", level - 1, outside[i]);
			*e = was;
			write_cr3(read_cr3());
		}
	set_trap(NULL);
}

/* A string operation runs up to the end of RAM and faults at the first byte behind it. */
static void string_stops_at_the_edge(void)
{
	struct fault f;
	u64 edge, va;

	if (!on_ivm()) {
		skip("elsewhere the bus answers ones");
		return;
	}
	outside_init();
	edge = outside[0];
	va = alias(edge - 64);
	memset((void *)va, 0x11, 64);
	f.vector = NO_FAULT;
	guarded(do_rep_stos, (void *)va, &f);
	check_eq(f.vector, VEC_GP);
	for (u32 i = 0; i < 64; i++)
		check_eq(((volatile u8 *)va)[i], 0x22);
}

static void straddling_the_edge(void)
{
	u64 va;

	if (!on_ivm()) {
		skip("elsewhere the bus answers ones");
		return;
	}
	outside_init();
	va = alias(outside[0] - 4);
	*(volatile u32 *)va = 0x12345678;
	check_fault(do_read8, va, VEC_GP);
	check_fault(do_write_imm, va, VEC_GP);
	check_fault(do_locked, va, VEC_GP);
}

/* Thousands of them are no worse than one: the host limits what it says of them. */
static void many(void)
{
	u64 va;

	if (!on_ivm()) {
		skip("elsewhere the bus answers ones");
		return;
	}
	outside_init();
	va = alias(outside[0]);
	for (u32 i = 0; i < 20000; i++)
		if (!check_fault(do_read, va, VEC_GP))
			return;
}

static const struct guest_case cases[] = {
	{ "P10 zero_at_start", zero_at_start },
	{ "P8 size_as_configured", size_as_configured },
	{ "P11 each_page_is_its_own", each_page_is_its_own },
	{ "P9 reads", reads },
	{ "P9 writes", writes },
	{ "P9 atomics", atomics },
	{ "P9 stack_and_tables", stack_and_tables },
	{ "P9 fetches", fetches },
	{ "P9 prefetches_are_harmless", prefetches_are_harmless },
	{ "P9 page_walks", page_walks },
	{ "P9 string_stops_at_the_edge", string_stops_at_the_edge },
	{ "P9 straddling_the_edge", straddling_the_edge },
	{ "P9 many", many },
};

u32 guest_main(void) { return RUN_CASES(NULL, cases); }
