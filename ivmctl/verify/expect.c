// SPDX-License-Identifier: GPL-2.0-only
#include "expect.h"

#include "../text.h"

#define IVM_ALL_TRUNK (IVM_IN(IVM_VLAN_A) | IVM_IN(IVM_VLAN_B) | IVM_IN(IVM_VLAN_C))

const struct ivm_probe_kind ivm_probe_kinds[] = {
	{ .name = "access-A", .mode = IVM_PROBE_ACCESS, .untagged = IVM_VLAN_A, .mtu = 9000 },
	{ .name = "access-A-1500", .mode = IVM_PROBE_ACCESS, .untagged = IVM_VLAN_A, .mtu = 1500 },
	{ .name = "access-B", .mode = IVM_PROBE_ACCESS, .untagged = IVM_VLAN_B, .mtu = 9000 },
	{ .name = "trunk-AB", .mode = IVM_PROBE_TRUNK, .trunk = IVM_IN(IVM_VLAN_A) | IVM_IN(IVM_VLAN_B), .mtu = 9000 },
	{ .name = "trunk-C", .mode = IVM_PROBE_TRUNK, .trunk = IVM_IN(IVM_VLAN_C), .mtu = 9000 },
	{ .name = "native-A", .mode = IVM_PROBE_TRUNK, .untagged = IVM_VLAN_A,
	  .trunk = IVM_IN(IVM_VLAN_A) | IVM_IN(IVM_VLAN_B), .mtu = 9000 },
	{ .name = "isolated-A", .mode = IVM_PROBE_ACCESS, .untagged = IVM_VLAN_A, .isolated = true, .mtu = 9000 },
	{ .name = "isolated-A-1500", .mode = IVM_PROBE_ACCESS, .untagged = IVM_VLAN_A, .isolated = true, .mtu = 1500 },
	{ .name = "isolated-trunk-AB", .mode = IVM_PROBE_TRUNK, .trunk = IVM_IN(IVM_VLAN_A) | IVM_IN(IVM_VLAN_B),
	  .isolated = true, .mtu = 9000 },
	{ .name = "uplink", .mode = IVM_PROBE_TRUNK, .trunk = IVM_ALL_TRUNK, .uplink = true, .mtu = 9000 },
	{ .name = "uplink-native-B", .mode = IVM_PROBE_TRUNK, .untagged = IVM_VLAN_B, .trunk = IVM_ALL_TRUNK,
	  .uplink = true, .mtu = 1500 },
	{ .name = "host-A", .mode = IVM_PROBE_ACCESS, .untagged = IVM_VLAN_A, .mtu = 9000 },
	{ .name = "off", .mode = IVM_PROBE_OFF, .mtu = 9000 },
};

const size_t ivm_nr_probes = IVM_COUNT(ivm_probe_kinds);
_Static_assert(IVM_COUNT(ivm_probe_kinds) <= IVM_PROBES_MAX, "more probes than IVM_PROBES_MAX");

#define Q(letter, ...)	{ .proto = 0x8100, .vlan = IVM_VLAN_##letter, ##__VA_ARGS__ }
#define AD(letter)	{ .proto = 0x88a8, .vlan = IVM_VLAN_##letter }
#define OLD(letter)	{ .proto = 0x9100, .vlan = IVM_VLAN_##letter }

/* The same frame to one station, to one that nobody knows, and to all. */
#define ONE(label, ...) { .name = label, .to = IVM_TO_ADDRESSEE, ##__VA_ARGS__ }
#define UNKNOWN(label, ...) { .name = label "-unknown", .to = IVM_TO_UNKNOWN, ##__VA_ARGS__ }
#define ALL(label, ...) { .name = label "-broadcast", .to = IVM_TO_BROADCAST, ##__VA_ARGS__ }

#define RESERVED(text, number) { .name = "reserved-" text, .to = IVM_TO_RESERVED, .last = number }

