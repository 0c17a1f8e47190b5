// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that is given back page by page, by virtio-balloon (virtio 1.2, 5.5). Its
 * driver does what it is told, from the top of memory downwards, and looks: what
 * the host has is a fault (P9), what comes back is zero (P10). A line for each state:
 * "gave N MiB, dirty N, unfaulted N, silent N".
 *
 * Option bad: cases that break the rules instead.
 */
#include "virtio.h"

#define PAGE		4096UL
#define BLOCK		(2UL << 20)
#define F_TELL		(1UL << 0)
#define INFLATE		0
#define DEFLATE		1
#define CHUNK		256

static u32 pfn[CHUNK] __aligned(16);
static u64 top;				/* first page beyond memory, where it gives from */
static u64 given, dirty, unfaulted, silent;

static u32 num_pages(void) { return get(&device, 0, 4); }

static bool balloon_bring_up(void)
{
	return find_virtio(DEVICE_BALLOON) && bring_up(F_VERSION_1 | F_TELL);
}

/* What @from holds, in two buffers. */
static bool tell(u32 q, const void *from, u32 len)
{
	u32 first = len > 8 ? len / 8 * 4 : len;

	describe(q, 0, (u64)from, first, first < len ? DESC_NEXT : 0, 1);
	describe(q, 1, (u64)from + first, len - first, 0, 0);
	offer(q, 0);
	ring_bell(q);
	if (!wait_until(came_back(q) || status() & NEEDS_RESET, 10000) || !came_back(q))
		return false;
	used_seen[q]++;
	return true;
}

static bool tell_pages(u32 q, u64 first, u32 n)
{
	/* Not in their order. */
	for (u32 i = 0; i < n; i++)
		pfn[i] = first + (i * 7 + 3) % n;
	return tell(q, pfn, n * 4);
}

static void read_byte(void *arg) { (void)*(volatile u8 *)arg; }

/* The host takes a whole block soon after it was told of its last page. */
static bool goes(u64 at)
{
	struct fault f = { .vector = NO_FAULT };

	return wait_until(guarded(read_byte, (void *)at, &f) == VEC_GP, 5000) && !f.error;
}

static void give(u32 n)
{
	u64 first = top - given - n;

	for (u32 i = 0; i < n; i++)
		*(volatile u64 *)((first + i) * PAGE) = ~i;
	if (!tell_pages(INFLATE, first, n))
		silent++;
	given += n;
	/* Whole blocks are the host's now. */
	for (u64 p = first; p < first + n; p += 64)
		if (p / 512 * 512 >= first)
			unfaulted += !goes(p * PAGE);
}

static void take_back(u32 n)
{
	u64 first = top - given;

	if (!tell_pages(DEFLATE, first, n))
		silent++;
	given -= n;
	for (u64 a = first * PAGE; a < (first + n) * PAGE; a += 8)
		dirty += *(volatile u64 *)a && a % PAGE;	/* a block that was given in part has kept what is in it */
	for (u64 a = first * PAGE; a < (first + n) * PAGE; a += PAGE)
		*(volatile u64 *)a = a;
}

static void follow(void)
{
	u64 said = ~0UL;

	for (;;) {
		u32 want = num_pages();

		if (given < want)
			give(want - given < CHUNK ? want - given : CHUNK);
		else if (given > want)
			take_back(given - want < CHUNK ? given - want : CHUNK);
		else
			delay_us(2000);
		set(&device, 4, 4, given);
		if (given == num_pages() && given != said) {
			print("gave %lu MiB, dirty %lu, unfaulted %lu, silent %lu\n", given * PAGE >> 20, dirty, unfaulted, silent);
			said = given;
		}
	}
}

/* ---- against the rules ---- */

