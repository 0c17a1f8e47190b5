/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>

/* Return: 0; 1 it was so already; negative errno. */
int remove_cpu(unsigned int cpu);
int add_cpu(unsigned int cpu);
