// SPDX-License-Identifier: GPL-2.0-only
/*
 * The chips of one VM as a whole: their life, their time, the lines and
 * messages that come in, and the interrupt that goes out to a vCPU.
 */
#include "irq.h"
#include "chip.h"

#include <asm/processor.h>
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/slab.h>

/* ---- time ---- */

/*
 * Timers that are being handled meanwhile see the chip frozen or not; either
 * way they are done when their stop function returns.
 */
void ivm_irqchip_freeze(struct ivm_irqchip *chip)
{
	unsigned int i;

	if (!chip->frozen) {
		chip->frozen_ns = ivm_irqchip_now(chip);
		chip->frozen_tsc = ivm_irqchip_tsc(chip);
		smp_store_release(&chip->frozen, true);	/* after what it stands at */
	}
	for (i = 0; i < chip->nr_vcpus; i++)
		ivm_lapic_timer_stop(chip->lapic[i]);
	ivm_pit_stop(chip);
}

void ivm_irqchip_thaw(struct ivm_irqchip *chip, s64 tsc_offset)
{
	unsigned int i;

	chip->tsc_offset = tsc_offset;
	if (chip->frozen) {
		chip->ns_offset = chip->frozen_ns - ktime_get_ns();
		smp_store_release(&chip->frozen, false);	/* after the offsets */
	}
	for (i = 0; i < chip->nr_vcpus; i++)
		ivm_lapic_timer_go(chip->lapic[i]);
	ivm_pit_go(chip);
}

/* ---- life ---- */

struct ivm_irqchip *ivm_irqchip_create(unsigned int nr_vcpus, u32 tsc_khz,
				       const struct ivm_irq_ops *ops, void *ctx)
{
	struct ivm_irqchip *chip;
	unsigned int i;

	if (!nr_vcpus || nr_vcpus > IVM_VCPUS_MAX || !tsc_khz)
		return ERR_PTR(-EINVAL);
	chip = kzalloc(sizeof(*chip), GFP_KERNEL_ACCOUNT);
	if (!chip)
		return ERR_PTR(-ENOMEM);
	chip->nr_vcpus = nr_vcpus;
	chip->ops = ops;
	chip->ctx = ctx;
	chip->phys_bits = boot_cpu_data.x86_phys_bits;
	chip->tsc_khz = tsc_khz;
	chip->tsc_mult = div_u64(1000000ULL << 32, tsc_khz);
	raw_spin_lock_init(&chip->ioapic.lock);
	raw_spin_lock_init(&chip->pics.lock);
	ivm_pit_init(chip);
	for (i = 0; i < nr_vcpus; i++) {
		struct ivm_lapic *l = kzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);

		if (!l) {
			ivm_irqchip_destroy(chip);
			return ERR_PTR(-ENOMEM);
		}
		ivm_lapic_init(l, chip, i);
		chip->lapic[i] = l;
	}
	ivm_irqchip_reset(chip);
	return chip;
}

void ivm_irqchip_destroy(struct ivm_irqchip *chip)
{
	unsigned int i;

	if (!chip)
		return;
	/* Some LAPICs may be missing after a failed creation: nothing ever ran then. */
	if (chip->lapic[chip->nr_vcpus - 1])
		ivm_irqchip_freeze(chip);
	for (i = 0; i < chip->nr_vcpus; i++)
		kfree(chip->lapic[i]);
	kfree(chip);
}

void ivm_irqchip_reset(struct ivm_irqchip *chip)
{
	unsigned int i;

	ivm_irqchip_freeze(chip);
	/* Inwards: what a chip's reset does to its lines is forgotten by the next. */
	ivm_pit_reset(chip);
	ivm_pics_reset(chip);
	ivm_ioapic_reset(chip);
	for (i = 0; i < chip->nr_vcpus; i++)
		ivm_lapic_power_on(chip->lapic[i]);
}

/* ---- in: lines and messages ---- */

/* As on a PC: IRQ 0, the 8254, is pin 2 of the IOAPIC; its pin 0 and the PIC's input 2 are the cascade. */
#define IVM_GSI_IRQ0	2

void ivm_irq_line(struct ivm_irqchip *chip, unsigned int gsi, bool level)
{
	if (gsi >= IVM_PLATFORM_IOAPIC_PINS)
		return;
	ivm_ioapic_line(chip, gsi, level);
	if (gsi == IVM_GSI_IRQ0)
		ivm_pics_line(chip, 0, level);
	else if (gsi && gsi < 16)
		ivm_pics_line(chip, gsi, level);
}

