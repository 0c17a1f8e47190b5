// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtqueues: by the rules, against them, and against a second walk of the
 * rings, written byte by byte without a thought for speed.
 */
/* sources: kmod/dev/virtqueue.c selftests/unit/fake_space.c selftests/unit/fake_ring.c */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include <linux/kernel.h>

#include "dev/virtio.h"
#include "fake_ring.h"
#include "fake_space.h"

#define FEATURES	(IVM_VIRTIO_F_EVENT_IDX | IVM_VIRTIO_F_INDIRECT_DESC)

static unsigned int broken;
static struct ivm_vq *the_vq;

void ivm_virtio_broken(struct ivm_virtio *virtio)
{
	broken++;
	WRITE_ONCE(the_vq->broken, true);
}

FIXTURE(vq)
{
	struct ivm_space *space;
	struct ivm_vq vq;
	struct fake_ring ring;
	struct ivm_chain chain;
};

FIXTURE_VARIANT(vq) { unsigned int frames, frame_size; u64 at; };
/* The ring in one frame; and over the ends of many: the used ring's entries too. */
FIXTURE_VARIANT_ADD(vq, one_frame) { .frames = 16, .frame_size = 1U << 16, .at = 0 };
FIXTURE_VARIANT_ADD(vq, torn) { .frames = 256, .frame_size = 4096, .at = 4096 - 16 * 16 - 16 - 2 * 16 - 12 };
FIXTURE_VARIANT_ADD(vq, torn_early) { .frames = 256, .frame_size = 4096, .at = 4096 - 64 };

static int enable(struct ivm_vq *vq, const struct fake_ring *ring, u64 features)
{
	int err;

	spin_lock_bh(&vq->lock);
	err = ivm_vq_enable(vq, ring->size, ring->desc, ring->avail, ring->used, features);
	spin_unlock_bh(&vq->lock);
	return err;
}

FIXTURE_SETUP(vq)
{
	self->space = fake_space_create_frames(variant->frames, variant->frame_size);
	self->vq.space = self->space;
	the_vq = &self->vq;
	fake_ring_init(&self->ring, self->space, 16, variant->at);
	ASSERT_EQ(0, enable(&self->vq, &self->ring, FEATURES));
	spin_lock_bh(&self->vq.lock);
}

FIXTURE_TEARDOWN(vq)
{
	spin_unlock_bh(&self->vq.lock);
	fake_space_destroy(self->space);
}

#define desc(i, addr, len, flags, next)	fake_ring_desc(self->space, self->ring.desc, i, addr, len, flags, next)
#define offer(head)			fake_ring_offer(&self->ring, head)
#define pop()				ivm_vq_pop(&self->vq, &self->chain)
#define push(head, len)			ivm_vq_push(&self->vq, head, len)
#define publish()			ivm_vq_publish(&self->vq)

#define BUF	0x20000ULL
#define RAM_END	0x100000ULL

TEST_F(vq, nothing_is_there_at_first)
{
	EXPECT_EQ(0, pop());
	EXPECT_FALSE(ivm_vq_pending(&self->vq));
	EXPECT_FALSE(publish());
	EXPECT_FALSE(ivm_vq_notify_enable(&self->vq));
}

TEST_F(vq, a_chain_is_cut_where_frames_end)
{
	desc(3, BUF + 10, 100, FAKE_DESC_NEXT, 7);
	desc(7, BUF + variant->frame_size - 8, 24, FAKE_DESC_NEXT, 1);
	desc(1, BUF + 2 * variant->frame_size - 1, 2, FAKE_DESC_WRITE, 99);
	offer(3);
	EXPECT_TRUE(ivm_vq_pending(&self->vq));
	ASSERT_EQ(1, pop());
	EXPECT_EQ(3, self->chain.head);
	EXPECT_EQ(124, self->chain.out_len);
	EXPECT_EQ(2, self->chain.in_len);
	ASSERT_EQ(3, self->chain.nr_out);
	ASSERT_EQ(2, self->chain.nr_in);
	EXPECT_EQ(fake_space_at(self->space, BUF + 10), self->chain.piece[0].data);
	EXPECT_EQ(100, self->chain.piece[0].len);
	EXPECT_EQ(8, self->chain.piece[1].len);
	EXPECT_EQ(fake_space_at(self->space, BUF + variant->frame_size), self->chain.piece[2].data);
	EXPECT_EQ(16, self->chain.piece[2].len);
	EXPECT_EQ(1, self->chain.piece[3].len);
	EXPECT_EQ(fake_space_at(self->space, BUF + 2 * variant->frame_size), self->chain.piece[4].data);
	EXPECT_EQ(1, self->chain.piece[4].len);
	EXPECT_FALSE(ivm_vq_pending(&self->vq));
	EXPECT_EQ(0, pop());
}

TEST_F(vq, what_is_given_back_shows_when_it_is_published)
{
	u32 id, len;

	push(5, 77);
	push(6, 0x12345678);
	EXPECT_FALSE(fake_ring_take(&self->ring, &id, &len));
	EXPECT_TRUE(publish());		/* used_event is 0 */
	ASSERT_TRUE(fake_ring_take(&self->ring, &id, &len));
	EXPECT_EQ(5, id);
	EXPECT_EQ(77, len);
	ASSERT_TRUE(fake_ring_take(&self->ring, &id, &len));
	EXPECT_EQ(6, id);
	EXPECT_EQ(0x12345678, len);
	EXPECT_FALSE(fake_ring_take(&self->ring, &id, &len));
	EXPECT_FALSE(publish());
}

TEST_F(vq, it_goes_round_and_round)
{
	u32 id, len;
	unsigned int i;

	for (i = 0; i < 200000; i++) {
		desc(i % 16, BUF + i % 4000, 1 + i % 50, FAKE_DESC_WRITE, 0);
		offer(i % 16);
		ASSERT_EQ(1, pop());
		ASSERT_EQ(i % 16, self->chain.head);
		push(i % 16, i);
		fake_ring_want(&self->ring, i % 3 ? (u16)i : (u16)(i + 1));
		ASSERT_EQ(!!(i % 3), publish());
		ASSERT_TRUE(fake_ring_take(&self->ring, &id, &len));
		ASSERT_EQ(i % 16, id);
		ASSERT_EQ(i, len);
	}
	EXPECT_EQ(0, broken);
}

