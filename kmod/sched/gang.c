// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who runs when: the plan of share.c put into effect.
 *
 * Time is cut into slices of slice_ms, at the same instants on all cores. Each
 * core where a vCPU wants to run has a timer for them; the first to fire plans
 * the slice, and every thread whose turn begins or ends is told to look. A
 * thread whose turn it is not sleeps; so two vCPUs of one core never contend in
 * the host's scheduler, and one that wakes is planned for by whoever wakes it.
 *
 * CPU hotplug may let a timer fire on another CPU than its core's: it serves its
 * core all the same.
 */
#include "gang.h"
#include "../why.h"

#include <linux/bitops.h>
#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/topology.h>

#define SLICE_MS_MAX	100U

static unsigned int slice_ms = 10;
module_param(slice_ms, uint, 0644);
MODULE_PARM_DESC(slice_ms, "milliseconds for which a gang has its cores when others wait for them, 1 to 100");

/* Of a core, by the CPU that leads it; all by ivm_gang_lock. */
struct gang_core {
	struct hrtimer timer;
	bool armed;			/* the timer runs, or its callback is under way */
	unsigned int wanting;		/* vCPUs that want this core, with one that keeps it */
	struct ivm_gang_vcpu *holder;	/* whose turn it is, as its thread was told */
};

DEFINE_MUTEX(ivm_admit_lock);
DEFINE_RAW_SPINLOCK(ivm_gang_lock);
LIST_HEAD(ivm_gangs);

static struct ivm_plan gang_plan;	/* by ivm_gang_lock, with the next ones */
static struct ivm_turn *gang_turns;
static struct gang_core *gang_cores;
static u64 gang_slice;			/* when the slice that is planned began, ns of CLOCK_MONOTONIC */

u64 ivm_slice_ns(void)
{
	return clamp(READ_ONCE(slice_ms), 1U, SLICE_MS_MAX) * (u64)NSEC_PER_MSEC;
}

struct ivm_gang_vcpu *ivm_gang_vcpu(struct ivm_gang *gang, unsigned int index)
{
	return &gang->vcpu[index];
}

static struct ivm_share *gang_share(struct ivm_gang_vcpu *vcpu, unsigned int *member)
{
	bool together = ivm_gang_together(vcpu->gang);

	*member = together ? vcpu->index : 0;
	return together ? &vcpu->gang->group : &vcpu->single;
}

static struct ivm_gang_vcpu *gang_turn_of(unsigned int cpu)
{
	const struct ivm_turn *turn = &gang_turns[cpu];
	struct ivm_gang *gang;

	if (!turn->share)
		return NULL;
	gang = turn->share->owner;
	return &gang->vcpu[turn->share->first + turn->member];
}

/* ---- who keeps a turn ---- */

/*
 * Guests halt and wake all the time. Who halts on a core that nobody else wants
 * keeps its turn, so that it need not be planned for when it wakes: until the
 * slice ends, or somebody wants the core. To the plan it is one that wants it.
 */
static bool gang_may_keep(const struct ivm_gang_vcpu *vcpu)
{
	u64 awaited = vcpu->gang->expected & ~vcpu->gang->entered;
	int cpu = vcpu->gang->member[vcpu->index].cpu;

	return vcpu->turn && cpu >= 0 && gang_cores[cpu].wanting == 1 && !(awaited & BIT_ULL(vcpu->index));
}

static void gang_keep(struct ivm_gang_vcpu *vcpu)
{
	WRITE_ONCE(vcpu->wants, false);
	WRITE_ONCE(vcpu->pass, false);
	ivm_account_want(&vcpu->account, false);
	WRITE_ONCE(vcpu->keeps, true);
}

static void gang_give_back(struct ivm_gang_vcpu *vcpu)
{
	struct ivm_share *share;
	unsigned int member;
	int cpu;

	if (!vcpu->keeps)
		return;
	WRITE_ONCE(vcpu->keeps, false);
	share = gang_share(vcpu, &member);
	cpu = share->member[member].cpu;
	if (cpu >= 0)
		gang_cores[cpu].wanting--;
	ivm_share_rest(&gang_plan, share, member);
}

/* Whose turn it is, and who has a use for it; NULL: nobody. */
static struct ivm_gang_vcpu *gang_user(unsigned int cpu)
{
	struct ivm_gang_vcpu *holder = gang_cores[cpu].holder;

