// SPDX-License-Identifier: GPL-2.0-only
/* What the loader says of memory, page tables, and the string functions that compilers call. */
#include "guest.h"

#define MB_MAGIC 0x2badb002
#define POOL_PAGES 32

struct mb_info {
	u32 flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4], mmap_length, mmap_addr;
	u32 drives_length, drives_addr, config_table, loader_name, apm_table, graphics[6];
} __packed;
struct mb_mmap { u32 size; u64 base, length; u32 type; } __packed;
struct mb_module { u32 start, end, string, pad; };

extern u64 pml4[];
void boot_info_parse(u32 magic, u32 info);
void mark_used(u64 base, u64 size);

const char *cmdline = "";
u32 nr_ram, nr_used;
struct range ram[16], used[32];
static u8 pool[POOL_PAGES][4096] __aligned(4096);
static u32 pool_next;

void mark_used(u64 base, u64 size)
{
	if (nr_used < ARRAY_SIZE(used) && size)
		used[nr_used++] = (struct range){ base, size };
}

void boot_info_parse(u32 magic, u32 info)
{
	const struct mb_info *mb = (void *)(u64)info;
	const struct mb_module *mod;

	mark_used((u64)image_start, image_end - image_start);
	if (magic != MB_MAGIC)
		return;
	mark_used(info, sizeof(*mb));
	if (mb->flags & 1 << 2) {
		cmdline = (char *)(u64)mb->cmdline;
		mark_used(mb->cmdline, strlen(cmdline) + 1);
	}
	if (mb->flags & 1 << 3) {
		mod = (void *)(u64)mb->mods_addr;
		mark_used(mb->mods_addr, mb->mods_count * sizeof(*mod));
		for (u32 i = 0; i < mb->mods_count; i++) {
			mark_used(mod[i].start, mod[i].end - mod[i].start);
			if (mod[i].string)
				mark_used(mod[i].string, strlen((char *)(u64)mod[i].string) + 1);
		}
	}
	if (mb->flags & 1 << 9)
		mark_used(mb->loader_name, strlen((char *)(u64)mb->loader_name) + 1);
	if (mb->flags & 1 << 6) {
		u64 at = mb->mmap_addr, end = at + mb->mmap_length;

		mark_used(at, mb->mmap_length);
		while (at < end && nr_ram < ARRAY_SIZE(ram)) {
			const struct mb_mmap *e = (void *)at;

			if (e->type == 1)
				ram[nr_ram++] = (struct range){ e->base, e->length };
			at += e->size + 4;
		}
	}
}

u64 ram_total(void)
{
	u64 sum = 0;

	for (u32 i = 0; i < nr_ram; i++)
		sum += ram[i].size;
	return sum;
}

u64 ram_top(void)
{
	u64 top = 0;

	for (u32 i = 0; i < nr_ram; i++)
		if (ram[i].base + ram[i].size > top)
			top = ram[i].base + ram[i].size;
	return top;
}

void *alloc_page(void)
{
	return pool_next < POOL_PAGES ? memset(pool[pool_next++], 0, 4096) : NULL;
}

u64 *map_entry(u64 va, u32 level, bool make)
{
	u64 *table = pml4;

	for (u32 l = 4; ; l--) {
		u64 *e = &table[va >> (12 + 9 * (l - 1)) & 511];

		if (l == level)
			return e;
		if (*e & 1 && *e & 0x80 && l < 4) {
			if (!make)
				return NULL;
			/* Split a 2 MiB page; larger ones are never made. */
			u64 *t = alloc_page();

			if (!t)
				return NULL;
			for (u32 i = 0; i < 512; i++)
				t[i] = (*e & ~0x80UL) + i * 4096UL;
			*e = (u64)t | 7;
		}
		if (!(*e & 1)) {
			void *t = make ? alloc_page() : NULL;

			if (!t)
				return NULL;
			*e = (u64)t | 7;
		}
		table = (u64 *)(*e & 0xffffffffff000UL);
	}
}

bool map_4k(u64 va, u64 pa, u64 flags)
{
	u64 *e = map_entry(va, 1, true);

	if (e)
		*e = pa | flags | 1;
	return e;
}

bool map_2m(u64 va, u64 pa, u64 flags)
{
	u64 *e = map_entry(va, 2, true);

	if (e)
		*e = pa | flags | 0x81;
	return e;
}

void *memset(void *d, int c, size_t n)
{
	void *p = d;

	asm volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(c) : "memory");
	return d;
}

void *memcpy(void *d, const void *s, size_t n)
{
	void *p = d;

	asm volatile("rep movsb" : "+D"(p), "+S"(s), "+c"(n) :: "memory");
	return d;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

bool streq(const char *a, const char *b)
{
	return strlen(a) == strlen(b) && !memcmp(a, b, strlen(a));
}
