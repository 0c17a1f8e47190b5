// SPDX-License-Identifier: GPL-2.0-only
/*
 * One vCPU rewrites a page-table entry all the time, the other ones use what it
 * maps. State k of the entry is a function of k, and k is published after the
 * entry was written. So whoever has read k0, executed INVLPG, made an access, and
 * then read k1, must have found one of the states k0 ... k1 + 1: its page, its
 * rights. Option n=ACCESSES of each vCPU.
 */
#include "guest.h"

#define PAGES	32
#define WINDOW	0x6000000000UL
#define FAR	1000		/* states after which nothing can be said */

struct state {
	u32 page;
	bool present, writable;
};

static u64 pages[PAGES][512] __aligned(4096);
static u64 *entry;
static volatile u64 k;
static volatile u32 going;
static u64 checked[MAX_CPUS], wrong[MAX_CPUS], faults[MAX_CPUS];

static struct state state_of(u64 n)
{
	u64 x = (n + 1) * 0x9e3779b97f4a7c15;

	x ^= x >> 31;
	return (struct state){ x % PAGES, x >> 8 & 3, x >> 16 & 1 };
}

static void write_entry(u64 n)
{
	struct state s = state_of(n);

	*(volatile u64 *)entry = (u64)pages[s.page] | s.present | s.writable << 1;
	k = n;
}

/* Its first word says which page it is; words behind it are written. */
static void read_window(void *arg) { *(u64 *)arg = *(volatile u64 *)WINDOW; }
static void write_window(void *arg) { ((volatile u64 *)WINDOW)[1 + this_cpu()->index] = *(u64 *)arg; }

static bool possible(u64 from, u64 to, bool write, bool faulted, u64 page)
{
	for (u64 n = from; n <= to + 1; n++) {
		struct state s = state_of(n);
		bool allows = s.present && (!write || s.writable);

		if (faulted ? !allows : allows && (write || s.page == page))
			return true;
	}
	return false;
}

static void use(void *arg)
{
	u32 me = this_cpu()->index;
	u64 x = me * 7919 + 1;

	for (u64 n = (u64)arg; n; n--) {
		u64 value = n, from, to;
		bool write;
		u32 vector;

		x = x * 6364136223846793005 + 1442695040888963407;
		write = x >> 40 & 1;
		from = k;
		invlpg(WINDOW);
		vector = guarded(write ? write_window : read_window, &value, NULL);
		to = k;
		faults[me] += vector == VEC_PF;
		if (to - from > FAR)
			continue;
		checked[me]++;
		if ((vector != NO_FAULT && vector != VEC_PF) || !possible(from, to, write, vector == VEC_PF, value))
			wrong[me]++;
	}
	__atomic_fetch_sub(&going, 1, __ATOMIC_SEQ_CST);
}

static void races(void)
{
	u64 n = option_num("n", 20000), all = 0, bad = 0, missed = 0, t;

	for (u32 i = 0; i < PAGES; i++)
		pages[i][0] = i;
	entry = map_entry(WINDOW, 1, true);
	if (!check(entry) || !check(smp_start() > 1))
		return;
	write_entry(0);
	going = nr_cpus - 1;
	for (u32 i = 1; i < nr_cpus; i++)
		smp_call(i, use, (void *)n);
	t = rdtsc();
	for (u64 next = 1; going && rdtsc() - t < 300000 * tsc_khz(); next++) {
		write_entry(next);
		for (u32 i = 0; i < next % 64; i++)
			pause();
	}
	for (u32 i = 1; i < nr_cpus; i++) {
		all += checked[i];
		bad += wrong[i];
		missed += faults[i];
	}
	note("%lu states; %lu accesses checked, %lu faults", k, all, missed);
	check_eq(going, 0);
	check_eq(bad, 0);
	check(all > n / 2);
	check(missed > n / 8);
}

static const struct guest_case cases[] = {
	{ "P8 races", races },
};

u32 guest_main(void) { return RUN_CASES(NULL, cases); }
