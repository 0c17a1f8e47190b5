/* SPDX-License-Identifier: GPL-2.0-only */
/* Parts of a whole in thousandths, and as the percentages of JSON, which have one decimal. */
#ifndef IVM_PERCENT_H
#define IVM_PERCENT_H

#include <json-c/json.h>
#include <stddef.h>
#include <stdint.h>

/* Rounded down, so that 1000 means all of it; 0 of a @whole of 0. May be more than 1000. */
uint64_t ivm_permille(uint64_t part, uint64_t whole);

/* Of each of @count parts, rounded so that they make 1000 together; all 0 when the parts are. */
void ivm_permilles(const uint64_t *parts, size_t count, uint64_t *permilles);

/* 12.5 for 125. */
struct json_object *ivm_percent_json(uint64_t permille);

#endif
