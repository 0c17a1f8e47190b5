// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which physical cores IVM has, and which vCPU is on which of them.
 *
 * A core is known by its leader, the first of its threads that is online; a
 * vCPU is placed on leaders only. CPU hotplug may change or take away leaders,
 * and so may the administrator: then vCPUs move, and their owners are told.
 *
 * Locks: cpu_hotplug_lock (hotplug callbacks come with it), tell_lock,
 * cores_lock. cores_lock protects all that is declared here. tell_lock makes
 * the calls of moved() follow each other, so that the last one is the truth;
 * it protects a placement from being freed meanwhile, and no function that an
 * owner may want to call from moved() takes it.
 */
#include "sched.h"
#include "cores.h"
#include "../why.h"

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/topology.h>

#include <linux/ivm.h>

#define CPU_NONE	(-1)

/* The vCPUs of one VM. (c) constant once created  (l) cores_lock */
struct ivm_placement {
	struct list_head link;			/* (l) in placements */
	const struct ivm_sched_ops *ops;	/* (c) */
	void *ctx;				/* (c) */
	unsigned int nr;			/* (c) */
	unsigned int weight;			/* (l) of each vCPU in cores_load */
	struct {
		int cpu;			/* (l) a leader, or CPU_NONE */
		int told;			/* (l) what the owner knows */
		int pin;			/* (c) a thread of the core it stays on, or CPU_NONE */
	} vcpu[];
};

static DEFINE_MUTEX(tell_lock);
static DEFINE_MUTEX(cores_lock);
static LIST_HEAD(placements);
static struct cpumask cores_online;	/* CPUs between our two hotplug callbacks */
static struct cpumask cores_given;	/* all threads of the cores that IVM may use */
static char cores_text[IVM_CPU_LIST_MAX + 1] = "all";	/* what the administrator asked for */
static struct cpumask cores_leaders;	/* follows from the two masks above: leaders that IVM may use */
static unsigned int cores_nr;		/* of cores_leaders; also read without the lock */
static unsigned int *cores_load;	/* by CPU: weights of the vCPUs placed there; 0 but for leaders */
static bool cores_sealed;		/* no second thread of a core may come online */
static unsigned int *cores_beside;	/* by CPU that smt.c took offline: a thread of the same core; by others: themselves */
static enum cpuhp_state cores_state;

/* First thread of @cpu's core that is online and in @mask; nr_cpu_ids or more if there is none. */
static unsigned int cores_leader(unsigned int cpu, const struct cpumask *mask)
{
	unsigned int thread;

	for_each_cpu_and(thread, topology_sibling_cpumask(cpu), mask)
		if (cpumask_test_cpu(thread, &cores_online))
			break;
	return thread;
}

/* The least loaded leader that no vCPU of @placement has; CPU_NONE if there is none. */
static int cores_pick(const struct ivm_placement *placement)
{
	static struct cpumask free;	/* under cores_lock: too big for the stack */
	unsigned int cpu, i;
	int best = CPU_NONE;

	lockdep_assert_held(&cores_lock);
	cpumask_copy(&free, &cores_leaders);
	for (i = 0; i < placement->nr; i++)
		if (placement->vcpu[i].cpu != CPU_NONE)
			cpumask_clear_cpu(placement->vcpu[i].cpu, &free);
	for_each_cpu(cpu, &free)
		if (best == CPU_NONE || cores_load[cpu] < cores_load[best])
			best = cpu;
	return best;
}

static void cores_put_vcpu(struct ivm_placement *placement, unsigned int i, int cpu)
{
	int old = placement->vcpu[i].cpu;

	if (old != CPU_NONE)
		cores_load[old] -= placement->weight;
	if (cpu != CPU_NONE)
		cores_load[cpu] += placement->weight;
	placement->vcpu[i].cpu = cpu;
}

