// SPDX-License-Identifier: GPL-2.0-only
/* The header before each frame: what a guest may claim, what it is told; and which flow a frame belongs to. */
/* sources: kmod/dev/virtio_net_hdr.c kmod/dev/virtio_net_flow.c */
#include "unit.h"

#include <string.h>

#include <linux/errno.h>
#include <linux/kernel.h>
#include <asm/byteorder.h>
#include <asm/unaligned.h>

#include "dev/virtio_net.h"

#define ALL_HOST	(VNET_F_CSUM | VNET_F_HOST_TSO4 | VNET_F_HOST_TSO6 | VNET_F_HOST_ECN | VNET_F_HOST_USO)
#define ALL_GUEST	VNET_F_GUEST_OFFLOADS
#define MTU		1500

FIXTURE(hdr) { u8 data[70000]; struct ivm_frame frame; struct ivm_vnet_hdr hdr; };
FIXTURE_SETUP(hdr)
{
	static const u8 macs[] = { 0x52, 0x54, 0, 0, 0, 1, 0x52, 0x54, 0, 0, 0, 2 };

	memcpy(self->data, macs, sizeof(macs));
}
FIXTURE_TEARDOWN(hdr) { }

static enum ivm_vnet_bad check(struct _test_data_hdr *self, u32 len, u64 features)
{
	self->frame = (struct ivm_frame){
		.head = self->data, .len = len, .head_len = min_t(u32, len, IVM_FRAME_HEAD),
	};
	return ivm_vnet_hdr_check(&self->hdr, features, MTU, &self->frame);
}

/* Ethernet, @tags, IPv4 or IPv6 with @ext bytes of options or extension headers, @proto. Return: offset of the transport. */
static unsigned int build(u8 *data, unsigned int tags, int version, unsigned int ext, u8 proto)
{
	unsigned int at = 12, l4;

	for (; tags; tags--, at += 4) {
		put_unaligned_be16(tags == 2 ? 0x88a8 : 0x8100, data + at);
		put_unaligned_be16(tags, data + at + 2);
	}
	put_unaligned_be16(version == 4 ? 0x0800 : 0x86dd, data + at);
	at += 2;
	if (version == 4) {
		memset(data + at, 0, 20 + ext);
		data[at] = 0x45 + ext / 4;
		data[at + 9] = proto;
		l4 = at + 20 + ext;
	} else {
		memset(data + at, 0, 40 + ext);
		data[at] = 0x60;
		data[at + 6] = ext ? 0 : proto;
		l4 = at + 40;
		if (ext) {
			data[l4] = proto;
			data[l4 + 1] = ext / 8 - 1;
			l4 += ext;
		}
	}
	if (proto == 6)
		data[l4 + 12] = 0x80;	/* 32 bytes of TCP header */
	return l4;
}

static void claim(struct ivm_vnet_hdr *hdr, u8 gso, unsigned int start, unsigned int offset, unsigned int size)
{
	*hdr = (struct ivm_vnet_hdr){
		.flags = VNET_HDR_NEEDS_CSUM,
		.gso_type = gso,
		.hdr_len = cpu_to_le16(0xffff),	/* a lie that must not matter */
		.gso_size = cpu_to_le16(size),
		.csum_start = cpu_to_le16(start),
		.csum_offset = cpu_to_le16(offset),
		.num_buffers = cpu_to_le16(0xffff),
	};
}

TEST_F(hdr, length_is_from_an_ethernet_header_to_the_mtu_and_a_tag)
{
	EXPECT_EQ(IVM_VNET_BAD_LENGTH, check(self, 0, 0));
	EXPECT_EQ(IVM_VNET_BAD_LENGTH, check(self, 13, 0));
	EXPECT_EQ(IVM_VNET_FINE, check(self, 14, 0));
	EXPECT_EQ(IVM_VNET_FINE, check(self, MTU + 18, 0));
	EXPECT_EQ(IVM_VNET_BAD_LENGTH, check(self, MTU + 19, 0));
	EXPECT_FALSE(self->frame.needs_csum || self->frame.gso || self->frame.csum_valid);
}

TEST_F(hdr, unknown_flags_are_ignored)
{
	self->hdr.flags = 0xfe;
	EXPECT_EQ(IVM_VNET_FINE, check(self, 60, 0));
	EXPECT_FALSE(self->frame.csum_valid);
	EXPECT_FALSE(self->frame.needs_csum);
}

