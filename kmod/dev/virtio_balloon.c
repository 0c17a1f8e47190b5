// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device balloon (virtio 1.2, 5.5) over the memory that a VM begins with:
 * pages that the driver gives, and takes back.
 *
 * Memory goes and comes in blocks. Of each page it is known whether the driver
 * gave it (->given). A block all of whose pages were given is ->whole until it
 * is unplugged, then ->released; so a released block's pages are all given. Who
 * takes one of them back gets its block first, and the answer then.
 *
 * A driver that begins anew has given nothing: what it says must not be mixed
 * with what another one said. So what is done first after one has gone is to forget
 * the pages, and to bring released blocks back (->owed): a kernel that is started
 * by another one believes that it has all memory.
 *
 * The layer above sleeps, and an unplug may take any memory of the guest's: page
 * numbers are copied, some at a time, then the queue's lock is given up.
 */
#include "dev.h"
#include "virtio.h"

#include <linux/ivm.h>

#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/time64.h>
#include <linux/timekeeping.h>
#include <linux/virtio_balloon.h>
#include <asm/byteorder.h>

#define BALLOON_ID		5		/* virtio device id */
#define BALLOON_CLASS		0x00ff00	/* of no class that PCI knows */
#define BALLOON_QUEUE_SIZE	128
#define BALLOON_OFFERED		(BIT_ULL(VIRTIO_BALLOON_F_MUST_TELL_HOST) | BIT_ULL(VIRTIO_BALLOON_F_STATS_VQ))

#define BALLOON_PAGE		(1ULL << VIRTIO_BALLOON_PFN_SHIFT)
#define BALLOON_BLOCK_PAGES	((unsigned int)(IVM_MEMORY_ALIGN / BALLOON_PAGE))

/* In a call of ivm_virtio_balloon_work(). */
#define BALLOON_PFNS		256	/* pages of a queue: as many as Linux has in a chain */
#define BALLOON_SLICE		32	/* blocks plugged or unplugged */

#define BALLOON_STATS		64	/* entries that are looked at; the standard has fewer tags */
#define BALLOON_STATS_NS	NSEC_PER_SEC

enum { QUEUE_INFLATE, QUEUE_DEFLATE, QUEUE_STATS, QUEUES };

/* As the standard has them, up to what belongs to features that are not offered. */
struct balloon_config {
	__le32 num_pages;
	__le32 actual;
};

struct balloon_stat {
	__le16 tag;
	__le64 val;
} __packed;

/* (c) constant  (l) vq->lock  (w) whoever is in ivm_virtio_balloon_work() */
struct balloon_queue {
	struct ivm_vq *vq;		/* (c) */
	bool open;			/* (l) between start() and stop() */
	bool busy;			/* (w) a chain is under way; of statistics: (l), it is kept */
	u32 at;				/* (w) bytes of it that were read */
	struct ivm_chain chain;		/* (w) its pieces: (l) */
};

/*
 * (c) constant  (w) whoever is in ivm_virtio_balloon_work()  (t) the transport's lock
 * (s) that of the queue of statistics  (a) one word, written by one, read by anybody
 */
struct ivm_virtio_balloon {
	const struct ivm_room_ops *ops;	/* (c) */
	void *ctx;			/* (c) */
	struct ivm_virtio *virtio;	/* (c) */
	unsigned int low_blocks;	/* (c) from 0; those behind are from IVM_MEMORY_HIGH_BASE */
	unsigned int nr_blocks;		/* (c) */

	u32 num_pages;			/* (a) that the driver is to give */
	u32 actual;			/* (t) that it says it gave */
	u32 session;			/* (a) another one with each driver; changes while all queues are closed */

	struct balloon_queue queue[QUEUES];
	u32 known;			/* (w) the session that all below is about */
	bool shut;			/* (w) a ring is broken */
	unsigned long *given;		/* (w) by page */
	unsigned long *whole;		/* (w) by block */
	unsigned long *released;	/* (w) by block */
	unsigned long *owed;		/* (w) by block: released for a driver that is gone */
	unsigned int retry;		/* (w) block from which on whole ones are tried */
	unsigned int budget;		/* (w) blocks that may be plugged yet */
	__le32 pfn[BALLOON_PFNS];	/* (w) */
	u64 pages, blocks;		/* (a) given, released */
	u64 bad, denied, broken;	/* (a) */

