/* SPDX-License-Identifier: GPL-2.0-only */
#include <asm/msr.h>

extern unsigned int tsc_khz;	/* see shim_tsc_per_us() */