	return holder && !holder->keeps ? holder : NULL;
}

/* ---- the plan into effect ---- */

static void gang_look(struct ivm_gang_vcpu *vcpu)
{
	WRITE_ONCE(vcpu->pass, false);
	if (vcpu->task && vcpu->wants)
		vcpu->gang->ops->look(vcpu->gang->ctx, vcpu->index);
}

static void gang_end_turn(struct gang_core *core, struct ivm_gang_vcpu *asker)
{
	struct ivm_gang_vcpu *vcpu = core->holder;

	core->holder = NULL;
	if (!vcpu)
		return;
	WRITE_ONCE(vcpu->turn, false);
	WRITE_ONCE(vcpu->pass, false);
	ivm_meet_excuse(vcpu);
	if (vcpu != asker)
		gang_look(vcpu);
}

static void gang_begin_turn(struct gang_core *core, struct ivm_gang_vcpu *vcpu)
{
	core->holder = vcpu;
	if (ivm_gang_together(vcpu->gang))
		vcpu->gang->fresh |= BIT_ULL(vcpu->index);
	WRITE_ONCE(vcpu->turn, true);
}

/*
 * Tells everybody what changed in the plan, first who has to go, then who may
 * come; but not @asker, if there is one, whose thread looks just now.
 */
static void gang_apply(struct ivm_gang_vcpu *asker)
{
	static struct cpumask changed;	/* under ivm_gang_lock: too big for the stack */
	struct ivm_gang_vcpu *vcpu;
	unsigned int cpu;
	bool any = false;

	lockdep_assert_held(&ivm_gang_lock);
	if (cpumask_empty(&gang_plan.changed))
		return;
	/* Who kept a turn, and has lost it with its gang's, has no use for another one. */
	for_each_cpu(cpu, &gang_plan.changed) {
		vcpu = gang_cores[cpu].holder;
		if (vcpu && vcpu != gang_turn_of(cpu))
			gang_give_back(vcpu);
	}
	cpumask_clear(&changed);
	for_each_cpu(cpu, &gang_plan.changed)
		if (gang_turn_of(cpu) != gang_cores[cpu].holder)
			cpumask_set_cpu(cpu, &changed);
	cpumask_clear(&gang_plan.changed);
	for_each_cpu(cpu, &changed)
		gang_end_turn(&gang_cores[cpu], asker);
	for_each_cpu(cpu, &changed) {
		vcpu = gang_turn_of(cpu);
		if (vcpu)
			gang_begin_turn(&gang_cores[cpu], vcpu);
	}
	for_each_cpu(cpu, &changed) {
		vcpu = gang_cores[cpu].holder;
		if (!vcpu)
			continue;
		any = true;
		ivm_meet_call(vcpu->gang);
	}
	for_each_cpu(cpu, &changed) {
		vcpu = gang_cores[cpu].holder;
		if (vcpu && vcpu != asker)
			gang_look(vcpu);
	}
	if (any)
		ivm_reserve_wake();
}

/* A slice is over: kept turns end, and what all vCPUs used since this was asked last goes into the plan. */
static void gang_charge(void)
{
	struct ivm_gang_vcpu *vcpu;
	struct ivm_gang *gang;
	unsigned int i;
	u64 used;

	list_for_each_entry(gang, &ivm_gangs, link) {
		for (i = 0; i < gang->nr; i++) {
			vcpu = &gang->vcpu[i];
			gang_give_back(vcpu);
			if (!vcpu->wants && READ_ONCE(vcpu->account.used) == vcpu->charged)
				continue;
			used = ivm_account_used(&vcpu->account);
			gang->member[i].used_ns += ivm_account_ns(used - vcpu->charged);
			vcpu->charged = used;
		}
	}
}

/* Plans the slice that the clock is in, unless that is done. */
static void gang_catch_up(u64 now)
{
	u64 slice = ivm_slice_ns(), begin = now - now % slice, before = gang_slice;

	lockdep_assert_held(&ivm_gang_lock);
	if (begin == before)
		return;
	gang_plan.slice_ns = slice;
	gang_slice = begin;
	gang_charge();
	gang_apply(NULL);	/* ivm_plan_slice() tells only what it changes itself */
	/* The first slice after a change of their length may have begun before the last one. */
	ivm_plan_slice(&gang_plan, begin > before ? begin - before : 0);
	gang_apply(NULL);
}

