/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a port of a switch is set: one table of keys (name, attribute, type,
 * range) behind the key=value words of "port set" and "port attach", the words
 * of nic= in a definition, JSON both ways, and the netlink attributes both ways.
 */
#ifndef IVM_SETTINGS_H
#define IVM_SETTINGS_H

#include "values.h"

#include <json-c/json.h>
#include <linux/ivm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nl_msg;
struct nlattr;

/* Plain values. What was not given is zero. */
struct ivm_settings {
	uint32_t		given;		/* bit IVM_PORT_A_x: that one is set */
	uint64_t		mode, access, native, role, isolated, guard, serves, learn;
	uint64_t		storm_broadcast, storm_multicast, storm_unknown;
	uint64_t		rate_in, rate_out;	/* bytes a second */
	size_t			nr_ranges, nr_macs, nr_ips;
	struct ivm_vlan_range	range[IVM_PORT_RANGES_MAX];
	uint8_t			mac[IVM_PORT_MACS_MAX][IVM_MAC_LEN];
	struct ivm_ip_prefix	ip[IVM_PORT_IPS_MAX];
	char			mirror[IVM_DEVICE_TEXT];	/* name of a port; "": none */
	uint32_t		mirror_index;	/* of netlink; who sends settings finds it by the name */
};

enum ivm_setting_type {
	IVM_SETTING_NUMBER,	/* 0 is "none" where "none" makes sense */
	IVM_SETTING_VLAN,	/* likewise */
	IVM_SETTING_CHOICE,	/* one of names */
	IVM_SETTING_FLAG,	/* yes or no; JSON: boolean */
	IVM_SETTING_SET,	/* any of names; JSON: array */
	IVM_SETTING_RATE,	/* JSON: bytes a second */
	IVM_SETTING_VLANS,	/* JSON: array of texts, numbers accepted */
	IVM_SETTING_MACS,	/* JSON: array of texts */
	IVM_SETTING_IPS,
	IVM_SETTING_PORT,	/* another port's name */
};

struct ivm_setting {
	const char		*name;
	enum ivm_setting_type	type;
	const char		*nic;		/* its name in a definition's nic; NULL: not there */
	bool			alias;		/* another name of a row above, for reading only */
	unsigned int		attr;		/* IVM_PORT_A_* */
	unsigned int		width;		/* bytes of the attribute; of lists: of one element */
	size_t			offset;		/* in struct ivm_settings: number, or first element of a list */
	uint64_t		min, max;
	bool			none;		/* "none" is 0 */
	const char *const	*names;		/* of choices and sets, ends with NULL */
	const char		*value;		/* what it looks like */
	const char		*help;
};

extern const struct ivm_setting ivm_settings_table[];	/* ends with an entry without name */

/* The row behind @row, or with NULL the first one; aliases are passed over; NULL at the end. */
const struct ivm_setting *ivm_setting_next(const struct ivm_setting *row);

#define ivm_for_each_setting(row) \
	for (const struct ivm_setting *row = ivm_setting_next(NULL); row; row = ivm_setting_next(row))

/* The row of that name, of "port set" or of nic=; NULL when there is none. Sentences about it use that name. */
const struct ivm_setting *ivm_setting_find(const char *name);

static inline bool ivm_settings_given(const struct ivm_settings *settings, unsigned int attr)
{
	return settings->given & (1U << attr);
}

/**
 * ivm_settings_text() - one key=value
 * @separators:	between the elements of a list: "," in words of their own, "+" inside nic=
 *
 * access= and trunk= choose the mode too. A list that is empty or "none" is
 * given, with no element. Return: 0, or -EINVAL with a sentence and @settings unchanged.
 */
int ivm_settings_text(struct ivm_settings *settings, const struct ivm_setting *row, const char *value,
		      const char *separators);

/* The same from JSON. */
int ivm_settings_json(struct ivm_settings *settings, const struct ivm_setting *row, struct json_object *value);

/* What contradicts itself: access= with trunk=, a native VLAN that the trunk has not ... Return: 0 or -EINVAL. */
int ivm_settings_check(const struct ivm_settings *settings);

/* Put what @change gives into @settings; a change to access takes trunk and native away, and so on. */
void ivm_settings_merge(struct ivm_settings *settings, const struct ivm_settings *change);

/* Add all that is given to @object, under the names of ports or of a definition's nic. */
void ivm_settings_add_json(const struct ivm_settings *settings, bool nic, struct json_object *object);

/* The value as ivm_settings_text() reads it, elements of lists separated by @separator; for free(). */
char *ivm_setting_value(const struct ivm_settings *settings, const struct ivm_setting *row, char separator);

/* Attributes of all that is given. Return: 0, or -ENOMEM with a sentence. */
int ivm_settings_put(struct nl_msg *msg, const struct ivm_settings *settings);

/*
 * What the module says about a port; attributes of wrong size are left out.
 * @stats: IVM_PORT_STATS counters, 0 where the module tells none.
 */
void ivm_settings_get(struct ivm_settings *settings, uint64_t *stats, const struct nlattr *nest);

/* The name of a counter, as "drop-guard-mac". */
const char *ivm_port_stat_name(unsigned int stat);

/* The name of IVM_PORT_A_* as users write it, or "unknown". */
const char *ivm_port_attr_name(unsigned int attr);

#endif
