/* SPDX-License-Identifier: GPL-2.0-only */
/* A histogram of times, fine enough for percentiles within an eighth. */
#ifndef IVM_SKEW_H
#define IVM_SKEW_H

#include <linux/types.h>

#define IVM_SKEW_OCTAVES	36	/* the last one begins at 34 s */

struct ivm_skew {
	u32 nr[IVM_SKEW_OCTAVES][8];
	u64 total;
	u64 max_ns;
};

void ivm_skew_add(struct ivm_skew *skew, u64 ns);
u64 ivm_skew_percentile(const struct ivm_skew *skew, unsigned int percent);

#endif
