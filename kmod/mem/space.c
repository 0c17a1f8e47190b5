// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a guest-physical space: empty -> populated -> empty.
 *
 * RAM is handled by blocks of 2 MiB. A block belongs to one thread at a time,
 * so frames, lists and leaves of a block need no lock; what threads share
 * (upper tables, counters) is changed by atomic operations.
 */
#include "space.h"

#include "parallel.h"
#include "seed.h"
#include "../why.h"

#include <linux/err.h>
#include <linux/io.h>
#include <linux/sizes.h>
#include <linux/slab.h>

LIST_HEAD(ivm_spaces);
DEFINE_MUTEX(ivm_spaces_lock);

int ivm_mem_init(void)
{
	ivm_seed_init();
	return 0;
}

void ivm_mem_exit(void)
{
	ivm_seed_exit();
}

struct ivm_space *ivm_space_create(u32 id, const struct ivm_s2_format *format)
{
	struct ivm_space *space;
	int err;

	space = kzalloc(sizeof(*space), GFP_KERNEL);
	if (!space)
		return ERR_PTR(-ENOMEM);
	err = ivm_s2_init(&space->s2, format);
	if (err) {
		kfree(space);
		return ERR_PTR(err);
	}
	space->owner.id = id;
	INIT_LIST_HEAD(&space->shadows);
	INIT_LIST_HEAD(&space->taken);
	INIT_LIST_HEAD(&space->taken_tables);
	mutex_init(&space->lock);
	mutex_lock(&ivm_spaces_lock);
	list_add_tail(&space->link, &ivm_spaces);
	mutex_unlock(&ivm_spaces_lock);
	return space;
}

/* Return: false when the space is not in state @from. */
static bool space_move(struct ivm_space *space, enum ivm_space_state from, enum ivm_space_state to)
{
	bool moved;

	mutex_lock(&space->lock);
	moved = space->state == from;
	if (moved)
		space->state = to;
	mutex_unlock(&space->lock);
	return moved;
}

static int block_fill_4k(struct ivm_space *space, u64 index, u64 gfn)
{
	unsigned int i;

	for (i = 0; i < IVM_BLOCK_PAGES; i++) {
		if (!ivm_frame_alloc(&space->owner, gfn + i, IVM_FRAME_4K, &space->frames[index]))
			return -ENOMEM;
		cond_resched();
	}
	return ivm_s2_prepare(&space->s2, gfn, IVM_FRAME_4K);
}

int ivm_block_fill(struct ivm_space *space, u64 index)
{
	u64 gfn = ivm_block_gfn(space, index);

	if (ivm_frame_alloc(&space->owner, gfn, IVM_FRAME_2M, &space->frames[index]))
		return ivm_s2_prepare(&space->s2, gfn, IVM_FRAME_2M);
	return block_fill_4k(space, index, gfn);
}

int ivm_block_show(struct ivm_space *space, u64 index)
{
	u64 gfn = ivm_block_gfn(space, index), at = gfn;
	unsigned long walk = 0;
	struct page *page;
	int err;

	list_for_each_entry(page, &space->frames[index], lru) {
		err = ivm_s2_map(&space->s2, &space->owner, page, at);
		if (err)
			return err;
		at += 1ULL << ivm_frame_order(page);
		if (ivm_frame_order(page) == IVM_FRAME_2M)
			walk = (unsigned long)page_address(page);
	}
	if (!walk)
		walk = (unsigned long)ivm_s2_small_table(&space->s2, gfn) | IVM_WALK_SMALL;
	smp_store_release(&space->walk[index], walk);	/* the leaves, and zeros in the frames, come first */
	return 0;
}

struct populate {
	struct ivm_space *space;
	atomic64_t *ready;
	atomic64_t promised;
};

/* On error the block is left as it is: depopulation takes any state. */
static int block_populate(void *ctx, u64 index)
{
	struct populate *job = ctx;
	int err;

	err = ivm_block_fill(job->space, index);
	if (!err)
		err = ivm_block_show(job->space, index);
	if (err)
		return err;
	atomic64_sub(IVM_BLOCK_SIZE, &job->promised);
	ivm_frames_unpromise(IVM_BLOCK_SIZE);
	atomic64_add(IVM_BLOCK_SIZE, job->ready);
	return 0;
}

static int block_scrub(void *ctx, u64 index)
{
	struct ivm_space *space = ctx;
	struct page *page;

	list_for_each_entry(page, &space->frames[index], lru)
		ivm_frame_scrub(page);
	return 0;
}

/* Gives the frames back as they are. */
static int block_release(void *ctx, u64 index)
{
	struct ivm_space *space = ctx;
	struct page *page, *next;

	space->walk[index] = 0;
	ivm_s2_free_table(&space->s2, ivm_s2_take_block(&space->s2, ivm_block_gfn(space, index)));
	list_for_each_entry_safe(page, next, &space->frames[index], lru) {
		ivm_frame_free(page);
		cond_resched();
	}
	return 0;
}

static int block_scrub_and_release(void *ctx, u64 index)
{
	block_scrub(ctx, index);
	return block_release(ctx, index);
}

/* In state changing: whatever is there goes. */
static void space_clear(struct ivm_space *space, int (*release)(void *ctx, u64 index))
{
	space->low = 0;
	space->high = 0;
	space->room = 0;
	space->present = 0;
	ivm_frames_unpromise(space->promised);
	space->promised = 0;
	ivm_parallel(space->blocks, false, release, space);
	ivm_s2_clear(&space->s2);
	kvfree(space->walk);
	kvfree(space->frames);
	space->walk = NULL;
	space->frames = NULL;
	space->blocks = 0;
	space->boot_blocks = 0;
	space->owner.generation = 0;
}