TEST_F(vq, put_back_is_popped_again)
{
	desc(0, BUF, 10, 0, 0);
	desc(1, BUF + 50, 20, 0, 0);
	offer(0);
	offer(1);
	ASSERT_EQ(1, pop());
	ivm_vq_unpop(&self->vq);
	EXPECT_TRUE(ivm_vq_pending(&self->vq));
	ASSERT_EQ(1, pop());
	EXPECT_EQ(0, self->chain.head);
	ASSERT_EQ(1, pop());
	EXPECT_EQ(1, self->chain.head);
	ivm_vq_unpop(&self->vq);
	ASSERT_EQ(1, pop());
	EXPECT_EQ(1, self->chain.head);
	EXPECT_EQ(20, self->chain.out_len);
	EXPECT_EQ(0, pop());
}

TEST_F(vq, room_is_taken_chain_by_chain)
{
	struct ivm_room room = { };
	u32 id, len;

	desc(0, BUF, 10, FAKE_DESC_WRITE, 0);
	desc(1, BUF + 50, 5, FAKE_DESC_NEXT, 2);
	desc(2, BUF + 100, 20, FAKE_DESC_WRITE | FAKE_DESC_NEXT, 3);
	desc(3, BUF + 200, 30, FAKE_DESC_WRITE, 0);
	desc(4, BUF + 300, 40, FAKE_DESC_WRITE, 0);
	offer(0);
	offer(1);
	EXPECT_EQ(-EMSGSIZE, ivm_vq_pop_room(&self->vq, &room, 11, 1));
	ivm_vq_unpop_room(&self->vq, &room);
	room.len = room.nr = room.nr_pieces = 0;
	/* What is there is taken, and the rest when it comes. */
	EXPECT_EQ(0, ivm_vq_pop_room(&self->vq, &room, 61, 64));
	EXPECT_EQ(60, room.len);
	EXPECT_FALSE(ivm_vq_notify_enable(&self->vq));
	EXPECT_EQ(2, fake_ring_wanted(&self->ring));
	offer(4);
	EXPECT_EQ(1, ivm_vq_pop_room(&self->vq, &room, 61, 64));
	EXPECT_EQ(100, room.len);
	ASSERT_EQ(3, room.nr);
	EXPECT_EQ(0, room.chain[0].id);
	EXPECT_EQ(1, room.chain[1].id);
	EXPECT_EQ(50, room.chain[1].len);
	EXPECT_EQ(4, room.chain[2].id);
	ASSERT_EQ(4, room.nr_pieces);
	EXPECT_EQ(fake_space_at(self->space, BUF + 100), room.piece[1].data);
	EXPECT_EQ(20, room.piece[1].len);
	EXPECT_EQ(fake_space_at(self->space, BUF + 300), room.piece[3].data);
	/* All but the last are full. */
	ivm_vq_push_room(&self->vq, &room, 61);
	EXPECT_TRUE(publish());
	ASSERT_TRUE(fake_ring_take(&self->ring, &id, &len));
	EXPECT_EQ(10, len);
	ASSERT_TRUE(fake_ring_take(&self->ring, &id, &len));
	EXPECT_EQ(1, id);
	EXPECT_EQ(50, len);
	ASSERT_TRUE(fake_ring_take(&self->ring, &id, &len));
	EXPECT_EQ(4, id);
	EXPECT_EQ(1, len);
	EXPECT_FALSE(fake_ring_take(&self->ring, &id, &len));
	EXPECT_EQ(0, pop());
	EXPECT_EQ(0, broken);
}

/* ---- doorbells and interrupts ---- */

TEST_F(vq, the_event_index_says_when_to_interrupt)
{
	unsigned int start, pushes, event, i;
	bool wanted;

	for (start = 65530; start < 65536 + 6; start++) {
		for (pushes = 1; pushes <= 4; pushes++) {
			for (event = start - 3; event < start + 7; event++) {
				self->vq.next_used = start;
				self->vq.signalled = start;
				fake_ring_want(&self->ring, event);
				wanted = false;
				for (i = 0; i < pushes; i++) {
					wanted |= (u16)(start + i) == (u16)event;
					push(0, 0);
				}
				EXPECT_EQ(wanted, publish());
			}
		}
	}
}

TEST_F(vq, the_event_index_says_when_to_ring)
{
	EXPECT_FALSE(ivm_vq_notify_enable(&self->vq));
	EXPECT_EQ(0, fake_ring_wanted(&self->ring));
	desc(0, BUF, 10, 0, 0);
	offer(0);
	EXPECT_TRUE(ivm_vq_notify_enable(&self->vq));	/* came meanwhile */
	ASSERT_EQ(1, pop());
	EXPECT_FALSE(ivm_vq_notify_enable(&self->vq));
	EXPECT_EQ(1, fake_ring_wanted(&self->ring));
	ivm_vq_notify_disable(&self->vq);
	EXPECT_EQ(0, fake_ring_used_flags(&self->ring));
	fake_ring_avail_flags(&self->ring, 1);		/* means nothing with event indices */
	push(0, 0);
	EXPECT_TRUE(publish());
}

TEST_F(vq, flags_without_event_index)
{
	self->vq.event_idx = false;
	ivm_vq_notify_disable(&self->vq);
	EXPECT_EQ(1, fake_ring_used_flags(&self->ring));
	EXPECT_FALSE(ivm_vq_notify_enable(&self->vq));
	EXPECT_EQ(0, fake_ring_used_flags(&self->ring));
	EXPECT_EQ(0, fake_ring_wanted(&self->ring));
	push(0, 0);
	EXPECT_TRUE(publish());
	push(0, 0);
	EXPECT_TRUE(publish());
	fake_ring_avail_flags(&self->ring, 1);
	push(0, 0);
	EXPECT_FALSE(publish());
	desc(0, BUF, 10, 0, 0);
	offer(0);
	EXPECT_TRUE(ivm_vq_notify_enable(&self->vq));
}

/* ---- indirect tables ---- */

TEST_F(vq, an_indirect_table_may_be_at_any_address)
{
	static const u64 tables[] = {
		0x30000, 0x30008, 0x30001, 0x3000d, 0x30000 - 16, 0x30000 - 8, 0x30000 - 24, 0x30000 - 1, 0x30000 - 20
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		fake_ring_desc(self->space, tables[i], 0, BUF, 11, FAKE_DESC_NEXT, 2);
		fake_ring_desc(self->space, tables[i], 2, BUF + 100, 22, FAKE_DESC_NEXT | FAKE_DESC_WRITE, 1);
		fake_ring_desc(self->space, tables[i], 1, BUF + 200, 33, FAKE_DESC_WRITE, 77);
		desc(4, tables[i], 3 * 16, FAKE_DESC_INDIRECT | FAKE_DESC_WRITE, 12345);	/* the flag is ignored */
		offer(4);
		ASSERT_EQ(1, pop());
		EXPECT_EQ(4, self->chain.head);
		EXPECT_EQ(11, self->chain.out_len);
		EXPECT_EQ(55, self->chain.in_len);
		ASSERT_EQ(2, self->chain.nr_in);
		EXPECT_EQ(fake_space_at(self->space, BUF + 200), self->chain.piece[2].data);
	}
}

