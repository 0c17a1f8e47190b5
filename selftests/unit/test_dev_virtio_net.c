// SPDX-License-Identifier: GPL-2.0-only
/* A virtual network card between a driver and a switch, both fake: see fake_card.h. */
/* sources: kmod/dev/virtio_net.c kmod/dev/virtio_net_hdr.c kmod/dev/virtio_net_flow.c
 * kmod/dev/virtio_net_tx.c kmod/dev/virtio_net_rx.c kmod/dev/virtio_net_filter.c
 * kmod/dev/virtio_net_ctrl.c selftests/unit/fake_card.c */
#include "unit.h"

#include <string.h>

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <asm/byteorder.h>
#include <asm/unaligned.h>

#include "fake_card.h"
#include "dev/virtio_net.h"

#define MTU	1500
#define HDR	12
#define RX	0
#define TX	1

FIXTURE(card) { struct ivm_virtio_net *card; u8 data[70000], got[70000]; };
FIXTURE_SETUP(card)
{
	unsigned int i;

	for (i = 0; i < sizeof(self->data); i++)
		self->data[i] = i * 7 + i / 251;
	memcpy(self->data, fake_mac, 6);
	put_unaligned_be16(0x88b5, self->data + 12);
	self->card = fake_card(1, MTU);
	ASSERT_FALSE(IS_ERR(self->card));
}
FIXTURE_TEARDOWN(card)
{
	fake_card_destroy(self->card);
	EXPECT_EQ(0, shim_alloc_live());
}

/* Another one in its place. */
static struct ivm_virtio_net *card_with(FIXTURE_DATA(card) *self, unsigned int queues, unsigned int mtu)
{
	fake_card_destroy(self->card);
	self->card = fake_card(queues, mtu);
	return self->card;
}

#define ALL	fake_offered(self->card)
#define SIMPLE	(ALL & ~VNET_F_MRG_RXBUF)

static void start(FIXTURE_DATA(card) *self, u64 features)
{
	if (!fake_driver_start(self->card, features))
		__builtin_trap();
	ivm_virtio_net_work(self->card);
}

/* A frame of @len bytes behind a header, in pieces of @cut. */
static struct fake_chain *offer_tx(FIXTURE_DATA(card) *self, const struct ivm_vnet_hdr *hdr, u32 len, u32 cut,
				   unsigned int queue)
{
	struct fake_chain *chain = fake_chain(self->card, queue);
	u8 *all = malloc(HDR + len);
	u32 at, n;

	memcpy(all, hdr, HDR);
	memcpy(all + HDR, self->data, len);
	for (at = 0; at < HDR + len; at += n) {
		n = min_t(u32, cut, HDR + len - at);
		fake_out(chain, all + at, n);
	}
	free(all);
	fake_offer(self->card, queue);
	return chain;
}

static const struct ivm_vnet_hdr plain;

static void ring_and_work(FIXTURE_DATA(card) *self, unsigned int queue)
{
	fake_ring(self->card, queue);
	ivm_virtio_net_work(self->card);
}

static struct fake_chain *offer_rx(FIXTURE_DATA(card) *self, u32 len, u32 cut, unsigned int queue)
{
	struct fake_chain *chain = fake_chain(self->card, queue);
	u32 n;

	for (; len; len -= n) {
		n = min(len, cut);
		fake_in(chain, n);
	}
	fake_offer(self->card, queue);
	return chain;
}

static int deliver(FIXTURE_DATA(card) *self, u32 len, u32 cut)
{
	struct ivm_frame *frame = fake_frame(self->data, len, cut);
	int ret = fake_deliver(self->card, frame);

	fake_frame_free(frame);
	return ret;
}

/* ---- configuration and features ---- */

TEST_F(card, configuration_says_who_it_is)
{
	u8 mac[6];
	unsigned int i;

	for (i = 0; i < 6; i++)
		mac[i] = fake_config(self->card, i, 1);
	EXPECT_EQ(0, memcmp(mac, fake_mac, 6));
	EXPECT_EQ(get_unaligned_le32(fake_mac), fake_config(self->card, 0, 4));
	EXPECT_EQ(VNET_S_LINK_UP, fake_config(self->card, 6, 2));
	EXPECT_EQ(1, fake_config(self->card, 8, 2));
	EXPECT_EQ(MTU, fake_config(self->card, 10, 2));
	EXPECT_EQ(10000, fake_config(self->card, 12, 4));
	EXPECT_EQ(1, fake_config(self->card, 16, 1));
	EXPECT_FALSE(ALL & VNET_F_MQ);
	card_with(self, 4, 9000);
	EXPECT_EQ(4, fake_config(self->card, 8, 2));
	EXPECT_EQ(9000, fake_config(self->card, 10, 2));
	EXPECT_TRUE(ALL & VNET_F_MQ);
}

TEST_F(card, features_need_others)
{
	static const struct { u64 feature, without; } cases[] = {
		{ VNET_F_GUEST_TSO4, VNET_F_GUEST_CSUM }, { VNET_F_GUEST_TSO6, VNET_F_GUEST_CSUM },
		{ VNET_F_GUEST_USO4, VNET_F_GUEST_CSUM }, { VNET_F_GUEST_USO6, VNET_F_GUEST_CSUM },
		{ VNET_F_GUEST_ECN, VNET_F_GUEST_TSO4 | VNET_F_GUEST_TSO6 },
		{ VNET_F_HOST_TSO4, VNET_F_CSUM }, { VNET_F_HOST_TSO6, VNET_F_CSUM },
		{ VNET_F_HOST_USO, VNET_F_CSUM }, { VNET_F_HOST_ECN, VNET_F_HOST_TSO4 | VNET_F_HOST_TSO6 },
		{ VNET_F_CTRL_RX, VNET_F_CTRL_VQ }, { VNET_F_CTRL_VLAN, VNET_F_CTRL_VQ },
		{ VNET_F_CTRL_RX_EXTRA, VNET_F_CTRL_VQ }, { VNET_F_GUEST_ANNOUNCE, VNET_F_CTRL_VQ },
		{ VNET_F_CTRL_MAC_ADDR, VNET_F_CTRL_VQ }, { VNET_F_CTRL_GUEST_OFFLOADS, VNET_F_CTRL_VQ },
		{ VNET_F_MQ, VNET_F_CTRL_VQ },
	};
	unsigned int i;

	card_with(self, 2, MTU);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_FALSE(fake_driver_start(self->card, cases[i].feature)) TH_LOG("case %u", i);
		EXPECT_FALSE(fake_driver_start(self->card, ALL & ~cases[i].without)) TH_LOG("case %u", i);
	}
	EXPECT_TRUE(fake_driver_start(self->card, 0));
	EXPECT_TRUE(fake_driver_start(self->card, VNET_F_GUEST_CSUM | VNET_F_GUEST_TSO6 | VNET_F_GUEST_ECN));
	EXPECT_TRUE(fake_driver_start(self->card, ALL));
}

