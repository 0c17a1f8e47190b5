// SPDX-License-Identifier: GPL-2.0-only
/* The balloon between a driver, by the book and not, and a layer above that has memory or has none. */
/* sources: kmod/dev/virtio_mem.c kmod/dev/virtio_balloon.c kmod/dev/virtio_pci.c kmod/dev/virtqueue.c
 * kmod/dev/pci.c kmod/dev/pci_function.c kmod/dev/msix.c selftests/unit/fake_space.c
 * selftests/unit/fake_ring.c selftests/unit/fake_irq.c selftests/unit/fake_virtio.c selftests/unit/fake_room.c */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/time64.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_pci.h>
#include <asm/unaligned.h>

#include "fake_irq.h"
#include "fake_room.h"
#include "fake_space.h"

#define BLOCK		FAKE_ROOM_BLOCK
#define PER_BLOCK	512U		/* pages */
#define LOW_BLOCKS	400U		/* the first eight are RAM of the fake space, too */
#define HIGH_BLOCKS	100U
#define HIGH_PFN	(IVM_MEMORY_HIGH_BASE >> 12)
#define PFNS		FAKE_ROOM_DATA
#define STATS		(FAKE_ROOM_DATA + 0x10000)
#define CONFIG		0x80
#define FEATURES	(IVM_VIRTIO_F_VERSION_1 | IVM_VIRTIO_F_EVENT_IDX | IVM_VIRTIO_F_INDIRECT_DESC | \
			 1ULL << VIRTIO_BALLOON_F_MUST_TELL_HOST | 1ULL << VIRTIO_BALLOON_F_STATS_VQ)

enum { INFLATE, DEFLATE, STAT, QUEUES };

FIXTURE(balloon)
{
	struct fake_room room;
	struct ivm_virtio_balloon *balloon;
	struct ivm_virtio_balloon_info info;
	u32 pfn[4096];
};

static struct ivm_virtio_balloon *create(struct fake_room *room, u64 low, u64 high)
{
	struct ivm_virtio_room_params params = fake_room_params(room);

	return ivm_virtio_balloon_create(&params, low, high, &fake_room_ops, room);
}

static void start(struct fake_room *room)
{
	fake_virtio_start(&room->d, FEATURES);
}

FIXTURE_SETUP(balloon)
{
	unsigned int i;

	fake_room_create(&self->room, LOW_BLOCKS * BLOCK);
	for (i = 0; i < HIGH_BLOCKS; i++)
		fake_room_set(&self->room, IVM_MEMORY_HIGH_BASE + i * BLOCK, true);
	self->balloon = create(&self->room, LOW_BLOCKS * BLOCK, HIGH_BLOCKS * BLOCK);
	ASSERT_FALSE(IS_ERR(self->balloon));
	self->room.balloon = self->balloon;
	self->room.d.nr_queues = QUEUES;
	start(&self->room);
	fake_room_work(&self->room);
	fake_irq_take_all();
}

FIXTURE_TEARDOWN(balloon)
{
	ivm_virtio_balloon_destroy(self->balloon);
	fake_room_destroy(&self->room);
	EXPECT_EQ(0, shim_alloc_live());
	EXPECT_EQ(0, shim_printed());
}

#define info()	(ivm_virtio_balloon_info(self->balloon, &self->info), &self->info)
#define there(block)	fake_room_there(&self->room, (block) * BLOCK)

static bool taken(struct _test_data_balloon *self, unsigned int queue)
{
	u32 id, len;

	if (!fake_ring_take(&self->room.d.ring[queue], &id, &len))
		return false;
	BUG_ON(len);
	return true;
}

/* Offers the first @nr of pfn[], in pieces of @cut bytes. */
static void offer(struct _test_data_balloon *self, unsigned int queue, unsigned int nr, u32 cut, u64 gpa)
{
	struct fake_ring *ring = &self->room.d.ring[queue];
	u32 at, len = 4 * nr, n;
	unsigned int i = 0;

	memcpy(fake_space_at(ring->space, gpa), self->pfn, len);
	for (at = 0; at < len; at += n, i++) {
		n = min(cut, len - at);
		fake_ring_desc(ring->space, PFNS - 0x1000, i, gpa + at, n, at + n < len ? FAKE_DESC_NEXT : 0, i + 1);
	}
	fake_ring_desc(ring->space, ring->desc, 0, PFNS - 0x1000, 16 * i, FAKE_DESC_INDIRECT, 0);
	fake_ring_offer(ring, 0);
	fake_virtio_ring_bell(&self->room.d, queue);
}

