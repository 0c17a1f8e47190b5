// SPDX-License-Identifier: GPL-2.0-only
/* The loaders: what they make of good kernels, and that they refuse bad ones with the right words. */
#include "../harness.h"

#include "images.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>

FIXTURE(image) {
	struct image *image;
	struct ivm_definition def;
	struct ivm_manifest manifest;
	int built;
};

FIXTURE_SETUP(image)
{
	self->image = calloc(1, sizeof(*self->image));
	ASSERT_NE(NULL, self->image);
	ivm_definition_init(&self->def, "t0");
	ASSERT_EQ(0, ivm_definition_set(&self->def, "memory", "64M"));
}

FIXTURE_TEARDOWN(image)
{
	if (self->built)
		ivm_manifest_free(&self->manifest);
	ivm_definition_free(&self->def);
	free(self->image);
}

/* Make a manifest of the image; the one before is freed. */
static int build(struct _test_data_image *self)
{
	char path[64];
	int fd, err;

	if (self->built)
		ivm_manifest_free(&self->manifest);
	fd = image_file(self->image->bytes, self->image->size, path);
	if (ivm_definition_set(&self->def, "kernel", path))
		abort();
	err = ivm_manifest_build(&self->manifest, &self->def);
	self->built = 1;
	close(fd);
	return err;
}

static int refused(struct _test_data_image *self, const char *why)
{
	int err = build(self);

	if (err < 0 && strstr(ivm_failure(), why))
		return 1;
	printf("# expected \"%s\", found %d \"%s\"\n", why, err, err ? ivm_failure() : "");
	return 0;
}

