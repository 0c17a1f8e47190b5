// SPDX-License-Identifier: GPL-2.0-only
#include "settings.h"

#include "args.h"
#include "fail.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define IVM_LIST_MAX	512	/* elements of a list as written; ranges that touch are joined later */

#define IVM_AT(member) offsetof(struct ivm_settings, member)

static const char *const ivm_mode_names[] = { "off", "access", "trunk", NULL };
static const char *const ivm_role_names[] = { "station", "uplink", NULL };
static const char *const ivm_serves_names[] = { "dhcp", "ra", NULL };

const struct ivm_setting ivm_settings_table[] = {
	{ .name = "mode", .type = IVM_SETTING_CHOICE, .nic = "mode", .attr = IVM_PORT_A_MODE, .width = 1,
	  .offset = IVM_AT(mode), .names = ivm_mode_names,
	  .value = "off|access|trunk", .help = "off: no frame passes; access= and trunk= set it too" },
	{ .name = "access", .type = IVM_SETTING_VLAN, .nic = "vlan", .attr = IVM_PORT_A_ACCESS, .width = 2,
	  .offset = IVM_AT(access), .min = IVM_VID_MIN, .max = IVM_VID_MAX,
	  .value = "VLAN", .help = "frames outside are untagged, inside they belong to this VLAN (1 to 4094)" },
	{ .name = "vlan", .type = IVM_SETTING_VLAN, .nic = "vlan", .alias = true, .attr = IVM_PORT_A_ACCESS,
	  .width = 2, .offset = IVM_AT(access), .min = IVM_VID_MIN, .max = IVM_VID_MAX, .value = "VLAN",
	  .help = "access, as a definition calls it" },
	{ .name = "trunk", .type = IVM_SETTING_VLANS, .nic = "trunk", .attr = IVM_PORT_A_TRUNK,
	  .width = sizeof(struct ivm_vlan_range), .offset = IVM_AT(range), .max = IVM_PORT_RANGES_MAX,
	  .value = "VLANS|all", .help = "frames outside are tagged with one of these VLANs, like 10,20-29" },
	{ .name = "native", .type = IVM_SETTING_VLAN, .nic = "native", .attr = IVM_PORT_A_NATIVE, .width = 2,
	  .offset = IVM_AT(native), .min = IVM_VID_MIN, .max = IVM_VID_MAX, .none = true,
	  .value = "VLAN|none", .help = "the VLAN of a trunk whose frames are untagged outside" },
	{ .name = "role", .type = IVM_SETTING_CHOICE, .attr = IVM_PORT_A_ROLE, .width = 1, .offset = IVM_AT(role),
	  .names = ivm_role_names,
	  .value = "uplink|station", .help = "an uplink leads to other switches: it gets unknown unicast" },
	{ .name = "isolated", .type = IVM_SETTING_FLAG, .nic = "isolated", .attr = IVM_PORT_A_ISOLATED, .width = 1,
	  .offset = IVM_AT(isolated), .max = 1,
	  .value = "yes|no", .help = "exchanges frames with uplinks only" },
	{ .name = "guard", .type = IVM_SETTING_FLAG, .nic = "guard", .attr = IVM_PORT_A_GUARD, .width = 1,
	  .offset = IVM_AT(guard), .max = 1,
	  .value = "yes|no", .help = "enforce macs, ips and serves; a VM's card does unless told otherwise" },
	{ .name = "macs", .type = IVM_SETTING_MACS, .nic = "macs", .attr = IVM_PORT_A_MACS, .width = IVM_MAC_LEN,
	  .offset = IVM_AT(mac), .max = IVM_PORT_MACS_MAX, .none = true,
	  .value = "MAC,...|none", .help = "addresses it may send from and gets frames for; a card: its own" },
	{ .name = "ips", .type = IVM_SETTING_IPS, .nic = "ip", .attr = IVM_PORT_A_IPS,
	  .width = sizeof(struct ivm_ip_prefix), .offset = IVM_AT(ip), .max = IVM_PORT_IPS_MAX, .none = true,
	  .value = "IP[/LEN],...|none", .help = "IP addresses it may send from; none: any" },
	{ .name = "ip", .type = IVM_SETTING_IPS, .nic = "ip", .alias = true, .attr = IVM_PORT_A_IPS,
	  .width = sizeof(struct ivm_ip_prefix), .offset = IVM_AT(ip), .max = IVM_PORT_IPS_MAX, .none = true,
	  .value = "IP[/LEN],...|none", .help = "ips, as a definition calls them" },
	{ .name = "serves", .type = IVM_SETTING_SET, .nic = "serves", .attr = IVM_PORT_A_SERVES, .width = 4,
	  .offset = IVM_AT(serves), .names = ivm_serves_names, .none = true,
	  .value = "dhcp,ra|none", .help = "with guard: may answer DHCP, may advertise itself as a router" },
	{ .name = "learn", .type = IVM_SETTING_NUMBER, .nic = "learn", .attr = IVM_PORT_A_LEARN, .width = 4,
	  .offset = IVM_AT(learn), .max = IVM_PORT_LEARN_MAX, .none = true,
	  .value = "N|none", .help = "how many addresses it may learn (devices 4096, cards none)" },
	{ .name = "mirror", .type = IVM_SETTING_PORT, .attr = IVM_PORT_A_MIRROR, .width = 4, .offset = IVM_AT(mirror),
	  .none = true,
	  .value = "PORT|none", .help = "a port of this switch that gets a copy of each frame, and nothing else" },
	{ .name = "storm-broadcast", .type = IVM_SETTING_NUMBER, .nic = "storm-broadcast",
	  .attr = IVM_PORT_A_STORM_BROADCAST, .width = 4, .offset = IVM_AT(storm_broadcast), .max = UINT32_MAX,
	  .none = true,
	  .value = "FRAMES|none", .help = "broadcast frames a second that may enter here" },
	{ .name = "storm-multicast", .type = IVM_SETTING_NUMBER, .nic = "storm-multicast",
	  .attr = IVM_PORT_A_STORM_MULTICAST, .width = 4, .offset = IVM_AT(storm_multicast), .max = UINT32_MAX,
	  .none = true,
	  .value = "FRAMES|none", .help = "multicast frames likewise" },
	{ .name = "storm-unknown", .type = IVM_SETTING_NUMBER, .nic = "storm-unknown",
	  .attr = IVM_PORT_A_STORM_UNKNOWN, .width = 4, .offset = IVM_AT(storm_unknown), .max = UINT32_MAX,
	  .none = true,
	  .value = "FRAMES|none", .help = "unicast frames to unknown addresses likewise" },
	{ .name = "rate-in", .type = IVM_SETTING_RATE, .nic = "rate-in", .attr = IVM_PORT_A_RATE_IN, .width = 8,
	  .offset = IVM_AT(rate_in), .max = UINT64_MAX, .none = true,
	  .value = "RATE|none", .help = "from the port into the switch, as 100Mbit (bits) or 12MB (bytes) a second" },
	{ .name = "rate-out", .type = IVM_SETTING_RATE, .nic = "rate-out", .attr = IVM_PORT_A_RATE_OUT, .width = 8,
	  .offset = IVM_AT(rate_out), .max = UINT64_MAX, .none = true,
	  .value = "RATE|none", .help = "from the switch to the port" },
	{ }
};

