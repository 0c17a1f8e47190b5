// SPDX-License-Identifier: GPL-2.0-only
/* The LAPIC's timer, and what a freeze does to time. */
/* sources: kmod/irq/[a-z]*.c */
#include "unit.h"
#include "irq_chip.h"

#include <asm/msr.h>
#include <linux/kernel.h>
#include <linux/time64.h>

#define V		0x51
#define ONESHOT		(0 << 17 | V)
#define PERIODIC	(1 << 17 | V)
#define DEADLINE	(2 << 17 | V)
#define MASKED		(1 << 16)

#define DIV_1		0xb

#define TICKS_PER_US	(TSC_KHZ / 1000)

FIXTURE(timer) {
	struct ivm_irqchip *chip;
};

/* On vCPU 1, in x2APIC mode, counting nanoseconds. */
FIXTURE_SETUP(timer)
{
	self->chip = chip_create();
	x2_enable(self->chip, 1);
	wr(self->chip, 1, 0x83e, DIV_1);
	ivm_irq_next(self->chip, 1);
}

FIXTURE_TEARDOWN(timer)
{
	ivm_irqchip_destroy(self->chip);
	EXPECT_EQ(0, shim_alloc_live());
	EXPECT_EQ(0, shim_timers_armed());
}

/* Interrupts of the timer in @ns, looked for every 10 us. */
static unsigned int count(struct ivm_irqchip *chip, u64 ns)
{
	unsigned int n = 0;
	u64 t;

	for (t = 0; t < ns; t += 10000) {
		shim_clock_advance(10000);
		n += serve(chip, 1) == V;
	}
	return n;
}

TEST_F(timer, one_shot_counts_down_and_fires_once)
{
	struct ivm_irqchip *chip = self->chip;

	wr(chip, 1, 0x832, ONESHOT);
	wr(chip, 1, 0x838, 1000000);
	EXPECT_EQ(1000000, rd(chip, 1, 0x838));
	EXPECT_EQ(1000000, rd(chip, 1, 0x839));
	shim_clock_advance(400000);
	EXPECT_EQ(600000, rd(chip, 1, 0x839));
	shim_clock_advance(599999);
	EXPECT_EQ(1, rd(chip, 1, 0x839));
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	EXPECT_EQ(0, up[1].kick);
	shim_clock_advance(1);
	EXPECT_EQ(1, up[1].kick);
	EXPECT_EQ(0, rd(chip, 1, 0x839));
	EXPECT_EQ(V, serve(chip, 1));
	EXPECT_EQ(0, shim_timers_armed());
	EXPECT_EQ(0, count(chip, 3000000));
	/* zero stops it */
	wr(chip, 1, 0x838, 1000000);
	wr(chip, 1, 0x838, 0);
	EXPECT_EQ(0, shim_timers_armed());
	EXPECT_EQ(0, count(chip, 3000000));
}

TEST_F(timer, every_divider)
{
	static const u8 codes[] = { 0xb, 0x0, 0x1, 0x2, 0x3, 0x8, 0x9, 0xa };
	struct ivm_irqchip *chip = self->chip;
	unsigned int i;

	wr(chip, 1, 0x832, ONESHOT);
	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		wr(chip, 1, 0x83e, codes[i]);
		EXPECT_EQ(codes[i], rd(chip, 1, 0x83e));
		wr(chip, 1, 0x838, 1000);
		shim_clock_advance((1000 << i) - 1);
		EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1)) TH_LOG("divide by %d", 1 << i);
		shim_clock_advance(1);
		EXPECT_EQ(V, serve(chip, 1)) TH_LOG("divide by %d", 1 << i);
	}
}

TEST_F(timer, the_divider_changes_the_speed_of_a_running_count)
{
	struct ivm_irqchip *chip = self->chip;

	wr(chip, 1, 0x832, ONESHOT);
	wr(chip, 1, 0x838, 1000);
	shim_clock_advance(400);
	wr(chip, 1, 0x83e, 0x1);	/* by 4 */
	EXPECT_EQ(600, rd(chip, 1, 0x839));
	shim_clock_advance(2399);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	shim_clock_advance(1);
	EXPECT_EQ(V, serve(chip, 1));
}

