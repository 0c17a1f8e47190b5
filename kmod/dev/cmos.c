// SPDX-License-Identifier: GPL-2.0-only
/*
 * MC146818 clock and RAM (Motorola data sheet), interrupts included.
 *
 * The clock shows the host's UTC plus an offset. The guest may set it: that
 * changes the offset, which lasts as long as the VM; the host's clock is never
 * touched.
 *
 * "Update in progress" is never set. On the chip it warns that the time may
 * change within 244 us; here an update takes no time, and what the warning is
 * for, that no update falls between its reading and the reading of the time,
 * is kept by holding the time for a while after each read of register A.
 *
 * Flags of events are worked out when somebody looks. A timer runs only while
 * an event that would interrupt is still to come: a guest gets at most one for
 * each time that it reads register C.
 */
#include "dev.h"
#include "bytes.h"

#include <linux/bcd.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/hrtimer.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mc146818rtc.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/time.h>
#include <linux/timekeeping.h>

#define CMOS_SIZE		128
#define CMOS_CENTURY		0x32	/* named in the FADT */
#define CMOS_TIME_REGS		10	/* registers 0 … 9: time, with the alarm between */
#define CMOS_PM			0x80	/* in the hour, with the 12-hour clock */
#define CMOS_ANY		0xc0	/* alarm register from here on: matches any time */
#define CMOS_EVENTS		(RTC_PF | RTC_AF | RTC_UF)	/* flags in C, and enable bits in B */
#define CMOS_CRYSTAL_HZ		32768
#define CMOS_HOLD_NS		(2 * NSEC_PER_MSEC)	/* 244 us would do, if exits took no time */
#define CMOS_NAP_NS		(60 * NSEC_PER_SEC)	/* the host's clock may be set while the timer sleeps */
#define CMOS_NEVER		S64_MAX
#define DAY			86400

/* (c) constant once created  (l) protected by lock */
struct ivm_cmos {
	const struct ivm_line_ops *ops;	/* (c) */
	void *ctx;			/* (c) */
	struct hrtimer timer;		/* (l) armed, if armed, for the next event that interrupts */

	raw_spinlock_t lock;
	u8 index;		/* (l) at port 70 */
	/*
	 * (l) Registers as written, and the RAM. Those of the time count only
	 * while register B stops the clock (SET), and for a moment when one of
	 * them is written. Register C holds the flags without IRQF.
	 */
	u8 reg[CMOS_SIZE];
	bool written;		/* (l) while stopped: so the time is to be taken over */
	bool level;		/* (l) of the interrupt line */
	s64 offset;		/* (l) guest's time minus host's, seconds */
	time64_t held;		/* (l) guest's time at the last read of register A */
	u64 hold_until;		/* (l) monotonic, ns */
	time64_t seen;		/* (l) guest's time up to which events are in register C */
	u64 seen_ticks;		/* (l) likewise, of the periodic interrupt */
};

static bool cmos_is_alarm(u8 index)
{
	return index == RTC_SECONDS_ALARM || index == RTC_MINUTES_ALARM || index == RTC_HOURS_ALARM;
}

static bool cmos_is_time(u8 index)
{
	return (index < CMOS_TIME_REGS && !cmos_is_alarm(index)) || index == CMOS_CENTURY;
}

static bool cmos_stopped(const struct ivm_cmos *cmos)
{
	return cmos->reg[RTC_CONTROL] & RTC_SET;
}

/* ---- formats ---- */

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

/* ---- time ---- */

/* The guest's time; *@rest is what is left of this second, ns. */
static time64_t cmos_now(const struct ivm_cmos *cmos, u32 *rest)
{
	u32 done;
	u64 now = div_u64_rem(ktime_get_real_ns(), NSEC_PER_SEC, &done);

	*rest = NSEC_PER_SEC - done;
	return now + cmos->offset;
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
	u32 rest;

	if (sec > 59 || min > 59 || hour > 23 || day < 1 || day > 31 || month < 1 || month > 12 ||
	    year > 99 || century > 99 || century * 100 + year < 1970)
		return;
	cmos->offset += mktime64(century * 100 + year, month, day, hour, min, sec) -
			cmos_now(cmos, &rest);
	cmos->hold_until = 0;
	cmos->seen = cmos_now(cmos, &rest);
}

/* ---- events ---- */

/* Frequency of the periodic interrupt; 0 is off. */
static u32 cmos_hz(const struct ivm_cmos *cmos)
{
	unsigned int rate = cmos->reg[RTC_FREQ_SELECT] & RTC_RATE_SELECT;

	if (rate == 1 || rate == 2)
		rate += 7;	/* these two are the same as 8 and 9 */
	return rate ? CMOS_CRYSTAL_HZ >> (rate - 1) : 0;
}