TEST_F(hdr, checksum_lies_within_the_frame_and_was_negotiated)
{
	claim(&self->hdr, 0, 34, 16, 0);
	EXPECT_EQ(IVM_VNET_BAD_CSUM, check(self, 60, ALL_HOST & ~VNET_F_CSUM));
	EXPECT_EQ(IVM_VNET_FINE, check(self, 60, VNET_F_CSUM));
	EXPECT_TRUE(self->frame.needs_csum);
	EXPECT_EQ(34, self->frame.csum_start);
	EXPECT_EQ(16, self->frame.csum_offset);
	EXPECT_EQ(IVM_VNET_FINE, check(self, 52, VNET_F_CSUM));
	EXPECT_EQ(IVM_VNET_BAD_CSUM, check(self, 51, VNET_F_CSUM));
	claim(&self->hdr, 0, 13, 16, 0);
	EXPECT_EQ(IVM_VNET_BAD_CSUM, check(self, 60, VNET_F_CSUM));
	claim(&self->hdr, 0, 0xffff, 0xffff, 0);
	EXPECT_EQ(IVM_VNET_BAD_CSUM, check(self, 60, VNET_F_CSUM));
	claim(&self->hdr, 0, 20, 0xfff0, 0);
	EXPECT_EQ(IVM_VNET_BAD_CSUM, check(self, 60, VNET_F_CSUM));
}

struct gso_case { u8 type; int version; u8 proto; unsigned int offset, l4; u64 feature; };
static const struct gso_case gso_cases[] = {
	{ IVM_GSO_TCP4, 4, 6, 16, 32, VNET_F_HOST_TSO4 },
	{ IVM_GSO_TCP6, 6, 6, 16, 32, VNET_F_HOST_TSO6 },
	{ IVM_GSO_UDP, 4, 17, 6, 8, VNET_F_HOST_USO },
	{ IVM_GSO_UDP, 6, 17, 6, 8, VNET_F_HOST_USO },
};

TEST_F(hdr, segments_of_each_kind_behind_tags_and_options)
{
	unsigned int i, tags, ext, start;

	for (i = 0; i < ARRAY_SIZE(gso_cases); i++) {
		const struct gso_case *c = &gso_cases[i];

		for (tags = 0; tags <= 2; tags++)
			for (ext = 0; ext <= 40; ext += 8) {
				start = build(self->data, tags, c->version, ext, c->proto);
				claim(&self->hdr, c->type, start, c->offset, 1000);
				ASSERT_EQ(IVM_VNET_FINE, check(self, 20000, VNET_F_CSUM | c->feature));
				ASSERT_EQ(c->type, self->frame.gso);
				ASSERT_EQ(1000, self->frame.gso_size);
				ASSERT_EQ(start + c->l4, self->frame.hdr_len);
				ASSERT_EQ(IVM_VNET_BAD_GSO, check(self, 20000, ALL_HOST & ~c->feature));
			}
	}
}

TEST_F(hdr, segments_are_what_the_headers_of_the_frame_say)
{
	unsigned int i, start;

	for (i = 0; i < ARRAY_SIZE(gso_cases); i++) {
		const struct gso_case *c = &gso_cases[i];

		start = build(self->data, 0, c->version, 0, c->proto);
		claim(&self->hdr, c->type, start + 2, c->offset, 1000);
		EXPECT_EQ(IVM_VNET_BAD_GSO, check(self, 20000, ALL_HOST));
		claim(&self->hdr, c->type, start - 2, c->offset, 1000);
		EXPECT_EQ(IVM_VNET_BAD_GSO, check(self, 20000, ALL_HOST));
		claim(&self->hdr, c->type, start, c->offset - 2, 1000);
		EXPECT_EQ(IVM_VNET_BAD_GSO, check(self, 20000, ALL_HOST));
		/* Another protocol, another version. */
		build(self->data, 0, c->version, 0, c->proto ^ 1);
		claim(&self->hdr, c->type, start, c->offset, 1000);
		EXPECT_EQ(IVM_VNET_BAD_GSO, check(self, 20000, ALL_HOST));
		build(self->data, 0, c->version, 0, c->proto);
		self->data[14] ^= 0x20;
		EXPECT_EQ(IVM_VNET_BAD_GSO, check(self, 20000, ALL_HOST));
		/* An ethertype that is neither. */
		build(self->data, 0, c->version, 0, c->proto);
		put_unaligned_be16(0x0806, self->data + 12);
		EXPECT_EQ(IVM_VNET_BAD_GSO, check(self, 20000, ALL_HOST));
	}
	start = build(self->data, 0, 4, 0, 6);
	claim(&self->hdr, IVM_GSO_TCP6, start, 16, 1000);
	EXPECT_EQ(IVM_VNET_BAD_GSO, check(self, 20000, ALL_HOST));
	claim(&self->hdr, IVM_GSO_TCP4, start, 16, 1000);
	self->data[20] = 0x20;		/* a fragment */
	EXPECT_EQ(IVM_VNET_BAD_GSO, check(self, 20000, ALL_HOST));
	self->data[20] = 0x40;		/* must not be fragmented: fine */
	EXPECT_EQ(IVM_VNET_FINE, check(self, 20000, ALL_HOST));
	self->data[start + 12] = 0x40;	/* a TCP header of 16 bytes */
	EXPECT_EQ(IVM_VNET_BAD_GSO, check(self, 20000, ALL_HOST));
	self->data[start + 12] = 0xf0;
	EXPECT_EQ(IVM_VNET_FINE, check(self, 20000, ALL_HOST));
	EXPECT_EQ(start + 60, self->frame.hdr_len);
	EXPECT_EQ(IVM_VNET_BAD_GSO, check(self, start + 59, ALL_HOST));
}

