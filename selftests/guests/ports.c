// SPDX-License-Identifier: GPL-2.0-only
/* Every I/O port, read and written in each width, and the string forms. */
#include "guest.h"

/* What ends or resets the machine, or ends our speech. */
static bool is_deadly(u32 port, u32 size)
{
	u32 end = port + size;

	return (port < 0xf8 && end > 0xf4) ||			/* debug exit */
	       (port < 0x60c && end > 0x600) ||			/* PM1: soft-off */
	       (port < 0xcfc && end > 0xcf8) ||			/* CF9 */
	       (port < 0x65 && end > 0x60) ||			/* keyboard controller: reset */
	       (port < 0x93 && end > 0x92) ||			/* fast A20 and reset */
	       (port < 0x400 && end > 0x3f8) ||			/* our UART */
	       (port < 0xb4 && end > 0xb2) ||			/* SMI command where there is firmware */
	       (port < 0x670 && end > 0x620) || port == 0x511 || port == 0x510 || (port >= 0x514 && port < 0x51c);
}

/* Whose registers may read as anything. */
static bool is_claimed(u32 port, u32 size)
{
	static const struct { u16 first, last; } c[] = {
		{ 0x20, 0x21 }, { 0x40, 0x43 }, { 0x60, 0x64 }, { 0x70, 0x71 }, { 0xa0, 0xa1 }, { 0xf4, 0xf7 },
		{ 0x3f8, 0x3ff }, { 0x4d0, 0x4d1 }, { 0x600, 0x60b }, { 0xcf8, 0xcff },
	};

	for (u32 i = 0; i < ARRAY_SIZE(c); i++)
		if (port <= c[i].last && port + size > c[i].first)
			return true;
	return false;
}

static void reads_of_unclaimed_are_ones(void)
{
	if (!on_ivm()) {
		skip("other machines have other ports");
		return;
	}
	for (u32 p = 0; p < 0x10000; p++) {
		if (!is_claimed(p, 1))
			check_eq(inb(p), 0xff);
		if (!is_claimed(p, 2))
			check_eq(inw(p), 0xffff);
		if (!is_claimed(p, 4))
			check_eq(inl(p), 0xffffffff);
		progress(p, 0x10000);
	}
}

/* A narrow read leaves the upper bytes of EAX alone, a wide one clears the upper half of RAX. */
static void widths(void)
{
	u64 a = 0x1122334455667788;

	asm volatile("inb %w1, %b0" : "+a"(a) : "d"(0x2f8));
	check_eq(a & ~0xffUL, 0x1122334455667700);
	a = 0x1122334455667788;
	asm volatile("inw %w1, %w0" : "+a"(a) : "d"(0x2f8));
	check_eq(a & ~0xffffUL, 0x1122334455660000);
	a = 0x1122334455667788;
	asm volatile("inl %w1, %k0" : "+a"(a) : "d"(0x2f8));
	check_eq(a >> 32, 0);
}

