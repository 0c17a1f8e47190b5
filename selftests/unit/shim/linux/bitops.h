/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_BITOPS_H
#define SHIM_LINUX_BITOPS_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/types.h>

#define BITS_TO_LONGS(n)	(((n) + BITS_PER_LONG - 1) / BITS_PER_LONG)
#define DECLARE_BITMAP(name, n)	unsigned long name[BITS_TO_LONGS(n)]

/* Numbered from 0; undefined for 0, as in the kernel. */
static inline unsigned long __ffs(unsigned long x) { return __builtin_ctzl(x); }
static inline unsigned long __fls(unsigned long x) { return 63 - __builtin_clzl(x); }
static inline unsigned long __ffs64(u64 x) { return __builtin_ctzll(x); }
static inline unsigned long ffz(unsigned long x) { return __ffs(~x); }
/* Numbered from 1; 0 for 0. */
static inline int fls(unsigned int x) { return x ? 32 - __builtin_clz(x) : 0; }
static inline int fls64(u64 x) { return x ? 64 - __builtin_clzll(x) : 0; }
static inline unsigned int hweight8(u8 x) { return __builtin_popcount(x); }
static inline unsigned int hweight16(u16 x) { return __builtin_popcount(x); }
static inline unsigned int hweight32(u32 x) { return __builtin_popcount(x); }
static inline unsigned long hweight64(u64 x) { return __builtin_popcountll(x); }
static inline s32 sign_extend32(u32 v, int i) { return (s32)(v << (31 - i)) >> (31 - i); }
static inline s64 sign_extend64(u64 v, int i) { return (s64)(v << (63 - i)) >> (63 - i); }
static inline u32 rol32(u32 v, unsigned int s) { return v << (s & 31) | v >> (-s & 31); }
static inline u32 ror32(u32 v, unsigned int s) { return v >> (s & 31) | v << (-s & 31); }
static inline u8 rol8(u8 v, unsigned int s) { return v << (s & 7) | v >> (-s & 7); }
static inline u8 ror8(u8 v, unsigned int s) { return v >> (s & 7) | v << (-s & 7); }

static inline bool test_bit(unsigned long n, const volatile unsigned long *p)
{
	return __atomic_load_n(&p[BIT_WORD(n)], __ATOMIC_RELAXED) & BIT_MASK(n);
}

static inline void set_bit(unsigned long n, volatile unsigned long *p)
{
	__atomic_fetch_or(&p[BIT_WORD(n)], BIT_MASK(n), __ATOMIC_SEQ_CST);
}

static inline void clear_bit(unsigned long n, volatile unsigned long *p)
{
	__atomic_fetch_and(&p[BIT_WORD(n)], ~BIT_MASK(n), __ATOMIC_SEQ_CST);
}

static inline void change_bit(unsigned long n, volatile unsigned long *p)
{
	__atomic_fetch_xor(&p[BIT_WORD(n)], BIT_MASK(n), __ATOMIC_SEQ_CST);
}

static inline bool test_and_set_bit(unsigned long n, volatile unsigned long *p)
{
	return __atomic_fetch_or(&p[BIT_WORD(n)], BIT_MASK(n), __ATOMIC_SEQ_CST) & BIT_MASK(n);
}

static inline bool test_and_clear_bit(unsigned long n, volatile unsigned long *p)
{
	return __atomic_fetch_and(&p[BIT_WORD(n)], ~BIT_MASK(n), __ATOMIC_SEQ_CST) & BIT_MASK(n);
}

static inline void __set_bit(unsigned long n, unsigned long *p) { p[BIT_WORD(n)] |= BIT_MASK(n); }
static inline void __clear_bit(unsigned long n, unsigned long *p) { p[BIT_WORD(n)] &= ~BIT_MASK(n); }
static inline void __change_bit(unsigned long n, unsigned long *p) { p[BIT_WORD(n)] ^= BIT_MASK(n); }

static inline bool __test_and_set_bit(unsigned long n, unsigned long *p)
{
	bool was = p[BIT_WORD(n)] & BIT_MASK(n);

	__set_bit(n, p);
	return was;
}

static inline bool __test_and_clear_bit(unsigned long n, unsigned long *p)
{
	bool was = p[BIT_WORD(n)] & BIT_MASK(n);

	__clear_bit(n, p);
	return was;
}

static inline void assign_bit(unsigned long n, volatile unsigned long *p, bool v)
{
	if (v)
		set_bit(n, p);
	else
		clear_bit(n, p);
}

static inline void __assign_bit(unsigned long n, unsigned long *p, bool v)
{
	if (v)
		__set_bit(n, p);
	else
		__clear_bit(n, p);
}

static inline unsigned long find_next_bit(const unsigned long *p, unsigned long size, unsigned long from)
{
	while (from < size && !test_bit(from, p))
		from++;
	return from < size ? from : size;
}

static inline unsigned long find_next_zero_bit(const unsigned long *p, unsigned long size, unsigned long from)
{
	while (from < size && test_bit(from, p))
		from++;
	return from < size ? from : size;
}

static inline unsigned long find_first_bit(const unsigned long *p, unsigned long size)
{
	return find_next_bit(p, size, 0);
}

static inline unsigned long find_first_zero_bit(const unsigned long *p, unsigned long size)
{
	return find_next_zero_bit(p, size, 0);
}

/* @size when there is none */
static inline unsigned long find_last_bit(const unsigned long *p, unsigned long size)
{
	unsigned long n = size;

	while (n)
		if (test_bit(--n, p))
			return n;
	return size;
}

#define for_each_set_bit(n, p, size) \
	for ((n) = find_first_bit(p, size); (n) < (size); (n) = find_next_bit(p, size, (n) + 1))

#endif
