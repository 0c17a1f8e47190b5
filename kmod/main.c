// SPDX-License-Identifier: GPL-2.0-only
/* The subsystems, up in order and down in reverse; the doors for users open last and close first. */
#include "cpu/fpu.h"
#include "cpu/host.h"
#include "ctl/ctl.h"
#include "mem/mem.h"
#include "net/net.h"
#include "sched/sched.h"
#include "vm/vm.h"

#include <linux/module.h>

#define CREATE_TRACE_POINTS
#include "trace.h"

static int __init ivm_init(void)
{
	int err;

	ivm_fpu_init();
	err = ivm_cpu_host_init();
	if (err)
		return err;
	err = ivm_mem_init();
	if (err)
		goto err_cpu;
	err = ivm_gangs_init();
	if (err)
		goto err_mem;
	err = ivm_cores_init();
	if (err)
		goto err_gangs;
	err = ivm_net_init();
	if (err)
		goto err_cores;
	err = ivm_vm_init();
	if (err)
		goto err_net;
	err = ivm_netlink_init();
	if (err)
		goto err_vm;
	err = ivm_chardev_init();
	if (err)
		goto err_netlink;
	return 0;
err_netlink:
	ivm_netlink_exit();
err_vm:
	ivm_vm_exit();
err_net:
	ivm_net_exit();
err_cores:
	ivm_cores_exit();
err_gangs:
	ivm_gangs_exit();
err_mem:
	ivm_mem_exit();
err_cpu:
	ivm_cpu_host_exit();
	return err;
}

static void __exit ivm_exit(void)
{
	ivm_chardev_exit();
	ivm_netlink_exit();
	ivm_vm_exit();
	ivm_net_exit();
	ivm_smt_exit();
	ivm_cores_exit();
	ivm_gangs_exit();
	ivm_mem_exit();
	ivm_cpu_host_exit();
}

module_init(ivm_init);
module_exit(ivm_exit);

MODULE_DESCRIPTION("IVM: virtual machines and virtual switches, isolated");
MODULE_LICENSE("GPL");
MODULE_VERSION(IVM_VERSION);