static enum hrtimer_restart gang_timer(struct hrtimer *timer)
{
	struct gang_core *core = container_of(timer, struct gang_core, timer);
	unsigned long flags;
	bool again;

	raw_spin_lock_irqsave(&ivm_gang_lock, flags);
	gang_catch_up(ktime_get_ns());
	again = core->armed = core->wanting;
	if (again)
		hrtimer_set_expires(timer, ns_to_ktime(gang_slice + gang_plan.slice_ns));
	raw_spin_unlock_irqrestore(&ivm_gang_lock, flags);
	return again ? HRTIMER_RESTART : HRTIMER_NORESTART;
}

/* Called on the core's CPU, if hotplug did not interfere. */
static void gang_arm(struct gang_core *core)
{
	lockdep_assert_held(&ivm_gang_lock);
	if (core->armed)
		return;
	core->armed = true;
	hrtimer_start(&core->timer, ns_to_ktime(gang_slice + gang_plan.slice_ns), HRTIMER_MODE_ABS_PINNED_HARD);
}

/* ---- what vCPUs say ---- */

static void gang_want(struct ivm_gang_vcpu *vcpu)
{
	unsigned int member;
	struct ivm_share *share = gang_share(vcpu, &member);
	int cpu = share->member[member].cpu;

	if (vcpu->wants)
		return;
	gang_catch_up(ktime_get_ns());
	WRITE_ONCE(vcpu->wants, true);
	ivm_account_want(&vcpu->account, true);
	if (vcpu->keeps) {
		WRITE_ONCE(vcpu->keeps, false);
		return;
	}
	if (cpu >= 0) {
		if (gang_cores[cpu].holder)
			gang_give_back(gang_cores[cpu].holder);
		gang_cores[cpu].wanting++;
	}
	ivm_share_want(&gang_plan, share, member);
}

static void gang_unwant(struct ivm_gang_vcpu *vcpu)
{
	if (vcpu->wants)
		gang_keep(vcpu);
	gang_give_back(vcpu);
}

/**
 * ivm_gang_wake() - the vCPU may have a reason to run again
 * @vcpu: the vCPU
 *
 * If its turn can begin now, its thread is told to look.
 *
 * Context: any, but not from look().
 */
void ivm_gang_wake(struct ivm_gang_vcpu *vcpu)
{
	unsigned long flags;
	bool kept;

	if (READ_ONCE(vcpu->wants))
		return;
	raw_spin_lock_irqsave(&ivm_gang_lock, flags);
	if (vcpu->task) {
		kept = vcpu->keeps;
		gang_want(vcpu);
		gang_apply(NULL);
		if (kept)	/* no turn begins that would tell it; it may have looked, and sleep again */
			gang_look(vcpu);
	}
	raw_spin_unlock_irqrestore(&ivm_gang_lock, flags);
}

/**
 * ivm_gang_nudge() - the vCPU's thread has something to do that is not running the guest
 * @vcpu: the vCPU; its thread was woken
 *
 * The thread whose turn it is lets it through.
 *
 * Context: any, but not from look().
 */
void ivm_gang_nudge(struct ivm_gang_vcpu *vcpu)
{
	struct ivm_gang_vcpu *holder;
	unsigned long flags;
	int cpu;

	raw_spin_lock_irqsave(&ivm_gang_lock, flags);
	cpu = vcpu->gang->member[vcpu->index].cpu;
	holder = cpu >= 0 ? gang_cores[cpu].holder : NULL;
	if (holder && holder != vcpu) {
		holder->yields = true;
		gang_look(holder);
	}
	raw_spin_unlock_irqrestore(&ivm_gang_lock, flags);
}

/* Return: whether the thread may go on, and what it has to do before. */
static bool gang_ask(struct ivm_gang_vcpu *vcpu, bool *yields)
{
	struct gang_core *core;
	bool turn;
	int cpu;

	raw_spin_lock_irq(&ivm_gang_lock);
	gang_want(vcpu);
	gang_apply(vcpu);
	cpu = vcpu->gang->member[vcpu->index].cpu;
	core = cpu >= 0 ? &gang_cores[cpu] : NULL;
	if (core)
		gang_arm(core);
	*yields = vcpu->yields;
	vcpu->yields = false;
	turn = vcpu->turn;
	WRITE_ONCE(vcpu->pass, turn && !vcpu->meets && !*yields);
	raw_spin_unlock_irq(&ivm_gang_lock);
	return turn;
}

