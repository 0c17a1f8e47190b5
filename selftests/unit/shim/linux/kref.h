/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_KREF_H
#define SHIM_LINUX_KREF_H

#include <linux/bug.h>

struct kref {
	int count;
};

static inline void kref_init(struct kref *ref) { ref->count = 1; }

static inline void kref_get(struct kref *ref)
{
	BUG_ON(__atomic_fetch_add(&ref->count, 1, __ATOMIC_RELAXED) <= 0);
}

static inline int kref_put(struct kref *ref, void (*release)(struct kref *ref))
{
	int left = __atomic_sub_fetch(&ref->count, 1, __ATOMIC_ACQ_REL);

	BUG_ON(left < 0);
	if (!left)
		release(ref);
	return !left;
}

#endif
