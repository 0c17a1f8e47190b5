// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a VM: what each change of state takes and gives.
 *
 *   created --load--> loaded --start--> (starting) --> running <--> paused
 *                                                         |           |
 *                                                         +--> stopped <+
 *
 * A stopped VM holds no memory, no thread and not the module; only its name,
 * its console's last output and the reason why it stopped.
 */
#include "priv.h"
#include "../cpu/fpu.h"
#include "../dev/dev.h"
#include "../mem/mem.h"
#include "../sched/sched.h"

#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <asm/tsc.h>

/* Scrubbing and loading is work of the host's: a guest that resets in a loop gets ten a second, not more. */
#define RESET_INTERVAL	(HZ / 10)

static const char * const state_names[] = {
	[IVM_VM_CREATED] = "created",
	[IVM_VM_LOADED] = "loaded",
	[IVM_VM_STARTING] = "starting",
	[IVM_VM_RUNNING] = "running",
	[IVM_VM_PAUSED] = "paused",
	[IVM_VM_STOPPED] = "stopped",
};

static int life_refuse(struct ivm_vm *vm, struct ivm_why *why, const char *needs)
{
	return ivm_why(why, IVM_A_NAME, -EBUSY, "the VM is %s, this needs it to be %s",
		       state_names[vm->state], needs);
}

/* ---- parts ---- */

/* @lacks: the floor that its VM was promised cannot be met there, but for @most. */
static void life_tell_moved(struct ivm_vm *vm, unsigned int index, int cpu, bool lacks, u32 most)
{
	struct ivm_event *event = kzalloc(sizeof(*event), GFP_KERNEL);

	if (!event) {
		ivm_vm_notify_event(NULL);	/* "vm show" has it */
		return;
	}
	event->type = IVM_EVENT_MOVED;
	event->id = vm->id;
	event->time_ns = ktime_get_real_ns();
	event->state = READ_ONCE(vm->state);
	strscpy(event->name, vm->config.name, sizeof(event->name));
	event->has_vcpu = true;
	event->vcpu = index;
	event->cpu = cpu;
	if (cpu < 0)
		strscpy(event->text, "no core is left for it: it waits", sizeof(event->text));
	else if (lacks)
		snprintf(event->text, sizeof(event->text),
			 "the floors of all VMs there cannot be met: %u.%u %% of a core are left for its own", most / 10, most % 10);
	ivm_vm_notify_event(event);
	kfree(event);
}

static void life_moved(void *ctx, unsigned int index, int cpu)
{
	struct ivm_vm *vm = ctx;
	bool lacks = false;
	u32 most = 0;

	mutex_lock(&vm->parts);
	vm->assigned[index] = cpu;
	if (vm->gang) {
		ivm_gang_move(vm->gang, index, cpu);
		lacks = ivm_gang_lacks(vm->gang, &most);
	}
	if (vm->vcpu[index])
		ivm_vcpu_move(vm->vcpu[index], cpu);
	mutex_unlock(&vm->parts);
	life_tell_moved(vm, index, cpu, lacks, most);
}

static const struct ivm_sched_ops life_sched_ops = { .moved = life_moved };

/* What happened is still of interest when the VM is over. */
static void life_keep_counts(struct ivm_vm *vm, const struct ivm_vcpu *vcpu)
{
	unsigned int i;

	for (i = 0; i < IVM_EXIT_REASONS; i++)
		vm->past_exits[i] += vcpu->exits[i];
	for (i = 0; i < IVM_COUNT_NR; i++)
		vm->past_count[i] += vcpu->count[i];
}

/*
 * Give back all that a running VM has; accepts any half-built state. Who may
 * still hold what, in this order: vCPU threads (parked, then ended), timers
 * (frozen), network cards, which senders on the host write to, and console
 * writers through the UART (destroyed), hotplug through the placement
 * (released). Then memory, which nobody can reach any more.
 */
