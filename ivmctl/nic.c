// SPDX-License-Identifier: GPL-2.0-only
#include "nic.h"

#include "fail.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a card has beside the settings of its port. */
struct ivm_nic_word {
	const char	*name;
	size_t		offset;		/* of a number */
	uint64_t	min, max;
};

static const struct ivm_nic_word ivm_nic_words[] = {
	{ .name = "switch" },
	{ .name = "mac" },
	{ .name = "queues", .offset = offsetof(struct ivm_nic, queues), .min = 1, .max = IVM_NIC_QUEUES_MAX },
	{ .name = "mtu", .offset = offsetof(struct ivm_nic, mtu), .min = IVM_MTU_MIN, .max = IVM_MTU_MAX },
};

static const struct ivm_nic_word *ivm_nic_word_find(const char *name)
{
	for (size_t i = 0; i < IVM_COUNT(ivm_nic_words); i++)
		if (!strcmp(ivm_nic_words[i].name, name))
			return &ivm_nic_words[i];
	return NULL;
}

static int ivm_nic_unknown(const char *name)
{
	char *names = ivm_strdup("switch, mac, queues, mtu"), *longer;
	int err;

	ivm_for_each_setting(row) {
		if (!row->nic)
			continue;
		longer = ivm_format("%s, %s", names, row->nic);
		free(names);
		names = longer;
	}
	err = ivm_fail(EINVAL, "a card has no '%.40s'; it has: %s", name, names);
	free(names);
	return err;
}

/* The row of a port's setting that cards have too, or NULL. */
static const struct ivm_setting *ivm_nic_setting(const char *name)
{
	const struct ivm_setting *row = ivm_setting_find(name);

	return row && row->nic ? row : NULL;
}

static int ivm_nic_set_own(struct ivm_nic *nic, const struct ivm_nic_word *word, const char *value)
{
	uint64_t number = 0;

	if (!strcmp(word->name, "switch")) {
		if (!ivm_is_device_name(value))
			return ivm_fail(EINVAL, "switch is '%.40s'; expected the name of a switch, 1 to %d characters",
					value, IFNAMSIZ - 1);
		memset(nic->switch_name, 0, sizeof(nic->switch_name));
		strcpy(nic->switch_name, value);
		return 0;
	}
	if (!strcmp(word->name, "mac")) {
		nic->has_mac = *value != '\0';
		if (*value && (ivm_parse_mac(value, nic->mac) || !ivm_mac_is_unicast(nic->mac)))
			return ivm_fail(EINVAL, "mac is '%.40s'; expected the address of one station, like 02:00:00:00:00:01",
					value);
		return 0;
	}
	if (*value && (ivm_parse_number(value, &number) || number < word->min || number > word->max))
		return ivm_fail(EINVAL, "%s is '%.40s'; expected %llu to %llu", word->name, value,
				(unsigned long long)word->min, (unsigned long long)word->max);
	*(uint64_t *)((char *)nic + word->offset) = number;
	return 0;
}

/* What was given as "none" or empty is as good as not given. */
static void ivm_nic_forget_empty(struct ivm_settings *port)
{
	if (!port->nr_macs)
		port->given &= ~(1U << IVM_PORT_A_MACS);
	if (!port->nr_ips)
		port->given &= ~(1U << IVM_PORT_A_IPS);
	if (!port->nr_ranges)
		port->given &= ~(1U << IVM_PORT_A_TRUNK);
	if (!port->native)
		port->given &= ~(1U << IVM_PORT_A_NATIVE);
	if (!port->serves)
		port->given &= ~(1U << IVM_PORT_A_SERVES);
	if (!port->learn)
		port->given &= ~(1U << IVM_PORT_A_LEARN);
	if (!port->storm_broadcast)
		port->given &= ~(1U << IVM_PORT_A_STORM_BROADCAST);
	if (!port->storm_multicast)
		port->given &= ~(1U << IVM_PORT_A_STORM_MULTICAST);
	if (!port->storm_unknown)
		port->given &= ~(1U << IVM_PORT_A_STORM_UNKNOWN);
	if (!port->rate_in)
		port->given &= ~(1U << IVM_PORT_A_RATE_IN);
	if (!port->rate_out)
		port->given &= ~(1U << IVM_PORT_A_RATE_OUT);
}

/*
 * A change being collected: the card so far, the port's settings that are named,
 * and which names those were.
 */
struct ivm_nic_change {
	struct ivm_nic		nic;
	struct ivm_settings	port;
	bool			own[IVM_COUNT(ivm_nic_words)];
};

static int ivm_nic_change_own(struct ivm_nic_change *change, const struct ivm_nic_word *word, const char *value)
{
	bool *seen = &change->own[word - ivm_nic_words];

	if (*seen)
		return ivm_fail(EINVAL, "%s is given twice", word->name);
	*seen = true;
	return ivm_nic_set_own(&change->nic, word, value);
}

/* Only addresses may be given again, to add one. */
static int ivm_nic_check_twice(const struct ivm_nic_change *change, const struct ivm_setting *row)
{
	if (!ivm_settings_given(&change->port, row->attr) || row->type == IVM_SETTING_IPS ||
	    row->type == IVM_SETTING_MACS || row->attr == IVM_PORT_A_MODE)
		return 0;
	return ivm_fail(EINVAL, "%s is given twice", row->name);
}

