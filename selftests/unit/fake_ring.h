/* SPDX-License-Identifier: GPL-2.0-only */
/* The driver's side of a split virtqueue in fake guest RAM, with every freedom to break the rules. */
#ifndef FAKE_RING_H
#define FAKE_RING_H

#include <linux/types.h>

#define FAKE_DESC_NEXT		1
#define FAKE_DESC_WRITE		2
#define FAKE_DESC_INDIRECT	4

struct ivm_space;

struct fake_ring {
	struct ivm_space *space;
	unsigned int size;
	u64 desc, avail, used;		/* may cross frames */
	u16 avail_idx, used_idx;	/* the driver's */
};

/* A ring at @gpa, laid out one after the other, all zero. Return: the first byte behind it. */
u64 fake_ring_init(struct fake_ring *ring, struct ivm_space *space, unsigned int size, u64 gpa);
/* Entry @i of the table at @table (ring->desc, or an indirect one anywhere). */
void fake_ring_desc(struct ivm_space *space, u64 table, unsigned int i, u64 addr, u32 len, u16 flags, u16 next);
/* Offers a chain, and shows it. */
void fake_ring_offer(struct fake_ring *ring, u16 head);
/* The next that came back. Return: false, there is none. */
bool fake_ring_take(struct fake_ring *ring, u32 *id, u32 *len);
void fake_ring_want(struct fake_ring *ring, u16 used_event);	/* event index */
u16 fake_ring_wanted(struct fake_ring *ring);			/* avail_event */
void fake_ring_avail_flags(struct fake_ring *ring, u16 flags);
u16 fake_ring_used_flags(struct fake_ring *ring);
/* Values of 2, 4 and 8 bytes, aligned; with a device on another thread too. */
u64 fake_ring_get(struct ivm_space *space, u64 gpa, unsigned int size);
void fake_ring_set(struct ivm_space *space, u64 gpa, unsigned int size, u64 value);

#endif