TEST_F(card, the_switch_hears_of_the_driver)
{
	struct ivm_nic *nic = fake_nic(self->card);

	EXPECT_FALSE(nic->up);
	fake_driver_start(self->card, ALL);
	EXPECT_TRUE(fake_deferred(self->card));
	EXPECT_FALSE(nic->up);
	ivm_virtio_net_work(self->card);
	EXPECT_TRUE(nic->up);
	EXPECT_TRUE(nic->features.csum && nic->features.tso4 && nic->features.tso6 && nic->features.ecn &&
		    nic->features.uso);
	fake_driver_stop(self->card);
	shim_work_run();
	EXPECT_FALSE(nic->up);
	start(self, VNET_F_GUEST_CSUM | VNET_F_GUEST_TSO4 | VNET_F_GUEST_USO4);
	EXPECT_TRUE(nic->up && nic->features.csum && nic->features.tso4);
	EXPECT_FALSE(nic->features.tso6 || nic->features.ecn || nic->features.uso);
	ivm_virtio_net_quiesce(self->card);
	EXPECT_FALSE(nic->up);
}

TEST_F(card, creation_fails_whole)
{
	unsigned int live = shim_alloc_live(), i;
	struct ivm_virtio_net *card;

	for (i = 1; i < 20; i++) {
		shim_alloc_fail(i);
		card = fake_card(2, MTU);
		shim_alloc_fail(0);
		if (!IS_ERR(card))
			break;
		EXPECT_EQ(-ENOMEM, PTR_ERR(card));
		EXPECT_EQ(live, shim_alloc_live());
	}
	EXPECT_EQ(6, i);	/* card, two arrays, transport, switch */
	fake_card_destroy(card);
	fake_nic_fails = -ENODEV;
	EXPECT_EQ(-ENODEV, PTR_ERR(fake_card(1, MTU)));
	fake_nic_fails = 0;
	fake_virtio_fails = -EBUSY;
	EXPECT_EQ(-EBUSY, PTR_ERR(fake_card(1, MTU)));
	fake_virtio_fails = 0;
	EXPECT_EQ(live, shim_alloc_live());
}

TEST_F(card, its_name_is_the_net_devices)
{
	char name[IFNAMSIZ];
	u32 ifindex = 0;

	ivm_virtio_net_name(self->card, name, &ifindex);
	EXPECT_STREQ("nic0", name);
	EXPECT_EQ(7, ifindex);
}

TEST_F(card, link_and_announcement)
{
	const struct ivm_nic_ops *ops = fake_nic(self->card)->ops;

	ops->link(self->card, false);
	EXPECT_EQ(0, fake_config(self->card, 6, 2));
	EXPECT_EQ(0, fake_config_changes(self->card));	/* no driver yet */
	ops->link(self->card, true);
	EXPECT_EQ(VNET_S_LINK_UP, fake_config(self->card, 6, 2));
	start(self, ALL);
	ops->link(self->card, true);
	EXPECT_EQ(0, fake_config_changes(self->card));
	EXPECT_EQ(VNET_S_LINK_UP, fake_config(self->card, 6, 2));
	ops->link(self->card, false);
	EXPECT_EQ(1, fake_config_changes(self->card));
	ops->link(self->card, false);
	EXPECT_EQ(1, fake_config_changes(self->card));
	ops->link(self->card, true);
	EXPECT_EQ(2, fake_config_changes(self->card));
	EXPECT_EQ(VNET_S_LINK_UP | VNET_S_ANNOUNCE, fake_config(self->card, 6, 2));
	fake_driver_stop(self->card);
	start(self, ALL & ~VNET_F_GUEST_ANNOUNCE);
	EXPECT_EQ(VNET_S_LINK_UP, fake_config(self->card, 6, 2));
	ops->link(self->card, false);
	ops->link(self->card, true);
	EXPECT_EQ(VNET_S_LINK_UP, fake_config(self->card, 6, 2));
}

/* ---- from the guest ---- */

TEST_F(card, frames_are_sent_whatever_their_pieces)
{
	static const u32 lens[] = { 14, 60, 100, 180, 181, 192, 193, 400, 600, 1514, 1518 };
	struct ivm_nic *nic = fake_nic(self->card);
	struct fake_chain *chain;
	unsigned int i, n = 0;
	u32 cut;

	start(self, ALL);
	for (i = 0; i < ARRAY_SIZE(lens); i++)
		for (cut = 1; cut <= 1600; cut = cut < 24 ? cut + 1 : cut * 2 + 1) {
			if ((HDR + lens[i] + cut - 1) / cut > IVM_VQ_CHAIN_MAX)
				continue;
			chain = offer_tx(self, &plain, lens[i], cut, TX);
			ring_and_work(self, TX);
			ASSERT_EQ(++n, nic->frames);
			ASSERT_EQ(lens[i], nic->last.frame.len);
			ASSERT_EQ(0, memcmp(self->data, nic->last.data, lens[i])) TH_LOG("%u in %u", lens[i], cut);
			ASSERT_TRUE(chain->pushed);
			ASSERT_EQ(0, chain->used);
			ASSERT_EQ(n, fake_queue(self->card, TX)->published);
		}
	EXPECT_LT(150, n);
}

TEST_F(card, frames_that_do_not_fit_are_counted_and_given_back)
{
	struct ivm_virtio_net_counts counts;
	struct fake_chain *chain, *last;
	struct ivm_vnet_hdr hdr = { };

	start(self, ALL);
	offer_tx(self, &plain, 0, 11, TX);		/* a header alone */
	offer_tx(self, &plain, 13, 100, TX);
	offer_tx(self, &plain, MTU + 19, 100, TX);
	chain = fake_chain(self->card, TX);		/* less than a header */
	fake_out(chain, &plain, 11);
	fake_offer(self->card, TX);
	chain = fake_chain(self->card, TX);		/* nothing to read at all */
	fake_in(chain, 100);
	fake_offer(self->card, TX);
	chain = fake_chain(self->card, TX);		/* something to write */
	fake_out(chain, self->data, 100);
	fake_in(chain, 1);
	fake_offer(self->card, TX);
	hdr.gso_type = 3;				/* fragments were never offered */
	offer_tx(self, &hdr, 100, 1000, TX);
	hdr = (struct ivm_vnet_hdr){ .flags = 1, .csum_start = cpu_to_le16(99), .csum_offset = 0 };
	offer_tx(self, &hdr, 100, 1000, TX);
	last = offer_tx(self, &plain, 60, 1000, TX);
	ring_and_work(self, TX);
	EXPECT_EQ(1, fake_nic(self->card)->frames);
	EXPECT_TRUE(last->pushed);
	EXPECT_EQ(9, fake_queue(self->card, TX)->published);
	EXPECT_FALSE(fake_broken(self->card));
	ivm_virtio_net_counts(self->card, &counts);
	EXPECT_EQ(3, counts.bad_length);
	EXPECT_EQ(3, counts.bad_chain);
	EXPECT_EQ(1, counts.bad_gso);
	EXPECT_EQ(1, counts.bad_csum);
	EXPECT_EQ(0, counts.broken);
}

