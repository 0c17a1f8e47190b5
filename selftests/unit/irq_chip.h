/* SPDX-License-Identifier: GPL-2.0-only */
/* For the tests of kmod/irq: a chip whose calls to the layer above are recorded, and short names for registers. */
#ifndef IVM_UNIT_IRQ_CHIP_H
#define IVM_UNIT_IRQ_CHIP_H

#include "irq/irq.h"
#include "shim/shim.h"

#include <linux/bug.h>
#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/ivm.h>

#define VCPUS		20	/* more than one x2APIC cluster */
#define TSC_KHZ		2500000

/* Times each vCPU was kicked, ...; last SIPI vector. */
static struct {
	unsigned int kick, nmi, init, sipi;
	u8 sipi_vector;
} up[IVM_VCPUS_MAX] __attribute__((unused));

static void rec_kick(void *ctx, unsigned int vcpu)
{
	BUG_ON(ctx != up || vcpu >= VCPUS);
	up[vcpu].kick++;
}

static void rec_nmi(void *ctx, unsigned int vcpu)
{
	BUG_ON(ctx != up || vcpu >= VCPUS);
	up[vcpu].nmi++;
}

static void rec_init(void *ctx, unsigned int vcpu)
{
	BUG_ON(ctx != up || vcpu >= VCPUS);
	up[vcpu].init++;
}

static void rec_sipi(void *ctx, unsigned int vcpu, u8 vector)
{
	BUG_ON(ctx != up || vcpu >= VCPUS);
	up[vcpu].sipi++;
	up[vcpu].sipi_vector = vector;
}

static const struct ivm_irq_ops rec_ops = { rec_kick, rec_nmi, rec_init, rec_sipi };

/* A chip that runs, with guest TSC = host TSC. */
static inline struct ivm_irqchip *chip_create(void)
{
	struct ivm_irqchip *chip;

	shim_tsc_per_us(TSC_KHZ / 1000);
	chip = ivm_irqchip_create(VCPUS, TSC_KHZ, &rec_ops, up);
	BUG_ON(IS_ERR(chip));
	ivm_irqchip_thaw(chip, 0);
	return chip;
}

static inline u32 xread(struct ivm_irqchip *chip, unsigned int vcpu, u32 offset)
{
	return ivm_lapic_read(chip, vcpu, IVM_PLATFORM_LAPIC_BASE + offset, 4);
}

static inline void xwrite(struct ivm_irqchip *chip, unsigned int vcpu, u32 offset, u32 value)
{
	ivm_lapic_write(chip, vcpu, IVM_PLATFORM_LAPIC_BASE + offset, 4, value);
}

/* Value of an MSR; all ones with #GP. */
static inline u64 rd(struct ivm_irqchip *chip, unsigned int vcpu, u32 msr)
{
	u64 value;

	return ivm_lapic_read_msr(chip, vcpu, msr, &value) ? ~0ULL : value;
}

static inline int wr(struct ivm_irqchip *chip, unsigned int vcpu, u32 msr, u64 value)
{
	return ivm_lapic_write_msr(chip, vcpu, msr, value);
}

#define MSR_BASE	0x1b
#define MSR_DEADLINE	0x6e0
#define BASE_EN		(1u << 11)
#define BASE_EXTD	(1u << 10)
#define BASE_BSP	(1u << 8)

/* Puts a LAPIC into x2APIC mode, software-enabled. */
static inline void x2_enable(struct ivm_irqchip *chip, unsigned int vcpu)
{
	BUG_ON(wr(chip, vcpu, MSR_BASE, IVM_PLATFORM_LAPIC_BASE | BASE_EN | BASE_EXTD));
	BUG_ON(wr(chip, vcpu, 0x80f, 0x1ff));
}

/* Takes the next interrupt and ends it. Its vector, or IVM_IRQ_NONE. */
static inline int serve(struct ivm_irqchip *chip, unsigned int vcpu)
{
	int next = ivm_irq_next(chip, vcpu), got = ivm_irq_ack(chip, vcpu);

	BUG_ON(next != got);
	if (got == IVM_IRQ_NONE)
		return got;
	if (wr(chip, vcpu, 0x80b, 0))
		xwrite(chip, vcpu, 0xb0, 0);
	return got;
}

static inline void io_write(struct ivm_irqchip *chip, u8 reg, u32 value)
{
	ivm_ioapic_write(chip, IVM_PLATFORM_IOAPIC_BASE, 4, reg);
	ivm_ioapic_write(chip, IVM_PLATFORM_IOAPIC_BASE + 0x10, 4, value);
}

static inline u32 io_read(struct ivm_irqchip *chip, u8 reg)
{
	ivm_ioapic_write(chip, IVM_PLATFORM_IOAPIC_BASE, 4, reg);
	return ivm_ioapic_read(chip, IVM_PLATFORM_IOAPIC_BASE + 0x10, 4);
}

/* Entry of a pin. */
static inline void io_entry(struct ivm_irqchip *chip, unsigned int pin, u64 entry)
{
	io_write(chip, 0x10 + 2 * pin, 1 << 16);
	io_write(chip, 0x11 + 2 * pin, entry >> 32);
	io_write(chip, 0x10 + 2 * pin, entry);
}

#define IO_LEVEL	(1u << 15)
#define IO_MASKED	(1u << 16)
#define IO_RIRR		(1u << 14)
#define IO_LOGICAL	(1u << 11)

#endif
