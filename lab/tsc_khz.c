// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints the frequency of this machine's TSC in kHz. The emulator hands that TSC
 * to its hosts as it is, and a host on a busy machine measures it badly: it
 * compares it with timers that come late.
 */
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

static unsigned long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Both clocks at one moment: of several tries the one that took least. */
static unsigned long long both(unsigned long long *ns)
{
	unsigned long long least = ~0ULL, tsc = 0, before, after, at;

	for (int i = 0; i < 100; i++) {
		before = __rdtsc();
		at = now_ns();
		after = __rdtsc();
		if (after - before < least) {
			least = after - before;
			tsc = before + least / 2;
			*ns = at;
		}
	}
	return tsc;
}

int main(void)
{
	unsigned long long ns[2], tsc[2];

	tsc[0] = both(&ns[0]);
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	tsc[1] = both(&ns[1]);
	printf("%llu\n", (tsc[1] - tsc[0]) * 1000000 / (ns[1] - ns[0]));
	return 0;
}
