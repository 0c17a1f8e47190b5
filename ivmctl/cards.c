// SPDX-License-Identifier: GPL-2.0-only
#include "cards.h"

#include "attrs.h"
#include "fail.h"
#include "ports.h"
#include "store.h"
#include "text.h"

#include <errno.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define IVM_NIC_MTU	1500	/* of a card that names none */

/* ---- addresses ---- */

/* Addresses that are taken, with the VM that has them. */
struct ivm_taken {
	size_t	count, room;
	struct {
		uint8_t	mac[IVM_MAC_LEN];
		char	vm[IVM_NAME_MAX + 1];
	} *list;
};

static void ivm_taken_add(struct ivm_taken *taken, const char *vm, const uint8_t *mac)
{
	void *grown;

	if (taken->count == taken->room) {
		taken->room = taken->room ? 2 * taken->room : 16;
		grown = ivm_zalloc(taken->room, sizeof(*taken->list));
		if (taken->count)
			memcpy(grown, taken->list, taken->count * sizeof(*taken->list));
		free(taken->list);
		taken->list = grown;
	}
	memcpy(taken->list[taken->count].mac, mac, IVM_MAC_LEN);
	snprintf(taken->list[taken->count++].vm, sizeof(taken->list->vm), "%s", vm);
}

static const char *ivm_taken_by(const struct ivm_taken *taken, const uint8_t *mac)
{
	for (size_t i = 0; i < taken->count; i++)
		if (!memcmp(taken->list[i].mac, mac, IVM_MAC_LEN))
			return taken->list[i].vm;
	return NULL;
}

/* The addresses in all definitions but that of @except. */
static int ivm_taken_read(struct ivm_taken *taken, const char *except)
{
	struct ivm_definition *def;
	size_t count;
	char **names;
	int err = ivm_store_names(&names, &count);

	if (err)
		return err;
	def = ivm_zalloc(1, sizeof(*def));
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(names[i], except))
			continue;
		if (!ivm_store_load(names[i], def))
			for (size_t j = 0; j < def->nr_nics; j++)
				if (def->nics[j].has_mac)
					ivm_taken_add(taken, names[i], def->nics[j].mac);
		ivm_definition_free(def);
	}
	free(def);
	ivm_store_names_free(names, count);
	return 0;
}

/* A new address: locally administered, of one station, that nobody has. */
static int ivm_mac_new(const struct ivm_taken *taken, uint8_t mac[IVM_MAC_LEN])
{
	do {
		if (getrandom(mac, IVM_MAC_LEN, 0) != IVM_MAC_LEN)
			return ivm_fail(errno, "cannot make up an address: %s", strerror(errno));
		mac[0] = (uint8_t)((mac[0] & 0xfc) | 0x02);
	} while (ivm_taken_by(taken, mac));
	return 0;
}

int ivm_cards_complete(struct ivm_definition *def)
{
	struct ivm_taken taken = { 0 };
	char mac[IVM_MAC_TEXT];
	const char *other;
	int err;

	if (!def->nr_nics)
		return 0;
	err = ivm_taken_read(&taken, def->name);
	for (size_t i = 0; i < def->nr_nics && !err; i++) {
		struct ivm_nic *nic = &def->nics[i];

		other = nic->has_mac ? ivm_taken_by(&taken, nic->mac) : NULL;
		if (other)
			err = ivm_fail(EEXIST, "nic%zu: mac %s is that of a card of VM '%s'; leave it out to get a new one", i,
				       ivm_mac_text(nic->mac, mac), other);
		else if (nic->has_mac)
			ivm_taken_add(&taken, def->name, nic->mac);
	}
	for (size_t i = 0; i < def->nr_nics && !err; i++) {
		struct ivm_nic *nic = &def->nics[i];

		if (nic->has_mac)
			continue;
		err = ivm_mac_new(&taken, nic->mac);
		nic->has_mac = !err;
		if (!err)
			ivm_taken_add(&taken, def->name, nic->mac);
	}
	free(taken.list);
	return err;
}

