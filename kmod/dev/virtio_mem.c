// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device virtio-mem (virtio 1.2, 5.15): a region of guest memory in blocks,
 * of which the driver asks for some, and gives some back.
 *
 * There are two accounts of the blocks. What the driver has is ->plugged: it
 * changes with the answer to a request, all of its blocks or none. What the
 * layer above was asked for is ->present: a large PLUG is done in slices, and
 * what cannot be had as a whole is given back. Blocks that the host would not take
 * then stay present, and are there for the next PLUG.
 *
 * A PLUG holds if it could be answered: a driver that reset the device in the
 * meantime, or another one, knows nothing of it.
 *
 * The layer above sleeps, and UNPLUG may take any memory of the guest's: a
 * request is copied, then the queue's lock is given up, and of the chain no more
 * is kept than where it begins.
 */
#include "dev.h"
#include "virtio.h"

#include <linux/ivm.h>

#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/virtio_mem.h>
#include <asm/byteorder.h>

#define MEM_ID		24		/* virtio device id */
#define MEM_CLASS	0x00ff00	/* of no class that PCI knows */
#define MEM_QUEUE_SIZE	64
#define MEM_OFFERED	BIT_ULL(VIRTIO_MEM_F_UNPLUGGED_INACCESSIBLE)

#define MEM_SLICE	32		/* blocks in a call of ivm_virtio_mem_work() */

static_assert(sizeof(struct virtio_mem_config) == 56);

/* As the standard has them, for all types of request. */
struct mem_request {
	__le16 type;
	__le16 padding[3];
	__le64 addr;
	__le16 nb_blocks;
	__le16 padding2[3];
};

struct mem_response {
	__le16 type;
	__le16 padding[3];
	__le16 state;
} __packed;

static_assert(sizeof(struct mem_request) == 24);
static_assert(sizeof(struct mem_response) == 10);

/* What is to be done next for the request that is under way. */
enum mem_phase {
	MEM_IDLE,		/* there is none */
	MEM_PLUG,
	MEM_PLUG_UNDO,
	MEM_UNPLUG_ALL,
};

/*
 * (c) constant  (l) vq->lock  (w) whoever is in ivm_virtio_mem_work()
 * (a) one word, written by one, read by anybody
 */
struct ivm_virtio_mem {
	const struct ivm_room_ops *ops;	/* (c) */
	void *ctx;			/* (c) */
	struct ivm_virtio *virtio;	/* (c) */
	struct ivm_vq *vq;		/* (c) */
	u64 base, size;			/* (c) */
	unsigned int nr_blocks;		/* (c) */

	bool open;			/* (l) between start() and stop() */
	u32 session;			/* (l) another one with each driver */

	unsigned long *plugged;		/* (w) by block: the driver has it */
	unsigned long *present;		/* (w) by block: the VM has it */
	u64 plugged_size;		/* (a) bytes of ->plugged */
	u64 usable, wanted;		/* (a) bytes; by ivm_virtio_mem_set() */

	enum mem_phase phase;		/* (w) */
	struct ivm_chain chain;		/* (w) of the request; its pieces, (l) */
	u32 from;			/* (w) whose request it is, by ->session */
	unsigned int first, end, at;	/* (w) its blocks, and the next one to look at */
	u16 refusal;			/* (w) what a PLUG is answered once it is undone */

	u64 answers[4];			/* (a) by VIRTIO_MEM_RESP_* */
	u64 broken;			/* (a) */
};

static u64 block_address(const struct ivm_virtio_mem *mem, unsigned int block)
{
	return mem->base + block * IVM_MEMORY_ALIGN;
}

/* ---- answers ---- */

/* The queue cannot be used any more, until there is another driver. Lock held. */
static void mem_shut(struct ivm_virtio_mem *mem)
{
	mem->open = false;
	WRITE_ONCE(mem->broken, mem->broken + 1);
}

/* A chain without room for an answer: no driver of sound mind. Lock held. */
static bool mem_has_room(struct ivm_virtio_mem *mem)
{
	if (mem->chain.in_len >= sizeof(struct mem_response))
		return true;
	ivm_virtio_broken(mem->virtio);
	return false;
}