/* Where a vCPU that is pinned to the core of @pin runs; CPU_NONE while that core is not ours, or @pin is offline. */
static int cores_pinned(int pin)
{
	unsigned int leader = cores_leader(cores_beside[pin], &cores_leaders);

	return leader < nr_cpu_ids ? (int)leader : CPU_NONE;
}

/* Gives each vCPU of @placement that has no proper core a new one: the same core's new leader if it has one. */
static void cores_mend(struct ivm_placement *placement)
{
	unsigned int i, leader;
	int cpu;

	for (i = 0; i < placement->nr; i++) {
		cpu = placement->vcpu[i].cpu;
		if (placement->vcpu[i].pin != CPU_NONE) {
			cores_put_vcpu(placement, i, cores_pinned(placement->vcpu[i].pin));
			continue;
		}
		if (cpu == CPU_NONE || cpumask_test_cpu(cpu, &cores_leaders))
			continue;
		leader = cores_leader(cpu, &cores_leaders);
		cores_put_vcpu(placement, i, leader < nr_cpu_ids ? (int)leader : CPU_NONE);
	}
	/* Only now is it known which leaders are free for the others. */
	for (i = 0; i < placement->nr; i++)
		if (placement->vcpu[i].cpu == CPU_NONE && placement->vcpu[i].pin == CPU_NONE)
			cores_put_vcpu(placement, i, cores_pick(placement));
}

/* To be called after each change of the masks. */
static void cores_update(void)
{
	struct ivm_placement *placement;
	unsigned int cpu;

	lockdep_assert_held(&cores_lock);
	cpumask_clear(&cores_leaders);
	for_each_cpu_and(cpu, &cores_online, &cores_given)
		if (cores_leader(cpu, &cores_given) == cpu)
			cpumask_set_cpu(cpu, &cores_leaders);
	WRITE_ONCE(cores_nr, cpumask_weight(&cores_leaders));
	list_for_each_entry(placement, &placements, link)
		cores_mend(placement);
}

/* Finds a vCPU whose owner does not know yet where it is, and notes that it does now. */
static struct ivm_placement *cores_untold(unsigned int *index, int *cpu)
{
	struct ivm_placement *placement;
	unsigned int i;

	lockdep_assert_held(&cores_lock);
	list_for_each_entry(placement, &placements, link)
		for (i = 0; i < placement->nr; i++)
			if (placement->vcpu[i].told != placement->vcpu[i].cpu) {
				placement->vcpu[i].told = placement->vcpu[i].cpu;
				*index = i;
				*cpu = placement->vcpu[i].cpu;
				return placement;
			}
	return NULL;
}

/* Tells owners what changed; what was changed before is told when this returns. */
static void cores_tell(void)
{
	struct ivm_placement *placement;
	unsigned int index;
	int cpu;

	mutex_lock(&tell_lock);
	for (;;) {
		mutex_lock(&cores_lock);
		placement = cores_untold(&index, &cpu);
		mutex_unlock(&cores_lock);
		if (!placement)
			break;
		placement->ops->moved(placement->ctx, index, cpu);
	}
	mutex_unlock(&tell_lock);
}

/* Would @cpu, which comes online, run beside a vCPU, or make vCPUs run beside something? */
static bool cores_excludes(unsigned int cpu)
{
	return cores_sealed && cpumask_intersects(topology_sibling_cpumask(cpu), &cores_given) &&
		cores_leader(cpu, cpu_possible_mask) < nr_cpu_ids;
}

static int cores_cpu_online(unsigned int cpu)
{
	mutex_lock(&cores_lock);
	if (cores_excludes(cpu)) {
		mutex_unlock(&cores_lock);
		pr_info("ivm: CPU %u stays offline: vCPUs run on its core. Stop all VMs, or give IVM other cores (ivmctl host set cores=LIST)\n",
			cpu);
		return -EBUSY;
	}
	cpumask_set_cpu(cpu, &cores_online);
	cores_beside[cpu] = cpu;
	/* All threads of a core that was given are given, also those that were offline then. */
	if (cpumask_intersects(topology_sibling_cpumask(cpu), &cores_given))
		cpumask_or(&cores_given, &cores_given, topology_sibling_cpumask(cpu));
	cores_update();
	mutex_unlock(&cores_lock);
	cores_tell();
	return 0;
}