TEST_F(timer, periodic_keeps_its_phase)
{
	struct ivm_irqchip *chip = self->chip;

	wr(chip, 1, 0x832, PERIODIC);
	wr(chip, 1, 0x838, 1000000);
	EXPECT_EQ(10, count(chip, 10000000));
	shim_clock_advance(300000);
	EXPECT_EQ(700000, rd(chip, 1, 0x839));
	/* not taken for long: one is left */
	shim_clock_advance(5000000);
	EXPECT_EQ(V, serve(chip, 1));
	EXPECT_EQ(IVM_IRQ_NONE, serve(chip, 1));
	EXPECT_EQ(700000, rd(chip, 1, 0x839));
	EXPECT_EQ(1, shim_timers_armed());
	wr(chip, 1, 0x838, 0);
	EXPECT_EQ(0, shim_timers_armed());
}

TEST_F(timer, a_hostile_period_costs_the_host_little)
{
	struct ivm_irqchip *chip = self->chip;
	u64 before = shim_timers_fired();

	wr(chip, 1, 0x832, PERIODIC);
	wr(chip, 1, 0x838, 1);
	count(chip, NSEC_PER_SEC / 10);
	EXPECT_LE(shim_timers_fired() - before, 2000);
	EXPECT_GE(shim_timers_fired() - before, 1000);
	EXPECT_LE(rd(chip, 1, 0x839), 1);
}

TEST_F(timer, periods_that_nobody_hears_cost_nothing_and_end_when_one_is_heard)
{
	struct ivm_irqchip *chip = self->chip;
	u64 before = shim_timers_fired(), lost = 100;

	wr(chip, 1, 0x832, PERIODIC);
	wr(chip, 1, 0x838, 1000000);
	shim_clock_advance(lost * 1000000 + 300000);
	EXPECT_EQ(2, shim_timers_fired() - before);
	EXPECT_EQ(0, shim_timers_armed());
	EXPECT_EQ(700000, rd(chip, 1, 0x839));	/* it counts all the same */
	EXPECT_EQ(V, serve(chip, 1));
	EXPECT_EQ(1, shim_timers_armed());
	/* and in its old phase */
	shim_clock_advance(699999);
	EXPECT_EQ(IVM_IRQ_NONE, serve(chip, 1));
	shim_clock_advance(1);
	EXPECT_EQ(V, serve(chip, 1));
	EXPECT_EQ(10, count(chip, 10000000));

	/* Unheard, and then set anew, or masked. */
	shim_clock_advance(5000000);
	EXPECT_EQ(0, shim_timers_armed());
	wr(chip, 1, 0x838, 2000000);
	EXPECT_EQ(1, shim_timers_armed());
	shim_clock_advance(50000000);
	EXPECT_EQ(0, shim_timers_armed());
	wr(chip, 1, 0x832, PERIODIC | MASKED);
	EXPECT_EQ(V, serve(chip, 1));
	EXPECT_EQ(0, shim_timers_armed());
	EXPECT_EQ(0, count(chip, 10000000));
}

