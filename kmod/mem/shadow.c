// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shadow page tables: the format of AMD APM volume 2, 5.3 (long mode) and 5.2.3
 * (PAE, whose top table lies below 4 GiB).
 *
 * Tables come from a pool of fixed size, which is all that a vCPU can have; when
 * it is used up, everything is forgotten. Those of a context are on one list, so
 * that forgetting a context costs no walk.
 */
#include "shadow.h"

#include "leaf.h"
#include "space.h"

#include <linux/err.h>
#include <linux/io.h>
#include <linux/mem_encrypt.h>
#include <linux/slab.h>

#define SHADOW_P	BIT_ULL(0)
#define SHADOW_W	BIT_ULL(1)
#define SHADOW_U	BIT_ULL(2)
#define SHADOW_A	BIT_ULL(5)
#define SHADOW_D	BIT_ULL(6)
#define SHADOW_PS	BIT_ULL(7)
#define SHADOW_NX	BIT_ULL(63)
/* Of those that the processor leaves to software. */
#define SHADOW_PART	BIT_ULL(9)	/* of a table: all beneath is one page of the guest */
#define SHADOW_HALF	BIT_ULL(10)	/* with the neighbour it is one page of 4 MiB of the guest */

#define SHADOW_TABLE	(SHADOW_P | SHADOW_W | SHADOW_U | SHADOW_A)

#define CONTEXTS	8U	/* Linux uses six PCIDs per CPU */
#define POOL_MIN	64U
#define POOL_MAX	16384U	/* 64 MiB */
#define LEGACY_ROOTS	4U	/* entries of the top table in PAE mode */

struct shadow_context {
	u64 *root;			/* NULL: not in use */
	u16 pcid;
	struct list_head tables;	/* by page->lru, the root included */
};

/* Legend: (c) constant once created  (s) by the space's lock; the rest is the vCPU's thread's */
struct ivm_shadow {
	struct ivm_space *space;	/* (c) */
	struct list_head link;		/* (s) in the space's list, for the audit */
	struct page **pool;		/* (c) */
	unsigned int nr_pool;		/* (c) */
	struct page *legacy;		/* (c) top table of three levels */
	struct list_head free;		/* by page->lru */
	struct shadow_context context[CONTEXTS];
	struct shadow_context *now;	/* the one in use */
	unsigned int victim;		/* the next one to make room */
	unsigned int levels;		/* 3 or 4 */
	u64 *last;			/* what ivm_shadow_map() wrote last, while that stands; NULL: no leaf of 4 KiB */
	bool stale;
};

static unsigned int shift_of(unsigned int level)
{
	return PAGE_SHIFT + 9 * (level - 1);
}

static bool is_leaf(u64 entry, unsigned int level)
{
	return level == 1 || entry & SHADOW_PS;
}

static u64 *table_of(u64 entry)
{
	return ivm_s2_table(entry);
}

/* NULL: the pool is used up. A page's private says at which level it is a table, for the audit; 0: at none. */
static u64 *take_table(struct ivm_shadow *shadow, unsigned int level)
{
	struct page *page = list_first_entry_or_null(&shadow->free, struct page, lru);

	if (!page)
		return NULL;
	list_move(&page->lru, &shadow->now->tables);
	clear_page(page_address(page));
	set_page_private(page, level);
	return page_address(page);
}

static void give_table(struct ivm_shadow *shadow, u64 *table)
{
	struct page *page = virt_to_page(table);

	set_page_private(page, 0);
	list_move(&page->lru, &shadow->free);
	shadow->last = NULL;
}

static void drop_context(struct ivm_shadow *shadow, struct shadow_context *context)
{
	list_splice_init(&context->tables, &shadow->free);
	context->root = NULL;
	shadow->last = NULL;
	shadow->stale = true;
}

/* Give the context in use its root. Return: false when the pool is used up. */
static bool begin(struct ivm_shadow *shadow)
{
	u64 *root, *table;
	unsigned int i;

	if (shadow->levels == 4) {
		shadow->now->root = take_table(shadow, 4);
		return shadow->now->root;
	}
	/* The processor may keep what it read of these four (APM 5.2.3): they change with the root only. */
	root = page_address(shadow->legacy);
	for (i = 0; i < LEGACY_ROOTS; i++) {
		table = take_table(shadow, 2);
		if (!table)
			return false;
		WRITE_ONCE(root[i], __sme_set(virt_to_phys(table)) | SHADOW_P);
	}
	shadow->now->root = root;
	return true;
}