static const char *const ivm_port_stat_names[IVM_PORT_STATS] = {
	[IVM_STAT_RX] = "rx", [IVM_STAT_RX_BYTES] = "rx-bytes",
	[IVM_STAT_TX] = "tx", [IVM_STAT_TX_BYTES] = "tx-bytes",
	[IVM_STAT_COPIES] = "copies", [IVM_STAT_MIRRORED] = "mirrored",
	[IVM_STAT_DROP_OFF] = "drop-off", [IVM_STAT_DROP_RUNT] = "drop-runt",
	[IVM_STAT_DROP_TAGGED] = "drop-tagged", [IVM_STAT_DROP_NO_VLAN] = "drop-no-vlan",
	[IVM_STAT_DROP_VLAN] = "drop-vlan", [IVM_STAT_DROP_SOURCE] = "drop-source",
	[IVM_STAT_DROP_RESERVED] = "drop-reserved", [IVM_STAT_DROP_GUARD_MAC] = "drop-guard-mac",
	[IVM_STAT_DROP_GUARD_ARP] = "drop-guard-arp", [IVM_STAT_DROP_GUARD_IP4] = "drop-guard-ip4",
	[IVM_STAT_DROP_GUARD_IP6] = "drop-guard-ip6", [IVM_STAT_DROP_GUARD_ND] = "drop-guard-nd",
	[IVM_STAT_DROP_GUARD_SERVER] = "drop-guard-server", [IVM_STAT_DROP_GUARD_FRAGMENT] = "drop-guard-fragment",
	[IVM_STAT_DROP_STORM] = "drop-storm", [IVM_STAT_DROP_RATE_IN] = "drop-rate-in",
	[IVM_STAT_DROP_MOVED] = "drop-moved", [IVM_STAT_DROP_HAIRPIN] = "drop-hairpin",
	[IVM_STAT_DROP_NOWHERE] = "drop-nowhere", [IVM_STAT_DROP_ISOLATED] = "drop-isolated",
	[IVM_STAT_DROP_MEMORY] = "drop-memory", [IVM_STAT_DROP_TX_RATE] = "drop-tx-rate",
	[IVM_STAT_DROP_TX_SIZE] = "drop-tx-size", [IVM_STAT_DROP_TX_DOWN] = "drop-tx-down",
	[IVM_STAT_DROP_TX_FULL] = "drop-tx-full", [IVM_STAT_DROP_TX_FILTER] = "drop-tx-filter",
	[IVM_STAT_DROP_TX_ERROR] = "drop-tx-error",
};

