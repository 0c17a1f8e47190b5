// SPDX-License-Identifier: GPL-2.0-only
/*
 * P7 under the policy guard: siblings stay online, and run nothing but
 * interrupts while their core is in guest mode.
 *
 * Each CPU has a thread, the holder, above all that the scheduler orders by
 * priority. A vCPU's thread that is about to enter asks the holders of its core's
 * other CPUs to hold, and they spin there until it leaves its CPU. Before each
 * entry the vCPU says that it goes inside, then looks whether all hold; a holder
 * that has to go says that it does not hold, then looks who is inside, interrupts
 * him, and waits until he is out: one of the two sees the other. It does so also
 * when it is scheduled out, before whoever is next begins.
 *
 * In the host's part of a slice a holder gives way to anybody who wants its CPU;
 * where the kernel throttles real-time threads, also when nobody does.
 *
 * A CPU that comes online runs things before it has a holder, and one that goes
 * after it has none any more; nor is it known which core such a CPU belongs to. So
 * all are kept out meanwhile.
 *
 * Locks: none but those of CPU hotplug, whose callbacks alone change who has a
 * holder. The CPUs of a core that have one are a ring; one that is taken out goes
 * on to point into it, for whoever is on the way around.
 */
#include "guard.h"
#include "gang.h"
#include "sched.h"
#include "../why.h"

#include <linux/atomic.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/rt.h>
#include <linux/sched/stat.h>
#include <linux/smp.h>
#include <linux/topology.h>
#include <asm/msr.h>
#include <asm/tsc.h>
#include <uapi/linux/sched/types.h>

#define WAIT_US		100	/* that a vCPU's thread spins until its siblings are held, before it sleeps */
#define NAP_NS		(200 * NSEC_PER_USEC)	/* after which a holder looks whether its CPU is free for it, in the host's part */
#define SHUT_SPINS	16	/* rounds with interrupts off, between those in which they are taken */
#define IRQ_PER_MSEC	5000	/* 0.2 us: if it takes longer to let interrupts in, some came */

/* Of each CPU. (h) hotplug callbacks, while nobody is inside  (o) its holder, interrupts off */
struct guard_cpu {
	unsigned int cpu;		/* (h) */
	struct guard_cpu *next;		/* (h) the ring of its core; itself when it is alone there */
	struct task_struct *task;	/* (h) the holder; NULL: none */
	struct preempt_notifier notifier;	/* of the holder */
	struct ivm_guard_vcpu *asker;	/* the vCPU here that has asked for all others of the core last; NULL: nobody wants them */
	bool holding;			/* (o) nothing else runs here; read by all */
	u64 since;			/* (o) up to when it is counted */
	u64 held, irq;			/* (o) cycles: it held; of these, it was interrupted */
	bool inside;			/* a vCPU is in guest mode here, or about to be; written here only */
};

DEFINE_STATIC_KEY_FALSE(ivm_guard_on);	/* between ivm_guard_start() and ivm_guard_stop() */
static DEFINE_PER_CPU_ALIGNED(struct guard_cpu, guard_cpus);
static atomic_t guard_closed;		/* CPUs that are between offline and having a holder: nobody enters */
static enum cpuhp_state guard_state, guard_prepare_state;

/* ---- the ring of a core ---- */

/*
 * All others from @me on, for (h = guard_first(me); h; h = guard_next(me, h)): each
 * once. If @me was taken out meanwhile, it does not come by again: the way ends
 * where it began. Preemption is off: guard_cpu_offline() waits for that.
 */
static struct guard_cpu *guard_first(const struct guard_cpu *me)
{
	struct guard_cpu *first = READ_ONCE(me->next);

	return first == me ? NULL : first;
}

static struct guard_cpu *guard_next(const struct guard_cpu *me, const struct guard_cpu *h)
{
	struct guard_cpu *next = READ_ONCE(h->next);

	return next == me || next == READ_ONCE(me->next) ? NULL : next;
}

