// SPDX-License-Identifier: GPL-2.0-only
#include "parcel.h"

#include "../text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int ivm_parcel_open_at(struct ivm_parcel *parcel, struct ivm_manifest *manifest, uint64_t base, size_t size,
		       const char *what)
{
	*parcel = (struct ivm_parcel){ .base = base, .size = size, .what = what };
	parcel->data = ivm_zalloc(1, size);
	return ivm_map_take(&manifest->map, base, size, what);
}

int ivm_parcel_open(struct ivm_parcel *parcel, struct ivm_manifest *manifest, size_t size, const char *what)
{
	*parcel = (struct ivm_parcel){ .size = size, .what = what };
	parcel->data = ivm_zalloc(1, size);
	/* Page 0 stays free: many kernels take address 0 for "none". */
	return ivm_map_place(&manifest->map, IVM_PAGE, IVM_BASE_MEMORY_END, size, 64, 1, what, &parcel->base);
}

void *ivm_parcel_take(struct ivm_parcel *parcel, size_t size, size_t align, uint64_t *gpa)
{
	size_t at;

	if (align < 16)
		align = 16;
	at = (parcel->used + align - 1) & ~(align - 1);
	if (at > parcel->size || size > parcel->size - at) {
		fprintf(stderr, "ivmctl: bug: the %s outgrew their %zu bytes\n", parcel->what, parcel->size);
		abort();
	}
	parcel->used = at + size;
	*gpa = parcel->base + at;
	return parcel->data + at;
}

uint64_t ivm_parcel_text(struct ivm_parcel *parcel, const char *text)
{
	uint64_t gpa;

	memcpy(ivm_parcel_take(parcel, strlen(text) + 1, 1, &gpa), text, strlen(text) + 1);
	return gpa;
}

int ivm_parcel_close(struct ivm_parcel *parcel, struct ivm_manifest *manifest, int err)
{
	if (!err)
		err = ivm_manifest_add_blob(manifest, parcel->data, parcel->used, parcel->base);
	free(parcel->data);
	parcel->data = NULL;
	return err;
}
