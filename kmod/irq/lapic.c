// SPDX-License-Identifier: GPL-2.0-only
/*
 * LAPIC: requests, priorities, end of interrupt, errors, local vectors, modes
 * (SDM volume 3, chapter 11; APM volume 2, chapter 16).
 *
 * Requests (IRR, TMR) are set by anybody with atomic operations and taken by
 * the vCPU's own thread; everything that decides about priority (TPR, ISR,
 * PPR) belongs to that thread alone, so no lock is needed.
 */
#include "irq.h"
#include "chip.h"

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#define BASE_BSP	(1ULL << 8)
#define BASE_X2APIC	(1ULL << 10)
#define BASE_ENABLE	(1ULL << 11)
#define BASE_ADDRESS	GENMASK_ULL(51, 12)

/* ---- requests: any context ---- */

static __always_inline bool request(struct ivm_lapic *l, u8 vector, bool level)
{
	if (unlikely(!READ_ONCE(l->accepts)))
		return false;
	if (unlikely(level != test_bit(vector, l->tmr))) {
		if (level)
			set_bit(vector, l->tmr);
		else
			clear_bit(vector, l->tmr);
	}
	set_bit(vector, l->irr);
	return true;
}

void ivm_lapic_wake(struct ivm_lapic *l)
{
	/*
	 * The request before this was a locked operation, hence a barrier.
	 * When pending is 1 already the thread has not looked since, and will.
	 */
	if (READ_ONCE(l->pending))
		return;
	WRITE_ONCE(l->pending, 1);
	l->chip->ops->kick(l->chip->ctx, l->id);
}

bool ivm_lapic_raise(struct ivm_lapic *l, u8 vector, bool level)
{
	if (!request(l, vector, level))
		return false;
	ivm_lapic_wake(l);
	return true;
}

bool ivm_lapic_raise_own(struct ivm_lapic *l, u8 vector)
{
	if (!request(l, vector, false))
		return false;
	WRITE_ONCE(l->pending, 1);
	return true;
}

void ivm_lapic_error(struct ivm_lapic *l, u32 bit)
{
	/* Told once until the guest clears it, which also ends the recursion of an error LVT with an illegal vector. */
	if (!(atomic_fetch_or(bit, &l->errors) & bit))
		ivm_lapic_local(l, IVM_LVT_ERROR);
}

void ivm_lapic_local(struct ivm_lapic *l, enum ivm_lvt entry)
{
	u32 lvt = READ_ONCE(l->lvt[entry]);
	u8 vector = lvt;

	if (lvt & IVM_LVT_MASKED)
		return;
	/* Timer and error have no delivery mode: those bits read as fixed. */
	switch (lvt >> 8 & 7) {
	case IVM_DM_FIXED:
		if (vector < IVM_VECTOR_FIRST)
			ivm_lapic_error(l, IVM_ESR_RECV_VECTOR);
		else
			ivm_lapic_raise(l, vector, false);
		break;
	case IVM_DM_NMI:
		l->chip->ops->nmi(l->chip->ctx, l->id);
		break;
	case IVM_DM_INIT:
		l->chip->ops->init(l->chip->ctx, l->id);
		break;
	case IVM_DM_EXTINT:
		ivm_lapic_wake(l);
		break;
	default:	/* SMI: there is no SMM; the rest is reserved */
		break;
	}
}

void ivm_lapics_lint0(struct ivm_irqchip *chip)
{
	u64 listeners;

	smp_mb();	/* INTR is up before we ask who listens and whether they looked: see ivm_lapic_wake() */
	listeners = atomic64_read(&chip->lint0);
	while (listeners) {
		struct ivm_lapic *l = chip->lapic[__ffs(listeners)];

		listeners &= listeners - 1;
		if (READ_ONCE(l->mode) == IVM_APIC_DISABLED)
			ivm_lapic_wake(l);	/* vCPU 0: straight to its INTR pin */
		else
			ivm_lapic_local(l, IVM_LVT_LINT0);
	}
}

/* ---- priorities: own thread ---- */

static __always_inline unsigned int highest_bit(const unsigned long *map)
{
	int i;

	for (i = IVM_VECTOR_WORDS - 1; i >= 0; i--) {
		unsigned long word = READ_ONCE(map[i]);

		if (word)
			return i * BITS_PER_LONG + __fls(word);
	}
	return 0;
}

static __always_inline bool any_bit(const unsigned long *map)
{
	return READ_ONCE(map[0]) | READ_ONCE(map[1]) | READ_ONCE(map[2]) | READ_ONCE(map[3]);
}

