// SPDX-License-Identifier: GPL-2.0-only
/* The device virtio-mem between a driver, by the book and not, and a layer above that has memory or has none. */
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
#include <linux/virtio_mem.h>
#include <linux/virtio_pci.h>

#include "fake_irq.h"
#include "fake_room.h"
#include "fake_space.h"

#define BLOCK		FAKE_ROOM_BLOCK
#define BASE		(4 * BLOCK)	/* the first four blocks are RAM of the fake space, too */
#define BLOCKS		1000
#define CONFIG		0x80
#define FEATURES	(IVM_VIRTIO_F_VERSION_1 | IVM_VIRTIO_F_EVENT_IDX | IVM_VIRTIO_F_INDIRECT_DESC | \
			 1ULL << VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE)

#define REQUEST		FAKE_ROOM_DATA
#define RESPONSE	(FAKE_ROOM_DATA + 0x100)
#define NO_ANSWER	0xffff

FIXTURE(mem)
{
	struct fake_room room;
	struct ivm_virtio_mem *mem;
	unsigned int offered;
	u16 state;		/* of the last response */
	u64 response;		/* where it is to be */
	u32 request_len, response_len;
};

static struct ivm_virtio_mem *create(struct fake_room *room, u64 base, u64 size)
{
	struct ivm_virtio_room_params params = fake_room_params(room);

	return ivm_virtio_mem_create(&params, base, size, &fake_room_ops, room);
}

FIXTURE_SETUP(mem)
{
	fake_room_create(&self->room, BASE);
	self->mem = create(&self->room, BASE, BLOCKS * BLOCK);
	ASSERT_FALSE(IS_ERR(self->mem));
	self->room.mem = self->mem;
	self->room.d.nr_queues = 1;
	self->response = RESPONSE;
	self->request_len = 24;
	self->response_len = 10;
	fake_virtio_start(&self->room.d, FEATURES);
	ivm_virtio_mem_set(self->mem, BLOCKS * BLOCK, BLOCKS * BLOCK);
	fake_room_work(&self->room);
	fake_irq_take_all();
}

FIXTURE_TEARDOWN(mem)
{
	ivm_virtio_mem_destroy(self->mem);
	fake_room_destroy(&self->room);
	EXPECT_EQ(0, shim_alloc_live());
	EXPECT_EQ(0, shim_printed());
}

static u64 config(struct _test_data_mem *self, unsigned int offset)
{
	return fake_virtio_get(&self->room.d, CONFIG + offset, 4) |
	       (u64)fake_virtio_get(&self->room.d, CONFIG + offset + 4, 4) << 32;
}

static void offer(struct _test_data_mem *self, u16 type, u64 addr, u16 nr)
{
	struct fake_ring *ring = &self->room.d.ring[0];
	unsigned int head = 2 * (self->offered++ % 8);

	memset(fake_space_at(ring->space, REQUEST), 0x77, 64);	/* padding is whatever it is */
	fake_space_set(ring->space, REQUEST, 2, type);
	fake_space_set(ring->space, REQUEST + 8, 8, addr);
	fake_space_set(ring->space, REQUEST + 16, 2, nr);
	if (self->response == RESPONSE)
		memset(fake_space_at(ring->space, RESPONSE), 0xee, 16);
	fake_ring_desc(ring->space, ring->desc, head, REQUEST, self->request_len, FAKE_DESC_NEXT, head + 1);
	fake_ring_desc(ring->space, ring->desc, head + 1, self->response, self->response_len, FAKE_DESC_WRITE, 0);
	fake_ring_offer(ring, head);
	fake_virtio_ring_bell(&self->room.d, 0);
}

/* What came back, or NO_ANSWER. */
static u16 answer(struct _test_data_mem *self)
{
	u32 id, len;

	if (!fake_ring_take(&self->room.d.ring[0], &id, &len))
		return NO_ANSWER;
	BUG_ON(len != 10 || id % 2);
	self->state = fake_space_get(self->room.d.space, self->response + 8, 2);
	BUG_ON(self->response == RESPONSE && *fake_space_at(self->room.d.space, RESPONSE + 10) != 0xee);
	return fake_space_get(self->room.d.space, self->response, 2);
}

static u16 ask(struct _test_data_mem *self, u16 type, u64 addr, u16 nr)
{
	offer(self, type, addr, nr);
	fake_room_work(&self->room);
	return answer(self);
}

