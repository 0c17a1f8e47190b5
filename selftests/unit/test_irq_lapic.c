// SPDX-License-Identifier: GPL-2.0-only
/* LAPIC: registers in both windows, modes, priorities, errors, local vectors. */
/* sources: kmod/irq/[a-z]*.c */
#include "unit.h"
#include "irq_chip.h"

#include <asm/msr.h>
#include <linux/kernel.h>
#include <linux/string.h>

static u64 rdtsc_far(void)
{
	return rdtsc() + 1000000000;
}

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
	ivm_irqchip_destroy(ivm_irqchip_create(64, TSC_KHZ, &rec_ops, up));
	EXPECT_EQ(live, shim_alloc_live());
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
	EXPECT_EQ(0, rd(chip, 3, 0x81a));
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

TEST_F(lapic, an_end_is_silent_if_edge_triggered)
{
	struct ivm_irqchip *chip = self->chip;

	x2_enable(chip, 1);
	EXPECT_FALSE(ivm_lapic_ends_silently(chip, 1, 0x51));	/* not in service */
	EXPECT_EQ(0, wr(chip, 1, 0x83f, 0x51));
	EXPECT_EQ(0x51, ivm_irq_ack(chip, 1));
	EXPECT_TRUE(ivm_lapic_ends_silently(chip, 1, 0x51));
	EXPECT_FALSE(ivm_lapic_ends_silently(chip, 1, 0x41));
	EXPECT_FALSE(ivm_lapic_holds_back(chip, 1));
	/* one that is held back by it */
	EXPECT_EQ(0, wr(chip, 1, 0x83f, 0x41));
	EXPECT_TRUE(ivm_lapic_ends_silently(chip, 1, 0x51));
	EXPECT_TRUE(ivm_lapic_holds_back(chip, 1));
	ivm_lapic_end(chip, 1);
	EXPECT_EQ(0, rd(chip, 1, 0x80a));
	EXPECT_EQ(0x41, ivm_irq_next(chip, 1));
	EXPECT_EQ(0x41, ivm_irq_ack(chip, 1));
	EXPECT_FALSE(ivm_lapic_holds_back(chip, 1));
	EXPECT_TRUE(ivm_lapic_ends_silently(chip, 1, 0x41));
	ivm_lapic_end(chip, 1);
	ivm_lapic_end(chip, 1);		/* of nothing */
	/* the IOAPIC waits for the end of a level-triggered one */
	EXPECT_EQ(0, ivm_irq_msi(chip, 0xfee01000, 0xc061));
	EXPECT_EQ(0x61, ivm_irq_ack(chip, 1));
	EXPECT_FALSE(ivm_lapic_ends_silently(chip, 1, 0x61));
	ivm_lapic_end(chip, 1);
}

/* ---- registers ---- */

TEST_F(lapic, the_state_after_power_on)
{
	struct ivm_irqchip *chip = self->chip;
	unsigned int i;

	EXPECT_EQ(IVM_PLATFORM_LAPIC_BASE | BASE_EN | BASE_BSP, rd(chip, 0, MSR_BASE));
	EXPECT_EQ(IVM_PLATFORM_LAPIC_BASE | BASE_EN, rd(chip, 7, MSR_BASE));
	EXPECT_EQ(0, xread(chip, 0, 0x20));
	EXPECT_EQ(7 << 24, xread(chip, 7, 0x20));
	EXPECT_EQ(0x01050014, xread(chip, 7, 0x30));
	EXPECT_EQ(0, xread(chip, 7, 0x80));
	EXPECT_EQ(0, xread(chip, 7, 0xd0));
	EXPECT_EQ(0xffffffff, xread(chip, 7, 0xe0));
	EXPECT_EQ(0xff, xread(chip, 7, 0xf0));
	for (i = 0x100; i <= 0x280; i += 0x10)
		EXPECT_EQ(0, xread(chip, 7, i));
	EXPECT_EQ(0, xread(chip, 7, 0x300));
	for (i = 0x320; i <= 0x370; i += 0x10)
		EXPECT_EQ(0x10000, xread(chip, 7, i));
	EXPECT_EQ(0, xread(chip, 7, 0x380));
	EXPECT_EQ(0, xread(chip, 7, 0x3e0));
	/* the boot CPU in virtual-wire mode */
	EXPECT_EQ(0x1ff, xread(chip, 0, 0xf0));
	EXPECT_EQ(0x700, xread(chip, 0, 0x350));
	EXPECT_EQ(0x400, xread(chip, 0, 0x360));
}

