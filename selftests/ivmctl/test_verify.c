// SPDX-License-Identifier: GPL-2.0-only
/*
 * The matrix of "switch verify": its expectations against cells written down one
 * by one, frames as bytes, and the counting of faults on a switch made up here.
 */
#include "../harness.h"

#include "text.h"
#include "verify/matrix.h"

#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>

static const struct ivm_run_values values = {
	.vid = { [IVM_VLAN_A] = 10, [IVM_VLAN_B] = 20, [IVM_VLAN_C] = 30, [IVM_VLAN_D] = 40, [IVM_VLAN_4095] = 4095 },
	.unknown = { 2, 0, 0, 0, 0, 0xff }, .magic = "magic!!",
};

static struct ivm_run_values *run_values(void)
{
	static struct ivm_run_values run;

	run = values;
	for (size_t i = 0; i < IVM_PROBES_MAX; i++) {
		const uint8_t mac[] = { 2, 0, 0, 0, 0, (uint8_t)i };

		memcpy(run.mac[i], mac, sizeof(mac));
	}
	return &run;
}

static size_t probe(const char *name)
{
	for (size_t i = 0; i < ivm_nr_probes; i++)
		if (!strcmp(ivm_probe_kinds[i].name, name))
			return i;
	abort();
}

static size_t shape(const char *name)
{
	for (size_t i = 0; i < ivm_nr_shapes; i++)
		if (!strcmp(ivm_shapes[i].name, name))
			return i;
	abort();
}

/* What a cell must look like at a port: "-" nothing, "0" untagged, "A3" tagged A with priority 3. */
static const char *outcome(size_t from, size_t to, size_t kind, size_t at)
{
	struct ivm_expect expect = ivm_expect(from, to, &ivm_shapes[kind], at);
	static char text[8];

	if (!expect.arrives)
		return "-";
	if (!expect.tagged)
		return "0";
	snprintf(text, sizeof(text), "%c%u%s", "0ABCD"[expect.vlan], expect.prio >> 13, expect.prio & IVM_DROP_BIT ? "d" : "");
	return text;
}

