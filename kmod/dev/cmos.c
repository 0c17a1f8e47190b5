// SPDX-License-Identifier: GPL-2.0-only
/*
 * MC146818 clock and RAM (Motorola data sheet), polled: no interrupt comes
 * from it, and register C says so.
 *
 * The clock shows the host's UTC plus an offset. The guest may set it: that
 * changes the offset, which lasts as long as the VM; the host's clock is never
 * touched.
 *
 * "Update in progress" is never set. On the chip it warns that the time may
 * change within 244 us; here an update takes no time, and what the warning is
 * for, that no update falls between its reading and the reading of the time,
 * is kept by holding the time for a while after each read of register A.
 */
#include "dev.h"
#include "bytes.h"

#include <linux/bcd.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mc146818rtc.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/time.h>
#include <linux/timekeeping.h>

#define CMOS_SIZE		128
#define CMOS_CENTURY		0x32	/* named in the FADT */
#define CMOS_TIME_REGS		10	/* registers 0 … 9: time, with the alarm between */
#define CMOS_PM			0x80	/* in the hour, with the 12-hour clock */
#define CMOS_HOLD_NS		(2 * NSEC_PER_MSEC)	/* 244 us would do, if exits took no time */

/* (l) protected by lock */
struct ivm_cmos {
	raw_spinlock_t lock;
	u8 index;		/* (l) at port 70 */
	/*
	 * (l) Registers as written, and the RAM. Those of the time count only
	 * while register B stops the clock (SET), and for a moment when one of
	 * them is written.
	 */
	u8 reg[CMOS_SIZE];
	bool written;		/* (l) while stopped: so the time is to be taken over */
	s64 offset;		/* (l) guest's time minus host's, seconds */
	time64_t held;		/* (l) guest's time at the last read of register A */
	u64 hold_until;		/* (l) monotonic, ns */
};

static bool cmos_is_time(u8 index)
{
	return (index < CMOS_TIME_REGS && index != RTC_SECONDS_ALARM &&
		index != RTC_MINUTES_ALARM && index != RTC_HOURS_ALARM) || index == CMOS_CENTURY;
}

static bool cmos_stopped(const struct ivm_cmos *cmos)
{
	return cmos->reg[RTC_CONTROL] & RTC_SET;
}

static u8 cmos_encode(const struct ivm_cmos *cmos, unsigned int value)
{
	return cmos->reg[RTC_CONTROL] & RTC_DM_BINARY ? value : bin2bcd(value);
}

static unsigned int cmos_decode(const struct ivm_cmos *cmos, u8 value)
{
	return cmos->reg[RTC_CONTROL] & RTC_DM_BINARY ? value : bcd2bin(value);
}

static u8 cmos_encode_hour(const struct ivm_cmos *cmos, unsigned int hour)
{
	if (cmos->reg[RTC_CONTROL] & RTC_24H)
		return cmos_encode(cmos, hour);
	return cmos_encode(cmos, (hour + 11) % 12 + 1) | (hour >= 12 ? CMOS_PM : 0);
}

/* Return: 0 … 23, or something larger when the register is no hour. */
static unsigned int cmos_decode_hour(const struct ivm_cmos *cmos, u8 value)
{
	unsigned int hour;

	if (cmos->reg[RTC_CONTROL] & RTC_24H)
		return cmos_decode(cmos, value);
	hour = cmos_decode(cmos, value & ~CMOS_PM);
	if (hour < 1 || hour > 12)
		return 24;
	return hour % 12 + (value & CMOS_PM ? 12 : 0);
}

static time64_t cmos_now(const struct ivm_cmos *cmos)
{
	return ktime_get_real_seconds() + cmos->offset;
}

/* Writes a time into the registers, in the format that register B asks for. */
static void cmos_show(struct ivm_cmos *cmos, time64_t now)
{
	struct tm tm;

	time64_to_tm(now, 0, &tm);
	cmos->reg[RTC_SECONDS] = cmos_encode(cmos, tm.tm_sec);
	cmos->reg[RTC_MINUTES] = cmos_encode(cmos, tm.tm_min);
	cmos->reg[RTC_HOURS] = cmos_encode_hour(cmos, tm.tm_hour);
	cmos->reg[RTC_DAY_OF_WEEK] = cmos_encode(cmos, tm.tm_wday + 1);
	cmos->reg[RTC_DAY_OF_MONTH] = cmos_encode(cmos, tm.tm_mday);
	cmos->reg[RTC_MONTH] = cmos_encode(cmos, tm.tm_mon + 1);
	cmos->reg[RTC_YEAR] = cmos_encode(cmos, (tm.tm_year + 1900) % 100);
	cmos->reg[CMOS_CENTURY] = cmos_encode(cmos, (tm.tm_year + 1900) / 100);
}

/* Takes over the time that the guest left in the registers; one that does not exist changes nothing. */
static void cmos_set(struct ivm_cmos *cmos)
{
	unsigned int sec = cmos_decode(cmos, cmos->reg[RTC_SECONDS]);
	unsigned int min = cmos_decode(cmos, cmos->reg[RTC_MINUTES]);
	unsigned int hour = cmos_decode_hour(cmos, cmos->reg[RTC_HOURS]);
	unsigned int day = cmos_decode(cmos, cmos->reg[RTC_DAY_OF_MONTH]);
	unsigned int month = cmos_decode(cmos, cmos->reg[RTC_MONTH]);
	unsigned int year = cmos_decode(cmos, cmos->reg[RTC_YEAR]);
	unsigned int century = cmos_decode(cmos, cmos->reg[CMOS_CENTURY]);

	if (sec > 59 || min > 59 || hour > 23 || day < 1 || day > 31 || month < 1 || month > 12 ||
	    year > 99 || century > 99 || century * 100 + year < 1970)
		return;
	cmos->offset = mktime64(century * 100 + year, month, day, hour, min, sec) -
		       ktime_get_real_seconds();
	cmos->hold_until = 0;
}

