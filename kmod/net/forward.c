// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames as skbs: from a device that is a port into the switch, and from the
 * switch to devices. The tag of a frame stays beside it all the way, so nobody
 * copies or moves its bytes.
 */
#include "switch.h"
#include "nic.h"
#include "pass.h"
#include "trace.h"

#include <linux/rculist.h>
#include <linux/timekeeping.h>
#include <net/sch_generic.h>

void ivm_drop(struct ivm_port *port, u16 vid, enum ivm_port_stat reason)
{
	ivm_count(port, reason, 1);
	trace_ivm_net_drop(port->dev->ifindex, vid, reason);
}

/* ---- out ---- */

static void put_tag(struct sk_buff *skb, const struct ivm_pass *pass, enum ivm_form form)
{
	if (form == IVM_FORM_TAGGED)
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), ivm_pass_tci(pass));
	else
		__vlan_hwaccel_clear_tag(skb);
}

unsigned int ivm_xmit_stat(const struct net_device *dev, int rc)
{
	if (likely(rc == NET_XMIT_SUCCESS))
		return IVM_STAT_TX;
	/* a device that has just come up has no queue yet, and one that swallows */
	if (rc == NET_XMIT_CN)
		return rcu_access_pointer(dev->_tx[0].qdisc) == &noop_qdisc ? IVM_STAT_DROP_TX_DOWN : IVM_STAT_TX;
	return IVM_STAT_DROP_TX_ERROR;
}

/* Hand it to the device. Return: the counter that says what became of it, or IVM_PORT_STATS when that is said later. */
static unsigned int transmit(struct ivm_port *port, struct sk_buff *skb)
{
	int rc;

	skb->dev = port->dev;
	if (port->nic)
		return ivm_nic_queue_xmit(port->nic, skb);
	rc = dev_queue_xmit(skb);
	return ivm_xmit_stat(port->dev, rc);
}

static void mirror(const struct ivm_pass *pass, struct ivm_port *to, struct sk_buff *skb)
{
	struct sk_buff *copy;

	if (!netif_running(to->dev) || !netif_carrier_ok(to->dev))
		return;
	copy = skb_clone(skb, GFP_ATOMIC);
	if (!copy)
		return;
	put_tag(copy, pass, IVM_FORM_TAGGED);
	if (transmit(to, copy) == IVM_STAT_TX)
		ivm_count(to, IVM_STAT_MIRRORED, 1);
}

static bool fits_device(const struct ivm_pass *pass, const struct net_device *dev, struct sk_buff *skb)
{
	u32 room = ivm_pass_room(pass, dev);

	return likely(skb->len <= room) || (skb_is_gso(skb) && skb_gso_validate_mac_len(skb, room));
}

/* To one port, in the form that its rules ask for. Takes @skb. */
static void send_one(const struct ivm_pass *pass, struct ivm_port *to, const struct ivm_rules *rules,
		     enum ivm_form form, struct sk_buff *skb)
{
	struct ivm_port *watcher = rcu_dereference(to->mirror);
	struct net_device *dev = to->dev;
	unsigned int stat, len = skb->len;

	if (unlikely(form == IVM_FORM_HIDDEN)) {
		ivm_drop(pass->in, pass->vid, IVM_STAT_DROP_VLAN);
		kfree_skb(skb);
		return;
	}
	if (unlikely(rules->config.rate_out) &&
	    !ivm_limit_take(&to->limit[IVM_LIMIT_OUT], rules->config.rate_out, len, ktime_get_ns()))
		stat = IVM_STAT_DROP_TX_RATE;
	else if (unlikely(!netif_running(dev) || !netif_carrier_ok(dev)))
		stat = IVM_STAT_DROP_TX_DOWN;
	else if (unlikely(!fits_device(pass, dev, skb)))
		stat = IVM_STAT_DROP_TX_SIZE;
	else
		stat = IVM_STAT_TX;
	if (unlikely(stat != IVM_STAT_TX)) {
		ivm_drop(to, pass->vid, stat);
		kfree_skb(skb);
		return;
	}
	if (unlikely(watcher) && watcher != rcu_dereference(pass->in->mirror))
		mirror(pass, watcher, skb);
	put_tag(skb, pass, form);
	stat = transmit(to, skb);
	if (likely(stat == IVM_STAT_TX)) {
		ivm_count(to, IVM_STAT_TX, 1);
		ivm_count(to, IVM_STAT_TX_BYTES, len);
	} else if (stat != IVM_PORT_STATS) {
		ivm_drop(to, pass->vid, stat);
	}
}

/* One copy of a frame for each port but the last, which gets the frame itself. */
struct flood {
	struct ivm_port *last;
	const struct ivm_rules *rules;
	enum ivm_form form;
	unsigned int places;
	bool isolated;
};

static void flood_to(const struct ivm_pass *pass, struct flood *flood, struct ivm_port *port, struct sk_buff *skb)
{
	const struct ivm_rules *rules = rcu_dereference(port->rules);
	enum ivm_form form;
	struct sk_buff *copy;

	if (port == pass->in || READ_ONCE(port->mirrors))
		return;
	form = ivm_vlan_egress(&rules->vlans, pass->vid, pass->type);
	if (form == IVM_FORM_NONE)
		return;
	if ((pass->rules->isolated || rules->isolated) && !pass->rules->uplink && !rules->uplink) {
		flood->isolated = true;
		return;
	}
	if (flood->last) {
		copy = skb_clone(skb, GFP_ATOMIC);
		if (copy)
			send_one(pass, flood->last, flood->rules, flood->form, copy);
		else
			ivm_drop(pass->in, pass->vid, IVM_STAT_DROP_MEMORY);
	}
	flood->last = port;
	flood->rules = rules;
	flood->form = form;
	flood->places++;
}

