// SPDX-License-Identifier: GPL-2.0-only
/* The 8259 pair, seen from vCPU 0 in virtual-wire mode. */
/* sources: kmod/irq/[a-z]*.c */
#include "unit.h"
#include "irq_chip.h"

#include <linux/kernel.h>

FIXTURE(pic) {
	struct ivm_irqchip *chip;
};

static void out(struct ivm_irqchip *chip, u16 port, u8 value)
{
	ivm_pic_write(chip, port, 1, value);
}

static u8 in(struct ivm_irqchip *chip, u16 port)
{
	return ivm_pic_read(chip, port, 1);
}

/* Vectors 0x20 and 0x28, all unmasked. */
static void init(struct ivm_irqchip *chip, u8 icw1, u8 master4, u8 slave4)
{
	out(chip, 0x20, icw1);
	out(chip, 0x21, 0x20);
	out(chip, 0x21, 0x04);
	out(chip, 0x21, master4);
	out(chip, 0xa0, icw1);
	out(chip, 0xa1, 0x28);
	out(chip, 0xa1, 0x02);
	out(chip, 0xa1, slave4);
}

FIXTURE_SETUP(pic)
{
	self->chip = chip_create();
	init(self->chip, 0x11, 1, 1);
	ivm_irq_line(self->chip, 2, false);	/* the 8254's output is up */
}

FIXTURE_TEARDOWN(pic)
{
	ivm_irqchip_destroy(self->chip);
	EXPECT_EQ(0, shim_alloc_live());
}

static u8 isr(struct ivm_irqchip *chip, u16 port)
{
	out(chip, port, 0x0b);
	return in(chip, port);
}

static u8 irr(struct ivm_irqchip *chip, u16 port)
{
	out(chip, port, 0x0a);
	return in(chip, port);
}

static int ack(struct ivm_irqchip *chip)
{
	int next = ivm_irq_next(chip, 0), got = ivm_irq_ack(chip, 0);

	BUG_ON(next != got);
	return got;
}

/* A GSI for an input of the pair. */
static unsigned int gsi(unsigned int irq)
{
	return irq ? irq : 2;
}

TEST_F(pic, every_input_has_its_vector)
{
	struct ivm_irqchip *chip = self->chip;
	unsigned int i;

	for (i = 0; i < 16; i++) {
		if (i == 2)
			continue;
		ivm_irq_line(chip, gsi(i), true);
		EXPECT_EQ(0x20 + i, ack(chip));
		EXPECT_EQ(i < 8 ? 1 << i : 4, isr(chip, 0x20));
		EXPECT_EQ(i < 8 ? 0 : 1 << (i - 8), isr(chip, 0xa0));
		ivm_irq_line(chip, gsi(i), false);
		if (i >= 8)
			out(chip, 0xa0, 0x20);
		out(chip, 0x20, 0x20);
		EXPECT_EQ(0, isr(chip, 0x20));
		EXPECT_EQ(IVM_IRQ_NONE, ack(chip));
	}
	/* the cascade has no line */
	ivm_irq_line(chip, 0, true);
	EXPECT_EQ(IVM_IRQ_NONE, ack(chip));
}

TEST_F(pic, power_on_state_masks_everything)
{
	struct ivm_irqchip *chip = self->chip;

	ivm_irqchip_reset(chip);
	EXPECT_EQ(0xff, in(chip, 0x21));
	EXPECT_EQ(0xff, in(chip, 0xa1));
	ivm_irq_line(chip, 4, true);
	EXPECT_EQ(IVM_IRQ_NONE, ack(chip));
	out(chip, 0x21, 0);
	EXPECT_EQ(0x0c, ack(chip));
}

TEST_F(pic, nothing_comes_in_the_middle_of_initialisation)
{
	struct ivm_irqchip *chip = self->chip;

	out(chip, 0x20, 0x11);
	ivm_irq_line(chip, 4, true);
	EXPECT_EQ(IVM_IRQ_NONE, ack(chip));
	out(chip, 0x21, 0x47);		/* low bits of ICW2 do not count */
	EXPECT_EQ(IVM_IRQ_NONE, ack(chip));
	out(chip, 0x21, 4);
	EXPECT_EQ(IVM_IRQ_NONE, ack(chip));
	out(chip, 0x21, 1);
	EXPECT_EQ(0x44, ack(chip));
	/* without ICW4, and single: one word less each */
	out(chip, 0x20, 0x12);
	ivm_irq_line(chip, 4, false);
	ivm_irq_line(chip, 4, true);
	out(chip, 0x21, 0x58);
	EXPECT_EQ(0x5c, ack(chip));
}

