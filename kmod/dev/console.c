// SPDX-License-Identifier: GPL-2.0-only
/*
 * The serial console as users see it: a ring with the last output, which any
 * number of readers follow at their own pace, and a queue of typed bytes.
 *
 * The writer is a vCPU with interrupts off, so waking a reader there is out of
 * the question: wait queues have sleeping locks on a preemptible-RT kernel,
 * and lockdep knows. A lazy irq_work does it instead, and only if somebody
 * waits. Lazy means at the next tick: whatever the guest prints in a tick
 * costs one wake-up and no extra exit from guest mode, for at most one tick
 * (4 ms at HZ=250) of delay, which nobody at a terminal notices.
 */
#include "dev.h"

#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <linux/kref.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/wait.h>

#include <linux/ivm.h>

#define CONSOLE_TYPED_SIZE	4096
#define CONSOLE_COPY_MAX	4096	/* bytes copied under the lock, with interrupts off */

/*
 * (c) constant once created
 * (l) protected by lock
 * (t) protected by typed_lock
 * (k) has its own synchronisation
 *
 * Order: typed_lock, the UART's lock, lock.
 */
struct ivm_console {
	struct kref ref;		/* (k) */
	struct wait_queue_head wait;	/* (k) readers, and writers of typed bytes */
	struct irq_work wake;		/* (k) wakes all of them */

	raw_spinlock_t lock;
	bool hung;			/* (l) */
	u64 end;			/* (l) bytes ever printed; the newest is ring[(end - 1) % size] */
	u64 typed_in, typed_out;	/* (l) bytes ever typed, and taken by the UART */

	raw_spinlock_t typed_lock;	/* held during the callback, so that clearing it waits for it */
	void (*typed)(void *ctx);	/* (t) may be NULL */
	void *typed_ctx;		/* (t) */

	u8 keys[CONSOLE_TYPED_SIZE];	/* (l) */
	u8 ring[IVM_CONSOLE_SIZE];	/* (l) */
};

/* Positions wrap at 2^64, places in the ring must not jump there. */
static_assert(!(IVM_CONSOLE_SIZE & (IVM_CONSOLE_SIZE - 1)));
static_assert(!(CONSOLE_TYPED_SIZE & (CONSOLE_TYPED_SIZE - 1)));

static void console_wake(struct irq_work *work)
{
	struct ivm_console *con = container_of(work, struct ivm_console, wake);

	wake_up_all(&con->wait);
}

/* Call after leaving @con->lock. */
static void console_notify(struct ivm_console *con)
{
	/*
	 * No barrier is needed before this: whoever waits enters the queue
	 * first, and then looks at the console's state under the lock. Either
	 * that is before our change, then our taking the lock ordered us after
	 * the entry and we see it; or it is after, then the state tells.
	 */
	if (waitqueue_active(&con->wait))
		irq_work_queue(&con->wake);
}

/**
 * ivm_console_put_char() - append a byte of output
 * @con: the console
 * @c:   the byte
 *
 * The oldest byte is dropped when the ring is full. Readers are woken within a tick.
 *
 * Context: interrupts off, as under the UART's lock; not NMI.
 */
void ivm_console_put_char(struct ivm_console *con, u8 c)
{
	raw_spin_lock(&con->lock);
	con->ring[con->end++ % IVM_CONSOLE_SIZE] = c;
	raw_spin_unlock(&con->lock);
	console_notify(con);
}

static u64 console_oldest(const struct ivm_console *con)
{
	return con->end > IVM_CONSOLE_SIZE ? con->end - IVM_CONSOLE_SIZE : 0;
}

/**
 * ivm_console_oldest() - where the output that is still kept begins
 * @con: the console
 *
 * Context: any but NMI.
 * Return: position of the oldest byte kept, counted from 0 at creation.
 */
