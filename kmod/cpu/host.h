/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The extension on all CPUs of the host: on from the first VM's start to the
 * last one's end, so that other hypervisors can have it in between.
 */
#ifndef IVM_CPU_HOST_H
#define IVM_CPU_HOST_H

#include <linux/static_call.h>
#include <linux/types.h>

struct ivm_cpu;
struct ivm_cpu_ops;
struct ivm_sregs;
struct ivm_why;

/* The backend; NULL where there is none, so only for those who got it. Constant after init. */
extern const struct ivm_cpu_ops *ivm_backend;

/* Entries of the backend that every exit takes, bound once: a direct call each. */
void ivm_backend_enter_type(struct ivm_cpu *cpu);
void ivm_backend_get_code_type(struct ivm_cpu *cpu, struct ivm_sregs *sregs);
void ivm_backend_advance_type(struct ivm_cpu *cpu, unsigned int length);
DECLARE_STATIC_CALL(ivm_backend_enter, ivm_backend_enter_type);
DECLARE_STATIC_CALL(ivm_backend_get_code, ivm_backend_get_code_type);
DECLARE_STATIC_CALL(ivm_backend_advance, ivm_backend_advance_type);

/* Binds the backend. Return: 0, also when there is none (ivm_cpu_host_why() says why). May sleep. */
int ivm_cpu_host_init(void);
void ivm_cpu_host_exit(void);

/**
 * ivm_cpu_host_get() - turn the extension on everywhere, if this is the first user
 * Return: 0, -ENODEV no backend, -EBUSY another hypervisor holds it (why names it). May sleep.
 */
int ivm_cpu_host_get(struct ivm_why *why);
void ivm_cpu_host_put(void);

/* Would get() work now? Same errors and sentences, nothing is changed that stays. May sleep. */
int ivm_cpu_host_try(struct ivm_why *why);

/* Do guests run on second-stage tables? Else on shadow tables. Constant after init. */
bool ivm_cpu_host_nested(void);

/* Is it on here? Interrupts off. */
bool ivm_cpu_host_here(void);

#endif
