// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entitlements: which shares have which cores in a slice.
 *
 * First come those that are behind what their floor promises, the furthest
 * behind, for its size, first. As the floors of all that meet on cores sum up to
 * no more than there is (admit.c), none of them falls behind for long. Then the
 * others, by virtual time, which passes the slower the higher the floor is: so
 * what is spare goes to who wants it in proportion to the floors. Who is over
 * its cap is left out.
 *
 * A strict share takes all the cores that it wants, or none. As the first in the
 * order always gets what it wants, wide ones are not starved by narrow ones.
 *
 * Within a slice, a core that becomes free is filled by the next in the order;
 * whoever was chosen when the slice began takes it back when it wakes.
 */
#include "share.h"

#include <linux/bits.h>
#include <linux/bitops.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>

#include <linux/ivm.h>

#define WEIGHT_MIN	10	/* of a share without a floor: as if it had 1 % */
#define AHEAD_SLICES	2	/* nobody's virtual time is further ahead of a neighbour's: slices at WEIGHT_MIN */
#define BUDGET_SLICES	2	/* a cap may be exceeded for so long by who used less before */
#define CREDIT_NS	1000000000LL	/* of the floor: the most that is owed to a share */

static u64 share_weight(const struct ivm_share *share)
{
	return max_t(u32, share->floor, WEIGHT_MIN);
}

static u64 share_vtime(const struct ivm_share *share, u64 ns)
{
	return div64_u64(ns * IVM_CPU_WHOLE, share_weight(share));
}

static s64 share_part(u32 thousandths, u64 ns)
{
	return div_u64(ns * thousandths, IVM_CPU_WHOLE);
}

static bool share_behind(const struct ivm_share *share)
{
	return share->floor && share->credit > 0;
}

static bool share_eligible(const struct ivm_share *share)
{
	return share->wants && (share->cap >= IVM_CPU_WHOLE || share->budget > 0);
}

/* Is @a before @b in the order? Credits are at most CREDIT_NS, floors at most IVM_CPU_WHOLE: no product wraps. */
static bool share_before(const struct ivm_share *a, const struct ivm_share *b)
{
	bool behind = share_behind(a);

	if (behind != share_behind(b))
		return behind;
	if (behind)
		return a->credit * b->floor > b->credit * a->floor;
	return a->vtime != b->vtime ? a->vtime < b->vtime : a->last < b->last;
}

/* ---- turns ---- */

static void turn_give(struct ivm_plan *plan, struct ivm_share *share, unsigned int m)
{
	int cpu = share->member[m].cpu;

	plan->turn[cpu].share = share;
	plan->turn[cpu].member = m;
	share->has |= BIT_ULL(m);
	share->last = plan->slices;
	cpumask_set_cpu(cpu, &plan->changed);
}

static void turn_take(struct ivm_plan *plan, struct ivm_share *share, unsigned int m)
{
	int cpu = share->member[m].cpu;

	plan->turn[cpu].share = NULL;
	share->has &= ~BIT_ULL(m);
	cpumask_set_cpu(cpu, &plan->changed);
}

static void turn_take_all(struct ivm_plan *plan, struct ivm_share *share)
{
	while (share->has)
		turn_take(plan, share, __ffs64(share->has));
}

/* Members that want a core and are not on it, and have one to be on. */
static u64 share_waiting(const struct ivm_share *share)
{
	u64 waiting = 0, left;
	unsigned int m;

	for (left = share->wants & ~share->has; left; left &= left - 1) {
		m = __ffs64(left);
		if (share->member[m].cpu >= 0)
			waiting |= BIT_ULL(m);
	}
	return waiting;
}

/* Of @members, those whose core nobody has. */
static u64 share_free(const struct ivm_plan *plan, const struct ivm_share *share, u64 members)
{
	u64 free = 0;

	for (; members; members &= members - 1)
		if (!plan->turn[share->member[__ffs64(members)].cpu].share)
			free |= BIT_ULL(__ffs64(members));
	return free;
}

/*
 * Gives @share the free cores that it waits for; all or nothing if @whole and it
 * has none yet. (One whose member woke up and finds its core taken goes on
 * without it until the slice ends.)
 */
static void share_try(struct ivm_plan *plan, struct ivm_share *share, bool whole)
{
	u64 waiting = share_waiting(share), free = share_free(plan, share, waiting);

	if (!free || (whole && !share->has && free != waiting))
		return;
	if (!share->has)	/* the floor is promised to each member: a turn in part pays nothing of it */
		share->by_floor = share_behind(share) && free == waiting;
	for (; free; free &= free - 1)
		turn_give(plan, share, __ffs64(free));
}

static void plan_fill(struct ivm_plan *plan)
{
	struct ivm_share *share;

	/* In part, a relaxed share runs on what the floors of the others leave. */
	list_for_each_entry(share, &plan->shares, link)
		if (share_eligible(share) && share_behind(share))
			share_try(plan, share, true);
	list_for_each_entry(share, &plan->shares, link)
		if (share_eligible(share))
			share_try(plan, share, share->strict);
}