/*
 * PPR: the higher class of TPR and ISR; of the same class TPR says the rest
 * (SDM 11.8.3.1). A lower class may let through what was held back.
 */
static __always_inline void update_ppr(struct ivm_lapic *l)
{
	u8 in_service = l->isr_top & 0xf0, old = l->ppr;
	u8 ppr = (l->tpr & 0xf0) >= in_service ? l->tpr : in_service;

	WRITE_ONCE(l->ppr, ppr);
	if ((ppr & 0xf0) < (old & 0xf0) && any_bit(l->irr))
		WRITE_ONCE(l->pending, 1);
}

int ivm_lapic_highest(const struct ivm_lapic *l)
{
	unsigned int vector = highest_bit(l->irr);

	if (!l->accepts || (vector & 0xf0) <= (l->ppr & 0xf0))
		return IVM_IRQ_NONE;
	return vector;
}

void ivm_lapic_take(struct ivm_lapic *l, u8 vector)
{
	clear_bit(vector, l->irr);
	__set_bit(vector, l->isr);
	/* Its class is above that of TPR and of everything in service. */
	l->isr_top = vector;
	WRITE_ONCE(l->ppr, vector & 0xf0);
	if (unlikely(READ_ONCE(l->timer.unheard)))	/* after the locked operation above: see timer_fires() */
		ivm_lapic_timer_heard(l);
}

void ivm_lapic_eoi(struct ivm_lapic *l)
{
	u8 vector = l->isr_top;

	if (!vector)
		return;
	__clear_bit(vector, l->isr);
	l->isr_top = likely(!any_bit(l->isr)) ? 0 : highest_bit(l->isr);
	update_ppr(l);
	if (unlikely(test_bit(vector, l->tmr)) && !(l->svr & IVM_SVR_NO_EOI_BCAST)) {
		WRITE_ONCE(l->pending, 1);	/* it may come again: spare ourselves the kick */
		ivm_ioapic_eoi(l->chip, vector);
	}
}

bool ivm_lapic_ends_silently(struct ivm_irqchip *chip, unsigned int vcpu, u8 vector)
{
	const struct ivm_lapic *l = chip->lapic[vcpu];

	return l->isr_top == vector && !test_bit(vector, l->tmr);
}

bool ivm_lapic_holds_back(struct ivm_irqchip *chip, unsigned int vcpu)
{
	return any_bit(chip->lapic[vcpu]->irr);
}

void ivm_lapic_end(struct ivm_irqchip *chip, unsigned int vcpu)
{
	ivm_lapic_eoi(chip->lapic[vcpu]);
}

void ivm_lapic_set_tpr(struct ivm_lapic *l, u8 tpr)
{
	l->tpr = tpr;
	update_ppr(l);
}

u8 ivm_lapic_cr8(struct ivm_irqchip *chip, unsigned int vcpu)
{
	return chip->lapic[vcpu]->tpr >> 4;
}

void ivm_lapic_set_cr8(struct ivm_irqchip *chip, unsigned int vcpu, u8 cr8)
{
	ivm_lapic_set_tpr(chip->lapic[vcpu], cr8 << 4);
}

/* ---- enabling, local vectors: own thread ---- */

/* What follows from mode, SVR and LINT0 for those who send. */
static void update_receiver(struct ivm_lapic *l)
{
	bool enabled = l->mode != IVM_APIC_DISABLED;
	bool lint0 = enabled ? !(l->lvt[IVM_LVT_LINT0] & IVM_LVT_MASKED) : l->id == 0;

	WRITE_ONCE(l->accepts, enabled && l->svr & IVM_SVR_ENABLE);
	if (lint0)
		atomic64_or(1ULL << l->id, &l->chip->lint0);
	else
		atomic64_and(~(1ULL << l->id), &l->chip->lint0);
	/* The PICs' INTR may be up already, and what was held while disabled is let through. */
	WRITE_ONCE(l->pending, 1);
}

/* Disabling masks every LVT entry, and they stay masked until it is enabled (SDM 11.4.7.2). */
void ivm_lapic_set_svr(struct ivm_lapic *l, u32 svr)
{
	int i;

	l->svr = svr;
	if (!(svr & IVM_SVR_ENABLE)) {
		for (i = 0; i < IVM_LVTS; i++)
			if (!(l->lvt[i] & IVM_LVT_MASKED))
				ivm_lapic_set_lvt(l, i, l->lvt[i]);
	}
	update_receiver(l);
}