const struct ivm_setting *ivm_setting_next(const struct ivm_setting *row)
{
	row = row ? row + 1 : ivm_settings_table;
	while (row->alias)
		row++;
	return row->name ? row : NULL;
}

const struct ivm_setting *ivm_setting_find(const char *name)
{
	for (const struct ivm_setting *row = ivm_settings_table; row->name; row++)
		if (!strcmp(row->name, name))
			return row;
	return NULL;
}

const char *ivm_port_stat_name(unsigned int stat)
{
	return stat < IVM_PORT_STATS && ivm_port_stat_names[stat] ? ivm_port_stat_names[stat] : "unknown";
}

const char *ivm_port_attr_name(unsigned int attr)
{
	for (const struct ivm_setting *row = ivm_settings_table; row->name; row++)
		if (row->attr == attr)
			return row->name;
	return attr == IVM_PORT_A_STATS ? "stats" : "unknown";
}

static uint64_t *ivm_setting_number(const struct ivm_settings *settings, const struct ivm_setting *row)
{
	return (uint64_t *)((char *)settings + row->offset);
}

static bool ivm_setting_is_list(const struct ivm_setting *row)
{
	return row->type == IVM_SETTING_VLANS || row->type == IVM_SETTING_MACS || row->type == IVM_SETTING_IPS;
}

/* How many elements a list has. */
static size_t *ivm_setting_count(const struct ivm_settings *settings, const struct ivm_setting *row)
{
	struct ivm_settings *all = (struct ivm_settings *)settings;

	return row->type == IVM_SETTING_VLANS ? &all->nr_ranges :
	       row->type == IVM_SETTING_MACS ? &all->nr_macs : &all->nr_ips;
}

static int ivm_setting_bad(const struct ivm_setting *row, const char *found)
{
	return ivm_fail(EINVAL, "%s is '%.60s'; expected %s", row->name, found, row->value);
}

/* ---- from text ---- */

/* One element of a list. */
static int ivm_setting_element(const struct ivm_setting *row, const char *word, void *element)
{
	switch (row->type) {
	case IVM_SETTING_VLANS:
		if (!ivm_parse_vlans(word, element))
			return 0;
		return ivm_fail(EINVAL, "%s names '%.40s'; expected VLANs 1 to 4094, like 10 or 20-29", row->name, word);
	case IVM_SETTING_MACS:
		if (!ivm_parse_mac(word, element) && ivm_mac_is_unicast(element))
			return 0;
		return ivm_fail(EINVAL, "%s names '%.40s'; expected the address of one station, like 02:00:00:00:00:01",
				row->name, word);
	case IVM_SETTING_IPS:
		if (!ivm_parse_prefix(word, element))
			return 0;
		return ivm_fail(EINVAL, "%s names '%.60s'; expected an address or a prefix with no bit set behind its length, like 10.0.0.5 or 2001:db8::/64",
				row->name, word);
	default:
		return -EINVAL;
	}
}

