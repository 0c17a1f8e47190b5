// SPDX-License-Identifier: GPL-2.0-only
/*
 * P7: nothing runs beside a vCPU on its core. By the policy exclusive, the other
 * threads of the cores that IVM has are offline for as long as any VM runs, and come
 * back siblings_linger seconds after the last one: the next may follow soon, and CPU
 * hotplug is slow, for the whole host. By the policy guard they stay online, and
 * guard.c holds them; its threads stay as long.
 *
 * What we took offline we owe to the host, also when it cannot be given back at
 * once (CPU hotplug is disabled during suspend): every later occasion tries again.
 *
 * Locks: smt_lock, then those of CPU hotplug, then those of cores.c. smt_lock
 * protects all that is declared here. Hotplug callbacks do not take it: a sibling
 * that somebody else wants online is refused by cores.c, which was told to.
 */
#include "sched.h"
#include "cores.h"
#include "guard.h"
#include "../why.h"

#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/workqueue.h>

#include <linux/ivm.h>

static unsigned int siblings_linger = 30;
module_param(siblings_linger, uint, 0644);
MODULE_PARM_DESC(siblings_linger, "seconds after the last VM until siblings of its cores are online again, 3600 at most");

static DEFINE_MUTEX(smt_lock);
static u32 smt_policy = IVM_SMT_EXCLUSIVE;	/* also read without the lock; changes while there are no users */
static unsigned int smt_users;		/* VMs that have vCPUs */
static struct cpumask smt_owed;		/* CPUs that we took offline */

/* Takes the CPUs of @siblings offline. On failure some of them are, and owed. */
static int smt_take(const struct cpumask *siblings, struct ivm_why *why)
{
	unsigned int cpu;
	int err;

	for_each_cpu(cpu, siblings) {
		ivm_cores_hide(cpu);
		err = remove_cpu(cpu);
		if (err)
			ivm_cores_unhide(cpu);
		if (err < 0)
			return ivm_why(why, 0, -EBUSY,
				       "CPU %u shares a core with a vCPU and cannot be taken offline (error %d): give IVM other cores (ivmctl host set cores=LIST)",
				       cpu, err);
		/* Positive: somebody else did, and does not expect it back. */
		if (!err)
			cpumask_set_cpu(cpu, &smt_owed);
	}
	return 0;
}

/* Gives back what lies beside no core of a VM. */
static void smt_give_back(void)
{
	unsigned int cpu;
	int err;

	for_each_cpu(cpu, &smt_owed) {
		if (!ivm_cores_hidden(cpu)) {	/* somebody brought it online: the debt is paid */
			cpumask_clear_cpu(cpu, &smt_owed);
			continue;
		}
		if (smt_users && ivm_cores_given(cpu))
			continue;
		err = add_cpu(cpu);
		if (err < 0)
			pr_warn("ivm: CPU %u cannot be brought back online now (error %d)\n", cpu, err);
		else
			cpumask_clear_cpu(cpu, &smt_owed);
	}
}

/* No VM runs, nor is one expected. */
static void smt_end(void)
{
	smt_give_back();
	ivm_guard_stop();
}

/* Whoever ends a VM may be a worker that memory reclaim waits for, and cannot bring CPUs online itself. */
static void smt_work(struct work_struct *work)
{
	mutex_lock(&smt_lock);
	if (!smt_users)
		smt_end();
	mutex_unlock(&smt_lock);
}

static DECLARE_DELAYED_WORK(smt_linger, smt_work);

static int smt_begin_exclusive(struct ivm_why *why)
{
	static struct cpumask siblings;	/* under smt_lock: too big for the stack */
	int err;

	ivm_cores_seal(true);
	err = ivm_cores_siblings(NULL, &siblings, why);
	if (!err)
		err = smt_take(&siblings, why);
	if (err) {
		ivm_cores_seal(false);
		smt_give_back();
	}
	return err;
}

/**
 * ivm_smt_get() - a VM is about to run: from here on nothing else runs on the cores of IVM
 * @why: filled on refusal
 *
 * Context: may sleep, for as long as CPU hotplug takes; no lock held that a
 * moved() of an owner takes.
 * Return: 0; -EBUSY when a sibling cannot be taken offline, and then none is;
 * another negative errno when they cannot be held.
 */