/* Return: whether the driver gets the answer. Lock held. */
static bool mem_respond(struct ivm_virtio_mem *mem, u16 answer, u16 state)
{
	const struct mem_response response = { .type = cpu_to_le16(answer), .state = cpu_to_le16(state) };

	if (!mem->open || mem->session != mem->from)
		return false;
	if (ivm_vq_rewalk(mem->vq, &mem->chain) < 0 || !mem_has_room(mem)) {
		mem_shut(mem);
		return false;
	}
	ivm_chain_write(&mem->chain, &response, sizeof(response));
	ivm_vq_push(mem->vq, mem->chain.head, sizeof(response));
	WRITE_ONCE(mem->answers[answer], mem->answers[answer] + 1);
	return true;
}

static void mem_account(struct ivm_virtio_mem *mem, unsigned int first, unsigned int nr, bool plugged)
{
	if (plugged)
		bitmap_set(mem->plugged, first, nr);
	else
		bitmap_clear(mem->plugged, first, nr);
	WRITE_ONCE(mem->plugged_size, bitmap_weight(mem->plugged, mem->nr_blocks) * IVM_MEMORY_ALIGN);
}

/*
 * The end of a request. Blocks that a PLUG brought are the driver's when it reads
 * the answer, and only if it does. Return: whether it will.
 */
static bool mem_finish(struct ivm_virtio_mem *mem, u16 answer, u16 state, bool plugs)
{
	bool interrupt, told;

	spin_lock_bh(&mem->vq->lock);
	told = mem_respond(mem, answer, state);
	if (told && plugs)
		mem_account(mem, mem->first, mem->end - mem->first, true);
	interrupt = told && ivm_vq_publish(mem->vq);
	spin_unlock_bh(&mem->vq->lock);
	if (interrupt)
		ivm_vq_interrupt(mem->vq);
	mem->phase = MEM_IDLE;
	return told;
}

static void mem_answer(struct ivm_virtio_mem *mem, u16 answer)
{
	mem_finish(mem, answer, 0, false);
}

static bool mem_abandoned(struct ivm_virtio_mem *mem)
{
	bool abandoned;

	spin_lock_bh(&mem->vq->lock);
	abandoned = !mem->open || mem->session != mem->from;
	spin_unlock_bh(&mem->vq->lock);
	return abandoned;
}

/* ---- requests ---- */

/* The first run of blocks from ->at on that is present, or not, cut to a slice. Return: how many; 0: there is none. */
static unsigned int mem_run(struct ivm_virtio_mem *mem, bool present, unsigned int *start)
{
	unsigned int stop;

	*start = present ? find_next_bit(mem->present, mem->end, mem->at) :
			   find_next_zero_bit(mem->present, mem->end, mem->at);
	stop = min(mem->end, *start + MEM_SLICE);
	stop = present ? find_next_zero_bit(mem->present, stop, *start) : find_next_bit(mem->present, stop, *start);
	mem->at = stop;
	return stop - *start;
}

static int mem_unplug(struct ivm_virtio_mem *mem, unsigned int first, unsigned int nr)
{
	int err = mem->ops->unplug(mem->ctx, block_address(mem, first), nr * IVM_MEMORY_ALIGN);

	if (!err)
		bitmap_clear(mem->present, first, nr);
	return err;
}

static void mem_undo(struct ivm_virtio_mem *mem)
{
	mem->phase = MEM_PLUG_UNDO;
	mem->at = mem->first;
}

static void mem_plug_slice(struct ivm_virtio_mem *mem)
{
	unsigned int start, nr;
	int err;

	nr = mem_run(mem, false, &start);
	if (!nr) {
		if (!mem_finish(mem, VIRTIO_MEM_RESP_ACK, 0, true))
			mem_undo(mem);
		return;
	}
	err = mem_abandoned(mem) ? -ESTALE :
	      mem->ops->plug(mem->ctx, block_address(mem, start), nr * IVM_MEMORY_ALIGN);
	if (!err) {
		bitmap_set(mem->present, start, nr);
		return;
	}
	mem->refusal = err == -ENOSPC ? VIRTIO_MEM_RESP_NACK : VIRTIO_MEM_RESP_BUSY;
	mem_undo(mem);
}

