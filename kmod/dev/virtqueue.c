// SPDX-License-Identifier: GPL-2.0-only
/*
 * Split virtqueues (virtio 1.2, 2.7): what the driver offers, checked and cut
 * into pieces that the kernel can touch, and what the device gives back.
 *
 * The guest runs on another CPU meanwhile and may write anything anywhere. Each
 * value of its is read once and used from the copy. Rings lie in guest RAM,
 * whose map does not change while a VM has it; every access is of an aligned
 * value of 2, 4 or 8 bytes, so none crosses the end of a frame.
 */
#include "virtio.h"

#include "../mem/mem.h"

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/lockdep.h>

#include <asm/barrier.h>
#include <asm/unaligned.h>

#define DESC_SIZE		16
#define DESC_F_NEXT		BIT(0)
#define DESC_F_WRITE		BIT(1)
#define DESC_F_INDIRECT		BIT(2)

#define AVAIL_FLAGS		0
#define AVAIL_IDX		2
#define AVAIL_RING(i)		(4 + 2 * (u64)(i))
#define AVAIL_F_NO_INTERRUPT	BIT(0)

#define USED_FLAGS		0
#define USED_IDX		2
#define USED_RING(i)		(4 + 8 * (u64)(i))
#define USED_F_NO_NOTIFY	BIT(0)

/* The last two bytes of each ring: used_event and avail_event. */
#define AVAIL_EVENT(vq)		AVAIL_RING((vq)->size)
#define USED_EVENT(vq)		USED_RING((vq)->size)

struct vq_desc {
	u64 addr;
	u32 len;
	u16 flags, next;
};

/* ---- guest memory ---- */

static __always_inline void *vq_at(const struct ivm_vq *vq, const struct ivm_vq_ring *ring, u64 offset)
{
	if (likely(ring->ptr))
		return ring->ptr + offset;
	return ivm_space_ptr(vq->space, ring->gpa + offset, NULL);
}

static __always_inline u16 vq_get(const struct ivm_vq *vq, const struct ivm_vq_ring *ring, u64 offset)
{
	return READ_ONCE(*(const u16 *)vq_at(vq, ring, offset));
}

static __always_inline void vq_put(const struct ivm_vq *vq, const struct ivm_vq_ring *ring, u64 offset, u16 value)
{
	WRITE_ONCE(*(u16 *)vq_at(vq, ring, offset), value);
}

/* A descriptor is two words of 8 bytes, each read once. */
static __always_inline struct vq_desc vq_desc(const void *at)
{
	u64 addr = READ_ONCE(((const u64 *)at)[0]), rest = READ_ONCE(((const u64 *)at)[1]);

	return (struct vq_desc){ .addr = addr, .len = rest, .flags = rest >> 32, .next = rest >> 48 };
}

/* ---- enabling ---- */

static int vq_ring(struct ivm_vq *vq, struct ivm_vq_ring *ring, u64 gpa, u64 len, u64 align)
{
	void *ptr;
	u64 run;

	if (gpa % align || !ivm_space_is_ram(vq->space, gpa, len))
		return -EINVAL;
	ptr = ivm_space_ptr(vq->space, gpa, &run);
	if (!ptr)
		return -EINVAL;
	ring->gpa = gpa;
	ring->ptr = run >= len ? ptr : NULL;
	return 0;
}

int ivm_vq_enable(struct ivm_vq *vq, unsigned int size, u64 desc, u64 avail, u64 used, u64 features)
{
	int err;

	lockdep_assert_held(&vq->lock);
	vq->size = size;
	vq->event_idx = features & IVM_VIRTIO_F_EVENT_IDX;
	vq->indirect = features & IVM_VIRTIO_F_INDIRECT_DESC;
	err = vq_ring(vq, &vq->desc, desc, DESC_SIZE * (u64)size, 16);
	if (!err)
		err = vq_ring(vq, &vq->avail, avail, AVAIL_EVENT(vq) + 2, 2);
	if (!err)
		err = vq_ring(vq, &vq->used, used, USED_EVENT(vq) + 2, 4);
	if (err)
		return err;
	vq->next_avail = 0;
	vq->next_used = 0;
	vq->avail_seen = 0;
	vq->signalled = 0;
	WRITE_ONCE(vq->enabled, true);	/* doorbells look without the lock */
	return 0;
}

void ivm_vq_disable(struct ivm_vq *vq)
{
	lockdep_assert_held(&vq->lock);
	WRITE_ONCE(vq->enabled, false);
}

/* ---- taking ---- */

static bool vq_usable(const struct ivm_vq *vq)
{
	lockdep_assert_held(&vq->lock);
	return likely(vq->enabled && !READ_ONCE(vq->broken));
}

static noinline int vq_break(struct ivm_vq *vq)
{
	ivm_virtio_broken(vq->dev);
	return -EIO;
}

