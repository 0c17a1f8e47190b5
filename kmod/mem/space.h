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
 * kernel address of its 2 MiB frame, or of its level-1 table with this bit set.
 */
#define IVM_WALK_SMALL 1UL

enum ivm_space_state {
	IVM_SPACE_EMPTY,	/* no frames */
	IVM_SPACE_CHANGING,	/* populate or depopulate is under way, by one thread */
	IVM_SPACE_POPULATED,	/* map and frames do not change */
};

/*
 * (c) constant from creation  (p) written only in state changing, by the
 * thread that set it; constant while populated  (l) lock  (s) ivm_spaces_lock
 */
struct ivm_space {
	struct ivm_s2 s2;		/* (c), its tables (p) */
	struct ivm_owner owner;		/* id (c), generation (p) */
	u64 low, high;			/* (p) bytes of RAM from 0 and from IVM_MEMORY_HIGH_BASE */
	u64 blocks;			/* (p) how many; in order of rising address */
	unsigned long *walk;		/* (p) index for software walks, an entry per block */
	struct list_head *frames;	/* (p) what each block owns, by page->lru */
	struct mutex lock;
	enum ivm_space_state state;	/* (l) */
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

/* The guest frame number at which a block starts. */
static inline u64 ivm_block_gfn(u64 index)
{
	u64 gpa = index << IVM_BLOCK_SHIFT;

	if (gpa >= IVM_MEMORY_LOW_END)
		gpa += IVM_MEMORY_HIGH_BASE - IVM_MEMORY_LOW_END;
	return gpa >> PAGE_SHIFT;
}

#endif
