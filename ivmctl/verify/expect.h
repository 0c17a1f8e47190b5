/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a switch owes (P1): for each kind of port that a frame enters by, each
 * kind of frame and each kind of port where it might come out, whether it must
 * come out there and with which tag. Pure functions of tables; written from the
 * promise, not from the switch's code, which is what they are held against.
 */
#ifndef IVM_VERIFY_EXPECT_H
#define IVM_VERIFY_EXPECT_H

#include "../values.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* VLANs of the matrix by letter: ports use A, B and C; nobody is in D. */
enum ivm_letter {
	IVM_VLAN_0,		/* in a tag: VID 0; of a port: none */
	IVM_VLAN_A,
	IVM_VLAN_B,
	IVM_VLAN_C,
	IVM_VLAN_D,
	IVM_VLAN_4095,
	IVM_LETTERS,
};

#define IVM_IN(letter) (1U << (letter))

enum ivm_probe_mode { IVM_PROBE_OFF, IVM_PROBE_ACCESS, IVM_PROBE_TRUNK };

/* One port of the matrix. Its address is a static entry in all its VLANs; it learns nothing. */
struct ivm_probe_kind {
	const char		*name;
	enum ivm_probe_mode	mode;
	enum ivm_letter		untagged;	/* VLAN of access, native VLAN, IVM_VLAN_0: none */
	unsigned int		trunk;		/* IVM_IN() of its VLANs */
	bool			isolated, uplink;
	unsigned int		mtu;
};

extern const struct ivm_probe_kind ivm_probe_kinds[];
extern const size_t ivm_nr_probes;

#define IVM_PROBES_MAX	16

enum ivm_to {
	IVM_TO_ADDRESSEE,
	IVM_TO_SELF,		/* the sender's own address */
	IVM_TO_UNKNOWN,		/* a station that nobody has seen */
	IVM_TO_BROADCAST,
	IVM_TO_MULTICAST,	/* IPv4's */
	IVM_TO_MULTICAST6,
	IVM_TO_RESERVED,	/* 01:80:C2:00:00:00 + last */
};

enum ivm_from {
	IVM_FROM_SELF,
	IVM_FROM_ADDRESSEE,	/* its address, which is not the sender's */
	IVM_FROM_GROUP,
	IVM_FROM_ZERO,
};

enum ivm_size {
	IVM_SIZE_SMALL,
	IVM_SIZE_RUNT,		/* shorter than Ethernet's 60 bytes */
	IVM_SIZE_CUT,		/* ends in the middle of a tag */
	IVM_SIZE_MAX,		/* 1500 bytes of payload behind the outer tag */
	IVM_SIZE_JUMBO,		/* 9000 */
	IVM_SIZE_GSO4,		/* 4000 bytes of TCP in segments of 1000 */
	IVM_SIZE_GSO6,
};

struct ivm_tag {
	uint16_t	proto;	/* 0: no tag */
	enum ivm_letter	vlan;
	uint16_t	prio;	/* priority and drop bit, in their place in the TCI */
};

#define IVM_PRIO(n)	((uint16_t)((n) << 13))
#define IVM_DROP_BIT	0x1000
#define IVM_TAGS	2

/* One kind of frame. */
struct ivm_shape {
	const char	*name;
	enum ivm_to	to;
	enum ivm_from	from;
	enum ivm_size	size;
	struct ivm_tag	tag[IVM_TAGS];	/* outermost first */
	bool		beside;		/* the outermost lies beside the frame, as hardware does it */
	bool		llc;		/* IEEE 802.3 with length and LLC, as BPDUs are */
	uint8_t		last;		/* of a reserved address */
};

extern const struct ivm_shape ivm_shapes[];
extern const size_t ivm_nr_shapes;

/* What must happen at one port. */
struct ivm_expect {
	bool		arrives;
	bool		tagged;
	enum ivm_letter	vlan;		/* of its tag */
	uint16_t	prio;
	size_t		skip;		/* tags of the sender's that the switch took away */
	const char	*rule;		/* why, for people */
};

/**
 * ivm_expect() - what must happen at @at
 * @sender: index of the port that the frame enters by
 * @to:	    index of the port that it is addressed to, or whose address it claims
 * @shape:  the frame
 * @at:	    index of the port where one looks
 */
struct ivm_expect ivm_expect(size_t sender, size_t to, const struct ivm_shape *shape, size_t at);

/* Can the sender send it at all? Its device refuses what its MTU does not allow. */
bool ivm_shape_can(size_t sender, const struct ivm_shape *shape);

/* Is a type one that somebody takes for a VLAN tag? */
bool ivm_type_is_tag(uint16_t type);

#endif
