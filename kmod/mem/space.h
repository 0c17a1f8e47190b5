/* SPDX-License-Identifier: GPL-2.0-only */
/* The inside of a guest-physical space, for space.c, access.c and audit.c. */
#ifndef IVM_MEM_SPACE_H
#define IVM_MEM_SPACE_H

#include "s2.h"

#include <linux/ivm.h>
#include <linux/list.h>
#include <linux/mutex.h>

/*
 * Guest RAM is handled by blocks of 2 MiB: each is one 2 MiB frame, or 512
 * frames of 4 KiB. The entry of a block in the index for software walks is the
 * kernel address of its 2 MiB frame, or of its level-1 table with this bit set;
 * 0: the block is not there.
 */
#define IVM_WALK_SMALL 1UL

enum ivm_space_state {
	IVM_SPACE_EMPTY,	/* no frames */
	IVM_SPACE_CHANGING,	/* populate or depopulate is under way, by one thread */
	IVM_SPACE_POPULATED,	/* map and frames do not change, but for blocks that come and go: room.c */
};

/*
 * (c) constant from creation  (p) written only in state changing, by the
 * thread that set it; constant while populated  (l) lock  (s) ivm_spaces_lock
 * (b) while populated: written with lock held, for a block that nobody uses
 */
struct ivm_space {
	struct ivm_s2 s2;		/* (c), its tables (p), (b) */
	struct ivm_owner owner;		/* id (c), generation (p) */
	u64 low, high;			/* (p) bytes from 0 and from IVM_MEMORY_HIGH_BASE that RAM begins with */
	u64 room_base, room;		/* (p) range of addresses where more may come; room 0: no block comes or goes */
	u64 boot_blocks, blocks;	/* (p) how many begin as RAM, and with the room; in order of rising address */
	unsigned long *walk;		/* (p), (b) index for software walks, an entry per block */
	struct list_head *frames;	/* (p), (b) what each block owns, by page->lru */
	struct mutex lock;
	enum ivm_space_state state;	/* (l) */
	u64 present;			/* (l) bytes of RAM that are there; read by anybody */
	u64 allowed;			/* (l) that may be there */
	u64 promised;			/* (l) host memory set aside for what may come */
	struct list_head taken;		/* (l) frames that lost their place and are not scrubbed yet, by page->lru */
	struct list_head taken_tables;	/* (l) level-1 tables of theirs, likewise */
	struct list_head shadows;	/* (l) of its vCPUs: see shadow.c */
	atomic64_t shadow_pages;	/* that these hold */
	struct list_head link;		/* (s) in ivm_spaces */
};

/* All spaces. The list's lock is taken before a space's. */
extern struct list_head ivm_spaces;
extern struct mutex ivm_spaces_lock;

/* shadow.c, for the audit */
struct ivm_shadow;
void ivm_shadow_audit(struct list_head *shadows, void (*fn)(void *ctx, const u64 *table, unsigned int level),
		      void *ctx);
bool ivm_shadow_is_leaf(u64 entry, unsigned int level);	/* also of what is not present: no */

#define IVM_NO_BLOCK (~0ULL)

/* The guest frame number at which a block starts. */
static inline u64 ivm_block_gfn(const struct ivm_space *space, u64 index)
{
	u64 gpa = index << IVM_BLOCK_SHIFT;

	if (index >= space->boot_blocks)
		gpa = space->room_base + ((index - space->boot_blocks) << IVM_BLOCK_SHIFT);
	else if (gpa >= IVM_MEMORY_LOW_END)
		gpa += IVM_MEMORY_HIGH_BASE - IVM_MEMORY_LOW_END;
	return gpa >> PAGE_SHIFT;
}

/* The block of an address, there or not; IVM_NO_BLOCK: there can be none. Differences wrap to huge ones below a base. */
static __always_inline u64 ivm_space_block(const struct ivm_space *space, u64 gpa)
{
	if (likely(gpa < space->low))
		return gpa >> IVM_BLOCK_SHIFT;
	if (gpa - IVM_MEMORY_HIGH_BASE < space->high)
		return (gpa - IVM_MEMORY_HIGH_BASE + IVM_MEMORY_LOW_END) >> IVM_BLOCK_SHIFT;
	if (gpa - space->room_base < space->room)
		return space->boot_blocks + ((gpa - space->room_base) >> IVM_BLOCK_SHIFT);
	return IVM_NO_BLOCK;
}

static inline bool ivm_block_present(const struct ivm_space *space, u64 index)
{
	return READ_ONCE(space->walk[index]);
}

/*
 * A block in two steps, each of which may run for different blocks at once.
 * fill(): zeroed frames and all tables that it takes. -ENOMEM: what there is stays
 * listed. show(): leaves and index; fails only where a leaf is refused.
 */
int ivm_block_fill(struct ivm_space *space, u64 index);
int ivm_block_show(struct ivm_space *space, u64 index);

#endif
