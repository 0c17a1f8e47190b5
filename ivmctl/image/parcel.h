/* SPDX-License-Identifier: GPL-2.0-only */
/* Structures that point at each other by guest address, composed in one piece of guest memory. */
#ifndef IVM_PARCEL_H
#define IVM_PARCEL_H

#include "manifest.h"

struct ivm_parcel {
	uint64_t	base;		/* guest address of its first byte */
	size_t		used, size;
	unsigned char	*data;		/* owned */
	const char	*what;
};

/*
 * Prepare a parcel of at most @size bytes below the end of base memory, as high
 * as there is room, and take that room in the map. Return: 0 or as
 * ivm_map_place(). Close it in any case.
 */
int ivm_parcel_open(struct ivm_parcel *parcel, struct ivm_manifest *manifest, size_t size, const char *what);

/* The same at a fixed address. */
int ivm_parcel_open_at(struct ivm_parcel *parcel, struct ivm_manifest *manifest, uint64_t base, size_t size,
		       const char *what);

/*
 * Reserve @size zeroed bytes, aligned to 16, or to @align if that is more.
 * Return: where to write them, with their guest address in *gpa. The sum of
 * what is reserved must fit the size given at opening: a bug otherwise.
 */
void *ivm_parcel_take(struct ivm_parcel *parcel, size_t size, size_t align, uint64_t *gpa);

/* Copy a text with its NUL. Return: its guest address. */
uint64_t ivm_parcel_text(struct ivm_parcel *parcel, const char *text);

/* Room that one piece of @size bytes may use up. */
static inline size_t ivm_parcel_room(size_t size)
{
	return size + 16;
}

/* Enter it into the manifest, unless @err says that something failed. Return: @err or what went wrong now. */
int ivm_parcel_close(struct ivm_parcel *parcel, struct ivm_manifest *manifest, int err);

#endif
