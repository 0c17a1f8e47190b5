// SPDX-License-Identifier: GPL-2.0-only
/* P5: how far apart vCPUs began, in percentiles. */
/* sources: kmod/sched/skew.c */
#include "unit.h"

#include <linux/limits.h>

#include "sched/skew.h"

static struct ivm_skew skew;

TEST(nothing_counted)
{
	EXPECT_EQ(0, ivm_skew_percentile(&skew, 50));
	EXPECT_EQ(0, ivm_skew_percentile(&skew, 100));
}

TEST(small_times_are_exact)
{
	unsigned int ns;

	for (ns = 0; ns < 8; ns++)
		ivm_skew_add(&skew, ns);
	EXPECT_EQ(3, ivm_skew_percentile(&skew, 50));
	EXPECT_EQ(7, ivm_skew_percentile(&skew, 99));
	EXPECT_EQ(0, ivm_skew_percentile(&skew, 1));
}

/* Never below the exact one, and at most an eighth above. */
TEST(percentiles_of_all_sizes)
{
	u64 ns, got;

	for (ns = 1; ns < 1ULL << 40; ns += ns / 3 + 1) {
		skew = (struct ivm_skew) { };
		ivm_skew_add(&skew, ns);
		ivm_skew_add(&skew, U64_MAX);	/* the greatest, far away */
		got = ivm_skew_percentile(&skew, 50);
		if (ns < 1ULL << (IVM_SKEW_OCTAVES - 1)) {
			EXPECT_GE(got, ns);
			EXPECT_LE(got, ns + ns / 8);
		}
		EXPECT_EQ(2, skew.total);
		EXPECT_EQ(U64_MAX, skew.max_ns);
	}
}

TEST(a_percentile_is_of_what_was_counted)
{
	unsigned int i;

	for (i = 1; i <= 1000; i++)
		ivm_skew_add(&skew, i > 985 ? 1000000 : 1000);
	EXPECT_LE(ivm_skew_percentile(&skew, 98), 1125);
	EXPECT_EQ(1000000, ivm_skew_percentile(&skew, 99));
	EXPECT_EQ(1000000, ivm_skew_percentile(&skew, 100));
}

TEST_HARNESS_MAIN
