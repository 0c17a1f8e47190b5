// SPDX-License-Identifier: GPL-2.0-only
/* Reading devices. */
#include "link.h"

#include "fail.h"
#include "rtnl.h"
#include "text.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#define IVM_LINK_TRIES	10

static void ivm_link_text(char *to, size_t size, const struct nlattr *attr)
{
	size_t length = strnlen(nla_data(attr), (size_t)nla_len(attr));

	if (length >= size)
		length = size - 1;
	memcpy(to, nla_data(attr), length);
	to[length] = '\0';
}

static void ivm_link_parse_names(struct ivm_link *link, const struct nlattr *list)
{
	struct nlattr *attr;
	int left;

	nla_for_each_nested(attr, list, left)
		if (nla_type(attr) == IFLA_ALT_IFNAME && link->nr_altnames < IVM_LINK_ALTNAMES)
			ivm_link_text(link->altname[link->nr_altnames++], IVM_DEVICE_TEXT, attr);
}

static uint32_t ivm_link_u32(struct nlattr *attr)
{
	return attr && nla_len(attr) >= 4 ? nla_get_u32(attr) : 0;
}

static void ivm_link_parse_info(struct ivm_link *link, struct nlattr *linkinfo)
{
	struct nlattr *info[IFLA_INFO_MAX + 1], *sw[IVM_SW_A_MAX + 1];

	if (nla_parse_nested(info, IFLA_INFO_MAX, linkinfo, NULL))
		return;
	if (info[IFLA_INFO_KIND])
		ivm_link_text(link->kind, sizeof(link->kind), info[IFLA_INFO_KIND]);
	if (info[IFLA_INFO_SLAVE_KIND])
		ivm_link_text(link->master_kind, sizeof(link->master_kind), info[IFLA_INFO_SLAVE_KIND]);
	if (ivm_link_is_switch(link) && info[IFLA_INFO_DATA] &&
	    !nla_parse_nested(sw, IVM_SW_A_MAX, info[IFLA_INFO_DATA], NULL)) {
		link->ageing = ivm_link_u32(sw[IVM_SW_A_AGEING]);
		link->learnt = ivm_link_u32(sw[IVM_SW_A_LEARNT]);
	}
	if (ivm_link_is_port(link) && info[IFLA_INFO_SLAVE_DATA])
		ivm_settings_get(&link->port, link->stats, info[IFLA_INFO_SLAVE_DATA]);
}

bool ivm_link_parse(struct ivm_link *link, const struct nlmsghdr *message)
{
	const struct ifinfomsg *info = nlmsg_data(message);
	struct nlattr *tb[IFLA_MAX + 1];

	memset(link, 0, sizeof(*link));
	if (message->nlmsg_type != RTM_NEWLINK || nlmsg_datalen(message) < (int)sizeof(*info) ||
	    nlmsg_parse((struct nlmsghdr *)message, sizeof(*info), tb, IFLA_MAX, NULL) || !tb[IFLA_IFNAME])
		return false;
	link->index = info->ifi_index;
	link->flags = info->ifi_flags;
	ivm_link_text(link->name, sizeof(link->name), tb[IFLA_IFNAME]);
	link->master = (int)ivm_link_u32(tb[IFLA_MASTER]);
	link->mtu = ivm_link_u32(tb[IFLA_MTU]);
	link->carrier = tb[IFLA_CARRIER] && nla_len(tb[IFLA_CARRIER]) >= 1 && nla_get_u8(tb[IFLA_CARRIER]);
	/* An index in another namespace means nothing here. */
	if (tb[IFLA_LINK] && !tb[IFLA_LINK_NETNSID])
		link->peer = (int)ivm_link_u32(tb[IFLA_LINK]);
	if (tb[IFLA_ADDRESS] && nla_len(tb[IFLA_ADDRESS]) == IVM_MAC_LEN)
		memcpy(link->mac, nla_data(tb[IFLA_ADDRESS]), IVM_MAC_LEN);
	if (tb[IFLA_PROP_LIST])
		ivm_link_parse_names(link, tb[IFLA_PROP_LIST]);
	if (tb[IFLA_LINKINFO])
		ivm_link_parse_info(link, tb[IFLA_LINKINFO]);
	return true;
}

static void ivm_links_add(const struct nlmsghdr *message, void *context)
{
	struct ivm_links *links = context;
	struct ivm_link *grown;

	if (links->count == links->room) {
		links->room = links->room ? 2 * links->room : 16;
		grown = ivm_zalloc(links->room, sizeof(*grown));
		if (links->count)
			memcpy(grown, links->link, links->count * sizeof(*grown));
		free(links->link);
		links->link = grown;
	}
	if (ivm_link_parse(&links->link[links->count], message))
		links->count++;
}

static struct nl_msg *ivm_links_request(void)
{
	struct nl_msg *msg = ivm_rtnl_request(RTM_GETLINK, NLM_F_DUMP, 0);

	if (msg && nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)) {
		nlmsg_free(msg);
		ivm_fail(ENOMEM, "out of memory");
		return NULL;
	}
	return msg;
}

int ivm_links_read(struct ivm_rtnl *rtnl, struct ivm_links *links)
{
	int err = -EAGAIN;

	memset(links, 0, sizeof(*links));
	for (int i = 0; i < IVM_LINK_TRIES && err == -EAGAIN; i++) {
		links->count = 0;
		err = ivm_rtnl_call(rtnl, ivm_links_request(), ivm_links_add, links);
	}
	if (err == -EAGAIN)
		return ivm_fail(EAGAIN, "the list of devices changed %d times while it was read; try again",
				IVM_LINK_TRIES);
	for (size_t i = 0; i < links->count && !err; i++) {
		struct ivm_link *mirror = ivm_link_at(links, (int)links->link[i].port.mirror_index);

		if (mirror)
			strcpy(links->link[i].port.mirror, mirror->name);
	}
	return err;
}

void ivm_links_free(struct ivm_links *links)
{
	free(links->link);
	memset(links, 0, sizeof(*links));
}

struct ivm_link *ivm_link_find(const struct ivm_links *links, const char *name)
{
	for (size_t i = 0; i < links->count; i++) {
		struct ivm_link *link = &links->link[i];

		if (!strcmp(link->name, name))
			return link;
		for (size_t j = 0; j < link->nr_altnames; j++)
			if (!strcmp(link->altname[j], name))
				return link;
	}
	return NULL;
}

struct ivm_link *ivm_link_at(const struct ivm_links *links, int index)
{
	for (size_t i = 0; index && i < links->count; i++)
		if (links->link[i].index == index)
			return &links->link[i];
	return NULL;
}

bool ivm_link_is_switch(const struct ivm_link *link)
{
	return !strcmp(link->kind, IVM_LINK_KIND_SWITCH);
}

bool ivm_link_is_port(const struct ivm_link *link)
{
	return link->master && !strcmp(link->master_kind, IVM_LINK_KIND_SWITCH);
}
