// SPDX-License-Identifier: GPL-2.0-only
/* sources: kmod/dev/acpi.c */
#include "unit.h"

#include <linux/err.h>
#include <linux/ivm.h>
#include <linux/kernel.h>

#include "dev/dev.h"

#define STS	IVM_PLATFORM_PM1_EVT_PORT
#define EN	(IVM_PLATFORM_PM1_EVT_PORT + 2)
#define CNT	IVM_PLATFORM_PM1_CNT_PORT
#define TMR	IVM_PLATFORM_PM_TMR_PORT
#define PWRBTN	0x100
#define SLP_EN	0x2000
#define S5	(IVM_PLATFORM_SLP_TYP_S5 << 10)

struct board { bool sci; unsigned int offs, resets; struct ivm_acpi *acpi; };

static void board_sci(void *ctx, bool level) { ((struct board *)ctx)->sci = level; }
static void board_reset(void *ctx) { ((struct board *)ctx)->resets++; }
static void board_off(void *ctx)
{
	struct board *board = ctx;

	board->offs++;
	ivm_acpi_power_button(board->acpi);	/* legal: no lock is held here */
	ivm_acpi_reset(board->acpi);
}

static const struct ivm_acpi_ops ops = { .sci = board_sci, .power_off = board_off, .reset = board_reset };

FIXTURE(acpi) { struct ivm_acpi *acpi; struct board board; };
FIXTURE_SETUP(acpi)
{
	self->acpi = ivm_acpi_create(&ops, &self->board);
	ASSERT_FALSE(IS_ERR(self->acpi));
	self->board.acpi = self->acpi;
}
FIXTURE_TEARDOWN(acpi)
{
	ivm_acpi_destroy(self->acpi);
	EXPECT_EQ(0, shim_alloc_live());
}

#define in(port, size)		ivm_acpi_pm_bus_ops.read(self->acpi, port, size)
#define out(port, size, v)	ivm_acpi_pm_bus_ops.write(self->acpi, port, size, v)
#define kbc_in(port)		ivm_i8042_bus_ops.read(self->acpi, port, 1)
#define kbc_out(port, v)	ivm_i8042_bus_ops.write(self->acpi, port, 1, v)

TEST_F(acpi, the_power_button_interrupts_who_enabled_it)
{
	ivm_acpi_power_button(self->acpi);
	EXPECT_EQ(PWRBTN, in(STS, 2));
	EXPECT_FALSE(self->board.sci);
	out(EN, 2, PWRBTN);
	EXPECT_TRUE(self->board.sci);
	out(STS, 2, ~PWRBTN & 0xffff);	/* clears other events */
	EXPECT_TRUE(self->board.sci);
	out(STS, 2, PWRBTN);
	EXPECT_FALSE(self->board.sci);
	EXPECT_EQ(0, in(STS, 2));
	ivm_acpi_power_button(self->acpi);
	EXPECT_TRUE(self->board.sci);
	out(EN, 2, 0);
	EXPECT_FALSE(self->board.sci);
	EXPECT_EQ(PWRBTN, in(STS, 2));
}

TEST_F(acpi, events_that_never_come_can_be_enabled)
{
	out(EN, 2, 0xffff);
	EXPECT_EQ(0x0721, in(EN, 2));
	EXPECT_EQ(0, in(STS, 2));
	EXPECT_FALSE(self->board.sci);
}

TEST_F(acpi, every_size_and_offset)
{
	out(EN, 2, 0x0321);
	ivm_acpi_power_button(self->acpi);
	EXPECT_EQ(0x03210100, in(STS, 4));
	EXPECT_EQ(0x01, in(STS + 1, 1));
	EXPECT_EQ(0x2101, in(STS + 1, 2));
	EXPECT_EQ(0x21, in(EN, 1));
	EXPECT_EQ(0x00010321, in(EN, 4));	/* enable, then control with SCI_EN */
	EXPECT_EQ(0x0103, in(EN + 1, 2));
	EXPECT_EQ(0, in(CNT + 2, 2));
	out(EN, 1, 0x01);
	EXPECT_EQ(0x0301, in(EN, 2));
	out(EN + 1, 1, 0x04);
	EXPECT_EQ(0x0401, in(EN, 2));
	out(STS + 1, 1, 0x01);
	EXPECT_EQ(0, in(STS, 2));
	out(STS, 4, 0x01000000);
	EXPECT_EQ(0x0100, in(EN, 2));
}

