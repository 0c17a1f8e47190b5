// SPDX-License-Identifier: GPL-2.0-only
/*
 * The LAPIC's timer: one-shot and periodic counting of the bus clock, and the
 * TSC deadline (SDM 11.5.4).
 *
 * What the guest programmed is kept as a point in time, and one host timer
 * stands for it as long as an interrupt will come of it: not while the LVT
 * entry masks it, not while the chip is frozen. The host timer is only a
 * wake-up call. Its callback looks whether the time has really come, so one
 * that is late, early or was overtaken by a new setting does no harm, and
 * nobody has to wait for it with interrupts off.
 *
 * Hard and pinned: it has to interrupt the CPU on which the vCPU runs, where
 * the interrupt itself makes the guest exit, and it must not wait for softirqs.
 */
#include "irq.h"
#include "chip.h"

#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/math64.h>

#define MODE	HRTIMER_MODE_ABS_PINNED_HARD

/* A tick of the bus clock is a nanosecond. */
static_assert(IVM_PLATFORM_APIC_BUS_KHZ == 1000000);

/* The host is interrupted at most this often by a periodic timer, whatever the guest asks for. */
#define PERIOD_MIN_NS	50000

/* Further ahead the host timer is set in steps. */
#define STEP_MS		3600000ULL

static bool deadline_mode(const struct ivm_lapic *l)
{
	return (l->lvt[IVM_LVT_TIMER] & IVM_LVT_TIMER_MODE) == IVM_LVT_DEADLINE;
}

static bool periodic_mode(const struct ivm_lapic *l)
{
	return (l->lvt[IVM_LVT_TIMER] & IVM_LVT_TIMER_MODE) == IVM_LVT_PERIODIC;
}

static bool masked(const struct ivm_lapic *l)
{
	return l->lvt[IVM_LVT_TIMER] & IVM_LVT_MASKED;
}

/* log2 of the divisor: bits 3, 1 and 0 count from 2 to 128, then comes 1. */
static unsigned int divide_shift(const struct ivm_lapic_timer *t)
{
	return ((t->tdcr & 3) + (t->tdcr >> 1 & 4) + 1) & 7;
}

/* Time from the initial count to zero. */
static u64 period(const struct ivm_lapic *l)
{
	u64 ns = (u64)l->timer.initial << divide_shift(&l->timer);

	return periodic_mode(l) ? max_t(u64, ns, PERIOD_MIN_NS) : ns;
}

/* The time that counts: guest TSC or chip time. Read once per decision, since a freeze may set it back a little. */
static u64 time_now(const struct ivm_lapic *l)
{
	return deadline_mode(l) ? ivm_irqchip_tsc(l->chip) : ivm_irqchip_now(l->chip);
}

/* Has the time come? */
static bool due(const struct ivm_lapic *l, u64 now)
{
	const struct ivm_lapic_timer *t = &l->timer;

	if (deadline_mode(l))
		return t->deadline && now >= t->deadline;
	return t->target != IVM_NEVER && now >= t->target;
}

/* It has: what comes next. Periods that nobody saw pass are skipped. */
static void expire(struct ivm_lapic *l, u64 now)
{
	struct ivm_lapic_timer *t = &l->timer;

	if (deadline_mode(l))
		t->deadline = 0;
	else if (periodic_mode(l) && t->initial)
		t->target += (div64_u64(now - t->target, period(l)) + 1) * period(l);
	else
		t->target = IVM_NEVER;
}

static void start_deadline(struct ivm_lapic *l, u64 ticks)
{
	const struct ivm_irqchip *chip = l->chip;
	u64 ns;

	ticks = min_t(u64, ticks, chip->tsc_khz * STEP_MS);
	ns = mul_u64_u64_shr(ticks, chip->tsc_mult, 32) + 1;
	hrtimer_start(&l->timer.hrtimer, ktime_add_ns(ktime_get(), ns), MODE);
}

