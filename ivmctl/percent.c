// SPDX-License-Identifier: GPL-2.0-only
#include "percent.h"

#include "text.h"

#include <stdlib.h>

#define IVM_WHOLE 1000

/* Counters of the module are 64 bits wide, and their sums may be wider. */
typedef unsigned __int128 ivm_wide;

uint64_t ivm_permille(uint64_t part, uint64_t whole)
{
	ivm_wide permille = whole ? (ivm_wide)part * IVM_WHOLE / whole : 0;

	return permille > UINT64_MAX ? UINT64_MAX : (uint64_t)permille;
}

void ivm_permilles(const uint64_t *parts, size_t count, uint64_t *permilles)
{
	ivm_wide whole = 0, rest, most;
	uint64_t given = 0;
	size_t best;

	for (size_t i = 0; i < count; i++)
		whole += parts[i];
	for (size_t i = 0; i < count; i++) {
		permilles[i] = whole ? (uint64_t)((ivm_wide)parts[i] * IVM_WHOLE / whole) : 0;
		given += permilles[i];
	}
	/* What rounding left goes to those that lost most by it, one each: fewer are missing than there are parts. */
	while (whole && given < IVM_WHOLE) {
		most = 0;
		best = 0;
		for (size_t i = 0; i < count; i++) {
			rest = (ivm_wide)parts[i] * IVM_WHOLE - (ivm_wide)permilles[i] * whole;
			/* Beyond the exact share it is a number below 0. */
			if ((ivm_wide)permilles[i] * whole > (ivm_wide)parts[i] * IVM_WHOLE || rest <= most)
				continue;
			most = rest;
			best = i;
		}
		permilles[best]++;
		given++;
	}
}

struct json_object *ivm_percent_json(uint64_t permille)
{
	/* With its own text: the nearest double of 12.3 has many more digits. */
	char *text = ivm_format("%llu.%llu", (unsigned long long)permille / 10, (unsigned long long)permille % 10);
	struct json_object *number = json_object_new_double_s((double)permille / 10, text);

	free(text);
	return number;
}
