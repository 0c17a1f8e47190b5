// SPDX-License-Identifier: GPL-2.0-only
/* Time by the TSC, its frequency by the ACPI PM timer. */
#include "guest.h"

#define PM_TIMER_PORT 0x608
#define PM_TIMER_HZ 3579545UL
#define PM_TIMER_MASK 0xffffffUL	/* all have 24 bits */

u64 pm_timer(void) { return inl(PM_TIMER_PORT); }

/* Both clocks at one moment: of several readings the one that was interrupted least. */
static void read_both(u64 *tsc, u64 *pm)
{
	u64 least = ~0UL, before, now, took;

	for (u32 i = 0; i < 8; i++) {
		before = rdtsc();
		now = pm_timer();
		took = rdtsc() - before;
		if (took >= least)
			continue;
		least = took;
		*tsc = before + took / 2;
		*pm = now;
	}
}

u64 tsc_khz(void)
{
	static u64 khz;
	u64 t0, t1, c0, c1;

	if (!khz)
		khz = option_num("khz", 0);
	if (khz)
		return khz;
	khz = 1000000;		/* without a PM timer: no one's time is checked there */
	c0 = pm_timer();
	for (u32 i = 0; pm_timer() == c0; i++)
		if (i == 10000)
			return khz;
	read_both(&t0, &c0);
	while (((pm_timer() - c0) & PM_TIMER_MASK) < PM_TIMER_HZ / 50)
		pause();
	read_both(&t1, &c1);
	khz = (t1 - t0) * PM_TIMER_HZ / ((c1 - c0) & PM_TIMER_MASK) / 1000;
	return khz;
}

void delay_us(u64 us)
{
	u64 end = rdtsc() + us * tsc_khz() / 1000;

	while (rdtsc() < end)
		pause();
}
