// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is in the host's memory: fills what is free, or looks for 64 bytes in all
 * of it. The load fails on purpose with -ENODEV after it has said in the log:
 *
 *	fill=1		"ivm_search: N pages filled", and they are free again
 *	seed=N		"ivm_search: N places": where the 64 bytes that the guest
 *			program canary writes with this seed stand
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#define LEFT	(96UL << 20 >> PAGE_SHIFT)	/* pages that stay free */
#define WORDS	8U

static bool fill;
module_param(fill, bool, 0444);
static unsigned long seed;
module_param(seed, ulong, 0444);

static unsigned long fill_all(void)
{
	unsigned long pages = 0;
	struct page *page, *next;
	LIST_HEAD(taken);

	while (si_mem_available() > LEFT) {
		page = alloc_page(GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY);
		if (!page)
			break;
		memset(page_address(page), 0xa5, PAGE_SIZE);
		list_add(&page->lru, &taken);
		pages++;
		if (pages % 1024 == 0)
			cond_resched();
	}
	list_for_each_entry_safe(page, next, &taken, lru)
		__free_page(page);
	return pages;
}

/* One at a time: together they must not stand in memory of ours. */
static u64 word(unsigned int i)
{
	u64 x = seed + (i + 1) * 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* Places in a copy of a page. */
static unsigned long search_page(const u64 *copy, u64 first)
{
	unsigned long places = 0;
	unsigned int at, i;

	for (at = 0; at + WORDS <= PAGE_SIZE / 8; at++) {
		if (copy[at] != first)
			continue;
		for (i = 1; i < WORDS && copy[at + i] == word(i); i++)
			;
		places += i == WORDS;
	}
	return places;
}

static unsigned long search_all(void)
{
	u64 *copy = (u64 *)__get_free_page(GFP_KERNEL), first = word(0);
	unsigned long pfn, places = 0, end;
	struct page *page;
	int node;

	if (!copy)
		return ULONG_MAX;
	for_each_online_node(node) {
		end = node_end_pfn(node);
		for (pfn = node_start_pfn(node); pfn < end; pfn++) {
			page = pfn_to_online_page(pfn);
			if (!page || page == virt_to_page(copy) ||
			    copy_from_kernel_nofault(copy, pfn_to_kaddr(pfn), PAGE_SIZE))
				continue;
			places += search_page(copy, first);
			if (pfn % 1024 == 0)
				cond_resched();
		}
	}
	clear_page(copy);
	free_page((unsigned long)copy);
	return places;
}

static int __init search_init(void)
{
	if (fill)
		pr_info("%lu pages filled\n", fill_all());
	if (seed)
		pr_info("%lu places\n", search_all());
	return -ENODEV;
}

module_init(search_init);
MODULE_DESCRIPTION("Test of IVM: what is in the host's memory");
MODULE_LICENSE("GPL");
