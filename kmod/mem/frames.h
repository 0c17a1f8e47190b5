/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames of guest memory, their inverse records, and how many the host can spare. */
#ifndef IVM_MEM_FRAMES_H
#define IVM_MEM_FRAMES_H

#include <linux/mm.h>
#include <linux/types.h>

struct ivm_why;

/* A frame is 4 KiB, or 2 MiB as one compound page whose head carries the record. */
#define IVM_FRAME_4K	0U
#define IVM_FRAME_2M	9U
#define IVM_BLOCK_SHIFT	21		/* guest memory comes in blocks of 2 MiB */
#define IVM_BLOCK_SIZE	(1ULL << IVM_BLOCK_SHIFT)
#define IVM_BLOCK_PAGES	512U

/*
 * Who owns frames. The generation is drawn anew at each populate and never
 * repeats: what an earlier life of the same VM left behind does not match.
 */
struct ivm_owner {
	u32 id;
	u64 generation;
};

/* A new generation, never 0. Any context. */
u64 ivm_frame_generation(void);

/**
 * ivm_frame_alloc() - a zeroed frame with its inverse record written
 * @owner:	whose it becomes
 * @gfn:	guest-physical address >> 12 where it will stand, aligned to its size
 * @order:	IVM_FRAME_4K or IVM_FRAME_2M
 * @list:	the owner's list, which keeps it (by page->lru) until ivm_frame_free()
 *
 * Never wakes the OOM killer. Return: the frame or NULL. May sleep.
 */
struct page *ivm_frame_alloc(const struct ivm_owner *owner, u64 gfn, unsigned int order,
			     struct list_head *list);

/* Wipes the record, takes the frame off its list, gives it back. No leaf names it any more. May sleep. */
void ivm_frame_free(struct page *page);

/* Zeroes a frame. Nobody else writes to it. May sleep. */
void ivm_frame_scrub(struct page *page);

/* IVM_FRAME_4K or IVM_FRAME_2M; anything else is no frame of ours. Any context. */
unsigned int ivm_frame_order(struct page *page);

/* Does the inverse record name exactly this owner and this address? Any context. */
bool ivm_frame_matches(struct page *page, const struct ivm_owner *owner, u64 gfn);

/* Is the frame this owner's, wherever in its memory? Any context. */
bool ivm_frame_owned(struct page *page, const struct ivm_owner *owner);

/**
 * ivm_frames_promise() - set host memory aside before it is allocated
 * @bytes:	how much
 * @why:	on refusal says how much was asked and how much is free
 *
 * What is promised counts as used for everybody else, so that starts that race
 * get one success and one refusal instead of driving the host into reclaim.
 *
 * Return: 0 or -ENOMEM. May sleep.
 */
int ivm_frames_promise(u64 bytes, struct ivm_why *why);

/* The memory was allocated, or is no longer wanted. Any context. */
void ivm_frames_unpromise(u64 bytes);

#endif
