/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the scheduler share about gangs.
 *
 * Locks, outermost first:
 *   ivm_admit_lock	mutex; who is entitled to what (admit.c)
 *   class_lock		rt_mutex; scheduling classes of threads (reserve.c)
 *   ivm_gang_lock	raw, interrupts off; turns, and who wants what
 *   ivm_account.lock	raw, interrupts off; one per gang
 * The last one is also taken inside the kernel's run queue locks; those are taken
 * inside ivm_gang_lock, when threads are woken.
 *
 * Legend: (c) constant once created  (m) ivm_admit_lock and ivm_gang_lock, read with either
 * (g) ivm_gang_lock  (k) class_lock  (o) its own thread
 */
#ifndef IVM_GANG_H
#define IVM_GANG_H

#include "account.h"
#include "guard.h"
#include "sched.h"
#include "share.h"
#include "skew.h"

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>

struct task_struct;

struct ivm_gang_vcpu {
	struct ivm_gang *gang;		/* (c) */
	unsigned int index;		/* (c) */
	struct task_struct *task;	/* (g) NULL: no thread is attached */
	bool wants;			/* (g) it can run; also read without */
	bool turn;			/* (g) its core is its own now */
	bool keeps;			/* (g) it has halted, and has its turn still: !wants; also read without */
	bool pass;			/* (g) it may enter without a look: turn, and nothing else to do; also read without */
	bool yields;			/* (g) another thread on its CPU has something to do */
	bool meets;			/* (g) it begins with others that it has to wait for; also read without */
	bool met;			/* (o) and did: when it entered is of interest */
	bool ordinary;			/* (k) its thread is in the class of ordinary ones */
	u64 charged;			/* (g) of account.used: cycles that the plan knows of */
	struct ivm_share single;	/* (g) when each vCPU is for itself */
	struct ivm_account_vcpu account;
	struct ivm_guard_vcpu guard;
};

struct ivm_gang {
	struct list_head link;		/* (m) in ivm_gangs */
	const char *name;		/* (c) */
	const struct ivm_gang_ops *ops;	/* (c) */
	void *ctx;			/* (c) */
	unsigned int nr;		/* (c) */
	struct ivm_shares shares;	/* (m) */
	struct ivm_share group;		/* (g) when the vCPUs are co-scheduled */
	struct ivm_share_member member[IVM_VCPUS_MAX];	/* (g) of group, and one each of the singles */
	struct ivm_account account;

	/* meet.c (g) */
	u64 fresh;			/* vCPUs whose turn began in the change that is being made */
	u64 expected, arrived, entered;	/* those that begin together; of these, who is there; who has entered */
	unsigned int round;		/* counts meetings; also read without */
	u64 first_tsc, last_tsc;	/* of those that entered */
	u64 starts, late;
	struct ivm_skew skew;

	struct ivm_gang_vcpu vcpu[];	/* @nr of them */
};

extern struct mutex ivm_admit_lock;
extern raw_spinlock_t ivm_gang_lock;
extern struct list_head ivm_gangs;

static inline bool ivm_gang_together(const struct ivm_gang *gang)
{
	return gang->shares.cosched != IVM_COSCHED_OFF;
}

/* gang.c */
struct task_struct *ivm_gang_runs_on(unsigned int cpu, struct ivm_gang_vcpu **vcpu);	/* referenced, or NULL */
void ivm_gang_held(unsigned int cpu);	/* the siblings of @cpu: who waits for that looks; any context */
bool ivm_gang_slice_begins(void);	/* the plan is that of the slice now; false: nobody wants a core */

/* meet.c, with ivm_gang_lock held but for the first */
void ivm_meet(struct ivm_gang_vcpu *vcpu);
void ivm_meet_call(struct ivm_gang *gang);
void ivm_meet_excuse(struct ivm_gang_vcpu *vcpu);
void ivm_meet_entered(struct ivm_gang_vcpu *vcpu, u64 tsc);

/* admit.c, with ivm_admit_lock held */
int ivm_admit(struct ivm_gang *gang, const struct ivm_shares *shares, u32 reserve, struct ivm_why *why);
int ivm_admit_reserve(u32 reserve, struct ivm_why *why);
u32 ivm_admit_floors(unsigned int cpu);

/* reserve.c */
int ivm_reserve_init(void);
void ivm_reserve_exit(void);
int ivm_reserve_check(u32 reserve, int attr, struct ivm_why *why);
bool ivm_reserve_hosts_part(void);	/* of the slice; any context */
bool ivm_reserve_limited(void);	/* does the kernel throttle real-time threads, as of the last VM's start? Any context */
void ivm_reserve_wake(void);	/* any context: somebody has a turn */
void ivm_reserve_match(struct ivm_gang_vcpu *vcpu);	/* its thread, may sleep */
void ivm_reserve_sync(void);	/* nobody looks at what ivm_gang_runs_on() returned before; may sleep */
void ivm_reserve_leave(struct ivm_gang_vcpu *vcpu);	/* its thread, may sleep */

#endif
