// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio-mem, by a driver that breaks its rules: each request gets the answer that
 * the standard has for it (5.15.6), nothing else changes, and the device works.
 * Somebody sets the VM's memory to 64 MiB more than it was started with.
 */
#include "room.h"

static u64 region, usable;

static void read_byte(void *arg) { (void)*(volatile u8 *)arg; }
static bool is_there(u64 at) { return guarded(read_byte, (void *)at, NULL) == NO_FAULT; }

static void begins(void)
{
	if (!check(mem_bring_up()))
		return;
	region = mem_config(MEM_ADDR);
	usable = mem_config(MEM_USABLE);
	note("region %lx, %lu MiB of %lu MiB usable", region, usable >> 20, mem_config(MEM_REGION) >> 20);
	check_eq(mem_config(MEM_BLOCK_SIZE), BLOCK);
	check_eq(region % BLOCK, 0);
	check(region >= ram_top());
	check(usable <= mem_config(MEM_REGION));
	check_eq(mem_config(MEM_PLUGGED), 0);
	check(mem_map(region - BLOCK, usable + 2 * BLOCK));
	check(wait_until(mem_config(MEM_REQUESTED) == 64UL << 20, 60000));
}

/* Who has no use for the promise not to touch what is unplugged is not served. */
static void feature_is_needed(void)
{
	check(find_virtio(DEVICE_MEM));
	check(!begin(F_VERSION_1));
	check(mem_bring_up());
}

static void plug_and_unplug(void)
{
	u16 at;

	check(!is_there(region));
	check_eq(mem_ask(MEM_PLUG, region, 2, NULL), MEM_ACK);
	check_eq(mem_config(MEM_PLUGGED), 2 * BLOCK);
	check(is_there(region) && is_there(region + 2 * BLOCK - 1));
	check_fault(read_byte, region + 2 * BLOCK, VEC_GP);
	check_fault(read_byte, region - 1, VEC_GP);
	check_eq(mem_ask(MEM_STATE, region, 2, &at), MEM_ACK);
	check_eq(at, 0);
	check_eq(mem_ask(MEM_STATE, region, 3, &at), MEM_ACK);
	check_eq(at, 2);
	check_eq(mem_ask(MEM_STATE, region + 2 * BLOCK, 3, &at), MEM_ACK);
	check_eq(at, 1);
	*(volatile u64 *)region = 0x1234567890abcdef;
	check_eq(mem_ask(MEM_UNPLUG, region, 1, NULL), MEM_ACK);
	check_fault(read_byte, region, VEC_GP);
	check(is_there(region + BLOCK));
	check_eq(mem_ask(MEM_PLUG, region, 1, NULL), MEM_ACK);
	check_eq(*(volatile u64 *)region, 0);
	check_eq(mem_ask(MEM_UNPLUG_ALL, 0, 0, NULL), MEM_ACK);
	check_eq(mem_config(MEM_PLUGGED), 0);
	check_fault(read_byte, region, VEC_GP);
}

static void requests_that_are_wrong(void)
{
	const struct { u16 type; u64 addr; u16 blocks; } wrong[] = {
		{ MEM_PLUG, region, 1 }, { MEM_PLUG, region - BLOCK, 1 }, { MEM_PLUG, region - BLOCK, 2 },
		{ MEM_PLUG, region + 1, 1 }, { MEM_PLUG, region + BLOCK / 2, 1 }, { MEM_PLUG, region + 4 * BLOCK, 0 },
		{ MEM_PLUG, region + usable, 1 }, { MEM_PLUG, region + usable - BLOCK, 2 }, { MEM_PLUG, 0, 1 },
		{ MEM_PLUG, ~0UL << 21, 1 }, { MEM_PLUG, ~0UL << 21, 2 }, { MEM_PLUG, 1UL << 63, 65535 },
		{ MEM_PLUG, region + BLOCK, 65535 }, { MEM_UNPLUG, region + BLOCK, 1 }, { MEM_UNPLUG, region, 2 },
		{ MEM_UNPLUG, region, 0 }, { MEM_UNPLUG, region + 8, 1 }, { MEM_UNPLUG, 0, 1 }, { MEM_UNPLUG, 0, 65535 },
		{ MEM_UNPLUG, region + usable, 1 }, { MEM_STATE, region, 0 }, { MEM_STATE, region + usable, 1 },
		{ MEM_STATE, 0, 1 }, { MEM_STATE, region + 1, 1 }, { 4, region, 1 }, { 0xffff, region, 1 },
	};
	u16 at;

	check_eq(mem_ask(MEM_PLUG, region, 1, NULL), MEM_ACK);
	for (u32 i = 0; i < ARRAY_SIZE(wrong); i++) {
		if (!check_eq(mem_ask(wrong[i].type, wrong[i].addr, wrong[i].blocks, &at), MEM_ERROR))
			note("request %u: type %u, %lx, %u blocks", i, wrong[i].type, wrong[i].addr, wrong[i].blocks);
		check_eq(mem_config(MEM_PLUGGED), BLOCK);
	}
	check(is_there(region));
	check_eq(mem_ask(MEM_UNPLUG_ALL, 0, 0, NULL), MEM_ACK);
}

