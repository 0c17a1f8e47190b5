// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8259A pair of a PC: the slave's INT is input 2 of the master, whose INT
 * goes to LINT0 of the LAPICs. (Intel 8259A data sheet; ELCR of the ISA
 * bridge chips.)
 */
#include "irq.h"
#include "chip.h"

#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/string.h>

#define CASCADE		2	/* input of the master where the slave is */
#define SPURIOUS	7	/* input that is answered when none has asked */

#define PORT_MASTER	0x20
#define PORT_SLAVE	0xa0
#define PORT_ELCR	0x4d0	/* master's, then slave's */

#define ICW1		BIT(4)
#define ICW1_ICW4	BIT(0)
#define ICW1_SINGLE	BIT(1)
#define ICW1_LEVEL	BIT(3)
#define ICW4_AUTO_EOI	BIT(1)
#define ICW4_NESTED	BIT(4)
#define OCW3		BIT(3)
#define OCW3_READ_ISR	BIT(0)
#define OCW3_READ	BIT(1)
#define OCW3_POLL	BIT(2)
#define OCW3_SPECIAL	BIT(5)
#define OCW3_SET_SPECIAL BIT(6)
#define POLL_REQUEST	BIT(7)

static u8 level_inputs(const struct ivm_pic *p)
{
	return p->all_level ? 0xff : p->elcr;
}

/* Input that would be served now, or -1: the fully nested rules, rotated so that bit 0 is the most important. */
static int request(const struct ivm_pic *p, bool master)
{
	unsigned int shift = (p->lowest + 1) & 7;
	u8 asked = ror8(p->irr & ~p->imr, shift);
	u8 served = ror8(p->special_mask ? p->isr & ~p->imr : p->isr, shift);
	unsigned int first, input;

	if (!asked || p->init_step)
		return -1;
	first = __ffs(asked);
	input = (first + shift) & 7;
	if (!served || first < __ffs(served))
		return input;
	/* A more important request behind the slave, although the cascade is being served. */
	if (first == __ffs(served) && p->special_nested && master && input == CASCADE)
		return input;
	return -1;
}

/* The slave's INT is a level on the master's input; the master's is LINT0. */
static void update(struct ivm_irqchip *chip)
{
	struct ivm_pics *pics = &chip->pics;
	bool out, rises;

	lockdep_assert_held(&pics->lock);
	if (request(&pics->slave, false) >= 0)
		pics->master.irr |= BIT(CASCADE);
	else
		pics->master.irr &= ~BIT(CASCADE);
	out = request(&pics->master, true) >= 0;
	rises = out && !pics->out;
	WRITE_ONCE(pics->out, out);
	if (rises)
		ivm_lapics_lint0(chip);
}

static void set_line(struct ivm_pic *p, unsigned int input, bool level)
{
	u8 bit = BIT(input);

	if (!level) {
		p->lines &= ~bit;
		p->irr &= ~bit;		/* a request that is taken back before it was served is none */
		return;
	}
	if (!(p->lines & bit) || level_inputs(p) & bit)
		p->irr |= bit;
	p->lines |= bit;
}

void ivm_pics_line(struct ivm_irqchip *chip, unsigned int irq, bool level)
{
	struct ivm_pics *pics = &chip->pics;
	unsigned long flags;

	raw_spin_lock_irqsave(&pics->lock, flags);
	if (irq >= 8)
		set_line(&pics->slave, irq - 8, level);
	else if (irq != CASCADE)
		set_line(&pics->master, irq, level);
	update(chip);
	raw_spin_unlock_irqrestore(&pics->lock, flags);
}

/* ---- INTA ---- */

static void serve(struct ivm_pic *p, unsigned int input)
{
	u8 bit = BIT(input);

	if (p->auto_eoi) {
		if (p->rotate_on_auto_eoi)
			p->lowest = input;
	} else {
		p->isr |= bit;
	}
	if (!(level_inputs(p) & bit))
		p->irr &= ~bit;
}

