/* SPDX-License-Identifier: GPL-2.0-only */
/* Attributes and refusals; the policy is a table that only the kernel reads. */
#ifndef SHIM_NET_NETLINK_H
#define SHIM_NET_NETLINK_H

#include <linux/netlink.h>
#include <string.h>
#include <linux/types.h>

enum { NLA_U8 = 1, NLA_U16, NLA_U32, NLA_U64, NLA_BINARY, NLA_REJECT, NLA_FLAG };

struct nla_policy {
	u8 type;
	u16 len, strict_start_type;
	s64 min, max;
};

#define NLA_POLICY_MAX(_type, _max)		{ .type = (_type), .max = (_max) }
#define NLA_POLICY_RANGE(_type, _min, _max)	{ .type = (_type), .min = (_min), .max = (_max) }
#define NLA_POLICY_MASK(_type, _mask)		{ .type = (_type), .max = (_mask) }

static inline int nla_len(const struct nlattr *a) { return a->nla_len - NLA_HDRLEN; }
static inline void *nla_data(const struct nlattr *a) { return (char *)a + NLA_HDRLEN; }
static inline u8 nla_get_u8(const struct nlattr *a) { return *(u8 *)nla_data(a); }
static inline u16 nla_get_u16(const struct nlattr *a) { return *(u16 *)nla_data(a); }
static inline u32 nla_get_u32(const struct nlattr *a) { return *(u32 *)nla_data(a); }
static inline u64 nla_get_u64(const struct nlattr *a)
{
	u64 v;

	memcpy(&v, nla_data(a), sizeof(v));
	return v;
}

struct netlink_ext_ack {
	const char *_msg;
	const struct nlattr *bad_attr;
};

#define NL_SET_ERR_MSG_ATTR(extack, attr, msg) do {	\
	if (extack) {					\
		(extack)->_msg = (msg);			\
		(extack)->bad_attr = (attr);		\
	}						\
} while (0)
#define NL_SET_ERR_MSG(extack, msg)	NL_SET_ERR_MSG_ATTR(extack, NULL, msg)

#endif