static int ivm_nic_change_apply(struct ivm_nic *nic, struct ivm_nic_change *change)
{
	int err = ivm_settings_check(&change->port);

	if (err)
		return err;
	ivm_settings_merge(&change->nic.port, &change->port);
	ivm_nic_forget_empty(&change->nic.port);
	*nic = change->nic;
	return 0;
}

int ivm_nic_text(struct ivm_nic *nic, const char *words)
{
	char *copy = ivm_strdup(words), *rest = copy, *word;
	struct ivm_nic_change change = { .nic = *nic };
	int err = 0;

	while (!err && (word = strsep(&rest, ","))) {
		char *value = strchr(word, ':');
		const struct ivm_nic_word *own;
		const struct ivm_setting *row;

		if (!value) {
			err = ivm_fail(EINVAL, "'%.60s' has no value; expected NAME:VALUE,... like switch:sw0,vlan:10 (lists inside use +)",
				       word);
			break;
		}
		*value++ = '\0';
		own = ivm_nic_word_find(word);
		row = ivm_nic_setting(word);
		if (own)
			err = ivm_nic_change_own(&change, own, value);
		else if (row)
			err = ivm_nic_check_twice(&change, row) ?: ivm_settings_text(&change.port, row, value, "+");
		else
			err = ivm_nic_unknown(word);
	}
	free(copy);
	return err ?: ivm_nic_change_apply(nic, &change);
}

/* A text or whole number as text, or NULL. */
static const char *ivm_nic_json_word(struct json_object *value)
{
	const char *text = json_object_get_string(value);

	if (json_object_is_type(value, json_type_int))
		return text;
	if (!json_object_is_type(value, json_type_string) ||
	    strlen(text) != (size_t)json_object_get_string_len(value))
		return NULL;
	return text;
}

int ivm_nic_json(struct ivm_nic *nic, struct json_object *object)
{
	struct ivm_nic_change change = { .nic = *nic };
	int err = 0;

	if (!json_object_is_type(object, json_type_object))
		return ivm_fail(EINVAL, "a card is of type %s; expected an object",
				json_type_to_name(json_object_get_type(object)));
	json_object_object_foreach(object, name, value) {
		const struct ivm_nic_word *own = ivm_nic_word_find(name);
		const struct ivm_setting *row = ivm_nic_setting(name);

		if (own && ivm_nic_json_word(value))
			err = ivm_nic_change_own(&change, own, ivm_nic_json_word(value));
		else if (own)
			err = ivm_fail(EINVAL, "%s is of type %s; expected a text or a whole number", name,
				       json_type_to_name(json_object_get_type(value)));
		else if (row)
			err = ivm_nic_check_twice(&change, row) ?: ivm_settings_json(&change.port, row, value);
		else
			err = ivm_nic_unknown(name);
		if (err)
			break;
	}
	return err ?: ivm_nic_change_apply(nic, &change);
}

int ivm_nic_check(const struct ivm_nic *nic, uint64_t vcpus)
{
	const struct ivm_settings *port = &nic->port;

	if (!nic->switch_name[0])
		return ivm_fail(EINVAL, "switch is missing; give switch:NAME, as in switch:sw0,vlan:10");
	if (!ivm_settings_given(port, IVM_PORT_A_MODE))
		return ivm_fail(EINVAL, "no VLAN is given; give vlan:N, or trunk:N+N, or mode:off");
	if (port->mode == IVM_PORT_ACCESS && !port->access)
		return ivm_fail(EINVAL, "mode is access without a VLAN; give vlan:N");
	if (port->mode == IVM_PORT_TRUNK && !port->nr_ranges)
		return ivm_fail(EINVAL, "mode is trunk without VLANs; give trunk:N+N or trunk:all");
	if (port->native && port->mode != IVM_PORT_TRUNK)
		return ivm_fail(EINVAL, "native is for trunks; give trunk:N+N too");
	if (nic->queues > vcpus)
		return ivm_fail(EINVAL, "queues is %llu; expected at most one for each of the %llu vcpus",
				(unsigned long long)nic->queues, (unsigned long long)vcpus);
	return ivm_settings_check(port);
}

struct json_object *ivm_nic_as_json(const struct ivm_nic *nic)
{
	struct json_object *object = json_object_new_object();
	char mac[IVM_MAC_TEXT];

	if (nic->switch_name[0])
		json_object_object_add(object, "switch", json_object_new_string(nic->switch_name));
	if (nic->has_mac)
		json_object_object_add(object, "mac", json_object_new_string(ivm_mac_text(nic->mac, mac)));
	if (nic->queues)
		json_object_object_add(object, "queues", json_object_new_uint64(nic->queues));
	if (nic->mtu)
		json_object_object_add(object, "mtu", json_object_new_uint64(nic->mtu));
	ivm_settings_add_json(&nic->port, true, object);
	return object;
}

char *ivm_port_vlan_text(const struct ivm_settings *settings)
{
	char *trunk, *text;

	if (settings->mode == IVM_PORT_ACCESS)
		return ivm_format("%llu", (unsigned long long)settings->access);
	if (settings->mode != IVM_PORT_TRUNK)
		return ivm_strdup("off");
	trunk = ivm_setting_value(settings, ivm_setting_find("trunk"), ',');
	if (settings->native)
		text = ivm_format("trunk %s native %llu", trunk, (unsigned long long)settings->native);
	else
		text = ivm_format("trunk %s", trunk);
	free(trunk);
	return text;
}
