// SPDX-License-Identifier: GPL-2.0-only
/* A virtual network card between a driver and a switch, both fake: what it says of itself, how it comes and goes. */
/* sources: kmod/dev/virtio_net.c kmod/dev/virtio_net_hdr.c kmod/dev/virtio_net_flow.c
 * kmod/dev/virtio_net_tx.c kmod/dev/virtio_net_rx.c kmod/dev/virtio_net_filter.c
 * kmod/dev/virtio_net_ctrl.c selftests/unit/fake_card.c selftests/unit/fake_nic.c */
#include "card_fixture.h"

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

TEST_F(card, memory_that_goes)
{
	struct ivm_nic *nic = fake_nic(self->card);
	struct ivm_virtio_net_counts counts;

	start(self, ALL);
	ivm_virtio_net_memory_goes(self->card, 0x10000, 0x1000);
	ivm_virtio_net_memory_gone(self->card);
	offer_rx(self, HDR + 100, 200, RX);
	EXPECT_EQ(0, deliver(self, 100, 100));
	/* The rings: whoever waits for the card hears that it is no more. */
	ivm_virtio_net_memory_goes(self->card, 0, 0x1000);
	ivm_virtio_net_memory_gone(self->card);
	EXPECT_EQ(-ENETDOWN, deliver(self, 100, 100));
	shim_work_run();
	EXPECT_FALSE(nic->up);
	ivm_virtio_net_counts(self->card, &counts);
	EXPECT_EQ(1, counts.broken);
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

TEST_HARNESS_MAIN
