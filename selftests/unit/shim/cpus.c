// SPDX-License-Identifier: GPL-2.0-only
/* The host's processors, their hotplug, and mutexes. */
#include <errno.h>
#include <stdlib.h>

#include "shim.h"
#include <linux/bug.h>
#include <linux/cpu.h>
#include <linux/mutex.h>
#include <linux/topology.h>

unsigned int nr_cpu_ids;
unsigned int shim_cpu_stuck = SHIM_CPUS;
struct cpumask shim_cpu_possible, shim_cpu_present, shim_cpu_online;
static struct cpumask siblings[NR_CPUS];
static unsigned int threads;
static int (*cpu_up)(unsigned int cpu), (*cpu_down)(unsigned int cpu);

_Static_assert(NR_CPUS == SHIM_CPUS && NR_CPUS == BITS_PER_LONG, "masks are one word");

static void link_siblings(unsigned int cpu)
{
	unsigned int first = cpu - cpu % threads, i;

	for (i = first; i < first + threads && i < NR_CPUS; i++)
		if (cpu_online(i)) {
			cpumask_set_cpu(cpu, &siblings[i]);
			cpumask_set_cpu(i, &siblings[cpu]);
		}
}

void shim_cpus(unsigned int cpus, unsigned int present, unsigned int threads_per_core)
{
	unsigned int i;

	BUG_ON(cpus > NR_CPUS || present > cpus || !threads_per_core);
	nr_cpu_ids = cpus;
	threads = threads_per_core;
	cpumask_clear(&shim_cpu_possible);
	cpumask_clear(&shim_cpu_present);
	cpumask_clear(&shim_cpu_online);
	for (i = 0; i < NR_CPUS; i++)
		cpumask_clear(&siblings[i]);
	for (i = 0; i < cpus; i++)
		cpumask_set_cpu(i, &shim_cpu_possible);
	for (i = 0; i < present; i++) {
		cpumask_set_cpu(i, &shim_cpu_present);
		cpumask_set_cpu(i, &shim_cpu_online);
		link_siblings(i);
	}
}

const struct cpumask *topology_sibling_cpumask(unsigned int cpu)
{
	BUG_ON(cpu >= nr_cpu_ids);
	return &siblings[cpu];
}

static void offline(unsigned int cpu)
{
	unsigned int i;

	cpumask_clear_cpu(cpu, &shim_cpu_online);
	cpumask_clear(&siblings[cpu]);
	for (i = 0; i < NR_CPUS; i++)
		cpumask_clear_cpu(cpu, &siblings[i]);
}

void shim_cpu_down(unsigned int cpu)
{
	BUG_ON(!cpu_online(cpu));
	if (cpu_down)
		BUG_ON(cpu_down(cpu));	/* still online, and still a sibling */
	offline(cpu);
}

int shim_cpu_try_up(unsigned int cpu)
{
	int err;

	BUG_ON(cpu_online(cpu) || !cpu_present(cpu));
	cpumask_set_cpu(cpu, &shim_cpu_online);
	link_siblings(cpu);
	err = cpu_up ? cpu_up(cpu) : 0;
	if (err)
		offline(cpu);
	return err;
}

void shim_cpu_up(unsigned int cpu)
{
	BUG_ON(shim_cpu_try_up(cpu));
}

int remove_cpu(unsigned int cpu)
{
	might_sleep();
	if (cpu == shim_cpu_stuck)
		return -EBUSY;
	if (!cpu_online(cpu))
		return 1;
	shim_cpu_down(cpu);
	return 0;
}

int add_cpu(unsigned int cpu)
{
	might_sleep();
	if (cpu == shim_cpu_stuck)
		return -EBUSY;
	return cpu_online(cpu) ? 1 : shim_cpu_try_up(cpu);
}

int cpuhp_setup_state(enum cpuhp_state state, const char *name,
		      int (*up)(unsigned int cpu), int (*down)(unsigned int cpu))
{
	unsigned int cpu;

	BUG_ON(state != CPUHP_AP_ONLINE_DYN || cpu_up || cpu_down);
	might_sleep();
	cpu_up = up;
	cpu_down = down;
	for_each_cpu(cpu, cpu_online_mask)
		BUG_ON(up(cpu));
	return 2;
}

void cpuhp_remove_state_nocalls(enum cpuhp_state state)
{
	BUG_ON(state != 2 || !cpu_up);
	might_sleep();
	cpu_up = NULL;
	cpu_down = NULL;
}

int cpulist_parse(const char *list, struct cpumask *m)
{
	unsigned long first, last;
	char *end;

	cpumask_clear(m);
	for (;; list = end + 1) {
		if (*list < '0' || *list > '9')
			return *list ? -EINVAL : 0;
		first = last = strtoul(list, &end, 10);
		if (*end == '-') {
			if (end[1] < '0' || end[1] > '9')
				return -EINVAL;
			last = strtoul(end + 1, &end, 10);
		}
		if (first > last)
			return -EINVAL;
		if (last >= nr_cpu_ids)
			return -ERANGE;
		for (; first <= last; first++)
			cpumask_set_cpu(first, m);
		if (!*end)
			return 0;
		if (*end != ',')
			return -EINVAL;
	}
}

/* A mutex keeps no interrupts away and lets its holder sleep: it is counted as no lock. */
void mutex_lock(struct mutex *m)
{
	might_sleep();
	shim_mutex_lock(&m->lock);
}

void mutex_unlock(struct mutex *m)
{
	shim_mutex_unlock(&m->lock);
}
