// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the time goes. A vCPU's thread is followed by preemption notifiers: what
 * it uses counts from the switch to it to the switch away, whenever ticks come.
 *
 * To the times of a CPU (struct account_cpu) adds only who accounts for the vCPU
 * that is on it, with that one's lock held, and its thread itself: as there is
 * one thread at a time on a CPU, they need no lock of their own.
 */
#include "account.h"
#include "sched.h"

#include <linux/cpuhotplug.h>
#include <linux/kernel_stat.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <linux/tick.h>
#include <asm/msr.h>
#include <asm/tsc.h>

/* Since the CPU came online, or the module. */
struct account_cpu {
	u64 used, guest, met;		/* cycles: threads of vCPUs; of these, in guest mode, waiting for gangs */
	u64 wall_ns, idle_ns;		/* what the clocks showed in the beginning */
};

static DEFINE_PER_CPU(struct account_cpu, account_cpus);
static enum cpuhp_state account_state;

/**
 * ivm_account_ns() - from TSC cycles to ns
 * @cycles: a difference of TSC values
 */
u64 ivm_account_ns(u64 cycles)
{
	return mul_u64_u32_div(cycles, NSEC_PER_MSEC, tsc_khz);
}

/* Counts what passed up to now. */
static void account_touch(struct ivm_account_vcpu *vcpu, u64 now)
{
	struct ivm_account *gang = vcpu->gang;
	u64 passed;

	lockdep_assert_held(&gang->lock);
	if (now > gang->since) {	/* TSCs of two CPUs may differ by a little */
		passed = now - gang->since;
		if (gang->running) {
			gang->run += passed;
			if (gang->running == gang->wanting)
				gang->corun += passed;
		}
		gang->since = now;
	}
	if (now > vcpu->since) {
		passed = now - vcpu->since;
		if (vcpu->on) {
			vcpu->used += passed;
			per_cpu(account_cpus, vcpu->cpu).used += passed;
		} else if (vcpu->wants) {
			vcpu->ready += passed;
		}
		vcpu->since = now;
	}
}

/* The vCPU is @on a CPU from now on, or not; and wants to run, or not. */
static void account_change(struct ivm_account_vcpu *vcpu, bool on, bool wants)
{
	struct ivm_account *gang = vcpu->gang;

	lockdep_assert_held(&gang->lock);
	account_touch(vcpu, rdtsc());
	gang->running += (on && wants) - (vcpu->on && vcpu->wants);
	gang->wanting += wants - vcpu->wants;
	vcpu->on = on;
	vcpu->wants = wants;
}

static void account_sched_in(struct preempt_notifier *notifier, int cpu)
{
	struct ivm_account_vcpu *vcpu = container_of(notifier, struct ivm_account_vcpu, notifier);
	unsigned long flags;

	raw_spin_lock_irqsave(&vcpu->gang->lock, flags);
	vcpu->cpu = cpu;
	account_change(vcpu, true, vcpu->wants);
	raw_spin_unlock_irqrestore(&vcpu->gang->lock, flags);
}

/* With the run queue's lock held. */
static void account_sched_out(struct preempt_notifier *notifier, struct task_struct *next)
{
	struct ivm_account_vcpu *vcpu = container_of(notifier, struct ivm_account_vcpu, notifier);
	unsigned long flags;

	raw_spin_lock_irqsave(&vcpu->gang->lock, flags);
	account_change(vcpu, false, vcpu->wants);
	raw_spin_unlock_irqrestore(&vcpu->gang->lock, flags);
}

static struct preempt_ops account_ops = {
	.sched_in = account_sched_in,
	.sched_out = account_sched_out,
};

/**
 * ivm_account_gang() - nothing is counted yet
 * @gang: to fill
 */
void ivm_account_gang(struct ivm_account *gang)
{
	raw_spin_lock_init(&gang->lock);
	gang->since = rdtsc();
}

/* Likewise for a vCPU of it, whose thread does not exist yet. */
void ivm_account_vcpu(struct ivm_account_vcpu *vcpu, struct ivm_account *gang)
{
	vcpu->gang = gang;
	vcpu->since = rdtsc();
}

/**
 * ivm_account_attach() - from now on the thread that calls is the vCPU's
 * @vcpu: without a thread
 *
 * Context: the thread itself, until it calls ivm_account_detach().
 */
void ivm_account_attach(struct ivm_account_vcpu *vcpu)
{
	preempt_notifier_init(&vcpu->notifier, &account_ops);
	preempt_disable();
	preempt_notifier_register(&vcpu->notifier);
	account_sched_in(&vcpu->notifier, smp_processor_id());
	preempt_enable();
}

