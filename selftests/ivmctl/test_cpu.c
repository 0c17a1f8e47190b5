// SPDX-License-Identifier: GPL-2.0-only
/* Shares of cores as people write them, lists of CPUs, and percentages that add up. */
#include "../harness.h"

#include "cpu.h"
#include "cpulist.h"
#include "fail.h"
#include "percent.h"
#include "text.h"
#include "times.h"

#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

TEST(floors_and_caps)
{
	static const struct { const char *text; uint32_t floor, cap; const char *back; } good[] = {
		{ "25%", 250, 1000, "25%" }, { "25%:50%", 250, 500, "25%:50%" }, { "12.5%", 125, 1000, "12.5%" },
		{ "0%", 0, 1000, "0%" }, { "100%", 1000, 1000, "100%" }, { "100%:100%", 1000, 1000, "100%" },
		{ "25%:100%", 250, 1000, "25%" }, { "0%:50%", 0, 500, "0%:50%" }, { "0.0%:0.1%", 0, 1, "0%:0.1%" },
		{ "0.1%", 1, 1000, "0.1%" }, { "99.9%:99.9%", 999, 999, "99.9%:99.9%" }, { "025.0%", 250, 1000, "25%" },
		{ "50%:50%", 500, 500, "50%:50%" },
	};
	char text[IVM_CPU_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct ivm_cpu cpu = { 7, 7 };

		ASSERT_EQ(0, ivm_cpu_parse("cpu", good[i].text, &cpu)) TH_LOG("%s: %s", good[i].text, ivm_failure());
		EXPECT_EQ(good[i].floor, cpu.floor) TH_LOG("%s", good[i].text);
		EXPECT_EQ(good[i].cap, cpu.cap) TH_LOG("%s", good[i].text);
		EXPECT_STREQ(good[i].back, ivm_cpu_text(&cpu, text));
	}
}

