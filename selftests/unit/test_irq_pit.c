// SPDX-License-Identifier: GPL-2.0-only
/* The 8254 and port 61. */
/* sources: kmod/irq/[a-z]*.c */
#include "unit.h"
#include "irq_chip.h"

#include <linux/kernel.h>
#include <linux/time64.h>

#define HZ		1193182
/* First nanosecond at which @ticks have passed */
#define NS(ticks)	((u64)(ticks) * NSEC_PER_SEC / HZ + 1)

#define V	0x30		/* of pin 2, at vCPU 0 */

FIXTURE(pit) {
	struct ivm_irqchip *chip;
};

FIXTURE_SETUP(pit)
{
	self->chip = chip_create();
	x2_enable(self->chip, 0);
	io_entry(self->chip, 2, V);
}

FIXTURE_TEARDOWN(pit)
{
	ivm_irqchip_destroy(self->chip);
	EXPECT_EQ(0, shim_alloc_live());
	EXPECT_EQ(0, shim_timers_armed());
}

static void out(struct ivm_irqchip *chip, u16 port, u8 value)
{
	ivm_pit_write(chip, port, 1, value);
}

static u8 in(struct ivm_irqchip *chip, u16 port)
{
	return ivm_pit_read(chip, port, 1);
}

/* Access low then high. */
static void program(struct ivm_irqchip *chip, unsigned int ch, unsigned int mode, u16 count)
{
	out(chip, 0x43, ch << 6 | 3 << 4 | mode << 1);
	out(chip, 0x40 + ch, count);
	out(chip, 0x40 + ch, count >> 8);
}

static u16 count(struct ivm_irqchip *chip, unsigned int ch)
{
	u16 low = in(chip, 0x40 + ch);

	return low | in(chip, 0x40 + ch) << 8;
}

static bool out2(struct ivm_irqchip *chip)
{
	return in(chip, 0x61) & 0x20;
}

/* Interrupts in @ns, looked for every @step. */
static unsigned int ticks(struct ivm_irqchip *chip, u64 ns, u64 step)
{
	unsigned int n = 0;
	u64 t;

	for (t = 0; t < ns; t += step) {
		shim_clock_advance(step);
		n += serve(chip, 0) == V;
	}
	return n;
}

TEST_F(pit, rate_generator_counts_and_interrupts)
{
	struct ivm_irqchip *chip = self->chip;

	program(chip, 0, 2, 11932);	/* 100 Hz */
	EXPECT_EQ(11932, count(chip, 0));
	shim_clock_advance(NS(1000));
	EXPECT_EQ(10932, count(chip, 0));
	shim_clock_advance(NS(11931) - NS(1000));
	EXPECT_EQ(1, count(chip, 0));
	EXPECT_EQ(IVM_IRQ_NONE, serve(chip, 0));
	shim_clock_advance(NS(11932) - NS(11931));
	EXPECT_EQ(11932, count(chip, 0));
	EXPECT_EQ(V, serve(chip, 0));
	EXPECT_EQ(100, ticks(chip, NSEC_PER_SEC + 1000000, 100000));
}

TEST_F(pit, square_wave_counts_by_two)
{
	struct ivm_irqchip *chip = self->chip;

	program(chip, 0, 3, 0);		/* 65536: 18.2 Hz */
	EXPECT_EQ(0, count(chip, 0));
	shim_clock_advance(NS(100));
	EXPECT_EQ(65536 - 200, count(chip, 0));
	shim_clock_advance(NS(32768 + 100) - NS(100));
	EXPECT_EQ(65536 - 200, count(chip, 0));
	EXPECT_EQ(18, ticks(chip, NSEC_PER_SEC, 1000000));
}

