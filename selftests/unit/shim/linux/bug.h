/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_BUG_H
#define SHIM_LINUX_BUG_H

#include <stdio.h>
#include <stdlib.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>

/* A guest must not be able to cause any of these: all end the test, by SIGILL (the harness takes SIGABRT for itself). */
#define BUG() do { fprintf(stderr, "BUG at %s:%d\n", __FILE__, __LINE__); __builtin_trap(); } while (0)
#define BUG_ON(cond) do { if (unlikely(cond)) BUG(); } while (0)
#define WARN(cond, ...) ({				\
	bool shim_cond = !!(cond);			\
	if (unlikely(shim_cond)) {			\
		fprintf(stderr, __VA_ARGS__);		\
		BUG();					\
	}						\
	shim_cond;					\
})
#define WARN_ON(cond)		WARN(cond, "WARN_ON(%s)\n", #cond)
#define WARN_ON_ONCE(cond)	WARN_ON(cond)
#define WARN_ONCE(cond, ...)	WARN(cond, __VA_ARGS__)

#endif