	bool has_stats;			/* (s) */
	u64 total, free, available;	/* (s) */
	u64 stats_ns;			/* (s) */
	struct balloon_stat stat[BALLOON_STATS];	/* (s) */
};

/* ---- pages and blocks ---- */

static unsigned int nr_pages(const struct ivm_virtio_balloon *balloon)
{
	return balloon->nr_blocks * BALLOON_BLOCK_PAGES;
}

static u64 block_address(const struct ivm_virtio_balloon *balloon, unsigned int block)
{
	if (block < balloon->low_blocks)
		return block * IVM_MEMORY_ALIGN;
	return IVM_MEMORY_HIGH_BASE + (block - balloon->low_blocks) * IVM_MEMORY_ALIGN;
}

/* Return: false when the VM has no such page. */
static bool balloon_page(const struct ivm_virtio_balloon *balloon, u32 pfn, unsigned int *page)
{
	const u32 high = IVM_MEMORY_HIGH_BASE / BALLOON_PAGE;
	unsigned int low_pages = balloon->low_blocks * BALLOON_BLOCK_PAGES;

	if (pfn < low_pages) {
		*page = pfn;
		return true;
	}
	*page = low_pages + (pfn - high);
	return pfn - high < nr_pages(balloon) - low_pages;	/* wraps to huge below it */
}

static void count(u64 *counter)
{
	WRITE_ONCE(*counter, *counter + 1);
}

/* The first run of blocks from @from on in @map, cut to a slice, and where low memory ends. Return: how many. */
static unsigned int balloon_run(const struct ivm_virtio_balloon *balloon, const unsigned long *map, unsigned int from,
				unsigned int *start)
{
	unsigned int stop;

	*start = find_next_bit(map, balloon->nr_blocks, from);
	stop = *start < balloon->low_blocks ? balloon->low_blocks : balloon->nr_blocks;
	stop = min(stop, *start + BALLOON_SLICE);
	return find_next_zero_bit(map, stop, *start) - *start;
}

static int balloon_plug(struct ivm_virtio_balloon *balloon, unsigned int start, unsigned int nr)
{
	int err = balloon->ops->plug(balloon->ctx, block_address(balloon, start), nr * IVM_MEMORY_ALIGN);

	if (err)
		return err;
	bitmap_clear(balloon->released, start, nr);
	WRITE_ONCE(balloon->blocks, balloon->blocks - nr);
	return 0;
}

static void balloon_give(struct ivm_virtio_balloon *balloon, u32 pfn)
{
	unsigned int page, block;

	if (!balloon_page(balloon, pfn, &page) || test_bit(page, balloon->given)) {
		count(&balloon->bad);
		return;
	}
	__set_bit(page, balloon->given);
	count(&balloon->pages);
	block = page / BALLOON_BLOCK_PAGES;
	if (bitmap_full(balloon->given + BIT_WORD(block * BALLOON_BLOCK_PAGES), BALLOON_BLOCK_PAGES)) {
		__set_bit(block, balloon->whole);
		balloon->retry = 0;
	}
}

static void balloon_take(struct ivm_virtio_balloon *balloon, u32 pfn)
{
	unsigned int page, block;

	if (!balloon_page(balloon, pfn, &page) || !test_bit(page, balloon->given) ||
	    test_bit(page / BALLOON_BLOCK_PAGES, balloon->owed)) {
		count(&balloon->bad);
		return;
	}
	block = page / BALLOON_BLOCK_PAGES;
	if (test_bit(block, balloon->released)) {
		balloon->budget--;
		if (balloon_plug(balloon, block, 1)) {
			count(&balloon->denied);
			return;
		}
	}
	__clear_bit(page, balloon->given);
	__clear_bit(block, balloon->whole);
	WRITE_ONCE(balloon->pages, balloon->pages - 1);
}

/*
 * Whole blocks go, a run of neighbours at a time. A run that cannot be unplugged
 * is tried again when the driver has given another block. Return: whether there
 * may be more.
 */
