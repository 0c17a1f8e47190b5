// SPDX-License-Identifier: GPL-2.0-only
/* ELF: System V ABI, "Object Files" and "Program Loading"; notes of Xen kernels: xen/include/public/elfnote.h. */
#include "elf.h"

#include "../fail.h"
#include "../text.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define IVM_ELF_PHDRS_MAX	128
#define IVM_ELF_NOTES_MAX	65536
#define IVM_NOTE_PHYS32_ENTRY	18

/* Is a PVH entry among these notes? A note's parts are padded to 4 bytes. */
static void ivm_elf_scan_notes(struct ivm_elf *elf, const unsigned char *notes, size_t length)
{
	const size_t pad = 3;
	Elf32_Nhdr note;

	while (length >= sizeof(note)) {
		size_t name, desc;

		memcpy(&note, notes, sizeof(note));
		notes += sizeof(note);
		length -= sizeof(note);
		/* 32-bit lengths in 64-bit sums: nothing can wrap. */
		name = (note.n_namesz + pad) & ~pad;
		if (name > length || note.n_descsz > length - name)
			return;
		if (note.n_type == IVM_NOTE_PHYS32_ENTRY && note.n_namesz == 4 && !memcmp(notes, "Xen", 4) &&
		    (note.n_descsz == 4 || note.n_descsz == 8)) {
			memcpy(&elf->pvh_entry, notes + name, sizeof(elf->pvh_entry));
			elf->has_pvh = true;
			return;
		}
		desc = (note.n_descsz + pad) & ~pad;
		if (desc > length - name)
			return;
		notes += name + desc;
		length -= name + desc;
	}
}

static int ivm_elf_read_notes(struct ivm_elf *elf, const struct ivm_file *file, const Elf64_Phdr *phdr)
{
	unsigned char *notes;
	int err;

	if (elf->has_pvh || !phdr->p_filesz || phdr->p_filesz > IVM_ELF_NOTES_MAX)
		return 0;
	notes = ivm_zalloc(1, phdr->p_filesz);
	err = ivm_file_read(file, phdr->p_offset, notes, phdr->p_filesz);
	if (!err)
		ivm_elf_scan_notes(elf, notes, phdr->p_filesz);
	free(notes);
	return err;
}

static int ivm_elf_add_load(struct ivm_elf *elf, const struct ivm_file *file, const Elf64_Phdr *phdr)
{
	if (!phdr->p_memsz)
		return 0;
	if (phdr->p_filesz > phdr->p_memsz)
		return ivm_fail(ENOEXEC, "the kernel %s has a segment of %llu bytes in memory but %llu in the file",
				file->path, (unsigned long long)phdr->p_memsz, (unsigned long long)phdr->p_filesz);
	if (phdr->p_offset > file->size || phdr->p_filesz > file->size - phdr->p_offset)
		return ivm_fail(ENOEXEC, "the kernel %s is truncated: a segment has %llu bytes at offset %llu, but the file has %llu",
				file->path, (unsigned long long)phdr->p_filesz, (unsigned long long)phdr->p_offset,
				(unsigned long long)file->size);
	if (elf->count == IVM_ELF_LOADS_MAX)
		return ivm_fail(ENOEXEC, "the kernel %s has more than %d segments to load", file->path,
				IVM_ELF_LOADS_MAX);
	elf->loads[elf->count++] = (struct ivm_elf_load){
		.offset = phdr->p_offset, .file_size = phdr->p_filesz, .vaddr = phdr->p_vaddr,
		.paddr = phdr->p_paddr, .memory_size = phdr->p_memsz,
	};
	return 0;
}

/* One program header of either class, in the wide form. */
static int ivm_elf_read_phdr(const struct ivm_file *file, bool is64, uint64_t at, Elf64_Phdr *phdr)
{
	Elf32_Phdr narrow;
	int err;

	if (is64)
		return ivm_file_read(file, at, phdr, sizeof(*phdr));
	err = ivm_file_read(file, at, &narrow, sizeof(narrow));
	if (err)
		return err;
	*phdr = (Elf64_Phdr){
		.p_type = narrow.p_type, .p_offset = narrow.p_offset, .p_vaddr = narrow.p_vaddr,
		.p_paddr = narrow.p_paddr, .p_filesz = narrow.p_filesz, .p_memsz = narrow.p_memsz,
	};
	return 0;
}

/* The file header of either class, in the wide form. */
static int ivm_elf_read_ehdr(const struct ivm_file *file, bool is64, Elf64_Ehdr *ehdr)
{
	Elf32_Ehdr narrow;
	int err;

	if (is64)
		return ivm_file_read(file, 0, ehdr, sizeof(*ehdr));
	err = ivm_file_read(file, 0, &narrow, sizeof(narrow));
	if (err)
		return err;
	*ehdr = (Elf64_Ehdr){
		.e_type = narrow.e_type, .e_machine = narrow.e_machine, .e_entry = narrow.e_entry,
		.e_phoff = narrow.e_phoff, .e_phentsize = narrow.e_phentsize, .e_phnum = narrow.e_phnum,
	};
	return 0;
}