TEST_F(vq, a_table_may_end_a_chain_and_be_longer_than_the_queue)
{
	unsigned int i;

	for (i = 0; i < 40; i++)
		fake_ring_desc(self->space, 0x30000, i, BUF + 64 * i, 1, i < 39 ? FAKE_DESC_NEXT : 0, i + 1);
	desc(0, BUF + 4000, 2, FAKE_DESC_NEXT, 1);
	desc(1, 0x30000, 40 * 16, FAKE_DESC_INDIRECT, 0);
	offer(0);
	ASSERT_EQ(1, pop());
	EXPECT_EQ(42, self->chain.out_len);
	EXPECT_EQ(41, self->chain.nr_out);
}

/* ---- rules broken: each offers descriptor 0, which must break the queue ---- */

struct offence {
	const char *name;
	void (*commit)(struct ivm_space *space, struct fake_ring *ring);
};

static void put(struct ivm_space *space, u64 table, unsigned int i, u64 addr, u32 len, u16 flags, u16 next)
{
	fake_ring_desc(space, table, i, addr, len, flags, next);
}

#define OFFENCE(name) static void name(struct ivm_space *s, struct fake_ring *r)
OFFENCE(empty) { put(s, r->desc, 0, BUF, 0, 0, 0); }
OFFENCE(empty_in_chain) { put(s, r->desc, 0, BUF, 1, 1, 1); put(s, r->desc, 1, BUF, 0, 0, 0); }
OFFENCE(not_ram) { put(s, r->desc, 0, RAM_END, 1, 0, 0); }
OFFENCE(ends_outside_ram) { put(s, r->desc, 0, RAM_END - 8, 9, 0, 0); }
OFFENCE(wraps) { put(s, r->desc, 0, ~0ULL - 7, 64, 0, 0); }
OFFENCE(huge) { put(s, r->desc, 0, BUF, ~0U, 0, 0); }
OFFENCE(next_out_of_range)
{
	/* What is there, the available ring, looks like a descriptor of one byte. */
	fake_ring_set(s, r->avail + 4 + 2 * 2, 2, 1);
	put(s, r->desc, 0, BUF, 1, 1, 16);
}
OFFENCE(next_far_out_of_range) { put(s, r->desc, 0, BUF, 1, 1, 0xffff); }
OFFENCE(loop_of_one) { put(s, r->desc, 0, BUF, 1, 1, 0); }
OFFENCE(loop_of_two) { put(s, r->desc, 0, BUF, 1, 1, 1); put(s, r->desc, 1, BUF, 1, 1, 0); }
OFFENCE(readable_after_writable) { put(s, r->desc, 0, BUF, 1, 3, 1); put(s, r->desc, 1, BUF, 1, 0, 0); }
OFFENCE(too_many_pieces)
{
	unsigned int i;

	for (i = 0; i < 65; i++)
		put(s, 0x30000, i, BUF, 1, i < 64, i + 1);
	put(s, r->desc, 0, 0x30000, 65 * 16, 4, 0);
}
OFFENCE(table_of_nothing) { put(s, r->desc, 0, 0x30000, 0, 4, 0); }
OFFENCE(table_of_part) { put(s, 0x30000, 0, BUF, 1, 0, 0); put(s, r->desc, 0, 0x30000, 24, 4, 0); }
OFFENCE(table_goes_on) { put(s, 0x30000, 0, BUF, 1, 0, 0); put(s, r->desc, 0, 0x30000, 16, 5, 1); }
OFFENCE(table_not_ram) { put(s, r->desc, 0, RAM_END - 16, 32, 4, 0); }
OFFENCE(table_wraps) { put(s, r->desc, 0, ~0ULL - 15, 32, 4, 0); }
OFFENCE(table_huge) { put(s, 0x30000, 0, BUF, 1, 0, 0); put(s, r->desc, 0, 0x30000, 0xfffffff0, 4, 0); }
OFFENCE(table_in_table) { put(s, 0x30000, 0, 0x30010, 16, 4, 0); put(s, r->desc, 0, 0x30000, 16, 4, 0);
			  put(s, 0x30010, 0, BUF, 1, 0, 0); }
OFFENCE(table_next_out_of_range) { put(s, 0x30000, 0, BUF, 1, 1, 1); put(s, r->desc, 0, 0x30000, 16, 4, 0); }
OFFENCE(table_loop) { put(s, 0x30000, 0, BUF, 1, 1, 0); put(s, r->desc, 0, 0x30000, 16, 4, 0); }

#define ENTRY(name) { #name, name }
static const struct offence offences[] = {
	ENTRY(empty), ENTRY(empty_in_chain), ENTRY(not_ram), ENTRY(ends_outside_ram), ENTRY(wraps), ENTRY(huge),
	ENTRY(next_out_of_range), ENTRY(next_far_out_of_range), ENTRY(loop_of_one), ENTRY(loop_of_two),
	ENTRY(readable_after_writable), ENTRY(too_many_pieces), ENTRY(table_of_nothing), ENTRY(table_of_part),
	ENTRY(table_goes_on), ENTRY(table_not_ram), ENTRY(table_wraps), ENTRY(table_huge), ENTRY(table_in_table),
	ENTRY(table_next_out_of_range), ENTRY(table_loop),
};

TEST_F(vq, every_offence_breaks_the_queue_once_and_for_all)
{
	unsigned int i;
	u32 id, len;

	for (i = 0; i < ARRAY_SIZE(offences); i++) {
		spin_unlock_bh(&self->vq.lock);
		fake_ring_init(&self->ring, self->space, 16, variant->at);
		self->vq.broken = false;
		broken = 0;
		ASSERT_EQ(0, enable(&self->vq, &self->ring, FEATURES));
		spin_lock_bh(&self->vq.lock);
		offences[i].commit(self->space, &self->ring);
		offer(0);
		EXPECT_EQ(-EIO, pop()) TH_LOG("%s", offences[i].name);
		EXPECT_EQ(1, broken) TH_LOG("%s", offences[i].name);
		/* Silence. */
		desc(0, BUF, 1, 0, 0);
		EXPECT_EQ(-EIO, pop());
		EXPECT_FALSE(ivm_vq_pending(&self->vq));
		EXPECT_FALSE(ivm_vq_notify_enable(&self->vq));
		push(0, 0);
		EXPECT_FALSE(publish());
		EXPECT_FALSE(fake_ring_take(&self->ring, &id, &len));
		EXPECT_EQ(1, broken);
	}
}