/* On return no vCPU is bound to @cpu, if the owners do what they are told. */
static int cores_cpu_offline(unsigned int cpu)
{
	mutex_lock(&cores_lock);
	cpumask_clear_cpu(cpu, &cores_online);
	cores_update();
	mutex_unlock(&cores_lock);
	cores_tell();
	return 0;
}

/**
 * ivm_cores_count() - how many physical cores are online and given to IVM
 *
 * Context: any.
 * Return: the number now; it may change at any time.
 */
unsigned int ivm_cores_count(void)
{
	return READ_ONCE(cores_nr);
}

/* The kernel's parser takes more than we promise: blanks, empty items, "ALL", steps. */
static bool cores_list_is_plain(const char *list)
{
	size_t len = strlen(list);

	return !len || (strspn(list, "0123456789-,") == len && list[0] != ',' && list[len - 1] != ',' &&
			!strstr(list, ",,"));
}

/* The threads of all cores that @list names go into @given. */
static int cores_parse(const char *list, struct cpumask *given, struct ivm_why *why)
{
	static struct cpumask named;	/* under cores_lock: too big for the stack */
	unsigned int cpu;
	int err;

	lockdep_assert_held(&cores_lock);
	if (!strcmp(list, "all")) {
		cpumask_copy(given, cpu_possible_mask);
		return 0;
	}
	if (strlen(list) > IVM_CPU_LIST_MAX)
		return ivm_why(why, IVM_A_CPU_LIST, -EINVAL, "a CPU list has at most %d bytes, not %zu",
			       IVM_CPU_LIST_MAX, strlen(list));
	err = cores_list_is_plain(list) ? cpulist_parse(list, &named) : -EINVAL;
	if (err == -ERANGE)
		return ivm_why(why, IVM_A_CPU_LIST, -EINVAL,
			       "the CPU list names a CPU that this host cannot have: the last one is %u",
			       nr_cpu_ids - 1);
	if (err)
		return ivm_why(why, IVM_A_CPU_LIST, -EINVAL,
			       "expected \"all\" or a CPU list like \"0-3,6\", not \"%.80s\"", list);
	if (cpumask_empty(&named))
		return ivm_why(why, IVM_A_CPU_LIST, -EINVAL, "the CPU list names no CPU");
	cpumask_clear(given);
	for_each_cpu(cpu, &named) {
		if (!cpu_present(cpu))
			return ivm_why(why, IVM_A_CPU_LIST, -EINVAL, "this host has no CPU %u", cpu);
		if (!cpumask_test_cpu(cores_beside[cpu], &cores_online))
			return ivm_why(why, IVM_A_CPU_LIST, -EINVAL, "CPU %u is offline", cpu);
		cpumask_or(given, given, topology_sibling_cpumask(cores_beside[cpu]));
	}
	return 0;
}

void ivm_cores_seal(bool sealed)
{
	mutex_lock(&cores_lock);
	cores_sealed = sealed;
	mutex_unlock(&cores_lock);
}

int ivm_cores_siblings(const char *list, struct cpumask *siblings, struct ivm_why *why)
{
	static struct cpumask given;	/* under cores_lock: too big for the stack */
	unsigned int cpu;
	int err = 0;

	mutex_lock(&cores_lock);
	if (list)
		err = cores_parse(list, &given, why);
	else
		cpumask_copy(&given, &cores_given);
	cpumask_clear(siblings);
	for_each_cpu_and(cpu, &cores_online, &given)
		if (cores_leader(cpu, &given) != cpu)
			cpumask_set_cpu(cpu, siblings);
	mutex_unlock(&cores_lock);
	return err;
}

