// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes the mistakes that the sanitised kernel is there to find, one for each
 * name given as the parameter "fault", so that lab/selftest can see that every
 * one of them turns a run of the lab into a failure.
 */

#include <linux/delay.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timer.h>

static char *fault = "none";
module_param(fault, charp, 0);
MODULE_PARM_DESC(fault, "warn, oops, sleep, lock, kasan, ubsan, objects or leak");

static DEFINE_SPINLOCK(provoke_spin);
static DEFINE_MUTEX(provoke_a);
static DEFINE_MUTEX(provoke_b);
static int provoke_shift = 40;

/* A block of memory passes through here, out of the compiler's sight. */
static char *provoke_kept;

static void provoke_warn(void)
{
	WARN(1, "provoked\n");
}

static void provoke_oops(void)
{
	int *nowhere = (int *)8;

	WRITE_ONCE(*nowhere, 1);
}

static void provoke_sleep(void)
{
	spin_lock(&provoke_spin);
	msleep(20);
	spin_unlock(&provoke_spin);
}

static void provoke_lock(void)
{
	mutex_lock(&provoke_a);
	mutex_lock(&provoke_b);
	mutex_unlock(&provoke_b);
	mutex_unlock(&provoke_a);

	mutex_lock(&provoke_b);
	mutex_lock(&provoke_a);
	mutex_unlock(&provoke_a);
	mutex_unlock(&provoke_b);
}

static void provoke_kasan(void)
{
	char *p = kmalloc(32, GFP_KERNEL);

	if (!p)
		return;
	WRITE_ONCE(provoke_kept, p);
	kfree(p);
	WRITE_ONCE(READ_ONCE(provoke_kept)[3], 1);
	WRITE_ONCE(provoke_kept, NULL);
}

static void provoke_ubsan(void)
{
	pr_info("shifted: %d\n", 1 << READ_ONCE(provoke_shift));
}

static void provoke_timer(struct timer_list *timer)
{
}

static void provoke_objects(void)
{
	struct timer_list *timer = kzalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return;
	timer_setup(timer, provoke_timer, 0);
	mod_timer(timer, jiffies + 3600 * HZ);
	kfree(timer);		/* debug objects stops the timer for us */
}

/* Several: a search that takes whatever looks like a pointer for one may miss one of them. */
static void provoke_leak(void)
{
	unsigned int i;

	for (i = 0; i < 32; i++)
		WRITE_ONCE(provoke_kept, kmalloc(200, GFP_KERNEL));
	WRITE_ONCE(provoke_kept, NULL);
}

static const struct {
	const char *name;
	void (*fn)(void);
} provoke_faults[] = {
	{ "warn", provoke_warn },	{ "oops", provoke_oops },
	{ "sleep", provoke_sleep },	{ "lock", provoke_lock },
	{ "kasan", provoke_kasan },	{ "ubsan", provoke_ubsan },
	{ "objects", provoke_objects },	{ "leak", provoke_leak },
};

static int __init provoke_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(provoke_faults); i++) {
		if (!strcmp(fault, provoke_faults[i].name)) {
			provoke_faults[i].fn();
			return 0;
		}
	}
	return -EINVAL;
}
module_init(provoke_init);

static void __exit provoke_exit(void)
{
}
module_exit(provoke_exit);

MODULE_DESCRIPTION("Mistakes for the lab's own test");
MODULE_LICENSE("GPL");
