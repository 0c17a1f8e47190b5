// SPDX-License-Identifier: GPL-2.0-only
/* A virtual network card between a driver and a switch, both fake: frames from the guest. */
/* sources: kmod/dev/virtio_net.c kmod/dev/virtio_net_hdr.c kmod/dev/virtio_net_flow.c
 * kmod/dev/virtio_net_tx.c kmod/dev/virtio_net_rx.c kmod/dev/virtio_net_filter.c
 * kmod/dev/virtio_net_ctrl.c selftests/unit/fake_card.c selftests/unit/fake_nic.c */
#include "card_fixture.h"

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

TEST_HARNESS_MAIN