TEST_F(timer, masked_it_counts_but_does_not_fire_nor_costs_a_host_timer)
{
	struct ivm_irqchip *chip = self->chip;

	wr(chip, 1, 0x832, PERIODIC | MASKED);
	wr(chip, 1, 0x838, 1000000);
	EXPECT_EQ(0, shim_timers_armed());
	shim_clock_advance(2300000);
	EXPECT_EQ(700000, rd(chip, 1, 0x839));
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	wr(chip, 1, 0x832, PERIODIC);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	shim_clock_advance(699999);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	shim_clock_advance(1);
	EXPECT_EQ(V, serve(chip, 1));
	/* one that is unmasked before it ends is not */
	wr(chip, 1, 0x832, ONESHOT | MASKED);
	wr(chip, 1, 0x838, 1000);
	shim_clock_advance(600);
	wr(chip, 1, 0x832, ONESHOT);
	shim_clock_advance(399);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	shim_clock_advance(1);
	EXPECT_EQ(V, serve(chip, 1));
	/* a one-shot that ends while masked is lost */
	wr(chip, 1, 0x832, ONESHOT | MASKED);
	wr(chip, 1, 0x838, 1000);
	shim_clock_advance(2000);
	EXPECT_EQ(0, rd(chip, 1, 0x839));
	wr(chip, 1, 0x832, ONESHOT);
	EXPECT_EQ(0, count(chip, 1000000));
	/* so is a deadline */
	wr(chip, 1, 0x832, DEADLINE | MASKED);
	wr(chip, 1, MSR_DEADLINE, rdtsc() + 100);
	shim_clock_advance(2000);
	EXPECT_EQ(0, rd(chip, 1, MSR_DEADLINE));
	wr(chip, 1, 0x832, DEADLINE);
	EXPECT_EQ(0, count(chip, 1000000));
}

TEST_F(timer, deadline_fires_at_its_tick_never_before)
{
	struct ivm_irqchip *chip = self->chip;
	unsigned int i;
	u64 deadline;

	wr(chip, 1, 0x832, DEADLINE);
	for (i = 1; i < 2000; i += 7) {
		deadline = rdtsc() + i;
		wr(chip, 1, MSR_DEADLINE, deadline);
		EXPECT_EQ(deadline, rd(chip, 1, MSR_DEADLINE));
		EXPECT_EQ(1, shim_timers_armed());
		while (ivm_irq_next(chip, 1) == IVM_IRQ_NONE) {
			ASSERT_LT(rdtsc(), deadline + 10);
			shim_clock_advance(1);
		}
		ASSERT_GE(rdtsc(), deadline);
		EXPECT_EQ(0, rd(chip, 1, MSR_DEADLINE));
		EXPECT_EQ(V, serve(chip, 1));
		EXPECT_EQ(0, shim_timers_armed());
	}
}

TEST_F(timer, deadline_in_the_past_fires_at_once_without_a_timer)
{
	struct ivm_irqchip *chip = self->chip;
	u64 started = shim_timers_started();

	wr(chip, 1, 0x832, DEADLINE);
	wr(chip, 1, MSR_DEADLINE, rdtsc());
	EXPECT_EQ(V, serve(chip, 1));
	wr(chip, 1, MSR_DEADLINE, 1);
	EXPECT_EQ(0, rd(chip, 1, MSR_DEADLINE));
	EXPECT_EQ(V, serve(chip, 1));
	EXPECT_EQ(started, shim_timers_started());
	EXPECT_EQ(0, up[1].kick);
	/* one in the past replaces one in the future */
	wr(chip, 1, MSR_DEADLINE, rdtsc() + 1000);
	wr(chip, 1, MSR_DEADLINE, 1);
	EXPECT_EQ(V, serve(chip, 1));
	EXPECT_EQ(0, shim_timers_armed());
	EXPECT_EQ(0, count(chip, 1000000));
}

TEST_F(timer, deadline_can_be_moved_cancelled_and_be_far_away)
{
	struct ivm_irqchip *chip = self->chip;
	u64 t0 = rdtsc();

	wr(chip, 1, 0x832, DEADLINE);
	wr(chip, 1, MSR_DEADLINE, t0 + 1000 * TICKS_PER_US);
	wr(chip, 1, MSR_DEADLINE, t0 + 2000 * TICKS_PER_US);
	shim_clock_advance(1999000);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	shim_clock_advance(1000 + 1);
	EXPECT_EQ(V, serve(chip, 1));
	wr(chip, 1, MSR_DEADLINE, rdtsc() + 1000 * TICKS_PER_US);
	wr(chip, 1, MSR_DEADLINE, 0);
	EXPECT_EQ(0, shim_timers_armed());
	EXPECT_EQ(0, count(chip, 3000000));
	/* ten hours: in steps */
	wr(chip, 1, MSR_DEADLINE, rdtsc() + 36000ULL * 1000 * TSC_KHZ);
	shim_clock_advance(35999ULL * NSEC_PER_SEC);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	shim_clock_advance(1ULL * NSEC_PER_SEC + 1000);
	EXPECT_EQ(V, serve(chip, 1));
	/* the end of time */
	wr(chip, 1, MSR_DEADLINE, ~0ULL);
	EXPECT_EQ(1, shim_timers_armed());
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
}

