// SPDX-License-Identifier: GPL-2.0-only
/* MOV to and from CR4, CR8 and the debug registers; XSETBV. */
#include "priv.h"
#include "../cpu/fpu.h"

#include <asm/debugreg.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#define DR6_BD		BIT(13)	/* a debug register was touched under DR7.GD */
#define DR7_GD		BIT(13)

#define OP_MOV_FROM_CR	0x0f20
#define OP_MOV_FROM_DR	0x0f21
#define OP_MOV_TO_CR	0x0f22
#define OP_MOV_TO_DR	0x0f23
#define OP_XSETBV	0x0f01d1

/* The general register of the MOV, by the CPU's word or from its bytes. Returns the length, 0 when unreadable. */
static unsigned int exit_reg_operand(struct ivm_vcpu *vcpu, u32 opcode, unsigned int *gpr)
{
	const struct ivm_exit *exit = &vcpu->cpu.exit;

	if (exit->length && exit->reg.decoded) {
		*gpr = exit->reg.gpr;
		return exit->length;
	}
	return ivm_emul_mov_reg(ivm_exit_code(vcpu), opcode, gpr);
}

static bool exit_long_mode(struct ivm_vcpu *vcpu)
{
	const struct ivm_sregs *sregs = ivm_exit_code(vcpu)->sregs;

	return (sregs->efer & EFER_LMA) && (sregs->seg[IVM_CS].attr & BIT(9));
}

void ivm_exit_cr(struct ivm_vcpu *vcpu)
{
	const struct ivm_exit *exit = &vcpu->cpu.exit;
	u64 *gprs = vcpu->cpu.regs.gpr;
	unsigned int gpr, length;
	u64 value;
	int err;

	if (vcpu->tables && exit->reg.number != 8) {
		ivm_paging_system(vcpu);
		return;
	}
	length = exit_reg_operand(vcpu, exit->reg.write ? OP_MOV_TO_CR : OP_MOV_FROM_CR, &gpr);
	if (!length)
		return;
	if (!exit->reg.write) {		/* only CR8 */
		gprs[gpr] = ivm_lapic_cr8(vcpu->vm->irq, vcpu->index);
		ivm_exit_advance(vcpu, length);
		return;
	}
	value = exit_long_mode(vcpu) ? gprs[gpr] : (u32)gprs[gpr];
	if (exit->reg.number == 8) {
		err = value >> 4 ? -EINVAL : 0;
		if (!err)
			ivm_lapic_set_cr8(vcpu->vm->irq, vcpu->index, value);
		vcpu->irq_check = true;
	} else {
		err = ivm_backend->write_cr4(&vcpu->cpu, value, vcpu->vm->cr4_allowed);
	}
	if (err)
		ivm_exit_inject_gp(vcpu);
	else
		ivm_exit_advance(vcpu, length);
}

/* DR4 and DR5 are other names of DR6 and DR7, unless CR4.DE makes them undefined (APM 13.1.1.3). */
void ivm_exit_dr(struct ivm_vcpu *vcpu)
{
	static const struct ivm_fault ud = { .vector = X86_TRAP_UD };
	static const struct ivm_fault db = { .vector = X86_TRAP_DB };
	const struct ivm_cpu_ops *ops = ivm_backend;
	const struct ivm_exit *exit = &vcpu->cpu.exit;
	unsigned int gpr, length, number = exit->reg.number & 7;
	u64 *gprs = vcpu->cpu.regs.gpr;
	u64 value;

	length = exit_reg_operand(vcpu, exit->reg.write ? OP_MOV_TO_DR : OP_MOV_FROM_DR, &gpr);
	if (!length)
		return;
	if (exit->reg.number > 7 || (number / 2 == 2 && (ops->cr4(&vcpu->cpu) & X86_CR4_DE))) {
		ivm_exit_inject(vcpu, &ud);
		return;
	}
	if (number / 2 == 2)
		number += 2;
	if (ops->read_dr(&vcpu->cpu, 7) & DR7_GD) {	/* general detect (APM 13.1.1.4) */
		ops->write_dr(&vcpu->cpu, 7, ops->read_dr(&vcpu->cpu, 7) & ~(u64)DR7_GD);
		ops->write_dr(&vcpu->cpu, 6, ops->read_dr(&vcpu->cpu, 6) | DR6_BD);
		ivm_exit_inject(vcpu, &db);
		return;
	}
	if (!exit->reg.write) {
		gprs[gpr] = ops->read_dr(&vcpu->cpu, number);
		ivm_exit_advance(vcpu, length);
		return;
	}
	value = exit_long_mode(vcpu) ? gprs[gpr] : (u32)gprs[gpr];
	if (ops->write_dr(&vcpu->cpu, number, value)) {
		ivm_exit_inject_gp(vcpu);
		return;
	}
	vcpu->leave = true;	/* load() puts DR0-3 in force */
	ivm_exit_advance(vcpu, length);
}

void ivm_exit_xsetbv(struct ivm_vcpu *vcpu)
{
	const u64 *gpr = vcpu->cpu.regs.gpr;
	u64 value = (u32)gpr[IVM_RAX] | gpr[IVM_RDX] << 32;

	/* The CPU checked CPL and CR4.OSXSAVE, or we do: order differs between makers (APM 15.9). */
	if (!(ivm_backend->cr4(&vcpu->cpu) & X86_CR4_OSXSAVE)) {
		static const struct ivm_fault ud = { .vector = X86_TRAP_UD };

		ivm_exit_inject(vcpu, &ud);
		return;
	}
	if (ivm_exit_code(vcpu)->sregs->cpl || (u32)gpr[IVM_RCX] || ivm_fpu_set_xcr0(vcpu->cpu.fpu, value))
		ivm_exit_inject_gp(vcpu);
	else
		ivm_exit_skip(vcpu, OP_XSETBV);
}
