// SPDX-License-Identifier: GPL-2.0-only
/* Messages of rtnetlink, made up here: what becomes of devices, ports and refusals; and what is asked for cards. */
#include "../harness.h"

#include "attrs.h"
#include "cards.h"
#include "link.h"

/* For the handlers of messages, which are static. */
#include "../../ivmctl/rtnl.c"

static struct nl_msg *device(const char *name, int index)
{
	struct ifinfomsg info = { .ifi_index = index, .ifi_flags = IFF_UP };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWLINK, 0);

	nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO);
	if (name)
		nla_put_string(msg, IFLA_IFNAME, name);
	return msg;
}

TEST(a_port)
{
	static const uint8_t mac[] = { 2, 0, 0, 0, 0, 1 };
	const uint64_t stats[] = { [IVM_STAT_RX] = 5, [IVM_STAT_TX] = 7 };
	struct nl_msg *msg = device("p0", 9);
	struct nlattr *list, *info, *data;
	struct ivm_link link;

	nla_put_u32(msg, IFLA_MASTER, 3);
	nla_put_u32(msg, IFLA_MTU, 9000);
	nla_put_u32(msg, IFLA_LINK, 8);
	nla_put_u8(msg, IFLA_CARRIER, 1);
	nla_put(msg, IFLA_ADDRESS, sizeof(mac), mac);
	list = nla_nest_start(msg, IFLA_PROP_LIST);
	for (int i = 0; i < IVM_LINK_ALTNAMES + 2; i++)
		nla_put_string(msg, IFLA_ALT_IFNAME, i ? "more" : "web-net0");
	nla_nest_end(msg, list);
	info = nla_nest_start(msg, IFLA_LINKINFO);
	nla_put_string(msg, IFLA_INFO_KIND, "veth");
	nla_put_string(msg, IFLA_INFO_SLAVE_KIND, IVM_LINK_KIND_SWITCH);
	data = nla_nest_start(msg, IFLA_INFO_SLAVE_DATA);
	nla_put_u8(msg, IVM_PORT_A_MODE, IVM_PORT_ACCESS);
	nla_put_u16(msg, IVM_PORT_A_ACCESS, 10);
	nla_put(msg, IVM_PORT_A_STATS, sizeof(stats), stats);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	ASSERT_TRUE(ivm_link_parse(&link, nlmsg_hdr(msg)));
	EXPECT_STREQ("p0", link.name);
	EXPECT_EQ(9, link.index);
	EXPECT_EQ(3, link.master);
	EXPECT_EQ(8, link.peer);
	EXPECT_EQ(9000, link.mtu);
	EXPECT_TRUE(link.carrier);
	EXPECT_TRUE(ivm_link_is_port(&link));
	EXPECT_FALSE(ivm_link_is_switch(&link));
	EXPECT_EQ(0, memcmp(mac, link.mac, sizeof(mac)));
	EXPECT_EQ(IVM_LINK_ALTNAMES, link.nr_altnames);
	EXPECT_STREQ("web-net0", link.altname[0]);
	EXPECT_EQ(IVM_PORT_ACCESS, link.port.mode);
	EXPECT_EQ(10, link.port.access);
	EXPECT_EQ(5, link.stats[IVM_STAT_RX]);
	EXPECT_EQ(7, link.stats[IVM_STAT_TX]);
	EXPECT_EQ(0, link.stats[IVM_PORT_STATS - 1]);
	nlmsg_free(msg);
}

TEST(a_switch)
{
	struct nl_msg *msg = device("sw0", 3);
	struct nlattr *info, *data;
	struct ivm_link link;

	info = nla_nest_start(msg, IFLA_LINKINFO);
	nla_put_string(msg, IFLA_INFO_KIND, IVM_LINK_KIND_SWITCH);
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	nla_put_u32(msg, IVM_SW_A_AGEING, 60);
	nla_put_u32(msg, IVM_SW_A_LEARNT, 17);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	ASSERT_TRUE(ivm_link_parse(&link, nlmsg_hdr(msg)));
	EXPECT_TRUE(ivm_link_is_switch(&link));
	EXPECT_FALSE(ivm_link_is_port(&link));
	EXPECT_EQ(60, link.ageing);
	EXPECT_EQ(17, link.learnt);
	nlmsg_free(msg);
}

