// SPDX-License-Identifier: GPL-2.0-only
/* Changing devices: one request each. */
#include "link.h"

#include "fail.h"
#include "rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

/* Send what was built; @bad: it was not, for want of memory. */
static int ivm_link_send(struct ivm_rtnl *rtnl, struct nl_msg *msg, bool bad)
{
	if (msg && bad) {
		nlmsg_free(msg);
		return ivm_fail(ENOMEM, "out of memory");
	}
	return ivm_rtnl_call(rtnl, msg, NULL, NULL);
}

/* IFLA_LINKINFO of a switch with one attribute of its own, or none. */
static bool ivm_link_put_switch(struct nl_msg *msg, int attr, const uint32_t *number)
{
	struct nlattr *info, *data;

	info = nla_nest_start(msg, IFLA_LINKINFO);
	if (!info || nla_put_string(msg, IFLA_INFO_KIND, IVM_LINK_KIND_SWITCH))
		return false;
	if (attr) {
		data = nla_nest_start(msg, IFLA_INFO_DATA);
		if (!data || (number ? nla_put_u32(msg, attr, *number) : nla_put_flag(msg, attr)))
			return false;
		nla_nest_end(msg, data);
	}
	nla_nest_end(msg, info);
	return true;
}

int ivm_link_create_switch(struct ivm_rtnl *rtnl, const char *name, const uint32_t *ageing)
{
	struct nl_msg *msg = ivm_rtnl_request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	int err = ivm_link_send(rtnl, msg, !msg || nla_put_string(msg, IFLA_IFNAME, name) ||
					   !ivm_link_put_switch(msg, ageing ? IVM_SW_A_AGEING : 0, ageing));

	if (err == -EOPNOTSUPP && !strcmp(ivm_failure(), "Unknown device type"))
		return ivm_fail(ENODEV, "this kernel knows no switches; load the module with: modprobe ivm");
	return err;
}

int ivm_link_set_ageing(struct ivm_rtnl *rtnl, int index, uint32_t ageing)
{
	struct nl_msg *msg = ivm_rtnl_request(RTM_NEWLINK, 0, index);

	return ivm_link_send(rtnl, msg, !msg || !ivm_link_put_switch(msg, IVM_SW_A_AGEING, &ageing));
}

int ivm_link_flush(struct ivm_rtnl *rtnl, int index)
{
	struct nl_msg *msg = ivm_rtnl_request(RTM_NEWLINK, 0, index);

	return ivm_link_send(rtnl, msg, !msg || !ivm_link_put_switch(msg, IVM_SW_A_FLUSH, NULL));
}

int ivm_link_delete(struct ivm_rtnl *rtnl, int index)
{
	return ivm_link_send(rtnl, ivm_rtnl_request(RTM_DELLINK, 0, index), false);
}

int ivm_link_set_up(struct ivm_rtnl *rtnl, int index, bool up)
{
	struct nl_msg *msg = ivm_rtnl_request(RTM_NEWLINK, 0, index);
	struct ifinfomsg *info;

	if (msg) {
		info = nlmsg_data(nlmsg_hdr(msg));
		info->ifi_flags = up ? IFF_UP : 0;
		info->ifi_change = IFF_UP;
	}
	return ivm_link_send(rtnl, msg, false);
}

int ivm_link_set_mtu(struct ivm_rtnl *rtnl, int index, unsigned int mtu)
{
	struct nl_msg *msg = ivm_rtnl_request(RTM_NEWLINK, 0, index);

	return ivm_link_send(rtnl, msg, !msg || nla_put_u32(msg, IFLA_MTU, mtu));
}

int ivm_link_set_master(struct ivm_rtnl *rtnl, int index, int master)
{
	struct nl_msg *msg = ivm_rtnl_request(RTM_NEWLINK, 0, index);

	return ivm_link_send(rtnl, msg, !msg || nla_put_u32(msg, IFLA_MASTER, (uint32_t)master));
}

