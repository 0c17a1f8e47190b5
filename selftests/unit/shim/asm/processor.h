/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_ASM_PROCESSOR_H
#define SHIM_ASM_PROCESSOR_H

#include <linux/types.h>

/* A host with 40 bits of physical address. */
static const struct { u8 x86_phys_bits; } boot_cpu_data __attribute__((unused)) = { 40 };

void cpu_relax(void);	/* see shim_relax */

#endif
