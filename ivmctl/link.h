/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices of this network namespace, switches and ports among them: reading
 * them all, and the single changes that commands are made of. Each change is
 * one request: done or refused, with a sentence.
 */
#ifndef IVM_LINK_H
#define IVM_LINK_H

#include "settings.h"

#include <net/if.h>

struct ivm_rtnl;

#define IVM_LINK_ALTNAMES	4	/* alternative names that are kept of a device */

struct ivm_link {
	int			index;
	int			master;		/* index, 0: none */
	int			peer;		/* of a veth in this namespace, its other end; 0: none */
	char			name[IFNAMSIZ];
	size_t			nr_altnames;
	char			altname[IVM_LINK_ALTNAMES][IVM_DEVICE_TEXT];
	char			kind[32];	/* "" of hardware */
	char			master_kind[32];
	unsigned int		flags;		/* IFF_* */
	bool			carrier;
	unsigned int		mtu;
	uint8_t			mac[IVM_MAC_LEN];
	/* of a switch */
	uint32_t		ageing, learnt;
	/* of a port */
	struct ivm_settings	port;
	uint64_t		stats[IVM_PORT_STATS];
};

struct ivm_links {
	size_t		count, room;
	struct ivm_link	*link;
};

/* All devices; the names of mirrors are filled in. Return: 0 or negative errno; free @links in any case. */
int ivm_links_read(struct ivm_rtnl *rtnl, struct ivm_links *links);
void ivm_links_free(struct ivm_links *links);

/* The device with that name or alternative name; NULL: none. */
struct ivm_link *ivm_link_find(const struct ivm_links *links, const char *name);
struct ivm_link *ivm_link_at(const struct ivm_links *links, int index);

bool ivm_link_is_switch(const struct ivm_link *link);

/* Is it a port of some switch of ours? */
bool ivm_link_is_port(const struct ivm_link *link);

/* A device as a message tells it. Return: false when the message is none or has no name. */
struct nlmsghdr;
bool ivm_link_parse(struct ivm_link *link, const struct nlmsghdr *message);

/* ---- changes ---- */

int ivm_link_create_switch(struct ivm_rtnl *rtnl, const char *name, const uint32_t *ageing);	/* down */
int ivm_link_set_ageing(struct ivm_rtnl *rtnl, int index, uint32_t ageing);
int ivm_link_flush(struct ivm_rtnl *rtnl, int index);	/* a switch's learnt addresses */
int ivm_link_delete(struct ivm_rtnl *rtnl, int index);
int ivm_link_set_up(struct ivm_rtnl *rtnl, int index, bool up);
int ivm_link_set_mtu(struct ivm_rtnl *rtnl, int index, unsigned int mtu);
int ivm_link_set_master(struct ivm_rtnl *rtnl, int index, int master);	/* 0: none */
int ivm_link_set_port(struct ivm_rtnl *rtnl, int index, const struct ivm_settings *settings);
/* Keep IPv6 from giving the device an address once it is up. -EAFNOSUPPORT: there is no IPv6. */
int ivm_link_set_no_address(struct ivm_rtnl *rtnl, int index);
int ivm_link_add_name(struct ivm_rtnl *rtnl, int index, const char *altname);

/**
 * ivm_link_create_veth() - a pair of devices
 * @name:	of the end here
 * @peer:	of the other end
 * @peer_ns:	network namespace of the other end, or -1: this one
 * @mac:	of the other end, or NULL
 */
int ivm_link_create_veth(struct ivm_rtnl *rtnl, const char *name, const char *peer, int peer_ns, unsigned int mtu,
			 const uint8_t *mac);

/* A vlan device @name on @lower with tags of @proto (0x8100, 0x88a8). */
int ivm_link_create_vlan(struct ivm_rtnl *rtnl, const char *name, int lower, uint16_t proto, uint16_t vid);

#endif
