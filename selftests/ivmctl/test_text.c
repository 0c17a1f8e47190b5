// SPDX-License-Identifier: GPL-2.0-only
/* Numbers, sizes and names as people type them. */
#include "../harness.h"

#include "text.h"

#include <stdint.h>

TEST(numbers)
{
	static const struct { const char *text; int ok; uint64_t value; } rows[] = {
		{ "0", 1, 0 }, { "1", 1, 1 }, { "0xf4", 1, 0xf4 }, { "0XF4", 1, 0xf4 }, { "010", 1, 10 },
		{ "18446744073709551615", 1, UINT64_MAX }, { "0xffffffffffffffff", 1, UINT64_MAX },
		{ "18446744073709551616", 0, 0 }, { "0x10000000000000000", 0, 0 }, { "", 0, 0 }, { "-1", 0, 0 },
		{ "+1", 0, 0 }, { " 1", 0, 0 }, { "1 ", 0, 0 }, { "1K", 0, 0 }, { "0x", 0, 0 }, { "x1", 0, 0 },
		{ "0x-1", 0, 0 }, { "0x 1", 0, 0 }, { "1.5", 0, 0 }, { "1e3", 0, 0 }, { "ten", 0, 0 }, { "a", 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t want = rows[i].ok ? rows[i].value : 77, value = 77;
		int err = ivm_parse_number(rows[i].text, &value);

		EXPECT_EQ(!rows[i].ok, err == -EINVAL) TH_LOG("'%s'", rows[i].text);
		EXPECT_EQ(rows[i].ok, !err) TH_LOG("'%s'", rows[i].text);
		EXPECT_EQ(want, value) TH_LOG("'%s'", rows[i].text);
	}
}

TEST(sizes)
{
	static const struct { const char *text; int ok; uint64_t value; } rows[] = {
		{ "0", 1, 0 }, { "4096", 1, 4096 }, { "1K", 1, 1024 }, { "512M", 1, 512ULL << 20 },
		{ "512m", 1, 512ULL << 20 }, { "2G", 1, 2ULL << 30 }, { "1T", 1, 1ULL << 40 },
		{ "0x10M", 1, 16ULL << 20 }, { "16777215T", 1, 16777215ULL << 40 }, { "16777216T", 0, 0 },
		{ "18446744073709551615", 1, UINT64_MAX }, { "18446744073709551615K", 0, 0 },
		{ "M", 0, 0 }, { "1MB", 0, 0 }, { "1MiB", 0, 0 }, { "1 M", 0, 0 }, { "1P", 0, 0 }, { "-1M", 0, 0 },
		{ "1.5G", 0, 0 }, { "", 0, 0 }, { "0xM", 0, 0 }, { "1M1", 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t want = rows[i].ok ? rows[i].value : 77, value = 77;
		int err = ivm_parse_size(rows[i].text, &value);

		EXPECT_EQ(!rows[i].ok, err == -EINVAL) TH_LOG("'%s'", rows[i].text);
		EXPECT_EQ(rows[i].ok, !err) TH_LOG("'%s'", rows[i].text);
		EXPECT_EQ(want, value) TH_LOG("'%s'", rows[i].text);
	}
}

TEST(a_size_prints_as_it_parses)
{
	char text[IVM_SIZE_TEXT];
	uint64_t value, back;

	srandom(1);
	for (int i = 0; i < 100000; i++) {
		value = ((uint64_t)random() << 33 ^ (uint64_t)random()) >> random() % 64;
		value <<= random() % 8 * 5 % 40;
		ASSERT_EQ(0, ivm_parse_size(ivm_size_text(value, text), &back)) TH_LOG("%s", text);
		ASSERT_EQ(value, back) TH_LOG("%s", text);
	}
	EXPECT_STREQ("512M", ivm_size_text(512ULL << 20, text));
	EXPECT_STREQ("1025K", ivm_size_text(1025ULL << 10, text));
	EXPECT_STREQ("4097", ivm_size_text(4097, text));
	EXPECT_STREQ("2048T", ivm_size_text(2048ULL << 40, text));
	EXPECT_STREQ("0", ivm_size_text(0, text));
}

TEST(names)
{
	static const char *const good[] = { "a", "0", "web", "Web-1.prod_x", "a234567890123456789012345678901" };
	static const char *const bad[] = {
		"", ".", "..", "-a", "_a", ".a", "a b", "a/b", "../a", "a\n", "a\t", "a=b", "a%n", "a\x7f", "\xc3\xa4",
		"a\xff", "a*", "a'b", "a\"b", "a;b", "$a", "a:b", "a,b", "a2345678901234567890123456789012",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		int err = ivm_check_name(good[i]);

		EXPECT_EQ(0, err) TH_LOG("'%s'", good[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int err = ivm_check_name(bad[i]);

		EXPECT_EQ(-EINVAL, err) TH_LOG("'%s'", bad[i]);
	}
}

TEST_HARNESS_MAIN