void ivm_shadow_drop_all(struct ivm_shadow *shadow)
{
	unsigned int i;

	for (i = 0; i < CONTEXTS; i++)
		drop_context(shadow, &shadow->context[i]);
	begin(shadow);		/* the smallest pool is enough */
}

static struct shadow_context *find_context(struct ivm_shadow *shadow, u16 pcid)
{
	unsigned int i;

	for (i = 0; i < CONTEXTS; i++)
		if (shadow->context[i].root && shadow->context[i].pcid == pcid)
			return &shadow->context[i];
	return NULL;
}

void ivm_shadow_drop_context(struct ivm_shadow *shadow, u16 pcid)
{
	struct shadow_context *context = find_context(shadow, pcid);

	if (!context)
		return;
	drop_context(shadow, context);
	if (context == shadow->now && !begin(shadow))
		ivm_shadow_drop_all(shadow);
}

void ivm_shadow_use(struct ivm_shadow *shadow, bool long_mode, u16 pcid, bool forget)
{
	unsigned int levels = long_mode ? 4 : 3;
	struct shadow_context *context;

	shadow->stale = true;
	if (levels != shadow->levels) {
		shadow->levels = levels;
		shadow->now->pcid = pcid;
		ivm_shadow_drop_all(shadow);
		return;
	}
	context = find_context(shadow, pcid);
	if (context && !forget) {
		shadow->now = context;
		return;
	}
	if (!context) {
		context = &shadow->context[shadow->victim];
		shadow->victim = (shadow->victim + 1) % CONTEXTS;
	}
	drop_context(shadow, context);
	context->pcid = pcid;
	shadow->now = context;
	if (!begin(shadow))
		ivm_shadow_drop_all(shadow);
}

/* What hangs below a table, and itself. @level: of the table. */
static void drop_table(struct ivm_shadow *shadow, u64 *table, unsigned int level)
{
	unsigned int i;

	for (i = 0; level > 1 && i < IVM_S2_ENTRIES; i++)
		if (table[i] & SHADOW_P && !is_leaf(table[i], level))
			drop_table(shadow, table_of(table[i]), level - 1);
	give_table(shadow, table);
}

static void drop_entry(struct ivm_shadow *shadow, u64 *slot, unsigned int level)
{
	u64 entry = *slot;

	if (!(entry & SHADOW_P))
		return;
	WRITE_ONCE(*slot, 0);
	if (!is_leaf(entry, level))
		drop_table(shadow, table_of(entry), level - 1);
	shadow->stale = true;
}

static u64 *slot_of(const struct ivm_shadow *shadow, u64 *table, u64 linear, unsigned int level)
{
	return &table[linear >> shift_of(level) & (level == 3 && shadow->levels == 3 ? LEGACY_ROOTS - 1 : 511)];
}

static void drop_page_in(struct ivm_shadow *shadow, u64 *table, u64 linear)
{
	unsigned int level;
	u64 *slot, entry;

	for (level = shadow->levels; ; level--) {
		slot = slot_of(shadow, table, linear, level);
		entry = *slot;
		if (!(entry & SHADOW_P))
			return;
		if (is_leaf(entry, level) || entry & SHADOW_PART)
			break;
		table = table_of(entry);
	}
	if (entry & SHADOW_HALF)
		drop_entry(shadow, slot_of(shadow, table, linear ^ BIT_ULL(shift_of(level)), level), level);
	drop_entry(shadow, slot, level);
}

/* In all contexts: a page may be global, and a TLB may forget more than it must. */
void ivm_shadow_drop_page(struct ivm_shadow *shadow, u64 linear)
{
	unsigned int i;

	for (i = 0; i < CONTEXTS; i++)
		if (shadow->context[i].root)
			drop_page_in(shadow, shadow->context[i].root, linear);
}