/* @serving: change state, too */
static u8 inta(struct ivm_pics *pics, bool serving)
{
	struct ivm_pic *m = &pics->master, *s = &pics->slave;
	int input = request(m, true);

	if (input < 0)
		return m->base + SPURIOUS;
	if (serving)
		serve(m, input);
	if (input != CASCADE)
		return m->base + input;
	input = request(s, false);
	if (input < 0)
		return s->base + SPURIOUS;
	if (serving)
		serve(s, input);
	return s->base + input;
}

int ivm_pics_peek(struct ivm_irqchip *chip, bool forced)
{
	struct ivm_pics *pics = &chip->pics;
	int vector = IVM_IRQ_NONE;
	unsigned long flags;

	raw_spin_lock_irqsave(&pics->lock, flags);
	if (pics->out || forced)
		vector = inta(pics, false);
	raw_spin_unlock_irqrestore(&pics->lock, flags);
	return vector;
}

int ivm_pics_ack(struct ivm_irqchip *chip, bool forced)
{
	struct ivm_pics *pics = &chip->pics;
	int vector = IVM_IRQ_NONE;
	unsigned long flags;

	raw_spin_lock_irqsave(&pics->lock, flags);
	if (pics->out || forced) {
		vector = inta(pics, true);
		/* INT falls with INTA and rises again if there is more. */
		WRITE_ONCE(pics->out, false);
		update(chip);
	}
	raw_spin_unlock_irqrestore(&pics->lock, flags);
	return vector;
}

/* ---- command words ---- */

static void init_word1(struct ivm_pic *p, u8 value)
{
	p->all_level = value & ICW1_LEVEL;
	p->single = value & ICW1_SINGLE;
	p->need_icw4 = value & ICW1_ICW4;
	p->init_step = 2;
	p->isr = 0;
	p->imr = 0;
	p->irr = p->lines & level_inputs(p);	/* edges have to come anew */
	p->lowest = 7;
	p->special_mask = false;
	p->special_nested = false;
	p->auto_eoi = false;
	p->rotate_on_auto_eoi = false;
	p->read_isr = false;
	p->poll = false;
}

/* ICW2 to ICW4, or the mask (OCW1) */
static void write_odd(struct ivm_pic *p, u8 value)
{
	switch (p->init_step) {
	case 2:
		p->base = value & 0xf8;
		if (!p->single)
			p->init_step = 3;
		else
			p->init_step = p->need_icw4 ? 4 : 0;
		break;
	case 3:		/* where the slave is: wired */
		p->init_step = p->need_icw4 ? 4 : 0;
		break;
	case 4:
		p->auto_eoi = value & ICW4_AUTO_EOI;
		p->special_nested = value & ICW4_NESTED;
		p->init_step = 0;
		break;
	default:
		p->imr = value;
		break;
	}
}

/* Input in service with the highest priority; -1: none */
static int highest_served(const struct ivm_pic *p)
{
	unsigned int shift = (p->lowest + 1) & 7;
	u8 served = ror8(p->special_mask ? p->isr & ~p->imr : p->isr, shift);

	return served ? (__ffs(served) + shift) & 7 : -1;
}

/* OCW2: bit 7 rotate, bit 6 the level in bits 2:0 counts, bit 5 EOI */
static void command(struct ivm_pic *p, u8 value)
{
	int input = value & 7;

	switch (value >> 5) {
	case 0:
	case 4:		/* rotate in automatic EOI mode: clear, set */
		p->rotate_on_auto_eoi = value >> 7;
		return;
	case 2:
		return;
	case 6:
		p->lowest = input;
		return;
	case 1:
	case 5:		/* not specific: the one that must be meant */
		input = highest_served(p);
		if (input < 0)
			return;
		break;
	}
	p->isr &= ~BIT(input);
	if (value & BIT(7))
		p->lowest = input;
}

static void write_even(struct ivm_pic *p, u8 value)
{
	if (value & ICW1) {
		init_word1(p, value);
	} else if (!(value & OCW3)) {
		command(p, value);
	} else {
		p->poll = value & OCW3_POLL;
		if (value & OCW3_READ)
			p->read_isr = value & OCW3_READ_ISR;
		if (value & OCW3_SET_SPECIAL)
			p->special_mask = value & OCW3_SPECIAL;
	}
}