/* Pages from @pfn on, as Linux tells of them: 256 at a time. */
static void tell(struct _test_data_balloon *self, unsigned int queue, u32 pfn, unsigned int nr)
{
	unsigned int i, n;

	for (; nr; nr -= n) {
		n = min(nr, 256U);
		for (i = 0; i < n; i++)
			self->pfn[i] = pfn++;
		offer(self, queue, n, 4096, PFNS);
		fake_room_work(&self->room);
		BUG_ON(!taken(self, queue));
	}
}

#define give(pfn, nr)	tell(self, INFLATE, pfn, nr)
#define take(pfn, nr)	tell(self, DEFLATE, pfn, nr)
#define page(block)	((block) * PER_BLOCK)

/* ---- what it looks like ---- */

TEST_F(balloon, configuration)
{
	struct fake_virtio *d = &self->room.d;

	EXPECT_EQ(0x10451af4, fake_virtio_config(d, 0, 4));
	EXPECT_EQ(0, fake_virtio_get(d, CONFIG, 4));
	ivm_virtio_balloon_set(self->balloon, 3 * BLOCK + 4096);
	EXPECT_EQ(1, fake_virtio_irqs(0));
	EXPECT_EQ(3 * PER_BLOCK + 1, fake_virtio_get(d, CONFIG, 4));
	ivm_virtio_balloon_set(self->balloon, 3 * BLOCK + 4096 + 100);
	EXPECT_EQ(0, fake_irq_take_all());
	ivm_virtio_balloon_set(self->balloon, ~0ULL);
	EXPECT_EQ((LOW_BLOCKS + HIGH_BLOCKS) * PER_BLOCK, fake_virtio_get(d, CONFIG, 4));
	/* The driver says what it gave; no more is its to write. */
	fake_virtio_set(d, CONFIG + 4, 4, 0x12345678);
	EXPECT_EQ(0x12345678, fake_virtio_get(d, CONFIG + 4, 4));
	fake_virtio_set(d, CONFIG + 6, 1, 0xff);
	EXPECT_EQ(0x12ff5678, fake_virtio_get(d, CONFIG + 4, 4));
	fake_virtio_set(d, CONFIG + 2, 4, 0xaaaabbbb);
	EXPECT_EQ(0x12ffaaaa, fake_virtio_get(d, CONFIG + 4, 4));
	fake_virtio_set(d, CONFIG, 4, 0);
	EXPECT_EQ((LOW_BLOCKS + HIGH_BLOCKS) * PER_BLOCK, fake_virtio_get(d, CONFIG, 4));
	EXPECT_EQ(0, fake_virtio_get(d, CONFIG + 8, 4));
	fake_virtio_set(d, CONFIG + 6, 4, ~0U);
	EXPECT_EQ(0x12ffaaaa, fake_virtio_get(d, CONFIG + 4, 4));
	start(&self->room);
	EXPECT_EQ(0, fake_virtio_get(d, CONFIG + 4, 4));
}

/* ---- pages ---- */

TEST_F(balloon, a_block_goes_with_its_last_page)
{
	give(page(5) + 1, PER_BLOCK - 1);
	EXPECT_EQ(0, self->room.calls);
	EXPECT_EQ((PER_BLOCK - 1) * 4096, info()->given);
	EXPECT_EQ(0, info()->released);
	give(page(5), 1);
	ASSERT_EQ(1, self->room.calls);
	EXPECT_FALSE(there(5));
	EXPECT_EQ(BLOCK, info()->given);
	EXPECT_EQ(BLOCK, info()->released);
	EXPECT_EQ(0, info()->bad);
	EXPECT_TRUE(info()->driver);
}

TEST_F(balloon, a_page_that_is_taken_back_brings_its_block)
{
	give(page(5), PER_BLOCK);
	ASSERT_FALSE(there(5));
	take(page(5) + 77, 1);
	EXPECT_TRUE(there(5));
	EXPECT_EQ(BLOCK - 4096, info()->given);
	EXPECT_EQ(0, info()->released);
	take(page(5) + 78, 10);
	EXPECT_EQ(2, self->room.calls);
	give(page(5) + 77, 11);
	EXPECT_FALSE(there(5));
	take(page(5), PER_BLOCK);
	EXPECT_TRUE(there(5));
	EXPECT_EQ(0, info()->given);
	EXPECT_EQ(4, self->room.calls);
	EXPECT_EQ(0, info()->bad);
	EXPECT_EQ(0, info()->denied);
}