/* ---- holders ---- */

/* Whoever is in guest mode on @c is not when this returns. */
static void guard_expel(struct guard_cpu *c)
{
	if (READ_ONCE(c->inside))
		smp_send_reschedule(c->cpu);
	while (smp_load_acquire(&c->inside))
		cpu_relax();
}

/*
 * Called with interrupts off, maybe with the run queue's lock: whoever is inside
 * takes no lock before he is out.
 */
static void guard_let_go(struct guard_cpu *h)
{
	struct guard_cpu *c;

	if (!h->holding)
		return;
	WRITE_ONCE(h->holding, false);
	smp_mb();	/* pairs with the one in ivm_guard_may_enter() */
	for (c = guard_first(h); c; c = guard_next(h, c))
		guard_expel(c);
	WRITE_ONCE(h->held, h->held + rdtsc() - h->since);
}

static void guard_sched_in(struct preempt_notifier *notifier, int cpu)
{
}

static void guard_sched_out(struct preempt_notifier *notifier, struct task_struct *next)
{
	guard_let_go(container_of(notifier, struct guard_cpu, notifier));
}

static struct preempt_ops guard_ops = {
	.sched_in = guard_sched_in,
	.sched_out = guard_sched_out,
};

/*
 * In the host's part of a slice, a holder gives way to whoever wants its CPU; to
 * nobody at all where the kernel would throttle it for running without a break.
 */
static bool guard_gives_way(void)
{
	return ivm_reserve_hosts_part() && (ivm_reserve_limited() || !single_task_running());
}

/* Does a vCPU beside it want the CPU held? Preemption off, or its own holder asks. */
static bool guard_wanted(const struct guard_cpu *h)
{
	const struct guard_cpu *c;

	for (c = guard_first(h); c; c = guard_next(h, c))
		if (READ_ONCE(c->asker))
			return true;
	return false;
}

/* Preemption off: guard_cpu_offline() waits for that before the thread ends. */
static void guard_wake(struct guard_cpu *h)
{
	struct task_struct *task = READ_ONCE(h->task);

	if (task && !READ_ONCE(h->holding))
		wake_up_process(task);
}

/* May the holder that runs hold? With interrupts off. */
static bool guard_shall(struct guard_cpu *h)
{
	return guard_wanted(h) && smp_processor_id() == h->cpu && !kthread_should_stop() && !guard_gives_way();
}

/* One round. Return: whether it began to hold, with interrupts off. */
static bool guard_round(struct guard_cpu *h)
{
	bool begins = !h->holding;
	unsigned int i;
	u64 now, then;

	if (begins) {
		h->since = rdtsc();
		WRITE_ONCE(h->holding, true);
		smp_mb();	/* pairs with the one in ivm_guard_hold() */
		return true;
	}
	for (i = 0; i < SHUT_SPINS && guard_wanted(h); i++)
		cpu_relax();
	now = rdtsc();
	WRITE_ONCE(h->held, h->held + now - h->since);
	h->since = now;
	local_irq_enable();
	cpu_relax();
	local_irq_disable();
	then = rdtsc();
	/* Else it was scheduled out: that is no interrupt. */
	if (h->holding && then - now > tsc_khz / IRQ_PER_MSEC)
		WRITE_ONCE(h->irq, h->irq + then - now);
	return false;
}

/* Until nobody wants it any more, or it has to give way. */
static void guard_hold(struct guard_cpu *h)
{
	struct guard_cpu *c;

	local_irq_disable();
	while (guard_shall(h)) {
		if (guard_round(h)) {
			preempt_disable();
			local_irq_enable();
			for (c = guard_first(h); c; c = guard_next(h, c))
				ivm_gang_held(c->cpu);
			preempt_enable();
		} else {
			local_irq_enable();
		}
		cond_resched();
		local_irq_disable();
	}
	guard_let_go(h);
	local_irq_enable();
}