TEST_F(pic, priorities_nest)
{
	struct ivm_irqchip *chip = self->chip;

	ivm_irq_line(chip, 5, true);
	ivm_irq_line(chip, 9, true);	/* comes in at 2 */
	ivm_irq_line(chip, 3, true);
	EXPECT_EQ(0x29, ack(chip));
	EXPECT_EQ(IVM_IRQ_NONE, ack(chip));
	ivm_irq_line(chip, 1, true);
	EXPECT_EQ(0x21, ack(chip));
	out(chip, 0x20, 0x20);		/* ends 1 */
	EXPECT_EQ(IVM_IRQ_NONE, ack(chip));
	out(chip, 0xa0, 0x20);
	out(chip, 0x20, 0x20);		/* ends 2 */
	EXPECT_EQ(0x23, ack(chip));
	EXPECT_EQ(IVM_IRQ_NONE, ack(chip));
	out(chip, 0x20, 0x63);		/* ends 3, by name */
	EXPECT_EQ(0x25, ack(chip));
	out(chip, 0x20, 0x63);		/* not in service */
	EXPECT_EQ(0x20, isr(chip, 0x20));
}

TEST_F(pic, masked_inputs_wait)
{
	struct ivm_irqchip *chip = self->chip;

	out(chip, 0x21, 0xfb);
	out(chip, 0xa1, 0xfe);
	EXPECT_EQ(0xfb, in(chip, 0x21));
	ivm_irq_line(chip, 4, true);
	ivm_irq_line(chip, 12, true);
	EXPECT_EQ(IVM_IRQ_NONE, ack(chip));
	EXPECT_EQ(0x10, irr(chip, 0x20));
	EXPECT_EQ(0x10, irr(chip, 0xa0));
	out(chip, 0xa1, 0xee);
	EXPECT_EQ(0x14, irr(chip, 0x20));
	EXPECT_EQ(0x2c, ack(chip));
}

TEST_F(pic, an_edge_is_one_request_and_can_be_taken_back)
{
	struct ivm_irqchip *chip = self->chip;

	ivm_irq_line(chip, 4, true);
	EXPECT_EQ(0x24, ack(chip));
	out(chip, 0x20, 0x20);
	EXPECT_EQ(IVM_IRQ_NONE, ack(chip));
	ivm_irq_line(chip, 4, false);
	ivm_irq_line(chip, 4, true);
	EXPECT_EQ(0x24, ivm_irq_next(chip, 0));
	ivm_irq_line(chip, 4, false);
	EXPECT_EQ(IVM_IRQ_NONE, ack(chip));
}

TEST_F(pic, a_line_that_stays_up_is_no_new_edge_whatever_others_do)
{
	struct ivm_irqchip *chip = self->chip;

	ivm_irq_line(chip, 4, true);
	EXPECT_EQ(0x24, ack(chip));
	out(chip, 0x20, 0x20);
	ivm_irq_line(chip, 5, true);
	EXPECT_EQ(0x25, ack(chip));
	out(chip, 0x20, 0x20);
	ivm_irq_line(chip, 4, true);
	EXPECT_EQ(IVM_IRQ_NONE, ack(chip));
}

TEST_F(pic, initialisation_forgets_edges_and_modes)
{
	struct ivm_irqchip *chip = self->chip;

	/* an edge that was not served is gone */
	out(chip, 0x21, 0xff);
	ivm_irq_line(chip, 4, true);
	init(chip, 0x11, 1, 1);
	EXPECT_EQ(0, irr(chip, 0x20));
	EXPECT_EQ(IVM_IRQ_NONE, ack(chip));
	/* automatic EOI with rotation, special nesting and masking: as ICW1 without ICW4 finds them */
	init(chip, 0x11, 0x13, 0x13);
	out(chip, 0x20, 0x80);
	out(chip, 0x20, 0x68);
	out(chip, 0x20, 0x10);
	out(chip, 0x21, 0x20);
	out(chip, 0x21, 0x04);
	ivm_irq_line(chip, 4, false);
	ivm_irq_line(chip, 4, true);
	EXPECT_EQ(0x24, ack(chip));
	EXPECT_EQ(0x10, isr(chip, 0x20));
	out(chip, 0x21, 0x10);
	ivm_irq_line(chip, 5, true);
	EXPECT_EQ(IVM_IRQ_NONE, ack(chip));
	out(chip, 0x20, 0x20);
	EXPECT_EQ(0x25, ack(chip));
	out(chip, 0x20, 0x20);
	/* no rotation: 3 before 6 */
	ivm_irq_line(chip, 6, true);
	ivm_irq_line(chip, 3, true);
	EXPECT_EQ(0x23, ack(chip));
	out(chip, 0x20, 0x20);
	/* no special nesting */
	ivm_irq_line(chip, 12, true);
	EXPECT_EQ(0x2c, ack(chip));
	ivm_irq_line(chip, 8, true);
	EXPECT_EQ(IVM_IRQ_NONE, ack(chip));
}

