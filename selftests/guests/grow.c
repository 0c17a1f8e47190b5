// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that comes and goes by virtio-mem. Its driver does what it is told, and
 * looks: new memory is zero all over (P10), memory that went is a fault (P9). The
 * last vCPU reads all of the region in a loop meanwhile: it never sees anything
 * but zeros and what this program wrote. What comes is filled with 64 bytes of
 * its own, as canary.c does, so that others can look for them.
 *
 * Options: seed=N; deaf: it does not do what it is told. A line for each state:
 * "has N MiB of N, dirty N, strays N, unfaulted N, refused N".
 */
#include "room.h"

#define MOST 2048

static u8 have[MOST];
static u64 region, mine, seed, state;
static volatile u64 blocks;		/* of the region that may be used */
static u64 dirty, unfaulted, refused;
static volatile u64 strays, looks;

static u64 word(u32 i)
{
	u64 x = seed + (i + 1) * 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static u32 random(u32 below)
{
	state = state * 6364136223846793005 + 1442695040888963407;
	return (state >> 33) % below;
}

static void take(u64 at, u64 len)
{
	for (u64 a = at; a < at + len; a += 8)
		dirty += *(volatile u64 *)a != 0;
	for (u64 a = at; a < at + len; a += 8)
		*(volatile u64 *)a = word(a / 8 % 8);
}

static void read_once(void *arg) { (void)*(volatile u64 *)arg; }

static void plug(void)
{
	u64 first = 0, n = 0, most = 1 + random(8);

	while (first < blocks && have[first])
		first++;
	while (first + n < blocks && n < most && !have[first + n] && mine + n < mem_config(MEM_REQUESTED) / BLOCK)
		n++;
	if (!n)
		return;
	if (mem_ask(MEM_PLUG, region + first * BLOCK, n, NULL) != MEM_ACK) {
		refused++;
		delay_us(20000);
		return;
	}
	take(region + first * BLOCK, n * BLOCK);
	memset(have + first, 1, n);
	mine += n;
}

static void unplug(void)
{
	u64 first = random(blocks), n = 0, most = 1 + random(8);

	while (!have[first])
		first = (first + 1) % blocks;
	while (first + n < blocks && n < most && have[first + n] && mine - n > mem_config(MEM_REQUESTED) / BLOCK)
		n++;
	if (mem_ask(MEM_UNPLUG, region + first * BLOCK, n, NULL) != MEM_ACK) {
		refused++;
		return;
	}
	memset(have + first, 0, n);
	mine -= n;
	for (u64 i = 0; i < n; i++) {
		struct fault f = { .vector = NO_FAULT };

		guarded(read_once, (void *)(region + (first + i) * BLOCK + 8 * random(1000)), &f);
		unfaulted += f.vector != VEC_GP || f.error;
	}
}

/* On a vCPU of its own. */
static volatile u64 seen;
static void look(void *arg) { seen = *(volatile u64 *)arg; }
static void watch(void *unused)
{
	for (u64 at = 0;; at = (at + 0x1ff8) % ((blocks + !blocks) * BLOCK)) {
		seen = 0;
		guarded(look, (void *)(region + at), NULL);
		if (seen && seen != word(at / 8 % 8))
			strays++;
		looks++;
		if (looks % 64 == 0)
			delay_us(200);		/* faults are work of the host's */
	}
}

/* It may grow. */
static void look_at_size(void)
{
	u64 usable = mem_config(MEM_USABLE) / BLOCK;

	if (usable > MOST)
		usable = MOST;
	if (usable > blocks && mem_map(region + blocks * BLOCK, (usable - blocks) * BLOCK))
		blocks = usable;
}

u32 guest_main(void)
{
	u64 said = ~0UL;
	bool deaf = option("deaf");

	seed = option_num("seed", 1);
	state = seed;
	if (!mem_bring_up()) {
		print("Bail out! no virtio-mem\n");
		return VERDICT_FAIL;
	}
	region = mem_config(MEM_ADDR);
	look_at_size();
	if (smp_start() > 1)
		smp_call(nr_cpus - 1, watch, NULL);
	for (;;) {
		u64 requested = mem_config(MEM_REQUESTED) / BLOCK;

		look_at_size();
		if (!deaf && mine < requested)
			plug();
		else if (!deaf && mine > requested)
			unplug();
		else
			delay_us(2000);
		if (mine == mem_config(MEM_REQUESTED) / BLOCK && mine != said) {
			u64 before = looks;

			if (nr_cpus > 1)
				wait_until(looks - before > blocks * 2, 2000);
			print("has %lu MiB of %lu, dirty %lu, strays %lu, unfaulted %lu, refused %lu\n", 2 * mine, 2 * blocks,
			      dirty, strays, unfaulted, refused);
			said = mine;
		}
	}
}
