// SPDX-License-Identifier: GPL-2.0-only
/* Netlink commands about VMs. */
#include "netlink.h"

#include "../vm/vm.h"
#include "../why.h"

#include <linux/capability.h>
#include <linux/slab.h>

/*
 * Upper bound of one VM's answer: 16 bytes hold an attribute of up to 8 bytes
 * and its padding, in a nest per vCPU and per counter.
 */
#define VM_FIXED_SIZE	(48 * nla_total_size_64bit(sizeof(u64)) + \
			 nla_total_size(IVM_NAME_MAX + 1) + nla_total_size(IVM_TEXT_MAX) + \
			 nla_total_size(IVM_CPU_LIST_MAX + 1))
#define VM_ROOM_SIZE	(8 * nla_total_size_64bit(sizeof(u64)) + nla_total_size(IVM_TEXT_MAX))
#define VM_VCPU_SIZE	(nla_total_size(0) + 9 * nla_total_size_64bit(sizeof(u64)))
#define VM_STAT_SIZE	(nla_total_size(0) + nla_total_size(64) + nla_total_size_64bit(sizeof(u64)))

static size_t vm_size(void)
{
	return VM_FIXED_SIZE + VM_ROOM_SIZE + IVM_VCPUS_MAX * VM_VCPU_SIZE + IVM_STATS_MAX * VM_STAT_SIZE +
	       ivm_nl_nics_size();
}

static int put_vcpus(struct sk_buff *msg, const struct ivm_vm_info *vm)
{
	struct nlattr *list, *entry;
	u32 i;

	list = nla_nest_start(msg, IVM_A_LIST_VCPU);
	if (!list)
		return -EMSGSIZE;
	for (i = 0; i < vm->nr_vcpus; i++) {
		const struct ivm_vcpu_info *vcpu = &vm->vcpu[i];

		entry = nla_nest_start(msg, IVM_A_VCPU_ENTRY);
		if (!entry ||
		    nla_put_u32(msg, IVM_A_VCPU, i) ||
		    nla_put_u32(msg, IVM_A_CPU, vcpu->cpu) ||
		    nla_put_u32(msg, IVM_A_TID, vcpu->tid) ||
		    nla_put_u32(msg, IVM_A_VCPU_STATE, vcpu->state) ||
		    nla_put_u64_64bit(msg, IVM_A_GUEST_NS, vcpu->times.guest_ns, IVM_A_PAD) ||
		    nla_put_u64_64bit(msg, IVM_A_HYP_NS, vcpu->times.hyp_ns, IVM_A_PAD) ||
		    nla_put_u64_64bit(msg, IVM_A_GANG_NS, vcpu->times.gang_ns, IVM_A_PAD) ||
		    nla_put_u64_64bit(msg, IVM_A_READY_NS, vcpu->times.ready_ns, IVM_A_PAD))
			return -EMSGSIZE;
		nla_nest_end(msg, entry);
	}
	nla_nest_end(msg, list);
	return 0;
}

static int put_stats(struct sk_buff *msg, const struct ivm_vm_info *vm)
{
	struct nlattr *list, *entry;
	unsigned int i;

	list = nla_nest_start(msg, IVM_A_LIST_STAT);
	if (!list)
		return -EMSGSIZE;
	for (i = 0; i < vm->nr_stats; i++) {
		entry = nla_nest_start(msg, IVM_A_STAT_ENTRY);
		if (!entry ||
		    nla_put_string(msg, IVM_A_NAME, vm->stat[i].name) ||
		    nla_put_u64_64bit(msg, IVM_A_VALUE, vm->stat[i].value, IVM_A_PAD))
			return -EMSGSIZE;
		nla_nest_end(msg, entry);
	}
	nla_nest_end(msg, list);
	return 0;
}

