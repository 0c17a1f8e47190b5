// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family "ivm": policies, rights, and the one handler that
 * all commands go through. What a command needs stands in its row of a table.
 *
 * Rights: generic netlink's own flags ask for CAP_NET_ADMIN, which has nothing
 * to do with virtual machines, and refuse without a word. So the handler asks
 * for CAP_SYS_ADMIN in the initial user namespace, of the task and of whoever
 * opened its socket. The family exists in the initial network namespace only.
 *
 * Concurrency: commands run in parallel, vm/ serialises what must be. A handler
 * runs under generic netlink's semaphore for registrations, shared: while a VM
 * is being started, another family may have to wait before it comes or goes.
 *
 * Ranges are not in the policies where vm/ knows a better sentence than
 * "integer out of range"; types, lengths and the set of attributes are.
 */
#include "netlink.h"

#include "ctl.h"
#include "extack.h"
#include "log.h"
#include "../vm/vm.h"
#include "../why.h"

#include <linux/bitmap.h>
#include <linux/capability.h>
#include <linux/module.h>

static_assert(IVM_NL_MAXATTR < 256, "lists of attributes are u8");
static_assert(IVM_A_NAME <= IVM_NL_MAXATTR && IVM_A_VCPUS <= IVM_NL_MAXATTR &&
	      IVM_A_MEMORY <= IVM_NL_MAXATTR && IVM_A_DEBUG_EXIT <= IVM_NL_MAXATTR &&
	      IVM_A_FORCE <= IVM_NL_MAXATTR && IVM_A_CPU_LIST <= IVM_NL_MAXATTR &&
	      IVM_A_SMT <= IVM_NL_MAXATTR);

#define NAME_POLICY { .type = NLA_NUL_STRING, .len = IVM_NAME_MAX }

/* All policies are strict: attributes that are not listed are refused. */
static const struct nla_policy none_policy[IVM_NL_MAXATTR + 1] = {};

static const struct nla_policy host_set_policy[IVM_NL_MAXATTR + 1] = {
	[IVM_A_CPU_LIST] = { .type = NLA_NUL_STRING, .len = IVM_CPU_LIST_MAX },
	[IVM_A_RESERVE] = { .type = NLA_U32 },
	[IVM_A_SMT] = { .type = NLA_U32 },
};

static const struct nla_policy vm_create_policy[IVM_NL_MAXATTR + 1] = {
	[IVM_A_NAME] = NAME_POLICY,
	[IVM_A_VCPUS] = { .type = NLA_U32 },
	[IVM_A_MEMORY] = { .type = NLA_U64 },
	[IVM_A_MEMORY_MAX] = { .type = NLA_U64 },
	[IVM_A_DEBUG_EXIT] = NLA_POLICY_MIN(NLA_U16, 1),
	[IVM_A_LIST_NIC] = NLA_POLICY_NESTED(ivm_nl_nics_policy),
	[IVM_A_AFFINITY] = { .type = NLA_NUL_STRING, .len = IVM_CPU_LIST_MAX },
	[IVM_A_CPU_FLOOR] = { .type = NLA_U32 },
	[IVM_A_CPU_CAP] = { .type = NLA_U32 },
	[IVM_A_COSCHED] = { .type = NLA_U32 },
};

static const struct nla_policy vm_set_policy[IVM_NL_MAXATTR + 1] = {
	[IVM_A_NAME] = NAME_POLICY,
	[IVM_A_MEMORY] = { .type = NLA_U64 },
	[IVM_A_MEMORY_MAX] = { .type = NLA_U64 },
	[IVM_A_CPU_FLOOR] = { .type = NLA_U32 },
	[IVM_A_CPU_CAP] = { .type = NLA_U32 },
	[IVM_A_COSCHED] = { .type = NLA_U32 },
};

static const struct nla_policy vm_stop_policy[IVM_NL_MAXATTR + 1] = {
	[IVM_A_NAME] = NAME_POLICY,
	[IVM_A_FORCE] = { .type = NLA_FLAG },
};

static const struct nla_policy vm_policy[IVM_NL_MAXATTR + 1] = {
	[IVM_A_NAME] = NAME_POLICY,
};

