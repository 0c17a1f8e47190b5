/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_NET_NETLINK_H
#define SHIM_NET_NETLINK_H

#include <linux/types.h>

/* Only named in headers that are read here. */
struct nla_policy { u8 type; };

#endif
