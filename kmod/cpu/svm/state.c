// SPDX-License-Identifier: GPL-2.0-only
/* Guest registers in the VMCB: reset state, segments, control and debug registers, MSRs. */
#include "svm.h"
#include "../../why.h"

#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#define SVM_ATTR_CODE	0x009b	/* present, code, readable, accessed */
#define SVM_ATTR_DATA	0x0093
#define SVM_ATTR_LDT	0x0082
#define SVM_ATTR_TSS	0x008b	/* busy 32-bit TSS */
#define SVM_ATTR_L	BIT(9)
#define SVM_ATTR_DB	BIT(10)

#define SVM_CR0_RESET	0x60000010ULL	/* CD, NW, ET */
#define SVM_DR6_RESET	0xffff0ff0ULL
#define SVM_DR7_RESET	0x400ULL
#define SVM_PAT_RESET	0x0007040600070406ULL

static void svm_seg(struct vmcb_seg *seg, u16 selector, u64 base, u32 limit, u16 attr)
{
	seg->selector = selector;
	seg->base = base;
	seg->limit = limit;
	seg->attrib = attr;
}

/* The save area holds what the guest is to find: from here on it is kept beside what the CPU gets. */
static void svm_shadow_begin(struct ivm_cpu *cpu)
{
	const struct vmcb_save_area *save = &svm_of(cpu)->vmcb->save;

	cpu->paging = (struct ivm_paging){
		.cr0 = save->cr0, .cr3 = save->cr3, .cr4 = save->cr4, .efer = save->efer & ~EFER_SVME
	};
	cpu->repage = true;
}

/* Also for INIT: what INIT keeps (FPU, most MSRs, APIC base) is not in these fields or is vm/'s (APM 14.1.3). */
void svm_reset(struct ivm_cpu *cpu)
{
	struct svm_vcpu *svm = svm_of(cpu);
	struct vmcb_save_area *save = &svm->vmcb->save;
	struct vmcb_control_area *control = &svm->vmcb->control;

	memset(cpu->regs.gpr, 0, sizeof(cpu->regs.gpr));
	cpu->regs.gpr[IVM_RDX] = cpuid_eax(1);	/* family, model, stepping */
	cpu->regs.rip = 0xfff0;
	cpu->regs.rflags = X86_EFLAGS_FIXED;
	cpu->shadow = false;
	memset(cpu->dr, 0, sizeof(cpu->dr));

	svm_seg(&save->cs, 0xf000, 0xffff0000, 0xffff, SVM_ATTR_CODE);
	svm_seg(&save->ds, 0, 0, 0xffff, SVM_ATTR_DATA);
	save->es = save->ds;
	save->fs = save->ds;
	save->gs = save->ds;
	save->ss = save->ds;
	svm_seg(&save->gdtr, 0, 0, 0xffff, 0);
	svm_seg(&save->idtr, 0, 0, 0xffff, 0);
	svm_seg(&save->ldtr, 0, 0, 0xffff, SVM_ATTR_LDT);
	svm_seg(&save->tr, 0, 0, 0xffff, SVM_ATTR_TSS);
	save->cpl = 0;
	save->efer = EFER_SVME;
	save->cr0 = SVM_CR0_RESET;
	save->cr2 = 0;
	save->cr3 = 0;
	save->cr4 = 0;
	save->dr6 = SVM_DR6_RESET;
	save->dr7 = SVM_DR7_RESET;
	save->dbgctl = 0;
	save->g_pat = SVM_PAT_RESET;
	save->star = 0;
	save->lstar = 0;
	save->cstar = 0;
	save->sfmask = 0;
	save->kernel_gs_base = 0;
	save->sysenter_cs = 0;
	save->sysenter_esp = 0;
	save->sysenter_eip = 0;

	control->event_inj = 0;
	control->int_state = 0;
	control->int_ctl = V_INTR_MASKING_MASK;
	svm->reinject = 0;
	svm->nmi_masked = false;
	svm->iret_seen = false;
	svm_set_intercept(svm, INTERCEPT_VINTR, false);
	svm_set_intercept(svm, INTERCEPT_IRET, false);
	control->clean = 0;
	svm->asid_generation = 0;	/* INIT flushes the TLB */
	svm_shadow_begin(cpu);
}

