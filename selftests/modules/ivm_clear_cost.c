// SPDX-License-Identifier: GPL-2.0-only
/*
 * What clearing memory costs: allocates bytes= in frames of 2 MiB without
 * clearing them more than the kernel's allocator does, then clears each once
 * and takes the time by TSC. The load fails on purpose with -ENODEV after it
 * has said so in the log: "ivm_clear_cost: BYTES bytes TICKS ticks".
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <asm/tsc.h>

#define ORDER 9

static unsigned long bytes = 64 << 20;
module_param(bytes, ulong, 0444);

static int __init cost_init(void)
{
	unsigned long done, i;
	struct page *page, *next;
	LIST_HEAD(pages);
	u64 start, ticks;

	for (done = 0; done < bytes; done += PAGE_SIZE << ORDER) {
		page = alloc_pages(GFP_KERNEL | __GFP_COMP | __GFP_NOWARN, ORDER);
		if (!page)
			break;
		list_add(&page->lru, &pages);
	}
	start = rdtsc_ordered();
	list_for_each_entry(page, &pages, lru) {
		for (i = 0; i < 1UL << ORDER; i++)
			clear_page(page_address(page + i));
		cond_resched();
	}
	ticks = rdtsc_ordered() - start;
	list_for_each_entry_safe(page, next, &pages, lru)
		__free_pages(page, ORDER);
	pr_info("%lu bytes %llu ticks\n", done, ticks);
	return -ENODEV;
}

module_init(cost_init);
MODULE_DESCRIPTION("Test of IVM: the cost of clearing memory");
MODULE_LICENSE("GPL");
