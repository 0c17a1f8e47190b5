// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which port has an address.
 *
 * Changes are made under fdb_lock, one entry at a time, so that no list holds up
 * the frames of other ports. Lists are walked under RCU; what is found there is
 * looked at again under the lock.
 */
#include "fdb.h"

#include <linux/once.h>
#include <linux/random.h>
#include <linux/rculist.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

struct ivm_fdb_secret ivm_fdb_secret __read_mostly;

static unsigned long age_interval(struct ivm_switch *sw)
{
	return clamp(READ_ONCE(sw->ageing) / 10, 1U, 30U) * HZ;
}

int ivm_fdb_init(struct ivm_switch *sw)
{
	get_random_once(&ivm_fdb_secret, sizeof(ivm_fdb_secret));
	spin_lock_init(&sw->fdb_lock);
	INIT_DELAYED_WORK(&sw->age_work, ivm_fdb_age);
	return rhashtable_init(&sw->fdb, &ivm_fdb_params);
}

void ivm_fdb_exit(struct ivm_switch *sw)
{
	cancel_delayed_work_sync(&sw->age_work);
	rhashtable_destroy(&sw->fdb);
}

/* With fdb_lock, under which entries come and go: what is found stays. The table itself may be replaced meanwhile. */
static struct ivm_fdb_entry *find_locked(struct ivm_switch *sw, u64 key)
{
	struct ivm_fdb_entry *entry;

	lockdep_assert_held(&sw->fdb_lock);
	rcu_read_lock();
	entry = ivm_fdb_find(sw, key);
	rcu_read_unlock();
	return entry;
}

static struct ivm_fdb_entry *entry_new(struct ivm_port *port, u64 key, enum ivm_fdb_kind kind, gfp_t gfp)
{
	struct ivm_fdb_entry *entry = kmalloc(sizeof(*entry), gfp);

	if (!entry)
		return NULL;
	entry->key = key;
	entry->port = port;
	entry->kind = kind;
	entry->dead = false;
	entry->seen = jiffies;
	return entry;
}

/* Unless somebody else did it. */
static void entry_remove(struct ivm_switch *sw, struct ivm_fdb_entry *entry)
{
	lockdep_assert_held(&sw->fdb_lock);
	if (entry->dead)
		return;
	entry->dead = true;
	rhashtable_remove_fast(&sw->fdb, &entry->node, ivm_fdb_params);
	list_del_rcu(&entry->link);
	if (entry->kind == IVM_FDB_LEARNT)
		WRITE_ONCE(entry->port->nr_learnt, entry->port->nr_learnt - 1);
	kfree_rcu(entry, rcu);
}

static int entry_insert(struct ivm_switch *sw, struct ivm_fdb_entry *entry)
{
	struct ivm_port *port = entry->port;
	int err;

	lockdep_assert_held(&sw->fdb_lock);
	err = rhashtable_insert_fast(&sw->fdb, &entry->node, ivm_fdb_params);
	if (err)
		return err;
	list_add_tail_rcu(&entry->link, &port->entries);
	if (entry->kind == IVM_FDB_LEARNT) {
		WRITE_ONCE(port->nr_learnt, port->nr_learnt + 1);
		if (!delayed_work_pending(&sw->age_work))
			schedule_delayed_work(&sw->age_work, age_interval(sw));
	}
	return 0;
}

/* ---- static entries ---- */

/* One entry for @port, whatever was learnt of this address before. */
static int claim_one(struct ivm_port *port, u64 key, enum ivm_fdb_kind kind)
{
	struct ivm_switch *sw = port->sw;
	struct ivm_fdb_entry *entry, *old;
	int err;

	entry = entry_new(port, key, kind, GFP_KERNEL);
	if (!entry)
		return -ENOMEM;
	spin_lock_bh(&sw->fdb_lock);
	old = find_locked(sw, key);
	if (old && old->kind != IVM_FDB_LEARNT) {
		err = -EEXIST;
	} else {
		if (old)
			entry_remove(sw, old);
		err = entry_insert(sw, entry);
		if (!err)
			entry = NULL;
	}
	spin_unlock_bh(&sw->fdb_lock);
	kfree(entry);
	return err;
}

static bool names_mac(const struct ivm_rules *rules, u64 key)
{
	unsigned int i;

	for (i = 0; i < rules->config.nr_macs; i++)
		if (key << 16 == ivm_fdb_key(0, rules->config.mac[i]) << 16)
			return true;
	return false;
}