TEST_F(lapic, writes_of_the_page_keep_only_bits_that_exist)
{
	static const struct { u32 offset, kept; } regs[] = {
		{ 0x20, 7 << 24 },		/* ID: read-only */
		{ 0x30, 0x01050014 },
		{ 0x80, 0xff },
		{ 0xa0, 0xf0 },			/* PPR says it as TPR's class */
		{ 0xd0, 0xff000000 },
		{ 0xe0, 0xffffffff },
		{ 0xf0, 0x13ff },
		{ 0x310, 0xff000000 },
		{ 0x320, 0x700ff },
		{ 0x330, 0x107ff },
		{ 0x340, 0x107ff },
		{ 0x350, 0x1a7ff },
		{ 0x360, 0x1a7ff },
		{ 0x370, 0x100ff },
		{ 0x3e0, 0xb },
	};
	struct ivm_irqchip *chip = self->chip;
	unsigned int i;

	xwrite(chip, 7, 0xf0, 0x1ff);
	xwrite(chip, 7, 0x80, 0xf0);
	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		xwrite(chip, 7, regs[i].offset, ~0U);
		EXPECT_EQ(regs[i].kept, xread(chip, 7, regs[i].offset) &
			  (regs[i].offset == 0xa0 ? 0xf0 : ~0U)) {
			TH_LOG("offset %x", regs[i].offset);
		}
	}
	xwrite(chip, 7, 0xe0, 0);
	EXPECT_EQ(0x0fffffff, xread(chip, 7, 0xe0));
	xwrite(chip, 7, 0x300, 0xffffffff & ~(7 << 8));	/* fixed, to itself and all */
	EXPECT_EQ(0xcc8ff, xread(chip, 7, 0x300));
}

TEST_F(lapic, only_aligned_words_are_registers)
{
	struct ivm_irqchip *chip = self->chip;
	u64 tpr = IVM_PLATFORM_LAPIC_BASE + 0x80;

	ivm_lapic_write(chip, 0, tpr, 4, 0x50);
	ivm_lapic_write(chip, 0, tpr, 1, 0x60);
	ivm_lapic_write(chip, 0, tpr, 2, 0x60);
	ivm_lapic_write(chip, 0, tpr, 8, 0x60);
	ivm_lapic_write(chip, 0, tpr + 4, 4, 0x60);
	ivm_lapic_write(chip, 0, tpr + 0x400, 4, 0x60);
	EXPECT_EQ(0x50, ivm_lapic_read(chip, 0, tpr, 4));
	EXPECT_EQ(0, ivm_lapic_read(chip, 0, tpr, 1));
	EXPECT_EQ(0, ivm_lapic_read(chip, 0, tpr, 8));
	EXPECT_EQ(0, ivm_lapic_read(chip, 0, tpr + 4, 4));
	EXPECT_EQ(0, ivm_lapic_read(chip, 0, tpr + 0x800, 4));
}

