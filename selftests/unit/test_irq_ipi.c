// SPDX-License-Identifier: GPL-2.0-only
/* Who gets what: IPIs of each kind, messages, destinations. */
/* sources: kmod/irq/[a-z]*.c */
#include "unit.h"
#include "irq_chip.h"

#include <linux/kernel.h>

FIXTURE(ipi) {
	struct ivm_irqchip *chip;
};

FIXTURE_SETUP(ipi)
{
	self->chip = chip_create();
}

FIXTURE_TEARDOWN(ipi)
{
	ivm_irqchip_destroy(self->chip);
	EXPECT_EQ(0, shim_alloc_live());
}

#define ALL	((1u << VCPUS) - 1)

/* vCPUs that have vector @v waiting, which they then take. */
static u32 got(struct ivm_irqchip *chip, int v)
{
	u32 who = 0;
	unsigned int i;

	for (i = 0; i < VCPUS; i++)
		who |= (u32)(serve(chip, i) == v) << i;
	return who;
}

static u32 kicked(void)
{
	u32 who = 0;
	unsigned int i;

	for (i = 0; i < VCPUS; i++) {
		who |= (u32)(up[i].kick != 0) << i;
		up[i].kick = 0;
	}
	return who;
}

static void all_xapic(struct ivm_irqchip *chip)
{
	unsigned int i;

	for (i = 0; i < VCPUS; i++) {
		xwrite(chip, i, 0xf0, 0x1ff);
		ivm_irq_next(chip, i);
	}
}

static void all_x2apic(struct ivm_irqchip *chip)
{
	unsigned int i;

	for (i = 0; i < VCPUS; i++) {
		x2_enable(chip, i);
		ivm_irq_next(chip, i);
	}
}

static void xicr(struct ivm_irqchip *chip, unsigned int from, u8 dest, u32 low)
{
	xwrite(chip, from, 0x310, (u32)dest << 24);
	xwrite(chip, from, 0x300, low);
}

TEST_F(ipi, xapic_physical)
{
	struct ivm_irqchip *chip = self->chip;

	all_xapic(chip);
	xicr(chip, 2, 7, 0x4041);
	EXPECT_EQ(1 << 7, kicked());
	EXPECT_EQ(1 << 7, got(chip, 0x41));
	EXPECT_EQ(0x07000000, xread(chip, 2, 0x310));
	EXPECT_EQ(0x4041, xread(chip, 2, 0x300));
	xicr(chip, 2, 2, 0x4042);
	EXPECT_EQ(0, kicked());		/* to oneself */
	EXPECT_EQ(1 << 2, got(chip, 0x42));
	xicr(chip, 2, 0xff, 0x4043);
	EXPECT_EQ(ALL & ~(1 << 2), kicked());
	EXPECT_EQ(ALL, got(chip, 0x43));
	xicr(chip, 2, VCPUS, 0x4044);
	xicr(chip, 2, 0xfe, 0x4044);
	EXPECT_EQ(0, got(chip, 0x44));
}

TEST_F(ipi, xapic_logical_flat)
{
	struct ivm_irqchip *chip = self->chip;
	unsigned int i;

	all_xapic(chip);
	for (i = 0; i < 8; i++)
		xwrite(chip, i, 0xd0, 1u << (24 + i));
	xicr(chip, 0, 0x8a, 0x4841);
	EXPECT_EQ(0x8a, got(chip, 0x41));
	xicr(chip, 0, 0xff, 0x4842);
	EXPECT_EQ(ALL, got(chip, 0x42));
	xicr(chip, 0, 0x00, 0x4843);
	EXPECT_EQ(0, got(chip, 0x43));
}

TEST_F(ipi, xapic_logical_cluster)
{
	struct ivm_irqchip *chip = self->chip;
	unsigned int i;

	all_xapic(chip);
	for (i = 0; i < VCPUS; i++) {
		xwrite(chip, i, 0xe0, 0x0fffffff);
		xwrite(chip, i, 0xd0, (i / 4) << 28 | 1u << (24 + i % 4));
	}
	xicr(chip, 0, 0x35, 0x4841);
	EXPECT_EQ(5 << 12, got(chip, 0x41));
	xicr(chip, 0, 0xf2, 0x4842);	/* second of each cluster */
	EXPECT_EQ(0x22222, got(chip, 0x42));
	xicr(chip, 0, 0xff, 0x4843);
	EXPECT_EQ(ALL, got(chip, 0x43));
	/* a model that does not exist matches nothing */
	xwrite(chip, 0, 0xe0, 0x5fffffff);
	xicr(chip, 1, 0x01, 0x4844);
	EXPECT_EQ(0, got(chip, 0x44));
}