int ivm_elf_read(struct ivm_elf *elf, const struct ivm_file *file)
{
	unsigned char ident[EI_NIDENT];
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr;
	bool is64;
	int err;

	memset(elf, 0, sizeof(*elf));
	if (file->size < sizeof(ident))
		return 1;
	err = ivm_file_read(file, 0, ident, sizeof(ident));
	if (err)
		return err;
	if (memcmp(ident, ELFMAG, SELFMAG))
		return 1;
	is64 = ident[EI_CLASS] == ELFCLASS64;
	if ((!is64 && ident[EI_CLASS] != ELFCLASS32) || ident[EI_DATA] != ELFDATA2LSB)
		return ivm_fail(ENOEXEC, "the kernel %s is an ELF file, but not a little-endian one of 32 or 64 bits",
				file->path);
	err = ivm_elf_read_ehdr(file, is64, &ehdr);
	if (err)
		return err;
	if (ehdr.e_machine != EM_386 && ehdr.e_machine != EM_X86_64)
		return ivm_fail(ENOEXEC, "the kernel %s is an ELF file for machine %u; expected x86", file->path,
				ehdr.e_machine);
	if (ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN)
		return ivm_fail(ENOEXEC, "the kernel %s is an ELF file of type %u; expected an executable",
				file->path, ehdr.e_type);
	if (ehdr.e_phentsize != (is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)) ||
	    !ehdr.e_phnum || ehdr.e_phnum > IVM_ELF_PHDRS_MAX)
		return ivm_fail(ENOEXEC, "the kernel %s has %u program headers of %u bytes; expected 1 to %d of %zu",
				file->path, ehdr.e_phnum, ehdr.e_phentsize, IVM_ELF_PHDRS_MAX,
				is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
	elf->entry = ehdr.e_entry;
	for (unsigned int i = 0; i < ehdr.e_phnum && !err; i++) {
		if (ehdr.e_phoff > file->size)
			return ivm_fail(ENOEXEC, "the kernel %s is truncated: its program headers are at offset %llu, but it has %llu bytes",
					file->path, (unsigned long long)ehdr.e_phoff,
					(unsigned long long)file->size);
		err = ivm_elf_read_phdr(file, is64, ehdr.e_phoff + (uint64_t)i * ehdr.e_phentsize, &phdr);
		if (!err && phdr.p_type == PT_LOAD)
			err = ivm_elf_add_load(elf, file, &phdr);
		else if (!err && phdr.p_type == PT_NOTE)
			err = ivm_elf_read_notes(elf, file, &phdr);
	}
	if (!err && !elf->count)
		err = ivm_fail(ENOEXEC, "the kernel %s is an ELF file without a segment to load", file->path);
	return err;
}

int ivm_elf_place(const struct ivm_elf *elf, struct ivm_manifest *manifest)
{
	int err = 0;

	for (size_t i = 0; i < elf->count && !err; i++) {
		const struct ivm_elf_load *load = &elf->loads[i];

		err = ivm_map_take(&manifest->map, load->paddr, load->memory_size, "kernel");
		if (!err && load->file_size)
			err = ivm_manifest_add_file(manifest, &manifest->kernel, load->offset, load->file_size,
						    load->paddr);
	}
	return err;
}

int ivm_load_elf(struct ivm_manifest *manifest)
{
	struct ivm_elf elf;
	int err = ivm_elf_read(&elf, &manifest->kernel);

	if (err)
		return err;
	if (elf.has_pvh)
		return ivm_load_pvh(manifest, &elf);
	err = ivm_load_multiboot_elf(manifest, &elf);
	if (err == 1)
		return ivm_fail(ENOEXEC, "%s is an ELF file, but has neither a PVH note nor a multiboot header",
				manifest->kernel.path);
	return err;
}

int ivm_modules_place(struct ivm_manifest *manifest, struct ivm_module modules[IVM_MODULES_MAX + 1])
{
	const struct ivm_definition *def = manifest->def;
	uint64_t end = IVM_HIGH_MEMORY;
	int count = 0, err;

	for (size_t i = 0; i < manifest->map.count; i++)
		if (manifest->map.ranges[i].start < ivm_map_low_end(&manifest->map) &&
		    manifest->map.ranges[i].start + manifest->map.ranges[i].size > end)
			end = manifest->map.ranges[i].start + manifest->map.ranges[i].size;
	for (size_t i = 0; i < def->nr_modules + 1; i++) {
		const struct ivm_file *file = i ? &manifest->modules[i - 1] : &manifest->initrd;
		struct ivm_module *module = &modules[count];

		if (!file->path)
			continue;
		err = ivm_map_place(&manifest->map, end, IVM_MEMORY_LOW_END, file->size, IVM_PAGE, 0,
				    file->what, &module->start);
		if (!err)
			err = ivm_manifest_add_file(manifest, file, 0, file->size, module->start);
		if (err)
			return err;
		module->size = file->size;
		module->text = i ? def->modules[i - 1] : def->initrd;
		count++;
	}
	return count;
}
