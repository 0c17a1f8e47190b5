// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every MSR number that means something anywhere: reading and writing either
 * works or is exactly one #GP(0). Then junk into all of them, and the writes
 * that must be refused.
 */
#include "guest.h"

#define MSR_EFER 0xc0000080

static const struct { u32 first, last; } spans[] = {
	{ 0x00000000, 0x00001fff },
	{ 0x40000000, 0x400000ff },
	{ 0x4b564d00, 0x4b564dff },
	{ 0xc0000000, 0xc0001fff },
	{ 0xc0010000, 0xc0011fff },
	{ 0xfffffff0, 0xfffffffe },
};

struct access { u32 msr; u64 value; };

static void do_read(void *arg) { struct access *a = arg; a->value = rdmsr(a->msr); }
static void do_write(void *arg) { struct access *a = arg; wrmsr(a->msr, a->value); }

/* Returns whether it worked; anything but success and #GP(0) at the instruction fails the case. */
static bool try(void (*fn)(void *), u32 msr, u64 *value)
{
	struct access a = { msr, *value };
	struct fault f;
	u32 v = guarded(fn, &a, &f);

	*value = a.value;
	if (v == NO_FAULT)
		return true;
	if (v != VEC_GP || f.error)
		note("%s of MSR %x: vector %u error %lx", fn == do_read ? "read" : "write", msr, v, f.error);
	check_eq(v, VEC_GP);
	check_eq(f.error, 0);
	return false;
}

/* What this program stands on, and what ends or moves the interrupt state it needs. */
static bool is_ours(u32 msr)
{
	return msr == MSR_EFER || msr == 0xc0000101 || msr == MSR_APIC_BASE || (msr >= 0x800 && msr < 0x900) ||
	       msr == 0x10 || msr == 0x3b;	/* the clock by which we wait */
}

static u64 all(void)
{
	u64 n = 0;

	for (u32 s = 0; s < ARRAY_SIZE(spans); s++)
		n += spans[s].last - spans[s].first + 1;
	return n;
}

static void each(void (*fn)(u32 msr))
{
	u64 done = 0;

	for (u32 s = 0; s < ARRAY_SIZE(spans); s++)
		for (u32 i = 0; i <= spans[s].last - spans[s].first; i++) {
			fn(spans[s].first + i);
			progress(++done, all());
		}
}

static u32 readable, writable;

static void read_and_write_back(u32 msr)
{
	u64 v = 0, again;

	if (try(do_read, msr, &v))
		readable++;
	else
		v = 0;
	if (is_ours(msr) && msr != MSR_EFER && msr != 0xc0000101)
		return;
	again = v;
	if (try(do_write, msr, &again))
		writable++;
}

static void every_number(void)
{
	readable = writable = 0;
	each(read_and_write_back);
	note("%u readable, %u writable", readable, writable);
	check(readable > 20 && writable > 10);
}

static void every_number_in_x2apic_mode(void)
{
	if (!apic_x2apic()) {
		skip("no x2APIC");
		return;
	}
	every_number();
	apic_xapic();
}

static void junk(u32 msr)
{
	static const u64 values[] = { ~0UL, 0x5555555555555555, 0x8000000000000000, 0xdead0000beef, 1, 0x1fff, 0xfffffffffffff000 };
	u64 was = 0, v;
	bool readable_now;

	if (is_ours(msr))
		return;
	readable_now = try(do_read, msr, &was);
	for (u32 i = 0; i < ARRAY_SIZE(values); i++) {
		v = values[i];
		try(do_write, msr, &v);
	}
	if (readable_now) {
		v = was;
		try(do_write, msr, &v);
	}
}

static void junk_everywhere(void)
{
	each(junk);
	/* The paravirtual clock was given junk addresses; off with it. */
	if (on_ivm()) {
		u64 off = 0;

		try(do_write, 0x4b564d01, &off);
	}
}

#define REFUSED(m, val) do {					\
	struct access a_ = { m, val };				\
	check_fault(do_write, &a_, VEC_GP);			\
} while (0)

