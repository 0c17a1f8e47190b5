// SPDX-License-Identifier: GPL-2.0-only
/* The configuration of a port: each value alone, values together, and nothing changed by a refusal. */
/* sources: kmod/net/config.c */
#include "unit.h"

#include <string.h>

#include "net/net.h"

static char bytes[32][8192] __attribute__((aligned(8)));

#define port _test_data_config	/* what the harness calls its FIXTURE */

FIXTURE(config) {
	struct ivm_port_config config, before;
	struct nlattr *tb[IVM_PORT_A_MAX + 1];
	struct netlink_ext_ack extack;
};
FIXTURE_SETUP(config)
{
	ivm_port_config_default(&self->config, NULL);
	memset(self->tb, 0, sizeof(self->tb));
	memset(&self->extack, 0, sizeof(self->extack));
}
FIXTURE_TEARDOWN(config)
{
	EXPECT_EQ(0, shim_alloc_live());
}

static void put(struct port *self, int type, const void *data, unsigned int len)
{
	struct nlattr *a = (void *)bytes[type];

	a->nla_type = type;
	a->nla_len = NLA_HDRLEN + len;
	if (len)
		memcpy(bytes[type] + NLA_HDRLEN, data, len);
	self->tb[type] = a;
}

#define PUT(type, ctype, value) do { ctype put_v = (value); put(self, type, &put_v, sizeof(put_v)); } while (0)

static int parse(struct port *self, bool card)
{
	int err;

	self->before = self->config;
	memset(&self->extack, 0, sizeof(self->extack));
	err = ivm_port_config_parse(&self->config, self->tb, card, &self->extack);
	memset(self->tb, 0, sizeof(self->tb));
	return err;
}

#define REFUSED(attr) do {							\
	EXPECT_EQ(-EINVAL, parse(self, false));					\
	ASSERT_TRUE(self->extack._msg);						\
	EXPECT_EQ((void *)bytes[attr], (void *)self->extack.bad_attr);		\
	EXPECT_EQ(0, memcmp(&self->before, &self->config, sizeof(self->config))); \
} while (0)

TEST_F(config, defaults)
{
	static const u8 mac[6] = { 2, 0, 0, 0, 0, 1 };

	EXPECT_EQ(IVM_PORT_OFF, self->config.mode);
	EXPECT_EQ(0, self->config.guard);
	EXPECT_EQ(4096, self->config.learn);
	EXPECT_EQ(IVM_PORT_SERVES_ALL, self->config.serves);
	ivm_port_config_default(&self->config, mac);
	EXPECT_EQ(IVM_PORT_OFF, self->config.mode);
	EXPECT_EQ(1, self->config.guard);
	EXPECT_EQ(0, self->config.learn);
	EXPECT_EQ(0, self->config.serves);
	EXPECT_EQ(1, self->config.nr_macs);
	EXPECT_EQ(0, memcmp(mac, self->config.mac[0], 6));
	/* nothing named, nothing changed */
	EXPECT_EQ(0, parse(self, true));
	EXPECT_EQ(0, memcmp(&self->before, &self->config, sizeof(self->config)));
}

TEST_F(config, vlan_ids)
{
	static const u16 bad[] = { 0, 4095, 4096, 0xffff };
	struct ivm_vlan_range range;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		PUT(IVM_PORT_A_ACCESS, u16, bad[i]);
		REFUSED(IVM_PORT_A_ACCESS);
		range = (struct ivm_vlan_range){ 1, bad[i] };
		put(self, IVM_PORT_A_TRUNK, &range, sizeof(range));
		REFUSED(IVM_PORT_A_TRUNK);
		range = (struct ivm_vlan_range){ bad[i], bad[i] };
		put(self, IVM_PORT_A_TRUNK, &range, sizeof(range));
		REFUSED(IVM_PORT_A_TRUNK);
	}
	for (i = 1; i < 4095; i++) {
		PUT(IVM_PORT_A_ACCESS, u16, i);
		EXPECT_EQ(0, parse(self, false));
		EXPECT_EQ(i, self->config.access);
	}
}

