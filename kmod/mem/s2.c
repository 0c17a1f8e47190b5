// SPDX-License-Identifier: GPL-2.0-only
/*
 * Second-stage page tables: AMD APM volume 2, 15.25 (nested paging); Intel SDM
 * volume 3, 29.3 (EPT). Both are radix trees of 512 entries per 4 KiB table.
 *
 * Concurrency: entries change from 0 to something by compare-and-exchange, and
 * back to 0 only where one thread owns the block (take) or the whole tree
 * (clear, free). Readers need no lock.
 */
#include "s2.h"

#include "leaf.h"

#include <linux/err.h>
#include <linux/io.h>
#include <linux/mem_encrypt.h>
#include <linux/sched.h>

#define S2_ADDRESS GENMASK_ULL(51, 12)

u64 ivm_s2_address(u64 entry)
{
	return __sme_clr(entry) & S2_ADDRESS;
}

u64 *ivm_s2_table(u64 entry)
{
	return phys_to_virt(ivm_s2_address(entry));
}

static unsigned int s2_index(u64 gfn, unsigned int level)
{
	return gfn >> (9 * (level - 1)) & (IVM_S2_ENTRIES - 1);
}

bool ivm_s2_is_table(const struct ivm_s2_format *format, u64 entry, unsigned int level)
{
	return level > 1 && entry & format->present && !(level == 2 && entry & format->large);
}

static u64 *s2_new_table(struct ivm_s2 *s2)
{
	u64 *table = (u64 *)__get_free_page(GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN |
					    __GFP_RETRY_MAYFAIL);

	if (table)
		atomic64_inc(&s2->tables);
	return table;
}

void ivm_s2_free_table(struct ivm_s2 *s2, u64 *table)
{
	if (!table)
		return;
	free_page((unsigned long)table);
	atomic64_dec(&s2->tables);
}

int ivm_s2_init(struct ivm_s2 *s2, const struct ivm_s2_format *format)
{
	if (format->levels != 4 && format->levels != 5)
		return -EINVAL;
	s2->format = format;
	atomic64_set(&s2->tables, 0);
	s2->root = s2_new_table(s2);
	return s2->root ? 0 : -ENOMEM;
}

/*
 * The slot for @gfn at @level; missing tables are made when @make. Else
 * -ENOENT when a table is missing, -ENOMEM when it could not be made, -EEXIST
 * when a leaf stands in the way.
 */
static u64 *s2_slot(struct ivm_s2 *s2, u64 gfn, unsigned int level, bool make)
{
	u64 *table = s2->root, *slot, *made;
	unsigned int l;
	u64 entry;

	for (l = s2->format->levels; l > level; l--) {
		slot = &table[s2_index(gfn, l)];
		entry = READ_ONCE(*slot);
		if (!entry) {
			if (!make)
				return ERR_PTR(-ENOENT);
			made = s2_new_table(s2);
			if (!made)
				return ERR_PTR(-ENOMEM);
			entry = __sme_set(virt_to_phys(made)) | s2->format->table;
			if (cmpxchg64(slot, 0, entry)) {	/* another thread was first */
				ivm_s2_free_table(s2, made);
				entry = READ_ONCE(*slot);
			}
		}
		if (!ivm_s2_is_table(s2->format, entry, l))
			return ERR_PTR(-EEXIST);
		table = ivm_s2_table(entry);
	}
	return &table[s2_index(gfn, level)];
}

int ivm_s2_prepare(struct ivm_s2 *s2, u64 gfn, unsigned int order)
{
	return PTR_ERR_OR_ZERO(s2_slot(s2, gfn, order == IVM_FRAME_2M ? 2 : 1, true));
}

int ivm_s2_map(struct ivm_s2 *s2, const struct ivm_owner *owner, struct page *page, u64 gfn)
{
	const struct ivm_s2_format *format = s2->format;
	unsigned int order = ivm_frame_order(page);
	bool large = order == IVM_FRAME_2M;
	u64 *slot;

	slot = s2_slot(s2, gfn, large ? 2 : 1, true);
	if (PTR_ERR(slot) == -EEXIST)
		ivm_leaf_refuse(owner, page, gfn, -EEXIST);
	if (IS_ERR(slot))
		return PTR_ERR(slot);
	return ivm_leaf_install(slot, large ? format->leaf_2m | format->large : format->leaf_4k, owner, page, gfn,
				order);
}

u64 *ivm_s2_block_slot(struct ivm_s2 *s2, u64 gfn)
{
	u64 *slot = s2_slot(s2, gfn, 2, false);

	return IS_ERR(slot) ? NULL : slot;
}

u64 *ivm_s2_small_table(struct ivm_s2 *s2, u64 gfn)
{
	u64 *slot = ivm_s2_block_slot(s2, gfn);
	u64 entry = slot ? READ_ONCE(*slot) : 0;

	return ivm_s2_is_table(s2->format, entry, 2) ? ivm_s2_table(entry) : NULL;
}

u64 *ivm_s2_take_block(struct ivm_s2 *s2, u64 gfn)
{
	u64 *slot = ivm_s2_block_slot(s2, gfn);
	u64 entry;

	if (!slot)
		return NULL;
	entry = xchg(slot, 0);
	return ivm_s2_is_table(s2->format, entry, 2) ? ivm_s2_table(entry) : NULL;
}

/* Frees what hangs below a table. At most five levels deep. */
static void s2_prune(struct ivm_s2 *s2, u64 *table, unsigned int level)
{
	unsigned int i;

	for (i = 0; i < IVM_S2_ENTRIES; i++) {
		u64 entry = table[i];

		table[i] = 0;
		if (!ivm_s2_is_table(s2->format, entry, level))
			continue;
		if (level > 2)
			s2_prune(s2, ivm_s2_table(entry), level - 1);
		ivm_s2_free_table(s2, ivm_s2_table(entry));
	}
	cond_resched();
}

void ivm_s2_clear(struct ivm_s2 *s2)
{
	s2_prune(s2, s2->root, s2->format->levels);
}

void ivm_s2_free(struct ivm_s2 *s2)
{
	if (!s2->root)
		return;
	ivm_s2_clear(s2);
	ivm_s2_free_table(s2, s2->root);
	s2->root = NULL;
}