static void works(void)
{
	u64 first = (top / 512 - 1) * 512;

	if (!check(balloon_bring_up()))
		return;
	check(tell_pages(INFLATE, first, CHUNK));
	check_eq(guarded(read_byte, (void *)(first * PAGE), NULL), NO_FAULT);
	check(tell_pages(INFLATE, first + CHUNK, CHUNK));
	check(goes(first * PAGE));
	check(tell_pages(DEFLATE, first, 1));
	for (u64 a = first * PAGE; a < first * PAGE + BLOCK; a += 8)
		if (!check_eq(*(volatile u64 *)a, 0))
			break;
	check(tell_pages(DEFLATE, first + 1, CHUNK));
	check(tell_pages(DEFLATE, first + 1 + CHUNK, CHUNK - 1));
}

static void pages_that_are_not_ours(void)
{
	static u32 bad[] = { 0xffffffff, 0x80000000, 0xd0000, 0xfee00, 0xe0000, 0x100000, 0, 0 };

	bad[6] = top;
	bad[7] = top + 511;
	check(balloon_bring_up());
	for (u32 q = 0; q < 2; q++)
		for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
			check(tell(q, &bad[i], 4));
	works();
}

static void twice(void)
{
	u64 first = (top / 512 - 1) * 512;

	check(balloon_bring_up());
	for (u32 i = 0; i < CHUNK; i++)
		pfn[i] = first;
	check(tell(INFLATE, pfn, sizeof(pfn)));
	check(tell(INFLATE, pfn, sizeof(pfn)));
	check_eq(guarded(read_byte, (void *)(first * PAGE), NULL), NO_FAULT);
	check(tell(DEFLATE, pfn, sizeof(pfn)));
	check(tell(DEFLATE, pfn, sizeof(pfn)));
	works();
}

static void lengths_that_are_odd(void)
{
	check(balloon_bring_up());
	for (u32 i = 0; i < CHUNK; i++)
		pfn[i] = top - 1;
	for (u32 len = 1; len < 24; len++) {
		tell(INFLATE, pfn, len);
		tell(DEFLATE, (u8 *)pfn + 1, len);
		if (status() & NEEDS_RESET)
			check(balloon_bring_up());
	}
	pfn[0] = top - 1;
	check(balloon_bring_up());
	check(tell(DEFLATE, pfn, 4));
	works();
}

/* The rings that it tells by are in what it gives. */
static void rings_that_go(void)
{
	static u32 all[512];
	u64 first = (top / 512 - 1) * 512;
	struct queue *there = (void *)(first * PAGE);

	if (!check(begin(F_VERSION_1 | F_TELL)))
		return;
	memset(there, 0, sizeof(*there));
	queue_describe(INFLATE, (u64)there->desc, (u64)&there->avail, (u64)&there->used);
	set(&common, Q_ENABLE, 2, 1);
	set_status(ACK | DRIVER | FEATURES_OK | DRIVER_OK);
	for (u32 p = 0; p < 512; p++)
		all[p] = first + p;
	there->desc[0] = (struct desc){ (u64)all, sizeof(all), 0, 0 };
	there->avail.idx = 1;
	mb();
	ring_bell(INFLATE);
	check(wait_until(status() & NEEDS_RESET, 10000));
	check(goes(first * PAGE));
	if (!check(balloon_bring_up()))
		return;
	check(tell(DEFLATE, all, sizeof(all)));
	works();
}

static const struct guest_case cases[] = {
	{ "P9 works", works },
	{ "P9 pages_that_are_not_ours", pages_that_are_not_ours },
	{ "P9 twice", twice },
	{ "P9 lengths_that_are_odd", lengths_that_are_odd },
	{ "P9 rings_that_go", rings_that_go },
};

u32 guest_main(void)
{
	top = ram_top() / PAGE;
	if (!balloon_bring_up()) {
		print("Bail out! no balloon\n");
		return VERDICT_FAIL;
	}
	if (option("bad"))
		return RUN_CASES(NULL, cases);
	follow();
	return VERDICT_FAIL;
}
