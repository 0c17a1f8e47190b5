/* SPDX-License-Identifier: GPL-2.0-only */
/* Physical cores and who runs on them. Calls nobody but the kernel. */
#ifndef IVM_SCHED_H
#define IVM_SCHED_H

#include <linux/jump_label.h>
#include <linux/types.h>
#include <linux/ivm.h>

struct ivm_gang;
struct ivm_gang_vcpu;
struct ivm_placement;
struct ivm_why;
struct task_struct;

/*
 * What the scheduler asks of the layer above. Calls follow each other, and may
 * sleep. They may come from CPU hotplug: no cpus_read_lock() in there, and no
 * ivm_cores_set() or ivm_cores_release(), nor a lock held around those.
 */
struct ivm_sched_ops {
	/* The CPU of vCPU @index changed to @cpu (its core went away or was taken from IVM); -1: none is left, it must not run */
	void (*moved)(void *ctx, unsigned int index, int cpu);
};

/* What a VM's vCPUs are entitled to. */
struct ivm_shares {
	u32 floor, cap;		/* thousandths of a core for each vCPU; cap > 0, floor <= cap */
	u32 cosched;		/* enum ivm_cosched */
};

/* How a gang fared; times in ns. */
struct ivm_gang_info {
	u64 run_ns, corun_ns;
	u64 starts, late;
	u64 skew_p50_ns, skew_p99_ns, skew_max_ns;
};

struct ivm_gang_vcpu_info {
	u64 guest_ns, hyp_ns, gang_ns, ready_ns;
};

/*
 * Where the time of a core went since it came online, or the module: wall is the
 * sum of the others but held_irq, which is part of held.
 */
struct ivm_core_times {
	u64 wall_ns, guest_ns, hyp_ns, gang_ns, held_ns, host_ns, idle_ns;
	u64 held_irq_ns;
};

struct ivm_core_info {
	unsigned int cpu;	/* its first thread online */
	u32 package, core;
	char threads[IVM_CPU_LIST_MAX + 1];
	bool given;
	char name[IVM_NAME_MAX + 1];	/* of the gang whose turn it is; empty: nobody's */
	unsigned int vcpu;
	u32 floors;		/* promised there, thousandths */
	struct ivm_core_times times;
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
 * @floor:	what each is promised, thousandths of a core
 * @wanted:	for each a thread of the core that it belongs on and stays on; NULL: any
 * @cpu:	out: one host CPU (the first online thread of a core) per vCPU, the least loaded cores first
 * @ops, @ctx:	told when a vCPU has to move
 * @why:	on refusal says both numbers
 * Return: a placement, or ERR_PTR(-E2BIG) when there are fewer cores than vCPUs,
 * ERR_PTR(-EINVAL) when @wanted cannot be. May sleep.
 */
struct ivm_placement *ivm_cores_place(unsigned int nr, u32 floor, const u16 *wanted, int *cpu,
				      const struct ivm_sched_ops *ops, void *ctx, struct ivm_why *why);
void ivm_cores_weigh(struct ivm_placement *placement, u32 floor);
bool ivm_cores_describe(unsigned int cpu, struct ivm_core_info *info);

/* affinity.c: from text to @wanted above. */
int ivm_affinity_parse(const char *list, unsigned int nr, u16 *cpu, struct ivm_why *why);

/* Gives the cores back; accepts NULL. No moved() call is under way or follows when it returns. May sleep. */
void ivm_cores_release(struct ivm_placement *placement);

/* ---- gang.c: who runs when ---- */

struct ivm_gang_ops {
	/* The thread of vCPU @index shall call ivm_gang_enter() again before it enters the guest. Any context, with the
	 * scheduler's locks held: it may wake the thread, or interrupt the guest, and do nothing else. */
	void (*look)(void *ctx, unsigned int index);
};

int ivm_gangs_init(void);
void ivm_gangs_exit(void);
u64 ivm_slice_ns(void);

struct ivm_gang *ivm_gang_create(const char *name, unsigned int nr, const int *cpu, const struct ivm_shares *shares,
				 const struct ivm_gang_ops *ops, void *ctx, struct ivm_why *why);
void ivm_gang_destroy(struct ivm_gang *gang);
int ivm_gang_set(struct ivm_gang *gang, const struct ivm_shares *shares, struct ivm_why *why);
void ivm_gang_move(struct ivm_gang *gang, unsigned int index, int cpu);
bool ivm_gang_lacks(struct ivm_gang *gang, u32 *most);
struct ivm_gang_vcpu *ivm_gang_vcpu(struct ivm_gang *gang, unsigned int index);
size_t ivm_gang_kernel_bytes(const struct ivm_gang *gang);
void ivm_gang_info(struct ivm_gang *gang, struct ivm_gang_info *info);
void ivm_gang_vcpu_info(struct ivm_gang_vcpu *vcpu, struct ivm_gang_vcpu_info *info);
bool ivm_core_info(unsigned int cpu, struct ivm_core_info *info);
int ivm_shares_check(const struct ivm_shares *shares, struct ivm_why *why);

/* Of the vCPU's own thread. */
void ivm_gang_attach(struct ivm_gang_vcpu *vcpu);
void ivm_gang_detach(struct ivm_gang_vcpu *vcpu);
bool ivm_gang_enter(struct ivm_gang_vcpu *vcpu);
void ivm_gang_left(struct ivm_gang_vcpu *vcpu, u64 entered, u64 guest_cycles);
void ivm_gang_rest(struct ivm_gang_vcpu *vcpu);
void ivm_gang_halt(struct ivm_gang_vcpu *vcpu);

/* Of anybody. */
void ivm_gang_wake(struct ivm_gang_vcpu *vcpu);
void ivm_gang_nudge(struct ivm_gang_vcpu *vcpu);

/* ---- reserve.c: what the host keeps ---- */
void ivm_reserve_adopt(struct task_struct *task);	/* the thread of a vCPU, before it is woken first. May sleep. */
int ivm_reserve_set(u32 thousandths, struct ivm_why *why);
u32 ivm_reserve(void);

/* ---- smt.c: nothing runs beside a vCPU on its core (P7) ---- */

void ivm_smt_exit(void);
int ivm_smt_get(struct ivm_why *why);
void ivm_smt_put(void);
int ivm_smt_set_cores(const char *list, struct ivm_why *why);
int ivm_smt_set_policy(u32 policy, struct ivm_why *why);
u32 ivm_smt_policy(void);
void ivm_smt_list(char *buf, size_t size);

/* ---- guard.c: the same while siblings are online. Around each entry, interrupts off ---- */

DECLARE_STATIC_KEY_FALSE(ivm_guard_on);
bool ivm_guard_may_enter(void);
void ivm_guard_has_left(void);

/* May this CPU enter guest mode now? If so, ivm_guard_exit() follows, and no lock is taken before. */
static inline bool ivm_guard_enter(void)
{
	return !static_branch_unlikely(&ivm_guard_on) || ivm_guard_may_enter();
}

static inline void ivm_guard_exit(void)
{
	if (static_branch_unlikely(&ivm_guard_on))
		ivm_guard_has_left();
}

#endif
