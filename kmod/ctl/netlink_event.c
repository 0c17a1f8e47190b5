// SPDX-License-Identifier: GPL-2.0-only
/* Events of VMs, for the members of the multicast group. */
#include "netlink.h"

#include "../vm/vm.h"

#include <linux/atomic.h>
#include <linux/timekeeping.h>

static atomic64_t lost = ATOMIC64_INIT(0);	/* events that found no memory, not told yet */

static int put_event(struct sk_buff *msg, const struct ivm_event *event)
{
	if (nla_put_u32(msg, IVM_A_EVENT_TYPE, event->type) ||
	    nla_put_u32(msg, IVM_A_ID, event->id) ||
	    nla_put_string(msg, IVM_A_NAME, event->name) ||
	    nla_put_u64_64bit(msg, IVM_A_TIME_NS, event->time_ns, IVM_A_PAD) ||
	    nla_put_u32(msg, IVM_A_STATE, event->state))
		return -EMSGSIZE;
	if (event->stop_reason && nla_put_u32(msg, IVM_A_STOP_REASON, event->stop_reason))
		return -EMSGSIZE;
	if ((event->stop_reason || event->type == IVM_EVENT_LOST) &&
	    nla_put_u64_64bit(msg, IVM_A_STOP_CODE, event->stop_code, IVM_A_PAD))
		return -EMSGSIZE;
	if (event->has_vcpu && nla_put_u32(msg, IVM_A_VCPU, event->vcpu))
		return -EMSGSIZE;
	if (event->type == IVM_EVENT_OUTSIDE && nla_put_u64_64bit(msg, IVM_A_ADDRESS, event->address, IVM_A_PAD))
		return -EMSGSIZE;
	if (event->type == IVM_EVENT_MOVED && nla_put_u32(msg, IVM_A_CPU, event->cpu))
		return -EMSGSIZE;
	if (event->text[0] && nla_put_string(msg, IVM_A_TEXT, event->text))
		return -EMSGSIZE;
	return 0;
}

/* Return: 0 when it was sent, or nobody listens. */
static int send(const struct ivm_event *event)
{
	struct sk_buff *msg;
	void *head;

	msg = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	head = genlmsg_put(msg, 0, 0, &ivm_nl_family, 0, IVM_CMD_EVENT);
	if (!head || put_event(msg, event)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, head);
	/* Who reads too slowly is told by its own socket (ENOBUFS). */
	genlmsg_multicast(&ivm_nl_family, msg, 0, IVM_NL_EVENTS, GFP_KERNEL);
	return 0;
}

static int send_lost(u64 number)
{
	struct ivm_event event = {
		.type = IVM_EVENT_LOST,
		.time_ns = ktime_get_real_ns(),
		.stop_code = number,
	};

	return send(&event);
}

void ivm_nl_event(const struct ivm_event *event)
{
	u64 number;

	if (!genl_has_listeners(&ivm_nl_family, &init_net, IVM_NL_EVENTS))
		return;
	number = atomic64_xchg(&lost, 0);
	if (number && send_lost(number))
		atomic64_add(number, &lost);
	if (!event || send(event))
		atomic64_inc(&lost);
}