u64 ivm_console_oldest(struct ivm_console *con)
{
	unsigned long flags;
	u64 oldest;

	raw_spin_lock_irqsave(&con->lock, flags);
	oldest = console_oldest(con);
	raw_spin_unlock_irqrestore(&con->lock, flags);
	return oldest;
}

/**
 * ivm_console_end() - where the output ends
 * @con: the console
 *
 * Takes the lock, which is what makes it safe as a condition to wait for.
 *
 * Context: any but NMI.
 * Return: position after the newest byte.
 */
u64 ivm_console_end(struct ivm_console *con)
{
	unsigned long flags;
	u64 end;

	raw_spin_lock_irqsave(&con->lock, flags);
	end = con->end;
	raw_spin_unlock_irqrestore(&con->lock, flags);
	return end;
}

/**
 * ivm_console_copy() - copy output
 * @con: the console
 * @pos: in and out: position to copy from, and after the last byte copied. One
 *	 that is too old moves to the oldest byte kept, one beyond the end to the end.
 * @buf: kernel memory
 * @len: room in @buf, bytes
 *
 * At most 4096 bytes at a time, so that the guest never waits long for the lock.
 *
 * Context: any but NMI.
 * Return: bytes copied; 0 when there are none.
 */
size_t ivm_console_copy(struct ivm_console *con, u64 *pos, void *buf, size_t len)
{
	unsigned long flags;
	size_t n, head;
	u64 from;

	raw_spin_lock_irqsave(&con->lock, flags);
	from = clamp(*pos, console_oldest(con), con->end);
	n = min_t(u64, min_t(size_t, len, CONSOLE_COPY_MAX), con->end - from);
	head = min_t(size_t, n, IVM_CONSOLE_SIZE - from % IVM_CONSOLE_SIZE);
	memcpy(buf, con->ring + from % IVM_CONSOLE_SIZE, head);
	memcpy(buf + head, con->ring, n - head);
	raw_spin_unlock_irqrestore(&con->lock, flags);
	*pos = from + n;
	return n;
}

/**
 * ivm_console_wait() - where to wait for output, room for typed bytes, or the end
 * @con: the console
 *
 * Wait for a condition that is computed by functions of this file: they take the lock.
 *
 * Return: the queue, valid while the caller holds a reference.
 */
struct wait_queue_head *ivm_console_wait(struct ivm_console *con)
{
	return &con->wait;
}

/**
 * ivm_console_hangup() - say that the machine behind the console stopped, or starts
 * @con:  the console
 * @hung: true: readers come to an end, typed bytes are dropped and none accepted
 *
 * Context: any but NMI.
 */
void ivm_console_hangup(struct ivm_console *con, bool hung)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&con->lock, flags);
	con->hung = hung;
	if (hung)
		con->typed_out = con->typed_in;
	raw_spin_unlock_irqrestore(&con->lock, flags);
	console_notify(con);
}

/**
 * ivm_console_hung() - has the machine behind the console stopped?
 * @con: the console
 *
 * Context: any but NMI.
 * Return: what ivm_console_hangup() said last; false at first.
 */
bool ivm_console_hung(struct ivm_console *con)
{
	unsigned long flags;
	bool hung;

	raw_spin_lock_irqsave(&con->lock, flags);
	hung = con->hung;
	raw_spin_unlock_irqrestore(&con->lock, flags);
	return hung;
}

static size_t console_type_room(const struct ivm_console *con)
{
	return con->hung ? 0 : CONSOLE_TYPED_SIZE - (con->typed_in - con->typed_out);
}

/**
 * ivm_console_type_room() - how many bytes can be typed now
 * @con: the console
 *
 * Context: any but NMI.
 * Return: bytes, 0 … 4096; 0 while hung up.
 */
size_t ivm_console_type_room(struct ivm_console *con)
{
	unsigned long flags;
	size_t room;

	raw_spin_lock_irqsave(&con->lock, flags);
	room = console_type_room(con);
	raw_spin_unlock_irqrestore(&con->lock, flags);
	return room;
}

