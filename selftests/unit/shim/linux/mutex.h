/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_MUTEX_H
#define SHIM_LINUX_MUTEX_H

#include <linux/kernel.h>
#include <linux/spinlock.h>

/* As strict as a spinlock about who takes it and gives it up, but its holder may sleep. */
struct mutex {
	raw_spinlock_t lock;	/* first: lockdep_assert_held() */
};

#define DEFINE_MUTEX(name)	struct mutex name = { { 0 } }

void shim_mutex_lock(raw_spinlock_t *lock);
void shim_mutex_unlock(raw_spinlock_t *lock);

static inline void mutex_init(struct mutex *m) { raw_spin_lock_init(&m->lock); }
void mutex_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);
static inline bool mutex_is_locked(struct mutex *m) { return raw_spin_is_locked(&m->lock); }

#endif
