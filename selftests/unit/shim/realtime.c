// SPDX-License-Identifier: GPL-2.0-only
/* Wall-clock time and the calendar. */
#include <time.h>

#include "shim.h"
#include <linux/time.h>
#include <linux/timekeeping.h>

static time64_t base = 1700000000;	/* at 0 of the one clock */

void shim_real_set(s64 seconds)
{
	base = seconds - ktime_get() / NSEC_PER_SEC;
}

time64_t ktime_get_real_seconds(void)
{
	return base + ktime_get() / NSEC_PER_SEC;
}

u64 ktime_get_real_ns(void)
{
	return base * NSEC_PER_SEC + ktime_get();
}

void time64_to_tm(time64_t total, int offset, struct tm *tm)
{
	time_t t = total + offset;

	gmtime_r(&t, tm);
}

time64_t mktime64(unsigned int year, unsigned int month, unsigned int day, unsigned int hour,
		  unsigned int min, unsigned int sec)
{
	struct tm tm = {
		.tm_year = (int)year - 1900, .tm_mon = (int)month - 1, .tm_mday = (int)day,
		.tm_hour = (int)hour, .tm_min = (int)min, .tm_sec = (int)sec,
	};

	return timegm(&tm);
}