TEST_F(vq, a_head_out_of_range)
{
	offer(16);
	EXPECT_EQ(-EIO, pop());
	EXPECT_EQ(1, broken);
}

TEST_F(vq, an_index_that_jumps)
{
	desc(0, BUF, 1, 0, 0);
	self->ring.avail_idx = 15;
	offer(0);			/* 16 at once is just possible */
	EXPECT_EQ(1, pop());
	while (self->vq.next_avail != 16)
		ASSERT_EQ(1, pop());
	fake_ring_set(self->space, self->ring.avail + 2, 2, 16 + 17);
	EXPECT_EQ(-EIO, pop());
	EXPECT_EQ(1, broken);
}

TEST_F(vq, an_index_that_jumps_back)
{
	desc(0, BUF, 1, 0, 0);
	offer(0);
	ASSERT_EQ(1, pop());
	fake_ring_set(self->space, self->ring.avail + 2, 2, 0);
	EXPECT_EQ(-EIO, pop());
}

TEST_F(vq, indirect_must_be_negotiated)
{
	self->vq.indirect = false;
	put(self->space, 0x30000, 0, BUF, 1, 0, 0);
	desc(0, 0x30000, 16, FAKE_DESC_INDIRECT, 0);
	offer(0);
	EXPECT_EQ(-EIO, pop());
}

TEST_F(vq, a_disabled_queue_is_silent)
{
	u32 id, len;

	desc(0, BUF, 1, 0, 0);
	offer(0);
	ivm_vq_disable(&self->vq);
	EXPECT_EQ(0, pop());
	EXPECT_FALSE(ivm_vq_pending(&self->vq));
	EXPECT_FALSE(ivm_vq_notify_enable(&self->vq));
	ivm_vq_notify_disable(&self->vq);
	push(0, 0);
	EXPECT_FALSE(publish());
	EXPECT_FALSE(fake_ring_take(&self->ring, &id, &len));
	EXPECT_EQ(0, broken);
}

TEST_F(vq, enabled_again_it_starts_anew)
{
	unsigned int i;
	u32 id, len;

	for (i = 0; i < 5; i++) {
		desc(i, BUF, 1, 0, 0);
		offer(i);
	}
	ASSERT_EQ(1, pop());
	push(0, 0);
	publish();
	push(1, 0);
	ivm_vq_disable(&self->vq);
	fake_ring_init(&self->ring, self->space, 16, variant->at);
	spin_unlock_bh(&self->vq.lock);
	ASSERT_EQ(0, enable(&self->vq, &self->ring, FEATURES));
	spin_lock_bh(&self->vq.lock);
	EXPECT_EQ(0, pop());
	EXPECT_FALSE(ivm_vq_pending(&self->vq));
	EXPECT_FALSE(publish());
	push(9, 9);
	EXPECT_TRUE(publish());
	ASSERT_TRUE(fake_ring_take(&self->ring, &id, &len));
	EXPECT_EQ(9, id);
	EXPECT_FALSE(fake_ring_take(&self->ring, &id, &len));
}

TEST_F(vq, rings_must_be_aligned_ram)
{
	const struct fake_ring good = self->ring;
	struct fake_ring bad;

	ivm_vq_disable(&self->vq);
	spin_unlock_bh(&self->vq.lock);
#define REFUSED(field, value) ({						\
		bad = good;							\
		bad.field = (value);						\
		EXPECT_EQ(-EINVAL, enable(&self->vq, &bad, 0));			\
		EXPECT_FALSE(self->vq.enabled);					\
	})
	REFUSED(desc, good.desc + 8);
	REFUSED(desc, RAM_END - 15 * 16);
	REFUSED(desc, 0ULL - 16);
	REFUSED(desc, 0ULL - 16 * 16);
	REFUSED(avail, good.avail + 1);
	REFUSED(avail, RAM_END - 36);
	REFUSED(avail, 0ULL - 2);
	REFUSED(used, good.used + 2);
	REFUSED(used, RAM_END - 132);
	REFUSED(used, RAM_END);
	REFUSED(used, 1ULL << 63);
	/* Up to the last byte they may reach. */
	bad = good;
	bad.avail = RAM_END - 38;
	bad.used = RAM_END - 136;
	bad.desc = RAM_END - 256;
	EXPECT_EQ(0, enable(&self->vq, &bad, 0));
	spin_lock_bh(&self->vq.lock);
}

/* ---- the naive twin ---- */

static u64 rng_state = 0x1234567887654321ULL;

static unsigned int below(unsigned int n)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return (rng_state * 0x2545f4914f6cdd1dULL >> 33) % n;
}

static bool one_in(unsigned int n)
{
	return below(n) == 0;
}

static u64 bytes(struct ivm_space *space, u64 gpa, unsigned int n)
{
	u64 value = 0;

	while (n--)
		value = value << 8 | *fake_space_at(space, gpa + n);
	return value;
}

static bool is_ram(u64 gpa, u64 len)
{
	return gpa < RAM_END && len <= RAM_END - gpa;
}

struct naive {
	unsigned int nr;
	struct { u64 gpa, len; bool in; } buf[2000];
};

/* Return: the chain is as the rules want it. */
static bool naive_walk(struct ivm_space *space, const struct fake_ring *ring, unsigned int head, struct naive *out)
{
	bool seen[2000] = { false }, in_table = false;
	u64 table = ring->desc, count = ring->size, i = head;

	out->nr = 0;
	for (;;) {
		u64 addr, len;
		u16 flags;

		if (i >= count || i >= ARRAY_SIZE(seen) || seen[i])
			return false;
		seen[i] = true;
		addr = bytes(space, table + 16 * i, 8);
		len = bytes(space, table + 16 * i + 8, 4);
		flags = bytes(space, table + 16 * i + 12, 2);
		if (flags & FAKE_DESC_INDIRECT) {
			if (in_table || flags & FAKE_DESC_NEXT || !len || len % 16 || !is_ram(addr, len))
				return false;
			in_table = true;
			table = addr;
			count = len / 16;
			i = 0;
			memset(seen, 0, sizeof(seen));
			continue;
		}
		if (!len || !is_ram(addr, len))
			return false;
		if (out->nr && out->buf[out->nr - 1].in && !(flags & FAKE_DESC_WRITE))
			return false;
		if (out->nr == ARRAY_SIZE(out->buf))
			return false;
		out->buf[out->nr].gpa = addr;
		out->buf[out->nr].len = len;
		out->buf[out->nr++].in = flags & FAKE_DESC_WRITE;
		if (!(flags & FAKE_DESC_NEXT))
			return true;
		i = bytes(space, table + 16 * i + 14, 2);
	}
}

