// SPDX-License-Identifier: GPL-2.0-only
/* Settings of a port as netlink attributes, both ways. */
#include "settings.h"

#include "fail.h"
#include "text.h"

#include <errno.h>
#include <netlink/attr.h>
#include <string.h>

static int ivm_setting_put(struct nl_msg *msg, const struct ivm_settings *settings, const struct ivm_setting *row)
{
	const char *at = (const char *)settings + row->offset;
	uint64_t number;

	switch (row->type) {
	case IVM_SETTING_VLANS:
		return nla_put(msg, (int)row->attr, (int)(settings->nr_ranges * row->width), settings->range);
	case IVM_SETTING_MACS:
		return nla_put(msg, (int)row->attr, (int)(settings->nr_macs * row->width), settings->mac);
	case IVM_SETTING_IPS:
		return nla_put(msg, (int)row->attr, (int)(settings->nr_ips * row->width), settings->ip);
	case IVM_SETTING_PORT:
		return nla_put_u32(msg, (int)row->attr, settings->mirror_index);
	default:
		memcpy(&number, at, sizeof(number));
		break;
	}
	switch (row->width) {
	case 1:
		return nla_put_u8(msg, (int)row->attr, (uint8_t)number);
	case 2:
		return nla_put_u16(msg, (int)row->attr, (uint16_t)number);
	case 4:
		return nla_put_u32(msg, (int)row->attr, (uint32_t)number);
	default:
		return nla_put_u64(msg, (int)row->attr, number);
	}
}

int ivm_settings_put(struct nl_msg *msg, const struct ivm_settings *settings)
{
	ivm_for_each_setting(row)
		if (ivm_settings_given(settings, row->attr) && ivm_setting_put(msg, settings, row))
			return ivm_fail(ENOMEM, "out of memory");
	return 0;
}

/* Copy a list; *count: its elements. Return: false when it is no list of such elements. */
static bool ivm_setting_get_list(const struct nlattr *attr, const struct ivm_setting *row, void *list, size_t *count)
{
	size_t length = (size_t)nla_len(attr);

	if (length % row->width || length / row->width > row->max)
		return false;
	memcpy(list, nla_data(attr), length);
	*count = length / row->width;
	return true;
}

static bool ivm_setting_get(struct ivm_settings *settings, const struct ivm_setting *row, const struct nlattr *attr)
{
	char *at = (char *)settings + row->offset;
	uint64_t number = 0;

	switch (row->type) {
	case IVM_SETTING_VLANS:
		return ivm_setting_get_list(attr, row, settings->range, &settings->nr_ranges);
	case IVM_SETTING_MACS:
		return ivm_setting_get_list(attr, row, settings->mac, &settings->nr_macs);
	case IVM_SETTING_IPS:
		return ivm_setting_get_list(attr, row, settings->ip, &settings->nr_ips);
	default:
		break;
	}
	if ((size_t)nla_len(attr) < row->width)
		return false;
	memcpy(&number, nla_data(attr), row->width);	/* little-endian, as the only processor we run on */
	if (row->type == IVM_SETTING_PORT)
		settings->mirror_index = (uint32_t)number;
	else
		memcpy(at, &number, sizeof(number));
	return true;
}

void ivm_settings_get(struct ivm_settings *settings, uint64_t *stats, const struct nlattr *nest)
{
	struct nlattr *tb[IVM_PORT_A_MAX + 1];

	memset(settings, 0, sizeof(*settings));
	memset(stats, 0, IVM_PORT_STATS * sizeof(*stats));
	if (nla_parse_nested(tb, IVM_PORT_A_MAX, (struct nlattr *)nest, NULL))
		return;
	ivm_for_each_setting(row)
		if (tb[row->attr] && ivm_setting_get(settings, row, tb[row->attr]))
			settings->given |= 1U << row->attr;
	if (tb[IVM_PORT_A_STATS]) {
		size_t length = (size_t)nla_len(tb[IVM_PORT_A_STATS]);

		if (length > IVM_PORT_STATS * sizeof(*stats))
			length = IVM_PORT_STATS * sizeof(*stats);
		memcpy(stats, nla_data(tb[IVM_PORT_A_STATS]), length);
	}
}
