// SPDX-License-Identifier: GPL-2.0-only
/* The one place where a frame becomes visible to a guest. */
#include "leaf.h"

#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/mem_encrypt.h>

static atomic64_t refused = ATOMIC64_INIT(0);

void ivm_leaf_refuse(const struct ivm_owner *owner, struct page *frame, u64 gfn, int err)
{
	atomic64_inc(&refused);
	pr_err_ratelimited("ivm: refused to map frame %#lx at gfn %#llx of VM %u (%d)\n",
			   page_to_pfn(frame), gfn, owner->id, err);
}

u64 ivm_leaf_refused(void)
{
	return atomic64_read(&refused);
}

int ivm_leaf_install(u64 *slot, u64 bits, const struct ivm_owner *owner, struct page *frame, u64 gfn,
		     unsigned int order)
{
	unsigned int size = PageTail(frame) ? 0 : ivm_frame_order(frame);
	u64 within = gfn & (BIT_ULL(size) - 1);
	int err;

	if (order > size || !IS_ALIGNED(page_to_pfn(frame), 1UL << size) || !IS_ALIGNED(gfn, 1UL << order))
		err = -EINVAL;
	else if (!ivm_frame_matches(frame, owner, gfn - within))
		err = -EPERM;
	else if (cmpxchg64(slot, 0, __sme_set(page_to_phys(frame) + (within << PAGE_SHIFT)) | bits))
		err = -EEXIST;
	else
		return 0;
	ivm_leaf_refuse(owner, frame, gfn, err);
	return err;
}
