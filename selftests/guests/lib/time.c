// SPDX-License-Identifier: GPL-2.0-only
/* Time by the TSC, its frequency by the ACPI PM timer. */
#include "guest.h"

#define PM_TIMER_PORT 0x608
#define PM_TIMER_HZ 3579545UL
#define PM_TIMER_MASK 0xffffffUL	/* all have 24 bits */

u64 pm_timer(void) { return inl(PM_TIMER_PORT); }

u64 tsc_khz(void)
{
	static u64 khz;
	u64 t0, c0, ticks;

	if (khz)
		return khz;
	khz = 1000000;		/* without a PM timer: no one's time is checked there */
	c0 = pm_timer();
	t0 = rdtsc();
	for (u32 i = 0; pm_timer() == c0; i++)
		if (i == 10000)
			return khz;
	do
		ticks = (pm_timer() - c0) & PM_TIMER_MASK;
	while (ticks < PM_TIMER_HZ / 50);
	khz = (rdtsc() - t0) * PM_TIMER_HZ / ticks / 1000;
	return khz;
}

void delay_us(u64 us)
{
	u64 end = rdtsc() + us * tsc_khz() / 1000;

	while (rdtsc() < end)
		pause();
}
