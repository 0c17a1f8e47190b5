/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Limits of frames or bytes a second. No lock: a limit is one time, the moment
 * until which what has passed uses up the rate. Builds in user space too.
 */
#ifndef IVM_NET_STORM_H
#define IVM_NET_STORM_H

#include <linux/atomic.h>
#include <linux/types.h>

#define IVM_BURST_NS	20000000ULL	/* what was not used can be caught up with for so long */

struct ivm_limit {
	atomic64_t used;	/* ns */
};

/**
 * ivm_limit_wait() - how long until something may pass
 * @limit: of one port and kind
 * @now:   time in ns, the same clock for all calls
 *
 * Return: ns, 0 when it may pass now. Any context.
 */
u64 ivm_limit_wait(struct ivm_limit *limit, u64 now);

/**
 * ivm_limit_take() - let something pass, if it may
 * @limit:  of one port and kind
 * @rate:   units a second, not 0
 * @amount: units of this one; it passes whole or not at all, so that one may exceed the burst
 * @now:    time in ns
 *
 * Return: whether it may pass. Any context.
 */
bool ivm_limit_take(struct ivm_limit *limit, u64 rate, u32 amount, u64 now);

#endif