/* ---- netlink ---- */

static int ivm_card_put(struct nl_msg *msg, const struct ivm_nic *nic)
{
	struct nlattr *entry = nla_nest_start(msg, IVM_A_NIC_ENTRY), *port;

	if (!entry || nla_put(msg, IVM_A_NIC_MAC, IVM_MAC_LEN, nic->mac) ||
	    nla_put_string(msg, IVM_A_NIC_SWITCH, nic->switch_name) ||
	    (nic->queues && nla_put_u16(msg, IVM_A_NIC_QUEUES, (uint16_t)nic->queues)) ||
	    (nic->mtu && nla_put_u16(msg, IVM_A_NIC_MTU, (uint16_t)nic->mtu)))
		return ivm_fail(ENOMEM, "out of memory");
	port = nla_nest_start(msg, IVM_A_NIC_PORT);
	if (!port || ivm_settings_put(msg, &nic->port))
		return ivm_fail(ENOMEM, "out of memory");
	nla_nest_end(msg, port);
	nla_nest_end(msg, entry);
	return 0;
}

int ivm_cards_put(struct nl_msg *msg, const struct ivm_definition *def)
{
	struct nlattr *list;
	int err = 0;

	if (!def->nr_nics)
		return 0;
	list = nla_nest_start(msg, IVM_A_LIST_NIC);
	if (!list)
		return ivm_fail(ENOMEM, "out of memory");
	for (size_t i = 0; i < def->nr_nics && !err; i++)
		err = ivm_card_put(msg, &def->nics[i]);
	if (!err)
		nla_nest_end(msg, list);
	return err;
}

/* ---- names ---- */

/* The module's list of cards, or NULL. */
static struct json_object *ivm_cards_live(struct json_object *vm)
{
	struct json_object *list;

	if (!vm || !json_object_object_get_ex(vm, "list-nic", &list) || !json_object_is_type(list, json_type_array))
		return NULL;
	return list;
}

static void ivm_card_name(struct ivm_net *net, const char *vm, size_t i, struct json_object *nic)
{
	int index = (int)ivm_json_get_number(nic, "nic-ifindex");
	char *name = ivm_format("%s-net%zu", vm, i);
	const struct ivm_link *owner = ivm_link_find(&net->links, name);

	if (index && owner && owner->index == index)
		index = 0;	/* it has the name already */
	if (index && ivm_link_add_name(net->rtnl, index, name))
		fprintf(stderr, "ivmctl: note: %s does not get the name %s: %s\n", ivm_json_get_text(nic, "nic-ifname"), name,
			ivm_failure());
	free(name);
}

void ivm_cards_name(struct json_object *vm)
{
	struct json_object *list = ivm_cards_live(vm);
	struct ivm_net net;

	if (!list || !json_object_array_length(list))
		return;
	if (ivm_net_open(&net)) {
		fprintf(stderr, "ivmctl: note: the cards get no names: %s\n", ivm_failure());
	} else {
		for (size_t i = 0; i < json_object_array_length(list); i++)
			ivm_card_name(&net, ivm_json_get_text(vm, "name"), i, json_object_array_get_idx(list, i));
	}
	ivm_net_close(&net);
}

/* ---- for vm show ---- */

/* The definition's cards, or NULL. */
static struct json_object *ivm_cards_defined(struct json_object *definition)
{
	struct json_object *list;

	return definition && json_object_object_get_ex(definition, "nic", &list) ? list : NULL;
}

static uint64_t ivm_card_number(struct json_object *nic, const char *name, uint64_t otherwise)
{
	return json_object_object_get_ex(nic, name, NULL) ? ivm_json_get_number(nic, name) : otherwise;
}

