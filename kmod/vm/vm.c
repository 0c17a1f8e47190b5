// SPDX-License-Identifier: GPL-2.0-only
/* The VM object: creation, the list of all, references, wishes and events. */
#include "priv.h"
#include "../dev/dev.h"
#include "../mem/mem.h"
#include "../sched/sched.h"

#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/reboot.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/suspend.h>
#include <linux/timekeeping.h>
#include <net/net_namespace.h>

struct workqueue_struct *ivm_vm_queue;

static DEFINE_MUTEX(vms_lock);
static LIST_HEAD(vms);		/* by vms_lock, ascending id; holds a reference of each */
static u32 vms_last_id;		/* by vms_lock */

static DECLARE_RWSEM(listener_lock);
static void (*listener)(const struct ivm_event *event);	/* by listener_lock */

/* ---- events ---- */

void ivm_vm_set_listener(void (*new_listener)(const struct ivm_event *event))
{
	down_write(&listener_lock);
	listener = new_listener;
	up_write(&listener_lock);
}

void ivm_vm_notify_event(const struct ivm_event *event)
{
	down_read(&listener_lock);
	if (listener)
		listener(event);
	up_read(&listener_lock);
}

void ivm_vm_notify(struct ivm_vm *vm, u32 type)
{
	struct ivm_event *event = kzalloc(sizeof(*event), GFP_KERNEL);

	if (!event) {
		ivm_vm_notify_event(NULL);	/* listeners see the state at their next look */
		return;
	}
	event->type = type;
	event->id = vm->id;
	event->time_ns = ktime_get_real_ns();
	event->state = vm->state;
	event->stop_reason = vm->stopped.reason;
	event->stop_code = vm->stopped.code;
	strscpy(event->name, vm->config.name, sizeof(event->name));
	strscpy(event->text, vm->stopped.text, sizeof(event->text));
	ivm_vm_notify_event(event);
	kfree(event);
}

void ivm_vm_set_state(struct ivm_vm *vm, u32 state)
{
	WRITE_ONCE(vm->state, state);
	ivm_vm_notify(vm, IVM_EVENT_STATE);
}

/* ---- references ---- */

/* A VM that is over keeps no network namespace alive. */
void ivm_vm_put_net(struct ivm_vm *vm)
{
	if (vm->config.net)
		put_net(vm->config.net);
	vm->config.net = NULL;
}

static void vm_free(struct kref *ref)
{
	struct ivm_vm *vm = container_of(ref, struct ivm_vm, ref);

	ivm_vm_put_net(vm);
	ivm_console_put(vm->console);
	ivm_manifest_free(vm->manifest);
	kfree(vm->seals);
	kfree(vm->config.nics);
	kfree(vm);
}

void ivm_vm_put(struct ivm_vm *vm)
{
	kref_put(&vm->ref, vm_free);
}

struct ivm_vm *ivm_vm_find(const char *name)
{
	struct ivm_vm *vm;

	mutex_lock(&vms_lock);
	list_for_each_entry(vm, &vms, node) {
		if (strcmp(vm->config.name, name))
			continue;
		kref_get(&vm->ref);
		mutex_unlock(&vms_lock);
		return vm;
	}
	mutex_unlock(&vms_lock);
	return NULL;
}

struct ivm_vm *ivm_vm_after(u32 after)
{
	struct ivm_vm *vm;

	mutex_lock(&vms_lock);
	list_for_each_entry(vm, &vms, node) {
		if (vm->id <= after)
			continue;
		kref_get(&vm->ref);
		mutex_unlock(&vms_lock);
		return vm;
	}
	mutex_unlock(&vms_lock);
	return NULL;
}

struct ivm_console *ivm_vm_console(struct ivm_vm *vm)
{
	ivm_console_get(vm->console);
	return vm->console;
}

/* ---- wishes of vCPU threads ---- */

void ivm_vm_wish_stop(struct ivm_vm *vm, u32 reason, u64 code, const char *text)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vm->wish_lock, flags);
	if (!test_bit(IVM_WISH_STOP, &vm->wish)) {
		vm->wish_stop.reason = reason;
		vm->wish_stop.code = code;
		strscpy(vm->wish_stop.text, text, sizeof(vm->wish_stop.text));
		set_bit(IVM_WISH_STOP, &vm->wish);
	}
	raw_spin_unlock_irqrestore(&vm->wish_lock, flags);
	ivm_vcpu_park_soon(vm);
	queue_work(ivm_vm_queue, &vm->work);
}

void ivm_vm_wish_reset(struct ivm_vm *vm)
{
	set_bit(IVM_WISH_RESET, &vm->wish);
	ivm_vcpu_park_soon(vm);
	queue_work(ivm_vm_queue, &vm->work);
}

/* ---- creation and deletion ---- */

static int vm_check_name(const char *name, struct ivm_why *why)
{
	size_t i, len = strnlen(name, IVM_NAME_MAX + 1);

	if (!len || len > IVM_NAME_MAX)
		return ivm_why(why, IVM_A_NAME, -EINVAL, "a name has 1 to %d bytes", IVM_NAME_MAX);
	for (i = 0; i < len; i++)
		if (!isascii(name[i]) || !(isalnum(name[i]) || (i && strchr("._-", name[i]))))
			return ivm_why(why, IVM_A_NAME, -EINVAL,
				       "byte %zu of the name is not allowed: letters and digits, after the first also . _ -",
				       i + 1);
	return 0;
}

