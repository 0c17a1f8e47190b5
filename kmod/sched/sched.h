/* SPDX-License-Identifier: GPL-2.0-only */
/* Physical cores and who runs on them. Calls nobody but the kernel. */
#ifndef IVM_SCHED_H
#define IVM_SCHED_H

#include <linux/types.h>

struct ivm_why;
struct ivm_placement;

/*
 * What the scheduler asks of the layer above. Calls follow each other, and may
 * sleep. They may come from CPU hotplug: no cpus_read_lock() in there, and no
 * ivm_cores_set() or ivm_cores_release(), nor a lock held around those.
 */
struct ivm_sched_ops {
	/* The CPU of vCPU @index changed to @cpu (its core went away or was taken from IVM); -1: none is left, it must not run */
	void (*moved)(void *ctx, unsigned int index, int cpu);
};

int ivm_cores_init(void);
void ivm_cores_exit(void);

/* Physical cores online and given to IVM. Any context. */
unsigned int ivm_cores_count(void);

/**
 * ivm_cores_set() - give physical cores to IVM
 * @list:	CPU list ("0-3,6": any thread names its core) or "all"
 * @why:	filled on refusal
 * Return: 0; -EINVAL bad list, absent or offline CPU; -EBUSY when a VM that has
 * its vCPUs placed would no longer fit. Placed vCPUs on cores taken away are
 * moved. May sleep.
 */
int ivm_cores_set(const char *list, struct ivm_why *why);

/* Writes the list, or "all", into @buf (at least IVM_CPU_LIST_MAX + 1 bytes). May sleep. */
void ivm_cores_list(char *buf, size_t size);

/**
 * ivm_cores_place() - choose a distinct physical core for each vCPU of a VM (P4)
 * @nr:		vCPUs, 1 … IVM_VCPUS_MAX
 * @wanted:	for each a thread of the core that it belongs on and stays on; NULL: any
 * @cpu:	out: one host CPU (the first online thread of a core) per vCPU, the least loaded cores first
 * @ops, @ctx:	told when a vCPU has to move
 * @why:	on refusal says both numbers
 * Return: a placement, or ERR_PTR(-E2BIG) when there are fewer cores than vCPUs,
 * ERR_PTR(-EINVAL) when @wanted cannot be. May sleep.
 */
struct ivm_placement *ivm_cores_place(unsigned int nr, const u16 *wanted, int *cpu, const struct ivm_sched_ops *ops,
				      void *ctx, struct ivm_why *why);

/* affinity.c: from text to @wanted above. */
int ivm_affinity_parse(const char *list, unsigned int nr, u16 *cpu, struct ivm_why *why);

/* Gives the cores back; accepts NULL. No moved() call is under way or follows when it returns. May sleep. */
void ivm_cores_release(struct ivm_placement *placement);

/* ---- smt.c: nothing runs beside a vCPU on its core (P7) ---- */

void ivm_smt_exit(void);
int ivm_smt_get(struct ivm_why *why);
void ivm_smt_put(void);
int ivm_smt_set_cores(const char *list, struct ivm_why *why);
void ivm_smt_list(char *buf, size_t size);

#endif
