// SPDX-License-Identifier: GPL-2.0-only
/* The fake kernel itself: a clock that lies would make every other test worthless. */
/* sources: */
#include "unit.h"

#include <linux/hrtimer.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static u64 seen[8];
static unsigned int calls;
static u64 interval;

static enum hrtimer_restart note(struct hrtimer *timer)
{
	seen[calls++ % ARRAY_SIZE(seen)] = ktime_get_ns();
	if (!interval)
		return HRTIMER_NORESTART;
	hrtimer_forward_now(timer, interval);
	return HRTIMER_RESTART;
}

TEST(timers_fire_in_order_at_their_time)
{
	struct hrtimer a, b;
	u64 t0 = shim_clock_now();

	hrtimer_init(&a, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	hrtimer_init(&b, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	a.function = note;
	b.function = note;
	hrtimer_start(&a, t0 + 300, HRTIMER_MODE_ABS_HARD);
	hrtimer_start(&b, t0 + 100, HRTIMER_MODE_ABS_HARD);
	EXPECT_EQ(2, shim_timers_armed());
	shim_clock_advance(99);
	EXPECT_EQ(0, calls);
	shim_clock_advance(1000);
	EXPECT_EQ(2, calls);
	EXPECT_EQ(t0 + 100, seen[0]);
	EXPECT_EQ(t0 + 300, seen[1]);
	EXPECT_EQ(t0 + 1099, shim_clock_now());
	EXPECT_EQ(0, shim_timers_armed());
}

TEST(a_periodic_timer_keeps_its_phase_until_cancelled)
{
	struct hrtimer a;
	u64 t0 = shim_clock_now();

	interval = 100;
	hrtimer_init(&a, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	a.function = note;
	hrtimer_start(&a, 100, HRTIMER_MODE_REL_HARD);
	shim_clock_advance(450);
	EXPECT_EQ(4, calls);
	EXPECT_EQ(t0 + 400, seen[3]);
	EXPECT_EQ(1, hrtimer_cancel(&a));
	shim_clock_advance(450);
	EXPECT_EQ(4, calls);
}

TEST_SIGNAL(a_lock_taken_twice_ends_the_test, SIGILL)
{
	DEFINE_RAW_SPINLOCK(lock);

	raw_spin_lock(&lock);
	raw_spin_lock(&lock);
}

TEST_SIGNAL(sleeping_under_a_lock_ends_the_test, SIGILL)
{
	DEFINE_RAW_SPINLOCK(lock);

	raw_spin_lock(&lock);
	kfree(kmalloc(1, GFP_KERNEL));
}

TEST(allocations_are_counted_and_can_fail)
{
	void *p = kzalloc(16, GFP_KERNEL);

	ASSERT_NE(NULL, p);
	EXPECT_EQ(1, shim_alloc_live());
	shim_alloc_fail(1);
	EXPECT_EQ(NULL, kmalloc(16, GFP_KERNEL));
	kfree(p);
	EXPECT_EQ(0, shim_alloc_live());
}

TEST(bit_helpers_agree_with_the_definition)
{
	unsigned long map[2] = { 0, 1UL << 5 };

	EXPECT_EQ(69, find_first_bit(map, 128));
	EXPECT_EQ(69, find_last_bit(map, 128));
	EXPECT_EQ(128, find_next_bit(map, 128, 70));
	EXPECT_EQ(0x70, GENMASK(6, 4));
	EXPECT_EQ(8, fls(0x80));
	EXPECT_EQ(7, __fls(0x80));
}

TEST(lists_come_from_the_linux_source)
{
	LIST_HEAD(head);
	struct list_head a;

	list_add(&a, &head);
	EXPECT_FALSE(list_empty(&head));
}

TEST_HARNESS_MAIN