TEST_F(ipi, x2apic_physical)
{
	struct ivm_irqchip *chip = self->chip;

	all_x2apic(chip);
	EXPECT_EQ(0, wr(chip, 1, 0x830, 18ULL << 32 | 0x4041));
	EXPECT_EQ(1 << 18, kicked());
	EXPECT_EQ(1 << 18, got(chip, 0x41));
	wr(chip, 1, 0x830, 1ULL << 32 | 0x42);
	EXPECT_EQ(0, kicked());
	EXPECT_EQ(1 << 1, got(chip, 0x42));
	wr(chip, 1, 0x830, 0xffffffffULL << 32 | 0x43);
	EXPECT_EQ(ALL, got(chip, 0x43));
	/* 8-bit broadcast is none here */
	wr(chip, 1, 0x830, 0xffULL << 32 | 0x44);
	wr(chip, 1, 0x830, (u64)VCPUS << 32 | 0x44);
	wr(chip, 1, 0x830, 0x80000001ULL << 32 | 0x44);
	EXPECT_EQ(0, got(chip, 0x44));
}

TEST_F(ipi, x2apic_logical)
{
	struct ivm_irqchip *chip = self->chip;

	all_x2apic(chip);
	wr(chip, 1, 0x830, 0x00008005ULL << 32 | 0x4841);
	EXPECT_EQ(0x8005, got(chip, 0x41));
	wr(chip, 1, 0x830, 0x0001000cULL << 32 | 0x4842);
	EXPECT_EQ(0xc0000, got(chip, 0x42));
	wr(chip, 1, 0x830, 0x00020001ULL << 32 | 0x4843);
	EXPECT_EQ(0, got(chip, 0x43));
	wr(chip, 1, 0x830, 0xffffffffULL << 32 | 0x4844);
	EXPECT_EQ(ALL, got(chip, 0x44));
}

TEST_F(ipi, shorthands)
{
	struct ivm_irqchip *chip = self->chip;

	all_x2apic(chip);
	wr(chip, 5, 0x830, 3ULL << 32 | 1 << 18 | 0x41);
	EXPECT_EQ(1 << 5, got(chip, 0x41));
	wr(chip, 5, 0x830, 3ULL << 32 | 2 << 18 | 0x42);
	EXPECT_EQ(ALL, got(chip, 0x42));
	wr(chip, 5, 0x830, 3ULL << 32 | 3 << 18 | 0x43);
	EXPECT_EQ(ALL & ~(1 << 5), got(chip, 0x43));
}

TEST_F(ipi, lowest_priority_goes_to_the_least_busy_that_is_enabled)
{
	struct ivm_irqchip *chip = self->chip;
	unsigned int i;

	all_x2apic(chip);
	for (i = 0; i < VCPUS; i++)
		wr(chip, i, 0x808, 0x20);
	wr(chip, 9, 0x808, 0x10);
	wr(chip, 8, 0x808, 0x00);
	wr(chip, 8, 0x80f, 0xff);	/* disabled: does not count */
	wr(chip, 1, 0x830, 0xffffffffULL << 32 | 0x4941);
	EXPECT_EQ(1 << 9, got(chip, 0x41));
	wr(chip, 9, 0x808, 0x40);
	wr(chip, 1, 0x830, 0x00000300ULL << 32 | 0x4942);	/* 8 or 9 */
	wr(chip, 9, 0x808, 0x20);
	EXPECT_EQ(1 << 9, got(chip, 0x42));
	wr(chip, 1, 0x830, 0x00000100ULL << 32 | 0x4943);	/* 8 alone */
	EXPECT_EQ(0, got(chip, 0x43));
}

