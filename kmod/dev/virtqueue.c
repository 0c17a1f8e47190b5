// SPDX-License-Identifier: GPL-2.0-only
/*
 * Split virtqueues (virtio 1.2, 2.7): what the driver offers, checked and cut
 * into pieces that the kernel can touch, and what the device gives back.
 *
 * The guest runs on another CPU meanwhile and may write anything anywhere. Each
 * value of its is read once and used from the copy. Rings lie in guest RAM; every
 * access is of an aligned value of 2, 4 or 8 bytes, so none crosses the end of a
 * frame.
 *
 * RAM can go while queues are at work. A ring that goes breaks its queue before:
 * whoever has seen under the lock that the queue is usable finds all of its
 * rings there until he gives the lock up. A buffer that goes is no RAM from some
 * moment on; what pieces point to stays until each lock was free once.
 */
#include "virtio.h"

#include "../mem/mem.h"

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/string.h>

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

/* Buffers lie near each other: where the last one was found, the next one often is. */
static noinline bool vq_find(struct ivm_vq *vq, u64 gpa)
{
	u64 run;
	void *ptr = ivm_space_ptr(vq->space, gpa, &run);

	if (!ptr)
		return false;
	vq->near_gpa = gpa;
	vq->near_len = run;
	vq->near = ptr;
	return true;
}

/* Where a buffer is, and how many bytes are there in one piece, 1 ... 2 MiB. Return: false when it is not RAM. */
static __always_inline bool vq_buffer(struct ivm_vq *vq, u64 gpa, void **ptr, u64 *run)
{
	u64 offset = gpa - vq->near_gpa;	/* wraps to huge below it */

	if (unlikely(offset >= vq->near_len)) {
		if (!vq_find(vq, gpa))
			return false;
		offset = 0;
	}
	*ptr = vq->near + offset;
	*run = vq->near_len - offset;
	return true;
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
	vq->near_len = 0;
	WRITE_ONCE(vq->enabled, true);	/* doorbells look without the lock */
	return 0;
}

void ivm_vq_disable(struct ivm_vq *vq)
{
	lockdep_assert_held(&vq->lock);
	WRITE_ONCE(vq->enabled, false);
}

/* ---- memory that goes ---- */

static bool ring_in(const struct ivm_vq_ring *ring, u64 size, u64 gpa, u64 len)
{
	return ring->gpa < gpa ? gpa - ring->gpa < size : ring->gpa - gpa < len;
}

bool ivm_vq_memory_goes(struct ivm_vq *vq, u64 gpa, u64 len)
{
	lockdep_assert_held(&vq->lock);
	if (!vq->enabled || !(ring_in(&vq->desc, DESC_SIZE * (u64)vq->size, gpa, len) ||
			      ring_in(&vq->avail, AVAIL_EVENT(vq) + 2, gpa, len) ||
			      ring_in(&vq->used, USED_EVENT(vq) + 2, gpa, len)))
		return false;
	/* By itself: who broke the device just now, on another CPU, may not have come to this queue yet. */
	WRITE_ONCE(vq->broken, true);
	ivm_virtio_broken(vq->dev);
	return true;
}

