// SPDX-License-Identifier: GPL-2.0-only
/* What vm/ tells about VMs and the host. */
#include "priv.h"
#include "../cpu/fpu.h"
#include "../mem/mem.h"
#include "../sched/sched.h"

#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>
#include <asm/tsc.h>

static const char * const info_exits[IVM_EXIT_REASONS] = {
	[IVM_EXIT_INTERRUPT]	= "exits.interrupt",
	[IVM_EXIT_NMI]		= "exits.nmi",
	[IVM_EXIT_IRQ_WINDOW]	= "exits.irq-window",
	[IVM_EXIT_NMI_WINDOW]	= "exits.nmi-window",
	[IVM_EXIT_CPUID]	= "exits.cpuid",
	[IVM_EXIT_HLT]		= "exits.hlt",
	[IVM_EXIT_IO]		= "exits.io",
	[IVM_EXIT_RDMSR]	= "exits.rdmsr",
	[IVM_EXIT_WRMSR]	= "exits.wrmsr",
	[IVM_EXIT_CR_ACCESS]	= "exits.cr",
	[IVM_EXIT_DR_ACCESS]	= "exits.dr",
	[IVM_EXIT_XSETBV]	= "exits.xsetbv",
	[IVM_EXIT_HYPERCALL]	= "exits.hypercall",
	[IVM_EXIT_MEMORY]	= "exits.memory",
	[IVM_EXIT_PAGE_FAULT]	= "exits.page-fault",
	[IVM_EXIT_INVLPG]	= "exits.invlpg",
	[IVM_EXIT_TASK_SWITCH]	= "exits.task-switch",
	[IVM_EXIT_EXCEPTION]	= "exits.exception",
	[IVM_EXIT_MACHINE_CHECK] = "exits.machine-check",
	[IVM_EXIT_UNDEFINED]	= "exits.undefined",
	[IVM_EXIT_CACHE]	= "exits.cache",
	[IVM_EXIT_RDPMC]	= "exits.rdpmc",
	[IVM_EXIT_PAUSE]	= "exits.pause",
	[IVM_EXIT_TRIPLE_FAULT]	= "exits.triple-fault",
	[IVM_EXIT_INVALID]	= "exits.invalid",
	[IVM_EXIT_UNKNOWN]	= "exits.unknown",
};

static const char * const info_counts[IVM_COUNT_NR] = {
	[IVM_COUNT_INJECTED]	= "injected.interrupts",
	[IVM_COUNT_NMI]		= "injected.nmis",
	[IVM_COUNT_FAULT]	= "injected.faults",
	[IVM_COUNT_OUTSIDE]	= "outside",
	[IVM_COUNT_MSR_UNKNOWN]	= "msr.unknown",
	[IVM_COUNT_PORT_UNCLAIMED] = "port.unclaimed",
	[IVM_COUNT_MMIO]	= "mmio",
	[IVM_COUNT_EMUL_UNKNOWN] = "emul.unknown",
	[IVM_COUNT_HALT]	= "halts",
	[IVM_COUNT_DISPATCH]	= "dispatches",
	[IVM_COUNT_SHARED]	= "dispatches.shared",
};

static_assert(IVM_EXIT_REASONS + IVM_COUNT_NR <= IVM_STATS_MAX);

static void info_stat(struct ivm_vm_info *info, const char *name, u64 value)
{
	info->stat[info->nr_stats].name = name;
	info->stat[info->nr_stats++].value = value;
}

static void info_stats(struct ivm_vm *vm, struct ivm_vm_info *info)
{
	unsigned int i, v;
	u64 sum;

	for (i = 0; i < IVM_EXIT_REASONS; i++) {
		for (sum = vm->past_exits[i], v = 0; v < vm->nr_vcpus; v++)
			sum += READ_ONCE(vm->vcpu[v]->exits[i]);
		info_stat(info, info_exits[i], sum);
	}
	for (i = 0; i < IVM_COUNT_NR; i++) {
		for (sum = vm->past_count[i], v = 0; v < vm->nr_vcpus; v++)
			sum += READ_ONCE(vm->vcpu[v]->count[i]);
		info_stat(info, info_counts[i], sum);
	}
}

static void info_vcpu(struct ivm_vcpu *vcpu, struct ivm_vcpu_info *info)
{
	struct task_struct *task = READ_ONCE(vcpu->task);

	info->cpu = READ_ONCE(vcpu->assigned_cpu);
	info->tid = task ? task_pid_nr(task) : 0;
	info->state = READ_ONCE(vcpu->state);
	ivm_gang_vcpu_info(vcpu->gang, &info->times);
}

