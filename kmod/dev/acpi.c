// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACPI fixed hardware (ACPI 6.4, 4.8.3): power management events and control,
 * the power management timer; and what is left of the keyboard controller: its
 * reset line, which old kernels pull.
 *
 * The platform is always in ACPI mode. Of the fixed events only the power
 * button ever happens here; the others can be enabled, since drivers check
 * that a bit they set stays set.
 */
#include "dev.h"
#include "bytes.h"

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>

#include <linux/ivm.h>

#define PM_BASE			IVM_PLATFORM_PM1_EVT_PORT
#define PM1_STS			0
#define PM1_EN			2
#define PM1_CNT			(IVM_PLATFORM_PM1_CNT_PORT - PM_BASE)
#define PM_TMR			(IVM_PLATFORM_PM_TMR_PORT - PM_BASE)
#define PM_SIZE			(PM_TMR + 4)

#define PM1_GBL			(1U << 5)
#define PM1_PWRBTN		(1U << 8)
#define PM1_SLPBTN		(1U << 9)
#define PM1_RTC			(1U << 10)
#define PM1_TMR			(1U << 0)
#define PM1_EN_BITS		(PM1_TMR | PM1_GBL | PM1_PWRBTN | PM1_SLPBTN | PM1_RTC)

#define PM1_CNT_SCI_EN		(1U << 0)
#define PM1_CNT_BM_RLD		(1U << 1)
#define PM1_CNT_SLP_TYP_SHIFT	10
#define PM1_CNT_SLP_TYP		(7U << PM1_CNT_SLP_TYP_SHIFT)
#define PM1_CNT_SLP_EN		(1U << 13)

#define PM_TMR_HZ		3579545

#define I8042_COMMAND_PORT	0x64	/* read: status */
#define I8042_IBF		0x02	/* status: the controller has not taken the last byte yet */
#define I8042_PULSE		0xf0	/* command: pulse the output lines whose bits are 0 in the low nibble */
#define I8042_PULSE_MASK	0xf0
#define I8042_LINE_RESET	0x01

/* (c) constant once created  (l) protected by lock */
struct ivm_acpi {
	const struct ivm_acpi_ops *ops;	/* (c) */
	void *ctx;			/* (c) */
	u64 start_ns;			/* (c) monotonic time when the PM timer was 0 */

	raw_spinlock_t lock;
	u16 status, enable, control;	/* (l) PM1 registers */
	bool sci;			/* (l) level of the line */
	bool power_off;			/* (l) just written, to be told without the lock */
};

/* To be called after each change of status or enable. */
static void acpi_update_sci(struct ivm_acpi *acpi)
{
	bool level = acpi->status & acpi->enable;

	if (level != acpi->sci) {
		acpi->sci = level;
		acpi->ops->sci(acpi->ctx, level);
	}
}

static u32 acpi_pm_timer(const struct ivm_acpi *acpi)
{
	return mul_u64_u32_div(ktime_get_ns() - acpi->start_ns, PM_TMR_HZ, NSEC_PER_SEC);
}

/* One of the three aligned double words of the block. */
static u32 acpi_pm_word(const struct ivm_acpi *acpi, unsigned int index)
{
	switch (index) {
	case PM1_STS / 4:
		return acpi->status | (u32)acpi->enable << 8 * PM1_EN;
	case PM1_CNT / 4:
		return acpi->control | PM1_CNT_SCI_EN;	/* SLP_EN reads as 0 */
	case PM_TMR / 4:
		return acpi_pm_timer(acpi);
	default:
		return 0;
	}
}

static u64 acpi_pm_read(void *dev, u64 port, unsigned int size)
{
	unsigned int offset = port - PM_BASE, shift = offset % 4 * 8;
	struct ivm_acpi *acpi = dev;
	unsigned long flags;
	u64 value;

	raw_spin_lock_irqsave(&acpi->lock, flags);
	value = acpi_pm_word(acpi, offset / 4);
	if (offset % 4 + size > 4)
		value |= (u64)acpi_pm_word(acpi, offset / 4 + 1) << 32;
	raw_spin_unlock_irqrestore(&acpi->lock, flags);
	return value >> shift & GENMASK_ULL(size * 8 - 1, 0);
}

/* Sleep type and sleep enable share this byte, so a byte write can sleep as well. */
static void acpi_write_control_high(struct ivm_acpi *acpi, u8 value)
{
	u16 control = value << 8;

	acpi->control = (acpi->control & 0xff) | (control & PM1_CNT_SLP_TYP);
	/* Other sleep types were never offered in the tables. */
	if (control & PM1_CNT_SLP_EN &&
	    (control & PM1_CNT_SLP_TYP) >> PM1_CNT_SLP_TYP_SHIFT == IVM_PLATFORM_SLP_TYP_S5)
		acpi->power_off = true;
}