void svm_sipi(struct ivm_cpu *cpu, u8 vector)
{
	struct svm_vcpu *svm = svm_of(cpu);

	svm_seg(&svm->vmcb->save.cs, vector << 8, vector << 12, 0xffff, SVM_ATTR_CODE);
	cpu->regs.rip = 0;
	svm_dirty(svm, SVM_CLEAN_SEG);
}

static void svm_get_seg(struct ivm_segreg *to, const struct vmcb_seg *from)
{
	to->selector = from->selector;
	to->attr = from->attrib;
	to->limit = from->limit;
	to->base = from->base;
}

void svm_get_code(struct ivm_cpu *cpu, struct ivm_sregs *sregs)
{
	const struct vmcb_save_area *save = &svm_of(cpu)->vmcb->save;

	if (unlikely(cpu->shadowed)) {
		sregs->cr0 = cpu->paging.cr0;
		sregs->cr3 = cpu->paging.cr3;
		sregs->cr4 = cpu->paging.cr4;
		sregs->efer = cpu->paging.efer;
	} else {
		sregs->cr0 = save->cr0;
		sregs->cr3 = save->cr3;
		sregs->cr4 = save->cr4;
		sregs->efer = save->efer & ~EFER_SVME;
	}
	sregs->cpl = save->cpl;
	svm_get_seg(&sregs->seg[IVM_CS], &save->cs);
}

void svm_get_sregs(struct ivm_cpu *cpu, struct ivm_sregs *sregs)
{
	const struct vmcb_save_area *save = &svm_of(cpu)->vmcb->save;

	svm_get_code(cpu, sregs);
	sregs->cr2 = save->cr2;
	svm_get_seg(&sregs->seg[IVM_ES], &save->es);
	svm_get_seg(&sregs->seg[IVM_SS], &save->ss);
	svm_get_seg(&sregs->seg[IVM_DS], &save->ds);
	svm_get_seg(&sregs->seg[IVM_FS], &save->fs);
	svm_get_seg(&sregs->seg[IVM_GS], &save->gs);
	svm_get_seg(&sregs->tr, &save->tr);
	svm_get_seg(&sregs->ldtr, &save->ldtr);
	svm_get_seg(&sregs->gdtr, &save->gdtr);
	svm_get_seg(&sregs->idtr, &save->idtr);
}

static void svm_put_seg(struct vmcb_seg *to, const struct ivm_segreg *from)
{
	to->selector = from->selector;
	to->attrib = from->attr & 0xfff;
	to->limit = from->limit;
	to->base = from->base;
}

/* The consistency checks of VMRUN that control registers can fail (APM 15.5.1). */
static int svm_check(const struct ivm_sregs *s, struct ivm_why *why)
{
	u16 cs = s->seg[IVM_CS].attr;
	bool lma = (s->efer & EFER_LME) && (s->cr0 & X86_CR0_PG);

	if (s->cr0 >> 32 || ((s->cr0 & X86_CR0_NW) && !(s->cr0 & X86_CR0_CD)) ||
	    ((s->cr0 & X86_CR0_PG) && !(s->cr0 & X86_CR0_PE)))
		return ivm_why(why, 0, -EINVAL, "boot registers: CR0 %#llx is no legal value", s->cr0);
	if (s->cr4 & ~(u64)(X86_CR4_PAE | X86_CR4_PSE | X86_CR4_PGE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_DE))
		return ivm_why(why, 0, -EINVAL, "boot registers: CR4 %#llx has bits that cannot be set at boot", s->cr4);
	if (s->efer & ~(u64)(EFER_LME | EFER_LMA | EFER_NX | EFER_SCE) || !!(s->efer & EFER_LMA) != lma)
		return ivm_why(why, 0, -EINVAL, "boot registers: EFER %#llx does not fit CR0 %#llx", s->efer, s->cr0);
	if (lma && (!(s->cr4 & X86_CR4_PAE) || ((cs & SVM_ATTR_L) && (cs & SVM_ATTR_DB))))
		return ivm_why(why, 0, -EINVAL, "boot registers: long mode needs CR4.PAE, and CS.L excludes CS.D");
	if (s->cr3 >> 52)
		return ivm_why(why, 0, -EINVAL, "boot registers: CR3 %#llx has reserved bits", s->cr3);
	return 0;
}

