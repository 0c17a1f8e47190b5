// SPDX-License-Identifier: GPL-2.0-only
/* Limits: what passes in a time is the rate, whatever the pattern. */
/* sources: kmod/net/storm.c */
#include "unit.h"

#include "net/storm.h"

#define SECOND	1000000000ULL

/* How many units pass in @seconds when one of @amount is tried each @step ns. */
static u64 passes(u64 rate, u32 amount, u64 step, unsigned int seconds)
{
	struct ivm_limit limit = { };
	u64 now, units = 0;

	for (now = SECOND; now < (seconds + 1) * SECOND; now += step)
		if (ivm_limit_take(&limit, rate, amount, now))
			units += amount;
	return units;
}

TEST(rate_is_kept)
{
	static const u64 rates[] = { 1, 7, 100, 1000, 12345 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		u64 units = passes(rates[i], 1, 10000, 10);

		EXPECT_GE(units, rates[i] * 10 * 99 / 100);
		/* and the burst, and those that began before and end behind it */
		EXPECT_LE(units, rates[i] * 10 + rates[i] / 50 + 2);
	}
}

TEST(bytes_of_big_frames)
{
	u64 units = passes(1000000, 65000, 10000, 10);

	EXPECT_GE(units, 10000000 - 65000);
	EXPECT_LE(units, 10000000 + 20000 + 65000);
}

TEST(fast)
{
	/* 100 GB/s, frames of 64 bytes: less than a nanosecond each, still not for nothing */
	struct ivm_limit limit = { };
	unsigned int i;

	for (i = 0; i < 30000000 && ivm_limit_take(&limit, 100000000000ULL, 64, SECOND); i++)
		;
	EXPECT_GT(i, 1000000);
	EXPECT_LT(i, 30000000);
}

TEST(wait_is_exact)
{
	struct ivm_limit limit = { };
	u64 now = SECOND, wait;

	EXPECT_EQ(0, ivm_limit_wait(&limit, now));
	while (ivm_limit_take(&limit, 1000, 1, now))
		;
	wait = ivm_limit_wait(&limit, now);
	EXPECT_GT(wait, 0);
	EXPECT_LE(wait, SECOND / 1000);
	EXPECT_FALSE(ivm_limit_take(&limit, 1000, 1, now + wait - 1));
	EXPECT_EQ(0, ivm_limit_wait(&limit, now + wait));
	EXPECT_TRUE(ivm_limit_take(&limit, 1000, 1, now + wait));
}

TEST(extremes)
{
	struct ivm_limit limit = { };

	/* a clock that just began, the slowest and the fastest rate, the biggest amount */
	EXPECT_TRUE(ivm_limit_take(&limit, 1, ~0U, 0));
	EXPECT_FALSE(ivm_limit_take(&limit, 1, 1, SECOND));
	limit = (struct ivm_limit){ };
	EXPECT_TRUE(ivm_limit_take(&limit, ~0ULL, ~0U, 1));
	EXPECT_EQ(0, ivm_limit_wait(&limit, 2));
}

TEST_HARNESS_MAIN
