// SPDX-License-Identifier: GPL-2.0-only
/* The SVM backend: what the host must offer, its CPUs, and the way into the guest. */
#include "svm.h"
#include "../../why.h"

#include <linux/gfp.h>
#include <linux/hw_breakpoint.h>
#include <linux/io.h>
#include <linux/mem_encrypt.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/trapnr.h>

#define SVM_CPUID		0x8000000a
#define SVM_CPUID_NP		BIT(0)
#define SVM_CPUID_NRIPS		BIT(3)
#define SVM_CPUID_CLEAN		BIT(5)
#define SVM_CPUID_FLUSH_ASID	BIT(6)
#define SVM_CPUID_DECODE	BIT(7)

/* Entries of the nested page table (APM 15.25.5): user, writable, executable; accessed and dirty from the start. */
#define NPT_P		BIT_ULL(0)
#define NPT_W		BIT_ULL(1)
#define NPT_U		BIT_ULL(2)
#define NPT_A		BIT_ULL(5)
#define NPT_D		BIT_ULL(6)
#define NPT_PS		BIT_ULL(7)

DEFINE_PER_CPU(struct svm_host, svm_host);
struct svm_features svm_features __ro_after_init;
static struct ivm_s2_format svm_npt __ro_after_init;

static const unsigned int svm_always_intercepted[] = {
	INTERCEPT_INTR, INTERCEPT_NMI, INTERCEPT_SMI, INTERCEPT_INIT,
	INTERCEPT_CPUID, INTERCEPT_HLT, INTERCEPT_IOIO_PROT, INTERCEPT_MSR_PROT,
	INTERCEPT_INVD, INTERCEPT_WBINVD, INTERCEPT_RDPMC, INTERCEPT_RSM, INTERCEPT_INVLPGA,
	INTERCEPT_SHUTDOWN,
	INTERCEPT_VMRUN, INTERCEPT_VMMCALL, INTERCEPT_VMLOAD, INTERCEPT_VMSAVE,
	INTERCEPT_STGI, INTERCEPT_CLGI, INTERCEPT_SKINIT,
	INTERCEPT_MONITOR, INTERCEPT_MWAIT, INTERCEPT_XSETBV, INTERCEPT_RDPRU,
	/* CR4: only what the guest was shown. CR8: its changes open and close interrupts. */
	INTERCEPT_CR4_WRITE, INTERCEPT_CR8_READ, INTERCEPT_CR8_WRITE,
	/* #MC is the host's. #AC and #DB can recur for ever while they are delivered: an exit each bounds them. */
	INTERCEPT_EXCEPTION_OFFSET + X86_TRAP_MC,
	INTERCEPT_EXCEPTION_OFFSET + X86_TRAP_AC,
	INTERCEPT_EXCEPTION_OFFSET + X86_TRAP_DB,
};

/*
 * With shadow tables: what decides about paging is ours to see. A task switch by
 * hardware loads CR3 from guest memory, where the CPU would take it for an
 * address of the host (APM 15.11.5).
 */
static const unsigned int svm_shadow_intercepted[] = {
	INTERCEPT_CR0_READ, INTERCEPT_CR0_WRITE, INTERCEPT_CR3_READ, INTERCEPT_CR3_WRITE, INTERCEPT_CR4_READ,
	INTERCEPT_INVLPG, INTERCEPT_TASK_SWITCH,
	INTERCEPT_EXCEPTION_OFFSET + X86_TRAP_PF,
};

/* Why SVM cannot be used, from the registers that say so. */
static int svm_refusal(bool svm, u64 vm_cr, struct ivm_why *why)
{
	if (!svm)
		return ivm_why(why, 0, -ENODEV,
			       "this CPU has no SVM (CPUID 80000001h ECX bit 2 is clear): IVM cannot run here");
	if (vm_cr & SVM_VM_CR_SVM_DIS_MASK)
		return ivm_why(why, 0, -ENODEV, vm_cr & SVM_VM_CR_SVM_LOCK_MASK ?
			       "the firmware switched SVM off and locked it (VM_CR.SVMDIS): enable it in the firmware setup" :
			       "SVM is switched off (VM_CR.SVMDIS): enable it in the firmware setup");
	return 0;
}