/* Ticks of the periodic interrupt up to @ns, monotonic. */
static u64 cmos_ticks(const struct ivm_cmos *cmos, u64 ns)
{
	return mul_u64_u32_div(ns, cmos_hz(cmos), NSEC_PER_SEC);
}

static bool cmos_alarm_fits(u8 reg, unsigned int want, unsigned int is)
{
	return reg >= CMOS_ANY || want == is;
}

/* First time after @after that the alarm registers mean, or CMOS_NEVER. Takes some 250 steps at most. */
static time64_t cmos_next_alarm(const struct ivm_cmos *cmos, time64_t after)
{
	u8 hour_reg = cmos->reg[RTC_HOURS_ALARM], min_reg = cmos->reg[RTC_MINUTES_ALARM];
	u8 sec_reg = cmos->reg[RTC_SECONDS_ALARM];
	unsigned int hour = cmos_decode_hour(cmos, hour_reg), min = cmos_decode(cmos, min_reg);
	unsigned int sec = cmos_decode(cmos, sec_reg), wait = 0;
	unsigned int start = ((after + 1) % DAY + DAY) % DAY;

	if ((hour_reg < CMOS_ANY && hour > 23) || (min_reg < CMOS_ANY && min > 59) ||
	    (sec_reg < CMOS_ANY && sec > 59))
		return CMOS_NEVER;
	while (wait < DAY) {
		unsigned int at = (start + wait) % DAY;

		if (!cmos_alarm_fits(hour_reg, hour, at / 3600))
			wait += 3600 - at % 3600;
		else if (!cmos_alarm_fits(min_reg, min, at / 60 % 60))
			wait += 60 - at % 60;
		else if (!cmos_alarm_fits(sec_reg, sec, at % 60))
			wait++;
		else
			break;
	}
	return after + 1 + wait;
}

/* Notes in register C what happened since the last time. */
static void cmos_catch_up(struct ivm_cmos *cmos)
{
	u32 rest;
	time64_t now = cmos_now(cmos, &rest);
	u64 ticks = cmos_ticks(cmos, ktime_get_ns());

	if (ticks != cmos->seen_ticks)
		cmos->reg[RTC_INTR_FLAGS] |= RTC_PF;
	if (now > cmos->seen && !cmos_stopped(cmos)) {
		cmos->reg[RTC_INTR_FLAGS] |= RTC_UF;
		if (cmos_next_alarm(cmos, cmos->seen) <= now)
			cmos->reg[RTC_INTR_FLAGS] |= RTC_AF;
		cmos->hold_until = 0;
	}
	cmos->seen = now;
	cmos->seen_ticks = ticks;
}

/* Return: ns until the next event of those in @events, U64_MAX for never. */
static u64 cmos_wait(const struct ivm_cmos *cmos, u8 events)
{
	u32 rest, hz = cmos_hz(cmos);
	time64_t now = cmos_now(cmos, &rest), alarm;
	u64 mono = ktime_get_ns(), wait = U64_MAX;

	if (events & RTC_PF && hz)
		wait = mul_u64_u32_div(cmos_ticks(cmos, mono) + 1, NSEC_PER_SEC, hz) + 1 - mono;	/* up */
	if (cmos_stopped(cmos))
		return wait;
	if (events & RTC_UF)
		wait = min_t(u64, wait, rest);
	if (events & RTC_AF) {
		alarm = cmos_next_alarm(cmos, now);
		if (alarm != CMOS_NEVER)
			wait = min(wait, (u64)(alarm - now - 1) * NSEC_PER_SEC + rest);
	}
	return wait;
}

/* To be called after each change of flags, enable bits, rate, alarm or time: line and timer follow. */
static void cmos_settle(struct ivm_cmos *cmos)
{
	u8 enabled = cmos->reg[RTC_CONTROL] & CMOS_EVENTS, flags = cmos->reg[RTC_INTR_FLAGS];
	bool level = enabled & flags;
	u64 wait = U64_MAX;

	if (level != cmos->level) {
		cmos->level = level;
		cmos->ops->level(cmos->ctx, level);
	}
	if (enabled & ~flags)
		wait = cmos_wait(cmos, enabled & ~flags);
	if (wait != U64_MAX)
		hrtimer_start(&cmos->timer, ns_to_ktime(clamp_t(u64, wait, 1, CMOS_NAP_NS)),
			      HRTIMER_MODE_REL_HARD);
	else
		hrtimer_try_to_cancel(&cmos->timer);	/* if it is just firing, it finds nothing to do */
}

static enum hrtimer_restart cmos_timer(struct hrtimer *timer)
{
	struct ivm_cmos *cmos = container_of(timer, struct ivm_cmos, timer);
	unsigned long flags;

	raw_spin_lock_irqsave(&cmos->lock, flags);
	cmos_catch_up(cmos);
	cmos_settle(cmos);	/* starts it again if need be */
	raw_spin_unlock_irqrestore(&cmos->lock, flags);
	return HRTIMER_NORESTART;
}

