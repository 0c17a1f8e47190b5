/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Values of networks as text: addresses, prefixes, VLANs, rates. Parsers return
 * 0 or -EINVAL with their result untouched, and record no sentence: who calls
 * knows what the value was for. All take exactly what they print.
 */
#ifndef IVM_VALUES_H
#define IVM_VALUES_H

#include <linux/ivm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IVM_MAC_LEN	6
#define IVM_DEVICE_TEXT	128	/* bytes of a device's name or alternative name, with the NUL */
#define IVM_MAC_TEXT	18	/* bytes that ivm_mac_text() needs */
#define IVM_PREFIX_TEXT	64
#define IVM_RATE_TEXT	32
#define IVM_VLANS_TEXT	(IVM_PORT_RANGES_MAX * 10 + 1)

/* Six bytes in hexadecimal, with colons between them. */
int ivm_parse_mac(const char *text, uint8_t mac[IVM_MAC_LEN]);
char *ivm_mac_text(const uint8_t mac[IVM_MAC_LEN], char text[IVM_MAC_TEXT]);

/* One station's address: no group address, not all zero. */
bool ivm_mac_is_unicast(const uint8_t mac[IVM_MAC_LEN]);

/* An IPv4 or IPv6 address, alone or with /LENGTH; bits beyond the length must be 0. */
int ivm_parse_prefix(const char *text, struct ivm_ip_prefix *prefix);
char *ivm_prefix_text(const struct ivm_ip_prefix *prefix, char text[IVM_PREFIX_TEXT]);

/* 1 ... 4094 */
int ivm_parse_vid(const char *text, uint16_t *vid);

/* "10" or "20-29". */
int ivm_parse_vlans(const char *text, struct ivm_vlan_range *range);
char *ivm_vlans_text(const struct ivm_vlan_range *range, char text[IVM_VLANS_TEXT]);

/*
 * Sort ranges, and join those that touch or overlap. Return: how many there are then.
 */
size_t ivm_vlans_normalise(struct ivm_vlan_range *range, size_t count);

/* Is @vid in one of them? */
bool ivm_vlans_have(const struct ivm_vlan_range *range, size_t count, uint16_t vid);

/*
 * A rate in bits a second, as 800bit 64kbit 100Mbit 1Gbit, or in bytes a
 * second, as 100B 64kB 12MB 1GB; powers of 1000, letters of either size. At
 * least one byte a second. A bare number is refused: it might be meant either way.
 */
int ivm_parse_rate(const char *text, uint64_t *bytes);

/* In bits, in the largest unit that divides it. */
char *ivm_rate_text(uint64_t bytes, char text[IVM_RATE_TEXT]);

/* May a net_device be called so? 1 to 15 bytes, printable, without '/', ':' and blanks; not . or .. */
bool ivm_is_device_name(const char *name);

#endif