static int vm_check_config(const struct ivm_vm_config *config, struct ivm_why *why)
{
	u16 pins[IVM_VCPUS_MAX];	/* looked at when it starts */
	u32 cores = ivm_cores_count();
	int err = vm_check_name(config->name, why);

	if (err)
		return err;
	if (!config->vcpus || config->vcpus > IVM_VCPUS_MAX)
		return ivm_why(why, IVM_A_VCPUS, -EINVAL, "%u vCPUs: a VM has 1 to %d", config->vcpus, IVM_VCPUS_MAX);
	if (config->vcpus > cores)
		return ivm_why(why, IVM_A_VCPUS, -E2BIG,
			       "%u vCPUs need %u physical cores of their own, IVM has %u", config->vcpus,
			       config->vcpus, cores);
	if (config->memory < IVM_MEMORY_MIN || config->memory > IVM_MEMORY_MAX ||
	    config->memory % IVM_MEMORY_ALIGN)
		return ivm_why(why, IVM_A_MEMORY, -EINVAL,
			       "%llu bytes of memory: a VM has a multiple of %llu, from %llu to %llu", config->memory,
			       IVM_MEMORY_ALIGN, IVM_MEMORY_MIN, IVM_MEMORY_MAX);
	err = ivm_memory_check(config, why);
	if (err)
		return err;
	if (config->debug_exit > 0xfffc)
		return ivm_why(why, IVM_A_DEBUG_EXIT, -EINVAL, "debug-exit %#x: four ports do not fit from there on",
			       config->debug_exit);
	if (config->pinned) {
		err = ivm_affinity_parse(config->affinity, config->vcpus, pins, why);
		if (err)
			return err;
	}
	err = ivm_shares_check(&config->shares, why);
	if (err)
		return err;
	return ivm_cards_check(config, why);
}

static struct ivm_vm *vm_alloc(const struct ivm_vm_config *config)
{
	struct ivm_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL);
	struct ivm_vm_nic *nics = NULL;
	struct ivm_console *console;

	if (!vm)
		return NULL;
	if (config->nr_nics) {
		nics = kmemdup(config->nics, array_size(config->nr_nics, sizeof(*nics)), GFP_KERNEL);
		if (!nics)
			goto err_vm;
	}
	console = ivm_console_create();
	if (IS_ERR(console))
		goto err_nics;
	kref_init(&vm->ref);
	vm->config = *config;
	vm->config.nics = nics;
	vm->config.net = nics ? get_net(config->net) : NULL;
	vm->console = console;
	vm->state = IVM_VM_CREATED;
	mutex_init(&vm->life);
	mutex_init(&vm->cards_lock);
	mutex_init(&vm->parts);
	raw_spin_lock_init(&vm->wish_lock);
	init_waitqueue_head(&vm->park_wait);
	INIT_WORK(&vm->work, ivm_vm_work);
	INIT_DELAYED_WORK(&vm->memory.work, ivm_memory_work);
	return vm;
err_nics:
	kfree(nics);
err_vm:
	kfree(vm);
	return NULL;
}

/* The name is free, or belongs to a VM that is over and can make room. */
static int vm_publish(struct ivm_vm *vm, struct ivm_why *why)
{
	struct ivm_vm *other;

	mutex_lock(&vms_lock);
	list_for_each_entry(other, &vms, node) {
		if (strcmp(other->config.name, vm->config.name))
			continue;
		mutex_unlock(&vms_lock);
		return ivm_why(why, IVM_A_NAME, -EEXIST, "a VM with this name exists already: delete it first");
	}
	vm->id = ++vms_last_id;
	list_add_tail(&vm->node, &vms);
	mutex_unlock(&vms_lock);
	return 0;
}

int ivm_vm_create(const struct ivm_vm_config *config, u32 *id, struct ivm_why *why)
{
	struct ivm_vm *vm;
	int err;

	err = vm_check_config(config, why);
	if (err)
		return err;
	err = ivm_cpu_host_try(why);
	if (err)
		return err;
	vm = vm_alloc(config);
	if (!vm)
		return ivm_why(why, 0, -ENOMEM, "not enough kernel memory");
	__module_get(THIS_MODULE);	/* until it is stopped or deleted; the caller's door keeps us here now */
	err = vm_publish(vm, why);
	if (err) {
		module_put(THIS_MODULE);
		ivm_vm_put(vm);
		return err;
	}
	*id = vm->id;
	ivm_vm_notify(vm, IVM_EVENT_STATE);
	return 0;
}

/* Off the list; what still refers to it ends by itself. */
static void vm_unlink(struct ivm_vm *vm)
{
	mutex_lock(&vms_lock);
	list_del(&vm->node);
	mutex_unlock(&vms_lock);
	/* A wish may be queued: it finds the VM gone, but needs it alive. */
	cancel_work_sync(&vm->work);
	cancel_delayed_work_sync(&vm->memory.work);
	ivm_vm_put(vm);
}