/* Cuts a buffer into pieces, each within a frame. Return: false when it is empty, not RAM, or there are too many. */
static bool chain_add(const struct ivm_vq *vq, struct ivm_chain *chain, u64 gpa, u32 len, unsigned int *nr)
{
	struct ivm_piece *piece;
	u64 run;

	do {
		if (unlikely(*nr == IVM_VQ_CHAIN_MAX))
			return false;
		piece = &chain->piece[*nr];
		piece->data = ivm_space_ptr(vq->space, gpa, &run);
		if (unlikely(!piece->data || !len))
			return false;
		piece->len = min_t(u64, run, len);
		gpa += piece->len;
		len -= piece->len;
		++*nr;
	} while (unlikely(len));
	return true;
}

/* Readable buffers come before writable ones. No sum overflows: pieces are few, and none is greater than a frame. */
static bool chain_add_desc(const struct ivm_vq *vq, struct ivm_chain *chain, const struct vq_desc *desc)
{
	unsigned int nr = chain->nr_out + chain->nr_in, before = nr;

	if (unlikely(!(desc->flags & DESC_F_WRITE) && chain->nr_in))
		return false;
	if (unlikely(!chain_add(vq, chain, desc->addr, desc->len, &nr)))
		return false;
	if (desc->flags & DESC_F_WRITE) {
		chain->nr_in += nr - before;
		chain->in_len += desc->len;
	} else {
		chain->nr_out += nr - before;
		chain->out_len += desc->len;
	}
	return true;
}

/* Where a table of descriptors is. The driver may have put it at any address. */
struct vq_table {
	u64 gpa;
	u32 count;
	const void *ptr;	/* of its first byte */
	u64 run;		/* bytes that can be read at ptr as descriptors */
};

static bool table_find(const struct ivm_vq *vq, struct vq_table *table, const struct vq_desc *desc)
{
	table->gpa = desc->addr;
	table->count = desc->len / DESC_SIZE;
	if (!table->count || desc->len % DESC_SIZE || !ivm_space_is_ram(vq->space, desc->addr, desc->len))
		return false;
	table->ptr = ivm_space_ptr(vq->space, desc->addr, &table->run);
	if (!table->ptr || desc->addr % sizeof(u64))
		table->run = 0;
	return true;
}

static bool table_get(const struct ivm_vq *vq, const struct vq_table *table, u32 i, struct vq_desc *desc)
{
	u64 offset = DESC_SIZE * (u64)i, copy[2];

	if (unlikely(i >= table->count))
		return false;
	if (likely(offset + DESC_SIZE <= table->run)) {
		*desc = vq_desc(table->ptr + offset);
		return true;
	}
	if (ivm_space_read(vq->space, table->gpa + offset, copy, sizeof(copy)))
		return false;
	*desc = vq_desc(copy);
	return true;
}

/*
 * A table elsewhere takes the place of the descriptor that points to it; it can
 * neither be continued nor nested (2.7.5.3). Every descriptor adds a piece, so
 * a loop ends by IVM_VQ_CHAIN_MAX.
 */
static bool chain_walk_indirect(const struct ivm_vq *vq, struct ivm_chain *chain, const struct vq_desc *pointer)
{
	struct vq_table table;
	struct vq_desc desc;
	u32 i = 0;

	if (!vq->indirect || pointer->flags & DESC_F_NEXT || !table_find(vq, &table, pointer))
		return false;
	do {
		if (unlikely(!table_get(vq, &table, i, &desc) || desc.flags & DESC_F_INDIRECT ||
			     !chain_add_desc(vq, chain, &desc)))
			return false;
		i = desc.next;
	} while (desc.flags & DESC_F_NEXT);
	return true;
}

static noinline bool chain_walk(const struct ivm_vq *vq, struct ivm_chain *chain)
{
	unsigned int walked, i = chain->head;
	struct vq_desc desc;

	for (walked = 0; walked < vq->size && i < vq->size; walked++) {
		desc = vq_desc(vq_at(vq, &vq->desc, DESC_SIZE * (u64)i));
		if (desc.flags & DESC_F_INDIRECT)
			return chain_walk_indirect(vq, chain, &desc);
		if (unlikely(!chain_add_desc(vq, chain, &desc)))
			return false;
		if (!(desc.flags & DESC_F_NEXT))
			return true;
		i = desc.next;
	}
	return false;	/* a loop, or an index out of range */
}

/*
 * What nearly all chains are: one descriptor, in one frame. Return: false when it
 * is not that, or not right: chain_walk() finds out, and reads it again.
 */