TEST_F(timer, each_mode_ignores_the_registers_of_the_other)
{
	struct ivm_irqchip *chip = self->chip;

	wr(chip, 1, 0x832, ONESHOT);
	EXPECT_EQ(0, wr(chip, 1, MSR_DEADLINE, rdtsc() + 1000));
	EXPECT_EQ(0, rd(chip, 1, MSR_DEADLINE));
	EXPECT_EQ(0, shim_timers_armed());
	wr(chip, 1, 0x832, DEADLINE);
	EXPECT_EQ(0, wr(chip, 1, 0x838, 1000));
	EXPECT_EQ(0, rd(chip, 1, 0x838));
	EXPECT_EQ(0, rd(chip, 1, 0x839));
	EXPECT_EQ(0, shim_timers_armed());
	/* changing between them disarms */
	wr(chip, 1, MSR_DEADLINE, rdtsc() + 100000);
	wr(chip, 1, 0x832, ONESHOT);
	EXPECT_EQ(0, shim_timers_armed());
	wr(chip, 1, 0x838, 1000000);
	wr(chip, 1, 0x832, DEADLINE);
	EXPECT_EQ(0, shim_timers_armed());
	EXPECT_EQ(0, rd(chip, 1, 0x838));
	wr(chip, 1, 0x832, ONESHOT);
	EXPECT_EQ(0, rd(chip, 1, 0x838));
	EXPECT_EQ(0, rd(chip, 1, 0x839));
	EXPECT_EQ(0, count(chip, 3000000));
	/* between one-shot and periodic it counts on */
	wr(chip, 1, 0x838, 1000000);
	wr(chip, 1, 0x832, PERIODIC);
	EXPECT_EQ(3, count(chip, 3000000));
}

TEST_F(timer, an_illegal_vector_is_an_error_not_an_interrupt)
{
	struct ivm_irqchip *chip = self->chip;

	wr(chip, 1, 0x837, 0xfe);
	wr(chip, 1, 0x832, 0x0f);
	wr(chip, 1, 0x838, 1000);
	shim_clock_advance(1000);
	EXPECT_EQ(0xfe, serve(chip, 1));
	EXPECT_EQ(IVM_IRQ_NONE, serve(chip, 1));
	wr(chip, 1, 0x828, 0);
	EXPECT_EQ(0x40, rd(chip, 1, 0x828));
}

/* ---- freeze ---- */

