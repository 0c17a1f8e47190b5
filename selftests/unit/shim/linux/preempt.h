/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_PREEMPT_H
#define SHIM_LINUX_PREEMPT_H

/* Nobody is ever switched away. */
struct preempt_notifier { char unused; };

#define preempt_disable()	__asm__ __volatile__("" ::: "memory")
#define preempt_enable()	__asm__ __volatile__("" ::: "memory")

#endif