TEST_F(pit, terminal_count_interrupts_once_and_counts_on)
{
	struct ivm_irqchip *chip = self->chip;

	program(chip, 0, 0, 1000);
	EXPECT_EQ(1, shim_timers_armed());
	shim_clock_advance(NS(999));
	EXPECT_EQ(IVM_IRQ_NONE, serve(chip, 0));
	shim_clock_advance(NS(1000) - NS(999));
	EXPECT_EQ(V, serve(chip, 0));
	EXPECT_EQ(0, count(chip, 0));
	shim_clock_advance(NS(1001) - NS(1000));
	EXPECT_EQ(0xffff, count(chip, 0));
	EXPECT_EQ(0, shim_timers_armed());
	EXPECT_EQ(0, ticks(chip, NSEC_PER_SEC, 1000000));
	/* a new count starts it again */
	out(chip, 0x40, 100);
	out(chip, 0x40, 0);
	EXPECT_EQ(1, ticks(chip, NSEC_PER_SEC, 1000000));
	/* a control word stops it */
	program(chip, 0, 0, 1000);
	out(chip, 0x43, 0x30);
	EXPECT_EQ(0, shim_timers_armed());
	EXPECT_EQ(0, ticks(chip, NSEC_PER_SEC, 1000000));
}

TEST_F(pit, software_strobe)
{
	struct ivm_irqchip *chip = self->chip;

	ivm_irq_next(chip, 0);
	out(chip, 0x43, 0x38);
	EXPECT_EQ(0, shim_timers_armed());
	out(chip, 0x40, 0xe8);
	out(chip, 0x40, 0x03);
	shim_clock_advance(NS(1000));
	EXPECT_EQ(IVM_IRQ_NONE, serve(chip, 0));
	shim_clock_advance(NS(1001) - NS(1000));
	EXPECT_EQ(V, serve(chip, 0));
	EXPECT_EQ(0, ticks(chip, NSEC_PER_SEC, 1000000));
}

TEST_F(pit, it_is_irq_0_of_the_pics_too)
{
	struct ivm_irqchip *chip = self->chip;
	static const u8 words[] = { 0x20, 4, 1 };
	unsigned int i;

	ivm_pic_write(chip, 0x20, 1, 0x11);
	for (i = 0; i < 3; i++)
		ivm_pic_write(chip, 0x21, 1, words[i]);
	wr(chip, 0, 0x835, 0x700);
	io_entry(chip, 2, 1 << 16);
	program(chip, 0, 2, 11932);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_ack(chip, 0));
	shim_clock_advance(NS(11932));
	EXPECT_EQ(0x20, ivm_irq_ack(chip, 0));
	ivm_pic_write(chip, 0x20, 1, 0x20);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_ack(chip, 0));
	shim_clock_advance(NS(11932));
	EXPECT_EQ(0x20, ivm_irq_ack(chip, 0));
}

TEST_F(pit, hostile_counts_cost_the_host_little)
{
	static const u16 counts[] = { 1, 2, 3, 7, 119 };
	struct ivm_irqchip *chip = self->chip;
	unsigned int mode, i;
	u64 before;

	for (mode = 0; mode < 8; mode++) {
		for (i = 0; i < ARRAY_SIZE(counts); i++) {
			before = shim_timers_fired();
			program(chip, 0, mode, counts[i]);
			shim_clock_advance(NSEC_PER_SEC / 10);
			EXPECT_LE(shim_timers_fired() - before, 1000) TH_LOG("mode %u count %u", mode, counts[i]);
			if (mode % 4 == 2 || mode % 4 == 3)
				EXPECT_GE(shim_timers_fired() - before, 400);
			count(chip, 0);
		}
	}
}

TEST_F(pit, latched_counts_stand_still)
{
	struct ivm_irqchip *chip = self->chip;

	program(chip, 1, 2, 50000);
	shim_clock_advance(NS(1000));
	out(chip, 0x43, 0x40);
	shim_clock_advance(NS(1000));
	out(chip, 0x43, 0x40);		/* ignored: not read yet */
	EXPECT_EQ(49000, count(chip, 1));
	EXPECT_EQ(48000, count(chip, 1));
	/* a new mode forgets them */
	out(chip, 0x43, 0x40);
	out(chip, 0x43, 0xe4);
	program(chip, 1, 2, 1234);
	EXPECT_EQ(1234, count(chip, 1));
}

