// SPDX-License-Identifier: GPL-2.0-only
/*
 * What two devices cost with nothing between them that decides anything: each
 * frame that device from= receives is sent by device to=, and that is all. What
 * a switch costs beyond this is the switch.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>

static char *from = "";
module_param(from, charp, 0444);
static char *to = "";
module_param(to, charp, 0444);

static struct net_device *in, *out;

static rx_handler_result_t pass_on(struct sk_buff **pskb)
{
	struct sk_buff *skb = skb_share_check(*pskb, GFP_ATOMIC);

	if (!skb)
		return RX_HANDLER_CONSUMED;
	skb_push(skb, ETH_HLEN);
	skb->dev = out;
	dev_queue_xmit(skb);
	return RX_HANDLER_CONSUMED;
}

static void let_go(void)
{
	if (in)
		dev_put(in);
	if (out)
		dev_put(out);
}

static int __init pair_init(void)
{
	int err = -ENODEV;

	in = dev_get_by_name(&init_net, from);
	out = dev_get_by_name(&init_net, to);
	if (in && out) {
		rtnl_lock();
		err = netdev_rx_handler_register(in, pass_on, NULL);
		rtnl_unlock();
	}
	if (err)
		let_go();
	return err;
}

static void __exit pair_exit(void)
{
	rtnl_lock();
	netdev_rx_handler_unregister(in);
	rtnl_unlock();
	let_go();
}

module_init(pair_init);
module_exit(pair_exit);
MODULE_DESCRIPTION("Test of IVM: two devices without a switch between them");
MODULE_LICENSE("GPL");
