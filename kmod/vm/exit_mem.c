// SPDX-License-Identifier: GPL-2.0-only
/* Second-stage violations: device registers, or an access outside (P9). */
#include "priv.h"
#include "../dev/dev.h"
#include "../trace.h"

#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/timekeeping.h>

#define OUTSIDE_EVENT_INTERVAL	(HZ / 10)	/* at most ten events a second and VM; the counter counts them all */

/**
 * ivm_exit_outside() - the guest touched what was not allocated to it: its fault, our record
 * @vcpu: whose guest it was
 * @gpa:  where
 * @kind: constant text: read, write, fetch, …
 */
void ivm_exit_outside(struct ivm_vcpu *vcpu, u64 gpa, const char *kind)
{
	struct ivm_vm *vm = vcpu->vm;

	vcpu->count[IVM_COUNT_OUTSIDE]++;
	trace_ivm_outside(vm->id, vcpu->index, gpa, kind);
	ivm_exit_inject_gp(vcpu);

	if (time_before64(get_jiffies_64(), READ_ONCE(vm->outside_after)))
		return;
	raw_spin_lock(&vm->wish_lock);
	vm->outside_after = get_jiffies_64() + OUTSIDE_EVENT_INTERVAL;
	vm->outside.time_ns = ktime_get_real_fast_ns();
	vm->outside.vcpu = vcpu->index;
	vm->outside.address = gpa;
	strscpy(vm->outside.text, kind, sizeof(vm->outside.text));
	raw_spin_unlock(&vm->wish_lock);
	set_bit(IVM_WISH_EVENT, &vm->wish);
	queue_work(ivm_vm_queue, &vm->work);
}

/* Does a device answer at this address? Reading it is not asking: that may have side effects. */
static bool exit_is_device(struct ivm_vcpu *vcpu, u64 gpa)
{
	return ivm_lapic_claims(vcpu->vm->irq, vcpu->index, gpa) ||
	       ivm_bus_claims(ivm_platform_bus(vcpu->vm->platform), IVM_BUS_MMIO, gpa);
}

void ivm_exit_memory(struct ivm_vcpu *vcpu)
{
	const struct ivm_exit *exit = &vcpu->cpu.exit;
	struct ivm_fault fault;
	u64 gpa = exit->mem.gpa;
	bool stepping;

	if (exit->mem.table) {
		ivm_exit_outside(vcpu, gpa, "page-table walk");
		return;
	}
	if (exit->mem.fetch) {
		ivm_exit_outside(vcpu, gpa, "fetch");
		return;
	}
	if (!exit_is_device(vcpu, gpa)) {
		ivm_exit_outside(vcpu, gpa, exit->mem.write ? "write" : "read");
		return;
	}
	vcpu->count[IVM_COUNT_MMIO]++;
	stepping = vcpu->cpu.regs.rflags & X86_EFLAGS_TF;
	switch (ivm_emul_mmio(ivm_exit_view(vcpu), &ivm_exit_emul_ops, vcpu, &fault, &gpa)) {
	case IVM_EMUL_DONE:
	case IVM_EMUL_AGAIN:
		vcpu->cpu.shadow = false;
		if (unlikely(stepping))
			ivm_exit_single_step(vcpu);
		return;
	case IVM_EMUL_FAULT:
		ivm_exit_inject(vcpu, &fault);
		return;
	case IVM_EMUL_UNCLAIMED:
		ivm_exit_outside(vcpu, gpa, exit->mem.write ? "write" : "read");
		return;
	case IVM_EMUL_UNKNOWN:
		/* Vector loads, or worse, from device registers: no driver does that. */
		vcpu->count[IVM_COUNT_EMUL_UNKNOWN]++;
		ivm_exit_outside(vcpu, gpa, "instruction on device memory");
		return;
	}
}