/* P1 by hand. "*" as addressee: the frame has none that counts; any does. */
static const struct {
	const char *from, *to, *frame, *at, *want;
} cells[] = {
	/* access to access of the same VLAN, and to nobody else */
	{ "access-A", "host-A", "untagged", "host-A", "0" },
	{ "access-A", "host-A", "untagged", "access-A", "-" },
	{ "access-A", "host-A", "untagged", "access-A-1500", "-" },
	{ "access-A", "host-A", "untagged", "uplink", "-" },
	{ "access-A", "access-B", "untagged", "access-B", "-" },
	{ "access-A", "access-B", "untagged", "uplink", "A0" },		/* unknown in A */
	{ "access-A", "access-B", "untagged", "uplink-native-B", "A0" },
	{ "access-A", "access-B", "untagged", "host-A", "-" },
	{ "access-B", "uplink-native-B", "untagged", "uplink-native-B", "0" },
	{ "access-A", "trunk-AB", "untagged", "trunk-AB", "A0" },
	{ "access-A", "native-A", "untagged", "native-A", "0" },
	{ "access-B", "native-A", "untagged", "native-A", "B0" },
	{ "access-A", "trunk-C", "untagged-broadcast", "trunk-C", "-" },
	{ "access-A", "off", "untagged-broadcast", "off", "-" },
	{ "off", "access-A", "untagged-broadcast", "access-A-1500", "-" },
	{ "access-A", "off", "untagged-broadcast", "native-A", "0" },
	{ "access-A", "off", "untagged-broadcast", "uplink", "A0" },
	{ "access-A", "off", "untagged-multicast", "access-B", "-" },
	{ "access-A", "off", "untagged-multicast6", "trunk-AB", "A0" },
	{ "access-A", "off", "untagged-to-self", "uplink", "-" },
	{ "access-A", "off", "untagged-unknown", "uplink", "A0" },
	{ "access-A", "off", "untagged-unknown", "host-A", "-" },
	{ "access-A", "host-A", "llc", "host-A", "0" },
	/* an access port's own tags, whatever they say */
	{ "access-A", "host-A", "vid-0", "host-A", "-" },
	{ "access-A", "host-A", "vid-0-broadcast", "uplink", "-" },
	{ "access-A", "host-A", "vid-A", "host-A", "-" },
	{ "access-A", "access-B", "vid-B", "access-B", "-" },
	{ "access-A", "access-B", "vid-B-broadcast", "access-B", "-" },
	{ "access-A", "trunk-AB", "vid-B-broadcast", "trunk-AB", "-" },
	{ "access-A", "trunk-AB", "802.1ad-A-broadcast", "trunk-AB", "-" },
	{ "access-A", "trunk-AB", "9100-A-broadcast", "trunk-AB", "-" },
	{ "access-A", "access-B", "beside-B-broadcast", "access-B", "-" },
	{ "access-A", "access-B", "double-A-B-broadcast", "access-B", "-" },
	{ "access-A", "access-B", "double-0-B-broadcast", "native-A", "-" },
	/* a trunk's tag decides */
	{ "trunk-AB", "access-A", "vid-A", "access-A", "0" },
	{ "trunk-AB", "access-A", "beside-A", "access-A", "0" },
	{ "trunk-AB", "uplink", "vid-A", "uplink", "A3" },
	{ "trunk-AB", "uplink", "vid-A-prio-7-drop", "uplink", "A7d" },
	{ "trunk-AB", "access-A", "vid-B", "access-A", "-" },
	{ "trunk-AB", "access-A", "vid-B", "uplink", "B0" },
	{ "trunk-AB", "access-B", "vid-B", "access-B", "0" },
	{ "trunk-AB", "uplink", "vid-C", "uplink", "-" },
	{ "trunk-AB", "trunk-C", "vid-C-broadcast", "trunk-C", "-" },
	{ "uplink", "trunk-C", "vid-C", "trunk-C", "C0" },
	{ "uplink", "trunk-C", "vid-D-broadcast", "trunk-C", "-" },
	{ "uplink", "access-A", "vid-4095-broadcast", "access-A", "-" },
	{ "uplink", "access-A", "802.1ad-A-broadcast", "access-A", "-" },
	{ "uplink", "access-A", "beside-802.1ad-A-broadcast", "trunk-AB", "-" },
	/* no tag, or VID 0: the native VLAN, if there is one */
	{ "trunk-AB", "access-A", "untagged-broadcast", "access-A", "-" },
	{ "trunk-AB", "access-A", "vid-0-broadcast", "access-A", "-" },
	{ "native-A", "access-A", "untagged", "access-A", "0" },
	{ "native-A", "access-A", "vid-0", "access-A", "0" },
	{ "native-A", "uplink", "vid-0", "uplink", "A5" },
	{ "native-A", "uplink", "vid-A", "uplink", "A3" },
	{ "uplink-native-B", "access-B", "untagged", "access-B", "0" },
	{ "uplink-native-B", "access-A", "untagged-broadcast", "access-A", "-" },
	/* a second tag is payload, and never becomes the first */
	{ "trunk-AB", "uplink", "double-A-B", "uplink", "A0" },
	{ "trunk-AB", "access-A", "double-A-B", "access-A", "-" },
	{ "trunk-AB", "access-A", "double-A-B-broadcast", "native-A", "-" },
	{ "trunk-AB", "access-A", "double-A-B-broadcast", "access-B", "-" },
	{ "trunk-AB", "access-A", "double-A-802.1ad-B-broadcast", "access-A", "-" },
	{ "trunk-AB", "access-A", "double-A-9100-B-broadcast", "access-A", "-" },
	{ "trunk-AB", "access-B", "double-B-A-broadcast", "uplink-native-B", "-" },
	{ "native-A", "access-A", "double-0-B-broadcast", "access-A", "-" },
	{ "native-A", "trunk-AB", "double-0-B-broadcast", "trunk-AB", "A0" },
	{ "native-A", "trunk-AB", "9100-A-broadcast", "trunk-AB", "-" },
	{ "trunk-AB", "uplink", "double-beside-A-B", "uplink", "A0" },
	/* isolation */
	{ "isolated-A", "isolated-A-1500", "untagged", "isolated-A-1500", "-" },
	{ "isolated-A", "access-A", "untagged", "access-A", "-" },
	{ "access-A", "isolated-A", "untagged", "isolated-A", "-" },
	{ "access-A", "isolated-A", "untagged-broadcast", "isolated-A", "-" },
	{ "isolated-A", "uplink", "untagged", "uplink", "A0" },
	{ "isolated-A", "uplink", "untagged-broadcast", "host-A", "-" },
	{ "uplink", "isolated-A", "vid-A", "isolated-A", "0" },
	{ "uplink", "isolated-A", "vid-A-broadcast", "isolated-trunk-AB", "A3" },
	{ "trunk-AB", "isolated-trunk-AB", "vid-B", "isolated-trunk-AB", "-" },
	{ "uplink", "uplink-native-B", "vid-A-unknown", "uplink-native-B", "A3" },
	/* sizes */
	{ "access-A", "access-A-1500", "runt", "access-A-1500", "0" },
	{ "access-A", "access-A-1500", "max", "access-A-1500", "0" },
	{ "access-A", "uplink-native-B", "max", "uplink-native-B", "A0" },
	{ "access-A", "access-A-1500", "jumbo", "access-A-1500", "-" },
	{ "access-A", "host-A", "jumbo", "host-A", "0" },
	{ "access-A", "uplink", "jumbo", "uplink", "A0" },
	{ "trunk-AB", "access-A-1500", "max-vid-A", "access-A-1500", "0" },
	{ "trunk-AB", "access-A-1500", "gso-tcp4-vid-A", "access-A-1500", "0" },
	{ "access-A", "trunk-AB", "gso-tcp6", "trunk-AB", "A0" },
	{ "trunk-AB", "access-A", "cut-tag", "access-A", "-" },
	/* addresses */
	{ "access-A", "host-A", "bpdu", "uplink", "-" },
	{ "trunk-AB", "uplink", "bpdu-vid-A", "uplink", "-" },
	{ "access-A", "host-A", "reserved-0f", "host-A", "-" },
	{ "access-A", "host-A", "not-reserved-10", "host-A", "0" },
	{ "access-A", "host-A", "group-source", "host-A", "-" },
	{ "trunk-AB", "host-A", "zero-source-vid-A", "uplink", "-" },
	{ "access-A", "host-A", "spoofed", "uplink", "-" },
	{ "access-A", "uplink", "spoofed", "host-A", "-" },
	{ "access-A", "trunk-C", "spoofed", "host-A", "0" },	/* nobody in A has that address */
	{ "trunk-AB", "access-A", "spoofed-vid-A", "uplink", "-" },
	{ "trunk-AB", "access-A", "spoofed-vid-B", "uplink", "B0" },
};