TEST_F(lapic, x2apic_registers_refuse_what_does_not_exist)
{
	/* reg, value that is accepted, value that is not; 0: none is */
	static const struct { u32 msr; u64 good, bad; } regs[] = {
		{ 0x808, 0xff, 0x100 },
		{ 0x80f, 0x11ff, 0x400 },
		{ 0x828, 0, 1 },
		{ 0x832, 0x300ff, 0x100 },
		{ 0x833, 0x107ff, 0x800 },
		{ 0x834, 0x107ff, 0x8000 },
		{ 0x835, 0x1a7ff, 0x20000 },
		{ 0x836, 0x1a7ff, 0x800 },
		{ 0x837, 0x100ff, 0x700 },
		{ 0x838, 0xffffffff, 1ULL << 32 },
		{ 0x83e, 0xb, 0x4 },
		{ 0x80b, 0, 1 },
		{ 0x83f, 0x20, 0x120 },
		{ 0x830, 0x000c4020, 0x2000 },
		{ 0x830, 0x000c5020, 0x10000 },
		{ 0x830, 0x000c4020, 0x100000 },
	};
	static const u32 read_only[] = { 0x802, 0x803, 0x80a, 0x80d, 0x810, 0x817, 0x818, 0x820, 0x827, 0x839 };
	static const u32 absent[] = { 0x800, 0x801, 0x804, 0x809, 0x80c, 0x80e, 0x829, 0x82f, 0x831, 0x83a, 0x83d,
				      0x840, 0x8ff };
	struct ivm_irqchip *chip = self->chip;
	unsigned int i;

	EXPECT_EQ(~0ULL, rd(chip, 5, 0x802));
	EXPECT_EQ(-EINVAL, wr(chip, 5, 0x808, 0));
	x2_enable(chip, 5);
	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		EXPECT_EQ(0, wr(chip, 5, regs[i].msr, regs[i].good)) TH_LOG("msr %x", regs[i].msr);
		EXPECT_EQ(-EINVAL, wr(chip, 5, regs[i].msr, regs[i].bad)) TH_LOG("msr %x", regs[i].msr);
	}
	for (i = 0; i < ARRAY_SIZE(read_only); i++) {
		EXPECT_NE(~0ULL, rd(chip, 5, read_only[i])) TH_LOG("msr %x", read_only[i]);
		EXPECT_EQ(-EINVAL, wr(chip, 5, read_only[i], 0)) TH_LOG("msr %x", read_only[i]);
	}
	for (i = 0; i < ARRAY_SIZE(absent); i++) {
		EXPECT_EQ(~0ULL, rd(chip, 5, absent[i])) TH_LOG("msr %x", absent[i]);
		EXPECT_EQ(-EINVAL, wr(chip, 5, absent[i], 0)) TH_LOG("msr %x", absent[i]);
	}
	EXPECT_EQ(~0ULL, rd(chip, 5, 0x80b));
	EXPECT_EQ(~0ULL, rd(chip, 5, 0x83f));
	EXPECT_EQ(~0ULL, rd(chip, 5, 0x900));
	/* read-only status bits of LVT entries are no reserved bits */
	EXPECT_EQ(0, wr(chip, 5, 0x835, 0x15700));
	EXPECT_EQ(0x10700, rd(chip, 5, 0x835));
	EXPECT_EQ(0, wr(chip, 5, 0x837, 0x15077));
	EXPECT_EQ(0, wr(chip, 5, 0x832, 0x15077));
	EXPECT_EQ(0x10077, rd(chip, 5, 0x837));
}

TEST_F(lapic, x2apic_ids)
{
	struct ivm_irqchip *chip = self->chip;

	x2_enable(chip, 5);
	x2_enable(chip, 18);
	EXPECT_EQ(5, rd(chip, 5, 0x802));
	EXPECT_EQ(0x20, rd(chip, 5, 0x80d));
	EXPECT_EQ(0x10004, rd(chip, 18, 0x80d));
	EXPECT_EQ(0, wr(chip, 5, 0x830, 0x1200004041));
	EXPECT_EQ(0x1200004041, rd(chip, 5, 0x830));
}

/* ---- modes ---- */

