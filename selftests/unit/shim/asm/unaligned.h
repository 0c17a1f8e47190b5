/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_ASM_UNALIGNED_H
#define SHIM_ASM_UNALIGNED_H

#include <linux/types.h>

#define get_unaligned(p) ({							\
	const struct { typeof(*(p)) v; } __attribute__((packed)) *shim_p = (const void *)(p); \
	shim_p->v;								\
})
#define put_unaligned(val, p) ({						\
	struct { typeof(*(p)) v; } __attribute__((packed)) *shim_p = (void *)(p); \
	shim_p->v = (val);							\
})

static inline u16 get_unaligned_le16(const void *p) { return get_unaligned((const u16 *)p); }
static inline u32 get_unaligned_le32(const void *p) { return get_unaligned((const u32 *)p); }
static inline u64 get_unaligned_le64(const void *p) { return get_unaligned((const u64 *)p); }
static inline u16 get_unaligned_be16(const void *p) { return __builtin_bswap16(get_unaligned_le16(p)); }
static inline u32 get_unaligned_be32(const void *p) { return __builtin_bswap32(get_unaligned_le32(p)); }
static inline void put_unaligned_le16(u16 v, void *p) { put_unaligned(v, (u16 *)p); }
static inline void put_unaligned_le32(u32 v, void *p) { put_unaligned(v, (u32 *)p); }
static inline void put_unaligned_be16(u16 v, void *p) { put_unaligned_le16(__builtin_bswap16(v), p); }
static inline void put_unaligned_be32(u32 v, void *p) { put_unaligned_le32(__builtin_bswap32(v), p); }

#endif
