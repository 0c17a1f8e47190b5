// SPDX-License-Identifier: GPL-2.0-only
#include "values.h"

#include "text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int ivm_parse_mac(const char *text, uint8_t mac[IVM_MAC_LEN])
{
	uint8_t bytes[IVM_MAC_LEN];

	if (strlen(text) != IVM_MAC_TEXT - 1)
		return -EINVAL;
	for (size_t i = 0; i < IVM_MAC_LEN; i++) {
		const char *two = text + 3 * i, digits[3] = { two[0], two[1] };

		if (!isxdigit((unsigned char)two[0]) || !isxdigit((unsigned char)two[1]) ||
		    two[2] != (i + 1 < IVM_MAC_LEN ? ':' : '\0'))
			return -EINVAL;
		bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	memcpy(mac, bytes, sizeof(bytes));
	return 0;
}

char *ivm_mac_text(const uint8_t mac[IVM_MAC_LEN], char text[IVM_MAC_TEXT])
{
	snprintf(text, IVM_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return text;
}

bool ivm_mac_is_unicast(const uint8_t mac[IVM_MAC_LEN])
{
	static const uint8_t zero[IVM_MAC_LEN];

	return !(mac[0] & 1) && memcmp(mac, zero, sizeof(zero));
}

/* Is everything behind the first @len bits of @addr 0? */
static bool ivm_prefix_is_clean(const uint8_t *addr, size_t bytes, unsigned int len)
{
	for (size_t i = 0; i < bytes; i++) {
		unsigned int kept = len > 8 * i ? len - 8 * (unsigned int)i : 0;

		if (kept < 8 && addr[i] & (0xff >> kept))
			return false;
	}
	return true;
}

int ivm_parse_prefix(const char *text, struct ivm_ip_prefix *prefix)
{
	struct ivm_ip_prefix new = { 0 };
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	uint64_t bits, max;

	if (!length || length >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, length);
	address[length] = '\0';
	new.family = strchr(address, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(new.family, address, new.addr) != 1)
		return -EINVAL;
	max = new.family == AF_INET ? 32 : 128;
	bits = max;
	/* Hexadecimal is no way to write a length. */
	if (slash && (ivm_parse_number(slash + 1, &bits) || strlen(slash + 1) > 3 || bits > max || slash[2] == 'x'))
		return -EINVAL;
	new.len = (uint8_t)bits;
	if (!ivm_prefix_is_clean(new.addr, max / 8, new.len))
		return -EINVAL;
	*prefix = new;
	return 0;
}

char *ivm_prefix_text(const struct ivm_ip_prefix *prefix, char text[IVM_PREFIX_TEXT])
{
	char address[INET6_ADDRSTRLEN];
	bool ip4 = prefix->family == AF_INET;

	if (!inet_ntop(ip4 ? AF_INET : AF_INET6, prefix->addr, address, sizeof(address)))
		address[0] = '\0';
	if (prefix->len == (ip4 ? 32 : 128))
		snprintf(text, IVM_PREFIX_TEXT, "%s", address);
	else
		snprintf(text, IVM_PREFIX_TEXT, "%s/%u", address, prefix->len);
	return text;
}

int ivm_parse_vid(const char *text, uint16_t *vid)
{
	uint64_t number;

	if (ivm_parse_number(text, &number) || number < IVM_VID_MIN || number > IVM_VID_MAX)
		return -EINVAL;
	*vid = (uint16_t)number;
	return 0;
}

int ivm_parse_vlans(const char *text, struct ivm_vlan_range *range)
{
	struct ivm_vlan_range new;
	const char *dash = strchr(text, '-');
	char first[16];

	if (!dash) {
		if (ivm_parse_vid(text, &new.first))
			return -EINVAL;
		new.last = new.first;
	} else {
		if ((size_t)(dash - text) >= sizeof(first))
			return -EINVAL;
		snprintf(first, sizeof(first), "%.*s", (int)(dash - text), text);
		if (ivm_parse_vid(first, &new.first) || ivm_parse_vid(dash + 1, &new.last) || new.last < new.first)
			return -EINVAL;
	}
	*range = new;
	return 0;
}

char *ivm_vlans_text(const struct ivm_vlan_range *range, char text[IVM_VLANS_TEXT])
{
	if (range->first == range->last)
		snprintf(text, IVM_VLANS_TEXT, "%u", range->first);
	else
		snprintf(text, IVM_VLANS_TEXT, "%u-%u", range->first, range->last);
	return text;
}

static int ivm_vlans_compare(const void *a, const void *b)
{
	const struct ivm_vlan_range *left = a, *right = b;

	return (int)left->first - (int)right->first;
}

size_t ivm_vlans_normalise(struct ivm_vlan_range *range, size_t count)
{
	size_t used = 0;

	if (!count)
		return 0;
	qsort(range, count, sizeof(*range), ivm_vlans_compare);
	for (size_t i = 1; i < count; i++) {
		if (range[i].first > range[used].last + 1)
			range[++used] = range[i];
		else if (range[i].last > range[used].last)
			range[used].last = range[i].last;
	}
	return used + 1;
}

bool ivm_vlans_have(const struct ivm_vlan_range *range, size_t count, uint16_t vid)
{
	for (size_t i = 0; i < count; i++)
		if (vid >= range[i].first && vid <= range[i].last)
			return true;
	return false;
}

/* Bits in @unit, at most 8000000000000; 0: no such unit. */
static uint64_t ivm_rate_unit(const char *unit)
{
	static const char prefixes[] = "kmgt";
	const char *prefix = *unit ? strchr(prefixes, tolower((unsigned char)*unit)) : NULL;
	uint64_t factor = 1;

	/* "bit" begins with no prefix, and "B" neither. */
	if (prefix) {
		for (const char *c = prefixes; c <= prefix; c++)
			factor *= 1000;
		unit++;
	}
	if (!strcasecmp(unit, "bit"))
		return factor;
	return !strcasecmp(unit, "B") ? 8 * factor : 0;
}

int ivm_parse_rate(const char *text, uint64_t *bytes)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t number, bits = ivm_rate_unit(text + digits);
	char count[24];

	if (!digits || digits >= sizeof(count) || !bits)
		return -EINVAL;
	snprintf(count, sizeof(count), "%.*s", (int)digits, text);
	if (ivm_parse_number(count, &number) || number > UINT64_MAX / bits || number * bits < 8)
		return -EINVAL;
	*bytes = number * bits / 8;
	return 0;
}

char *ivm_rate_text(uint64_t bytes, char text[IVM_RATE_TEXT])
{
	static const char *const units[] = { "bit", "kbit", "Mbit", "Gbit", "Tbit" };
	uint64_t bits = bytes * 8;
	size_t unit = 0;

	if (bytes > UINT64_MAX / 8) {
		snprintf(text, IVM_RATE_TEXT, "%lluB", (unsigned long long)bytes);
		return text;
	}
	while (bits && bits % 1000 == 0 && unit + 1 < IVM_COUNT(units)) {
		bits /= 1000;
		unit++;
	}
	snprintf(text, IVM_RATE_TEXT, "%llu%s", (unsigned long long)bits, units[unit]);
	return text;
}

bool ivm_is_device_name(const char *name)
{
	size_t length = strlen(name);

	if (!length || length >= IFNAMSIZ || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (const char *c = name; *c; c++)
		if (*c == '/' || *c == ':' || (unsigned char)*c <= ' ' || *c == 0x7f || *c == '%')
			return false;
	return true;
}