const struct ivm_shape ivm_shapes[] = {
	ONE("untagged", .size = IVM_SIZE_SMALL),
	UNKNOWN("untagged", .size = IVM_SIZE_SMALL),
	ALL("untagged", .size = IVM_SIZE_SMALL),
	{ .name = "untagged-multicast", .to = IVM_TO_MULTICAST },
	{ .name = "untagged-multicast6", .to = IVM_TO_MULTICAST6 },
	{ .name = "untagged-to-self", .to = IVM_TO_SELF },
	{ .name = "llc", .to = IVM_TO_ADDRESSEE, .llc = true },
	/* one tag in the frame */
	ONE("vid-0", .tag = { Q(0, .prio = IVM_PRIO(5)) }),
	UNKNOWN("vid-0", .tag = { Q(0, .prio = IVM_PRIO(5)) }),
	ALL("vid-0", .tag = { Q(0, .prio = IVM_PRIO(5)) }),
	ONE("vid-A", .tag = { Q(A, .prio = IVM_PRIO(3)) }),
	UNKNOWN("vid-A", .tag = { Q(A, .prio = IVM_PRIO(3)) }),
	ALL("vid-A", .tag = { Q(A, .prio = IVM_PRIO(3)) }),
	{ .name = "vid-A-multicast", .to = IVM_TO_MULTICAST, .tag = { Q(A) } },
	{ .name = "vid-A-prio-7-drop", .to = IVM_TO_ADDRESSEE, .tag = { Q(A, .prio = IVM_PRIO(7) | IVM_DROP_BIT) } },
	ONE("vid-B", .tag = { Q(B) }), UNKNOWN("vid-B", .tag = { Q(B) }), ALL("vid-B", .tag = { Q(B) }),
	ONE("vid-C", .tag = { Q(C) }), UNKNOWN("vid-C", .tag = { Q(C) }), ALL("vid-C", .tag = { Q(C) }),
	ONE("vid-D", .tag = { Q(D) }), UNKNOWN("vid-D", .tag = { Q(D) }), ALL("vid-D", .tag = { Q(D) }),
	ONE("vid-4095", .tag = { Q(4095) }),
	UNKNOWN("vid-4095", .tag = { Q(4095) }),
	ALL("vid-4095", .tag = { Q(4095) }),
	ONE("802.1ad-A", .tag = { AD(A) }), UNKNOWN("802.1ad-A", .tag = { AD(A) }), ALL("802.1ad-A", .tag = { AD(A) }),
	ONE("802.1ad-0", .tag = { AD(0) }), UNKNOWN("802.1ad-0", .tag = { AD(0) }), ALL("802.1ad-0", .tag = { AD(0) }),
	ONE("9100-A", .tag = { OLD(A) }), UNKNOWN("9100-A", .tag = { OLD(A) }), ALL("9100-A", .tag = { OLD(A) }),
	/* one tag beside the frame */
	ONE("beside-0", .tag = { Q(0) }, .beside = true),
	UNKNOWN("beside-0", .tag = { Q(0) }, .beside = true),
	ALL("beside-0", .tag = { Q(0) }, .beside = true),
	ONE("beside-A", .tag = { Q(A) }, .beside = true),
	UNKNOWN("beside-A", .tag = { Q(A) }, .beside = true),
	ALL("beside-A", .tag = { Q(A) }, .beside = true),
	ONE("beside-B", .tag = { Q(B) }, .beside = true),
	UNKNOWN("beside-B", .tag = { Q(B) }, .beside = true),
	ALL("beside-B", .tag = { Q(B) }, .beside = true),
	ONE("beside-C", .tag = { Q(C) }, .beside = true),
	UNKNOWN("beside-C", .tag = { Q(C) }, .beside = true),
	ALL("beside-C", .tag = { Q(C) }, .beside = true),
	ONE("beside-802.1ad-A", .tag = { AD(A) }, .beside = true),
	UNKNOWN("beside-802.1ad-A", .tag = { AD(A) }, .beside = true),
	ALL("beside-802.1ad-A", .tag = { AD(A) }, .beside = true),
	/* two tags */
	ONE("double-A-B", .tag = { Q(A), Q(B) }),
	UNKNOWN("double-A-B", .tag = { Q(A), Q(B) }),
	ALL("double-A-B", .tag = { Q(A), Q(B) }),
	ONE("double-B-A", .tag = { Q(B), Q(A) }),
	UNKNOWN("double-B-A", .tag = { Q(B), Q(A) }),
	ALL("double-B-A", .tag = { Q(B), Q(A) }),
	ONE("double-A-A", .tag = { Q(A), Q(A) }),
	UNKNOWN("double-A-A", .tag = { Q(A), Q(A) }),
	ALL("double-A-A", .tag = { Q(A), Q(A) }),
	ONE("double-0-A", .tag = { Q(0), Q(A) }),
	UNKNOWN("double-0-A", .tag = { Q(0), Q(A) }),
	ALL("double-0-A", .tag = { Q(0), Q(A) }),
	ONE("double-0-B", .tag = { Q(0), Q(B) }),
	UNKNOWN("double-0-B", .tag = { Q(0), Q(B) }),
	ALL("double-0-B", .tag = { Q(0), Q(B) }),
	ONE("double-4095-A", .tag = { Q(4095), Q(A) }),
	UNKNOWN("double-4095-A", .tag = { Q(4095), Q(A) }),
	ALL("double-4095-A", .tag = { Q(4095), Q(A) }),
	ONE("double-A-802.1ad-B", .tag = { Q(A), AD(B) }),
	UNKNOWN("double-A-802.1ad-B", .tag = { Q(A), AD(B) }),
	ALL("double-A-802.1ad-B", .tag = { Q(A), AD(B) }),
	ONE("double-A-9100-B", .tag = { Q(A), OLD(B) }),
	UNKNOWN("double-A-9100-B", .tag = { Q(A), OLD(B) }),
	ALL("double-A-9100-B", .tag = { Q(A), OLD(B) }),
	ONE("double-802.1ad-A-B", .tag = { AD(A), Q(B) }),
	UNKNOWN("double-802.1ad-A-B", .tag = { AD(A), Q(B) }),
	ALL("double-802.1ad-A-B", .tag = { AD(A), Q(B) }),
	ONE("double-9100-A-B", .tag = { OLD(A), Q(B) }),
	UNKNOWN("double-9100-A-B", .tag = { OLD(A), Q(B) }),
	ALL("double-9100-A-B", .tag = { OLD(A), Q(B) }),
	ONE("double-beside-A-B", .tag = { Q(A), Q(B) }, .beside = true),
	UNKNOWN("double-beside-A-B", .tag = { Q(A), Q(B) }, .beside = true),
	ALL("double-beside-A-B", .tag = { Q(A), Q(B) }, .beside = true),
	ONE("double-beside-0-B", .tag = { Q(0), Q(B) }, .beside = true),
	UNKNOWN("double-beside-0-B", .tag = { Q(0), Q(B) }, .beside = true),
	ALL("double-beside-0-B", .tag = { Q(0), Q(B) }, .beside = true),
	/* sizes */
	ONE("runt", .size = IVM_SIZE_RUNT), UNKNOWN("runt", .size = IVM_SIZE_RUNT), ALL("runt", .size = IVM_SIZE_RUNT),
	ONE("runt-vid-A", .size = IVM_SIZE_RUNT, .tag = { Q(A) }),
	UNKNOWN("runt-vid-A", .size = IVM_SIZE_RUNT, .tag = { Q(A) }),
	ALL("runt-vid-A", .size = IVM_SIZE_RUNT, .tag = { Q(A) }),
	{ .name = "cut-tag", .to = IVM_TO_ADDRESSEE, .size = IVM_SIZE_CUT, .tag = { Q(A) } },
	ONE("max", .size = IVM_SIZE_MAX), UNKNOWN("max", .size = IVM_SIZE_MAX), ALL("max", .size = IVM_SIZE_MAX),
	ONE("max-vid-A", .size = IVM_SIZE_MAX, .tag = { Q(A) }),
	UNKNOWN("max-vid-A", .size = IVM_SIZE_MAX, .tag = { Q(A) }),
	ALL("max-vid-A", .size = IVM_SIZE_MAX, .tag = { Q(A) }),
	ONE("max-beside-A", .size = IVM_SIZE_MAX, .tag = { Q(A) }, .beside = true),
	UNKNOWN("max-beside-A", .size = IVM_SIZE_MAX, .tag = { Q(A) }, .beside = true),
	ALL("max-beside-A", .size = IVM_SIZE_MAX, .tag = { Q(A) }, .beside = true),
	ONE("jumbo", .size = IVM_SIZE_JUMBO),
	UNKNOWN("jumbo", .size = IVM_SIZE_JUMBO),
	ALL("jumbo", .size = IVM_SIZE_JUMBO),
	ONE("jumbo-vid-A", .size = IVM_SIZE_JUMBO, .tag = { Q(A) }),
	UNKNOWN("jumbo-vid-A", .size = IVM_SIZE_JUMBO, .tag = { Q(A) }),
	ALL("jumbo-vid-A", .size = IVM_SIZE_JUMBO, .tag = { Q(A) }),
	ONE("gso-tcp4", .size = IVM_SIZE_GSO4),
	UNKNOWN("gso-tcp4", .size = IVM_SIZE_GSO4),
	ALL("gso-tcp4", .size = IVM_SIZE_GSO4),
	ONE("gso-tcp4-vid-A", .size = IVM_SIZE_GSO4, .tag = { Q(A) }),
	UNKNOWN("gso-tcp4-vid-A", .size = IVM_SIZE_GSO4, .tag = { Q(A) }),
	ALL("gso-tcp4-vid-A", .size = IVM_SIZE_GSO4, .tag = { Q(A) }),
	ONE("gso-tcp4-vid-B", .size = IVM_SIZE_GSO4, .tag = { Q(B) }),
	UNKNOWN("gso-tcp4-vid-B", .size = IVM_SIZE_GSO4, .tag = { Q(B) }),
	ALL("gso-tcp4-vid-B", .size = IVM_SIZE_GSO4, .tag = { Q(B) }),
	ONE("gso-tcp4-beside-A", .size = IVM_SIZE_GSO4, .tag = { Q(A) }, .beside = true),
	UNKNOWN("gso-tcp4-beside-A", .size = IVM_SIZE_GSO4, .tag = { Q(A) }, .beside = true),
	ALL("gso-tcp4-beside-A", .size = IVM_SIZE_GSO4, .tag = { Q(A) }, .beside = true),
	ONE("gso-tcp6", .size = IVM_SIZE_GSO6),
	UNKNOWN("gso-tcp6", .size = IVM_SIZE_GSO6),
	ALL("gso-tcp6", .size = IVM_SIZE_GSO6),
	ONE("gso-tcp6-vid-A", .size = IVM_SIZE_GSO6, .tag = { Q(A) }),
	UNKNOWN("gso-tcp6-vid-A", .size = IVM_SIZE_GSO6, .tag = { Q(A) }),
	ALL("gso-tcp6-vid-A", .size = IVM_SIZE_GSO6, .tag = { Q(A) }),
	/* addresses that switches keep to themselves */
	{ .name = "bpdu", .to = IVM_TO_RESERVED, .llc = true },
	{ .name = "bpdu-vid-A", .to = IVM_TO_RESERVED, .llc = true, .tag = { Q(A) } },
	RESERVED("00", 0x00), RESERVED("01", 0x01), RESERVED("02", 0x02), RESERVED("03", 0x03),
	RESERVED("04", 0x04), RESERVED("05", 0x05), RESERVED("06", 0x06), RESERVED("07", 0x07),
	RESERVED("08", 0x08), RESERVED("09", 0x09), RESERVED("0a", 0x0a), RESERVED("0b", 0x0b),
	RESERVED("0c", 0x0c), RESERVED("0d", 0x0d), RESERVED("0e", 0x0e), RESERVED("0f", 0x0f),
	{ .name = "reserved-0e-vid-A", .to = IVM_TO_RESERVED, .last = 0x0e, .tag = { Q(A) } },
	{ .name = "not-reserved-10", .to = IVM_TO_RESERVED, .last = 0x10 },
	{ .name = "not-reserved-20-vid-A", .to = IVM_TO_RESERVED, .last = 0x20, .tag = { Q(A) } },
	/* lies about the sender */
	{ .name = "spoofed", .to = IVM_TO_BROADCAST, .from = IVM_FROM_ADDRESSEE },
	{ .name = "spoofed-unknown", .to = IVM_TO_UNKNOWN, .from = IVM_FROM_ADDRESSEE },
	{ .name = "spoofed-vid-A", .to = IVM_TO_BROADCAST, .from = IVM_FROM_ADDRESSEE, .tag = { Q(A) } },
	{ .name = "spoofed-vid-B", .to = IVM_TO_BROADCAST, .from = IVM_FROM_ADDRESSEE, .tag = { Q(B) } },
	{ .name = "group-source", .to = IVM_TO_BROADCAST, .from = IVM_FROM_GROUP },
	{ .name = "group-source-vid-A", .to = IVM_TO_BROADCAST, .from = IVM_FROM_GROUP, .tag = { Q(A) } },
	{ .name = "zero-source", .to = IVM_TO_BROADCAST, .from = IVM_FROM_ZERO },
	{ .name = "zero-source-vid-A", .to = IVM_TO_BROADCAST, .from = IVM_FROM_ZERO, .tag = { Q(A) } },
};