static void life_take_apart(struct ivm_vm *vm)
{
	struct ivm_space *space = vm->space;
	struct ivm_vcpu *vcpu[IVM_VCPUS_MAX];
	struct ivm_gang *gang = vm->gang;
	unsigned int i, nr = vm->nr_vcpus;

	for (i = 0; i < nr; i++)
		if (vm->vcpu[i]->task)
			ivm_vcpu_kick(vm->vcpu[i], IVM_REQ_PARK);
	for (i = 0; i < nr; i++)
		if (vm->vcpu[i]->task)
			wait_event(vm->park_wait, smp_load_acquire(&vm->vcpu[i]->parked));
	if (vm->irq)
		ivm_irqchip_freeze(vm->irq);
	ivm_platform_destroy(vm->platform);
	vm->platform = NULL;
	ivm_cores_release(vm->placement);
	vm->placement = NULL;
	for (i = 0; i < nr; i++)
		ivm_vcpu_join(vm->vcpu[i]);
	if (vm->siblings_held)
		ivm_smt_put();
	vm->siblings_held = false;
	ivm_irqchip_destroy(vm->irq);
	vm->irq = NULL;

	mutex_lock(&vm->parts);
	for (i = 0; i < nr; i++)
		life_keep_counts(vm, vm->vcpu[i]);
	memcpy(vcpu, vm->vcpu, sizeof(vcpu));
	memset(vm->vcpu, 0, sizeof(vm->vcpu));
	vm->nr_vcpus = 0;
	vm->space = NULL;
	if (gang)
		ivm_gang_info(gang, &vm->past_gang);
	vm->gang = NULL;
	mutex_unlock(&vm->parts);

	for (i = 0; i < nr; i++)
		ivm_vcpu_destroy(vcpu[i]);
	ivm_gang_destroy(gang);
	ivm_cpuid_destroy(vm->cpuid);
	vm->cpuid = NULL;
	ivm_space_destroy(space);
	if (vm->host_held)
		ivm_cpu_host_put();
	vm->host_held = false;
	atomic64_set(&vm->ready, 0);
}

/* The cores of the vCPUs, which nothing else shares, and their part of them. */
static int life_cores(struct ivm_vm *vm, struct ivm_why *why)
{
	const char *affinity = vm->config.affinity;
	u16 pins[IVM_VCPUS_MAX];
	struct ivm_gang *gang;
	unsigned int i;
	int err;

	if (vm->config.pinned) {
		err = ivm_affinity_parse(affinity, vm->config.vcpus, pins, why);
		if (err)
			return err;
	}
	err = ivm_smt_get(why);
	if (err)
		return err;
	vm->siblings_held = true;
	vm->placement = ivm_cores_place(vm->config.vcpus, vm->config.shares.floor, vm->config.pinned ? pins : NULL,
					vm->assigned, &life_sched_ops, vm, why);
	if (IS_ERR(vm->placement)) {
		err = PTR_ERR(vm->placement);
		vm->placement = NULL;
		return err;
	}
	gang = ivm_gang_create(vm->config.name, vm->config.vcpus, vm->assigned, &vm->config.shares, &ivm_vcpu_gang_ops,
			       vm, why);
	if (IS_ERR(gang))
		return PTR_ERR(gang);
	mutex_lock(&vm->parts);
	vm->gang = gang;
	for (i = 0; i < vm->config.vcpus; i++)
		ivm_gang_move(gang, i, vm->assigned[i]);	/* they may have moved meanwhile */
	mutex_unlock(&vm->parts);
	return 0;
}

static int life_vcpus(struct ivm_vm *vm, struct ivm_why *why)
{
	struct ivm_vcpu *vcpu;
	unsigned int i;
	int err;

	err = life_cores(vm, why);
	if (err)
		return err;
	for (i = 0; i < vm->config.vcpus; i++) {
		vcpu = ivm_vcpu_create(vm, i);
		if (IS_ERR(vcpu))
			return ivm_why(why, 0, PTR_ERR(vcpu), "vCPU %u: not enough kernel memory", i);
		mutex_lock(&vm->parts);
		vcpu->assigned_cpu = vm->assigned[i];
		vm->vcpu[i] = vcpu;
		vm->nr_vcpus = i + 1;
		mutex_unlock(&vm->parts);
		err = ivm_vcpu_spawn(vcpu);
		if (err)
			return ivm_why(why, 0, err, "vCPU %u: its thread cannot be made (error %d)", i, err);
	}
	return 0;
}

