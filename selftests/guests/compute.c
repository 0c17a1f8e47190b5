// SPDX-License-Identifier: GPL-2.0-only
/*
 * Computes and nothing else, and says once in a second of its own clock how many
 * rounds it did, for how long it did not run, and for how long at most in one
 * piece: "second N rounds R lost US longest US". It did not run where two looks
 * at the TSC are further apart than gap=US (100).
 */
#include "guest.h"

#define STEPS 300

static volatile u64 sink;

u32 guest_main(void)
{
	u64 khz = tsc_khz(), gap = option_num("gap", 100) * khz / 1000, x = 1, last, now, until;

	last = rdtsc();
	until = last + khz * 1000;
	for (u64 second = 1;; second++, until += khz * 1000) {
		u64 rounds = 0, lost = 0, longest = 0;

		do {
			for (u32 i = 0; i < STEPS; i++)
				x = x * 6364136223846793005UL + 1442695040888963407UL;
			sink = x;
			rounds++;
			now = rdtsc();
			if (now - last > gap)
				lost += now - last;
			if (now - last > longest)
				longest = now - last;
			last = now;
		} while (now < until);
		print("second %lu rounds %lu lost %lu longest %lu\n", second, rounds, lost * 1000 / khz,
		      longest * 1000 / khz);
		/* What it takes to say so is no loss. */
		last = rdtsc();
	}
}
