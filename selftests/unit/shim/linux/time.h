/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_TIME_H
#define SHIM_LINUX_TIME_H

#include <time.h>
#include <linux/time64.h>

/* The calendar is the C library's, and so is struct tm. */
void time64_to_tm(time64_t total, int offset, struct tm *tm);
time64_t mktime64(unsigned int year, unsigned int month, unsigned int day, unsigned int hour,
		  unsigned int min, unsigned int sec);

#endif
