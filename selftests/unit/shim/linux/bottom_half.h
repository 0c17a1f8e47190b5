/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_BOTTOM_HALF_H
#define SHIM_LINUX_BOTTOM_HALF_H

void shim_bh_disable(void);
void shim_bh_enable(void);

/* A count per thread: who has them off must not sleep, and may take locks that interrupts do not. */
#define local_bh_disable()	shim_bh_disable()
#define local_bh_enable()	shim_bh_enable()

#endif
