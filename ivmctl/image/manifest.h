/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The boot manifest under construction: what goes where in guest memory, and
 * the registers of the first instruction. A loader enters segments of its
 * files and small blobs; sealing puts all blobs into one memfd.
 */
#ifndef IVM_MANIFEST_H
#define IVM_MANIFEST_H

#include "../definition.h"
#include "file.h"
#include "layout.h"

struct ivm_manifest {
	const struct ivm_definition *def;
	struct ivm_map		map;
	struct ivm_file		kernel;
	struct ivm_file		initrd;			/* path NULL: none */
	struct ivm_file		modules[IVM_MODULES_MAX];
	char			*module_paths[IVM_MODULES_MAX];	/* owned; the text up to the first blank */
	const char		*format;		/* "bzImage" …, static */
	uint64_t		rsdp;			/* address of the ACPI root pointer */
	struct ivm_segment	segments[IVM_SEGMENTS_MAX];
	uint32_t		count;
	struct ivm_boot_regs	regs;
	unsigned char		*blobs;			/* owned; contents of the memfd so far */
	uint64_t		blobs_size;
	int			memfd;			/* -1 until sealed */
};

/**
 * ivm_manifest_build() - everything for IVM_IOC_LOAD from a definition
 * @def:	checked by ivm_definition_check(); must outlive @manifest
 *
 * Opens and examines the files, chooses the loader, lays out the memory.
 * Return: 0, or a negative errno with a sentence. Free @manifest in any case.
 */
int ivm_manifest_build(struct ivm_manifest *manifest, const struct ivm_definition *def);
void ivm_manifest_free(struct ivm_manifest *manifest);

/* ---- for loaders ---- */

/* @size bytes at @offset of @file go to @gpa, which was taken in the map. Return: 0, -EINVAL, -E2BIG. */
int ivm_manifest_add_file(struct ivm_manifest *manifest, const struct ivm_file *file,
			  uint64_t offset, uint64_t size, uint64_t gpa);

/* @size bytes of ours go to @gpa, which was taken in the map. Return: 0, -E2BIG. */
int ivm_manifest_add_blob(struct ivm_manifest *manifest, const void *data, size_t size, uint64_t gpa);

/* Loaders: 0 done; 1 not this format, nothing changed; negative errno with a sentence. */
int ivm_load_bzimage(struct ivm_manifest *manifest);
int ivm_load_elf(struct ivm_manifest *manifest);	/* PVH or multiboot, as its headers say */
int ivm_load_multiboot_flat(struct ivm_manifest *manifest);	/* multiboot that is no ELF */

/* Registers for the protocols that start in flat 32-bit mode without paging. */
void ivm_regs_flat32(struct ivm_boot_regs *regs, uint32_t entry);

#endif
