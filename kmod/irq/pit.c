// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254 of a PC: channel 0 is IRQ 0, channel 1 once refreshed memory,
 * channel 2 is the speaker's, with its gate and output in port 61. (Intel 8254
 * data sheet.)
 *
 * Nothing counts: what a channel shows is computed from when it was started.
 * Channel 0 has a host timer for the next rise of its output. A new count
 * takes effect at once in all modes, where the chip would in some finish its
 * period first.
 */
#include "irq.h"
#include "chip.h"

#include <linux/kernel.h>
#include <linux/math64.h>

#define HZ_8254		1193182U
/* The host is interrupted at most this often, in ticks: 100 us. */
#define TICKS_MIN	120U
/* Channel 1 of old, seen in port 61: a bit that toggles with each refresh. */
#define REFRESH_NS	15085U

#define TIMER_MODE	HRTIMER_MODE_ABS_PINNED_HARD

#define GSI		2	/* of IRQ 0 */

#define PORT_CONTROL	0x43
#define PORT_SPEAKER	0x61
#define SPEAKER_GATE	BIT(0)
#define SPEAKER_DATA	BIT(1)
#define SPEAKER_REFRESH	BIT(4)
#define SPEAKER_OUT	BIT(5)

#define STATUS_OUT	BIT(7)
#define STATUS_NULL	BIT(6)

enum { MODE_TERMINAL, MODE_ONESHOT, MODE_RATE, MODE_SQUARE, MODE_STROBE, MODE_HW_STROBE };
enum { ACCESS_LATCH, ACCESS_LOW, ACCESS_HIGH, ACCESS_BOTH };

/* ---- time ---- */

static u64 to_ticks(u64 ns)
{
	return mul_u64_u64_div_u64(ns, HZ_8254, NSEC_PER_SEC);
}

/* Rounded up: by then the tick has come. */
static u64 to_ns(u64 ticks)
{
	return mul_u64_u64_div_u64(ticks, NSEC_PER_SEC, HZ_8254) + 1;
}

static bool triggered_by_gate(const struct ivm_pit_channel *ch)
{
	return ch->mode == MODE_ONESHOT || ch->mode == MODE_HW_STROBE;
}

static bool repeats(const struct ivm_pit_channel *ch)
{
	return ch->mode == MODE_RATE || ch->mode == MODE_SQUARE;
}

/* Ticks counted since the count was loaded. */
static u64 elapsed(const struct ivm_pit_channel *ch, u64 now)
{
	if (!ch->counting)
		return 0;
	if (ch->gate || triggered_by_gate(ch))
		return to_ticks(now - ch->start);
	/* Held by the gate. */
	return repeats(ch) ? 0 : to_ticks(ch->start);
}

static u16 to_bcd(u32 v)
{
	return v % 10 | v / 10 % 10 << 4 | v / 100 % 10 << 8 | v / 1000 % 10 << 12;
}

static u32 from_bcd(u16 v)
{
	return (v & 15) + (v >> 4 & 15) * 10 + (v >> 8 & 15) * 100 + (v >> 12) * 1000;
}

static u16 counter(const struct ivm_pit_channel *ch, u64 now)
{
	u32 range = ch->bcd ? 10000 : 65536, value;
	u64 ticks = elapsed(ch, now);

	switch (ch->mode) {
	case MODE_RATE:
		value = ch->reload - ticks % ch->reload;
		break;
	case MODE_SQUARE:	/* counts by two */
		value = ch->reload - ticks * 2 % ch->reload;
		break;
	default:		/* goes on below zero */
		value = ch->reload + range - ticks % range;
		break;
	}
	/* Four decimals or 16 bits: both drop what is above. */
	return ch->bcd ? to_bcd(value) : value;
}

static bool output(const struct ivm_pit_channel *ch, u64 now)
{
	u64 ticks = elapsed(ch, now);

	switch (ch->mode) {
	case MODE_TERMINAL:
		return ch->counting && ticks >= ch->reload;
	case MODE_ONESHOT:
		return !ch->counting || ticks >= ch->reload;
	case MODE_RATE:
		return !ch->counting || !ch->gate || ticks % ch->reload != ch->reload - 1;
	case MODE_SQUARE:
		return !ch->counting || !ch->gate || ticks % ch->reload < (ch->reload + 1) / 2;
	default:
		return !ch->counting || ticks != ch->reload;
	}
}

/* ---- channel 0 ---- */

static void arm(struct ivm_irqchip *chip)
{
	struct ivm_pit *pit = &chip->pit;

	lockdep_assert_held(&pit->lock);
	if (ivm_irqchip_frozen(chip))
		return;		/* ivm_pit_go() will */
	if (pit->event == IVM_NEVER)
		hrtimer_try_to_cancel(&pit->hrtimer);	/* its callback would find nothing to do */
	else
		hrtimer_start(&pit->hrtimer,
			      ivm_irqchip_ktime(chip, pit->channel[0].start + to_ns(pit->event)),
			      TIMER_MODE);
}