bool ivm_cards_differ(struct json_object *vm, struct json_object *definition)
{
	struct json_object *live = ivm_cards_live(vm), *defined = ivm_cards_defined(definition);
	size_t count = live ? json_object_array_length(live) : 0;

	if (count != (defined ? json_object_array_length(defined) : 0))
		return true;
	for (size_t i = 0; i < count; i++) {
		struct json_object *is = json_object_array_get_idx(live, i), *want = json_object_array_get_idx(defined, i);

		if (strcmp(ivm_json_get_text(is, "nic-mac"), ivm_json_get_text(want, "mac")) ||
		    strcmp(ivm_json_get_text(is, "nic-switch"), ivm_json_get_text(want, "switch")) ||
		    ivm_card_number(is, "nic-queues", 1) != ivm_card_number(want, "queues", 1) ||
		    ivm_card_number(is, "nic-mtu", IVM_NIC_MTU) != ivm_card_number(want, "mtu", IVM_NIC_MTU))
			return true;
	}
	return false;
}

static void ivm_card_add(struct json_object *list, size_t i, const char *sw, const char *vlans, const char *mac,
			 uint64_t queues, uint64_t mtu, const char *ifname)
{
	struct json_object *card = json_object_new_object();
	char *name = ivm_format("nic%zu", i);

	json_object_object_add(card, "nic", json_object_new_string(name));
	json_object_object_add(card, "switch", json_object_new_string(sw));
	if (vlans)
		json_object_object_add(card, "vlans", json_object_new_string(vlans));
	json_object_object_add(card, "mac", json_object_new_string(mac));
	json_object_object_add(card, "queues", json_object_new_uint64(queues));
	json_object_object_add(card, "mtu", json_object_new_uint64(mtu));
	if (ifname && *ifname)
		json_object_object_add(card, "ifname", json_object_new_string(ifname));
	json_object_array_add(list, card);
	free(name);
}

static void ivm_card_add_live(struct json_object *list, const struct ivm_net *net, size_t i, struct json_object *nic)
{
	const struct ivm_link *link = ivm_link_at(&net->links, (int)ivm_json_get_number(nic, "nic-ifindex"));
	char *vlans = link && ivm_link_is_port(link) ? ivm_port_vlan_text(&link->port) : NULL;

	ivm_card_add(list, i, ivm_json_get_text(nic, "nic-switch"), vlans, ivm_json_get_text(nic, "nic-mac"),
		     ivm_json_get_number(nic, "nic-queues"), ivm_json_get_number(nic, "nic-mtu"),
		     ivm_json_get_text(nic, "nic-ifname"));
	free(vlans);
}

static void ivm_card_add_defined(struct json_object *list, size_t i, struct json_object *object)
{
	struct ivm_nic nic = { 0 };
	char mac[IVM_MAC_TEXT] = "-", *vlans;

	/* Checked when the definition was read. */
	if (ivm_nic_json(&nic, object))
		return;
	if (nic.has_mac)
		ivm_mac_text(nic.mac, mac);
	vlans = ivm_port_vlan_text(&nic.port);
	ivm_card_add(list, i, nic.switch_name, vlans, mac, nic.queues ?: 1, nic.mtu ?: IVM_NIC_MTU, NULL);
	free(vlans);
}

struct json_object *ivm_cards_model(struct json_object *vm, struct json_object *definition)
{
	struct json_object *live = ivm_cards_live(vm), *defined = ivm_cards_defined(definition), *list;
	struct ivm_net net = { 0 };

	if (!(live && json_object_array_length(live)) && !defined)
		return NULL;
	list = json_object_new_array();
	if (live && json_object_array_length(live)) {
		ivm_net_open(&net);	/* without it only VLANs are missing */
		for (size_t i = 0; i < json_object_array_length(live); i++)
			ivm_card_add_live(list, &net, i, json_object_array_get_idx(live, i));
		ivm_net_close(&net);
	} else {
		for (size_t i = 0; i < json_object_array_length(defined); i++)
			ivm_card_add_defined(list, i, json_object_array_get_idx(defined, i));
	}
	return list;
}