/* ---- the begin of a slice ---- */

/* What @share had in the slice that is over. A share is charged for the busiest of its members. */
static void share_settle(const struct ivm_plan *plan, struct ivm_share *share, u64 elapsed)
{
	u64 used = 0;
	unsigned int m;

	for (m = 0; m < share->nr; m++) {
		used = max(used, share->member[m].used_ns);
		share->member[m].used_ns = 0;
	}
	share->vtime += share_vtime(share, used);
	if (share->wants || used)
		share->credit += share_part(share->floor, elapsed);
	if (share->by_floor)
		share->credit -= used;
	share->credit = clamp_t(s64, share->credit, -CREDIT_NS, share_part(share->floor, CREDIT_NS));
	share->budget += share_part(share->cap, elapsed) - (s64)used;
	share->budget = clamp_t(s64, share->budget, -CREDIT_NS, share_part(share->cap, BUDGET_SLICES * plan->slice_ns));
	share->primary = false;
	share->by_floor = false;
	share->has = 0;
}

/* The least virtual time of those that want a core of @share's; U64_MAX when nobody wants any. */
static u64 share_neighbours(const struct ivm_plan *plan, const struct ivm_share *share)
{
	u64 least = U64_MAX;
	unsigned int m;

	for (m = 0; m < share->nr; m++)
		if (share->member[m].cpu >= 0)
			least = min(least, plan->turn[share->member[m].cpu].vtime);
	return least;
}

/*
 * Virtual times are compared among those that meet on a core, which is not
 * transitive: a share that others hold up elsewhere would make its neighbours
 * wait for it without end once it is free. So the lead is bounded; those that
 * are at the bound take turns. Who is over its cap is as if it slept.
 */
static void plan_virtual_times(struct ivm_plan *plan)
{
	u64 ahead = div_u64(AHEAD_SLICES * plan->slice_ns * IVM_CPU_WHOLE, WEIGHT_MIN), least;
	struct ivm_share *share;
	struct ivm_turn *turn;
	unsigned int cpu, m;

	for (cpu = 0; cpu < plan->nr_cpus; cpu++)
		plan->turn[cpu].vtime = U64_MAX;
	list_for_each_entry(share, &plan->shares, link) {
		if (!share_eligible(share))
			continue;
		for (m = 0; m < share->nr; m++) {
			if (!(share->wants & BIT_ULL(m)) || share->member[m].cpu < 0)
				continue;
			turn = &plan->turn[share->member[m].cpu];
			turn->vtime = min(turn->vtime, share->vtime);
		}
	}
	list_for_each_entry(share, &plan->shares, link) {
		least = share_neighbours(plan, share);
		if (!share->wants || least == U64_MAX)
			continue;
		if (share_eligible(share))
			share->vtime = min(share->vtime, least + ahead);
		else
			share->vtime = max(share->vtime, least);
	}
}

/* Insertion: from one slice to the next the order hardly changes, and equals stay as they are. */
static void plan_sort(struct ivm_plan *plan)
{
	struct ivm_share *share, *next, *before;

	share = list_first_entry(&plan->shares, struct ivm_share, link);
	for (; &share->link != &plan->shares; share = next) {
		next = list_next_entry(share, link);
		before = list_prev_entry(share, link);
		while (&before->link != &plan->shares && share_before(share, before))
			before = list_prev_entry(before, link);
		list_move(&share->link, &before->link);
	}
}

/**
 * ivm_plan_slice() - a slice begins: settle what everybody had, and choose anew
 * @plan:       the plan
 * @elapsed_ns: since the slice before began
 *
 * Each member's used_ns is what it ran in that time; it is 0 afterwards.
 *
 * Context: any; the caller serialises calls for one plan.
 */
void ivm_plan_slice(struct ivm_plan *plan, u64 elapsed_ns)
{
	struct ivm_share *share;
	struct ivm_turn *turn;
	unsigned int cpu;

	elapsed_ns = min_t(u64, elapsed_ns, CREDIT_NS);
	plan->slices++;
	list_for_each_entry(share, &plan->shares, link)
		share_settle(plan, share, elapsed_ns);
	plan_virtual_times(plan);
	plan_sort(plan);

	for (cpu = 0; cpu < plan->nr_cpus; cpu++) {
		turn = &plan->turn[cpu];
		turn->past_share = turn->share;
		turn->past_member = turn->member;
		turn->share = NULL;
	}
	plan_fill(plan);
	list_for_each_entry(share, &plan->shares, link)
		share->primary = share->has;
	for (cpu = 0; cpu < plan->nr_cpus; cpu++) {
		turn = &plan->turn[cpu];
		if (turn->share == turn->past_share && (!turn->share || turn->member == turn->past_member))
			cpumask_clear_cpu(cpu, &plan->changed);
		else
			cpumask_set_cpu(cpu, &plan->changed);
	}
}

/* ---- within a slice ---- */

