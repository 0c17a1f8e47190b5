// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exit dispatch. Every handler runs in the inner loop: interrupts off, no
 * sleeping, bounded work. What the guest does wrong ends in a fault in the
 * guest or in the end of this VM.
 */
#include "priv.h"
#include "../cpu/fpu.h"
#include "../trace.h"

#include <asm/debugreg.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include <uapi/linux/kvm_para.h>

/* Opcodes as ivm_emul_length() wants them. */
#define OP_CPUID	0x0fa2
#define OP_HLT		0xf4
#define OP_VMMCALL	0x0f01d9
#define OP_VMCALL	0x0f01c1
#define OP_WBINVD	0x0f09
#define OP_INVD		0x0f08
#define OP_PAUSE	0xf390

/* Leaves whose answers depend on the LAPIC, and on XCR0. */
#define CPUID_FEATURES	1
#define CPUID_XSAVE	0xd
#define CPUID_EXTENDED	BIT(31)

const struct ivm_emul_cpu *ivm_exit_view(struct ivm_vcpu *vcpu)
{
	ivm_backend->get_sregs(&vcpu->cpu, &vcpu->sregs);
	return &vcpu->emul;
}

/* The guest shut itself down; where it was says why. After SHUTDOWN the state is what the CPU left (APM 15.14.3). */
static void exit_shutdown(struct ivm_vcpu *vcpu)
{
	const struct ivm_regs *regs = &vcpu->cpu.regs;
	const struct ivm_sregs *sregs = ivm_exit_view(vcpu)->sregs;
	char text[IVM_TEXT_MAX];

	snprintf(text, sizeof(text),
		 "vCPU %u: RIP %#llx, RSP %#llx, CR0 %#llx, CR2 %#llx, CR3 %#llx, CS %#x, IDT %#llx+%#x", vcpu->index,
		 regs->rip, regs->gpr[IVM_RSP], sregs->cr0, sregs->cr2, sregs->cr3, sregs->seg[IVM_CS].selector,
		 sregs->idtr.base, sregs->idtr.limit);
	ivm_vm_wish_stop(vcpu->vm, IVM_STOP_TRIPLE_FAULT, vcpu->index, text);
	vcpu->leave = true;
}

/**
 * ivm_exit_inject() - deliver a fault to the guest; RIP stays at the instruction
 * @vcpu:  whose guest faults
 * @fault: what it gets
 */
void ivm_exit_inject(struct ivm_vcpu *vcpu, const struct ivm_fault *fault)
{
	vcpu->count[IVM_COUNT_FAULT]++;
	if (ivm_backend->inject_fault(&vcpu->cpu, fault))
		exit_shutdown(vcpu);
}

void ivm_exit_inject_gp(struct ivm_vcpu *vcpu)
{
	static const struct ivm_fault gp = { .vector = X86_TRAP_GP, .has_error = true };

	ivm_exit_inject(vcpu, &gp);
}

static void exit_inject_ud(struct ivm_vcpu *vcpu)
{
	static const struct ivm_fault ud = { .vector = X86_TRAP_UD };

	ivm_exit_inject(vcpu, &ud);
}

/* A single step over an instruction that we answered: the trap is ours to deliver (APM 13.1.4). */
void ivm_exit_single_step(struct ivm_vcpu *vcpu)
{
	static const struct ivm_fault db = { .vector = X86_TRAP_DB };
	const struct ivm_cpu_ops *ops = ivm_backend;

	ops->write_dr(&vcpu->cpu, 6, ops->read_dr(&vcpu->cpu, 6) | DR_STEP);
	ivm_exit_inject(vcpu, &db);
}

static void exit_skip_either(struct ivm_vcpu *vcpu, u32 opcode, u32 other)
{
	u64 rip = vcpu->cpu.regs.rip;

	ivm_exit_skip(vcpu, opcode);
	if (vcpu->cpu.regs.rip == rip)
		ivm_exit_skip(vcpu, other);
}

