// SPDX-License-Identifier: GPL-2.0-only
/* A virtual network card between a driver and a switch, both fake: commands, and pairs of queues. */
/* sources: kmod/dev/virtio_net.c kmod/dev/virtio_net_hdr.c kmod/dev/virtio_net_flow.c
 * kmod/dev/virtio_net_tx.c kmod/dev/virtio_net_rx.c kmod/dev/virtio_net_filter.c
 * kmod/dev/virtio_net_ctrl.c selftests/unit/fake_card.c selftests/unit/fake_nic.c */
#include "card_fixture.h"

#define CTRL	2
#define OK	0
#define ERR	1

/* Sends a command in pieces of @cut; returns the answer, 0xee when there is none. */
static u8 command_in(struct _test_data_card *self, u8 class, u8 cmd, const void *data, u32 len, u32 cut, unsigned int queue)
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

static bool wants(struct _test_data_card *self, const u8 *mac)
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

static int deliver_tagged(struct _test_data_card *self, u16 proto, u16 tag, bool beside)
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
static int flows(struct _test_data_card *self, unsigned int *hits)
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

static void fill(struct _test_data_card *self, unsigned int pairs, unsigned int n)
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
