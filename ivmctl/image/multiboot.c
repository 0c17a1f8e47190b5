// SPDX-License-Identifier: GPL-2.0-only
/* Multiboot Specification 0.6.96, chapter 3. */
#include "elf.h"

#include "../fail.h"
#include "../text.h"
#include "parcel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define IVM_MB_SEARCH		8192		/* the header lies within these bytes */
#define IVM_MB_MAGIC		0x1badb002U
#define IVM_MB_EAX		0x2badb002U
#define IVM_MB_PAGE_ALIGN	(1U << 0)	/* header flags: always done */
#define IVM_MB_MEMORY		(1U << 1)	/* always given */
#define IVM_MB_MANDATORY	0xffffU
#define IVM_MB_ADDRESSES	(1U << 16)

struct ivm_mb_header {
	uint32_t	magic, flags, checksum;
	uint32_t	header, load, load_end, bss_end, entry;	/* valid with IVM_MB_ADDRESSES */
};

struct ivm_mb_info {
	uint32_t	flags;
	uint32_t	mem_lower, mem_upper;		/* KiB */
	uint32_t	boot_device;
	uint32_t	cmdline;
	uint32_t	mods_count, mods;
	uint32_t	symbols[4];
	uint32_t	mmap_length, mmap;
	uint32_t	drives_length, drives;
	uint32_t	config_table;
	uint32_t	loader_name;
	uint32_t	apm_table;
	uint32_t	graphics[6];
} __attribute__((packed));

#define IVM_MBI_MEMORY	(1U << 0)
#define IVM_MBI_CMDLINE	(1U << 2)
#define IVM_MBI_MODS	(1U << 3)
#define IVM_MBI_MMAP	(1U << 6)
#define IVM_MBI_LOADER	(1U << 9)

struct ivm_mb_module {
	uint32_t	start, end, text, reserved;
};

struct ivm_mb_memory {
	uint32_t	size;			/* of what follows */
	uint64_t	start, length;
	uint32_t	type;
} __attribute__((packed));

/* Return: 0 with the header and its offset; 1 when there is none; negative errno. */
static int ivm_mb_find(const struct ivm_file *file, struct ivm_mb_header *header, uint64_t *offset)
{
	const size_t small = offsetof(struct ivm_mb_header, header);
	size_t length = file->size < IVM_MB_SEARCH ? (size_t)file->size : IVM_MB_SEARCH;
	unsigned char *head = ivm_zalloc(1, IVM_MB_SEARCH);
	int err = ivm_file_read(file, 0, head, length);

	for (size_t at = 0; !err && at + small <= length; at += 4) {
		size_t whole = length - at < sizeof(*header) ? length - at : sizeof(*header);

		memset(header, 0, sizeof(*header));
		memcpy(header, head + at, whole);
		if (header->magic != IVM_MB_MAGIC || header->magic + header->flags + header->checksum)
			continue;
		if ((header->flags & IVM_MB_ADDRESSES) && whole < sizeof(*header))
			continue;
		*offset = at;
		free(head);
		return 0;
	}
	free(head);
	return err ?: 1;
}

static int ivm_mb_check(const struct ivm_file *file, const struct ivm_mb_header *header)
{
	uint32_t unknown = header->flags & IVM_MB_MANDATORY & ~(IVM_MB_PAGE_ALIGN | IVM_MB_MEMORY);

	if (unknown)
		return ivm_fail(ENOEXEC, "the multiboot kernel %s demands what IVM does not offer (header flags 0x%x: %s)",
				file->path, unknown, unknown & 4 ? "a video mode" : "unknown");
	return 0;
}

/* Where the header, not ELF, says what goes where ("a.out kludge"). */
static int ivm_mb_place_flat(struct ivm_manifest *manifest, const struct ivm_mb_header *header, uint64_t offset)
{
	const struct ivm_file *file = &manifest->kernel;
	uint64_t start, size, memory;
	int err;

	if (header->load > header->header || header->header - header->load > offset)
		return ivm_fail(ENOEXEC, "the multiboot kernel %s claims load address 0x%x, which its header at 0x%x (offset %llu) contradicts",
				file->path, header->load, header->header, (unsigned long long)offset);
	start = offset - (header->header - header->load);
	size = file->size - start;
	if (header->load_end) {
		if (header->load_end <= header->load || header->load_end - header->load > size)
			return ivm_fail(ENOEXEC, "the multiboot kernel %s is truncated: it loads to 0x%x .. 0x%x, but the file has %llu bytes from there",
					file->path, header->load, header->load_end, (unsigned long long)size);
		size = header->load_end - header->load;
	}
	memory = size;
	if (header->bss_end > header->load && header->bss_end - header->load > memory)
		memory = header->bss_end - header->load;
	err = ivm_map_take(&manifest->map, header->load, memory, "kernel");
	return err ?: ivm_manifest_add_file(manifest, file, start, size, header->load);
}

