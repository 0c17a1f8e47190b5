/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupts and timers of a guest: a LAPIC per vCPU, one IOAPIC, the 8259
 * pair, the 8254 timer. Calls nobody but the kernel; what it needs from the
 * layer above is in struct ivm_irq_ops.
 *
 * Everything here may be called with interrupts off, from a vCPU's inner loop,
 * from hard interrupts (timers) and from tasks, unless said otherwise: raw
 * spinlocks with interrupts saved inside.
 *
 * Builds in user space too (selftests/unit), where fuzzers run it.
 */
#ifndef IVM_IRQ_H
#define IVM_IRQ_H

#include <linux/types.h>

struct ivm_irqchip;	/* all of the above for one VM */

#define IVM_IRQ_NONE	(-1)

/*
 * What irq/ asks of the layer above. Called in any context, interrupts off,
 * possibly with locks of irq/ held: must not call back into irq/ (set a flag,
 * wake or kick the vCPU's thread).
 */
struct ivm_irq_ops {
	/*
	 * Its next interrupt may have changed: call ivm_irq_next() soon. Not
	 * called for what a vCPU's own thread causes by the calls below (EOI,
	 * TPR, self-IPI ...), nor again until that thread has called
	 * ivm_irq_next() or ivm_irq_ack(): it does so before each entry and
	 * each halt.
	 */
	void (*kick)(void *ctx, unsigned int vcpu);
	void (*nmi)(void *ctx, unsigned int vcpu);
	void (*init)(void *ctx, unsigned int vcpu);
	void (*sipi)(void *ctx, unsigned int vcpu, u8 vector);
};

/**
 * ivm_irqchip_create() - LAPICs 0 … nr-1 (APIC id = index), IOAPIC, PICs, PIT, in reset state
 * @nr_vcpus:	1 … 64
 * @tsc_khz:	of host and guest TSC
 * Return: the chip or ERR_PTR(-ENOMEM), ERR_PTR(-EINVAL) outside those ranges. May sleep.
 */
struct ivm_irqchip *ivm_irqchip_create(unsigned int nr_vcpus, u32 tsc_khz,
				       const struct ivm_irq_ops *ops, void *ctx);
/* Cancels timers (waits for their callbacks) and frees; accepts NULL. May sleep. */
void ivm_irqchip_destroy(struct ivm_irqchip *chip);
/*
 * Power-on state as firmware leaves it: all LAPICs in xAPIC mode, that of
 * vCPU 0 enabled in virtual-wire mode (SVR 0x1ff, LINT0 ExtINT, LINT1 NMI), PICs
 * with vectors 0x08 and 0x70 and masked. Lines keep their level. Timers are
 * cancelled. No vCPU may run. May sleep.
 */
void ivm_irqchip_reset(struct ivm_irqchip *chip);

/*
 * Guest TSC = host TSC + offset, the same for all vCPUs. freeze() stops every
 * timer, keeping what was left; thaw() continues with a new offset (a paused
 * guest sees no time pass). A chip is frozen after creation and after reset.
 * No vCPU may run. May sleep.
 */
void ivm_irqchip_freeze(struct ivm_irqchip *chip);
void ivm_irqchip_thaw(struct ivm_irqchip *chip, s64 tsc_offset);

/* ---- lines and messages: any context ---- */

/* Level of a GSI 0 … 23: drives the IOAPIC pin and, below 16, the PIC input (GSI 2 is IRQ 0's pin). */
void ivm_irq_line(struct ivm_irqchip *chip, unsigned int gsi, bool level);
/* A message-signalled interrupt (address 0xFEExxxxx). Return: 0, -EINVAL when the address is not one. */
int ivm_irq_msi(struct ivm_irqchip *chip, u64 address, u32 data);

/* ---- by the vCPU's own thread, interrupts off: the hot path ---- */