int ivm_link_set_port(struct ivm_rtnl *rtnl, int index, const struct ivm_settings *settings)
{
	struct nl_msg *msg = ivm_rtnl_request(RTM_NEWLINK, 0, index);
	struct nlattr *info = NULL, *data = NULL;
	bool bad = true;

	if (msg)
		info = nla_nest_start(msg, IFLA_LINKINFO);
	if (info && !nla_put_string(msg, IFLA_INFO_SLAVE_KIND, IVM_LINK_KIND_SWITCH))
		data = nla_nest_start(msg, IFLA_INFO_SLAVE_DATA);
	if (data && !ivm_settings_put(msg, settings)) {
		nla_nest_end(msg, data);
		nla_nest_end(msg, info);
		bad = false;
	}
	return ivm_link_send(rtnl, msg, bad);
}

int ivm_link_add_name(struct ivm_rtnl *rtnl, int index, const char *altname)
{
	struct nl_msg *msg = ivm_rtnl_request(RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, index);
	struct nlattr *list = msg ? nla_nest_start(msg, IFLA_PROP_LIST | NLA_F_NESTED) : NULL;
	bool bad = !list || nla_put_string(msg, IFLA_ALT_IFNAME, altname);

	if (!bad)
		nla_nest_end(msg, list);
	return ivm_link_send(rtnl, msg, bad);
}

int ivm_link_set_no_address(struct ivm_rtnl *rtnl, int index)
{
	struct nl_msg *msg = ivm_rtnl_request(RTM_NEWLINK, 0, index);
	struct nlattr *spec = msg ? nla_nest_start(msg, IFLA_AF_SPEC) : NULL, *inet6;
	bool bad;

	inet6 = spec ? nla_nest_start(msg, AF_INET6) : NULL;
	bad = !inet6 || nla_put_u8(msg, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	if (!bad) {
		nla_nest_end(msg, inet6);
		nla_nest_end(msg, spec);
	}
	return ivm_link_send(rtnl, msg, bad);
}

/* VETH_INFO_PEER: a whole request about the other end inside. */
static bool ivm_link_put_peer(struct nl_msg *msg, const char *peer, int peer_ns, unsigned int mtu, const uint8_t *mac)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct nlattr *nest = nla_nest_start(msg, VETH_INFO_PEER);

	if (!nest || nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) ||
	    nla_put_string(msg, IFLA_IFNAME, peer) || nla_put_u32(msg, IFLA_MTU, mtu) ||
	    (mac && nla_put(msg, IFLA_ADDRESS, IVM_MAC_LEN, mac)) ||
	    (peer_ns >= 0 && nla_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)peer_ns)))
		return false;
	nla_nest_end(msg, nest);
	return true;
}

int ivm_link_create_veth(struct ivm_rtnl *rtnl, const char *name, const char *peer, int peer_ns, unsigned int mtu,
			 const uint8_t *mac)
{
	struct nl_msg *msg = ivm_rtnl_request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	struct nlattr *info = NULL, *data = NULL;
	bool good = msg && !nla_put_string(msg, IFLA_IFNAME, name) && !nla_put_u32(msg, IFLA_MTU, mtu);

	if (good)
		info = nla_nest_start(msg, IFLA_LINKINFO);
	if (info && !nla_put_string(msg, IFLA_INFO_KIND, "veth"))
		data = nla_nest_start(msg, IFLA_INFO_DATA);
	good = data && ivm_link_put_peer(msg, peer, peer_ns, mtu, mac);
	if (good) {
		nla_nest_end(msg, data);
		nla_nest_end(msg, info);
	}
	return ivm_link_send(rtnl, msg, !good);
}

int ivm_link_create_vlan(struct ivm_rtnl *rtnl, const char *name, int lower, uint16_t proto, uint16_t vid)
{
	struct nl_msg *msg = ivm_rtnl_request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	struct nlattr *info = NULL, *data = NULL;
	bool good = msg && !nla_put_string(msg, IFLA_IFNAME, name) && !nla_put_u32(msg, IFLA_LINK, (uint32_t)lower);

	if (good)
		info = nla_nest_start(msg, IFLA_LINKINFO);
	if (info && !nla_put_string(msg, IFLA_INFO_KIND, "vlan"))
		data = nla_nest_start(msg, IFLA_INFO_DATA);
	good = data && !nla_put_u16(msg, IFLA_VLAN_ID, vid) && !nla_put_u16(msg, IFLA_VLAN_PROTOCOL, htons(proto));
	if (good) {
		nla_nest_end(msg, data);
		nla_nest_end(msg, info);
	}
	return ivm_link_send(rtnl, msg, !good);
}
