/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_WAIT_H
#define SHIM_LINUX_WAIT_H

#include <linux/spinlock.h>

/* Nobody sleeps here: wake-ups are counted, so that a test can ask for them. */
struct wait_queue_head {
	unsigned int woken;
	unsigned int waiters;	/* set by a test that wants waitqueue_active() to say so */
};
typedef struct wait_queue_head wait_queue_head_t;

static inline void init_waitqueue_head(struct wait_queue_head *q) { q->woken = 0; q->waiters = 0; }
static inline void wake_up_all(struct wait_queue_head *q) { __atomic_fetch_add(&q->woken, 1, __ATOMIC_SEQ_CST); }
static inline bool waitqueue_active(struct wait_queue_head *q) { return READ_ONCE(q->waiters); }
#define wake_up(q)			wake_up_all(q)
#define wake_up_interruptible(q)	wake_up_all(q)
#define wake_up_interruptible_all(q)	wake_up_all(q)
static inline bool wq_has_sleeper(struct wait_queue_head *q) { (void)q; return true; }

#endif