static __always_inline bool chain_of_one(const struct ivm_vq *vq, struct ivm_chain *chain)
{
	struct vq_desc desc;
	void *data;
	u64 run;

	if (unlikely(chain->head >= vq->size))
		return false;
	desc = vq_desc(vq_at(vq, &vq->desc, DESC_SIZE * (u64)chain->head));
	if (desc.flags & (DESC_F_NEXT | DESC_F_INDIRECT))
		return false;
	data = ivm_space_ptr(vq->space, desc.addr, &run);
	if (unlikely(!data || !desc.len || desc.len > run))
		return false;
	chain->piece[0].data = data;
	chain->piece[0].len = desc.len;
	if (desc.flags & DESC_F_WRITE) {
		chain->nr_in = 1;
		chain->in_len = desc.len;
	} else {
		chain->nr_out = 1;
		chain->out_len = desc.len;
	}
	return true;
}

/* Looks at the driver's index. Return: 1 there is something, 0 nothing, -EIO it jumped. */
static int vq_look(struct ivm_vq *vq)
{
	vq->avail_seen = vq_get(vq, &vq->avail, AVAIL_IDX);
	if (unlikely((u16)(vq->avail_seen - vq->next_avail) > vq->size))
		return vq_break(vq);
	/* The driver writes entries and descriptors, then its index: we read them in the other order. */
	smp_rmb();
	return vq->avail_seen != vq->next_avail;
}

int ivm_vq_pop(struct ivm_vq *vq, struct ivm_chain *chain)
{
	int found;

	if (!vq_usable(vq))
		return vq->enabled ? -EIO : 0;
	if (vq->avail_seen == vq->next_avail) {
		found = vq_look(vq);
		if (found <= 0)
			return found;
	}
	chain->head = vq_get(vq, &vq->avail, AVAIL_RING(vq->next_avail & (vq->size - 1)));
	chain->nr_out = 0;
	chain->nr_in = 0;
	chain->out_len = 0;
	chain->in_len = 0;
	if (!chain_of_one(vq, chain) && unlikely(!chain_walk(vq, chain)))
		return vq_break(vq);
	vq->next_avail++;
	return 1;
}

void ivm_vq_unpop(struct ivm_vq *vq)
{
	lockdep_assert_held(&vq->lock);
	vq->next_avail--;
}

bool ivm_vq_pending(struct ivm_vq *vq)
{
	if (!vq_usable(vq))
		return false;
	return vq->avail_seen != vq->next_avail || vq_get(vq, &vq->avail, AVAIL_IDX) != vq->next_avail;
}

/* ---- giving back ---- */

void ivm_vq_push(struct ivm_vq *vq, u16 head, u32 len)
{
	u64 entry = USED_RING(vq->next_used & (vq->size - 1));

	if (!vq_usable(vq))
		return;
	if (likely(vq->used.ptr)) {
		put_unaligned(head | (u64)len << 32, (u64 *)(vq->used.ptr + entry));
	} else {
		/* Entries are aligned to 4 bytes only: one may lie in two frames. */
		WRITE_ONCE(*(u32 *)vq_at(vq, &vq->used, entry), head);
		WRITE_ONCE(*(u32 *)vq_at(vq, &vq->used, entry + 4), len);
	}
	vq->next_used++;
}

bool ivm_vq_publish(struct ivm_vq *vq)
{
	u16 event, old = vq->signalled, new = vq->next_used;

	if (!vq_usable(vq) || new == old)
		return false;
	vq->signalled = new;
	/* What the device wrote, entries and data, is there before the index says so. */
	smp_wmb();
	vq_put(vq, &vq->used, USED_IDX, new);
	/*
	 * The index is there before we look whether an interrupt is wanted; the
	 * driver asks for one before it looks at the index again. One of the
	 * two sees the other.
	 */
	smp_mb();
	if (!vq->event_idx)
		return !(vq_get(vq, &vq->avail, AVAIL_FLAGS) & AVAIL_F_NO_INTERRUPT);
	/* Wanted once the entry of this index is there: was it among those just published? */
	event = vq_get(vq, &vq->avail, AVAIL_EVENT(vq));
	return (u16)(new - event - 1) < (u16)(new - old);
}

/* ---- doorbells ---- */

bool ivm_vq_notify_enable(struct ivm_vq *vq)
{
	if (!vq_usable(vq))
		return false;
	if (vq->event_idx)
		vq_put(vq, &vq->used, USED_EVENT(vq), vq->next_avail);
	else
		vq_put(vq, &vq->used, USED_FLAGS, 0);
	/* The wish is there before we look again; the driver writes its index before it looks for the wish. */
	smp_mb();
	return vq_get(vq, &vq->avail, AVAIL_IDX) != vq->next_avail;
}

void ivm_vq_notify_disable(struct ivm_vq *vq)
{
	/* With event indices the driver rings only when it passes the last index asked for. */
	if (vq_usable(vq) && !vq->event_idx)
		vq_put(vq, &vq->used, USED_FLAGS, USED_F_NO_NOTIFY);
}