/**
 * ivm_irq_next() - the vector this vCPU should take now, or IVM_IRQ_NONE
 *
 * Considers the LAPIC (software-enabled, IRR against PPR) and the PIC pair where
 * LINT0 is in ExtINT mode on this vCPU, or its LAPIC is globally disabled on
 * vCPU 0. A PIC interrupt is reported as its vector as it would be now.
 *
 * To be called after a kick, and after every call of the vCPU's own thread that
 * writes its LAPIC: those do not kick. Until it is called again, kicks that
 * would only repeat the last one are left out.
 */
int ivm_irq_next(struct ivm_irqchip *chip, unsigned int vcpu);
/* Takes it (IRR to ISR, or the PIC's INTA cycle). Return: the vector; IVM_IRQ_NONE when there is none, or it vanished. */
int ivm_irq_ack(struct ivm_irqchip *chip, unsigned int vcpu);

/* Would nobody but this LAPIC notice the end of @vector, which was just taken, as it is edge-triggered? Own thread. */
bool ivm_lapic_ends_silently(struct ivm_irqchip *chip, unsigned int vcpu, u8 vector);
/* Is something requested that waits until it lets it through? Own thread, after ivm_irq_next() found nothing. */
bool ivm_lapic_holds_back(struct ivm_irqchip *chip, unsigned int vcpu);
/* End of interrupt, as when its register is written. */
void ivm_lapic_end(struct ivm_irqchip *chip, unsigned int vcpu);

/* Is APIC_BASE.EN set? It shows in CPUID.1:EDX.APIC. */
bool ivm_lapic_enabled(struct ivm_irqchip *chip, unsigned int vcpu);

/* Task priority as CR8 (bits 7:4 of TPR), 0 … 15. */
u8 ivm_lapic_cr8(struct ivm_irqchip *chip, unsigned int vcpu);
void ivm_lapic_set_cr8(struct ivm_irqchip *chip, unsigned int vcpu, u8 cr8);

/*
 * MSRs 0x800 … 0x8ff (x2APIC), 0x1b (APIC base) and 0x6e0 (TSC deadline).
 * Return: 0, or -EINVAL for #GP(0): reserved bits, read-only, not in x2APIC
 * mode, an illegal mode change (SDM 11.12.5, APM 16.9).
 */
int ivm_lapic_read_msr(struct ivm_irqchip *chip, unsigned int vcpu, u32 msr, u64 *value);
int ivm_lapic_write_msr(struct ivm_irqchip *chip, unsigned int vcpu, u32 msr, u64 value);

/*
 * The xAPIC page of this vCPU. gpa is absolute. claims(): is this address its
 * register page now (enabled, xAPIC mode, base)? Reads of anything but aligned
 * 32-bit registers give zeros, such writes are ignored.
 */
bool ivm_lapic_claims(struct ivm_irqchip *chip, unsigned int vcpu, u64 gpa);
u64 ivm_lapic_read(struct ivm_irqchip *chip, unsigned int vcpu, u64 gpa, unsigned int size);
void ivm_lapic_write(struct ivm_irqchip *chip, unsigned int vcpu, u64 gpa, unsigned int size, u64 value);

/* INIT as the LAPIC of this vCPU feels it: registers reset, APIC id and base kept. Own thread. */
void ivm_lapic_init_signal(struct ivm_irqchip *chip, unsigned int vcpu);

/* ---- register windows, in the form that dev/bus.c wants: any context ---- */

u64 ivm_ioapic_read(void *chip, u64 gpa, unsigned int size);
void ivm_ioapic_write(void *chip, u64 gpa, unsigned int size, u64 value);
u64 ivm_pic_read(void *chip, u64 port, unsigned int size);	/* 20 21 a0 a1 4d0 4d1 */
void ivm_pic_write(void *chip, u64 port, unsigned int size, u64 value);
u64 ivm_pit_read(void *chip, u64 port, unsigned int size);	/* 40-43, 61 */
void ivm_pit_write(void *chip, u64 port, unsigned int size, u64 value);

#endif