void ivm_cores_hide(unsigned int cpu)
{
	unsigned int leader;

	mutex_lock(&cores_lock);
	leader = cores_leader(cpu, cpu_possible_mask);
	if (leader < nr_cpu_ids)
		cores_beside[cpu] = leader;
	mutex_unlock(&cores_lock);
}

void ivm_cores_unhide(unsigned int cpu)
{
	mutex_lock(&cores_lock);
	cores_beside[cpu] = cpu;
	mutex_unlock(&cores_lock);
}

bool ivm_cores_hidden(unsigned int cpu)
{
	bool hidden;

	mutex_lock(&cores_lock);
	hidden = cores_beside[cpu] != cpu;
	mutex_unlock(&cores_lock);
	return hidden;
}

bool ivm_cores_given(unsigned int cpu)
{
	bool given;

	mutex_lock(&cores_lock);
	given = cpumask_test_cpu(cores_beside[cpu], &cores_given);
	mutex_unlock(&cores_lock);
	return given;
}

/* Would every VM that is placed still fit on the cores of @given? */
static int cores_check_fit(const struct cpumask *given, struct ivm_why *why)
{
	struct ivm_placement *placement;
	unsigned int cpu, i, nr = 0;
	int pin;

	for_each_cpu_and(cpu, &cores_online, given)
		if (cores_leader(cpu, given) == cpu)
			nr++;
	list_for_each_entry(placement, &placements, link) {
		if (placement->nr > nr)
			return ivm_why(why, IVM_A_CPU_LIST, -EBUSY,
				       "a VM that is started has %u vCPUs, the CPU list leaves %u physical cores: stop it first",
				       placement->nr, nr);
		for (i = 0; i < placement->nr; i++) {
			pin = placement->vcpu[i].pin;
			if (pin != CPU_NONE && !cpumask_test_cpu(pin, given) &&
			    !cpumask_test_cpu(cores_beside[pin], given))
				return ivm_why(why, IVM_A_CPU_LIST, -EBUSY,
					       "vCPU %u of a VM that is started is pinned to the core of CPU %d, which the CPU list leaves out: stop it first",
					       i, pin);
		}
	}
	return 0;
}

/**
 * ivm_cores_set() - give physical cores to IVM
 * @list: CPU list ("0-3,6": any thread names its core) or "all"
 * @why:  filled on refusal
 *
 * vCPUs on cores taken away are moved, and their owners told, before this returns.
 *
 * Context: may sleep; without locks that moved() of any owner takes.
 * Return: 0; -EINVAL bad list, absent or offline CPU; -EBUSY when a VM that has
 * its vCPUs placed would no longer fit. Nothing is changed then.
 */
int ivm_cores_set(const char *list, struct ivm_why *why)
{
	static struct cpumask given;	/* under cores_lock: too big for the stack */
	int err;

	mutex_lock(&cores_lock);
	err = cores_parse(list, &given, why);
	if (!err)
		err = cores_check_fit(&given, why);
	if (!err) {
		cpumask_copy(&cores_given, &given);
		strscpy(cores_text, list, sizeof(cores_text));
		cores_update();
	}
	mutex_unlock(&cores_lock);
	if (!err)
		cores_tell();
	return err;
}

/**
 * ivm_cores_list() - which cores were given to IVM
 * @buf:  out: the list as it was given, or "all"
 * @size: of @buf, at least IVM_CPU_LIST_MAX + 1
 *
 * Context: may sleep.
 */
void ivm_cores_list(char *buf, size_t size)
{
	mutex_lock(&cores_lock);
	strscpy(buf, cores_text, size);
	mutex_unlock(&cores_lock);
}