TEST_F(ipi, nmi_init_sipi)
{
	struct ivm_irqchip *chip = self->chip;

	all_x2apic(chip);
	wr(chip, 0, 0x830, 3ULL << 32 | 0x4400);
	EXPECT_EQ(1, up[3].nmi);
	wr(chip, 0, 0x830, 3 << 18 | 0x4400);
	EXPECT_EQ(2, up[3].nmi);
	EXPECT_EQ(0, up[0].nmi);
	wr(chip, 0, 0x830, 1 << 18 | 0x4400);
	EXPECT_EQ(1, up[0].nmi);

	wr(chip, 0, 0x830, 3ULL << 32 | 0xc500);	/* level, assert */
	EXPECT_EQ(1, up[3].init);
	wr(chip, 0, 0x830, 3ULL << 32 | 0x8500);	/* level, de-assert: nothing */
	EXPECT_EQ(1, up[3].init);
	wr(chip, 0, 0x830, 3ULL << 32 | 0x4500);	/* edge */
	EXPECT_EQ(2, up[3].init);
	wr(chip, 0, 0x830, 1 << 18 | 0x4500);		/* not to oneself */
	EXPECT_EQ(0, up[0].init);

	wr(chip, 0, 0x830, 3ULL << 32 | 0x4699);
	EXPECT_EQ(1, up[3].sipi);
	EXPECT_EQ(0x99, up[3].sipi_vector);
	wr(chip, 0, 0x830, 3 << 18 | 0x4602);		/* vectors below 16 are pages */
	EXPECT_EQ(2, up[3].sipi);
	EXPECT_EQ(0x02, up[19].sipi_vector);
	EXPECT_EQ(0, up[0].sipi);

	/* nobody sends SMI, reserved modes or ExtINT */
	kicked();
	wr(chip, 0, 0x830, 3ULL << 32 | 0x4200);
	wr(chip, 0, 0x830, 3ULL << 32 | 0x4320);
	wr(chip, 0, 0x830, 3ULL << 32 | 0x4720);
	EXPECT_EQ(0, kicked());
	EXPECT_EQ(0, got(chip, 0x20));
	EXPECT_EQ(2, up[3].nmi);
	EXPECT_EQ(2, up[3].init);
	EXPECT_EQ(2, up[3].sipi);
}

TEST_F(ipi, a_disabled_lapic_gets_no_message_and_a_soft_disabled_one_still_sends)
{
	struct ivm_irqchip *chip = self->chip;

	all_xapic(chip);
	EXPECT_EQ(0, wr(chip, 4, MSR_BASE, IVM_PLATFORM_LAPIC_BASE));
	xicr(chip, 2, 4, 0x4400);
	xicr(chip, 2, 4, 0x4500);
	xicr(chip, 2, 4, 0x4610);
	xicr(chip, 2, 4, 0x4041);
	EXPECT_EQ(0, up[4].nmi + up[4].init + up[4].sipi + up[4].kick);
	xwrite(chip, 2, 0xf0, 0xff);
	xicr(chip, 2, 5, 0x4041);
	EXPECT_EQ(1 << 5, got(chip, 0x41));
}

TEST_F(ipi, a_wide_destination_means_no_xapic_by_accident)
{
	struct ivm_irqchip *chip = self->chip;
	unsigned int i;

	for (i = 0; i < VCPUS; i++) {
		xwrite(chip, i, 0xf0, 0x1ff);
		xwrite(chip, i, 0xd0, 1u << (24 + i % 8));
	}
	x2_enable(chip, 0);
	wr(chip, 0, 0x830, 0x00010001ULL << 32 | 0x4841);
	EXPECT_EQ(0, got(chip, 0x41));
	wr(chip, 0, 0x830, 0x00000004ULL << 32 | 0x4842);
	EXPECT_EQ(1 << 2 | 1 << 10 | 1 << 18, got(chip, 0x42));
	wr(chip, 0, 0x830, 0x000000ffULL << 32 | 0x4843);
	EXPECT_EQ(ALL, got(chip, 0x43));
}

TEST_F(ipi, illegal_vectors_are_errors_of_the_sender)
{
	struct ivm_irqchip *chip = self->chip;

	all_x2apic(chip);
	wr(chip, 0, 0x830, 3ULL << 32 | 0x400f);
	wr(chip, 0, 0x828, 0);
	EXPECT_EQ(0x20, rd(chip, 0, 0x828));
	wr(chip, 3, 0x828, 0);
	EXPECT_EQ(0, rd(chip, 3, 0x828));
	EXPECT_EQ(0, wr(chip, 0, 0x83f, 0));
	wr(chip, 0, 0x828, 0);
	EXPECT_EQ(0x20, rd(chip, 0, 0x828));
	wr(chip, 0, 0x830, 3ULL << 32 | 0x410f);	/* lowest priority is no different */
	wr(chip, 0, 0x828, 0);
	EXPECT_EQ(0x20, rd(chip, 0, 0x828));
	/* the first legal one, by each way */
	wr(chip, 0, 0x830, 3ULL << 32 | 0x4010);
	EXPECT_EQ(1 << 3, got(chip, 0x10));
	wr(chip, 0, 0x830, 0x00000008ULL << 32 | 0x4810);
	EXPECT_EQ(1 << 3, got(chip, 0x10));
	ivm_irq_msi(chip, 0xfee03000, 0x10);
	EXPECT_EQ(1 << 3, got(chip, 0x10));
	wr(chip, 0, 0x828, 0);
	EXPECT_EQ(0, rd(chip, 0, 0x828));
}

