// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that grows and shrinks while the VM runs: what it is to have, the two
 * devices by which its guest hears of that and obeys, and how memory leaves it.
 *
 * The guest's drivers ask, the devices call plug and unplug here, from the VM's
 * memory work item, with vm->life held. So nothing else changes the VM meanwhile.
 * That is work of the host's: a guest that asks all the time gets half of a CPU.
 */
#include "priv.h"
#include "../mem/mem.h"

#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/timekeeping.h>

#define MEM_SLOT	9	/* of the PCI bus, behind the network cards */
#define BALLOON_SLOT	10
#define REST_LEAST	(10 * NSEC_PER_MSEC)	/* shorter ones are saved up */

static u64 host_bytes(void)
{
	return (u64)totalram_pages() << PAGE_SHIFT;
}

/* ---- bounds ---- */

static int memory_check_max(u64 max, struct ivm_why *why)
{
	if (max < IVM_MEMORY_MIN || max > IVM_MEMORY_MAX || max % IVM_MEMORY_ALIGN)
		return ivm_why(why, IVM_A_MEMORY_MAX, -EINVAL,
			       "%llu bytes as the most memory: a multiple of %llu, from %llu to %llu", max,
			       IVM_MEMORY_ALIGN, IVM_MEMORY_MIN, IVM_MEMORY_MAX);
	if (max > host_bytes())
		return ivm_why(why, IVM_A_MEMORY_MAX, -ENOMEM,
			       "%llu MiB as the most memory: the host has %llu MiB in all", max >> 20, host_bytes() >> 20);
	return 0;
}

static int memory_check_order(u64 memory, u64 max, u32 attr, struct ivm_why *why)
{
	if (memory <= max)
		return 0;
	return ivm_why(why, attr, -EINVAL, "%llu MiB of memory are more than its max of %llu MiB", memory >> 20, max >> 20);
}

/**
 * ivm_memory_check() - may a VM have these bounds?
 * @config: its memory is checked
 * @why:    says what is wrong with its max
 */
int ivm_memory_check(const struct ivm_vm_config *config, struct ivm_why *why)
{
	int err;

	if (!config->memory_max)
		return 0;
	err = memory_check_max(config->memory_max, why);
	if (err)
		return err;
	return memory_check_order(config->memory, config->memory_max, IVM_A_MEMORY_MAX, why);
}

/**
 * ivm_memory_room() - bytes of addresses for memory that may come
 * @vm: not started
 *
 * All that the host has, since max may be raised later.
 * Return: 0 when the VM's memory is fixed, or addresses end before it.
 */
u64 ivm_memory_room(const struct ivm_vm *vm)
{
	u64 base = ivm_space_room_base(vm->config.memory), top = BIT_ULL(boot_cpu_data.x86_phys_bits);

	if (!vm->config.memory_max || base >= top)
		return 0;
	return min(round_up(host_bytes(), SZ_1G), top - base);
}

/* ---- what devices ask for: the memory work item, vm->life held ---- */

static void memory_defer(void *ctx)
{
	struct ivm_vm *vm = ctx;

	queue_delayed_work(ivm_vm_queue, &vm->memory.work, 0);
}

static void memory_count(struct ivm_vm *vm)
{
	atomic64_set(&vm->ready, ivm_space_present(vm->space));
}

static int memory_plug(void *ctx, u64 gpa, u64 len)
{
	struct ivm_vm *vm = ctx;
	int err = ivm_space_plug(vm->space, gpa, len);

	WRITE_ONCE(vm->memory.lacks, err == -ENOMEM);
	memory_count(vm);
	return err;
}

/* A vCPU that wished for an end or a reset meanwhile has parked all of them: so it stays, vm->work is on its way. */
static void memory_run(struct ivm_vm *vm)
{
	ivm_vcpu_unpark(vm);
	if (READ_ONCE(vm->wish) & (BIT(IVM_WISH_STOP) | BIT(IVM_WISH_RESET)))
		ivm_vcpu_park_soon(vm);
}

/*
 * In this order: no vCPU runs; rings there are closed; no new pointer is found;
 * those that others found are waited for, under their locks; no vCPU has one or
 * a translation. Then it is nobody's, and they run on while it is scrubbed.
 */