/* Pins the vCPUs of a placement that is in no list yet. */
static int cores_pin(struct ivm_placement *placement, const u16 *wanted, struct ivm_why *why)
{
	unsigned int i, k;
	int cpu;

	for (i = 0; i < placement->nr; i++) {
		if (wanted[i] >= nr_cpu_ids || !cpu_present(wanted[i]))
			return ivm_why(why, IVM_A_AFFINITY, -EINVAL, "affinity: this host has no CPU %u", wanted[i]);
		if (!cpumask_test_cpu(cores_beside[wanted[i]], &cores_online))
			return ivm_why(why, IVM_A_AFFINITY, -EINVAL, "affinity: CPU %u is offline", wanted[i]);
		cpu = cores_pinned(wanted[i]);
		if (cpu == CPU_NONE)
			return ivm_why(why, IVM_A_AFFINITY, -EINVAL,
				       "affinity: the core of CPU %u is not given to IVM; see ivmctl host set cores=",
				       wanted[i]);
		for (k = 0; k < i; k++)
			if (cores_pinned(wanted[k]) == cpu)
				return ivm_why(why, IVM_A_AFFINITY, -EINVAL,
					       "affinity: CPUs %u and %u are of one core, each vCPU needs one of its own",
					       wanted[k], wanted[i]);
		placement->vcpu[i].pin = wanted[i];
	}
	return 0;
}

/**
 * ivm_cores_place() - choose a distinct physical core for each vCPU of a VM (P4)
 * @nr:  vCPUs, 1 … IVM_VCPUS_MAX
 * @floor: what each is promised, thousandths of a core
 * @wanted: for each a thread of the core that it belongs on; NULL: any
 * @cpu: out: one host CPU per vCPU, the leaders of the least loaded cores
 * @ops: told when a vCPU has to move, possibly before this returns
 * @ctx: handed to @ops
 * @why: on refusal says both numbers
 *
 * A vCPU that is pinned runs nowhere else: while the CPU that names its core is
 * offline it waits.
 *
 * Context: may sleep.
 * Return: a placement; ERR_PTR(-E2BIG) when there are fewer cores than vCPUs,
 * ERR_PTR(-EINVAL) when @wanted cannot be, ERR_PTR(-ENOMEM).
 */
struct ivm_placement *ivm_cores_place(unsigned int nr, u32 floor, const u16 *wanted, int *cpu,
				      const struct ivm_sched_ops *ops, void *ctx, struct ivm_why *why)
{
	struct ivm_placement *placement = kzalloc(struct_size(placement, vcpu, nr), GFP_KERNEL);
	unsigned int i;
	int err;

	if (!placement)
		return ERR_PTR(ivm_why(why, 0, -ENOMEM, "no kernel memory to place %u vCPUs", nr));
	placement->ops = ops;
	placement->ctx = ctx;
	placement->nr = nr;
	placement->weight = 1 + floor;
	for (i = 0; i < nr; i++) {
		placement->vcpu[i].cpu = CPU_NONE;
		placement->vcpu[i].pin = CPU_NONE;
	}

	mutex_lock(&cores_lock);
	if (nr > cores_nr) {
		kfree(placement);
		placement = ERR_PTR(ivm_why(why, IVM_A_VCPUS, -E2BIG,
					    "%u vCPUs need as many physical cores, and IVM has %u",
					    nr, cores_nr));
		goto out;
	}
	err = wanted ? cores_pin(placement, wanted, why) : 0;
	if (err) {
		kfree(placement);
		placement = ERR_PTR(err);
		goto out;
	}
	cores_mend(placement);
	for (i = 0; i < nr; i++) {
		placement->vcpu[i].told = placement->vcpu[i].cpu;
		cpu[i] = placement->vcpu[i].cpu;
	}
	list_add_tail(&placement->link, &placements);
out:
	mutex_unlock(&cores_lock);
	return placement;
}