TEST_F(hdr, a_third_tag_hides_what_is_behind_it)
{
	unsigned int start = build(self->data, 2, 4, 0, 6);

	memmove(self->data + 16, self->data + 12, 100);
	put_unaligned_be16(0x8100, self->data + 12);
	claim(&self->hdr, IVM_GSO_TCP4, start + 4, 16, 1000);
	EXPECT_EQ(IVM_VNET_BAD_GSO, check(self, 20000, ALL_HOST));
}

TEST_F(hdr, headers_that_end_beyond_the_private_copy_are_not_believed)
{
	unsigned int start = build(self->data, 0, 6, 136, 6);

	ASSERT_EQ(190, start);
	claim(&self->hdr, IVM_GSO_TCP6, start, 16, 1000);
	EXPECT_EQ(IVM_VNET_BAD_GSO, check(self, 20000, ALL_HOST));
}

TEST_F(hdr, size_of_segments)
{
	unsigned int start = build(self->data, 0, 4, 0, 6), headers = start + 32;

	claim(&self->hdr, IVM_GSO_TCP4, start, 16, 0);
	EXPECT_EQ(IVM_VNET_BAD_GSO, check(self, 20000, ALL_HOST));
	claim(&self->hdr, IVM_GSO_TCP4, start, 16, IVM_VNET_GSO_SIZE_MIN - 1);
	EXPECT_EQ(IVM_VNET_BAD_GSO, check(self, 20000, ALL_HOST));
	claim(&self->hdr, IVM_GSO_TCP4, start, 16, IVM_VNET_GSO_SIZE_MIN);
	EXPECT_EQ(IVM_VNET_FINE, check(self, 20000, ALL_HOST));
	claim(&self->hdr, IVM_GSO_TCP4, start, 16, MTU + 18 - headers);
	EXPECT_EQ(IVM_VNET_FINE, check(self, 20000, ALL_HOST));
	claim(&self->hdr, IVM_GSO_TCP4, start, 16, MTU + 18 - headers + 1);
	EXPECT_EQ(IVM_VNET_BAD_GSO, check(self, 20000, ALL_HOST));
	claim(&self->hdr, IVM_GSO_TCP4, start, 16, 0xffff);
	EXPECT_EQ(IVM_VNET_BAD_GSO, check(self, 20000, ALL_HOST));
}

TEST_F(hdr, one_segment_is_an_ordinary_frame)
{
	unsigned int start = build(self->data, 0, 4, 0, 6), headers = start + 32;

	claim(&self->hdr, IVM_GSO_TCP4 | VNET_HDR_GSO_ECN, start, 16, 1000);
	EXPECT_EQ(IVM_VNET_FINE, check(self, headers + 1000, ALL_HOST));
	EXPECT_EQ(IVM_GSO_NONE, self->frame.gso);
	EXPECT_FALSE(self->frame.ecn);
	EXPECT_EQ(0, self->frame.gso_size);
	EXPECT_TRUE(self->frame.needs_csum);
	EXPECT_EQ(IVM_VNET_FINE, check(self, headers, ALL_HOST));
	EXPECT_EQ(IVM_GSO_NONE, self->frame.gso);
	EXPECT_EQ(IVM_VNET_FINE, check(self, headers + 1001, ALL_HOST));
	EXPECT_EQ(IVM_GSO_TCP4, self->frame.gso);
	EXPECT_TRUE(self->frame.ecn);
}

