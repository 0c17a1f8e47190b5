/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_MC146818RTC_H
#define SHIM_LINUX_MC146818RTC_H

/* Registers and bits of the MC146818 by the data sheet's numbers, under the kernel's names. */
enum {
	RTC_SECONDS, RTC_SECONDS_ALARM, RTC_MINUTES, RTC_MINUTES_ALARM, RTC_HOURS, RTC_HOURS_ALARM,
	RTC_DAY_OF_WEEK, RTC_DAY_OF_MONTH, RTC_MONTH, RTC_YEAR, RTC_REG_A, RTC_REG_B, RTC_REG_C,
	RTC_REG_D,
};
#define RTC_FREQ_SELECT		RTC_REG_A
#define RTC_CONTROL		RTC_REG_B
#define RTC_INTR_FLAGS		RTC_REG_C
#define RTC_VALID		RTC_REG_D
#define RTC_RATE_SELECT		0x0f
#define RTC_UIP			0x80
#define RTC_REF_CLCK_32KHZ	0x20
#define RTC_SET			0x80
#define RTC_PIE			0x40
#define RTC_AIE			0x20
#define RTC_UIE			0x10
#define RTC_IRQF		0x80
#define RTC_PF			0x40
#define RTC_AF			0x20
#define RTC_UF			0x10
#define RTC_DM_BINARY		0x04
#define RTC_24H			0x02
#define RTC_VRT			0x80

#endif