static int life_put_together(struct ivm_vm *vm, struct ivm_why *why)
{
	const struct ivm_cpu_ops *ops;
	struct ivm_space *space;
	int err;

	err = ivm_cpu_host_get(why);
	if (err)
		return err;
	vm->host_held = true;
	ops = ivm_backend;

	space = ivm_space_create(vm->id, ops->s2_format());
	if (IS_ERR(space))
		return ivm_why(why, 0, PTR_ERR(space), "not enough kernel memory for page tables");
	mutex_lock(&vm->parts);
	vm->space = space;
	mutex_unlock(&vm->parts);
	err = ivm_space_populate(space, vm->config.memory, ivm_memory_room(vm), &vm->ready, why);
	if (err)
		return err;

	vm->cpuid = ivm_cpuid_create(vm->config.vcpus, tsc_khz, ivm_fpu_xcr0_allowed(), !ivm_cpu_host_nested());
	if (IS_ERR(vm->cpuid)) {
		err = PTR_ERR(vm->cpuid);
		vm->cpuid = NULL;
		return ivm_why(why, 0, err, "not enough kernel memory");
	}
	vm->cr4_allowed = ivm_cpuid_cr4_allowed(vm->cpuid);
	vm->efer_allowed = ivm_cpuid_efer_allowed(vm->cpuid);
	vm->irq = ivm_irqchip_create(vm->config.vcpus, tsc_khz, &ivm_vcpu_irq_ops, vm);
	if (IS_ERR(vm->irq)) {
		err = PTR_ERR(vm->irq);
		vm->irq = NULL;
		return ivm_why(why, 0, err, "not enough kernel memory");
	}
	err = life_vcpus(vm, why);
	if (err)
		return err;
	vm->platform = ivm_platform_create(vm, why);
	if (IS_ERR(vm->platform)) {
		err = PTR_ERR(vm->platform);
		vm->platform = NULL;
		return err;
	}
	return ivm_boot_replay(vm, why);
}

/* ---- time ---- */

static void life_run(struct ivm_vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++)
		ivm_backend->set_tsc_offset(&vm->vcpu[i]->cpu, vm->tsc_offset);
	ivm_irqchip_thaw(vm->irq, vm->tsc_offset);
	vm->running_since = ktime_get_boottime_ns();
	ivm_vcpu_unpark(vm);
}

static void life_rest(struct ivm_vm *vm)
{
	ivm_vcpu_park(vm);
	ivm_irqchip_freeze(vm->irq);
	vm->paused_tsc = ivm_clock_guest_tsc(vm);
	if (vm->state == IVM_VM_RUNNING)
		vm->run_ns += ktime_get_boottime_ns() - vm->running_since;
}

/* ---- changes of state ---- */

int ivm_vm_start(struct ivm_vm *vm, struct ivm_why *why)
{
	int err;

	mutex_lock(&vm->life);
	if (vm->state != IVM_VM_LOADED || vm->gone) {
		err = vm->state == IVM_VM_CREATED ?
		      ivm_why(why, IVM_A_NAME, -ENODATA, "the VM has no boot manifest yet: load one first") :
		      life_refuse(vm, why, "loaded");
		goto out;
	}
	ivm_vm_set_state(vm, IVM_VM_STARTING);
	err = life_put_together(vm, why);
	if (err) {
		life_take_apart(vm);
		ivm_vm_set_state(vm, IVM_VM_LOADED);
		goto out;
	}
	ivm_console_hangup(vm->console, false);
	vm->started_ns = ktime_get_real_ns();
	vm->tsc_offset = -rdtsc();
	ivm_vm_set_state(vm, IVM_VM_RUNNING);
	life_run(vm);
out:
	mutex_unlock(&vm->life);
	return err;
}

/**
 * ivm_vm_halt() - the end: everything is given back, the reason kept
 * @vm:   not gone yet
 * @stop: the reason
 *
 * Context: vm->life held, !vm->gone. May sleep, long: memory is scrubbed.
 */
