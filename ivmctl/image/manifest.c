// SPDX-License-Identifier: GPL-2.0-only
#include "manifest.h"

#include "../fail.h"
#include "../text.h"
#include "acpi.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define IVM_BLOBS_MAX	(1U << 20)

static int ivm_manifest_add(struct ivm_manifest *manifest, const struct ivm_segment *segment)
{
	if (manifest->count == IVM_SEGMENTS_MAX)
		return ivm_fail(E2BIG, "the kernel %s and what belongs to it have more than %d pieces",
				manifest->kernel.path, IVM_SEGMENTS_MAX);
	manifest->segments[manifest->count++] = *segment;
	return 0;
}

int ivm_manifest_add_file(struct ivm_manifest *manifest, const struct ivm_file *file,
			  uint64_t offset, uint64_t size, uint64_t gpa)
{
	if (offset > file->size || size > file->size - offset)
		return ivm_fail(EINVAL, "the %s %s is truncated: %llu bytes are needed from offset %llu on, but it has %llu bytes in all",
				file->what, file->path, (unsigned long long)size, (unsigned long long)offset,
				(unsigned long long)file->size);
	return ivm_manifest_add(manifest, &(struct ivm_segment){
		.fd = file->fd, .offset = offset, .size = size, .gpa = gpa });
}

int ivm_manifest_add_blob(struct ivm_manifest *manifest, const void *data, size_t size, uint64_t gpa)
{
	struct ivm_segment segment = { .fd = -1, .offset = manifest->blobs_size, .size = size, .gpa = gpa };
	unsigned char *grown;

	if (size > IVM_BLOBS_MAX - manifest->blobs_size)
		return ivm_fail(E2BIG, "boot parameters have more than %u bytes", IVM_BLOBS_MAX);
	grown = realloc(manifest->blobs, manifest->blobs_size + size);
	if (!grown)
		return ivm_fail(ENOMEM, "out of memory");
	memcpy(grown + manifest->blobs_size, data, size);
	manifest->blobs = grown;
	manifest->blobs_size += size;
	return ivm_manifest_add(manifest, &segment);
}

/* Put the blobs into a memfd that nobody can change any more. */
static int ivm_manifest_seal(struct ivm_manifest *manifest)
{
	const unsigned char *data = manifest->blobs;
	uint64_t left = manifest->blobs_size;

	manifest->memfd = memfd_create("ivm-boot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (manifest->memfd < 0)
		return ivm_fail(errno, "cannot create a memfd for the boot parameters: %s", strerror(errno));
	while (left) {
		ssize_t put = write(manifest->memfd, data, left);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return ivm_fail(errno, "cannot write the boot parameters: %s", strerror(errno));
		data += put;
		left -= (uint64_t)put;
	}
	if (fcntl(manifest->memfd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return ivm_fail(errno, "cannot seal the boot parameters: %s", strerror(errno));
	for (uint32_t i = 0; i < manifest->count; i++)
		if (manifest->segments[i].fd < 0)
			manifest->segments[i].fd = manifest->memfd;
	return 0;
}

static int ivm_manifest_open(struct ivm_manifest *manifest)
{
	const struct ivm_definition *def = manifest->def;
	int err = ivm_file_open(&manifest->kernel, "kernel", def->kernel);

	if (!err && def->initrd) {
		err = ivm_file_open(&manifest->initrd, "initrd", def->initrd);
		if (!err && manifest->initrd.size > def->memory) {
			char memory[IVM_SIZE_TEXT];

			return ivm_fail(ENOMEM, "the initrd %s has %llu bytes, more than the VM's memory of %s (%llu bytes)",
					def->initrd, (unsigned long long)manifest->initrd.size,
					ivm_size_text(def->memory, memory), (unsigned long long)def->memory);
		}
	}
	for (size_t i = 0; !err && i < def->nr_modules; i++) {
		const char *text = def->modules[i];

		manifest->module_paths[i] = ivm_format("%.*s", (int)strcspn(text, " "), text);
		err = ivm_file_open(&manifest->modules[i], "module", manifest->module_paths[i]);
	}
	return err;
}

static int ivm_manifest_load(struct ivm_manifest *manifest)
{
	static int (*const loaders[])(struct ivm_manifest *manifest) = {
		ivm_load_bzimage, ivm_load_elf, ivm_load_multiboot_flat,
	};
	int err;

	for (size_t i = 0; i < IVM_COUNT(loaders); i++) {
		err = loaders[i](manifest);
		if (err <= 0)
			return err;
	}
	return ivm_fail(ENOEXEC, "%s is not a kernel that IVM can boot; expected a Linux bzImage, an ELF file with a PVH note, or a multiboot kernel",
			manifest->kernel.path);
}

int ivm_manifest_build(struct ivm_manifest *manifest, const struct ivm_definition *def)
{
	int err;

	memset(manifest, 0, sizeof(*manifest));
	manifest->def = def;
	manifest->memfd = -1;
	ivm_map_init(&manifest->map, def->memory);
	err = ivm_manifest_open(manifest);
	if (!err)
		err = ivm_acpi_load(manifest);
	if (!err)
		err = ivm_manifest_load(manifest);
	if (!err)
		err = ivm_manifest_seal(manifest);
	return err;
}

void ivm_manifest_free(struct ivm_manifest *manifest)
{
	ivm_file_close(&manifest->kernel);
	ivm_file_close(&manifest->initrd);
	for (size_t i = 0; i < IVM_MODULES_MAX; i++) {
		ivm_file_close(&manifest->modules[i]);
		free(manifest->module_paths[i]);
		manifest->module_paths[i] = NULL;
	}
	if (manifest->memfd >= 0)
		close(manifest->memfd);
	manifest->memfd = -1;
	free(manifest->blobs);
	manifest->blobs = NULL;
}

void ivm_regs_flat32(struct ivm_boot_regs *regs, uint32_t entry)
{
	/* attr: G D P S, type 0xb code (read, accessed) or 3 data (write, accessed) */
	const struct ivm_segreg code = { .selector = 0x10, .attr = 0xc9b, .limit = 0xffffffff };
	const struct ivm_segreg data = { .selector = 0x18, .attr = 0xc93, .limit = 0xffffffff };

	memset(regs, 0, sizeof(*regs));
	regs->rip = entry;
	regs->rflags = 0x2;
	regs->cr0 = 0x11;	/* PE, ET */
	regs->cs = code;
	regs->ds = regs->es = regs->fs = regs->gs = regs->ss = data;
	regs->tr = (struct ivm_segreg){ .attr = 0x8b, .limit = 0x67 };	/* busy 32-bit TSS */
	regs->ldtr = (struct ivm_segreg){ .attr = 0x82, .limit = 0xffff };
}
