// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames of guest memory, their inverse records, and how many the host can spare.
 *
 * The record lies in struct page, in fields that belong to whoever allocated
 * the page: private holds owner and guest frame number, index the generation,
 * lru links the frame into its owner's list. It costs no memory and no
 * cache line beyond the one that the allocator touches anyway.
 */
#include "frames.h"

#include "mem.h"
#include "../why.h"

#include <linux/mutex.h>

/* Guest frame numbers share the record's first word with the owner's id. */
static_assert(((IVM_MEMORY_MAX - IVM_MEMORY_LOW_END + IVM_MEMORY_HIGH_BASE) >> PAGE_SHIFT) <= U32_MAX);
static_assert(IVM_BLOCK_SIZE == IVM_MEMORY_ALIGN);
static_assert(IVM_BLOCK_SIZE == PAGE_SIZE << IVM_FRAME_2M);
static_assert(sizeof_field(struct page, private) == sizeof(u64));

static atomic64_t generations = ATOMIC64_INIT(0);
static atomic64_t frames = ATOMIC64_INIT(0);		/* of 4 KiB, owned by VMs */
static atomic64_t promised = ATOMIC64_INIT(0);		/* bytes */
static DEFINE_MUTEX(promise_lock);			/* makes check and promise one step */

/*
 * A 2 MiB frame is a convenience: one attempt at compaction, no insistence.
 * For 4 KiB frames reclaim works as hard as it takes, but fails rather than
 * wake the OOM killer: a VM that does not start is better than a dead process.
 */
#define GFP_FRAME	(GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN)
#define GFP_FRAME_2M	(GFP_FRAME | __GFP_COMP | __GFP_NORETRY)
#define GFP_FRAME_4K	(GFP_FRAME | __GFP_RETRY_MAYFAIL)

static u64 record(u32 id, u64 gfn)
{
	return (u64)id << 32 | (u32)gfn;
}

u64 ivm_frame_generation(void)
{
	return atomic64_inc_return(&generations);
}

struct page *ivm_frame_alloc(const struct ivm_owner *owner, u64 gfn, unsigned int order,
			     struct list_head *list)
{
	struct page *page;

	page = alloc_pages(order == IVM_FRAME_2M ? GFP_FRAME_2M : GFP_FRAME_4K, order);
	if (!page)
		return NULL;
	set_page_private(page, record(owner->id, gfn));
	page->index = owner->generation;
	list_add_tail(&page->lru, list);
	atomic64_add(1L << order, &frames);
	return page;
}

void ivm_frame_free(struct page *page)
{
	unsigned int order = ivm_frame_order(page);

	list_del(&page->lru);
	set_page_private(page, 0);
	page->index = 0;
	__free_pages(page, order);
	atomic64_sub(1L << order, &frames);
}

void ivm_frame_scrub(struct page *page)
{
	unsigned int i, pages = 1U << ivm_frame_order(page);

	for (i = 0; i < pages; i++)
		clear_page(page_address(page) + i * PAGE_SIZE);
	cond_resched();
}

unsigned int ivm_frame_order(struct page *page)
{
	return compound_order(page);
}

bool ivm_frame_matches(struct page *page, const struct ivm_owner *owner, u64 gfn)
{
	return !PageTail(page) && page_private(page) == record(owner->id, gfn) &&
	       page->index == owner->generation;
}

bool ivm_frame_owned(struct page *page, const struct ivm_owner *owner)
{
	return !PageTail(page) && page_private(page) >> 32 == owner->id && page->index == owner->generation;
}

/*
 * The kernel's own estimate, less a thirty-second: it pays for the tables of
 * the VM and leaves the host some room to breathe.
 */
u64 ivm_mem_free(void)
{
	s64 bytes = (s64)si_mem_available() << PAGE_SHIFT;

	bytes -= bytes >> 5;
	bytes -= atomic64_read(&promised);
	return bytes > 0 ? round_down(bytes, IVM_MEMORY_ALIGN) : 0;
}

u64 ivm_mem_frames(void)
{
	return atomic64_read(&frames);
}

int ivm_frames_promise(u64 bytes, struct ivm_why *why)
{
	u64 spare;

	mutex_lock(&promise_lock);
	spare = ivm_mem_free();
	if (bytes <= spare)
		atomic64_add(bytes, &promised);
	mutex_unlock(&promise_lock);
	if (bytes <= spare)
		return 0;
	return ivm_why(why, IVM_A_MEMORY, -ENOMEM,
		       "not enough host memory: %llu MiB asked, %llu MiB free",
		       bytes >> 20, spare >> 20);
}

void ivm_frames_unpromise(u64 bytes)
{
	atomic64_sub(bytes, &promised);
}