void ivm_vm_halt(struct ivm_vm *vm, const struct ivm_wish_stop *stop)
{
	lockdep_assert_held(&vm->life);
	if (vm->state == IVM_VM_RUNNING)
		vm->run_ns += ktime_get_boottime_ns() - vm->running_since;
	vm->stopped = *stop;
	life_take_apart(vm);
	ivm_manifest_free(vm->manifest);
	vm->manifest = NULL;
	kfree(vm->seals);
	vm->seals = NULL;
	ivm_console_hangup(vm->console, true);
	vm->gone = true;
	ivm_vm_put_net(vm);
	ivm_vm_set_state(vm, IVM_VM_STOPPED);
	module_put(THIS_MODULE);
}

int ivm_vm_stop(struct ivm_vm *vm, struct ivm_why *why)
{
	static const struct ivm_wish_stop stop = {
		.reason = IVM_STOP_OPERATOR,
	};
	int err = 0;

	mutex_lock(&vm->life);
	if (vm->gone)
		err = ivm_why(why, IVM_A_NAME, -EALREADY, "the VM is stopped already");
	else
		ivm_vm_halt(vm, &stop);
	mutex_unlock(&vm->life);
	return err;
}

/* Shares of a VM that is not deleted. All or nothing. */
static int life_set_shares(struct ivm_vm *vm, const struct ivm_vm_change *change, struct ivm_why *why)
{
	struct ivm_shares shares = vm->config.shares;
	int err;

	if (change->floor)
		shares.floor = *change->floor;
	if (change->cap)
		shares.cap = *change->cap;
	if (change->cosched)
		shares.cosched = *change->cosched;
	err = ivm_shares_check(&shares, why);
	if (!err && vm->gang)
		err = ivm_gang_set(vm->gang, &shares, why);
	if (err)
		return err;
	if (vm->gang)
		ivm_cores_weigh(vm->placement, shares.floor);
	mutex_lock(&vm->parts);
	vm->config.shares = shares;
	mutex_unlock(&vm->parts);
	return 0;
}

/**
 * ivm_vm_set() - change what the VM is entitled to: shares in any state, memory while it runs or is paused
 * @vm:     the VM
 * @change: what
 * @why:    filled on refusal
 *
 * Memory follows as its guest obeys: see ivm_vm_info().
 *
 * Context: may sleep, for as long as the VM starts or stops.
 * Return: 0; -EINVAL out of range; -EBUSY when the floors of all VMs that run
 * could not be met, or it does not run; -EPERM its memory is fixed; -ENOMEM
 * the host lacks memory; -ENOENT when it was deleted. Nothing is changed then.
 */
int ivm_vm_set(struct ivm_vm *vm, const struct ivm_vm_change *change, struct ivm_why *why)
{
	int err;

	mutex_lock(&vm->life);
	if (!vm->state)
		err = ivm_why(why, IVM_A_NAME, -ENOENT, "the VM was deleted meanwhile");
	else
		err = ivm_memory_set_check(vm, change, why);
	if (!err)
		err = ivm_memory_reserve(vm, change, why);
	if (!err) {
		err = life_set_shares(vm, change, why);
		if (err)
			ivm_memory_unreserve(vm);
		else
			ivm_memory_set(vm, change);
	}
	mutex_unlock(&vm->life);
	return err;
}

int ivm_vm_power_button(struct ivm_vm *vm, struct ivm_why *why)
{
	int err = 0;

	mutex_lock(&vm->life);
	if (vm->state != IVM_VM_RUNNING)
		err = life_refuse(vm, why, "running (a forced stop works in every state)");
	else
		ivm_platform_power_button(vm->platform);
	mutex_unlock(&vm->life);
	return err;
}

int ivm_vm_pause(struct ivm_vm *vm, struct ivm_why *why)
{
	int err = 0;

	mutex_lock(&vm->life);
	if (vm->state != IVM_VM_RUNNING) {
		err = life_refuse(vm, why, "running");
	} else {
		life_rest(vm);
		ivm_vm_set_state(vm, IVM_VM_PAUSED);
	}
	mutex_unlock(&vm->life);
	return err;
}

