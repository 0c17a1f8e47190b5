// SPDX-License-Identifier: GPL-2.0-only
/*
 * net_ovs DATAPATH FROM TO SOURCE DESTINATION [VLAN]: makes a datapath of Open
 * vSwitch's kernel module with two devices and one flow, as its daemon would
 * install it for a learnt destination: untagged IPv4 frames that FROM receives
 * with these addresses are sent by TO, with a tag of VLAN if one is given.
 * net_ovs DATAPATH: takes it away.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/openvswitch.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct nl_sock *sock;

static struct nl_msg *request(const char *family, uint8_t cmd, uint8_t version, int dp)
{
	struct nl_msg *msg = nlmsg_alloc();
	struct ovs_header *head;
	int id = genl_ctrl_resolve(sock, family);

	if (!msg || id < 0) {
		fprintf(stderr, "net_ovs: no %s: is openvswitch loaded?\n", family);
		exit(1);
	}
	head = genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, id, sizeof(*head), NLM_F_REQUEST | NLM_F_ACK, cmd, version);
	head->dp_ifindex = dp;
	return msg;
}

static void send_it(struct nl_msg *msg, const char *what)
{
	int err = nl_send_sync(sock, msg);

	if (err < 0) {
		fprintf(stderr, "net_ovs: %s: %s\n", what, nl_geterror(err));
		exit(1);
	}
}

static void add_port(int dp, const char *device, uint32_t number)
{
	struct nl_msg *msg = request(OVS_VPORT_FAMILY, OVS_VPORT_CMD_NEW, OVS_VPORT_VERSION, dp);

	nla_put_u32(msg, OVS_VPORT_ATTR_TYPE, OVS_VPORT_TYPE_NETDEV);
	nla_put_u32(msg, OVS_VPORT_ATTR_PORT_NO, number);
	nla_put_u32(msg, OVS_VPORT_ATTR_UPCALL_PID, 0);
	nla_put_string(msg, OVS_VPORT_ATTR_NAME, device);
	send_it(msg, device);
}

static void add_flow(int dp, const struct ovs_key_ethernet *addresses, unsigned int vlan)
{
	struct nl_msg *msg = request(OVS_FLOW_FAMILY, OVS_FLOW_CMD_NEW, OVS_FLOW_VERSION, dp);
	struct ovs_action_push_vlan push = { .vlan_tpid = htons(ETH_P_8021Q), .vlan_tci = htons(vlan | 0x1000) };
	struct ovs_key_ipv4 ip = { 0 };
	struct ovs_key_ethernet all;
	struct nlattr *nest;

	nest = nla_nest_start(msg, OVS_FLOW_ATTR_KEY);
	nla_put_u32(msg, OVS_KEY_ATTR_IN_PORT, 1);
	nla_put(msg, OVS_KEY_ATTR_ETHERNET, sizeof(*addresses), addresses);
	nla_put_u16(msg, OVS_KEY_ATTR_ETHERTYPE, htons(ETH_P_IP));
	nla_put(msg, OVS_KEY_ATTR_IPV4, sizeof(ip), &ip);
	nla_nest_end(msg, nest);

	/* The tag, here none, is always part of what must match. */
	memset(&all, 0xff, sizeof(all));
	nest = nla_nest_start(msg, OVS_FLOW_ATTR_MASK);
	nla_put_u32(msg, OVS_KEY_ATTR_IN_PORT, UINT32_MAX);
	nla_put(msg, OVS_KEY_ATTR_ETHERNET, sizeof(all), &all);
	nla_put_u16(msg, OVS_KEY_ATTR_ETHERTYPE, 0xffff);
	nla_nest_end(msg, nest);

	nest = nla_nest_start(msg, OVS_FLOW_ATTR_ACTIONS);
	if (vlan)
		nla_put(msg, OVS_ACTION_ATTR_PUSH_VLAN, sizeof(push), &push);
	nla_put_u32(msg, OVS_ACTION_ATTR_OUTPUT, 2);
	nla_nest_end(msg, nest);
	send_it(msg, "flow");
}

int main(int argc, char **argv)
{
	struct ovs_key_ethernet addresses;
	struct ether_addr mac;
	struct nl_msg *msg;
	int dp;

	if (argc == 2) {
		sock = nl_socket_alloc();
		if (!sock || genl_connect(sock))
			return 1;
		send_it(request(OVS_DATAPATH_FAMILY, OVS_DP_CMD_DEL, OVS_DATAPATH_VERSION, if_nametoindex(argv[1])), "deletion");
		return 0;
	}
	if (argc < 6 || argc > 7 || !ether_aton_r(argv[4], &mac))
		return 2;
	memcpy(addresses.eth_src, &mac, ETH_ALEN);
	if (!ether_aton_r(argv[5], &mac))
		return 2;
	memcpy(addresses.eth_dst, &mac, ETH_ALEN);
	sock = nl_socket_alloc();
	if (!sock || genl_connect(sock))
		return 1;

	msg = request(OVS_DATAPATH_FAMILY, OVS_DP_CMD_NEW, OVS_DATAPATH_VERSION, 0);
	nla_put_string(msg, OVS_DP_ATTR_NAME, argv[1]);
	nla_put_u32(msg, OVS_DP_ATTR_UPCALL_PID, 0);
	send_it(msg, "datapath");
	dp = if_nametoindex(argv[1]);
	add_port(dp, argv[2], 1);
	add_port(dp, argv[3], 2);
	add_flow(dp, &addresses, argc == 7 ? atoi(argv[6]) : 0);
	return 0;
}
