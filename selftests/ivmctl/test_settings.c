// SPDX-License-Identifier: GPL-2.0-only
/* Values, settings of ports and cards: text, JSON and netlink, both ways, and what is refused. */
#include "../harness.h"

#include "fail.h"
#include "nic.h"
#include "settings.h"
#include "text.h"

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

TEST(macs)
{
	static const char *const bad[] = {
		"", "02", "02:00:00:00:00", "02:00:00:00:00:01:02", "02-00-00-00-00-01", "02:00:00:00:00:0g",
		"2:0:0:0:0:1", " 02:00:00:00:00:1", "02:00:00:00:00:1 ", "0x:00:00:00:00:01", "+2:00:00:00:00:01",
	};
	uint8_t mac[IVM_MAC_LEN] = { 1, 2, 3, 4, 5, 6 };
	char text[IVM_MAC_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int err = ivm_parse_mac(bad[i], mac);

		EXPECT_EQ(-EINVAL, err) TH_LOG("%s", bad[i]);
	}
	EXPECT_STREQ("01:02:03:04:05:06", ivm_mac_text(mac, text));
	EXPECT_EQ(0, ivm_parse_mac("0A:fF:00:10:0b:c0", mac));
	EXPECT_STREQ("0a:ff:00:10:0b:c0", ivm_mac_text(mac, text));
	EXPECT_TRUE(ivm_mac_is_unicast(mac));
	mac[0] = 1;
	EXPECT_FALSE(ivm_mac_is_unicast(mac));
	memset(mac, 0, sizeof(mac));
	EXPECT_FALSE(ivm_mac_is_unicast(mac));
}

TEST(prefixes)
{
	static const char *const good[][2] = {
		{ "10.0.0.5", "10.0.0.5" }, { "10.0.0.5/32", "10.0.0.5" }, { "10.0.0.0/8", "10.0.0.0/8" },
		{ "0.0.0.0/0", "0.0.0.0/0" }, { "192.168.255.128/25", "192.168.255.128/25" },
		{ "2001:db8::/64", "2001:db8::/64" }, { "2001:DB8:0::5", "2001:db8::5" }, { "::/0", "::/0" },
		{ "fe80::1/128", "fe80::1" },
	};
	static const char *const bad[] = {
		"", "/", "/8", "10", "10.0.0", "10.0.0.256", "10.0.0.5/", "10.0.0.5/33", "10.0.0.5/8", "10.0.0.0/-1",
		"10.0.0.0/0x8", "10.0.0.0/08 ", "2001:db8::5/64", "2001:db8::/129", "::g", "10.0.0.5 ", " 10.0.0.5",
		"10.0.0.128/24", "fe80::1%eth0", "1111:2222:3333:4444:5555:6666:7777:8888:9999",
	};
	struct ivm_ip_prefix prefix;
	char text[IVM_PREFIX_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		ASSERT_EQ(0, ivm_parse_prefix(good[i][0], &prefix)) TH_LOG("%s", good[i][0]);
		EXPECT_STREQ(good[i][1], ivm_prefix_text(&prefix, text));
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int err = ivm_parse_prefix(bad[i], &prefix);

		EXPECT_EQ(-EINVAL, err) TH_LOG("%s", bad[i]);
	}
}

TEST(rates)
{
	static const struct { const char *text; uint64_t bytes; const char *back; } good[] = {
		{ "8bit", 1, "8bit" }, { "100Mbit", 12500000, "100Mbit" }, { "1gbit", 125000000, "1Gbit" },
		{ "1B", 1, "8bit" }, { "12MB", 12000000, "96Mbit" }, { "1kb", 1000, "8kbit" }, { "10Tbit", 1250000000000, "10Tbit" },
		{ "2305843009213693951B", 2305843009213693951, "18446744073709551608bit" },
	};
	static const char *const bad[] = {
		"", "1", "bit", "0bit", "7bit", "1Xbit", "1 Mbit", "-1Mbit", "1Mbits", "0x10Mbit", "99999999999999999999Mbit",
		"18446744073709551615Tbit", "1.5Gbit", "Mbit", "1kkbit",
	};
	char text[IVM_RATE_TEXT];
	uint64_t bytes;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		ASSERT_EQ(0, ivm_parse_rate(good[i].text, &bytes)) TH_LOG("%s", good[i].text);
		EXPECT_EQ(good[i].bytes, bytes) TH_LOG("%s", good[i].text);
		EXPECT_STREQ(good[i].back, ivm_rate_text(bytes, text));
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int err = ivm_parse_rate(bad[i], &bytes);

		EXPECT_EQ(-EINVAL, err) TH_LOG("%s", bad[i]);
	}
	EXPECT_STREQ("18446744073709551615B", ivm_rate_text(UINT64_MAX, text));
}

