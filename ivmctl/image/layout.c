// SPDX-License-Identifier: GPL-2.0-only
#include "layout.h"

#include "../fail.h"
#include "../text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

void ivm_map_init(struct ivm_map *map, uint64_t memory)
{
	memset(map, 0, sizeof(*map));
	map->memory = memory;
}

uint64_t ivm_map_low_end(const struct ivm_map *map)
{
	return map->memory < IVM_MEMORY_LOW_END ? map->memory : IVM_MEMORY_LOW_END;
}

static bool ivm_map_is_ram(const struct ivm_map *map, uint64_t start, uint64_t size)
{
	uint64_t low = ivm_map_low_end(map), high = map->memory - low;

	if (start < low)
		return size <= low - start;
	if (start < IVM_MEMORY_HIGH_BASE)
		return false;
	start -= IVM_MEMORY_HIGH_BASE;
	return start < high && size <= high - start;
}

int ivm_map_take(struct ivm_map *map, uint64_t start, uint64_t size, const char *what)
{
	char text[IVM_SIZE_TEXT];
	size_t at;

	if (!size)
		return ivm_fail(EINVAL, "the %s is empty", what);
	if (!ivm_map_is_ram(map, start, size))
		return ivm_fail(ENOMEM, "the %s needs %llu bytes at address 0x%llx, beyond the VM's memory of %s; give it more memory",
				what, (unsigned long long)size, (unsigned long long)start,
				ivm_size_text(map->memory, text));
	for (at = 0; at < map->count; at++) {
		const struct ivm_range *other = &map->ranges[at];

		if (other->start >= start) {
			if (other->start - start >= size)
				break;
		} else if (start - other->start >= other->size) {
			continue;
		}
		return ivm_fail(EEXIST, "the %s (0x%llx, %llu bytes) overlaps the %s (0x%llx, %llu bytes)",
				what, (unsigned long long)start, (unsigned long long)size, other->what,
				(unsigned long long)other->start, (unsigned long long)other->size);
	}
	if (map->count == IVM_MAP_MAX)
		return ivm_fail(E2BIG, "there are more than %d pieces to load", IVM_MAP_MAX);
	memmove(&map->ranges[at + 1], &map->ranges[at], (map->count - at) * sizeof(map->ranges[0]));
	map->ranges[at] = (struct ivm_range){ start, size, what };
	map->count++;
	return 0;
}

/* Does the gap [from, to) hold @size? Return: true with *start. */
static bool ivm_gap_fits(uint64_t from, uint64_t to, uint64_t size, uint64_t align, bool high, uint64_t *start)
{
	uint64_t mask = align - 1, low;

	if (from > to)		/* else neither sum below can wrap: @to is in low memory */
		return false;
	low = (from + mask) & ~mask;
	if (to <= low || size > to - low)
		return false;
	*start = high ? (to - size) & ~mask : low;
	return true;
}

int ivm_map_place(struct ivm_map *map, uint64_t from, uint64_t to, uint64_t size, uint64_t align,
		  int high, const char *what, uint64_t *start)
{
	char have[IVM_SIZE_TEXT];
	uint64_t gap = from, found = 0;
	bool fits = false;

	if (to > ivm_map_low_end(map))
		to = ivm_map_low_end(map);
	/* Gaps in rising order: for a high place the last that fits wins. */
	for (size_t i = 0; i <= map->count && (high || !fits); i++) {
		uint64_t end = i < map->count ? map->ranges[i].start : to;

		if (end > to)
			end = to;
		if (ivm_gap_fits(gap, end, size, align, high, &found))
			fits = true;
		if (i < map->count && map->ranges[i].start + map->ranges[i].size > gap)
			gap = map->ranges[i].start + map->ranges[i].size;
	}
	if (!fits)
		return ivm_fail(ENOMEM, "the %s has %llu bytes and finds no room in the VM's memory of %s; give it more memory",
				what, (unsigned long long)size, ivm_size_text(map->memory, have));
	*start = found;
	return ivm_map_take(map, found, size, what);
}

size_t ivm_map_e820(const struct ivm_map *map, struct ivm_e820 table[IVM_E820_MAX])
{
	uint64_t low = ivm_map_low_end(map);
	size_t n = 0;

	table[n++] = (struct ivm_e820){ 0, IVM_BASE_MEMORY_END, 1 };
	table[n++] = (struct ivm_e820){ IVM_BASE_MEMORY_END, IVM_HIGH_MEMORY - IVM_BASE_MEMORY_END, 2 };
	table[n++] = (struct ivm_e820){ IVM_HIGH_MEMORY, low - IVM_HIGH_MEMORY, 1 };
	if (map->memory > low)
		table[n++] = (struct ivm_e820){ IVM_MEMORY_HIGH_BASE, map->memory - low, 1 };
	return n;
}