TEST_F(pic, initialisation_ends_rotation)
{
	struct ivm_irqchip *chip = self->chip;

	init(chip, 0x11, 3, 3);
	out(chip, 0x20, 0x80);
	init(chip, 0x11, 3, 3);
	ivm_irq_line(chip, 3, true);
	EXPECT_EQ(0x23, ack(chip));
	ivm_irq_line(chip, 3, false);
	ivm_irq_line(chip, 3, true);
	ivm_irq_line(chip, 4, true);
	EXPECT_EQ(0x23, ack(chip));
}

TEST_F(pic, int_falls_with_each_acknowledge_and_rises_for_the_next)
{
	struct ivm_irqchip *chip = self->chip;

	init(chip, 0x11, 3, 3);
	xwrite(chip, 0, 0x350, 0x99);	/* LINT0 counts rises as fixed interrupts */
	ivm_irq_line(chip, 3, true);
	ivm_irq_line(chip, 4, true);
	EXPECT_EQ(0x99, serve(chip, 0));
	EXPECT_EQ(IVM_IRQ_NONE, serve(chip, 0));
	ivm_irq_msi(chip, 0xfee00000, 0x700);
	EXPECT_EQ(0x23, ack(chip));
	EXPECT_EQ(0x99, serve(chip, 0));
	EXPECT_EQ(IVM_IRQ_NONE, serve(chip, 0));
}

TEST_F(pic, elcr_makes_levels_of_some_inputs)
{
	struct ivm_irqchip *chip = self->chip;

	ivm_pic_write(chip, 0x4d0, 2, 0xffff);
	EXPECT_EQ(0xf8, in(chip, 0x4d0));
	EXPECT_EQ(0xde, in(chip, 0x4d1));
	EXPECT_EQ(0xdef8, ivm_pic_read(chip, 0x4d0, 2));
	ivm_irq_line(chip, 11, true);
	EXPECT_EQ(0x2b, ack(chip));
	out(chip, 0xa0, 0x20);
	out(chip, 0x20, 0x20);
	EXPECT_EQ(0x2b, ack(chip));	/* still up */
	ivm_irq_line(chip, 11, false);
	out(chip, 0xa0, 0x20);
	out(chip, 0x20, 0x20);
	EXPECT_EQ(IVM_IRQ_NONE, ack(chip));
	/* becoming an edge while up: it has had it */
	ivm_irq_line(chip, 5, true);
	out(chip, 0x4d0, 0);
	EXPECT_EQ(IVM_IRQ_NONE, ack(chip));
	out(chip, 0x4d0, 0x20);
	EXPECT_EQ(0x25, ack(chip));
}

TEST_F(pic, icw1_can_make_all_inputs_levels)
{
	struct ivm_irqchip *chip = self->chip;

	init(chip, 0x19, 1, 1);
	ivm_irq_line(chip, 1, true);
	EXPECT_EQ(0x21, ack(chip));
	out(chip, 0x20, 0x20);
	EXPECT_EQ(0x21, ack(chip));
}

TEST_F(pic, automatic_eoi)
{
	struct ivm_irqchip *chip = self->chip;

	init(chip, 0x11, 3, 3);
	ivm_irq_line(chip, 4, true);
	ivm_irq_line(chip, 14, true);
	EXPECT_EQ(0x2e, ack(chip));
	EXPECT_EQ(0x24, ack(chip));
	EXPECT_EQ(0, isr(chip, 0x20));
	EXPECT_EQ(0, isr(chip, 0xa0));
	/* with rotation: the one served comes last */
	out(chip, 0x20, 0x80);
	ivm_irq_line(chip, 4, false);
	ivm_irq_line(chip, 1, true);
	EXPECT_EQ(0x21, ack(chip));
	ivm_irq_line(chip, 1, false);
	ivm_irq_line(chip, 1, true);
	ivm_irq_line(chip, 4, true);
	EXPECT_EQ(0x24, ack(chip));
	EXPECT_EQ(0x21, ack(chip));
	out(chip, 0x20, 0x00);
	ivm_irq_line(chip, 3, true);
	EXPECT_EQ(0x23, ack(chip));
	ivm_irq_line(chip, 3, false);
	ivm_irq_line(chip, 3, true);
	ivm_irq_line(chip, 1, false);
	ivm_irq_line(chip, 1, true);
	EXPECT_EQ(0x23, ack(chip));	/* 1 is the lowest still */
}