TEST(device_names)
{
	EXPECT_TRUE(ivm_is_device_name("sw0"));
	EXPECT_TRUE(ivm_is_device_name("123456789012345"));
	EXPECT_FALSE(ivm_is_device_name("1234567890123456"));
	EXPECT_FALSE(ivm_is_device_name(""));
	EXPECT_FALSE(ivm_is_device_name("."));
	EXPECT_FALSE(ivm_is_device_name(".."));
	EXPECT_FALSE(ivm_is_device_name("a/b"));
	EXPECT_FALSE(ivm_is_device_name("a:b"));
	EXPECT_FALSE(ivm_is_device_name("a b"));
	EXPECT_FALSE(ivm_is_device_name("a%d"));
	EXPECT_FALSE(ivm_is_device_name("a\x01"));
}

static int set(struct ivm_settings *settings, const char *name, const char *value)
{
	return ivm_settings_text(settings, ivm_setting_find(name), value, ",");
}

static char *get(const struct ivm_settings *settings, const char *name)
{
	return ivm_setting_value(settings, ivm_setting_find(name), ',');
}

/* Each setting with a value that it takes and how it is told. */
static const char *const all_settings[][3] = {
	{ "trunk", "20-29,10,30,12,11", "10-12,20-30" }, { "native", "10", "10" }, { "role", "station", "station" },
	{ "isolated", "yes", "yes" }, { "guard", "yes", "yes" },
	{ "macs", "02:00:00:00:00:01,02:00:00:00:00:02", "02:00:00:00:00:01,02:00:00:00:00:02" },
	{ "ips", "10.0.0.5,2001:db8::/64", "10.0.0.5,2001:db8::/64" }, { "serves", "ra,dhcp", "dhcp,ra" },
	{ "learn", "17", "17" }, { "mirror", "tap0", "tap0" }, { "storm-broadcast", "1000", "1000" },
	{ "storm-multicast", "4294967295", "4294967295" }, { "storm-unknown", "1", "1" },
	{ "rate-in", "100Mbit", "100Mbit" }, { "rate-out", "1GB", "8Gbit" },
};

static void set_all(struct __test_metadata *_metadata, struct ivm_settings *settings)
{
	memset(settings, 0, sizeof(*settings));
	for (size_t i = 0; i < ARRAY_SIZE(all_settings); i++) {
		int err = set(settings, all_settings[i][0], all_settings[i][1]);

		ASSERT_EQ(0, err) TH_LOG("%s", ivm_failure());
	}
}

TEST(every_setting_is_set_and_told)
{
	struct ivm_settings settings;
	size_t rows = 0;

	set_all(_metadata, &settings);
	for (size_t i = 0; i < ARRAY_SIZE(all_settings); i++) {
		char *value = get(&settings, all_settings[i][0]);

		EXPECT_STREQ(all_settings[i][2], value);
		free(value);
	}
	EXPECT_EQ(0, ivm_settings_check(&settings)) TH_LOG("%s", ivm_failure());
	ivm_for_each_setting(row) {
		rows++;
		/* access contradicts trunk; all else was given, mode by trunk */
		EXPECT_EQ(row->attr != IVM_PORT_A_ACCESS, ivm_settings_given(&settings, row->attr)) TH_LOG("%s", row->name);
	}
	EXPECT_EQ(rows, ARRAY_SIZE(all_settings) + 2);	/* a new setting wants a row above */
	EXPECT_EQ(rows, IVM_PORT_A_STATS - IVM_PORT_A_MODE);
}

