// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes 64 bytes that are nobody else's all over its memory, says so, and
 * stays. Option seed=N: of the bytes, which the host's searcher makes from it, too
 * (selftests/modules/ivm_search.c).
 */
#include "guest.h"

#define PAGE 4096UL

static bool is_used(u64 page)
{
	for (u32 i = 0; i < nr_used; i++)
		if (page < used[i].base + used[i].size && page + PAGE > used[i].base)
			return true;
	return page < 0x1000 || page == 0x8000;		/* where other vCPUs start */
}

static u64 word(u64 seed, u32 i)
{
	u64 x = seed + (i + 1) * 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

u32 guest_main(void)
{
	u64 seed = option_num("seed", 1), pages = 0;

	for (u32 i = 0; i < nr_ram; i++)
		for (u64 a = (ram[i].base + PAGE - 1) & ~(PAGE - 1); a + PAGE <= ram[i].base + ram[i].size; a += PAGE) {
			if (is_used(a) || a >= 1UL << 32)
				continue;
			for (u32 w = 0; w < PAGE / 8; w++)
				((volatile u64 *)a)[w] = word(seed, w % 8);
			pages++;
		}
	print("written on %lu pages\n", pages);
	for (;;)
		sti_hlt_cli();
}
