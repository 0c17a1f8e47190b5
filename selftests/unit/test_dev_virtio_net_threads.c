// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two cards at work on several threads, whose drivers stop, start and lose their
 * memory in between: whoever touches a guest's memory after that is caught by
 * the address sanitizer, and whoever forgets a doorbell stops the test.
 */
/* sources: kmod/dev/virtio_net.c kmod/dev/virtio_net_hdr.c kmod/dev/virtio_net_flow.c
 * kmod/dev/virtio_net_tx.c kmod/dev/virtio_net_rx.c kmod/dev/virtio_net_filter.c
 * kmod/dev/virtio_net_ctrl.c selftests/unit/fake_card.c selftests/unit/fake_nic.c */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>

#include "fake_card.h"
#include "dev/virtio_net.h"

#define PAIRS	2
#define CTRL	(2 * PAIRS)
#define ROUNDS	150
#define FRAMES	40	/* of each queue in a round */

static struct ivm_virtio_net *card[2];
static int done;
static u64 came;	/* frames that the second card took */

static void *vcpu(void *arg)
{
	struct ivm_virtio_net *mine = arg;

	while (!READ_ONCE(done)) {
		if (READ_ONCE(mine->pending))
			ivm_virtio_net_work(mine);
		sched_yield();
	}
	return NULL;
}

static void *worker(void *arg)
{
	while (!READ_ONCE(done)) {
		shim_work_run();
		sched_yield();
	}
	return NULL;
}

static void *outside(void *arg)
{
	u8 data[600];
	struct ivm_frame *frame;
	unsigned int i;

	memset(data, 0x42, sizeof(data));
	memcpy(data, fake_mac, 6);
	for (i = 0; !READ_ONCE(done); i++) {
		data[11] = i;	/* another flow each time */
		frame = fake_frame(data, 60 + i % 500, i % 3 * 100);
		if (!fake_deliver(card[1], frame))
			__atomic_fetch_add(&came, 1, __ATOMIC_RELAXED);
		fake_frame_free(frame);
		if (i % 64 == 0)
			fake_nic(card[1])->ops->link(card[1], i % 128);
		sched_yield();
	}
	return NULL;
}

static void offer_frame(unsigned int queue, u32 len)
{
	struct fake_chain *chain = fake_chain(card[0], queue);
	u8 data[12 + 1000] = { };

	memcpy(data + 12, fake_mac, 6);
	data[12 + 11] = len;
	fake_out(chain, data, 12 + len / 2);
	fake_out(chain, data + 12 + len / 2, len - len / 2);
	fake_offer(card[0], queue);
}

static void offer_buffers(void)
{
	unsigned int i, j;

	for (i = 0; i < PAIRS; i++)
		for (j = 0; j < 4 * FRAMES; j++) {
			struct fake_chain *chain = fake_chain(card[1], 2 * i);

			fake_in(chain, 100 + j % 7 * 50);
			fake_in(chain, 30);
			fake_offer(card[1], 2 * i);
		}
}

static void offer_command(struct ivm_virtio_net *to, const void *data, u32 len)
{
	struct fake_chain *chain = fake_chain(to, CTRL);

	fake_out(chain, data, len);
	fake_in(chain, 1);
	fake_offer(to, CTRL);
	fake_ring(to, CTRL);
}

/* Each of the first card's frames is given back in the end, whatever waits for room meanwhile. */
static bool all_sent(unsigned int queue, unsigned int frames)
{
	const struct ivm_nic_ops *ops = fake_nic(card[0])->ops;
	unsigned int i;

	for (i = 0; READ_ONCE(fake_queue(card[0], queue)->published) < frames; i++) {
		if (i > 2000000)
			return false;
		if (i % 16 == 0)
			ops->resume(card[0], queue / 2);	/* a switch does not wait for ever for who does not read */
		if (i == 3000)
			WRITE_ONCE(fake_nic(card[0])->peer, NULL);
		sched_yield();
	}
	return true;
}

static void forget_driver(struct ivm_virtio_net *of, unsigned int how)
{
	if (how % 3)
		fake_driver_stop(of);
	else
		ivm_virtio_net_quiesce(of);
	fake_memory_gone(of);
}

TEST(drivers_come_and_go_under_load)
{
	pthread_t thread[6];
	unsigned int i, j, queue;

	for (i = 0; i < 2; i++) {
		card[i] = fake_card(PAIRS, 1500);
		ASSERT_FALSE(IS_ERR(card[i]));
	}
	pthread_create(&thread[0], NULL, vcpu, card[0]);
	pthread_create(&thread[1], NULL, vcpu, card[0]);
	pthread_create(&thread[2], NULL, vcpu, card[1]);
	pthread_create(&thread[3], NULL, worker, NULL);
	pthread_create(&thread[4], NULL, worker, NULL);
	pthread_create(&thread[5], NULL, outside, NULL);
	for (i = 0; i < ROUNDS; i++) {
		WRITE_ONCE(fake_nic(card[0])->peer, fake_nic(card[1]));
		ASSERT_TRUE(fake_driver_start(card[1], fake_offered(card[1])));
		offer_buffers();
		offer_command(card[1], "\4\0\2\0", 4);
		ASSERT_TRUE(fake_driver_start(card[0], fake_offered(card[0])));
		for (j = 0; j < FRAMES; j++) {
			for (queue = 1; queue < CTRL; queue += 2) {
				offer_frame(queue, 20 + j * 13);
				fake_ring(card[0], queue);
			}
			if (j % 8 == 0)
				offer_command(card[1], j % 16 ? "\4\0\2\0" : "\4\0\1\0", 4);
			if (i % 4 == 0 && j == FRAMES / 2)
				forget_driver(card[1], i / 4);
			if (i % 4 == 0 && j > FRAMES / 2)
				break;
		}
		if (i % 2)
			for (queue = 1; queue < CTRL; queue += 2)
				ASSERT_TRUE(all_sent(queue, FRAMES)) TH_LOG("round %u, queue %u", i, queue);
		forget_driver(card[0], i);
		forget_driver(card[1], i / 2);
	}
	WRITE_ONCE(done, 1);
	for (i = 0; i < 6; i++)
		pthread_join(thread[i], NULL);
	EXPECT_LT(ROUNDS, came);
	for (i = 0; i < 2; i++) {
		shim_work_run();
		fake_card_destroy(card[i]);
	}
	EXPECT_EQ(0, shim_alloc_live());
}

TEST_HARNESS_MAIN
