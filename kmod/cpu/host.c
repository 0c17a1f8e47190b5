// SPDX-License-Identifier: GPL-2.0-only
#include "host.h"
#include "cpu.h"
#include "../why.h"

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <asm/reboot.h>

static bool nested_paging = true;
module_param(nested_paging, bool, 0444);
MODULE_PARM_DESC(nested_paging, "guests run on second-stage page tables (default, where the CPU walks them); 0: on shadow tables");

const struct ivm_cpu_ops *ivm_backend __ro_after_init;

DEFINE_STATIC_CALL_NULL(ivm_backend_enter, ivm_backend_enter_type);
DEFINE_STATIC_CALL_NULL(ivm_backend_get_code, ivm_backend_get_code_type);
DEFINE_STATIC_CALL_NULL(ivm_backend_advance, ivm_backend_advance_type);

static struct ivm_why host_why_none;		/* constant after init: why */

static DEFINE_MUTEX(host_lock);			/* inside cpus_read_lock() */
static unsigned int host_users;			/* by host_lock; also read by hotplug callbacks, which exclude it */
static enum cpuhp_state host_hotplug;
static DEFINE_PER_CPU(bool, host_on);		/* written on its CPU, interrupts off */

bool ivm_cpu_host_nested(void)
{
	return nested_paging;
}

static int host_here_on(void)
{
	unsigned long flags;
	int err;

	local_irq_save(flags);
	err = ivm_backend->cpu_on();
	if (!err)
		this_cpu_write(host_on, true);
	local_irq_restore(flags);
	return err;
}

static void host_here_off(void)
{
	unsigned long flags;

	local_irq_save(flags);
	this_cpu_write(host_on, false);
	ivm_backend->cpu_off();
	local_irq_restore(flags);
}

static void host_ipi_on(void *refused)
{
	if (host_here_on())
		atomic_set(refused, smp_processor_id() + 1);
}

static void host_ipi_off(void *unused)
{
	host_here_off();
}

/* A CPU that comes up while VMs exist must be ours too, or it stays down: no vCPU may find it without the extension. */
static int host_cpu_up(unsigned int cpu)
{
	int err;

	if (!READ_ONCE(host_users))
		return 0;
	err = host_here_on();
	if (err)
		pr_err("ivm: CPU %u: another hypervisor holds %s here, the CPU cannot come up while VMs run\n",
		       cpu, ivm_backend->name);
	return err;
}

static int host_cpu_down(unsigned int cpu)
{
	if (READ_ONCE(host_users))
		host_here_off();
	return 0;
}

/* Runs on every CPU on the way to a crash kernel, and on emergency restart. */
static void host_emergency(void)
{
	this_cpu_write(host_on, false);
	ivm_backend->cpu_off();
}

/* Modules that are known to take the extension, and how each lets go of it. */
static const struct {
	const char *module, *remedy;
} host_holders[] = {
	{ "kvm_amd", "stop its virtual machines, or run: modprobe -r kvm_amd (from Linux 6.12 on kvm takes it at load, unless kvm.enable_virt_at_load=0)" },
	{ "kvm_intel", "stop its virtual machines, or run: modprobe -r kvm_intel (from Linux 6.12 on kvm takes it at load, unless kvm.enable_virt_at_load=0)" },
	{ "vboxdrv", "stop VirtualBox's virtual machines, or run: modprobe -r vboxdrv" },
	{ "vmmon", "stop VMware's virtual machines, or run: modprobe -r vmmon" },
};

static int host_held(int cpu, struct ivm_why *why)
{
	struct kset *modules = THIS_MODULE->mkobj.kobj.kset;
	struct kobject *found;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(host_holders); i++) {
		found = modules ? kset_find_obj(modules, host_holders[i].module) : NULL;
		if (!found)
			continue;
		kobject_put(found);
		return ivm_why(why, 0, -EBUSY, "%s is held by %s (CPU %d): %s", ivm_backend->name,
			       host_holders[i].module, cpu, host_holders[i].remedy);
	}
	return ivm_why(why, 0, -EBUSY,
		       "%s is held by another hypervisor (CPU %d), whose module is not known: unload it",
		       ivm_backend->name, cpu);
}

static int host_no_backend(struct ivm_why *why)
{
	if (why)
		*why = host_why_none;
	return -ENODEV;
}

int ivm_cpu_host_get(struct ivm_why *why)
{
	atomic_t refused = ATOMIC_INIT(0);
	int err = 0;

	if (!ivm_backend)
		return host_no_backend(why);
	cpus_read_lock();
	mutex_lock(&host_lock);
	if (!host_users) {
		on_each_cpu(host_ipi_on, &refused, 1);
		if (atomic_read(&refused)) {
			on_each_cpu(host_ipi_off, NULL, 1);
			err = host_held(atomic_read(&refused) - 1, why);
		}
	}
	if (!err)
		host_users++;
	mutex_unlock(&host_lock);
	cpus_read_unlock();
	return err;
}

void ivm_cpu_host_put(void)
{
	cpus_read_lock();
	mutex_lock(&host_lock);
	if (!--host_users)
		on_each_cpu(host_ipi_off, NULL, 1);
	mutex_unlock(&host_lock);
	cpus_read_unlock();
}

static void host_ipi_free(void *refused)
{
	if (ivm_backend->cpu_free())
		atomic_set(refused, smp_processor_id() + 1);
}

int ivm_cpu_host_try(struct ivm_why *why)
{
	atomic_t refused = ATOMIC_INIT(0);

	if (!ivm_backend)
		return host_no_backend(why);
	on_each_cpu(host_ipi_free, &refused, 1);
	return atomic_read(&refused) ? host_held(atomic_read(&refused) - 1, why) : 0;
}

bool ivm_cpu_host_here(void)
{
	return this_cpu_read(host_on);
}

int __init ivm_cpu_host_init(void)
{
	int err;

	if (ivm_svm_ops.probe(&host_why_none))
		return 0;
	nested_paging &= ivm_svm_ops.has_nested();
	err = ivm_svm_ops.init();
	if (err)
		return err;
	err = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "ivm/cpu:online", host_cpu_up, host_cpu_down);
	if (err < 0)
		goto err_ops;
	host_hotplug = err;
	static_call_update(ivm_backend_enter, ivm_svm_ops.enter);
	static_call_update(ivm_backend_get_code, ivm_svm_ops.get_code);
	static_call_update(ivm_backend_advance, ivm_svm_ops.advance);
	ivm_backend = &ivm_svm_ops;
	cpu_emergency_register_virt_callback(host_emergency);
	return 0;
err_ops:
	ivm_svm_ops.exit();
	return err;
}

void ivm_cpu_host_exit(void)
{
	if (!ivm_backend)
		return;
	cpu_emergency_unregister_virt_callback(host_emergency);
	cpuhp_remove_state_nocalls(host_hotplug);
	ivm_backend->exit();
}