static int memory_unplug(void *ctx, u64 gpa, u64 len)
{
	struct ivm_vm *vm = ctx;
	bool running = vm->state == IVM_VM_RUNNING;
	unsigned int i;
	int err;

	if (running)
		ivm_vcpu_park(vm);
	ivm_cards_memory_goes(vm, gpa, len);
	ivm_virtio_mem_memory_goes(vm->memory.mem, gpa, len);
	ivm_virtio_balloon_memory_goes(vm->memory.balloon, gpa, len);
	err = ivm_space_unplug(vm->space, gpa, len);
	ivm_cards_memory_gone(vm);
	ivm_virtio_mem_memory_gone(vm->memory.mem);
	ivm_virtio_balloon_memory_gone(vm->memory.balloon);
	for (i = 0; i < vm->nr_vcpus; i++)
		ivm_vcpu_memory_gone(vm->vcpu[i], gpa, len);
	if (running)
		memory_run(vm);
	ivm_space_scrub_taken(vm->space);
	memory_count(vm);
	return err;
}

static const struct ivm_room_ops memory_ops = {
	.defer = memory_defer,
	.plug = memory_plug,
	.unplug = memory_unplug,
};

/* Runs on ivm_vm_queue; ended by whoever takes the VM off the list. */
void ivm_memory_work(struct work_struct *work)
{
	struct ivm_vm *vm = container_of(work, struct ivm_vm, memory.work.work);
	struct ivm_memory *memory = &vm->memory;
	u64 began = ktime_get_ns();
	bool again = false;

	if (memory->rests_until > began + REST_LEAST) {
		queue_delayed_work(ivm_vm_queue, &memory->work, 1 + nsecs_to_jiffies(memory->rests_until - began));
		return;
	}
	mutex_lock(&vm->life);
	if (memory->balloon) {
		began = ktime_get_ns();
		again = ivm_virtio_mem_work(memory->mem);
		again |= ivm_virtio_balloon_work(memory->balloon);
	}
	mutex_unlock(&vm->life);
	memory->rests_until = max(memory->rests_until, began) + 2 * (ktime_get_ns() - began);
	if (again)
		queue_delayed_work(ivm_vm_queue, &memory->work, 0);
}

/* ---- what the guest is told ---- */

/*
 * A balloon that has released what it is to release may hold more, in parts of
 * blocks. It keeps that: if the driver took it back, whole blocks would come with it.
 */
static void memory_tell(struct ivm_vm *vm)
{
	u64 boot = vm->config.memory, target = vm->memory.target, max = vm->memory.max;
	u64 release = target < boot ? boot - target : 0;
	struct ivm_virtio_balloon_info balloon;

	ivm_virtio_balloon_info(vm->memory.balloon, &balloon);
	ivm_virtio_mem_set(vm->memory.mem, max > boot ? max - boot : 0, target > boot ? target - boot : 0);
	ivm_virtio_balloon_set(vm->memory.balloon, release && release == balloon.released ? balloon.given : release);
}

/**
 * ivm_memory_set_check() - may memory and max be changed so? Changes nothing.
 * @vm:     any
 * @change: of which memory and memory_max count
 * @why:    says what stands in the way
 *
 * Context: vm->life held.
 */
int ivm_memory_set_check(const struct ivm_vm *vm, const struct ivm_vm_change *change, struct ivm_why *why)
{
	u32 attr = change->memory ? IVM_A_MEMORY : IVM_A_MEMORY_MAX;
	u64 memory, max;
	int err;

	if (!change->memory && !change->memory_max)
		return 0;
	if (vm->state != IVM_VM_RUNNING && vm->state != IVM_VM_PAUSED)
		return ivm_why(why, attr, -EBUSY, "memory can be changed while the VM runs or is paused");
	if (!vm->memory.mem)
		return ivm_why(why, attr, -EPERM, "its memory is fixed, as it was created without a max");
	memory = change->memory ? *change->memory : vm->memory.target;
	max = change->memory_max ? *change->memory_max : vm->memory.max;
	if (memory < IVM_MEMORY_MIN || memory % IVM_MEMORY_ALIGN)
		return ivm_why(why, IVM_A_MEMORY, -EINVAL, "%llu bytes of memory: a VM has a multiple of %llu, at least %llu",
			       memory, IVM_MEMORY_ALIGN, IVM_MEMORY_MIN);
	err = memory_check_max(max, why);
	if (err)
		return err;
	if (max > vm->config.memory + vm->memory.room)
		return ivm_why(why, IVM_A_MEMORY_MAX, -ENOMEM, "%llu MiB as the most memory: addresses of this VM end after %llu MiB",
			       max >> 20, (vm->config.memory + vm->memory.room) >> 20);
	if (max < ivm_space_present(vm->space))
		return ivm_why(why, IVM_A_MEMORY_MAX, -EBUSY, "%llu MiB as the most memory: it has %llu MiB now: shrink it first",
			       max >> 20, ivm_space_present(vm->space) >> 20);
	return memory_check_order(memory, max, attr, why);
}