/* Sets the host timer as the state of ours demands. */
static void arm(struct ivm_lapic *l)
{
	struct ivm_lapic_timer *t = &l->timer;
	u64 now;

	lockdep_assert_held(&t->lock);
	WRITE_ONCE(t->unheard, false);
	if (ivm_irqchip_frozen(l->chip))
		return;		/* ivm_lapic_timer_go() will */
	if (masked(l) || (deadline_mode(l) ? !t->deadline : t->target == IVM_NEVER)) {
		/* A callback that is on its way will find nothing to do. */
		hrtimer_try_to_cancel(&t->hrtimer);
	} else if (deadline_mode(l)) {
		now = ivm_irqchip_tsc(l->chip);
		start_deadline(l, t->deadline > now ? t->deadline - now : 0);
	} else {
		hrtimer_start(&t->hrtimer, ivm_irqchip_ktime(l->chip, t->target), MODE);
	}
}

/*
 * The interrupt of the period before waits still: the vCPU is not on its core, or
 * does not listen. More of the kind would be lost, and their host timer would
 * only disturb who has the core meanwhile: none until this one is taken.
 * Return: whether it is so.
 */
static bool stay_unheard(struct ivm_lapic *l)
{
	u8 vector = l->lvt[IVM_LVT_TIMER];

	if (!periodic_mode(l) || !test_bit(vector, l->irr))
		return false;
	WRITE_ONCE(l->timer.unheard, true);
	smp_mb();	/* one of ivm_lapic_take() and us sees the other */
	return test_bit(vector, l->irr);
}

/* Hard interrupt. */
static enum hrtimer_restart timer_fires(struct hrtimer *hrtimer)
{
	struct ivm_lapic *l = container_of(hrtimer, struct ivm_lapic, timer.hrtimer);
	bool interrupt = false;
	unsigned long flags;
	u64 now;

	raw_spin_lock_irqsave(&l->timer.lock, flags);
	if (!ivm_irqchip_frozen(l->chip) && !masked(l)) {
		now = time_now(l);
		interrupt = due(l, now);
		if (interrupt)
			expire(l, now);
		if (interrupt && stay_unheard(l))
			interrupt = false;
		else
			arm(l);
	}
	raw_spin_unlock_irqrestore(&l->timer.lock, flags);
	if (interrupt)
		ivm_lapic_local(l, IVM_LVT_TIMER);
	/* Its restart, if any, was arm()'s: the vCPU may have set it anew by now. */
	return HRTIMER_NORESTART;
}

/* ---- life ---- */

void ivm_lapic_timer_init(struct ivm_lapic *l)
{
	raw_spin_lock_init(&l->timer.lock);
	hrtimer_init(&l->timer.hrtimer, CLOCK_MONOTONIC, MODE);
	l->timer.hrtimer.function = timer_fires;
}

void ivm_lapic_timer_reset(struct ivm_lapic *l)
{
	struct ivm_lapic_timer *t = &l->timer;
	unsigned long flags;

	raw_spin_lock_irqsave(&t->lock, flags);
	t->target = IVM_NEVER;
	t->deadline = 0;
	t->initial = 0;
	t->tdcr = 0;
	arm(l);
	raw_spin_unlock_irqrestore(&t->lock, flags);
}

void ivm_lapic_timer_stop(struct ivm_lapic *l)
{
	hrtimer_cancel(&l->timer.hrtimer);
}

void ivm_lapic_timer_go(struct ivm_lapic *l)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&l->timer.lock, flags);
	arm(l);
	raw_spin_unlock_irqrestore(&l->timer.lock, flags);
}

/* ---- registers ---- */

void ivm_lapic_timer_set_lvt(struct ivm_lapic *l, u32 value)
{
	struct ivm_lapic_timer *t = &l->timer;
	unsigned long flags;
	bool was_deadline;

	raw_spin_lock_irqsave(&t->lock, flags);
	/* What came while it was masked is lost. */
	if (masked(l) && due(l, time_now(l)))
		expire(l, time_now(l));
	was_deadline = deadline_mode(l);
	WRITE_ONCE(l->lvt[IVM_LVT_TIMER], value);
	if (was_deadline != deadline_mode(l)) {
		t->target = IVM_NEVER;
		t->deadline = 0;
		t->initial = 0;
	}
	arm(l);
	raw_spin_unlock_irqrestore(&t->lock, flags);
}

