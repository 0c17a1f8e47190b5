// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages between LAPICs, and to them: who is addressed, and what a LAPIC
 * does with what it gets (SDM 11.6, 11.7, 11.12.9, 11.12.10).
 */
#include "irq.h"
#include "chip.h"

#include <linux/bitops.h>
#include <linux/kernel.h>

#define ICR_DELIVERY	(7U << 8)
#define ICR_LOGICAL	(1U << 11)
#define ICR_ASSERT	(1U << 14)
#define ICR_LEVEL	(1U << 15)
#define ICR_SHORTHAND	(3U << 18)

#define DFR_CLUSTER	0x0
#define DFR_FLAT	0xf

static u64 everyone(const struct ivm_irqchip *chip)
{
	return GENMASK_ULL(chip->nr_vcpus - 1, 0);
}

/* Is @l one of those that the logical destination @dest means? */
static bool matches_logical(const struct ivm_lapic *l, u32 dest)
{
	u32 ldr;

	if (READ_ONCE(l->mode) == IVM_APIC_X2APIC) {
		ldr = ivm_x2apic_ldr(l->id);
		return dest >> 16 == ldr >> 16 && (dest & ldr & 0xffff);
	}
	if (dest > 0xff)
		return false;
	ldr = READ_ONCE(l->ldr) >> 24;
	switch (READ_ONCE(l->dfr) >> 28) {
	case DFR_FLAT:
		return ldr & dest;
	case DFR_CLUSTER:
		return (dest >> 4 == ldr >> 4 || dest >> 4 == 0xf) && (dest & ldr & 0xf);
	default:
		return false;
	}
}

/* LAPICs that a message is addressed to, bit by index. */
static u64 addressees(const struct ivm_irqchip *chip, const struct ivm_irq_message *msg)
{
	u64 targets = 0;
	unsigned int i;

	if (msg->dest == (msg->wide ? ~0U : 0xff))
		return everyone(chip);
	if (!msg->logical)
		return msg->dest < chip->nr_vcpus ? 1ULL << msg->dest : 0;
	for (i = 0; i < chip->nr_vcpus; i++)
		if (matches_logical(chip->lapic[i], msg->dest))
			targets |= 1ULL << i;
	return targets;
}

/* Of @targets the one whose vCPU does the least important work; the first of equals. */
static u64 lowest_priority(const struct ivm_irqchip *chip, u64 targets)
{
	unsigned int best_ppr = 0x100;
	u64 best = 0;

	while (targets) {
		unsigned int i = __ffs(targets);
		const struct ivm_lapic *l = chip->lapic[i];

		targets &= targets - 1;
		if (READ_ONCE(l->accepts) && READ_ONCE(l->ppr) < best_ppr) {
			best_ppr = READ_ONCE(l->ppr);
			best = 1ULL << i;
		}
	}
	return best;
}

/* Return: did @l take it as a fixed interrupt? */
static bool deliver(struct ivm_lapic *l, const struct ivm_irq_message *msg, struct ivm_lapic *own)
{
	const struct ivm_irqchip *chip = l->chip;

	if (READ_ONCE(l->mode) == IVM_APIC_DISABLED)
		return false;
	switch (msg->delivery) {
	case IVM_DM_FIXED:
	case IVM_DM_LOWEST:
		if (msg->vector < IVM_VECTOR_FIRST) {
			ivm_lapic_error(l, IVM_ESR_RECV_VECTOR);
			return false;
		}
		if (l == own)
			return ivm_lapic_raise_own(l, msg->vector);
		return ivm_lapic_raise(l, msg->vector, msg->level);
	case IVM_DM_NMI:
		chip->ops->nmi(chip->ctx, l->id);
		break;
	case IVM_DM_INIT:
		chip->ops->init(chip->ctx, l->id);
		break;
	case IVM_DM_SIPI:
		if (own)	/* processors start each other, nobody else does */
			chip->ops->sipi(chip->ctx, l->id, msg->vector);
		break;
	case IVM_DM_EXTINT:
		xchg(&l->extint_message, 1);
		ivm_lapic_wake(l);
		break;
	}
	/* SMI is for nobody: there is no SMM. */
	return false;
}

static unsigned int deliver_all(struct ivm_irqchip *chip, u64 targets,
				const struct ivm_irq_message *msg, struct ivm_lapic *own)
{
	unsigned int taken = 0;

	if (msg->delivery == IVM_DM_LOWEST)
		targets = lowest_priority(chip, targets);
	while (targets) {
		taken += deliver(chip->lapic[__ffs(targets)], msg, own);
		targets &= targets - 1;
	}
	return taken;
}

unsigned int ivm_irq_send(struct ivm_irqchip *chip, const struct ivm_irq_message *msg,
			  struct ivm_lapic *own)
{
	return deliver_all(chip, addressees(chip, msg), msg, own);
}

static noinline void command(struct ivm_lapic *l, u64 icr)
{
	struct ivm_irqchip *chip = l->chip;
	bool wide = l->mode == IVM_APIC_X2APIC;
	u64 self = 1ULL << l->id, targets;
	struct ivm_irq_message msg = {
		.dest = wide ? icr >> 32 : icr >> 56,
		.wide = wide,
		.logical = icr & ICR_LOGICAL,
		/* Fixed IPIs are edge-triggered, whatever bit 15 says. */
		.delivery = icr >> 8 & 7,
		.vector = icr,
	};

	if (msg.delivery <= IVM_DM_LOWEST && msg.vector < IVM_VECTOR_FIRST) {
		ivm_lapic_error(l, IVM_ESR_SEND_VECTOR);
		return;
	}
	switch (msg.delivery) {
	case IVM_DM_INIT:
		/* De-assert synchronised arbitration ids on buses long gone. */
		if (icr & ICR_LEVEL && !(icr & ICR_ASSERT))
			return;
		break;
	case IVM_DM_EXTINT:	/* reserved here */
		return;
	}
	switch ((icr & ICR_SHORTHAND) >> 18) {
	case 0:
		targets = addressees(chip, &msg);
		break;
	case 1:
		/* INIT and SIPI to oneself are not valid; NMI works on CPUs, and guests use it. */
		targets = msg.delivery == IVM_DM_INIT || msg.delivery == IVM_DM_SIPI ? 0 : self;
		break;
	case 2:
		targets = everyone(chip);
		break;
	default:
		targets = everyone(chip) & ~self;
		break;
	}
	deliver_all(chip, targets, &msg, l);
}

void ivm_lapic_command(struct ivm_lapic *l, u64 icr)
{
	struct ivm_irqchip *chip = l->chip;
	u32 dest = icr >> 32;

	/* Fixed, physical, to one LAPIC: nearly all of them. */
	if (likely(l->mode == IVM_APIC_X2APIC && dest < chip->nr_vcpus && dest != l->id &&
		   !(icr & (ICR_DELIVERY | ICR_LOGICAL | ICR_SHORTHAND)) &&
		   (u8)icr >= IVM_VECTOR_FIRST)) {
		ivm_lapic_raise(chip->lapic[dest], icr, false);
		return;
	}
	command(l, icr);
}

void ivm_lapic_self_ipi(struct ivm_lapic *l, u8 vector)
{
	if (unlikely(vector < IVM_VECTOR_FIRST)) {
		ivm_lapic_error(l, IVM_ESR_SEND_VECTOR);
		return;
	}
	ivm_lapic_raise_own(l, vector);
}
