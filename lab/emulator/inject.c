// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preloaded into the lab's emulator: mends how it injects interrupts. Without it
 * a guest now and then gets one twice.
 *
 * When VMRUN injects an interrupt (EVENTINJ), QEMU 7.2 delivers it at once, and
 * leaves its vector behind in cpu->exception_index all the same. That is the
 * place of an exception that is still to be delivered. As a rule the next exit
 * overwrites it. But if the processor's loop is left before, because a slice of
 * instructions is used up or the emulator's other threads want something, it is
 * taken for an exception and delivered again, with interrupts masked or not. A
 * Linux guest is then inside of the same handler twice and waits for ever for a
 * lock of its own. Runs that count instructions are sliced all the time, so
 * guests that get many interrupts died of it within seconds, IVM's and KVM's.
 *
 * The store of the vector is one instruction, shortly before a call of
 * do_interrupt_x86_hardirq(), which is exported. That instruction becomes a no-op. If there is
 * not exactly one, nothing is changed, and a message says so.
 */
#define _GNU_SOURCE
#include "code.h"

#include <dlfcn.h>
#include <stdio.h>

#define BEFORE 64	/* bytes between the store and the call at most */

static const unsigned char nop[] = { 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00 };

/* mov %r32, PLACE(%r64), without prefix and SIB byte */
static bool is_store(const unsigned char *code, int32_t place)
{
	return code[0] == 0x89 && code[1] >> 6 == 2 && (code[1] & 7) != 4 && word(code + 2) == place;
}

__attribute__((constructor))
static void mend(void)
{
	const unsigned char *deliver = dlsym(RTLD_DEFAULT, "do_interrupt_x86_hardirq");
	struct text text = program_text();
	unsigned char *store = NULL;
	unsigned int stores = 0;
	struct places places;

	if (deliver && find_places(dlsym(RTLD_DEFAULT, "do_pause"), &places))
		for (unsigned char *call = text.from + BEFORE; call + 5 <= text.to; call++)
			if (*call == 0xe8 && call + 5 + word(call + 1) == deliver)
				for (unsigned char *code = call - BEFORE; code + sizeof(nop) <= call; code++)
					if (is_store(code, places.exception_index)) {
						store = code;
						stores++;
					}
	if (stores != 1 || !rewrite(store, nop, sizeof(nop)))
		fputs("emulator: this one is not known: guests may get interrupts twice\n", stderr);
}