/* Add @count elements of @list to what is there. */
static int ivm_setting_append(struct ivm_settings *settings, const struct ivm_setting *row, const char *list,
			      size_t count)
{
	size_t *have = ivm_setting_count(settings, row);
	struct ivm_vlan_range ranges[2 * IVM_LIST_MAX];

	if (row->type == IVM_SETTING_VLANS) {
		memcpy(ranges, settings->range, *have * row->width);
		memcpy(ranges + *have, list, count * row->width);
		count = ivm_vlans_normalise(ranges, *have + count);
		if (count > row->max)
			return ivm_fail(EINVAL, "%s has %zu ranges; expected at most %llu", row->name, count,
					(unsigned long long)row->max);
		memcpy(settings->range, ranges, count * row->width);
		*have = count;
		return 0;
	}
	if (*have + count > row->max)
		return ivm_fail(EINVAL, "%s has %zu addresses; expected at most %llu", row->name, *have + count,
				(unsigned long long)row->max);
	memcpy((char *)ivm_setting_number(settings, row) + *have * row->width, list, count * row->width);
	*have += count;
	return 0;
}

static int ivm_setting_list(struct ivm_settings *settings, const struct ivm_setting *row, const char *value,
			    const char *separators)
{
	char list[IVM_LIST_MAX * sizeof(struct ivm_ip_prefix)];
	char *copy, *rest, *word;
	size_t count = 0;
	int err = 0;

	if (row->type == IVM_SETTING_VLANS && !strcmp(value, "all"))
		value = "1-4094";
	if (row->none && (!*value || !strcmp(value, "none")))
		return 0;
	copy = ivm_strdup(value);
	rest = copy;
	while (!err && (word = strsep(&rest, separators))) {
		if (count == IVM_LIST_MAX)
			err = ivm_fail(EINVAL, "%s has more than %d elements", row->name, IVM_LIST_MAX);
		else
			err = ivm_setting_element(row, word, list + count++ * row->width);
	}
	free(copy);
	return err ?: ivm_setting_append(settings, row, list, count);
}

static int ivm_setting_choice(const struct ivm_setting *row, const char *word, uint64_t *number)
{
	for (size_t i = 0; row->names[i]; i++) {
		if (!strcmp(word, row->names[i])) {
			*number = i;
			return 0;
		}
	}
	return ivm_setting_bad(row, word);
}

static int ivm_setting_set(const struct ivm_setting *row, const char *value, const char *separators, uint64_t *number)
{
	char *copy = ivm_strdup(value), *rest = copy, *word;
	uint64_t set = 0, bit = 0;
	int err = 0;

	while (!err && (word = strsep(&rest, separators))) {
		err = ivm_setting_choice(row, word, &bit);
		if (!err)
			set |= 1ULL << bit;
	}
	free(copy);
	if (!err)
		*number = set;
	return err;
}

static int ivm_setting_check_number(const struct ivm_setting *row, uint64_t number, const char *found)
{
	if ((row->none && !number) || (number >= row->min && number <= row->max))
		return 0;
	return ivm_fail(EINVAL, "%s is %.60s; expected %llu to %llu%s", row->name, found, (unsigned long long)row->min,
			(unsigned long long)row->max, row->none ? ", or none" : "");
}

/* The single number that @value stands for. */
static int ivm_setting_parse(const struct ivm_setting *row, const char *value, const char *separators,
			     uint64_t *number)
{
	if (row->none && (!*value || !strcmp(value, "none"))) {
		*number = 0;
		return 0;
	}
	switch (row->type) {
	case IVM_SETTING_CHOICE:
		return ivm_setting_choice(row, value, number);
	case IVM_SETTING_SET:
		return ivm_setting_set(row, value, separators, number);
	case IVM_SETTING_FLAG:
		if (strcmp(value, "yes") && strcmp(value, "no"))
			return ivm_setting_bad(row, value);
		*number = value[0] == 'y';
		return 0;
	case IVM_SETTING_RATE:
		if (ivm_parse_rate(value, number))
			return ivm_fail(EINVAL, "%s is '%.60s'; expected a rate with its unit, in bits a second like 100Mbit or in bytes like 12MB, or none",
					row->name, value);
		return 0;
	default:
		if (ivm_parse_number(value, number))
			return ivm_setting_bad(row, value);
		return ivm_setting_check_number(row, *number, value);
	}
}

static int ivm_setting_port(struct ivm_settings *settings, const struct ivm_setting *row, const char *value)
{
	if (!*value || !strcmp(value, "none"))
		value = "";
	if (strlen(value) >= sizeof(settings->mirror))
		return ivm_setting_bad(row, value);
	strcpy(settings->mirror, value);
	settings->mirror_index = 0;
	return 0;
}

