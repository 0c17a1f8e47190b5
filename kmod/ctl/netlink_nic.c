// SPDX-License-Identifier: GPL-2.0-only
/*
 * Network cards in requests and answers: nests in nests, whose types and
 * lengths the policy has checked when we come; what it cannot say is here.
 */
#include "netlink.h"

#include "../vm/vm.h"
#include "../why.h"

#include <linux/slab.h>

#define MTU_DEFAULT	1500
#define NIC_SIZE	(2 * nla_total_size(0) + nla_total_size(ETH_ALEN) + 2 * nla_total_size(IFNAMSIZ) + \
			 2 * nla_total_size(sizeof(u16)) + nla_total_size(sizeof(u32)))

static const struct nla_policy nic_policy[IVM_A_NIC_PORT + 1] = {
	[IVM_A_NIC_MAC] = NLA_POLICY_ETH_ADDR,
	[IVM_A_NIC_SWITCH] = { .type = NLA_NUL_STRING, .len = IFNAMSIZ - 1 },
	[IVM_A_NIC_QUEUES] = { .type = NLA_U16 },
	[IVM_A_NIC_MTU] = { .type = NLA_U16 },
	[IVM_A_NIC_PORT] = NLA_POLICY_NESTED(ivm_port_policy),
};

const struct nla_policy ivm_nl_nics_policy[IVM_A_NIC_ENTRY + 1] = {
	[IVM_A_NIC_ENTRY] = NLA_POLICY_NESTED(nic_policy),
};

static const char * const nic_names[IVM_A_NIC_PORT + 1] = {
	[IVM_A_NIC_MAC] = "nic-mac",
	[IVM_A_NIC_SWITCH] = "nic-switch",
	[IVM_A_NIC_QUEUES] = "nic-queues",
	[IVM_A_NIC_MTU] = "nic-mtu",
	[IVM_A_NIC_PORT] = "nic-port",
};

static int nic_refuse(struct genl_info *info, const struct nlattr *bad, struct ivm_why *why, unsigned int index,
		      const char *name, const char *what)
{
	NL_SET_BAD_ATTR(info->extack, bad);
	return ivm_why(why, 0, -EINVAL, "network card %u: attribute %s %s", index + 1, name, what);
}

/* Everything in @nest is there once. Netlink would take the last of two of a type without a word. */
static const struct nlattr *nic_twice(const struct nlattr *nest)
{
	const struct nlattr *nla;
	u64 seen = 0;
	int rem;

	nla_for_each_nested(nla, nest, rem) {
		if (seen & BIT_ULL(nla_type(nla)))
			return nla;
		seen |= BIT_ULL(nla_type(nla));
	}
	return NULL;
}

static int nic_port(struct genl_info *info, const struct nlattr *nest, struct ivm_port_config *port, unsigned int index,
		    struct ivm_why *why)
{
	const struct nlattr *twice = nic_twice(nest);
	struct nlattr *tb[IVM_PORT_A_MAX + 1];
	int err;

	if (twice)
		return nic_refuse(info, twice, why, index, "of nic-port", "is given twice");
	err = nla_parse_nested(tb, IVM_PORT_A_MAX, nest, ivm_port_policy, info->extack);
	return err ?: ivm_port_config_parse(port, tb, true, info->extack);
}

static int nic_parse(struct genl_info *info, const struct nlattr *entry, struct ivm_vm_nic *nic, unsigned int index,
		     struct ivm_why *why)
{
	static const int required[] = { IVM_A_NIC_MAC, IVM_A_NIC_SWITCH };
	struct nlattr *tb[IVM_A_NIC_PORT + 1];
	const struct nlattr *twice = nic_twice(entry);
	unsigned int i;
	int err;

	if (twice)
		return nic_refuse(info, twice, why, index, nic_names[nla_type(twice)], "is given twice");
	err = nla_parse_nested(tb, IVM_A_NIC_PORT, entry, nic_policy, info->extack);
	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(required); i++) {
		if (tb[required[i]])
			continue;
		NL_SET_ERR_ATTR_MISS(info->extack, entry, required[i]);
		return nic_refuse(info, NULL, why, index, nic_names[required[i]], "is missing");
	}
	if (!ivm_nl_string_is_whole(tb[IVM_A_NIC_SWITCH]))
		return nic_refuse(info, tb[IVM_A_NIC_SWITCH], why, index, "nic-switch", "has a NUL inside");
	nla_memcpy(nic->mac, tb[IVM_A_NIC_MAC], ETH_ALEN);
	nla_strscpy(nic->switch_name, tb[IVM_A_NIC_SWITCH], sizeof(nic->switch_name));
	nic->queues = tb[IVM_A_NIC_QUEUES] ? nla_get_u16(tb[IVM_A_NIC_QUEUES]) : 1;
	nic->mtu = tb[IVM_A_NIC_MTU] ? nla_get_u16(tb[IVM_A_NIC_MTU]) : MTU_DEFAULT;
	ivm_port_config_default(&nic->port, nic->mac);
	return tb[IVM_A_NIC_PORT] ? nic_port(info, tb[IVM_A_NIC_PORT], &nic->port, index, why) : 0;
}