TEST_F(card, a_batch_is_shown_once_and_interrupts_once)
{
	struct fake_queue *q;
	unsigned int i;

	start(self, ALL);
	q = fake_queue(self->card, TX);
	EXPECT_TRUE(q->doorbell);
	for (i = 0; i < 20; i++)
		offer_tx(self, &plain, 60, 1000, TX);
	ring_and_work(self, TX);
	EXPECT_EQ(20, q->published);
	EXPECT_EQ(1, q->interrupts);
	EXPECT_TRUE(q->doorbell);
	q->quiet = true;
	offer_tx(self, &plain, 60, 1000, TX);
	ring_and_work(self, TX);
	EXPECT_EQ(21, q->published);
	EXPECT_EQ(1, q->interrupts);
}

TEST_F(card, others_get_their_turn_when_the_budget_is_spent)
{
	struct ivm_nic *nic = fake_nic(self->card);
	unsigned int i;

	start(self, ALL);
	for (i = 0; i < 3 * IVM_VNET_BUDGET_FRAMES; i++)
		offer_tx(self, &plain, 60, 1000, TX);
	ring_and_work(self, TX);
	EXPECT_EQ(IVM_VNET_BUDGET_FRAMES, nic->frames);
	EXPECT_FALSE(fake_queue(self->card, TX)->doorbell);
	EXPECT_LE(2, shim_work_run());
	EXPECT_EQ(3 * IVM_VNET_BUDGET_FRAMES, nic->frames);
	EXPECT_TRUE(fake_queue(self->card, TX)->doorbell);
	EXPECT_EQ(0, shim_work_run());
}

TEST_F(card, big_frames_spend_the_budget_sooner)
{
	struct ivm_nic *nic = fake_nic(self->card);
	unsigned int i;

	card_with(self, 1, 60000);
	nic = fake_nic(self->card);
	start(self, ALL);
	for (i = 0; i < 10; i++)
		offer_tx(self, &plain, 60000, 2000, TX);
	ring_and_work(self, TX);
	EXPECT_EQ(5, nic->frames);
	shim_work_run();
	EXPECT_EQ(10, nic->frames);
}

TEST_F(card, a_ring_that_flickers_does_not_hold_us)
{
	start(self, ALL);
	fake_queue(self->card, TX)->flicker = 1000000;
	ring_and_work(self, TX);
	EXPECT_LT(999900, fake_queue(self->card, TX)->flicker);
	fake_queue(self->card, TX)->flicker = 0;
	shim_work_run();
	fake_queue(self->card, RX)->flicker = 1000000;
	EXPECT_EQ(-EAGAIN, deliver(self, 60, 1000));
	EXPECT_LT(999900, fake_queue(self->card, RX)->flicker);
}

TEST_F(card, what_is_not_taken_is_kept_until_there_is_room)
{
	struct ivm_nic *nic = fake_nic(self->card);
	struct fake_queue *q;
	unsigned int i;

	start(self, ALL);
	q = fake_queue(self->card, TX);
	for (i = 0; i < 5; i++)
		offer_tx(self, &plain, 60 + i, 1000, TX);
	nic->again = 1;
	ring_and_work(self, TX);
	EXPECT_EQ(0, nic->frames);
	EXPECT_EQ(0, q->published);
	EXPECT_FALSE(q->doorbell);
	EXPECT_EQ(0, shim_work_run());		/* nobody tries before resume() */
	nic->ops->resume(nic->ctx, 0);
	nic->ops->resume(nic->ctx, 0);
	nic->ops->resume(nic->ctx, 1);		/* no such queue */
	EXPECT_EQ(1, shim_work_run());
	EXPECT_EQ(5, nic->frames);
	EXPECT_EQ(64, nic->last.frame.len);	/* in order */
	EXPECT_EQ(5, q->published);
	EXPECT_TRUE(q->doorbell);
}

TEST_F(card, room_that_comes_before_the_sender_gave_up_is_not_missed)
{
	struct ivm_nic *nic = fake_nic(self->card);

	start(self, ALL);
	offer_tx(self, &plain, 60, 1000, TX);
	nic->again = 3;
	nic->resume_at_once = true;
	ring_and_work(self, TX);
	EXPECT_EQ(0, nic->frames);
	shim_work_run();
	EXPECT_EQ(1, nic->frames);
}

/* Rings while somebody is at work on the queue. */
static void ring_meanwhile(struct ivm_nic *nic)
{
	struct ivm_virtio_net *card = nic->ctx;
	struct fake_chain *chain;

	nic->sending = NULL;
	shim_unlock_bh(&card->tx[0].vq->lock);	/* as if on another CPU */
	chain = fake_chain(card, TX);
	fake_out(chain, &plain, sizeof(plain));
	fake_out(chain, nic->params.mac, 6);
	fake_out(chain, "\1\2\3\4\5\6\7\10\11\12", 10);
	fake_offer(card, TX);
	fake_ring(card, TX);
	ivm_virtio_net_work(card);		/* finds it busy */
	shim_lock_bh(&card->tx[0].vq->lock);
}

TEST_F(card, a_doorbell_for_a_busy_queue_is_not_lost)
{
	struct ivm_nic *nic = fake_nic(self->card);

	start(self, ALL);
	offer_tx(self, &plain, 60, 1000, TX);
	nic->sending = ring_meanwhile;
	nic->again = 1;			/* so that the one at work does not come to the new one */
	ring_and_work(self, TX);
	EXPECT_EQ(0, nic->frames);
	shim_work_run();
	EXPECT_EQ(2, nic->frames);
	EXPECT_EQ(16, nic->last.frame.len);
}

/* What net_stop() does on another CPU before it waits for the queue's lock. */
static void stop_meanwhile(struct ivm_nic *nic)
{
	struct ivm_virtio_net *card = nic->ctx;

	WRITE_ONCE(card->shut, true);
}

TEST_F(card, a_driver_that_stops_ends_a_batch)
{
	struct ivm_nic *nic = fake_nic(self->card);
	unsigned int i;

	start(self, ALL);
	for (i = 0; i < 5; i++)
		offer_tx(self, &plain, 60, 1000, TX);
	nic->sending = stop_meanwhile;
	ring_and_work(self, TX);
	EXPECT_EQ(1, nic->frames);
	fake_driver_stop(self->card);
	shim_work_run();
	EXPECT_EQ(1, nic->frames);
}

TEST_F(card, a_broken_ring_stops_the_card_until_it_is_reset)
{
	struct ivm_nic *nic = fake_nic(self->card);
	struct ivm_virtio_net_counts counts;
	unsigned int queue;

	for (queue = RX; queue <= 2; queue++) {
		start(self, ALL);
		EXPECT_TRUE(nic->up);
		offer_rx(self, 2000, 2000, RX);
		fake_queue(self->card, queue)->breaks = true;
		if (queue == RX)
			EXPECT_EQ(-ENETDOWN, deliver(self, 60, 60));
		ring_and_work(self, queue);
		shim_work_run();
		EXPECT_FALSE(nic->up);
		EXPECT_EQ(-ENETDOWN, deliver(self, 60, 60));
		offer_tx(self, &plain, 60, 1000, TX);
		ring_and_work(self, TX);
		shim_work_run();
		EXPECT_EQ(0, nic->frames);
		ivm_virtio_net_counts(self->card, &counts);
		EXPECT_EQ(queue + 1, counts.broken);
		fake_driver_stop(self->card);
		shim_work_run();
		fake_memory_gone(self->card);
	}
	start(self, ALL);
	EXPECT_TRUE(nic->up);
	offer_tx(self, &plain, 60, 1000, TX);
	ring_and_work(self, TX);
	EXPECT_EQ(1, nic->frames);
}

