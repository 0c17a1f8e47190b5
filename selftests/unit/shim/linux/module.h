/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_MODULE_H
#define SHIM_LINUX_MODULE_H

#include <linux/export.h>
#include <linux/kernel.h>

/* Parameters are variables. */
#define module_param(name, type, perm)	static_assert(1)
#define MODULE_PARM_DESC(name, text)	static_assert(1)

#endif
