// SPDX-License-Identifier: GPL-2.0-only
/* PVH direct boot: Xen's docs/misc/pvh.pandoc and public/arch-x86/hvm/start_info.h, version 1. */
#include "elf.h"

#include "parcel.h"

#include <string.h>

#define IVM_PVH_MAGIC 0x336ec578

struct ivm_pvh_start {
	uint32_t	magic, version, flags, nr_modules;
	uint64_t	modules, cmdline, rsdp;	/* guest addresses */
	uint64_t	memmap;
	uint32_t	nr_memmap, reserved;
};

struct ivm_pvh_module {
	uint64_t	start, size, text, reserved;
};

struct ivm_pvh_memory {
	uint64_t	start, size;
	uint32_t	type, reserved;		/* types of E820 */
};

int ivm_load_pvh(struct ivm_manifest *manifest, const struct ivm_elf *elf)
{
	const char *cmdline = manifest->def->cmdline ?: "";
	struct ivm_module modules[IVM_MODULES_MAX + 1];
	struct ivm_e820 table[IVM_E820_MAX];
	struct ivm_pvh_start *start;
	struct ivm_pvh_module *list;
	struct ivm_pvh_memory *memory;
	struct ivm_parcel parcel;
	uint64_t start_gpa;
	size_t size, entries = ivm_map_e820(&manifest->map, table);
	int err, count;

	manifest->format = "PVH";
	err = ivm_elf_place(elf, manifest);
	if (err)
		return err;
	count = ivm_modules_place(manifest, modules);
	if (count < 0)
		return count;
	size = ivm_parcel_room(sizeof(*start)) + ivm_parcel_room((size_t)count * sizeof(*list)) +
	       ivm_parcel_room(entries * sizeof(*memory)) + ivm_parcel_room(strlen(cmdline) + 1);
	for (int i = 0; i < count; i++)
		size += ivm_parcel_room(strlen(modules[i].text) + 1);
	err = ivm_parcel_open(&parcel, manifest, size, "PVH start information");
	if (err)
		return ivm_parcel_close(&parcel, manifest, err);

	start = ivm_parcel_take(&parcel, sizeof(*start), 8, &start_gpa);
	start->magic = IVM_PVH_MAGIC;
	start->version = 1;
	start->rsdp = manifest->rsdp;
	start->nr_modules = (uint32_t)count;
	start->nr_memmap = (uint32_t)entries;
	if (count) {
		list = ivm_parcel_take(&parcel, (size_t)count * sizeof(*list), 8, &start->modules);
		for (int i = 0; i < count; i++) {
			list[i].start = modules[i].start;
			list[i].size = modules[i].size;
			list[i].text = ivm_parcel_text(&parcel, modules[i].text);
		}
	}
	memory = ivm_parcel_take(&parcel, entries * sizeof(*memory), 8, &start->memmap);
	for (size_t i = 0; i < entries; i++) {
		memory[i].start = table[i].start;
		memory[i].size = table[i].size;
		memory[i].type = table[i].type;
	}
	start->cmdline = ivm_parcel_text(&parcel, cmdline);

	ivm_regs_flat32(&manifest->regs, elf->pvh_entry);
	manifest->regs.gpr[3] = start_gpa;	/* ebx */
	return ivm_parcel_close(&parcel, manifest, 0);
}