/* What the host does not take stays present. */
static void mem_undo_slice(struct ivm_virtio_mem *mem)
{
	unsigned int start, nr;

	nr = mem_run(mem, true, &start);
	if (nr)
		mem_unplug(mem, start, nr);
	else
		mem_answer(mem, mem->refusal);
}

/* A driver that begins anew wants to get rid of what it does not know: no order and no whole is to be kept. */
static void mem_unplug_all_slice(struct ivm_virtio_mem *mem)
{
	unsigned int start, nr;

	if (mem_abandoned(mem)) {
		mem->phase = MEM_IDLE;
		return;
	}
	nr = mem_run(mem, true, &start);
	if (!nr)
		mem_answer(mem, VIRTIO_MEM_RESP_ACK);
	else if (mem_unplug(mem, start, nr))
		mem_answer(mem, VIRTIO_MEM_RESP_BUSY);
	else
		mem_account(mem, start, nr, false);
}

static void mem_begin_plug(struct ivm_virtio_mem *mem)
{
	u64 len = (mem->end - mem->first) * IVM_MEMORY_ALIGN;

	if (find_next_bit(mem->plugged, mem->end, mem->first) < mem->end)
		mem_answer(mem, VIRTIO_MEM_RESP_ERROR);
	else if (mem->plugged_size + len > READ_ONCE(mem->wanted))
		mem_answer(mem, VIRTIO_MEM_RESP_NACK);
	else
		mem->phase = MEM_PLUG;
}

/* In one go, so that it is all or nothing. */
static void mem_begin_unplug(struct ivm_virtio_mem *mem)
{
	unsigned int nr = mem->end - mem->first;

	if (find_next_zero_bit(mem->plugged, mem->end, mem->first) < mem->end) {
		mem_answer(mem, VIRTIO_MEM_RESP_ERROR);
	} else if (mem_unplug(mem, mem->first, nr)) {
		mem_answer(mem, VIRTIO_MEM_RESP_BUSY);
	} else {
		mem_account(mem, mem->first, nr, false);
		mem_answer(mem, VIRTIO_MEM_RESP_ACK);
	}
}

static void mem_state(struct ivm_virtio_mem *mem)
{
	u16 state = VIRTIO_MEM_STATE_MIXED;

	if (find_next_zero_bit(mem->plugged, mem->end, mem->first) >= mem->end)
		state = VIRTIO_MEM_STATE_PLUGGED;
	else if (find_next_bit(mem->plugged, mem->end, mem->first) >= mem->end)
		state = VIRTIO_MEM_STATE_UNPLUGGED;
	mem_finish(mem, VIRTIO_MEM_RESP_ACK, state, false);
}

/* The blocks that a request is about: all of them usable. */
static bool mem_range(struct ivm_virtio_mem *mem, const struct mem_request *request)
{
	u64 offset = le64_to_cpu(request->addr) - mem->base;	/* wraps to huge below it */
	u64 usable = READ_ONCE(mem->usable), nr = le16_to_cpu(request->nb_blocks);

	if (!nr || offset % IVM_MEMORY_ALIGN || offset >= usable || nr > (usable - offset) / IVM_MEMORY_ALIGN)
		return false;
	mem->first = offset / IVM_MEMORY_ALIGN;
	mem->end = mem->first + nr;
	mem->at = mem->first;
	return true;
}

static void mem_begin(struct ivm_virtio_mem *mem, const struct mem_request *request)
{
	u16 type = le16_to_cpu(request->type);

	if (type == VIRTIO_MEM_REQ_UNPLUG_ALL) {
		mem->first = 0;
		mem->end = mem->nr_blocks;
		mem->at = 0;
		mem->phase = MEM_UNPLUG_ALL;
	} else if (!mem_range(mem, request)) {
		mem_answer(mem, VIRTIO_MEM_RESP_ERROR);
	} else if (type == VIRTIO_MEM_REQ_PLUG) {
		mem_begin_plug(mem);
	} else if (type == VIRTIO_MEM_REQ_UNPLUG) {
		mem_begin_unplug(mem);
	} else if (type == VIRTIO_MEM_REQ_STATE) {
		mem_state(mem);
	} else {
		mem_answer(mem, VIRTIO_MEM_RESP_ERROR);
	}
}