TEST_F(lapic, mode_changes_that_exist_and_those_that_do_not)
{
	enum { OFF, X, X2, BAD };
	static const u32 bits[] = { [OFF] = 0, [X] = BASE_EN, [X2] = BASE_EN | BASE_EXTD, [BAD] = BASE_EXTD };
	/* from each mode to each: */
	static const bool legal[3][4] = {
		[OFF] = { true, true, false, false },
		[X] = { true, true, true, false },
		[X2] = { true, false, true, false },
	};
	struct ivm_irqchip *chip = self->chip;
	u64 base = IVM_PLATFORM_LAPIC_BASE, before;
	int from, to;

	for (from = OFF; from <= X2; from++) {
		for (to = OFF; to <= BAD; to++) {
			ASSERT_EQ(0, wr(chip, 2, MSR_BASE, base));
			if (from != OFF)
				ASSERT_EQ(0, wr(chip, 2, MSR_BASE, base | BASE_EN));
			ASSERT_EQ(0, wr(chip, 2, MSR_BASE, base | bits[from]));
			before = rd(chip, 2, MSR_BASE);
			EXPECT_EQ(legal[from][to] ? 0 : -EINVAL, wr(chip, 2, MSR_BASE, base | bits[to])) {
				TH_LOG("%d to %d", from, to);
			}
			EXPECT_EQ(legal[from][to] ? base | bits[to] : before, rd(chip, 2, MSR_BASE));
			EXPECT_EQ(!!(rd(chip, 2, MSR_BASE) & BASE_EN), ivm_lapic_enabled(chip, 2));
		}
	}
	/* reserved bits: below the flags, between them, above the address */
	EXPECT_EQ(0, wr(chip, 2, MSR_BASE, base));
	EXPECT_EQ(-EINVAL, wr(chip, 2, MSR_BASE, base | BASE_EN | 1));
	EXPECT_EQ(-EINVAL, wr(chip, 2, MSR_BASE, base | BASE_EN | 0x200));
	EXPECT_EQ(-EINVAL, wr(chip, 2, MSR_BASE, base | BASE_EN | 1ULL << 40));
	EXPECT_EQ(0, wr(chip, 2, MSR_BASE, base | BASE_EN | 1ULL << 39));
	/* who is the boot processor is not for the guest to say */
	EXPECT_EQ(0, wr(chip, 2, MSR_BASE, base | BASE_EN | BASE_BSP));
	EXPECT_EQ(base | BASE_EN, rd(chip, 2, MSR_BASE));
}

TEST_F(lapic, the_page_is_where_the_base_says_and_only_in_xapic_mode)
{
	struct ivm_irqchip *chip = self->chip;

	EXPECT_TRUE(ivm_lapic_claims(chip, 1, 0xfee00000));
	EXPECT_TRUE(ivm_lapic_claims(chip, 1, 0xfee00fff));
	EXPECT_FALSE(ivm_lapic_claims(chip, 1, 0xfedfffff));
	EXPECT_FALSE(ivm_lapic_claims(chip, 1, 0xfee01000));
	EXPECT_FALSE(ivm_lapic_claims(chip, 1, 0x1fee00000));
	EXPECT_EQ(0, wr(chip, 1, MSR_BASE, 0x12345000 | BASE_EN));
	EXPECT_FALSE(ivm_lapic_claims(chip, 1, 0xfee00000));
	EXPECT_TRUE(ivm_lapic_claims(chip, 1, 0x12345678));
	EXPECT_TRUE(ivm_lapic_claims(chip, 0, 0xfee00000));
	x2_enable(chip, 0);
	EXPECT_FALSE(ivm_lapic_claims(chip, 0, 0xfee00000));
	EXPECT_EQ(0, wr(chip, 1, MSR_BASE, 0x12345000));
	EXPECT_FALSE(ivm_lapic_claims(chip, 1, 0x12345000));
}