/* ---- to the guest ---- */

#define expect_frame(chain, len) do {						\
	memset(self->got, 0, sizeof(self->got));				\
	ASSERT_TRUE((chain)->pushed);						\
	ASSERT_EQ(HDR + (len), (chain)->used);					\
	fake_written(chain, self->got, sizeof(self->got));			\
	ASSERT_EQ(0, memcmp(self->got + HDR, self->data, len));			\
} while (0)

TEST_F(card, one_buffer_in_whatever_pieces)
{
	static const u32 lens[] = { 14, 60, 191, 192, 193, 194, 500, 1514 }, froms[] = { 0, 1, 7, 50, 192, 2000 };
	static const u32 cuts[] = { 1, 3, 11, 12, 13, 64, 203, 204, 205, 3000 };
	struct fake_chain *chain;
	unsigned int i, j, k, n = 0;

	for (k = 0; k < 2; k++) {
		start(self, k ? ALL : SIMPLE);
		for (i = 0; i < ARRAY_SIZE(lens); i++)
			for (j = 0; j < ARRAY_SIZE(froms) * ARRAY_SIZE(cuts); j++) {
				u32 from = froms[j % ARRAY_SIZE(froms)], cut = cuts[j / ARRAY_SIZE(froms)];

				if ((lens[i] + HDR + cut - 1) / cut > IVM_VQ_CHAIN_MAX)
					continue;
				chain = offer_rx(self, lens[i] + HDR, cut, RX);
				ASSERT_EQ(0, deliver(self, lens[i], from));
				expect_frame(chain, lens[i]);
				ASSERT_EQ(1, self->got[10]);
				ASSERT_EQ(0, self->got[11]);
				n++;
			}
		ASSERT_EQ(n, fake_queue(self->card, RX)->published);
		ASSERT_EQ(n, fake_queue(self->card, RX)->interrupts);
		n = 0;
		fake_driver_stop(self->card);
		fake_memory_gone(self->card);
	}
}

TEST_F(card, without_mergeable_buffers_a_frame_fits_one_or_none)
{
	struct fake_chain *small;

	start(self, SIMPLE);
	small = offer_rx(self, HDR + 99, 1000, RX);
	offer_rx(self, HDR + 1000, 1000, RX);
	EXPECT_EQ(-EMSGSIZE, deliver(self, 100, 100));
	EXPECT_FALSE(small->popped || small->pushed);
	EXPECT_EQ(0, deliver(self, 99, 100));
	expect_frame(small, 99);
}

TEST_F(card, mergeable_buffers_of_every_size)
{
	static const u32 froms[] = { 0, 13, 192, 4096 };
	struct fake_chain *first;
	unsigned int buffers, i;
	u32 size, len, at, n;

	start(self, ALL);
	for (size = 1; size < 1600; size += size < 40 ? 1 : 37) {
		len = min_t(u32, 1400, size * IVM_VNET_RX_CHAINS - min_t(u32, HDR, size * 64 - 14));
		buffers = (HDR + len + size - 1) / size;
		if (len < 14)
			continue;
		/* One too few: nothing is taken. */
		first = offer_rx(self, size, 7000, RX);
		for (i = 1; i < buffers - 1; i++)
			offer_rx(self, size, 7000, RX);
		if (buffers > 1) {
			ASSERT_EQ(-EAGAIN, deliver(self, len, froms[size % 4]));
			ASSERT_FALSE(first->popped);
			ASSERT_TRUE(fake_queue(self->card, RX)->doorbell);
			offer_rx(self, size, 7000, RX);
		}
		ASSERT_EQ(0, deliver(self, len, froms[size % 4]));
		for (i = 0, at = 0; i < buffers; i++, at += n) {
			n = min(size, HDR + len - at);
			ASSERT_TRUE(first[i].pushed);
			ASSERT_EQ(n, first[i].used);
			fake_written(&first[i], self->got + at, n);
		}
		ASSERT_EQ(HDR + len, at);
		ASSERT_EQ(buffers, get_unaligned_le16(self->got + 10));
		ASSERT_EQ(0, memcmp(self->got + HDR, self->data, len)) TH_LOG("buffers of %u", size);
		if (fake_queue(self->card, RX)->nr > 3000) {
			fake_driver_stop(self->card);
			fake_memory_gone(self->card);
			start(self, ALL);
		}
	}
}

TEST_F(card, a_frame_is_not_spread_over_too_many_buffers)
{
	struct fake_chain *first = NULL, *chain;
	unsigned int i;

	start(self, ALL);
	for (i = 0; i < IVM_VNET_RX_CHAINS; i++) {
		chain = offer_rx(self, 10, 10, RX);
		first = first ? first : chain;
	}
	EXPECT_EQ(-EMSGSIZE, deliver(self, 10 * IVM_VNET_RX_CHAINS - HDR + 1, 100));
	EXPECT_FALSE(first->popped);
	EXPECT_EQ(0, deliver(self, 10 * IVM_VNET_RX_CHAINS - HDR, 100));
	EXPECT_TRUE(first->pushed);
}

TEST_F(card, the_greatest_frame_in_buffers_as_linux_has_them)
{
	struct ivm_frame *frame;
	struct fake_chain *first;
	unsigned int i, n = (IVM_VNET_FRAME_MAX + HDR + 1535) / 1536;
	u32 at = 0;

	start(self, ALL);
	first = offer_rx(self, 1536, 1536, RX);
	for (i = 1; i < n; i++)
		offer_rx(self, 1536, 1536, RX);
	frame = fake_frame(self->data, IVM_VNET_FRAME_MAX, 4096);
	frame->needs_csum = true;
	frame->gso = IVM_GSO_TCP4;
	frame->gso_size = 1448;
	frame->hdr_len = 66;
	frame->csum_start = 34;
	frame->csum_offset = 16;
	ASSERT_EQ(0, fake_deliver(self->card, frame));
	fake_frame_free(frame);
	for (i = 0; i < n; i++)
		at += fake_written(&first[i], self->got + at, 1536);
	EXPECT_EQ(IVM_VNET_FRAME_MAX + HDR, at);
	EXPECT_EQ(0, memcmp(self->got + HDR, self->data, IVM_VNET_FRAME_MAX));
	EXPECT_EQ(n, get_unaligned_le16(self->got + 10));
	EXPECT_EQ(IVM_GSO_TCP4, self->got[1]);
	EXPECT_EQ(-EMSGSIZE, deliver(self, IVM_VNET_FRAME_MAX + 1, 4096));
}