TEST_F(pic, rotation_by_command)
{
	struct ivm_irqchip *chip = self->chip;

	out(chip, 0x20, 0xc4);		/* 4 lowest, 5 highest */
	ivm_irq_line(chip, 4, true);
	ivm_irq_line(chip, 1, true);
	ivm_irq_line(chip, 5, true);
	EXPECT_EQ(0x25, ack(chip));
	out(chip, 0x20, 0xa0);		/* end it, and it is the lowest */
	EXPECT_EQ(0x21, ack(chip));
	out(chip, 0x20, 0xe1);		/* end 1 by name, it is the lowest */
	ivm_irq_line(chip, 3, true);
	EXPECT_EQ(0x23, ack(chip));
	EXPECT_EQ(IVM_IRQ_NONE, ack(chip));
	out(chip, 0x20, 0x20);
	EXPECT_EQ(0x24, ack(chip));
}

TEST_F(pic, special_mask_mode_lets_lower_ones_in)
{
	struct ivm_irqchip *chip = self->chip;

	ivm_irq_line(chip, 1, true);
	EXPECT_EQ(0x21, ack(chip));
	ivm_irq_line(chip, 4, true);
	EXPECT_EQ(IVM_IRQ_NONE, ack(chip));
	out(chip, 0x21, 0x02);
	EXPECT_EQ(IVM_IRQ_NONE, ack(chip));
	out(chip, 0x20, 0x68);
	EXPECT_EQ(0x24, ack(chip));
	out(chip, 0x20, 0x20);		/* not the masked one */
	EXPECT_EQ(0x02, isr(chip, 0x20));
	out(chip, 0x20, 0x48);
	ivm_irq_line(chip, 5, true);
	EXPECT_EQ(IVM_IRQ_NONE, ack(chip));
}

TEST_F(pic, special_fully_nested_mode_hears_the_slave_again)
{
	struct ivm_irqchip *chip = self->chip;

	ivm_irq_line(chip, 12, true);
	EXPECT_EQ(0x2c, ack(chip));
	ivm_irq_line(chip, 8, true);
	EXPECT_EQ(IVM_IRQ_NONE, ack(chip));	/* plain: not while 2 is served */
	ivm_irq_line(chip, 8, false);
	ivm_irq_line(chip, 12, false);
	init(chip, 0x11, 0x11, 1);
	ivm_irq_line(chip, 12, true);
	EXPECT_EQ(0x2c, ack(chip));
	ivm_irq_line(chip, 8, true);
	EXPECT_EQ(0x28, ack(chip));
	EXPECT_EQ(0x11, isr(chip, 0xa0));
	ivm_irq_line(chip, 13, true);
	EXPECT_EQ(IVM_IRQ_NONE, ack(chip));	/* less important */
}

TEST_F(pic, polling_serves_and_says_what)
{
	struct ivm_irqchip *chip = self->chip;

	out(chip, 0x20, 0x0c);
	EXPECT_EQ(0, in(chip, 0x20));
	ivm_irq_line(chip, 6, true);
	ivm_irq_line(chip, 10, true);
	out(chip, 0xa1, 0x01);
	out(chip, 0x20, 0x0c);
	EXPECT_EQ(0x82, in(chip, 0x20));
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 0));	/* INT has fallen */
	out(chip, 0xa0, 0x0c);
	EXPECT_EQ(0x82, in(chip, 0xa1));	/* the next read of either port */
	EXPECT_EQ(0x01, in(chip, 0xa1));	/* then the mask again */
	EXPECT_EQ(4, isr(chip, 0x20));
	EXPECT_EQ(4, isr(chip, 0xa0));
	out(chip, 0xa0, 0x20);
	out(chip, 0x20, 0x20);
	EXPECT_EQ(0x26, ack(chip));
}

TEST_F(pic, spurious_vectors_leave_nothing_in_service)
{
	struct ivm_irqchip *chip = self->chip;

	/* The CPU was told and runs its cycle, but the line has dropped. */
	ivm_irq_msi(chip, 0xfee00000, 0x700);
	EXPECT_EQ(0x27, ack(chip));
	EXPECT_EQ(0, isr(chip, 0x20));
	/* A real 7 looks the same but for ISR. */
	ivm_irq_line(chip, 7, true);
	EXPECT_EQ(0x27, ack(chip));
	EXPECT_EQ(0x80, isr(chip, 0x20));
}

TEST_F(pic, unknown_ports_and_wide_accesses)
{
	struct ivm_irqchip *chip = self->chip;

	EXPECT_EQ(0xff, in(chip, 0x22));
	out(chip, 0x22, 0);
	ivm_pic_write(chip, 0x20, 2, 0xfe0b);	/* OCW3 and the mask */
	EXPECT_EQ(0xfe, in(chip, 0x21));
	EXPECT_EQ(0xfe00, ivm_pic_read(chip, 0x20, 2));
	EXPECT_EQ(0xfffffe00, ivm_pic_read(chip, 0x20, 4));
}

TEST_HARNESS_MAIN
