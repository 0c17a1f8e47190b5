/* SPDX-License-Identifier: GPL-2.0-only */
/* One loop, run by several threads. */
#ifndef IVM_MEM_PARALLEL_H
#define IVM_MEM_PARALLEL_H

#include <linux/types.h>

/**
 * ivm_parallel() - call a function for each index below a number, by several threads
 * @nr:		indexes 0 … @nr - 1, handed out in rising order
 * @killable:	a fatal signal to the caller ends the loop with -EINTR
 * @fn:		does the work for one index; may sleep; a negative errno ends the loop
 * @ctx:	for @fn
 *
 * The caller is one of the threads; each index is handed out at most once.
 * When the function returns, no call of @fn is under way.
 *
 * Return: 0 after @fn was called with every index and never failed, else the
 * first error. May sleep.
 */
int ivm_parallel(u64 nr, bool killable, int (*fn)(void *ctx, u64 index), void *ctx);

#endif