/**
 * ivm_gang_enter() - may the vCPU run the guest now?
 * @vcpu: whose thread calls; it wants to run from now on
 *
 * Waits for the others of its gang, where it begins together with them.
 *
 * Context: may sleep.
 * Return: true: it may enter; false: it sleeps until it is told to look.
 */
bool ivm_gang_enter(struct ivm_gang_vcpu *vcpu)
{
	bool yields;

	while (!READ_ONCE(vcpu->pass)) {
		if (!gang_ask(vcpu, &yields)) {
			ivm_guard_leave(&vcpu->guard);
			ivm_reserve_leave(vcpu);
			/* It may be its turn meanwhile: then it was told, and finds out before it sleeps. */
			return false;
		}
		ivm_reserve_match(vcpu);
		if (yields)
			yield();	/* to threads of our own, of the same priority */
		if (!ivm_guard_hold(vcpu))
			goto wait;
		if (READ_ONCE(vcpu->meets))
			ivm_meet(vcpu);
	}
	if (likely(ivm_guard_hold(vcpu)))
		return true;
wait:
	ivm_reserve_leave(vcpu);
	return false;
}

/**
 * ivm_gang_left() - the vCPU's thread was in the guest
 * @vcpu:         whose thread calls, preemption off since it entered
 * @entered:      TSC when it entered
 * @guest_cycles: how long it was in guest mode since then
 *
 * Context: preemption off; interrupts on or off.
 */
void ivm_gang_left(struct ivm_gang_vcpu *vcpu, u64 entered, u64 guest_cycles)
{
	unsigned long flags;

	ivm_account_guest(&vcpu->account, guest_cycles);
	if (likely(!vcpu->met))
		return;
	vcpu->met = false;
	raw_spin_lock_irqsave(&ivm_gang_lock, flags);
	ivm_meet_entered(vcpu, entered);
	raw_spin_unlock_irqrestore(&ivm_gang_lock, flags);
}

static void gang_rest(struct ivm_gang_vcpu *vcpu, bool soon_back)
{
	ivm_guard_leave(&vcpu->guard);
	ivm_reserve_leave(vcpu);
	if (!READ_ONCE(vcpu->wants) && (soon_back || !READ_ONCE(vcpu->keeps)))
		return;
	raw_spin_lock_irq(&ivm_gang_lock);
	if (soon_back && vcpu->wants && gang_may_keep(vcpu)) {
		gang_keep(vcpu);
	} else {
		gang_unwant(vcpu);
		gang_apply(vcpu);
	}
	raw_spin_unlock_irq(&ivm_gang_lock);
}

/**
 * ivm_gang_rest() - the vCPU cannot run for now: its core is free
 * @vcpu: whose thread calls, about to sleep
 *
 * Context: may sleep.
 */
void ivm_gang_rest(struct ivm_gang_vcpu *vcpu)
{
	gang_rest(vcpu, false);
}

/**
 * ivm_gang_halt() - likewise, until an interrupt comes, which may be soon
 * @vcpu: whose thread calls; it looks at its vCPU after each time that it is woken
 *
 * Context: may sleep.
 */
void ivm_gang_halt(struct ivm_gang_vcpu *vcpu)
{
	gang_rest(vcpu, true);
}

/**
 * ivm_gang_attach() - the thread that calls runs the vCPU
 * @vcpu: without a thread
 *
 * Context: may sleep.
 */
void ivm_gang_attach(struct ivm_gang_vcpu *vcpu)
{
	ivm_account_attach(&vcpu->account);
	ivm_guard_attach(&vcpu->guard);
	raw_spin_lock_irq(&ivm_gang_lock);
	vcpu->task = current;
	raw_spin_unlock_irq(&ivm_gang_lock);
}

/* No look() for this vCPU is under way or follows when it returns. */
void ivm_gang_detach(struct ivm_gang_vcpu *vcpu)
{
	ivm_gang_rest(vcpu);
	raw_spin_lock_irq(&ivm_gang_lock);
	gang_unwant(vcpu);	/* who woke it meanwhile was too late */
	gang_apply(NULL);
	vcpu->task = NULL;
	raw_spin_unlock_irq(&ivm_gang_lock);
	ivm_guard_detach(&vcpu->guard);
	ivm_account_detach(&vcpu->account);
}