static void exit_cpuid_put(u64 *gpr, const struct ivm_cpuid_regs *answer)
{
	gpr[IVM_RAX] = answer->eax;
	gpr[IVM_RBX] = answer->ebx;
	gpr[IVM_RCX] = answer->ecx;
	gpr[IVM_RDX] = answer->edx;
}

/* Leaves whose answers depend on the vCPU and on what the guest has switched on. */
static noinline void exit_cpuid_live(struct ivm_vcpu *vcpu, u32 leaf, u32 subleaf)
{
	struct ivm_cpuid_state state = {
		.vcpu = vcpu->index,
		.cr4 = ivm_backend->cr4(&vcpu->cpu),
		.xcr0 = leaf == CPUID_XSAVE ? ivm_fpu_xcr0_live() : 0,
		.apic_enabled = (leaf & ~CPUID_EXTENDED) != CPUID_FEATURES ||
				ivm_lapic_enabled(vcpu->vm->irq, vcpu->index),
	};
	struct ivm_cpuid_regs answer;

	ivm_cpuid_answer(vcpu->vm->cpuid, &state, leaf, subleaf, &answer);
	exit_cpuid_put(vcpu->cpu.regs.gpr, &answer);
}

static void exit_cpuid(struct ivm_vcpu *vcpu)
{
	u64 *gpr = vcpu->cpu.regs.gpr;
	const struct ivm_cpuid_regs *answer;
	unsigned int length = vcpu->cpu.exit.length;

	if (!length)
		length = ivm_emul_length(ivm_exit_code(vcpu), OP_CPUID);
	if (unlikely(!length))
		return;
	answer = ivm_cpuid_fixed(vcpu->vm->cpuid, gpr[IVM_RAX], gpr[IVM_RCX]);
	if (likely(answer))
		exit_cpuid_put(gpr, answer);
	else
		exit_cpuid_live(vcpu, gpr[IVM_RAX], gpr[IVM_RCX]);
	ivm_exit_advance(vcpu, length);
}

static void exit_hlt(struct ivm_vcpu *vcpu)
{
	u64 rip = vcpu->cpu.regs.rip;

	ivm_exit_skip(vcpu, OP_HLT);
	if (vcpu->cpu.regs.rip == rip)
		return;
	/* The outer loop looks for a reason to go on before it sleeps. */
	vcpu->halted = true;
	vcpu->irq_check = true;
	vcpu->leave = true;
	vcpu->count[IVM_COUNT_HALT]++;
}

/* The documented KVM interface answers calls it does not offer with -ENOSYS; from user mode they are refused. */
static void exit_hypercall(struct ivm_vcpu *vcpu)
{
	const struct ivm_emul_cpu *view = ivm_exit_code(vcpu);

	vcpu->cpu.regs.gpr[IVM_RAX] = view->sregs->cpl ? -KVM_EPERM : -KVM_ENOSYS;
	exit_skip_either(vcpu, OP_VMMCALL, OP_VMCALL);
}

static void exit_leave(struct ivm_vcpu *vcpu)
{
	vcpu->leave = true;
}

static void exit_irq_window(struct ivm_vcpu *vcpu)
{
	vcpu->irq_check = true;
}

/* The next entry looks at pending NMIs by itself. */
static void exit_nothing(struct ivm_vcpu *vcpu)
{
}

/*
 * Caches are coherent and no device of this guest bypasses them: nothing to
 * write back. A real WBINVD would let a guest slow down its neighbours.
 */
static void exit_cache(struct ivm_vcpu *vcpu)
{
	exit_skip_either(vcpu, OP_WBINVD, OP_INVD);
}

static void exit_pause(struct ivm_vcpu *vcpu)
{
	ivm_exit_skip(vcpu, OP_PAUSE);
}

static void exit_exception(struct ivm_vcpu *vcpu)
{
	ivm_exit_inject(vcpu, &vcpu->cpu.exit.exc);
}

