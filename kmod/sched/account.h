/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the time of vCPUs, gangs and cores goes: by the TSC, at each begin and end.
 *
 * Legend: (a) ivm_account.lock  (t) written by the vCPU's thread only
 */
#ifndef IVM_ACCOUNT_H
#define IVM_ACCOUNT_H

#include <linux/preempt.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/* Of a gang. Times are TSC cycles. */
struct ivm_account {
	raw_spinlock_t lock;	/* taken inside the scheduler's locks: nothing is called with it held */
	u64 since;		/* (a) up to when all is counted */
	unsigned int running;	/* (a) vCPUs that want to run and are on a CPU */
	unsigned int wanting;	/* (a) vCPUs that want to run */
	u64 run, corun;		/* (a) time with any running, with all running that want to */
};

struct ivm_account_vcpu {
	struct ivm_account *gang;
	struct preempt_notifier notifier;
	bool on, wants;		/* (a) its thread is on a CPU; it wants to run */
	int cpu;		/* (a) where, while on */
	u64 since;		/* (a) up to when all is counted */
	u64 used;		/* (a) its thread on a CPU */
	u64 ready;		/* (a) wants to run, on no CPU */
	u64 guest;		/* (t) in guest mode */
	u64 met;		/* (t) waiting for the gang to begin, on its core */
};

struct ivm_core_times;

int ivm_account_init(void);
void ivm_account_exit(void);

void ivm_account_gang(struct ivm_account *gang);
void ivm_account_vcpu(struct ivm_account_vcpu *vcpu, struct ivm_account *gang);
void ivm_account_attach(struct ivm_account_vcpu *vcpu);
void ivm_account_detach(struct ivm_account_vcpu *vcpu);
void ivm_account_want(struct ivm_account_vcpu *vcpu, bool wants);
u64 ivm_account_used(struct ivm_account_vcpu *vcpu);
void ivm_account_guest(struct ivm_account_vcpu *vcpu, u64 cycles);
void ivm_account_met(struct ivm_account_vcpu *vcpu, u64 cycles);
void ivm_account_core(unsigned int cpu, struct ivm_core_times *times);
u64 ivm_account_ns(u64 cycles);

#endif