/**
 * ivm_gang_move() - a vCPU belongs on another core
 * @gang:  its gang
 * @index: which
 * @cpu:   of the core, -1: none
 *
 * Context: any; follows the order of changes in cores.c.
 */
void ivm_gang_move(struct ivm_gang *gang, unsigned int index, int cpu)
{
	struct ivm_gang_vcpu *vcpu = &gang->vcpu[index];
	struct ivm_share *share;
	unsigned long flags;
	unsigned int member;
	bool wanted;

	raw_spin_lock_irqsave(&ivm_gang_lock, flags);
	wanted = vcpu->wants;
	gang_unwant(vcpu);
	share = gang_share(vcpu, &member);
	ivm_share_move(&gang_plan, share, member, cpu);
	if (wanted)
		gang_want(vcpu);
	gang_apply(NULL);
	raw_spin_unlock_irqrestore(&ivm_gang_lock, flags);
}

/* ---- for reserve.c and guard.c ---- */

struct task_struct *ivm_gang_runs_on(unsigned int cpu, struct ivm_gang_vcpu **vcpu)
{
	struct task_struct *task = NULL;

	raw_spin_lock_irq(&ivm_gang_lock);
	*vcpu = gang_user(cpu);
	if (*vcpu && (*vcpu)->task)
		task = get_task_struct((*vcpu)->task);
	raw_spin_unlock_irq(&ivm_gang_lock);
	return task;
}

/**
 * ivm_gang_held() - nothing runs beside @cpu now
 * @cpu: any
 *
 * The vCPU whose turn it is there is told to look, if it waits for that.
 *
 * Context: any.
 */
void ivm_gang_held(unsigned int cpu)
{
	struct ivm_gang_vcpu *vcpu;
	unsigned long flags;

	raw_spin_lock_irqsave(&ivm_gang_lock, flags);
	vcpu = gang_cores[cpu].holder;
	if (vcpu && READ_ONCE(vcpu->guard.waits))
		gang_look(vcpu);
	raw_spin_unlock_irqrestore(&ivm_gang_lock, flags);
}

bool ivm_gang_slice_begins(void)
{
	unsigned int cpu;
	bool any = false;

	raw_spin_lock_irq(&ivm_gang_lock);
	gang_catch_up(ktime_get_ns());
	for (cpu = 0; cpu < nr_cpu_ids && !any; cpu++)
		any = gang_cores[cpu].wanting;
	raw_spin_unlock_irq(&ivm_gang_lock);
	return any;
}

/* ---- what is told ---- */

size_t ivm_gang_kernel_bytes(const struct ivm_gang *gang)
{
	return struct_size(gang, vcpu, gang->nr);
}

void ivm_gang_info(struct ivm_gang *gang, struct ivm_gang_info *info)
{
	unsigned int i;

	for (i = 0; i < gang->nr; i++)
		ivm_account_used(&gang->vcpu[i].account);
	raw_spin_lock_irq(&ivm_gang_lock);
	info->run_ns = ivm_account_ns(READ_ONCE(gang->account.run));
	info->corun_ns = ivm_account_ns(READ_ONCE(gang->account.corun));
	info->starts = gang->starts;
	info->late = gang->late;
	info->skew_p50_ns = ivm_skew_percentile(&gang->skew, 50);
	info->skew_p99_ns = ivm_skew_percentile(&gang->skew, 99);
	info->skew_max_ns = gang->skew.max_ns;
	raw_spin_unlock_irq(&ivm_gang_lock);
}

void ivm_gang_vcpu_info(struct ivm_gang_vcpu *vcpu, struct ivm_gang_vcpu_info *info)
{
	u64 used = ivm_account_ns(ivm_account_used(&vcpu->account)), inside;

	info->guest_ns = ivm_account_ns(READ_ONCE(vcpu->account.guest));
	info->gang_ns = ivm_account_ns(READ_ONCE(vcpu->account.met));
	inside = info->guest_ns + info->gang_ns;
	info->hyp_ns = used > inside ? used - inside : 0;
	info->ready_ns = ivm_account_ns(READ_ONCE(vcpu->account.ready));
}

/**
 * ivm_core_info() - a core, and who is on it
 * @cpu:  any
 * @info: filled
 *
 * Context: may sleep.
 * Return: false if @cpu is not the first thread of its core that is online.
 */
