// SPDX-License-Identifier: GPL-2.0-only
/* The map of guest memory against a naive twin: one byte per page. */
#include "../harness.h"

#include "fail.h"
#include "image/layout.h"

#include <stdlib.h>
#include <string.h>

#define PAGES 512	/* 2 MiB */

static struct ivm_map map;
static unsigned char twin[PAGES];

static int twin_free(uint64_t first, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		if (first + i >= PAGES || twin[first + i])
			return 0;
	return 1;
}

/* Where a piece must go, or -1. Tries every place. */
static long twin_place(uint64_t from, uint64_t to, uint64_t count, uint64_t align, int high)
{
	long found = -1;

	for (uint64_t at = from; at + count <= to && at + count <= PAGES; at++) {
		if (at % align || !twin_free(at, count))
			continue;
		found = (long)at;
		if (!high)
			break;
	}
	return found;
}

TEST(same_as_the_twin)
{
	srandom(7);
	for (int round = 0; round < 3000; round++) {
		ivm_map_init(&map, PAGES * IVM_PAGE);
		memset(twin, 0, sizeof(twin));
		for (int step = 0; step < 60; step++) {
			uint64_t first = (uint64_t)random() % (PAGES + 4), to = (uint64_t)random() % (PAGES + 40);
			uint64_t count = 1 + (uint64_t)random() % (1 + (uint64_t)random() % 64), at;
			uint64_t align = 1ULL << random() % 7;
			int high = random() % 2, err;
			long want;

			if (random() % 2) {
				err = ivm_map_take(&map, first * IVM_PAGE, count * IVM_PAGE, "piece");
				ASSERT_EQ(twin_free(first, count), !err) TH_LOG("take %s", ivm_failure());
				if (!err)
					memset(twin + first, 1, count);
				continue;
			}
			want = twin_place(first, to, count, align, high);
			err = ivm_map_place(&map, first * IVM_PAGE, to * IVM_PAGE, count * IVM_PAGE,
					    align * IVM_PAGE, high, "piece", &at);
			ASSERT_EQ(want >= 0, !err) TH_LOG("place %ld: %s", want, ivm_failure());
			if (err)
				continue;
			ASSERT_EQ(want, (long)(at / IVM_PAGE));
			memset(twin + at / IVM_PAGE, 1, count);
		}
		for (size_t i = 1; i < map.count; i++)
			ASSERT_LE(map.ranges[i - 1].start + map.ranges[i - 1].size, map.ranges[i].start);
	}
}

TEST(edges)
{
	uint64_t at;

	ivm_map_init(&map, 4ULL << 30);		/* 3 GiB low, 1 GiB from 4 GiB on */
	EXPECT_EQ(-EINVAL, ivm_map_take(&map, 0, 0, "nothing"));
	EXPECT_EQ(-ENOMEM, ivm_map_take(&map, UINT64_MAX, 2, "wrap"));
	EXPECT_EQ(-ENOMEM, ivm_map_take(&map, 1, UINT64_MAX, "wrap"));
	EXPECT_EQ(-ENOMEM, ivm_map_take(&map, IVM_MEMORY_LOW_END - 1, 2, "into the hole"));
	EXPECT_EQ(-ENOMEM, ivm_map_take(&map, IVM_MEMORY_LOW_END, 1, "the hole"));
	EXPECT_EQ(-ENOMEM, ivm_map_take(&map, IVM_MEMORY_HIGH_BASE - 1, 1, "the hole"));
	EXPECT_EQ(0, ivm_map_take(&map, IVM_MEMORY_LOW_END - 1, 1, "last low byte"));
	EXPECT_EQ(0, ivm_map_take(&map, IVM_MEMORY_HIGH_BASE, 1ULL << 30, "all of high memory"));
	EXPECT_EQ(-ENOMEM, ivm_map_take(&map, 5ULL << 30, 1, "behind"));
	EXPECT_EQ(-EEXIST, ivm_map_take(&map, (5ULL << 30) - 1, 1, "taken"));
	EXPECT_EQ(0, ivm_map_place(&map, 0, UINT64_MAX, 1, 1, 1, "high", &at));
	EXPECT_EQ(IVM_MEMORY_LOW_END - 2, at);
	EXPECT_EQ(-ENOMEM, ivm_map_place(&map, UINT64_MAX - 10, UINT64_MAX, 1, 4096, 0, "wrap", &at));
	EXPECT_EQ(-ENOMEM, ivm_map_place(&map, 0, 0, 1, 1, 0, "nowhere", &at));

	ivm_map_init(&map, 1ULL << 30);
	for (uint64_t i = 0; i < IVM_MAP_MAX; i++)
		ASSERT_EQ(0, ivm_map_take(&map, (IVM_MAP_MAX - i) * 2, 1, "piece"));
	EXPECT_EQ(-E2BIG, ivm_map_take(&map, 0, 1, "one too many"));
	EXPECT_EQ(IVM_MAP_MAX, map.count);
}

TEST(e820_covers_all_memory)
{
	static const uint64_t sizes[] = { 2ULL << 20, 64ULL << 20, IVM_MEMORY_LOW_END, IVM_MEMORY_LOW_END + (2 << 20), 1ULL << 40 };
	struct ivm_e820 table[IVM_E820_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint64_t sum = 0;
		size_t n;

		ivm_map_init(&map, sizes[i]);
		n = ivm_map_e820(&map, table);
		for (size_t j = 0; j < n; j++) {
			sum += table[j].size;
			EXPECT_NE(0, table[j].size);
			if (j)
				EXPECT_LE(table[j - 1].start + table[j - 1].size, table[j].start);
		}
		EXPECT_EQ(sizes[i], sum);
		EXPECT_EQ(sizes[i] > IVM_MEMORY_LOW_END ? 4 : 3, n);
	}
}

TEST_HARNESS_MAIN
