// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions on device memory, decoded and executed by the hypervisor: each
 * form on a register whose value is known. The IOAPIC's select register keeps
 * eight bits; the LAPIC's timer start value and task priority keep what they get.
 */
#include "guest.h"

#define TPR ((volatile u32 *)(APIC_BASE + APIC_TPR * 16))
#define LVT ((volatile u32 *)(APIC_BASE + APIC_LVT_LINT0 * 16))
#define ICRH ((volatile u32 *)(APIC_BASE + APIC_ICR_HIGH * 16))	/* keeps the upper byte */

#define ZF (1 << 6)
#define CF (1 << 0)

static void mov_forms(void)
{
	u64 a = 0x1111111111111111;

	*TPR = 0x55;
	asm volatile("movl (%1), %k0" : "+a"(a) : "r"(TPR) : "memory");
	check_eq(a, 0x55);				/* clears the upper half */
	a = 0x66;
	asm volatile("movl %k0, (%1)" :: "a"(a), "r"(TPR) : "memory");
	check_eq(*TPR, 0x66);
	asm volatile("movl $0x77, (%0)" :: "r"(TPR) : "memory");
	check_eq(*TPR, 0x77);
	/* REX registers, displacement, scaled index */
	a = 0x33;
	asm volatile("mov %0, %%r13; mov $0x80, %%r12d; movl %%r13d, 0(%1, %%r12, 1); movl 0x80(%1), %%r14d; mov %%r14, %0"
		     : "+r"(a) : "r"(APIC_BASE) : "r12", "r13", "r14", "memory");
	check_eq(a, 0x33);
	check_eq(*TPR, 0x33);
	/* absolute 64-bit address */
	asm volatile("movabs 0xfee00080, %%eax" : "=a"(a) :: "memory");
	check_eq(a, 0x33);
	asm volatile("movabs %%eax, 0xfee00080" :: "a"(0x44) : "memory");
	check_eq(*TPR, 0x44);
	*TPR = 0;
}

static void extending_loads(void)
{
	u64 a;

	*ICRH = 0x85000000;
	asm volatile("movslq (%1), %0" : "=r"(a) : "r"(ICRH) : "memory");
	check_eq(a, 0xffffffff85000000);
	*ICRH = 0;
	*TPR = 0x80;
	asm volatile("movzbl (%1), %k0" : "=r"(a) : "r"(TPR) : "memory");
	/* narrow accesses to the LAPIC are undefined by the manuals: no value is asked for, only survival */
	asm volatile("movzwl (%1), %k0" : "=r"(a) : "r"(TPR) : "memory");
	asm volatile("movsbq (%1), %0" : "=r"(a) : "r"(TPR) : "memory");
	*TPR = 0;
}

static void read_modify_write(void)
{
	u64 f;

	*TPR = 0x30;
	asm volatile("orl $0x41, (%0)" :: "r"(TPR) : "memory", "cc");
	check_eq(*TPR, 0x71);
	asm volatile("andl %1, (%0)" :: "r"(TPR), "r"(0x70) : "memory", "cc");
	check_eq(*TPR, 0x70);
	asm volatile("xorl $0x70, (%1); pushfq; pop %0" : "=r"(f) : "r"(TPR) : "memory", "cc");
	check_eq(*TPR, 0);
	check(f & ZF);
	asm volatile("addl $0x11, (%0)" :: "r"(TPR) : "memory", "cc");
	asm volatile("incl (%0)" :: "r"(TPR) : "memory", "cc");
	check_eq(*TPR, 0x12);
	asm volatile("subl $0x12, (%1); pushfq; pop %0" : "=r"(f) : "r"(TPR) : "memory", "cc");
	check(f & ZF);
	check_eq(*TPR, 0);
	asm volatile("lock; orl $0x21, (%0)" :: "r"(TPR) : "memory", "cc");
	check_eq(*TPR, 0x21);
	*TPR = 0;
}

static void compares(void)
{
	u64 f;

	*TPR = 0x40;
	asm volatile("cmpl $0x40, (%1); pushfq; pop %0" : "=r"(f) : "r"(TPR) : "memory", "cc");
	check(f & ZF);
	asm volatile("cmpl $0x41, (%1); pushfq; pop %0" : "=r"(f) : "r"(TPR) : "memory", "cc");
	check(!(f & ZF) && f & CF);
	asm volatile("testl $0x40, (%1); pushfq; pop %0" : "=r"(f) : "r"(TPR) : "memory", "cc");
	check(!(f & ZF));
	asm volatile("btl $6, (%1); pushfq; pop %0" : "=r"(f) : "r"(TPR) : "memory", "cc");
	check(f & CF);
	check_eq(*TPR, 0x40);
	*TPR = 0;
}

static void exchanges(void)
{
	u64 a = 0x31, f;

	*TPR = 0x20;
	asm volatile("xchgl %k0, (%1)" : "+r"(a) : "r"(TPR) : "memory");
	check_eq(a, 0x20);
	check_eq(*TPR, 0x31);
	a = 0x31;
	asm volatile("lock; cmpxchgl %3, (%2); pushfq; pop %1" : "+a"(a), "=r"(f) : "r"(TPR), "r"(0x42) : "memory", "cc");
	check(f & ZF);
	check_eq(*TPR, 0x42);
	a = 0x31;
	asm volatile("lock; cmpxchgl %3, (%2); pushfq; pop %1" : "+a"(a), "=r"(f) : "r"(TPR), "r"(0x53) : "memory", "cc");
	check(!(f & ZF));
	check_eq(a, 0x42);
	check_eq(*TPR, 0x42);
	a = 2;
	asm volatile("lock; xaddl %k0, (%1)" : "+r"(a) : "r"(TPR) : "memory", "cc");
	check_eq(a, 0x42);
	check_eq(*TPR, 0x44);
	*TPR = 0;
}