bool ivm_core_info(unsigned int cpu, struct ivm_core_info *info)
{
	struct ivm_gang_vcpu *user;

	memset(info, 0, sizeof(*info));
	if (!ivm_cores_describe(cpu, info))
		return false;
	raw_spin_lock_irq(&ivm_gang_lock);
	user = gang_user(cpu);
	if (user) {
		strscpy(info->name, user->gang->name, sizeof(info->name));
		info->vcpu = user->index;
		ivm_account_used(&user->account);
	}
	ivm_account_core(cpu, &info->times);
	ivm_guard_times(cpu, &info->times);
	raw_spin_unlock_irq(&ivm_gang_lock);
	mutex_lock(&ivm_admit_lock);
	info->floors = ivm_admit_floors(cpu);
	mutex_unlock(&ivm_admit_lock);
	return true;
}

/* ---- coming and going ---- */

/* The shares that @gang has for its way of being scheduled, with nobody who wants to run. */
static void gang_add_shares(struct ivm_gang *gang)
{
	const struct ivm_shares *shares = &gang->shares;
	struct ivm_share *share;
	unsigned int i;

	lockdep_assert_held(&ivm_gang_lock);
	if (ivm_gang_together(gang)) {
		share = &gang->group;
		ivm_share_init(share, gang->member, gang->nr, shares->cosched == IVM_COSCHED_STRICT);
		share->owner = gang;
		ivm_share_set(share, shares->floor, shares->cap);
		ivm_share_add(&gang_plan, share);
		return;
	}
	for (i = 0; i < gang->nr; i++) {
		share = &gang->vcpu[i].single;
		ivm_share_init(share, &gang->member[i], 1, true);
		share->owner = gang;
		share->first = i;
		ivm_share_set(share, shares->floor, shares->cap);
		ivm_share_add(&gang_plan, share);
	}
}

static void gang_remove_shares(struct ivm_gang *gang)
{
	unsigned int i;

	lockdep_assert_held(&ivm_gang_lock);
	if (ivm_gang_together(gang)) {
		ivm_share_remove(&gang_plan, &gang->group);
		return;
	}
	for (i = 0; i < gang->nr; i++)
		ivm_share_remove(&gang_plan, &gang->vcpu[i].single);
}

/* All is done anew but what each vCPU wants; with ivm_gang_lock. */
static void gang_change_mode(struct ivm_gang *gang, const struct ivm_shares *shares)
{
	unsigned int i;
	u64 wanting = 0;

	for (i = 0; i < gang->nr; i++) {
		wanting |= gang->vcpu[i].wants ? BIT_ULL(i) : 0;
		gang_unwant(&gang->vcpu[i]);
	}
	gang_remove_shares(gang);
	gang->shares = *shares;
	gang_add_shares(gang);
	for (; wanting; wanting &= wanting - 1)
		gang_want(&gang->vcpu[__ffs64(wanting)]);
	gang_apply(NULL);
}

static void gang_change_shares(struct ivm_gang *gang, const struct ivm_shares *shares)
{
	unsigned int i;

	gang->shares = *shares;
	ivm_share_set(&gang->group, shares->floor, shares->cap);
	for (i = 0; i < gang->nr; i++)
		ivm_share_set(&gang->vcpu[i].single, shares->floor, shares->cap);
}

/**
 * ivm_gang_set() - change what a gang is entitled to, while it runs
 * @gang:   the gang
 * @shares: what, checked by ivm_shares_check()
 * @why:    filled on refusal
 *
 * Context: may sleep.
 * Return: 0; -EBUSY when the floors of all gangs cannot be met then: nothing is changed.
 */
int ivm_gang_set(struct ivm_gang *gang, const struct ivm_shares *shares, struct ivm_why *why)
{
	int err;

	mutex_lock(&ivm_admit_lock);
	err = ivm_admit(gang, shares, ivm_reserve(), why);
	if (!err) {
		raw_spin_lock_irq(&ivm_gang_lock);
		gang_catch_up(ktime_get_ns());
		if (shares->cosched == gang->shares.cosched)
			gang_change_shares(gang, shares);
		else
			gang_change_mode(gang, shares);
		raw_spin_unlock_irq(&ivm_gang_lock);
	}
	mutex_unlock(&ivm_admit_lock);
	return err;
}