/**
 * ivm_memory_reserve() - set host memory aside for what a VM is to have more than now
 * @vm:     checked
 * @change: likewise
 * @why:    says how much the host lacks
 *
 * Context: vm->life held. May sleep.
 * Return: 0, -ENOMEM: nothing is changed.
 */
int ivm_memory_reserve(struct ivm_vm *vm, const struct ivm_vm_change *change, struct ivm_why *why)
{
	if (!change->memory || *change->memory <= vm->memory.target)
		return 0;
	return ivm_space_allow(vm->space, *change->memory, why);
}

/* Never mind. Context: vm->life held. */
void ivm_memory_unreserve(struct ivm_vm *vm)
{
	if (vm->memory.mem)
		ivm_space_allow(vm->space, vm->memory.target, NULL);	/* less, or what is set aside already */
}

/* After both: tells the guest. Context: vm->life held. */
void ivm_memory_set(struct ivm_vm *vm, const struct ivm_vm_change *change)
{
	if (!change->memory && !change->memory_max)
		return;
	mutex_lock(&vm->cards_lock);
	if (change->memory)
		vm->memory.target = *change->memory;
	if (change->memory_max)
		vm->memory.max = *change->memory_max;
	vm->memory.lacks = false;
	mutex_unlock(&vm->cards_lock);
	ivm_memory_unreserve(vm);	/* of what it is to have no more */
	memory_tell(vm);
}

/* ---- life ---- */

/**
 * ivm_memory_create() - the devices, if memory is not fixed
 * @vm:  populated; no vCPU runs
 * @pci: its bus
 * @why: filled on error
 *
 * Context: vm->life held; may sleep. All or nothing.
 */
int ivm_memory_create(struct ivm_vm *vm, struct ivm_pci *pci, struct ivm_why *why)
{
	struct ivm_virtio_room_params params = { .pci = pci, .irq = vm->irq, .space = vm->space, .slot = MEM_SLOT };
	u64 low = min(vm->config.memory, IVM_MEMORY_LOW_END);
	struct ivm_virtio_balloon *balloon;
	struct ivm_virtio_mem *mem;

	if (!vm->config.memory_max)
		return 0;
	vm->memory.room = ivm_memory_room(vm);
	if (!vm->memory.room)
		return ivm_why(why, IVM_A_MEMORY_MAX, -EOPNOTSUPP,
			       "addresses of this processor leave no room for more memory: start it without a max");
	mem = ivm_virtio_mem_create(&params, ivm_space_room_base(vm->config.memory), vm->memory.room, &memory_ops, vm);
	if (IS_ERR(mem))
		return ivm_why(why, 0, PTR_ERR(mem), "no room for virtio-mem (error %ld)", PTR_ERR(mem));
	params.slot = BALLOON_SLOT;
	balloon = ivm_virtio_balloon_create(&params, low, vm->config.memory - low, &memory_ops, vm);
	if (IS_ERR(balloon)) {
		ivm_virtio_mem_destroy(mem);
		return ivm_why(why, 0, PTR_ERR(balloon), "no room for a balloon (error %ld)", PTR_ERR(balloon));
	}
	mutex_lock(&vm->cards_lock);
	vm->memory.mem = mem;
	vm->memory.balloon = balloon;
	vm->memory.target = vm->config.memory;
	vm->memory.max = vm->config.memory_max;
	vm->memory.lacks = false;
	mutex_unlock(&vm->cards_lock);
	memory_tell(vm);
	return 0;
}

/* Context: vm->life held; vCPU threads are parked or absent. Accepts none. */
void ivm_memory_destroy(struct ivm_vm *vm)
{
	struct ivm_virtio_mem *mem = vm->memory.mem;
	struct ivm_virtio_balloon *balloon = vm->memory.balloon;

	mutex_lock(&vm->cards_lock);
	vm->memory.mem = NULL;
	vm->memory.balloon = NULL;
	mutex_unlock(&vm->cards_lock);
	ivm_virtio_balloon_destroy(balloon);
	ivm_virtio_mem_destroy(mem);
}

/**
 * ivm_memory_reset() - as it was at the start
 * @vm:  cards quiesced, no vCPU runs; they are powered on before one does
 * @why: says what the host lacks
 *
 * What the VM is to have stays: the guest's driver takes it again.
 * Return: 0; -ENOMEM: memory that it gave back by its balloon was given to others.
 * Context: vm->life held. May sleep, long.
 */