TEST_F(config, trunk_lists)
{
	struct ivm_vlan_range range[IVM_PORT_RANGES_MAX + 1];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(range); i++)
		range[i] = (struct ivm_vlan_range){ 1 + i * 2, 1 + i * 2 };
	put(self, IVM_PORT_A_TRUNK, range, sizeof(range));
	REFUSED(IVM_PORT_A_TRUNK);
	put(self, IVM_PORT_A_TRUNK, range, sizeof(range) - sizeof(range[0]));
	PUT(IVM_PORT_A_MODE, u8, IVM_PORT_TRUNK);
	PUT(IVM_PORT_A_NATIVE, u16, 5);
	EXPECT_EQ(0, parse(self, false));
	EXPECT_EQ(IVM_PORT_RANGES_MAX, self->config.nr_ranges);
	/* the native one stays, so it must stay in */
	put(self, IVM_PORT_A_TRUNK, range, sizeof(range[0]));
	REFUSED(IVM_PORT_A_TRUNK);
	put(self, IVM_PORT_A_TRUNK, range, 0);
	PUT(IVM_PORT_A_NATIVE, u16, 0);
	REFUSED(IVM_PORT_A_TRUNK);
	PUT(IVM_PORT_A_NATIVE, u16, 6);
	REFUSED(IVM_PORT_A_NATIVE);
	/* half a range; descending; overlapping; touching is fine */
	put(self, IVM_PORT_A_TRUNK, range, 6);
	REFUSED(IVM_PORT_A_TRUNK);
	range[0] = (struct ivm_vlan_range){ 9, 8 };
	put(self, IVM_PORT_A_TRUNK, range, 4);
	REFUSED(IVM_PORT_A_TRUNK);
	range[0] = (struct ivm_vlan_range){ 5, 10 };
	range[1] = (struct ivm_vlan_range){ 10, 12 };
	put(self, IVM_PORT_A_TRUNK, range, 8);
	REFUSED(IVM_PORT_A_TRUNK);
	range[1] = (struct ivm_vlan_range){ 1, 4 };
	put(self, IVM_PORT_A_TRUNK, range, 8);
	REFUSED(IVM_PORT_A_TRUNK);
	range[1] = (struct ivm_vlan_range){ 11, 12 };
	put(self, IVM_PORT_A_TRUNK, range, 8);
	EXPECT_EQ(0, parse(self, false));
}

TEST_F(config, modes_and_roles)
{
	PUT(IVM_PORT_A_MODE, u8, 3);
	REFUSED(IVM_PORT_A_MODE);
	PUT(IVM_PORT_A_MODE, u8, IVM_PORT_ACCESS);
	REFUSED(IVM_PORT_A_MODE);
	PUT(IVM_PORT_A_MODE, u8, IVM_PORT_TRUNK);
	REFUSED(IVM_PORT_A_MODE);
	PUT(IVM_PORT_A_ROLE, u8, 2);
	REFUSED(IVM_PORT_A_ROLE);
	PUT(IVM_PORT_A_ROLE, u8, IVM_PORT_UPLINK);
	EXPECT_EQ(-EINVAL, parse(self, true));
	PUT(IVM_PORT_A_ROLE, u8, IVM_PORT_UPLINK);
	PUT(IVM_PORT_A_ISOLATED, u8, 1);
	REFUSED(IVM_PORT_A_ISOLATED);
	PUT(IVM_PORT_A_ROLE, u8, IVM_PORT_UPLINK);
	EXPECT_EQ(0, parse(self, false));
	PUT(IVM_PORT_A_ISOLATED, u8, 1);
	REFUSED(IVM_PORT_A_ISOLATED);
	PUT(IVM_PORT_A_SERVES, u32, 4);
	REFUSED(IVM_PORT_A_SERVES);
	PUT(IVM_PORT_A_LEARN, u32, IVM_PORT_LEARN_MAX + 1);
	REFUSED(IVM_PORT_A_LEARN);
	PUT(IVM_PORT_A_GUARD, u8, 1);
	REFUSED(IVM_PORT_A_GUARD);
}

