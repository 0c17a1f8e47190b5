/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_LOCKDEP_H
#define SHIM_LINUX_LOCKDEP_H

#include <linux/bug.h>

/* Raw spinlocks, and mutexes, which are made of one. */
#define lockdep_assert_held(lock)	BUG_ON(!shim_lock_held((const raw_spinlock_t *)(lock)))
#define lockdep_assert_irqs_disabled()	BUG_ON(!irqs_disabled())

/* What tells locks of one kind apart from those of another; the shim knows each by its address. */
struct lock_class_key { char unused; };
#define lockdep_set_class(lock, key)	((void)(lock), (void)(key))

#endif
