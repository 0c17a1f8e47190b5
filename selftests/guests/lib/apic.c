// SPDX-License-Identifier: GPL-2.0-only
/* The local APIC of the vCPU that calls, by its page or by MSRs. */
#include "guest.h"

#define BASE_X2 (1UL << 10)
#define BASE_EN (1UL << 11)

u32 apic_read(u32 reg)
{
	if (this_cpu()->x2apic)
		return rdmsr(0x800 + reg);
	return *(volatile u32 *)(APIC_BASE + reg * 16);
}

void apic_write(u32 reg, u32 v)
{
	if (this_cpu()->x2apic)
		wrmsr(0x800 + reg, v);
	else
		*(volatile u32 *)(APIC_BASE + reg * 16) = v;
}

void apic_icr(u32 apic_id, u32 low)
{
	if (this_cpu()->x2apic) {
		wrmsr(0x800 + APIC_ICR, (u64)apic_id << 32 | low);
		return;
	}
	apic_write(APIC_ICR_HIGH, apic_id << 24);
	apic_write(APIC_ICR, low);
	for (u32 i = 0; i < 1000000 && apic_read(APIC_ICR) & 0x1000; i++)
		pause();
}

void apic_eoi(void) { apic_write(APIC_EOI, 0); }

void apic_enable(void)
{
	for (u32 reg = APIC_LVT_TIMER; reg <= APIC_LVT_ERROR; reg++)
		if (reg != APIC_LVT_THERMAL && reg != APIC_LVT_PMC)
			apic_write(reg, 0x10000);
	apic_write(APIC_TPR, 0);
	apic_write(APIC_SVR, 0x1ff);
}

bool apic_x2apic(void)
{
	if (!(cpuid(1, 0).ecx & 1 << 21))
		return false;
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | BASE_EN | BASE_X2);
	this_cpu()->x2apic = true;
	return true;
}

void apic_xapic(void)
{
	u64 base = rdmsr(MSR_APIC_BASE) & ~(BASE_EN | BASE_X2);

	wrmsr(MSR_APIC_BASE, base);
	wrmsr(MSR_APIC_BASE, base | BASE_EN);
	this_cpu()->x2apic = false;
	apic_enable();
}
