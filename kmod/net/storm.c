// SPDX-License-Identifier: GPL-2.0-only
/* Limits of frames or bytes a second. */
#include "storm.h"

#include <linux/math64.h>

#define NS	1000000000ULL

u64 ivm_limit_wait(struct ivm_limit *limit, u64 now)
{
	u64 used = atomic64_read(&limit->used);

	return used > now ? used - now : 0;
}

bool ivm_limit_take(struct ivm_limit *limit, u64 rate, u32 amount, u64 now)
{
	u64 cost = div64_u64(amount * NS, rate), from;
	s64 used = atomic64_read(&limit->used);

	/* a fraction of a nanosecond is still something */
	cost += !cost;
	do {
		if ((u64)used > now)
			return false;
		from = now > IVM_BURST_NS ? now - IVM_BURST_NS : 0;
		if ((u64)used > from)
			from = used;
	} while (!atomic64_try_cmpxchg(&limit->used, &used, from + cost));
	return true;
}
