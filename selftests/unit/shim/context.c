// SPDX-License-Identifier: GPL-2.0-only
/* Locks, the interrupt flag, and printing. */
#include <errno.h>
#include <sched.h>
#include <stdarg.h>

#include "shim.h"
#include <linux/bug.h>
#include <linux/kernel.h>
#include <linux/spinlock.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <asm/processor.h>

static int threads;
static __thread int self;
static __thread unsigned int held;
static __thread bool irqs_off;
static __thread unsigned int bh_off;
static u64 printed;

void (*shim_relax)(void);
bool shim_need_resched;
void (*shim_resched)(void);

static int thread(void)
{
	if (!self)
		self = __atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED);
	return self;
}

static bool take(raw_spinlock_t *lock)
{
	int free = 0;

	if (!__atomic_compare_exchange_n(&lock->owner, &free, thread(), false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	held++;
	return true;
}

bool shim_trylock(raw_spinlock_t *lock)
{
	if (!take(lock))
		return false;
	if (irqs_off)
		lock->irq_seen = true;
	else
		BUG_ON(lock->irq_seen && !bh_off);
	return true;
}

void shim_lock(raw_spinlock_t *lock)
{
	BUG_ON(shim_lock_held(lock));
	while (!shim_trylock(lock))
		sched_yield();
}

void shim_bh_disable(void)
{
	bh_off++;
}

void shim_bh_enable(void)
{
	BUG_ON(!bh_off || irqs_off);
	bh_off--;
}

void shim_lock_bh(raw_spinlock_t *lock)
{
	BUG_ON(shim_lock_held(lock) || irqs_off);	/* giving it up would turn on what is off */
	shim_bh_disable();
	while (!take(lock))
		sched_yield();
}

void shim_unlock_bh(raw_spinlock_t *lock)
{
	shim_unlock(lock);
	shim_bh_enable();
}

void shim_unlock(raw_spinlock_t *lock)
{
	BUG_ON(!shim_lock_held(lock));
	held--;
	__atomic_store_n(&lock->owner, 0, __ATOMIC_RELEASE);
}

/* Mutexes: no interrupts are involved, and their holders may sleep. */
void shim_mutex_lock(raw_spinlock_t *lock)
{
	int free = 0;

	BUG_ON(shim_lock_held(lock));
	while (!__atomic_compare_exchange_n(&lock->owner, &free, thread(), false,
					    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		free = 0;
		sched_yield();
	}
}

void shim_mutex_unlock(raw_spinlock_t *lock)
{
	BUG_ON(!shim_lock_held(lock));
	__atomic_store_n(&lock->owner, 0, __ATOMIC_RELEASE);
}

bool shim_lock_held(const raw_spinlock_t *lock)
{
	return __atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == thread();
}

unsigned int shim_locks_held(void)
{
	return held;
}

unsigned long shim_irq_save(void)
{
	unsigned long flags = irqs_off;

	irqs_off = true;
	return flags;
}

void shim_irq_restore(unsigned long flags)
{
	irqs_off = flags;
}

bool shim_irqs_off(void)
{
	return irqs_off;
}

void shim_might_sleep(const char *file, int line)
{
	if (!held && !irqs_off && !bh_off)
		return;
	fprintf(stderr, "%s:%d may sleep: %u locks held, interrupts %s, bottom halves %s\n",
		file, line, held, irqs_off ? "off" : "on", bh_off ? "off" : "on");
	__builtin_trap();
}

void cpu_relax(void)
{
	if (shim_relax)
		shim_relax();
}

int printk(const char *fmt, ...)
{
	va_list args;
	int n;

	printed++;
	va_start(args, fmt);
	n = vfprintf(stderr, fmt, args);
	va_end(args);
	return n;
}

u64 shim_printed(void)
{
	return printed;
}

int vscnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	int n = vsnprintf(buf, size, fmt, args);

	if (!size || n < 0)
		return 0;
	return (size_t)n < size ? n : (int)size - 1;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vscnprintf(buf, size, fmt, args);
	va_end(args);
	return n;
}

ssize_t strscpy(char *dst, const char *src, size_t size)
{
	size_t len = strnlen(src, size);

	if (!size)
		return -E2BIG;
	if (len == size) {
		memcpy(dst, src, size - 1);
		dst[size - 1] = '\0';
		return -E2BIG;
	}
	memcpy(dst, src, len + 1);
	return len;
}
