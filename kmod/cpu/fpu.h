/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's FPU state. A kthread's FPU registers are saved by nobody: not by
 * the host's context switch, not by kernel_fpu_begin() in a softirq. So the
 * guest's live in the registers only between load and put, with interrupts off.
 */
#ifndef IVM_FPU_H
#define IVM_FPU_H

#include <linux/types.h>

struct ivm_fpu;

void ivm_fpu_init(void);	/* reads what this host can save; once, at load */
u64 ivm_fpu_xcr0_allowed(void);	/* bits of XCR0 that guests may set; 0: no XSAVE */

struct ivm_fpu *ivm_fpu_create(void);	/* ERR_PTR; may sleep */
void ivm_fpu_destroy(struct ivm_fpu *fpu);	/* accepts NULL */
void ivm_fpu_reset(struct ivm_fpu *fpu);	/* state after RESET; not loaded */
void ivm_fpu_load(struct ivm_fpu *fpu);	/* interrupts off until put */
void ivm_fpu_put(struct ivm_fpu *fpu);
u64 ivm_fpu_xcr0_live(void);	/* of the guest that is loaded here */
int ivm_fpu_set_xcr0(struct ivm_fpu *fpu, u64 xcr0);	/* between load and put; -EINVAL: #GP */

#endif
