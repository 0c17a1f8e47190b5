/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists of CPUs as the kernel writes them, "0-3,6". */
#ifndef IVM_CPULIST_H
#define IVM_CPULIST_H

#include <json-c/json.h>
#include <stdbool.h>

#define IVM_CPU_NUMBERS	65536	/* more than any kernel has */

/* The numbers in @text as an array, up to where it is no such list. */
struct json_object *ivm_cpulist_json(const char *text);

bool ivm_cpulist_has(struct json_object *array, int cpu);

/* The array as a list, in its order; for free(). */
char *ivm_cpulist_text(struct json_object *array);

#endif