int ivm_smt_get(struct ivm_why *why)
{
	int err = 0;

	mutex_lock(&smt_lock);
	if (!smt_users)
		err = smt_policy == IVM_SMT_GUARD ? ivm_guard_start(why) : smt_begin_exclusive(why);
	if (!err)
		smt_users++;
	mutex_unlock(&smt_lock);
	return err;
}

/**
 * ivm_smt_put() - a VM has no vCPUs any more: undoes ivm_smt_get()
 *
 * After the last one, who wants a sibling online may bring it online; we do
 * when no other VM comes within siblings_linger.
 *
 * Context: may sleep.
 */
void ivm_smt_put(void)
{
	mutex_lock(&smt_lock);
	if (!--smt_users) {
		ivm_cores_seal(false);
		mod_delayed_work(system_unbound_wq, &smt_linger,
				 min_t(unsigned long, READ_ONCE(siblings_linger), 3600) * HZ);	/* from now on */
	}
	mutex_unlock(&smt_lock);
}

/**
 * ivm_smt_set_cores() - ivm_cores_set() for a host whose VMs may run
 * @list: as there
 * @why:  filled on refusal
 *
 * The siblings of cores that IVM gets are offline before a vCPU is there; those
 * of cores that it loses come back.
 *
 * Context: as ivm_smt_get().
 * Return: as ivm_cores_set(), or -EBUSY as ivm_smt_get(): nothing is changed then.
 */
int ivm_smt_set_cores(const char *list, struct ivm_why *why)
{
	static struct cpumask siblings;	/* under smt_lock */
	int err = 0;

	mutex_lock(&smt_lock);
	if (smt_users && smt_policy == IVM_SMT_EXCLUSIVE) {
		err = ivm_cores_siblings(list, &siblings, why);
		if (!err)
			err = smt_take(&siblings, why);
	}
	if (!err)
		err = ivm_cores_set(list, why);
	if (smt_users)
		smt_give_back();
	mutex_unlock(&smt_lock);
	return err;
}

/**
 * ivm_smt_set_policy() - what happens to the siblings of vCPUs
 * @policy: enum ivm_smt
 * @why:    filled on refusal
 *
 * Context: as ivm_smt_get().
 * Return: 0; -EINVAL: there is no such policy; -EBUSY: VMs run by another one.
 */
int ivm_smt_set_policy(u32 policy, struct ivm_why *why)
{
	int err = 0;

	if (policy != IVM_SMT_EXCLUSIVE && policy != IVM_SMT_GUARD)
		return ivm_why(why, IVM_A_SMT, -EINVAL, "the policy for siblings is exclusive (%d) or guard (%d), not %u",
			       IVM_SMT_EXCLUSIVE, IVM_SMT_GUARD, policy);
	mutex_lock(&smt_lock);
	if (policy == smt_policy)
		goto out;
	if (smt_users) {
		err = ivm_why(why, IVM_A_SMT, -EBUSY,
			      "the policy for siblings cannot change while VMs run or are paused, and %u do: stop them first",
			      smt_users);
		goto out;
	}
	smt_end();
	WRITE_ONCE(smt_policy, policy);
out:
	mutex_unlock(&smt_lock);
	return err;
}

u32 ivm_smt_policy(void)
{
	return READ_ONCE(smt_policy);
}

/**
 * ivm_smt_list() - which CPUs are offline because they share a core with vCPUs
 * @buf:  out: a CPU list, empty if there are none
 * @size: of @buf
 *
 * Context: may sleep.
 */
void ivm_smt_list(char *buf, size_t size)
{
	mutex_lock(&smt_lock);
	scnprintf(buf, size, "%*pbl", cpumask_pr_args(&smt_owed));
	mutex_unlock(&smt_lock);
}

/* No VM is left. What still cannot be given back is said once more, and left to the administrator. */
void ivm_smt_exit(void)
{
	cancel_delayed_work_sync(&smt_linger);
	mutex_lock(&smt_lock);
	smt_end();
	mutex_unlock(&smt_lock);
}
