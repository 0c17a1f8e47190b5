// SPDX-License-Identifier: GPL-2.0-only
/* sources: kmod/dev/cmos.c */
#include "unit.h"

#include <linux/bcd.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mc146818rtc.h>
#include <linux/time.h>

#include "dev/dev.h"

#define CENTURY	0x32
#define SECOND	1000000000ULL

struct line { bool level; unsigned int edges; };

static void line_level(void *ctx, bool level)
{
	struct line *line = ctx;

	line->edges += level && !line->level;
	line->level = level;
}

static const struct ivm_line_ops line_ops = { .level = line_level };

FIXTURE(cmos) { struct ivm_cmos *cmos; struct line line; };
FIXTURE_SETUP(cmos)
{
	shim_real_set(mktime64(2026, 11, 23, 14, 5, 9));	/* a Monday */
	self->cmos = ivm_cmos_create(&line_ops, &self->line);
	ASSERT_FALSE(IS_ERR(self->cmos));
}
FIXTURE_TEARDOWN(cmos)
{
	ivm_cmos_destroy(self->cmos);
	EXPECT_EQ(0, shim_alloc_live());
	EXPECT_EQ(0, shim_timers_armed());
}

static u8 get(struct ivm_cmos *cmos, u8 index)
{
	ivm_cmos_bus_ops.write(cmos, 0x70, 1, index);
	return ivm_cmos_bus_ops.read(cmos, 0x71, 1);
}

static void put(struct ivm_cmos *cmos, u8 index, u8 value)
{
	ivm_cmos_bus_ops.write(cmos, 0x70, 1, index);
	ivm_cmos_bus_ops.write(cmos, 0x71, 1, value);
}

/* The guest's time, read as BCD with the 24-hour clock. */
static time64_t now(struct ivm_cmos *cmos)
{
	return mktime64(bcd2bin(get(cmos, CENTURY)) * 100 + bcd2bin(get(cmos, RTC_YEAR)),
			bcd2bin(get(cmos, RTC_MONTH)), bcd2bin(get(cmos, RTC_DAY_OF_MONTH)),
			bcd2bin(get(cmos, RTC_HOURS)), bcd2bin(get(cmos, RTC_MINUTES)),
			bcd2bin(get(cmos, RTC_SECONDS)));
}

/* As an operating system sets the clock: stopped meanwhile. */
static void set(struct ivm_cmos *cmos, const u8 time[7])
{
	static const u8 reg[7] = { CENTURY, RTC_YEAR, RTC_MONTH, RTC_DAY_OF_MONTH, RTC_HOURS,
				   RTC_MINUTES, RTC_SECONDS };
	u8 b = get(cmos, RTC_REG_B);
	unsigned int i;

	put(cmos, RTC_REG_B, b | RTC_SET);
	for (i = 0; i < ARRAY_SIZE(reg); i++)
		put(cmos, reg[i], time[i]);
	put(cmos, RTC_REG_B, b);
}

TEST_F(cmos, the_hosts_utc_in_bcd)
{
	EXPECT_EQ(0x20, get(self->cmos, CENTURY));
	EXPECT_EQ(0x26, get(self->cmos, RTC_YEAR));
	EXPECT_EQ(0x11, get(self->cmos, RTC_MONTH));
	EXPECT_EQ(0x23, get(self->cmos, RTC_DAY_OF_MONTH));
	EXPECT_EQ(0x02, get(self->cmos, RTC_DAY_OF_WEEK));
	EXPECT_EQ(0x14, get(self->cmos, RTC_HOURS));
	EXPECT_EQ(0x05, get(self->cmos, RTC_MINUTES));
	EXPECT_EQ(0x09, get(self->cmos, RTC_SECONDS));
	shim_clock_advance(51 * SECOND);
	EXPECT_EQ(0x06, get(self->cmos, RTC_MINUTES));
	EXPECT_EQ(0x00, get(self->cmos, RTC_SECONDS));
}

