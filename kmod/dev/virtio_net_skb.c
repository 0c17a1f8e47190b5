// SPDX-License-Identifier: GPL-2.0-only
/* All that the card knows of skbs; not part of what selftests/unit builds. */
#include "virtio_net.h"

#include <linux/skbuff.h>

/**
 * ivm_vnet_skb_copy() - bytes of a frame that is an skb
 * @skb:	at its Ethernet header
 * @offset:	from there
 * @to:		guest memory
 * @len:	bytes
 *
 * Return: 0 or -EFAULT when the skb is shorter. Any context.
 */
int ivm_vnet_skb_copy(const struct sk_buff *skb, u32 offset, void *to, u32 len)
{
	return skb_copy_bits(skb, offset, to, len);
}