static bool balloon_release(struct ivm_virtio_balloon *balloon)
{
	unsigned int start, nr;

	if (balloon->retry == balloon->nr_blocks || READ_ONCE(balloon->session) != balloon->known)
		return false;
	nr = balloon_run(balloon, balloon->whole, balloon->retry, &start);
	balloon->retry = start + nr;
	if (nr && !balloon->ops->unplug(balloon->ctx, block_address(balloon, start), nr * IVM_MEMORY_ALIGN)) {
		bitmap_clear(balloon->whole, start, nr);
		bitmap_set(balloon->released, start, nr);
		WRITE_ONCE(balloon->blocks, balloon->blocks + nr);
	}
	return nr;
}

/* ---- a driver that is gone ---- */

/* The session changes while queues are closed: none of its chains was popped yet. */
static void balloon_forget(struct ivm_virtio_balloon *balloon, u32 session)
{
	unsigned int block;

	balloon->known = session;
	balloon->shut = false;
	balloon->queue[QUEUE_INFLATE].busy = false;
	balloon->queue[QUEUE_DEFLATE].busy = false;
	balloon->retry = balloon->nr_blocks;
	bitmap_zero(balloon->whole, balloon->nr_blocks);
	bitmap_copy(balloon->owed, balloon->released, balloon->nr_blocks);
	bitmap_zero(balloon->given, nr_pages(balloon));
	for_each_set_bit(block, balloon->owed, balloon->nr_blocks)
		bitmap_set(balloon->given, block * BALLOON_BLOCK_PAGES, BALLOON_BLOCK_PAGES);
	WRITE_ONCE(balloon->pages, balloon->blocks * BALLOON_BLOCK_PAGES);
}

/* Return: whether there may be more; what could not be brought back is tried again next time. */
static bool balloon_bring_back(struct ivm_virtio_balloon *balloon)
{
	unsigned int start, nr;

	nr = balloon_run(balloon, balloon->owed, 0, &start);
	if (!nr || balloon_plug(balloon, start, nr))
		return false;
	bitmap_clear(balloon->owed, start, nr);
	bitmap_clear(balloon->given, start * BALLOON_BLOCK_PAGES, nr * BALLOON_BLOCK_PAGES);
	WRITE_ONCE(balloon->pages, balloon->pages - nr * BALLOON_BLOCK_PAGES);
	return true;
}

/* ---- queues ---- */

/* Is the queue of the driver that all is known of? Its lock is held. */
static bool queue_usable(const struct ivm_virtio_balloon *balloon, const struct balloon_queue *queue)
{
	return queue->open && READ_ONCE(balloon->session) == balloon->known;
}

/* The queue cannot be used any more, until there is another driver; nor can its siblings. Its lock is held. */
static void balloon_shut(struct ivm_virtio_balloon *balloon, struct balloon_queue *queue)
{
	queue->open = false;
	if (!balloon->shut)
		count(&balloon->broken);
	balloon->shut = true;
}

/*
 * Copies page numbers, of the chain under way or the next one. Return: how many,
 * 0 at the end of a chain; -ENOENT there is none; -EAGAIN one may have come just
 * now. Lock held.
 */
static int balloon_read(struct ivm_virtio_balloon *balloon, struct balloon_queue *queue)
{
	int ret;

	if (!queue_usable(balloon, queue))
		return -ENOENT;
	ret = queue->busy ? ivm_vq_rewalk(queue->vq, &queue->chain) : ivm_vq_pop(queue->vq, &queue->chain);
	if (!ret)
		return ivm_vq_notify_enable(queue->vq) ? -EAGAIN : -ENOENT;
	if (ret < 0) {
		balloon_shut(balloon, queue);
		return -ENOENT;
	}
	if (!queue->busy)
		queue->at = 0;
	queue->busy = true;
	return ivm_chain_read(&queue->chain, queue->at, balloon->pfn, sizeof(balloon->pfn)) / sizeof(*balloon->pfn);
}

