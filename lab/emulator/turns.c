// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preloaded into the lab's emulator: mends how processors take turns while
 * instructions are counted. Without it only the first one runs.
 *
 * With -icount one thread runs all processors, one after the other, each until the
 * next timer is due. Timers are looked after when all had their turn. So the
 * first that does not halt takes all of the time that there is, QEMU 7.2 gives
 * those behind it turns of no instructions, and a second processor never gets
 * beyond its first loop.
 *
 * How long a turn is says icount_round(), which is exported: it is replaced by one
 * that is never 0 and never long. So processors go on side by side, in pieces of
 * some microseconds, and the same run is the same again. Timers come late by as
 * much as the others' turns take.
 *
 * MEND_TURN, instructions: the longest turn. Without it nothing is changed.
 */
#define _GNU_SOURCE
#include "code.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static int64_t longest;

/* One instruction is one nanosecond (shift=0). */
static int64_t turn(int64_t until_timer)
{
	if (until_timer > longest)
		return longest;
	return until_timer > longest / 8 ? until_timer : longest / 8 + 1;
}

__attribute__((constructor))
static void mend(void)
{
	const char *given = getenv("MEND_TURN");
	unsigned char *round = dlsym(RTLD_DEFAULT, "icount_round");
	int64_t (*instead)(int64_t) = turn;
	unsigned char jump[12] = { 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0 };	/* mov $instead, %rax; jmp *%rax */

	longest = given ? atoi(given) : 0;
	if (longest <= 0)
		return;
	memcpy(jump + 2, &instead, sizeof(instead));
	if (!round || !rewrite(round, jump, sizeof(jump)))
		fputs("emulator: this one is not known: only one of its processors will run\n", stderr);
}
