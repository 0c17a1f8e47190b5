/* SPDX-License-Identifier: GPL-2.0-only */
/* How a VM in the module shares its cores, and how well its vCPUs run together. */
#ifndef IVM_GANG_H
#define IVM_GANG_H

#include <json-c/json.h>
#include <stdbool.h>

/*
 * Complete what the module told of @vm: "cpu" as users write it, beside cpu-floor
 * and cpu-cap; "corun-percent" of its gang, once it ran. An older module tells none of it.
 */
void ivm_gang_complete(struct json_object *vm);

/* Do @vm, completed, and its definition say different things in this key, "cpu" or "cosched"? */
bool ivm_gang_differs(struct json_object *vm, struct json_object *definition, const char *key);

/* The fields of @vm for people. */
void ivm_gang_print(struct json_object *vm);

#endif
