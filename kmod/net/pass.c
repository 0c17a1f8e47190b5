// SPDX-License-Identifier: GPL-2.0-only
/* What a frame may do, and where it is to go. */
#include "pass.h"
#include "fdb.h"
#include "guard.h"

#include <linux/timekeeping.h>

static __always_inline unsigned int admit(struct ivm_pass *pass)
{
	struct ivm_port *in = pass->in;
	const struct ethhdr *eth = (const struct ethhdr *)pass->head;
	unsigned int verdict;

	/* a port that gets copies does not send; a switch that is down does not forward */
	if (unlikely(READ_ONCE(in->mirrors) || !netif_running(in->sw->dev)))
		return IVM_STAT_DROP_OFF;
	verdict = ivm_vlan_ingress(&pass->rules->vlans, pass->proto, pass->tci, pass->type, &pass->vid);
	if (unlikely(verdict))
		return verdict;
	if (unlikely(!is_valid_ether_addr(eth->h_source)))
		return IVM_STAT_DROP_SOURCE;
	if (unlikely(is_link_local_ether_addr(eth->h_dest)))
		return IVM_STAT_DROP_RESERVED;
	if (pass->rules->guard)
		return ivm_guard_check(&pass->rules->config, pass->head, pass->head_len, pass->len);
	return 0;
}

static bool within(struct ivm_pass *pass, enum ivm_limit_kind kind, u64 rate, u32 amount)
{
	return !rate || ivm_limit_take(&pass->in->limit[kind], rate, amount, ktime_get_ns());
}

static __always_inline unsigned int police(struct ivm_pass *pass)
{
	const struct ivm_port_config *config = &pass->rules->config;

	if (likely(!pass->rules->limits))
		return 0;
	if (is_broadcast_ether_addr(pass->head)) {
		if (!within(pass, IVM_LIMIT_BROADCAST, config->storm[0], 1))
			return IVM_STAT_DROP_STORM;
	} else if (is_multicast_ether_addr(pass->head)) {
		if (!within(pass, IVM_LIMIT_MULTICAST, config->storm[1], 1))
			return IVM_STAT_DROP_STORM;
	}
	return within(pass, IVM_LIMIT_IN, config->rate_in, pass->len) ? 0 : IVM_STAT_DROP_RATE_IN;
}

static __always_inline unsigned int police_unknown(struct ivm_pass *pass)
{
	if (likely(!pass->unknown) || !pass->rules->limits)
		return 0;
	return within(pass, IVM_LIMIT_UNKNOWN, pass->rules->config.storm[2], 1) ? 0 : IVM_STAT_DROP_STORM;
}

static __always_inline unsigned int source(struct ivm_pass *pass)
{
	u64 key = ivm_fdb_key(pass->vid, pass->head + ETH_ALEN);
	struct ivm_fdb_entry *entry;

	/* the guard has seen that it is one of the port's own, which are static */
	if (pass->rules->guard)
		return 0;
	entry = ivm_fdb_find(pass->in->sw, key);
	if (likely(entry)) {
		if (likely(entry->port == pass->in)) {
			/* once a second, so that the line stays shared */
			u32 now = jiffies;

			if (unlikely(now - READ_ONCE(entry->seen) >= HZ))
				WRITE_ONCE(entry->seen, now);
			return 0;
		}
		if (entry->kind != IVM_FDB_LEARNT)
			return IVM_STAT_DROP_MOVED;
	}
	if (pass->rules->learns)
		ivm_fdb_learn(pass->in, key, pass->rules->config.learn);
	return 0;
}

static __always_inline unsigned int lookup(struct ivm_pass *pass)
{
	struct ivm_fdb_entry *entry;
	const struct ivm_rules *rules;

	pass->to = NULL;
	pass->unknown = false;
	if (is_multicast_ether_addr(pass->head))
		return 0;
	entry = ivm_fdb_find(pass->in->sw, ivm_fdb_key(pass->vid, pass->head));
	if (!entry) {
		pass->unknown = true;
		return 0;
	}
	if (unlikely(entry->port == pass->in))
		return IVM_STAT_DROP_HAIRPIN;
	rules = rcu_dereference(entry->port->rules);
	pass->form = ivm_vlan_egress(&rules->vlans, pass->vid, pass->type);
	if (unlikely(pass->form != IVM_FORM_UNTAGGED && pass->form != IVM_FORM_TAGGED))
		return pass->form == IVM_FORM_HIDDEN ? IVM_STAT_DROP_VLAN : IVM_STAT_DROP_NOWHERE;
	if (unlikely(READ_ONCE(entry->port->mirrors)))
		return IVM_STAT_DROP_NOWHERE;
	if ((pass->rules->isolated || rules->isolated) && !pass->rules->uplink && !rules->uplink)
		return IVM_STAT_DROP_ISOLATED;
	pass->to = entry->port;
	pass->to_rules = rules;
	return 0;
}

unsigned int ivm_pass_decide(struct ivm_pass *pass)
{
	unsigned int verdict = admit(pass);

	if (unlikely(verdict))
		return verdict;
	verdict = police(pass);
	if (unlikely(verdict))
		return verdict;
	verdict = source(pass);
	if (unlikely(verdict))
		return verdict;
	verdict = lookup(pass);
	if (unlikely(verdict))
		return verdict;
	return police_unknown(pass);
}

/* ---- the steps one by one, for cards, which may have to wait between them ---- */

unsigned int ivm_pass_admit(struct ivm_pass *pass)
{
	return admit(pass);
}

unsigned int ivm_pass_police(struct ivm_pass *pass)
{
	return police(pass);
}

unsigned int ivm_pass_source(struct ivm_pass *pass)
{
	return source(pass);
}

unsigned int ivm_pass_lookup(struct ivm_pass *pass)
{
	return lookup(pass);
}

unsigned int ivm_pass_police_unknown(struct ivm_pass *pass)
{
	return police_unknown(pass);
}