TEST_F(cmos, binary_and_12_hours_when_asked_for)
{
	static const struct { u8 b, hour24, want; } t[] = {
		{ RTC_24H | RTC_DM_BINARY, 14, 14 }, { RTC_DM_BINARY, 14, 0x82 }, { 0, 14, 0x82 },
		{ RTC_DM_BINARY, 0, 12 }, { 0, 0, 0x12 }, { 0, 12, 0x92 }, { RTC_DM_BINARY, 12, 0x8c },
		{ 0, 11, 0x11 }, { 0, 23, 0x91 }, { RTC_DM_BINARY, 23, 0x8b }, { RTC_24H, 23, 0x23 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		shim_real_set(mktime64(2026, 12, 31, t[i].hour24, 59, 58));
		put(self->cmos, RTC_REG_B, t[i].b);
		EXPECT_EQ(t[i].want, get(self->cmos, RTC_HOURS));
		EXPECT_EQ(t[i].b & RTC_DM_BINARY ? 59 : 0x59, get(self->cmos, RTC_MINUTES));
		EXPECT_EQ(t[i].b & RTC_DM_BINARY ? 20 : 0x20, get(self->cmos, CENTURY));
	}
}

TEST_F(cmos, the_guest_sets_its_own_clock_and_it_goes_on)
{
	set(self->cmos, (const u8 []){ 0x19, 0x99, 0x12, 0x31, 0x23, 0x59, 0x58 });
	EXPECT_EQ(mktime64(1999, 12, 31, 23, 59, 58), now(self->cmos));
	shim_clock_advance(2 * SECOND);
	EXPECT_EQ(mktime64(2000, 1, 1, 0, 0, 0), now(self->cmos));
	EXPECT_EQ(7, get(self->cmos, RTC_DAY_OF_WEEK));
	ivm_cmos_reset(self->cmos);
	EXPECT_EQ(mktime64(2000, 1, 1, 0, 0, 0), now(self->cmos));
}

TEST_F(cmos, setting_it_in_binary_with_12_hours)
{
	put(self->cmos, RTC_REG_B, RTC_DM_BINARY);
	set(self->cmos, (const u8 []){ 20, 30, 6, 15, 0x80 | 12, 30, 0 });
	put(self->cmos, RTC_REG_B, RTC_24H);
	EXPECT_EQ(mktime64(2030, 6, 15, 12, 30, 0), now(self->cmos));
	put(self->cmos, RTC_REG_B, 0);
	set(self->cmos, (const u8 []){ 0x20, 0x30, 0x06, 0x15, 0x12, 0x30, 0x00 });
	put(self->cmos, RTC_REG_B, RTC_24H);
	EXPECT_EQ(mktime64(2030, 6, 15, 0, 30, 0), now(self->cmos));
}

TEST_F(cmos, times_that_do_not_exist_are_ignored)
{
	static const u8 bad[][7] = {
		{ 0x20, 0x26, 0x13, 0x01, 0x00, 0x00, 0x00 }, { 0x20, 0x26, 0x00, 0x01, 0x00, 0x00, 0x00 },
		{ 0x20, 0x26, 0x01, 0x32, 0x00, 0x00, 0x00 }, { 0x20, 0x26, 0x01, 0x00, 0x00, 0x00, 0x00 },
		{ 0x20, 0x26, 0x01, 0x01, 0x24, 0x00, 0x00 }, { 0x20, 0x26, 0x01, 0x01, 0x00, 0x60, 0x00 },
		{ 0x20, 0x26, 0x01, 0x01, 0x00, 0x00, 0x60 }, { 0xff, 0xff, 0x01, 0x01, 0x00, 0x00, 0x00 },
		{ 0x19, 0x69, 0x01, 0x01, 0x00, 0x00, 0x00 }, { 0x00, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00 },
	};
	time64_t before = now(self->cmos);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		set(self->cmos, bad[i]);
		EXPECT_EQ(before, now(self->cmos));
	}
}

TEST_F(cmos, while_stopped_the_registers_stand_still)
{
	time64_t before = now(self->cmos);

	put(self->cmos, RTC_REG_B, RTC_24H | RTC_SET);
	shim_clock_advance(10 * SECOND);
	EXPECT_EQ(before, now(self->cmos));
	/* Who stops it only to read it loses no time. */
	put(self->cmos, RTC_REG_B, RTC_24H);
	EXPECT_EQ(before + 10, now(self->cmos));
	/* A single register may be written while it runs. */
	put(self->cmos, RTC_HOURS, 0x15);
	EXPECT_EQ(before + 10 + 3600, now(self->cmos));
}

