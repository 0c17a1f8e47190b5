// SPDX-License-Identifier: GPL-2.0-only
/* Events for the guest: EVENTINJ, interrupt and NMI windows (APM 15.20, 15.21). */
#include "svm.h"

#include <asm/processor-flags.h>
#include <asm/trapnr.h>

static bool svm_event_pending(const struct svm_vcpu *svm)
{
	return (svm->vmcb->control.event_inj | svm->reinject) & SVM_EVTINJ_VALID;
}

bool svm_can_interrupt(struct ivm_cpu *cpu)
{
	return (cpu->regs.rflags & X86_EFLAGS_IF) && !cpu->shadow && !svm_event_pending(svm_of(cpu));
}

void svm_inject_interrupt(struct ivm_cpu *cpu, u8 vector)
{
	svm_of(cpu)->vmcb->control.event_inj = SVM_EVTINJ_VALID | SVM_EVTINJ_TYPE_INTR | vector;
}

bool svm_can_nmi(struct ivm_cpu *cpu)
{
	struct svm_vcpu *svm = svm_of(cpu);

	if (svm->iret_seen && cpu->regs.rip != svm->iret_rip) {
		svm->iret_seen = false;
		svm->nmi_masked = false;
	}
	return !svm->nmi_masked && !cpu->shadow && !svm_event_pending(svm);
}

void svm_inject_nmi(struct ivm_cpu *cpu)
{
	struct svm_vcpu *svm = svm_of(cpu);

	svm->vmcb->control.event_inj = SVM_EVTINJ_VALID | SVM_EVTINJ_TYPE_NMI | X86_TRAP_NMI;
	svm->nmi_masked = true;
	svm_set_intercept(svm, INTERCEPT_IRET, true);
}

/* Exceptions of which a second during the delivery of a first makes a #DF (APM 8.2.9). */
static bool svm_contributory(u8 vector)
{
	return vector == X86_TRAP_DE || (vector >= X86_TRAP_TS && vector <= X86_TRAP_GP);
}

/**
 * svm_inject_fault() - deliver an exception at the next entry
 * @cpu:   loaded
 * @fault: the exception
 *
 * If the exit cut short the delivery of another event, an interrupt is lost as
 * it would be on the bare machine, and two exceptions combine.
 *
 * Return: true when the guest is shut down by a triple fault.
 * Context: inner loop.
 */
bool svm_inject_fault(struct ivm_cpu *cpu, const struct ivm_fault *fault)
{
	struct svm_vcpu *svm = svm_of(cpu);
	struct vmcb_control_area *control = &svm->vmcb->control;
	u8 vector = fault->vector;
	bool has_error = fault->has_error;
	u32 error = fault->error;

	if ((svm->reinject & SVM_EVTINJ_VALID) &&
	    (svm->reinject & SVM_EVTINJ_TYPE_MASK) == SVM_EVTINJ_TYPE_EXEPT) {
		u8 first = svm->reinject & SVM_EVTINJ_VEC_MASK;

		if (first == X86_TRAP_DF)
			return true;
		if ((svm_contributory(first) && svm_contributory(vector)) ||
		    (first == X86_TRAP_PF && (svm_contributory(vector) || vector == X86_TRAP_PF))) {
			vector = X86_TRAP_DF;
			has_error = true;
			error = 0;
		}
	}
	svm->reinject = 0;
	if (vector == X86_TRAP_PF) {
		svm->vmcb->save.cr2 = fault->address;
		svm_dirty(svm, SVM_CLEAN_CR2);
	}
	control->event_inj = SVM_EVTINJ_VALID | SVM_EVTINJ_TYPE_EXEPT | vector |
			     (has_error ? SVM_EVTINJ_VALID_ERR : 0);
	control->event_inj_err = error;
	return false;
}

/**
 * svm_irq_window() - exit when the guest can take an interrupt
 * @cpu: loaded
 *
 * A virtual interrupt that is intercepted: it "fires" when RFLAGS.IF, the
 * shadow and GIF allow it, which is all we want to know (APM 15.21.4).
 */
void svm_irq_window(struct ivm_cpu *cpu)
{
	struct svm_vcpu *svm = svm_of(cpu);

	/* Here the window would open at once; the next exit comes with the HLT, or the host's tick. */
	if (unlikely(cpu->shadow && svm->shadow_kept))
		return;
	/* V_IRQ again each time: the CPU may write back its own view of it at any exit. */
	svm->vmcb->control.int_ctl |= V_IRQ_MASK | V_IGN_TPR_MASK | V_INTR_PRIO_MASK;
	svm_dirty(svm, SVM_CLEAN_TPR);
	svm_set_intercept(svm, INTERCEPT_VINTR, true);
}

/* While NMIs are masked the IRET intercept is on already; a shadow or an event in flight ends by itself. */
void svm_nmi_window(struct ivm_cpu *cpu)
{
	struct svm_vcpu *svm = svm_of(cpu);

	if (svm->nmi_masked && !svm->iret_seen)
		svm_set_intercept(svm, INTERCEPT_IRET, true);
	else
		svm_irq_window(cpu);
}
