// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames to a guest that come as skbs by way of the card's net_device: from
 * devices, to many, or because somebody watches. Where the ring is full they
 * wait in the card's backlog.
 */
#include "nic.h"
#include "switch.h"

#include <linux/if_vlan.h>
#include <linux/skbuff.h>

/*
 * Which frame of the switch is under way to which card on this CPU. The frame's
 * fate is known in ivm_nic_start_xmit(), which the core calls for it, or for its
 * segments, or later from a queueing discipline, and also for frames that are
 * not the switch's. It is counted once, by its first segment.
 */
struct under_way {
	struct ivm_nic *nic;
	unsigned int stat;
	bool seen;
};

static DEFINE_PER_CPU(struct under_way *, under_way);

/* What an skb in the backlog is. */
struct backlog_cb {
	bool counted;	/* a frame of the switch, to be counted when its fate is known */
};

static struct backlog_cb *backlog_cb(struct sk_buff *skb)
{
	return (struct backlog_cb *)skb->cb;
}

unsigned int ivm_nic_stat(int err)
{
	switch (err) {
	case 0:
		return IVM_STAT_TX;
	case -EAGAIN:
		return IVM_STAT_DROP_TX_FULL;
	case -ENETDOWN:
		return IVM_STAT_DROP_TX_DOWN;
	case -EMSGSIZE:
		return IVM_STAT_DROP_TX_SIZE;
	case -EPERM:
		return IVM_STAT_DROP_TX_FILTER;
	default:
		return IVM_STAT_DROP_TX_ERROR;
	}
}

bool ivm_nic_takes(const struct ivm_nic *nic, const struct ivm_frame *frame)
{
	u8 can = READ_ONCE(nic->can);

	if (frame->needs_csum && !(can & IVM_NIC_CAN_CSUM))
		return false;
	switch (frame->gso) {
	case IVM_GSO_NONE:
		return true;
	case IVM_GSO_TCP4:
		return can & IVM_NIC_CAN_TSO4 && (!frame->ecn || can & IVM_NIC_CAN_ECN);
	case IVM_GSO_TCP6:
		return can & IVM_NIC_CAN_TSO6 && (!frame->ecn || can & IVM_NIC_CAN_ECN);
	case IVM_GSO_UDP:
		return can & IVM_NIC_CAN_USO;
	default:
		return false;
	}
}

static int deliver(struct ivm_nic *nic, struct sk_buff *skb)
{
	struct ivm_frame frame;

	if (!READ_ONCE(nic->up))
		return -ENETDOWN;
	if (!ivm_nic_frame_of(&frame, skb) || !ivm_nic_takes(nic, &frame))
		return -EIO;
	return nic->ops->deliver(nic->ctx, &frame, skb_get_queue_mapping(skb) % nic->queues);
}

static void count_late(struct ivm_nic *nic, struct sk_buff *skb, unsigned int stat)
{
	struct ivm_port *port = rcu_dereference(nic->port);

	if (!port || !backlog_cb(skb)->counted)
		return;
	if (stat == IVM_STAT_TX) {
		ivm_count(port, IVM_STAT_TX, 1);
		ivm_count(port, IVM_STAT_TX_BYTES, skb->len);
	} else {
		ivm_drop(port, skb_vlan_tag_present(skb) ? skb_vlan_tag_get_id(skb) : 0, stat);
	}
}

static void release(struct sk_buff *skb, unsigned int stat)
{
	if (stat == IVM_STAT_TX)
		consume_skb(skb);
	else
		kfree_skb(skb);
}

bool ivm_nic_drain(struct ivm_nic *nic, unsigned int budget)
{
	struct sk_buff *skb = NULL;
	int err;

	spin_lock_bh(&nic->drain_lock);
	while (budget--) {
		/* it stays in the queue while it is delivered, so that nobody overtakes it */
		skb = skb_peek(&nic->backlog);
		if (!skb)
			break;
		err = deliver(nic, skb);
		if (err == -EAGAIN) {
			ivm_nic_stall(nic);
			break;
		}
		skb_unlink(skb, &nic->backlog);
		count_late(nic, skb, ivm_nic_stat(err));
		release(skb, ivm_nic_stat(err));
	}
	spin_unlock_bh(&nic->drain_lock);
	return !ivm_nic_has_backlog(nic);
}

