// SPDX-License-Identifier: GPL-2.0-only
/* Netlink commands about the host. */
#include "netlink.h"

#include "../mem/mem.h"
#include "../vm/vm.h"
#include "../why.h"

#include <linux/module.h>
#include <linux/slab.h>

static int put_host(struct sk_buff *msg, const struct ivm_host_info *host)
{
	const char *version = THIS_MODULE->version;

	if (nla_put_string(msg, IVM_A_VERSION, version ? version : "") ||
	    nla_put_string(msg, IVM_A_BACKEND, host->backend) ||
	    (host->reason[0] && nla_put_string(msg, IVM_A_REASON, host->reason)) ||
	    nla_put_u32(msg, IVM_A_CORES, host->cores) ||
	    nla_put_u32(msg, IVM_A_VCPUS_MAX, host->vcpus_max) ||
	    nla_put_u64_64bit(msg, IVM_A_MEMORY, host->memory, IVM_A_PAD) ||
	    nla_put_u64_64bit(msg, IVM_A_MEMORY_FREE, host->memory_free, IVM_A_PAD) ||
	    nla_put_string(msg, IVM_A_CPU_LIST, host->cpu_list) ||
	    (host->siblings[0] && nla_put_string(msg, IVM_A_SIBLINGS, host->siblings)) ||
	    nla_put_u32(msg, IVM_A_VMS, host->vms) ||
	    nla_put_u64_64bit(msg, IVM_A_FRAMES, host->frames, IVM_A_PAD) ||
	    nla_put_u32(msg, IVM_A_TSC_KHZ, host->tsc_khz) ||
	    nla_put_u32(msg, IVM_A_RESERVE, host->reserve) ||
	    nla_put_u64_64bit(msg, IVM_A_SLICE_NS, host->slice_ns, IVM_A_PAD) ||
	    nla_put_u32(msg, IVM_A_SMT, host->smt) ||
	    (host->nested_paging && nla_put_flag(msg, IVM_A_NESTED_PAGING)))
		return -EMSGSIZE;
	return 0;
}

int ivm_nl_host_get(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why)
{
	struct ivm_host_info *host;
	struct sk_buff *msg;
	void *head;
	int err;

	host = kzalloc(sizeof(*host), GFP_KERNEL);
	if (!host)
		return -ENOMEM;
	ivm_host_info(host);
	err = -ENOMEM;
	msg = ivm_nl_reply(info, NLMSG_DEFAULT_SIZE, &head);
	if (!msg)
		goto out;
	err = put_host(msg, host);
	if (err) {
		nlmsg_free(msg);
		goto out;
	}
	genlmsg_end(msg, head);
	err = genlmsg_reply(msg, info);
out:
	kfree(host);
	return err;
}

int ivm_nl_host_set(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why)
{
	const struct nlattr *list = info->attrs[IVM_A_CPU_LIST], *reserve = info->attrs[IVM_A_RESERVE];
	const struct nlattr *smt = info->attrs[IVM_A_SMT];

	return ivm_host_set(list ? nla_data(list) : NULL, reserve ? nla_data(reserve) : NULL, smt ? nla_data(smt) : NULL,
			    why);
}

static int put_core(struct sk_buff *msg, const struct ivm_core_info *core)
{
	const struct ivm_core_times *times = &core->times;

	if (nla_put_u32(msg, IVM_A_CPU, core->cpu) ||
	    nla_put_string(msg, IVM_A_CPU_LIST, core->threads) ||
	    nla_put_u32(msg, IVM_A_PACKAGE, core->package) ||
	    nla_put_u32(msg, IVM_A_CORE, core->core) ||
	    (core->given && nla_put_flag(msg, IVM_A_GIVEN)) ||
	    (core->name[0] && (nla_put_string(msg, IVM_A_NAME, core->name) || nla_put_u32(msg, IVM_A_VCPU, core->vcpu))) ||
	    nla_put_u64_64bit(msg, IVM_A_WALL_NS, times->wall_ns, IVM_A_PAD) ||
	    nla_put_u64_64bit(msg, IVM_A_GUEST_NS, times->guest_ns, IVM_A_PAD) ||
	    nla_put_u64_64bit(msg, IVM_A_HYP_NS, times->hyp_ns, IVM_A_PAD) ||
	    nla_put_u64_64bit(msg, IVM_A_GANG_NS, times->gang_ns, IVM_A_PAD) ||
	    nla_put_u64_64bit(msg, IVM_A_HELD_NS, times->held_ns, IVM_A_PAD) ||
	    nla_put_u64_64bit(msg, IVM_A_HOST_NS, times->host_ns, IVM_A_PAD) ||
	    nla_put_u64_64bit(msg, IVM_A_IDLE_NS, times->idle_ns, IVM_A_PAD) ||
	    nla_put_u32(msg, IVM_A_FLOORS, core->floors) ||
	    nla_put_u64_64bit(msg, IVM_A_HELD_IRQ_NS, times->held_irq_ns, IVM_A_PAD))
		return -EMSGSIZE;
	return 0;
}