TEST(what_is_no_share_is_refused_with_the_reason)
{
	static const char *const bad[][2] = {
		{ "", "cpu is ''; expected a percentage" }, { "25", "cpu is '25'; expected a percent sign" },
		{ "12.5", "expected a percent sign" }, { "25%:50", "cpu's cap is '50'; expected a percent sign" },
		{ "25:50%", "cpu's floor is '25'; expected a percent sign" }, { "%", "expected a percentage" },
		{ "x", "expected a percentage" }, { "-1%", "expected a percentage" }, { "+1%", "expected a percentage" },
		{ " 1%", "expected a percentage" }, { "1% ", "expected a percentage" }, { "1%%", "expected a percentage" },
		{ "0x10%", "expected a percentage" }, { "1e1%", "expected a percentage" }, { "1,5%", "expected a percentage" },
		{ ".5%", "expected a percentage" }, { "12.%", "expected a digit behind the point" },
		{ "12.55%", "expected one digit behind the point" }, { "12.5.5%", "expected a percentage" },
		{ "100.1%", "cpu is 100.1%; expected 0% to 100%" }, { "101%", "expected 0% to 100%" },
		{ "42949673.6%", "expected 0% to 100%" }, { "99999999999999999999%", "expected 0% to 100%" },
		{ "0%:0%", "cpu's cap is 0%; expected 0.1% to 100%" }, { "0%:100.1%", "expected 0.1% to 100%" },
		{ "50%:25%", "its floor, 50%, is above its cap, 25%" }, { "0.2%:0.1%", "is above its cap" },
		{ "25%:", "cpu's cap is ''; expected a percentage" }, { ":50%", "like 0%:50% for a cap alone" },
		{ ":", "for a cap alone" }, { "1%:2%:3%", "cpu's cap is '2%:3%'; expected a percentage" },
		{ "1%\n", "expected a percentage" }, { "\x1b[2J%", "expected a percentage" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct ivm_cpu cpu = { 7, 7 };

		EXPECT_EQ(-EINVAL, ivm_cpu_parse("cpu", bad[i][0], &cpu)) TH_LOG("%s", bad[i][0]);
		EXPECT_NE(NULL, strstr(ivm_failure(), bad[i][1])) TH_LOG("%s: %s", bad[i][0], ivm_failure());
		EXPECT_EQ(ivm_failure(), strstr(ivm_failure(), "cpu"));
		EXPECT_EQ(NULL, strpbrk(ivm_failure(), "\n\x1b"));
		EXPECT_TRUE(cpu.floor == 7 && cpu.cap == 7) TH_LOG("%s", bad[i][0]);
	}
}

TEST(a_share_prints_as_it_parses)
{
	char text[IVM_SHARE_TEXT];
	uint32_t back;

	for (uint32_t share = 0; share <= IVM_CPU_WHOLE; share++) {
		ASSERT_EQ(0, ivm_share_parse("reserve", ivm_share_text(share, text), 0, IVM_CPU_WHOLE, &back)) TH_LOG("%s", text);
		ASSERT_EQ(share, back);
	}
	EXPECT_STREQ("429496729.5%", ivm_share_text(UINT32_MAX, text));
	EXPECT_EQ(-EINVAL, ivm_share_parse("reserve", "0.9%", IVM_RESERVE_MIN, IVM_RESERVE_MAX, &back));
	EXPECT_STREQ("reserve is 0.9%; expected 1% to 90%", ivm_failure());
	EXPECT_EQ(-EINVAL, ivm_share_parse("reserve", "90.1%", IVM_RESERVE_MIN, IVM_RESERVE_MAX, &back));
	EXPECT_EQ(0, ivm_share_parse("reserve", "90%", IVM_RESERVE_MIN, IVM_RESERVE_MAX, &back));
}

TEST(ways_to_share_time)
{
	static const char *const bad[] = { "", "Strict", "strict ", "on", "1", "relax" };
	uint32_t cosched = 7;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, ivm_cosched_parse("cosched", bad[i], &cosched)) TH_LOG("%s", bad[i]);
		EXPECT_NE(NULL, strstr(ivm_failure(), "expected strict, relaxed or off"));
		EXPECT_EQ(7, cosched);
	}
	EXPECT_EQ(0, ivm_cosched_parse("cosched", "strict", &cosched));
	EXPECT_EQ(IVM_COSCHED_STRICT, cosched);
	EXPECT_EQ(0, ivm_cosched_parse("cosched", "relaxed", &cosched));
	EXPECT_EQ(IVM_COSCHED_RELAXED, cosched);
	EXPECT_EQ(0, ivm_cosched_parse("cosched", "off", &cosched));
	EXPECT_EQ(IVM_COSCHED_OFF, cosched);
}

static struct nlattr *find(struct nl_msg *msg, int attr)
{
	return nlmsg_find_attr(nlmsg_hdr(msg), 0, attr);
}

/* Who says nothing gets what the module chooses: no attribute goes out. A floor alone takes the cap away. */
TEST(only_what_is_given_is_sent)
{
	const struct ivm_cpu cpu = { 125, 1000 };
	struct nl_msg *msg = nlmsg_alloc_simple(1, 0);

	ASSERT_EQ(0, ivm_cpu_put(msg, NULL, 0));
	EXPECT_EQ(NLMSG_HDRLEN, nlmsg_hdr(msg)->nlmsg_len);
	ASSERT_EQ(0, ivm_cpu_put(msg, &cpu, 0));
	ASSERT_NE(NULL, find(msg, IVM_A_CPU_FLOOR));
	ASSERT_NE(NULL, find(msg, IVM_A_CPU_CAP));
	EXPECT_EQ(NULL, find(msg, IVM_A_COSCHED));
	EXPECT_EQ(125, nla_get_u32(find(msg, IVM_A_CPU_FLOOR)));
	EXPECT_EQ(1000, nla_get_u32(find(msg, IVM_A_CPU_CAP)));
	nlmsg_free(msg);
	msg = nlmsg_alloc_simple(1, 0);
	ASSERT_EQ(0, ivm_cpu_put(msg, NULL, IVM_COSCHED_OFF));
	EXPECT_EQ(NULL, find(msg, IVM_A_CPU_FLOOR));
	ASSERT_NE(NULL, find(msg, IVM_A_COSCHED));
	EXPECT_EQ(IVM_COSCHED_OFF, nla_get_u32(find(msg, IVM_A_COSCHED)));
	nlmsg_free(msg);
}

