/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where things lie in guest memory before the first instruction. Every piece
 * is entered here with its name, so that a collision, or a piece outside RAM,
 * is refused before the module sees it.
 *
 *   0x00001000  what the loader itself needs goes below 0x9fc00
 *   0x0009fc00  reserved up to 1 MiB: where a PC has its BIOS areas
 *   0x000e0000  ACPI tables, where kernels look for them
 *   0x00100000  kernel
 *   ...         initial ramdisk, at the top of low memory (Linux)
 *   0x100000000 memory beyond IVM_MEMORY_LOW_END continues here
 */
#ifndef IVM_LAYOUT_H
#define IVM_LAYOUT_H

#include <linux/ivm.h>
#include <stddef.h>
#include <stdint.h>

#define IVM_PAGE		4096ULL
#define IVM_BASE_MEMORY_END	0x9fc00ULL	/* usable memory below 1 MiB ends here */
#define IVM_ACPI_BASE		0xe0000ULL
#define IVM_ACPI_SIZE		0x20000ULL
#define IVM_HIGH_MEMORY		0x100000ULL

#define IVM_MAP_MAX		(IVM_SEGMENTS_MAX * 2)

struct ivm_range {
	uint64_t	start, size;
	const char	*what;		/* static text */
};

struct ivm_map {
	uint64_t	memory;		/* bytes of RAM */
	size_t		count;
	struct ivm_range ranges[IVM_MAP_MAX];	/* sorted by start, never overlapping */
};

struct ivm_e820 {
	uint64_t	start, size;
	uint32_t	type;		/* 1 RAM, 2 reserved: ACPI 15.1 */
};

#define IVM_E820_MAX	4

/* An empty map of @memory bytes. */
void ivm_map_init(struct ivm_map *map, uint64_t memory);

/* End of the RAM below 4 GiB. */
uint64_t ivm_map_low_end(const struct ivm_map *map);

/**
 * ivm_map_take() - enter a piece at a fixed address
 * Return: 0, -ENOMEM outside RAM, -EEXIST over another piece, -E2BIG too many, each with a sentence.
 */
int ivm_map_take(struct ivm_map *map, uint64_t start, uint64_t size, const char *what);

/**
 * ivm_map_place() - find room for a piece and enter it
 * @from, @to:	where it must lie; @to is clipped to the RAM below 4 GiB
 * @align:	a power of two
 * @high:	the highest place that fits, else the lowest
 * @start:	out
 *
 * Return: as ivm_map_take().
 */
int ivm_map_place(struct ivm_map *map, uint64_t from, uint64_t to, uint64_t size, uint64_t align,
		  int high, const char *what, uint64_t *start);

/* The memory map for the guest. Return: entries. */
size_t ivm_map_e820(const struct ivm_map *map, struct ivm_e820 table[IVM_E820_MAX]);

#endif