TEST_F(card, a_tag_beside_the_frame_is_written_into_it)
{
	static const u32 froms[] = { 0, 5, 12, 100, 192 };
	struct fake_chain *chain;
	struct ivm_frame *frame;
	unsigned int i;
	u32 len;

	start(self, ALL);
	for (i = 0; i < 5; i++)
		for (len = 14; len < 400; len += 31) {
			chain = offer_rx(self, 2000, 500, RX);
			frame = fake_frame(self->data, len, froms[i]);
			frame->tag_proto = 0x8100;
			frame->tag = 0x6123;
			ASSERT_EQ(0, fake_deliver(self->card, frame));
			fake_frame_free(frame);
			ASSERT_EQ(HDR + 4 + len, chain->used);
			fake_written(chain, self->got, sizeof(self->got));
			ASSERT_EQ(0, memcmp(self->got + HDR, self->data, 12));
			ASSERT_EQ(0x8100, get_unaligned_be16(self->got + HDR + 12));
			ASSERT_EQ(0x6123, get_unaligned_be16(self->got + HDR + 14));
			ASSERT_EQ(0, memcmp(self->got + HDR + 16, self->data + 12, len - 12));
		}
}

TEST_F(card, heads_are_what_was_checked_not_what_the_sender_has_now)
{
	struct fake_chain *chain;
	struct ivm_frame *frame;

	start(self, ALL);
	chain = offer_rx(self, 2000, 2000, RX);
	frame = fake_frame(self->data, 500, 100);
	memset(frame->piece[0].data, 0x66, 100);
	memset(frame->piece[1].data, 0x66, 92);		/* up to the end of the head */
	ASSERT_EQ(0, fake_deliver(self->card, frame));
	fake_frame_free(frame);
	expect_frame(chain, 500);
}

TEST_F(card, pieces_beyond_the_frame_are_not_its_bytes)
{
	struct fake_chain *chain;
	struct ivm_frame *frame;
	u32 cut;

	start(self, ALL);
	for (cut = 100; cut <= 600; cut += 100) {
		chain = offer_rx(self, 2000, 2000, RX);
		frame = fake_frame(self->data, 600, cut);
		frame->len = 450;
		ASSERT_EQ(0, fake_deliver(self->card, frame));
		fake_frame_free(frame);
		expect_frame(chain, 450);
	}
	/* Nor is a frame whole when pieces are missing. */
	chain = offer_rx(self, 2000, 2000, RX);
	frame = fake_frame(self->data, 600, 100);
	frame->len = 601;
	EXPECT_EQ(-EMSGSIZE, fake_deliver(self->card, frame));
	EXPECT_FALSE(chain->popped);
	fake_frame_free(frame);
}

TEST_F(card, a_sender_that_waits_is_told_of_room_once)
{
	struct ivm_nic *nic = fake_nic(self->card);
	struct fake_queue *q;

	start(self, ALL);
	q = fake_queue(self->card, RX);
	EXPECT_FALSE(q->doorbell);		/* nobody waits */
	offer_rx(self, 100, 100, RX);
	ring_and_work(self, RX);
	EXPECT_EQ(0, nic->rooms);
	EXPECT_EQ(-EAGAIN, deliver(self, 300, 100));
	EXPECT_TRUE(q->doorbell);
	EXPECT_EQ(0, q->published);
	offer_rx(self, 500, 100, RX);
	EXPECT_EQ(0, nic->rooms);
	ring_and_work(self, RX);
	EXPECT_EQ(1, nic->rooms);
	EXPECT_FALSE(q->doorbell);
	EXPECT_EQ(0, deliver(self, 300, 100));
	offer_rx(self, 500, 100, RX);
	ring_and_work(self, RX);
	EXPECT_EQ(1, nic->rooms);
}

TEST_F(card, interrupts_only_if_wanted)
{
	unsigned int i;

	start(self, ALL);
	fake_queue(self->card, RX)->quiet = true;
	for (i = 0; i < 4; i++) {
		offer_rx(self, 100, 100, RX);
		EXPECT_EQ(0, deliver(self, 60, 100));
	}
	EXPECT_EQ(0, fake_queue(self->card, RX)->interrupts);
	EXPECT_EQ(4, fake_queue(self->card, RX)->published);
}

TEST_F(card, buffers_that_are_none)
{
	struct fake_chain *chain;

	start(self, ALL);
	chain = fake_chain(self->card, RX);
	fake_out(chain, "read me", 7);
	fake_in(chain, 72);
	fake_offer(self->card, RX);
	EXPECT_EQ(0, deliver(self, 60, 60));	/* what we may read is left alone */
	EXPECT_EQ(72, chain->used);
	EXPECT_EQ(0, memcmp(chain->piece[0].data, "read me", 7));
	chain = fake_chain(self->card, RX);
	fake_out(chain, "read me", 7);
	fake_offer(self->card, RX);
	EXPECT_EQ(-ENETDOWN, deliver(self, 60, 60));
	EXPECT_TRUE(fake_broken(self->card));
	EXPECT_FALSE(chain->pushed);
}

TEST_F(card, nothing_before_a_driver_came_and_after_it_left)
{
	EXPECT_EQ(-ENETDOWN, deliver(self, 60, 60));
	fake_driver_enable(self->card, RX, false);
	start(self, ALL);
	EXPECT_EQ(-ENETDOWN, deliver(self, 60, 60));	/* it never enabled the queue */
	fake_driver_stop(self->card);
	fake_driver_enable(self->card, RX, true);
	start(self, ALL);
	offer_rx(self, 100, 100, RX);
	EXPECT_EQ(0, deliver(self, 60, 60));
	offer_rx(self, 100, 100, RX);
	fake_driver_stop(self->card);
	fake_memory_gone(self->card);
	EXPECT_EQ(-ENETDOWN, deliver(self, 60, 60));
	start(self, ALL);
	offer_rx(self, 100, 100, RX);
	offer_tx(self, &plain, 60, 60, TX);
	fake_ring(self->card, TX);
	ivm_virtio_net_quiesce(self->card);
	fake_memory_gone(self->card);
	EXPECT_EQ(-ENETDOWN, deliver(self, 60, 60));
	ivm_virtio_net_work(self->card);
	shim_work_run();
	EXPECT_EQ(0, fake_nic(self->card)->frames);
}

TEST_F(card, from_card_to_card)
{
	struct ivm_virtio_net *other = fake_card(1, MTU);
	struct ivm_nic *nic = fake_nic(self->card);
	struct fake_chain *to;
	unsigned int i;

	start(self, ALL);
	ASSERT_TRUE(fake_driver_start(other, fake_offered(other)));
	ivm_virtio_net_work(other);
	nic->peer = fake_nic(other);
	offer_tx(self, &plain, 1000, 100, TX);
	ring_and_work(self, TX);
	EXPECT_EQ(-EAGAIN, nic->peer_says);
	EXPECT_EQ(0, fake_queue(self->card, TX)->published);
	to = fake_chain(other, RX);
	for (i = 0; i < 20; i++)
		fake_in(to, 60);
	fake_offer(other, RX);
	fake_ring(other, RX);
	ivm_virtio_net_work(other);
	EXPECT_EQ(1, nic->peer->rooms);
	nic->ops->resume(nic->ctx, 0);
	shim_work_run();
	EXPECT_EQ(0, nic->peer_says);
	EXPECT_EQ(1, fake_queue(self->card, TX)->published);
	expect_frame(to, 1000);
	fake_card_destroy(other);
}

/* ---- control ---- */

#define CTRL	2
#define OK	0
#define ERR	1

