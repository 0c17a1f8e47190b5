/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_ETHERDEVICE_H
#define SHIM_LINUX_ETHERDEVICE_H

#include <string.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/types.h>

static inline bool is_multicast_ether_addr(const u8 *mac) { return mac[0] & 1; }
static inline bool is_zero_ether_addr(const u8 *mac) { return !(mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]); }
static inline bool is_valid_ether_addr(const u8 *mac)
{
	return !is_multicast_ether_addr(mac) && !is_zero_ether_addr(mac);
}

static inline bool is_broadcast_ether_addr(const u8 *mac)
{
	return (mac[0] & mac[1] & mac[2] & mac[3] & mac[4] & mac[5]) == 0xff;
}

static inline bool ether_addr_equal(const u8 *a, const u8 *b) { return !memcmp(a, b, ETH_ALEN); }
static inline bool ether_addr_equal_unaligned(const u8 *a, const u8 *b) { return !memcmp(a, b, ETH_ALEN); }
static inline void ether_addr_copy(u8 *to, const u8 *from) { memcpy(to, from, ETH_ALEN); }

#endif