/* Marks of an entry at @level on the way to a guest's page of 1 << @shift bytes. */
static u64 marks_of(const struct ivm_shadow *shadow, unsigned int level, unsigned int shift)
{
	u64 marks = 0;

	if (level == 3 && shadow->levels == 3)
		return 0;	/* made in advance; no page of the guest is as large */
	if (shift >= shift_of(level))
		marks |= SHADOW_PART;
	if (shift == 22 && level == 2)
		marks |= SHADOW_HALF;
	return marks;
}

/* The table below an entry, made if need be. NULL: the pool is used up. */
static u64 *descend(struct ivm_shadow *shadow, u64 *slot, unsigned int level, unsigned int shift)
{
	u64 marks = marks_of(shadow, level, shift), entry = *slot, *table;

	if (entry & SHADOW_P && !is_leaf(entry, level) && (entry & (SHADOW_PART | SHADOW_HALF)) == marks)
		return table_of(entry);
	/* Of another page of the guest, which it has changed since. */
	drop_entry(shadow, slot, level);
	table = take_table(shadow, level - 1);
	if (table)
		WRITE_ONCE(*slot, __sme_set(virt_to_phys(table)) | SHADOW_TABLE | marks);
	return table;
}

/* The slot for a leaf at @target, empty. NULL: the pool is used up. */
static u64 *leaf_slot(struct ivm_shadow *shadow, u64 linear, unsigned int target, unsigned int shift)
{
	u64 *table = shadow->now->root, *slot;
	unsigned int level;

	for (level = shadow->levels; level > target; level--) {
		table = descend(shadow, slot_of(shadow, table, linear, level), level, shift);
		if (!table)
			return NULL;
	}
	slot = slot_of(shadow, table, linear, target);
	drop_entry(shadow, slot, target);
	return slot;
}

static u64 bits_of(const struct ivm_shadow_rights *rights)
{
	u64 bits = SHADOW_P | SHADOW_A;

	if (rights->write)
		bits |= SHADOW_W | SHADOW_D;
	if (rights->user)
		bits |= SHADOW_U;
	if (!rights->execute)
		bits |= SHADOW_NX;
	return bits;
}

int ivm_shadow_map(struct ivm_shadow *shadow, u64 linear, u64 gpa, const struct ivm_shadow_rights *rights)
{
	void *ram = ivm_space_ptr(shadow->space, gpa, NULL);
	u64 bits = bits_of(rights), gfn = gpa >> PAGE_SHIFT, *slot;
	struct page *frame;
	unsigned int order = IVM_FRAME_4K, target = 1;

	if (!ram)
		return -EINVAL;
	frame = compound_head(virt_to_page(ram));
	if (rights->shift >= IVM_BLOCK_SHIFT && ivm_frame_order(frame) == IVM_FRAME_2M) {
		order = IVM_FRAME_2M;
		target = 2;
		gfn = round_down(gfn, IVM_BLOCK_PAGES);
		bits |= SHADOW_PS | (rights->shift == 22 ? SHADOW_HALF : 0);
	}
	slot = leaf_slot(shadow, linear, target, rights->shift);
	if (!slot) {
		ivm_shadow_drop_all(shadow);
		slot = leaf_slot(shadow, linear, target, rights->shift);
	}
	shadow->last = target == 1 ? slot : NULL;
	return ivm_leaf_install(slot, bits, &shadow->space->owner, frame, gfn, order);
}

void ivm_shadow_offer(struct ivm_shadow *shadow, unsigned int place, u64 gpa, const struct ivm_shadow_rights *rights)
{
	u64 *slot = shadow->last;
	void *ram;

	if (!slot)
		return;
	slot = PTR_ALIGN_DOWN(slot, 8 * sizeof(*slot)) + place;
	ram = *slot ? NULL : ivm_space_ptr(shadow->space, gpa, NULL);
	if (ram)
		ivm_leaf_install(slot, bits_of(rights), &shadow->space->owner, compound_head(virt_to_page(ram)),
				 gpa >> PAGE_SHIFT, IVM_FRAME_4K);
}

u64 ivm_shadow_root(const struct ivm_shadow *shadow)
{
	return __sme_set(virt_to_phys(shadow->now->root));
}