#define MSI_LOGICAL	BIT(2)	/* of the address */
#define MSI_REDIRECT	BIT(3)
#define MSI_DELIVERY	(7U << 8)	/* of the data */
#define MSI_ASSERT	BIT(14)
#define MSI_LEVEL	BIT(15)

static noinline int message(struct ivm_irqchip *chip, u64 address, u32 data)
{
	struct ivm_irq_message msg = {
		.dest = address >> 12 & 0xff,
		.logical = address & MSI_LOGICAL,
		.level = data & MSI_LEVEL,
		.delivery = data >> 8 & 7,
		.vector = data,
	};

	if (address >> 20 != 0xfee)
		return -EINVAL;
	/* Redirection hint: to one of those addressed. */
	if (address & MSI_REDIRECT && msg.delivery == IVM_DM_FIXED)
		msg.delivery = IVM_DM_LOWEST;
	/* The end of a level is no message that a LAPIC acts upon. */
	if (msg.level && !(data & MSI_ASSERT))
		return 0;
	ivm_irq_send(chip, &msg, NULL);
	return 0;
}

/* SDM 11.11 */
int ivm_irq_msi(struct ivm_irqchip *chip, u64 address, u32 data)
{
	u32 dest = address >> 12 & 0xff;

	/* Fixed, edge-triggered, physical, to one LAPIC: nearly all of them. */
	if (likely(address >> 20 == 0xfee && !(address & (MSI_LOGICAL | MSI_REDIRECT)) &&
		   !(data & (MSI_DELIVERY | MSI_LEVEL)) && dest < chip->nr_vcpus && (u8)data >= IVM_VECTOR_FIRST)) {
		ivm_lapic_raise(chip->lapic[dest], data, false);
		return 0;
	}
	return message(chip, address, data);
}

/* ---- out: the next interrupt of a vCPU ---- */

static bool listens_to_pics(const struct ivm_lapic *l)
{
	u32 lint0 = l->lvt[IVM_LVT_LINT0];

	if (l->mode == IVM_APIC_DISABLED)
		return l->id == 0;
	return !(lint0 & IVM_LVT_MASKED) && (lint0 >> 8 & 7) == IVM_DM_EXTINT;
}

static bool extint(const struct ivm_irqchip *chip, const struct ivm_lapic *l)
{
	return READ_ONCE(l->extint_message) ||
		(READ_ONCE(chip->pics.out) && listens_to_pics(l));
}

/* Cleared before the look, so that a request that comes meanwhile sets it again. */
static void begin_look(struct ivm_lapic *l)
{
	xchg(&l->pending, 0);
}

/* Something is left that a look would find. */
static void keep_pending(struct ivm_lapic *l)
{
	WRITE_ONCE(l->pending, 1);
}

static noinline int look(struct ivm_irqchip *chip, struct ivm_lapic *l)
{
	int vector = IVM_IRQ_NONE;

	begin_look(l);
	if (unlikely(extint(chip, l)))
		vector = ivm_pics_peek(chip, READ_ONCE(l->extint_message));
	if (likely(vector == IVM_IRQ_NONE))
		vector = ivm_lapic_highest(l);
	if (vector != IVM_IRQ_NONE)
		keep_pending(l);
	return vector;
}

int ivm_irq_next(struct ivm_irqchip *chip, unsigned int vcpu)
{
	struct ivm_lapic *l = chip->lapic[vcpu];

	if (likely(!READ_ONCE(l->pending)))
		return IVM_IRQ_NONE;
	return look(chip, l);
}

static noinline int ack_extint(struct ivm_irqchip *chip, struct ivm_lapic *l)
{
	bool message = xchg(&l->extint_message, 0);

	/* What the LAPIC or the PICs have besides is for the next look. */
	keep_pending(l);
	return ivm_pics_ack(chip, message);
}

int ivm_irq_ack(struct ivm_irqchip *chip, unsigned int vcpu)
{
	struct ivm_lapic *l = chip->lapic[vcpu];
	int vector;

	if (!READ_ONCE(l->pending))
		return IVM_IRQ_NONE;
	begin_look(l);
	if (unlikely(extint(chip, l))) {
		vector = ack_extint(chip, l);
		if (vector != IVM_IRQ_NONE)
			return vector;
	}
	vector = ivm_lapic_highest(l);
	/* What else is requested has to wait for an EOI: no need to look before. */
	if (vector != IVM_IRQ_NONE)
		ivm_lapic_take(l, vector);
	return vector;
}