TEST_F(config, macs)
{
	u8 mac[IVM_PORT_MACS_MAX + 1][6] = { };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mac); i++) {
		mac[i][0] = 2;
		mac[i][5] = i;
	}
	put(self, IVM_PORT_A_MACS, mac, sizeof(mac));
	REFUSED(IVM_PORT_A_MACS);
	put(self, IVM_PORT_A_MACS, mac, 7);
	REFUSED(IVM_PORT_A_MACS);
	mac[1][5] = 0;
	put(self, IVM_PORT_A_MACS, mac, 12);
	REFUSED(IVM_PORT_A_MACS);
	mac[1][0] = 3;
	put(self, IVM_PORT_A_MACS, mac, 12);
	REFUSED(IVM_PORT_A_MACS);
	memset(mac[1], 0, 6);
	put(self, IVM_PORT_A_MACS, mac, 12);
	REFUSED(IVM_PORT_A_MACS);
	put(self, IVM_PORT_A_MACS, mac, 6);
	PUT(IVM_PORT_A_GUARD, u8, 1);
	EXPECT_EQ(0, parse(self, false));
	put(self, IVM_PORT_A_MACS, mac, 0);
	REFUSED(IVM_PORT_A_MACS);
}

TEST_F(config, prefixes)
{
	static const struct ivm_ip_prefix good[] = {
		{ .family = AF_INET, .len = 0 },
		{ .family = AF_INET, .len = 32, .addr = { 10, 0, 0, 1 } },
		{ .family = AF_INET, .len = 9, .addr = { 10, 0x80 } },
		{ .family = AF_INET6, .len = 128, .addr = { 0xfe, 0x80, [15] = 1 } },
	};
	static const struct ivm_ip_prefix bad[] = {
		{ .family = 0, .len = 0 },
		{ .family = 1, .len = 8 },
		{ .family = AF_INET, .len = 33 },
		{ .family = AF_INET6, .len = 129 },
		{ .family = AF_INET, .len = 8, .addr = { 10, 1 } },
		{ .family = AF_INET, .len = 9, .addr = { 10, 0x40 } },
		{ .family = AF_INET, .len = 32, .addr = { 10, 0, 0, 1, 1 } },
		{ .family = AF_INET, .len = 8, .reserved = { 1 }, .addr = { 10 } },
		{ .family = AF_INET6, .len = 127, .addr = { [15] = 1 } },
	};
	struct ivm_ip_prefix many[IVM_PORT_IPS_MAX + 1] = { };
	unsigned int i;

	put(self, IVM_PORT_A_IPS, good, sizeof(good));
	EXPECT_EQ(0, parse(self, false));
	EXPECT_EQ(ARRAY_SIZE(good), self->config.nr_ips);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		put(self, IVM_PORT_A_IPS, &bad[i], sizeof(bad[i]));
		REFUSED(IVM_PORT_A_IPS);
	}
	for (i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = good[1];
	put(self, IVM_PORT_A_IPS, many, sizeof(many));
	REFUSED(IVM_PORT_A_IPS);
	put(self, IVM_PORT_A_IPS, many, 19);
	REFUSED(IVM_PORT_A_IPS);
}

TEST_F(config, no_memory)
{
	PUT(IVM_PORT_A_ACCESS, u16, 7);
	shim_alloc_fail(1);
	EXPECT_EQ(-ENOMEM, parse(self, false));
	EXPECT_EQ(0, memcmp(&self->before, &self->config, sizeof(self->config)));
}

TEST_HARNESS_MAIN
