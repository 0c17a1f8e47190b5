// SPDX-License-Identifier: GPL-2.0-only
/* From the VMCB's exit code to the neutral form (APM appendix C). */
#include "svm.h"

#include <asm/mce.h>
#include <asm/ptrace.h>
#include <asm/processor.h>
#include <asm/trapnr.h>

#define SVM_EXIT_INIT_SIGNAL	0x063
#define SVM_EXIT_DR_LAST	0x03f
#define SVM_EXIT_CR_LAST	0x01f
#define SVM_EXIT_GPR_VALID	BIT_ULL(63)	/* of EXITINFO1, with decode assists: MOV CRn form */
#define SVM_EXIT_INVLPGB	0x0a0
#define SVM_EXIT_INVLPGB_ILLEGAL 0x0a1
#define SVM_NPF_WRITE		BIT_ULL(1)
#define SVM_NPF_FETCH		BIT_ULL(4)
#define SVM_NPF_TABLE		BIT_ULL(33)

static void svm_exit_io(struct ivm_exit *exit, const struct vmcb_control_area *control)
{
	u32 info = control->exit_info_1;

	exit->reason = IVM_EXIT_IO;
	exit->io.port = info >> 16;
	exit->io.size = (info & SVM_IOIO_SIZE_MASK) >> SVM_IOIO_SIZE_SHIFT;
	exit->io.in = info & SVM_IOIO_TYPE_MASK;
	exit->io.string = info & SVM_IOIO_STR_MASK;
	exit->io.next_rip = control->exit_info_2;
}

static void svm_exit_reg(struct ivm_exit *exit, const struct vmcb_control_area *control,
			 enum ivm_exit_reason reason, u32 code)
{
	exit->reason = reason;
	exit->reg.number = code & 15;
	exit->reg.write = code & 16;
	exit->reg.gpr = control->exit_info_1 & 15;
	exit->reg.decoded = svm_features.decode_assists &&
			    (reason == IVM_EXIT_DR_ACCESS || (control->exit_info_1 & SVM_EXIT_GPR_VALID));
}

static void svm_exit_exception(struct ivm_cpu *cpu, const struct vmcb *vmcb, u8 vector)
{
	struct ivm_exit *exit = &cpu->exit;

	exit->reason = IVM_EXIT_EXCEPTION;
	exit->exc.vector = vector;
	exit->exc.has_error = vector == X86_TRAP_AC || vector == X86_TRAP_PF;
	exit->exc.error = vmcb->control.exit_info_1;
	exit->exc.address = vmcb->control.exit_info_2;	/* of a #PF */
}

/*
 * A machine check of the host happened while the guest ran. The intercept kept
 * it from the guest's IDT; give it to the kernel as if it had hit the host in
 * user mode, so that it stays recoverable where the hardware says so.
 */
static void svm_machine_check(void)
{
#ifdef CONFIG_X86_MCE
	struct pt_regs regs = {
		.cs = 3,
		.flags = X86_EFLAGS_IF,
	};

	do_machine_check(&regs);
#endif
}

/**
 * svm_decode_exit() - fill cpu->exit from the VMCB
 * @cpu: that just left the guest
 *
 * Context: inner loop, after svm_switch().
 */