static int space_index(struct ivm_space *space, u64 bytes, u64 room)
{
	u64 i, blocks = (bytes + room) >> IVM_BLOCK_SHIFT;

	space->walk = kvcalloc(blocks, sizeof(*space->walk), GFP_KERNEL | __GFP_NOWARN);
	space->frames = kvmalloc_array(blocks, sizeof(*space->frames), GFP_KERNEL | __GFP_NOWARN);
	if (!space->walk || !space->frames)
		return -ENOMEM;
	for (i = 0; i < blocks; i++)
		INIT_LIST_HEAD(&space->frames[i]);
	space->blocks = blocks;
	space->boot_blocks = bytes >> IVM_BLOCK_SHIFT;
	space->room_base = ivm_space_room_base(bytes);
	return 0;
}

static int space_fill(struct ivm_space *space, u64 bytes, u64 room, atomic64_t *ready, struct ivm_why *why)
{
	struct populate job = { .space = space, .ready = ready };
	int err;

	err = ivm_frames_promise(bytes, why);
	if (err)
		return err;
	atomic64_set(&job.promised, bytes);
	space->owner.generation = ivm_frame_generation();
	err = space_index(space, bytes, room);
	if (!err)
		err = ivm_parallel(space->boot_blocks, true, block_populate, &job);
	ivm_frames_unpromise(atomic64_read(&job.promised));
	if (err == -ENOMEM)
		return ivm_why(why, IVM_A_MEMORY, err,
			       "host memory ran out: %llu MiB asked, %llu MiB were found",
			       bytes >> 20, (u64)atomic64_read(ready) >> 20);
	if (err == -EINTR)
		return ivm_why(why, 0, err, "interrupted; the memory was given back");
	if (err)
		return ivm_why(why, 0, err, "internal error: a frame could not be mapped");
	return 0;
}

int ivm_space_populate(struct ivm_space *space, u64 bytes, u64 room, atomic64_t *ready, struct ivm_why *why)
{
	int err;

	if (!bytes || bytes > IVM_MEMORY_MAX || !IS_ALIGNED(bytes, IVM_MEMORY_ALIGN))
		return ivm_why(why, IVM_A_MEMORY, -EINVAL,
			       "memory must be a multiple of %llu MiB, at most %llu MiB",
			       IVM_MEMORY_ALIGN >> 20, IVM_MEMORY_MAX >> 20);
	if (!space_move(space, IVM_SPACE_EMPTY, IVM_SPACE_CHANGING))
		return ivm_why(why, 0, -EBUSY, "the VM has its memory already");

	atomic64_set(ready, 0);
	err = space_fill(space, bytes, room, ready, why);
	if (err) {
		space_clear(space, block_release);	/* no guest wrote there */
		atomic64_set(ready, 0);
		space_move(space, IVM_SPACE_CHANGING, IVM_SPACE_EMPTY);
		return err;
	}
	space->low = min(bytes, IVM_MEMORY_LOW_END);
	space->high = bytes - space->low;
	space->room = room;
	space->present = bytes;
	space->allowed = bytes;
	space_move(space, IVM_SPACE_CHANGING, IVM_SPACE_POPULATED);
	return 0;
}

void ivm_space_scrub(struct ivm_space *space)
{
	ivm_parallel(space->blocks, false, block_scrub, space);
}

void ivm_space_depopulate(struct ivm_space *space)
{
	if (!space_move(space, IVM_SPACE_POPULATED, IVM_SPACE_CHANGING))
		return;
	ivm_seed_undo(space);
	space_clear(space, block_scrub_and_release);
	space_move(space, IVM_SPACE_CHANGING, IVM_SPACE_EMPTY);
}

void ivm_space_destroy(struct ivm_space *space)
{
	if (!space)
		return;
	ivm_space_depopulate(space);
	mutex_lock(&ivm_spaces_lock);
	list_del(&space->link);
	mutex_unlock(&ivm_spaces_lock);
	ivm_s2_free(&space->s2);
	mutex_destroy(&space->lock);
	kfree(space);
}

u64 ivm_space_root(const struct ivm_space *space)
{
	return virt_to_phys(space->s2.root);
}

u64 ivm_space_kernel_bytes(const struct ivm_space *space)
{
	return sizeof(*space) + space->blocks * (sizeof(*space->walk) + sizeof(*space->frames)) +
	       (atomic64_read(&space->s2.tables) + atomic64_read(&space->shadow_pages)) * PAGE_SIZE;
}

/* Beyond all RAM, where no device is; aligned so that guests can map what comes there in the greatest pages. */
u64 ivm_space_room_base(u64 bytes)
{
	return round_up(IVM_MEMORY_HIGH_BASE + bytes - min(bytes, IVM_MEMORY_LOW_END), SZ_1G);
}

unsigned int ivm_space_ranges(const struct ivm_space *space, struct ivm_ram_range *range)
{
	unsigned int nr = 0;

	if (space->low)
		range[nr++] = (struct ivm_ram_range){ 0, space->low };
	if (space->high)
		range[nr++] = (struct ivm_ram_range){ IVM_MEMORY_HIGH_BASE, space->high };
	return nr;
}