/* A new mode or count: the level of the line now, and when it will rise. */
static void restart(struct ivm_irqchip *chip, u64 now)
{
	struct ivm_pit *pit = &chip->pit;
	const struct ivm_pit_channel *ch = &pit->channel[0];

	pit->event = IVM_NEVER;
	if (ch->counting && (repeats(ch) || ch->mode == MODE_TERMINAL))
		pit->event = ch->reload;
	else if (ch->counting && ch->mode == MODE_STROBE)
		pit->event = ch->reload + 1;
	arm(chip);
	ivm_irq_line(chip, GSI, output(ch, now));
}

/* Hard interrupt: see lapic_timer.c for how such a callback lives with its setters. */
static enum hrtimer_restart pit_fires(struct hrtimer *hrtimer)
{
	struct ivm_irqchip *chip = container_of(hrtimer, struct ivm_irqchip, pit.hrtimer);
	struct ivm_pit *pit = &chip->pit;
	const struct ivm_pit_channel *ch = &pit->channel[0];
	unsigned long flags;
	u64 ticks;

	raw_spin_lock_irqsave(&pit->lock, flags);
	if (ivm_irqchip_frozen(chip) || pit->event == IVM_NEVER)
		goto unlock;
	ticks = elapsed(ch, ivm_irqchip_now(chip));
	if (ticks >= pit->event) {
		if (repeats(ch)) {
			ticks = max_t(u64, ticks + 1, pit->event + TICKS_MIN);
			pit->event = div64_u64(ticks + ch->reload - 1, ch->reload) * ch->reload;
		} else {
			pit->event = IVM_NEVER;
		}
		/* However short the pulse was before it. */
		ivm_irq_line(chip, GSI, false);
		ivm_irq_line(chip, GSI, true);
	}
	if (pit->event != IVM_NEVER)
		arm(chip);
unlock:
	raw_spin_unlock_irqrestore(&pit->lock, flags);
	return HRTIMER_NORESTART;
}

/* ---- programming ---- */

static void load(struct ivm_irqchip *chip, unsigned int n, u16 value)
{
	struct ivm_pit_channel *ch = &chip->pit.channel[n];
	u64 now = ivm_irqchip_now(chip);

	ch->reload = ch->bcd ? from_bcd(value) : value;
	if (!ch->reload)
		ch->reload = ch->bcd ? 10000 : 65536;
	ch->null_count = false;
	if (!triggered_by_gate(ch)) {
		ch->counting = true;
		ch->start = ch->gate || repeats(ch) ? now : 0;
	}
	if (n == 0)
		restart(chip, now);
}

static void write_count(struct ivm_irqchip *chip, unsigned int n, u8 value)
{
	struct ivm_pit_channel *ch = &chip->pit.channel[n];

	switch (ch->access) {
	case ACCESS_LOW:
		load(chip, n, value);
		break;
	case ACCESS_HIGH:
		load(chip, n, value << 8);
		break;
	default:
		if (ch->write_high)
			load(chip, n, value << 8 | ch->write_low);
		else
			ch->write_low = value;
		ch->write_high = !ch->write_high;
		break;
	}
}

static u8 read_count(struct ivm_pit_channel *ch, u64 now)
{
	u16 value;

	if (ch->status_latched) {
		ch->status_latched = false;
		return ch->status;
	}
	value = ch->latched ? ch->latch : counter(ch, now);
	switch (ch->access) {
	case ACCESS_LOW:
		ch->latched = false;
		return value;
	case ACCESS_HIGH:
		ch->latched = false;
		return value >> 8;
	default:
		ch->read_high = !ch->read_high;
		if (ch->read_high)
			return value;
		ch->latched = false;
		return value >> 8;
	}
}

/* A latch that was not read yet stays as it is. */
static void latch_count(struct ivm_pit_channel *ch, u64 now)
{
	if (ch->latched)
		return;
	ch->latch = counter(ch, now);
	ch->latched = true;
}

static void latch_status(struct ivm_pit_channel *ch, u64 now)
{
	if (ch->status_latched)
		return;
	ch->status = (output(ch, now) ? STATUS_OUT : 0) | (ch->null_count ? STATUS_NULL : 0) |
		ch->access << 4 | ch->mode << 1 | ch->bcd;
	ch->status_latched = true;
}

