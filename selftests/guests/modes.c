// SPDX-License-Identifier: GPL-2.0-only
/* Control registers that must be refused, instructions that must not exist, other modes, storms of exceptions. */
#include "guest.h"

/* ---- control registers ---- */

static void set_cr0(void *arg) { write_cr0((u64)arg); }
static void set_cr3(void *arg) { write_cr3((u64)arg); }
static void set_cr4(void *arg) { write_cr4((u64)arg); }
static void set_cr8(void *arg) { write_cr8((u64)arg); }

/* QEMU's own CPU checks few of these. */
static bool only_on_ivm(void)
{
	if (!on_ivm())
		skip("this CPU checks too little");
	return !on_ivm();
}

/*
 * What IVM leaves to the CPU to check. An emulated CPU may take it, and the
 * guest then ends by its own deed, so these run only when asked for by name.
 */
static bool only_when_asked(void)
{
	if (only_on_ivm())
		return true;
	if (!option("case"))
		skip("only when asked for: case=");
	return !option("case");
}

static void cr0_combinations(void)
{
	if (only_when_asked())
		return;
	u64 cr0 = read_cr0();

	check_fault(set_cr0, cr0 & ~1UL, VEC_GP);		/* PG without PE */
	check_fault(set_cr0, cr0 | 1UL << 29, VEC_GP);		/* NW without CD */
	check_fault(set_cr0, cr0 | 1UL << 32, VEC_GP);
	check_fault(set_cr0, cr0 | 1UL << 63, VEC_GP);
	check_fault(set_cr0, cr0 & ~(1UL << 31), VEC_GP);	/* paging off in 64-bit code */
	check_eq(read_cr0(), cr0);
	/* Legal ones: CD, CD with NW, TS, WP, AM. */
	check_eq(guarded(set_cr0, (void *)(cr0 | 1 << 30), NULL), NO_FAULT);
	check_eq(guarded(set_cr0, (void *)(cr0 | 3 << 29), NULL), NO_FAULT);
	check_eq(guarded(set_cr0, (void *)(cr0 | 1 << 3 | 1 << 16 | 1 << 18), NULL), NO_FAULT);
	check_eq(read_cr0(), cr0 | 1 << 3 | 1 << 16 | 1 << 18);
	write_cr0(cr0);
	check_eq(read_cr0(), cr0);
}

static void cr4_combinations(void)
{
	if (only_on_ivm())
		return;
	u64 cr4 = read_cr4();

	check_fault(set_cr4, cr4 & ~(1UL << 5), VEC_GP);	/* PAE off in long mode */
	check_fault(set_cr4, cr4 | 1UL << 12, VEC_GP);		/* LA57 */
	check_fault(set_cr4, cr4 | 1UL << 13, VEC_GP);		/* VMXE */
	check_fault(set_cr4, cr4 | 1UL << 14, VEC_GP);		/* SMXE */
	check_fault(set_cr4, cr4 | 1UL << 15, VEC_GP);		/* reserved */
	check_fault(set_cr4, cr4 | 1UL << 19, VEC_GP);
	check_fault(set_cr4, cr4 | 1UL << 22, VEC_GP);		/* PKE is not offered */
	check_fault(set_cr4, cr4 | 1UL << 31, VEC_GP);
	check_fault(set_cr4, cr4 | 1UL << 32, VEC_GP);
	check_fault(set_cr4, cr4 | 1UL << 63, VEC_GP);
	for (u32 bit = 0; bit < 64; bit++) {			/* any other: works, or is refused */
		u32 v = guarded(set_cr4, (void *)(cr4 ^ 1UL << bit), NULL);

		check(v == NO_FAULT || v == VEC_GP);
		check_eq(guarded(set_cr4, (void *)cr4, NULL), NO_FAULT);
	}
	check_eq(read_cr4(), cr4);
}

static void cr3_reserved_bits(void)
{
	if (only_when_asked())
		return;
	u32 bits = cpuid(0x80000008, 0).eax & 0xff;
	u64 cr3 = read_cr3();

	for (u32 bit = bits; bit < 63; bit++)
		check_fault(set_cr3, cr3 | 1UL << bit, VEC_GP);
	check_eq(read_cr3(), cr3);
}