static void cmos_write_time(struct ivm_cmos *cmos, u8 index, u8 value)
{
	if (cmos_stopped(cmos)) {
		cmos->reg[index] = value;
		cmos->written = true;
		return;
	}
	cmos_show(cmos, cmos_now(cmos));
	cmos->reg[index] = value;
	cmos_set(cmos);
}

static void cmos_write_control(struct ivm_cmos *cmos, u8 value)
{
	bool stopped = cmos_stopped(cmos);

	if (!stopped && value & RTC_SET) {
		cmos_show(cmos, cmos_now(cmos));
		cmos->written = false;
	}
	cmos->reg[RTC_CONTROL] = value;
	if (stopped && !(value & RTC_SET) && cmos->written)
		cmos_set(cmos);
}

static u8 cmos_read_data(struct ivm_cmos *cmos)
{
	u8 index = cmos->index;

	if (index == RTC_REG_A) {
		cmos->held = cmos_now(cmos);
		cmos->hold_until = ktime_get_ns() + CMOS_HOLD_NS;
	} else if (cmos_is_time(index) && !cmos_stopped(cmos)) {
		cmos_show(cmos, ktime_get_ns() < cmos->hold_until ? cmos->held : cmos_now(cmos));
	}
	return cmos->reg[index];
}

static void cmos_write_data(struct ivm_cmos *cmos, u8 value)
{
	u8 index = cmos->index;

	if (cmos_is_time(index)) {
		cmos_write_time(cmos, index, value);
		return;
	}
	switch (index) {
	case RTC_REG_A:
		cmos->reg[index] = value & ~RTC_UIP;
		break;
	case RTC_REG_B:
		cmos_write_control(cmos, value);
		break;
	case RTC_REG_C:
	case RTC_REG_D:
		break;	/* read-only */
	default:
		cmos->reg[index] = value;
	}
}

/* The even port is the index, which cannot be read; the odd one the register. */
static u8 cmos_read8(void *dev, u64 port)
{
	return port % 2 ? cmos_read_data(dev) : 0xff;
}

static void cmos_write8(void *dev, u64 port, u8 value)
{
	struct ivm_cmos *cmos = dev;

	if (port % 2)
		cmos_write_data(cmos, value);
	else
		cmos->index = value % CMOS_SIZE;	/* bit 7 masks NMIs on a PC; there are none to mask */
}

static u64 cmos_read(void *dev, u64 port, unsigned int size)
{
	struct ivm_cmos *cmos = dev;
	unsigned long flags;
	u64 value;

	raw_spin_lock_irqsave(&cmos->lock, flags);
	value = ivm_bytes_read(cmos_read8, cmos, port, size);
	raw_spin_unlock_irqrestore(&cmos->lock, flags);
	return value;
}

static void cmos_write(void *dev, u64 port, unsigned int size, u64 value)
{
	struct ivm_cmos *cmos = dev;
	unsigned long flags;

	raw_spin_lock_irqsave(&cmos->lock, flags);
	ivm_bytes_write(cmos_write8, cmos, port, size, value);
	raw_spin_unlock_irqrestore(&cmos->lock, flags);
}

const struct ivm_bus_ops ivm_cmos_bus_ops = {
	.read = cmos_read,
	.write = cmos_write,
};

/**
 * ivm_cmos_reset() - the clock runs, in the format that PC firmware leaves behind
 * @cmos: of this VM
 *
 * RAM and time have a battery: they stay.
 *
 * Context: any but NMI.
 */
void ivm_cmos_reset(struct ivm_cmos *cmos)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&cmos->lock, flags);
	cmos->index = 0;
	cmos->reg[RTC_REG_A] = RTC_REF_CLCK_32KHZ | 6;	/* 1024 Hz */
	cmos->reg[RTC_REG_B] = RTC_24H;
	cmos->reg[RTC_REG_C] = 0;
	cmos->reg[RTC_REG_D] = RTC_VRT;
	raw_spin_unlock_irqrestore(&cmos->lock, flags);
}

/**
 * ivm_cmos_create() - a clock that shows the host's UTC, with zeroed RAM
 *
 * Claim ports 0x70 and 0x71 for it.
 *
 * Context: may sleep.
 * Return: the clock, or ERR_PTR(-ENOMEM).
 */
struct ivm_cmos *ivm_cmos_create(void)
{
	struct ivm_cmos *cmos = kzalloc(sizeof(*cmos), GFP_KERNEL);

	if (!cmos)
		return ERR_PTR(-ENOMEM);
	raw_spin_lock_init(&cmos->lock);
	ivm_cmos_reset(cmos);
	return cmos;
}

/**
 * ivm_cmos_destroy() - free the clock
 * @cmos: may be NULL
 *
 * Context: any that may free memory; no vCPU runs.
 */
void ivm_cmos_destroy(struct ivm_cmos *cmos)
{
	kfree(cmos);
}