static u32 buffer[8];

static void string_forms(void)
{
	volatile u32 *from = TPR;
	u32 *to = buffer;
	u64 n = 4, a = 0x51;

	*TPR = 0x61;
	asm volatile("movsl" : "+S"(from), "+D"(to) :: "memory");
	check_eq(buffer[0], 0x61);
	check_eq((u64)from, (u64)TPR + 4);
	check_eq((u64)to, (u64)buffer + 4);
	from = TPR;
	asm volatile("stosl" : "+D"(from) : "a"(a) : "memory");
	check_eq(*TPR, 0x51);
	from = TPR;
	asm volatile("lodsl" : "=a"(a), "+S"(from) :: "memory");
	check_eq(a, 0x51);
	/* rep: one register after the other; the words between registers are zero or repeat them */
	memset(buffer, 0x5a, sizeof(buffer));
	from = TPR;
	to = buffer;
	asm volatile("rep movsl" : "+S"(from), "+D"(to), "+c"(n) :: "memory");
	check_eq(n, 0);
	check_eq(buffer[0], 0x51);
	check_eq(buffer[4], 0x5a5a5a5a);
	buffer[0] = 0x23;
	to = buffer;
	from = TPR;
	asm volatile("movsl" : "+S"(to), "+D"(from) :: "memory");
	check_eq(*TPR, 0x23);
	*TPR = 0;
}

static void push_and_pop(void)
{
	u64 sp_before, sp_after;

	*TPR = 0x31;
	asm volatile("mov %%rsp, %0; pushq (%2); pop %%rcx; mov %%rsp, %1"
		     : "=&r"(sp_before), "=&r"(sp_after) : "r"(TPR) : "rcx", "memory");
	check_eq(sp_before, sp_after);
	*TPR = 0;
}

static void straddles(void *arg)
{
	/* eight bytes over the end of the page: half device, half nobody's */
	(void)*(volatile u64 *)(APIC_BASE + 0xffc);
}

static void over_the_edge(void)
{
	u32 v;

	if (!on_ivm()) {
		skip("what lies behind the page differs");
		return;
	}
	v = guarded(straddles, NULL, NULL);
	check(v == VEC_GP || v == NO_FAULT);
	check_eq(apic_read(APIC_ID) >> 24, this_cpu()->apic_id);
}

static void vector_load(void *arg) { asm volatile("movups (%0), %%xmm0" :: "r"(TPR) : "memory"); }
static void long_nops(void *arg)
{
	asm volatile(".byte 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e; movl (%0), %%eax" :: "r"(TPR) : "eax", "memory");
}

/* What is not decoded ends in a fault of the guest, not of the VM. */
static void odd_instructions(void)
{
	u32 v = guarded(vector_load, NULL, NULL);

	note("movups: vector %d", v);
	check(v == NO_FAULT || v == VEC_UD || v == VEC_GP);
	check_eq(guarded(long_nops, NULL, NULL), NO_FAULT);
}

static void jump(void *arg) { asm volatile("call *%0" :: "r"(arg) : "memory"); }

static void fetch_from_device(void)
{
	u32 v;

	if (!on_ivm()) {
		skip("QEMU executes there");
		return;
	}
	v = guarded(jump, (void *)APIC_BASE, NULL);
	note("vector %u", v);
	check(v == VEC_GP || v == VEC_UD);
	v = guarded(jump, (void *)(u64)acpi_ioapic, NULL);
	check(v == VEC_GP || v == VEC_UD);
}

/* The instruction itself and a memory operand lie on a page boundary. */
static u8 code[2 * 4096] __aligned(4096);

static void instruction_over_a_page_boundary(void)
{
	static const u8 abs[] = { 0xa1, 0x80, 0x00, 0xe0, 0xfe, 0, 0, 0, 0, 0xc3 };	/* movabs 0xfee00080, eax; ret */
	u32 (*fn)(void);

	*TPR = 0x29;
	for (u32 i = 1; i < sizeof(abs); i++) {
		memcpy(code + 4096 - i, abs, sizeof(abs));
		fn = (void *)(code + 4096 - i);
		check_eq(fn(), 0x29);
	}
	*TPR = 0;
}

static void touch(void *arg) { (void)*(volatile u8 *)arg; }

/* Page tables in device memory: no walk reads a device. */
static void page_table_in_device(void)
{
	u64 va = 0x7f0000000000, *e = map_entry(va, 4, true), was = *e;
	u32 v;

	if (!on_ivm()) {
		skip("QEMU walks there");
		return;
	}
	*e = APIC_BASE | 3;
	write_cr3(read_cr3());
	v = guarded(touch, (void *)va, NULL);
	note("vector %u", v);
	check(v == VEC_GP || v == VEC_PF);
	*e = was;
	write_cr3(read_cr3());
	check_eq(apic_read(APIC_ID) >> 24, this_cpu()->apic_id);
}

static const struct guest_case cases[] = {
	{ "mov_forms", mov_forms },
	{ "extending_loads", extending_loads },
	{ "read_modify_write", read_modify_write },
	{ "compares", compares },
	{ "exchanges", exchanges },
	{ "string_forms", string_forms },
	{ "push_and_pop", push_and_pop },
	{ "over_the_edge", over_the_edge },
	{ "odd_instructions", odd_instructions },
	{ "fetch_from_device", fetch_from_device },
	{ "instruction_over_a_page_boundary", instruction_over_a_page_boundary },
	{ "page_table_in_device", page_table_in_device },
};

u32 guest_main(void) { return RUN_CASES("P9", cases); }
