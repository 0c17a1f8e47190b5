/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
