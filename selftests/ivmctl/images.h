/* SPDX-License-Identifier: GPL-2.0-only */
/* Kernels made up for tests, as bytes in memory, and manifests built from them. */
#ifndef IVM_TEST_IMAGES_H
#define IVM_TEST_IMAGES_H

#include "fail.h"
#include "image/manifest.h"
#include "text.h"

#include <asm/bootparam.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define IMAGE_MAX 65536

struct image {
	unsigned char bytes[IMAGE_MAX];
	size_t size;
};

/* A memfd with these bytes, and the path under which it can be opened. */
static inline int image_file(const void *bytes, size_t size, char path[64])
{
	int fd = memfd_create("image", 0);

	if (fd < 0 || (size && write(fd, bytes, size) != (ssize_t)size))
		abort();
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static inline struct setup_header *bzimage_header(struct image *image)
{
	return (struct setup_header *)(image->bytes + 0x1f1);
}

/* 4 setup sectors and 16 KiB of payload, for 16 MiB. */
static inline void bzimage_make(struct image *image)
{
	struct setup_header *hdr = bzimage_header(image);

	memset(image, 0, sizeof(*image));
	image->size = 5 * 512 + 16384;
	for (size_t i = 5 * 512; i < image->size; i++)
		image->bytes[i] = (unsigned char)(i * 7);
	hdr->setup_sects = 4;
	hdr->boot_flag = 0xaa55;
	hdr->jump = 0x66eb;
	hdr->header = 0x53726448;
	hdr->version = 0x20f;
	hdr->loadflags = LOADED_HIGH;
	hdr->syssize = 16384 / 16;
	hdr->initrd_addr_max = 0x7fffffff;
	hdr->kernel_alignment = 0x200000;
	hdr->relocatable_kernel = 1;
	hdr->xloadflags = XLF_KERNEL_64;
	hdr->cmdline_size = 2047;
	hdr->pref_address = 0x1000000;
	hdr->init_size = 0x100000;
}

struct elf64 {
	Elf64_Ehdr ehdr;
	Elf64_Phdr load, bss, note;
	Elf64_Nhdr nhdr;
	char name[4];
	uint32_t entry;
	uint32_t multiboot[8];
	char body[256];
};

/* A PVH kernel at 1 MiB with entry 1 MiB + 16; and the place for a multiboot header. */
static inline struct elf64 *elf64_make(struct image *image)
{
	struct elf64 *elf = (struct elf64 *)image->bytes;

	memset(image, 0, sizeof(*image));
	image->size = offsetof(struct elf64, body) + sizeof(elf->body);
	memcpy(elf->ehdr.e_ident, ELFMAG "\2\1\1", 7);
	elf->ehdr.e_type = ET_EXEC;
	elf->ehdr.e_machine = EM_X86_64;
	elf->ehdr.e_version = 1;
	elf->ehdr.e_entry = 0xffffffff80100020;
	elf->ehdr.e_phoff = offsetof(struct elf64, load);
	elf->ehdr.e_ehsize = sizeof(elf->ehdr);
	elf->ehdr.e_phentsize = sizeof(elf->load);
	elf->ehdr.e_phnum = 3;
	elf->load = (Elf64_Phdr){ .p_type = PT_LOAD, .p_offset = offsetof(struct elf64, body),
		.p_vaddr = 0xffffffff80100000, .p_paddr = 0x100000, .p_filesz = 256, .p_memsz = 4096 };
	elf->bss = (Elf64_Phdr){ .p_type = PT_LOAD, .p_vaddr = 0xffffffff80102000, .p_paddr = 0x102000,
		.p_memsz = 8192 };
	elf->note = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = offsetof(struct elf64, nhdr), .p_filesz = 20 };
	elf->nhdr = (Elf64_Nhdr){ .n_namesz = 4, .n_descsz = 4, .n_type = 18 };
	memcpy(elf->name, "Xen", 4);
	elf->entry = 0x100010;
	memset(elf->body, 0x90, sizeof(elf->body));
	return elf;
}

static inline void multiboot_header(uint32_t words[8], uint32_t flags)
{
	words[0] = 0x1badb002;
	words[1] = flags;
	words[2] = -(words[0] + flags);
}

/* A flat multiboot kernel: header at 64, loads from 64 on at 0x200040, bss behind, entry 0x200060. */
static inline uint32_t *flat_make(struct image *image)
{
	uint32_t *words = (uint32_t *)(image->bytes + 64);

	memset(image, 0, sizeof(*image));
	image->size = 1000;
	memset(image->bytes + 96, 0x90, 904);
	multiboot_header(words, 0x10003);
	words[3] = 0x200040;
	words[4] = 0x200040;
	words[5] = 0x200040 + 936;
	words[6] = 0x201000;
	words[7] = 0x200060;
	return words;
}

/* What must hold for every manifest, whatever file it was made from. Return: NULL, or what does not. */
static inline const char *manifest_flaw(const struct ivm_manifest *manifest)
{
	const uint64_t memory = manifest->map.memory;
	const uint64_t low = memory < IVM_MEMORY_LOW_END ? memory : IVM_MEMORY_LOW_END;
	static char flaw[128];

	if (!manifest->count || manifest->count > IVM_SEGMENTS_MAX)
		return "number of segments";
	for (uint32_t i = 0; i < manifest->count; i++) {
		const struct ivm_segment *a = &manifest->segments[i];
		off_t size = lseek(a->fd, 0, SEEK_END);

		snprintf(flaw, sizeof(flaw), "segment %u: offset %llx size %llx gpa %llx", i, a->offset, a->size, a->gpa);
		if (a->fd < 0 || size < 0 || a->reserved || !a->size || a->offset > (uint64_t)size ||
		    a->size > (uint64_t)size - a->offset)
			return flaw;
		if (a->gpa < low ? a->size > low - a->gpa :
		    a->gpa < IVM_MEMORY_HIGH_BASE || a->gpa - IVM_MEMORY_HIGH_BASE >= memory - low ||
		    a->size > memory - low - (a->gpa - IVM_MEMORY_HIGH_BASE))
			return flaw;
		for (uint32_t j = 0; j < i; j++) {
			const struct ivm_segment *b = &manifest->segments[j];

			if (a->gpa < b->gpa + b->size && b->gpa < a->gpa + a->size)
				return flaw;
		}
	}
	return NULL;
}

/* Read guest memory as the module would fill it. */
static inline void guest_read(const struct ivm_manifest *manifest, uint64_t gpa, void *buffer, size_t size)
{
	memset(buffer, 0, size);
	for (uint32_t i = 0; i < manifest->count; i++) {
		const struct ivm_segment *s = &manifest->segments[i];
		uint64_t from = gpa > s->gpa ? gpa : s->gpa;
		uint64_t to = gpa + size < s->gpa + s->size ? gpa + size : s->gpa + s->size;

		if (from < to && pread(s->fd, (char *)buffer + (from - gpa), to - from,
				       (off_t)(s->offset + (from - s->gpa))) != (ssize_t)(to - from))
			abort();
	}
}

#endif