const size_t ivm_nr_shapes = IVM_COUNT(ivm_shapes);

bool ivm_type_is_tag(uint16_t type)
{
	return type == 0x8100 || type == 0x88a8 || type == 0x9100 || type == 0x9200 || type == 0x9300;
}

/* Is the port in this VLAN? */
static bool ivm_probe_in(const struct ivm_probe_kind *probe, enum ivm_letter vlan)
{
	if (probe->mode == IVM_PROBE_ACCESS)
		return probe->untagged == vlan;
	return probe->mode == IVM_PROBE_TRUNK && (probe->trunk & IVM_IN(vlan));
}

bool ivm_shape_can(size_t sender, const struct ivm_shape *shape)
{
	return shape->size != IVM_SIZE_JUMBO || ivm_probe_kinds[sender].mtu >= 9000;
}

static struct ivm_expect ivm_dropped(const char *rule)
{
	return (struct ivm_expect){ .rule = rule };
}

/* The VLAN of a frame that enters, or IVM_VLAN_0: it is dropped, *rule says why. *skip: tags that are used up. */
static enum ivm_letter ivm_enter(const struct ivm_probe_kind *in, const struct ivm_shape *shape, size_t *skip,
				 const char **rule)
{
	const struct ivm_tag *tag = &shape->tag[0];

	*skip = 0;
	if (shape->size == IVM_SIZE_CUT) {
		*rule = "a frame that ends inside its tag is no frame";
		return IVM_VLAN_0;
	}
	if (in->mode == IVM_PROBE_OFF) {
		*rule = "the port is off";
		return IVM_VLAN_0;
	}
	if (in->mode == IVM_PROBE_ACCESS) {
		*rule = tag->proto ? "an access port takes no tags" : "";
		return tag->proto ? IVM_VLAN_0 : in->untagged;
	}
	if (tag->proto && tag->proto != 0x8100) {
		*rule = "a trunk takes tags of type 8100 only";
		return IVM_VLAN_0;
	}
	if (tag->proto && tag->vlan != IVM_VLAN_0) {
		*rule = "the trunk is not in this VLAN";
		*skip = 1;
		return ivm_probe_in(in, tag->vlan) ? tag->vlan : IVM_VLAN_0;
	}
	*rule = "the trunk has no native VLAN";
	*skip = tag->proto ? 1 : 0;
	return in->untagged;
}