static const char * const attr_names[IVM_NL_MAXATTR + 1] = {
	[IVM_A_NAME] = "name",
	[IVM_A_VCPUS] = "vcpus",
	[IVM_A_MEMORY] = "memory",
	[IVM_A_MEMORY_MAX] = "memory-max",
	[IVM_A_DEBUG_EXIT] = "debug-exit",
	[IVM_A_FORCE] = "force",
	[IVM_A_CPU_LIST] = "cpu-list",
	[IVM_A_LIST_NIC] = "list-nic",
	[IVM_A_AFFINITY] = "affinity",
	[IVM_A_CPU_FLOOR] = "cpu-floor",
	[IVM_A_CPU_CAP] = "cpu-cap",
	[IVM_A_COSCHED] = "cosched",
	[IVM_A_RESERVE] = "reserve",
	[IVM_A_SMT] = "smt",
};

#define NAMED .required = { IVM_A_NAME }, .find = true

static const struct ivm_nl_row rows[] = {
	[IVM_CMD_HOST_GET] = { ivm_nl_host_get, .anyone = true },
	[IVM_CMD_HOST_SET] = { ivm_nl_host_set, "host-set",
		.some = { IVM_A_CPU_LIST, IVM_A_RESERVE, IVM_A_SMT } },
	[IVM_CMD_HOST_AUDIT] = { ivm_nl_host_audit },
	[IVM_CMD_VM_CREATE] = { ivm_nl_vm_create, "vm-create",
		.required = { IVM_A_NAME, IVM_A_VCPUS, IVM_A_MEMORY } },
	[IVM_CMD_VM_START] = { ivm_nl_vm_start, "vm-start", NAMED },
	[IVM_CMD_VM_STOP] = { ivm_nl_vm_stop, "vm-stop", NAMED },
	[IVM_CMD_VM_RESET] = { ivm_nl_vm_reset, "vm-reset", NAMED },
	[IVM_CMD_VM_PAUSE] = { ivm_nl_vm_pause, "vm-pause", NAMED },
	[IVM_CMD_VM_RESUME] = { ivm_nl_vm_resume, "vm-resume", NAMED },
	[IVM_CMD_VM_DELETE] = { ivm_nl_vm_delete, "vm-delete", NAMED },
	[IVM_CMD_VM_SET] = { ivm_nl_vm_set, "vm-set", NAMED,
		.some = { IVM_A_CPU_FLOOR, IVM_A_CPU_CAP, IVM_A_COSCHED, IVM_A_MEMORY, IVM_A_MEMORY_MAX } },
	[IVM_CMD_VM_GET] = { ivm_nl_vm_get, NULL, NAMED },
};

/*
 * What the policy cannot say. Netlink would take the last of two attributes of
 * a type without a word.
 */
static int check_attrs(const struct ivm_nl_row *row, struct genl_info *info, struct ivm_why *why)
{
	DECLARE_BITMAP(seen, IVM_NL_MAXATTR + 1) = {};
	const struct nlattr *nla;
	const u8 *attr;
	int rem, type;

	nlmsg_for_each_attr(nla, info->nlhdr, GENL_HDRLEN, rem) {
		type = nla_type(nla);
		if (__test_and_set_bit(type, seen)) {
			NL_SET_BAD_ATTR(info->extack, nla);
			return ivm_why(why, 0, -EINVAL, "attribute %s is given twice",
				       attr_names[type]);
		}
		if ((type == IVM_A_NAME || type == IVM_A_CPU_LIST || type == IVM_A_AFFINITY) &&
		    !ivm_nl_string_is_whole(nla))
			return ivm_why(why, type, -EINVAL, "attribute %s has a NUL inside",
				       attr_names[type]);
	}
	for (attr = row->required; *attr; attr++) {
		if (test_bit(*attr, seen))
			continue;
		NL_SET_ERR_ATTR_MISS(info->extack, NULL, *attr);
		return ivm_why(why, 0, -EINVAL, "attribute %s is missing", attr_names[*attr]);
	}
	if (!row->some[0])
		return 0;
	for (attr = row->some; *attr; attr++)
		if (test_bit(*attr, seen))
			return 0;
	NL_SET_ERR_ATTR_MISS(info->extack, NULL, row->some[0]);
	return ivm_why(why, 0, -EINVAL, "nothing to change: attribute %s is missing, or another one that this takes",
		       attr_names[row->some[0]]);
}

static int run(const struct ivm_nl_row *row, struct sk_buff *skb, struct genl_info *info,
	       struct ivm_why *why)
{
	struct ivm_vm *vm = NULL;
	int err;

