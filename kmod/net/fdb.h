/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which port has an address: by (VLAN, MAC). Static entries come from the
 * configuration of ports or from an operator; the others were learnt.
 */
#ifndef IVM_NET_FDB_H
#define IVM_NET_FDB_H

#include "switch.h"

#include <asm/unaligned.h>
#include <linux/jiffies.h>
#include <linux/rhashtable.h>

enum ivm_fdb_kind {
	IVM_FDB_LEARNT,		/* ages, may move */
	IVM_FDB_OPERATOR,	/* bridge fdb add ... static */
	IVM_FDB_CONFIG,		/* MACS of its port */
};

/* Constant but for what is said; freed after a grace period. */
struct ivm_fdb_entry {
	struct rhash_head node;
	u64 key;
	struct ivm_port *port;
	struct list_head link;		/* of port->entries; fdb_lock, read under RCU */
	u8 kind;			/* enum ivm_fdb_kind */
	bool dead;			/* fdb_lock */
	u32 seen;			/* jiffies; written by anybody, not more than once a second */
	struct rcu_head rcu;
};

/* VLAN and address in one word. */
static inline u64 ivm_fdb_key(u16 vid, const u8 *mac)
{
	return get_unaligned((const u32 *)mac) | (u64)get_unaligned((const u16 *)(mac + 4)) << 32 | (u64)vid << 48;
}

static inline u16 ivm_fdb_vid(u64 key)
{
	return key >> 48;
}

static inline void ivm_fdb_mac(u64 key, u8 *mac)
{
	put_unaligned((u32)key, (u32 *)mac);
	put_unaligned((u16)(key >> 32), (u16 *)(mac + 4));
}

/* Random, made before there is a switch, constant then. */
struct ivm_fdb_secret {
	u64 low, high, all;
};

extern struct ivm_fdb_secret ivm_fdb_secret;

/*
 * Pair-multiply-shift (Thorup): for whoever does not know the secret, any two
 * keys meet as rarely as by chance, in whichever bits the table looks at. Senders
 * choose addresses, so nothing weaker will do. @seed is the table's, anew each
 * time that it is made.
 */
static __always_inline u32 ivm_fdb_hash(const void *data, u32 len, u32 seed)
{
	u64 key = *(const u64 *)data, high = ivm_fdb_secret.high + ((u64)seed << 32);

	return ((ivm_fdb_secret.low + (u32)key) * (high + (key >> 32)) + ivm_fdb_secret.all) >> 32;
}

static __always_inline int ivm_fdb_differs(struct rhashtable_compare_arg *arg, const void *obj)
{
	return ((const struct ivm_fdb_entry *)obj)->key != *(const u64 *)arg->key;
}

static const struct rhashtable_params ivm_fdb_params = {
	.head_offset = offsetof(struct ivm_fdb_entry, node),
	.key_offset = offsetof(struct ivm_fdb_entry, key),
	.key_len = sizeof(u64),
	.hashfn = ivm_fdb_hash,
	.obj_cmpfn = ivm_fdb_differs,
	.automatic_shrinking = true,
};

/* Whose address it is, or NULL. Inline, since each frame does it twice. RCU. */
static __always_inline struct ivm_fdb_entry *ivm_fdb_find(struct ivm_switch *sw, u64 key)
{
	return rhashtable_lookup(&sw->fdb, &key, ivm_fdb_params);
}

int ivm_fdb_init(struct ivm_switch *sw);
void ivm_fdb_exit(struct ivm_switch *sw);	/* no port is left; may sleep */

/**
 * ivm_fdb_claim() - static entries for all of @rules' MACs in all its VLANs
 * @port:   has @before or @rules already: who finds an entry goes by the rules of its port
 * @before: what it had until now; NULL: it is new
 *
 * Refused when another port of the switch has one of them; then nothing has
 * changed. Entries that @rules do not name any more stay until ivm_fdb_fit().
 *
 * Return: 0 or a negative errno with @extack filled. RTNL.
 */
int ivm_fdb_claim(struct ivm_port *port, const struct ivm_rules *before, const struct ivm_rules *rules,
		  struct netlink_ext_ack *extack);
/* Drop entries that do not fit @rules. RTNL. */
void ivm_fdb_fit(struct ivm_port *port, const struct ivm_rules *rules);
/* The port leaves: drop all its entries, let it learn no more. RTNL. */
void ivm_fdb_leave(struct ivm_port *port);

/*
 * A source address was seen at @port, whose rules say that it learns at most
 * @limit, and is unknown or at another port. Bottom halves off, RCU.
 */
void ivm_fdb_learn(struct ivm_port *port, u64 key, unsigned int limit);

/* By request of an operator. RTNL. */
int ivm_fdb_add(struct ivm_port *port, u64 key, bool permanent, bool replace, struct netlink_ext_ack *extack);
int ivm_fdb_del(struct ivm_switch *sw, u64 key, struct netlink_ext_ack *extack);
/* Forget learnt addresses of VLAN @vid, or of all when it is 0. RTNL. */
void ivm_fdb_flush(struct ivm_switch *sw, u16 vid);
unsigned int ivm_fdb_learnt(struct ivm_switch *sw);	/* RTNL */
/* Work of sw->age_work: drop what was not seen for long. */
void ivm_fdb_age(struct work_struct *work);

#endif
