/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_ATOMIC_H
#define SHIM_LINUX_ATOMIC_H

#include <linux/compiler.h>
#include <linux/types.h>

#define ATOMIC_INIT(i)		{ (i) }
#define ATOMIC64_INIT(i)	{ (i) }

#define SHIM_ATOMIC(pre, type, val)								\
static inline val pre##_read(const type *v) { return __atomic_load_n(&v->counter, __ATOMIC_RELAXED); }	\
static inline void pre##_set(type *v, val i) { __atomic_store_n(&v->counter, i, __ATOMIC_RELAXED); }	\
static inline void pre##_add(val i, type *v) { __atomic_fetch_add(&v->counter, i, __ATOMIC_SEQ_CST); }	\
static inline void pre##_sub(val i, type *v) { __atomic_fetch_sub(&v->counter, i, __ATOMIC_SEQ_CST); }	\
static inline void pre##_inc(type *v) { pre##_add(1, v); }						\
static inline void pre##_dec(type *v) { pre##_sub(1, v); }						\
static inline void pre##_or(val i, type *v) { __atomic_fetch_or(&v->counter, i, __ATOMIC_SEQ_CST); }	\
static inline void pre##_and(val i, type *v) { __atomic_fetch_and(&v->counter, i, __ATOMIC_SEQ_CST); }	\
static inline val pre##_fetch_or(val i, type *v) { return __atomic_fetch_or(&v->counter, i, __ATOMIC_SEQ_CST); } \
static inline val pre##_fetch_and(val i, type *v) { return __atomic_fetch_and(&v->counter, i, __ATOMIC_SEQ_CST); } \
static inline val pre##_add_return(val i, type *v) { return __atomic_add_fetch(&v->counter, i, __ATOMIC_SEQ_CST); } \
static inline val pre##_inc_return(type *v) { return pre##_add_return(1, v); }				\
static inline val pre##_fetch_add(val i, type *v) { return __atomic_fetch_add(&v->counter, i, __ATOMIC_SEQ_CST); } \
static inline bool pre##_dec_and_test(type *v) { return pre##_add_return(-1, v) == 0; }			\
static inline val pre##_xchg(type *v, val i) { return __atomic_exchange_n(&v->counter, i, __ATOMIC_SEQ_CST); } \
static inline bool pre##_try_cmpxchg(type *v, val *old, val new)					\
{												\
	return __atomic_compare_exchange_n(&v->counter, old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
}												\
static inline val pre##_cmpxchg(type *v, val old, val new)					\
{												\
	pre##_try_cmpxchg(v, &old, new);							\
	return old;										\
}

SHIM_ATOMIC(atomic, atomic_t, int)
SHIM_ATOMIC(atomic64, atomic64_t, s64)

#define xchg(p, v)	__atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define cmpxchg(p, o, n) ({						\
	typeof(*(p)) shim_old = (o);					\
	__atomic_compare_exchange_n((p), &shim_old, (n), false,		\
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);	\
	shim_old;							\
})
#define try_cmpxchg(p, o, n)						\
	__atomic_compare_exchange_n((p), (o), (n), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

#endif