static void virtualisation_is_absent(void)
{
	struct access a = { 0xc0010117 };
	u64 efer = rdmsr(MSR_EFER);

	if (cpuid(0x80000001, 0).ecx & 1 << 2) {
		skip("this machine offers SVM");
		return;
	}
	REFUSED(MSR_EFER, efer | 1 << 12);		/* SVME */
	check_fault(do_read, &a, VEC_GP);		/* VM_HSAVE_PA */
	REFUSED(0xc0010117, 0x1000);
	a.msr = 0x480;
	check_fault(do_read, &a, VEC_GP);		/* VMX_BASIC */
	check_eq(rdmsr(MSR_EFER), efer);
}

static void illegal_values(void)
{
	u64 efer = rdmsr(MSR_EFER), base = rdmsr(MSR_APIC_BASE);

	REFUSED(MSR_EFER, efer | 1UL << 63);
	REFUSED(MSR_EFER, efer | 1 << 1);		/* reserved */
	REFUSED(MSR_EFER, efer & ~(1UL << 8));		/* LME off while paging is on */
	REFUSED(0x277, 0x0807060504030201);		/* PAT types 2, 3 and 8 do not exist */
	REFUSED(MSR_APIC_BASE, base | 1);		/* reserved */
	REFUSED(MSR_APIC_BASE, base | 1UL << 60);
	REFUSED(MSR_APIC_BASE, (base | 1 << 10) & ~(1UL << 11));	/* x2APIC without enable */
	check_eq(rdmsr(MSR_EFER), efer);
	check_eq(rdmsr(MSR_APIC_BASE), base);
}

static void x2apic_mode_changes(void)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	struct access a = { 0x802 };

	check_fault(do_read, &a, VEC_GP);		/* not in this mode yet */
	if (!apic_x2apic()) {
		skip("no x2APIC");
		return;
	}
	check_eq(rdmsr(0x802), this_cpu()->apic_id);
	REFUSED(MSR_APIC_BASE, base);			/* not straight back to the page */
	apic_xapic();
	check_eq(rdmsr(MSR_APIC_BASE), base);
	check_fault(do_read, &a, VEC_GP);
}

static void values_stick(void)
{
	static const struct { u32 msr; u64 v; } v[] = {
		{ 0x174, 0x10 }, { 0x175, 0x1234567890 }, { 0x176, 0xffff800012345678 },
		{ 0xc0000100, 0x7fffdeadb000 }, { 0xc0000102, 0xffff8000deadb000 },
		{ 0xc0000081, 0x0023001000000000 }, { 0xc0000082, 0xffffffff81000000 },
		{ 0xc0000083, 0xffffffff82000000 }, { 0xc0000084, 0x47700 }, { 0x277, 0x0407050600070106 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(v); i++) {
		u64 was = rdmsr(v[i].msr);

		wrmsr(v[i].msr, v[i].v);
		(void)cpuid(0, 0);			/* an exit in between */
		if (!check_eq(rdmsr(v[i].msr), v[i].v))
			note("MSR %x", v[i].msr);
		wrmsr(v[i].msr, was);
	}
}

static void tsc_counts(void)
{
	u64 a = rdtsc(), b = rdmsr(0x10), c = rdtsc();

	check(a < b && b < c);
	a = rdtsc();
	delay_us(20000);
	b = rdtsc() - a;
	check(b > tsc_khz() * 18 && b < tsc_khz() * 2000);
}

static const struct guest_case cases[] = {
	{ "every_number", every_number },
	{ "every_number_in_x2apic_mode", every_number_in_x2apic_mode },
	{ "junk_everywhere", junk_everywhere },
	{ "virtualisation_is_absent", virtualisation_is_absent },
	{ "illegal_values", illegal_values },
	{ "x2apic_mode_changes", x2apic_mode_changes },
	{ "values_stick", values_stick },
	{ "tsc_counts", tsc_counts },
};

u32 guest_main(void) { return RUN_CASES(NULL, cases); }
