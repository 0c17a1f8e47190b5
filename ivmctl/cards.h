/* SPDX-License-Identifier: GPL-2.0-only */
/* The cards of VMs: addresses across all definitions, netlink, names, and what "vm show" says of them. */
#ifndef IVM_CARDS_H
#define IVM_CARDS_H

#include "definition.h"

#include <json-c/json.h>

struct nl_msg;

/**
 * ivm_cards_complete() - give addresses to cards that have none, and refuse those that another VM has
 * The caller holds ivm_store_lock_all(), so that nobody else takes the same
 * address before @def is saved. Definitions that cannot be read do not count.
 *
 * Return: 0, or negative errno with a sentence that names the other VM.
 */
int ivm_cards_complete(struct ivm_definition *def);

/* LIST_NIC of VM_CREATE; nothing when there are no cards. Return: 0, or -ENOMEM with a sentence. */
int ivm_cards_put(struct nl_msg *msg, const struct ivm_definition *def);

/* Give the devices of a running VM their names NAME-netI; what fails is said on the standard error. */
void ivm_cards_name(struct json_object *vm);

/* Do the module's cards differ from the definition's? */
bool ivm_cards_differ(struct json_object *vm, struct json_object *definition);

/*
 * The model of a VM's cards: those that the module has, else the defined ones.
 * Objects with nic switch vlans mac queues mtu ifname; NULL when there are none.
 */
struct json_object *ivm_cards_model(struct json_object *vm, struct json_object *definition);

#endif