/* The chain is done with: the driver gets it back. */
static void balloon_done(struct ivm_virtio_balloon *balloon, struct balloon_queue *queue)
{
	bool interrupt = false;

	spin_lock_bh(&queue->vq->lock);
	if (queue_usable(balloon, queue)) {
		ivm_vq_push(queue->vq, queue->chain.head, 0);
		interrupt = ivm_vq_publish(queue->vq);
	}
	spin_unlock_bh(&queue->vq->lock);
	if (interrupt)
		ivm_vq_interrupt(queue->vq);
	queue->busy = false;
}

/* Some pages of a chain. Return: whether there may be more. */
static bool balloon_pages(struct ivm_virtio_balloon *balloon, struct balloon_queue *queue,
			  void (*page)(struct ivm_virtio_balloon *balloon, u32 pfn))
{
	int i, nr;

	spin_lock_bh(&queue->vq->lock);
	nr = balloon_read(balloon, queue);
	spin_unlock_bh(&queue->vq->lock);
	if (nr < 0)
		return nr == -EAGAIN;
	balloon->budget = BALLOON_SLICE;
	for (i = 0; i < nr && balloon->budget; i++)
		page(balloon, le32_to_cpu(balloon->pfn[i]));
	queue->at += i * sizeof(*balloon->pfn);
	if (queue->at + sizeof(*balloon->pfn) > queue->chain.out_len)
		balloon_done(balloon, queue);
	return true;
}

/* ---- statistics ---- */

static void balloon_stat(struct ivm_virtio_balloon *balloon, u16 tag, u64 val)
{
	switch (tag) {
	case VIRTIO_BALLOON_S_MEMFREE:
		balloon->free = val;
		break;
	case VIRTIO_BALLOON_S_MEMTOT:
		balloon->total = val;
		break;
	case VIRTIO_BALLOON_S_AVAIL:
		balloon->available = val;
		break;
	default:
		return;
	}
	balloon->has_stats = true;
}

static void balloon_forget_stats(struct ivm_virtio_balloon *balloon)
{
	balloon->has_stats = false;
	balloon->total = ~0ULL;
	balloon->free = ~0ULL;
	balloon->available = ~0ULL;
}

static void balloon_read_stats(struct ivm_virtio_balloon *balloon, const struct ivm_chain *chain)
{
	struct balloon_stat *stat = balloon->stat;
	unsigned int i, nr;

	balloon_forget_stats(balloon);
	nr = ivm_chain_read(chain, 0, stat, sizeof(balloon->stat)) / sizeof(*stat);
	for (i = 0; i < nr; i++)
		balloon_stat(balloon, le16_to_cpu(stat[i].tag), le64_to_cpu(stat[i].val));
	balloon->stats_ns = ktime_get_boottime_ns();
}

/* The driver's statistics come in a chain that is kept until others are wanted. Return: whether one may have come just now. */
static bool balloon_stats(struct ivm_virtio_balloon *balloon)
{
	struct balloon_queue *queue = &balloon->queue[QUEUE_STATS];
	bool more = false;
	int ret;

	spin_lock_bh(&queue->vq->lock);
	if (queue_usable(balloon, queue) && !queue->busy) {
		ret = ivm_vq_pop(queue->vq, &queue->chain);
		if (ret > 0) {
			queue->busy = true;
			balloon_read_stats(balloon, &queue->chain);
		} else if (ret < 0) {
			balloon_shut(balloon, queue);
		}
		more = ivm_vq_notify_enable(queue->vq) && !queue->busy;
	}
	spin_unlock_bh(&queue->vq->lock);
	return more;
}

/* Others are wanted: the chain goes back. Return: whether to interrupt the driver. Lock of the queue held. */
static bool balloon_ask_stats(struct ivm_virtio_balloon *balloon, struct balloon_queue *queue)
{
	if (!queue->busy || ktime_get_boottime_ns() - balloon->stats_ns < BALLOON_STATS_NS)
		return false;
	queue->busy = false;
	ivm_vq_push(queue->vq, queue->chain.head, 0);
	return ivm_vq_publish(queue->vq);
}