/* Return: 1 there is one, copied as far as it goes; 0 none; -EAGAIN one may have come just now. Lock held. */
static int mem_pop(struct ivm_virtio_mem *mem, struct mem_request *request)
{
	int ret;

	if (!mem->open)
		return 0;
	ret = ivm_vq_pop(mem->vq, &mem->chain);
	if (!ret)
		return ivm_vq_notify_enable(mem->vq) ? -EAGAIN : 0;
	if (ret < 0 || !mem_has_room(mem)) {
		mem_shut(mem);
		return 0;
	}
	mem->from = mem->session;
	ivm_chain_read(&mem->chain, 0, request, sizeof(*request));
	return 1;
}

/* Return: whether to look again. */
static bool mem_next(struct ivm_virtio_mem *mem)
{
	struct mem_request request;
	int ret;

	spin_lock_bh(&mem->vq->lock);
	ret = mem_pop(mem, &request);
	spin_unlock_bh(&mem->vq->lock);
	if (ret > 0) {
		if (mem->chain.out_len == sizeof(request))
			mem_begin(mem, &request);
		else
			mem_answer(mem, VIRTIO_MEM_RESP_ERROR);
	}
	return ret;
}

bool ivm_virtio_mem_work(struct ivm_virtio_mem *mem)
{
	switch (mem->phase) {
	case MEM_PLUG:
		mem_plug_slice(mem);
		return true;
	case MEM_PLUG_UNDO:
		mem_undo_slice(mem);
		return true;
	case MEM_UNPLUG_ALL:
		mem_unplug_all_slice(mem);
		return true;
	default:
		return mem_next(mem);
	}
}

/* ---- what the transport asks ---- */

/* Blocks that are not plugged are not there: a driver that does not know that would run into them. */
static bool mem_features(void *dev, u64 features)
{
	return features & MEM_OFFERED;
}

static void mem_start(void *dev)
{
	struct ivm_virtio_mem *mem = dev;
	unsigned long flags;

	spin_lock_irqsave(&mem->vq->lock, flags);
	mem->open = mem->vq->enabled;
	mem->session++;
	spin_unlock_irqrestore(&mem->vq->lock, flags);
	mem->ops->defer(mem->ctx);
}

static void mem_stop(void *dev)
{
	struct ivm_virtio_mem *mem = dev;
	unsigned long flags;

	spin_lock_irqsave(&mem->vq->lock, flags);
	mem->open = false;
	spin_unlock_irqrestore(&mem->vq->lock, flags);
}

static void mem_notify(void *dev, unsigned int queue)
{
	struct ivm_virtio_mem *mem = dev;

	mem->ops->defer(mem->ctx);
}

static u32 mem_config_read(void *dev, unsigned int offset, unsigned int size)
{
	const struct ivm_virtio_mem *mem = dev;
	const struct virtio_mem_config config = {
		.block_size = cpu_to_le64(IVM_MEMORY_ALIGN),
		.addr = cpu_to_le64(mem->base),
		.region_size = cpu_to_le64(mem->size),
		.usable_region_size = cpu_to_le64(READ_ONCE(mem->usable)),
		.plugged_size = cpu_to_le64(READ_ONCE(mem->plugged_size)),
		.requested_size = cpu_to_le64(READ_ONCE(mem->wanted)),
	};
	u32 value = 0;

	memcpy(&value, (const u8 *)&config + offset, size);
	return value;
}

/* All fields are read-only. */
static void mem_config_write(void *dev, unsigned int offset, unsigned int size, u32 value)
{
}

static const struct ivm_virtio_ops mem_virtio_ops = {
	.features = mem_features,
	.start = mem_start,
	.stop = mem_stop,
	.notify = mem_notify,
	.config_read = mem_config_read,
	.config_write = mem_config_write,
};

static const struct ivm_virtio_type mem_virtio_type = {
	.id = MEM_ID,
	.class_code = MEM_CLASS,
	.config_size = sizeof(struct virtio_mem_config),
	.ops = &mem_virtio_ops,
};

