// SPDX-License-Identifier: GPL-2.0-only
#include "fake_space.h"

#include <stdlib.h>
#include <string.h>

#include "mem/mem.h"

#define PAGE 4096

struct ivm_space {
	unsigned int pages;
	u8 **page;
};

struct ivm_space *fake_space_create(unsigned int pages)
{
	struct ivm_space *space = malloc(sizeof(*space));
	unsigned int i;

	space->pages = pages;
	space->page = calloc(pages, sizeof(*space->page));
	for (i = 0; i < pages; i++) {
		space->page[i] = aligned_alloc(64, PAGE);
		memset(space->page[i], 0, PAGE);
	}
	return space;
}

void fake_space_destroy(struct ivm_space *space)
{
	unsigned int i;

	for (i = 0; i < space->pages; i++)
		free(space->page[i]);
	free(space->page);
	free(space);
}

void fake_space_hole(struct ivm_space *space, u64 gpa)
{
	free(space->page[gpa / PAGE]);
	space->page[gpa / PAGE] = NULL;
}

void *ivm_space_ptr(const struct ivm_space *space, u64 gpa, u64 *run)
{
	if (gpa / PAGE >= space->pages || !space->page[gpa / PAGE])
		return NULL;
	if (run)
		*run = PAGE - gpa % PAGE;
	return space->page[gpa / PAGE] + gpa % PAGE;
}

u8 *fake_space_at(struct ivm_space *space, u64 gpa)
{
	u8 *p = ivm_space_ptr(space, gpa, NULL);

	if (!p)
		__builtin_trap();
	return p;
}

u64 fake_space_get(struct ivm_space *space, u64 gpa, unsigned int size)
{
	u64 value = 0;

	memcpy(&value, fake_space_at(space, gpa), size);
	return value;
}

void fake_space_set(struct ivm_space *space, u64 gpa, unsigned int size, u64 value)
{
	memcpy(fake_space_at(space, gpa), &value, size);
}
