/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the time of a core went. */
#ifndef IVM_TIMES_H
#define IVM_TIMES_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#define IVM_TIMES 6

/* "guest" ...; what the module calls guest-ns, and we guest-percent. */
extern const char *const ivm_times_names[IVM_TIMES];

/* The times that the module told of @core. Return: false when one is missing, as an older module tells none. */
bool ivm_times_get(struct json_object *core, uint64_t ns[IVM_TIMES]);

/* Add NAME-ns to @object, and NAME-percent of their sum, which make 100 together, unless it is 0. */
void ivm_times_add(struct json_object *object, const uint64_t ns[IVM_TIMES]);

/* "93.1%" of NAME-percent in @object, or "-"; for free(). */
char *ivm_times_text(struct json_object *object, const char *name);

#endif