TEST_F(lapic, x2apic_mode_keeps_what_was_requested_disabling_loses_all)
{
	struct ivm_irqchip *chip = self->chip;

	xwrite(chip, 1, 0xf0, 0x1ff);
	xwrite(chip, 1, 0x80, 0x20);
	ivm_irq_msi(chip, 0xfee01000, 0x51);
	xwrite(chip, 1, 0x300, 0xc500 | 0x8000 | 0x20);
	xwrite(chip, 1, 0x310, 0x05000000);
	EXPECT_EQ(0, wr(chip, 1, MSR_BASE, IVM_PLATFORM_LAPIC_BASE | BASE_EN | BASE_EXTD));
	EXPECT_EQ(0xc520, rd(chip, 1, 0x830));	/* destinations have another form now */
	EXPECT_EQ(0x20, rd(chip, 1, 0x808));
	EXPECT_EQ(0x51, ivm_irq_next(chip, 1));
	EXPECT_EQ(0, wr(chip, 1, MSR_BASE, IVM_PLATFORM_LAPIC_BASE));
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	EXPECT_EQ(0, wr(chip, 1, MSR_BASE, IVM_PLATFORM_LAPIC_BASE | BASE_EN));
	EXPECT_EQ(0, xread(chip, 1, 0x80));
	EXPECT_EQ(0xff, xread(chip, 1, 0xf0));
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
}

TEST_F(lapic, init_resets_registers_but_not_mode_and_id)
{
	struct ivm_irqchip *chip = self->chip;

	x2_enable(chip, 4);
	wr(chip, 4, 0x808, 0x30);
	wr(chip, 4, 0x832, 0x40055);
	wr(chip, 4, MSR_DEADLINE, rdtsc_far());
	wr(chip, 4, 0x83f, 0x61);
	wr(chip, 4, 0x83f, 0x71);
	wr(chip, 4, 0x83f, 0x01);		/* an error, not shown yet */
	wr(chip, 4, 0x830, 9ULL << 32 | 0x4041);
	EXPECT_EQ(0x71, ivm_irq_ack(chip, 4));
	EXPECT_EQ(1, shim_timers_armed());
	ivm_lapic_init_signal(chip, 4);
	EXPECT_EQ(IVM_PLATFORM_LAPIC_BASE | BASE_EN | BASE_EXTD, rd(chip, 4, MSR_BASE));
	EXPECT_EQ(4, rd(chip, 4, 0x802));
	EXPECT_EQ(0, rd(chip, 4, 0x808));
	EXPECT_EQ(0xff, rd(chip, 4, 0x80f));
	EXPECT_EQ(0x10000, rd(chip, 4, 0x832));
	EXPECT_EQ(0, rd(chip, 4, 0x813));
	EXPECT_EQ(0, rd(chip, 4, 0x823));
	EXPECT_EQ(0, rd(chip, 4, 0x830));
	wr(chip, 4, 0x828, 0);
	EXPECT_EQ(0, rd(chip, 4, 0x828));
	EXPECT_EQ(0, rd(chip, 4, MSR_DEADLINE));
	EXPECT_EQ(0, shim_timers_armed());
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 4));
}

/* ---- software disable ---- */

TEST_F(lapic, software_disable_masks_local_vectors_and_refuses_requests)
{
	struct ivm_irqchip *chip = self->chip;
	unsigned int i;

	x2_enable(chip, 1);
	for (i = 0x832; i <= 0x837; i++)
		wr(chip, 1, i, 0x44);
	wr(chip, 1, 0x83f, 0x41);
	wr(chip, 1, 0x80f, 0xff);
	for (i = 0x832; i <= 0x837; i++) {
		EXPECT_EQ(0x10044, rd(chip, 1, i));
		wr(chip, 1, i, 0x45);
		EXPECT_EQ(0x10045, rd(chip, 1, i));
	}
	/* what was requested is held, what comes is not taken */
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	wr(chip, 1, 0x83f, 0x42);
	ivm_irq_msi(chip, 0xfee01000, 0x43);
	EXPECT_EQ(0x2, rd(chip, 1, 0x822));
	wr(chip, 1, 0x80f, 0x1ff);
	EXPECT_EQ(0x41, serve(chip, 1));
	EXPECT_EQ(IVM_IRQ_NONE, serve(chip, 1));
	/* enabling does not unmask */
	EXPECT_EQ(0x10045, rd(chip, 1, 0x832));
	/* NMIs reach it all the same */
	wr(chip, 1, 0x80f, 0xff);
	ivm_irq_msi(chip, 0xfee01000, 0x400);
	EXPECT_EQ(1, up[1].nmi);
}