void ivm_account_detach(struct ivm_account_vcpu *vcpu)
{
	preempt_disable();
	preempt_notifier_unregister(&vcpu->notifier);
	account_sched_out(&vcpu->notifier, NULL);
	preempt_enable();
}

/**
 * ivm_account_want() - the vCPU begins or ceases to be able to run
 * @vcpu:  the vCPU
 * @wants: which
 *
 * Context: any; calls for a vCPU are serialised by the caller.
 */
void ivm_account_want(struct ivm_account_vcpu *vcpu, bool wants)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vcpu->gang->lock, flags);
	account_change(vcpu, vcpu->on, wants);
	raw_spin_unlock_irqrestore(&vcpu->gang->lock, flags);
}

/**
 * ivm_account_used() - how long the vCPU's thread was on a CPU, up to now
 * @vcpu: the vCPU
 *
 * Its core's and its gang's times are up to date then, too.
 *
 * Context: any.
 * Return: cycles.
 */
u64 ivm_account_used(struct ivm_account_vcpu *vcpu)
{
	unsigned long flags;
	u64 used;

	raw_spin_lock_irqsave(&vcpu->gang->lock, flags);
	account_touch(vcpu, rdtsc());
	used = vcpu->used;
	raw_spin_unlock_irqrestore(&vcpu->gang->lock, flags);
	return used;
}

/**
 * ivm_account_guest() - the thread was in guest mode
 * @vcpu:   its vCPU
 * @cycles: for so long, since it said so last
 *
 * Context: the thread itself, preemption off since it was there.
 */
void ivm_account_guest(struct ivm_account_vcpu *vcpu, u64 cycles)
{
	WRITE_ONCE(vcpu->guest, vcpu->guest + cycles);
	__this_cpu_add(account_cpus.guest, cycles);
}

/* Likewise: it waited on its core for its gang. Preemption may be on: a few cycles may count for another core. */
void ivm_account_met(struct ivm_account_vcpu *vcpu, u64 cycles)
{
	WRITE_ONCE(vcpu->met, vcpu->met + cycles);
	this_cpu_add(account_cpus.met, cycles);
}

/* Time that @cpu was idle, by the tick's own time stamps, or, where it has none, by its counts. */
static u64 account_idle_ns(unsigned int cpu)
{
	u64 us = get_cpu_idle_time_us(cpu, NULL);

	if (us != -1ULL)
		return us * NSEC_PER_USEC;
	return kcpustat_cpu(cpu).cpustat[CPUTIME_IDLE] + kcpustat_cpu(cpu).cpustat[CPUTIME_IOWAIT];
}

/**
 * ivm_account_core() - where the time of a CPU went
 * @cpu:   online
 * @times: filled
 *
 * Context: any. What the vCPU that is on it uses is counted up to when
 * ivm_account_used() was called for it last.
 */
void ivm_account_core(unsigned int cpu, struct ivm_core_times *times)
{
	struct account_cpu *c = per_cpu_ptr(&account_cpus, cpu);
	u64 used = ivm_account_ns(READ_ONCE(c->used)), inside;

	times->guest_ns = ivm_account_ns(READ_ONCE(c->guest));
	times->gang_ns = ivm_account_ns(READ_ONCE(c->met));
	inside = times->guest_ns + times->gang_ns;
	times->hyp_ns = used > inside ? used - inside : 0;
	times->held_ns = 0;	/* see ivm_guard_times() */
	times->held_irq_ns = 0;
	times->idle_ns = account_idle_ns(cpu) - READ_ONCE(c->idle_ns);
	times->wall_ns = ktime_get_ns() - READ_ONCE(c->wall_ns);
	inside += times->hyp_ns + times->idle_ns;
	times->host_ns = times->wall_ns > inside ? times->wall_ns - inside : 0;
}

static int account_online(unsigned int cpu)
{
	struct account_cpu *c = per_cpu_ptr(&account_cpus, cpu);

	*c = (struct account_cpu) { .wall_ns = ktime_get_ns(), .idle_ns = account_idle_ns(cpu) };
	return 0;
}

/**
 * ivm_account_init() - begin to count
 *
 * To be called before anything can place vCPUs.
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int ivm_account_init(void)
{
	int state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "ivm/account:online", account_online, NULL);

	if (state < 0)
		return state;
	account_state = state;
	preempt_notifier_inc();
	return 0;
}

void ivm_account_exit(void)
{
	preempt_notifier_dec();
	cpuhp_remove_state_nocalls(account_state);
}