static void not_yet(struct fake_room *room)
{
	u64 used = room->d.ring[DEFLATE].used;

	BUG_ON(fake_ring_get(room->d.space, used + 2, 2) != room->d.ring[DEFLATE].used_idx);
}

TEST_F(balloon, the_block_is_there_before_the_answer)
{
	give(page(5), PER_BLOCK);
	self->room.during = not_yet;
	take(page(5), PER_BLOCK);
	EXPECT_TRUE(there(5));
}

TEST_F(balloon, pages_that_it_does_not_have)
{
	static const u64 bad[] = {
		page(LOW_BLOCKS), 0xc0000, HIGH_PFN - 1, HIGH_PFN + page(HIGH_BLOCKS), ~0U, 0x80000000, 0x7fffffff,
		HIGH_PFN + page(LOW_BLOCKS + HIGH_BLOCKS),
	};
	unsigned int i, q;

	for (q = INFLATE; q <= DEFLATE; q++)
		for (i = 0; i < ARRAY_SIZE(bad); i++)
			tell(self, q, bad[i], 1);
	EXPECT_EQ(2 * ARRAY_SIZE(bad), info()->bad);
	EXPECT_EQ(0, info()->given);
	give(page(LOW_BLOCKS) - 1, 1);
	give(HIGH_PFN, 1);
	give(HIGH_PFN + page(HIGH_BLOCKS) - 1, 1);
	give(0, 1);
	EXPECT_EQ(4 * 4096, info()->given);
	EXPECT_EQ(2 * ARRAY_SIZE(bad), info()->bad);
}

TEST_F(balloon, pages_given_and_taken_twice)
{
	give(page(7), 10);
	give(page(7) + 5, 10);
	EXPECT_EQ(5, info()->bad);
	EXPECT_EQ(15 * 4096, info()->given);
	take(page(7) + 10, 10);
	EXPECT_EQ(10, info()->bad);
	EXPECT_EQ(10 * 4096, info()->given);
	give(page(6), PER_BLOCK);
	give(page(6), PER_BLOCK);		/* they are the host's now */
	EXPECT_EQ(10 + PER_BLOCK, info()->bad);
	EXPECT_EQ(1, self->room.calls);
	self->pfn[0] = page(8);
	self->pfn[1] = page(8);
	offer(self, INFLATE, 2, 4096, PFNS);
	fake_room_work(&self->room);
	EXPECT_EQ(11 + PER_BLOCK, info()->bad);
}

/* 4096 numbers are 16 KiB: pieces of odd lengths at odd addresses, numbers torn between them. */
TEST_F(balloon, long_arrays_in_odd_pieces)
{
	unsigned int i, calls;

	for (i = 0; i < 4096; i++)
		self->pfn[i] = page(8) + (i * 1001) % 4096;
	offer(self, INFLATE, 4096, 333, PFNS + 3);
	calls = fake_room_work(&self->room);
	EXPECT_LT(4096 / 256, calls);
	EXPECT_TRUE(taken(self, INFLATE));
	EXPECT_FALSE(taken(self, INFLATE));
	EXPECT_EQ(8 * BLOCK, info()->given);
	EXPECT_EQ(8 * BLOCK, info()->released);
	EXPECT_EQ(0, info()->bad);
	offer(self, DEFLATE, 4096, 259, PFNS + 1);
	fake_room_work(&self->room);
	EXPECT_TRUE(taken(self, DEFLATE));
	EXPECT_EQ(0, info()->given);
	EXPECT_EQ(0, info()->bad);
	for (i = 8; i < 16; i++)
		EXPECT_TRUE(there(i));
}

TEST_F(balloon, each_length)
{
	struct fake_ring *ring = &self->room.d.ring[INFLATE];
	unsigned int len;
	u64 want = 0;

	for (len = 1; len < 40; len++) {
		self->pfn[0] = page(9) + 10 * len;
		self->pfn[1] = self->pfn[0] + 1;
		memcpy(fake_space_at(ring->space, PFNS), self->pfn, 8);
		memset(fake_space_at(ring->space, PFNS + 8), 0xff, 40);
		fake_ring_desc(ring->space, ring->desc, 1, PFNS, len, 0, 0);
		fake_ring_offer(ring, 1);
		fake_room_work(&self->room);
		ASSERT_TRUE(taken(self, INFLATE));
		want += min(len / 4, 2U);
	}
	EXPECT_EQ(want * 4096, info()->given);
	/* Nothing to be read at all. */
	fake_ring_desc(ring->space, ring->desc, 1, PFNS, 100, FAKE_DESC_WRITE, 0);
	fake_ring_offer(ring, 1);
	fake_room_work(&self->room);
	ASSERT_TRUE(taken(self, INFLATE));
	EXPECT_EQ(want * 4096, info()->given);
	for (len = 256; len <= 768; len += 256) {
		memset(self->pfn, 0xff, sizeof(self->pfn));
		offer(self, INFLATE, len, 4096, PFNS);
		fake_room_work(&self->room);
		ASSERT_TRUE(taken(self, INFLATE));
	}
	EXPECT_EQ(want * 4096, info()->given);
}

