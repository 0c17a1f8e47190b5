// SPDX-License-Identifier: GPL-2.0-only
/* LAPIC: registers in both windows, modes, priorities, errors, local vectors. */
/* sources: kmod/irq/[a-z]*.c */
#include "unit.h"
#include "irq_chip.h"

FIXTURE(lapic) {
	struct ivm_irqchip *chip;
};

FIXTURE_SETUP(lapic)
{
	self->chip = chip_create();
}

FIXTURE_TEARDOWN(lapic)
{
	ivm_irqchip_destroy(self->chip);
	EXPECT_EQ(0, shim_alloc_live());
	EXPECT_EQ(0, shim_timers_armed());
	EXPECT_EQ(0, shim_locks_held());
	EXPECT_EQ(0, shim_printed());
}

TEST_F(lapic, creation_checks_ranges_and_survives_each_failed_allocation)
{
	unsigned int live = shim_alloc_live(), i;

	EXPECT_EQ(-EINVAL, PTR_ERR(ivm_irqchip_create(0, TSC_KHZ, &rec_ops, up)));
	EXPECT_EQ(-EINVAL, PTR_ERR(ivm_irqchip_create(65, TSC_KHZ, &rec_ops, up)));
	EXPECT_EQ(-EINVAL, PTR_ERR(ivm_irqchip_create(1, 0, &rec_ops, up)));
	for (i = 1; i <= 5; i++) {
		shim_alloc_fail(i);
		EXPECT_EQ(-ENOMEM, PTR_ERR(ivm_irqchip_create(4, TSC_KHZ, &rec_ops, up)));
		EXPECT_EQ(live, shim_alloc_live());
	}
	ivm_irqchip_destroy(NULL);
}

TEST_F(lapic, a_self_ipi_is_taken_and_ended)
{
	struct ivm_irqchip *chip = self->chip;

	x2_enable(chip, 3);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 3));
	EXPECT_EQ(0, wr(chip, 3, 0x83f, 0x41));
	EXPECT_EQ(0x2, rd(chip, 3, 0x822));
	EXPECT_EQ(0x41, ivm_irq_next(chip, 3));
	EXPECT_EQ(0x41, ivm_irq_next(chip, 3));
	EXPECT_EQ(0x41, ivm_irq_ack(chip, 3));
	EXPECT_EQ(0, rd(chip, 3, 0x822));
	EXPECT_EQ(0x2, rd(chip, 3, 0x812));
	EXPECT_EQ(0x40, rd(chip, 3, 0x80a));
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 3));
	EXPECT_EQ(0, wr(chip, 3, 0x80b, 0));
	EXPECT_EQ(0, rd(chip, 3, 0x812));
	EXPECT_EQ(0, rd(chip, 3, 0x80a));
	/* nobody else need know */
	EXPECT_EQ(0, up[3].kick);
}

TEST_HARNESS_MAIN
