/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_SEQLOCK_H
#define SHIM_LINUX_SEQLOCK_H

#include <linux/spinlock.h>

typedef struct {
	spinlock_t lock;
	unsigned int sequence;	/* odd while somebody writes */
} seqlock_t;

static inline void seqlock_init(seqlock_t *s)
{
	spin_lock_init(&s->lock);
	s->sequence = 0;
}

static inline unsigned int read_seqbegin(const seqlock_t *s)
{
	unsigned int seq;

	while ((seq = smp_load_acquire(&s->sequence)) & 1)
		;
	return seq;
}

static inline unsigned int read_seqretry(const seqlock_t *s, unsigned int seq)
{
	smp_rmb();
	return READ_ONCE(s->sequence) != seq;
}

#define write_seqlock_bh(s) \
	do { spin_lock_bh(&(s)->lock); WRITE_ONCE((s)->sequence, (s)->sequence + 1); smp_wmb(); } while (0)
#define write_sequnlock_bh(s) \
	do { smp_store_release(&(s)->sequence, (s)->sequence + 1); spin_unlock_bh(&(s)->lock); } while (0)

#endif
