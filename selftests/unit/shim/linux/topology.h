/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_TOPOLOGY_H
#define SHIM_LINUX_TOPOLOGY_H

#include <linux/cpumask.h>

/* As on x86: the threads of this core that are online, or on their way; none for a CPU that is off. */
const struct cpumask *topology_sibling_cpumask(unsigned int cpu);

#endif