static void write_control(struct ivm_irqchip *chip, u8 value)
{
	unsigned int n = value >> 6, access = value >> 4 & 3;
	u64 now = ivm_irqchip_now(chip);
	struct ivm_pit_channel *ch;

	if (n == 3) {	/* read-back: of any channels, count (bit 5 clear) and status (bit 4 clear) */
		for (n = 0; n < 3; n++) {
			ch = &chip->pit.channel[n];
			if (!(value & BIT(n + 1)))
				continue;
			if (!(value & BIT(5)))
				latch_count(ch, now);
			if (!(value & BIT(4)))
				latch_status(ch, now);
		}
		return;
	}
	ch = &chip->pit.channel[n];
	if (access == ACCESS_LATCH) {
		latch_count(ch, now);
		return;
	}
	ch->access = access;
	ch->mode = value >> 1 & 7;
	if (ch->mode > MODE_HW_STROBE)
		ch->mode -= 4;	/* bit 2 does not count there */
	ch->bcd = value & 1;
	ch->counting = false;
	ch->null_count = true;
	ch->latched = ch->status_latched = false;
	ch->read_high = ch->write_high = false;
	if (n == 0)
		restart(chip, now);
}

/* Of channel 2; those of the others are tied high. */
static void set_gate(struct ivm_pit_channel *ch, bool gate, u64 now)
{
	if (gate == ch->gate)
		return;
	if (triggered_by_gate(ch)) {
		if (gate && !ch->null_count) {
			ch->counting = true;
			ch->start = now;
		}
	} else if (repeats(ch)) {
		if (gate)
			ch->start = now;
	} else {
		/* From start to what has passed, and back. */
		ch->start = now - ch->start;
	}
	ch->gate = gate;
}

/* ---- ports ---- */

static u8 read_port(struct ivm_irqchip *chip, u64 port)
{
	struct ivm_pit *pit = &chip->pit;
	u64 now = ivm_irqchip_now(chip);

	switch (port) {
	case 0x40 ... 0x42:
		return read_count(&pit->channel[port - 0x40], now);
	case PORT_SPEAKER:
		return (pit->channel[2].gate ? SPEAKER_GATE : 0) |
			(pit->speaker ? SPEAKER_DATA : 0) |
			(div_u64(now, REFRESH_NS) & 1 ? SPEAKER_REFRESH : 0) |
			(output(&pit->channel[2], now) ? SPEAKER_OUT : 0);
	default:
		return 0xff;	/* the control word cannot be read */
	}
}

static void write_port(struct ivm_irqchip *chip, u64 port, u8 value)
{
	struct ivm_pit *pit = &chip->pit;

	switch (port) {
	case 0x40 ... 0x42:
		write_count(chip, port - 0x40, value);
		break;
	case PORT_CONTROL:
		write_control(chip, value);
		break;
	case PORT_SPEAKER:
		pit->speaker = value & SPEAKER_DATA;
		set_gate(&pit->channel[2], value & SPEAKER_GATE, ivm_irqchip_now(chip));
		break;
	}
}

u64 ivm_pit_read(void *dev, u64 port, unsigned int size)
{
	struct ivm_irqchip *chip = dev;
	unsigned long flags;
	unsigned int i;
	u64 value = 0;

	raw_spin_lock_irqsave(&chip->pit.lock, flags);
	for (i = 0; i < size; i++)
		value |= (u64)read_port(chip, port + i) << 8 * i;
	raw_spin_unlock_irqrestore(&chip->pit.lock, flags);
	return value;
}

void ivm_pit_write(void *dev, u64 port, unsigned int size, u64 value)
{
	struct ivm_irqchip *chip = dev;
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&chip->pit.lock, flags);
	for (i = 0; i < size; i++)
		write_port(chip, port + i, value >> 8 * i);
	raw_spin_unlock_irqrestore(&chip->pit.lock, flags);
}

/* ---- life ---- */

void ivm_pit_init(struct ivm_irqchip *chip)
{
	raw_spin_lock_init(&chip->pit.lock);
	hrtimer_init(&chip->pit.hrtimer, CLOCK_MONOTONIC, TIMER_MODE);
	chip->pit.hrtimer.function = pit_fires;
}

void ivm_pit_reset(struct ivm_irqchip *chip)
{
	struct ivm_pit *pit = &chip->pit;
	unsigned long flags;
	unsigned int n;

	raw_spin_lock_irqsave(&pit->lock, flags);
	for (n = 0; n < 3; n++)
		pit->channel[n] = (struct ivm_pit_channel) {
			.reload = 65536,
			.mode = MODE_SQUARE,
			.access = ACCESS_BOTH,
			.null_count = true,
			.gate = n != 2,
		};
	pit->speaker = false;
	pit->event = IVM_NEVER;
	/* Its output is up, so that setting a mode is no edge. */
	ivm_irq_line(chip, GSI, true);
	raw_spin_unlock_irqrestore(&pit->lock, flags);
}

void ivm_pit_stop(struct ivm_irqchip *chip)
{
	hrtimer_cancel(&chip->pit.hrtimer);
}

void ivm_pit_go(struct ivm_irqchip *chip)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&chip->pit.lock, flags);
	if (chip->pit.event != IVM_NEVER)
		arm(chip);
	raw_spin_unlock_irqrestore(&chip->pit.lock, flags);
}