/* ---- priorities ---- */

TEST_F(lapic, the_highest_vector_comes_first_and_classes_nest)
{
	struct ivm_irqchip *chip = self->chip;

	x2_enable(chip, 0);
	wr(chip, 0, 0x83f, 0x35);
	wr(chip, 0, 0x83f, 0x31);
	wr(chip, 0, 0x83f, 0x52);
	EXPECT_EQ(0x52, ivm_irq_ack(chip, 0));
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 0));
	wr(chip, 0, 0x83f, 0x5f);		/* same class: waits */
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 0));
	wr(chip, 0, 0x83f, 0x60);		/* higher class: nests */
	EXPECT_EQ(0x60, ivm_irq_ack(chip, 0));
	EXPECT_EQ(0x60, rd(chip, 0, 0x80a));
	wr(chip, 0, 0x80b, 0);			/* ends 0x60 */
	EXPECT_EQ(0x50, rd(chip, 0, 0x80a));
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 0));
	wr(chip, 0, 0x80b, 0);			/* ends 0x52 */
	EXPECT_EQ(0x5f, serve(chip, 0));
	EXPECT_EQ(0x35, serve(chip, 0));
	EXPECT_EQ(0x31, serve(chip, 0));
	EXPECT_EQ(IVM_IRQ_NONE, serve(chip, 0));
	wr(chip, 0, 0x80b, 0);			/* ends nothing */
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 0));
}

TEST_F(lapic, every_legal_vector_is_delivered_and_no_other)
{
	struct ivm_irqchip *chip = self->chip;
	int v;

	x2_enable(chip, 9);
	for (v = 0; v < 256; v++) {
		wr(chip, 9, 0x83f, v);
		EXPECT_EQ(v < 16 ? IVM_IRQ_NONE : v, serve(chip, 9));
	}
}

TEST_F(lapic, task_priority_holds_back_its_class_and_below)
{
	struct ivm_irqchip *chip = self->chip;

	x2_enable(chip, 0);
	wr(chip, 0, 0x83f, 0x4f);
	wr(chip, 0, 0x808, 0x40);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 0));
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_ack(chip, 0));
	EXPECT_EQ(0x40, rd(chip, 0, 0x80a));
	wr(chip, 0, 0x808, 0x3f);
	EXPECT_EQ(0x4f, ivm_irq_next(chip, 0));
	EXPECT_EQ(0x3f, rd(chip, 0, 0x80a));
	ivm_lapic_set_cr8(chip, 0, 4);
	EXPECT_EQ(0x40, rd(chip, 0, 0x808));
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 0));
	ivm_lapic_set_cr8(chip, 0, 3);
	EXPECT_EQ(3, ivm_lapic_cr8(chip, 0));
	EXPECT_EQ(0x4f, ivm_irq_ack(chip, 0));
	/* PPR: in service above TPR; TPR above; same class: TPR */
	EXPECT_EQ(0x40, rd(chip, 0, 0x80a));
	wr(chip, 0, 0x808, 0x45);
	EXPECT_EQ(0x45, rd(chip, 0, 0x80a));
	wr(chip, 0, 0x808, 0xf1);
	EXPECT_EQ(0xf1, rd(chip, 0, 0x80a));
}

TEST_F(lapic, arbitration_priority_counts_requests)
{
	struct ivm_irqchip *chip = self->chip;

	xwrite(chip, 1, 0xf0, 0x1ff);
	xwrite(chip, 1, 0x80, 0x25);
	EXPECT_EQ(0x25, xread(chip, 1, 0x90));
	ivm_irq_msi(chip, 0xfee01000, 0x21);
	EXPECT_EQ(0x25, xread(chip, 1, 0x90));
	ivm_irq_msi(chip, 0xfee01000, 0x71);
	EXPECT_EQ(0x70, xread(chip, 1, 0x90));
	ivm_irq_ack(chip, 1);
	EXPECT_EQ(0x70, xread(chip, 1, 0x90));
	xwrite(chip, 1, 0xb0, 0);
	EXPECT_EQ(0x25, xread(chip, 1, 0x90));
}

