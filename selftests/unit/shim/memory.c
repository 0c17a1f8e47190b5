// SPDX-License-Identifier: GPL-2.0-only
/* kmalloc() over malloc(), which the sanitizers watch. */
#include <stdlib.h>

#include "shim.h"
#include <linux/kernel.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

static unsigned int live;
static unsigned int fail_in;

void *kmalloc(size_t size, gfp_t gfp)
{
	void *p;

	if (gfp & __GFP_SLEEPS)
		might_sleep();
	if (fail_in && --fail_in == 0)
		return NULL;
	if (size > (1UL << 30))
		return NULL;
	p = malloc(size ? size : 1);
	if (!p)
		return NULL;
	/* Not zero unless asked for: whoever relies on it shall notice. */
	memset(p, gfp & __GFP_ZERO ? 0 : 0xa5, size);
	__atomic_fetch_add(&live, 1, __ATOMIC_RELAXED);
	return p;
}

void *kmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	return kmalloc(size_mul(n, size), gfp);
}

void kfree(const void *p)
{
	if (!p)
		return;
	__atomic_fetch_sub(&live, 1, __ATOMIC_RELAXED);
	free((void *)p);
}

unsigned int shim_alloc_live(void)
{
	return live;
}

void shim_alloc_fail(unsigned int nth)
{
	fail_in = nth;
}
