// SPDX-License-Identifier: GPL-2.0-only
/* A histogram of times: eight steps an octave. Who calls serialises. */
#include "skew.h"

#include <linux/bitops.h>
#include <linux/math64.h>
#include <linux/minmax.h>

/* Times below 8 have a step each, in the octaves 0 to 2. */
static unsigned int skew_octave(u64 ns)
{
	return min_t(unsigned int, ns ? fls64(ns) - 1 : 0, IVM_SKEW_OCTAVES - 1);
}

static unsigned int skew_step(u64 ns, unsigned int octave)
{
	return (octave < 3 ? ns : ns >> (octave - 3)) & 7;
}

/* The greatest time of a step. */
static u64 skew_top(unsigned int octave, unsigned int step)
{
	return octave < 3 ? step : ((8ULL + step + 1) << (octave - 3)) - 1;
}

/**
 * ivm_skew_add() - count a time
 * @skew: the histogram
 * @ns:   the time
 */
void ivm_skew_add(struct ivm_skew *skew, u64 ns)
{
	unsigned int octave = skew_octave(ns);

	skew->nr[octave][skew_step(ns, octave)]++;
	skew->total++;
	skew->max_ns = max(skew->max_ns, ns);
}

/**
 * ivm_skew_percentile() - a time that at least so many of those counted do not exceed
 * @skew:    the histogram
 * @percent: 1 … 100
 *
 * Return: ns, at most an eighth above the exact one; 0 if nothing was counted.
 */
u64 ivm_skew_percentile(const struct ivm_skew *skew, unsigned int percent)
{
	u64 wanted = div_u64(skew->total * percent + 99, 100), seen = 0;
	unsigned int octave, step;

	for (octave = 0; octave < IVM_SKEW_OCTAVES; octave++)
		for (step = 0; step < 8; step++) {
			seen += skew->nr[octave][step];
			if (seen >= wanted && seen)
				return min(skew_top(octave, step), skew->max_ns);
		}
	return 0;
}
