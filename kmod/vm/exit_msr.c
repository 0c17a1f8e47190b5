// SPDX-License-Identifier: GPL-2.0-only
/* RDMSR and WRMSR: from the allow-list to whoever keeps the register. */
#include "priv.h"

#include <asm/msr.h>
#include <asm/msr-index.h>

#define OP_RDMSR	0x0f32
#define OP_WRMSR	0x0f30

static int exit_msr_read(struct ivm_vcpu *vcpu, u32 msr, u64 *value)
{
	switch (ivm_msr_kind(msr)) {
	case IVM_MSR_LAPIC:
		return ivm_lapic_read_msr(vcpu->vm->irq, vcpu->index, msr, value);
	case IVM_MSR_CONST:
	case IVM_MSR_STORED:
	case IVM_MSR_IGNORED:
		return ivm_msr_read(&vcpu->msrs, msr, value);
	case IVM_MSR_BACKEND:
	case IVM_MSR_SPEC_CTRL:
		return ivm_backend->read_msr(&vcpu->cpu, msr, value);
	case IVM_MSR_TSC:
		*value = msr == MSR_IA32_TSC ? rdtsc() + vcpu->vm->tsc_offset : 0;
		return 0;
	case IVM_MSR_KVM_CLOCK:
		return ivm_clock_read(vcpu, msr, value);
	case IVM_MSR_KVM_EOI:
		*value = vcpu->eoi_msr;
		return 0;
	case IVM_MSR_NONE:
		break;
	}
	vcpu->count[IVM_COUNT_MSR_UNKNOWN]++;
	return -EINVAL;
}

/*
 * The TSC of all vCPUs is one clock, which the KVM clock and every timer rely
 * on: a write that would take one of them off it is refused; writing what it
 * reads, within a second, is what kernels do to resynchronise, and is ignored.
 */
static int exit_tsc_write(struct ivm_vcpu *vcpu, u32 msr, u64 value)
{
	u64 now = rdtsc() + vcpu->vm->tsc_offset;
	u64 second = (u64)tsc_khz * 1000;

	if (msr == MSR_IA32_TSC_ADJUST)
		return value ? -EINVAL : 0;
	return now - value < second || value - now < second ? 0 : -EINVAL;
}

static int exit_msr_write(struct ivm_vcpu *vcpu, u32 msr, u64 value)
{
	u64 efer = vcpu->cpu.paging.efer;
	int err;

	switch (ivm_msr_kind(msr)) {
	case IVM_MSR_LAPIC:
		vcpu->irq_check = true;	/* what its own thread changes in the LAPIC comes without a kick */
		return ivm_lapic_write_msr(vcpu->vm->irq, vcpu->index, msr, value);
	case IVM_MSR_STORED:
		vcpu->leave |= msr == MSR_TSC_AUX;	/* load() puts it in force */
		fallthrough;
	case IVM_MSR_CONST:
	case IVM_MSR_IGNORED:
		return ivm_msr_write(&vcpu->msrs, msr, value);
	case IVM_MSR_BACKEND:
	case IVM_MSR_SPEC_CTRL:
		err = ivm_backend->write_msr(&vcpu->cpu, msr, value, vcpu->vm->efer_allowed);
		if (!err && msr == MSR_EFER && vcpu->tables)
			ivm_paging_efer(vcpu, efer);
		return err;
	case IVM_MSR_TSC:
		return exit_tsc_write(vcpu, msr, value);
	case IVM_MSR_KVM_CLOCK:
		return ivm_clock_write(vcpu, msr, value);
	case IVM_MSR_KVM_EOI:
		return ivm_eoi_write(vcpu, value);
	case IVM_MSR_NONE:
		break;
	}
	vcpu->count[IVM_COUNT_MSR_UNKNOWN]++;
	return -EINVAL;
}

void ivm_exit_rdmsr(struct ivm_vcpu *vcpu)
{
	u64 *gpr = vcpu->cpu.regs.gpr;
	u64 value;

	if (exit_msr_read(vcpu, gpr[IVM_RCX], &value)) {
		ivm_exit_inject_gp(vcpu);
		return;
	}
	gpr[IVM_RAX] = (u32)value;
	gpr[IVM_RDX] = value >> 32;
	ivm_exit_skip(vcpu, OP_RDMSR);
}

void ivm_exit_wrmsr(struct ivm_vcpu *vcpu)
{
	const u64 *gpr = vcpu->cpu.regs.gpr;

	if (exit_msr_write(vcpu, gpr[IVM_RCX], (u32)gpr[IVM_RAX] | gpr[IVM_RDX] << 32))
		ivm_exit_inject_gp(vcpu);
	else
		ivm_exit_skip(vcpu, OP_WRMSR);
}
