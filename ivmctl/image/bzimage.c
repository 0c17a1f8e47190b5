// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linux's 64-bit boot protocol: Documentation/x86/boot.rst, sections "The
 * Real-Mode Kernel Header" and "64-bit Boot Protocol", and zero-page.rst.
 */
#include "manifest.h"

#include "../fail.h"
#include "../text.h"

#include <asm/bootparam.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Low memory while the kernel finds its feet; it copies what it needs from here. */
#define IVM_LINUX_GDT		0x1000ULL
#define IVM_LINUX_ZERO_PAGE	0x2000ULL
#define IVM_LINUX_CMDLINE	0x3000ULL
#define IVM_LINUX_TABLES	0x10000ULL

#define IVM_LINUX_CS		0x10	/* __BOOT_CS */
#define IVM_LINUX_DS		0x18	/* __BOOT_DS */
#define IVM_LINUX_ENTRY64	0x200	/* of startup_64 in the payload */
#define IVM_LINUX_MAP_GIB	4	/* identity-mapped from 0 */
#define IVM_LINUX_SECTOR	512ULL

#define IVM_PTE_PRESENT_WRITE	0x3ULL
#define IVM_PTE_LARGE		0x80ULL

struct ivm_linux_gdt {
	uint64_t entries[4];
};

struct ivm_linux_tables {
	uint64_t pml4[512], pdpt[512], pd[IVM_LINUX_MAP_GIB][512];
};

_Static_assert(sizeof(struct boot_params) == IVM_PAGE, "the zero page is one page");

static int ivm_linux_check(const struct ivm_manifest *manifest, const struct setup_header *hdr)
{
	const char *path = manifest->kernel.path;

	if (hdr->version < 0x20c)
		return ivm_fail(ENOEXEC, "the kernel %s speaks boot protocol %d.%d; expected 2.12 or newer (Linux 3.8)",
				path, hdr->version >> 8, hdr->version & 0xff);
	if (!(hdr->loadflags & LOADED_HIGH))
		return ivm_fail(ENOEXEC, "the kernel %s is a zImage that loads below 1 MiB; expected a bzImage", path);
	if (!(hdr->xloadflags & XLF_KERNEL_64))
		return ivm_fail(ENOEXEC, "the kernel %s has no 64-bit entry; expected one built for x86-64", path);
	if (manifest->def->nr_modules)
		return ivm_fail(EINVAL, "the kernel %s is a Linux bzImage, which takes an initrd but no modules", path);
	return 0;
}

static int ivm_linux_load_payload(struct ivm_manifest *manifest, const struct setup_header *hdr)
{
	const struct ivm_file *kernel = &manifest->kernel;
	/* A header that says 0 means 4 sectors; the boot sector comes on top. */
	uint64_t start = ((hdr->setup_sects ?: 4) + 1) * IVM_LINUX_SECTOR;
	uint64_t size = hdr->syssize * 16ULL, room = hdr->init_size;
	int err;

	if (size <= IVM_LINUX_ENTRY64)
		return ivm_fail(ENOEXEC, "the kernel %s announces a payload of %llu bytes, too few for its entry at %d",
				kernel->path, (unsigned long long)size, IVM_LINUX_ENTRY64);
	if (start > kernel->size || size > kernel->size - start)
		return ivm_fail(ENOEXEC, "the kernel %s is truncated: its header announces %llu bytes, but the file has %llu",
				kernel->path, (unsigned long long)(start + size),
				(unsigned long long)kernel->size);
	if (room < size)
		room = size;
	if (hdr->pref_address < IVM_HIGH_MEMORY || hdr->pref_address % IVM_PAGE)
		return ivm_fail(ENOEXEC, "the kernel %s wants to load at 0x%llx; expected a page at or above 1 MiB",
				kernel->path, (unsigned long long)hdr->pref_address);
	err = ivm_map_take(&manifest->map, hdr->pref_address, room, "kernel");
	if (err)
		return err;
	/* The entry must lie in what is identity-mapped. */
	if (hdr->pref_address >= IVM_MEMORY_LOW_END)
		return ivm_fail(ENOEXEC, "the kernel %s wants to load at 0x%llx; expected an address below 3 GiB",
				kernel->path, (unsigned long long)hdr->pref_address);
	return ivm_manifest_add_file(manifest, kernel, start, size, hdr->pref_address);
}

