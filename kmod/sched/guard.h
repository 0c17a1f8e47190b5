/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * P7 while siblings stay online (policy guard): a thread of ours holds each of
 * them while a vCPU is on its core.
 */
#ifndef IVM_GUARD_H
#define IVM_GUARD_H

#include <linux/jump_label.h>
#include <linux/preempt.h>
#include <linux/types.h>

struct guard_cpu;
struct ivm_core_times;
struct ivm_gang_vcpu;
struct ivm_why;

/* Of a vCPU: all written by its thread only. */
struct ivm_guard_vcpu {
	struct preempt_notifier notifier;
	struct guard_cpu *asked;	/* the CPU whose siblings it has asked for; NULL: none */
	bool waits;			/* for them, asleep or about to be: it wants to be told; read with ivm_gang_lock */
};

/* smt.c, with smt_lock held */
int ivm_guard_start(struct ivm_why *why);
void ivm_guard_stop(void);

/* Of the vCPU's own thread. */
void ivm_guard_attach(struct ivm_guard_vcpu *guard);
void ivm_guard_detach(struct ivm_guard_vcpu *guard);
bool ivm_guard_hold(struct ivm_gang_vcpu *vcpu);
void ivm_guard_leave(struct ivm_guard_vcpu *guard);

void ivm_guard_slice(void);	/* the guests' part of a slice begins; may sleep */
void ivm_guard_times(unsigned int cpu, struct ivm_core_times *times);	/* adds what was held for a core; any context */

#endif