static void cr8_values(void)
{
	for (u32 bit = 4; bit < 64 && on_ivm(); bit++)
		check_fault(set_cr8, 1UL << bit, VEC_GP);
	for (u64 v = 0; v < 16; v++) {
		write_cr8(v);
		check_eq(read_cr8(), v);
	}
	write_cr8(0);
}

static void odd_cr(void *arg) { asm volatile(".byte 0x0f, 0x22, 0xc8"); }	/* mov rax, cr1 */
static void odd_cr_read(void *arg) { asm volatile(".byte 0x0f, 0x20, 0xe8" ::: "rax"); }	/* mov cr5, rax */

static void absent_control_registers(void)
{
	if (only_on_ivm())
		return;
	check_fault(odd_cr, 0, VEC_UD);
	check_fault(odd_cr_read, 0, VEC_UD);
}

static void set_dr7(void *arg) { asm volatile("mov %0, %%dr7" :: "r"(arg)); }
static void set_dr6(void *arg) { asm volatile("mov %0, %%dr6" :: "r"(arg)); }
static void use_dr4(void *arg) { u64 v; asm volatile("mov %%dr4, %0" : "=r"(v)); }

static void debug_registers(void)
{
	if (only_on_ivm())
		return;
	u64 cr4 = read_cr4(), v;

	check_fault(set_dr7, 1UL << 32, VEC_GP);
	check_fault(set_dr6, 1UL << 63, VEC_GP);
	write_cr4(cr4 | 1 << 3);
	check_fault(use_dr4, 0, VEC_UD);
	write_cr4(cr4);
	asm volatile("mov %0, %%dr0" :: "r"(0x1234567890UL));
	asm volatile("mov %0, %%dr3" :: "r"(0xfedcba98UL));
	(void)cpuid(0, 0);
	asm volatile("mov %%dr0, %0" : "=r"(v));
	check_eq(v, 0x1234567890);
	asm volatile("mov %%dr3, %0" : "=r"(v));
	check_eq(v, 0xfedcba98);
}

static volatile u64 watched;
static void touch_watched(void *arg) { watched = 1; asm volatile("nop"); }

static void data_breakpoint(void)
{
	struct fault f;
	u64 dr6;

	if (option("emulated")) {
		skip("the emulator forgets breakpoints when a guest is entered");
		return;
	}
	asm volatile("mov %0, %%dr0" :: "r"(&watched));
	asm volatile("mov %0, %%dr7" :: "r"(0x90003UL | 0x400));	/* 4 bytes, writes */
	guarded(touch_watched, NULL, &f);
	check_eq(f.vector, VEC_DB);
	asm volatile("mov %%dr6, %0" : "=r"(dr6));
	check_eq(dr6 & 1, 1);
	asm volatile("mov %0, %%dr7" :: "r"(0x400UL));
	asm volatile("mov %0, %%dr6" :: "r"(0xffff0ff0UL));
}

/* ---- instructions ---- */

#define BYTES(name, ...) static void name(void *arg) { asm volatile(".byte " #__VA_ARGS__ :: "a"(arg), "b"(arg), "c"(0), "d"(0) : "memory", "cc"); }
BYTES(vmrun, 0x0f, 0x01, 0xd8)
BYTES(vmload, 0x0f, 0x01, 0xda)
BYTES(vmsave, 0x0f, 0x01, 0xdb)
BYTES(stgi, 0x0f, 0x01, 0xdc)
BYTES(clgi, 0x0f, 0x01, 0xdd)
BYTES(skinit, 0x0f, 0x01, 0xde)
BYTES(invlpga, 0x0f, 0x01, 0xdf)
BYTES(vmlaunch, 0x0f, 0x01, 0xc2)
BYTES(vmxon, 0xf3, 0x0f, 0xc7, 0x34, 0x24)
BYTES(vmclear, 0x66, 0x0f, 0xc7, 0x34, 0x24)
BYTES(getsec, 0x0f, 0x37)
BYTES(rsm, 0x0f, 0xaa)
BYTES(ud0, 0x0f, 0xff, 0xc0)
BYTES(ud2, 0x0f, 0x0b)
BYTES(lock_nop, 0xf0, 0x90)
BYTES(monitor, 0x0f, 0x01, 0xc8)
BYTES(mwait, 0x0f, 0x01, 0xc9)
BYTES(old_opcode, 0x06)				/* push es: not in 64-bit mode */
BYTES(too_long, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x90, 0x90)
BYTES(rdpmc, 0x0f, 0x33)
BYTES(wbinvd, 0x0f, 0x09)
BYTES(invd, 0x0f, 0x08)

