// SPDX-License-Identifier: GPL-2.0-only
/*
 * Beats every period=MS (50) by the LAPIC timer, and says how late each beat
 * and the latest so far came: "beat N late US max US". Ends after beats=N, else
 * never. load=1 computes between beats instead of halting.
 */
#include "guest.h"

#define VEC 0x41

static volatile u64 beats;

static void tick(struct frame *f)
{
	beats++;
	apic_eoi();
}

u32 guest_main(void)
{
	u64 period = option_num("period", 50), all = option_num("beats", 0), khz = tsc_khz();
	u64 last, max = 0, done = 0, count;
	bool load = option_num("load", 0);

	set_irq(VEC, tick);
	apic_write(APIC_TIMER_DIV, 0xb);
	apic_write(APIC_LVT_TIMER, 0x10000);
	apic_write(APIC_TIMER_INIT, 0xffffffff);
	last = rdtsc();
	delay_us(10000);
	count = (0xffffffff - apic_read(APIC_TIMER_CUR)) * khz / (rdtsc() - last) * period;
	apic_write(APIC_LVT_TIMER, 0x20000 | VEC);
	print("# period %lu ms, TSC %lu kHz\n", period, khz);
	apic_write(APIC_TIMER_INIT, count);
	last = rdtsc();
	while (!all || done < all) {
		u64 now, gap;

		while (beats == done) {
			if (load) {
				sti();
				for (volatile u32 i = 0; i < 1000; i++)
					;
				cli();
			} else {
				sti_hlt_cli();
			}
		}
		now = rdtsc();
		done++;
		gap = (now - last) * 1000 / khz;
		last = now;
		if (gap > max)
			max = gap;
		print("beat %lu gap %lu max %lu\n", done, gap, max);
	}
	return VERDICT_PASS;
}