/**
 * ivm_console_type() - type into the guest
 * @con: the console
 * @buf: kernel memory
 * @len: bytes
 *
 * Context: any but NMI, without the UART's lock.
 * Return: bytes taken; 0 when the queue is full or the console hung up.
 */
size_t ivm_console_type(struct ivm_console *con, const void *buf, size_t len)
{
	unsigned long flags;
	size_t n, head, at;

	raw_spin_lock_irqsave(&con->lock, flags);
	n = min(len, console_type_room(con));
	at = con->typed_in % CONSOLE_TYPED_SIZE;
	head = min_t(size_t, n, CONSOLE_TYPED_SIZE - at);
	memcpy(con->keys + at, buf, head);
	memcpy(con->keys, buf + head, n - head);
	con->typed_in += n;
	raw_spin_unlock_irqrestore(&con->lock, flags);

	if (n) {
		raw_spin_lock_irqsave(&con->typed_lock, flags);
		if (con->typed)
			con->typed(con->typed_ctx);
		raw_spin_unlock_irqrestore(&con->typed_lock, flags);
	}
	return n;
}

/**
 * ivm_console_typed() - take the next typed byte
 * @con: the console
 * @c:   out: the byte
 *
 * Wakes those who waited for room.
 *
 * Context: any but NMI.
 * Return: false when nothing was typed; *@c is untouched then.
 */
bool ivm_console_typed(struct ivm_console *con, u8 *c)
{
	bool any, was_full = false;
	unsigned long flags;

	raw_spin_lock_irqsave(&con->lock, flags);
	any = con->typed_out != con->typed_in;
	if (any) {
		was_full = !console_type_room(con);
		*c = con->keys[con->typed_out++ % CONSOLE_TYPED_SIZE];
	}
	raw_spin_unlock_irqrestore(&con->lock, flags);
	if (was_full)
		console_notify(con);
	return any;
}

/**
 * ivm_console_on_typed() - who wants to know about typed bytes
 * @con:   the console
 * @typed: called after bytes were queued, any context, interrupts off; NULL for
 *	   nobody. It may take bytes, it must not type.
 * @ctx:   handed to @typed
 *
 * No call of the previous function is under way when this returns.
 *
 * Context: any but NMI, not from @typed.
 */
void ivm_console_on_typed(struct ivm_console *con, void (*typed)(void *ctx), void *ctx)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&con->typed_lock, flags);
	con->typed = typed;
	con->typed_ctx = ctx;
	raw_spin_unlock_irqrestore(&con->typed_lock, flags);
}

/**
 * ivm_console_create() - an empty console
 *
 * Context: may sleep.
 * Return: the console with one reference, or ERR_PTR(-ENOMEM).
 */
struct ivm_console *ivm_console_create(void)
{
	struct ivm_console *con = kvzalloc(sizeof(*con), GFP_KERNEL);

	if (!con)
		return ERR_PTR(-ENOMEM);
	kref_init(&con->ref);
	init_waitqueue_head(&con->wait);
	con->wake = IRQ_WORK_INIT_LAZY(console_wake);
	raw_spin_lock_init(&con->lock);
	raw_spin_lock_init(&con->typed_lock);
	return con;
}

/**
 * ivm_console_get() - take one more reference
 * @con: the console, of which the caller has one already
 *
 * Context: any.
 */
void ivm_console_get(struct ivm_console *con)
{
	kref_get(&con->ref);
}

static void console_release(struct kref *ref)
{
	struct ivm_console *con = container_of(ref, struct ivm_console, ref);

	irq_work_sync(&con->wake);
	kvfree(con);
}

/**
 * ivm_console_put() - give a reference back; the last one frees the console
 * @con: the console
 *
 * Context: may sleep.
 */
void ivm_console_put(struct ivm_console *con)
{
	kref_put(&con->ref, console_release);
}
