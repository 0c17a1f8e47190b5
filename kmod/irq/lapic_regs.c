// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two windows to a LAPIC: the xAPIC register page and the x2APIC MSRs
 * (SDM 11.4.1, 11.12.1). All by the vCPU's own thread.
 */
#include "irq.h"
#include "chip.h"

#include <linux/errno.h>
#include <linux/kernel.h>

#define MSR_APIC_BASE	0x1b
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC	0x800

/* Bits of ICR that exist: vector, delivery and destination mode, level, trigger, shorthand. */
#define ICR_BITS	0x000ccfffU

/* Bits of an LVT entry that a write may set; RO_BITS are ignored, others reserved. */
#define LVT_RO_BITS	(1U << 12 | 1U << 14)
static const u32 lvt_bits[IVM_LVTS] = {
	[IVM_LVT_TIMER]	  = 0x700ff,
	[IVM_LVT_THERMAL] = 0x107ff,
	[IVM_LVT_PERF]	  = 0x107ff,
	[IVM_LVT_LINT0]	  = 0x1a7ff,
	[IVM_LVT_LINT1]	  = 0x1a7ff,
	[IVM_LVT_ERROR]	  = 0x100ff,
};

#define SVR_BITS	0x13ffU
#define TDCR_BITS	0xbU

static u32 vector_word(const unsigned long *map, unsigned int i)
{
	return READ_ONCE(map[i / 2]) >> (i % 2 * 32);
}

/* SDM 11.6.2.4: as PPR, over TPR, ISR and IRR. */
static u32 arbitration_priority(const struct ivm_lapic *l)
{
	u32 requested = 0;
	int i;

	for (i = IVM_VECTOR_WORDS - 1; i >= 0 && !requested; i--) {
		unsigned long word = READ_ONCE(l->irr[i]);

		if (word)
			requested = i * BITS_PER_LONG + __fls(word);
	}
	requested = max_t(u32, requested & 0xf0, l->isr_top & 0xf0);
	return (l->tpr & 0xf0) >= requested ? l->tpr : requested;
}

/* Registers that read alike in both windows. Return: false when @reg is none of them. */
static bool read_common(struct ivm_lapic *l, unsigned int reg, u32 *value)
{
	switch (reg) {
	case IVM_APIC_VERSION:
		*value = IVM_APIC_VERSION_VALUE;
		return true;
	case IVM_APIC_TPR:
		*value = l->tpr;
		return true;
	case IVM_APIC_PPR:
		*value = l->ppr;
		return true;
	case IVM_APIC_SVR:
		*value = l->svr;
		return true;
	case IVM_APIC_ISR ... IVM_APIC_ISR + 7:
		*value = vector_word(l->isr, reg - IVM_APIC_ISR);
		return true;
	case IVM_APIC_TMR ... IVM_APIC_TMR + 7:
		*value = vector_word(l->tmr, reg - IVM_APIC_TMR);
		return true;
	case IVM_APIC_IRR ... IVM_APIC_IRR + 7:
		*value = vector_word(l->irr, reg - IVM_APIC_IRR);
		return true;
	case IVM_APIC_ESR:
		*value = l->esr;
		return true;
	case IVM_APIC_ICR:
		*value = l->icr;
		return true;
	case IVM_APIC_LVT ... IVM_APIC_LVT_LAST:
		*value = l->lvt[reg - IVM_APIC_LVT];
		return true;
	case IVM_APIC_TMICT:
		*value = ivm_lapic_timer_initial(l);
		return true;
	case IVM_APIC_TMCCT:
		*value = ivm_lapic_timer_current(l);
		return true;
	case IVM_APIC_TDCR:
		*value = ivm_lapic_timer_divide(l);
		return true;
	default:
		return false;
	}
}