static int svm_probe(struct ivm_why *why)
{
	bool svm = boot_cpu_data.extended_cpuid_level >= SVM_CPUID && (cpuid_ecx(0x80000001) & BIT(2));
	u32 edx = svm ? cpuid_edx(SVM_CPUID) : 0;
	u64 vm_cr = 0;
	int err;

	if (svm)
		rdmsrl_safe(MSR_VM_CR, &vm_cr);
	err = svm_refusal(svm, vm_cr, why);
	if (err)
		return err;

	svm_features.nested = edx & SVM_CPUID_NP;
	svm_features.next_rip = edx & SVM_CPUID_NRIPS;
	svm_features.clean_bits = edx & SVM_CPUID_CLEAN;
	svm_features.flush_by_asid = edx & SVM_CPUID_FLUSH_ASID;
	svm_features.decode_assists = edx & SVM_CPUID_DECODE;
	svm_features.spec_ctrl = boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL);
	svm_features.v_spec_ctrl = boot_cpu_has(X86_FEATURE_V_SPEC_CTRL);
	svm_features.asids = cpuid_ebx(SVM_CPUID);
	if (svm_features.asids < 2)
		return ivm_why(why, 0, -ENODEV, "this CPU offers %u ASIDs, a guest needs one beside the host's",
			       svm_features.asids);

	/* Nested tables have as many levels as the host's own paging (APM 15.25.3). */
	svm_npt = (struct ivm_s2_format) {
		.levels = __read_cr4() & X86_CR4_LA57 ? 5 : 4,
		.table = NPT_P | NPT_W | NPT_U | NPT_A,
		.leaf_4k = NPT_P | NPT_W | NPT_U | NPT_A | NPT_D,
		.leaf_2m = NPT_P | NPT_W | NPT_U | NPT_A | NPT_D | NPT_PS,
		.present = NPT_P,
		.large = NPT_PS,
	};
	return 0;
}

static bool svm_has_nested(void)
{
	return svm_features.nested;
}

static const struct ivm_s2_format *svm_s2_format(void)
{
	return &svm_npt;
}

static void svm_host_free(struct svm_host *host)
{
	if (host->hsave)
		__free_page(host->hsave);
	if (host->state)
		__free_page(host->state);
	host->hsave = NULL;
	host->state = NULL;
}

static void svm_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		svm_host_free(per_cpu_ptr(&svm_host, cpu));
	svm_maps_destroy();
}

static int svm_init(void)
{
	int cpu, err;

	err = svm_maps_create();
	if (err)
		return err;
	for_each_possible_cpu(cpu) {
		struct svm_host *host = per_cpu_ptr(&svm_host, cpu);

		host->hsave = alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL | __GFP_ZERO, 0);
		host->state = alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL | __GFP_ZERO, 0);
		if (!host->hsave || !host->state) {
			svm_exit();
			return -ENOMEM;
		}
		host->state_pa = __sme_set(page_to_phys(host->state));
	}
	return 0;
}

/* EFER.SVME set by somebody else is another hypervisor's possession. */
static int svm_cpu_free(void)
{
	u64 efer;

	rdmsrl(MSR_EFER, efer);
	return (efer & EFER_SVME) && !this_cpu_read(svm_host.on) ? -EBUSY : 0;
}

static int svm_cpu_on(void)
{
	struct svm_host *host = this_cpu_ptr(&svm_host);
	u64 efer;

	if (host->on)
		return 0;
	if (svm_cpu_free())
		return -EBUSY;
	rdmsrl(MSR_EFER, efer);
	wrmsrl(MSR_EFER, efer | EFER_SVME);
	wrmsrl(MSR_VM_HSAVE_PA, __sme_set(page_to_phys(host->hsave)));
	/* Generation 0 means none: every vCPU that comes here takes a new ASID. */
	host->asid_generation++;
	host->asid_max = svm_features.asids - 1;
	host->asid_next = host->asid_max + 1;
	host->last_vm = 0;
	if (boot_cpu_has(X86_FEATURE_RDTSCP))
		rdmsrl(MSR_TSC_AUX, host->tsc_aux);
	host->on = true;
	return 0;
}

