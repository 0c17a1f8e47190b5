/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_CPUMASK_H
#define SHIM_LINUX_CPUMASK_H

#include <linux/bitops.h>
#include <linux/bits.h>

#define NR_CPUS		64	/* SHIM_CPUS */

struct cpumask {
	unsigned long bits[NR_CPUS / BITS_PER_LONG];
};

extern unsigned int nr_cpu_ids;
extern struct cpumask shim_cpu_possible, shim_cpu_present, shim_cpu_online;
#define cpu_possible_mask	((const struct cpumask *)&shim_cpu_possible)
#define cpu_present_mask	((const struct cpumask *)&shim_cpu_present)
#define cpu_online_mask		((const struct cpumask *)&shim_cpu_online)
#define cpu_present(cpu)	cpumask_test_cpu(cpu, cpu_present_mask)
#define cpu_online(cpu)		cpumask_test_cpu(cpu, cpu_online_mask)

static inline bool cpumask_test_cpu(unsigned int cpu, const struct cpumask *m) { return test_bit(cpu, m->bits); }
static inline void cpumask_set_cpu(unsigned int cpu, struct cpumask *m) { set_bit(cpu, m->bits); }
static inline void cpumask_clear_cpu(unsigned int cpu, struct cpumask *m) { clear_bit(cpu, m->bits); }
static inline void cpumask_clear(struct cpumask *m) { *m = (struct cpumask){ 0 }; }
static inline void cpumask_copy(struct cpumask *to, const struct cpumask *from) { *to = *from; }
static inline bool cpumask_empty(const struct cpumask *m) { return !m->bits[0]; }
static inline unsigned int cpumask_weight(const struct cpumask *m) { return __builtin_popcountl(m->bits[0]); }
static inline unsigned int cpumask_first(const struct cpumask *m) { return find_next_bit(m->bits, nr_cpu_ids, 0); }

static inline void cpumask_or(struct cpumask *to, const struct cpumask *a, const struct cpumask *b)
{
	to->bits[0] = a->bits[0] | b->bits[0];
}

static inline bool cpumask_intersects(const struct cpumask *a, const struct cpumask *b)
{
	return a->bits[0] & b->bits[0];
}

static inline unsigned int shim_cpumask_next_and(unsigned int from, const struct cpumask *a, const struct cpumask *b)
{
	while (from < nr_cpu_ids && !(cpumask_test_cpu(from, a) && cpumask_test_cpu(from, b)))
		from++;
	return from;
}

#define for_each_cpu_and(cpu, a, b) \
	for ((cpu) = shim_cpumask_next_and(0, a, b); (cpu) < nr_cpu_ids; \
	     (cpu) = shim_cpumask_next_and((cpu) + 1, a, b))
#define for_each_cpu(cpu, m)	for_each_cpu_and(cpu, m, m)
#define for_each_possible_cpu(cpu)	for_each_cpu(cpu, cpu_possible_mask)

/* For a format that prints nothing of use here. */
#define cpumask_pr_args(m)	1, (const void *)(m)

/* Numbers and ranges only. Return: 0, -EINVAL, or -ERANGE for a CPU that cannot be. */
int cpulist_parse(const char *list, struct cpumask *m);

#endif
