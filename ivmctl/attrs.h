/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The attributes of the netlink family by name and type: one table, from which
 * answers become JSON and refusals name what they refuse. An attribute's JSON
 * name is its own, in small letters with dashes, or the key that users know it by.
 */
#ifndef IVM_ATTRS_H
#define IVM_ATTRS_H

#include <json-c/json.h>
#include <linux/ivm.h>
#include <stdint.h>

struct nlattr;

/* "memory" for IVM_A_MEMORY …; "unknown" for what this ivmctl does not know. */
const char *ivm_attr_name(unsigned int type);

/*
 * The attributes in @length bytes at @attrs, as a JSON object: enums by name,
 * lists and sets of bits as arrays, LIST_STAT and GANG as objects, RESERVE as
 * users write it, the age of what a guest said in milliseconds.
 * Attributes that this ivmctl does not know are left out; too short ones too.
 */
struct json_object *ivm_attrs_json(const struct nlattr *attrs, int length);

/* ---- reading the objects ---- */

/* Text, or "" when there is none. Valid as long as @object. */
const char *ivm_json_get_text(struct json_object *object, const char *name);
/* A number, or 0 when there is none. */
uint64_t ivm_json_get_number(struct json_object *object, const char *name);
/* The number of a CPU and the like, which may be negative; -1 when there is none. */
int ivm_json_get_int(struct json_object *object, const char *name);

extern const char *const ivm_smt_names[IVM_SMT_GUARD + 1];	/* enum ivm_smt */

#endif
