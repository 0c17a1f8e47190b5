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