/* Does @rules leave room for the entry? NULL: for none. */
static bool fits(const struct ivm_fdb_entry *entry, const struct ivm_rules *rules, bool keep_learnt)
{
	if (!rules || !test_bit(ivm_fdb_vid(entry->key), rules->vlans.member))
		return false;
	switch (entry->kind) {
	case IVM_FDB_CONFIG:
		return names_mac(rules, entry->key);
	case IVM_FDB_LEARNT:
		return keep_learnt;
	default:
		return true;
	}
}

static void sweep(struct ivm_port *port, const struct ivm_rules *rules, bool keep_learnt)
{
	struct ivm_fdb_entry *entry;

	rcu_read_lock();
	list_for_each_entry_rcu(entry, &port->entries, link) {
		if (fits(entry, rules, keep_learnt))
			continue;
		spin_lock_bh(&port->sw->fdb_lock);
		entry_remove(port->sw, entry);
		spin_unlock_bh(&port->sw->fdb_lock);
	}
	rcu_read_unlock();
}

/* Has another port a static entry? Those come and go under RTNL only. */
static bool taken(struct ivm_port *port, u64 key)
{
	struct ivm_fdb_entry *entry;
	bool taken;

	rcu_read_lock();
	entry = ivm_fdb_find(port->sw, key);
	taken = entry && entry->kind != IVM_FDB_LEARNT && entry->port != port;
	rcu_read_unlock();
	return taken;
}

int ivm_fdb_claim(struct ivm_port *port, const struct ivm_rules *before, const struct ivm_rules *rules,
		  struct netlink_ext_ack *extack)
{
	const struct ivm_port_config *config = &rules->config;
	unsigned int i;
	unsigned long vid;
	int err;

	for_each_set_bit(vid, rules->vlans.member, IVM_VIDS)
		for (i = 0; i < config->nr_macs; i++)
			if (taken(port, ivm_fdb_key(vid, config->mac[i]))) {
				NL_SET_ERR_MSG(extack,
					       "another port of the switch has one of the MAC addresses in one of the VLANs");
				return -EADDRINUSE;
			}
	for_each_set_bit(vid, rules->vlans.member, IVM_VIDS) {
		for (i = 0; i < config->nr_macs; i++) {
			u64 key = ivm_fdb_key(vid, config->mac[i]);

			/* most changes are of something else */
			if (before && test_bit(vid, before->vlans.member) && names_mac(before, key))
				continue;
			err = claim_one(port, key, IVM_FDB_CONFIG);
			if (err && err != -EEXIST) {
				/* what was there fits what was there */
				sweep(port, before, true);
				NL_SET_ERR_MSG(extack, "no memory for the port's addresses");
				return err;
			}
		}
		cond_resched();
	}
	return 0;
}

void ivm_fdb_fit(struct ivm_port *port, const struct ivm_rules *rules)
{
	sweep(port, rules, rules->config.learn >= READ_ONCE(port->nr_learnt));
}

void ivm_fdb_leave(struct ivm_port *port)
{
	spin_lock_bh(&port->sw->fdb_lock);
	port->gone = true;
	spin_unlock_bh(&port->sw->fdb_lock);
	sweep(port, NULL, false);
}

/* ---- learning ---- */

void ivm_fdb_learn(struct ivm_port *port, u64 key, unsigned int limit)
{
	struct ivm_switch *sw = port->sw;
	struct ivm_fdb_entry *entry, *old;

	/* who floods finds its own table full, at the cost of this comparison */
	if (READ_ONCE(port->nr_learnt) >= limit)
		return;
	entry = entry_new(port, key, IVM_FDB_LEARNT, GFP_ATOMIC | __GFP_NOWARN);
	if (!entry)
		return;
	spin_lock(&sw->fdb_lock);
	if (port->gone || port->nr_learnt >= limit)
		goto out;
	old = find_locked(sw, key);
	if (old && (old->port == port || old->kind != IVM_FDB_LEARNT))
		goto out;
	if (old)
		entry_remove(sw, old);
	if (!entry_insert(sw, entry))
		entry = NULL;
out:
	spin_unlock(&sw->fdb_lock);
	kfree(entry);
}

