// SPDX-License-Identifier: GPL-2.0-only
/* IOAPIC: registers, edges, levels and their end. */
/* sources: kmod/irq/[a-z]*.c */
#include "unit.h"
#include "irq_chip.h"

#include <linux/kernel.h>

FIXTURE(ioapic) {
	struct ivm_irqchip *chip;
};

/* vCPUs 0 to 3 in x2APIC mode. */
FIXTURE_SETUP(ioapic)
{
	unsigned int i;

	self->chip = chip_create();
	for (i = 0; i < 4; i++)
		x2_enable(self->chip, i);
	ivm_irq_line(self->chip, 2, false);	/* the 8254's output is up */
}

FIXTURE_TEARDOWN(ioapic)
{
	ivm_irqchip_destroy(self->chip);
	EXPECT_EQ(0, shim_alloc_live());
}

#define DEST(id)	((u64)(id) << 56)

static void pulse(struct ivm_irqchip *chip, unsigned int gsi)
{
	ivm_irq_line(chip, gsi, true);
	ivm_irq_line(chip, gsi, false);
}

TEST_F(ioapic, registers)
{
	struct ivm_irqchip *chip = self->chip;
	unsigned int i;

	EXPECT_EQ(0x00170020, io_read(chip, 1));
	EXPECT_EQ(0, io_read(chip, 0));
	io_write(chip, 0, ~0U);
	EXPECT_EQ(0x0f000000, io_read(chip, 0));
	EXPECT_EQ(0x0f000000, io_read(chip, 2));
	io_write(chip, 1, ~0U);
	EXPECT_EQ(0x00170020, io_read(chip, 1));
	for (i = 0; i < 24; i++) {
		EXPECT_EQ(0x10000, io_read(chip, 0x10 + 2 * i));
		EXPECT_EQ(0, io_read(chip, 0x11 + 2 * i));
		io_write(chip, 0x10 + 2 * i, ~0U);
		io_write(chip, 0x11 + 2 * i, ~0U);
		EXPECT_EQ(0x1afff, io_read(chip, 0x10 + 2 * i));
		EXPECT_EQ(0xff000000, io_read(chip, 0x11 + 2 * i));
	}
	for (i = 0x40; i < 0x100; i++) {
		io_write(chip, i, ~0U);
		EXPECT_EQ(0, io_read(chip, i));
	}
	for (i = 3; i < 0x10; i++)
		EXPECT_EQ(0, io_read(chip, i));
}

TEST_F(ioapic, only_whole_registers_are_accessed)
{
	struct ivm_irqchip *chip = self->chip;
	u64 base = IVM_PLATFORM_IOAPIC_BASE;

	ivm_ioapic_write(chip, base, 1, 1);	/* index as a byte: common */
	EXPECT_EQ(1, ivm_ioapic_read(chip, base, 4));
	EXPECT_EQ(0x00170020, ivm_ioapic_read(chip, base + 0x10, 4));
	EXPECT_EQ(0, ivm_ioapic_read(chip, base + 0x10, 8));
	EXPECT_EQ(0, ivm_ioapic_read(chip, base + 0x10, 2));
	EXPECT_EQ(0, ivm_ioapic_read(chip, base + 0x12, 4));
	EXPECT_EQ(0, ivm_ioapic_read(chip, base + 0x40, 4));
	ivm_ioapic_write(chip, base, 4, 0x11);
	ivm_ioapic_write(chip, base + 0x10, 8, ~0ULL);
	ivm_ioapic_write(chip, base + 0x10, 1, 0xff);
	ivm_ioapic_write(chip, base + 0x14, 4, ~0U);
	EXPECT_EQ(0, ivm_ioapic_read(chip, base + 0x10, 4));
}

TEST_F(ioapic, edges_come_once_each_and_not_while_masked)
{
	struct ivm_irqchip *chip = self->chip;

	io_entry(chip, 20, DEST(2) | 0x61);
	ivm_irq_line(chip, 20, true);
	EXPECT_EQ(0x61, serve(chip, 2));
	ivm_irq_line(chip, 20, true);	/* no edge */
	EXPECT_EQ(IVM_IRQ_NONE, serve(chip, 2));
	ivm_irq_line(chip, 20, false);
	EXPECT_EQ(IVM_IRQ_NONE, serve(chip, 2));
	pulse(chip, 20);
	EXPECT_EQ(0x61, serve(chip, 2));
	EXPECT_EQ(0, rd(chip, 2, 0x81b));
	io_entry(chip, 20, DEST(2) | IO_MASKED | 0x61);
	pulse(chip, 20);
	ivm_irq_line(chip, 20, true);
	io_entry(chip, 20, DEST(2) | 0x61);
	EXPECT_EQ(IVM_IRQ_NONE, serve(chip, 2));
	/* no such line */
	ivm_irq_line(chip, 24, true);
	ivm_irq_line(chip, ~0U, true);
}