TEST_F(hdr, length_of_segmented_frames)
{
	unsigned int start = build(self->data, 0, 4, 0, 6);

	claim(&self->hdr, IVM_GSO_TCP4, start, 16, 1000);
	EXPECT_EQ(IVM_VNET_FINE, check(self, IVM_VNET_FRAME_MAX, ALL_HOST));
	EXPECT_EQ(IVM_VNET_BAD_LENGTH, check(self, IVM_VNET_FRAME_MAX + 1, ALL_HOST));
}

TEST_F(hdr, ecn_goes_with_tcp_and_was_negotiated)
{
	unsigned int start = build(self->data, 0, 4, 0, 6);

	claim(&self->hdr, IVM_GSO_TCP4 | VNET_HDR_GSO_ECN, start, 16, 1000);
	EXPECT_EQ(IVM_VNET_BAD_GSO, check(self, 20000, ALL_HOST & ~VNET_F_HOST_ECN));
	EXPECT_EQ(IVM_VNET_FINE, check(self, 20000, ALL_HOST));
	EXPECT_TRUE(self->frame.ecn);
	start = build(self->data, 0, 4, 0, 17);
	claim(&self->hdr, IVM_GSO_UDP | VNET_HDR_GSO_ECN, start, 6, 1000);
	EXPECT_EQ(IVM_VNET_BAD_GSO, check(self, 20000, ALL_HOST));
}

TEST_F(hdr, segments_need_a_checksum_and_a_known_type)
{
	unsigned int start = build(self->data, 0, 4, 0, 6), type;

	claim(&self->hdr, IVM_GSO_TCP4, start, 16, 1000);
	self->hdr.flags = 0;
	EXPECT_EQ(IVM_VNET_BAD_GSO, check(self, 20000, ALL_HOST));
	for (type = 1; type < 256; type++) {
		claim(&self->hdr, type, start, 16, 1000);
		EXPECT_EQ((type & 0x7f) == IVM_GSO_TCP4 ? IVM_VNET_FINE : IVM_VNET_BAD_GSO,
			  check(self, 20000, ALL_HOST)) TH_LOG("type %u", type);
	}
}

TEST_F(hdr, what_the_guest_is_told)
{
	struct ivm_frame frame = { .len = 20000 };
	struct ivm_vnet_hdr hdr;

	ASSERT_EQ(0, ivm_vnet_hdr_make(&hdr, 0, &frame));
	EXPECT_EQ(0, hdr.flags);
	EXPECT_EQ(0, hdr.gso_type);
	EXPECT_EQ(1, le16_to_cpu(hdr.num_buffers));

	frame.csum_valid = true;
	ASSERT_EQ(0, ivm_vnet_hdr_make(&hdr, 0, &frame));
	EXPECT_EQ(0, hdr.flags);
	ASSERT_EQ(0, ivm_vnet_hdr_make(&hdr, ALL_GUEST, &frame));
	EXPECT_EQ(VNET_HDR_DATA_VALID, hdr.flags);

	frame.needs_csum = true;
	frame.csum_start = 34;
	frame.csum_offset = 16;
	EXPECT_EQ(-EMSGSIZE, ivm_vnet_hdr_make(&hdr, ALL_GUEST & ~VNET_F_GUEST_CSUM, &frame));
	ASSERT_EQ(0, ivm_vnet_hdr_make(&hdr, VNET_F_GUEST_CSUM, &frame));
	EXPECT_EQ(VNET_HDR_NEEDS_CSUM, hdr.flags);
	EXPECT_EQ(34, le16_to_cpu(hdr.csum_start));
	EXPECT_EQ(16, le16_to_cpu(hdr.csum_offset));

	/* A tag that is written into the frame moves what is behind it. */
	frame.tag_proto = 0x8100;
	frame.gso = IVM_GSO_TCP4;
	frame.gso_size = 1448;
	frame.hdr_len = 66;
	ASSERT_EQ(0, ivm_vnet_hdr_make(&hdr, ALL_GUEST, &frame));
	EXPECT_EQ(38, le16_to_cpu(hdr.csum_start));
	EXPECT_EQ(16, le16_to_cpu(hdr.csum_offset));
	EXPECT_EQ(70, le16_to_cpu(hdr.hdr_len));
	EXPECT_EQ(1448, le16_to_cpu(hdr.gso_size));
	EXPECT_EQ(IVM_GSO_TCP4, hdr.gso_type);
	frame.ecn = true;
	ASSERT_EQ(0, ivm_vnet_hdr_make(&hdr, ALL_GUEST, &frame));
	EXPECT_EQ(IVM_GSO_TCP4 | VNET_HDR_GSO_ECN, hdr.gso_type);
	EXPECT_EQ(-EMSGSIZE, ivm_vnet_hdr_make(&hdr, ALL_GUEST & ~VNET_F_GUEST_ECN, &frame));
	EXPECT_EQ(-EMSGSIZE, ivm_vnet_hdr_make(&hdr, ALL_GUEST & ~VNET_F_GUEST_TSO4, &frame));
	frame.ecn = false;
	EXPECT_EQ(0, ivm_vnet_hdr_make(&hdr, VNET_F_GUEST_CSUM | VNET_F_GUEST_TSO4, &frame));
	frame.gso = IVM_GSO_TCP6;
	EXPECT_EQ(-EMSGSIZE, ivm_vnet_hdr_make(&hdr, ALL_GUEST & ~VNET_F_GUEST_TSO6, &frame));
	frame.gso = IVM_GSO_UDP;
	EXPECT_EQ(0, ivm_vnet_hdr_make(&hdr, ALL_GUEST, &frame));
	EXPECT_EQ(-EMSGSIZE, ivm_vnet_hdr_make(&hdr, ALL_GUEST & ~VNET_F_GUEST_USO4, &frame));
	EXPECT_EQ(-EMSGSIZE, ivm_vnet_hdr_make(&hdr, ALL_GUEST & ~VNET_F_GUEST_USO6, &frame));
	frame.csum_start = 0xfffd;
	EXPECT_EQ(-EMSGSIZE, ivm_vnet_hdr_make(&hdr, ALL_GUEST, &frame));
}

