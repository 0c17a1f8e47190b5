// SPDX-License-Identifier: GPL-2.0-only
/*
 * The audit: proves anew that the map is injective (P8, P11).
 *
 * Three witnesses are heard against each other, and none is trusted: the
 * tables that the processor walks, the lists of frames that the allocator
 * keeps, and the inverse records. A bitmap of host frames, which nothing else
 * knows, says whether a frame was met before; so two leaves on one frame are
 * found even where records lie.
 *
 * A space that is being populated or depopulated has no vCPU that runs, and is
 * passed over. The lists' lock is held throughout: VMs that come or go meanwhile wait.
 */
#include "space.h"

#include <linux/bitmap.h>
#include <linux/sched/signal.h>
#include <linux/xarray.h>

#define SEEN_SHIFT 15	/* frames per page of the bitmap: 2^15 bits */

struct audit {
	struct ivm_mem_audit *result;
	struct ivm_space *space;
	struct xarray seen;		/* pages of a bitmap of host frames, by pfn >> SEEN_SHIFT */
	bool stopped;			/* no memory, or nobody waits for the result any more */
	u64 leaf_pages, listed_pages;	/* of this space, in 4 KiB */
};

static __printf(2, 3) void violation(struct audit *audit, const char *fmt, ...)
{
	struct ivm_mem_audit *result = audit->result;
	struct ivm_mem_violation *v;
	va_list args;

	if (result->violations++ >= IVM_VIOLATIONS_MAX)
		return;
	v = &result->violation[result->violations - 1];
	v->id = audit->space->owner.id;
	va_start(args, fmt);
	vscnprintf(v->text, sizeof(v->text), fmt, args);
	va_end(args);
}

/* An audit that did not see everything proves nothing: that counts as a violation. */
static void stop(struct audit *audit, const char *reason)
{
	if (!audit->stopped)
		violation(audit, "audit not finished: %s", reason);
	audit->stopped = true;
}

/* A frame is at most 2 MiB and aligned, so its bits lie in one page. */
static unsigned long *seen_page(struct audit *audit, unsigned long pfn, bool make)
{
	unsigned long *bits = xa_load(&audit->seen, pfn >> SEEN_SHIFT);

	if (bits || !make)
		return bits;
	bits = (unsigned long *)get_zeroed_page(GFP_KERNEL);
	if (bits && xa_err(xa_store(&audit->seen, pfn >> SEEN_SHIFT, bits, GFP_KERNEL))) {
		free_page((unsigned long)bits);
		bits = NULL;
	}
	return bits;
}

static void audit_leaf(struct audit *audit, u64 entry, u64 gfn, unsigned int order)
{
	unsigned long pfn = ivm_s2_address(entry) >> PAGE_SHIFT;
	unsigned int first = pfn & (BIT(SEEN_SHIFT) - 1), pages = 1U << order;
	struct page *page = pfn_to_online_page(pfn);
	struct ivm_space *space = audit->space;
	unsigned long *bits;
	u64 run;

	audit->result->leaves++;
	audit->result->bytes += (u64)pages << PAGE_SHIFT;
	audit->leaf_pages += pages;

	if (!page || !IS_ALIGNED(pfn, pages)) {
		violation(audit, "leaf at gfn %#llx names %#lx, which is no frame", gfn, pfn);
		return;
	}
	if (!ivm_frame_matches(page, &space->owner, gfn) || ivm_frame_order(page) != order)
		violation(audit, "leaf at gfn %#llx names frame %#lx, whose record names another place",
			  gfn, pfn);
	if (ivm_space_ptr(space, gfn << PAGE_SHIFT, &run) != page_address(page) ||
	    run != (u64)pages << PAGE_SHIFT)
		violation(audit, "gfn %#llx is frame %#lx for the processor, another for the kernel",
			  gfn, pfn);
	bits = seen_page(audit, pfn, true);
	if (!bits) {
		stop(audit, "out of memory");
		return;
	}
	if (find_next_bit(bits, first + pages, first) < first + pages)
		violation(audit, "frame %#lx is mapped twice, the second time at gfn %#llx", pfn, gfn);
	bitmap_set(bits, first, pages);
}

/* At most five levels deep. @gfn: of the table's first entry */
static void audit_table(struct audit *audit, const u64 *table, u64 gfn, unsigned int level)
{
	const struct ivm_s2_format *format = audit->space->s2.format;
	u64 step = 1ULL << (9 * (level - 1));
	unsigned int i;

	audit->result->tables++;
	for (i = 0; i < IVM_S2_ENTRIES && !audit->stopped; i++, gfn += step) {
		u64 entry = READ_ONCE(table[i]);

		if (!entry)
			continue;
		if (!(entry & format->present))
			violation(audit, "level-%u entry %#llx at gfn %#llx is neither empty nor present",
				  level, entry, gfn);
		else if (ivm_s2_is_table(format, entry, level))
			audit_table(audit, ivm_s2_table(entry), gfn, level - 1);
		else
			audit_leaf(audit, entry, gfn, level == 1 ? IVM_FRAME_4K : IVM_FRAME_2M);
	}
	if (fatal_signal_pending(current))
		stop(audit, "interrupted");
	cond_resched();
}