TEST_F(cmos, no_update_between_the_look_at_uip_and_the_time)
{
	u64 to_next = SECOND - shim_clock_now() % SECOND;

	shim_clock_advance(to_next - 1000);	/* 1 us before a second ends */
	EXPECT_EQ(0, get(self->cmos, RTC_REG_A) & RTC_UIP);
	EXPECT_EQ(0x09, get(self->cmos, RTC_SECONDS));
	shim_clock_advance(244000);
	EXPECT_EQ(0x09, get(self->cmos, RTC_SECONDS));
	shim_clock_advance(5000000);
	EXPECT_EQ(0x10, get(self->cmos, RTC_SECONDS));
	/* Asking again and again never stops the clock. */
	shim_clock_advance(SECOND - 5000000);
	EXPECT_EQ(0, get(self->cmos, RTC_REG_A) & RTC_UIP);
	EXPECT_EQ(0x11, get(self->cmos, RTC_SECONDS));
}

TEST_F(cmos, status_registers)
{
	EXPECT_EQ(0x26, get(self->cmos, RTC_REG_A));
	put(self->cmos, RTC_REG_A, 0xff);
	EXPECT_EQ(0x7f, get(self->cmos, RTC_REG_A));
	EXPECT_EQ(RTC_24H, get(self->cmos, RTC_REG_B));
	get(self->cmos, RTC_REG_C);
	put(self->cmos, RTC_REG_C, 0xff);
	EXPECT_EQ(0, get(self->cmos, RTC_REG_C));
	put(self->cmos, RTC_REG_D, 0);
	EXPECT_EQ(RTC_VRT, get(self->cmos, RTC_REG_D));
}

/* To the middle of a second, with all flags read. */
static void quiet(struct ivm_cmos *cmos)
{
	shim_clock_advance(SECOND + SECOND / 2 - shim_clock_now() % SECOND);
	get(cmos, RTC_REG_C);
}

TEST_F(cmos, update_interrupt_once_a_second_if_it_is_answered)
{
	quiet(self->cmos);
	put(self->cmos, RTC_REG_B, RTC_24H | RTC_UIE);
	EXPECT_FALSE(self->line.level);
	shim_clock_advance(SECOND / 2 - 1);
	EXPECT_FALSE(self->line.level);
	shim_clock_advance(1);
	EXPECT_TRUE(self->line.level);
	shim_clock_advance(10 * SECOND);	/* not answered: nothing more comes, no timer runs */
	EXPECT_EQ(1, self->line.edges);
	EXPECT_EQ(0, shim_timers_armed());
	EXPECT_EQ(RTC_IRQF | RTC_UF, get(self->cmos, RTC_REG_C) & (RTC_IRQF | RTC_UF));
	EXPECT_FALSE(self->line.level);
	EXPECT_EQ(0, get(self->cmos, RTC_REG_C));
	shim_clock_advance(SECOND);
	EXPECT_EQ(2, self->line.edges);
	put(self->cmos, RTC_REG_B, RTC_24H);
	EXPECT_FALSE(self->line.level);
	EXPECT_EQ(RTC_UF, get(self->cmos, RTC_REG_C) & (RTC_IRQF | RTC_UF));
}

TEST_F(cmos, flags_are_set_without_being_enabled)
{
	quiet(self->cmos);
	EXPECT_EQ(0, get(self->cmos, RTC_REG_C));
	shim_clock_advance(SECOND / 2);
	EXPECT_EQ(RTC_PF | RTC_UF, get(self->cmos, RTC_REG_C));
	shim_clock_advance(SECOND / 1024 + 1);
	EXPECT_EQ(RTC_PF, get(self->cmos, RTC_REG_C));
	EXPECT_EQ(0, self->line.edges);
	EXPECT_EQ(0, shim_timers_started());
}

TEST_F(cmos, periodic_interrupt_at_each_rate)
{
	static const unsigned int hz[16] = { 0, 256, 128, 8192, 4096, 2048, 1024, 512, 256, 128, 64,
					     32, 16, 8, 4, 2 };
	unsigned int rate, n;
	u64 end;

	put(self->cmos, RTC_REG_B, RTC_24H | RTC_PIE);
	for (rate = 0; rate < 16; rate++) {
		put(self->cmos, RTC_REG_A, RTC_REF_CLCK_32KHZ | rate);
		quiet(self->cmos);
		end = shim_clock_now() + SECOND + 10000;	/* they come up to a step late */
		for (n = 0; shim_clock_now() < end;) {
			shim_clock_advance(10000);
			if (self->line.level) {
				n++;
				ASSERT_EQ(RTC_IRQF | RTC_PF, get(self->cmos, RTC_REG_C) & ~RTC_UF);
			}
		}
		EXPECT_EQ(hz[rate], n);
	}
}