/* ---- kicks: what the run loop relies on ---- */

TEST_F(lapic, a_kick_for_each_first_request_and_none_before_the_thread_looked)
{
	struct ivm_irqchip *chip = self->chip;

	x2_enable(chip, 1);
	ivm_irq_next(chip, 1);
	ivm_irq_msi(chip, 0xfee01000, 0x41);
	EXPECT_EQ(1, up[1].kick);
	ivm_irq_msi(chip, 0xfee01000, 0x51);
	EXPECT_EQ(1, up[1].kick);
	EXPECT_EQ(0x51, ivm_irq_ack(chip, 1));
	ivm_irq_msi(chip, 0xfee01000, 0x61);
	EXPECT_EQ(2, up[1].kick);
	EXPECT_EQ(0x61, ivm_irq_ack(chip, 1));
	/* held back: nothing to do; yet one that is not, is told */
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	ivm_irq_msi(chip, 0xfee01000, 0x42);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	ivm_irq_msi(chip, 0xfee01000, 0x71);
	EXPECT_EQ(4, up[1].kick);
	EXPECT_EQ(0x71, ivm_irq_next(chip, 1));
}

/* ---- errors ---- */

TEST_F(lapic, errors_show_after_a_write_of_esr_and_interrupt_once)
{
	struct ivm_irqchip *chip = self->chip;

	xwrite(chip, 1, 0xf0, 0x1ff);
	xwrite(chip, 1, 0x370, 0xfe);
	xread(chip, 1, 0x3a0);			/* no such register */
	EXPECT_EQ(0, xread(chip, 1, 0x280));
	EXPECT_EQ(0xfe, serve(chip, 1));
	xwrite(chip, 1, 0x40, 1);		/* again: same bit, not told again */
	EXPECT_EQ(IVM_IRQ_NONE, serve(chip, 1));
	xwrite(chip, 1, 0x280, 0);
	EXPECT_EQ(0x80, xread(chip, 1, 0x280));
	xwrite(chip, 1, 0x300, 0x4005);		/* illegal vector sent */
	EXPECT_EQ(0xfe, serve(chip, 1));
	ivm_irq_msi(chip, 0xfee01000, 0x0f);	/* and received */
	EXPECT_EQ(0xfe, serve(chip, 1));
	xwrite(chip, 1, 0x280, 0);
	EXPECT_EQ(0x60, xread(chip, 1, 0x280));
	xwrite(chip, 1, 0x280, 0);
	EXPECT_EQ(0, xread(chip, 1, 0x280));
	EXPECT_EQ(0, xread(chip, 1, 0x200));
}

TEST_F(lapic, an_error_vector_that_is_itself_an_error_does_not_recurse)
{
	struct ivm_irqchip *chip = self->chip;

	xwrite(chip, 1, 0xf0, 0x1ff);
	xwrite(chip, 1, 0x370, 0x03);
	xread(chip, 1, 0x3a0);
	xwrite(chip, 1, 0x280, 0);
	EXPECT_EQ(0xc0, xread(chip, 1, 0x280));
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
}

/* ---- LINT0 and the PICs ---- */