/* Pieces that the buffers are, cut at frames; compared with @chain unless that is NULL. Return: how many, or -1. */
static int naive_cut(struct ivm_space *space, const struct naive *naive, u64 frame, const struct ivm_chain *chain)
{
	unsigned int nr = 0, b, ins = 0;
	u64 out_len = 0, in_len = 0;

	for (b = 0; b < naive->nr; b++) {
		u64 gpa = naive->buf[b].gpa, end = gpa + naive->buf[b].len, stop;

		for (; gpa < end; gpa = stop) {
			stop = gpa / frame * frame + frame;
			stop = stop < end ? stop : end;
			if (chain && (nr >= chain->nr_out + chain->nr_in || chain->piece[nr].len != stop - gpa ||
				      chain->piece[nr].data != fake_space_at(space, gpa)))
				return -1;
			nr++;
			ins += naive->buf[b].in;
			*(naive->buf[b].in ? &in_len : &out_len) += stop - gpa;
		}
	}
	if (chain && (chain->nr_in != ins || chain->nr_out != nr - ins || chain->in_len != in_len ||
		      chain->out_len != out_len))
		return -1;
	return nr;
}

static u32 some_len(unsigned int frame_size)
{
	switch (below(40)) {
	case 0:
		return 0;
	case 1:
		return 1U << below(32);
	case 2:
		return -1 - below(100);
	default:
		return one_in(4) ? below(2 * frame_size) + 1 : below(2000) + 1;
	}
}

static void some_desc(struct ivm_space *space, u64 table, unsigned int i, unsigned int count, bool writable,
		      unsigned int frame_size)
{
	u64 addr = 0x40000 + below(0x80000);
	u16 flags = (writable ? FAKE_DESC_WRITE : 0) | (one_in(4) ? 0 : FAKE_DESC_NEXT);

	if (one_in(60))
		addr = RAM_END - below(100);
	if (one_in(60))
		addr = 0ULL - below(100);
	if (one_in(80))
		flags = below(65536);
	fake_ring_desc(space, table, i, addr, some_len(frame_size), flags, one_in(20) ? below(count + 2) : i + 1);
}

TEST_F(vq, random_rings_are_what_the_naive_walk_says)
{
	unsigned int round, i, good = 0, bad = 0, count, writable;
	static struct naive naive;
	bool fine;
	int want;

	spin_unlock_bh(&self->vq.lock);
	for (round = 0; round < 40000; round++) {
		fake_ring_init(&self->ring, self->space, 16, variant->at);
		self->vq.broken = false;
		ASSERT_EQ(0, enable(&self->vq, &self->ring, FEATURES));
		writable = below(20);
		for (i = 0; i < 16; i++)
			some_desc(self->space, self->ring.desc, i, 16, i >= writable, variant->frame_size);
		count = 1 + below(80);
		writable = below(100);
		for (i = 0; i < count; i++)
			some_desc(self->space, 0x30000 - 32 + below(2) * 3, i, count, i >= writable, variant->frame_size);
		if (one_in(2))
			fake_ring_desc(self->space, self->ring.desc, below(16), 0x30000 - 32 + below(2) * 3,
				       16 * count - one_in(30), FAKE_DESC_INDIRECT | one_in(30), 0);
		i = below(17);
		fake_ring_offer(&self->ring, i);
		fine = naive_walk(self->space, &self->ring, i, &naive);
		want = fine ? naive_cut(self->space, &naive, variant->frame_size, NULL) : 0;
		fine = fine && want <= IVM_VQ_CHAIN_MAX;
		spin_lock_bh(&self->vq.lock);
		ASSERT_EQ(fine ? 1 : -EIO, ivm_vq_pop(&self->vq, &self->chain)) TH_LOG("round %u", round);
		spin_unlock_bh(&self->vq.lock);
		if (fine)
			ASSERT_EQ(want, naive_cut(self->space, &naive, variant->frame_size, &self->chain));
		good += fine;
		bad += !fine;
	}
	EXPECT_GT(good, 10000);
	EXPECT_GT(bad, 10000);
	spin_lock_bh(&self->vq.lock);
}

/* What ivm_vq_pop_room() must find, by single pops. */
static int naive_room(struct ivm_vq *vq, u32 len, unsigned int most, struct ivm_room *room)
{
	struct ivm_chain chain;
	unsigned int i;
	int ret;

	while (room->len < len) {
		if (room->nr == most)
			return -EMSGSIZE;
		ret = ivm_vq_pop(vq, &chain);
		if (ret <= 0)
			return ret;
		if (!chain.nr_in)
			return -EIO;
		if (room->nr_pieces + chain.nr_in - (room->nr + 1) > IVM_VQ_ROOM_EXTRA)
			return -EMSGSIZE;
		for (i = 0; i < chain.nr_in; i++)
			room->piece[room->nr_pieces++] = chain.piece[chain.nr_out + i];
		room->chain[room->nr].id = chain.head;
		room->chain[room->nr++].len = chain.in_len;
		room->len += chain.in_len;
	}
	return 1;
}

TEST_F(vq, random_room_is_what_single_pops_say)
{
	static struct ivm_room room, naive;
	unsigned int round, i, count[4] = { 0 }, wild, most;
	struct ivm_vq twin = { };
	int want, got;
	u32 len;

	spin_unlock_bh(&self->vq.lock);
	twin.space = self->space;
	for (round = 0; round < 40000; round++) {
		fake_ring_init(&self->ring, self->space, 16, variant->at);
		self->vq.broken = false;
		ASSERT_EQ(0, enable(&self->vq, &self->ring, FEATURES));
		ASSERT_EQ(0, enable(&twin, &self->ring, FEATURES));
		wild = one_in(3) ? 3 : 200;
		for (i = 0; i < 16; i++) {
			if (one_in(wild))
				some_desc(self->space, self->ring.desc, i, 16, !one_in(20), variant->frame_size);
			else
				desc(i, BUF + below(0x8000), 1 + below(300), FAKE_DESC_WRITE, 0);
		}
		for (i = 0; i < 80; i++)
			some_desc(self->space, 0x30000, i, 80, true, variant->frame_size);
		if (one_in(2))
			desc(below(16), 0x30000, 16 * 80, FAKE_DESC_INDIRECT, 0);
		for (i = below(17); i; i--)
			offer(below(one_in(100) ? 20 : 16));
		most = 1 + below(20);
		len = 1 + below(4000);
		memset(&room, 0, sizeof(room));
		memset(&naive, 0, sizeof(naive));
		spin_lock_bh(&twin.lock);
		want = naive_room(&twin, len, most, &naive);
		spin_unlock_bh(&twin.lock);
		self->vq.broken = false;
		spin_lock_bh(&self->vq.lock);
		got = ivm_vq_pop_room(&self->vq, &room, len, most);
		ASSERT_EQ(want, got) TH_LOG("round %u", round);
		ASSERT_EQ(naive.nr, room.nr);
		ASSERT_EQ(naive.nr_pieces, room.nr_pieces);
		ASSERT_EQ(naive.len, room.len);
		for (i = 0; i < room.nr; i++) {
			ASSERT_EQ(naive.chain[i].id, room.chain[i].id);
			ASSERT_EQ(naive.chain[i].len, room.chain[i].len);
		}
		for (i = 0; i < room.nr_pieces; i++) {
			ASSERT_EQ(naive.piece[i].data, room.piece[i].data);
			ASSERT_EQ(naive.piece[i].len, room.piece[i].len);
		}
		ASSERT_EQ(room.nr, self->vq.next_avail);
		ivm_vq_unpop_room(&self->vq, &room);
		ASSERT_EQ(0, self->vq.next_avail);
		spin_unlock_bh(&self->vq.lock);
		count[got == 1 ? 0 : got == 0 ? 1 : got == -EIO ? 2 : 3]++;
	}
	for (i = 0; i < 4; i++)
		EXPECT_GT(count[i], 1000) TH_LOG("answer %u", i);
	spin_lock_bh(&self->vq.lock);
}