/* ---- blocks ---- */

TEST_F(balloon, neighbours_go_together)
{
	unsigned int i, b;

	/* Each block lacks its last page, and then all get them at once. */
	for (b = 10; b < 50; b++)
		give(page(b), PER_BLOCK - 1);
	EXPECT_EQ(0, self->room.calls);
	for (i = 0; i < 40; i++)
		self->pfn[i] = page(49 - i) + PER_BLOCK - 1;
	offer(self, INFLATE, 40, 4096, PFNS);
	fake_room_work(&self->room);
	ASSERT_EQ(2, self->room.calls);
	EXPECT_EQ(32, self->room.call[0].blocks);
	EXPECT_EQ(10 * BLOCK, self->room.call[0].gpa);
	EXPECT_EQ(8, self->room.call[1].blocks);
	EXPECT_EQ(40 * BLOCK, info()->released);
}

TEST_F(balloon, low_and_high_memory_are_no_neighbours)
{
	give(page(LOW_BLOCKS - 1), PER_BLOCK - 1);
	give(HIGH_PFN, PER_BLOCK - 1);
	self->pfn[0] = HIGH_PFN + PER_BLOCK - 1;
	self->pfn[1] = page(LOW_BLOCKS) - 1;
	offer(self, INFLATE, 2, 4096, PFNS);
	fake_room_work(&self->room);
	ASSERT_EQ(2, self->room.calls);
	EXPECT_EQ((LOW_BLOCKS - 1) * BLOCK, self->room.call[0].gpa);
	EXPECT_EQ(1, self->room.call[0].blocks);
	EXPECT_EQ(IVM_MEMORY_HIGH_BASE, self->room.call[1].gpa);
	take(HIGH_PFN + 3, 1);
	EXPECT_EQ(IVM_MEMORY_HIGH_BASE, self->room.call[2].gpa);
}

TEST_F(balloon, a_page_taken_before_its_block_went)
{
	self->room.unplug_fails = -ENOMEM;
	give(page(20), PER_BLOCK);
	EXPECT_TRUE(there(20));
	take(page(20) + 5, 1);
	self->room.unplug_fails = 0;
	give(page(21), PER_BLOCK);
	EXPECT_TRUE(there(20));
	EXPECT_FALSE(there(21));
}

TEST_F(balloon, an_unplug_that_fails_is_tried_again)
{
	self->room.unplug_fails = -ENOMEM;
	give(page(20), 2 * PER_BLOCK);
	EXPECT_TRUE(there(20) && there(21));
	EXPECT_EQ(0, info()->released);
	EXPECT_EQ(2 * BLOCK, info()->given);
	/* Not for each page. */
	self->room.calls = 0;
	give(page(23), 2);
	EXPECT_EQ(0, self->room.calls);
	self->room.unplug_fails = 0;
	give(page(25), PER_BLOCK);
	EXPECT_FALSE(there(20) || there(21) || there(25));
	EXPECT_EQ(3 * BLOCK, info()->released);
}

TEST_F(balloon, one_that_fails_does_not_hold_up_others)
{
	give(page(20), PER_BLOCK - 1);
	give(page(30), PER_BLOCK - 1);
	self->pfn[0] = page(21) - 1;
	self->pfn[1] = page(31) - 1;
	self->room.unplug_fails = -ENOMEM;
	offer(self, INFLATE, 2, 4096, PFNS);
	EXPECT_TRUE(ivm_virtio_balloon_work(self->balloon));
	self->room.unplug_fails = 0;
	fake_room_work(&self->room);
	EXPECT_TRUE(there(20));
	EXPECT_FALSE(there(30));
}