	if (!row->anyone && !netlink_capable(skb, CAP_SYS_ADMIN))
		return ivm_why(why, 0, -EPERM, "this needs CAP_SYS_ADMIN");
	err = check_attrs(row, info, why);
	if (err)
		return err;
	if (row->find) {
		vm = ivm_vm_find(nla_data(info->attrs[IVM_A_NAME]));
		if (!vm)
			return ivm_why(why, IVM_A_NAME, -ENOENT, "there is no VM of this name");
	}
	err = row->run(info, vm, why);
	if (vm)
		ivm_vm_put(vm);
	return err;
}

static int ivm_nl_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct ivm_nl_row *row = &rows[info->genlhdr->cmd];
	const struct nlattr *target = info->attrs[IVM_A_NAME] ?: info->attrs[IVM_A_CPU_LIST];
	struct ivm_why why = {};
	int err;

	err = run(row, skb, info, &why);
	if (row->act)
		ivm_log_act(row->act, target ? nla_data(target) : NULL, err);
	if (!err)
		return 0;
	if (err == -ENOMEM && !why.text[0])
		ivm_why(&why, 0, err, "not enough kernel memory");
	if (why.text[0])
		ivm_extack_text(info->extack, why.text);
	/* vm/ may blame an attribute that this request cannot even carry. */
	if (why.attr > 0 && why.attr <= IVM_NL_MAXATTR && info->attrs[why.attr])
		NL_SET_BAD_ATTR(info->extack, info->attrs[why.attr]);
	return err;
}

#define OP(command, with) { .cmd = command, .doit = ivm_nl_doit, \
			    .policy = with, .maxattr = IVM_NL_MAXATTR }

static const struct genl_ops ops[] = {
	OP(IVM_CMD_HOST_GET, none_policy),
	OP(IVM_CMD_HOST_SET, host_set_policy),
	OP(IVM_CMD_HOST_AUDIT, none_policy),
	OP(IVM_CMD_VM_CREATE, vm_create_policy),
	OP(IVM_CMD_VM_START, vm_policy),
	OP(IVM_CMD_VM_STOP, vm_stop_policy),
	OP(IVM_CMD_VM_RESET, vm_policy),
	OP(IVM_CMD_VM_PAUSE, vm_policy),
	OP(IVM_CMD_VM_RESUME, vm_policy),
	OP(IVM_CMD_VM_DELETE, vm_policy),
	OP(IVM_CMD_VM_SET, vm_set_policy),
	{ .cmd = IVM_CMD_CORE_GET, .start = ivm_nl_core_dump_start, .dumpit = ivm_nl_core_dump,
	  .policy = none_policy, .maxattr = IVM_NL_MAXATTR },
	{ .cmd = IVM_CMD_VM_GET, .doit = ivm_nl_doit, .start = ivm_nl_vm_dump_start,
	  .dumpit = ivm_nl_vm_dump, .policy = vm_policy, .maxattr = IVM_NL_MAXATTR },
};

static const struct genl_multicast_group groups[] = {
	[IVM_NL_EVENTS] = { .name = IVM_GENL_MCGRP_EVENTS, .flags = GENL_MCAST_CAP_SYS_ADMIN },
};

struct genl_family ivm_nl_family __ro_after_init = {
	.name = IVM_GENL_NAME,
	.version = IVM_GENL_VERSION,
	.parallel_ops = true,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
	.module = THIS_MODULE,
};

/* In this kernel the start of a dump has no text for its refusal. */
int ivm_nl_dump_check(struct netlink_callback *cb)
{
	unsigned int type;

	if (!netlink_capable(cb->skb, CAP_SYS_ADMIN))
		return -EPERM;
	for (type = 1; type <= IVM_NL_MAXATTR; type++)
		if (genl_dumpit_info(cb)->attrs[type])
			return -EINVAL;
	return 0;
}

struct sk_buff *ivm_nl_reply(struct genl_info *info, size_t size, void **head)
{
	struct sk_buff *msg = genlmsg_new(size, GFP_KERNEL);

	if (!msg)
		return NULL;
	*head = genlmsg_put_reply(msg, info, &ivm_nl_family, 0, info->genlhdr->cmd);
	if (*head)
		return msg;
	nlmsg_free(msg);
	return NULL;
}

int ivm_netlink_init(void)
{
	int err;

	err = genl_register_family(&ivm_nl_family);
	if (err)
		return err;
	ivm_vm_set_listener(ivm_nl_event);
	return 0;
}

void ivm_netlink_exit(void)
{
	ivm_vm_set_listener(NULL);
	genl_unregister_family(&ivm_nl_family);
	ivm_extack_exit();
}
