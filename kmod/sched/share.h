/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose turn it is on which core. Knows no clock, no lock and no thread: the
 * caller (gang.c) says what happened and how long everybody ran, and does with
 * the result what there is to do; so it can be tried out in user space.
 */
#ifndef IVM_SHARE_H
#define IVM_SHARE_H

#include <linux/cpumask.h>
#include <linux/list.h>
#include <linux/types.h>

/* A vCPU of a share. */
struct ivm_share_member {
	int cpu;		/* of the core where it belongs; -1: there is none now */
	u64 used_ns;		/* time on its core since the slice began */
};

/*
 * What competes for cores: a VM, or a single vCPU of one that is not
 * co-scheduled. Times are in ns of one core.
 */
struct ivm_share {
	struct list_head link;		/* in ivm_plan.shares */
	struct ivm_share_member *member;
	unsigned int nr;		/* of @member, at most 64 */
	void *owner;			/* the caller's, with the next */
	unsigned int first;		/* number of member[0] there */
	u32 floor, cap;			/* thousandths of a core per member */
	bool strict;			/* all that want a core have it at once, or none */

	u64 wants;			/* bit per member: can run */
	u64 has;			/* of these: it is their turn */
	bool primary;			/* it was chosen when the slice began: fillers make way for its members */
	bool by_floor;			/* the turn was given for the floor's sake, and counts against credit */
	s64 credit;			/* time that the floor promises and that it did not get yet */
	s64 budget;			/* time that the cap leaves */
	u64 vtime;			/* time it had, divided by its weight */
	u64 last;			/* when it last had a turn, in ivm_plan.slices */
};

/* A core, by the CPU that leads it. */
struct ivm_turn {
	struct ivm_share *share;	/* whose turn it is; NULL: nobody's */
	unsigned int member;
	struct ivm_share *past_share;	/* while a slice is being planned: whose turn it was */
	unsigned int past_member;
	u64 vtime;			/* least of those that want this core, U64_MAX without any; as of the slice's begin */
};

struct ivm_plan {
	struct list_head shares;	/* who comes first, as of the slice's begin */
	struct ivm_turn *turn;		/* by CPU */
	unsigned int nr_cpus;
	u64 slice_ns;
	u64 slices;			/* begun so far */
	struct cpumask changed;		/* cores whose turn changed: the caller clears it */
};

void ivm_plan_init(struct ivm_plan *plan, struct ivm_turn *turn, unsigned int nr_cpus, u64 slice_ns);
void ivm_plan_slice(struct ivm_plan *plan, u64 elapsed_ns);

void ivm_share_init(struct ivm_share *share, struct ivm_share_member *member, unsigned int nr, bool strict);
void ivm_share_set(struct ivm_share *share, u32 floor, u32 cap);
void ivm_share_add(struct ivm_plan *plan, struct ivm_share *share);
void ivm_share_remove(struct ivm_plan *plan, struct ivm_share *share);
void ivm_share_want(struct ivm_plan *plan, struct ivm_share *share, unsigned int m);
void ivm_share_rest(struct ivm_plan *plan, struct ivm_share *share, unsigned int m);
void ivm_share_move(struct ivm_plan *plan, struct ivm_share *share, unsigned int m, int cpu);

#endif