TEST_F(balloon, a_plug_that_fails)
{
	give(page(20), PER_BLOCK);
	self->room.plug_fails = -ENOMEM;
	take(page(20), 3);
	EXPECT_EQ(3, info()->denied);
	EXPECT_EQ(BLOCK, info()->given);
	EXPECT_EQ(BLOCK, info()->released);
	self->room.plug_fails = 0;
	take(page(20), 3);
	EXPECT_EQ(3, info()->denied);
	EXPECT_EQ(0, info()->released);
	EXPECT_TRUE(there(20));
}

/* One page of each of many blocks: the work is done in slices, and the answer comes at the end. */
TEST_F(balloon, many_blocks_are_brought_back_in_slices)
{
	unsigned int b, before;

	give(page(100), 100 * PER_BLOCK);
	EXPECT_EQ(100 * BLOCK, info()->released);
	for (b = 0; b < 100; b++)
		self->pfn[b] = page(100 + b) + b;
	before = self->room.calls;
	offer(self, DEFLATE, 100, 4096, PFNS);
	EXPECT_TRUE(ivm_virtio_balloon_work(self->balloon));
	EXPECT_EQ(32, self->room.calls - before);
	EXPECT_FALSE(taken(self, DEFLATE));
	fake_room_work(&self->room);
	EXPECT_TRUE(taken(self, DEFLATE));
	EXPECT_EQ(100, self->room.calls - before);
	EXPECT_EQ(0, info()->released);
	EXPECT_EQ(0, info()->bad);
}

/* ---- memory that goes from under the device ---- */

TEST_F(balloon, the_numbers_lie_in_a_block_that_goes)
{
	unsigned int i;

	for (i = 0; i < 3 * PER_BLOCK; i++)
		self->pfn[i] = page(3) + i;
	offer(self, INFLATE, 3 * PER_BLOCK, 4096, 3 * BLOCK);
	fake_room_work(&self->room);
	EXPECT_FALSE(there(3));
	EXPECT_TRUE(there(4));
	EXPECT_EQ(1, info()->broken);
	EXPECT_EQ(0x4f, fake_virtio_get(&self->room.d, VIRTIO_PCI_COMMON_STATUS, 1));
}