int svm_set_sregs(struct ivm_cpu *cpu, const struct ivm_sregs *sregs, struct ivm_why *why)
{
	struct svm_vcpu *svm = svm_of(cpu);
	struct vmcb_save_area *save = &svm->vmcb->save;
	int err = svm_check(sregs, why);

	if (err)
		return err;
	svm_put_seg(&save->es, &sregs->seg[IVM_ES]);
	svm_put_seg(&save->cs, &sregs->seg[IVM_CS]);
	svm_put_seg(&save->ss, &sregs->seg[IVM_SS]);
	svm_put_seg(&save->ds, &sregs->seg[IVM_DS]);
	svm_put_seg(&save->fs, &sregs->seg[IVM_FS]);
	svm_put_seg(&save->gs, &sregs->seg[IVM_GS]);
	svm_put_seg(&save->tr, &sregs->tr);
	svm_put_seg(&save->ldtr, &sregs->ldtr);
	svm_put_seg(&save->gdtr, &sregs->gdtr);
	svm_put_seg(&save->idtr, &sregs->idtr);
	save->cr0 = sregs->cr0;
	save->cr2 = sregs->cr2;
	save->cr3 = sregs->cr3;
	save->cr4 = sregs->cr4;
	save->efer = sregs->efer | EFER_SVME;
	save->cpl = sregs->cpl;
	svm->vmcb->control.clean = 0;
	svm->asid_generation = 0;
	svm_shadow_begin(cpu);
	return 0;
}

u64 svm_cr4(struct ivm_cpu *cpu)
{
	return cpu->shadowed ? cpu->paging.cr4 : svm_of(cpu)->vmcb->save.cr4;
}

/**
 * svm_set_paging() - registers for a guest on shadow tables
 * @cpu:  shadowed; its paging is what the guest wrote
 * @root: of the tables, four levels of them in long mode, else three
 *
 * Paging is always on, in real mode too (APM 15.19), and write protection holds
 * for the supervisor. Supervisor-mode prevention has a meaning only where the
 * guest has paging. Long mode is the CPU's when it is the guest's.
 *
 * Context: inner loop.
 */
void svm_set_paging(struct ivm_cpu *cpu, u64 root)
{
	const struct ivm_paging *guest = &cpu->paging;
	struct svm_vcpu *svm = svm_of(cpu);
	struct vmcb_save_area *save = &svm->vmcb->save;
	u64 cr4 = guest->cr4 & ~(u64)(X86_CR4_PGE | X86_CR4_PSE | X86_CR4_PCIDE);

	if (!(guest->cr0 & X86_CR0_PG))
		cr4 &= ~(u64)(X86_CR4_SMEP | X86_CR4_SMAP);
	save->cr0 = guest->cr0 | X86_CR0_PG | X86_CR0_WP;
	save->cr3 = root;
	save->cr4 = cr4 | X86_CR4_PAE;
	save->efer = (guest->efer & ~(u64)(EFER_LME | EFER_LMA)) | EFER_SVME | EFER_NX;
	if (guest->efer & EFER_LMA)
		save->efer |= EFER_LME | EFER_LMA;
	svm_dirty(svm, SVM_CLEAN_CR);
	svm->asid_generation = 0;
}

