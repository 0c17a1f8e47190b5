// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preloaded into the lab's emulator: mends how it tells virtual interrupts. Without
 * it a host's processor now and then does not hear of an interrupt from another one.
 *
 * VMRUN and #VMEXIT set and clear "a virtual interrupt waits" in the word where
 * other processors' threads announce theirs (cpu->interrupt_request). They hold
 * the emulator's lock for that, VMRUN and #VMEXIT do not, and change the word with
 * one instruction that is not locked. So an interrupt that is announced in that
 * very moment is lost until the next one: a wake-up that is sent while a vCPU exits
 * by HLT leaves it asleep for seconds.
 *
 * Both instructions, of 10 bytes with a mask of 32 bits, become the same with a
 * lock prefix and a mask of 8. The one of #VMEXIT is in do_vmexit(), which is
 * exported; the one of VMRUN is the only other one of its form for that place. If
 * there is not exactly one of each, nothing is changed, and a message says so.
 */
#define _GNU_SOURCE
#include "code.h"

#include <dlfcn.h>
#include <stdio.h>

#define LENGTH		10	/* of op r/m32, imm32 with a displacement of 32 bits */
#define DO_VMEXIT	1536	/* bytes in which the function's instruction is */
#define VIRQ		0x100	/* CPU_INTERRUPT_VIRQ: bit 0 of byte 1 */

enum group1 { OR = 1, AND = 4 };	/* of opcode 81 */

static bool is(const unsigned char *code, enum group1 op, int32_t mask)
{
	return code[0] == 0x81 && code[1] >> 6 == 2 && (code[1] >> 3 & 7) == op && (code[1] & 7) != 4 &&
		word(code + 6) == mask;
}

/* lock op r/m8, imm8; a no-op of two bytes. The code may be running on no thread yet. */
static bool make_locked(unsigned char *code, unsigned char mask)
{
	int32_t place = word(code + 2) + 1;
	unsigned char new[LENGTH] = { 0xf0, 0x80, code[1], 0, 0, 0, 0, mask, 0x66, 0x90 };

	memcpy(new + 3, &place, sizeof(place));
	return rewrite(code, new, sizeof(new));
}

/* The only instruction of its kind in the range, for the place @disp unless that is 0; NULL: none, or several. */
static unsigned char *find(struct text text, enum group1 op, int32_t mask, int32_t disp)
{
	unsigned char *found = NULL;

	for (unsigned char *code = text.from; code + LENGTH <= text.to; code++) {
		if (!is(code, op, mask) || (disp && word(code + 2) != disp))
			continue;
		if (found)
			return NULL;
		found = code;
	}
	return found;
}

__attribute__((constructor))
static void mend(void)
{
	unsigned char *vmexit = dlsym(RTLD_DEFAULT, "do_vmexit"), *clear, *set = NULL;
	struct text text = program_text();

	clear = vmexit ? find((struct text){ vmexit, vmexit + DO_VMEXIT }, AND, ~VIRQ, 0) : NULL;
	if (clear)
		set = find(text, OR, VIRQ, word(clear + 2));
	if (!set || !make_locked(clear, (unsigned char)~(VIRQ >> 8)) || !make_locked(set, VIRQ >> 8))
		fputs("emulator: this one is not known: processors may miss interrupts of others\n", stderr);
}