TEST_F(timer, frozen_nothing_fires_and_what_was_left_is_kept)
{
	struct ivm_irqchip *chip = self->chip;
	s64 offset = 0;

	wr(chip, 1, 0x832, ONESHOT);
	wr(chip, 1, 0x838, 1000000);
	x2_enable(chip, 2);
	wr(chip, 2, 0x832, PERIODIC);
	wr(chip, 2, 0x83e, DIV_1);
	wr(chip, 2, 0x838, 300000);
	x2_enable(chip, 3);
	wr(chip, 3, 0x832, DEADLINE);
	wr(chip, 3, MSR_DEADLINE, rdtsc() + 700 * TICKS_PER_US);
	ivm_pit_write(chip, 0x43, 1, 0x34);
	ivm_pit_write(chip, 0x40, 1, 0x00);
	ivm_pit_write(chip, 0x40, 1, 0x80);
	shim_clock_advance(400000);
	EXPECT_EQ(0x51, serve(chip, 2));

	EXPECT_EQ(4, shim_timers_armed());
	ivm_irqchip_freeze(chip);
	EXPECT_EQ(0, shim_timers_armed());
	shim_clock_advance(3600 * NSEC_PER_SEC);
	offset -= 3600LL * 1000 * TSC_KHZ;
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 2));
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 3));
	EXPECT_EQ(600000, rd(chip, 1, 0x839));
	EXPECT_EQ(200000, rd(chip, 2, 0x839));
	EXPECT_NE(0, rd(chip, 3, MSR_DEADLINE));
	/* the TSC stands where it stood */
	wr(chip, 3, MSR_DEADLINE, rdtsc() - 3600ULL * 1000 * TSC_KHZ - TICKS_PER_US);
	EXPECT_EQ(0, rd(chip, 3, MSR_DEADLINE));
	wr(chip, 3, MSR_DEADLINE, rdtsc() - 3600ULL * 1000 * TSC_KHZ + 300 * TICKS_PER_US);
	EXPECT_NE(0, rd(chip, 3, MSR_DEADLINE));
	/* twice is as once */
	ivm_irqchip_freeze(chip);

	ivm_irqchip_thaw(chip, offset);
	EXPECT_EQ(4, shim_timers_armed());
	EXPECT_EQ(600000, rd(chip, 1, 0x839));
	shim_clock_advance(199999);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 2));
	shim_clock_advance(1);
	EXPECT_EQ(0x51, serve(chip, 2));
	shim_clock_advance(99999);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 3));
	shim_clock_advance(1 + 1);
	EXPECT_EQ(0x51, serve(chip, 3));
	shim_clock_advance(299998);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	shim_clock_advance(1);
	EXPECT_EQ(V, serve(chip, 1));
}

TEST_F(timer, registers_written_while_frozen_start_nothing)
{
	struct ivm_irqchip *chip = self->chip;

	ivm_irqchip_freeze(chip);
	wr(chip, 1, 0x832, PERIODIC);
	wr(chip, 1, 0x838, 100000);
	EXPECT_EQ(0, shim_timers_armed());
	wr(chip, 1, 0x832, DEADLINE);
	wr(chip, 1, MSR_DEADLINE, 1);
	EXPECT_EQ(0, shim_timers_armed());
	ivm_pit_write(chip, 0x43, 1, 0x14);
	ivm_pit_write(chip, 0x40, 1, 200);
	EXPECT_EQ(0, shim_timers_armed());
	shim_clock_advance(NSEC_PER_SEC);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	/* lines and messages go on */
	ivm_irq_msi(chip, 0xfee01000, 0x77);
	EXPECT_EQ(0x77, serve(chip, 1));
	ivm_irqchip_thaw(chip, 0);
	shim_clock_advance(1);
	EXPECT_EQ(V, serve(chip, 1));
}

TEST_F(timer, reset_cancels_everything_and_starts_time_anew)
{
	struct ivm_irqchip *chip = self->chip;

	wr(chip, 1, 0x832, PERIODIC);
	wr(chip, 1, 0x838, 100000);
	wr(chip, 1, 0x83f, 0x99);
	ivm_irqchip_reset(chip);
	EXPECT_EQ(0, shim_timers_armed());
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	EXPECT_EQ(IVM_PLATFORM_LAPIC_BASE | BASE_EN, rd(chip, 1, MSR_BASE));
	ivm_irqchip_thaw(chip, -(s64)rdtsc());
	EXPECT_EQ(0, shim_timers_armed());
	EXPECT_EQ(0, count(chip, 1000000));
	x2_enable(chip, 1);
	wr(chip, 1, 0x832, DEADLINE);
	wr(chip, 1, MSR_DEADLINE, 3000 * TICKS_PER_US);	/* guest TSC: 1 ms has passed */
	EXPECT_EQ(0, count(chip, 1990000));
	EXPECT_EQ(1, count(chip, 20000));
}

TEST_HARNESS_MAIN
