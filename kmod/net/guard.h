/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does a frame speak in the name of the port that it comes from (P2)? No
 * state; builds in user space too.
 */
#ifndef IVM_NET_GUARD_H
#define IVM_NET_GUARD_H

#include "net.h"

/**
 * ivm_guard_check() - what a guarded port sends
 * @config: of the port; its macs, ips and serves are looked at
 * @head:   first bytes of the frame, the tag that said its VLAN taken away
 * @head_len: how many: min(@len, IVM_FRAME_HEAD) at least, and at least 14
 * @len:    bytes of the whole frame
 *
 * Addresses by which a neighbour could take the frame for somebody else's must
 * be the port's own: the source address, senders in ARP and neighbour
 * discovery, sources of IPv4 and IPv6. What answers DHCP or speaks as a router
 * needs leave. What cannot be seen because it lies behind what is read, or in
 * another fragment, is refused where it could be one of these.
 *
 * Return: 0, or IVM_STAT_DROP_GUARD_*. Any context.
 */
unsigned int ivm_guard_check(const struct ivm_port_config *config, const u8 *head, u32 head_len, u32 len);

#endif