/* What is wrong with the addresses of a frame in @vlan, or NULL. */
static const char *ivm_bad_addresses(size_t sender, size_t to, const struct ivm_shape *shape, enum ivm_letter vlan)
{
	if (shape->from == IVM_FROM_GROUP)
		return "a group cannot send";
	if (shape->from == IVM_FROM_ZERO)
		return "no station has the address zero";
	if (shape->to == IVM_TO_RESERVED && shape->last < 0x10)
		return "reserved addresses are not forwarded";
	if (shape->from == IVM_FROM_ADDRESSEE && to != sender && ivm_probe_in(&ivm_probe_kinds[to], vlan))
		return "the sender's address belongs to another port of this VLAN";
	return NULL;
}

/* May a frame to these addresses come out at @at? Return: why not, or NULL. */
static const char *ivm_not_for(size_t sender, size_t to, const struct ivm_shape *shape, enum ivm_letter vlan, size_t at)
{
	const struct ivm_probe_kind *in = &ivm_probe_kinds[sender], *out = &ivm_probe_kinds[at];
	bool known = shape->to == IVM_TO_ADDRESSEE && ivm_probe_in(&ivm_probe_kinds[to], vlan);

	if (at == sender)
		return "no frame goes back where it came from";
	if (!ivm_probe_in(out, vlan))
		return "this port is not in the VLAN";
	if (shape->to == IVM_TO_SELF)
		return "its destination is where it came from";
	if (known && at != to)
		return "its destination is at another port";
	if ((shape->to == IVM_TO_UNKNOWN || (shape->to == IVM_TO_ADDRESSEE && !known)) && !out->uplink)
		return "unknown unicast goes to uplinks only";
	if ((in->isolated || out->isolated) && !in->uplink && !out->uplink)
		return "isolated ports exchange frames with uplinks only";
	return NULL;
}

struct ivm_expect ivm_expect(size_t sender, size_t to, const struct ivm_shape *shape, size_t at)
{
	const struct ivm_probe_kind *out = &ivm_probe_kinds[at];
	struct ivm_expect expect = { .arrives = true };
	const char *rule;
	enum ivm_letter vlan = ivm_enter(&ivm_probe_kinds[sender], shape, &expect.skip, &rule);
	bool inner;

	if (vlan == IVM_VLAN_0)
		return ivm_dropped(rule);
	rule = ivm_bad_addresses(sender, to, shape, vlan) ?: ivm_not_for(sender, to, shape, vlan, at);
	if (rule)
		return ivm_dropped(rule);
	inner = expect.skip < IVM_TAGS && shape->tag[expect.skip].proto;
	if (vlan == out->untagged && inner)
		return ivm_dropped("without its outer tag the inner one would decide");
	if (shape->size == IVM_SIZE_JUMBO && out->mtu < 9000)
		return ivm_dropped("it is longer than the port allows");
	expect.rule = "it is in the VLAN and for this port";
	expect.tagged = vlan != out->untagged;
	if (expect.tagged) {
		expect.vlan = vlan;
		expect.prio = expect.skip ? shape->tag[0].prio : 0;
	}
	return expect;
}