/**
 * ivm_cores_weigh() - what the vCPUs of a VM are promised changed
 * @placement: from ivm_cores_place()
 * @floor:     thousandths of a core for each
 *
 * They stay where they are; who is placed next takes it into account.
 *
 * Context: may sleep.
 */
void ivm_cores_weigh(struct ivm_placement *placement, u32 floor)
{
	unsigned int i;

	mutex_lock(&cores_lock);
	for (i = 0; i < placement->nr; i++)
		if (placement->vcpu[i].cpu != CPU_NONE)
			cores_load[placement->vcpu[i].cpu] += 1 + floor - placement->weight;
	placement->weight = 1 + floor;
	mutex_unlock(&cores_lock);
}

/**
 * ivm_cores_describe() - a physical core
 * @cpu:  any
 * @info: package, core, threads and given are filled
 *
 * Context: may sleep.
 * Return: false if @cpu is not the first thread of its core that is online.
 */
bool ivm_cores_describe(unsigned int cpu, struct ivm_core_info *info)
{
	static struct cpumask threads;	/* under cores_lock: too big for the stack */
	unsigned int other;
	bool leads;

	mutex_lock(&cores_lock);
	leads = cpumask_test_cpu(cpu, &cores_online) && cores_leader(cpu, cpu_possible_mask) == cpu;
	if (leads) {
		cpumask_copy(&threads, topology_sibling_cpumask(cpu));
		for_each_possible_cpu(other)	/* also those that we took offline */
			if (cpumask_test_cpu(cores_beside[other], topology_sibling_cpumask(cpu)))
				cpumask_set_cpu(other, &threads);
		info->cpu = cpu;
		info->package = topology_physical_package_id(cpu);
		info->core = topology_core_id(cpu);
		info->given = cpumask_test_cpu(cpu, &cores_given);
		scnprintf(info->threads, sizeof(info->threads), "%*pbl", cpumask_pr_args(&threads));
	}
	mutex_unlock(&cores_lock);
	return leads;
}

/**
 * ivm_cores_release() - give the cores of a VM back
 * @placement: from ivm_cores_place(); may be NULL
 *
 * Context: may sleep; waits for moved() of any owner, so the caller holds no
 * lock that those take. No call for this placement is under way or follows on
 * return.
 */
void ivm_cores_release(struct ivm_placement *placement)
{
	unsigned int i;

	if (!placement)
		return;
	mutex_lock(&tell_lock);
	mutex_lock(&cores_lock);
	list_del(&placement->link);
	for (i = 0; i < placement->nr; i++)
		cores_put_vcpu(placement, i, CPU_NONE);
	mutex_unlock(&cores_lock);
	mutex_unlock(&tell_lock);
	kfree(placement);
}

/**
 * ivm_cores_init() - find the physical cores and follow CPU hotplug; all cores are given to IVM
 *
 * Context: may sleep.
 * Return: 0 or a negative errno.
 */
int ivm_cores_init(void)
{
	unsigned int cpu;
	int state = -ENOMEM;

	cores_load = kcalloc(nr_cpu_ids, sizeof(*cores_load), GFP_KERNEL);
	cores_beside = kcalloc(nr_cpu_ids, sizeof(*cores_beside), GFP_KERNEL);
	if (!cores_load || !cores_beside)
		goto err;
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		cores_beside[cpu] = cpu;
	cpumask_copy(&cores_given, cpu_possible_mask);
	state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "ivm/cores:online", cores_cpu_online,
				  cores_cpu_offline);
	if (state < 0)
		goto err;
	cores_state = state;
	return 0;
err:
	kfree(cores_beside);
	kfree(cores_load);
	return state;
}

/**
 * ivm_cores_exit() - undo ivm_cores_init(); no placement is left
 *
 * Context: may sleep.
 */
void ivm_cores_exit(void)
{
	cpuhp_remove_state_nocalls(cores_state);
	kfree(cores_beside);
	kfree(cores_load);
}