TEST(expectations)
{
	for (size_t i = 0; i < ARRAY_SIZE(cells); i++) {
		const char *got = outcome(probe(cells[i].from), probe(cells[i].to), shape(cells[i].frame), probe(cells[i].at));

		EXPECT_STREQ(cells[i].want, got)
			TH_LOG("%s to %s, %s, at %s", cells[i].from, cells[i].to, cells[i].frame, cells[i].at);
	}
}

/* Whatever the rules above say of single cells: no VLAN is left, nothing untagged is a lie. */
TEST(no_expectation_breaks_the_promise)
{
	size_t arrivals = 0;

	for (uint32_t number = 0; number < ivm_nr_cells(); number++) {
		struct ivm_cell cell = ivm_cell_at(number);
		const struct ivm_probe_kind *in = &ivm_probe_kinds[cell.sender];
		const struct ivm_shape *kind = &ivm_shapes[cell.shape];

		for (size_t at = 0; at < ivm_nr_probes; at++) {
			const struct ivm_probe_kind *out = &ivm_probe_kinds[at];
			struct ivm_expect expect = ivm_expect(cell.sender, cell.to, kind, at);
			enum ivm_letter vlan = expect.tagged ? expect.vlan : out->untagged;

			ASSERT_NE(NULL, expect.rule);
			if (!expect.arrives)
				continue;
			arrivals++;
			ASSERT_NE(at, cell.sender);
			ASSERT_TRUE(vlan >= IVM_VLAN_A && vlan <= IVM_VLAN_C);
			if (in->mode == IVM_PROBE_ACCESS) {
				ASSERT_EQ(vlan, in->untagged);
				ASSERT_EQ(0, kind->tag[0].proto);
			} else {
				ASSERT_TRUE(in->trunk & IVM_IN(vlan));
			}
			if (out->mode == IVM_PROBE_ACCESS)
				ASSERT_FALSE(expect.tagged);
			if (!expect.tagged && expect.skip < IVM_TAGS)
				ASSERT_EQ(0, kind->tag[expect.skip].proto);
			if (in->isolated && out->isolated)
				ASSERT_TRUE(false);
		}
	}
	EXPECT_LT(10000, arrivals);
}