TEST_F(ipi, trigger_mode_of_a_fixed_ipi_is_edge)
{
	struct ivm_irqchip *chip = self->chip;

	all_x2apic(chip);
	wr(chip, 0, 0x830, 3ULL << 32 | 0xc041);
	EXPECT_EQ(0, rd(chip, 3, 0x81a));
	EXPECT_EQ(0x2, rd(chip, 3, 0x822));
}

/* ---- MSI ---- */

TEST_F(ipi, msi_addresses)
{
	struct ivm_irqchip *chip = self->chip;
	unsigned int i;

	all_xapic(chip);
	for (i = 0; i < 8; i++)
		xwrite(chip, i, 0xd0, 1u << (24 + i));
	EXPECT_EQ(0, ivm_irq_msi(chip, 0xfee05000, 0x41));
	EXPECT_EQ(1 << 5, got(chip, 0x41));
	EXPECT_EQ(0, ivm_irq_msi(chip, 0xfee05004, 0x42));	/* logical: 0 and 2 */
	EXPECT_EQ(5, got(chip, 0x42));
	EXPECT_EQ(0, ivm_irq_msi(chip, 0xfee0500c, 0x43));	/* one of them */
	EXPECT_EQ(1, got(chip, 0x43));
	EXPECT_EQ(0, ivm_irq_msi(chip, 0xfeeff000, 0x44));
	EXPECT_EQ(ALL, got(chip, 0x44));
	EXPECT_EQ(0, ivm_irq_msi(chip, 0xfeefe000, 0x45));
	EXPECT_EQ(0, got(chip, 0x45));
	EXPECT_EQ(-EINVAL, ivm_irq_msi(chip, 0xfed05000, 0x46));
	EXPECT_EQ(-EINVAL, ivm_irq_msi(chip, 0xfef05000, 0x46));
	EXPECT_EQ(-EINVAL, ivm_irq_msi(chip, 0x1fee05000, 0x46));
	EXPECT_EQ(-EINVAL, ivm_irq_msi(chip, 0, 0x46));
	EXPECT_EQ(0, got(chip, 0x46));
}

TEST_F(ipi, msi_delivery_modes)
{
	struct ivm_irqchip *chip = self->chip;

	all_x2apic(chip);
	ivm_irq_msi(chip, 0xfee02000, 0x441);
	EXPECT_EQ(1, up[2].nmi);
	ivm_irq_msi(chip, 0xfee02000, 0x541);
	EXPECT_EQ(1, up[2].init);
	ivm_irq_msi(chip, 0xfee02000, 0x641);
	EXPECT_EQ(0, up[2].sipi);
	ivm_irq_msi(chip, 0xfee02000, 0x141);
	EXPECT_EQ(1 << 2, got(chip, 0x41));
	ivm_irq_msi(chip, 0xfee02000, 0x0f);
	wr(chip, 2, 0x828, 0);
	EXPECT_EQ(0x40, rd(chip, 2, 0x828));
	/* level: TMR; the end of the level is ignored */
	ivm_irq_msi(chip, 0xfee02000, 0x8042);
	EXPECT_EQ(0, got(chip, 0x42));
	ivm_irq_msi(chip, 0xfee02000, 0xc042);
	EXPECT_EQ(0x4, rd(chip, 2, 0x81a));
	EXPECT_EQ(1 << 2, got(chip, 0x42));
	ivm_irq_msi(chip, 0xfee02000, 0x42);
	EXPECT_EQ(0, rd(chip, 2, 0x81a));
	EXPECT_EQ(1 << 2, got(chip, 0x42));
}

TEST_HARNESS_MAIN
