// SPDX-License-Identifier: GPL-2.0-only
#include "ack.h"

#include "fail.h"
#include "text.h"

#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

int ivm_ack_enable(int fd)
{
	const int on = 1;

	/* Both exist since Linux 4.12; without them refusals would lose their sentence. */
	if (setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)))
		return ivm_fail(errno, "cannot ask netlink for extended acknowledgements: %s", strerror(errno));
	return 0;
}

void ivm_ack_parse(struct nlmsgerr *msg, struct nlattr *tb[NLMSGERR_ATTR_MAX + 1])
{
	const struct nlmsghdr *header = (const struct nlmsghdr *)msg - 1;

	memset(tb, 0, (NLMSGERR_ATTR_MAX + 1) * sizeof(*tb));
	/*
	 * With NETLINK_CAP_ACK the attributes follow at once; without the flag the
	 * whole request lies between, and we never ask for that.
	 */
	if ((header->nlmsg_flags & NLM_F_ACK_TLVS) && (header->nlmsg_flags & NLM_F_CAPPED) &&
	    header->nlmsg_len > sizeof(*header) + sizeof(*msg))
		nla_parse(tb, NLMSGERR_ATTR_MAX, (struct nlattr *)(msg + 1),
			  (int)(header->nlmsg_len - sizeof(*header) - sizeof(*msg)), NULL);
}

void ivm_ack_parse_done(const struct nlmsghdr *header, int *err, struct nlattr *tb[NLMSGERR_ATTR_MAX + 1])
{
	memset(tb, 0, (NLMSGERR_ATTR_MAX + 1) * sizeof(*tb));
	*err = 0;
	if (nlmsg_datalen(header) < (int)sizeof(*err))
		return;
	memcpy(err, nlmsg_data(header), sizeof(*err));
	if (*err < 0 && (header->nlmsg_flags & NLM_F_ACK_TLVS))
		nla_parse(tb, NLMSGERR_ATTR_MAX, nlmsg_attrdata(header, sizeof(*err)),
			  nlmsg_attrlen(header, sizeof(*err)), NULL);
}

const char *ivm_ack_text(struct nlattr *tb[NLMSGERR_ATTR_MAX + 1])
{
	return tb[NLMSGERR_ATTR_MSG] ? nla_get_string(tb[NLMSGERR_ATTR_MSG]) : NULL;
}

const struct nlattr *ivm_ack_attr(struct nlattr *tb[NLMSGERR_ATTR_MAX + 1], const struct nlmsghdr *request,
				  uint32_t head)
{
	uint32_t offset;

	if (!request || !tb[NLMSGERR_ATTR_OFFS] || nla_len(tb[NLMSGERR_ATTR_OFFS]) < 4)
		return NULL;
	offset = nla_get_u32(tb[NLMSGERR_ATTR_OFFS]);
	if (offset < NLMSG_HDRLEN + head || request->nlmsg_len < sizeof(struct nlattr) ||
	    offset > request->nlmsg_len - sizeof(struct nlattr))
		return NULL;
	return (const struct nlattr *)((const char *)request + offset);
}

char *ivm_ack_policy(struct nlattr *tb[NLMSGERR_ATTR_MAX + 1])
{
	struct nlattr *policy[NL_POLICY_TYPE_ATTR_MAX + 1];
	struct nlattr *min, *max;

	if (!tb[NLMSGERR_ATTR_POLICY] ||
	    nla_parse_nested(policy, NL_POLICY_TYPE_ATTR_MAX, tb[NLMSGERR_ATTR_POLICY], NULL))
		return ivm_strdup("");
	min = policy[NL_POLICY_TYPE_ATTR_MIN_VALUE_U];
	max = policy[NL_POLICY_TYPE_ATTR_MAX_VALUE_U];
	if (!min || !max || nla_len(min) < 8 || nla_len(max) < 8)
		return ivm_strdup("");
	return ivm_format(" (allowed: %llu to %llu)", (unsigned long long)nla_get_u64(min),
			  (unsigned long long)nla_get_u64(max));
}