void ivm_virtio_balloon_info(struct ivm_virtio_balloon *balloon, struct ivm_virtio_balloon_info *info)
{
	struct balloon_queue *queue = &balloon->queue[QUEUE_STATS];
	bool interrupt;

	*info = (struct ivm_virtio_balloon_info){
		.driver = ivm_virtio_live(balloon->virtio),
		.given = READ_ONCE(balloon->pages) * BALLOON_PAGE,
		.released = READ_ONCE(balloon->blocks) * IVM_MEMORY_ALIGN,
		.bad = READ_ONCE(balloon->bad),
		.denied = READ_ONCE(balloon->denied),
		.broken = READ_ONCE(balloon->broken),
	};
	spin_lock_bh(&queue->vq->lock);
	info->has_stats = balloon->has_stats;
	info->total = balloon->total;
	info->free = balloon->free;
	info->available = balloon->available;
	info->stats_ns = balloon->stats_ns;
	interrupt = balloon_ask_stats(balloon, queue);
	spin_unlock_bh(&queue->vq->lock);
	if (interrupt)
		ivm_vq_interrupt(queue->vq);
}

/* ---- work ---- */

bool ivm_virtio_balloon_work(struct ivm_virtio_balloon *balloon)
{
	u32 session = READ_ONCE(balloon->session);
	bool more;

	if (session != balloon->known)
		balloon_forget(balloon, session);
	more = balloon_bring_back(balloon);
	more |= balloon_pages(balloon, &balloon->queue[QUEUE_DEFLATE], balloon_take);
	more |= balloon_pages(balloon, &balloon->queue[QUEUE_INFLATE], balloon_give);
	more |= balloon_release(balloon);
	more |= balloon_stats(balloon);
	return more;
}

/* ---- what the transport asks ---- */

static bool balloon_features(void *dev, u64 features)
{
	return true;
}

static void balloon_start(void *dev)
{
	struct ivm_virtio_balloon *balloon = dev;
	bool stats = ivm_virtio_features(balloon->virtio) & BIT_ULL(VIRTIO_BALLOON_F_STATS_VQ);
	struct balloon_queue *queue;
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < QUEUES; i++) {
		queue = &balloon->queue[i];
		spin_lock_irqsave(&queue->vq->lock, flags);
		queue->open = queue->vq->enabled && (i != QUEUE_STATS || stats);
		spin_unlock_irqrestore(&queue->vq->lock, flags);
	}
	balloon->ops->defer(balloon->ctx);
}

static void balloon_stop(void *dev)
{
	struct ivm_virtio_balloon *balloon = dev;
	struct balloon_queue *queue;
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < QUEUES; i++) {
		queue = &balloon->queue[i];
		spin_lock_irqsave(&queue->vq->lock, flags);
		queue->open = false;
		if (i == QUEUE_STATS) {
			queue->busy = false;
			balloon_forget_stats(balloon);
		}
		spin_unlock_irqrestore(&queue->vq->lock, flags);
	}
	balloon->actual = 0;
	WRITE_ONCE(balloon->session, balloon->session + 1);
	balloon->ops->defer(balloon->ctx);
}

static void balloon_notify(void *dev, unsigned int queue)
{
	struct ivm_virtio_balloon *balloon = dev;

	balloon->ops->defer(balloon->ctx);
}

static struct balloon_config balloon_config(const struct ivm_virtio_balloon *balloon)
{
	return (struct balloon_config){
		.num_pages = cpu_to_le32(READ_ONCE(balloon->num_pages)),
		.actual = cpu_to_le32(balloon->actual),
	};
}

static u32 balloon_config_read(void *dev, unsigned int offset, unsigned int size)
{
	const struct balloon_config config = balloon_config(dev);
	u32 value = 0;

	memcpy(&value, (const u8 *)&config + offset, size);
	return value;
}

static void balloon_config_write(void *dev, unsigned int offset, unsigned int size, u32 value)
{
	struct ivm_virtio_balloon *balloon = dev;
	struct balloon_config config = balloon_config(balloon);

	memcpy((u8 *)&config + offset, &value, size);
	balloon->actual = le32_to_cpu(config.actual);
}