/* Mark @row as given; VLANs choose the mode. */
static void ivm_setting_mark(struct ivm_settings *settings, const struct ivm_setting *row)
{
	settings->given |= 1U << row->attr;
	if (row->attr == IVM_PORT_A_ACCESS || row->attr == IVM_PORT_A_TRUNK) {
		settings->given |= 1U << IVM_PORT_A_MODE;
		settings->mode = row->attr == IVM_PORT_A_ACCESS ? IVM_PORT_ACCESS : IVM_PORT_TRUNK;
	}
}

/* access=, trunk= and mode= say the same thing, so they must agree. */
static int ivm_setting_check_mode(const struct ivm_settings *settings, const struct ivm_setting *row, uint64_t mode)
{
	uint64_t wanted = row->attr == IVM_PORT_A_ACCESS ? IVM_PORT_ACCESS :
			  row->attr == IVM_PORT_A_TRUNK ? IVM_PORT_TRUNK : mode;

	if (row->attr != IVM_PORT_A_ACCESS && row->attr != IVM_PORT_A_TRUNK && row->attr != IVM_PORT_A_MODE)
		return 0;
	if (!ivm_settings_given(settings, IVM_PORT_A_MODE) || settings->mode == wanted)
		return 0;
	return ivm_fail(EINVAL, "%s contradicts mode %s; a port is either access=VLAN, or trunk=VLANS with or without native=VLAN, or mode=off",
			row->name, ivm_mode_names[settings->mode]);
}

int ivm_settings_text(struct ivm_settings *settings, const struct ivm_setting *row, const char *value,
		      const char *separators)
{
	uint64_t number = 0;
	int err = ivm_setting_is_list(row) || row->type == IVM_SETTING_PORT ? 0 :
		  ivm_setting_parse(row, value, separators, &number);

	if (!err)
		err = ivm_setting_check_mode(settings, row, number);
	if (!err && ivm_setting_is_list(row))
		err = ivm_setting_list(settings, row, value, separators);
	else if (!err && row->type == IVM_SETTING_PORT)
		err = ivm_setting_port(settings, row, value);
	else if (!err)
		*ivm_setting_number(settings, row) = number;
	if (!err)
		ivm_setting_mark(settings, row);
	return err;
}

/* ---- from JSON ---- */

static int ivm_setting_type_error(const struct ivm_setting *row, struct json_object *value, const char *expected)
{
	return ivm_fail(EINVAL, "%s is of type %s; expected %s", row->name,
			json_type_to_name(json_object_get_type(value)), expected);
}

/* An element of an array, or NULL when it cannot be one. */
static const char *ivm_setting_word(struct json_object *element)
{
	const char *word = json_object_get_string(element);

	if (json_object_is_type(element, json_type_int))
		return word;
	if (!json_object_is_type(element, json_type_string) ||
	    strlen(word) != (size_t)json_object_get_string_len(element) || !*word || strchr(word, ','))
		return NULL;
	return word;
}

/* An array as text with commas; NULL with a sentence when an element cannot be one. */
static char *ivm_setting_join(const struct ivm_setting *row, struct json_object *array)
{
	char *text = ivm_strdup(json_object_array_length(array) ? "" : "none"), *longer;

	for (size_t i = 0; i < json_object_array_length(array); i++) {
		const char *word = ivm_setting_word(json_object_array_get_idx(array, i));

		if (!word) {
			ivm_fail(EINVAL, "element %zu of %s is not what it should be; expected an array of texts like %s", i + 1,
				 row->name, row->value);
			free(text);
			return NULL;
		}
		longer = ivm_format("%s%s%s", text, i ? "," : "", word);
		free(text);
		text = longer;
	}
	return text;
}