/* The information structure, and registers that point to it. */
static int ivm_mb_start(struct ivm_manifest *manifest, uint32_t entry)
{
	struct ivm_module modules[IVM_MODULES_MAX + 1];
	struct ivm_e820 table[IVM_E820_MAX];
	struct ivm_mb_memory *memory;
	struct ivm_mb_module *list;
	struct ivm_mb_info *info;
	struct ivm_parcel parcel;
	uint64_t info_gpa, gpa;
	size_t size, entries = ivm_map_e820(&manifest->map, table);
	char *cmdline;
	int err, count;

	count = ivm_modules_place(manifest, modules);
	if (count < 0)
		return count;
	/* Kernels expect their own name first. */
	cmdline = ivm_format("%s%s%s", manifest->def->kernel, manifest->def->cmdline ? " " : "",
			     manifest->def->cmdline ?: "");
	size = ivm_parcel_room(sizeof(*info)) + ivm_parcel_room((size_t)count * sizeof(*list)) +
	       ivm_parcel_room(entries * sizeof(*memory)) + ivm_parcel_room(strlen(cmdline) + 1) +
	       ivm_parcel_room(sizeof("ivm"));
	for (int i = 0; i < count; i++)
		size += ivm_parcel_room(strlen(modules[i].text) + 1);
	err = ivm_parcel_open(&parcel, manifest, size, "multiboot information");
	if (err)
		goto out;

	info = ivm_parcel_take(&parcel, sizeof(*info), 8, &info_gpa);
	info->flags = IVM_MBI_MEMORY | IVM_MBI_CMDLINE | IVM_MBI_MODS | IVM_MBI_MMAP | IVM_MBI_LOADER;
	info->mem_lower = IVM_BASE_MEMORY_END >> 10;
	info->mem_upper = (uint32_t)((ivm_map_low_end(&manifest->map) - IVM_HIGH_MEMORY) >> 10);
	info->cmdline = (uint32_t)ivm_parcel_text(&parcel, cmdline);
	info->loader_name = (uint32_t)ivm_parcel_text(&parcel, "ivm");
	info->mods_count = (uint32_t)count;
	if (count) {
		list = ivm_parcel_take(&parcel, (size_t)count * sizeof(*list), 8, &gpa);
		info->mods = (uint32_t)gpa;
		for (int i = 0; i < count; i++) {
			list[i].start = (uint32_t)modules[i].start;
			list[i].end = (uint32_t)(modules[i].start + modules[i].size);
			list[i].text = (uint32_t)ivm_parcel_text(&parcel, modules[i].text);
		}
	}
	memory = ivm_parcel_take(&parcel, entries * sizeof(*memory), 8, &gpa);
	info->mmap = (uint32_t)gpa;
	info->mmap_length = (uint32_t)(entries * sizeof(*memory));
	for (size_t i = 0; i < entries; i++) {
		memory[i].size = sizeof(*memory) - sizeof(memory[i].size);
		memory[i].start = table[i].start;
		memory[i].length = table[i].size;
		memory[i].type = table[i].type;
	}
	ivm_regs_flat32(&manifest->regs, entry);
	manifest->regs.gpr[0] = IVM_MB_EAX;	/* eax */
	manifest->regs.gpr[3] = info_gpa;	/* ebx */
out:
	free(cmdline);
	return ivm_parcel_close(&parcel, manifest, err);
}

/* ELF's entry is virtual; before paging only its physical place counts. Return: 0 or -ENOEXEC. */
static int ivm_mb_elf_entry(const struct ivm_manifest *manifest, const struct ivm_elf *elf, uint32_t *entry)
{
	for (size_t i = 0; i < elf->count; i++) {
		const struct ivm_elf_load *load = &elf->loads[i];
		uint64_t inside = elf->entry - load->vaddr;

		if (elf->entry < load->vaddr || inside >= load->memory_size)
			continue;
		/* In RAM, but perhaps beyond 4 GiB. */
		if (load->paddr + inside > UINT32_MAX)
			break;
		*entry = (uint32_t)(load->paddr + inside);
		return 0;
	}
	return ivm_fail(ENOEXEC, "the multiboot kernel %s has its entry 0x%llx outside its segments below 4 GiB",
			manifest->kernel.path, (unsigned long long)elf->entry);
}

int ivm_load_multiboot_elf(struct ivm_manifest *manifest, const struct ivm_elf *elf)
{
	struct ivm_mb_header header;
	uint64_t offset;
	uint32_t entry = 0;
	int err = ivm_mb_find(&manifest->kernel, &header, &offset);

	if (err)
		return err;
	manifest->format = "multiboot";
	err = ivm_mb_check(&manifest->kernel, &header);
	if (err)
		return err;
	if (header.flags & IVM_MB_ADDRESSES) {
		err = ivm_mb_place_flat(manifest, &header, offset);
		entry = header.entry;
	} else {
		err = ivm_elf_place(elf, manifest);
		if (!err)
			err = ivm_mb_elf_entry(manifest, elf, &entry);
	}
	return err ?: ivm_mb_start(manifest, entry);
}

int ivm_load_multiboot_flat(struct ivm_manifest *manifest)
{
	struct ivm_mb_header header;
	uint64_t offset;
	int err = ivm_mb_find(&manifest->kernel, &header, &offset);

	if (err)
		return err;
	manifest->format = "multiboot";
	err = ivm_mb_check(&manifest->kernel, &header);
	if (!err && !(header.flags & IVM_MB_ADDRESSES))
		err = ivm_fail(ENOEXEC, "the multiboot kernel %s is neither ELF nor does its header give load addresses",
			       manifest->kernel.path);
	if (!err)
		err = ivm_mb_place_flat(manifest, &header, offset);
	return err ?: ivm_mb_start(manifest, header.entry);
}