/* ---- what the layer above asks ---- */

/* The usable region never shrinks while a driver may know it (5.15.4.2), and all that is wanted is usable. */
void ivm_virtio_mem_set(struct ivm_virtio_mem *mem, u64 usable, u64 wanted)
{
	wanted = min(wanted, mem->size);
	usable = max(min(max(usable, wanted), mem->size), mem->usable);
	if (usable == mem->usable && wanted == mem->wanted)
		return;
	WRITE_ONCE(mem->usable, usable);
	WRITE_ONCE(mem->wanted, wanted);
	ivm_virtio_config_changed(mem->virtio);
}

void ivm_virtio_mem_info(struct ivm_virtio_mem *mem, struct ivm_virtio_mem_info *info)
{
	*info = (struct ivm_virtio_mem_info){
		.driver = ivm_virtio_live(mem->virtio),
		.plugged = READ_ONCE(mem->plugged_size),
		.acked = READ_ONCE(mem->answers[VIRTIO_MEM_RESP_ACK]),
		.nacked = READ_ONCE(mem->answers[VIRTIO_MEM_RESP_NACK]),
		.busy = READ_ONCE(mem->answers[VIRTIO_MEM_RESP_BUSY]),
		.bad = READ_ONCE(mem->answers[VIRTIO_MEM_RESP_ERROR]),
		.broken = READ_ONCE(mem->broken),
	};
}

void ivm_virtio_mem_memory_goes(struct ivm_virtio_mem *mem, u64 gpa, u64 len)
{
	if (ivm_virtio_memory_goes(mem->virtio, gpa, len))
		mem->ops->defer(mem->ctx);	/* it finds out, and counts */
}

void ivm_virtio_mem_memory_gone(struct ivm_virtio_mem *mem)
{
	ivm_virtio_memory_gone(mem->virtio);
}

void ivm_virtio_mem_reset(struct ivm_virtio_mem *mem)
{
	ivm_virtio_reset(mem->virtio);
	mem->phase = MEM_IDLE;
	bitmap_zero(mem->present, mem->nr_blocks);
	bitmap_zero(mem->plugged, mem->nr_blocks);
	WRITE_ONCE(mem->plugged_size, 0);
}

static void mem_free(struct ivm_virtio_mem *mem)
{
	kvfree(mem->present);
	kvfree(mem->plugged);
	kvfree(mem);
}

static struct ivm_virtio_mem *mem_alloc(unsigned int nr_blocks)
{
	struct ivm_virtio_mem *mem = kvzalloc(sizeof(*mem), GFP_KERNEL);

	if (!mem)
		return NULL;
	mem->nr_blocks = nr_blocks;
	mem->plugged = kvcalloc(BITS_TO_LONGS(nr_blocks), sizeof(long), GFP_KERNEL);
	mem->present = kvcalloc(BITS_TO_LONGS(nr_blocks), sizeof(long), GFP_KERNEL);
	if (mem->plugged && mem->present)
		return mem;
	mem_free(mem);
	return NULL;
}

struct ivm_virtio_mem *ivm_virtio_mem_create(const struct ivm_virtio_room_params *params, u64 base, u64 size,
					     const struct ivm_room_ops *ops, void *ctx)
{
	struct ivm_virtio_mem *mem = mem_alloc(size / IVM_MEMORY_ALIGN);
	int err;

	if (!mem)
		return ERR_PTR(-ENOMEM);
	mem->ops = ops;
	mem->ctx = ctx;
	mem->base = base;
	mem->size = size;
	mem->virtio = ivm_virtio_create(params->pci, params->slot, params->irq, params->space, &mem_virtio_type,
					MEM_OFFERED, 1, MEM_QUEUE_SIZE, mem);
	if (IS_ERR(mem->virtio)) {
		err = PTR_ERR(mem->virtio);
		mem_free(mem);
		return ERR_PTR(err);
	}
	mem->vq = ivm_virtio_queue(mem->virtio, 0);
	return mem;
}

void ivm_virtio_mem_destroy(struct ivm_virtio_mem *mem)
{
	if (!mem)
		return;
	ivm_virtio_destroy(mem->virtio);
	mem_free(mem);
}