int ivm_vm_resume(struct ivm_vm *vm, struct ivm_why *why)
{
	int err = 0;

	mutex_lock(&vm->life);
	if (vm->state != IVM_VM_PAUSED) {
		err = life_refuse(vm, why, "paused");
	} else {
		/* No time passed for the guest. */
		vm->tsc_offset = vm->paused_tsc - rdtsc();
		ivm_vm_set_state(vm, IVM_VM_RUNNING);
		life_run(vm);
	}
	mutex_unlock(&vm->life);
	return err;
}

/* Stop the vCPUs, scrub, replay the manifest, run. With vm->life; on error the VM is stopped. */
static int life_reset(struct ivm_vm *vm, struct ivm_why *why)
{
	struct ivm_wish_stop stop = { .reason = IVM_STOP_ERROR };
	unsigned int i;
	int err;

	life_rest(vm);
	clear_bit(IVM_WISH_RESET, &vm->wish);
	ivm_cards_quiesce(vm);
	err = ivm_memory_reset(vm, why);
	if (err)
		goto err_stop;
	ivm_space_scrub(vm->space);
	ivm_irqchip_reset(vm->irq);
	ivm_platform_reset(vm->platform);
	vm->tsc_offset = -rdtsc();
	for (i = 0; i < vm->nr_vcpus; i++)
		ivm_vcpu_power_on(vm->vcpu[i]);
	err = ivm_boot_replay(vm, why);
	if (err)
		goto err_stop;
	vm->resets++;
	vm->state = IVM_VM_RUNNING;
	ivm_vm_notify(vm, IVM_EVENT_RESET);
	life_run(vm);
	return 0;
err_stop:
	snprintf(stop.text, sizeof(stop.text), "reset failed: %s", why->text);
	stop.code = -err;
	vm->state = IVM_VM_PAUSED;	/* its run time is counted already */
	ivm_vm_halt(vm, &stop);
	return err;
}

int ivm_vm_reset(struct ivm_vm *vm, struct ivm_why *why)
{
	int err;

	mutex_lock(&vm->life);
	if (vm->state != IVM_VM_RUNNING && vm->state != IVM_VM_PAUSED)
		err = life_refuse(vm, why, "running or paused");
	else
		err = life_reset(vm, why);
	mutex_unlock(&vm->life);
	return err;
}

static void life_report_outside(struct ivm_vm *vm)
{
	struct ivm_event event;

	raw_spin_lock_irq(&vm->wish_lock);
	event = vm->outside;
	raw_spin_unlock_irq(&vm->wish_lock);
	event.type = IVM_EVENT_OUTSIDE;
	event.id = vm->id;
	event.state = vm->state;
	event.has_vcpu = true;
	strscpy(event.name, vm->config.name, sizeof(event.name));
	ivm_vm_notify_event(&event);
}

/* What vCPU threads wished for; see ivm_vm_wish_stop(). Runs on ivm_vm_queue, holds a reference. */
void ivm_vm_work(struct work_struct *work)
{
	struct ivm_vm *vm = container_of(work, struct ivm_vm, work);
	struct ivm_wish_stop stop;
	struct ivm_why why = { };

	if (test_and_clear_bit(IVM_WISH_EVENT, &vm->wish))
		life_report_outside(vm);
	if (test_bit(IVM_WISH_RESET, &vm->wish)) {
		while (time_before64(get_jiffies_64(), vm->reset_after))
			schedule_timeout_idle(vm->reset_after - get_jiffies_64());
		vm->reset_after = get_jiffies_64() + RESET_INTERVAL;
	}
	mutex_lock(&vm->life);
	if (vm->gone) {
		;	/* somebody was faster */
	} else if (test_and_clear_bit(IVM_WISH_STOP, &vm->wish)) {
		raw_spin_lock_irq(&vm->wish_lock);
		stop = vm->wish_stop;
		raw_spin_unlock_irq(&vm->wish_lock);
		ivm_vm_halt(vm, &stop);
	} else if (test_and_clear_bit(IVM_WISH_RESET, &vm->wish)) {
		life_reset(vm, &why);
	}
	mutex_unlock(&vm->life);
}
