/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_SPINLOCK_H
#define SHIM_LINUX_SPINLOCK_H

#include <linux/bottom_half.h>
#include <linux/compiler.h>
#include <linux/irqflags.h>
#include <linux/lockdep.h>
#include <linux/types.h>

/*
 * A real lock, for tests with threads, that ends the test when its holder
 * takes it again, gives up one it does not hold, or takes it with interrupts
 * on although it was once taken with interrupts off.
 */
typedef struct raw_spinlock {
	int owner;		/* thread, 0 = free */
	bool irq_seen;		/* was held with interrupts off */
} raw_spinlock_t;
typedef raw_spinlock_t spinlock_t;

#define __RAW_SPIN_LOCK_UNLOCKED(name)	{ 0 }
#define DEFINE_RAW_SPINLOCK(name)	raw_spinlock_t name = { 0 }
#define DEFINE_SPINLOCK(name)		spinlock_t name = { 0 }

void shim_lock(raw_spinlock_t *lock);
void shim_lock_bh(raw_spinlock_t *lock);
void shim_unlock(raw_spinlock_t *lock);
void shim_unlock_bh(raw_spinlock_t *lock);
bool shim_trylock(raw_spinlock_t *lock);
bool shim_lock_held(const raw_spinlock_t *lock);

static inline void raw_spin_lock_init(raw_spinlock_t *lock) { *lock = (raw_spinlock_t){ 0 }; }
#define raw_spin_lock(lock)		shim_lock(lock)
#define raw_spin_unlock(lock)		shim_unlock(lock)
#define raw_spin_trylock(lock)		shim_trylock(lock)
#define raw_spin_is_locked(lock)	(READ_ONCE((lock)->owner) != 0)
#define raw_spin_lock_irqsave(lock, flags) \
	do { local_irq_save(flags); shim_lock(lock); } while (0)
#define raw_spin_unlock_irqrestore(lock, flags) \
	do { shim_unlock(lock); local_irq_restore(flags); } while (0)
#define raw_spin_lock_irq(lock)		do { local_irq_disable(); shim_lock(lock); } while (0)
#define raw_spin_unlock_irq(lock)	do { shim_unlock(lock); local_irq_enable(); } while (0)

#define spin_lock_init(lock)		raw_spin_lock_init(lock)
#define spin_lock(lock)			raw_spin_lock(lock)
#define spin_unlock(lock)		raw_spin_unlock(lock)
#define spin_trylock(lock)		raw_spin_trylock(lock)
#define spin_lock_irqsave(lock, flags)	raw_spin_lock_irqsave(lock, flags)
#define spin_unlock_irqrestore(lock, flags) raw_spin_unlock_irqrestore(lock, flags)
#define spin_lock_irq(lock)		raw_spin_lock_irq(lock)
#define spin_unlock_irq(lock)		raw_spin_unlock_irq(lock)
/* Of a lock that no interrupt takes: who takes it may have interrupts on, or off. */
#define spin_lock_bh(lock)		shim_lock_bh(lock)
#define spin_unlock_bh(lock)		shim_unlock_bh(lock)

#endif