static void exit_end(struct ivm_vcpu *vcpu)
{
	char text[IVM_TEXT_MAX];

	snprintf(text, sizeof(text), vcpu->cpu.exit.reason == IVM_EXIT_INVALID ?
		 "vCPU %u: the CPU refused the guest's state (RIP %#llx)" :
		 "vCPU %u: exit that IVM does not know (RIP %#llx, code %#llx)",
		 vcpu->index, vcpu->cpu.regs.rip, vcpu->cpu.exit.code);
	ivm_vm_wish_stop(vcpu->vm, IVM_STOP_ERROR, vcpu->cpu.exit.code, text);
	vcpu->leave = true;
}

void (*const ivm_exit_handlers[IVM_EXIT_REASONS])(struct ivm_vcpu *vcpu) = {
	[IVM_EXIT_INTERRUPT]	= exit_leave,
	[IVM_EXIT_NMI]		= exit_leave,
	[IVM_EXIT_IRQ_WINDOW]	= exit_irq_window,
	[IVM_EXIT_NMI_WINDOW]	= exit_nothing,
	[IVM_EXIT_CPUID]	= exit_cpuid,
	[IVM_EXIT_HLT]		= exit_hlt,
	[IVM_EXIT_IO]		= ivm_exit_io,
	[IVM_EXIT_RDMSR]	= ivm_exit_rdmsr,
	[IVM_EXIT_WRMSR]	= ivm_exit_wrmsr,
	[IVM_EXIT_CR_ACCESS]	= ivm_exit_cr,
	[IVM_EXIT_DR_ACCESS]	= ivm_exit_dr,
	[IVM_EXIT_XSETBV]	= ivm_exit_xsetbv,
	[IVM_EXIT_HYPERCALL]	= exit_hypercall,
	[IVM_EXIT_MEMORY]	= ivm_exit_memory,
	[IVM_EXIT_PAGE_FAULT]	= ivm_paging_fault,
	[IVM_EXIT_INVLPG]	= ivm_paging_system,
	[IVM_EXIT_TASK_SWITCH]	= ivm_paging_task_switch,
	[IVM_EXIT_EXCEPTION]	= exit_exception,
	[IVM_EXIT_MACHINE_CHECK] = exit_leave,
	[IVM_EXIT_UNDEFINED]	= exit_inject_ud,
	[IVM_EXIT_CACHE]	= exit_cache,
	[IVM_EXIT_RDPMC]	= ivm_exit_inject_gp,
	[IVM_EXIT_PAUSE]	= exit_pause,
	[IVM_EXIT_TRIPLE_FAULT]	= exit_shutdown,
	[IVM_EXIT_INVALID]	= exit_end,
	[IVM_EXIT_UNKNOWN]	= exit_end,
};

/* What a trace shows beside the reason: port, MSR, CPUID leaf or address. */
static u64 exit_info(const struct ivm_vcpu *vcpu)
{
	switch (vcpu->cpu.exit.reason) {
	case IVM_EXIT_IO:
		return vcpu->cpu.exit.io.port;
	case IVM_EXIT_MEMORY:
		return vcpu->cpu.exit.mem.gpa;
	case IVM_EXIT_PAGE_FAULT:
		return vcpu->cpu.exit.exc.address;
	case IVM_EXIT_RDMSR:
	case IVM_EXIT_WRMSR:
		return (u32)vcpu->cpu.regs.gpr[IVM_RCX];
	case IVM_EXIT_CPUID:
		return (u32)vcpu->cpu.regs.gpr[IVM_RAX];
	default:
		return 0;
	}
}

void ivm_exit_trace(const struct ivm_vcpu *vcpu)
{
	trace_ivm_exit(vcpu->vm->id, vcpu->index, vcpu->cpu.exit.reason, vcpu->cpu.exit.code, exit_info(vcpu),
		       vcpu->cpu.regs.rip);
}