#define at(block)		(BASE + (block) * BLOCK)
#define plug(block, nr)		ask(self, VIRTIO_MEM_REQ_PLUG, at(block), nr)
#define unplug(block, nr)	ask(self, VIRTIO_MEM_REQ_UNPLUG, at(block), nr)
#define unplug_all()		ask(self, VIRTIO_MEM_REQ_UNPLUG_ALL, 0, 0)
#define plugged()		(config(self, offsetof(struct virtio_mem_config, plugged_size)) / BLOCK)
#define ACK	VIRTIO_MEM_RESP_ACK
#define NACK	VIRTIO_MEM_RESP_NACK
#define BUSY	VIRTIO_MEM_RESP_BUSY
#define ERROR	VIRTIO_MEM_RESP_ERROR

static unsigned int there(struct _test_data_mem *self)
{
	unsigned int i, n = 0;

	for (i = 0; i < BLOCKS; i++)
		n += fake_room_there(&self->room, at(i));
	return n;
}

static u16 state(struct _test_data_mem *self, u64 addr, u16 nr)
{
	u16 got = ask(self, VIRTIO_MEM_REQ_STATE, addr, nr);

	return got == ACK ? self->state : 0x100 | got;
}

/* ---- what it looks like ---- */

TEST_F(mem, configuration)
{
	EXPECT_EQ(0x10581af4, fake_virtio_config(&self->room.d, 0, 4));
	EXPECT_EQ(BLOCK, config(self, 0));
	EXPECT_EQ(0, config(self, 8));
	EXPECT_EQ(BASE, config(self, 16));
	EXPECT_EQ(BLOCKS * BLOCK, config(self, 24));
	EXPECT_EQ(BLOCKS * BLOCK, config(self, 32));
	EXPECT_EQ(0, config(self, 40));
	EXPECT_EQ(BLOCKS * BLOCK, config(self, 48));
	fake_virtio_set(&self->room.d, CONFIG + 40, 4, 0x12345678);
	EXPECT_EQ(0, config(self, 40));
	EXPECT_EQ(0, fake_virtio_get(&self->room.d, CONFIG + 56, 4));
	EXPECT_EQ(BLOCK >> 16, fake_virtio_get(&self->room.d, CONFIG + 2, 2));
}