TEST_F(cmos, alarm_at_its_time_and_every_day)
{
	quiet(self->cmos);	/* 14:05:10.5 */
	put(self->cmos, RTC_HOURS_ALARM, 0x14);
	put(self->cmos, RTC_MINUTES_ALARM, 0x07);
	put(self->cmos, RTC_SECONDS_ALARM, 0x03);
	put(self->cmos, RTC_REG_B, RTC_24H | RTC_AIE);
	shim_clock_advance(112 * SECOND);
	EXPECT_EQ(0, self->line.edges);
	shim_clock_advance(SECOND / 2);
	EXPECT_EQ(1, self->line.edges);
	EXPECT_EQ(0x03, get(self->cmos, RTC_SECONDS));
	EXPECT_EQ(0x07, get(self->cmos, RTC_MINUTES));
	EXPECT_TRUE(get(self->cmos, RTC_REG_C) & RTC_AF);
	shim_clock_advance(86399 * SECOND);
	EXPECT_EQ(1, self->line.edges);
	shim_clock_advance(SECOND);
	EXPECT_EQ(2, self->line.edges);
}

TEST_F(cmos, alarm_registers_that_match_anything)
{
	unsigned int i;

	quiet(self->cmos);
	put(self->cmos, RTC_HOURS_ALARM, 0xff);
	put(self->cmos, RTC_MINUTES_ALARM, 0xc0);
	put(self->cmos, RTC_SECONDS_ALARM, 0x30);
	put(self->cmos, RTC_REG_B, RTC_24H | RTC_AIE);
	for (i = 0; i < 600; i++) {	/* ten minutes */
		shim_clock_advance(SECOND);
		EXPECT_EQ(get(self->cmos, RTC_SECONDS) == 0x30, self->line.level);
		get(self->cmos, RTC_REG_C);
	}
	EXPECT_EQ(10, self->line.edges);
	put(self->cmos, RTC_SECONDS_ALARM, 0xff);
	for (i = 0; i < 10; i++) {
		shim_clock_advance(SECOND);
		get(self->cmos, RTC_REG_C);
	}
	EXPECT_EQ(20, self->line.edges);
}

TEST_F(cmos, alarm_in_12_hours_and_alarms_that_never_come)
{
	quiet(self->cmos);
	put(self->cmos, RTC_HOURS_ALARM, 0x83);		/* 3 p.m. */
	put(self->cmos, RTC_MINUTES_ALARM, 0);
	put(self->cmos, RTC_SECONDS_ALARM, 0);
	put(self->cmos, RTC_REG_B, RTC_AIE);
	shim_clock_advance(3600 * SECOND);
	EXPECT_EQ(1, self->line.edges);
	get(self->cmos, RTC_REG_C);
	put(self->cmos, RTC_MINUTES_ALARM, 0x60);
	shim_clock_advance(2 * 86400 * SECOND);
	EXPECT_EQ(1, self->line.edges);
	EXPECT_FALSE(get(self->cmos, RTC_REG_C) & RTC_AF);
	EXPECT_EQ(0, shim_timers_armed());
}

TEST_F(cmos, the_time_is_not_held_when_it_was_set_or_an_update_was_reported)
{
	get(self->cmos, RTC_REG_A);
	set(self->cmos, (const u8 []){ 0x20, 0x30, 0x01, 0x01, 0x00, 0x00, 0x00 });
	EXPECT_EQ(mktime64(2030, 1, 1, 0, 0, 0), now(self->cmos));
	quiet(self->cmos);
	shim_clock_advance(SECOND / 2 - 1000);
	get(self->cmos, RTC_REG_A);
	shim_clock_advance(2000);
	EXPECT_EQ(0x01, get(self->cmos, RTC_SECONDS));
	EXPECT_TRUE(get(self->cmos, RTC_REG_C) & RTC_UF);
	EXPECT_EQ(0x02, get(self->cmos, RTC_SECONDS));
}

