// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames from a guest. To another guest they go from ring to ring, without an
 * skb, unless somebody watches on the way or the other one cannot take them as
 * they are.
 */
#include "nic.h"
#include "pass.h"

#include <asm/unaligned.h>
#include <linux/timekeeping.h>
#include <net/sch_generic.h>

#define PIECES_MAX	64	/* of a frame with a tag in its bytes */
#define BACKLOG_HIGH	(IVM_NIC_BACKLOG / 4)	/* who can wait does so beyond this */

/* Taps, filters and the like that want to see what the card sends. */
static bool watched_in(struct net_device *dev)
{
	if (dev_nit_active(dev) || rcu_access_pointer(dev->xdp_prog))
		return true;
#ifdef CONFIG_NET_CLS_ACT
	if (rcu_access_pointer(dev->miniq_ingress))
		return true;
#endif
#ifdef CONFIG_NETFILTER_INGRESS
	if (rcu_access_pointer(dev->nf_hooks_ingress))
		return true;
#endif
	return false;
}

/* The same for what is sent to it, and queueing disciplines. */
static bool watched_out(struct net_device *dev)
{
	const struct Qdisc *qdisc = rcu_dereference(dev->qdisc);

	if (dev_nit_active(dev) || (qdisc && qdisc->enqueue))
		return true;
#ifdef CONFIG_NET_CLS_ACT
	if (rcu_access_pointer(dev->miniq_egress))
		return true;
#endif
#ifdef CONFIG_NETFILTER_EGRESS
	if (rcu_access_pointer(dev->nf_hooks_egress))
		return true;
#endif
	return false;
}

static void count_in(const struct ivm_pass *pass)
{
	ivm_count(pass->in, IVM_STAT_RX, 1);
	ivm_count(pass->in, IVM_STAT_RX_BYTES, pass->len);
}

static bool can_go_direct(const struct ivm_pass *pass, const struct ivm_frame *frame)
{
	struct ivm_port *to = pass->to;

	return !rcu_access_pointer(to->mirror) && !pass->to_rules->config.rate_out && ivm_nic_takes(to->nic, frame) &&
	       !watched_out(to->dev);
}

/* From ring to ring. Return: the counter of its fate, or IVM_PORT_STATS when it is to wait. */
static unsigned int deliver(struct ivm_pass *pass, struct ivm_nic *nic, unsigned int queue, struct ivm_frame *frame)
{
	struct ivm_nic *to = pass->to->nic;
	u32 room = ivm_pass_room(pass, pass->to->dev);
	int err;

	if (unlikely(frame->len > room && !(frame->gso && frame->hdr_len + frame->gso_size <= room)))
		return IVM_STAT_DROP_TX_SIZE;
	if (unlikely(!READ_ONCE(to->up) || !netif_running(pass->to->dev)))
		return IVM_STAT_DROP_TX_DOWN;
	frame->tag_proto = 0;
	if (pass->form == IVM_FORM_TAGGED) {
		frame->tag_proto = ETH_P_8021Q;
		frame->tag = ivm_pass_tci(pass);
	}
	err = to->ops->deliver(to->ctx, frame, queue % to->queues);
	if (unlikely(err == -EAGAIN) && ivm_nic_wait(to, nic, queue)) {
		/* room that came before somebody waited was told to nobody */
		err = to->ops->deliver(to->ctx, frame, queue % to->queues);
		if (err == -EAGAIN)
			return IVM_PORT_STATS;
		ivm_nic_wait_cancel(nic, queue);
		ivm_nic_wake(to);
	}
	if (!err) {
		if (unlikely(READ_ONCE(to->deaf)))
			ivm_nic_wake(to);
		if (unlikely(ivm_nic_has_backlog(to)))
			ivm_nic_drain(to, BACKLOG_HIGH);
	}
	return ivm_nic_stat(err);
}