int ivm_nl_core_dump_start(struct netlink_callback *cb)
{
	cb->args[0] = 0;
	return ivm_nl_dump_check(cb);
}

/* By rising CPU numbers, of which args[0] is the next. */
int ivm_nl_core_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct ivm_core_info *core = kmalloc(sizeof(*core), GFP_KERNEL);
	void *head;

	if (!core)
		return -ENOMEM;
	for (; cb->args[0] < nr_cpu_ids; cb->args[0]++) {
		if (!ivm_host_core(cb->args[0], core))
			continue;
		head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &ivm_nl_family, NLM_F_MULTI,
				   IVM_CMD_CORE_GET);
		if (!head)
			break;
		if (put_core(skb, core)) {
			genlmsg_cancel(skb, head);
			break;
		}
		genlmsg_end(skb, head);
	}
	kfree(core);
	/* The message is full: come again. One core alone always fits. */
	return skb->len;
}

#define VIOLATION_SIZE (nla_total_size(0) + nla_total_size(sizeof(u32)) + \
			nla_total_size(sizeof_field(struct ivm_mem_violation, text)))

static int put_violations(struct sk_buff *msg, const struct ivm_mem_audit *audit)
{
	struct nlattr *list, *entry;
	unsigned int i;

	list = nla_nest_start(msg, IVM_A_LIST_VIOLATION);
	if (!list)
		return -EMSGSIZE;
	for (i = 0; i < min_t(u64, audit->violations, IVM_VIOLATIONS_MAX); i++) {
		entry = nla_nest_start(msg, IVM_A_VIOLATION_ENTRY);
		if (!entry || nla_put_u32(msg, IVM_A_ID, audit->violation[i].id) ||
		    nla_put_string(msg, IVM_A_TEXT, audit->violation[i].text))
			return -EMSGSIZE;
		nla_nest_end(msg, entry);
	}
	nla_nest_end(msg, list);
	return 0;
}

static int put_audit(struct sk_buff *msg, const struct ivm_mem_audit *audit)
{
	if (nla_put_u64_64bit(msg, IVM_A_FRAMES, audit->frames, IVM_A_PAD) ||
	    nla_put_u64_64bit(msg, IVM_A_LEAVES, audit->leaves, IVM_A_PAD) ||
	    nla_put_u64_64bit(msg, IVM_A_TABLES, audit->tables, IVM_A_PAD) ||
	    nla_put_u64_64bit(msg, IVM_A_VIOLATIONS, audit->violations, IVM_A_PAD) ||
	    nla_put_u64_64bit(msg, IVM_A_BYTES, audit->bytes, IVM_A_PAD))
		return -EMSGSIZE;
	return audit->violations ? put_violations(msg, audit) : 0;
}

int ivm_nl_host_audit(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why)
{
	struct ivm_mem_audit *audit = kmalloc(sizeof(*audit), GFP_KERNEL);
	struct sk_buff *msg;
	void *head;
	int err = -ENOMEM;

	if (!audit)
		return err;
	ivm_host_audit(audit);
	msg = ivm_nl_reply(info, 8 * nla_total_size_64bit(sizeof(u64)) + IVM_VIOLATIONS_MAX * VIOLATION_SIZE, &head);
	if (!msg)
		goto out;
	err = put_audit(msg, audit);
	if (err) {
		nlmsg_free(msg);
		goto out;
	}
	genlmsg_end(msg, head);
	err = genlmsg_reply(msg, info);
out:
	kfree(audit);
	return err;
}
