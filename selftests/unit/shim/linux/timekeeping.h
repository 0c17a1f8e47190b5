/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_TIMEKEEPING_H
#define SHIM_LINUX_TIMEKEEPING_H

#include <linux/ktime.h>

time64_t ktime_get_real_seconds(void);
static inline u64 ktime_get_boottime_ns(void) { return ktime_get_ns(); }

#endif
