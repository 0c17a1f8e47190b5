/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_KTIME_H
#define SHIM_LINUX_KTIME_H

#include <linux/time64.h>
#include <linux/types.h>

typedef s64 ktime_t;

#define KTIME_MAX	((s64)~((u64)1 << 63))

ktime_t ktime_get(void);
static inline u64 ktime_get_ns(void) { return ktime_get(); }
u64 ktime_get_real_ns(void);	/* see shim_real_set() */
static inline s64 ktime_to_ns(ktime_t t) { return t; }
static inline ktime_t ns_to_ktime(u64 ns) { return ns; }
static inline ktime_t ktime_add_ns(ktime_t t, u64 ns) { return t + ns; }
static inline ktime_t ktime_sub_ns(ktime_t t, u64 ns) { return t - ns; }
static inline ktime_t ktime_add(ktime_t a, ktime_t b) { return a + b; }
static inline ktime_t ktime_sub(ktime_t a, ktime_t b) { return a - b; }
static inline int ktime_compare(ktime_t a, ktime_t b) { return a < b ? -1 : a > b; }
static inline bool ktime_before(ktime_t a, ktime_t b) { return a < b; }
static inline bool ktime_after(ktime_t a, ktime_t b) { return a > b; }

#endif