bool ivm_shadow_stale(struct ivm_shadow *shadow)
{
	bool stale = shadow->stale;

	shadow->stale = false;
	return stale;
}

/* ---- for the audit ---- */

bool ivm_shadow_is_leaf(u64 entry, unsigned int level)
{
	return entry & SHADOW_P && is_leaf(entry, level);
}

/**
 * ivm_shadow_audit() - the tables that are in use, while they may change
 * @shadows:	of a space whose lock is held
 * @fn:		called with each
 * @ctx:	for @fn
 *
 * A table may be given back and taken again meanwhile; it stays memory of ours,
 * and each entry in it is one that was made by ivm_leaf_install().
 *
 * Context: may sleep.
 */
void ivm_shadow_audit(struct list_head *shadows, void (*fn)(void *ctx, const u64 *table, unsigned int level),
		      void *ctx)
{
	struct ivm_shadow *shadow;
	unsigned int i, level;

	list_for_each_entry(shadow, shadows, link) {
		for (i = 0; i < shadow->nr_pool; i++) {
			level = READ_ONCE(page_private(shadow->pool[i]));
			if (level)
				fn(ctx, page_address(shadow->pool[i]), level);
			cond_resched();
		}
	}
}

/* ---- life ---- */

static int fill_pool(struct ivm_shadow *shadow)
{
	struct page *page;
	unsigned int i;

	shadow->legacy = alloc_page(GFP_KERNEL | GFP_DMA32 | __GFP_ZERO | __GFP_NOWARN);
	if (!shadow->legacy)
		return -ENOMEM;
	for (i = 0; i < shadow->nr_pool; i++) {
		page = alloc_page(GFP_KERNEL | __GFP_NOWARN | __GFP_RETRY_MAYFAIL);
		if (!page)
			return -ENOMEM;
		set_page_private(page, 0);
		list_add(&page->lru, &shadow->free);
		shadow->pool[i] = page;
	}
	return 0;
}

static void shadow_free(struct ivm_shadow *shadow)
{
	unsigned int i;

	for (i = 0; shadow->pool && i < shadow->nr_pool && shadow->pool[i]; i++) {
		set_page_private(shadow->pool[i], 0);
		clear_page(page_address(shadow->pool[i]));
		__free_page(shadow->pool[i]);
	}
	if (shadow->legacy)
		__free_page(shadow->legacy);
	kvfree(shadow->pool);
	kfree(shadow);
}

struct ivm_shadow *ivm_shadow_create(struct ivm_space *space)
{
	struct ivm_shadow *shadow = kzalloc(sizeof(*shadow), GFP_KERNEL);
	unsigned int i;

	if (!shadow)
		return ERR_PTR(-ENOMEM);
	shadow->space = space;
	INIT_LIST_HEAD(&shadow->free);
	for (i = 0; i < CONTEXTS; i++)
		INIT_LIST_HEAD(&shadow->context[i].tables);
	/* As many as it takes to show all of the memory that it begins with once, in pages of 4 KiB. */
	shadow->nr_pool = min_t(u64, space->boot_blocks + POOL_MIN, POOL_MAX);
	shadow->pool = kvcalloc(shadow->nr_pool, sizeof(*shadow->pool), GFP_KERNEL | __GFP_NOWARN);
	if (!shadow->pool || fill_pool(shadow)) {
		shadow_free(shadow);
		return ERR_PTR(-ENOMEM);
	}
	shadow->levels = 3;
	shadow->now = &shadow->context[0];
	ivm_shadow_drop_all(shadow);
	mutex_lock(&space->lock);
	list_add(&shadow->link, &space->shadows);
	atomic64_add(shadow->nr_pool + 1, &space->shadow_pages);
	mutex_unlock(&space->lock);
	return shadow;
}

void ivm_shadow_destroy(struct ivm_shadow *shadow)
{
	if (!shadow)
		return;
	mutex_lock(&shadow->space->lock);
	list_del(&shadow->link);
	atomic64_sub(shadow->nr_pool + 1, &shadow->space->shadow_pages);
	mutex_unlock(&shadow->space->lock);
	shadow_free(shadow);
}