static int ivm_linux_load_initrd(struct ivm_manifest *manifest, struct setup_header *hdr)
{
	const struct ivm_file *initrd = &manifest->initrd;
	uint64_t start;
	int err;

	if (!initrd->path)
		return 0;
	err = ivm_map_place(&manifest->map, IVM_HIGH_MEMORY, hdr->initrd_addr_max + 1ULL, initrd->size,
			    IVM_PAGE, 1, "initrd", &start);
	if (err)
		return err;
	/* It lies below 4 GiB, so both fit 32 bits. */
	hdr->ramdisk_image = (uint32_t)start;
	hdr->ramdisk_size = (uint32_t)initrd->size;
	return ivm_manifest_add_file(manifest, initrd, 0, initrd->size, start);
}

static int ivm_linux_load_cmdline(struct ivm_manifest *manifest, struct setup_header *hdr)
{
	const char *cmdline = manifest->def->cmdline ?: "";
	size_t length = strlen(cmdline);
	int err;

	if (length > hdr->cmdline_size)
		return ivm_fail(EINVAL, "cmdline has %zu bytes, but the kernel %s takes at most %u", length,
				manifest->kernel.path, hdr->cmdline_size);
	err = ivm_map_take(&manifest->map, IVM_LINUX_CMDLINE, length + 1, "command line");
	if (err)
		return err;
	hdr->cmd_line_ptr = IVM_LINUX_CMDLINE;
	return ivm_manifest_add_blob(manifest, cmdline, length + 1, IVM_LINUX_CMDLINE);
}

static int ivm_linux_load_zero_page(struct ivm_manifest *manifest, const struct setup_header *hdr)
{
	struct boot_params params = { 0 };
	struct ivm_e820 table[IVM_E820_MAX];
	int err = ivm_map_take(&manifest->map, IVM_LINUX_ZERO_PAGE, sizeof(params), "zero page");

	if (err)
		return err;
	params.hdr = *hdr;
	params.acpi_rsdp_addr = manifest->rsdp;
	params.e820_entries = (uint8_t)ivm_map_e820(&manifest->map, table);
	for (size_t i = 0; i < params.e820_entries; i++) {
		params.e820_table[i].addr = table[i].start;
		params.e820_table[i].size = table[i].size;
		params.e820_table[i].type = table[i].type;
	}
	return ivm_manifest_add_blob(manifest, &params, sizeof(params), IVM_LINUX_ZERO_PAGE);
}

/* Long mode needs page tables from the start: 2 MiB pages, virtual = physical. AMD APM 2, 5.3. */
static int ivm_linux_load_tables(struct ivm_manifest *manifest)
{
	struct ivm_linux_tables *tables = ivm_zalloc(1, sizeof(*tables));
	uint64_t base = IVM_LINUX_TABLES;
	int err;

	tables->pml4[0] = (base + offsetof(struct ivm_linux_tables, pdpt)) | IVM_PTE_PRESENT_WRITE;
	for (size_t gib = 0; gib < IVM_LINUX_MAP_GIB; gib++) {
		tables->pdpt[gib] = (base + offsetof(struct ivm_linux_tables, pd) + gib * sizeof(tables->pd[0])) |
				    IVM_PTE_PRESENT_WRITE;
		for (size_t i = 0; i < 512; i++)
			tables->pd[gib][i] = (gib << 30) | (i << 21) | IVM_PTE_LARGE | IVM_PTE_PRESENT_WRITE;
	}
	err = ivm_map_take(&manifest->map, base, sizeof(*tables), "initial page tables");
	if (!err)
		err = ivm_manifest_add_blob(manifest, tables, sizeof(*tables), base);
	free(tables);
	return err;
}

