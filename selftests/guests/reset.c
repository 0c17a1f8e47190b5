// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resets itself, again and again, via=cf9|kbd|both (cf9), or powers off
 * (via=off), or waits (via=none). Each start checks that memory that the last
 * one filled is zero again (P10).
 */
#include "guest.h"

#define SPAN (1UL << 20)

u32 guest_main(void)
{
	const char *via = option("via");
	u64 from = (((u64)image_end + 0xfff) & ~0xfffUL) + 0x10000, dirty = 0;

	for (u64 a = from; a < from + SPAN && a < ram_top(); a += 8)
		dirty += *(u64 *)a != 0;
	for (u64 a = from; a < from + SPAN && a < ram_top(); a += 8)
		*(u64 *)a = 0xdead000000000000 | a;
	if (on_ivm() && dirty) {
		print("not ok: %lu words are left of the life before\n", dirty);
		return VERDICT_FAIL;
	}
	print("started with %u vCPUs, memory clean\n", smp_start());
	if (via && streq(via, "off"))
		acpi_power_off();
	else if (via && streq(via, "kbd"))
		outb(0x64, 0xfe);
	else if (!via || streq(via, "cf9"))
		outb(0xcf9, 6);
	delay_us(via && streq(via, "none") ? ~0UL >> 24 : 5000000);
	print("not ok: still alive after via=%s\n", via ? via : "cf9");
	return VERDICT_FAIL;
}