TEST(netlink_both_ways)
{
	struct ivm_settings settings, back;
	uint64_t stats[IVM_PORT_STATS], told[IVM_PORT_STATS];
	struct nl_msg *msg = nlmsg_alloc();
	struct nlattr *nest;

	set_all(_metadata, &settings);
	settings.mirror_index = 7;
	for (size_t i = 0; i < IVM_PORT_STATS; i++)
		told[i] = i * 1000000007;
	nest = nla_nest_start(msg, 1);
	ASSERT_EQ(0, ivm_settings_put(msg, &settings));
	nla_put(msg, IVM_PORT_A_STATS, sizeof(told), told);
	nla_nest_end(msg, nest);
	ivm_settings_get(&back, stats, nest);
	EXPECT_EQ(0, memcmp(stats, told, sizeof(told)));
	EXPECT_EQ(7, back.mirror_index);
	strcpy(back.mirror, settings.mirror);	/* names are found by who knows the devices */
	EXPECT_EQ(0, memcmp(&settings, &back, sizeof(back)));
	nlmsg_free(msg);
}

TEST(attributes_of_wrong_size_are_left_out)
{
	static const struct { int attr; size_t len; } cases[] = {
		{ IVM_PORT_A_MODE, 0 }, { IVM_PORT_A_ACCESS, 1 }, { IVM_PORT_A_LEARN, 3 }, { IVM_PORT_A_RATE_IN, 7 },
		{ IVM_PORT_A_TRUNK, 5 }, { IVM_PORT_A_TRUNK, 65 * 4 }, { IVM_PORT_A_MACS, 7 }, { IVM_PORT_A_MACS, 17 * 6 },
		{ IVM_PORT_A_IPS, 19 }, { IVM_PORT_A_IPS, 33 * 20 },
	};
	static const uint8_t bytes[1024];
	uint64_t stats[IVM_PORT_STATS];
	struct ivm_settings settings;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct nl_msg *msg = nlmsg_alloc();
		struct nlattr *nest = nla_nest_start(msg, 1);

		ASSERT_EQ(0, nla_put(msg, cases[i].attr, (int)cases[i].len, bytes));
		nla_put(msg, IVM_PORT_A_STATS, 12, bytes);
		nla_nest_end(msg, nest);
		ivm_settings_get(&settings, stats, nest);
		EXPECT_EQ(0, settings.given) TH_LOG("attribute %d, %zu bytes", cases[i].attr, cases[i].len);
		nlmsg_free(msg);
	}
}

TEST(bad_settings_change_nothing)
{
	static const char *const pairs[][2] = {
		{ "mode", "on" }, { "mode", "" }, { "access", "0" }, { "access", "4095" }, { "access", "4096" },
		{ "access", "ten" }, { "access", "" }, { "access", "none" }, { "access", "-1" }, { "access", "65546" },
		{ "trunk", "" }, { "trunk", "0" }, { "trunk", "10," }, { "trunk", "10,,11" }, { "trunk", "10-" },
		{ "trunk", "-10" }, { "trunk", "20-10" }, { "trunk", "1-4095" }, { "trunk", "10 ,11" }, { "trunk", "none" },
		{ "trunk", "1+2" }, { "native", "4095" }, { "native", "x" }, { "role", "router" }, { "isolated", "1" },
		{ "guard", "true" }, { "macs", "01:00:00:00:00:01" }, { "macs", "00:00:00:00:00:00" }, { "macs", "x" },
		{ "macs", "02:00:00:00:00:01," }, { "ips", "10.0.0.1/8" }, { "ips", "x" }, { "ips", "10.0.0.1 10.0.0.2" },
		{ "serves", "dns" }, { "serves", "dhcp,," }, { "learn", "65537" }, { "learn", "all" },
		{ "storm-broadcast", "4294967296" }, { "storm-unknown", "many" }, { "rate-in", "100" }, { "rate-in", "fast" },
		{ "rate-out", "1bit" },
	};
	struct ivm_settings settings, before;
	char many[4096] = "";

	memset(&settings, 0, sizeof(settings));
	before = settings;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		EXPECT_EQ(-EINVAL, set(&settings, pairs[i][0], pairs[i][1])) TH_LOG("%s=%s", pairs[i][0], pairs[i][1]);
		EXPECT_EQ(ivm_failure(), strstr(ivm_failure(), pairs[i][0])) TH_LOG("%s", ivm_failure());
		EXPECT_EQ(0, memcmp(&settings, &before, sizeof(before))) TH_LOG("%s=%s", pairs[i][0], pairs[i][1]);
	}
	for (int i = 0; i < 65; i++)
		sprintf(many + strlen(many), "%s%d", i ? "," : "", 2 * i + 1);
	EXPECT_EQ(-EINVAL, set(&settings, "trunk", many));
	*strrchr(many, ',') = '\0';
	EXPECT_EQ(0, set(&settings, "trunk", many)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(64, settings.nr_ranges);
	many[0] = '\0';
	for (int i = 0; i < 17; i++)
		sprintf(many + strlen(many), "%s02:00:00:00:00:%02x", i ? "," : "", i);
	EXPECT_EQ(-EINVAL, set(&settings, "macs", many));
	many[0] = '\0';
	for (int i = 0; i < 33; i++)
		sprintf(many + strlen(many), "%s10.0.0.%d", i ? "," : "", i);
	EXPECT_EQ(-EINVAL, set(&settings, "ips", many));
	many[0] = '\0';
	for (int i = 0; i < 1000; i++)
		strcat(many, i ? ",1" : "1");
	EXPECT_EQ(-EINVAL, set(&settings, "trunk", many));
}