TEST(cells_have_numbers)
{
	ASSERT_LT(1000, ivm_nr_cells());
	for (uint32_t number = 0; number < ivm_nr_cells(); number++) {
		struct ivm_cell cell = ivm_cell_at(number);

		ASSERT_NE(cell.sender, cell.to);
		ASSERT_LT(cell.sender, ivm_nr_probes);
		ASSERT_LT(cell.to, ivm_nr_probes);
		ASSERT_LT(cell.shape, ivm_nr_shapes);
		ASSERT_EQ(number, ivm_cell_number(&cell));
	}
	for (size_t i = 0; i < ivm_nr_shapes; i++)
		for (size_t j = 0; j < i; j++) {
			const char *other = ivm_shapes[j].name;

			EXPECT_STRNE(other, ivm_shapes[i].name);
		}
}

TEST(frames_as_bytes)
{
	static const uint8_t want[] = {
		2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 3, 0x81, 0, 0, 10, 0x81, 0, 0, 20, 0x88, 0xb5, 'm', 'a', 'g', 'i', 'c', '!', '!', 0,
	};
	struct ivm_cell cell = { .sender = probe("trunk-AB"), .to = probe("uplink"), .shape = shape("double-A-B") };
	static struct ivm_bytes frame, wire;
	struct ivm_run_values *run = run_values();
	struct ivm_expect expect = ivm_expect(cell.sender, cell.to, &ivm_shapes[cell.shape], cell.to);
	uint32_t number;
	char *text;

	ivm_frame_build(run, &cell, &frame);
	EXPECT_EQ(14 + 8 + 50, frame.len);
	EXPECT_EQ(0, memcmp(want, frame.data, sizeof(want)));
	ASSERT_TRUE(ivm_frame_identify(run, &frame, &number));
	EXPECT_EQ(number, ivm_cell_number(&cell));
	ivm_frame_expect(run, &cell, &expect, &wire);
	EXPECT_TRUE(ivm_frame_same(&wire, &frame));
	text = ivm_frame_text(&wire);
	EXPECT_STREQ("72 bytes, tag 8100 VID 10 prio 0, tag 8100 VID 20 prio 0", text);
	free(text);

	/* The same with its outer tag beside it. */
	cell.shape = shape("double-beside-A-B");
	ivm_frame_build(run, &cell, &frame);
	EXPECT_EQ(14 + 4 + 50, frame.len);
	ASSERT_TRUE(ivm_frame_insert_tag(&frame, 0x8100, 10));
	EXPECT_EQ(0, memcmp(want, frame.data, sizeof(want)));
	EXPECT_EQ(72, frame.len);

	/* One bit is enough. */
	wire = frame;
	wire.data[71] ^= 1;
	EXPECT_FALSE(ivm_frame_same(&wire, &frame));
	wire = frame;
	wire.len--;
	EXPECT_FALSE(ivm_frame_same(&wire, &frame));
	frame.len = 11;
	EXPECT_FALSE(ivm_frame_insert_tag(&frame, 0x8100, 10));
}

TEST(lengths)
{
	static const struct { const char *name; size_t len; } sizes[] = {
		{ "untagged", 64 }, { "runt", 26 }, { "runt-vid-A", 30 }, { "cut-tag", 16 }, { "max", 1514 }, { "max-vid-A", 1518 },
		{ "max-beside-A", 1514 }, { "jumbo", 9014 }, { "jumbo-vid-A", 9018 }, { "gso-tcp4", 4054 }, { "gso-tcp6", 4074 },
		{ "bpdu", 67 },
	};
	struct ivm_run_values *run = run_values();
	static struct ivm_bytes frame;
	uint32_t number;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct ivm_cell cell = { .sender = 3, .to = 1, .shape = shape(sizes[i].name) };

		ivm_frame_build(run, &cell, &frame);
		EXPECT_EQ(sizes[i].len, frame.len) TH_LOG("%s", sizes[i].name);
		ASSERT_TRUE(ivm_frame_identify(run, &frame, &number)) TH_LOG("%s", sizes[i].name);
		EXPECT_EQ(number, ivm_cell_number(&cell)) TH_LOG("%s", sizes[i].name);
		EXPECT_EQ(!strncmp(sizes[i].name, "gso", 3), frame.gso_size == 1000);
	}
}

TEST(strangers_are_not_ours)
{
	static struct ivm_bytes frame;
	struct ivm_run_values *run = run_values();
	uint32_t number;

	memset(frame.data, 0x55, sizeof(frame.data));
	for (frame.len = 0; frame.len < 200; frame.len++)
		EXPECT_FALSE(ivm_frame_identify(run, &frame, &number));
	/* The mark at the very end, its number cut off or out of range. */
	frame.len = 64;
	memcpy(frame.data + 56, run->magic, IVM_MAGIC_LEN);
	EXPECT_FALSE(ivm_frame_identify(run, &frame, &number));
	memset(frame.data + 64, 0xff, 4);
	frame.len = 68;
	EXPECT_FALSE(ivm_frame_identify(run, &frame, &number));
}

