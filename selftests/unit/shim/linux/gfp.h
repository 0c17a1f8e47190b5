/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_GFP_H
#define SHIM_LINUX_GFP_H

#include <linux/types.h>

#define __GFP_ZERO		(1U << 0)
#define __GFP_SLEEPS		(1U << 1)	/* the shim's own: checked against the context */
#define __GFP_NOWARN		0U
#define __GFP_ACCOUNT		0U
#define __GFP_NORETRY		0U
#define GFP_KERNEL		__GFP_SLEEPS
#define GFP_KERNEL_ACCOUNT	__GFP_SLEEPS
#define GFP_ATOMIC		0U
#define GFP_NOWAIT		0U

#endif