static void absent_instructions(void)
{
	static const struct { void (*fn)(void *); const char *name; bool tcg_has, vmcb; } gone[] = {
		{ vmrun, "vmrun", 1, 1 }, { vmload, "vmload", 1, 1 }, { vmsave, "vmsave", 1, 1 }, { stgi, "stgi", 1 }, { clgi, "clgi", 1 },
		{ skinit, "skinit", 1 }, { invlpga, "invlpga", 1 }, { vmlaunch, "vmlaunch", 0 }, { vmxon, "vmxon", 0 },
		{ vmclear, "vmclear", 0 }, { getsec, "getsec", 0 }, { rsm, "rsm", 0 }, { ud0, "ud0", 0 }, { ud2, "ud2", 0 },
		{ lock_nop, "lock nop", 0 }, { old_opcode, "push es", 0 }, { monitor, "monitor", 1 }, { mwait, "mwait", 1 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(gone); i++) {
		struct fault f;

		if (gone[i].tcg_has && !on_ivm())
			continue;
		/* whatever RAX points at: RAM, devices, nothing */
		for (u32 a = 0; a < 4; a++) {
			static const u64 rax[] = { 0, 0x100000, APIC_BASE, 0xfffffffffffff000 };

			guarded(gone[i].fn, (void *)rax[a], &f);
			/* An address that no VMCB has may fault before the intercept. */
			if (gone[i].vmcb && a == 3 && f.vector == VEC_GP)
				continue;
			if (!check_eq(f.vector, VEC_UD))
				note("instruction %s, rax %lx", gone[i].name, rax[a]);
		}
	}
	check_fault(too_long, 0, VEC_GP);
	if (on_ivm())
		check_fault(rdpmc, 0, VEC_GP);
	check_eq(guarded(wbinvd, NULL, NULL), NO_FAULT);
	if (on_ivm())
		check_eq(guarded(invd, NULL, NULL), NO_FAULT);	/* drops nothing that was written */
}

static u64 hypercall_result;
static void vmmcall(void *arg)
{
	u64 a = (u64)arg;

	asm volatile("vmmcall" : "+a"(a) : "b"(~0UL), "c"(0xdeadbeef), "d"(APIC_BASE), "S"(~0UL) : "memory");
	hypercall_result = a;
}
static void vmcall(void *arg)
{
	u64 a = (u64)arg;

	asm volatile("vmcall" : "+a"(a) : "b"(~0UL), "c"(0xdeadbeef), "d"(APIC_BASE), "S"(~0UL) : "memory");
}

static void hypercalls_with_junk(void)
{
	u64 x = 88172645463325252;

	for (u32 i = 0; i < 2000; i++) {
		u32 v;

		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		v = guarded(vmmcall, (void *)(i < 256 ? i : x), NULL);
		if (!check(v == NO_FAULT || v == VEC_UD))
			note("vmmcall: vector %u", v);
		if (v == NO_FAULT && on_ivm())
			check((s64)hypercall_result < 0);	/* an error, not a success nobody offers */
		v = guarded(vmcall, (void *)x, NULL);
		check(v == NO_FAULT || v == VEC_UD);
	}
}

static void user_vmmcall(void *arg)
{
	asm volatile("vmmcall; int $0x30" :: "a"(1), "b"(0) : "memory");
}
static void user_hlt(void *arg) { asm volatile("hlt"); }
static void user_wrmsr(void *arg) { wrmsr(0xc0000080, 0); }
static void user_cr3(void *arg) { write_cr3(0); }
static void user_invlpg(void *arg) { invlpg(0); }
static void user_cpuid(void *arg) { cpuid(0, 0); asm volatile("int $0x30"); }

/* Rights come before intercepts: at CPL 3 these fault, whatever is behind them. */
static void user_rights(void)
{
	check_eq(run_user(user_hlt, NULL, NULL), VEC_GP);
	check_eq(run_user(user_wrmsr, NULL, NULL), VEC_GP);
	check_eq(run_user(user_cr3, NULL, NULL), VEC_GP);
	check_eq(run_user(user_invlpg, NULL, NULL), VEC_GP);
	check_eq(run_user(user_cpuid, NULL, NULL), NO_FAULT);
	u32 v = run_user(user_vmmcall, NULL, NULL);

	check(v == NO_FAULT || v == VEC_UD);
}

static void xsetbv(void *arg)
{
	u64 *a = arg;

	asm volatile("xsetbv" :: "c"((u32)a[0]), "a"((u32)a[1]), "d"((u32)(a[1] >> 32)));
}

static void xsetbv_misuse(void)
{
	if (only_on_ivm())
		return;
	static u64 bad[][2] = {
		{ 0, 0 },		/* x87 must stay on */
		{ 0, 5 },		/* AVX without SSE */
		{ 0, 0xfffffffffffffff7 },
		{ 0, 1 | 1UL << 63 },
		{ 0, 9 },		/* half of MPX */
		{ 0, 0x27 },		/* half of AVX-512 */
		{ 1, 1 }, { 0xffffffff, 1 },
	};
	u64 cr4 = read_cr4(), good[2] = { 0, 3 };
	u32 lo, hi;

	if (!(cpuid(1, 0).ecx & 1 << 26)) {
		check_fault(xsetbv, good, VEC_UD);
		return;
	}
	write_cr4(cr4 & ~(1UL << 18));
	check_fault(xsetbv, good, VEC_UD);
	write_cr4(cr4 | 1 << 18);
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
		if (!check_fault(xsetbv, bad[i], VEC_GP))
			note("XCR%lx = %lx", bad[i][0], bad[i][1]);
	check_eq(guarded(xsetbv, good, NULL), NO_FAULT);
	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	check_eq(lo, 3);
	check_eq(hi, 0);
	write_cr4(cr4);
}

/* ---- other modes ---- */

struct farptr { u32 off; u16 sel; } __packed;

/* cpuid 0x80000000; in from 2f8; the LAPIC's id register through absolute 32-bit address; far return */
asm(".text; .balign 16; compat_code: .code32\n"
	"push %ebx; mov $0x80000000, %eax; cpuid; mov %eax, %esi; pop %ebx\n"
	"mov $0x2f8, %dx; xor %eax, %eax; in %dx, %al; mov %eax, %edi\n"
	"mov 0xfee00030, %eax; lret\n .code64\n");
asm(".text; .balign 16; compat_code16: .code16\n"
	"push %bx; mov $0x80000000, %eax; cpuid; mov %eax, %esi; pop %bx\n"
	"mov $0x2f8, %dx; xor %eax, %eax; in %dx, %al; mov %eax, %edi\n"
	"addr32 mov 0xfee00030, %eax; lretl\n .code64\n");
extern char compat_code[], compat_code16[];

static void compatibility_mode(void)
{
	static struct farptr p;
	u32 eax, esi, edi;

	p = (struct farptr){ (u64)compat_code, SEL_CODE32 };
	asm volatile("lcall *%3" : "=a"(eax), "=&S"(esi), "=&D"(edi) : "m"(p) : "rbx", "rcx", "rdx", "memory");
	check_eq(esi, cpuid(0x80000000, 0).eax);
	check_eq(edi, inb(0x2f8));
	check_eq(eax, apic_read(APIC_VERSION));
}

static void compatibility_mode_16(void)
{
	/* 16-bit code has 64 KiB from 0: it needs a copy there. */
	static struct farptr p;
	u8 *low = (u8 *)0x7000;
	u32 eax, esi, edi;

	memcpy(low, compat_code16, 64);
	p = (struct farptr){ 0x7000, SEL_CODE16 };
	asm volatile("lcall *%3" : "=a"(eax), "=&S"(esi), "=&D"(edi) : "m"(p) : "rbx", "rcx", "rdx", "memory");
	check_eq(esi, cpuid(0x80000000, 0).eax);
	check_eq(edi, inb(0x2f8));
	check_eq(eax, apic_read(APIC_VERSION));
}

/* ---- storms ---- */

static volatile u64 stormed;
#define TF 0x100

static bool single_step(struct frame *f)
{
	if (f->vector != VEC_DB)
		return false;
	if (++stormed == 20000)
		f->rflags &= ~(u64)TF;
	return true;
}

static void debug_storm(void)
{
	u64 n = 0;

	stormed = 0;
	set_trap(single_step);
	asm volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
	while (stormed < 20000)
		n++;
	set_trap(NULL);
	check_eq(stormed, 20000);
}

/* Stepping over instructions that exit: each one traps once behind itself. */
static u64 steps_rip[16];
static volatile u32 steps;

static bool step_over(struct frame *f)
{
	if (f->vector != VEC_DB)
		return false;
	if (steps < 16)
		steps_rip[steps] = f->rip;
	steps++;
	return true;
}

extern char step_a[], step_b[], step_c[], step_d[];

static void step_over_exits(void)
{
	steps = 0;
	set_trap(step_over);
	asm volatile("pushfq; orq $0x100, (%%rsp); popfq\n"
		     "step_a: cpuid\n"
		     "step_b: mov $0x2f8, %%edx; in %%dx, %%al\n"
		     "step_c: mov (%%rsi), %%ebx\n"
		     "step_d: pushfq; andq $~0x100, (%%rsp); popfq\n"
		     :: "S"(APIC_BASE + 0x30) : "rax", "rbx", "rcx", "rdx", "memory", "cc");
	set_trap(NULL);
	check_eq(steps, 7);
	check_eq(steps_rip[0], (u64)step_b);		/* behind CPUID */
	check_eq(steps_rip[2], (u64)step_c);		/* behind IN */
	check_eq(steps_rip[3], (u64)step_d);		/* behind the device access */
}

static u64 unaligned[3];
static bool align_storm(struct frame *f)
{
	if (f->vector != VEC_AC)
		return false;
	if (++stormed == 5000)
		f->rflags &= ~(1UL << 18);
	return true;
}

static void user_unaligned(void *arg)
{
	asm volatile("pushfq; orq $0x40000, (%%rsp); popfq" ::: "memory", "cc");
	(void)*(volatile u64 *)((char *)unaligned + 1);
	asm volatile("int $0x30");
}

static void alignment_storm(void)
{
	u64 cr0 = read_cr0();

	stormed = 0;
	write_cr0(cr0 | 1 << 18);
	set_trap(align_storm);
	check_eq(run_user(user_unaligned, NULL, NULL), NO_FAULT);
	set_trap(NULL);
	write_cr0(cr0);
	if (!stormed)
		skip("this CPU checks no alignment");
	else
		check_eq(stormed, 5000);
}

static void undefined_storm(void)
{
	for (u32 i = 0; i < 20000; i++)
		if (!check_fault(ud2, 0, VEC_UD))
			return;
}

static const struct guest_case cases[] = {
	{ "cr0_combinations", cr0_combinations },
	{ "cr4_combinations", cr4_combinations },
	{ "cr3_reserved_bits", cr3_reserved_bits },
	{ "cr8_values", cr8_values },
	{ "absent_control_registers", absent_control_registers },
	{ "debug_registers", debug_registers },
	{ "data_breakpoint", data_breakpoint },
	{ "absent_instructions", absent_instructions },
	{ "hypercalls_with_junk", hypercalls_with_junk },
	{ "user_rights", user_rights },
	{ "xsetbv_misuse", xsetbv_misuse },
	{ "compatibility_mode", compatibility_mode },
	{ "compatibility_mode_16", compatibility_mode_16 },
	{ "debug_storm", debug_storm },
	{ "step_over_exits", step_over_exits },
	{ "alignment_storm", alignment_storm },
	{ "undefined_storm", undefined_storm },
};

u32 guest_main(void) { return RUN_CASES(NULL, cases); }
