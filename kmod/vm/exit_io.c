// SPDX-License-Identifier: GPL-2.0-only
/* Port accesses: to the bus, all ones where nobody answers. */
#include "priv.h"
#include "../dev/dev.h"

/* Opcodes of IN and OUT: by immediate and by DX, of a byte and of more. For CPUs that tell no length: not the hot path. */
static noinline unsigned int exit_io_length(struct ivm_vcpu *vcpu)
{
	static const u32 opcodes[] = { 0xec, 0xed, 0xee, 0xef, 0xe4, 0xe5, 0xe6, 0xe7 };
	const struct ivm_emul_cpu *view = ivm_exit_code(vcpu);
	unsigned int i, length;

	for (i = 0; i < ARRAY_SIZE(opcodes); i++) {
		length = ivm_emul_length(view, opcodes[i]);
		if (length)
			return length;
	}
	return 0;
}

static void exit_io_read(void *ctx, u16 port, unsigned int size, u32 *value)
{
	struct ivm_vcpu *vcpu = ctx;
	u64 answer = 0;

	if (!ivm_bus_read(ivm_platform_bus(vcpu->vm->platform), IVM_BUS_IO, port, size, &answer)) {
		vcpu->count[IVM_COUNT_PORT_UNCLAIMED]++;
		answer = ~0ULL;
	}
	*value = answer & (~0U >> (32 - 8 * size));
}

static void exit_io_write(void *ctx, u16 port, unsigned int size, u32 value)
{
	struct ivm_vcpu *vcpu = ctx;

	if (!ivm_bus_write(ivm_platform_bus(vcpu->vm->platform), IVM_BUS_IO, port, size, value))
		vcpu->count[IVM_COUNT_PORT_UNCLAIMED]++;
}

static bool exit_mmio_read(void *ctx, u64 gpa, unsigned int size, u64 *value)
{
	struct ivm_vcpu *vcpu = ctx;

	if (ivm_lapic_claims(vcpu->vm->irq, vcpu->index, gpa)) {
		*value = ivm_lapic_read(vcpu->vm->irq, vcpu->index, gpa, size);
		return true;
	}
	return ivm_bus_read(ivm_platform_bus(vcpu->vm->platform), IVM_BUS_MMIO, gpa, size, value);
}

static bool exit_mmio_write(void *ctx, u64 gpa, unsigned int size, u64 value)
{
	struct ivm_vcpu *vcpu = ctx;

	if (ivm_lapic_claims(vcpu->vm->irq, vcpu->index, gpa)) {
		ivm_lapic_write(vcpu->vm->irq, vcpu->index, gpa, size, value);
		vcpu->irq_check = true;	/* as with the MSRs */
		return true;
	}
	return ivm_bus_write(ivm_platform_bus(vcpu->vm->platform), IVM_BUS_MMIO, gpa, size, value);
}

const struct ivm_emul_ops ivm_exit_emul_ops = {
	.mmio_read = exit_mmio_read,
	.mmio_write = exit_mmio_write,
	.io_read = exit_io_read,
	.io_write = exit_io_write,
};

static noinline void exit_string_io(struct ivm_vcpu *vcpu)
{
	bool stepping = vcpu->cpu.regs.rflags & X86_EFLAGS_TF;
	struct ivm_fault fault;
	u64 gpa;

	switch (ivm_emul_string_io(ivm_exit_view(vcpu), &ivm_exit_emul_ops, vcpu, &fault, &gpa)) {
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
		ivm_exit_outside(vcpu, gpa, "string I/O");
		return;
	case IVM_EMUL_UNKNOWN:
		/* Its bytes changed under us: it executes again. */
		return;
	}
}

void ivm_exit_io(struct ivm_vcpu *vcpu)
{
	const struct ivm_exit *exit = &vcpu->cpu.exit;
	u64 *rax = &vcpu->cpu.regs.gpr[IVM_RAX];
	unsigned int size = exit->io.size, length = exit->length;
	u64 mask = ~0U >> (32 - 8 * size);
	u32 value;

	if (unlikely(exit->io.string)) {
		exit_string_io(vcpu);
		return;
	}
	if (exit->io.next_rip)
		length = exit->io.next_rip - vcpu->cpu.regs.rip;
	else if (!length)
		length = exit_io_length(vcpu);
	if (!length)
		return;
	if (exit->io.in) {
		exit_io_read(vcpu, exit->io.port, size, &value);
		/* Results of 32 bits clear the upper half, smaller ones leave the rest. */
		*rax = size == 4 ? value : (*rax & ~mask) | value;
	} else {
		exit_io_write(vcpu, exit->io.port, size, *rax & mask);
	}
	ivm_exit_advance(vcpu, length);
}