/* ---- memory that goes ---- */

/* Not a byte more, nor less. */
TEST_F(vq, a_ring_that_goes_breaks_the_queue)
{
	const struct { u64 at, len; } ring[] = {
		{ self->ring.desc, 256 }, { self->ring.avail, 38 }, { self->ring.used, 134 },
	};
	const u64 end = ALIGN(self->ring.used + 134, 4096);
	unsigned int i;
	bool hit;
	u64 at;

	for (at = self->ring.desc & ~4095ULL; at < end; at++) {
		hit = false;
		for (i = 0; i < ARRAY_SIZE(ring); i++)
			hit |= at >= ring[i].at && at < ring[i].at + ring[i].len;
		self->vq.broken = false;
		broken = 0;
		ASSERT_EQ(hit, ivm_vq_memory_goes(&self->vq, at, 1)) TH_LOG("%llx", at);
		ASSERT_EQ(hit, self->vq.broken);
		ASSERT_EQ(hit, broken);
	}
	self->vq.broken = false;
	EXPECT_TRUE(ivm_vq_memory_goes(&self->vq, 0, RAM_END));
	self->vq.broken = false;
	EXPECT_FALSE(ivm_vq_memory_goes(&self->vq, 1ULL << 40, 1ULL << 40));
	ivm_vq_disable(&self->vq);
	EXPECT_FALSE(ivm_vq_memory_goes(&self->vq, 0, RAM_END));
}

/* Even where the device was broken already, by one who has not come to all queues yet. */
TEST_F(vq, nobody_touches_a_ring_that_is_gone)
{
	struct ivm_room room = { };
	u64 at;

	desc(0, BUF, 10, 0, 0);
	desc(1, BUF, 10, FAKE_DESC_WRITE, 0);
	offer(0);
	offer(1);
	offer(0);
	ASSERT_EQ(1, pop());
	ASSERT_EQ(1, ivm_vq_pop_room(&self->vq, &room, 10, 1));
	the_vq = &(struct ivm_vq){ };
	ASSERT_TRUE(ivm_vq_memory_goes(&self->vq, variant->at, 1024));
	for (at = variant->at & ~(variant->frame_size - 1ULL); at < variant->at + 1024; at += variant->frame_size)
		fake_space_hole(self->space, at);
	ivm_vq_memory_gone(&self->vq);
	push(0, 0);
	ivm_vq_push_room(&self->vq, &room, 10);
	EXPECT_FALSE(publish());
	EXPECT_FALSE(ivm_vq_pending(&self->vq));
	EXPECT_FALSE(ivm_vq_notify_enable(&self->vq));
	ivm_vq_notify_disable(&self->vq);
	EXPECT_EQ(-EIO, ivm_vq_rewalk(&self->vq, &self->chain));
	EXPECT_EQ(-EIO, pop());
	EXPECT_EQ(-EIO, ivm_vq_pop_room(&self->vq, &room, 10, 1));
	ivm_vq_unpop(&self->vq);
	EXPECT_EQ(-EIO, pop());
}

TEST_F(vq, buffers_that_are_gone_are_no_ram)
{
	unsigned int round;

	for (round = 0; round < 2; round++) {
		desc(0, BUF + 5, 10, round ? FAKE_DESC_WRITE : 0, 0);
		offer(0);
		ASSERT_EQ(1, pop());
		ASSERT_FALSE(ivm_vq_memory_goes(&self->vq, BUF, variant->frame_size));
		fake_space_hole(self->space, BUF);
		ivm_vq_memory_gone(&self->vq);
		if (round)
			EXPECT_EQ(-EIO, ivm_vq_rewalk(&self->vq, &self->chain));
		ivm_vq_unpop(&self->vq);
		EXPECT_EQ(-EIO, pop());
		EXPECT_EQ(1, broken);
		broken = 0;
		self->vq.broken = false;
		fake_space_fill(self->space, BUF);
		ASSERT_EQ(1, pop());
		EXPECT_EQ(fake_space_at(self->space, BUF + 5), self->chain.piece[0].data);
	}
}

/* Memory went and came again elsewhere, and the driver thought better of it. */
TEST_F(vq, a_chain_is_found_anew)
{
	void *before;

	desc(3, BUF, 10, FAKE_DESC_NEXT, 4);
	desc(4, BUF + 100, 20, FAKE_DESC_WRITE, 0);
	offer(3);
	ASSERT_EQ(1, pop());
	before = self->chain.piece[0].data;
	fake_space_hole(self->space, BUF);
	fake_space_fill(self->space, BUF);
	ivm_vq_memory_gone(&self->vq);
	EXPECT_EQ(1, ivm_vq_rewalk(&self->vq, &self->chain));
	EXPECT_NE(before, self->chain.piece[0].data);
	EXPECT_EQ(fake_space_at(self->space, BUF), self->chain.piece[0].data);
	EXPECT_EQ(20, self->chain.in_len);
	desc(4, BUF + 200, 30, FAKE_DESC_WRITE, 0);
	EXPECT_EQ(1, ivm_vq_rewalk(&self->vq, &self->chain));
	EXPECT_EQ(3, self->chain.head);
	EXPECT_EQ(30, self->chain.in_len);
	EXPECT_EQ(1, self->vq.next_avail);
	desc(4, RAM_END, 30, FAKE_DESC_WRITE, 0);
	EXPECT_EQ(-EIO, ivm_vq_rewalk(&self->vq, &self->chain));
	EXPECT_EQ(1, broken);
}

