/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_ASM_MSR_H
#define SHIM_ASM_MSR_H

#include <linux/types.h>

/* Of the fake clock: see shim_tsc_per_us(). */
u64 rdtsc(void);
static inline u64 rdtsc_ordered(void) { return rdtsc(); }

#endif