/* The checksums that devices will complete. */
TEST(segments_have_good_headers)
{
	struct ivm_cell cell = { .sender = 0, .to = 1, .shape = shape("gso-tcp4") };
	static struct ivm_bytes frame, other;
	struct ivm_run_values *run = run_values();
	uint32_t sum = 0;

	ivm_frame_build(run, &cell, &frame);
	for (size_t i = 14; i < 34; i += 2)
		sum += (uint32_t)(frame.data[i] << 8 | frame.data[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	EXPECT_EQ(0xffff, sum);
	EXPECT_EQ(34, frame.csum_start);
	EXPECT_EQ(16, frame.csum_offset);
	EXPECT_EQ(54, frame.hdr_len);
	EXPECT_EQ(VIRTIO_NET_HDR_GSO_TCPV4, frame.gso_type);
	/* A completed checksum is the same frame; all else is not, nor is one that is no longer whole. */
	other = frame;
	other.data[50] ^= 0x5a;
	EXPECT_TRUE(ivm_frame_same(&frame, &other));
	other.data[52] ^= 1;
	EXPECT_FALSE(ivm_frame_same(&frame, &other));
	other = frame;
	other.gso_type = other.gso_size = 0;
	EXPECT_FALSE(ivm_frame_same(&frame, &other));
}

/* ---- a switch made up here ---- */

enum fault { GOOD, LEAKY, LOSSY, WRONG_TAG, TWICE };

/* Let a perfect switch, or one with a fault at @at, carry every frame. */
static void carry(struct ivm_matrix *matrix, enum fault fault, size_t sender, size_t at)
{
	static struct ivm_bytes frame;

	for (uint32_t number = 0; number < ivm_nr_cells(); number++) {
		struct ivm_cell cell = ivm_cell_at(number);

		if (!ivm_shape_can(cell.sender, &ivm_shapes[cell.shape]))
			continue;
		matrix->sent[number] = true;
		for (size_t port = 0; port < ivm_nr_probes; port++) {
			struct ivm_expect expect = ivm_expect(cell.sender, cell.to, &ivm_shapes[cell.shape], port);
			bool here = fault && cell.sender == sender && port == at;

			if (here && fault == LEAKY && !expect.arrives) {
				ivm_frame_build(matrix->run, &cell, &frame);
				ivm_matrix_arrived(matrix, port, &frame);
			}
			if (!expect.arrives || (here && fault == LOSSY))
				continue;
			ivm_frame_expect(matrix->run, &cell, &expect, &frame);
			if (here && fault == WRONG_TAG)
				ivm_frame_insert_tag(&frame, 0x8100, 40);
			ivm_matrix_arrived(matrix, port, &frame);
			if (here && fault == TWICE)
				ivm_matrix_arrived(matrix, port, &frame);
		}
	}
	ivm_matrix_end(matrix);
}

TEST(every_fault_is_found_and_named)
{
	static const enum ivm_fault named[] = {
		[LEAKY] = IVM_FAULT_LEAK, [LOSSY] = IVM_FAULT_LOSS, [WRONG_TAG] = IVM_FAULT_ALTERED, [TWICE] = IVM_FAULT_TWICE,
	};

	for (enum fault fault = GOOD; fault <= TWICE; fault++) {
		struct ivm_matrix matrix;
		uint64_t others = 0;

		ivm_matrix_init(&matrix, run_values());
		carry(&matrix, fault, probe("trunk-AB"), probe("access-A"));
		for (size_t i = 0; i < IVM_FAULTS; i++)
			others += !fault || i != named[fault] ? matrix.faults[i] : 0;
		EXPECT_EQ(0, others) TH_LOG("fault %d", fault);
		if (fault) {
			struct json_object *failure = json_object_array_get_idx(matrix.failures, 0);

			EXPECT_LT(0, matrix.faults[named[fault]]) TH_LOG("fault %d", fault);
			ASSERT_NE(NULL, failure);
			EXPECT_STREQ("access-A", json_object_get_string(json_object_object_get(failure, "at")));
			EXPECT_STREQ("trunk-AB", json_object_get_string(json_object_object_get(failure, "from")));
			EXPECT_STREQ(ivm_fault_names[named[fault]],
				     json_object_get_string(json_object_object_get(failure, "fault")));
		}
		ivm_matrix_free(&matrix);
	}
}

TEST_HARNESS_MAIN