static void flood_all(const struct ivm_pass *pass, struct sk_buff *skb)
{
	struct ivm_switch *sw = pass->in->sw;
	struct flood flood = { };
	struct ivm_port *port;

	if (pass->unknown) {
		list_for_each_entry_rcu(port, &sw->uplinks, uplink_link)
			flood_to(pass, &flood, port, skb);
	} else {
		list_for_each_entry_rcu(port, &sw->ports, link)
			flood_to(pass, &flood, port, skb);
	}
	if (!flood.last) {
		ivm_drop(pass->in, pass->vid, flood.isolated ? IVM_STAT_DROP_ISOLATED : IVM_STAT_DROP_NOWHERE);
		kfree_skb(skb);
		return;
	}
	ivm_count(pass->in, IVM_STAT_COPIES, flood.places - 1);
	send_one(pass, flood.last, flood.rules, flood.form, skb);
}

bool ivm_pass_watched(const struct ivm_pass *pass)
{
	return rcu_access_pointer(pass->in->mirror) || dev_nit_active(pass->in->sw->dev);
}

/* Those who listen on the switch itself see the frame with its tag. */
static void tap(const struct ivm_pass *pass, struct sk_buff *skb)
{
	struct net_device *dev = pass->in->sw->dev;
	struct sk_buff *copy = skb_clone(skb, GFP_ATOMIC);

	if (!copy)
		return;
	copy->dev = dev;
	put_tag(copy, pass, IVM_FORM_TAGGED);
	dev_queue_xmit_nit(copy, dev);
	consume_skb(copy);
}

void ivm_pass_send(struct ivm_pass *pass, struct sk_buff *skb)
{
	struct ivm_port *watcher = rcu_dereference(pass->in->mirror);

	if (unlikely(watcher))
		mirror(pass, watcher, skb);
	if (unlikely(dev_nit_active(pass->in->sw->dev)))
		tap(pass, skb);
	if (likely(pass->to))
		send_one(pass, pass->to, pass->to_rules, pass->form, skb);
	else
		flood_all(pass, skb);
}

/* ---- in ---- */

/* The guard reads a head in one piece. */
static bool pull_head(struct ivm_pass *pass, struct sk_buff *skb)
{
	if (!pskb_may_pull(skb, min_t(u32, skb->len, IVM_FRAME_HEAD)))
		return false;
	pass->head = skb->data;
	pass->head_len = skb_headlen(skb);
	return true;
}

/**
 * ivm_port_receive() - the rx_handler of ports
 * @pskb: the frame, behind its Ethernet header, with its outermost tag beside it
 *
 * Context: as the core calls it: RCU, bottom halves off.
 */
rx_handler_result_t ivm_port_receive(struct sk_buff **pskb)
{
	struct sk_buff *skb = *pskb;
	struct ivm_port *port = rcu_dereference(skb->dev->rx_handler_data);
	struct ivm_pass pass;
	unsigned int verdict;

	if (unlikely(skb->pkt_type == PACKET_LOOPBACK))
		return RX_HANDLER_PASS;
	ivm_count(port, IVM_STAT_RX, 1);
	ivm_count(port, IVM_STAT_RX_BYTES, skb->len + ETH_HLEN);
	skb = skb_share_check(skb, GFP_ATOMIC);
	if (unlikely(!skb)) {
		ivm_drop(port, 0, IVM_STAT_DROP_MEMORY);
		return RX_HANDLER_CONSUMED;
	}
	pass.in = port;
	pass.vid = 0;
	if (unlikely(skb_mac_offset(skb) != -ETH_HLEN)) {
		verdict = IVM_STAT_DROP_RUNT;
		goto drop;
	}
	skb_push(skb, ETH_HLEN);
	if (skb->ip_summed == CHECKSUM_COMPLETE)
		skb->ip_summed = CHECKSUM_NONE;
	skb_clear_tstamp(skb);
	pass.rules = rcu_dereference(port->rules);
	pass.head = skb->data;
	pass.head_len = skb_headlen(skb);
	pass.len = skb->len;
	pass.type = ntohs(((struct ethhdr *)skb->data)->h_proto);
	pass.proto = 0;
	pass.tci = 0;
	if (skb_vlan_tag_present(skb)) {
		pass.proto = ntohs(skb->vlan_proto);
		pass.tci = skb_vlan_tag_get(skb);
	}
	if (pass.rules->guard && !pull_head(&pass, skb)) {
		verdict = IVM_STAT_DROP_MEMORY;
		goto drop;
	}
	verdict = ivm_pass_decide(&pass);
	if (unlikely(verdict))
		goto drop;
	/* a checksum that is still to be made begins behind an inner tag */
	if (skb->ip_summed == CHECKSUM_PARTIAL && unlikely(ivm_is_tag(pass.type))) {
		int depth;

		if (!__vlan_get_protocol(skb, skb->protocol, &depth)) {
			verdict = IVM_STAT_DROP_RUNT;
			goto drop;
		}
		skb_set_network_header(skb, depth);
	}
	ivm_pass_send(&pass, skb);
	return RX_HANDLER_CONSUMED;
drop:
	ivm_drop(port, pass.vid, verdict);
	kfree_skb(skb);
	return RX_HANDLER_CONSUMED;
}
