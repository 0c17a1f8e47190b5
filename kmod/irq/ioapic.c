// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOAPIC, version 0x20 (82093AA and the EOI register of its successors):
 * 24 pins, each with an entry that says what message its line sends.
 *
 * Edges are sent as they come and are lost while a pin is masked. A level is
 * sent when nobody is handling it yet (remote IRR), and again after the EOI
 * while the line is still up.
 */
#include "irq.h"
#include "chip.h"

#include <linux/kernel.h>

/* Offsets of what the CPU sees directly */
#define IOREGSEL	0x00
#define IOWIN		0x10
#define IOEOI		0x40

/* and of what IOREGSEL selects. */
#define REG_ID		0x00
#define REG_VERSION	0x01
#define REG_ARBITRATION	0x02
#define REG_ENTRIES	0x10	/* low, high of pin 0, low, high of pin 1 ... */

#define VERSION		(0x20U | (IVM_PLATFORM_IOAPIC_PINS - 1) << 16)

#define ENTRY_LOGICAL	(1ULL << 11)
#define ENTRY_REMOTE_IRR (1ULL << 14)
#define ENTRY_LEVEL	(1ULL << 15)
#define ENTRY_MASKED	(1ULL << 16)
/* Delivery status (12) is never seen set; it and remote IRR are read-only. */
#define ENTRY_WRITABLE	(0xff0000000001afffULL)

static bool fixed(u64 entry)
{
	return (entry >> 8 & 7) <= IVM_DM_LOWEST;
}

/* Only fixed interrupts can be levels; the others are taken once. */
static bool level_triggered(u64 entry)
{
	return entry & ENTRY_LEVEL && fixed(entry);
}

static void send(struct ivm_irqchip *chip, unsigned int pin)
{
	u64 *entry = &chip->ioapic.entry[pin];
	struct ivm_irq_message msg = {
		.dest = *entry >> 56,
		.logical = *entry & ENTRY_LOGICAL,
		.level = level_triggered(*entry),
		.delivery = *entry >> 8 & 7,
		.vector = *entry,
	};

	if (ivm_irq_send(chip, &msg, NULL) && msg.level)
		*entry |= ENTRY_REMOTE_IRR;
}

/* A level that waits to be sent. */
static void send_level(struct ivm_irqchip *chip, unsigned int pin)
{
	u64 entry = chip->ioapic.entry[pin];

	lockdep_assert_held(&chip->ioapic.lock);
	if (level_triggered(entry) && chip->ioapic.lines & BIT(pin) &&
	    !(entry & (ENTRY_MASKED | ENTRY_REMOTE_IRR)))
		send(chip, pin);
}

void ivm_ioapic_line(struct ivm_irqchip *chip, unsigned int pin, bool level)
{
	struct ivm_ioapic *io = &chip->ioapic;
	unsigned long flags;
	bool rises;

	raw_spin_lock_irqsave(&io->lock, flags);
	rises = level && !(io->lines & BIT(pin));
	if (level)
		io->lines |= BIT(pin);
	else
		io->lines &= ~BIT(pin);
	if (level_triggered(io->entry[pin]))
		send_level(chip, pin);
	else if (rises && !(io->entry[pin] & ENTRY_MASKED))
		send(chip, pin);
	raw_spin_unlock_irqrestore(&io->lock, flags);
}

static void eoi(struct ivm_irqchip *chip, u8 vector)
{
	struct ivm_ioapic *io = &chip->ioapic;
	unsigned int pin;

	lockdep_assert_held(&io->lock);
	for (pin = 0; pin < IVM_PLATFORM_IOAPIC_PINS; pin++) {
		if ((u8)io->entry[pin] != vector || !(io->entry[pin] & ENTRY_REMOTE_IRR))
			continue;
		io->entry[pin] &= ~ENTRY_REMOTE_IRR;
		send_level(chip, pin);
	}
}

void ivm_ioapic_eoi(struct ivm_irqchip *chip, u8 vector)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&chip->ioapic.lock, flags);
	eoi(chip, vector);
	raw_spin_unlock_irqrestore(&chip->ioapic.lock, flags);
}

void ivm_ioapic_reset(struct ivm_irqchip *chip)
{
	struct ivm_ioapic *io = &chip->ioapic;
	unsigned long flags;
	unsigned int pin;

	raw_spin_lock_irqsave(&io->lock, flags);
	io->id = IVM_PLATFORM_IOAPIC_ID << 24;
	io->select = 0;
	for (pin = 0; pin < IVM_PLATFORM_IOAPIC_PINS; pin++)
		io->entry[pin] = ENTRY_MASKED;
	raw_spin_unlock_irqrestore(&io->lock, flags);
}

/* ---- registers ---- */

static u32 read_selected(const struct ivm_ioapic *io)
{
	unsigned int index = io->select - REG_ENTRIES;

	switch (io->select) {
	case REG_ID:
	case REG_ARBITRATION:
		return io->id;
	case REG_VERSION:
		return VERSION;
	}
	if (index >= 2 * IVM_PLATFORM_IOAPIC_PINS)
		return 0;
	return io->entry[index / 2] >> (index & 1 ? 32 : 0);
}

static void write_selected(struct ivm_irqchip *chip, u32 value)
{
	struct ivm_ioapic *io = &chip->ioapic;
	unsigned int index = io->select - REG_ENTRIES;
	unsigned int shift = index & 1 ? 32 : 0;
	u64 *entry, written;

	if (io->select == REG_ID) {
		io->id = value & 0x0f000000;
		return;
	}
	if (index >= 2 * IVM_PLATFORM_IOAPIC_PINS)
		return;
	entry = &io->entry[index / 2];
	written = 0xffffffffULL << shift & ENTRY_WRITABLE;
	*entry = (*entry & ~written) | ((u64)value << shift & written);
	/* An edge has no end to wait for. */
	if (!level_triggered(*entry))
		*entry &= ~ENTRY_REMOTE_IRR;
	send_level(chip, index / 2);
}

u64 ivm_ioapic_read(void *dev, u64 gpa, unsigned int size)
{
	struct ivm_irqchip *chip = dev;
	struct ivm_ioapic *io = &chip->ioapic;
	unsigned long flags;
	u32 value = 0;

	if (size != 4)
		return 0;
	raw_spin_lock_irqsave(&io->lock, flags);
	switch (gpa - IVM_PLATFORM_IOAPIC_BASE) {
	case IOREGSEL:
		value = io->select;
		break;
	case IOWIN:
		value = read_selected(io);
		break;
	}
	raw_spin_unlock_irqrestore(&io->lock, flags);
	return value;
}

void ivm_ioapic_write(void *dev, u64 gpa, unsigned int size, u64 value)
{
	struct ivm_irqchip *chip = dev;
	struct ivm_ioapic *io = &chip->ioapic;
	u64 offset = gpa - IVM_PLATFORM_IOAPIC_BASE;
	unsigned long flags;

	/* The index is often written as a byte. */
	if (size != 4 && !(size == 1 && offset == IOREGSEL))
		return;
	raw_spin_lock_irqsave(&io->lock, flags);
	switch (offset) {
	case IOREGSEL:
		io->select = value;
		break;
	case IOWIN:
		write_selected(chip, value);
		break;
	case IOEOI:
		eoi(chip, value);
		break;
	}
	raw_spin_unlock_irqrestore(&io->lock, flags);
}