/**
 * ivm_gang_create() - the vCPUs of a VM
 * @name:   of the VM, constant for the life of the gang
 * @nr:     vCPUs, 1 … IVM_VCPUS_MAX
 * @cpu:    of the core of each, from ivm_cores_place()
 * @shares: what they are entitled to, checked by ivm_shares_check()
 * @ops:    see there
 * @ctx:    handed to @ops
 * @why:    filled on refusal
 *
 * Context: may sleep.
 * Return: the gang; ERR_PTR(-EBUSY) when the floors of all gangs cannot be met,
 * or the host's scheduler would stop vCPUs behind our back; ERR_PTR(-ENOMEM).
 */
struct ivm_gang *ivm_gang_create(const char *name, unsigned int nr, const int *cpu, const struct ivm_shares *shares,
				 const struct ivm_gang_ops *ops, void *ctx, struct ivm_why *why)
{
	struct ivm_gang *gang = kzalloc(struct_size(gang, vcpu, nr), GFP_KERNEL);
	unsigned int i;
	int err;

	if (!gang)
		return ERR_PTR(ivm_why(why, 0, -ENOMEM, "not enough kernel memory"));
	gang->name = name;
	gang->ops = ops;
	gang->ctx = ctx;
	gang->nr = nr;
	INIT_LIST_HEAD(&gang->link);
	ivm_account_gang(&gang->account);
	for (i = 0; i < nr; i++) {
		gang->vcpu[i].gang = gang;
		gang->vcpu[i].index = i;
		gang->member[i].cpu = cpu[i];
		ivm_account_vcpu(&gang->vcpu[i].account, &gang->account);
	}

	mutex_lock(&ivm_admit_lock);
	err = ivm_reserve_check(ivm_reserve(), 0, why);
	if (!err)
		err = ivm_admit(gang, shares, ivm_reserve(), why);
	if (!err) {
		raw_spin_lock_irq(&ivm_gang_lock);
		gang->shares = *shares;
		list_add_tail(&gang->link, &ivm_gangs);
		gang_add_shares(gang);
		raw_spin_unlock_irq(&ivm_gang_lock);
	}
	mutex_unlock(&ivm_admit_lock);
	if (!err)
		return gang;
	kfree(gang);
	return ERR_PTR(err);
}

/**
 * ivm_gang_destroy() - undo ivm_gang_create()
 * @gang: no thread is attached; may be NULL
 *
 * Context: may sleep.
 */
void ivm_gang_destroy(struct ivm_gang *gang)
{
	if (!gang)
		return;
	mutex_lock(&ivm_admit_lock);
	raw_spin_lock_irq(&ivm_gang_lock);
	gang_remove_shares(gang);
	gang_apply(NULL);
	list_del(&gang->link);
	raw_spin_unlock_irq(&ivm_gang_lock);
	mutex_unlock(&ivm_admit_lock);
	/* Whoever changes classes of threads may have found one of its vCPUs before. */
	ivm_reserve_sync();
	kfree(gang);
}

/**
 * ivm_gangs_init() - a timer for each core, and who gives the host its reserve
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int ivm_gangs_init(void)
{
	unsigned int cpu;
	int err;

	err = ivm_account_init();
	if (err)
		return err;
	err = -ENOMEM;
	gang_turns = kcalloc(nr_cpu_ids, sizeof(*gang_turns), GFP_KERNEL);
	gang_cores = kcalloc(nr_cpu_ids, sizeof(*gang_cores), GFP_KERNEL);
	if (!gang_turns || !gang_cores)
		goto err_arrays;
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		hrtimer_init(&gang_cores[cpu].timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_PINNED_HARD);
		gang_cores[cpu].timer.function = gang_timer;
	}
	ivm_plan_init(&gang_plan, gang_turns, nr_cpu_ids, ivm_slice_ns());
	err = ivm_reserve_init();
	if (err)
		goto err_arrays;
	return 0;
err_arrays:
	kfree(gang_cores);
	kfree(gang_turns);
	ivm_account_exit();
	return err;
}

/* No gang is left. */
void ivm_gangs_exit(void)
{
	unsigned int cpu;

	ivm_reserve_exit();
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		hrtimer_cancel(&gang_cores[cpu].timer);
	kfree(gang_cores);
	kfree(gang_turns);
	ivm_account_exit();
}