TEST_F(acpi, control_keeps_the_sleep_type_but_not_sleep_enable)
{
	EXPECT_EQ(1, in(CNT, 2));
	out(CNT, 2, SLP_EN | 3 << 10 | 2);
	EXPECT_EQ(3 << 10 | 3, in(CNT, 2));
	out(CNT, 2, 0);
	EXPECT_EQ(1, in(CNT, 2));	/* ACPI mode cannot be left */
}

TEST_F(acpi, only_sleep_type_5_with_enable_powers_off)
{
	unsigned int type;

	out(CNT, 2, S5);
	EXPECT_EQ(0, self->board.offs);
	for (type = 0; type < 8; type++)
		if (type != IVM_PLATFORM_SLP_TYP_S5)
			out(CNT, 2, SLP_EN | type << 10);
	EXPECT_EQ(0, self->board.offs);
	out(CNT, 1, 0xff);
	EXPECT_EQ(0, self->board.offs);
	out(CNT, 2, SLP_EN | S5);
	EXPECT_EQ(1, self->board.offs);
	out(CNT + 1, 1, (SLP_EN | S5) >> 8);
	EXPECT_EQ(2, self->board.offs);
	out(EN, 4, (u64)(SLP_EN | S5) << 16);
	EXPECT_EQ(3, self->board.offs);
	out(EN, 2, SLP_EN | S5);
	EXPECT_EQ(3, self->board.offs);
}

TEST_F(acpi, the_timer_counts_3579545_a_second)
{
	u32 t0 = in(TMR, 4), t1;

	shim_clock_advance(1000000000);
	t1 = in(TMR, 4);
	EXPECT_EQ(3579545, t1 - t0);
	out(TMR, 4, 0);
	EXPECT_EQ(t1, in(TMR, 4));
	EXPECT_EQ(t1 >> 8 & 0xffff, in(TMR + 1, 2));
	EXPECT_EQ(t1 >> 24, in(TMR + 3, 1));
	EXPECT_EQ(t1 << 16, in(CNT + 2, 4));
	/* 32 bits: it wraps after 1199.86 s, and is right for years. */
	shim_clock_advance(1000000000ULL * 86400 * 3650);
	EXPECT_EQ((u32)(t1 + 3579545ULL * 86400 * 3650), in(TMR, 4));
}

TEST_F(acpi, reset_drops_the_interrupt_but_not_the_time)
{
	shim_clock_advance(1000000000);
	out(EN, 2, PWRBTN);
	ivm_acpi_power_button(self->acpi);
	out(CNT, 2, S5);
	ivm_acpi_reset(self->acpi);
	EXPECT_FALSE(self->board.sci);
	EXPECT_EQ(0, in(STS, 4));
	EXPECT_EQ(1, in(CNT, 2));
	EXPECT_EQ(3579545, in(TMR, 4));
}

TEST_F(acpi, no_keyboard_controller_but_its_reset_line)
{
	unsigned int v;

	EXPECT_EQ(0, kbc_in(0x64) & 0x02);	/* nobody waits for ever to send a command */
	EXPECT_EQ(1, kbc_in(0x64) & 0x01);	/* no driver waits for an answer */
	EXPECT_EQ(0xff, kbc_in(0x60));
	for (v = 0; v < 256; v++)
		kbc_out(0x60, v);
	for (v = 0; v < 0xf0; v++)
		kbc_out(0x64, v);
	for (v = 0xf1; v < 0x100; v += 2)
		kbc_out(0x64, v);
	EXPECT_EQ(0, self->board.resets);
	kbc_out(0x64, 0xfe);
	EXPECT_EQ(1, self->board.resets);
	kbc_out(0x64, 0xf0);	/* pulses all lines, that one too */
	EXPECT_EQ(2, self->board.resets);
}

TEST(creation_survives_lack_of_memory)
{
	shim_alloc_fail(1);
	EXPECT_EQ(-ENOMEM, PTR_ERR(ivm_acpi_create(&ops, NULL)));
	ivm_acpi_destroy(NULL);
}

TEST_HARNESS_MAIN