void ivm_lapic_timer_set_initial(struct ivm_lapic *l, u32 count)
{
	struct ivm_lapic_timer *t = &l->timer;
	unsigned long flags;

	raw_spin_lock_irqsave(&t->lock, flags);
	if (!deadline_mode(l)) {
		t->initial = count;
		t->target = count ? ivm_irqchip_now(l->chip) + period(l) : IVM_NEVER;
		arm(l);
	}
	raw_spin_unlock_irqrestore(&t->lock, flags);
}

/* Ticks to go, as the guest counts them. */
static u32 count(const struct ivm_lapic *l)
{
	const struct ivm_lapic_timer *t = &l->timer;
	unsigned int shift = divide_shift(t);
	u64 now = ivm_irqchip_now(l->chip);
	u64 left;

	if (deadline_mode(l) || t->target == IVM_NEVER)
		return 0;
	if (now < t->target) {
		left = t->target - now;
	} else if (periodic_mode(l) && t->initial) {
		div64_u64_rem(now - t->target, period(l), &left);
		left = period(l) - left;
	} else {
		return 0;
	}
	/* A period that was too short for us counts from the guest's value all the same. */
	return min_t(u64, (left + (1U << shift) - 1) >> shift, t->initial);
}

void ivm_lapic_timer_set_divide(struct ivm_lapic *l, u32 value)
{
	struct ivm_lapic_timer *t = &l->timer;
	unsigned long flags;
	u64 left;

	raw_spin_lock_irqsave(&t->lock, flags);
	left = count(l);
	t->tdcr = value;
	/* The count goes on from where it is, at its new speed; an expiry not yet handled stays. */
	if (left) {
		t->target = ivm_irqchip_now(l->chip) + (left << divide_shift(t));
		arm(l);
	}
	raw_spin_unlock_irqrestore(&t->lock, flags);
}

u32 ivm_lapic_timer_initial(struct ivm_lapic *l)
{
	return l->timer.initial;
}

u32 ivm_lapic_timer_current(struct ivm_lapic *l)
{
	unsigned long flags;
	u32 left;

	raw_spin_lock_irqsave(&l->timer.lock, flags);
	left = count(l);
	raw_spin_unlock_irqrestore(&l->timer.lock, flags);
	return left;
}

u32 ivm_lapic_timer_divide(struct ivm_lapic *l)
{
	return l->timer.tdcr;
}

void ivm_lapic_timer_set_deadline(struct ivm_lapic *l, u64 tsc)
{
	struct ivm_lapic_timer *t = &l->timer;
	bool passed = false;
	unsigned long flags;
	u64 now;

	raw_spin_lock_irqsave(&t->lock, flags);
	if (!deadline_mode(l))
		goto unlock;
	t->deadline = tsc;
	if (unlikely(masked(l) || ivm_irqchip_frozen(l->chip))) {
		arm(l);
		goto unlock;
	}
	now = ivm_irqchip_tsc(l->chip);
	if (likely(tsc > now)) {
		start_deadline(l, tsc - now);
		goto unlock;
	}
	t->deadline = 0;
	arm(l);
	passed = tsc;	/* 0 only disarms */
unlock:
	raw_spin_unlock_irqrestore(&t->lock, flags);
	if (passed) {
		WRITE_ONCE(l->pending, 1);	/* our thread looks anyway: spare it the kick */
		ivm_lapic_local(l, IVM_LVT_TIMER);
	}
}

void ivm_lapic_timer_heard(struct ivm_lapic *l)
{
	struct ivm_lapic_timer *t = &l->timer;
	unsigned long flags;

	raw_spin_lock_irqsave(&t->lock, flags);
	if (t->unheard) {
		/* Periods that passed meanwhile are in the one interrupt that was taken. */
		if (due(l, time_now(l)))
			expire(l, time_now(l));
		arm(l);
	}
	raw_spin_unlock_irqrestore(&t->lock, flags);
}

u64 ivm_lapic_timer_deadline(struct ivm_lapic *l)
{
	struct ivm_lapic_timer *t = &l->timer;
	unsigned long flags;
	u64 deadline;

	raw_spin_lock_irqsave(&t->lock, flags);
	deadline = due(l, time_now(l)) ? 0 : t->deadline;
	raw_spin_unlock_irqrestore(&t->lock, flags);
	return deadline;
}