void ivm_nic_purge(struct ivm_nic *nic, unsigned int reason)
{
	struct sk_buff *skb;

	rcu_read_lock();
	spin_lock_bh(&nic->drain_lock);
	while ((skb = skb_dequeue(&nic->backlog))) {
		count_late(nic, skb, reason);
		kfree_skb(skb);
	}
	spin_unlock_bh(&nic->drain_lock);
	rcu_read_unlock();
}

/* Takes @skb. Return: the counter of its fate, IVM_PORT_STATS when it waits. */
static unsigned int deliver_or_keep(struct ivm_nic *nic, struct sk_buff *skb, bool counted)
{
	unsigned int stat;
	int err;

	if (likely(!ivm_nic_has_backlog(nic))) {
		err = deliver(nic, skb);
		if (likely(err != -EAGAIN)) {
			/* it reads again, and said so by reading only */
			if (unlikely(!err && READ_ONCE(nic->deaf)))
				ivm_nic_wake(nic);
			stat = ivm_nic_stat(err);
			release(skb, stat);
			return stat;
		}
	}
	if (skb_queue_len_lockless(&nic->backlog) >= IVM_NIC_BACKLOG || !ivm_nic_stall(nic)) {
		kfree_skb(skb);
		return IVM_STAT_DROP_TX_FULL;
	}
	backlog_cb(skb)->counted = counted;
	skb_queue_tail(&nic->backlog, skb);
	/* there may be room by now, and nobody who looked */
	if (ivm_nic_drain(nic, IVM_NIC_BACKLOG))
		ivm_nic_wake(nic);
	return IVM_PORT_STATS;
}

netdev_tx_t ivm_nic_start_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct ivm_nic *nic = ivm_nic_of(dev);
	struct under_way *mine = this_cpu_read(under_way);
	unsigned int stat;

	if (mine && (mine->nic != nic || mine->seen))
		mine = NULL;
	skb_tx_timestamp(skb);
	stat = deliver_or_keep(nic, skb, mine);
	if (mine) {
		mine->seen = true;
		mine->stat = stat;
	}
	return NETDEV_TX_OK;
}

unsigned int ivm_nic_queue_xmit(struct ivm_nic *nic, struct sk_buff *skb)
{
	struct under_way mine = { .nic = nic }, *outer = this_cpu_read(under_way);
	const struct net_device *dev = skb->dev;
	int rc;

	this_cpu_write(under_way, &mine);
	rc = dev_queue_xmit(skb);
	this_cpu_write(under_way, outer);
	if (mine.seen)
		return mine.stat;
	return ivm_xmit_stat(dev, rc);
}

/* What this guest cannot do the core does in software before it calls ivm_nic_start_xmit(). */
netdev_features_t ivm_nic_features_check(struct sk_buff *skb, struct net_device *dev, netdev_features_t features)
{
	u8 can = READ_ONCE(ivm_nic_of(dev)->can);

	features = vlan_features_check(skb, features);
	if (!(can & IVM_NIC_CAN_CSUM) || skb->encapsulation)
		return features & ~(NETIF_F_CSUM_MASK | NETIF_F_GSO_MASK);
	if (!(can & IVM_NIC_CAN_TSO4))
		features &= ~NETIF_F_TSO;
	if (!(can & IVM_NIC_CAN_TSO6))
		features &= ~NETIF_F_TSO6;
	if (!(can & IVM_NIC_CAN_ECN))
		features &= ~NETIF_F_TSO_ECN;
	if (!(can & IVM_NIC_CAN_USO))
		features &= ~NETIF_F_GSO_UDP_L4;
	return features;
}
