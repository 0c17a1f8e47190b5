// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guest wants to receive (virtio 1.2, 5.1.6.5.1 and 5.1.6.5.3). Until
 * its driver says something, everything: it may not know the commands. The
 * switch has decided before what the guest may receive; this only takes away.
 */
#include "virtio_net.h"

#include <linux/bitops.h>
#include <linux/etherdevice.h>
#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <linux/string.h>
#include <asm/unaligned.h>

void ivm_vnet_filter_init(struct ivm_vnet_filter *filter)
{
	seqlock_init(&filter->lock);
}

/**
 * ivm_vnet_filter_reset() - as before any command
 * @filter: of a card that nobody delivers to
 * @vlans:  VLANs are filtered: a driver that took the feature names those that it wants
 */
void ivm_vnet_filter_reset(struct ivm_vnet_filter *filter, bool vlans)
{
	unsigned long flags = BIT(IVM_VNET_RX_PROMISC);

	if (vlans)
		flags |= BIT(IVM_VNET_RX_VLANS);
	memset(filter->nr, 0, sizeof(filter->nr));
	memset(filter->vlan, 0, sizeof(filter->vlan));
	WRITE_ONCE(filter->flags, flags);
}

/* Task context; several at once. */
void ivm_vnet_filter_flag(struct ivm_vnet_filter *filter, enum ivm_vnet_rx_flag flag, bool on)
{
	if (on)
		set_bit(flag, &filter->flags);
	else
		clear_bit(flag, &filter->flags);
}

void ivm_vnet_filter_vlan(struct ivm_vnet_filter *filter, u16 vid, bool on)
{
	if (on)
		set_bit(vid, filter->vlan);
	else
		clear_bit(vid, filter->vlan);
}

static bool filter_lists(const struct ivm_vnet_filter *filter, unsigned int group, const u8 *mac)
{
	unsigned int seq, i, nr;
	bool found;

	do {
		seq = read_seqbegin(&filter->lock);
		nr = min_t(unsigned int, READ_ONCE(filter->nr[group]), IVM_VNET_MACS_MAX);
		found = false;
		for (i = 0; i < nr && !found; i++)
			found = ether_addr_equal_unaligned(filter->mac[group][i], mac);
	} while (read_seqretry(&filter->lock, seq));
	return found;
}

static bool filter_wants_mac(const struct ivm_virtio_net *card, unsigned long flags, const u8 *mac)
{
	unsigned int group = is_multicast_ether_addr(mac);

	if (group && is_broadcast_ether_addr(mac))
		return !(flags & BIT(IVM_VNET_RX_NOBCAST));
	if (flags & BIT(group ? IVM_VNET_RX_NOMULTI : IVM_VNET_RX_NOUNI))
		return false;
	if (!group && ether_addr_equal_unaligned(card->mac, mac))
		return true;
	if (flags & (group ? BIT(IVM_VNET_RX_ALLMULTI) | BIT(IVM_VNET_RX_MANY_MULTI) :
			     BIT(IVM_VNET_RX_ALLUNI) | BIT(IVM_VNET_RX_MANY_UNI)))
		return true;
	return filter_lists(&card->filter, group, mac);
}

/* By the tag that the guest is going to see first. Priority-tagged frames belong to no VLAN. */
static bool filter_wants_vlan(const struct ivm_vnet_filter *filter, const struct ivm_frame *frame)
{
	u16 vid, proto = frame->tag_proto;

	if (proto) {
		vid = frame->tag & VLAN_VID_MASK;
	} else {
		proto = get_unaligned_be16(frame->head + 2 * ETH_ALEN);
		if (frame->head_len < ETH_HLEN + VLAN_HLEN)
			return true;
		vid = get_unaligned_be16(frame->head + ETH_HLEN) & VLAN_VID_MASK;
	}
	return proto != ETH_P_8021Q || !vid || test_bit(vid, filter->vlan);
}

/**
 * ivm_vnet_filter_wants() - does the guest want this frame?
 * @card:	whose
 * @frame:	an Ethernet header at least
 *
 * A promiscuous guest gets all, VLANs included: it wants to see what is there.
 *
 * Context: bottom halves off.
 */
bool ivm_vnet_filter_wants(const struct ivm_virtio_net *card, const struct ivm_frame *frame)
{
	unsigned long flags = READ_ONCE(card->filter.flags);

	if (flags & BIT(IVM_VNET_RX_PROMISC))
		return true;
	if ((flags & BIT(IVM_VNET_RX_VLANS)) && !filter_wants_vlan(&card->filter, frame))
		return false;
	return filter_wants_mac(card, flags, frame->head);
}
