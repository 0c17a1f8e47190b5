/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A network card in a definition: switch, address and size of the card, and how
 * its port is set. As text: switch:sw0,vlan:10,ip:10.0.0.5 - words are separated
 * by commas, elements of a list inside a word by +. As JSON: an object with the
 * same names.
 */
#ifndef IVM_NIC_H
#define IVM_NIC_H

#include "settings.h"

#include <net/if.h>

struct ivm_nic {
	char			switch_name[IFNAMSIZ];	/* "": not given */
	bool			has_mac;
	uint8_t			mac[IVM_MAC_LEN];
	uint64_t		queues;			/* 0: 1 */
	uint64_t		mtu;			/* 0: 1500 */
	struct ivm_settings	port;
};

/**
 * ivm_nic_text() - change what the words name
 * An empty value takes a word's setting away. Return: 0, or -EINVAL with a
 * sentence and @nic unchanged.
 */
int ivm_nic_text(struct ivm_nic *nic, const char *words);

/* The same from a JSON object. */
int ivm_nic_json(struct ivm_nic *nic, struct json_object *object);

/* Is it complete, without contradiction, with no more queues than @vcpus? Return: 0 or -EINVAL. */
int ivm_nic_check(const struct ivm_nic *nic, uint64_t vcpus);

/* The caller owns it. */
struct json_object *ivm_nic_as_json(const struct ivm_nic *nic);

/* Its VLANs for people: "10", "trunk 10,20-29 native 10", "off"; for free(). */
char *ivm_port_vlan_text(const struct ivm_settings *settings);

#endif