void ivm_lapic_set_lvt(struct ivm_lapic *l, enum ivm_lvt entry, u32 value)
{
	if (!(l->svr & IVM_SVR_ENABLE))
		value |= IVM_LVT_MASKED;
	if (entry == IVM_LVT_TIMER)
		ivm_lapic_timer_set_lvt(l, value);
	else
		WRITE_ONCE(l->lvt[entry], value);
	if (entry == IVM_LVT_LINT0)
		update_receiver(l);
}

/* ---- reset and modes ---- */

static void set_mode(struct ivm_lapic *l, enum ivm_apic_mode mode)
{
	WRITE_ONCE(l->mode, mode);
	update_receiver(l);
}

void ivm_lapic_reset(struct ivm_lapic *l)
{
	int i;

	l->svr = 0xff;
	update_receiver(l);	/* from here on nobody adds requests */
	for (i = 0; i < IVM_VECTOR_WORDS; i++) {
		WRITE_ONCE(l->irr[i], 0);
		WRITE_ONCE(l->tmr[i], 0);
		l->isr[i] = 0;
	}
	WRITE_ONCE(l->extint_message, 0);
	l->isr_top = 0;
	l->tpr = 0;
	WRITE_ONCE(l->ppr, 0);
	l->icr = 0;
	l->esr = 0;
	atomic_set(&l->errors, 0);
	WRITE_ONCE(l->ldr, 0);
	WRITE_ONCE(l->dfr, ~0U);
	for (i = 0; i < IVM_LVTS; i++)
		ivm_lapic_set_lvt(l, i, IVM_LVT_MASKED);
	ivm_lapic_timer_reset(l);
}

void ivm_lapic_power_on(struct ivm_lapic *l)
{
	set_mode(l, IVM_APIC_XAPIC);
	l->base = IVM_PLATFORM_LAPIC_BASE;
	ivm_lapic_reset(l);
	if (l->id != 0)
		return;
	/* What firmware does before it hands over: the PICs reach the boot CPU ("virtual wire mode"). */
	ivm_lapic_set_svr(l, IVM_SVR_ENABLE | 0xff);
	ivm_lapic_set_lvt(l, IVM_LVT_LINT0, IVM_DM_EXTINT << 8);
	ivm_lapic_set_lvt(l, IVM_LVT_LINT1, IVM_DM_NMI << 8);
}

void ivm_lapic_init(struct ivm_lapic *l, struct ivm_irqchip *chip, u32 id)
{
	l->chip = chip;
	l->id = id;
	ivm_lapic_timer_init(l);
}

void ivm_lapic_init_signal(struct ivm_irqchip *chip, unsigned int vcpu)
{
	ivm_lapic_reset(chip->lapic[vcpu]);
}

u64 ivm_lapic_get_base(const struct ivm_lapic *l)
{
	return l->base | (l->id ? 0 : BASE_BSP) |
		(l->mode != IVM_APIC_DISABLED ? BASE_ENABLE : 0) |
		(l->mode == IVM_APIC_X2APIC ? BASE_X2APIC : 0);
}

/*
 *	disabled <-> xAPIC -> x2APIC -> disabled
 *
 * and nothing else (SDM 11.12.5.1, APM 16.9). Disabling loses all registers.
 * Which CPU is the boot processor is not the guest's to say.
 */
int ivm_lapic_set_base(struct ivm_lapic *l, u64 value)
{
	u64 address = BASE_ADDRESS & GENMASK_ULL(l->chip->phys_bits - 1, 0);
	enum ivm_apic_mode mode;

	if (value & ~(BASE_BSP | BASE_X2APIC | BASE_ENABLE | address))
		return -EINVAL;
	if (value & BASE_X2APIC && !(value & BASE_ENABLE))
		return -EINVAL;
	if (value & BASE_X2APIC)
		mode = IVM_APIC_X2APIC;
	else
		mode = value & BASE_ENABLE ? IVM_APIC_XAPIC : IVM_APIC_DISABLED;
	if (l->mode == IVM_APIC_X2APIC && mode == IVM_APIC_XAPIC)
		return -EINVAL;
	if (l->mode == IVM_APIC_DISABLED && mode == IVM_APIC_X2APIC)
		return -EINVAL;

	l->base = value & address;
	if (mode == l->mode)
		return 0;
	if (mode == IVM_APIC_X2APIC)
		l->icr &= U32_MAX;	/* the destination has another form now */
	set_mode(l, mode);
	if (mode == IVM_APIC_DISABLED)
		ivm_lapic_reset(l);
	return 0;
}
