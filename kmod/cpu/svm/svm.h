/* SPDX-License-Identifier: GPL-2.0-only */
/* The SVM backend's own part of a vCPU (AMD APM volume 2, chapter 15). */
#ifndef IVM_SVM_H
#define IVM_SVM_H

#include "../cpu.h"

#include <linux/percpu.h>
#include <asm/svm.h>

/* Groups of VMCB fields that the CPU may cache (APM 15.15.3); a set bit says: unchanged. */
enum svm_clean {
	SVM_CLEAN_INTERCEPTS = 1U << 0,
	SVM_CLEAN_PERM_MAPS = 1U << 1,
	SVM_CLEAN_ASID = 1U << 2,
	SVM_CLEAN_TPR = 1U << 3,
	SVM_CLEAN_NP = 1U << 4,
	SVM_CLEAN_CR = 1U << 5,
	SVM_CLEAN_DR = 1U << 6,
	SVM_CLEAN_DT = 1U << 7,
	SVM_CLEAN_SEG = 1U << 8,
	SVM_CLEAN_CR2 = 1U << 9,
	SVM_CLEAN_LBR = 1U << 10,
	SVM_CLEAN_ALL = (1U << 11) - 1,
};

#define SVM_SHADOW_KEPT_MAX 3

/* Legend: (o) the vCPU's own thread, or the thread is parked  (c) constant once created */
struct svm_vcpu {
	struct vmcb *vmcb;		/* (o) */
	u64 vmcb_pa;			/* (c) */
	int last_cpu;			/* (o) where it ran last; -1: nowhere */
	u64 asid_generation;		/* (o) of the ASID in the VMCB, on last_cpu; 0: none */
	u32 reinject, reinject_error;	/* (o) event whose delivery an exit cut short (APM 15.7.2) */
	bool nmi_masked;		/* (o) an NMI was delivered, its IRET not yet seen */
	bool iret_seen;			/* (o) the IRET at iret_rip is about to end the masking */
	u64 iret_rip;
	u8 shadow_kept;			/* (o) exits in a row at which svm_keep_shadow() put a shadow back */
};

/* What SVM needs of each CPU. Written with interrupts off on that CPU. */
struct svm_host {
	struct page *hsave;		/* VM_HSAVE_PA */
	struct page *state;		/* host's VMSAVE area while a guest runs */
	u64 state_pa;
	u64 asid_generation;		/* advances when the ASIDs of this CPU are used up */
	u32 asid_next, asid_max;
	u32 last_vm;			/* id of the VM that ran here last, for the IBPB; 0: none */
	u64 tsc_aux;			/* the host's MSR c0000103h */
	bool on;
};
DECLARE_PER_CPU(struct svm_host, svm_host);

/* Facts of this host, constant after probe. */
struct svm_features {
	bool nested, next_rip, decode_assists, flush_by_asid, clean_bits, spec_ctrl, v_spec_ctrl;
	u32 asids;
};
extern struct svm_features svm_features;

static inline struct svm_vcpu *svm_of(struct ivm_cpu *cpu)
{
	return cpu->backend;
}

static inline void svm_dirty(struct svm_vcpu *svm, u32 groups)
{
	svm->vmcb->control.clean &= ~groups;
}

static inline void svm_set_intercept(struct svm_vcpu *svm, unsigned int bit, bool on)
{
	u32 *word = &svm->vmcb->control.intercepts[bit / 32];
	u32 value = on ? *word | BIT(bit % 32) : *word & ~BIT(bit % 32);

	if (value != *word) {
		*word = value;
		svm_dirty(svm, SVM_CLEAN_INTERCEPTS);
	}
}

/* enter.S */
void svm_switch(u64 *gpr, u64 vmcb_pa, u64 host_pa, u32 guest_spec_ctrl, u32 host_spec_ctrl);

/* exit.c */
void svm_decode_exit(struct ivm_cpu *cpu);

/* event.c */
bool svm_can_interrupt(struct ivm_cpu *cpu);
bool svm_can_nmi(struct ivm_cpu *cpu);
void svm_inject_interrupt(struct ivm_cpu *cpu, u8 vector);
void svm_inject_nmi(struct ivm_cpu *cpu);
bool svm_inject_fault(struct ivm_cpu *cpu, const struct ivm_fault *fault);
void svm_irq_window(struct ivm_cpu *cpu);
void svm_nmi_window(struct ivm_cpu *cpu);

/* state.c */
void svm_reset(struct ivm_cpu *cpu);
void svm_sipi(struct ivm_cpu *cpu, u8 vector);
void svm_get_sregs(struct ivm_cpu *cpu, struct ivm_sregs *sregs);
void svm_get_code(struct ivm_cpu *cpu, struct ivm_sregs *sregs);
int svm_set_sregs(struct ivm_cpu *cpu, const struct ivm_sregs *sregs, struct ivm_why *why);
u64 svm_cr4(struct ivm_cpu *cpu);
void svm_set_paging(struct ivm_cpu *cpu, u64 root);
int svm_read_msr(struct ivm_cpu *cpu, u32 msr, u64 *value);
int svm_write_msr(struct ivm_cpu *cpu, u32 msr, u64 value, u64 efer_allowed);
int svm_write_cr4(struct ivm_cpu *cpu, u64 value, u64 allowed);
u64 svm_read_dr(struct ivm_cpu *cpu, unsigned int number);
int svm_write_dr(struct ivm_cpu *cpu, unsigned int number, u64 value);

/* maps.c */
int svm_maps_create(void);
void svm_maps_destroy(void);
u64 svm_maps_io(void);	/* physical address of the I/O permission map */
u64 svm_maps_msr(void);

#endif
