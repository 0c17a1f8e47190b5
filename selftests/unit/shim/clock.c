// SPDX-License-Identifier: GPL-2.0-only
/* One clock, moved by the test, and the timers on it. Not for several threads. */
#include "shim.h"
#include <asm/msr.h>
#include <asm/tsc.h>
#include <linux/bug.h>
#include <linux/hrtimer.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>

static u64 now = 1000000000;	/* 1 s, so that sums that wrap below 0 show */
static u64 tsc_per_us = 1000;
unsigned int tsc_khz = 1000 * 1000;
static struct hrtimer *queue;	/* by time, first come first served among equals */
static u64 fired, started;

u64 shim_clock_now(void)
{
	return now;
}

ktime_t ktime_get(void)
{
	return now;
}

void shim_tsc_per_us(u64 ticks)
{
	tsc_per_us = ticks;
	tsc_khz = ticks * 1000;
}

u64 rdtsc(void)
{
	return (u64)((unsigned __int128)now * tsc_per_us / 1000);
}

void hrtimer_init(struct hrtimer *timer, clockid_t clock, enum hrtimer_mode mode)
{
	BUG_ON(clock != CLOCK_MONOTONIC);
	*timer = (struct hrtimer){ .mode = mode };
}

static bool dequeue(struct hrtimer *timer)
{
	struct hrtimer **p;

	if (!timer->armed)
		return false;
	for (p = &queue; *p != timer; p = &(*p)->next)
		BUG_ON(!*p);
	*p = timer->next;
	timer->armed = false;
	return true;
}

static void enqueue(struct hrtimer *timer)
{
	struct hrtimer **p = &queue;

	while (*p && (*p)->expires <= timer->expires)
		p = &(*p)->next;
	timer->next = *p;
	*p = timer;
	timer->armed = true;
}

void hrtimer_start(struct hrtimer *timer, ktime_t time, enum hrtimer_mode mode)
{
	BUG_ON(!timer->function);
	/* Started as it was initialised, or it fires in another context than its code expects. */
	BUG_ON((mode ^ timer->mode) & (HRTIMER_MODE_HARD | HRTIMER_MODE_SOFT));
	dequeue(timer);
	if (mode & HRTIMER_MODE_REL)
		time = time > KTIME_MAX - (s64)now ? KTIME_MAX : (s64)now + time;
	timer->expires = time;
	started++;
	enqueue(timer);
}

int hrtimer_try_to_cancel(struct hrtimer *timer)
{
	if (timer->running)
		return -1;
	return dequeue(timer);
}

int hrtimer_cancel(struct hrtimer *timer)
{
	might_sleep();
	BUG_ON(timer->running);	/* would wait for itself */
	return dequeue(timer);
}

u64 hrtimer_forward(struct hrtimer *timer, ktime_t at, ktime_t interval)
{
	u64 n;

	BUG_ON(timer->armed);
	BUG_ON(interval <= 0);
	if (at < timer->expires)
		return 0;
	n = (at - timer->expires) / interval + 1;
	timer->expires += n * interval;
	return n;
}

u64 hrtimer_forward_now(struct hrtimer *timer, ktime_t interval)
{
	return hrtimer_forward(timer, now, interval);
}

bool hrtimer_active(const struct hrtimer *timer)
{
	return timer->armed || timer->running;
}

static void fire(struct hrtimer *timer)
{
	enum hrtimer_restart again;
	unsigned long flags;

	dequeue(timer);
	timer->running = true;
	fired++;
	local_irq_save(flags);
	again = timer->function(timer);
	local_irq_restore(flags);
	timer->running = false;
	/* A start from within the function wins over its return value. */
	if (again == HRTIMER_RESTART && !timer->armed)
		enqueue(timer);
}

void shim_clock_advance(u64 ns)
{
	u64 end = now + ns;

	while (queue && queue->expires <= (s64)end) {
		if (queue->expires > (s64)now)
			now = queue->expires;
		fire(queue);
	}
	now = end;
}

unsigned int shim_timers_armed(void)
{
	struct hrtimer *timer;
	unsigned int n = 0;

	for (timer = queue; timer; timer = timer->next)
		n++;
	return n;
}

u64 shim_timers_fired(void)
{
	return fired;
}

u64 shim_timers_started(void)
{
	return started;
}