TEST_F(mem, a_driver_must_know_that_there_is_nothing)
{
	fake_virtio_set(&self->room.d, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	fake_virtio_set(&self->room.d, VIRTIO_PCI_COMMON_STATUS, 1, 3);
	fake_virtio_features(&self->room.d, IVM_VIRTIO_F_VERSION_1);
	fake_virtio_set(&self->room.d, VIRTIO_PCI_COMMON_STATUS, 1, 0xb);
	EXPECT_EQ(3, fake_virtio_get(&self->room.d, VIRTIO_PCI_COMMON_STATUS, 1));
	fake_virtio_features(&self->room.d, IVM_VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE);
	fake_virtio_set(&self->room.d, VIRTIO_PCI_COMMON_STATUS, 1, 0xb);
	EXPECT_EQ(0xb, fake_virtio_get(&self->room.d, VIRTIO_PCI_COMMON_STATUS, 1));
}

TEST_F(mem, the_driver_hears_of_what_is_wanted)
{
	ivm_virtio_mem_set(self->mem, BLOCKS * BLOCK, 7 * BLOCK);
	EXPECT_EQ(1, fake_virtio_irqs(0));
	EXPECT_EQ(7 * BLOCK, config(self, 48));
	ivm_virtio_mem_set(self->mem, BLOCKS * BLOCK, 7 * BLOCK);
	EXPECT_EQ(0, fake_irq_take_all());
	/* The usable region does not shrink, and what is wanted is usable. */
	ivm_virtio_mem_set(self->mem, BLOCK, 8 * BLOCK);
	EXPECT_EQ(1, fake_virtio_irqs(0));
	EXPECT_EQ(BLOCKS * BLOCK, config(self, 32));
	ivm_virtio_mem_set(self->mem, ~0ULL, ~0ULL);
	EXPECT_EQ(BLOCKS * BLOCK, config(self, 32));
	EXPECT_EQ(BLOCKS * BLOCK, config(self, 48));
}

TEST_F(mem, what_is_wanted_is_usable)
{
	ivm_virtio_mem_destroy(self->mem);
	self->mem = create(&self->room, BASE, BLOCKS * BLOCK);
	ASSERT_FALSE(IS_ERR(self->mem));
	self->room.mem = self->mem;
	EXPECT_EQ(0, config(self, 32));
	ivm_virtio_mem_set(self->mem, BLOCK, 8 * BLOCK);
	EXPECT_EQ(8 * BLOCK, config(self, 32));
	ivm_virtio_mem_set(self->mem, 9 * BLOCK, 8 * BLOCK);
	EXPECT_EQ(9 * BLOCK, config(self, 32));
}

/* ---- requests ---- */

TEST_F(mem, plug_and_unplug)
{
	struct ivm_virtio_mem_info info;

	EXPECT_EQ(ACK, plug(2, 3));
	EXPECT_EQ(1, fake_virtio_irqs(1));
	EXPECT_EQ(0, fake_irq_take_all());
	EXPECT_EQ(3, plugged());
	EXPECT_EQ(3, there(self));
	ASSERT_EQ(1, self->room.calls);
	EXPECT_TRUE(self->room.call[0].plug);
	EXPECT_EQ(at(2), self->room.call[0].gpa);
	EXPECT_EQ(ACK, unplug(3, 1));
	EXPECT_EQ(2, plugged());
	EXPECT_FALSE(fake_room_there(&self->room, at(3)));
	EXPECT_EQ(2, there(self));
	EXPECT_EQ(ACK, plug(3, 1));
	EXPECT_EQ(ACK, unplug(2, 3));
	EXPECT_EQ(0, there(self));
	EXPECT_EQ(0, plugged());
	ivm_virtio_mem_info(self->mem, &info);
	EXPECT_TRUE(info.driver);
	EXPECT_EQ(0, info.plugged);
	EXPECT_EQ(4, info.acked);
	EXPECT_EQ(0, info.nacked + info.busy + info.bad + info.broken);
}

TEST_F(mem, malformed_requests_are_errors)
{
	static const struct { u16 type; u64 addr; u16 nr; } bad[] = {
		{ VIRTIO_MEM_REQ_PLUG, at(0), 0 },
		{ VIRTIO_MEM_REQ_PLUG, at(0) + 4096, 1 },
		{ VIRTIO_MEM_REQ_PLUG, at(0) - BLOCK, 1 },
		{ VIRTIO_MEM_REQ_PLUG, at(0) - BLOCK, 2 },
		{ VIRTIO_MEM_REQ_PLUG, at(BLOCKS), 1 },
		{ VIRTIO_MEM_REQ_PLUG, at(BLOCKS - 1), 2 },
		{ VIRTIO_MEM_REQ_PLUG, at(0), BLOCKS + 1 },
		{ VIRTIO_MEM_REQ_PLUG, at(1), 0xffff },
		{ VIRTIO_MEM_REQ_PLUG, 0, 1 },
		{ VIRTIO_MEM_REQ_PLUG, -BLOCK, 1 },
		{ VIRTIO_MEM_REQ_PLUG, -BLOCK, 8 },
		{ VIRTIO_MEM_REQ_PLUG, ~0ULL, 1 },
		{ VIRTIO_MEM_REQ_UNPLUG, at(0), 1 },
		{ VIRTIO_MEM_REQ_UNPLUG, at(10), 0 },
		{ VIRTIO_MEM_REQ_UNPLUG, at(10) + 1, 1 },
		{ VIRTIO_MEM_REQ_UNPLUG, at(10), 3 },
		{ VIRTIO_MEM_REQ_UNPLUG, at(9), 2 },
		{ VIRTIO_MEM_REQ_UNPLUG, at(BLOCKS), 1 },
		{ VIRTIO_MEM_REQ_UNPLUG, at(10) - (1ULL << 63), 1 },
		{ VIRTIO_MEM_REQ_PLUG, at(11), 1 },
		{ VIRTIO_MEM_REQ_PLUG, at(9), 2 },
		{ VIRTIO_MEM_REQ_PLUG, at(0), BLOCKS },
		{ VIRTIO_MEM_REQ_STATE, at(0), 0 },
		{ VIRTIO_MEM_REQ_STATE, at(0) + 8, 1 },
		{ VIRTIO_MEM_REQ_STATE, at(BLOCKS - 1), 2 },
		{ 4, at(20), 1 }, { 0xffff, at(20), 1 },
	};
	struct ivm_virtio_mem_info info;
	unsigned int i;

	EXPECT_EQ(ACK, plug(10, 2));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(ERROR, ask(self, bad[i].type, bad[i].addr, bad[i].nr)) TH_LOG("request %u", i);
	EXPECT_EQ(2, plugged());
	EXPECT_EQ(2, there(self));
	EXPECT_EQ(1, self->room.calls);
	ivm_virtio_mem_info(self->mem, &info);
	EXPECT_EQ(ARRAY_SIZE(bad), info.bad);
}

TEST_F(mem, wrong_lengths)
{
	struct ivm_virtio_mem_info info;
	u32 len;

	for (len = 1; len < 60; len++) {
		self->request_len = len;
		EXPECT_EQ(len == 24 ? ACK : ERROR, plug(len, 1));
	}
	self->request_len = 24;
	self->response_len = 200;
	EXPECT_EQ(ACK, plug(100, 1));
	EXPECT_EQ(2, plugged());
	/* No room for an answer: nothing is done, and the device waits for a reset. */
	self->response_len = 9;
	EXPECT_EQ(NO_ANSWER, unplug(100, 1));
	EXPECT_EQ(2, there(self));
	EXPECT_EQ(0x4f, fake_virtio_get(&self->room.d, VIRTIO_PCI_COMMON_STATUS, 1));
	ivm_virtio_mem_info(self->mem, &info);
	EXPECT_EQ(1, info.broken);
	EXPECT_FALSE(info.driver);
}

TEST_F(mem, requests_in_odd_pieces)
{
	struct fake_ring *ring = &self->room.d.ring[0];
	struct ivm_space *space = ring->space;
	unsigned int i;

	for (i = 0; i < 24; i++)
		*fake_space_at(space, REQUEST + 0x1001 + 3 * i) = 0;
	fake_space_set(space, REQUEST + 0x1001 + 3 * 10, 1, BASE >> 16);	/* the third byte of the address */
	fake_space_set(space, REQUEST + 0x1001 + 3 * 16, 1, 5);
	for (i = 0; i < 24; i++)
		fake_ring_desc(space, REQUEST, i, REQUEST + 0x1001 + 3 * i, 1, FAKE_DESC_NEXT, i + 1);
	for (i = 24; i < 34; i++)
		fake_ring_desc(space, REQUEST, i, RESPONSE + 0x2001 + 3 * i, 1,
			       FAKE_DESC_WRITE | (i < 33 ? FAKE_DESC_NEXT : 0), i + 1);
	*fake_space_at(space, RESPONSE + 0x2001 + 3 * 24) = 0x99;
	fake_ring_desc(space, ring->desc, 0, REQUEST, 34 * 16, FAKE_DESC_INDIRECT, 0);
	fake_ring_offer(ring, 0);
	fake_virtio_ring_bell(&self->room.d, 0);
	fake_room_work(&self->room);
	EXPECT_EQ(5, plugged());
	EXPECT_EQ(0, *fake_space_at(space, RESPONSE + 0x2001 + 3 * 24));
}

TEST_F(mem, not_more_than_is_wanted)
{
	ivm_virtio_mem_set(self->mem, BLOCKS * BLOCK, 10 * BLOCK);
	EXPECT_EQ(NACK, plug(0, 11));
	EXPECT_EQ(ACK, plug(0, 8));
	EXPECT_EQ(NACK, plug(20, 3));
	EXPECT_EQ(1, self->room.calls);
	EXPECT_EQ(ACK, plug(20, 2));
	EXPECT_EQ(NACK, plug(30, 1));
	EXPECT_EQ(ERROR, plug(0, 1));
	/* Less is wanted: what the driver has is its, until it gives it back. */
	ivm_virtio_mem_set(self->mem, BLOCKS * BLOCK, 5 * BLOCK);
	EXPECT_EQ(10, plugged());
	EXPECT_EQ(ACK, unplug(0, 1));
	EXPECT_EQ(NACK, plug(0, 1));
	EXPECT_EQ(9, there(self));
}

TEST_F(mem, state_of_blocks)
{
	EXPECT_EQ(VIRTIO_MEM_STATE_UNPLUGGED, state(self, at(0), BLOCKS));
	EXPECT_EQ(ACK, plug(100, 100));
	EXPECT_EQ(VIRTIO_MEM_STATE_PLUGGED, state(self, at(100), 100));
	EXPECT_EQ(VIRTIO_MEM_STATE_PLUGGED, state(self, at(199), 1));
	EXPECT_EQ(VIRTIO_MEM_STATE_MIXED, state(self, at(99), 2));
	EXPECT_EQ(VIRTIO_MEM_STATE_MIXED, state(self, at(199), 2));
	EXPECT_EQ(VIRTIO_MEM_STATE_MIXED, state(self, at(0), BLOCKS));
	EXPECT_EQ(VIRTIO_MEM_STATE_UNPLUGGED, state(self, at(200), BLOCKS - 200));
	EXPECT_EQ(VIRTIO_MEM_STATE_UNPLUGGED, state(self, at(0), 100));
	EXPECT_EQ(0x100 | ERROR, state(self, at(0), BLOCKS + 1));
	EXPECT_EQ(ACK, plug(0, 1));
	EXPECT_EQ(0, self->state);	/* only of such a request's answer */
}

TEST_F(mem, unplug_all)
{
	EXPECT_EQ(ACK, unplug_all());
	EXPECT_EQ(0, self->room.calls);
	EXPECT_EQ(ACK, plug(1, 100));
	EXPECT_EQ(ACK, plug(102, 3));
	EXPECT_EQ(ACK, plug(BLOCKS - 1, 1));
	EXPECT_EQ(ACK, unplug_all());
	EXPECT_EQ(0, plugged());
	EXPECT_EQ(0, there(self));
	EXPECT_EQ(ACK, plug(0, BLOCKS));
	EXPECT_EQ(BLOCKS, there(self));
	self->request_len = 8;
	EXPECT_EQ(ERROR, unplug_all());
	EXPECT_EQ(BLOCKS, plugged());
}

TEST_F(mem, requests_one_after_the_other)
{
	unsigned int i;

	for (i = 0; i < 6; i++)
		offer(self, VIRTIO_MEM_REQ_UNPLUG_ALL, 0, 0);
	fake_room_work(&self->room);
	for (i = 0; i < 6; i++)
		EXPECT_EQ(ACK, answer(self));
	EXPECT_EQ(NO_ANSWER, answer(self));
	EXPECT_EQ(6, fake_ring_wanted(&self->room.d.ring[0]));
}

/* ---- a layer above that has none ---- */

TEST_F(mem, large_requests_are_done_in_slices)
{
	EXPECT_EQ(ACK, plug(0, 100));
	ASSERT_EQ(4, self->room.calls);
	EXPECT_EQ(32, self->room.call[0].blocks);
	EXPECT_EQ(4, self->room.call[3].blocks);
	EXPECT_EQ(at(96), self->room.call[3].gpa);
	EXPECT_EQ(ACK, unplug(0, 100));
	ASSERT_EQ(5, self->room.calls);		/* all or nothing */
	EXPECT_EQ(100, self->room.call[4].blocks);
}

TEST_F(mem, nothing_is_plugged_before_all_is)
{
	offer(self, VIRTIO_MEM_REQ_PLUG, at(0), 100);
	EXPECT_TRUE(ivm_virtio_mem_work(self->mem));
	EXPECT_TRUE(ivm_virtio_mem_work(self->mem));
	EXPECT_TRUE(ivm_virtio_mem_work(self->mem));
	EXPECT_EQ(64, there(self));
	EXPECT_EQ(0, plugged());
	EXPECT_EQ(NO_ANSWER, answer(self));
	fake_room_work(&self->room);
	EXPECT_EQ(ACK, answer(self));
	EXPECT_EQ(100, plugged());
}

TEST_F(mem, a_plug_that_fails_is_undone)
{
	static const struct { int err; u16 answer; } how[] = { { -ENOSPC, NACK }, { -ENOMEM, BUSY } };
	unsigned int i, after;

	for (i = 0; i < ARRAY_SIZE(how); i++) {
		for (after = 0; after < 4; after++) {
			self->room.plug_fails = how[i].err;
			self->room.after = after;
			EXPECT_EQ(how[i].answer, plug(5, 100));
			EXPECT_EQ(0, there(self));
			EXPECT_EQ(0, plugged());
			EXPECT_EQ(VIRTIO_MEM_STATE_UNPLUGGED, state(self, at(0), BLOCKS));
		}
	}
	self->room.plug_fails = 0;
	EXPECT_EQ(ACK, plug(5, 100));
}

/* What is left by a plug that failed is used by the next, and goes at the end. */
TEST_F(mem, a_plug_that_cannot_be_undone)
{
	self->room.plug_fails = -ENOMEM;
	self->room.unplug_fails = -EAGAIN;
	self->room.after = 2;
	EXPECT_EQ(BUSY, plug(0, 100));
	EXPECT_EQ(64, there(self));
	EXPECT_EQ(0, plugged());
	EXPECT_EQ(VIRTIO_MEM_STATE_UNPLUGGED, state(self, at(0), 100));
	EXPECT_EQ(ERROR, unplug(0, 1));
	self->room.plug_fails = 0;
	self->room.calls = 0;
	EXPECT_EQ(ACK, plug(60, 10));
	ASSERT_EQ(1, self->room.calls);
	EXPECT_EQ(at(64), self->room.call[0].gpa);
	EXPECT_EQ(6, self->room.call[0].blocks);
	EXPECT_EQ(10, plugged());
	EXPECT_EQ(70, there(self));
	self->room.unplug_fails = 0;
	EXPECT_EQ(ACK, unplug(60, 10));
	EXPECT_EQ(60, there(self));
	EXPECT_EQ(ACK, unplug_all());
	EXPECT_EQ(0, there(self));
}

TEST_F(mem, an_unplug_that_fails)
{
	EXPECT_EQ(ACK, plug(0, 100));
	self->room.unplug_fails = -ENOMEM;
	EXPECT_EQ(BUSY, unplug(0, 50));
	EXPECT_EQ(100, plugged());
	EXPECT_EQ(VIRTIO_MEM_STATE_PLUGGED, state(self, at(0), 100));
	self->room.after = 1;
	EXPECT_EQ(BUSY, unplug_all());
	EXPECT_EQ(68, plugged());
	EXPECT_EQ(68, there(self));
	self->room.unplug_fails = 0;
	EXPECT_EQ(ACK, unplug_all());
	EXPECT_EQ(0, there(self));
}

/* ---- memory that goes from under the request ---- */

TEST_F(mem, the_answer_was_to_go_where_there_is_nothing_any_more)
{
	struct ivm_virtio_mem_info info;

	EXPECT_EQ(ACK, plug(0, 2));
	self->response = at(1) + 100;
	EXPECT_EQ(ACK, state(self, at(0), 2));
	offer(self, VIRTIO_MEM_REQ_UNPLUG, at(1), 1);
	fake_room_work(&self->room);
	EXPECT_EQ(1, plugged());
	EXPECT_EQ(1, there(self));
	EXPECT_EQ(0x4f, fake_virtio_get(&self->room.d, VIRTIO_PCI_COMMON_STATUS, 1));
	ivm_virtio_mem_info(self->mem, &info);
	EXPECT_EQ(1, info.broken);
	/* A new driver goes on with what is plugged. */
	self->response = RESPONSE;
	fake_virtio_start(&self->room.d, FEATURES);
	EXPECT_EQ(1, plugged());
	EXPECT_EQ(ACK, unplug_all());
	EXPECT_EQ(0, there(self));
}

static struct _test_data_mem *the_test;

static void tear_response(struct fake_room *room)
{
	fake_room_set(room, at(1), false);
	ivm_virtio_mem_memory_gone(the_test->mem);
	room->during = NULL;
}

/* A plug holds if it could be answered. */
TEST_F(mem, a_plug_that_nobody_hears_of)
{
	EXPECT_EQ(ACK, plug(1, 1));
	self->response = at(1) + 100;
	the_test = self;
	self->room.during = tear_response;
	offer(self, VIRTIO_MEM_REQ_PLUG, at(10), 100);
	fake_room_work(&self->room);
	EXPECT_EQ(0, there(self));
	EXPECT_EQ(1, plugged());
	EXPECT_EQ(0x4f, fake_virtio_get(&self->room.d, VIRTIO_PCI_COMMON_STATUS, 1));
}

TEST_F(mem, the_ring_goes)
{
	struct fake_ring *ring = &self->room.d.ring[0];
	struct ivm_virtio_mem_info info;

	EXPECT_EQ(ACK, plug(0, 4));
	fake_virtio_set(&self->room.d, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	fake_virtio_set(&self->room.d, VIRTIO_PCI_COMMON_STATUS, 1, 3);
	fake_virtio_features(&self->room.d, FEATURES);
	fake_virtio_set(&self->room.d, VIRTIO_PCI_COMMON_STATUS, 1, 0xb);
	fake_ring_init(ring, self->room.d.space, 16, at(2) - 100);	/* torn: in blocks 1 and 2 */
	fake_virtio_queue(&self->room.d, 0, ring, 1);
	fake_virtio_set(&self->room.d, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	fake_virtio_set(&self->room.d, VIRTIO_PCI_COMMON_STATUS, 1, 0xf);
	EXPECT_EQ(ACK, unplug(3, 1));
	EXPECT_EQ(ACK, unplug(0, 1));
	offer(self, VIRTIO_MEM_REQ_UNPLUG, at(1), 1);
	offer(self, VIRTIO_MEM_REQ_UNPLUG, at(2), 1);
	fake_room_work(&self->room);
	EXPECT_EQ(1, there(self));
	EXPECT_EQ(0x4f, fake_virtio_get(&self->room.d, VIRTIO_PCI_COMMON_STATUS, 1));
	ivm_virtio_mem_info(self->mem, &info);
	EXPECT_EQ(1, info.broken);
	EXPECT_EQ(1, plugged());
}

/* Also where it is not this device that gives memory back. */
TEST_F(mem, the_ring_goes_for_others)
{
	struct ivm_virtio_mem_info info;
	u64 used = self->room.d.ring[0].used;

	self->room.deferred = 0;
	ivm_virtio_mem_memory_goes(self->mem, used + 4096, 4096);
	EXPECT_EQ(0, self->room.deferred);
	ivm_virtio_mem_memory_goes(self->mem, used, 1);
	ivm_virtio_mem_memory_goes(self->mem, used, 1);
	EXPECT_EQ(1, self->room.deferred);
	fake_room_work(&self->room);
	ivm_virtio_mem_info(self->mem, &info);
	EXPECT_EQ(1, info.broken);
}

/* ---- drivers that come and go ---- */

static void reset_driver(struct fake_room *room)
{
	fake_virtio_set(&room->d, VIRTIO_PCI_COMMON_STATUS, 1, 0);
}

static void change_driver(struct fake_room *room)
{
	fake_virtio_start(&room->d, FEATURES);
	room->during = NULL;
}

TEST_F(mem, a_reset_comes_meanwhile)
{
	void (*how[])(struct fake_room *room) = { reset_driver, change_driver };
	struct ivm_virtio_mem_info info;
	unsigned int i, nr;

	for (i = 0; i < 2; i++) {
		for (nr = 10; nr <= 100; nr += 90) {
			self->room.during = how[i];
			self->room.calls = 0;
			offer(self, VIRTIO_MEM_REQ_PLUG, at(0), nr);
			fake_room_work(&self->room);
			self->room.during = NULL;
			EXPECT_EQ(2, self->room.calls);	/* one slice, there and back */
			EXPECT_EQ(0, plugged());
			EXPECT_EQ(0, there(self));
			change_driver(&self->room);
			EXPECT_EQ(NO_ANSWER, answer(self));
			fake_room_work(&self->room);
			EXPECT_EQ(NO_ANSWER, answer(self));
			self->offered = 0;
		}
		EXPECT_EQ(ACK, plug(0, 100));
		self->room.during = how[i];
		offer(self, VIRTIO_MEM_REQ_UNPLUG, at(0), 10);
		fake_room_work(&self->room);
		EXPECT_EQ(90, plugged());	/* that was under way */
		change_driver(&self->room);
		self->offered = 0;
		self->room.during = how[i];
		offer(self, VIRTIO_MEM_REQ_UNPLUG_ALL, at(0), 10);
		fake_room_work(&self->room);
		self->room.during = NULL;
		EXPECT_EQ(58, plugged());	/* one slice was */
		EXPECT_EQ(58, there(self));
		change_driver(&self->room);
		self->offered = 0;
		EXPECT_EQ(ACK, unplug_all());
		EXPECT_EQ(0, there(self));
	}
	ivm_virtio_mem_info(self->mem, &info);
	EXPECT_EQ(0, info.broken);
}

TEST_F(mem, a_driver_that_comes_anew_finds_what_is_plugged)
{
	EXPECT_EQ(ACK, plug(3, 2));
	fake_virtio_start(&self->room.d, FEATURES);
	EXPECT_EQ(2, plugged());
	EXPECT_EQ(VIRTIO_MEM_STATE_PLUGGED, state(self, at(3), 2));
}

TEST_F(mem, a_reset_of_the_machine)
{
	struct ivm_virtio_mem_info info;
	unsigned int i;

	EXPECT_EQ(ACK, plug(0, 2));
	offer(self, VIRTIO_MEM_REQ_PLUG, at(10), 100);
	EXPECT_TRUE(ivm_virtio_mem_work(self->mem));
	EXPECT_TRUE(ivm_virtio_mem_work(self->mem));
	for (i = 0; i < BLOCKS; i++)
		if (fake_room_there(&self->room, at(i)))
			fake_room_set(&self->room, at(i), false);
	ivm_virtio_mem_reset(self->mem);
	EXPECT_FALSE(ivm_virtio_mem_work(self->mem));
	EXPECT_EQ(0, plugged());
	ivm_virtio_mem_info(self->mem, &info);
	EXPECT_FALSE(info.driver);
	fake_virtio_start(&self->room.d, FEATURES);
	self->offered = 0;
	EXPECT_EQ(ACK, plug(0, 20));
	EXPECT_EQ(20, there(self));
}

TEST_F(mem, a_request_that_was_there_before_the_driver)
{
	fake_room_work(&self->room);
	self->room.deferred = 0;
	fake_virtio_start(&self->room.d, FEATURES);
	EXPECT_LT(0, self->room.deferred);
}

/* Each doorbell is heard: the device asks for the next when it has found nothing. */
TEST_F(mem, doorbells_are_asked_for)
{
	unsigned int i;

	for (i = 0; i < 40; i++) {
		EXPECT_EQ(i % 65536, fake_ring_wanted(&self->room.d.ring[0]));
		fake_ring_want(&self->room.d.ring[0], i);
		EXPECT_EQ(ACK, unplug_all());
	}
	EXPECT_EQ(40, fake_virtio_irqs(1));
}

/* ---- creation ---- */

TEST(creation)
{
	struct ivm_virtio_mem *mem;
	struct fake_room room;
	unsigned int live, i;

	fake_room_create(&room, BASE);
	live = shim_alloc_live();
	for (i = 1; i <= 7; i++) {
		shim_alloc_fail(i);
		EXPECT_EQ(-ENOMEM, PTR_ERR(create(&room, BASE, BLOCKS * BLOCK))) TH_LOG("allocation %u", i);
		EXPECT_EQ(live, shim_alloc_live());
	}
	shim_alloc_fail(0);
	mem = create(&room, BASE, BLOCKS * BLOCK);
	ASSERT_FALSE(IS_ERR(mem));
	EXPECT_EQ(-EBUSY, PTR_ERR(create(&room, BASE, BLOCKS * BLOCK)));
	ivm_virtio_mem_destroy(mem);
	ivm_virtio_mem_destroy(NULL);
	EXPECT_EQ(live, shim_alloc_live());
	fake_room_destroy(&room);
	EXPECT_EQ(0, shim_alloc_live());
}

/* ---- threads: a driver that comes and goes while requests are under way ---- */

#define DRIVERS	400

static bool over;

static void *worker(void *arg)
{
	struct fake_room *room = arg;

	while (!READ_ONCE(over))
		ivm_virtio_mem_work(room->mem);
	return NULL;
}

TEST_F(mem, drivers_come_and_go_under_load)
{
	struct fake_ring *ring = &self->room.d.ring[0];
	unsigned int i, answers = 0, before;
	pthread_t thread;
	u32 id, len;

	ASSERT_EQ(0, pthread_create(&thread, NULL, worker, &self->room));
	for (i = 0; i < DRIVERS; i++) {
		fake_virtio_start(&self->room.d, FEATURES);
		before = plugged();
		offer(self, before ? VIRTIO_MEM_REQ_UNPLUG_ALL : VIRTIO_MEM_REQ_PLUG, at(i), 40 + i);
		if (i % 3)
			continue;
		while (!fake_ring_take(ring, &id, &len))
			sched_yield();
		answers++;
		EXPECT_EQ(ACK, fake_space_get(ring->space, RESPONSE, 2));
		EXPECT_EQ(before ? 0 : 40 + i, plugged());
	}
	WRITE_ONCE(over, true);
	pthread_join(thread, NULL);
	EXPECT_EQ((DRIVERS + 2) / 3, answers);
	fake_room_work(&self->room);
	EXPECT_EQ(plugged(), there(self));
}

TEST_HARNESS_MAIN