/* Also on the way to a crash kernel, where this CPU may be anywhere: touches nothing but MSRs and its own record. */
static void svm_cpu_off(void)
{
	struct svm_host *host = this_cpu_ptr(&svm_host);
	u64 efer;

	if (!host->on)
		return;
	host->on = false;
	/* GIF may be clear if a crash interrupted the switch; INIT and NMI would be held for ever (APM 15.17). */
	asm volatile("stgi" : : : "memory");
	wrmsrl(MSR_VM_HSAVE_PA, 0);
	rdmsrl(MSR_EFER, efer);
	wrmsrl(MSR_EFER, efer & ~EFER_SVME);
}

static int svm_create(struct ivm_cpu *cpu, u64 root)
{
	struct vmcb_control_area *control;
	struct svm_vcpu *svm;
	unsigned int i;

	svm = kzalloc(sizeof(*svm), GFP_KERNEL);
	if (!svm)
		return -ENOMEM;
	svm->vmcb = (struct vmcb *)get_zeroed_page(GFP_KERNEL);
	if (!svm->vmcb) {
		kfree(svm);
		return -ENOMEM;
	}
	svm->vmcb_pa = __sme_pa(svm->vmcb);
	svm->last_cpu = -1;
	cpu->backend = svm;

	control = &svm->vmcb->control;
	for (i = 0; i < ARRAY_SIZE(svm_always_intercepted); i++)
		svm_set_intercept(svm, svm_always_intercepted[i], true);
	for (i = 0; i < 16; i++) {
		svm_set_intercept(svm, INTERCEPT_DR0_READ + i, true);
		svm_set_intercept(svm, INTERCEPT_DR0_WRITE + i, true);
	}
	control->iopm_base_pa = svm_maps_io();
	control->msrpm_base_pa = svm_maps_msr();
	if (cpu->shadowed) {
		for (i = 0; i < ARRAY_SIZE(svm_shadow_intercepted); i++)
			svm_set_intercept(svm, svm_shadow_intercepted[i], true);
		/* Not shown to guests. Bits of the VMCB that exist with the instructions. */
		svm_set_intercept(svm, INTERCEPT_INVPCID, boot_cpu_has(X86_FEATURE_INVPCID));
		svm_set_intercept(svm, INTERCEPT_INVLPGB, cpuid_ebx(0x80000008) & BIT(3));
		svm_set_intercept(svm, INTERCEPT_INVLPGB_ILLEGAL, cpuid_ebx(0x80000008) & BIT(3));
	} else {
		control->nested_ctl = SVM_NESTED_CTL_NP_ENABLE;
		control->nested_cr3 = __sme_set(root);
	}
	svm_reset(cpu);
	return 0;
}

static void svm_destroy(struct ivm_cpu *cpu)
{
	struct svm_vcpu *svm = svm_of(cpu);

	if (!svm)
		return;
	memset(svm->vmcb, 0, PAGE_SIZE);
	free_page((unsigned long)svm->vmcb);
	kfree(svm);
	cpu->backend = NULL;
}

/*
 * An ASID is good on one CPU for one generation. Taking a new one is how
 * translations are forgotten; when they are used up, one flush of all starts
 * the next generation (APM 15.16).
 */
static void svm_take_asid(struct svm_vcpu *svm, struct svm_host *host)
{
	struct vmcb_control_area *control = &svm->vmcb->control;

	control->tlb_ctl = TLB_CONTROL_DO_NOTHING;
	if (svm->asid_generation == host->asid_generation)
		return;
	if (host->asid_next > host->asid_max) {
		host->asid_generation++;
		host->asid_next = 1;
		control->tlb_ctl = TLB_CONTROL_FLUSH_ALL_ASID;
	}
	control->asid = host->asid_next++;
	svm->asid_generation = host->asid_generation;
	svm_dirty(svm, SVM_CLEAN_ASID);
}