static void audit_list(struct audit *audit, u64 index)
{
	struct ivm_space *space = audit->space;
	u64 gfn = ivm_block_gfn(space, index);
	struct page *page;

	list_for_each_entry(page, &space->frames[index], lru) {
		unsigned long pfn = page_to_pfn(page);
		unsigned long *bits = seen_page(audit, pfn, false);
		unsigned int order = ivm_frame_order(page);

		if (!ivm_frame_matches(page, &space->owner, gfn))
			violation(audit, "frame %#lx is listed for gfn %#llx, its record names another place",
				  pfn, gfn);
		if (!bits || !test_bit(pfn & (BIT(SEEN_SHIFT) - 1), bits))
			violation(audit, "frame %#lx is listed for gfn %#llx, but not mapped", pfn, gfn);
		audit->result->frames += 1U << order;
		audit->listed_pages += 1U << order;
		gfn += 1U << order;
	}
}

/* On its way back to the host: still this space's by its record, and nowhere mapped. */
static void audit_taken(struct audit *audit)
{
	struct ivm_space *space = audit->space;
	struct page *page;

	list_for_each_entry(page, &space->taken, lru) {
		unsigned long pfn = page_to_pfn(page);
		unsigned long *bits = seen_page(audit, pfn, false);

		if (!ivm_frame_owned(page, &space->owner))
			violation(audit, "frame %#lx was taken back, its record names another owner", pfn);
		if (bits && test_bit(pfn & (BIT(SEEN_SHIFT) - 1), bits))
			violation(audit, "frame %#lx was taken back, and is mapped", pfn);
		audit->result->frames += 1U << ivm_frame_order(page);
	}
}

/* Shadow tables change while we look, but whatever a leaf in them ever names is a frame of this space. */
static void audit_shadow_table(void *ctx, const u64 *table, unsigned int level)
{
	struct audit *audit = ctx;
	unsigned int i;

	audit->result->tables++;
	for (i = 0; i < IVM_S2_ENTRIES && !audit->stopped; i++) {
		u64 entry = READ_ONCE(table[i]);
		struct page *page;

		if (!ivm_shadow_is_leaf(entry, level))
			continue;
		audit->result->leaves++;
		page = pfn_to_online_page(ivm_s2_address(entry) >> PAGE_SHIFT);
		if (!page || !ivm_frame_owned(compound_head(page), &audit->space->owner))
			violation(audit, "shadow leaf names %#llx, which is no frame of it",
				  ivm_s2_address(entry) >> PAGE_SHIFT);
	}
	if (fatal_signal_pending(current))
		stop(audit, "interrupted");
}

static void audit_space(struct audit *audit)
{
	struct ivm_space *space = audit->space;
	u64 pages = space->present >> PAGE_SHIFT;
	u64 i, tables = audit->result->tables;
	struct page *page;

	audit->leaf_pages = 0;
	audit->listed_pages = 0;
	audit_table(audit, space->s2.root, 0, space->s2.format->levels);
	for (i = 0; i < space->blocks && !audit->stopped; i++) {
		audit_list(audit, i);
		cond_resched();
	}
	audit_taken(audit);
	if (audit->stopped)
		return;
	if (audit->leaf_pages != pages || audit->listed_pages != pages)
		violation(audit, "%llu pages of RAM, %llu mapped, %llu listed", pages,
			  audit->leaf_pages, audit->listed_pages);
	tables = audit->result->tables - tables;
	list_for_each_entry(page, &space->taken_tables, lru)
		tables++;
	if (tables != atomic64_read(&space->s2.tables))
		violation(audit, "%llu tables are counted, %llu were walked",
			  (u64)atomic64_read(&space->s2.tables), tables);
	ivm_shadow_audit(&space->shadows, audit_shadow_table, audit);
}

void ivm_mem_audit(struct ivm_mem_audit *result)
{
	struct audit audit = { .result = result };
	struct ivm_space *space;
	unsigned long index;
	void *bits;

	memset(result, 0, sizeof(*result));
	xa_init(&audit.seen);
	mutex_lock(&ivm_spaces_lock);
	list_for_each_entry(space, &ivm_spaces, link) {
		audit.space = space;
		mutex_lock(&space->lock);
		if (space->state == IVM_SPACE_POPULATED && !audit.stopped)
			audit_space(&audit);
		mutex_unlock(&space->lock);
	}
	mutex_unlock(&ivm_spaces_lock);
	xa_for_each(&audit.seen, index, bits)
		free_page((unsigned long)bits);
	xa_destroy(&audit.seen);
}