/* Sends a command in pieces of @cut; returns the answer, 0xee when there is none. */
static u8 command_in(FIXTURE_DATA(card) *self, u8 class, u8 cmd, const void *data, u32 len, u32 cut, unsigned int queue)
{
	struct fake_chain *chain = fake_chain(self->card, queue);
	u8 all[4096] = { class, cmd };
	u32 at, n;

	memcpy(all + 2, data, len);
	for (at = 0; at < len + 2; at += n) {
		n = min_t(u32, cut, len + 2 - at);
		fake_out(chain, all + at, n);
	}
	fake_in(chain, 1);
	fake_offer(self->card, queue);
	ring_and_work(self, queue);
	if (!chain->pushed || chain->used != 1)
		return 0xfe;
	return *(u8 *)chain->piece[chain->nr_out].data;
}

#define command(class, cmd, data, len)	command_in(self, class, cmd, data, len, 2, CTRL)

static bool wants(FIXTURE_DATA(card) *self, const u8 *mac)
{
	memcpy(self->data, mac, 6);
	offer_rx(self, 200, 200, RX);
	return deliver(self, 60, 60) == 0;
}

static const u8 one[1] = { 1 }, zero[1] = { 0 }, two[1] = { 2 };
static const u8 other[6] = { 0x52, 0x54, 0, 9, 9, 9 }, group[6] = { 1, 0, 0x5e, 1, 2, 3 },
	everyone[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

TEST_F(card, receive_modes)
{
	start(self, ALL);
	EXPECT_TRUE(wants(self, fake_mac) && wants(self, other) && wants(self, group) && wants(self, everyone));
	EXPECT_EQ(OK, command(0, 0, zero, 1));
	EXPECT_TRUE(wants(self, fake_mac) && wants(self, everyone));
	EXPECT_FALSE(wants(self, other));
	EXPECT_FALSE(wants(self, group));
	EXPECT_EQ(OK, command(0, 1, one, 1));
	EXPECT_TRUE(wants(self, group));
	EXPECT_FALSE(wants(self, other));
	EXPECT_EQ(OK, command(0, 2, one, 1));
	EXPECT_TRUE(wants(self, other));
	EXPECT_EQ(OK, command(0, 3, one, 1));
	EXPECT_FALSE(wants(self, group));
	EXPECT_TRUE(wants(self, everyone));
	EXPECT_EQ(OK, command(0, 4, one, 1));
	EXPECT_FALSE(wants(self, other));
	EXPECT_FALSE(wants(self, fake_mac));
	EXPECT_EQ(OK, command(0, 5, one, 1));
	EXPECT_FALSE(wants(self, everyone));
	EXPECT_EQ(OK, command(0, 0, one, 1));
	EXPECT_TRUE(wants(self, other) && wants(self, group) && wants(self, everyone));
	EXPECT_EQ(ERR, command(0, 6, one, 1));
	EXPECT_EQ(ERR, command(0, 255, one, 1));
	EXPECT_EQ(ERR, command(0, 0, one, 0));
	EXPECT_EQ(ERR, command(0, 0, "\0\0", 2));
	EXPECT_EQ(ERR, command(0, 0, two, 1));
	EXPECT_TRUE(wants(self, other));
	/* The next driver begins anew. */
	EXPECT_EQ(OK, command(0, 0, zero, 1));
	EXPECT_FALSE(wants(self, other));
	fake_driver_stop(self->card);
	fake_memory_gone(self->card);
	start(self, ALL);
	EXPECT_TRUE(wants(self, other));
}

static u32 table(u8 *to, unsigned int uni, unsigned int multi, unsigned int first)
{
	u32 at = 0;
	unsigned int i, j, n;

	for (i = 0; i < 2; i++) {
		n = i ? multi : uni;
		put_unaligned_le32(n, to + at);
		at += 4;
		for (j = 0; j < n; j++, at += 6) {
			memcpy(to + at, i ? group : other, 6);
			to[at + 5] = first + j;
		}
	}
	return at;
}

TEST_F(card, table_of_addresses)
{
	u8 data[4096], mac[6];
	unsigned int cut;
	u32 len;

	start(self, ALL);
	ASSERT_EQ(OK, command(0, 0, zero, 1));
	for (cut = 16; cut < 500; cut += 17) {
		len = table(data, 3, 2, cut);
		ASSERT_EQ(OK, command_in(self, 1, 0, data, len, cut, CTRL));
		memcpy(mac, other, 6);
		mac[5] = cut + 2;
		ASSERT_TRUE(wants(self, mac));
		mac[5] = cut + 3;
		ASSERT_FALSE(wants(self, mac));
		memcpy(mac, group, 6);
		mac[5] = cut + 1;
		ASSERT_TRUE(wants(self, mac));
		mac[5] = cut + 2;
		ASSERT_FALSE(wants(self, mac));
	}
	/* Wrong lengths change nothing. */
	len = table(data, 3, 2, 1);
	EXPECT_EQ(ERR, command_in(self, 1, 0, data, len - 1, 100, CTRL));
	EXPECT_EQ(ERR, command_in(self, 1, 0, data, len + 1, 100, CTRL));
	EXPECT_EQ(ERR, command_in(self, 1, 0, data, 4 + 18 + 3, 100, CTRL));
	EXPECT_EQ(ERR, command_in(self, 1, 0, data, 0, 100, CTRL));
	put_unaligned_le32(0xffffffff, data);
	EXPECT_EQ(ERR, command_in(self, 1, 0, data, len, 100, CTRL));
	put_unaligned_le32(0xaaaaaaab, data);		/* times 6 is 2 */
	EXPECT_EQ(ERR, command_in(self, 1, 0, data, len, 100, CTRL));
	memcpy(mac, group, 6);
	mac[5] = cut - 17 + 1;
	EXPECT_TRUE(wants(self, mac));
	mac[5] = 1;
	EXPECT_FALSE(wants(self, mac));
	/* More than are kept: all of the kind. */
	len = table(data, IVM_VNET_MACS_MAX, IVM_VNET_MACS_MAX + 1, 0);
	EXPECT_EQ(OK, command_in(self, 1, 0, data, len, 100, CTRL));
	memcpy(mac, other, 6);
	mac[5] = 0xf0;
	EXPECT_FALSE(wants(self, mac));
	mac[5] = IVM_VNET_MACS_MAX - 1;
	EXPECT_TRUE(wants(self, mac));
	memcpy(mac, group, 6);
	mac[5] = 0xf0;
	EXPECT_TRUE(wants(self, mac));
	len = table(data, 0, 0, 0);
	EXPECT_EQ(OK, command_in(self, 1, 0, data, len, 100, CTRL));
	EXPECT_FALSE(wants(self, mac));
}

TEST_F(card, its_address_is_not_the_guests_to_choose)
{
	start(self, ALL);
	EXPECT_EQ(OK, command(1, 1, fake_mac, 6));
	EXPECT_EQ(ERR, command(1, 1, other, 6));
	EXPECT_EQ(ERR, command(1, 1, fake_mac, 5));
	EXPECT_EQ(ERR, command(1, 1, "\x52\x54\0\1\2\3\0", 7));
	EXPECT_EQ(ERR, command(1, 2, fake_mac, 6));
	EXPECT_EQ(get_unaligned_le32(fake_mac), fake_config(self->card, 0, 4));
}

static int deliver_tagged(FIXTURE_DATA(card) *self, u16 proto, u16 tag, bool beside)
{
	struct ivm_frame *frame;
	int ret;

	offer_rx(self, 200, 200, RX);
	memcpy(self->data, fake_mac, 6);
	put_unaligned_be16(beside ? 0x88b5 : proto, self->data + 12);
	put_unaligned_be16(tag, self->data + 14);
	frame = fake_frame(self->data, 100, 100);
	if (beside) {
		frame->tag_proto = proto;
		frame->tag = tag;
	}
	ret = fake_deliver(self->card, frame);
	fake_frame_free(frame);
	return ret;
}

TEST_F(card, table_of_vlans)
{
	unsigned int beside;

	start(self, ALL);
	EXPECT_EQ(0, deliver_tagged(self, 0x8100, 5, true));	/* promiscuous */
	EXPECT_EQ(OK, command(0, 0, zero, 1));
	for (beside = 0; beside < 2; beside++) {
		EXPECT_EQ(-EPERM, deliver_tagged(self, 0x8100, 0xe005, beside));
		EXPECT_EQ(OK, command(2, 0, "\5\0", 2));
		EXPECT_EQ(0, deliver_tagged(self, 0x8100, 0xe005, beside));
		EXPECT_EQ(-EPERM, deliver_tagged(self, 0x8100, 6, beside));
		EXPECT_EQ(0, deliver_tagged(self, 0x8100, 0xe000, beside));
		EXPECT_EQ(0, deliver_tagged(self, 0x88a8, 6, beside));
		EXPECT_EQ(OK, command(2, 1, "\5\0", 2));
		EXPECT_EQ(-EPERM, deliver_tagged(self, 0x8100, 5, beside));
	}
	EXPECT_EQ(OK, command(2, 0, "\xff\x0f", 2));
	EXPECT_EQ(0, deliver_tagged(self, 0x8100, 4095, true));
	EXPECT_EQ(ERR, command(2, 0, "\0\x10", 2));
	EXPECT_EQ(ERR, command(2, 0, "\0", 1));
	EXPECT_EQ(ERR, command(2, 0, "\0\0\0", 3));
	EXPECT_EQ(ERR, command(2, 2, "\0\0", 2));
	fake_driver_stop(self->card);
	fake_memory_gone(self->card);
	start(self, ALL & ~VNET_F_CTRL_VLAN);
	EXPECT_EQ(OK, command(0, 0, zero, 1));
	EXPECT_EQ(0, deliver_tagged(self, 0x8100, 5, true));
}

TEST_F(card, a_runt_with_the_type_of_a_tag_is_no_tag)
{
	start(self, ALL);
	EXPECT_EQ(OK, command(0, 0, zero, 1));
	offer_rx(self, 200, 200, RX);
	put_unaligned_be16(0x8100, self->data + 12);
	EXPECT_EQ(0, deliver(self, 17, 100));
}

TEST_F(card, announcement_is_acknowledged)
{
	const struct ivm_nic_ops *ops = fake_nic(self->card)->ops;

	start(self, ALL);
	ops->link(self->card, false);
	ops->link(self->card, true);
	EXPECT_EQ(ERR, command(3, 0, one, 1));
	EXPECT_EQ(ERR, command(3, 1, one, 0));
	EXPECT_EQ(VNET_S_LINK_UP | VNET_S_ANNOUNCE, fake_config(self->card, 6, 2));
	EXPECT_EQ(OK, command(3, 0, one, 0));
	EXPECT_EQ(VNET_S_LINK_UP, fake_config(self->card, 6, 2));
}

TEST_F(card, offloads_go_off_and_on)
{
	struct ivm_nic *nic = fake_nic(self->card);
	struct ivm_frame *frame;
	u8 data[8];

	start(self, ALL);
	put_unaligned_le32(1 << 1, data);
	put_unaligned_le32(0, data + 4);
	EXPECT_EQ(OK, command(5, 0, data, 8));
	EXPECT_TRUE(nic->features.csum);
	EXPECT_FALSE(nic->features.tso4 || nic->features.uso);
	frame = fake_frame(self->data, 100, 100);
	frame->needs_csum = true;
	frame->csum_start = 34;
	frame->gso = IVM_GSO_TCP4;
	offer_rx(self, 200, 200, RX);
	EXPECT_EQ(-EMSGSIZE, fake_deliver(self->card, frame));
	put_unaligned_le32(1 << 1 | 1 << 7, data);
	EXPECT_EQ(OK, command(5, 0, data, 8));
	EXPECT_TRUE(nic->features.tso4);
	EXPECT_EQ(0, fake_deliver(self->card, frame));
	fake_frame_free(frame);
	put_unaligned_le32(1 << 7, data);		/* segments without checksums */
	EXPECT_EQ(ERR, command(5, 0, data, 8));
	put_unaligned_le32(1 << 1 | 1 << 10, data);	/* never offered */
	EXPECT_EQ(ERR, command(5, 0, data, 8));
	EXPECT_EQ(ERR, command(5, 0, data, 7));
	EXPECT_EQ(ERR, command(5, 1, data, 8));
	EXPECT_TRUE(nic->features.tso4);
	memset(data, 0, 8);
	EXPECT_EQ(OK, command(5, 0, data, 8));
	EXPECT_FALSE(nic->features.csum);
}

TEST_F(card, what_was_not_negotiated_is_refused)
{
	u8 data[100];
	u32 len = table(data, 1, 1, 0);

	start(self, VNET_F_CTRL_VQ);
	EXPECT_EQ(ERR, command(0, 0, one, 1));
	EXPECT_EQ(ERR, command(0, 2, one, 1));
	EXPECT_EQ(ERR, command_in(self, 1, 0, data, len, 100, CTRL));
	EXPECT_EQ(ERR, command(1, 1, fake_mac, 6));
	EXPECT_EQ(ERR, command(2, 0, "\0\0", 2));
	EXPECT_EQ(ERR, command(3, 0, one, 0));
	EXPECT_EQ(ERR, command(4, 0, "\1\0", 2));
	EXPECT_EQ(ERR, command(5, 0, "\0\0\0\0\0\0\0\0", 8));
	EXPECT_EQ(ERR, command(6, 0, one, 1));
	EXPECT_EQ(ERR, command(255, 0, one, 1));
	fake_driver_stop(self->card);
	fake_memory_gone(self->card);
	start(self, VNET_F_CTRL_VQ | VNET_F_CTRL_RX);
	EXPECT_EQ(OK, command(0, 0, one, 1));
	EXPECT_EQ(OK, command(0, 1, one, 1));
	EXPECT_EQ(ERR, command(0, 2, one, 1));
	EXPECT_EQ(OK, command_in(self, 1, 0, data, len, 100, CTRL));
}

TEST_F(card, commands_without_a_shape)
{
	struct fake_chain *chain;

	start(self, ALL);
	chain = fake_chain(self->card, CTRL);		/* a class, no command */
	fake_out(chain, one, 1);
	fake_in(chain, 3);
	fake_offer(self->card, CTRL);
	ring_and_work(self, CTRL);
	EXPECT_TRUE(chain->pushed);
	EXPECT_EQ(ERR, *(u8 *)chain->piece[1].data);
	chain = fake_chain(self->card, CTRL);		/* nothing at all */
	fake_in(chain, 1);
	fake_offer(self->card, CTRL);
	ring_and_work(self, CTRL);
	EXPECT_TRUE(chain->pushed);
	EXPECT_EQ(ERR, *(u8 *)chain->piece[0].data);
	chain = fake_chain(self->card, CTRL);		/* no room for the answer */
	fake_out(chain, one, 1);
	fake_offer(self->card, CTRL);
	ring_and_work(self, CTRL);
	EXPECT_FALSE(chain->pushed);
	EXPECT_TRUE(fake_broken(self->card));
	shim_work_run();
	EXPECT_FALSE(fake_nic(self->card)->up);
}

TEST_F(card, commands_are_bounded_and_none_is_lost)
{
	struct fake_queue *q;
	unsigned int i;

	start(self, ALL);
	q = fake_queue(self->card, CTRL);
	for (i = 0; i < 5 * IVM_VNET_BUDGET_COMMANDS; i++) {
		struct fake_chain *chain = fake_chain(self->card, CTRL);

		fake_out(chain, "\3\0", 2);
		fake_in(chain, 1);
		fake_offer(self->card, CTRL);
	}
	ring_and_work(self, CTRL);
	EXPECT_EQ(IVM_VNET_BUDGET_COMMANDS, q->published);
	shim_work_run();
	EXPECT_EQ(5 * IVM_VNET_BUDGET_COMMANDS, q->published);
	EXPECT_TRUE(q->doorbell);
}

/* ---- several pairs ---- */

#define PAIRS	4

/* Delivers 256 flows; fills how many went to each pair. */
static int flows(FIXTURE_DATA(card) *self, unsigned int *hits)
{
	static const u8 ip[] = { 8, 0, 0x45, 0, 0, 100, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2 };
	unsigned int i, before[PAIRS];
	int ret = 0;

	for (i = 0; i < PAIRS; i++)
		before[i] = fake_queue(self->card, 2 * i)->published;
	memcpy(self->data, fake_mac, 6);
	memcpy(self->data + 12, ip, sizeof(ip));
	for (i = 0; i < 256 && !ret; i++) {
		put_unaligned_be16(i, self->data + 34);
		ret = deliver(self, 100, 100);
	}
	for (i = 0; i < PAIRS; i++)
		hits[i] = fake_queue(self->card, 2 * i)->published - before[i];
	return ret;
}

static void fill(FIXTURE_DATA(card) *self, unsigned int pairs, unsigned int n)
{
	unsigned int i, j;

	for (i = 0; i < pairs; i++)
		for (j = 0; j < n; j++)
			offer_rx(self, 200, 200, 2 * i);
}

TEST_F(card, pairs_are_used_when_the_driver_says_so)
{
	unsigned int hits[PAIRS], i;

	card_with(self, PAIRS, MTU);
	start(self, ALL);
	fill(self, PAIRS, 1000);
	EXPECT_EQ(0, flows(self, hits));
	EXPECT_EQ(256, hits[0]);
	EXPECT_EQ(OK, command_in(self, 4, 0, "\4\0", 2, 2, 2 * PAIRS));
	EXPECT_EQ(0, flows(self, hits));
	for (i = 0; i < PAIRS; i++)
		EXPECT_LT(40, hits[i]);
	EXPECT_EQ(OK, command_in(self, 4, 0, "\2\0", 2, 2, 2 * PAIRS));
	EXPECT_EQ(0, flows(self, hits));
	EXPECT_EQ(256, hits[0] + hits[1]);
	EXPECT_LT(90, hits[1]);
	EXPECT_EQ(ERR, command_in(self, 4, 0, "\0\0", 2, 2, 2 * PAIRS));
	EXPECT_EQ(ERR, command_in(self, 4, 0, "\5\0", 2, 2, 2 * PAIRS));
	EXPECT_EQ(ERR, command_in(self, 4, 0, "\0\1", 2, 2, 2 * PAIRS));
	EXPECT_EQ(ERR, command_in(self, 4, 0, "\1", 1, 2, 2 * PAIRS));
	EXPECT_EQ(ERR, command_in(self, 4, 1, "\1\0", 2, 2, 2 * PAIRS));
	EXPECT_EQ(OK, command_in(self, 4, 0, "\1\0", 2, 2, 2 * PAIRS));
	EXPECT_EQ(0, flows(self, hits));
	EXPECT_EQ(256, hits[0]);
}

TEST_F(card, a_pair_that_was_not_enabled_is_not_used)
{
	card_with(self, PAIRS, MTU);
	fake_driver_enable(self->card, 4, false);
	start(self, ALL);
	EXPECT_EQ(ERR, command_in(self, 4, 0, "\3\0", 2, 2, 2 * PAIRS));
	EXPECT_EQ(OK, command_in(self, 4, 0, "\2\0", 2, 2, 2 * PAIRS));
	fake_driver_stop(self->card);
	fake_memory_gone(self->card);
	fake_driver_enable(self->card, 4, true);
	fake_driver_enable(self->card, 3, false);
	start(self, ALL);
	EXPECT_EQ(ERR, command_in(self, 4, 0, "\2\0", 2, 2, 2 * PAIRS));
}

TEST_F(card, without_mq_the_control_queue_is_the_third)
{
	unsigned int hits[PAIRS];

	card_with(self, PAIRS, MTU);
	start(self, ALL & ~VNET_F_MQ);
	EXPECT_EQ(OK, command_in(self, 0, 0, zero, 1, 3, 2));
	EXPECT_FALSE(wants(self, other));
	fill(self, 1, 1000);
	EXPECT_EQ(0, flows(self, hits));
	EXPECT_EQ(256, hits[0]);
	/* What would be queues with MQ is nobody's. */
	offer_tx(self, &plain, 60, 60, 3);
	ring_and_work(self, 3);
	offer_tx(self, &plain, 60, 60, 2 * PAIRS);
	ring_and_work(self, 2 * PAIRS);
	EXPECT_EQ(0, fake_nic(self->card)->frames);
	EXPECT_EQ(0, self->card->pending);
}

TEST_F(card, frames_say_which_queue_they_come_from)
{
	struct ivm_nic *nic;
	unsigned int i;

	card_with(self, PAIRS, MTU);
	nic = fake_nic(self->card);
	start(self, ALL);
	for (i = 0; i < PAIRS; i++) {
		offer_tx(self, &plain, 60, 100, 2 * i + 1);
		ring_and_work(self, 2 * i + 1);
		EXPECT_EQ(i + 1, nic->frames);
		EXPECT_EQ(i, nic->last.queue);
	}
	/* One that waits does not hold up the others. */
	nic->again = 1;
	offer_tx(self, &plain, 60, 100, 1);
	offer_tx(self, &plain, 61, 100, 3);
	fake_ring(self->card, 1);
	fake_ring(self->card, 3);
	ivm_virtio_net_work(self->card);
	EXPECT_EQ(PAIRS + 1, nic->frames);
	EXPECT_EQ(61, nic->last.frame.len);
}

TEST_HARNESS_MAIN
