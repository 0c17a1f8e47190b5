/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_BUILD_BUG_H
#define SHIM_LINUX_BUILD_BUG_H

#include <assert.h>

/* The kernel's may be given without a message, as C23 allows. */
#undef static_assert
#define static_assert(expr, ...)	_Static_assert(expr, "" __VA_ARGS__ #expr)
#define BUILD_BUG_ON(cond)		_Static_assert(!(cond), #cond)
#define BUILD_BUG_ON_MSG(cond, msg)	_Static_assert(!(cond), msg)
#define BUILD_BUG_ON_ZERO(e)		((int)sizeof(struct { int:(-!!(e)); }))

#endif