int ivm_vm_delete(struct ivm_vm *vm, struct ivm_why *why)
{
	mutex_lock(&vm->life);
	if (vm->state == 0) {
		mutex_unlock(&vm->life);
		return ivm_why(why, IVM_A_NAME, -ENOENT, "the VM was deleted meanwhile");
	}
	if (vm->state != IVM_VM_CREATED && vm->state != IVM_VM_LOADED && vm->state != IVM_VM_STOPPED) {
		mutex_unlock(&vm->life);
		return ivm_why(why, IVM_A_NAME, -EBUSY, "the VM runs: stop it first");
	}
	if (!vm->gone)
		module_put(THIS_MODULE);
	vm->gone = true;
	ivm_vm_put_net(vm);
	ivm_vm_notify(vm, IVM_EVENT_DELETED);
	vm->state = 0;		/* no state: every operation that raced with us is refused */
	ivm_console_hangup(vm->console, true);
	mutex_unlock(&vm->life);
	vm_unlink(vm);
	return 0;
}

int ivm_vm_load(struct ivm_vm *vm, struct ivm_manifest *manifest, struct ivm_why *why)
{
	struct ivm_seal *seals;
	int err;

	err = ivm_boot_check(vm, manifest, why);
	if (err)
		return err;
	seals = ivm_boot_seal(manifest);
	if (IS_ERR(seals))
		return ivm_why(why, 0, PTR_ERR(seals), "not enough kernel memory");
	mutex_lock(&vm->life);
	if (vm->state != IVM_VM_CREATED && vm->state != IVM_VM_LOADED) {
		mutex_unlock(&vm->life);
		kfree(seals);
		return ivm_why(why, IVM_A_NAME, -EBUSY, "the manifest was sealed when the VM started");
	}
	ivm_manifest_free(vm->manifest);
	kfree(vm->seals);
	vm->manifest = manifest;
	vm->seals = seals;
	ivm_vm_set_state(vm, IVM_VM_LOADED);
	mutex_unlock(&vm->life);
	return 0;
}

/* ---- the host goes down ---- */

static void vm_stop_all(const char *text)
{
	struct ivm_wish_stop stop = { .reason = IVM_STOP_HOST };
	struct ivm_vm *vm;
	u32 after = 0;

	strscpy(stop.text, text, sizeof(stop.text));
	while ((vm = ivm_vm_after(after))) {
		after = vm->id;
		mutex_lock(&vm->life);
		if (!vm->gone)
			ivm_vm_halt(vm, &stop);
		mutex_unlock(&vm->life);
		ivm_vm_put(vm);
	}
}

/* Reboot, halt and kexec: no CPU may be left with the extension on. */
static int vm_reboot(struct notifier_block *nb, unsigned long action, void *unused)
{
	vm_stop_all("the host goes down");
	return NOTIFY_DONE;
}

static struct notifier_block vm_reboot_notifier = { .notifier_call = vm_reboot };

/* Suspended guests would wake up with a TSC that jumped and devices that slept: refused while any runs. */
static int vm_suspend(struct notifier_block *nb, unsigned long action, void *unused)
{
	struct ivm_vm *vm;
	bool any = false;

	if (action != PM_SUSPEND_PREPARE && action != PM_HIBERNATION_PREPARE)
		return NOTIFY_DONE;
	mutex_lock(&vms_lock);
	list_for_each_entry(vm, &vms, node)
		any |= READ_ONCE(vm->state) >= IVM_VM_STARTING && READ_ONCE(vm->state) <= IVM_VM_PAUSED;
	mutex_unlock(&vms_lock);
	if (!any)
		return NOTIFY_DONE;
	pr_notice("ivm: the host cannot sleep while VMs run: stop them first\n");
	return notifier_from_errno(-EBUSY);
}

static struct notifier_block vm_suspend_notifier = { .notifier_call = vm_suspend };

int __init ivm_vm_init(void)
{
	int err;

	/* Bound to no CPU, and with a rescuer: stopping a VM must work when memory is short. */
	ivm_vm_queue = alloc_workqueue("ivm-vm", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!ivm_vm_queue)
		return -ENOMEM;
	err = register_reboot_notifier(&vm_reboot_notifier);
	if (err)
		goto err_queue;
	err = register_pm_notifier(&vm_suspend_notifier);
	if (err)
		goto err_reboot;
	return 0;
err_reboot:
	unregister_reboot_notifier(&vm_reboot_notifier);
err_queue:
	destroy_workqueue(ivm_vm_queue);
	return err;
}

/* Only VMs that are over are left: every other one holds the module. */
void ivm_vm_exit(void)
{
	struct ivm_vm *vm;

	unregister_pm_notifier(&vm_suspend_notifier);
	unregister_reboot_notifier(&vm_reboot_notifier);
	while ((vm = ivm_vm_after(0))) {
		vm_unlink(vm);
		ivm_vm_put(vm);
	}
	destroy_workqueue(ivm_vm_queue);
}