/* Until somebody wants the CPU held, or a little, if it had to give way. */
static void guard_rest(struct guard_cpu *h)
{
	ktime_t nap = ns_to_ktime(NAP_NS);
	bool wanted;

	set_current_state(TASK_IDLE);
	preempt_disable();
	wanted = guard_wanted(h);
	preempt_enable();
	if (wanted)
		schedule_hrtimeout(&nap, HRTIMER_MODE_REL);
	else if (!kthread_should_stop())
		schedule();
	__set_current_state(TASK_RUNNING);
}

static int guard_main(void *data)
{
	struct guard_cpu *h = data;

	preempt_notifier_init(&h->notifier, &guard_ops);
	preempt_disable();
	preempt_notifier_register(&h->notifier);
	preempt_enable();
	while (!kthread_should_stop()) {
		guard_hold(h);
		guard_rest(h);
	}
	preempt_disable();
	preempt_notifier_unregister(&h->notifier);
	preempt_enable();
	return 0;
}

/**
 * ivm_guard_slice() - the host's part of a slice is over: holders that gave way come back
 *
 * Context: may sleep.
 */
void ivm_guard_slice(void)
{
	struct guard_cpu *h;
	unsigned int cpu;

	if (!static_branch_unlikely(&ivm_guard_on))
		return;
	preempt_disable();	/* for the ring; and who has to go is not gone meanwhile */
	for_each_online_cpu(cpu) {
		h = per_cpu_ptr(&guard_cpus, cpu);
		if (guard_wanted(h))
			guard_wake(h);
	}
	preempt_enable();
}

/* ---- threads of vCPUs ---- */

static bool guard_held(struct guard_cpu *me)
{
	struct guard_cpu *h;

	if (unlikely(atomic_read(&guard_closed)))
		return false;
	for (h = guard_first(me); h; h = guard_next(me, h))
		if (!READ_ONCE(h->holding))
			return false;
	return true;
}

/**
 * ivm_guard_may_enter() - the last look before guest mode
 *
 * Context: interrupts off; if true, ivm_guard_has_left() follows, and no lock is
 * taken before.
 * Return: whether all siblings of this CPU are held.
 */
bool ivm_guard_may_enter(void)
{
	struct guard_cpu *me = this_cpu_ptr(&guard_cpus);

	smp_store_mb(me->inside, true);	/* see guard_let_go() */
	if (likely(guard_held(me)))
		return true;
	WRITE_ONCE(me->inside, false);
	return false;
}

/* Guest mode is over. */
void ivm_guard_has_left(void)
{
	smp_store_release(&this_cpu_ptr(&guard_cpus)->inside, false);
}

/* What another vCPU asked for on the same CPU since then stays. */
static void guard_release(struct ivm_guard_vcpu *guard)
{
	struct guard_cpu *me = guard->asked;

	guard->asked = NULL;
	if (me)
		cmpxchg(&me->asker, guard, NULL);
}

/* Has the thread that asks, on @me with preemption off, the others of the core held? Wakes them once. */
static bool guard_ask(struct ivm_guard_vcpu *guard, struct guard_cpu *me)
{
	struct guard_cpu *h;

	if (READ_ONCE(me->asker) != guard) {
		guard_release(guard);	/* elsewhere, if it was moved */
		guard->asked = me;
		WRITE_ONCE(me->asker, guard);	/* a holder that is about to sleep sees it, or is woken */
		smp_mb();
		for (h = guard_first(me); h; h = guard_next(me, h))
			guard_wake(h);
	}
	return guard_held(me);
}

static bool guard_ask_here(struct ivm_guard_vcpu *guard)
{
	bool held;

	preempt_disable();
	held = guard_ask(guard, this_cpu_ptr(&guard_cpus));
	preempt_enable();
	return held;
}

/**
 * ivm_guard_hold() - have the siblings held
 * @vcpu: whose thread calls, on its core, in its turn
 *
 * Context: may be preempted. If false, it sleeps until it is told to look.
 * Return: whether they are; they may not be any more when the caller looks again.
 */