static int send_direct(struct ivm_pass *pass, struct ivm_nic *nic, unsigned int queue, struct ivm_frame *frame)
{
	unsigned int stat = deliver(pass, nic, queue, frame);

	if (unlikely(stat == IVM_PORT_STATS))
		return IVM_NIC_AGAIN;
	count_in(pass);
	if (unlikely(pass->rules->limits))
		ivm_pass_police(pass);	/* it was seen to fit; uses it up */
	if (likely(stat == IVM_STAT_TX)) {
		ivm_count(pass->to, IVM_STAT_TX, 1);
		ivm_count(pass->to, IVM_STAT_TX_BYTES, frame->len);
	} else {
		ivm_drop(pass->to, pass->vid, stat);
	}
	return 0;
}

/* As an skb through the host's stack, so that all see it that want to; it comes back by ivm_port_receive(). */
static void send_watched(const struct ivm_pass *pass, const struct ivm_frame *frame)
{
	struct sk_buff *skb = ivm_nic_build_skb(frame, pass->in->dev);

	if (!skb) {
		count_in(pass);
		ivm_drop(pass->in, pass->vid, IVM_STAT_DROP_MEMORY);
		return;
	}
	skb->protocol = eth_type_trans(skb, pass->in->dev);
	netif_receive_skb(skb);
}

/* As an skb to devices and to many. */
static void send_skb(struct ivm_pass *pass, const struct ivm_frame *frame)
{
	struct sk_buff *skb = NULL;
	unsigned int verdict;

	verdict = ivm_pass_police(pass) ?: ivm_pass_police_unknown(pass);
	if (!verdict) {
		skb = ivm_nic_build_skb(frame, pass->in->dev);
		if (!skb)
			verdict = IVM_STAT_DROP_MEMORY;
	}
	count_in(pass);
	if (verdict)
		ivm_drop(pass->in, pass->vid, verdict);
	else
		ivm_pass_send(pass, skb);
}

/* Has the card at the other end so much waiting that @queue should wait, too? */
static bool should_wait(struct ivm_nic *to, struct ivm_nic *nic, unsigned int queue)
{
	if (skb_queue_len_lockless(&to->backlog) < BACKLOG_HIGH || !ivm_nic_wait(to, nic, queue))
		return false;
	if (skb_queue_len_lockless(&to->backlog) >= BACKLOG_HIGH)
		return true;
	ivm_nic_wait_cancel(nic, queue);
	return false;
}

/* @frame has no tag in its bytes any more, or one that its port does not strip. */
static int send(struct ivm_port *port, const struct ivm_rules *rules, struct ivm_nic *nic, unsigned int queue,
		struct ivm_frame *frame)
{
	struct ivm_pass pass = {
		.in = port,
		.rules = rules,
		.head = frame->head,
		.head_len = frame->head_len,
		.len = frame->len,
		.proto = frame->tag_proto,
		.tci = frame->tag,
		.type = get_unaligned_be16(frame->head + 2 * ETH_ALEN),
	};
	bool watched = ivm_pass_watched(&pass) || watched_in(port->dev);
	unsigned int verdict;
	u64 wait;

	verdict = ivm_pass_admit(&pass);
	if (!verdict && unlikely(rules->config.rate_in)) {
		wait = ivm_limit_wait(&port->limit[IVM_LIMIT_IN], ktime_get_ns());
		if (wait) {
			ivm_nic_wait_rate(nic, queue, wait);
			return IVM_NIC_AGAIN;
		}
	}
	if (!verdict && (frame->gso || frame->needs_csum) && !ivm_nic_offloads_sane(frame)) {
		count_in(&pass);
		ivm_drop(port, pass.vid, IVM_STAT_DROP_RUNT);
		return 0;
	}
	if (!verdict)
		verdict = ivm_pass_source(&pass) ?: ivm_pass_lookup(&pass);
	if (!verdict && pass.to && pass.to->nic) {
		if (likely(!watched && can_go_direct(&pass, frame)))
			return send_direct(&pass, nic, queue, frame);
		if (should_wait(pass.to->nic, nic, queue))
			return IVM_NIC_AGAIN;
	}
	if (watched) {
		send_watched(&pass, frame);
	} else if (verdict) {
		count_in(&pass);
		ivm_drop(port, pass.vid, verdict);
	} else {
		send_skb(&pass, frame);
	}
	return 0;
}