static void pics_init(struct ivm_irqchip *chip)
{
	static const struct { u16 port; u8 value; } words[] = {
		{ 0x20, 0x11 }, { 0x21, 0x20 }, { 0x21, 4 }, { 0x21, 1 },
		{ 0xa0, 0x11 }, { 0xa1, 0x28 }, { 0xa1, 2 }, { 0xa1, 1 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		ivm_pic_write(chip, words[i].port, 1, words[i].value);
}

TEST_F(lapic, extint_goes_to_those_whose_lint0_says_so_whatever_their_priority)
{
	struct ivm_irqchip *chip = self->chip;

	pics_init(chip);
	ivm_irq_next(chip, 0);
	ivm_irq_next(chip, 1);
	xwrite(chip, 0, 0x80, 0xff);
	ivm_irq_line(chip, 5, true);
	EXPECT_EQ(1, up[0].kick);
	EXPECT_EQ(0, up[1].kick);
	EXPECT_EQ(0x25, ivm_irq_next(chip, 0));
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	/* taken back before it was taken */
	ivm_irq_line(chip, 5, false);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 0));
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_ack(chip, 0));
	ivm_irq_line(chip, 5, true);
	/* masked and unmasked while it is up */
	xwrite(chip, 0, 0x350, 0x10700);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 0));
	xwrite(chip, 0, 0x350, 0x700);
	EXPECT_EQ(0x25, ivm_irq_next(chip, 0));
	/* elsewhere */
	xwrite(chip, 0, 0x350, 0x10700);
	xwrite(chip, 1, 0xf0, 0x1ff);
	xwrite(chip, 1, 0x350, 0x700);
	EXPECT_EQ(0x25, ivm_irq_ack(chip, 1));
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	/* two listen, who are told, and the others not */
	ivm_pic_write(chip, 0x20, 1, 0x20);
	ivm_irq_line(chip, 5, false);
	xwrite(chip, 3, 0xf0, 0x1ff);
	xwrite(chip, 3, 0x350, 0x700);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 0));
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 2));
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 3));
	memset(up, 0, sizeof(up));
	ivm_irq_line(chip, 5, true);
	EXPECT_EQ(0, up[0].kick + up[2].kick);
	EXPECT_EQ(1, up[1].kick);
	EXPECT_EQ(1, up[3].kick);
	/* no EOI of the LAPIC's is due */
	EXPECT_EQ(0, xread(chip, 1, 0x110));
}

TEST_F(lapic, with_its_lapic_off_the_boot_cpu_hears_the_pics)
{
	struct ivm_irqchip *chip = self->chip;

	pics_init(chip);
	EXPECT_EQ(0, wr(chip, 0, MSR_BASE, IVM_PLATFORM_LAPIC_BASE));
	EXPECT_EQ(0, wr(chip, 1, MSR_BASE, IVM_PLATFORM_LAPIC_BASE));
	ivm_irq_next(chip, 0);
	ivm_irq_line(chip, 12, true);
	EXPECT_EQ(1, up[0].kick);
	EXPECT_EQ(0x2c, ivm_irq_ack(chip, 0));
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_ack(chip, 0));
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 1));
}

TEST_F(lapic, lint0_as_fixed_and_as_nmi)
{
	struct ivm_irqchip *chip = self->chip;

	pics_init(chip);
	xwrite(chip, 0, 0x350, 0x99);
	ivm_irq_next(chip, 0);
	ivm_irq_line(chip, 3, true);
	EXPECT_EQ(1, up[0].kick);
	EXPECT_EQ(0x99, serve(chip, 0));
	ivm_irq_line(chip, 3, false);
	xwrite(chip, 0, 0x350, 0x400);
	ivm_irq_line(chip, 3, true);
	EXPECT_EQ(1, up[0].nmi);
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 0));
}

TEST_F(lapic, an_extint_message_runs_an_inta_cycle_even_for_nothing)
{
	struct ivm_irqchip *chip = self->chip;

	pics_init(chip);
	xwrite(chip, 3, 0xf0, 0x1ff);
	ivm_irq_next(chip, 3);
	ivm_irq_msi(chip, 0xfee03000, 0x700);
	EXPECT_EQ(1, up[3].kick);
	EXPECT_EQ(0x27, ivm_irq_next(chip, 3));	/* spurious */
	EXPECT_EQ(0x27, ivm_irq_ack(chip, 3));
	EXPECT_EQ(IVM_IRQ_NONE, ivm_irq_next(chip, 3));
	ivm_pic_write(chip, 0x20, 1, 0x0b);
	EXPECT_EQ(0, ivm_pic_read(chip, 0x20, 1));	/* and nothing in service */
}

TEST_HARNESS_MAIN