bool ivm_guard_hold(struct ivm_gang_vcpu *vcpu)
{
	struct ivm_guard_vcpu *guard = &vcpu->guard;
	u64 begin, limit;

	if (!static_branch_unlikely(&ivm_guard_on))
		return true;
	WRITE_ONCE(guard->waits, false);
	if (guard_ask_here(guard))
		return true;
	begin = rdtsc();
	limit = (u64)tsc_khz * WAIT_US / USEC_PER_MSEC;
	while (READ_ONCE(vcpu->turn) && !need_resched() && rdtsc() - begin < limit) {
		cpu_relax();
		if (guard_ask_here(guard))
			return true;
	}
	/* From here on what was asked for stays when the thread is scheduled out; it may have been before: ask again. */
	WRITE_ONCE(guard->waits, true);
	smp_mb();	/* a holder begins to hold, then reads waits */
	if (!guard_ask_here(guard))
		return false;
	WRITE_ONCE(guard->waits, false);
	return true;
}

/* The thread has no use for its core now. */
void ivm_guard_leave(struct ivm_guard_vcpu *guard)
{
	if (!static_branch_unlikely(&ivm_guard_on))
		return;
	WRITE_ONCE(guard->waits, false);
	guard_release(guard);
}

static void guard_vcpu_sched_in(struct preempt_notifier *notifier, int cpu)
{
}

/* Nobody is held for who is not there; but for who waits for that. */
static void guard_vcpu_sched_out(struct preempt_notifier *notifier, struct task_struct *next)
{
	struct ivm_guard_vcpu *guard = container_of(notifier, struct ivm_guard_vcpu, notifier);

	if (!guard->waits)
		guard_release(guard);
}

static struct preempt_ops guard_vcpu_ops = {
	.sched_in = guard_vcpu_sched_in,
	.sched_out = guard_vcpu_sched_out,
};

/**
 * ivm_guard_attach() - the thread that calls is a vCPU's
 * @guard: of that
 *
 * Context: the thread itself, until it calls ivm_guard_detach().
 */
void ivm_guard_attach(struct ivm_guard_vcpu *guard)
{
	if (!static_branch_unlikely(&ivm_guard_on))
		return;
	preempt_notifier_init(&guard->notifier, &guard_vcpu_ops);
	preempt_disable();
	preempt_notifier_register(&guard->notifier);
	preempt_enable();
}

void ivm_guard_detach(struct ivm_guard_vcpu *guard)
{
	if (!static_branch_unlikely(&ivm_guard_on))
		return;
	ivm_guard_leave(guard);
	preempt_disable();
	preempt_notifier_unregister(&guard->notifier);
	preempt_enable();
}

/* ---- CPU hotplug ---- */

static void guard_close(void)
{
	unsigned int cpu;

	atomic_inc(&guard_closed);
	smp_mb__after_atomic();	/* pairs with the one in ivm_guard_may_enter() */
	for_each_online_cpu(cpu)
		guard_expel(per_cpu_ptr(&guard_cpus, cpu));
}

static void guard_open(void)
{
	unsigned int cpu;

	if (!atomic_dec_and_test(&guard_closed))
		return;
	for_each_online_cpu(cpu)
		ivm_gang_held(cpu);
}

static int guard_cpu_comes(unsigned int cpu)
{
	guard_close();
	return 0;
}

static int guard_cpu_gone(unsigned int cpu)
{
	guard_open();
	return 0;
}

/* Into the ring of its core. */
static void guard_link(struct guard_cpu *h)
{
	struct guard_cpu *other;
	unsigned int cpu;

	h->next = h;
	for_each_cpu(cpu, topology_sibling_cpumask(h->cpu)) {
		other = per_cpu_ptr(&guard_cpus, cpu);
		if (other == h || !other->task)
			continue;
		WRITE_ONCE(h->next, other->next);
		WRITE_ONCE(other->next, h);
		return;
	}
}

