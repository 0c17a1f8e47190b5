// SPDX-License-Identifier: GPL-2.0-only
/*
 * All vCPUs meet at a barrier, again and again: who is there spins until the last
 * one has come. Every every=MS (1000) it prints "barrier ROUNDS NS", what it did
 * since the line before. No vCPU ever halts.
 */
#include "guest.h"

static u32 arrived;
static volatile u32 round;

static void meet(void)
{
	u32 now = round;

	if (__atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST) == nr_cpus) {
		arrived = 0;
		__atomic_store_n(&round, now + 1, __ATOMIC_SEQ_CST);
		return;
	}
	while (round == now)
		pause();
}

static void go_round(void *arg)
{
	cli();
	for (;;)
		meet();
}

u32 guest_main(void)
{
	u64 khz = tsc_khz(), every = option_num("every", 1000) * khz, last, now;
	u32 from = 0, to;

	while (smp_start() < nr_cpus)
		;	/* on a busy host one may take longer than it is given */
	for (u32 i = 1; i < nr_cpus; i++)
		smp_call(i, go_round, NULL);
	cli();
	meet();
	last = rdtsc();
	for (;;) {
		meet();
		now = rdtsc();
		if (now - last < every)
			continue;
		to = round;
		print("barrier %u %lu\n", to - from, (now - last) * 1000000 / khz);
		from = to;
		last = now;
	}
}