TEST_F(vq, bytes_of_a_chain)
{
	u8 data[64], got[64];
	unsigned int i, at, len;
	u32 want;

	for (i = 0; i < 10; i++) {
		*fake_space_at(self->space, BUF + 100 * i) = 2 * i;
		*fake_space_at(self->space, BUF + 100 * i + 1) = 2 * i + 1;
		desc(i, BUF + 100 * i, 2, FAKE_DESC_NEXT, i + 1);
	}
	for (; i < 15; i++)
		desc(i, BUF + 100 * i, 3, FAKE_DESC_WRITE | (i < 14 ? FAKE_DESC_NEXT : 0), i + 1);
	offer(0);
	ASSERT_EQ(1, pop());
	for (at = 0; at < 25; at++) {
		for (len = 0; len < 25; len++) {
			memset(got, 0xee, sizeof(got));
			want = at < 20 ? min(len, 20 - at) : 0;
			ASSERT_EQ(want, ivm_chain_read(&self->chain, at, got, len));
			for (i = 0; i < want; i++)
				ASSERT_EQ(at + i, got[i]);
			ASSERT_EQ(0xee, got[i]);
		}
	}
	EXPECT_EQ(0, ivm_chain_read(&self->chain, ~0U, got, 1));
	for (len = 0; len <= 15; len++) {
		for (i = 0; i < 15; i++)
			*fake_space_at(self->space, BUF + 100 * (10 + i / 3) + i % 3) = 0x99;
		memset(data, 0x10 + len, sizeof(data));
		ivm_chain_write(&self->chain, data, len);
		for (i = 0; i < 15; i++)
			ASSERT_EQ(i < len ? 0x10 + len : 0x99,
				  *fake_space_at(self->space, BUF + 100 * (10 + i / 3) + i % 3));
	}
}

/* ---- two threads: no wake-up is lost ---- */

#define MESSAGES	200000
#define EDGE_MS		2000	/* machines under load change threads slowly */

struct party {
	struct fake_ring *ring;
	struct ivm_vq *vq;
	int doorbell, interrupt;	/* posted and not yet taken */
	unsigned int doorbells, interrupts;
	bool over, failed;
};

static u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

static void post(int *semaphore)
{
	__atomic_store_n(semaphore, 1, __ATOMIC_SEQ_CST);
}

/* Return: false after a time that only a lost wake-up takes. */
static bool wait_for(struct party *p, int *semaphore)
{
	u64 end = now_ms() + 10000;
	unsigned int i;

	for (i = 1; !__atomic_exchange_n(semaphore, 0, __ATOMIC_SEQ_CST) && !READ_ONCE(p->over); i++) {
		if (i % 64)
			continue;
		sched_yield();
		if (now_ms() > end)
			return false;
	}
	return true;
}

static void *driver(void *arg)
{
	struct party *p = arg;
	unsigned int sent = 0, got = 0;
	u16 kicked = 0, event;
	u32 id, len;

	while (got < MESSAGES) {
		while (sent < MESSAGES && sent - got < p->ring->size) {
			fake_ring_desc(p->ring->space, p->ring->desc, sent % 16, BUF, 1 + sent % 100, 0, 0);
			fake_ring_offer(p->ring, sent++ % 16);
		}
		event = fake_ring_wanted(p->ring);
		if ((u16)(p->ring->avail_idx - event - 1) < (u16)(p->ring->avail_idx - kicked)) {
			p->doorbells++;
			post(&p->doorbell);
		}
		kicked = p->ring->avail_idx;
		while (fake_ring_take(p->ring, &id, &len)) {
			if (id != got % 16 || len != got)
				p->failed = true;
			got++;
		}
		if (sent < MESSAGES && sent - got < p->ring->size)
			continue;
		fake_ring_want(p->ring, p->ring->used_idx);
		if ((u16)fake_ring_get(p->ring->space, p->ring->used + 2, 2) != p->ring->used_idx)
			continue;
		if (got < MESSAGES && !wait_for(p, &p->interrupt)) {
			p->failed = true;
			break;
		}
	}
	return NULL;
}

static void *device(void *arg)
{
	struct party *p = arg;
	struct ivm_chain chain;
	unsigned int done = 0;

	while (done < MESSAGES) {
		spin_lock_bh(&p->vq->lock);
		do {
			ivm_vq_notify_disable(p->vq);
			while (ivm_vq_pop(p->vq, &chain) == 1) {
				if (chain.out_len != 1 + done % 100)
					p->failed = true;
				ivm_vq_push(p->vq, chain.head, done++);
				if (done % 3 == 0 && ivm_vq_publish(p->vq)) {
					p->interrupts++;
					post(&p->interrupt);
				}
			}
			if (ivm_vq_publish(p->vq)) {
				p->interrupts++;
				post(&p->interrupt);
			}
		} while (ivm_vq_notify_enable(p->vq));
		spin_unlock_bh(&p->vq->lock);
		if (done < MESSAGES && !wait_for(p, &p->doorbell)) {
			p->failed = true;
			break;
		}
	}
	return NULL;
}

static void two(struct party *p, void *(*driver)(void *), void *(*device)(void *))
{
	pthread_t a, b;

	BUG_ON(pthread_create(&a, NULL, driver, p) || pthread_create(&b, NULL, device, p));
	pthread_join(a, NULL);
	pthread_join(b, NULL);
}

TEST_F(vq, no_wake_up_is_lost_between_two_threads)
{
	struct party p = { .ring = &self->ring, .vq = &self->vq };

	spin_unlock_bh(&self->vq.lock);
	two(&p, driver, device);
	EXPECT_FALSE(p.failed);
	EXPECT_EQ(0, broken);
	EXPECT_GT(p.doorbells, 0);
	EXPECT_GT(p.interrupts, 0);
	spin_lock_bh(&self->vq.lock);
}

/*
 * One message at a time, the next as soon as one is back, so that each round is
 * the moment at which one side goes to sleep and the other looks whether it
 * sleeps. First the device sleeps, then the driver.
 */

static void *eager_driver(void *arg)
{
	struct party *p = arg;
	u64 end = now_ms() + EDGE_MS;
	unsigned int i, spins;
	u32 id, len;
	u16 event;

	for (i = 0; i < MESSAGES && now_ms() < end && !READ_ONCE(p->failed); i++) {
		fake_ring_desc(p->ring->space, p->ring->desc, 0, BUF, 1, 0, 0);
		fake_ring_offer(p->ring, 0);
		event = fake_ring_wanted(p->ring);
		if (event == (u16)(p->ring->avail_idx - 1))
			post(&p->doorbell);
		for (spins = 1; !fake_ring_take(p->ring, &id, &len) && !READ_ONCE(p->failed); spins++)
			if (spins % 256 == 0)
				sched_yield();
	}
	WRITE_ONCE(p->over, true);
	return NULL;
}