TEST_F(balloon, its_rings_go)
{
	give(page(1), PER_BLOCK - 1);
	self->pfn[0] = page(2) - 1;
	offer(self, INFLATE, 1, 4096, PFNS);
	fake_room_work(&self->room);
	EXPECT_TRUE(taken(self, INFLATE));
	give(page(0), PER_BLOCK - 1);
	self->pfn[0] = page(1) - 1;
	self->room.deferred = 0;
	offer(self, INFLATE, 1, 4096, PFNS);
	fake_room_work(&self->room);
	EXPECT_FALSE(there(0));
	EXPECT_EQ(1, info()->broken);
	EXPECT_FALSE(info()->driver);
	EXPECT_LT(1, self->room.deferred);
	shim_clock_advance(2 * NSEC_PER_SEC);
	EXPECT_FALSE(info()->has_stats);
	/* Its driver cannot come back: its memory is gone. The one that begins anew gets all. */
	fake_virtio_set(&self->room.d, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	fake_room_work(&self->room);
	EXPECT_TRUE(there(0) && there(1));
	EXPECT_EQ(0, info()->given);
	start(&self->room);
	give(page(1), PER_BLOCK);
	EXPECT_FALSE(there(1));
	EXPECT_EQ(1, info()->broken);
}

/* ---- drivers that come and go ---- */

TEST_F(balloon, a_driver_that_comes_anew_has_given_nothing)
{
	give(page(20), 70 * PER_BLOCK);
	give(page(95), 10);
	EXPECT_EQ(70 * BLOCK, info()->released);
	self->room.deferred = 0;
	fake_virtio_set(&self->room.d, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	EXPECT_EQ(1, self->room.deferred);
	self->room.calls = 0;
	fake_room_work(&self->room);
	EXPECT_EQ(3, self->room.calls);		/* in slices */
	EXPECT_EQ(0, info()->released);
	EXPECT_EQ(0, info()->given);
	EXPECT_TRUE(there(20) && there(89));
	start(&self->room);
	give(page(20), 10);
	EXPECT_EQ(10 * 4096, info()->given);
	EXPECT_EQ(0, info()->bad);
	take(page(95), 10);
	EXPECT_EQ(10, info()->bad);
}

TEST_F(balloon, what_cannot_be_brought_back_at_once)
{
	give(page(20), PER_BLOCK);
	self->room.plug_fails = -ENOMEM;
	start(&self->room);
	fake_room_work(&self->room);
	EXPECT_EQ(BLOCK, info()->released);
	EXPECT_EQ(BLOCK, info()->given);
	/* The new one did not give it. */
	give(page(20), 1);
	take(page(20), 1);
	EXPECT_EQ(2, info()->bad);
	EXPECT_EQ(0, info()->denied);
	give(page(22), PER_BLOCK);
	EXPECT_EQ(2 * BLOCK, info()->released);
	self->room.plug_fails = 0;
	fake_room_work(&self->room);
	EXPECT_TRUE(there(20));
	EXPECT_FALSE(there(22));
	EXPECT_EQ(BLOCK, info()->released);
	EXPECT_EQ(BLOCK, info()->given);
}

static void change_driver(struct fake_room *room)
{
	start(room);
	room->during = NULL;
}

static void reset_driver(struct fake_room *room)
{
	fake_virtio_set(&room->d, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	room->during = NULL;
}

TEST_F(balloon, a_reset_comes_meanwhile)
{
	void (*how[])(struct fake_room *room) = { change_driver, reset_driver };
	unsigned int i, b;

	for (i = 0; i < 2; i++) {
		give(page(20), 40 * PER_BLOCK);
		for (b = 0; b < 40; b++)
			self->pfn[b] = page(20 + b);
		offer(self, DEFLATE, 40, 4096, PFNS);
		self->room.during = how[i];
		fake_room_work(&self->room);
		EXPECT_EQ(0, info()->given);
		EXPECT_EQ(0, info()->released);
		EXPECT_EQ(0, info()->bad);
		start(&self->room);
		EXPECT_FALSE(taken(self, DEFLATE));

		/* Likewise an unplug. */
		for (b = 0; b < PER_BLOCK; b++)
			self->pfn[b] = page(20) + b;
		offer(self, INFLATE, PER_BLOCK, 4096, PFNS);
		self->room.during = how[i];
		fake_room_work(&self->room);
		EXPECT_EQ(0, info()->given);
		EXPECT_TRUE(there(20));
		start(&self->room);
	}
}

TEST_F(balloon, an_array_of_a_driver_that_is_gone)
{
	unsigned int i, q;

	for (i = 0; i < PER_BLOCK; i++)
		self->pfn[i] = page(20) + i;
	give(page(20), PER_BLOCK - 1);
	for (q = INFLATE; q <= DEFLATE; q++) {
		offer(self, q, PER_BLOCK, 4096, PFNS);
		EXPECT_TRUE(ivm_virtio_balloon_work(self->balloon));
		start(&self->room);
		give(page(30), 10);
		EXPECT_FALSE(taken(self, INFLATE));
		EXPECT_EQ(10 * 4096, info()->given);
		take(page(30), 10);
		EXPECT_FALSE(taken(self, DEFLATE));
		EXPECT_EQ(0, info()->given);
	}
}

/* Two blocks are whole, one is unplugged; when its driver takes a page of it back, the other one is still there. */
TEST_F(balloon, no_block_goes_after_a_reset)
{
	give(page(20), PER_BLOCK - 1);
	give(page(22), PER_BLOCK - 1);
	self->pfn[0] = page(21) - 1;
	self->pfn[1] = page(23) - 1;
	offer(self, INFLATE, 2, 4096, PFNS);
	EXPECT_TRUE(ivm_virtio_balloon_work(self->balloon));
	ASSERT_TRUE(!there(20) && there(22));
	offer(self, DEFLATE, 1, 4096, PFNS);
	self->room.during = reset_driver;
	ivm_virtio_balloon_work(self->balloon);
	EXPECT_TRUE(there(22));
	fake_room_work(&self->room);
	EXPECT_TRUE(there(20) && there(22));
}

/* A block that one driver left whole, and the next does not know of. */
TEST_F(balloon, no_block_goes_for_a_driver_that_is_gone)
{
	self->room.unplug_fails = -ENOMEM;
	give(page(20), PER_BLOCK);
	self->room.unplug_fails = 0;
	start(&self->room);
	give(page(21), PER_BLOCK);
	EXPECT_TRUE(there(20));
	EXPECT_FALSE(there(21));
}

TEST_F(balloon, a_reset_of_the_machine)
{
	unsigned int b;

	give(page(20), 3 * PER_BLOCK + 9);
	for (b = 20; b < 23; b++)
		fake_room_set(&self->room, b * BLOCK, true);
	ivm_virtio_balloon_reset(self->balloon);
	self->room.calls = 0;
	fake_room_work(&self->room);
	EXPECT_EQ(0, self->room.calls);
	EXPECT_EQ(0, info()->given);
	EXPECT_EQ(0, info()->released);
	EXPECT_FALSE(info()->driver);
	start(&self->room);
	give(page(20), PER_BLOCK);
	EXPECT_FALSE(there(20));
	EXPECT_EQ(0, info()->bad);
}

TEST_F(balloon, doorbells_and_interrupts)
{
	unsigned int i;

	for (i = 0; i < 40; i++) {
		EXPECT_EQ(i, fake_ring_wanted(&self->room.d.ring[INFLATE]));
		fake_ring_want(&self->room.d.ring[INFLATE], i);
		give(page(9) + i, 1);
	}
	EXPECT_EQ(40, fake_virtio_irqs(1 + INFLATE));
	EXPECT_EQ(0, fake_irq_take_all());
}

/* ---- statistics ---- */

struct stat {
	u16 tag;
	u64 val;
};

static void offer_stats(struct _test_data_balloon *self, const struct stat *stat, unsigned int nr, unsigned int head)
{
	struct fake_ring *ring = &self->room.d.ring[STAT];
	u8 *to = fake_space_at(ring->space, STATS + 1);
	unsigned int i;

	for (i = 0; i < nr; i++) {
		put_unaligned_le16(stat[i].tag, to + 10 * i);
		memcpy(to + 10 * i + 2, &stat[i].val, 8);
	}
	fake_ring_desc(ring->space, ring->desc, head, STATS + 1, 10 * nr + !nr, 0, 0);
	fake_ring_offer(ring, head);
	fake_virtio_ring_bell(&self->room.d, STAT);
	fake_room_work(&self->room);
}

static const struct stat some_stats[] = {
	{ VIRTIO_BALLOON_S_SWAP_IN, 1 }, { VIRTIO_BALLOON_S_MEMTOT, 0x123456789000 }, { 0xffff, 2 },
	{ VIRTIO_BALLOON_S_AVAIL, 0x5000 }, { VIRTIO_BALLOON_S_MEMFREE, 0x4000 }, { VIRTIO_BALLOON_S_CACHES, 3 },
};

TEST_F(balloon, statistics)
{
	u64 then = shim_clock_now();

	EXPECT_FALSE(info()->has_stats);
	EXPECT_EQ(~0ULL, info()->total);
	offer_stats(self, some_stats, ARRAY_SIZE(some_stats), 4);
	shim_clock_advance(NSEC_PER_SEC - 1);
	ASSERT_TRUE(info()->has_stats);
	EXPECT_EQ(0x123456789000, self->info.total);
	EXPECT_EQ(0x5000, self->info.available);
	EXPECT_EQ(0x4000, self->info.free);
	EXPECT_EQ(then, self->info.stats_ns);
	EXPECT_FALSE(taken(self, STAT));
	/* A second later it is asked for others, once. */
	shim_clock_advance(1);
	EXPECT_TRUE(info()->has_stats);
	EXPECT_TRUE(taken(self, STAT));
	EXPECT_EQ(1, fake_virtio_irqs(1 + STAT));
	EXPECT_EQ(0x5000, info()->available);
	EXPECT_FALSE(taken(self, STAT));
	EXPECT_EQ(1, fake_ring_wanted(&self->room.d.ring[STAT]));
	offer_stats(self, some_stats + 1, 1, 5);
	EXPECT_EQ(0x123456789000, info()->total);
	EXPECT_EQ(~0ULL, info()->available);
	EXPECT_EQ(~0ULL, info()->free);
	EXPECT_EQ(then + NSEC_PER_SEC, self->info.stats_ns);
}

TEST_F(balloon, statistics_that_say_nothing)
{
	offer_stats(self, NULL, 0, 0);
	EXPECT_FALSE(info()->has_stats);
	EXPECT_FALSE(taken(self, STAT));
	shim_clock_advance(NSEC_PER_SEC);
	EXPECT_FALSE(info()->has_stats);
	EXPECT_TRUE(taken(self, STAT));
}

TEST_F(balloon, statistics_without_end)
{
	struct stat many[400];
	unsigned int i;

	for (i = 0; i < 400; i++)
		many[i] = (struct stat){ VIRTIO_BALLOON_S_MEMFREE, i };
	offer_stats(self, many, 400, 0);
	EXPECT_EQ(63, info()->free);
	/* A second buffer waits its turn. */
	offer_stats(self, some_stats, 6, 1);
	EXPECT_EQ(63, info()->free);
	shim_clock_advance(NSEC_PER_SEC);
	EXPECT_EQ(63, info()->free);
	EXPECT_TRUE(taken(self, STAT));
	fake_room_work(&self->room);
	EXPECT_EQ(0x4000, info()->free);
}

TEST_F(balloon, statistics_of_a_driver_that_is_gone)
{
	offer_stats(self, some_stats, 6, 0);
	start(&self->room);
	offer_stats(self, some_stats, 6, 0);
	EXPECT_TRUE(info()->has_stats);
	shim_clock_advance(2 * NSEC_PER_SEC);
	fake_virtio_set(&self->room.d, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	EXPECT_FALSE(info()->has_stats);
	EXPECT_EQ(~0ULL, info()->free);
	start(&self->room);
	EXPECT_FALSE(info()->has_stats);
	EXPECT_FALSE(taken(self, STAT));
	offer_stats(self, some_stats, 6, 0);
	EXPECT_TRUE(info()->has_stats);
	/* Not negotiated: there is no such queue. */
	fake_virtio_start(&self->room.d, FEATURES & ~(1ULL << VIRTIO_BALLOON_F_STATS_VQ));
	offer_stats(self, some_stats, 6, 0);
	EXPECT_FALSE(info()->has_stats);
}

TEST_F(balloon, a_broken_ring)
{
	unsigned int q;

	for (q = INFLATE; q < QUEUES; q++) {
		fake_ring_offer(&self->room.d.ring[q], 99);
		fake_virtio_ring_bell(&self->room.d, q);
		fake_room_work(&self->room);
		EXPECT_EQ(1 + q, info()->broken);
		EXPECT_FALSE(info()->driver);
		start(&self->room);
		EXPECT_TRUE(info()->driver);
	}
}

/* ---- creation ---- */

TEST(creation)
{
	struct ivm_virtio_balloon *balloon;
	struct fake_room room;
	unsigned int live, i;

	fake_room_create(&room, BLOCK);
	live = shim_alloc_live();
	for (i = 1; i <= 9; i++) {
		shim_alloc_fail(i);
		EXPECT_EQ(-ENOMEM, PTR_ERR(create(&room, BLOCK, 0))) TH_LOG("allocation %u", i);
		EXPECT_EQ(live, shim_alloc_live());
	}
	shim_alloc_fail(0);
	balloon = create(&room, BLOCK, BLOCK);
	ASSERT_FALSE(IS_ERR(balloon));
	EXPECT_EQ(-EBUSY, PTR_ERR(create(&room, BLOCK, 0)));
	ivm_virtio_balloon_destroy(balloon);
	ivm_virtio_balloon_destroy(NULL);
	EXPECT_EQ(live, shim_alloc_live());
	fake_room_destroy(&room);
	EXPECT_EQ(0, shim_alloc_live());
}

/* ---- threads: a driver that comes and goes while its pages do, and somebody looks ---- */

#define DRIVERS	300

static bool over;

static void *worker(void *arg)
{
	struct fake_room *room = arg;

	while (!READ_ONCE(over))
		ivm_virtio_balloon_work(room->balloon);
	return NULL;
}

static void *looker(void *arg)
{
	struct fake_room *room = arg;
	struct ivm_virtio_balloon_info info;

	while (!READ_ONCE(over)) {
		ivm_virtio_balloon_info(room->balloon, &info);
		sched_yield();
	}
	return NULL;
}

TEST_F(balloon, drivers_come_and_go_under_load)
{
	pthread_t thread[2];
	unsigned int i, b;

	ASSERT_EQ(0, pthread_create(&thread[0], NULL, worker, &self->room));
	ASSERT_EQ(0, pthread_create(&thread[1], NULL, looker, &self->room));
	for (i = 0; i < DRIVERS; i++) {
		start(&self->room);
		for (b = 0; b < PER_BLOCK; b++)
			self->pfn[b] = page(20) + b;
		offer(self, INFLATE, PER_BLOCK, 1000, PFNS);
		if (i % 2)
			continue;
		while (!taken(self, INFLATE))
			sched_yield();
		offer(self, DEFLATE, PER_BLOCK, 1000, PFNS);
		while (i % 4 && !taken(self, DEFLATE))
			sched_yield();
	}
	fake_virtio_set(&self->room.d, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	WRITE_ONCE(over, true);
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	fake_room_work(&self->room);
	EXPECT_EQ(0, info()->given);
	EXPECT_TRUE(there(20));
	EXPECT_EQ(0, self->info.bad);
	EXPECT_EQ(0, self->info.broken);
}

TEST_HARNESS_MAIN
