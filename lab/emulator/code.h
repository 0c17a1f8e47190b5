/* SPDX-License-Identifier: GPL-2.0-only */
/* What the mends of the emulator share: its code, read and rewritten before it runs. */
#ifndef EMULATOR_CODE_H
#define EMULATOR_CODE_H

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct text {
	unsigned char *from, *to;
};

static inline int32_t word(const unsigned char *at)
{
	int32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* Called for the program first, which ends the search. */
static inline int find_text(struct dl_phdr_info *info, size_t, void *data)
{
	struct text *text = data;

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const Elf64_Phdr *part = &info->dlpi_phdr[i];

		if (part->p_type == PT_LOAD && part->p_flags & PF_X) {
			text->from = (unsigned char *)info->dlpi_addr + part->p_vaddr;
			text->to = text->from + part->p_memsz;
		}
	}
	return 1;
}

/* What the emulator's program executes. */
static inline struct text program_text(void)
{
	struct text text = { 0 };

	dl_iterate_phdr(find_text, &text);
	return text;
}

/* Where a processor keeps what mends need. */
struct places {
	int32_t env;			/* its registers, as seen from the processor */
	int32_t exception_index;	/* as seen from its registers */
};

/*
 * do_pause(env) is exported, and is: sub $ENV, %rdi; movl $EXCP_INTERRUPT, INDEX(%rdi);
 * call. The place of exception_index is INDEX - ENV, as seen from env.
 */
#define EXCP_INTERRUPT 0x10000

static inline bool find_places(const unsigned char *do_pause, struct places *places)
{
	static const unsigned char sub[] = { 0x48, 0x81, 0xef }, mov[] = { 0xc7, 0x87 };
	const unsigned char *code = do_pause;

	for (int i = 0; code && i < 16; i++, code++)
		if (!memcmp(code, sub, sizeof(sub)) && !memcmp(code + 7, mov, sizeof(mov)) &&
		    word(code + 13) == EXCP_INTERRUPT) {
			places->env = word(code + 3);
			places->exception_index = word(code + 9) - places->env;
			return true;
		}
	return false;
}

static inline bool rewrite(unsigned char *code, const unsigned char *with, size_t length)
{
	uintptr_t size = sysconf(_SC_PAGESIZE), from = (uintptr_t)code & ~(size - 1);
	size_t span = (uintptr_t)code + length - from;

	if (mprotect((void *)from, span, PROT_READ | PROT_WRITE | PROT_EXEC))
		return false;
	memcpy(code, with, length);
	mprotect((void *)from, span, PROT_READ | PROT_EXEC);
	return true;
}

#endif