TEST(lists_of_cpus)
{
	static const char *const rows[][2] = {
		{ "0", "0" }, { "0-3,6", "0,1,2,3,6" }, { "7,5", "7,5" }, { "", "" }, { "x", "" }, { "1,", "1" }, { "1,x", "1" },
		{ "-1", "" }, { "3-1", "" }, { "1-", "" }, { "1-x", "" }, { "99999999999", "" }, { "1 ,2", "1" },
	};
	struct json_object *list;
	char *text;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		list = ivm_cpulist_json(rows[i][0]);
		text = ivm_cpulist_text(list);
		EXPECT_STREQ(rows[i][1], text) TH_LOG("%s", rows[i][0]);
		free(text);
		json_object_put(list);
	}
	list = ivm_cpulist_json("0-65535,0-65535,0-65535");
	EXPECT_EQ(IVM_CPU_NUMBERS, json_object_array_length(list));
	EXPECT_TRUE(ivm_cpulist_has(list, 65535));
	EXPECT_FALSE(ivm_cpulist_has(list, 65536));
	EXPECT_FALSE(ivm_cpulist_has(list, -1));
	json_object_put(list);
}

TEST(percentages_make_a_hundred)
{
	static const uint64_t thirds[] = { 1, 1, 1 }, none[] = { 0, 0, 0 }, huge[] = { UINT64_MAX, UINT64_MAX, UINT64_MAX },
			      dust[] = { 1, UINT64_MAX, 0 };
	uint64_t out[IVM_TIMES], parts[IVM_TIMES];

	ivm_permilles(thirds, 3, out);
	EXPECT_EQ(1000, out[0] + out[1] + out[2]);
	EXPECT_TRUE(out[0] == 334 && out[1] == 333 && out[2] == 333);
	ivm_permilles(none, 3, out);
	EXPECT_EQ(0, out[0] + out[1] + out[2]);
	ivm_permilles(huge, 3, out);
	EXPECT_EQ(1000, out[0] + out[1] + out[2]);
	ivm_permilles(dust, 3, out);
	EXPECT_EQ(1000, out[1]);
	srandom(1);
	for (int i = 0; i < 20000; i++) {
		uint64_t sum = 0, whole = 0;

		for (size_t k = 0; k < IVM_TIMES; k++) {
			parts[k] = ((uint64_t)random() << 20) >> random() % 52;
			whole += parts[k];
		}
		ivm_permilles(parts, IVM_TIMES, out);
		for (size_t k = 0; k < IVM_TIMES; k++) {
			sum += out[k];
			/* none is further away than rounding takes it */
			EXPECT_TRUE(!whole || (out[k] * whole < parts[k] * 1000 + whole && parts[k] * 1000 < out[k] * whole + whole));
		}
		ASSERT_EQ(whole ? 1000 : 0, sum);
	}
}

TEST(a_ratio_is_all_only_when_it_is)
{
	EXPECT_EQ(1000, ivm_permille(5, 5));
	EXPECT_EQ(999, ivm_permille(UINT64_MAX - 1, UINT64_MAX));
	EXPECT_EQ(0, ivm_permille(5, 0));
	EXPECT_EQ(1500, ivm_permille(3, 2));
	EXPECT_EQ(UINT64_MAX, ivm_permille(UINT64_MAX, 1));
}

TEST_HARNESS_MAIN