/* The bytes of a frame without the tag behind its addresses, which goes beside it. */
struct untagged {
	struct ivm_frame frame;
	struct ivm_piece piece[PIECES_MAX];
	u8 head[IVM_FRAME_HEAD];
};

static bool untag(struct untagged *to, const struct ivm_frame *from)
{
	u32 head = min_t(u32, from->head_len, IVM_FRAME_HEAD), skip = VLAN_HLEN;
	unsigned int i;

	if (head < ETH_HLEN + VLAN_HLEN || from->nr_pieces > PIECES_MAX ||
	    (from->needs_csum && from->csum_start < ETH_HLEN + VLAN_HLEN) ||
	    (from->gso && from->hdr_len < ETH_HLEN + VLAN_HLEN))
		return false;
	to->frame = *from;
	to->frame.head = to->head;
	to->frame.head_len = head - VLAN_HLEN;
	to->frame.len -= VLAN_HLEN;
	to->frame.tag_proto = ETH_P_8021Q;
	to->frame.tag = get_unaligned_be16(from->head + ETH_HLEN);
	if (from->needs_csum)
		to->frame.csum_start -= VLAN_HLEN;
	if (from->gso)
		to->frame.hdr_len -= VLAN_HLEN;
	memcpy(to->head, from->head, 2 * ETH_ALEN);
	memcpy(to->head + 2 * ETH_ALEN, from->head + 2 * ETH_ALEN + VLAN_HLEN, head - 2 * ETH_ALEN - VLAN_HLEN);
	/* what counts is the head; of the pieces, only where they go on behind it */
	for (i = 0; i < from->nr_pieces; i++) {
		u32 n = min(skip, from->piece[i].len);

		to->piece[i].data = from->piece[i].data + n;
		to->piece[i].len = from->piece[i].len - n;
		skip -= n;
	}
	to->frame.piece = to->piece;
	return true;
}

/* Out of line for its stack. */
static noinline int send_tagged(struct ivm_port *port, const struct ivm_rules *rules, struct ivm_nic *nic,
				unsigned int queue, struct ivm_frame *frame)
{
	struct untagged untagged;

	if (!untag(&untagged, frame)) {
		ivm_count(port, IVM_STAT_RX, 1);
		ivm_count(port, IVM_STAT_RX_BYTES, frame->len);
		ivm_drop(port, 0, IVM_STAT_DROP_RUNT);
		return 0;
	}
	return send(port, rules, nic, queue, &untagged.frame);
}

int ivm_nic_send(struct ivm_nic *nic, unsigned int queue, struct ivm_frame *frame)
{
	const struct ivm_rules *rules;
	struct ivm_port *port;
	int ret = 0;

	rcu_read_lock();
	port = rcu_dereference(nic->port);
	/* plugged in nowhere, or the wire is cut: it goes nowhere */
	if (unlikely(!port || queue >= nic->queues || frame->len < ETH_HLEN))
		goto out;
	if (unlikely(!netif_running(port->dev))) {
		ivm_count(port, IVM_STAT_RX, 1);
		ivm_count(port, IVM_STAT_RX_BYTES, frame->len);
		ivm_drop(port, 0, IVM_STAT_DROP_OFF);
		goto out;
	}
	rules = rcu_dereference(port->rules);
	frame->tag_proto = 0;
	if (unlikely(rules->vlans.mode == IVM_PORT_TRUNK && get_unaligned_be16(frame->head + 2 * ETH_ALEN) == ETH_P_8021Q))
		ret = send_tagged(port, rules, nic, queue, frame);
	else
		ret = send(port, rules, nic, queue, frame);
out:
	rcu_read_unlock();
	return ret;
}