TEST(what_contradicts_itself_is_refused)
{
	static const char *const cases[][4] = {
		{ "access", "10", "trunk", "10" }, { "trunk", "10", "access", "10" }, { "access", "10", "mode", "off" },
		{ "mode", "trunk", "access", "10" }, { "access", "10", "native", "10" }, { "trunk", "10", "native", "11" },
		{ "role", "uplink", "isolated", "yes" },
		{ "macs", "02:00:00:00:00:01,02:00:00:00:00:01", "guard", "yes" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ivm_settings settings = { 0 };
		int err = set(&settings, cases[i][0], cases[i][1]) ?: set(&settings, cases[i][2], cases[i][3]) ?:
			  ivm_settings_check(&settings);

		EXPECT_EQ(-EINVAL, err) TH_LOG("%s=%s %s=%s", cases[i][0], cases[i][1], cases[i][2], cases[i][3]);
	}
}

TEST(none_is_given_and_empty)
{
	static const char *const names[] = {
		"native", "macs", "ips", "serves", "learn", "mirror", "storm-broadcast", "rate-in",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct ivm_setting *row = ivm_setting_find(names[i]);
		struct ivm_settings settings = { 0 }, empty = { 0 };
		char *value;

		EXPECT_EQ(0, set(&settings, names[i], "none")) TH_LOG("%s", ivm_failure());
		EXPECT_EQ(0, set(&empty, names[i], "")) TH_LOG("%s", ivm_failure());
		EXPECT_TRUE(ivm_settings_given(&settings, row->attr));
		EXPECT_EQ(0, memcmp(&settings, &empty, sizeof(empty)));
		value = get(&settings, names[i]);
		EXPECT_STREQ("none", value);
		free(value);
	}
}

TEST(counters_have_names_of_their_own)
{
	for (unsigned int i = 0; i < IVM_PORT_STATS; i++) {
		EXPECT_STRNE("unknown", ivm_port_stat_name(i)) TH_LOG("counter %u", i);
		EXPECT_EQ(i >= IVM_STAT_DROP_FIRST, !strncmp(ivm_port_stat_name(i), "drop-", 5));
		for (unsigned int j = 0; j < i; j++) {
			const char *other = ivm_port_stat_name(j);

			EXPECT_STRNE(other, ivm_port_stat_name(i));
		}
	}
	EXPECT_STREQ("unknown", ivm_port_stat_name(IVM_PORT_STATS));
}

/* ---- cards ---- */

static char *nic_text(const struct ivm_nic *nic)
{
	struct json_object *json = ivm_nic_as_json(nic);
	char *text = ivm_strdup(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));

	json_object_put(json);
	return text;
}