/**
 * svm_write_cr4() - the guest's MOV to CR4
 * @cpu:     loaded
 * @value:   what it writes
 * @allowed: bits that follow from the features that the guest was shown
 *
 * The CPU checks a guest's CR4 against its own features; this checks it against
 * those that the guest was shown, with the mode rules (APM 3.1.3, 5.5.1).
 */
int svm_write_cr4(struct ivm_cpu *cpu, u64 value, u64 allowed)
{
	struct svm_vcpu *svm = svm_of(cpu);
	struct vmcb_save_area *save = &svm->vmcb->save;
	bool lma = (cpu->shadowed ? cpu->paging.efer : save->efer) & EFER_LMA;
	u64 flush = X86_CR4_PGE | X86_CR4_PAE | X86_CR4_PSE | X86_CR4_PCIDE | X86_CR4_SMEP | X86_CR4_SMAP;
	u64 old = svm_cr4(cpu), cr3 = cpu->shadowed ? cpu->paging.cr3 : save->cr3;

	if (value & ~allowed)
		return -EINVAL;
	if (lma && !(value & X86_CR4_PAE))
		return -EINVAL;
	if ((value & ~old & X86_CR4_PCIDE) && (!lma || (cr3 & 0xfff)))
		return -EINVAL;
	if (cpu->shadowed) {	/* the caller sees to the rest */
		cpu->paging.cr4 = value;
		return 0;
	}
	if ((value ^ old) & flush)
		svm->asid_generation = 0;
	save->cr4 = value;
	svm_dirty(svm, SVM_CLEAN_CR);
	return 0;
}

u64 svm_read_dr(struct ivm_cpu *cpu, unsigned int number)
{
	const struct vmcb_save_area *save = &svm_of(cpu)->vmcb->save;

	return number < 4 ? cpu->dr[number] : number == 6 ? save->dr6 : save->dr7;
}

/* Reserved bits as in APM 13.1.1: upper halves of DR6 and DR7 must be zero. */
int svm_write_dr(struct ivm_cpu *cpu, unsigned int number, u64 value)
{
	struct svm_vcpu *svm = svm_of(cpu);

	if (number < 4) {
		cpu->dr[number] = value;
		return 0;
	}
	if (value >> 32)
		return -EINVAL;
	if (number == 6)
		svm->vmcb->save.dr6 = (value & 0xe00f) | SVM_DR6_RESET;
	else
		svm->vmcb->save.dr7 = (value & 0xffff2bff) | SVM_DR7_RESET;
	svm_dirty(svm, SVM_CLEAN_DR);
	return 0;
}

/* The save-area field of an MSR that the CPU keeps for the guest, or NULL. */
static u64 *svm_msr_field(struct vmcb_save_area *save, u32 msr)
{
	switch (msr) {
	case MSR_STAR:			return &save->star;
	case MSR_LSTAR:			return &save->lstar;
	case MSR_CSTAR:			return &save->cstar;
	case MSR_SYSCALL_MASK:		return &save->sfmask;
	case MSR_FS_BASE:		return &save->fs.base;
	case MSR_GS_BASE:		return &save->gs.base;
	case MSR_KERNEL_GS_BASE:	return &save->kernel_gs_base;
	case MSR_IA32_SYSENTER_CS:	return &save->sysenter_cs;
	case MSR_IA32_SYSENTER_ESP:	return &save->sysenter_esp;
	case MSR_IA32_SYSENTER_EIP:	return &save->sysenter_eip;
	case MSR_IA32_CR_PAT:		return &save->g_pat;
	default:			return NULL;
	}
}