TEST_F(pit, read_back_latches_counts_and_status_of_several)
{
	struct ivm_irqchip *chip = self->chip;

	program(chip, 0, 2, 40000);
	program(chip, 1, 3, 50000);
	shim_clock_advance(NS(1000));
	out(chip, 0x43, 0xc6);		/* both, of 0 and 1 */
	shim_clock_advance(NS(1000));
	EXPECT_EQ(0xb4, in(chip, 0x40));
	EXPECT_EQ(39000, count(chip, 0));
	EXPECT_EQ(0xb6, in(chip, 0x41));
	EXPECT_EQ(48000, count(chip, 1));
	/* status alone; null count between control word and count */
	out(chip, 0x43, 0x71);
	out(chip, 0x43, 0xe4);
	EXPECT_EQ(0x71, in(chip, 0x41));
	out(chip, 0x41, 0x34);
	out(chip, 0x41, 0x12);
	out(chip, 0x43, 0xe4);
	EXPECT_EQ(0x31, in(chip, 0x41));
	EXPECT_EQ(0x1234, count(chip, 1));
}

TEST_F(pit, one_byte_accesses)
{
	struct ivm_irqchip *chip = self->chip;

	out(chip, 0x43, 0x54);		/* low only */
	out(chip, 0x41, 0x80);
	shim_clock_advance(NS(1));
	EXPECT_EQ(0x7f, in(chip, 0x41));
	EXPECT_EQ(0x7f, in(chip, 0x41));
	out(chip, 0x43, 0x40);		/* a latch holds for one read */
	shim_clock_advance(NS(1));
	EXPECT_EQ(0x7f, in(chip, 0x41));
	EXPECT_EQ(0x7e, in(chip, 0x41));
	out(chip, 0x43, 0x14);		/* others are not touched */
	out(chip, 0x40, 0x77);
	EXPECT_EQ(0x7e, in(chip, 0x41));
	out(chip, 0x43, 0x64);		/* high only */
	out(chip, 0x41, 0x80);
	shim_clock_advance(NS(1));
	EXPECT_EQ(0x7f, in(chip, 0x41));
	out(chip, 0x43, 0x40);
	shim_clock_advance(NS(256));
	EXPECT_EQ(0x7f, in(chip, 0x41));
	EXPECT_EQ(0x7e, in(chip, 0x41));
	/* the control word cannot be read, wide accesses are several */
	EXPECT_EQ(0xff, in(chip, 0x43));
	EXPECT_EQ(0xff, ivm_pit_read(chip, 0x42, 2) >> 8);
}

TEST_F(pit, binary_coded_decimals)
{
	struct ivm_irqchip *chip = self->chip;

	out(chip, 0x43, 0x75);
	out(chip, 0x41, 0x00);
	out(chip, 0x41, 0x10);		/* 1000 */
	shim_clock_advance(NS(1));
	EXPECT_EQ(0x0999, count(chip, 1));
	out(chip, 0x41, 0);
	out(chip, 0x41, 0);		/* 10000 */
	EXPECT_EQ(0, count(chip, 1));
	shim_clock_advance(NS(1));
	EXPECT_EQ(0x9999, count(chip, 1));
	/* no decimals at all: some count, no harm */
	out(chip, 0x41, 0xff);
	out(chip, 0x41, 0xff);
	count(chip, 1);
}

/* ---- channel 2, port 61 ---- */

