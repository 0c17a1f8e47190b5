// SPDX-License-Identifier: GPL-2.0-only
/*
 * One start (P5): the vCPUs of a gang whose turns begin together wait for each
 * other on their cores, and enter the guest at the same time. The wait is
 * bounded: who does not come in time (the host has other work there) comes late.
 */
#include "gang.h"

#include <linux/bitops.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/tsc.h>

#define MEET_US_MAX	10000

static unsigned int meet_us = 500;
module_param(meet_us, uint, 0644);
MODULE_PARM_DESC(meet_us, "microseconds that vCPUs wait for each other when their slice begins, 10000 at most");

/* Have all that are expected entered the guest? Then it is known how far apart. */
static void meet_settle(struct ivm_gang *gang)
{
	if (gang->entered != gang->expected)
		return;
	if (hweight64(gang->entered) > 1)	/* the others may be excused */
		ivm_skew_add(&gang->skew, ivm_account_ns(gang->last_tsc - gang->first_tsc));
	gang->expected = 0;
	gang->entered = 0;
}

/**
 * ivm_meet_call() - the turns of the vCPUs in @gang->fresh begin
 * @gang: co-scheduled
 *
 * Context: ivm_gang_lock held.
 */
void ivm_meet_call(struct ivm_gang *gang)
{
	u64 fresh = gang->fresh;

	gang->fresh = 0;
	if (!(fresh & (fresh - 1)))
		return;		/* it has nobody to wait for */
	if (gang->expected & ~gang->arrived)
		gang->late++;	/* somebody never came to the one before */
	gang->expected = fresh;
	gang->arrived = 0;
	gang->entered = 0;
	gang->first_tsc = U64_MAX;
	gang->last_tsc = 0;
	gang->starts++;
	WRITE_ONCE(gang->round, gang->round + 1);
	for (; fresh; fresh &= fresh - 1)
		gang->vcpu[__ffs64(fresh)].meets = true;
}

/**
 * ivm_meet_excuse() - nobody waits for @vcpu: its turn ended before it came
 * @vcpu: a vCPU
 *
 * Context: ivm_gang_lock held.
 */
void ivm_meet_excuse(struct ivm_gang_vcpu *vcpu)
{
	struct ivm_gang *gang = vcpu->gang;

	vcpu->meets = false;
	if (gang->entered & BIT_ULL(vcpu->index))
		return;
	WRITE_ONCE(gang->expected, gang->expected & ~BIT_ULL(vcpu->index));
	meet_settle(gang);
}

/* Notes that @vcpu is there. Return: whether there is somebody to wait for. */
static bool meet_arrive(struct ivm_gang_vcpu *vcpu, unsigned int *round)
{
	struct ivm_gang *gang = vcpu->gang;
	bool waits;

	raw_spin_lock_irq(&ivm_gang_lock);
	waits = vcpu->turn && vcpu->meets;
	vcpu->meets = false;
	if (waits)
		WRITE_ONCE(gang->arrived, gang->arrived | BIT_ULL(vcpu->index));
	*round = gang->round;
	raw_spin_unlock_irq(&ivm_gang_lock);
	return waits;
}

static bool meet_complete(const struct ivm_gang *gang)
{
	return !(READ_ONCE(gang->expected) & ~READ_ONCE(gang->arrived));
}

/**
 * ivm_meet() - wait for the others of the gang
 * @vcpu: whose thread calls, on its core
 *
 * If the host wants the CPU meanwhile, it has it: the vCPU is there, and nobody
 * waits for it any more.
 *
 * Context: may sleep. Returns when all are there, when meet_us have passed, or
 * when the turn is over.
 */
void ivm_meet(struct ivm_gang_vcpu *vcpu)
{
	u64 begin = rdtsc(), limit = (u64)min_t(unsigned int, READ_ONCE(meet_us), MEET_US_MAX) * tsc_khz / USEC_PER_MSEC;
	u64 from = begin, waited = 0;
	struct ivm_gang *gang = vcpu->gang;
	unsigned int round;

	if (!meet_arrive(vcpu, &round))
		return;
	vcpu->met = true;
	while (!meet_complete(gang) && READ_ONCE(gang->round) == round && READ_ONCE(vcpu->turn) && rdtsc() - begin <= limit) {
		if (unlikely(need_resched())) {
			waited += rdtsc() - from;
			cond_resched();
			from = rdtsc();
		}
		cpu_relax();
	}
	ivm_account_met(&vcpu->account, waited + rdtsc() - from);
	if (meet_complete(gang) || READ_ONCE(gang->round) != round)
		return;
	raw_spin_lock_irq(&ivm_gang_lock);
	/* Who has to leave, as its turn is over, says nothing of the others. */
	if (gang->round == round && vcpu->turn && !meet_complete(gang)) {
		/* Once per meeting; who comes later finds nobody to wait for. */
		gang->late++;
		WRITE_ONCE(gang->arrived, gang->expected);
	}
	raw_spin_unlock_irq(&ivm_gang_lock);
}

/**
 * ivm_meet_entered() - when a vCPU that met others entered the guest
 * @vcpu: the vCPU
 * @tsc:  when
 *
 * Context: ivm_gang_lock held.
 */
void ivm_meet_entered(struct ivm_gang_vcpu *vcpu, u64 tsc)
{
	struct ivm_gang *gang = vcpu->gang;
	u64 bit = BIT_ULL(vcpu->index);

	if (!(gang->expected & bit) || (gang->entered & bit))
		return;
	gang->entered |= bit;
	gang->first_tsc = min(gang->first_tsc, tsc);
	gang->last_tsc = max(gang->last_tsc, tsc);
	meet_settle(gang);
}
