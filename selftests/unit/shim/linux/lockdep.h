/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_LOCKDEP_H
#define SHIM_LINUX_LOCKDEP_H

#include <linux/bug.h>

/* Raw spinlocks only. */
#define lockdep_assert_held(lock)	BUG_ON(!shim_lock_held(lock))
#define lockdep_assert_irqs_disabled()	BUG_ON(!irqs_disabled())

#endif