TEST(odd_messages)
{
	struct nl_msg *msg = device(NULL, 3);
	struct ivm_link link;
	char name[100];

	EXPECT_FALSE(ivm_link_parse(&link, nlmsg_hdr(msg)));	/* no name */
	nlmsg_free(msg);
	memset(name, 'x', sizeof(name));
	msg = device(NULL, 3);
	nla_put(msg, IFLA_IFNAME, sizeof(name), name);		/* too long, no NUL */
	nla_put(msg, IFLA_MASTER, 2, name);			/* too short */
	nla_put(msg, IFLA_CARRIER, 0, NULL);
	nla_put(msg, IFLA_ADDRESS, 20, name);
	nla_put(msg, IFLA_LINKINFO, 3, name);
	ASSERT_TRUE(ivm_link_parse(&link, nlmsg_hdr(msg)));
	EXPECT_EQ(IFNAMSIZ - 1, strlen(link.name));
	EXPECT_EQ(0, link.master);
	EXPECT_FALSE(link.carrier);
	nlmsg_hdr(msg)->nlmsg_type = RTM_DELLINK;
	EXPECT_FALSE(ivm_link_parse(&link, nlmsg_hdr(msg)));
	nlmsg_free(msg);
}

/* The other end of a pair in another namespace has an index there, not here. */
TEST(a_peer_elsewhere_is_none)
{
	struct nl_msg *msg = device("p0", 9);
	struct ivm_link link;

	nla_put_u32(msg, IFLA_LINK, 8);
	nla_put_u32(msg, IFLA_LINK_NETNSID, 0);
	ASSERT_TRUE(ivm_link_parse(&link, nlmsg_hdr(msg)));
	EXPECT_EQ(0, link.peer);
	nlmsg_free(msg);
}

/* Let the error handler see a refusal of @request that points at @attr. */
static int refuse(struct nl_msg *request, const struct nlattr *attr, const char *text)
{
	struct nl_msg *msg = nlmsg_alloc();
	struct nlmsghdr *header = nlmsg_put(msg, 0, 0, NLMSG_ERROR, sizeof(struct nlmsgerr), NLM_F_CAPPED | NLM_F_ACK_TLVS);
	struct ivm_rtnl rtnl = { .request = nlmsg_hdr(request) };
	struct nlmsgerr *body = nlmsg_data(header);

	body->error = -EINVAL;
	if (text)
		nla_put_string(msg, NLMSGERR_ATTR_MSG, text);
	if (attr)
		nla_put_u32(msg, NLMSGERR_ATTR_OFFS, (uint32_t)((const char *)attr - (const char *)nlmsg_hdr(request)));
	ivm_rtnl_on_error(NULL, nlmsg_data(nlmsg_hdr(msg)), &rtnl);
	nlmsg_free(msg);
	return rtnl.done ? rtnl.err : 0;
}

TEST(refusals_name_the_setting)
{
	struct nl_msg *msg = device("p0", 9);
	struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO), *data, *native, *ageing;

	nla_put_string(msg, IFLA_INFO_KIND, IVM_LINK_KIND_SWITCH);
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	ageing = nla_reserve(msg, IVM_SW_A_AGEING, 4);
	nla_nest_end(msg, data);
	data = nla_nest_start(msg, IFLA_INFO_SLAVE_DATA);
	nla_put_u8(msg, IVM_PORT_A_MODE, 2);
	native = nla_reserve(msg, IVM_PORT_A_NATIVE, 2);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	EXPECT_EQ(-EINVAL, refuse(msg, native, "it is none of the trunk's"));
	EXPECT_STREQ("native: it is none of the trunk's", ivm_failure());
	EXPECT_EQ(-EINVAL, refuse(msg, ageing, "too short"));
	EXPECT_STREQ("ageing: too short", ivm_failure());
	EXPECT_EQ(-EINVAL, refuse(msg, info, "odd"));
	EXPECT_STREQ("odd", ivm_failure());
	EXPECT_EQ(-EINVAL, refuse(msg, NULL, NULL));
	EXPECT_STREQ("Invalid argument", ivm_failure());
	nlmsg_free(msg);
}