TEST_F(ioapic, every_pin_has_its_own_entry)
{
	struct ivm_irqchip *chip = self->chip;
	unsigned int i;

	for (i = 0; i < 24; i++)
		io_entry(chip, i, DEST(i % 4) | (0x40 + i));
	for (i = 0; i < 24; i++) {
		pulse(chip, i);
		EXPECT_EQ(0x40 + i, serve(chip, i % 4));
		EXPECT_EQ(IVM_IRQ_NONE, serve(chip, i % 4));
	}
}

TEST_F(ioapic, a_level_comes_again_after_each_eoi_until_it_ends)
{
	struct ivm_irqchip *chip = self->chip;

	io_entry(chip, 9, DEST(1) | IO_LEVEL | 0x61);
	ivm_irq_line(chip, 9, true);
	EXPECT_EQ(IO_RIRR, io_read(chip, 0x22) & IO_RIRR);
	EXPECT_EQ(0x2, rd(chip, 1, 0x81b));
	EXPECT_EQ(0x61, ivm_irq_ack(chip, 1));
	ivm_irq_line(chip, 9, true);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	wr(chip, 1, 0x80b, 0);
	EXPECT_EQ(0x61, ivm_irq_ack(chip, 1));
	ivm_irq_line(chip, 9, false);
	wr(chip, 1, 0x80b, 0);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	EXPECT_EQ(0, io_read(chip, 0x22) & IO_RIRR);
	/* up and down while it is being handled: a new one comes with the next rise */
	ivm_irq_line(chip, 9, true);
	EXPECT_EQ(0x61, ivm_irq_ack(chip, 1));
	ivm_irq_line(chip, 9, false);
	ivm_irq_line(chip, 9, true);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	wr(chip, 1, 0x80b, 0);
	EXPECT_EQ(0x61, ivm_irq_next(chip, 1));
}

TEST_F(ioapic, a_masked_level_is_sent_when_unmasked)
{
	struct ivm_irqchip *chip = self->chip;

	io_entry(chip, 9, DEST(1) | IO_LEVEL | IO_MASKED | 0x61);
	ivm_irq_line(chip, 9, true);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	io_write(chip, 0x22, IO_LEVEL | 0x61);
	EXPECT_EQ(0x61, ivm_irq_ack(chip, 1));
	/* masked in service: the EOI sends nothing, unmasking does */
	io_write(chip, 0x22, IO_LEVEL | IO_MASKED | 0x61);
	wr(chip, 1, 0x80b, 0);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	io_write(chip, 0x22, IO_LEVEL | 0x61);
	EXPECT_EQ(0x61, ivm_irq_next(chip, 1));
}

TEST_F(ioapic, an_eoi_ends_only_its_vector_on_all_pins_that_have_it)
{
	struct ivm_irqchip *chip = self->chip;

	io_entry(chip, 16, DEST(1) | IO_LEVEL | 0x61);
	io_entry(chip, 17, DEST(2) | IO_LEVEL | 0x61);
	io_entry(chip, 18, DEST(1) | IO_LEVEL | 0x71);
	ivm_irq_line(chip, 16, true);
	ivm_irq_line(chip, 17, true);
	ivm_irq_line(chip, 18, true);
	ivm_irq_line(chip, 16, false);
	ivm_irq_line(chip, 17, false);
	EXPECT_EQ(0x61, serve(chip, 2));
	EXPECT_EQ(0, io_read(chip, 0x30) & IO_RIRR);
	EXPECT_EQ(0, io_read(chip, 0x32) & IO_RIRR);
	EXPECT_EQ(IO_RIRR, io_read(chip, 0x34) & IO_RIRR);
	/* an edge interrupt's EOI is not broadcast */
	wr(chip, 3, 0x83f, 0x71);
	EXPECT_EQ(0x71, serve(chip, 3));
	EXPECT_EQ(IO_RIRR, io_read(chip, 0x34) & IO_RIRR);
}

TEST_F(ioapic, suppressed_broadcasts_and_the_eoi_register)
{
	struct ivm_irqchip *chip = self->chip;

	wr(chip, 1, 0x80f, 0x11ff);
	io_entry(chip, 9, DEST(1) | IO_LEVEL | 0x61);
	ivm_irq_line(chip, 9, true);
	EXPECT_EQ(0x61, serve(chip, 1));
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	ivm_ioapic_write(chip, IVM_PLATFORM_IOAPIC_BASE + 0x40, 4, 0x62);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	ivm_ioapic_write(chip, IVM_PLATFORM_IOAPIC_BASE + 0x40, 4, 0x61);
	EXPECT_EQ(0x61, serve(chip, 1));
}