/* A read after the poll command is an INTA cycle of this chip alone. */
static u8 poll(struct ivm_pic *p, bool master)
{
	int input = request(p, master);

	p->poll = false;
	if (input < 0)
		return 0;
	serve(p, input);
	return POLL_REQUEST | input;
}

/* ---- ports ---- */

static u8 read_port(struct ivm_irqchip *chip, u64 port)
{
	struct ivm_pics *pics = &chip->pics;
	bool master = (port & ~1ULL) == PORT_MASTER;
	struct ivm_pic *p;
	u8 value;

	switch (port) {
	case PORT_MASTER:
	case PORT_MASTER + 1:
	case PORT_SLAVE:
	case PORT_SLAVE + 1:
		p = master ? &pics->master : &pics->slave;
		if (p->poll) {
			value = poll(p, master);
			update(chip);
			return value;
		}
		if (port & 1)
			return p->imr;
		return p->read_isr ? p->isr : p->irr;
	case PORT_ELCR:
		return pics->master.elcr;
	case PORT_ELCR + 1:
		return pics->slave.elcr;
	default:
		return 0xff;
	}
}

static void set_elcr(struct ivm_pic *p, u8 value)
{
	u8 changed = p->elcr ^ (value & p->elcr_mask);

	p->elcr = value & p->elcr_mask;
	/* What becomes a level asks as long as it is up, what becomes an edge has had it. */
	p->irr = (p->irr & ~changed) | (p->lines & changed & level_inputs(p));
}

static void write_port(struct ivm_irqchip *chip, u64 port, u8 value)
{
	struct ivm_pics *pics = &chip->pics;

	switch (port) {
	case PORT_MASTER:
		write_even(&pics->master, value);
		break;
	case PORT_MASTER + 1:
		write_odd(&pics->master, value);
		break;
	case PORT_SLAVE:
		write_even(&pics->slave, value);
		break;
	case PORT_SLAVE + 1:
		write_odd(&pics->slave, value);
		break;
	case PORT_ELCR:
		set_elcr(&pics->master, value);
		break;
	case PORT_ELCR + 1:
		set_elcr(&pics->slave, value);
		break;
	}
	update(chip);
}

/* Wider accesses are as many of one byte, as on the ISA bus. */
u64 ivm_pic_read(void *dev, u64 port, unsigned int size)
{
	struct ivm_irqchip *chip = dev;
	unsigned long flags;
	unsigned int i;
	u64 value = 0;

	raw_spin_lock_irqsave(&chip->pics.lock, flags);
	for (i = 0; i < size; i++)
		value |= (u64)read_port(chip, port + i) << 8 * i;
	raw_spin_unlock_irqrestore(&chip->pics.lock, flags);
	return value;
}

void ivm_pic_write(void *dev, u64 port, unsigned int size, u64 value)
{
	struct ivm_irqchip *chip = dev;
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&chip->pics.lock, flags);
	for (i = 0; i < size; i++)
		write_port(chip, port + i, value >> 8 * i);
	raw_spin_unlock_irqrestore(&chip->pics.lock, flags);
}

static void reset(struct ivm_pic *p, u8 base, u8 elcr_mask)
{
	u8 lines = p->lines;

	/* As firmware leaves it: vectors of real mode, all masked. */
	*p = (struct ivm_pic) {
		.lines = lines,
		.imr = 0xff,
		.elcr_mask = elcr_mask,
		.base = base,
		.lowest = 7,
	};
}

void ivm_pics_reset(struct ivm_irqchip *chip)
{
	struct ivm_pics *pics = &chip->pics;
	unsigned long flags;

	raw_spin_lock_irqsave(&pics->lock, flags);
	/* Timer, keyboard, cascade, clock and coprocessor are always edges. */
	reset(&pics->master, 0x08, 0xf8);
	reset(&pics->slave, 0x70, 0xde);
	update(chip);
	raw_spin_unlock_irqrestore(&pics->lock, flags);
}