TEST_F(image, bzimage)
{
	struct ivm_boot_regs *regs = &self->manifest.regs;
	struct boot_params params;
	unsigned char payload[16384];
	uint64_t table[512], gdt[4];
	char cmdline[16];

	bzimage_make(self->image);
	ASSERT_EQ(0, ivm_definition_set(&self->def, "cmdline", "a=b c"));
	ASSERT_EQ(0, build(self)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(NULL, manifest_flaw(&self->manifest)) TH_LOG("%s", manifest_flaw(&self->manifest));
	EXPECT_EQ(0x1000200, regs->rip);
	EXPECT_EQ(2, regs->rflags);
	EXPECT_EQ(0x80000031, regs->cr0);
	EXPECT_EQ(0x20, regs->cr4);
	EXPECT_EQ(0x500, regs->efer);
	EXPECT_EQ(0x10, regs->cs.selector);
	EXPECT_EQ(0xa9b, regs->cs.attr);
	EXPECT_EQ(0x18, regs->ds.selector);
	EXPECT_EQ(0xc93, regs->ds.attr);
	guest_read(&self->manifest, 0x1000000, payload, sizeof(payload));
	EXPECT_EQ(0, memcmp(payload, self->image->bytes + 5 * 512, sizeof(payload)));

	guest_read(&self->manifest, regs->gpr[6], &params, sizeof(params));
	EXPECT_EQ(0x53726448, params.hdr.header);
	EXPECT_EQ(0xff, params.hdr.type_of_loader);
	EXPECT_EQ(0, params.hdr.ramdisk_size);
	EXPECT_EQ(self->manifest.rsdp, params.acpi_rsdp_addr);
	guest_read(&self->manifest, params.hdr.cmd_line_ptr, cmdline, sizeof(cmdline));
	EXPECT_STREQ("a=b c", cmdline);
	ASSERT_EQ(3, params.e820_entries);
	EXPECT_EQ(0, params.e820_table[0].addr);
	EXPECT_EQ(0x9fc00, params.e820_table[0].size);
	EXPECT_EQ(2, params.e820_table[1].type);
	EXPECT_EQ(0x100000, params.e820_table[2].addr);
	EXPECT_EQ((64 << 20) - 0x100000, params.e820_table[2].size);

	guest_read(&self->manifest, regs->gdtr.base, gdt, sizeof(gdt));
	EXPECT_EQ(31, regs->gdtr.limit);
	EXPECT_EQ(0x00af9b000000ffff, gdt[2]);
	EXPECT_EQ(0x00cf93000000ffff, gdt[3]);

	/* Walk the page tables over the first 4 GiB: virtual is physical, and nothing beyond is mapped. */
	guest_read(&self->manifest, regs->cr3, table, sizeof(table));
	EXPECT_EQ(0, table[1]);
	guest_read(&self->manifest, table[0] & ~0xfffULL, table, sizeof(table));
	EXPECT_EQ(0, table[4]);
	for (uint64_t gib = 0; gib < 4; gib++) {
		uint64_t pd[512];

		guest_read(&self->manifest, table[gib] & ~0xfffULL, pd, sizeof(pd));
		for (uint64_t i = 0; i < 512; i++)
			ASSERT_EQ((gib << 30 | i << 21) | 0x83, pd[i]);
	}
}

TEST_F(image, memory_beyond_the_hole)
{
	struct boot_params params;

	bzimage_make(self->image);
	ASSERT_EQ(0, ivm_definition_set(&self->def, "memory", "5G"));
	ASSERT_EQ(0, build(self)) TH_LOG("%s", ivm_failure());
	guest_read(&self->manifest, self->manifest.regs.gpr[6], &params, sizeof(params));
	ASSERT_EQ(4, params.e820_entries);
	EXPECT_EQ(0xc0000000 - 0x100000, params.e820_table[2].size);
	EXPECT_EQ(0x100000000, params.e820_table[3].addr);
	EXPECT_EQ(2ULL << 30, params.e820_table[3].size);
}

TEST_F(image, initrd_lies_high_and_below_its_limit)
{
	struct boot_params params;
	char path[64], back[16];
	int fd = memfd_create("initrd", 0);

	ASSERT_EQ(0, ftruncate(fd, 5000001));
	ASSERT_EQ(16, pwrite(fd, "0123456789abcdef", 16, 5000001 - 16));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ASSERT_EQ(0, ivm_definition_set(&self->def, "initrd", path));
	bzimage_make(self->image);
	ASSERT_EQ(0, build(self)) TH_LOG("%s", ivm_failure());
	guest_read(&self->manifest, self->manifest.regs.gpr[6], &params, sizeof(params));
	EXPECT_EQ(5000001, params.hdr.ramdisk_size);
	EXPECT_EQ(((64 << 20) - 5000001) & ~0xfff, params.hdr.ramdisk_image);
	guest_read(&self->manifest, params.hdr.ramdisk_image + 5000001 - 16, back, 16);
	EXPECT_EQ(0, memcmp("0123456789abcdef", back, 16));

	/* A limit below the top of memory, and memory beyond 4 GiB. */
	bzimage_header(self->image)->initrd_addr_max = 0x37ffffff;
	ASSERT_EQ(0, ivm_definition_set(&self->def, "memory", "8G"));
	ASSERT_EQ(0, build(self)) TH_LOG("%s", ivm_failure());
	guest_read(&self->manifest, self->manifest.regs.gpr[6], &params, sizeof(params));
	EXPECT_EQ((0x38000000 - 5000001) & ~0xfff, params.hdr.ramdisk_image);

	/* No room: more than memory; more than what the kernel leaves. */
	ASSERT_EQ(0, ivm_definition_set(&self->def, "memory", "4M"));
	EXPECT_TRUE(refused(self, "has 5000001 bytes, more than the VM's memory of 4M (4194304 bytes)"));
	ASSERT_EQ(0, ivm_definition_set(&self->def, "memory", "64M"));
	ASSERT_EQ(0, ftruncate(fd, 50 << 20));
	EXPECT_TRUE(refused(self, "the initrd has 52428800 bytes and finds no room in the VM's memory of 64M"));
	close(fd);
}

TEST_F(image, bad_bzimages)
{
	struct setup_header *hdr = bzimage_header(self->image);
	char *long_line;

#define BAD(change, why) do { bzimage_make(self->image); change; EXPECT_TRUE(refused(self, why)); } while (0)
	BAD(self->image->size--, "is truncated: its header announces 18944 bytes, but the file has 18943");
	BAD(self->image->size = 2560, "is truncated");
	BAD(self->image->size = 0x250, "is truncated");
	BAD(self->image->size = 0x210, "is truncated");
	BAD(self->image->size = 0x207, "is not a kernel");
	BAD(self->image->size = 1, "is not a kernel");
	BAD(self->image->size = 0, "is empty");
	BAD(hdr->setup_sects = 200, "is truncated");
	BAD(hdr->syssize = 0, "announces a payload of 0 bytes");
	BAD(hdr->syssize = 32, "announces a payload of 512 bytes, too few");
	BAD(hdr->syssize = 0xffffffff, "is truncated");
	BAD(hdr->version = 0x20b, "speaks boot protocol 2.11");
	BAD(hdr->loadflags = 0, "is a zImage");
	BAD(hdr->xloadflags = 0, "has no 64-bit entry");
	BAD(hdr->jump = 0xeb, "zImage");		/* a header that ends before its fields */
	BAD(hdr->header = 0, "is not a kernel");
	BAD(hdr->boot_flag = 0, "is not a kernel");
	BAD(hdr->pref_address = 0, "wants to load at 0x0");
	BAD(hdr->pref_address = 0xff000, "wants to load at 0xff000");
	BAD(hdr->pref_address = 0x1000001, "wants to load at 0x1000001");
	BAD(hdr->pref_address = 0xfffffffffffff000, "beyond the VM's memory of 64M");
	BAD(hdr->pref_address = 64 << 20, "beyond the VM's memory of 64M");
	BAD(hdr->init_size = 0xffffffff, "the kernel needs 4294967295 bytes");
	BAD(hdr->init_size = 49 << 20, "the kernel needs 51380224 bytes");
	ASSERT_EQ(0, ivm_definition_set(&self->def, "memory", "8G"));
	BAD(hdr->pref_address = 0x100000000, "expected an address below 3 GiB");
	BAD(hdr->pref_address = 0xc0000000 - 4096, "beyond the VM's memory of 8G");

	long_line = ivm_zalloc(1, 2049);
	memset(long_line, 'x', 2048);
	ASSERT_EQ(0, ivm_definition_set(&self->def, "cmdline", long_line));
	BAD((void)0, "cmdline has 2048 bytes, but the kernel");
	long_line[2047] = '\0';
	ASSERT_EQ(0, ivm_definition_set(&self->def, "cmdline", long_line));
	bzimage_make(self->image);
	EXPECT_EQ(0, build(self)) TH_LOG("%s", ivm_failure());
	free(long_line);
	ASSERT_EQ(0, ivm_definition_set(&self->def, "modules", "/dev/null"));
	BAD((void)0, "is not a regular file");
	ASSERT_EQ(0, ivm_definition_set(&self->def, "modules", "/proc/self/exe"));
	BAD((void)0, "takes an initrd but no modules");
}

/* What hostile fields may change: nothing that the guest is told by us. */
TEST_F(image, bzimage_fields_of_ours_are_ours)
{
	struct setup_header *hdr = bzimage_header(self->image);
	struct boot_params params;

	bzimage_make(self->image);
	hdr->ramdisk_image = 0x1234;
	hdr->ramdisk_size = 0x1234;
	hdr->cmd_line_ptr = 0xffffffff;
	hdr->setup_data = 0x1234;
	hdr->loadflags |= CAN_USE_HEAP;
	ASSERT_EQ(0, build(self)) TH_LOG("%s", ivm_failure());
	guest_read(&self->manifest, self->manifest.regs.gpr[6], &params, sizeof(params));
	EXPECT_EQ(0, params.hdr.setup_data);
	EXPECT_EQ(0, params.hdr.loadflags & CAN_USE_HEAP);
	EXPECT_EQ(0, params.hdr.ramdisk_image | params.hdr.ramdisk_size);
	EXPECT_EQ(0x3000, params.hdr.cmd_line_ptr);
}

struct pvh_start {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modules, cmdline, rsdp, memmap;
	uint32_t nr_memmap, reserved;
};

TEST_F(image, pvh)
{
	char path[2][64], text[64];
	struct pvh_start start;
	uint64_t module[2][4];
	struct { uint64_t start, size; uint32_t type, reserved; } memory[3];
	int fd[2];

	elf64_make(self->image);
	fd[0] = image_file("initrd", 6, path[0]);
	fd[1] = image_file("module", 6, path[1]);
	ASSERT_EQ(0, ivm_definition_set(&self->def, "initrd", path[0]));
	snprintf(text, sizeof(text), "%.48s a=b", path[1]);
	ASSERT_EQ(0, ivm_definition_set(&self->def, "modules", text));
	ASSERT_EQ(0, ivm_definition_set(&self->def, "cmdline", "hello"));
	ASSERT_EQ(0, build(self)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(NULL, manifest_flaw(&self->manifest)) TH_LOG("%s", manifest_flaw(&self->manifest));
	EXPECT_STREQ("PVH", self->manifest.format);
	EXPECT_EQ(0x100010, self->manifest.regs.rip);
	EXPECT_EQ(0x11, self->manifest.regs.cr0);
	EXPECT_EQ(0, self->manifest.regs.cr4);
	EXPECT_EQ(0, self->manifest.regs.efer);
	EXPECT_EQ(0xc9b, self->manifest.regs.cs.attr);
	guest_read(&self->manifest, self->manifest.regs.gpr[3], &start, sizeof(start));
	EXPECT_EQ(0x336ec578, start.magic);
	EXPECT_EQ(1, start.version);
	EXPECT_EQ(self->manifest.rsdp, start.rsdp);
	ASSERT_EQ(2, start.nr_modules);
	guest_read(&self->manifest, start.modules, module, sizeof(module));
	EXPECT_EQ(0x104000, module[0][0]);	/* behind the bss */
	EXPECT_EQ(6, module[0][1]);
	EXPECT_EQ(0x105000, module[1][0]);
	guest_read(&self->manifest, module[1][0], text, 6);
	EXPECT_EQ(0, memcmp("module", text, 6));
	guest_read(&self->manifest, module[1][2], text, sizeof(text));
	EXPECT_NE(NULL, strstr(text, " a=b"));
	guest_read(&self->manifest, start.cmdline, text, sizeof(text));
	EXPECT_STREQ("hello", text);
	ASSERT_EQ(3, start.nr_memmap);
	guest_read(&self->manifest, start.memmap, memory, sizeof(memory));
	EXPECT_EQ(0x100000, memory[2].start);
	EXPECT_EQ((64 << 20) - 0x100000, memory[2].size);
	EXPECT_EQ(1, memory[2].type);
	close(fd[0]);
	close(fd[1]);
}

TEST_F(image, bad_elfs)
{
	struct elf64 *elf = (struct elf64 *)self->image->bytes;

#undef BAD
#define BAD(change, why) do { elf64_make(self->image); change; EXPECT_TRUE(refused(self, why)); } while (0)
	BAD(elf->ehdr.e_ident[EI_CLASS] = 3, "not a little-endian one");
	BAD(elf->ehdr.e_ident[EI_DATA] = ELFDATA2MSB, "not a little-endian one");
	BAD(elf->ehdr.e_machine = EM_AARCH64, "for machine 183; expected x86");
	BAD(elf->ehdr.e_type = ET_REL, "of type 1; expected an executable");
	BAD(elf->ehdr.e_phnum = 0, "has 0 program headers");
	BAD(elf->ehdr.e_phnum = 0xffff, "has 65535 program headers");
	BAD(elf->ehdr.e_phnum = 128, "");
	BAD(elf->ehdr.e_phentsize = 32, "program headers of 32 bytes");
	BAD(elf->ehdr.e_phoff = UINT64_MAX, "its program headers are at offset");
	BAD(elf->ehdr.e_phoff = self->image->size - 1, "is truncated");
	BAD(self->image->size = 40, "is truncated");
	BAD(self->image->size--, "is truncated: a segment has 256 bytes");
	BAD(elf->load.p_filesz = 4097, "4096 bytes in memory but 4097 in the file");
	BAD(elf->load.p_offset = UINT64_MAX, "is truncated");
	BAD((elf->load.p_filesz = UINT64_MAX, elf->load.p_memsz = UINT64_MAX), "is truncated");
	BAD(elf->bss.p_memsz = UINT64_MAX, "beyond the VM's memory");
	BAD(elf->bss.p_memsz = 64 << 20, "beyond the VM's memory");
	BAD(elf->bss.p_paddr = 0x100fff, "the kernel (0x100fff, 8192 bytes) overlaps the kernel (0x100000, 4096 bytes)");
	BAD(elf->load.p_paddr = 0xe0000, "overlaps the ACPI tables");
	BAD(elf->load.p_paddr = UINT64_MAX - 10, "beyond the VM's memory");
	BAD(elf->load.p_paddr = 0xd0000000, "beyond the VM's memory");
	BAD((elf->load.p_type = PT_NULL, elf->bss.p_type = PT_NULL), "without a segment to load");
	BAD(elf->note.p_type = PT_NULL, "neither a PVH note nor a multiboot header");
	BAD(elf->nhdr.n_type = 17, "neither a PVH note");
	BAD(elf->nhdr.n_namesz = 3, "neither a PVH note");
	BAD(elf->nhdr.n_namesz = 0xffffffff, "neither a PVH note");
	BAD(elf->nhdr.n_descsz = 0xffffffff, "neither a PVH note");
	BAD(elf->nhdr.n_descsz = 16, "neither a PVH note");
	BAD(memcpy(elf->name, "Yen", 4), "neither a PVH note");
	BAD(elf->note.p_filesz = 11, "neither a PVH note");
	BAD(elf->note.p_offset = UINT64_MAX - 3, "is truncated");
}

TEST_F(image, too_many_segments)
{
	Elf64_Phdr *phdrs = (Elf64_Phdr *)(self->image->bytes + 4096);
	struct elf64 *elf = elf64_make(self->image);

	elf->ehdr.e_phoff = 4096;
	elf->ehdr.e_phnum = 34;
	self->image->size = 4096 + 34 * sizeof(*phdrs);
	for (unsigned int i = 0; i < 33; i++)
		phdrs[i] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_paddr = 0x100000 + i * 4096, .p_filesz = 1, .p_memsz = 1 };
	phdrs[33] = elf->note;
	EXPECT_TRUE(refused(self, "more than 32 segments"));
	phdrs[32].p_type = PT_NULL;
	EXPECT_EQ(0, build(self)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(NULL, manifest_flaw(&self->manifest)) TH_LOG("%s", manifest_flaw(&self->manifest));
}

struct mb_info {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods, symbols[4], mmap_length, mmap;
	uint32_t drives_length, drives, config, loader;
};

TEST_F(image, multiboot_elf)
{
	struct elf64 *elf = elf64_make(self->image);
	struct mb_info info;
	uint32_t module[4], entry[6];
	char path[64], text[128];
	int fd = image_file("module", 6, path);

	elf->note.p_type = PT_NULL;
	multiboot_header(elf->multiboot, 3);
	ASSERT_EQ(0, ivm_definition_set(&self->def, "modules", path));
	ASSERT_EQ(0, ivm_definition_set(&self->def, "cmdline", "x y"));
	ASSERT_EQ(0, build(self)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(NULL, manifest_flaw(&self->manifest)) TH_LOG("%s", manifest_flaw(&self->manifest));
	EXPECT_EQ(0x100020, self->manifest.regs.rip);	/* virtual 0xffffffff80100020 */
	EXPECT_EQ(0x2badb002, self->manifest.regs.gpr[0]);
	guest_read(&self->manifest, self->manifest.regs.gpr[3], &info, sizeof(info));
	EXPECT_EQ(0x24d, info.flags);
	EXPECT_EQ(639, info.mem_lower);
	EXPECT_EQ(63 * 1024, info.mem_upper);
	guest_read(&self->manifest, info.cmdline, text, sizeof(text));
	EXPECT_EQ(text + strlen(self->def.kernel), strstr(text, " x y"));
	guest_read(&self->manifest, info.loader, text, sizeof(text));
	EXPECT_STREQ("ivm", text);
	ASSERT_EQ(1, info.mods_count);
	guest_read(&self->manifest, info.mods, module, sizeof(module));
	EXPECT_EQ(6, module[1] - module[0]);
	EXPECT_EQ(0, module[0] % 4096);
	guest_read(&self->manifest, module[2], text, sizeof(text));
	EXPECT_STREQ(path, text);
	ASSERT_EQ(3 * 24, info.mmap_length);
	guest_read(&self->manifest, info.mmap + 24, entry, sizeof(entry));
	EXPECT_EQ(20, entry[0]);
	EXPECT_EQ(0x9fc00, entry[1]);
	EXPECT_EQ(2, entry[5]);
	close(fd);
}

TEST_F(image, multiboot_elf32)
{
	struct { Elf32_Ehdr ehdr; Elf32_Phdr load; uint32_t words[8]; char body[64]; } *elf = (void *)self->image->bytes;
	unsigned char byte;

	self->image->size = sizeof(*elf);
	memcpy(elf->ehdr.e_ident, ELFMAG "\1\1\1", 7);
	elf->ehdr.e_type = ET_EXEC;
	elf->ehdr.e_machine = EM_386;
	elf->ehdr.e_entry = 0x400004;
	elf->ehdr.e_phoff = sizeof(elf->ehdr);
	elf->ehdr.e_phentsize = sizeof(elf->load);
	elf->ehdr.e_phnum = 1;
	elf->load.p_type = PT_LOAD;
	elf->load.p_offset = sizeof(*elf) - 64;
	elf->load.p_vaddr = 0x400000;
	elf->load.p_paddr = 0x400000;
	elf->load.p_filesz = 64;
	elf->load.p_memsz = 64;
	multiboot_header(elf->words, 0);
	elf->body[4] = 0x55;
	ASSERT_EQ(0, build(self)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(0x400004, self->manifest.regs.rip);
	guest_read(&self->manifest, 0x400004, &byte, 1);
	EXPECT_EQ(0x55, byte);
	elf->ehdr.e_entry = 0x400040;
	EXPECT_TRUE(refused(self, "has its entry 0x400040 outside its segments"));
	elf->ehdr.e_phnum = 2;
	elf->ehdr.e_phoff = (uint32_t)self->image->size - 40;
	EXPECT_TRUE(refused(self, "is truncated"));
}

TEST_F(image, multiboot_flat)
{
	uint32_t *words = flat_make(self->image);
	unsigned char body[936];

	ASSERT_EQ(0, build(self)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(NULL, manifest_flaw(&self->manifest)) TH_LOG("%s", manifest_flaw(&self->manifest));
	EXPECT_EQ(0x200060, self->manifest.regs.rip);
	guest_read(&self->manifest, 0x200040, body, sizeof(body));
	EXPECT_EQ(0, memcmp(self->image->bytes + 64, body, sizeof(body)));
#undef BAD
#define BAD(change, why) do { flat_make(self->image); change; EXPECT_TRUE(refused(self, why)); } while (0)
	BAD(words[1] = 0x10002, "is not a kernel");	/* checksum */
	BAD(multiboot_header(words, 0x10007), "demands what IVM does not offer (header flags 0x4: a video mode)");
	BAD(multiboot_header(words, 0x18003), "header flags 0x8000: unknown");
	BAD(multiboot_header(words, 3), "is neither ELF nor does its header give load addresses");
	BAD(words[4] = 0x200044, "contradicts");
	BAD(words[4] = 0x1fffff, "contradicts");
	BAD(words[5] = 0x200040, "is truncated");
	BAD(words[5] = 0x200040 + 937, "is truncated");
	BAD(words[5] = 0xffffffff, "is truncated");
	BAD(words[6] = 0xffffffff, "beyond the VM's memory");
	BAD((words[3] = 0xe0040, words[4] = 0xe0040, words[5] = 0, words[6] = 0), "overlaps the ACPI tables");
	BAD(self->image->size = 64 + 31, "is not a kernel");	/* ends within the header */
	words = flat_make(self->image);
	words[5] = 0;		/* to the end of the file */
	words[6] = 0;
	EXPECT_EQ(0, build(self)) TH_LOG("%s", ivm_failure());
	/* The header must lie in the first 8 KiB. */
	memmove(self->image->bytes + 8192 - 28, words, 32);
	memset(words, 0, 32);
	self->image->size = 10000;
	EXPECT_TRUE(refused(self, "is not a kernel"));
}

TEST_F(image, files_that_are_no_kernel)
{
	static const struct { const char *path, *why; } cases[] = {
		{ "/nonexistent/vmlinuz", "No such file or directory" },
		{ "/etc", "/etc is a directory; expected a file" },
		{ "/dev/zero", "is not a regular file" },
		{ "/dev/null", "is not a regular file" },
		{ "/bin/sh", "neither a PVH note nor a multiboot header" },
		{ "/etc/passwd", "is not a kernel" },
		{ "/proc/version", "is empty" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ASSERT_EQ(0, ivm_definition_set(&self->def, "kernel", cases[i].path));
		EXPECT_GT(0, ivm_manifest_build(&self->manifest, &self->def));
		EXPECT_NE(NULL, strstr(ivm_failure(), cases[i].why)) TH_LOG("%s: %s", cases[i].path, ivm_failure());
		EXPECT_NE(NULL, strstr(ivm_failure(), cases[i].path)) TH_LOG("%s", ivm_failure());
		ivm_manifest_free(&self->manifest);
	}
	if (!geteuid())		/* root may read everything: be somebody else */
		ASSERT_EQ(0, seteuid(65534));
	ASSERT_EQ(0, ivm_definition_set(&self->def, "kernel", "/etc/shadow"));
	EXPECT_EQ(-EACCES, ivm_manifest_build(&self->manifest, &self->def));
	ivm_manifest_free(&self->manifest);
}

TEST_F(image, blobs_are_sealed)
{
	bzimage_make(self->image);
	ASSERT_EQ(0, build(self)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(-1, pwrite(self->manifest.memfd, "x", 1, 0));
	EXPECT_EQ(-1, ftruncate(self->manifest.memfd, 0));
	EXPECT_EQ(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE, fcntl(self->manifest.memfd, F_GET_SEALS));
}

/* Every single bit of the headers flipped, and every truncation: a manifest without flaw, or a refusal. */
TEST_F(image, each_flipped_bit_and_each_length)
{
	for (int kind = 0; kind < 3; kind++) {
		static struct image good;
		size_t header = kind == 0 ? 0x290 : kind == 1 ? sizeof(struct elf64) - 256 : 96, built = 0;

		if (kind == 0)
			bzimage_make(&good);
		else if (kind == 1)
			elf64_make(&good);
		else
			flat_make(&good);
		for (size_t bit = kind == 0 ? 0x1f1 * 8 : 0; bit < header * 8; bit++) {
			*self->image = good;
			self->image->bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
			if (build(self))
				continue;
			built++;
			ASSERT_EQ(NULL, manifest_flaw(&self->manifest))
				TH_LOG("kind %d bit %zu: %s", kind, bit, manifest_flaw(&self->manifest));
		}
		EXPECT_LT(100, built);
		for (size_t size = 0; size < good.size; size += size < 1024 ? 1 : 512) {
			*self->image = good;
			self->image->size = size;
			ASSERT_GT(0, build(self)) TH_LOG("kind %d size %zu", kind, size);
		}
	}
}

/* A Debian kernel, if there is one. */
static char *real_kernel(void)
{
	const char *given = getenv("IVM_TEST_KERNEL"), *cache = getenv("XDG_CACHE_HOME");
	char *pattern, *path;
	glob_t found;
	int err;

	if (given && *given)
		return strdup(given);
	err = glob("/boot/vmlinuz-*", 0, NULL, &found);
	if (err) {
		pattern = ivm_format("%s%s/ivm/kernel-*/vmlinuz", cache ?: getenv("HOME") ?: "", cache ? "" : "/.cache");
		err = glob(pattern, 0, NULL, &found);
		free(pattern);
	}
	if (err)
		return NULL;
	path = strdup(found.gl_pathv[0]);
	globfree(&found);
	return path;
}

TEST_F(image, debian_kernel)
{
	char *path = real_kernel(), copy[64];
	unsigned char bytes[2][4096];
	struct ivm_segment *payload = NULL;
	struct setup_header *hdr;
	struct boot_params head;
	off_t size;
	int fd, part;

	if (!path)
		SKIP(return, "no kernel in /boot or the lab's cache, and IVM_TEST_KERNEL is not set");
	ASSERT_EQ(0, ivm_definition_set(&self->def, "kernel", path));
	ASSERT_EQ(0, ivm_definition_set(&self->def, "memory", "512M"));
	ASSERT_EQ(0, ivm_manifest_build(&self->manifest, &self->def)) TH_LOG("%s: %s", path, ivm_failure());
	self->built = 1;
	EXPECT_EQ(NULL, manifest_flaw(&self->manifest)) TH_LOG("%s", manifest_flaw(&self->manifest));
	EXPECT_STREQ("bzImage", self->manifest.format);
	fd = open(path, O_RDONLY);
	ASSERT_EQ(sizeof(head), pread(fd, &head, sizeof(head), 0));
	hdr = &head.hdr;
	for (uint32_t i = 0; i < self->manifest.count; i++)
		if (self->manifest.segments[i].gpa == hdr->pref_address)
			payload = &self->manifest.segments[i];
	ASSERT_NE(NULL, payload);
	EXPECT_EQ(hdr->syssize * 16ULL, payload->size);
	EXPECT_EQ(hdr->pref_address + 0x200, self->manifest.regs.rip);
	ASSERT_EQ(4096, pread(fd, bytes[0], 4096, (hdr->setup_sects + 1) * 512 + 4096));
	guest_read(&self->manifest, hdr->pref_address + 4096, bytes[1], 4096);
	EXPECT_EQ(0, memcmp(bytes[0], bytes[1], 4096));
	ivm_manifest_free(&self->manifest);

	/* The same file cut in half. */
	size = lseek(fd, 0, SEEK_END) / 2;
	part = memfd_create("half", 0);
	ASSERT_EQ(0, lseek(fd, 0, SEEK_SET));
	for (off_t left = size; left > 0;) {
		ssize_t got = read(fd, bytes[0], left < 4096 ? (size_t)left : 4096);

		ASSERT_LT(0, got);
		ASSERT_EQ(got, write(part, bytes[0], (size_t)got));
		left -= got;
	}
	snprintf(copy, sizeof(copy), "/proc/self/fd/%d", part);
	ASSERT_EQ(0, ivm_definition_set(&self->def, "kernel", copy));
	EXPECT_EQ(-ENOEXEC, ivm_manifest_build(&self->manifest, &self->def));
	EXPECT_NE(NULL, strstr(ivm_failure(), "is truncated"));
	close(part);
	close(fd);
	free(path);
}

TEST_HARNESS_MAIN
