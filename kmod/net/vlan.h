/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which VLAN a frame belongs to where it enters, and what it looks like where
 * it leaves (P1). No state; builds in user space too.
 *
 * A frame inside the switch has no tag in its bytes: the one that said its VLAN
 * is beside it. What follows the source address is then its payload's type, and
 * if that is a tag again, the frame is double-tagged: the inner tag is payload.
 */
#ifndef IVM_NET_VLAN_H
#define IVM_NET_VLAN_H

#include "net.h"

#include <linux/bitops.h>
#include <linux/if_vlan.h>

#define IVM_VIDS	4096

/* What the wire behind a port carries. Constant once made. */
struct ivm_vlans {
	u8 mode;	/* enum ivm_port_mode */
	u16 untagged;	/* VLAN whose frames have no tag outside, 0: none */
	DECLARE_BITMAP(member, IVM_VIDS);
};

enum ivm_form {
	IVM_FORM_NONE,		/* the port is not in this VLAN */
	IVM_FORM_TAGGED,
	IVM_FORM_UNTAGGED,
	IVM_FORM_HIDDEN,	/* would be untagged, but begins with another tag, which would then decide: never sent */
};

/* @config was accepted by ivm_port_config_parse(). Any context. */
void ivm_vlans_of(struct ivm_vlans *vlans, const struct ivm_port_config *config);

/* Types that somebody might take for a VLAN tag. */
static inline bool ivm_is_tag(u16 type)
{
	return type == ETH_P_8021Q || type == ETH_P_8021AD || type == 0x9100 || type == 0x9200 || type == 0x9300;
}

/**
 * ivm_vlan_ingress() - the VLAN of a frame that enters
 * @vlans: of the port
 * @proto: type of the outermost tag, 0 when there is none
 * @tci:   of that tag
 * @type:  what follows it, or the source address
 * @vid:   result
 *
 * Return: 0, or IVM_STAT_DROP_*.
 */
static inline unsigned int ivm_vlan_ingress(const struct ivm_vlans *vlans, u16 proto, u16 tci, u16 type, u16 *vid)
{
	*vid = vlans->untagged;
	if (vlans->mode == IVM_PORT_ACCESS)
		return proto || ivm_is_tag(type) ? IVM_STAT_DROP_TAGGED : 0;
	if (vlans->mode != IVM_PORT_TRUNK)
		return IVM_STAT_DROP_OFF;
	if (proto == ETH_P_8021Q) {
		/* 802.1Q: VID 0 says nothing but a priority */
		if (tci & VLAN_VID_MASK) {
			*vid = tci & VLAN_VID_MASK;
			return test_bit(*vid, vlans->member) ? 0 : IVM_STAT_DROP_VLAN;
		}
	} else if (proto || ivm_is_tag(type)) {
		return IVM_STAT_DROP_VLAN;
	}
	return *vid ? 0 : IVM_STAT_DROP_NO_VLAN;
}

/**
 * ivm_vlan_egress() - the form of a frame that leaves
 * @vlans: of the port
 * @vid:   VLAN of the frame, 1 ... 4094
 * @type:  type of its payload
 */
static inline enum ivm_form ivm_vlan_egress(const struct ivm_vlans *vlans, u16 vid, u16 type)
{
	if (!test_bit(vid, vlans->member))
		return IVM_FORM_NONE;
	if (vid != vlans->untagged)
		return IVM_FORM_TAGGED;
	return ivm_is_tag(type) ? IVM_FORM_HIDDEN : IVM_FORM_UNTAGGED;
}

#endif