TEST_F(pit, gate_and_output_of_channel_2)
{
	struct ivm_irqchip *chip = self->chip;

	out(chip, 0x61, 1);
	EXPECT_EQ(1, in(chip, 0x61) & 3);
	program(chip, 2, 0, 1000);
	EXPECT_FALSE(out2(chip));
	shim_clock_advance(NS(400));
	EXPECT_EQ(600, count(chip, 2));
	out(chip, 0x61, 2);		/* gate down: it waits */
	EXPECT_EQ(2, in(chip, 0x61) & 3);
	shim_clock_advance(NS(50000));
	EXPECT_EQ(600, count(chip, 2));
	out(chip, 0x61, 3);
	shim_clock_advance(NS(599));
	EXPECT_FALSE(out2(chip));
	shim_clock_advance(NS(1));
	EXPECT_TRUE(out2(chip));
	EXPECT_EQ(0, shim_timers_armed());
	/* the refresh bit toggles */
	EXPECT_NE((shim_clock_advance(0), in(chip, 0x61) & 0x10), (shim_clock_advance(15085), in(chip, 0x61) & 0x10));
}

TEST_F(pit, a_count_loaded_with_the_gate_down_waits_for_it)
{
	struct ivm_irqchip *chip = self->chip;

	program(chip, 2, 0, 1000);
	shim_clock_advance(NS(5000));
	EXPECT_EQ(1000, count(chip, 2));
	EXPECT_FALSE(out2(chip));
	out(chip, 0x61, 1);
	shim_clock_advance(NS(1000));
	EXPECT_TRUE(out2(chip));
}

TEST_F(pit, the_gate_triggers_one_shot_and_strobe)
{
	struct ivm_irqchip *chip = self->chip;

	program(chip, 2, 1, 1000);
	EXPECT_TRUE(out2(chip));
	shim_clock_advance(NS(5000));
	out(chip, 0x61, 1);
	EXPECT_FALSE(out2(chip));
	out(chip, 0x61, 0);		/* the level does not matter */
	shim_clock_advance(NS(900));
	out(chip, 0x61, 1);		/* again, before it is over */
	shim_clock_advance(NS(999));
	EXPECT_FALSE(out2(chip));
	shim_clock_advance(NS(1));
	EXPECT_TRUE(out2(chip));

	out(chip, 0x61, 0);
	program(chip, 2, 5, 1000);
	EXPECT_TRUE(out2(chip));
	out(chip, 0x61, 1);
	shim_clock_advance(NS(1000));
	EXPECT_FALSE(out2(chip));
	shim_clock_advance(NS(1));
	EXPECT_TRUE(out2(chip));
	/* no count, no trigger */
	out(chip, 0x61, 0);
	out(chip, 0x43, 0xb2);
	out(chip, 0x61, 1);
	EXPECT_TRUE(out2(chip));
}

TEST_F(pit, the_gate_restarts_rate_and_square)
{
	struct ivm_irqchip *chip = self->chip;

	out(chip, 0x61, 1);
	program(chip, 2, 3, 1000);
	EXPECT_TRUE(out2(chip));
	shim_clock_advance(NS(500));
	EXPECT_FALSE(out2(chip));
	out(chip, 0x61, 0);
	EXPECT_TRUE(out2(chip));
	shim_clock_advance(NS(300));
	out(chip, 0x61, 1);
	EXPECT_TRUE(out2(chip));
	shim_clock_advance(NS(499));
	EXPECT_TRUE(out2(chip));
	shim_clock_advance(NS(1));
	EXPECT_FALSE(out2(chip));
	/* rate: low for one tick */
	program(chip, 2, 2, 1000);
	shim_clock_advance(NS(998));
	EXPECT_TRUE(out2(chip));
	shim_clock_advance(NS(1));
	EXPECT_FALSE(out2(chip));
	shim_clock_advance(NS(1));
	EXPECT_TRUE(out2(chip));
}

TEST_F(pit, reset_stops_it)
{
	struct ivm_irqchip *chip = self->chip;

	program(chip, 0, 2, 1000);
	out(chip, 0x61, 3);
	ivm_irqchip_reset(chip);
	EXPECT_EQ(0, shim_timers_armed());
	ivm_irqchip_thaw(chip, 0);
	EXPECT_EQ(0, shim_timers_armed());
	EXPECT_EQ(0, in(chip, 0x61) & 3);
}

TEST_HARNESS_MAIN
