// SPDX-License-Identifier: GPL-2.0-only
/*
 * Paging outside of long mode: none, 32-bit with pages of 4 KiB and 4 MiB, PAE with
 * pages of 4 KiB and 2 MiB; each translation changes under INVLPG and under CR3.
 * The 32-bit code below leaves long mode, and comes back to it.
 */
#include "guest.h"

#define P	1
#define W	2
#define A	0x20
#define D	0x40
#define PS	0x80
#define WINDOW	0x40000000UL		/* its directory entry is the 256th of 4 MiB, the first of its GiB */

/* What the code uses: physical addresses below 4 GiB, and what it read. */
u32 legacy_tables[4];			/* 32-bit; another one; PAE; another one */
u32 legacy_seen[16];
u32 *legacy_pte32;
u64 *legacy_pte64;
u32 legacy_other;			/* page */
u32 legacy_cr3, legacy_cr4;

/* Reads the window into legacy_seen[n]. */
#define SEE(n, at)	"mov " #at ", %eax; mov %eax, legacy_seen+4*" #n "\n"
#define PAGING(bit)	"mov %cr0, %eax; " bit " $31, %eax; mov %eax, %cr0\n"
#define LME(bit)	"mov $0xc0000080, %ecx; rdmsr; " bit " $8, %eax; wrmsr\n"
#define CR3(from)	"mov " from ", %eax; mov %eax, %cr3\n"

asm(".text; .balign 16; legacy_code: .code32\n"
	"push %ebx\n"
	"mov %cr4, %eax; mov %eax, legacy_cr4\n"
	PAGING("btr") LME("btr")
	"mov legacy_pte32, %ebx; mov (%ebx), %eax; and $0xfffff000, %eax\n"	/* no paging: by its address */
	"mov (%eax), %eax; mov %eax, legacy_seen\n"

	"mov %cr4, %eax; and $~0x200a0, %eax; or $0x10, %eax; mov %eax, %cr4\n"	/* without PCIDE, PGE, PAE; with PSE */
	CR3("legacy_tables") PAGING("bts")
	SEE(1, 0x40000000)
	"movl $0x11111111, 0x40000004\n"
	"mov legacy_other, %ecx; or $3, %ecx; mov %ecx, (%ebx); invlpg 0x40000000\n"
	SEE(2, 0x40000000)
	SEE(3, 0x40400000)				/* 4 MiB */
	CR3("legacy_tables+4")
	SEE(4, 0x40000000)
	PAGING("btr")

	"mov %cr4, %eax; or $0x20, %eax; mov %eax, %cr4\n"
	CR3("legacy_tables+8") PAGING("bts")
	"mov legacy_pte64, %ebx\n"
	SEE(5, 0x40000000)
	"movl $0x22222222, 0x40000008\n"
	"mov legacy_other, %ecx; or $3, %ecx; mov %ecx, (%ebx); invlpg 0x40000000\n"
	SEE(6, 0x40000000)
	SEE(7, 0x40200000)				/* 2 MiB */
	CR3("legacy_tables+12")
	SEE(8, 0x40000000)
	PAGING("btr")

	"mov legacy_cr4, %eax; mov %eax, %cr4\n"
	CR3("legacy_cr3") LME("bts") PAGING("bts")
	"pop %ebx; lret\n .code64\n");
extern char legacy_code[];

struct farptr { u32 off; u16 sel; } __packed;

static u32 *page_with(u32 first)
{
	u32 *page = alloc_page();

	page[0] = first;
	return page;
}

/* A directory that maps the first 16 MiB one to one, in pages of 4 MiB; and the window by @table. */
static u32 make_32(u32 *table, u32 large)
{
	u32 *dir = alloc_page();

	for (u32 i = 0; i < 4; i++)
		dir[i] = i << 22 | PS | W | P;
	dir[256] = (u32)(u64)table | W | P;
	dir[257] = large | PS | W | P;
	return (u32)(u64)dir;
}

static u32 make_pae(u64 *table, u64 large)
{
	u64 *pointers = alloc_page(), *low = alloc_page(), *window = alloc_page();

	for (u64 i = 0; i < 8; i++)
		low[i] = i << 21 | PS | W | P;
	window[0] = (u64)table | W | P;
	window[1] = large | PS | W | P;
	pointers[0] = (u64)low | P;
	pointers[1] = (u64)window | P;
	return (u32)(u64)pointers;
}

static void paging(void)
{
	u32 *one = page_with(0x1001), *two = page_with(0x1002), *three = page_with(0x1003);
	u32 *t32 = alloc_page(), *other32 = alloc_page();
	u64 *t64 = alloc_page(), *other64 = alloc_page();
	volatile u32 *at_4m = (u32 *)(4UL << 20), *at_6m = (u32 *)(6UL << 20);
	static struct farptr p;
	u32 was_4m = *at_4m, was_6m = *at_6m;

	*at_4m = 0x4444;
	*at_6m = 0x6666;
	t32[0] = (u32)(u64)one | W | P;
	other32[0] = (u32)(u64)three | W | P;
	t64[0] = (u64)one | W | P;
	other64[0] = (u64)three | W | P;
	legacy_tables[0] = make_32(t32, 4 << 20);
	legacy_tables[1] = make_32(other32, 4 << 20);
	legacy_tables[2] = make_pae(t64, 6UL << 20);
	legacy_tables[3] = make_pae(other64, 6UL << 20);
	legacy_pte32 = t32;
	legacy_pte64 = t64;
	legacy_other = (u32)(u64)two;
	legacy_cr3 = read_cr3();
	p = (struct farptr){ (u64)legacy_code, SEL_CODE32 };
	asm volatile("lcall *%0" :: "m"(p) : "rax", "rcx", "rdx", "memory", "cc");

	check_eq(legacy_seen[0], 0x1001);
	check_eq(legacy_seen[1], 0x1001);
	check_eq(one[1], 0x11111111);
	check_eq(legacy_seen[2], 0x1002);
	check_eq(legacy_seen[3], 0x4444);
	check_eq(legacy_seen[4], 0x1003);
	check_eq(legacy_seen[5], 0x1001);
	check_eq(one[2], 0x22222222);
	check_eq(legacy_seen[6], 0x1002);
	check_eq(legacy_seen[7], 0x6666);
	check_eq(legacy_seen[8], 0x1003);
	check_eq(t32[0] & (A | D), A);			/* rewritten, then read */
	check_eq(other32[0] & (A | D), A);
	check_eq(t64[0] & (A | D), A);
	check_eq(other64[0] & (A | D), A);
	*at_4m = was_4m;
	*at_6m = was_6m;
}

static const struct guest_case cases[] = {
	{ "P8 paging", paging },
	{ "P8 paging_once_more", paging },
};

u32 guest_main(void) { return RUN_CASES(NULL, cases); }