static void *sleepy_device(void *arg)
{
	struct party *p = arg;
	struct ivm_chain chain;

	spin_lock_bh(&p->vq->lock);
	while (!READ_ONCE(p->over)) {
		if (ivm_vq_pop(p->vq, &chain) == 1) {
			ivm_vq_push(p->vq, chain.head, 0);
			ivm_vq_publish(p->vq);
		}
		if (!ivm_vq_notify_enable(p->vq) && !wait_for(p, &p->doorbell)) {
			WRITE_ONCE(p->failed, true);
			break;
		}
	}
	spin_unlock_bh(&p->vq->lock);
	return NULL;
}

static void *eager_device(void *arg)
{
	struct party *p = arg;
	struct ivm_chain chain;
	unsigned int spins = 0;

	spin_lock_bh(&p->vq->lock);
	while (!READ_ONCE(p->over)) {
		if (ivm_vq_pop(p->vq, &chain) == 1) {
			ivm_vq_push(p->vq, chain.head, 0);
			if (ivm_vq_publish(p->vq))
				post(&p->interrupt);
		} else if (++spins % 256 == 0) {
			sched_yield();
		}
	}
	spin_unlock_bh(&p->vq->lock);
	return NULL;
}

static void *sleepy_driver(void *arg)
{
	u64 end = now_ms() + EDGE_MS;
	struct party *p = arg;
	unsigned int i;
	u32 id, len;

	for (i = 0; i < MESSAGES && now_ms() < end && !p->failed; i++) {
		fake_ring_desc(p->ring->space, p->ring->desc, 0, BUF, 1, 0, 0);
		fake_ring_offer(p->ring, 0);
		for (;;) {
			fake_ring_want(p->ring, p->ring->used_idx);
			if (fake_ring_take(p->ring, &id, &len))
				break;
			if (!wait_for(p, &p->interrupt)) {
				p->failed = true;
				break;
			}
		}
	}
	WRITE_ONCE(p->over, true);
	return NULL;
}

TEST_F(vq, no_wake_up_is_lost_on_the_edge)
{
	struct party p = { .ring = &self->ring, .vq = &self->vq };

	spin_unlock_bh(&self->vq.lock);
	two(&p, eager_driver, sleepy_device);
	EXPECT_FALSE(p.failed) TH_LOG("the device sleeps");
	p.over = false;
	fake_ring_init(&self->ring, self->space, 16, variant->at);
	ASSERT_EQ(0, enable(&self->vq, &self->ring, FEATURES));
	two(&p, sleepy_driver, eager_device);
	EXPECT_FALSE(p.failed) TH_LOG("the driver sleeps");
	spin_lock_bh(&self->vq.lock);
}

/* ---- two threads: the guest writes everything at any moment ---- */

static bool over;

static void *scribbler(void *arg)
{
	struct fake_ring *ring = arg;
	u64 state = 1, at;

	while (!READ_ONCE(over)) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		at = state >> 40;
		switch (state >> 20 & 7) {
		case 0:		/* lengths, flags, next */
			fake_ring_set(ring->space, ring->desc + 8 + 16 * (at % 16), 8,
				      (at >> 4) % 300 | (at >> 13 & 7) << 32 | (at >> 16 & 15) << 48);
			break;
		case 1:
			fake_ring_set(ring->space, ring->desc + 16 * (at % 16), 8, 0x30000 + (at >> 4) % 1000 * 8);
			break;
		case 2:		/* tables, near there */
			fake_ring_set(ring->space, 0x30000 + 16 * (at % 300), 8, BUF + (at >> 4) % 65536);
			break;
		case 3:
			fake_ring_set(ring->space, 0x30008 + 16 * (at % 300), 8,
				      (at >> 4) % 9000 | (at >> 13 & 3) << 32 | (at >> 16 & 15) << 48);
			break;
		case 4:
			fake_ring_set(ring->space, ring->avail + 4 + 2 * (at % 16), 2, (at >> 4) % 17);
			break;
		default:
			fake_ring_set(ring->space, ring->avail + 2, 2,
				      (u16)fake_ring_get(ring->space, ring->used + 2, 2) + at % 17);
		}
	}
	return NULL;
}

/* As a device would: reads what is to be read, writes what is to be written. The address sanitizer watches. */
static unsigned int touch(const struct ivm_chain *chain)
{
	unsigned int i, sum = 0, b;
	u64 out = 0, in = 0;

	BUG_ON(chain->nr_out + chain->nr_in > IVM_VQ_CHAIN_MAX || !(chain->nr_out + chain->nr_in));
	for (i = 0; i < chain->nr_out + chain->nr_in; i++) {
		const struct ivm_piece *piece = &chain->piece[i];
		u8 *data = piece->data;

		BUG_ON(!piece->len);
		*(i < chain->nr_out ? &out : &in) += piece->len;
		for (b = 0; b < piece->len; b += b + 1 < piece->len ? piece->len - 1 : 1)
			if (i < chain->nr_out)
				sum += READ_ONCE(data[b]);
			else
				WRITE_ONCE(data[b], 0x55);
	}
	BUG_ON(out != chain->out_len || in != chain->in_len);
	return sum;
}

TEST_F(vq, memory_that_changes_under_the_walk)
{
	unsigned int i, good = 0, sum = 0;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, scribbler, &self->ring));
	for (i = 0; i < 50000000 && (good < 20000 || broken < 2000); i++) {
		int found = pop();

		if (!found) {
			sched_yield();
		} else if (found == 1) {
			good++;
			sum += touch(&self->chain);
			push(self->chain.head, sum);
			publish();
			if (i % 5 == 0)
				ivm_vq_unpop(&self->vq);
		}
		if (i % 7 == 0 && ivm_vq_notify_enable(&self->vq))
			ivm_vq_notify_disable(&self->vq);
		if (self->vq.broken) {
			self->vq.broken = false;
			spin_unlock_bh(&self->vq.lock);
			ASSERT_EQ(0, enable(&self->vq, &self->ring, FEATURES));
			spin_lock_bh(&self->vq.lock);
			fake_ring_set(self->space, self->ring.used + 2, 2, 0);
		}
	}
	WRITE_ONCE(over, true);
	pthread_join(thread, NULL);
	EXPECT_GE(good, 20000);
	EXPECT_GE(broken, 2000);
}

TEST_HARNESS_MAIN