int ivm_settings_json(struct ivm_settings *settings, const struct ivm_setting *row, struct json_object *value)
{
	const char *text;
	char *joined;
	int err;

	switch (json_object_get_type(value)) {
	case json_type_array:
		if (!ivm_setting_is_list(row) && row->type != IVM_SETTING_SET)
			return ivm_setting_type_error(row, value, row->value);
		joined = ivm_setting_join(row, value);
		if (!joined)
			return -EINVAL;
		err = ivm_settings_text(settings, row, joined, ",");
		free(joined);
		return err;
	case json_type_boolean:
		if (row->type != IVM_SETTING_FLAG)
			return ivm_setting_type_error(row, value, row->value);
		return ivm_settings_text(settings, row, json_object_get_boolean(value) ? "yes" : "no", ",");
	case json_type_int:
		if (json_object_get_int64(value) < 0)
			return ivm_setting_bad(row, json_object_get_string(value));
		/* Rates in JSON are bytes a second, as everything there is. */
		if (row->type == IVM_SETTING_RATE) {
			*ivm_setting_number(settings, row) = json_object_get_uint64(value);
			ivm_setting_mark(settings, row);
			return 0;
		}
		if (row->type == IVM_SETTING_NUMBER || row->type == IVM_SETTING_VLAN || row->type == IVM_SETTING_VLANS)
			return ivm_settings_text(settings, row, json_object_get_string(value), ",");
		return ivm_setting_type_error(row, value, row->value);
	case json_type_string:
		text = json_object_get_string(value);
		if (strlen(text) != (size_t)json_object_get_string_len(value))
			return ivm_fail(EINVAL, "%s contains a NUL character", row->name);
		return ivm_settings_text(settings, row, text, ",");
	default:
		return ivm_setting_type_error(row, value, row->value);
	}
}

/* ---- as a whole ---- */

int ivm_settings_check(const struct ivm_settings *settings)
{
	if (ivm_settings_given(settings, IVM_PORT_A_NATIVE) && settings->native &&
	    ivm_settings_given(settings, IVM_PORT_A_MODE) && settings->mode != IVM_PORT_TRUNK)
		return ivm_fail(EINVAL, "native is for trunks; mode is %s", ivm_mode_names[settings->mode]);
	if (ivm_settings_given(settings, IVM_PORT_A_TRUNK) && settings->native &&
	    !ivm_vlans_have(settings->range, settings->nr_ranges, (uint16_t)settings->native))
		return ivm_fail(EINVAL, "native is %llu, which is none of the VLANs in trunk; add it there",
				(unsigned long long)settings->native);
	if (settings->role == IVM_PORT_UPLINK && settings->isolated)
		return ivm_fail(EINVAL, "isolated is yes and role is uplink; an uplink is never isolated");
	for (size_t i = 0; i < settings->nr_macs; i++)
		for (size_t j = 0; j < i; j++)
			if (!memcmp(settings->mac[i], settings->mac[j], IVM_MAC_LEN)) {
				char text[IVM_MAC_TEXT];

				return ivm_fail(EINVAL, "macs names %s twice", ivm_mac_text(settings->mac[i], text));
			}
	return 0;
}

void ivm_settings_merge(struct ivm_settings *settings, const struct ivm_settings *change)
{
	ivm_for_each_setting(row) {
		if (!ivm_settings_given(change, row->attr))
			continue;
		settings->given |= 1U << row->attr;
		if (ivm_setting_is_list(row)) {
			size_t count = *ivm_setting_count(change, row);

			*ivm_setting_count(settings, row) = count;
			memcpy(ivm_setting_number(settings, row), ivm_setting_number(change, row), count * row->width);
		} else if (row->type == IVM_SETTING_PORT) {
			memcpy(settings->mirror, change->mirror, sizeof(settings->mirror));
			settings->mirror_index = change->mirror_index;
		} else {
			*ivm_setting_number(settings, row) = *ivm_setting_number(change, row);
		}
	}
	if (!ivm_settings_given(change, IVM_PORT_A_MODE))
		return;
	if (settings->mode != IVM_PORT_TRUNK) {
		settings->given &= ~(1U << IVM_PORT_A_TRUNK | 1U << IVM_PORT_A_NATIVE);
		settings->nr_ranges = 0;
		settings->native = 0;
	}
	if (settings->mode != IVM_PORT_ACCESS) {
		settings->given &= ~(1U << IVM_PORT_A_ACCESS);
		settings->access = 0;
	}
}

/* ---- to text and JSON ---- */

static void ivm_setting_element_text(const struct ivm_setting *row, const struct ivm_settings *settings, size_t i,
				     char text[IVM_VLANS_TEXT])
{
	if (row->type == IVM_SETTING_VLANS)
		ivm_vlans_text(&settings->range[i], text);
	else if (row->type == IVM_SETTING_MACS)
		ivm_mac_text(settings->mac[i], text);
	else
		ivm_prefix_text(&settings->ip[i], text);
}

/* Elements of a list or set as an array of texts. */
static struct json_object *ivm_setting_array(const struct ivm_settings *settings, const struct ivm_setting *row)
{
	struct json_object *array = json_object_new_array();
	char text[IVM_VLANS_TEXT];