/* Bits that a write of @reg may set, the same in both windows; 0: not one of those registers. */
static u32 writable_bits(unsigned int reg)
{
	switch (reg) {
	case IVM_APIC_TPR:
		return 0xff;
	case IVM_APIC_SVR:
		return SVR_BITS;
	case IVM_APIC_LVT ... IVM_APIC_LVT_LAST:
		return lvt_bits[reg - IVM_APIC_LVT];
	case IVM_APIC_TMICT:
		return ~0U;
	case IVM_APIC_TDCR:
		return TDCR_BITS;
	default:
		return 0;
	}
}

/* One that writable_bits() knows; no other bits are set in @value. */
static void write_common(struct ivm_lapic *l, unsigned int reg, u32 value)
{
	switch (reg) {
	case IVM_APIC_TPR:
		ivm_lapic_set_tpr(l, value);
		break;
	case IVM_APIC_SVR:
		ivm_lapic_set_svr(l, value);
		break;
	case IVM_APIC_LVT ... IVM_APIC_LVT_LAST:
		ivm_lapic_set_lvt(l, reg - IVM_APIC_LVT, value);
		break;
	case IVM_APIC_TMICT:
		ivm_lapic_timer_set_initial(l, value);
		break;
	case IVM_APIC_TDCR:
		ivm_lapic_timer_set_divide(l, value);
		break;
	}
}

/* A write, of whatever value, shows the errors since the last one (SDM 11.5.3). */
static void latch_errors(struct ivm_lapic *l)
{
	l->esr = atomic_xchg(&l->errors, 0);
}

/* ---- xAPIC page ---- */

bool ivm_lapic_claims(struct ivm_irqchip *chip, unsigned int vcpu, u64 gpa)
{
	const struct ivm_lapic *l = chip->lapic[vcpu];

	return l->mode == IVM_APIC_XAPIC && gpa >> 12 == l->base >> 12;
}

/* Registers are 32 bits wide, one in each 16 bytes; the page beyond 0x3ff has none. */
static bool is_register(u64 gpa, unsigned int size)
{
	return size == 4 && !(gpa & 0xc0f);
}

u64 ivm_lapic_read(struct ivm_irqchip *chip, unsigned int vcpu, u64 gpa, unsigned int size)
{
	struct ivm_lapic *l = chip->lapic[vcpu];
	unsigned int reg = gpa >> 4 & 0x3f;
	u32 value = 0;

	if (!is_register(gpa, size) || read_common(l, reg, &value))
		return value;
	switch (reg) {
	case IVM_APIC_ID:
		return l->id << 24;
	case IVM_APIC_APR:
		return arbitration_priority(l);
	case IVM_APIC_LDR:
		return l->ldr;
	case IVM_APIC_DFR:
		return l->dfr;
	case IVM_APIC_ICR2:
		return l->icr >> 32;
	case IVM_APIC_EOI:	/* write-only */
	case IVM_APIC_RRD:	/* remote reads went with the APIC bus */
		return 0;
	default:
		ivm_lapic_error(l, IVM_ESR_REGISTER);
		return 0;
	}
}

void ivm_lapic_write(struct ivm_irqchip *chip, unsigned int vcpu, u64 gpa, unsigned int size, u64 data)
{
	struct ivm_lapic *l = chip->lapic[vcpu];
	unsigned int reg = gpa >> 4 & 0x3f;
	u32 value = data, bits;

	if (!is_register(gpa, size))
		return;
	bits = writable_bits(reg);
	if (bits) {
		write_common(l, reg, value & bits);
		return;
	}
	switch (reg) {
	case IVM_APIC_EOI:
		ivm_lapic_eoi(l);
		break;
	case IVM_APIC_LDR:
		WRITE_ONCE(l->ldr, value & 0xff000000);
		break;
	case IVM_APIC_DFR:
		WRITE_ONCE(l->dfr, value | 0x0fffffff);
		break;
	case IVM_APIC_ESR:
		latch_errors(l);
		break;
	case IVM_APIC_ICR:
		l->icr = (l->icr & 0xff00000000000000) | (value & ICR_BITS);
		ivm_lapic_command(l, l->icr);
		break;
	case IVM_APIC_ICR2:
		l->icr = (u64)(value & 0xff000000) << 32 | (u32)l->icr;
		break;
	case IVM_APIC_ID:	/* fixed, as on all CPUs of this century */
	case IVM_APIC_VERSION:
	case IVM_APIC_APR:
	case IVM_APIC_PPR:
	case IVM_APIC_RRD:
	case IVM_APIC_ISR ... IVM_APIC_IRR + 7:
	case IVM_APIC_TMCCT:
		break;		/* read-only */
	default:
		ivm_lapic_error(l, IVM_ESR_REGISTER);
		break;
	}
}