TEST_F(ioapic, turning_a_level_into_an_edge_forgets_remote_irr)
{
	struct ivm_irqchip *chip = self->chip;

	io_entry(chip, 9, DEST(1) | IO_LEVEL | 0x61);
	ivm_irq_line(chip, 9, true);
	io_write(chip, 0x22, IO_MASKED | 0x61);
	EXPECT_EQ(0, io_read(chip, 0x22) & IO_RIRR);
	io_write(chip, 0x22, IO_LEVEL | 0x61);
	EXPECT_EQ(IO_RIRR, io_read(chip, 0x22) & IO_RIRR);
}

TEST_F(ioapic, delivery_and_destination_modes)
{
	struct ivm_irqchip *chip = self->chip;
	unsigned int i;

	io_entry(chip, 16, DEST(3) | 0x400);
	pulse(chip, 16);
	EXPECT_EQ(1, up[3].nmi);
	/* a level-triggered NMI is taken once, no EOI ends it */
	io_entry(chip, 16, DEST(3) | IO_LEVEL | 0x400);
	pulse(chip, 16);
	pulse(chip, 16);
	EXPECT_EQ(3, up[3].nmi);
	EXPECT_EQ(0, io_read(chip, 0x30) & IO_RIRR);
	io_entry(chip, 16, DEST(3) | 0x500);
	pulse(chip, 16);
	EXPECT_EQ(1, up[3].init);
	io_entry(chip, 16, DEST(3) | 0x610);
	pulse(chip, 16);
	EXPECT_EQ(0, up[3].sipi);
	io_entry(chip, 16, DEST(0xff) | 0x51);
	pulse(chip, 16);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0x51, serve(chip, i));
	io_entry(chip, 16, DEST(0x6) | IO_LOGICAL | 0x52);	/* cluster 0: 1 and 2 */
	pulse(chip, 16);
	EXPECT_EQ(IVM_IRQ_NONE, serve(chip, 0));
	EXPECT_EQ(0x52, serve(chip, 1));
	EXPECT_EQ(0x52, serve(chip, 2));
	wr(chip, 1, 0x808, 0x20);
	io_entry(chip, 16, DEST(0x6) | IO_LOGICAL | 0x153);	/* the less busy of them */
	pulse(chip, 16);
	EXPECT_EQ(IVM_IRQ_NONE, serve(chip, 1));
	EXPECT_EQ(0x53, serve(chip, 2));
	/* that kind can be a level, too */
	io_entry(chip, 16, DEST(3) | IO_LEVEL | 0x155);
	ivm_irq_line(chip, 16, true);
	EXPECT_EQ(IO_RIRR, io_read(chip, 0x30) & IO_RIRR);
	ivm_irq_line(chip, 16, false);
	EXPECT_EQ(0x55, serve(chip, 3));
	EXPECT_EQ(0, io_read(chip, 0x30) & IO_RIRR);
	/* not a vector, or a LAPIC that is off: not taken either */
	io_entry(chip, 16, DEST(3) | IO_LEVEL | 0x0f);
	ivm_irq_line(chip, 16, true);
	EXPECT_EQ(0, io_read(chip, 0x30) & IO_RIRR);
	wr(chip, 3, MSR_BASE, IVM_PLATFORM_LAPIC_BASE);
	io_entry(chip, 16, DEST(3) | IO_LEVEL | 0x56);
	EXPECT_EQ(0, io_read(chip, 0x30) & IO_RIRR);
	wr(chip, 2, 0x80f, 0xff);
	io_entry(chip, 16, DEST(2) | IO_LEVEL | 0x57);
	EXPECT_EQ(0, io_read(chip, 0x30) & IO_RIRR);
	ivm_irq_line(chip, 16, false);
	/* nobody: a level is not taken as being handled */
	io_entry(chip, 16, DEST(77) | IO_LEVEL | 0x54);
	ivm_irq_line(chip, 16, true);
	EXPECT_EQ(0, io_read(chip, 0x30) & IO_RIRR);
	io_write(chip, 0x31, 0);
	EXPECT_EQ(0x54, serve(chip, 0));
}

TEST_F(ioapic, lines_keep_their_level_over_a_reset)
{
	struct ivm_irqchip *chip = self->chip;

	ivm_irq_line(chip, 9, true);
	io_write(chip, 0, 0x05000000);
	ivm_irqchip_reset(chip);
	ivm_irqchip_thaw(chip, 0);
	x2_enable(chip, 1);
	EXPECT_EQ(0, ivm_ioapic_read(chip, IVM_PLATFORM_IOAPIC_BASE, 4));
	EXPECT_EQ(0, io_read(chip, 0));
	io_write(chip, 1, 0);
	ivm_irqchip_reset(chip);
	EXPECT_EQ(0, ivm_ioapic_read(chip, IVM_PLATFORM_IOAPIC_BASE, 4));
	ivm_irqchip_thaw(chip, 0);
	x2_enable(chip, 1);
	EXPECT_EQ(0x10000, io_read(chip, 0x22));
	io_entry(chip, 9, DEST(1) | IO_LEVEL | 0x61);
	EXPECT_EQ(0x61, serve(chip, 1));
}

TEST_HARNESS_MAIN