	if (row->type == IVM_SETTING_SET) {
		for (size_t i = 0; row->names[i]; i++)
			if (*ivm_setting_number(settings, row) & (1ULL << i))
				json_object_array_add(array, json_object_new_string(row->names[i]));
		return array;
	}
	for (size_t i = 0; i < *ivm_setting_count(settings, row); i++) {
		ivm_setting_element_text(row, settings, i, text);
		json_object_array_add(array, json_object_new_string(text));
	}
	return array;
}

static const char *ivm_setting_name_of(const struct ivm_setting *row, uint64_t number)
{
	for (size_t i = 0; row->names[i]; i++)
		if (i == number)
			return row->names[i];
	return "unknown";
}

void ivm_settings_add_json(const struct ivm_settings *settings, bool nic, struct json_object *object)
{
	ivm_for_each_setting(row) {
		const char *name = nic ? row->nic : row->name;
		struct json_object *value;

		if (!name || !ivm_settings_given(settings, row->attr))
			continue;
		/* VLANs say it already, in a definition. */
		if (nic && row->attr == IVM_PORT_A_MODE && settings->mode != IVM_PORT_OFF)
			continue;
		if (ivm_setting_is_list(row) || row->type == IVM_SETTING_SET)
			value = ivm_setting_array(settings, row);
		else if (row->type == IVM_SETTING_CHOICE)
			value = json_object_new_string(ivm_setting_name_of(row, *ivm_setting_number(settings, row)));
		else if (row->type == IVM_SETTING_FLAG)
			value = json_object_new_boolean(*ivm_setting_number(settings, row) != 0);
		else if (row->type == IVM_SETTING_PORT)
			value = json_object_new_string(settings->mirror[0] ? settings->mirror : "none");
		else
			value = json_object_new_uint64(*ivm_setting_number(settings, row));
		json_object_object_add(object, name, value);
	}
}

char *ivm_setting_value(const struct ivm_settings *settings, const struct ivm_setting *row, char separator)
{
	uint64_t number = *ivm_setting_number(settings, row);
	char rate[IVM_RATE_TEXT], *text, *longer;
	struct json_object *array;

	switch (row->type) {
	case IVM_SETTING_VLANS:
		if (settings->nr_ranges == 1 && settings->range[0].first == IVM_VID_MIN &&
		    settings->range[0].last == IVM_VID_MAX)
			return ivm_strdup("all");
		break;
	case IVM_SETTING_MACS:
	case IVM_SETTING_IPS:
	case IVM_SETTING_SET:
		break;
	case IVM_SETTING_CHOICE:
		return ivm_strdup(ivm_setting_name_of(row, number));
	case IVM_SETTING_FLAG:
		return ivm_strdup(number ? "yes" : "no");
	case IVM_SETTING_PORT:
		return ivm_strdup(settings->mirror[0] ? settings->mirror : "none");
	case IVM_SETTING_RATE:
		return ivm_strdup(number ? ivm_rate_text(number, rate) : "none");
	default:
		return number || !row->none ? ivm_format("%llu", (unsigned long long)number) : ivm_strdup("none");
	}
	array = ivm_setting_array(settings, row);
	text = ivm_strdup(json_object_array_length(array) ? "" : "none");
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		longer = ivm_format("%s%.*s%s", text, i ? 1 : 0, &separator,
				    json_object_get_string(json_object_array_get_idx(array, i)));
		free(text);
		text = longer;
	}
	json_object_put(array);
	return text;
}

/* ---- for the command line ---- */

static const char *ivm_port_find(const char *word, bool *again)
{
	const struct ivm_setting *found = ivm_setting_find(word);

	*again = false;
	if (!found)
		return NULL;
	/* By its own name, so that access= and vlan= are seen to be the same. */
	ivm_for_each_setting(row)
		if (row->attr == found->attr)
			return row->name;
	return NULL;
}

static bool ivm_port_row(size_t i, const char **name, const char **value, const char **help, bool *optional)
{
	ivm_for_each_setting(row) {
		if (i--)
			continue;
		*name = row->name;
		*value = row->value;
		*help = row->help;
		*optional = false;
		return true;
	}
	return false;
}

const struct ivm_vocabulary ivm_port_vocabulary = {
	.title = "Keys (KEY=VALUE, or --KEY VALUE; what is not named stays as it is):",
	.find = ivm_port_find,
	.row = ivm_port_row,
};