TEST(cards)
{
	static const char *const cases[][2] = {
		{ "switch:sw0,vlan:10", "{\"switch\":\"sw0\",\"vlan\":10}" },
		{ "switch:sw0,access:10", "{\"switch\":\"sw0\",\"vlan\":10}" },
		{ "vlan:10,mac:02:00:00:00:00:0A,switch:s", "{\"switch\":\"s\",\"mac\":\"02:00:00:00:00:0a\",\"vlan\":10}" },
		{ "switch:sw0,trunk:10+20-29,native:10,queues:2,mtu:9000",
		  "{\"switch\":\"sw0\",\"queues\":2,\"mtu\":9000,\"trunk\":[\"10\",\"20-29\"],\"native\":10}" },
		{ "switch:sw0,vlan:1,ip:10.0.0.5,ip:2001:db8::/64,ip:10.1.0.0/16+10.2.0.1",
		  "{\"switch\":\"sw0\",\"vlan\":1,\"ip\":[\"10.0.0.5\",\"2001:db8::/64\",\"10.1.0.0/16\",\"10.2.0.1\"]}" },
		{ "switch:sw0,vlan:1,guard:no,isolated:yes,serves:dhcp+ra,rate-in:8kbit,learn:none",
		  "{\"switch\":\"sw0\",\"vlan\":1,\"isolated\":true,\"guard\":false,\"serves\":[\"dhcp\",\"ra\"],\"rate-in\":1000}" },
		{ "switch:sw0,mode:off", "{\"switch\":\"sw0\",\"mode\":\"off\"}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ivm_nic nic = { 0 }, back = { 0 };
		struct json_object *json;
		char *text;

		ASSERT_EQ(0, ivm_nic_text(&nic, cases[i][0])) TH_LOG("%s: %s", cases[i][0], ivm_failure());
		EXPECT_EQ(0, ivm_nic_check(&nic, 4)) TH_LOG("%s: %s", cases[i][0], ivm_failure());
		text = nic_text(&nic);
		EXPECT_STREQ(cases[i][1], text);
		json = json_tokener_parse(text);
		EXPECT_EQ(0, ivm_nic_json(&back, json)) TH_LOG("%s: %s", text, ivm_failure());
		json_object_put(json);
		EXPECT_EQ(0, memcmp(&nic, &back, sizeof(nic))) TH_LOG("%s", text);
		free(text);
	}
}

TEST(bad_cards_change_nothing)
{
	static const char *const bad[][2] = {
		{ "", "has no value" }, { "sw0", "has no value" }, { "switch:sw0,", "has no value" }, { "switch:", "switch is" },
		{ "switch:a/b", "switch is" }, { "switch:1234567890123456", "switch is" }, { "switch=sw0", "has no value" },
		{ "frob:1", "a card has no 'frob'" }, { "role:uplink", "a card has no 'role'" }, { "mirror:p", "a card has no" },
		{ "switch:a,switch:b", "switch is given twice" }, { "vlan:1,vlan:2", "vlan is given twice" },
		{ "vlan:1,access:2", "access is given twice" }, { "vlan:4095", "vlan is" }, { "vlan:0", "vlan is" },
		{ "vlan:", "vlan is" }, { "vlan:1,trunk:2", "contradicts" }, { "mac:x", "mac is" },
		{ "mac:01:00:00:00:00:00", "mac is" }, { "queues:0", "queues is" }, { "queues:17", "queues is" },
		{ "mtu:67", "mtu is" }, { "mtu:65522", "mtu is" }, { "ip:10.0.0.1/8", "ip names" }, { "trunk:1,2", "has no value" },
		{ ":", "a card has no ''" },
	};
	struct ivm_nic nic = { 0 }, before;

	ASSERT_EQ(0, ivm_nic_text(&nic, "switch:sw0,vlan:10,ip:10.0.0.5,mac:02:00:00:00:00:01"));
	before = nic;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, ivm_nic_text(&nic, bad[i][0])) TH_LOG("%s", bad[i][0]);
		EXPECT_NE(NULL, strstr(ivm_failure(), bad[i][1])) TH_LOG("%s: %s", bad[i][0], ivm_failure());
		EXPECT_EQ(0, memcmp(&nic, &before, sizeof(nic))) TH_LOG("%s", bad[i][0]);
	}
}