static void every_port_takes_anything(void)
{
	if (!on_ivm()) {
		skip("QEMU ends itself on a wide read across the UART's end");
		return;
	}
	for (u32 p = 0; p < 0x10000; p++) {
		for (u32 size = 1; size <= 4; size *= 2) {
			if (is_claimed(p, size))	/* the others have been read */
				(void)(size == 1 ? inb(p) : size == 2 ? inw(p) : inl(p));
			if (is_deadly(p, size))
				continue;
			if (size == 1) {
				outb(p, 0);
				outb(p, 0xff);
			} else if (size == 2) {
				outw(p, 0xffff);
			} else {
				outl(p, 0xffffffff);
			}
		}
		progress(p, 0x10000);
	}
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

static u64 last_rep_count;

static void ins(u16 port, void *buf, u64 count, u32 size)
{
	if (size == 1)
		asm volatile("rep insb" : "+D"(buf), "+c"(count) : "d"(port) : "memory");
	else if (size == 2)
		asm volatile("rep insw" : "+D"(buf), "+c"(count) : "d"(port) : "memory");
	else
		asm volatile("rep insl" : "+D"(buf), "+c"(count) : "d"(port) : "memory");
	last_rep_count = count;
}

static u8 area[3 * 4096] __aligned(4096);

static void rep_ins_fills_exactly(void)
{
	for (u32 size = 1; size <= 4; size *= 2) {
		u32 n = 5000 / size, from = 4096 - 7;	/* unaligned, over a page boundary */

		memset(area, 0x5a, sizeof(area));
		ins(0x2f8, area + from, n, size);
		check_eq(last_rep_count, 0);
		check_eq(area[from - 1], 0x5a);
		check_eq(area[from + n * size], 0x5a);
		for (u32 i = 0; i < n * size; i++)
			if (!check_eq(area[from + i], 0xff))
				return;
	}
}

static void rep_ins_backwards(void)
{
	void *buf = area + 4096;
	u64 count = 16;

	memset(area, 0x5a, sizeof(area));
	asm volatile("std; rep insb; cld" : "+D"(buf), "+c"(count) : "d"(0x2f8) : "memory");
	check_eq((u64)buf, (u64)area + 4096 - 16);
	check_eq(count, 0);
	check_eq(area[4096], 0xff);
	check_eq(area[4096 - 15], 0xff);
	check_eq(area[4096 - 16], 0x5a);
	check_eq(area[4097], 0x5a);
}

static void rep_outs_prints(void)
{
	static const char text[] = "# this line came by rep outsb\r\n";
	const char *p = text;
	u64 count = sizeof(text) - 1;

	asm volatile("rep outsb" : "+S"(p), "+c"(count) : "d"(UART_PORT) : "memory");
	check_eq((u64)p, (u64)text + sizeof(text) - 1);
	check_eq(count, 0);
	/* Not the UART's limits but ours: wait until all of it is out. */
	while (!(inb(UART_PORT + 5) & 0x40))
		pause();
}

static void rep_with_zero_count(void)
{
	u64 before = 0x5a5a5a5a;
	void *buf = &before;
	u64 count = 0;

	asm volatile("rep insb" : "+D"(buf), "+c"(count) : "d"(0x2f8) : "memory");
	check_eq((u64)buf, (u64)&before);
	check_eq(before, 0x5a5a5a5a);
}

static void ins_to(void *arg)
{
	void *buf = arg;

	asm volatile("insl" : "+D"(buf) : "d"(0x2f8) : "memory");
}

static void outs_from(void *arg) { asm volatile("outsb" : "+S"(arg) : "d"(0x2f8) : "memory"); }

/* String forms see the page tables of the guest, and its faults. */
static void string_forms_fault(void)
{
	struct fault f = { 0 };
	u64 va = 0x40200000;

	check(map_4k(va, (u64)area, 0));	/* read-only: needs CR0.WP */
	*map_entry(va + 4096, 1, true) = 0;
	write_cr0(read_cr0() | 1 << 16);
	write_cr3(read_cr3());
	check_eq(guarded(ins_to, (void *)va, &f), VEC_PF);
	check_eq(f.cr2, va);
	check_eq(f.error, 3);			/* present, write */
	check_eq(guarded(outs_from, (void *)(va + 4096), &f), VEC_PF);
	check_eq(f.cr2, va + 4096);
	check_eq(f.error, 0);
	check_eq(guarded(outs_from, (void *)0x800000000000, &f), VEC_GP);
	check_eq(guarded(outs_from, (void *)va, &f), NO_FAULT);
	write_cr0(read_cr0() & ~(1UL << 16));
}

static void user_in(void *arg)
{
	u8 v;

	asm volatile("inb %1, %0" : "=a"(v) : "d"((u16)(u64)arg));
	asm volatile("int $0x30");
}

static void user_in_without_iopl(void *arg)
{
	/* IOPL falls to 0 by an IRET of our own making only at CPL 0: use POPF, which CPL 3 may not change. */
	asm volatile("pushfq; andq $~0x3000, (%%rsp); popfq" ::: "memory", "cc");
	user_in(arg);
}

static void user_mode(void)
{
	check_eq(run_user(user_in, (void *)0x2f8, NULL), NO_FAULT);
	check_eq(run_user(user_in_without_iopl, (void *)0x2f8, NULL), NO_FAULT);
}

static const struct guest_case cases[] = {
	{ "reads_of_unclaimed_are_ones", reads_of_unclaimed_are_ones },
	{ "widths", widths },
	{ "every_port_takes_anything", every_port_takes_anything },
	{ "rep_ins_fills_exactly", rep_ins_fills_exactly },
	{ "rep_ins_backwards", rep_ins_backwards },
	{ "rep_outs_prints", rep_outs_prints },
	{ "rep_with_zero_count", rep_with_zero_count },
	{ "string_forms_fault", string_forms_fault },
	{ "user_mode", user_mode },
};

u32 guest_main(void) { return RUN_CASES(NULL, cases); }