void ivm_vq_memory_gone(struct ivm_vq *vq)
{
	lockdep_assert_held(&vq->lock);
	vq->near_len = 0;
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
static __always_inline bool chain_add(struct ivm_vq *vq, struct ivm_chain *chain, u64 gpa, u32 len, unsigned int *nr)
{
	struct ivm_piece *piece;
	u64 run;

	do {
		if (unlikely(*nr == IVM_VQ_CHAIN_MAX))
			return false;
		piece = &chain->piece[*nr];
		if (unlikely(!len || !vq_buffer(vq, gpa, &piece->data, &run)))
			return false;
		piece->len = min_t(u64, run, len);
		gpa += piece->len;
		len -= piece->len;
		++*nr;
	} while (unlikely(len));
	return true;
}

/* Readable buffers come before writable ones. No sum overflows: pieces are few, and none is greater than a frame. */
static __always_inline bool chain_add_desc(struct ivm_vq *vq, struct ivm_chain *chain, const struct vq_desc *desc)
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
static bool chain_walk_indirect(struct ivm_vq *vq, struct ivm_chain *chain, const struct vq_desc *pointer)
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

static noinline bool chain_walk(struct ivm_vq *vq, struct ivm_chain *chain)
{
	unsigned int walked, i = chain->head;
	struct vq_desc desc;

	chain->nr_out = 0;
	chain->nr_in = 0;
	chain->out_len = 0;
	chain->in_len = 0;
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
 * What nearly all chains are: one descriptor, in one frame, to be written or read
 * as @flags say. @table is the ring of descriptors, in one frame. Return: false
 * when it is not that, or not right: chain_walk() finds out, and reads it again.
 */
static __always_inline bool chain_is_one(struct ivm_vq *vq, const void *table, u16 head, u16 flags,
					 struct ivm_piece *piece)
{
	struct vq_desc desc;
	void *data;
	u64 run;

	if (unlikely(head >= vq->size))
		return false;
	desc = vq_desc(table + DESC_SIZE * (u64)head);
	if ((desc.flags & (DESC_F_NEXT | DESC_F_WRITE | DESC_F_INDIRECT)) != flags)
		return false;
	/* A length of 0 wraps to more than any run. */
	if (unlikely(!vq_buffer(vq, desc.addr, &data, &run) || desc.len - 1 >= run))
		return false;
	piece->data = data;
	piece->len = desc.len;
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

static __always_inline u16 vq_head(const struct ivm_vq *vq, u16 index)
{
	return vq_get(vq, &vq->avail, AVAIL_RING(index & (vq->size - 1U)));
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
	chain->head = vq_head(vq, vq->next_avail);
	if (likely(vq->desc.ptr) && chain_is_one(vq, vq->desc.ptr, chain->head, 0, chain->piece)) {
		chain->nr_out = 1;
		chain->nr_in = 0;
		chain->out_len = chain->piece[0].len;
		chain->in_len = 0;
	} else if (unlikely(!chain_walk(vq, chain))) {
		return vq_break(vq);
	}
	vq->next_avail++;
	return 1;
}

int ivm_vq_rewalk(struct ivm_vq *vq, struct ivm_chain *chain)
{
	if (!vq_usable(vq))
		return -EIO;
	return chain_walk(vq, chain) ? 1 : vq_break(vq);
}

void ivm_vq_unpop(struct ivm_vq *vq)
{
	lockdep_assert_held(&vq->lock);
	vq->next_avail--;
}

/* Takes chains of one descriptor, as nearly all are, while they come and more is needed. */
static __always_inline void room_run(struct ivm_vq *vq, struct ivm_room *room, u32 len, unsigned int most)
{
	const void *avail = vq->avail.ptr, *table = vq->desc.ptr;
	struct ivm_piece *piece = &room->piece[room->nr_pieces];
	u16 next = vq->next_avail, seen = vq->avail_seen, head;
	unsigned int nr = room->nr, mask = vq->size - 1;
	u32 have = room->len;

	if (unlikely(!avail || !table))
		return;
	for (; have < len && nr < most && next != seen; next++, nr++, piece++) {
		head = READ_ONCE(*(const u16 *)(avail + AVAIL_RING(next & mask)));
		if (unlikely(!chain_is_one(vq, table, head, DESC_F_WRITE, piece)))
			break;
		room->chain[nr] = (struct ivm_vq_used){ .id = head, .len = piece->len };
		have += piece->len;
	}
	room->len = have;
	room->nr = nr;
	room->nr_pieces = piece - room->piece;
	vq->next_avail = next;
}

/* Takes a chain that is more than that, or in a ring that is torn. */
static noinline int room_add(struct ivm_vq *vq, struct ivm_room *room)
{
	struct ivm_chain *chain = &room->walked;

	chain->head = vq_head(vq, vq->next_avail);
	if (!chain_walk(vq, chain) || !chain->in_len)	/* a buffer that is none: no driver of sound mind */
		return vq_break(vq);
	if (room->nr_pieces - room->nr + chain->nr_in - 1 > IVM_VQ_ROOM_EXTRA)
		return -EMSGSIZE;
	memcpy(&room->piece[room->nr_pieces], &chain->piece[chain->nr_out], chain->nr_in * sizeof(*chain->piece));
	room->chain[room->nr++] = (struct ivm_vq_used){ .id = chain->head, .len = chain->in_len };
	room->nr_pieces += chain->nr_in;
	room->len += chain->in_len;
	vq->next_avail++;
	return 0;
}

int ivm_vq_pop_room(struct ivm_vq *vq, struct ivm_room *room, u32 len, unsigned int most)
{
	int ret;

	if (!vq_usable(vq))
		return vq->enabled ? -EIO : 0;
	for (;;) {
		room_run(vq, room, len, most);
		if (likely(room->len >= len))
			return 1;
		if (unlikely(room->nr == most))
			return -EMSGSIZE;
		if (vq->avail_seen == vq->next_avail) {
			ret = vq_look(vq);
			if (unlikely(ret <= 0))
				return ret;
		} else {
			ret = room_add(vq, room);
			if (unlikely(ret))
				return ret;
		}
	}
}

void ivm_vq_unpop_room(struct ivm_vq *vq, const struct ivm_room *room)
{
	lockdep_assert_held(&vq->lock);
	vq->next_avail -= room->nr;
}

bool ivm_vq_pending(struct ivm_vq *vq)
{
	if (!vq_usable(vq))
		return false;
	return vq->avail_seen != vq->next_avail || vq_get(vq, &vq->avail, AVAIL_IDX) != vq->next_avail;
}

/* ---- what is in a chain ---- */

u32 ivm_chain_read(const struct ivm_chain *chain, u32 offset, void *to, u32 len)
{
	u32 n, done = 0;
	unsigned int i;

	for (i = 0; i < chain->nr_out && done < len; i++) {
		const struct ivm_piece *piece = &chain->piece[i];

		if (offset >= piece->len) {
			offset -= piece->len;
			continue;
		}
		n = min(piece->len - offset, len - done);
		memcpy(to + done, piece->data + offset, n);
		done += n;
		offset = 0;
	}
	barrier();	/* decide by the copy */
	return done;
}

void ivm_chain_write(const struct ivm_chain *chain, const void *from, u32 len)
{
	const struct ivm_piece *piece = &chain->piece[chain->nr_out];
	u32 n;

	for (; len; piece++) {
		n = min(piece->len, len);
		memcpy(piece->data, from, n);
		from += n;
		len -= n;
	}
}

/* ---- giving back ---- */

static __always_inline void vq_put_used(const struct ivm_vq *vq, u16 index, struct ivm_vq_used used)
{
	u64 entry = USED_RING(index & (vq->size - 1U));

	if (likely(vq->used.ptr)) {
		put_unaligned(used.id | (u64)used.len << 32, (u64 *)(vq->used.ptr + entry));
	} else {
		/* Entries are aligned to 4 bytes only: one may lie in two frames. */
		WRITE_ONCE(*(u32 *)vq_at(vq, &vq->used, entry), used.id);
		WRITE_ONCE(*(u32 *)vq_at(vq, &vq->used, entry + 4), used.len);
	}
}

void ivm_vq_push(struct ivm_vq *vq, u16 head, u32 len)
{
	if (vq_usable(vq))
		vq_put_used(vq, vq->next_used++, (struct ivm_vq_used){ .id = head, .len = len });
}

void ivm_vq_push_room(struct ivm_vq *vq, struct ivm_room *room, u32 len)
{
	unsigned int i, nr = room->nr;
	u16 next = vq->next_used;

	if (!vq_usable(vq) || !nr)
		return;
	room->chain[nr - 1].len -= room->len - len;
	for (i = 0; i < nr; i++)
		vq_put_used(vq, next++, room->chain[i]);
	vq->next_used = next;
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