/* ---- registers ---- */

static u8 cmos_read_flags(struct ivm_cmos *cmos)
{
	u8 flags;

	cmos_catch_up(cmos);
	flags = cmos->reg[RTC_INTR_FLAGS];
	if (flags & cmos->reg[RTC_CONTROL] & CMOS_EVENTS)
		flags |= RTC_IRQF;
	cmos->reg[RTC_INTR_FLAGS] = 0;
	cmos_settle(cmos);
	return flags;
}

static u8 cmos_read_data(struct ivm_cmos *cmos)
{
	u8 index = cmos->index;
	u32 rest;

	if (index == RTC_INTR_FLAGS)
		return cmos_read_flags(cmos);
	if (index == RTC_FREQ_SELECT) {
		cmos->held = cmos_now(cmos, &rest);
		cmos->hold_until = ktime_get_ns() + CMOS_HOLD_NS;
	} else if (cmos_is_time(index) && !cmos_stopped(cmos)) {
		cmos_show(cmos, ktime_get_ns() < cmos->hold_until ? cmos->held : cmos_now(cmos, &rest));
	}
	return cmos->reg[index];
}

static void cmos_write_time(struct ivm_cmos *cmos, u8 index, u8 value)
{
	u32 rest;

	if (cmos_stopped(cmos)) {
		cmos->reg[index] = value;
		cmos->written = true;
		return;
	}
	cmos_show(cmos, cmos_now(cmos, &rest));
	cmos->reg[index] = value;
	cmos_set(cmos);
}

static void cmos_write_control(struct ivm_cmos *cmos, u8 value)
{
	bool stopped = cmos_stopped(cmos);
	u32 rest;

	if (value & RTC_SET)
		value &= ~RTC_UIE;	/* the data sheet says so */
	if (!stopped && value & RTC_SET) {
		cmos_show(cmos, cmos_now(cmos, &rest));
		cmos->written = false;
	}
	cmos->reg[RTC_CONTROL] = value;
	if (stopped && !(value & RTC_SET) && cmos->written)
		cmos_set(cmos);
}

static void cmos_write_rate(struct ivm_cmos *cmos, u8 value)
{
	cmos->reg[RTC_FREQ_SELECT] = value & ~RTC_UIP;
	cmos->seen_ticks = cmos_ticks(cmos, ktime_get_ns());
}

static void cmos_write_data(struct ivm_cmos *cmos, u8 value)
{
	u8 index = cmos->index;

	if (index > RTC_VALID && index != CMOS_CENTURY) {
		cmos->reg[index] = value;	/* RAM */
		return;
	}
	cmos_catch_up(cmos);
	if (cmos_is_time(index))
		cmos_write_time(cmos, index, value);
	else if (cmos_is_alarm(index))
		cmos->reg[index] = value;
	else if (index == RTC_FREQ_SELECT)
		cmos_write_rate(cmos, value);
	else if (index == RTC_CONTROL)
		cmos_write_control(cmos, value);
	/* The two others are read-only. */
	cmos_settle(cmos);
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
 * ivm_cmos_reset() - the clock runs without interrupts, in the format that PC firmware leaves behind
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
	cmos->reg[RTC_REG_D] = RTC_VRT;
	cmos_catch_up(cmos);
	cmos->reg[RTC_REG_C] = 0;
	cmos_settle(cmos);
	raw_spin_unlock_irqrestore(&cmos->lock, flags);
}

/**
 * ivm_cmos_create() - a clock that shows the host's UTC, with zeroed RAM
 * @ops: the interrupt line, ISA's IRQ 8
 * @ctx: handed to @ops
 *
 * Claim ports 0x70 and 0x71 for it.
 *
 * Context: may sleep.
 * Return: the clock, or ERR_PTR(-ENOMEM).
 */
struct ivm_cmos *ivm_cmos_create(const struct ivm_line_ops *ops, void *ctx)
{
	struct ivm_cmos *cmos = kzalloc(sizeof(*cmos), GFP_KERNEL);

	if (!cmos)
		return ERR_PTR(-ENOMEM);
	cmos->ops = ops;
	cmos->ctx = ctx;
	raw_spin_lock_init(&cmos->lock);
	hrtimer_init(&cmos->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	cmos->timer.function = cmos_timer;
	ivm_cmos_reset(cmos);
	return cmos;
}

/**
 * ivm_cmos_destroy() - free the clock; its line is not touched any more
 * @cmos: may be NULL
 *
 * Context: may sleep; no vCPU runs.
 */
void ivm_cmos_destroy(struct ivm_cmos *cmos)
{
	if (!cmos)
		return;
	hrtimer_cancel(&cmos->timer);
	kfree(cmos);
}