int ivm_memory_reset(struct ivm_vm *vm, struct ivm_why *why)
{
	u64 boot = vm->config.memory;
	unsigned int i;

	if (!vm->memory.mem)
		return 0;
	ivm_virtio_mem_reset(vm->memory.mem);
	ivm_virtio_balloon_reset(vm->memory.balloon);
	for (i = 0; i < vm->nr_vcpus; i++)
		ivm_vcpu_memory_gone(vm->vcpu[i], 0, ~0ULL);
	if (ivm_space_restore(vm->space))
		return ivm_why(why, IVM_A_MEMORY, -ENOMEM,
			       "the host lacks the memory that the guest had given back: it starts with %llu MiB", boot >> 20);
	if (ivm_space_allow(vm->space, vm->memory.target, NULL))
		vm->memory.target = boot;
	memory_count(vm);
	memory_tell(vm);
	return 0;
}

/* ---- what others are told ---- */

/* Why it has @now bytes, and not what it is to have. Context: vm->cards_lock held. */
static void memory_say(const struct ivm_vm *vm, const struct ivm_virtio_mem_info *mem,
		       const struct ivm_virtio_balloon_info *balloon, u64 now, char *text, size_t size)
{
	const struct ivm_memory *memory = &vm->memory;
	u64 given = balloon->given >> 20, boot = vm->config.memory;

	if (now == memory->target)
		return;
	if (READ_ONCE(vm->state) == IVM_VM_PAUSED)
		snprintf(text, size, "the VM is paused: its guest hears of it when it goes on");
	else if (now < memory->target && memory->lacks)
		snprintf(text, size, "the host has no memory left");
	else if (now < memory->target && balloon->released)
		snprintf(text, size, "the guest's balloon keeps %llu MiB", given);
	else if (now < memory->target && !mem->driver)
		snprintf(text, size, "the guest runs no driver for more memory (virtio-mem)");
	else if (now < memory->target)
		snprintf(text, size, "the guest's driver has taken %llu MiB of the %llu MiB that it may", mem->plugged >> 20,
			 (memory->target - min(memory->target, boot)) >> 20);
	else if (mem->plugged > memory->target - min(memory->target, boot))
		snprintf(text, size, mem->driver ? "the guest uses it, where its driver cannot move it (virtio-mem)" :
			 "the guest runs no driver that could give it back (virtio-mem)");
	else if (!balloon->driver)
		snprintf(text, size, "the guest runs no driver that could give back what it was started with (virtio-balloon)");
	else
		snprintf(text, size, "the guest's balloon holds %llu MiB: it has no more to give, or not in whole blocks of 2 MiB",
			 given);
}

/**
 * ivm_memory_info() - the guest's view and the host's
 * @vm:   any state
 * @info: filled, but for memory_ready
 *
 * Context: no lock of vm/ held but vm->life, if that.
 */
void ivm_memory_info(struct ivm_vm *vm, struct ivm_vm_info *info)
{
	struct ivm_vm_memory_info *room = &info->room;
	struct ivm_virtio_balloon_info balloon;
	struct ivm_virtio_mem_info mem;

	info->memory = vm->config.memory;
	room->max = vm->memory.max ?: vm->config.memory_max;
	mutex_lock(&vm->cards_lock);
	if (!vm->memory.mem) {
		mutex_unlock(&vm->cards_lock);
		return;
	}
	ivm_virtio_mem_info(vm->memory.mem, &mem);
	ivm_virtio_balloon_info(vm->memory.balloon, &balloon);
	info->memory = vm->memory.target;
	info->memory_ready = atomic64_read(&vm->ready);
	room->max = vm->memory.max;
	room->boot = vm->config.memory;
	room->drivers = (mem.driver ? IVM_MEMORY_VIRTIO_MEM : 0) | (balloon.driver ? IVM_MEMORY_BALLOON : 0);
	room->balloon = balloon.given;
	memory_say(vm, &mem, &balloon, info->memory_ready, room->text, sizeof(room->text));
	mutex_unlock(&vm->cards_lock);
	room->has_guest = balloon.has_stats;
	if (!balloon.has_stats)
		return;
	room->guest_total = balloon.total;
	room->guest_free = balloon.free;
	room->guest_available = balloon.available;
	room->guest_age_ns = ktime_get_boottime_ns() - balloon.stats_ns;
}