static void guard_unlink(struct guard_cpu *h)
{
	struct guard_cpu *before;

	for (before = h->next; before->next != h; before = before->next)
		;
	WRITE_ONCE(before->next, h->next);
}

static int guard_cpu_online(unsigned int cpu)
{
	static const struct sched_attr highest = {
		.size = sizeof(highest),
		.sched_policy = SCHED_FIFO,
		.sched_priority = MAX_RT_PRIO - 1,
	};
	struct guard_cpu *h = per_cpu_ptr(&guard_cpus, cpu);
	struct task_struct *task;
	int err;

	task = kthread_create_on_cpu(guard_main, h, cpu, "ivm_hold/%u");
	if (IS_ERR(task))
		return PTR_ERR(task);
	err = sched_setattr_nocheck(task, &highest);
	if (err) {
		kthread_stop(task);
		return err;
	}
	WRITE_ONCE(h->asker, NULL);
	guard_link(h);
	WRITE_ONCE(h->task, task);
	wake_up_process(task);
	guard_open();
	return 0;
}

static int guard_cpu_offline(unsigned int cpu)
{
	struct guard_cpu *h = per_cpu_ptr(&guard_cpus, cpu);
	struct task_struct *task = h->task;

	guard_close();
	guard_unlink(h);
	WRITE_ONCE(h->task, NULL);
	synchronize_rcu();	/* nobody wakes it any more, nor is on the way around */
	kthread_stop(task);
	return 0;
}

/* ---- for others ---- */

void ivm_guard_times(unsigned int cpu, struct ivm_core_times *times)
{
	const struct guard_cpu *h;
	u64 held = 0, irq = 0;
	unsigned int other;

	for_each_cpu(other, topology_sibling_cpumask(cpu)) {
		h = per_cpu_ptr(&guard_cpus, other);
		held += other == cpu ? 0 : READ_ONCE(h->held);
		irq += other == cpu ? 0 : READ_ONCE(h->irq);
	}
	times->held_ns = ivm_account_ns(held);
	times->held_irq_ns = ivm_account_ns(irq);
	times->wall_ns += times->held_ns;
}

/**
 * ivm_guard_start() - a holder for each CPU, from now on
 * @why: filled on refusal
 *
 * Context: may sleep; no vCPU has a thread.
 * Return: 0 or a negative errno: there are none then.
 */
int ivm_guard_start(struct ivm_why *why)
{
	unsigned int cpu;
	int state;

	if (static_key_enabled(&ivm_guard_on))
		return 0;
	for_each_possible_cpu(cpu) {
		per_cpu(guard_cpus, cpu).cpu = cpu;
		per_cpu(guard_cpus, cpu).next = per_cpu_ptr(&guard_cpus, cpu);
	}
	state = cpuhp_setup_state(CPUHP_BP_PREPARE_DYN, "ivm/guard:prepare", guard_cpu_comes, guard_cpu_gone);
	if (state < 0)
		goto err;
	guard_prepare_state = state;
	state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "ivm/guard:online", guard_cpu_online, guard_cpu_offline);
	if (state < 0) {
		cpuhp_remove_state(guard_prepare_state);
		goto err;
	}
	guard_state = state;
	static_branch_enable(&ivm_guard_on);
	return 0;
err:
	return ivm_why(why, 0, state,
		       "siblings of vCPUs cannot be held, no thread can be made for that (error %d): try again, or have them offline (ivmctl host set smt=exclusive)",
		       state);
}

/**
 * ivm_guard_stop() - undo ivm_guard_start(), if it was done
 *
 * Context: may sleep; no vCPU has a thread.
 */
void ivm_guard_stop(void)
{
	if (!static_key_enabled(&ivm_guard_on))
		return;
	static_branch_disable(&ivm_guard_on);
	cpuhp_remove_state(guard_state);
	cpuhp_remove_state(guard_prepare_state);
}
