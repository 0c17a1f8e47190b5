// SPDX-License-Identifier: GPL-2.0-only
/* P1 where it is decided: each mode against each tag, all VLANs. */
/* sources: kmod/net/vlan.c */
#include "unit.h"

#include "net/vlan.h"

#define PAYLOAD	0x0800

static struct ivm_port_config config(u8 mode)
{
	struct ivm_port_config c = { .mode = mode, .access = 10, .native = 20, .nr_ranges = 3 };

	c.range[0] = (struct ivm_vlan_range){ 1, 1 };
	c.range[1] = (struct ivm_vlan_range){ 20, 29 };
	c.range[2] = (struct ivm_vlan_range){ 4094, 4094 };
	return c;
}

static bool in_ranges(unsigned int vid)
{
	return vid == 1 || (vid >= 20 && vid <= 29) || vid == 4094;
}

TEST(members)
{
	struct ivm_port_config access = config(IVM_PORT_ACCESS), trunk = config(IVM_PORT_TRUNK), off = config(IVM_PORT_OFF);
	struct ivm_vlans a, t, o;
	unsigned int vid;

	ivm_vlans_of(&a, &access);
	ivm_vlans_of(&t, &trunk);
	ivm_vlans_of(&o, &off);
	for (vid = 0; vid < IVM_VIDS; vid++) {
		EXPECT_EQ(vid == 10, test_bit(vid, a.member));
		EXPECT_EQ(in_ranges(vid), test_bit(vid, t.member));
		EXPECT_FALSE(test_bit(vid, o.member));
	}
	EXPECT_EQ(10, a.untagged);
	EXPECT_EQ(20, t.untagged);
	EXPECT_EQ(0, o.untagged);
}

TEST(access_takes_untagged_only)
{
	static const u16 tags[] = { 0x8100, 0x88a8, 0x9100, 0x9200, 0x9300 };
	struct ivm_port_config c = config(IVM_PORT_ACCESS);
	struct ivm_vlans v;
	unsigned int i, tci;
	u16 vid;

	ivm_vlans_of(&v, &c);
	EXPECT_EQ(0, ivm_vlan_ingress(&v, 0, 0, PAYLOAD, &vid));
	EXPECT_EQ(10, vid);
	for (i = 0; i < ARRAY_SIZE(tags); i++) {
		EXPECT_EQ(IVM_STAT_DROP_TAGGED, ivm_vlan_ingress(&v, 0, 0, tags[i], &vid));
		for (tci = 0; tci < 0x10000; tci += 0x800)
			EXPECT_EQ(IVM_STAT_DROP_TAGGED, ivm_vlan_ingress(&v, tags[i], tci, PAYLOAD, &vid));
		/* its own VLAN is no exception */
		EXPECT_EQ(IVM_STAT_DROP_TAGGED, ivm_vlan_ingress(&v, tags[i], 10, PAYLOAD, &vid));
	}
}

TEST(trunk_takes_its_own)
{
	struct ivm_port_config c = config(IVM_PORT_TRUNK);
	struct ivm_vlans v;
	unsigned int tci;
	u16 vid;

	ivm_vlans_of(&v, &c);
	for (tci = 0; tci < 0x10000; tci++) {
		unsigned int want = tci & 0xfff, verdict = ivm_vlan_ingress(&v, 0x8100, tci, PAYLOAD, &vid);

		if (!want)
			want = 20;
		EXPECT_EQ(in_ranges(want) ? 0 : IVM_STAT_DROP_VLAN, verdict);
		if (!verdict)
			EXPECT_EQ(want, vid);
	}
	EXPECT_EQ(0, ivm_vlan_ingress(&v, 0, 0, PAYLOAD, &vid));
	EXPECT_EQ(20, vid);
	/* the outer tag decides, whatever is inside */
	EXPECT_EQ(0, ivm_vlan_ingress(&v, 0x8100, 21, 0x8100, &vid));
	EXPECT_EQ(21, vid);
	EXPECT_EQ(IVM_STAT_DROP_VLAN, ivm_vlan_ingress(&v, 0x88a8, 21, PAYLOAD, &vid));
	EXPECT_EQ(IVM_STAT_DROP_VLAN, ivm_vlan_ingress(&v, 0, 0, 0x88a8, &vid));
	EXPECT_EQ(IVM_STAT_DROP_VLAN, ivm_vlan_ingress(&v, 0, 0, 0x9100, &vid));
}

TEST(trunk_without_native)
{
	struct ivm_port_config c = config(IVM_PORT_TRUNK);
	struct ivm_vlans v;
	u16 vid;

	c.native = 0;
	ivm_vlans_of(&v, &c);
	EXPECT_EQ(IVM_STAT_DROP_NO_VLAN, ivm_vlan_ingress(&v, 0, 0, PAYLOAD, &vid));
	EXPECT_EQ(IVM_STAT_DROP_NO_VLAN, ivm_vlan_ingress(&v, 0x8100, 0xe000, PAYLOAD, &vid));
	EXPECT_EQ(IVM_FORM_TAGGED, ivm_vlan_egress(&v, 20, PAYLOAD));
}

TEST(off_takes_and_gives_nothing)
{
	struct ivm_port_config c = config(IVM_PORT_OFF);
	struct ivm_vlans v;
	unsigned int i;
	u16 vid;

	ivm_vlans_of(&v, &c);
	EXPECT_EQ(IVM_STAT_DROP_OFF, ivm_vlan_ingress(&v, 0, 0, PAYLOAD, &vid));
	EXPECT_EQ(IVM_STAT_DROP_OFF, ivm_vlan_ingress(&v, 0x8100, 20, PAYLOAD, &vid));
	for (i = 1; i < 4095; i++)
		EXPECT_EQ(IVM_FORM_NONE, ivm_vlan_egress(&v, i, PAYLOAD));
}

TEST(forms)
{
	struct ivm_port_config access = config(IVM_PORT_ACCESS), trunk = config(IVM_PORT_TRUNK);
	struct ivm_vlans a, t;
	unsigned int vid;

	ivm_vlans_of(&a, &access);
	ivm_vlans_of(&t, &trunk);
	for (vid = 1; vid < 4095; vid++) {
		EXPECT_EQ(vid == 10 ? IVM_FORM_UNTAGGED : IVM_FORM_NONE, ivm_vlan_egress(&a, vid, PAYLOAD));
		EXPECT_EQ(vid == 10 ? IVM_FORM_HIDDEN : IVM_FORM_NONE, ivm_vlan_egress(&a, vid, 0x8100));
		EXPECT_EQ(vid == 20 ? IVM_FORM_UNTAGGED : in_ranges(vid) ? IVM_FORM_TAGGED : IVM_FORM_NONE,
			  ivm_vlan_egress(&t, vid, PAYLOAD));
		/* an inner tag travels behind an outer one only */
		EXPECT_EQ(vid == 20 ? IVM_FORM_HIDDEN : in_ranges(vid) ? IVM_FORM_TAGGED : IVM_FORM_NONE,
			  ivm_vlan_egress(&t, vid, 0x88a8));
	}
}

TEST_HARNESS_MAIN
