/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_TOPOLOGY_H
#define SHIM_LINUX_TOPOLOGY_H

#include <linux/cpumask.h>

/* As on x86: the threads of this core that are online, or on their way; none for a CPU that is off. */
const struct cpumask *topology_sibling_cpumask(unsigned int cpu);

/* One package, whose cores are known by their CPUs. */
static inline int topology_physical_package_id(unsigned int cpu) { return 0; }
static inline int topology_core_id(unsigned int cpu) { return cpu; }

#endif