static void acpi_pm_write8(void *dev, u64 port, u8 value)
{
	struct ivm_acpi *acpi = dev;

	switch (port - PM_BASE) {
	case PM1_STS:
		acpi->status &= ~value;		/* written ones clear */
		break;
	case PM1_STS + 1:
		acpi->status &= ~(value << 8);
		break;
	case PM1_EN:
		acpi->enable = ((acpi->enable & 0xff00) | value) & PM1_EN_BITS;
		break;
	case PM1_EN + 1:
		acpi->enable = ((acpi->enable & 0xff) | value << 8) & PM1_EN_BITS;
		break;
	case PM1_CNT:
		acpi->control = (acpi->control & 0xff00) | (value & PM1_CNT_BM_RLD);
		break;
	case PM1_CNT + 1:
		acpi_write_control_high(acpi, value);
		break;
	default:
		break;	/* the timer is read-only */
	}
}

static void acpi_pm_write(void *dev, u64 port, unsigned int size, u64 value)
{
	struct ivm_acpi *acpi = dev;
	unsigned long flags;
	bool power_off;

	raw_spin_lock_irqsave(&acpi->lock, flags);
	ivm_bytes_write(acpi_pm_write8, acpi, port, size, value);
	acpi_update_sci(acpi);
	power_off = acpi->power_off;
	acpi->power_off = false;
	raw_spin_unlock_irqrestore(&acpi->lock, flags);
	if (power_off)
		acpi->ops->power_off(acpi->ctx);
}

const struct ivm_bus_ops ivm_acpi_pm_bus_ops = {
	.read = acpi_pm_read,
	.write = acpi_pm_write,
};

/*
 * There is no keyboard controller. All ones would say so, were it not for
 * those who wait for "input buffer empty" before they pull the reset line:
 * Linux polls for it 65536 times, small kernels for ever. So that one bit is 0.
 * "Output buffer full", which never ends, makes the probes of drivers give up
 * at once, where a 0 would have them wait for answers to commands.
 */
static u8 i8042_read8(void *dev, u64 port)
{
	return port == I8042_COMMAND_PORT ? (u8)~I8042_IBF : 0xff;
}

static u64 i8042_read(void *dev, u64 port, unsigned int size)
{
	return ivm_bytes_read(i8042_read8, dev, port, size);
}

static void i8042_write(void *dev, u64 port, unsigned int size, u64 value)
{
	struct ivm_acpi *acpi = dev;

	if (port == I8042_COMMAND_PORT && (value & I8042_PULSE_MASK) == I8042_PULSE &&
	    !(value & I8042_LINE_RESET))
		acpi->ops->reset(acpi->ctx);
}

const struct ivm_bus_ops ivm_i8042_bus_ops = {
	.read = i8042_read,
	.write = i8042_write,
};

/**
 * ivm_acpi_power_button() - press the power button
 * @acpi: of this VM
 *
 * Sets PWRBTN_STS; the guest is interrupted if it has enabled that event.
 *
 * Context: any but NMI.
 */
void ivm_acpi_power_button(struct ivm_acpi *acpi)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&acpi->lock, flags);
	acpi->status |= PM1_PWRBTN;
	acpi_update_sci(acpi);
	raw_spin_unlock_irqrestore(&acpi->lock, flags);
}

/**
 * ivm_acpi_reset() - no events, none enabled; the timer runs on
 * @acpi: of this VM
 *
 * Context: any but NMI.
 */
void ivm_acpi_reset(struct ivm_acpi *acpi)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&acpi->lock, flags);
	acpi->status = 0;
	acpi->enable = 0;
	acpi->control = 0;
	acpi_update_sci(acpi);
	raw_spin_unlock_irqrestore(&acpi->lock, flags);
}

/**
 * ivm_acpi_create() - ACPI hardware in reset state, its timer at 0
 * @ops: what guest and button cause
 * @ctx: handed to @ops
 *
 * Context: may sleep.
 * Return: the device, or ERR_PTR(-ENOMEM).
 */
struct ivm_acpi *ivm_acpi_create(const struct ivm_acpi_ops *ops, void *ctx)
{
	struct ivm_acpi *acpi = kzalloc(sizeof(*acpi), GFP_KERNEL);

	if (!acpi)
		return ERR_PTR(-ENOMEM);
	acpi->ops = ops;
	acpi->ctx = ctx;
	acpi->start_ns = ktime_get_ns();
	raw_spin_lock_init(&acpi->lock);
	return acpi;
}

/**
 * ivm_acpi_destroy() - free the device
 * @acpi: may be NULL
 *
 * Context: any that may free memory; no vCPU runs.
 */
void ivm_acpi_destroy(struct ivm_acpi *acpi)
{
	kfree(acpi);
}