/* Memory of the kernel that this VM takes beyond guest RAM: tables and index, vCPUs with threads, console. */
static u64 info_kernel_bytes(struct ivm_vm *vm)
{
	u64 vcpu = sizeof(struct ivm_vcpu) + THREAD_SIZE + 3 * PAGE_SIZE;

	return sizeof(*vm) + vm->config.nr_nics * sizeof(*vm->config.nics) + IVM_CONSOLE_SIZE + vm->nr_vcpus * vcpu +
	       (vm->space ? ivm_space_kernel_bytes(vm->space) : 0) +
	       (vm->gang ? ivm_gang_kernel_bytes(vm->gang) : 0);
}

/**
 * ivm_vm_info() - a snapshot, also while the VM starts or stops
 * @vm:   the VM
 * @info: filled
 *
 * Takes only vm->parts and vm->cards_lock, which nobody holds for long, and
 * rtnl for the names of network devices: answers at any time.
 */
void ivm_vm_info(struct ivm_vm *vm, struct ivm_vm_info *info)
{
	unsigned int i;
	u32 state;

	memset(info, 0, sizeof(*info));
	mutex_lock(&vm->parts);
	state = READ_ONCE(vm->state);
	info->id = vm->id;
	info->state = state;
	strscpy(info->name, vm->config.name, sizeof(info->name));
	info->vcpus = vm->config.vcpus;
	info->debug_exit = vm->config.debug_exit;
	strscpy(info->affinity, vm->config.affinity, sizeof(info->affinity));
	info->memory_ready = atomic64_read(&vm->ready);
	info->resets = READ_ONCE(vm->resets);
	info->started_ns = READ_ONCE(vm->started_ns);
	info->run_ns = READ_ONCE(vm->run_ns);
	if (state == IVM_VM_RUNNING)
		info->run_ns += ktime_get_boottime_ns() - READ_ONCE(vm->running_since);
	if (state == IVM_VM_STOPPED) {
		info->stop_reason = vm->stopped.reason;
		info->stop_code = vm->stopped.code;
		strscpy(info->text, vm->stopped.text, sizeof(info->text));
	}
	info->kernel_bytes = info_kernel_bytes(vm);
	info->shares = vm->config.shares;
	info->gang = vm->past_gang;
	if (vm->gang)
		ivm_gang_info(vm->gang, &info->gang);
	info->nr_vcpus = vm->nr_vcpus;
	for (i = 0; i < vm->nr_vcpus; i++)
		info_vcpu(vm->vcpu[i], &info->vcpu[i]);
	info_stats(vm, info);
	mutex_unlock(&vm->parts);
	ivm_cards_info(vm, info);
	ivm_memory_info(vm, info);
}

static u32 info_vms(void)
{
	struct ivm_vm *vm;
	u32 after = 0, nr = 0;

	while ((vm = ivm_vm_after(after))) {
		after = vm->id;
		nr++;
		ivm_vm_put(vm);
	}
	return nr;
}

void ivm_host_info(struct ivm_host_info *info)
{
	struct ivm_why why = { };

	memset(info, 0, sizeof(*info));
	ivm_cpu_host_try(&why);
	strscpy(info->reason, why.text, sizeof(info->reason));
	info->backend = ivm_backend ? ivm_backend->name : "none";
	info->nested_paging = ivm_backend && ivm_cpu_host_nested();
	info->cores = ivm_cores_count();
	info->vcpus_max = min_t(u32, info->cores, IVM_VCPUS_MAX);
	info->vms = info_vms();
	info->tsc_khz = tsc_khz;
	info->memory = (u64)totalram_pages() << PAGE_SHIFT;
	info->memory_free = ivm_mem_free();
	info->frames = ivm_mem_frames();
	ivm_cores_list(info->cpu_list, sizeof(info->cpu_list));
	ivm_smt_list(info->siblings, sizeof(info->siblings));
	info->reserve = ivm_reserve();
	info->smt = ivm_smt_policy();
	info->slice_ns = ivm_slice_ns();
}

int ivm_host_set(const char *list, const u32 *reserve, const u32 *smt, struct ivm_why *why)
{
	u32 reserve_before = ivm_reserve(), smt_before = ivm_smt_policy();
	int err = 0;

	if (reserve)
		err = ivm_reserve_set(*reserve, why);
	if (err)
		return err;
	if (smt)
		err = ivm_smt_set_policy(*smt, why);
	if (err)
		goto err_reserve;
	if (list)
		err = ivm_smt_set_cores(list, why);
	if (err)
		goto err_smt;
	return 0;
err_smt:
	if (smt)
		ivm_smt_set_policy(smt_before, NULL);
err_reserve:
	if (reserve)
		ivm_reserve_set(reserve_before, NULL);
	return err;
}

bool ivm_host_core(unsigned int cpu, struct ivm_core_info *info)
{
	return ivm_core_info(cpu, info);
}

void ivm_host_audit(struct ivm_mem_audit *audit)
{
	ivm_mem_audit(audit);
}