/* How Linux' rtc core makes update interrupts, and so how hwclock waits for the next second. */
TEST_F(cmos, an_alarm_a_second_ahead_again_and_again)
{
	time64_t t;
	unsigned int i;

	quiet(self->cmos);
	for (i = 1; i <= 5; i++) {
		t = now(self->cmos) + 1;
		put(self->cmos, RTC_REG_B, RTC_24H);
		put(self->cmos, RTC_HOURS_ALARM, bin2bcd(t / 3600 % 24));
		put(self->cmos, RTC_MINUTES_ALARM, bin2bcd(t / 60 % 60));
		put(self->cmos, RTC_SECONDS_ALARM, bin2bcd(t % 60));
		put(self->cmos, RTC_REG_B, RTC_24H | RTC_AIE);
		get(self->cmos, RTC_REG_C);
		shim_clock_advance(SECOND);
		EXPECT_EQ(i, self->line.edges);
		EXPECT_EQ(t, now(self->cmos));
		EXPECT_TRUE(get(self->cmos, RTC_REG_C) & RTC_AF);
	}
}

TEST_F(cmos, a_stopped_clock_neither_updates_nor_alarms)
{
	quiet(self->cmos);
	put(self->cmos, RTC_HOURS_ALARM, 0xff);
	put(self->cmos, RTC_MINUTES_ALARM, 0xff);
	put(self->cmos, RTC_SECONDS_ALARM, 0xff);
	put(self->cmos, RTC_REG_B, RTC_24H | RTC_SET | RTC_UIE | RTC_AIE);
	EXPECT_EQ(RTC_24H | RTC_SET | RTC_AIE, get(self->cmos, RTC_REG_B));
	EXPECT_EQ(0, shim_timers_armed());
	shim_clock_advance(5 * SECOND);
	EXPECT_EQ(0, self->line.edges);
	EXPECT_EQ(RTC_PF, get(self->cmos, RTC_REG_C));
	put(self->cmos, RTC_REG_B, RTC_24H | RTC_AIE);
	shim_clock_advance(SECOND);
	EXPECT_EQ(1, self->line.edges);
}

TEST_F(cmos, the_hosts_clock_may_be_set_while_an_alarm_waits)
{
	quiet(self->cmos);
	put(self->cmos, RTC_HOURS_ALARM, 0x18);
	put(self->cmos, RTC_MINUTES_ALARM, 0);
	put(self->cmos, RTC_SECONDS_ALARM, 0);
	put(self->cmos, RTC_REG_B, RTC_24H | RTC_AIE);
	shim_real_set(mktime64(2026, 11, 23, 17, 59, 30));
	shim_clock_advance(90 * SECOND);
	EXPECT_EQ(1, self->line.edges);
}

TEST_F(cmos, reset_ends_interrupts)
{
	quiet(self->cmos);
	put(self->cmos, RTC_REG_B, RTC_24H | RTC_UIE | RTC_PIE);
	shim_clock_advance(SECOND);
	EXPECT_TRUE(self->line.level);
	ivm_cmos_reset(self->cmos);
	EXPECT_FALSE(self->line.level);
	EXPECT_EQ(0, get(self->cmos, RTC_REG_C) & ~RTC_PF);
	EXPECT_EQ(0, shim_timers_armed());
}

TEST_F(cmos, ram_survives_reset_and_the_index_has_7_bits)
{
	unsigned int i;

	for (i = 0x0e; i < 0x80; i++)
		if (i != CENTURY)
			put(self->cmos, i, i ^ 0x5a);
	put(self->cmos, RTC_SECONDS_ALARM, 0x77);
	ivm_cmos_reset(self->cmos);
	for (i = 0x0e; i < 0x80; i++)
		if (i != CENTURY)
			ASSERT_EQ(i ^ 0x5a, get(self->cmos, i | 0x80));
	EXPECT_EQ(0x77, get(self->cmos, RTC_SECONDS_ALARM));
	EXPECT_EQ(0xff, ivm_cmos_bus_ops.read(self->cmos, 0x70, 1));
}

TEST_F(cmos, a_word_write_is_index_and_value)
{
	ivm_cmos_bus_ops.write(self->cmos, 0x70, 2, 0x4240);
	EXPECT_EQ(0x42, get(self->cmos, 0x40));
	EXPECT_EQ(0x42ff, ivm_cmos_bus_ops.read(self->cmos, 0x70, 2));
}

TEST(creation_survives_lack_of_memory)
{
	shim_alloc_fail(1);
	EXPECT_EQ(-ENOMEM, PTR_ERR(ivm_cmos_create(&line_ops, NULL)));
	ivm_cmos_destroy(NULL);
}

TEST_HARNESS_MAIN