/* More than it is to have: not now. */
static void greed(void)
{
	u16 n = mem_config(MEM_REQUESTED) / BLOCK;

	check_eq(mem_ask(MEM_PLUG, region, n + 1, NULL), MEM_NACK);
	check_eq(mem_config(MEM_PLUGGED), 0);
	check(!is_there(region));
	check_eq(mem_ask(MEM_PLUG, region, n, NULL), MEM_ACK);
	check_eq(mem_ask(MEM_PLUG, region + n * BLOCK, 1, NULL), MEM_NACK);
	check_eq(mem_config(MEM_PLUGGED), n * BLOCK);
	for (u64 a = region; a < region + n * BLOCK; a += 4096)
		if (!check_eq(*(volatile u64 *)a, 0))
			break;
	check_eq(mem_ask(MEM_UNPLUG_ALL, 0, 0, NULL), MEM_ACK);
}

/* A reset of the device changes no memory (5.15.5.1). */
static void survives_reset(void)
{
	check_eq(mem_ask(MEM_PLUG, region + BLOCK, 1, NULL), MEM_ACK);
	*(volatile u64 *)(region + BLOCK) = 4711;
	check(mem_bring_up());
	check_eq(mem_config(MEM_PLUGGED), BLOCK);
	check_eq(*(volatile u64 *)(region + BLOCK), 4711);
	check_eq(mem_ask(MEM_UNPLUG, region + BLOCK, 1, NULL), MEM_ACK);
}

/* Its own buffers and rings in what it gives away. */
static void buffers_that_go(void)
{
	struct mem_request *request = (void *)(region + 64);
	volatile struct mem_answer *answer = (void *)(region + 256);

	check_eq(mem_ask(MEM_PLUG, region, 1, NULL), MEM_ACK);
	*request = (struct mem_request){ .type = MEM_STATE, .addr = region, .blocks = 1 };
	check_eq(mem_ask_at((u64)request, (u64)answer), 0);
	check_eq(answer->type, MEM_ACK);
	*request = (struct mem_request){ .type = MEM_UNPLUG, .addr = region, .blocks = 1 };
	mem_ask_at((u64)request, (u64)answer);
	check(mem_bring_up());
	check_eq(mem_config(MEM_PLUGGED), 0);
	check_fault(read_byte, region, VEC_GP);
}

