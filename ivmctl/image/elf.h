/* SPDX-License-Identifier: GPL-2.0-only */
/* An ELF executable of 32 or 64 bits, reduced to what a boot loader needs. */
#ifndef IVM_ELF_H
#define IVM_ELF_H

#include "manifest.h"

#include <stdbool.h>

#define IVM_ELF_LOADS_MAX 32

struct ivm_elf_load {
	uint64_t	offset, file_size;	/* in the file */
	uint64_t	vaddr, paddr, memory_size;
};

struct ivm_elf {
	uint64_t		entry;		/* as in the header: a virtual address */
	bool			has_pvh;
	uint32_t		pvh_entry;	/* physical */
	size_t			count;
	struct ivm_elf_load	loads[IVM_ELF_LOADS_MAX];
};

/* Read the headers. Return: 0; 1 when the file is no ELF; -ENOEXEC with a sentence when it is a bad one. */
int ivm_elf_read(struct ivm_elf *elf, const struct ivm_file *file);

/* Enter its segments into the manifest. What is not in the file (bss) needs no segment: memory is zero. */
int ivm_elf_place(const struct ivm_elf *elf, struct ivm_manifest *manifest);

/* ---- protocols that start in flat 32-bit mode ---- */

int ivm_load_pvh(struct ivm_manifest *manifest, const struct ivm_elf *elf);

/* Return: as loaders do: 1 when the file has no multiboot header. */
int ivm_load_multiboot_elf(struct ivm_manifest *manifest, const struct ivm_elf *elf);

/* The initrd, if any, counts as first module. */
struct ivm_module {
	uint64_t	start, size;
	const char	*text;		/* its path and arguments */
};

/*
 * Place initrd and modules behind the kernel. Return: their number, or a
 * negative errno with a sentence.
 */
int ivm_modules_place(struct ivm_manifest *manifest, struct ivm_module modules[IVM_MODULES_MAX + 1]);

#endif