/* ---- cards ---- */

TEST(cards_as_attributes)
{
	struct nl_msg *msg = nlmsg_alloc_size(32768);
	struct ivm_definition def;
	struct json_object *json;
	struct nlattr *port = NULL, *attr;
	struct ivm_settings settings;
	uint64_t stats[IVM_PORT_STATS];
	int left;

	ivm_definition_init(&def, "web");
	ASSERT_EQ(0, ivm_definition_set(&def, "nic", "switch:sw0,vlan:10,mac:02:00:00:00:00:01,queues:1,mtu:9000,ip:10.0.0.5"));
	ASSERT_EQ(0, ivm_definition_set(&def, "nic", "switch:sw1,trunk:1+5,mac:02:00:00:00:00:02"));
	ASSERT_EQ(0, ivm_cards_put(msg, &def)) TH_LOG("%s", ivm_failure());
	json = ivm_attrs_json(nlmsg_data(nlmsg_hdr(msg)), nlmsg_datalen(nlmsg_hdr(msg)));
	EXPECT_STREQ("{\"list-nic\":[{\"nic-mac\":\"02:00:00:00:00:01\",\"nic-switch\":\"sw0\",\"nic-queues\":1,\"nic-mtu\":9000},{\"nic-mac\":\"02:00:00:00:00:02\",\"nic-switch\":\"sw1\"}]}",
		     json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN));
	json_object_put(json);
	nla_for_each_nested(attr, nla_data((struct nlattr *)nlmsg_data(nlmsg_hdr(msg))), left)
		if (nla_type(attr) == IVM_A_NIC_PORT)
			port = attr;
	ASSERT_NE(NULL, port);
	ivm_settings_get(&settings, stats, port);
	EXPECT_EQ(IVM_PORT_ACCESS, settings.mode);
	EXPECT_EQ(10, settings.access);
	EXPECT_EQ(1, settings.nr_ips);
	/* Nothing that was not said: the module's defaults for cards hold. */
	EXPECT_EQ(1U << IVM_PORT_A_MODE | 1U << IVM_PORT_A_ACCESS | 1U << IVM_PORT_A_IPS, settings.given);
	ivm_definition_free(&def);
	nlmsg_free(msg);
}

TEST(all_that_eight_cards_can_say_fits)
{
	struct nl_msg *msg = nlmsg_alloc_size(32768);
	struct ivm_definition def;
	char words[4096] = "switch:123456789012345,queues:1,mtu:65521,guard:yes,isolated:yes,serves:dhcp+ra,learn:65536,storm-broadcast:1,storm-multicast:1,storm-unknown:1,rate-in:1GB,rate-out:1GB,native:1,trunk:1";

	for (int i = 1; i < IVM_PORT_RANGES_MAX; i++)
		sprintf(words + strlen(words), "+%d", 2 * i + 1);
	for (int i = 0; i < IVM_PORT_IPS_MAX; i++)
		sprintf(words + strlen(words), ",ip:2001:db8::%d", i);
	for (int i = 0; i < IVM_PORT_MACS_MAX; i++)
		sprintf(words + strlen(words), ",macs:02:00:00:00:00:%02x", i);
	ivm_definition_init(&def, "web");
	for (int i = 0; i < IVM_NICS_MAX; i++)
		ASSERT_EQ(0, ivm_definition_set(&def, "nic", words)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(0, ivm_cards_put(msg, &def)) TH_LOG("%s", ivm_failure());
	ivm_definition_free(&def);
	nlmsg_free(msg);
}

TEST_HARNESS_MAIN
