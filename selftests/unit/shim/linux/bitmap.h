/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_BITMAP_H
#define SHIM_LINUX_BITMAP_H

#include <linux/bitops.h>

static inline void bitmap_set(unsigned long *p, unsigned int start, unsigned int nr)
{
	for (; nr; nr--)
		__set_bit(start++, p);
}

static inline void bitmap_clear(unsigned long *p, unsigned int start, unsigned int nr)
{
	for (; nr; nr--)
		__clear_bit(start++, p);
}

static inline void bitmap_zero(unsigned long *p, unsigned int nr) { bitmap_clear(p, 0, nr); }
static inline bool bitmap_full(const unsigned long *p, unsigned int nr) { return find_first_zero_bit(p, nr) == nr; }
static inline bool bitmap_empty(const unsigned long *p, unsigned int nr) { return find_first_bit(p, nr) == nr; }

static inline void bitmap_copy(unsigned long *to, const unsigned long *from, unsigned int nr)
{
	__builtin_memcpy(to, from, BITS_TO_LONGS(nr) * sizeof(*to));
}

static inline unsigned int bitmap_weight(const unsigned long *p, unsigned int nr)
{
	unsigned int i, weight = 0;

	for (i = 0; i < nr; i++)
		weight += test_bit(i, p);
	return weight;
}

#endif