/**
 * ivm_nl_nics() - the cards that a request asks for
 * @info:   with LIST_NIC or without
 * @config: gets nr_nics, nics and net; ivm_nl_nics_free() gives them back
 * @why:    on refusal: the sentence, unless netlink's own stands in the extack
 *
 * Return: 0, -EINVAL, -E2BIG, -ENOMEM. May sleep.
 */
int ivm_nl_nics(struct genl_info *info, struct ivm_vm_config *config, struct ivm_why *why)
{
	const struct nlattr *list = info->attrs[IVM_A_LIST_NIC], *entry;
	unsigned int nr = 0;
	int rem, err;

	if (!list)
		return 0;
	config->nics = kcalloc(IVM_NICS_MAX, sizeof(*config->nics), GFP_KERNEL);
	if (!config->nics)
		return ivm_why(why, 0, -ENOMEM, "not enough kernel memory");
	config->net = genl_info_net(info);
	nla_for_each_nested(entry, list, rem) {
		if (nr == IVM_NICS_MAX) {
			NL_SET_BAD_ATTR(info->extack, entry);
			err = ivm_why(why, 0, -E2BIG, "more than %d network cards", IVM_NICS_MAX);
			goto err;
		}
		err = nic_parse(info, entry, &config->nics[nr], nr, why);
		if (err)
			goto err;
		nr++;
	}
	config->nr_nics = nr;
	return 0;
err:
	ivm_nl_nics_free(config);
	return err;
}

void ivm_nl_nics_free(struct ivm_vm_config *config)
{
	kfree(config->nics);
	config->nics = NULL;
}

/* vm/ refused a card: point to what it blames, or to the card when that is a default. */
void ivm_nl_nics_blame(struct genl_info *info, const struct ivm_why *why)
{
	const struct nlattr *list = info->attrs[IVM_A_LIST_NIC], *entry, *bad;
	unsigned int index = 0;
	int rem;

	if (!list || why->attr < IVM_A_NIC_MAC || why->attr > IVM_A_NIC_PORT)
		return;
	nla_for_each_nested(entry, list, rem) {
		if (index++ != why->entry)
			continue;
		bad = nla_find_nested(entry, why->attr);
		NL_SET_BAD_ATTR(info->extack, bad ?: entry);
		return;
	}
}

/* ---- answers ---- */

size_t ivm_nl_nics_size(void)
{
	return nla_total_size(0) + IVM_NICS_MAX * NIC_SIZE;
}

int ivm_nl_put_nics(struct sk_buff *msg, const struct ivm_vm_info *vm)
{
	struct nlattr *list, *entry;
	unsigned int i;

	if (!vm->nr_nics)
		return 0;
	list = nla_nest_start(msg, IVM_A_LIST_NIC);
	if (!list)
		return -EMSGSIZE;
	for (i = 0; i < vm->nr_nics; i++) {
		const struct ivm_vm_nic_info *nic = &vm->nic[i];

		entry = nla_nest_start(msg, IVM_A_NIC_ENTRY);
		if (!entry ||
		    nla_put(msg, IVM_A_NIC_MAC, ETH_ALEN, nic->mac) ||
		    nla_put_string(msg, IVM_A_NIC_SWITCH, nic->switch_name) ||
		    nla_put_u16(msg, IVM_A_NIC_QUEUES, nic->queues) ||
		    nla_put_u16(msg, IVM_A_NIC_MTU, nic->mtu))
			return -EMSGSIZE;
		if (nic->ifindex &&
		    (nla_put_string(msg, IVM_A_NIC_IFNAME, nic->ifname) ||
		     nla_put_u32(msg, IVM_A_NIC_IFINDEX, nic->ifindex)))
			return -EMSGSIZE;
		nla_nest_end(msg, entry);
	}
	nla_nest_end(msg, list);
	return 0;
}