TEST_F(hdr, a_flow_stays_together_and_flows_spread)
{
	unsigned int start, i, hits[4] = { };
	u32 hash;

	start = build(self->data, 0, 4, 0, 17);
	hash = ivm_vnet_flow_hash(self->data, 192);
	self->data[start + 8] ^= 1;		/* payload, IP id, TTL, destination address of the Ethernet */
	self->data[18] ^= 1;
	self->data[22] ^= 1;
	EXPECT_EQ(hash, ivm_vnet_flow_hash(self->data, 192));
	for (i = 0; i < 4096; i++) {
		put_unaligned_be16(i, self->data + start);
		hits[(u64)ivm_vnet_flow_hash(self->data, 192) * 4 >> 32]++;
	}
	for (i = 0; i < 4; i++)
		EXPECT_LT(768, hits[i]);
	/* Fragments have no ports, first ones neither. */
	self->data[20] = 0x20;
	hash = ivm_vnet_flow_hash(self->data, 192);
	put_unaligned_be16(77, self->data + start);
	EXPECT_EQ(hash, ivm_vnet_flow_hash(self->data, 192));

	start = build(self->data, 1, 6, 0, 6);
	hash = ivm_vnet_flow_hash(self->data, 192);
	put_unaligned_be16(77, self->data + start + 2);
	EXPECT_NE(hash, ivm_vnet_flow_hash(self->data, 192));
	hash = ivm_vnet_flow_hash(self->data, 192);
	self->data[18 + 39] ^= 1;		/* the last byte of an address */
	EXPECT_NE(hash, ivm_vnet_flow_hash(self->data, 192));
}

TEST_F(hdr, flows_of_short_heads_read_nothing_beyond)
{
	unsigned int len, tags, version;
	u8 *copy;

	for (version = 4; version <= 6; version += 2)
		for (tags = 0; tags <= 2; tags++) {
			build(self->data, tags, version, 40, 6);
			for (len = 0; len <= 192; len++) {
				copy = malloc(len);
				memcpy(copy, self->data, len);
				ivm_vnet_flow_hash(copy, len);
				free(copy);
			}
		}
	for (len = 12; len < 190; len += 2)
		put_unaligned_be16(0x8100, self->data + len);	/* tags all the way */
	copy = malloc(190);
	memcpy(copy, self->data, 190);
	ivm_vnet_flow_hash(copy, 190);
	free(copy);
}

TEST_HARNESS_MAIN
