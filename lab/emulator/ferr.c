// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preloaded into the lab's emulator: mends a race in it.
 *
 * When a processor loads x87 state without a pending exception (FXRSTOR,
 * XRSTOR, FLDENV), QEMU withdraws IGNNE#, a wire of PCs of long ago that only
 * its first processor has. It does so from the loading processor's thread,
 * with a plain read-modify-write of the word in which the first processor
 * keeps GIF, nested paging and interrupt masking too. Two processors at work
 * therefore lose, a few times in an hour, what the first one has just set: a
 * guest is entered without its nested page tables, an exit is taken twice, or
 * the host dies with no word. Documentation/lab.rst tells how it was found.
 *
 * Nothing in the lab ever asserts that wire (port F0h), so withdrawing it can
 * as well do nothing.
 */
#define _GNU_SOURCE
#include "code.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static const unsigned char ret = 0xc3;

__attribute__((constructor))
static void mend(void)
{
	unsigned char *code = dlsym(RTLD_DEFAULT, "cpu_clear_ignne");

	/* What the emulator starts, if anything, is not the emulator. */
	unsetenv("LD_PRELOAD");
	if (!code) {
		fputs("emulator: this one hides cpu_clear_ignne(): guests may die of its race\n", stderr);
		return;
	}
	if (!rewrite(code, &ret, sizeof(ret)))
		perror("emulator: cannot write to its code: guests may die of its race");
}
