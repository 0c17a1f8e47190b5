/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_IF_VLAN_H
#define SHIM_LINUX_IF_VLAN_H

#define VLAN_HLEN	4
#define VLAN_VID_MASK	0x0fff

#endif