TEST(incomplete_cards)
{
	static const char *const bad[][2] = {
		{ "vlan:10", "switch is missing" }, { "switch:sw0", "no VLAN" }, { "switch:sw0,mode:access", "without a VLAN" },
		{ "switch:sw0,mode:trunk", "without VLANs" }, { "switch:sw0,native:5,mode:off", "native is for trunks" },
		{ "switch:sw0,trunk:1+2,native:3", "native is 3" }, { "switch:sw0,vlan:1,queues:5", "queues is 5" },
		{ "switch:sw0,vlan:1,macs:02:00:00:00:00:01+02:00:00:00:00:01", "twice" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct ivm_nic nic = { 0 };

		EXPECT_EQ(-EINVAL, ivm_nic_text(&nic, bad[i][0]) ?: ivm_nic_check(&nic, 4)) TH_LOG("%s", bad[i][0]);
		EXPECT_NE(NULL, strstr(ivm_failure(), bad[i][1])) TH_LOG("%s: %s", bad[i][0], ivm_failure());
	}
}

TEST(a_change_names_what_it_changes)
{
	static const char *const steps[][2] = {
		{ "switch:sw0,vlan:10,ip:10.0.0.5,mtu:9000", "{\"switch\":\"sw0\",\"mtu\":9000,\"vlan\":10,\"ip\":[\"10.0.0.5\"]}" },
		{ "vlan:20", "{\"switch\":\"sw0\",\"mtu\":9000,\"vlan\":20,\"ip\":[\"10.0.0.5\"]}" },
		{ "ip:10.0.0.6", "{\"switch\":\"sw0\",\"mtu\":9000,\"vlan\":20,\"ip\":[\"10.0.0.6\"]}" },
		{ "trunk:1-3,native:2,mtu:", "{\"switch\":\"sw0\",\"trunk\":[\"1-3\"],\"native\":2,\"ip\":[\"10.0.0.6\"]}" },
		{ "native:", "{\"switch\":\"sw0\",\"trunk\":[\"1-3\"],\"ip\":[\"10.0.0.6\"]}" },
		{ "native:3,ip:none", "{\"switch\":\"sw0\",\"trunk\":[\"1-3\"],\"native\":3}" },
		{ "vlan:7", "{\"switch\":\"sw0\",\"vlan\":7}" },
		{ "mode:off", "{\"switch\":\"sw0\",\"mode\":\"off\"}" },
	};
	struct ivm_nic nic = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		char *text;

		ASSERT_EQ(0, ivm_nic_text(&nic, steps[i][0])) TH_LOG("%s: %s", steps[i][0], ivm_failure());
		EXPECT_EQ(0, ivm_nic_check(&nic, 1)) TH_LOG("%s: %s", steps[i][0], ivm_failure());
		text = nic_text(&nic);
		EXPECT_STREQ(steps[i][1], text);
		free(text);
	}
}

TEST(hostile_json_cards)
{
	static const char *const bad[] = {
		"1", "[]", "\"switch:sw0\"", "{\"switch\":1.5}", "{\"switch\":null}", "{\"switch\":[\"sw0\"]}", "{\"vlan\":\"x\"}",
		"{\"vlan\":-1}", "{\"vlan\":4095}", "{\"vlan\":[10]}", "{\"vlan\":true}", "{\"vlan\":1.0}", "{\"vlan\":null}",
		"{\"trunk\":[[1]]}", "{\"trunk\":[true]}", "{\"trunk\":[null]}", "{\"trunk\":[\"1,2\"]}", "{\"trunk\":[\"\"]}",
		"{\"trunk\":[]}", "{\"trunk\":{}}", "{\"ip\":[1]}", "{\"ip\":\"10.0.0.5/8\"}", "{\"ip\":[\"10.0.0.5\\u0000\"]}",
		"{\"mac\":\"02:00:00:00:00:01\\u0000\"}", "{\"guard\":1}", "{\"guard\":\"maybe\"}", "{\"isolated\":null}",
		"{\"rate-in\":-1}", "{\"rate-in\":\"100\"}", "{\"serves\":[\"dns\"]}", "{\"vlan\":1,\"access\":1}", "{\"role\":\"uplink\"}",
		"{\"vlan\":1,\"trunk\":[\"1\"]}", "{\"queues\":true}", "{\"mtu\":18446744073709551615}", "{\"\":1}",
	};
	struct ivm_nic nic = { 0 }, before = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct json_object *json = json_tokener_parse(bad[i]);

		EXPECT_EQ(-EINVAL, ivm_nic_json(&nic, json)) TH_LOG("%s", bad[i]);
		EXPECT_EQ(0, memcmp(&nic, &before, sizeof(nic))) TH_LOG("%s", bad[i]);
		json_object_put(json);
	}
}

TEST_HARNESS_MAIN