/* ---- MSRs ---- */

bool ivm_lapic_enabled(struct ivm_irqchip *chip, unsigned int vcpu)
{
	return chip->lapic[vcpu]->mode != IVM_APIC_DISABLED;
}

int ivm_lapic_read_msr(struct ivm_irqchip *chip, unsigned int vcpu, u32 msr, u64 *value)
{
	struct ivm_lapic *l = chip->lapic[vcpu];
	u32 low;

	if (msr == MSR_TSC_DEADLINE) {
		*value = ivm_lapic_timer_deadline(l);
		return 0;
	}
	if (msr == MSR_APIC_BASE) {
		*value = ivm_lapic_get_base(l);
		return 0;
	}
	if (l->mode != IVM_APIC_X2APIC || msr - MSR_X2APIC > 0xff)
		return -EINVAL;
	switch (msr - MSR_X2APIC) {
	case IVM_APIC_ID:
		*value = l->id;
		return 0;
	case IVM_APIC_LDR:
		*value = ivm_x2apic_ldr(l->id);
		return 0;
	case IVM_APIC_ICR:
		*value = l->icr;
		return 0;
	default:
		if (!read_common(l, msr - MSR_X2APIC, &low))
			return -EINVAL;
		*value = low;
		return 0;
	}
}

static int write_x2apic(struct ivm_lapic *l, unsigned int reg, u64 value)
{
	u32 bits = writable_bits(reg);

	if (bits) {
		if (reg >= IVM_APIC_LVT && reg <= IVM_APIC_LVT_LAST)
			value &= ~(u64)LVT_RO_BITS;
		if (value & ~(u64)bits)
			return -EINVAL;
		write_common(l, reg, value);
		return 0;
	}
	/* Defined for zero only (SDM 11.12.1.2). */
	if (reg == IVM_APIC_ESR && !value) {
		latch_errors(l);
		return 0;
	}
	return -EINVAL;
}

int ivm_lapic_write_msr(struct ivm_irqchip *chip, unsigned int vcpu, u32 msr, u64 value)
{
	struct ivm_lapic *l = chip->lapic[vcpu];

	/* What guests write all the time comes first. */
	if (msr == MSR_TSC_DEADLINE) {
		ivm_lapic_timer_set_deadline(l, value);
		return 0;
	}
	if (msr == MSR_APIC_BASE)
		return ivm_lapic_set_base(l, value);
	if (l->mode != IVM_APIC_X2APIC || msr - MSR_X2APIC > 0xff)
		return -EINVAL;
	switch (msr - MSR_X2APIC) {
	case IVM_APIC_EOI:
		if (value)
			return -EINVAL;
		ivm_lapic_eoi(l);
		return 0;
	case IVM_APIC_ICR:
		/* Delivery status, bit 12, does not exist here: accepted, reads 0. */
		if ((u32)value & ~(ICR_BITS | 1U << 12))
			return -EINVAL;
		l->icr = value & ~(1ULL << 12);
		ivm_lapic_command(l, l->icr);
		return 0;
	case IVM_APIC_SELF_IPI:
		if (value & ~0xffULL)
			return -EINVAL;
		ivm_lapic_self_ipi(l, value);
		return 0;
	default:
		return write_x2apic(l, msr - MSR_X2APIC, value);
	}
}
