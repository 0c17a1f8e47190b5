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

/**
 * ivm_exit_access() - an access to what is not RAM
 * @vcpu:  whose guest made it, by the instruction at its RIP
 * @gpa:   where
 * @write: or it reads
 * @fetch: of an instruction
 *
 * Context: inner loop.
 */
void ivm_exit_access(struct ivm_vcpu *vcpu, u64 gpa, bool write, bool fetch)
{
	const char *kind = write ? "write" : "read";
	struct ivm_fault fault;
	bool stepping;

	if (fetch) {
		ivm_exit_outside(vcpu, gpa, "fetch");
		return;
	}
	if (!exit_is_device(vcpu, gpa)) {
		ivm_exit_outside(vcpu, gpa, kind);
		return;
	}
	/* A stack or a descriptor table in device memory: no instruction that could be emulated. */
	if (vcpu->cpu.delivering) {
		ivm_exit_outside(vcpu, gpa, "delivery of an event");
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
		ivm_exit_outside(vcpu, gpa, kind);
		return;
	case IVM_EMUL_UNKNOWN:
		/* Vector loads, or worse, from device registers: no driver does that. */
		vcpu->count[IVM_COUNT_EMUL_UNKNOWN]++;
		ivm_exit_outside(vcpu, gpa, "instruction on device memory");
		return;
	}
}

void ivm_exit_memory(struct ivm_vcpu *vcpu)
{
	const struct ivm_exit *exit = &vcpu->cpu.exit;

	if (exit->mem.table)
		ivm_exit_outside(vcpu, exit->mem.gpa, "page-table walk");
	else
		ivm_exit_access(vcpu, exit->mem.gpa, exit->mem.write, exit->mem.fetch);
}