static int put_shares(struct sk_buff *msg, const struct ivm_vm_info *vm)
{
	const struct ivm_gang_info *gang = &vm->gang;
	struct nlattr *nest;

	if (nla_put_u32(msg, IVM_A_CPU_FLOOR, vm->shares.floor) ||
	    nla_put_u32(msg, IVM_A_CPU_CAP, vm->shares.cap) ||
	    nla_put_u32(msg, IVM_A_COSCHED, vm->shares.cosched))
		return -EMSGSIZE;
	nest = nla_nest_start(msg, IVM_A_GANG);
	if (!nest ||
	    nla_put_u64_64bit(msg, IVM_A_GANG_RUN_NS, gang->run_ns, IVM_A_PAD) ||
	    nla_put_u64_64bit(msg, IVM_A_GANG_CORUN_NS, gang->corun_ns, IVM_A_PAD) ||
	    nla_put_u64_64bit(msg, IVM_A_GANG_STARTS, gang->starts, IVM_A_PAD) ||
	    nla_put_u64_64bit(msg, IVM_A_GANG_LATE, gang->late, IVM_A_PAD) ||
	    nla_put_u64_64bit(msg, IVM_A_SKEW_P50_NS, gang->skew_p50_ns, IVM_A_PAD) ||
	    nla_put_u64_64bit(msg, IVM_A_SKEW_P99_NS, gang->skew_p99_ns, IVM_A_PAD) ||
	    nla_put_u64_64bit(msg, IVM_A_SKEW_MAX_NS, gang->skew_max_ns, IVM_A_PAD))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/* What the guest says; ~0: it does not. */
static int put_said(struct sk_buff *msg, int attr, u64 value)
{
	return value == ~0ULL ? 0 : nla_put_u64_64bit(msg, attr, value, IVM_A_PAD);
}

/* Memory that may grow and shrink. */
static int put_room(struct sk_buff *msg, const struct ivm_vm_memory_info *room)
{
	if (!room->max)
		return 0;
	if (nla_put_u64_64bit(msg, IVM_A_MEMORY_MAX, room->max, IVM_A_PAD))
		return -EMSGSIZE;
	if (!room->boot)
		return 0;
	if (nla_put_u64_64bit(msg, IVM_A_MEMORY_BOOT, room->boot, IVM_A_PAD) ||
	    nla_put_u32(msg, IVM_A_MEMORY_DRIVERS, room->drivers) ||
	    nla_put_u64_64bit(msg, IVM_A_BALLOON, room->balloon, IVM_A_PAD))
		return -EMSGSIZE;
	if (room->text[0] && nla_put_string(msg, IVM_A_MEMORY_TEXT, room->text))
		return -EMSGSIZE;
	if (!room->has_guest)
		return 0;
	return put_said(msg, IVM_A_GUEST_TOTAL, room->guest_total) ?:
	       put_said(msg, IVM_A_GUEST_FREE, room->guest_free) ?:
	       put_said(msg, IVM_A_GUEST_AVAILABLE, room->guest_available) ?:
	       put_said(msg, IVM_A_GUEST_AGE_NS, room->guest_age_ns);
}

static int put_vm(struct sk_buff *msg, const struct ivm_vm_info *vm)
{
	if (nla_put_u32(msg, IVM_A_ID, vm->id) ||
	    nla_put_string(msg, IVM_A_NAME, vm->name) ||
	    nla_put_u32(msg, IVM_A_STATE, vm->state) ||
	    nla_put_u32(msg, IVM_A_VCPUS, vm->vcpus) ||
	    nla_put_u64_64bit(msg, IVM_A_MEMORY, vm->memory, IVM_A_PAD) ||
	    nla_put_u64_64bit(msg, IVM_A_MEMORY_READY, vm->memory_ready, IVM_A_PAD) ||
	    nla_put_u32(msg, IVM_A_STOP_REASON, vm->stop_reason) ||
	    nla_put_u32(msg, IVM_A_RESETS, vm->resets) ||
	    nla_put_u64_64bit(msg, IVM_A_STARTED_NS, vm->started_ns, IVM_A_PAD) ||
	    nla_put_u64_64bit(msg, IVM_A_RUN_NS, vm->run_ns, IVM_A_PAD) ||
	    nla_put_u64_64bit(msg, IVM_A_KERNEL_BYTES, vm->kernel_bytes, IVM_A_PAD))
		return -EMSGSIZE;
	if (vm->stop_reason &&
	    nla_put_u64_64bit(msg, IVM_A_STOP_CODE, vm->stop_code, IVM_A_PAD))
		return -EMSGSIZE;
	if (vm->text[0] && nla_put_string(msg, IVM_A_TEXT, vm->text))
		return -EMSGSIZE;
	if (vm->debug_exit && nla_put_u16(msg, IVM_A_DEBUG_EXIT, vm->debug_exit))
		return -EMSGSIZE;
	if (vm->affinity[0] && nla_put_string(msg, IVM_A_AFFINITY, vm->affinity))
		return -EMSGSIZE;
	return put_room(msg, &vm->room) ?: put_shares(msg, vm) ?: put_vcpus(msg, vm) ?: put_stats(msg, vm) ?:
	       ivm_nl_put_nics(msg, vm);
}

int ivm_nl_vm_create(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why)
{
	struct ivm_vm_config config = {
		.vcpus = nla_get_u32(info->attrs[IVM_A_VCPUS]),
		.memory = nla_get_u64(info->attrs[IVM_A_MEMORY]),
		.shares = { .cap = IVM_CPU_WHOLE, .cosched = IVM_COSCHED_STRICT },
	};
	struct sk_buff *msg;
	struct nlattr *attr;
	void *head;
	u32 id;
	int err;

	nla_strscpy(config.name, info->attrs[IVM_A_NAME], sizeof(config.name));
	if (info->attrs[IVM_A_MEMORY_MAX]) {
		config.memory_max = nla_get_u64(info->attrs[IVM_A_MEMORY_MAX]);
		/* For vm/ it would be a VM whose memory is fixed. */
		if (!config.memory_max)
			return ivm_why(why, IVM_A_MEMORY_MAX, -EINVAL,
				       "memory-max is 0; it must be at least memory, or not be given");
	}
	config.pinned = info->attrs[IVM_A_AFFINITY];
	if (config.pinned)
		nla_strscpy(config.affinity, info->attrs[IVM_A_AFFINITY], sizeof(config.affinity));
	if (info->attrs[IVM_A_DEBUG_EXIT])
		config.debug_exit = nla_get_u16(info->attrs[IVM_A_DEBUG_EXIT]);
	if (info->attrs[IVM_A_CPU_FLOOR])
		config.shares.floor = nla_get_u32(info->attrs[IVM_A_CPU_FLOOR]);
	if (info->attrs[IVM_A_CPU_CAP])
		config.shares.cap = nla_get_u32(info->attrs[IVM_A_CPU_CAP]);
	if (info->attrs[IVM_A_COSCHED])
		config.shares.cosched = nla_get_u32(info->attrs[IVM_A_COSCHED]);

	err = ivm_nl_nics(info, &config, why);
	if (err)
		return err;
	/* Everything that may fail comes before the VM exists. */
	err = -ENOMEM;
	msg = ivm_nl_reply(info, nla_total_size(sizeof(id)), &head);
	if (!msg)
		goto out;
	attr = nla_reserve(msg, IVM_A_ID, sizeof(id));
	err = attr ? ivm_vm_create(&config, &id, why) : -EMSGSIZE;
	if (err) {
		ivm_nl_nics_blame(info, why);
		nlmsg_free(msg);
		goto out;
	}
	*(u32 *)nla_data(attr) = id;
	genlmsg_end(msg, head);
	/* A caller whose socket is full misses the id; the VM stays, and has its name. */
	genlmsg_reply(msg, info);
out:
	ivm_nl_nics_free(&config);
	return err;
}

int ivm_nl_vm_start(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why)
{
	return ivm_vm_start(vm, why);
}

int ivm_nl_vm_stop(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why)
{
	if (nla_get_flag(info->attrs[IVM_A_FORCE]))
		return ivm_vm_stop(vm, why);
	return ivm_vm_power_button(vm, why);
}

int ivm_nl_vm_reset(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why)
{
	return ivm_vm_reset(vm, why);
}

int ivm_nl_vm_pause(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why)
{
	return ivm_vm_pause(vm, why);
}

int ivm_nl_vm_resume(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why)
{
	return ivm_vm_resume(vm, why);
}

int ivm_nl_vm_delete(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why)
{
	return ivm_vm_delete(vm, why);
}

int ivm_nl_vm_set(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why)
{
	struct ivm_vm_change change = {
		.floor = info->attrs[IVM_A_CPU_FLOOR] ? nla_data(info->attrs[IVM_A_CPU_FLOOR]) : NULL,
		.cap = info->attrs[IVM_A_CPU_CAP] ? nla_data(info->attrs[IVM_A_CPU_CAP]) : NULL,
		.cosched = info->attrs[IVM_A_COSCHED] ? nla_data(info->attrs[IVM_A_COSCHED]) : NULL,
	};
	u64 memory, max;

	if (info->attrs[IVM_A_MEMORY]) {
		memory = nla_get_u64(info->attrs[IVM_A_MEMORY]);
		change.memory = &memory;
	}
	if (info->attrs[IVM_A_MEMORY_MAX]) {
		max = nla_get_u64(info->attrs[IVM_A_MEMORY_MAX]);
		change.memory_max = &max;
	}
	return ivm_vm_set(vm, &change, why);
}

int ivm_nl_vm_get(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why)
{
	struct ivm_vm_info *state;
	struct sk_buff *msg;
	void *head;
	int err;

	state = kzalloc(sizeof(*state), GFP_KERNEL);
	if (!state)
		return -ENOMEM;
	ivm_vm_info(vm, state);
	err = -ENOMEM;
	msg = ivm_nl_reply(info, vm_size(), &head);
	if (!msg)
		goto out;
	err = put_vm(msg, state);
	if (err) {
		nlmsg_free(msg);
		goto out;
	}
	genlmsg_end(msg, head);
	err = genlmsg_reply(msg, info);
out:
	kfree(state);
	return err;
}

/*
 * The dump goes by rising id, and ids are never reused: a VM that exists from
 * beginning to end is told exactly once, whatever else comes and goes between
 * two messages.
 */
int ivm_nl_vm_dump_start(struct netlink_callback *cb)
{
	int err = ivm_nl_dump_check(cb);

	if (err)
		return err;
	cb->min_dump_alloc = NLMSG_HDRLEN + GENL_HDRLEN + vm_size();
	cb->args[0] = 0;
	return 0;
}

static int dump_vm(struct sk_buff *skb, struct netlink_callback *cb, const struct ivm_vm_info *vm)
{
	void *head;

	head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &ivm_nl_family,
			   NLM_F_MULTI, IVM_CMD_VM_GET);
	if (!head)
		return -EMSGSIZE;
	if (put_vm(skb, vm)) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

int ivm_nl_vm_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct ivm_vm_info *state;
	struct ivm_vm *vm;
	int err;

	state = kmalloc(sizeof(*state), GFP_KERNEL);
	if (!state)
		return -ENOMEM;
	for (;;) {
		vm = ivm_vm_after(cb->args[0]);
		if (!vm) {
			err = 0;
			break;
		}
		memset(state, 0, sizeof(*state));
		ivm_vm_info(vm, state);
		ivm_vm_put(vm);
		err = dump_vm(skb, cb, state);
		if (err)
			break;
		cb->args[0] = state->id;
	}
	kfree(state);
	/* The message is full: come again. One VM alone always fits. */
	return skb->len ? skb->len : err;
}
