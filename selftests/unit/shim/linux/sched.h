/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_SCHED_H
#define SHIM_LINUX_SCHED_H

#include <linux/compiler.h>
#include <linux/time64.h>
#include <linux/types.h>

extern bool shim_need_resched;
#define need_resched()	READ_ONCE(shim_need_resched)

extern void (*shim_resched)(void);
#define cond_resched()	do { if (shim_resched) shim_resched(); } while (0)

#endif