static int ivm_linux_load_gdt(struct ivm_manifest *manifest)
{
	/* flat: null, null, 64-bit code, data */
	const struct ivm_linux_gdt gdt = { { 0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff } };
	int err = ivm_map_take(&manifest->map, IVM_LINUX_GDT, sizeof(gdt), "GDT");

	if (err)
		return err;
	return ivm_manifest_add_blob(manifest, &gdt, sizeof(gdt), IVM_LINUX_GDT);
}

static void ivm_linux_set_regs(struct ivm_boot_regs *regs, uint64_t load)
{
	const struct ivm_segreg code = { .selector = IVM_LINUX_CS, .attr = 0xa9b, .limit = 0xffffffff };
	const struct ivm_segreg data = { .selector = IVM_LINUX_DS, .attr = 0xc93, .limit = 0xffffffff };

	memset(regs, 0, sizeof(*regs));
	regs->gpr[6] = IVM_LINUX_ZERO_PAGE;	/* rsi */
	regs->rip = load + IVM_LINUX_ENTRY64;
	regs->rflags = 0x2;			/* interrupts off */
	regs->cr0 = 0x80000031;			/* PG, NE, ET, PE */
	regs->cr3 = IVM_LINUX_TABLES;
	regs->cr4 = 0x20;			/* PAE */
	regs->efer = 0x500;			/* LMA, LME */
	regs->cs = code;
	regs->ds = regs->es = regs->fs = regs->gs = regs->ss = data;
	regs->tr = (struct ivm_segreg){ .attr = 0x8b, .limit = 0x67 };	/* busy TSS */
	regs->ldtr = (struct ivm_segreg){ .attr = 0x82, .limit = 0xffff };
	regs->gdtr = (struct ivm_segreg){ .base = IVM_LINUX_GDT, .limit = sizeof(struct ivm_linux_gdt) - 1 };
}

int ivm_load_bzimage(struct ivm_manifest *manifest)
{
	const size_t offset = offsetof(struct boot_params, hdr);
	struct setup_header hdr = { 0 };
	unsigned char jump;
	size_t length;
	int err;

	if (manifest->kernel.size < offset + offsetof(struct setup_header, realmode_swtch))
		return 1;
	err = ivm_file_read(&manifest->kernel, offset, &hdr, offsetof(struct setup_header, realmode_swtch));
	if (err)
		return err;
	if (hdr.boot_flag != 0xaa55 || hdr.header != 0x53726448)	/* "HdrS" */
		return 1;
	manifest->format = "bzImage";

	/* The header ends where the short jump at its start leads to (boot.rst, "cmdline_size" and before). */
	jump = (unsigned char)(hdr.jump >> 8);
	length = 0x202 + jump - offset;
	if (length > sizeof(hdr))
		length = sizeof(hdr);
	err = ivm_file_read(&manifest->kernel, offset, &hdr, length);
	if (!err)
		err = ivm_linux_check(manifest, &hdr);
	if (err)
		return err;
	hdr.type_of_loader = 0xff;	/* no assigned number */
	hdr.loadflags &= (uint8_t)~CAN_USE_HEAP;
	hdr.vid_mode = 0xffff;		/* "normal" */
	hdr.setup_data = 0;
	hdr.ramdisk_image = 0;	/* until there is one */
	hdr.ramdisk_size = 0;
	hdr.code32_start = (uint32_t)hdr.pref_address;
	err = ivm_linux_load_payload(manifest, &hdr);
	if (!err)
		err = ivm_linux_load_gdt(manifest);
	if (!err)
		err = ivm_linux_load_cmdline(manifest, &hdr);
	if (!err)
		err = ivm_linux_load_tables(manifest);
	if (!err)
		err = ivm_linux_load_initrd(manifest, &hdr);
	if (!err)
		err = ivm_linux_load_zero_page(manifest, &hdr);
	if (!err)
		ivm_linux_set_regs(&manifest->regs, hdr.pref_address);
	return err;
}