static const struct ivm_virtio_ops balloon_virtio_ops = {
	.features = balloon_features,
	.start = balloon_start,
	.stop = balloon_stop,
	.notify = balloon_notify,
	.config_read = balloon_config_read,
	.config_write = balloon_config_write,
};

static const struct ivm_virtio_type balloon_virtio_type = {
	.id = BALLOON_ID,
	.class_code = BALLOON_CLASS,
	.config_size = sizeof(struct balloon_config),
	.ops = &balloon_virtio_ops,
};

/* ---- what the layer above asks ---- */

void ivm_virtio_balloon_set(struct ivm_virtio_balloon *balloon, u64 wanted)
{
	u32 pages = min_t(u64, wanted / BALLOON_PAGE, nr_pages(balloon));

	if (pages == balloon->num_pages)
		return;
	WRITE_ONCE(balloon->num_pages, pages);
	ivm_virtio_config_changed(balloon->virtio);
}

void ivm_virtio_balloon_memory_goes(struct ivm_virtio_balloon *balloon, u64 gpa, u64 len)
{
	if (ivm_virtio_memory_goes(balloon->virtio, gpa, len))
		balloon->ops->defer(balloon->ctx);	/* it finds out, and counts */
}

void ivm_virtio_balloon_memory_gone(struct ivm_virtio_balloon *balloon)
{
	ivm_virtio_memory_gone(balloon->virtio);
}

void ivm_virtio_balloon_reset(struct ivm_virtio_balloon *balloon)
{
	ivm_virtio_reset(balloon->virtio);
	bitmap_zero(balloon->released, balloon->nr_blocks);
	WRITE_ONCE(balloon->blocks, 0);
	balloon_forget(balloon, balloon->session);
}

static void balloon_free(struct ivm_virtio_balloon *balloon)
{
	kvfree(balloon->given);
	kvfree(balloon->whole);
	kvfree(balloon->released);
	kvfree(balloon->owed);
	kvfree(balloon);
}

static unsigned long *bits(unsigned int nr)
{
	return kvcalloc(BITS_TO_LONGS(nr), sizeof(long), GFP_KERNEL);
}

static struct ivm_virtio_balloon *balloon_alloc(unsigned int low_blocks, unsigned int nr_blocks)
{
	struct ivm_virtio_balloon *balloon = kvzalloc(sizeof(*balloon), GFP_KERNEL);

	if (!balloon)
		return NULL;
	balloon->low_blocks = low_blocks;
	balloon->nr_blocks = nr_blocks;
	balloon->retry = nr_blocks;
	balloon->given = bits(nr_pages(balloon));
	balloon->whole = bits(nr_blocks);
	balloon->released = bits(nr_blocks);
	balloon->owed = bits(nr_blocks);
	balloon_forget_stats(balloon);
	if (balloon->given && balloon->whole && balloon->released && balloon->owed)
		return balloon;
	balloon_free(balloon);
	return NULL;
}

struct ivm_virtio_balloon *ivm_virtio_balloon_create(const struct ivm_virtio_room_params *params, u64 low, u64 high,
						     const struct ivm_room_ops *ops, void *ctx)
{
	struct ivm_virtio_balloon *balloon = balloon_alloc(low / IVM_MEMORY_ALIGN, (low + high) / IVM_MEMORY_ALIGN);
	unsigned int i;
	int err;

	if (!balloon)
		return ERR_PTR(-ENOMEM);
	balloon->ops = ops;
	balloon->ctx = ctx;
	balloon->virtio = ivm_virtio_create(params->pci, params->slot, params->irq, params->space, &balloon_virtio_type,
					    BALLOON_OFFERED, QUEUES, BALLOON_QUEUE_SIZE, balloon);
	if (IS_ERR(balloon->virtio)) {
		err = PTR_ERR(balloon->virtio);
		balloon_free(balloon);
		return ERR_PTR(err);
	}
	for (i = 0; i < QUEUES; i++)
		balloon->queue[i].vq = ivm_virtio_queue(balloon->virtio, i);
	return balloon;
}

void ivm_virtio_balloon_destroy(struct ivm_virtio_balloon *balloon)
{
	if (!balloon)
		return;
	ivm_virtio_destroy(balloon->virtio);
	balloon_free(balloon);
}