/* Who fills the core that @share's member @m belongs on makes way; a strict one with all its members. Return: somebody did. */
static bool share_evict(struct ivm_plan *plan, struct ivm_share *share, unsigned int m)
{
	struct ivm_turn *turn = &plan->turn[share->member[m].cpu];
	struct ivm_share *filler = turn->share;

	if (!filler || filler == share || filler->primary)
		return false;
	if (filler->strict)
		turn_take_all(plan, filler);
	else
		turn_take(plan, filler, turn->member);
	return true;
}

/**
 * ivm_share_want() - member @m can run from now on
 * @plan:  the plan
 * @share: in it
 * @m:     a member; nothing happens if it wants a core already
 *
 * It has its turn at once if nobody else has, or if its share was chosen for this slice.
 *
 * Context: as ivm_plan_slice().
 */
void ivm_share_want(struct ivm_plan *plan, struct ivm_share *share, unsigned int m)
{
	bool evicted = false;
	u64 least;

	if (share->wants & BIT_ULL(m))
		return;
	if (!share->wants) {
		/* Who slept does not make up for it at the others' cost. */
		least = share_neighbours(plan, share);
		if (least != U64_MAX)
			share->vtime = max(share->vtime, least);
	}
	share->wants |= BIT_ULL(m);
	if (!share_eligible(share) || share->member[m].cpu < 0)
		return;
	if (share->primary)
		evicted = share_evict(plan, share, m);
	share_try(plan, share, share->strict);
	if (evicted)
		plan_fill(plan);	/* what it had elsewhere */
}

/**
 * ivm_share_rest() - member @m cannot run for now; its core goes to the next one
 * @plan:  the plan
 * @share: in it
 * @m:     a member
 *
 * Context: as ivm_plan_slice().
 */
void ivm_share_rest(struct ivm_plan *plan, struct ivm_share *share, unsigned int m)
{
	bool had = share->has & BIT_ULL(m), wanted = share->wants & BIT_ULL(m);

	share->wants &= ~BIT_ULL(m);
	if (!share->wants)	/* nor is it owed more than a slice for the time that it slept */
		share->credit = min_t(s64, share->credit, share_part(share->floor, plan->slice_ns));
	if (had)
		turn_take(plan, share, m);
	if (wanted)
		plan_fill(plan);	/* also a strict share that the member kept from running may do so now */
}

/**
 * ivm_share_move() - member @m belongs on another core
 * @plan:  the plan
 * @share: in it
 * @m:     a member
 * @cpu:   of the core; -1: none
 *
 * Context: as ivm_plan_slice().
 */
void ivm_share_move(struct ivm_plan *plan, struct ivm_share *share, unsigned int m, int cpu)
{
	bool wanted = share->wants & BIT_ULL(m);

	if (wanted)
		ivm_share_rest(plan, share, m);
	share->member[m].cpu = cpu;
	if (wanted)
		ivm_share_want(plan, share, m);
}

/* ---- coming and going ---- */

/**
 * ivm_share_set() - change what @share is entitled to
 * @share: the share
 * @floor: thousandths of a core, 0 … IVM_CPU_WHOLE
 * @cap:   likewise, above 0
 *
 * Context: as ivm_plan_slice().
 */
void ivm_share_set(struct ivm_share *share, u32 floor, u32 cap)
{
	share->floor = floor;
	share->cap = cap;
	if (!floor)
		share->credit = 0;
}

/**
 * ivm_share_init() - a share whose members do not want to run
 * @share:  to fill
 * @member: its members, whose cpu is set
 * @nr:     of these, 1 … 64
 * @strict: see struct ivm_share
 *
 * It has no floor and no cap.
 */
void ivm_share_init(struct ivm_share *share, struct ivm_share_member *member, unsigned int nr, bool strict)
{
	*share = (struct ivm_share) { .member = member, .nr = nr, .strict = strict, .cap = IVM_CPU_WHOLE };
	INIT_LIST_HEAD(&share->link);
}

/* Last in the order; its virtual time is that of its neighbours once it wants to run. */
void ivm_share_add(struct ivm_plan *plan, struct ivm_share *share)
{
	list_add_tail(&share->link, &plan->shares);
}

/* The members that want to run need not rest before; their turns end. */
void ivm_share_remove(struct ivm_plan *plan, struct ivm_share *share)
{
	turn_take_all(plan, share);
	share->wants = 0;
	share->primary = false;
	list_del_init(&share->link);
	plan_fill(plan);
}

/**
 * ivm_plan_init() - nobody's turn anywhere
 * @plan:     to fill
 * @turn:     one per CPU, zeroed
 * @nr_cpus:  how many
 * @slice_ns: for how long a choice holds
 */
void ivm_plan_init(struct ivm_plan *plan, struct ivm_turn *turn, unsigned int nr_cpus, u64 slice_ns)
{
	unsigned int cpu;

	INIT_LIST_HEAD(&plan->shares);
	plan->turn = turn;
	plan->nr_cpus = nr_cpus;
	plan->slice_ns = slice_ns;
	cpumask_clear(&plan->changed);
	for (cpu = 0; cpu < nr_cpus; cpu++)
		turn[cpu].vtime = U64_MAX;
}