static void rings_that_go(void)
{
	static struct mem_request request __aligned(16);
	static struct mem_answer answer __aligned(16);
	struct queue *there = (void *)region;

	check_eq(mem_ask(MEM_PLUG, region, 1, NULL), MEM_ACK);
	if (!check(begin(F_VERSION_1 | F_INACCESSIBLE)))
		return;
	memset(there, 0, sizeof(*there));
	queue_describe(0, (u64)there->desc, (u64)&there->avail, (u64)&there->used);
	set(&common, Q_ENABLE, 2, 1);
	set_status(ACK | DRIVER | FEATURES_OK | DRIVER_OK);
	request = (struct mem_request){ .type = MEM_UNPLUG, .addr = region, .blocks = 1 };
	there->desc[0] = (struct desc){ (u64)&request, sizeof(request), DESC_NEXT, 1 };
	there->desc[1] = (struct desc){ (u64)&answer, 10, DESC_WRITE, 0 };
	there->avail.idx = 1;
	mb();
	ring_bell(0);
	check(wait_until(status() & NEEDS_RESET, 10000));
	check_fault(read_byte, region, VEC_GP);
	check(mem_bring_up());
	check_eq(mem_config(MEM_PLUGGED), 0);
	check_eq(mem_ask(MEM_PLUG, region, 1, NULL), MEM_ACK);
	check_eq(mem_ask(MEM_UNPLUG, region, 1, NULL), MEM_ACK);
}

static u8 small[64] __aligned(16);

static void chains_that_are_wrong(void)
{
	const struct { const char *name; struct desc d[2]; } wrong[] = {
		{ "short request", { { (u64)small, 8, DESC_NEXT, 1 }, { (u64)small + 32, 10, DESC_WRITE, 0 } } },
		{ "short answer", { { (u64)small, 24, DESC_NEXT, 1 }, { (u64)small + 32, 4, DESC_WRITE, 0 } } },
		{ "no answer", { { (u64)small, 24, 0, 0 } } },
		{ "no request", { { (u64)small, 24, DESC_WRITE, 0 } } },
		{ "loop", { { (u64)small, 24, DESC_NEXT, 1 }, { (u64)small, 24, DESC_NEXT, 0 } } },
		{ "wraps", { { ~0UL - 7, 24, DESC_NEXT, 1 }, { (u64)small, 10, DESC_WRITE, 0 } } },
		{ "not there", { { region, 24, DESC_NEXT, 1 }, { (u64)small, 10, DESC_WRITE, 0 } } },
		{ "4 GiB", { { (u64)small, 0xffffffff, DESC_NEXT, 1 }, { (u64)small, 10, DESC_WRITE, 0 } } },
	};
	u16 at;

	for (u32 i = 0; i < ARRAY_SIZE(wrong); i++) {
		memset(small, 0, sizeof(small));
		if (!check(mem_bring_up()))
			return;
		memcpy(queue[0].desc, wrong[i].d, sizeof(wrong[i].d));
		offer(0, 0);
		ring_bell(0);
		if (!check(wait_until(came_back(0) || status() & NEEDS_RESET, 10000)))
			note("%s", wrong[i].name);
		check_eq(mem_config(MEM_PLUGGED), 0);
	}
	check(mem_bring_up());
	queue[0].avail.idx = 0x8000;
	mb();
	ring_bell(0);
	check(wait_until(status() & NEEDS_RESET, 10000));
	check(mem_bring_up());
	check_eq(mem_ask(MEM_STATE, region, 1, &at), MEM_ACK);
}

/* As fast as it can: the host gives it its part of a CPU for it, and the VM goes on. */
static void storm(void)
{
	u32 n = 0;

	for (u64 end = rdtsc() + 2000 * tsc_khz(); rdtsc() < end; n++) {
		if (!check_eq(mem_ask(MEM_PLUG, region + n % 4 * BLOCK, 1, NULL), MEM_ACK) ||
		    !check_eq(mem_ask(MEM_UNPLUG, region + n % 4 * BLOCK, 1, NULL), MEM_ACK))
			return;
	}
	note("%u times in 2 s", n);
}

static const struct guest_case cases[] = {
	{ "P11 begins", begins },
	{ "P9 feature_is_needed", feature_is_needed },
	{ "P10 plug_and_unplug", plug_and_unplug },
	{ "P9 requests_that_are_wrong", requests_that_are_wrong },
	{ "P11 greed", greed },
	{ "P11 survives_reset", survives_reset },
	{ "P9 buffers_that_go", buffers_that_go },
	{ "P9 rings_that_go", rings_that_go },
	{ "P9 chains_that_are_wrong", chains_that_are_wrong },
	{ "P6 storm", storm },
};

u32 guest_main(void) { return RUN_CASES(NULL, cases); }
