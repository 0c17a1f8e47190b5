// SPDX-License-Identifier: GPL-2.0-only
/* The network, up and down, and what happens to devices meanwhile. */
#include "net.h"
#include "nic.h"
#include "seed.h"
#include "switch.h"
#include "vswitch.h"

#include <linux/rtnetlink.h>
#include <net/rtnetlink.h>

/* Nothing may lie on a switch: frames would come back to it, or go where nobody decided that they go. */
static int refuse_upper(struct netdev_notifier_changeupper_info *info)
{
	if (!info->linking)
		return NOTIFY_DONE;
	NL_SET_ERR_MSG(netdev_notifier_info_to_extack(&info->info), "no device can lie on a switch");
	return notifier_from_errno(-EBUSY);
}

static int on_netdev_event(struct notifier_block *block, unsigned long event, void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	struct ivm_port *port;
	struct ivm_nic *nic;

	switch (event) {
	case NETDEV_UNREGISTER:
		/* also when it moves to another namespace */
		port = ivm_port_get_rtnl(dev);
		if (port)
			ivm_port_detach(port);
		nic = ivm_nic_of(dev);
		if (nic)
			ivm_nic_lost(nic);
		return NOTIFY_DONE;
	case NETDEV_PRECHANGEUPPER:
		return ivm_is_switch(dev) ? refuse_upper(ptr) : NOTIFY_DONE;
	case NETDEV_PRE_TYPE_CHANGE:
		/* a bond that would become something else than Ethernet */
		return ivm_port_get_rtnl(dev) ? NOTIFY_BAD : NOTIFY_DONE;
	default:
		return NOTIFY_DONE;
	}
}

static struct notifier_block netdev_block = { .notifier_call = on_netdev_event };

int ivm_net_init(void)
{
	int err;

	err = register_netdevice_notifier(&netdev_block);
	if (err)
		return err;
	err = rtnl_link_register(&ivm_nic_link_ops);
	if (err)
		goto err_notifier;
	err = rtnl_link_register(&ivm_switch_link_ops);
	if (err)
		goto err_nic;
	ivm_net_seed_init();
	return 0;
err_nic:
	rtnl_link_unregister(&ivm_nic_link_ops);
err_notifier:
	unregister_netdevice_notifier(&netdev_block);
	return err;
}

void ivm_net_exit(void)
{
	ivm_net_seed_exit();
	rtnl_link_unregister(&ivm_switch_link_ops);
	rtnl_link_unregister(&ivm_nic_link_ops);
	unregister_netdevice_notifier(&netdev_block);
}