int svm_read_msr(struct ivm_cpu *cpu, u32 msr, u64 *value)
{
	struct vmcb_save_area *save = &svm_of(cpu)->vmcb->save;
	u64 *field;

	switch (msr) {
	case MSR_EFER:
		*value = cpu->shadowed ? cpu->paging.efer : save->efer & ~EFER_SVME;
		return 0;
	case MSR_IA32_DEBUGCTLMSR:
		*value = 0;
		return 0;
	case MSR_IA32_SPEC_CTRL:
		if (!svm_features.spec_ctrl)
			return -EINVAL;
		*value = cpu->spec_ctrl;
		return 0;
	default:
		field = svm_msr_field(save, msr);
		if (!field)
			return -EINVAL;
		*value = *field;
		return 0;
	}
}

static int svm_write_efer(struct ivm_cpu *cpu, u64 value, u64 allowed)
{
	struct svm_vcpu *svm = svm_of(cpu);
	struct vmcb_save_area *save = &svm->vmcb->save;
	u64 old = cpu->shadowed ? cpu->paging.efer : save->efer;
	u64 cr0 = cpu->shadowed ? cpu->paging.cr0 : save->cr0;

	/* LMA is read-only: what is written there is ignored (APM 3.1.7). */
	value = (value & ~(u64)EFER_LMA) | (old & EFER_LMA);
	if (value & ~(allowed | EFER_LMA))
		return -EINVAL;
	if (((value ^ old) & EFER_LME) && (cr0 & X86_CR0_PG))
		return -EINVAL;
	if (cpu->shadowed) {	/* the caller sees to the rest */
		cpu->paging.efer = value;
		return 0;
	}
	if ((value ^ old) & EFER_NX)
		svm->asid_generation = 0;
	save->efer = value | EFER_SVME;
	svm_dirty(svm, SVM_CLEAN_CR);
	return 0;
}

static bool svm_pat_valid(u64 value)
{
	unsigned int i;

	/* UC, WC, WT, WP, WB, UC- (APM 7.8.1) */
	for (i = 0; i < 8; i++, value >>= 8)
		if ((value & 0xff) > 7 || (value & 0xff) == 2 || (value & 0xff) == 3)
			return false;
	return true;
}

int svm_write_msr(struct ivm_cpu *cpu, u32 msr, u64 value, u64 efer_allowed)
{
	struct svm_vcpu *svm = svm_of(cpu);
	u64 *field;

	switch (msr) {
	case MSR_EFER:
		return svm_write_efer(cpu, value, efer_allowed);
	case MSR_IA32_DEBUGCTLMSR:
		return value ? -EINVAL : 0;
	case MSR_IA32_SPEC_CTRL:
		if (!svm_features.spec_ctrl || (value & ~(u64)(SPEC_CTRL_IBRS | SPEC_CTRL_STIBP | SPEC_CTRL_SSBD)))
			return -EINVAL;
		cpu->spec_ctrl = value;
		return 0;
	case MSR_IA32_PRED_CMD:
		if (!boot_cpu_has(X86_FEATURE_IBPB) || (value & ~(u64)PRED_CMD_IBPB))
			return -EINVAL;
		if (value)
			wrmsrl(MSR_IA32_PRED_CMD, value);
		return 0;
	case MSR_IA32_CR_PAT:
		if (!svm_pat_valid(value))
			return -EINVAL;
		svm->vmcb->save.g_pat = value;
		svm_dirty(svm, SVM_CLEAN_NP);
		return 0;
	default:
		/* Written directly by the guest as a rule; here for completeness, with the canonical check. */
		field = svm_msr_field(&svm->vmcb->save, msr);
		if (!field)
			return -EINVAL;
		if (msr != MSR_STAR && msr != MSR_SYSCALL_MASK && msr != MSR_IA32_SYSENTER_CS &&
		    value != (u64)((s64)(value << 16) >> 16))
			return -EINVAL;
		*field = value;
		svm_dirty(svm, SVM_CLEAN_SEG);
		return 0;
	}
}
