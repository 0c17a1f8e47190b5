// SPDX-License-Identifier: GPL-2.0-only
/* From the configuration of a port to what its wire carries. */
#include "vlan.h"

#include <linux/string.h>

void ivm_vlans_of(struct ivm_vlans *vlans, const struct ivm_port_config *config)
{
	unsigned int i, vid;

	memset(vlans, 0, sizeof(*vlans));
	vlans->mode = config->mode;
	if (config->mode == IVM_PORT_ACCESS) {
		vlans->untagged = config->access;
		__set_bit(config->access, vlans->member);
	} else if (config->mode == IVM_PORT_TRUNK) {
		vlans->untagged = config->native;
		for (i = 0; i < config->nr_ranges; i++)
			for (vid = config->range[i].first; vid <= config->range[i].last; vid++)
				__set_bit(vid, vlans->member);
	}
}
