/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_CPUHOTPLUG_H
#define SHIM_LINUX_CPUHOTPLUG_H

#include <linux/types.h>

enum cpuhp_state { CPUHP_AP_ONLINE_DYN = 1 };

/* One pair of callbacks. Return: the state, always 2. */
int cpuhp_setup_state(enum cpuhp_state state, const char *name,
		      int (*up)(unsigned int cpu), int (*down)(unsigned int cpu));
void cpuhp_remove_state_nocalls(enum cpuhp_state state);

#endif
