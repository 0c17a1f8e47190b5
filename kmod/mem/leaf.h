/* SPDX-License-Identifier: GPL-2.0-only */
/* The one place where a frame becomes visible to a guest. */
#ifndef IVM_MEM_LEAF_H
#define IVM_MEM_LEAF_H

#include "frames.h"

/**
 * ivm_leaf_install() - make an entry map guest memory
 * @slot:	an entry that is 0
 * @bits:	of the entry, beside the address
 * @owner:	to whom the table belongs
 * @frame:	that @gfn lies in
 * @gfn:	guest-physical address >> 12 that the leaf shows
 * @order:	of the leaf: that of the frame, or less for a part of it
 *
 * Whoever writes page tables, of whatever kind, writes leaves through here (P8, P11).
 *
 * Return: 0; -EPERM when the inverse record of the frame does not name this
 * owner and this address; -EINVAL when frame, address and order do not fit each
 * other; -EEXIST when the entry is not 0. Any context.
 */
int ivm_leaf_install(u64 *slot, u64 bits, const struct ivm_owner *owner, struct page *frame, u64 gfn,
		     unsigned int order);

/* Counts a leaf that was refused, and says so. Any context. */
void ivm_leaf_refuse(const struct ivm_owner *owner, struct page *frame, u64 gfn, int err);

/* Leaves refused since load. Any context. */
u64 ivm_leaf_refused(void);

#endif