static void svm_load(struct ivm_cpu *cpu)
{
	struct svm_host *host = this_cpu_ptr(&svm_host);
	struct svm_vcpu *svm = svm_of(cpu);

	if (svm->last_cpu != smp_processor_id()) {
		svm->last_cpu = smp_processor_id();
		svm->asid_generation = 0;
		svm->vmcb->control.clean = 0;
	}
	if (host->last_vm != cpu->id) {
		host->last_vm = cpu->id;
		indirect_branch_prediction_barrier();
	}
	if (boot_cpu_has(X86_FEATURE_RDTSCP) && cpu->tsc_aux != host->tsc_aux)
		wrmsrl(MSR_TSC_AUX, cpu->tsc_aux);
	if (svm->vmcb->save.dr7 & 0xff) {
		set_debugreg(cpu->dr[0], 0);
		set_debugreg(cpu->dr[1], 1);
		set_debugreg(cpu->dr[2], 2);
		set_debugreg(cpu->dr[3], 3);
	}
	/* No task switch until put(): what VMLOAD brings back stays right. */
	asm volatile("vmsave %0" : : "a" (host->state_pa) : "memory");
}

static void svm_put(struct ivm_cpu *cpu)
{
	struct svm_host *host = this_cpu_ptr(&svm_host);

	if (boot_cpu_has(X86_FEATURE_RDTSCP) && cpu->tsc_aux != host->tsc_aux)
		wrmsrl(MSR_TSC_AUX, host->tsc_aux);
	/* #VMEXIT left DR7 with everything disabled. */
	if (hw_breakpoint_active())
		hw_breakpoint_restore();
}

/*
 * VMRUN loads the interrupt shadow from the VMCB (APM 15.21.5), but an emulator
 * is known that does not. What interrupts the guest between STI and HLT would
 * then be taken before the HLT, which nothing ends any more. When an exit that
 * no instruction caused finds RIP where it was entered in a shadow, the
 * instruction in the shadow has not run yet. Not for ever: it may be a jump to itself.
 */
static bool svm_keep_shadow(struct svm_vcpu *svm, u64 rip, const struct vmcb *vmcb)
{
	u32 code = vmcb->control.exit_code;

	if (vmcb->save.rip == rip && svm->shadow_kept < SVM_SHADOW_KEPT_MAX &&
	    (code == SVM_EXIT_INTR || code == SVM_EXIT_VINTR || code == SVM_EXIT_NMI)) {
		svm->shadow_kept++;
		return true;
	}
	svm->shadow_kept = 0;
	return false;
}