void svm_decode_exit(struct ivm_cpu *cpu)
{
	struct svm_vcpu *svm = svm_of(cpu);
	const struct vmcb *vmcb = svm->vmcb;
	const struct vmcb_control_area *control = &vmcb->control;
	struct ivm_exit *exit = &cpu->exit;
	u32 code = control->exit_code;

	exit->code = code;
	exit->length = 0;
	if (svm_features.next_rip && control->next_rip)
		exit->length = control->next_rip - vmcb->save.rip;

	switch (code) {
	case SVM_EXIT_CPUID:
		exit->reason = IVM_EXIT_CPUID;
		return;
	case SVM_EXIT_MSR:
		exit->reason = control->exit_info_1 & 1 ? IVM_EXIT_WRMSR : IVM_EXIT_RDMSR;
		return;
	case SVM_EXIT_IOIO:
		svm_exit_io(exit, control);
		return;
	case SVM_EXIT_INTR:
		exit->reason = IVM_EXIT_INTERRUPT;
		return;
	case SVM_EXIT_HLT:
		exit->reason = IVM_EXIT_HLT;
		return;
	case SVM_EXIT_NPF:
		exit->reason = IVM_EXIT_MEMORY;
		exit->mem.gpa = control->exit_info_2;
		exit->mem.write = control->exit_info_1 & SVM_NPF_WRITE;
		exit->mem.fetch = control->exit_info_1 & SVM_NPF_FETCH;
		exit->mem.table = control->exit_info_1 & SVM_NPF_TABLE;
		return;
	case SVM_EXIT_VINTR:
		/* Only the window was wanted: take the dummy interrupt down again. */
		svm->vmcb->control.int_ctl &= ~V_IRQ_INJECTION_BITS_MASK;
		svm_set_intercept(svm, INTERCEPT_VINTR, false);
		svm_dirty(svm, SVM_CLEAN_TPR);
		exit->reason = IVM_EXIT_IRQ_WINDOW;
		return;
	case SVM_EXIT_NMI:
	case SVM_EXIT_SMI:
	case SVM_EXIT_INIT_SIGNAL:
		/* STGI let it happen already. */
		exit->reason = IVM_EXIT_NMI;
		return;
	case SVM_EXIT_IRET:
		/* Reported before the IRET executes: NMIs open once RIP has moved on. */
		svm_set_intercept(svm, INTERCEPT_IRET, false);
		svm->iret_seen = true;
		svm->iret_rip = vmcb->save.rip;
		exit->reason = IVM_EXIT_NMI_WINDOW;
		return;
	case SVM_EXIT_VMMCALL:
		exit->reason = IVM_EXIT_HYPERCALL;
		return;
	case SVM_EXIT_XSETBV:
		exit->reason = IVM_EXIT_XSETBV;
		return;
	case SVM_EXIT_WBINVD:
	case SVM_EXIT_INVD:
		exit->reason = IVM_EXIT_CACHE;
		return;
	case SVM_EXIT_RDPMC:
		exit->reason = IVM_EXIT_RDPMC;
		return;
	case SVM_EXIT_PAUSE:
		exit->reason = IVM_EXIT_PAUSE;
		return;
	case SVM_EXIT_SHUTDOWN:
		exit->reason = IVM_EXIT_TRIPLE_FAULT;
		return;
	case SVM_EXIT_VMRUN:
	case SVM_EXIT_VMLOAD:
	case SVM_EXIT_VMSAVE:
	case SVM_EXIT_STGI:
	case SVM_EXIT_CLGI:
	case SVM_EXIT_SKINIT:
	case SVM_EXIT_INVLPGA:
	case SVM_EXIT_RSM:
	case SVM_EXIT_MONITOR:
	case SVM_EXIT_MWAIT:
	case SVM_EXIT_MWAIT_COND:
	case SVM_EXIT_RDPRU:
	case SVM_EXIT_INVPCID:
	case SVM_EXIT_INVLPGB:
	case SVM_EXIT_INVLPGB_ILLEGAL:
		exit->reason = IVM_EXIT_UNDEFINED;
		return;
	case SVM_EXIT_EXCP_BASE + X86_TRAP_MC:
		svm_machine_check();
		exit->reason = IVM_EXIT_MACHINE_CHECK;
		return;
	case SVM_EXIT_EXCP_BASE + X86_TRAP_DB:
	case SVM_EXIT_EXCP_BASE + X86_TRAP_AC:
		svm_exit_exception(cpu, vmcb, code - SVM_EXIT_EXCP_BASE);
		return;
	case SVM_EXIT_EXCP_BASE + X86_TRAP_PF:
		svm_exit_exception(cpu, vmcb, X86_TRAP_PF);
		exit->reason = IVM_EXIT_PAGE_FAULT;
		return;
	case SVM_EXIT_INVLPG:
		exit->reason = IVM_EXIT_INVLPG;
		exit->invlpg.address = control->exit_info_1;
		exit->invlpg.decoded = svm_features.decode_assists;
		return;
	case SVM_EXIT_TASK_SWITCH:
		exit->reason = IVM_EXIT_TASK_SWITCH;
		return;
	case SVM_EXIT_READ_CR0 ... SVM_EXIT_CR_LAST:
		svm_exit_reg(exit, control, IVM_EXIT_CR_ACCESS, code);
		return;
	case SVM_EXIT_READ_DR0 ... SVM_EXIT_DR_LAST:
		svm_exit_reg(exit, control, IVM_EXIT_DR_ACCESS, code);
		return;
	case (u32)SVM_EXIT_ERR:
		exit->reason = IVM_EXIT_INVALID;
		return;
	default:
		exit->reason = IVM_EXIT_UNKNOWN;
		return;
	}
}