void ivm_fdb_age(struct work_struct *work)
{
	struct ivm_switch *sw = container_of(work, struct ivm_switch, age_work.work);
	u32 now = jiffies, age = READ_ONCE(sw->ageing) * HZ;
	struct ivm_fdb_entry *entry;
	struct ivm_port *port;
	bool left = false;

	rcu_read_lock();
	list_for_each_entry_rcu(port, &sw->ports, link) {
		if (!READ_ONCE(port->nr_learnt))
			continue;
		list_for_each_entry_rcu(entry, &port->entries, link) {
			if (entry->kind != IVM_FDB_LEARNT)
				continue;
			left = true;
			if (now - READ_ONCE(entry->seen) < age)
				continue;
			spin_lock_bh(&sw->fdb_lock);
			if (now - READ_ONCE(entry->seen) >= age)
				entry_remove(sw, entry);
			spin_unlock_bh(&sw->fdb_lock);
		}
	}
	rcu_read_unlock();
	if (left)
		schedule_delayed_work(&sw->age_work, age_interval(sw));
}

/* ---- by request ---- */

/* A learnt entry that somebody wants: as if the address had been seen there. */
static int add_learnt(struct ivm_port *port, u64 key, bool replace, struct netlink_ext_ack *extack)
{
	struct ivm_switch *sw = port->sw;
	const struct ivm_rules *rules = rtnl_dereference(port->rules);
	struct ivm_fdb_entry *entry, *old;
	int err = 0;

	entry = entry_new(port, key, IVM_FDB_LEARNT, GFP_KERNEL);
	if (!entry)
		return -ENOMEM;
	spin_lock_bh(&sw->fdb_lock);
	old = find_locked(sw, key);
	if (old && (!replace || old->kind != IVM_FDB_LEARNT)) {
		NL_SET_ERR_MSG(extack, "the switch knows this address in this VLAN already");
		err = -EEXIST;
	} else if (port->nr_learnt >= rules->config.learn && !(old && old->port == port)) {
		NL_SET_ERR_MSG(extack, "the port can learn no more addresses");
		err = -ENOSPC;
	} else {
		if (old)
			entry_remove(sw, old);
		err = entry_insert(sw, entry);
		if (!err)
			entry = NULL;
	}
	spin_unlock_bh(&sw->fdb_lock);
	kfree(entry);
	return err;
}

int ivm_fdb_add(struct ivm_port *port, u64 key, bool permanent, bool replace, struct netlink_ext_ack *extack)
{
	int err;

	if (!test_bit(ivm_fdb_vid(key), rtnl_dereference(port->rules)->vlans.member)) {
		NL_SET_ERR_MSG(extack, "the port is not in this VLAN");
		return -EINVAL;
	}
	if (!permanent)
		return add_learnt(port, key, replace, extack);
	err = claim_one(port, key, IVM_FDB_OPERATOR);
	if (err == -EEXIST)
		NL_SET_ERR_MSG(extack, "the switch has a static entry for this address in this VLAN already");
	return err;
}

int ivm_fdb_del(struct ivm_switch *sw, u64 key, struct netlink_ext_ack *extack)
{
	struct ivm_fdb_entry *entry;
	int err = 0;

	spin_lock_bh(&sw->fdb_lock);
	entry = find_locked(sw, key);
	if (!entry) {
		err = -ENOENT;
	} else if (names_mac(rtnl_dereference(entry->port->rules), key)) {
		NL_SET_ERR_MSG(extack, "the address belongs to the configuration of its port");
		err = -EPERM;
	} else {
		entry_remove(sw, entry);
	}
	spin_unlock_bh(&sw->fdb_lock);
	return err;
}

void ivm_fdb_flush(struct ivm_switch *sw, u16 vid)
{
	struct ivm_fdb_entry *entry;
	struct ivm_port *port;

	rcu_read_lock();
	list_for_each_entry_rcu(port, &sw->ports, link) {
		list_for_each_entry_rcu(entry, &port->entries, link) {
			if (entry->kind != IVM_FDB_LEARNT || (vid && ivm_fdb_vid(entry->key) != vid))
				continue;
			spin_lock_bh(&sw->fdb_lock);
			entry_remove(sw, entry);
			spin_unlock_bh(&sw->fdb_lock);
		}
	}
	rcu_read_unlock();
}

unsigned int ivm_fdb_learnt(struct ivm_switch *sw)
{
	struct ivm_port *port;
	unsigned int sum = 0;

	ASSERT_RTNL();
	list_for_each_entry(port, &sw->ports, link)
		sum += READ_ONCE(port->nr_learnt);
	return sum;
}