static void svm_enter(struct ivm_cpu *cpu)
{
	struct svm_host *host = this_cpu_ptr(&svm_host);
	struct svm_vcpu *svm = svm_of(cpu);
	struct vmcb *vmcb = svm->vmcb;
	struct vmcb_control_area *control = &vmcb->control;
	u32 spec_guest = 0, spec_host = 0;
	bool shadow = cpu->shadow;
	u64 rip = cpu->regs.rip;

	svm_take_asid(svm, host);

	if (unlikely(svm->reinject & SVM_EVTINJ_VALID) && !(control->event_inj & SVM_EVTINJ_VALID)) {
		control->event_inj = svm->reinject;
		control->event_inj_err = svm->reinject_error;
	}
	svm->reinject = 0;

	vmcb->save.rax = cpu->regs.gpr[IVM_RAX];
	vmcb->save.rsp = cpu->regs.gpr[IVM_RSP];
	vmcb->save.rip = rip;
	vmcb->save.rflags = cpu->regs.rflags;
	control->int_state = shadow ? SVM_INTERRUPT_SHADOW_MASK : 0;

	if (svm_features.spec_ctrl) {
		if (svm_features.v_spec_ctrl) {
			vmcb->save.spec_ctrl = cpu->spec_ctrl;
		} else {
			spec_host = this_cpu_read(x86_spec_ctrl_current);
			spec_guest = cpu->spec_ctrl;
		}
	}

	svm_switch(cpu->regs.gpr, svm->vmcb_pa, host->state_pa, spec_guest, spec_host);

	cpu->regs.gpr[IVM_RAX] = vmcb->save.rax;
	cpu->regs.gpr[IVM_RSP] = vmcb->save.rsp;
	cpu->regs.rip = vmcb->save.rip;
	cpu->regs.rflags = vmcb->save.rflags;
	cpu->shadow = control->int_state & SVM_INTERRUPT_SHADOW_MASK;
	if (unlikely(shadow)) {
		if (cpu->shadow)
			svm->shadow_kept = 0;
		else
			cpu->shadow = svm_keep_shadow(svm, rip, vmcb);
	}
	if (svm_features.clean_bits)
		control->clean = SVM_CLEAN_ALL;

	/* An event that was being delivered: again at the next entry. Software interrupts execute again by themselves. */
	control->event_inj = 0;
	cpu->delivering = false;
	if (unlikely(control->exit_int_info & SVM_EXITINTINFO_VALID)) {
		u32 type = control->exit_int_info & SVM_EXITINTINFO_TYPE_MASK;
		u8 vector = control->exit_int_info & SVM_EXITINTINFO_VEC_MASK;

		cpu->delivering = true;
		if (type != SVM_EXITINTINFO_TYPE_SOFT &&
		    !(type == SVM_EXITINTINFO_TYPE_EXEPT && (vector == X86_TRAP_BP || vector == X86_TRAP_OF))) {
			svm->reinject = control->exit_int_info;
			svm->reinject_error = control->exit_int_info_err;
		}
	}
	svm_decode_exit(cpu);
}

static void svm_set_tsc_offset(struct ivm_cpu *cpu, u64 offset)
{
	struct svm_vcpu *svm = svm_of(cpu);

	svm->vmcb->control.tsc_offset = offset;
	svm_dirty(svm, SVM_CLEAN_INTERCEPTS);
}

static void svm_flush(struct ivm_cpu *cpu)
{
	svm_of(cpu)->asid_generation = 0;
}

static void svm_advance(struct ivm_cpu *cpu, unsigned int length)
{
	const struct vmcb_save_area *save = &svm_of(cpu)->vmcb->save;
	u64 rip = cpu->regs.rip + length;

	/* Outside 64-bit code RIP has 32 bits (APM 2.2.4). */
	if (!(save->efer & EFER_LMA) || !(save->cs.attrib & BIT(9)))
		rip = (u32)rip;
	cpu->regs.rip = rip;
	cpu->shadow = false;
}

const struct ivm_cpu_ops ivm_svm_ops = {
	.name = "svm",
	.probe = svm_probe,
	.init = svm_init,
	.exit = svm_exit,
	.cpu_free = svm_cpu_free,
	.cpu_on = svm_cpu_on,
	.cpu_off = svm_cpu_off,
	.has_nested = svm_has_nested,
	.s2_format = svm_s2_format,
	.create = svm_create,
	.destroy = svm_destroy,
	.reset = svm_reset,
	.sipi = svm_sipi,
	.load = svm_load,
	.put = svm_put,
	.enter = svm_enter,
	.get_sregs = svm_get_sregs,
	.get_code = svm_get_code,
	.set_sregs = svm_set_sregs,
	.cr4 = svm_cr4,
	.set_paging = svm_set_paging,
	.read_msr = svm_read_msr,
	.write_msr = svm_write_msr,
	.write_cr4 = svm_write_cr4,
	.read_dr = svm_read_dr,
	.write_dr = svm_write_dr,
	.can_interrupt = svm_can_interrupt,
	.can_nmi = svm_can_nmi,
	.inject_interrupt = svm_inject_interrupt,
	.inject_nmi = svm_inject_nmi,
	.inject_fault = svm_inject_fault,
	.irq_window = svm_irq_window,
	.nmi_window = svm_nmi_window,
	.set_tsc_offset = svm_set_tsc_offset,
	.flush = svm_flush,
	.advance = svm_advance,
};
